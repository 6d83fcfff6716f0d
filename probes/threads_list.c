/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From task ids to struct pthread.
 *
 * glibc describes its threads for thread_db: two lists (stacks that it mapped, stacks of the program's
 * own, the first thread's among these), and where a struct pthread keeps its link and its task id.
 * Without these tables struct pthread is known by its content: on x86 it is the thread control block,
 * whose first word and self pointer both hold its own address.
 */
#include "probes/threads.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/units.h"
#include "probes/find_libc.h"

enum {
	LIST_OFFSET_MAX = 1 << 16, /* no honest field lies further into its struct */
	NODE_BYTES_MAX = 4096,
	RANGES = 64,
	PIECE = 64 << 10,
};

/* How many bytes the scan reads of heaps, where a struct pthread is not to be expected. */
#define SCAN_MAX ((uint64_t)64 << 20)

/* --- tables ------------------------------------------------------------------------------------ */

enum {
	SYM_LIST,
	SYM_TID,
	SYM_SIZE,
	SYM_USED_FIELD,
	SYM_USER_FIELD,
	SYM_STATE,
	SYM_DL_USED,
	SYM_DL_USER,
	SYM_USED,
	SYM_USER,
	SYM_DL_CACHE,
	SYM_CACHE,
	SYM_COUNT
};

static const char *const names[SYM_COUNT] = {
	[SYM_LIST] = "_thread_db_pthread_list",
	[SYM_TID] = "_thread_db_pthread_tid",
	[SYM_SIZE] = "_thread_db_sizeof_pthread",
	/* 2.34 and later: fields of the loader's state, which libc has a pointer to */
	[SYM_USED_FIELD] = "_thread_db_rtld_global__dl_stack_used",
	[SYM_USER_FIELD] = "_thread_db_rtld_global__dl_stack_user",
	[SYM_STATE] = "__nptl_rtld_global",
	/* the same in a static program: variables of their own */
	[SYM_DL_USED] = "_dl_stack_used",
	[SYM_DL_USER] = "_dl_stack_user",
	/* up to 2.33 */
	[SYM_USED] = "stack_used",
	[SYM_USER] = "__stack_user",
	/* joined threads' stacks, which thread_db does not ask for */
	[SYM_DL_CACHE] = "_dl_stack_cache",
	[SYM_CACHE] = "stack_cache",
};

/* A descriptor is three 4-byte numbers: width in bits, count, offset. 0: none (nl_thread_db.h). */
static uint32_t read_descriptor(const struct elf_file *elf, const struct elf_symbol *sym)
{
	uint32_t words[3];

	if (!sym->is_defined || elf_read(elf, sym->value, words, sizeof(words)) != sizeof(words) ||
	    words[2] > LIST_OFFSET_MAX)
		return 0;
	return words[2];
}

static bool read_tables(const struct module *m, enum elf_table table, struct thread_tables *ret)
{
	struct elf_symbol syms[SYM_COUNT] = { 0 };
	const uint64_t bias = m->bias;
	uint32_t size;

	for (size_t i = 0; i < SYM_COUNT; i++)
		syms[i].name = names[i];
	if (!elf_symbols(m->elf, table, syms, SYM_COUNT))
		return false;
	*ret = (struct thread_tables){ .list_offset = read_descriptor(m->elf, &syms[SYM_LIST]),
		                       .tid_offset = read_descriptor(m->elf, &syms[SYM_TID]) };
	if (syms[SYM_SIZE].is_defined &&
	    elf_read(m->elf, syms[SYM_SIZE].value, &size, sizeof(size)) == sizeof(size) &&
	    size <= LIST_OFFSET_MAX)
		ret->pthread_size = size;
	if (syms[SYM_STATE].is_defined) {
		ret->state_ptr_addr = syms[SYM_STATE].value + bias;
		ret->used_offset = read_descriptor(m->elf, &syms[SYM_USED_FIELD]);
		ret->user_offset = read_descriptor(m->elf, &syms[SYM_USER_FIELD]);
	} else if (syms[SYM_DL_USER].is_defined) {
		ret->used_addr = syms[SYM_DL_USED].value + bias;
		ret->user_addr = syms[SYM_DL_USER].value + bias;
	} else if (syms[SYM_USER].is_defined) {
		ret->used_addr = syms[SYM_USED].is_defined ? syms[SYM_USED].value + bias : 0;
		ret->user_addr = syms[SYM_USER].value + bias;
	}
	if (syms[SYM_DL_CACHE].is_defined)
		ret->cache_addr = syms[SYM_DL_CACHE].value + bias;
	else if (syms[SYM_CACHE].is_defined)
		ret->cache_addr = syms[SYM_CACHE].value + bias;
	return ret->list_offset && ret->tid_offset && (ret->user_addr || ret->used_offset);
}

/* The libpthread next to a libc; with several namespaces each libc has its own. */
static const struct module *nearest_pthread(const struct module *libc,
                                            const struct modules *modules)
{
	const struct module *best = NULL;
	uint64_t best_distance = UINT64_MAX;

	for (size_t i = 0; i < modules->count; i++) {
		const struct module *m = &modules->at[i];
		uint64_t distance =
		        m->start > libc->start ? m->start - libc->start : libc->start - m->start;

		if (!(m->roles & MODULE_PTHREAD) || !m->elf || distance >= best_distance)
			continue;
		best = m;
		best_distance = distance;
	}
	return best;
}

void thread_tables_find(const struct module *libc, const struct modules *modules,
                        struct thread_tables *ret)
{
	const struct module *pthread;

	*ret = (struct thread_tables){ 0 };
	if (!libc->elf)
		return;
	if (read_tables(libc, ELF_DYNSYM, ret) || read_tables(libc, ELF_SYMTAB, ret))
		return;
	pthread = nearest_pthread(libc, modules);
	if (!pthread || !read_tables(pthread, ELF_SYMTAB, ret))
		*ret = (struct thread_tables){ 0 };
}

static uint64_t word_at(const uint8_t *bytes, size_t word)
{
	uint64_t value = 0;

	memcpy(&value, bytes, word);
	return value;
}

/* In the loader's state the list of cached stacks follows that of the program's own. */
uint64_t thread_cache_head(const struct thread_tables *tables, struct memory *mem, size_t word)
{
	uint8_t bytes[8];
	uint64_t state;

	if (!tables->state_ptr_addr || !tables->user_offset)
		return tables->cache_addr;
	if (!mem_read_all(mem, tables->state_ptr_addr, bytes, word))
		return 0;
	state = word_at(bytes, word);
	return state ? state + tables->user_offset + 2 * word : 0;
}

/* --- recognising a struct pthread -------------------------------------------------------------- */

bool thread_read_word(const struct thread_search *search, uint64_t addr, uint64_t *ret)
{
	uint64_t value = 0;

	if (!mem_read_all(search->mem, addr, &value, search->found->word))
		return false;
	*ret = value;
	return true;
}

static bool is_x86(const struct found_malloc *found)
{
	return found->machine == EM_X86_64 || found->machine == EM_386;
}

/* glibc sysdeps/x86_64/nptl/tls.h, sysdeps/i386/nptl/tls.h: tcbhead_t begins tcb, dtv, self. */
static bool points_to_itself(const uint8_t *bytes, uint64_t addr, size_t word)
{
	return word_at(bytes, word) == addr && word_at(bytes + 2 * word, word) == addr;
}

/* The thread with that id, if it has no struct pthread yet. */
static struct malloc_thread *thread_of(const struct thread_search *search, uint32_t tid)
{
	size_t low = 0, high = search->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (search->inner[mid].tid < tid)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == search->count || search->inner[low].tid != tid || !tid)
		return NULL;
	return search->threads[search->inner[low].thread].pthread_addr
	               ? NULL
	               : &search->threads[search->inner[low].thread];
}

static size_t count_missing(const struct thread_search *search)
{
	size_t missing = 0;

	for (size_t i = 0; i < search->count; i++)
		missing += search->threads[i].pthread_addr == 0;
	return missing;
}

/* --- lists ------------------------------------------------------------------------------------- */

/* Follows one list from its head; nodes lie inside of struct pthread. */
static void walk_list(struct thread_search *search, uint64_t head)
{
	const struct thread_tables *tables = &search->found->threads;
	const size_t word = search->found->word;
	const size_t len = max_u64(tables->list_offset + 2 * word, tables->tid_offset + 4);
	uint8_t bytes[NODE_BYTES_MAX];
	size_t limit = 2 * search->count + 64;
	uint64_t node;

	if (!head || len > sizeof(bytes) || !thread_read_word(search, head, &node))
		return;
	for (; node != head && limit; limit--) {
		uint64_t addr = node - tables->list_offset;
		struct malloc_thread *thread;
		uint32_t tid;

		if (!is_aligned(node, word) || !vma_is_writable(search->vmas, addr, len) ||
		    !mem_read_all(search->mem, addr, bytes, len))
			return;
		memcpy(&tid, bytes + tables->tid_offset, sizeof(tid));
		thread = thread_of(search, tid);
		if (thread && (!is_x86(search->found) || points_to_itself(bytes, addr, word)))
			thread->pthread_addr = addr;
		node = word_at(bytes + tables->list_offset, word);
	}
}

size_t threads_by_tables(struct thread_search *search)
{
	const struct thread_tables *tables = &search->found->threads;
	uint64_t used = tables->used_addr, user = tables->user_addr, state;

	if (!tables->list_offset || !tables->tid_offset)
		return count_missing(search);
	if (tables->state_ptr_addr) {
		if (!thread_read_word(search, tables->state_ptr_addr, &state) || !state)
			return count_missing(search);
		used = state + tables->used_offset;
		user = state + tables->user_offset;
	}
	/* Twice: a list can be caught while a thread is linked in or out. */
	for (int i = 0; i < 2 && count_missing(search); i++) {
		walk_list(search, user);
		walk_list(search, used);
	}
	return count_missing(search);
}

/* --- scan -------------------------------------------------------------------------------------- */

/*
 * Where struct pthread keeps its task id when no table says so: behind a header of 704 (8-byte words)
 * or 96 bytes and the two words of its list link. So in all versions from 2.22 to 2.43.
 */
static uint32_t default_tid_offset(const struct found_malloc *found)
{
	if (found->threads.tid_offset)
		return found->threads.tid_offset;
	return found->word == 8 ? 720 : 104;
}

static void scan_bytes(struct thread_search *search, const uint8_t *bytes, size_t len,
                       uint64_t start, size_t *missing)
{
	const size_t word = search->found->word;
	const uint32_t tid_offset = default_tid_offset(search->found);

	for (size_t pos = 0; len - pos >= 3 * word && *missing; pos += 16) {
		struct malloc_thread *thread;
		uint32_t tid;

		if (!points_to_itself(bytes + pos, start + pos, word) ||
		    !mem_read_all(search->mem, start + pos + tid_offset, &tid, sizeof(tid)))
			continue;
		thread = thread_of(search, tid);
		if (!thread)
			continue;
		thread->pthread_addr = start + pos;
		(*missing)--;
	}
}

/* Looks at the present pages of [start, end); *budget is what may still be read. */
static void scan_range(struct thread_search *search, uint64_t start, uint64_t end, uint8_t *buf,
                       uint64_t *budget, size_t *missing)
{
	struct mem_range ranges[RANGES];

	while (start < end && *missing && *budget) {
		size_t count = mem_pages(search->mem, start, end, ranges, RANGES);

		for (size_t i = 0; i < count && *missing; i++) {
			uint64_t at = ranges[i].start, stop = min_u64(ranges[i].end, end);

			while (ranges[i].page == MEM_PAGE_PRESENT && at < stop && *budget &&
			       *missing) {
				size_t want = (size_t)min_u64(stop - at, PIECE);

				if (mem_read_all(search->mem, at, buf, want))
					scan_bytes(search, buf, want, at, missing);
				*budget -= min_u64(*budget, want);
				at += want;
			}
		}
		if (!count || ranges[count - 1].end <= start)
			return;
		start = ranges[count - 1].end;
	}
}

/* Cheap, and right for nearly all: what it misses is only searched in another order. */
static bool is_heap(const struct thread_search *search, const struct vma *v)
{
	return vma_is_named(search->vmas, v, "[heap]") ||
	       v->start % search->found->layout.heap.heap_max == 0;
}

/*
 * Small mappings and stacks first: that is where glibc puts a struct pthread. In static programs the
 * first thread's lies at the start of [heap]. The rest is searched last, and not without bound.
 */
static bool belongs_to_pass(const struct thread_search *search, const struct vma *v, int pass)
{
	const bool is_small = vma_size(v) <= MIB, heap = is_heap(search, v);

	if ((v->prot & (VMA_READ | VMA_WRITE | VMA_SHARED)) != (VMA_READ | VMA_WRITE))
		return false;
	if (pass == 0)
		return heap ? vma_is_named(search->vmas, v, "[heap]") : is_small;
	if (pass == 1)
		return !heap && !is_small;
	return heap;
}

size_t threads_by_scan(struct thread_search *search)
{
	size_t missing = count_missing(search);
	uint8_t *buf;

	if (!missing || !is_x86(search->found))
		return missing;
	buf = malloc(PIECE);
	for (int pass = 0; buf && missing && pass < 3; pass++) {
		uint64_t budget = SCAN_MAX;

		for (size_t i = 0; i < search->vmas->count && missing && budget; i++) {
			const struct vma *v = &search->vmas->at[i];
			uint64_t end = v->end;

			if (!belongs_to_pass(search, v, pass))
				continue;
			if (pass == 0)
				end = min_u64(end, v->start + MIB);
			scan_range(search, v->start, end, buf, &budget, &missing);
		}
	}
	free(buf);
	return missing;
}
