# libFuzzer targets, one per parser (configure --enable-fuzz).

EXTRA_PROGRAMS += tests/fuzz/fuzz-openflow
tests_fuzz_fuzz_openflow_SOURCES = tests/fuzz/fuzz-openflow.c
tests_fuzz_fuzz_openflow_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_openflow_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-openflow
endif
