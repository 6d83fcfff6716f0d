/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_PAST_H
#define HEAPTOP_MODEL_RUN_PAST_H

/**
 * This run's past: figures, events, and the marks that the user set to compare with. Bounded however
 * long the run lasts. Fed with every snapshot, in order; one thread uses it.
 */
#include "model/facts/history.h"
#include "model/run/events.h"

enum { PAST_MARKS = 9, MARK_NOTE = 64 };

/* What of one kind of VMA there was; unknown when one of them was not read. */
struct vma_kind_sum {
	struct fact count, size, rss;
};

/* An instant to compare with: sums, and malloc's own part whole. */
struct mark {
	uint32_t number; /* 1, 2 … in this run */
	uint64_t time_ns, seq;
	char note[MARK_NOTE]; /* raw bytes */
	struct history_sample values;
	struct vma_kind_sum kinds[VMA_KIND_COUNT];
	struct part *heap; /* a reference, or NULL: not known */
};

struct past {
	struct history history;
	struct event_log events;
	struct mark marks[PAST_MARKS]; /* oldest first; the oldest goes when there are more */
	size_t mark_count;
	uint32_t marks_ever;
	const struct snapshot *latest; /* a reference */
};

/** Forgets everything; the past is then as new. */
void past_fini(struct past *past);

/** Takes what a snapshot tells; keeps a reference of its own. */
void past_add(struct past *past, const struct snapshot *snap);

/** Marks the instant of a snapshot; NULL only without one. */
const struct mark *past_mark(struct past *past, const struct snapshot *snap, const char *note);

/** Notes that the user sampled every `from_ms` and does every `to_ms` from now on. */
void past_note_rate(struct past *past, uint32_t from_ms, uint32_t to_ms);

/** The sums of all kinds of VMA in a snapshot. */
void vma_kind_sums(const struct snapshot *snap, struct vma_kind_sum ret[VMA_KIND_COUNT]);

#endif
