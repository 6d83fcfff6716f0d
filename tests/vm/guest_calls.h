/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_VM_GUEST_CALLS_H
#define HEAPTOP_TESTS_VM_GUEST_CALLS_H

/** Random system calls on this process's address space, each with its line of a scenario. */
#include "guest.h"

struct result {
	long value; /* address, or -1 */
	int error;
	bool is_address;
};

/** What lies at and above `top` is the program itself and stays untouched; NULL: nothing is. */
void calls_begin(uint64_t seed, const char *top);
/** `maps`: the text of /proc/self/maps as it is now. False: nothing was done. */
bool call_any(const char *maps, bool has_children, struct result *ret);
/** The last one's line. */
const char *call_words(void);
void calls_end(void);

#endif
