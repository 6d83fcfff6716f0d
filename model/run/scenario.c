/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/run/scenario.h"

#include <errno.h>
#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "model/base/text.h"
#include "model/base/vec.h"
#include "model/run/scenario_private.h"
#include "model/run/settings.h"

enum { WORD_SHOWN = 48 };

bool scenario_error(const struct scenario *scenario, uint32_t line, const char *word, size_t len,
                    const char *why, struct err *reterr)
{
	char what[sizeof(reterr->what)], text[sizeof(reterr->why)];
	const char *file = scenario->file;

	/* The line number matters more than the whole of a long path. */
	if (strlen(file) > sizeof(what) - 24)
		file += strlen(file) - (sizeof(what) - 24);
	(void)snprintf(what, sizeof(what), "%s:%u", file, line);
	if (word)
		(void)snprintf(text, sizeof(text), "'%.*s%s': %s",
		               (int)(len < WORD_SHOWN ? len : WORD_SHOWN), word,
		               len < WORD_SHOWN ? "" : "...", why);
	else
		(void)snprintf(text, sizeof(text), "%s", why);
	return err_set(reterr, ERR_USAGE, 0, what, text);
}

bool scenario_no_memory(struct err *reterr)
{
	return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "the scenario", "out of memory");
}

/* --- names ------------------------------------------------------------------------------------ */

static uint64_t key_of(const struct scenario *s, const char *text, size_t len)
{
	uint64_t key = 0;

	if (len > sizeof(key))
		return XXH3_64bits(text, len);
	if (text >= s->text && text + sizeof(key) <= s->text + s->len) {
		memcpy(&key, text, sizeof(key));
		return len < sizeof(key) ? key & ((UINT64_C(1) << 8 * len) - 1) : key;
	}
	memcpy(&key, text, len);
	return key;
}

/* Its slot, or the empty one where it belongs. */
static struct scenario_slot *find_slot(const struct scenario *s, uint64_t key, const char *text,
                                       size_t len)
{
	size_t mask = s->slot_count - 1, at = (size_t)XXH3_64bits(&key, sizeof(key)) & mask;

	for (;; at = (at + 1) & mask) {
		struct scenario_slot *slot = &s->slots[at];

		if (!slot->len ||
		    (slot->key == key && slot->len == len &&
		     (len <= sizeof(key) || memcmp(s->names[slot->id].text, text, len) == 0)))
			return slot;
	}
}

static bool grow_slots(struct scenario *s)
{
	const struct scenario_slot *old = s->slots;
	size_t old_count = s->slot_count, count = old_count ? old_count * 2 : 1024;

	s->slots = region_alloc(s->region, count * sizeof(*s->slots));
	if (!s->slots)
		return false;
	s->slot_count = count;
	for (size_t i = 0; i < old_count; i++)
		if (old[i].len)
			*find_slot(s, old[i].key, s->names[old[i].id].text, old[i].len) = old[i];
	return true;
}

/* Names of the text stay where they are; those that a substitution made are copied. */
static const char *keep_text(struct scenario *s, const char *text, size_t len)
{
	if (text >= s->text && text < s->text + s->len)
		return text;
	return region_text(s->region, text, len);
}

uint32_t scenario_name(struct scenario *s, const char *text, size_t len)
{
	uint64_t key = key_of(s, text, len);
	struct scenario_slot *slot;
	const char *kept;

	if (s->name_count * 4 >= s->slot_count * 3 && !grow_slots(s))
		return NAME_NONE;
	slot = find_slot(s, key, text, len);
	if (slot->len)
		return slot->id;
	kept = keep_text(s, text, len);
	if (!kept || s->name_count >= NAME_NONE - 1 ||
	    !vec_room(s->region, (void **)&s->names, s->name_count, &s->name_room,
	              sizeof(*s->names)))
		return NAME_NONE;
	s->names[s->name_count] = (struct scenario_name){ kept, (uint32_t)len };
	*slot = (struct scenario_slot){ key, (uint32_t)len, (uint32_t)s->name_count };
	return (uint32_t)s->name_count++;
}

/* --- rows ------------------------------------------------------------------------------------- */

static bool add_extra(struct scenario *s, uint64_t value)
{
	if (!vec_room(s->region, (void **)&s->extra, s->extra_count, &s->extra_room,
	              sizeof(*s->extra)))
		return false;
	s->extra[s->extra_count++] = value;
	return true;
}

/* Numbers after the first, then the address, lie in `extra` when there are any. */
static bool pack(struct scenario *s, const struct operation *op, const char *at)
{
	struct scenario_row *row;

	if (!vec_room(s->region, (void **)&s->rows, s->row_count, &s->row_room, sizeof(*s->rows)) ||
	    s->extra_count > UINT32_MAX - 4)
		return false;
	row = &s->rows[s->row_count];
	*row = (struct scenario_row){
		.at = (uint32_t)(at - s->text),
		.line = op->line,
		.dst = op->dst,
		.src = op->src,
		.extra = (uint32_t)s->extra_count,
		.flags = (uint16_t)op->flags,
		.kind = (uint8_t)op->kind,
		.count = (uint8_t)op->count,
		.number = op->number[0],
	};
	for (uint32_t i = 1; i < op->count; i++)
		if (!add_extra(s, op->number[i]))
			return false;
	if (op->addr && !add_extra(s, op->addr))
		return false;
	row->count = (uint8_t)(op->count | (op->addr ? 0x80 : 0));
	s->row_count++;
	return true;
}

/* The text of a line: without indent, comment and trailing blanks. */
static void take_text(const char *at, const char *end, struct operation *op)
{
	const char *stop = at;

	while (stop < end && *stop != '\n' && *stop != '#')
		stop++;
	while (stop > at && line_is_blank(stop[-1]))
		stop--;
	op->text = at;
	op->text_len = (size_t)(stop - at);
}

void scenario_unpack(const struct scenario *s, const struct scenario_row *row,
                     struct operation *ret)
{
	size_t at = row->extra;

	*ret = (struct operation){
		.kind = (enum operation_kind)row->kind,
		.line = row->line,
		.dst = row->dst,
		.src = row->src,
		.flags = row->flags,
		.count = row->count & 0x7fu,
		.number = { row->number },
	};
	for (uint32_t i = 1; i < ret->count; i++)
		ret->number[i] = s->extra[at++];
	if (row->count & 0x80u)
		ret->addr = s->extra[at];
	take_text(s->text + row->at, s->text + s->len, ret);
}

/* --- directives ------------------------------------------------------------------------------- */

static bool directive(struct line *line, struct scenario *s)
{
	struct word word = line_word(line);
	struct setting_value value;
	char why[SETTING_WHY_MAX];
	bool is_key_wrong;

	for (; word.len; word = line_word(line)) {
		if (word.len > 7 && memcmp(word.at, "stacks=", 7) == 0) {
			if (!setting_parse("stacks", 6, word.at + 7, word.len - 7, &value,
			                   &is_key_wrong, why))
				return line_refuse(line, word, why);
			s->stacks = region_text(s->region, word.at + 7, word.len - 7);
			if (!s->stacks)
				return scenario_no_memory(line->reterr);
		} else if (word.len > 9 && memcmp(word.at, "tunables=", 9) == 0) {
			if (!tunables_check(word.at + 9, word.len - 9, why))
				return line_refuse(line, word, why);
			s->tunables = region_text(s->region, word.at + 9, word.len - 9);
			if (!s->tunables)
				return scenario_no_memory(line->reterr);
		} else {
			return line_refuse(line, word,
			                   "expected stacks=glibc[:SIZE], stacks=own[:SIZE] or "
			                   "tunables=NAME=VALUE[:NAME=VALUE]...");
		}
	}
	return true;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Blocks that are open. Their variables have their first values, to read the lines inside with. */
struct blocks {
	struct scenario_loop at[SCENARIO_NESTED_MAX];
	size_t depth;
};

static bool open_block(struct line *line, struct word first, struct blocks *blocks,
                       const struct operation *op)
{
	if (blocks->depth == SCENARIO_NESTED_MAX)
		return line_refuse(line, first, "expected at most 32 blocks within one another");
	blocks->at[blocks->depth++] = (struct scenario_loop){
		.row = (uint32_t)line->scenario->row_count,
		.var = op->kind == OP_FOR ? op->dst : NAME_NONE,
		.value = (int64_t)op->number[0],
	};
	return true;
}

/* Each end and its beginning know one another's row, by `src`. */
static bool close_block(struct line *line, struct blocks *blocks, struct operation *op)
{
	if (!blocks->depth)
		return line_refuse(line, (struct word){ "end", 3 },
		                   "expected a for or until before it");
	op->src = blocks->at[--blocks->depth].row;
	line->scenario->rows[op->src].src = (uint32_t)line->scenario->row_count;
	return true;
}

/* A line with variables is checked with their first values; its row keeps the text only. */
static bool read_later(struct line *line, const struct blocks *blocks, struct operation *ret)
{
	char text[SCENARIO_LINE_MAX];
	struct line filled = *line;
	size_t len;

	if (!line_substitute(line, blocks->at, blocks->depth, text, sizeof(text), &len))
		return false;
	filled.at = text;
	filled.end = text + len;
	return line_parse(&filled, ret);
}

static bool read_line(struct line *line, struct blocks *blocks)
{
	struct scenario *s = line->scenario;
	struct word first = line_peek(line);
	bool is_later = memchr(first.at, '$', (size_t)(line->end - first.at)) != NULL;
	struct operation op;

	if (is_later ? !read_later(line, blocks, &op) : !line_parse(line, &op))
		return false;
	if (op.kind == OP_END && !close_block(line, blocks, &op))
		return false;
	if ((op.kind == OP_FOR || op.kind == OP_UNTIL) && !open_block(line, first, blocks, &op))
		return false;
	if (is_later && op.kind < OP_KIND_COUNT)
		op = (struct operation){
			.kind = OP_LATER, .line = line->number, .dst = NAME_NONE, .src = NAME_NONE
		};
	else if (is_later)
		op.flags |= OPF_HINT; /* a `for` whose numbers are read again */
	return pack(s, &op, first.at) || scenario_no_memory(line->reterr);
}

static bool read_all(struct scenario *s, struct err *reterr)
{
	const char *at = s->text, *end = s->text + s->len;
	struct blocks blocks = { .depth = 0 };
	struct line line = { .scenario = s, .reterr = reterr };

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		struct word first;

		line.at = at;
		line.end = newline ? newline : end;
		line.number++;
		at = newline ? newline + 1 : end;
		first = line_peek(&line);
		if (first.len) {
			if (!read_line(&line, &blocks))
				return false;
		} else if (line.end - first.at >= 2 && first.at[1] == '!' &&
		           !(line.end - first.at > 2 && first.at[2] == '/')) {
			line.at = first.at + 2;
			if (!directive(&line, s))
				return false;
		}
	}
	if (!blocks.depth)
		return true;
	return scenario_error(s, s->rows[blocks.at[blocks.depth - 1].row].line, NULL, 0,
	                      "expected an end to the block that begins here", reterr);
}

bool scenario_parse(struct region *region, const char *text, size_t len, const char *file,
                    struct scenario *ret, struct err *reterr)
{
	*ret = (struct scenario){ .region = region, .text = text, .len = len, .file = file };
	if (len > UINT32_MAX)
		return err_set(reterr, ERR_USAGE, 0, file, "a scenario of more than 4 GiB");
	return read_all(ret, reterr);
}
