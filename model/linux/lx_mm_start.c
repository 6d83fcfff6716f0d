/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what is known of a target to VMAs as the kernel has them. maps does not show all that decides
 * a merge; what is inferred says so here.
 */
#include <string.h>

#include "model/base/units.h"
#include "model/base/vec.h"
#include "model/linux/lx_vmas.h"

static const struct sys_ops lx_ops = {
	.brk = lx_brk,
	.mmap = lx_mmap,
	.munmap = lx_munmap,
	.mremap = lx_mremap,
	.mprotect = lx_mprotect,
	.madvise = lx_madvise,
};

/* --- names ------------------------------------------------------------------------------------------- */

/* Files and names seen so far; the same for a file and its name. */
struct object {
	const char *name;
	uint64_t inode;
	uint32_t dev_major, dev_minor;
};

struct builder {
	struct lx_mm *mm;
	const struct lx_mm_start *start;
	struct region *shared;
	VEC(const char *) names;
	VEC(struct object) objects; /* as many as names */
};

/* Only neighbours can merge, so an object is looked for among the latest. */
enum { LATEST_OBJECTS = 64 };

static uint32_t object_of(struct builder *b, const struct vma *v)
{
	const char *text = b->start->vmas->names + v->name_at;
	size_t oldest = b->objects.count > LATEST_OBJECTS ? b->objects.count - LATEST_OBJECTS : 0;
	struct object *o;
	const char **name;

	for (size_t i = b->objects.count; i-- > oldest;) {
		o = &b->objects.at[i];
		if (o->inode == v->inode && o->dev_major == v->dev_major &&
		    o->dev_minor == v->dev_minor && strlen(o->name) == v->name_len &&
		    memcmp(o->name, text, v->name_len) == 0)
			return (uint32_t)i;
	}
	o = VEC_ADD(b->mm->region, &b->objects);
	name = VEC_ADD(b->shared, &b->names);
	if (o && name)
		*name = region_text(b->shared, v->name_len ? text : "", v->name_len);
	if (!o || !name || !*name) {
		b->mm->failed = true;
		return 0;
	}
	*o = (struct object){ *name, v->inode, v->dev_major, v->dev_minor };
	return (uint32_t)(b->objects.count - 1);
}

/* --- flags ------------------------------------------------------------------------------------------- */

static const struct {
	uint32_t shown, flag;
} shown_flags[] = {
	{ VMA_FLAG_AC, LX_VM_ACCOUNT },
	{ VMA_FLAG_NR, LX_VM_NORESERVE },
	{ VMA_FLAG_GD, LX_VM_GROWSDOWN },
	{ VMA_FLAG_LO, LX_VM_LOCKED },
	{ VMA_FLAG_HT, LX_VM_HUGETLB },
	{ VMA_FLAG_HG, LX_VM_HUGEPAGE },
	{ VMA_FLAG_NH, LX_VM_NOHUGEPAGE },
	{ VMA_FLAG_DC, LX_VM_DONTCOPY },
	{ VMA_FLAG_DD, LX_VM_DONTDUMP },
	{ VMA_FLAG_MG, LX_VM_MERGEABLE },
	{ VMA_FLAG_PF, LX_VM_SPECIAL | LX_VM_PFNMAP },
	{ VMA_FLAG_IO, LX_VM_SPECIAL | LX_VM_PFNMAP },
	{ VMA_FLAG_UM, LX_VM_SPECIAL },
	{ VMA_FLAG_UW, LX_VM_SPECIAL },
};

static uint32_t flags_of_smaps(const struct vma *v)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < sizeof(shown_flags) / sizeof(shown_flags[0]); i++)
		if (v->flags & shown_flags[i].shown)
			flags |= shown_flags[i].flag;
	return flags;
}

/* A heap of a thread's arena: what is in use and the room above it began as one mapping. */
static bool is_arena_heap(const struct vma *v)
{
	return (v->kind == VMA_ARENA || v->kind == VMA_RESERVE) && v->owner >= 0 && v->owner_heap;
}

static bool is_same_heap(const struct vma *a, const struct vma *b)
{
	return is_arena_heap(a) && is_arena_heap(b) && a->owner == b->owner &&
	       a->owner_heap == b->owner_heap && a->end == b->start;
}

static bool is_charged(const struct vma *v)
{
	return v->charge == VMA_CHARGE_YES || v->charge == VMA_CHARGE_GUESS_YES;
}

/*
 * Without smaps: thread stacks are mapped MAP_STACK, guard and all; the room of an arena heap has
 * MAP_NORESERVE when the part in use is writable and still not charged.
 */
static uint32_t flags_without_smaps(const struct builder *b, const struct vma *v)
{
	const struct vma_set *set = b->start->vmas;
	const struct vma *used = v;
	uint32_t flags = is_charged(v) ? LX_VM_ACCOUNT : 0;
	bool is_stack =
	        (v->kind == VMA_STACK || v->kind == VMA_GUARD) && !vma_is_named(set, v, "[stack]");

	if (is_stack && b->mm->rules->map_stack_no_hugepage)
		flags |= LX_VM_NOHUGEPAGE;
	if (v > set->at && v->kind == VMA_RESERVE && is_same_heap(v - 1, v))
		used = v - 1;
	if (used->has_smaps)
		flags |= flags_of_smaps(used) & ~(uint32_t)LX_VM_ACCOUNT;
	else if (is_arena_heap(used) && (used->prot & VMA_WRITE) && !is_charged(used))
		flags |= LX_VM_NORESERVE;
	return flags;
}

static uint32_t flags_of(const struct builder *b, const struct vma *v)
{
	const struct vma_set *set = b->start->vmas;
	uint32_t flags = (v->prot & (VMA_READ | VMA_WRITE | VMA_EXEC));

	if (v->prot & VMA_SHARED)
		flags |= LX_VM_SHARED;
	flags |= v->has_smaps ? flags_of_smaps(v) : flags_without_smaps(b, v);
	if (vma_is_named(set, v, "[stack]"))
		flags |= LX_VM_GROWSDOWN;
	else if (vma_name_begins(set, v, "[") && !vma_is_named(set, v, "[heap]") &&
	         !vma_name_begins(set, v, "[anon") && !vma_name_begins(set, v, "[stack:"))
		flags |= LX_VM_SPECIAL;
	if (vma_is_named(set, v, "[vdso]"))
		flags |= LX_VM_WHOLE;
	if (vma_name_begins(set, v, "[vvar"))
		flags |= LX_VM_WHOLE | LX_VM_PFNMAP;
	return flags;
}

/* --- anon_vma ---------------------------------------------------------------------------------------- */

/*
 * Whether a VMA was ever written to is shown nowhere. Pages that are there prove it; without any it
 * is taken as never written; when residency was not read either, as written if it may be.
 */
static bool seems_written(const struct vma *v)
{
	if (v->prot & VMA_SHARED)
		return false;
	if (v->has_smaps)
		return v->anonymous || v->swap;
	if (v->has_residency && !v->inode)
		return v->rss || v->swap;
	return v->prot & VMA_WRITE;
}

/* Numbers of anon_vmas that a forked process has made itself; those below it has inherited. */
#define OWN_ANON ((uint32_t)1 << 31)

/* One mapping but for the rights, and for what is not seen. */
static bool continues(const struct lx_mm *mm, const struct lx_vma *prev, const struct lx_vma *vma)
{
	return prev->anon && prev->end == vma->start && prev->file == vma->file &&
	       prev->name == vma->name && ((prev->flags ^ vma->flags) & ~LX_ACCESS_FLAGS) == 0 &&
	       prev->pgoff + lx_pages(mm, prev) == vma->pgoff;
}

/*
 * Neighbours that differ in their rights only are taken as parts of one mapping, cut by mprotect: they
 * share an anon_vma and can become one VMA again. Those that are alike and still two have not the same
 * one; in a forked process then one of them is inherited, and what grew since is its own: the heap
 * upwards, mappings downwards.
 */
static void find_anon(struct builder *b, struct lx_vma *vma, bool is_heap)
{
	struct lx_mm *mm = b->mm;
	struct lx_vma *prev = lx_count(mm) ? lx_at(mm, lx_count(mm) - 1) : NULL;
	bool is_one = prev && continues(mm, prev, vma);

	if (is_one && prev->flags != vma->flags) {
		vma->anon = prev->anon;
		return;
	}
	if (is_one && b->start->is_forked && is_heap) {
		vma->anon = OWN_ANON + mm->next_anon++;
		return;
	}
	if (is_one && b->start->is_forked)
		prev->anon = OWN_ANON + mm->next_anon++;
	vma->anon = mm->next_anon++;
}

/* --- the list ---------------------------------------------------------------------------------------- */

/* [vsyscall] and its like are listed but are no VMAs of the process. */
static bool is_usable(const struct lx_mm *mm, const struct vma *v, uint64_t above)
{
	return v->start >= above && v->start < v->end && is_aligned(v->start, mm->page) &&
	       is_aligned(v->end, mm->page) && v->end <= (uint64_t)1 << 57;
}

static struct lx_vma convert(struct builder *b, const struct vma *v)
{
	const struct vma_set *set = b->start->vmas;
	struct lx_vma vma = { .start = v->start, .end = v->end, .flags = flags_of(b, v) };
	/* Names that the kernel makes up when it is asked decide nothing. */
	bool is_named = v->name_len && !vma_is_named(set, v, "[heap]") &&
	                !vma_name_begins(set, v, "[stack:");
	uint32_t object = is_named || v->inode ? object_of(b, v) : 0;

	if (is_named)
		vma.name = object;
	if (v->inode || (v->prot & VMA_SHARED) || (vma.flags & LX_VM_SPECIAL) ||
	    vma_name_begins(set, v, "/"))
		vma.file = object;
	if ((v->prot & VMA_SHARED) && !vma.file)
		vma.file = b->mm->next_file++;
	vma.pgoff = vma.file ? v->offset / b->mm->page : v->start / b->mm->page;
	return vma;
}

static void add_vmas(struct builder *b)
{
	struct lx_mm *mm = b->mm;
	uint64_t above = 0;

	for (size_t i = 0; i < b->start->vmas->count && !mm->failed; i++) {
		const struct vma *v = &b->start->vmas->at[i];
		struct lx_vma vma;

		if (!is_usable(mm, v, above))
			continue;
		vma = convert(b, v);
		if (seems_written(v))
			find_anon(b, &vma, vma_is_named(b->start->vmas, v, "[heap]"));
		lx_splice(mm, lx_count(mm), 0, &vma, 1);
		above = v->end;
	}
}

/* --- layout ------------------------------------------------------------------------------------------- */

/* TASK_SIZE: of 32-bit programs, of x86-64, or of aarch64 with 48 bits. */
static uint64_t find_task_size(const struct lx_mm *mm)
{
	uint64_t end = lx_count(mm) ? lx_at(mm, lx_count(mm) - 1)->end : 0;

	if (end <= UINT32_MAX && end)
		return 0xffffe000;
	if (end <= 0x7ffffffff000)
		return 0x7ffffffff000;
	return end <= (uint64_t)1 << 48 ? (uint64_t)1 << 48 : ((uint64_t)1 << 56) - mm->page;
}

/* Where the base lies at most: as much as arch_pick_mmap_layout() keeps free below a stack. */
#define STACK_GAP_LEAST   (128 * MIB)
#define STACK_RANDOM_MOST (UINT64_C(16) * GIB)

/* Below `stack`; as high as can be, and on a boundary that no file shows. */
static uint64_t highest_mmap_base(const struct lx_mm *mm, const struct lx_vma *stack)
{
	uint64_t gap = STACK_GAP_LEAST + STACK_RANDOM_MOST;

	return stack->start > 2 * gap ? align_down(stack->start - gap, mm->page) : stack->start;
}

/* Whether it lies about where mmap_base is: at most a stack's gap and 28 random bits of pages below it. */
static bool is_near(const struct lx_vma *vma, const struct lx_vma *stack)
{
	return stack->start - vma->end < 2 * (UINT64_C(1) << 40);
}

/*
 * mmap_base is not shown. The first mapping of a program ends there, and stays: ld.so, the vdso of a
 * static program, or a static program that can lie anywhere. So it is the end of the highest VMA below
 * the stack that is not the break's; where that has gone, the true base is higher. A static program
 * at its own address tells nothing: when its vdso lies above its stack (to 6.1 and beyond), it shows
 * no base before it has mapped something.
 */
static uint64_t find_mmap_base(const struct lx_mm *mm)
{
	const struct lx_vma *stack;
	size_t i = lx_count(mm);

	while (i > 0 && !(lx_at(mm, i - 1)->flags & LX_VM_GROWSDOWN))
		i--;
	stack = i > 0 ? lx_at(mm, i - 1) : NULL;
	for (i = stack ? i - 1 : 0; i > 0; i--) {
		const struct lx_vma *vma = lx_at(mm, i - 1);

		if (vma->start >= mm->now.brk || (vma->end <= mm->brk_start && is_near(vma, stack)))
			return vma->end;
		if (vma->end <= mm->brk_start)
			break;
	}
	if (stack)
		return highest_mmap_base(mm, stack);
	for (i = lx_count(mm); i > 0; i--)
		if (!(lx_at(mm, i - 1)->flags & LX_VM_SPECIAL))
			return lx_at(mm, i - 1)->end;
	return mm->task_size;
}

static void find_brk(struct lx_mm *mm, const struct lx_mm_start *start)
{
	mm->brk_start = start->brk_start;
	mm->now.brk = start->brk;
	for (size_t i = 0; i < start->vmas->count; i++) {
		const struct vma *v = &start->vmas->at[i];

		if (!vma_is_named(start->vmas, v, "[heap]"))
			continue;
		if (!mm->brk_start)
			mm->brk_start = v->start;
		if (!start->brk)
			mm->now.brk = v->end;
	}
	/* Unknown, and nothing was ever had from it: it has not moved. */
	if (!mm->brk_start)
		mm->brk_start = mm->now.brk;
	if (mm->now.brk < mm->brk_start)
		mm->now.brk = mm->brk_start;
}

static void set_limits(struct lx_mm *mm, const struct lx_mm_start *start)
{
	mm->now.limit[LX_LIMIT_AS] = start->limit_as;
	mm->now.limit[LX_LIMIT_DATA] = start->limit_data;
	mm->now.limit[LX_LIMIT_STACK] = start->limit_stack;
	mm->now.limit[LX_LIMIT_MAP_COUNT] = start->max_map_count;
	mm->data_bytes = start->data_bytes;
}

static void set_commit(struct lx_mm *mm, const struct lx_mm_start *start)
{
	struct lx_commit_state fresh;
	const struct lx_commit_state *state = &start->commit;

	if (!state->page) {
		lx_commit_fresh(&fresh);
		state = &fresh;
	}
	lx_mm_set_commit_state(mm, state);
	if (fact_known(start->committed))
		lx_mm_set_committed(mm, start->committed.v / start->page);
}

static bool build(struct lx_mm *mm, struct region *region, const struct lx_mm_start *start)
{
	static const struct vma nothing = { 0 };
	struct builder b = { .mm = mm, .start = start, .shared = region };
	size_t room = start->vmas->count + start->vmas->count / 8 + 64;

	mm->list = lx_list_new(room);
	if (!mm->list)
		return false;
	object_of(&b, &nothing); /* number 0 */
	mm->next_file = (uint32_t)1 << 31;
	mm->next_anon = 1;
	add_vmas(&b);
	if (start->is_forked) {
		mm->inherited_anon = OWN_ANON;
		mm->next_anon += OWN_ANON;
	}
	mm->names = b.names.at;
	mm->task_size = find_task_size(mm);
	find_brk(mm, start);
	mm->mmap_base = start->mmap_base ? start->mmap_base : find_mmap_base(mm);
	set_commit(mm, start);
	mm->now.thp = (uint32_t)fact_or(start->thp, LX_THP_MADVISE);
	return !mm->failed;
}

struct lx_mm *lx_mm_new(struct region *region, const struct lx_mm_start *start)
{
	struct region *own = region_new();
	struct lx_mm *mm = own ? region_alloc(own, sizeof(*mm)) : NULL;

	if (!mm) {
		region_free(own);
		return NULL;
	}
	mm->region = own;
	mm->sys = (struct sys){ .ops = &lx_ops, .region = own };
	mm->rules = start->rules;
	mm->page = start->page;
	set_limits(mm, start);
	if (!build(mm, region, start)) {
		lx_mm_end(mm);
		return NULL;
	}
	mm->image = start->image;
	if (mm->image)
		mm->image->backing = (struct image_backing){ lx_mm_access, mm };
	return mm;
}
