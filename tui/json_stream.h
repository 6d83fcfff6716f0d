/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_JSON_STREAM_H
#define HEAPTOP_TUI_JSON_STREAM_H

/**
 * One JSON value written piece by piece, so that 65,000 VMAs or 1.5 million chunks never exist as
 * objects at once: containers are opened and closed here, their members are jansson's. Also the rules by
 * which facts become JSON: unknown is null, addresses are "0x…", foreign bytes become clean UTF-8.
 *
 * Keys are our own literals without anything to escape.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/base/fact.h"

struct json_stream {
	FILE *out;
	bool has_members; /* of the container that is open now */
	bool failed;      /* out of memory somewhere: the text is not complete */
};

/** Opens a member that is an object ('{') or array ('['); `key` NULL inside arrays and at the root. */
void json_stream_open(struct json_stream *stream, const char *key, char bracket);
void json_stream_close(struct json_stream *stream, char bracket);

/** Writes and frees one member; NULL (out of memory) is remembered in `failed`. */
void json_stream_put(struct json_stream *stream, const char *key, json_t *value);

/** Writes what precedes a member: comma and key. The caller writes its value. */
void json_stream_key(struct json_stream *stream, const char *key);

/* --- facts as values --- */

/** Beyond 2^63 - 1 a number is written as a real: JSON integers of most readers end there. */
json_t *json_number(uint64_t value);
json_t *json_fact(struct fact fact);
json_t *json_fact_bool(struct fact fact);
json_t *json_addr(uint64_t addr);
json_t *json_fact_addr(struct fact fact);
/** Milliseconds with three decimals. */
json_t *json_ms(uint64_t ns);
/** ISO 8601, UTC, milliseconds; null when `ns` is 0. */
json_t *json_time(uint64_t ns);
/** Foreign bytes made clean; null when `bytes` is NULL. */
json_t *json_text(const char *bytes, size_t len);
/** The same for a NUL-terminated text; null when it is NULL or empty. */
json_t *json_word(const char *text);
/** A letter of a code; null for '?' and 0. */
json_t *json_letter(char letter);

/** Adds a member to an object; false and *object set to NULL (freed) when out of memory. */
bool json_add(json_t **object, const char *key, json_t *value);

#endif
