/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_VIEW_VMAS_H
#define HEAPTOP_TUI_VIEW_VMAS_H

/* Private to view_vmas.c and vmas_*.c; overview_mappings.c has the words from here. */
#include <stddef.h>

#include "model/facts/snapshot.h"
#include "tui/canvas.h"
#include "tui/view.h"

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

#endif
