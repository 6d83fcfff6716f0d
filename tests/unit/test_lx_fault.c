/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page faults that meet a limit: which page is the last, who dies, and what goes on. Machines and
 * figures are those of real kernels 5.10, 6.1, 6.12 and 7.2 that were driven out of memory: 54,295
 * pages of RAM, cgroups of 32 MiB.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "model/run/operate.h"
#include "model/sim/why_text.h"

enum { PAGE = 4096, RAM = 54295, EATER = 500, LEVELS = 3 };

struct fixture {
	struct snapshot *snap;
	struct world *world;
	struct region *region;
	struct scenario scenario;
	struct scenario_cursor cursor;
	struct operate operate;
	struct op_result last; /* of the operation that ended a run */
	size_t count;
};

/* --- a machine -------------------------------------------------------------------------------- */

static struct part *add_part(struct fixture *f, enum part_kind kind)
{
	f->snap->parts[kind] = part_new(kind, 0);
	assert_non_null(f->snap->parts[kind]);
	return f->snap->parts[kind];
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct system_facts *sys;
	struct process_facts *process;
	struct part *vmas;
	uint64_t brk;

	assert_non_null(f);
	f->snap = snapshot_new();
	assert_non_null(f->snap);
	process = &add_part(f, PART_PROCESS)->process;
	process->id = (struct process_id){ EATER, 100 };
	memcpy(process->comm, "eater", 6);
	vmas = add_part(f, PART_VMAS);
	assert_true(lx_fresh_vmas(vmas->region, &vmas->vmas, &brk));
	process->brk_start = process->brk_end = fact_of(brk);
	sys = &add_part(f, PART_SYSTEM)->system;
	sys->page_size = PAGE;
	sys->mem_total = fact_of((uint64_t)RAM * PAGE);
	sys->mem_free = sys->mem_available = fact_of((uint64_t)50000 * PAGE);
	sys->swap_total = sys->swap_free = fact_of(0);
	sys->watermark_min = fact_of(700);
	add_part(f, PART_OOM)->oom.totalpages = RAM;
	*state = f;
	return 0;
}

static void close_world(struct fixture *f)
{
	world_end(f->world);
	region_free(f->region);
	f->world = NULL;
	f->region = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close_world(f);
	snapshot_unref(f->snap);
	free(f);
	return 0;
}

static struct oom_task *add_task(struct fixture *f, int32_t pid, uint64_t rss, int16_t adj)
{
	struct part *part = f->snap->parts[PART_OOM];
	struct oom_table *table = &part->oom;
	struct oom_task *task;

	table->tasks = region_grow(part->region, table->tasks, table->count * sizeof(*task),
	                           (table->count + 1) * sizeof(*task));
	assert_non_null(table->tasks);
	task = &table->tasks[table->count++];
	*task = (struct oom_task){ .pid = pid,
		                   .rss_pages = rss,
		                   .adj = adj,
		                   .in_domain = true,
		                   .start_ticks = (uint64_t)pid };
	(void)snprintf(task->comm, sizeof(task->comm), "task%d", pid);
	return task;
}

static struct cgroup_level *add_level(struct fixture *f, const char *path, uint64_t max_pages,
                                      uint64_t current_pages)
{
	struct part *part = f->snap->parts[PART_CGROUP];
	struct cgroup_facts *cgroup;
	struct cgroup_level *level;

	if (!part) {
		part = add_part(f, PART_CGROUP);
		part->cgroup.version = CGROUP_V2;
		part->cgroup.levels = region_alloc(part->region, LEVELS * sizeof(*level));
		assert_non_null(part->cgroup.levels);
	}
	cgroup = &part->cgroup;
	assert_true(cgroup->level_count < LEVELS);
	level = &cgroup->levels[cgroup->level_count++];
	*level = (struct cgroup_level){
		.path = path,
		.max = fact_of(max_pages == UINT64_MAX ? UINT64_MAX : max_pages * PAGE),
		.current = fact_of(current_pages * PAGE),
	};
	cgroup->path = path;
	return level;
}

/* --- running ---------------------------------------------------------------------------------- */

static void open_world(struct fixture *f, const char *text, int major, int minor)
{
	const struct world_start from = {
		.glibc_minor = 36, .kernel_major = major, .kernel_minor = minor, .snap = f->snap
	};
	struct err err = { 0 };

	close_world(f);
	f->region = region_new();
	assert_non_null(f->region);
	if (!world_new(&from, &f->world, &err) ||
	    !scenario_parse(f->region, text, strlen(text), "test", &f->scenario, &err) ||
	    !operate_start(&f->operate, f->region, f->world, &f->scenario, &err))
		fail_msg("%s: %s", err.what, err.why);
	scenario_start(&f->cursor, &f->scenario);
	f->count = 0;
}

static bool step(struct fixture *f)
{
	static struct operation op;
	struct err err = { 0 };
	bool is_end = false;

	if (f->operate.is_over)
		return false;
	if (!scenario_next(&f->cursor, &op, &is_end, &err))
		fail_msg("%s: %s", err.what, err.why);
	if (is_end)
		return false;
	if (!operate_run(&f->operate, &op, &f->last, &err))
		fail_msg("%s: %s", err.what, err.why);
	f->count++;
	if (f->last.outcome == OUTCOME_OOM)
		scenario_tell(&f->cursor, UNTIL_OOM);
	assert_true(f->count < 100000);
	return true;
}

static void run_on(struct fixture *f, const char *text, int major, int minor)
{
	open_world(f, text, major, minor);
	while (step(f))
		;
}

static void assert_killed(const struct fixture *f, int32_t pid)
{
	assert_int_equal(f->last.outcome, OUTCOME_OOM);
	assert_true(f->last.pressure.kill_count >= 1);
	if (f->last.pressure.kills[0].pid != pid)
		fail_msg("killed: %s, not %d", f->last.outcome_text, pid);
}

static void assert_near(uint64_t value, uint64_t expected, uint64_t off)
{
	if (value + off < expected || value > expected + off)
		fail_msg("%llu is not within %llu of %llu", (unsigned long long)value,
		         (unsigned long long)off, (unsigned long long)expected);
}

static const int kernels[][2] = { { 4, 3 }, { 5, 10 }, { 6, 1 }, { 6, 12 }, { 7, 2 } };

enum { KERNELS = sizeof(kernels) / sizeof(kernels[0]) };

#define EAT "until oom\n  a = mmap 4M\n  touch a\nend\n"

/* --- cgroups ---------------------------------------------------------------------------------- */

/* Three processes in 32 MiB: 8,174 of 8,192 pages were touched on 6.12, 60 more or less elsewhere. */
static void the_last_page_is_foretold(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/", UINT64_MAX, 20000);
	add_level(f, "/box", 8192, 10);
	for (size_t i = 0; i < KERNELS; i++) {
		run_on(f, "a = mmap 64M\ntouch a\n", kernels[i][0], kernels[i][1]);
		assert_killed(f, EATER);
		assert_near((uint64_t)f->last.ret, 8174, 60);
		assert_int_equal(f->last.pressure.kills[0].page, f->last.ret);
		assert_string_equal(f->last.pressure.kills[0].cgroup, "/box");
		assert_true(f->operate.is_over);
	}
}

/* Page tables are charged and part of the points, so the two add up to the limit. */
static void points_are_what_is_charged(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", 8192, 0);
	run_on(f, EAT, 6, 12);
	assert_killed(f, EATER);
	/* but for the few that it had before */
	assert_near((uint64_t)f->last.pressure.kills[0].points, 8192, 15);
}

static void the_inner_limit_is_met_first(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/", UINT64_MAX, 20000);
	add_level(f, "/outer", 4096, 3000);
	add_level(f, "/outer/inner", 8192, 100);
	run_on(f, "a = mmap 64M\ntouch a\n", 6, 1);
	assert_killed(f, EATER);
	assert_string_equal(f->last.pressure.kills[0].cgroup, "/outer");
	assert_near((uint64_t)f->last.rss_pages, 1024, 200);
}

/* With the shortage at a cgroup its other member may be the larger one; then the eater goes on. */
static void another_member_dies_and_the_world_goes_on(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", 8192, 5000);
	add_task(f, 400, 4900, 0);
	run_on(f, "a = mmap 16M\ntouch a\npause\n", 6, 12);
	assert_int_equal(f->count, 3);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
	open_world(f, "a = mmap 16M\ntouch a\n", 6, 12);
	assert_true(step(f) && step(f));
	assert_killed(f, 400);
	assert_near(f->last.pressure.kills[0].page, 3192, 20);
	assert_int_equal(f->last.ret, 4096);
	assert_false(f->operate.is_over);
	assert_int_equal(f->last.pressure.kills[0].points, 4900);
}

/* adj weighs thousandths of the limit in a cgroup, of RAM and swap on the machine. */
static void adj_weighs_by_the_limit(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", 8192, 2000);
	add_task(f, 400, 2000, 400);
	/* 2,000 + 400 * 8 against some 6,100 pages */
	run_on(f, EAT, 6, 12);
	assert_killed(f, EATER);
	run_on(f, "set oom_score_adj -500\n" EAT, 6, 12);
	assert_killed(f, 400);
}

static void panic_on_oom_1_spares_cgroups(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", 8192, 0);
	run_on(f, "set vm.panic_on_oom 1\n" EAT, 6, 12);
	assert_killed(f, EATER);
	run_on(f, "set vm.panic_on_oom 2\na = mmap 64M\ntouch a\n", 6, 12);
	assert_int_equal(f->last.outcome, OUTCOME_PANIC);
	assert_true(f->operate.is_over);
}

static void the_allocating_task_is_spared_in_a_cgroup(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", 8192, 5000);
	add_task(f, 400, 4900, 0);
	run_on(f, "set vm.oom_kill_allocating_task 1\na = mmap 64M\ntouch a 16M\n", 6, 12);
	assert_killed(f, 400);
}

static void a_group_dies_whole_but_for_the_protected(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", 8192, 5000)->oom_group = fact_of(1);
	add_task(f, 400, 4900, 0);
	add_task(f, 401, 50, -1000);
	run_on(f, "set oom_score_adj -900\na = mmap 64M\ntouch a\n", 6, 12);
	assert_killed(f, 400);
	assert_int_equal(f->last.pressure.kills[0].group_count, 1);
	assert_true(f->last.is_dead);
	/* 4.3 knows no groups */
	run_on(f, "set oom_score_adj -900\na = mmap 16M\ntouch a\n", 4, 3);
	assert_killed(f, 400);
	assert_false(f->last.is_dead);
}

static void nobody_killable_means_for_ever(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", 8192, 100);
	add_task(f, 400, 50, -1000);
	run_on(f, "set oom_score_adj -1000\na = mmap 64M\ntouch a\n", 6, 12);
	assert_int_equal(f->last.outcome, OUTCOME_HANG);
	assert_int_equal(f->last.pressure.kill_count, 0);
	assert_true(f->operate.is_over);
}

static void memory_high_slows_down_only(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", UINT64_MAX, 0)->high = fact_of(12 * MIB);
	run_on(f, "a = mmap 16M\ntouch a\n", 7, 2);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
	assert_true(f->last.pressure.is_throttled);
	assert_int_equal(f->last.ret, 4096);
	run_on(f, "a = mmap 11M\ntouch a\n", 7, 2);
	assert_false(f->last.pressure.is_throttled);
}

static void cache_is_given_up_before_anybody_dies(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", 8192, 4000)->file = fact_of((uint64_t)1000 * PAGE);
	run_on(f, "a = mmap 64M\ntouch a\n", 6, 12);
	assert_killed(f, EATER);
	assert_int_equal(f->last.pressure.reclaimed, 1000);
	assert_near((uint64_t)f->last.ret, 8192 - 3000, 20);
}

static void swap_of_a_cgroup_has_a_limit_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct system_facts *sys = &f->snap->parts[PART_SYSTEM]->system;

	sys->swap_total = sys->swap_free = fact_of((uint64_t)16384 * PAGE);
	add_level(f, "/box", 8192, 0);
	run_on(f, "set cgroup.memory.swap.max 4M\na = mmap 128M\ntouch a\n", 6, 12);
	assert_killed(f, EATER);
	assert_near((uint64_t)f->last.ret, 8192 + 1024, 40);
	run_on(f, "set cgroup.memory.swap.max 0\na = mmap 128M\ntouch a\n", 6, 12);
	assert_near((uint64_t)f->last.ret, 8192, 40);
}

static void a_limit_below_what_is_used_bites_at_the_next_page(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", UINT64_MAX, 3000);
	run_on(f, "set cgroup.memory.max 0\na = mmap 4M\ntouch a\n", 6, 12);
	assert_killed(f, EATER);
	assert_int_equal(f->last.ret, 0);
}

/* v1: memory.oom_control. Who is short sleeps; nobody dies, and vm.panic_on_oom is not asked. */
static void disabled_kills_put_to_sleep(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", 8192, 5000)->oom_kill_disable = fact_of(1);
	add_task(f, 400, 4900, 0);
	for (size_t i = 0; i < KERNELS; i++) {
		run_on(f, "set vm.panic_on_oom 2\na = mmap 64M\ntouch a\n", kernels[i][0],
		       kernels[i][1]);
		assert_int_equal(f->last.outcome, OUTCOME_HANG);
		assert_non_null(strstr(f->last.outcome_text, "memory.oom_control"));
		assert_int_equal(f->last.pressure.kill_count, 0);
		assert_near((uint64_t)f->last.ret, 3192, 20);
	}
}

/* Populating is no page fault of the user: to 4.18 it ends at the limit, and mmap has succeeded. */
static void system_calls_killed_nobody_before_4_19(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", 8192, 0);
	run_on(f, "a = mmap 64M populate\n", 4, 18);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
	assert_near((uint64_t)f->last.rss_pages, 8192, 25);
	assert_int_equal(f->last.pressure.kill_count, 0);
	run_on(f, "a = mmap 64M populate\ntouch a\n", 4, 18);
	assert_killed(f, EATER);
	run_on(f, "a = mmap 64M populate\n", 4, 19);
	assert_killed(f, EATER);
	/* the machine's own shortage kills in any release */
	run_on(f,
	       "set cgroup.memory.max unlimited\na = mmap 100M populate\n"
	       "b = mmap 100M populate\n",
	       4, 18);
	assert_killed(f, EATER);
}

/* So it is with the page tables of a child. */
static void fork_had_no_memory_before_4_19(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "a = mmap 31M\ntouch a\nset cgroup.memory.max 1M\nfork c\n";

	add_level(f, "/box", 8192, 0);
	run_on(f, text, 4, 18);
	assert_int_equal(f->last.outcome, OUTCOME_ENOMEM);
	assert_int_equal(f->last.commit_pages, 0);
	assert_null(f->world->memory.children);
	run_on(f, text, 4, 19);
	assert_killed(f, EATER);
}

/* --- the machine ------------------------------------------------------------------------------ */

/* A 42 MiB process against a 20 MiB one with adj 90: it loses only once 64 MiB of swap exist. */
static void swap_makes_adj_heavier(void **state)
{
	struct fixture *f = *state;
	struct system_facts *sys = &f->snap->parts[PART_SYSTEM]->system;
	static const char text[] = "a = mmap 40M\ntouch a\nb = mmap 100M\ntouch b\n";

	for (size_t i = 1; i < KERNELS; i++) {
		sys->mem_free = sys->mem_available = fact_of((uint64_t)11500 * PAGE);
		sys->swap_total = sys->swap_free = fact_of(0);
		f->snap->parts[PART_OOM]->oom.count = 0;
		add_task(f, 400, 5120, 90);
		run_on(f, text, kernels[i][0], kernels[i][1]);
		assert_killed(f, EATER);
		sys->swap_total = fact_of((uint64_t)16384 * PAGE);
		run_on(f, text, kernels[i][0], kernels[i][1]);
		assert_killed(f, 400);
	}
}

static void the_machine_ends_at_its_watermark(void **state)
{
	struct fixture *f = *state;

	add_task(f, 400, 100, 0);
	run_on(f, "a = mmap 200M\ntouch a\n", 6, 12);
	assert_killed(f, EATER);
	assert_near((uint64_t)f->last.ret + (uint64_t)f->last.ret / 512, 50000 - 700, 20);
	assert_null(f->last.pressure.kills[0].cgroup);
}

static void nobody_left_on_the_machine_is_a_panic(void **state)
{
	struct fixture *f = *state;

	add_task(f, 1, 5000, 0)->flags = OOM_TASK_INIT;
	add_task(f, 400, 100, -1000);
	run_on(f, "set oom_score_adj -1000\na = mmap 200M\ntouch a\n", 6, 12);
	assert_int_equal(f->last.outcome, OUTCOME_PANIC);
}

static void the_allocating_task_is_taken_unless_protected(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "set vm.oom_kill_allocating_task 1\na = mmap 200M\ntouch a\n";
	static const char protected[] = "set vm.oom_kill_allocating_task 1\n"
	                                "set oom_score_adj -1000\na = mmap 200M\ntouch a\n";

	add_task(f, 400, 500, 1000);
	run_on(f, text, 6, 12);
	assert_killed(f, EATER);
	run_on(f, protected, 6, 12);
	assert_int_equal(f->last.outcome, OUTCOME_PANIC);
	assert_int_equal(f->last.pressure.kills[0].pid, 400);
}

/* A tmpfs hog's pages belong to nobody: the largest process dies, and then the next one. */
static void several_die_when_one_is_not_enough(void **state)
{
	struct fixture *f = *state;

	add_task(f, 400, 10, 1000);
	add_task(f, 401, 20, 950);
	run_on(f, "a = mmap 100M\ntouch a\nb = mmap 200M\ntouch b\n", 6, 12);
	assert_int_equal(f->last.pressure.kill_count, 3);
	assert_int_equal(f->last.pressure.kills[0].pid, 400);
	assert_int_equal(f->last.pressure.kills[1].pid, 401);
	assert_int_equal(f->last.pressure.kills[2].pid, EATER);
	assert_true(f->last.is_dead);
	/* 50,000 free to 700, and 30 that the others gave back, and 10 from before */
	assert_string_equal(f->last.outcome_text, "500 eater 49340");
}

/* Freshly forked children count what they share; of equals the youngest dies, then the next. */
static void the_youngest_child_dies_first(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "a = mmap 50M\ntouch a\nfork c\nfork d\n"
	                           "set cgroup.memory.max 1M\nb = mmap 4K\ntouch b\n";

	/* nothing of a file, which children would not count */
	f->snap->parts[PART_PROCESS]->process.vm_rss = fact_of(0);
	run_on(f, text, 6, 12);
	assert_int_equal(f->last.pressure.kill_count, 3);
	assert_killed(f, EATER + 2);
	assert_int_equal(f->last.pressure.kills[1].pid, EATER + 1);
	assert_int_equal(f->last.pressure.kills[2].pid, EATER);
	/* to 5.0 the parent is chosen first, and a child dies in its place */
	run_on(f, text, 4, 3);
	assert_int_equal(f->last.pressure.kill_count, 3);
	assert_killed(f, EATER + 1);
	assert_int_equal(f->last.pressure.kills[2].pid, EATER);
}

/* A page of a file that the parent alone has makes it the larger one. */
static void a_parent_with_pages_of_files_dies_first(void **state)
{
	struct fixture *f = *state;

	f->snap->parts[PART_PROCESS]->process.vm_rss = fact_of(100 * (uint64_t)PAGE);
	run_on(f,
	       "a = mmap 50M\ntouch a\nfork c\nfork d\n"
	       "set cgroup.memory.max 1M\nb = mmap 4K\ntouch b\n",
	       6, 12);
	assert_killed(f, EATER);
	assert_true(f->last.is_dead);
}

static void a_child_that_ended_is_not_chosen(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "a = mmap 50M\ntouch a\nfork c\nfork d\nexit d\n"
	                           "set cgroup.memory.max 1M\nb = mmap 4K\ntouch b\n";

	f->snap->parts[PART_PROCESS]->process.vm_rss = fact_of(0);
	run_on(f, text, 6, 12);
	assert_int_equal(f->last.pressure.kill_count, 2);
	assert_killed(f, EATER + 1);
}

/* What a scenario says of the machine is what it runs out of. */
static void settings_of_the_machine_move_its_end(void **state)
{
	struct fixture *f = *state;

	run_on(f, "set system.mem_free 100M\na = mmap 200M\ntouch a\n", 6, 12);
	assert_killed(f, EATER);
	assert_near((uint64_t)f->last.ret, 25600 - 700, 80);
	add_task(f, 400, 5120, 90);
	/* 5,120 + 90 * 54 = 9,980 against what fits */
	run_on(f, "set system.mem_free 34816K\na = mmap 100M\ntouch a\n", 6, 12);
	assert_killed(f, 400);
	run_on(f, "set system.mem_free 44M\na = mmap 100M\ntouch a\n", 6, 12);
	assert_killed(f, EATER);
}

/* --- page tables ------------------------------------------------------------------------------ */

/* 7,000 tables that hold nothing any more: 6.12 keeps them, 7.2 gives them back. */
static void emptied_tables_stay_or_go(void **state)
{
	struct fixture *f = *state;
	static const char hog[] = "a = mmap 14000M noreserve\nfor i 0 14677966848 2097152\n"
	                          "  touch a 1 $i\nend\nmadvise a 0 14000M dontneed\n";

	run_on(f, hog, 6, 12);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
	assert_near(lx_table_pages(f->world->mm), 7000, 40);
	assert_near(f->world->memory.self.pgtables_bytes / PAGE, 7000, 40);
	run_on(f, hog, 7, 2);
	assert_near(lx_table_pages(f->world->mm), 0, 24);
}

/* A page in each: a PTE page per 2 MiB, a PMD page per GiB, a PUD page per 512 GiB. */
static void tables_are_counted_by_span(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "a = mmap 4K fixed 0x100000000000\ntouch a\n"
	                           "a = mmap 4K fixed 0x100000200000\ntouch a\n"
	                           "a = mmap 4K fixed 0x100040000000\ntouch a\n"
	                           "a = mmap 4K fixed 0x108000000000\ntouch a\n";
	static const uint64_t more[][4] = { { 3, 1, 2, 3 }, { 2, 1, 2, 2 } };

	for (int old = 0; old < 2; old++) {
		open_world(f, text, old ? 4 : 6, old ? 3 : 12);
		for (int i = 0; i < 4; i++) {
			uint64_t before = f->world->memory.tables;

			assert_true(step(f) && step(f));
			assert_int_equal(f->world->memory.tables - before, more[old][i]);
		}
		assert_int_equal(f->world->memory.tables, lx_table_pages(f->world->mm));
	}
}

/* --- the path --------------------------------------------------------------------------------- */

static bool went_through(const struct why *why, const char *fn)
{
	struct why_words words;

	for (size_t i = 0; i < why->count; i++) {
		why_words(&why->at[i], &words);
		if (why->at[i].is_enter && strcmp(words.fn, fn) == 0)
			return true;
	}
	return false;
}

static void the_path_has_the_names_of_its_version(void **state)
{
	struct fixture *f = *state;
	static const char *const old[] = { "pagefault_out_of_memory",
		                           "mem_cgroup_oom_synchronize",
		                           "mem_cgroup_out_of_memory",
		                           "mem_cgroup_get_limit",
		                           "try_charge",
		                           "oom_kill_process",
		                           "oom_badness" };
	static const char *const new[] = { "try_charge_memcg",         "mem_cgroup_oom",
		                           "mem_cgroup_out_of_memory", "out_of_memory",
		                           "constrained_alloc",        "check_panic_on_oom",
		                           "select_bad_process",       "__oom_kill_process" };
	static const char *const global[] = { "__alloc_pages_slowpath", "__alloc_pages_may_oom",
		                              "out_of_memory", "select_bad_process" };

	open_world(f, "a = mmap 200M\ntouch a\n", 6, 12);
	lx_mm_set_why(f->world->mm, &f->world->why);
	while (step(f))
		;
	for (size_t i = 0; i < sizeof(global) / sizeof(global[0]); i++)
		assert_true(went_through(&f->world->why, global[i]));
	assert_int_equal(f->world->why.depth, 0);
	add_level(f, "/box", 8192, 0);
	for (int v = 0; v < 2; v++) {
		const char *const *names = v ? new : old;
		size_t count = v ? sizeof(new) / sizeof(new[0]) : sizeof(old) / sizeof(old[0]);

		open_world(f, "a = mmap 64M\ntouch a\n", v ? 6 : 4, v ? 12 : 3);
		lx_mm_set_why(f->world->mm, &f->world->why);
		while (step(f))
			;
		for (size_t i = 0; i < count; i++)
			if (!went_through(&f->world->why, names[i]))
				fail_msg("%s is not on the way", names[i]);
		assert_int_equal(went_through(&f->world->why, "pagefault_out_of_memory"), !v);
		assert_int_equal(f->world->why.depth, 0);
	}
}

/* --- taking back ------------------------------------------------------------------------------ */

static void a_kill_can_be_taken_back(void **state)
{
	struct fixture *f = *state;
	struct world_mark mark;
	struct world *branch;
	struct lx_memory before;
	struct lx_touch touch;
	struct lx_pressure pressure = { .end = LX_GOES_ON };
	uint64_t at;

	add_level(f, "/box", 8192, 5000);
	add_task(f, 400, 4900, 0);
	open_world(f, "a = mmap 64M\n", 6, 12);
	assert_true(step(f));
	at = f->last.addr;
	before = f->world->memory;
	branch = world_branch(f->world);
	assert_non_null(branch);
	world_mark(f->world, &mark);
	lx_fault_range(f->world->mm, &f->world->memory, at, at + 16 * MIB, &touch, &pressure);
	assert_int_equal(pressure.kill_count, 1);
	assert_true(lx_memory_is_gone(&f->world->memory, 400));
	assert_false(lx_memory_is_gone(&branch->memory, 400));
	assert_true(world_undo(f->world, &mark));
	assert_memory_equal(&f->world->memory, &before, sizeof(before));
	assert_int_equal(world_resident(f->world), before.resident);
	/* and again, to the same end, in the branch */
	pressure = (struct lx_pressure){ .end = LX_GOES_ON };
	lx_fault_range(branch->mm, &branch->memory, at, at + 64 * MIB, &touch, &pressure);
	assert_int_equal(pressure.end, LX_KILLED);
	assert_int_equal(pressure.kill_count, 2);
	world_end(branch);
}

/* What is given back may be had again. */
static void dropped_pages_are_uncharged(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", 8192, 0);
	run_on(f, "for i 1 40\n  a = mmap 16M\n  touch a\n  munmap a\nend\n", 6, 12);
	assert_int_equal(f->count, 120);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
	assert_near(f->world->memory.level[0].current, 0, 200);
}

/* malloc writes headers and calloc clears: that is charged as well. */
static void what_malloc_writes_is_charged(void **state)
{
	struct fixture *f = *state;

	add_level(f, "/box", 8192, 0);
	run_on(f, "#! tunables=glibc.malloc.perturb=1\nuntil oom\n  a = malloc 100000\nend\n", 6,
	       12);
	assert_killed(f, EATER);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_last_page_is_foretold),
		TEST(points_are_what_is_charged),
		TEST(the_inner_limit_is_met_first),
		TEST(another_member_dies_and_the_world_goes_on),
		TEST(adj_weighs_by_the_limit),
		TEST(panic_on_oom_1_spares_cgroups),
		TEST(the_allocating_task_is_spared_in_a_cgroup),
		TEST(a_group_dies_whole_but_for_the_protected),
		TEST(nobody_killable_means_for_ever),
		TEST(memory_high_slows_down_only),
		TEST(cache_is_given_up_before_anybody_dies),
		TEST(swap_of_a_cgroup_has_a_limit_of_its_own),
		TEST(a_limit_below_what_is_used_bites_at_the_next_page),
		TEST(disabled_kills_put_to_sleep),
		TEST(system_calls_killed_nobody_before_4_19),
		TEST(fork_had_no_memory_before_4_19),
		TEST(swap_makes_adj_heavier),
		TEST(the_machine_ends_at_its_watermark),
		TEST(nobody_left_on_the_machine_is_a_panic),
		TEST(the_allocating_task_is_taken_unless_protected),
		TEST(several_die_when_one_is_not_enough),
		TEST(the_youngest_child_dies_first),
		TEST(a_parent_with_pages_of_files_dies_first),
		TEST(a_child_that_ended_is_not_chosen),
		TEST(settings_of_the_machine_move_its_end),
		TEST(emptied_tables_stay_or_go),
		TEST(tables_are_counted_by_span),
		TEST(the_path_has_the_names_of_its_version),
		TEST(a_kill_can_be_taken_back),
		TEST(dropped_pages_are_uncharged),
		TEST(what_malloc_writes_is_charged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
