#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What heaptop foretells against what four real kernels did, as recorded by record.sh.
here=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null || { echo "# skip: python3 is needed to read the records"; exit 0; }
exec python3 "$here/judge.py" "$here"/records/*.jsonl
