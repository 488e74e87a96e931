# SPDX-License-Identifier: Apache-2.0
# System tests: run by tests/run, with pytest.  All files of the folder belong
# to them; a new one is named nowhere.
EXTRA_DIST += \
	$(wildcard $(srcdir)/tests/system/*.c) \
	$(wildcard $(srcdir)/tests/system/*.mjs) \
	$(wildcard $(srcdir)/tests/system/*.py) \
	$(wildcard $(srcdir)/tests/system/ansible/*.py) \
	$(wildcard $(srcdir)/tests/system/api-client/*.*) \
	$(wildcard $(srcdir)/tests/system/api-types/*.*) \
	$(wildcard $(srcdir)/tests/system/proxmox/proxmox-calls) \
	$(wildcard $(srcdir)/tests/system/proxmox/PVE/Network/SDN/*.pm) \
	tests/system/run-files \
	tests/system/run-history

# A vmnd of a later version, for tests of upgrades: what it has in place of the
# objects of controller/libvmn.a comes first, and counts.
check_LIBRARIES += tests/system/libnewer.a
tests_system_libnewer_a_SOURCES = \
	tests/system/newer-members.c \
	tests/system/newer-tiers.c
check_PROGRAMS += vmnd-newer
vmnd_newer_SOURCES = $(vmnd_SOURCES)
vmnd_newer_LDFLAGS = $(AM_LDFLAGS) -Wl,--allow-multiple-definition \
	-Wl,--whole-archive,tests/system/libnewer.a,--no-whole-archive \
	$(VMN_EXPORTS) $(VMN_WHOLE)
vmnd_newer_LDADD = $(vmnd_LDADD)
vmnd_newer_DEPENDENCIES = $(vmnd_DEPENDENCIES) tests/system/libnewer.a
