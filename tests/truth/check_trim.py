#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what `heaptop snapshot` says that malloc_trim(0) would give back with what it does give
back in a running tests/truth/trimmer. Speaks TAP.

    check_trim.py HEAPTOP NAME -- COMMAND...     (the target's command line)
"""
import json
import re
import subprocess
import sys


def resident(pid):
    """Bytes of writable anonymous memory, stacks aside."""
    total, counts = 0, False
    for line in open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace"):
        head = re.match(r"[0-9a-f]+-[0-9a-f]+ (....) \S+ \S+ (\d+)\s*(.*)", line)
        if head:
            counts = head[1].startswith("rw") and head[2] == "0" and head[3] != "[stack]"
        elif counts and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def order(target, word):
    target.stdin.write("x")
    target.stdin.flush()
    return target.stdout.readline().strip() == word


def main():
    heaptop, title, command = sys.argv[1], sys.argv[2], sys.argv[4:]
    target = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ok, detail = False, "the target did not start"
    if target.stdout.readline().strip() == "ready":
        before = resident(target.pid)
        snapshot = subprocess.run([heaptop, "snapshot", "--json", str(target.pid)],
                                  capture_output=True, text=True, check=True)
        malloc = json.loads(snapshot.stdout)["malloc"]
        promised = sum(a["trimmable"] for a in malloc["arenas"])
        done = order(target, "done")
        given = before - resident(target.pid)
        ok = done and given == promised and promised > 0
        ok = ok and malloc["totals"]["trimmable"] == promised
        detail = f"promised {promised}, given back {given}"
    print(f"{'ok' if ok else 'not ok'} 1 - {title}: malloc_trim(0) gives back what was promised")
    print(f"# {detail}")
    print("1..1")
    target.stdin.close()
    target.kill()
    target.wait()
    sys.exit(0 if ok else 1)


main()
