/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/find_roads.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/units.h"

enum { DATA_MAX = 16 << 20, GENERATIONS_MAX = 16, CANDIDATES = 4 };

/* A road that is taken a second time counts by its newer result. */
static void add_road(struct roads *roads, struct road road)
{
	for (size_t i = 0; i < roads->count; i++) {
		if (strcmp(roads->list[i].name, road.name) == 0) {
			roads->list[i] = road;
			return;
		}
	}
	if (roads->count < ROADS_MAX)
		roads->list[roads->count++] = road;
}

struct decode roads_decode(struct roads *roads, const struct malloc_layout *layout)
{
	return (struct decode){ .mem = roads->mem,
		                .lay = layout,
		                .vmas = roads->vmas,
		                .region = roads->region,
		                .heap = &roads->scratch,
		                .heap_max = layout->heap.heap_max };
}

/* --- .data ------------------------------------------------------------------------------------- */

/* Without the file: the library's writable mapping, which RELRO has split off by now. */
static bool data_of_vmas(const struct roads *roads, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct module *m = roads->module;
	const struct vma *v = vma_find(roads->vmas, m->start);
	const struct vma *past = roads->vmas->at + roads->vmas->count;

	for (; v && v < past && v->start < m->end; v++) {
		if (v->inode != m->first->inode || !(v->prot & VMA_WRITE))
			continue;
		*ret_start = v->start - m->bias;
		*ret_end = v->end - m->bias;
		return true;
	}
	return false;
}

/* Reads what can be read; pages that can't (swapped out, say) stay zero. */
static bool read_live(struct roads *roads)
{
	uint64_t addr = roads->data_vaddr + roads->module->bias;
	size_t pos = 0;
	bool is_whole = true;

	while (pos < roads->len) {
		enum mem_status status;
		size_t got = mem_read(roads->mem, addr + pos, roads->live_data + pos,
		                      roads->len - pos, &status);

		pos += got;
		if (got)
			continue;
		is_whole = false;
		if (status == MEM_DENIED || status == MEM_GONE)
			return false;
		pos = (size_t)(align_up(addr + pos + 1, 4096) - addr);
	}
	return is_whole;
}

bool roads_start(struct roads *roads)
{
	const struct elf_file *elf = roads->module->elf;
	uint64_t start, end;

	if (elf ? !elf_data_range(elf, &start, &end) : !data_of_vmas(roads, &start, &end))
		return false;
	roads->data_vaddr = start;
	roads->len = (size_t)min_u64(end - start, DATA_MAX);
	roads->file_data = calloc(1, roads->len);
	roads->live_data = calloc(1, roads->len);
	if (!roads->file_data || !roads->live_data) {
		roads_end(roads);
		return false;
	}
	if (elf)
		elf_read(elf, start, roads->file_data, roads->len);
	roads->has_live = read_live(roads);
	return true;
}

void roads_end(struct roads *roads)
{
	free(roads->file_data);
	free(roads->live_data);
	roads->file_data = roads->live_data = NULL;
}

/* The file's word at a virtual address of .data. */
static bool file_word(const struct roads *roads, uint64_t vaddr, uint64_t *ret)
{
	size_t word = roads->abi == ABI_I386 ? 4 : 8;
	uint64_t value = 0, at = vaddr - roads->data_vaddr;

	if (vaddr < roads->data_vaddr || at > roads->len || roads->len - at < word)
		return false;
	memcpy(&value, roads->file_data + at, word);
	*ret = value;
	return true;
}

/* --- symbols ----------------------------------------------------------------------------------- */

static bool take_symbols(struct roads *roads, const struct elf_file *file)
{
	struct elf_symbol wanted[] = { { .name = "main_arena" }, { .name = "mp_" } };

	elf_symbols(file, ELF_SYMTAB, wanted, 2);
	if (wanted[0].is_defined)
		roads->symbol = wanted[0].value + roads->module->bias;
	if (wanted[1].is_defined)
		roads->mp_symbol = wanted[1].value + roads->module->bias;
	return wanted[0].is_defined;
}

void road_symbols(struct roads *roads)
{
	const struct elf_file *elf = roads->module->elf;
	struct road road = { .name = "symbols" };
	struct elf_file *debug;

	if (!elf) {
		road.note = roads->module->why;
	} else if (take_symbols(roads, elf)) {
		road.note = "of the file itself";
	} else if (!elf->build_id[0]) {
		road.note = "stripped, no build-id";
	} else {
		debug = debug_file_open(roads->pid, elf->build_id);
		road.note = !debug                       ? "no debug file"
		            : take_symbols(roads, debug) ? "of the debug file"
		                                         : "not in the debug file";
		elf_close(debug);
	}
	road.main_arena = roads->symbol;
	road.mp = roads->mp_symbol;
	add_road(roads, road);
}

/* --- relocation -------------------------------------------------------------------------------- */

struct self_pointers {
	const struct roads *roads;
	struct generation {
		uint32_t next, attached; /* offsets in struct malloc_state; attached may be none */
	} generations[GENERATIONS_MAX];
	size_t generation_count;
	uint64_t main_arena; /* virtual address of the last hit */
	uint32_t next;
	unsigned hits;
};

static void list_generations(struct self_pointers *s)
{
	for (size_t i = 0; i < glibc_layout_count; i++) {
		const struct malloc_layout *lay = &glibc_layouts[i];
		size_t k = 0;

		if (lay->abi != s->roads->abi)
			continue;
		while (k < s->generation_count && s->generations[k].next != lay->arena.next)
			k++;
		if (k < s->generation_count) {
			/* Rows that share `next` but not this field can't be told apart by it. */
			if (s->generations[k].attached != lay->arena.attached_threads)
				s->generations[k].attached = FIELD_NONE;
		} else if (k < GENERATIONS_MAX) {
			s->generations[s->generation_count++] =
			        (struct generation){ lay->arena.next, lay->arena.attached_threads };
		}
	}
}

/* glibc malloc/malloc.c:main_arena is initialised with next = itself and attached_threads = 1. */
static void check_pointer(void *ctx, uint64_t place, uint64_t value)
{
	struct self_pointers *s = ctx;
	uint64_t attached;

	if (value >= place || value < s->roads->data_vaddr ||
	    place >= s->roads->data_vaddr + s->roads->len)
		return;
	for (size_t i = 0; i < s->generation_count; i++) {
		const struct generation *g = &s->generations[i];

		if (place - value != g->next)
			continue;
		if (g->attached != FIELD_NONE &&
		    (!file_word(s->roads, value + g->attached, &attached) || attached != 1))
			continue;
		s->hits++;
		s->main_arena = value;
		s->next = g->next;
	}
}

void road_relocation(struct roads *roads)
{
	const struct elf_file *elf = roads->module->elf;
	struct self_pointers s = { .roads = roads };
	struct road road = { .name = "relocation" };

	if (!elf) {
		road.note = roads->module->why;
		add_road(roads, road);
		return;
	}
	list_generations(&s);
	elf_each_pointer(elf, roads->file_data, roads->data_vaddr, roads->len, check_pointer, &s);
	if (s.hits == 1) {
		roads->relocation = road.main_arena = s.main_arena + roads->module->bias;
		roads->next_offset = s.next;
		road.note = elf->type == ET_EXEC ? "by the pointer itself: fixed addresses"
		                                 : "the only one that fits";
	} else {
		road.note = s.hits ? "several fit" : "none fits";
	}
	add_road(roads, road);
}

/* --- pattern ----------------------------------------------------------------------------------- */

/*
 * glibc malloc/malloc.c:mp_ begins with trim_threshold, top_pad and mmap_threshold, 128 KiB each, and
 * arena_test, 8 (2 with 4-byte words).
 */
void road_pattern(struct roads *roads)
{
	const size_t word = roads->abi == ABI_I386 ? 4 : 8;
	const uint64_t wanted[] = { 128 * KIB, 128 * KIB, 128 * KIB, word == 8 ? 8 : 2 };
	struct road road = { .name = "pattern", .note = "not in the file" };
	unsigned hits = 0;

	for (uint64_t pos = 0; pos + 4 * word <= roads->len; pos += word) {
		uint64_t value = 0;
		size_t i = 0;

		while (i < 4 && file_word(roads, roads->data_vaddr + pos + i * word, &value) &&
		       value == wanted[i])
			i++;
		if (i < 4)
			continue;
		hits++;
		road.mp = roads->data_vaddr + pos + roads->module->bias;
	}
	if (hits == 1)
		road.note = "mp_'s defaults in the file, once";
	else if (hits)
		road.note = "several fit";
	if (hits != 1)
		road.mp = 0;
	roads->mp_pattern = road.mp;
	add_road(roads, road);
}

/* --- scan -------------------------------------------------------------------------------------- */

/* Any row of the ABI, for functions that want one before the right one is known. */
static const struct malloc_layout *some_layout(enum abi abi)
{
	for (size_t i = glibc_layout_count; i-- > 0;) {
		if (glibc_layouts[i].abi == abi)
			return &glibc_layouts[i];
	}
	return NULL;
}

void road_scan(struct roads *roads, const struct malloc_layout *only)
{
	const struct malloc_layout *lay = only ? only : some_layout(roads->abi);
	struct pt_candidate found[CANDIDATES];
	struct road road = { .name = "scan" };
	struct decode d;
	size_t count = 0;

	if (!lay) {
		road.note = "no layout for this machine";
		add_road(roads, road);
		return;
	}
	d = roads_decode(roads, lay);
	if (only)
		count = pt_scan_main_arena(&d, roads->live_data, roads->len,
		                           roads->data_vaddr + roads->module->bias, roads->abi,
		                           only, found, CANDIDATES);
	if (!count)
		count = pt_scan_main_arena(&d, roads->live_data, roads->len,
		                           roads->data_vaddr + roads->module->bias, roads->abi,
		                           NULL, found, CANDIDATES);
	if (count && (count == 1 || found[0].score > found[1].score)) {
		roads->candidate = found[0];
		roads->scan = road.main_arena = found[0].addr;
		road.score = found[0].score;
		road.note = found[0].never_used ? "in its never-used state" : NULL;
	} else {
		road.note = count              ? "several fit equally well"
		            : !roads->has_live ? "its data can't all be read"
		                               : "none fits";
	}
	add_road(roads, road);
}

void road_scan_mp(struct roads *roads, const struct pt_candidate *main_arena)
{
	struct decode d = roads_decode(roads, main_arena->lay);
	struct pt_candidate found[CANDIDATES];
	struct road road = { .name = "scan for mp_" };
	size_t count;

	d.main_arena_addr = main_arena->addr;
	count = pt_scan_mp(&d, roads->live_data, roads->len,
	                   roads->data_vaddr + roads->module->bias, main_arena, found, CANDIDATES);
	if (count && (count == 1 || found[0].score > found[1].score)) {
		roads->mp_scan = road.mp = found[0].addr;
		roads->mp_score = road.score = found[0].score;
	} else {
		road.note = count ? "several fit equally well" : "none fits";
	}
	add_road(roads, road);
}

/* --- heap_info --------------------------------------------------------------------------------- */

void road_heaps(struct roads *roads, const struct malloc_layout *layout)
{
	struct decode d = roads_decode(roads, layout);
	struct road road = { .name = "heap_info" };

	roads->heaps = road.main_arena = pt_main_arena_by_heaps(&d);
	if (!road.main_arena)
		road.note = "no arena but main_arena";
	add_road(roads, road);
}
