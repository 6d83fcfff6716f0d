/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/parse_environ.h"

#include <elf.h>
#include <string.h>

#include "probes/parse_words.h"

static bool begins(struct span span, const char *with)
{
	return span_skip(&span, with);
}

/* One string without its NUL; false at the end. */
static bool next_entry(struct span *rest, struct span *ret)
{
	const char *nul;

	if (!rest->len)
		return false;
	nul = memchr(rest->at, 0, rest->len);
	*ret = (struct span){ rest->at, nul ? (size_t)(nul - rest->at) : rest->len };
	rest->at += ret->len + (nul ? 1 : 0);
	rest->len -= ret->len + (nul ? 1 : 0);
	return true;
}

static bool add(struct process_facts *ret, struct span entry)
{
	if (sizeof(ret->malloc_environ) - ret->malloc_environ_len <= entry.len)
		return false;
	memcpy(ret->malloc_environ + ret->malloc_environ_len, entry.at, entry.len);
	ret->malloc_environ_len += (uint32_t)entry.len;
	ret->malloc_environ[ret->malloc_environ_len++] = '\0';
	return true;
}

void parse_environ(const char *text, size_t len, struct process_facts *ret)
{
	struct span rest = { text, len }, entry;
	bool is_in_tunables = false, fits = true;

	ret->malloc_environ_len = 0;
	while (fits && next_entry(&rest, &entry)) {
		if (is_in_tunables && begins(entry, "glibc.")) {
			ret->malloc_environ[ret->malloc_environ_len - 1] = ':';
			fits = add(ret, entry);
			continue;
		}
		is_in_tunables = begins(entry, "GLIBC_TUNABLES=");
		if (is_in_tunables || begins(entry, "MALLOC_"))
			fits = add(ret, entry);
	}
	ret->has_malloc_environ = fits;
	if (!fits)
		ret->malloc_environ_len = 0;
}

bool parse_auxv_is_secure(const void *auxv, size_t len, size_t word)
{
	const char *bytes = auxv;

	for (size_t at = 0; word <= 8 && len - at >= 2 * word; at += 2 * word) {
		uint64_t type = 0, value = 0;

		memcpy(&type, bytes + at, word);
		memcpy(&value, bytes + at + word, word);
		if (type == AT_SECURE)
			return value != 0;
		if (type == AT_NULL)
			break;
	}
	return false;
}
