/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of a snapshot read back from JSON: the cgroups, the OOM table, and when memory runs out. */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "model/base/text.h"
#include "tui/snapshot_file_host.h"

enum { LEVELS_MAX = 256 };

#define TASKS_MAX ((size_t)4 << 20)
#define PAGES_MAX ((json_int_t)1 << 52)

static bool refuse(const char *file, const char *list, size_t i, const char *key, const char *why,
                   struct err *reterr)
{
	return err_setf(reterr, ERR_USAGE, file, "%s[%zu].%s: %s", list, i, key, why);
}

static bool no_memory(const char *file, struct err *reterr)
{
	return err_set(reterr, ERR_NO_MEMORY, ENOMEM, file, strerrordesc_np(ENOMEM));
}

/* A number, true or false, or "max". */
static struct fact read_fact(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_boolean(value))
		return fact_of(json_is_true(value));
	if (json_is_string(value) && strcmp(json_string_value(value), "max") == 0)
		return fact_of(UINT64_MAX);
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return fact_unknown();
	return fact_of((uint64_t)json_integer_value(value));
}

/* --- the machine ------------------------------------------------------------------------------ */

static void read_reserves(const json_t *root, struct system_facts *sys)
{
	const json_t *system = json_object_get(root, "system");
	const json_t *vm = json_object_get(system, "vm");
	const json_t *marks = json_object_get(system, "watermarks_pages");

	sys->panic_on_oom = read_fact(vm, "panic_on_oom");
	sys->oom_kill_allocating_task = read_fact(vm, "oom_kill_allocating_task");
	sys->swappiness = read_fact(vm, "swappiness");
	sys->watermark_min = read_fact(marks, "min");
	sys->watermark_low = read_fact(marks, "low");
	sys->watermark_high = read_fact(marks, "high");
	sys->totalreserve_pages = read_fact(marks, "totalreserve");
}

/* --- cgroups ---------------------------------------------------------------------------------- */

static void read_limits(const json_t *json, struct cgroup_level *ret)
{
	ret->current = read_fact(json, "current");
	ret->max = read_fact(json, "max");
	ret->high = read_fact(json, "high");
	ret->low = read_fact(json, "low");
	ret->min = read_fact(json, "min");
	ret->swap_current = read_fact(json, "swap_current");
	ret->swap_max = read_fact(json, "swap_max");
	ret->memsw_max = read_fact(json, "memsw_max");
	ret->anon = read_fact(json, "anon");
	ret->file = read_fact(json, "file");
	ret->kernel = read_fact(json, "kernel");
	ret->oom_group = read_fact(json, "oom_group");
	ret->oom_kill_disable = read_fact(json, "oom_kill_disable");
	ret->swappiness = read_fact(json, "swappiness");
}

/* "/a/b" lies below "/a", and everything below "/". */
static bool is_below(const char *path, const char *parent)
{
	size_t len = strlen(parent);

	if (len && parent[len - 1] == '/')
		len--;
	return strncmp(path, parent, len) == 0 && path[len] == '/' && path[len + 1];
}

static bool read_levels(const json_t *limits, const char *file, struct region *region,
                        struct cgroup_facts *ret, struct err *reterr)
{
	static const char list[] = "cgroup.limits";
	size_t count = json_array_size(limits);

	if (count > LEVELS_MAX)
		return err_setf(reterr, ERR_USAGE, file, "%s: too many levels", list);
	ret->levels = region_alloc(region, count * sizeof(*ret->levels));
	if (!ret->levels)
		return no_memory(file, reterr);
	for (size_t i = 0; i < count; i++) {
		const json_t *json = json_array_get(limits, i);
		const char *path = json_string_value(json_object_get(json, "path"));

		if (!path)
			return refuse(file, list, i, "path", "must be a text", reterr);
		if (i && !is_below(path, ret->levels[i - 1].path))
			return refuse(file, list, i, "path", "must lie below the one before",
			              reterr);
		ret->levels[i].path = region_text(region, path, strlen(path));
		if (!ret->levels[i].path)
			return no_memory(file, reterr);
		read_limits(json, &ret->levels[i]);
		ret->level_count++;
	}
	return true;
}

static bool read_cgroup(const json_t *root, const char *file, struct snapshot *snap,
                        struct err *reterr)
{
	const json_t *json = json_object_get(root, "cgroup");
	const json_t *limits = json_object_get(json, "limits");
	struct fact version = read_fact(json, "version");
	struct part *part;

	if (!json_is_array(limits) || !json_array_size(limits))
		return true;
	part = snap->parts[PART_CGROUP] = part_new(PART_CGROUP, 0);
	if (!part)
		return no_memory(file, reterr);
	part->cgroup.version = fact_or(version, 2) == 1 ? CGROUP_V1 : CGROUP_V2;
	if (!read_levels(limits, file, part->region, &part->cgroup, reterr))
		return false;
	part->cgroup.path = part->cgroup.levels[part->cgroup.level_count - 1].path;
	return true;
}

/* --- tasks ------------------------------------------------------------------------------------ */

/* What is told of a task that is never chosen; whatever else it may be, it has nothing to give. */
static uint32_t flags_of(const json_t *why_not, int32_t pid)
{
	static const struct {
		const char *word;
		enum oom_task_flag flag;
	} words[] = {
		{ "init", OOM_TASK_INIT },
		{ "kernel thread", OOM_TASK_KTHREAD },
		{ "vfork", OOM_TASK_VFORK },
		{ "reaped", OOM_TASK_REAPED },
	};
	uint32_t flags = pid == 1 ? OOM_TASK_INIT : 0;
	const char *why = json_string_value(why_not);

	for (size_t i = 0; why && i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(why, words[i].word))
			return flags | (uint32_t)words[i].flag;
	/* adj says that itself, and may be changed */
	if (!why || strstr(why, "oom_score_adj"))
		return flags;
	return flags | OOM_TASK_NO_MM;
}

static bool read_count(const json_t *json, const char *key, json_int_t min, json_int_t max,
                       json_int_t *ret)
{
	const json_t *value = json_object_get(json, key);

	*ret = 0;
	if (!value || json_is_null(value))
		return true;
	*ret = json_integer_value(value);
	return json_is_integer(value) && *ret >= min && *ret <= max;
}

static bool read_task(const json_t *json, const char *file, size_t i, struct oom_task *task,
                      struct err *reterr)
{
	static const struct {
		const char *key;
		json_int_t min, max;
	} numbers[] = { { "pid", 1, INT32_MAX },
		        { "adj", -1000, 1000 },
		        { "rss", 0, PAGES_MAX },
		        { "swap", 0, PAGES_MAX },
		        { "pgtables", 0, PAGES_MAX } };
	json_int_t value[sizeof(numbers) / sizeof(numbers[0])];
	const char *comm = json_string_value(json_object_get(json, "comm"));

	for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++)
		if (!read_count(json, numbers[n].key, numbers[n].min, numbers[n].max, &value[n]))
			return refuse(file, "oom.ranking", i, numbers[n].key, "is out of range",
			              reterr);
	if (!value[0])
		return refuse(file, "oom.ranking", i, "pid", "is missing", reterr);
	task->pid = (int32_t)value[0];
	task->adj = (int16_t)value[1];
	task->rss_pages = (uint64_t)value[2];
	task->swap_pages = (uint64_t)value[3];
	task->pgtables_bytes = (uint64_t)value[4];
	task->in_domain = json_is_true(json_object_get(json, "in_domain"));
	task->is_partial = json_is_true(json_object_get(json, "partial"));
	task->flags = flags_of(json_object_get(json, "why_not"), task->pid);
	(void)text_copy(task->comm, sizeof(task->comm), comm ? comm : "");
	return true;
}

/* Worst first: in which order the kernel lists them is lost, pids stand for it. */
static bool read_oom(const json_t *root, const char *file, struct snapshot *snap,
                     struct err *reterr)
{
	const json_t *json = json_object_get(root, "oom");
	const json_t *ranking = json_object_get(json, "ranking");
	size_t count = json_array_size(ranking);
	struct oom_table *table;
	struct part *part;

	if (!json_is_array(ranking))
		return true;
	if (count > TASKS_MAX)
		return err_setf(reterr, ERR_USAGE, file, "oom.ranking: too many tasks");
	part = snap->parts[PART_OOM] = part_new(PART_OOM, 0);
	table = part ? &part->oom : NULL;
	if (table)
		table->tasks = region_alloc(part->region, count * sizeof(*table->tasks));
	if (!table || !table->tasks)
		return no_memory(file, reterr);
	table->totalpages = fact_or(read_fact(json, "totalpages"), 0);
	table->domain_totalpages = fact_or(read_fact(json, "domain_totalpages"), 0);
	table->unreadable = fact_or(read_fact(json, "unreadable"), 0);
	for (; table->count < count; table->count++)
		if (!read_task(json_array_get(ranking, table->count), file, table->count,
		               &table->tasks[table->count], reterr))
			return false;
	return true;
}

bool snapshot_host_from_json(const json_t *root, const char *file, struct snapshot *snap,
                             struct err *reterr)
{
	if (snap->parts[PART_SYSTEM])
		read_reserves(root, &snap->parts[PART_SYSTEM]->system);
	return read_cgroup(root, file, snap, reterr) && read_oom(root, file, snap, reterr);
}
