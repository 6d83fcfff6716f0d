/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder on hostile images. The input's first byte picks a layout, the next one what is asked for;
 * the rest is a list of writes into a sound made-up heap (where, which value), so that inputs reach
 * deep: arenas, heap_infos, chunks, links and mp_ can all become anything.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/lib/fake_heap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One write: a segment, an offset in it, and a value that is more likely to mislead than a random one. */
struct poke {
	uint8_t segment, kind;
	uint16_t offset; /* in words */
	uint8_t value[8];
};

enum poke_kind { POKE_RAW, POKE_ADDRESS, POKE_SIZE, POKE_LINK, POKE_KINDS };

static uint64_t place(struct fake_heap *h, uint8_t segment, uint64_t words)
{
	const struct fake_segment *seg = &h->mem.segments[segment % h->mem.count];

	return seg->start + words * h->lay->word % seg->len;
}

static void poke(struct fake_heap *h, const struct poke *p)
{
	uint64_t at = place(h, p->segment, p->offset), value, target;

	memcpy(&value, p->value, sizeof(value));
	target = place(h, p->value[7], value & 0xffff) & ~(uint64_t)(h->lay->alignment - 1);
	switch ((enum poke_kind)(p->kind % POKE_KINDS)) {
	case POKE_ADDRESS:
		value = target;
		break;
	case POKE_SIZE:
		value = (value & 0xffff) | (p->value[2] & 7u);
		break;
	case POKE_LINK:
		value = glibc_reveal(h->lay, at, target);
		break;
	case POKE_RAW:
	case POKE_KINDS:
		break;
	}
	fake_put(h, at, value);
}

static void ignore_chunk(void *ctx, uint64_t addr, uint64_t size, enum chunk_state state, int arena)
{
	uint64_t *sum = ctx;

	*sum += addr + size + (uint64_t)state + (uint64_t)arena;
}

static void scan(struct fake_heap *h, const struct decode *d)
{
	struct pt_candidate found[4], mp[4];
	const uint8_t *bytes = fake_memory_at(&h->mem, h->libc, h->libc_size);
	size_t count =
	        pt_scan_main_arena(d, bytes, h->libc_size, h->libc, h->lay->abi, NULL, found, 4);

	if (count)
		(void)pt_scan_mp(d, bytes, h->libc_size, h->libc, &found[0], mp, 4);
	(void)pt_main_arena_by_heaps(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct chunk_sink sink = { .chunk = ignore_chunk, .ctx = &(uint64_t){ 0 } };
	struct fake_heap h;
	struct decode d;
	uint8_t what;

	if (size < 2)
		return 0;
	fake_heap_build(&h, &glibc_layouts[data[0] % glibc_layout_count]);
	what = data[1];
	data += 2;
	size -= 2;
	for (; size >= sizeof(struct poke);
	     data += sizeof(struct poke), size -= sizeof(struct poke)) {
		struct poke p;

		memcpy(&p, data, sizeof(p));
		poke(&h, &p);
	}
	d = fake_heap_decode(&h);
	/* The scans are slow and simple: one input in eight. */
	if ((what & 0x70) == 0x70)
		scan(&h, &d);
	(void)pt_decode(&d, &h.ms, TAKE_HEADERS | (what & 2 ? TAKE_LISTS : 0), NULL);
	if (what & 4)
		(void)pt_decode(&d, &h.ms, TAKE_WALK | TAKE_MMAPPED, what & 8 ? &sink : NULL);
	(void)pt_tick(&d, &h.ms);
	pt_total(&h.ms);
	fake_heap_free(&h);
	return 0;
}
