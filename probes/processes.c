/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of processes for the picker, through libproc2 in the caller's thread. The library's
 * tables are filled by the first user without a lock, so making an object is guarded here.
 */
#include <errno.h>
#include <fcntl.h>
#include <libproc2/pids.h>
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <unistd.h>

#include "model/base/text.h"
#include "model/base/units.h"
#include "probes/probes.h"

#define PF_KTHREAD 0x00200000u /* Linux include/linux/sched.h */

/* Positions in the item list: stat, status, statm, cmdline and two small files per process. */
enum { I_PID, I_EUID, I_FLAGS, I_COMM, I_CMDLINE, I_RSS, I_SCORE, I_ADJ, I_SWAP, I_COUNT };

/* --- names of users ---------------------------------------------------------------------------- */

/*
 * From /etc/passwd alone: a directory service could keep the picker waiting for seconds. Users that
 * are not in it show their number.
 */
struct user_name {
	uint32_t uid;
	char name[32];
};

struct user_names {
	struct user_name *at;
	size_t count, room;
};

static void add_name(struct user_names *names, uint32_t uid, const char *name)
{
	if (names->count == names->room) {
		size_t room = names->room ? names->room * 2 : 64;
		struct user_name *grown = reallocarray(names->at, room, sizeof(*grown));

		if (!grown)
			return;
		names->at = grown;
		names->room = room;
	}
	names->at[names->count].uid = uid;
	(void)text_copy(names->at[names->count].name, sizeof(names->at->name), name);
	names->count++;
}

static void read_names(struct user_names *names)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd entry, *found;
	char buffer[4096];

	if (!file)
		return;
	while (fgetpwent_r(file, &entry, buffer, sizeof(buffer), &found) == 0)
		add_name(names, (uint32_t)entry.pw_uid, entry.pw_name);
	(void)fclose(file);
}

static void set_user(const struct user_names *names, struct process_row *row)
{
	struct text user = text_in(row->user, sizeof(row->user));

	for (size_t i = 0; i < names->count; i++)
		if (names->at[i].uid == row->uid) {
			text_add(&user, names->at[i].name);
			return;
		}
	text_addf(&user, "%u", row->uid);
}

/* --- access ------------------------------------------------------------------------------------------ */

static bool has_ptrace_capability(void)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (caps)
		(void)cap_get_flag(caps, CAP_SYS_PTRACE, CAP_EFFECTIVE, &value);
	(void)cap_free(caps);
	return value == CAP_SET;
}

/*
 * Opening mem makes the kernel check ptrace access and touches nothing of the process. Where the
 * answer is plain it is not asked: Yama logs what it refuses.
 */
static bool may_read(const struct process_row *row, bool is_privileged)
{
	char path[TEXT_NUMBER + 16];
	struct text name = text_in(path, sizeof(path));
	int fd;

	if (row->is_kthread || (!is_privileged && row->uid != geteuid()))
		return false;
	text_addf(&name, "/proc/%d/mem", row->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* --- rows ---------------------------------------------------------------------------------------------- */

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void fill_row(const struct pids_stack *stack, struct process_row *row)
{
	const struct pids_result *of = stack->head;

	row->pid = of[I_PID].result.s_int;
	row->uid = of[I_EUID].result.u_int;
	row->is_kthread = (of[I_FLAGS].result.ul_int & PF_KTHREAD) != 0;
	(void)text_copy(row->comm, sizeof(row->comm), or_empty(of[I_COMM].result.str));
	if (!row->is_kthread)
		(void)text_copy(row->cmdline, sizeof(row->cmdline),
		                or_empty(of[I_CMDLINE].result.str));
	row->rss_bytes = (uint64_t)of[I_RSS].result.ul_int * KIB;
	row->oom_score = of[I_SCORE].result.s_int;
	row->oom_adj = (int16_t)of[I_ADJ].result.s_int;
	row->swap_bytes = (uint64_t)of[I_SWAP].result.ul_int * KIB;
}

static bool fill_list(struct pids_info *info, struct process_list *ret)
{
	const struct pids_fetch *fetch = procps_pids_reap(info, PIDS_FETCH_TASKS_ONLY);
	bool is_privileged = has_ptrace_capability();
	struct user_names names = { 0 };
	size_t total;

	if (!fetch || fetch->counts->total < 0)
		return false;
	total = (size_t)fetch->counts->total;
	ret->rows = calloc(total ? total : 1, sizeof(*ret->rows));
	if (!ret->rows)
		return false;
	read_names(&names);
	for (ret->count = 0; ret->count < total; ret->count++) {
		struct process_row *row = &ret->rows[ret->count];

		fill_row(fetch->stacks[ret->count], row);
		set_user(&names, row);
		row->may_read = may_read(row, is_privileged);
	}
	free(names.at);
	return true;
}

static int compare_rows(const void *left, const void *right)
{
	const struct process_row *a = left, *b = right;

	if (a->rss_bytes != b->rss_bytes)
		return a->rss_bytes > b->rss_bytes ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

static int new_pids_info(struct pids_info **info)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	enum pids_item items[I_COUNT] = {
		[I_PID] = PIDS_ID_PID,      [I_EUID] = PIDS_ID_EUID,    [I_FLAGS] = PIDS_FLAGS,
		[I_COMM] = PIDS_CMD,        [I_CMDLINE] = PIDS_CMDLINE, [I_RSS] = PIDS_MEM_RES,
		[I_SCORE] = PIDS_OOM_SCORE, [I_ADJ] = PIDS_OOM_ADJ,     [I_SWAP] = PIDS_VM_SWAP,
	};
	int result;

	(void)pthread_mutex_lock(&lock);
	result = procps_pids_new(info, items, I_COUNT);
	(void)pthread_mutex_unlock(&lock);
	return result;
}

bool process_list_read(struct process_list *ret, struct err *reterr)
{
	struct process_list list = { 0 };
	struct pids_info *info = NULL;
	bool ok;

	if (new_pids_info(&info) < 0)
		return err_set(reterr, ERR_FAILED, 0, "the process list", "can't read /proc");
	ok = fill_list(info, &list);
	(void)procps_pids_unref(&info);
	if (!ok) {
		process_list_free(&list);
		return err_set(reterr, ERR_FAILED, 0, "the process list", "can't read /proc");
	}
	qsort(list.rows, list.count, sizeof(*list.rows), compare_rows);
	*ret = list;
	return true;
}

void process_list_free(struct process_list *list)
{
	free(list->rows);
	*list = (struct process_list){ 0 };
}
