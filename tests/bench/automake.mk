# Benchmarks: figures for docs/performance.md.
EXTRA_DIST += \
	tests/bench/compare \
	tests/bench/vmnbench/__init__.py \
	tests/bench/vmnbench/hosts.py \
	tests/bench/vmnbench/ovn.py \
	tests/bench/vmnbench/ovsdb.py \
	tests/bench/vmnbench/process.py \
	tests/bench/vmnbench/result.py \
	tests/bench/vmnbench/vmn.py \
	tests/bench/vmnbench/workload.py

EXTRA_PROGRAMS += tests/bench/engine-scale
tests_bench_engine_scale_SOURCES = tests/bench/engine-scale.c
tests_bench_engine_scale_LDFLAGS = $(AM_LDFLAGS) -rdynamic
tests_bench_engine_scale_LDADD = $(VMN_LIBS)
