/* SPDX-License-Identifier: Apache-2.0
 *
 * What a switch has refused, and when that is mended.  What is left out of a
 * bundle because of it is told by dependency-filter.h, what a switch holds by
 * reconcile.c.
 *
 * Trouble is mended by reconciling: read all that the switch holds and send
 * the difference.  That tries what a bundle was refused for once more, with
 * all that it may need.  What is refused then is left out, and tried again
 * after a rest that doubles each time.
 *
 * A switch where each bundle fails is mended at most once a second, and takes
 * at most a tenth of its time for that; it rests where that does not help. */

#include <config.h>

#include "controller/fabric/session/switch.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/flow-format.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(faults);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 60);

#define REST_MIN_MS 1000
#define REST_MAX_MS (300 * 1000)

/* From the beginning of one mending to the next. */
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS (30 * 1000)

/* Each failed commit tells of one item that is refused.  So many of them, one
 * after the other, then it rests. */
#define MAX_TRIES 8

static void rest_cb(evutil_socket_t, short, void *sw);
static void pause_cb(evutil_socket_t, short, void *sw);

void
trouble_init(struct fabric_switch *sw)
{
    struct event_base *base = sw->host->fabric->base;

    hmap_init(&sw->refusals);
    sset_init(&sw->lacking);
    sw->rest = event_new(base, -1, 0, rest_cb, sw);
    sw->pause = event_new(base, -1, 0, pause_cb, sw);
    sw->mended_ms = -PAUSE_MIN_MS;
}

void
trouble_uninit(struct fabric_switch *sw)
{
    switch_clear_refusals(sw);
    hmap_destroy(&sw->refusals);
    sset_destroy(&sw->lacking);
    event_free(sw->rest);
    event_free(sw->pause);
}

/* Refusals.  ------------------------------------------------------------- */

static void
remove_refusal(struct fabric_switch *sw, struct refusal *refusal)
{
    hmap_remove(&sw->refusals, &refusal->node);
    free(refusal->key);
    free(refusal);
    sw->lacking_known = false;
}

void
switch_clear_refusals(struct fabric_switch *sw)
{
    struct refusal *refusal, *next;

    HMAP_FOR_EACH_SAFE (refusal, next, node, &sw->refusals) {
        remove_refusal(sw, refusal);
    }
    sw->n_gone = 0;
    sw->lacking_known = false;
}

static struct refusal *
find_refusal(const struct fabric_switch *sw, uint32_t xid)
{
    struct hmap_node *node = hmap_first_with_hash(&sw->refusals, xid);

    return node ? CONTAINER_OF(node, struct refusal, node) : NULL;
}

const struct refusal *
switch_find_refusal(const struct fabric_switch *sw, uint32_t xid)
{
    return find_refusal(sw, xid);
}

bool
switch_has_refused(const struct fabric_switch *sw, uint32_t xid)
{
    return switch_find_refusal(sw, xid) != NULL;
}

bool
switch_lacks_room(const struct fabric_switch *sw)
{
    const struct refusal *refusal;

    HMAP_FOR_EACH (refusal, node, &sw->refusals) {
        if (refusal->full) {
            return true;
        }
    }
    return false;
}

void
switch_name_refusal(struct fabric_switch *sw, uint32_t xid,
                    const struct ofp_header *oh)
{
    struct fabric *f = sw->host->fabric;
    const struct flow_item *item = engine_find_xid(f->engine, xid);

    f->stats.n_errors++;
    free(sw->trouble);
    if (item) {
        char *s = item_describe(f->engine, item);

        sw->trouble = xasprintf("%s was refused with %s", s,
                                ofmsg_error_name(oh));
        free(s);
    } else {
        sw->trouble = xasprintf("a message was refused with %s",
                                ofmsg_error_name(oh));
    }
    VLOG_WARN_RL(&rl, "%s: %s", sw->host->name, sw->trouble);
    fabric_host_changed(sw->host);
}

static void
add_refusal(struct fabric_switch *sw, const struct flow_item *item,
            bool full)
{
    struct refusal *refusal = find_refusal(sw, item->xid);

    if (!refusal) {
        refusal = xzalloc(sizeof *refusal);
        refusal->xid = item->xid;
        refusal->full = full;
        hmap_insert(&sw->refusals, &refusal->node, item->xid);
        sw->lacking_known = false;
        backlog_doubt(&sw->backlog, item);
    }
    if (refusal->gone) {        /* It was wanted, and sent, once more. */
        refusal->gone = false;
        sw->n_gone--;
    }
}

void
switch_note_refusal(struct fabric_switch *sw, uint32_t xid,
                    const struct ofp_header *oh)
{
    const struct flow_item *item = engine_find_xid(sw->host->fabric->engine,
                                                   xid);

    switch_name_refusal(sw, xid, oh);
    sw->partial = true;
    if (item) {
        add_refusal(sw, item, ofmsg_error_is_full(oh));
    }
}

void
switch_leave_out(struct fabric_switch *sw, const struct flow_item *item)
{
    sw->partial = true;
    add_refusal(sw, item, false);
}

/* Forgets those that are gone as of 'revision' at the latest. */
static void
remove_gone(struct fabric_switch *sw, uint64_t revision)
{
    struct refusal *refusal, *next;

    HMAP_FOR_EACH_SAFE (refusal, next, node, &sw->refusals) {
        if (refusal->gone && refusal->gone_in <= revision) {
            remove_refusal(sw, refusal);
            sw->n_gone--;
        }
    }
}

void
switch_drop_refusals(struct fabric_switch *sw)
{
    if (sw->n_gone) {
        remove_gone(sw, switch_acked(sw));
    }
}

/* Looks up whose item was refused. */
static void
name_key(const struct fabric_switch *sw, struct refusal *refusal)
{
    const struct engine *engine = sw->host->fabric->engine;
    const struct flow_item *item = engine_find_xid(engine, refusal->xid);
    const char *unit = item ? engine_item_owner(engine, item) : NULL;

    if (unit) {
        const char *slash = strchr(unit, '/');

        free(refusal->key);
        refusal->key = xstrdup(slash ? slash + 1 : "");
    }
}

void
switch_prune_refusals(struct fabric_switch *sw)
{
    const struct fabric *f = sw->host->fabric;
    struct refusal *refusal;

    if (hmap_is_empty(&sw->refusals) || sw->state == SWITCH_CHECKING) {
        return;
    }
    HMAP_FOR_EACH (refusal, node, &sw->refusals) {
        const struct flow_item *item = engine_find_xid(f->engine,
                                                       refusal->xid);

        if (!refusal->gone
            && (!item || send_find_wanted(f->engine, sw->host->name, item)
                != item)) {
            name_key(sw, refusal);
            refusal->gone = true;
            refusal->gone_in = f->last_revision;
            sw->n_gone++;
        }
    }
    if (sw->state == SWITCH_LIVE && sw->n_gone < hmap_count(&sw->refusals)) {
        switch_drop_refusals(sw);
        return;
    }
    /* What it holds is read, and it is frozen until that is right. */
    remove_gone(sw, UINT64_MAX);
    if (sw->state == SWITCH_LIVE) {
        /* Nothing that it refused is wanted any more: see that all is well
         * now rather than when the rest is over. */
        switch_mend(sw);
    }
}

/* The keys of the units that want, or wanted, what it lacks.  While a group is
 * under way that takes one of these units away, its name may not be known: it
 * may have to come back. */
static void
find_lacking(struct fabric_switch *sw)
{
    bool settled = commit_is_quiescent(sw->host->fabric->commit);
    struct refusal *refusal;

    sset_clear(&sw->lacking);
    sw->lacking_known = true;
    HMAP_FOR_EACH (refusal, node, &sw->refusals) {
        name_key(sw, refusal);
        if (refusal->key) {
            sset_add(&sw->lacking, refusal->key);
        } else if (!settled || refusal->gone) {
            sw->lacking_known = false;
        }
    }
}

bool
switch_serves(struct fabric_switch *sw, const char *key, uint64_t revision)
{
    if (switch_acked(sw) < revision) {
        return false;
    }
    if (sw->partial && sw->frozen) {
        return false;           /* What it lacks is not known now. */
    }
    if (!sw->lacking_known) {
        find_lacking(sw);
    }
    return sw->lacking_known && !sset_contains(&sw->lacking, key);
}

/* Resting.  -------------------------------------------------------------- */

void
switch_start_rest(struct fabric_switch *sw)
{
    struct timeval tv;

    sw->rest_ms = (sw->rest_ms ? MIN(2 * sw->rest_ms, REST_MAX_MS)
                   : REST_MIN_MS);
    tv.tv_sec = sw->rest_ms / 1000;
    tv.tv_usec = (sw->rest_ms % 1000) * 1000;
    event_add(sw->rest, &tv);
    sw->resting = true;
}

static void
rest_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *sw_)
{
    struct fabric_switch *sw = sw_;

    sw->resting = false;
    sw->n_tries = 0;
    if (sw->state == SWITCH_WAITING) {
        switch_clear_refusals(sw);
        switch_start(sw);
    } else if (sw->state == SWITCH_LIVE) {
        /* Another try for what was refused. */
        switch_clear_refusals(sw);
        reconcile_start(sw);
    }
}

/* Mending.  -------------------------------------------------------------- */

/* Sends it nothing until it is reconciled. */
static void
wait(struct fabric_switch *sw)
{
    switch_freeze(sw);
    audit_stop(sw, "it is being reconciled");
    sw->state = SWITCH_WAITING;
    fabric_host_changed(sw->host);
}

/* Reconciles a live switch: now, if it is not too soon. */
void
switch_mend(struct fabric_switch *sw)
{
    int64_t now = time_msec();
    int64_t ms = MAX(PAUSE_MIN_MS, MIN(10 * sw->read_ms, PAUSE_MAX_MS));

    ms -= now - sw->mended_ms;
    if (ms > 0) {
        const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

        wait(sw);
        event_add(sw->pause, &tv);
    } else {
        sw->mended_ms = now;
        reconcile_start(sw);
    }
}

static void
pause_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *sw_)
{
    struct fabric_switch *sw = sw_;

    if (sw->state == SWITCH_WAITING) {
        sw->mended_ms = time_msec();
        reconcile_start(sw);
    }
}

void
switch_try_again(struct fabric_switch *sw, bool learned)
{
    if (learned && ++sw->n_tries < MAX_TRIES) {
        reconcile_start(sw);
    } else {
        /* To leave out what is known to be refused would not help. */
        wait(sw);
        switch_start_rest(sw);
    }
}

bool
switch_is_pausing(const struct fabric_switch *sw)
{
    return sw->resting || event_pending(sw->pause, EV_TIMEOUT, NULL);
}

bool
switch_retry(struct fabric_switch *sw)
{
    if (sw->state != SWITCH_LIVE
        && (sw->state != SWITCH_WAITING || !sw->host->reported)) {
        return false;
    }
    event_del(sw->rest);
    event_del(sw->pause);
    sw->resting = false;
    switch_clear_refusals(sw);
    reconcile_start(sw);
    return true;
}
