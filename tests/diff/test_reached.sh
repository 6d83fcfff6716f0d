#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every reason and function of the explained path is reached by some scenario.
here=$(cd "$(dirname "$0")" && pwd)
exec "${HEAPTOP_OUT:-$here/../../build}/tests/diff/reached" "$here"/../scenarios/*.scn
