/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptions of the API's calls: purpose, parameters, bodies and replies,
 * for documentation and client generators.  Each row of the table of routes
 * (northbound.c) refers to one.  From them come the list of query parameters
 * that a route accepts, GET /v1/openapi.json (openapi.c), and the list of
 * calls in docs/api.md (api-doc.c).  Not for other rooms. */

#ifndef CONTROLLER_NORTHBOUND_OPENAPI_OPERATIONS_H
#define CONTROLLER_NORTHBOUND_OPENAPI_OPERATIONS_H 1

#include "controller/schema/schema.h"

/* Statuses that a call may have besides 200, 400, 401 and, if it has a body,
 * 408, 413 and 415. */
enum {
    NB_404 = 1 << 0,
    NB_409 = 1 << 1,
    NB_412 = 1 << 2,
    NB_413 = 1 << 3,
    NB_503 = 1 << 4,
    NB_202 = 1 << 5,            /* A change was not installed in time. */
    NB_422 = 1 << 6,            /* A key is that of another change. */
};

/* What determines the bodies: the operation, or the type of object. */
enum nb_operation_kind {
    NB_CALL,                    /* Calls that belong to no type: 'body' and
                                 * 'replies'. */
    NB_LIST,
    NB_GET,
    NB_PUT,
    NB_PATCH,
    NB_DELETE,
};

struct nb_operation {
    enum nb_operation_kind kind;
    /* The operationId, such as "getStatus"; for calls of a type, its prefix,
     * before "Port" or "Ports". */
    const char *id;
    const char *summary;        /* A sentence without final period.  For calls
                                 * of a type, "%s" is "ports" or "a port". */
    const char *section;        /* Anchor in docs/api.md, or NULL. */
    const struct schema_field *params; /* Query parameters; NULL: none. */
    const struct schema_field *headers; /* Request headers; NULL: none. */
    const struct schema_struct *body; /* NULL: none, or as 'kind' says. */
    const char *example;        /* Of the body. */
    /* Schemas of the reply of status 200: one of these.  NULL: none, or as
     * 'kind' says. */
    const struct schema_struct *replies[2];
    /* Media type if the reply is not JSON, or is a stream: 'replies' then
     * describe its elements.  Or NULL. */
    const char *media;
    unsigned statuses;          /* NB_404 and so on. */
};

/* openapi-operations.c */
extern const struct nb_operation nb_operation_health, nb_operation_ready;
extern const struct nb_operation nb_operation_page, nb_operation_page_file;
extern const struct nb_operation nb_operation_metrics, nb_operation_index;
extern const struct nb_operation nb_operation_openapi;
extern const struct nb_operation nb_operation_status, nb_operation_summary;
extern const struct nb_operation nb_operation_cluster, nb_operation_transfer;
extern const struct nb_operation nb_operation_remove_member;
extern const struct nb_operation nb_operation_backup;
extern const struct nb_operation nb_operation_apply, nb_operation_trace,
    nb_operation_live_trace;
extern const struct nb_operation nb_operation_reachability,
    nb_operation_reach_change, nb_operation_open_services;
extern const struct nb_operation nb_operation_recommendations;
extern const struct nb_operation nb_operation_revisions, nb_operation_revision;
extern const struct nb_operation nb_operation_undo, nb_operation_apply_draft,
    nb_operation_draft_effects;
extern const struct nb_operation nb_operation_load_app;
extern const struct nb_operation nb_operation_unload_app;
extern const struct nb_operation nb_operation_app_logs;
extern const struct nb_operation nb_operation_activity, nb_operation_events;
extern const struct nb_operation nb_operation_packets;
extern const struct nb_operation nb_operation_drops, nb_operation_logs;
extern const struct nb_operation nb_operation_traffic, nb_operation_placement;
extern const struct nb_operation nb_operation_identities, nb_operation_usage;
extern const struct nb_operation nb_operation_rejected_hosts;
extern const struct nb_operation nb_operation_paths;
extern const struct nb_operation nb_operation_flows, nb_operation_audit;
extern const struct nb_operation nb_operation_port_policies,
    nb_operation_list_ports;
extern const struct nb_operation nb_operation_list, nb_operation_get,
    nb_operation_put;
extern const struct nb_operation nb_operation_patch, nb_operation_delete;

/* The query parameter that all reads have which are authenticated. */
extern const struct schema_field nb_param_at_least[];

/* Metadata of an object.  openapi-types.c has the rest, by type. */
extern const struct schema_struct nb_reply_metadata;
/* Members of the reply to a change besides the object's, and of a reply to a
 * deletion. */
extern const struct schema_field nb_reply_change[];
extern const struct schema_struct nb_reply_deleted;
/* Problem details (RFC 9457). */
extern const struct schema_struct nb_reply_problem;
/* An object's type and name. */
extern const struct schema_struct nb_object_ref;
/* An object of any type, as POST /v1/apply takes it. */
extern const struct schema_struct nb_any_object, nb_any_operation;

/* openapi-replies.c, openapi-events.c, openapi-simulator.c */
extern const struct schema_struct nb_reply_health, nb_reply_ready;
extern const struct schema_struct nb_reply_index, nb_reply_status;
extern const struct schema_struct nb_reply_openapi, nb_reply_summary;
extern const struct schema_struct nb_reply_applied;
extern const struct schema_struct nb_reply_revisions, nb_reply_revision;
extern const struct schema_struct nb_reply_activity, nb_reply_events;
extern const struct schema_struct nb_reply_drops, nb_reply_logs;
extern const struct schema_struct nb_reply_identities, nb_reply_app_logs;
extern const struct schema_struct nb_reply_traffic, nb_reply_placement;
extern const struct schema_struct nb_reply_usage, nb_reply_rejected;
extern const struct schema_struct nb_reply_paths;
extern const struct schema_struct nb_reply_flows;
extern const struct schema_struct nb_body_trace, nb_reply_trace,
    nb_body_live_trace, nb_reply_live_trace;
extern const struct schema_struct nb_reply_matrix, nb_reply_groups;
extern const struct schema_struct nb_body_after, nb_reply_reach_change;
extern const struct schema_struct nb_reply_effects;
extern const struct schema_struct nb_reply_open_services;
extern const struct schema_struct nb_body_apply, nb_body_app_code;
extern const struct schema_struct nb_reply_recommendations;
extern const struct schema_struct nb_reply_port_policies;

/* openapi.c */

/* Returns the summary of a call, for objects of 'table' (or NULL).  The caller
 * frees it. */
char *nb_operation_sentence(const struct nb_operation *,
                            const struct schema_table *);

#endif /* controller/northbound/openapi-operations.h */
