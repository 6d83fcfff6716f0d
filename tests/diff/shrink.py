#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Shrinks a failing scenario to the smallest one that still fails (delta debugging by lines).

    shrink.py FROM TO -- DRIVER… -- VERSION STORE INTERP
"""
import os
import subprocess
import sys
import tempfile


def command_of(driver, version, store, interp):
    if version == "host":
        return driver, [interp]
    return driver, [f"{store}/{version}/ld.so", "--library-path", f"{store}/{version}/lib", interp]


class Shrinker:
    def __init__(self, driver, command):
        self.driver, self.command, self.runs = driver, command, 0
        self.path = tempfile.mkstemp(suffix=".scn")[1]

    def fails(self, lines):
        """Does it still fail, as a comparison and not because it means nothing any more?"""
        with open(self.path, "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        self.runs += 1
        try:
            run = subprocess.run([*self.driver, self.path, "--", *self.command],
                                 capture_output=True, text=True, timeout=60, check=False)
        except subprocess.TimeoutExpired:
            return False
        return run.returncode == 1 and "refused" not in run.stdout and "differs:" in run.stdout

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
    try:
        if not shrinker.fails(lines):
            print("# does not fail a second time")
            return 1
        lines = shrinker.shrink(lines)
    finally:
        os.unlink(shrinker.path)
    with open(target, "w", encoding="ascii") as f:
        f.write(f"# found by a generated scenario under glibc {args[second + 1]}\n")
        f.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
