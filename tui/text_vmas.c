/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "tui/text_out.h"

static const char *charge_word(const struct vma *v)
{
	switch ((enum vma_charge)v->charge) {
	case VMA_CHARGE_YES:
		return "ac";
	case VMA_CHARGE_NO:
		return v->has_smaps && v->flags & VMA_FLAG_NR ? "nr" : "-";
	case VMA_CHARGE_GUESS_YES:
		return "ac?";
	case VMA_CHARGE_GUESS_NO:
		return "-?";
	case VMA_CHARGE_UNKNOWN:
		break;
	}
	return "?";
}

static char *kib(char buf[TEXT_NUMBER], bool is_known, uint64_t bytes)
{
	return text_count_fact(buf, is_known ? fact_of(bytes / 1024) : fact_unknown());
}

/* What malloc or the threads say of a VMA, where its name does not. */
static void owner(FILE *out, const struct vma *v)
{
	if (v->owner < 0)
		return;
	if ((v->kind == VMA_ARENA || v->kind == VMA_RESERVE) && v->owner_heap)
		(void)fprintf(out, "arena #%d heap %d ", v->owner, v->owner_heap);
	else if (v->kind == VMA_STACK || v->kind == VMA_GUARD)
		(void)fprintf(out, "tid %d ", v->owner);
}

static void vma_row(FILE *out, const struct vma_set *set, const struct vma *v)
{
	char size[TEXT_NUMBER], rss[TEXT_NUMBER], pss[TEXT_NUMBER], swap[TEXT_NUMBER];
	char dirty[TEXT_NUMBER], perms[5];

	(void)fprintf(out, "%012" PRIx64 "-%012" PRIx64 " %s %-3s %12s %11s %11s %9s %11s %-7s ",
	              v->start, v->end, vma_prot_text(perms, v->prot), charge_word(v),
	              kib(size, true, vma_size(v)), kib(rss, v->has_residency, v->rss),
	              kib(pss, v->has_smaps, v->pss), kib(swap, v->has_residency, v->swap),
	              kib(dirty, v->has_smaps, v->dirty), vma_kind_word((enum vma_kind)v->kind));
	owner(out, v);
	text_foreign(out, set->names + v->name_at, v->name_len);
	(void)fputc('\n', out);
}

void text_vmas(FILE *out, const struct report *report)
{
	const struct vma_set *set = snapshot_vmas(report->snap);

	text_heading(out, "VMAS", "sizes in KiB; ac charged to Committed_AS, nr not reserved");
	(void)fprintf(out, "%-25s %-4s %-3s %12s %11s %11s %9s %11s %-7s %s\n", "start-end", "perm",
	              "acc", "size", "rss", "pss", "swap", "dirty", "kind", "name");
	for (size_t i = 0; i < set->count; i++)
		vma_row(out, set, &set->at[i]);
}
