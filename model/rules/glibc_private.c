/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/rules/glibc.h"

/* Measured in the debug files of Debian's 2.31, 2.36, 2.41 and 2.43 for amd64. */
static const struct private_layout rows[] = {
	{ .minor_first = 27,
	  .minor_last = 33,
	  .narenas_limit = 0x08,
	  .tcache_key = FIELD_NONE,
	  .aligned_heap_area = 0x18,
	  .free_list = 0x28,
	  .perturb_byte = 0x34,
	  .global_max_fast = 0x48,
	  .max_fast_bytes = 8 },
	{ .minor_first = 34,
	  .minor_last = 36,
	  .narenas_limit = 0x08,
	  .tcache_key = 0x10,
	  .aligned_heap_area = 0x18,
	  .free_list = 0x28,
	  .perturb_byte = 0x34,
	  .global_max_fast = 0x38,
	  .max_fast_bytes = 8 },
	{ .minor_first = 37,
	  .minor_last = 42,
	  .narenas_limit = 0x08,
	  .tcache_key = 0x10,
	  .aligned_heap_area = 0x18,
	  .free_list = 0x28,
	  .perturb_byte = 0x34,
	  .global_max_fast = 0x38,
	  .max_fast_bytes = 1 },
	{ .minor_first = 43,
	  .minor_last = 99,
	  .narenas_limit = 0x08,
	  .tcache_key = 0x18,
	  .aligned_heap_area = 0x20,
	  .free_list = 0x30,
	  .perturb_byte = 0x3c,
	  .global_max_fast = FIELD_NONE,
	  .max_fast_bytes = 0 },
};

const struct private_layout *glibc_private_for(int minor)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (minor >= rows[i].minor_first && minor <= rows[i].minor_last)
			return &rows[i];
	return NULL;
}
