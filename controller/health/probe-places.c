/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether what is on a host can be probed there, by this process, and for how
 * long it keeps its state if it cannot.  Part of health.c, which says when
 * that may have changed. */

#include <config.h>

#include "controller/health/health-private.h"

#include <stdlib.h>

#include "controller/fabric/fabric-status.h"
#include "controller/model/model.h"
#include "timeval.h"
#include "util.h"

/* Until this long after vmnd's start, in milliseconds, a host that has not
 * connected since is not taken as offline: all hosts reconnect in that time,
 * if they can. */
#define GRACE_MS (20 * 1000)

/* Returns true if the host's switch is connected, and notes since when it is
 * not. */
static bool
host_is_connected(struct health *h, const char *host)
{
    bool connected = fabric_host_is_connected(h->fabric, host);
    int64_t *away_us = shash_find_data(&h->seen_hosts, host);

    if (connected && !away_us) {
        away_us = xmalloc(sizeof *away_us);
        shash_add(&h->seen_hosts, host, away_us);
    }
    if (away_us) {
        *away_us = connected ? 0 : *away_us ? *away_us : time_usec();
    }
    return connected;
}

/* Sets until when a backend keeps its state, as its host's switch is not
 * connected. */
static void
set_away(const struct health *h, int64_t unheard_ms, struct prober_member *m)
{
    const int64_t *away_us = shash_find_data(&h->seen_hosts, m->host);
    int64_t keep_us = unheard_ms * 1000;

    if (fabric_host_switch_is_dead(h->fabric, m->host)) {
        m->out = "its host's switch does not run";
        return;
    }
    m->out = "its host is not connected";
    m->out_us = (away_us ? *away_us + keep_us
                 : h->started_us + MAX(keep_us, GRACE_MS * INT64_C(1000)));
}

const struct vmn_vif *
health_find_vif(const struct health *h, const char *port, const char *host)
{
    const struct vmn_port *row = model_get_durable(h->model, VMN_TABLE_PORT,
                                                   port, NULL);
    char *name = row ? xasprintf("%s/%s", host, row->iface_id) : NULL;
    const struct vmn_vif *vif = (name ? model_get_durable(
        h->model, VMN_TABLE_VIF, name, NULL) : NULL);

    free(name);
    return vif;
}

void
health_look_at_host(struct health *h, int64_t unheard_ms,
                    struct prober_member *m)
{
    const struct vmn_vif *vif = health_find_vif(h, m->port, m->host);

    if (!host_is_connected(h, m->host)) {
        set_away(h, unheard_ms, m);
        return;
    }
    if (!vif) {
        m->waits = true;        /* The binding will be removed, too. */
        return;
    }
    m->ofport = vif->ofport;
    if (!vif->link_up) {
        m->out = "its link is down";
    }
}
