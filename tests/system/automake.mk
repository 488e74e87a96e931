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
	tests/system/run-files
