/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdict: where main_arena and mp_ of each glibc in a process are, how sure that is, and which
 * of several is the one that the program uses. The grades:
 *
 *	A	a symbol or the relocation names it, and scan or heap_info agree
 *	B	no such name, but scan and heap_info agree, or the scan has all points; mp_ found
 *	C	one strong road alone
 *	D	one weak road alone
 *	N	main_arena is in its never-used state
 *	?	not found
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/units.h"
#include "probes/find.h"
#include "probes/find_libc.h"
#include "probes/find_roads.h"
#include "probes/threads.h"

/*
 * Of the scan's nine points (pt_scan_main_arena): with so many the ring is closed, top ends where
 * [heap] does and system_mem is consistent.
 */
enum { SCAN_SCORE_FULL = 8 };

/* One glibc and what the roads said of it. */
struct instance {
	struct module *module;
	struct found_malloc malloc;
	struct roads roads;
	char version[32];
	int minor;
	const struct malloc_layout *row; /* that malloc.layout is a copy of */
	bool is_found;
	bool is_read;  /* main_arena itself could be read */
	bool has_heap; /* its sbrk_base lies in [heap] */
	uint64_t system_mem;
	const char *found_by;
	char confidence;
};

/* --- one glibc --------------------------------------------------------------------------------- */

struct vote {
	uint64_t addr;
	unsigned weight;
};

/* A road that names main_arena outweighs one that only recognises it, two of these outweigh it. */
static uint64_t elect(const struct roads *roads)
{
	const struct vote votes[] = { { roads->symbol, 3 },
		                      { roads->relocation, 3 },
		                      { roads->scan, 2 },
		                      { roads->heaps, 2 } };
	const size_t count = sizeof(votes) / sizeof(votes[0]);
	struct vote best = { 0 };

	for (size_t i = 0; i < count; i++) {
		unsigned weight = 0;

		for (size_t k = 0; votes[i].addr && k < count; k++)
			weight += votes[k].addr == votes[i].addr ? votes[k].weight : 0;
		if (weight > best.weight)
			best = (struct vote){ votes[i].addr, weight };
	}
	return best.addr;
}

static const char *first_road(const struct roads *roads, uint64_t main_arena)
{
	for (size_t i = 0; i < roads->count; i++) {
		if (roads->list[i].main_arena == main_arena)
			return roads->list[i].name;
	}
	return NULL;
}

static char grade(const struct instance *inst)
{
	const struct roads *r = &inst->roads;
	const uint64_t addr = inst->malloc.main_arena_addr;
	const bool is_named = r->symbol == addr || r->relocation == addr;
	const bool is_seen = r->scan == addr, is_linked = r->heaps == addr;

	if (inst->malloc.never_used)
		return 'N';
	if (is_named && (is_seen || is_linked))
		return 'A';
	if (is_seen && (is_linked || r->candidate.score >= SCAN_SCORE_FULL) && inst->malloc.mp_addr)
		return 'B';
	return is_named || is_seen ? 'C' : 'D';
}

/* glibc malloc/arena.c:heap_max_size (2.35-2.41): huge pages make heaps larger. */
static void override_heap_max(struct malloc_layout *layout, const struct malloc_params *params)
{
	uint64_t page = fact_or(params->hp_pagesize, 0);

	if (layout->heap.heap_max_is_4_hp && page >= 64 * KIB && page <= 16 * GIB &&
	    (page & (page - 1)) == 0)
		layout->heap.heap_max = 4 * page;
}

/* Never used: no memory, no other arena, no mmapped chunk ever. */
static bool is_never_used(const struct arena *arena, const struct malloc_params *params)
{
	return arena->system_mem == 0 && arena->max_system_mem == 0 && arena->next == arena->addr &&
	       fact_or(params->max_n_mmaps, 0) == 0;
}

static void look_at_state(struct instance *inst, const struct vma_set *vmas)
{
	struct decode d = roads_decode(&inst->roads, &inst->malloc.layout);
	const struct vma *heap;
	struct malloc_params params = { 0 };
	struct arena arena = { 0 };

	d.main_arena_addr = inst->malloc.main_arena_addr;
	d.mp_addr = inst->malloc.mp_addr;
	if (d.mp_addr && pt_read_params(&d, &params)) {
		override_heap_max(&inst->malloc.layout, &params);
		heap = vma_find(vmas, fact_or(params.sbrk_base, 0));
		inst->has_heap = heap && vma_is_named(vmas, heap, "[heap]");
	}
	if (pt_read_arena(&d, d.main_arena_addr, &arena)) {
		inst->malloc.never_used = is_never_used(&arena, &params);
		inst->system_mem = arena.system_mem;
		inst->is_read = true;
	}
}

static void choose_mp(struct instance *inst, const struct malloc_layout *row)
{
	struct roads *r = &inst->roads;
	struct pt_candidate main_arena = r->candidate;
	const uint64_t named = r->mp_symbol ? r->mp_symbol : r->mp_pattern;

	if (main_arena.addr != inst->malloc.main_arena_addr)
		main_arena = (struct pt_candidate){ .addr = inst->malloc.main_arena_addr };
	main_arena.lay = row;
	road_scan_mp(r, &main_arena);
	inst->malloc.mp_addr = named ? named : r->mp_scan;
}

/* With main_arena known: the rest of the layout, mp_, the state, and heap_info with heaps as they are. */
static void settle(struct instance *inst)
{
	struct roads *r = &inst->roads;
	const struct heap_layout heap = inst->malloc.layout.heap;

	inst->row = layout_refine(r, inst->row, inst->malloc.main_arena_addr);
	inst->malloc.layout = *inst->row;
	choose_mp(inst, inst->row);
	look_at_state(inst, r->vmas);
	if (inst->malloc.layout.heap.size != heap.size ||
	    inst->malloc.layout.heap.heap_max != heap.heap_max)
		road_heaps(r, &inst->malloc.layout);
	inst->found_by = first_road(r, inst->malloc.main_arena_addr);
	inst->confidence = grade(inst);
}

/* All roads for one glibc; false when none leads anywhere. */
static bool search_instance(struct instance *inst)
{
	struct roads *r = &inst->roads;

	if (!roads_start(r))
		return false;
	road_symbols(r);
	road_relocation(r);
	road_pattern(r);
	road_scan(r, layout_choose(r));
	inst->row = layout_choose(r);
	if (inst->row) {
		inst->malloc.layout = *inst->row;
		road_heaps(r, inst->row);
		inst->malloc.main_arena_addr = elect(r);
		if (inst->malloc.main_arena_addr)
			settle(inst);
	}
	roads_end(r);
	return inst->row && inst->malloc.main_arena_addr;
}

/* --- all of them ------------------------------------------------------------------------------- */

/* What the scans may rely on and the rest of heaptop needs to know of the module. */
static void describe_instance(struct instance *inst, const struct modules *modules)
{
	const struct module *m = inst->module;

	inst->malloc.libc_base = m->start;
	inst->malloc.libc_end = m->end;
	inst->malloc.word = modules->word;
	inst->malloc.machine = modules->machine;
	thread_tables_find(m, modules, &inst->malloc.threads);
	tls_offsets_find(m, inst->roads.mem, &inst->malloc.tls);
	private_find(inst->roads.pid, m, inst->roads.mem, inst->minor, &inst->malloc);
	inst->malloc.private.stack_cache =
	        thread_cache_head(&inst->malloc.threads, inst->roads.mem, modules->word);
	inst->malloc.private.pthread_list = inst->malloc.threads.list_offset;
}

/* The one in use first: it has memory, it owns [heap], it has most; else as they lie in memory. */
static int compare_instances(const void *a, const void *b)
{
	const struct instance *x = *(const struct instance *const *)a;
	const struct instance *y = *(const struct instance *const *)b;

	if (x->is_found != y->is_found)
		return x->is_found ? -1 : 1;
	if (x->malloc.never_used != y->malloc.never_used)
		return x->malloc.never_used ? 1 : -1;
	if (x->has_heap != y->has_heap)
		return x->has_heap ? -1 : 1;
	if (x->system_mem != y->system_mem)
		return x->system_mem > y->system_mem ? -1 : 1;
	return x->module->start < y->module->start ? -1 : x->module->start > y->module->start;
}

static void report(const struct instance *inst, struct heap_facts *heap)
{
	const struct roads *r = &inst->roads;

	heap->libc_path = inst->module->path;
	heap->minor = inst->minor;
	memcpy(heap->version, inst->version, sizeof(heap->version));
	heap->build_id[0] = '\0';
	if (inst->module->elf)
		memcpy(heap->build_id, inst->module->elf->build_id, sizeof(heap->build_id));
	memcpy(heap->roads, r->list, r->count * sizeof(r->list[0]));
	heap->road_count = r->count;
	if (!inst->is_found)
		return;
	heap->found_by = inst->found_by;
	heap->confidence = inst->confidence;
	heap->layout = inst->row->name;
}

static struct instance *new_instance(int32_t pid, const struct vma_set *vmas, struct memory *mem,
                                     struct region *region, struct module *module)
{
	struct instance *inst = region_alloc(region, sizeof(*inst));

	if (!inst)
		return NULL;
	inst->module = module;
	inst->minor = module_glibc_minor(module, inst->version);
	inst->confidence = '?';
	inst->roads = (struct roads){
		.pid = pid, .vmas = vmas, .mem = mem, .region = region, .module = module
	};
	return inst;
}

static void search_module(struct instance *inst, const struct modules *modules,
                          struct heap_facts *heap)
{
	struct roads *r = &inst->roads;

	if (!modules_abi(modules, &r->abi)) {
		heap_error_add(heap, inst->module->start,
		               modules->machine ? "glibc of a machine that is not decoded: "
		                                  "malloc's state is not shown"
		                                : "no file of the program can be opened: malloc's "
		                                  "state is not shown");
		return;
	}
	r->row = inst->minor >= 0 ? glibc_layout_for(inst->minor, r->abi) : NULL;
	inst->is_found = search_instance(inst);
	if (!inst->is_found)
		return;
	describe_instance(inst, modules);
	if (r->row && inst->row != r->row)
		heap_error_add(
		        heap, inst->malloc.main_arena_addr,
		        "malloc's layout is another than its version says; what is there counts");
}

static void search_all(struct instance **list, size_t count, const struct modules *modules,
                       struct heap_facts *heap, struct found *ret)
{
	for (size_t i = 0; i < count; i++)
		search_module(list[i], modules, heap);
	qsort(list, count, sizeof(void *), compare_instances);
	if (count)
		report(list[0], heap);
	for (size_t i = 0; i < count && list[i]->is_found; i++)
		ret->mallocs[ret->count++] = list[i]->malloc;
}

void find_malloc(int32_t pid, const struct vma_set *vmas, struct memory *mem, struct region *region,
                 struct heap_facts *heap, struct found *ret)
{
	struct instance *list[FOUND_MAX];
	struct modules modules = { 0 };
	size_t count = 0;
	bool is_used;

	*ret = (struct found){ 0 };
	heap->confidence = '?';
	if (!modules_list(vmas, region, &modules))
		return;
	modules_identify(pid, mem, &modules);
	libc_describe(&modules, heap);
	for (size_t i = 0; i < modules.count && count < FOUND_MAX; i++) {
		if (!(modules.at[i].roles & MODULE_GLIBC))
			continue;
		list[count] = new_instance(pid, vmas, mem, region, &modules.at[i]);
		count += list[count] != NULL;
	}
	search_all(list, count, &modules, heap, ret);
	is_used = ret->count && list[0]->is_read && !ret->mallocs[0].never_used;
	allocator_decide(pid, mem, &modules, is_used, heap);
	for (size_t i = 0; i < modules.count; i++)
		module_close(&modules.at[i]);
}
