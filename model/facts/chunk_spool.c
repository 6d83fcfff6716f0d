/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts/chunk_spool.h"

#include <stdlib.h>
#include <string.h>

/*
 * A record: one byte of state and two flags, the arena and the address only when they are not what
 * the record before foretells, the size. Numbers are little-endian groups of seven bits, the highest
 * bit of a byte says that more follow.
 *
 *	| state, FLAG_… | arena ? | addr ? | size |
 */
enum { FLAG_ARENA = 0x40, FLAG_ADDR = 0x80, STATE_MASK = 0x3f };
enum { RECORD_MAX = 1 + 5 + 10 + 10, ROOM_FIRST = 64 << 10 };

struct chunk_spool {
	struct chunk_sink sink;
	unsigned char *bytes;
	size_t len, room, max; /* max 0: no limit */
	struct chunk_record last;
	uint64_t count, lost;
};

static size_t put_number(unsigned char *to, uint64_t value)
{
	size_t len = 0;

	for (; value >= 0x80; value >>= 7)
		to[len++] = (unsigned char)(value | 0x80);
	to[len++] = (unsigned char)value;
	return len;
}

static uint64_t get_number(const unsigned char *bytes, size_t *at)
{
	uint64_t value = 0;
	unsigned shift = 0;

	for (; bytes[*at] & 0x80; shift += 7)
		value |= (uint64_t)(bytes[(*at)++] & 0x7f) << shift;
	return value | (uint64_t)bytes[(*at)++] << shift;
}

static bool make_room(struct chunk_spool *spool)
{
	size_t room = spool->room ? spool->room + spool->room / 2 : ROOM_FIRST;
	unsigned char *bytes;

	if (spool->room - spool->len >= RECORD_MAX)
		return true;
	if (spool->max && room > spool->max)
		return false;
	bytes = realloc(spool->bytes, room);
	if (!bytes)
		return false;
	spool->bytes = bytes;
	spool->room = room;
	return true;
}

static void keep_chunk(void *ctx, uint64_t addr, uint64_t size, enum chunk_state state, int arena)
{
	struct chunk_spool *spool = ctx;
	struct chunk_record *last = &spool->last;
	unsigned flags = (unsigned)state & STATE_MASK;
	unsigned char *to;

	/* What follows a loss is lost, too: a gap would look like memory without chunks. */
	if (spool->lost || !make_room(spool)) {
		spool->lost++;
		return;
	}
	to = spool->bytes + spool->len++;
	if (arena != last->arena) {
		flags |= FLAG_ARENA;
		spool->len += put_number(spool->bytes + spool->len, (uint32_t)arena);
	}
	if (addr != last->addr + last->size) {
		flags |= FLAG_ADDR;
		spool->len += put_number(spool->bytes + spool->len, addr);
	}
	spool->len += put_number(spool->bytes + spool->len, size);
	*to = (unsigned char)flags;
	*last = (struct chunk_record){ addr, size, state, arena };
	spool->count++;
}

static void forget_chunks(void *ctx)
{
	struct chunk_spool *spool = ctx;

	spool->len = 0;
	spool->count = spool->lost = 0;
	spool->last = (struct chunk_record){ 0 };
}

bool chunk_spool_next(const struct chunk_spool *spool, struct chunk_cursor *cursor,
                      struct chunk_record *ret)
{
	struct chunk_record *last = &cursor->last;
	unsigned flags;

	if (cursor->at >= spool->len)
		return false;
	flags = spool->bytes[cursor->at++];
	last->state = (enum chunk_state)(flags & STATE_MASK);
	if (flags & FLAG_ARENA)
		last->arena = (int)(uint32_t)get_number(spool->bytes, &cursor->at);
	last->addr += last->size;
	if (flags & FLAG_ADDR)
		last->addr = get_number(spool->bytes, &cursor->at);
	last->size = get_number(spool->bytes, &cursor->at);
	*ret = *last;
	return true;
}

struct chunk_spool *chunk_spool_new(size_t max_bytes)
{
	struct chunk_spool *spool = calloc(1, sizeof(*spool));

	if (!spool)
		return NULL;
	spool->max = max_bytes;
	spool->sink =
	        (struct chunk_sink){ .chunk = keep_chunk, .restart = forget_chunks, .ctx = spool };
	return spool;
}

void chunk_spool_free(struct chunk_spool *spool)
{
	if (spool)
		free(spool->bytes);
	free(spool);
}

const struct chunk_sink *chunk_spool_sink(struct chunk_spool *spool)
{
	return &spool->sink;
}

uint64_t chunk_spool_count(const struct chunk_spool *spool, uint64_t *ret_lost)
{
	*ret_lost = spool->lost;
	return spool->count;
}

const char *chunk_state_word(enum chunk_state state)
{
	static const char *const words[CHUNK_STATE_COUNT] = {
		[CHUNK_IN_USE] = "in_use",   [CHUNK_FREE] = "free", [CHUNK_FAST] = "fastbin",
		[CHUNK_TCACHE] = "tcache",   [CHUNK_TOP] = "top",   [CHUNK_FENCEPOST] = "fencepost",
		[CHUNK_MMAPPED] = "mmapped",
	};

	return state < CHUNK_STATE_COUNT ? words[state] : "?";
}
