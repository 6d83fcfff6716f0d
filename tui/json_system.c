/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "tui/json_out.h"

static void put_commit(struct json_stream *out, const struct report *report)
{
	static const struct system_facts nothing;
	const struct system_facts *sys = snapshot_system(report->snap);
	const struct commit_facts *c = &report->commit;
	json_t *json;

	if (!sys)
		sys = &nothing;
	json = json_pack("{s:o s:o s:o s:o s:o s:o s:b s:o s:o s:o s:o s:o}", "mode",
	                 json_fact(sys->overcommit_memory), "ratio",
	                 json_fact(sys->overcommit_ratio), "kbytes",
	                 json_fact(sys->overcommit_kbytes), "limit", json_fact(c->limit),
	                 "committed", json_fact(c->committed), "target_charged",
	                 json_fact(c->target_charged), "target_is_estimate", c->target_is_estimate,
	                 "headroom",
	                 json_pack("{s:o s:o s:o}", "mode0", json_fact(c->headroom[0]), "mode1",
	                           json_fact(c->headroom[1]), "mode2", json_fact(c->headroom[2])),
	                 "uncertainty", json_fact(c->uncertainty), "reserve_admin",
	                 json_fact(c->reserve_admin), "reserve_user", json_fact(c->reserve_user),
	                 "mode0_rule", json_word(c->mode0_rule));
	json_add(&json, "decided_by",
	         json_pack("{s:o s:o s:o}", "mode0", json_word(c->decided_by[0]), "mode1",
	                   json_word(c->decided_by[1]), "mode2", json_word(c->decided_by[2])));
	json_stream_put(out, "commit", json);
}

static json_t *pressure_json(const struct pressure *p)
{
	return json_pack("{s:o s:o s:o s:o}", "avg10_hundredths", json_fact(p->avg10),
	                 "avg60_hundredths", json_fact(p->avg60), "avg300_hundredths",
	                 json_fact(p->avg300), "total_us", json_fact(p->total_us));
}

static json_t *meminfo_json(const struct system_facts *s)
{
	return json_pack("{s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o}",
	                 "mem_total", json_fact(s->mem_total), "mem_free", json_fact(s->mem_free),
	                 "mem_available", json_fact(s->mem_available), "swap_total",
	                 json_fact(s->swap_total), "swap_free", json_fact(s->swap_free), "buffers",
	                 json_fact(s->buffers), "cached", json_fact(s->cached), "swap_cached",
	                 json_fact(s->swap_cached), "active", json_fact(s->active), "inactive",
	                 json_fact(s->inactive), "anon_pages", json_fact(s->anon_pages), "mapped",
	                 json_fact(s->mapped), "shmem", json_fact(s->shmem), "slab_reclaimable",
	                 json_fact(s->slab_reclaimable), "page_tables", json_fact(s->page_tables),
	                 "hugetlb", json_fact(s->hugetlb));
}

static json_t *vm_json(const struct system_facts *s)
{
	return json_pack(
	        "{s:o s:o s:o s:o s:o s:o s:o s:o s:o}", "overcommit_memory",
	        json_fact(s->overcommit_memory), "overcommit_ratio", json_fact(s->overcommit_ratio),
	        "overcommit_kbytes", json_fact(s->overcommit_kbytes), "admin_reserve_kbytes",
	        json_fact(s->admin_reserve_kbytes), "user_reserve_kbytes",
	        json_fact(s->user_reserve_kbytes), "max_map_count", json_fact(s->max_map_count),
	        "panic_on_oom", json_fact(s->panic_on_oom), "oom_kill_allocating_task",
	        json_fact(s->oom_kill_allocating_task), "swappiness", json_fact(s->swappiness));
}

/* The words of /sys/kernel/mm/transparent_hugepage/enabled. */
static json_t *thp_json(struct fact mode)
{
	static const char *const words[] = { "always", "madvise", "never" };

	return fact_known(mode) && mode.v < 3 ? json_string(words[mode.v]) : json_null();
}

static json_t *system_json(const struct report *report, const struct system_facts *s)
{
	json_t *json = meminfo_json(s);

	json_add(&json, "committed_as", json_fact(s->committed_as));
	json_add(&json, "commit_limit", json_fact(s->commit_limit));
	json_add(&json, "kernel", json_word(s->kernel_release));
	json_add(&json, "rules", json_word(report->rules->name));
	json_add(&json, "page_size", json_number(s->page_size));
	json_add(&json, "cpus_online", json_number(s->cpus_online));
	json_add(&json, "cpus_present", json_number(s->cpus_present));
	json_add(&json, "vm", vm_json(s));
	json_add(&json, "watermarks_pages",
	         json_pack("{s:o s:o s:o s:o}", "min", json_fact(s->watermark_min), "low",
	                   json_fact(s->watermark_low), "high", json_fact(s->watermark_high),
	                   "totalreserve", json_fact(s->totalreserve_pages)));
	json_add(&json, "pressure",
	         json_pack("{s:o s:o}", "some", pressure_json(&s->some), "full",
	                   pressure_json(&s->full)));
	json_add(&json, "oom_kills", json_fact(s->oom_kills));
	json_add(&json, "transparent_hugepage", thp_json(s->thp_mode));
	return json;
}

static void put_system(struct json_stream *out, const struct report *report)
{
	const struct system_facts *sys = snapshot_system(report->snap);
	static const struct system_facts nothing;

	json_stream_put(out, "system", sys ? system_json(report, sys) : meminfo_json(&nothing));
}

/* --- cgroup ------------------------------------------------------------------------------------ */

/* No limit is the file's own word, so that it can't be taken for an unknown one. */
static json_t *limit_json(struct fact limit)
{
	return fact_known(limit) && limit.v == UINT64_MAX ? json_string("max") : json_fact(limit);
}

static json_t *level_json(const struct cgroup_level *l)
{
	json_t *json =
	        json_pack("{s:o s:o s:o s:o s:o s:o s:o s:o s:o}", "path", json_word(l->path),
	                  "max", limit_json(l->max), "current", json_fact(l->current), "high",
	                  limit_json(l->high), "low", limit_json(l->low), "min", limit_json(l->min),
	                  "swap_current", json_fact(l->swap_current), "swap_max",
	                  limit_json(l->swap_max), "memsw_max", limit_json(l->memsw_max));

	json_add(&json, "anon", json_fact(l->anon));
	json_add(&json, "file", json_fact(l->file));
	json_add(&json, "kernel", json_fact(l->kernel));
	json_add(&json, "oom_group", json_fact_bool(l->oom_group));
	json_add(&json, "oom_kill_disable", json_fact_bool(l->oom_kill_disable));
	json_add(&json, "under_oom", json_fact_bool(l->under_oom));
	json_add(&json, "swappiness", json_fact(l->swappiness));
	json_add(&json, "events",
	         json_pack("{s:o s:o s:o s:o}", "high", json_fact(l->events_high), "max",
	                   json_fact(l->events_max), "oom", json_fact(l->events_oom), "oom_kill",
	                   json_fact(l->events_oom_kill)));
	return json;
}

static void put_cgroup(struct json_stream *out, const struct report *report)
{
	const struct cgroup_facts *cgroup = snapshot_cgroup(report->snap);
	bool is_known = cgroup && cgroup->version != CGROUP_NONE;

	json_stream_open(out, "cgroup", '{');
	json_stream_put(out, "path", is_known ? json_word(cgroup->path) : json_null());
	json_stream_put(out, "version", is_known ? json_integer(cgroup->version) : json_null());
	json_stream_put(out, "unreadable", cgroup ? json_word(cgroup->unreadable) : json_null());
	if (is_known) {
		json_stream_open(out, "limits", '[');
		for (size_t i = 0; i < cgroup->level_count; i++)
			json_stream_put(out, NULL, level_json(&cgroup->levels[i]));
		json_stream_close(out, ']');
	} else {
		json_stream_put(out, "limits", json_null());
	}
	json_stream_close(out, '}');
}

/* --- oom --------------------------------------------------------------------------------------- */

/* A task that can't be chosen has no badness: null, with the reason beside it. */
static json_t *task_json(const struct oom_task *t)
{
	return json_pack("{s:i s:o s:o s:i s:o s:o s:o s:o s:o s:b s:b}", "pid", t->pid, "comm",
	                 json_text(t->comm, strnlen(t->comm, sizeof(t->comm))), "score",
	                 json_fact(t->score), "adj", t->adj, "badness",
	                 t->is_eligible ? json_integer(t->badness) : json_null(), "rss",
	                 json_number(t->rss_pages), "swap", json_number(t->swap_pages), "pgtables",
	                 json_number(t->pgtables_bytes), "why_not",
	                 t->is_eligible ? json_null() : json_word(t->why_not), "in_domain",
	                 t->in_domain, "partial", t->is_partial);
}

static json_t *position_json(const struct report *report, bool in_domain)
{
	const struct oom_table *table = snapshot_oom(report->snap);
	uint32_t rank = 0;

	if (table && report->task)
		rank = lx_oom_position(table, report->task->pid, in_domain);
	return rank ? json_number(rank) : json_null();
}

static void put_first_limit(struct json_stream *out, const struct first_limit *first)
{
	json_stream_put(out, "constraint", json_string(constraint_word(first->constraint)));
	json_stream_put(out, "constraint_path",
	                first->level ? json_word(first->level->path) : json_null());
	json_stream_put(out, "distance", json_fact(first->distance));
}

static void put_oom(struct json_stream *out, const struct report *report)
{
	const struct oom_table *table = snapshot_oom(report->snap);
	const struct oom_task *task = report->task;
	bool has_badness = task && task->is_eligible;

	json_stream_open(out, "oom", '{');
	json_stream_put(out, "score", task ? json_fact(task->score) : json_null());
	json_stream_put(out, "adj", task ? json_integer(task->adj) : json_null());
	json_stream_put(out, "badness", has_badness ? json_integer(task->badness) : json_null());
	json_stream_put(out, "why_not",
	                task && !has_badness ? json_word(task->why_not) : json_null());
	json_stream_put(out, "rank", position_json(report, false));
	json_stream_put(out, "rank_in_domain", position_json(report, true));
	put_first_limit(out, &report->first);
	json_stream_put(out, "totalpages", table ? json_number(table->totalpages) : json_null());
	json_stream_put(out, "domain_totalpages",
	                table && table->domain_totalpages ? json_number(table->domain_totalpages)
	                                                  : json_null());
	json_stream_put(out, "unreadable", table ? json_number(table->unreadable) : json_null());
	if (table) {
		json_stream_open(out, "ranking", '[');
		for (size_t i = 0; i < table->count; i++)
			json_stream_put(out, NULL, task_json(&table->tasks[i]));
		json_stream_close(out, ']');
	} else {
		json_stream_put(out, "ranking", json_null());
	}
	json_stream_close(out, '}');
}

void json_out_system(struct json_stream *out, const struct report *report)
{
	put_commit(out, report);
	put_system(out, report);
	put_cgroup(out, report);
	put_oom(out, report);
}
