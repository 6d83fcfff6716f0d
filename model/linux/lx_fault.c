/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page faults: what a touch adds to the process, to its cgroups and to the machine. Linux 4.3 … 7.2
 * mm/memory.c:handle_mm_fault. Page tables are allocated before the page, a page of them for each
 * 2 MiB, 1 GiB and 512 GiB that hold something.
 */
#include "model/linux/lx_cow.h"
#include "model/linux/lx_memory.h"
#include "model/linux/lx_memory_path.h"
#include "model/linux/lx_vmas.h"

enum {
	PMD_SHIFT = 21, /* what a leaf of the image spans, too */
	PUD_SHIFT = 30,
	PGD_SHIFT = 39,
	RECLAIM_PAGES = 512, /* at least, at a time; fewer would tell nothing better */
	NEAR_PAGES = 4096,   /* closer to a limit the page tables are counted anew each time */
};

/* Addresses from here on are the model's own. */
#define MODEL_ADDRESS ((uint64_t)1 << 57)

/* --- page tables ------------------------------------------------------------------------------ */

/* Index of the first leaf whose number is not below. */
static size_t find_leaf(const struct image *image, uint64_t number)
{
	size_t low = 0, high = image->root_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (image->root[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool has_table(const struct image *image, uint64_t addr, unsigned shift)
{
	uint64_t first = addr >> shift << (shift - PMD_SHIFT);
	size_t i = find_leaf(image, first);

	return i < image->root_count &&
	       image->root[i].number < first + ((uint64_t)1 << (shift - PMD_SHIFT));
}

/* pgtables_bytes counts the third level too; before it there were nr_ptes and nr_pmds. */
static unsigned levels_counted(const struct linux_rules *rules)
{
	return lx_rules_since(rules, 4, 17) ? 3 : 2;
}

static uint64_t tables_for(const struct lx_mm *mm, uint64_t addr)
{
	uint64_t count;

	if (!mm->image)
		return 0;
	count = (uint64_t)!has_table(mm->image, addr, PMD_SHIFT) +
	        !has_table(mm->image, addr, PUD_SHIFT);
	return count + (levels_counted(mm->rules) == 3 && !has_table(mm->image, addr, PGD_SHIFT));
}

/* Tables stay until nothing is mapped there; newer kernels give emptied ones back at once. */
static bool is_table_kept(const struct lx_mm *mm, uint64_t start)
{
	uint64_t end = start + ((uint64_t)1 << PMD_SHIFT);
	size_t i = lx_find_vma(mm, start);

	if (i == lx_count(mm) || lx_at(mm, i)->start >= end)
		return false;
	return !lx_rules_since(mm->rules, 6, 16) || image_is_any_mapped(mm->image, start, end);
}

/* The tables above what lies at `start`, but for those that were counted. */
static uint64_t count_tables(const struct lx_mm *mm, uint64_t start, struct lx_tables *seen)
{
	const struct lx_tables at = { (start >> PMD_SHIFT) + 1, (start >> PUD_SHIFT) + 1,
		                      (start >> PGD_SHIFT) + 1 };
	uint64_t count = (uint64_t)(at.pte != seen->pte) + (at.pmd != seen->pmd) +
	                 (levels_counted(mm->rules) == 3 && at.pud != seen->pud);

	*seen = at;
	return count;
}

uint64_t lx_tables_of(const struct lx_mm *mm, uint64_t start, uint64_t end, struct lx_tables *seen)
{
	uint64_t count = 0;

	for (size_t i = find_leaf(mm->image, start >> PMD_SHIFT);
	     i < mm->image->root_count && mm->image->root[i].number << PMD_SHIFT < end; i++) {
		uint64_t base = mm->image->root[i].number << PMD_SHIFT;

		if (image_is_any_mapped(mm->image, max_u64(base, start),
		                        min_u64(base + ((uint64_t)1 << PMD_SHIFT), end)))
			count += count_tables(mm, base, seen);
	}
	return count;
}

uint64_t lx_table_pages(const struct lx_mm *mm)
{
	struct lx_tables seen = { 0 };
	uint64_t count = 0;

	for (size_t i = 0; mm->image && i < mm->image->root_count; i++) {
		uint64_t start = mm->image->root[i].number << PMD_SHIFT;

		if (start >= MODEL_ADDRESS)
			break;
		if (is_table_kept(mm, start))
			count += count_tables(mm, start, &seen);
	}
	return count;
}

static void add_tables(struct lx_memory *memory, uint64_t pages, uint64_t page_size)
{
	memory->tables += pages;
	memory->self.pgtables_bytes += pages * page_size;
}

/* What munmap gave back of them, and what operations without a touch of their own added. */
static void recount_tables(struct lx_mm *mm, struct lx_memory *memory)
{
	uint64_t now = lx_table_pages(mm);

	if (now > memory->tables)
		lx_memory_charge(memory, now - memory->tables);
	else
		lx_memory_uncharge(memory, memory->tables - now);
	add_tables(memory, now - memory->tables, mm->page);
}

/* --- charges ---------------------------------------------------------------------------------- */

/* mem_cgroup_oom(), to 4.18: `may_oom` is set in page faults of the user alone. */
static bool fails_without_a_kill(const struct lx_memory *memory, uint32_t over,
                                 const struct lx_pressure *pressure)
{
	return pressure->in_syscall && over < memory->level_count &&
	       !memory->rules->memcg_kill_at_charge;
}

/* One fault at which no limit has room: reclaim, or the OOM killer. True when it is tried again. */
static bool make_room(struct lx_mm *mm, struct lx_memory *memory, uint64_t want, uint64_t addr,
                      uint64_t page, struct lx_pressure *pressure)
{
	uint32_t over = lx_memory_over(memory);
	struct why *why = mm->sys.why;
	uint64_t got;

	want = max_u64(want, RECLAIM_PAGES);
	/* The way is told once, and again when it leads on to the OOM killer. */
	if (pressure->reclaimed) {
		got = lx_memory_reclaim(memory, over, want, NULL);
		pressure->reclaimed += got;
		if (got)
			return true;
	}
	lx_path_enter(memory, over, addr, why);
	got = lx_memory_reclaim(memory, over, want, why);
	pressure->reclaimed += got;
	if (!got && fails_without_a_kill(memory, over, pressure)) {
		why(why, WHY_MEMCG_SYSCALL);
		lx_path_leave(memory, over, why);
		return false;
	}
	if (!got) {
		lx_memory_oom(memory, over, page, why, pressure);
		lx_memory_follow_children(mm, memory);
	}
	lx_path_leave(memory, over, why);
	return pressure->end == LX_GOES_ON;
}

/* Above memory.high a task is slowed down on its way back to the program, and reclaims. */
static void look_at_high(struct lx_mm *mm, struct lx_memory *memory, struct lx_pressure *pressure)
{
	uint32_t over = lx_memory_over_high(memory);
	struct why *why = mm->sys.why;
	const struct lx_cgroup *level;
	uint64_t excess;

	if (over == memory->level_count || pressure->is_throttled)
		return;
	level = &memory->level[over];
	excess = level->current - level->high;
	why_enter(why, FN_MEM_CGROUP_HANDLE_OVER_HIGH, 0, 0, 0);
	why(why, WHY_MEMCG_HIGH, over, level->current, level->high);
	pressure->reclaimed += lx_memory_reclaim(memory, over, excess, NULL);
	pressure->is_throttled = level->current > level->high;
	why_leave(why, FN_MEM_CGROUP_HANDLE_OVER_HIGH);
}

/* Charges `count` pages for `addr`; false: the process does not get all of them. */
static bool get_pages(struct lx_mm *mm, struct lx_memory *memory, uint64_t count, uint64_t addr,
                      uint64_t page, struct lx_pressure *pressure)
{
	for (;;) {
		uint64_t take = min_u64(lx_memory_room(memory), count);

		lx_memory_charge(memory, take);
		count -= take;
		if (!count)
			break;
		if (!make_room(mm, memory, count, addr, page, pressure))
			return false;
	}
	look_at_high(mm, memory, pressure);
	return true;
}

/* --- touches ---------------------------------------------------------------------------------- */

/* Pages that writing to [start, end) takes: those that are not there, and copies of what a child shares. */
static uint64_t new_pages(struct lx_mm *mm, uint64_t start, uint64_t end)
{
	uint64_t pages = (end - start) / mm->page;

	if (!mm->image)
		return pages;
	return pages - image_resident(mm->image, start, end) + lx_cow_copies(mm, start, end);
}

/* Makes [start, end), which lies in one VMA and one 2 MiB, resident as a whole. */
static void take_piece(struct lx_mm *mm, struct lx_memory *memory, uint64_t start, uint64_t end,
                       struct lx_touch *ret)
{
	struct lx_touch part;

	lx_touch(mm, start, end, &part);
	ret->pages += part.pages;
	ret->faulted += part.faulted;
	memory->resident += part.faulted;
	memory->kept = lx_mm_kept(mm);
	memory->self.rss_pages += part.faulted;
}

static bool touch_pages(struct lx_mm *mm, struct lx_memory *memory, uint64_t start, uint64_t end,
                        uint64_t missing, struct lx_touch *ret, struct lx_pressure *pressure)
{
	uint64_t tables = tables_for(mm, start);

	if (!missing || missing + tables <= lx_memory_room(memory)) {
		tables = missing ? tables : 0;
		if (!get_pages(mm, memory, missing + tables, start, ret->pages, pressure))
			return false;
		add_tables(memory, tables, mm->page);
		take_piece(mm, memory, start, end, ret);
		return true;
	}
	for (; start < end; start += mm->page) {
		if (new_pages(mm, start, start + mm->page)) {
			tables = tables_for(mm, start);
			if (!get_pages(mm, memory, tables, start, ret->pages, pressure))
				return false;
			add_tables(memory, tables, mm->page);
			if (!get_pages(mm, memory, 1, start, ret->pages, pressure))
				return false;
		}
		take_piece(mm, memory, start, start + mm->page, ret);
	}
	return true;
}

/* Where there is no room for a huge page there is one for a page (do_huge_pmd_anonymous_page() falls
 * back), which the limits then decide upon. */
static bool touch_piece(struct lx_mm *mm, struct lx_memory *memory, uint64_t start, uint64_t end,
                        struct lx_touch *ret, struct lx_pressure *pressure)
{
	const struct lx_vma *vma = lx_at(mm, lx_find_vma(mm, start));
	uint64_t huge = LX_PMD / mm->page, missing = new_pages(mm, start, end);
	bool is_done;

	if (!lx_thp_is_eligible(mm, vma, start))
		return touch_pages(mm, memory, start, end, missing, ret, pressure);
	mm->no_huge = lx_memory_room(memory) < huge + tables_for(mm, start);
	is_done = touch_pages(mm, memory, start, end, mm->no_huge ? missing : huge, ret, pressure);
	mm->no_huge = false;
	return is_done;
}

void lx_fault_range(struct lx_mm *mm, struct lx_memory *memory, uint64_t start, uint64_t end,
                    struct lx_touch *ret, struct lx_pressure *pressure)
{
	uint64_t span = (uint64_t)1 << PMD_SHIFT;

	if (!memory->is_bounded) {
		lx_touch(mm, start, end, ret);
		return;
	}
	*ret = (struct lx_touch){ 0 };
	end = align_up(end, mm->page);
	for (start = align_down(start, mm->page); start < end;) {
		size_t i = lx_vma_at_fault(mm, start);
		uint64_t next = start;

		if (i != LX_NONE && (lx_at(mm, i)->flags & LX_VM_WRITE)) {
			next = min_u64(min_u64(lx_at(mm, i)->end, end),
			               align_down(start, span) + span);
			next = mm->image ? image_find_guard(mm->image, start, next) : next;
		}
		if (next == start) {
			ret->segv = true;
			ret->segv_addr = start;
			return;
		}
		if (!touch_piece(mm, memory, start, next, ret, pressure) || mm->failed)
			return;
		start = next;
	}
}

bool lx_memory_get(struct lx_mm *mm, struct lx_memory *memory, uint64_t pages,
                   struct lx_pressure *pressure)
{
	bool was = pressure->in_syscall, is_got;

	if (!memory->is_bounded)
		return true;
	pressure->in_syscall = true;
	is_got = get_pages(mm, memory, pages, 0, 0, pressure);
	pressure->in_syscall = was;
	return is_got;
}

void lx_memory_populate(struct lx_mm *mm, struct lx_memory *memory, uint64_t start, uint64_t end,
                        struct lx_pressure *pressure)
{
	const struct lx_vma *vma = lx_mm_find(mm, start);
	struct lx_touch touch;

	pressure->in_syscall = true;
	if (vma && (vma->flags & (LX_VM_WRITE | LX_VM_SHARED)) == LX_VM_WRITE)
		lx_fault_range(mm, memory, start, end, &touch, pressure);
	else
		lx_populate(mm, start, end);
}

void lx_memory_settle(struct lx_mm *mm, struct lx_memory *memory, uint64_t resident,
                      struct lx_pressure *pressure)
{
	uint64_t kept = lx_mm_kept(mm), was = memory->resident + memory->kept;
	uint64_t more = resident + kept > was ? resident + kept - was : 0;
	uint64_t less = resident + kept < was ? was - resident - kept : 0;

	if (!memory->is_bounded || pressure->end != LX_GOES_ON)
		return;
	memory->self.rss_pages -= min_u64(memory->resident, memory->self.rss_pages);
	memory->self.rss_pages += resident;
	memory->resident = resident;
	memory->kept = kept;
	lx_memory_uncharge(memory, less);
	if (more && !get_pages(mm, memory, more, 0, 0, pressure))
		return;
	if ((more || less) && lx_memory_room(memory) < NEAR_PAGES)
		recount_tables(mm, memory);
}
