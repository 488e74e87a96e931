/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of the API's replies; see openapi-operations.h.  Packets are in
 * openapi-packets.c, events in openapi-events.c, the simulator's replies in
 * openapi-simulator.c. */

#include <config.h>

#include "controller/northbound/openapi-operations.h"

#include "controller/commit/activity.h"
#include "controller/engine/engine.h"
#include "controller/fabric/fabric-flows.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-status.h"
#include "controller/model/warnings.h"
#include "controller/northbound/conditions.h"
#include "controller/northbound/replies.h"
#include "controller/schema/schema-diff.h"
#include "controller/schema/schema-shown.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"

/* Common to several.  ----------------------------------------------------- */

#define REVISION(DOC) SHOWN("revision", INT, ALWAYS, DOC)
#define REVISION_OF(KEPT, DOC) SHOWN_OF(KEPT, revision, U64, ALWAYS, DOC)
#define NEXT(DOC) SHOWN("next", STRING, 0, DOC)

#define KIND_OF(KEPT)                                                   \
    SHOWN_OF(KEPT, kind, ENUM, ALWAYS, "It is a change, not a plan.",   \
             SHOWN_NAMES("change"))
#define OUTCOME_OF(KEPT)                                                \
    SHOWN_OF(KEPT, outcome, ENUM, ALWAYS, "What became of it.",         \
             SHOWN_NAMES("created", "updated", "unchanged", "deleted"))
#define CHANGED_OF(KEPT)                                                \
    SHOWN_LIST_OF(KEPT, also_changed, n_also_changed, STRUCT, 0,        \
                  "Other objects that were changed or deleted along "   \
                  "with it.", .nested = &schema_changed_shown),         \
    REVISION_OF(KEPT, "The revision of the change; the one before, if " \
                "nothing changed."),                                    \
    SHOWN_LIST_OF(KEPT, warnings, n_warnings, STRUCT, 0,                \
                  "Valid, and most likely a mistake, in "               \
                  "objects of the request.",                            \
                  .nested = &model_warning_shown)
#define FAILURE_OF(KEPT, IN)                                            \
    SHOWN("app", STRING, ALWAYS, "The app that failed for the object.", \
          SHOWN_AT(KEPT, IN app, sizeof(const char *))),                \
    SHOWN("unit", STRING, 0,                                            \
          "The first of its units that failed; not for accounts with a " \
          "scope.", SHOWN_AT(KEPT, IN unit, sizeof(const char *))),     \
    SHOWN("units", U64, HIDE, "How many failed; the same.",             \
          SHOWN_AT(KEPT, IN units, sizeof(uint64_t))),                  \
    SHOWN("detail", STRING, ALWAYS, "Why.",                             \
          SHOWN_AT(KEPT, IN detail, sizeof(const char *)))

static const struct schema_struct status_failure = SHOWN_KEPT(
    "Failure", nb_failure, FAILURE_OF(nb_failure, ));

const struct schema_struct nb_common_status = SHOWN_KEPT(
    "CommonStatus", nb_common_status,
    SHOWN_STRUCT_OF(nb_common_status, failed, POINTER,
                    "An app has failed for the object, also as it was read: "
                    "what it computed before stays in effect.",
                    &status_failure));

const struct schema_struct nb_object_failure = SHOWN_KEPT(
    "ObjectFailure", nb_object_failure,
    SHOWN_OF(nb_object_failure, type, STRING, ALWAYS,
             "The type of the object."),
    SHOWN_OF(nb_object_failure, name, STRING, ALWAYS, "Its name."),
    FAILURE_OF(nb_object_failure, failure.));

/* Follows what is known at once. */
#define RECEIPT                                                         \
    SHOWN("failures", STRUCT, LIST,                                     \
          "Objects of the request for which an app has failed, the "    \
          "first 100: they are not in effect, and a change that was "   \
          "waited for is not installed.", .nested = &nb_object_failure), \
    SHOWN("receipt", STRUCT, OR_NULL,                                   \
          "Of a change that was waited for: which hosts have it.",      \
          .nested = &fabric_receipt_shown)
#define CHANGE_END                                                      \
    KIND_OF(nb_change_end),                                             \
    OUTCOME_OF(nb_change_end),                                          \
    SHOWN_OF(nb_change_end, secret, STRING, 0,                          \
             "The token, of a PUT that has made it. It is returned this " \
             "once."),                                                  \
    SHOWN_DIFF(nb_change_end, diff.),                                   \
    CHANGED_OF(nb_change_end)

const struct schema_struct nb_change_end = SHOWN_KEPT(
    "change", nb_change_end, CHANGE_END);

const struct schema_field nb_reply_change[] = {
    CHANGE_END, RECEIPT, SHOWN_END
};

const struct schema_struct nb_reply_deleted = SHOWN_STRUCT(
    "Deleted",
    SHOWN("type", STRING, ALWAYS, "The type of the object."),
    SHOWN("name", STRING, ALWAYS, "Its name."),
    KIND_OF(nb_change_end), OUTCOME_OF(nb_change_end),
    CHANGED_OF(nb_change_end), RECEIPT);

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
    SHOWN("detail", STRING, ALWAYS, "What is wrong."),
    SHOWN("quota", STRING, 0, "Of `quota`: the name of the quota."),
    SHOWN("resource", STRING, 0, "Of `quota`: its limit, such as `ports`."),
    SHOWN("host", STRING, 0, "Of `flows_per_host`: the host."),
    SHOWN("limit", I64, 0, "The limit."),
    SHOWN("used", I64, 0, "The number before the change."),
    SHOWN("requested", I64, 0, "The number with the change."));

const struct schema_struct nb_reply_problem = SHOWN_STRUCT(
    "Problem",
    SHOWN("type", STRING, ALWAYS, "`urn:vmn:problem:` and the kind."),
    SHOWN("title", STRING, ALWAYS, "The reason phrase of the status."),
    SHOWN("status", INT, ALWAYS, "The status."),
    SHOWN("detail", STRING, ALWAYS, "What is wrong."),
    SHOWN("errors", STRUCT, LIST, "Each fault, at most 64 of them.",
          .nested = &fault));

/* Lists of objects.  ------------------------------------------------------ */

const struct schema_struct nb_list_end = SHOWN_KEPT(
    "list", nb_list_end,
    REVISION_OF(nb_list_end, "The state that was read."),
    SHOWN_OF(nb_list_end, next, STRING, 0,
             "What to give as `after`, if there are more."));

/* Changes.  -------------------------------------------------------------- */

const struct schema_struct nb_apply_result = SHOWN_KEPT(
    "result", nb_apply_result,
    SHOWN_OF(nb_apply_result, type, STRING, ALWAYS,
             "The type of the object."),
    SHOWN_OF(nb_apply_result, name, STRING, ALWAYS, "Its name."),
    OUTCOME_OF(nb_apply_result),
    REVISION_OF(nb_apply_result, "The revision of its version."),
    SHOWN_DIFF(nb_apply_result, diff.));

#define APPLY_END                                                       \
    KIND_OF(nb_apply_end),                                              \
    SHOWN_OF(nb_apply_end, changed, BOOL, ALWAYS,                       \
             "Whether anything changed."),                              \
    CHANGED_OF(nb_apply_end)

const struct schema_struct nb_apply_end = SHOWN_KEPT(
    "change", nb_apply_end, APPLY_END);

/* As it is printed: openapi-types.c describes it, by the object's type. */
const struct schema_struct nb_any_object = SHOWN_KEPT(
    "AnyObject", nb_any_object,
    SHOWN_OF(nb_any_object, type, STRING, ALWAYS, "Its type."),
    SHOWN_OF(nb_any_object, name, STRING, ALWAYS, "Its name."),
    SHOWN_OF(nb_any_object, spec, STRING, ALWAYS | ANY, "Its spec."));
const struct schema_struct nb_any_operation = { .name = "AnyOperation" };

const struct schema_struct nb_body_apply = SHOWN_STRUCT(
    "Objects",
    SHOWN("objects", STRUCT, ALWAYS | LIST,
          "The objects, in any order; with `op` also changes and deletions "
          "of some.", .nested = &nb_any_operation, .max_items = 20000));

/* The results are printed one by one (change.c). */
const struct schema_struct nb_reply_applied = SHOWN_STRUCT(
    "Applied",
    SHOWN("results", STRUCT, ALWAYS | LIST,
          "What became of each, in the order of the request.",
          .nested = &nb_apply_result), APPLY_END, RECEIPT);

/* The log.  -------------------------------------------------------------- */

const struct schema_struct nb_logged = SHOWN_KEPT(
    "LoggedObject", nb_logged,
    SHOWN_OF(nb_logged, type, STRING, ALWAYS, "The type of the object."),
    SHOWN_OF(nb_logged, name, STRING, 0, "Its name."),
    SHOWN_OF(nb_logged, before, STRING, ANY,
             "What it was, as an object: of an update the fields that "
             "differ; missing: it was created."),
    SHOWN_OF(nb_logged, after, STRING, ANY,
             "What it became; missing: it was deleted."),
    SHOWN_DIFF(nb_logged, diff.));

#define CONTENTS                                                        \
    SHOWN("contents", STRUCT, LIST,                                     \
          "With `contents=true`, while that is kept: what became of each " \
          "object.", .nested = &nb_logged),                             \
    SHOWN("left_out", INT, 0,                                           \
          "With these: of how many objects nothing is kept.")

static const struct schema_struct log_entry = SHOWN_STRUCT(
    "LogEntry", SHOWN_LOG_ENTRY(schema_log_entry), CONTENTS,
    SHOWN("hosts", STRUCT, 0, "Hosts that it concerned, if that is known.",
          .nested = &activity_hosts_shown));

const struct schema_struct nb_reply_revisions = SHOWN_STRUCT(
    "RevisionList",
    SHOWN("items", STRUCT, ALWAYS | LIST, "Entries, oldest first.",
          .nested = &log_entry),
    REVISION("The newest."),
    NEXT("Of an object's: what to give as `before`, if there may be more."),
    SHOWN("own_only", BOOL, 0,
          "True for an account with a scope, always: changes of others are "
          "not listed, whether there are any or not."));

const struct schema_struct nb_reply_revision = SHOWN_STRUCT(
    "Revision", SHOWN_LOG_ENTRY(schema_log_entry),
    CONTENTS,
    SHOWN("duration_us", STRUCT, 0, "What it took, if that is known.",
          .nested = &activity_steps_shown),
    SHOWN("failures", STRUCT, LIST,
          "If it was waited for: objects that it changed and for which an app "
          "has failed, the first 100.", .nested = &nb_object_failure),
    SHOWN("receipt", STRUCT, ALWAYS | OR_NULL, "Which hosts have it.",
          .nested = &fabric_receipt_shown));

/* Activity.  -------------------------------------------------------------- */

/* Of the struct nb_host_counts that is member 'IN' of 'struct KEPT'
 * ("counts."; nothing: that is one itself). */
#define HOST_COUNTS(KEPT, IN)                                           \
    SHOWN("configured", U64, ALWAYS, "How many hosts there are.",       \
          SHOWN_AT(KEPT, IN configured, sizeof(uint64_t))),             \
    SHOWN("connected", U64, ALWAYS, "How many are connected and heard.", \
          SHOWN_AT(KEPT, IN connected, sizeof(uint64_t))),              \
    SHOWN("synced", U64, ALWAYS,                                        \
          "How many hold what they are to hold.",                       \
          SHOWN_AT(KEPT, IN synced, sizeof(uint64_t))),                 \
    SHOWN("lost", U64, HIDE,                                            \
          "How many are declared lost: nobody waits for them.",         \
          SHOWN_AT(KEPT, IN lost, sizeof(uint64_t)))

static const struct schema_struct activity_hosts = SHOWN_KEPT(
    "hosts", nb_activity_hosts, HOST_COUNTS(nb_activity_hosts, counts.),
    SHOWN_OF(nb_activity_hosts, n_behind, SIZE, ALWAYS,
             "How many are not synced, or have not acknowledged all."),
    SHOWN_LIST_OF(nb_activity_hosts, behind, n_listed, STRUCT, ALWAYS,
                  "The 10 that have been longest.",
                  .nested = &fabric_behind_shown));

static const struct schema_struct class = SHOWN_KEPT(
    "class", nb_activity_class,
    SHOWN_OF(nb_activity_class, app, STRING, ALWAYS, "The app."),
    SHOWN_OF(nb_activity_class, kind, ENUM, ALWAYS, "Which kind.",
             SHOWN_NAMES("unit", "query")),
    SHOWN_OF(nb_activity_class, class, STRING, ALWAYS, "The class."),
    SHOWN_OF(nb_activity_class, computed, U64, ALWAYS,
             "How often, since `vmnd` started."));

const struct schema_struct nb_reply_activity = SHOWN_KEPT(
    "Activity", nb_reply_activity,
    SHOWN_OF(nb_reply_activity, uptime_s, U64, ALWAYS,
             "The uptime of `vmnd`, in seconds."),
    REVISION_OF(nb_reply_activity, "The newest."),
    SHOWN_STRUCT_OF(nb_reply_activity, hosts, ALWAYS,
                    "Hosts that are behind.", &activity_hosts),
    SHOWN_LIST_OF(nb_reply_activity, classes, n_classes, STRUCT, ALWAYS,
                  "How often units and queries were computed.",
                  .nested = &class),
    SHOWN_LIST_OF(nb_reply_activity, items, n_items, STRUCT, ALWAYS,
                  "Groups of revisions.", .nested = &activity_item_shown));

/* Paths.  ---------------------------------------------------------------- */

static const struct schema_struct path_shown = SHOWN_KEPT(
    "Path", nb_path,
    SHOWN_OF(nb_path, host, STRING, ALWAYS, "One host."),
    SHOWN_OF(nb_path, peer, STRING, ALWAYS, "The other one."),
    SHOWN_OF(nb_path, state, ENUM, ALWAYS,
             "`up`; `lossy`: 4 or more of the last 32 probes were lost; "
             "`mtu`: packets of the MTU's size are lost, and small ones pass; "
             "`down`: none passes; `unknown`: not measured yet.",
             SHOWN_NAMES("unknown", "up", "lossy", "mtu", "down")),
    SHOWN_OF(nb_path, reason, STRING, 0, "What is wrong."),
    SHOWN_OF(nb_path, since, STRING, ALWAYS | TIME, "Since when."),
    SHOWN_OF(nb_path, checked, STRING, TIME, "When the last probe ended."),
    SHOWN_OF(nb_path, latency_us, I64, HIDE,
             "In microseconds, there and back: the least of the last ten "
             "probes or more, less what the way to the host took.", .def = -1),
    SHOWN_OF(nb_path, lost, U64, ALWAYS, "How many of the last probes were "
             "lost."),
    SHOWN_OF(nb_path, probes, U64, ALWAYS, "The number of these: at most "
             "32."),
    SHOWN_OF(nb_path, mtu, U64, ALWAYS, "In bytes: of the network with the "
             "largest that both share, which probes of full size have."),
    SHOWN_OF(nb_path, ports, U64, HIDE, "How many ports are concerned, if it "
             "is `lossy`, `mtu` or `down`: those on one of the hosts whose "
             "network, or one that routers join with it, has ports on the "
             "other."),
    SHOWN_LIST_OF(nb_path, port_names, n_port_names, STRING, 0,
                  "Their names, by name: the first 100, of the first 100 "
                  "paths."));

const struct schema_struct nb_reply_paths = SHOWN_KEPT(
    "PathList", nb_reply_paths,
    SHOWN_OF(nb_reply_paths, measured, BOOL, ALWAYS,
             "Whether paths are measured."),
    SHOWN_OF(nb_reply_paths, reason, STRING, 0, "Why they are not."),
    SHOWN_OF(nb_reply_paths, total, U64, ALWAYS, "How many there are, of "
             "those that are asked for."),
    SHOWN_OF(nb_reply_paths, unmeasured, U64, HIDE,
             "How many more there are, which are not measured: 65,536 are."),
    SHOWN_LIST_OF(nb_reply_paths, items, n_items, STRUCT, ALWAYS,
                  "The paths: by state, the worst first, then by host.",
                  .nested = &path_shown));

/* Usage.  ---------------------------------------------------------------- */

static const struct schema_struct usage_limit = SHOWN_KEPT(
    "UsageLimit", nb_usage_limit,
    SHOWN_OF(nb_usage_limit, name, STRING, ALWAYS,
             "As in the quota: `ports`."),
    SHOWN_OF(nb_usage_limit, used, I64, ALWAYS, "How many there are."),
    SHOWN_OF(nb_usage_limit, limit, I64, HIDE,
             "How many there may be, if that is limited.", .def = -1),
    SHOWN_OF(nb_usage_limit, host, STRING, 0,
             "Of `flows_per_host`: where there are most."),
    SHOWN_OF(nb_usage_limit, exceeded, BOOL, HIDE,
             "True if there are more than there may be."));

static const struct schema_struct usage_quota = SHOWN_KEPT(
    "UsageOfQuota", nb_usage_quota,
    SHOWN_OF(nb_usage_quota, quota, STRING, ALWAYS,
             "The quota; `account/NAME`: the default limits of an account "
             "with a scope that no quota is for."),
    SHOWN_OF(nb_usage_quota, scope, STRING, ALWAYS, "Its scope."),
    SHOWN_OF(nb_usage_quota, requests, I64, HIDE,
             "Calls per second, if limited.", .def = -1),
    SHOWN_LIST_OF(nb_usage_quota, limits, n_limits, STRUCT, ALWAYS,
                  "What there is.", .nested = &usage_limit));

const struct schema_struct nb_reply_usage = SHOWN_KEPT(
    "Usage", nb_reply_usage,
    SHOWN_LIST_OF(nb_reply_usage, items, n_items, STRUCT, ALWAYS,
                  "The quotas, by name.", .nested = &usage_quota));

const struct schema_struct nb_reply_rejected = SHOWN_KEPT(
    "RejectedHostList", nb_reply_rejected,
    SHOWN_LIST_OF(nb_reply_rejected, items, n_items, STRUCT, ALWAYS,
                  "Those that came last first; at most 64 addresses and "
                  "reasons are kept, and 4 of one address.",
                  .nested = &fabric_rejected_host_shown));

static const struct schema_struct identity = SHOWN_KEPT(
    "identity", nb_identity,
    SHOWN_OF(nb_identity, number, U32, ALWAYS,
             "What is in registers 1 and 2."),
    SHOWN_OF(nb_identity, network, STRING, 0,
             "Whose ports, if of one network alone."),
    SHOWN_OF(nb_identity, router, STRING, 0,
             "The first router of their domain."),
    SHOWN_LIST_OF(nb_identity, groups, n_groups, STRING, ALWAYS,
                  "The groups that they are in."),
    SHOWN_OF(nb_identity, quarantined, BOOL, ALWAYS,
             "Whether they are cut off."),
    SHOWN_LIST_OF(nb_identity, quarantines, n_quarantines, STRING, ALWAYS,
                  "The quarantines that they are in."),
    SHOWN_OF(nb_identity, n_ports, SIZE, ALWAYS, "How many they are."),
    SHOWN_LIST_OF(nb_identity, ports, n_listed, STRING, ALWAYS,
                  "The first 100 by name."));

const struct schema_struct nb_reply_identities = SHOWN_KEPT(
    "IdentityList", nb_reply_identities,
    SHOWN_LIST_OF(nb_reply_identities, items, n_items, STRUCT, ALWAYS,
                  "Identities.", .nested = &identity),
    REVISION_OF(nb_reply_identities, "The state that was read."),
    SHOWN_OF(nb_reply_identities, next, STRING, 0,
             "What to give as `after`, if there are more."));

/* Logs of apps.  --------------------------------------------------------- */

static const struct schema_struct app_log_line = SHOWN_KEPT(
    "AppLogLine", status_app_line,
    SHOWN_OF(status_app_line, time, STRING, ALWAYS | TIME,
             "When it was written."),
    SHOWN_OF(status_app_line, what, STRING, ALWAYS,
             "The unit, query or handler that was computed."),
    SHOWN_OF(status_app_line, text, STRING, ALWAYS, "The line."));

const struct schema_struct nb_reply_app_logs = SHOWN_KEPT(
    "AppLog", status_app_log,
    SHOWN_LIST_OF(status_app_log, items, n_items, STRUCT, ALWAYS,
                  "The last 256 lines, the oldest first.",
                  .nested = &app_log_line),
    SHOWN_OF(status_app_log, dropped, U64, ALWAYS,
             "How many lines came too fast, and were dropped."));

/* Flows.  ---------------------------------------------------------------- */

#define HOST_FLOWS_BEGIN                                                \
    SHOWN_OF(nb_host_flows, host, STRING, ALWAYS, "The host."),         \
    SHOWN_OF(nb_host_flows, n_flows, SIZE, ALWAYS,                      \
             "How many flows there are in all."),                       \
    SHOWN_OF(nb_host_flows, n_groups, SIZE, ALWAYS,                     \
             "How many groups there are in all.")

const struct schema_struct nb_host_flows_begin = SHOWN_KEPT(
    "host", nb_host_flows, HOST_FLOWS_BEGIN);

/* The lists are printed bit by bit (api-flows.c). */
const struct schema_struct nb_reply_flows = SHOWN_STRUCT(
    "HostFlows", HOST_FLOWS_BEGIN,
    SHOWN("groups", STRUCT, ALWAYS | LIST, "Groups.",
          .nested = &fabric_group_shown),
    SHOWN("flows", STRUCT, ALWAYS | LIST,
          "Flows, as packets meet them.", .nested = &fabric_flow_shown));

/* Recommendations.  ------------------------------------------------------ */

static const struct schema_struct seen_host = SHOWN_KEPT(
    "host", nb_seen_host,
    SHOWN_OF(nb_seen_host, host, STRING, ALWAYS, "The host."),
    SHOWN_OF(nb_seen_host, connections, U64, ALWAYS,
             "How many connections it has recorded."),
    SHOWN_OF(nb_seen_host, truncated, BOOL, ALWAYS,
             "Whether it may have missed some."),
    SHOWN_OF(nb_seen_host, reason, STRING, 0,
             "Why its connections are not included."));

static const struct schema_struct uncovered = SHOWN_KEPT(
    "connection", nb_uncovered,
    SHOWN_OF(nb_uncovered, from, STRING, ALWAYS, "An address."),
    SHOWN_OF(nb_uncovered, to, STRING, ALWAYS, "An address."),
    SHOWN_OF(nb_uncovered, service, STRING, ALWAYS,
             "The protocol and destination port."),
    SHOWN_OF(nb_uncovered, host, STRING, ALWAYS,
             "The host that recorded it."),
    SHOWN_OF(nb_uncovered, reason, STRING, ALWAYS,
             "Why no rule allows it."));

static const struct schema_struct extra = SHOWN_KEPT(
    "extra", nb_extra,
    SHOWN_OF(nb_extra, from, STRING, ALWAYS, "A port, or an address."),
    SHOWN_OF(nb_extra, to, STRING, ALWAYS, "A port."),
    SHOWN_OF(nb_extra, service, STRING, ALWAYS,
             "The allowed protocols and ports."));

static const struct schema_struct rule = SHOWN_KEPT(
    "rule", nb_recommended_rule,
    SHOWN_OF(nb_recommended_rule, policy, STRING, ALWAYS,
             "The policy that has it."),
    SHOWN_OF(nb_recommended_rule, from, STRING, ALWAYS | ANY,
             "A group, or a list of prefixes."),
    SHOWN_OF(nb_recommended_rule, to, STRING, ALWAYS, "A group."),
    SHOWN_LIST_OF(nb_recommended_rule, services, n_services, STRING, ALWAYS,
                  "The allowed protocols and ports."),
    SHOWN_OF(nb_recommended_rule, observed, U64, ALWAYS,
             "How many connections were seen."),
    SHOWN_OF(nb_recommended_rule, extra, U64, ALWAYS,
             "How many more it allows."),
    SHOWN_LIST_OF(nb_recommended_rule, extras, n_extras, STRUCT, ALWAYS,
                  "The first 20 of these.", .nested = &extra));

const struct schema_struct nb_reply_recommendations = SHOWN_KEPT(
    "Recommendations", nb_reply_recommendations,
    SHOWN_OF(nb_reply_recommendations, network, STRING, ALWAYS,
             "The network."),
    SHOWN_OF(nb_reply_recommendations, since, STRING, ALWAYS | TIME,
             "Since when it is observed."),
    SHOWN_LIST_OF(nb_reply_recommendations, hosts, n_hosts, STRUCT, ALWAYS,
                  "Those that have its ports.", .nested = &seen_host),
    SHOWN_OF(nb_reply_recommendations, connections, U64, ALWAYS,
             "How many were seen."),
    SHOWN_OF(nb_reply_recommendations, n_uncovered, U64, ALWAYS,
             "How many no rule allows."),
    SHOWN_LIST_OF(nb_reply_recommendations, uncovered, n_uncovered_listed,
                  STRUCT, ALWAYS, "The first 20 of these.",
                  .nested = &uncovered),
    SHOWN_OF(nb_reply_recommendations, optimal, BOOL, ALWAYS,
             "Whether this is known to be the smallest number of such "
             "rules."),
    SHOWN_LIST_OF(nb_reply_recommendations, rules, n_rules, STRUCT, ALWAYS,
                  "Each rule.", .nested = &rule),
    SHOWN_LIST_OF(nb_reply_recommendations, objects, n_objects, STRUCT,
                  ALWAYS, "Groups, services and policies to apply.",
                  .nested = &nb_any_object),
    SHOWN_OF(nb_reply_recommendations, n_unselected, U64, ALWAYS,
             "How many ports have no incoming connection that was seen."),
    SHOWN_LIST_OF(nb_reply_recommendations, unselected, n_unselected_listed,
                  STRING, ALWAYS, "The first 100 of these."),
    SHOWN_LIST_OF(nb_reply_recommendations, kept, n_kept, STRING, ALWAYS,
                  "Policies that exist and are not changed: the proposed ones "
                  "have other names; at most 100."));

/* Summary.  --------------------------------------------------------------- */

static const struct schema_struct summary_ports = SHOWN_KEPT(
    "ports", nb_summary_ports,
    SHOWN_OF(nb_summary_ports, up, SIZE, ALWAYS,
             "How many are in this state; as the next ones."),
    SHOWN_OF(nb_summary_ports, pending, SIZE, ALWAYS, "The same."),
    SHOWN_OF(nb_summary_ports, down, SIZE, ALWAYS, "The same."),
    SHOWN_OF(nb_summary_ports, unknown, SIZE, ALWAYS, "The same."),
    SHOWN_OF(nb_summary_ports, unbound, SIZE, ALWAYS, "The same."),
    SHOWN_OF(nb_summary_ports, external, SIZE, ALWAYS, "The same."),
    SHOWN_OF(nb_summary_ports, quarantined, SIZE, ALWAYS,
             "How many are cut off."),
    SHOWN_OF(nb_summary_ports, disabled, SIZE, ALWAYS,
             "How many are not enabled."));

static const struct schema_struct summary_host = SHOWN_KEPT(
    "host", nb_summary_host,
    SHOWN_OF(nb_summary_host, name, STRING, ALWAYS, "The host."),
    SHOWN_OF(nb_summary_host, state, STRING, ALWAYS, "As in its status."),
    SHOWN_OF(nb_summary_host, reason, STRING, 0, "As in its status."),
    SHOWN_OF(nb_summary_host, ports, SIZE, ALWAYS,
             "How many ports are bound to it."),
    SHOWN_OF(nb_summary_host, up, SIZE, ALWAYS, "How many of these are up."),
    SHOWN_OF(nb_summary_host, unknown, SIZE, ALWAYS,
             "How many are `unknown`."),
    SHOWN_OF(nb_summary_host, external, SIZE, ALWAYS,
             "How many are `external`."),
    SHOWN_OF(nb_summary_host, disabled, SIZE, ALWAYS,
             "How many of the others are not enabled, and so not up."),
    SHOWN_OF(nb_summary_host, lag, U64, ALWAYS,
             "How many revisions it has not acknowledged."),
    SHOWN_OF(nb_summary_host, bytes_per_s, U64, ALWAYS,
             "What its ports send and receive per second."),
    SHOWN_OF(nb_summary_host, tunnel_bytes_per_s, U64, ALWAYS,
             "What its tunnels do."));

static const struct schema_struct summary_network = SHOWN_KEPT(
    "network", nb_summary_network,
    SHOWN_OF(nb_summary_network, name, STRING, ALWAYS, "The network."),
    SHOWN_OF(nb_summary_network, ports, SIZE, ALWAYS,
             "How many ports it has."),
    SHOWN_OF(nb_summary_network, up, SIZE, ALWAYS,
             "How many of these are up."),
    SHOWN_OF(nb_summary_network, unknown, SIZE, ALWAYS,
             "How many are `unknown`."),
    SHOWN_OF(nb_summary_network, external, SIZE, ALWAYS,
             "How many are `external`."),
    SHOWN_OF(nb_summary_network, disabled, SIZE, ALWAYS,
             "How many of the others are not enabled, and so not up."),
    SHOWN_OF(nb_summary_network, bytes_per_s, U64, ALWAYS,
             "What these send and receive per second."));

static const struct schema_struct summary_placement = SHOWN_KEPT(
    "placement", nb_summary_placement,
    SHOWN_OF(nb_summary_placement, host, INT, ALWAYS,
             "Its place in `hosts`; -1 is no host.", .min = -1),
    SHOWN_OF(nb_summary_placement, network, INT, ALWAYS,
             "Its place in `networks`."),
    SHOWN_OF(nb_summary_placement, ports, SIZE, ALWAYS,
             "How many ports of that network are on that host."),
    SHOWN_OF(nb_summary_placement, bytes_per_s, U64, ALWAYS,
             "The traffic of these per second."));

static const struct schema_struct summary_balancer = SHOWN_KEPT(
    "balancer", nb_summary_balancer,
    SHOWN_OF(nb_summary_balancer, name, STRING, ALWAYS, "The balancer."),
    SHOWN_OF(nb_summary_balancer, backends, SIZE, ALWAYS,
             "How many backends it has."),
    SHOWN_OF(nb_summary_balancer, serving, SIZE, ALWAYS,
             "How many of these serve."),
    SHOWN_OF(nb_summary_balancer, unknown, SIZE, ALWAYS,
             "Of those that serve, how many have a port that is "
             "`unknown`."),
    SHOWN_OF(nb_summary_balancer, drained, SIZE, ALWAYS,
             "How many are `draining` or `drained`, as was asked for."),
    SHOWN_OF(nb_summary_balancer, standby, SIZE, ALWAYS,
             "How many are `standby`."));

static const struct schema_struct summary_balancers = SHOWN_KEPT(
    "balancers", nb_summary_balancers,
    SHOWN_OF(nb_summary_balancers, total, SIZE, ALWAYS,
             "How many there are."),
    SHOWN_OF(nb_summary_balancers, partial, SIZE, ALWAYS,
             "How many have backends that should serve and do not."),
    SHOWN_OF(nb_summary_balancers, idle, SIZE, ALWAYS,
             "How many have none that does."),
    SHOWN_LIST_OF(nb_summary_balancers, degraded, n_degraded, STRUCT, ALWAYS,
                  "The first 100 of these.", .nested = &summary_balancer));

const struct schema_struct nb_reply_summary = SHOWN_KEPT(
    "Summary", nb_reply_summary,
    REVISION_OF(nb_reply_summary, "The state that was read."),
    SHOWN_STRUCT_OF(nb_reply_summary, ports, ALWAYS, "Ports by state.",
                    &summary_ports),
    SHOWN_LIST_OF(nb_reply_summary, hosts, n_hosts, STRUCT, ALWAYS,
                  "All hosts.", .nested = &summary_host),
    SHOWN_OF(nb_reply_summary, n_networks, SIZE, ALWAYS,
             "How many networks there are."),
    SHOWN_LIST_OF(nb_reply_summary, networks, n_listed, STRUCT, ALWAYS,
                  "Those with most ports first.", .nested = &summary_network),
    SHOWN_LIST_OF(nb_reply_summary, placements, n_placements, STRUCT,
                  ALWAYS | TUPLE,
                  "[HOST, NETWORK, PORTS, BYTES_PER_S]: how many ports of "
                  "that network are on that host, and their traffic; host and "
                  "network by their indexes in these lists; -1 is no host.",
                  .nested = &summary_placement),
    SHOWN_STRUCT_OF(nb_reply_summary, balancers, ALWAYS, "Balancers.",
                    &summary_balancers));

/* Policies of a port.  ---------------------------------------------------- */

static const struct schema_struct port_policy = SHOWN_KEPT(
    "policy", nb_port_policy,
    SHOWN_OF(nb_port_policy, name, STRING, ALWAYS, "The policy."),
    SHOWN_OF(nb_port_policy, tier, STRING, ALWAYS, "Its tier."),
    SHOWN_OF(nb_port_policy, position, U32, ALWAYS, "The position of that."),
    SHOWN_OF(nb_port_policy, priority, U32, ALWAYS,
             "Its priority in the tier."),
    SHOWN_OF(nb_port_policy, mode, ENUM, ALWAYS, "Whether it decides.",
             SHOWN_NAMES("enforce", "shadow")));

#define ISOLATED_IN(DIRECTION, NAME, DOC)                               \
    SHOWN(NAME, STRING, LIST | ALWAYS, DOC,                             \
          SHOWN_AT(nb_reply_port_policies, isolated[DIRECTION],         \
                   sizeof(const char **)),                              \
          .n_offset = offsetof(struct nb_reply_port_policies,           \
                               n_isolated[DIRECTION]))

const struct schema_struct nb_reply_port_policies = SHOWN_KEPT(
    "PortPolicies", nb_reply_port_policies,
    SHOWN_OF(nb_reply_port_policies, port, STRING, ALWAYS, "The port."),
    SHOWN_LIST_OF(nb_reply_port_policies, groups, n_groups, STRING, ALWAYS,
                  "Those that it is in, directly or by nested groups."),
    SHOWN_LIST_OF(nb_reply_port_policies, policies, n_policies, STRUCT,
                  ALWAYS, "Those that apply to one of these, as they are "
                  "evaluated.", .nested = &port_policy),
    ISOLATED_IN(VMN_EGRESS, "isolated_egress",
                "The policies that isolate it in egress: what no rule lets "
                "through is denied. `(out of scope)`: policies that the "
                "account does not see."),
    ISOLATED_IN(VMN_INGRESS, "isolated_ingress", "The same in ingress."));

/* The daemon.  ----------------------------------------------------------- */

const struct schema_struct nb_reply_health = SHOWN_KEPT(
    "Health", nb_reply_health,
    SHOWN_OF(nb_reply_health, status, ENUM, ALWAYS, "It lives.",
             SHOWN_NAMES("ok")),
    SHOWN_OF(nb_reply_health, version, STRING, ALWAYS, "Its version."));

const struct schema_struct nb_reply_ready = SHOWN_KEPT(
    "Readiness", nb_reply_ready,
    SHOWN_OF(nb_reply_ready, status, ENUM, ALWAYS, "It is ready.",
             SHOWN_NAMES("ready")));

static const struct schema_struct index_type = SHOWN_KEPT(
    "type", nb_index_type,
    SHOWN_OF(nb_index_type, type, STRING, ALWAYS, "The type."),
    SHOWN_OF(nb_index_type, singular, STRING, ALWAYS,
             "What one of its objects is called."),
    SHOWN_OF(nb_index_type, path, STRING, ALWAYS, "The path of its objects."),
    SHOWN_OF(nb_index_type, description, STRING, ALWAYS, "What it is."));

static const struct schema_struct index_call = SHOWN_KEPT(
    "call", nb_index_call,
    SHOWN_OF(nb_index_call, call, STRING, ALWAYS, "The method and path."),
    SHOWN_OF(nb_index_call, query, STRING, ALWAYS,
             "Parameters, with spaces between them."));

const struct schema_struct nb_reply_index = SHOWN_KEPT(
    "Index", nb_reply_index,
    SHOWN_OF(nb_reply_index, version, STRING, ALWAYS,
             "The version of `vmnd`."),
    SHOWN_LIST_OF(nb_reply_index, types, n_types, STRUCT, ALWAYS,
                  "The types.", .nested = &index_type),
    SHOWN_LIST_OF(nb_reply_index, calls, n_calls, STRUCT, ALWAYS,
                  "The calls.", .nested = &index_call));

const struct schema_struct nb_reply_openapi = SHOWN_STRUCT(
    "Description",
    SHOWN("openapi", STRING, ALWAYS, "The version of the format."),
    SHOWN("info", STRING, ALWAYS | ANY, "The name and version of the API."),
    SHOWN("servers", STRING, ALWAYS | ANY, "Where it is."),
    SHOWN("security", STRING, ALWAYS | ANY, "How clients authenticate."),
    SHOWN("tags", STRING, ALWAYS | ANY, "The sections of calls."),
    SHOWN("paths", STRING, ALWAYS | ANY, "The calls."),
    SHOWN("components", STRING, ALWAYS | ANY, "Their parameters and "
                                              "replies."));

#define HEALTH_STATE(STRUCT, DOC)                                       \
    SHOWN_OF(STRUCT, state, ENUM, ALWAYS, DOC,                          \
             SHOWN_NAMES("ok", "degraded", "failing"))

static const struct schema_struct health_reason = SHOWN_KEPT(
    "reason", nb_health_reason,
    SHOWN_OF(nb_health_reason, reason, ENUM, ALWAYS,
             "`starting`, `writer`, `hosts`, or the kind of a problem.",
             .names = (const char *const[]) {
                 NB_CONDITIONS(NB_CONDITION_NAME) NULL }),
    HEALTH_STATE(nb_health_reason, "The state of health that follows from "
                                   "it."),
    SHOWN_OF(nb_health_reason, detail, STRING, ALWAYS, "In words."));

static const struct schema_struct health = SHOWN_KEPT(
    "health", nb_health,
    HEALTH_STATE(nb_health,
                 "`ok`: all is well; `degraded`: something needs attention, "
                 "and changes go on; `failing`: changes do not reach hosts, "
                 "or are not stored."),
    SHOWN_LIST_OF(nb_health, reasons, n_reasons, STRUCT, ALWAYS,
                  "Why it is not `ok`, the worst first, each once.",
                  .nested = &health_reason));

static const struct schema_struct hosts = SHOWN_KEPT(
    "hosts", nb_host_counts, HOST_COUNTS(nb_host_counts, ));

/* Members of all, with further flags, and those that are only for accounts
 * without a scope, or with one. */
#define STATUS_OF_ALL                                                   \
    SHOWN_OF(nb_reply_status, version, STRING, ALWAYS,                  \
             "The version of `vmnd`."),                                 \
    SHOWN_OF(nb_reply_status, ready, BOOL, ALWAYS,                      \
             "Whether the state is loaded and compiled."),              \
    REVISION_OF(nb_reply_status, "The newest."),                        \
    SHOWN_MAP_OF(nb_reply_status, objects, n_objects, U64, ALWAYS,      \
                 "How many objects, by type; with a scope, how many "   \
                 "within it."),                                         \
    SHOWN_LIST_OF(nb_reply_status, warnings, n_warnings, STRUCT, 0,     \
                  "Valid, and most likely a mistake: selectors that "   \
                  "match no port, groups without members, VMs' "        \
                  "interfaces without a port.",                         \
                  .nested = &model_warning_shown)
#define STATUS_OF_WHOLE(FLAGS)                                          \
    SHOWN_STRUCT_OF(nb_reply_status, health, FLAGS,                     \
                    "The system's health.  This, `uptime_s`, `hosts` "  \
                    "and `problems` are not for accounts with a "       \
                    "scope.", &health),                                 \
    SHOWN_OF(nb_reply_status, uptime_s, U64, FLAGS,                     \
             "Its uptime, in seconds."),                                \
    SHOWN_STRUCT_OF(nb_reply_status, hosts, FLAGS, "Hosts.", &hosts),   \
    SHOWN_LIST_OF(nb_reply_status, problems, n_problems, STRUCT, FLAGS, \
                  "What apps could not compile, conflicts of their "    \
                  "flows, and what could not be stored.",               \
                  .nested = &engine_problem_shown)
#define STATUS_OF_SCOPED                                                \
    SHOWN_OF(nb_reply_status, scope, STRING, 0,                         \
             "The account's scope: all is about what is within it."),   \
    SHOWN_STRUCT_OF(nb_reply_status, ports, POINTER,                    \
                    "With a scope: its ports.", &summary_ports)

const struct schema_struct nb_reply_status = SHOWN_KEPT(
    "Status", nb_reply_status, STATUS_OF_ALL, STATUS_OF_WHOLE(0),
    STATUS_OF_SCOPED);

const struct schema_struct nb_status_whole = SHOWN_KEPT(
    "Status", nb_reply_status, STATUS_OF_ALL, STATUS_OF_WHOLE(ALWAYS));

const struct schema_struct nb_status_scoped = SHOWN_KEPT(
    "Status", nb_reply_status, STATUS_OF_ALL, STATUS_OF_SCOPED);
