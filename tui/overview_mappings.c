/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overview: the mappings that hold most memory, where a tall terminal has rows to spare. */
#include "model/base/text.h"
#include "tui/view_overview.h"
#include "tui/view_parts.h"
#include "tui/view_vmas.h"
#include "tui/widget_bar.h"

enum { ADDR_AT = 1, SIZE_END = 26, RSS_END = 38, GAUGE_AT = 40, GAUGE_WIDTH = 20, WORDS_AT = 62 };

static uint64_t resident_of(const struct vma *v)
{
	return v->has_residency ? v->rss : 0;
}

static bool is_larger(const struct vma *a, const struct vma *b)
{
	if (resident_of(a) != resident_of(b))
		return resident_of(a) > resident_of(b);
	return a->end - a->start > b->end - b->start;
}

/* The largest `most` mappings in order; returns how many there are. */
static size_t pick_largest(const struct vma_set *vmas, const struct vma **largest, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < vmas->count; i++) {
		const struct vma *v = &vmas->at[i];
		size_t at = count;

		while (at && is_larger(v, largest[at - 1]))
			at--;
		if (at == most)
			continue;
		count += count < most;
		for (size_t to = count - 1; to > at; to--)
			largest[to] = largest[to - 1];
		largest[at] = v;
	}
	return count;
}

static void draw_mapping(const struct view_frame *frame, const struct vma *v, uint64_t most,
                         struct area area, int y)
{
	struct fact rss = v->has_residency ? fact_of(v->rss) : fact_unknown();
	char addr[TEXT_NUMBER], words[VMA_WORDS];

	vma_words(frame->snap, v, words);
	draw_text(area, ADDR_AT, y, ROLE_ADDRESS, text_addr(addr, v->start));
	draw_bytes(area, SIZE_END, y, fact_of(v->end - v->start));
	draw_bytes(area, RSS_END, y, rss);
	/* A comparison and no limit: never in the colours of a warning. */
	draw_gauge(area, GAUGE_AT, y, GAUGE_WIDTH, permille_of(resident_of(v), most),
	           ROLE_HEAP_USED);
	draw_text(area, WORDS_AT, y, ROLE_TEXT, words);
}

void overview_mappings(const struct view_frame *frame, struct area area)
{
	const struct vma *largest[MAPPINGS_MAX];
	const struct vma_set *vmas = snapshot_vmas(frame->snap);
	size_t rows = area.height > 1 ? (size_t)area.height - 1 : 0, count;
	uint64_t most;

	if (!vmas || !rows)
		return;
	count = pick_largest(vmas, largest, rows < MAPPINGS_MAX ? rows : MAPPINGS_MAX);
	most = count ? resident_of(largest[0]) : 0;
	draw_text(area, ADDR_AT, 0, ROLE_TEXT_DIM, "start");
	draw_right(area, SIZE_END, 0, ROLE_TEXT_DIM, "virtual");
	draw_right(area, RSS_END, 0, ROLE_TEXT_DIM, "resident");
	draw_text(area, WORDS_AT, 0, ROLE_TEXT_DIM, "name / what malloc says");
	for (size_t i = 0; i < count; i++)
		draw_mapping(frame, largest[i], most, area, 1 + (int)i);
}
