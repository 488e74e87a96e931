/* SPDX-License-Identifier: Apache-2.0
 *
 * Describes the fabric's structs that are shown but are no object's status
 * (controller/schema/status.h): flows, differences, receipts, hosts that are
 * behind. */

#include <config.h>

#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-flows.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/session/receipts.h"
#include "controller/schema/schema-shown.h"
#include "controller/schema/status.h"

#define DESIRED(KEPT)                                                   \
    SHOWN_OF(KEPT, owner, STRING, OR_NULL,                              \
             "The app, unit and object that desire it."),               \
    SHOWN_OF(KEPT, scope, STRING, 0, "Which hosts have it.")

const struct schema_struct fabric_flow_shown = SHOWN_KEPT(
    "Flow", fabric_flow,
    SHOWN_OF(fabric_flow, table, INT, ALWAYS, "Its table."),
    SHOWN_OF(fabric_flow, priority, INT, ALWAYS, "Its priority."),
    SHOWN_OF(fabric_flow, match, STRING, ALWAYS, "The match."),
    SHOWN_OF(fabric_flow, actions, STRING, ALWAYS, "The actions."),
    SHOWN_OF(fabric_flow, reason, STRING, 0,
             "Why they are dropped, if they are."),
    SHOWN_OF(fabric_flow, cookie, STRING, ALWAYS, "Its cookie."),
    DESIRED(fabric_flow));

const struct schema_struct fabric_group_shown = SHOWN_KEPT(
    "FlowGroup", fabric_group,
    SHOWN_OF(fabric_group, group_id, U32, ALWAYS, "Its number."),
    SHOWN_OF(fabric_group, group, STRING, ALWAYS, "What it does."),
    DESIRED(fabric_group));

static const struct schema_struct contents = SHOWN_KEPT(
    "Contents", fabric_contents,
    SHOWN_OF(fabric_contents, actions, STRING, 0,
             "Of a flow: what it does."),
    SHOWN_OF(fabric_contents, cookie, STRING, 0, "Of a flow: its cookie."),
    SHOWN_OF(fabric_contents, reason, STRING, 0,
             "Of a flow that is desired: why it drops."),
    SHOWN_OF(fabric_contents, group, STRING, 0, "Of a group: what it does."),
    SHOWN_OF(fabric_contents, idle_timeout, INT, HIDE, "Seconds.",
             .def = -1),
    SHOWN_OF(fabric_contents, hard_timeout, INT, HIDE, "Seconds.",
             .def = -1));

static const struct schema_struct difference = SHOWN_KEPT(
    "difference", fabric_difference,
    SHOWN_OF(fabric_difference, kind, ENUM, ALWAYS, "How it differs.",
             SHOWN_NAMES("missing", "altered", "unknown", "rejected")),
    SHOWN_OF(fabric_difference, table, INT, HIDE, "Its table.", .def = -1),
    SHOWN_OF(fabric_difference, priority, INT, HIDE, "Its priority.",
             .def = -1),
    SHOWN_OF(fabric_difference, match, STRING, 0, "The match."),
    SHOWN_OF(fabric_difference, group_id, I64, HIDE,
             "Of a group: its number.", .def = -1),
    DESIRED(fabric_difference),
    SHOWN_STRUCT_OF(fabric_difference, desired, POINTER,
                    "What is desired.", &contents),
    SHOWN_STRUCT_OF(fabric_difference, installed, POINTER, "What is "
                                                           "installed.",
                    &contents),
    SHOWN_LIST_OF(fabric_difference, differs, n_differs, STRING, 0,
                  "`actions`, `cookie`, `group`, `timeouts`, `flags`, or, "
                  "where all of these read the same, `encoding`."));

const struct schema_struct fabric_audit_shown = SHOWN_KEPT(
    "Differences", fabric_audit_result,
    SHOWN_OF(fabric_audit_result, host, STRING, ALWAYS, "The host."),
    SHOWN_OF(fabric_audit_result, repairing, BOOL, ALWAYS,
             "Whether it is being repaired."),
    SHOWN_AUDIT(fabric_audit_result, found.,
                SHOWN_LIST_OF(fabric_audit_result, differences,
                              n_differences, STRUCT, ALWAYS,
                              "Those that match the filter.",
                              .nested = &difference)),
    SHOWN_OF(fabric_audit_result, matching, U64, ALWAYS,
             "How many these are in all."));

const struct schema_struct fabric_behind_shown = SHOWN_KEPT(
    "host", fabric_behind,
    SHOWN_OF(fabric_behind, host, STRING, ALWAYS, "The host."),
    SHOWN_OF(fabric_behind, state, STRING, ALWAYS, "As in its status."),
    SHOWN_OF(fabric_behind, reason, STRING, 0, "As in its status."),
    SHOWN_STRUCT_OF(fabric_behind, lag, ALWAYS, "By how much.",
                    &schema_lag));

const struct schema_struct fabric_rejected_host_shown = SHOWN_KEPT(
    "RejectedHost", fabric_rejected_host,
    SHOWN_OF(fabric_rejected_host, address, STRING, ALWAYS,
             "Where it came from."),
    SHOWN_OF(fabric_rejected_host, protocol, ENUM, ALWAYS,
             "The protocol of the connection.",
             SHOWN_NAMES("openflow", "ovsdb")),
    SHOWN_OF(fabric_rejected_host, reason, STRING, ALWAYS,
             "Why it was rejected."),
    SHOWN_OF(fabric_rejected_host, count, U64, ALWAYS, "How often."),
    SHOWN_OF(fabric_rejected_host, first, STRING, ALWAYS | TIME,
             "When, first,"),
    SHOWN_OF(fabric_rejected_host, last, STRING, ALWAYS | TIME,
             "and last."));

/* Receipts.  ------------------------------------------------------------- */

static const struct schema_struct receipt_host = SHOWN_KEPT(
    "host", fabric_receipt_host,
    SHOWN_OF(fabric_receipt_host, host, STRING, ALWAYS, "The host."),
    SHOWN_OF(fabric_receipt_host, state, ENUM, ALWAYS,
             "Whether it has installed the change.",
             SHOWN_NAMES("confirmed", "pending", "offline", "unheard",
                         "failed")),
    SHOWN_OF(fabric_receipt_host, time, STRING, ALWAYS | TIME | OR_NULL,
             "Since when; null: that is not known."),
    SHOWN_OF(fabric_receipt_host, reason, STRING, 0, "Why it has not."));

const struct schema_struct fabric_receipt_shown = SHOWN_KEPT(
    "Receipt", fabric_receipt,
    SHOWN_OF(fabric_receipt, revision, U64, ALWAYS,
             "The revision that it is of."),
    SHOWN_OF(fabric_receipt, recorded, BOOL, ALWAYS,
             "Whether it was recorded; if not, `hosts` are all hosts as they "
             "are now, and which flows changed is not known."),
    SHOWN_OF(fabric_receipt, installed, BOOL, ALWAYS,
             "Whether every host concerned has confirmed, and no app is "
             "late."),
    SHOWN_OF(fabric_receipt, late, STRING, 0,
             "An app whose process has not computed yet what follows from the "
             "revision; not for an account with a scope."),
    SHOWN_LIST_OF(fabric_receipt, hosts, n_hosts, STRUCT, ALWAYS,
                  "Each host concerned.", .nested = &receipt_host),
    SHOWN_LIST_OF(fabric_receipt, flows, n_flows, STRUCT, ALWAYS,
                  "The flows that changed, by app; none for an account with a "
                  "scope, as others' changes may be among them.",
                  .nested = &schema_app_flows));

/* For "fabric/receipts" of ovs-appctl. */
static const struct schema_struct receipt_incomplete = SHOWN_KEPT(
    "incomplete", receipt_incomplete,
    SHOWN_OF(receipt_incomplete, first_revision, U64, ALWAYS,
             "The first of a group of revisions,"),
    SHOWN_OF(receipt_incomplete, revision, U64, ALWAYS, "and last."),
    SHOWN_OF(receipt_incomplete, time, STRING, ALWAYS | TIME,
             "When they were made."),
    SHOWN_OF(receipt_incomplete, confirmed, U64, ALWAYS,
             "How many hosts have confirmed."),
    SHOWN_LIST_OF(receipt_incomplete, missing, n_missing, STRUCT, ALWAYS,
                  "The other hosts.", .nested = &receipt_host));

const struct schema_struct receipts_shown = SHOWN_KEPT(
    "receipts", receipts_status,
    SHOWN_OF(receipts_status, receipts, U64, ALWAYS,
             "How many are kept."),
    SHOWN_OF(receipts_status, first_revision, U64, ALWAYS,
             "The first revision that they are of."),
    SHOWN_OF(receipts_status, revision, U64, ALWAYS, "The last one."),
    SHOWN_OF(receipts_status, waits, U64, ALWAYS,
             "How many clients wait for one."),
    SHOWN_OF(receipts_status, n_incomplete, U64, ALWAYS,
             "How many hosts have yet to confirm."),
    SHOWN_LIST_OF(receipts_status, incomplete, n_listed, STRUCT, ALWAYS,
                  "The newest of these.", .nested = &receipt_incomplete));
