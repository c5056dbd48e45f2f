# SPDX-License-Identifier: MIT
# make             build            make demo   install what is missing, build, audit a shipped story
# make check       all tests        make check SAN=1   the same under address and undefined sanitizers
# make bench fuzz format install clean deps
ifeq ($(origin CC),default)
CC       = gcc
endif
VERSION  = 0.1.0
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= /etc
MANDIR  ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/mptcp-audit
UNITDIR ?= $(PREFIX)/lib/systemd/system
COMPDIR ?= $(PREFIX)/share/bash-completion/completions
NDPI    ?= $(shell pkg-config --exists libndpi 2>/dev/null && echo 1)
FUZZ_SECONDS ?= 60
JOBS    ?= $(shell nproc 2>/dev/null || echo 1)

WARN     = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wconversion
CFLAGS  ?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE -DMPTCP_AUDIT_VERSION='"$(VERSION)"'
LIBS     = -lpcap -ljansson -lnettle -lz -lzstd -linih -lseccomp -lsqlite3 -lm
O       := $(BUILD)
ifeq ($(SAN),1)
O       := $(BUILD)-san
CFLAGS  += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1
else ifneq ($(findstring gcc,$(CC)),)
# The way of a packet crosses seven files: seen as a whole it takes a fifth less time (make bench).
LTO      = -flto=auto -ffat-lto-objects
endif
ifeq ($(NDPI),1)
APPID    = dissect/appid_ndpi.c
CPPFLAGS += $(shell pkg-config --cflags-only-I libndpi)
LIBS    += -lndpi
else
APPID    = dissect/appid_none.c
endif

# Debian 12 packages. The reasons stand in README.md.
BUILD_PKGS = gcc make pkg-config libc6-dev libpcap-dev libndpi-dev libjansson-dev nettle-dev zlib1g-dev \
	     libzstd-dev libinih-dev libseccomp-dev libsqlite3-dev
CHECK_PKGS = $(BUILD_PKGS) libcunit1-dev python3 tshark tcpdump tcptrace iproute2 ethtool \
	     nftables zstd clang libclang-rt-14-dev faketime shellcheck mandoc systemd \
	     prometheus procps busybox dash jq openssh-client dropbear-bin chromium python3-jsonschema
BENCH_PKGS = $(CHECK_PKGS) iperf3 mptcpize netsniff-ng valgrind

LIB_SRC  = $(filter-out dissect/appid_%.c report/main.c capture/main.c,$(wildcard capture/*.c dissect/*.c report/*.c)) $(APPID)
LIB_OBJ  = $(LIB_SRC:%.c=$(O)/%.o)
UNIT_OBJ = $(patsubst %.c,$(O)/%.o,$(wildcard tests/unit.c tests/test_*.c))
FUZZERS  = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

# What `mptcp-audit demo` shows.
DEMO     = day-late day-fine
DEMO_FILES = fibre.pcap.gz lte.pcap.gz site.ini

all: $(O)/mptcp-audit $(O)/mptcp-captured

$(O)/mptcp-audit: $(O)/report/main.o $(LIB_OBJ)
	$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) -o $@ $^ $(LIBS)

# The recorder has nothing of report/ in it, and needs no database.
$(O)/mptcp-captured: $(O)/capture/main.o $(filter-out $(O)/report/%,$(LIB_OBJ))
	$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) -o $@ $^ $(filter-out -lsqlite3,$(LIBS))

$(O)/tests/unit: $(UNIT_OBJ) $(LIB_OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcunit $(LIBS)

$(O)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(WARN) $(CPPFLAGS) $(CFLAGS) $(LTO) -MMD -MP -c -o $@ $<

$(O)/tests/bench/%: $(O)/tests/bench/%.o $(LIB_OBJ)
	$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) -o $@ $^ $(LIBS)

$(O)/report/cmd_demo.o: CPPFLAGS += -DMPTCP_AUDIT_DATA='"$(DATADIR)"'

# Fuzz targets: the library once more, by clang, with everything watching.
FUZZ_FLAGS = -std=gnu11 $(CPPFLAGS) -g -O1 -fno-sanitize-recover=undefined
FUZZ_OBJ = $(LIB_SRC:%.c=$(BUILD)/fuzz/%.o)

$(BUILD)/fuzz/%.o: %.c Makefile
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<

$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_OBJ)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined -MMD -MP -MF $@.d -o $@ $< $(FUZZ_OBJ) $(LIBS)

# Whatever follows an installation runs in a second make, so that it sees what was installed.
deps:
	@tests/need $(CHECK_PKGS)

demo:
	@tests/need $(BUILD_PKGS)
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@$(O)/mptcp-audit demo --story fixtures -o $(O)/demo

check:
	@tests/need $(CHECK_PKGS)
	@$(MAKE) --no-print-directory -j$(JOBS) all $(O)/tests/unit fuzzers
	@BUILD=$(O) FUZZ=$(BUILD)/fuzz CC="$(CC)" tests/run

bench:
	@tests/need $(BENCH_PKGS)
	@$(MAKE) --no-print-directory -j$(JOBS) all $(O)/tests/bench/stages $(O)/tests/bench/make_many $(O)/tests/bench/told
	@BUILD=$(O) tests/bench/run

fuzzers: $(FUZZERS)

fuzz:
	@tests/need $(CHECK_PKGS)
	@$(MAKE) --no-print-directory -j$(JOBS) fuzzers
	@FUZZ=$(BUILD)/fuzz tests/fuzz/run $(FUZZ_SECONDS)

format:
	clang-format -i $(wildcard capture/*.[ch] dissect/*.[ch] report/*.[ch] tests/*.[ch] tests/*/*.[ch])

# The configuration of an earlier installation is kept. The units say where programs lie by default: /usr.
install: all
	install -D -m 755 $(O)/mptcp-audit $(DESTDIR)$(PREFIX)/bin/mptcp-audit
	install -D -m 755 capture/mptcp-grab $(DESTDIR)$(PREFIX)/bin/mptcp-grab
	install -D -m 755 $(O)/mptcp-captured $(DESTDIR)$(PREFIX)/sbin/mptcp-captured
	install -d $(foreach n,1 5 8,$(DESTDIR)$(MANDIR)/man$(n)) $(DESTDIR)$(SYSCONFDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(COMPDIR) \
		$(foreach d,$(DEMO),$(DESTDIR)$(DATADIR)/$(d))
	$(foreach d,$(DEMO),install -m 644 $(addprefix fixtures/$(d)/,$(DEMO_FILES)) $(DESTDIR)$(DATADIR)/$(d) &&) true
	install -m 644 report/mptcp-audit.1 capture/mptcp-grab.1 $(DESTDIR)$(MANDIR)/man1
	install -m 644 capture/mptcp-captured.conf.5 $(DESTDIR)$(MANDIR)/man5
	install -m 644 capture/mptcp-captured.8 $(DESTDIR)$(MANDIR)/man8
	install -m 644 report/mptcp-audit.bash $(DESTDIR)$(COMPDIR)/mptcp-audit
	install -m 644 capture/mptcp-grab.bash $(DESTDIR)$(COMPDIR)/mptcp-grab
	install -m 644 capture/mptcp-captured.bash $(DESTDIR)$(COMPDIR)/mptcp-captured
	sed 's|/usr/sbin/|$(PREFIX)/sbin/|' capture/mptcp-captured.service >$(DESTDIR)$(UNITDIR)/mptcp-captured.service
	sed 's|/usr/bin/|$(PREFIX)/bin/|' report/mptcp-audit-follow.service >$(DESTDIR)$(UNITDIR)/mptcp-audit-follow.service
	sed 's|/usr/bin/|$(PREFIX)/bin/|' report/mptcp-audit.service >$(DESTDIR)$(UNITDIR)/mptcp-audit.service
	install -m 644 report/mptcp-audit.timer $(DESTDIR)$(UNITDIR)
	chmod 644 $(foreach n,mptcp-captured mptcp-audit-follow mptcp-audit,$(DESTDIR)$(UNITDIR)/$(n).service)
	install -d $(DESTDIR)$(PREFIX)/share/mptcp-audit
	install -m 644 report/alerts.yml report/grafana.json $(DESTDIR)$(PREFIX)/share/mptcp-audit
	sed 's|/usr/bin/|$(PREFIX)/bin/|' report/mptcp-audit.cron >$(DESTDIR)$(PREFIX)/share/mptcp-audit/mptcp-audit.cron
	chmod 644 $(DESTDIR)$(PREFIX)/share/mptcp-audit/mptcp-audit.cron
	test -e $(DESTDIR)$(SYSCONFDIR)/mptcp-audit.conf || \
		install -m 644 report/mptcp-audit.conf $(DESTDIR)$(SYSCONFDIR)/mptcp-audit.conf
	test -e $(DESTDIR)$(SYSCONFDIR)/mptcp-captured.conf || \
		install -m 644 capture/mptcp-captured.conf $(DESTDIR)$(SYSCONFDIR)/mptcp-captured.conf

clean:
	rm -rf $(BUILD) $(BUILD)-san

-include $(shell find $(O) $(BUILD)/fuzz -name '*.d' 2>/dev/null)

.PHONY: all deps demo check bench fuzz fuzzers format install clean
.DELETE_ON_ERROR:
.SECONDARY:
