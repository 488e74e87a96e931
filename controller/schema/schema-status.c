/* SPDX-License-Identifier: Apache-2.0
 *
 * What is observed of objects, type by type: the description of the structs of
 * status.h.  Hosts and balancers have files of their own. */

#include <config.h>

#include "controller/schema/schema-shown.h"
#include "controller/schema/status.h"

/* Networks and routers.  ------------------------------------------------ */

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
    SHOWN("logged", INT, ALWAYS, "How many of these were told."),
    SHOWN("suppressed", INT, ALWAYS, "How many were not."));

static const struct schema_struct rule_count = SHOWN_STRUCT(
    "rule", SHOWN_COUNT,
    SHOWN("log", STRUCT, 0, "Its events, of a rule with a log.",
          .nested = &log_count));

const struct schema_struct schema_status_tier = SHOWN_STRUCT(
    "TierStatus",
    SHOWN("retained", STRUCT, ALWAYS,
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

/* The rest.  ------------------------------------------------------------- */

const struct schema_struct schema_status_observation = SHOWN_STRUCT(
    "ObservationStatus",
    SHOWN("expires", STRING, 0 | TIME, "When it is over."));

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

const struct schema_struct schema_status_app = SHOWN_KEPT(
    "AppStatus", status_app,
    SHOWN_OF(status_app, description, STRING, 0,
             "What it is for, in its own words."),
    SHOWN_LIST_OF(status_app, stages, n_stages, STRUCT, 0,
                  "Where in the pipeline it is.", .nested = &stage),
    SHOWN_OF(status_app, units, U64, 0, "How many units there are of it."),
    SHOWN_OF(status_app, flows, U64, 0, "How many flows these want."),
    SHOWN_OF(status_app, groups, U64, 0, "How many groups."),
    SHOWN_OF(status_app, problems, U64, 0,
             "How many units could not be compiled, or contradict others."));
