/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs between kernels. Each row is complete and holds from its release to the next row's.
 * Read in mm/oom_kill.c, mm/util.c, mm/memcontrol.c and fs/proc/base.c; the releases are mainline's.
 * Distributions carry changes back, so a row is a default and no proof.
 */
#include "model/rules/linux.h"

const struct linux_rules linux_rows[] = {
	{
	        .name = "4.3",
	        .major = 4,
	        .minor = 3,
	        .commit_guess_free_pages = true,
	        .oom_root_bonus = true,
	        .oom_sacrifices_child = true,
	},
	{
	        /* "mm, oom: introduce oom reaper": a reaped mm is not looked at again */
	        .name = "4.6",
	        .major = 4,
	        .minor = 6,
	        .commit_guess_free_pages = true,
	        .oom_root_bonus = true,
	        .oom_sacrifices_child = true,
	        .oom_skips_reaped = true,
	},
	{
	        /* "mm, oom: skip vforked tasks from being selected" */
	        .name = "4.8",
	        .major = 4,
	        .minor = 8,
	        .commit_guess_free_pages = true,
	        .oom_root_bonus = true,
	        .oom_sacrifices_child = true,
	        .oom_skips_reaped = true,
	        .oom_skips_vfork = true,
	},
	{
	        /* "mm, oom: remove 3% bonus for CAP_SYS_ADMIN processes" */
	        .name = "4.17",
	        .major = 4,
	        .minor = 17,
	        .commit_guess_free_pages = true,
	        .oom_sacrifices_child = true,
	        .oom_skips_reaped = true,
	        .oom_skips_vfork = true,
	},
	{
	        /* "memcg, oom: move out_of_memory back to the charge path" */
	        .name = "4.19",
	        .major = 4,
	        .minor = 19,
	        .commit_guess_free_pages = true,
	        .oom_sacrifices_child = true,
	        .oom_skips_reaped = true,
	        .oom_skips_vfork = true,
	        .memcg_kill_at_charge = true,
	},
	{
	        /* "mm, oom: remove 'prefer children over parent' heuristic" */
	        .name = "5.1",
	        .major = 5,
	        .minor = 1,
	        .commit_guess_free_pages = true,
	        .oom_skips_reaped = true,
	        .oom_skips_vfork = true,
	        .memcg_kill_at_charge = true,
	},
	{
	        /* "mm: fix false-positive OVERCOMMIT_GUESS failures" */
	        .name = "5.2",
	        .major = 5,
	        .minor = 2,
	        .oom_skips_reaped = true,
	        .oom_skips_vfork = true,
	        .memcg_kill_at_charge = true,
	},
	{
	        /* "mm: memcontrol: use CSS_TASK_ITER_PROCS at mem_cgroup_scan_tasks()" dropped the
		 * preference for a leader that was found earlier */
	        .name = "5.3",
	        .major = 5,
	        .minor = 3,
	        .oom_last_tie_wins = true,
	        .oom_skips_reaped = true,
	        .oom_skips_vfork = true,
	        .memcg_kill_at_charge = true,
	},
	{
	        /* "mm, oom: make the calculation of oom badness more accurate" and "mm: adjust
		 * vm_committed_as_batch according to vm overcommit policy" */
	        .name = "5.9",
	        .major = 5,
	        .minor = 9,
	        .committed_as_is_exact = true,
	        .commit_batch_by_mode = true,
	        .oom_points_signed = true,
	        .oom_last_tie_wins = true,
	        .oom_score_two_thirds = true,
	        .oom_skips_reaped = true,
	        .oom_skips_vfork = true,
	        .memcg_kill_at_charge = true,
	},
	{
	        /* "fs/proc/task_mmu: implement IOCTL to get and optionally clear info about PTEs" */
	        .name = "6.7",
	        .major = 6,
	        .minor = 7,
	        .committed_as_is_exact = true,
	        .commit_batch_by_mode = true,
	        .oom_points_signed = true,
	        .oom_last_tie_wins = true,
	        .oom_score_two_thirds = true,
	        .oom_skips_reaped = true,
	        .oom_skips_vfork = true,
	        .memcg_kill_at_charge = true,
	        .pagemap_scan = true,
	},
};

const size_t linux_row_count = sizeof(linux_rows) / sizeof(linux_rows[0]);
