/* SPDX-License-Identifier: Apache-2.0
 *
 * The API's calls; see openapi-operations.h.  The handlers check the bounds of
 * parameters; tests/system/test_openapi.py compares. */

#include <config.h>

#include "controller/northbound/openapi-operations.h"

#include "controller/commit/plan.h"
#include "controller/fabric/fabric-audit.h"
#include "controller/northbound/event-log.h"
#include "controller/northbound/packet-streams.h"
#include "controller/schema/schema-shown.h"
#include "controller/schema/value.h"
#include "controller/simulator/trace-request.h"

#define PARAMS(...)                                                     \
    .params = (const struct schema_field[]) { __VA_ARGS__, SHOWN_END }

#define HEADERS(...)                                                    \
    .headers = (const struct schema_field[]) { __VA_ARGS__, SHOWN_END }

/* Parameters of several calls. */
#define LIMIT(MAX, DEF)                                                 \
    SHOWN("limit", U32, 0,                                              \
          "Entries at most; a number above " #MAX " is " #MAX ".",      \
          .min = 1, .def = DEF)
#define AFTER(WHAT) SHOWN("after", U32, 0, WHAT, .absent = "the newest")
#define OF(NAME, TABLE, DOC)                                            \
    SHOWN(NAME, REF, 0, DOC, .ref = VMN_TABLE_##TABLE)
#define DRY_RUN                                                         \
    SHOWN("dry_run", ENUM, 0,                                           \
          "Changes nothing, and answers with what would change.",       \
          SHOWN_NAMES("plan", "true", "false"), .absent = "changes")
#define WAIT_ALONE                                                      \
    SHOWN("wait", ENUM, 0,                                              \
          "Answers once every host concerned has the change, or with 202 " \
          "when the time is over.",                                     \
          SHOWN_NAMES("installed", "true", "false"),                    \
          .absent = "does not wait"),                                   \
    SHOWN("timeout", STRING, 0,                                         \
          "How long to wait, such as 500ms, 10s or 2m, or a number of " \
          "seconds; at most 300 s.",                                    \
          .max = 8, .pattern = "^[0-9]{1,6}(ms|s|m)?$", .def_text = "10s")
#define WAIT                                                            \
    WAIT_ALONE, DRY_RUN,                                                \
    SHOWN("refuse_loosening", BOOL, 0,                                  \
          "Refuses the change with 409 if it opens what was closed."),  \
    SHOWN("comment", STRING, 0,                                         \
          "Why it is made, for the log of changes: at most 512 bytes, " \
          "without control characters.", .max = VALUE_COMMENT_SIZE,     \
          .check = value_check_comment)
#define IF_MATCH                                                        \
    SHOWN("If-Match", STRING, 0,                                        \
          "Changes it only if this is its ETag still, or, with `*`, if it is " \
          "there.", .pattern = "^(\\*|(W/)?\"[^\"]*\")$")
#define KEY                                                             \
    SHOWN("Idempotency-Key", STRING, 0,                                 \
          "A key of this change's own, of 64 characters at most, in double " \
          "quotes or without: sent again with it, the change is not made "  \
          "again, and the reply has `Idempotency-Replayed: true`.",         \
          .max = 130, .pattern = "^[!-~]+$")
#define IF_NONE_MATCH                                                   \
    SHOWN("If-None-Match", STRING, 0,                                   \
          "With `*`: creates it only, and changes none that is there.", \
          .pattern = "^\\*$")

const struct schema_field nb_param_at_least[] = {
    SHOWN("at_least", U32, 0,
          "Waits until the state has this revision, for 10 s at most.",
          .min = 1),
    SHOWN_END,
};

/* Objects.  -------------------------------------------------------------- */

#define NB_CHANGE (NB_202 | NB_409 | NB_412 | NB_413 | NB_422 | NB_503)

/* A reply with fewer fields does not have those that its schema requires. */
#define FIELDS_PARAM                                                    \
    SHOWN("fields", STRING, 0,                                          \
          "The fields of an object that are shown, separated by commas, " \
          "such as `spec.network,status.state`; `type` and `name` always " \
          "are.", .absent = "all")
#define IF_CHANGED                                                      \
    SHOWN("If-None-Match", STRING, 0,                                   \
          "ETags of earlier replies: 304 without a body if the reply "  \
          "would have one of them.")

#define LISTED                                                          \
    SHOWN("selector", SELECTOR, 0,                                      \
          "Those whose labels match; all when absent."),                \
    LIMIT(1000, 100),                                                   \
    SHOWN("after", STRING, 0,                                           \
          "Those after this name: the `next` of the page before."),     \
    FIELDS_PARAM

const struct nb_operation nb_operation_list = {
    .kind = NB_LIST, .id = "list", .summary = "Lists %s, by name",
    .section = "lists-and-selectors",
    PARAMS(LISTED), HEADERS(IF_CHANGED),
};

const struct nb_operation nb_operation_list_ports = {
    .kind = NB_LIST, .id = "list", .summary = "Lists %s, by name",
    .section = "lists-and-selectors",
    PARAMS(LISTED, OF("host", HOST, "Those that are on this host."),
           OF("network", NETWORK, "Those of this network.")),
    HEADERS(IF_CHANGED),
};

const struct nb_operation nb_operation_get = {
    .kind = NB_GET, .id = "get", .summary = "Shows %s, as it is stored",
    .section = "objects", PARAMS(FIELDS_PARAM), HEADERS(IF_CHANGED),
    .statuses = NB_404,
};

const struct nb_operation nb_operation_put = {
    .kind = NB_PUT, .id = "put",
    .summary = "Creates %s, or replaces its whole spec; the same again "
               "changes nothing",
    .section = "objects", PARAMS(WAIT), HEADERS(IF_MATCH, IF_NONE_MATCH, KEY),
    .statuses = NB_CHANGE,
};

const struct nb_operation nb_operation_patch = {
    .kind = NB_PATCH, .id = "patch",
    .summary = "Changes fields of %s, as a JSON merge patch (RFC 7396)",
    .section = "objects", PARAMS(WAIT), HEADERS(IF_MATCH, KEY),
    .statuses = NB_CHANGE | NB_404,
};

const struct nb_operation nb_operation_delete = {
    .kind = NB_DELETE, .id = "delete",
    .summary = "Deletes %s; refused while others refer to it",
    .section = "cascades",
    PARAMS(SHOWN("cascade", BOOL, 0,
                 "Takes it out of what refers to it, and deletes what cannot "
                 "be without it."), WAIT),
    HEADERS(IF_MATCH, KEY),
    .statuses = NB_CHANGE | NB_404,
};

const struct nb_operation nb_operation_apply = {
    .id = "apply",
    .summary = "Puts objects of any type as one transaction",
    .section = "several-objects-at-once",
    PARAMS(SHOWN("prune", STRING, 0,
                 "The objects become members of the set of this name, and "
                 "members that are not among them are deleted.",
                 .max = VMN_NAME_LEN, .check = value_check_name), WAIT),
    HEADERS(KEY),
    .body = &nb_body_apply, .replies = { &nb_reply_applied, &plan_shown },
    .statuses = NB_202 | NB_404 | NB_409 | NB_413 | NB_422 | NB_503,
};

/* The simulator.  -------------------------------------------------------- */

const struct nb_operation nb_operation_trace = {
    .id = "trace", .section = "traces",
    .summary = "Traces a packet through the flows, without sending one",
    .body = &nb_body_trace, .replies = { &nb_reply_trace },
    .example = "{\"from\": \"web-1\", \"to\": \"db-1\", \"protocol\": \"tcp\","
               " \"port\": 5432, \"reply\": true}",
    .statuses = NB_404 | NB_409,
};

const struct nb_operation nb_operation_live_trace = {
    .id = "traceLive", .section = "live-traces",
    .summary = "Sends a packet through the switches, and compares its way "
               "with the predicted one",
    .body = &nb_body_live_trace, .replies = { &nb_reply_live_trace },
    .example = "{\"from\": \"web-1\", \"to\": \"db-1\", \"protocol\": \"tcp\","
               " \"port\": 5432}",
    .statuses = NB_404 | NB_409 | NB_413 | NB_503,
};

#define SERVICE                                                         \
    OF("network", NETWORK, "Ports of this network alone."),             \
    SHOWN("protocol", ENUM, 0,                                          \
          "The protocol; `icmp` is a ping, `icmpv6` one by IPv6 alone.", \
          SHOWN_NAMES("icmp", "icmpv6", "tcp", "udp", "sctp")),         \
    SHOWN("port", U32, 0, "The destination port; not for ICMP.", .min = 1, \
          .max = 65535),                                                \
    SHOWN("service", STRING, 0, "Both: `tcp/443`, `icmp`.",             \
          .max = TRACE_SERVICE_LEN, .pattern = TRACE_SERVICE_PATTERN),  \
    SHOWN("by", ENUM, 0,                                                \
          "Whether cells are of ports that no flow distinguishes, or of " \
          "groups.", SHOWN_NAMES("port", "group"))

const struct nb_operation nb_operation_reachability = {
    .id = "getReachability", .section = "reachability",
    .summary = "Shows which ports can reach which on a "
               "service", PARAMS(SERVICE),
    .replies = { &nb_reply_matrix, &nb_reply_groups }, .statuses = NB_413,
};

const struct nb_operation nb_operation_reach_change = {
    .id = "compareReachability", .section = "reachability",
    .summary = "Shows what a change would do to reachability",
    PARAMS(SERVICE), .body = &nb_body_after,
    .replies = { &nb_reply_reach_change },
    .statuses = NB_404 | NB_409 | NB_413,
};

const struct nb_operation nb_operation_open_services = {
    .id = "getOpenServices", .section = "reachability",
    .summary = "Shows all services by which somebody is reached",
    PARAMS(SHOWN("from", STRING, 0,
                 "`outside`, an address or a prefix there, or a port; or "
                 "`from_group`."),
           OF("from_group", GROUP, "The ports of this group."),
           SHOWN("to", STRING, ALWAYS,
                 "A port, a loadbalancer, a floating-ip or an address."),
           OF("network", NETWORK,
              "The provider network of `outside`, where `to` does not "
              "tell.")),
    .replies = { &nb_reply_open_services }, .statuses = NB_409 | NB_413,
};

const struct nb_operation nb_operation_recommendations = {
    .id = "getRecommendations", .section = "recommendations",
    .summary = "Proposes policies that would allow what was seen in a "
               "network",
    PARAMS(SHOWN("network", REF, ALWAYS,
                 "The network, which must be observed.",
                 .ref = VMN_TABLE_NETWORK),
           SHOWN("labels", STRING, 0,
                 "Keys of labels, `app,tier`: no others are used."),
           SHOWN("exact", BOOL, 0,
                 "Rules allow only what was seen, port by port, by name if "
                 "need be."),
           SHOWN("mode", ENUM, 0, "The `mode` of the policies.",
                 SHOWN_NAMES("shadow", "enforce"))),
    .replies = { &nb_reply_recommendations }, .statuses = NB_409 | NB_413,
};

/* Monitoring.  ------------------------------------------------------------ */

const struct nb_operation nb_operation_revisions = {
    .id = "listRevisions", .section = "what-is-going-on",
    .summary = "Lists the log of changes: the newest, oldest first",
    PARAMS(LIMIT(1000, 100), AFTER("Those after this revision."),
           SHOWN("type", STRING, 0,
                 "Those that changed an object of this type."),
           SHOWN("name", STRING, 0,
                 "With `type`: those that changed this object, which need "
                 "not be there any more."),
           SHOWN("who", STRING, 0,
                 "Those by this author, as the log names it; of an account, "
                 "with whichever token."),
           SHOWN("users", BOOL, 0,
                 "Those by users, people and programs that use the API; not "
                 "by hosts, probes and `vmnd`."),
           SHOWN("since", STRING, 0,
                 "Those that are not older: `2027-01-31T12:00:00Z`.",
                 .max = VALUE_TIME_LEN, .check = value_check_time),
           SHOWN("contents", BOOL, 0,
                 "With `name`: with what became of that object, before and "
                 "after. A page then ends after a bounded amount of these."),
           SHOWN("before", U32, 0,
                 "With one of these: those before this revision, the "
                 "`next` of the page before.", .min = 1,
                 .absent = "the newest")),
    .replies = { &nb_reply_revisions },
};

const struct nb_operation nb_operation_revision = {
    .id = "getRevision", .section = "what-is-going-on",
    .summary = "Shows a revision: author, changes, and which hosts have it",
    PARAMS(SHOWN("contents", BOOL, 0,
                 "With what became of each object, before and after."),
           WAIT_ALONE),
    .replies = { &nb_reply_revision }, .statuses = NB_202 | NB_404,
};

const struct nb_operation nb_operation_undo = {
    .id = "undo", .section = "undoing",
    .summary = "Undoes a change, as one transaction",
    PARAMS(SHOWN("type", STRING, 0,
                 "With `name`: what became of this object alone."),
           SHOWN("name", STRING, 0, "The object."),
           SHOWN("force", BOOL, 0,
                 "Also of objects that have changed since."),
           SHOWN("draft", STRING, 0,
                 "Makes a draft of this name that would undo it, in place of "
                 "undoing it.", .max = VMN_NAME_LEN,
                 .check = value_check_name),
           SHOWN("first", U32, 0,
                 "With `draft`: all revisions from this one on, together."),
           WAIT),
    HEADERS(KEY),
    .replies = { &nb_reply_applied, &plan_shown },
    .statuses = NB_202 | NB_404 | NB_409 | NB_412 | NB_413 | NB_422 | NB_503,
};

const struct nb_operation nb_operation_draft_effects = {
    .id = "getDraftEffects", .section = "effects-of-a-draft",
    .summary = "Shows what a draft would do to reachability and to observed "
               "connections",
    PARAMS(OF("network", NETWORK, "Ports of this network alone.")),
    .replies = { &nb_reply_effects },
    .statuses = NB_404 | NB_409 | NB_412 | NB_413 | NB_503,
};

const struct nb_operation nb_operation_apply_draft = {
    .id = "applyDraft", .section = "drafts",
    .summary = "Makes the changes of a draft, as one transaction, and "
               "deletes it",
    PARAMS(WAIT), HEADERS(IF_MATCH, KEY),
    .replies = { &nb_reply_applied, &plan_shown },
    .statuses = NB_202 | NB_404 | NB_409 | NB_412 | NB_413 | NB_422 | NB_503,
};

const struct nb_operation nb_operation_app_logs = {
    .id = "listAppLogs", .section = "logs-of-apps",
    .summary = "Lists the last lines that an app has written",
    .replies = { &nb_reply_app_logs },
    .statuses = NB_404,
};

const struct nb_operation nb_operation_load_app = {
    .id = "loadApp", .section = "loading-apps",
    .summary = "Loads an app from its file, or another version of it",
    PARAMS(WAIT), HEADERS(KEY),
    .body = &nb_body_app_code, .replies = { &nb_reply_applied },
    .statuses = NB_202 | NB_409 | NB_413 | NB_422 | NB_503,
};

const struct nb_operation nb_operation_unload_app = {
    .id = "unloadApp", .section = "loading-apps",
    .summary = "Removes an app that was loaded so, with its flows",
    PARAMS(WAIT), HEADERS(KEY),
    .replies = { &nb_reply_applied },
    .statuses = NB_202 | NB_404 | NB_409 | NB_503,
};

const struct nb_operation nb_operation_activity = {
    .id = "getActivity", .section = "what-changes-take",
    .summary = "Shows the durations of the last changes, step by step",
    PARAMS(LIMIT(256, 256), AFTER("Those after the group of this id.")),
    .replies = { &nb_reply_activity },
};

const struct nb_operation nb_operation_events = {
    .id = "listen", .section = "events",
    .summary = "Streams events (server-sent events)",
    PARAMS(SHOWN("kinds", STRING, 0,
                 "Events of these kinds: " EVENT_KINDS_AS_CODE ", with commas "
                 "between them.", .pattern = "^[a-z]+(,[a-z]+)*$"),
           SHOWN("type", STRING, 0,
                 "Of revisions, those that change an object of this type."),
           SHOWN("host", STRING, 0, "Events of this host."),
           SHOWN("network", STRING, 0, "Events of this network."),
           SHOWN("port", STRING, 0, "Events of this port."),
           SHOWN("policy", STRING, 0, "Events of this policy."),
           SHOWN("loadbalancer", STRING, 0,
                 "Events of this load balancer."),
           SHOWN("background", BOOL, 0,
                 "Also drops of background, as of `GET /v1/drops`; without "
                 "it, these do not count in `limit`."),
           SHOWN("since", STRING, 0,
                 "First the past, as far as it is kept: events not older than "
                 "this time (`2027-01-31T12:00:00Z`), or from that of this "
                 "revision on.",
                 .max = VALUE_TIME_LEN,
                 .pattern = "^([0-9]+|[0-9-]+T[0-9:]+Z)$"),
           SHOWN("limit", U32, 0,
                 "Of the past, this number of the newest events at most.",
                 .min = 1, .absent = "all"),
           SHOWN("follow", BOOL, 0,
                 "False: the past alone, and an `end`.",
                 .absent = "true"),
           AFTER("Events after the one of this id; has precedence over "
                 "`since` and `limit`.")),
    HEADERS(SHOWN("Last-Event-ID", STRING, 0,
                  "As `after`, over which it has precedence: the last event "
                  "that a resuming client has.", .pattern = "^[0-9]+$")),
    .media = "text/event-stream", .replies = { &nb_reply_events },
    .statuses = NB_503,
};

const struct nb_operation nb_operation_packets = {
    .id = "getPackets", .section = "packets",
    .summary = "Streams packets that an object copies (pcapng)",
    PARAMS(SHOWN("of", STRING, SCHEMA_REQUIRED,
                 "The object, of a type that an app declares: "
                 "`mirrors/web-1`."),
           SHOWN("limit", U32, 0, "Packets at most; a number above "
                 OVS_STRINGIZE(PACKET_STREAM_PACKETS_MAX) " is "
                 OVS_STRINGIZE(PACKET_STREAM_PACKETS_MAX) ".",
                 .min = 1, .def = PACKET_STREAM_PACKETS_DEFAULT),
           SHOWN("seconds", U32, 0, "So long at most.",
                 .min = 1, .max = PACKET_STREAM_SECONDS_MAX,
                 .def = PACKET_STREAM_SECONDS_DEFAULT)),
    .media = "application/x-pcapng", .statuses = NB_404 | NB_503,
};

const struct nb_operation nb_operation_drops = {
    .id = "getDrops", .section = "drops",
    .summary = "Shows what was dropped, where, and why",
    PARAMS(OF("host", HOST, "On this host."),
           OF("app", APP, "By this app."),
           SHOWN("reason", STRING, 0, "For this reason."),
           OF("network", NETWORK, "By flows of this network, its ports or "
              "its routers; of samples, with an end in it."),
           OF("port", PORT,
              "By this port's flows; of samples, from or to it."),
           SHOWN("background", BOOL, 0,
                 "Also background: what is dropped where all is well; implied "
                 "by `reason`."),
           SHOWN("since", STRING, 0,
                 "Counters of which a packet was counted since then, and "
                 "samples not older: `2027-01-31T12:00:00Z`.",
                 .max = VALUE_TIME_LEN, .check = value_check_time),
           LIMIT(10000, 1000), AFTER("Samples after the one of this id.")),
    .replies = { &nb_reply_drops },
};

const struct nb_operation nb_operation_logs = {
    .id = "getLogs", .section = "logs",
    .summary = "Shows what rules with a log decided",
    PARAMS(OF("host", HOST, "On this host."),
           OF("network", NETWORK, "In this network."),
           OF("port", PORT, "From or to this port."),
           OF("policy", POLICY, "By this policy."),
           SHOWN("since", STRING, 0,
                 "Events that are not older: `2027-01-31T12:00:00Z`.",
                 .max = VALUE_TIME_LEN, .check = value_check_time),
           LIMIT(1024, 1024),
           AFTER("Events after the one of this id.")),
    .replies = { &nb_reply_logs },
};

const struct nb_operation nb_operation_traffic = {
    .id = "getTraffic", .section = "traffic",
    .summary = "Shows who sends how much to whom",
    PARAMS(SHOWN("group_by", ENUM, 0,
                 "Of what pairs are.  A port that is in several groups counts "
                 "in each of them.",
                 SHOWN_NAMES("port", "network", "host", "label", "group"),
                 .absent = "port"),
           SHOWN("label", STRING, 0,
                 "Of `group_by=label`: the key of the label whose values "
                 "ports are grouped by."),
           OF("network", NETWORK, "Pairs with an end in this network."),
           OF("port", PORT, "Pairs with this port."),
           SHOWN("since", STRING, 0,
                 "What was counted since then, from the start of the five "
                 "minutes that it is in: `2027-01-31T12:00:00Z`; all that is "
                 "kept when absent.",
                 .max = VALUE_TIME_LEN, .check = value_check_time),
           SHOWN("sort", ENUM, 0, "Which pairs come first: those with most.",
                 SHOWN_NAMES("bytes", "packets", "cross_host_bytes"),
                 .absent = "bytes"),
           LIMIT(2000, 100)),
    .replies = { &nb_reply_traffic }, .statuses = NB_413,
};

const struct nb_operation nb_operation_placement = {
    .id = "getPlacementAdvice", .section = "placement-advice",
    .summary = "Advises which VMs to move so that less goes between hosts",
    PARAMS(SHOWN("since", STRING, 0,
                 "Goes by what was counted since then, from the start of the "
                 "five minutes that it is in: `2027-01-31T12:00:00Z`; all "
                 "that is kept when absent.",
                 .max = VALUE_TIME_LEN, .check = value_check_time),
           SHOWN("capacity", U32, 0,
                 "How many VMs a host may have whose `capacity` does not say "
                 "how many.",
                 .min = 1, .max = 100000,
                 .absent = "of a host whose `capacity` says something any "
                           "number, of others as many as the host with most "
                           "has; required of accounts with a scope"),
           SHOWN("capacity_label", STRING, 0,
                 "The key of the hosts' label that says so instead."),
           SHOWN("apart", STRING, 0,
                 "Keys of labels, `app,tier`: ports with the same value of "
                 "one are to be on different hosts."),
           SHOWN("together", STRING, 0,
                 "The key of a label: ports on one host with the same value "
                 "are one VM."),
           SHOWN("selector", SELECTOR, 0,
                 "Of ports: the others stay; all may move when absent."),
           SHOWN("host_selector", SELECTOR, 0,
                 "Of hosts that VMs may go to; all when absent."),
           SHOWN("move_pinned", BOOL, 0,
                 "VMs whose ports say their `host` may move, too: that is "
                 "then to be changed."),
           SHOWN("move_cost", U64, 0,
                 "How many bytes each move has to save, on average.",
                 .max = 9007199254740992),
           SHOWN("max_moves", U32, 0, "Moves at most.", .min = 1,
                 .max = 1000, .def = 100)),
    .replies = { &nb_reply_placement }, .statuses = NB_503,
};

const struct nb_operation nb_operation_identities = {
    .id = "listIdentities", .section = "identities",
    .summary = "Lists the identities of ports, by number",
    PARAMS(OF("network", NETWORK, "Those of this network's ports."),
           OF("port", PORT, "The one of this port."),
           LIMIT(1000, 100),
           SHOWN("after", U32, 0,
                 "Those after this number: the `next` of the page before.",
                 .max = UINT32_MAX)),
    .replies = { &nb_reply_identities },
};

const struct nb_operation nb_operation_paths = {
    .id = "listPaths", .section = "paths",
    .summary = "Lists the paths between hosts, those in trouble first",
    PARAMS(OF("host", HOST, "Of this host."),
           OF("peer", HOST, "And this one."),
           SHOWN("state", ENUM, 0, "In this state.",
                 SHOWN_NAMES("unknown", "up", "lossy", "mtu", "down")),
           LIMIT(10000, 1000)),
    .replies = { &nb_reply_paths },
};

const struct nb_operation nb_operation_usage = {
    .id = "getUsage", .section = "quotas",
    .summary = "Shows how much of each quota is used",
    .replies = { &nb_reply_usage },
};

const struct nb_operation nb_operation_rejected_hosts = {
    .id = "listRejectedHosts", .section = "rejected-hosts",
    .summary = "Lists peers that were rejected as a host, and why",
    .replies = { &nb_reply_rejected },
};

const struct nb_operation nb_operation_port_policies = {
    .id = "getPortPolicies", .section = "policies-of-a-port",
    .summary = "Shows which groups a port is in, and which policies apply to "
               "it",
    .replies = { &nb_reply_port_policies }, .statuses = NB_404,
};

const struct nb_operation nb_operation_flows = {
    .id = "getHostFlows", .section = "flows",
    .summary = "Lists a host's desired flows, or what differs on its switch",
    PARAMS(SHOWN("diff", BOOL, 0, "Reads the switch, and compares."),
           OF("app", APP, "Flows of this app."),
           SHOWN("stage", STRING, 0,
                 "Flows in the tables of this stage: `admit`, or "
                 "`overlay.admit`."),
           SHOWN("table", U32, 0, "Flows in this table.", .max = 254,
                 .absent = "all"),
           SHOWN("object", STRING, 0,
                 "Those whose `owner` has this object.",
                 .max = 255),
           SHOWN("limit", U32, 0,
                 "Flows and groups at most, all when absent; of differences "
                 "1000 when absent, and 10000 at most.", .min = 1)),
    .replies = { &nb_reply_flows, &fabric_audit_shown },
    .statuses = NB_404 | NB_503,
};

const struct nb_operation nb_operation_audit = {
    .id = "auditHost", .section = "flows",
    .summary = "Compares a host's switch with its desired flows, and repairs "
               "it",
    PARAMS(LIMIT(10000, 1000)), .replies = { &fabric_audit_shown },
    .statuses = NB_404 | NB_503,
};

/* The daemon.  ----------------------------------------------------------- */

const struct nb_operation nb_operation_index = {
    .id = "getIndex",
    .summary = "Lists the types and calls that this `vmnd` has",
    .replies = { &nb_reply_index },
};

const struct nb_operation nb_operation_openapi = {
    .id = "getDescription", .section = "description",
    .summary = "Describes all calls and types, as OpenAPI 3.1 has it",
    .replies = { &nb_reply_openapi },
};

const struct nb_operation nb_operation_status = {
    .id = "getStatus", .section = "what-is-going-on",
    .summary = "Shows health, counts, hosts, and problems",
    .replies = { &nb_reply_status },
};

const struct nb_operation nb_operation_summary = {
    .id = "getSummary", .section = "how-much-there-is-where",
    .summary = "Counts ports by place and state",
    PARAMS(LIMIT(20000, 1000)),
    .replies = { &nb_reply_summary },
};

const struct nb_operation nb_operation_backup = {
    .id = "getBackup", .section = "backups",
    .summary = "Returns a backup of the state, as a file",
    .media = "application/vnd.sqlite3", .statuses = NB_503,
};

const struct nb_operation nb_operation_cluster = {
    .id = "getCluster", .section = "clusters",
    .summary = "Shows the members of a cluster, and who the writer is",
    .replies = { &schema_status_cluster },
};

const struct nb_operation nb_operation_transfer = {
    .id = "transferCluster", .section = "clusters",
    .summary = "Has another member become the writer, at once",
    PARAMS(SHOWN("to", STRING, 0, "That one; otherwise any.")),
    .replies = { &schema_status_cluster },
    .statuses = NB_404 | NB_409 | NB_503,
};

const struct nb_operation nb_operation_remove_member = {
    .id = "removeClusterMember", .section = "clusters",
    .summary = "Takes a member out of the list",
    .replies = { &schema_status_cluster },
    .statuses = NB_404 | NB_409 | NB_503,
};

const struct nb_operation nb_operation_page = {
    .id = "getPage", .summary = "Returns the page, for a browser",
    .media = "text/html", .statuses = NB_404,
};

const struct nb_operation nb_operation_page_file = {
    .id = "getPageFile", .summary = "Returns a file of the page",
    .media = "*/*", .statuses = NB_404,
};

const struct nb_operation nb_operation_health = {
    .id = "getHealth", .summary = "Liveness probe",
    .replies = { &nb_reply_health },
};

const struct nb_operation nb_operation_ready = {
    .id = "getReadiness",
    .summary = "Readiness probe: the state is loaded and compiled",
    .replies = { &nb_reply_ready }, .statuses = NB_503,
};

const struct nb_operation nb_operation_metrics = {
    .id = "getMetrics", .summary = "Returns metrics in Prometheus' text "
                                   "format",
    .media = "text/plain",
};
