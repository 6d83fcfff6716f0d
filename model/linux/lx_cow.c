/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/linux/lx_cow.h"

#include "model/linux/lx_vmas.h"

/* In the image: for each page of the process the fork after which it is its own, two bytes each; … */
#define SHADOW LX_COW_START
/* … which children live, a byte each; how many pages children keep alone, and in which groups. */
#define ALIVE  (LX_COW_START + (UINT64_C(1) << 48))
#define KEPT   (ALIVE + 2 * MIB)
#define GROUPS (KEPT + 2 * MIB)

/* Of the children first … last, the living ones keep `pages`. */
struct group {
	uint32_t first, last;
	uint64_t pages;
};

enum { GROUP_BYTES = 16, LATEST_GROUPS = 64 };

static uint64_t shadow_of(uint64_t addr)
{
	return SHADOW + addr / IMAGE_PAGE * 2;
}

bool lx_cow_is_watching(const struct lx_mm *mm)
{
	return mm->image && mm->now.living != 0;
}

uint64_t lx_mm_kept(const struct lx_mm *mm)
{
	return mm->image && mm->now.forks ? image_get8(mm->image, KEPT) : 0;
}

static bool is_any_alive(struct lx_mm *mm, uint32_t first, uint32_t last)
{
	for (uint32_t i = last; i >= first && i; i--)
		if (image_get1(mm->image, ALIVE + i))
			return true;
	return false;
}

/* --- what children keep alone ----------------------------------------------------------------- */

static uint64_t group_count(struct lx_mm *mm)
{
	return image_get8(mm->image, KEPT + 8);
}

static struct group group_at(struct lx_mm *mm, uint64_t i)
{
	uint64_t at = GROUPS + i * GROUP_BYTES;

	return (struct group){ image_get4(mm->image, at), image_get4(mm->image, at + 4),
		               image_get8(mm->image, at + 8) };
}

static void group_put(struct lx_mm *mm, uint64_t i, const struct group *group)
{
	uint64_t at = GROUPS + i * GROUP_BYTES;

	image_set4(mm->image, at, group->first);
	image_set4(mm->image, at + 4, group->last);
	image_set8(mm->image, at + 8, group->pages);
}

static void keep(struct lx_mm *mm, uint32_t first, uint32_t last, uint64_t pages)
{
	uint64_t count = group_count(mm);
	uint64_t oldest = count > LATEST_GROUPS ? count - LATEST_GROUPS : 0;
	struct group group = { first, last, pages };

	image_set8(mm->image, KEPT, image_get8(mm->image, KEPT) + pages);
	for (uint64_t i = count; i-- > oldest;) {
		struct group at = group_at(mm, i);

		if (at.first != first || at.last != last)
			continue;
		group.pages += at.pages;
		group_put(mm, i, &group);
		return;
	}
	group_put(mm, count, &group);
	image_set8(mm->image, KEPT + 8, count + 1);
}

/* --- pages ------------------------------------------------------------------------------------ */

/* What is done to each resident page of a range. */
struct walk {
	struct lx_mm *mm;
	bool keeps;         /* its copy, or itself, stays with the children */
	uint64_t kept;      /* so many */
	uint32_t asked_own; /* of pages of the same age the answer is the same */
	bool is_known, is_shared;
};

static bool is_shared(struct walk *walk, uint32_t own)
{
	if (walk->is_known && walk->asked_own == own)
		return walk->is_shared;
	walk->is_known = true;
	walk->asked_own = own;
	walk->is_shared =
	        own < walk->mm->now.forks && is_any_alive(walk->mm, own + 1, walk->mm->now.forks);
	return walk->is_shared;
}

static void see_page(struct walk *walk, uint64_t addr)
{
	uint32_t own = image_get2(walk->mm->image, shadow_of(addr));

	if (!is_shared(walk, own))
		return;
	walk->kept++;
	if (walk->keeps)
		keep(walk->mm, own + 1, walk->mm->now.forks, 1);
}

/* The resident pages of [start, end); `visit` may add leaves elsewhere. */
static void each_resident(struct walk *walk, uint64_t start, uint64_t end,
                          void (*visit)(struct walk *walk, uint64_t addr))
{
	while (start < end) {
		uint64_t next = min_u64(align_down(start, LX_PMD) + LX_PMD, end);

		if (!image_is_any_resident(walk->mm->image, start, next)) {
			start = next < end ? image_next_leaf(walk->mm->image, next) : end;
			continue;
		}
		for (; start < next; start += IMAGE_PAGE)
			if (image_is_any_resident(walk->mm->image, start, start + IMAGE_PAGE))
				visit(walk, start);
	}
}

uint64_t lx_cow_copies(struct lx_mm *mm, uint64_t start, uint64_t end)
{
	struct walk walk = { .mm = mm };

	if (lx_cow_is_watching(mm) && !(lx_at(mm, lx_find_vma(mm, start))->flags & LX_VM_SHARED))
		each_resident(&walk, start, end, see_page);
	return walk.kept;
}

void lx_cow_written(struct lx_mm *mm, uint64_t start, uint64_t end)
{
	struct walk walk = { .mm = mm, .keeps = true };

	if (!lx_cow_is_watching(mm))
		return;
	each_resident(&walk, start, end, see_page);
	if (walk.kept)
		why(mm->sys.why, WHY_COW_COPIES, start, walk.kept);
	for (; start < end; start += IMAGE_PAGE)
		if (image_get2(mm->image, shadow_of(start)) != mm->now.forks)
			image_set2(mm->image, shadow_of(start), (uint16_t)mm->now.forks);
}

void lx_cow_dropped(struct lx_mm *mm, uint64_t start, uint64_t end)
{
	struct walk walk = { .mm = mm, .keeps = true };

	if (!lx_cow_is_watching(mm))
		return;
	for (size_t i = lx_find_vma(mm, start); i < lx_count(mm) && lx_at(mm, i)->start < end;
	     i++) {
		const struct lx_vma *vma = lx_at(mm, i);

		if (!(vma->flags & LX_VM_SHARED))
			each_resident(&walk, max_u64(vma->start, start), min_u64(vma->end, end),
			              see_page);
	}
	if (walk.kept)
		why(mm->sys.why, WHY_COW_KEPT, walk.kept);
}

void lx_cow_moved(struct lx_mm *mm, uint64_t from, uint64_t to, uint64_t len)
{
	if (!lx_cow_is_watching(mm))
		return;
	for (uint64_t off = 0; off < len;) {
		uint64_t at = from + off;
		uint16_t own;

		if (!image_is_any_resident(mm->image, at, at + IMAGE_PAGE)) {
			uint64_t next = align_down(at, LX_PMD) + LX_PMD;

			off = image_is_any_resident(mm->image, at, next)
			              ? off + IMAGE_PAGE
			              : image_next_leaf(mm->image, next) - from;
			continue;
		}
		own = image_get2(mm->image, shadow_of(at));
		if (image_get2(mm->image, shadow_of(to + off)) != own)
			image_set2(mm->image, shadow_of(to + off), own);
		off += IMAGE_PAGE;
	}
}

/* --- children --------------------------------------------------------------------------------- */

static void make_own(struct walk *walk, uint64_t addr)
{
	image_set2(walk->mm->image, shadow_of(addr), (uint16_t)walk->mm->now.forks);
}

/* Pages may be written without a question only as long as nobody else has them. */
static void write_protect(struct lx_mm *mm)
{
	image_flush(mm->image, 0, UINT64_MAX);
	mm->image->window.end = 0;
}

uint32_t lx_cow_fork(struct lx_mm *mm)
{
	struct walk walk = { .mm = mm };

	if (!mm->image || mm->now.forks == LX_COW_FORKS)
		return 0;
	lx_note_scalars(mm);
	mm->now.forks++;
	mm->now.living++;
	image_set1(mm->image, ALIVE + mm->now.forks, 1);
	for (size_t i = 0; i < lx_count(mm); i++)
		if (lx_at(mm, i)->flags & LX_VM_DONTCOPY)
			each_resident(&walk, lx_at(mm, i)->start, lx_at(mm, i)->end, make_own);
	write_protect(mm);
	return mm->now.forks;
}

uint64_t lx_cow_exit(struct lx_mm *mm, uint32_t fork)
{
	uint64_t freed = 0;

	if (!mm->image || !fork || !image_get1(mm->image, ALIVE + fork))
		return 0;
	lx_note_scalars(mm);
	mm->now.living--;
	image_set1(mm->image, ALIVE + fork, 0);
	for (uint64_t i = group_count(mm); i-- > 0;) {
		struct group group = group_at(mm, i);

		if (!group.pages || fork < group.first || fork > group.last ||
		    is_any_alive(mm, group.first, group.last))
			continue;
		freed += group.pages;
		group.pages = 0;
		group_put(mm, i, &group);
	}
	if (freed)
		image_set8(mm->image, KEPT, image_get8(mm->image, KEPT) - freed);
	return freed;
}

void lx_fork_share(const struct lx_mm *mm, uint64_t *ret_rss, uint64_t *ret_tables)
{
	struct lx_tables seen = { 0 };

	*ret_rss = *ret_tables = 0;
	for (size_t i = 0; mm->image && i < lx_count(mm); i++) {
		const struct lx_vma *vma = lx_at(mm, i);

		if ((vma->flags & (LX_VM_SHARED | LX_VM_DONTCOPY)) || !vma->anon)
			continue;
		*ret_rss += image_resident(mm->image, vma->start, vma->end);
		*ret_tables += lx_tables_of(mm, vma->start, vma->end, &seen);
	}
}
