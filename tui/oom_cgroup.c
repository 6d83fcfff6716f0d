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

/* A limit of "max" is none at all. */
static void draw_limit(struct area area, int x_end, int y, struct fact limit)
{
	if (fact_known(limit) && limit.v == UINT64_MAX)
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

static void draw_level(const struct cgroup_level *level, int depth, struct area area, int y)
{
	struct columns c = columns_of(area);
	char name[160];

	level_name(level, name, sizeof(name));
	draw_text(area_part(area, 0, 0, c.name, -1), LABEL_AT + depth, y, ROLE_TEXT, name);
	draw_bytes(area, c.current, y, level->current);
	draw_limit(area, c.high, y, level->high);
	draw_limit(area, c.max, y, level->max);
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

static void draw_own_details(const struct cgroup_level *own, struct area area, int y)
{
	char a[TEXT_NUMBER], b[TEXT_NUMBER];
	int x = LABEL_AT;

	x = draw_fact(area, x, y, "anon", own->anon);
	x = draw_fact(area, x, y, "file", own->file);
	x = draw_fact(area, x, y, "kernel", own->kernel);
	(void)draw_fact(area, x, y, "swap", own->swap_current);
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
		draw_level(&cgroup->levels[first + i], (int)i, area, 1 + (int)i);
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
	draw_own_details(own, area, y + 1);
}

/* --- who dies ----------------------------------------------------------------------------------- */

/* The task that would be chosen, and by how much. */
struct victim {
	const struct oom_task *task; /* NULL: nobody can be killed */
	int64_t badness;
	uint64_t totalpages;
	size_t candidates;
};

/* Among equals the kernel's later one wins; the table is ranked, its first one is chosen. */
static struct victim global_victim(const struct oom_table *oom)
{
	struct victim victim = { .totalpages = oom->totalpages, .candidates = oom->count };

	if (oom->count && oom->tasks[0].is_eligible) {
		victim.task = &oom->tasks[0];
		victim.badness = oom->tasks[0].badness;
	}
	return victim;
}

/* In a cgroup oom_score_adj is scaled by the cgroup's own pages, which may change the order. */
static struct victim domain_victim(const struct view_frame *frame, const struct oom_table *oom,
                                   const struct cgroup_level *level)
{
	const struct system_facts *sys = snapshot_system(frame->snap);
	struct victim victim = { 0 };

	if (!sys || !sys->page_size || !frame->rules)
		return victim;
	victim.totalpages = lx_memcg_totalpages(level, sys);
	for (size_t i = 0; i < oom->count; i++) {
		int64_t points;
		const char *why;

		if (!oom->tasks[i].in_domain)
			continue;
		victim.candidates++;
		if (!lx_oom_badness(frame->rules, &oom->tasks[i], victim.totalpages, &points, &why))
			continue;
		if (!victim.task || points > victim.badness) {
			victim.task = &oom->tasks[i];
			victim.badness = points;
		}
	}
	return victim;
}

static int draw_victim(const struct victim *victim, struct area area, int y)
{
	char comm[3 * sizeof(victim->task->comm)], badness[TEXT_NUMBER], total[TEXT_NUMBER];

	if (!victim->task) {
		draw_text(area, LABEL_AT + 2, y, ROLE_OOM_SAFE, "→ nobody there can be killed");
		return y + 1;
	}
	text_clean(comm, sizeof(comm), victim->task->comm,
	           strnlen(victim->task->comm, sizeof(victim->task->comm)));
	draw_textf(area, LABEL_AT + 2, y, ROLE_OOM_VICTIM, "→ kill %s (%d)", comm,
	           victim->task->pid);
	draw_textf(area, LABEL_AT + 4, y + 1, ROLE_TEXT, "badness %s of %s pages, adj %d",
	           text_signed(badness, victim->badness), text_count(total, victim->totalpages),
	           victim->task->adj);
	return y + 2;
}

static int draw_first_limit(const struct view_frame *frame, const struct oom_table *oom,
                            struct area area)
{
	const struct first_limit *first = frame->first_limit;
	char name[160], distance[TEXT_NUMBER];
	struct victim victim;

	if (!first || first->constraint != OOM_CONSTRAINT_MEMCG || !first->level)
		return 0;
	level_name(first->level, name, sizeof(name));
	draw_textf(area, LABEL_AT, 0, ROLE_TEXT_STRONG, "first limit: memory.max, %s away",
	           figure_bytes(distance, first->distance));
	victim = domain_victim(frame, oom, first->level);
	draw_textf(area, LABEL_AT + 2, 1, ROLE_TEXT, "looks at %zu task%s of %s", victim.candidates,
	           victim.candidates == 1 ? "" : "s", name);
	return draw_victim(&victim, area, 2);
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
	struct victim victim;
	char distance[TEXT_NUMBER];
	int y;

	if (!oom) {
		draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM,
		          "… the processes have not been ranked yet");
		return;
	}
	y = draw_first_limit(frame, oom, area);
	if (!y && frame->first_limit && fact_known(frame->first_limit->distance))
		draw_textf(area, LABEL_AT, y++, ROLE_TEXT_STRONG,
		           "first limit: RAM and swap, %s away",
		           figure_bytes(distance, frame->first_limit->distance));
	draw_text(area, LABEL_AT, y++, ROLE_TEXT_STRONG, "when RAM and swap run out");
	victim = global_victim(oom);
	y = draw_victim(&victim, area, y);
	draw_sysctls(frame, area, y);
}
