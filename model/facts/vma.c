/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts/vma.h"

#include <string.h>

const struct vma_flag_word vma_flag_words[VMA_FLAG_WORDS] = {
	{ "ac", VMA_FLAG_AC }, { "nr", VMA_FLAG_NR }, { "gd", VMA_FLAG_GD }, { "lo", VMA_FLAG_LO },
	{ "ht", VMA_FLAG_HT }, { "hg", VMA_FLAG_HG }, { "nh", VMA_FLAG_NH }, { "dc", VMA_FLAG_DC },
	{ "dd", VMA_FLAG_DD }, { "mg", VMA_FLAG_MG }, { "pf", VMA_FLAG_PF }, { "io", VMA_FLAG_IO },
	{ "um", VMA_FLAG_UM }, { "uw", VMA_FLAG_UW }, { "sd", VMA_FLAG_SD },
};

char *vma_prot_text(char buf[5], uint32_t prot)
{
	buf[0] = prot & VMA_READ ? 'r' : '-';
	buf[1] = prot & VMA_WRITE ? 'w' : '-';
	buf[2] = prot & VMA_EXEC ? 'x' : '-';
	buf[3] = prot & VMA_SHARED ? 's' : 'p';
	buf[4] = '\0';
	return buf;
}

const struct vma *vma_find_next(const struct vma_set *set, uint64_t addr)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (set->at[mid].end > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low < set->count ? &set->at[low] : NULL;
}

const struct vma *vma_find(const struct vma_set *set, uint64_t addr)
{
	const struct vma *v = vma_find_next(set, addr);

	return v && v->start <= addr ? v : NULL;
}

bool vma_is_writable(const struct vma_set *set, uint64_t addr, uint64_t len)
{
	const struct vma *v = vma_find(set, addr), *past = set->at + set->count;
	uint64_t end, reached = addr;

	if (!v || __builtin_add_overflow(addr, len, &end))
		return false;
	for (; v < past && v->start <= reached; v++) {
		if ((v->prot & (VMA_READ | VMA_WRITE | VMA_SHARED)) != (VMA_READ | VMA_WRITE))
			return false;
		if (v->end >= end)
			return true;
		reached = v->end;
	}
	return false;
}

bool vma_is_named(const struct vma_set *set, const struct vma *v, const char *name)
{
	return v->name_len == strlen(name) &&
	       memcmp(set->names + v->name_at, name, v->name_len) == 0;
}

bool vma_name_begins(const struct vma_set *set, const struct vma *v, const char *prefix)
{
	size_t len = strlen(prefix);

	return v->name_len >= len && memcmp(set->names + v->name_at, prefix, len) == 0;
}

const char *vma_kind_word(enum vma_kind kind)
{
	static const char *const words[VMA_KIND_COUNT] = {
		[VMA_ANON] = "anon",       [VMA_HEAP] = "heap",       [VMA_ARENA] = "arena",
		[VMA_RESERVE] = "reserve", [VMA_MMAPPED] = "mmapped", [VMA_STACK] = "stack",
		[VMA_GUARD] = "guard",     [VMA_FILE] = "file",       [VMA_BSS] = "bss",
		[VMA_SHM] = "shm",         [VMA_KERNEL] = "kernel",
	};

	return kind < VMA_KIND_COUNT ? words[kind] : "?";
}
