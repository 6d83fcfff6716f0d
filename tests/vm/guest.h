/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_VM_GUEST_H
#define HEAPTOP_TESTS_VM_GUEST_H

/**
 * What runs inside the emulated machine: one static program that is /init and everything else. It
 * writes what the kernel did as JSON lines to the second serial line; the first is the kernel's own.
 *
 * Only here are vm.* settings written and is memory used up: /init refuses to run unless it is pid 1.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE UINT64_C(4096)
#define MIB  (UINT64_C(1) << 20)

/* --- output: a line is built, then written whole -------------------------------------------------- */

void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Text of JSON, with quotes. */
void put_text(const char *text, size_t len);
void end_line(void);
void drop_line(void);
/** Where results go; kept over exec. */
#define RESULT_FD 9

/* --- /proc ----------------------------------------------------------------------------------------- */

/** The file's text with a NUL, up to `size` - 1 bytes; its length, 0 when it can't be read. */
size_t read_file(const char *path, char *to, size_t size);
bool write_file(const char *path, const char *text);
bool write_number(const char *path, uint64_t number);
/** A number of /proc/meminfo in pages. */
uint64_t meminfo_pages(const char *key);
/** Number behind `key` in a text like /proc/PID/status. */
uint64_t number_behind(const char *text, const char *key);

/** Stack and buffers are used once, so that nothing of this program's own changes its VMAs later. */
void settle(void);
/** Writes "key":{…} parts of what `heaptop snapshot --json` says of this process and machine. */
void put_facts(void);
/** The VMAs alone: ["START-END PERMS NAME",…]. */
void put_maps(void);
/** One of them, from its line in maps. */
void put_mapping(const char *line, size_t len);

/* --- what is recorded ------------------------------------------------------------------------------- */

/** Runs this program again as `argv`, waits; its exit status, or -1. `program`: which build of it, of 3:
 * static, static-pie, and dynamic. */
int run_as(bool is_root, size_t program, char *const argv[]);

/** So many pages on the machine's disk. */
bool swap_on(uint64_t pages);
void swap_off(void);

void limits_all(void);
int limits_one(int argc, char **argv);
void steps_all(uint64_t seed);
int steps_one(int argc, char **argv);
void oom_all(uint64_t which);
int oom_one(int argc, char **argv);

#endif
