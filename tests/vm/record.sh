#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Repeats on emulated machines what the files in records/ hold, and judges heaptop by it.
#
#	record.sh [--keep] [KERNEL…]		KERNEL: 5.10 6.1 6.12 newest (default: all)
#
# --keep puts the new records in the place of the old ones. Kernels are kept in HEAPTOP_KERNELS
# (default: the user's cache). VM_SEED (default: the time) chooses the steps. TAP on stdout.
set -u

here=$(cd "$(dirname "$0")" && pwd)
store=${HEAPTOP_KERNELS:-${XDG_CACHE_HOME:-$HOME/.cache}/heaptop/kernels}
seed=${VM_SEED:-$(date +%s)}
keep=
[ "${1:-}" = --keep ] && { keep=1; shift; }
[ $# -gt 0 ] || set -- 5.10 6.1 6.12 newest
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$here/fetch-kernels.sh" "$store" "$@" >"$work/fetch.log" 2>&1
sed 's/^/# /' "$work/fetch.log"
echo "# seed $seed"
files=
for kernel; do
	if [ ! -e "$store/$kernel/vmlinuz" ]; then
		echo "ok 1 # SKIP no kernel $kernel: $(sed -n "s/^$kernel: skipped: //p" "$work/fetch.log")"
		continue
	fi
	for cpus in 1 2; do
		to=$work/$kernel-${cpus}cpu.jsonl
		"$here/boot.sh" "$store/$kernel" "$cpus" limits "steps:$seed" >"$to" 2>"$work/err" ||
			sed 's/^/# /' "$work/err"
		files="$files $to"
	done
done
[ -n "$files" ] || exit 0
[ -z "$keep" ] || cp $files "$here/records/"
exec python3 "$here/judge.py" --each $files
