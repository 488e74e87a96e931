/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow mods, group mods and bundles, as Open vSwitch does them: a message that
 * is refused when it is added to a bundle gets its error, and the commit goes
 * on with the rest; a commit does all or nothing. */

#include <config.h>

#include "tests/bench/swarm/swarm.h"

#include <string.h>

#include "byte-order.h"
#include "openflow/openflow-1.1.h"
#include "openflow/openflow-1.4.h"
#include "openflow/openflow-1.5.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-msgs.h"
#include "timeval.h"
#include "util.h"

#define TYPE_FLOW_MOD 14
#define TYPE_GROUP_MOD 15

/* Applying.  ------------------------------------------------------------- */

/* What a commit has done so far. */
struct journal {
    struct host *host;
    const struct of_conn *by;   /* Who commits, or NULL. */
    ovs_be32 xid;
    struct undo *done;
    size_t n, allocated;
};

static void
count_body(struct host *host, const struct body *body, int sign)
{
    if (body && !body->is_group) {
        host->n_in_table[body_table(body)] += sign;
        host->n_group_users += body->uses_groups ? sign : 0;
    }
}

/* Puts 'put', if any, in and takes out what has the key of 'key'. */
static void
change(struct journal *j, struct table *table, struct body *put,
       const struct body *key)
{
    struct body *taken = put ? table_put(table, put) : table_take(table, key);

    if (j->n >= j->allocated) {
        j->done = x2nrealloc(j->done, &j->allocated, sizeof *j->done);
    }
    j->done[j->n++] = (struct undo) { table, taken, put };
    count_body(j->host, put, 1);
    count_body(j->host, taken, -1);
}

static void
journal_finish(struct journal *j, bool keep)
{
    struct store *store = &j->host->swarm->store;

    if (keep) {
        monitor_report(j->host, j->done, j->n, j->by, j->xid);
    }
    while (j->n > 0) {
        struct undo *u = &j->done[--j->n];

        if (keep) {
            body_unref(store, u->taken);
            continue;
        }
        count_body(j->host, u->put, -1);
        count_body(j->host, u->taken, 1);
        if (u->taken) {
            table_put(u->table, u->taken);
        } else if (u->put) {
            table_take(u->table, u->put);
        }
        body_unref(store, u->put);
    }
    free(j->done);
}

static bool
group_exists(void *host_, uint32_t group_id)
{
    const struct host *host = host_;
    struct body *group;
    size_t i;

    TABLE_FOR_EACH (group, i, &host->groups) {
        if (body_group_id(group) == group_id) {
            return true;
        }
    }
    return false;
}

/* Removes all flows that name the group, as its deletion does. */
static void
delete_users(struct journal *j, uint32_t group_id)
{
    struct host *host = j->host;
    struct body *body, **found = NULL;
    size_t n = 0, allocated = 0, i;

    if (!host->n_group_users) {
        return;
    }
    TABLE_FOR_EACH (body, i, &host->flows) {
        if (body_names_group(body, group_id)) {
            if (n >= allocated) {
                found = x2nrealloc(found, &allocated, sizeof *found);
            }
            found[n++] = body;
        }
    }
    for (i = 0; i < n; i++) {
        change(j, &host->flows, NULL, found[i]);
    }
    free(found);
}

/* Whether there is no room for a flow; one that replaces another needs
 * none. */
static bool
is_full(struct host *host, const struct body *body)
{
    uint8_t table = body_table(body);

    if (swarm_is_own_table(table) || table_find(&host->flows, body)) {
        return false;
    }
    if (host->full_in && !--host->full_in) {
        return true;
    }
    return (host->max_in_table
            && host->n_in_table[table] >= host->max_in_table[table]);
}

static enum ofperr
apply_flow_mod(struct journal *j, const struct ofp_header *oh)
{
    const struct ofp11_flow_mod *fm = (const void *) (oh + 1);
    struct host *host = j->host;
    struct body *body = body_from_message(&host->swarm->store, oh);
    const struct body *old;

    if (!body) {
        return OFPERR_OFPBRC_BAD_LEN;
    }
    if (fm->command == OFPFC_ADD) {
        if (body->uses_groups && !body_each_group(body, group_exists, host)) {
            body_unref(&host->swarm->store, body);
            return OFPERR_OFPBAC_BAD_OUT_GROUP;
        }
        if (is_full(host, body)) {
            host->counters.refused++;
            body_unref(&host->swarm->store, body);
            return OFPERR_OFPFMFC_TABLE_FULL;
        }
        host->counters.flow_adds++;
        change(j, &host->flows, body, body);
        return 0;
    }
    host->counters.flow_deletes++;
    old = table_find(&host->flows, body);
    if (old && !((body_cookie(old) ^ ntohll(fm->cookie))
                 & ntohll(fm->cookie_mask))) {
        change(j, &host->flows, NULL, body);
    }
    body_unref(&host->swarm->store, body);
    return 0;
}

static void
delete_all_groups(struct journal *j)
{
    struct table *groups = &j->host->groups;

    while (groups->n) {
        struct body *group;
        size_t i;

        TABLE_FOR_EACH (group, i, groups) {
            delete_users(j, body_group_id(group));
            change(j, groups, NULL, group);
            break;
        }
    }
}

static enum ofperr
apply_group_mod(struct journal *j, const struct ofp_header *oh)
{
    const struct ofp15_group_mod *gm = (const void *) (oh + 1);
    struct host *host = j->host;
    uint16_t command = ntohs(gm->command);
    struct body *body = body_from_message(&host->swarm->store, oh);
    bool exists;

    if (!body) {
        return OFPERR_OFPBRC_BAD_LEN;
    }
    host->counters.group_mods++;
    exists = table_find(&host->groups, body) != NULL;
    if (command == OFPGC15_DELETE) {
        if (ntohl(gm->group_id) == OFPG_ALL) {
            delete_all_groups(j);
        } else if (exists) {
            delete_users(j, ntohl(gm->group_id));
            change(j, &host->groups, NULL, body);
        }
        body_unref(&host->swarm->store, body);
        return 0;
    }
    if (command == OFPGC15_ADD_OR_MOD
        || (command == OFPGC15_ADD && !exists)
        || (command == OFPGC15_MODIFY && exists)) {
        change(j, &host->groups, body, body);
        return 0;
    }
    body_unref(&host->swarm->store, body);
    return (command == OFPGC15_ADD ? OFPERR_OFPGMFC_GROUP_EXISTS
            : command == OFPGC15_MODIFY ? OFPERR_OFPGMFC_UNKNOWN_GROUP
            : OFPERR_OFPGMFC_BAD_COMMAND);
}

static enum ofperr
apply(struct journal *j, const struct ofp_header *oh)
{
    return (oh->type == TYPE_FLOW_MOD ? apply_flow_mod
            : apply_group_mod)(j, oh);
}

/* What Open vSwitch finds out before a commit. */
static enum ofperr
check(struct host *host, const struct ofp_header *oh)
{
    size_t size = ntohs(oh->length);

    if (oh->type == TYPE_FLOW_MOD) {
        const struct ofp11_flow_mod *fm = (const void *) (oh + 1);

        if (size < sizeof *oh + sizeof *fm + 8) {
            return OFPERR_OFPBRC_BAD_LEN;
        }
        if (fm->command != OFPFC_ADD && fm->command != OFPFC_DELETE_STRICT) {
            return OFPERR_OFPFMFC_BAD_COMMAND; /* Beyond this switch. */
        }
        if (fm->command == OFPFC_ADD && host->refuse_adds) {
            host->refuse_adds--;
            host->counters.refused++;
            return OFPERR_OFPBAC_BAD_TYPE;
        }
        if (fm->command == OFPFC_ADD && host->refuse_ports) {
            host->refuse_ports--;
            host->counters.refused++;
            return OFPERR_OFPBAC_BAD_OUT_PORT;
        }
        return 0;
    }
    if (oh->type != TYPE_GROUP_MOD) {
        return OFPERR_OFPBFC_MSG_UNSUP;
    }
    return (size < sizeof *oh + sizeof(struct ofp15_group_mod)
            ? OFPERR_OFPBRC_BAD_LEN : 0);
}

void
bundle_single(struct of_conn *conn, const struct ofp_header *oh)
{
    struct journal j = { .host = conn->host, .by = conn, .xid = oh->xid };
    enum ofperr error = check(conn->host, oh);

    if (!error) {
        error = apply(&j, oh);
        journal_finish(&j, !error);
    }
    if (!error) {
        writers_note(&conn->host->writers, conn->target, conn->epoch);
    }
    if (error) {
        switch_send_error(conn, error, oh);
    }
}

/* Bundles.  -------------------------------------------------------------- */

void
bundle_forget(struct of_conn *conn)
{
    conn->bundle_open = false;
    ofpbuf_uninit(&conn->bundle);
    ofpbuf_init(&conn->bundle, 0);
}

void
bundle_add(struct of_conn *conn, const struct ofp_header *oh)
{
    const struct ofp14_bundle_ctrl_msg *msg = (const void *) (oh + 1);
    const struct ofp_header *inner = (const void *) (msg + 1);
    size_t room = ntohs(oh->length);
    enum ofperr error;

    if (room < sizeof *oh + sizeof *msg + sizeof *inner
        || ntohs(inner->length) < sizeof *inner
        || ntohs(inner->length) > room - sizeof *oh - sizeof *msg) {
        switch_send_error(conn, OFPERR_OFPBRC_BAD_LEN, oh);
        return;
    }
    if (inner->xid != oh->xid) {
        switch_send_error(conn, OFPERR_OFPBFC_MSG_BAD_XID, oh);
        return;
    }
    if (conn->bundle_open && ntohl(msg->bundle_id) != conn->bundle_id) {
        switch_send_error(conn, OFPERR_OFPBFC_OUT_OF_BUNDLES, oh);
        return;
    }
    error = check(conn->host, inner);
    if (error) {
        switch_send_error(conn, error, oh);
        return;
    }
    conn->bundle_open = true;
    conn->bundle_id = ntohl(msg->bundle_id);
    /* Messages have any length, structs their alignment. */
    ofpbuf_put_zeros(&conn->bundle, PAD_SIZE(conn->bundle.size, 8));
    if (ofpbuf_tailroom(&conn->bundle) < ntohs(inner->length)) {
        /* By itself it would become larger bit by bit. */
        ofpbuf_prealloc_tailroom(&conn->bundle, MAX(ntohs(inner->length),
                                                    conn->bundle.size));
    }
    ofpbuf_put(&conn->bundle, inner, ntohs(inner->length));
}

/* Returns false after sending the error of a message if nothing came of it. */
static bool
bundle_commit(struct of_conn *conn, ovs_be32 xid)
{
    const uint8_t *p = conn->bundle.data;
    struct journal j = { .host = conn->host, .by = conn, .xid = xid };
    enum ofperr error = 0;
    size_t ofs = 0;

    while (ofs < conn->bundle.size && !error) {
        const struct ofp_header *oh = (const void *) (p + ofs);

        error = apply(&j, oh);
        if (error) {
            switch_send_error(conn, error, oh);
        }
        ofs = ROUND_UP(ofs + ntohs(oh->length), 8);
    }
    journal_finish(&j, !error);
    return !error;
}

static enum ofperr
bundle_end(struct of_conn *conn, struct ofputil_bundle_ctrl_msg *ctrl,
           ovs_be32 xid)
{
    struct host *host = conn->host;
    bool ok = true;

    if (!conn->bundle_open || ctrl->bundle_id != conn->bundle_id) {
        return OFPERR_OFPBFC_BAD_ID;
    }
    if (ctrl->type == OFPBCT_COMMIT_REQUEST) {
        host->counters.commits++;
        if (host->refuse_commits) {
            host->refuse_commits--;
            host->counters.refused++;
            ok = false;
        } else {
            ok = bundle_commit(conn, xid);
        }
        if (ok) {
            writers_note(&host->writers, conn->target, conn->epoch);
        }
        switch_tire(host);
        host->swarm->last_commit_us = time_usec();
        ctrl->type = OFPBCT_COMMIT_REPLY;
    } else {
        host->counters.discards++;
        ctrl->type = OFPBCT_DISCARD_REPLY;
    }
    bundle_forget(conn);
    return ok ? 0 : OFPERR_OFPBFC_MSG_FAILED;
}

void
bundle_control(struct of_conn *conn, const struct ofp_header *oh)
{
    struct ofputil_bundle_ctrl_msg ctrl;
    enum ofperr error = ofputil_decode_bundle_ctrl(oh, &ctrl);

    if (!error && ctrl.type == OFPBCT_OPEN_REQUEST) {
        if (conn->bundle_open) {
            error = OFPERR_OFPBFC_BAD_ID;
            bundle_forget(conn);
        } else {
            conn->bundle_open = true;
            conn->bundle_id = ctrl.bundle_id;
            ctrl.type = OFPBCT_OPEN_REPLY;
        }
    } else if (!error && (ctrl.type == OFPBCT_COMMIT_REQUEST
                          || ctrl.type == OFPBCT_DISCARD_REQUEST)) {
        error = bundle_end(conn, &ctrl, oh->xid);
    } else if (!error) {
        error = OFPERR_OFPBFC_BAD_TYPE;
    }
    if (conn->silent) {
        return;
    }
    if (error) {
        switch_send_error(conn, error, oh);
    } else {
        switch_send(conn, ofputil_encode_bundle_ctrl_reply(oh, &ctrl));
    }
}

bool
bundle_learn(struct host *host, const struct ofp_header *oh)
{
    struct journal j = { .host = host };
    bool ok = !apply_flow_mod(&j, oh);

    journal_finish(&j, ok);
    return ok;
}

/* Faults.  --------------------------------------------------------------- */

/* The first flows of the table, up to 'n': in the order of their hashes, so
 * any, but the same each time. */
static size_t
pick(const struct host *host, struct body **found, size_t n)
{
    struct body *body;
    size_t i, k = 0;

    TABLE_FOR_EACH (body, i, &host->flows) {
        if (k >= n) {
            break;
        }
        if (!swarm_is_own_table(body_table(body))) {
            found[k++] = body;
        }
    }
    return k;
}

static size_t
damage(struct host *host, size_t n, bool lose)
{
    struct journal j = { .host = host };
    struct body **found;

    n = MIN(n, host->flows.n);
    found = xcalloc(MAX(n, 1), sizeof *found);
    n = pick(host, found, n);
    for (size_t i = 0; i < n; i++) {
        struct body *put = (lose ? NULL
                            : body_spoil(&host->swarm->store, found[i]));

        change(&j, &host->flows, put, found[i]);
    }
    journal_finish(&j, true);
    free(found);
    return n;
}

size_t
bundle_lose(struct host *host, size_t n)
{
    return damage(host, n, true);
}

size_t
bundle_lose_groups(struct host *host, size_t n)
{
    struct journal j = { .host = host };
    size_t n_lost = 0;

    while (n_lost < n && host->groups.n) {
        struct body *group;
        size_t i;

        TABLE_FOR_EACH (group, i, &host->groups) {
            delete_users(&j, body_group_id(group));
            change(&j, &host->groups, NULL, group);
            n_lost++;
            break;
        }
    }
    journal_finish(&j, true);
    return n_lost;
}

size_t
bundle_spoil(struct host *host, size_t n)
{
    return damage(host, n, false);
}
