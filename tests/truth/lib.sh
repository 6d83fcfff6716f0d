# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shared by the truth tests that run one target under four Debian glibcs.

here=$(cd "$(dirname "$0")" && pwd)
heaptop=${HEAPTOP:-$here/../../heaptop}
store=${HEAPTOP_GLIBCS:-${XDG_CACHE_HOME:-$HOME/.cache}/heaptop/glibcs}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# under_four_glibcs CHECKER TARGET [CFLAG…]: builds TARGET.c against the oldest glibc, so that one
# program runs under all four, and has CHECKER compare it with heaptop, alone and with four threads.
under_four_glibcs() {
	checker=$1 target=$2
	shift 2
	"$here/fetch-glibc.sh" "$store" >"$work/fetch.log" 2>&1 || sed 's/^/# /' "$work/fetch.log"
	oldest=$store/2.31/lib
	${CC:-cc} -O1 "$@" -c -o "$work/$target.o" "$here/$target.c" &&
		${CC:-cc} -o "$work/$target" "$work/$target.o" -nodefaultlibs "$oldest/libc.so.6" \
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
			"$here/$checker" "$heaptop" "glibc $version, $threads threads" -- \
				"$store/$version/ld.so" --library-path "$store/$version/lib" \
				"$work/$target" $threads $((threads + 3)) || failed=1
		done
	done
}
