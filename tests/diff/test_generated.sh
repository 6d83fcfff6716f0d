#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Generated scenarios under each glibc. A failing one is shrunk and kept in tests/scenarios.
#	DIFF_SEEDS	seeds of each profile (default "1")
#	DIFF_LENGTH	operations of each scenario (default 600)
set -u
. "$(dirname "$0")/lib.sh"
prepare

# The smallest scenario of which the same is true, for the next runs.
keep_failing() { # VERSION FILE
	kept=$here/../scenarios/found_$(basename "$2" .scn).scn
	"$here/shrink.py" "$2" "$kept" -- "$driver" --heaptop "$heaptop" -- "$1" "$store" "$work/interp" &&
		echo "# shrunk to $kept:" && sed 's/^/#   /' "$kept"
}

for profile in $("$here/gen.py" --list); do
	for seed in ${DIFF_SEEDS:-1}; do
		"$here/gen.py" "$profile" "$seed" "${DIFF_LENGTH:-600}" >"$work/${profile}_$seed.scn"
	done
done
for version in $(echo "$versions" | tr ' ' '\n' | sort -r); do # 2.22 last
	compare "$version" "$work"/*_*.scn
	for file in $(sed -n 's/^not ok .*, \(.*\.scn\)$/\1/p' "$work/tap" | head -n "${DIFF_KEEP:-3}"); do
		keep_failing "$version" "$work/$file"
	done
done
exit $failed
