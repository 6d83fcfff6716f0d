/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/sim/sys.h"

#include "model/base/vec.h"

static const struct {
	const char *name;
	unsigned args;
} calls[SYS_NR_COUNT] = {
	[SYS_BRK] = { "brk", 1 },           [SYS_MMAP] = { "mmap", 6 },
	[SYS_MUNMAP] = { "munmap", 2 },     [SYS_MREMAP] = { "mremap", 5 },
	[SYS_MPROTECT] = { "mprotect", 3 }, [SYS_MADVISE] = { "madvise", 3 },
};

const char *sys_name(enum sys_nr nr)
{
	return calls[nr].name;
}

unsigned sys_arg_count(enum sys_nr nr)
{
	return calls[nr].args;
}

static int64_t note(struct sys *sys, enum sys_nr nr, const uint64_t arg[6], int64_t result)
{
	if (!vec_room(sys->region, (void **)&sys->calls, sys->count, &sys->room,
	              sizeof(*sys->calls))) {
		sys->lost = true;
		return result;
	}
	struct sys_call *call = &sys->calls[sys->count++];

	for (unsigned i = 0; i < 6; i++)
		call->arg[i] = arg[i];
	call->result = result;
	call->nr = (uint8_t)nr;
	return result;
}

uint64_t sys_brk(struct sys *sys, uint64_t addr)
{
	why_enter(sys->why, FN_BRK, addr, 0, 0);
	uint64_t result = sys->ops->brk(sys, addr);

	why_leave(sys->why, FN_BRK);
	note(sys, SYS_BRK, (uint64_t[6]){ addr }, (int64_t)result);
	return result;
}

int64_t sys_mmap(struct sys *sys, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags)
{
	why_enter(sys->why, FN_MMAP, len, prot, flags);
	int64_t result = sys->ops->mmap(sys, addr, len, prot, flags);

	why_leave(sys->why, FN_MMAP);
	return note(sys, SYS_MMAP, (uint64_t[6]){ addr, len, prot, flags, UINT64_MAX, 0 }, result);
}

int64_t sys_munmap(struct sys *sys, uint64_t addr, uint64_t len)
{
	why_enter(sys->why, FN_MUNMAP, addr, len, 0);
	int64_t result = sys->ops->munmap(sys, addr, len);

	why_leave(sys->why, FN_MUNMAP);
	return note(sys, SYS_MUNMAP, (uint64_t[6]){ addr, len }, result);
}

int64_t sys_mremap(struct sys *sys, uint64_t addr, uint64_t old_len, uint64_t new_len,
                   uint32_t flags)
{
	why_enter(sys->why, FN_MREMAP, addr, old_len, new_len);
	int64_t result = sys->ops->mremap(sys, addr, old_len, new_len, flags);

	why_leave(sys->why, FN_MREMAP);
	return note(sys, SYS_MREMAP, (uint64_t[6]){ addr, old_len, new_len, flags, 0 }, result);
}

int64_t sys_mprotect(struct sys *sys, uint64_t addr, uint64_t len, uint32_t prot)
{
	why_enter(sys->why, FN_MPROTECT, addr, len, prot);
	int64_t result = sys->ops->mprotect(sys, addr, len, prot);

	why_leave(sys->why, FN_MPROTECT);
	return note(sys, SYS_MPROTECT, (uint64_t[6]){ addr, len, prot }, result);
}

int64_t sys_madvise(struct sys *sys, uint64_t addr, uint64_t len, uint32_t advice)
{
	why_enter(sys->why, FN_MADVISE, addr, len, advice);
	int64_t result = sys->ops->madvise(sys, addr, len, advice);

	why_leave(sys->why, FN_MADVISE);
	return note(sys, SYS_MADVISE, (uint64_t[6]){ addr, len, advice }, result);
}
