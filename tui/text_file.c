/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool refuse(const char *path, int cause, struct err *reterr)
{
	return err_set(reterr, ERR_USAGE, cause, path, strerrordesc_np(cause));
}

/* Until the end or the limit; -1: an error. */
static ssize_t read_all(int fd, char *bytes)
{
	ssize_t len = 0, got;

	while ((got = read(fd, bytes + len, (size_t)(TEXT_FILE_MAX - len))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		len += got;
	}
	return len;
}

static bool read_open(int fd, const char *path, char **ret, size_t *ret_len, struct err *reterr)
{
	struct stat about;
	ssize_t len;

	if (fstat(fd, &about))
		return refuse(path, errno, reterr);
	if (S_ISDIR(about.st_mode))
		return refuse(path, EISDIR, reterr);
	if (!S_ISREG(about.st_mode) && !S_ISCHR(about.st_mode))
		return err_set(reterr, ERR_USAGE, 0, path, "not a file");
	*ret = malloc(TEXT_FILE_MAX);
	if (!*ret)
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, path, strerrordesc_np(ENOMEM));
	len = read_all(fd, *ret);
	if (len < 0)
		refuse(path, errno, reterr);
	else if (len == TEXT_FILE_MAX)
		err_set(reterr, ERR_USAGE, EFBIG, path, "too large for a file of this kind");
	if (len < 0 || len == TEXT_FILE_MAX) {
		free(*ret);
		return false;
	}
	*ret_len = (size_t)len;
	return true;
}

bool text_file_read(const char *path, char **ret, size_t *ret_len, struct err *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool ok;

	if (fd < 0)
		return refuse(path, errno, reterr);
	ok = read_open(fd, path, ret, ret_len, reterr);
	(void)close(fd);
	return ok;
}
