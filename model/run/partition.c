/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/run/partition.h"

enum space_row partition_row(enum vma_kind kind)
{
	switch (kind) {
	case VMA_HEAP:
	case VMA_ARENA:
		return SPACE_HEAP;
	case VMA_MMAPPED:
		return SPACE_MMAPPED;
	case VMA_FILE:
	case VMA_BSS:
	case VMA_KERNEL:
		return SPACE_FILE;
	case VMA_STACK:
		return SPACE_STACK;
	case VMA_SHM:
		return SPACE_SHM;
	case VMA_RESERVE:
	case VMA_GUARD:
		return SPACE_RESERVE;
	case VMA_ANON:
	case VMA_KIND_COUNT:
		break;
	}
	return SPACE_ANON;
}

/*
 * /proc/PID/maps ends with the gate "VMA" of x86-64's vsyscall page, in the kernel's half of the
 * address space; it is not in the process's mm and VmSize does not count it (Linux 6.1
 * arch/x86/entry/vsyscall/vsyscall_64.c:get_gate_vma).
 */
bool partition_is_outside(const struct vma *v)
{
	return v->kind == VMA_KERNEL && v->start >> 63;
}

static void add(struct space_sum *sum, const struct vma *v)
{
	sum->virt += vma_size(v);
	sum->vmas++;
	if (!v->has_residency)
		sum->rss = fact_unknown();
	else if (fact_known(sum->rss))
		sum->rss.v += v->rss;
}

void partition_sum(const struct vma_set *set, struct partition *ret)
{
	*ret = (struct partition){ .total.rss = fact_of(0) };
	for (size_t i = 0; i < SPACE_ROW_COUNT; i++)
		ret->rows[i].rss = fact_of(0);
	for (size_t i = 0; i < set->count; i++) {
		const struct vma *v = &set->at[i];

		if (partition_is_outside(v))
			continue;
		add(&ret->rows[partition_row(v->kind)], v);
		add(&ret->total, v);
	}
}
