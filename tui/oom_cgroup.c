/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commit·OOM: the cgroup path, and whom the first limit would kill. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/view_oom.h"
#include "tui/view_parts.h"

enum { LABEL_AT = 1, NUMBER = 11, OOM_COLUMNS = 6 };

static bool is_limit(struct fact limit)
{
	return fact_known(limit) && limit.v != UINT64_MAX;
}

/* A limit of "max" is none at all; the root of v2 has no limits to be read. */
static void draw_limit(const struct cgroup_level *level, struct area area, int x_end, int y,
                       struct fact limit)
{
	bool is_root = !strcmp(level->path, "/");

	if (fact_known(limit) ? limit.v == UINT64_MAX : is_root)
		draw_right(area, x_end, y, ROLE_TEXT_DIM, "-");
	else
		draw_bytes(area, x_end, y, limit);
}

/* The last component of a level's path. */
static void level_name(const struct cgroup_level *level, char *to, size_t size)
{
	const char *slash = strrchr(level->path, '/');
	const char *name = slash && slash[1] ? slash + 1 : level->path;

	text_clean(to, size, name, strlen(name));
}

/* Columns from the right edge: current, high, max, kills. */
struct columns {
	int name, current, high, max, oom;
};

static struct columns columns_of(struct area area)
{
	struct columns c = { .oom = area.width - 1 };

	c.max = c.oom - OOM_COLUMNS;
	c.high = c.max - NUMBER;
	c.current = c.high - NUMBER;
	c.name = c.current - NUMBER;
	return c;
}

static void draw_level(const struct cgroup_level *level, bool is_v2, struct area area, int depth,
                       int y)
{
	struct columns c = columns_of(area);
	char name[160];

	level_name(level, name, sizeof(name));
	draw_text(area_part(area, 0, 0, c.name, -1), LABEL_AT + depth, y, ROLE_TEXT, name);
	draw_bytes(area, c.current, y, level->current);
	if (is_v2)
		draw_limit(level, area, c.high, y, level->high);
	else
		draw_right(area, c.high, y, ROLE_TEXT_DIM, "-");
	draw_limit(level, area, c.max, y, level->max);
	draw_count(area, c.oom, y, level->events_oom_kill);
}

static void draw_titles(struct area area)
{
	struct columns c = columns_of(area);

	draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM, "cgroup");
	draw_right(area, c.current, 0, ROLE_TEXT_DIM, "current");
	draw_right(area, c.high, 0, ROLE_TEXT_DIM, "high");
	draw_right(area, c.max, 0, ROLE_TEXT_DIM, "max");
	draw_right(area, c.oom, 0, ROLE_TEXT_DIM, "kills");
}

static int draw_fact(struct area area, int x, int y, const char *label, struct fact bytes)
{
	char number[TEXT_NUMBER];

	x += draw_text(area, x, y, ROLE_TEXT_DIM, label) + 1;
	return x + draw_text(area, x, y, figure_role(bytes), figure_bytes(number, bytes)) + 2;
}

static void draw_own_details(const struct cgroup_level *own, bool is_v2, struct area area, int y)
{
	char a[TEXT_NUMBER], b[TEXT_NUMBER];
	int x = LABEL_AT;

	x = draw_fact(area, x, y, "anon", own->anon);
	x = draw_fact(area, x, y, "file", own->file);
	x = draw_fact(area, x, y, "kernel", own->kernel);
	(void)draw_fact(area, x, y, "swap", own->swap_current);
	if (!is_v2) {
		draw_textf(area, LABEL_AT, y + 1, ROLE_TEXT, "failcnt %s   oom_kill_disable %s",
		           text_count_fact(a, own->events_max),
		           text_count_fact(b, own->oom_kill_disable));
		return;
	}
	draw_textf(area, LABEL_AT, y + 1, ROLE_TEXT, "oom.group %s   events: high %s  max %s",
	           !fact_known(own->oom_group) ? "?"
	           : own->oom_group.v          ? "yes"
	                                       : "no",
	           text_count_fact(a, own->events_high), text_count_fact(b, own->events_max));
}

/* The newest levels when there are more than fit: the own one decides most. */
static int draw_levels(const struct cgroup_facts *cgroup, struct area area, int rows)
{
	size_t shown = (size_t)(rows > 0 ? rows : 0), first;

	if (cgroup->level_count < shown)
		shown = cgroup->level_count;
	first = cgroup->level_count - shown;
	for (size_t i = 0; i < shown; i++)
		draw_level(&cgroup->levels[first + i], cgroup->version == CGROUP_V2, area, (int)i,
		           1 + (int)i);
	return 1 + (int)shown;
}

void oom_cgroup(const struct view_frame *frame, struct area area)
{
	const struct cgroup_facts *cgroup = snapshot_cgroup(frame->snap);
	const struct cgroup_level *own;
	int y;

	if (!cgroup || cgroup->unreadable || !cgroup->level_count) {
		draw_textf(area, LABEL_AT, 0, ROLE_TEXT_DIM, "%s",
		           !cgroup              ? "… not read yet"
		           : cgroup->unreadable ? cgroup->unreadable
		                                : "no memory controller");
		return;
	}
	own = &cgroup->levels[cgroup->level_count - 1];
	draw_titles(area);
	y = draw_levels(cgroup, area, area.height - 4);
	if (is_limit(own->max))
		draw_share(area, LABEL_AT, y, area.width - 2, own->current, own->max);
	draw_own_details(own, cgroup->version == CGROUP_V2, area, y + 1);
}

/* --- who dies ----------------------------------------------------------------------------------- */

static void task_name(const struct oom_task *task, char *to, size_t size)
{
	text_clean(to, size, task->comm, strnlen(task->comm, sizeof(task->comm)));
}

static void draw_task(const struct oom_task *task, int64_t points, uint64_t totalpages,
                      struct area area, int y)
{
	char comm[3 * sizeof(task->comm)], badness[TEXT_NUMBER], total[TEXT_NUMBER];

	task_name(task, comm, sizeof(comm));
	draw_textf(area, LABEL_AT + 2, y, ROLE_OOM_VICTIM, "→ kill %s (%d)", comm, task->pid);
	draw_textf(area, LABEL_AT + 4, y + 1, ROLE_TEXT, "badness %s of %s pages, adj %d",
	           text_signed(badness, points), text_count(total, totalpages), task->adj);
}

/* The first of the target's domain, and how many there are to choose from. */
static const struct oom_task *domain_first(const struct oom_table *oom, size_t *ret_count)
{
	const struct oom_task *first = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < oom->count; i++) {
		*ret_count += oom->tasks[i].in_domain;
		if (oom->tasks[i].domain_rank == 1)
			first = &oom->tasks[i];
	}
	return first;
}

/* oom_score_adj is scaled by the pages of the cgroup there. */
static int64_t domain_badness(const struct view_frame *frame, const struct oom_table *oom,
                              const struct oom_task *task)
{
	int64_t points = task->badness;
	const char *why;

	if (frame->rules && oom->domain_totalpages)
		(void)lx_oom_badness(frame->rules, task, oom->domain_totalpages, &points, &why);
	return points;
}

static void draw_distance(const struct first_limit *first, const char *what, struct area area,
                          int y)
{
	char distance[TEXT_NUMBER], room[TEXT_NUMBER];

	if (fact_known(first->distance))
		draw_textf(area, LABEL_AT, y, ROLE_TEXT_STRONG, "%s +%s, %s with reclaim", what,
		           figure_bytes(distance, first->distance),
		           figure_bytes(room, first->room));
	else
		draw_textf(area, LABEL_AT, y, ROLE_TEXT_STRONG, "%s: distance ?", what);
}

/* A cgroup's OOM kill; returns the rows used, none when the machine itself ends first. */
static int draw_domain(const struct view_frame *frame, const struct oom_table *oom,
                       struct area area)
{
	const struct first_limit *first = frame->first_limit;
	const struct oom_task *victim;
	char name[160];
	size_t count;

	if (!first || first->constraint != OOM_CONSTRAINT_MEMCG || !first->level)
		return 0;
	draw_distance(first, "first: memory.max", area, 0);
	level_name(first->level, name, sizeof(name));
	victim = domain_first(oom, &count);
	draw_textf(area, LABEL_AT + 2, 1, ROLE_TEXT, "looks at %zu process%s of %s", count,
	           count == 1 ? "" : "es", name);
	if (!victim) {
		draw_text(area, LABEL_AT + 2, 2, ROLE_OOM_SAFE, "→ nobody there can be killed");
		return 3;
	}
	draw_task(victim, domain_badness(frame, oom, victim),
	          oom->domain_totalpages ? oom->domain_totalpages : oom->totalpages, area, 2);
	return 4;
}

/* The kernel's choice when RAM and swap run out; returns the rows used. */
static int draw_global(const struct view_frame *frame, const struct oom_table *oom,
                       struct area area, int y)
{
	const struct system_facts *sys = snapshot_system(frame->snap);
	const struct oom_call call = {
		.constraint = OOM_CONSTRAINT_NONE,
		.panic_on_oom = sys ? fact_or(sys->panic_on_oom, 0) : 0,
	};
	struct oom_verdict verdict = { 0 };

	if (!frame->rules) {
		draw_text(area, LABEL_AT + 2, y, ROLE_TEXT_DIM,
		          "→ ? the kernel's version is not known");
		return 1;
	}
	lx_oom_choose(frame->rules, oom, &call, &verdict);
	if (verdict.outcome == OOM_OUTCOME_KILL && verdict.victim) {
		draw_task(verdict.victim, verdict.points, oom->totalpages, area, y);
		return 2;
	}
	draw_textf(area, LABEL_AT + 2, y, ROLE_OOM_VICTIM, "→ %s: %s",
	           lx_outcome_word(verdict.outcome), verdict.why ? verdict.why : "?");
	return 1;
}

static void draw_sysctls(const struct view_frame *frame, struct area area, int y)
{
	const struct system_facts *sys = snapshot_system(frame->snap);
	char a[TEXT_NUMBER], b[TEXT_NUMBER];

	if (sys)
		draw_textf(area, LABEL_AT, y, ROLE_TEXT_DIM,
		           "panic_on_oom %s   oom_kill_allocating_task %s",
		           text_count_fact(a, sys->panic_on_oom),
		           text_count_fact(b, sys->oom_kill_allocating_task));
}

void oom_victims(const struct view_frame *frame, struct area area)
{
	const struct oom_table *oom = snapshot_oom(frame->snap);
	int y;

	if (!oom) {
		draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM,
		          "… the processes have not been ranked yet");
		return;
	}
	y = draw_domain(frame, oom, area);
	if (y || !frame->first_limit)
		draw_text(area, LABEL_AT, y++, ROLE_TEXT_STRONG, "when RAM and swap run out");
	else
		draw_distance(frame->first_limit, "first: RAM and swap", area, y++);
	y += draw_global(frame, oom, area, y);
	draw_sysctls(frame, area, y);
}
