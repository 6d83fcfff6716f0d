#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The frame fills any size; below the smallest one line says what is needed.
. "$(dirname "$0")/lib.sh"

open_shell 120 36
run_line "$app_demo --interval 100"

# Every row has its border on both sides and the right length.
is_whole() {
	rows=$(screen | LC_ALL=C.UTF-8 grep -cE "^[╭│├╰].{$(($1 - 2))}[╮│┤╯]$")
	[ "$rows" = "$2" ]
}

fills() {
	tm resize-window -t t -x "$1" -y "$2"
	until_true is_whole "$1" "$2" && has 'q Quit' && has '(48213)' && has 'LIVE' && return 0
	screen | sed 's/^/# /'
	return 1
}

too_small() {
	tm resize-window -t t -x "$1" -y "$2"
	wait_for "heaptop needs 60 × 16, this is $1 × $2"
}

every_view_fills() {
	for view in 1 2 4 5 '?'; do
		keys "$view"
		for size in 60:16 80:24 120:36 200:50; do
			fills "${size%:*}" "${size#*:}" || return 1
		done
	done
}

check '120 × 36 is filled' fills 120 36
check '40 × 10 says what is needed' too_small 40 10
check '80 × 24 is filled' fills 80 24
check '200 × 50 is filled' fills 200 50
check '60 × 16 is filled' fills 60 16
check '59 × 16 says what is needed' too_small 59 16
check '10 × 2 does no harm' tm resize-window -t t -x 10 -y 2
check '250 × 70 is filled' fills 250 70
check 'every view fills every size' every_view_fills
check 'Ctrl-C leaves from anywhere' eval 'keys C-c && wait_for "ready>" && restored'
finish
