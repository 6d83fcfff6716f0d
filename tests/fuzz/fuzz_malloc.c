/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allocator model on hostile state: a world whose malloc has been used by three threads, then words
 * of arenas, heaps, tcaches, mp_ and libc's variables overwritten by the input, then operations. Never
 * a crash, never an endless loop, always one of the outcomes that there are; and all of it can be taken
 * back.
 *
 * Input: which glibc, flags, number of overwrites; then the overwrites, then operations.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/run/world_words.h"
#include "tests/lib/world_memory.h"
#include "tests/lib/world_run.h"

enum { FIRST_MINOR = 22, MINORS = 22, RANGES_MAX = 16, BLOCKS = 32, OPERATIONS_MAX = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One world for each version, made once: inputs get branches. */
struct base {
	struct world_run run;
	struct world_range ranges[RANGES_MAX];
	size_t range_count;
	uint64_t blocks[BLOCKS];
	uint64_t hash;
};

struct state {
	const struct base *base;
	struct world *world;
	uint64_t blocks[BLOCKS];
};

static const char setup[] =
        "#! stacks=own\n"
        "for i 0 7\nb$i = malloc 24\nend\nfor i 0 7\nfree b$i\nend\n"
        "for i 8 15\nb$i = malloc 100\nend\nfor i 8 14 2\nfree b$i\nend\n"
        "for i 0 9\nu$i = malloc 1500\nb16 = malloc 40\nend\nfor i 0 9 2\nfree u$i\nend\n"
        "u0 = malloc 900\nb17 = malloc 200000\nb18 = malloc 5000\n"
        "thread t\nfor i 0 11\nb$i = malloc 50\nb20 = malloc 2000\nend\nfor i 0 8\nfree b$i\nend\n"
        "b21 = malloc 3000\nb22 = malloc 60000\nfree b21\n"
        "thread s\nb23 = malloc 77\nb24 = malloc 77\nfree b24\nthread main\nb25 = malloc 300\n";

/* One overwrite: where, and a value that is more likely to mislead than a random one. */
struct poke {
	uint8_t range, kind;
	uint16_t offset; /* in words */
	uint8_t value[8];
};

enum poke_kind { POKE_RAW, POKE_ADDRESS, POKE_SIZE, POKE_LINK, POKE_VAR, POKE_THREAD, POKE_KINDS };

struct step {
	uint8_t kind, block, shift, extra;
	uint16_t size;
};

/* --- base ------------------------------------------------------------------------------------- */

static const struct base *base_of(unsigned index)
{
	static struct base bases[MINORS];
	struct base *base = &bases[index];

	if (base->run.world)
		return base;
	world_run_start(&base->run, FIRST_MINOR + (int)index, setup, false);
	if (world_run_all(&base->run) != OUTCOME_OK)
		abort();
	base->range_count = world_malloc_ranges(base->run.world, base->ranges, RANGES_MAX);
	for (size_t i = 0; i < base->run.scenario.name_count; i++)
		if (base->run.operate.names[i].state == BOUND_BLOCK)
			base->blocks[i % BLOCKS] = base->run.operate.names[i].addr;
	base->hash = world_memory_hash(base->run.world);
	return base;
}

/* --- overwriting ------------------------------------------------------------------------------ */

static uint64_t place(const struct base *base, uint8_t range, uint64_t words)
{
	const struct world_range *r = &base->ranges[range % base->range_count];

	return r->addr + words * 8 % (r->len & ~UINT64_C(7));
}

static void poke(struct state *s, const struct poke *p)
{
	struct ptmalloc *pt = &s->world->pt;
	uint64_t at = place(s->base, p->range, p->offset), value, target;

	memcpy(&value, p->value, sizeof(value));
	target = place(s->base, p->value[7], value & 0xffff) & ~UINT64_C(15);
	switch ((enum poke_kind)(p->kind % POKE_KINDS)) {
	case POKE_ADDRESS:
		value = target;
		break;
	case POKE_SIZE:
		value &= 0x3fffff;
		break;
	case POKE_LINK:
		value = pt->lay->safe_linking ? at >> 12 ^ target : target;
		break;
	case POKE_VAR:
		pt->vars[p->offset % PT_VARS] = p->range & 1 ? value & 0xffff : target;
		return;
	case POKE_THREAD:
		pt_set_thread(pt, p->range % 3, p->offset & 1 ? target : pt->main_arena,
		              p->offset & 2  ? target
		              : value & 0xff ? 0
		                             : value);
		return;
	case POKE_RAW:
	case POKE_KINDS:
		break;
	}
	image_set8(&s->world->image, at, value);
}

/* --- operations ------------------------------------------------------------------------------- */

static uint64_t size_of(const struct step *step)
{
	/* Filling takes time in proportion to the size. */
	return (uint64_t)step->size << (step->shift % 16 == 15 ? 47 : step->shift % 4);
}

static void run_step(struct state *s, const struct step *step)
{
	static const int params[] = { 1, -1, -2, -3, -4, -6, -7, -8 };
	struct ptmalloc *pt = &s->world->pt;
	uint64_t *block = &s->blocks[step->block % BLOCKS];

	switch (step->kind % 11) {
	case 0:
	case 1:
		*block = pt_malloc(pt, size_of(step));
		break;
	case 2:
		*block = pt_calloc(pt, 1 + step->extra % 4, size_of(step));
		break;
	case 3:
		*block = pt_realloc(pt, *block, size_of(step));
		break;
	case 4:
		*block = pt_memalign(pt, UINT64_C(1) << step->extra % 24, size_of(step));
		break;
	case 5:
		*block = place(s->base, step->extra, step->size) & ~(uint64_t)(step->shift & 15);
		break;
	case 6:
		(void)pt_malloc_trim(pt, step->size);
		break;
	case 7:
		(void)pt_mallopt(pt, params[step->extra % 8], step->size << step->shift % 8);
		break;
	case 8:
		pt->thread = step->extra % 3;
		break;
	case 9:
		pt_thread_exit(pt);
		pt->thread = 0;
		break;
	default:
		pt_free(pt, *block);
		*block = step->extra & 1 ? *block : 0;
	}
}

static void expect_an_outcome(const struct ptmalloc *pt)
{
	if (pt->stop > PT_NO_MEMORY || (pt->stop != PT_RUNNING && !pt->stop_text))
		abort();
	if (pt->stop == PT_RUNNING && pt->image->fault != IMAGE_OK)
		abort();
}

static void run_steps(struct state *s, const uint8_t *data, size_t size)
{
	struct ptmalloc *pt = &s->world->pt;

	for (size_t n = 0; n < OPERATIONS_MAX && size >= sizeof(struct step); n++) {
		struct step step;

		memcpy(&step, data, sizeof(step));
		data += sizeof(step);
		size -= sizeof(step);
		if (pt->why)
			why_clear(pt->why);
		pt->busy = step.kind & 0x80;
		run_step(s, &step);
		expect_an_outcome(pt);
		if (pt->stop != PT_RUNNING)
			return;
		(void)pt_block_of(pt, s->blocks[step.block % BLOCKS]);
		image_clear_fault(pt->image);
		sys_clear(pt->sys);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world_mark mark;
	struct state s = { 0 };
	size_t pokes;

	if (size < 3)
		return 0;
	s.base = base_of(data[0] % MINORS);
	s.world = world_branch(s.base->run.world);
	if (!s.world)
		abort();
	memcpy(s.blocks, s.base->blocks, sizeof(s.blocks));
	if (data[1] & 1) {
		s.world->pt.why = &s.world->why;
		s.world->why.region = s.world->mm ? lx_mm_sys(s.world->mm)->region : NULL;
	}
	pokes = data[2] % 64;
	data += 3;
	size -= 3;
	world_mark(s.world, &mark);
	for (; pokes && size >= sizeof(struct poke); pokes--) {
		struct poke p;

		memcpy(&p, data, sizeof(p));
		poke(&s, &p);
		data += sizeof(p);
		size -= sizeof(p);
	}
	image_clear_fault(&s.world->image);
	run_steps(&s, data, size);
	(void)world_undo(s.world, &mark);
	if (world_memory_hash(s.world) != s.base->hash)
		abort();
	world_end(s.world);
	return 0;
}
