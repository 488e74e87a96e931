/* SPDX-License-Identifier: Apache-2.0
 *
 * Tracks what a switch has rejected, and schedules the repair.  What is left
 * out of a bundle because of it is decided in dependency-filter.h, what a
 * switch has installed in reconcile.c.
 *
 * A fault is repaired by reconciling: read all flows and groups of the switch
 * and send the difference.  That retries the rejected items, with everything
 * that they may depend on.  What is rejected again is left out, and retried
 * after a back-off that doubles each time.  A switch where each bundle fails
 * is repaired at most once a second, and for at most a tenth of its time; if
 * that does not help, it is backed off. */

#include <config.h>

#include "controller/fabric/session/rejected-items.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/flow-format.h"
#include "controller/fabric/session/reconcile.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(rejected_items);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 60);

#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS (300 * 1000)

/* Minimum interval from the start of one repair to the next. */
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS (30 * 1000)

/* Each failed commit reports one rejected item.  After this number of
 * consecutive failures the switch is backed off. */
#define MAX_TRIES 8

/* Refusals.  ------------------------------------------------------------- */

static void
remove_rejected(struct fabric_switch *sw, struct rejected_item *rejected)
{
    hmap_remove(&sw->rejected.items, &rejected->node);
    free(rejected->key);
    free(rejected);
    sw->rejected.dependents_known = false;
}

void
rejected_items_clear(struct fabric_switch *sw)
{
    struct rejected_item *rejected, *next;

    HMAP_FOR_EACH_SAFE (rejected, next, node, &sw->rejected.items) {
        remove_rejected(sw, rejected);
    }
    sw->rejected.n_gone = 0;
    sw->rejected.dependents_known = false;
}

void
rejected_items_set_text(struct fabric_switch *sw, const char *text)
{
    char *copy = xstrdup(text);

    free(sw->rejected.text);
    sw->rejected.text = copy;
}

void
rejected_items_set_name(struct fabric_switch *sw, uint32_t xid,
                        const struct ofp_header *oh)
{
    struct fabric *f = sw->host->fabric;
    const struct flow_item *item = engine_find_xid(f->engine, xid);
    char *what = (item ? item_describe(f->engine, item)
                  : xstrdup("a message"));

    f->stats.n_errors++;
    free(sw->rejected.text);
    sw->rejected.text = xasprintf("%s was rejected with %s", what,
                                ofmsg_error_name(oh));
    free(what);
    VLOG_WARN_RL(&rl, "%s: %s", sw->host->name, sw->rejected.text);
    fabric_host_changed(sw->host);
}

static void
add_rejected(struct fabric_switch *sw, const struct flow_item *item,
             bool full)
{
    struct rejected_item *rejected = switch_find_rejected(sw, item->xid);

    if (!rejected) {
        rejected = xzalloc(sizeof *rejected);
        rejected->xid = item->xid;
        rejected->full = full;
        hmap_insert(&sw->rejected.items, &rejected->node, item->xid);
        sw->rejected.dependents_known = false;
        backlog_doubt(&sw->bundles.backlog, item);
    }
    if (rejected->gone) {       /* It was desired again, and sent. */
        rejected->gone = false;
        sw->rejected.n_gone--;
    }
}

void
rejected_items_add(struct fabric_switch *sw, uint32_t xid,
                   const struct ofp_header *oh)
{
    const struct flow_item *item = engine_find_xid(sw->host->fabric->engine,
                                                   xid);

    rejected_items_set_name(sw, xid, oh);
    sw->rejected.partial = true;
    if (item) {
        add_rejected(sw, item, ofmsg_error_is_full(oh));
    }
}

void
rejected_items_leave_out(struct fabric_switch *sw,
                         const struct flow_item *item)
{
    sw->rejected.partial = true;
    add_rejected(sw, item, false);
}

/* Removes the items that are gone as of 'revision' or earlier. */
static void
remove_gone(struct fabric_switch *sw, uint64_t revision)
{
    struct rejected_item *rejected, *next;

    HMAP_FOR_EACH_SAFE (rejected, next, node, &sw->rejected.items) {
        if (rejected->gone && rejected->gone_in <= revision) {
            remove_rejected(sw, rejected);
            sw->rejected.n_gone--;
        }
    }
}

void
rejected_items_prune_acked(struct fabric_switch *sw)
{
    if (sw->rejected.n_gone) {
        remove_gone(sw, switch_acked(sw));
    }
}

/* Looks up the owners of rejected items. */
static void
name_key(const struct fabric_switch *sw, struct rejected_item *rejected)
{
    const struct engine *engine = sw->host->fabric->engine;
    const struct flow_item *item = engine_find_xid(engine, rejected->xid);
    const char *unit = item ? engine_item_owner(engine, item) : NULL;

    if (unit) {
        const char *slash = strchr(unit, '/');

        free(rejected->key);
        rejected->key = xstrdup(slash ? slash + 1 : "");
    }
}

void
rejected_items_prune(struct fabric_switch *sw)
{
    const struct fabric *f = sw->host->fabric;
    struct rejected_item *rejected;

    if (hmap_is_empty(&sw->rejected.items) || sw->state == SWITCH_CHECKING) {
        return;
    }
    HMAP_FOR_EACH (rejected, node, &sw->rejected.items) {
        const struct flow_item *item = engine_find_xid(f->engine,
                                                       rejected->xid);

        if (!rejected->gone
            && (!item
                || ofmessage_find_desired(f->engine, sw->host->name, item)
                   != item)) {
            name_key(sw, rejected);
            rejected->gone = true;
            rejected->gone_in = f->last_revision;
            sw->rejected.n_gone++;
        }
    }
    if (sw->state == SWITCH_LIVE
        && sw->rejected.n_gone < hmap_count(&sw->rejected.items)) {
        rejected_items_prune_acked(sw);
        return;
    }
    /* The switch is read, and 'acked' is frozen until it is reconciled. */
    remove_gone(sw, UINT64_MAX);
    if (sw->state == SWITCH_LIVE) {
        /* No rejected item is desired any more: reconcile now instead of when
         * the back-off ends. */
        rejected_items_repair(sw);
    }
}

/* Collects the keys of the units that want, or wanted, the missing items.
 * While a group is being applied that deletes one of these units, its key may
 * not be known: the unit may be restored. */
static void
find_dependents(struct fabric_switch *sw)
{
    bool settled = commit_is_quiescent(sw->host->fabric->commit);
    struct rejected_item *rejected;

    sset_clear(&sw->rejected.dependents);
    sw->rejected.dependents_known = true;
    HMAP_FOR_EACH (rejected, node, &sw->rejected.items) {
        name_key(sw, rejected);
        if (rejected->key) {
            sset_add(&sw->rejected.dependents, rejected->key);
        } else if (!settled || rejected->gone) {
            sw->rejected.dependents_known = false;
        }
    }
}

bool
rejected_items_served(struct fabric_switch *sw, const char *key,
                      uint64_t revision)
{
    if (switch_acked(sw) < revision) {
        return false;
    }
    if (sw->rejected.partial && sw->bundles.frozen) {
        return false;           /* What is missing is not known now. */
    }
    if (!sw->rejected.dependents_known) {
        find_dependents(sw);
    }
    return (sw->rejected.dependents_known
            && !sset_contains(&sw->rejected.dependents, key));
}

/* Backing off.  ---------------------------------------------------------- */

/* Backs off before the next retry, longer each time. */
static void
rejected_items_back_off(struct fabric_switch *sw)
{
    struct rejected_items *all = &sw->rejected;
    struct timeval tv;

    all->backoff_ms = (all->backoff_ms
                          ? MIN(2 * all->backoff_ms, BACKOFF_MAX_MS)
                          : BACKOFF_MIN_MS);
    tv.tv_sec = all->backoff_ms / 1000;
    tv.tv_usec = (all->backoff_ms % 1000) * 1000;
    event_add(all->backoff, &tv);
    all->backing_off = true;
}

/* Stops the timer. */
static void
stop_backing_off(struct fabric_switch *sw)
{
    event_del(sw->rejected.backoff);
    sw->rejected.backing_off = false;
}

static void
backoff_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *sw_)
{
    struct fabric_switch *sw = sw_;

    sw->rejected.backing_off = false;
    sw->rejected.n_tries = 0;
    if (sw->state == SWITCH_WAITING) {
        rejected_items_clear(sw);
        reconcile_start_if_ready(sw);
    } else if (sw->state == SWITCH_LIVE) {
        /* Retries what was rejected. */
        rejected_items_clear(sw);
        reconcile_start(sw);
    }
}

void
rejected_items_reconciled(struct fabric_switch *sw)
{
    struct rejected_items *all = &sw->rejected;

    all->n_tries = 0;
    if (hmap_is_empty(&all->items)) {
        all->partial = false;
        all->backoff_ms = 0;
        stop_backing_off(sw);
        free(all->text);
        all->text = NULL;
    } else if (!all->backing_off) {
        rejected_items_back_off(sw);
    }
}

/* Repair.  --------------------------------------------------------------- */

/* Sends nothing to the switch until it is reconciled. */
static void
wait(struct fabric_switch *sw)
{
    switch_reset(sw, SWITCH_WAITING, "it is being reconciled");
}

void
rejected_items_repair(struct fabric_switch *sw)
{
    int64_t now = time_msec();
    int64_t ms = MAX(PAUSE_MIN_MS,
                     MIN(10 * sw->rejected.read_ms, PAUSE_MAX_MS));

    ms -= now - sw->rejected.repaired_ms;
    if (ms > 0) {
        const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

        wait(sw);
        event_add(sw->rejected.pause, &tv);
    } else {
        sw->rejected.repaired_ms = now;
        reconcile_start(sw);
    }
}

static void
pause_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *sw_)
{
    struct fabric_switch *sw = sw_;

    if (sw->state == SWITCH_WAITING) {
        sw->rejected.repaired_ms = time_msec();
        reconcile_start(sw);
    }
}

void
rejected_items_try_again(struct fabric_switch *sw, bool learned)
{
    if (learned && ++sw->rejected.n_tries < MAX_TRIES) {
        reconcile_start(sw);
    } else {
        /* Leaving out what is known to be rejected would not help. */
        wait(sw);
        rejected_items_back_off(sw);
    }
}

bool
rejected_items_retry(struct fabric_switch *sw)
{
    if (sw->state != SWITCH_LIVE
        && (sw->state != SWITCH_WAITING
            || !fabric_host_has_report(sw->host))) {
        return false;
    }
    event_del(sw->rejected.pause);
    stop_backing_off(sw);
    rejected_items_clear(sw);
    reconcile_start(sw);
    return true;
}

/* As a part of the session.  --------------------------------------------- */

static void
init(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    struct event_base *base = sw->host->fabric->base;

    hmap_init(&sw->rejected.items);
    sset_init(&sw->rejected.dependents);
    sw->rejected.backoff = event_new(base, -1, 0, backoff_cb, sw);
    sw->rejected.pause = event_new(base, -1, 0, pause_cb, sw);
    sw->rejected.repaired_ms = -PAUSE_MIN_MS;
}

/* What it was before as its master does not matter. */
static void
observed(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    stop_backing_off(sw);
    sw->rejected.partial = false;
    free(sw->rejected.text);
    sw->rejected.text = NULL;
}

static void
disconnected(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    if (sw->state >= SWITCH_READING) {
        /* It was backing off before a retry of rejected items.  The next
         * connection retries them anyway. */
        stop_backing_off(sw);
    }
    event_del(sw->rejected.pause);
    sw->rejected.n_tries = 0;
    rejected_items_clear(sw);
}

static void
given_up(struct fabric_switch *sw, void *state OVS_UNUSED, const char *reason)
{
    rejected_items_set_text(sw, reason);
    rejected_items_back_off(sw);
}

/* Not a fault: the meter of a flow's limit existed already. */
static enum switch_message
message(struct fabric_switch *sw OVS_UNUSED, void *state OVS_UNUSED,
        enum ofptype type, const struct ofp_header *oh)
{
    return (type == OFPTYPE_ERROR && ofmsg_error_is_known_meter(oh)
            ? SWITCH_MESSAGE_ANSWER : SWITCH_MESSAGE_OTHER);
}

static void
destroy(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    rejected_items_clear(sw);
    hmap_destroy(&sw->rejected.items);
    sset_destroy(&sw->rejected.dependents);
    event_free(sw->rejected.backoff);
    event_free(sw->rejected.pause);
    free(sw->rejected.text);
}

const struct switch_part_class rejected_items_part = {
    .name = "rejected items",
    .init = init,
    .observed = observed,
    .disconnected = disconnected,
    .given_up = given_up,
    .destroy = destroy,
    .message = message,
};
