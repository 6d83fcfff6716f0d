# SPDX-License-Identifier: GPL-2.0-or-later
#
# make            builds ./heaptop
# make demo       installs what is missing, builds, starts the built-in workload and attaches
# make check      installs what is missing, builds, runs the quick tests
# Others: run bench fuzz asan ubsan tsan coverage lint format install uninstall clean
# OUT=DIR builds elsewhere; V=1 shows commands; CC, CFLAGS, CPPFLAGS, LDFLAGS are added to, never replaced.

VERSION := 0.1.0
OUT     ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
bindir  ?= $(PREFIX)/bin
datadir ?= $(PREFIX)/share
mandir  ?= $(datadir)/man
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
PKG_LIBS   = $(eval PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES)))$(PKG_LIBS)
TEST_LIBS  = $(eval TEST_LIBS := $(shell $(PKG_CONFIG) --libs $(TEST_PACKAGES)))$(TEST_LIBS)

MODEL_SRC  := $(sort $(wildcard model/*/*.c))
PROBES_SRC := $(sort $(wildcard probes/*.c))
TUI_SRC    := $(sort $(filter-out tui/main.c,$(wildcard tui/*.c)))
UNIT_SRC   := $(sort $(wildcard tests/unit/test_*.c))
LIB_SRC    := $(sort $(wildcard tests/lib/*.c))

obj = $(patsubst %.c,$(OUT)/%.o,$(1))
ARCHIVES := $(OUT)/libtui.a $(OUT)/libprobes.a $(OUT)/libmodel.a
UNIT_BIN := $(patsubst %.c,$(OUT)/%,$(UNIT_SRC))

.PHONY: all
all: heaptop

heaptop: $(OUT)/heaptop
	$(Q)cp -f $< $@

$(OUT)/heaptop: $(call obj,tui/main.c) $(ARCHIVES)
	@echo "LD $@"
	$(Q)$(CC) $(HT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(LDLIBS)

$(OUT)/libmodel.a: $(call obj,$(MODEL_SRC))
$(OUT)/libprobes.a: $(call obj,$(PROBES_SRC))
$(OUT)/libtui.a: $(call obj,$(TUI_SRC))
$(OUT)/libtest.a: $(call obj,$(LIB_SRC))
$(OUT)/lib%.a:
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	@echo "CC $<"
	$(Q)$(CC) $(HT_CPPFLAGS) $(CPPFLAGS) $(HT_CFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The model may use libc's pure part only; linking it against nothing else proves half of that,
# tests/layers.sh the other half.
$(OUT)/tests/unit/%: $(OUT)/tests/unit/%.o $(OUT)/libtest.a $(ARCHIVES)
	@echo "LD $@"
	$(Q)$(CC) $(HT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(TEST_LIBS) $(PKG_LIBS) $(LDLIBS)

.PHONY: unit
unit: $(UNIT_BIN)
	$(Q)set -e; for t in $(UNIT_BIN); do $$t; done

.PHONY: clean
clean:
	rm -rf build build-* heaptop

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
.SECONDARY:
