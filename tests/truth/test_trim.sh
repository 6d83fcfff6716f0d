#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What malloc_trim(0) is said to give back, against what it gives back, under four Debian glibcs.
set -u
# shellcheck source=tests/truth/lib.sh
. "$(dirname "$0")/lib.sh"
under_four_glibcs check_trim.py trimmer -fno-builtin
exit "$failed"
