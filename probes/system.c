/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine: meminfo and vmstat through libproc2, what it lacks directly from /proc. */
#include <fcntl.h>
#include <libproc2/meminfo.h>
#include <libproc2/vmstat.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "model/base/text.h"
#include "model/base/units.h"
#include "model/rules/linux.h"
#include "probes/parse_words.h"
#include "probes/parse_zoneinfo.h"
#include "probes/read.h"
#include "probes/read_file.h"

/* --- meminfo ---------------------------------------------------------------------------------- */

/* Where a field of meminfo goes; all are kB. */
struct meminfo_field {
	enum meminfo_item item;
	size_t offset; /* of the fact in struct system_facts */
};

#define FIELD(item, member)                                                                        \
	{                                                                                          \
		MEMINFO_##item, offsetof(struct system_facts, member)                              \
	}

static const struct meminfo_field meminfo_fields[] = {
	FIELD(MEM_TOTAL, mem_total),
	FIELD(MEM_FREE, mem_free),
	FIELD(MEM_AVAILABLE, mem_available),
	FIELD(MEM_BUFFERS, buffers),
	FIELD(MEM_CACHED, cached),
	FIELD(SWAP_CACHED, swap_cached),
	FIELD(MEM_ACTIVE, active),
	FIELD(MEM_INACTIVE, inactive),
	FIELD(MEM_ANON, anon_pages),
	FIELD(MEM_MAPPED, mapped),
	FIELD(MEM_SHARED, shmem),
	FIELD(MEM_SLAB_RECLAIM, slab_reclaimable),
	FIELD(MEM_PAGE_TABLES, page_tables),
	FIELD(SWAP_TOTAL, swap_total),
	FIELD(SWAP_FREE, swap_free),
	FIELD(MEM_COMMITTED_AS, committed_as),
	FIELD(MEM_COMMIT_LIMIT, commit_limit),
	FIELD(MEM_HUGETBL, hugetlb),
};

enum { MEMINFO_FIELDS = sizeof(meminfo_fields) / sizeof(meminfo_fields[0]) };

/* Before 4.20 there is no "Hugetlb" line, which counts every size; then the default size is it. */
static void fill_hugetlb(struct meminfo_info *info, struct system_facts *ret)
{
	enum meminfo_item items[] = { MEMINFO_MEM_HUGE_TOTAL, MEMINFO_MEM_HUGE_SIZE };
	struct meminfo_stack *stack;

	if (fact_or(ret->hugetlb, 0))
		return;
	stack = procps_meminfo_select(info, items, 2);
	if (stack)
		ret->hugetlb = fact_of((uint64_t)stack->head[0].result.ul_int *
		                       stack->head[1].result.ul_int * KIB);
}

static bool read_meminfo(struct system_facts *ret)
{
	enum meminfo_item items[MEMINFO_FIELDS];
	struct meminfo_info *info = NULL;
	struct meminfo_stack *stack;

	if (procps_meminfo_new(&info) < 0)
		return false;
	for (size_t i = 0; i < MEMINFO_FIELDS; i++)
		items[i] = meminfo_fields[i].item;
	stack = procps_meminfo_select(info, items, MEMINFO_FIELDS);
	for (size_t i = 0; stack && i < MEMINFO_FIELDS; i++) {
		struct fact *to = (struct fact *)(void *)((char *)ret + meminfo_fields[i].offset);

		*to = fact_of((uint64_t)stack->head[i].result.ul_int * KIB);
	}
	if (stack)
		fill_hugetlb(info, ret);
	(void)procps_meminfo_unref(&info);
	return stack && ret->mem_total.v;
}

/* --- settings --------------------------------------------------------------------------------- */

static struct fact read_setting(const char *path)
{
	char text[64] = "";
	size_t len = 0;
	struct span rest;
	uint64_t value;

	if (read_file_small(AT_FDCWD, path, text, sizeof(text), &len) != READ_OK)
		return fact_unknown();
	rest = (struct span){ text, len };
	return span_number(&rest, &value) ? fact_of(value) : fact_unknown();
}

/* "always [madvise] never" */
static struct fact read_thp_mode(void)
{
	static const char *const modes[] = { "[always]", "[madvise]", "[never]" };
	char text[64] = "";
	size_t len = 0;

	if (read_file_small(AT_FDCWD, "/sys/kernel/mm/transparent_hugepage/enabled", text,
	                    sizeof(text), &len) != READ_OK)
		return fact_unknown();
	for (uint64_t i = 0; i < 3; i++)
		if (strstr(text, modes[i]))
			return fact_of(i);
	return fact_unknown();
}

static void read_settings(struct system_facts *ret)
{
	ret->overcommit_memory = read_setting("/proc/sys/vm/overcommit_memory");
	ret->overcommit_ratio = read_setting("/proc/sys/vm/overcommit_ratio");
	ret->overcommit_kbytes = read_setting("/proc/sys/vm/overcommit_kbytes");
	ret->admin_reserve_kbytes = read_setting("/proc/sys/vm/admin_reserve_kbytes");
	ret->user_reserve_kbytes = read_setting("/proc/sys/vm/user_reserve_kbytes");
	ret->max_map_count = read_setting("/proc/sys/vm/max_map_count");
	ret->panic_on_oom = read_setting("/proc/sys/vm/panic_on_oom");
	ret->oom_kill_allocating_task = read_setting("/proc/sys/vm/oom_kill_allocating_task");
	ret->swappiness = read_setting("/proc/sys/vm/swappiness");
	ret->thp_mode = read_thp_mode();
	ret->thp_page_size = read_setting("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
}

/* --- the rest --------------------------------------------------------------------------------- */

static void read_kernel(struct system_facts *ret)
{
	struct utsname name;

	if (uname(&name) != 0)
		return;
	(void)text_copy(ret->kernel_release, sizeof(ret->kernel_release), name.release);
	(void)linux_parse_release(name.release, &ret->kernel_major, &ret->kernel_minor);
}

static void read_cpus(struct system_facts *ret)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	char text[4096] = "";
	size_t len = 0;

	ret->cpus_online = online > 0 ? (uint32_t)online : 0;
	if (read_file_small(AT_FDCWD, "/sys/devices/system/cpu/present", text, sizeof(text),
	                    &len) == READ_OK)
		ret->cpus_present = parse_cpu_count(text, len);
	if (!ret->cpus_present)
		ret->cpus_present = ret->cpus_online;
}

static void read_zones(struct system_facts *ret)
{
	struct file_text text = { 0 };
	struct zone_totals totals;
	int fd = open("/proc/zoneinfo", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read_fd(fd, &text) == READ_OK && parse_zoneinfo(text.at, text.len, &totals)) {
		ret->watermark_min = fact_of(totals.min);
		ret->watermark_low = fact_of(totals.low);
		ret->watermark_high = fact_of(totals.high);
		ret->totalreserve_pages = fact_of(totals.totalreserve);
	}
	file_text_free(&text);
	close(fd);
}

/* Kernels without PSI lack the file; psi=0 makes opening or reading it fail. */
static void read_pressure(struct system_facts *ret)
{
	char text[512] = "";
	size_t len = 0;

	if (read_file_small(AT_FDCWD, "/proc/pressure/memory", text, sizeof(text), &len) == READ_OK)
		(void)parse_pressure(text, len, &ret->some, &ret->full);
}

/* libproc2 says 0 for a line that a kernel before 4.13 does not have; 0 kills is what it means. */
static void read_vmstat(struct system_facts *ret)
{
	struct vmstat_info *info = NULL;
	struct vmstat_result *kills;

	if (procps_vmstat_new(&info) < 0)
		return;
	kills = procps_vmstat_get(info, VMSTAT_OOM_KILL);
	if (kills)
		ret->oom_kills = fact_of(kills->result.ul_int);
	(void)procps_vmstat_unref(&info);
}

bool system_read(struct system_facts *ret)
{
	long page = sysconf(_SC_PAGESIZE);

	*ret = (struct system_facts){ .page_size = page > 0 ? (uint64_t)page : 4096 };
	read_kernel(ret);
	read_cpus(ret);
	read_settings(ret);
	read_zones(ret);
	read_pressure(ret);
	read_vmstat(ret);
	return read_meminfo(ret);
}
