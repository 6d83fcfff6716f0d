/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/sim/why.h"

#include "model/base/vec.h"

/* First and last glibc 2.minor that has a function of this name; 0, 0: not glibc's. */
static const struct {
	uint8_t first, last;
} versions[FN_COUNT] = {
#define FN(id, name, format, first, last) [FN_##id] = { first, last },
#define WHY(id, test, took)
#include "model/sim/why.def"
#undef FN
#undef WHY
};

static bool is_in_version(const struct why *why, enum why_fn fn)
{
	return versions[fn].last == 0 ||
	       (why->glibc_minor >= versions[fn].first && why->glibc_minor <= versions[fn].last);
}

/* A heap in disorder can make any number; nobody reads so many. */
enum { EVENTS_MAX = 1 << 22 };

static struct why_event *add(struct why *why)
{
	if (why->count >= EVENTS_MAX ||
	    !vec_room(why->region, (void **)&why->at, why->count, &why->room, sizeof(*why->at))) {
		why->lost = true;
		return NULL;
	}
	return &why->at[why->count++];
}

void why_clear(struct why *why)
{
	why->count = 0;
	why->depth = 0;
	why->lost = false;
}

void why_enter_event(struct why *why, enum why_fn fn, uint64_t a, uint64_t b, uint64_t c)
{
	struct why_event *e;

	if (!is_in_version(why, fn))
		return;
	if (why->depth >= sizeof(why->stack) / sizeof(why->stack[0])) {
		why->lost = true;
		return;
	}
	e = add(why);
	if (e)
		*e = (struct why_event){ .arg = { a, b, c },
			                 .id = (uint16_t)fn,
			                 .is_enter = true,
			                 .fn = (uint16_t)fn,
			                 .depth = why->depth };
	why->stack[why->depth++] = (uint16_t)fn;
}

void why_leave_event(struct why *why, enum why_fn fn)
{
	/* A function that was not entered (too deep, not in this version) is not left either. */
	if (why->depth && why->stack[why->depth - 1] == fn)
		why->depth--;
}

void why_event(struct why *why, enum why_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct why_event *e = add(why);

	if (why->reached)
		why->reached[id] = 1;
	if (e)
		*e = (struct why_event){ .arg = { a, b, c, d },
			                 .id = (uint16_t)id,
			                 .depth = why->depth,
			                 .fn = why->depth ? why->stack[why->depth - 1]
			                                  : (uint16_t)FN_COUNT };
}
