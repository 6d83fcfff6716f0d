/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sampler and its mailbox, driven by a source of made-up snapshots. The one place where two
 * threads meet: what the thread sanitizer is for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <poll.h>
#include <stdatomic.h>

#include "probes/probes.h"

struct made_up {
	struct source base;
	atomic_uint takes, wishes; /* takes with TAKE_FREEZE */
	atomic_uint looks;         /* the address last looked at; 0: none */
	atomic_bool must_end;
	bool is_closed;
	uint64_t seq;
};

static bool take(struct source *source, const struct take_request *request,
                 const struct snapshot **ret, struct err *reterr)
{
	struct made_up *m = (struct made_up *)source;
	struct snapshot *snap = snapshot_new();
	struct part *process = part_new(PART_PROCESS, 1);

	(void)reterr;
	assert_true(snap && process);
	snap->sample.seq = ++m->seq;
	process->process.life = atomic_load(&m->must_end) ? PROCESS_EXITED : PROCESS_ALIVE;
	snap->parts[PART_PROCESS] = process;
	if (request->what & TAKE_FREEZE)
		atomic_fetch_add(&m->wishes, 1);
	if (request->window && (request->what & TAKE_WINDOW))
		atomic_store(&m->looks, (unsigned)request->window->bytes_at);
	else if (!request->window)
		atomic_store(&m->looks, 0);
	atomic_fetch_add(&m->takes, 1);
	*ret = snap;
	return true;
}

static struct memory *no_memory(struct source *source)
{
	(void)source;
	return NULL;
}

static void close_made_up(struct source *source)
{
	((struct made_up *)source)->is_closed = true;
}

static const struct source_ops made_up_ops = {
	.kind = "made up", .take = take, .memory = no_memory, .close = close_made_up
};

static struct sampler *start(struct made_up *m, uint32_t interval_ms)
{
	const struct sampler_settings settings = { .interval_ms = interval_ms,
		                                   .cpu_budget_permille = 50 };
	struct sampler *sampler = NULL;
	struct err err = { 0 };

	m->base.ops = &made_up_ops;
	if (!sampler_start(&m->base, &settings, &sampler, &err))
		fail_msg("%s: %s", err.what, err.why);
	return sampler;
}

/* Waits for news; NULL when none came within ten seconds. */
static const struct snapshot *await(struct sampler *sampler)
{
	struct pollfd fd = { .fd = sampler_fd(sampler), .events = POLLIN };
	const struct snapshot *snap = NULL;

	while (!snap && poll(&fd, 1, 10000) > 0)
		snap = sampler_take(sampler);
	return snap;
}

static void news_only_gets_newer(void **state)
{
	struct made_up m = { 0 };
	struct sampler *sampler = start(&m, 1);
	uint64_t seen = 0;

	(void)state;
	for (int i = 0; i < 20; i++) {
		const struct snapshot *snap = await(sampler);

		assert_non_null(snap);
		assert_true(snap->sample.seq > seen);
		seen = snap->sample.seq;
		snapshot_unref(snap);
	}
	sampler_stop(sampler);
	assert_true(m.is_closed);
}

static void a_slow_reader_finds_the_newest(void **state)
{
	struct made_up m = { 0 };
	struct sampler *sampler = start(&m, 1);
	const struct snapshot *snap;

	(void)state;
	while (atomic_load(&m.takes) < 10)
		(void)poll(NULL, 0, 5);
	snap = await(sampler);
	assert_true(snap && snap->sample.seq >= 9);
	snapshot_unref(snap);
	sampler_stop(sampler);
}

static void a_wish_does_not_wait_for_the_tick(void **state)
{
	struct made_up m = { 0 };
	struct sampler *sampler = start(&m, 3600000);
	const struct snapshot *snap = await(sampler);

	(void)state;
	assert_non_null(snap);
	snapshot_unref(snap);
	sampler_focus(sampler, TAKE_ALL);
	for (unsigned wish = 1; wish <= 3; wish++) {
		sampler_want(sampler, TAKE_FREEZE);
		for (int i = 0; i < 2000 && atomic_load(&m.wishes) < wish; i++)
			(void)poll(NULL, 0, 5);
		assert_int_equal(atomic_load(&m.wishes), wish);
	}
	sampler_stop(sampler);
}

static void wait_for_look(struct made_up *m, unsigned addr)
{
	for (int i = 0; i < 2000 && atomic_load(&m->looks) != addr; i++)
		(void)poll(NULL, 0, 5);
	assert_int_equal(atomic_load(&m->looks), addr);
}

/* What a view looks at reaches the source at once, and no longer than it looks. */
static void a_look_does_not_wait_for_the_tick(void **state)
{
	struct made_up m = { 0 };
	struct sampler *sampler = start(&m, 3600000);

	(void)state;
	snapshot_unref(await(sampler));
	for (unsigned addr = 4096; addr <= 3 * 4096; addr += 4096) {
		const struct window_request request = { .bytes_at = addr };

		sampler_look(sampler, &request);
		wait_for_look(&m, addr);
	}
	sampler_look(sampler, NULL);
	sampler_want(sampler, TAKE_VMAS);
	wait_for_look(&m, 0);
	sampler_stop(sampler);
}

static void a_shorter_interval_holds_at_once(void **state)
{
	struct made_up m = { 0 };
	struct sampler *sampler = start(&m, 3600000);
	unsigned before;

	(void)state;
	while (atomic_load(&m.takes) < 2)
		(void)poll(NULL, 0, 5);
	before = atomic_load(&m.takes);
	sampler_set_interval(sampler, 1);
	for (int i = 0; i < 2000 && atomic_load(&m.takes) < before + 3; i++)
		(void)poll(NULL, 0, 5);
	assert_true(atomic_load(&m.takes) >= before + 3);
	sampler_stop(sampler);
}

static void after_the_end_nothing_is_read(void **state)
{
	struct made_up m = { 0 };
	struct sampler *sampler;
	unsigned takes;

	(void)state;
	atomic_init(&m.must_end, true);
	sampler = start(&m, 1);
	snapshot_unref(await(sampler));
	takes = atomic_load(&m.takes);
	sampler_want(sampler, TAKE_WALK);
	(void)poll(NULL, 0, 100);
	assert_int_equal(atomic_load(&m.takes), takes);
	sampler_stop(sampler);
	sampler_stop(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(news_only_gets_newer),
		cmocka_unit_test(a_slow_reader_finds_the_newest),
		cmocka_unit_test(a_wish_does_not_wait_for_the_tick),
		cmocka_unit_test(a_look_does_not_wait_for_the_tick),
		cmocka_unit_test(a_shorter_interval_holds_at_once),
		cmocka_unit_test(after_the_end_nothing_is_read),
	};

	return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
