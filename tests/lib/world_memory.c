/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/world_memory.h"

#include <stdlib.h>
#include <string.h>

#include "model/base/units.h"

/* --- struct memory ---------------------------------------------------------------------------- */

static size_t world_read(struct memory *mem, uint64_t addr, void *buf, size_t len,
                         enum mem_status *ret_status)
{
	const struct world_memory *wm = (struct world_memory *)mem;
	size_t done = 0;

	*ret_status = MEM_OK;
	while (done < len) {
		uint64_t at = addr + done;
		uint64_t part = min_u64(len - done, IMAGE_PAGE - at % IMAGE_PAGE);
		const struct lx_vma *vma = lx_mm_find(wm->world->mm, at);

		if (!vma || !(vma->flags & LX_VM_READ)) {
			*ret_status = MEM_UNMAPPED;
			break;
		}
		if (!image_peek(&wm->world->image, at, (uint8_t *)buf + done, part)) {
			*ret_status = MEM_SWAPPED;
			break;
		}
		done += part;
	}
	return done;
}

static void world_gather(struct memory *mem, struct mem_piece *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)world_read(mem, pieces[i].addr, pieces[i].buf, pieces[i].len,
		                 &pieces[i].status);
}

static size_t world_pages(struct memory *mem, uint64_t start, uint64_t end,
                          struct mem_range *ranges, size_t room)
{
	const struct world_memory *wm = (struct world_memory *)mem;
	size_t count = 0;

	for (uint64_t at = start; at < end; at += IMAGE_PAGE) {
		bool is_there = image_resident(&wm->world->image, at, at + IMAGE_PAGE);
		enum mem_page page = is_there ? MEM_PAGE_PRESENT : MEM_PAGE_ABSENT;

		if (count && ranges[count - 1].page == page)
			ranges[count - 1].end = at + IMAGE_PAGE;
		else if (count == room)
			break;
		else
			ranges[count++] = (struct mem_range){ at, at + IMAGE_PAGE, page };
	}
	return count;
}

static const struct memory_ops world_ops = {
	.read = world_read,
	.gather = world_gather,
	.pages = world_pages,
};

/* --- facts ------------------------------------------------------------------------------------ */

static void *must_have(void *p)
{
	if (!p)
		abort();
	return p;
}

static void copy_vmas(struct world_memory *wm)
{
	const struct lx_mm *mm = wm->world->mm;
	size_t names = 0, count = lx_mm_count(mm);
	char *text;

	for (size_t i = 0; i < count; i++)
		names += strlen(lx_vma_name(mm, lx_mm_at(mm, i)));
	text = must_have(region_alloc(wm->region, names + 1));
	wm->vmas.at = must_have(region_alloc(wm->region, count * sizeof(struct vma)));
	wm->vmas.count = count;
	wm->vmas.names = text;
	for (size_t i = 0; i < count; i++) {
		const struct lx_vma *from = lx_mm_at(mm, i);
		const char *name = lx_vma_name(mm, from);

		wm->vmas.at[i] = (struct vma){
			.start = from->start,
			.end = from->end,
			.inode = from->file,
			.prot = (uint8_t)((from->flags & LX_VM_READ ? VMA_READ : 0) |
			                  (from->flags & LX_VM_WRITE ? VMA_WRITE : 0) |
			                  (from->flags & LX_VM_SHARED ? VMA_SHARED : 0)),
			.name_at = (uint32_t)wm->vmas.names_len,
			.name_len = (uint32_t)strlen(name),
			.owner = -1,
		};
		memcpy(text + wm->vmas.names_len, name, strlen(name));
		wm->vmas.names_len += strlen(name);
	}
}

static void copy_threads(struct world_memory *wm)
{
	struct world *world = wm->world;

	wm->ms.threads =
	        must_have(region_alloc(wm->region, world->thread_count * sizeof(*wm->ms.threads)));
	for (size_t i = 0; i < world->thread_count; i++) {
		uint32_t index = world->threads[i].pt_index;
		uint64_t tcache = pt_thread_tcache(&world->pt, index);

		/* glibc 2.26 leaves a thread's tcache behind. */
		if (!world->threads[i].is_alive && tcache <= 1)
			continue;
		wm->ms.threads[wm->ms.thread_count++] = (struct malloc_thread){
			.tid = (int32_t)i + 1,
			.arena = fact_of(pt_thread_arena(&world->pt, index)),
			.tcache = fact_of(tcache > 1 ? tcache : 0),
		};
	}
}

void world_memory_decode(struct world_memory *wm, struct world *world)
{
	*wm = (struct world_memory){ .mem.ops = &world_ops, .world = world };
	wm->region = must_have(region_new());
	wm->heap.minor = world->pt.rules.minor;
	copy_vmas(wm);
	copy_threads(wm);
	wm->ms.main_arena_addr = world->pt.main_arena;
	wm->ms.mp_addr = world->pt.mp;
	wm->d = (struct decode){ .mem = &wm->mem,
		                 .lay = world->pt.lay,
		                 .vmas = &wm->vmas,
		                 .region = wm->region,
		                 .heap = &wm->heap,
		                 .main_arena_addr = world->pt.main_arena,
		                 .mp_addr = world->pt.mp,
		                 .heap_max = world->pt.heap_max };
	if (!pt_decode(&wm->d, &wm->ms, TAKE_HEADERS | TAKE_LISTS | TAKE_WALK | TAKE_MMAPPED, NULL))
		abort();
}

void world_memory_free(struct world_memory *wm)
{
	region_free(wm->region);
}

/* --- hash ------------------------------------------------------------------------------------- */

static void mix(uint64_t *hash, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t word;

	for (; len >= 8; at += 8, len -= 8) {
		memcpy(&word, at, 8);
		*hash = (*hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		*hash ^= *hash >> 29;
	}
	for (; len; at++, len--)
		*hash = (*hash ^ *at) * UINT64_C(0x100000001b3);
}

static void mix_page(uint64_t *hash, const struct world *world, uint64_t addr)
{
	uint8_t bytes[IMAGE_PAGE];
	uint64_t resident = image_resident(&world->image, addr, addr + IMAGE_PAGE);

	mix(hash, &resident, sizeof(resident));
	if (resident && image_peek(&world->image, addr, bytes, IMAGE_PAGE))
		mix(hash, bytes, IMAGE_PAGE);
}

static void mix_thread(uint64_t *hash, const struct world_thread *thread)
{
	const uint64_t words[] = { thread->pt_index, thread->is_alive, thread->stack_addr,
		                   thread->stack_size, thread->dtv };

	mix(hash, thread->name, strlen(thread->name));
	mix(hash, words, sizeof(words));
}

uint64_t world_memory_hash(const struct world *world)
{
	uint64_t hash = 1,
	         scalars[4] = { world->image.resident, lx_mm_brk(world->mm),
		                lx_mm_total_pages(world->mm), lx_mm_charged_pages(world->mm) };

	for (size_t i = 0; i < lx_mm_count(world->mm); i++) {
		const struct lx_vma *vma = lx_mm_at(world->mm, i);

		mix(&hash, vma, sizeof(*vma));
		if (!image_resident(&world->image, vma->start, vma->end))
			continue;
		for (uint64_t at = vma->start; at < vma->end; at += IMAGE_PAGE)
			mix_page(&hash, world, at);
	}
	for (uint64_t at = IMAGE_PRIVATE_START; at < IMAGE_PRIVATE_START + 4 * (uint64_t)IMAGE_PAGE;
	     at += IMAGE_PAGE)
		mix_page(&hash, world, at);
	mix(&hash, scalars, sizeof(scalars));
	mix(&hash, world->pt.vars, sizeof(world->pt.vars));
	for (size_t i = 0; i < world->thread_count; i++)
		mix_thread(&hash, &world->threads[i]);
	mix(&hash, &world->stack_cache.count, sizeof(world->stack_cache.count));
	mix(&hash, &world->stack_cache.bytes, sizeof(world->stack_cache.bytes));
	return hash;
}
