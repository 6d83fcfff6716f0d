/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_SCENARIO_H
#define HEAPTOP_MODEL_RUN_SCENARIO_H

/**
 * The scenario language, version 1 (docs/scenario.md): a text becomes rows of 32 bytes, once; a cursor
 * then yields operations one after another. Loops are walked, not unrolled, so memory does not grow
 * with their turns. Lines that hold $VAR are read again in each turn, with its values.
 *
 * The text is hostile. If one line is wrong, none can be run.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/err.h"
#include "model/base/region.h"

enum operation_kind {
	OP_MALLOC,
	OP_CALLOC,
	OP_REALLOC,
	OP_MEMALIGN,
	OP_POSIX_MEMALIGN,
	OP_ALIGNED_ALLOC,
	OP_VALLOC,
	OP_PVALLOC,
	OP_FREE,
	OP_TOUCH,
	OP_THREAD,
	OP_EXIT_THREAD,
	OP_MALLOPT,
	OP_TRIM,
	OP_MMAP,
	OP_MUNMAP,
	OP_MPROTECT,
	OP_MREMAP,
	OP_MADVISE,
	OP_SBRK,
	OP_BRK,
	OP_SET,
	OP_FORK,
	OP_EXIT,
	OP_PAUSE,
	OP_KIND_COUNT,
	/* not operations: how they follow one another */
	OP_FOR = OP_KIND_COUNT,
	OP_UNTIL,
	OP_END,
	OP_LATER, /* holds $VAR: read again when its turn comes */
};

/* Words of mmap. */
enum operation_flag {
	OPF_SHARED = 1 << 0,
	OPF_NORESERVE = 1 << 1,
	OPF_POPULATE = 1 << 2,
	OPF_LOCKED = 1 << 3,
	OPF_STACK = 1 << 4,
	OPF_READ_ONLY = 1 << 5,
	OPF_NONE = 1 << 6,
	OPF_HINT = 1 << 7,  /* at PLACE */
	OPF_FIXED = 1 << 8, /* fixed PLACE */
	OPF_MAYMOVE = 1 << 9,
};

/* What `until` waits for. */
enum until_what { UNTIL_ENOMEM, UNTIL_OOM };

#define NAME_NONE UINT32_MAX

/* One operation as it is run. */
struct operation {
	enum operation_kind kind;
	uint32_t line;      /* from 1 */
	uint32_t dst;       /* NAME before `=`; of a thread or child; NAME_NONE */
	uint32_t src;       /* NAME that is read; NAME_NONE: `addr` */
	uint64_t addr;      /* 0xADDR in place of a NAME */
	uint32_t count;     /* how many of `number` were given */
	uint64_t number[3]; /* in the order of the words; signed ones in two's complement */
	uint32_t flags;     /* enum operation_flag */
	const char *text;   /* the line without comment, after substitution; not NUL-terminated */
	size_t text_len;
};

struct scenario_name {
	const char *text; /* not NUL-terminated */
	uint32_t len;
};

/* Of the table of names. A short name is its own key, so that finding it reads nothing else. */
struct scenario_slot {
	uint64_t key; /* up to 8 bytes of text, else a hash */
	uint32_t len; /* 0: empty */
	uint32_t id;
};

/* A line, packed. */
struct scenario_row {
	uint32_t at; /* of its text */
	uint32_t line;
	uint32_t dst, src;
	uint32_t extra; /* index of the numbers that have no room here */
	uint16_t flags;
	uint8_t kind;
	uint8_t count;
	uint64_t number;
};

struct scenario {
	struct region *region; /* the caller's */
	const char *text;
	size_t len;
	const char *file; /* for errors */

	struct scenario_row *rows;
	size_t row_count, row_room;
	uint64_t *extra;
	size_t extra_count, extra_room;

	struct scenario_name *names;
	size_t name_count, name_room;
	struct scenario_slot *slots; /* hash table of names; a power of two */
	size_t slot_count;

	/* directives; NULL: not given */
	const char *stacks, *tunables; /* NUL-terminated */
};

/**
 * Reads a whole text, which must stay. `file` is named in errors, which are of the form
 * `FILE:LINE: 'WORD': expected …`.
 */
bool scenario_parse(struct region *region, const char *text, size_t len, const char *file,
                    struct scenario *ret, struct err *reterr);

/** The id of a name, made known if need be; NAME_NONE when out of memory. */
uint32_t scenario_name(struct scenario *scenario, const char *text, size_t len);

/** Sets an error of the form FILE:LINE: 'WORD': `why`. Returns false. */
bool scenario_error(const struct scenario *scenario, uint32_t line, const char *word, size_t len,
                    const char *why, struct err *reterr);

/* --- running through it ----------------------------------------------------------------------- */

enum { SCENARIO_NESTED_MAX = 32, SCENARIO_LINE_MAX = 1024 };

struct scenario_loop {
	uint32_t row; /* of its `for` or `until` */
	uint32_t var; /* name; NAME_NONE: until */
	int64_t value, to, step;
	enum until_what what;
};

struct scenario_cursor {
	struct scenario *scenario;
	size_t row;
	struct scenario_loop loops[SCENARIO_NESTED_MAX];
	size_t depth;
	char text[SCENARIO_LINE_MAX]; /* of the operation under way, after substitution */
};

void scenario_start(struct scenario_cursor *cursor, struct scenario *scenario);

/**
 * The next operation; *ret_end is true when there is none. False: a line became wrong by the
 * values of its variables. `ret->text` is valid until the next call.
 */
bool scenario_next(struct scenario_cursor *cursor, struct operation *ret, bool *ret_end,
                   struct err *reterr);

/** Tells that the last operation ended with `what`: leaves the innermost loop that waits for it. */
void scenario_tell(struct scenario_cursor *cursor, enum until_what what);

#endif
