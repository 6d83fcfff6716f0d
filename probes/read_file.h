/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_READ_FILE_H
#define HEAPTOP_PROBES_READ_FILE_H

/**
 * Whole /proc files into memory. Such files have no size, come in pieces of about a page, and end in
 * several ways that a caller must tell apart.
 */
#include <stdbool.h>
#include <stddef.h>

enum read_status {
	READ_OK,
	READ_GONE,   /* the process has ended */
	READ_DENIED, /* no permission, now or since the target changed its credentials */
	READ_ABSENT, /* this kernel or container has no such file */
	READ_NO_MEMORY,
	READ_FAILED,
};

/** A growing buffer that is reused from reading to reading; `at` is NUL-terminated after one. */
struct file_text {
	char *at;
	size_t len, room;
};

void file_text_free(struct file_text *text);

/** Room for `len` more bytes and a NUL; false when out of memory or beyond FILE_TEXT_MAX. */
bool file_text_reserve(struct file_text *text, size_t len);

/* No /proc file of one process is larger: smaps of 65,530 VMAs has 48 MiB. */
#define FILE_TEXT_MAX ((size_t)256 << 20)

/** Reads everything from offset 0 of an open file; the errno is left as the failing call set it. */
enum read_status read_fd(int fd, struct file_text *text);

/** Reads at most size - 1 bytes from offset 0 into `buf` and ends them with a NUL. */
enum read_status read_fd_small(int fd, char *buf, size_t size, size_t *ret_len);

/** Opens `name` below `dir_fd` (AT_FDCWD with an absolute name), reads it, closes it. */
enum read_status read_file_small(int dir_fd, const char *name, char *buf, size_t size,
                                 size_t *ret_len);

/** What an errno of open or read on a /proc file means. */
enum read_status read_status_of(int os_errno);

#endif
