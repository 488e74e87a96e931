/* SPDX-License-Identifier: Apache-2.0
 *
 * The flows of a host: those that it should have, formatted in steps, and how
 * the flows of its switch differ.  The latter waits for the switch; if the
 * client disconnects, the audit goes on without it. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-flows.h"
#include "controller/flow/pipeline.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Requests that may wait for an audit at a time. */
#define AUDIT_WAITS_MAX 16
/* Differences in a reply. */
#define DIFFERENCES_MAX 10000
#define DIFFERENCES_DEFAULT 1000

/* A request that waits for an audit. */
struct audit_wait {
    struct ovs_list node;           /* In northbound's 'audit_waits'. */
    struct northbound *nb;
    struct http_request *req;
    char *host;
};

/* Filters.  -------------------------------------------------------------- */

/* Returns true if 'name', "STAGE" or "APP.STAGE", is that stage. */
static bool
is_stage(const char *name, const struct pipeline_app *app,
         const struct pipeline_stage *stage)
{
    const char *dot = strchr(name, '.');
    size_t app_len = dot ? dot - name : 0;

    return (!strcmp(dot ? dot + 1 : name, stage->class_->name)
            && (!dot || (strlen(app->class_->name) == app_len
                         && !strncmp(name, app->class_->name, app_len))));
}

static bool
query_stage(struct http_request *req, const struct pipeline *pipeline,
            struct fabric_filter *filter)
{
    const char *name = http_request_query(req, "stage");
    int n = 0;

    for (size_t i = 0; name && i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            const struct pipeline_stage *stage = &app->stages[j];

            if (is_stage(name, app, stage)) {
                n++;
                filter->by_table = true;
                filter->first_table = stage->first_table;
                filter->last_table = (stage->first_table
                                      + stage->class_->n_tables - 1);
            }
        }
    }
    if (!name || n == 1) {
        return true;
    }
    return nb_query_reject(req, "stage", "%s", n
                           ? "is a stage of several apps: say APP.STAGE"
                           : "must be a stage of an app, as vmnctl apps "
                           "and GET /v1/apps name them");
}

static bool
query_table(struct http_request *req, struct fabric_filter *filter)
{
    uint64_t table;

    if (!http_request_query(req, "table")) {
        return true;
    }
    if (http_request_query(req, "stage")) {
        return nb_query_reject(req, "table", "cannot be combined with stage, "
                               "which has its own");
    }
    if (!nb_query_number(req, "table", 0, 254, 0, &table)) {
        return false;
    }
    filter->by_table = true;
    filter->first_table = filter->last_table = table;
    return true;
}

static bool
query_filter(struct http_request *req, const struct northbound *nb,
             struct fabric_filter *filter)
{
    const struct pipeline *pipeline = apphost_pipeline(nb->apphost);

    memset(filter, 0, sizeof *filter);
    filter->object = http_request_query(req, "object");
    if (filter->object && (!*filter->object
                           || strlen(filter->object) > 255)) {
        return nb_query_reject(req, "object", "must be the name of an "
                               "object, of at most 255 bytes");
    }
    return (nb_query_app(req, nb, &filter->app)
            && query_stage(req, pipeline, filter)
            && query_table(req, filter));
}

/* Differences.  ---------------------------------------------------------- */

static void
audit_wait_destroy(struct audit_wait *wait)
{
    ovs_list_remove(&wait->node);
    wait->nb->n_audit_waits--;
    free(wait->host);
    free(wait);
}

static void
reply_not_now(struct http_request *req, const char *host, const char *reason)
{
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 503, "unavailable", NULL,
                       "The flows of host \"%s\" cannot be compared now: %s",
                       host, reason);
}

static void
on_compared(void *wait_, const struct fabric_audit_result *result,
            const char *reason)
{
    struct audit_wait *wait = wait_;

    if (result) {
        nb_reply_struct(wait->req, &fabric_audit_shown, result);
    } else {
        reply_not_now(wait->req, wait->host, reason);
    }
    audit_wait_destroy(wait);
}

static void
on_gone(void *wait_)
{
    struct audit_wait *wait = wait_;

    fabric_audit_forget(wait->nb->fabric, on_compared, wait);
    http_request_drop(wait->req);
    audit_wait_destroy(wait);
}

static void
submit_audit(struct http_request *req, struct northbound *nb, const char *host,
             const struct fabric_audit_request *request)
{
    struct audit_wait *wait;
    const char *reason;

    if (nb->n_audit_waits >= AUDIT_WAITS_MAX) {
        http_reply_header(req, "Retry-After", "1");
        http_reply_problem(req, 503, "busy", NULL, "%d other flow dumps are "
                           "in progress", AUDIT_WAITS_MAX);
        return;
    }
    wait = xzalloc(sizeof *wait);
    reason = fabric_audit(nb->fabric, host, request, on_compared, wait);
    if (reason) {
        free(wait);
        reply_not_now(req, host, reason);
        return;
    }
    wait->nb = nb;
    wait->req = req;
    wait->host = xstrdup(host);
    ovs_list_push_back(&nb->audit_waits, &wait->node);
    nb->n_audit_waits++;
    http_request_set_close_cb(req, on_gone, wait);
}

/* Lists.  ---------------------------------------------------------------- */

/* Flows that are formatted in one iteration of the loop: about a
 * millisecond. */
#define SLICE_FLOWS_MAX 100

/* A list that is being formatted. */
struct listing {
    struct http_request *req;
    struct fabric_flows *flows;
    bool has_groups;                /* All groups are in the text. */
    struct ds body;
};

static void
listing_destroy(void *listing_)
{
    struct listing *listing = listing_;

    fabric_flows_destroy(listing->flows);
    ds_destroy(&listing->body);
    free(listing);
}

/* Appends the next group or flow, or the text between groups and flows.
 * Returns false at the end. */
static bool
put_next(struct listing *listing, struct arena *arena)
{
    struct ds *ds = &listing->body;
    struct fabric_group group;
    struct fabric_flow flow;
    bool first = ds_last(ds) == '[';

    if (!listing->has_groups) {
        if (fabric_flows_next_group(listing->flows, arena, &group)) {
            ds_put_cstr(ds, first ? "" : ",");
            schema_struct_print(&fabric_group_shown, &group, ds);
        } else {
            ds_put_cstr(ds, "],\"flows\":[");
            listing->has_groups = true;
        }
    } else if (fabric_flows_next_flow(listing->flows, arena, &flow)) {
        ds_put_cstr(ds, first ? "" : ",");
        schema_struct_print(&fabric_flow_shown, &flow, ds);
    } else {
        return false;
    }
    return true;
}

static bool
listing_read(void *listing)
{
    struct arena arena;
    bool more = true;

    arena_init(&arena);
    for (int i = 0; more && i < SLICE_FLOWS_MAX; i++) {
        more = put_next(listing, &arena);
    }
    arena_uninit(&arena);
    return !more;
}

static void
listing_reply(void *listing_)
{
    struct listing *listing = listing_;

    ds_put_cstr(&listing->body, "]}\n");
    http_reply_body(listing->req, 200, "application/json", &listing->body);
    ds_init(&listing->body);
}

static const struct nb_parts_class listing_class = {
    listing_read, listing_reply, listing_destroy,
};

static void
list_flows(struct http_request *req, struct northbound *nb, const char *host,
           const struct fabric_audit_request *request)
{
    struct listing *listing = xzalloc(sizeof *listing);
    struct nb_host_flows begin = { .host = host };

    listing->req = req;
    listing->flows = fabric_flows_create(nb->fabric, host, &request->filter,
                                         request->limit, &begin.n_flows,
                                         &begin.n_groups);
    ds_init(&listing->body);
    ds_put_char(&listing->body, '{');
    schema_struct_print_members(&nb_host_flows_begin, &begin,
                                &listing->body);
    ds_put_cstr(&listing->body, ",\"groups\":[");
    nb_reply_in_parts(nb, req, &listing_class, listing);
}

/* Calls.  ---------------------------------------------------------------- */

static bool
find_host(struct http_request *req, const struct northbound *nb,
          const char **name)
{
    *name = http_request_param(req, "name");
    if (model_get_durable(nb->model, VMN_TABLE_HOST, *name, NULL)) {
        return true;
    }
    nb_reply_no_object(nb, req, schema_tables[VMN_TABLE_HOST], *name);
    return false;
}

void
nb_get_flows(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    struct fabric_audit_request request = { .repair = false };
    uint64_t limit;
    const char *name;
    bool diff;

    if (!find_host(req, nb, &name)
        || !nb_query_bool(req, "diff", &diff)
        || !nb_query_limit(req, diff ? DIFFERENCES_MAX : INT32_MAX,
                           diff ? DIFFERENCES_DEFAULT : INT32_MAX, &limit)
        || !query_filter(req, nb, &request.filter)) {
        return;
    }
    request.limit = limit;
    if (!diff) {
        list_flows(req, nb, name, &request);
    } else {
        submit_audit(req, nb, name, &request);
    }
}

void
nb_post_audit(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    struct fabric_audit_request request = { .repair = true };
    uint64_t limit;
    const char *name;

    if (find_host(req, nb, &name)
        && nb_query_limit(req, DIFFERENCES_MAX, DIFFERENCES_DEFAULT, &limit)) {
        request.limit = limit;
        submit_audit(req, nb, name, &request);
    }
}
