/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "tui/json_out.h"

/* smaps' two-letter words, in the order of enum vma_flag's bits. */
static json_t *flags_json(const struct vma *v)
{
	static const char *const words[] = { "ac", "nr", "gd", "lo", "ht", "hg", "nh", "dc",
		                             "dd", "mg", "pf", "io", "um", "uw", "sd" };
	json_t *flags;

	if (!v->has_smaps)
		return json_null();
	flags = json_array();
	for (size_t i = 0; flags && i < sizeof(words) / sizeof(words[0]); i++)
		if (v->flags & (1u << i))
			(void)json_array_append_new(flags, json_string(words[i]));
	return flags;
}

/* Bytes of Committed_AS that this VMA accounts for. */
static json_t *charged_json(const struct vma *v)
{
	switch ((enum vma_charge)v->charge) {
	case VMA_CHARGE_UNKNOWN:
		return json_null();
	case VMA_CHARGE_NO:
	case VMA_CHARGE_GUESS_NO:
		return json_integer(0);
	case VMA_CHARGE_YES:
	case VMA_CHARGE_GUESS_YES:
		return json_number(vma_size(v));
	}
	return json_null();
}

static json_t *known(bool is_known, uint64_t value)
{
	return is_known ? json_number(value) : json_null();
}

static json_t *vma_json(const struct vma_set *set, const struct vma *v)
{
	char perms[5];
	bool is_guess = v->charge == VMA_CHARGE_GUESS_NO || v->charge == VMA_CHARGE_GUESS_YES;
	json_t *json = json_pack(
	        "{s:o s:o s:s s:o s:o s:o s:o s:o s:o s:o s:o s:b}", "start", json_addr(v->start),
	        "end", json_addr(v->end), "perms", vma_prot_text(perms, v->prot), "name",
	        json_text(set->names + v->name_at, v->name_len), "flags", flags_json(v), "size",
	        json_number(vma_size(v)), "rss", known(v->has_residency, v->rss), "pss",
	        known(v->has_smaps, v->pss), "swap", known(v->has_residency, v->swap), "anonymous",
	        known(v->has_smaps, v->anonymous), "charged", charged_json(v), "charge_is_estimate",
	        is_guess);

	json_add(&json, "dirty", known(v->has_smaps, v->dirty));
	json_add(&json, "kind", json_string(vma_kind_word((enum vma_kind)v->kind)));
	json_add(&json, "owner", v->owner >= 0 ? json_integer(v->owner) : json_null());
	json_add(&json, "owner_heap",
	         v->owner_heap > 0 ? json_integer(v->owner_heap) : json_null());
	json_add(&json, "offset", json_number(v->offset));
	json_add(&json, "inode", json_number(v->inode));
	return json;
}

/*
 * No file of /proc tells the program break itself; the kernel calls the mapping that ends there, page
 * aligned, [heap] (Linux fs/proc/task_mmu.c:show_map_vma).
 */
static json_t *brk_json(const struct process_facts *process, const struct vma_set *set)
{
	const struct vma *heap = NULL;

	if (process && fact_known(process->brk_end))
		return json_addr(process->brk_end.v);
	for (size_t i = 0; set && i < set->count; i++)
		if (vma_is_named(set, &set->at[i], "[heap]"))
			heap = &set->at[i];
	if (heap)
		return json_addr(heap->end);
	return process && set ? json_fact_addr(process->brk_start) : json_null();
}

void json_out_vmas(struct json_stream *out, const struct report *report)
{
	const struct process_facts *process = snapshot_process(report->snap);
	const struct vma_set *set = snapshot_vmas(report->snap);

	json_stream_put(out, "brk", brk_json(process, set));
	json_stream_put(out, "brk_start",
	                process ? json_fact_addr(process->brk_start) : json_null());
	if (!set) {
		json_stream_put(out, "vmas", json_null());
		return;
	}
	json_stream_open(out, "vmas", '[');
	for (size_t i = 0; i < set->count; i++)
		json_stream_put(out, NULL, vma_json(set, &set->at[i]));
	json_stream_close(out, ']');
}
