/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMA list. The kernel must write the whole text at every reading (340 ns per VMA); what can be
 * saved is parsing it, and a new part, when it equals the previous text. So the kept text is
 * compared with each piece as it arrives, and overwritten from the first difference on: one copy of
 * the text is held, not two.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/parse_maps.h"
#include "probes/read.h"
#include "probes/read_file.h"

/* The kernel hands out about a page at a time, whatever is asked for. */
#define PIECE_BYTES ((size_t)16 << 10)

struct maps_cache {
	struct file_text text;
	bool is_whole; /* text is a complete reading, that `previous` was made of */
	char piece[PIECE_BYTES];
};

struct maps_cache *maps_cache_new(void)
{
	return calloc(1, sizeof(struct maps_cache));
}

void maps_cache_free(struct maps_cache *cache)
{
	if (cache)
		file_text_free(&cache->text);
	free(cache);
}

static bool equals_kept(const struct maps_cache *cache, size_t at, size_t len)
{
	return at + len <= cache->text.len && memcmp(cache->text.at + at, cache->piece, len) == 0;
}

/* From the first difference on the kept text is the new one; it ends where that has got so far. */
static bool take_piece(struct maps_cache *cache, size_t at, size_t len)
{
	cache->text.len = at;
	if (!file_text_reserve(&cache->text, len))
		return false;
	memcpy(cache->text.at + at, cache->piece, len);
	cache->text.len = at + len;
	cache->text.at[cache->text.len] = '\0';
	return true;
}

static enum read_status read_text(int fd, struct maps_cache *cache, bool *ret_same)
{
	bool same = cache->is_whole;
	size_t at = 0;

	cache->is_whole = false;
	for (;;) {
		ssize_t got = pread(fd, cache->piece, sizeof(cache->piece), (off_t)at);
		size_t len = got > 0 ? (size_t)got : 0;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return read_status_of(errno);
		if (len == 0)
			break;
		same = same && equals_kept(cache, at, len);
		if (!same && !take_piece(cache, at, len))
			return READ_NO_MEMORY;
		at += len;
	}
	*ret_same = same && at == cache->text.len;
	cache->text.len = at;
	cache->is_whole = true;
	return READ_OK;
}

static struct part *no_maps(const struct proc *proc, enum read_status status, struct err *reterr)
{
	static const char what[] = "cannot read the VMA list";

	if (status == READ_NO_MEMORY)
		err_set(reterr, ERR_NO_MEMORY, ENOMEM, what, "out of memory");
	else if (status == READ_DENIED)
		proc_explain_denied(proc, EACCES, reterr);
	else if (status == READ_GONE || !proc_is_same_mm(proc))
		err_set(reterr, ERR_NO_PROCESS, ESRCH, what,
		        "the process has ended or called exec");
	else
		err_set(reterr, ERR_FAILED, errno, what, "/proc/PID/maps could not be read");
	return NULL;
}

static struct part *make_part(struct maps_cache *cache, uint64_t now_ns, struct err *reterr)
{
	struct part *part = part_new(PART_VMAS, now_ns);

	if (part && parse_maps(cache->text.at, cache->text.len, part->region, &part->vmas, NULL))
		return part;
	part_unref(part);
	cache->is_whole = false;
	err_set(reterr, ERR_NO_MEMORY, ENOMEM, "cannot keep the VMA list", "out of memory");
	return NULL;
}

struct part *maps_read(struct proc *proc, struct maps_cache *cache, struct part *previous,
                       uint64_t now_ns, struct err *reterr)
{
	enum read_status status;
	bool same = false;

	if (proc->maps_fd < 0) {
		proc_explain_denied(proc, proc->maps_errno, reterr);
		return NULL;
	}
	status = read_text(proc->maps_fd, cache, &same);
	/* An address space that dies meanwhile cuts the text short without an error. */
	if (status == READ_OK && (cache->text.len == 0 || !proc_is_same_mm(proc)))
		status = READ_GONE;
	if (status != READ_OK) {
		cache->is_whole = false;
		return no_maps(proc, status, reterr);
	}
	if (same && previous)
		return part_ref(previous);
	return make_part(cache, now_ns, reterr);
}
