/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/run_cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tui/cli.h"

enum { WORDS_MAX = 8 };

char *slurp(FILE *file)
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

struct result run_as(uid_t uid, const char *line)
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

struct result run(const char *line)
{
	return run_as(0, line);
}

void result_free(struct result *result)
{
	free(result->out);
	free(result->err);
}
