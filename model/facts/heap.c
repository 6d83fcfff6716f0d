/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts/heap.h"

const char *libc_kind_word(const struct heap_facts *heap)
{
	switch (heap->allocator) {
	case ALLOCATOR_JEMALLOC:
		return "jemalloc";
	case ALLOCATOR_TCMALLOC:
		return "tcmalloc";
	case ALLOCATOR_MIMALLOC:
		return "mimalloc";
	case ALLOCATOR_UNKNOWN:
	case ALLOCATOR_GLIBC:
	case ALLOCATOR_MUSL:
	case ALLOCATOR_OTHER:
	case ALLOCATOR_KIND_COUNT:
		break;
	}
	switch (heap->libc_kind) {
	case LIBC_GLIBC:
		return "glibc";
	case LIBC_STATIC_GLIBC:
		return "static-glibc";
	case LIBC_MUSL:
		return "musl";
	case LIBC_NONE:
		return "none";
	case LIBC_OTHER:
	case LIBC_KIND_COUNT:
		break;
	}
	return "other";
}

void heap_error_add(struct heap_facts *heap, uint64_t addr, const char *what)
{
	if (heap->error_count < HEAP_ERRORS_MAX)
		heap->errors[heap->error_count] = (struct heap_error){ addr, what };
	heap->error_count++;
}
