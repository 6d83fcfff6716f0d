#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# After a run of one thread: mp_, main_arena and the whole heap, chunk headers, links and thread
# caches with it, byte for byte as foretold at the scenario's pauses.
set -u
. "$(dirname "$0")/lib.sh"
prepare
for profile in tiny mixed large realloc memalign trim calloc sbrk all; do
	"$here/gen.py" "$profile" words "${DIFF_LENGTH:-600}" >"$work/words_$profile.scn"
done
for version in $versions; do
	# Scenarios whose process dies have no pause and no end to compare at.
	# shellcheck disable=SC2046 # names without blanks
	compare "$version" --words $(grep -L '^thread' $(grep -l '^pause' "$here"/../scenarios/*.scn)) \
		"$work"/words_*.scn
done
exit $failed
