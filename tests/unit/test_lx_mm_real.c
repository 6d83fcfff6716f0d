/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address space against the running kernel: a child makes random system calls, and each result
 * and the whole list of VMAs after it must be what was predicted from its maps at the start.
 *	HEAPTOP_MM_STEPS=N	steps of each seed, for long runs
 *	HEAPTOP_MM_SEED=N	this seed only
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "model/base/units.h"
#include "tests/lib/mm_twin.h"

static uint64_t any(struct mm_twin *r, uint64_t below)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return (r->random >> 11) % below;
}

static bool one_in(struct mm_twin *r, uint64_t n)
{
	return any(r, n) == 0;
}

/* --- random steps ------------------------------------------------------------------------------------ */

static bool is_harmless(const struct mm_twin *r, uint64_t start, uint64_t end)
{
	const struct vma *next = vma_find_next(&r->start, start);

	return start < end && start >= 65536 && end <= r->mmap_base &&
	       (!next || next->start >= end);
}

static uint64_t any_len(struct mm_twin *r)
{
	switch (any(r, 16)) {
	case 0:
		return 2 * MIB * (1 + any(r, 4));
	case 1:
		return 8 * MIB + PAGE;
	case 2:
		return 2 * MIB + PAGE * any(r, 5) - PAGE * any(r, 5);
	case 3:
		return 1 + any(r, 4 * MIB);
	case 4:
		return one_in(r, 4) ? any(r, 3) << 46 : 64 * MIB;
	default:
		return PAGE * (1 + any(r, 24));
	}
}

/* A VMA that the test made, NULL when there is none to be found quickly. */
static const struct lx_vma *any_own(struct mm_twin *r)
{
	for (int i = 0; i < 40; i++) {
		const struct lx_vma *v = lx_mm_at(r->mm, any(r, lx_mm_count(r->mm)));

		if (is_harmless(r, v->start, v->end))
			return v;
	}
	return NULL;
}

/* A range that begins or ends in or near a VMA of ours. */
static void any_range(struct mm_twin *r, uint64_t *ret_start, uint64_t *ret_len)
{
	const struct lx_vma *v = any_own(r);
	uint64_t pages;

	*ret_start = r->mmap_base - 64 * MIB;
	*ret_len = PAGE * (1 + any(r, 8));
	if (!v)
		return;
	pages = (v->end - v->start) / PAGE;
	switch (any(r, 6)) {
	case 0:
		*ret_start = v->start;
		*ret_len = v->end - v->start;
		return;
	case 1:
		*ret_start = v->start;
		*ret_len = PAGE * (1 + any(r, pages));
		return;
	case 2:
		*ret_len = PAGE * (1 + any(r, pages));
		*ret_start = v->end - *ret_len;
		return;
	case 3:
		*ret_start = v->start + PAGE * any(r, pages);
		*ret_len = PAGE * (1 + any(r, 40));
		return;
	case 4:
		*ret_start = v->start - PAGE * any(r, 8);
		*ret_len = PAGE * (1 + any(r, pages + 12));
		return;
	default:
		*ret_start = v->start + PAGE * any(r, pages);
		*ret_len = PAGE * (1 + any(r, pages));
		return;
	}
}

static uint32_t any_prot(struct mm_twin *r)
{
	static const uint32_t prots[] = { PROT_NONE,
		                          PROT_READ,
		                          PROT_READ | PROT_WRITE,
		                          PROT_READ | PROT_WRITE,
		                          PROT_READ | PROT_WRITE,
		                          PROT_READ | PROT_EXEC };

	return one_in(r, 60) ? PROT_WRITE : prots[any(r, 6)];
}

static void choose_mmap(struct mm_twin *r, struct step *s)
{
	uint32_t flags = MAP_PRIVATE | MAP_ANONYMOUS;
	uint64_t start, len;

	*s = (struct step){ SYS_MMAP, { 0, any_len(r), any_prot(r), flags } };
	if (one_in(r, 6))
		flags |= MAP_NORESERVE;
	if (one_in(r, 12))
		flags |= MAP_STACK;
	if (one_in(r, 60))
		flags |= MAP_GROWSDOWN;
	if (one_in(r, 16))
		flags ^= MAP_PRIVATE | MAP_SHARED;
	if (one_in(r, 100))
		flags &= ~(uint32_t)(MAP_PRIVATE | MAP_SHARED);
	any_range(r, &start, &len);
	if (one_in(r, 6))
		s->arg[0] = start + (one_in(r, 4) ? any(r, PAGE) : 0);
	if (one_in(r, 5)) {
		s->arg[0] = start + (one_in(r, 20) ? 8 : 0);
		s->arg[1] = len;
		flags |= one_in(r, 4) ? MAP_FIXED_NOREPLACE : MAP_FIXED;
		if (!is_harmless(r, start, start + len)) {
			flags &= ~(uint32_t)(MAP_FIXED | MAP_FIXED_NOREPLACE);
			s->arg[0] = 0;
		}
	}
	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && one_in(r, 300))
		s->arg[1] = (r->ram_swap_pages + any(r, 3) - 1) * PAGE;
	/* Only what the machine will not miss. */
	if (one_in(r, 10) && s->arg[1] <= (uint64_t)64 * PAGE)
		flags |= MAP_POPULATE;
	s->arg[3] = flags;
}

static void choose_brk(struct mm_twin *r, struct step *s)
{
	uint64_t now = lx_mm_brk(r->mm), to = now;

	switch (any(r, 6)) {
	case 0:
		to = now - any(r, 40) * PAGE;
		break;
	case 1:
		to = r->brk_start + any(r, 8 * MIB);
		break;
	case 2:
		to = one_in(r, 2) ? 0 : r->brk_start - 1;
		break;
	case 3:
		to = now + any(r, 1 << 14);
		break;
	default:
		to = now + 33 * PAGE;
	}
	*s = (struct step){ SYS_BRK, { to } };
}

/* Neither what the process lives on nor shared memory. */
static bool touches_own_only(struct mm_twin *r, uint64_t start, uint64_t end)
{
	if (!is_harmless(r, start, end))
		return false;
	for (size_t i = 0; i < lx_mm_count(r->mm); i++) {
		const struct lx_vma *v = lx_mm_at(r->mm, i);

		if (v->end > start && v->start < end && (v->flags & LX_VM_SHARED))
			return false;
	}
	return true;
}

static void choose_touch(struct mm_twin *r, struct step *s)
{
	const struct lx_vma *v = any_own(r);
	uint64_t first, pages;

	*s = (struct step){ TOUCH, { 0 } };
	/* Past the end of shared memory that mremap made longer there is nothing. */
	if (!v || (v->flags & LX_VM_SHARED))
		return;
	pages = (v->end - v->start) / PAGE;
	first = any(r, pages);
	pages = min_u64(pages - first, 1 + any(r, 16));
	s->arg[0] = v->start + first * PAGE;
	s->arg[1] = s->arg[0] + pages * PAGE;
	/* What lies below grows, or is not there. */
	if (one_in(r, 12) || ((v->flags & LX_VM_GROWSDOWN) && one_in(r, 2)))
		s->arg[0] = v->start - PAGE * any(r, one_in(r, 4) ? 3000 : 300);
	if (!touches_own_only(r, s->arg[0], s->arg[1]))
		*s = (struct step){ TOUCH, { 0 } };
}

static void choose_range_call(struct mm_twin *r, struct step *s)
{
	static const uint32_t advices[] = { MADV_DONTNEED, MADV_FREE,     MADV_DONTFORK,
		                            MADV_DOFORK,   MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		                            102,           103,           77 };
	uint64_t start, len;

	any_range(r, &start, &len);
	if (!is_harmless(r, start, start + len)) {
		choose_touch(r, s);
		return;
	}
	if (one_in(r, 60))
		start += 16;
	else if (one_in(r, 30))
		len -= any(r, PAGE);
	else if (one_in(r, 200))
		len = 0;
	switch (any(r, 10)) {
	case 0:
	case 1:
	case 2:
		*s = (struct step){ SYS_MUNMAP, { start, len } };
		break;
	case 3:
	case 4:
	case 5:
		*s = (struct step){ SYS_MPROTECT, { start, len, any_prot(r) } };
		break;
	case 6:
	case 7:
		*s = (struct step){ SYS_MREMAP, { start, len, any_len(r), MREMAP_MAYMOVE } };
		if (one_in(r, 3))
			s->arg[2] = len + PAGE * any(r, 4);
		if (one_in(r, 4))
			s->arg[3] = one_in(r, 8) ? 64 : 0;
		break;
	default:
		*s = (struct step){ SYS_MADVISE, { start, len, advices[any(r, 9)] } };
	}
}

/* khugepaged makes huge pages whenever it likes: with some seeds there are none, and pages are counted. */
static bool counts_pages(const struct mm_twin *r)
{
	return r->seed % 2 == 1;
}

static void choose(struct mm_twin *r, struct step *s)
{
	bool is_crowded = lx_mm_count(r->mm) > 260;

	if (is_crowded && one_in(r, 3)) {
		const struct lx_vma *v = any_own(r);

		*s = (struct step){ SYS_MUNMAP, { v ? v->start : 65536, 3 * MIB } };
		if (v && is_harmless(r, v->start, v->start + 3 * MIB))
			return;
	}
	switch (any(r, 10)) {
	case 0:
	case 1:
	case 2:
		choose_mmap(r, s);
		break;
	case 3:
		choose_brk(r, s);
		break;
	case 4:
	case 5:
		choose_touch(r, s);
		break;
	default:
		choose_range_call(r, s);
	}
	/* Guards need page tables: of terabytes they would take the machine's memory. */
	if (s->op == SYS_MADVISE && s->arg[2] == 102 && s->arg[1] > 64 * MIB)
		s->arg[2] = MADV_DONTNEED;
	if (counts_pages(r) && s->op == SYS_MADVISE && s->arg[2] == MADV_HUGEPAGE)
		s->arg[2] = MADV_DONTNEED;
}

/* Limits close to what is in use, and back. */
static void change_limits(struct mm_twin *r)
{
	bool is_as = one_in(r, 2);
	uint64_t more = any(r, 3 * MIB);
	char path[64];
	struct rlimit limit;
	uint64_t now;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)r->pid);
	now = mm_twin_number(path, is_as ? "VmSize:" : "VmData:") * 1024;
	if (one_in(r, 2))
		now = RLIM_INFINITY - more;
	limit = (struct rlimit){ now + more, RLIM_INFINITY };
	assert_int_equal(prlimit(r->pid, is_as ? RLIMIT_AS : RLIMIT_DATA, &limit, NULL), 0);
	lx_mm_set_limit(r->mm, is_as ? LX_LIMIT_AS : LX_LIMIT_DATA, limit.rlim_cur);
}

/* What is taken back, or happens in a branch, leaves no trace. */
static void go_astray(struct mm_twin *r)
{
	bool is_branch = one_in(r, 2);
	struct lx_mm *kept = r->mm;
	struct image image;
	size_t mark = lx_mm_mark(r->mm), image_mark_at = image_mark_journal(&r->image);

	if (is_branch) {
		assert_true(image_branch(&r->image, &image));
		r->mm = lx_mm_branch(kept, &image);
		assert_non_null(r->mm);
	}
	for (uint64_t n = 1 + any(r, 6); n; n--) {
		struct step s;

		choose(r, &s);
		mm_twin_predict(r->mm, &s);
	}
	if (is_branch) {
		lx_mm_end(r->mm);
		image_end(&image);
		r->mm = kept;
	} else {
		assert_true(image_undo(&r->image, image_mark_at));
		lx_mm_undo(r->mm, mark);
	}
}

static size_t steps_wanted(size_t otherwise)
{
	const char *text = getenv("HEAPTOP_MM_STEPS");

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void run_seed(uint64_t seed, size_t steps, void (*start)(struct mm_twin *, uint64_t))
{
	struct mm_twin r;

	start(&r, seed);
	for (; r.number < steps; r.number++) {
		struct step s;

		if (one_in(&r, 40))
			change_limits(&r);
		if (one_in(&r, 12))
			go_astray(&r);
		choose(&r, &s);
		mm_twin_step(&r, &s);
		mm_twin_compare_maps(&r);
		if (r.number % 64 == 0)
			mm_twin_compare_counters(&r);
		if (r.number % 64 == 32 && counts_pages(&r))
			mm_twin_compare_resident(&r);
		if (one_in(&r, 50)) {
			lx_mm_commit(r.mm, 0);
			image_commit(&r.image, 0);
		}
	}
	mm_twin_compare_counters(&r);
	print_message("seed %" PRIu64 ": %zu steps, %zu VMAs at the end\n", seed, r.number,
	              lx_mm_count(r.mm));
	mm_twin_end(&r);
}

static void random_calls_end_as_predicted(void **state)
{
	const char *only = getenv("HEAPTOP_MM_SEED");
	size_t steps = steps_wanted(1500);

	(void)state;
	if (only) {
		run_seed(strtoull(only, NULL, 10), steps, mm_twin_start);
		return;
	}
	for (uint64_t seed = 1; seed <= 4; seed++)
		run_seed(seed, steps, mm_twin_start);
}

/* A forked process's inherited VMAs don't grow: what it maps beside them stays apart. */
static void a_forked_process_ends_as_predicted(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	print_message("    skipped: a forked twin has the sanitizer's mappings, which it changes "
	              "itself\n");
	skip();
#endif
	for (uint64_t seed = 31; seed <= 32; seed++)
		run_seed(seed, steps_wanted(1500), mm_twin_start_forked);
}

/* --- Committed_AS ------------------------------------------------------------------------------------- */

/* Steps by what they call, and how many changed Committed_AS as was foretold. */
struct charges {
	size_t steps[SYS_NR_COUNT + 1], equal[SYS_NR_COUNT + 1];
	size_t all, noise; /* steps that do nothing, and those that saw a change meanwhile */
};

static int64_t committed(void)
{
	return (int64_t)(mm_twin_number("/proc/meminfo", "Committed_AS:") / 4);
}

/* A step that does nothing takes as long, and sees what other programs charge meanwhile. */
static void charge_step(struct mm_twin *r, struct charges *c)
{
	const struct step nothing = { TOUCH, { 0 } };
	struct step s;
	int64_t before = committed(), then, after, ours;

	mm_twin_step(r, &nothing);
	then = committed();
	c->all++;
	c->noise += before != then;
	choose(r, &s);
	ours = lx_mm_committed(r->mm);
	mm_twin_step(r, &s);
	after = committed();
	c->steps[s.op]++;
	c->equal[s.op] += after - then == lx_mm_committed(r->mm) - ours;
	if (getenv("HEAPTOP_MM_QUIET") && after - then != lx_mm_committed(r->mm) - ours)
		fail_msg("%s: Committed_AS %+" PRId64 ", predicted %+" PRId64,
		         s.op == TOUCH ? "touch" : sys_name((enum sys_nr)s.op), after - then,
		         lx_mm_committed(r->mm) - ours);
}

/*
 * Committed_AS is the machine's: other programs change it, too. HEAPTOP_MM_QUIET=1 says that there are
 * none; otherwise each call must be right as often as nothing at all is, less a few.
 */
static void committed_as_changes_as_predicted(void **state)
{
	struct charges c = { 0 };
	struct mm_twin r;
	size_t steps = steps_wanted(1500);

	(void)state;
	mm_twin_start(&r, 11);
	if (!r.rules->committed_as_is_exact) {
		mm_twin_end(&r);
		print_message("skip: before 5.9 Committed_AS is shown without the CPUs' parts\n");
		skip();
	}
	for (; r.number < steps; r.number++) {
		charge_step(&r, &c);
		lx_mm_commit(r.mm, 0);
		image_commit(&r.image, 0);
	}
	mm_twin_end(&r);
	for (size_t op = 0; op <= SYS_NR_COUNT; op++)
		print_message("%s: %zu of %zu as predicted\n",
		              op == TOUCH ? "touch" : sys_name((enum sys_nr)op), c.equal[op],
		              c.steps[op]);
	print_message("other programs changed it during %zu of %zu steps that do nothing\n",
	              c.noise, c.all);
	if (c.noise * 10 > c.all) {
		print_message("skip: the machine is not quiet enough to judge\n");
		skip();
	}
	for (size_t op = 0; op <= SYS_NR_COUNT; op++)
		assert_true((c.steps[op] - c.equal[op]) * c.all <=
		            3 * c.noise * c.steps[op] + c.all * (3 + c.steps[op] / 50));
}

static uint64_t rss_of(const struct mm_twin *r)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)r->pid);
	return mm_twin_number(path, "RssAnon:") / 4;
}

/* One byte brings in 512 pages, where a block of 2 MiB lies in a VMA that may have huge pages. */
static void the_first_write_brings_in_a_huge_page(void **state)
{
	const uint32_t flags = MAP_PRIVATE | MAP_ANONYMOUS;
	struct mm_twin r;
	uint64_t at, before, huge, more;

	(void)state;
	mm_twin_start(&r, 1);
	at = align_up(r.mmap_base - 512 * MIB, 2 * MIB);
	mm_twin_step(&r, &(struct step){ SYS_MMAP,
	                                 { at, 8 * MIB + PAGE, 3, flags | MAP_FIXED_NOREPLACE } });
	mm_twin_step(&r, &(struct step){ SYS_MADVISE, { at, 8 * MIB + PAGE, MADV_HUGEPAGE } });
	before = rss_of(&r);
	mm_twin_step(&r, &(struct step){ TOUCH, { at + 3 * MIB, at + 3 * MIB + 1 } });
	huge = lx_mm_huge_faults(r.mm);
	assert_int_equal(image_resident(&r.image, at, at + 8 * MIB), huge ? 512 : 1);
	more = rss_of(&r) - before;
	if (huge && more == 1) {
		mm_twin_end(&r);
		print_message("skip: no huge page was free\n");
		skip();
	}
	assert_int_equal(more, huge ? 512 : 1);
	/* not in the last page, which is in no block; nor where part of a block is written already */
	mm_twin_step(&r, &(struct step){ TOUCH, { at + 8 * MIB, at + 8 * MIB + 1 } });
	assert_int_equal(lx_mm_huge_faults(r.mm), huge);
	assert_int_equal(rss_of(&r) - before, more + 1);
	mm_twin_end(&r);
}

/* Up to vm.max_map_count and one further; each call stops at its own edge. */
static void map_count_stops_each_call_where_it_did(void **state)
{
	struct mm_twin r;
	uint64_t most = mm_twin_number("/proc/sys/vm/max_map_count", ""), at = 0;
	const uint32_t flags = MAP_PRIVATE | MAP_ANONYMOUS;

	(void)state;
	if (most > 200000) {
		print_message("skip: vm.max_map_count is %" PRIu64 ", too many to fill\n", most);
		skip();
	}
	mm_twin_start(&r, 0);
	for (; lx_mm_count(r.mm) + 1 < most; r.number++)
		mm_twin_step(&r,
		             &(struct step){ SYS_MMAP, { 0, 3 * PAGE, 1 + r.number % 2, flags } });
	at = lx_mm_at(r.mm, lx_mm_count(r.mm) / 2)->start;
	const struct step edge[] = {
		{ SYS_MREMAP, { at, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE } },
		{ SYS_MADVISE, { at + PAGE, PAGE, MADV_DONTFORK } },
		{ SYS_MPROTECT, { at + PAGE, PAGE, PROT_NONE } },
		{ SYS_MPROTECT, { at + PAGE, PAGE, PROT_EXEC } },
		{ SYS_BRK, { r.brk_start + PAGE } },
		{ SYS_MUNMAP, { at + PAGE, PAGE } },
		{ SYS_MMAP, { 0, PAGE, 4, flags } },
		{ SYS_MMAP, { 0, PAGE, 1, flags } },
		{ SYS_MMAP, { 0, PAGE, 4, flags } },
		{ SYS_MMAP, { at + PAGE, PAGE, 4, flags | MAP_FIXED } },
		{ SYS_BRK, { r.brk_start + (uint64_t)9 * PAGE } },
		{ SYS_MPROTECT, { at, PAGE, PROT_NONE } },
		{ SYS_MADVISE, { at, PAGE, MADV_DONTFORK } },
		{ SYS_MUNMAP, { at, PAGE } },
		{ SYS_MUNMAP, { at, 30 * PAGE } },
		{ SYS_MPROTECT, { r.mmap_base - (uint64_t)9000 * PAGE, PAGE, PROT_NONE } },
	};
	for (size_t i = 0; i < sizeof(edge) / sizeof(edge[0]); i++, r.number++) {
		mm_twin_step(&r, &edge[i]);
		mm_twin_compare_maps(&r);
	}
	mm_twin_compare_counters(&r);
	mm_twin_end(&r);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_end_as_predicted),
		cmocka_unit_test(a_forked_process_ends_as_predicted),
		cmocka_unit_test(committed_as_changes_as_predicted),
		cmocka_unit_test(the_first_write_brings_in_a_huge_page),
		cmocka_unit_test(map_count_stops_each_call_where_it_did),
	};

	mm_twin_serve(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
