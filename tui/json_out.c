/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/json_out.h"

#include <string.h>

static const char *life_word(enum process_life life)
{
	switch (life) {
	case PROCESS_ALIVE:
		return "alive";
	case PROCESS_EXITED:
		return "exited";
	case PROCESS_EXECED:
		return "execed";
	case PROCESS_ZOMBIE:
		return "zombie";
	case PROCESS_KTHREAD:
		return "kernel thread";
	}
	return "?";
}

static json_t *source_json(const struct snapshot *snap)
{
	const struct sample_facts *sample = &snap->sample;
	const struct malloc_state *ms = snapshot_malloc(snap);
	const struct walk_facts *walk = ms && ms->has_walk ? &ms->walk : NULL;

	return json_pack("{s:o s:b s:o s:o s:o s:o s:o s:o s:o s:o}", "kind",
	                 json_word(sample->source_kind), "frozen", sample->is_frozen, "torn_chunks",
	                 walk ? json_number(walk->torn_chunks) : json_null(), "retries",
	                 walk ? json_number(walk->retries) : json_null(), "read_ms",
	                 json_ms(sample->read_ns), "walk_ms",
	                 walk ? json_ms(sample->walk_ns) : json_null(), "took_ms",
	                 json_ms(sample->took_ns), "stopped_ms",
	                 sample->is_frozen ? json_ms(sample->stopped_ns) : json_null(),
	                 "header_reads", json_number(sample->header_reads), "header_agreed",
	                 json_number(sample->header_agreed));
}

/* Memory as /proc/PID/status has it, in bytes. */
static json_t *process_memory_json(const struct process_facts *p)
{
	return json_pack("{s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o}", "vm_peak",
	                 json_fact(p->vm_peak), "vm_size", json_fact(p->vm_size), "vm_hwm",
	                 json_fact(p->vm_hwm), "vm_rss", json_fact(p->vm_rss), "rss_anon",
	                 json_fact(p->rss_anon), "rss_file", json_fact(p->rss_file), "rss_shmem",
	                 json_fact(p->rss_shmem), "vm_data", json_fact(p->vm_data), "vm_stack",
	                 json_fact(p->vm_stack), "vm_pte", json_fact(p->vm_pte), "vm_swap",
	                 json_fact(p->vm_swap), "min_faults", json_fact(p->min_faults),
	                 "maj_faults", json_fact(p->maj_faults));
}

/* RLIM_INFINITY is "unlimited", as ulimit says it. */
static json_t *limit_json(struct fact limit)
{
	return fact_known(limit) && limit.v == UINT64_MAX ? json_string("unlimited")
	                                                  : json_fact(limit);
}

static json_t *process_json(const struct process_facts *p)
{
	json_t *json = json_pack("{s:o s:s s:i s:i s:o s:i s:i s:o s:o}", "state",
	                         json_letter(p->state), "life", life_word(p->life), "ppid", p->ppid,
	                         "ns_pid", p->ns_pid, "uid", json_number(p->uid), "threads",
	                         p->thread_count, "tracer_pid", p->tracer_pid, "elf_class",
	                         p->elf_class ? json_number(p->elf_class) : json_null(), "denied",
	                         p->access_denied ? json_word(p->denied_why) : json_null());

	json_add(&json, "memory", process_memory_json(p));
	json_add(&json, "cap_sys_admin", json_boolean(p->has_cap_sys_admin));
	json_add(&json, "forked", json_boolean(p->is_forked));
	json_add(&json, "rlimit",
	         json_pack("{s:o s:o s:o}", "as", limit_json(p->limit_as), "data",
	                   limit_json(p->limit_data), "stack", limit_json(p->limit_stack)));
	return json;
}

static void put_process(struct json_stream *out, const struct process_facts *p)
{
	json_stream_put(out, "pid", p ? json_integer(p->id.pid) : json_null());
	json_stream_put(out, "comm", p ? json_word(p->comm) : json_null());
	json_stream_put(out, "exe", p ? json_word(p->exe) : json_null());
	json_stream_put(out, "process", p ? process_json(p) : json_null());
}

static void put_findings(struct json_stream *out, const struct report *report)
{
	json_stream_open(out, "findings", '[');
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct finding *f = &report->findings[i];

		json_stream_put(out, NULL,
		                json_pack("{s:s s:s s:o s:o}", "id", finding_name(f->id),
		                          "severity", severity_word(f->severity), "text",
		                          json_word(f->text), "object",
		                          f->object ? json_addr(f->object) : json_null()));
	}
	json_stream_close(out, ']');
}

bool json_write_snapshot(FILE *to, const struct report *report)
{
	const struct snapshot *snap = report->snap;
	struct json_stream out = { .out = to };

	json_stream_open(&out, NULL, '{');
	json_stream_put(&out, "schema", json_string(JSON_SCHEMA));
	json_stream_put(&out, "heaptop", json_string(HEAPTOP_VERSION));
	json_stream_put(&out, "time", json_time(snap->sample.time_ns));
	put_process(&out, snapshot_process(snap));
	json_stream_put(&out, "source", source_json(snap));
	json_out_libc(&out, report);
	json_out_malloc(&out, report);
	json_out_vmas(&out, report);
	json_out_system(&out, report);
	put_findings(&out, report);
	json_stream_close(&out, '}');
	(void)fputc('\n', to);
	return !out.failed;
}
