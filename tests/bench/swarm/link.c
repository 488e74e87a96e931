/* SPDX-License-Identifier: Apache-2.0
 *
 * What is between a host and the members of a cluster, which is cut and joined
 * again in either direction.  Bytes that cannot pass wait, as TCP would send
 * them again; no connection is made meanwhile. */

#include <config.h>

#include "tests/bench/swarm/swarm.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <string.h>

#include "util.h"

struct link *
link_of_member(struct host *host, const char *name)
{
    for (size_t i = 0; i < host->swarm->n_members; i++) {
        if (!strcmp(host->swarm->members[i].name, name)) {
            return &host->links[i];
        }
    }
    return NULL;
}

struct link *
link_of_target(struct host *host, const char *target)
{
    for (size_t i = 0; i < host->swarm->n_members; i++) {
        if (!strcmp(host->swarm->members[i].target, target)) {
            return &host->links[i];
        }
    }
    return NULL;
}

void
link_set(struct host *host, struct link *link, bool cut_in, bool cut_out)
{
    link->cut_in = cut_in;
    link->cut_out = cut_out;
    switch_set_flow(host);
    server_set_flow(host);
}

void
link_set_flow(const struct link *link, struct bufferevent *bev, bool may_read)
{
    bool was_reading = bufferevent_get_enabled(bev) & EV_READ;

    if (!may_read) {
        bufferevent_disable(bev, EV_READ);
    } else if (!was_reading) {
        bufferevent_enable(bev, EV_READ);
        bufferevent_trigger(bev, EV_READ, 0);
    }
    if (link && link->cut_out) {
        bufferevent_disable(bev, EV_WRITE);
    } else {
        bufferevent_enable(bev, EV_WRITE);
    }
}
