/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_DIFF_INTERP_H
#define HEAPTOP_TESTS_DIFF_INTERP_H

/*
 * Runs a scenario (its language is in docs) for real, under whatever glibc started it. Nothing here
 * allocates or calls what might: memory is mapped once at the start, threads hand over by futex. The
 * language is read here once more, on its own, so that a misunderstanding of it shows.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/diff/shared.h"

/* --- language: interp_read.c --------------------------------------------------------------------- */

enum { WORDS_MAX = 16, LINE_SIZE = 1024, LOOPS_MAX = 32, NAME_SIZE = 64 };

struct word {
	const char *at;
	size_t len;
};

struct words {
	struct word word[WORDS_MAX]; /* as they stand; texts live until the next line is read */
	size_t count;
	struct word dst; /* NAME before `=`; len 0: none */
	struct word verb;
	const struct word *arg; /* behind the verb, within `word` */
	size_t arg_count;
};

enum loop_kind { LOOP_FOR, LOOP_UNTIL };

struct loop {
	enum loop_kind kind;
	const char *body; /* first line of the block */
	char var[NAME_SIZE];
	size_t var_len;
	int64_t value, to, step;
};

struct reader {
	const char *at, *end;
	unsigned line; /* counts lines read, loops included: for messages only */
	struct loop loops[LOOPS_MAX];
	size_t depth;
	char text[LINE_SIZE];
};

bool word_is(struct word word, const char *text);
bool word_same(struct word a, struct word b);
uint64_t word_hash(struct word word);
/** Decimal or 0x with an optional sign and suffix; false: none. */
bool word_number(struct word word, int64_t *ret);
/** The number of an argument that must be one; ends the program when it is not. */
uint64_t word_size(const struct reader *reader, struct word word);

/** The next operation's words, after substitution; false at the end. */
bool reader_next(struct reader *reader, struct words *ret);
/** Leaves the innermost `until`; the operation just run had what it waits for. */
void reader_leave_until(struct reader *reader);
/** Is there an `until` from here on? */
bool reader_has_until(const struct reader *reader);

/** Says WHAT: WORD on stderr and ends the program. */
_Noreturn void refuse(const struct reader *reader, const char *what, struct word word);
_Noreturn void unsupported(struct word word);

/* --- names: interp.c ------------------------------------------------------------------------------- */

struct name {
	uint64_t hash; /* 0: free slot */
	uint64_t addr, len;
	uint32_t shadow; /* of the branch in whose text the name no longer means this block */
	bool is_alive, is_map;
};

struct name *name_find(struct word word);

struct thread {
	uint64_t hash;
	pthread_t id;
	int tid;
	uint32_t shadow;
	_Atomic uint32_t turn, is_ready;
	bool is_alive, is_ending;
};

enum { THREADS_MAX = 256 };

struct interp {
	struct reader reader;
	struct diff_head *head;
	struct diff_record *records, *record; /* `record`: of the operation under way */
	struct name *names;
	struct thread threads[THREADS_MAX]; /* [0]: main */
	struct thread *current, *joining;
	const char *text; /* the scenario */
	size_t text_len;
	const char *rest_prefix; /* NULL: no rests are written */
	unsigned pauses;
	bool is_done, is_stacks_own;
	size_t stack_size; /* 0: default */
	char *stacks;      /* THREADS_MAX of stack_size */
};

extern struct interp interp;

struct thread *thread_find(struct word name);
void thread_wait(_Atomic uint32_t *word);
void thread_wake(_Atomic uint32_t *word);
void stop_here(enum diff_stop why);

/* --- operands: interp_memory.c --- */

/** Argument `i` as a number. */
uint64_t number(const struct words *w, size_t i);
/** Argument `i`: a NAME that is read, its address 0 when it is dead, or 0xADDR (then NULL). */
struct name *operand(const struct words *w, size_t i, uint64_t *ret_addr);
void *pointer(uint64_t addr);
void bind_name(struct word dst, uint64_t addr, uint64_t len, bool is_map);

/* --- operations: interp_ops.c, interp_memory.c, interp_thread.c, interp_rest.c ---------------- */

void run_operation(const struct words *w, struct diff_record *record);
void run_touch(const struct words *w, struct diff_record *record);
void run_mmap(const struct words *w, struct diff_record *record);
void run_munmap(const struct words *w, struct diff_record *record);
void run_mprotect(const struct words *w, struct diff_record *record);
void run_mremap(const struct words *w, struct diff_record *record);
void run_madvise(const struct words *w, struct diff_record *record);
void run_sbrk(const struct words *w, struct diff_record *record);
void run_brk(const struct words *w, struct diff_record *record);
void run_thread(const struct words *w, struct diff_record *record);
void run_exit_thread(const struct words *w, struct diff_record *record);
/** Ends the exit of the thread that ran: main joins it. */
void join_ended(void);
/** Runs operations as long as they are this thread's. */
void run_as(struct thread *me);

/** Writes what is left of the scenario for a world of this process. False: it can't be said. */
bool write_rest(void);

#endif
