/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that has just begun, with address randomisation off: a small position-independent
 * program that needs libc alone. Sizes are those of a Debian libc; nothing depends on them but where
 * the first mapping lands.
 */
#include <string.h>

#include "model/linux/lx_mm.h"

#define PROGRAM "/usr/bin/program"
#define LIBC    "/usr/lib/libc.so.6"
#define LOADER  "/usr/lib/ld.so"

enum { R = VMA_READ, RW = VMA_READ | VMA_WRITE, RX = VMA_READ | VMA_EXEC };

static const struct {
	uint64_t start, end, offset;
	const char *name;
	uint32_t inode;
	uint8_t prot, kind;
	bool is_written;
} fresh[] = {
	{ 0x555555554000, 0x555555555000, 0x0, PROGRAM, 1, R, VMA_FILE, false },
	{ 0x555555555000, 0x555555556000, 0x1000, PROGRAM, 1, RX, VMA_FILE, false },
	{ 0x555555556000, 0x555555557000, 0x2000, PROGRAM, 1, R, VMA_FILE, false },
	{ 0x555555557000, 0x555555558000, 0x2000, PROGRAM, 1, R, VMA_FILE, true },
	{ 0x555555558000, 0x555555559000, 0x3000, PROGRAM, 1, RW, VMA_FILE, true },
	{ 0x7ffff7dd9000, 0x7ffff7ddc000, 0x0, "", 0, RW, VMA_ANON, true },
	{ 0x7ffff7ddc000, 0x7ffff7e02000, 0x0, LIBC, 2, R, VMA_FILE, false },
	{ 0x7ffff7e02000, 0x7ffff7f58000, 0x26000, LIBC, 2, RX, VMA_FILE, false },
	{ 0x7ffff7f58000, 0x7ffff7fab000, 0x17c000, LIBC, 2, R, VMA_FILE, false },
	{ 0x7ffff7fab000, 0x7ffff7faf000, 0x1cf000, LIBC, 2, R, VMA_FILE, true },
	{ 0x7ffff7faf000, 0x7ffff7fb1000, 0x1d3000, LIBC, 2, RW, VMA_FILE, true },
	{ 0x7ffff7fb1000, 0x7ffff7fbe000, 0x0, "", 0, RW, VMA_BSS, true },
	{ 0x7ffff7fc2000, 0x7ffff7fc4000, 0x0, "", 0, RW, VMA_ANON, true },
	{ 0x7ffff7fc4000, 0x7ffff7fc8000, 0x0, "[vvar]", 0, R, VMA_KERNEL, false },
	{ 0x7ffff7fc8000, 0x7ffff7fca000, 0x0, "[vdso]", 0, RX, VMA_KERNEL, false },
	{ 0x7ffff7fca000, 0x7ffff7fcb000, 0x0, LOADER, 3, R, VMA_FILE, false },
	{ 0x7ffff7fcb000, 0x7ffff7ff1000, 0x1000, LOADER, 3, RX, VMA_FILE, false },
	{ 0x7ffff7ff1000, 0x7ffff7ffb000, 0x27000, LOADER, 3, R, VMA_FILE, false },
	{ 0x7ffff7ffb000, 0x7ffff7ffd000, 0x31000, LOADER, 3, R, VMA_FILE, true },
	{ 0x7ffff7ffd000, 0x7ffff7fff000, 0x33000, LOADER, 3, RW, VMA_FILE, true },
	{ 0x7ffffffde000, 0x7ffffffff000, 0x0, "[stack]", 0, RW, VMA_STACK, true },
};

enum { FRESH_COUNT = sizeof(fresh) / sizeof(fresh[0]), FRESH_NAMES = 1024 };

bool lx_fresh_vmas(struct region *region, struct vma_set *ret, uint64_t *ret_brk_start)
{
	char *names = region_alloc(region, FRESH_NAMES);
	size_t len = 0;

	ret->at = region_alloc(region, FRESH_COUNT * sizeof(*ret->at));
	if (!names || !ret->at)
		return false;
	for (size_t i = 0; i < FRESH_COUNT; i++) {
		struct vma *v = &ret->at[i];
		size_t name_len = strlen(fresh[i].name);

		*v = (struct vma){
			.start = fresh[i].start,
			.end = fresh[i].end,
			.offset = fresh[i].offset,
			.inode = fresh[i].inode,
			.dev_major = fresh[i].inode ? 254 : 0,
			.prot = fresh[i].prot,
			.kind = fresh[i].kind,
			.owner = -1,
			.has_residency = true,
			.rss = fresh[i].is_written ? 4096 : 0,
			.charge = fresh[i].prot & VMA_WRITE ? VMA_CHARGE_GUESS_YES
			                                    : VMA_CHARGE_GUESS_NO,
			.name_at = (uint32_t)len,
			.name_len = (uint32_t)name_len,
		};
		if (len + name_len > FRESH_NAMES)
			return false;
		memcpy(names + len, fresh[i].name, name_len);
		len += name_len;
	}
	ret->count = FRESH_COUNT;
	ret->names = names;
	ret->names_len = len;
	*ret_brk_start = 0x555555559000;
	return true;
}
