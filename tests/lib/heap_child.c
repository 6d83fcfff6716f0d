/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/heap_child.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LIVE = 400 };

struct heap_report *heap_report;

/* --- the parent's side ------------------------------------------------------------------------------ */

static bool map_report(void)
{
	if (heap_report)
		return true;
	heap_report = mmap(NULL, sizeof(*heap_report), PROT_READ | PROT_WRITE,
	                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return heap_report != MAP_FAILED;
}

static void print_reason(const char *why)
{
	printf("# skip: %s\n", why);
	fflush(stdout);
}

bool heap_child_open(struct heap_child *heap, heap_child_body *body)
{
	char ready;

	if (!child_target_possible() || !map_report()) {
		print_reason("malloc is not glibc's here (a sanitizer's?)");
		return false;
	}
	memset(heap_report, 0, sizeof(*heap_report));
	(void)child_target_main_arena();
	child_target_start(&heap->target, body);
	child_target_hear(&heap->target, &ready, 1);
	if (decoded_child_open(&heap->child, &heap->target))
		return true;
	decoded_child_close(&heap->child);
	child_target_end(&heap->target);
	print_reason("this glibc's tcaches are not where an arena begins");
	return false;
}

void heap_child_close(struct heap_child *heap)
{
	decoded_child_close(&heap->child);
	child_target_end(&heap->target);
}

/* --- the child's side -------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* A block that the compiler can't do without. */
void *heap_child_take(size_t size)
{
	void *volatile block = malloc(size);

	if (!block)
		_exit(1);
	return block;
}

/* Small and large blocks come and go, so that every kind of list is in use. */
void heap_child_churn(uint32_t seed, unsigned rounds, unsigned keep_of_3)
{
	void *at[LIVE] = { 0 };

	for (unsigned i = 0; i < rounds; i++) {
		uint32_t r = next_random(&seed);
		size_t k = r % LIVE, size = r % 7 == 0 ? next_random(&seed) % 60000 : r % 700;

		free(at[k]);
		at[k] = malloc(size);
		if (at[k])
			memset(at[k], 0x5a, size);
	}
	for (size_t k = 0; k < LIVE; k++)
		if (k % 3 >= keep_of_3)
			free(at[k]);
}

/* malloc_info's own figures for each arena; its text goes through memory that is not malloc's. */
static void report_arenas(FILE *file, char *text, size_t len)
{
	const char *at = text;

	memset(text, 0, len);
	rewind(file);
	malloc_info(0, file);
	fflush(file);
	for (; (at = strstr(at, "<heap nr=")) && heap_report->arena_count < HEAP_CHILD_ARENAS;
	     at++) {
		const char *fast = strstr(at, "<total type=\"fast\""), *rest;
		unsigned long count, bytes;
		size_t n = heap_report->arena_count++;

		rest = strstr(at, "<total type=\"rest\"");
		if (fast && fast < rest &&
		    sscanf(fast, "<total type=\"fast\" count=\"%lu\" size=\"%lu\"", &count,
		           &bytes) == 2)
			heap_report->arenas[n].fast_bytes = bytes;
		if (sscanf(rest, "<total type=\"rest\" count=\"%lu\" size=\"%lu\"", &count,
		           &bytes) == 2)
			heap_report->arenas[n].rest_bytes = bytes;
		if (sscanf(strstr(rest, "<system type=\"current\""),
		           "<system type=\"current\" size=\"%lu\"", &bytes) == 1)
			heap_report->arenas[n].system = bytes;
	}
}

static char info_text[1 << 20], info_buffer[1 << 16];
static FILE *info_file;

void heap_child_begin(void)
{
	info_file = fmemopen(info_text, sizeof(info_text), "w");
	setvbuf(info_file, info_buffer, _IOFBF, sizeof(info_buffer));
}

void heap_child_obey(int in, int out)
{
	char order;

	heap_report->arena_count = 0;
	report_arenas(info_file, info_text, sizeof(info_text));
	heap_report->info = mallinfo2();
	child_say(out, "r", 1);
	while ((order = child_hear(in))) {
		if (order == 't')
			malloc_trim(0);
		child_say(out, "d", 1);
	}
}

static pthread_barrier_t all_done;

void heap_child_meet(void)
{
	pthread_barrier_wait(&all_done);
}

void heap_child_threads(unsigned count, void *(*work)(void *))
{
	pthread_barrier_init(&all_done, NULL, count + 1);
	for (unsigned i = 0; i < count; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, (void *)(uintptr_t)(i + 1)))
			_exit(1);
	}
	heap_child_meet();
}

/* Blocks that the parent freed are used up; what is taken next is cut from the top. */
void *heap_child_use_up(void)
{
	for (int i = 0; i < 100; i++)
		(void)heap_child_take(120000);
	return heap_child_take(120000);
}

/* A block cut from the top: one from elsewhere may be larger than asked for. */
void *heap_child_take_above(const void *other, size_t size)
{
	void *block;

	do {
		block = heap_child_take(size);
	} while ((uintptr_t)block < (uintptr_t)other);
	return block;
}

/* --- heaps ------------------------------------------------------------------------------------------- */

void heap_child_one_thread(int in, int out)
{
	heap_child_begin();
	heap_child_churn(7, 20000, 2);
	heap_child_obey(in, out);
}

static void *thread_churns(void *arg)
{
	heap_child_churn((uint32_t)(uintptr_t)arg, 6000, 2);
	heap_child_meet();
	pause();
	return NULL;
}

void heap_child_five_threads(int in, int out)
{
	heap_child_begin();
	heap_child_threads(4, thread_churns);
	heap_child_churn(99, 5000, 2);
	heap_child_obey(in, out);
}

/* More than one heap: each is 64 MiB at the most. */
static void *thread_fills_heaps(void *arg)
{
	static void *at[1500];

	(void)arg;
	for (size_t i = 0; i < 1500; i++)
		at[i] = heap_child_take(100000);
	for (size_t i = 0; i < 1500; i += 2)
		free(at[i]);
	heap_child_meet();
	pause();
	return NULL;
}

void heap_child_many_heaps(int in, int out)
{
	heap_child_begin();
	heap_child_threads(1, thread_fills_heaps);
	heap_child_obey(in, out);
}
