/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources of loads; see load-sources.h. */

#include <config.h>

#include "controller/load-monitor/load-sources.h"

#include <stdlib.h>

#include "controller/engine/balancer-members.h"
#include "controller/engine/engine.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/model/model.h"
#include "sset.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* One host in so many may be away. */
#define AWAY_SHARE 10
/* What two readings of all hosts may take beyond their time. */
#define SLACK_MS 2000
/* How often it is found out which hosts are to be read often. */
#define OFTEN_LOOK_MS 30000

/* The balancer's backends, which the caller frees. */
static struct vmn_lb_member *
get_members(const struct load_sources *sources, const char *balancer,
            size_t *n)
{
    return engine_balancer_members(sources->engine, balancer, n);
}

static void
begin_cb(void *sources_, long long int now_ms)
{
    struct load_sources *sources = sources_;
    struct fabric_stats stats;
    bool all_there;

    fabric_get_stats(sources->fabric, &stats);
    all_there = (stats.n_connected
                 && stats.n_away * AWAY_SHARE <= stats.n_hosts);
    if (all_there && !sources->all_there) {
        sources->since_ms = now_ms;
    }
    sources->all_there = all_there;
    sources->whole = (all_there && now_ms - sources->since_ms
                      >= 2000LL * sources->count_s + SLACK_MS);
}

static enum load_sample_quality
rate_cb(void *sources_, const char *balancer, enum vmn_scale_metric metric,
        double *rate)
{
    const struct load_sources *sources = sources_;
    struct fabric_balancer_load load, *loads;
    size_t n;

    if (!sources->count_s) {
        return LOAD_NOTHING;
    }
    struct vmn_lb_member *members = get_members(sources, balancer, &n);
    loads = xcalloc(MAX(n, 1), sizeof *loads);
    fabric_balancer_load(sources->fabric, balancer, members, n, &load, loads);
    free(loads);
    free(members);
    *rate = (metric == VMN_SCALE_CONNECTIONS ? load.connections_per_s
             : metric == VMN_SCALE_PACKETS ? load.packets_per_s
             : load.bytes_per_s);
    return sources->whole ? LOAD_WHOLE : LOAD_PART;
}

static void
count_cb(void *sources_, const char *balancer, size_t *n_backends,
         size_t *n_serving)
{
    struct vmn_lb_member *members = get_members(sources_, balancer,
                                                n_backends);

    *n_serving = 0;
    for (size_t i = 0; i < *n_backends; i++) {
        *n_serving += members[i].state == VMN_LB_SERVING;
    }
    free(members);
}

/* Hosts with a port in one of 'networks'. */
static void
add_hosts(const struct model *model, const struct sset *networks,
          struct sset *hosts)
{
    const char *network;

    SSET_FOR_EACH (network, networks) {
        struct vmn_names ports = model_lookup(
            model, VMN_INDEX_PORT_BY_NETWORK, network);

        for (size_t i = 0; i < ports.n; i++) {
            const struct vmn_binding *binding = model_get_durable(
                model, VMN_TABLE_BINDING, ports.names[i], NULL);

            if (binding) {
                sset_add(hosts, binding->host);
            }
        }
    }
}

static void
end_cb(void *sources_, const struct sset *networks, long long int now_ms)
{
    struct sset hosts = SSET_INITIALIZER(&hosts);
    struct load_sources *sources = sources_;

    if (sources->count_s <= FABRIC_COUNT_OFTEN_S
        || (sset_is_empty(networks) ? !sources->often_ms
            : sources->often_ms
              && now_ms - sources->often_ms < OFTEN_LOOK_MS)) {
        return;
    }
    add_hosts(sources->model, networks, &hosts);
    fabric_count_often(sources->fabric, &hosts);
    sources->often_ms = sset_is_empty(networks) ? 0 : now_ms;
    sset_destroy(&hosts);
}

struct load_source
load_sources_as_source(struct load_sources *sources)
{
    return (struct load_source) {
        .begin = begin_cb, .rate = rate_cb, .count = count_cb,
        .end = end_cb, .aux = sources,
    };
}
