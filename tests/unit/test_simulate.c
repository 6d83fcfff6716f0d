/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `heaptop simulate` from outside: text, JSON, paths, starts, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/sim/why_text.h"
#include "tests/lib/run_cli.h"

/* A file of its own for each test. */
static char *write_file(const char *text)
{
	static char name[64];
	FILE *file;
	int fd;

	(void)snprintf(name, sizeof(name), "/tmp/heaptop-test-XXXXXX");
	fd = mkstemp(name);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return name;
}

/* Runs `heaptop simulate FILE OPTIONS` on a text. */
static struct result simulate(const char *text, const char *options)
{
	char *name = write_file(text), line[256];
	struct result result;

	(void)snprintf(line, sizeof(line), "simulate %s %s", name, options);
	result = run(line);
	(void)unlink(name);
	return result;
}

/* Line `n` of the output; the last one for -1. */
static json_t *line_json(const struct result *r, int n)
{
	const char *at = r->out, *next;
	json_t *json;

	for (; (next = strchr(at, '\n')) && next[1] && n != 0; n--)
		at = next + 1;
	json = json_loads(at, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, NULL);
	assert_non_null(json);
	return json;
}

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	assert_non_null(text);
	return text;
}

static json_int_t int_of(const json_t *json, const char *key)
{
	assert_true(json_is_integer(json_object_get(json, key)));
	return json_integer_value(json_object_get(json, key));
}

static void json_has_the_promised_keys(void **state)
{
	struct result r = simulate("  a  = malloc 1000 # x\nfree a\ntouch a\nb = malloc 200000\n"
	                           "trim 0\nfor i 1 2\nc$i = malloc ${i}K\nend\nthread t\n",
	                           "--json --glibc 2.36");
	json_t *a = line_json(&r, 0), *skipped = line_json(&r, 2), *b = line_json(&r, 3);
	json_t *trim = line_json(&r, 4), *c = line_json(&r, 6), *thread = line_json(&r, 7);
	json_t *end = line_json(&r, -1), *calls, *call;

	(void)state;
	assert_int_equal(r.code, 0);
	assert_int_equal(int_of(a, "n"), 0);
	assert_string_equal(text_of(a, "thread"), "main");
	assert_string_equal(text_of(a, "op"), "a  = malloc 1000");
	assert_int_equal(strncmp(text_of(a, "addr"), "0x", 2), 0);
	assert_int_equal(int_of(a, "usable"), 1000);
	assert_string_equal(text_of(a, "hdr"), "0x3f1");
	assert_int_equal(int_of(a, "errno"), 0);
	assert_string_equal(text_of(a, "outcome"), "ok");
	assert_int_equal(int_of(a, "commit_pages"), 33);
	assert_true(json_is_true(json_object_get(skipped, "skipped")));
	calls = json_object_get(b, "syscalls");
	assert_int_equal(json_array_size(calls), 1);
	call = json_array_get(calls, 0);
	assert_string_equal(json_string_value(json_array_get(call, 0)), "mmap");
	assert_string_equal(json_string_value(json_array_get(json_array_get(call, 1), 4)), "-1");
	assert_int_equal(int_of(trim, "ret"), 1);
	assert_string_equal(text_of(c, "op"), "c2 = malloc 2K");
	assert_int_equal(int_of(thread, "dtv_usable"), 280);
	assert_int_equal(int_of(json_object_get(end, "summary"), "operations"), 8);
	json_decref(a);
	json_decref(skipped);
	json_decref(b);
	json_decref(trim);
	json_decref(c);
	json_decref(thread);
	json_decref(end);
	result_free(&r);
}

static void outcomes_have_their_words(void **state)
{
	struct result r =
	        simulate("mallopt M_MMAP_MAX 0\na = malloc 0x7ffffffffffffff0\nm = mmap 4K ro\n"
	                 "touch m\npause\n",
	                 "--json");
	json_t *enomem = line_json(&r, 1), *segv = line_json(&r, 3), *end = line_json(&r, 4);
	char text[64];

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(text_of(enomem, "outcome"), "enomem");
	assert_int_equal(int_of(enomem, "errno"), 12);
	assert_string_equal(text_of(enomem, "addr"), "0x0");
	assert_string_equal(text_of(segv, "outcome"), "segv");
	assert_true(json_is_false(json_object_get(json_object_get(end, "summary"), "complete")));
	json_decref(enomem);
	json_decref(segv);
	json_decref(end);
	result_free(&r);
	r = simulate("a = malloc 10\n", "--json");
	segv = line_json(&r, 0);
	/* One word off, and nothing that malloc ever returned. */
	(void)snprintf(text, sizeof(text), "a = malloc 10\nfree 0x%llx\n",
	               strtoull(text_of(segv, "addr"), NULL, 16) + 8);
	json_decref(segv);
	result_free(&r);
	r = simulate(text, "--json");
	segv = line_json(&r, 1);
	assert_string_equal(text_of(segv, "outcome"), "abort: free(): invalid pointer");
	json_decref(segv);
	result_free(&r);
}

static void paths_are_told_on_request(void **state)
{
	struct result r = simulate("a = malloc 3145728\n", "--json --explain --vmas --glibc 2.36");
	json_t *a = line_json(&r, 0), *path = json_object_get(a, "path"), *step;
	size_t i, entered = 0;
	bool has_sysmalloc = false;

	(void)state;
	json_array_foreach(path, i, step)
	{
		assert_true(text_of(step, "fn")[0] != '\0');
		(void)text_of(step, "why");
		(void)text_of(step, "took");
		has_sysmalloc |= strcmp(text_of(step, "fn"), "sysmalloc") == 0;
		entered += json_is_true(json_object_get(step, "enter"));
	}
	assert_true(i > 5 && entered > 2 && has_sysmalloc);
	assert_string_equal(text_of(json_array_get(path, 0), "fn"), "__libc_malloc");
	assert_true(json_array_size(json_object_get(a, "vmas")) > 10);
	assert_int_equal(json_array_size(json_array_get(json_object_get(a, "vmas"), 0)), 4);
	json_decref(a);
	result_free(&r);
	r = simulate("a = malloc 3145728\n", "--explain --glibc 2.36");
	assert_non_null(strstr(r.out, " __libc_malloc(3,145,728)\n"));
	assert_non_null(strstr(r.out, "└ mmap("));
	result_free(&r);
	r = simulate("a = malloc 3145728\n", "--json");
	assert_null(strstr(r.out, "\"path\""));
	assert_null(strstr(r.out, "\"vmas\":["));
	result_free(&r);
}

static void fails(const char *text, const char *options, int code, const char *err)
{
	struct result r = simulate(text, options);

	if (r.code != code || !strstr(r.err, err))
		fail_msg("simulate %s: %d, %s", options, r.code, r.err);
	result_free(&r);
}

static void refusals_have_their_codes(void **state)
{
	struct result r = simulate("pause\na = maloc 5\n", "--json");

	(void)state;
	assert_int_equal(r.code, 2);
	assert_string_equal(r.out, ""); /* nothing ran */
	assert_non_null(strstr(r.err, ":2: 'maloc': expected malloc"));
	result_free(&r);
	fails("pause", "--set rlimt.as=5", 2, "the nearest is rlimit.as");
	fails("pause", "--set rlimit.as", 2, "expected KEY=VALUE");
	fails("pause", "--glibc 2.21", 2, "not a version of glibc");
	fails("pause", "--glibc 3.1", 2, "not a version of glibc");
	fails("pause", "--kernel x", 2, "not a kernel version");
	fails("pause", "--kernel 99", 2, "not a kernel version");
	fails("pause", "--kernel 99.0", 2, "Give one of 4.3 to 4.20");
	fails("pause", "--kernel 2.6", 2, "not a release of Linux whose rules are known");
	fails("pause", "--kernel 2.6.32-5-amd64", 2, "not a release of Linux");
	fails("pause", "--kernel 4.2", 2, "not a release of Linux");
	fails("pause", "--kernel 5.20", 2, "not a release of Linux");
	fails("pause", "--set system.mem_total=0", 2, "system.mem_total");
	fails("pause", "--set oom_score_adj=1001", 2, "oom_score_adj");
	fails("pause", "--set system.mem_total=1G --set system.mem_free=2G", 2, "system.mem_free");
	fails("pause", "--set system.mem_total=1G --set system.hugepages=513", 2,
	      "system.hugepages");
	fails("pause", "--set process.total_vm=5 --set process.data_vm=6", 2, "process.data_vm");
	fails("pause", "--cpus 0", 2, "--cpus takes a number");
	fails("pause", "--fresh --from 1", 2, "can't go with --from");
	fails("pause", "--from 4194305", 4, "4194305");
	fails("pause", "--from /nowhere/at/all", 1, "No such file");
	fails("pause", "--from /nowhere@12:00", 2, "recordings only");
	fails("until enomem\npause\nend", "--limit 10", 1, ":2: stopped here: --limit");
	r = run("simulate /nowhere/at/all");
	assert_int_equal(r.code, 1);
	result_free(&r);
	r = run("simulate");
	assert_int_equal(r.code, 2);
	result_free(&r);
}

static const char *after(const char *text, const char *word)
{
	const char *at = strstr(text, word);

	assert_non_null(at);
	return at + strlen(word);
}

/* Of the line that `at` is in. */
static size_t column(const char *text, const char *at)
{
	const char *start = at;

	assert_non_null(at);
	while (start > text && start[-1] != '\n')
		start--;
	return (size_t)(at - start);
}

static void a_name_that_nothing_assigned_is_told_once(void **state)
{
	static const char text[] = "abc = malloc 10\nfor i 1 3\nfree abd\nend\nfree abc\n"
	                           "free abc\ntouch xyz\n";
	struct result r = simulate(text, ""), json = simulate(text, "--json");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.err, ":3: 'abd': warning"));
	assert_null(strstr(after(r.err, "'abd'"), "'abd'"));
	assert_null(strstr(r.err, "'abc'"));
	assert_non_null(strstr(r.err, ":7: 'xyz': warning"));
	assert_null(strstr(json.out, "warning"));
	assert_non_null(strstr(json.err, "'abd'"));
	result_free(&r);
	result_free(&json);
}

static void text_has_columns_with_units(void **state)
{
	struct result r = simulate("a = malloc 10\nthread a_thread_with_a_long_name\n"
	                           "a_block_with_a_very_long_name = malloc 100000\n",
	                           "");
	size_t at = column(r.out, strstr(r.out, "address"));

	(void)state;
	assert_int_equal(column(r.out, strstr(r.out, "bytes") + 5),
	                 column(r.out, strstr(r.out, "usable") + 6));
	assert_int_equal(column(r.out, strstr(r.out, "pages") + 5),
	                 column(r.out, strstr(r.out, "commit") + 6));
	assert_int_equal(column(r.out, strstr(r.out, "5555555592a0")), at);
	assert_int_equal(column(r.out, strstr(r.out, "7ffff0000")), at);
	result_free(&r);
}

static void failed_calls_are_said_to_have_failed(void **state)
{
	struct result r = simulate("m = mmap 4K\nmunmap m 1 4096\na = posix_memalign 3 10\n"
	                           "b = memalign 0xffffffffffffffff 1\nmunmap m\n",
	                           "");
	const char *at = r.out;

	(void)state;
	assert_int_equal(r.code, 0);
	for (int i = 0; i < 3; i++)
		at = after(at, "failed (EINVAL)");
	assert_null(strstr(at, "failed"));
	result_free(&r);
}

static void settings_act_in_their_order(void **state)
{
	static const char text[] = "a = malloc 200000\n";
	struct result r = simulate(text, "");

	(void)state;
	assert_non_null(strstr(r.out, "mmap("));
	result_free(&r);
	r = simulate(text, "--set glibc.malloc.mmap_threshold=1M --set rlimit.as=1G");
	assert_int_equal(r.code, 0);
	assert_null(strstr(r.out, "mmap("));
	result_free(&r);
	r = simulate(text, "--set rlimit.as=100K");
	assert_non_null(strstr(r.out, "enomem (ENOMEM)"));
	result_free(&r);
	r = run("simulate --settings");
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "glibc.malloc.arena_max "));
	assert_non_null(strstr(r.out, "vm.overcommit_ratio "));
	result_free(&r);
}

/* --- snapshot files ------------------------------------------------------------------------------------ */

#define HEAD                                                                                       \
	"{\"schema\":\"heaptop.snapshot/1\",\"pid\":5,\"comm\":\"x\",\"brk\":\"0x555555580000\","
#define VMA(start, end, perms, name)                                                               \
	"{\"start\":\"" start "\",\"end\":\"" end "\",\"perms\":\"" perms "\",\"name\":\"" name    \
	"\"}"
#define PROGRAM VMA("0x555555554000", "0x555555558000", "rw-p", "/bin/x")
#define BREAK   VMA("0x55555555f000", "0x555555580000", "rw-p", "[heap]")
#define LIBC    VMA("0x7ffff7dd0000", "0x7ffff7fb0000", "rw-p", "/lib/libc.so.6")

static void from_text(const char *snapshot, int code, const char *out, const char *err)
{
	char name[64], options[128];
	struct result r;

	(void)snprintf(name, sizeof(name), "%s", write_file(snapshot));
	(void)snprintf(options, sizeof(options), "--from %s", name);
	r = simulate("a = malloc 1000\n", options);
	(void)unlink(name);
	if (r.code != code || !strstr(r.out, out) || !strstr(r.err, err))
		fail_msg("%s: %d, %s%s", snapshot, r.code, r.out, r.err);
	result_free(&r);
}

static void a_snapshot_needs_few_keys(void **state)
{
	(void)state;
	/* What is told counts; a default never contradicts it. */
	from_text(
	        HEAD
	        "\"system\":{\"mem_free\":34359738368,\"swap_free\":34359738368},\"vmas\":[" PROGRAM
	        "," BREAK "," LIBC "]}",
	        0, "brk(0x5555555a1000)", "");
	from_text(HEAD "\"vmas\":[" PROGRAM "," BREAK "," LIBC "]}", 0, "brk(0x5555555a1000)", "");
	from_text("", 2, "", "not JSON");
	from_text("[]", 2, "", "schema");
	from_text("{\"schema\":\"heaptop.snapshot/2\"}", 2, "", "schema");
	from_text(HEAD "\"vmas\":5}", 2, "", "vmas: must be a list");
	from_text(HEAD "\"vmas\":[5]}", 2, "", "vmas[0]: start and end");
	from_text(HEAD "\"vmas\":[" LIBC "," PROGRAM "]}", 2, "", "vmas[1]: VMAs must be sorted");
	from_text(HEAD "\"vmas\":[" VMA("0x1000", "0x1000", "r--p", "") "]}", 2, "",
	          "start must lie");
	from_text(HEAD "\"vmas\":[" VMA("0x1000", "0x2001", "r--p", "") "]}", 2, "", "on a page");
	from_text(HEAD "\"vmas\":[" VMA("0x1000", "0x2000", "rw", "") "]}", 2, "", "perms must be");
	from_text(HEAD "\"vmas\":[" VMA("0x1000", "0x3000", "r--p", "") "," VMA("0x2000", "0x4000",
	                                                                        "r--p", "") "]}",
	          2, "", "vmas[1]: VMAs must be sorted and not overlap");
}

/* Only the kernel's own page may lie there; all else was dropped in silence once. */
static void vmas_beyond_the_address_space_are_refused(void **state)
{
	(void)state;
	from_text(HEAD
	          "\"vmas\":[" PROGRAM "," BREAK "," LIBC
	          "," VMA("0xffffffffff600000", "0xffffffffff601000", "--xp", "[vsyscall]") "]}",
	          0, "brk(0x5555555a1000)", "");
	from_text(HEAD "\"vmas\":[" PROGRAM "," BREAK "," LIBC
	               "," VMA("0xffffffffff600000", "0xffffffffff601000", "--xp", "") "]}",
	          2, "", "vmas[3]: lies beyond the address space");
	from_text(HEAD
	          "\"vmas\":[" VMA("0x0100000000000000", "0x0100000000001000", "rw-p", "") "]}",
	          2, "", "vmas[0]: lies beyond");
}

/* Of a machine of 54,295 pages: a cgroup of 32 MiB with two processes. */
#define VMAS   "\"vmas\":[" PROGRAM "," BREAK "," LIBC "],"
#define SYSTEM "\"system\":{\"mem_total\":222392320,\"mem_free\":200000000,\"swap_total\":0},"
#define BOX(max)                                                                                   \
	"\"cgroup\":{\"version\":2,\"path\":\"/box\",\"limits\":["                                 \
	"{\"path\":\"/\",\"max\":\"max\",\"current\":99},"                                         \
	"{\"path\":\"/box\",\"max\":" max ",\"current\":20480000}]},"
#define RANKING(adj)                                                                               \
	"\"oom\":{\"totalpages\":54295,\"ranking\":["                                              \
	"{\"pid\":7,\"comm\":\"big\",\"rss\":4900,\"adj\":" adj ",\"in_domain\":true},"            \
	"{\"pid\":5,\"comm\":\"x\",\"rss\":100,\"in_domain\":true},"                               \
	"{\"pid\":2,\"comm\":\"k\",\"rss\":0,\"why_not\":\"kernel thread\"}]}"

static void memory_of(const char *snapshot, const char *options, const char *out)
{
	char name[64], line[256];
	struct result r;

	(void)snprintf(name, sizeof(name), "%s", write_file(snapshot));
	(void)snprintf(line, sizeof(line), "--json --from %s %s", name, options);
	r = simulate("until oom\na = mmap 4M\ntouch a\nend\n", line);
	(void)unlink(name);
	if (r.code != 0 || !strstr(r.out, out))
		fail_msg("%s: %d, %s%s", options, r.code, r.out, r.err);
	result_free(&r);
}

static void a_snapshot_brings_its_cgroup_and_tasks(void **state)
{
	static const char box[] = HEAD VMAS SYSTEM BOX("33554432") RANKING("0") "}";

	(void)state;
	memory_of(box, "", "\"outcome\":\"oom: 7 big 4900\"");
	memory_of(box, "", "\"cgroup\":\"/box\",\"page\":");
	memory_of(box, "--set vm.panic_on_oom=2", "\"outcome\":\"panic\"");
	memory_of(HEAD VMAS SYSTEM BOX("33554432") RANKING("-1000") "}", "",
	          "\"outcome\":\"oom: 5 x ");
	memory_of(HEAD VMAS SYSTEM BOX("33554432") RANKING("-1000") "}",
	          "--set oom_score_adj=-1000", "\"outcome\":\"hang: no task");
	memory_of(HEAD VMAS SYSTEM RANKING("0") "}", "", "\"constraint\":\"none\"");
	memory_of(HEAD VMAS SYSTEM RANKING("1000") "}", "--kernel 4.3", "\"oom: 7 big 58900\"");
}

static json_int_t rss_pages(const struct result *r, int n)
{
	json_t *line = line_json(r, n);
	json_int_t pages = json_integer_value(json_object_get(line, "rss_pages"));

	json_decref(line);
	return pages;
}

/* Where all of a VMA is resident a touch brings nothing in; of others it is not known which pages are. */
static void resident_vmas_of_a_file_are_there(void **state)
{
	static const char text[] = HEAD
	        "\"vmas\":[{\"start\":\"0x10000000\",\"end\":\"0x10010000\",\"perms\":\"rw-p\","
	        "\"name\":\"\",\"rss\":65536,\"swap\":0},{\"start\":\"0x20000000\","
	        "\"end\":\"0x20010000\",\"perms\":\"rw-p\",\"name\":\"\",\"rss\":4096,"
	        "\"swap\":0}]}";
	char name[64], options[128];
	struct result r;

	(void)state;
	(void)snprintf(name, sizeof(name), "%s", write_file(text));
	(void)snprintf(options, sizeof(options), "--json --from %s", name);
	r = simulate("touch 0x10000000 64K\nmunmap 0x10000000 0 64K\ntouch 0x20000000 64K\n",
	             options);
	(void)unlink(name);
	assert_int_equal(r.code, 0);
	assert_int_equal(rss_pages(&r, 0), 0);
	assert_int_equal(rss_pages(&r, 1), -16);
	assert_int_equal(rss_pages(&r, 2), 16);
	result_free(&r);
}

static void impossible_snapshots_name_the_field(void **state)
{
	(void)state;
	from_text(HEAD VMAS SYSTEM BOX("0") RANKING("1001") "}", 2, "", "oom.ranking[0].adj");
	from_text(HEAD VMAS "\"oom\":{\"ranking\":[{\"comm\":\"x\"}]}}", 2, "",
	          "oom.ranking[0].pid");
	from_text(HEAD VMAS "\"oom\":{\"ranking\":[{\"pid\":3,\"rss\":-1}]}}", 2, "",
	          "oom.ranking[0].rss");
	from_text(HEAD VMAS "\"cgroup\":{\"limits\":[{\"path\":\"/a\"},{\"path\":\"/a\"}]}}", 2, "",
	          "cgroup.limits[1].path: must lie below");
	from_text(HEAD VMAS "\"cgroup\":{\"limits\":[{\"max\":5}]}}", 2, "",
	          "cgroup.limits[0].path");
	from_text(HEAD VMAS "\"cgroup\":{\"limits\":[{\"path\":\"/a\"},{\"path\":\"/ab\"}]}}", 2,
	          "", "cgroup.limits[1].path: must lie below");
	from_text(HEAD VMAS "\"system\":{\"mem_total\":0}}", 2, "", "a machine without memory");
	from_text(HEAD VMAS "\"system\":{\"mem_total\":4096,\"mem_free\":8192}}", 2, "",
	          "system.mem_free: more than");
	from_text(HEAD VMAS "\"system\":{\"vm\":{\"overcommit_memory\":3}}}", 2, "",
	          "vm.overcommit_memory");
}

/* The kernel's own behaviour: the next page kills, and what is above the limit is refused. */
static void a_cgroup_of_nothing_and_too_much_committed_go_on(void **state)
{
	(void)state;
	memory_of(HEAD VMAS SYSTEM BOX("0") RANKING("0") "}", "", "\"outcome\":\"oom: 5 x 100");
	from_text(HEAD VMAS "\"system\":{\"mem_total\":222392320,\"committed_as\":999999999999,"
	                    "\"vm\":{\"overcommit_memory\":2}}}",
	          0, "enomem", "");
}

#define FULL "\"commit\":{\"mode\":2,\"ratio\":50,\"committed\":999999999999}}"

/* What `commit` says counts where the sysctls themselves are not told. */
static void the_commit_object_is_read(void **state)
{
	(void)state;
	from_text(HEAD VMAS "\"system\":{\"mem_total\":222392320},"
	                    "\"commit\":{\"mode\":2}}",
	          0, "brk(", "");
	from_text(HEAD VMAS "\"system\":{\"mem_total\":222392320}," FULL, 0, "enomem", "");
	from_text(HEAD VMAS FULL, 0, "enomem", "");
	from_text(HEAD VMAS "\"commit\":{\"mode\":3}}", 2, "", "vm.overcommit_memory");
}

/* Of a kernel whose rules are not known the nearest are taken, and that is said. */
static void an_unknown_kernel_is_remarked(void **state)
{
	(void)state;
	from_text(HEAD VMAS "\"system\":{\"kernel\":\"2.6.32-5\"}}", 0,
	          "the rules of its kernel are not known", "");
	from_text(HEAD VMAS "\"system\":{\"kernel\":\"7.9.1\"}}", 0,
	          "the rules of its kernel are not known", "");
}

/* --- a live process --------------------------------------------------------------------------- */

static void a_live_process_is_predicted(void **state)
{
	int there[2], back[2];
	char options[64], expected[32];
	uintptr_t addr = 0;
	struct result r;
	json_t *json;
	pid_t pid;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	print_message("# SKIP: the sanitizer's malloc is not glibc's\n");
	skip();
#endif
	assert_int_equal(pipe(there), 0);
	assert_int_equal(pipe(back), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char byte = 0;

		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			_exit(1);
		addr = (uintptr_t)malloc(12345);
		_exit(write(there[1], &addr, sizeof(addr)) == sizeof(addr) ? 0 : 1);
	}
	assert_int_equal(read(there[0], expected, 1), 1);
	(void)snprintf(options, sizeof(options), "--json --from %d", pid);
	r = simulate("a = malloc 12345\n", options);
	assert_int_equal(write(back[1], "", 1), 1);
	assert_int_equal(read(there[0], &addr, sizeof(addr)), sizeof(addr));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(r.code, 0);
	json = line_json(&r, 0);
	(void)snprintf(expected, sizeof(expected), "0x%llx", (unsigned long long)addr);
	assert_string_equal(text_of(json, "addr"), expected);
	json_decref(json);
	result_free(&r);
	(void)close(there[0]);
	(void)close(there[1]);
	(void)close(back[0]);
	(void)close(back[1]);
}

/* --- reasons in words ------------------------------------------------------------------------- */

static void reasons_fill_their_formats(void **state)
{
	struct why_event event = { .arg = { 0x7f0000001000, 8392704 },
		                   .id = WHY_STACK_CACHED,
		                   .fn = FN_ALLOCATE_STACK };
	struct why_words words;

	(void)state;
	why_words(&event, &words);
	assert_string_equal(words.fn, "allocate_stack");
	assert_string_equal(words.why, "stack_cache holds 7f0000001000 of 8,392,704 bytes");
	assert_string_equal(words.took, "taken, with its dtv");
	event = (struct why_event){
		.arg = { 0x1000, 3, 0x22 }, .id = FN_MMAP, .fn = FN_MMAP, .is_enter = true
	};
	why_words(&event, &words);
	assert_string_equal(words.fn, "mmap");
	assert_string_equal(words.why, "0x1000, prot 0x3, flags 0x22");
	assert_string_equal(words.took, "");
	event = (struct why_event){ .id = WHY_COUNT, .fn = FN_COUNT };
	why_words(&event, &words);
	assert_string_equal(words.fn, "");
}

/* The note of a world from a child; NULL when it has none. Free with free(). */
static char *note_of(pid_t pid, const char *more)
{
	char options[96];
	struct result r;
	json_t *last;
	const char *note;
	char *copy;

	(void)snprintf(options, sizeof(options), "--json --from %d%s", (int)pid, more);
	r = simulate("a = malloc 100\n", options);
	last = line_json(&r, -1);
	note = json_string_value(json_object_get(json_object_get(last, "summary"), "note"));
	copy = note ? strdup(note) : NULL;
	json_decref(last);
	result_free(&r);
	return copy;
}

static pid_t start_child(bool is_busy)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (is_busy)
		free(malloc(100));
	for (;;)
		(void)pause();
}

static void a_copy_is_of_one_instant_or_says_so(void **state)
{
	pid_t busy = start_child(true), idle = start_child(false);
	char *moving, *frozen, *still;

	(void)state;
	assert_true(busy > 0 && idle > 0);
	moving = note_of(busy, "");
	frozen = note_of(busy, " --freeze");
	still = note_of(idle, "");
	(void)kill(busy, SIGKILL);
	(void)kill(idle, SIGKILL);
	(void)waitpid(busy, NULL, 0);
	(void)waitpid(idle, NULL, 0);
	assert_true(moving && strstr(moving, "the process ran while it was copied"));
	assert_false(frozen && strstr(frozen, "ran while"));
	assert_false(still && strstr(still, "ran while"));
	free(moving);
	free(frozen);
	free(still);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_the_promised_keys),
		cmocka_unit_test(outcomes_have_their_words),
		cmocka_unit_test(paths_are_told_on_request),
		cmocka_unit_test(refusals_have_their_codes),
		cmocka_unit_test(a_name_that_nothing_assigned_is_told_once),
		cmocka_unit_test(text_has_columns_with_units),
		cmocka_unit_test(failed_calls_are_said_to_have_failed),
		cmocka_unit_test(settings_act_in_their_order),
		cmocka_unit_test(a_snapshot_needs_few_keys),
		cmocka_unit_test(vmas_beyond_the_address_space_are_refused),
		cmocka_unit_test(a_cgroup_of_nothing_and_too_much_committed_go_on),
		cmocka_unit_test(the_commit_object_is_read),
		cmocka_unit_test(an_unknown_kernel_is_remarked),
		cmocka_unit_test(resident_vmas_of_a_file_are_there),
		cmocka_unit_test(a_snapshot_brings_its_cgroup_and_tasks),
		cmocka_unit_test(impossible_snapshots_name_the_field),
		cmocka_unit_test(a_live_process_is_predicted),
		cmocka_unit_test(reasons_fill_their_formats),
		cmocka_unit_test(a_copy_is_of_one_instant_or_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
