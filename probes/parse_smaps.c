/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/parse_smaps.h"

#include <string.h>

#include "model/base/units.h"
#include "probes/parse_maps.h"

static uint32_t parse_flags(const char *at, const char *end)
{
	uint32_t flags = 0;

	while (end - at >= 2) {
		if (*at == ' ') {
			at++;
			continue;
		}
		for (size_t i = 0; i < VMA_FLAG_WORDS; i++) {
			if (memcmp(at, vma_flag_words[i].word, 2) == 0)
				flags |= vma_flag_words[i].flag;
		}
		at += 2;
	}
	return flags;
}

/* "   1234 kB" in bytes; 0 when it is no such number, which the kernel never writes. */
static uint64_t parse_kib(const char *at, const char *end)
{
	uint64_t kib = 0, bytes;

	while (at < end && *at == ' ')
		at++;
	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(kib, 10u, &kib) ||
		    __builtin_add_overflow(kib, (uint64_t)(*at - '0'), &kib))
			return 0;
	}
	return __builtin_mul_overflow(kib, KIB, &bytes) ? 0 : bytes;
}

static bool take_key(const char **at, const char *end, const char *key)
{
	size_t len = strlen(key);

	if ((size_t)(end - *at) < len || memcmp(*at, key, len) != 0)
		return false;
	*at += len;
	return true;
}

/* Lines of one VMA come in a fixed order, VmFlags last: only then is it complete. */
static void end_vma(struct smaps_pos *pos, uint32_t flags)
{
	struct vma *v = pos->current;

	v->flags = flags;
	v->rss = pos->facts.rss;
	v->swap = pos->facts.swap;
	v->pss = pos->facts.pss;
	v->anonymous = pos->facts.anonymous;
	v->dirty = pos->facts.dirty;
	v->has_residency = v->has_smaps = true;
	pos->current = NULL;
}

static void take_figure(struct smaps_pos *pos, const char *at, const char *end)
{
	struct vma *f = &pos->facts;

	if (take_key(&at, end, "Rss:"))
		f->rss = parse_kib(at, end);
	else if (take_key(&at, end, "Pss:"))
		f->pss = parse_kib(at, end);
	else if (take_key(&at, end, "Shared_Dirty:") || take_key(&at, end, "Private_Dirty:"))
		(void)__builtin_add_overflow(f->dirty, parse_kib(at, end), &f->dirty);
	else if (take_key(&at, end, "Anonymous:"))
		f->anonymous = parse_kib(at, end);
	else if (take_key(&at, end, "Swap:"))
		f->swap = parse_kib(at, end);
	else if (take_key(&at, end, "VmFlags:"))
		end_vma(pos, parse_flags(at, end));
}

static bool is_same_mapping(const struct vma *a, const struct vma *b)
{
	return a->start == b->start && a->end == b->end && a->prot == b->prot &&
	       a->offset == b->offset && a->inode == b->inode && a->dev_major == b->dev_major &&
	       a->dev_minor == b->dev_minor;
}

static void begin_vma(struct vma_set *set, struct smaps_pos *pos, const struct vma *v)
{
	pos->current = NULL;
	pos->facts = (struct vma){ 0 };
	while (pos->next < set->count && set->at[pos->next].start < v->start)
		pos->next++;
	if (pos->next < set->count && is_same_mapping(&set->at[pos->next], v))
		pos->current = &set->at[pos->next++];
}

/* A VMA's own line begins with a lower-case hexadecimal digit, all others with a capital. */
static bool is_header(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

size_t parse_smaps(const char *text, size_t len, struct vma_set *set, struct smaps_pos *pos)
{
	const char *at = text, *end = text + len, *stop;

	while (at < end && (stop = memchr(at, '\n', (size_t)(end - at)))) {
		if (is_header(*at)) {
			struct maps_name name;
			const char *line = at;
			struct vma v;

			if (parse_maps_line(&line, stop, &v, &name))
				begin_vma(set, pos, &v);
		} else if (pos->current) {
			take_figure(pos, at, stop);
		}
		at = stop + 1;
	}
	return (size_t)(at - text);
}
