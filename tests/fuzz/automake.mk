# libFuzzer targets, one per parser (configure --enable-fuzz), and for each a
# folder of inputs to begin with.

EXTRA_DIST += tests/fuzz/corpus

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

EXTRA_PROGRAMS += tests/fuzz/fuzz-ovsdb-rows
tests_fuzz_fuzz_ovsdb_rows_SOURCES = tests/fuzz/fuzz-ovsdb-rows.c
tests_fuzz_fuzz_ovsdb_rows_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_ovsdb_rows_LDADD = $(VMN_LIBS)
$(tests_fuzz_fuzz_ovsdb_rows_OBJECTS): proto/ovsdb/vswitch-idl.h
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-ovsdb-rows
endif

EXTRA_PROGRAMS += tests/fuzz/fuzz-selector
tests_fuzz_fuzz_selector_SOURCES = tests/fuzz/fuzz-selector.c
tests_fuzz_fuzz_selector_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_selector_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-selector
endif

EXTRA_PROGRAMS += tests/fuzz/fuzz-schema
tests_fuzz_fuzz_schema_SOURCES = tests/fuzz/fuzz-schema.c
tests_fuzz_fuzz_schema_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_schema_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-schema
endif

EXTRA_PROGRAMS += tests/fuzz/fuzz-packet-in
tests_fuzz_fuzz_packet_in_SOURCES = tests/fuzz/fuzz-packet-in.c
tests_fuzz_fuzz_packet_in_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_packet_in_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-packet-in
endif

EXTRA_PROGRAMS += tests/fuzz/fuzz-udp
tests_fuzz_fuzz_udp_SOURCES = tests/fuzz/fuzz-udp.c
tests_fuzz_fuzz_udp_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_udp_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-udp
endif

EXTRA_PROGRAMS += tests/fuzz/fuzz-nd
tests_fuzz_fuzz_nd_SOURCES = tests/fuzz/fuzz-nd.c
tests_fuzz_fuzz_nd_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_nd_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-nd
endif

EXTRA_PROGRAMS += tests/fuzz/fuzz-refusal
tests_fuzz_fuzz_refusal_SOURCES = tests/fuzz/fuzz-refusal.c
tests_fuzz_fuzz_refusal_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_refusal_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-refusal
endif

EXTRA_PROGRAMS += tests/fuzz/fuzz-trace
tests_fuzz_fuzz_trace_SOURCES = tests/fuzz/fuzz-trace.c
tests_fuzz_fuzz_trace_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_trace_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-trace
endif

EXTRA_PROGRAMS += tests/fuzz/fuzz-dns
tests_fuzz_fuzz_dns_SOURCES = tests/fuzz/fuzz-dns.c
tests_fuzz_fuzz_dns_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_dns_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-dns
endif

EXTRA_PROGRAMS += tests/fuzz/fuzz-dhcp
tests_fuzz_fuzz_dhcp_SOURCES = tests/fuzz/fuzz-dhcp.c
tests_fuzz_fuzz_dhcp_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_dhcp_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-dhcp
endif

EXTRA_PROGRAMS += tests/fuzz/fuzz-probe
tests_fuzz_fuzz_probe_SOURCES = tests/fuzz/fuzz-probe.c
tests_fuzz_fuzz_probe_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_probe_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-probe
endif
