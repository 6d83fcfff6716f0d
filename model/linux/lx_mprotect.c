/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mprotect and madvise (Linux mm/mprotect.c, mm/madvise.c). */
#include "model/linux/lx_cow.h"
#include "model/linux/lx_vmas.h"

enum { PROT_SEM = 8, PROT_GROWSDOWN = 0x01000000, PROT_GROWSUP = 0x02000000 };

/* --- mprotect -------------------------------------------------------------------------------------- */

/* VM_MAYWRITE, as far as it can be seen from outside: what the kernel maps for itself but its code, and
 * shared files that are not writable now, are taken as opened for reading. */
static bool may_write(const struct lx_vma *vma)
{
	if (vma->flags & LX_VM_WRITE)
		return true;
	if (vma->flags & LX_VM_SPECIAL)
		return (vma->flags & LX_VM_WHOLE) && (vma->flags & LX_VM_EXEC);
	return !(vma->flags & LX_VM_SHARED) || (vma->flags & LX_VM_SHM);
}

/* RLIMIT_DATA, when only the new rights make it data. */
static bool exceeds_data_limit(const struct lx_mm *mm, uint32_t old, uint32_t flags, int64_t pages)
{
	return mm->rules->mprotect_limit_data && !lx_may_expand_vm(mm, flags, pages) &&
	       lx_may_expand_vm(mm, old, pages);
}

/* The charge of what becomes writable; its pages are in total_vm already. False: refused. */
static bool charge_writable(struct lx_mm *mm, uint32_t old, int64_t pages, uint32_t *flags)
{
	const uint32_t never =
	        LX_VM_ACCOUNT | LX_VM_WRITE | LX_VM_HUGETLB | LX_VM_SHARED | LX_VM_NORESERVE;

	if (old & never) {
		why(mm->sys.why, old & LX_VM_ACCOUNT ? WHY_PROTECT_CHARGED : WHY_PROTECT_FREE,
		    (uint64_t)pages);
		return true;
	}
	why(mm->sys.why, WHY_PROTECT_CHARGES, (uint64_t)pages);
	if (!lx_vm_enough_memory(mm, pages))
		return false;
	*flags |= LX_VM_ACCOUNT;
	return true;
}

/* What was never written to gives its charge back, since 6.7. */
static void uncharge_unwritable(struct lx_mm *mm, const struct lx_vma *vma, int64_t pages,
                                uint32_t *flags)
{
	if (!(vma->flags & LX_VM_ACCOUNT))
		return;
	if (!mm->rules->mprotect_uncharges || vma->anon || vma->file) {
		why(mm->sys.why, WHY_PROTECT_KEEPS, (uint64_t)pages);
		return;
	}
	why(mm->sys.why, WHY_PROTECT_GIVES_BACK, (uint64_t)pages);
	*flags &= ~(uint32_t)LX_VM_ACCOUNT;
}

static int mprotect_fixup(struct lx_mm *mm, size_t i, uint64_t start, uint64_t end, uint32_t access)
{
	const struct lx_vma *vma = lx_at(mm, i);
	int64_t pages = (int64_t)((end - start) / mm->page);
	uint32_t old = vma->flags, flags = (old & ~LX_ACCESS_FLAGS) | access;
	int err;

	if (flags == old) {
		why(mm->sys.why, WHY_PROTECT_SAME, start, end);
		return 0;
	}
	if (flags & LX_VM_WRITE) {
		if (exceeds_data_limit(mm, old, flags, pages) ||
		    !charge_writable(mm, old, pages, &flags))
			return -LX_ENOMEM;
	} else {
		uncharge_unwritable(mm, vma, pages, &flags);
	}
	err = lx_vma_modify_flags(mm, i, start, end, flags);
	if (err || mm->failed)
		return err;
	if (mm->image)
		image_flush(mm->image, start, end);
	/* What is locked gets its own pages at once when it becomes writable. */
	if ((old & (LX_VM_WRITE | LX_VM_SHARED | LX_VM_LOCKED)) == LX_VM_LOCKED &&
	    (flags & LX_VM_WRITE))
		lx_populate(mm, start, end);
	return 0;
}

static int protect_range(struct lx_mm *mm, uint64_t start, uint64_t end, uint32_t access)
{
	while (start < end) {
		size_t i = lx_find_vma(mm, start);
		uint64_t next;
		int err;

		if (i == lx_count(mm) || lx_at(mm, i)->start > start) {
			why(mm->sys.why, WHY_HOLE, start);
			return -LX_ENOMEM;
		}
		if ((access & LX_VM_WRITE) && !may_write(lx_at(mm, i))) {
			why(mm->sys.why, WHY_PROTECT_FORBIDDEN, start);
			return -LX_EACCES;
		}
		next = min_u64(lx_at(mm, i)->end, end);
		why_enter(mm->sys.why, FN_MPROTECT_FIXUP, start, next - start, access);
		err = mprotect_fixup(mm, i, start, next, access);
		why_leave(mm->sys.why, FN_MPROTECT_FIXUP);
		if (err)
			return err;
		start = next;
	}
	return 0;
}

int64_t lx_mprotect(struct sys *sys, uint64_t addr, uint64_t len, uint32_t prot)
{
	struct lx_mm *mm = (struct lx_mm *)sys;
	uint32_t grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	uint64_t size = align_up(len, mm->page);
	int err;

	prot &= ~(uint32_t)(PROT_GROWSDOWN | PROT_GROWSUP);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || !is_aligned(addr, mm->page))
		return -LX_EINVAL;
	if (!len)
		return 0;
	if (addr + size <= addr)
		return -LX_ENOMEM;
	if (prot & ~(uint32_t)(LX_ACCESS_FLAGS | PROT_SEM))
		return -LX_EINVAL;
	err = protect_range(mm, addr, addr + size, lx_calc_vm_prot_bits(prot));
	return mm->failed ? -LX_ENOMEM : err;
}

/* --- madvise --------------------------------------------------------------------------------------- */

enum {
	MADV_DONTDUMP = 16,
	MADV_DODUMP = 17,
	GUARDS_MAX = 1 << 22, /* pages at once: more are heaptop's own shortage of memory */
};

struct flag_advice {
	uint32_t advice, set, clear;
};

static const struct flag_advice flag_advices[] = {
	{ SYS_MADV_DONTFORK, LX_VM_DONTCOPY, 0 },
	{ SYS_MADV_DOFORK, 0, LX_VM_DONTCOPY },
	{ SYS_MADV_MERGEABLE, LX_VM_MERGEABLE, 0 },
	{ SYS_MADV_UNMERGEABLE, 0, LX_VM_MERGEABLE },
	{ SYS_MADV_HUGEPAGE, LX_VM_HUGEPAGE, LX_VM_NOHUGEPAGE },
	{ SYS_MADV_NOHUGEPAGE, LX_VM_NOHUGEPAGE, LX_VM_HUGEPAGE },
	{ MADV_DONTDUMP, LX_VM_DONTDUMP, 0 },
	{ MADV_DODUMP, 0, LX_VM_DONTDUMP },
};

static const struct flag_advice *find_flag_advice(uint32_t advice)
{
	for (size_t i = 0; i < sizeof(flag_advices) / sizeof(flag_advices[0]); i++)
		if (flag_advices[i].advice == advice)
			return &flag_advices[i];
	return NULL;
}

/* madvise_behavior_valid(); of those that only concern reclaim or reading ahead (0 to 3) nothing is
 * kept. */
static bool is_known(const struct lx_mm *mm, uint32_t advice)
{
	if (advice == SYS_MADV_FREE)
		return mm->rules->madv_free;
	if (advice == SYS_MADV_GUARD_INSTALL || advice == SYS_MADV_GUARD_REMOVE)
		return mm->rules->madv_guard;
	return advice <= SYS_MADV_DONTNEED || find_flag_advice(advice);
}

static int change_flags(struct lx_mm *mm, size_t i, uint64_t start, uint64_t end,
                        const struct flag_advice *advice)
{
	uint32_t flags = lx_at(mm, i)->flags;
	uint32_t changed = (flags | advice->set) & ~advice->clear;
	int err;

	if ((advice->advice == SYS_MADV_DOFORK && (flags & LX_VM_PFNMAP)) ||
	    (advice->advice == MADV_DODUMP && (flags & LX_VM_SPECIAL)))
		return -LX_EINVAL;
	/* KSM leaves alone what it can't merge, without an error. */
	if (advice->advice == SYS_MADV_MERGEABLE && (flags & (LX_VM_SPECIAL | LX_VM_SHARED)))
		return 0;
	if (changed == flags)
		return 0;
	err = lx_vma_modify_flags(mm, i, start, end, changed);
	/* madvise() says EAGAIN for want of memory; since 5.17 also when there may be no more VMAs. */
	return err == -LX_ENOMEM && mm->rules->madvise_says_again ? -LX_EAGAIN : err;
}

/* can_madv_lru_vma() */
static bool may_drop(const struct lx_vma *vma)
{
	return !(vma->flags & (LX_VM_LOCKED | LX_VM_PFNMAP));
}

/* Pages are given up; what is written next faults anew. */
static int drop_pages(struct lx_mm *mm, size_t i, uint64_t start, uint64_t end)
{
	const struct lx_vma *vma = lx_at(mm, i);

	if (!may_drop(vma))
		return -LX_EINVAL;
	if (mm->image && !(vma->flags & LX_VM_SHARED)) {
		lx_cow_dropped(mm, start, end);
		image_zap(mm->image, start, end);
	}
	return 0;
}

/* is_valid_guard_vma(): to 6.14 private anonymous memory that may be written only. */
static bool may_be_guarded(const struct lx_mm *mm, const struct lx_vma *vma, bool is_install)
{
	if (vma->flags & (LX_VM_SPECIAL | LX_VM_HUGETLB | (is_install ? LX_VM_LOCKED : 0)))
		return false;
	return mm->rules->madv_guard_files || !vma->file;
}

/*
 * Linux mm/madvise.c:madvise_guard_install. Guards are page table entries: they replace what was there and
 * change no VMA, which gets an anon_vma so that fork copies them.
 */
static int guard(struct lx_mm *mm, size_t i, uint64_t start, uint64_t end, bool is_install)
{
	if (!may_be_guarded(mm, lx_at(mm, i), is_install))
		return -LX_EINVAL;
	if (is_install)
		lx_anon_vma_prepare(mm, i);
	if (!mm->image || mm->failed)
		return 0;
	if (!is_install) {
		image_unguard(mm->image, start, end);
		return 0;
	}
	if ((end - start) / IMAGE_PAGE > GUARDS_MAX) {
		lx_fail(mm);
		return 0;
	}
	lx_cow_dropped(mm, start, end);
	image_guard(mm->image, start, end);
	return 0;
}

static int advise_vma(struct lx_mm *mm, size_t i, uint64_t start, uint64_t end, uint32_t advice)
{
	const struct flag_advice *flags = find_flag_advice(advice);

	if (flags)
		return change_flags(mm, i, start, end, flags);
	switch (advice) {
	case SYS_MADV_DONTNEED:
		return drop_pages(mm, i, start, end);
	case SYS_MADV_FREE: /* until memory is short all stays as it is */
		return lx_at(mm, i)->file || !may_drop(lx_at(mm, i)) ? -LX_EINVAL : 0;
	case SYS_MADV_GUARD_INSTALL:
	case SYS_MADV_GUARD_REMOVE:
		return guard(mm, i, start, end, advice == SYS_MADV_GUARD_INSTALL);
	default:
		return 0;
	}
}

/* Holes are passed over and reported at the end. */
static int walk_vmas(struct lx_mm *mm, uint64_t start, uint64_t end, uint32_t advice)
{
	int result = 0;

	while (start < end) {
		size_t i = lx_find_vma(mm, start);
		uint64_t next;
		int err;

		if (i == lx_count(mm) || lx_at(mm, i)->start > start)
			result = -LX_ENOMEM;
		if (i == lx_count(mm) || lx_at(mm, i)->start >= end)
			return result;
		start = max_u64(start, lx_at(mm, i)->start);
		next = min_u64(lx_at(mm, i)->end, end);
		err = advise_vma(mm, i, start, next, advice);
		if (err)
			return err;
		start = next;
	}
	return result;
}

int64_t lx_madvise(struct sys *sys, uint64_t addr, uint64_t len, uint32_t advice)
{
	struct lx_mm *mm = (struct lx_mm *)sys;
	uint64_t size = align_up(len, mm->page);
	int err;

	if (!is_known(mm, advice) || !is_aligned(addr, mm->page) || (len && !size) ||
	    addr + size < addr)
		return -LX_EINVAL;
	err = walk_vmas(mm, addr, addr + size, advice);
	return mm->failed ? -LX_ENOMEM : err;
}
