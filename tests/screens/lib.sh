# SPDX-License-Identifier: GPL-2.0-or-later
#
# For screen tests: a shell in a tmux of our own, so that keys, signals, resizes and what the
# terminal is left like can be tried as a user would. Nothing waits for a fixed time; wait_for and
# wait_gone look until what they want is there, or the time is over. Output is TAP.

here=$(cd "$(dirname "$0")" && pwd)
: "${HEAPTOP_OUT:=$here/../../build}"
app_demo=$HEAPTOP_OUT/tests/screens/app_demo
socket=heaptop-screens-$$
limit=${SCREEN_TIMEOUT:-20}
count=0
failures=0

tm() { tmux -L "$socket" -f /dev/null "$@"; }

skip_all() {
	echo "1..0 # SKIP $1"
	echo "ok 1 - screens # SKIP $1"
	exit 0
}

command -v tmux >/dev/null || skip_all "tmux is not installed"
[ -x "$app_demo" ] || { echo "not ok 1 - $app_demo is not built"; exit 1; }

trap 'tm kill-server 2>/dev/null' EXIT
trap 'exit 1' INT TERM HUP PIPE

# open_shell WIDTH HEIGHT [ENV…]: a plain shell with job control whose prompt is "ready>"
open_shell() {
	width=$1 height=$2
	shift 2
	tm kill-server 2>/dev/null
	tm new-session -d -s t -x "$width" -y "$height" "env LC_ALL=C.UTF-8 PS1='ready>' ENV= $* sh -i" ||
		skip_all "tmux can't start a session"
	wait_for 'ready>'
	tty=$(tm display -p -t t '#{pane_tty}')
	modes=$(stty -g -F "$tty")
}

screen() { tm capture-pane -p -t t; }
keys() { tm send-keys -t t "$@"; }
type_line() {
	tm send-keys -t t -l "$1"
	tm send-keys -t t Enter
}

# A command on an empty screen. tmux empties it at once: what the last command left, a like exit code
# above all, may otherwise be taken for this one's until the shell gets to `clear`.
run_line() {
	tm send-keys -R -t t
	type_line "clear; $1"
}

# until SECONDS COMMAND…: tries until it succeeds
until_true() {
	end=$(($(date +%s) + limit))
	until "$@"; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.03
	done
}

has() { screen | grep -qF -- "$1"; }
has_not() { ! has "$1"; }

wait_for() {
	until_true has "$1" && return 0
	echo "# \"$1\" did not appear; the screen:"
	screen | sed 's/^/# /'
	return 1
}

wait_gone() {
	until_true has_not "$1" && return 0
	echo "# \"$1\" did not go away; the screen:"
	screen | sed 's/^/# /'
	return 1
}

# check NAME COMMAND…: one test
check() {
	name=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		failures=$((failures + 1))
	fi
}

# The program's process: the newest child of the shell.
app_pid() { pgrep -n -P "$(tm display -p -t t '#{pane_pid}')"; }

is_restored() {
	flags=$(tm display -p -t t 'alt=#{alternate_on} cursor=#{cursor_flag} mouse=#{mouse_any_flag} keypad=#{keypad_flag}')
	[ "$flags" = 'alt=0 cursor=1 mouse=0 keypad=0' ] && [ "$(stty -g -F "$tty")" = "$modes" ]
}

# The terminal is as it was before the program, down to every flag of the line discipline.
restored() {
	until_true is_restored && return 0
	echo "# left behind: $flags; modes $(stty -g -F "$tty") instead of $modes"
	return 1
}

finish() {
	echo "1..$count"
	exit $((failures > 0))
}
