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
	tests/fuzz/corpus/http-head/reply \
	tests/fuzz/corpus/http-head/url \
	tests/fuzz/corpus/http-head/url-ipv6 \
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

EXTRA_PROGRAMS += tests/fuzz/fuzz-selector
tests_fuzz_fuzz_selector_SOURCES = tests/fuzz/fuzz-selector.c
tests_fuzz_fuzz_selector_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_selector_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-selector
endif
EXTRA_DIST += \
	tests/fuzz/corpus/selector/bad-list \
	tests/fuzz/corpus/selector/bad-not \
	tests/fuzz/corpus/selector/empty \
	tests/fuzz/corpus/selector/empty-value \
	tests/fuzz/corpus/selector/plain \
	tests/fuzz/corpus/selector/prefixed \
	tests/fuzz/corpus/selector/sets \
	tests/fuzz/corpus/selector/spaces

EXTRA_PROGRAMS += tests/fuzz/fuzz-schema
tests_fuzz_fuzz_schema_SOURCES = tests/fuzz/fuzz-schema.c
tests_fuzz_fuzz_schema_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_schema_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-schema
endif
EXTRA_DIST += \
	tests/fuzz/corpus/schema/app \
	tests/fuzz/corpus/schema/binding \
	tests/fuzz/corpus/schema/group \
	tests/fuzz/corpus/schema/host \
	tests/fuzz/corpus/schema/loadbalancer \
	tests/fuzz/corpus/schema/network \
	tests/fuzz/corpus/schema/not-an-object \
	tests/fuzz/corpus/schema/nul \
	tests/fuzz/corpus/schema/policy \
	tests/fuzz/corpus/schema/port \
	tests/fuzz/corpus/schema/service \
	tests/fuzz/corpus/schema/vif

EXTRA_PROGRAMS += tests/fuzz/fuzz-packet-in
tests_fuzz_fuzz_packet_in_SOURCES = tests/fuzz/fuzz-packet-in.c
tests_fuzz_fuzz_packet_in_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_packet_in_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-packet-in
endif
EXTRA_DIST += \
	tests/fuzz/corpus/packet-in/cut \
	tests/fuzz/corpus/packet-in/ours \
	tests/fuzz/corpus/packet-in/standard

EXTRA_PROGRAMS += tests/fuzz/fuzz-udp
tests_fuzz_fuzz_udp_SOURCES = tests/fuzz/fuzz-udp.c
tests_fuzz_fuzz_udp_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_udp_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-udp
endif
EXTRA_DIST += \
	tests/fuzz/corpus/udp/fragment \
	tests/fuzz/corpus/udp/ipv6 \
	tests/fuzz/corpus/udp/no-checksum \
	tests/fuzz/corpus/udp/options \
	tests/fuzz/corpus/udp/plain \
	tests/fuzz/corpus/udp/short

EXTRA_PROGRAMS += tests/fuzz/fuzz-nd
tests_fuzz_fuzz_nd_SOURCES = tests/fuzz/fuzz-nd.c
tests_fuzz_fuzz_nd_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_nd_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-nd
endif
EXTRA_DIST += tests/fuzz/corpus/nd/question

EXTRA_PROGRAMS += tests/fuzz/fuzz-refusal
tests_fuzz_fuzz_refusal_SOURCES = tests/fuzz/fuzz-refusal.c
tests_fuzz_fuzz_refusal_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_refusal_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-refusal
endif
EXTRA_DIST += \
	tests/fuzz/corpus/refusal/extensions \
	tests/fuzz/corpus/refusal/syn \
	tests/fuzz/corpus/refusal/syn6 \
	tests/fuzz/corpus/refusal/udp \
	tests/fuzz/corpus/refusal/udp6

EXTRA_PROGRAMS += tests/fuzz/fuzz-trace
tests_fuzz_fuzz_trace_SOURCES = tests/fuzz/fuzz-trace.c
tests_fuzz_fuzz_trace_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_trace_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-trace
endif
EXTRA_DIST += \
	tests/fuzz/corpus/trace/fragment \
	tests/fuzz/corpus/trace/ping \
	tests/fuzz/corpus/trace/tcp \
	tests/fuzz/corpus/trace/wrong

EXTRA_PROGRAMS += tests/fuzz/fuzz-dns
tests_fuzz_fuzz_dns_SOURCES = tests/fuzz/fuzz-dns.c
tests_fuzz_fuzz_dns_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_dns_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-dns
endif
EXTRA_DIST += \
	tests/fuzz/corpus/dns/cut \
	tests/fuzz/corpus/dns/edns \
	tests/fuzz/corpus/dns/plain \
	tests/fuzz/corpus/dns/reverse

EXTRA_PROGRAMS += tests/fuzz/fuzz-dhcp
tests_fuzz_fuzz_dhcp_SOURCES = tests/fuzz/fuzz-dhcp.c
tests_fuzz_fuzz_dhcp_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_dhcp_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-dhcp
endif
EXTRA_DIST += \
	tests/fuzz/corpus/dhcp/discover \
	tests/fuzz/corpus/dhcp/overloaded \
	tests/fuzz/corpus/dhcp/relay \
	tests/fuzz/corpus/dhcp/short-ia \
	tests/fuzz/corpus/dhcp/solicit \
	tests/fuzz/corpus/dhcp/solicitation \
	tests/fuzz/corpus/dhcp/split \
	tests/fuzz/corpus/dhcp/truncated

EXTRA_PROGRAMS += tests/fuzz/fuzz-probe
tests_fuzz_fuzz_probe_SOURCES = tests/fuzz/fuzz-probe.c
tests_fuzz_fuzz_probe_LDFLAGS = $(AM_LDFLAGS) $(VMN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_probe_LDADD = $(VMN_LIBS)
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz-probe
endif
EXTRA_DIST += \
	tests/fuzz/corpus/probe/early \
	tests/fuzz/corpus/probe/frame \
	tests/fuzz/corpus/probe/http \
	tests/fuzz/corpus/probe/interim \
	tests/fuzz/corpus/probe/no-port \
	tests/fuzz/corpus/probe/ping6 \
	tests/fuzz/corpus/probe/refused \
	tests/fuzz/corpus/probe/stray \
	tests/fuzz/corpus/probe/tcp \
	tests/fuzz/corpus/probe/udp
