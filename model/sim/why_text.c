/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/sim/why_text.h"

#include <inttypes.h>

static const struct {
	const char *name, *format;
} functions[FN_COUNT] = {
#define FN(id, name, format, first, last) [FN_##id] = { name, format },
#define WHY(id, test, took)
#include "model/sim/why.def"
#undef FN
#undef WHY
};

static const struct {
	const char *test, *took;
} reasons[WHY_COUNT] = {
#define FN(id, name, format, first, last)
#define WHY(id, test, took) [WHY_##id] = { test, took },
#include "model/sim/why.def"
#undef FN
#undef WHY
};

static void add_number(struct text *text, char letter, uint64_t number)
{
	char buf[TEXT_NUMBER];

	switch (letter) {
	case 'd':
		/* A negative number, not one near 2^64. */
		text_add(text, number > UINT64_MAX - UINT32_MAX ? text_signed(buf, (int64_t)number)
		                                                : text_count(buf, number));
		break;
	case 'x':
		text_addf(text, "0x%" PRIx64, number);
		break;
	case 'a':
		text_add(text, text_addr(buf, number));
		break;
	case 'b':
		text_add(text, text_bytes(buf, number));
		break;
	default:
		break;
	}
}

/* Fills a format from the numbers on; returns how many it used in all. */
static size_t fill(struct text *text, const char *format, const uint64_t arg[4], size_t used)
{
	char one[2] = "";

	for (; *format; format++) {
		if (*format != '%') {
			one[0] = *format;
			text_add(text, one);
		} else if (format[1] == '%') {
			text_add(text, "%");
			format++;
		} else if (format[1]) {
			format++;
			add_number(text, *format, used < 4 ? arg[used] : 0);
			used++;
		}
	}
	return used;
}

void why_words(const struct why_event *event, struct why_words *ret)
{
	struct text why = text_in(ret->why, sizeof(ret->why));
	struct text took = text_in(ret->took, sizeof(ret->took));
	size_t used;

	ret->fn = event->fn < FN_COUNT ? functions[event->fn].name : "";
	if (event->is_enter) {
		if (event->id < FN_COUNT)
			(void)fill(&why, functions[event->id].format, event->arg, 0);
	} else if (event->id < WHY_COUNT) {
		used = fill(&why, reasons[event->id].test, event->arg, 0);
		(void)fill(&took, reasons[event->id].took, event->arg, used);
	}
}
