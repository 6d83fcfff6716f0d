/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_VIEW_H
#define HEAPTOP_TUI_VIEW_H

/**
 * A view draws one screen from one snapshot: no I/O, no clock, no allocation, no curses. app.c owns
 * the frame around it (header, tabs, status, key hints) and hands it the area inside.
 */
#include <stdbool.h>
#include <stdint.h>

#include "model/base/text.h"
#include "model/facts/history.h"
#include "model/facts/snapshot.h"
#include "model/linux/lx.h"
#include "model/run/partition.h"
#include "model/run/past.h"
#include "tui/canvas.h"
#include "tui/command.h"
#include "tui/map_state.h"

enum view_id {
	VIEW_OVERVIEW, /* 1 */
	VIEW_ARENAS,   /* 2 */
	VIEW_MAP,      /* 3 */
	VIEW_VMAS,     /* 4 */
	VIEW_OOM,      /* 5 */
	VIEW_TIMELINE, /* 7 */
	VIEW_EVENTS,   /* 8 */
	VIEW_THREADS,  /* 9 */
	VIEW_SETUP,
	VIEW_HELP,
	VIEW_COUNT
};

/**
 * The order in which a list shows its objects: indices into the snapshot's array, after filter and
 * sort. Made by prepare(), only read by draw(). The rest says what they were made from, so that
 * preparing again costs nothing while nothing changed.
 */
struct view_rows {
	uint32_t *at;
	size_t count, room;
	bool is_ready; /* false: no memory; the list then shows every object as it comes */
	const void *made_from;
	uint64_t made_ns;
	uint8_t sort;
	bool sort_reversed;
	char filter[64];
};

/* Mappings summed up by what they belong to, made by prepare(); see vmas_groups.c. */
struct vma_group {
	uint32_t first; /* index of the lowest mapping */
	uint32_t count;
	uint64_t size, rss, swap, dirty, charged; /* bytes */
	bool has_residency, has_smaps, has_charge,
	        is_charge_guessed; /* rss and swap, dirty, charged */
};

struct view_groups {
	struct vma_group *at;
	size_t count;
	const void *made_from;
	uint64_t made_ns;
};

/* Cells of an object that can be selected, in the coordinates of the canvas. */
struct view_item {
	uint64_t key; /* as in view_state.selected */
	int x, y, width;
};

enum { VIEW_ITEMS = 128 };

/* Which part of the past the timeline shows. */
struct view_time {
	uint64_t cursor_ns; /* 0: none, the newest sample is looked at */
	uint64_t end_ns;    /* right edge while there is a cursor: it stands still */
	uint64_t step_ns;   /* of one column at the last draw */
	uint8_t zoom;       /* row of the table of spans, from 1; 0: what there is fits */
	uint32_t mark;      /* number of the mark to compare with; 0: the newest */
};

/** What a view remembers between frames: selection follows the object, not the row. */
struct view_state {
	uint64_t selected;       /* key of the selected object: address, pid; 0: the first */
	int selected_row;        /* where it was last drawn, for when the object is gone */
	int top_row;             /* first row shown */
	int page_rows;           /* rows that fitted at the last draw */
	int row_count;           /* rows there are */
	uint32_t hidden_columns; /* of the view's list: a bit for each */
	uint8_t sort, pane;      /* column of the sort table; focused pane */
	uint8_t pane_count;      /* panes that took turns at the last draw; 0, 1: all were seen */
	bool sort_reversed;
	char filter[64];
	char search[64];
	struct view_item items[VIEW_ITEMS]; /* as drawn last, for clicks and for moving about */
	int item_count;
	int clicked;   /* column within the item that was clicked, from 1; 0: none, or seen to */
	char note[80]; /* out: for the status line after a command, "no hit"; "" nothing */
	struct view_rows rows;
	struct view_groups groups;
	struct map_state map; /* of the heap map */
	struct view_time time;
	struct partition partition; /* of the last snapshot; the overview's prepare() sums it up */
};

/** Frees what prepare() made; the state is then as new. */
void view_state_fini(struct view_state *state);

/** All that a view may look at. */
struct view_frame {
	const struct snapshot *snap;       /* never NULL */
	const struct snapshot *previous;   /* for changes; NULL at first */
	const struct history *history;     /* bounded past of this run */
	const struct past *past;           /* the same with events and marks; NULL: none */
	const struct commit_facts *commit; /* NULL: not known, as the next two */
	const struct first_limit *first_limit;
	const struct linux_rules *rules;
	struct view_state *state; /* the only thing that drawing may write */
	bool is_paused;
	const struct setup *setup; /* what the setup view shows; NULL elsewhere */
};

/* Where a selection leads: an object in another view. */
struct view_target {
	enum view_id view;
	uint64_t selected; /* as in that view's view_state.selected */
};

/* A title and paragraphs, see popup.h. */
struct view_words {
	struct text title, body;
};

struct view_ops {
	enum view_id id;
	char key;          /* '1' … '8', 0: none */
	const char *title; /* of the tab */
	const char *enter; /* what Enter does, in the footer; NULL: CMD_OPEN's own hint */
	const char *tab;   /* a shorter one for narrow terminals; NULL: the same */
	uint32_t takes;    /* enum take_what that it shows */
	void (*draw)(const struct view_frame *frame, struct area area);
	/**
	 * Filters, sorts and sums what the snapshot holds, into `state`. Called on the UI thread
	 * before every draw() and command(); it may allocate and is free of cost when neither
	 * snapshot, sort nor filter changed. May be NULL.
	 */
	void (*prepare)(const struct view_frame *frame);
	/** A line for the status row while nothing else is said there. May be NULL. */
	void (*status)(const struct view_frame *frame, char *to, size_t size);
	/**
	 * Handles a command that moves, sorts or searches inside the view; false: not one of its
	 * own. The prompts of CMD_SEARCH and CMD_FILTER belong to app.c: it stores the text in
	 * `state` first.
	 */
	bool (*command)(const struct view_frame *frame, enum command_id command);
	/** Enter: the view that the selection leads to; false: nowhere. May be NULL. */
	bool (*open)(const struct view_frame *frame, struct view_target *ret);
	/**
	 * Enter that leads nowhere: the selected object's rule, the numbers in it and where they
	 * come from; false: nothing is selected. May be NULL.
	 */
	bool (*explain)(const struct view_frame *frame, struct view_words *to);
	/** The selected object in one line of clean text, to be copied; false: nothing. May be NULL. */
	bool (*copy)(const struct view_frame *frame, struct text *to);
	/** Esc: steps back inside the view; false: it was at its outermost. May be NULL. */
	bool (*back)(const struct view_frame *frame);
	/** What of malloc's memory the last draw() showed or missed; false: nothing. May be NULL. */
	bool (*wants)(const struct view_frame *frame, struct window_request *ret);
	/** The address of what is selected, for the heap map; false: nothing is. May be NULL. */
	bool (*place)(const struct view_frame *frame, uint64_t *ret_addr);
};

extern const struct view_ops view_overview, view_arenas, view_map, view_vmas, view_oom;
extern const struct view_ops view_timeline, view_events, view_threads, view_setup, view_help;

/** All views in tab order. */
extern const struct view_ops *const views[VIEW_COUNT];

#endif
