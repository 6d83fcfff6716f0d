#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# However the program ends, the terminal is left as it was found.
. "$(dirname "$0")/lib.sh"

open_shell 120 36

start() {
	run_line "$app_demo --interval 100 $*; echo exit=\$?"
	wait_for 'LIVE'
}

# by_key NAME KEY CODE
by_key() {
	start && keys "$2" && wait_for "exit=$3" && restored
}

by_signal() {
	start && kill "-$1" "$(app_pid)" && wait_for "exit=$2" && restored
}

# The fault strikes inside the program, while the screen is up.
by_fault() {
	run_line "$app_demo --interval 100 --crash $1; echo exit=\$?"
	wait_for "exit=$((128 + $1))" && restored
}

hides_stderr() {
	start && has_not 'app_demo: sample' && keys q && wait_for 'app_demo: sample 1' && wait_for 'exit=0'
}

keeps_redirected_stderr() {
	log=$(mktemp)
	start "2>$log" && keys q && wait_for 'exit=0' && has_not 'app_demo: sample' &&
		grep -q 'app_demo: sample 1' "$log"
	status=$?
	rm -f "$log"
	return $status
}

survives_lost_terminal() {
	start && pid=$(app_pid) && tm kill-session -t t && until_true not_running "$pid"
}
not_running() { ! kill -0 "$1" 2>/dev/null; }

check 'q leaves and restores' by_key q q 0
check 'F10 leaves and restores' by_key F10 F10 0
check 'Ctrl-C leaves and restores' by_key Ctrl-C C-c 0
for signal in TERM:143 HUP:129 INT:130 QUIT:131; do
	check "SIG${signal%:*} leaves and restores" by_signal "${signal%:*}" "${signal#*:}"
done
for signal in 11 7 4 8 6; do
	check "fault $signal restores and dies of it" by_fault "$signal"
done
for signal in SEGV:139 ABRT:134; do
	check "SIG${signal%:*} from outside restores" by_signal "${signal%:*}" "${signal#*:}"
done
check 'standard error is printed after leaving only' hides_stderr
check 'redirected standard error is left alone' keeps_redirected_stderr
check 'a closed window ends the program' survives_lost_terminal
finish
