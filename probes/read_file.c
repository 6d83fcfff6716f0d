/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FIRST_ROOM  ((size_t)16 << 10)
#define PIECE_BYTES ((size_t)16 << 10)

enum read_status read_status_of(int os_errno)
{
	switch (os_errno) {
	case 0:
		return READ_OK;
	case ESRCH:
		return READ_GONE;
	case EACCES:
	case EPERM:
		return READ_DENIED;
	case ENOENT:
		return READ_ABSENT;
	case ENOMEM:
		return READ_NO_MEMORY;
	default:
		return READ_FAILED;
	}
}

void file_text_free(struct file_text *text)
{
	free(text->at);
	*text = (struct file_text){ 0 };
}

bool file_text_reserve(struct file_text *text, size_t len)
{
	size_t room = text->room ? text->room : FIRST_ROOM;
	char *grown;

	if (text->len < text->room && text->room - text->len > len)
		return true;
	while (room <= FILE_TEXT_MAX && room - text->len <= len)
		room *= 2;
	grown = room <= FILE_TEXT_MAX ? realloc(text->at, room) : NULL;
	if (!grown) {
		errno = ENOMEM;
		return false;
	}
	text->at = grown;
	text->room = room;
	return true;
}

enum read_status read_fd(int fd, struct file_text *text)
{
	text->len = 0;
	for (;;) {
		ssize_t got;

		if (!file_text_reserve(text, PIECE_BYTES))
			return READ_NO_MEMORY;
		got = pread(fd, text->at + text->len, text->room - text->len - 1, (off_t)text->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return read_status_of(errno);
		text->len += (size_t)got;
		text->at[text->len] = '\0';
		if (got == 0)
			return READ_OK;
	}
}

enum read_status read_fd_small(int fd, char *buf, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size - 1) {
		ssize_t got = pread(fd, buf + len, size - 1 - len, (off_t)len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return read_status_of(errno);
		if (got == 0)
			break;
		len += (size_t)got;
	}
	buf[len] = '\0';
	if (ret_len)
		*ret_len = len;
	return READ_OK;
}

enum read_status read_file_small(int dir_fd, const char *name, char *buf, size_t size,
                                 size_t *ret_len)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY), saved;
	enum read_status status;

	if (fd < 0)
		return read_status_of(errno);
	status = read_fd_small(fd, buf, size, ret_len);
	saved = errno;
	close(fd);
	errno = saved;
	return status;
}
