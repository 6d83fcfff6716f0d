#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What malloc_trim(0) is said to give back, against what it gives back, under four Debian glibcs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
heaptop=${HEAPTOP:-$here/../../heaptop}
store=${HEAPTOP_GLIBCS:-${XDG_CACHE_HOME:-$HOME/.cache}/heaptop/glibcs}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

"$here/fetch-glibc.sh" "$store" >"$work/fetch.log" 2>&1 || sed 's/^/# /' "$work/fetch.log"
# Linked against the oldest, one program runs under all four.
oldest=$store/2.31/lib
${CC:-cc} -O1 -fno-builtin -c -o "$work/trimmer.o" "$here/trimmer.c" &&
	${CC:-cc} -o "$work/trimmer" "$work/trimmer.o" -nodefaultlibs "$oldest/libc.so.6" \
		"$oldest/libpthread.so.0" -Wl,--allow-shlib-undefined -lgcc || {
	echo "not ok 1 - the target does not link against glibc 2.31"
	exit 1
}
for version in 2.31 2.36 2.41 2.43; do
	if [ ! -e "$store/$version/ld.so" ]; then
		echo "not ok 1 - glibc $version could not be fetched"
		failed=1
		continue
	fi
	for threads in 0 4; do
		"$here/check_trim.py" "$heaptop" "glibc $version, $threads threads" -- \
			"$store/$version/ld.so" --library-path "$store/$version/lib" \
			"$work/trimmer" $threads $((threads + 3)) || failed=1
	done
done
exit $failed
