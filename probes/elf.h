/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_ELF_H
#define HEAPTOP_PROBES_ELF_H

/**
 * An ELF file of a target: a program, a library or its debug file. The file may be hostile (it may
 * come out of somebody's container), so elfutils reads it with pread (never by a mapping that
 * somebody could truncate under us) and every section is checked against the file's size first.
 * Virtual addresses here are those in the file: add the load bias to get the target's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_segment {
	uint32_t type, flags; /* PT_…, PF_… */
	uint64_t vaddr, offset, filesz, memsz;
};

enum { ELF_SEGMENTS_MAX = 64, ELF_BUILD_ID_MAX = 64 };

struct elf_file {
	int fd;
	struct Elf *elf; /* libelf's */
	uint64_t size;
	uint16_t machine, type; /* EM_…, ET_… */
	uint8_t word;           /* 4 or 8 bytes */
	bool has_interp;
	struct elf_segment segments[ELF_SEGMENTS_MAX];
	size_t segment_count;
	char build_id[ELF_BUILD_ID_MAX]; /* lower-case hex; empty: none */
};

/** Takes over `fd`, also on failure; then *ret_why is a static text. Little-endian files only. */
bool elf_open(int fd, struct elf_file **ret, const char **ret_why);
/** Accepts NULL. */
void elf_close(struct elf_file *file);

/** Reads up to `len` bytes that the file has for `vaddr`; returns how many (0: not in the file). */
size_t elf_read(const struct elf_file *file, uint64_t vaddr, void *buf, size_t len);

struct elf_symbol {
	const char *name; /* in */
	bool is_prefix; /* in: "NAME.123", as the compiler calls a function's static, is one too */
	uint64_t value, size;
	bool is_defined; /* false: absent, or only referred to */
};

enum elf_table { ELF_DYNSYM, ELF_SYMTAB };

/** Looks `count` names up in one pass over a symbol table; false: the file has no such table. */
bool elf_symbols(const struct elf_file *file, enum elf_table table, struct elf_symbol *wanted,
                 size_t count);

/** True when the file has a section of that name. */
bool elf_has_section(const struct elf_file *file, const char *name);

/**
 * Hands the file's constants (.rodata, else all of its segments that are not writable) to `piece` in
 * pieces that overlap by `overlap` bytes (at most 4096), until it returns false or `limit` bytes.
 */
void elf_each_constant(const struct elf_file *file, uint64_t limit, size_t overlap,
                       bool (*piece)(void *ctx, const uint8_t *bytes, size_t len), void *ctx);

/**
 * The initialised writable part: the writable segment's bytes from the end of RELRO on, as far as the
 * file has them. False: there is none.
 */
bool elf_data_range(const struct elf_file *file, uint64_t *ret_start, uint64_t *ret_end);

/**
 * Words of the file that hold an address of the file itself once it is loaded: its relative
 * relocations (RELA, REL, RELR) or, in a program at fixed addresses, each aligned word of `data`.
 * `data` are the file's own `len` bytes at virtual address `base`; values that lie in their place
 * outside of them are left out. `place` and `value` are virtual addresses.
 */
void elf_each_pointer(const struct elf_file *file, const uint8_t *data, uint64_t base, size_t len,
                      void (*pointer)(void *ctx, uint64_t place, uint64_t value), void *ctx);

/**
 * Words of the file that hold, once it is loaded, how far from the thread pointer a thread-local
 * variable of its own or of another file lies. `addend` is its place among the file's own ones (0 in
 * REL, where the word itself has it). A program that was linked at once has no such words.
 */
void elf_each_tls_word(const struct elf_file *file,
                       void (*word)(void *ctx, uint64_t place, uint64_t addend), void *ctx);

#endif
