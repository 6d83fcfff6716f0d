/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target for finding malloc: some threads that say what they know of themselves, then hold still.
 *
 *	find_target THREADS
 *
 * Thread 1 has a stack of the program's own, thread 2 never calls malloc. A line per thread:
 *
 *	thread TID PTHREAD STACK_END ARENA TCACHE_USED
 *
 * ARENA is 0 for main_arena, - for none; addresses are hexadecimal. At last a line "ready". Says all
 * with write(2): stdio calls malloc. Compiled by the tests, statically too; with WITH_DLMOPEN it loads a
 * second libc into a namespace of its own first. With FIRST_ENDS each thread keeps main_arena's address
 * on its stack, and the first thread is gone when the only other one says
 *
 *	kept ADDRESS
 *	ready
 *
 * With WITH_DECOY each thread has main_arena's address in a thread-local variable of the program.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	STACK_SIZE = 1 << 20,
	HEAP_MAX = sizeof(void *) == 8 ? 64 << 20 : 1 << 20,
	NON_MAIN_ARENA = 4
};

static pthread_barrier_t all_told;

static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		_exit(1);
}

static uintptr_t stack_end(void)
{
	pthread_attr_t attr;
	void *addr;
	size_t size;

	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstack(&attr, &addr, &size);
	pthread_attr_destroy(&attr);
	return (uintptr_t)addr + size;
}

/* Allocates, frees some, and says which arena that came from. */
static void use_malloc(char *arena, size_t size)
{
	char *blocks[64];
	uintptr_t heap;

	for (int i = 0; i < 64; i++) {
		blocks[i] = malloc(100 + 40 * (size_t)i);
		memset(blocks[i], i, 100);
	}
	for (int i = 0; i < 20; i++)
		free(blocks[i]);
	/* The size word before user memory; a heap begins with the address of its arena. */
	heap = (uintptr_t)blocks[63] & ~(uintptr_t)(HEAP_MAX - 1);
	if (((size_t *)(void *)blocks[63])[-1] & NON_MAIN_ARENA)
		snprintf(arena, size, "%zx", *(size_t *)heap);
	else
		snprintf(arena, size, "0");
}

static void tell(int uses_malloc)
{
	char arena[24] = "-", line[160];
	/* pthread_getattr_np() of the first thread would read files, by malloc. */
	uintptr_t end = syscall(SYS_gettid) == getpid() || !uses_malloc ? 0 : stack_end();

	if (uses_malloc)
		use_malloc(arena, sizeof(arena));
	snprintf(line, sizeof(line), "thread %ld %zx %zx %s %d\n", (long)syscall(SYS_gettid),
	         (size_t)pthread_self(), (size_t)end, arena, uses_malloc);
	say(line);
}

#if defined FIRST_ENDS || defined WITH_DECOY
static size_t main_arena;

/* A chunk alone in the unsorted bin points to it: 96 bytes into the arena since 2.27. */
static void find_main_arena(void)
{
	size_t *volatile block = malloc(2000);
	void *volatile between = malloc(10);

	(void)between;
	free(block);
	main_arena = *block - 96;
}
#endif

#ifdef WITH_DECOY
static __thread size_t volatile decoy;
#endif

#ifdef FIRST_ENDS
static void await_end_of_first(void)
{
	char text[256];

	do {
		int fd = open("/proc/self/stat", O_RDONLY);
		ssize_t got = read(fd, text, sizeof(text) - 1);

		close(fd);
		text[got > 0 ? got : 0] = '\0';
	} while (!strstr(text, ") Z "));
}

static void outlive_first(void)
{
	volatile size_t kept[] = { main_arena, main_arena };
	char line[64];

	await_end_of_first();
	snprintf(line, sizeof(line), "kept %zx\nready\n", kept[0]);
	say(line);
	for (;;) {
		pause();
		(void)kept[1];
	}
}
#endif

static void *work(void *arg)
{
#ifdef WITH_DECOY
	decoy = main_arena;
#endif
	tell((intptr_t)arg != 2);
	pthread_barrier_wait(&all_told);
#ifdef FIRST_ENDS
	outlive_first();
#endif
	pause();
	return NULL;
}

static void start(intptr_t number)
{
	pthread_attr_t attr;
	pthread_t thread;
	void *stack;

	pthread_attr_init(&attr);
	if (number == 1) {
		stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		             -1, 0);
		pthread_attr_setstack(&attr, stack, STACK_SIZE);
	}
	if (pthread_create(&thread, &attr, work, (void *)number) != 0)
		_exit(1);
	pthread_attr_destroy(&attr);
}

#ifdef WITH_DLMOPEN
static void load_second_libc(void)
{
	void *libc = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
	void *(*second_malloc)(size_t);

	if (!libc)
		_exit(1);
	*(void **)&second_malloc = dlsym(libc, "malloc");
	for (int i = 0; i < 100; i++)
		memset(second_malloc(500), 1, 500);
}
#endif

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 0;

	tell(1);
#ifdef WITH_DLMOPEN
	load_second_libc();
#endif
#if defined FIRST_ENDS || defined WITH_DECOY
	find_main_arena();
#endif
#ifdef WITH_DECOY
	decoy = main_arena;
#endif
	pthread_barrier_init(&all_told, NULL, (unsigned)threads + 1);
	for (intptr_t i = 0; i < threads; i++)
		start(i);
	pthread_barrier_wait(&all_told);
#ifdef FIRST_ENDS
	pthread_exit(NULL);
#endif
	say("ready\n");
	for (;;)
		pause();
}
