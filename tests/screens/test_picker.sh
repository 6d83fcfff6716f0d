#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The list of processes that heaptop starts with when it is given none.
. "$(dirname "$0")/lib.sh"

open_shell 120 36

start() {
	run_line "$app_demo --picker"
	wait_for 'which process?'
}

chooses() {
	start && keys Down && keys Enter && wait_for 'chosen: 48213' && restored
}

filters() {
	start && tm send-keys -t t -l 'ledg' && wait_for '1 of 4' && keys Enter &&
		wait_for 'chosen: 48213'
}

clears_filter() {
	start && tm send-keys -t t -l 'nosuch' && wait_for 'no process matches' && keys Escape &&
		wait_for '4 of 4' && keys Escape && wait_for 'chosen: 0' && restored
}

sorts() {
	start && wait_for 'sorted by RSS ▼' && keys Tab && wait_for 'sorted by swap' && keys BTab &&
		wait_for 'sorted by swap ▲' && keys q && wait_for 'chosen: 0'
}

is_not_fooled() {
	start && wait_for '^[[2Jevil^J' && has 'which process?' && keys q && wait_for 'chosen: 0'
}

leaves_by_signal() {
	start && kill -TERM "$(app_pid)" && wait_for 'chosen: 0' && restored
}

check 'Enter chooses the selected process' chooses
check 'typing filters' filters
check 'Esc clears the filter, then leaves' clears_filter
check 'Tab sorts, Shift-Tab inverts' sorts
check 'hostile names are made visible' is_not_fooled
check 'SIGTERM leaves' leaves_by_signal
finish
