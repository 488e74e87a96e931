# Benchmarks: figures for docs/performance.md.
