#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Targets that lie, end or refuse: a clear word, what is sound still shown, no hang, no crash.
set -u
here=$(cd "$(dirname "$0")" && pwd)
heaptop=${HEAPTOP:-$here/../../heaptop}
work=$(mktemp -d)
number=0 failed=0 pid=
trap '[ -n "$pid" ] && kill -9 "$pid" 2>/dev/null; rm -rf "$work"' EXIT

verdict() { # NAME STATUS DETAIL-FILE
	number=$((number + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $number - $1"
	else
		failed=1
		echo "not ok $number - $1"
		[ -n "${3:-}" ] && head -c 600 "$3" | sed 's/^/# /'
	fi
}

start() {
	# The shell empties the file in the new process: the last target's "ready" may still be in it.
	rm -f "$work/out"
	"$work/hostile" "$1" >"$work/out" &
	pid=$!
	tries=0
	until grep -qs ready "$work/out" || [ $tries -ge 100 ]; do
		tries=$((tries + 1))
		sleep 0.05
	done
}

stop() {
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	pid=
}

# One JSON object on one line, no raw control characters, valid UTF-8.
is_sound_json() {
	[ "$(wc -l <"$1")" -eq 1 ] && [ "$(head -c 1 "$1")" = '{' ] && [ "$(tail -c 2 "$1")" = '}' ] &&
		! tr -d '\n' <"$1" | LC_ALL=C grep -q '[[:cntrl:]]' && iconv -f UTF-8 -t UTF-8 "$1" >/dev/null
}

${CC:-cc} -O0 -fno-builtin -w -o "$work/hostile" "$here/hostile.c" -pthread || {
	echo "not ok 1 - the hostile target does not build"
	exit 1
}

for how in sound bin-cycle size-zero size-huge size-odd top-outside top-inside-code ring-open ring-to-heap \
	system-mem-huge many-vmas evil-names guard-pages many-threads; do
	start $how
	timeout 20 "$heaptop" snapshot "$pid" --json >"$work/json" 2>"$work/err"
	status=$?
	[ $status -eq 0 ] && is_sound_json "$work/json"
	verdict "$how: a snapshot comes back, as sound JSON (exit $status)" $? "$work/err"
	timeout 20 "$heaptop" snapshot "$pid" >"$work/text" 2>>"$work/err" &&
		! tr -d '\n\t' <"$work/text" | LC_ALL=C grep -q '[[:cntrl:]]'
	verdict "$how: and as text without control characters" $? "$work/err"
	case $how in
	size-* | bin-cycle | top-* | ring-*)
		grep -qE '"errors":\[\{|"confidence":"[CD?]"|"torn_chunks":[1-9]' "$work/json"
		verdict "$how: the damage is named" $? "$work/err"
		;;
	sound)
		grep -q '"torn_chunks":0[,}]' "$work/json" && grep -q '"errors":\[\]' "$work/json"
		verdict "sound: nothing is called damaged" $? "$work/err"
		;;
	esac
	stop
done

# A shell that execs itself without end: what is there is shown, or that it went away; nobody refused.
again='exec sh -c "$0" "$0"'
sh -c "$again" "$again" &
pid=$! fine=0
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	timeout 20 "$heaptop" snapshot "$pid" --json >"$work/json" 2>"$work/err"
	case $?$(grep -c '"vmas":\[{' "$work/json") in 01 | 4?) fine=$((fine + 1)) ;; esac
done
[ $fine -eq 20 ]
verdict "execs without end: shown, or gone ($fine of 20)" $? "$work/err"
stop

refuses() { # NAME EXIT WORD COMMAND…
	name=$1 want=$2 word=$3
	shift 3
	timeout 20 "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	[ $status -eq "$want" ] && grep -q "^heaptop: .*: " "$work/err" && grep -qi "$word" "$work/err" &&
		[ "$(wc -l <"$work/err")" -le 2 ]
	verdict "$name (exit $status)" $? "$work/err"
}

refuses "no such pid" 4 "no such process" "$heaptop" snapshot 4194303
refuses "pid 0" 2 "process id" "$heaptop" snapshot 0
refuses "not a number" 2 "process id" "$heaptop" snapshot 12x
refuses "a negative pid" 2 "" "$heaptop" snapshot -- -1
refuses "unknown option" 2 "help" "$heaptop" snapshot --nonsense 1
[ -d /proc/2 ] && grep -q kthreadd /proc/2/comm 2>/dev/null &&
	refuses "a kernel thread" 1 "kernel thread" "$heaptop" snapshot 2
sh -c 'sleep 0.01 & exec sleep 30' &
parent=$!
sleep 0.3
zombie=$(ps -o pid=,stat= --ppid $parent 2>/dev/null | awk '$2 ~ /^Z/ { print $1 }')
if [ -n "$zombie" ]; then
	refuses "a zombie" 4 "zombie" "$heaptop" snapshot "$zombie"
else
	echo "# skip: no zombie could be made"
fi
kill $parent 2>/dev/null
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null 2>&1; then
	start sound
	cp "$heaptop" "$work/heaptop" && chmod 755 "$work" "$work/heaptop"
	refuses "another user's process" 3 "sudo" setpriv --reuid=65534 --regid=65534 --clear-groups \
		--no-new-privs "$work/heaptop" snapshot "$pid"
	stop
else
	echo "# skip: other users' processes need root and setpriv"
fi
echo "1..$number"
exit $failed
