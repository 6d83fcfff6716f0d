/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overview: what may run out, and how fast. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/view_overview.h"
#include "tui/view_parts.h"

enum { LABEL_AT = 1, TEXT_AT = 9, GAUGE_NUMBERS = 24, RATE_WINDOW_S = 5, GROWTH_WINDOW_S = 60 };

/* One gauge: what of it is taken, of how much. */
struct gauge {
	const char *label;
	struct fact used, limit;
};

static struct fact minus(struct fact a, struct fact b)
{
	if (!fact_known(a) || !fact_known(b) || a.v < b.v)
		return fact_unknown();
	return fact_of(a.v - b.v);
}

static bool is_limit(struct fact limit)
{
	return fact_known(limit) && limit.v != UINT64_MAX;
}

static struct gauge ram_gauge(const struct system_facts *sys)
{
	return (struct gauge){ "RAM",
		               sys ? minus(sys->mem_total, sys->mem_available) : fact_unknown(),
		               sys ? sys->mem_total : fact_unknown() };
}

static struct gauge swap_gauge(const struct system_facts *sys)
{
	return (struct gauge){ "swap",
		               sys ? minus(sys->swap_total, sys->swap_free) : fact_unknown(),
		               sys ? sys->swap_total : fact_unknown() };
}

static struct gauge commit_gauge(const struct system_facts *sys)
{
	return (struct gauge){ "commit", sys ? sys->committed_as : fact_unknown(),
		               sys ? sys->commit_limit : fact_unknown() };
}

/* The level of the path that has least room left; NULL when none has a limit. */
static const struct cgroup_level *nearest_level(const struct cgroup_facts *cgroup)
{
	const struct cgroup_level *nearest = NULL;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; cgroup && i < cgroup->level_count; i++) {
		const struct cgroup_level *level = &cgroup->levels[i];
		uint64_t room;

		if (!is_limit(level->max) || !fact_known(level->current))
			continue;
		room = level->max.v > level->current.v ? level->max.v - level->current.v : 0;
		if (!nearest || room < least) {
			nearest = level;
			least = room;
		}
	}
	return nearest;
}

/* "11.0 of 15.6 GiB": the unit once when both have the same. */
static void gauge_numbers(const struct gauge *gauge, char *to, size_t size)
{
	char used[TEXT_NUMBER], limit[TEXT_NUMBER];
	char *unit, *limit_unit;

	if (fact_known(gauge->limit) && !gauge->limit.v) {
		(void)snprintf(to, size, "none");
		return;
	}
	figure_bytes(used, gauge->used);
	figure_bytes(limit, gauge->limit);
	unit = strchr(used, ' ');
	limit_unit = strchr(limit, ' ');
	if (unit && limit_unit && !strcmp(unit, limit_unit))
		*unit = '\0';
	(void)snprintf(to, size, "%s of %s", used, limit);
}

static void draw_gauge_row(struct area area, int y, const struct gauge *gauge)
{
	int width = area.width - TEXT_AT - GAUGE_NUMBERS;
	char numbers[2 * TEXT_NUMBER + 8];

	draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, gauge->label);
	if (width > 4)
		draw_share(area, TEXT_AT, y, width, gauge->used, gauge->limit);
	gauge_numbers(gauge, numbers, sizeof(numbers));
	draw_right(area, area.width - 1, y, ROLE_NUMBER, numbers);
}

static const char *mode_words(const struct system_facts *sys)
{
	if (!sys || !fact_known(sys->overcommit_memory))
		return "overcommit mode ?";
	switch (sys->overcommit_memory.v) {
	case 0:
		return "mode 0 (heuristic): the limit is not enforced";
	case 1:
		return "mode 1 (always): the limit is not enforced";
	case 2:
		return "mode 2 (never): the limit is enforced";
	default:
		return "overcommit mode unknown to heaptop";
	}
}

/* The root of v2 has no limits, and thus no files for them. */
static bool are_limits_known(const struct cgroup_facts *cgroup)
{
	for (size_t i = 0; i < cgroup->level_count; i++) {
		if (!fact_known(cgroup->levels[i].max) && strcmp(cgroup->levels[i].path, "/") != 0)
			return false;
	}
	return true;
}

static void cgroup_words(const struct cgroup_facts *cgroup, const struct cgroup_level *nearest,
                         char *to, size_t size)
{
	char path[160], high[TEXT_NUMBER];
	const char *raw = nearest ? nearest->path : cgroup ? cgroup->path : NULL;

	path[0] = '\0';
	if (raw)
		text_clean(path, sizeof(path), raw, strlen(raw));
	if (!cgroup)
		(void)snprintf(to, size, "… not read yet");
	else if (cgroup->unreadable)
		(void)snprintf(to, size, "? %s", cgroup->unreadable);
	else if (cgroup->version == CGROUP_NONE)
		(void)snprintf(to, size, "no memory controller");
	else if (!nearest && !are_limits_known(cgroup))
		(void)snprintf(to, size, "? limits could not be read  %s", path);
	else if (!nearest)
		(void)snprintf(to, size, "no limit on the path  %s", path);
	else if (is_limit(nearest->high))
		(void)snprintf(to, size, "high %s  %s", text_bytes(high, nearest->high.v), path);
	else
		(void)snprintf(to, size, "%s", path);
}

static void draw_cgroup(const struct view_frame *frame, struct area area, int y)
{
	const struct cgroup_facts *cgroup = snapshot_cgroup(frame->snap);
	const struct cgroup_level *nearest = nearest_level(cgroup);
	char words[240];

	cgroup_words(cgroup, nearest, words, sizeof(words));
	if (nearest) {
		const struct gauge gauge = { "cgroup", nearest->current, nearest->max };

		draw_gauge_row(area, y, &gauge);
		draw_text(area, TEXT_AT, y + 1, ROLE_TEXT_DIM, words);
	} else {
		draw_labelled(area, LABEL_AT, TEXT_AT, y, "cgroup", words);
	}
}

/* Hundredths of a percent as "0.12" */
static const char *psi_text(char buf[TEXT_NUMBER], struct fact hundredths)
{
	if (!fact_known(hundredths))
		return "?";
	(void)snprintf(buf, TEXT_NUMBER, "%" PRIu64 ".%02" PRIu64, hundredths.v / 100,
	               hundredths.v % 100);
	return buf;
}

static void draw_psi(const struct system_facts *sys, struct area area, int y)
{
	char n[6][TEXT_NUMBER];

	draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, "PSI mem");
	if (!sys || !fact_known(sys->some.avg10)) {
		draw_text(area, TEXT_AT, y, ROLE_TEXT_DIM,
		          sys ? "? this kernel shows none" : "… not read yet");
		return;
	}
	draw_textf(area, TEXT_AT, y, ROLE_TEXT, "some %s %s %s   full %s %s %s",
	           psi_text(n[0], sys->some.avg10), psi_text(n[1], sys->some.avg60),
	           psi_text(n[2], sys->some.avg300), psi_text(n[3], sys->full.avg10),
	           psi_text(n[4], sys->full.avg60), psi_text(n[5], sys->full.avg300));
}

static const struct oom_task *target_task(const struct view_frame *frame)
{
	const struct process_facts *process = snapshot_process(frame->snap);
	const struct oom_table *oom = snapshot_oom(frame->snap);

	for (size_t i = 0; process && oom && i < oom->count; i++) {
		if (oom->tasks[i].pid == process->id.pid)
			return &oom->tasks[i];
	}
	return NULL;
}

static size_t domain_count(const struct oom_table *oom)
{
	size_t count = 0;

	for (size_t i = 0; i < oom->count; i++)
		count += oom->tasks[i].in_domain;
	return count;
}

static void oom_words(const struct view_frame *frame, char *to, size_t size)
{
	const struct oom_table *oom = snapshot_oom(frame->snap);
	const struct oom_task *task = target_task(frame);
	char score[TEXT_NUMBER];

	if (!task)
		(void)snprintf(to, size,
		               oom ? "not in the table of processes" : "… not ranked yet");
	else if (!task->is_eligible)
		(void)snprintf(to, size, "never chosen: %s", task->why_not);
	else
		(void)snprintf(to, size, "score %s  adj %d  rank %u of %zu on this host",
		               text_count_fact(score, task->score), task->adj,
		               lx_oom_position(oom, task->pid, false), oom->count);
}

static void domain_words(const struct view_frame *frame, char *to, size_t size)
{
	const struct oom_table *oom = snapshot_oom(frame->snap);
	const struct oom_task *task = target_task(frame);
	uint32_t rank;

	to[0] = '\0';
	if (!task || !task->is_eligible || !task->in_domain || !frame->first_limit ||
	    frame->first_limit->constraint != OOM_CONSTRAINT_MEMCG)
		return;
	rank = lx_oom_position(oom, task->pid, true);
	(void)snprintf(to, size, "rank %u of %zu in its cgroup%s", rank, domain_count(oom),
	               rank == 1 ? ": it dies first there" : "");
}

static void rate_words(const struct history *history, char *to, size_t size)
{
	int64_t minor, major;
	char a[TEXT_NUMBER], b[TEXT_NUMBER];

	if (history && history_rate(history, HISTORY_MIN_FAULTS, RATE_WINDOW_S, &minor) &&
	    history_rate(history, HISTORY_MAJ_FAULTS, RATE_WINDOW_S, &major))
		(void)snprintf(to, size, "minor %s/s   major %s/s", text_signed(a, minor),
		               text_signed(b, major));
	else
		(void)snprintf(to, size, "… known from the second sample on");
}

static char *per_minute(char buf[2 * TEXT_NUMBER], const struct history *history,
                        enum history_series series)
{
	char bytes[TEXT_NUMBER];
	int64_t rate;
	uint64_t size;

	if (!history || !history_rate(history, series, GROWTH_WINDOW_S, &rate)) {
		(void)snprintf(buf, 2ul * TEXT_NUMBER, "?");
		return buf;
	}
	size = rate < 0 ? (uint64_t)0 - (uint64_t)rate : (uint64_t)rate;
	size = size > UINT64_MAX / 60 ? UINT64_MAX : size * 60;
	(void)snprintf(buf, 2ul * TEXT_NUMBER, "%s%s/min", rate < 0 ? "-" : "+",
	               text_bytes(bytes, size));
	return buf;
}

static void growth_words(const struct history *history, char *to, size_t size)
{
	char heap[2 * TEXT_NUMBER], rss[2 * TEXT_NUMBER], over[32] = "";
	uint32_t span = history ? history_span(history, HISTORY_RSS, GROWTH_WINDOW_S) : 0;

	/* A minute's growth that was seen for less than about a minute says so. */
	if (span && span < GROWTH_WINDOW_S / 2)
		(void)snprintf(over, sizeof(over), "   over %" PRIu32 " s", span);
	(void)snprintf(to, size, "heap %s   rss %s%s",
	               per_minute(heap, history, HISTORY_SYSTEM_MEM),
	               per_minute(rss, history, HISTORY_RSS), over);
}

void overview_pressure(const struct view_frame *frame, struct area area)
{
	const struct system_facts *sys = snapshot_system(frame->snap);
	const struct gauge gauges[] = { ram_gauge(sys), swap_gauge(sys), commit_gauge(sys) };
	char words[240];
	int y = 0;

	for (uint64_t i = 0; i < 3; i++) {
		draw_gauge_row(area, y, &gauges[i]);
		view_item(frame->state, area, y++, overview_key(ITEM_RAM + i, 0));
	}
	draw_text(area, TEXT_AT, y++, ROLE_TEXT_DIM, mode_words(sys));
	draw_cgroup(frame, area, y);
	view_item(frame->state, area, y, overview_key(ITEM_CGROUP, 0));
	y += 2;
	draw_psi(sys, area, y);
	view_item(frame->state, area, y++, overview_key(ITEM_PSI, 0));
	oom_words(frame, words, sizeof(words));
	draw_labelled(area, LABEL_AT, TEXT_AT, y, "OOM", words);
	view_item(frame->state, area, y++, overview_key(ITEM_OOM, 0));
	domain_words(frame, words, sizeof(words));
	draw_text(area, TEXT_AT, y++, ROLE_TEXT, words);
	rate_words(frame->history, words, sizeof(words));
	draw_labelled(area, LABEL_AT, TEXT_AT, y, "faults", words);
	view_item(frame->state, area, y++, overview_key(ITEM_FAULTS, 0));
	growth_words(frame->history, words, sizeof(words));
	draw_labelled(area, LABEL_AT, TEXT_AT, y, "growth", words);
	view_item(frame->state, area, y++, overview_key(ITEM_GROWTH, 0));
}

/* Two gauges a row, then the OOM killer's view. */
void overview_limits_compact(const struct view_frame *frame, struct area area)
{
	const struct system_facts *sys = snapshot_system(frame->snap);
	const struct cgroup_level *nearest = nearest_level(snapshot_cgroup(frame->snap));
	const struct gauge gauges[] = {
		ram_gauge(sys),
		commit_gauge(sys),
		swap_gauge(sys),
		{ "cgroup", nearest ? nearest->current : fact_unknown(),
		  nearest ? nearest->max : fact_unknown() },
	};
	int half = area.width / 2;
	char oom[240];

	for (int i = 0; i < 4; i++) {
		struct area cell = area_part(area, i % 2 * half, 0, half, -1);

		if (i == 3 && !nearest) {
			char words[240];

			cgroup_words(snapshot_cgroup(frame->snap), NULL, words, sizeof(words));
			draw_labelled(cell, LABEL_AT, TEXT_AT, i / 2, "cgroup", words);
		} else {
			draw_gauge_row(cell, i / 2, &gauges[i]);
		}
	}
	oom_words(frame, oom, sizeof(oom));
	draw_labelled(area, LABEL_AT, TEXT_AT, 2, "OOM", oom);
}
