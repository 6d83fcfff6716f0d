#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a scenario of random operations, the same one for the same seed.

    gen.py PROFILE SEED LENGTH
    gen.py --list
"""
import random
import sys

# What a profile is made of: sizes as (weight, low, high), verbs by weight, and what else it has.
TINY = [(1, 0, 128)]
SMALL = [(6, 0, 128), (3, 128, 600), (1, 600, 1040)]
MIXED = [(1, 16, 512)]
MEDIUM = [(4, 500, 1100), (4, 1000, 4000), (1, 24, 200)]
LARGE = [(3, 1000, 10000), (3, 10000, 70000), (1, 24, 1000), (1, 70000, 125000)]
HUGE = [(3, 60000, 140000), (3, 128 << 10, 1 << 20), (1, 24, 4000), (0.3, 1 << 20, 40 << 20)]
ANY = [(8, 0, 1040), (4, 1000, 30000), (1, 30000, 300000), (0.1, 300000, 5 << 20)]

BASIC = {"malloc": 10, "free": 9}
ALL = {"malloc": 10, "free": 9, "calloc": 2, "realloc": 3, "memalign": 1, "trim": 0.05, "touch": 0.3,
       "mallopt": 0.05, "sbrk": 0.05, "wrong": 0.03, "mmap": 0.05, "munmap": 0.04}

PROFILES = {
    "tcache": {"sizes": SMALL, "verbs": BASIC, "live": 60},
    "tiny": {"sizes": TINY, "verbs": BASIC, "live": 300},
    "mixed": {"sizes": MIXED, "verbs": BASIC, "live": 1000},
    "medium": {"sizes": MEDIUM, "verbs": BASIC, "live": 100},
    "large": {"sizes": LARGE, "verbs": BASIC, "live": 60},
    "threshold": {"sizes": HUGE, "verbs": {**BASIC, "realloc": 3, "calloc": 1}, "live": 25},
    "memalign": {"sizes": ANY, "verbs": {**BASIC, "memalign": 6, "posix_memalign": 2, "aligned_alloc": 2,
                                         "valloc": 1, "pvalloc": 1}, "live": 80},
    "realloc": {"sizes": ANY, "verbs": {**BASIC, "realloc": 20}, "live": 40},
    "calloc": {"sizes": ANY, "verbs": {**BASIC, "calloc": 15}, "live": 80},
    "trim": {"sizes": LARGE, "verbs": {**BASIC, "trim": 1, "mallopt": 0.2}, "live": 60,
             "head": ["mallopt M_MMAP_THRESHOLD 4M"], "bursts": True},
    "mallopt": {"sizes": ANY, "verbs": {**ALL, "mallopt": 2}, "live": 80},
    "sbrk": {"sizes": LARGE, "verbs": {**BASIC, "sbrk": 2, "brk": 0.3, "trim": 0.3}, "live": 50,
             "head": ["mallopt M_MMAP_THRESHOLD 4M"], "bursts": True},
    "maps": {"sizes": HUGE, "verbs": {**BASIC, "mmap": 4, "munmap": 3, "realloc": 2}, "live": 20},
    "all": {"sizes": ANY, "verbs": ALL, "live": 150},
    "bursts": {"sizes": ANY, "verbs": ALL, "live": 400, "bursts": True},
    "threads": {"sizes": ANY, "verbs": ALL, "live": 200, "threads": 8, "stacks": "own"},
    "exits": {"sizes": SMALL, "verbs": ALL, "live": 150, "threads": 6, "stacks": "own", "exit": 2,
              "stay": 8},
    "arenas": {"sizes": LARGE, "verbs": ALL, "live": 120, "threads": 24, "stacks": "own", "exit": 0.5,
               "stay": 12},
    "stacks": {"sizes": SMALL, "verbs": ALL, "live": 100, "threads": 8, "stacks": "glibc", "exit": 2,
               "stay": 6},
    "heaps": {"sizes": [(1, 24, 4000), (2, 100000, 9 << 20)], "verbs": BASIC, "live": 40,
              "threads": 2, "stacks": "own", "head": ["mallopt M_MMAP_THRESHOLD 32M"],
              "bursts": True},
    "fence": {"sizes": LARGE, "verbs": {**BASIC, "realloc": 1, "trim": 0.2}, "live": 120,
              "head": ["mallopt M_MMAP_THRESHOLD 8M", "first = malloc 100",
                       "fence = mmap 4K at first+0x80000"], "bursts": True},
    "limit": {"sizes": [(3, 24, 5000), (2, 100000, 40 << 20)],
              "verbs": {**BASIC, "realloc": 2, "calloc": 1}, "live": 120, "threads": 4,
              "stacks": "own", "head": ["set rlimit.as 1400M"]},
    "tunables": {"sizes": ANY, "verbs": ALL, "live": 150, "tunables": True},
}

MALLOPTS = [("M_MMAP_THRESHOLD", [0, 4096, 65536, 131072, 1 << 20, 32 << 20, 33 << 20]),
            ("M_TRIM_THRESHOLD", [0, 4096, 131072, 1 << 20, -1]),
            ("M_TOP_PAD", [0, 1, 4096, 65536, 131072, 1 << 20]), ("M_MMAP_MAX", [0, 2, 65536, -1]),
            ("M_ARENA_TEST", [1, 2, 8]), ("M_ARENA_MAX", [1, 2, 4, 8]),
            ("M_MXFAST", [0, 7, 24, 64, 128, 160, 161]), ("M_PERTURB", [0, 0, 1, 170, 256])]
TUNABLES = [("tcache_count", [0, 1, 3, 100, 1000]), ("tcache_max", [0, 100, 500, 1032, 5000, 100000]),
            ("tcache_unsorted_limit", [1, 5, 50]), ("mxfast", [0, 64, 160]), ("arena_max", [1, 2, 3]),
            ("arena_test", [1, 2]), ("mmap_max", [0, 5]), ("mmap_threshold", [50000, 1 << 20]),
            ("trim_threshold", [100000, 1 << 20]), ("top_pad", [0, 4096, 500000]), ("perturb", [7])]


class Generator:
    def __init__(self, profile, seed):
        self.p = PROFILES[profile]
        self.r = random.Random(f"{profile} {seed}")
        self.verbs = list(self.p["verbs"])
        self.weights = [self.p["verbs"][v] for v in self.verbs]
        self.live, self.maps, self.threads = [], [], []
        self.free_names = [f"n{i}" for i in range(self.p["live"] * 2)]
        self.made = self.lines = 0
        self.grows = True
        self.is_break_hidden = False  # nobody can read where in its last page brk(2) left it

    def out(self, line):
        self.lines += 1
        print(line)

    def size(self):
        sizes = self.p["sizes"]
        _, low, high = self.r.choices(sizes, [s[0] for s in sizes])[0]
        size = self.r.randint(low, high)
        if self.r.random() < 0.2:
            size = min(high, (size + 15) // 16 * 16 + self.r.choice([-9, -8, -7, 0, 8]))
        return max(0, size)

    def name(self):
        if not self.free_names or self.r.random() < 0.001:
            return self.r.choice(self.live)  # the old block leaks
        name = self.free_names.pop(self.r.randrange(len(self.free_names)))
        self.live.append(name)
        return name

    def take(self):
        at = self.r.randrange(len(self.live))
        self.live[at], self.live[-1] = self.live[-1], self.live[at]
        return self.live.pop()

    def allocate(self, verb):
        if verb == "calloc":
            n = self.r.choice([1, 1, 2, 7])
            self.out(f"{self.name()} = calloc {n} {self.size() // n}")
        elif verb in ("valloc", "pvalloc"):
            self.out(f"{self.name()} = {verb} {self.size()}")
        elif verb in ("memalign", "posix_memalign", "aligned_alloc"):
            alignment = self.r.choice([8, 16, 32, 48, 64, 128, 256, 1024, 4096, 65536])
            self.out(f"{self.name()} = {verb} {alignment} {self.size()}")
        else:
            self.out(f"{self.name()} = malloc {self.size()}")

    def release(self):
        name = self.take()
        self.out(f"free {name}")
        self.free_names.append(name)

    def reallocate(self):
        name = self.r.choice(self.live)
        if self.r.random() < 0.1 and self.free_names:
            other = self.name()
            self.out(f"{other} = realloc {name} {self.size() + 1}")
            self.live.remove(name)
            self.free_names.append(name)
        else:
            self.out(f"{name} = realloc {name} {self.size() + 1}")

    def other(self, verb):
        r = self.r
        if verb == "trim":
            self.out(f"trim {r.choice([0, 0, 4096, 131072, 1 << 20])}")
        elif verb == "mallopt":
            param, values = r.choice(MALLOPTS)
            self.out(f"mallopt {param} {r.choice(values)}")
        elif verb == "sbrk":
            self.out(f"sbrk {r.choice([0, 1, 8, 24, 100, 4096, 5000, 65536, 1 << 20])}")
        elif verb == "brk":
            self.out(f"brk {r.choice([16, 4096, 12345])}")
            self.is_break_hidden = True
        elif verb == "touch":
            self.out(f"touch {r.choice(self.live)}")
        elif verb == "mmap":
            self.maps.append(f"m{self.lines}")
            words = r.choice(["", " none", " noreserve", " shared", ""])
            self.out(f"{self.maps[-1]} = mmap {r.choice([4096, 65536, 1 << 20, 3 << 20, 12345])}{words}")
        elif verb == "munmap" and self.maps:
            self.out(f"munmap {self.maps.pop(r.randrange(len(self.maps)))}")
        elif verb == "wrong":
            size = r.choice(["0x7fffffffffffffff", "0xffffffffffffffff", "0x400000000000"])
            self.out(r.choice([f"wrong = malloc {size}", f"wrong = calloc {size} 9",
                               f"wrong = memalign 64 {size}", "free NOTHING"]))

    def change_thread(self):
        r = self.r
        if self.threads and r.random() < self.p.get("exit", 0.1) / 4:
            self.out(f"exit_thread {self.threads.pop(r.randrange(len(self.threads)))}")
        elif len(self.threads) < self.p["threads"] and r.random() < 0.4:
            self.made += 1
            self.threads.append(f"t{self.made}")
            self.out(f"thread {self.threads[-1]}")
        else:
            self.out(f"thread {r.choice(self.threads + ['main'])}")

    def wants_free(self):
        if not self.p.get("bursts"):
            return len(self.live) > self.r.randint(0, self.p["live"])
        if len(self.live) >= self.p["live"]:
            self.grows = False
        elif len(self.live) < self.p["live"] // 10:
            self.grows = True
        return self.r.random() < (0.2 if self.grows else 0.8)

    def step(self):
        if "threads" in self.p and self.r.random() < 1 / self.p.get("stay", 25):
            self.change_thread()
        verb = self.r.choices(self.verbs, self.weights)[0]
        if verb in ("malloc", "free"):
            verb = "free" if self.live and self.wants_free() else "malloc"
        if verb in ("malloc", "calloc", "memalign", "posix_memalign", "aligned_alloc", "valloc", "pvalloc"):
            self.allocate(verb)
        elif not self.live:
            self.allocate("malloc")
        elif verb == "free":
            self.release()
        elif verb == "realloc":
            self.reallocate()
        else:
            self.other(verb)

    def run(self, length):
        if "stacks" in self.p:
            print(f"#! stacks={self.p['stacks']}")
        if "tunables" in self.p:
            chosen = self.r.sample(TUNABLES, self.r.randint(1, 4))
            print("#! tunables=" + ":".join(f"glibc.malloc.{k}={self.r.choice(v)}" for k, v in chosen))
        for line in self.p.get("head", []):
            self.out(line)
        pauses = [length // 3, length * 4 // 5]
        while self.lines < length:
            if pauses and self.lines >= pauses[0]:
                pauses.pop(0)
                if self.is_break_hidden:
                    self.out("sbrk 4096")
                self.is_break_hidden = False
                self.out("pause")
            self.step()
        while self.r.random() < 0.5 and self.live:
            self.release()


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(PROFILES))
    else:
        Generator(sys.argv[1], sys.argv[2]).run(int(sys.argv[3]))


if __name__ == "__main__":
    main()
