/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void copy_text(char *to, size_t size, const char *from)
{
	size_t len = from ? strnlen(from, size - 1) : 0;

	if (len)
		memcpy(to, from, len);
	to[len] = '\0';
}

bool err_set(struct err *err, enum err_kind kind, int os_errno, const char *what, const char *why)
{
	if (err) {
		err->kind = kind;
		err->os_errno = os_errno;
		copy_text(err->what, sizeof(err->what), what);
		copy_text(err->why, sizeof(err->why), why);
		err->remedy[0] = '\0';
	}
	return false;
}

void err_remedy(struct err *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return;
	va_start(args, format);
	(void)vsnprintf(err->remedy, sizeof(err->remedy), format, args);
	va_end(args);
}

bool err_setf(struct err *err, enum err_kind kind, const char *what, const char *why, ...)
{
	va_list args;

	if (!err)
		return false;
	err_set(err, kind, 0, what, NULL);
	va_start(args, why);
	(void)vsnprintf(err->why, sizeof(err->why), why, args);
	va_end(args);
	return false;
}

int err_exit_code(const struct err *err)
{
	static const int codes[ERR_KIND_COUNT] = {
		[ERR_NONE] = 0,       [ERR_FAILED] = 1,     [ERR_USAGE] = 2,
		[ERR_PERMISSION] = 3, [ERR_NO_PROCESS] = 4, [ERR_UNSUPPORTED] = 1,
		[ERR_NO_MEMORY] = 1,
	};

	return codes[err->kind];
}
