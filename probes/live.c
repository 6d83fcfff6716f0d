/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A live process as a source of snapshots: the order of the readings, and what becomes of a process
 * that ends, calls exec or refuses. */
#include "probes/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/text.h"
#include "model/linux/lx.h"
#include "probes/clock.h"
#include "probes/probes.h"

static struct live *live_of(struct source *source)
{
	return (struct live *)source;
}

void live_keep(struct live *live, enum part_kind kind, struct part *fresh)
{
	part_unref(live->last[kind]);
	live->last[kind] = fresh;
}

static void open_memory(struct live *live)
{
	struct err err = { 0 };

	live->mem_denied[0] = '\0';
	live->mem = mem_live_open(&live->proc, &err);
	if (!live->mem)
		(void)text_copy(live->mem_denied, sizeof(live->mem_denied), err.why);
	else if (live->last[PART_VMAS])
		mem_live_set_vmas(live->mem, &live->last[PART_VMAS]->vmas);
}

/* Forgets all that belonged to the program before exec. */
static void forget_program(struct live *live)
{
	mem_live_close(live->mem);
	live->mem = NULL;
	live_keep(live, PART_VMAS, NULL);
	live_keep(live, PART_HEAP, NULL);
	live_keep(live, PART_WINDOW, NULL);
	live_forget_chunks(live);
	region_free(live->found_region);
	live->found_region = NULL;
	live->is_searched = false;
	memset(live->read_at_cpu_ns, 0, sizeof(live->read_at_cpu_ns));
}

/* Read once a program: what malloc took of it, it took at its start. */
static void take_environ(const struct live *live, const struct part *old, struct process_facts *ret)
{
	if (ret->life == PROCESS_EXITED || ret->life == PROCESS_ZOMBIE)
		return;
	if (!old || ret->life == PROCESS_EXECED) {
		proc_read_environ(&live->proc, ret);
		return;
	}
	ret->is_secure = old->process.is_secure;
	ret->has_malloc_environ = old->process.has_malloc_environ;
	ret->malloc_environ_len = old->process.malloc_environ_len;
	memcpy(ret->malloc_environ, old->process.malloc_environ, sizeof(ret->malloc_environ));
}

/*
 * The process itself. After exec the handles are opened anew and everything is read as at attach;
 * after the end only the fact that it ended is new. `lost`: its memory was found gone meanwhile, which
 * an exec between the opening of two handles shows by that alone.
 */
static void read_process(struct live *live, bool lost, uint64_t now_ns)
{
	const struct part *old = live->last[PART_PROCESS];
	struct part *fresh = part_new(PART_PROCESS, now_ns);

	if (!fresh)
		return;
	if (!proc_read_process(&live->proc, &fresh->process)) {
		if (old)
			fresh->process = old->process;
		fresh->process.life = PROCESS_EXITED;
	} else if (fresh->process.life == PROCESS_EXECED ||
	           (lost && fresh->process.life == PROCESS_ALIVE)) {
		struct err ignored;

		/* No memory at all, while some thread still ends: nothing newer will be known. */
		if (old && !fact_known(fresh->process.vm_size)) {
			part_unref(fresh);
			return;
		}

		fresh->process.life = PROCESS_EXECED;
		forget_program(live);
		if (proc_reopen(&live->proc, &ignored))
			open_memory(live);
	}
	take_environ(live, old, &fresh->process);
	live_keep(live, PART_PROCESS, fresh);
}

static bool has_ended(const struct live *live)
{
	enum process_life life =
	        live->last[PART_PROCESS] ? live->last[PART_PROCESS]->process.life : PROCESS_ALIVE;

	return life == PROCESS_EXITED || life == PROCESS_ZOMBIE;
}

static void note_denied(struct live *live, const struct err *err)
{
	struct process_facts *process =
	        live->last[PART_PROCESS] ? &live->last[PART_PROCESS]->process : NULL;
	struct text why;

	if (!process)
		return;
	process->access_denied = true;
	why = text_in(process->denied_why, sizeof(process->denied_why));
	text_add(&why, err->why);
	if (err->remedy[0])
		text_addf(&why, "; %s", err->remedy);
}

static void read_system(struct live *live, uint64_t now_ns)
{
	struct part *system = part_new(PART_SYSTEM, now_ns),
	            *cgroup = part_new(PART_CGROUP, now_ns);

	if (system && system_read(&system->system))
		live_keep(live, PART_SYSTEM, system);
	else
		part_unref(system);
	if (!cgroup)
		return;
	cgroup_read(live->proc.pid, NULL, cgroup->region, &cgroup->cgroup);
	live_keep(live, PART_CGROUP, cgroup);
	if (!live->rules && live->last[PART_SYSTEM])
		live->rules = linux_rules_for(live->last[PART_SYSTEM]->system.kernel_major,
		                              live->last[PART_SYSTEM]->system.kernel_minor);
}

static void read_oom(struct live *live, const struct snapshot *so_far, uint64_t now_ns)
{
	const struct part *cgroup = live->last[PART_CGROUP], *system = live->last[PART_SYSTEM];
	struct part *fresh = part_new(PART_OOM, now_ns);
	struct first_limit first = { 0 };

	if (!fresh)
		return;
	lx_first_limit(so_far, &first);
	if (!tasks_read(live->tasks, cgroup ? &cgroup->cgroup : NULL, first.level, fresh->region,
	                &fresh->oom)) {
		part_unref(fresh);
		return;
	}
	if (system)
		fresh->oom.totalpages = (fact_or(system->system.mem_total, 0) +
		                         fact_or(system->system.swap_total, 0)) /
		                        system->system.page_size;
	if (first.level && system)
		fresh->oom.domain_totalpages = lx_memcg_totalpages(first.level, &system->system);
	if (live->rules)
		lx_oom_rank(live->rules, &fresh->oom);
	live_keep(live, PART_OOM, fresh);
}

/* NULL, with the reason in the sample, when the target was not stopped. */
static struct freeze *stop_target(const struct live *live, struct sample_facts *sample)
{
	struct freeze *freeze = NULL;
	struct err err = { 0 };

	if (!freeze_stop(live->proc.pid, &freeze, &err)) {
		(void)text_copy(sample->freeze_failed, sizeof(sample->freeze_failed), err.why);
		return NULL;
	}
	/* A stop goes by pid, which another process may have got meanwhile: that one goes on. */
	if (!proc_is_same_mm(&live->proc)) {
		(void)freeze_resume(freeze);
		(void)text_copy(sample->freeze_failed, sizeof(sample->freeze_failed),
		                "the process ended or called exec meanwhile");
		return NULL;
	}
	return freeze;
}

/* The list of VMAs and what it leads to. False: the memory is gone. */
static bool read_layers(struct live *live, const struct take_request *request, uint32_t what,
                        uint64_t now_ns, struct sample_facts *sample)
{
	const struct chunk_sink *chunks = (what & TAKE_CHUNKS) ? request->chunks : NULL;
	uint64_t began = clock_monotonic_ns();
	struct err err = { 0 };

	if ((what & TAKE_VMAS) && !live_read_vmas(live, now_ns, &err) && err.kind != ERR_NO_PROCESS)
		note_denied(live, &err);
	sample->maps_ns = clock_monotonic_ns() - began;
	if (err.kind == ERR_NO_PROCESS)
		return false;
	if (live->last[PART_VMAS] && live->last[PART_PROCESS])
		lx_find_break(&live->last[PART_VMAS]->vmas, &live->last[PART_PROCESS]->process);
	if (!chunks)
		chunks = live_window_begin(live, request, &what);
	if (what & (TAKE_HEADERS | TAKE_LISTS | TAKE_WALK | TAKE_MMAPPED))
		live_read_heap(live, what, now_ns, chunks, sample);
	if (request->window && (what & TAKE_WINDOW))
		live_read_window(live, request, now_ns, sample);
	(void)live_refine_vmas(live, what & ~(uint32_t)TAKE_SMAPS, now_ns, sample);
	return true;
}

/* Between stop and resume when an exact picture was asked for. False: the memory is gone. */
static bool read_memory(struct live *live, const struct take_request *request, uint64_t now_ns,
                        struct sample_facts *sample)
{
	uint32_t what = request->what;
	struct freeze *freeze = NULL;
	bool is_there;

	if (what & TAKE_FREEZE)
		what |= TAKE_VMAS | TAKE_HEADERS | TAKE_LISTS | TAKE_WALK | TAKE_MMAPPED |
		        TAKE_RESIDENCY;
	if (what & TAKE_FREEZE)
		freeze = stop_target(live, sample);
	is_there = read_layers(live, request, what, now_ns, sample);
	if (freeze) {
		sample->stopped_ns = freeze_resume(freeze);
		sample->is_frozen = is_there;
	}
	/* Too slow for a stop, and no layout can change by it. */
	if (is_there && (what & TAKE_SMAPS))
		(void)live_refine_vmas(live, TAKE_SMAPS, now_ns, sample);
	if (live->mem)
		sample->read_ns = mem_live_read_ns(live->mem);
	return is_there;
}

/* What an exec puts in place of the memory is read instead; of one exec after the other, nothing. */
static void follow_memory(struct live *live, const struct take_request *request, uint64_t now_ns,
                          struct sample_facts *sample)
{
	for (int tries = 0; tries < 2 && !has_ended(live); tries++) {
		if (read_memory(live, request, now_ns, sample))
			return;
		read_process(live, true, now_ns);
	}
}

/* Over a tenth of a second at least: a sample that a key asked for follows the last one at once. */
static void measure_own_cost(struct live *live, struct sample_facts *sample)
{
	uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), wall = clock_monotonic_ns();

	sample->own_cpu_permille = live->own_cpu_permille;
	if (live->wall_ns && wall - live->wall_ns < 100000000)
		return;
	if (live->wall_ns)
		sample->own_cpu_permille =
		        (uint32_t)((cpu - live->cpu_ns) * 1000 / (wall - live->wall_ns));
	live->own_cpu_permille = sample->own_cpu_permille;
	live->cpu_ns = cpu;
	live->wall_ns = wall;
}

static void share_parts(const struct live *live, struct snapshot *snap)
{
	for (size_t i = 0; i < PART_COUNT; i++) {
		part_unref(snap->parts[i]);
		snap->parts[i] = part_ref(live->last[i]);
	}
}

static bool live_take(struct source *source, const struct take_request *request,
                      const struct snapshot **ret, struct err *reterr)
{
	struct live *live = live_of(source);
	struct snapshot *snap = snapshot_new();
	uint64_t began = clock_monotonic_ns(), at;

	if (!snap)
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "no snapshot", "out of memory");
	snap->sample = (struct sample_facts){ .seq = ++live->seq,
		                              .time_ns = clock_realtime_ns(),
		                              .source_kind = "live" };
	read_process(live, false, snap->sample.time_ns);
	at = clock_monotonic_ns();
	if (request->what & TAKE_SYSTEM)
		read_system(live, snap->sample.time_ns);
	snap->sample.host_ns = clock_monotonic_ns() - at;
	follow_memory(live, request, snap->sample.time_ns, &snap->sample);
	at = clock_monotonic_ns();
	if (request->what & TAKE_OOM) {
		share_parts(live, snap);
		read_oom(live, snap, snap->sample.time_ns);
	}
	snap->sample.oom_ns = clock_monotonic_ns() - at;
	share_parts(live, snap);
	live->vmas_are_ours = false;
	measure_own_cost(live, &snap->sample);
	snap->sample.took_ns = clock_monotonic_ns() - began;
	*ret = snap;
	return true;
}

static struct memory *live_memory(struct source *source)
{
	return live_of(source)->mem;
}

static void live_close(struct source *source)
{
	struct live *live = live_of(source);

	for (size_t i = 0; i < PART_COUNT; i++)
		part_unref(live->last[i]);
	live_forget_chunks(live);
	mem_live_close(live->mem);
	maps_cache_free(live->maps);
	tasks_free(live->tasks);
	region_free(live->found_region);
	proc_close(&live->proc);
	free(live);
}

bool source_live_open(int32_t pid, struct source **ret, struct err *reterr)
{
	static const struct source_ops ops = {
		.kind = "live", .take = live_take, .memory = live_memory, .close = live_close
	};
	struct live *live = calloc(1, sizeof(*live));

	if (!live)
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "cannot attach", "out of memory");
	live->base.ops = &ops;
	if (!proc_open(pid, &live->proc, reterr)) {
		free(live);
		return false;
	}
	live->maps = maps_cache_new();
	live->tasks = tasks_new();
	if (!live->maps || !live->tasks) {
		live_close(&live->base);
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "cannot attach", "out of memory");
	}
	open_memory(live);
	*ret = &live->base;
	return true;
}

void source_close(struct source *source)
{
	if (source)
		source->ops->close(source);
}
