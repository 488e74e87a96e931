/* SPDX-License-Identifier: Apache-2.0
 *
 * See host-bfd.h.
 *
 * Who watches whom follows from what apps compute, and that from which
 * sessions there are.  So until the first computation hosts' databases tell:
 * sessions outlive vmnd, and it starts with what was. */

#include <config.h>

#include "controller/fabric/ovsdb/host-bfd.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/cut-off-hosts.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/host-peers.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/fabric/ovsdb/tunnel-ports.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "sset.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* Who watches whom.  ------------------------------------------------------ */

static void
free_wanted(struct host_watches *w)
{
    for (size_t i = 0; i < w->n_wanted; i++) {
        free(w->wanted[i].name);
    }
    free(w->wanted);
    w->wanted = NULL;
    w->n_wanted = 0;
}

static void
free_watch(struct watch *watch)
{
    free(watch->name);
    free(watch->iface);
    free(watch->local_ip);
    free(watch->remote_ip);
}

static void
free_watches(struct watch *watches, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free_watch(&watches[i]);
    }
    free(watches);
}

void
host_bfd_uninit(struct fabric_host_db *db)
{
    free_wanted(&db->watches);
    free_watches(db->watches.watches, db->watches.n);
    free(db->watches.reason);
    db->watches = (struct host_watches) { .n = 0 };
}

/* Reads whom the host is to watch, as ENGINE_QUERY_WATCHED_HOSTS says it. */
static void
read_wanted(struct fabric_host_db *db)
{
    struct host_watches *w = &db->watches;
    size_t size, allocated = 0;
    char *text = engine_peek(db->host->fabric->engine,
                             ENGINE_QUERY_WATCHED_HOSTS, db->host->name,
                             &size);
    char *save = NULL;

    free_wanted(w);
    if (!w->known) {
        w->known = true;
        w->generation++;
    }
    for (char *item = text ? strtok_r(text, ",", &save) : NULL; item;
         item = strtok_r(NULL, ",", &save)) {
        char *slash = strchr(item, '/');

        if (slash) {
            if (w->n_wanted >= allocated) {
                w->wanted = x2nrealloc(w->wanted, &allocated,
                                       sizeof *w->wanted);
            }
            w->wanted[w->n_wanted++] = (struct watch_wanted) {
                .name = xmemdup0(item, slash - item),
                .number = strtoul(slash + 1, NULL, 10),
            };
        }
    }
    free(text);
}

static int
compare_wanted(const void *name, const void *wanted)
{
    return strcmp(name, ((const struct watch_wanted *) wanted)->name);
}

static bool
wants(const struct fabric_host_db *db, const char *name)
{
    const struct host_watches *w = &db->watches;

    return (w->n_wanted
            && bsearch(name, w->wanted, w->n_wanted, sizeof *w->wanted,
                       compare_wanted));
}

static const struct vmn_ip *
ip_of_family(const struct vmn_host *row, uint8_t family)
{
    return (row->tunnel_ip.family == family ? &row->tunnel_ip
            : row->second_tunnel_ip.family == family ? &row->second_tunnel_ip
            : NULL);
}

/* Returns the family of the addresses between two hosts, the same whoever of
 * them is 'a': that of the first address of the first one by name that the
 * other has, too; or 0. */
static uint8_t
common_family(const struct vmn_host *a, const struct vmn_host *b)
{
    const struct vmn_host *first = strcmp(a->row.name, b->row.name) < 0 ? a
                                   : b;
    const struct vmn_host *other = first == a ? b : a;
    const struct vmn_ip ips[2] = { first->tunnel_ip, first->second_tunnel_ip };

    for (size_t i = 0; i < 2; i++) {
        if (ips[i].family && ip_of_family(other, ips[i].family)) {
            return ips[i].family;
        }
    }
    return 0;
}

/* Fills in the session of 'db' with 'peer'.  Returns false if there can be
 * none. */
static bool
watch_init(struct watch *watch, const struct fabric_host_db *db,
           const struct fabric_host *peer, uint32_t number)
{
    const struct vmn_host *own = db->host->row;
    const struct vmn_host *other = peer->row;
    uint8_t family = other && !other->lost ? common_family(own, other) : 0;

    if (!family || number > VMN_PEER_NUMBER_MAX) {
        return false;
    }
    *watch = (struct watch) {
        .name = xstrdup(peer->name),
        .encap = (own->encap == VMN_ENCAP_GENEVE
                  && other->encap == VMN_ENCAP_GENEVE ? VMN_ENCAP_GENEVE
                  : VMN_ENCAP_VXLAN),
        .local_ip = host_peers_format_ip(ip_of_family(own, family)),
        .remote_ip = host_peers_format_ip(ip_of_family(other, family)),
        .ofport = VMN_PEER_OFPORT(number),
    };
    watch->iface = host_peers_name(ip_of_family(other, family), watch->encap);
    return true;
}

static bool
same_watch(const struct watch *a, const struct watch *b)
{
    return (!strcmp(a->name, b->name) && !strcmp(a->iface, b->iface)
            && !strcmp(a->local_ip, b->local_ip)
            && !strcmp(a->remote_ip, b->remote_ip) && a->ofport == b->ofport);
}

static int
compare_watches(const void *name, const void *watch)
{
    return strcmp(name, ((const struct watch *) watch)->name);
}

struct watch *
host_bfd_find(const struct fabric_host_db *db, const char *name)
{
    const struct host_watches *w = &db->watches;

    return (w->n ? bsearch(name, w->watches, w->n, sizeof *w->watches,
                           compare_watches) : NULL);
}

/* Works out the host's sessions anew.  What is known of those that stay is
 * kept.  Returns true if they have changed. */
static bool
update_watches(struct fabric_host_db *db)
{
    struct host_watches *w = &db->watches;
    struct watch *watches = xcalloc(MAX(w->n_wanted, 1), sizeof *watches);
    size_t n = 0, n_same = 0;

    for (size_t i = 0; i < w->n_wanted; i++) {
        const struct fabric_host *peer
            = fabric_find_host(db->host->fabric, w->wanted[i].name);
        const struct watch *old;

        if (!peer || !peer->db || !wants(peer->db, db->host->name)
            || db->host->row->lost
            || !watch_init(&watches[n], db, peer, w->wanted[i].number)) {
            continue;
        }
        old = host_bfd_find(db, watches[n].name);
        if (old && same_watch(old, &watches[n])) {
            watches[n].state = old->state;
            watches[n].was_up = old->was_up;
            watches[n].blind = old->blind;
            watches[n].blind_since_ms = old->blind_since_ms;
            n_same++;
        }
        n++;
    }

    bool changed = n != w->n || n_same != n;

    if (changed) {
        struct watch *old = w->watches;

        w->watches = watches;
        watches = old;
        size_t n_old = w->n;
        w->n = n;
        n = n_old;
        w->generation++;
    }
    free_watches(watches, n);
    return changed;
}

void
host_bfd_group(struct fabric *f, bool changed)
{
    struct sset names = SSET_INITIALIZER(&names);
    struct fabric_host *host;
    const char *name;

    engine_take_changed(f->engine, ENGINE_QUERY_WATCHED_HOSTS, &names);
    SSET_FOR_EACH (name, &names) {
        host = fabric_find_host(f, name);
        if (host && host->db) {
            host->db->watches.known = false;
        }
    }
    changed |= !sset_is_empty(&names) || !f->db->bfd_has_begun;
    f->db->bfd_has_begun = true; /* The first group is what was loaded. */
    sset_destroy(&names);
    if (!changed) {
        return;
    }
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (host->db && !host->db->watches.known) {
            uint64_t before = host->db->watches.generation;

            read_wanted(host->db);
            host->db->watches.is_new = (before
                                        != host->db->watches.generation);
        }
    }
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        struct fabric_host_db *db = host->db;

        if (db && (db->watches.n_wanted || db->watches.n
                   || db->watches.is_new)) {
            bool anew = update_watches(db);

            if (anew || db->watches.is_new) {
                db->watches.is_new = false;
                host_db_desired_changed(db);
            }
        }
    }
}

void
host_bfd_add_peers(const struct fabric_host_db *db, struct shash *peers)
{
    for (size_t i = 0; i < db->watches.n; i++) {
        const struct watch *watch = &db->watches.watches[i];
        struct ovsdb_peer *peer = shash_find_data(peers, watch->iface);

        if (!peer) {
            const struct ovsdb_peer p = {
                .type = tunnel_ports[watch->encap].type,
                .remote_ip = xstrdup(watch->remote_ip),
                .local_ip = xstrdup(watch->local_ip),
            };

            peer = xmemdup(&p, sizeof p);
            shash_add(peers, watch->iface, peer);
        }
        peer->bfd = true;
        peer->ofport = watch->ofport;
    }
}

/* What hosts report.  ----------------------------------------------------- */

static int
compare_interfaces(const void *name, const void *iface)
{
    return strcmp(name, ((const struct ovsdb_interface *) iface)->name);
}

/* Takes in the state of a session.  Returns true if it has changed; sets
 * '*reason' if the switch has not made it as it should be. */
static bool
report_watch(const struct fabric_host_db *db, struct watch *watch,
             const struct ovsdb_snapshot *snapshot, char **reason)
{
    const struct ovsdb_interface *iface = NULL;
    enum ovsdb_bfd state = OVSDB_BFD_NONE;
    bool is_there;

    if (snapshot->n_interfaces) {
        iface = bsearch(watch->iface, snapshot->interfaces,
                        snapshot->n_interfaces, sizeof *iface,
                        compare_interfaces);
    }
    is_there = (iface && iface->owner && !strcmp(iface->owner, HOST_DB_OWNER)
                && !strcmp(iface->bridge, db->bridge));
    if (is_there && iface->ofport == watch->ofport) {
        state = iface->bfd;
        /* Not kept: a switch that was restarted counts anew, and what it had
         * seen before says nothing of the sessions that it has now. */
        if (state != OVSDB_BFD_NONE) {
            watch->was_up = state == OVSDB_BFD_UP || iface->bfd_was_up;
        }
    } else if (iface && !is_there && !*reason) {
        *reason = xasprintf("port \"%s\", by which it is to watch host "
                            "\"%s\", already exists and was not made by %s",
                            watch->iface, watch->name, HOST_DB_OWNER);
    } else if (is_there && iface->ofport && !*reason) {
        *reason = (iface->ofport < 0 || iface->error
                   ? xasprintf("the switch could not make the tunnel port "
                               "\"%s\", by which it is to watch host \"%s\": "
                               "%.200s", watch->iface, watch->name,
                               iface->error ? iface->error
                               : "no reason given")
                   : xasprintf("the tunnel port \"%s\", by which it is to "
                               "watch host \"%s\", got number %"PRId32
                               " instead of %d", watch->iface, watch->name,
                               iface->ofport, watch->ofport));
    }
    /* A switch that restarts has no number for a moment. */
    if (!is_there || (iface->ofport && iface->ofport != watch->ofport)) {
        watch->was_up = false;
    }
    if (state == watch->state) {
        return false;
    }
    watch->state = state;
    return true;
}

/* Returns hosts' names by those of interfaces for them. */
static const struct shash *
get_peer_names(struct fabric *f)
{
    struct shash *names = f->db->peer_names;
    const struct fabric_host *host;

    if (names) {
        return names;
    }
    names = f->db->peer_names = xmalloc(sizeof *names);
    shash_init(names);
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        const struct vmn_ip ips[2] = { host->row->tunnel_ip,
                                       host->row->second_tunnel_ip };

        for (int i = 0; i < 2 * OVSDB_TUNNELS_MAX; i++) {
            if (ips[i / OVSDB_TUNNELS_MAX].family) {
                char *name = host_peers_name(&ips[i / OVSDB_TUNNELS_MAX],
                                             i % OVSDB_TUNNELS_MAX);

                if (!shash_find(names, name)) {
                    shash_add(names, name, xstrdup(host->name));
                }
                free(name);
            }
        }
    }
    return names;
}

static int
compare_two_watches(const void *a, const void *b)
{
    return strcmp(((const struct watch *) a)->name,
                  ((const struct watch *) b)->name);
}

/* Takes the sessions that the host has for those that it is to have. */
static void
adopt_watches(struct fabric_host_db *db,
              const struct ovsdb_snapshot *snapshot)
{
    struct host_watches *w = &db->watches;
    struct watch *watches = xcalloc(VMN_WATCHED_HOSTS_MAX, sizeof *watches);
    size_t n = 0;

    for (size_t i = 0; i < snapshot->n_interfaces
         && n < VMN_WATCHED_HOSTS_MAX; i++) {
        const struct ovsdb_interface *iface = &snapshot->interfaces[i];
        const struct fabric_host *peer;
        const char *name;

        if (iface->bfd == OVSDB_BFD_NONE || !iface->owner
            || strcmp(iface->owner, HOST_DB_OWNER)
            || iface->ofport <= VMN_PEER_OFPORT(0)) {
            continue;
        }
        name = shash_find_data(get_peer_names(db->host->fabric), iface->name);
        peer = name ? fabric_find_host(db->host->fabric, name) : NULL;
        if (!peer || peer == db->host
            || !watch_init(&watches[n], db, peer,
                           iface->ofport - VMN_PEER_OFPORT(0))) {
            continue;
        } else if (strcmp(watches[n].iface, iface->name)) {
            free_watch(&watches[n]); /* Of another address of the peer. */
        } else {
            n++;
        }
    }
    qsort(watches, n, sizeof *watches, compare_two_watches);
    free_watches(w->watches, w->n);
    w->watches = watches;
    w->n = n;
}

void
host_bfd_report(struct fabric_host_db *db,
                const struct ovsdb_snapshot *snapshot)
{
    struct host_watches *w = &db->watches;
    char *reason = NULL;
    bool changed = false;

    if (!w->known && db->host->row) {
        adopt_watches(db, snapshot);
    }
    for (size_t i = 0; i < w->n; i++) {
        changed |= report_watch(db, &w->watches[i], snapshot, &reason);
    }
    changed |= !nullable_string_is_equal(w->reason, reason);
    free(w->reason);
    w->reason = reason;
    if (changed) {
        fabric_host_changed(db->host);
    }
}

size_t
host_bfd_vifs(const struct fabric_host_db *db, struct vif_report *reports,
              size_t n)
{
    for (size_t i = 0; i < db->watches.n; i++) {
        const struct watch *watch = &db->watches.watches[i];

        if (watch->was_up) {
            reports[n++] = (struct vif_report) {
                .iface_id = xasprintf(VMN_VIF_PEER, watch->name),
                .iface = watch->iface,
                .ofport = watch->ofport,
                .link_up = !watch->blind,
            };
        }
    }
    return n;
}

void
host_bfd_create(struct fabric *f)
{
    engine_watch(f->engine, ENGINE_QUERY_WATCHED_HOSTS);
}

void
host_bfd_destroy(struct fabric *f)
{
    if (f->db->peer_names) {
        shash_destroy_free_data(f->db->peer_names);
        free(f->db->peer_names);
        f->db->peer_names = NULL;
    }
}

/* Status.  ---------------------------------------------------------------- */

void
host_bfd_get_stats(const struct fabric_host_db *db, struct fabric_stats *stats)
{
    stats->n_bfd_sessions += db->watches.n;
    for (size_t i = 0; i < db->watches.n; i++) {
        stats->n_bfd_down += db->watches.watches[i].state != OVSDB_BFD_UP;
    }
    stats->n_cut_off += db->observed && db->observed->cut_off;
}

void
host_bfd_status(const struct fabric_host_db *db, struct arena *arena,
                struct status_host *status)
{
    const struct host_watches *w = &db->watches;
    struct status_bfd *bfd;

    if (!w->n) {
        return;
    }
    bfd = arena_alloc(arena, sizeof *bfd);
    *bfd = (struct status_bfd) {
        .sessions = w->n,
        .cut_off = db->observed && db->observed->cut_off,
        .reason = w->reason,
        .down = arena_alloc(arena, w->n * sizeof *bfd->down),
    };
    for (size_t i = 0; i < w->n; i++) {
        if (w->watches[i].state != OVSDB_BFD_UP) {
            bfd->down[bfd->n_down++] = w->watches[i].name;
        }
    }
    if (bfd->cut_off && !bfd->reason) {
        bfd->reason = cut_off_hosts_reason(db);
    }
    status->bfd = bfd;
    if (!status->reason) {
        status->reason = bfd->reason;
    }
}
