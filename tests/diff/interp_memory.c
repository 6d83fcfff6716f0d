/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operands, and the verbs of mappings and the break. */
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/diff/interp.h"

#ifndef MADV_GUARD_INSTALL
enum { MADV_GUARD_INSTALL = 102, MADV_GUARD_REMOVE = 103 };
#endif

static const uint64_t page_size = 4096;

/* --- operands ---------------------------------------------------------------------------------------- */

uint64_t number(const struct words *w, size_t i)
{
	if (i >= w->arg_count)
		refuse(&interp.reader, "too few words", w->verb);
	return word_size(&interp.reader, w->arg[i]);
}

struct name *operand(const struct words *w, size_t i, uint64_t *ret_addr)
{
	struct name *name;

	if (i >= w->arg_count)
		refuse(&interp.reader, "too few words", w->verb);
	if (w->arg[i].len > 2 && w->arg[i].at[0] == '0' && w->arg[i].at[1] == 'x') {
		*ret_addr = word_size(&interp.reader, w->arg[i]);
		return NULL;
	}
	name = name_find(w->arg[i]);
	*ret_addr = name->is_alive ? name->addr : 0;
	return name;
}

void *pointer(uint64_t addr)
{
	return (void *)(uintptr_t)addr; /* NOLINT(performance-no-int-to-ptr) */
}

void bind_name(struct word dst, uint64_t addr, uint64_t len, bool is_map)
{
	struct name *name = name_find(dst);

	name->addr = addr;
	name->len = len;
	name->is_map = is_map;
	name->is_alive = addr != 0;
	name->shadow = 0;
}

/* --- verbs --- */

void run_touch(const struct words *w, struct diff_record *record)
{
	uint64_t addr, offset = w->arg_count > 2 ? number(w, 2) : 0, len;
	struct name *name = operand(w, 0, &addr);

	if (!addr) {
		record->has |= DIFF_IS_SKIPPED;
		return;
	}
	if (w->arg_count > 1)
		len = number(w, 1);
	else
		len = name && name->is_map ? name->len : malloc_usable_size(pointer(addr));
	for (uint64_t at = addr + offset, end = at + len; at < end;
	     at = (at / page_size + 1) * page_size) {
		volatile char *byte = pointer(at);

		*byte = *byte; /* what lies there stays: a world leaves it as it is, too */
		record->ret++;
	}
	record->has |= DIFF_HAS_RET;
}

static int protection(struct word word)
{
	if (word_is(word, "ro"))
		return PROT_READ;
	if (word_is(word, "rw"))
		return PROT_READ | PROT_WRITE;
	return word_is(word, "none") ? PROT_NONE : -1;
}

static int mmap_flag(struct word word)
{
	static const struct {
		const char *name;
		int flag;
	} words[] = {
		{ "private", 0 },
		{ "shared", MAP_SHARED },
		{ "populate", MAP_POPULATE },
		{ "noreserve", MAP_NORESERVE },
		{ "locked", MAP_LOCKED },
		{ "stack", MAP_STACK },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (word_is(word, words[i].name))
			return words[i].flag;
	refuse(&interp.reader, "not a word of mmap", word);
}

/* NAME, NAME+OFFSET, NAME-OFFSET, 0xADDR. */
static uint64_t place(struct word word)
{
	struct words w = { .arg = &word, .arg_count = 1 };
	const struct name *name;
	uint64_t addr;
	int64_t offset = 0;

	for (size_t i = 1; i < word.len; i++)
		if (word.at[i] == '+' || word.at[i] == '-') {
			if (!word_number((struct word){ word.at + i, word.len - i }, &offset))
				refuse(&interp.reader, "not a place", word);
			word.len = i;
		}
	name = operand(&w, 0, &addr);
	/* A place is one even when the block that was there is not. */
	return (name ? name->addr : addr) + (uint64_t)offset;
}

void run_mmap(const struct words *w, struct diff_record *record)
{
	uint64_t size = number(w, 0), at = 0;
	int prot = PROT_READ | PROT_WRITE, flags = MAP_ANONYMOUS;
	void *map;

	for (size_t i = 1; i < w->arg_count; i++) {
		bool is_fixed = word_is(w->arg[i], "fixed");

		if (protection(w->arg[i]) >= 0) {
			prot = protection(w->arg[i]);
		} else if ((is_fixed || word_is(w->arg[i], "at")) && i + 1 < w->arg_count) {
			at = place(w->arg[++i]);
			flags |= is_fixed ? MAP_FIXED : 0;
		} else {
			flags |= mmap_flag(w->arg[i]);
		}
	}
	flags |= flags & MAP_SHARED ? 0 : MAP_PRIVATE;
	errno = 0;
	map = mmap(pointer(at), size, prot, flags, -1, 0);
	record->error = errno;
	record->has |= DIFF_HAS_ADDR;
	if (map == MAP_FAILED)
		record->has |= record->error == ENOMEM ? DIFF_IS_ENOMEM : 0;
	else
		record->addr = (uint64_t)(uintptr_t)map;
	bind_name(w->dst, record->addr, size, true);
}

static void note_call(struct diff_record *record, long result)
{
	record->error = result == -1 ? errno : 0;
	record->has |= result == -1 && record->error == ENOMEM ? DIFF_IS_ENOMEM : 0;
}

void run_munmap(const struct words *w, struct diff_record *record)
{
	uint64_t addr, offset = 0, len;
	struct name *name = operand(w, 0, &addr);
	bool is_part = w->arg_count > 2;

	if (!addr) {
		record->has |= DIFF_IS_SKIPPED;
		return;
	}
	len = name ? name->len : 0;
	if (is_part) {
		offset = number(w, 1);
		len = number(w, 2);
	}
	errno = 0;
	note_call(record, munmap(pointer(addr + offset), len));
	if (name && !is_part && !record->error)
		name->is_alive = false;
}

void run_mprotect(const struct words *w, struct diff_record *record)
{
	uint64_t addr, offset = 0, len;
	struct name *name = operand(w, 0, &addr);
	int prot = protection(w->arg[w->arg_count - 1]);

	if (!addr) {
		record->has |= DIFF_IS_SKIPPED;
		return;
	}
	len = name ? name->len : 0;
	if (w->arg_count > 3) {
		offset = number(w, 1);
		len = number(w, 2);
	}
	errno = 0;
	note_call(record, mprotect(pointer(addr + offset), len, prot));
}

void run_mremap(const struct words *w, struct diff_record *record)
{
	uint64_t addr, old_size = number(w, 1), new_size = number(w, 2);
	struct name *name = operand(w, 0, &addr);
	bool may_move = w->arg_count > 3 && word_is(w->arg[3], "maymove");
	void *map;

	if (!addr) {
		record->has |= DIFF_IS_SKIPPED;
		return;
	}
	errno = 0;
	map = mremap(pointer(addr), old_size, new_size, may_move ? MREMAP_MAYMOVE : 0);
	note_call(record, map == MAP_FAILED ? -1 : 0);
	if (map == MAP_FAILED)
		return;
	record->addr = (uint64_t)(uintptr_t)map;
	record->has |= DIFF_HAS_ADDR;
	if (name) {
		name->addr = record->addr;
		name->len = new_size;
	}
}

void run_madvise(const struct words *w, struct diff_record *record)
{
	static const struct {
		const char *name;
		int value;
	} advices[] = {
		{ "dontneed", MADV_DONTNEED },
		{ "free", MADV_FREE },
		{ "hugepage", MADV_HUGEPAGE },
		{ "nohugepage", MADV_NOHUGEPAGE },
		{ "mergeable", MADV_MERGEABLE },
		{ "dontfork", MADV_DONTFORK },
		{ "dofork", MADV_DOFORK },
		{ "guard_install", MADV_GUARD_INSTALL },
		{ "guard_remove", MADV_GUARD_REMOVE },
	};
	uint64_t addr, offset = number(w, 1), len = number(w, 2);

	(void)operand(w, 0, &addr);
	if (!addr) {
		record->has |= DIFF_IS_SKIPPED;
		return;
	}
	for (size_t i = 0; w->arg_count > 3 && i < sizeof(advices) / sizeof(advices[0]); i++)
		if (word_is(w->arg[3], advices[i].name)) {
			errno = 0;
			note_call(record, madvise(pointer(addr + offset), len, advices[i].value));
			return;
		}
	refuse(&interp.reader, "no such advice", w->verb);
}

void run_sbrk(const struct words *w, struct diff_record *record)
{
	intptr_t delta = (intptr_t)number(w, 0);
	void *old;

	errno = 0;
	old = sbrk(delta);
	record->error = errno;
	record->has |= old == pointer(UINT64_MAX) ? DIFF_IS_ENOMEM : DIFF_HAS_ADDR;
	record->addr = (uint64_t)(uintptr_t)old;
}

/* brk(2) itself, behind libc's back. */
void run_brk(const struct words *w, struct diff_record *record)
{
	uint64_t present, wanted, result;

	interp.head->is_quiet = 1;
	present = (uint64_t)syscall(SYS_brk, 0);
	interp.head->is_quiet = 0;
	wanted = present + number(w, 0);
	result = (uint64_t)syscall(SYS_brk, wanted);
	record->addr = result;
	record->has |= result == wanted ? DIFF_HAS_ADDR : DIFF_IS_ENOMEM;
}
