/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a view looks at in malloc's memory. The chunks of a walk are kept, in 3 bytes each, for as long
 * as somebody looks: then a step of the zoom costs one pass over them and no walk.
 */
#include "model/glibc/decode.h"
#include "probes/clock.h"
#include "probes/live.h"

/* 1.5 million chunks take 5 MiB. */
enum { SPOOL_MAX = 128 << 20 };

void live_forget_chunks(struct live *live)
{
	chunk_spool_free(live->chunks);
	live->chunks = NULL;
}

const struct chunk_sink *live_window_begin(struct live *live, const struct take_request *request,
                                           uint32_t *what)
{
	if (!request->window) {
		live_forget_chunks(live);
		live_keep(live, PART_WINDOW, NULL);
	}
	if (!request->window || !(*what & TAKE_WINDOW) || (*what & TAKE_CHUNKS))
		return NULL;
	if (live->chunks && !(*what & TAKE_WALK))
		return NULL;
	live->fresh_chunks = chunk_spool_new(SPOOL_MAX);
	if (!live->fresh_chunks)
		return NULL;
	*what |= TAKE_HEADERS | TAKE_LISTS | TAKE_WALK | TAKE_MMAPPED;
	/* Without any chunks yet a target that stands still is walked, too. */
	if (!live->chunks)
		*what |= TAKE_CHUNKS;
	return chunk_spool_sink(live->fresh_chunks);
}

/* A walk was wanted; whether there was one is seen by its time. */
static void keep_fresh(struct live *live, uint64_t now_ns)
{
	const struct part *heap = live->last[PART_HEAP];
	bool is_done = heap && heap->heap.instance_count &&
	               heap->heap.instances[0].walk_taken_ns == now_ns;

	if (is_done) {
		chunk_spool_free(live->chunks);
		live->chunks = live->fresh_chunks;
	} else {
		chunk_spool_free(live->fresh_chunks);
	}
	live->fresh_chunks = NULL;
}

void live_read_window(struct live *live, const struct take_request *request, uint64_t now_ns,
                      struct sample_facts *sample)
{
	const struct part *heap = live->last[PART_HEAP];
	uint64_t began = clock_monotonic_ns();
	struct part *part;
	struct decode d;

	if (live->fresh_chunks)
		keep_fresh(live, now_ns);
	if (!live->chunks || !heap || !heap->heap.instance_count || !live->last[PART_VMAS])
		return;
	part = part_new(PART_WINDOW, now_ns);
	if (!part)
		return;
	d = live_decode_of(live, part->region);
	if (pt_window(&d, &heap->heap.instances[0], live->chunks, request->window, &part->window))
		live_keep(live, PART_WINDOW, part);
	else
		part_unref(part);
	sample->window_ns = clock_monotonic_ns() - began;
}
