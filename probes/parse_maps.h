/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_PARSE_MAPS_H
#define HEAPTOP_PROBES_PARSE_MAPS_H

/**
 * /proc/PID/maps, as a pure function from bytes to a VMA set. Lines come in address order; names are
 * the target's choice and stay raw bytes (the kernel writes a newline in one as \012).
 */
#include "model/base/region.h"
#include "model/facts/vma.h"

/** A line's name; points into the text. */
struct maps_name {
	const char *at;
	size_t len;
};

/**
 * Parses the line at *at and moves *at behind its newline (or to `end`). Fills the address, rights,
 * offset, device and inode of *ret and nothing else. False when it is no maps line.
 */
bool parse_maps_line(const char **at, const char *end, struct vma *ret, struct maps_name *ret_name);

/**
 * Parses a whole text into *ret, on `region`. Lines that are malformed or out of order are left out
 * and counted in *ret_bad. False when out of memory.
 */
bool parse_maps(const char *text, size_t len, struct region *region, struct vma_set *ret,
                size_t *ret_bad);

#endif
