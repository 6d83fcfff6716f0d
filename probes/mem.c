/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live process's memory. The kernel reads a foreign page by making it present: untouched memory
 * would get page tables and the zero page, swapped memory would come back in, both charged to the
 * target. So each read asks the page map first and then reads present pages only:
 *
 *	present		process_vm_readv, or /proc/PID/mem where that is refused
 *	absent		zeroes (anonymous memory) or the file's bytes (private file mapping)
 *	swapped, guard	refused
 *
 * A page can still be reclaimed between look and read. That cannot be closed from outside, only kept
 * short: what was seen present counts for a millisecond, what was not is looked at again.
 */
#include "probes/mem_live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/base/units.h"
#include "probes/clock.h"

enum {
	WINDOW_PAGES = 64,     /* looked at and read in one go: 256 KiB */
	PAGES_PER_LOOK = 4096, /* 16 MiB: the map lock is held meanwhile */
};

#define SEEN_FOR_NS 1000000u

/* Mappings of /dev that are memory like any other. */
static bool is_device(const struct vma_set *set, const struct vma *v)
{
	return vma_name_begins(set, v, "/dev/") && !vma_name_begins(set, v, "/dev/zero") &&
	       !vma_name_begins(set, v, "/dev/shm/") && !vma_name_begins(set, v, "/dev/hugepages/");
}

enum mem_status mem_may_read(const struct vma_set *vmas, const struct vma *v)
{
	if (!v || !(v->prot & VMA_READ))
		return MEM_UNMAPPED;
	if ((v->prot & VMA_SHARED) || (v->flags & (VMA_FLAG_PF | VMA_FLAG_IO)))
		return MEM_GUARD;
	if (v->name_len && (is_device(vmas, v) || vma_name_begins(vmas, v, "[vvar") ||
	                    vma_name_begins(vmas, v, "[vsyscall]")))
		return MEM_GUARD;
	return MEM_OK;
}

static bool is_zero_filled(const struct vma_set *set, const struct vma *v)
{
	return v->inode == 0 || vma_name_begins(set, v, "/dev/zero") ||
	       vma_name_begins(set, v, "/anon_hugepage");
}

/* What the target would see on pages that it never touched; they stay untouched. */
static size_t read_absent(struct mem_live *mem, const struct vma *v, uint64_t addr, void *buf,
                          size_t len, enum mem_status *ret_status)
{
	size_t got;

	if ((v->flags & VMA_FLAG_UM) || vma_name_begins(mem->vmas, v, "[vdso]")) {
		*ret_status = MEM_GUARD;
		return 0;
	}
	if (is_zero_filled(mem->vmas, v)) {
		memset(buf, 0, len);
		return len;
	}
	got = mem_file_read(&mem->files, mem->vmas, v, addr, buf, len);
	if (got < len)
		*ret_status = MEM_FAILED;
	return got;
}

/* --- present pages ----------------------------------------------------------------------------- */

static size_t read_by_file(const struct mem_live *mem, const struct iovec *local,
                           const struct iovec *remote, size_t count)
{
	size_t done = 0;

	for (size_t i = 0; i < count; i++) {
		ssize_t got = pread(mem->mem_fd, local[i].iov_base, local[i].iov_len,
		                    (off_t)(uintptr_t)remote[i].iov_base);

		done += got > 0 ? (size_t)got : 0;
		if (got < 0 || (size_t)got < local[i].iov_len)
			break;
	}
	return done;
}

static size_t total_len(const struct iovec *iov, size_t count)
{
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += iov[i].iov_len;
	return sum;
}

size_t mem_read_present(struct mem_live *mem, struct iovec *local, struct iovec *remote,
                        size_t count, enum mem_status *ret_status)
{
	uint64_t began = clock_monotonic_ns();
	ssize_t got = -1;
	size_t done;

	*ret_status = MEM_OK;
	if (!mem->no_vm_readv) {
		got = process_vm_readv(mem->proc->mm_tid, local, count, remote, count, 0);
		/* ESRCH: a first thread that ended has no memory, while its process lives on. */
		mem->no_vm_readv = got < 0 && (errno == EPERM || errno == ENOSYS);
		if (got < 0 && errno == EFAULT)
			got = 0;
	}
	done = got >= 0 ? (size_t)got : read_by_file(mem, local, remote, count);
	/* process_vm_readv goes by number: only if the address space still lives afterwards was it
	 * this one, and not that of a later program or process. */
	if (!proc_is_same_mm(mem->proc)) {
		*ret_status = MEM_GONE;
		done = 0;
	} else if (done < total_len(local, count)) {
		*ret_status = MEM_FAILED;
	}
	mem->read_ns += clock_monotonic_ns() - began;
	return done;
}

/* --- one stretch inside a VMA ------------------------------------------------------------------ */

long mem_look(struct mem_live *mem, uint64_t start, uint64_t end, struct page_span *ret,
              size_t room, uint64_t *ret_reached)
{
	uint64_t began = clock_monotonic_ns();
	long count;

	mem->map.fd = mem->proc->pagemap_fd;
	count = pagemap_spans(&mem->map, start, end, ret, room, PAGES_PER_LOOK, ret_reached);
	mem->read_ns += clock_monotonic_ns() - began;
	return count;
}

static bool was_just_present(const struct mem_live *mem, uint64_t addr, size_t len)
{
	return addr >= mem->present_start && addr < mem->present_end &&
	       len <= mem->present_end - addr &&
	       clock_monotonic_ns() - mem->present_seen_ns < SEEN_FOR_NS;
}

/* Looks at the pages of [addr, addr + len), and at some behind them when reading goes on from the
 * last look: one page at a random place costs 1.2 us, 64 cost 1.9. */
static long look(struct mem_live *mem, const struct vma *v, uint64_t addr, size_t len,
                 struct page_span spans[WINDOW_PAGES], enum mem_status *ret_status)
{
	uint64_t start = align_down(addr, mem->page), began = clock_monotonic_ns(), reached;
	bool goes_on = start >= mem->present_start && start <= mem->present_end;
	uint64_t ahead = goes_on ? start + WINDOW_PAGES * mem->page : 0;
	uint64_t end = min_u64(v->end, max_u64(align_up(addr + len, mem->page), ahead));
	long count = mem_look(mem, start, end, spans, WINDOW_PAGES, &reached);

	if (count < 0 || reached < addr + len) {
		*ret_status = errno == ESRCH ? MEM_GONE : MEM_FAILED;
		count = -1;
	}
	for (long i = 0; i < count; i++) {
		if (spans[i].start > addr || !(spans[i].bits & PAGE_PRESENT))
			continue;
		mem->present_start = spans[i].start;
		mem->present_end = spans[i].end;
		mem->present_seen_ns = began;
	}
	return count;
}

struct stretch {
	const struct vma *v;
	uint64_t addr;
	char *buf;
	size_t len;
	struct iovec local[WINDOW_PAGES], remote[WINDOW_PAGES];
	size_t count; /* of the iovecs */
};

static void add_present(struct stretch *s, uint64_t at, uint64_t end)
{
	s->local[s->count] = (struct iovec){ s->buf + (at - s->addr), (size_t)(end - at) };
	s->remote[s->count++] = mem_remote(at, (size_t)(end - at));
}

/*
 * Fills the absent parts and notes the present ones. Shortens the stretch at the first page that
 * must not be read.
 */
static void plan_stretch(struct mem_live *mem, struct stretch *s, const struct page_span *spans,
                         long count, enum mem_status *ret_status)
{
	uint64_t at = s->addr, end = s->addr + s->len;
	long i = 0;

	while (at < end) {
		uint64_t stop = end;
		uint32_t bits = 0;

		while (i < count && spans[i].end <= at)
			i++;
		if (i < count && spans[i].start <= at)
			bits = spans[i].bits;
		if (i < count)
			stop = min_u64(end, bits ? spans[i].end : spans[i].start);
		if (bits & PAGE_PRESENT) {
			add_present(s, at, stop);
		} else if (bits) {
			*ret_status = bits & PAGE_GUARD ? MEM_GUARD : MEM_SWAPPED;
			break;
		} else {
			uint64_t got = read_absent(mem, s->v, at, s->buf + (at - s->addr),
			                           (size_t)(stop - at), ret_status);

			if (got < stop - at) {
				at += got;
				break;
			}
		}
		at = stop;
	}
	s->len = (size_t)(at - s->addr);
}

/* The bytes before the first one that the present pages did not yield. */
static size_t leading(const struct stretch *s, size_t present_done)
{
	for (size_t i = 0; i < s->count; i++) {
		if (present_done < s->remote[i].iov_len)
			return (size_t)((uintptr_t)s->remote[i].iov_base - s->addr) + present_done;
		present_done -= s->remote[i].iov_len;
	}
	return s->len;
}

static size_t read_stretch(struct mem_live *mem, struct stretch *s, enum mem_status *ret_status)
{
	struct page_span spans[WINDOW_PAGES];
	enum mem_status status;
	size_t done, want;

	s->count = 0;
	if (was_just_present(mem, s->addr, s->len)) {
		add_present(s, s->addr, s->addr + s->len);
	} else {
		long count = look(mem, s->v, s->addr, s->len, spans, ret_status);

		if (count < 0)
			return 0;
		plan_stretch(mem, s, spans, count, ret_status);
	}
	if (s->count == 0)
		return s->len;
	want = s->len;
	done = leading(s, mem_read_present(mem, s->local, s->remote, s->count, &status));
	if (done < want || status == MEM_GONE) {
		*ret_status = status;
		mem->present_start = mem->present_end = 0; /* what was seen is no longer so */
	}
	return status == MEM_GONE ? 0 : done;
}

size_t mem_live_read(struct memory *base, uint64_t addr, void *buf, size_t len,
                     enum mem_status *ret_status)
{
	struct mem_live *mem = (struct mem_live *)base;
	size_t done = 0;

	*ret_status = MEM_OK;
	while (done < len) {
		struct stretch s = { .addr = addr + done, .buf = (char *)buf + done };
		uint64_t window = align_down(s.addr, mem->page) + WINDOW_PAGES * mem->page;
		size_t want, got;

		s.v = mem->vmas ? vma_find(mem->vmas, s.addr) : NULL;
		*ret_status = mem_may_read(mem->vmas, s.v);
		if (*ret_status != MEM_OK || !s.v)
			break;
		want = (size_t)min_u64(len - done, min_u64(s.v->end, window) - s.addr);
		s.len = want;
		got = read_stretch(mem, &s, ret_status);
		done += got;
		if (got < want)
			break;
	}
	return done;
}

/* --- opening, closing --------------------------------------------------------------------------- */

static bool open_files(struct mem_live *mem, struct err *reterr)
{
	if (mem->proc->pagemap_fd < 0) {
		proc_explain_denied(mem->proc, mem->proc->pagemap_errno, reterr);
		return false;
	}
	mem->mem_fd = proc_open_file(mem->proc, "mem", O_RDONLY);
	if (mem->mem_fd < 0) {
		proc_explain_denied(mem->proc, errno, reterr);
		return false;
	}
	return true;
}

struct memory *mem_live_open(const struct proc *proc, struct err *reterr)
{
	static const struct memory_ops ops = { .read = mem_live_read,
		                               .gather = mem_live_gather,
		                               .pages = mem_live_pages };
	struct mem_live *mem = calloc(1, sizeof(*mem));

	if (!mem) {
		err_set(reterr, ERR_NO_MEMORY, ENOMEM, "cannot read memory", "out of memory");
		return NULL;
	}
	mem->base.ops = &ops;
	mem->proc = mem->files.proc = proc;
	mem->page = (uint64_t)sysconf(_SC_PAGESIZE);
	if (!open_files(mem, reterr)) {
		free(mem);
		return NULL;
	}
	return &mem->base;
}

void mem_live_set_vmas(struct memory *mem, const struct vma_set *vmas)
{
	((struct mem_live *)mem)->vmas = vmas;
}

void mem_live_close(struct memory *mem)
{
	struct mem_live *live = (struct mem_live *)mem;

	if (!live)
		return;
	mem_files_close(&live->files);
	close(live->mem_fd);
	free(live);
}

uint64_t mem_live_read_ns(struct memory *mem)
{
	struct mem_live *live = (struct mem_live *)mem;
	uint64_t ns = live->read_ns;

	live->read_ns = 0;
	return ns;
}
