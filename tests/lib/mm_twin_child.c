/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real half of a twin: it does nothing but the calls that it is told to make. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/lib/mm_twin.h"

/* The kernel writes in the process's place: what would end it is an error. Returns the pages before. */
static int64_t touch_pages(uint64_t start, uint64_t end)
{
	static int zero = -1;
	int64_t pages = 0;

	if (zero < 0)
		zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	for (uint64_t at = start; at < end; at += PAGE, pages++)
		if (syscall(SYS_read, zero, at, 1L) != 1)
			break;
	return pages;
}

static int64_t perform(const struct step *s)
{
	long r = 0;

	switch (s->op) {
	case SYS_BRK:
		return syscall(SYS_brk, s->arg[0]);
	case SYS_MMAP:
		r = syscall(SYS_mmap, s->arg[0], s->arg[1], s->arg[2], s->arg[3], -1L, 0L);
		break;
	case SYS_MUNMAP:
		r = syscall(SYS_munmap, s->arg[0], s->arg[1]);
		break;
	case SYS_MREMAP:
		r = syscall(SYS_mremap, s->arg[0], s->arg[1], s->arg[2], s->arg[3], 0L);
		break;
	case SYS_MPROTECT:
		r = syscall(SYS_mprotect, s->arg[0], s->arg[1], s->arg[2]);
		break;
	case SYS_MADVISE:
		r = syscall(SYS_madvise, s->arg[0], s->arg[1], s->arg[2]);
		break;
	default:
		return touch_pages(s->arg[0], s->arg[1]);
	}
	return r == -1 ? -errno : r;
}

int mm_twin_act(int in, int out)
{
	static struct step s;
	int64_t result;

	while (read(in, &s, sizeof(s)) == (ssize_t)sizeof(s) && s.op < END) {
		result = perform(&s);
		if (write(out, &result, sizeof(result)) != (ssize_t)sizeof(result))
			return 1;
	}
	return 0;
}

void mm_twin_serve(int argc, char *argv[])
{
	if (argc != 3 || strcmp(argv[0], "mm_twin") != 0)
		return;
	/* What is done at exit, by a sanitizer say, may find no memory below these limits. */
	_exit(mm_twin_act(atoi(argv[1]), atoi(argv[2])));
}
