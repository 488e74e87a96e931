# libFuzzer targets, one per parser (configure --enable-fuzz).

EXTRA_PROGRAMS += tests/fuzz/fuzz-openflow
tests_fuzz_fuzz_openflow_SOURCES = tests/fuzz/fuzz-openflow.c
tests_fuzz_fuzz_openflow_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_openflow_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-openflow
endif
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-http-head tests/fuzz/fuzz-http-json
endif
tests_fuzz_fuzz_http_head_SOURCES = tests/fuzz/fuzz-http-head.c
tests_fuzz_fuzz_http_head_LDADD = $(VMN_LIBS)
tests_fuzz_fuzz_http_head_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_http_json_SOURCES = tests/fuzz/fuzz-http-json.c
tests_fuzz_fuzz_http_json_LDADD = $(VMN_LIBS)
tests_fuzz_fuzz_http_json_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
EXTRA_DIST += \
	tests/fuzz/corpus/http-head/absolute \
	tests/fuzz/corpus/http-head/chunked \
	tests/fuzz/corpus/http-head/encoded \
	tests/fuzz/corpus/http-head/folded \
	tests/fuzz/corpus/http-head/get \
	tests/fuzz/corpus/http-head/lengths \
	tests/fuzz/corpus/http-head/put \
	tests/fuzz/corpus/http-json/apply \
	tests/fuzz/corpus/http-json/deep \
	tests/fuzz/corpus/http-json/null \
	tests/fuzz/corpus/http-json/numbers \
	tests/fuzz/corpus/http-json/put-port \
	tests/fuzz/corpus/http-json/rubbish \
	tests/fuzz/corpus/http-json/strings \
	tests/fuzz/corpus/http-json/twice


EXTRA_PROGRAMS += tests/fuzz/fuzz-yaml
tests_fuzz_fuzz_yaml_SOURCES = tests/fuzz/fuzz-yaml.c
tests_fuzz_fuzz_yaml_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_yaml_LDADD = $(CTL_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-yaml
endif

EXTRA_PROGRAMS += tests/fuzz/fuzz-ovsdb-frame
tests_fuzz_fuzz_ovsdb_frame_SOURCES = tests/fuzz/fuzz-ovsdb-frame.c
tests_fuzz_fuzz_ovsdb_frame_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_ovsdb_frame_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-ovsdb-frame
endif
EXTRA_DIST += \
	tests/fuzz/corpus/ovsdb-frame/answer \
	tests/fuzz/corpus/ovsdb-frame/echo \
	tests/fuzz/corpus/ovsdb-frame/error \
	tests/fuzz/corpus/ovsdb-frame/http \
	tests/fuzz/corpus/ovsdb-frame/strings \
	tests/fuzz/corpus/ovsdb-frame/tls
