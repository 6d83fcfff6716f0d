/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Variables that malloc keeps to itself besides main_arena and mp_: who simulates it needs them.
 * Symbols name them where there are any. Else a compatibility symbol that every libc exports lies
 * right in front of them; their order was measured, and what is found there is tested.
 */
#include "probes/find_roads.h"

#include <stdlib.h>
#include <string.h>

#include "model/rules/glibc_rules.h"

static uint64_t place(const struct module *m, const struct elf_symbol *symbol)
{
	return symbol->is_defined ? symbol->value + m->bias : 0;
}

/* --- exported symbols ------------------------------------------------------------------------------ */

enum exported { CURBRK, SINGLE, INIT_HOOK, HOOK_MALLOC, HOOK_REALLOC, HOOK_MEMALIGN, HOOK_FREE };

struct firsts {
	const struct module *module;
	struct malloc_private *private;
};

/* A relocation of one of the hooks: what it holds before malloc's first use. */
static void take_first(void *ctx, uint64_t at, uint64_t value)
{
	struct firsts *f = ctx;

	for (size_t i = 0; i < 4; i++)
		if (f->private->hook[i] && f->private->hook[i] == at + f->module->bias)
			f->private->hook_first[i] = value + f->module->bias;
}

static void find_hook_firsts(const struct module *m, struct malloc_private *ret)
{
	struct firsts firsts = { m, ret };
	uint64_t start, end;
	uint8_t *data;

	if (!elf_data_range(m->elf, &start, &end) || end - start > (16u << 20))
		return;
	data = calloc(1, (size_t)(end - start) + 1);
	if (!data)
		return;
	elf_read(m->elf, start, data, (size_t)(end - start));
	elf_each_pointer(m->elf, data, start, (size_t)(end - start), take_first, &firsts);
	free(data);
}

static uint64_t find_exported(const struct module *m, int minor, struct malloc_private *ret)
{
	struct elf_symbol wanted[] = {
		[CURBRK] = { .name = "__curbrk" },
		[SINGLE] = { .name = "__libc_single_threaded" },
		[INIT_HOOK] = { .name = "__malloc_initialize_hook" },
		[HOOK_MALLOC] = { .name = "__malloc_hook" },
		[HOOK_REALLOC] = { .name = "__realloc_hook" },
		[HOOK_MEMALIGN] = { .name = "__memalign_hook" },
		[HOOK_FREE] = { .name = "__free_hook" },
	};
	const struct glibc_rules *rules = glibc_rules_for(minor);
	bool has_hooks = rules && rules->has_hooks;

	if (!elf_symbols(m->elf, ELF_DYNSYM, wanted, sizeof(wanted) / sizeof(wanted[0])))
		return 0;
	ret->curbrk = place(m, &wanted[CURBRK]);
	ret->single_threaded = place(m, &wanted[SINGLE]);
	for (size_t i = 0; i < 4 && has_hooks; i++)
		ret->hook[i] = place(m, &wanted[HOOK_MALLOC + i]);
	if (has_hooks)
		find_hook_firsts(m, ret);
	return place(m, &wanted[INIT_HOOK]);
}

/* --- symbols of the linker --------------------------------------------------------------------------- */

static bool find_symbols(const struct module *m, const struct elf_file *file,
                         struct malloc_private *ret)
{
	struct elf_symbol wanted[] = {
		{ .name = "narenas" },
		{ .name = "narenas_limit", .is_prefix = true },
		{ .name = "free_list" },
		{ .name = "next_to_use", .is_prefix = true },
		{ .name = "aligned_heap_area" },
		{ .name = "tcache_key" },
		{ .name = "global_max_fast" },
		{ .name = "perturb_byte" },
		{ .name = "may_shrink_heap", .is_prefix = true },
		{ .name = "__curbrk" },
		{ .name = "__libc_multiple_threads" },
	};
	uint64_t *const places[] = { &ret->narenas,           &ret->narenas_limit,
		                     &ret->free_list,         &ret->next_to_use,
		                     &ret->aligned_heap_area, &ret->tcache_key,
		                     &ret->global_max_fast,   &ret->perturb_byte,
		                     &ret->may_shrink_heap,   &ret->curbrk,
		                     &ret->multiple_threads };

	if (!elf_symbols(file, ELF_SYMTAB, wanted, sizeof(wanted) / sizeof(wanted[0])) ||
	    !wanted[0].is_defined)
		return false;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (!wanted[i].is_defined)
			continue;
		*places[i] = place(m, &wanted[i]);
		if (places[i] == &ret->global_max_fast)
			ret->max_fast_bytes = (uint32_t)wanted[i].size;
	}
	return true;
}

/* --- by their order ------------------------------------------------------------------------------------ */

static bool read_word(struct memory *mem, uint64_t addr, uint64_t *ret)
{
	return mem_read_all(mem, addr, ret, sizeof(*ret));
}

/* Null, or an arena: main_arena or what may lie behind a heap_info. */
static bool may_be_arena(const struct found_malloc *found, uint64_t v)
{
	return !v || v == found->main_arena_addr ||
	       v % found->layout.heap.heap_max == found->layout.heap.size;
}

static bool is_plausible(struct memory *mem, const struct found_malloc *found,
                         const struct malloc_private *p)
{
	uint64_t next_to_use, limit, free_list, area, narenas;
	int32_t shrink;

	if (!read_word(mem, p->next_to_use, &next_to_use) ||
	    !read_word(mem, p->narenas_limit, &limit) ||
	    !read_word(mem, p->free_list, &free_list) ||
	    !read_word(mem, p->aligned_heap_area, &area) || !read_word(mem, p->narenas, &narenas) ||
	    !mem_read_all(mem, p->may_shrink_heap, &shrink, sizeof(shrink)))
		return false;
	return may_be_arena(found, next_to_use) && may_be_arena(found, free_list) &&
	       limit <= 1u << 20 && area % found->layout.heap.heap_max == 0 && narenas >= 1 &&
	       narenas <= 1u << 20 && shrink >= -1 && shrink <= 1;
}

static void find_by_order(struct memory *mem, int minor, uint64_t init_hook,
                          const struct found_malloc *found, struct malloc_private *ret)
{
	const struct private_layout *row = glibc_private_for(minor);
	struct malloc_private p = *ret;
	uint64_t base = init_hook + found->layout.word;

	if (!row || !init_hook || found->layout.word != 8 || !found->mp_addr)
		return;
	p.next_to_use = base;
	p.narenas_limit = base + row->narenas_limit;
	p.tcache_key = row->tcache_key != FIELD_NONE ? base + row->tcache_key : 0;
	p.aligned_heap_area = base + row->aligned_heap_area;
	p.free_list = base + row->free_list;
	p.perturb_byte = base + row->perturb_byte;
	p.global_max_fast = row->global_max_fast != FIELD_NONE ? base + row->global_max_fast : 0;
	p.max_fast_bytes = row->max_fast_bytes;
	p.narenas = found->mp_addr - GLIBC_NARENAS_BEFORE_MP;
	p.may_shrink_heap = found->mp_addr - GLIBC_MAY_SHRINK_BEFORE_MP;
	if (is_plausible(mem, found, &p))
		*ret = p;
}

void private_find(int32_t pid, const struct module *libc, struct memory *mem, int minor,
                  struct found_malloc *ret)
{
	struct malloc_private private = { 0 };
	struct elf_file *debug;
	uint64_t init_hook;

	if (!libc->elf)
		return;
	init_hook = find_exported(libc, minor, &private);
	if (!find_symbols(libc, libc->elf, &private)) {
		debug = debug_file_open(pid, libc->elf->build_id);
		if (!debug || !find_symbols(libc, debug, &private))
			find_by_order(mem, minor, init_hook, ret, &private);
		elf_close(debug);
	}
	ret->private = private;
}
