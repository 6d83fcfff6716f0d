/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMAs: the selected mapping, as the kernel and as malloc see it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/base/units.h"
#include "tui/view_parts.h"
#include "tui/view_vmas.h"

enum { LABEL_AT = 1, TEXT_AT = 11, PAGE = 4096 };

static void draw_flags(const struct vma *v, struct area area, int y)
{
	char buffer[96], perms[8];
	struct text text = text_in(buffer, sizeof(buffer));

	text_add(&text, vma_perms(perms, v));
	if (!v->has_smaps)
		text_add(&text, "   ? smaps not read (r reads it)");
	for (size_t i = 0; v->has_smaps && i < VMA_FLAG_WORDS; i++) {
		if (v->flags & vma_flag_words[i].flag)
			text_addf(&text, " %s", vma_flag_words[i].word);
	}
	draw_labelled(area, LABEL_AT, TEXT_AT, y, "flags", buffer);
}

static void draw_charge(const struct vma *v, struct area area, int y)
{
	char words[120], kib[TEXT_NUMBER];
	const char *zero = v->flags & VMA_FLAG_NR ? "0 KiB: MAP_NORESERVE" : "0 KiB";

	text_count(kib, vma_size(v) / KIB);
	switch ((enum vma_charge)v->charge) {
	case VMA_CHARGE_NO:
		(void)snprintf(words, sizeof(words), "%s", zero);
		break;
	case VMA_CHARGE_YES:
		(void)snprintf(words, sizeof(words), "%s KiB to Committed_AS", kib);
		break;
	case VMA_CHARGE_GUESS_NO:
		(void)snprintf(words, sizeof(words), "~0 KiB, estimated: smaps not read");
		break;
	case VMA_CHARGE_GUESS_YES:
		(void)snprintf(words, sizeof(words), "~%s KiB, estimated: smaps not read", kib);
		break;
	case VMA_CHARGE_UNKNOWN:
	default:
		(void)snprintf(words, sizeof(words), "?");
		break;
	}
	draw_labelled(area, LABEL_AT, TEXT_AT, y, "charged", words);
}

static void draw_pages(const struct vma *v, struct area area, int y)
{
	uint64_t pages = vma_size(v) / PAGE, present = v->rss / PAGE, swapped = v->swap / PAGE;
	char all[TEXT_NUMBER], in_ram[TEXT_NUMBER], swap[TEXT_NUMBER], rest[TEXT_NUMBER];
	char words[200];

	if (v->has_residency && present + swapped <= pages)
		(void)snprintf(words, sizeof(words), "%s: %s present · %s swapped · %s neither",
		               text_count(all, pages), text_count(in_ram, present),
		               text_count(swap, swapped),
		               text_count(rest, pages - present - swapped));
	else
		(void)snprintf(words, sizeof(words), "%s: present ? the page map was not read",
		               text_count(all, pages));
	draw_labelled(area, LABEL_AT, TEXT_AT, y, "pages", words);
}

static void draw_smaps(const struct vma *v, struct area area, int y)
{
	char pss[TEXT_NUMBER], anon[TEXT_NUMBER], dirty[TEXT_NUMBER], words[160];

	if (v->has_smaps)
		(void)snprintf(words, sizeof(words), "pss %s   anonymous %s   dirty %s",
		               text_bytes(pss, v->pss), text_bytes(anon, v->anonymous),
		               text_bytes(dirty, v->dirty));
	else
		(void)snprintf(words, sizeof(words), "pss ?   anonymous ?   dirty ?");
	draw_labelled(area, LABEL_AT, TEXT_AT, y, "smaps", words);
}

void vmas_kernel(const struct vma *v, struct area area)
{
	char words[120];

	draw_flags(v, area, 0);
	draw_charge(v, area, 1);
	draw_pages(v, area, 2);
	draw_smaps(v, area, 3);
	if (v->inode)
		(void)snprintf(words, sizeof(words),
		               "inode %" PRIu64 " on %02x:%02x   offset 0x%" PRIx64, v->inode,
		               v->dev_major, v->dev_minor, v->offset);
	else
		(void)snprintf(words, sizeof(words), "none");
	draw_labelled(area, LABEL_AT, TEXT_AT, 4, "file", words);
}

/* --- malloc's view ------------------------------------------------------------------------------ */

static void draw_arena(const struct malloc_state *ms, size_t i, struct area area)
{
	const struct arena *arena = &ms->arenas[i];
	char name[TEXT_NUMBER], a[TEXT_NUMBER], b[TEXT_NUMBER], words[160];

	(void)snprintf(words, sizeof(words), "%s, state at %s", arena_name(name, ms, i),
	               text_addr(a, arena->addr));
	draw_labelled(area, LABEL_AT, TEXT_AT, 0, "arena", words);
	(void)snprintf(words, sizeof(words), "%s in %zu heap%s", text_bytes(a, arena->system_mem),
	               arena->heap_count, arena->heap_count == 1 ? "" : "s");
	draw_labelled(area, LABEL_AT, TEXT_AT, 1, "system", words);
	(void)snprintf(words, sizeof(words), "%s   bins %s", figure_bytes(a, arena->in_use.bytes),
	               figure_bytes(b, arena->free_total.bytes));
	draw_labelled(area, LABEL_AT, TEXT_AT, 2, "in use", words);
	(void)snprintf(words, sizeof(words), "%s at %s", figure_bytes(a, arena->top_size),
	               text_addr(b, arena->top_addr));
	draw_labelled(area, LABEL_AT, TEXT_AT, 3, "top", words);
	(void)snprintf(words, sizeof(words), "%s by malloc_trim(0)",
	               figure_bytes(a, arena->trimmable));
	draw_labelled(area, LABEL_AT, TEXT_AT, 4, "to free", words);
}

static void draw_chunks(const struct malloc_state *ms, const struct vma *v, struct area area)
{
	int y = 0;

	for (size_t i = 0; i < ms->mmapped_count && y < area.height; i++) {
		const struct mmapped_chunk *chunk = &ms->mmapped[i];
		char addr[TEXT_NUMBER], size[TEXT_NUMBER];

		if (chunk->base < v->start || chunk->base >= v->end)
			continue;
		draw_textf(area, LABEL_AT, y++, ROLE_TEXT, "chunk %s   %s B%s",
		           text_addr(addr, chunk->addr), text_count(size, chunk->size),
		           chunk->is_excess ? "   ? mp_ counts fewer" : "");
	}
}

static void draw_thread(const struct malloc_state *ms, const struct vma *v, struct area area)
{
	for (size_t i = 0; i < ms->thread_count; i++) {
		const struct malloc_thread *thread = &ms->threads[i];
		char name[3 * sizeof(thread->name)], arena[TEXT_NUMBER];

		if (thread->tid != v->owner)
			continue;
		text_clean(name, sizeof(name), thread->name,
		           strnlen(thread->name, sizeof(thread->name)));
		draw_labelled(area, LABEL_AT, TEXT_AT, 0, "thread", name);
		draw_labelled(area, LABEL_AT, TEXT_AT, 1, "arena",
		              !fact_known(thread->arena) ? "?"
		              : thread->arena.v
		                      ? arena_name(arena, ms, arena_index(ms, thread->arena.v))
		                      : "none yet");
		return;
	}
	draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM, "a stack: no business of malloc's");
}

void vmas_malloc(const struct snapshot *snap, const struct vma *v, struct area area)
{
	const struct malloc_state *ms = snapshot_malloc(snap);
	char why[400];

	malloc_absence(snap, why, sizeof(why));
	if (why[0] || !ms)
		draw_wrapped(area, 0, ROLE_TEXT_DIM, why);
	else if (v->kind == VMA_HEAP && ms->arena_count)
		draw_arena(ms, 0, area);
	else if ((v->kind == VMA_ARENA || v->kind == VMA_RESERVE) && v->owner >= 0 &&
	         (size_t)v->owner < ms->arena_count)
		draw_arena(ms, (size_t)v->owner, area);
	else if (v->kind == VMA_MMAPPED)
		draw_chunks(ms, v, area);
	else if (v->kind == VMA_STACK || v->kind == VMA_GUARD)
		draw_thread(ms, v, area);
	else
		draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM, "not malloc's");
}
