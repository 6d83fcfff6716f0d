# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shared by the differential tests: the interpreter, built against the oldest glibc so that one
# program runs under all, and the glibcs there are.
#
#	HEAPTOP_GLIBCS		where Debian's are unpacked; others found there (2.22) are used as well
#	DIFF_VERSIONS		which to use: "host 2.22 2.31 …"

here=$(cd "$(dirname "$0")" && pwd)
heaptop=${HEAPTOP:-$here/../../heaptop}
driver=${HEAPTOP_OUT:-$here/../../build}/tests/diff/diff
store=${HEAPTOP_GLIBCS:-${XDG_CACHE_HOME:-$HOME/.cache}/heaptop/glibcs}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
failed=0

# The interpreter as $work/interp; versions that can run it in $versions.
prepare() {
	"$here/../truth/fetch-glibc.sh" "$store" >"$work/fetch.log" 2>&1 || sed 's/^/# /' "$work/fetch.log"
	for part in interp interp_read interp_ops interp_memory interp_thread interp_rest; do
		${CC:-cc} -std=gnu17 -O2 -I"$here/../.." -D_GNU_SOURCE -fno-stack-protector \
			-c -o "$work/$part.o" "$here/$part.c" || exit 1
	done
	oldest=$store/2.31/lib
	if [ -e "$oldest/libc.so.6" ]; then
		set -- -nodefaultlibs "$oldest/libc.so.6" "$oldest/libpthread.so.0" \
			-Wl,--allow-shlib-undefined -lgcc
	else
		set -- -pthread
	fi
	${CC:-cc} -o "$work/interp" "$work"/interp*.o -Wl,-z,now "$@" || exit 1
	versions=
	for version in ${DIFF_VERSIONS:-host 2.22 2.31 2.36 2.41 2.43}; do
		if [ "$version" = host ] || [ -x "$store/$version/ld.so" ]; then
			versions="$versions $version"
		elif [ "$version" = 2.22 ]; then
			number=$((number + 1))
			echo "ok $number - glibc 2.22 # SKIP no build of it in $store/2.22"
		else
			number=$((number + 1)) failed=1
			echo "not ok $number - glibc $version could not be fetched"
		fi
	done
}

# compare VERSION [OPTION…] SCENARIO…: TAP lines for each
compare() {
	version=$1
	shift
	label="glibc $version"
	if [ "$version" = host ]; then
		label="this machine's glibc"
		set -- "$@" -- "$work/interp"
	else
		set -- "$@" -- "$store/$version/ld.so" --library-path "$store/$version/lib" "$work/interp"
	fi
	"$driver" --heaptop "$heaptop" --label "$label" --first $((number + 1)) --stats "$@" \
		>"$work/tap" || failed=1
	cat "$work/tap"
	number=$((number + $(grep -cE '^(not )?ok ' "$work/tap")))
}
