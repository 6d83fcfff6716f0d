/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commit·OOM: commit accounting and its chart. */
#include <inttypes.h>
#include <stdio.h>

#include "model/base/units.h"
#include "tui/view_oom.h"
#include "tui/view_parts.h"
#include "tui/widget_graph.h"

enum { LABEL_AT = 1, NUMBER_END = 29, TEXT_AT = 32, CHART_MOST_S = 600, CHART_LEAST_S = 60 };

#define NS_PER_S UINT64_C(1000000000)

static const char *const mode_names[] = { "heuristic", "always", "never" };

static struct fact overcommit_mode(const struct view_frame *frame)
{
	const struct system_facts *sys = snapshot_system(frame->snap);

	return sys ? sys->overcommit_memory : fact_unknown();
}

/* As the kernel's own files print it. */
static void draw_kb(struct area area, int y, const char *label, struct fact bytes)
{
	draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, label);
	if (fact_known(bytes))
		bytes.v /= KIB;
	draw_count(area, NUMBER_END, y, bytes);
}

static void draw_mode(const struct view_frame *frame, struct area area, int y)
{
	const struct system_facts *sys = snapshot_system(frame->snap);
	struct fact mode = overcommit_mode(frame);
	char ratio[TEXT_NUMBER];

	if (!sys || !fact_known(mode)) {
		draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, "mode ?");
		return;
	}
	draw_textf(area, LABEL_AT, y, ROLE_TEXT_STRONG, "mode %" PRIu64 " %s", mode.v,
	           mode.v < 3 ? mode_names[mode.v] : "?");
	if (fact_or(sys->overcommit_kbytes, 0))
		draw_textf(area, 19, y, ROLE_TEXT, "overcommit_kbytes %s",
		           text_count(ratio, sys->overcommit_kbytes.v));
	else
		draw_textf(area, 19, y, ROLE_TEXT, "ratio %s %%   swappiness %" PRIu64,
		           text_count_fact(ratio, sys->overcommit_ratio),
		           fact_or(sys->swappiness, 0));
}

static void draw_limit_rule(const struct view_frame *frame, struct area area, int y)
{
	const struct system_facts *sys = snapshot_system(frame->snap);

	if (!sys)
		return;
	if (fact_or(sys->overcommit_kbytes, 0))
		draw_text(area, TEXT_AT, y, ROLE_TEXT_DIM, "= kbytes + swap");
	else if (fact_known(sys->overcommit_ratio))
		draw_textf(area, TEXT_AT, y, ROLE_TEXT_DIM,
		           fact_or(sys->hugetlb, 0) ? "= (RAM - hugetlb) × %" PRIu64 " %% + swap"
		                                    : "= RAM × %" PRIu64 " %% + swap",
		           sys->overcommit_ratio.v);
}

static void draw_of(struct area area, int y, struct fact part, struct fact whole,
                    const char *of_what)
{
	unsigned permille;

	if (!fact_known(part) || !fact_known(whole) || !whole.v)
		return;
	permille = permille_of(part.v, whole.v);
	draw_textf(area, TEXT_AT, y, ROLE_TEXT_DIM, "%s%u.%u %% of %s",
	           part.v > whole.v ? "> " : "", permille / 10, permille % 10, of_what);
}

void oom_commit(const struct view_frame *frame, struct area area)
{
	static const struct commit_facts nothing = { 0 };
	const struct commit_facts *commit = frame->commit ? frame->commit : &nothing;
	struct fact charged = commit->target_charged;

	if (fact_known(charged) && commit->target_is_estimate)
		charged.state = FACT_ESTIMATE;
	draw_mode(frame, area, 0);
	draw_kb(area, 1, "CommitLimit", commit->limit);
	draw_limit_rule(frame, area, 1);
	draw_kb(area, 2, "Committed_AS", commit->committed);
	draw_of(area, 2, commit->committed, commit->limit, "the limit");
	draw_share(area, LABEL_AT, 3, area.width - 2, commit->committed, commit->limit);
	draw_kb(area, 4, "this process", charged);
	draw_of(area, 4, charged, commit->committed, "Committed_AS");
	draw_kb(area, 5, "admin reserve", commit->reserve_admin);
	draw_text(area, TEXT_AT, 5, ROLE_TEXT_DIM, "not for root, mode 2");
	draw_kb(area, 6, "user reserve", commit->reserve_user);
	draw_text(area, TEXT_AT, 6, ROLE_TEXT_DIM, "at most VmSize/32, mode 2");
	draw_kb(area, 7, "per-CPU parts", commit->uncertainty);
	draw_text(area, TEXT_AT, 7, ROLE_TEXT_DIM, "error of the counter");
}

/* --- headroom ----------------------------------------------------------------------------------- */

static void draw_headroom_row(const struct view_frame *frame, struct area area, size_t mode)
{
	const struct commit_facts *commit = frame->commit;
	const char *rule = commit && commit->decided_by[mode] ? commit->decided_by[mode] : "?";
	struct fact now = overcommit_mode(frame);
	bool is_now = fact_known(now) && now.v == mode;
	struct fact headroom = commit ? commit->headroom[mode] : fact_unknown();
	int y = 1 + (int)mode;

	if (is_now)
		draw_text(area, LABEL_AT, y, ROLE_MARK, "▶");
	draw_textf(area, LABEL_AT + 1, y, is_now ? ROLE_TEXT_STRONG : ROLE_TEXT, "%zu %s", mode,
	           mode_names[mode]);
	draw_bytes(area, NUMBER_END, y, headroom);
	draw_text(area, TEXT_AT, y, ROLE_TEXT_DIM, rule);
}

static char *kb(char buf[TEXT_NUMBER], struct fact bytes)
{
	if (fact_known(bytes))
		bytes.v /= KIB;
	return text_count_fact(buf, bytes);
}

static void draw_sum(const struct commit_facts *commit, struct area area, int y)
{
	char a[TEXT_NUMBER], b[TEXT_NUMBER];

	draw_textf(area, LABEL_AT + 3, y, ROLE_TEXT, "limit %s - admin %s", kb(a, commit->limit),
	           kb(b, commit->reserve_admin));
	draw_textf(area, LABEL_AT + 3, y + 1, ROLE_TEXT, "- user %s - used %s - 4",
	           kb(a, commit->reserve_user), kb(b, commit->committed));
	draw_textf(area, LABEL_AT + 3, y + 2, ROLE_TEXT_STRONG, "= %s kB ± %s",
	           kb(a, commit->headroom[2]), kb(b, commit->uncertainty));
	draw_text(area, LABEL_AT + 3, y + 3, ROLE_TEXT_DIM, "ENOMEM above that, also for fork()");
}

void oom_headroom(const struct view_frame *frame, struct area area)
{
	static const struct commit_facts nothing = { 0 };

	draw_text(area, LABEL_AT + 1, 0, ROLE_TEXT_DIM, "mode");
	draw_right(area, NUMBER_END, 0, ROLE_TEXT_DIM, "one mapping");
	draw_text(area, TEXT_AT, 0, ROLE_TEXT_DIM, "decided by");
	for (size_t mode = 0; mode < 3; mode++)
		draw_headroom_row(frame, area, mode);
	draw_sum(frame->commit ? frame->commit : &nothing, area, 4);
}

/* --- chart -------------------------------------------------------------------------------------- */

/* Whole minutes that the history covers, between one and ten. */
static uint32_t chart_seconds(const struct history *history)
{
	const struct history_sample *newest = history ? history_at(history, 0) : NULL;
	const struct history_sample *oldest =
	        newest ? history_at(history, history->count - 1) : NULL;
	uint64_t seconds;

	if (!oldest || newest->time_ns < oldest->time_ns)
		return CHART_LEAST_S;
	seconds = (newest->time_ns - oldest->time_ns) / NS_PER_S / 60 * 60;
	return (uint32_t)min_u64(max_u64(seconds, CHART_LEAST_S), CHART_MOST_S);
}

void oom_chart_title(const struct view_frame *frame, char *to, size_t size)
{
	uint32_t seconds = chart_seconds(frame->history);

	if (seconds < 120)
		(void)snprintf(to, size, "Committed_AS, last %u s", seconds);
	else
		(void)snprintf(to, size, "Committed_AS, last %u min", seconds / 60);
}

void oom_chart(const struct view_frame *frame, struct area area)
{
	struct graph graph = { .role = ROLE_GRAPH_1 };

	/* Only mode 2 refuses at the limit. */
	if (fact_or(overcommit_mode(frame), 0) == 2 && frame->commit)
		graph.limit = frame->commit->limit;
	graph_from_history(&graph, frame->history, HISTORY_COMMITTED, chart_seconds(frame->history),
	                   graph_points_for(&area, graph.glyphs));
	graph_draw(&graph, area);
}
