/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_EYES_H
#define HEAPTOP_TESTS_LIB_EYES_H

/** How eyes tell colours apart, reckoned without the program's own colour code. */
#include "tui/theme.h"

struct light {
	double red, green, blue; /* linear, 0 … 1 */
};

enum eye { EYE_USUAL, EYE_PROTAN, EYE_DEUTAN, EYE_TRITAN, EYE_COUNT };

extern const char *const eye_names[EYE_COUNT];

/** What a terminal of this depth shows for a number of colour_number(); -1: the given default. */
struct light eye_light(enum colour_depth depth, int number, unsigned default_rgb);

/** The ratio of WCAG 2.1, 1 … 21. */
double eye_contrast(struct light a, struct light b);

/** How different two colours look to an eye: distance in CIELAB, about 2.3 is just to be seen. */
double eye_distance(enum eye eye, struct light a, struct light b);

/* A role as a terminal of a depth shows it. */
struct shown {
	struct light fg, bg;
	int fg_number, bg_number;
	unsigned attrs;
};

/** Reverse video is already carried out in fg and bg. */
struct shown eye_shown(const struct theme *theme, enum role role, enum colour_depth depth);

#endif
