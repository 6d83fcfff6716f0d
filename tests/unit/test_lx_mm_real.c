/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address space against the running kernel: a child makes random system calls, and each result
 * and the whole list of VMAs after it must be what was predicted from its maps at the start.
 *	HEAPTOP_MM_STEPS=N	steps of each seed, for long runs
 *	HEAPTOP_MM_SEED=N	this seed only
 */
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

#include "model/base/units.h"
#include "model/linux/lx_mm.h"
#include "probes/parse_maps.h"
#include "probes/parse_smaps.h"

enum { PAGE = 4096, TEXT_MAX = 24 << 20, KEPT_STEPS = 12, TOUCH = SYS_NR_COUNT, END };

struct step {
	uint32_t op; /* enum sys_nr, or TOUCH: writes to each page */
	uint64_t arg[4];
};

/* --- the child: nothing but the calls ------------------------------------------------------------- */

static int64_t perform(const struct step *s)
{
	long r = 0;

	switch (s->op) {
	case SYS_BRK:
		return syscall(SYS_brk, s->arg[0]);
	case SYS_MMAP:
		r = syscall(SYS_mmap, s->arg[0], s->arg[1], s->arg[2], s->arg[3], -1L, 0L);
		break;
	case SYS_MUNMAP:
		r = syscall(SYS_munmap, s->arg[0], s->arg[1]);
		break;
	case SYS_MREMAP:
		r = syscall(SYS_mremap, s->arg[0], s->arg[1], s->arg[2], s->arg[3], 0L);
		break;
	case SYS_MPROTECT:
		r = syscall(SYS_mprotect, s->arg[0], s->arg[1], s->arg[2]);
		break;
	case SYS_MADVISE:
		r = syscall(SYS_madvise, s->arg[0], s->arg[1], s->arg[2]);
		break;
	default:
		for (uint64_t at = s->arg[0]; at < s->arg[1]; at += PAGE)
			*(volatile char *)(uintptr_t)at = 1;
		return 0;
	}
	return r == -1 ? -errno : r;
}

static int actor(int in, int out)
{
	static struct step s;
	int64_t result;

	while (read(in, &s, sizeof(s)) == (ssize_t)sizeof(s) && s.op < END) {
		result = perform(&s);
		if (write(out, &result, sizeof(result)) != (ssize_t)sizeof(result))
			return 1;
	}
	return 0;
}

/* --- the parent ------------------------------------------------------------------------------------ */

struct run {
	pid_t pid;
	int to, from, maps_fd, smaps_fd;
	uint64_t seed, random;
	size_t number;
	struct region *region, *scratch;
	struct image_pool *pool;
	struct image image;
	struct lx_mm *mm;
	struct vma_set start; /* not to be harmed */
	uint64_t mmap_base, brk_start, ram_swap_pages;
	struct step last[KEPT_STEPS];
	char *text;
};

static uint64_t any(struct run *r, uint64_t below)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return (r->random >> 11) % below;
}

static bool one_in(struct run *r, uint64_t n)
{
	return any(r, n) == 0;
}

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

static uint64_t number_in(const char *path, const char *key)
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

static void print_history(const struct run *r)
{
	size_t first = r->number >= KEPT_STEPS ? r->number - KEPT_STEPS + 1 : 0;

	print_message("seed %" PRIu64 ", step %zu; steps before it:\n", r->seed, r->number);
	for (size_t i = first; i <= r->number; i++)
		print_step(&r->last[i % KEPT_STEPS]);
}

static void print_vmas(const struct run *r, const struct vma_set *real, size_t around)
{
	for (size_t i = around > 2 ? around - 2 : 0; i < around + 3; i++) {
		if (i < real->count)
			print_message("  real %" PRIx64 "-%" PRIx64 " %x", real->at[i].start,
			              real->at[i].end, real->at[i].prot);
		if (i < lx_mm_count(r->mm)) {
			const struct lx_vma *v = lx_mm_at(r->mm, i);

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

static void compare_maps(struct run *r)
{
	struct vma_set real;
	size_t bad, count, i = 0;

	region_free(r->scratch);
	r->scratch = region_new();
	assert_true(parse_maps(r->text, read_all(r->maps_fd, r->text), r->scratch, &real, &bad));
	count = real.count;
	if (count && vma_is_named(&real, &real.at[count - 1], "[vsyscall]"))
		count--;
	while (i < count && i < lx_mm_count(r->mm) && equals(&real.at[i], lx_mm_at(r->mm, i)))
		i++;
	if (i == count && i == lx_mm_count(r->mm))
		return;
	print_history(r);
	print_vmas(r, &real, i);
	fail_msg("VMA %zu of %zu differs, %zu predicted", i, count, lx_mm_count(r->mm));
}

/* Pages of the VMAs that smaps calls accounted: a line "VmFlags: … ac …" after the one with the size. */
static uint64_t real_charge(struct run *r)
{
	uint64_t charged = 0, kb = 0;
	size_t len = read_all(r->smaps_fd, r->text);
	char *next;

	r->text[len] = '\0';
	for (char *line = r->text; (next = strchr(line, '\n')) != NULL; line = next + 1) {
		*next = '\0';
		if (strncmp(line, "Size:", 5) == 0)
			kb = strtoull(line + 5, NULL, 10);
		else if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " ac"))
			charged += kb / 4;
	}
	return charged;
}

/* Charged pages and the counters behind the limits. */
static void compare_counters(struct run *r)
{
	char path[64];
	uint64_t ours = 0, charged = real_charge(r);

	for (size_t i = 0; i < lx_mm_count(r->mm); i++) {
		const struct lx_vma *v = lx_mm_at(r->mm, i);

		if (v->flags & LX_VM_ACCOUNT)
			ours += (v->end - v->start) / PAGE;
	}
	if (charged != ours) {
		print_history(r);
		assert_int_equal(charged, ours);
	}
	assert_true(lx_mm_charged_pages(r->mm) >= ours);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)r->pid);
	assert_int_equal(number_in(path, "VmSize:") / 4, lx_mm_total_pages(r->mm));
}

static int64_t predict(struct lx_mm *mm, const struct step *s)
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
		assert_false(touch.segv);
		return 0;
	}
}

static int64_t real(struct run *r, const struct step *s)
{
	int64_t result;

	assert_int_equal(write(r->to, s, sizeof(*s)), sizeof(*s));
	if (read(r->from, &result, sizeof(result)) != (ssize_t)sizeof(result)) {
		print_history(r);
		fail_msg("the child has died");
	}
	return result;
}

static void one_step(struct run *r, const struct step *s)
{
	int64_t ours, theirs;

	r->last[r->number % KEPT_STEPS] = *s;
	theirs = real(r, s);
	ours = predict(r->mm, s);
	if (ours != theirs) {
		print_history(r);
		fail_msg("result %" PRIx64 " (%" PRId64 "), predicted %" PRIx64 " (%" PRId64 ")",
		         (uint64_t)theirs, theirs, (uint64_t)ours, ours);
	}
}

/* --- random steps ------------------------------------------------------------------------------------ */

static bool is_harmless(const struct run *r, uint64_t start, uint64_t end)
{
	const struct vma *next = vma_find_next(&r->start, start);

	return start < end && start >= 65536 && end <= r->mmap_base &&
	       (!next || next->start >= end);
}

static uint64_t any_len(struct run *r)
{
	switch (any(r, 16)) {
	case 0:
		return 2 * MIB * (1 + any(r, 4));
	case 1:
		return 8 * MIB + PAGE;
	case 2:
		return 2 * MIB + PAGE * any(r, 5) - PAGE * any(r, 5);
	case 3:
		return 1 + any(r, 4 * MIB);
	case 4:
		return one_in(r, 4) ? any(r, 3) << 46 : 64 * MIB;
	default:
		return PAGE * (1 + any(r, 24));
	}
}

/* A VMA that the test made, NULL when there is none to be found quickly. */
static const struct lx_vma *any_own(struct run *r)
{
	for (int i = 0; i < 40; i++) {
		const struct lx_vma *v = lx_mm_at(r->mm, any(r, lx_mm_count(r->mm)));

		if (is_harmless(r, v->start, v->end))
			return v;
	}
	return NULL;
}

/* A range that begins or ends in or near a VMA of ours. */
static void any_range(struct run *r, uint64_t *ret_start, uint64_t *ret_len)
{
	const struct lx_vma *v = any_own(r);
	uint64_t pages;

	*ret_start = r->mmap_base - 64 * MIB;
	*ret_len = PAGE * (1 + any(r, 8));
	if (!v)
		return;
	pages = (v->end - v->start) / PAGE;
	switch (any(r, 6)) {
	case 0:
		*ret_start = v->start;
		*ret_len = v->end - v->start;
		return;
	case 1:
		*ret_start = v->start;
		*ret_len = PAGE * (1 + any(r, pages));
		return;
	case 2:
		*ret_len = PAGE * (1 + any(r, pages));
		*ret_start = v->end - *ret_len;
		return;
	case 3:
		*ret_start = v->start + PAGE * any(r, pages);
		*ret_len = PAGE * (1 + any(r, 40));
		return;
	case 4:
		*ret_start = v->start - PAGE * any(r, 8);
		*ret_len = PAGE * (1 + any(r, pages + 12));
		return;
	default:
		*ret_start = v->start + PAGE * any(r, pages);
		*ret_len = PAGE * (1 + any(r, pages));
		return;
	}
}

static uint32_t any_prot(struct run *r)
{
	static const uint32_t prots[] = { PROT_NONE,
		                          PROT_READ,
		                          PROT_READ | PROT_WRITE,
		                          PROT_READ | PROT_WRITE,
		                          PROT_READ | PROT_WRITE,
		                          PROT_READ | PROT_EXEC };

	return one_in(r, 60) ? PROT_WRITE : prots[any(r, 6)];
}

static void choose_mmap(struct run *r, struct step *s)
{
	uint32_t flags = MAP_PRIVATE | MAP_ANONYMOUS;
	uint64_t start, len;

	*s = (struct step){ SYS_MMAP, { 0, any_len(r), any_prot(r), flags } };
	if (one_in(r, 6))
		flags |= MAP_NORESERVE;
	if (one_in(r, 12))
		flags |= MAP_STACK;
	if (one_in(r, 60))
		flags |= MAP_GROWSDOWN;
	if (one_in(r, 10) && s->arg[1] <= 64 * PAGE)
		flags |= MAP_POPULATE;
	if (one_in(r, 16))
		flags ^= MAP_PRIVATE | MAP_SHARED;
	if (one_in(r, 100))
		flags &= ~(uint32_t)(MAP_PRIVATE | MAP_SHARED);
	any_range(r, &start, &len);
	if (one_in(r, 6))
		s->arg[0] = start + (one_in(r, 4) ? any(r, PAGE) : 0);
	if (one_in(r, 5)) {
		s->arg[0] = start + (one_in(r, 20) ? 8 : 0);
		s->arg[1] = len;
		flags |= one_in(r, 4) ? MAP_FIXED_NOREPLACE : MAP_FIXED;
		if (!is_harmless(r, start, start + len)) {
			flags &= ~(uint32_t)MAP_FIXED;
			s->arg[0] = 0;
		}
	}
	if (one_in(r, 300))
		s->arg[1] = (r->ram_swap_pages + any(r, 3) - 1) * PAGE;
	s->arg[3] = flags;
}

static void choose_brk(struct run *r, struct step *s)
{
	uint64_t now = lx_mm_brk(r->mm), to = now;

	switch (any(r, 6)) {
	case 0:
		to = now - any(r, 40) * PAGE;
		break;
	case 1:
		to = r->brk_start + any(r, 8 * MIB);
		break;
	case 2:
		to = one_in(r, 2) ? 0 : r->brk_start - 1;
		break;
	case 3:
		to = now + any(r, 1 << 14);
		break;
	default:
		to = now + 33 * PAGE;
	}
	*s = (struct step){ SYS_BRK, { to } };
}

static void choose_touch(struct run *r, struct step *s)
{
	const struct lx_vma *v = any_own(r);
	uint64_t first, pages;

	*s = (struct step){ TOUCH, { 0 } };
	if (!v || !(v->flags & LX_VM_WRITE))
		return;
	pages = (v->end - v->start) / PAGE;
	first = any(r, pages);
	pages = min_u64(pages - first, 1 + any(r, 16));
	s->arg[0] = v->start + first * PAGE;
	s->arg[1] = s->arg[0] + pages * PAGE;
}

static void choose_range_call(struct run *r, struct step *s)
{
	static const uint32_t advices[] = { MADV_DONTNEED, MADV_FREE,     MADV_DONTFORK,
		                            MADV_DOFORK,   MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		                            102,           103,           77 };
	uint64_t start, len;

	any_range(r, &start, &len);
	if (!is_harmless(r, start, start + len)) {
		choose_touch(r, s);
		return;
	}
	if (one_in(r, 60))
		start += 16;
	else if (one_in(r, 30))
		len -= any(r, PAGE);
	else if (one_in(r, 200))
		len = 0;
	switch (any(r, 10)) {
	case 0:
	case 1:
	case 2:
		*s = (struct step){ SYS_MUNMAP, { start, len } };
		break;
	case 3:
	case 4:
	case 5:
		*s = (struct step){ SYS_MPROTECT, { start, len, any_prot(r) } };
		break;
	case 6:
	case 7:
		*s = (struct step){ SYS_MREMAP, { start, len, any_len(r), MREMAP_MAYMOVE } };
		if (one_in(r, 3))
			s->arg[2] = len + PAGE * any(r, 4);
		if (one_in(r, 4))
			s->arg[3] = one_in(r, 8) ? 64 : 0;
		break;
	default:
		*s = (struct step){ SYS_MADVISE, { start, len, advices[any(r, 9)] } };
	}
}

static void choose(struct run *r, struct step *s)
{
	bool is_crowded = lx_mm_count(r->mm) > 260;

	if (is_crowded && one_in(r, 3)) {
		const struct lx_vma *v = any_own(r);

		*s = (struct step){ SYS_MUNMAP, { v ? v->start : 65536, 3 * MIB } };
		if (v && is_harmless(r, v->start, v->start + 3 * MIB))
			return;
	}
	switch (any(r, 10)) {
	case 0:
	case 1:
	case 2:
		choose_mmap(r, s);
		break;
	case 3:
		choose_brk(r, s);
		break;
	case 4:
	case 5:
		choose_touch(r, s);
		break;
	default:
		choose_range_call(r, s);
	}
	/* A guarded page can't be touched; guards are not modelled. */
	if (s->op == SYS_MADVISE && s->arg[2] == 102)
		s->arg[2] = MADV_DONTNEED;
}

/* Limits close to what is in use, and back. */
static void change_limits(struct run *r)
{
	bool is_as = one_in(r, 2);
	uint64_t more = any(r, 3 * MIB);
	char path[64];
	struct rlimit limit;
	uint64_t now;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)r->pid);
	now = number_in(path, is_as ? "VmSize:" : "VmData:") * 1024;
	if (one_in(r, 2))
		now = RLIM_INFINITY - more;
	limit = (struct rlimit){ now + more, RLIM_INFINITY };
	assert_int_equal(prlimit(r->pid, is_as ? RLIMIT_AS : RLIMIT_DATA, &limit, NULL), 0);
	lx_mm_set_limit(r->mm, is_as ? LX_LIMIT_AS : LX_LIMIT_DATA, limit.rlim_cur);
}

/* What is taken back, or happens in a branch, leaves no trace. */
static void go_astray(struct run *r)
{
	bool is_branch = one_in(r, 2);
	struct lx_mm *kept = r->mm;
	struct image image;
	size_t mark = lx_mm_mark(r->mm), image_mark_at = r->image.journal_count;

	if (is_branch) {
		assert_true(image_branch(&r->image, &image));
		r->mm = lx_mm_branch(kept, &image);
		assert_non_null(r->mm);
	}
	for (uint64_t n = 1 + any(r, 6); n; n--) {
		struct step s;

		choose(r, &s);
		predict(r->mm, &s);
	}
	if (is_branch) {
		lx_mm_end(r->mm);
		image_end(&image);
		r->mm = kept;
	} else {
		image_undo(&r->image, image_mark_at);
		lx_mm_undo(r->mm, mark);
	}
}

/* --- setting up ----------------------------------------------------------------------------------- */

static void start_child(struct run *r)
{
	int down[2], up[2];
	char path[64], in[16], out[16];

	assert_int_equal(pipe(down), 0);
	assert_int_equal(pipe(up), 0);
	(void)snprintf(in, sizeof(in), "%d", down[0]);
	(void)snprintf(out, sizeof(out), "%d", up[1]);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		char *argv[] = { (char[]){ "actor" }, in, out, NULL };

		close(down[1]);
		close(up[0]);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	close(down[0]);
	close(up[1]);
	r->to = down[1];
	r->from = up[0];
	/* Its first answer: exec is over. */
	assert_int_equal(real(r, &(struct step){ TOUCH, { 0 } }), 0);
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)r->pid);
	r->maps_fd = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/smaps", (int)r->pid);
	r->smaps_fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(r->maps_fd >= 0 && r->smaps_fd >= 0);
}

static void start_model(struct run *r)
{
	struct lx_mm_start start = { .page = PAGE,
		                     .limit_as = UINT64_MAX,
		                     .limit_data = UINT64_MAX,
		                     .limit_stack = UINT64_MAX };
	struct smaps_pos pos = { 0 };
	struct utsname name;
	int major, minor;
	size_t bad;

	assert_int_equal(uname(&name), 0);
	assert_true(linux_parse_release(name.release, &major, &minor));
	start.rules = linux_rules_for(major, minor);
	assert_true(parse_maps(r->text, read_all(r->maps_fd, r->text), r->region, &r->start, &bad));
	parse_smaps(r->text, read_all(r->smaps_fd, r->text), &r->start, &pos);
	r->brk_start = start_brk_of(r->pid);
	start.vmas = &r->start;
	start.brk_start = r->brk_start;
	start.brk = (uint64_t)real(r, &(struct step){ SYS_BRK, { 0 } });
	start.max_map_count = number_in("/proc/sys/vm/max_map_count", "");
	start.overcommit_mode = (uint32_t)number_in("/proc/sys/vm/overcommit_memory", "");
	r->ram_swap_pages = (number_in("/proc/meminfo", "MemTotal:") +
	                     number_in("/proc/meminfo", "SwapTotal:")) /
	                    4;
	start.ram_swap_pages = r->ram_swap_pages;
	start.image = &r->image;
	r->pool = image_pool_new();
	assert_true(r->pool && image_init(&r->image, r->pool));
	r->image.is_journaling = true;
	r->mm = lx_mm_new(r->region, &start);
	assert_non_null(r->mm);
	lx_mm_journal(r->mm, true);
	for (size_t i = 0; i < r->start.count; i++)
		if (vma_is_named(&r->start, &r->start.at[i], "[stack]"))
			r->mmap_base = r->start.at[i - 1].end;
}

static void run_start(struct run *r, uint64_t seed)
{
	memset(r, 0, sizeof(*r));
	r->seed = seed;
	r->random = seed * 0x9e3779b97f4a7c15 + 1;
	r->text = malloc((size_t)TEXT_MAX + 1);
	r->region = region_new();
	assert_true(r->text && r->region);
	start_child(r);
	start_model(r);
	compare_maps(r);
	compare_counters(r);
}

static void run_end(struct run *r)
{
	int status;

	assert_int_equal(write(r->to, &(struct step){ END, { 0 } }, sizeof(struct step)),
	                 sizeof(struct step));
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_int_equal(status, 0);
	close(r->to);
	close(r->from);
	close(r->maps_fd);
	close(r->smaps_fd);
	lx_mm_end(r->mm);
	image_end(&r->image);
	image_pool_free(r->pool);
	region_free(r->region);
	region_free(r->scratch);
	free(r->text);
}

static size_t steps_wanted(size_t otherwise)
{
	const char *text = getenv("HEAPTOP_MM_STEPS");

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void run_seed(uint64_t seed, size_t steps)
{
	struct run r;

	run_start(&r, seed);
	for (; r.number < steps; r.number++) {
		struct step s;

		if (one_in(&r, 40))
			change_limits(&r);
		if (one_in(&r, 12))
			go_astray(&r);
		choose(&r, &s);
		one_step(&r, &s);
		compare_maps(&r);
		if (r.number % 64 == 0)
			compare_counters(&r);
		if (one_in(&r, 50)) {
			lx_mm_commit(r.mm, 0);
			image_commit(&r.image, 0);
		}
	}
	compare_counters(&r);
	print_message("seed %" PRIu64 ": %zu steps, %zu VMAs at the end\n", seed, r.number,
	              lx_mm_count(r.mm));
	run_end(&r);
}

static void random_calls_end_as_predicted(void **state)
{
	const char *only = getenv("HEAPTOP_MM_SEED");
	size_t steps = steps_wanted(1500);

	(void)state;
	if (only) {
		run_seed(strtoull(only, NULL, 10), steps);
		return;
	}
	for (uint64_t seed = 1; seed <= 4; seed++)
		run_seed(seed, steps);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_end_as_predicted),
	};

	if (argc == 3 && strcmp(argv[0], "actor") == 0)
		return actor(atoi(argv[1]), atoi(argv[2]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
