#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/scenarios/*.scn under each glibc, against what heaptop simulate foretold.
set -u
. "$(dirname "$0")/lib.sh"
prepare
for version in $versions; do
	compare "$version" "$here"/../scenarios/*.scn
done
exit $failed
