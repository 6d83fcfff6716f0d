#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The house's rules, checked: which room may include which, that every header compiles alone, and
# that the model calls nothing but libc's pure part.
#	tests/layers.sh OUT	(OUT: where the archives were built)
set -u
out=${1:?usage: tests/layers.sh OUT}
cd "$(dirname "$0")/.." || exit 1
number=0 failed=0

verdict() { # TITLE TEXT: fine when TEXT is empty
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number - $1"
	else
		failed=1
		echo "not ok $number - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}

# includes FILES… → "file included" for our own headers
includes() { grep -nH '^#include "' "$@" 2>/dev/null | sed 's/^\([^:]*\):[0-9]*:#include "\([^"]*\)".*/\1 \2/'; }

# Tiers of the model, lowest first; glibc and linux are siblings.
allowed() {
	case $1 in
	model/base) echo 'model/base' ;;
	model/facts) echo 'model/base|model/facts' ;;
	model/rules) echo 'model/base|model/facts|model/rules' ;;
	model/sim) echo 'model/base|model/facts|model/rules|model/sim' ;;
	model/glibc) echo 'model/base|model/facts|model/rules|model/sim|model/glibc' ;;
	model/linux) echo 'model/base|model/facts|model/rules|model/sim|model/linux' ;;
	model/run) echo 'model/[a-z]*' ;;
	probes) echo 'model/[a-z]*|probes' ;;
	tui) echo 'model/[a-z]*|tui' ;;
	esac
}

for room in model/base model/facts model/rules model/sim model/glibc model/linux model/run; do
	[ -d "$room" ] || continue
	bad=$(includes "$room"/*.[ch] | grep -vE " ($(allowed $room))/[^/]*\$")
	verdict "$room includes its own and lower tiers only" "$bad"
done
verdict "probes includes no tui" "$(includes probes/*.[ch] | grep -vE " ($(allowed probes))/[^/]*\$")"
verdict "tui includes probes in main.c and cli_*.c only, by probes.h" \
	"$(includes tui/*.[ch] | grep -vE " ($(allowed tui))/[^/]*\$" |
		grep -vE '^tui/(main|cli_[a-z]*)\.c probes/probes\.h$')"
verdict "one file knows curses" \
	"$(grep -lE '^#include <(n?curses|panel|term)' tui/*.[ch] probes/*.[ch] model/*/*.[ch] 2>/dev/null |
		grep -vE '^tui/term[a-z_]*\.[ch]$')"
verdict "the model includes libc's pure headers only" \
	"$(grep -nH '^#include <' model/*/*.[ch] |
		grep -vE '<(stdbool|stddef|stdint|stdatomic|stdarg|stdio|stdlib|string|inttypes|limits|errno|assert|xxhash|uthash)\.h>')"

# What a pure room may ask of libc. Sanitizers' and the compiler's own symbols don't count.
pure='mem(cpy|move|set|cmp|chr)|mem(cpy|move|set)_chk|mempcpy|str(len|nlen|cmp|ncmp|chr|rchr|str|spn|cspn|pbrk)'
pure="$pure|v?snprintf(_chk)?|_*v?snprintf_chk|malloc|calloc|realloc|free|qsort|bsearch|abort|_*assert_fail"
pure="$pure|strto(l|ul|ll|ull)|isoc23_strto(l|ul|ll|ull)|ctype_b_loc|errno_location|stack_chk_fail"
calls=$(nm --undefined-only "$out/libmodel.a" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u)
own=$(nm --defined-only "$out/libmodel.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u)
foreign=$(printf '%s\n' "$calls" | grep -vxF "$own" |
	grep -vE "^_*($pure)\$" | grep -vE '^(__(asan|ubsan|tsan|sanitizer|gcov|llvm)|__u?(div|mod)ti3|_GLOBAL_OFFSET_TABLE_)')
[ -n "$calls" ] || foreign="$out/libmodel.a is not built"
verdict "the model calls libc's pure part only" "$foreign"
# .data.rel.ro is written by the loader only, and read-only from then on.
writable=$(nm -f sysv "$out/libmodel.a" 2>/dev/null | awk -F'|' '$7 ~ /^\*COM\*|^\.(t?data|t?bss)(\.[^r]|$)/ { print $1 $7 }' |
	grep -vE '^(__|\.|_*llvm)' | sort -u)
verdict "the model has no writable globals" "$writable"

bad=
cflags=$(pkg-config --cflags ncursesw libproc2 libelf libdw jansson inih libxxhash libcap libutf8proc 2>/dev/null)
for header in model/*/*.h probes/*.h tui/*.h tests/lib/*.h; do
	[ -e "$header" ] || continue
	# shellcheck disable=SC2086
	echo "#include \"$header\"" | ${CC:-cc} -I. -D_GNU_SOURCE -std=gnu17 $cflags -fsyntax-only -x c - \
		2>/dev/null || bad="$bad$header
"
done
verdict "every header compiles alone" "$bad"
verdict "every source file names its licence" \
	"$(git ls-files '*.[ch]' '*.def' '*.sh' Makefile .ci/setup .ci/run 2>/dev/null |
		xargs grep -L 'SPDX-License-Identifier: GPL-2.0-or-later' 2>/dev/null)"
echo "1..$number"
exit $failed
