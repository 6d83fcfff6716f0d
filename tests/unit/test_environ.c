/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What malloc takes from the environment: from /proc's bytes to mp_, by each version's rules. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/run/world.h"
#include "probes/parse_environ.h"

#define BYTES(text) text, sizeof(text) - 1

/* An exact copy, so that a sanitizer sees any step behind its end. */
static struct process_facts parse(const char *text, size_t len)
{
	struct process_facts facts = { 0 };
	char *copy = malloc(len ? len : 1);

	memcpy(copy, text, len);
	parse_environ(copy, len, &facts);
	free(copy);
	return facts;
}

static void assert_kept(struct process_facts facts, const char *text, size_t len)
{
	assert_true(facts.has_malloc_environ);
	assert_int_equal(facts.malloc_environ_len, len);
	assert_memory_equal(facts.malloc_environ, text, len);
}

static void only_what_malloc_heeds_is_kept(void **state)
{
	(void)state;
	assert_kept(parse(BYTES("PATH=/bin\0MALLOC_ARENA_MAX=2\0XMALLOC_A=1\0MALLOC_TOP_PAD_=5")),
	            BYTES("MALLOC_ARENA_MAX=2\0MALLOC_TOP_PAD_=5\0"));
	assert_kept(parse("", 0), "", 0);
	assert_kept(parse(BYTES("\0\0\0glibc.malloc.perturb=1\0")), "", 0);
}

static void values_that_the_loader_cut_off_are_joined(void **state)
{
	(void)state;
	assert_kept(parse(BYTES("GLIBC_TUNABLES=glibc.malloc.a=1\0glibc.x=2:glibc.malloc.b=3\0C=1\0"
	                        "glibc.malloc.d=4\0")),
	            BYTES("GLIBC_TUNABLES=glibc.malloc.a=1:glibc.x=2:glibc.malloc.b=3\0"));
}

static void too_much_is_unknown(void **state)
{
	char *text = malloc(8192);
	struct process_facts facts;

	(void)state;
	memset(text, 'x', 8192);
	memcpy(text, "MALLOC_A=", 9);
	facts = parse(text, 8192);
	assert_false(facts.has_malloc_environ);
	assert_int_equal(facts.malloc_environ_len, 0);
	free(text);
}

/* mp_.top_pad of a malloc that was started with `text`. */
static uint64_t top_pad_of(int minor, const char *text, size_t len)
{
	const struct world_start start = { .glibc_minor = minor, .kernel_major = -1 };
	struct world *world;
	struct err err;
	uint64_t value;

	assert_true(world_new(&start, &world, &err));
	pt_take_environ(&world->pt, text, len);
	value = image_get8(&world->image, world->pt.mp + world->pt.lay->par.top_pad);
	assert_int_equal(world->image.fault, IMAGE_OK);
	world_end(world);
	return value;
}

enum { UNSET = 128 << 10 };

static void each_version_reads_numbers_its_own_way(void **state)
{
	(void)state;
	assert_int_equal(top_pad_of(22, BYTES("MALLOC_TOP_PAD_=010x")), 10);
	assert_int_equal(top_pad_of(31, BYTES("MALLOC_TOP_PAD_=010x")), 8);
	assert_int_equal(top_pad_of(39, BYTES("MALLOC_TOP_PAD_=010x")), UNSET);
	assert_int_equal(top_pad_of(39, BYTES("MALLOC_TOP_PAD_=0x1F")), 31);
	assert_int_equal(top_pad_of(22, BYTES("MALLOC_TOP_PAD_=-1")), UINT64_MAX);
	assert_int_equal(top_pad_of(31, BYTES("MALLOC_TOP_PAD_=99999999999999999999")), UINT64_MAX);
	assert_int_equal(top_pad_of(36, BYTES("MALLOC_TOP_PAD_=")), 0);
}

static void a_program_with_more_rights_heeds_nothing(void **state)
{
	const uint64_t secure[] = { AT_PAGESZ, 4096, AT_SECURE, 1, AT_NULL, 0 };
	const uint64_t usual[] = { AT_SECURE, 0, AT_NULL, 0 },
	               ended[] = { AT_NULL, 0, AT_SECURE, 1 };
	const uint32_t narrow[] = { AT_UID, 0, AT_SECURE, 1 };
	const struct world_start start = { .glibc_minor = 36, .kernel_major = -1 };
	struct world *world;
	struct err err;

	(void)state;
	assert_true(parse_auxv_is_secure(secure, sizeof(secure), 8));
	assert_false(parse_auxv_is_secure(secure, 3 * sizeof(secure[0]), 8));
	assert_false(parse_auxv_is_secure(usual, sizeof(usual), 8));
	assert_false(parse_auxv_is_secure(ended, sizeof(ended), 8));
	assert_true(parse_auxv_is_secure(narrow, sizeof(narrow), 4));
	assert_true(world_new(&start, &world, &err));
	world->pt.is_secure = true;
	pt_take_environ(&world->pt, BYTES("MALLOC_TOP_PAD_=1"));
	assert_int_equal(image_get8(&world->image, world->pt.mp + world->pt.lay->par.top_pad),
	                 UNSET);
	world_end(world);
}

static void tunables_go_before_their_older_names(void **state)
{
	static const char both[] = "MALLOC_TOP_PAD_=1\0GLIBC_TUNABLES=glibc.malloc.top_pad=2\0"
	                           "MALLOC_TOP_PAD_=3";

	(void)state;
	assert_int_equal(top_pad_of(25, both, sizeof(both)), 3);
	assert_int_equal(top_pad_of(36, both, sizeof(both)), 2);
	assert_int_equal(top_pad_of(41, both, sizeof(both)), 2);
	assert_int_equal(top_pad_of(36, BYTES("MALLOC_TOP_PAD_=1\0MALLOC_TOP_PAD_=3")), 1);
	assert_int_equal(top_pad_of(41, BYTES("MALLOC_TOP_PAD_=1\0MALLOC_TOP_PAD_=3")), 3);
}

static void a_malformed_string_counts_for_nothing_since_2_39(void **state)
{
	static const char odd[] =
	        "GLIBC_TUNABLES=glibc.malloc.top_pad=4096:glibc.malloc.perturb=1=2";

	(void)state;
	assert_int_equal(top_pad_of(38, odd, sizeof(odd)), 4096);
	assert_int_equal(top_pad_of(39, odd, sizeof(odd)), UNSET);
}

static void any_bytes_are_taken(void **state)
{
	static const char *const pieces[] = { "GLIBC_TUNABLES=",
		                              "glibc.malloc.",
		                              "top_pad",
		                              "=",
		                              ":",
		                              "-",
		                              "0x",
		                              "\x80\xff",
		                              "99999999999999999999999",
		                              " ",
		                              "MALLOC_",
		                              "ARENA_MAX" };
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		char text[256];
		size_t len = 0, room = sizeof(text) - 32;
		struct process_facts facts;

		while (len < room && (random = random * 1664525 + 1013904223) >> 28) {
			const char *piece = pieces[(random >> 8) % 12];

			memcpy(text + len, piece, strlen(piece));
			len += strlen(piece);
			if (!(random >> 5 & 7))
				text[len++] = '\0';
		}
		facts = parse(text, len);
		(void)top_pad_of(22 + i % 22, facts.malloc_environ, facts.malloc_environ_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_malloc_heeds_is_kept),
		cmocka_unit_test(values_that_the_loader_cut_off_are_joined),
		cmocka_unit_test(too_much_is_unknown),
		cmocka_unit_test(each_version_reads_numbers_its_own_way),
		cmocka_unit_test(a_program_with_more_rights_heeds_nothing),
		cmocka_unit_test(tunables_go_before_their_older_names),
		cmocka_unit_test(a_malformed_string_counts_for_nothing_since_2_39),
		cmocka_unit_test(any_bytes_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
