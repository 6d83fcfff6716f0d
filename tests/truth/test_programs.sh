#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real long-running programs from Debian's packages: our snapshot against what each program's own
# glibc and the kernel report while a debugger holds it still.
set -u
here=$(cd "$(dirname "$0")" && pwd)
heaptop=${HEAPTOP:-$here/../../heaptop}
work=$(mktemp -d)
chmod 755 "$work"
failed=0 pids=
trap 'kill $pids 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

start() { # NAME COMMAND…: in the background, its standard error in $work/NAME.err
	name=$1
	shift
	"$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null &
	pid=$!
	pids="$pids $pid"
}

have() {
	command -v "$1" >/dev/null 2>&1 && return 0
	echo "# skip: $1 is not installed"
	echo "ok 1 - $1 # SKIP not installed"
	return 1
}

wait_for() { # FILE PATTERN
	tries=0
	until grep -q "$2" "$1" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || return 1
		sleep 0.1
	done
}

check() { "$here/check_program.py" "$heaptop" "$@" || failed=1; }

have gdb || exit 0
if have python3; then
	start python3 python3 -u -c '
import threading, time
kept = [str(i) * (i % 50) for i in range(200000)]
blobs = [bytearray(300000) for _ in range(20)]
del kept[::3]
def work():
    mine = [bytes(2000) for _ in range(5000)]
    print("ready"); time.sleep(600)
for _ in range(3): threading.Thread(target=work, daemon=True).start()
time.sleep(600)'
	wait_for "$work/python3.out" ready
	sleep 1
	check python3 "$pid" "$work/python3.err"
fi
if have sqlite3; then
	start sqlite3 sqlite3 :memory: "CREATE TABLE t(a,b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 200000) INSERT INTO t SELECT i, hex(randomblob(i%97)) FROM n; SELECT count(*) FROM t x JOIN t y ON x.b < y.b;"
	sleep 3 # busy with its query by then
	check sqlite3 "$pid" "$work/sqlite3.err"
fi
if have redis-server; then
	start redis redis-server --port 0 --unixsocket "$work/redis.sock" --save '' --dir "$work"
	tries=0
	until [ "$(redis-cli -s "$work/redis.sock" ping 2>/dev/null)" = PONG ] || [ $tries -gt 100 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	redis-cli -s "$work/redis.sock" debug populate 100000 >/dev/null 2>&1
	# Debian links redis against jemalloc.
	check redis "$pid" "$work/redis.err" not-glibc jemalloc
fi
postgres=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
if [ -n "$postgres" ] && id postgres >/dev/null 2>&1; then
	install -d -o postgres "$work/pg" "$work/sock"
	as_postgres="setpriv --reuid=postgres --regid=postgres --clear-groups"
	$as_postgres "$postgres/initdb" -D "$work/pg" -A trust >/dev/null 2>&1
	start postgres $as_postgres "$postgres/postgres" -D "$work/pg" -k "$work/sock" -c listen_addresses=
	wait_for "$work/postgres.err" 'ready to accept'
	$as_postgres "$postgres/psql" -h "$work/sock" -c 'SELECT count(*) FROM generate_series(1, 300000) a, generate_series(1, 3000) b WHERE a*b % 7 = 3' postgres >/dev/null 2>&1 &
	pids="$pids $!"
	sleep 2
	backend=$(pgrep -f 'postgres: postgres postgres' | head -n 1)
	check "postgres (server)" "$pid" "$work/postgres.err"
	[ -n "$backend" ] && check "postgres (busy backend)" "$backend" "$work/postgres.err"
else
	echo "# skip: PostgreSQL is not installed"
	echo "ok 1 - postgres # SKIP not installed"
fi
exit $failed
