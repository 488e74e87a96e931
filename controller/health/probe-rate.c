/* SPDX-License-Identifier: Apache-2.0
 *
 * See probe-rate.h. */

#include <config.h>

#include "controller/health/probe-rate.h"

#include <stdlib.h>

#include "hash.h"
#include "util.h"

/* Hosts that are remembered; a host without probes for a second need not
 * be. */
#define HOSTS_MAX 4096

struct probe_owner {
    struct hmap_node node;      /* In the lane's, by ID. */
    uint32_t id;
    int64_t next_us;            /* As of struct probe_lane. */
};

static void
lane_init(struct probe_lane *lane)
{
    lane->common_us = INT64_MIN;
    hmap_init(&lane->owners);
}

/* Forgets owners that have not probed since 'since_us'. */
static void
forget_owners(struct probe_lane *lane, int64_t since_us)
{
    struct probe_owner *owner, *next;

    HMAP_FOR_EACH_SAFE (owner, next, node, &lane->owners) {
        if (owner->next_us < since_us) {
            hmap_remove(&lane->owners, &owner->node);
            free(owner);
        }
    }
}

static void
lane_uninit(struct probe_lane *lane)
{
    forget_owners(lane, INT64_MAX);
    hmap_destroy(&lane->owners);
}

void
probe_rate_init(struct probe_rate *p, unsigned share)
{
    p->share = share;
    lane_init(&p->all);
    shash_init(&p->hosts);
}

static void
forget_host(struct probe_rate *p, struct shash_node *node)
{
    lane_uninit(node->data);
    free(node->data);
    shash_delete(&p->hosts, node);
}

void
probe_rate_uninit(struct probe_rate *p)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, &p->hosts) {
        forget_host(p, node);
    }
    shash_destroy(&p->hosts);
    lane_uninit(&p->all);
}

static void
forget_silent(struct probe_rate *p, int64_t now_us)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, &p->hosts) {
        struct probe_lane *lane = node->data;

        forget_owners(lane, now_us - 1000000);
        if (hmap_is_empty(&lane->owners)) {
            forget_host(p, node);
        }
    }
}

static struct probe_lane *
lane_of_host(struct probe_rate *p, const char *host, int64_t now_us)
{
    struct probe_lane *lane = shash_find_data(&p->hosts, host);

    if (!lane) {
        if (shash_count(&p->hosts) >= HOSTS_MAX) {
            forget_silent(p, now_us);
        }
        lane = xmalloc(sizeof *lane);
        lane_init(lane);
        shash_add(&p->hosts, host, lane);
    }
    return lane;
}

static struct probe_owner *
get_owner(struct probe_lane *lane, uint32_t id)
{
    struct probe_owner *owner;

    HMAP_FOR_EACH_WITH_HASH (owner, node, hash_int(id, 0), &lane->owners) {
        if (owner->id == id) {
            return owner;
        }
    }
    owner = xzalloc(sizeof *owner);
    owner->id = id;
    owner->next_us = INT64_MIN;
    hmap_insert(&lane->owners, &owner->node, hash_int(id, 0));
    return owner;
}

/* Returns when the next slot is, not before 'now_us', of a rate with a slot
 * each 'step_us' and bursts of 'burst'. */
static int64_t
next_slot(int64_t next_us, int64_t now_us, int64_t step_us, unsigned burst)
{
    return MAX(now_us, (MAX(next_us, now_us)
                        - step_us * (int64_t) (MAX(burst, 1) - 1)));
}

/* Reserves the owner's next slot at 'rate' per second with bursts of 'burst':
 * of its share, or of what all have in common if that is earlier. */
static int64_t
take(struct probe_lane *lane, uint32_t id, int64_t now_us, unsigned rate,
     unsigned burst)
{
    struct probe_owner *owner;
    int64_t step = 2 * 1000000 / rate, own_step, own, common;
    size_t n;

    forget_owners(lane, now_us - 1000000);
    owner = get_owner(lane, id);
    n = hmap_count(&lane->owners);
    own_step = step * (int64_t) n;
    own = next_slot(owner->next_us, now_us, own_step, burst / 2 / n);
    common = next_slot(lane->common_us, now_us, step, burst - burst / 2);
    if (own <= common) {
        owner->next_us = MAX(owner->next_us, now_us) + own_step;
        return own;
    }
    lane->common_us = MAX(lane->common_us, now_us) + step;
    return common;
}

int64_t
probe_rate_reserve(struct probe_rate *p, const char *host, uint32_t owner,
                   int64_t now_us)
{
    int64_t of_host = take(lane_of_host(p, host, now_us), owner, now_us,
                           PROBE_RATE_HOST / p->share,
                           PROBE_RATE_HOST_BURST / p->share);
    int64_t of_all = take(&p->all, owner, now_us,
                          PROBE_RATE_TOTAL / p->share,
                          PROBE_RATE_TOTAL_BURST / p->share);

    return MAX(of_host, of_all);
}
