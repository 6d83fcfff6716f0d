/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of a file that will hold an address of the file itself. A shared object names them in its
 * relative relocations, of which there are three encodings:
 *
 *	RELA	place, type, value
 *	REL	place, type; the value lies in the place
 *	RELR	a list of places without types; the values lie in the places. An even word is a place,
 *		an odd one a bitmap: bit i+1 stands for the i-th word behind the last place.
 */
#include "probes/elf.h"

#include <gelf.h>
#include <string.h>

#ifndef SHT_RELR
#define SHT_RELR 19
#endif

/* No honest relocation section is larger. */
#define SECTION_MAX ((uint64_t)256 << 20)

struct pointers {
	const struct elf_file *file;
	void (*pointer)(void *ctx, uint64_t place, uint64_t value);
	void *ctx;
	uint64_t base, end; /* virtual addresses of `bytes` */
	const uint8_t *bytes;
	uint32_t type; /* of the relocations that are meant */
	bool is_relative;
};

static uint32_t relative_type(uint16_t machine)
{
	switch (machine) {
	case EM_X86_64:
		return R_X86_64_RELATIVE;
	case EM_AARCH64:
		return R_AARCH64_RELATIVE;
	case EM_386:
		return R_386_RELATIVE;
	default:
		return UINT32_MAX;
	}
}

/* Those of the initial-exec model, which malloc's own variables are declared with. */
static uint32_t thread_local_type(uint16_t machine)
{
	switch (machine) {
	case EM_X86_64:
		return R_X86_64_TPOFF64;
	case EM_AARCH64:
		return R_AARCH64_TLS_TPREL;
	case EM_386:
		return R_386_TLS_TPOFF;
	default:
		return UINT32_MAX;
	}
}

static uint64_t word_at(const uint8_t *bytes, size_t word)
{
	uint64_t value = 0;

	memcpy(&value, bytes, word);
	return value;
}

/* Hands on a pointer whose value lies in its place. */
static void report_in_place(const struct pointers *p, uint64_t place)
{
	size_t word = p->file->word;

	if (place >= p->base && place < p->end && p->end - place >= word)
		p->pointer(p->ctx, place, word_at(p->bytes + (place - p->base), word));
}

static void each_rela(const struct pointers *p, Elf_Data *data, size_t entsize)
{
	for (size_t i = 0; i < data->d_size / entsize && i < INT32_MAX; i++) {
		GElf_Rela rela;

		if (gelf_getrela(data, (int)i, &rela) && GELF_R_TYPE(rela.r_info) == p->type)
			p->pointer(p->ctx, rela.r_offset, (uint64_t)rela.r_addend);
	}
}

static void each_rel(const struct pointers *p, Elf_Data *data, size_t entsize)
{
	for (size_t i = 0; i < data->d_size / entsize && i < INT32_MAX; i++) {
		GElf_Rel rel;

		if (!gelf_getrel(data, (int)i, &rel) || GELF_R_TYPE(rel.r_info) != p->type)
			continue;
		if (p->is_relative)
			report_in_place(p, rel.r_offset);
		else
			p->pointer(p->ctx, rel.r_offset, 0);
	}
}

static void each_relr(const struct pointers *p, const uint8_t *bytes, size_t len)
{
	const size_t word = p->file->word;
	uint64_t next = 0;

	for (size_t pos = 0; len - pos >= word; pos += word) {
		uint64_t entry = word_at(bytes + pos, word), place = next;

		if (!(entry & 1)) {
			report_in_place(p, entry);
			next = entry + word;
			continue;
		}
		for (entry >>= 1; entry; entry >>= 1, place += word) {
			if (entry & 1)
				report_in_place(p, place);
		}
		next += (8 * word - 1) * word;
	}
}

static bool is_inside(const struct elf_file *file, const GElf_Shdr *sh)
{
	return sh->sh_type != SHT_NOBITS && sh->sh_size <= SECTION_MAX &&
	       sh->sh_offset <= file->size && sh->sh_size <= file->size - sh->sh_offset;
}

static void each_relocation(const struct pointers *p)
{
	const bool wide = p->file->word == 8;
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(p->file->elf, scn))) {
		Elf_Data *data;
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh) || !is_inside(p->file, &sh))
			continue;
		if (sh.sh_type != SHT_RELA && sh.sh_type != SHT_REL && sh.sh_type != SHT_RELR)
			continue;
		/* libelf does not know RELR's words; little-endian bytes are what we want. */
		data = sh.sh_type == SHT_RELR ? elf_rawdata(scn, NULL) : elf_getdata(scn, NULL);
		if (!data || !data->d_buf)
			continue;
		if (sh.sh_type == SHT_RELA)
			each_rela(p, data, wide ? sizeof(Elf64_Rela) : sizeof(Elf32_Rela));
		else if (sh.sh_type == SHT_REL)
			each_rel(p, data, wide ? sizeof(Elf64_Rel) : sizeof(Elf32_Rel));
		else if (p->is_relative)
			each_relr(p, data->d_buf, data->d_size);
	}
}

static void each_word(const struct pointers *p)
{
	const size_t word = p->file->word;

	for (uint64_t at = (p->base + word - 1) & ~(uint64_t)(word - 1);
	     at < p->end && p->end - at >= word; at += word)
		report_in_place(p, at);
}

void elf_each_pointer(const struct elf_file *file, const uint8_t *data, uint64_t base, size_t len,
                      void (*pointer)(void *ctx, uint64_t place, uint64_t value), void *ctx)
{
	struct pointers p = { .file = file,
		              .pointer = pointer,
		              .ctx = ctx,
		              .base = base,
		              .end = base + len,
		              .bytes = data,
		              .type = relative_type(file->machine),
		              .is_relative = true };

	if (file->type == ET_EXEC)
		each_word(&p);
	else
		each_relocation(&p);
}

void elf_each_tls_word(const struct elf_file *file,
                       void (*word)(void *ctx, uint64_t place, uint64_t addend), void *ctx)
{
	struct pointers p = {
		.file = file, .pointer = word, .ctx = ctx, .type = thread_local_type(file->machine)
	};

	each_relocation(&p);
}
