/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of all processes for the OOM killer. What is kept between rounds makes a refresh cost a
 * fraction of opening and reading everything: see tasks_slot.c for one process.
 */
#include "probes/tasks.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "model/rules/linux.h"
#include "probes/parse_words.h"
#include "probes/read.h"
#include "probes/tasks_domain.h"

#define FULL_TURN        30                 /* rounds in which each status is read once more */
#define TOP_COUNT        10                 /* the likeliest victims: status in every round */
#define FDS_FOR_OTHERS   256                /* of the limit, for the rest of the program */
#define INIT_PID_NS_NAME "pid:[4026531836]" /* Linux include/linux/proc_ns.h:PROC_PID_INIT_INO */

struct tasks {
	struct slot_context context;
	struct task_slot *slots; /* hash by pid */
	DIR *proc;
	bool hides_others; /* /proc does not even list other users' processes */
};

static bool in_init_pid_ns(void)
{
	char name[64];
	ssize_t len = readlink("/proc/self/ns/pid", name, sizeof(name) - 1);

	if (len < 0)
		return false;
	name[len] = '\0';
	return strcmp(name, INIT_PID_NS_NAME) == 0;
}

static bool oom_score_tells(void)
{
	struct utsname name;
	int major, minor;

	return uname(&name) == 0 && linux_parse_release(name.release, &major, &minor) &&
	       linux_rules_for(major, minor)->oom_score_two_thirds;
}

/* The super options of /proc: hidepid=2 (invisible) and 4 (ptraceable) leave processes out. */
static bool proc_hides_others(void)
{
	struct file_text text = { 0 };
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct span rest, line;
	bool hides = false;

	if (fd < 0)
		return false;
	if (read_fd(fd, &text) == READ_OK) {
		rest = (struct span){ text.at, text.len };
		while (span_line(&rest, &line))
			if (memmem(line.at, line.len, " /proc ", 7) &&
			    memmem(line.at, line.len, " - proc ", 8))
				hides = memmem(line.at, line.len, "hidepid=invisible", 17) ||
				        memmem(line.at, line.len, "hidepid=ptraceable", 18) ||
				        memmem(line.at, line.len, "hidepid=2", 9) ||
				        memmem(line.at, line.len, "hidepid=4", 9);
	}
	file_text_free(&text);
	close(fd);
	return hides && geteuid() != 0;
}

struct tasks *tasks_new(void)
{
	struct tasks *tasks = calloc(1, sizeof(*tasks));
	long page = sysconf(_SC_PAGESIZE);

	if (!tasks)
		return NULL;
	tasks->proc = opendir("/proc");
	if (!tasks->proc) {
		free(tasks);
		return NULL;
	}
	tasks->context.proc_fd = dirfd(tasks->proc);
	tasks->context.page_size = page > 0 ? (uint64_t)page : 4096;
	tasks->context.is_init_ns = in_init_pid_ns();
	tasks->context.score_tells = oom_score_tells();
	tasks->hides_others = proc_hides_others();
	return tasks;
}

/* --- the hash; its macros' branches are not ours to count ------------------------------------- */

// NOLINTBEGIN(readability-function-cognitive-complexity, readability-function-size)
static struct task_slot *find_slot(const struct tasks *tasks, int32_t pid)
{
	struct task_slot *slot;

	HASH_FIND(hh, tasks->slots, &pid, sizeof(pid), slot);
	return slot;
}

/* False when out of memory. */
static bool keep_slot(struct tasks *tasks, struct task_slot *slot)
{
	slot->hh.tbl = NULL;
	HASH_ADD(hh, tasks->slots, task.pid, sizeof(slot->task.pid), slot);
	return slot->hh.tbl != NULL;
}

static void drop_slot(struct tasks *tasks, struct task_slot *slot)
{
	HASH_DEL(tasks->slots, slot);
	task_slot_close(&tasks->context, slot);
}
// NOLINTEND(readability-function-cognitive-complexity, readability-function-size)

void tasks_free(struct tasks *tasks)
{
	struct task_slot *slot, *next;

	if (!tasks)
		return;
	HASH_ITER(hh, tasks->slots, slot, next)
	drop_slot(tasks, slot);
	file_text_free(&tasks->context.status);
	closedir(tasks->proc);
	free(tasks);
}

/* --- one round -------------------------------------------------------------------------------- */

/*
 * Raises the soft limit to the hard one when the table would outgrow it, and not before: children
 * inherit it, and old programs stumble over large descriptor numbers.
 */
static void make_room_for_fds(struct slot_context *context)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur != RLIM_INFINITY &&
	    context->fds_open + SLOT_FILES + FDS_FOR_OTHERS > limit.rlim_cur &&
	    limit.rlim_cur < limit.rlim_max) {
		struct rlimit raised = { limit.rlim_max, limit.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	context->fds_max = limit.rlim_cur > FDS_FOR_OTHERS ? limit.rlim_cur - FDS_FOR_OTHERS : 0;
}

static int32_t pid_of(const char *name)
{
	struct span rest = { name, strlen(name) };
	uint64_t pid;

	return span_number(&rest, &pid) && !rest.len && pid <= INT32_MAX ? (int32_t)pid : 0;
}

/* A slot that is new, or NULL; counts what can't be read. */
static struct task_slot *add_slot(struct tasks *tasks, int32_t pid, uint64_t *unreadable)
{
	enum read_status why;
	struct task_slot *slot;

	if (tasks->context.fds_open + SLOT_FILES > tasks->context.fds_max)
		make_room_for_fds(&tasks->context);
	slot = task_slot_open(&tasks->context, pid, &why);
	if (!slot) {
		*unreadable += why != READ_GONE;
		return NULL;
	}
	if (keep_slot(tasks, slot))
		return slot;
	task_slot_close(&tasks->context, slot);
	++*unreadable;
	return NULL;
}

/* NULL, with the slot dropped, when its process has ended. */
static struct task_slot *refresh_or_drop(struct tasks *tasks, struct task_slot *slot,
                                         bool with_status, uint64_t *unreadable)
{
	enum read_status status = task_slot_refresh(&tasks->context, slot, with_status);

	if (status == READ_GONE) {
		drop_slot(tasks, slot);
		return NULL;
	}
	slot->seen_round = tasks->context.round;
	*unreadable += status != READ_OK;
	return slot;
}

/* A pid that is listed after its process ended belongs to another one now: it is added at once. */
static void visit(struct tasks *tasks, int32_t pid, uint64_t *unreadable)
{
	bool turn = (uint64_t)pid % FULL_TURN == tasks->context.round % FULL_TURN;
	struct task_slot *slot = find_slot(tasks, pid);

	if (slot && refresh_or_drop(tasks, slot, turn, unreadable))
		return;
	slot = add_slot(tasks, pid, unreadable);
	if (slot)
		slot->seen_round = tasks->context.round;
}

static void drop_unlisted(struct tasks *tasks)
{
	struct task_slot *slot, *next;

	HASH_ITER(hh, tasks->slots, slot, next)
	if (slot->seen_round != tasks->context.round)
		drop_slot(tasks, slot);
}

static uint64_t pages_of(const struct task_slot *slot)
{
	return slot->task.rss_pages + slot->task.swap_pages + slot->task.pgtables_bytes / 4096;
}

static bool is_worse(const struct task_slot *a, const struct task_slot *b)
{
	uint64_t a_score = fact_or(a->task.score, 0), b_score = fact_or(b->task.score, 0);

	return a_score != b_score ? a_score > b_score : pages_of(a) > pages_of(b);
}

/* Puts `slot` into a list of the worst, worst first. */
static void keep_worst(struct task_slot *top[TOP_COUNT], struct task_slot *slot)
{
	for (int i = 0; i < TOP_COUNT; i++) {
		if (!top[i] || is_worse(slot, top[i])) {
			struct task_slot *moved = top[i];

			top[i] = slot;
			if (!moved)
				return;
			slot = moved;
		}
	}
}

/* The likeliest victims must be exact in every round: their page tables too. */
static void refresh_top(struct tasks *tasks)
{
	struct task_slot *top[TOP_COUNT] = { NULL }, *slot, *next;

	HASH_ITER(hh, tasks->slots, slot, next)
	keep_worst(top, slot);
	for (int i = 0; i < TOP_COUNT && top[i]; i++)
		if (top[i]->status_round != tasks->context.round &&
		    task_slot_refresh(&tasks->context, top[i], true) == READ_GONE)
			drop_slot(tasks, top[i]);
}

static uint64_t refresh_all(struct tasks *tasks)
{
	const struct dirent *entry;
	uint64_t unreadable = 0;

	tasks->context.round++;
	rewinddir(tasks->proc);
	while ((entry = readdir(tasks->proc))) { // NOLINT(concurrency-mt-unsafe): ours alone
		int32_t pid = pid_of(entry->d_name);

		if (pid)
			visit(tasks, pid, &unreadable);
	}
	drop_unlisted(tasks);
	refresh_top(tasks);
	return unreadable;
}

/* --- what only the whole table shows ---------------------------------------------------------- */

/* Threads that the kernel counts and /proc does not list: at least that many processes at most. */
static uint64_t hidden_threads(const struct tasks *tasks)
{
	const struct task_slot *slot;
	struct sysinfo info;
	uint64_t visible = 0;

	if (!tasks->hides_others || sysinfo(&info) != 0)
		return 0;
	for (slot = tasks->slots; slot; slot = slot->hh.next)
		visible += slot->thread_count;
	return info.procs > visible ? info.procs - visible : 0;
}

/*
 * From 5.9 on a score of 0 means "never chosen": with a memory, and neither init nor protected by
 * adj, that is a vfork child (it shows its parent's figures) or a memory that was reaped already.
 */
static uint32_t guess_flags(const struct tasks *tasks, const struct task_slot *slot)
{
	const uint32_t settled = OOM_TASK_INIT | OOM_TASK_KTHREAD | OOM_TASK_NO_MM;
	const struct oom_task *task = &slot->task;
	const struct task_slot *parent;

	if (!tasks->context.score_tells || (task->flags & settled) || task->adj < -990 ||
	    fact_or(task->score, 1) || task->is_partial)
		return 0;
	parent = find_slot(tasks, task->ppid);
	return parent && strcmp(parent->statm, slot->statm) == 0 ? OOM_TASK_VFORK : OOM_TASK_REAPED;
}

bool tasks_read(struct tasks *tasks, const struct cgroup_facts *cgroup,
                const struct cgroup_level *domain, struct region *region, struct oom_table *ret)
{
	struct domain_pids pids = { 0 };
	const struct task_slot *slot;

	*ret = (struct oom_table){ 0 };
	ret->unreadable = refresh_all(tasks);
	ret->unreadable += hidden_threads(tasks);
	ret->tasks = region_alloc(region, HASH_COUNT(tasks->slots) * sizeof(*ret->tasks));
	if (!ret->tasks)
		return false;
	if (cgroup && domain && !domain_pids_read(cgroup, domain, &pids))
		domain = NULL;
	for (slot = tasks->slots; slot; slot = slot->hh.next) {
		struct oom_task *task = &ret->tasks[ret->count++];

		*task = slot->task;
		task->flags |= guess_flags(tasks, slot);
		task->in_domain = !domain || domain_pids_has(&pids, task->pid);
	}
	domain_pids_free(&pids);
	return true;
}
