/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranking 10,000 tasks and choosing one: for the whole machine, and with the ranks of a cgroup. */
#include <string.h>

#include "model/linux/lx.h"
#include "probes/clock.h"
#include "tests/lib/bench.h"

enum { TASKS = 10000, ROUNDS = 15 };

static struct oom_task tasks[TASKS], ranked[TASKS];

static void invent(void)
{
	uint32_t random = 1;

	for (int i = 0; i < TASKS; i++) {
		random = random * 1664525 + 1013904223;
		tasks[i] =
		        (struct oom_task){ .pid = i + 2,
			                   .rss_pages = random >> 16,
			                   .pgtables_bytes = 4096 * (random >> 24),
			                   .adj = (int16_t)(random % 7 ? 0 : random % 1900 - 900),
			                   .start_ticks = (uint64_t)i / 3,
			                   .in_domain = i % 4 == 0 };
	}
}

static double round_ms(uint64_t domain)
{
	const struct linux_rules *rules = linux_rules_for(6, 1);
	struct oom_table table = {
		.tasks = ranked, .count = TASKS, .totalpages = 6000000, .domain_totalpages = domain
	};
	struct oom_call call = { .constraint = OOM_CONSTRAINT_NONE };
	struct oom_verdict verdict;
	uint64_t began;

	memcpy(ranked, tasks, sizeof(ranked));
	began = clock_monotonic_ns();
	lx_oom_rank(rules, &table);
	lx_oom_choose(rules, &table, &call, &verdict);
	return (double)(clock_monotonic_ns() - began) / 1e6;
}

int main(void)
{
	double whole[ROUNDS], domain[ROUNDS];

	invent();
	for (int i = 0; i < ROUNDS; i++) {
		whole[i] = round_ms(0);
		domain[i] = round_ms(100000);
	}
	bench_at_most("oom-rank-10000", bench_median(whole, ROUNDS), 2, "ms");
	bench_at_most("oom-rank-10000-domain", bench_median(domain, ROUNDS), 2, "ms");
	return 0;
}
