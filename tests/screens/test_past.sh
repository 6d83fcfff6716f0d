#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Timeline, Events and Threads: marks, the cursor in time, Enter from one view to the other.
. "$(dirname "$0")/lib.sh"

open_shell 120 36
run_line "$app_demo --interval 100"
wait_for 'LIVE'

shows() { # KEY TEXT
	keys "$1" && wait_for "$2"
}

marks_with_a_note() {
	keys : && tm send-keys -t t -l 'mark before lunch' && keys Enter &&
		wait_for 'mark 1 set: before lunch' && shows 7 'since mark 1' && wait_for ': before lunch'
}

moves_in_time() {
	shows Left 'events around the cursor' && shows Home ' ago ' && shows z 'shortest span' &&
		shows Z '2 min, at' && shows h '▲' && shows Escape 'last 2 min' && shows z 'last 60 s'
}

lists_what_grew() {
	shows Tab 'per minute' && wait_for 'main at 7f2a4c9f6c60' && shows M 'only one mark' &&
		shows Tab 'latest events'
}

knows_what_happened() {
	shows 8 'watching ledgerd, pid 48213' && wait_for 'mark 1: before lunch' && shows - '200 ms' &&
		wait_for 'rate' && shows / '/' && tm send-keys -t t -l 'lunch' && keys Enter &&
		wait_for '· mark ' && shows Enter 'You set a mark' && shows Escape '▌8 Events▐'
}

filters_events() {
	keys f && tm send-keys -t t -l 'watching' && keys Enter && wait_for '1 match' &&
		wait_gone 'before lunch' && shows Escape 'before lunch'
}

goes_from_thread_to_arena() {
	shows 9 'with 4 others' && keys End && wait_for 'thread 48229 metrics' &&
		shows Enter 'arena #4 · heaps' && shows Escape '▌9 Threads▐' && shows s 'sort: name'
}

narrow_tabs() {
	tm resize-window -t t -x 80 -y 24 && wait_for '7 Time ' && wait_for '▌9 Threads▐' &&
		shows Tab 'tcache of' && tm resize-window -t t -x 120 -y 36 && wait_for '7 Timeline'
}

check 'a mark is set with a note' marks_with_a_note
check 'the cursor moves in time, zoom has ends' moves_in_time
check 'what grew since the mark is listed' lists_what_grew
check 'events tell marks and rates, and mean something' knows_what_happened
check 'events are filtered' filters_events
check 'a thread leads to its arena' goes_from_thread_to_arena
check 'tabs are short on a narrow terminal' narrow_tabs
finish
