/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target with much to give back: says "ready", and for each line on stdin calls malloc_trim(0) and
 * says "done".
 *
 *	trimmer THREADS SEED
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 6000 };

static pthread_barrier_t built;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Runs of small blocks, blocks of some pages, some of them never written; two thirds are freed. */
static void build(uint64_t seed)
{
	void **blocks = calloc(BLOCKS, sizeof(*blocks));

	for (size_t i = 0; blocks && i < BLOCKS; i++) {
		uint64_t r = next_random(&seed);
		size_t size = i / 100 % 2 ? 16 + r % 100 : 16 + r % 9000;

		blocks[i] = malloc(r % 50 == 0 ? 60000 : size);
		if (blocks[i] && r % 3)
			memset(blocks[i], 0x33, malloc_usable_size(blocks[i]));
	}
	for (size_t i = 0; blocks && i < BLOCKS; i++) {
		if (next_random(&seed) % 3 || i / 100 % 6 == 3)
			free(blocks[i]);
	}
}

static void *work(void *arg)
{
	build((uintptr_t)arg);
	pthread_barrier_wait(&built);
	pause();
	return NULL;
}

static void say(const char *word)
{
	if (write(1, word, strlen(word)) < 0)
		_exit(1);
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	uint64_t seed = argc > 2 ? (uint64_t)atoi(argv[2]) + 77 : 77;
	char line;

	/* What trimming itself touches is touched now. */
	malloc_trim(0);
	pthread_barrier_init(&built, NULL, threads + 1);
	for (unsigned i = 0; i < threads; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, (void *)(uintptr_t)(seed + i + 1)))
			return 1;
	}
	build(seed);
	pthread_barrier_wait(&built);
	say("ready\n");
	while (read(0, &line, 1) == 1) {
		malloc_trim(0);
		say("done\n");
	}
	return 0;
}
