/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text text_in(char *buffer, size_t size)
{
	if (size)
		buffer[0] = '\0';
	return (struct text){ .at = buffer, .size = size };
}

void text_add(struct text *text, const char *string)
{
	size_t len = strlen(string), room = text->size ? text->size - 1 - text->len : 0;

	if (len > room) {
		len = room;
		text->cut = true;
	}
	if (!text->size)
		return;
	memcpy(text->at + text->len, string, len);
	text->len += len;
	text->at[text->len] = '\0';
}

void text_addf(struct text *text, const char *format, ...)
{
	size_t room = text->size - text->len;
	va_list args;
	int want;

	if (!text->size)
		return;
	va_start(args, format);
	want = vsnprintf(text->at + text->len, room, format, args);
	va_end(args);
	if (want < 0)
		return;
	if ((size_t)want >= room) {
		text->cut = true;
		text->len = text->size - 1;
	} else {
		text->len += (size_t)want;
	}
}

char *text_bytes(char buf[TEXT_NUMBER], uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t unit = 0;
	uint64_t whole = bytes, tenths;

	if (bytes < 1024) {
		(void)snprintf(buf, TEXT_NUMBER, "%" PRIu64 " B", bytes);
		return buf;
	}
	/* Rounded to the nearest tenth of the unit; 1023.95 of one unit becomes 1.0 of the next. */
	for (;;) {
		tenths = whole / 1024 * 10 + (whole % 1024 * 10 + 512) / 1024;
		if (tenths < 10240 || unit == 5)
			break;
		whole = whole / 1024 + (whole % 1024 >= 512);
		unit++;
	}
	(void)snprintf(buf, TEXT_NUMBER, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
	               units[unit]);
	return buf;
}

char *text_count(char buf[TEXT_NUMBER], uint64_t count)
{
	char digits[TEXT_NUMBER];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count), out = 0;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf[out++] = ',';
		buf[out++] = digits[i];
	}
	buf[out] = '\0';
	return buf;
}

char *text_signed(char buf[TEXT_NUMBER], int64_t count)
{
	char digits[TEXT_NUMBER];
	uint64_t size = count < 0 ? (uint64_t)0 - (uint64_t)count : (uint64_t)count;
	struct text text = text_in(buf, TEXT_NUMBER);

	text_add(&text, count < 0 ? "-" : "");
	text_add(&text, text_count(digits, size));
	return buf;
}

char *text_addr(char buf[TEXT_NUMBER], uint64_t addr)
{
	(void)snprintf(buf, TEXT_NUMBER, "%012" PRIx64, addr);
	return buf;
}

char *text_copy(char *to, size_t size, const char *from)
{
	struct text text = text_in(to, size);

	text_add(&text, from);
	return to;
}

static char *unknown(char buf[TEXT_NUMBER])
{
	buf[0] = '?';
	buf[1] = '\0';
	return buf;
}

char *text_bytes_fact(char buf[TEXT_NUMBER], struct fact bytes)
{
	return fact_known(bytes) ? text_bytes(buf, bytes.v) : unknown(buf);
}

char *text_count_fact(char buf[TEXT_NUMBER], struct fact count)
{
	return fact_known(count) ? text_count(buf, count.v) : unknown(buf);
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool text_parse_size_in(const char *at, size_t len, uint64_t *ret)
{
	static const char suffixes[] = "KMGT";
	const bool hex = len >= 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
	const char *end = at + len, *first = hex ? at + 2 : at, *suffix;
	const uint64_t base = hex ? 16 : 10;
	uint64_t value = 0;

	for (at = first; at < end; at++) {
		int digit = digit_value(*at);

		if (digit < 0 || (uint64_t)digit >= base)
			break;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	if (at == first)
		return false;
	if (at < end) {
		suffix = *at ? strchr(suffixes, *at) : NULL;
		if (!suffix || at + 1 != end ||
		    __builtin_mul_overflow(value, (uint64_t)1 << (10 * (suffix - suffixes + 1)),
		                           &value))
			return false;
	}
	*ret = value;
	return true;
}

bool text_parse_size(const char *string, uint64_t *ret)
{
	return text_parse_size_in(string, strlen(string), ret);
}
