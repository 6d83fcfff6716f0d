/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMAs: what a mapping is for, what it costs, and whether it would merge with its neighbours. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/base/units.h"
#include "tui/view_parts.h"
#include "tui/view_vmas.h"

static const char *const kind_texts[VMA_KIND_COUNT] = {
	[VMA_ANON] = "Private anonymous memory that malloc did not map.",
	[VMA_HEAP] = "The brk area: main_arena's heap. It grows and shrinks at its end only.",
	[VMA_ARENA] = "The writable part of a thread arena's heap. It grows by mprotect into the "
	              "reservation behind it.",
	[VMA_RESERVE] = "Addresses that are kept free: no memory, no charge. A heap in front of it "
	                "grows into it.",
	[VMA_MMAPPED] = "One or more mmapped chunks: large blocks that free() gives back to the "
	                "kernel at once.",
	[VMA_STACK] = "A thread's stack.",
	[VMA_GUARD] = "A guard: touching it is a segmentation fault, so that a stack can't run "
	              "into what lies below it.",
	[VMA_FILE] = "A private mapping of a file. Unchanged pages are the page cache's; a written "
	             "page becomes a copy of its own.",
	[VMA_BSS] = "Zero-initialised data of the program or library in front of it.",
	[VMA_SHM] = "A shared mapping: other processes may see the same pages.",
	[VMA_KERNEL] = "The kernel's own: calls and data that need no system call.",
};

/* [heap] and [stack] are told by place and are no names of the mapping's own. */
static bool has_own_name(const struct vma_set *set, const struct vma *v)
{
	return v->name_len && !vma_is_named(set, v, "[heap]") && !vma_is_named(set, v, "[stack]");
}

static bool are_names_equal(const struct vma_set *set, const struct vma *a, const struct vma *b)
{
	size_t left = has_own_name(set, a) ? a->name_len : 0;
	size_t right = has_own_name(set, b) ? b->name_len : 0;

	return left == right &&
	       (!left || memcmp(set->names + a->name_at, set->names + b->name_at, left) == 0);
}

/* Linux mm/vma.c:is_mergeable_vma, can_vma_merge_after, as far as maps and smaps tell. */
static void merge_words(const struct vma_set *set, const struct vma *a, const struct vma *b,
                        struct text *to)
{
	char gap[TEXT_NUMBER];

	if (a->end != b->start)
		text_addf(to, "no: a gap of %s lies between", text_bytes(gap, b->start - a->end));
	else if (a->prot != b->prot)
		text_add(to, "no: rights differ");
	else if (a->inode != b->inode || a->dev_major != b->dev_major ||
	         a->dev_minor != b->dev_minor)
		text_add(to, "no: another file, or none");
	else if (a->inode && b->offset != a->offset + vma_size(a))
		text_add(to, "no: not the next part of the file");
	else if (!are_names_equal(set, a, b))
		text_add(to, "no: names differ");
	else if (a->has_smaps && b->has_smaps && a->flags != b->flags)
		text_add(to, "no: flags differ (charge, madvise, locks)");
	else
		text_add(to, "nothing that is seen from outside forbids it: their anon_vma may");
}

static void add_neighbours(const struct vma_set *set, const struct vma *v, struct text *to)
{
	text_add(to, "\n\nWould it merge with the mapping before?  ");
	if (v == set->at)
		text_add(to, "There is none.");
	else
		merge_words(set, v - 1, v, to);
	text_add(to, "\nWith the mapping behind?  ");
	if (v + 1 == set->at + set->count)
		text_add(to, "There is none.");
	else
		merge_words(set, v, v + 1, to);
}

static const char *charge_text(const struct vma *v)
{
	switch ((enum vma_charge)v->charge) {
	case VMA_CHARGE_YES:
		return "It counts in Committed_AS at its full size (VM_ACCOUNT), touched or not.";
	case VMA_CHARGE_GUESS_YES:
		return "It probably counts in Committed_AS at its full size; r reads smaps, which "
		       "knows.";
	case VMA_CHARGE_NO:
		return v->flags & VMA_FLAG_NR ? "It does not count in Committed_AS: it was mapped "
		                                "with MAP_NORESERVE."
		                              : "It does not count in Committed_AS.";
	case VMA_CHARGE_GUESS_NO:
		return "It probably does not count in Committed_AS; r reads smaps, which knows.";
	case VMA_CHARGE_UNKNOWN:
	default:
		return "Whether it counts in Committed_AS is not known.";
	}
}

static void add_figure(struct text *to, const char *label, uint64_t bytes, bool is_known)
{
	char short_form[TEXT_NUMBER], exact[TEXT_NUMBER];

	if (is_known)
		text_addf(to, "\n  %-14s %12s   %s bytes", label, text_bytes(short_form, bytes),
		          text_count(exact, bytes));
	else
		text_addf(to, "\n  %-14s            ?", label);
}

void vmas_explain(const struct snapshot *snap, const struct vma *v, struct view_words *to)
{
	char start[TEXT_NUMBER], end[TEXT_NUMBER], words[VMA_WORDS], perms[8];

	vma_words(snap, v, words);
	text_addf(&to->title, "%s-%s %s", text_addr(start, v->start), text_addr(end, v->end),
	          vma_perms(perms, v));
	text_addf(&to->body, "%s\n\n%s\n%s\n", words,
	          v->kind < VMA_KIND_COUNT ? kind_texts[v->kind] : "", charge_text(v));
	add_figure(&to->body, "size", vma_size(v), true);
	add_figure(&to->body, "resident", v->rss, v->has_residency);
	add_figure(&to->body, "swapped", v->swap, v->has_residency);
	add_figure(&to->body, "pss", v->pss, v->has_smaps);
	add_figure(&to->body, "anonymous", v->anonymous, v->has_smaps);
	add_figure(&to->body, "dirty", v->dirty, v->has_smaps);
	add_neighbours(snapshot_vmas(snap), v, &to->body);
	text_add(&to->body,
	         "\n\nsource: /proc/PID/maps, pagemap and smaps; Linux mm/vma.c:is_mergeable_vma");
}
