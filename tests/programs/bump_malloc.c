/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A malloc that stands in for glibc's when preloaded: memory is only ever taken. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { ROOM = 16 << 20 };

static _Alignas(16) unsigned char memory[ROOM];
static size_t used;

void *malloc(size_t size)
{
	size_t at = __atomic_fetch_add(&used, ((size + 15) & ~(size_t)15) + 16, __ATOMIC_RELAXED);

	if (size > ROOM || at > ROOM - size - 32)
		return NULL;
	*(size_t *)(void *)(memory + at) = size;
	return memory + at + 16;
}

void free(void *block)
{
	(void)block;
}

void *calloc(size_t count, size_t size)
{
	/* Never used before, so still zero. */
	return size && count > ROOM / size ? NULL : malloc(count * size);
}

void *realloc(void *block, size_t size)
{
	void *fresh = malloc(size);
	size_t old = block ? *(size_t *)(void *)((unsigned char *)block - 16) : 0;

	if (fresh && block)
		memcpy(fresh, block, old < size ? old : size);
	return fresh;
}

static void *aligned(size_t align, size_t size)
{
	unsigned char *block = malloc(size + align);

	return block ? block + (align - (uintptr_t)block % align) % align : NULL;
}

void *memalign(size_t align, size_t size)
{
	return aligned(align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	return aligned(align, size);
}

int posix_memalign(void **block, size_t align, size_t size)
{
	*block = aligned(align, size);
	return *block ? 0 : 12;
}
