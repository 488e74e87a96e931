/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of events; see openapi-operations.h.  Not for packets, which are
 * events as well (openapi-packets.c). */

#include <config.h>

#include "controller/northbound/openapi-operations.h"

#include "controller/load-monitor/load-monitor.h"
#include "controller/northbound/replies.h"
#include "controller/schema/schema-shown.h"

#define REVISION_OF(KEPT, DOC) SHOWN_OF(KEPT, revision, U64, ALWAYS, DOC)

const struct schema_struct nb_event_stream = SHOWN_KEPT(
    "start", nb_event_stream,
    REVISION_OF(nb_event_stream, "The newest revision when it was sent."),
    SHOWN_OF(nb_event_stream, kept_since, STRING, TIME,
             "Of a stream of the past that was to begin earlier: since when "
             "events are kept."),
    SHOWN_OF(nb_event_stream, hidden, U64, 0,
             "How many drops of background are left out of the past that is "
             "told."));

const struct schema_struct nb_event_installed = SHOWN_KEPT(
    "installed", nb_event_installed,
    SHOWN_OF(nb_event_installed, first_revision, U64, ALWAYS,
             "From this revision on."),
    REVISION_OF(nb_event_installed, "To this one."),
    SHOWN_OF(nb_event_installed, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_installed, hosts, U64, ALWAYS,
             "How many hosts they concern."));

const struct schema_struct nb_event_host = SHOWN_KEPT(
    "host", nb_event_host,
    SHOWN_OF(nb_event_host, host, STRING, ALWAYS, "The host."),
    SHOWN_OF(nb_event_host, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_host, state, STRING, ALWAYS,
             "As in its status; `deleted`: some seconds after that, when it "
             "is known whether its bridge was cleaned up."),
    SHOWN_OF(nb_event_host, reason, STRING, 0,
             "As in its status; of `deleted`: what is left on it, if "
             "anything."));

const struct schema_struct nb_event_binding = SHOWN_KEPT(
    "binding", nb_event_binding,
    SHOWN_OF(nb_event_binding, port, STRING, ALWAYS, "The port."),
    SHOWN_OF(nb_event_binding, network, STRING, ALWAYS, "Its network."),
    SHOWN_OF(nb_event_binding, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_binding, host, STRING, ALWAYS | OR_NULL,
             "The host that it is on."),
    SHOWN_OF(nb_event_binding, from, STRING, 0,
             "The host that it was on, if that is another one."),
    SHOWN_OF(nb_event_binding, candidate, STRING, 0,
             "Another host that has its interface."),
    SHOWN_OF(nb_event_binding, activated, BOOL, HIDE,
             "Its guest has migrated here, and `candidate` is the host that "
             "it comes from."),
    SHOWN_OF(nb_event_binding, migration, STRING, 0,
             "How a migration has ended with it: `finished` or "
             "`rolled back`."),
    SHOWN_OF(nb_event_binding, migration_reason, STRING, 0,
             "Why it has ended so."),
    SHOWN_OF(nb_event_binding, state, STRING, ALWAYS, "As in its status."),
    SHOWN_OF(nb_event_binding, reason, STRING, 0, "As in its status."));

const struct schema_struct nb_event_ports = SHOWN_KEPT(
    "ports", nb_event_ports,
    SHOWN_OF(nb_event_ports, host, STRING, ALWAYS, "The host."),
    SHOWN_OF(nb_event_ports, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_ports, state, ENUM, ALWAYS,
             "`unknown`: the state of all its ports is unknown; `known`: it "
             "is again the one before, or that of the next `binding`.",
             SHOWN_NAMES("unknown", "known")),
    SHOWN_OF(nb_event_ports, since, STRING, TIME,
             "Of `unknown`: when the host was heard last."),
    SHOWN_OF(nb_event_ports, reason, STRING, 0, "Why they are `unknown`."),
    SHOWN_OF(nb_event_ports, n_ports, SIZE, ALWAYS, "How many they are."),
    SHOWN_LIST_OF(nb_event_ports, ports, n_listed, STRING, ALWAYS,
                  "Which, the first 100 by name."));

const struct schema_struct nb_event_claim = SHOWN_KEPT(
    "claim", nb_event_claim,
    SHOWN_OF(nb_event_claim, port, STRING, ALWAYS, "The port."),
    SHOWN_OF(nb_event_claim, network, STRING, ALWAYS, "Its network."),
    SHOWN_OF(nb_event_claim, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_claim, host, STRING, ALWAYS,
             "The host that has its interface."),
    SHOWN_OF(nb_event_claim, expected, STRING, ALWAYS | OR_NULL,
             "The host that is to have it, or has it."),
    SHOWN_OF(nb_event_claim, reason, STRING, ALWAYS,
             "Why it is not bound there."));

const struct schema_struct nb_event_audit = SHOWN_KEPT(
    "audit", nb_event_audit,
    SHOWN_OF(nb_event_audit, host, STRING, ALWAYS, "The host."),
    SHOWN_OF(nb_event_audit, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_audit, missing, U64, ALWAYS, "How many items were "
                                                   "missing."),
    SHOWN_OF(nb_event_audit, altered, U64, ALWAYS, "How many items were "
                                                   "altered."),
    SHOWN_OF(nb_event_audit, unknown, U64, ALWAYS,
             "How many items were unknown (not desired)."));

const struct schema_struct nb_event_health = SHOWN_KEPT(
    "health", nb_event_health,
    SHOWN_OF(nb_event_health, loadbalancer, STRING, ALWAYS, "The balancer."),
    SHOWN_OF(nb_event_health, port, STRING, ALWAYS, "Its backend."),
    SHOWN_OF(nb_event_health, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_health, state, ENUM, ALWAYS,
             "As in the balancer's status.",
             SHOWN_NAMES("checking", "up", "down", "drained", "idle")),
    SHOWN_OF(nb_event_health, reason, STRING, 0,
             "As in the balancer's status."));

const struct schema_struct nb_event_monitor = SHOWN_KEPT(
    "monitor", nb_event_monitor,
    SHOWN_OF(nb_event_monitor, port, STRING, ALWAYS, "The port."),
    SHOWN_OF(nb_event_monitor, network, STRING, ALWAYS, "Its network."),
    SHOWN_OF(nb_event_monitor, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_monitor, state, ENUM, ALWAYS,
             "As in `monitor` of the port's status.",
             SHOWN_NAMES("up", "down", "unknown")),
    SHOWN_OF(nb_event_monitor, reason, STRING, 0, "The same."));

const struct schema_struct nb_event_path = SHOWN_KEPT(
    "path", nb_event_path,
    SHOWN_OF(nb_event_path, host, STRING, ALWAYS, "One host."),
    SHOWN_OF(nb_event_path, peer, STRING, ALWAYS, "The other one."),
    SHOWN_OF(nb_event_path, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_path, state, ENUM, ALWAYS, "As in `GET /v1/paths`.",
             SHOWN_NAMES("up", "lossy", "mtu", "down", "unknown")),
    SHOWN_OF(nb_event_path, reason, STRING, 0, "The same."),
    SHOWN_OF(nb_event_path, ports, U64, ALWAYS,
             "How many ports are concerned."));

const struct schema_struct nb_event_standby = SHOWN_KEPT(
    "standby", nb_event_standby,
    SHOWN_OF(nb_event_standby, loadbalancer, STRING, ALWAYS, "The balancer."),
    SHOWN_OF(nb_event_standby, port, STRING, ALWAYS, "Its standby."),
    SHOWN_OF(nb_event_standby, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_standby, state, ENUM, ALWAYS,
             "`serving`: it gets new connections, as fewer others serve than "
             "`min_serving`; `standby`: it does not any more.",
             SHOWN_NAMES("serving", "standby")),
    SHOWN_OF(nb_event_standby, reason, STRING, ALWAYS, "Why."));

const struct schema_struct nb_event_gateway = SHOWN_KEPT(
    "gateway", nb_event_gateway,
    SHOWN_OF(nb_event_gateway, router, STRING, ALWAYS, "The router."),
    SHOWN_OF(nb_event_gateway, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_gateway, state, ENUM, ALWAYS,
             "`active`: `host` is the gateway now; `lost`: none is.",
             SHOWN_NAMES("active", "lost")),
    SHOWN_OF(nb_event_gateway, host, STRING, ALWAYS | OR_NULL,
             "The host that is the gateway now."),
    SHOWN_OF(nb_event_gateway, before, STRING, ALWAYS,
             "The host that was the last gateway."),
    SHOWN_OF(nb_event_gateway, reason, STRING, 0,
             "Why none is, or why the last one is not any more, as in the "
             "router's status."));

const struct schema_struct nb_event_trace = SHOWN_KEPT(
    "traced", nb_event_trace,
    SHOWN_OF(nb_event_trace, from, STRING, ALWAYS,
             "The port that the packet was put in at, or `outside`."),
    SHOWN_OF(nb_event_trace, to_port, STRING, ALWAYS | OR_NULL,
             "The port that it was for, if one has the address."),
    SHOWN_OF(nb_event_trace, to_ip, IP, ALWAYS, "The address."),
    SHOWN_OF(nb_event_trace, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_trace, packet, STRING, ALWAYS, "The packet."),
    SHOWN_OF(nb_event_trace, difference, STRING, ALWAYS,
             "The first difference, on its way, from what was predicted."));

const struct schema_struct nb_event_app = SHOWN_KEPT(
    "app", nb_event_app,
    SHOWN_OF(nb_event_app, app, STRING, ALWAYS, "The app."),
    SHOWN_OF(nb_event_app, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(nb_event_app, state, ENUM, ALWAYS,
             "That of its process, as in the app's status.",
             SHOWN_NAMES("running", "pausing", "suspended", "absent")),
    SHOWN_OF(nb_event_app, ends, U64, ALWAYS,
             "How often it has ended since `vmnd` started."),
    SHOWN_OF(nb_event_app, failure, STRING, 0,
             "Why it ended, or why there is none."),
    SHOWN_OF(nb_event_app, computed, STRING, 0,
             "The unit, query or handler that it computed then."));

const struct schema_struct nb_reply_events = SHOWN_STRUCT(
    "Events",
    SHOWN("start", STRUCT, 0, "The first event of a new stream.",
          .nested = &nb_event_stream),
    SHOWN("reset", STRUCT, 0,
          "The first event of a stream resumed from an event that is no "
          "longer kept: the client reads all state again.",
          .nested = &nb_event_stream),
    SHOWN("end", STRUCT, 0, "The last event, with `follow=false`.",
          .nested = &nb_event_stream),
    SHOWN("revision", STRUCT, 0, "A change is durable.",
          .nested = &schema_log_entry_shown),
    SHOWN("installed", STRUCT, 0, "All hosts concerned have installed it.",
          .nested = &nb_event_installed),
    SHOWN("host", STRUCT, 0, "A host's state changed.",
          .nested = &nb_event_host),
    SHOWN("binding", STRUCT, 0, "A port's binding or state changed.",
          .nested = &nb_event_binding),
    SHOWN("ports", STRUCT, 0,
          "The ports of a host that is not heard are `unknown`, or known "
          "again.", .nested = &nb_event_ports),
    SHOWN("claim", STRUCT, 0,
          "A host has the interface of a port that may not be bound there.",
          .nested = &nb_event_claim),
    SHOWN("drop", STRUCT, 0, "A packet was dropped.",
          .nested = &nb_sample_drop),
    SHOWN("log", STRUCT, 0, "A rule with a log decided.",
          .nested = &nb_sample_log),
    SHOWN("audit", STRUCT, 0, "An audit found differences on a host.",
          .nested = &nb_event_audit),
    SHOWN("health", STRUCT, 0, "A backend's state changed.",
          .nested = &nb_event_health),
    SHOWN("monitor", STRUCT, 0,
          "Whether the guest of a port that is monitored answers has "
          "changed.", .nested = &nb_event_monitor),
    SHOWN("standby", STRUCT, 0,
          "A standby of a balancer serves, or stands by again.",
          .nested = &nb_event_standby),
    SHOWN("scale", STRUCT, 0,
          "The load of a balancer crossed a threshold.",
          .nested = &load_event_shown),
    SHOWN("gateway", STRUCT, 0,
          "Another host is a router's gateway, or none is.",
          .nested = &nb_event_gateway),
    SHOWN("path", STRUCT, 0,
          "The path between two hosts is in trouble, or is not any more.",
          .nested = &nb_event_path),
    SHOWN("app", STRUCT, 0,
          "An app's process has ended, runs again or is suspended, or an app "
          "could not be loaded.", .nested = &nb_event_app),
    SHOWN("trace", STRUCT, 0,
          "A live trace's packet was treated otherwise than predicted.",
          .nested = &nb_event_trace));
