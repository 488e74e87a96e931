# Benchmarks: figures for docs/performance.md.
EXTRA_DIST += \
	tests/bench/api \
	tests/bench/balanced \
	tests/bench/broadcast \
	tests/bench/burst \
	tests/bench/chained \
	tests/bench/churn \
	tests/bench/cluster \
	tests/bench/compare \
	tests/bench/datapath \
	tests/bench/evacuate \
	tests/bench/failing \
	tests/bench/failover \
	tests/bench/flood \
	tests/bench/guaranteed \
	tests/bench/host-loss \
	tests/bench/hostile \
	tests/bench/ipsec \
	tests/bench/limited \
	tests/bench/members \
	tests/bench/migrate \
	tests/bench/migrate-ways \
	tests/bench/mirrored \
	tests/bench/multicast \
	tests/bench/one-switch \
	tests/bench/packet-ins \
	tests/bench/packets \
	tests/bench/page \
	tests/bench/plot \
	tests/bench/pressure \
	tests/bench/outside \
	tests/bench/routed \
	tests/bench/scale \
	tests/bench/scans \
	tests/bench/services \
	tests/bench/shared \
	tests/bench/switch-cpu \
	tests/bench/switch-restart \
	tests/bench/switch-sizes \
	tests/bench/takeover \
	$(wildcard $(srcdir)/tests/bench/vmnbench/*.py)

# The engine alone, in one process.  Always built, so that it does not rot.
noinst_PROGRAMS += tests/bench/worker-cost tests/bench/engine-scale
tests_bench_worker_cost_SOURCES = tests/bench/worker-cost.c
tests_bench_worker_cost_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
tests_bench_worker_cost_LDADD = $(VMN_LIBS)
tests_bench_engine_scale_SOURCES = tests/bench/engine-scale.c
tests_bench_engine_scale_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
tests_bench_engine_scale_LDADD = $(VMN_LIBS)

# Emulated hypervisors; also for tests/system.
noinst_PROGRAMS += tests/bench/swarm/swarm
tests_bench_swarm_swarm_SOURCES = \
	tests/bench/swarm/bundle.c \
	tests/bench/swarm/control.c \
	tests/bench/swarm/guests.c \
	tests/bench/swarm/hostile.c \
	tests/bench/swarm/link.c \
	tests/bench/swarm/messages.c \
	tests/bench/swarm/monitor.c \
	tests/bench/swarm/roles.c \
	tests/bench/swarm/server.c \
	tests/bench/swarm/swarm-rows.c \
	tests/bench/swarm/swarm-rows.h \
	tests/bench/swarm/swarm-schema.c \
	tests/bench/swarm/swarm-schema.h \
	tests/bench/swarm/swarm-switch.c \
	tests/bench/swarm/swarm.c \
	tests/bench/swarm/swarm.h \
	tests/bench/swarm/table.c \
	tests/bench/swarm/table.h \
	tests/bench/swarm/transact.c \
	tests/bench/swarm/vswitchd.c
tests_bench_swarm_swarm_LDADD = $(VMN_LIBS)

# The client of tests/bench/api.
noinst_PROGRAMS += tests/bench/api-load
tests_bench_api_load_SOURCES = tests/bench/api-load.c
tests_bench_api_load_LDADD =

# The switches and the least of controllers for tests/bench/packets.
noinst_PROGRAMS += tests/bench/packet-load/load tests/bench/packet-load/bare
tests_bench_packet_load_load_SOURCES = tests/bench/packet-load/load.c
tests_bench_packet_load_load_LDADD = $(VMN_LIBS)
tests_bench_packet_load_bare_SOURCES = tests/bench/packet-load/bare.c
tests_bench_packet_load_bare_LDADD = $(VMN_LIBS)
EXTRA_DIST += tests/bench/packet-load/osken_responder.py
