/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/sample_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"

#define TOTAL_PAGES UINT64_C(4603390)

void sample_fill_system(struct part *part)
{
	struct system_facts *sys = &part->system;

	memcpy(sys->kernel_release, "6.1.0-18-amd64", 15);
	sys->kernel_major = 6;
	sys->kernel_minor = 1;
	sys->cpus_online = sys->cpus_present = 4;
	sys->page_size = 4 * KIB;
	sys->mem_total = fact_of(16316412 * KIB);
	sys->mem_free = fact_of(1204408 * KIB);
	sys->mem_available = fact_of(4761020 * KIB);
	sys->buffers = fact_of(220144 * KIB);
	sys->cached = fact_of(3880020 * KIB);
	sys->swap_cached = fact_of(1204 * KIB);
	sys->slab_reclaimable = fact_of(312044 * KIB);
	sys->swap_total = fact_of(2097148 * KIB);
	sys->swap_free = fact_of(1772092 * KIB);
	sys->committed_as = fact_of(7412308 * KIB);
	sys->commit_limit = fact_of(10255354 * KIB);
	sys->hugetlb = fact_of(0);
	sys->overcommit_memory = fact_of(0);
	sys->overcommit_ratio = fact_of(50);
	sys->overcommit_kbytes = fact_of(0);
	sys->admin_reserve_kbytes = fact_of(8192);
	sys->user_reserve_kbytes = fact_of(131072);
	sys->max_map_count = fact_of(65530);
	sys->panic_on_oom = sys->oom_kill_allocating_task = fact_of(0);
	sys->swappiness = fact_of(60);
	sys->some = (struct pressure){ fact_of(0), fact_of(12), fact_of(8), fact_of(120400) };
	sys->full = (struct pressure){ fact_of(0), fact_of(4), fact_of(2), fact_of(40100) };
	sys->oom_kills = fact_of(2);
	sys->watermark_min = fact_of(16976);
}

static void fill_level(struct cgroup_level *level, const char *path, uint64_t current)
{
	level->path = path;
	level->current = fact_of(current);
	level->max = level->high = level->swap_max = fact_of(UINT64_MAX);
	level->low = level->min = level->oom_group = fact_of(0);
	level->events_high = level->events_max = level->events_oom = level->events_oom_kill =
	        fact_of(0);
}

void sample_fill_cgroup(struct part *part)
{
	struct cgroup_facts *cgroup = &part->cgroup;
	struct cgroup_level *own;

	cgroup->version = CGROUP_V2;
	cgroup->path = "/system.slice/ledgerd.service";
	cgroup->level_count = 3;
	cgroup->levels = region_alloc(part->region, 3 * sizeof(*cgroup->levels));
	assert_non_null(cgroup->levels);
	fill_level(&cgroup->levels[0], "/", 11200 * MIB);
	cgroup->levels[0].max = cgroup->levels[0].high =
	        fact_unknown(); /* the root has no limits */
	cgroup->levels[0].events_oom = fact_of(2);
	fill_level(&cgroup->levels[1], "/system.slice", 6963 * MIB);
	own = &cgroup->levels[2];
	fill_level(own, cgroup->path, 402 * MIB);
	own->high = fact_of(640 * MIB);
	own->max = fact_of(768 * MIB);
	own->swap_current = fact_of(0);
	own->swap_max = fact_of(256 * MIB);
	own->anon = fact_of(372 * MIB);
	own->file = fact_of(22 * MIB);
	own->kernel = fact_of(8 * MIB);
}

/* clang-format off */
static const struct sample_task {
	int32_t pid;
	const char *comm;
	uint32_t uid;
	int16_t adj;
	uint64_t score, rss_pages, swap_pages, pgtables_kib;
} task_table[] = {
	{  2211, "cc1plus",          1004,   300, 975,  753075,     0,  6452 },
	{  1911, "java",              112,     0, 833, 1070592, 79872,  9152 },
	{  2310, "postgres: check",   108,     0, 698,  223539,     0,  2260 },
	{ SAMPLE_PID, "ledgerd",      997,     0, 681,       0,     0,  1208 },
	{  1702, "dockerd",             0,     0, 672,   37069,   512,   576 },
	{   902, "systemd-journal",     0,  -250, 504,   23040,     0,   400 },
	{   731, "dbus-daemon",       103,  -900,  69,   15258,     0,   320 },
	{   640, "sshd",                0, -1000,   0,    2278,     0,    96 },
};
/* clang-format on */

enum { TASKS = sizeof(task_table) / sizeof(task_table[0]), SMALL_TASKS = 204 };

/* 103 has no name: not everybody's id has one. */
static const char *user_of(uint32_t uid)
{
	switch (uid) {
	case 0:
		return "root";
	case 108:
		return "postgres";
	case 112:
		return "elastic";
	case 997:
		return "ledger";
	case 1004:
		return "build";
	default:
		return "";
	}
}

static void fill_task(struct oom_task *task, const struct sample_task *from)
{
	task->pid = from->pid;
	(void)snprintf(task->user, sizeof(task->user), "%s", user_of(from->uid));
	memcpy(task->comm, from->comm, strlen(from->comm));
	task->uid = from->uid;
	task->adj = from->adj;
	task->in_domain = from->pid == SAMPLE_PID;
	task->rss_pages = from->rss_pages;
	task->swap_pages = from->swap_pages;
	task->pgtables_bytes = from->pgtables_kib * KIB;
	task->score = fact_of(from->score);
}

static void fill_small_task(struct oom_task *task, int i)
{
	task->pid = 3000 + i;
	task->start_ticks = 4000 + (uint64_t)i;
	(void)snprintf(task->comm, sizeof(task->comm), "worker-%d", i);
	task->uid = 1000;
	task->rss_pages = 12000 - (uint64_t)i * 50;
	task->pgtables_bytes = 64 * KIB;
	task->score = fact_of(666);
}

void sample_fill_oom(struct part *part)
{
	struct oom_table *oom = &part->oom;
	size_t next = 0;

	oom->totalpages = TOTAL_PAGES;
	oom->tasks = region_alloc(part->region, (TASKS + SMALL_TASKS) * sizeof(*oom->tasks));
	assert_non_null(oom->tasks);
	for (size_t i = 0; i < TASKS; i++) {
		if (task_table[i].adj < 0 && task_table[i - 1].adj >= 0) {
			for (int small = 0; small < SMALL_TASKS; small++)
				fill_small_task(&oom->tasks[next++], small);
		}
		fill_task(&oom->tasks[next++], &task_table[i]);
	}
	oom->count = next;
}
