# Tests: unit and property tests run by `make check`; the rest by tests/run.
include tests/unit/automake.mk
include tests/property/automake.mk
include tests/fuzz/automake.mk
include tests/bench/automake.mk
include tests/system/automake.mk
EXTRA_DIST += tests/README.md tests/run tests/known-flaky \
	tests/distro/check tests/distro/root \
	tests/guest/image tests/guest/init \
	tests/install/check \
	tests/kernel/check tests/kernel/files tests/kernel/guest \
	tests/kernel/image tests/kernel/initrd-init \
	tests/late/late.c tests/late/run \
	tests/package/boot tests/package/check tests/package/root \
	tests/mutation/by-hand tests/mutation/mutant.h tests/mutation/mutate \
	tests/mutation/run tests/mutation/survivors
