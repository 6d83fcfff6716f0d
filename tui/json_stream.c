/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/json_stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tui/canvas.h"

/* 15 digits: 1.9 stays 1.9 instead of 1.8999999999999999. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

void json_stream_key(struct json_stream *stream, const char *key)
{
	if (stream->has_members)
		(void)fputc(',', stream->out);
	if (key)
		(void)fprintf(stream->out, "\"%s\":", key);
	stream->has_members = true;
}

void json_stream_open(struct json_stream *stream, const char *key, char bracket)
{
	json_stream_key(stream, key);
	(void)fputc(bracket, stream->out);
	stream->has_members = false;
}

void json_stream_close(struct json_stream *stream, char bracket)
{
	(void)fputc(bracket, stream->out);
	stream->has_members = true;
}

void json_stream_put(struct json_stream *stream, const char *key, json_t *value)
{
	json_stream_key(stream, key);
	if (!value || json_dumpf(value, stream->out, DUMP_FLAGS) != 0) {
		(void)fputs(value ? "" : "null", stream->out);
		stream->failed = true;
	}
	json_decref(value);
}

json_t *json_number(uint64_t value)
{
	return value <= INT64_MAX ? json_integer((json_int_t)value) : json_real((double)value);
}

json_t *json_fact(struct fact fact)
{
	return fact_known(fact) ? json_number(fact.v) : json_null();
}

json_t *json_fact_bool(struct fact fact)
{
	return fact_known(fact) ? json_boolean(fact.v != 0) : json_null();
}

json_t *json_addr(uint64_t addr)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "0x%" PRIx64, addr);
	return json_string(text);
}

json_t *json_fact_addr(struct fact fact)
{
	return fact_known(fact) ? json_addr(fact.v) : json_null();
}

json_t *json_ms(uint64_t ns)
{
	uint64_t us = (ns + 500) / 1000;

	return json_real((double)us / 1000.0);
}

json_t *json_time(uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000u);
	char date[32], text[48];
	struct tm tm;

	if (!ns || !gmtime_r(&seconds, &tm) ||
	    !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm))
		return json_null();
	(void)snprintf(text, sizeof(text), "%s.%03uZ", date,
	               (unsigned)(ns % 1000000000u / 1000000u));
	return json_string(text);
}

json_t *json_text(const char *bytes, size_t len)
{
	json_t *value;
	char *clean;

	if (!bytes)
		return json_null();
	/* A control character becomes two; nothing grows more. */
	clean = len < SIZE_MAX / 4 ? malloc(len * 2 + 8) : NULL;
	if (!clean)
		return NULL;
	value = json_string(text_clean(clean, len * 2 + 8, bytes, len));
	free(clean);
	return value;
}

json_t *json_word(const char *text)
{
	return text && text[0] ? json_text(text, strlen(text)) : json_null();
}

json_t *json_letter(char letter)
{
	return letter && letter != '?' ? json_text(&letter, 1) : json_null();
}

bool json_add(json_t **object, const char *key, json_t *value)
{
	if (*object && json_object_set_new_nocheck(*object, key, value) == 0)
		return true;
	if (!*object)
		json_decref(value);
	json_decref(*object);
	*object = NULL;
	return false;
}
