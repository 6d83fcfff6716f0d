/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `heaptop snapshot --json`: the keys that must be there, unknown is null, hostile names do no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <inttypes.h>
#include <jansson.h>

#include "tests/lib/sample_snapshot.h"
#include "tui/report.h"

/* The text of a report; must be one line. */
static char *write_text(const struct report *report)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_true(json_write_snapshot(out, report));
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(text), len);
	assert_ptr_equal(strchr(text, '\n'), text + len - 1);
	return text;
}

static json_t *write_json(const struct report *report)
{
	char *text = write_text(report);
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!json)
		fail_msg("%s at byte %d of %.200s", error.text, error.position, text);
	free(text);
	return json;
}

static json_t *write_sample(const struct sample *sample)
{
	struct report report;

	report_init(&report, sample->snap);
	return write_json(&report);
}

/* The member at a dotted path; a number is an index. Fails when a step is missing. */
static json_t *at(json_t *json, const char *path)
{
	char step[64];
	size_t len;

	for (const char *p = path; *p; p += len + (p[len] == '.')) {
		len = strcspn(p, ".");
		assert_true(len < sizeof(step));
		memcpy(step, p, len);
		step[len] = '\0';
		if (json_is_array(json))
			json = json_array_get(json, (size_t)strtoul(step, NULL, 10));
		else
			json = json_object_get(json, step);
		if (!json)
			fail_msg("`%s` is missing in `%s`", step, path);
	}
	return json;
}

static void has_keys(json_t *json, const char *path, const char *keys)
{
	json_t *object = at(json, path);
	char *copy = strdup(keys), *rest = copy;

	assert_non_null(copy);
	for (char *key = strsep(&rest, " "); key; key = strsep(&rest, " "))
		(void)at(object, key);
	free(copy);
}

/* Every object of the list at a path has the keys. */
static void each_has_keys(json_t *json, const char *path, const char *keys)
{
	json_t *list = at(json, path), *item;
	size_t i;

	assert_true(json_is_array(list));
	assert_true(json_array_size(list) > 0);
	json_array_foreach(list, i, item) has_keys(item, "", keys);
}

static void every_promised_key_is_there(void **state)
{
	struct sample sample;
	json_t *json;

	(void)state;
	sample_new(&sample);
	json = write_sample(&sample);
	has_keys(json, "",
	         "schema time pid comm exe source libc malloc brk vmas commit system cgroup oom");
	has_keys(json, "source", "kind frozen torn_chunks retries read_ms walk_ms");
	has_keys(json, "libc", "kind version path build_id found_by confidence");
	has_keys(json, "malloc", "params totals arenas threads mmapped errors");
	has_keys(json, "malloc.params",
	         "mmap_threshold trim_threshold top_pad arena_max arena_test n_mmaps n_mmaps_max "
	         "mmapped_mem "
	         "sbrk_base tcache_count tcache_bins dyn_threshold");
	has_keys(json, "malloc.totals",
	         "arenas system in_use free tcache fastbins mmapped trimmable chunks_in_use "
	         "chunks_free");
	each_has_keys(json, "malloc.arenas",
	              "index addr main attached_threads system_mem max_system_mem top.addr "
	              "top.size heaps "
	              "in_use.count in_use.bytes free.count free.bytes fastbins unsorted.count "
	              "unsorted.bytes "
	              "small large last_remainder trimmable");
	each_has_keys(json, "malloc.arenas.1.heaps", "start end size");
	each_has_keys(json, "malloc.arenas.0.small", "size count");
	each_has_keys(json, "malloc.arenas.0.large", "min count bytes");
	each_has_keys(json, "malloc.threads",
	              "tid name arena tcache.addr tcache.bins tcache.bytes");
	each_has_keys(json, "malloc.mmapped", "addr size");
	each_has_keys(json, "vmas",
	              "start end perms name flags size rss pss swap anonymous charged");
	has_keys(json, "commit",
	         "mode ratio kbytes limit committed target_charged headroom.mode0 headroom.mode1 "
	         "headroom.mode2 uncertainty");
	has_keys(json, "system", "mem_total mem_free mem_available swap_total swap_free");
	has_keys(json, "cgroup", "path version limits");
	each_has_keys(json, "cgroup.limits", "path max current");
	has_keys(json, "oom", "score adj badness rank constraint ranking");
	each_has_keys(json, "oom.ranking", "pid comm score adj badness rss swap pgtables");
	json_decref(json);
	sample_free(&sample);
}

static uint64_t number(json_t *json, const char *path)
{
	json_t *value = at(json, path);

	if (!json_is_integer(value))
		fail_msg("`%s` is no integer", path);
	return (uint64_t)json_integer_value(value);
}

static uint64_t address(json_t *json, const char *path)
{
	const char *text = json_string_value(at(json, path));

	assert_non_null(text);
	assert_memory_equal(text, "0x", 2);
	return strtoull(text, NULL, 16);
}

/* A second C library's malloc is there with all that the first one's has. */
static void a_second_malloc_is_told(void **state)
{
	struct malloc_state two[2];
	struct sample sample;
	json_t *json;

	(void)state;
	sample_new(&sample);
	json = write_sample(&sample);
	assert_int_equal(json_array_size(at(json, "malloc.others")), 0);
	assert_true(json_is_array(at(json, "malloc.others")));
	json_decref(json);
	two[0] = two[1] = *sample.ms;
	two[1].arena_count = 1;
	two[1].main_arena_addr = 0x7f0000001c60;
	sample.heap->instances = two;
	sample.heap->instance_count = 2;
	json = write_sample(&sample);
	each_has_keys(json, "malloc.others",
	              "main_arena params totals arenas threads mmapped walk");
	assert_int_equal(address(json, "malloc.others.0.main_arena"), 0x7f0000001c60);
	assert_int_equal(json_array_size(at(json, "malloc.others.0.arenas")), 1);
	assert_int_equal(json_array_size(at(json, "malloc.arenas")), two[0].arena_count);
	json_decref(json);
	sample_free(&sample);
}

static void figures_are_the_facts(void **state)
{
	struct sample sample;
	const struct arena *a;
	json_t *json;

	(void)state;
	sample_new(&sample);
	json = write_sample(&sample);
	a = &sample.ms->arenas[1];
	assert_string_equal(json_string_value(at(json, "schema")), "heaptop.snapshot/1");
	assert_int_equal(number(json, "pid"), SAMPLE_PID);
	assert_int_equal(address(json, "malloc.arenas.1.addr"), a->addr);
	assert_int_equal(number(json, "malloc.arenas.1.system_mem"), a->system_mem);
	assert_int_equal(number(json, "malloc.arenas.1.in_use.bytes"), a->in_use.bytes.v);
	assert_int_equal(number(json, "malloc.arenas.1.free.bytes"), a->free_total.bytes.v);
	assert_int_equal(number(json, "malloc.totals.mmapped"), sample.ms->totals.mmapped.v);
	assert_int_equal(json_array_size(at(json, "malloc.mmapped")), sample.ms->mmapped_count);
	assert_int_equal(json_array_size(at(json, "vmas")), sample.vmas->count);
	assert_int_equal(address(json, "vmas.0.start"), sample.vmas->at[0].start);
	assert_int_equal(number(json, "vmas.0.size"), vma_size(&sample.vmas->at[0]));
	assert_int_equal(number(json, "system.mem_total"), sample.system->mem_total.v);
	assert_int_equal(number(json, "oom.ranking.0.pid"), sample.oom->tasks[0].pid);
	assert_int_equal(number(json, "oom.ranking.0.rss"), sample.oom->tasks[0].rss_pages);
	assert_true(json_is_boolean(at(json, "malloc.params.dyn_threshold")));
	json_decref(json);
	sample_free(&sample);
}

static void the_time_is_iso_8601_utc(void **state)
{
	struct sample sample;
	json_t *json;

	(void)state;
	sample_new(&sample);
	sample.snap->sample.time_ns = UINT64_C(1700000000123456789);
	json = write_sample(&sample);
	assert_string_equal(json_string_value(at(json, "time")), "2023-11-14T22:13:20.123Z");
	json_decref(json);
	sample_free(&sample);
}

static void is_null(json_t *json, const char *path)
{
	if (!json_is_null(at(json, path)))
		fail_msg("`%s` is not null", path);
}

static void unknown_is_null(void **state)
{
	struct sample sample;
	json_t *json;

	(void)state;
	sample_new(&sample);
	sample.ms->params = (struct malloc_params){ 0 };
	sample.ms->totals = (struct malloc_totals){ 0 };
	sample.ms->has_mmapped = sample.ms->has_walk = false;
	sample.ms->arenas[0].has_lists = false;
	sample.ms->arenas[0].in_use = (struct count_bytes){ 0 };
	sample.ms->arenas[0].trimmable = sample.ms->arenas[0].attached_threads = fact_unknown();
	sample.ms->threads[0].arena = sample.ms->threads[0].tcache = fact_unknown();
	sample.vmas->at[0].has_residency = sample.vmas->at[0].has_smaps = false;
	sample.vmas->at[0].charge = VMA_CHARGE_UNKNOWN;
	sample.process->brk_start = sample.process->brk_end = fact_unknown();
	sample_many_vmas(&sample, 4); /* no [heap] among them */
	sample.vmas->at[0].has_residency = sample.vmas->at[0].has_smaps = false;
	sample.vmas->at[0].charge = VMA_CHARGE_UNKNOWN;
	sample.system->swap_total = fact_unknown();
	json = write_sample(&sample);
	is_null(json, "malloc.params.mmap_threshold");
	is_null(json, "malloc.params.sbrk_base");
	is_null(json, "malloc.params.dyn_threshold");
	is_null(json, "malloc.totals.in_use");
	is_null(json, "malloc.totals.trimmable");
	is_null(json, "malloc.mmapped");
	is_null(json, "malloc.arenas.0.fastbins");
	is_null(json, "malloc.arenas.0.small");
	is_null(json, "malloc.arenas.0.large");
	is_null(json, "malloc.arenas.0.in_use.bytes");
	is_null(json, "malloc.arenas.0.trimmable");
	is_null(json, "malloc.arenas.0.attached_threads");
	is_null(json, "malloc.threads.0.arena");
	is_null(json, "malloc.threads.0.tcache.addr");
	is_null(json, "malloc.threads.0.tcache.bins");
	is_null(json, "source.torn_chunks");
	is_null(json, "source.walk_ms");
	is_null(json, "vmas.0.rss");
	is_null(json, "vmas.0.pss");
	is_null(json, "vmas.0.flags");
	is_null(json, "vmas.0.charged");
	is_null(json, "brk");
	is_null(json, "system.swap_total");
	json_decref(json);
	sample_free(&sample);
}

static void everything_unknown_is_still_the_schema(void **state)
{
	struct sample sample;
	json_t *json;

	(void)state;
	sample_new(&sample);
	sample_make_unknown(&sample);
	json = write_sample(&sample);
	has_keys(json, "",
	         "schema time pid comm exe source libc malloc brk vmas commit system cgroup oom");
	json_decref(json);
	sample_free(&sample);
}

/* A snapshot of which no part could be read: what was refused is null, the keys stay. */
static void no_parts_at_all(void **state)
{
	struct snapshot *snap = snapshot_new();
	struct report report;
	json_t *json;

	(void)state;
	assert_non_null(snap);
	report_init(&report, snap);
	json = write_json(&report);
	is_null(json, "pid");
	is_null(json, "malloc");
	is_null(json, "vmas");
	is_null(json, "brk");
	is_null(json, "libc.kind");
	is_null(json, "system.mem_total");
	is_null(json, "commit.limit");
	is_null(json, "cgroup.path");
	is_null(json, "oom.ranking");
	json_decref(json);
	snapshot_unref(snap);
}

static void hostile_names_are_clean(void **state)
{
	struct sample sample;
	struct report report;
	json_t *json;
	char *text;

	(void)state;
	sample_new(&sample);
	sample_make_hostile(&sample);
	report_init(&report, sample.snap);
	text = write_text(&report);
	for (const char *c = text; *c && *c != '\n'; c++)
		assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
	assert_null(strstr(text, "\\u00")); /* nor escaped for the next program to print */
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	json_decref(json);
	free(text);
	sample_free(&sample);
}

/* mp_ and headers are the target's: a size of 2^64 - 1 must not become negative. */
static void huge_numbers_stay_positive(void **state)
{
	struct sample sample;
	json_t *json;

	(void)state;
	sample_new(&sample);
	sample.ms->params.top_pad = fact_of(UINT64_MAX);
	sample.ms->arenas[0].system_mem = UINT64_MAX;
	json = write_sample(&sample);
	assert_true(json_number_value(at(json, "malloc.params.top_pad")) > 1.8e19);
	assert_true(json_number_value(at(json, "malloc.arenas.0.system_mem")) > 1.8e19);
	json_decref(json);
	sample_free(&sample);
}

static void no_limit_is_the_word_max(void **state)
{
	struct sample sample;
	json_t *json;

	(void)state;
	sample_new(&sample);
	sample.cgroup->levels[0].max = fact_of(UINT64_MAX);
	sample.cgroup->levels[0].high = fact_unknown();
	json = write_sample(&sample);
	assert_string_equal(json_string_value(at(json, "cgroup.limits.0.max")), "max");
	is_null(json, "cgroup.limits.0.high");
	json_decref(json);
	sample_free(&sample);
}

/* --- chunks -------------------------------------------------------------------------------------- */

static void chunks_are_listed_when_asked_for(void **state)
{
	struct chunk_spool *spool = chunk_spool_new(0);
	const struct chunk_sink *sink = chunk_spool_sink(spool);
	struct sample sample;
	struct report report;
	json_t *json;

	(void)state;
	sample_new(&sample);
	sink->chunk(sink->ctx, 0x5500001000, 48, CHUNK_IN_USE, 0);
	sink->chunk(sink->ctx, 0x5500001030, 64, CHUNK_TCACHE, 1);
	report_init(&report, sample.snap);
	json = write_json(&report);
	assert_null(json_object_get(at(json, "malloc"), "chunks"));
	json_decref(json);
	report.chunks = spool;
	json = write_json(&report);
	each_has_keys(json, "malloc.chunks", "addr size state arena");
	assert_int_equal(json_array_size(at(json, "malloc.chunks")), 2);
	assert_int_equal(address(json, "malloc.chunks.1.addr"), 0x5500001030);
	assert_string_equal(json_string_value(at(json, "malloc.chunks.1.state")), "tcache");
	assert_int_equal(number(json, "malloc.chunks.1.arena"), 1);
	json_decref(json);
	chunk_spool_free(spool);
	sample_free(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_promised_key_is_there),
		cmocka_unit_test(a_second_malloc_is_told),
		cmocka_unit_test(figures_are_the_facts),
		cmocka_unit_test(the_time_is_iso_8601_utc),
		cmocka_unit_test(unknown_is_null),
		cmocka_unit_test(everything_unknown_is_still_the_schema),
		cmocka_unit_test(no_parts_at_all),
		cmocka_unit_test(hostile_names_are_clean),
		cmocka_unit_test(huge_numbers_stay_positive),
		cmocka_unit_test(no_limit_is_the_word_max),
		cmocka_unit_test(chunks_are_listed_when_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
