/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elfutils/libdwfl.h>
#include <gnu/libc-version.h>
#include <jansson.h>
#include <sys/capability.h>
#include <utf8proc.h>
#include <xxhash.h>

#include "tui/cli.h"

/*
 * Libraries that can say which version is in use at run time do so; libcap only knows the one it was
 * compiled with, libproc2 and inih none.
 */
void cli_version(FILE *out)
{
	unsigned xxhash = XXH_versionNumber();

	(void)fputs("heaptop " HEAPTOP_VERSION "\n"
	            "Licence GPL-2.0-or-later: GNU GPL version 2 or later"
	            " <https://gnu.org/licenses/gpl.html>.\n"
	            "This is free software: you are free to change and redistribute it.\n"
	            "There is NO WARRANTY, to the extent permitted by law.\n\n",
	            out);
	(void)fprintf(out, "glibc %s, elfutils %s, jansson %s, utf8proc %s, xxhash %u.%u.%u",
	              gnu_get_libc_version(), dwfl_version(NULL), jansson_version_str(),
	              utf8proc_version(), xxhash / 10000, xxhash / 100 % 100, xxhash % 100);
#ifdef LIBCAP_MAJOR
	(void)fprintf(out, ", libcap %d.%d", LIBCAP_MAJOR, LIBCAP_MINOR);
#endif
	(void)fputc('\n', out);
}
