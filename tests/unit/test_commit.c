/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commit accounting: against the running kernel where it can be asked, and against figures that
 * were measured on others. Children map exactly what is said to fit, then one page more, and never
 * touch a byte of it.
 *
 * HEAPTOP_TEST_SYSCTL=1 also switches vm.overcommit_memory to 2 for a moment (root, and a machine
 * that nobody else uses: programs that reserve much would fail meanwhile).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/linux/lx.h"
#include "probes/read.h"
#include "tests/lib/sample_snapshot.h"

#define PAGE ((uint64_t)4096)

/* --- ourselves as a snapshot ------------------------------------------------------------------ */

static struct part *own_vmas(struct proc *proc)
{
	struct maps_cache *cache = maps_cache_new();
	struct err err = { 0 };
	struct part *part = cache ? maps_read(proc, cache, NULL, 1, &err) : NULL;

	maps_cache_free(cache);
	return part;
}

/* System, process and VMAs of the calling process; NULL when something can't be read. */
static struct snapshot *read_ourselves(void)
{
	struct snapshot *snap = snapshot_new();
	struct part *system = part_new(PART_SYSTEM, 1), *process = part_new(PART_PROCESS, 1);
	struct err err = { 0 };
	struct proc proc;
	bool ok;

	if (!snap || !system || !process || !proc_open(getpid(), &proc, &err))
		return NULL;
	snap->parts[PART_SYSTEM] = system;
	snap->parts[PART_PROCESS] = process;
	ok = system_read(&system->system);
	ok = proc_read_process(&proc, &process->process) && ok;
	snap->parts[PART_VMAS] = own_vmas(&proc);
	proc_close(&proc);
	return ok && snap->parts[PART_VMAS] ? snap : NULL;
}

static bool commit_of_ourselves(struct commit_facts *ret)
{
	struct snapshot *snap = read_ourselves();
	const struct system_facts *sys;

	if (!snap)
		return false;
	sys = snapshot_system(snap);
	lx_commit(snap, linux_rules_for(sys->kernel_major, sys->kernel_minor), ret);
	snapshot_unref(snap);
	return true;
}

static bool can_map(uint64_t bytes, int flags)
{
	void *at = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (at == MAP_FAILED)
		return false;
	(void)munmap(at, (size_t)bytes);
	return true;
}

/* Runs `body` in a child and gives its exit code: 0 as predicted. */
static int in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

enum { AS_PREDICTED, CAN_NOT_READ, REFUSED_TOO_EARLY, ACCEPTED_TOO_MUCH, NOT_THE_RULE };

static const char *const results[] = { "as predicted", "can't read ourselves",
	                               "the predicted size was refused",
	                               "one page more was accepted",
	                               "something else decides here" };

static void assert_predicted(int result)
{
	if (result == NOT_THE_RULE) {
		print_message("skipped: %s\n", results[result]);
		skip();
	}
	if (result != AS_PREDICTED)
		fail_msg("%s", result < 5 ? results[result] : "the child failed");
}

/* --- against this kernel ---------------------------------------------------------------------- */

static void the_limit_is_meminfos(void **state)
{
	struct commit_facts commit = { 0 };
	struct system_facts sys;

	(void)state;
	assert_true(commit_of_ourselves(&commit));
	assert_true(system_read(&sys));
	assert_true(fact_known(commit.limit));
	assert_int_equal(commit.limit.v, sys.commit_limit.v);
}

static int map_the_headroom_of_mode_0(void)
{
	struct commit_facts commit;
	struct snapshot *snap = read_ourselves();

	if (!snap || !commit_of_ourselves(&commit))
		return CAN_NOT_READ;
	if (fact_or(snapshot_system(snap)->overcommit_memory, 9) != 0 ||
	    strcmp(commit.decided_by[0], "RAM + swap") != 0)
		return NOT_THE_RULE;
	if (!can_map(commit.headroom[0].v, 0))
		return REFUSED_TOO_EARLY;
	return can_map(commit.headroom[0].v + PAGE, 0) ? ACCEPTED_TOO_MUCH : AS_PREDICTED;
}

static void mode_0_ends_at_the_predicted_page(void **state)
{
	(void)state;
	assert_predicted(in_child(map_the_headroom_of_mode_0));
}

/* A limit 1 GiB above what we use: sanitizers reserve much, and reading ourselves takes a little. */
static bool limit_ourselves(__rlimit_resource_t resource)
{
	struct snapshot *snap = read_ourselves();
	const struct process_facts *process;
	struct rlimit limit = { 0, RLIM_INFINITY };

	if (!snap)
		return false;
	process = snapshot_process(snap);
	limit.rlim_cur = resource == RLIMIT_AS ? process->vm_size.v : process->vm_data.v;
	limit.rlim_cur += (rlim_t)1 << 30;
	snapshot_unref(snap);
	return setrlimit(resource, &limit) == 0;
}

static int map_up_to_a_limit(__rlimit_resource_t resource, const char *word)
{
	struct commit_facts commit;

	if (!limit_ourselves(resource))
		return CAN_NOT_READ;
	for (int attempt = 0; attempt < 3; attempt++) {
		if (!commit_of_ourselves(&commit))
			return CAN_NOT_READ;
		if (strcmp(commit.decided_by[0], word) != 0)
			return NOT_THE_RULE;
		if (can_map(commit.headroom[0].v, 0) && !can_map(commit.headroom[0].v + PAGE, 0))
			return AS_PREDICTED;
	}
	return can_map(commit.headroom[0].v, 0) ? ACCEPTED_TOO_MUCH : REFUSED_TOO_EARLY;
}

static int map_up_to_rlimit_as(void)
{
	return map_up_to_a_limit(RLIMIT_AS, "RLIMIT_AS");
}

static int map_up_to_rlimit_data(void)
{
	return map_up_to_a_limit(RLIMIT_DATA, "RLIMIT_DATA");
}

static void rlimits_end_at_the_predicted_page(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	print_message("skipped: the sanitizer maps memory of its own between reading and trying\n");
	skip();
#endif
	assert_predicted(in_child(map_up_to_rlimit_as));
	assert_predicted(in_child(map_up_to_rlimit_data));
}

/* Outside mode 2, MAP_NORESERVE leaves the address space as the only bound. */
static int map_the_widest_gap(void)
{
	struct commit_facts commit;

	for (int attempt = 0; attempt < 3; attempt++) {
		if (!commit_of_ourselves(&commit))
			return CAN_NOT_READ;
		if (strcmp(commit.decided_by[1], "address space") != 0)
			return NOT_THE_RULE;
		if (can_map(commit.headroom[1].v, MAP_NORESERVE) &&
		    !can_map(commit.headroom[1].v + PAGE, MAP_NORESERVE))
			return AS_PREDICTED;
	}
	return can_map(commit.headroom[1].v, MAP_NORESERVE) ? ACCEPTED_TOO_MUCH : REFUSED_TOO_EARLY;
}

static void mode_1_ends_at_the_widest_gap(void **state)
{
	struct system_facts sys;

	(void)state;
	assert_true(system_read(&sys));
	if (fact_or(sys.overcommit_memory, 2) == 2) {
		print_message("skipped: in mode 2 MAP_NORESERVE counts for nothing\n");
		skip();
	}
	assert_predicted(in_child(map_the_widest_gap));
}

/* --- mode 2, on request ----------------------------------------------------------------------- */

static bool set_mode(char mode)
{
	int fd = open("/proc/sys/vm/overcommit_memory", O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, &mode, 1) == 1;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* The largest single mapping that this kernel grants, to the page. */
static uint64_t largest_mapping(uint64_t refused)
{
	uint64_t granted = 0;

	refused = refused / PAGE;
	while (refused - granted > 1) {
		uint64_t middle = granted + (refused - granted) / 2;

		if (can_map(middle * PAGE, 0))
			granted = middle;
		else
			refused = middle;
	}
	return granted * PAGE;
}

static int map_the_headroom_of_mode_2(void)
{
	struct commit_facts commit;
	uint64_t largest, slack;

	if (!commit_of_ourselves(&commit))
		return CAN_NOT_READ;
	slack = commit.uncertainty.v;
	largest = largest_mapping(commit.headroom[2].v + 2 * slack + PAGE);
	print_message("mode 2: %" PRIu64 " bytes predicted, %" PRIu64 " granted, +-%" PRIu64 "\n",
	              commit.headroom[2].v, largest, slack);
	if (largest + slack < commit.headroom[2].v)
		return REFUSED_TOO_EARLY;
	return largest > commit.headroom[2].v + slack ? ACCEPTED_TOO_MUCH : AS_PREDICTED;
}

static void mode_2_ends_within_the_uncertainty(void **state)
{
	const char *wanted = getenv("HEAPTOP_TEST_SYSCTL"); // NOLINT(concurrency-mt-unsafe)
	struct system_facts sys;
	int result;

	(void)state;
	assert_true(system_read(&sys));
	if (!wanted || strcmp(wanted, "1") != 0) {
		print_message("skipped: changes vm.overcommit_memory; HEAPTOP_TEST_SYSCTL=1 asks "
		              "for it\n");
		skip();
	}
	if (!set_mode('2')) {
		print_message("skipped: vm.overcommit_memory can't be set\n");
		skip();
	}
	result = in_child(map_the_headroom_of_mode_2);
	assert_true(set_mode((char)('0' + sys.overcommit_memory.v)));
	assert_predicted(result);
}

/* --- against measured and made-up machines ---------------------------------------------------- */

struct machine {
	struct snapshot *snap;
	struct system_facts *sys;
	struct process_facts *process;
};

static struct machine machine_of(uint64_t ram_pages, uint32_t cpus)
{
	struct machine m = { .snap = snapshot_new() };

	assert_non_null(m.snap);
	m.snap->parts[PART_SYSTEM] = part_new(PART_SYSTEM, 1);
	m.snap->parts[PART_PROCESS] = part_new(PART_PROCESS, 1);
	assert_non_null(m.snap->parts[PART_SYSTEM]);
	assert_non_null(m.snap->parts[PART_PROCESS]);
	m.sys = &m.snap->parts[PART_SYSTEM]->system;
	m.process = &m.snap->parts[PART_PROCESS]->process;
	*m.sys = (struct system_facts){
		.page_size = PAGE,
		.cpus_online = cpus,
		.cpus_present = cpus,
		.mem_total = fact_of(ram_pages * PAGE),
		.swap_total = fact_of(0),
		.committed_as = fact_of(0),
		.hugetlb = fact_of(0),
		.overcommit_ratio = fact_of(50),
		.overcommit_kbytes = fact_of(0),
		.admin_reserve_kbytes = fact_of(0),
		.user_reserve_kbytes = fact_of(0),
	};
	m.process->vm_size = fact_of(0);
	return m;
}

static struct commit_facts commit_of(const struct machine *m, int major, int minor)
{
	struct commit_facts commit;

	lx_commit(m->snap, linux_rules_for(major, minor), &commit);
	return commit;
}

static void the_limit_follows_the_settings(void **state)
{
	struct machine m = machine_of(54295, 1);

	(void)state;
	assert_int_equal(commit_of(&m, 6, 1).limit.v, PAGE * (54295 * 50 / 100));
	m.sys->swap_total = fact_of(16384 * PAGE);
	m.sys->hugetlb = fact_of(1024 * PAGE);
	assert_int_equal(commit_of(&m, 6, 1).limit.v, PAGE * ((54295 - 1024) * 50 / 100 + 16384));
	m.sys->overcommit_kbytes = fact_of(4003);
	assert_int_equal(commit_of(&m, 6, 1).limit.v, (1000 + 16384) * PAGE);
	m.sys->mem_total = fact_unknown();
	assert_false(fact_known(commit_of(&m, 6, 1).limit));
	snapshot_unref(m.snap);
}

/* Strictly less: the request, what is committed and the reserves must stay below the limit. */
static void mode_2_subtracts_the_reserves(void **state)
{
	struct machine m = machine_of(100000, 1);
	struct commit_facts commit;

	(void)state;
	m.sys->committed_as = fact_of(1000 * PAGE);
	assert_int_equal(commit_of(&m, 6, 1).headroom[2].v, (50000 - 1000 - 1) * PAGE);
	m.sys->admin_reserve_kbytes = fact_of(8000);
	m.sys->user_reserve_kbytes = fact_of(2000);
	m.process->vm_size = fact_of(3200 * PAGE);
	commit = commit_of(&m, 6, 1);
	assert_int_equal(commit.reserve_admin.v, 2000 * PAGE);
	assert_int_equal(commit.reserve_user.v, 100 * PAGE);
	assert_int_equal(commit.headroom[2].v, (50000 - 2000 - 100 - 1000 - 1) * PAGE);
	m.process->vm_size = fact_of(320000 * PAGE);
	m.process->has_cap_sys_admin = true;
	commit = commit_of(&m, 6, 1);
	assert_int_equal(commit.reserve_admin.v, 0);
	assert_int_equal(commit.reserve_user.v, 500 * PAGE);
	m.sys->committed_as = fact_of(60000 * PAGE);
	assert_int_equal(commit_of(&m, 6, 1).headroom[2].v, 0);
	snapshot_unref(m.snap);
}

/* 57371 pages and 1 CPU: batch 224, so 223 pages past the limit were accepted (5.10). */
static void uncertainty_is_what_cpus_keep_back(void **state)
{
	struct machine small = machine_of(57371, 1), large = machine_of(6171024, 2);

	(void)state;
	assert_int_equal(commit_of(&small, 5, 10).uncertainty.v, 223 * PAGE);
	assert_int_equal(commit_of(&large, 6, 18).uncertainty.v, PAGE * 2 * 12051);
	small.sys->mem_total = fact_of(100 * PAGE);
	assert_int_equal(commit_of(&small, 5, 10).uncertainty.v, 31 * PAGE);
	snapshot_unref(small.snap);
	snapshot_unref(large.snap);
}

static void mode_0_of_old_kernels_counts_free_pages(void **state)
{
	struct machine m = machine_of(100000, 1);

	(void)state;
	m.sys->mem_free = fact_of(1000 * PAGE);
	m.sys->cached = fact_of(500 * PAGE);
	m.sys->buffers = fact_of(50 * PAGE);
	m.sys->swap_cached = fact_of(5 * PAGE);
	m.sys->shmem = fact_of(55 * PAGE);
	m.sys->slab_reclaimable = fact_of(100 * PAGE);
	m.sys->totalreserve_pages = fact_of(200);
	m.sys->admin_reserve_kbytes = fact_of(400);
	/* 1000 + (555 - 55) + 100 - 200 - 100, and the request must be smaller */
	assert_int_equal(commit_of(&m, 4, 3).headroom[0].v, 1299 * PAGE);
	assert_int_equal(commit_of(&m, 5, 1).headroom[0].v, 1299 * PAGE);
	assert_int_equal(commit_of(&m, 5, 2).headroom[0].v, 100000 * PAGE);
	m.sys->totalreserve_pages = fact_of(90000);
	assert_int_equal(commit_of(&m, 4, 3).headroom[0].v, 0);
	snapshot_unref(m.snap);
}

static void a_32_bit_process_has_4_gib(void **state)
{
	struct machine m = machine_of(6171024, 2);

	(void)state;
	m.process->elf_class = 32;
	m.process->vm_size = fact_of(100 * PAGE);
	assert_int_equal(commit_of(&m, 6, 1).headroom[0].v,
	                 ((uint64_t)1 << 32) - 2 * PAGE - 100 * PAGE);
	assert_string_equal(commit_of(&m, 6, 1).decided_by[0], "address space");
	snapshot_unref(m.snap);
}

static void charges_of_the_vmas_add_up(void **state)
{
	struct sample sample;
	struct commit_facts commit;
	uint64_t sum = 0;

	(void)state;
	sample_new(&sample);
	for (size_t i = 0; i < sample.vmas->count; i++) {
		sample.vmas->at[i].charge = i % 2 ? VMA_CHARGE_YES : VMA_CHARGE_NO;
		sum += i % 2 ? vma_size(&sample.vmas->at[i]) : 0;
	}
	lx_commit(sample.snap, &sample.rules, &commit);
	assert_int_equal(commit.target_charged.v, sum);
	assert_int_equal(commit.target_charged.state, FACT_KNOWN);
	assert_false(commit.target_is_estimate);
	sample.vmas->at[0].charge = VMA_CHARGE_GUESS_YES;
	lx_commit(sample.snap, &sample.rules, &commit);
	assert_int_equal(commit.target_charged.v, sum + vma_size(&sample.vmas->at[0]));
	assert_true(commit.target_is_estimate);
	sample_free(&sample);
}

static void nothing_known_is_nothing_claimed(void **state)
{
	struct snapshot *snap = snapshot_new();
	struct commit_facts commit;

	(void)state;
	assert_non_null(snap);
	lx_commit(snap, &linux_rows[0], &commit);
	assert_false(fact_known(commit.limit));
	assert_false(fact_known(commit.headroom[0]));
	assert_false(fact_known(commit.target_charged));
	snapshot_unref(snap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limit_is_meminfos),
		cmocka_unit_test(mode_0_ends_at_the_predicted_page),
		cmocka_unit_test(rlimits_end_at_the_predicted_page),
		cmocka_unit_test(mode_1_ends_at_the_widest_gap),
		cmocka_unit_test(mode_2_ends_within_the_uncertainty),
		cmocka_unit_test(the_limit_follows_the_settings),
		cmocka_unit_test(mode_2_subtracts_the_reserves),
		cmocka_unit_test(uncertainty_is_what_cpus_keep_back),
		cmocka_unit_test(mode_0_of_old_kernels_counts_free_pages),
		cmocka_unit_test(a_32_bit_process_has_4_gib),
		cmocka_unit_test(charges_of_the_vmas_add_up),
		cmocka_unit_test(nothing_known_is_nothing_claimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
