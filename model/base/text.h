/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_BASE_TEXT_H
#define HEAPTOP_MODEL_BASE_TEXT_H

/**
 * A bounded string builder, and the one place that formats sizes, counts and addresses.
 * Rules of the screens: IEC units with one decimal, thousands grouped with a comma, addresses as 12
 * lower-case hex digits, `?` for what could not be read.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/fact.h"

struct text {
	char *at; /* always NUL-terminated when size > 0 */
	size_t size, len;
	bool cut; /* something did not fit */
};

/** Starts an empty text in the caller's buffer. */
struct text text_in(char *buffer, size_t size);

void text_add(struct text *text, const char *string);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** A NUL-terminated copy of `from` in `to`, cut at `size` - 1 bytes. Returns `to`. */
char *text_copy(char *to, size_t size, const char *from);

/* Each formatter writes into `buf`, which it returns; 32 bytes are always enough. */
#define TEXT_NUMBER 32

char *text_bytes(char buf[TEXT_NUMBER], uint64_t bytes);         /* "185.7 MiB", "24 B" */
char *text_count(char buf[TEXT_NUMBER], uint64_t count);         /* "1,284" */
char *text_signed(char buf[TEXT_NUMBER], int64_t count);         /* "-4,127,370" */
char *text_addr(char buf[TEXT_NUMBER], uint64_t addr);           /* "7f2a2c000030" */
char *text_bytes_fact(char buf[TEXT_NUMBER], struct fact bytes); /* "?" when unknown */
char *text_count_fact(char buf[TEXT_NUMBER], struct fact count);

/**
 * Reads "123", "0x7b", "64K", "3M" … (suffixes K M G T, 1024-based) from the whole of `string`.
 * False on anything else, on overflow too; *ret is then untouched.
 */
bool text_parse_size(const char *string, uint64_t *ret);
/** The same from `len` bytes. */
bool text_parse_size_in(const char *at, size_t len, uint64_t *ret);

#endif
