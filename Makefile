# SPDX-License-Identifier: GPL-2.0-or-later
#
# make            builds ./heaptop
# make demo       installs what is missing, builds, starts the built-in workload and attaches
# make check      installs what is missing, builds, runs the quick tests
# make check-vm   what Linux does, on real kernels in an emulator (installs qemu)
# make test-diff  what simulate foretells, against real glibcs (diff-full: a million operations)
# Others: run bench fuzz asan ubsan tsan coverage lint format docs install uninstall clean
# OUT=DIR builds elsewhere, and the program is DIR/heaptop; V=1 shows commands; CC, CFLAGS, CPPFLAGS, LDFLAGS are added to, never replaced.

VERSION := 0.1.0
OUT     ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
bindir  ?= $(PREFIX)/bin
datadir ?= $(PREFIX)/share
mandir  ?= $(datadir)/man
docdir  ?= $(datadir)/doc/heaptop
PKG_CONFIG ?= pkg-config
Q := $(if $(V),,@)

PACKAGES  := ncursesw panelw libproc2 libelf libdw jansson inih libxxhash libcap libutf8proc
TEST_PACKAGES := cmocka

HT_CPPFLAGS := -I. -D_GNU_SOURCE -DHEAPTOP_VERSION='"$(VERSION)"' -DHEAPTOP_DATADIR='"$(datadir)/heaptop"'
HT_CFLAGS := -std=gnu17 -O2 -g -fno-common -fstack-protector-strong -fPIE -ffile-prefix-map=$(CURDIR)=. \
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wold-style-definition -Wmissing-prototypes -Wmissing-declarations -Wvla -Wundef -Wwrite-strings \
	-Wpointer-arith -Wcast-align -Wcast-qual -Wformat=2 -Wswitch-enum -Wimplicit-fallthrough \
	-Wnull-dereference -Wdouble-promotion
ifeq ($(findstring clang,$(shell $(CC) --version 2>/dev/null)),clang)
HT_CFLAGS += -Wmissing-variable-declarations -Wcomma -Wunreachable-code -Wextra-semi-stmt
else
HT_CFLAGS += -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Walloca
endif
ifndef SANITIZE
HT_CPPFLAGS += -D_FORTIFY_SOURCE=2
else
HT_CFLAGS += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
HT_LDFLAGS += -fsanitize=$(SANITIZE)
endif
ifdef WERROR
HT_CFLAGS += -Werror
endif
HT_LDFLAGS += -pie -Wl,-z,relro,-z,now -pthread

# Only asked when something is built, so that `make help`-like targets work on a bare machine.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lm)$(PKG_LIBS)
TEST_LIBS  = $(eval TEST_LIBS := $(shell $(PKG_CONFIG) --libs $(TEST_PACKAGES)))$(TEST_LIBS)

MODEL_SRC  := $(sort $(wildcard model/*/*.c))
PROBES_SRC := $(sort $(wildcard probes/*.c))
TUI_SRC    := $(sort $(filter-out tui/main.c,$(wildcard tui/*.c)))
UNIT_SRC   := $(sort $(wildcard tests/unit/test_*.c))
LIB_SRC    := $(sort $(wildcard tests/lib/*.c))
TEST_PROGRAMS = $(OUT)/tests/screens/app_demo
THEMES     := $(sort $(wildcard themes/*.theme))
GENERATED_SRC := $(OUT)/gen/theme_builtin.c

obj = $(patsubst %.c,$(OUT)/%.o,$(1))
ARCHIVES := $(OUT)/libtui.a $(OUT)/libprobes.a $(OUT)/libmodel.a
UNIT_BIN := $(patsubst %.c,$(OUT)/%,$(UNIT_SRC))

PROGRAM := $(if $(filter build,$(OUT)),heaptop,$(OUT)/heaptop)

.PHONY: all
all: $(PROGRAM)

heaptop: $(OUT)/heaptop
	$(Q)cp -f $< $@

$(OUT)/heaptop: $(call obj,tui/main.c) $(ARCHIVES)
	@echo "LD $@"
	$(Q)$(CC) $(HT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(LDLIBS)

$(OUT)/libmodel.a: $(call obj,$(MODEL_SRC))
$(OUT)/libprobes.a: $(call obj,$(PROBES_SRC))
$(OUT)/libtui.a: $(call obj,$(TUI_SRC)) $(GENERATED_SRC:.c=.o)
$(OUT)/libtest.a: $(call obj,$(LIB_SRC))
$(OUT)/lib%.a:
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	@echo "CC $<"
	$(Q)$(CC) $(HT_CPPFLAGS) $(CPPFLAGS) $(HT_CFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The allocator model is measured against glibc itself: its accessors are worth inlining everywhere.
ifndef SANITIZE
$(OUT)/model/glibc/%.o $(OUT)/model/sim/%.o: HT_CFLAGS += -O3
endif

# Themes are compiled in, so that the program runs from wherever it lies.
$(OUT)/gen/theme_builtin.c: themes/embed.sh $(THEMES)
	@mkdir -p $(@D)
	$(Q)themes/embed.sh $(THEMES) > $@.tmp && mv $@.tmp $@

$(OUT)/gen/%.o: $(OUT)/gen/%.c
	@echo "CC $<"
	$(Q)$(CC) $(HT_CPPFLAGS) $(CPPFLAGS) $(HT_CFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The model may use libc's pure part only; linking it against nothing else proves half of that,
# tests/layers.sh the other half.
$(OUT)/tests/unit/%: $(OUT)/tests/unit/%.o $(OUT)/libtest.a $(ARCHIVES)
	@echo "LD $@"
	$(Q)$(CC) $(HT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(TEST_LIBS) $(PKG_LIBS) $(LDLIBS)

$(OUT)/tests/bench/%: $(OUT)/tests/bench/%.o $(OUT)/libtest.a $(ARCHIVES)
	@echo "LD $@"
	$(Q)$(CC) $(HT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(LDLIBS)

# Programs that shell tests run: the terminal program on invented data.
$(OUT)/tests/screens/%: $(OUT)/tests/screens/%.o $(OUT)/libtest.a $(ARCHIVES)
	@echo "LD $@"
	$(Q)$(CC) $(HT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(TEST_LIBS) $(PKG_LIBS) $(LDLIBS)

# --- what people type ----------------------------------------------------------------------------

.PHONY: demo run
demo:
	@.ci/setup build
	@$(MAKE) --no-print-directory all
	$(abspath $(PROGRAM)) demo

run: all
	$(abspath $(PROGRAM)) $(PID)

# --- tests ---------------------------------------------------------------------------------------

FUZZ_SRC  := $(sort $(wildcard tests/fuzz/fuzz_*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/bench_*.c))
REPLAY_BIN := $(patsubst tests/fuzz/%.c,$(OUT)/tests/replay/%,$(FUZZ_SRC))
FUZZ_BIN   := $(patsubst tests/fuzz/%.c,$(OUT)/fuzz/%,$(FUZZ_SRC))
BENCH_BIN  := $(patsubst %.c,$(OUT)/%,$(BENCH_SRC))
SCREEN_TESTS := $(sort $(wildcard tests/screens/test_*.sh))
CRASH_TESTS  := $(sort $(wildcard tests/crash/test_*.sh))
CLI_TESTS    := $(sort $(wildcard tests/cli/test_*.sh))
VM_TESTS     := $(sort $(wildcard tests/vm/test_*.sh))
TRUTH_TESTS  := $(sort $(wildcard tests/truth/test_*.sh))
FUZZ_SECONDS ?= 30

export HEAPTOP ?= $(abspath $(PROGRAM))
export HEAPTOP_OUT = $(abspath $(OUT))
export CC

.PHONY: check check-build test-quick unit
check:
	@.ci/setup check
	@$(MAKE) --no-print-directory check-build
	@$(MAKE) --no-print-directory test-quick

check-build: all $(UNIT_BIN) $(REPLAY_BIN) $(TEST_PROGRAMS)

# tests/layers.sh wants to know where the archives are.
$(OUT)/layers.sh: Makefile
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec $(CURDIR)/tests/layers.sh $(abspath $(OUT))\n' > $@ && chmod +x $@

test-quick: $(OUT)/layers.sh
	@tests/run $(OUT)/logs $(OUT)/layers.sh $(UNIT_BIN) $(REPLAY_BIN) $(CLI_TESTS) $(CRASH_TESTS) $(SCREEN_TESTS) $(VM_TESTS)

# Against Debian's four glibcs, unpacked and not installed, and real programs.
.PHONY: test-truth
test-truth: all
	@tests/run -t 900 $(OUT)/logs $(TRUTH_TESTS)

# What simulate foretells against what this machine's and Debian's glibcs do: every scenario, and
# generated ones; diff-full is at least a million operations.
DIFF_DRIVER := $(OUT)/tests/diff/diff
DIFF_TESTS  := tests/diff/test_reached.sh tests/diff/test_scenarios.sh tests/diff/test_generated.sh tests/diff/test_words.sh
DIFF_REACHED := $(OUT)/tests/diff/reached
$(DIFF_DRIVER): $(call obj,$(addprefix tests/diff/,diff.c trace.c predict.c compare.c))
	@echo "LD $@"
	$(Q)$(CC) $(HT_LDFLAGS) $(LDFLAGS) -o $@ $^
$(DIFF_REACHED): $(call obj,tests/diff/reached.c) $(OUT)/libtest.a $(ARCHIVES)
	@echo "LD $@"
	$(Q)$(CC) $(HT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(TEST_LIBS) $(PKG_LIBS) $(LDLIBS)

.PHONY: test-diff diff-full
test-diff: all $(DIFF_DRIVER) $(DIFF_REACHED)
	@tests/run -t 900 $(OUT)/logs $(DIFF_TESTS)
diff-full: all $(DIFF_DRIVER) $(DIFF_REACHED)
	@DIFF_SEEDS='1 2 3 4 5' DIFF_LENGTH=3000 tests/run -t 7200 $(OUT)/logs $(DIFF_TESTS)
	@grep -h '^# .* compared' $(OUT)/logs/test_scenarios.log $(OUT)/logs/test_generated.log

# Debian's own kernels, unpacked and not installed, booted in an emulator without any help of this
# machine's kernel: what tests/vm/records holds is done again, and judged.
.PHONY: check-vm
check-vm: all
	@.ci/setup vm
	@tests/run -t 7200 $(OUT)/logs tests/vm/record.sh

unit: $(UNIT_BIN)
	@tests/run $(OUT)/logs $(UNIT_BIN)

# The program and its unit tests under a sanitizer, in a build of its own.
.PHONY: asan ubsan tsan
asan ubsan:
	@$(MAKE) --no-print-directory OUT=build-asan SANITIZE=address,undefined build-asan/heaptop unit
tsan:
	@$(MAKE) --no-print-directory OUT=build-tsan SANITIZE=thread build-tsan/heaptop tsan-unit

# Where threads meet. The other tests watch children of theirs, and a child of a program under the
# thread sanitizer may start no threads.
.PHONY: tsan-unit
TSAN_BIN := $(addprefix $(OUT)/tests/unit/,test_snapshot test_sampler)
tsan-unit: $(TSAN_BIN)
	@tests/run $(OUT)/logs $(TSAN_BIN)

.PHONY: coverage
coverage:
	@$(MAKE) --no-print-directory OUT=build-cov CFLAGS='--coverage -O0 -Wno-null-dereference' LDFLAGS=--coverage unit
	gcovr -r . --object-directory build-cov -e 'tests/' --print-summary | tail -n 40

$(OUT)/tests/replay/%: $(OUT)/tests/fuzz/%.o $(OUT)/tests/fuzz/replay.o $(OUT)/libtest.a $(ARCHIVES)
	@mkdir -p $(@D)
	@echo "LD $@"
	$(Q)$(CC) $(HT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(LDLIBS)

# libFuzzer, so clang whatever CC is, in a build of its own; the corpus is what `make check` replays.
$(OUT)/fuzz/%: $(OUT)/tests/fuzz/%.o $(OUT)/libtest.a $(ARCHIVES)
	@mkdir -p $(@D)
	@echo "LD $@"
	$(Q)$(CC) -fsanitize=fuzzer,address,undefined $(HT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(LDLIBS)

.PHONY: fuzz fuzz-run
fuzz:
	@$(MAKE) --no-print-directory OUT=build-fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined fuzz-run

fuzz-run: $(FUZZ_BIN)
	$(Q)set -e; for f in $(FUZZ_BIN); do name=$${f##*/}; mkdir -p $(OUT)/corpus/$$name tests/fuzz/corpus/$$name; \
		echo "fuzzing $$name for $(FUZZ_SECONDS) s"; \
		$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=0 \
			-artifact_prefix=$(OUT)/corpus/ $(OUT)/corpus/$$name tests/fuzz/corpus/$$name; done

.PHONY: bench
bench: all $(BENCH_BIN)
	@set -e; for b in $(BENCH_BIN) $(sort $(wildcard tests/bench/bench_*.sh)); do $$b; done

# --- upkeep --------------------------------------------------------------------------------------

FORMATTED := $(sort $(wildcard model/*/*.[ch] probes/*.[ch] tui/*.[ch] tests/*/*.[ch]))

.PHONY: format format-check lint
format:
	clang-format -i $(FORMATTED)
format-check:
	clang-format --dry-run -Werror $(FORMATTED)

# One file a process: the analyzer of clang 14 carries state from one file over to the next.
lint: format-check
	$(Q)printf '%s\n' $(MODEL_SRC) $(PROBES_SRC) $(TUI_SRC) tui/main.c | xargs -P 2 -I{} \
		clang-tidy --quiet {} -- $(HT_CPPFLAGS) -std=gnu17 $(PKG_CFLAGS) 2>&1 | \
		{ ! grep -vE '^[0-9]+ warnings? generated'; }

# The tables of README and the manual pages, from those of the program.
.PHONY: docs
docs: all
	@man/fill.sh $(abspath $(PROGRAM)) README.md man/heaptop.1 man/heaptop.5

bashdir ?= $(datadir)/bash-completion/completions
zshdir  ?= $(datadir)/zsh/site-functions
fishdir ?= $(datadir)/fish/vendor_completions.d
COMPLETIONS := $(addprefix $(OUT)/completion/,heaptop.bash heaptop.zsh heaptop.fish)
$(OUT)/completion/heaptop.%: $(OUT)/heaptop
	@mkdir -p $(@D)
	$(Q)$< --completion $* > $@.tmp && mv $@.tmp $@

.PHONY: install uninstall
install: all $(COMPLETIONS)
	install -Dm755 $(PROGRAM) $(DESTDIR)$(bindir)/heaptop
	install -Dm644 man/heaptop.1 $(DESTDIR)$(mandir)/man1/heaptop.1
	install -Dm644 man/heaptop.5 $(DESTDIR)$(mandir)/man5/heaptop.5
	install -Dm644 $(OUT)/completion/heaptop.bash $(DESTDIR)$(bashdir)/heaptop
	install -Dm644 $(OUT)/completion/heaptop.zsh $(DESTDIR)$(zshdir)/_heaptop
	install -Dm644 $(OUT)/completion/heaptop.fish $(DESTDIR)$(fishdir)/heaptop.fish
	install -d $(DESTDIR)$(docdir)
	install -m644 docs/*.md $(DESTDIR)$(docdir)
	install -d $(DESTDIR)$(datadir)/heaptop/themes
	install -m644 themes/*.theme $(DESTDIR)$(datadir)/heaptop/themes

uninstall:
	rm -f $(DESTDIR)$(bindir)/heaptop $(DESTDIR)$(mandir)/man1/heaptop.1 $(DESTDIR)$(mandir)/man5/heaptop.5
	rm -f $(DESTDIR)$(bashdir)/heaptop $(DESTDIR)$(zshdir)/_heaptop $(DESTDIR)$(fishdir)/heaptop.fish
	rm -rf $(DESTDIR)$(datadir)/heaptop $(DESTDIR)$(docdir)

.PHONY: clean
clean:
	rm -rf build build-* heaptop

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
.SECONDARY:
