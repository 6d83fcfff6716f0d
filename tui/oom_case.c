/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of `heaptop oom --tasks FILE`, read and decided. */
#include <string.h>
#include <strings.h>

#include "model/base/text.h"
#include "tui/oom_case.h"

#define PAGE_BYTES 4096
#define PAGES_MAX  ((json_int_t)1 << 52) /* 16 EiB: sums of a few can't overflow */
#define TASKS_MAX  ((size_t)4 << 20)     /* PID_MAX_LIMIT */

/* Where a value stands, for errors: "tasks[3].rss". */
struct place {
	const char *file;
	char name[96];
};

static bool refuse(const struct place *place, const char *why, struct err *reterr)
{
	return err_setf(reterr, ERR_USAGE, place->file, "%s: %s", place->name, why);
}

/* "tasks[INDEX].KEY", or "KEY" when index is negative. */
static struct place place_of(const char *file, long index, const char *key)
{
	struct place place = { .file = file };
	struct text name = text_in(place.name, sizeof(place.name));

	if (index >= 0)
		text_addf(&name, "tasks[%ld]%s", index, *key ? "." : "");
	text_add(&name, key);
	return place;
}

/* One integer of an object; when it is absent, *ret keeps its default. */
struct number {
	const char *key;
	json_int_t min, max;
	const char *expected;
	bool is_needed;
};

static bool read_number(const json_t *object, struct place place, const struct number *number,
                        json_int_t *ret, struct err *reterr)
{
	const json_t *value = json_object_get(object, number->key);

	if (json_is_boolean(value)) {
		*ret = json_is_true(value);
		return true;
	}
	if (!value || json_is_null(value))
		return !number->is_needed || refuse(&place, "is missing", reterr);
	if (!json_is_integer(value) || json_integer_value(value) < number->min ||
	    json_integer_value(value) > number->max)
		return refuse(&place, number->expected, reterr);
	*ret = json_integer_value(value);
	return true;
}

/* --- flags ------------------------------------------------------------------------------------ */

struct flag_word {
	const char *word;
	enum oom_task_flag flag;
};

static const struct flag_word flag_words[] = {
	{ "init", OOM_TASK_INIT },
	{ "global_init", OOM_TASK_INIT },
	{ "kthread", OOM_TASK_KTHREAD },
	{ "pf_kthread", OOM_TASK_KTHREAD },
	{ "kernel_thread", OOM_TASK_KTHREAD },
	{ "vfork", OOM_TASK_VFORK },
	{ "in_vfork", OOM_TASK_VFORK },
	{ "no_mm", OOM_TASK_NO_MM },
	{ "nomm", OOM_TASK_NO_MM },
	{ "zombie", OOM_TASK_NO_MM },
	{ "dead", OOM_TASK_NO_MM },
	{ "exiting", OOM_TASK_EXITING },
	{ "pf_exiting", OOM_TASK_EXITING },
	{ "reaped", OOM_TASK_REAPED },
	{ "oom_skip", OOM_TASK_REAPED },
	{ "mmf_oom_skip", OOM_TASK_REAPED },
	{ "oom_reaped", OOM_TASK_REAPED },
	{ "victim", OOM_TASK_VICTIM },
	{ "oom_victim", OOM_TASK_VICTIM },
	{ "memdie", OOM_TASK_VICTIM },
	{ "tif_memdie", OOM_TASK_VICTIM },
	{ "sys_admin", OOM_TASK_SYS_ADMIN },
	{ "cap_sys_admin", OOM_TASK_SYS_ADMIN },
	{ "origin", OOM_TASK_ORIGIN },
	{ "oom_origin", OOM_TASK_ORIGIN },
	{ "oom_task_origin", OOM_TASK_ORIGIN },
	{ "other_nodes", OOM_TASK_ELSEWHERE },
};

static const char flag_expected[] =
        "unknown word; known are init kthread vfork no_mm exiting reaped victim sys_admin "
        "origin other_nodes";

/* Upper case and '-' for '_' are accepted. */
static bool add_flag(const char *word, size_t len, uint32_t *flags)
{
	char plain[32];

	if (len >= sizeof(plain))
		return false;
	memcpy(plain, word, len);
	plain[len] = '\0';
	for (char *dash = strchr(plain, '-'); dash; dash = strchr(dash, '-'))
		*dash = '_';
	for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++)
		if (strcasecmp(plain, flag_words[i].word) == 0) {
			*flags |= (uint32_t)flag_words[i].flag;
			return true;
		}
	return false;
}

/* Words separated by blanks, commas or bars. */
static bool add_flag_text(const char *text, uint32_t *flags)
{
	static const char between[] = " \t,|";

	for (text += strspn(text, between); *text; text += strspn(text, between)) {
		size_t len = strcspn(text, between);

		if (!add_flag(text, len, flags))
			return false;
		text += len;
	}
	return true;
}

/* A number is the kernel's own word, as in field 9 of /proc/PID/stat: its PF_ bits. */
static uint32_t flags_of_number(uint64_t bits)
{
	enum { PF_EXITING = 0x4, PF_KTHREAD = 0x200000 }; /* Linux include/linux/sched.h */

	return (bits & PF_KTHREAD ? (uint32_t)OOM_TASK_KTHREAD : 0) |
	       (bits & PF_EXITING ? (uint32_t)OOM_TASK_EXITING : 0);
}

static bool read_flags(const json_t *value, struct place place, uint32_t *ret, struct err *reterr)
{
	const json_t *item;
	size_t i;

	if (!value || json_is_null(value))
		return true;
	if (json_is_string(value))
		return add_flag_text(json_string_value(value), ret) ||
		       refuse(&place, flag_expected, reterr);
	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*ret |= flags_of_number((uint64_t)json_integer_value(value));
		return true;
	}
	if (!json_is_array(value))
		return refuse(&place, "must be a list of words", reterr);
	json_array_foreach(value, i, item) if (!json_is_string(item) ||
	                                       !add_flag_text(json_string_value(item),
	                                                      ret)) return refuse(&place,
	                                                                          flag_expected,
	                                                                          reterr);
	return true;
}

/* --- one task --------------------------------------------------------------------------------- */

static const char pages_expected[] = "must be a number of pages";

static bool read_comm(const json_t *value, struct place place, struct oom_task *task,
                      struct err *reterr)
{
	if (!value || json_is_null(value))
		return true;
	if (!json_is_string(value))
		return refuse(&place, "must be a string", reterr);
	(void)text_copy(task->comm, sizeof(task->comm), json_string_value(value));
	return true;
}

/* Who has a memory has page tables: where all three are told to be 0, it is a zombie or a kernel thread. */
static bool has_no_memory(const json_t *object, const struct oom_task *task)
{
	return json_is_integer(json_object_get(object, "pgtables_bytes")) && !task->rss_pages &&
	       !task->swap_pages && !task->pgtables_bytes;
}

static bool read_task(const json_t *object, const char *file, long index, struct oom_task *task,
                      struct err *reterr)
{
	static const struct number numbers[] = {
		{ "pid", 0, INT32_MAX, "must be a process id", true },
		{ "ppid", 0, INT32_MAX, "must be a process id", false },
		{ "uid", 0, UINT32_MAX, "must be a user id", false },
		{ "rss", 0, PAGES_MAX, pages_expected, true },
		{ "swap", 0, PAGES_MAX, pages_expected, false },
		{ "pgtables_bytes", 0, PAGES_MAX, "must be a number of bytes", false },
		{ "adj", -1000, 1000, "must be a number from -1000 to 1000", false },
		{ "oom_group", 0, UINT32_MAX, "must be true, or the number of a group", false },
	};
	json_int_t values[sizeof(numbers) / sizeof(numbers[0])] = { [7] = task->group };

	if (!json_is_object(object)) {
		struct place place = place_of(file, index, "");

		return refuse(&place, "must be an object", reterr);
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!read_number(object, place_of(file, index, numbers[i].key), &numbers[i],
		                 &values[i], reterr))
			return false;
	task->pid = (int32_t)values[0];
	task->ppid = (int32_t)values[1];
	task->uid = (uint32_t)values[2];
	task->rss_pages = (uint64_t)values[3];
	task->swap_pages = (uint64_t)values[4];
	task->pgtables_bytes = (uint64_t)values[5];
	task->adj = (int16_t)values[6];
	task->group = (uint32_t)values[7];
	task->start_ticks = (uint64_t)index;
	task->in_domain = true;
	/* The table's pids are the kernel's: is_global_init() asks for nothing else. */
	task->flags = task->pid == 1 ? OOM_TASK_INIT : 0;
	if (!read_comm(json_object_get(object, "comm"), place_of(file, index, "comm"), task,
	               reterr) ||
	    !read_flags(json_object_get(object, "flags"), place_of(file, index, "flags"),
	                &task->flags, reterr))
		return false;
	if (has_no_memory(object, task))
		task->flags |= OOM_TASK_NO_MM;
	return true;
}

static bool read_tasks(const json_t *array, const char *file, uint32_t group, struct region *region,
                       struct oom_table *table, struct err *reterr)
{
	struct place place = place_of(file, -1, "tasks");
	size_t count = json_array_size(array);

	if (!json_is_array(array) || count > TASKS_MAX)
		return refuse(&place, array ? "must be a list of tasks" : "is missing", reterr);
	table->tasks = region_alloc(region, count * sizeof(*table->tasks));
	if (!table->tasks)
		return err_set(reterr, ERR_NO_MEMORY, 0, file, "out of memory");
	for (; table->count < count; table->count++) {
		table->tasks[table->count].group = group;
		if (!read_task(json_array_get(array, table->count), file, (long)table->count,
		               &table->tasks[table->count], reterr))
			return false;
	}
	return true;
}

/* --- the circumstances ------------------------------------------------------------------------ */

/* "vm.KEY" is accepted for KEY. Other sysctls may be there; they decide nothing here. */
static bool read_sysctl(const json_t *sysctl, const char *file, const char *key, json_int_t max,
                        uint64_t *ret, struct err *reterr)
{
	struct number number = { .key = key, .max = max, .expected = "is out of range" };
	char dotted[64], path[80];
	struct text text = text_in(dotted, sizeof(dotted));
	json_int_t value = 0;

	text_addf(&text, "vm.%s", key);
	if (!json_object_get(sysctl, key))
		number.key = dotted;
	text = text_in(path, sizeof(path));
	text_addf(&text, "sysctl.%s", number.key);
	if (!read_number(sysctl, place_of(file, -1, path), &number, &value, reterr))
		return false;
	*ret = (uint64_t)value;
	return true;
}

static bool read_call(const json_t *root, const char *file, struct oom_call *call,
                      struct err *reterr)
{
	static const struct number invoker = { "invoker", 0, INT32_MAX, "must be a process id",
		                               false };
	const json_t *sysctl = json_object_get(root, "sysctl");
	struct place place = place_of(file, -1, "sysctl");
	json_int_t pid = 0;

	if (sysctl && !json_is_object(sysctl) && !json_is_null(sysctl))
		return refuse(&place, "must be an object", reterr);
	if (!read_number(root, place_of(file, -1, "invoker"), &invoker, &pid, reterr))
		return false;
	call->invoker = (int32_t)pid;
	return read_sysctl(sysctl, file, "panic_on_oom", 2, &call->panic_on_oom, reterr) &&
	       read_sysctl(sysctl, file, "oom_kill_allocating_task", INT32_MAX,
	                   &call->kill_allocating_task, reterr);
}

/* As the kernel's log names it, with or without CONSTRAINT_. Missing: a cgroup's when there is a limit. */
static bool read_constraint(const json_t *root, const char *file, struct oom_case *oom,
                            struct err *reterr)
{
	static const char *const words[OOM_CONSTRAINT_COUNT] = {
		[OOM_CONSTRAINT_NONE] = "none",
		[OOM_CONSTRAINT_CPUSET] = "cpuset",
		[OOM_CONSTRAINT_MEMORY_POLICY] = "memory_policy",
		[OOM_CONSTRAINT_MEMCG] = "memcg",
	};
	const json_t *value = json_object_get(root, "constraint");
	const char *word = json_string_value(value), *prefix = "CONSTRAINT_";
	struct place place = place_of(file, -1, "constraint");
	bool is_memcg = oom->call.constraint == OOM_CONSTRAINT_MEMCG;

	if (!value || json_is_null(value))
		return true;
	if (word && strncmp(word, prefix, strlen(prefix)) == 0)
		word += strlen(prefix);
	for (int i = 0; word && i < OOM_CONSTRAINT_COUNT; i++) {
		if (strcasecmp(word, words[i]) != 0)
			continue;
		if ((i == OOM_CONSTRAINT_MEMCG) != is_memcg)
			return refuse(&place, "memcg and limit go together", reterr);
		oom->call.constraint = (enum oom_constraint)i;
		return true;
	}
	return refuse(&place, "must be none, cpuset, memory_policy or memcg", reterr);
}

/* A shortage of some nodes does not look at who has none of them; a cgroup's looks at all of its own. */
static void forget_nodes(struct oom_case *oom)
{
	bool is_of_nodes = oom->call.constraint == OOM_CONSTRAINT_CPUSET ||
	                   oom->call.constraint == OOM_CONSTRAINT_MEMORY_POLICY;

	for (size_t i = 0; !is_of_nodes && i < oom->table.count; i++)
		oom->table.tasks[i].flags &= ~(uint32_t)OOM_TASK_ELSEWHERE;
}

bool oom_case_from_json(const json_t *root, const char *file, struct region *region,
                        struct oom_case *ret, struct err *reterr)
{
	static const struct number numbers[] = {
		{ "mem_total", 1, PAGES_MAX, pages_expected, true },
		{ "swap_total", 0, PAGES_MAX, pages_expected, false },
		{ "limit", 0, PAGES_MAX, "must be a number of pages, or null", false },
		{ "swap_max", 0, PAGES_MAX, "must be a number of pages, or null", false },
		{ "oom_group", 0, UINT32_MAX, "must be true or false", false },
		{ "node_pages", 1, PAGES_MAX, pages_expected, false },
	};
	json_int_t values[] = { 0, 0, -1, 0, 0, 0 };
	struct oom_case oom = { .file = file, .page_size = PAGE_BYTES };
	struct place place = place_of(file, -1, "the file");

	if (!json_is_object(root))
		return refuse(&place, "must hold one JSON object", reterr);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!read_number(root, place_of(file, -1, numbers[i].key), &numbers[i], &values[i],
		                 reterr))
			return false;
	if (!read_call(root, file, &oom.call, reterr) ||
	    !read_tasks(json_object_get(root, "tasks"), file, (uint32_t)values[4], region,
	                &oom.table, reterr))
		return false;
	oom.mem_total_pages = (uint64_t)values[0];
	oom.swap_total_pages = (uint64_t)values[1];
	oom.table.totalpages = oom.mem_total_pages + oom.swap_total_pages;
	if (values[2] >= 0) {
		/* as out_of_memory() is told it: at least 1 */
		oom.call.constraint = OOM_CONSTRAINT_MEMCG;
		oom.table.totalpages = (uint64_t)values[2] +
		                       (uint64_t)(values[3] < values[1] ? values[3] : values[1]);
		oom.table.totalpages += !oom.table.totalpages;
	}
	if (!read_constraint(root, file, &oom, reterr))
		return false;
	/* constrained_alloc(): the nodes that may be used, and all swap */
	if (oom.call.constraint != OOM_CONSTRAINT_MEMCG && values[5])
		oom.table.totalpages = (uint64_t)values[5] + oom.swap_total_pages;
	forget_nodes(&oom);
	*ret = oom;
	return true;
}

void oom_case_decide(struct oom_case *oom)
{
	oom->table.domain_totalpages = 0;
	lx_oom_rank(oom->rules, &oom->table);
	lx_oom_choose(oom->rules, &oom->table, &oom->call, &oom->verdict);
}

struct fact oom_case_score(const struct oom_case *oom, const struct oom_task *task)
{
	int64_t score;

	if (oom->has_kernel_scores)
		return task->score;
	score = lx_oom_score(oom->rules, task, oom->mem_total_pages + oom->swap_total_pages);
	return fact_of(score > 0 ? (uint64_t)score : 0);
}
