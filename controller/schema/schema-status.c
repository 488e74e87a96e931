/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of objects, type by type: describes the structs of status.h.
 * Hosts and balancers have files of their own. */

#include <config.h>

#include "controller/schema/schema-shown.h"
#include "controller/schema/status.h"

/* Networks and routers.  ------------------------------------------------ */

static const struct schema_struct subnet = SHOWN_KEPT(
    "subnet", status_subnet,
    SHOWN_OF(status_subnet, cidr, PREFIX, ALWAYS, "The subnet."),
    SHOWN_OF(status_subnet, size, U64, ALWAYS,
             "How many addresses can be allocated."),
    SHOWN_OF(status_subnet, used, U64, ALWAYS,
             "How many of them ports, virtual IPs and reservations use."),
    SHOWN_OF(status_subnet, free, U64, ALWAYS, "How many are left."));

const struct schema_struct schema_status_network = SHOWN_KEPT(
    "NetworkStatus", status_network,
    SHOWN_OF(status_network, ports, SIZE, ALWAYS, "How many ports it has."),
    SHOWN_OF(status_network, mtu, U32, HIDE, "The MTU in effect."),
    SHOWN_LIST_OF(status_network, subnets, n_subnets, STRUCT, ALWAYS,
                  "How full its subnets are.", .nested = &subnet));

static const struct schema_struct gateway = SHOWN_KEPT(
    "gateway", status_gateway,
    SHOWN_OF(status_gateway, host, REF, ALWAYS, "The host.",
             .ref = VMN_TABLE_HOST),
    SHOWN_OF(status_gateway, state, ENUM, ALWAYS,
             "`active`; `standby`: it would take over; or `unable`: it could "
             "not.", SHOWN_NAMES("active", "standby", "unable")),
    SHOWN_OF(status_gateway, reason, STRING, 0, "Why it is `unable`."));

static const struct schema_struct forwarded = SHOWN_KEPT(
    "forwarded", status_forwarded,
    SHOWN_OF(status_forwarded, packets, U64, ALWAYS,
             "How many packets, on all hosts, since `vmnd` started, plus what "
             "the switches had counted by then."),
    SHOWN_OF(status_forwarded, packets_per_s, DOUBLE, ALWAYS,
             "The current rate per second."),
    SHOWN_OF(status_forwarded, bytes, U64, ALWAYS,
             "How many bytes they had."),
    SHOWN_OF(status_forwarded, bytes_per_s, DOUBLE, ALWAYS,
             "The current rate per second."),
    SHOWN_OF(status_forwarded, last, STRING, ALWAYS | TIME | OR_NULL,
             "When the last one came, to the second; null: none came."));

const struct schema_struct schema_status_router = SHOWN_KEPT(
    "RouterStatus", status_router,
    SHOWN_OF(status_router, domain, STRING, 0,
             "The key of the routing domain of its networks, when one router "
             "is asked for."),
    SHOWN_OF(status_router, gateway, REF, 0, "The host that is its gateway.",
             .ref = VMN_TABLE_HOST),
    SHOWN_OF(status_router, reason, STRING, 0,
             "Why none is, of a router with an external network."),
    SHOWN_LIST_OF(status_router, gateways, n_gateways, STRUCT, 0,
                  "Each host of its `external.gateways`, in that order.",
                  .nested = &gateway),
    SHOWN_STRUCT_OF(status_router, traffic, POINTER,
                    "What it has forwarded, in all directions together, when "
                    "one router is asked for; absent: counters are not read, "
                    "the router is not in the account's scope, or a member of "
                    "a cluster answers without the writer.",
                    &forwarded),
    SHOWN_READINGS(status_router));

/* Policies, and what they are about.  ------------------------------------- */

/* The struct status_members that is member 'members' of 'struct KEPT'. */
#define MEMBERS(KEPT, FLAGS)                                            \
    SHOWN("members", REF, LIST,                                         \
          "Which, when one is asked for; the first 1000 by name.",      \
          SHOWN_AT(KEPT, members.members, sizeof(void *)),              \
          .n_offset = offsetof(struct KEPT, members.n_listed),          \
          .ref = VMN_TABLE_PORT),                                       \
    SHOWN("n_members", I64, FLAGS,                                      \
          "How many ports are in it, those of groups inside included.", \
          SHOWN_AT(KEPT, members.n_members, sizeof(int64_t)), .def = -1), \
    SHOWN("n_unknown", I64, HIDE,                                       \
          "How many of these are `unknown`, when one is asked for.",    \
          SHOWN_AT(KEPT, members.n_unknown, sizeof(int64_t)))

const struct schema_struct schema_status_group = SHOWN_KEPT(
    "GroupStatus", status_group, MEMBERS(status_group, HIDE));

const struct schema_struct schema_count = SHOWN_KEPT(
    "Count", status_count, SHOWN_COUNT(status_count, ));

static const struct schema_struct log_count = SHOWN_KEPT(
    "log", status_log,
    SHOWN_OF(status_log, events, U64, ALWAYS,
             "How many there were, on all hosts."),
    SHOWN_OF(status_log, logged, U64, ALWAYS,
             "How many of these were logged."),
    SHOWN_OF(status_log, suppressed, U64, ALWAYS, "How many were not."));

static const struct schema_struct rule_count = SHOWN_KEPT(
    "rule", status_rule, SHOWN_COUNT(status_rule, count.),
    SHOWN_STRUCT_OF(status_rule, log, POINTER,
                    "Its events, of a rule with a log.", &log_count),
    SHOWN_OF(status_rule, outside, BOOL, HIDE,
             "It is outside of its `windows`, and so as if it were not "
             "there."));

static const struct schema_struct fqdn = SHOWN_KEPT(
    "fqdn", status_fqdn,
    SHOWN_OF(status_fqdn, name, STRING, ALWAYS, "The name."),
    SHOWN_OF(status_fqdn, state, STRING, ALWAYS,
             "What came of asking for its addresses: `failing` has no answer, "
             "and what was known is kept; `limited` has more addresses than "
             "are kept; `pending` was not answered yet.  Accounts with a "
             "scope see `resolved` if addresses are known, or `pending`.",
             SHOWN_NAMES("resolved", "no_address", "no_name", "failing",
                         "limited", "pending")),
    SHOWN_LIST_OF(status_fqdn, ips, n_ips, IP, ALWAYS,
                  "The addresses that the rules allow for it, but for those "
                  "of zones.  None for accounts with a scope, as all that "
                  "follows."),
    SHOWN_OF(status_fqdn, answered, STRING, TIME,
             "When a server has answered last, since vmnd has begun to ask; "
             "not known by members of a cluster that do not ask."),
    SHOWN_OF(status_fqdn, reason, STRING, 0,
             "Why it is `failing`, or no server answers for one family of "
             "addresses; or why what it has by now could not be stored."),
    SHOWN_LIST_OF(status_fqdn, names, n_names, STRING, HIDE,
                  "Of a wildcard: its names that guests have asked for, and "
                  "that have addresses. It is `pending` while there are none, "
                  "and `no_address` where they have but such as wildcards do "
                  "not open."));

const struct schema_struct schema_status_tier = SHOWN_KEPT(
    "TierStatus", status_tier,
    SHOWN_STRUCT_OF(status_tier, retained, 0,
                    "Packets of connections that the tier keeps "
                    "(`on_change`).  Not for accounts with a scope.",
                    &schema_count),
    SHOWN_READINGS(status_tier));

const struct schema_struct schema_status_policy = SHOWN_KEPT(
    "PolicyStatus", status_policy, SHOWN_COUNT(status_policy, count.),
    SHOWN_READINGS(status_policy),
    SHOWN_LIST_OF(status_policy, rules, n_rules, STRUCT, 0,
                  "The same of each rule, in their order, when one policy is "
                  "asked for.", .nested = &rule_count),
    SHOWN_LIST_OF(status_policy, fqdns, n_fqdns, STRUCT, HIDE,
                  "The names in DNS that its rules have, when one policy is "
                  "asked for.", .nested = &fqdn),
    SHOWN_STRUCT_OF(status_policy, would_isolate, POINTER,
                    "The same of what a shadow would isolate, when one is "
                    "asked for.", &schema_count),
    SHOWN_STRUCT_OF(status_policy, isolated, POINTER,
                    "The same of what was dropped since a port is isolated, "
                    "when one policy that isolates is asked for: by this "
                    "policy or others that isolate ports in the same routing "
                    "domains, which share these flows. Not for accounts with "
                    "a scope.", &schema_count));

const struct schema_struct schema_status_quarantine = SHOWN_KEPT(
    "QuarantineStatus", status_quarantine,
    MEMBERS(status_quarantine, ALWAYS),
    SHOWN_COUNT(status_quarantine, count.),
    SHOWN_READINGS(status_quarantine),
    SHOWN_LIST_OF(status_quarantine, allow, n_allow, STRUCT, 0,
                  "The same of each entry of `allow`, in their order, when "
                  "one quarantine is asked for.", .nested = &schema_count));

/* The rest.  ------------------------------------------------------------- */

const struct schema_struct schema_status_observation = SHOWN_KEPT(
    "ObservationStatus", status_observation,
    SHOWN_OF(status_observation, expires, STRING, TIME, "When it expires."));

static const struct schema_struct draft_conflict = SHOWN_KEPT(
    "DraftConflict", status_draft_conflict,
    SHOWN_OF(status_draft_conflict, change, U64, ALWAYS,
             "Which of the draft's `changes` it is about, from 0 on."),
    SHOWN_OF(status_draft_conflict, type, STRING, ALWAYS,
             "The type of the object."),
    SHOWN_OF(status_draft_conflict, name, STRING, ALWAYS, "Its name."),
    SHOWN_OF(status_draft_conflict, path, STRING, ALWAYS,
             "JSON pointer (RFC 6901) into the object; empty: it is about "
             "whether there is one."),
    SHOWN_OF(status_draft_conflict, base, STRING, ANY,
             "What it was when the change was written; absent: there was "
             "none."),
    SHOWN_OF(status_draft_conflict, now, STRING, ANY,
             "What it is; absent: there is none."),
    SHOWN_OF(status_draft_conflict, draft, STRING, ANY,
             "What the draft makes it; absent: it is taken away."),
    SHOWN_OF(status_draft_conflict, left_out, BOOL, HIDE,
             "Whether some of these, or members of them, are left out: they "
             "are too long, or not for this account."),
    SHOWN_OF(status_draft_conflict, revision, U64, HIDE,
             "The last revision that changed the object, if it is known."),
    SHOWN_OF(status_draft_conflict, who, STRING, OR_NULL | ALWAYS,
             "Who made that; null: not known, or not for this account."),
    SHOWN_OF(status_draft_conflict, time, STRING, TIME, "When."));

const struct schema_struct schema_status_draft = SHOWN_KEPT(
    "DraftStatus", status_draft,
    SHOWN_OF(status_draft, changes, U64, ALWAYS,
             "How many objects it changes: not those that stay as they "
             "were."),
    SHOWN("n_conflicts", U64, HIDE,
          "Of a single draft: how many fields have been changed since, so "
          "that it cannot be applied as it is.",
          SHOWN_AT(status_draft, n_all, sizeof(uint64_t))),
    SHOWN_LIST_OF(status_draft, conflicts, n_conflicts, STRUCT, 0,
                  "The first 100 of them.", .nested = &draft_conflict));

const struct schema_struct schema_app_flows = SHOWN_KEPT(
    "AppFlows", status_app_flows,
    SHOWN_OF(status_app_flows, app, STRING, ALWAYS, "The app."),
    SHOWN_OF(status_app_flows, added, U32, ALWAYS,
             "How many flows and groups were added."),
    SHOWN_OF(status_app_flows, changed, U32, ALWAYS,
             "How many got other contents."),
    SHOWN_OF(status_app_flows, removed, U32, ALWAYS,
             "How many were removed."));

static const struct schema_struct stage = SHOWN_KEPT(
    "stage", status_stage,
    SHOWN_OF(status_stage, name, STRING, ALWAYS, "Its name."),
    SHOWN_OF(status_stage, first_table, INT, ALWAYS,
             "The first of its tables."),
    SHOWN_OF(status_stage, tables, INT, ALWAYS, "How many it has."));

static const struct schema_struct app_worker = SHOWN_KEPT(
    "AppWorker", status_app_worker,
    SHOWN_OF(status_app_worker, state, STRING, ALWAYS,
             "`running`; `pausing`, until it is started again; `suspended`: "
             "it has ended too often; `absent`: the app could not be loaded, "
             "and what hosts have of it stays."),
    SHOWN_OF(status_app_worker, pid, I64, HIDE, "Its process."),
    SHOWN_OF(status_app_worker, ends, U64, ALWAYS,
             "How often it has ended since vmnd started."),
    SHOWN_OF(status_app_worker, failure, STRING, 0,
             "Why it ended the last time, or why there is none."),
    SHOWN_OF(status_app_worker, computed, STRING, 0,
             "The unit, query or handler that it computed then."),
    SHOWN_OF(status_app_worker, failed, STRING, TIME, "When that was."));

static const struct schema_struct app_handler = SHOWN_KEPT(
    "AppHandler", status_handler,
    SHOWN_OF(status_handler, handler, STRING, ALWAYS, "The handler."),
    SHOWN_OF(status_handler, failures, U64, ALWAYS,
             "How many packets it has failed for since `vmnd` started: they "
             "got no answer."),
    SHOWN_OF(status_handler, failure, STRING, ALWAYS,
             "Why it failed the last time."),
    SHOWN_OF(status_handler, failed, STRING, TIME, "When that was."));

static const struct schema_struct unit_count = SHOWN_KEPT(
    "UnitCount", status_unit,
    SHOWN_OF(status_unit, unit, STRING, ALWAYS, "The unit."),
    SHOWN_COUNT(status_unit, count.));

static const struct schema_struct part_count = SHOWN_KEPT(
    "PartCount", status_part,
    SHOWN_OF(status_part, part, U32, ALWAYS,
             "What the app tells its flows apart by, or 0."),
    SHOWN_OF(status_part, name, STRING, 0, "What the app calls it."),
    SHOWN_OF(status_part, reason, STRING, 0, "Why they drop, if they do."),
    SHOWN_COUNT(status_part, count.));

#define APP_MEMBERS                                                     \
    SHOWN_OF(status_app, description, STRING, 0,                        \
             "Its description, by the app itself."),                    \
    SHOWN_LIST_OF(status_app, stages, n_stages, STRUCT, 0,              \
                  "Where in the pipeline it is.", .nested = &stage)

const struct schema_struct schema_status_app_scoped = SHOWN_KEPT(
    "AppStatus", status_app, APP_MEMBERS);

const struct schema_struct schema_status_app = SHOWN_KEPT(
    "AppStatus", status_app, APP_MEMBERS,
    SHOWN_OF(status_app, units, U64, 0,
             "How many units there are of it.  Not for accounts with a "
             "scope, as the figures that follow."),
    SHOWN_OF(status_app, flows, U64, 0, "How many flows these desire."),
    SHOWN_OF(status_app, groups, U64, 0, "How many groups."),
    SHOWN_OF(status_app, problems, U64, 0,
             "How many units could not be compiled, or contradict others."),
    SHOWN_LIST_OF(status_app, handlers, n_handlers, STRUCT, 0,
                  "Its handlers that have failed.", .nested = &app_handler),
    SHOWN_OF(status_app, memory_bytes, U64, HIDE,
             "What `vmnd` keeps for it, in bytes: flows, groups, facts, "
             "values of queries, and what these have read. Not of VMN's own "
             "apps."),
    SHOWN_OF(status_app, max_memory_bytes, U64, HIDE,
             "What it keeps at most (`max_memory_mib`)."),
    SHOWN_LIST_OF(status_app, counts, n_counts, STRUCT, 0,
                  "What flows of its units have counted since `vmnd` "
                  "started, on all hosts and of all objects: those that drop, "
                  "and those that the app counts. Units without a packet may "
                  "be missing.", .nested = &unit_count),
    SHOWN_UNREAD(status_app),
    SHOWN_STRUCT_OF(status_app, worker, POINTER,
                    "The process that it runs in, if that is not vmnd.",
                    &app_worker));

const struct schema_struct schema_status_type = SHOWN_KEPT(
    "TypeStatus", status_type,
    SHOWN_OF(status_type, objects, SIZE, ALWAYS, "How many there are of it."),
    SHOWN_OF(status_type, served, BOOL, ALWAYS,
             "Whether the app is loaded, and declares it so."),
    SHOWN_OF(status_type, reason, STRING, 0, "Why not."));

const struct schema_struct schema_status_object = SHOWN_KEPT(
    "OwnObjectStatus", status_own_object,
    SHOWN_OF(status_own_object, unserved, STRING, 0,
             "Why it has no effect now: its app is not there."),
    SHOWN_COUNT(status_own_object, count.),
    SHOWN_READINGS(status_own_object),
    SHOWN_LIST_OF(status_own_object, parts, n_parts, STRUCT, 0,
                  "The same of each part that the app tells apart, and each "
                  "reason of drops, when one object is asked for.",
                  .nested = &part_count));
