/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/fake_memory.h"

#include <stdlib.h>
#include <string.h>

static void *must_grow(void *old, size_t bytes)
{
	void *p = realloc(old, bytes ? bytes : 1);

	if (!p)
		abort();
	return p;
}

struct fake_segment *fake_memory_segment(struct fake_memory *fake, uint64_t addr)
{
	for (size_t i = 0; i < fake->count; i++) {
		struct fake_segment *seg = &fake->segments[i];

		if (addr >= seg->start && addr - seg->start < seg->len)
			return seg;
	}
	return NULL;
}

static bool must_fail(struct fake_memory *fake)
{
	return ++fake->reads == fake->fail_at;
}

static size_t read_segments(struct fake_memory *fake, uint64_t addr, void *buf, size_t len,
                            enum mem_status *ret_status)
{
	size_t done = 0;

	*ret_status = MEM_OK;
	if (must_fail(fake)) {
		*ret_status = fake->fail_status;
		return 0;
	}
	while (done < len) {
		struct fake_segment *seg = fake_memory_segment(fake, addr + done);
		uint64_t at, step;

		if (!seg || seg->status != MEM_OK || !(seg->prot & VMA_READ)) {
			*ret_status = seg && seg->status != MEM_OK ? seg->status : MEM_UNMAPPED;
			break;
		}
		at = addr + done - seg->start;
		step = seg->len - at < len - done ? seg->len - at : len - done;
		memcpy((uint8_t *)buf + done, seg->bytes + at, step);
		done += step;
	}
	return done;
}

static size_t fake_read(struct memory *mem, uint64_t addr, void *buf, size_t len,
                        enum mem_status *ret_status)
{
	return read_segments((struct fake_memory *)mem, addr, buf, len, ret_status);
}

static void fake_gather(struct memory *mem, struct mem_piece *pieces, size_t count)
{
	struct fake_memory *fake = (struct fake_memory *)mem;

	fake->gathers++;
	for (size_t i = 0; i < count; i++) {
		struct mem_piece *p = &pieces[i];

		read_segments(fake, p->addr, p->buf, p->len, &p->status);
	}
}

static size_t fake_pages(struct memory *mem, uint64_t start, uint64_t end, struct mem_range *ranges,
                         size_t room)
{
	struct fake_memory *fake = (struct fake_memory *)mem;
	size_t count = 0;

	while (start < end && count < room) {
		struct fake_segment *seg = fake_memory_segment(fake, start);
		uint64_t next = seg ? seg->start + seg->len : end;
		enum mem_page page = MEM_PAGE_ABSENT;

		for (size_t i = 0; !seg && i < fake->count; i++) {
			if (fake->segments[i].start > start && fake->segments[i].start < next)
				next = fake->segments[i].start;
		}
		if (seg)
			page = seg->status == MEM_SWAPPED ? MEM_PAGE_SWAPPED
			       : seg->status == MEM_GUARD ? MEM_PAGE_GUARD
			                                  : MEM_PAGE_PRESENT;
		next = next < end ? next : end;
		ranges[count++] = (struct mem_range){ start, next, page };
		start = next;
	}
	return count;
}

static const struct memory_ops fake_ops = {
	.read = fake_read,
	.gather = fake_gather,
	.pages = fake_pages,
};

void fake_memory_init(struct fake_memory *fake)
{
	*fake = (struct fake_memory){ .mem.ops = &fake_ops, .fail_status = MEM_FAILED };
}

void fake_memory_fini(struct fake_memory *fake)
{
	for (size_t i = 0; i < fake->count; i++)
		free(fake->segments[i].bytes);
	free(fake->segments);
	free(fake->vmas.at);
	free(fake->names);
}

uint8_t *fake_memory_map(struct fake_memory *fake, uint64_t start, uint64_t len, const char *name)
{
	size_t at = 0;
	uint8_t *bytes = calloc(1, len ? len : 1);

	if (!bytes)
		abort();
	while (at < fake->count && fake->segments[at].start < start)
		at++;
	if ((at && fake->segments[at - 1].start + fake->segments[at - 1].len > start) ||
	    (at < fake->count && fake->segments[at].start < start + len))
		abort();
	fake->segments = must_grow(fake->segments, (fake->count + 1) * sizeof(struct fake_segment));
	memmove(&fake->segments[at + 1], &fake->segments[at],
	        (fake->count - at) * sizeof(struct fake_segment));
	fake->segments[at] = (struct fake_segment){
		.start = start,
		.len = len,
		.bytes = bytes,
		.prot = VMA_READ | VMA_WRITE,
		.name = name ? name : "",
	};
	fake->count++;
	return bytes;
}

void fake_memory_copy(struct fake_memory *fake, const void *at, uint64_t len, const char *name)
{
	memcpy(fake_memory_map(fake, (uintptr_t)at, len, name), at, len);
}

uint8_t *fake_memory_at(struct fake_memory *fake, uint64_t addr, uint64_t len)
{
	struct fake_segment *seg = fake_memory_segment(fake, addr);

	if (!seg || seg->len - (addr - seg->start) < len)
		abort();
	return seg->bytes + (addr - seg->start);
}

void fake_memory_put(struct fake_memory *fake, uint64_t addr, unsigned word, uint64_t value)
{
	memcpy(fake_memory_at(fake, addr, word), &value, word);
}

const struct vma_set *fake_memory_vmas(struct fake_memory *fake)
{
	size_t names = 0;

	for (size_t i = 0; i < fake->count; i++)
		names += strlen(fake->segments[i].name);
	fake->names = must_grow(fake->names, names);
	fake->vmas.at = must_grow(fake->vmas.at, fake->count * sizeof(struct vma));
	names = 0;
	for (size_t i = 0; i < fake->count; i++) {
		const struct fake_segment *seg = &fake->segments[i];
		size_t len = strlen(seg->name);

		fake->vmas.at[i] = (struct vma){
			.start = seg->start,
			.end = seg->start + seg->len,
			.prot = seg->prot,
			.name_at = (uint32_t)names,
			.name_len = (uint32_t)len,
			.owner = -1,
		};
		memcpy(fake->names + names, seg->name, len);
		names += len;
	}
	fake->vmas.count = fake->count;
	fake->vmas.names = fake->names;
	fake->vmas.names_len = names;
	return &fake->vmas;
}
