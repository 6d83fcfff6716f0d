/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	reached SCENARIO…
 *
 * Runs each scenario in new worlds of several glibcs with the path on and says which of the allocator's
 * reasons and functions in model/sim/why.def none of them reached. Speaks TAP: what is reached by none
 * must be explained here, and what is explained must be reached by none. The kernel's own are not asked
 * for: they hang on its release and on the machine's settings, and tests/unit/test_lx_* reach them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/world_run.h"

static const int minors[] = { 22, 26, 27, 31, 36, 38, 41, 42, 43 };
enum { MINORS = sizeof(minors) / sizeof(minors[0]), EVENTS_MAX = 1 << 20 };

struct id {
	const char *name, *text;
	bool is_reached, is_kernels;
};

static struct id reasons[WHY_COUNT] = {
#define FN(id, name, format, first, last)
#define WHY(id, test, took) [WHY_##id] = { #id, test, false, false },
#include "model/sim/why.def"
#undef FN
#undef WHY
};

static struct id functions[FN_COUNT] = {
#define FN(id, name, format, first, last) [FN_##id] = { #id, name, false, false },
#define WHY(id, test, took)
#include "model/sim/why.def"
#undef FN
#undef WHY
};

/* What a real process can't be made to do: another thread that holds a lock just then, another
 * overcommit mode of the whole machine. */
static const char *const not_for_real[] = {
	"#! stacks=own\nset system.cpus 1\nmallopt M_ARENA_MAX 2\nthread a\nx = malloc 10\n"
	"thread b\narena busy\ny = malloc 10\n",
	"#! stacks=own\nset vm.overcommit_memory 2\nthread a\nmallopt M_MMAP_THRESHOLD 32M\n"
	"x = malloc 1M\nfree x\n",
};

/* What nothing reaches in a new world, by its id. */
static const struct {
	const char *name, *because;
} explained[] = {
	{ "MADVISE_THP",
	  "a new world has no mode of the machine's transparent huge pages; real ones do" },
};

enum {
	NOT_FOR_REAL = sizeof(not_for_real) / sizeof(not_for_real[0]),
	EXPLAINED = sizeof(explained) / sizeof(explained[0])
};

/* --- running ------------------------------------------------------------------------------------------ */

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	long size = -1;

	if (file && fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	if (size >= 0 && fseek(file, 0, SEEK_SET) == 0)
		text = calloc(1, (size_t)size + 1);
	if (!text || fread(text, 1, (size_t)size, file) != (size_t)size) {
		(void)fprintf(stderr, "%s: can't be read\n", path);
		exit(2);
	}
	(void)fclose(file);
	return text;
}

static void note(const struct why *why)
{
	for (size_t i = 0; i < why->count; i++)
		if (why->at[i].is_enter)
			functions[why->at[i].id].is_reached = true;
}

static void run_with(const char *text, int minor)
{
	static uint8_t reached[WHY_COUNT];
	struct op_result result;
	struct world_run r;
	size_t operations = 0;

	world_run_start(&r, minor, text, true);
	r.world->why.reached = reached;
	while (operations++ < EVENTS_MAX && world_run_step(&r, &result))
		note(result.why);
	world_run_end(&r);
	for (size_t i = 0; i < WHY_COUNT; i++)
		reasons[i].is_reached = reasons[i].is_reached || reached[i];
}

static void run(const char *text)
{
	for (size_t v = 0; v < MINORS; v++)
		run_with(text, minors[v]);
}

/* --- telling -------------------------------------------------------------------------------------------- */

static const char *explanation(const char *name)
{
	for (size_t i = 0; i < EXPLAINED; i++)
		if (strcmp(explained[i].name, name) == 0)
			return explained[i].because;
	return NULL;
}

static void mark_kernels(struct id *ids, size_t from, size_t end)
{
	for (size_t i = from; i < end; i++)
		ids[i].is_kernels = true;
}

/* By where they stand in why.def. */
static void mark_all_kernels(void)
{
	mark_kernels(reasons, 0, WHY_INIT);
	mark_kernels(reasons, WHY_WATERMARK, WHY_STACK_CACHED);
	mark_kernels(functions, 0, FN_PTMALLOC_INIT);
	mark_kernels(functions, FN_HANDLE_MM_FAULT, FN_ALLOCATE_STACK);
}

/* How many of the allocator's. */
static size_t asked(const struct id *ids, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += !ids[i].is_kernels;
	return n;
}

/* How many are wrong. */
static size_t tell(const struct id *ids, size_t count)
{
	size_t wrong = 0;

	for (size_t i = 0; i < count; i++) {
		const char *because = explanation(ids[i].name);

		if (ids[i].is_kernels)
			continue;
		if (!ids[i].is_reached)
			printf("# not reached: %s (%s)%s%s\n", ids[i].name, ids[i].text,
			       because ? ": " : "", because ? because : "");
		else if (because)
			printf("# reached, though explained: %s\n", ids[i].name);
		wrong += ids[i].is_reached == (because != NULL);
	}
	return wrong;
}

int main(int argc, char **argv)
{
	size_t wrong_reasons, wrong_functions;

	for (int i = 1; i < argc; i++) {
		char *text = read_file(argv[i]);

		run(text);
		free(text);
	}
	for (size_t i = 0; i < NOT_FOR_REAL; i++)
		run(not_for_real[i]);
	mark_all_kernels();
	wrong_reasons = tell(reasons, WHY_COUNT);
	printf("%sok 1 - %zu reasons, each reached by one of %d scenarios or explained\n",
	       wrong_reasons ? "not " : "", asked(reasons, WHY_COUNT), argc - 1);
	wrong_functions = tell(functions, FN_COUNT);
	printf("%sok 2 - %zu functions, each entered in one of %d scenarios or explained\n",
	       wrong_functions ? "not " : "", asked(functions, FN_COUNT), argc - 1);
	puts("1..2");
	return wrong_reasons || wrong_functions;
}
