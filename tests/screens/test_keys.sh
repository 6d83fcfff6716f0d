#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Keys, prompts, clicks: what each of them does to the screen.
. "$(dirname "$0")/lib.sh"

open_shell 120 36
run_line "$app_demo"
wait_for 'LIVE'

shows() { # KEY TEXT
	keys "$1" && wait_for "$2"
}

# click COLUMN ROW, from 1: as the terminal reports it (tmux announces the old encoding to us)
click() {
	row=$(printf '%02x' $((32 + $2))) column=$(printf '%02x' $((32 + $1)))
	tm send-keys -t t -H 1b 5b 4d 20 "$column" "$row" 1b 5b 4d 23 "$column" "$row"
}

column_of() { # TEXT: where it begins in its row, from 1
	row=$(screen | grep -nF -m 1 -- "$1")
	before=${row#*:}
	before=${before%%"$1"*}
	echo "$(($(printf %s "$before" | LC_ALL=C.UTF-8 wc -m) + 1)) ${row%%:*}"
}

click_on() {
	# shellcheck disable=SC2046
	click $(column_of "$1")
}

pauses() {
	shows Space 'PAUSED ‖' && wait_for 'behind' && shows Z 'LIVE ●'
}

changes_rate() {
	shows + '2 Hz' && shows - ' 1 Hz' && shows - '2 s' && shows = '1 Hz'
}

goes_back() {
	shows 2 '▌2 Arenas▐' && shows 4 '▌4 VMAs▐' && shows Escape '▌2 Arenas▐' &&
		shows Escape '▌1 Overview▐' && shows Escape 'q quits'
}

helps() {
	shows F1 'Help▐' && shows q '▌1 Overview▐' && shows '?' 'Help▐' && shows Escape '▌1 Overview▐' &&
		shows h 'Help▐' && shows BSpace '▌1 Overview▐'
}

takes_commands() {
	keys : && tm send-keys -t t -l 'view-v' && keys Tab && wait_for ':view-vmas' && keys Enter &&
		wait_for '▌4 VMAs▐'
}

remembers_commands() {
	shows 1 '▌1 Overview▐' && keys : && keys Up && wait_for ':view-vmas' && keys Enter &&
		wait_for '▌4 VMAs▐'
}

refuses_commands() {
	keys : && tm send-keys -t t -l 'frobnicate' && wait_for 'no such command' && keys Enter &&
		wait_for 'no command is called "frobnicate"'
}

cancels() {
	keys : && tm send-keys -t t -l 'qui' && wait_for ':qui' && keys Escape && wait_gone ':qui' && has LIVE
}

filters() {
	shows 4 '▌4 VMAs▐' && keys f && tm send-keys -t t -l 'stack' && wait_for 'filter: stack' &&
		wait_gone 'ledger-ring' && keys Enter && has 'filter: stack' && keys Escape &&
		wait_gone 'filter: stack'
}

filter_is_undone() {
	keys f && tm send-keys -t t -l 'zzz' && wait_for 'filter: zzz' && keys Escape &&
		wait_gone 'filter: zzz'
}

edits_utf8() {
	keys f && tm send-keys -t t -l 'aöb' && keys Left BSpace && wait_for 'filter: ab' &&
		keys C-u && wait_for 'filter: b' && keys Escape
}

changes_theme() {
	shows T 'theme gruvbox' && shows T 'theme high-contrast' && keys : &&
		tm send-keys -t t -l 'theme mono' && keys Enter && wait_for 'theme mono' && keys : &&
		tm send-keys -t t -l 'theme nosuch' && keys Enter && wait_for 'no theme is called' &&
		keys : && tm send-keys -t t -l 'theme default' && keys Enter && wait_for 'theme default'
}

freezes() {
	shows F 'FROZEN ‖' && wait_for 'stood still for 1.23 ms' && shows Space 'LIVE ●'
}

clicks_tab() {
	shows 1 '▌1 Overview▐' && click_on 'Arenas' && wait_for '▌2 Arenas▐'
}

clicks_hint() {
	click_on 'Space Pause' && wait_for '‖' && click_on 'Space Pause' && wait_for 'LIVE'
}

redraws() {
	tm send-keys -t t -R && has_not 'LIVE' && keys C-l && wait_for 'q Quit'
}

# Esc by itself must not wait for the rest of a sequence as long as curses does by default.
escape_is_quick() {
	shows 2 '▌2 Arenas▐' && keys Escape && limit=1 wait_for '▌1 Overview▐'
}

check 'number keys and next-view change the view' eval 'shows 9 "▌9 " && shows Right "▌1 Overview▐"'
check 'Esc goes back and never quits' goes_back
check 'help opens and closes' helps
check 'Space and Z pause and go on' pauses
check '+ and - change the rate' changes_rate
check ': takes commands with completion' takes_commands
check ': remembers what was typed' remembers_commands
check ': names what it does not know' refuses_commands
check 'Esc leaves a prompt' cancels
check 'f filters while one types' filters
check 'Esc undoes a filter' filter_is_undone
check 'prompts edit whole characters' edits_utf8
setup_opens() {
	shows S 'Setup▐' && wait_for 'theme default' && keys Escape && wait_gone 'Setup▐' &&
		shows F2 'Setup▐' && shows q '▌'
}

check 'S and F2 show the settings, Esc and q leave them' setup_opens
check 'T and :theme change the theme' changes_theme
check 'F freezes and says for how long' freezes
check 'a click on a tab shows it' clicks_tab
check 'a click on a hint does it' clicks_hint
check 'Ctrl-L draws everything again' redraws
check 'Esc acts at once' escape_is_quick
finish
