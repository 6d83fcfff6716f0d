/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each finding's rule in words: what makes it true, what can be done, where the rule comes from. */
#include "model/run/findings.h"

static const struct finding_rule rules[FINDING_COUNT] = {
	[FINDING_HEAP_ERRORS] = { "A list, a size or a link in malloc's own structures contradicts "
	                          "another. In a process that works meanwhile that "
	                          "can be a reading torn by a change; when it stays it is memory "
	                          "corruption: some code wrote outside its block.",
	                          "F freezes the process for one exact reading. If it stays, run "
	                          "the program under AddressSanitizer or valgrind.",
	                          "glibc malloc/malloc.c: the checks of malloc_consolidate, "
	                          "unlink_chunk and _int_free" },
	[FINDING_TORN_WALK] = { "Chunks whose headers did not fit to one another even when they "
	                        "were read again. Sums over them are marked.",
	                        "F freezes the process for one exact reading.",
	                        "the walk over every chunk, with up to eight retries in one "
	                        "place" },
	[FINDING_UNREADABLE] = { "Parts of the heap are swapped out. Reading them would bring them "
	                         "back into the process's memory, so they are left "
	                         "alone, and sums are without them.",
	                         "Nothing is wrong; the figures are lower bounds.",
	                         "/proc/PID/pagemap" },
	[FINDING_CGROUP_NEAR] = { "A memory cgroup on the process's path holds nearly what "
	                          "memory.max allows, or more than memory.high. At max the kernel "
	                          "reclaims page cache and swaps; when that is not enough it kills "
	                          "within that cgroup, however much memory the host has left.",
	                          "Raise memory.max, give back memory (findings on malloc_trim), "
	                          "or move other members elsewhere. 5 shows who would die.",
	                          "Linux mm/memcontrol.c:try_charge, mem_cgroup_out_of_memory" },
	[FINDING_COMMIT_NEAR] = { "In overcommit mode 2 every private writable mapping counts at "
	                          "full size, touched or not, and a request that would exceed "
	                          "CommitLimit fails with ENOMEM: mmap, brk, mprotect to writable, "
	                          "fork.",
	                          "Raise vm.overcommit_ratio or vm.overcommit_kbytes, add swap, or "
	                          "unmap what is not needed. 4 shows what is charged (acct).",
	                          "Linux mm/util.c:__vm_enough_memory" },
	[FINDING_OOM_RANK] = { "On a global out-of-memory the kernel kills the eligible process "
	                       "with the highest badness: pages in RAM and swap, page tables, "
	                       "and oom_score_adj thousandths of RAM and swap. This process has "
	                       "the highest now.",
	                       "oom_score_adj (-1000 … 1000) moves it; it says nothing about how "
	                       "near such an event is: 5 shows the room left.",
	                       "Linux mm/oom_kill.c:oom_badness, select_bad_process" },
	[FINDING_MAP_COUNT] = { "The kernel allows a process vm.max_map_count mappings. Beyond it "
	                        "mmap, mprotect of a part and even some free() of mmapped blocks "
	                        "fail.",
	                        "Raise vm.max_map_count, or find what makes so many mappings (4, "
	                        "sort by kind).",
	                        "Linux mm/mmap.c:do_mmap, __split_vma" },
	[FINDING_TRIMMABLE] = { "Whole resident pages lie inside free chunks. free() returns only "
	                        "what is at the end of a heap, so they stay until "
	                        "malloc_trim(0) is called, which gives all of them back with "
	                        "madvise.",
	                        "Call malloc_trim(0) at quiet moments, or lower the number of "
	                        "arenas (glibc.malloc.arena_max) if many hold such chunks.",
	                        "glibc malloc/malloc.c:mtrim" },
	[FINDING_TOP_KEPT] = { "The top chunk, free memory at the end of the arena, goes back to "
	                       "the kernel only when it has reached trim_threshold, and only "
	                       "when a chunk of 64 KiB or more was freed next to it.",
	                       "malloc_trim(0), or a lower trim threshold (mallopt "
	                       "M_TRIM_THRESHOLD, tunable glibc.malloc.trim_threshold).",
	                       "glibc malloc/malloc.c:_int_free, systrim; "
	                       "malloc/arena.c:heap_trim" },
	[FINDING_TOP_PINNED] = { "A heap shrinks only from its end. A chunk in use near the end "
	                         "keeps everything below it, however much of that is free.",
	                         "malloc_trim(0) still returns the free pages below. What "
	                         "allocated the chunk is seen by its size and its bytes.",
	                         "glibc malloc/malloc.c:systrim" },
	[FINDING_MMAP_THRESHOLD] = { "Freeing an mmapped chunk above the mmap threshold raises the "
	                             "threshold to that chunk's size and trim_threshold to twice "
	                             "that, "
	                             "up to 32 MiB. Such requests then come from the heaps, where "
	                             "they can leave holes.",
	                             "Setting any of M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD "
	                             "or M_MMAP_MAX, by mallopt or tunable, fixes it.",
	                             "glibc malloc/malloc.c:__libc_free" },
	[FINDING_ARENA_IDLE] = { "The threads that used this arena have ended. Its memory stays: "
	                         "the next thread that needs an arena takes it over.",
	                         "malloc_trim(0) returns its free pages. Fewer arenas: tunable "
	                         "glibc.malloc.arena_max.",
	                         "glibc malloc/arena.c:__malloc_arena_thread_freeres, "
	                         "get_free_list" },
	[FINDING_LIMIT_AHEAD] = { "The growth of the last minute, drawn on as a straight line, "
	                          "meets the nearest limit within a day.",
	                          "7 shows the course; a straight line is the simplest of all "
	                          "guesses.",
	                          "this run's samples, and the first limit of view 5" },
	[FINDING_SECOND_MALLOC] = { "Another copy of the C library is loaded (dlmopen, a static "
	                            "plug-in). It has arenas of its own, which the program's "
	                            "malloc never sees.",
	                            "snapshot --json lists them all.",
	                            "the link maps of the process" },
	[FINDING_TRACED] = { "Another process traces this one (ptrace), as debuggers and strace "
	                     "do. While they hold it nothing changes here; heaptop "
	                     "only reads and does not mind.",
	                     "F cannot stop a process that is traced already.",
	                     "TracerPid in /proc/PID/status" },
	[FINDING_STOPPED] = { "The process is in state T: a signal (SIGSTOP, SIGTSTP, SIGTTIN, "
	                      "SIGTTOU) stopped it.",
	                      "SIGCONT lets it go on.", "/proc/PID/stat" },
};

const struct finding_rule *finding_rule(enum finding_id id)
{
	return id < FINDING_COUNT ? &rules[id] : NULL;
}
