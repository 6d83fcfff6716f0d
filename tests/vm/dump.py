#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes records of what a kernel's log says of its OOM killer.

    dump.py < LOG > RECORDS

The log is of a machine that played guest_oom.c: its own lines, behind "heaptop-vm:", tell the
circumstances; the kernel's, who asked, the table of tasks and who was killed. A record is what
`heaptop oom --tasks` takes, with tasks as lists to be short, and what really happened:
{"oom","kernel","mem_total","swap_total","limit","swap_max","invoker","sysctl","tasks":[[pid,comm,rss,
swap,pgtables_bytes,adj,flags,group],...],"outcome","victim":[pid,comm],"group":[pid,...]}
"""
import json
import re
import sys

INVOKED = re.compile(r"^(.{1,15}) invoked oom-killer:")
ASKED_BY = re.compile(r"^CPU: \d+ (?:UID: \d+ )?PID: (\d+) Comm:")
HEADER = re.compile(r"^\[\s*pid\s*\]\s+(.*)$")
ROW = re.compile(r"^\[\s*(\d+)\]\s+((?:-?\d+\s+)+)(\S.*)$")
KILLED = re.compile(r"Killed process (\d+) \(([^)]*)\)")
DOMAIN = re.compile(r"oom_memcg=([^,]*),")
STATS = re.compile(r"Memory cgroup stats for (\S+):")
PANIC = re.compile(r"Kernel panic - not syncing: (Out of memory|System is deadlocked)")


class Case:
    """What one of guest_oom.c's shortages said of itself."""

    def __init__(self, line):
        self.line, self.cgroups, self.actors, self.dead = line, {}, {}, set()

    def tell(self, line):
        if "cgroup" in line:
            self.cgroups[line["cgroup"]] = line
        for actor in line.get("actors", "").split(";"):
            words = actor.split()
            if words:
                where = [w[3:] for w in words if w.startswith("cg=")]
                self.actors[words[0]] = "/" + where[0] if where else "/"

    def cgroup_of(self, comm):
        return self.actors.get(comm.split(".")[0], "/")


class Event:
    """One call of the OOM killer."""

    def __init__(self, case, comm):
        self.case, self.comm, self.invoker, self.domain = case, comm, 0, None
        self.columns, self.rows, self.killed, self.outcome = [], [], [], None
        self.is_group, self.dead_before = False, set(case.dead)

    def row(self, pid, numbers, comm):
        cell = dict(zip(self.columns, numbers))
        self.rows.append([int(pid), comm, cell["rss"], cell["swapents"], cell["pgtables_bytes"],
                          cell["oom_score_adj"]])

    def flags(self, pid, comm):
        if pid in self.dead_before:
            return "reaped"
        return "vfork" if self.case.line["oom"] == "vfork" and comm == "sharer" else ""

    def group(self, victim):
        """The highest cgroup from the domain down to the victim's that dies as a whole."""
        path = self.case.cgroup_of(victim)
        for name in sorted(self.case.cgroups):
            if self.case.cgroups[name]["group"] and (path + "/").startswith(name + "/") and (
                    self.domain is None or (name + "/").startswith(self.domain + "/")):
                return name
        return None

    def is_whole(self):
        """Of what the console dropped lines of, nothing can be said."""
        pids = {row[0] for row in self.rows}
        return self.outcome or (self.invoker and self.killed and self.killed[0][0] in pids)

    def record(self):
        line = dict(self.case.line)
        if self.domain:
            cgroup = self.case.cgroups[self.domain]
            line["limit"] = cgroup["max"]
            if line["swap_total"]:
                swap = cgroup["swap_max"]
                line["swap_max"] = line["swap_total"] if swap < 0 else min(swap, line["swap_total"])
        group = self.group(self.killed[0][1]) if self.killed else None
        line["invoker"] = self.invoker
        line["tasks"] = []
        for row in self.rows:
            inside = group and (self.case.cgroup_of(row[1]) + "/").startswith(group + "/")
            line["tasks"].append([*row, self.flags(row[0], row[1]), 1 if inside else 0])
        line["outcome"] = self.outcome or "kill"
        if self.killed:
            line["victim"] = self.killed[0]
            line["group"] = sorted({pid for pid, _ in self.killed[1:]} - {self.killed[0][0]})
        return line


def feed(event, text):
    """One line of the kernel's, behind the event's first one."""
    asked, header, row, killed, domain, stats = (
        pattern.search(text) for pattern in (ASKED_BY, HEADER, ROW, KILLED, DOMAIN, STATS))
    if asked and not event.invoker:
        event.invoker = int(asked[1])
    elif header:
        event.columns = header[1].split()[:-1]
    elif row and event.columns:
        event.row(row[1], [int(n) for n in row[2].split()], row[3])
    elif killed:
        # Another one without a group is another call, whose table the kernel did not show.
        if event.is_group or not event.killed:
            event.killed.append([int(killed[1]), killed[2]])
        event.case.dead.add(int(killed[1]))
    elif "due to memory.oom.group set" in text:
        event.is_group = True
    elif domain:
        event.domain = domain[1]
    elif stats:
        event.domain = stats[1]
    elif "no killable processes" in text:
        event.outcome = "nobody"
    elif PANIC.search(text):
        event.outcome = "panic"


def records(lines):
    case, event = None, None
    for line in lines:
        text = re.sub(r"^\[ *\d+\.\d+\] ", "", line.rstrip("\r\n"))
        if text.startswith("heaptop-vm: "):
            told = json.loads(text[12:])
            if "oom" in told:
                case = Case(told)
            elif "over" in told:
                if event and event.is_whole():
                    yield event.record()
                case = event = None
            elif case:
                case.tell(told)
        elif case and INVOKED.match(text):
            if event and event.is_whole():
                yield event.record()
            event = Event(case, INVOKED.match(text)[1])
        elif event:
            feed(event, text)
    if event and event.is_whole():
        yield event.record()


def main():
    last = None
    for record in records(sys.stdin):
        # Who can kill nobody tries again and again.
        same = (record["oom"], record["outcome"])
        if same == last and record["outcome"] == "nobody":
            continue
        last = same
        print(json.dumps(record, separators=(",", ":")))


if __name__ == "__main__":
    main()
