/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_DOCTOR_H
#define HEAPTOP_PROBES_DOCTOR_H

/** Private to doctor*.c: a report line by line, each with a verdict and, where one is known, a remedy. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum verdict {
	VERDICT_OK,
	VERDICT_NOTE,    /* less than could be, and nothing is lost by it */
	VERDICT_MISSING, /* something cannot be shown: the report fails */
};

struct doctor {
	FILE *out;
	bool is_missing;
};

void doctor_heading(struct doctor *doctor, const char *title);
void doctor_say(struct doctor *doctor, enum verdict verdict, const char *what, const char *format,
                ...) __attribute__((format(printf, 4, 5)));
/** Belongs to the line before it. */
void doctor_remedy(struct doctor *doctor, const char *remedy);

/** What can be read of one process. */
void doctor_process(struct doctor *doctor, int32_t pid);

#endif
