/* SPDX-License-Identifier: Apache-2.0
 *
 * Turns the contents of a host's database into observed state: which
 * interfaces have a VM's iface-id, and whether the bridge and its tunnel ports
 * are as required.
 *
 * A switch that restarts writes its interfaces' port numbers again, preferring
 * those in the database, so normally the restart is not visible.  What may be
 * visible is no number (not yet) or -1 (the device could not be opened, which
 * is permanent or repaired soon): the last number is then retained for a
 * while, unless another interface has it. */

#include <config.h>

#include "controller/fabric/ovsdb/host-report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "controller/fabric/ovsdb/host-checksums.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/host-ipsec.h"
#include "controller/fabric/ovsdb/host-provider.h"
#include "controller/fabric/ovsdb/host-queues.h"
#include "controller/fabric/ovsdb/host-trunk.h"
#include "controller/fabric/ovsdb/tunnel-ports.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "proto/text/quoted-text.h"
#include "util.h"
#include "vmn/types.h"
#include "vmn/vocabulary.h"

VLOG_DEFINE_THIS_MODULE(host_report);

/* OVSDB's port numbers are less. */
#define N_OFPORTS 65536

/* An interface that may be a VIF. */
struct candidate {
    const struct ovsdb_interface *iface;
    uint32_t ofport;            /* 0: none. */
    uint32_t tag_ofport;        /* Of a sub-port; else 0. */
    bool link_up;
    bool has_it;                /* It is the current VIF of its iface-id. */
};

/* Returns true if the iface-id is a name that the model accepts; others are
 * ignored. */
static bool
is_iface_id(const struct fabric_host_db *db,
            const struct ovsdb_interface *iface)
{
    const char *s = iface->iface_id;
    size_t len = strlen(s);

    if (s[0] == '@') {
        return host_provider_has(db, iface);
    }
    return len && len <= VMN_NAME_LEN
           && strspn(s, "abcdefghijklmnopqrstuvwxyz"
                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

/* Returns true if it is a patch port of vmnd's own to a physical network that
 * the host has no more, until the port is removed. */
static bool
is_former_patch(const struct ovsdb_interface *iface)
{
    return (iface->iface_id[0] == '@' && iface->owner
            && !strcmp(iface->owner, HOST_DB_OWNER));
}

static bool
is_iface_name(const char *s)
{
    size_t len = strlen(s);

    return len && len <= 80 && !strchr(s, ' ') && text_is_restricted(s);
}

bool
host_report_has_ofport(const struct fabric_host_db *db,
                       const struct ovsdb_snapshot *snapshot, uint32_t ofport)
{
    for (size_t i = 0; i < snapshot->n_interfaces; i++) {
        const struct ovsdb_interface *iface = &snapshot->interfaces[i];

        if (iface->ofport == (int64_t) ofport
            && !strcmp(iface->bridge, db->bridge)) {
            return true;
        }
    }
    return false;
}

/* Returns the port numbers that interfaces of the bridge have, as a bitmap,
 * which the caller frees: a host decides how many interfaces have lost theirs,
 * so none of these searches all others. */
static unsigned long *
used_ofports(const struct fabric_host_db *db,
             const struct ovsdb_snapshot *snapshot)
{
    unsigned long *used = bitmap_allocate(N_OFPORTS);

    for (size_t i = 0; i < snapshot->n_interfaces; i++) {
        const struct ovsdb_interface *iface = &snapshot->interfaces[i];

        if (iface->ofport > 0 && iface->ofport < N_OFPORTS
            && !strcmp(iface->bridge, db->bridge)) {
            bitmap_set1(used, iface->ofport);
        }
    }
    return used;
}

/* Returns the port number of 'iface', which has none now but had that of
 * 'last'; 0 if it counts as deleted.  Adds interfaces that count for a while
 * to 'retained'. */
static uint32_t
last_ofport(struct fabric_host_db *db, const unsigned long *used,
            const struct ovsdb_interface *iface,
            const struct observed_vif *last, struct shash *retained)
{
    int64_t now_ms = loop_now_ms(db->host->fabric->loop);
    struct retained_interface *hold;

    if (strcmp(last->iface, iface->name)
        || last->ofport >= N_OFPORTS || bitmap_is_set(used, last->ofport)) {
        return 0;
    }
    if (iface->ofport == 0) {
        return last->ofport;    /* The switch has not processed it yet. */
    }
    hold = shash_find_and_delete(&db->retained, iface->name);
    if (!hold) {
        hold = xmalloc(sizeof *hold);
        hold->until_ms = now_ms + db->host->fabric->retained_ms;
    }
    shash_add(retained, iface->name, hold);
    return now_ms < hold->until_ms ? last->ofport : 0;
}

static struct candidate
make_candidate(struct fabric_host_db *db,
               const struct ovsdb_snapshot *snapshot,
               const unsigned long *used, const struct ovsdb_interface *iface,
               struct shash *retained)
{
    const struct observed_vif *last
        = observed_host_find_vif(db->observed, iface->iface_id);
    struct candidate c = { .iface = iface };

    if (iface->ofport > 0) {
        c.ofport = iface->ofport;
    } else if (last) {
        c.ofport = last_ofport(db, used, iface, last, retained);
    }
    if (host_trunk_is_end(iface)) {
        /* Without the other end it receives nothing. */
        c.tag_ofport = host_trunk_tag(db, snapshot, iface);
        c.ofport = c.tag_ofport ? c.ofport : 0;
    }
    c.has_it = last && !strcmp(last->iface, iface->name);
    c.link_up = (iface->link == OVSDB_LINK_UNKNOWN ? last && last->link_up
                 : iface->link == OVSDB_LINK_UP);
    return c;
}

/* Compares by iface-id; among equal ones the preferred interface sorts first.
 * A second interface must not take the port from a running VM, so of those
 * that are up the current VIF is preferred.  After a restart there is none
 * yet: then the one that was added first. */
static int
compare_candidates(const void *a_, const void *b_)
{
    const struct candidate *a = a_;
    const struct candidate *b = b_;
    int cmp = strcmp(a->iface->iface_id, b->iface->iface_id);

    if (!cmp) {
        cmp = !a->ofport - !b->ofport;
    }
    if (!cmp) {
        cmp = b->link_up - a->link_up;
    }
    if (!cmp) {
        cmp = b->has_it - a->has_it;
    }
    if (!cmp && a->ofport != b->ofport) {
        cmp = a->ofport < b->ofport ? -1 : 1;
    }
    return cmp ? cmp : strcmp(a->iface->name, b->iface->name);
}

/* Returns all interfaces that may be VIFs, sorted.  The caller frees them. */
static struct candidate *
find_candidates(struct fabric_host_db *db,
                const struct ovsdb_snapshot *snapshot, size_t *n)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 10);
    struct candidate *candidates = xcalloc(MAX(snapshot->n_interfaces, 1),
                                           sizeof *candidates);
    struct shash retained = SHASH_INITIALIZER(&retained);
    unsigned long *used = used_ofports(db, snapshot);

    *n = 0;
    for (size_t i = 0; i < snapshot->n_interfaces; i++) {
        const struct ovsdb_interface *iface = &snapshot->interfaces[i];

        if (!iface->iface_id || strcmp(iface->bridge, db->bridge)) {
            continue;
        }
        if (!is_iface_id(db, iface) || !is_iface_name(iface->name)) {
            if (!is_former_patch(iface)) {
                VLOG_WARN_RL(&rl, "%s: interface \"%.64s\" is ignored: its "
                             "iface-id \"%.64s\" or its name is malformed",
                             db->host->name, iface->name, iface->iface_id);
            }
            continue;
        }
        candidates[(*n)++] = make_candidate(db, snapshot, used, iface,
                                            &retained);
    }
    free(used);
    shash_swap(&db->retained, &retained);
    shash_destroy_free_data(&retained);
    qsort(candidates, *n, sizeof *candidates, compare_candidates);
    return candidates;
}

/* Reports the interfaces to the observed state. */
static void
report_vifs(struct fabric_host_db *db, const struct ovsdb_snapshot *snapshot)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 10);
    size_t n_candidates, n = 0, n_providers = 0;
    struct candidate *candidates = find_candidates(db, snapshot,
                                                   &n_candidates);
    struct vif_report *reports = xcalloc(n_candidates + db->watches.n
                                         + HOST_COPIES_MAX + 1,
                                         sizeof *reports);
    size_t n_own;

    for (size_t i = 0; i < n_candidates; i++) {
        const struct candidate *c = &candidates[i];

        if (i && !strcmp(c[-1].iface->iface_id, c->iface->iface_id)) {
            VLOG_WARN_RL(&rl, "%s: interface \"%s\" is ignored: \"%s\" has "
                         "the same iface-id \"%s\"", db->host->name,
                         c->iface->name, c[-1].iface->name,
                         c->iface->iface_id);
        } else if (c->ofport) {
            reports[n++] = (struct vif_report) {
                .iface_id = c->iface->iface_id,
                .iface = c->iface->name,
                .ofport = c->ofport,
                .link_up = c->link_up,
                .tag_ofport = c->tag_ofport,
                .mac = c->iface->mac,
            };
            n_providers += c->iface->iface_id[0] == '@';
        }
    }
    db->n_ports = n - n_providers;
    n_own = n;
    n = host_bfd_vifs(db, reports, n);
    n = host_copies_vifs(db, reports, n);
    n = host_queues_vifs(db, reports, n);
    observed_host_report(db->observed, reports, n);
    for (size_t i = n_own; i < n; i++) {
        free(CONST_CAST(char *, reports[i].iface_id));
    }
    free(reports);
    free(candidates);
}

static const struct ovsdb_interface *
find_tunnel(const struct fabric_host_db *db,
            const struct ovsdb_snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->n_interfaces; i++) {
        const struct ovsdb_interface *iface = &snapshot->interfaces[i];

        if (!strcmp(iface->name, name)
            && !strcmp(iface->bridge, db->bridge)) {
            return iface;
        }
    }
    return NULL;
}

/* Returns the fault of tunnel port 'desired', as a sentence that the caller
 * frees, or NULL.  Sets '*refused' if the host must not get flows because of
 * it: they use the port's number. */
static char *
check_tunnel(const struct fabric_host_db *db,
             const struct ovsdb_snapshot *snapshot,
             const struct tunnel_port *desired, bool *refused)
{
    const struct ovsdb_interface *tunnel = find_tunnel(db, snapshot,
                                                       desired->name);

    if (!tunnel || !tunnel->ofport) {
        return NULL;            /* Not yet. */
    }
    if (tunnel->ofport < 0 || tunnel->error) {
        return xasprintf("the switch could not make the tunnel port \"%s\": "
                         "%.200s", desired->name,
                         tunnel->error ? tunnel->error : "no reason given");
    }
    if (tunnel->ofport != desired->ofport) {
        *refused = true;
        return xasprintf("the tunnel port \"%s\" got number %"PRId32
                         " instead of %d: another port of bridge \"%s\" has "
                         "that", desired->name, tunnel->ofport,
                         desired->ofport,
                         db->bridge);
    }
    return NULL;
}

/* Does the same for all desired tunnel ports.  A fault that refuses the host
 * takes precedence. */
static char *
check_tunnels(const struct fabric_host_db *db,
              const struct ovsdb_snapshot *snapshot, bool *refused)
{
    char *reason = NULL;

    for (size_t i = 0; i < OVSDB_TUNNELS_MAX && !*refused; i++) {
        if (db->host->fabric->db->uses[i]) {
            char *next = check_tunnel(db, snapshot, &tunnel_ports[i],
                                      refused);

            if (next && (!reason || *refused)) {
                free(reason);
                reason = next;
            } else {
                free(next);
            }
        }
    }
    return reason;
}

/* Does the same for the switch as a whole. */
static char *
check_switch(const struct fabric_host_db *db,
             const struct ovsdb_snapshot *snapshot)
{
    bool found = !snapshot->n_datapath_types;

    if (snapshot->flow_restore_wait) {
        return xstrdup("other_config:flow-restore-wait is set on the host, "
                       "so that its switch connects to no controller");
    }
    for (size_t i = 0; i < snapshot->n_datapath_types; i++) {
        found |= !strcmp(snapshot->datapath_types[i], db->datapath_type);
    }
    return found ? NULL
           : xasprintf("the host's switch has no datapath of type \"%s\"",
                       db->datapath_type);
}

static const struct ovsdb_bridge *
find_bridge(const struct fabric_host_db *db,
            const struct ovsdb_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->n_bridges; i++) {
        if (!strcmp(snapshot->bridges[i].name, db->bridge)) {
            return &snapshot->bridges[i];
        }
    }
    return NULL;
}

/* Finds the interface that has the tunnel addresses, and its MTU. */
static void
report_underlay(struct fabric_host_db *db,
                const struct ovsdb_snapshot *snapshot)
{
    const char *name = db->tunnel_interface;

    db->has_underlay = false;
    db->underlay_mtu = 0;
    for (size_t i = 0; name && i < snapshot->n_interfaces; i++) {
        if (!strcmp(snapshot->interfaces[i].name, name)) {
            db->has_underlay = true;
            db->underlay_mtu = snapshot->interfaces[i].mtu;
        }
    }
}

void
host_report_set_reason(struct fabric_host_db *db, bool refused, char *reason)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 200);
    bool changed;

    if (reason && !nullable_string_is_equal(db->reason, reason)) {
        VLOG_WARN_RL(&rl, "%s: %s%s", db->host->name,
                     refused ? "rejected: " : "", reason);
    }
    changed = (!nullable_string_is_equal(db->reason, reason)
               || db->refused != refused);
    free(db->reason);
    db->reason = reason;
    db->refused = refused;
    if (changed) {
        db->reason_changed = true;
        fabric_host_changed(db->host);
    }
    if (refused) {
        db->reason_changed |= host_queues_refuse(db);
        fabric_host_set_datapath(db->host, 0);
    }
}

/* Returns the reason to refuse the host, whose bridge has the datapath id of
 * 'owner'.  The caller frees it.  It does not contain the id: scoped accounts
 * see it. */
static char *
refuse_clash(const struct fabric_host_db *db, const struct fabric_host *owner,
             uint64_t id)
{
    char *reason = xasprintf("the datapath id of its bridge is that of host "
                             "\"%s\"", owner->name);

    if (!nullable_string_is_equal(db->reason, reason)) {
        fabric_host_clash(db->host, owner, id, NULL);
    }
    return reason;
}

/* Returns why the host is refused, or else what is wrong with its tunnel
 * ports, as a sentence that the caller frees; or NULL.  Sets '*refused' if it
 * is. */
static char *
check_host(const struct fabric_host_db *db,
           const struct ovsdb_snapshot *snapshot,
           const struct ovsdb_bridge *bridge, bool *refused)
{
    char *reason = check_tunnels(db, snapshot, refused);
    const struct fabric_host *owner
        = (*refused || !bridge->datapath_id ? NULL
           : fabric_find_datapath(db->host->fabric, bridge->datapath_id));

    if (owner && owner != db->host) {
        *refused = true;
        free(reason);
        reason = refuse_clash(db, owner, bridge->datapath_id);
    }
    return reason;
}

/* Returns which limits and guarantees the host cannot have, as a sentence that
 * the caller frees; or NULL. */
static char *
limits_reason(const struct fabric_host_db *db)
{
    char *queues = host_queues_reason(db), *both;
    struct ovsdb_status session;

    ovsdb_session_get_status(db->session, &session);
    if (!session.zone_limit_reason) {
        return queues;
    } else if (!queues) {
        return xstrdup(session.zone_limit_reason);
    }
    both = xasprintf("%s; %s", session.zone_limit_reason, queues);
    free(queues);
    return both;
}

void
host_report(struct fabric_host_db *db, const struct ovsdb_snapshot *snapshot)
{
    const struct ovsdb_bridge *bridge = find_bridge(db, snapshot);
    bool refused = false;
    char *reason;

    if (!nullable_string_is_equal(db->ovs_version, snapshot->ovs_version)) {
        free(db->ovs_version);
        db->ovs_version = nullable_xstrdup(snapshot->ovs_version);
    }
    if (!bridge || !bridge->owner || strcmp(bridge->owner, HOST_DB_OWNER)) {
        return;                 /* Not created yet, or not vmnd's yet. */
    }

    report_underlay(db, snapshot);
    observed_host_set_underlay(db->observed, report_limit_mtu(
        &db->limit, db->observed->underlay_mtu,
        MIN(host_ipsec_mtu(db, db->underlay_mtu), UINT16_MAX),
        loop_now_ms(db->host->fabric->loop)));
    reason = check_host(db, snapshot, bridge, &refused);
    if (!refused) {
        db->reason_changed |= host_queues_report(db, snapshot);
    }
    if (!reason) {
        reason = check_switch(db, snapshot);
    }
    host_provider_check(db, snapshot);
    if (!reason) {
        reason = nullable_xstrdup(host_provider_reason(db));
    }
    if (!reason) {
        reason = host_ipsec_reason(db, snapshot);
    }
    if (!reason) {
        reason = limits_reason(db);
    }
    host_report_set_reason(db, refused, reason);
    report_vifs(db, snapshot);
    host_checksums_report(db, snapshot);

    /* The database has no ID while the switch restarts; the last one is
     * kept. */
    if (!refused && bridge->datapath_id) {
        fabric_host_set_datapath(db->host, bridge->datapath_id);
        observed_host_set_datapath(db->observed, bridge->datapath_id);
    }
}

/* Interfaces of VMs stay as they were, since the VMs may run on. */
void
host_report_refuse(struct fabric_host_db *db, char *reason)
{
    struct vif_report queues;

    host_report_set_reason(db, true, reason);
    if (host_queues_vifs(db, &queues, 0)) {
        observed_host_report_one(db->observed, &queues);
        free(CONST_CAST(char *, queues.iface_id));
    } else {
        observed_host_report_gone(db->observed, VMN_VIF_QUEUES);
    }
}

int64_t
host_report_deadline(const struct fabric_host_db *db)
{
    int64_t now_ms = loop_now_ms(db->host->fabric->loop);
    int64_t when_ms = host_queues_deadline(db);
    struct shash_node *node;

    SHASH_FOR_EACH (node, &db->retained) {
        const struct retained_interface *retained = node->data;

        if (retained->until_ms > now_ms) {
            when_ms = MIN(when_ms, retained->until_ms);
        }
    }
    return when_ms;
}
