#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Repeats on emulated machines what the files in records/ hold, and judges heaptop by it.
#
#	record.sh [--keep] [KERNEL…]		KERNEL: 5.10 6.1 6.12 newest (default: all)
#
# The machines: limits and steps with one CPU and with two, shortages of memory, and one more machine
# for each that ends in a panic. About five minutes a kernel; two kernels at a time.
#
# --keep puts the new records in the place of the old ones (all that are worth their size). Kernels are kept in HEAPTOP_KERNELS
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

boot() { # KERNEL CPUS JOB…
	name=$1
	shift
	VM_LOG=$work/$name.log "$here/boot.sh" "$store/$name" "$@" 2>"$work/$name.err" ||
		sed 's/^/# /' "$work/$name.err" >&2
}

limits_and_steps() {
	for cpus in 1 2; do
		boot "$1" $cpus limits "steps:$seed" >"$work/$1-${cpus}cpu.jsonl"
	done
}

# The result says which kernel it was, the log all that happened.
shortages() {
	to=$work/$1-oom.jsonl
	boot "$1" 1 >"$to"
	for job in oom oom:$((seed % 1000000 + 100)) oom:1 oom:2 oom:3 oom:4; do
		boot "$1" 1 $job >/dev/null
		python3 "$here/dump.py" <"$work/$1.log" >>"$to"
	done
}

lanes=0
for kernel; do
	if [ ! -e "$store/$kernel/vmlinuz" ]; then
		echo "ok 1 # SKIP no kernel $kernel: $(sed -n "s/^$kernel: skipped: //p" "$work/fetch.log")"
		continue
	fi
	{
		limits_and_steps "$kernel"
		shortages "$kernel"
	} &
	lanes=$((lanes + 1))
	[ $((lanes % 2)) = 1 ] || wait
done
wait
[ -n "$(find "$work" -name '*.jsonl')" ] || exit 0
# Of two CPUs one kernel is enough to keep: they only widen the band.
for file in ${keep:+"$work"/*.jsonl}; do
	case ${file##*/} in
	*-2cpu.jsonl) [ "${file##*/}" = 6.1-2cpu.jsonl ] || continue ;;
	esac
	cp "$file" "$here/records/"
done
exec python3 "$here/judge.py" --each "$work"/*.jsonl
