/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/usage: the usage of quotas.  The same for /metrics, and problems for
 * GET /v1/status where a limit is exceeded.  An account with a scope sees the
 * quotas that count all of its objects. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <inttypes.h>
#include <stdlib.h>

#include "controller/northbound/auth.h"
#include "controller/northbound/metrics.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/selector.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Quotas that have metrics of their own. */
#define SERIES_MAX 100

/* Called with a limit's name, as in the quota, the current usage, and the
 * maximum (-1: unlimited).  For flows, 'host' is the host that has most;
 * otherwise, or if there are none, it is NULL. */
typedef void limit_cb(void *aux, const char *name, int64_t used, int64_t max,
                      const char *host);

struct each_limit {
    limit_cb *cb;
    void *aux;
};

static void
call_limit(void *each_, const char *name, int64_t used, int64_t max)
{
    const struct each_limit *each = each_;

    each->cb(each->aux, name, used, max, NULL);
}

/* Flows are counted only for quotas that limit them. */
static void
each_limit(const struct northbound *nb, const struct vmn_quota *quota,
           limit_cb *cb, void *aux)
{
    struct each_limit each = { cb, aux };
    const char *host;
    uint64_t n;

    model_quota_each(nb->model, quota, call_limit, &each);
    cb(aux, "flows", engine_quota_kept(nb->engine, quota->row.name),
       quota->flows, NULL);
    if (quota->flows_per_host >= 0
        && engine_quota_flows(nb->engine, quota->row.name, &host, &n)) {
        cb(aux, "flows_per_host", n, quota->flows_per_host, host);
    }
}

/* What GET /v1/usage says of a quota, while it is filled in. */
struct limits {
    struct nb_usage_quota *quota;
    size_t allocated;
    struct arena *arena;
};

static void
add_limit(void *limits_, const char *name, int64_t used, int64_t max,
          const char *host)
{
    struct limits *limits = limits_;
    struct nb_usage_quota *quota = limits->quota;

    if (quota->n_limits >= limits->allocated) {
        quota->limits = x2nrealloc(quota->limits, &limits->allocated,
                                   sizeof *quota->limits);
    }
    quota->limits[quota->n_limits++] = (struct nb_usage_limit) {
        .name = name, .used = used, .limit = MAX(max, -1),
        .host = host ? arena_strdup(limits->arena, host) : NULL,
        .exceeded = max >= 0 && used > max,
    };
}

static bool
is_shown(const struct model_rights *rights, const struct vmn_quota *quota)
{
    return (!rights || !rights->scope.text
            || selector_is_within(&rights->scope, &quota->scope));
}

/* What GET /v1/usage replies, while it is filled in. */
struct usage {
    struct nb_reply_usage reply;
    size_t allocated;
    struct arena arena;
};

static void
add_quota(struct usage *usage, const struct northbound *nb,
          const struct vmn_quota *quota)
{
    struct nb_reply_usage *reply = &usage->reply;
    struct nb_usage_quota item = {
        .quota = arena_strdup(&usage->arena, quota->row.name),
        .scope = quota->scope.text, .requests = MAX(quota->requests, -1),
    };
    struct limits limits = { &item, 0, &usage->arena };

    each_limit(nb, quota, add_limit, &limits);
    if (reply->n_items >= usage->allocated) {
        reply->items = x2nrealloc(reply->items, &usage->allocated,
                                  sizeof *reply->items);
    }
    reply->items[reply->n_items++] = item;
}

/* Adds the default limits of accounts that no quota binds. */
static void
add_accounts(struct usage *usage, const struct northbound *nb,
             const struct model_rights *rights)
{
    const struct vmn_account *account = NULL;
    char name[MODEL_DEFAULT_QUOTA_SIZE];
    struct vmn_quota quota;

    while ((account = model_next_durable(nb->model, VMN_TABLE_ACCOUNT,
                                         account ? account->row.name : "",
                                         NULL))) {
        if ((!rights || !rights->scope.text
             || model_rights_are_of(rights, account))
            && model_default_quota(nb->model, account, &quota, name)) {
            add_quota(usage, nb, &quota);
        }
    }
}

static void
get_usage(struct http_request *req, struct northbound *nb)
{
    const struct model_rights *rights = nb_rights(req);
    struct usage usage = { .allocated = 0 };
    struct nb_reply_usage *reply = &usage.reply;
    const struct vmn_quota *quota = NULL;

    arena_init(&usage.arena);
    while ((quota = model_next_durable(nb->model, VMN_TABLE_QUOTA,
                                       quota ? quota->row.name : "",
                                       NULL))) {
        if (is_shown(rights, quota)) {
            add_quota(&usage, nb, quota);
        }
    }
    add_accounts(&usage, nb, rights);
    nb_reply_struct(req, &nb_reply_usage, reply);
    for (size_t i = 0; i < reply->n_items; i++) {
        free(reply->items[i].limits);
    }
    free(reply->items);
    arena_uninit(&usage.arena);
}

void
nb_get_usage(struct http_request *req, void *nb)
{
    nb_unless_trying(nb, req, get_usage);
}

/* Problems.  -------------------------------------------------------------- */

struct over {
    struct nb_problems *problems;
    const char *quota;
};

static void
add_problem(void *over_, const char *name, int64_t used, int64_t max,
            const char *host)
{
    const struct over *over = over_;

    if (max >= 0 && used > max) {
        nb_problems_add(over->problems, "quota",
                        "quota \"%s\" exceeded: %"PRId64" of %"PRId64" %s "
                        "used%s%s%s", over->quota, used, max, name,
                        host ? ", on host \"" : "", host ? host : "",
                        host ? "\"" : "");
    }
}

void
nb_add_quota_problems(const struct northbound *nb,
                      struct nb_problems *problems)
{
    const struct vmn_quota *quota = NULL;

    while ((quota = model_next_durable(nb->model, VMN_TABLE_QUOTA,
                                       quota ? quota->row.name : "",
                                       NULL))) {
        struct over over = { problems, quota->row.name };

        each_limit(nb, quota, add_problem, &over);
    }
}

/* Metrics.  --------------------------------------------------------------- */

struct series {
    struct ds *ds;
    const char *family;
    const char *quota;
    bool limits;                /* Or the usage. */
};

static void
put_limit(void *series_, const char *name, int64_t used, int64_t max,
          const char *host OVS_UNUSED)
{
    const struct series *series = series_;
    int64_t value = series->limits ? max : used;

    if (max >= 0) {
        ds_put_format(series->ds, "%s{quota=", series->family);
        metrics_label(series->ds, series->quota);
        ds_put_format(series->ds, ",limit=\"%s\"} %"PRId64"\n", name, value);
    }
}

static void
put_family(const struct northbound *nb, struct series *series)
{
    const struct vmn_quota *quota = NULL;

    for (int i = 0; i < SERIES_MAX; i++) {
        quota = model_next_durable(nb->model, VMN_TABLE_QUOTA,
                                   quota ? quota->row.name : "", NULL);
        if (!quota) {
            return;
        }
        series->quota = quota->row.name;
        each_limit(nb, quota, put_limit, series);
    }
}

void
metrics_append_usage(const struct northbound *nb, struct ds *ds)
{
    struct series used = { ds, "vmn_quota_used", NULL, false };
    struct series limit = { ds, "vmn_quota_limit", NULL, true };

    metrics_family(ds, used.family, "gauge",
                   "Usage of the limits of the first 100 quotas; of "
                   "flows_per_host, on the host with most.");
    put_family(nb, &used);
    metrics_family(ds, limit.family, "gauge",
                   "Limits of the first 100 quotas.");
    put_family(nb, &limit);
}
