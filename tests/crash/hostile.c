/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program whose heap lies. It spoils its own malloc state in the way its argument names, says
 * "ready" and sleeps; heaptop must stay sound, say what is wrong, and come back in time.
 */
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t *chunk_of(void *mem)
{
	return (uint64_t *)mem - 2;
}

/* main_arena, from the unsorted bin that a freed chunk points to. */
static char *main_arena(void)
{
	int minor = atoi(gnu_get_libc_version() + 2);
	volatile uint64_t *big = malloc(3000);
	uint64_t bin;
	void *border = malloc(16);

	free((void *)(uintptr_t)big);
	bin = big[1]; /* the newest of the unsorted bin: its bk is the bin itself */
	(void)border;
	return (char *)(uintptr_t)(bin - (minor >= 43 ? 8u : minor >= 27 ? 96u : 88u));
}

static uint64_t *arena_word(size_t offset_2_27)
{
	int minor = atoi(gnu_get_libc_version() + 2);

	return (uint64_t *)(main_arena() + (minor >= 43   ? offset_2_27 - 88
	                                    : minor >= 27 ? offset_2_27
	                                                  : offset_2_27 - 8));
}

static void fill(void)
{
	static void *blocks[5000];

	for (int i = 0; i < 5000; i++)
		blocks[i] = malloc(100 + (size_t)i % 3000);
	for (int i = 0; i < 5000; i += 3)
		free(blocks[i]);
}

static void bin_cycle(void)
{
	uint64_t *bin, *first, *second;
	void *a = malloc(2000), *b = malloc(16), *c = malloc(2000), *d = malloc(16);

	(void)b, (void)d;
	free(a);
	free(c);
	bin = (uint64_t *)(uintptr_t)chunk_of(c)[3]; /* bk of the newest: the bin */
	first = chunk_of(c), second = chunk_of(a);
	(void)bin;
	first[2] = (uint64_t)(uintptr_t)second;
	second[2] = (uint64_t)(uintptr_t)first; /* never comes back to the bin */
}

static void size_of(uint64_t size)
{
	void *a = malloc(500), *b = malloc(500), *c = malloc(500);

	(void)a, (void)c;
	chunk_of(b)[1] = size;
}

static void many_vmas(void)
{
	char *at = mmap(NULL, 65000 * 4096ul, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	                -1, 0);

	for (size_t i = 0; at != MAP_FAILED && i < 65000; i += 2)
		if (mprotect(at + i * 4096, 4096, PROT_READ) != 0)
			break;
}

static void evil_names(void)
{
	static const char name[] =
	        "/tmp/heaptop-\033[31m\033]0;owned\007-\xff\xfe-\xe2\x80\xae.map";
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd >= 0 && ftruncate(fd, 4096) == 0)
		(void)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	(void)unlink(name);
	(void)prctl(PR_SET_NAME, "\033[7m\xc3(\n\a", 0, 0, 0);
}

static void guard_pages(void)
{
	char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(at, 1, 1 << 20);
	(void)madvise(at + 65536, 4096, 102 /* MADV_GUARD_INSTALL, Linux 6.13 */);
}

static void *touch_arena(void *arg)
{
	(void)arg;
	free(malloc(100));
	for (;;)
		(void)pause();
}

static void many_threads(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < 400; i++)
		(void)pthread_create(&thread, &attr, touch_arena, NULL);
	(void)usleep(300000);
}

static void spoil(const char *how)
{
	if (strcmp(how, "bin-cycle") == 0)
		bin_cycle();
	else if (strcmp(how, "size-zero") == 0)
		size_of(0);
	else if (strcmp(how, "size-huge") == 0)
		size_of(UINT64_MAX);
	else if (strcmp(how, "size-odd") == 0)
		size_of(0x209 | 8);
	else if (strcmp(how, "top-outside") == 0)
		*arena_word(96) = 0x4141414141410;
	else if (strcmp(how, "top-inside-code") == 0)
		*arena_word(96) = (uint64_t)(uintptr_t)spoil & ~15ull;
	else if (strcmp(how, "ring-open") == 0)
		*arena_word(2160) = 0xdead0000;
	else if (strcmp(how, "ring-to-heap") == 0)
		*arena_word(2160) = (uint64_t)(uintptr_t)calloc(1, 4000);
	else if (strcmp(how, "system-mem-huge") == 0)
		*arena_word(2184) = UINT64_MAX;
	else if (strcmp(how, "many-vmas") == 0)
		many_vmas();
	else if (strcmp(how, "evil-names") == 0)
		evil_names();
	else if (strcmp(how, "guard-pages") == 0)
		guard_pages();
	else if (strcmp(how, "many-threads") == 0)
		many_threads();
	else if (strcmp(how, "sound") != 0)
		_exit(2);
}

int main(int argc, char **argv)
{
	fill();
	spoil(argc > 1 ? argv[1] : "sound");
	if (write(1, "ready\n", 6) != 6)
		return 1;
	for (;;)
		(void)pause();
}
