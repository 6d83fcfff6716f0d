/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_SWAP_H
#define HEAPTOP_TESTS_LIB_SWAP_H

/**
 * Swap space for a test on a machine without any: a file that a watcher process switches off
 * and removes when the test program ends, in whatever way.
 */
#include <stddef.h>

/** NULL when there is swap now (there already was, or `bytes` of it were made); else why not. */
const char *swap_need(size_t bytes);

/** Gives back what swap_need() made. */
void swap_done(void);

#endif
