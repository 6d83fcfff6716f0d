/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PTMALLOC_H
#define HEAPTOP_MODEL_GLIBC_PTMALLOC_H

/**
 * glibc's malloc on a copy of a process's bytes: the same decisions, so the same addresses.
 *
 * Arenas, mp_, chunks and tcaches lie in the image where the target has them, each thread's arena and
 * tcache pointer in pages of our own at PT_PRIVATE_ADDR, which no target can have, and libc's file-private
 * variables (narenas, free_list, …) in struct ptmalloc. So the image and a copy of the struct are
 * all of malloc: a branch copies both, and taking an operation back restores both.
 *
 * A call returns what the C function returns (addresses, 0 for NULL). `error` is errno. When the real
 * program would have died, or we can't know what it would do, `stop` says so and the returned
 * value means nothing; whoever called undoes the operation, or ends the world.
 */
#include "model/rules/glibc.h"
#include "model/rules/glibc_rules.h"
#include "model/sim/image.h"
#include "model/sim/sys.h"
#include "model/sim/why.h"

/* Where threads have malloc's variables; behind them lies libc's data where a target has none that is
 * known. Addresses that no process can have on 64-bit, since they are not canonical. */
#define PT_PRIVATE_ADDR IMAGE_PRIVATE_START
#define PT_OUTSIDE_ADDR IMAGE_PRIVATE_END
#define PT_OUTSIDE_END  (PT_OUTSIDE_ADDR + (UINT64_C(4) << 20))
enum { PT_THREADS_MAX = 65536, PT_THREAD_BYTES = 32, PT_VARS = 12, PT_THREAD_VARS = 3 };

enum pt_stop {
	PT_RUNNING,
	PT_ABORT,     /* one of glibc's own checks: `stop_text` is its message */
	PT_SEGV,      /* an access outside memory: image->fault_addr */
	PT_LOOP,      /* glibc would never return: a list runs in a circle */
	PT_UNKNOWN,   /* bytes that were not copied from the target decide */
	PT_HOOK,      /* the target has set a malloc hook: its code decides */
	PT_NO_MEMORY, /* heaptop's own */
};

enum pt_hook { PT_HOOK_MALLOC, PT_HOOK_REALLOC, PT_HOOK_MEMALIGN, PT_HOOK_FREE };

/* What the short way of malloc and free relies on (pt_cache_fast.h); bins 0: it is not taken. */
struct pt_fast {
	uint64_t cache;   /* the thread's tcache, when it lies in one page; else 0 */
	uint32_t bins;    /* tcache bins that are served */
	uint32_t entries; /* offset of their heads */
	uint32_t limit;   /* a counter that is full when it counts up */
	bool counts_down, key_is_random;
};

/* Huge pages as the kernel offers them when malloc asks (glibc malloc/malloc-hugepages.h). */
enum pt_thp_mode { PT_THP_ALWAYS, PT_THP_MADVISE, PT_THP_NEVER, PT_THP_NOT_SUPPORTED };

struct pt_huge {
	bool is_known;
	uint32_t thp_mode; /* enum pt_thp_mode */
	uint64_t thp_pagesize;
};

struct ptmalloc {
	const struct malloc_layout *lay;
	struct glibc_rules rules; /* a copy: fields may be overridden */
	struct image *image;
	struct sys *sys;
	struct why *why; /* NULL: no path */

	uint64_t main_arena, mp; /* addresses in the image */
	uint64_t page;           /* page size */
	uint64_t heap_max;       /* HEAP_MAX_SIZE in force */
	bool hook_is_set[4];     /* enum pt_hook: the program has put a function of its own there */
	uint32_t cpus;
	bool is_secure;           /* AT_SECURE */
	uint32_t overcommit_mode; /* what check_may_shrink_heap would read */
	struct pt_huge huge;
	uint64_t tuned_max_fast; /* by glibc.malloc.mxfast before malloc was set up; 0: not */
	uint64_t random;         /* what the next tcache_key would be */
	bool busy; /* the next arena lock finds its arena locked (scenario: arena busy) */

	uint32_t thread; /* of the call under way; 0: the first thread */
	bool is_64;      /* lay->word is 8 */

	/* libc's file-private variables, by enum pt_var; those of threads lie in the image, of which
	 * the last thread's are kept here */
	uint64_t vars[PT_VARS];
	uint32_t cached_thread; /* PT_THREADS_MAX: nobody's */
	uint64_t cached[PT_THREAD_VARS];
	struct pt_fast fast;

	/* outcome of the last call */
	int error; /* errno, 0: not set; a call that succeeds on a second way may leave it set */
	enum pt_stop stop;
	const char *stop_text;     /* static; of a failed assert: the expression */
	const char *stop_function; /* that asserted; NULL: the text is a message */
};

/* Memory of one operation's result. */
struct pt_block {
	uint64_t usable; /* malloc_usable_size */
	uint64_t size_word;
};

/** The variables of malloc's own that a base may know; what is unknown takes its initial value. */
struct pt_private {
	uint64_t narenas, narenas_limit, free_list, next_to_use, aligned_heap_area;
	uint64_t tcache_key, global_max_fast, curbrk;
	int32_t may_shrink_heap; /* -1: not looked yet */
	uint32_t perturb_byte;
	bool is_initialized;     /* ptmalloc_init has run */
	bool is_single_threaded; /* no thread was ever created */
};

/** A never-used malloc: writes main_arena and mp_ as libc's .data has them. */
void pt_init_fresh(struct ptmalloc *pt);
/** libc's private variables; for a base, before anything runs. */
void pt_set_private(struct ptmalloc *pt, const struct pt_private *from);
void pt_get_private(struct ptmalloc *pt, struct pt_private *ret);

/** Thread `index` (below PT_THREADS_MAX) as the target has it: arena and tcache pointer, 0: none. */
void pt_set_thread(struct ptmalloc *pt, uint32_t index, uint64_t arena, uint64_t tcache);
uint64_t pt_thread_arena(struct ptmalloc *pt, uint32_t index);
uint64_t pt_thread_tcache(struct ptmalloc *pt, uint32_t index);

/* --- the C library's functions, in thread pt->thread -------------------------------------------- */

uint64_t pt_malloc(struct ptmalloc *pt, uint64_t bytes);
uint64_t pt_calloc(struct ptmalloc *pt, uint64_t n, uint64_t size);
uint64_t pt_realloc(struct ptmalloc *pt, uint64_t mem, uint64_t bytes);
uint64_t pt_memalign(struct ptmalloc *pt, uint64_t alignment, uint64_t bytes);
uint64_t pt_aligned_alloc(struct ptmalloc *pt, uint64_t alignment, uint64_t bytes);
/** Returns the error number, *ret is set on 0 only. */
int pt_posix_memalign(struct ptmalloc *pt, uint64_t *ret, uint64_t alignment, uint64_t bytes);
uint64_t pt_valloc(struct ptmalloc *pt, uint64_t bytes);
uint64_t pt_pvalloc(struct ptmalloc *pt, uint64_t bytes);
void pt_free(struct ptmalloc *pt, uint64_t mem);
int pt_malloc_trim(struct ptmalloc *pt, uint64_t pad);
/** `param` as in malloc.h (M_TRIM_THRESHOLD is -1 …). */
int pt_mallopt(struct ptmalloc *pt, int param, int value);
/** libc's sbrk (misc/sbrk.c:__sbrk): the old break, or UINT64_MAX with error ENOMEM. */
uint64_t pt_sbrk(struct ptmalloc *pt, int64_t increment);

/** One tunable by its full name ("glibc.malloc.arena_max"); false when unknown or out of range. Only
 * before malloc was set up, as the loader does it. */
bool pt_tunable(struct ptmalloc *pt, const char *name, uint64_t value);

/** What malloc, not yet set up, will take from the environment: "NAME=VALUE", each with its NUL. */
void pt_take_environ(struct ptmalloc *pt, const char *environ, size_t len);

/** pthread_create has been called: no longer single-threaded. */
void pt_thread_created(struct ptmalloc *pt);
/** The thread pt->thread ends: __malloc_arena_thread_freeres. */
void pt_thread_exit(struct ptmalloc *pt);

/** malloc_usable_size and the size word of a block that lives. */
struct pt_block pt_block_of(struct ptmalloc *pt, uint64_t mem);

#endif
