/* SPDX-License-Identifier: Apache-2.0
 *
 * What is observed of objects, type by type: the description of "status",
 * which northbound/status.c and the fabric make. */

#include <config.h>

#include "controller/schema/schema-shown.h"
#include "controller/schema/status.h"

/* Hosts.  ---------------------------------------------------------------- */

const struct schema_struct schema_lag = SHOWN_STRUCT(
    "Lag",
    SHOWN("revisions", INT, ALWAYS, "How many it has not acknowledged."),
    SHOWN("ms", INT, ALWAYS,
          "For how many milliseconds, as far as receipts go back."));

static const struct schema_struct openflow = SHOWN_STRUCT(
    "openflow",
    SHOWN("state", ENUM, ALWAYS, "Whether its switch is connected.",
          SHOWN_NAMES("connected", "disconnected")),
    SHOWN("since", STRING, ALWAYS | TIME, "Since when."),
    SHOWN("peer", STRING, 0, "Where it connects from."),
    SHOWN("error", STRING, 0, "Why the last connection ended."),
    SHOWN("outstanding_bundles", INT, ALWAYS, "Sent, and not answered."),
    SHOWN("outstanding_bytes", INT, ALWAYS, "The same in bytes."),
    SHOWN("queued_bytes", INT, ALWAYS, "Not yet taken by the network."),
    SHOWN("merging", INT, ALWAYS,
          "Groups of revisions that wait to be sent as one."),
    SHOWN("refused", INT, ALWAYS,
          "Flows and groups that are left out, as the switch refuses them."),
    SHOWN("stalls", INT, ALWAYS, "Times that it was cut off."));

static const struct schema_struct ovsdb = SHOWN_STRUCT(
    "ovsdb",
    SHOWN("state", ENUM, ALWAYS, "Whether its database is connected.",
          SHOWN_NAMES("connected", "connecting", "disconnected")),
    SHOWN("since", STRING, ALWAYS | TIME, "Since when."),
    SHOWN("error", STRING, 0, "Why the last connection ended."));

static const struct schema_struct underlay = SHOWN_STRUCT(
    "underlay",
    SHOWN("interface", STRING, ALWAYS, "Its `tunnel_interface`."),
    SHOWN("mtu", INT, 0,
          "The MTU of that; absent as long as it is not known."),
    SHOWN("network_mtu", INT, 0,
          "The largest MTU of a network that tunnels have room for: 50 bytes "
          "less, 70 if the host has a tunnel address of IPv6; with IPsec 46 "
          "less again."),
    SHOWN("reason", STRING, 0,
          "What is wrong with it, such as a network with a larger MTU that "
          "has a port on the host."));

static const struct schema_struct provider_bridge = SHOWN_STRUCT(
    "bridge",
    SHOWN("physical", STRING, ALWAYS, "The physical network."),
    SHOWN("bridge", STRING, ALWAYS, "The bridge that leads there."),
    SHOWN("ofport", INT, 0,
          "The number in the integration bridge of the port that leads "
          "there."),
    SHOWN("reason", STRING, 0, "Why there is none."));

static const struct schema_struct samples = SHOWN_STRUCT(
    "samples",
    SHOWN("samples", BOOL, ALWAYS,
          "Whether its switch sends samples of drops and logs."),
    SHOWN("reason", STRING, 0, "Why it does not."));

static const struct schema_struct packet_in_meters = SHOWN_STRUCT(
    "packet_in_meters",
    SHOWN("installed", BOOL, ALWAYS,
          "Whether its switch has meters for packets to the controller, and "
          "the flows that lead to them."),
    SHOWN("reason", STRING, 0, "Why it has not, or not yet."),
    SHOWN("dropped", INT, ALWAYS,
          "Packets that they have dropped, as of the last reading; `GET "
          "/v1/drops` says whose."));

static const struct schema_struct audit = SHOWN_STRUCT(
    "audit",
    SHOWN_AUDIT(SHOWN("differences", STRING, ALWAYS | LIST,
                      "The first 100, in words.")));

const struct schema_struct schema_status_host = SHOWN_STRUCT(
    "HostStatus",
    SHOWN("state", ENUM, 0,
          "`synced`: it holds what it is to hold; `reconciling`: it is "
          "brought there; `offline`, `connecting`; `diverged`: its switch "
          "refuses something, or did not answer; `refused`: it cannot be "
          "used.",
          SHOWN_NAMES("synced", "reconciling", "offline", "connecting",
                      "diverged", "refused")),
    SHOWN("reason", STRING, 0, "Why it is so."),
    SHOWN("flows", INT, 0, "Flows that are wanted on it."),
    SHOWN("groups", INT, 0, "Groups that are wanted on it."),
    SHOWN("ports", INT, 0, "VMs' interfaces that it has."),
    SHOWN("revision", INT, 0, "The newest that it is known to hold."),
    SHOWN("sent_revision", INT, 0, "The newest that was sent to it."),
    SHOWN("lag", STRUCT, 0, "What it has not acknowledged.",
          .nested = &schema_lag),
    SHOWN("openflow", STRUCT, 0, "Its switch's connection.",
          .nested = &openflow),
    SHOWN("ovsdb", STRUCT, 0, "Its database's connection.",
          .nested = &ovsdb),
    SHOWN("bridge", STRING, 0, "Its integration bridge."),
    SHOWN("datapath_id", STRING, 0,
          "The same as OpenFlow knows it.  No other host may have it, also "
          "while this one is away.  Not for accounts with a scope."),
    SHOWN("ovs_version", STRING, 0, "The version of its Open vSwitch."),
    SHOWN("underlay", STRUCT, 0, "Of its `tunnel_interface`.",
          .nested = &underlay),
    SHOWN("provider_bridges", STRUCT, LIST,
          "Its bridges to physical networks, as they are joined.",
          .nested = &provider_bridge),
    SHOWN("samples", STRUCT, 0, "Whether it tells of packets.",
          .nested = &samples),
    SHOWN("packet_in_meters", STRUCT, 0,
          "Whether its datapath limits what each sender has it send up.",
          .nested = &packet_in_meters),
    SHOWN("audit", STRUCT, 0,
          "What the last audit found, once there was one.",
          .nested = &audit));

/* Networks and ports.  --------------------------------------------------- */

static const struct schema_struct subnet = SHOWN_STRUCT(
    "subnet",
    SHOWN("cidr", PREFIX, ALWAYS, "The subnet."),
    SHOWN("size", INT, ALWAYS,
          "How many addresses can be allocated."),
    SHOWN("used", INT, ALWAYS,
          "How many of them ports and virtual IPs have, or reservations "
          "keep."),
    SHOWN("free", INT, ALWAYS, "How many are left."));

const struct schema_struct schema_status_network = SHOWN_STRUCT(
    "NetworkStatus",
    SHOWN("ports", INT, ALWAYS, "How many ports it has."),
    SHOWN("mtu", INT, 0, "The MTU in effect."),
    SHOWN("subnets", STRUCT, ALWAYS | LIST, "How full its subnets are.",
          .nested = &subnet));

static const struct schema_struct traffic = SHOWN_STRUCT(
    "traffic",
    SHOWN("sent_packets", INT, ALWAYS, "Packets that its VM has sent."),
    SHOWN("sent_bytes", INT, ALWAYS, "The same in bytes."),
    SHOWN("sent_bytes_s", INT, ALWAYS, "In a second, of late."),
    SHOWN("received_packets", INT, ALWAYS,
          "Packets that its VM was given."),
    SHOWN("received_bytes", INT, ALWAYS, "The same in bytes."),
    SHOWN("received_bytes_s", INT, ALWAYS, "In a second, of late."));

const struct schema_struct schema_status_port = SHOWN_STRUCT(
    "PortStatus",
    SHOWN("state", ENUM, 0,
          "`unbound`: no host reports it; `up`: its interface has a link, and "
          "its host has acknowledged the flows of its being there; `pending`: "
          "not yet; `down`: no link, or not enabled; `external`: it is on no "
          "host.",
          SHOWN_NAMES("unbound", "pending", "up", "down", "external")),
    SHOWN("reason", STRING, 0, "What is missing on its host, if anything."),
    SHOWN("host", REF, 0, "The host that it is on.", .ref = VMN_TABLE_HOST),
    SHOWN("candidate", REF, 0, "Another host that has its interface.",
          .ref = VMN_TABLE_HOST),
    SHOWN("refused_claims", REF, LIST,
          "Hosts that have its interface and may not, at most 16.",
          .ref = VMN_TABLE_HOST),
    SHOWN("ofport", INT, 0, "Its number in its host's bridge."),
    SHOWN("traffic", STRUCT, 0,
          "What its VM has sent and received, as its switch last told.",
          .nested = &traffic),
    SHOWN("quarantines", REF, LIST, "Those that hold it, if any.",
          .ref = VMN_TABLE_QUARANTINE));

const struct schema_struct schema_status_router = SHOWN_STRUCT(
    "RouterStatus",
    SHOWN("domain", STRING, 0,
          "The key of the routing domain of its networks, when one router is "
          "asked for."),
    SHOWN("gateway", REF, 0, "The host that is its gateway.",
          .ref = VMN_TABLE_HOST));

/* Policies, and what they are about.  ------------------------------------- */

#define MEMBERS(FLAGS)                                                  \
    SHOWN("n_members", INT, FLAGS,                                      \
          "How many ports are in it, those of groups inside included."), \
    SHOWN("members", REF, LIST,                                         \
          "Which, when one is asked for; the first 1000 by name.",      \
          .ref = VMN_TABLE_PORT)

const struct schema_struct schema_status_group = SHOWN_STRUCT(
    "GroupStatus", MEMBERS(0));

static const struct schema_struct count = SHOWN_STRUCT("Count", SHOWN_COUNT);

static const struct schema_struct log_count = SHOWN_STRUCT(
    "log",
    SHOWN("events", INT, ALWAYS, "How many there were, on all hosts."),
    SHOWN("told", INT, ALWAYS, "How many of these were told."),
    SHOWN("suppressed", INT, ALWAYS, "How many were not."));

static const struct schema_struct rule_count = SHOWN_STRUCT(
    "rule", SHOWN_COUNT,
    SHOWN("log", STRUCT, 0, "Its events, of a rule with a log.",
          .nested = &log_count));

const struct schema_struct schema_status_tier = SHOWN_STRUCT(
    "TierStatus",
    SHOWN("kept", STRUCT, ALWAYS,
          "Packets of connections that the tier keeps (`on_change`).",
          .nested = &count));

const struct schema_struct schema_status_policy = SHOWN_STRUCT(
    "PolicyStatus", SHOWN_COUNT,
    SHOWN("rules", STRUCT, LIST,
          "The same of each rule, in their order, when one policy is asked "
          "for.", .nested = &rule_count),
    SHOWN("would_isolate", STRUCT, 0,
          "The same of what a shadow would isolate, when one is asked for.",
          .nested = &count));

const struct schema_struct schema_status_quarantine = SHOWN_STRUCT(
    "QuarantineStatus", MEMBERS(ALWAYS), SHOWN_COUNT,
    SHOWN("allow", STRUCT, LIST,
          "The same of each entry of `allow`, in their order, when one "
          "quarantine is asked for.", .nested = &count));

static const struct schema_struct balancer_load = SHOWN_KEPT(
    "load", status_load,
    SHOWN_OF(status_load, connections, U64, ALWAYS,
             "New connections, on all hosts."),
    SHOWN_OF(status_load, connections_s, DOUBLE, ALWAYS,
             "In a second, of late."),
    SHOWN_OF(status_load, packets, U64, ALWAYS, "Packets of clients."),
    SHOWN_OF(status_load, packets_s, DOUBLE, ALWAYS,
             "In a second, of late."),
    SHOWN_OF(status_load, bytes, U64, ALWAYS, "How many bytes they had."),
    SHOWN_OF(status_load, bytes_s, DOUBLE, ALWAYS, "In a second, of late."),
    SHOWN_OF(status_load, last, STRING, ALWAYS | TIME | OR_NULL,
             "When the last connection was opened, to the second; null: none "
             "was."));

#define BACKEND_HEALTH_STATE(STRUCT, DOC)                               \
    SHOWN_OF(STRUCT, state, ENUM, ALWAYS, DOC,                          \
             SHOWN_NAMES("checking", "up", "down", "drained", "idle"))

static const struct schema_struct backend_change = SHOWN_KEPT(
    "change", status_backend_change,
    SHOWN_OF(status_backend_change, time, STRING, ALWAYS | TIME, "When."),
    BACKEND_HEALTH_STATE(status_backend_change, "What it was from then on."),
    SHOWN_OF(status_backend_change, reason, STRING, 0, "Why."));

static const struct schema_struct backend_health = SHOWN_KEPT(
    "health", status_backend_health,
    BACKEND_HEALTH_STATE(
        status_backend_health,
        "`checking`: it has not answered yet; `up`; `down`: it does not "
        "answer, or cannot; `drained`: its drain is over; `idle`: it is "
        "not probed."),
    SHOWN_OF(status_backend_health, since, STRING, ALWAYS | TIME,
             "Since when."),
    SHOWN_OF(status_backend_health, reason, STRING, 0,
             "Why the last probe that failed did so, until it is up again; "
             "or why it is out."),
    SHOWN_OF(status_backend_health, checked, STRING, TIME,
             "When the last probe was over."),
    SHOWN_OF(status_backend_health, latency_us, I64, HIDE,
             "How long the last good answer took, in microseconds."),
    SHOWN_OF(status_backend_health, ok, U64, ALWAYS,
             "Probes that went well, since vmnd's start."),
    SHOWN_OF(status_backend_health, failed, U64, ALWAYS,
             "Those that did not."),
    SHOWN_LIST_OF(status_backend_health, history, n_history, STRUCT, ALWAYS,
                  "Its last 16 changes, the oldest first.",
                  .nested = &backend_change));

static const struct schema_struct backend = SHOWN_KEPT(
    "backend", status_backend,
    SHOWN_OF(status_backend, port, REF, ALWAYS, "The port.",
             .ref = VMN_TABLE_PORT),
    SHOWN_OF(status_backend, weight, U32, ALWAYS, "Its share."),
    SHOWN_OF(status_backend, state, ENUM, ALWAYS,
             "`serving`: gets new connections; `standby`: would; `checking`: "
             "has not answered a probe yet; `down`: fails its probes; "
             "`draining`: its open connections may end; `drained`: they have; "
             "`idle`: cannot serve.",
             SHOWN_NAMES("serving", "standby", "checking", "down", "draining",
                         "drained", "idle")),
    SHOWN_OF(status_backend, serving, BOOL, ALWAYS, "Whether it serves."),
    SHOWN_OF(status_backend, share, DOUBLE, 0,
             "Of new connections of clients in its routing domain, in "
             "percent; with `locality`, of those that have no backend on "
             "their host."),
    SHOWN_OF(status_backend, host, REF, 0, "The host that it is on.",
             .ref = VMN_TABLE_HOST),
    SHOWN_OF(status_backend, reason, STRING, 0, "Why it does not serve."),
    SHOWN_STRUCT_OF(status_backend, health, POINTER,
                    "What probes have found.", &backend_health),
    SHOWN_STRUCT_OF(status_backend, load, ALWAYS,
                    "What it is given; its packets and bytes are those of "
                    "all balancers.", &balancer_load));

static const struct schema_struct scale_webhook = SHOWN_KEPT(
    "webhook", status_webhook,
    SHOWN_OF(status_webhook, result, ENUM, ALWAYS,
             "`waiting`: for its turn, for the reply, or to be tried again; "
             "`delivered`: it was answered with 2xx; `failed`: it was not, "
             "and is not tried again; `refused`: `vmnd` may not call it; "
             "`dropped`: too much else was to be told.",
             SHOWN_NAMES("waiting", "delivered", "failed", "refused",
                         "dropped")),
    SHOWN_OF(status_webhook, time, STRING, ALWAYS | TIME, "Since when."),
    SHOWN_OF(status_webhook, tries, U32, ALWAYS, "How often it was tried."),
    SHOWN_OF(status_webhook, delivery, STRING, ALWAYS,
             "By which the call is known."),
    SHOWN_OF(status_webhook, reason, STRING, 0,
             "What was wrong with the last try."));

static const struct schema_struct scale_last = SHOWN_KEPT(
    "last", status_scale_last,
    SHOWN_OF(status_scale_last, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(status_scale_last, direction, ENUM, ALWAYS, "What was told.",
             SHOWN_NAMES("up", "down")),
    SHOWN_STRUCT_OF(status_scale_last, webhook, POINTER,
                    "What became of the call of its webhook.",
                    &scale_webhook));

static const struct schema_struct scale = SHOWN_KEPT(
    "scale", status_scale,
    SHOWN_OF(status_scale, state, ENUM, ALWAYS,
             "`normal`; `high` or `low`: beyond that threshold; `cooling`: "
             "somebody was told, and nobody is told again for a while; "
             "`unknown`: nobody knows.",
             SHOWN_NAMES("unknown", "normal", "high", "low", "cooling")),
    SHOWN_OF(status_scale, since, STRING, ALWAYS | TIME, "When that began."),
    SHOWN_OF(status_scale, value, DOUBLE, ALWAYS | OR_NULL,
             "What there is of the metric in a second, for each backend that "
             "serves."),
    SHOWN_OF(status_scale, reason, STRING, 0,
             "Why nobody knows, or why its webhook would not be called."),
    SHOWN_STRUCT_OF(status_scale, last, POINTER,
                    "The last event, since the start of `vmnd`.",
                    &scale_last));

const struct schema_struct schema_status_loadbalancer = SHOWN_KEPT(
    "LoadBalancerStatus", status_loadbalancer,
    SHOWN_OF(status_loadbalancer, n_backends, SIZE, ALWAYS,
             "How many backends it has."),
    SHOWN_OF(status_loadbalancer, n_serving, SIZE, ALWAYS,
             "How many of these serve."),
    SHOWN_STRUCT_OF(status_loadbalancer, load, ALWAYS,
                    "What clients send it, some seconds old, as counters "
                    "are.", &balancer_load),
    SHOWN_OF(status_loadbalancer, limited, I64, HIDE,
             "Packets, on all hosts, that would have opened one connection "
             "more than their clients may, and were dropped; with "
             "`client_limit`.", .def = -1),
    SHOWN_LIST_OF(status_loadbalancer, backends, n_listed, STRUCT, 0,
                  "When one balancer is asked for; the first 1000.",
                  .nested = &backend),
    SHOWN_STRUCT_OF(status_loadbalancer, scale, POINTER,
                    "Its load, if it has thresholds.", &scale));

/* The rest.  ------------------------------------------------------------- */

const struct schema_struct schema_status_observation = SHOWN_STRUCT(
    "ObservationStatus",
    SHOWN("ends", STRING, 0 | TIME, "When it is over."));

static const struct schema_struct stage = SHOWN_STRUCT(
    "stage",
    SHOWN("name", STRING, ALWAYS, "Its name."),
    SHOWN("first_table", INT, ALWAYS, "The first of its tables."),
    SHOWN("tables", INT, ALWAYS, "How many it has."));

/* Of what one kind is on a host. */
#define TELEMETRY_STATE(NAME, KIND)                                     \
    SHOWN(NAME, ENUM, 0,                                                \
          "Of " KIND ": `active`: the host's database has it; "         \
          "`pending`: not yet; `blocked`: something is in its way.",    \
          SHOWN_NAMES("active", "pending", "blocked"))

static const struct schema_struct telemetry_host = SHOWN_STRUCT(
    "host",
    SHOWN("host", REF, ALWAYS, "The host.", .ref = VMN_TABLE_HOST),
    TELEMETRY_STATE("sflow", "sFlow"),
    TELEMETRY_STATE("ipfix", "IPFIX"),
    SHOWN("reason", STRING, 0, "Why it is not `active`."));

const struct schema_struct schema_status_telemetry = SHOWN_STRUCT(
    "TelemetryStatus",
    SHOWN("n_hosts", INT, ALWAYS, "How many hosts it names."),
    SHOWN("n_active", INT, ALWAYS,
          "On how many of them all that it says is `active`."),
    SHOWN("hosts", STRUCT, LIST,
          "Each of them, at most 1000, when one telemetry is asked for.",
          .nested = &telemetry_host));

const struct schema_struct schema_status_app = SHOWN_STRUCT(
    "AppStatus",
    SHOWN("about", STRING, 0, "What it says of itself."),
    SHOWN("stages", STRUCT, LIST, "Where in the pipeline it is.",
          .nested = &stage),
    SHOWN("units", INT, 0, "How many units there are of it."),
    SHOWN("flows", INT, 0, "How many flows these want."),
    SHOWN("groups", INT, 0, "How many groups."),
    SHOWN("problems", INT, 0,
          "How many units could not be compiled, or contradict others."));
