/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_BENCH_H
#define HEAPTOP_TESTS_LIB_BENCH_H

#include <stdio.h>
#include <stdlib.h>

/** The median of `count` figures, which it sorts. */
static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline double bench_median(double *figures, size_t count)
{
	qsort(figures, count, sizeof(*figures), bench_compare);
	return figures[count / 2];
}

/** One line per figure: name, figure, bar, and whether it holds ("at most" the bar). */
static inline void bench_at_most(const char *name, double figure, double bar, const char *unit)
{
	printf("bench: %-44s %9.3f %-3s at most %7.3f  %s\n", name, figure, unit, bar,
	       figure <= bar ? "pass" : "MISS");
	(void)fflush(stdout);
}

static inline void bench_at_least(const char *name, double figure, double bar, const char *unit)
{
	printf("bench: %-44s %9.3f %-3s at least %6.3f  %s\n", name, figure, unit, bar,
	       figure >= bar ? "pass" : "MISS");
	(void)fflush(stdout);
}

#endif
