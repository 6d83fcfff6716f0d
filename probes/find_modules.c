/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/find_modules.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "model/base/units.h"
#include "model/base/vec.h"

enum { PATH_ROOM = 160, HEAD_SIZE = 1024 };

/* --- listing ----------------------------------------------------------------------------------- */

static bool is_same_file(const struct vma *a, const struct vma *b)
{
	return a->inode == b->inode && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

/* How many VMAs from `i` on belong to one loading of one file; anonymous ones between don't end it. */
static size_t module_vmas(const struct vma_set *vmas, size_t i, bool *ret_is_code)
{
	const struct vma *first = &vmas->at[i];
	size_t last = i, mapped = 1;

	*ret_is_code = first->prot & VMA_EXEC;
	for (size_t k = i + 1; k < vmas->count; k++) {
		const struct vma *v = &vmas->at[k];

		if (!v->inode)
			continue;
		if (!is_same_file(first, v) || v->offset == 0)
			break;
		*ret_is_code |= (v->prot & VMA_EXEC) != 0;
		last = k;
		mapped++;
	}
	*ret_is_code |= mapped > 1;
	return last - i + 1;
}

static bool add_module(const struct vma_set *vmas, size_t i, size_t count, struct region *region,
                       struct module *ret)
{
	const struct vma *first = &vmas->at[i];
	const char *slash;
	char *path = region_text(region, vmas->names + first->name_at, first->name_len);

	if (!path)
		return false;
	slash = strrchr(path, '/');
	*ret = (struct module){ .first = first,
		                .start = first->start,
		                .end = vmas->at[i + count - 1].end,
		                .path = path,
		                .name = slash ? slash + 1 : path };
	return true;
}

bool modules_list(const struct vma_set *vmas, struct region *region, struct modules *ret)
{
	VEC(struct module) list = { 0 };
	size_t step;

	for (size_t i = 0; i < vmas->count && list.count < MODULES_MAX; i += step) {
		const struct vma *v = &vmas->at[i];
		struct module *module;
		bool is_code;

		step = 1;
		if (!v->inode || v->offset || !v->name_len || (v->prot & VMA_SHARED))
			continue;
		step = module_vmas(vmas, i, &is_code);
		if (!is_code)
			continue;
		module = VEC_ADD(region, &list);
		if (!module || !add_module(vmas, i, step, region, module))
			return false;
	}
	ret->at = list.at;
	ret->count = list.count;
	return true;
}

/* --- opening ----------------------------------------------------------------------------------- */

static int open_map_file(int32_t pid, const struct vma *v)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%jx-%jx", pid, (uintmax_t)v->start,
	         (uintmax_t)v->end);
	return open(path, O_PATH | O_CLOEXEC);
}

/* Opens `path` as the process sees it, symbolic links included, without leaving its root. */
static int open_in_root(int32_t pid, const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
		                      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	char root[40];
	int root_fd, fd;

	snprintf(root, sizeof(root), "/proc/%d/root", pid);
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	close(root_fd);
	return fd;
}

/* From an O_PATH descriptor, which is closed, to a readable one; regular files only. */
static int reopen_readable(int path_fd)
{
	char path[40];
	struct stat st;
	int fd = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	if (fstat(path_fd, &st) == 0 && S_ISREG(st.st_mode))
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	close(path_fd);
	return fd;
}

/* The start of the file as it is mapped equals the start of the file that was opened. */
static bool has_same_head(int fd, const struct vma *v, struct memory *mem)
{
	char ours[HEAD_SIZE], theirs[HEAD_SIZE];

	return pread(fd, ours, sizeof(ours), 0) == sizeof(ours) &&
	       mem_read_all(mem, v->start, theirs, sizeof(theirs)) &&
	       memcmp(ours, theirs, sizeof(ours)) == 0;
}

/*
 * Device and inode decide. On overlayfs and btrfs stat's device differs from that in maps; there the
 * inode and the file's head, which holds the build-id, have to agree with what is mapped.
 */
static bool is_mapped_file(int fd, const struct vma *v, struct memory *mem)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || (uint64_t)st.st_ino != v->inode)
		return false;
	if (major(st.st_dev) == v->dev_major && minor(st.st_dev) == v->dev_minor)
		return true;
	return has_same_head(fd, v, mem);
}

static int open_mapped(int32_t pid, const struct module *module, struct memory *mem,
                       const char **ret_why)
{
	int fd = open_map_file(pid, module->first);

	*ret_why = NULL;
	if (fd >= 0)
		return reopen_readable(fd);
	fd = open_in_root(pid, module->path);
	if (fd >= 0)
		fd = reopen_readable(fd);
	if (fd < 0) {
		*ret_why = "its file cannot be opened";
		return -1;
	}
	if (!is_mapped_file(fd, module->first, mem)) {
		close(fd);
		*ret_why = "its file was replaced since";
		return -1;
	}
	return fd;
}

/* Load bias and extent by the program headers; false when they contradict the mapping. */
static bool place_module(struct module *module)
{
	const struct elf_file *elf = module->elf;
	bool found = false;
	uint64_t end = 0;

	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *seg = &elf->segments[i];

		if (seg->type != PT_LOAD)
			continue;
		if (!found && seg->offset < 65536) {
			module->bias = module->start - (seg->vaddr - seg->offset);
			found = true;
		}
		end = max_u64(end, seg->vaddr + seg->memsz);
	}
	if (!found)
		return false;
	end = align_up(end + module->bias, 4096);
	/* A hostile file must not claim the whole address space. */
	if (end > module->start && end - module->start < ((uint64_t)1 << 40))
		module->end = max_u64(module->end, end);
	return true;
}

bool module_open(int32_t pid, struct memory *mem, struct module *module)
{
	int fd;

	if (module->elf)
		return true;
	fd = open_mapped(pid, module, mem, &module->why);
	if (fd < 0 || !elf_open(fd, &module->elf, &module->why))
		return false;
	if (!place_module(module)) {
		module->why = "no loadable segment";
		module_close(module);
		return false;
	}
	module->why = NULL;
	return true;
}

void module_close(struct module *module)
{
	elf_close(module->elf);
	module->elf = NULL;
}

/* --- debug files ------------------------------------------------------------------------------- */

struct elf_file *debug_file_open(int32_t pid, const char *build_id)
{
	char path[PATH_ROOM];
	struct elf_file *file;
	const char *why;

	if (strlen(build_id) < 4)
		return NULL;
	snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s.debug", build_id,
	         build_id + 2);
	for (int in_root = 0; in_root < 2; in_root++) {
		int fd = in_root ? open_in_root(pid, path) : open(path, O_PATH | O_CLOEXEC);

		if (fd >= 0)
			fd = reopen_readable(fd);
		if (fd < 0 || !elf_open(fd, &file, &why))
			continue;
		if (strcmp(file->build_id, build_id) == 0)
			return file;
		elf_close(file);
	}
	return NULL;
}
