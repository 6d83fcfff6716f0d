/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_PARSE_ENVIRON_H
#define HEAPTOP_PROBES_PARSE_ENVIRON_H

/** What malloc heeds of /proc/PID/environ, which the program may have written anything into. */
#include <stddef.h>

#include "model/facts/process.h"

/**
 * Copies GLIBC_TUNABLES and MALLOC_… into ret->malloc_environ. The loader of glibc 2.26 to 2.38 has put a
 * NUL behind each value it took, in place: what follows one and begins with "glibc." is joined again.
 * More than there is room for is not known at all.
 */
void parse_environ(const char *text, size_t len, struct process_facts *ret);

/** True when auxv (words of 4 or 8 bytes, in pairs) says AT_SECURE: libc distrusts the environment. */
bool parse_auxv_is_secure(const void *auxv, size_t len, size_t word);

#endif
