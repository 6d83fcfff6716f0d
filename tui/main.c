/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <malloc.h>

#include "tui/cli.h"

/*
 * glibc raises its mmap threshold to what was freed last, up to 32 MiB, and keeps twice that at the top.
 * A walk's store is reserved for the worst case and mostly never written to: it must stay a mapping of
 * its own, and what a snapshot frees must go back. A libc without these knobs does as it likes.
 */
static void keep_own_memory_small(void)
{
#ifdef M_MMAP_THRESHOLD
	(void)mallopt(M_MMAP_THRESHOLD, 4 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 8 << 20);
#endif
}

int main(int argc, char **argv)
{
	keep_own_memory_small();
	return cli_main(argc, argv);
}
