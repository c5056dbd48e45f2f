# mptcp-audit: make, make demo, make check, make bench, make fuzz, make install
CC      ?= gcc
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
NDPI    ?= $(shell pkg-config --exists libndpi && echo 1)

WARN     = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wconversion
CFLAGS  ?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE
LIBS     = -lpcap -ljansson -lnettle -lz -lzstd
ifeq ($(SAN),1)
BUILD   := $(BUILD)-san
CFLAGS  += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1
endif
ifeq ($(NDPI),1)
APPID    = dissect/appid_ndpi.c
CPPFLAGS += $(shell pkg-config --cflags-only-I libndpi)
LIBS    += -lndpi
else
APPID    = dissect/appid_none.c
endif

LIB_SRC  = $(filter-out dissect/appid_%.c report/main.c,$(wildcard capture/*.c dissect/*.c report/*.c)) $(APPID)
LIB_OBJ  = $(LIB_SRC:%.c=$(BUILD)/%.o)
UNIT_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/unit.c tests/test_*.c))

all: $(BUILD)/mptcp-audit

$(BUILD)/mptcp-audit: $(BUILD)/report/main.o $(LIB_OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/unit: $(UNIT_OBJ) $(LIB_OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcunit $(LIBS)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(WARN) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: all
