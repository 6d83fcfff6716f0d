/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_VIEW_VMAS_H
#define HEAPTOP_TUI_VIEW_VMAS_H

/* Private to view_vmas.c and vmas_*.c; overview_mappings.c has the words from here. */
#include <stddef.h>

#include "model/facts/snapshot.h"
#include "tui/canvas.h"
#include "tui/view.h"
#include "tui/widget_list.h"

enum { VMA_WORDS = 320 };

/** What a mapping is, with the words of kernel and malloc: "arena #2 heap 1, room to grow". Clean. */
void vma_words(const struct snapshot *snap, const struct vma *v, char to[VMA_WORDS]);

/** "rw-p" */
char *vma_perms(char buf[8], const struct vma *v);

/** "ac", "nr", "-" or "?"; with `~` behind it when it is a guess. */
char *vma_account(char buf[8], const struct vma *v);

/** The panes below the list: the kernel's view and malloc's. */
void vmas_kernel(const struct vma *v, struct area area);
void vmas_malloc(const struct snapshot *snap, const struct vma *v, struct area area);

/** What Enter says of a mapping. */
void vmas_explain(const struct snapshot *snap, const struct vma *v, struct view_words *to);

/** Text whose end matters, a path: what is too long loses its beginning. */
void vmas_draw_tail(struct area cell, enum role role, const char *text);

/* Orders of the list; groups are sorted in the same, by resident memory in that of addresses. */
enum vmas_sort {
	VMAS_BY_ADDRESS,
	VMAS_BY_SIZE,
	VMAS_BY_RSS,
	VMAS_BY_DIRTY,
	VMAS_BY_KIND, /* groups: by the number of mappings */
	VMAS_SORT_COUNT
};

/** Sums the snapshot's mappings up in state->groups, sorted; costs nothing while it is the same. */
void vmas_group(const struct view_frame *frame);

/** What a group is: a path, "arena #2", "stacks and their guards". Clean. */
void vmas_group_words(const struct snapshot *snap, const struct vma_group *group,
                      char to[VMA_WORDS]);

/* Two panes that take turns: each mapping, and groups. */
enum { VMAS_PANES = 2 };

/** True while the groups are on screen. */
bool vmas_are_grouped(const struct view_state *state);

/** The pane of groups, and what Enter does there: the list filtered by the group's name. */
void vmas_draw_groups(const struct view_frame *frame, struct area area);
bool vmas_open_group(const struct view_frame *frame, struct view_target *ret);

struct list vmas_group_list(const struct view_frame *frame);

#endif
