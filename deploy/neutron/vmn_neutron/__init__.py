# SPDX-License-Identifier: Apache-2.0
"""Neutron's driver for VMN: an ML2 mechanism driver ("vmn") and a service
plugin for routers ("vmn-router").  docs/neutron.md is for who installs it.

    settings    the options of [vmn] in Neutron's configuration
    client      the calls of vmnd's API
    translate   from Neutron's dictionaries to VMN's objects; no I/O
    source      what Neutron's database says, as VMN's objects
    spool       which objects vmnd has perhaps not been told about
    sync        tells vmnd what the database says; the order of things
    driver      the mechanism driver
    router      the service plugin
    worker      the process that follows vmnd's events and catches up

None but translate and client is of use without a neutron-server around."""
