#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many kinds of terminal; those that can't show a screen are refused with one line and code 2.
. "$(dirname "$0")/lib.sh"

open_shell 120 36

works() { # ENV…
	run_line "env $* $app_demo --interval 100; echo exit=\$?"
	wait_for 'LIVE' && wait_for 'q Quit' && keys 2 && wait_for '2 Arenas' && keys q &&
		wait_for 'exit=0' && restored
}

refused() { # WORDS ENV…
	words=$1
	shift
	run_line "env $* $app_demo; echo exit=\$?"
	wait_for 'exit=2' && has "$words" && restored
}

not_a_tty() {
	run_line "$app_demo | cat; echo done; $app_demo </dev/null; echo exit=\$?"
	wait_for 'exit=2' && [ "$(screen | grep -c 'heaptop: terminal:')" = 2 ] && restored
}

only_ascii() {
	run_line "env $* $app_demo --interval 100; echo exit=\$?"
	wait_for 'LIVE *' && ! screen | LC_ALL=C grep -q '[^ -~]' && has '[1 Overview]' && keys q &&
		wait_for 'exit=0'
}

colours() { screen_colours | grep -cE '(38;5|3[0-7]|4[0-7]|9[0-7])'; }
screen_colours() { tm capture-pane -p -e -t t | grep -oE '\[[0-9;]+m'; }

no_colour() {
	run_line "env $*; echo exit=\$?"
	wait_for 'LIVE' && wait_for 'q Quit' && [ "$(colours)" = 0 ] && keys q && wait_for 'exit=0'
}

some_colour() {
	run_line "env $*; echo exit=\$?"
	wait_for 'LIVE' && wait_for 'q Quit' && [ "$(colours)" -gt 10 ] && keys q && wait_for 'exit=0'
}

for term in xterm-256color tmux-256color screen-256color xterm linux vt220 vt100; do
	if infocmp "$term" >/dev/null 2>&1; then
		check "TERM=$term shows and restores" works TERM="$term"
	else
		count=$((count + 1))
		echo "ok $count - TERM=$term # SKIP terminfo has no such entry"
	fi
done
check 'TERM=dumb is refused' refused "can't place the cursor" TERM=dumb
check 'an unknown TERM is refused' refused 'nothing is known of this kind' TERM=nosuchterm
check 'no TERM is refused' refused 'nothing is known of this kind' -u TERM
check 'a pipe or /dev/null is refused' not_a_tty
check 'the C locale gets ASCII' only_ascii LC_ALL=C
check '--ascii gets ASCII' eval 'only_ascii true "&&" "$app_demo" --ascii "||"'
check 'NO_COLOR is honoured' no_colour NO_COLOR=1 "$app_demo" --interval 100
check '--color=never is honoured' no_colour "$app_demo" --interval 100 --color never
check '--color wins over NO_COLOR' some_colour NO_COLOR=1 "$app_demo" --interval 100 --color 16
finish
