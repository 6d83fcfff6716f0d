/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_HISTORY_THIN_H
#define HEAPTOP_MODEL_FACTS_HISTORY_THIN_H

/* Private to history*.c: the buckets of what is too old to be kept sample by sample. */
#include "model/facts/history.h"

/** Adds a sample to the bucket of its time in every tier. */
void history_thin(struct history *history, const struct history_sample *sample);

/** The i-th newest bucket of a tier (0: the newest); NULL beyond the oldest. */
const struct history_bucket *history_bucket_at(const struct history *history, unsigned tier,
                                               uint32_t i);

/** How long a tier's buckets are. */
uint64_t history_bucket_ns(unsigned tier);

/** A value of a bucket as it was packed. */
struct fact history_unpack(uint32_t packed);

#endif
