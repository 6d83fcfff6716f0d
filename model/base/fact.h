/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_BASE_FACT_H
#define HEAPTOP_MODEL_BASE_FACT_H

/**
 * A number that may not be known. Unknown is never 0: it is `null` in JSON and `?` on a screen.
 */
#include <stdbool.h>
#include <stdint.h>

enum fact_state {
	FACT_UNKNOWN, /* could not be read, or has not been yet */
	FACT_KNOWN,
	FACT_TORN,     /* read from a moving target; retries did not give a consistent value */
	FACT_ESTIMATE, /* derived by a rule that is right for nearly all; the view says so */
};

struct fact {
	uint64_t v; /* meaningless when unknown */
	enum fact_state state;
};

static inline struct fact fact_of(uint64_t v)
{
	return (struct fact){ .v = v, .state = FACT_KNOWN };
}

static inline struct fact fact_unknown(void)
{
	return (struct fact){ .state = FACT_UNKNOWN };
}

static inline struct fact fact_estimate(uint64_t v)
{
	return (struct fact){ .v = v, .state = FACT_ESTIMATE };
}

static inline bool fact_known(struct fact f)
{
	return f.state != FACT_UNKNOWN;
}

/** The value, or `otherwise` when it is unknown. */
static inline uint64_t fact_or(struct fact f, uint64_t otherwise)
{
	return f.state != FACT_UNKNOWN ? f.v : otherwise;
}

#endif
