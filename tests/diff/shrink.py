#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Shrinks a failing scenario to the smallest one that still fails (delta debugging by lines).

    shrink.py FROM TO -- DRIVER… -- VERSION STORE INTERP
"""
import os
import re
import subprocess
import sys
import tempfile


def command_of(driver, version, store, interp):
    if version == "host":
        return driver, [interp]
    return driver, [f"{store}/{version}/ld.so", "--library-path", f"{store}/{version}/lib", interp]


class Shrinker:
    def __init__(self, driver, command):
        self.driver, self.command = driver, command
        self.directives, self.kind = [], None
        self.path = tempfile.mkstemp(suffix=".scn")[1]

    def write(self, path, lines, head=()):
        with open(path, "w", encoding="ascii") as f:
            f.write("\n".join([*head, *self.directives, *lines]) + "\n")

    def fails(self, lines):
        """Does it still fail, in the same way and not because it means nothing any more?"""
        self.write(self.path, lines)
        try:
            run = subprocess.run([*self.driver, self.path, "--", *self.command],
                                 capture_output=True, text=True, timeout=60, check=False)
        except subprocess.TimeoutExpired:
            return False
        kind = re.search(r"differs: (.*)", run.stdout)
        if run.returncode != 1 or "refused" in run.stdout or not kind:
            return False
        self.kind = self.kind or kind[1]
        return kind[1] == self.kind

    def shrink(self, lines):
        size = len(lines) // 2
        while size:
            at, smaller = 0, False
            while at < len(lines):
                rest = lines[:at] + lines[at + size:]
                if self.fails(rest):
                    lines, smaller = rest, True
                else:
                    at += size
            if size > 1 or not smaller:
                size //= 2
        return lines


def main():
    args = sys.argv[1:]
    first = args.index("--")
    second = args.index("--", first + 1)
    source, target = args[:first]
    shrinker = Shrinker(*command_of(args[first + 1:second], *args[second + 1:]))
    with open(source, encoding="ascii") as f:
        lines = f.read().splitlines()
    shrinker.directives = [line for line in lines if line.startswith("#!")]
    lines = [line for line in lines if not line.startswith("#")]
    try:
        if not shrinker.fails(lines):
            print("# does not fail a second time")
            return 1
        lines = shrinker.shrink(lines)
    finally:
        os.unlink(shrinker.path)
    shrinker.write(target, lines, [f"# found by a generated scenario under glibc {args[second + 1]}"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
