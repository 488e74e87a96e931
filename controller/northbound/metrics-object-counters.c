/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics of single objects: counters of policies, balancers and routers, with
 * a bounded number of series; see metrics.h.
 *
 * An object gets a series if there is room for one, and keeps it until it is
 * deleted.  A series sums up what was added since the last scrape, so it never
 * decreases: neither does "other", where objects come and go, nor that of a
 * policy that loses a rule. */

#include <config.h>

#include "controller/northbound/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-counters.h"
#include "controller/northbound/gateway-changes.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "util.h"

/* The label of objects without a series.  An object of that name never has
 * one. */
#define OTHER "other"

/* Counters of an object. */
#define N_FIGURES_MAX 3
struct figures {
    uint64_t n[N_FIGURES_MAX];
};

struct object {
    struct hmap_node node;
    char *name;                 /* Owned. */
    bool has_series;
    unsigned round;             /* The last scrape in which it existed. */
    struct figures seen;        /* Of the object, at the last scrape. */
    struct figures sum;         /* The value of its series. */
};

struct kind {
    enum vmn_table table;
    const char *label;
    const char *name[N_FIGURES_MAX]; /* NULL: it has fewer. */
    const char *help[N_FIGURES_MAX];
    const char *others_name, *others_help;
    /* Returns false for an object that counts nothing of the kind. */
    bool (*read)(const struct northbound *, const struct vmn_row *,
                 struct figures *);
};

static bool read_policy(const struct northbound *, const struct vmn_row *,
                        struct figures *);
static bool read_balancer(const struct northbound *, const struct vmn_row *,
                          struct figures *);
static bool read_router(const struct northbound *, const struct vmn_row *,
                        struct figures *);

static const struct kind kinds[] = {
    {
        .table = VMN_TABLE_POLICY,
        .label = "policy",
        .name = { "vmn_policy_packets_total", "vmn_policy_bytes_total" },
        .help = { "Packets decided by rules of the policy; of allowed "
                  "connections only those that opened them.", "Bytes of these "
                                                              "packets." },
        .others_name = "vmn_policies_other",
        .others_help = "Policies whose counters are aggregated as other.",
        .read = read_policy,
    }, {
        .table = VMN_TABLE_LOADBALANCER,
        .label = "loadbalancer",
        .name = { "vmn_loadbalancer_connection_attempts_total",
                  "vmn_loadbalancer_dropped_packets_total",
                  "vmn_loadbalancer_limited_packets_total" },
        .help = { "Packets that opened, or retried to open, a connection to a "
                  "backend.", "Packets to the virtual IP that were dropped, "
                  "except those over a client's limit.",
                  "Packets dropped because their client exceeded its limit of "
                  "connections." },
        .others_name = "vmn_loadbalancers_other",
        .others_help = "Balancers whose counters are aggregated as other.",
        .read = read_balancer,
    }, {
        .table = VMN_TABLE_ROUTER,
        .label = "router",
        .name = { "vmn_router_gateway_changes_total" },
        .help = { "How often another host became a router's gateway." },
        .others_name = "vmn_routers_other",
        .others_help = "Routers whose counters are aggregated as other.",
        .read = read_router,
    },
};
#define N_KINDS ARRAY_SIZE(kinds)

struct metrics_object_counters {
    struct objects {
        struct hmap by_name;    /* Of struct object. */
        size_t n_series;
        unsigned round;
        struct figures other;
    } of[N_KINDS];
};

struct metrics_object_counters *
metrics_object_counters_create(void)
{
    struct metrics_object_counters *all = xzalloc(sizeof *all);

    for (size_t i = 0; i < N_KINDS; i++) {
        hmap_init(&all->of[i].by_name);
    }
    return all;
}

static void
object_destroy(struct objects *objects, struct object *object)
{
    objects->n_series -= object->has_series;
    hmap_remove(&objects->by_name, &object->node);
    free(object->name);
    free(object);
}

void
metrics_object_counters_destroy(struct metrics_object_counters *all)
{
    if (!all) {
        return;
    }
    for (size_t i = 0; i < N_KINDS; i++) {
        struct object *object, *next;

        HMAP_FOR_EACH_SAFE (object, next, node, &all->of[i].by_name) {
            object_destroy(&all->of[i], object);
        }
        hmap_destroy(&all->of[i].by_name);
    }
    free(all);
}

/* Reading.  -------------------------------------------------------------- */

static bool
read_policy(const struct northbound *nb, const struct vmn_row *row,
            struct figures *figures)
{
    const struct vmn_policy *policy = (const struct vmn_policy *) row;
    size_t n = policy->n_rules;
    struct fabric_count *counts = xmalloc(MAX(n, 1) * sizeof *counts);
    struct fabric_count rest;

    if (fabric_rule_counts(nb->fabric, VMN_TABLE_POLICY, row->name, n, counts,
                           &rest)) {
        for (size_t i = 0; i < n; i++) {
            figures->n[0] += counts[i].packets;
            figures->n[1] += counts[i].bytes;
        }
    }
    free(counts);
    return true;
}

static bool
read_balancer(const struct northbound *nb, const struct vmn_row *row,
              struct figures *figures)
{
    struct fabric_balancer_load load;

    fabric_balancer_load(nb->fabric, row->name, NULL, 0, &load, NULL);
    figures->n[0] = load.connections;
    figures->n[1] = load.dropped;
    figures->n[2] = load.limited;
    return true;
}

static bool
read_router(const struct northbound *nb, const struct vmn_row *row,
            struct figures *figures)
{
    const struct vmn_router *router = (const struct vmn_router *) row;

    figures->n[0] = gateway_changes_of(nb->gateway_changes, row->name);
    return router->external.n_gateways > 0;
}

static struct object *
get_object(struct objects *objects, const char *name)
{
    uint32_t hash = hash_string(name, 0);
    struct object *object;

    HMAP_FOR_EACH_WITH_HASH (object, node, hash, &objects->by_name) {
        if (!strcmp(object->name, name)) {
            return object;
        }
    }
    object = xzalloc(sizeof *object);
    object->name = xstrdup(name);
    hmap_insert(&objects->by_name, &object->node, hash);
    return object;
}

/* Adds what the object has counted since the last scrape.  A decrease, as by a
 * rule that was deleted or a switch that was restarted, is ignored. */
static void
update(struct objects *objects, struct object *object,
       const struct figures *now)
{
    struct figures *sum;

    if (!object->has_series && objects->n_series < METRICS_SERIES_MAX
        && strcmp(object->name, OTHER)) {
        object->has_series = true;
        objects->n_series++;
    }
    sum = object->has_series ? &object->sum : &objects->other;
    for (int i = 0; i < N_FIGURES_MAX; i++) {
        if (now->n[i] > object->seen.n[i]) {
            sum->n[i] += now->n[i] - object->seen.n[i];
        }
        object->seen.n[i] = now->n[i];
    }
    object->round = objects->round;
}

static void
read_all(const struct northbound *nb, const struct kind *kind,
         struct objects *objects)
{
    struct vmn_names names = model_names(nb->model, kind->table);
    struct object *object, *next;

    objects->round++;
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_row *row = model_get_durable(
            nb->model, kind->table, names.names[i], NULL);
        struct figures now = { .n = { 0 } };

        if (row && kind->read(nb, row, &now)) {
            update(objects, get_object(objects, names.names[i]), &now);
        }
    }
    HMAP_FOR_EACH_SAFE (object, next, node, &objects->by_name) {
        if (object->round != objects->round) {
            object_destroy(objects, object);
        }
    }
}

/* Printing.  ------------------------------------------------------------- */

static int
compare_objects(const void *a_, const void *b_)
{
    const struct object *const *a = a_;
    const struct object *const *b = b_;

    return strcmp((*a)->name, (*b)->name);
}

static void
put_kind(const struct kind *kind, const struct objects *objects,
         struct ds *ds)
{
    const struct object *sorted[METRICS_SERIES_MAX], *object;
    size_t n = 0;

    HMAP_FOR_EACH (object, node, &objects->by_name) {
        if (object->has_series) {
            sorted[n++] = object;
        }
    }
    qsort(sorted, n, sizeof *sorted, compare_objects);
    for (int i = 0; i < N_FIGURES_MAX && kind->name[i]; i++) {
        metrics_family(ds, kind->name[i], "counter", kind->help[i]);
        for (size_t j = 0; j < n; j++) {
            ds_put_format(ds, "%s{%s=", kind->name[i], kind->label);
            metrics_label(ds, sorted[j]->name);
            ds_put_format(ds, "} %"PRIu64"\n", sorted[j]->sum.n[i]);
        }
        ds_put_format(ds, "%s{%s=\"" OTHER "\"} %"PRIu64"\n",
                      kind->name[i], kind->label, objects->other.n[i]);
    }
    metrics_family(ds, kind->others_name, "gauge", kind->others_help);
    ds_put_format(ds, "%s %"PRIuSIZE"\n", kind->others_name,
                  hmap_count(&objects->by_name) - objects->n_series);
}

void
metrics_append_objects(struct northbound *nb, struct ds *ds)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        read_all(nb, &kinds[i], &nb->object_counters->of[i]);
        put_kind(&kinds[i], &nb->object_counters->of[i], ds);
    }
}
