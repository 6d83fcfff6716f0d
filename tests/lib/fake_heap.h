/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_FAKE_HEAP_H
#define HEAPTOP_TESTS_LIB_FAKE_HEAP_H

/**
 * A made-up process with a heap of any layout: libc's data with main_arena and mp_, [heap], and an
 * arena of a thread with two heaps. Chunks are laid one after another and put into lists as malloc
 * would; what was laid is counted. Tests then read it back, or break it first.
 */
#include "model/glibc/decode.h"
#include "tests/lib/fake_memory.h"

struct fake_sum {
	uint64_t count, bytes;
};

struct fake_arena {
	uint64_t addr;
	uint64_t start, end; /* of the heap that is being filled */
	uint64_t at;         /* where the next chunk goes */
	uint64_t size_flags; /* NON_MAIN_ARENA or nothing */
	bool last_is_free;
	uint64_t last; /* the chunk laid last, 0: none */
	struct fake_sum sums[CHUNK_STATE_COUNT], unsorted;
};

struct fake_heap {
	struct fake_memory mem; /* first */
	const struct malloc_layout *lay;
	uint64_t libc, libc_size; /* the segment with main_arena and mp_ */
	uint64_t main_arena, mp;
	uint64_t tcache; /* the main thread's tcache_perthread_struct, 0: none */
	struct fake_arena main, thread;
	/* for the decoder */
	struct heap_facts facts;
	struct region *region;
	struct malloc_state ms;
	struct malloc_thread threads[1];
};

/** Everything of it: both arenas with chunks in all kinds of lists, and mp_. */
void fake_heap_build(struct fake_heap *h, const struct malloc_layout *lay);

/** libc's data with a main_arena that was never used; `is_initialised`: its bins are set up. */
void fake_heap_build_unused(struct fake_heap *h, const struct malloc_layout *lay,
                            bool is_initialised);

void fake_heap_free(struct fake_heap *h);

/** A decoder for it; errors and facts go to h->facts, h->region. */
struct decode fake_heap_decode(struct fake_heap *h);

/** Lays one chunk; returns it. */
uint64_t fake_chunk(struct fake_heap *h, struct fake_arena *arena, uint64_t size,
                    enum chunk_state state, bool is_unsorted);

/** Words of the target. */
uint64_t fake_word(struct fake_heap *h, uint64_t addr);
void fake_put(struct fake_heap *h, uint64_t addr, uint64_t value);

/** Address of a bin's pseudo chunk. */
uint64_t fake_bin(const struct fake_heap *h, const struct fake_arena *arena, unsigned bin);

#endif
