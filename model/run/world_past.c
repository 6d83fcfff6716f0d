/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "model/run/world_private.h"

/** What a world was, so that operations can be taken back. */

struct world_past {
	struct world_past *older;
	struct world_thread *threads;
	size_t thread_count;
	struct nptl_stack *stacks;
	size_t stack_count;
	uint64_t stack_bytes;
};

static void past_free(struct world_past *past)
{
	free(past->threads);
	free(past->stacks);
	free(past);
}

static void *copy_of(const void *from, size_t bytes)
{
	void *to = malloc(bytes + 1);

	if (to && bytes)
		memcpy(to, from, bytes);
	return to;
}

bool world_threads_change(struct world *world)
{
	struct world_past *past = calloc(1, sizeof(*past));

	if (!past)
		return false;
	past->thread_count = world->thread_count;
	past->stack_count = world->stack_cache.count;
	past->stack_bytes = world->stack_cache.bytes;
	past->threads = copy_of(world->threads, world->thread_count * sizeof(*past->threads));
	past->stacks = copy_of(world->stack_cache.at, past->stack_count * sizeof(*past->stacks));
	if (!past->threads || !past->stacks) {
		past_free(past);
		return false;
	}
	past->older = world->past;
	world->past = past;
	return true;
}

/* Rooms only grow, so that what was once there fits. */
static void past_restore(struct world *world)
{
	struct world_past *past = world->past;

	memcpy(world->threads, past->threads, past->thread_count * sizeof(*past->threads));
	world->thread_count = past->thread_count;
	if (past->stack_count)
		memcpy(world->stack_cache.at, past->stacks,
		       past->stack_count * sizeof(*past->stacks));
	world->stack_cache.count = past->stack_count;
	world->stack_cache.bytes = past->stack_bytes;
	world->past = past->older;
	past_free(past);
}

void world_past_forget(struct world *world, const struct world_past *until)
{
	while (world->past && world->past != until) {
		struct world_past *past = world->past;

		world->past = past->older;
		past_free(past);
	}
}

/* --- marks ------------------------------------------------------------------------------------ */

void world_mark(struct world *world, struct world_mark *ret)
{
	*ret = (struct world_mark){ .image = image_mark_journal(&world->image),
		                    .mm = lx_mm_mark(world->mm),
		                    .past = world->past,
		                    .current = world->current,
		                    .pt = world->pt,
		                    .memory = world->memory };
}

bool world_undo(struct world *world, const struct world_mark *mark)
{
	bool done = image_undo(&world->image, mark->image);

	lx_mm_undo(world->mm, mark->mm);
	while (world->past && world->past != mark->past)
		past_restore(world);
	world->current = mark->current;
	world->pt = mark->pt;
	world->memory = mark->memory;
	return done;
}

void world_commit(struct world *world, const struct world_mark *mark)
{
	image_commit(&world->image, mark->image);
	lx_mm_commit(world->mm, mark->mm);
	world_past_forget(world, mark->past);
}
