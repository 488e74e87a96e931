/* SPDX-License-Identifier: Apache-2.0
 *
 * What the calls are for, what they take and what they answer: what the table
 * of routes (northbound.c) says for people and for other programs.  From it
 * come the query parameters that a route takes, GET /v1/openapi.json
 * (openapi.c), and the calls in docs/api.md (api-doc.c).  Not for other rooms.
 */

#ifndef CONTROLLER_NORTHBOUND_OPENAPI_OPERATIONS_H
#define CONTROLLER_NORTHBOUND_OPENAPI_OPERATIONS_H 1

#include "controller/schema/schema.h"

/* What a call may answer besides 200, 400, 401 and, if it takes a body, 408,
 * 413 and 415. */
enum {
    NB_404 = 1 << 0,
    NB_409 = 1 << 1,
    NB_412 = 1 << 2,
    NB_413 = 1 << 3,
    NB_503 = 1 << 4,
    NB_202 = 1 << 5,            /* A change that is not installed in time. */
};

/* Whose bodies and replies follow from the type of object. */
enum nb_operation_kind {
    NB_CALL,                    /* No type's: as 'body' and 'replies' say. */
    NB_LIST,
    NB_GET,
    NB_PUT,
    NB_PATCH,
    NB_DELETE,
};

struct nb_operation {
    enum nb_operation_kind kind;
    /* A name for the call in programs, such as "getStatus"; of a type's, what
     * comes before "Port" or "Ports". */
    const char *id;
    const char *summary;        /* A sentence, without its last period.  Of a
                                 * type's, "%s" is "ports" or "a port". */
    const char *section;        /* Of docs/api.md: the anchor.  Or NULL. */
    const struct schema_field *params; /* Of the query; NULL: none. */
    const struct schema_field *headers; /* That it heeds; NULL: none. */
    const struct schema_struct *body; /* NULL: none, or as 'kind' says. */
    const char *example;        /* Of the body. */
    /* Of status 200: one of these.  NULL: none, or as 'kind' says. */
    const struct schema_struct *replies[2];
    /* Of a reply that is no JSON, or a stream of it: 'replies' then tell what
     * is in it.  Or NULL. */
    const char *media;
    unsigned statuses;          /* NB_404 and so on. */
};

/* openapi-operations.c */
extern const struct nb_operation nb_operation_health, nb_operation_ready;
extern const struct nb_operation nb_operation_page, nb_operation_page_file;
extern const struct nb_operation nb_operation_metrics, nb_operation_index;
extern const struct nb_operation nb_operation_openapi;
extern const struct nb_operation nb_operation_status, nb_operation_summary;
extern const struct nb_operation nb_operation_backup;
extern const struct nb_operation nb_operation_apply, nb_operation_trace;
extern const struct nb_operation nb_operation_reachability,
    nb_operation_reach_change;
extern const struct nb_operation nb_operation_recommendations;
extern const struct nb_operation nb_operation_revisions, nb_operation_revision;
extern const struct nb_operation nb_operation_activity, nb_operation_events;
extern const struct nb_operation nb_operation_drops, nb_operation_logs;
extern const struct nb_operation nb_operation_identities, nb_operation_usage;
extern const struct nb_operation nb_operation_flows, nb_operation_audit;
extern const struct nb_operation nb_operation_port_policies,
    nb_operation_list_ports;
extern const struct nb_operation nb_operation_list, nb_operation_get,
    nb_operation_put;
extern const struct nb_operation nb_operation_patch, nb_operation_delete;

/* Of all objects: openapi-types.c has one for each type besides. */
extern const struct schema_struct nb_reply_metadata;
/* What the reply to a change has besides the object, and to one that deletes
 * it. */
extern const struct schema_field nb_reply_change[];
extern const struct schema_struct nb_reply_deleted;
/* Of any change with ?dry_run=plan. */
/* RFC 9457. */
extern const struct schema_struct nb_reply_problem;
/* An object's type and name. */
extern const struct schema_struct nb_object_ref;
/* An object of any type, as POST /v1/apply takes it. */
extern const struct schema_struct nb_any_object, nb_any_operation;

/* openapi-replies.c, openapi-simulator.c */
extern const struct schema_struct nb_reply_health, nb_reply_ready;
extern const struct schema_struct nb_reply_index, nb_reply_status;
extern const struct schema_struct nb_reply_openapi, nb_reply_summary;
extern const struct schema_struct nb_reply_applied;
extern const struct schema_struct nb_reply_revisions, nb_reply_revision;
extern const struct schema_struct nb_reply_activity, nb_reply_events;
extern const struct schema_struct nb_reply_drops, nb_reply_logs;
extern const struct schema_struct nb_reply_identities;
extern const struct schema_struct nb_reply_usage;
extern const struct schema_struct nb_reply_flows;
extern const struct schema_struct nb_body_trace, nb_reply_trace;
extern const struct schema_struct nb_reply_matrix, nb_reply_groups;
extern const struct schema_struct nb_body_after, nb_reply_reach_change;
extern const struct schema_struct nb_body_apply;
extern const struct schema_struct nb_reply_recommendations;
extern const struct schema_struct nb_reply_port_policies;

/* openapi.c */

/* What a call is for, of objects of 'table' (or NULL).  The caller frees it. */
char *nb_operation_sentence(const struct nb_operation *,
                            const struct schema_table *);

#endif /* controller/northbound/openapi-operations.h */
