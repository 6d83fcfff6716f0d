/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * smaps, the dearest file of a process: ten times maps and more, and no place in it can be
 * addressed, so it is read once from the front. Its caller decides how seldom.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcntl.h>

#include "probes/pace.h"
#include "probes/parse_smaps.h"
#include "probes/read.h"

/* A line is at most a path (4096 bytes, each escaped to four) and some 80 bytes more. */
enum { BUFFER_BYTES = 64 << 10 };

struct smaps_reader {
	struct smaps_pos pos;
	struct pace pace;
	size_t kept; /* bytes of an unfinished line, at the front of the buffer */
	char buffer[BUFFER_BYTES];
};

/* False at the end, *ret_failed telling why; a line that fills the buffer is dropped. */
static bool read_piece(struct smaps_reader *r, int fd, off_t *at, bool *ret_failed)
{
	ssize_t got;

	if (r->kept == sizeof(r->buffer))
		r->kept = 0;
	pace_begin(&r->pace);
	do {
		got = pread(fd, r->buffer + r->kept, sizeof(r->buffer) - r->kept, *at);
	} while (got < 0 && errno == EINTR);
	(void)pace_end(&r->pace);
	*ret_failed = got < 0;
	if (got <= 0)
		return false;
	*at += got;
	r->kept += (size_t)got;
	return true;
}

bool smaps_read(struct proc *proc, struct vma_set *set)
{
	struct smaps_reader *r = calloc(1, sizeof(*r));
	int fd = r ? proc_open_file(proc, "smaps", O_RDONLY) : -1;
	bool failed = fd < 0;
	off_t at = 0;

	if (r)
		r->pace = pace_open();
	while (!failed && read_piece(r, fd, &at, &failed)) {
		size_t taken = parse_smaps(r->buffer, r->kept, set, &r->pos);

		memmove(r->buffer, r->buffer + taken, r->kept - taken);
		r->kept -= taken;
	}
	if (r)
		pace_close(&r->pace);
	if (fd >= 0)
		close(fd);
	free(r);
	return !failed && at > 0 && proc_is_same_mm(proc);
}
