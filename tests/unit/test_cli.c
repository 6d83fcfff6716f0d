/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: exit codes, errors of one or two lines, options; what works without a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/run_cli.h"
#include "tui/cli.h"
#include "tui/cli_attach.h"

enum { NOBODY = 65534 };

/* `heaptop: WHAT: WHY`, and at most one line more. */
static void is_an_error(const char *text, const char *line)
{
	const char *end = strchr(text, '\n'), *colon;

	if (strncmp(text, "heaptop: ", 9) != 0 || !end)
		fail_msg("`heaptop %s` said: %s", line, text);
	colon = strstr(text + 9, ": ");
	assert_true(colon && colon < end);
	end = end[1] ? strchr(end + 1, '\n') : end;
	assert_non_null(end);
	assert_true(end[1] == '\0');
}

static void fails(const char *line, int code, const char *part)
{
	struct result r = run(line);

	if (r.code != code)
		fail_msg("`heaptop %s`: exit %d, not %d: %s", line, r.code, code, r.err);
	is_an_error(r.err, line);
	if (!strstr(r.err, part))
		fail_msg("`heaptop %s`: no `%s` in: %s", line, part, r.err);
	assert_string_equal(r.out, "");
	result_free(&r);
}

/* --- errors -------------------------------------------------------------------------------------- */

static void wrong_usage_exits_2(void **state)
{
	(void)state;
	fails("frobnicate", 2, "frobnicate");
	fails("--frobnicate", 2, "--frobnicate");
	fails("12x", 2, "not a process id");
	fails("0", 2, "not a process id");
	fails("99999999999999999999", 2, "not a process id");
	fails("1 2", 2, "only one process id");
	fails("snapshot", 2, "which process?");
	fails("snapshot -- --json", 2, "not a process id");
	fails("snapshot 1 2", 2, "only one process id");
	fails("snapshot --nothing 1", 2, "--nothing");
	fails("snapshot --json=yes 1", 2, "--json=yes");
	fails("demo 17", 2, "17");
	fails("doctor here", 2, "not a process id");
	fails("--interval", 2, "needs a value");
	fails("--interval 1", 2, "terminal");
	fails("--interval 50ms 1", 2, "100ms");
	fails("--interval 11 1", 2, "10s");
	fails("--interval soon 1", 2, "soon");
}

static void later_commands_are_unknown(void **state)
{
	static const char *const words[] = { "record 1 -o x", "replay x", "compare x", "core x" };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		fails(words[i], 2, "neither a command nor a process id");
}

static void no_process_exits_4(void **state)
{
	(void)state;
	/* Beyond PID_MAX_LIMIT (4,194,304): never given to anyone. */
	fails("snapshot 4194305", 4, "4194305");
	fails("snapshot --json 4194305", 4, "4194305");
	fails("doctor 4194305", 4, "4194305");
	fails("4194305", 4, "4194305");
}

static void without_a_terminal_snapshot_is_hinted_at(void **state)
{
	(void)state;
	fails("", 2, "heaptop snapshot PID");
	fails("1", 2, "heaptop snapshot PID");
	fails("run -- true", 2, "heaptop snapshot PID");
}

static void run_refuses_what_it_cannot_do(void **state)
{
	(void)state;
	fails("run", 2, "which program?");
	fails("run --", 2, "which program?");
	fails("run --record x -- true", 2, "--record");
	fails("run --trace x -- true", 2, "--trace");
	fails("run --frob -- true", 2, "--frob");
}

static void nothing_is_started_when_run_is_refused(void **state)
{
	char line[64], path[] = "/tmp/heaptop-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	(void)snprintf(line, sizeof(line), "run -- rm %s", path);
	fails(line, 2, "terminal");
	assert_int_equal(access(path, F_OK), 0);
	(void)unlink(path);
}

static void zombies_and_kernel_threads_are_said(void **state)
{
	char line[64], comm[64] = "";
	struct result r;
	siginfo_t info;
	FILE *file;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	(void)snprintf(line, sizeof(line), "snapshot %d", pid);
	r = run(line);
	assert_int_not_equal(r.code, 0);
	is_an_error(r.err, line);
	result_free(&r);
	(void)waitpid(pid, NULL, 0);
	file = fopen("/proc/2/comm", "re");
	if (!file || !fgets(comm, sizeof(comm), file) || strcmp(comm, "kthreadd\n") != 0) {
		print_message("# no kthreadd here (a pid namespace): kernel threads not tried\n");
	} else {
		r = run("snapshot 2");
		assert_int_not_equal(r.code, 0);
		assert_non_null(strstr(r.err, "kernel thread"));
		result_free(&r);
	}
	if (file)
		(void)fclose(file);
}

static void foreign_bytes_are_clean_in_errors(void **state)
{
	struct result r = run("\033[31m\377");

	(void)state;
	assert_int_equal(r.code, 2);
	assert_null(strchr(r.err, '\033'));
	assert_null(strchr(r.err, '\377'));
	result_free(&r);
}

/* Runs --help with standard output on `fd`; what it says of that goes to *ret_err. */
static int help_to(int fd, char **ret_err)
{
	char name[] = "heaptop", help[] = "--help", *argv[] = { name, help, NULL };
	FILE *err = tmpfile();
	int status;
	pid_t pid;

	assert_true(fd >= 0 && err);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(dup2(fd, 1) < 0 || dup2(fileno(err), 2) < 0 ? 99 : cli_main(2, argv));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	*ret_err = slurp(err);
	return WEXITSTATUS(status);
}

static void lost_output_is_a_failure(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	char *err;

	(void)state;
	assert_int_equal(help_to(full, &err), 1);
	is_an_error(err, "--help >/dev/full");
	free(err);
	(void)close(full);
}

/* As with `| head`: no word about it, and not a death by signal either. */
static void a_reader_that_went_away_is_no_news(void **state)
{
	int pipes[2];
	char *err;

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	(void)close(pipes[0]);
	assert_int_equal(help_to(pipes[1], &err), 1);
	assert_string_equal(err, "");
	free(err);
	(void)close(pipes[1]);
}

static void another_users_process_exits_3(void **state)
{
	struct result r;
	char line[64];

	(void)state;
	if (geteuid() != 0) {
		print_message("# SKIP: becoming another user needs root\n");
		skip();
	}
	(void)snprintf(line, sizeof(line), "snapshot --json %d", getpid());
	r = run_as(NOBODY, line);
	assert_int_equal(r.code, 3);
	is_an_error(r.err, line);
	result_free(&r);
}

/* --- what works ---------------------------------------------------------------------------------- */

static void options_may_follow_operands_and_be_cut_short(void **state)
{
	/* before, after the operand, and abbreviated */
	static const char *const before[] = { "--json ", "", "--js -- " };
	static const char *const after[] = { "", " --json", "" };
	char line[64];

	(void)state;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		json_t *json;
		struct result r;

		(void)snprintf(line, sizeof(line), "snapshot %s%d%s", before[i], getpid(),
		               after[i]);
		r = run(line);
		if (r.code != 0)
			fail_msg("`heaptop %s`: exit %d: %s", line, r.code, r.err);
		json = json_loads(r.out, 0, NULL);
		assert_non_null(json);
		assert_int_equal(json_integer_value(json_object_get(json, "pid")), getpid());
		json_decref(json);
		result_free(&r);
	}
}

/* A shell that has its libc up and waits; it ends when *ret_hold is closed. */
static pid_t start_shell(int *ret_hold)
{
	int in[2], out[2];
	char ready;
	pid_t pid;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (dup2(in[0], 0) >= 0 && dup2(out[1], 1) >= 0)
			(void)execl("/bin/sh", "sh", "-c", "echo; read wait", (char *)NULL);
		_exit(99);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	assert_int_equal(read(out[0], &ready, 1), 1);
	(void)close(out[0]);
	*ret_hold = in[1];
	return pid;
}

static void text_snapshot_has_its_sections(void **state)
{
	static const char *const parts[] = { "WHERE THE MEMORY IS", "\nMALLOC", "\nARENAS",
		                             "\nCOMMIT", "\nOOM" };
	struct result r;
	char line[64];
	pid_t pid;
	int hold;

	(void)state;
	pid = start_shell(&hold);
	(void)snprintf(line, sizeof(line), "snapshot %d", pid);
	r = run(line);
	assert_int_equal(r.code, 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strstr(r.out, parts[i]))
			fail_msg("no `%s` in: %s", parts[i], r.out);
	assert_null(strstr(r.out, "\nVMAS"));
	result_free(&r);
	(void)snprintf(line, sizeof(line), "snapshot --vmas --chunks %d", pid);
	r = run(line);
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "\nVMAS"));
	assert_non_null(strstr(r.out, "\nCHUNKS"));
	result_free(&r);
	(void)close(hold);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void demo_without_a_terminal_prints_a_snapshot(void **state)
{
	struct result r = run("demo");

	(void)state;
	if (r.code != 0)
		fail_msg("`heaptop demo`: exit %d: %s", r.code, r.err);
	assert_int_equal(strncmp(r.out, "heaptop-demo (", 14), 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* Under a sanitizer another malloc serves the workload. */
	assert_non_null(strstr(r.out, "demo-ring-1"));
#endif
	result_free(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_usage_exits_2),
		cmocka_unit_test(later_commands_are_unknown),
		cmocka_unit_test(no_process_exits_4),
		cmocka_unit_test(without_a_terminal_snapshot_is_hinted_at),
		cmocka_unit_test(run_refuses_what_it_cannot_do),
		cmocka_unit_test(nothing_is_started_when_run_is_refused),
		cmocka_unit_test(zombies_and_kernel_threads_are_said),
		cmocka_unit_test(foreign_bytes_are_clean_in_errors),
		cmocka_unit_test(lost_output_is_a_failure),
		cmocka_unit_test(a_reader_that_went_away_is_no_news),
		cmocka_unit_test(another_users_process_exits_3),
		cmocka_unit_test(options_may_follow_operands_and_be_cut_short),
		cmocka_unit_test(text_snapshot_has_its_sections),
		cmocka_unit_test(demo_without_a_terminal_prints_a_snapshot),
	};

	/* `demo` runs this very program again, as it does with heaptop. */
	if (argc == 3 && strcmp(argv[1], "demo-workload") == 0)
		return cli_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
