#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What Enter, ], goto and export do: explaining, following, going forward, writing files.
. "$(dirname "$0")/lib.sh"

dir=$(mktemp -d)
trap 'tm kill-server 2>/dev/null; rm -rf "$dir"' EXIT
open_shell 120 36
run_line "cd $dir; $app_demo"
wait_for 'LIVE'

shows() { # KEY TEXT
	keys "$1" && wait_for "$2"
}

explains_a_row() {
	shows Down '▶' && shows Enter 'source: /proc/PID/maps' && shows Escape '▌1 Overview▐' &&
		wait_gone 'source: /proc/PID/maps'
}

explains_a_mapping() {
	shows 4 '▌4 VMAs▐' && shows Enter 'Would it merge' && keys q && wait_gone 'Would it merge' &&
		wait_for '▌4 VMAs▐'
}

goes_forward() {
	shows 1 '▌1 Overview▐' && shows 5 '▌5 Commit·OOM▐' && shows Escape '▌1 Overview▐' &&
		shows ']' '▌5 Commit·OOM▐' && shows ']' 'no view to go forward to' && shows 1 '▌1 Overview▐'
}

follows_an_arena() {
	shows G '▶' && keys Up Up Up Up Up Up && shows Enter '▌2 Arenas▐'
}

goes_to_an_address() {
	shows 4 '▌4 VMAs▐' && keys : && type_line 'goto 1' && wait_for 'lies in no mapping' &&
		addr=$(screen | grep -o '[0-9a-f]\{12\}  [0-9a-f]\{12\}' | sed -n '3s/ .*//p') &&
		shows 1 '▌1 Overview▐' && keys : && type_line "goto $addr" && wait_for '▌4 VMAs▐' &&
		until_true sh -c "tmux -L $socket capture-pane -p -t t | grep -q '▶ *$addr'"
}

exports() {
	keys : && type_line 'export there.json' && wait_for 'written to there.json' &&
		grep -q '"schema":"heaptop.snapshot/1"' "$dir/there.json" &&
		keys : && type_line 'export there.json' && wait_for 'File exists' &&
		keys : && type_line 'export there.txt' && wait_for 'written to there.txt' &&
		[ -s "$dir/there.txt" ]
}

check "Enter explains a row of the overview, Esc closes it" explains_a_row
check "Enter explains a mapping, q closes it and not the program" explains_a_mapping
check "] goes to the view that Esc left" goes_forward
check "Enter on an arena of the overview shows it among the arenas" follows_an_arena
check "goto selects the mapping of an address" goes_to_an_address
check "export writes a new file and never over an old one" exports
finish
