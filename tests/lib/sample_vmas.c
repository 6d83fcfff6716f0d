/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/sample_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"

#define RX   (VMA_READ | VMA_EXEC)
#define RO   (VMA_READ)
#define RW   (VMA_READ | VMA_WRITE)
#define NONE 0

/* clang-format off */
static const struct sample_vma {
	uint64_t start;
	uint32_t kib, rss_kib, dirty_kib;
	uint8_t prot, kind;
	int8_t charge; /* 1: charged, 0: not, -1: not, MAP_NORESERVE */
	int32_t owner;
	uint8_t owner_heap;
	const char *name;
} table[] = {
	{ 0x55d0bfe00000,    304,    304,      0, RX, VMA_FILE, 0, -1, 0, "/usr/sbin/ledgerd" },
	{ 0x55d0c004b000,     24,     24,     24, RW, VMA_FILE, 1, -1, 0, "/usr/sbin/ledgerd" },
	{ 0x55d0c1a3e000, 135168, 129240, 129240, RW, VMA_HEAP, 1, 0, 1, "[heap]" },
	{ 0x7f2a1c000000,    132,     20,     20, RW, VMA_ARENA, -1, 4, 1, "" },
	{ 0x7f2a1c021000,  65404,      0,      0, NONE, VMA_RESERVE, -1, 4, 1, "" },
	{ 0x7f2a24000000,   8448,   2404,   2404, RW, VMA_ARENA, -1, 3, 1, "" },
	{ 0x7f2a24840000,  57088,      0,      0, NONE, VMA_RESERVE, -1, 3, 1, "" },
	{ 0x7f2a2c000000,  22016,  19884,  19884, RW, VMA_ARENA, -1, 2, 1, "" },
	{ 0x7f2a2d580000,  43520,      0,      0, NONE, VMA_RESERVE, -1, 2, 1, "" },
	{ 0x7f2a34000000,  39168,  38564,  38564, RW, VMA_ARENA, -1, 1, 1, "" },
	{ 0x7f2a36640000,  26368,      0,      0, NONE, VMA_RESERVE, -1, 1, 1, "" },
	{ 0x7f2a3a1fe000,      4,      0,      0, NONE, VMA_GUARD, 0, 48229, 0, "" },
	{ 0x7f2a3a1ff000,   8192,     88,     88, RW, VMA_STACK, 1, 48229, 0, "" },
	{ 0x7f2a3a9ff000,      4,      0,      0, NONE, VMA_GUARD, 0, 48224, 0, "" },
	{ 0x7f2a3aa00000,   8192,    104,    104, RW, VMA_STACK, 1, 48224, 0, "" },
	{ 0x7f2a3b200000,      4,      0,      0, NONE, VMA_GUARD, 0, 48221, 0, "" },
	{ 0x7f2a3b201000,   8192,     96,     96, RW, VMA_STACK, 1, 48221, 0, "" },
	{ 0x7f2a3ba01000,      4,      0,      0, NONE, VMA_GUARD, 0, 48220, 0, "" },
	{ 0x7f2a3ba02000,   8192,     96,     96, RW, VMA_STACK, 1, 48220, 0, "" },
	{ 0x7f2a3c202000,      4,      0,      0, NONE, VMA_GUARD, 0, 48219, 0, "" },
	{ 0x7f2a3c203000,   8192,    112,    112, RW, VMA_STACK, 1, 48219, 0, "" },
	{ 0x7f2a3ca03000,      4,      0,      0, NONE, VMA_GUARD, 0, 48217, 0, "" },
	{ 0x7f2a3ca04000,   8192,     92,     92, RW, VMA_STACK, 1, 48217, 0, "" },
	{ 0x7f2a3d204000,      4,      0,      0, NONE, VMA_GUARD, 0, 48215, 0, "" },
	{ 0x7f2a3d205000,   8192,    136,    136, RW, VMA_STACK, 1, 48215, 0, "" },
	{ 0x7f2a3da05000,      4,      0,      0, NONE, VMA_GUARD, 0, 48214, 0, "" },
	{ 0x7f2a3da06000,   8192,     92,     92, RW, VMA_STACK, 1, 48214, 0, "" },
	{ 0x7f2a3e300000,  24576,  22528,  22528, RW, VMA_ANON, 1, -1, 0, "" },
	{ 0x7f2a40000000,  65540,  65540,  65540, RW, VMA_MMAPPED, 1, -1, 0, "" },
	{ 0x7f2a44100000,   8196,   7424,   7424, RW, VMA_MMAPPED, 1, -1, 0, "" },
	{ 0x7f2a44902000,   8196,   7424,   7424, RW, VMA_MMAPPED, 1, -1, 0, "" },
	{ 0x7f2a45104000,   8196,   6912,   6912, RW, VMA_MMAPPED, 1, -1, 0, "" },
	{ 0x7f2a45906000,   8196,   6912,   6912, RW, VMA_MMAPPED, 1, -1, 0, "" },
	{ 0x7f2a46108000,   8196,   6912,   6912, RW, VMA_MMAPPED, 1, -1, 0, "" },
	{ 0x7f2a46a00000,  24580,  23012,  23012, RW, VMA_MMAPPED, 1, -1, 0, "" },
	{ 0x7f2a49000000,  24576,   6800,   6800, RW | VMA_SHARED, VMA_SHM, 0, -1, 0, "/dev/shm/ledger-ring" },
	{ 0x7f2a4a900000,   8196,   6144,   6144, RW, VMA_MMAPPED, 1, -1, 0, "" },
	{ 0x7f2a4b102000,   8196,   6144,   6144, RW, VMA_MMAPPED, 1, -1, 0, "" },
	{ 0x7f2a4b904000,   8196,   6144,   6144, RW, VMA_MMAPPED, 1, -1, 0, "" },
	{ 0x7f2a4c822000,    152,    152,      0, RO, VMA_FILE, 0, -1, 0, "/usr/lib/x86_64-linux-gnu/libc.so.6" },
	{ 0x7f2a4c848000,   1364,   1180,      0, RX, VMA_FILE, 0, -1, 0, "/usr/lib/x86_64-linux-gnu/libc.so.6" },
	{ 0x7f2a4c99d000,    332,    116,      0, RO, VMA_FILE, 0, -1, 0, "/usr/lib/x86_64-linux-gnu/libc.so.6" },
	{ 0x7f2a4c9f0000,     16,     16,     16, RO, VMA_FILE, 1, -1, 0, "/usr/lib/x86_64-linux-gnu/libc.so.6" },
	{ 0x7f2a4c9f4000,     16,     16,     16, RW, VMA_FILE, 1, -1, 0, "/usr/lib/x86_64-linux-gnu/libc.so.6" },
	{ 0x7f2a4c9f8000,     52,     28,     28, RW, VMA_BSS, 1, -1, 0, "" },
	{ 0x7f2a4d000000,  12572,   9384,   9384, RW, VMA_MMAPPED, 1, -1, 0, "" },
	{ 0x7f2a4e000000,  55296,  25600,      0, RO, VMA_FILE, 0, -1, 0, "/var/lib/ledgerd/index.db" },
	{ 0x7f2a51800000,   3000,   2464,      0, RO, VMA_FILE, 0, -1, 0, "/usr/lib/locale/locale-archive" },
	{ 0x7f2a52000000,  13620,  10240,  10240, RW, VMA_ANON, 1, -1, 0, "" },
	{ 0x7ffd2f1c4000,    136,     64,     64, RW, VMA_STACK, 1, SAMPLE_PID, 0, "[stack]" },
	{ 0x7ffd2f1ec000,     16,      0,      0, RO, VMA_KERNEL, 0, -1, 0, "[vvar]" },
	{ 0x7ffd2f1f0000,      8,      4,      0, RX, VMA_KERNEL, 0, -1, 0, "[vdso]" },
	{ 0xffffffffff600000,  4,      0,      0, VMA_EXEC, VMA_KERNEL, 0, -1, 0, "[vsyscall]" },
};
/* clang-format on */

static void fill(struct vma *v, const struct sample_vma *from)
{
	v->start = from->start;
	v->end = from->start + from->kib * KIB;
	v->prot = from->prot;
	v->kind = from->kind;
	v->charge = from->charge == 1 ? VMA_CHARGE_YES : VMA_CHARGE_NO;
	v->flags = from->charge == 1 ? VMA_FLAG_AC : from->charge == -1 ? VMA_FLAG_NR : 0;
	v->has_residency = v->has_smaps = true;
	v->owner = from->owner;
	v->owner_heap = from->owner_heap;
	v->rss = v->pss = from->rss_kib * KIB;
	v->anonymous = v->dirty = from->dirty_kib * KIB;
	v->inode = from->name[0] == '/' ? from->start >> 12 & 0xfffff : 0;
}

void sample_name(struct region *region, struct vma_set *set, struct vma *v, const char *name,
                 size_t len)
{
	char *names = region_grow(region, (void *)(uintptr_t)set->names, set->names_len,
	                          set->names_len + len + 1);

	assert_non_null(names);
	memcpy(names + set->names_len, name, len);
	set->names = names;
	v->name_at = (uint32_t)set->names_len;
	v->name_len = (uint32_t)len;
	set->names_len += len;
}

void sample_fill_vmas(struct part *part, struct process_facts *process)
{
	struct vma_set *set = &part->vmas;
	uint64_t virt = 0, rss = 0;

	set->count = sizeof(table) / sizeof(table[0]);
	set->at = region_alloc(part->region, set->count * sizeof(*set->at));
	assert_non_null(set->at);
	for (size_t i = 0; i < set->count; i++) {
		fill(&set->at[i], &table[i]);
		sample_name(part->region, set, &set->at[i], table[i].name, strlen(table[i].name));
		if (i + 1 < set->count) /* all but vsyscall */
			virt += vma_size(&set->at[i]);
		rss += set->at[i].rss;
	}
	process->vm_size = fact_of(virt);
	process->vm_rss = fact_of(rss);
}

void sample_many_vmas(struct sample *sample, size_t count)
{
	struct part *part = sample->snap->parts[PART_VMAS];
	struct vma_set *set = &part->vmas;

	set->at = region_alloc(part->region, count * sizeof(*set->at));
	assert_non_null(set->at);
	set->count = count;
	for (size_t i = 0; i < count; i++) {
		struct vma *v = &set->at[i];

		v->start = UINT64_C(0x7f0000000000) + i * 8 * KIB;
		v->end = v->start + 4 * KIB * (1 + i % 2);
		v->prot = i % 2 ? VMA_READ : VMA_READ | VMA_WRITE;
		v->kind = VMA_ANON;
		v->owner = -1;
		v->charge = VMA_CHARGE_GUESS_YES;
		v->has_residency = true;
		v->rss = i % 3 ? 4 * KIB : 0;
	}
}
