/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What 50,000 VMAs cost, against the raw limit of the same run: reading /proc/PID/maps once, as any
 * tool must, and looking at nothing. Medians of interleaved rounds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/linux/lx.h"
#include "probes/clock.h"
#include "probes/read.h"
#include "tests/lib/bench.h"
#include "tests/lib/peer.h"

enum { VMAS = 50000, ROUNDS = 15 };

/* Neighbours with other rights, one resident page in each second VMA. */
static void map_many(uint64_t words[PEER_WORDS])
{
	size_t page = 4096;
	char *at = mmap(NULL, VMAS * page, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		_exit(98);
	(void)madvise(at, VMAS * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < VMAS; i += 2) {
		at[i * page] = 1;
		if (mprotect(at + i * page, page, PROT_READ) != 0)
			_exit(97);
	}
	words[0] = VMAS;
}

struct bench {
	struct proc proc;
	struct maps_cache *cache;
	char *piece;
	struct part *last;
};

static double read_only(struct bench *b)
{
	uint64_t began = clock_monotonic_ns();
	off_t at = 0;
	ssize_t got;

	while ((got = pread(b->proc.maps_fd, b->piece, 256 << 10, at)) > 0)
		at += got;
	return (double)(clock_monotonic_ns() - began);
}

/* As after a change: a new part, parsed and classified. */
static double list_with_kind(struct bench *b)
{
	uint64_t began = clock_monotonic_ns();
	struct err err;

	part_unref(b->last);
	b->last = maps_read(&b->proc, b->cache, NULL, 1, &err);
	if (!b->last)
		exit(1);
	lx_classify_vmas(&b->last->vmas, NULL, NULL, 0);
	return (double)(clock_monotonic_ns() - began);
}

static double list_unchanged(struct bench *b)
{
	uint64_t began = clock_monotonic_ns();
	struct err err;
	struct part *same = maps_read(&b->proc, b->cache, b->last, 1, &err);

	if (same != b->last)
		exit(1);
	part_unref(same);
	return (double)(clock_monotonic_ns() - began);
}

static double with_residency(struct bench *b)
{
	double list = list_with_kind(b);
	uint64_t began = clock_monotonic_ns();

	if (!residency_read(&b->proc, &b->last->vmas))
		exit(1);
	return list + (double)(clock_monotonic_ns() - began);
}

static double smaps(struct bench *b)
{
	uint64_t began = clock_monotonic_ns();

	if (!smaps_read(&b->proc, &b->last->vmas))
		exit(1);
	return (double)(clock_monotonic_ns() - began);
}

int main(void)
{
	struct peer peer = peer_start(map_many);
	struct bench b = { .cache = maps_cache_new(), .piece = malloc(256 << 10) };
	double raw[ROUNDS], list[ROUNDS], same[ROUNDS], both[ROUNDS], limit, all;
	struct err err;

	if (!b.cache || !b.piece || !proc_open(peer.pid, &b.proc, &err))
		return 1;
	(void)read_only(&b);
	for (size_t i = 0; i < ROUNDS; i++) {
		raw[i] = read_only(&b);
		list[i] = list_with_kind(&b);
		same[i] = list_unchanged(&b);
		both[i] = with_residency(&b);
	}
	all = smaps(&b);
	limit = bench_median(raw, ROUNDS);
	printf("# %zu VMAs, reading maps takes %.2f ms; smaps, never polled: %.1f x\n",
	       b.last->vmas.count, limit / 1e6, all / limit);
	bench_at_most("50,000 VMAs listed with kind", bench_median(list, ROUNDS) / limit, 1.5, "x");
	bench_at_most("50,000 VMAs, list unchanged", bench_median(same, ROUNDS) / limit, 1.5, "x");
	bench_at_most("50,000 VMAs with residency", bench_median(both, ROUNDS) / limit, 2.5, "x");
	part_unref(b.last);
	maps_cache_free(b.cache);
	proc_close(&b.proc);
	free(b.piece);
	(void)peer_end(&peer);
	return 0;
}
