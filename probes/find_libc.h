/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_FIND_LIBC_H
#define HEAPTOP_PROBES_FIND_LIBC_H

/**
 * Private to find*.c: which C library a process has, and who may be serving malloc instead of it.
 * Names and paths are hints only; what a file defines and contains decides.
 */
#include "model/facts/heap.h"
#include "model/rules/glibc.h"
#include "probes/find_modules.h"

enum module_role {
	MODULE_EXE = 1 << 0,    /* the program, not a library */
	MODULE_LOADER = 1 << 1, /* glibc's dynamic loader */
	MODULE_GLIBC = 1 << 2,  /* dynamic or linked into a static program */
	MODULE_STATIC = 1 << 3, /* a program without a dynamic loader */
	MODULE_MUSL = 1 << 4,
	MODULE_OTHER_LIBC = 1 << 5,
	MODULE_PTHREAD = 1 << 6, /* glibc's separate libpthread, up to 2.33 */
	MODULE_MALLOC = 1 << 7,  /* defines malloc for others */
	MODULE_JEMALLOC = 1 << 8,
	MODULE_TCMALLOC = 1 << 9,
	MODULE_MIMALLOC = 1 << 10,
	MODULE_GO = 1 << 11,
	MODULE_JVM = 1 << 12,
};

/**
 * Opens every module, sets its roles, and closes those again that finding malloc does not need.
 */
void modules_identify(int32_t pid, struct memory *mem, struct modules *modules);

/** Fills heap's library, runtime and interposer fields; returns whether there is a glibc. */
bool libc_describe(const struct modules *modules, struct heap_facts *heap);

/** The program's ABI; false when it is none that is decoded (x32, others) or no file can be had. */
bool modules_abi(const struct modules *modules, enum abi *ret);

/** The glibc version a module says it is ("2.36" → 36); -1: unknown. Fills text[32]. */
int module_glibc_minor(const struct module *module, char text[32]);

/** The version of musl that a module says it is ("1.2.3"); empty: unknown. */
void module_musl_version(const struct module *module, char text[32]);

/**
 * After main_arena's verdict: who serves malloc. When glibc's is not in use and no library stands in
 * for it, the program itself is searched for a linked-in allocator.
 */
void allocator_decide(int32_t pid, struct memory *mem, const struct modules *modules,
                      bool glibc_is_used, struct heap_facts *heap);

#endif
