/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_FINDINGS_RULES_H
#define HEAPTOP_MODEL_RUN_FINDINGS_RULES_H

/* Private to findings*.c: the list that rules add to. */
#include "model/base/text.h"
#include "model/run/findings.h"

struct finding_list {
	struct finding *at;
	size_t count, room;
	char spill[8]; /* where the text of a finding without room goes */
};

/** Adds a finding in its place and returns its empty text. */
struct text finding_add(struct finding_list *list, enum finding_id id, enum severity severity,
                        uint64_t object);

void findings_of_heap(const struct findings_input *input, struct finding_list *list);
void findings_of_limits(const struct findings_input *input, struct finding_list *list);

/** part in percent of whole, rounded down; 0 for an empty whole. */
static inline unsigned percent_of(uint64_t part, uint64_t whole)
{
	if (!whole)
		return 0;
	while (part > UINT64_MAX / 100) {
		part /= 2;
		whole /= 2;
	}
	return whole ? (unsigned)(part * 100 / whole) : 0;
}

/** True when `part` is at least `percent` of `whole`. */
static inline bool is_share(uint64_t part, uint64_t whole, unsigned percent)
{
	return whole && percent_of(part, whole) >= percent;
}

#endif
