/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/mem_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "model/base/units.h"

/* Some file systems show stat(2) another device number than the kernel's list of mappings. */
static bool has_own_devices(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_type == (__fsword_t)BTRFS_SUPER_MAGIC ||
	                                 fs.f_type == (__fsword_t)OVERLAYFS_SUPER_MAGIC);
}

static bool is_file_of(int fd, const struct vma *v)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_ino != v->inode)
		return false;
	return (major(st.st_dev) == v->dev_major && minor(st.st_dev) == v->dev_minor) ||
	       has_own_devices(fd);
}

/*
 * The path is the target's choice: nothing is opened for reading (a FIFO would block, a device
 * would act) before it is known to be the regular file that is mapped. Closes `path_fd`.
 */
static int open_checked(int path_fd, const struct vma *v)
{
	char self[48];
	int fd = -1;

	if (path_fd < 0)
		return -1;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	if (is_file_of(path_fd, v))
		fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	close(path_fd);
	return fd;
}

/* By the mapping itself: right even when the file was deleted or replaced, but mostly root's. */
static int open_map_file(const struct proc *proc, const struct vma *v)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "map_files/%llx-%llx", (unsigned long long)v->start,
	               (unsigned long long)v->end);
	return open_checked(openat(proc->dir_fd, name, O_PATH | O_CLOEXEC), v);
}

/* By its path, as seen from the target's root (containers). */
static int open_by_path(const struct proc *proc, const struct vma_set *set, const struct vma *v)
{
	char path[4096 + 8];
	int len;

	if (v->name_len == 0 || v->name_len >= 4096 || set->names[v->name_at] != '/')
		return -1;
	len = snprintf(path, sizeof(path), "root%.*s", (int)v->name_len, set->names + v->name_at);
	if (len < 0 || (size_t)len != v->name_len + 4)
		return -1;
	return open_checked(openat(proc->dir_fd, path, O_PATH | O_CLOEXEC | O_NOFOLLOW), v);
}

static bool is_kept(const struct mem_file *file, const struct vma *v)
{
	return file->used && file->inode == v->inode && file->dev_major == v->dev_major &&
	       file->dev_minor == v->dev_minor;
}

static struct mem_file *find_file(struct mem_files *files, const struct vma_set *set,
                                  const struct vma *v)
{
	struct mem_file *oldest = &files->kept[0];

	for (size_t i = 0; i < MEM_FILES_KEPT; i++) {
		struct mem_file *file = &files->kept[i];

		if (is_kept(file, v)) {
			file->used = ++files->uses;
			return file;
		}
		if (file->used < oldest->used)
			oldest = file;
	}
	if (oldest->used && oldest->fd >= 0)
		close(oldest->fd);
	*oldest = (struct mem_file){ .inode = v->inode,
		                     .dev_major = v->dev_major,
		                     .dev_minor = v->dev_minor,
		                     .fd = open_map_file(files->proc, v),
		                     .used = ++files->uses };
	if (oldest->fd < 0)
		oldest->fd = open_by_path(files->proc, set, v);
	return oldest;
}

void mem_files_close(struct mem_files *files)
{
	for (size_t i = 0; i < MEM_FILES_KEPT; i++) {
		if (files->kept[i].used && files->kept[i].fd >= 0)
			close(files->kept[i].fd);
	}
	*files = (struct mem_files){ .proc = files->proc };
}

size_t mem_file_read(struct mem_files *files, const struct vma_set *set, const struct vma *v,
                     uint64_t addr, void *buf, size_t len)
{
	const struct mem_file *file = find_file(files, set, v);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	size_t done = 0, end_of_page;
	uint64_t at;

	if (file->fd < 0 || __builtin_add_overflow(v->offset, addr - v->start, &at) ||
	    at > INT64_MAX - len)
		return 0;
	while (done < len) {
		ssize_t got = pread(file->fd, (char *)buf + done, len - done, (off_t)(at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return done;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	/* The rest of the file's last page reads as zero; behind it there is only SIGBUS. */
	end_of_page = (size_t)(align_up(at + done, page) - at);
	if (done < len && end_of_page > done) {
		size_t zeroes = (size_t)min_u64(end_of_page, len) - done;

		memset((char *)buf + done, 0, zeroes);
		done += zeroes;
	}
	return done;
}
