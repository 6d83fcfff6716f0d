/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMAs: what a mapping is, in words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/base/text.h"
#include "tui/view_parts.h"
#include "tui/view_vmas.h"

static bool is_inside(const struct vma *v, uint64_t addr)
{
	return addr >= v->start && addr < v->end;
}

/* The name from maps, cleaned; empty when it has none. */
static void own_name(const struct vma_set *set, const struct vma *v, char to[VMA_WORDS])
{
	to[0] = '\0';
	if (v->name_len && v->name_at <= set->names_len &&
	    v->name_len <= set->names_len - v->name_at)
		text_clean(to, VMA_WORDS, set->names + v->name_at, v->name_len);
}

static void arena_words(const struct snapshot *snap, const struct vma *v, char to[VMA_WORDS])
{
	const struct malloc_state *ms = snapshot_malloc(snap);
	const char *tail = v->kind == VMA_RESERVE ? ", may grow" : "";
	char name[TEXT_NUMBER] = "?";

	if (ms && v->owner >= 0)
		arena_name(name, ms, (size_t)v->owner);
	(void)snprintf(to, VMA_WORDS, "arena %s heap %d%s", name, v->owner_heap, tail);
}

/* The index of the first mmapped chunk whose mapping starts at or above `addr`. */
static size_t first_chunk(const struct malloc_state *ms, uint64_t addr)
{
	size_t low = 0, high = ms->mmapped_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ms->mmapped[middle].base < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void chunk_words(const struct snapshot *snap, const struct vma *v, char to[VMA_WORDS])
{
	const struct malloc_state *ms = snapshot_malloc(snap);
	size_t first = ms ? first_chunk(ms, v->start) : 0, count = 0;
	uint64_t bytes = 0;
	char number[TEXT_NUMBER];

	while (ms && first + count < ms->mmapped_count && ms->mmapped[first + count].base < v->end)
		bytes += ms->mmapped[first + count++].size;
	if (count == 1)
		(void)snprintf(to, VMA_WORDS, "chunk %s B", text_count(number, bytes));
	else if (count)
		(void)snprintf(to, VMA_WORDS, "%zu chunks, %s", count, text_bytes(number, bytes));
	else
		(void)snprintf(to, VMA_WORDS, "mmapped chunk");
}

static void file_words(const struct snapshot *snap, const struct vma *v, char to[VMA_WORDS])
{
	const struct malloc_state *ms = snapshot_malloc(snap);
	size_t len;

	own_name(snapshot_vmas(snap), v, to);
	len = strlen(to);
	if (ms && is_inside(v, ms->main_arena_addr))
		(void)snprintf(to + len, VMA_WORDS - len, "  main_arena");
}

/* Bss has no name of its own: the file is the one in front of it. */
static void bss_words(const struct snapshot *snap, const struct vma *v, char to[VMA_WORDS])
{
	const struct vma_set *set = snapshot_vmas(snap);
	char file[VMA_WORDS];
	const char *base;

	file[0] = '\0';
	if (v > set->at)
		own_name(set, v - 1, file);
	base = strrchr(file, '/');
	(void)snprintf(to, VMA_WORDS, "[anon] after %.300s", base ? base + 1 : file);
}

void vma_words(const struct snapshot *snap, const struct vma *v, char to[VMA_WORDS])
{
	own_name(snapshot_vmas(snap), v, to);
	switch ((enum vma_kind)v->kind) {
	case VMA_HEAP:
		if (snapshot_malloc(snap))
			(void)snprintf(to, VMA_WORDS, "[heap] main_arena");
		return;
	case VMA_ARENA:
		arena_words(snap, v, to);
		return;
	case VMA_RESERVE:
		if (v->owner >= 0)
			arena_words(snap, v, to);
		else if (!to[0])
			(void)snprintf(to, VMA_WORDS, "[anon] reservation");
		return;
	case VMA_MMAPPED:
		chunk_words(snap, v, to);
		return;
	case VMA_STACK:
		if (!to[0])
			(void)snprintf(to, VMA_WORDS, "stack of tid %d", v->owner);
		return;
	case VMA_GUARD:
		(void)snprintf(to, VMA_WORDS, "stack guard of tid %d", v->owner);
		return;
	case VMA_BSS:
		bss_words(snap, v, to);
		return;
	case VMA_FILE:
	case VMA_SHM:
		file_words(snap, v, to);
		return;
	case VMA_ANON:
	case VMA_KERNEL:
	case VMA_KIND_COUNT:
		break;
	}
	if (!to[0])
		(void)snprintf(to, VMA_WORDS, "[anon]");
}

char *vma_perms(char buf[8], const struct vma *v)
{
	return vma_prot_text(buf, v->prot);
}

char *vma_account(char buf[8], const struct vma *v)
{
	const char *no = v->has_smaps && v->flags & VMA_FLAG_NR ? "nr" : "-";
	const char *word = "?";

	switch ((enum vma_charge)v->charge) {
	case VMA_CHARGE_NO:
		word = no;
		break;
	case VMA_CHARGE_YES:
		word = "ac";
		break;
	case VMA_CHARGE_GUESS_NO:
		word = "-~";
		break;
	case VMA_CHARGE_GUESS_YES:
		word = "ac~";
		break;
	case VMA_CHARGE_UNKNOWN:
		break;
	}
	(void)snprintf(buf, 8, "%s", word);
	return buf;
}
