/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of hosts, and of what is on them: ports, telemetries; see
 * status.h. */

#include <config.h>

#include "controller/schema/schema-shown.h"
#include "controller/schema/status.h"

/* Hosts.  ---------------------------------------------------------------- */

const struct schema_struct schema_lag = SHOWN_KEPT(
    "Lag", status_lag,
    SHOWN_OF(status_lag, revisions, U64, ALWAYS,
             "How many that concern it and that it has not acknowledged."),
    SHOWN_OF(status_lag, ms, U64, ALWAYS,
             "For how many milliseconds, as far as receipts go back."));

static const struct schema_struct openflow = SHOWN_KEPT(
    "openflow", status_openflow,
    SHOWN_OF(status_openflow, state, ENUM, ALWAYS,
             "Whether its switch is connected.",
             SHOWN_NAMES("connected", "disconnected")),
    SHOWN_OF(status_openflow, since, STRING, ALWAYS | TIME, "Since when."),
    SHOWN_OF(status_openflow, peer, STRING, 0, "Where it connects from."),
    SHOWN_OF(status_openflow, error, STRING, 0,
             "Why the last connection ended."),
    SHOWN_OF(status_openflow, outstanding_bundles, U64, ALWAYS,
             "Bundles that were sent and not acknowledged yet."),
    SHOWN_OF(status_openflow, outstanding_bytes, U64, ALWAYS,
             "The same in bytes."),
    SHOWN_OF(status_openflow, queued_bytes, U64, ALWAYS,
             "Bytes that are queued to be sent."),
    SHOWN_OF(status_openflow, backlog, U64, ALWAYS,
             "Groups of revisions that wait to be sent as one."),
    SHOWN_OF(status_openflow, rejected, U64, ALWAYS,
             "Flows and groups that are left out, as the switch rejects "
             "them."),
    SHOWN_OF(status_openflow, stalls, U64, ALWAYS,
             "How often it was disconnected because it did not read or "
             "acknowledge."));

static const struct schema_struct ovsdb = SHOWN_KEPT(
    "ovsdb", status_ovsdb,
    SHOWN_OF(status_ovsdb, state, ENUM, ALWAYS,
             "Whether its database is connected.",
             SHOWN_NAMES("connected", "connecting", "disconnected")),
    SHOWN_OF(status_ovsdb, since, STRING, ALWAYS | TIME, "Since when."),
    SHOWN_OF(status_ovsdb, error, STRING, 0,
             "Why the last connection ended."),
    SHOWN_OF(status_ovsdb, no_listener, BOOL, HIDE,
             "Whether it is to connect to `vmnd` (`inbound`), and `vmnd` "
             "does not listen for that."));

static const struct schema_struct underlay = SHOWN_KEPT(
    "underlay", status_underlay,
    SHOWN_OF(status_underlay, interface, STRING, ALWAYS,
             "Its `tunnel_interface`."),
    SHOWN_OF(status_underlay, mtu, I64, HIDE,
             "The MTU of that; absent as long as it is not known."),
    SHOWN_OF(status_underlay, network_mtu, I64, HIDE,
             "The largest MTU of a network that tunnels have room for: 50 "
             "bytes less, 70 if the host has a tunnel address of IPv6; with "
             "IPsec 46 less again.", .def = -1),
    SHOWN_OF(status_underlay, reason, STRING, 0,
             "What is wrong with it, such as a network with a larger MTU "
             "that has a port on the host."));

static const struct schema_struct provider_bridge = SHOWN_KEPT(
    "bridge", status_provider_bridge,
    SHOWN_OF(status_provider_bridge, physical, STRING, ALWAYS,
             "The physical network."),
    SHOWN_OF(status_provider_bridge, bridge, STRING, ALWAYS,
             "The bridge that leads there."),
    SHOWN_OF(status_provider_bridge, ofport, U32, HIDE,
             "The number in the integration bridge of the port that leads "
             "there."),
    SHOWN_OF(status_provider_bridge, reason, STRING, 0,
             "Why there is none."));

static const struct schema_struct uplink = SHOWN_KEPT(
    "uplink", status_uplink,
    SHOWN_OF(status_uplink, interface, STRING, ALWAYS,
             "The port of a bridge of its Open vSwitch."),
    SHOWN_OF(status_uplink, max_kbps, U32, ALWAYS,
             "What it carries, kilobits a second."),
    SHOWN_OF(status_uplink, active, BOOL, ALWAYS,
             "Whether it has `vmnd`'s queues, as the host's database has it, "
             "and nothing there speaks against what they guarantee."),
    SHOWN_OF(status_uplink, reason, STRING, 0,
             "Why it guarantees nothing; absent as well while its queues are "
             "not written yet, and of a host that is rejected."));

static const struct schema_struct bfd = SHOWN_KEPT(
    "bfd", status_bfd,
    SHOWN_OF(status_bfd, sessions, U64, ALWAYS,
             "How many other hosts it watches, as they watch it."),
    SHOWN_LIST_OF(status_bfd, down, n_down, REF, ALWAYS,
                  "Those whose session is not up, as its switch says.",
                  .ref = VMN_TABLE_HOST),
    SHOWN_OF(status_bfd, cut_off, BOOL, HIDE,
             "Whether those that watch it do not reach it: other hosts take "
             "over as gateways."),
    SHOWN_OF(status_bfd, reason, STRING, 0,
             "What is wrong, such as a tunnel port that the switch cannot "
             "make."));

static const struct schema_struct maintenance = SHOWN_KEPT(
    "maintenance", status_maintenance,
    SHOWN_OF(status_maintenance, state, ENUM, ALWAYS,
             "`drained`: nothing is left on it; `draining`.",
             SHOWN_NAMES("draining", "drained")),
    SHOWN_LIST_OF(status_maintenance, routers, n_routers, REF, ALWAYS,
                  "Routers whose gateway it still is: there is no better one.",
                  .ref = VMN_TABLE_ROUTER),
    SHOWN_OF(status_maintenance, ports, U64, ALWAYS,
             "Ports that are bound on it, whose VMs the VM manager moves."),
    SHOWN_LIST_OF(status_maintenance, port_names, n_port_names, REF, ALWAYS,
                  "Those, the first 100.", .ref = VMN_TABLE_PORT),
    SHOWN_OF(status_maintenance, migrating, U64, ALWAYS,
             "Ports that are bound on other hosts, and whose interface it "
             "has, too: their VMs migrate to it, or have left it and may "
             "still come back."),
    SHOWN_LIST_OF(status_maintenance, migrating_names, n_migrating_names, REF,
                  ALWAYS, "Those, the first 100.", .ref = VMN_TABLE_PORT),
    SHOWN_OF(status_maintenance, draining, U64, ALWAYS,
             "Backends of balancers on it whose open connections may still "
             "end."));

static const struct schema_struct samples = SHOWN_KEPT(
    "samples", status_samples,
    SHOWN_OF(status_samples, active, BOOL, ALWAYS,
             "Whether its switch sends samples of drops and logs."),
    SHOWN_OF(status_samples, reason, STRING, 0, "Why it does not."));

static const struct schema_struct packet_in_meters = SHOWN_KEPT(
    "packet_in_meters", status_packet_in_meters,
    SHOWN_OF(status_packet_in_meters, installed, BOOL, ALWAYS,
             "Whether its switch has meters for packets to the controller, "
             "and the flows that lead to them."),
    SHOWN_OF(status_packet_in_meters, reason, STRING, 0,
             "Why it has not, or not yet."),
    SHOWN_OF(status_packet_in_meters, dropped, U64, ALWAYS,
             "Packets that they have dropped, as of the last reading; `GET "
             "/v1/drops` says whose."));

const struct schema_struct schema_audit_owner = SHOWN_KEPT(
    "owner", status_audit_owner,
    SHOWN_OF(status_audit_owner, missing, U64, HIDE,
             "How many are desired and not there."),
    SHOWN_OF(status_audit_owner, altered, U64, HIDE,
             "How many are there with other contents."),
    SHOWN_OF(status_audit_owner, unknown, U64, HIDE,
             "How many are there and not desired."),
    SHOWN_OF(status_audit_owner, rejected, U64, HIDE,
             "How many the switch rejects."));

const struct schema_struct schema_status_audit = SHOWN_KEPT(
    "audit", status_audit,
    SHOWN_AUDIT(status_audit, ,
                SHOWN_LIST_OF(status_audit, differences, n_differences,
                              STRING, ALWAYS, "The first 100, as text.")),
    SHOWN_OF(status_audit, repaired, BOOL, HIDE,
             "Whether they are repaired."));

static const struct schema_struct unclaimed = SHOWN_KEPT(
    "interface", status_unclaimed,
    SHOWN_OF(status_unclaimed, iface_id, STRING, ALWAYS,
             "Its `external_ids:iface-id`, which no port has."),
    SHOWN_OF(status_unclaimed, interface, STRING, ALWAYS, "Its name."),
    SHOWN_OF(status_unclaimed, mac, STRING, 0,
             "Its VM's MAC address, if the host says it "
             "(`external_ids:attached-mac`)."),
    SHOWN_OF(status_unclaimed, since, STRING, ALWAYS | TIME,
             "Since when, as far as this process knows."));

const struct schema_struct schema_status_host = SHOWN_KEPT(
    "HostStatus", status_host,
    SHOWN_OF(status_host, state, ENUM, 0,
             "`synced`: its desired flows are installed; `reconciling`: they "
             "are being installed; `offline`: its switch is not connected; "
             "`connecting`; `diverged`: its "
             "switch rejects some, or did not answer; `rejected`: its "
             "configuration conflicts, and it is not used; `unheard`: its "
             "switch is connected, and its database has been away for longer "
             "than a reconnect takes, so the state of its ports is "
             "`unknown`; `lost`: it is declared `lost`.",
             SHOWN_NAMES("synced", "reconciling", "offline", "connecting",
                         "diverged", "rejected", "unheard", "lost")),
    SHOWN_OF(status_host, since, STRING, TIME,
             "This and all that follows is not for accounts with a scope, "
             "which are shown the state alone.  Since when, as far as this "
             "process knows; of `unheard`, when it was heard last."),
    SHOWN_OF(status_host, reason, STRING, 0,
             "Why the state is not `synced`."),
    SHOWN_OF(status_host, flows, U64, 0,
             "Flows that are desired on it; it has installed them if it "
             "is `synced` and `lag` is 0."),
    SHOWN_OF(status_host, groups, U64, 0, "Groups that are desired on it."),
    SHOWN_OF(status_host, ports, I64, HIDE,
             "Ports that have an interface on it.", .def = -1),
    SHOWN_OF(status_host, unclaimed, U64, HIDE,
             "How many interfaces of VMs no port claims: none has their "
             "iface-id, so they have no network."),
    SHOWN_LIST_OF(status_host, unclaimed_interfaces, n_unclaimed_interfaces,
                  STRUCT, 0,
                  "Those, the first 100.",
                  .nested = &unclaimed),
    SHOWN_OF(status_host, revision, U64, 0,
             "The newest that is known to be installed."),
    SHOWN_OF(status_host, sent_revision, U64, 0,
             "The newest that was sent to it."),
    SHOWN_STRUCT_OF(status_host, lag, 0, "What it has not acknowledged.",
                    &schema_lag),
    SHOWN_STRUCT_OF(status_host, openflow, 0, "Its switch's connection.",
                    &openflow),
    SHOWN_STRUCT_OF(status_host, ovsdb, POINTER,
                    "Its database's connection.", &ovsdb),
    SHOWN_OF(status_host, bridge, STRING, 0, "Its integration bridge."),
    SHOWN_OF(status_host, datapath_id, STRING, 0,
             "The same as OpenFlow knows it.  No other host may have it, "
             "also while this one is away."),
    SHOWN_OF(status_host, ovs_version, STRING, 0,
             "The version of its Open vSwitch."),
    SHOWN_STRUCT_OF(status_host, underlay, POINTER,
                    "Of its `tunnel_interface`.", &underlay),
    SHOWN_LIST_OF(status_host, provider_bridges, n_provider_bridges, STRUCT,
                  0, "Its bridges to physical networks, as they are joined.",
                  .nested = &provider_bridge),
    SHOWN_LIST_OF(status_host, uplinks, n_uplinks, STRUCT, 0,
                  "Interfaces by which packets leave it that are to have "
                  "queues, as app qos has them.", .nested = &uplink),
    SHOWN_STRUCT_OF(status_host, bfd, POINTER,
                    "Its sessions of BFD with other hosts, if it may be a "
                    "gateway of a router that has another one, or has ports "
                    "behind such a router.", &bfd),
    SHOWN_STRUCT_OF(status_host, samples, POINTER,
                    "Samples of packets.", &samples),
    SHOWN_STRUCT_OF(status_host, packet_in_meters, POINTER,
                    "Whether its datapath limits the packets to the "
                    "controller that each sender causes.", &packet_in_meters),
    SHOWN_STRUCT_OF(status_host, audit, POINTER,
                    "What the last audit found, once there was one.",
                    &schema_status_audit),
    SHOWN_LIST_OF(status_host, warnings, n_warnings, STRING, 0,
                  "Requirements on its VMs that `vmnd` cannot check."),
    SHOWN_STRUCT_OF(status_host, maintenance, POINTER,
                    "What is left on it, while it is in `maintenance`.",
                    &maintenance));

/* Ports.  ---------------------------------------------------------------- */

static const struct schema_struct traffic = SHOWN_KEPT(
    "traffic", status_traffic,
    SHOWN_OF(status_traffic, sent_packets, U64, ALWAYS,
             "Packets that its VM has sent."),
    SHOWN_OF(status_traffic, sent_bytes, U64, ALWAYS, "The same in bytes."),
    SHOWN_OF(status_traffic, sent_bytes_per_s, U64, ALWAYS,
             "The current rate per second."),
    SHOWN_OF(status_traffic, received_packets, U64, ALWAYS,
             "Packets delivered to its VM."),
    SHOWN_OF(status_traffic, received_bytes, U64, ALWAYS,
             "The same in bytes."),
    SHOWN_OF(status_traffic, received_bytes_per_s, U64, ALWAYS,
             "The current rate per second."));

static const struct schema_struct migration = SHOWN_KEPT(
    "migration", status_migration,
    SHOWN_OF(status_migration, state, ENUM, ALWAYS,
             "`preparing`: not all hosts concerned have acknowledged the "
             "flows; `prepared`: what is sent to the port goes to both hosts, "
             "and `to` delivers it once its guest is announced there; "
             "`activated`: it was, or the port's row names `to`, or `from` "
             "was not heard; `from` still has the interface.",
             SHOWN_NAMES("preparing", "prepared", "activated")),
    SHOWN_OF(status_migration, from, REF, ALWAYS, "The host that it leaves.",
             .ref = VMN_TABLE_HOST),
    SHOWN_OF(status_migration, to, REF, ALWAYS, "The host that it goes to.",
             .ref = VMN_TABLE_HOST),
    SHOWN_OF(status_migration, since, STRING, ALWAYS | TIME,
             "When `to` had its interface, or the port was activated there."),
    SHOWN_OF(status_migration, reason, STRING, 0,
             "How many hosts have not acknowledged the flows."));

static const struct schema_struct port_drop = SHOWN_KEPT(
    "drop", status_port_drop,
    SHOWN_OF(status_port_drop, reason, STRING, ALWAYS, "Why."),
    SHOWN_OF(status_port_drop, direction, ENUM, 0,
             "Of samples: whether its guest has sent them, or they were for "
             "it.", SHOWN_NAMES("sent", "received")),
    SHOWN_OF(status_port_drop, packets, U64, HIDE,
             "How many packets flows of the port itself have dropped so: all "
             "of them, since `vmnd` started."),
    SHOWN_OF(status_port_drop, samples, U64, HIDE,
             "How many are among the samples that are kept (`GET "
             "/v1/drops`): not all, of flows that are not the port's own."),
    SHOWN_OF(status_port_drop, last, STRING, ALWAYS | TIME,
             "When the last one that is known of came."));

static const struct schema_struct port_path = SHOWN_KEPT(
    "path", status_port_path,
    SHOWN_OF(status_port_path, host, REF, ALWAYS, "The other host.",
             .ref = VMN_TABLE_HOST),
    SHOWN_OF(status_port_path, state, ENUM, ALWAYS, "As in `GET /v1/paths`.",
             SHOWN_NAMES("lossy", "mtu", "down")),
    SHOWN_OF(status_port_path, since, STRING, ALWAYS | TIME, "Since when."),
    SHOWN_OF(status_port_path, reason, STRING, ALWAYS, "What is wrong."));

static const struct schema_struct seen = SHOWN_KEPT(
    "seen", status_seen,
    SHOWN_OF(status_seen, ip, IP, ALWAYS, "The address, or the first of a "
             "prefix that it may use."),
    SHOWN_OF(status_seen, last, STRING, ALWAYS | TIME,
             "When it sent a packet from it, to the second."),
    SHOWN_OF(status_seen, packets, U64, ALWAYS,
             "How many, ARP and neighbour discovery included, since the port "
             "has its flows."));

static const struct schema_struct lease = SHOWN_KEPT(
    "lease", status_lease,
    SHOWN_OF(status_lease, ip, IP, ALWAYS, "The address."),
    SHOWN_OF(status_lease, given, STRING, ALWAYS | TIME,
             "When it was given, or renewed last."),
    SHOWN_OF(status_lease, until, STRING, TIME,
             "Until when; absent: for ever."));

static const struct schema_struct monitor_change = SHOWN_KEPT(
    "change", status_backend_change,
    SHOWN_OF(status_backend_change, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(status_backend_change, state, STRING, ALWAYS,
             "What its probes said: `up`, `down`, `checking`."),
    SHOWN_OF(status_backend_change, reason, STRING, 0, "Why."));

static const struct schema_struct monitor = SHOWN_KEPT(
    "PortMonitor", status_monitor,
    SHOWN_OF(status_monitor, state, ENUM, ALWAYS,
             "`up`: its guest answers; `down`: it does not, or its link is "
             "down; `unknown`: it has not been asked yet, or cannot be, as "
             "its host is away.", SHOWN_NAMES("up", "down", "unknown")),
    SHOWN_OF(status_monitor, since, STRING, TIME,
             "Since when it is `up` or `down`."),
    SHOWN_OF(status_monitor, reason, STRING, 0, "Why it is not `up`."),
    SHOWN_OF(status_monitor, checked, STRING, TIME,
             "When the last probe ended; absent: none has since `vmnd` "
             "started."),
    SHOWN_OF(status_monitor, latency_us, I64, HIDE,
             "How long the last answer took, from `vmnd` to the guest and "
             "back, in microseconds."),
    SHOWN_OF(status_monitor, answered, U64, ALWAYS,
             "Probes that were answered since `vmnd` started."),
    SHOWN_OF(status_monitor, unanswered, U64, ALWAYS,
             "Those that were not."),
    SHOWN_LIST_OF(status_monitor, history, n_history, STRUCT, 0,
                  "The last 16 changes since `vmnd` started, the oldest "
                  "first, when one port is asked for.",
                  .nested = &monitor_change));

const struct schema_struct schema_status_port = SHOWN_KEPT(
    "PortStatus", status_port,
    SHOWN_OF(status_port, state, ENUM, 0,
             "`unbound`: no host reports it; `up`: its interface has a link, "
             "and its host has acknowledged its flows; `pending`: not yet; "
             "`down`: no link, or not enabled; `unknown`: its host is not "
             "heard; `external`: it is on no host.",
             SHOWN_NAMES("unbound", "pending", "up", "down", "unknown",
                         "external")),
    SHOWN_OF(status_port, since, STRING, TIME,
             "Of `unknown`: when its host was heard last, or since the "
             "start of `vmnd`."),
    SHOWN_OF(status_port, reason, STRING, 0,
             "What is missing on its host, if anything; that its host is "
             "offline; why it is `unknown`."),
    SHOWN_OF(status_port, host, REF, 0, "The host that it is on.",
             .ref = VMN_TABLE_HOST),
    SHOWN_OF(status_port, candidate, REF, 0,
             "Another host that has its interface.", .ref = VMN_TABLE_HOST),
    SHOWN_STRUCT_OF(status_port, migration, POINTER,
                    "Of a port with a candidate: how far it has migrated.",
                    &migration),
    SHOWN_LIST_OF(status_port, rejected_claims, n_rejected_claims, REF, 0,
                  "Hosts that have its interface and may not, at most 16.",
                  .ref = VMN_TABLE_HOST),
    SHOWN_OF(status_port, ofport, U32, HIDE,
             "Its number in its host's bridge."),
    SHOWN_OF(status_port, interface, STRING, 0,
             "The name of its interface there."),
    SHOWN_OF(status_port, link, ENUM, 0,
             "Whether that has a link: a VM that has it open.",
             SHOWN_NAMES("up", "down")),
    SHOWN_STRUCT_OF(status_port, traffic, POINTER,
                    "What its VM has sent and received, as last read from its "
                    "switch.", &traffic),
    SHOWN_LIST_OF(status_port, drops, n_drops, STRUCT, 0,
                  "What was dropped of packets from it and to it, by reason, "
                  "when one port is asked for; background is left out.",
                  .nested = &port_drop),
    SHOWN_LIST_OF(status_port, seen, n_seen, STRUCT, 0,
                  "The addresses from which its guest has sent packets, as "
                  "its switch has them now, when one port is asked for; the "
                  "one that it used last comes first.", .nested = &seen),
    SHOWN_LIST_OF(status_port, leases, n_leases, STRUCT, 0,
                  "What DHCP and DHCPv6 have given its guest since `vmnd` "
                  "started, when one port is asked for.", .nested = &lease),
    SHOWN_LIST_OF(status_port, paths, n_paths, STRUCT, 0,
                  "The paths between its host and those of others in its "
                  "network, or in one that routers join with it, that are in "
                  "trouble, if they are measured, when one port is asked "
                  "for.", .nested = &port_path),
    SHOWN_STRUCT_OF(status_port, monitor, POINTER,
                    "Whether its guest answers, if it is monitored.",
                    &monitor),
    SHOWN_OF(status_port, quarantined, BOOL, HIDE,
             "True if it is quarantined: by its own `quarantined`, that of a "
             "port that it is a sub-port of, or a quarantine."),
    SHOWN_LIST_OF(status_port, quarantines, n_quarantines, REF, 0,
                  "The quarantines that it is in, if any, that the account "
                  "sees.",
                  .ref = VMN_TABLE_QUARANTINE),
    SHOWN_OF(status_port, quarantined_parent, REF, 0,
             "The port that it is a sub-port of, if that is `quarantined` and "
             "it is not itself, and if the account sees that port.",
             .ref = VMN_TABLE_PORT));

/* Telemetries.  ----------------------------------------------------------- */

/* The telemetry state of one kind on a host. */
#define TELEMETRY_STATE(NAME, KIND)                                     \
    SHOWN_OF(status_telemetry_host, NAME, ENUM, 0,                      \
             "Of " KIND ": `active`: the host's database has it; "      \
             "`pending`: not yet; `blocked`: something prevents it.", \
             SHOWN_NAMES("active", "pending", "blocked"))

static const struct schema_struct telemetry_host = SHOWN_KEPT(
    "host", status_telemetry_host,
    SHOWN_OF(status_telemetry_host, host, REF, ALWAYS, "The host.",
             .ref = VMN_TABLE_HOST),
    TELEMETRY_STATE(sflow, "sFlow"),
    TELEMETRY_STATE(ipfix, "IPFIX"),
    SHOWN_OF(status_telemetry_host, reason, STRING, 0,
             "Why it is not `active`."));

const struct schema_struct schema_status_telemetry = SHOWN_KEPT(
    "TelemetryStatus", status_telemetry,
    SHOWN_OF(status_telemetry, n_hosts, SIZE, ALWAYS,
             "How many hosts it names."),
    SHOWN_OF(status_telemetry, n_active, SIZE, ALWAYS,
             "On how many of them all that it says is `active`."),
    SHOWN_LIST_OF(status_telemetry, hosts, n_listed, STRUCT, 0,
                  "Each of them, at most 1000, when one telemetry is asked "
                  "for.", .nested = &telemetry_host));
