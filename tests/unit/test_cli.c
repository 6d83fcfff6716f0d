/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: exit codes, errors of one or two lines, options, help and the manual page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/base/text.h"
#include "tui/cli.h"
#include "tui/cli_attach.h"
#include "tui/keymap.h"

enum { WORDS_MAX = 8, NOBODY = 65534 };

/* What one run of the program left behind. */
struct result {
	int code;
	char *out, *err;
};

static char *slurp(FILE *file)
{
	char *text = NULL;
	size_t len = 0;

	rewind(file);
	/* No NUL is ever written: the whole file is one "line". */
	if (getdelim(&text, &len, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	(void)fclose(file);
	assert_non_null(text);
	return text;
}

/* Runs heaptop with the words of `line` and no terminal, as another user when `uid` is not 0. */
static struct result run_as(uid_t uid, const char *line)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char *copy = strdup(line), *rest = copy, *argv[WORDS_MAX + 2] = { NULL };
	char name[] = "heaptop";
	struct result result;
	int argc = 1, status;
	pid_t pid;

	assert_true(out && err && copy);
	argv[0] = name;
	for (char *word = strsep(&rest, " "); word && argc <= WORDS_MAX; word = strsep(&rest, " "))
		if (word[0])
			argv[argc++] = word;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);

		if (dup2(null, 0) < 0 || dup2(fileno(out), 1) < 0 || dup2(fileno(err), 2) < 0)
			_exit(99);
		if (uid && (setgroups(0, NULL) != 0 || setgid(uid) != 0 || setuid(uid) != 0))
			_exit(98);
		_exit(cli_main(argc, argv));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	free(copy);
	result = (struct result){ WEXITSTATUS(status), slurp(out), slurp(err) };
	return result;
}

static struct result run(const char *line)
{
	return run_as(0, line);
}

static void result_free(struct result *result)
{
	free(result->out);
	free(result->err);
}

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
	static const char *const words[] = { "simulate x", "record 1 -o x", "replay x", "compare x",
		                             "core x" };

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

static void lost_output_is_a_failure(void **state)
{
	char name[] = "heaptop", help[] = "--help", *argv[] = { name, help, NULL };
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int full = open("/dev/full", O_WRONLY), null = open("/dev/null", O_WRONLY);

		_exit(dup2(full, 1) < 0 || dup2(null, 2) < 0 ? 99 : cli_main(2, argv));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
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

static void help_names_every_command_and_option(void **state)
{
	struct result r = run("--help");
	char text[64];

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(r.err, "");
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *c = &cli_commands[i];

		for (size_t o = 0; c->help && c->options[o].name; o++) {
			(void)snprintf(text, sizeof(text), "--%s", c->options[o].name);
			assert_true(!c->options[o].help == !strstr(r.out, text));
		}
		(void)snprintf(text, sizeof(text), "\n  %s", c->name ? c->name : "[PID]");
		assert_true(!c->help == !strstr(r.out, text));
	}
	for (char *rest = r.out, *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		assert_true(strlen(line) <= 80);
	result_free(&r);
}

static void every_command_has_help_of_its_own(void **state)
{
	char line[64];

	(void)state;
	for (size_t i = 0; i < cli_command_count; i++) {
		struct result r;

		if (!cli_commands[i].name)
			continue;
		(void)snprintf(line, sizeof(line), "%s --help", cli_commands[i].name);
		r = run(line);
		assert_int_equal(r.code, 0);
		assert_int_equal(strncmp(r.out, "Usage: heaptop ", 15), 0);
		assert_string_equal(r.err, "");
		result_free(&r);
	}
}

static void version_names_licence_and_libraries(void **state)
{
	struct result r = run("--version");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_int_equal(
	        strncmp(r.out, "heaptop " HEAPTOP_VERSION "\n", 9 + strlen(HEAPTOP_VERSION)), 0);
	assert_non_null(strstr(r.out, "GPL-2.0-or-later"));
	assert_non_null(strstr(r.out, jansson_version_str()));
	result_free(&r);
}

static void completion_is_a_script(void **state)
{
	struct result r = run("--completion");
	FILE *bash;

	(void)state;
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "snapshot) words='--help --json --chunks --vmas --freeze'"));
	assert_null(strstr(r.out, "demo-workload"));
	if (system("command -v bash >/dev/null") != 0) {
		print_message("# no bash here: the script's syntax was not checked\n");
	} else {
		bash = popen("bash -n", "w");
		assert_non_null(bash);
		assert_true(fputs(r.out, bash) >= 0);
		assert_int_equal(pclose(bash), 0);
	}
	result_free(&r);
}

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
	assert_non_null(strstr(r.out, "demo-ring-1"));
	result_free(&r);
}

static void intervals(void **state)
{
	static const struct {
		const char *word;
		uint32_t ms;
	} good[] = {
		{ "100ms", 100 }, { "1s", 1000 }, { "2", 2000 }, { "0.5s", 500 }, { "10", 10000 }
	};
	static const char *const bad[] = { "",   "s",   "99ms", "10.1", "1m",
		                           "-1", "1 s", "nan",  "inf",  "1e9" };
	struct err err;
	uint32_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(cli_parse_interval(good[i].word, &ms, &err));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(cli_parse_interval(bad[i], &ms, &err));
}

/* --- the manual page ----------------------------------------------------------------------------- */

static bool table_has(const char *name)
{
	static const char *const general[] = { "help", "version", "completion" };

	for (size_t i = 0; i < sizeof(general) / sizeof(general[0]); i++)
		if (strcmp(general[i], name) == 0)
			return true;
	for (size_t i = 0; i < cli_command_count; i++)
		for (size_t o = 0; cli_commands[i].options[o].name; o++)
			if (cli_commands[i].options[o].help &&
			    strcmp(cli_commands[i].options[o].name, name) == 0)
				return true;
	return false;
}

static void manual_and_table_have_the_same_options(void **state)
{
	FILE *page = fopen("man/heaptop.1", "re");
	char *text, item[64];

	(void)state;
	if (!page) {
		print_message("# SKIP: man/heaptop.1 is not here (run from the top of the tree)\n");
		skip();
	}
	text = slurp(page);
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *c = &cli_commands[i];

		for (size_t o = 0; c->options[o].name; o++) {
			(void)snprintf(item, sizeof(item), "\n.It Fl -%s%s%s\n", c->options[o].name,
			               c->options[o].value ? " Ar " : "",
			               c->options[o].value ? c->options[o].value : "");
			if (c->options[o].help && !strstr(text, item))
				fail_msg("not in the manual:%s", item);
		}
	}
	for (const char *at = strstr(text, "\n.It Fl -"); at; at = strstr(at + 1, "\n.It Fl -")) {
		(void)snprintf(item, sizeof(item), "%.*s", (int)strcspn(at + 9, " \n"), at + 9);
		if (!table_has(item))
			fail_msg("only in the manual: --%s", item);
	}
	free(text);
}

/* --- README -------------------------------------------------------------------------------------- */

static void readme_has_every_key_and_command(void **state)
{
	FILE *readme = fopen("README.md", "re");
	char *text, row[256], names[64];

	(void)state;
	if (!readme) {
		print_message("# SKIP: README.md is not here (run from the top of the tree)\n");
		skip();
	}
	text = slurp(readme);
	for (int i = 0; i < COMMAND_COUNT; i++) {
		(void)snprintf(row, sizeof(row), "\n| %s | `:%s` | %s |\n",
		               keymap_names(names, sizeof(names), (enum command_id)i),
		               commands[i].name, commands[i].help);
		if (!strstr(text, row))
			fail_msg("not in README.md:%s", row);
	}
	for (size_t i = 0; i < cli_command_count; i++) {
		(void)snprintf(row, sizeof(row), "\n| `heaptop %s", cli_commands[i].name);
		if (cli_commands[i].name && cli_commands[i].help && !strstr(text, row))
			fail_msg("not in README.md:%s", row);
	}
	free(text);
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
		cmocka_unit_test(another_users_process_exits_3),
		cmocka_unit_test(help_names_every_command_and_option),
		cmocka_unit_test(every_command_has_help_of_its_own),
		cmocka_unit_test(version_names_licence_and_libraries),
		cmocka_unit_test(completion_is_a_script),
		cmocka_unit_test(options_may_follow_operands_and_be_cut_short),
		cmocka_unit_test(text_snapshot_has_its_sections),
		cmocka_unit_test(demo_without_a_terminal_prints_a_snapshot),
		cmocka_unit_test(intervals),
		cmocka_unit_test(manual_and_table_have_the_same_options),
		cmocka_unit_test(readme_has_every_key_and_command),
	};

	/* `demo` runs this very program again, as it does with heaptop. */
	if (argc == 3 && strcmp(argv[1], "demo-workload") == 0)
		return cli_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
