#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares `heaptop snapshot --json` of a real program with what its own glibc and the kernel say at
the same moment: a debugger holds the program still, heaptop reads it, then the debugger has the
program call malloc_stats(), whose answer goes to its standard error.

    check_program.py HEAPTOP NAME PID STDERR-FILE [not-glibc KIND]
"""
import json
import os
import re
import subprocess
import sys
import tempfile

heaptop, name, pid, errors = sys.argv[1:5]
other = sys.argv[6] if len(sys.argv) > 6 else None
number = failures = 0


def check(what, ok, detail=""):
    global number, failures
    number += 1
    print(f"{'ok' if ok else 'not ok'} {number} - {name}: {what}")
    if not ok:
        failures += 1
        print("# " + str(detail)[:500])


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def still():
    """One snapshot and the kernel's and libc's own figures while nothing moves."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as out:
        before = os.path.getsize(errors)
        steps = ["-ex", f"shell {heaptop} snapshot {pid} --json > {out.name}",
                 "-ex", f"shell cp /proc/{pid}/maps {out.name}.maps",
                 "-ex", f"shell cat /proc/{pid}/smaps > {out.name}.smaps",
                 "-ex", f"shell cat /proc/{pid}/status > {out.name}.status"]
        if not other:
            steps += ["-ex", "call (void)malloc_stats()"]
        subprocess.run(["gdb", "-q", "-nx", "-batch", "-p", pid, *steps],
                       capture_output=True, timeout=120, check=False)
        stats = open(errors, encoding="utf-8", errors="replace")
        stats.seek(before)
        kernel = {k: read(f"{out.name}.{k}") for k in ("maps", "smaps", "status")}
        for k in kernel:
            os.unlink(f"{out.name}.{k}")
        return json.load(out), stats.read(), kernel


def check_malloc(snapshot, stats):
    arenas = re.findall(r"Arena (\d+):\s+system bytes\s+=\s+(\d+)\s+in use bytes\s+=\s+(\d+)", stats)
    ours = snapshot["malloc"]["arenas"]
    check("libc says something of its arenas", arenas, stats)
    check("number of arenas", len(arenas) == len(ours), (arenas, len(ours)))
    for (index, system, used), a in zip(arenas, ours):
        free = (a["free"]["bytes"] + a["top"]["size"] + sum(b["count"] * b["size"] for b in a["fastbins"]))
        check(f"arena {index}: system and in use to the byte",
              (int(system), int(used)) == (a["system_mem"], a["system_mem"] - free),
              (system, used, a["system_mem"], free))
    total = re.search(r"Total \(incl\. mmap\):\s+system bytes\s+=\s+(\d+)", stats)
    mapped = int(total[1]) - sum(int(s) for _, s, _ in arenas)
    mapped &= 0xffffffff  # malloc_stats counts in unsigned int
    check("mmapped bytes", mapped == sum(m["size"] for m in snapshot["malloc"]["mmapped"]) & 0xffffffff,
          (mapped, snapshot["malloc"]["mmapped"]))


def check_kernel(snapshot, kernel):
    rows = [line.split()[:2] for line in kernel["maps"].splitlines()]
    theirs = [(int(a.split("-")[0], 16), int(a.split("-")[1], 16), p) for a, p in rows
              if "[vsyscall]" not in a]
    theirs = [t for t, line in zip(theirs, kernel["maps"].splitlines()) if "[vsyscall]" not in line]
    ours = [(int(v["start"], 16), int(v["end"], 16), v["perms"]) for v in snapshot["vmas"]
            if v["name"] != "[vsyscall]"]
    check("VMAs are the kernel's", ours == theirs, (len(ours), len(theirs)))
    by_start = {int(v["start"], 16): v for v in snapshot["vmas"]}
    wrong, charged, seen = [], 0, None
    for line in kernel["smaps"].splitlines():
        head = re.match(r"^([0-9a-f]+)-[0-9a-f]+ ", line)
        if head:
            seen = by_start.get(int(head[1], 16))
        elif seen and line.startswith(("Rss:", "Pss:", "Swap:")):
            key, value = line.split()[0][:-1].lower(), int(line.split()[1]) * 1024
            # PSS of a file's pages moves with every process that maps it: the readers too.
            if seen[key] != value and not (key == "pss" and "/" in seen["name"]):
                wrong.append((seen["start"], key, seen[key], value))
        elif seen and line.startswith("VmFlags:"):
            if " ac" in line:
                charged += seen["size"]
            if bool(seen["charged"]) != (" ac" in line):
                wrong.append((seen["start"], "charged", seen["charged"], line))
    wrong = [w for w in wrong if by_start[int(w[0], 16)]["name"] not in ("[vvar]", "[vdso]", "[vvar_vclock]", "[vsyscall]")]
    check("residency, PSS, swap and charge of each VMA", not wrong, wrong[:5])
    check("bytes charged to Committed_AS", snapshot["commit"]["target_charged"] == charged,
          (snapshot["commit"]["target_charged"], charged))
    score = int(read(f"/proc/{pid}/oom_score"))
    adj = int(read(f"/proc/{pid}/oom_score_adj"))
    check("oom_score and adj", (snapshot["oom"]["score"], snapshot["oom"]["adj"]) == (score, adj), snapshot["oom"]["score"])
    status = dict(re.findall(r"^(\w+):\s+(\d+) kB", kernel["status"], re.M))
    pages = (int(status["VmRSS"]) + int(status["VmSwap"]) + int(status["VmPTE"])) // 4
    system = snapshot["system"]
    total = (system["mem_total"] + system["swap_total"]) // 4096
    check("badness is rss + swap + page tables + adj",
          snapshot["oom"]["badness"] == pages + adj * (total // 1000), (snapshot["oom"]["badness"], pages))


snapshot, stats, kernel = still()
if other:
    check(f"recognised as {other}", snapshot["libc"]["kind"] == other, snapshot["libc"])
else:
    check("glibc found with certainty", snapshot["libc"]["confidence"] in "AB", snapshot["libc"])
    check_malloc(snapshot, stats)
check_kernel(snapshot, kernel)
print(f"1..{number}")
sys.exit(1 if failures else 0)
