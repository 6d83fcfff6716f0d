#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Our snapshot against what the target itself knows, under four Debian glibcs: to the byte and the
# chunk, with one thread and with several.
set -u
# shellcheck source=tests/truth/lib.sh
. "$(dirname "$0")/lib.sh"
under_four_glibcs check_target.py target
exit "$failed"
