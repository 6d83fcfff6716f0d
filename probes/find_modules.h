/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_FIND_MODULES_H
#define HEAPTOP_PROBES_FIND_MODULES_H

/**
 * Private to find*.c and threads*.c: the program and the libraries that are mapped into a process,
 * from its VMAs, each with its ELF file opened safely.
 */
#include "model/base/region.h"
#include "model/facts/memory.h"
#include "model/facts/vma.h"
#include "probes/elf.h"

struct module {
	const struct vma *first; /* the VMA with file offset 0 */
	uint64_t start, end;     /* of all its mappings, .bss included */
	uint64_t bias;           /* target address minus address in the file */
	const char *path;        /* as in maps; raw bytes, NUL-terminated */
	const char *name;        /* what follows the last slash of it */
	struct elf_file *elf;    /* NULL: closed, or could not be opened */
	const char *why;         /* static text when it could not be opened */
	uint32_t roles;          /* enum module_role (find_libc.h) */
};

enum { MODULES_MAX = 4096 };

struct modules {
	struct module *at; /* by address */
	size_t count;
	uint16_t machine; /* EM_… and word size of the first that could be opened; 0: none */
	uint8_t word;
};

/**
 * Lists what looks like a loaded program or library: consecutive VMAs of one file that begin at its
 * start, at least one of them executable or several. Nothing is opened yet. Texts are on `region`.
 */
bool modules_list(const struct vma_set *vmas, struct region *region, struct modules *ret);

/**
 * Opens a module's file: by /proc/PID/map_files (always the right file, needs a capability), else by
 * its path under /proc/PID/root, if that still is the file that is mapped. Sets elf, bias and end, or
 * why.
 */
bool module_open(int32_t pid, struct memory *mem, struct module *module);
void module_close(struct module *module);

/**
 * The debug file of a build-id, from this machine's or the process's /usr/lib/debug, with the build-id
 * compared; NULL when there is none.
 */
struct elf_file *debug_file_open(int32_t pid, const char *build_id);

#endif
