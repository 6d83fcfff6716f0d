/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_SIM_WHY_H
#define HEAPTOP_MODEL_SIM_WHY_H

/**
 * The explained path: which functions an operation went through and which comparison sent it where.
 *
 * The models tell it in passing, one line on the branch taken:
 *
 *	why_enter(why, FN_INT_MALLOC, nb, 0, 0);
 *	why(why, WHY_TOP_TOO_SMALL, top_size, nb + min_size);	// "top: 1,024 < 4,128 → no"
 *	why_leave(why, FN_INT_MALLOC);
 *
 * With a NULL `why` each is one predictable test. Nothing is formatted here: events hold numbers, and
 * why_text.h turns them into words for text, JSON and the path view. The tables of functions and
 * reasons are why.def.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/region.h"

enum why_fn {
#define FN(id, name, format, first, last) FN_##id,
#define WHY(id, test, took)
#include "model/sim/why.def"
#undef FN
#undef WHY
	FN_COUNT
};

enum why_id {
#define FN(id, name, format, first, last)
#define WHY(id, test, took) WHY_##id,
#include "model/sim/why.def"
#undef FN
#undef WHY
	WHY_COUNT
};

struct why_event {
	uint64_t arg[4];
	uint16_t id;   /* enum why_fn of an entered function, else enum why_id */
	uint16_t fn;   /* the function that it happened in */
	uint8_t depth; /* 0: the outermost function */
	bool is_enter;
};

struct why {
	struct region *region;
	struct why_event *at;
	size_t count, room;
	int glibc_minor;    /* functions that this version does not have are passed through */
	uint8_t depth;      /* of the function under way */
	uint16_t stack[32]; /* enum why_fn */
	bool lost;          /* out of memory, too deep or too many: events are missing */
	uint8_t *reached;   /* WHY_COUNT bytes set to 1 as reasons occur; NULL: not asked for */
};

/** Forgets all events: a new operation begins. Keeps the memory. */
void why_clear(struct why *why);

/* Slow halves of the inline functions below. */
void why_enter_event(struct why *why, enum why_fn fn, uint64_t a, uint64_t b, uint64_t c);
void why_leave_event(struct why *why, enum why_fn fn);
void why_event(struct why *why, enum why_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/** A function begins; its version must have it, or the call is told as part of its caller. */
static inline void why_enter(struct why *why, enum why_fn fn, uint64_t a, uint64_t b, uint64_t c)
{
	if (__builtin_expect(why != NULL, 0))
		why_enter_event(why, fn, a, b, c);
}

static inline void why_leave(struct why *why, enum why_fn fn)
{
	if (__builtin_expect(why != NULL, 0))
		why_leave_event(why, fn);
}

/* why(w, WHY_ID, up to four numbers) */
#define why(...)                          why_pick_(__VA_ARGS__, 0, 0, 0, 0, 0)
#define why_pick_(w, id, a, b, c, d, ...) why_inline_(w, id, a, b, c, d)

static inline void why_inline_(struct why *why, enum why_id id, uint64_t a, uint64_t b, uint64_t c,
                               uint64_t d)
{
	if (__builtin_expect(why != NULL, 0))
		why_event(why, id, a, b, c, d);
}

#endif
