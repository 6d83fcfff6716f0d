/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RULES_NPTL_RULES_H
#define HEAPTOP_MODEL_RULES_NPTL_RULES_H

/** How each glibc makes and keeps the stacks of threads, as rows (nptl/allocatestack.c). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nptl_guard {
	NPTL_GUARD_CLOSED, /* to 2.25: mapped accessible, then the guard made PROT_NONE */
	NPTL_GUARD_OPENED, /* 2.26-2.41: mapped PROT_NONE, then all but the guard made accessible */
	NPTL_GUARD_INSTALL, /* 2.42: mapped accessible, guard by MADV_GUARD_INSTALL */
};

struct nptl_rules {
	int minor; /* glibc 2.minor, the first that the row holds for */
	enum nptl_guard guard;
	bool adds_guard;   /* 2.27: the guard comes on top of the size asked for */
	uint32_t aliasing; /* to 2.33: a multiple of this becomes a page larger; 0: no */
	/* to 2.31: offset in struct pthread of header.multiple_threads, which SINGLE_THREAD_P looks
	 * at on x86-64; later __libc_single_threaded says it. 0: not there */
	uint32_t multiple_threads;
};

/** The row for glibc 2.`minor`; the first one for older ones. */
const struct nptl_rules *nptl_rules_for(int minor);

#endif
