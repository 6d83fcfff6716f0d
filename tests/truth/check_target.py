#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares `heaptop snapshot --json --chunks` of a running tests/truth/target with what the target
itself says of its heap. Speaks TAP.

    check_target.py HEAPTOP NAME -- COMMAND...     (the target's command line)
"""
import json
import re
import subprocess
import sys

failures = 0
number = 0


def check(name, ok, detail=""):
    global number, failures
    number += 1
    print(f"{'ok' if ok else 'not ok'} {number} - {title}: {name}")
    if not ok:
        failures += 1
        print("# " + str(detail)[:600])


def malloc_info(xml):
    """Per arena, in ring order: what glibc itself counts."""
    arenas = []
    for part in re.findall(r"<heap nr='\d+'>(.*?)</heap>", xml):
        row = {}
        for kind, count, size in re.findall(
                r"<total type='(\w+)' count='(\d+)' size='(\d+)'/>", part):
            row[kind] = (int(count), int(size))
        row["system"] = int(re.search(r"<system type='current' size='(\d+)'/>", part)[1])
        row["max"] = int(re.search(r"<system type='max' size='(\d+)'/>", part)[1])
        unsorted = re.search(r"<unsorted from='\d+' to='\d+' total='(\d+)' count='(\d+)'/>", part)
        row["unsorted"] = (int(unsorted[2]), int(unsorted[1])) if unsorted else (0, 0)
        arenas.append(row)
    total = re.search(r"<total type='mmap' count='(\d+)' size='(\d+)'/>", xml)
    return arenas, (int(total[1]), int(total[2]))


def by_arena(snapshot, truth, info):
    arenas = snapshot["malloc"]["arenas"]
    check("number of arenas", len(arenas) == len(info), (len(arenas), len(info)))
    for ours, theirs in zip(arenas, info):
        which = f"arena {ours['index']}"
        top = ours["top"]["size"]
        fast = sum(b["count"] for b in ours["fastbins"]), sum(b["count"] * b["size"] for b in ours["fastbins"])
        check(f"{which} system_mem", (ours["system_mem"], ours["max_system_mem"]) ==
              (theirs["system"], theirs["max"]), (ours["system_mem"], theirs))
        check(f"{which} fastbins", fast == theirs.get("fast", (0, 0)), (fast, theirs))
        # malloc_info() adds up size words with their flag: PREV_INUSE, 1, of each binned chunk.
        binned = ours["free"]["count"]
        free = binned + 1, ours["free"]["bytes"] + binned + top
        check(f"{which} free and top", free == theirs["rest"], (free, theirs["rest"]))
        count = ours["unsorted"]["count"]
        unsorted = count, ours["unsorted"]["bytes"] + count
        check(f"{which} unsorted bin", unsorted == theirs["unsorted"], (unsorted, theirs["unsorted"]))
        binned = (ours["unsorted"]["count"] + sum(b["count"] for b in ours["small"]) +
                  sum(b["count"] for b in ours["large"]))
        check(f"{which} bins add up to free", binned == ours["free"]["count"],
              (binned, ours["free"]))


def by_block(snapshot, truth):
    malloc = snapshot["malloc"]
    chunks = {int(c["addr"], 16): c for c in malloc["chunks"]}
    known, wrong_live, wrong_free = set(), [], []
    # glibc 2.43 makes a thread's tcache at its first free, from a block that was freed before.
    tcaches = {int(t["tcache"]["addr"], 16) - 16 for t in malloc["threads"] if t["tcache"]}
    for worker in truth["workers"]:
        live = {addr for addr, _, fate in worker["blocks"] if fate == "live"}
        for addr, size, fate in worker["blocks"]:
            at, chunk = int(addr, 16), chunks.get(int(addr, 16))
            if fate != "live" and addr in live:
                continue  # freed first, handed out again later
            known.add(at)
            if fate == "live":
                if not chunk or chunk["state"] != "in_use" or chunk["size"] != size:
                    wrong_live.append((addr, size, chunk))
            elif chunk and chunk["state"] == "in_use" and at not in tcaches:
                wrong_free.append((addr, size, chunk))
    check("every live block is a chunk in use of its size", not wrong_live, wrong_live[:4])
    check("no freed block is in use", not wrong_free, wrong_free[:4])
    own = [c for a, c in chunks.items() if c["state"] == "in_use" and a not in known]
    check("few chunks in use are libc's own", len(own) < 40 + 6 * len(truth["workers"]), own[:6])
    tcached = sum(1 for c in chunks.values() if c["state"] == "tcache")
    counted = sum(b["count"] for t in malloc["threads"] if t["tcache"] for b in t["tcache"]["bins"])
    check("tcache entries walked are those counted", tcached == counted, (tcached, counted))
    in_use = sum(c["size"] for c in chunks.values() if c["state"] == "in_use")
    check("in use adds up", in_use == sum(a["in_use"]["bytes"] for a in malloc["arenas"]),
          (in_use, [a["in_use"] for a in malloc["arenas"]]))
    main = malloc["arenas"][0]
    parts = (main["in_use"]["bytes"] + main["free"]["bytes"] + main["top"]["size"] +
             sum(b["count"] * b["size"] for b in main["fastbins"]) +
             sum(c["size"] for c in chunks.values() if c["state"] == "tcache" and c["arena"] == 0))
    start = int(main["heaps"][0]["start"], 16)
    check("main_arena's parts add up to its system_mem", 0 <= main["system_mem"] - parts < 4096
          and (start + main["system_mem"]) % 4096 == 0, (parts, main["system_mem"]))


def by_mapping(snapshot, truth, total):
    malloc = snapshot["malloc"]
    ours = sorted(int(c["addr"], 16) for c in malloc["mmapped"])
    theirs = sorted(int(a, 16) for a in truth["mmapped"])
    missing = [hex(a) for a in theirs if a not in ours]
    check("every mmapped chunk at its address", not missing, (missing, malloc["mmapped"]))
    check("mmapped chunks: count and bytes", (len(ours), sum(c["size"] for c in malloc["mmapped"])) == total,
          (len(ours), sum(c["size"] for c in malloc["mmapped"]), total))
    listed = {int(c["addr"], 16): c for c in malloc["chunks"] if c["state"] == "mmapped"}
    check("every mmapped chunk among the chunks", sorted(listed) == ours and
          all(c["arena"] == -1 for c in listed.values()), (sorted(listed), ours))
    params = malloc["params"]
    check("mp_'s own counts", (params["n_mmaps"], params["mmapped_mem"]) == total, (params, total))


def by_thread(snapshot, truth):
    malloc = snapshot["malloc"]
    ours = {t["tid"]: t for t in malloc["threads"]}
    main = malloc["arenas"][0]["addr"]
    for worker in truth["workers"]:
        row = ours.get(worker["tid"])
        arena = worker["arena"] if worker["arena"] != "0x0" else main
        check(f"arena of thread {worker['tid'] - truth['workers'][0]['tid']}",
              bool(row) and row["arena"] and int(row["arena"], 16) == int(arena, 16), (row and row["arena"], arena))


title = sys.argv[2]
command = sys.argv[sys.argv.index("--") + 1:]
target = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
try:
    if target.stdout.readline() != "ready\n":
        print(f"not ok 1 - {title}: the target does not start")
        sys.exit(1)
    answer = subprocess.run([sys.argv[1], "snapshot", str(target.pid), "--json", "--chunks"],
                            capture_output=True, text=True, timeout=60)
    target.stdin.write("\n")
    target.stdin.flush()
    truth = json.loads(target.stdout.readline())
finally:
    target.stdin.close()
    target.wait()
check("snapshot", answer.returncode == 0, answer.stderr)
if answer.returncode == 0:
    snapshot = json.loads(answer.stdout)
    info, mapped = malloc_info(truth["malloc_info"])
    libc = snapshot["libc"]
    check("glibc found with certainty", libc["kind"].endswith("glibc") and libc["confidence"] in "AB", libc)
    check("nothing torn in a quiet target", snapshot["source"]["torn_chunks"] == 0 and
          not snapshot["malloc"]["errors"], (snapshot["source"], snapshot["malloc"]["errors"]))
    by_arena(snapshot, truth, info)
    by_block(snapshot, truth)
    by_mapping(snapshot, truth, mapped)
    by_thread(snapshot, truth)
print(f"1..{number}")
sys.exit(1 if failures else 0)
