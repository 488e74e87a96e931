/* SPDX-License-Identifier: Apache-2.0
 *
 * See standby-watch.h.  A standby that serves and then fails, drains or is
 * bound nowhere has events of that; it still counts as serving here, until it
 * stands by. */

#include <config.h>

#include "controller/health/standby-watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "sset.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(standby_watch);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);

struct standby_watch {
    standby_watch_cb *cb;
    void *aux;
    struct shash serving;       /* By balancer: an owned struct sset of those
                                 * standbys that serve; none is empty. */
};

/* Returns the backend 'port' of 'members', which are sorted by port, or
 * NULL. */
static const struct vmn_lb_member *
find_member(const struct vmn_lb_member *members, size_t n, const char *port)
{
    size_t low = 0;

    while (low < n) {
        size_t mid = low + (n - low) / 2;
        int order = strcmp(port, members[mid].port);

        if (!order) {
            return &members[mid];
        } else if (order < 0) {
            n = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}

static void
tell_change(const struct standby_watch *watch,
            const struct vmn_loadbalancer *lb, const char *port, bool serves)
{
    char reason[64];

    if (!serves) {
        snprintf(reason, sizeof reason, "enough others serve");
    } else if (lb->min_serving == 1) {
        snprintf(reason, sizeof reason, "none of the others serves");
    } else {
        snprintf(reason, sizeof reason, "fewer than %u others serve",
                 (unsigned) lb->min_serving);
    }
    VLOG_INFO_RL(&rl, "loadbalancer %s: standby %s %s: %s", lb->row.name, port,
                 serves ? "serves" : "stands by", reason);
    watch->cb(watch->aux, lb->row.name, port, serves, reason);
}

/* Adds standby 'member' to 'now' if it serves.  'before' are those that did,
 * or NULL. */
static void
update_standby(const struct standby_watch *watch,
               const struct vmn_loadbalancer *lb,
               const struct vmn_lb_member *member, const struct sset *before,
               bool tell, struct sset *now)
{
    bool was = before && sset_contains(before, member->port);
    bool is = (member->state == VMN_LB_SERVING
               || (was && member->state != VMN_LB_STANDBY));

    if (is) {
        sset_add(now, member->port);
    }
    if (tell && is != was) {
        tell_change(watch, lb, member->port, is);
    }
}

static void
free_names(struct sset *names)
{
    if (names) {
        sset_destroy(names);
        free(names);
    }
}

void
standby_watch_update(struct standby_watch *watch, const char *name,
                     const struct vmn_loadbalancer *lb,
                     const struct vmn_lb_member *members, size_t n, bool tell)
{
    struct sset *before = shash_find_and_delete(&watch->serving, name);
    struct sset *now = xmalloc(sizeof *now);

    sset_init(now);
    for (size_t i = 0; lb && i < lb->n_backends; i++) {
        const struct vmn_lb_member *member
            = (lb->backends[i].standby
               ? find_member(members, n, lb->backends[i].port) : NULL);

        if (member) {
            update_standby(watch, lb, member, before, tell, now);
        }
    }
    free_names(before);
    if (sset_is_empty(now)) {
        free_names(now);
    } else {
        shash_add(&watch->serving, name, now);
    }
}

struct standby_watch *
standby_watch_create(standby_watch_cb *cb, void *aux)
{
    struct standby_watch *watch = xmalloc(sizeof *watch);

    watch->cb = cb;
    watch->aux = aux;
    shash_init(&watch->serving);
    return watch;
}

void
standby_watch_destroy(struct standby_watch *watch)
{
    struct shash_node *node;

    if (!watch) {
        return;
    }
    SHASH_FOR_EACH (node, &watch->serving) {
        free_names(node->data);
    }
    shash_destroy(&watch->serving);
    free(watch);
}
