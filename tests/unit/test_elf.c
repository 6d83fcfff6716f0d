/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading ELF files: this machine's real ones against the loader's view, and damaged ones. */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "probes/elf.h"

enum { DAMAGED_FILES = 300 };

/* --- the real thing ---------------------------------------------------------------------------- */

static struct elf_file *open_libc(uint64_t *ret_bias)
{
	struct elf_file *file;
	const char *why;
	Dl_info info;
	struct link_map *map;

	assert_true(dladdr1((void *)(uintptr_t)gnu_get_libc_version, &info, (void **)&map,
	                    RTLD_DL_LINKMAP));
	*ret_bias = map->l_addr;
	if (!elf_open(open(info.dli_fname, O_RDONLY), &file, &why))
		fail_msg("%s", why);
	return file;
}

static void symbols_are_where_the_loader_put_them(void **state)
{
	struct elf_symbol wanted[] = { { .name = "environ" },
		                       { .name = "stdout" },
		                       { .name = "no_such_symbol" } };
	uint64_t bias;
	struct elf_file *file = open_libc(&bias);

	(void)state;
	assert_true(elf_symbols(file, ELF_DYNSYM, wanted, 3));
	assert_int_equal(wanted[0].value + bias, (uintptr_t)dlsym(RTLD_NEXT, "environ"));
	assert_true(wanted[1].is_defined);
	assert_int_equal(wanted[1].value + bias, (uintptr_t)dlsym(RTLD_NEXT, "stdout"));
	assert_int_equal(wanted[1].size, sizeof(void *));
	assert_false(wanted[2].is_defined);
	elf_close(file);
}

struct pointer_check {
	uint64_t bias;
	const struct elf_file *file;
	uint64_t data_start, data_end;
	size_t seen, equal;
};

/* RELRO's words don't change: in memory they must be what the relocation says. */
static void check_pointer(void *ctx, uint64_t place, uint64_t value)
{
	struct pointer_check *c = ctx;
	uint64_t loaded;

	if (place >= c->data_start)
		return;
	memcpy(&loaded, (const void *)(uintptr_t)(place + c->bias), sizeof(loaded));
	c->seen++;
	c->equal += loaded == value + c->bias;
}

/* The bytes of the whole writable segment, where RELR's and REL's values lie. */
static uint8_t *writable_bytes(const struct elf_file *file, uint64_t *ret_start, size_t *ret_len)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const struct elf_segment *seg = &file->segments[i];
		uint8_t *bytes;

		if (seg->type != PT_LOAD || !(seg->flags & PF_W))
			continue;
		bytes = malloc(seg->filesz);
		assert_non_null(bytes);
		assert_int_equal(elf_read(file, seg->vaddr, bytes, seg->filesz), seg->filesz);
		*ret_start = seg->vaddr;
		*ret_len = seg->filesz;
		return bytes;
	}
	fail_msg("no writable segment");
	return NULL;
}

static void relocations_give_what_the_loader_wrote(void **state)
{
	struct pointer_check c = { 0 };
	struct elf_file *file = open_libc(&c.bias);
	uint64_t base = 0;
	size_t len = 0;
	uint8_t *bytes = writable_bytes(file, &base, &len);

	(void)state;
	c.file = file;
	assert_true(elf_data_range(file, &c.data_start, &c.data_end));
	elf_each_pointer(file, bytes, base, len, check_pointer, &c);
	assert_true(c.seen > 100);
	assert_int_equal(c.equal, c.seen);
	free(bytes);
	elf_close(file);
}

#if defined __x86_64__ || defined __aarch64__ || defined __i386__
struct tls_check {
	uint64_t bias;
	size_t seen, errnos;
};

static void check_tls_word(void *ctx, uint64_t place, uint64_t addend)
{
	struct tls_check *c = ctx;
	ptrdiff_t offset;

	(void)addend;
	memcpy(&offset, (const void *)(uintptr_t)(place + c->bias), sizeof(offset));
	c->seen++;
	c->errnos += (const char *)__builtin_thread_pointer() + offset == (const char *)&errno;
}

static void tls_words_lead_to_libcs_variables(void **state)
{
	struct tls_check c = { 0 };
	struct elf_file *file = open_libc(&c.bias);

	(void)state;
	elf_each_tls_word(file, check_tls_word, &c);
	assert_true(c.seen > 4);
	assert_int_equal(c.errnos, 1);
	elf_close(file);
}
#else
static void tls_words_lead_to_libcs_variables(void **state)
{
	(void)state;
	print_message("skip: not a machine whose relocations are known\n");
	skip();
}
#endif

static void the_build_id_is_the_one_in_memory(void **state)
{
	uint64_t bias;
	struct elf_file *file = open_libc(&bias);

	(void)state;
	for (size_t i = 0; i < file->segment_count; i++) {
		const struct elf_segment *seg = &file->segments[i];
		const char *note = (const char *)(uintptr_t)(seg->vaddr + bias);
		char hex[ELF_BUILD_ID_MAX] = "";

		if (seg->type != PT_NOTE || seg->filesz < 36 || memcmp(note + 8, "\3\0\0\0GNU", 8))
			continue;
		for (size_t k = 0; k < 20; k++)
			snprintf(hex + 2 * k, 3, "%02x", (uint8_t)note[16 + k]);
		assert_string_equal(file->build_id, hex);
	}
	elf_close(file);
}

static bool find_banner(void *ctx, const uint8_t *bytes, size_t len)
{
	bool *found = ctx;

	*found = memmem(bytes, len, "GNU C Library (", 15) != NULL;
	return !*found;
}

static void constants_hold_the_banner(void **state)
{
	uint64_t bias;
	struct elf_file *file = open_libc(&bias);
	bool found = false;

	(void)state;
	elf_each_constant(file, UINT64_MAX, 256, find_banner, &found);
	assert_true(found);
	assert_true(elf_has_section(file, ".dynsym"));
	assert_false(elf_has_section(file, ".go.buildinfo"));
	elf_close(file);
}

/* --- what is no ELF file ----------------------------------------------------------------------- */

static void other_files_are_refused(void **state)
{
	static const char *const paths[] = { "/dev/null", "/proc/self/maps", "/etc/passwd", "/" };
	struct elf_file *file;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_false(elf_open(open(paths[i], O_RDONLY), &file, &why));
		assert_non_null(why);
	}
	assert_false(elf_open(-1, &file, &why));
}

/* --- damage ------------------------------------------------------------------------------------ */

static void ignore_pointer(void *ctx, uint64_t place, uint64_t value)
{
	(void)place;
	*(uint64_t *)ctx += value;
}

static bool ignore_piece(void *ctx, const uint8_t *bytes, size_t len)
{
	*(uint64_t *)ctx += len ? bytes[0] + bytes[len - 1] : 0;
	return true;
}

/* Everything that is done with a target's file. */
static void use(int fd)
{
	struct elf_symbol wanted[] = { { .name = "malloc" }, { .name = "main_arena" } };
	uint64_t sum = 0, start = 0, end = 0;
	uint8_t bytes[4096] = { 0 };
	struct elf_file *file;
	const char *why;

	if (!elf_open(fd, &file, &why))
		return;
	elf_symbols(file, ELF_DYNSYM, wanted, 2);
	elf_symbols(file, ELF_SYMTAB, wanted, 2);
	elf_has_section(file, ".go.buildinfo");
	elf_each_constant(file, 1 << 20, 64, ignore_piece, &sum);
	elf_data_range(file, &start, &end);
	elf_read(file, start, bytes, sizeof(bytes));
	elf_each_pointer(file, bytes, start, sizeof(bytes), ignore_pointer, &sum);
	elf_each_tls_word(file, ignore_pointer, &sum);
	elf_close(file);
}

struct copy {
	uint8_t *bytes;
	size_t len;
};

static struct copy read_whole(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	struct copy copy;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	copy.len = (size_t)st.st_size;
	copy.bytes = malloc(copy.len);
	assert_true(copy.bytes && read(fd, copy.bytes, copy.len) == st.st_size);
	close(fd);
	return copy;
}

/* Places whose damage does something: the header, program headers, section headers. */
static size_t damaged_place(const struct copy *c)
{
	const Elf64_Ehdr *eh = (const void *)c->bytes;
	size_t at = (size_t)rand(), sections = eh->e_shnum * sizeof(Elf64_Shdr);

	switch (rand() % 4) {
	case 0:
		return at % sizeof(Elf64_Ehdr);
	case 1:
		return eh->e_phoff + at % (eh->e_phnum * sizeof(Elf64_Phdr));
	case 2:
		return eh->e_shoff + at % (sections ? sections : 1);
	default:
		return at % c->len;
	}
}

static void damage_and_use(const struct copy *c)
{
	static const uint8_t values[] = { 0, 1, 4, 7, 8, 0x7f, 0x80, 0xff };
	size_t places[16];
	uint8_t old[16];
	int count = 1 + rand() % 16;
	int fd = memfd_create("damaged", MFD_CLOEXEC);
	size_t len = rand() % 8 ? c->len : (size_t)rand() % c->len;

	for (int i = 0; i < count; i++) {
		places[i] = damaged_place(c) % c->len;
		old[i] = c->bytes[places[i]];
		c->bytes[places[i]] = values[(size_t)rand() % sizeof(values)];
	}
	assert_true(fd >= 0 && write(fd, c->bytes, len) == (ssize_t)len);
	use(fd);
	for (int i = count; i-- > 0;)
		c->bytes[places[i]] = old[i];
}

static void damaged_files_do_no_harm(void **state)
{
	struct copy c = read_whole("/proc/self/exe");

	(void)state;
	if (sizeof(void *) != 8)
		skip();
	srand(1);
	for (int i = 0; i < DAMAGED_FILES; i++)
		damage_and_use(&c);
	free(c.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_are_where_the_loader_put_them),
		cmocka_unit_test(relocations_give_what_the_loader_wrote),
		cmocka_unit_test(tls_words_lead_to_libcs_variables),
		cmocka_unit_test(the_build_id_is_the_one_in_memory),
		cmocka_unit_test(constants_hold_the_banner),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(damaged_files_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
