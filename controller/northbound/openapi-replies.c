/* SPDX-License-Identifier: Apache-2.0
 *
 * What calls answer, member by member; see openapi-operations.h.  What the
 * simulator is asked and answers is in openapi-simulator.c. */

#include <config.h>

#include "controller/northbound/openapi-operations.h"

#include "controller/commit/activity.h"
#include "controller/engine/engine.h"
#include "controller/fabric/fabric-flows.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-status.h"
#include "controller/load-monitor/load-monitor.h"
#include "controller/schema/schema-shown.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"

/* Shared by several.  ---------------------------------------------------- */

#define REVISION(DOC) SHOWN("revision", INT, ALWAYS, DOC)
#define NEXT(DOC) SHOWN("next", STRING, 0, DOC)
/* What a flow is wanted by. */
#define ABOUT(FLAGS)                                                    \
    SHOWN("owner", STRING, FLAGS | OR_NULL,                             \
          "App, unit and object whose flow it is."),                    \
    SHOWN("object", STRUCT, FLAGS | OR_NULL,                            \
          "The object that it is there for; null: none in particular.", \
          .nested = &nb_object_ref),                                    \
    SHOWN("rule", INT, 0, "Which rule of that policy, from 0.")

const struct schema_struct nb_object_ref = SHOWN_STRUCT(
    "ObjectRef",
    SHOWN("type", STRING, ALWAYS, "The type of an object."),
    SHOWN("name", STRING, ALWAYS, "Its name."));

static const struct schema_struct change = SHOWN_STRUCT(
    "Change",
    SHOWN("op", STRING, 0, "`create`, `update`, `delete` or `restore`."),
    SHOWN("type", STRING, 0, "The type of the object."),
    SHOWN("name", STRING, 0, "Its name."),
    SHOWN("more", INT, 0, "Of a last entry: how many more there are."));

#define OUTCOME                                                         \
    SHOWN("outcome", ENUM, ALWAYS, "What became of it.",                \
          SHOWN_NAMES("created", "updated", "unchanged", "deleted"))
#define CHANGED                                                         \
    REVISION("The revision of the change; the one before, if nothing "  \
             "changed."),                                               \
    SHOWN("also_changed", STRUCT, LIST,                                         \
          "Other objects that were changed or deleted along with it.",  \
          .nested = &change),                                           \
    SHOWN("receipt", STRUCT, OR_NULL,                                   \
          "Of a change that was waited for: which hosts have it.",      \
          .nested = &fabric_receipt_shown)

const struct schema_field nb_reply_change[] = {
    OUTCOME, CHANGED,
    SHOWN("secret", STRING, 0,
          "The token, of a PUT that has made it. It is told this once."),
    SHOWN_END
};

const struct schema_struct nb_reply_deleted = SHOWN_STRUCT(
    "Deleted",
    SHOWN("type", STRING, ALWAYS, "The type of the object."),
    SHOWN("name", STRING, ALWAYS, "Its name."), OUTCOME, CHANGED);

const struct schema_struct nb_reply_metadata = SHOWN_STRUCT(
    "Metadata",
    REVISION("The revision that made this version."),
    SHOWN("etag", STRING, ALWAYS, "The same as a text, for If-Match."),
    SHOWN("created", STRING, TIME,
          "When it was made; absent of what is built in."),
    SHOWN("updated", STRING, TIME, "When its spec last changed."),
    SHOWN("set", STRING, 0, "The set that it belongs to."));

static const struct schema_struct fault = SHOWN_STRUCT(
    "Fault",
    SHOWN("pointer", STRING, ALWAYS,
          "JSON pointer (RFC 6901) to what is wrong in the body; empty: all "
          "of it, or a parameter."),
    SHOWN("parameter", STRING, 0, "The parameter of the query, if it is one."),
    SHOWN("code", STRING, 0, "Which kind of fault: as `type`."),
    SHOWN("detail", STRING, ALWAYS, "What is wrong."));

const struct schema_struct nb_reply_problem = SHOWN_STRUCT(
    "Problem",
    SHOWN("type", STRING, ALWAYS, "`urn:vmn:problem:` and the kind."),
    SHOWN("title", STRING, ALWAYS, "The status, in words."),
    SHOWN("status", INT, ALWAYS, "The status."),
    SHOWN("detail", STRING, ALWAYS, "What is wrong."),
    SHOWN("errors", STRUCT, LIST, "Each fault, at most 64 of them.",
          .nested = &fault));

/* Changes.  -------------------------------------------------------------- */

static const struct schema_struct result = SHOWN_STRUCT(
    "result",
    SHOWN("type", STRING, ALWAYS, "The type of the object."),
    SHOWN("name", STRING, ALWAYS, "Its name."), OUTCOME,
    REVISION("The revision of its version."));

const struct schema_struct nb_any_object = { .name = "AnyObject" };

const struct schema_struct nb_body_apply = SHOWN_STRUCT(
    "Objects",
    SHOWN("objects", STRUCT, ALWAYS | LIST, "The objects, in any order.",
          .nested = &nb_any_object, .max_items = 20000));

const struct schema_struct nb_reply_applied = SHOWN_STRUCT(
    "Applied",
    SHOWN("changed", BOOL, ALWAYS, "Whether anything changed."),
    SHOWN("results", STRUCT, ALWAYS | LIST,
          "What became of each, in the order of the request.",
          .nested = &result), CHANGED);

/* The log.  -------------------------------------------------------------- */

#define LOG_ENTRY                                                       \
    REVISION("Its number."),                                            \
    SHOWN("time", STRING, ALWAYS | TIME | OR_NULL, "When it was made."), \
    SHOWN("who", STRING, ALWAYS | OR_NULL, "Who made it."),             \
    SHOWN("changes", STRUCT, ALWAYS | LIST, "What it changed.",         \
          .nested = &change)

static const struct schema_struct log_entry = SHOWN_STRUCT(
    "LogEntry", LOG_ENTRY);

const struct schema_struct nb_reply_revisions = SHOWN_STRUCT(
    "RevisionList",
    SHOWN("items", STRUCT, ALWAYS | LIST, "Entries, oldest first.",
          .nested = &log_entry),
    REVISION("The newest."),
    NEXT("Of an object's: what to give as `before`, if there may be more."));

const struct schema_struct nb_reply_revision = SHOWN_STRUCT(
    "Revision", LOG_ENTRY,
    SHOWN("duration_us", STRUCT, 0, "What it took, while that is kept.",
          .nested = &activity_steps_shown),
    SHOWN("receipt", STRUCT, ALWAYS | OR_NULL, "Which hosts have it.",
          .nested = &fabric_receipt_shown));

/* What changes take.  ---------------------------------------------------- */

#define HOST_COUNTS                                                     \
    SHOWN("configured", INT, ALWAYS, "How many hosts there are."),      \
    SHOWN("connected", INT, ALWAYS, "How many are connected."),         \
    SHOWN("synced", INT, ALWAYS, "How many hold what they are to hold.")

static const struct schema_struct activity_hosts = SHOWN_STRUCT(
    "hosts", HOST_COUNTS,
    SHOWN("n_behind", INT, ALWAYS,
          "How many are not synced, or have not acknowledged all."),
    SHOWN("behind", STRUCT, ALWAYS | LIST,
          "The 10 that have been longest.", .nested = &fabric_behind_shown));

static const struct schema_struct class = SHOWN_STRUCT(
    "class",
    SHOWN("app", STRING, ALWAYS, "The app."),
    SHOWN("kind", ENUM, ALWAYS, "Which kind.", SHOWN_NAMES("unit", "query")),
    SHOWN("class", STRING, ALWAYS, "The class."),
    SHOWN("computed", INT, ALWAYS, "How often, since `vmnd` started."));

const struct schema_struct nb_reply_activity = SHOWN_STRUCT(
    "Activity",
    SHOWN("uptime_s", INT, ALWAYS, "For how many seconds `vmnd` runs."),
    REVISION("The newest."),
    SHOWN("hosts", STRUCT, ALWAYS, "Hosts that are behind.",
          .nested = &activity_hosts),
    SHOWN("classes", STRUCT, ALWAYS | LIST,
          "How often units and queries were computed.", .nested = &class),
    SHOWN("items", STRUCT, ALWAYS | LIST, "Groups of revisions.",
          .nested = &activity_item_shown));

/* Packets.  -------------------------------------------------------------- */

static const struct schema_struct end = SHOWN_STRUCT(
    "PacketEnd",
    SHOWN("port", STRING, ALWAYS | OR_NULL,
          "The port; null: none of that address."),
    SHOWN("mac", MAC, ALWAYS, "Its MAC address."),
    SHOWN("ip", STRING, 0, "Its address."),
    SHOWN("l4_port", INT, 0, "Its port of TCP, UDP or SCTP."));

#define SAMPLE                                                          \
    SHOWN("id", INT, ALWAYS, "Its number, which grows."),               \
    SHOWN("time", STRING, ALWAYS | TIME, "When it came."),              \
    SHOWN("host", STRING, ALWAYS, "Where."),                            \
    SHOWN("network", STRING, ALWAYS | OR_NULL, "In which network."),    \
    SHOWN("src", STRUCT, ALWAYS, "Who sent it.", .nested = &end),       \
    SHOWN("dst", STRUCT, ALWAYS, "Who it was for.", .nested = &end),    \
    SHOWN("protocol", STRING, ALWAYS,                                   \
          "Such as `tcp`, or a number; without IP `arp` or 0x and its " \
          "Ethernet type."),                                            \
    SHOWN("icmp_type", INT, 0, "Of ICMP."),                             \
    SHOWN("icmp_code", INT, 0, "Of ICMP."),                             \
    SHOWN("size", INT, ALWAYS, "Its bytes."), ABOUT(ALWAYS),            \
    SHOWN("count", INT, ALWAYS, "How often it came in a row."),         \
    SHOWN("suppressed", INT, ALWAYS,                                    \
          "How many others were had and not kept since the one before.")

static const struct schema_struct drop = SHOWN_STRUCT(
    "drop",
    SHOWN("host", STRING, ALWAYS, "Where."),
    SHOWN("app", STRING, ALWAYS,
          "By which app; `vmn` for meters of packets to the controller."),
    SHOWN("reason", STRING, ALWAYS, "Why."), ABOUT(ALWAYS),
    SHOWN_COUNT(status_count, ));

static const struct schema_struct sample = SHOWN_STRUCT(
    "Sample", SAMPLE, SHOWN("reason", STRING, ALWAYS, "Why it was dropped."));

const struct schema_struct nb_reply_drops = SHOWN_STRUCT(
    "Drops",
    SHOWN("counters", STRUCT, ALWAYS | LIST, "The newest first.",
          .nested = &drop),
    SHOWN("matching", INT, ALWAYS, "How many counters there are in all."),
    SHOWN("samples", STRUCT, ALWAYS | LIST,
          "Some of the packets, the oldest first.", .nested = &sample),
    SHOWN("newest", INT, ALWAYS, "What to give as `after` next time."));

static const struct schema_struct event = SHOWN_STRUCT(
    "LogEvent", SAMPLE,
    SHOWN("verdict", ENUM, ALWAYS, "What was decided.",
          .names = schema_action_names),
    SHOWN("shadow", BOOL, 0, "True of a policy that does not decide."));

static const struct schema_struct log_rule = SHOWN_STRUCT(
    "rule",
    SHOWN("policy", STRING, ALWAYS, "The policy."),
    SHOWN("rule", INT, ALWAYS, "Which of its rules, from 0."),
    SHOWN("events", INT, ALWAYS, "How many events there were."),
    SHOWN("logged", INT, ALWAYS, "How many of these were told."),
    SHOWN("suppressed", INT, ALWAYS, "How many were not."));

const struct schema_struct nb_reply_logs = SHOWN_STRUCT(
    "Logs",
    SHOWN("items", STRUCT, ALWAYS | LIST, "Events, the oldest first.",
          .nested = &event),
    SHOWN("newest", INT, ALWAYS, "What to give as `after` next time."),
    SHOWN("rules", STRUCT, ALWAYS | LIST,
          "Each rule with a log that has decided something.",
          .nested = &log_rule));

static const struct schema_struct usage_limit = SHOWN_STRUCT(
    "UsageLimit",
    SHOWN("name", STRING, ALWAYS, "As in the quota: `ports`."),
    SHOWN("used", INT, ALWAYS, "How many there are."),
    SHOWN("limit", INT, 0, "How many there may be, if that is limited."),
    SHOWN("host", STRING, 0,
          "Of `flows_per_host`: where there are most."),
    SHOWN("exceeded", BOOL, 0, "True if there are more than there may be."));

static const struct schema_struct usage_quota = SHOWN_STRUCT(
    "UsageOfQuota",
    SHOWN("quota", STRING, ALWAYS, "The quota."),
    SHOWN("scope", STRING, ALWAYS, "Its scope."),
    SHOWN("requests", INT, 0, "Calls a second, if these are limited."),
    SHOWN("limits", STRUCT, ALWAYS | LIST, "What there is.",
          .nested = &usage_limit));

const struct schema_struct nb_reply_usage = SHOWN_STRUCT(
    "Usage",
    SHOWN("items", STRUCT, ALWAYS | LIST, "The quotas, by name.",
          .nested = &usage_quota));

static const struct schema_struct identity = SHOWN_STRUCT(
    "identity",
    SHOWN("number", INT, ALWAYS, "What is in registers 1 and 2."),
    SHOWN("network", STRING, 0, "Whose ports, if of one network alone."),
    SHOWN("router", STRING, 0, "The first router of their domain."),
    SHOWN("groups", STRING, ALWAYS | LIST, "In which groups they are."),
    SHOWN("quarantined", BOOL, ALWAYS, "Whether they are cut off."),
    SHOWN("quarantines", STRING, ALWAYS | LIST, "By which quarantines."),
    SHOWN("n_ports", INT, ALWAYS, "How many they are."),
    SHOWN("ports", STRING, ALWAYS | LIST, "The first 100 by name."));

const struct schema_struct nb_reply_identities = SHOWN_STRUCT(
    "IdentityList",
    SHOWN("items", STRUCT, ALWAYS | LIST, "Identities.",
          .nested = &identity),
    REVISION("The state that was read."),
    NEXT("What to give as `after`, if there are more."));

/* Events.  --------------------------------------------------------------- */

static const struct schema_struct event_start = SHOWN_STRUCT(
    "start", REVISION("That of the state which was there."));

static const struct schema_struct event_installed = SHOWN_STRUCT(
    "installed",
    SHOWN("first_revision", INT, ALWAYS, "From this revision on."),
    REVISION("To this one."),
    SHOWN("time", STRING, ALWAYS | TIME, "When."),
    SHOWN("hosts", INT, ALWAYS, "How many hosts they concern."));

static const struct schema_struct event_host = SHOWN_STRUCT(
    "host",
    SHOWN("host", STRING, ALWAYS, "The host."),
    SHOWN("time", STRING, ALWAYS | TIME, "When."),
    SHOWN("state", STRING, ALWAYS, "As in its status."),
    SHOWN("reason", STRING, 0, "As in its status."));

static const struct schema_struct event_binding = SHOWN_STRUCT(
    "binding",
    SHOWN("port", STRING, ALWAYS, "The port."),
    SHOWN("network", STRING, ALWAYS, "Its network."),
    SHOWN("time", STRING, ALWAYS | TIME, "When."),
    SHOWN("host", STRING, ALWAYS | OR_NULL, "The host that it is on."),
    SHOWN("candidate", STRING, 0, "Another host that has its interface."),
    SHOWN("state", STRING, ALWAYS, "As in its status."),
    SHOWN("reason", STRING, 0, "As in its status."));

static const struct schema_struct event_claim = SHOWN_STRUCT(
    "claim",
    SHOWN("port", STRING, ALWAYS, "The port."),
    SHOWN("network", STRING, ALWAYS, "Its network."),
    SHOWN("time", STRING, ALWAYS | TIME, "When."),
    SHOWN("host", STRING, ALWAYS, "The host that has its interface."),
    SHOWN("expected", STRING, ALWAYS | OR_NULL,
          "The host that is to have it, or has it."),
    SHOWN("reason", STRING, ALWAYS, "Why it is not bound there."));

static const struct schema_struct event_audit = SHOWN_STRUCT(
    "audit",
    SHOWN("host", STRING, ALWAYS, "The host."),
    SHOWN("time", STRING, ALWAYS | TIME, "When."),
    SHOWN("missing", INT, ALWAYS, "How much was missing."),
    SHOWN("altered", INT, ALWAYS, "How much was altered."),
    SHOWN("unknown", INT, ALWAYS, "How much nobody wanted."));

static const struct schema_struct event_health = SHOWN_STRUCT(
    "health",
    SHOWN("loadbalancer", STRING, ALWAYS, "The balancer."),
    SHOWN("port", STRING, ALWAYS, "Its backend."),
    SHOWN("time", STRING, ALWAYS | TIME, "When."),
    SHOWN("state", ENUM, ALWAYS, "As in the balancer's status.",
          SHOWN_NAMES("checking", "up", "down", "drained", "idle")),
    SHOWN("reason", STRING, 0, "As in the balancer's status."));

const struct schema_struct nb_reply_events = SHOWN_STRUCT(
    "Events",
    SHOWN("start", STRUCT, 0, "First of all, for who begins.",
          .nested = &event_start),
    SHOWN("reset", STRUCT, 0,
          "First of all, for who resumed from what is no longer kept: read "
          "all again.", .nested = &event_start),
    SHOWN("revision", STRUCT, 0, "A change is durable.",
          .nested = &log_entry),
    SHOWN("installed", STRUCT, 0, "All hosts concerned hold it.",
          .nested = &event_installed),
    SHOWN("host", STRUCT, 0, "A host's state is another one.",
          .nested = &event_host),
    SHOWN("binding", STRUCT, 0, "Where a port is, and whether it works.",
          .nested = &event_binding),
    SHOWN("claim", STRUCT, 0,
          "A host has the interface of a port that may not be bound there.",
          .nested = &event_claim),
    SHOWN("drop", STRUCT, 0, "A packet was dropped.", .nested = &sample),
    SHOWN("log", STRUCT, 0, "A rule with a log has decided.",
          .nested = &event),
    SHOWN("audit", STRUCT, 0, "A host held something else.",
          .nested = &event_audit),
    SHOWN("health", STRUCT, 0, "A backend's state is another one.",
          .nested = &event_health),
    SHOWN("scale", STRUCT, 0,
          "The load of a balancer wants another number of backends.",
          .nested = &load_event_shown));

/* Flows.  ---------------------------------------------------------------- */

const struct schema_struct nb_reply_flows = SHOWN_STRUCT(
    "HostFlows",
    SHOWN("host", STRING, ALWAYS, "The host."),
    SHOWN("n_flows", INT, ALWAYS, "How many flows there are in all."),
    SHOWN("n_groups", INT, ALWAYS, "How many groups there are in all."),
    SHOWN("groups", STRUCT, ALWAYS | LIST, "Groups.",
          .nested = &fabric_group_shown),
    SHOWN("flows", STRUCT, ALWAYS | LIST,
          "Flows, as packets meet them.", .nested = &fabric_flow_shown));

/* Recommendations.  ------------------------------------------------------ */

static const struct schema_struct seen_host = SHOWN_STRUCT(
    "host",
    SHOWN("host", STRING, ALWAYS, "The host."),
    SHOWN("connections", INT, ALWAYS, "How many connections it has recorded."),
    SHOWN("truncated", BOOL, ALWAYS, "Whether it may have missed some."),
    SHOWN("reason", STRING, 0, "Why its connections are not included."));

static const struct schema_struct left_out = SHOWN_STRUCT(
    "connection",
    SHOWN("from", STRING, ALWAYS, "An address."),
    SHOWN("to", STRING, ALWAYS, "An address."),
    SHOWN("service", STRING, ALWAYS, "What was spoken."),
    SHOWN("host", STRING, ALWAYS, "Who has noted it."),
    SHOWN("reason", STRING, ALWAYS, "Why no rule allows it."));

static const struct schema_struct extra = SHOWN_STRUCT(
    "extra",
    SHOWN("from", STRING, ALWAYS, "A port, or an address."),
    SHOWN("to", STRING, ALWAYS, "A port."),
    SHOWN("service", STRING, ALWAYS, "What may be spoken."));

static const struct schema_struct rule = SHOWN_STRUCT(
    "rule",
    SHOWN("policy", STRING, ALWAYS, "The policy that has it."),
    SHOWN("from", STRING, ALWAYS | ANY, "A group, or a list of prefixes."),
    SHOWN("to", STRING, ALWAYS, "A group."),
    SHOWN("services", STRING, ALWAYS | LIST, "What may be spoken."),
    SHOWN("observed", INT, ALWAYS, "How many connections were seen."),
    SHOWN("extra", INT, ALWAYS, "How many more it allows."),
    SHOWN("extras", STRUCT, ALWAYS | LIST, "The first 20 of these.",
          .nested = &extra));

const struct schema_struct nb_reply_recommendations = SHOWN_STRUCT(
    "Recommendations",
    SHOWN("network", STRING, ALWAYS, "The network."),
    SHOWN("since", STRING, ALWAYS | TIME, "Since when it is observed."),
    SHOWN("hosts", STRUCT, ALWAYS | LIST, "Those that have its ports.",
          .nested = &seen_host),
    SHOWN("connections", INT, ALWAYS, "How many were seen."),
    SHOWN("n_uncovered", INT, ALWAYS, "How many no rule allows."),
    SHOWN("uncovered", STRUCT, ALWAYS | LIST, "The first 20 of these.",
          .nested = &left_out),
    SHOWN("optimal", BOOL, ALWAYS,
          "Whether it is known that no fewer such rules do."),
    SHOWN("rules", STRUCT, ALWAYS | LIST, "Each rule.", .nested = &rule),
    SHOWN("objects", STRUCT, ALWAYS | LIST,
          "Groups, services and policies to apply.",
          .nested = &nb_any_object),
    SHOWN("n_unselected", INT, ALWAYS,
          "How many ports nobody was seen to speak to."),
    SHOWN("unselected", STRING, ALWAYS | LIST, "The first 100 of these."));

/* How much there is where.  ---------------------------------------------- */

static const struct schema_struct summary_ports = SHOWN_STRUCT(
    "ports",
    SHOWN("up", INT, ALWAYS, "How many are in this state; as the next ones."),
    SHOWN("pending", INT, ALWAYS, "The same."),
    SHOWN("down", INT, ALWAYS, "The same."),
    SHOWN("unbound", INT, ALWAYS, "The same."),
    SHOWN("external", INT, ALWAYS, "The same."),
    SHOWN("quarantined", INT, ALWAYS, "How many are cut off."),
    SHOWN("disabled", INT, ALWAYS, "How many are not enabled."));

static const struct schema_struct summary_host = SHOWN_STRUCT(
    "host",
    SHOWN("name", STRING, ALWAYS, "The host."),
    SHOWN("state", STRING, ALWAYS, "As in its status."),
    SHOWN("reason", STRING, 0, "As in its status."),
    SHOWN("ports", INT, ALWAYS, "How many ports are bound to it."),
    SHOWN("up", INT, ALWAYS, "How many of these are up."),
    SHOWN("lag", INT, ALWAYS, "How many revisions it has not acknowledged."),
    SHOWN("bytes_per_s", INT, ALWAYS,
          "What its ports send and receive in a second."),
    SHOWN("tunnel_bytes_per_s", INT, ALWAYS, "What its tunnels do."));

static const struct schema_struct summary_network = SHOWN_STRUCT(
    "network",
    SHOWN("name", STRING, ALWAYS, "The network."),
    SHOWN("ports", INT, ALWAYS, "How many ports it has."),
    SHOWN("up", INT, ALWAYS, "How many of these are up."),
    SHOWN("bytes_per_s", INT, ALWAYS,
          "What these send and receive in a second."));

static const struct schema_struct summary_balancer = SHOWN_STRUCT(
    "balancer",
    SHOWN("name", STRING, ALWAYS, "The balancer."),
    SHOWN("backends", INT, ALWAYS, "How many backends it has."),
    SHOWN("serving", INT, ALWAYS, "How many of these serve."));

static const struct schema_struct summary_balancers = SHOWN_STRUCT(
    "balancers",
    SHOWN("total", INT, ALWAYS, "How many there are."),
    SHOWN("partial", INT, ALWAYS,
          "How many have some backends that do not serve."),
    SHOWN("idle", INT, ALWAYS, "How many have none that does."),
    SHOWN("degraded", STRUCT, ALWAYS | LIST, "The first 100 of these.",
          .nested = &summary_balancer));

const struct schema_struct nb_reply_summary = SHOWN_STRUCT(
    "Summary",
    REVISION("The state that was read."),
    SHOWN("ports", STRUCT, ALWAYS, "Ports by state.",
          .nested = &summary_ports),
    SHOWN("hosts", STRUCT, ALWAYS | LIST, "All hosts.",
          .nested = &summary_host),
    SHOWN("n_networks", INT, ALWAYS, "How many networks there are."),
    SHOWN("networks", STRUCT, ALWAYS | LIST,
          "Those with most ports first.", .nested = &summary_network),
    SHOWN("placements", STRING, ALWAYS | LIST | ANY,
          "[HOST, NETWORK, PORTS, BYTES_PER_S]: so many ports of that network are "
          "on that host, and so much goes through these; both by their places "
          "in these lists; -1 is no host."),
    SHOWN("balancers", STRUCT, ALWAYS, "Balancers.",
          .nested = &summary_balancers));

/* What applies to a port.  ----------------------------------------------- */

static const struct schema_struct port_policy = SHOWN_STRUCT(
    "policy",
    SHOWN("name", STRING, ALWAYS, "The policy."),
    SHOWN("tier", STRING, ALWAYS, "Its tier."),
    SHOWN("position", INT, ALWAYS, "The position of that."),
    SHOWN("priority", INT, ALWAYS, "Its priority in the tier."),
    SHOWN("mode", ENUM, ALWAYS, "Whether it decides.",
          SHOWN_NAMES("enforce", "shadow")));

const struct schema_struct nb_reply_port_policies = SHOWN_STRUCT(
    "PortPolicies",
    SHOWN("port", STRING, ALWAYS, "The port."),
    SHOWN("groups", STRING, ALWAYS | LIST,
          "Those that it is in, by itself or by way of others."),
    SHOWN("policies", STRUCT, ALWAYS | LIST,
          "Those that apply to one of these, as they are evaluated.",
          .nested = &port_policy));

/* The daemon.  ----------------------------------------------------------- */

const struct schema_struct nb_reply_health = SHOWN_STRUCT(
    "Health",
    SHOWN("status", ENUM, ALWAYS, "It lives.", SHOWN_NAMES("ok")),
    SHOWN("version", STRING, ALWAYS, "Its version."));

const struct schema_struct nb_reply_ready = SHOWN_STRUCT(
    "Readiness",
    SHOWN("status", ENUM, ALWAYS, "It is ready.", SHOWN_NAMES("ready")));

static const struct schema_struct index_type = SHOWN_STRUCT(
    "type",
    SHOWN("type", STRING, ALWAYS, "The type."),
    SHOWN("path", STRING, ALWAYS, "Where its objects are."),
    SHOWN("description", STRING, ALWAYS, "What it is."));

static const struct schema_struct index_call = SHOWN_STRUCT(
    "call",
    SHOWN("call", STRING, ALWAYS, "The method and path."),
    SHOWN("query", STRING, ALWAYS, "Parameters, with spaces between them."));

const struct schema_struct nb_reply_index = SHOWN_STRUCT(
    "Index",
    SHOWN("version", STRING, ALWAYS, "The version of `vmnd`."),
    SHOWN("types", STRUCT, ALWAYS | LIST, "The types.",
          .nested = &index_type),
    SHOWN("calls", STRUCT, ALWAYS | LIST, "The calls.",
          .nested = &index_call));

const struct schema_struct nb_reply_openapi = SHOWN_STRUCT(
    "Description",
    SHOWN("openapi", STRING, ALWAYS, "The version of the format."),
    SHOWN("info", STRING, ALWAYS | ANY, "Which API it is."),
    SHOWN("servers", STRING, ALWAYS | ANY, "Where it is."),
    SHOWN("security", STRING, ALWAYS | ANY, "Who may use it."),
    SHOWN("tags", STRING, ALWAYS | ANY, "Kinds of calls."),
    SHOWN("paths", STRING, ALWAYS | ANY, "The calls."),
    SHOWN("components", STRING, ALWAYS | ANY, "What they take and answer."));

static const struct schema_struct hosts = SHOWN_STRUCT("hosts", HOST_COUNTS);

const struct schema_struct nb_reply_status = SHOWN_STRUCT(
    "Status",
    SHOWN("version", STRING, ALWAYS, "The version of `vmnd`."),
    SHOWN("ready", BOOL, ALWAYS, "Whether the state is loaded and compiled."),
    SHOWN("uptime_s", INT, ALWAYS, "For how many seconds it runs."),
    REVISION("The newest."),
    SHOWN("objects", INT, ALWAYS | MAP, "How many objects, by type."),
    SHOWN("hosts", STRUCT, ALWAYS, "Hosts.", .nested = &hosts),
    SHOWN("problems", STRUCT, ALWAYS | LIST,
          "What apps could not compile, and where they contradict each "
          "other; what could not be stored.", .nested = &engine_problem_shown));
