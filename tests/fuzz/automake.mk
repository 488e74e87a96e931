# SPDX-License-Identifier: Apache-2.0
# libFuzzer targets, one per parser (configure --enable-fuzz), and for each a
# folder of inputs to begin with: tests/fuzz/fuzz-NAME of
# tests/fuzz/fuzz-NAME.c, and tests/fuzz/corpus/NAME.  In all other builds they
# are tests of `make check`, which try these inputs and changes of them.
#
# To add one, add its name to the list.
FUZZ_TARGETS = \
	tests/fuzz/fuzz-changes \
	tests/fuzz/fuzz-dhcp \
	tests/fuzz/fuzz-dns \
	tests/fuzz/fuzz-group-message \
	tests/fuzz/fuzz-guest-http \
	tests/fuzz/fuzz-http-head \
	tests/fuzz/fuzz-http-json \
	tests/fuzz/fuzz-json-slice \
	tests/fuzz/fuzz-nd \
	tests/fuzz/fuzz-openflow \
	tests/fuzz/fuzz-ovsdb-frame \
	tests/fuzz/fuzz-ovsdb-rows \
	tests/fuzz/fuzz-own-types \
	tests/fuzz/fuzz-packet-in \
	tests/fuzz/fuzz-path-probe \
	tests/fuzz/fuzz-probe \
	tests/fuzz/fuzz-reject-message \
	tests/fuzz/fuzz-replay-calls \
	tests/fuzz/fuzz-schema \
	tests/fuzz/fuzz-selector \
	tests/fuzz/fuzz-trace \
	tests/fuzz/fuzz-udp \
	tests/fuzz/fuzz-yaml
$(FUZZ_TARGETS): private AM_LDFLAGS += $(VMN_FUZZ_LDFLAGS)
$(FUZZ_TARGETS): private LDADD = $(FUZZ_MAIN) $(UNIT_LIBS)
$(FUZZ_TARGETS): $(FUZZ_MAIN)
tests_fuzz_fuzz_group_message_SOURCES = \
	tests/fuzz/fuzz-group-message.c \
	apps/multicast/group-message.c
tests_fuzz_fuzz_yaml_LDADD = $(FUZZ_MAIN) $(CTL_LIBS)
$(tests_fuzz_fuzz_ovsdb_rows_OBJECTS): proto/ovsdb/vswitch-idl.h

# These alone, and what they need: tests/run wants no more of such a build.
fuzz-targets: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) $(FUZZ_TARGETS)
.PHONY: fuzz-targets

EXTRA_PROGRAMS += $(FUZZ_TARGETS)
if ENABLE_FUZZ
noinst_PROGRAMS += $(FUZZ_TARGETS)
else
FUZZ_MAIN = tests/fuzz/libreplay.a
check_LIBRARIES += tests/fuzz/libreplay.a
check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += $(FUZZ_TARGETS)
# What main() in replay.c leaves where a target fails.  Not in the folder of
# targets: it is none.
check_PROGRAMS += tests/fuzz/programs/fuzz-misdeed
tests_fuzz_programs_fuzz_misdeed_LDADD = $(FUZZ_MAIN) $(UNIT_LIBS)
TESTS += tests/fuzz/test-replay
endif
CLEANFILES += $(FUZZ_TARGETS:=.input)
tests_fuzz_libreplay_a_SOURCES = tests/fuzz/replay.c
tests/fuzz/replay.$(OBJEXT): \
	private AM_CPPFLAGS += -DTEST_SRCDIR='"$(abs_srcdir)"'
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/test-replay
