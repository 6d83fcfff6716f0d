/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/threads.h"

struct tls_search {
	const struct module *libc;
	struct memory *mem;
	struct tls_offsets *ret;
	bool is_partial; /* a word could not be read, or there are too many */
};

static void take_word(void *ctx, uint64_t place, uint64_t addend)
{
	struct tls_search *s = ctx;
	uint64_t offset = 0;

	(void)addend;
	if (s->ret->count == TLS_WORDS_MAX ||
	    !mem_read_all(s->mem, place + s->libc->bias, &offset, s->libc->elf->word)) {
		s->is_partial = true;
		return;
	}
	if (s->libc->elf->word == 4)
		offset = (uint64_t)(int64_t)(int32_t)offset;
	s->ret->at[s->ret->count++] = (int64_t)offset;
}

void tls_offsets_find(const struct module *libc, struct memory *mem, struct tls_offsets *ret)
{
	struct tls_search s = { .libc = libc, .mem = mem, .ret = ret };

	*ret = (struct tls_offsets){ .count = 0 };
	if (!libc->elf)
		return;
	elf_each_tls_word(libc->elf, take_word, &s);
	/* One that is missing could be the one that is looked for. */
	if (s.is_partial)
		ret->count = 0;
}
