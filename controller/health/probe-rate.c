/* SPDX-License-Identifier: Apache-2.0
 *
 * See probe-rate.h. */

#include <config.h>

#include "controller/health/probe-rate.h"

#include <stdlib.h>

#include "util.h"

/* Hosts that are remembered; a host without probes for a second need not
 * be. */
#define HOSTS_MAX 4096

void
probe_rate_init(struct probe_rate *p, unsigned share)
{
    p->share = share;
    p->all_us = INT64_MIN;
    shash_init(&p->hosts);
}

void
probe_rate_uninit(struct probe_rate *p)
{
    shash_destroy_free_data(&p->hosts);
}

static void
forget_silent(struct probe_rate *p, int64_t now_us)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, &p->hosts) {
        if (*(int64_t *) node->data < now_us - 1000000) {
            free(node->data);
            shash_delete(&p->hosts, node);
        }
    }
}

static int64_t *
host_us(struct probe_rate *p, const char *host, int64_t now_us)
{
    int64_t *at = shash_find_data(&p->hosts, host);

    if (!at) {
        if (shash_count(&p->hosts) >= HOSTS_MAX) {
            forget_silent(p, now_us);
        }
        at = xmalloc(sizeof *at);
        *at = INT64_MIN;
        shash_add(&p->hosts, host, at);
    }
    return at;
}

/* Reserves a slot at 'rate' per second with bursts of 'burst'.  Returns when
 * it is, not before 'now_us'. */
static int64_t
take(int64_t *next_us, int64_t now_us, unsigned rate, unsigned burst)
{
    int64_t step = 1000000 / rate;
    int64_t turn = MAX(*next_us, now_us);

    *next_us = turn + step;
    return MAX(now_us, turn - step * (int64_t) (burst - 1));
}

int64_t
probe_rate_reserve(struct probe_rate *p, const char *host, int64_t now_us)
{
    int64_t of_host = take(host_us(p, host, now_us), now_us,
                           PROBE_RATE_HOST / p->share,
                           PROBE_RATE_HOST_BURST / p->share);
    int64_t of_all = take(&p->all_us, now_us, PROBE_RATE_TOTAL / p->share,
                          PROBE_RATE_TOTAL_BURST / p->share);

    return MAX(of_host, of_all);
}
