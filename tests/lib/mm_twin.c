/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/mm_twin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/parse_maps.h"
#include "probes/parse_smaps.h"

enum { TEXT_MAX = 96 << 20 };

static size_t read_all(int fd, char *text)
{
	size_t len = 0;
	ssize_t n;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	while (len < TEXT_MAX && (n = read(fd, text + len, TEXT_MAX - len)) > 0)
		len += (size_t)n;
	assert_true(len < TEXT_MAX);
	return len;
}

uint64_t mm_twin_number(const char *path, const char *key)
{
	static char text[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *at;
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n > 0);
	text[n] = '\0';
	at = strstr(text, key);
	assert_non_null(at);
	return strtoull(at + strlen(key), NULL, 10);
}

/* Field 47 of stat; comm has no blanks here. */
static uint64_t start_brk_of(pid_t pid)
{
	static char text[4096];
	char path[64], *at;
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n > 0);
	text[n] = '\0';
	at = strrchr(text, ')');
	for (int field = 2; at && field < 47; field++)
		at = strchr(at + 1, ' ');
	assert_non_null(at);
	return strtoull(at, NULL, 10);
}

static void print_step(const struct step *s)
{
	static const char *const names[] = { "brk",      "mmap",    "munmap", "mremap",
		                             "mprotect", "madvise", "touch" };

	print_message("  %s %#" PRIx64 " %#" PRIx64 " %#" PRIx64 " %#" PRIx64 "\n", names[s->op],
	              s->arg[0], s->arg[1], s->arg[2], s->arg[3]);
}

static void print_history(const struct mm_twin *twin)
{
	size_t first = twin->number >= KEPT_STEPS ? twin->number - KEPT_STEPS + 1 : 0;

	print_message("seed %" PRIu64 ", step %zu; steps before it:\n", twin->seed, twin->number);
	for (size_t i = first; i <= twin->number; i++)
		print_step(&twin->last[i % KEPT_STEPS]);
}

static void print_vmas(const struct mm_twin *twin, const struct vma_set *real, size_t around)
{
	for (size_t i = around > 2 ? around - 2 : 0; i < around + 3; i++) {
		if (i < real->count)
			print_message("  real %" PRIx64 "-%" PRIx64 " %x", real->at[i].start,
			              real->at[i].end, real->at[i].prot);
		if (i < lx_mm_count(twin->mm)) {
			const struct lx_vma *v = lx_mm_at(twin->mm, i);

			print_message("  ours %" PRIx64 "-%" PRIx64 " %x anon %u pgoff %" PRIx64,
			              v->start, v->end, v->flags, v->anon, v->pgoff);
		}
		print_message("\n");
	}
}

static bool equals(const struct vma *real, const struct lx_vma *ours)
{
	return real->start == ours->start && real->end == ours->end &&
	       real->prot == (ours->flags & (VMA_READ | VMA_WRITE | VMA_EXEC | VMA_SHARED));
}

void mm_twin_compare_maps(struct mm_twin *twin)
{
	struct vma_set real;
	size_t bad, count, i = 0;

	region_free(twin->scratch);
	twin->scratch = region_new();
	assert_true(parse_maps(twin->text, read_all(twin->maps_fd, twin->text), twin->scratch,
	                       &real, &bad));
	count = real.count;
	if (count && vma_is_named(&real, &real.at[count - 1], "[vsyscall]"))
		count--;
	while (i < count && i < lx_mm_count(twin->mm) && equals(&real.at[i], lx_mm_at(twin->mm, i)))
		i++;
	if (i == count && i == lx_mm_count(twin->mm))
		return;
	print_history(twin);
	print_vmas(twin, &real, i);
	fail_msg("VMA %zu of %zu differs, %zu predicted", i, count, lx_mm_count(twin->mm));
}

/* Pages of the VMAs that smaps calls accounted: a line "VmFlags: … ac …" after the one with the size. */
static uint64_t real_charge(struct mm_twin *twin)
{
	uint64_t charged = 0, kb = 0;
	size_t len = read_all(twin->smaps_fd, twin->text);
	char *next;

	twin->text[len] = '\0';
	for (char *line = twin->text; (next = strchr(line, '\n')) != NULL; line = next + 1) {
		*next = '\0';
		if (strncmp(line, "Size:", 5) == 0)
			kb = strtoull(line + 5, NULL, 10);
		else if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " ac"))
			charged += kb / 4;
	}
	return charged;
}

/* Charged pages and the counters behind the limits. */
void mm_twin_compare_counters(struct mm_twin *twin)
{
	char path[64];
	uint64_t ours = 0, charged = real_charge(twin);

	for (size_t i = 0; i < lx_mm_count(twin->mm); i++) {
		const struct lx_vma *v = lx_mm_at(twin->mm, i);

		if (v->flags & LX_VM_ACCOUNT)
			ours += (v->end - v->start) / PAGE;
	}
	if (charged != ours) {
		print_history(twin);
		assert_int_equal(charged, ours);
	}
	assert_true(lx_mm_charged_pages(twin->mm) >= ours);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)twin->pid);
	assert_int_equal(mm_twin_number(path, "VmSize:") / 4, lx_mm_total_pages(twin->mm));
}

int64_t mm_twin_predict(struct lx_mm *mm, const struct step *s)
{
	struct sys *sys = lx_mm_sys(mm);
	struct lx_touch touch;

	sys_clear(sys);
	switch (s->op) {
	case SYS_BRK:
		return (int64_t)sys_brk(sys, s->arg[0]);
	case SYS_MMAP:
		return sys_mmap(sys, s->arg[0], s->arg[1], (uint32_t)s->arg[2],
		                (uint32_t)s->arg[3]);
	case SYS_MUNMAP:
		return sys_munmap(sys, s->arg[0], s->arg[1]);
	case SYS_MREMAP:
		return sys_mremap(sys, s->arg[0], s->arg[1], s->arg[2], (uint32_t)s->arg[3]);
	case SYS_MPROTECT:
		return sys_mprotect(sys, s->arg[0], s->arg[1], (uint32_t)s->arg[2]);
	case SYS_MADVISE:
		return sys_madvise(sys, s->arg[0], s->arg[1], (uint32_t)s->arg[2]);
	default:
		lx_touch(mm, s->arg[0], s->arg[1], &touch);
		return (int64_t)touch.pages;
	}
}

static bool is_at_start(const struct mm_twin *twin, const struct lx_vma *v)
{
	const struct vma *next = vma_find_next(&twin->start, v->start);

	return next && next->start < v->end;
}

/* Pages that are there, of private memory that was mapped since the start. */
void mm_twin_compare_resident(struct mm_twin *twin)
{
	struct smaps_pos pos = { 0 };
	struct vma_set real;
	size_t bad;

	region_free(twin->scratch);
	twin->scratch = region_new();
	assert_true(parse_maps(twin->text, read_all(twin->maps_fd, twin->text), twin->scratch,
	                       &real, &bad));
	parse_smaps(twin->text, read_all(twin->smaps_fd, twin->text), &real, &pos);
	for (size_t i = 0; i < lx_mm_count(twin->mm); i++) {
		const struct lx_vma *v = lx_mm_at(twin->mm, i);
		uint64_t ours = image_resident(&twin->image, v->start, v->end);

		if (v->file || is_at_start(twin, v) || real.at[i].rss / PAGE == ours)
			continue;
		print_history(twin);
		fail_msg("%" PRIx64 "-%" PRIx64 ": %" PRIu64 " pages, %" PRIu64 " predicted",
		         v->start, v->end, real.at[i].rss / PAGE, ours);
	}
}

static int64_t real(struct mm_twin *twin, const struct step *s)
{
	int64_t result;

	assert_int_equal(write(twin->to, s, sizeof(*s)), sizeof(*s));
	if (read(twin->from, &result, sizeof(result)) != (ssize_t)sizeof(result)) {
		print_history(twin);
		fail_msg("the child has died");
	}
	return result;
}

/* Memory can be plugged in, and balloons give some back, while a test runs. */
static void follow_machine(struct mm_twin *twin)
{
	struct lx_commit_state state = *lx_mm_commit_state(twin->mm);

	state.ram = mm_twin_number("/proc/meminfo", "MemTotal:") / 4;
	state.swap = mm_twin_number("/proc/meminfo", "SwapTotal:") / 4;
	if (state.ram + state.swap == twin->ram_swap_pages)
		return;
	print_message("RAM and swap have become %" PRIu64 " pages\n", state.ram + state.swap);
	twin->ram_swap_pages = state.ram + state.swap;
	lx_mm_set_commit_state(twin->mm, &state);
}

void mm_twin_step(struct mm_twin *twin, const struct step *s)
{
	int64_t ours, theirs;

	if (s->op == SYS_MMAP && s->arg[1] / PAGE + 2 >= twin->ram_swap_pages)
		follow_machine(twin);
	twin->last[twin->number % KEPT_STEPS] = *s;
	theirs = real(twin, s);
	ours = mm_twin_predict(twin->mm, s);
	if (ours != theirs) {
		print_history(twin);
		fail_msg("result %" PRIx64 " (%" PRId64 "), predicted %" PRIx64 " (%" PRId64 ")",
		         (uint64_t)theirs, theirs, (uint64_t)ours, ours);
	}
}

/* --- setting up ----------------------------------------------------------------------------------- */

static void start_child(struct mm_twin *twin, bool is_forked)
{
	int down[2], up[2];
	char path[64], in[16], out[16];

	assert_int_equal(pipe(down), 0);
	assert_int_equal(pipe(up), 0);
	(void)snprintf(in, sizeof(in), "%d", down[0]);
	(void)snprintf(out, sizeof(out), "%d", up[1]);
	twin->pid = fork();
	assert_true(twin->pid >= 0);
	if (twin->pid == 0) {
		char *argv[] = { (char[]){ "mm_twin" }, in, out, NULL };

		close(down[1]);
		close(up[0]);
		if (is_forked)
			_exit(mm_twin_act(down[0], up[1]));
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	close(down[0]);
	close(up[1]);
	twin->to = down[1];
	twin->from = up[0];
	/* Its first answer: exec is over. */
	assert_int_equal(real(twin, &(struct step){ TOUCH, { 0 } }), 0);
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)twin->pid);
	twin->maps_fd = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/smaps", (int)twin->pid);
	twin->smaps_fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(twin->maps_fd >= 0 && twin->smaps_fd >= 0);
}

static struct fact thp_mode(void)
{
	static const char *const modes[] = { "[always]", "[madvise]", "[never]" };
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char line[64] = "[never]";

	if (file) {
		assert_non_null(fgets(line, sizeof(line), file));
		(void)fclose(file);
	}
	for (uint64_t i = 0; i < 3; i++)
		if (strstr(line, modes[i]))
			return fact_of(i);
	return fact_unknown();
}

static void start_model(struct mm_twin *twin, bool is_forked)
{
	struct lx_mm_start start = { .page = PAGE,
		                     .limit_as = UINT64_MAX,
		                     .limit_data = UINT64_MAX,
		                     .limit_stack = UINT64_MAX };
	struct smaps_pos pos = { 0 };
	struct utsname name;
	struct rlimit stack;
	int major, minor;
	size_t bad;

	assert_int_equal(uname(&name), 0);
	assert_true(linux_parse_release(name.release, &major, &minor));
	twin->rules = start.rules = linux_rules_for(major, minor);
	assert_true(parse_maps(twin->text, read_all(twin->maps_fd, twin->text), twin->region,
	                       &twin->start, &bad));
	parse_smaps(twin->text, read_all(twin->smaps_fd, twin->text), &twin->start, &pos);
	twin->brk_start = start_brk_of(twin->pid);
	start.vmas = &twin->start;
	start.brk_start = twin->brk_start;
	start.brk = (uint64_t)real(twin, &(struct step){ SYS_BRK, { 0 } });
	assert_int_equal(prlimit(twin->pid, RLIMIT_STACK, NULL, &stack), 0);
	start.limit_stack = stack.rlim_cur == RLIM_INFINITY ? UINT64_MAX : stack.rlim_cur;
	start.thp = thp_mode();
	start.is_forked = is_forked;
	start.max_map_count = mm_twin_number("/proc/sys/vm/max_map_count", "");
	lx_commit_fresh(&start.commit);
	start.commit.mode = (uint32_t)mm_twin_number("/proc/sys/vm/overcommit_memory", "");
	start.commit.ram = mm_twin_number("/proc/meminfo", "MemTotal:") / 4;
	start.commit.swap = mm_twin_number("/proc/meminfo", "SwapTotal:") / 4;
	twin->ram_swap_pages = start.commit.ram + start.commit.swap;
	start.image = &twin->image;
	twin->pool = image_pool_new();
	assert_true(twin->pool);
	image_init(&twin->image, twin->pool);
	twin->image.is_journaling = true;
	twin->mm = lx_mm_new(twin->region, &start);
	assert_non_null(twin->mm);
	lx_mm_journal(twin->mm, true);
	for (size_t i = 0; i < twin->start.count; i++)
		if (vma_is_named(&twin->start, &twin->start.at[i], "[stack]"))
			twin->mmap_base = twin->start.at[i - 1].end;
}

static void begin(struct mm_twin *twin, uint64_t seed, bool is_forked)
{
	memset(twin, 0, sizeof(*twin));
	twin->seed = seed;
	twin->random = seed * 0x9e3779b97f4a7c15 + 1;
	twin->text = malloc((size_t)TEXT_MAX + 1);
	twin->region = region_new();
	assert_true(twin->text && twin->region);
	start_child(twin, is_forked);
	start_model(twin, is_forked);
	mm_twin_compare_maps(twin);
	mm_twin_compare_counters(twin);
}

void mm_twin_start(struct mm_twin *twin, uint64_t seed)
{
	begin(twin, seed, false);
}

void mm_twin_start_forked(struct mm_twin *twin, uint64_t seed)
{
	begin(twin, seed, true);
}

void mm_twin_end(struct mm_twin *twin)
{
	int status;

	assert_int_equal(write(twin->to, &(struct step){ END, { 0 } }, sizeof(struct step)),
	                 sizeof(struct step));
	assert_int_equal(waitpid(twin->pid, &status, 0), twin->pid);
	assert_int_equal(status, 0);
	close(twin->to);
	close(twin->from);
	close(twin->maps_fd);
	close(twin->smaps_fd);
	lx_mm_end(twin->mm);
	image_end(&twin->image);
	image_pool_free(twin->pool);
	region_free(twin->region);
	region_free(twin->scratch);
	free(twin->text);
}
