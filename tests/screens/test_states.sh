#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the first row says of the target and of the samples.
. "$(dirname "$0")/lib.sh"

open_shell 120 36

run() {
	run_line "$app_demo $*"
}

ends() {
	keys q && wait_for 'ready>'
}

exited() {
	run --interval 100 --exit && wait_for 'EXITED ✕' && wait_for 'by signal 9 SIGKILL' &&
		has 'ledgerd (48213)' && ends
}

stale() {
	run --interval 100 --silent && wait_for 'LIVE' && wait_for 'STALE !' &&
		wait_for 'no new sample for' && ends
}

drops_pieces() {
	tm resize-window -t t -x 60 -y 20
	run --interval 100 && wait_for 'LIVE' && screen | head -n 1 | grep -q 'ledgerd (48213).*LIVE' && ends
}

check 'a target that ended: EXITED, why, and its last data' exited
check 'samples that stop coming: STALE' stale
check 'a narrow header keeps target and state' drops_pieces
finish
