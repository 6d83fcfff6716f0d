/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target that knows the truth about its own heap. It builds a known state, says "ready" and waits;
 * for a line on stdin it prints, as one line of JSON, what it knows: every allocation and every
 * free it made, which arena each thread used, what its own malloc_info() says.
 *
 *	target THREADS SEED
 *
 * Nothing is allocated between "ready" and the report: all books are static, the report goes
 * through write(2), and malloc_info() gets a stream with a static buffer opened beforehand.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS_MAX = 16, BLOCKS = 4000, MMAPPED = 12 };

enum fate { LIVE, TO_TCACHE, TO_BINS, FATE_COUNT };

struct block {
	void *mem;
	size_t usable;
	enum fate fate;
};

struct worker {
	pthread_t thread;
	pid_t tid;
	uint64_t seed;
	struct block blocks[BLOCKS];
	size_t count;
};

static struct worker workers[THREADS_MAX + 1]; /* [0] is the main thread */
static unsigned worker_count;
static struct {
	void *mem;
	size_t align, usable;
} mapped[MMAPPED];
static pthread_barrier_t built, told;
static char stream_buffer[1 << 16], xml[1 << 20];

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void keep(struct worker *w, void *mem, enum fate fate)
{
	if (!mem)
		abort();
	memset(mem, 0x5a, malloc_usable_size(mem));
	w->blocks[w->count++] = (struct block){ mem, malloc_usable_size(mem), fate };
}

/* Blocks of all small and some large sizes; every third one is freed in the end. */
static void build(struct worker *w)
{
	for (int i = 0; i < 1500; i++) {
		uint64_t r = next_random(&w->seed);
		size_t size = r % 16 == 0 ? r / 16 % 60000 : r / 16 % 1200;

		keep(w, malloc(size), r / 7 % 3 == 0 ? TO_BINS : LIVE);
	}
	for (int size = 24; size <= 1032; size += 112)
		for (int i = 0; i < 3; i++)
			keep(w, malloc((size_t)size), TO_TCACHE);
	for (size_t i = 0; i < w->count; i++)
		if (w->blocks[i].fate == TO_BINS)
			free(w->blocks[i].mem);
	/* Sorts what is in the unsorted bin, then leaves a few there. */
	keep(w, malloc(70000), LIVE);
	for (int i = 0; i < 40; i++)
		keep(w, malloc(1500 + (size_t)i * 64), i % 2 ? TO_BINS : LIVE);
	for (size_t i = w->count - 40; i < w->count; i++)
		if (w->blocks[i].fate == TO_BINS)
			free(w->blocks[i].mem);
	/* Last: the tcaches have room for three of each of these sizes only if nothing filled them. */
	for (size_t i = 0; i < w->count; i++)
		if (w->blocks[i].fate == TO_TCACHE)
			free(w->blocks[i].mem);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	w->tid = (pid_t)syscall(SYS_gettid);
	build(w);
	pthread_barrier_wait(&built);
	pthread_barrier_wait(&told);
	return NULL;
}

static void build_mapped(void)
{
	for (int i = 0; i < MMAPPED; i++) {
		size_t size = (size_t)(300 + 137 * i) * 1024 + (size_t)i * 8;

		mapped[i].align = i % 3 == 2 ? (size_t)64 << i : 0;
		mapped[i].mem = mapped[i].align ? memalign(mapped[i].align, size) : malloc(size);
		if (!mapped[i].mem)
			abort();
		mapped[i].usable = malloc_usable_size(mapped[i].mem);
		((char *)mapped[i].mem)[size / 2] = 1;
	}
}

/* --- the report: no allocation from here on ---------------------------------------------------- */

static char out[4 << 20];
static size_t out_len;

static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	out_len += (size_t)vsnprintf(out + out_len, sizeof(out) - out_len, format, args);
	va_end(args);
}

static void say_xml(const char *text)
{
	say("\"");
	for (; *text; text++) {
		if (*text == '"')
			say("'");
		else if (*text != '\n')
			say("%c", *text);
	}
	say("\"");
}

/* The arena of a block: the first word of its 64 MiB-aligned heap, for all but main_arena's. */
static uint64_t arena_of(const void *mem)
{
	uintptr_t chunk = (uintptr_t)mem - 16;

	if (!(*(size_t *)(chunk + 8) & 4))
		return 0;
	return *(uint64_t *)(chunk & ~(((uintptr_t)64 << 20) - 1));
}

static void say_worker(const struct worker *w)
{
	static const char *const fates[FATE_COUNT] = { "live", "tcache", "bins" };
	uint64_t arena = 0;

	for (size_t i = 0; i < w->count; i++)
		if (w->blocks[i].fate == LIVE)
			arena = arena_of(w->blocks[i].mem);
	say("{\"tid\":%d,\"arena\":\"0x%lx\",\"blocks\":[", (int)w->tid, (unsigned long)arena);
	for (size_t i = 0; i < w->count; i++)
		say("%s[\"0x%lx\",%zu,\"%s\"]", i ? "," : "",
		    (unsigned long)((uintptr_t)w->blocks[i].mem - 16), w->blocks[i].usable + 8,
		    fates[w->blocks[i].fate]);
	say("]}");
}

static void report(FILE *stream)
{
	(void)malloc_info(0, stream);
	(void)fflush(stream);
	say("{\"workers\":[");
	for (unsigned i = 0; i <= worker_count; i++) {
		say(i ? "," : "");
		say_worker(&workers[i]);
	}
	say("],\"mmapped\":[");
	for (int i = 0; i < MMAPPED; i++)
		say("%s\"0x%lx\"", i ? "," : "", (unsigned long)((uintptr_t)mapped[i].mem - 16));
	say("],\"malloc_info\":");
	say_xml(xml);
	say("}\n");
	for (size_t sent = 0; sent < out_len;) {
		ssize_t n = write(1, out + sent, out_len - sent);

		if (n <= 0)
			_exit(1);
		sent += (size_t)n;
	}
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	FILE *stream;
	char line[8];

	worker_count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 0;
	if (worker_count > THREADS_MAX)
		return 2;
	stream = fmemopen(xml, sizeof(xml), "w");
	if (!stream)
		return 1;
	(void)setvbuf(stream, stream_buffer, _IOFBF, sizeof(stream_buffer));
	(void)pthread_barrier_init(&built, NULL, worker_count + 1);
	(void)pthread_barrier_init(&told, NULL, worker_count + 1);
	workers[0].tid = (pid_t)syscall(SYS_gettid);
	for (unsigned i = 0; i <= worker_count; i++)
		workers[i].seed = seed * 2654435761u + i * 40503u + 1;
	build_mapped();
	for (unsigned i = 1; i <= worker_count; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			return 1;
	pthread_barrier_wait(&built);
	build(&workers[0]);
	if (write(1, "ready\n", 6) != 6)
		return 1;
	if (read(0, line, sizeof(line)) <= 0)
		return 0;
	report(stream);
	(void)read(0, line, sizeof(line));
	return 0;
}
