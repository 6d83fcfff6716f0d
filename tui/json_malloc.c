/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "tui/json_out.h"

/* --- libc: what it is and how malloc's state was found ------------------------------------------ */

static json_t *roads_json(const struct heap_facts *heap)
{
	json_t *roads = json_array();

	for (size_t i = 0; roads && i < heap->road_count; i++) {
		const struct road *road = &heap->roads[i];

		(void)json_array_append_new(
		        roads,
		        json_pack("{s:o s:o s:o s:i s:o}", "name", json_word(road->name),
		                  "main_arena",
		                  road->main_arena ? json_addr(road->main_arena) : json_null(),
		                  "mp", road->mp ? json_addr(road->mp) : json_null(), "score",
		                  road->score, "note", json_word(road->note)));
	}
	return roads;
}

static json_t *confidence_json(const struct heap_facts *heap)
{
	return json_letter(heap->confidence);
}

void json_out_libc(struct json_stream *out, const struct report *report)
{
	const struct heap_facts *heap = snapshot_heap(report->snap);
	json_t *json;

	if (!heap) {
		json_stream_put(out, "libc",
		                json_pack("{s:n s:n s:n s:n s:n s:n}", "kind", "version", "path",
		                          "build_id", "found_by", "confidence"));
		return;
	}
	json = json_pack("{s:s s:o s:o s:o s:o s:o s:o s:o s:o}", "kind", libc_kind_word(heap),
	                 "version", json_word(heap->version), "path", json_word(heap->libc_path),
	                 "build_id", json_word(heap->build_id), "found_by",
	                 json_word(heap->found_by), "confidence", confidence_json(heap), "layout",
	                 json_word(heap->layout), "interposer", json_word(heap->interposer),
	                 "runtime", json_word(heap->runtime));
	json_add(&json, "instances", json_number(heap->instance_count));
	json_add(&json, "roads", roads_json(heap));
	json_stream_put(out, "libc", json);
}

/* --- malloc ------------------------------------------------------------------------------------ */

static json_t *params_json(const struct malloc_params *p)
{
	struct fact dyn = p->no_dyn_threshold;
	json_t *json;

	dyn.v = !dyn.v;
	json = json_pack("{s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o}", "mmap_threshold",
	                 json_fact(p->mmap_threshold), "trim_threshold",
	                 json_fact(p->trim_threshold), "top_pad", json_fact(p->top_pad),
	                 "arena_max", json_fact(p->arena_max), "arena_test",
	                 json_fact(p->arena_test), "n_mmaps", json_fact(p->n_mmaps), "n_mmaps_max",
	                 json_fact(p->n_mmaps_max), "mmapped_mem", json_fact(p->mmapped_mem),
	                 "sbrk_base", json_fact_addr(p->sbrk_base), "tcache_count",
	                 json_fact(p->tcache_count), "tcache_bins", json_fact(p->tcache_bins),
	                 "dyn_threshold", json_fact_bool(dyn));
	json_add(&json, "max_n_mmaps", json_fact(p->max_n_mmaps));
	json_add(&json, "max_mmapped_mem", json_fact(p->max_mmapped_mem));
	json_add(&json, "tcache_max_bytes", json_fact(p->tcache_max_bytes));
	json_add(&json, "tcache_unsorted_limit", json_fact(p->tcache_unsorted_limit));
	json_add(&json, "thp_mode", json_fact(p->thp_mode));
	json_add(&json, "thp_pagesize", json_fact(p->thp_pagesize));
	json_add(&json, "hp_pagesize", json_fact(p->hp_pagesize));
	json_add(&json, "hp_flags", json_fact(p->hp_flags));
	return json;
}

/* A mmapped chunk is memory from the system and in use, beside all arenas. */
static json_t *plus_json(struct fact arenas, struct fact mmapped)
{
	if (fact_known(arenas) && fact_known(mmapped))
		arenas.v += mmapped.v;
	else
		arenas = fact_unknown();
	return json_fact(arenas);
}

static json_t *totals_json(const struct malloc_state *ms)
{
	const struct malloc_totals *t = &ms->totals;

	return json_pack("{s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o}", "arenas",
	                 json_number(ms->arena_count), "system", plus_json(t->system, t->mmapped),
	                 "in_use", plus_json(t->in_use, t->mmapped), "free", json_fact(t->free),
	                 "tcache", json_fact(t->tcache), "fastbins", json_fact(t->fastbins),
	                 "mmapped", json_fact(t->mmapped), "top", json_fact(t->top), "trimmable",
	                 json_fact(t->trimmable), "chunks_in_use",
	                 plus_json(t->chunks_in_use, ms->params.n_mmaps), "chunks_free",
	                 json_fact(t->chunks_free));
}

/* Of one instant and whole; not so when the target moved or a part could not be read. */
static json_t *exact_json(const struct count_bytes *sum)
{
	if (!fact_known(sum->count) || !fact_known(sum->bytes))
		return json_null();
	return json_boolean(sum->count.state == FACT_KNOWN && sum->bytes.state == FACT_KNOWN);
}

static json_t *count_bytes_json(const struct count_bytes *sum)
{
	return json_pack("{s:o s:o s:o}", "count", json_fact(sum->count), "bytes",
	                 json_fact(sum->bytes), "exact", exact_json(sum));
}

static json_t *size_counts_json(const struct size_count *at, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < count; i++)
		(void)json_array_append_new(list,
		                            json_pack("{s:o s:o}", "size", json_number(at[i].size),
		                                      "count", json_number(at[i].count)));
	return list;
}

static json_t *large_json(const struct arena *a)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < a->large_count; i++) {
		const struct large_bin *bin = &a->large[i];

		(void)json_array_append_new(
		        list, json_pack("{s:o s:o s:o s:i}", "min", json_number(bin->min), "count",
		                        json_number(bin->count), "bytes", json_number(bin->bytes),
		                        "bin", (int)bin->bin));
	}
	return list;
}

static json_t *heaps_json(const struct arena *a)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < a->heap_count; i++) {
		const struct malloc_heap *h = &a->heaps[i];

		(void)json_array_append_new(list,
		                            json_pack("{s:o s:o s:o s:o s:o}", "start",
		                                      json_addr(h->start), "end", json_addr(h->end),
		                                      "size", json_number(h->end - h->start),
		                                      "rw_end", json_addr(h->rw_end), "reserve_end",
		                                      json_addr(h->reserve_end)));
	}
	return list;
}

static json_t *pin_json(const struct arena *a)
{
	if (!a->top_pin.size)
		return json_null();
	return json_pack("{s:o s:o s:o}", "addr", json_addr(a->top_pin.addr), "size",
	                 json_number(a->top_pin.size), "free_below", json_fact(a->below_pin));
}

static void add_lists(json_t **json, const struct arena *a)
{
	json_add(json, "fastbins",
	         a->has_lists ? size_counts_json(a->fastbins, a->fastbin_count) : json_null());
	json_add(json, "unsorted", count_bytes_json(&a->unsorted));
	json_add(json, "small",
	         a->has_lists ? size_counts_json(a->small, a->small_count) : json_null());
	json_add(json, "large", a->has_lists ? large_json(a) : json_null());
}

static json_t *arena_json(const struct arena *a, size_t index)
{
	json_t *json =
	        json_pack("{s:o s:o s:b s:o s:o s:o s:o s:o s:o s:o}", "index", json_number(index),
	                  "addr", json_addr(a->addr), "main", a->is_main, "attached_threads",
	                  json_fact(a->attached_threads), "system_mem", json_number(a->system_mem),
	                  "max_system_mem", json_number(a->max_system_mem), "top",
	                  json_pack("{s:o s:o}", "addr", json_addr(a->top_addr), "size",
	                            json_fact(a->top_size)),
	                  "heaps", heaps_json(a), "in_use", count_bytes_json(&a->in_use), "free",
	                  count_bytes_json(&a->free_total));

	add_lists(&json, a);
	json_add(&json, "last_remainder", json_addr(a->last_remainder));
	json_add(&json, "trimmable", json_fact(a->trimmable));
	json_add(&json, "fastbin_total", count_bytes_json(&a->fastbin_total));
	json_add(&json, "tcache", count_bytes_json(&a->tcache_total));
	json_add(&json, "fencepost_bytes", json_number(a->fencepost_bytes));
	json_add(&json, "top_pin", pin_json(a));
	json_add(&json, "contiguous", json_boolean(a->is_contiguous));
	json_add(&json, "torn", json_boolean(a->is_torn));
	json_add(&json, "mutex", json_number(a->mutex));
	json_add(&json, "flags", json_number(a->flags));
	return json;
}

/* A thread without a tcache has one at 0x0 with no bins; one that was not found is null. */
static json_t *tcache_json(const struct malloc_thread *t)
{
	bool is_known = fact_known(t->tcache);

	return json_pack("{s:o s:o s:o s:o}", "addr", json_fact_addr(t->tcache), "bins",
	                 is_known ? size_counts_json(t->bins, t->bin_count) : json_null(), "bytes",
	                 json_fact(t->total.bytes), "count", json_fact(t->total.count));
}

static json_t *arena_index_json(const struct malloc_state *ms, struct fact addr)
{
	for (size_t i = 0; fact_known(addr) && i < ms->arena_count; i++)
		if (ms->arenas[i].addr == addr.v)
			return json_number(i);
	return json_null();
}

static json_t *thread_json(const struct malloc_state *ms, const struct malloc_thread *t)
{
	return json_pack("{s:i s:o s:o s:o s:o s:o}", "tid", t->tid, "name",
	                 json_text(t->name, strnlen(t->name, sizeof(t->name))), "arena",
	                 json_fact_addr(t->arena), "arena_index", arena_index_json(ms, t->arena),
	                 "tcache", tcache_json(t), "pthread",
	                 t->pthread_addr ? json_addr(t->pthread_addr) : json_null());
}

static void put_mmapped(struct json_stream *out, const struct malloc_state *ms)
{
	if (!ms->has_mmapped) {
		json_stream_put(out, "mmapped", json_null());
		return;
	}
	json_stream_open(out, "mmapped", '[');
	for (size_t i = 0; i < ms->mmapped_count; i++) {
		const struct mmapped_chunk *c = &ms->mmapped[i];

		json_stream_put(out, NULL,
		                json_pack("{s:o s:o s:o s:b}", "addr", json_addr(c->addr), "size",
		                          json_number(c->size), "base", json_addr(c->base),
		                          "excess", c->is_excess));
	}
	json_stream_close(out, ']');
}

static json_t *walk_json(const struct malloc_state *ms)
{
	const struct walk_facts *w = &ms->walk;

	if (!ms->has_walk)
		return json_null();
	return json_pack("{s:b s:o s:o s:o s:o s:o}", "complete", w->is_done, "chunks",
	                 json_number(w->chunks), "bytes", json_number(w->bytes), "torn_chunks",
	                 json_number(w->torn_chunks), "retries", json_number(w->retries),
	                 "unreadable", json_number(w->unreadable));
}

static void put_errors(struct json_stream *out, const struct heap_facts *heap)
{
	size_t kept = heap->error_count < HEAP_ERRORS_MAX ? heap->error_count : HEAP_ERRORS_MAX;

	json_stream_open(out, "errors", '[');
	for (size_t i = 0; i < kept; i++)
		json_stream_put(out, NULL,
		                json_pack("{s:o s:o}", "addr", json_addr(heap->errors[i].addr),
		                          "what", json_word(heap->errors[i].what)));
	json_stream_close(out, ']');
	json_stream_put(out, "error_count", json_number(heap->error_count));
}

/* Numbers and our own words only: nothing here needs escaping, and 1.5 million rows pass by. */
static void put_chunks(struct json_stream *out, const struct chunk_spool *chunks)
{
	struct chunk_cursor cursor = { 0 };
	struct chunk_record c;
	uint64_t lost;

	(void)chunk_spool_count(chunks, &lost);
	json_stream_put(out, "chunks_lost", json_number(lost));
	json_stream_open(out, "chunks", '[');
	while (chunk_spool_next(chunks, &cursor, &c)) {
		json_stream_key(out, NULL);
		(void)fprintf(out->out,
		              "{\"addr\":\"0x%" PRIx64 "\",\"size\":%" PRIu64
		              ",\"state\":\"%s\",\"arena\":%d}",
		              c.addr, c.size, chunk_state_word(c.state), c.arena);
	}
	json_stream_close(out, ']');
}

static void put_state(struct json_stream *out, const struct malloc_state *ms)
{
	json_stream_put(out, "main_arena", json_addr(ms->main_arena_addr));
	json_stream_put(out, "mp", ms->mp_addr ? json_addr(ms->mp_addr) : json_null());
	json_stream_put(out, "used", json_boolean(ms->is_used));
	json_stream_put(out, "params", params_json(&ms->params));
	json_stream_put(out, "totals", totals_json(ms));
	json_stream_open(out, "arenas", '[');
	for (size_t i = 0; i < ms->arena_count; i++)
		json_stream_put(out, NULL, arena_json(&ms->arenas[i], i));
	json_stream_close(out, ']');
	json_stream_open(out, "threads", '[');
	for (size_t i = 0; i < ms->thread_count; i++)
		json_stream_put(out, NULL, thread_json(ms, &ms->threads[i]));
	json_stream_close(out, ']');
	put_mmapped(out, ms);
	json_stream_put(out, "walk", walk_json(ms));
}

/* Those of further C libraries in the process, as dlmopen() brings in. */
static void put_others(struct json_stream *out, const struct heap_facts *heap)
{
	json_stream_open(out, "others", '[');
	for (size_t i = 1; i < heap->instance_count; i++) {
		json_stream_open(out, NULL, '{');
		put_state(out, &heap->instances[i]);
		json_stream_close(out, '}');
	}
	json_stream_close(out, ']');
}

void json_out_malloc(struct json_stream *out, const struct report *report)
{
	const struct heap_facts *heap = snapshot_heap(report->snap);
	const struct malloc_state *ms = snapshot_malloc(report->snap);

	if (!ms) {
		json_stream_put(out, "malloc", json_null());
		return;
	}
	json_stream_open(out, "malloc", '{');
	put_state(out, ms);
	put_errors(out, heap);
	put_others(out, heap);
	if (report->chunks)
		put_chunks(out, report->chunks);
	json_stream_close(out, '}');
}
