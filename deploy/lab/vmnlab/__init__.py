# SPDX-License-Identifier: Apache-2.0
"""The lab: emulated hypervisors and VMs on one machine, for trying VMN and for
its tests.  docs/lab.md says how it is made; vmn-lab(1) how it is used.

    netns     network namespaces, and processes and sockets in them
    host      a hypervisor: Open vSwitch in a namespace
    vm        a VM: a namespace at the end of a veth pair
    guest     a VM that QEMU runs (qemu), with commands in it (agent), and its
              live migration (migration); or libvirt does with it (libvirt)
    daemon    a vmnd of the lab's own
    api       VMN's API over its unix socket
    lab       all of these together, and what is left when one of them dies
    traffic   packets: servers, clients, pings, raw frames, captures
    cli       the command line

Nothing but Python's standard library, iproute2, ethtool and Open vSwitch; and
QEMU for guests."""
