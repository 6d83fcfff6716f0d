#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The setup view: changed at once, tried and taken back, saved; the file of settings and its faults.
. "$(dirname "$0")/lib.sh"

open_shell 120 36
dir=$(mktemp -d)
trap 'tm kill-server 2>/dev/null; rm -rf "$dir"' EXIT
ini=$dir/heaptop.ini

start() { # OPTIONS…
	! has 'q Quit' || { keys C-c && wait_for 'exit='; } # a test before that failed
	run_line "env $env $app_demo --config $ini $*; echo exit=\$?"
	wait_for 'q Quit'
}

ends() {
	keys q && keys q && wait_for 'exit=0' && restored
}

shows() { # KEY TEXT
	keys "$1" && wait_for "$2"
}

# The whole picture with its colours: is it the one of a theme?
ground() { tm capture-pane -p -e -t t | grep -oF "48;5;$1" | wc -l; }
has_ground() { [ "$(ground "$1")" -gt 10 ]; }
has_no_ground() { [ "$(ground "$1")" -lt 5 ]; }

changes_at_once() {
	: >"$ini" && start && shows S '● default' && keys Right && wait_for '● gruvbox' &&
		until_true has_ground 235 && shows Left '● default' && until_true has_no_ground 235 && ends
}

tries_and_goes_back() {
	: >"$ini" && start && shows S '● default' && keys Enter && wait_for 'Esc goes back' &&
		shows Down '● gruvbox' && until_true has_ground 235 && shows Down '● high-contrast' &&
		keys Escape && wait_for '● default' && until_true has_no_ground 235 &&
		wait_gone 'changed here' && ends
}

tries_and_keeps() {
	: >"$ini" && start && shows S '● default' && keys Enter && shows Down '● gruvbox' && keys Enter &&
		wait_for '1 changed here' && ends
}

saves() {
	printf '# mine\nfrob = 1\n[screen]\ntheme = mono ; quiet\n' >"$ini"
	start && shows S 'Setup▐' && wait_for 'file, line 4' && has 'unknown key "frob"' && keys Right && wait_for '● nord' &&
		keys w && wait_for "written to $ini" && wait_for 'nothing to be saved' && ends &&
		[ "$(cat "$ini")" = "$(printf '# mine\nfrob = 1\n[screen]\ntheme = nord ; quiet')" ]
}

tells_faults_at_start() {
	printf '[screen]\nthem = nord\n' >"$ini"
	start && wait_for 'heaptop.ini:2: unknown key "them"; the nearest is "theme"' && ends
}

misses_a_theme() {
	printf 'theme = nosuch\n' >"$ini"
	start && wait_for 'there is no theme "nosuch"' && ends
}

option_wins() {
	printf 'view = vmas\ntheme = nord\n' >"$ini"
	start --view oom && wait_for '▌5 Commit' && shows S 'command line' && wait_for 'file, line 2' && ends
}

changes_colours() {
	: >"$ini" && start && shows S '● default' && shows Down '● auto' && keys Right &&
		wait_for 'never' && wait_for '● never' &&
		until_true eval '[ $(tm capture-pane -p -e -t t | grep -c "38;5") = 0 ]' &&
		keys Right && wait_for '● 8' && ends
}

changes_symbols() {
	: >"$ini" && start && keys : && tm send-keys -t t -l 'set symbols ascii' && keys Enter &&
		wait_for 'symbols is ascii' && until_true eval '! screen | LC_ALL=C grep -q "[^ -~]"' &&
		keys , && tm send-keys -t t -l 'symbols braille' && keys Enter && wait_for 'LIVE ●' && ends
}

refuses_values() {
	: >"$ini" && start && keys : && tm send-keys -t t -l 'set intervall 2s' && keys Enter &&
		wait_for 'no setting is called "intervall"; the nearest is interval' && keys : &&
		tm send-keys -t t -l 'set interval 1h' && keys Enter &&
		wait_for '"1h" is not a time from 100ms to 10s' && ends
}

completes() {
	: >"$ini" && start && keys : && tm send-keys -t t -l 'theme sol' && keys Tab &&
		wait_for ':theme solarized-' && tm send-keys -t t -l 'l' && keys Tab &&
		wait_for ':theme solarized-light' && keys Enter && wait_for 'theme solarized-light' && ends
}

hides_columns() {
	printf 'vmas-columns = start size name\n' >"$ini"
	start --view vmas && wait_for 'start ' && has_not ' perm ' && keys : &&
		tm send-keys -t t -l 'set vmas-columns start perm' && keys Enter && wait_for ' perm ' &&
		wait_gone ' size ' && ends
}

# In bytes, as not every grep knows ranges of such letters: braille; eighths but ▄ and █; ▶ ●
has_no_fine_signs() {
	! screen | od -An -v -tx1 | tr -s ' \n' '  ' | grep -qE 'e2 a[0-3] |e2 96 8[1235679abdef]|e2 96 b6|e2 97 8f'
}

# A terminal with a linux console's font gets no braille and no eighths.
has_halves() {
	: >"$ini"
	env='TERM=linux'
	start && wait_for 'LIVE •' && has_no_fine_signs && ends
}

env='TERM=screen-256color'
check '← and → change the theme at once' changes_at_once
check 'Esc takes back what was tried' tries_and_goes_back
check 'Enter keeps what was tried' tries_and_keeps
check 'w saves, and keeps comments and unknown keys' saves
check 'faults of the file are told at the start' tells_faults_at_start
check 'a theme that is gone is told, and the default used' misses_a_theme
check 'the command line wins over the file' option_wins
check 'the number of colours changes while it runs' changes_colours
check 'symbols change while it runs' changes_symbols
check ':set refuses with the nearest key and the limits' refuses_values
check ':theme is completed' completes
check 'columns are hidden by the file and by :set' hides_columns
check 'the Linux console gets halves' has_halves
finish
