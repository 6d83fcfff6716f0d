/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tui/text_file.h"

enum { PATH_ROOM = sizeof(((struct config_file *)0)->path) };

/* --- reading ------------------------------------------------------------------------------------ */

/* The base directory specification wants relative values ignored. */
static void default_path(char to[PATH_ROOM])
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int len = 0;

	to[0] = '\0';
	if (config && *config == '/')
		len = snprintf(to, PATH_ROOM, "%s/heaptop/heaptop.ini", config);
	else if (home && *home == '/')
		len = snprintf(to, PATH_ROOM, "%s/.config/heaptop/heaptop.ini", home);
	if (len >= PATH_ROOM)
		to[0] = '\0';
}

/* A file that nobody asked for and that can't be read is a problem to be told, no more. */
static bool excuse(struct config_file *file, const struct err *err)
{
	if (file->is_explicit)
		return false;
	if (err->os_errno != ENOENT && err->os_errno != ENOTDIR)
		file_problem(&file->problems, 0, "not read: %s", err->why);
	return true;
}

bool config_file_load(const char *path, struct config_file *ret, struct config *config,
                      struct err *reterr)
{
	char *bytes;
	size_t len;

	ret->is_explicit = path != NULL;
	if (!path)
		default_path(ret->path);
	else if (snprintf(ret->path, PATH_ROOM, "%s", path) >= PATH_ROOM)
		return err_set(reterr, ERR_USAGE, ENAMETOOLONG, path,
		               strerrordesc_np(ENAMETOOLONG));
	file_problems_init(&ret->problems, ret->path);
	if (!ret->path[0])
		return true;
	if (!text_file_read(ret->path, &bytes, &len, reterr))
		return excuse(ret, reterr);
	config_parse(bytes, len, config, &ret->problems);
	free(bytes);
	return true;
}

/* --- saving ------------------------------------------------------------------------------------- */

static bool fail(const char *path, int cause, struct err *reterr)
{
	return err_set(reterr, cause == EACCES || cause == EPERM ? ERR_PERMISSION : ERR_FAILED,
	               cause, path, strerrordesc_np(cause));
}

/* Cuts the last part off; false when nothing is left. */
static bool to_parent(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return false;
	*slash = '\0';
	return true;
}

/*
 * Under sudo HOME may be another user's: files of ours there could not be changed by him any more.
 * What counts is the nearest directory on the way that is there already.
 */
static bool check_owner(const char *path, struct err *reterr)
{
	char dir[PATH_ROOM];
	struct stat about;

	(void)snprintf(dir, sizeof(dir), "%s", path);
	while (to_parent(dir)) {
		if (stat(dir, &about))
			continue;
		if (about.st_uid == geteuid())
			return true;
		err_setf(reterr, ERR_PERMISSION, path, "%s belongs to another user (uid %u)", dir,
		         (unsigned)about.st_uid);
		err_remedy(reterr, "Save as that user, or name a file of yours with --config.");
		return false;
	}
	return fail(path, ENOENT, reterr);
}

static bool make_directories(const char *path, struct err *reterr)
{
	char dir[PATH_ROOM];

	(void)snprintf(dir, sizeof(dir), "%s", path);
	for (char *at = strchr(dir + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(dir, 0700) && errno != EEXIST)
			return fail(dir, errno, reterr);
		*at = '/';
	}
	return true;
}

static bool write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t done = write(fd, text, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		text += done;
		len -= (size_t)done;
	}
	return true;
}

/* The new name is only safe when the directory is. */
static void sync_directory(const char *path)
{
	char dir[PATH_ROOM];
	int fd;

	(void)snprintf(dir, sizeof(dir), "%s", path);
	if (!to_parent(dir))
		return;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)close(fd);
}

static bool replace(const char *path, const char *text, struct err *reterr)
{
	char temporary[PATH_ROOM + 8];
	mode_t mode = S_IRUSR | S_IWUSR;
	struct stat about;
	int fd, cause = 0;

	if (!stat(path, &about)) {
		/* /dev/null, say, is not to be replaced */
		if (!S_ISREG(about.st_mode))
			return err_set(reterr, ERR_FAILED, 0, path, "not a file");
		mode = about.st_mode & 0777;
	}
	(void)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail(path, errno, reterr);
	if (!write_all(fd, text) || fchmod(fd, mode) || fsync(fd))
		cause = errno;
	if (close(fd) && !cause)
		cause = errno;
	if (!cause && rename(temporary, path))
		cause = errno;
	if (cause) {
		(void)unlink(temporary);
		return fail(path, cause, reterr);
	}
	sync_directory(path);
	return true;
}

/* The text that is there now, which may have been edited meanwhile; "" when there is none. */
static bool present_text(const char *path, char **ret, size_t *ret_len, struct err *reterr)
{
	if (text_file_read(path, ret, ret_len, reterr))
		return true;
	if (reterr->os_errno != ENOENT)
		return false;
	*ret = calloc(1, 1);
	*ret_len = 0;
	return *ret != NULL || fail(path, ENOMEM, reterr);
}

/* A link, as those who keep their settings in a repository have, stays one: its file is replaced. */
static bool real_path(const struct config_file *file, char to[PATH_ROOM])
{
	char *real = realpath(file->path, NULL);
	bool fits = snprintf(to, PATH_ROOM, "%s", real ? real : file->path) < PATH_ROOM;

	free(real);
	return fits;
}

/* What was changed here is from the file now, at the line where it stands there. */
static void settle(struct config *config, const char *text)
{
	struct config file = { 0 };
	struct file_problems problems;

	config_parse(text, strlen(text), &file, &problems);
	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		if (config->at[id].origin != CONFIG_FROM_HERE)
			continue;
		config->at[id].origin = file.at[id].origin;
		config->at[id].line = file.at[id].line;
	}
}

static bool save_to(const char *path, struct config *config, struct err *reterr)
{
	char *old, *text;
	size_t len;
	bool ok;

	if (!present_text(path, &old, &len, reterr))
		return false;
	text = config_rewrite(old, len, config);
	ok = text && replace(path, text, reterr);
	if (!text)
		fail(path, ENOMEM, reterr);
	if (ok)
		settle(config, text);
	free(text);
	free(old);
	return ok;
}

bool config_file_save(struct config_file *file, struct config *config, struct err *reterr)
{
	char path[PATH_ROOM];

	if (!file->path[0])
		return err_set(reterr, ERR_FAILED, 0, "settings",
		               "neither HOME nor XDG_CONFIG_HOME says where they could be kept");
	if (!real_path(file, path))
		return fail(file->path, ENAMETOOLONG, reterr);
	if (!file->is_explicit && (!check_owner(path, reterr) || !make_directories(path, reterr)))
		return false;
	return save_to(path, config, reterr);
}
