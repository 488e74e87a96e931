/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of load balancers; see status.h. */

#include <config.h>

#include "controller/schema/schema-shown.h"
#include "controller/schema/status.h"

static const struct schema_struct balancer_load = SHOWN_KEPT(
    "load", status_load,
    SHOWN_OF(status_load, connections, U64, ALWAYS,
             "Packets that opened a connection, or tried to, on all hosts."),
    SHOWN_OF(status_load, connections_per_s, DOUBLE, ALWAYS,
             "The current rate per second."),
    SHOWN_OF(status_load, packets, U64, ALWAYS, "Packets of clients."),
    SHOWN_OF(status_load, packets_per_s, DOUBLE, ALWAYS,
             "The current rate per second."),
    SHOWN_OF(status_load, bytes, U64, ALWAYS, "How many bytes they had."),
    SHOWN_OF(status_load, bytes_per_s, DOUBLE, ALWAYS, "The current rate per "
                                                       "second."),
    SHOWN_OF(status_load, last, STRING, ALWAYS | TIME | OR_NULL,
             "When the last connection was opened, to the second; null: none "
             "was."));

#define BACKEND_HEALTH_STATE(STRUCT, DOC)                               \
    SHOWN_OF(STRUCT, state, ENUM, ALWAYS, DOC,                          \
             SHOWN_NAMES("checking", "up", "down", "drained", "idle"))

static const struct schema_struct backend_change = SHOWN_KEPT(
    "change", status_backend_change,
    SHOWN_OF(status_backend_change, time, STRING, ALWAYS | TIME, "When."),
    BACKEND_HEALTH_STATE(status_backend_change, "The state from then on."),
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
             "When the last probe ended."),
    SHOWN_OF(status_backend_health, latency_us, I64, HIDE,
             "The duration of the last successful probe, in microseconds."),
    SHOWN_OF(status_backend_health, ok, U64, ALWAYS,
             "Successful probes, since vmnd's start."),
    SHOWN_OF(status_backend_health, failed, U64, ALWAYS,
             "Failed probes, since vmnd's start."),
    SHOWN_LIST_OF(status_backend_health, history, n_history, STRUCT, ALWAYS,
                  "Its last 16 changes, the oldest first.",
                  .nested = &backend_change));

static const struct schema_struct backend_drain = SHOWN_KEPT(
    "drain", status_backend_drain,
    SHOWN_OF(status_backend_drain, since, STRING, ALWAYS | TIME,
             "When it began; if that was before `vmnd` started, its "
             "balancer's last edit."),
    SHOWN_OF(status_backend_drain, quiet_since, STRING,
             ALWAYS | TIME | OR_NULL,
             "Since when the counters of hosts show no packet of a client to "
             "it: as of their last reading, and not before the drain.  null: "
             "counters are not read."),
    SHOWN_OF(status_backend_drain, earliest, STRING, ALWAYS | TIME,
             "When it will be `drained` if no client sends it a packet until "
             "then: 60 s and two readings of counters after `quiet_since`."),
    SHOWN_OF(status_backend_drain, latest, STRING, ALWAYS | TIME,
             "When it will be in any case, and what is still open is cut."));

static const struct schema_struct backend = SHOWN_KEPT(
    "backend", status_backend,
    SHOWN_OF(status_backend, port, REF, ALWAYS, "The port.",
             .ref = VMN_TABLE_PORT),
    SHOWN_OF(status_backend, port_state, STRING, 0,
             "The `state` of that port.  If it is `unknown`, what this says "
             "of the backend is what the flows do, whether it is there or "
             "not."),
    SHOWN_OF(status_backend, weight, U32, ALWAYS, "Its share."),
    SHOWN_OF(status_backend, state, ENUM, ALWAYS,
             "`serving`: gets new connections; `standby`: would; `checking`: "
             "has not answered a probe yet; `down`: fails its probes; "
             "`draining`: its open connections may end; `drained`: no client "
             "used one for a minute, or they were cut; `idle`: cannot serve.",
             SHOWN_NAMES("serving", "standby", "checking", "down", "draining",
                         "drained", "idle")),
    SHOWN_OF(status_backend, serving, BOOL, ALWAYS, "Whether it serves."),
    SHOWN_OF(status_backend, unprobed, BOOL, HIDE,
             "Whether it does so without being probed, so whether anything "
             "answers there is not known: its balancer has no `health`."),
    SHOWN_OF(status_backend, kept, BOOL, HIDE,
             "Whether it does so since its host is not heard, and its last "
             "state is kept."),
    SHOWN_OF(status_backend, kept_until, STRING, TIME,
             "Until when, if it is probed: then it is down."),
    SHOWN_OF(status_backend, share, DOUBLE, 0,
             "Of new connections of clients in its routing domain, in "
             "percent; with `locality`, of those that have no backend on "
             "their host."),
    SHOWN_OF(status_backend, host, REF, 0, "The host that it is on.",
             .ref = VMN_TABLE_HOST),
    SHOWN_OF(status_backend, reason, STRING, 0,
             "Why it does not serve; or why its port is `unknown`, and its "
             "state is kept."),
    SHOWN_STRUCT_OF(status_backend, health, POINTER,
                    "What probes have found.", &backend_health),
    SHOWN_STRUCT_OF(status_backend, drain, POINTER,
                    "Of one that is `draining`: how far that is.  How many "
                    "connections are open is not known: only a host's "
                    "conntrack has them.", &backend_drain),
    SHOWN_OF(status_backend, drain_result, ENUM, 0,
             "Of one that is `drained`: `quiet`: no client used a connection "
             "for a minute; `cut`: `drain_seconds` were over before that, "
             "and what was open is cut.  Not there if `vmnd` was started "
             "since then: it is not stored.",
             SHOWN_NAMES("quiet", "cut")),
    SHOWN_STRUCT_OF(status_backend, load, ALWAYS,
                    "Its load; packets and bytes are those of all "
                    "balancers.", &balancer_load));

static const struct schema_struct scale_webhook = SHOWN_KEPT(
    "webhook", status_webhook,
    SHOWN_OF(status_webhook, result, ENUM, ALWAYS,
             "`pending`: queued, without a reply yet, or to be retried; "
             "`delivered`: the reply was 2xx; `failed`: it was not, and there "
             "are no more retries; `rejected`: `vmnd` may not call the URL; "
             "`dropped`: too many calls were pending.",
             SHOWN_NAMES("pending", "delivered", "failed", "rejected",
                         "dropped")),
    SHOWN_OF(status_webhook, time, STRING, ALWAYS | TIME, "Since when."),
    SHOWN_OF(status_webhook, attempts, U32, ALWAYS, "How many attempts were "
                                                    "made."),
    SHOWN_OF(status_webhook, delivery, STRING, ALWAYS,
             "The ID of the call."),
    SHOWN_OF(status_webhook, reason, STRING, 0,
             "The error of the last attempt."));

static const struct schema_struct scale_last = SHOWN_KEPT(
    "last", status_scale_last,
    SHOWN_OF(status_scale_last, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(status_scale_last, direction, ENUM, ALWAYS, "Whether more (`up`) "
                                                         "or fewer backends "
                                                         "are needed.",
             SHOWN_NAMES("up", "down")),
    SHOWN_STRUCT_OF(status_scale_last, webhook, POINTER,
                    "The result of its webhook's call.",
                    &scale_webhook));

static const struct schema_struct scale = SHOWN_KEPT(
    "scale", status_scale,
    SHOWN_OF(status_scale, state, ENUM, ALWAYS,
             "`normal`; `high` or `low`: beyond that threshold; `cooling`: "
             "beyond a threshold, in the cooldown after an event; `unknown`: "
             "the load is not known.",
             SHOWN_NAMES("unknown", "normal", "high", "low", "cooling")),
    SHOWN_OF(status_scale, since, STRING, ALWAYS | TIME, "When that began."),
    SHOWN_OF(status_scale, value, DOUBLE, ALWAYS | OR_NULL,
             "The metric, per second and serving backend."),
    SHOWN_OF(status_scale, reason, STRING, 0,
             "Why the load is not known, or why its webhook would not be "
             "called."),
    SHOWN_STRUCT_OF(status_scale, last, POINTER,
                    "The last event, since the start of `vmnd`.",
                    &scale_last));

const struct schema_struct schema_status_loadbalancer = SHOWN_KEPT(
    "LoadBalancerStatus", status_loadbalancer,
    SHOWN_OF(status_loadbalancer, n_backends, SIZE, ALWAYS,
             "How many backends it has."),
    SHOWN_OF(status_loadbalancer, n_serving, SIZE, ALWAYS,
             "How many of these serve."),
    SHOWN_OF(status_loadbalancer, n_unknown, SIZE, ALWAYS,
             "Of those that serve, how many have a port that is `unknown`."),
    SHOWN_STRUCT_OF(status_loadbalancer, load, ALWAYS,
                    "The traffic of its clients, as of the last reading of "
                    "counters.", &balancer_load),
    SHOWN_UNREAD(status_loadbalancer),
    SHOWN_OF(status_loadbalancer, limited, I64, HIDE,
             "Packets, on all hosts, that were dropped because their client "
             "exceeded `client_limit`.", .def = -1),
    SHOWN_LIST_OF(status_loadbalancer, backends, n_listed, STRUCT, 0,
                  "In replies for one balancer; the first 1000.",
                  .nested = &backend),
    SHOWN_STRUCT_OF(status_loadbalancer, scale, POINTER,
                    "Its load, if it has thresholds.", &scale));
