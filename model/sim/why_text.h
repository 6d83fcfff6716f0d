/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_SIM_WHY_TEXT_H
#define HEAPTOP_MODEL_SIM_WHY_TEXT_H

/** An event of the explained path in words, for text, JSON and screens. */
#include "model/base/text.h"
#include "model/sim/why.h"

struct why_words {
	const char *fn; /* the function that was entered, or that the comparison is part of; "" */
	char why[200];  /* its arguments, or the comparison with its numbers */
	char took[120]; /* where it led; empty for an entered function */
};

/** The formats of why.def, filled: `took` goes on with the numbers that `why` left. */
void why_words(const struct why_event *event, struct why_words *ret);

#endif
