/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sampler thread: drives a source at the user's rate, decides which parts are due, and hands the
 * newest snapshot over through a one-slot mailbox. Nobody waits for it; it waits for nobody.
 *
 * Pace: what every tick shows is read every tick; each dearer part is due again when its own last
 * cost fits its share of the CPU budget, and never sooner than its floor. smaps holds the target's
 * map lock, so it has the longest floor and is left out while nothing unknown has appeared.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "probes/clock.h"
#include "probes/probes.h"

#define MS 1000000ull

enum { SMAPS_UNASKED_VMAS = 2000, TICKS_PER_MAPS = 25 };

/* A part with a pace of its own. */
struct tier {
	uint32_t what;
	uint32_t share_permille; /* of the CPU budget */
	uint32_t floor_ms;
	uint32_t idle_floor_ms; /* while no view shows it */
	uint32_t ceiling_ms;    /* due again by then whatever it cost: the first time costs more */
	uint64_t due_ns;        /* monotonic; 0: at once */
};

enum { TIER_LISTS, TIER_WALK, TIER_RESIDENCY, TIER_SMAPS, TIER_OOM, TIER_COUNT };

static const struct tier tiers[TIER_COUNT] = {
	[TIER_LISTS] = { TAKE_LISTS | TAKE_MMAPPED, 200, 0, 1000, 60000, 0 },
	[TIER_WALK] = { TAKE_WALK | TAKE_LISTS | TAKE_MMAPPED, 500, 900, 5000, 600000, 0 },
	[TIER_RESIDENCY] = { TAKE_RESIDENCY, 100, 0, 2000, 60000, 0 },
	[TIER_SMAPS] = { TAKE_SMAPS, 100, 5000, 60000, 600000, 0 },
	[TIER_OOM] = { TAKE_OOM, 200, 2000, 10000, 5000, 0 },
};

struct sampler {
	pthread_t thread;
	int news_fd;                     /* readable: a snapshot waits */
	int wake_fd;                     /* tells the thread that settings changed */
	struct source *source;           /* the thread's own after start */
	struct tier tier[TIER_COUNT];    /* the thread's own */
	const struct snapshot *previous; /* the thread's own */

	pthread_mutex_t lock; /* guards all below; held for a few instructions only */
	const struct snapshot *newest;
	struct sampler_settings settings;
	uint32_t wanted, focus;
	struct window_request window; /* what a view looks at, */
	bool has_window;              /* if one does */
	bool must_stop;
};

/* What the thread was told for one turn. */
struct orders {
	struct sampler_settings settings;
	uint32_t wanted, focus;
	struct window_request window;
	bool has_window, must_stop;
};

/* --- the thread ------------------------------------------------------------------------------- */

static uint64_t cost_ns(const struct sample_facts *s, size_t which)
{
	switch (which) {
	case TIER_LISTS:
		return s->lists_ns;
	case TIER_WALK:
		return s->walk_ns + s->lists_ns + s->window_ns;
	case TIER_RESIDENCY:
		return s->residency_ns;
	case TIER_SMAPS:
		return s->smaps_ns;
	default:
		return s->oom_ns;
	}
}

/*
 * smaps holds the target's map lock while it walks every page table. Where no view shows what it
 * tells, it is read only if it is cheap and something unknown has appeared.
 */
static bool is_smaps_worth_it(const struct snapshot *snap)
{
	const struct vma_set *vmas = snap ? snapshot_vmas(snap) : NULL;

	if (!vmas || vmas->count > SMAPS_UNASKED_VMAS)
		return false;
	for (size_t i = 0; i < vmas->count; i++)
		if (!vmas->at[i].has_smaps)
			return true;
	return false;
}

static uint32_t choose(struct sampler *s, const struct orders *orders, uint64_t now)
{
	uint32_t what = TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS | TAKE_SYSTEM | orders->wanted;

	/* The first picture comes at once; what may take long follows with the second. */
	if (!s->previous)
		return what;
	for (size_t i = 0; i < TIER_COUNT; i++) {
		struct tier *t = &s->tier[i];

		if (now < t->due_ns)
			continue;
		if (i == TIER_SMAPS && !(orders->focus & TAKE_SMAPS) &&
		    !is_smaps_worth_it(s->previous))
			continue;
		what |= t->what;
	}
	/* What is looked at is as new as the walk. */
	if (orders->has_window && (what & TAKE_WALK))
		what |= TAKE_WINDOW;
	return what;
}

static void settle_tiers(struct sampler *s, uint32_t what, uint32_t focus, uint32_t budget_permille,
                         const struct sample_facts *sample, uint64_t now)
{
	for (size_t i = 0; i < TIER_COUNT; i++) {
		struct tier *t = &s->tier[i];
		uint64_t floor_ms = (focus & t->what) ? t->floor_ms : t->idle_floor_ms;
		uint64_t share = (uint64_t)budget_permille * t->share_permille / 1000, rest;

		if ((what & t->what) != t->what)
			continue;
		/* A walk tells the lists too, but not what they cost: their own rest goes on. */
		if (i == TIER_LISTS && (what & TAKE_WALK))
			continue;
		rest = cost_ns(sample, i) * 1000 / (share ? share : 1);
		if (rest > t->ceiling_ms * MS)
			rest = t->ceiling_ms * MS;
		t->due_ns = now + (rest > floor_ms * MS ? rest : floor_ms * MS);
	}
}

static void deliver(struct sampler *s, const struct snapshot *snap)
{
	const struct snapshot *unread;
	uint64_t one = 1;

	pthread_mutex_lock(&s->lock);
	unread = s->newest;
	s->newest = snapshot_ref(snap);
	pthread_mutex_unlock(&s->lock);
	snapshot_unref(unread);
	(void)!write(s->news_fd, &one, sizeof(one));
}

/* One sample; returns false when the target has ended and nothing more will come. */
static bool sample_once(struct sampler *s, const struct orders *orders)
{
	struct take_request request = { .what = choose(s, orders, clock_monotonic_ns()),
		                        .previous = s->previous,
		                        .window = orders->has_window ? &orders->window : NULL };
	const struct snapshot *snap = NULL;
	const struct process_facts *process;
	struct err err;

	if (!s->source->ops->take(s->source, &request, &snap, &err))
		return true;
	settle_tiers(s, request.what, orders->focus, orders->settings.cpu_budget_permille,
	             &snap->sample, clock_monotonic_ns());
	deliver(s, snap);
	snapshot_unref(s->previous);
	s->previous = snap;
	process = snapshot_process(snap);
	return !process || process->life == PROCESS_ALIVE || process->life == PROCESS_EXECED;
}

/* Sleeps until the next tick or a wish; drains the wake-ups. */
static void rest_until(struct sampler *s, uint64_t due_ns, bool for_ever)
{
	struct pollfd fd = { .fd = s->wake_fd, .events = POLLIN };
	uint64_t now = clock_monotonic_ns(), counter;
	int timeout = for_ever ? -1 : due_ns > now ? (int)((due_ns - now + MS - 1) / MS) : 0;

	if (poll(&fd, 1, timeout) > 0)
		(void)!read(s->wake_fd, &counter, sizeof(counter));
}

/*
 * Time between ticks: the user's, stretched where reading maps alone would take more than 4 % of a
 * core (60,000 VMAs at 10 Hz would take 25 %).
 */
static uint64_t tick_ns(const struct sampler *s, const struct sampler_settings *settings)
{
	uint64_t wanted = settings->interval_ms * MS;
	uint64_t bearable = s->previous ? s->previous->sample.maps_ns * TICKS_PER_MAPS : 0;

	return wanted > bearable ? wanted : bearable;
}

static struct orders take_orders(struct sampler *s)
{
	struct orders orders;

	pthread_mutex_lock(&s->lock);
	orders = (struct orders){ .settings = s->settings,
		                  .wanted = s->wanted,
		                  .focus = s->focus,
		                  .window = s->window,
		                  .has_window = s->has_window,
		                  .must_stop = s->must_stop };
	s->wanted = 0;
	pthread_mutex_unlock(&s->lock);
	return orders;
}

static void *sampler_main(void *arg)
{
	struct sampler *s = arg;
	uint64_t next = clock_monotonic_ns();
	bool is_over = false;

	for (;;) {
		struct orders orders = take_orders(s);
		uint64_t now;

		if (orders.must_stop)
			return NULL;
		now = clock_monotonic_ns();
		if (!is_over && (orders.wanted || now >= next)) {
			bool is_first = !s->previous;

			is_over = !sample_once(s, &orders);
			next = is_first ? now : now + tick_ns(s, &orders.settings);
			now = clock_monotonic_ns();
			if (!is_first && next < now + 20 * MS)
				next = now +
				       20 * MS; /* an overrun never becomes a loop without rest */
		} else if (next > now + tick_ns(s, &orders.settings)) {
			next = now + tick_ns(s, &orders.settings);
		}
		rest_until(s, next, is_over);
	}
}

/* --- its owner -------------------------------------------------------------------------------- */

static void sampler_free(struct sampler *s)
{
	snapshot_unref(s->newest);
	snapshot_unref(s->previous);
	source_close(s->source);
	if (s->news_fd >= 0)
		(void)close(s->news_fd);
	if (s->wake_fd >= 0)
		(void)close(s->wake_fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

bool sampler_start(struct source *source, const struct sampler_settings *settings,
                   struct sampler **ret, struct err *reterr)
{
	struct sampler *s = calloc(1, sizeof(*s));

	if (!s) {
		source_close(source);
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "cannot sample", "out of memory");
	}
	pthread_mutex_init(&s->lock, NULL);
	s->source = source;
	s->settings = *settings;
	s->focus = TAKE_ALL;
	for (size_t i = 0; i < TIER_COUNT; i++)
		s->tier[i] = tiers[i];
	s->news_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->news_fd < 0 || s->wake_fd < 0 ||
	    pthread_create(&s->thread, NULL, sampler_main, s) != 0) {
		sampler_free(s);
		return err_set(reterr, ERR_FAILED, errno, "cannot sample",
		               "no thread or event descriptor to be had");
	}
	*ret = s;
	return true;
}

int sampler_fd(const struct sampler *s)
{
	return s->news_fd;
}

const struct snapshot *sampler_take(struct sampler *s)
{
	const struct snapshot *snap;
	uint64_t counter;

	(void)!read(s->news_fd, &counter, sizeof(counter));
	pthread_mutex_lock(&s->lock);
	snap = s->newest;
	s->newest = NULL;
	pthread_mutex_unlock(&s->lock);
	return snap;
}

static void wake(struct sampler *s)
{
	uint64_t one = 1;

	(void)!write(s->wake_fd, &one, sizeof(one));
}

void sampler_set_interval(struct sampler *s, uint32_t interval_ms)
{
	pthread_mutex_lock(&s->lock);
	s->settings.interval_ms = interval_ms;
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

void sampler_set_budget(struct sampler *s, uint32_t cpu_budget_permille)
{
	pthread_mutex_lock(&s->lock);
	s->settings.cpu_budget_permille = cpu_budget_permille;
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

void sampler_want(struct sampler *s, uint32_t what)
{
	pthread_mutex_lock(&s->lock);
	s->wanted |= what;
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

void sampler_focus(struct sampler *s, uint32_t what)
{
	pthread_mutex_lock(&s->lock);
	s->focus = what;
	pthread_mutex_unlock(&s->lock);
}

uint32_t sampler_walk_permille(struct sampler *s)
{
	uint64_t total = atomic_load_explicit(&s->source->progress.total, memory_order_relaxed);
	uint64_t done = atomic_load_explicit(&s->source->progress.done, memory_order_relaxed);

	if (!total)
		return 0;
	return done >= total ? 1000 : (uint32_t)(1 + done / (total / 999 + 1));
}

void sampler_look(struct sampler *s, const struct window_request *request)
{
	pthread_mutex_lock(&s->lock);
	s->has_window = request != NULL;
	if (request) {
		s->window = *request;
		s->wanted |= TAKE_WINDOW;
	}
	pthread_mutex_unlock(&s->lock);
	if (request)
		wake(s);
}

void sampler_stop(struct sampler *s)
{
	struct timespec until;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->must_stop = true;
	pthread_mutex_unlock(&s->lock);
	wake(s);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 1;
	/* A read of /proc may hang in the kernel for as long as the target holds its lock: then the
	 * thread and what it owns are left to the end of the program. */
	if (pthread_timedjoin_np(s->thread, NULL, &until) == 0)
		sampler_free(s);
}
