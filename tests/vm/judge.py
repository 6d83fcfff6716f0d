#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Judges heaptop's predictions against what real kernels did, through the command line alone.

    judge.py [--each] [--show N] RECORDS...

RECORDS are files of JSON lines that boot.sh printed. Speaks TAP, a line for each kernel and part.
Limits: the largest request that the kernel accepted must be accepted and one page more refused
(`simulate --from FILE`); where the answer says "band_pages" either will do. With --each every question
has a run of its own; without, all that one process was asked is one scenario, in the kernel's order.
Steps: every address, result, errno, VMA list and change of Committed_AS (`simulate --vmas`).
Kills: the victim out of the kernel's own table of tasks (`oom --tasks`).
"""
import json
import os
import subprocess
import sys
import tempfile

HEAPTOP = os.environ.get("HEAPTOP") or os.path.join(os.path.dirname(__file__), "../../heaptop")
PAGE = 4096
WHOLE_SPACE = 1 << 32  # pages; more than this is refused by the address space alone


class Part:
    """What one kernel did in one respect, and how often heaptop said the same."""

    def __init__(self, name):
        self.name, self.equal, self.band, self.wrong, self.skipped, self.notes = name, 0, 0, 0, 0, []

    def add(self, ok, note=None, in_band=False):
        if ok:
            self.equal += 1
        elif in_band:
            self.band += 1
        else:
            self.wrong += 1
            self.notes.append(note)


def heaptop(args, text):
    done = subprocess.run([HEAPTOP, *args], input=text, capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr.strip()
    return [json.loads(line) for line in done.stdout.splitlines()], None


def release(kernel):
    return ".".join(kernel.split(".")[:2])


def whole(start):
    """A start as `heaptop snapshot --json` has it: records have VMAs as lines."""
    start = dict(start)
    start["vmas"] = [dict(zip(("start", "end", "perms", "name"), vma_words(text))) for text in start["vmas"]]
    return start


def vma_words(text):
    addresses, perms, name = (text.split(" ", 2) + [""])[:3]
    return ["0x" + address for address in addresses.split("-")] + [perms, name]


def snapshot_file(start):
    file = tempfile.NamedTemporaryFile("w", suffix=".json", delete=False)
    json.dump(start, file)
    file.close()
    return file.name


# --- limits ------------------------------------------------------------------------------------------


def words(kind, n, p):
    """The kind's operations for a request of n pages, and what takes them back."""
    sizes = {"$n": str(n * PAGE), "$p": str(p * PAGE), "$m": str(max(n, p) * PAGE)}
    ops = [op for op in [*kind["before"].split(";"), kind["asked"]] if op]
    for sign, size in sizes.items():
        ops = [op.replace(sign, size) for op in ops]
    return ops


def undo(kind, n, p, accepted):
    if kind["kind"] == "brk":
        return ["brk -%d" % (n * PAGE)] if accepted else []
    names = {op.split(" = ")[0] for op in words(kind, n, p) if " = " in op}
    if kind["kind"] == "mremap":
        return ["munmap b"]
    end = ["exit c"] if kind["kind"] == "fork" and accepted else []
    return end + ["munmap %s" % name for name in sorted(names)]


def questions(kind, limit):
    for n, accepted in ((limit["most"] + 1, False), (limit["most"], True)):
        if n:
            yield n, accepted, words(kind, n, limit["p"])


def judge_answer(part, limit, n, accepted, answers):
    """A request is refused when any of its operations is."""
    said = all(answer["outcome"] == "ok" and answer["errno"] == 0 for answer in answers)
    part.add(
        said == accepted,
        "%s: %d of %d pages is %s, heaptop says %s" % (limit["limit"], n, limit["most"],
            "accepted" if accepted else "refused", [answer["outcome"] for answer in answers]),
        any(answer.get("band_pages") for answer in answers),
    )


def has_base(start):
    """Only a process with a mapping of its own shows where mappings begin: the limit is then known."""
    return any(int(v["start"], 16) > int(start["brk"], 16) and not v["name"] for v in start["vmas"])


def settings_of(start, committed):
    """The same circumstances as options, for a file that tells of the process only its VMAs."""
    system, process = start["system"], start["process"]
    values = {"vm." + key: value for key, value in system["vm"].items()}
    # A kernel that has one of the two shows 0 for the other.
    del values["vm.overcommit_ratio" if values["vm.overcommit_kbytes"] else "vm.overcommit_kbytes"]
    values.update({
        "system.mem_total": system["mem_total"], "system.swap_total": system["swap_total"],
        "system.hugepages": system["hugetlb"] // (2 << 20), "system.cpus": system["cpus_online"],
        "system.committed": committed * PAGE, "rlimit.as": process["rlimit"]["as"],
        "rlimit.data": process["rlimit"]["data"], "cap_sys_admin": int(process["cap_sys_admin"]),
    })
    return [arg for key, value in values.items() for arg in ("--set", "%s=%s" % (key, value))]


def ask_each(part, kernel, start, questions_asked):
    """Each question has a run of its own, and all but the VMAs is said by --set."""
    name = snapshot_file({key: start[key] for key in ("schema", "pid", "comm", "brk", "vmas")})
    for limit, n, accepted, ops, _ in questions_asked:
        args = ["simulate", "-", "--from", name, "--kernel", release(kernel), "--json"]
        lines, error = heaptop(args + settings_of(start, limit["committed"]), "\n".join(ops))
        if error:
            part.add(False, error)
        else:
            judge_answer(part, limit, n, accepted, lines[: len(ops)])
    os.unlink(name)


def ask_in_turn(part, kernel, start, questions_asked):
    """What one process was asked, as one scenario in the kernel's order."""
    if not questions_asked:
        return
    name = snapshot_file(start)
    script = []
    for limit, _, _, ops, tail in questions_asked:
        script.append((["set system.committed %d" % (limit["committed"] * PAGE)], ops, tail))
    lines, error = heaptop(["simulate", "-", "--from", name, "--kernel", release(kernel), "--json"],
                           "\n".join(op for parts in script for ops in parts for op in ops))
    at = 0
    for (head, ops, tail), (limit, n, accepted, _, _) in zip(script, questions_asked):
        if error:
            part.add(False, error)
            break
        at += len(head)
        judge_answer(part, limit, n, accepted, lines[at : at + len(ops)])
        at += len(ops) + len(tail)
    os.unlink(name)


def where(start):
    vm, process = start["system"]["vm"], start["process"]
    return "[mode %d ratio %d kbytes %d admin %d user %d root %s as %s data %s] " % (
        vm["overcommit_memory"], vm["overcommit_ratio"], vm["overcommit_kbytes"],
        vm["admin_reserve_kbytes"], vm["user_reserve_kbytes"], process["cap_sys_admin"],
        process["rlimit"]["as"], process["rlimit"]["data"])


def run_limits(part, kernel, start, limits, kinds, each):
    asked, noted = [], len(part.notes)
    for limit in limits:
        kind = kinds[limit["limit"]]
        if limit["most"] >= WHOLE_SPACE and not has_base(start):
            continue
        for n, accepted, ops in questions(kind, limit):
            asked.append((limit, n, accepted, ops, undo(kind, n, limit["p"], accepted)))
    # Without its reservation a fixed mapping would replace the program: it is asked alone.
    alone = [question for question in asked if each or question[0]["limit"] == "fixed"]
    ask_each(part, kernel, start, alone)
    ask_in_turn(part, kernel, start, [question for question in asked if question not in alone])
    part.notes[noted:] = [where(start) + note for note in part.notes[noted:]]


def judge_limits(kernel, lines, each):
    part = Part("%s limits" % kernel)
    kinds, start, limits = {}, None, []
    for line in [*lines, {"start": None}]:
        if "kind" in line:
            kinds[line["kind"]] = line
        elif "most" in line:
            limits.append(line)
        elif "start" in line:
            if limits:
                run_limits(part, kernel, whole(start), limits, kinds, each)
            start, limits = line["start"], []
    return part


# --- steps --------------------------------------------------------------------------------------------


def listed(start, end, perms, name):
    return (int(start, 16), int(end, 16), perms, name)


def listed_text(text):
    return listed(*vma_words(text))


def differences(step, answer, vmas):
    """What of a step is not as foretold."""
    if answer.get("errno", 0) != step.get("errno", 0):
        yield "errno is %d, heaptop says %d" % (step.get("errno", 0), answer.get("errno", 0))
    elif "addr" in step and answer.get("addr") != step["addr"]:
        yield "address is %s, heaptop says %s" % (step["addr"], answer.get("addr"))
    if answer["commit_pages"] != step.get("commit", 0):
        yield "Committed_AS changes by %d, heaptop says %d" % (step.get("commit", 0), answer["commit_pages"])
    said = {listed(*vma) for vma in answer["vmas"] if vma[3] != "[vsyscall]"}
    if said != vmas:
        yield "VMAs: only real %s, only heaptop's %s" % tuple(
            [("%x-%x %s %s" % v) for v in sorted(side)] for side in (vmas - said, said - vmas))


def run_steps(part, kernel, start, steps, where):
    name = snapshot_file(start)
    ops = [step["op"] for step in steps]
    lines, error = heaptop(["simulate", "-", "--from", name, "--kernel", release(kernel), "--json", "--vmas"],
                           "\n".join(ops))
    os.unlink(name)
    if error:
        part.add(False, error)
        return
    vmas = {listed(v["start"], v["end"], v["perms"], v["name"]) for v in start["vmas"]}
    for number, (step, answer) in enumerate(zip(steps, lines)):
        vmas = vmas - {listed_text(v) for v in step.get("-", [])} | {listed_text(v) for v in step.get("+", [])}
        wrong = list(differences(step, answer, vmas))
        part.add(not wrong, "%s step %d, %s: %s" % (where, number, step["op"], "; ".join(wrong)),
                 bool(answer.get("band_pages")))
        if wrong:
            # The rest starts from another state.
            part.notes.append("  %d steps behind it are not judged" % (len(steps) - number - 1))
            part.skipped += len(steps) - number - 1
            break


def judge_steps(kernel, lines):
    part = Part("%s steps" % kernel)
    start, steps, count = None, [], 0
    for line in [*lines, {"steps": None}]:
        if "op" in line:
            steps.append(line)
        elif "steps" in line:
            if steps:
                run_steps(part, kernel, whole(start), steps, "sequence %d" % count)
                count += 1
            start, steps = line["steps"], []
    return part


# --- kills --------------------------------------------------------------------------------------------

TASK = ("pid", "comm", "rss", "swap", "pgtables_bytes", "adj", "flags", "oom_group")


def oom_table(record):
    table = {key: record[key] for key in ("mem_total", "swap_total", "limit", "swap_max", "invoker", "sysctl")
             if key in record}
    table["tasks"] = []
    for row in record["tasks"]:
        task = dict(zip(TASK, row))
        task["flags"] = task["flags"].split()
        if not task["oom_group"]:
            del task["oom_group"]
        table["tasks"].append(task)
    return table


def judge_kills(kernel, lines):
    part = Part("%s kills" % kernel)
    for record in [line for line in lines if "outcome" in line]:
        file = snapshot_file(oom_table(record))
        answer, error = heaptop(["oom", "--json", "--kernel", release(kernel), "--tasks", file], None)
        os.unlink(file)
        if error:
            part.add(False, "%s: %s" % (record["oom"], error))
            continue
        victim = answer[0]["victim"]
        said = (answer[0]["outcome"], [victim["pid"], victim["comm"]] if victim else None,
                sorted(answer[0]["group"]))
        real = (record["outcome"], record.get("victim"), record.get("group", []))
        part.add(said == real, "%s: %s, heaptop says %s" % (record["oom"], real, said))
    return part


# --- all ----------------------------------------------------------------------------------------------


def read_records(name):
    with open(name) as file:
        lines = [json.loads(line) for line in file if line.startswith("{")]
    kernel = next(line["kernel"] for line in lines if "kernel" in line)
    return kernel, lines


def main():
    args = sys.argv[1:]
    each = "--each" in args
    show = int(args[args.index("--show") + 1]) if "--show" in args else 20
    files = [a for i, a in enumerate(args) if not a.startswith("--") and (not i or args[i - 1] != "--show")]
    number, failed = 0, False
    for name in files:
        kernel, lines = read_records(name)
        parts = []
        if any("most" in line for line in lines):
            parts.append(judge_limits(kernel, lines, each))
        if any("op" in line for line in lines):
            parts.append(judge_steps(kernel, lines))
        if any("outcome" in line for line in lines):
            parts.append(judge_kills(kernel, lines))
        for part in parts:
            number += 1
            failed |= part.wrong > 0
            print("%s %d - Linux %s: %d equal, %d within the band, %d different" % (
                "not ok" if part.wrong else "ok", number, part.name, part.equal, part.band, part.wrong))
            for note in part.notes[:show]:
                print("#   %s" % note)
    sys.exit(failed)


if __name__ == "__main__":
    main()
