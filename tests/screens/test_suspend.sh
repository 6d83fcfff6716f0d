#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ctrl-Z gives the shell back, fg the screen; a stop from outside does no harm either.
. "$(dirname "$0")/lib.sh"

open_shell 120 36

suspends() {
	run_line "$app_demo --interval 100"
	wait_for 'LIVE' && keys C-z && wait_for 'Stopped' && restored
}

# `clear` before, so that what is seen was drawn again.
comes_back() {
	type_line 'clear; echo gone' && wait_for 'gone' && type_line 'fg' && wait_for 'LIVE' &&
		wait_for 'q Quit'
}

has_keys() {
	keys 2 && wait_for '▌2 Arenas▐'
}

resized_meanwhile() {
	keys C-z && wait_for 'Stopped' && tm resize-window -t t -x 90 -y 30 && type_line 'fg' &&
		wait_for 'LIVE' && has_full_rows 90
}
has_full_rows() {
	until_true row_has "$1"
}
row_has() {
	screen | head -n 1 | LC_ALL=C.UTF-8 grep -qE "^╭.{$(($1 - 2))}╮$"
}

signal_tstp() {
	kill -TSTP "$(app_pid)" && wait_for 'Stopped' && restored && type_line 'fg' && wait_for 'LIVE'
}

# SIGSTOP can't be caught: the terminal keeps its modes, in which only Ctrl-J ends a line; the
# program takes the screen up again after SIGCONT.
stopped_hard() {
	kill -STOP "$(app_pid)" && wait_for 'Stopped' && tm send-keys -t t -l fg && keys C-j &&
		wait_gone 'Stopped' && keys 1 && wait_for '▌1 Overview▐'
}

leaves() {
	keys q && wait_for 'ready>' && restored
}

check 'Ctrl-Z restores the terminal and stops' suspends
check 'fg draws the screen again' comes_back
check 'keys work after fg' has_keys
check 'a resize while stopped is noticed' resized_meanwhile
check 'SIGTSTP does as Ctrl-Z' signal_tstp
check 'SIGSTOP and SIGCONT are survived' stopped_hard
check 'q restores after all that' leaves
finish
