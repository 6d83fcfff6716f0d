/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom the OOM killer chooses, kernel by kernel, from tables as `heaptop oom --tasks` takes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/oom_case.h"

struct fixture {
	struct region *region;
	struct oom_case oom;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->region = region_new();
	assert_non_null(f->region);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	region_free(f->region);
	free(f);
	return 0;
}

/* `text` is JSON with ' for ". */
static bool parse(struct fixture *f, const char *text, struct err *reterr)
{
	char *json = strdup(text);
	json_error_t error;
	json_t *root;
	bool ok;

	assert_non_null(json);
	for (char *at = json; *at; at++)
		if (*at == '\'')
			*at = '"';
	root = json_loads(json, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s in %s", error.text, json);
	ok = oom_case_from_json(root, "t.json", f->region, &f->oom, reterr);
	json_decref(root);
	free(json);
	return ok;
}

static void decide(struct fixture *f, const char *text, int major, int minor)
{
	struct err err = { 0 };

	if (!parse(f, text, &err))
		fail_msg("%s", err.why);
	f->oom.rules = linux_rules_for(major, minor);
	oom_case_decide(&f->oom);
}

static void assert_killed(const struct fixture *f, int32_t pid, int64_t points)
{
	assert_int_equal(f->oom.verdict.outcome, OOM_OUTCOME_KILL);
	assert_non_null(f->oom.verdict.victim);
	assert_int_equal(f->oom.verdict.victim->pid, pid);
	assert_int_equal(f->oom.verdict.points, points);
}

#define MACHINE "'mem_total':54295,'swap_total':0,"

/* --- badness ---------------------------------------------------------------------------------- */

static void badness_is_a_sum_of_pages(void **state)
{
	struct fixture *f = *state;

	decide(f,
	       "{" MACHINE "'tasks':[{'pid':9,'comm':'x','rss':1000,'swap':20,"
	       "'pgtables_bytes':45055,'adj':3}]}",
	       6, 1);
	/* 45055 bytes are 10 whole pages; 54295 / 1000 is 54 */
	assert_killed(f, 9, 1000 + 20 + 10 + 3 * 54);
}

static void thousandths_are_rounded_down_first(void **state)
{
	struct fixture *f = *state;

	decide(f, "{'mem_total':999,'tasks':[{'pid':9,'rss':5,'adj':900}]}", 6, 1);
	assert_killed(f, 9, 5);
	decide(f, "{'mem_total':1999,'tasks':[{'pid':9,'rss':5,'adj':900}]}", 6, 1);
	assert_killed(f, 9, 905);
}

static void badness_may_be_negative_from_5_9_on(void **state)
{
	struct fixture *f = *state;
	static const char text[] =
	        "{" MACHINE "'tasks':["
	        "{'pid':9,'rss':100,'adj':-500},{'pid':10,'rss':50,'adj':-400}]}";

	decide(f, text, 5, 9);
	assert_killed(f, 10, 50 - 400 * 54);
	/* before, both have at least 1 point and the first one wins the tie */
	decide(f, text, 5, 2);
	assert_killed(f, 9, 1);
}

static void root_had_a_bonus(void **state)
{
	struct fixture *f = *state;
	static const char text[] =
	        "{" MACHINE "'tasks':[{'pid':9,'rss':1000},"
	        "{'pid':10,'rss':1010,'pgtables_bytes':4096,'flags':['sys_admin'],'adj':1}]}";

	decide(f, text, 4, 3);
	/* 3 % of the sum, in whole pages, before adj: 1011 - 30 + 54 */
	assert_killed(f, 10, 1035);
	decide(f, text, 4, 17);
	assert_killed(f, 10, 1065);
}

static void the_limit_of_a_cgroup_scales_adj(void **state)
{
	struct fixture *f = *state;
	static const char global[] = "{'mem_total':100000,'tasks':["
	                             "{'pid':9,'rss':9000},{'pid':10,'rss':5000,'adj':90}]}";
	static const char memcg[] = "{'mem_total':100000,'limit':20000,'tasks':["
	                            "{'pid':9,'rss':9000},{'pid':10,'rss':5000,'adj':90}]}";

	decide(f, global, 6, 12);
	assert_killed(f, 10, 5000 + 90 * 100);
	decide(f, memcg, 6, 12);
	assert_killed(f, 9, 9000);
	assert_int_equal(f->oom.call.constraint, OOM_CONSTRAINT_MEMCG);
	assert_int_equal(f->oom.table.totalpages, 20000);
}

static void swap_makes_adj_heavier(void **state)
{
	struct fixture *f = *state;

	/* a 42 MiB process against a 20 MiB one with adj 90, without and with 64 MiB of swap */
	decide(f, "{" MACHINE "'tasks':[{'pid':9,'rss':10752},{'pid':10,'rss':5120,'adj':90}]}", 6,
	       12);
	assert_killed(f, 9, 10752);
	decide(f,
	       "{'mem_total':54295,'swap_total':16384,"
	       "'tasks':[{'pid':9,'rss':10752},{'pid':10,'rss':5120,'adj':90}]}",
	       6, 12);
	assert_killed(f, 10, 5120 + 90 * 70);
}

/* --- ties, order, eligibility ----------------------------------------------------------------- */

static void ties_go_to_the_later_task_since_5_3(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "{" MACHINE "'tasks':[{'pid':12,'rss':7},{'pid':30,'rss':7},"
	                           "{'pid':11,'rss':7},{'pid':40,'rss':6}]}";

	decide(f, text, 6, 18);
	assert_killed(f, 11, 7);
	assert_int_equal(f->oom.table.tasks[1].pid, 30);
	assert_int_equal(f->oom.table.tasks[2].pid, 12);
	assert_int_equal(f->oom.table.tasks[3].pid, 40);
	decide(f, text, 4, 3);
	assert_killed(f, 12, 7);
	assert_int_equal(f->oom.table.tasks[1].pid, 30);
}

static void some_are_never_chosen(void **state)
{
	struct fixture *f = *state;
	static const char text[] =
	        "{" MACHINE "'tasks':[{'pid':1,'rss':900,'flags':['init']},"
	        "{'pid':2,'rss':900,'flags':['kthread']},{'pid':3,'rss':900,'adj':-1000},"
	        "{'pid':4,'rss':900,'flags':'no_mm'},{'pid':5,'rss':900,'flags':['reaped']},"
	        "{'pid':6,'rss':900,'flags':['vfork']},{'pid':7,'rss':1}]}";

	decide(f, text, 6, 1);
	assert_killed(f, 7, 1);
	for (size_t i = 1; i < f->oom.table.count; i++) {
		assert_false(f->oom.table.tasks[i].is_eligible);
		assert_non_null(f->oom.table.tasks[i].why_not);
		assert_int_equal(lx_oom_position(&f->oom.table, f->oom.table.tasks[i].pid, false),
		                 0);
	}
	assert_int_equal(lx_oom_position(&f->oom.table, 7, false), 1);
	assert_int_equal(lx_oom_position(&f->oom.table, 7, true), 1);
	assert_int_equal(lx_oom_position(&f->oom.table, 8, true), 0);
	/* 4.3 knows neither reaping nor the vfork exception */
	decide(f, text, 4, 3);
	assert_killed(f, 5, 900);
}

/* As /proc/PID/stat has them: a number of PF_ bits; and pid 1 is init without being called so. */
static void the_kernels_own_words_are_understood(void **state)
{
	struct fixture *f = *state;

	decide(f,
	       "{" MACHINE "'tasks':[{'pid':1,'rss':900},{'pid':7,'rss':1,'flags':4194304},"
	       "{'pid':5,'rss':900,'flags':2129984},{'pid':6,'rss':900,'flags':['PF_KTHREAD']}]}",
	       6, 1);
	assert_killed(f, 7, 1);
	assert_int_equal(lx_oom_position(&f->oom.table, 1, false), 0);
	assert_int_equal(lx_oom_position(&f->oom.table, 5, false), 0);
	assert_int_equal(lx_oom_position(&f->oom.table, 6, false), 0);
}

static void who_ends_already_is_waited_for(void **state)
{
	struct fixture *f = *state;

	/* before panic_on_oom is even asked */
	decide(f,
	       "{" MACHINE "'invoker':9,'sysctl':{'panic_on_oom':2},"
	       "'tasks':[{'pid':9,'rss':5,'flags':['exiting']},{'pid':10,'rss':50}]}",
	       6, 1);
	assert_int_equal(f->oom.verdict.outcome, OOM_OUTCOME_WAIT);
	assert_null(f->oom.verdict.victim);
	/* somebody else's ending is none of the scan's business */
	decide(f,
	       "{" MACHINE "'invoker':10,"
	       "'tasks':[{'pid':9,'rss':500,'flags':4},{'pid':10,'rss':50}]}",
	       6, 1);
	assert_killed(f, 9, 500);
}

/* 4.3 … 4.5: whoever ends by itself is waited for by everybody. */
static void early_kernels_waited_for_any_exiting_task(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "{" MACHINE "'tasks':[{'pid':9,'rss':500},"
	                           "{'pid':10,'rss':5,'flags':['exiting']}]}";

	decide(f, text, 4, 5);
	assert_int_equal(f->oom.verdict.outcome, OOM_OUTCOME_WAIT);
	decide(f, text, 4, 6);
	assert_killed(f, 9, 500);
}

/* Zombies and kernel threads of a table that was read from /proc. */
static void who_has_no_memory_is_never_chosen(void **state)
{
	struct fixture *f = *state;

	decide(f,
	       "{" MACHINE "'tasks':[{'pid':9,'rss':5,'pgtables_bytes':4096,'adj':-10},"
	       "{'pid':10,'rss':0,'swap':0,'pgtables_bytes':0,'adj':900}]}",
	       6, 12);
	assert_killed(f, 9, 5 + 1 - 10 * 54);
	/* a page-table hog has no RSS either, and dies first */
	decide(f,
	       "{" MACHINE "'tasks':[{'pid':9,'rss':5000,'pgtables_bytes':4096},"
	       "{'pid':10,'rss':0,'swap':0,'pgtables_bytes':28672000}]}",
	       6, 12);
	assert_killed(f, 10, 7000);
}

/* A 50 MiB parent, six children that share its pages and wrote 2 MiB, a single process of 30 MiB. */
static void forked_children_count_what_they_share(void **state)
{
	struct fixture *f = *state;
	static const char text[] =
	        "{" MACHINE "'tasks':[{'pid':20,'rss':12900},{'pid':21,'rss':7800},"
	        "{'pid':22,'ppid':20,'rss':13400},{'pid':23,'ppid':20,'rss':13400},"
	        "{'pid':24,'ppid':20,'rss':13400}]}";

	decide(f, text, 5, 10);
	assert_killed(f, 24, 13400);
	decide(f, text, 7, 2);
	assert_killed(f, 24, 13400);
	decide(f, text, 4, 3);
	assert_killed(f, 22, 13400);
}

static void a_cgroup_may_die_as_a_whole(void **state)
{
	struct fixture *f = *state;
	static const char text[] =
	        "{" MACHINE "'limit':8192,'oom_group':true,'tasks':[{'pid':9,'rss':500,'adj':-900},"
	        "{'pid':10,'rss':7000},{'pid':11,'rss':60,'adj':-1000},"
	        "{'pid':12,'rss':60,'oom_group':0}]}";

	decide(f, text, 6, 1);
	assert_killed(f, 10, 7000);
	assert_int_equal(f->oom.verdict.group_count, 1);
	for (size_t i = 0; i < f->oom.table.count; i++)
		assert_int_equal(lx_oom_dies_with(f->oom.rules, f->oom.verdict.victim,
		                                  &f->oom.table.tasks[i]),
		                 f->oom.table.tasks[i].pid == 9);
	decide(f, text, 4, 17);
	assert_int_equal(f->oom.verdict.group_count, 0);
}

static void swap_adds_to_the_limit_of_a_cgroup(void **state)
{
	struct fixture *f = *state;

	decide(f,
	       "{'mem_total':54295,'swap_total':16384,'limit':8192,'swap_max':4096,"
	       "'tasks':[{'pid':9,'rss':5,'adj':1}]}",
	       6, 1);
	assert_killed(f, 9, 5 + 12);
	decide(f,
	       "{'mem_total':54295,'swap_total':1000,'limit':8192,'swap_max':4096,"
	       "'tasks':[{'pid':9,'rss':5,'adj':1}]}",
	       6, 1);
	assert_killed(f, 9, 5 + 9);
}

/* Sizes of a hidden or hostile table. */
static void tables_may_be_empty_or_large(void **state)
{
	enum { MANY = 100000 };
	struct fixture *f = *state;
	size_t room = (size_t)MANY * 40 + 100, len;
	char *text = malloc(room);

	assert_non_null(text);
	len = (size_t)snprintf(text, room, "{" MACHINE "'tasks':[{'pid':2,'rss':1}");
	for (int i = 1; i < MANY; i++)
		len += (size_t)snprintf(text + len, room - len, ",{'pid':%d,'rss':%d}", i + 2,
		                        i % 1000);
	(void)snprintf(text + len, room - len, "]}");
	decide(f, text, 6, 12);
	/* of a hundred equals the youngest */
	assert_killed(f, MANY + 1, 999);
	free(text);
	decide(f, "{" MACHINE "'limit':8192,'tasks':[]}", 6, 12);
	assert_int_equal(f->oom.verdict.outcome, OOM_OUTCOME_NOBODY);
}

static void an_origin_goes_first_even_if_protected(void **state)
{
	struct fixture *f = *state;

	decide(f,
	       "{" MACHINE "'tasks':[{'pid':9,'rss':5000},"
	       "{'pid':10,'rss':3,'adj':-1000,'flags':['origin']}]}",
	       6, 1);
	assert_killed(f, 10, INT64_MAX);
	assert_int_equal(lx_oom_score(f->oom.rules, f->oom.verdict.victim, 54295), 0);
}

/* --- outcomes --------------------------------------------------------------------------------- */

static void a_dying_victim_stops_the_choice(void **state)
{
	struct fixture *f = *state;

	decide(f,
	       "{" MACHINE "'tasks':[{'pid':9,'rss':5000},{'pid':8,'rss':1,'flags':['victim']}]}",
	       6, 1);
	assert_int_equal(f->oom.verdict.outcome, OOM_OUTCOME_WAIT);
	assert_null(f->oom.verdict.victim);
	decide(f,
	       "{" MACHINE "'tasks':[{'pid':9,'rss':5000},"
	       "{'pid':8,'rss':1,'flags':['victim','reaped']}]}",
	       6, 1);
	assert_killed(f, 9, 5000);
}

static void panic_on_oom_depends_on_the_constraint(void **state)
{
	struct fixture *f = *state;

	decide(f, "{" MACHINE "'sysctl':{'panic_on_oom':1},'tasks':[{'pid':9,'rss':5}]}", 6, 1);
	assert_int_equal(f->oom.verdict.outcome, OOM_OUTCOME_PANIC);
	assert_null(f->oom.verdict.victim);
	decide(f,
	       "{" MACHINE "'limit':50,'sysctl':{'vm.panic_on_oom':1},"
	       "'tasks':[{'pid':9,'rss':5}]}",
	       6, 1);
	assert_killed(f, 9, 5);
	decide(f, "{" MACHINE "'limit':50,'sysctl':{'panic_on_oom':2},'tasks':[{'pid':9,'rss':5}]}",
	       6, 1);
	assert_int_equal(f->oom.verdict.outcome, OOM_OUTCOME_PANIC);
}

static void nobody_left_means_panic_or_for_ever(void **state)
{
	struct fixture *f = *state;

	decide(f, "{" MACHINE "'tasks':[{'pid':9,'rss':5,'adj':-1000}]}", 6, 1);
	assert_int_equal(f->oom.verdict.outcome, OOM_OUTCOME_PANIC);
	decide(f, "{" MACHINE "'limit':8,'tasks':[{'pid':9,'rss':5,'adj':-1000}]}", 6, 1);
	assert_int_equal(f->oom.verdict.outcome, OOM_OUTCOME_NOBODY);
	decide(f, "{" MACHINE "'tasks':[]}", 6, 1);
	assert_int_equal(f->oom.verdict.outcome, OOM_OUTCOME_PANIC);
}

static void the_allocating_task_may_be_taken(void **state)
{
	struct fixture *f = *state;

	decide(f,
	       "{" MACHINE "'invoker':8,'sysctl':{'oom_kill_allocating_task':1},"
	       "'tasks':[{'pid':9,'rss':500},{'pid':8,'rss':1}]}",
	       6, 1);
	assert_killed(f, 8, 1);
	/* not in a cgroup, and not when it is protected */
	decide(f,
	       "{" MACHINE "'limit':8,'invoker':8,'sysctl':{'oom_kill_allocating_task':1},"
	       "'tasks':[{'pid':9,'rss':500},{'pid':8,'rss':1}]}",
	       6, 1);
	assert_killed(f, 9, 500);
	decide(f,
	       "{" MACHINE "'invoker':8,'sysctl':{'oom_kill_allocating_task':1},"
	       "'tasks':[{'pid':9,'rss':500},{'pid':8,'rss':1,'adj':-1000}]}",
	       6, 1);
	assert_killed(f, 9, 500);
}

static void a_child_was_sacrificed(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "{" MACHINE "'tasks':[{'pid':9,'rss':500},"
	                           "{'pid':10,'ppid':9,'rss':20},{'pid':11,'ppid':9,'rss':30},"
	                           "{'pid':12,'ppid':9,'rss':30},"
	                           "{'pid':13,'ppid':9,'rss':500,'flags':['vfork']}]}";

	decide(f, text, 5, 0);
	assert_killed(f, 11, 30);
	assert_int_equal(f->oom.verdict.instead_of->pid, 9);
	decide(f, text, 5, 1);
	assert_killed(f, 9, 500);
	assert_null(f->oom.verdict.instead_of);
}

/* --- scores ----------------------------------------------------------------------------------- */

static void scores_are_divided_in_the_kernels_order(void **state)
{
	const struct linux_rules *now = linux_rules_for(6, 1), *then = linux_rules_for(4, 3);
	struct oom_task task = { .pid = 9, .rss_pages = 12345 };

	(void)state;
	/* (1000 + 12345 * 1000 / 6171024) * 2 / 3 */
	assert_int_equal(lx_oom_score(now, &task, 6171024), 668);
	assert_int_equal(lx_oom_score(then, &task, 6171024), 2);
	task.adj = -999;
	assert_int_equal(lx_oom_score(now, &task, 6171024), (1000 - 996) * 2 / 3);
	task.adj = -1000;
	assert_int_equal(lx_oom_score(now, &task, 6171024), 0);
	assert_int_equal(lx_oom_score(now, &task, 0), 0);
}

static void absurd_figures_do_not_overflow(void **state)
{
	struct oom_task task = { .pid = 9,
		                 .rss_pages = UINT64_MAX,
		                 .swap_pages = UINT64_MAX,
		                 .pgtables_bytes = UINT64_MAX,
		                 .adj = 1000 };
	const char *why = NULL;
	int64_t points;

	(void)state;
	for (size_t i = 0; i < linux_row_count; i++) {
		assert_true(lx_oom_badness(&linux_rows[i], &task, UINT64_MAX, &points, &why));
		assert_true(points > 0);
		(void)lx_oom_score(&linux_rows[i], &task, UINT64_MAX);
		(void)lx_oom_score(&linux_rows[i], &task, 1);
	}
}

/* The order inside a small cgroup is another one when adj plays a part. */
static void the_domain_has_ranks_of_its_own(void **state)
{
	struct oom_task tasks[] = {
		{ .pid = 9, .rss_pages = 9000, .in_domain = true },
		{ .pid = 10, .rss_pages = 5000, .adj = 90, .in_domain = true },
		{ .pid = 11, .rss_pages = 90000 },
	};
	struct oom_table table = {
		.tasks = tasks, .count = 3, .totalpages = 100000, .domain_totalpages = 20000
	};

	(void)state;
	lx_oom_rank(linux_rules_for(6, 1), &table);
	assert_int_equal(lx_oom_position(&table, 11, false), 1);
	assert_int_equal(lx_oom_position(&table, 10, false), 2);
	assert_int_equal(lx_oom_position(&table, 9, false), 3);
	assert_int_equal(lx_oom_position(&table, 9, true), 1);
	assert_int_equal(lx_oom_position(&table, 10, true), 2);
	assert_int_equal(lx_oom_position(&table, 11, true), 0);
}

/* --- nodes ------------------------------------------------------------------------------------ */

/* A cpuset's or a policy's shortage: its nodes' pages scale adj, who has none of them is not looked at,
 * and vm.panic_on_oom 1 is no matter. */
static void a_shortage_of_nodes_is_no_global_one(void **state)
{
	struct fixture *f = *state;
	static const char text[] =
	        "{" MACHINE "'constraint':'%s','node_pages':20000,'sysctl':{'panic_on_oom':1},"
	        "'tasks':[{'pid':9,'rss':5000,'flags':['other_nodes']},{'pid':10,'rss':100,'adj':"
	        "10},"
	        "{'pid':11,'rss':290}]}";
	char json[512];

	(void)snprintf(json, sizeof(json), text, "cpuset");
	decide(f, json, 6, 12);
	assert_killed(f, 10, 100 + 10 * 20);
	(void)snprintf(json, sizeof(json), text, "CONSTRAINT_MEMORY_POLICY");
	decide(f, json, 6, 12);
	assert_killed(f, 10, 100 + 10 * 20);
	(void)snprintf(json, sizeof(json), text, "none");
	decide(f, json, 6, 12);
	assert_int_equal(f->oom.verdict.outcome, OOM_OUTCOME_PANIC);
	/* a cgroup's shortage looks at all of its tasks */
	decide(f,
	       "{" MACHINE "'limit':8192,'constraint':'memcg','tasks':["
	       "{'pid':9,'rss':5000,'flags':['other_nodes']},{'pid':10,'rss':100}]}",
	       6, 12);
	assert_killed(f, 9, 5000);
}

/* --- files ------------------------------------------------------------------------------------ */

static void wrong_keys_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "[]", "the file" },
		{ "{'tasks':[]}", "mem_total" },
		{ "{'mem_total':'x','tasks':[]}", "mem_total" },
		{ "{'mem_total':1.5,'tasks':[]}", "mem_total" },
		{ "{'mem_total':1,'swap_total':-1,'tasks':[]}", "swap_total" },
		{ "{'mem_total':1,'limit':'max','tasks':[]}", "limit" },
		{ "{'mem_total':1}", "tasks" },
		{ "{'mem_total':1,'tasks':{}}", "tasks" },
		{ "{'mem_total':1,'tasks':[7]}", "tasks[0]" },
		{ "{'mem_total':1,'tasks':[{'pid':1,'rss':1},{'rss':1}]}", "tasks[1].pid" },
		{ "{'mem_total':1,'tasks':[{'pid':1}]}", "tasks[0].rss" },
		{ "{'mem_total':1,'tasks':[{'pid':1,'rss':1,'adj':1001}]}", "tasks[0].adj" },
		{ "{'mem_total':1,'tasks':[{'pid':1,'rss':1,'comm':1}]}", "tasks[0].comm" },
		{ "{'mem_total':1,'tasks':[{'pid':1,'rss':1,'flags':['x']}]}", "tasks[0].flags" },
		{ "{'mem_total':1,'tasks':[{'pid':1,'rss':1,'flags':[3]}]}", "tasks[0].flags" },
		{ "{'mem_total':1,'sysctl':3,'tasks':[]}", "sysctl" },
		{ "{'mem_total':1,'sysctl':{'panic_on_oom':3},'tasks':[]}", "sysctl.panic_on_oom" },
		{ "{'mem_total':1,'invoker':'me','tasks':[]}", "invoker" },
		{ "{'mem_total':1,'constraint':'x','tasks':[]}", "constraint" },
		{ "{'mem_total':1,'constraint':'memcg','tasks':[]}", "constraint" },
		{ "{'mem_total':1,'limit':1,'constraint':'cpuset','tasks':[]}", "constraint" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i][1]);
		struct err err = { 0 };

		assert_false(parse(f, cases[i][0], &err));
		assert_int_equal(err.kind, ERR_USAGE);
		assert_string_equal(err.what, "t.json");
		assert_memory_equal(err.why, cases[i][1], len);
		assert_int_equal(err.why[len], ':');
	}
}

static void other_keys_and_spellings_are_accepted(void **state)
{
	struct fixture *f = *state;

	decide(f,
	       "{" MACHINE "'note':'x','limit':null,'invoker':null,"
	       "'sysctl':{'overcommit_memory':0,'vm.swappiness':60,'panic_on_oom':false},"
	       "'tasks':[{'pid':9,'rss':5,'swap':null,'flags':'SYS-ADMIN, victim|Reaped'},"
	       "{'pid':10,'rss':4,'comm':'a name that is too long','flags':0}]}",
	       6, 1);
	assert_killed(f, 10, 4);
	assert_string_equal(f->oom.verdict.victim->comm, "a name that is ");
}

static char *written(const struct fixture *f, bool (*json)(FILE *, const struct oom_case *))
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (json)
		assert_true(json(out, &f->oom));
	else
		oom_case_write_text(out, &f->oom);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void json_has_the_promised_keys(void **state)
{
	struct fixture *f = *state;
	char *text;
	json_t *root, *victim, *row;

	decide(f,
	       "{" MACHINE "'tasks':[{'pid':9,'comm':'a\\u001b[1m','rss':50,'swap':1,"
	       "'pgtables_bytes':8192,'adj':2},{'pid':1,'rss':3,'flags':['init']}]}",
	       6, 1);
	text = written(f, oom_case_write_json);
	assert_memory_equal(text, "{\"victim\":", 10);
	root = json_loads(text, 0, NULL);
	free(text);
	assert_non_null(root);
	victim = json_object_get(root, "victim");
	assert_int_equal(json_integer_value(json_object_get(victim, "pid")), 9);
	assert_int_equal(json_integer_value(json_object_get(victim, "points")), 50 + 1 + 2 + 108);
	assert_null(strchr(json_string_value(json_object_get(victim, "comm")), '\x1b'));
	row = json_array_get(json_object_get(root, "ranking"), 0);
	assert_int_equal(json_integer_value(json_object_get(row, "badness")), 161);
	assert_int_equal(json_integer_value(json_object_get(row, "pgtables")), 8192);
	row = json_array_get(json_object_get(root, "ranking"), 1);
	assert_true(json_is_null(json_object_get(row, "badness")));
	assert_true(json_is_false(json_object_get(row, "eligible")));
	assert_string_equal(json_string_value(json_object_get(root, "outcome")), "kill");
	json_decref(root);
}

static void text_shows_the_arithmetic(void **state)
{
	struct fixture *f = *state;
	char *text;

	decide(f,
	       "{" MACHINE "'tasks':[{'pid':9,'comm':'a\\u001b[1m','rss':5000,'swap':1,"
	       "'pgtables_bytes':8192,'adj':2}]}",
	       6, 1);
	text = written(f, NULL);
	assert_non_null(strstr(text, "victim: 9 "));
	assert_non_null(strstr(text, "rss 5,000 + swap 1 + page tables 2 + adj 2 x 54 = 5,111"));
	assert_null(strchr(text, '\x1b'));
	free(text);
	decide(f, "{" MACHINE "'tasks':[]}", 6, 1);
	text = written(f, NULL);
	assert_non_null(strstr(text, "the kernel would panic"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(badness_is_a_sum_of_pages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(thousandths_are_rounded_down_first, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(badness_may_be_negative_from_5_9_on, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(root_had_a_bonus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_limit_of_a_cgroup_scales_adj, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(swap_makes_adj_heavier, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ties_go_to_the_later_task_since_5_3, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(the_kernels_own_words_are_understood, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(who_ends_already_is_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(early_kernels_waited_for_any_exiting_task, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(who_has_no_memory_is_never_chosen, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(forked_children_count_what_they_share, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_cgroup_may_die_as_a_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(swap_adds_to_the_limit_of_a_cgroup, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(tables_may_be_empty_or_large, set_up, tear_down),
		cmocka_unit_test_setup_teardown(some_are_never_chosen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_origin_goes_first_even_if_protected, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_dying_victim_stops_the_choice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(panic_on_oom_depends_on_the_constraint, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(nobody_left_means_panic_or_for_ever, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(the_allocating_task_may_be_taken, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_child_was_sacrificed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_shortage_of_nodes_is_no_global_one, set_up,
		                                tear_down),
		cmocka_unit_test(scores_are_divided_in_the_kernels_order),
		cmocka_unit_test(absurd_figures_do_not_overflow),
		cmocka_unit_test(the_domain_has_ranks_of_its_own),
		cmocka_unit_test_setup_teardown(wrong_keys_are_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_keys_and_spellings_are_accepted, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(json_has_the_promised_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(text_shows_the_arithmetic, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
