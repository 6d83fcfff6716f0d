/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_PARSE_SMAPS_H
#define HEAPTOP_PROBES_PARSE_SMAPS_H

/**
 * /proc/PID/smaps, piece by piece, as a pure function from bytes to facts of a VMA set that is
 * already there. VMAs that the set does not have, or has otherwise, are skipped.
 */
#include "model/facts/vma.h"

/** Where a parse stands between two pieces; starts as { 0 }. */
struct smaps_pos {
	size_t next;         /* VMAs before this one lie below */
	struct vma *current; /* whose lines come next; NULL: none of the set */
	struct vma facts;    /* what its lines said so far */
};

/**
 * Takes the whole lines of `text` and returns how many bytes they are; the rest belongs in front of
 * the next piece.
 */
size_t parse_smaps(const char *text, size_t len, struct vma_set *set, struct smaps_pos *pos);

#endif
