/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/child_target.h"

#include <fcntl.h>
#include <gnu/libc-version.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/base/units.h"

enum { PAGE = 4096 };

/* --- memory -------------------------------------------------------------------------------------- */

static enum mem_page page_of(uint64_t entry)
{
	if (entry & UINT64_C(1) << 62)
		return MEM_PAGE_SWAPPED;
	if (entry & UINT64_C(1) << 58)
		return MEM_PAGE_GUARD;
	return entry & UINT64_C(1) << 63 ? MEM_PAGE_PRESENT : MEM_PAGE_ABSENT;
}

static size_t target_pages(struct memory *mem, uint64_t start, uint64_t end,
                           struct mem_range *ranges, size_t room)
{
	struct child_target *target = (struct child_target *)mem;
	uint64_t entries[512];
	size_t count = 0;

	for (uint64_t at = start; at < end;) {
		uint64_t want = (end - at) / PAGE < 512 ? (end - at) / PAGE : 512;
		ssize_t n = pread(target->pagemap_fd, entries, want * 8, (off_t)(at / PAGE * 8));

		if (n < 8)
			return count;
		for (size_t i = 0; i < (size_t)n / 8; i++, at += PAGE) {
			enum mem_page page = page_of(entries[i]);

			if (count && ranges[count - 1].page == page) {
				ranges[count - 1].end = at + PAGE;
				continue;
			}
			if (count == room)
				return count;
			ranges[count++] = (struct mem_range){ at, at + PAGE, page };
		}
	}
	return count;
}

static size_t read_present(struct child_target *target, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = { buf, len }, remote = { (void *)(uintptr_t)addr, len };
	ssize_t n = process_vm_readv(target->pid, &local, 1, &remote, 1, 0);

	return n < 0 ? 0 : (size_t)n;
}

/* Untouched pages must stay so: reading one from outside would make it present. */
static size_t target_read(struct memory *mem, uint64_t addr, void *buf, size_t len,
                          enum mem_status *ret_status)
{
	struct child_target *target = (struct child_target *)mem;
	struct mem_range ranges[64];
	size_t done = 0;

	*ret_status = MEM_OK;
	while (done < len) {
		uint64_t at = addr + done;
		size_t n = target_pages(mem, align_down(at, PAGE), align_up(addr + len, PAGE),
		                        ranges, 64);
		size_t some = n ? min_u64(ranges[0].end, addr + len) - at : 0, got = some;

		*ret_status = MEM_UNMAPPED;
		if (!n || !vma_find(&target->vmas, at))
			return done;
		if (ranges[0].page == MEM_PAGE_SWAPPED || ranges[0].page == MEM_PAGE_GUARD) {
			*ret_status = MEM_SWAPPED;
			return done;
		}
		if (ranges[0].page == MEM_PAGE_PRESENT)
			got = read_present(target, at, (char *)buf + done, some);
		else
			memset((char *)buf + done, 0, some);
		done += got;
		if (got < some)
			return done;
	}
	*ret_status = MEM_OK;
	return done;
}

static void target_gather(struct memory *mem, struct mem_piece *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct mem_piece *p = &pieces[i];

		if (target_read(mem, p->addr, p->buf, p->len, &p->status) != p->len)
			p->status = MEM_UNMAPPED;
	}
}

uint64_t child_target_resident(struct child_target *target, uint64_t start, uint64_t end)
{
	struct mem_range ranges[64];
	uint64_t bytes = 0;

	while (start < end) {
		size_t n = target_pages(&target->mem, start, end, ranges, 64);

		if (!n)
			abort();
		for (size_t i = 0; i < n; i++) {
			if (ranges[i].page == MEM_PAGE_PRESENT)
				bytes += ranges[i].end - ranges[i].start;
		}
		start = ranges[n - 1].end;
	}
	return bytes;
}

/* --- VMAs ---------------------------------------------------------------------------------------- */

static uint8_t prot_of(const char *perms)
{
	return (uint8_t)((perms[0] == 'r' ? VMA_READ : 0) | (perms[1] == 'w' ? VMA_WRITE : 0) |
	                 (perms[2] == 'x' ? VMA_EXEC : 0) | (perms[3] == 's' ? VMA_SHARED : 0));
}

static void add_vma(struct child_target *target, const char *line)
{
	struct vma_set *set = &target->vmas;
	unsigned long start, end, offset, inode;
	unsigned major, minor;
	char perms[5], name[256] = "";
	struct vma *v;

	if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %255[^\n]", &start, &end, perms, &offset,
	           &major, &minor, &inode, name) < 7)
		abort();
	set->at = realloc(set->at, (set->count + 1) * sizeof(*set->at));
	target->names = realloc(target->names, set->names_len + sizeof(name));
	if (!set->at || !target->names)
		abort();
	v = &set->at[set->count++];
	*v = (struct vma){ .start = start,
		           .end = end,
		           .offset = offset,
		           .inode = inode,
		           .dev_major = major,
		           .dev_minor = minor,
		           .prot = prot_of(perms),
		           .name_at = (uint32_t)set->names_len,
		           .name_len = (uint32_t)strlen(name),
		           .owner = -1 };
	memcpy(target->names + set->names_len, name, strlen(name));
	set->names_len += strlen(name);
	set->names = target->names;
}

const struct vma_set *child_target_vmas(struct child_target *target)
{
	char path[64], line[512];
	FILE *maps;

	target->vmas.count = target->vmas.names_len = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)target->pid);
	maps = fopen(path, "r");
	if (!maps)
		abort();
	while (fgets(line, sizeof(line), maps))
		add_vma(target, line);
	fclose(maps);
	return &target->vmas;
}

/* --- the child ----------------------------------------------------------------------------------- */

void child_say(int out, const void *buf, size_t len)
{
	for (const char *at = buf; len;) {
		ssize_t n = write(out, at, len);

		if (n <= 0)
			_exit(1);
		at += n;
		len -= (size_t)n;
	}
}

char child_hear(int in)
{
	char order;

	return read(in, &order, 1) == 1 ? order : 0;
}

void child_target_start(struct child_target *target, void (*body)(int in, int out))
{
	static const struct memory_ops ops = { target_read, target_gather, target_pages };
	int up[2], down[2];
	char path[64];

	*target = (struct child_target){ .mem = { &ops } };
	if (pipe(up) || pipe(down))
		abort();
	fflush(NULL);
	target->pid = fork();
	if (target->pid < 0)
		abort();
	if (target->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(up[0]);
		close(down[1]);
		/* What the tests before left free at the top would be taken instead of new memory. */
		(void)malloc_trim(0);
		body(down[0], up[1]);
		_exit(0);
	}
	close(up[1]);
	close(down[0]);
	target->in = up[0];
	target->out = down[1];
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)target->pid);
	target->pagemap_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (target->pagemap_fd < 0)
		abort();
}

void child_target_end(struct child_target *target)
{
	close(target->out);
	close(target->in);
	close(target->pagemap_fd);
	kill(target->pid, SIGKILL);
	waitpid(target->pid, NULL, 0);
	free(target->vmas.at);
	free(target->names);
}

void child_target_hear(struct child_target *target, void *buf, size_t len)
{
	for (char *at = buf; len;) {
		ssize_t n = read(target->in, at, len);

		if (n <= 0)
			abort();
		at += n;
		len -= (size_t)n;
	}
}

void child_target_tell(struct child_target *target, char order)
{
	if (write(target->out, &order, 1) != 1)
		abort();
}

/* --- this program's glibc ------------------------------------------------------------------------ */

const struct malloc_layout *child_target_layout(void)
{
	const char *version = gnu_get_libc_version();

	return strncmp(version, "2.", 2) == 0
	               ? glibc_layout_for(atoi(version + 2),
	                                  sizeof(void *) == 8 ? ABI_LP64 : ABI_I386)
	               : NULL;
}

static uint64_t word_at(uint64_t addr)
{
	uint64_t word = 0;

	memcpy(&word, (const void *)(uintptr_t)addr, sizeof(void *));
	return word;
}

/* The ring of arenas, entered through a thread's heap, leads to the one arena that lies in no heap. */
static void *find_main_arena(void *ret)
{
	const struct malloc_layout *lay = child_target_layout();
	void *mine = malloc(5000);
	uint64_t heap = (uintptr_t)mine & ~(lay->heap.heap_max - 1);
	uint64_t first = word_at(heap + lay->heap.ar_ptr), arena = first;

	do {
		if (arena % lay->heap.heap_max != lay->heap.size)
			*(uint64_t *)ret = arena;
		arena = word_at(arena + lay->arena.next);
	} while (arena != first);
	free(mine);
	return NULL;
}

uint64_t child_target_main_arena(void)
{
	static uint64_t found;
	pthread_t thread;

	if (!found) {
		if (pthread_create(&thread, NULL, find_main_arena, &found))
			abort();
		pthread_join(thread, NULL);
	}
	return found;
}

bool child_target_possible(void)
{
	size_t before = mallinfo2().uordblks;
	void *volatile p = malloc(3000);
	bool grew = mallinfo2().uordblks >= before + 3000;

	free(p);
	return grew && child_target_layout();
}
