/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_OPERATE_PRIVATE_H
#define HEAPTOP_MODEL_RUN_OPERATE_PRIVATE_H

/* Between operate*.c. */
#include "model/run/operate.h"

enum { ERRNO_NONE = 0, ERRNO_AGAIN = 11, ERRNO_NOMEM = 12, ERRNO_INVAL = 22 };

/* Of each operation: false with *reterr when it can't be run. */
bool operate_touch(struct operate *operate, const struct operation *op, struct op_result *ret);
bool operate_mmap(struct operate *operate, const struct operation *op, struct op_result *ret);
bool operate_munmap(struct operate *operate, const struct operation *op, struct op_result *ret);
bool operate_mprotect(struct operate *operate, const struct operation *op, struct op_result *ret);
bool operate_mremap(struct operate *operate, const struct operation *op, struct op_result *ret);
bool operate_madvise(struct operate *operate, const struct operation *op, struct op_result *ret);
bool operate_sbrk(struct operate *operate, const struct operation *op, struct op_result *ret);
bool operate_brk(struct operate *operate, const struct operation *op, struct op_result *ret);
bool operate_fork(struct operate *operate, const struct operation *op, struct op_result *ret);
bool operate_exit(struct operate *operate, const struct operation *op, struct op_result *ret);

bool operate_thread(struct operate *operate, const struct operation *op, struct op_result *ret,
                    struct err *reterr);
bool operate_exit_thread(struct operate *operate, const struct operation *op, struct op_result *ret,
                         struct err *reterr);

/** A setting of the machine, or of what the process has of it. False: another setting. */
bool operate_set_system(struct operate *operate, const struct setting_value *value);
/** A child's name is dead, its charge given back. */
void operate_child_ends(struct operate *operate, struct binding *child);

/** Charges what the operation made resident; may turn its outcome into a kill's. */
void operate_settle(struct operate *operate, const struct operation *op, struct op_result *ret);
/** What a setting of the machine means to faults. */
void operate_follow_system(struct operate *operate, enum setting_id index);
/** False: not one of the settings of memory. */
bool operate_set_memory(struct operate *operate, const struct setting_value *value);

/** Gives every name that the scenario knows its place; false when out of memory. */
bool operate_make_room(struct operate *operate);
/** What a name is bound to; a dead binding for one that never was. */
struct binding *operate_binding(struct operate *operate, uint32_t name);
/** What an operation reads: its name's binding, or a block at its address. */
struct binding operate_source(struct operate *operate, const struct operation *op);

/** A call that failed: errno and, for ENOMEM, the outcome. */
void operate_failed(struct op_result *ret, int error);
/** Takes `stop` of the allocator over. True when it goes on. */
bool operate_goes_on(struct operate *operate, struct op_result *ret);

#endif
