/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	diff [OPTION…] SCENARIO… -- [LOADER --library-path DIR] INTERP
 *
 * Runs each scenario for real. Before its first operation and at each `pause` it has
 * `heaptop simulate` foretell the rest from the standing process; afterwards every operation is
 * compared. Says "ok" or "not ok" of each scenario as TAP does.
 *
 *	--heaptop PATH	the program to ask (default ./heaptop)
 *	--label TEXT	what to call this libc
 *	--first N	number of the first TAP line
 *	--words		also compare malloc's own memory at the end
 *	--start-only	foretell at the start only
 *	--print		don't ask heaptop: print what happened
 *	--stats		what was compared, to stdout
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/diff/compare.h"

enum { PREDICTIONS_MAX = 64 };

struct options {
	const char *heaptop, *label;
	char **scenarios, **command;
	int scenario_count, first;
	bool has_words, is_start_only, is_print, is_stats, is_explain;
};

struct session {
	const struct options *options;
	struct prediction predictions[PREDICTIONS_MAX];
	size_t count;
	bool words_ok;
	FILE *tell;
	double asked; /* seconds that heaptop took */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- asking ------------------------------------------------------------------------------------------- */

static int redirect(const char *path, int to)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	return fd < 0 ? -1 : dup2(fd, to);
}

static void ask(struct session *s, const struct run *run, struct prediction *p,
                const char *scenario)
{
	char pid_text[16];
	const char *argv[12] = {
		s->options->heaptop, "simulate", scenario, "--from", pid_text, "--json"
	};
	size_t count = 6;
	double start = now();
	pid_t pid;

	snprintf(pid_text, sizeof(pid_text), "%d", run->pid);
	if (s->options->is_explain)
		argv[count++] = "--explain";
	if (p->words[0]) {
		argv[count++] = "--dump-words";
		argv[count++] = p->words;
	}
	pid = fork();
	if (pid == 0) {
		if (redirect(p->out, STDOUT_FILENO) < 0 || redirect(p->err, STDERR_FILENO) < 0)
			_exit(126);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		perror(argv[0]);
		_exit(127);
	}
	while (pid < 0 || (waitpid(pid, &p->status, 0) < 0 && errno == EINTR))
		if (pid < 0)
			abort();
	s->asked += now() - start;
}

static void stopped(struct run *run, enum diff_stop why)
{
	struct session *s = run->ctx;
	struct prediction *p = &s->predictions[s->count];
	char name[32], rest[512];

	if (why == DIFF_STOP_END) {
		for (size_t i = 0; i < s->count && s->words_ok; i++)
			if (s->predictions[i].words[0])
				s->words_ok = compare_words(run, &s->predictions[i], s->tell);
		return;
	}
	if (s->options->is_print || s->count == PREDICTIONS_MAX ||
	    (why == DIFF_STOP_PAUSE && !run->head->has_rest))
		return;
	/* At a pause the operation under way is the pause itself. */
	p->first = run->head->n + (why == DIFF_STOP_PAUSE);
	p->prefix = run->head->prefix;
	snprintf(name, sizeof(name), "out.%zu", s->count);
	(void)work_path(run, name, p->out);
	snprintf(name, sizeof(name), "err.%zu", s->count);
	(void)work_path(run, name, p->err);
	p->words[0] = '\0';
	/* A key that malloc has not chosen yet can't be foretold, so not from the start. */
	if (s->options->has_words && why == DIFF_STOP_PAUSE) {
		snprintf(name, sizeof(name), "words.%zu", s->count);
		(void)unlink(work_path(run, name, p->words)); /* of the scenario before */
	}
	s->count++;
	snprintf(rest, sizeof(rest), "%s/rest.%04u", run->work, run->head->pauses);
	ask(s, run, p, why == DIFF_STOP_START ? run->scenario : rest);
}

/* --- a scenario ---------------------------------------------------------------------------------------- */

enum verdict { SAME, DIFFERENT, SKIPPED };

static enum verdict verdict_of(struct session *s, struct run *run, struct tally *tally)
{
	if (WIFEXITED(run->status) && WEXITSTATUS(run->status) == DIFF_EXIT_UNSUPPORTED)
		return SKIPPED;
	if (WIFEXITED(run->status) && WEXITSTATUS(run->status) != DIFF_EXIT_OK) {
		fprintf(s->tell, "  the interpreter refused the scenario\n");
		return DIFFERENT;
	}
	if (s->options->is_print) {
		print_run(run, s->tell);
		return SAME;
	}
	for (size_t i = 0; i < s->count; i++)
		if (!compare_prediction(run, &s->predictions[i], tally, s->tell))
			return DIFFERENT;
	return s->words_ok ? SAME : DIFFERENT;
}

static enum verdict try_once(const struct options *options, const char *scenario, const char *work,
                             struct tally *tally, FILE *to, double *asked)
{
	static struct session s;
	struct run run = { .scenario = scenario,
		           .command = options->command,
		           .work = work,
		           .wants_rests = !options->is_start_only && !options->is_print,
		           .stopped = stopped,
		           .ctx = &s };
	enum verdict verdict = DIFFERENT;

	s = (struct session){ .options = options, .words_ok = true, .tell = to };
	if (run_for_real(&run))
		verdict = verdict_of(&s, &run, tally);
	run_end(&run);
	*asked += s.asked;
	return verdict;
}

/* A difference is told from a second run, with its path: recording it each time would cost too much. */
static enum verdict try_scenario(const struct options *options, const char *scenario,
                                 const char *work, struct tally *tally, double *asked)
{
	struct options explained = *options;
	char *first = NULL;
	size_t len;
	FILE *to = open_memstream(&first, &len);
	enum verdict verdict = try_once(options, scenario, work, tally, to, asked);
	struct tally ignored = { 0, 0 };

	fclose(to);
	explained.is_explain = true;
	if (verdict == SAME && options->is_print) {
		printf("%s", first);
	} else if (verdict == DIFFERENT) {
		printf("%s", first);
		printf("  again, explained:\n");
		if (!options->is_print &&
		    try_once(&explained, scenario, work, &ignored, stdout, asked) == SAME)
			printf("  no difference in a second run\n");
	}
	free(first);
	return verdict;
}

static int run_all(const struct options *options, const char *work)
{
	static const char *const words[] = { "ok", "not ok", "ok" };
	struct tally tally = { 0, 0 };
	double start = now(), asked = 0;
	int failed = 0;

	for (int i = 0; i < options->scenario_count; i++) {
		const char *name = strrchr(options->scenarios[i], '/');
		enum verdict verdict =
		        try_scenario(options, options->scenarios[i], work, &tally, &asked);

		name = name ? name + 1 : options->scenarios[i];
		printf("%s %d - %s, %s%s\n", words[verdict], options->first + i, options->label,
		       name, verdict == SKIPPED ? " # SKIP not doable for real" : "");
		fflush(stdout);
		failed += verdict == DIFFERENT;
	}
	if (options->is_stats)
		printf("# %s: %" PRIu64 " operations compared, %" PRIu64
		       " system calls among them; %.1f s, heaptop's part %.1f s\n",
		       options->label, tally.operations, tally.calls, now() - start, asked);
	return failed != 0;
}

static bool read_options(int argc, char **argv, struct options *ret)
{
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2]; i++) {
		const char *name = argv[i] + 2;
		bool has_value = i + 1 < argc;

		if (strcmp(name, "words") == 0)
			ret->has_words = true;
		else if (strcmp(name, "start-only") == 0)
			ret->is_start_only = true;
		else if (strcmp(name, "print") == 0)
			ret->is_print = true;
		else if (strcmp(name, "stats") == 0)
			ret->is_stats = true;
		else if (strcmp(name, "heaptop") == 0 && has_value)
			ret->heaptop = argv[++i];
		else if (strcmp(name, "label") == 0 && has_value)
			ret->label = argv[++i];
		else if (strcmp(name, "first") == 0 && has_value)
			ret->first = atoi(argv[++i]); /* NOLINT(cert-err34-c) */
		else
			return false;
	}
	ret->scenarios = argv + i;
	while (i < argc && strcmp(argv[i], "--") != 0) {
		i++;
		ret->scenario_count++;
	}
	ret->command = argv + i + 1;
	return ret->scenario_count && i + 1 < argc;
}

int main(int argc, char **argv)
{
	struct options options = { .heaptop = "./heaptop", .label = "libc", .first = 1 };
	char work[] = "/tmp/heaptop-diff-XXXXXX", command[64];
	int status;

	if (!read_options(argc, argv, &options) || !mkdtemp(work)) {
		fprintf(stderr, "usage: diff [OPTION]... SCENARIO... -- COMMAND...\n");
		return 2;
	}
	status = run_all(&options, work);
	snprintf(command, sizeof(command), "rm -rf %s", work);
	if (system(command) != 0) /* NOLINT(cert-env33-c) */
		perror("diff: rm");
	return status;
}
