/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_LINUX_LX_MEMORY_PATH_H
#define HEAPTOP_MODEL_LINUX_LX_MEMORY_PATH_H

/* Private to lx_fault.c and lx_oom_*.c: the functions on the way, by the names of the version. */
#include "model/linux/lx_memory.h"

/** True when the row holds from a release on. */
static inline bool lx_rules_since(const struct linux_rules *rules, int major, int minor)
{
	return rules->major > major || (rules->major == major && rules->minor >= minor);
}

/** From the page fault down to where the limit `over` is found to have no room. */
void lx_path_enter(const struct lx_memory *memory, uint32_t over, uint64_t addr, struct why *why);
void lx_path_leave(const struct lx_memory *memory, uint32_t over, struct why *why);

/** From there to the function that chooses: at once, or at the end of the fault. */
void lx_path_enter_oom(const struct lx_memory *memory, uint32_t over, struct why *why);
void lx_path_leave_oom(const struct lx_memory *memory, uint32_t over, struct why *why);

/** What out_of_memory() looks at in turn, and what came of it. */
void lx_path_choice(const struct lx_memory *memory, uint32_t over, const struct oom_table *table,
                    const struct oom_call *call, const struct oom_verdict *verdict,
                    struct why *why);

#endif
