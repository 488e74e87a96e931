/* SPDX-License-Identifier: Apache-2.0
 *
 * See host-copies.h.
 *
 * Who wants such a port follows from what apps compute.  So until the first
 * computation hosts' databases tell: vmnd starts with what was. */

#include <config.h>

#include "controller/fabric/ovsdb/host-copies.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/host-report.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "simap.h"
#include "sset.h"
#include "util.h"

/* By VMN_COPY_OFPORT(). */
static const struct ovsdb_copy_tunnel tunnels[] = {
    { "vmn-gre", "gre", VMN_COPY_OFPORT(0, 4) },
    { "vmn-ip6gre", "ip6gre", VMN_COPY_OFPORT(0, 6) },
    { "vmn-erspan", "erspan", VMN_COPY_OFPORT(1, 4) },
    { "vmn-ip6erspan", "ip6erspan", VMN_COPY_OFPORT(1, 6) },
};
BUILD_ASSERT_DECL(ARRAY_SIZE(tunnels) == VMN_COPY_TUNNELS);
BUILD_ASSERT_DECL(VMN_COPY_TUNNELS <= OVSDB_COPY_TUNNELS_MAX);

/* Which are wanted.  ------------------------------------------------------ */

void
host_copies_create(struct fabric *f)
{
    engine_watch(f->engine, ENGINE_QUERY_COPY_TUNNELS);
}

void
host_copies_init(struct fabric_host_db *db)
{
    db->copies = (struct host_copies) { .known = false };
    sset_init(&db->copies.names);
    simap_init(&db->copies.found);
}

void
host_copies_uninit(struct fabric_host_db *db)
{
    free(db->copies.reason);
    sset_destroy(&db->copies.names);
    simap_destroy(&db->copies.found);
}

/* Takes the names of interfaces out of what is wanted.  Returns true if they
 * are others than before. */
static bool
read_names(struct host_copies *c, const struct sset *wanted)
{
    struct sset names = SSET_INITIALIZER(&names);
    const char *text;
    bool changed;

    SSET_FOR_EACH (text, wanted) {
        if (text[0] == VMN_COPY_INTERFACE[0]) {
            sset_add(&names, text + 1);
        }
    }
    changed = !sset_equals(&names, &c->names);
    sset_swap(&names, &c->names);
    sset_destroy(&names);
    return changed;
}

/* Reads which ones the host is to have.  Returns true if that has changed. */
static bool
read_wanted(struct fabric_host_db *db)
{
    struct host_copies *c = &db->copies;
    size_t size;
    char *text = engine_peek(db->host->fabric->engine,
                             ENGINE_QUERY_COPY_TUNNELS, db->host->name, &size);
    struct sset types = SSET_INITIALIZER(&types);
    bool changed = !c->known;

    if (text) {
        sset_from_delimited_string(&types, text, ",");
    }
    for (size_t i = 0; i < VMN_COPY_TUNNELS; i++) {
        bool wanted = sset_contains(&types, tunnels[i].type);

        changed |= c->wanted[i] != wanted;
        c->wanted[i] = wanted;
    }
    changed |= read_names(c, &types);
    c->known = true;
    sset_destroy(&types);
    free(text);
    return changed;
}

void
host_copies_group(struct fabric *f, bool changed)
{
    struct sset names = SSET_INITIALIZER(&names);
    struct fabric_host *host;

    engine_take_changed(f->engine, ENGINE_QUERY_COPY_TUNNELS, &names);
    changed |= !sset_is_empty(&names) || !f->db->copies_have_begun;
    f->db->copies_have_begun = true; /* The first group is what was loaded. */
    if (changed) {
        HMAP_FOR_EACH (host, name_node, &f->hosts) {
            if (host->db && (!host->db->copies.known
                             || sset_contains(&names, host->name))
                && read_wanted(host->db)) {
                host_db_desired_changed(host->db);
            }
        }
    }
    sset_destroy(&names);
}

void
host_copies_desired(const struct fabric_host_db *db,
                    struct ovsdb_desired *desired)
{
    desired->keep_copy_tunnels = !db->copies.known;
    for (size_t i = 0; i < VMN_COPY_TUNNELS; i++) {
        if (db->copies.wanted[i]) {
            desired->copy_tunnels[desired->n_copy_tunnels++] = tunnels[i];
        }
    }
}

/* What hosts report.  ----------------------------------------------------- */

/* Returns true if an app may ask for an interface of that name. */
static bool
is_copy_name(const char *name)
{
    size_t len = strlen(name);

    return (len && len <= VMN_COPY_INTERFACE_MAX
            && strspn(name, "abcdefghijklmnopqrstuvwxyz"
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len);
}

static int
compare_interfaces(const void *name, const void *iface)
{
    return strcmp(name, ((const struct ovsdb_interface *) iface)->name);
}

/* Returns what is wrong with the interface of a port that is wanted, as a
 * sentence that the caller frees; or NULL: nothing, or it is not there yet. */
static char *
fault_of(const struct fabric_host_db *db, const struct ovsdb_interface *iface,
         const struct ovsdb_copy_tunnel *tunnel)
{
    if (!iface || (!iface->ofport && !iface->error)) {
        return NULL;
    } else if (!iface->owner || strcmp(iface->owner, HOST_DB_OWNER)
               || strcmp(iface->bridge, db->bridge)) {
        return xasprintf("port \"%s\", by which mirrors send copies, already "
                         "exists and was not made by %s", tunnel->name,
                         HOST_DB_OWNER);
    } else if (iface->ofport < 0 || iface->error) {
        return xasprintf("the switch could not make the tunnel port \"%s\", "
                         "by which mirrors send copies: %.200s",
                         tunnel->name,
                         iface->error ? iface->error : "no reason given");
    } else if (iface->ofport != tunnel->ofport) {
        return xasprintf("the tunnel port \"%s\", by which mirrors send "
                         "copies, got number %"PRId32" instead of %u",
                         tunnel->name, iface->ofport, tunnel->ofport);
    }
    return NULL;
}

/* Takes in the state of one.  Sets '*reason', if there is none yet. */
static void
report_tunnel(struct fabric_host_db *db, size_t i,
              const struct ovsdb_snapshot *snapshot, char **reason)
{
    struct host_copies *c = &db->copies;
    const struct ovsdb_interface *iface = NULL;
    char *fault;

    if (snapshot->n_interfaces) {
        iface = bsearch(tunnels[i].name, snapshot->interfaces,
                        snapshot->n_interfaces, sizeof *iface,
                        compare_interfaces);
    }
    fault = fault_of(db, iface, &tunnels[i]);
    if (!iface || fault || (c->known && !c->wanted[i])) {
        c->there[i] = false;
    } else if (iface->ofport) { /* A switch that restarts has none. */
        c->there[i] = true;
    }
    if (fault && c->wanted[i] && !*reason) {
        *reason = fault;
    } else {
        free(fault);
    }
}

/* Behind the numbers of ports that are not reserved: OFPP_MAX. */
#define OFPORT_END 0xff00

/* Returns true if copies may be given to the interface, once it has a number:
 * it is on the bridge, and neither a port of anybody's nor one that vmnd has
 * made.  Open vSwitch cuts no packet off that leaves by a patch port. */
static bool
takes_copies(const struct fabric_host_db *db,
             const struct ovsdb_interface *iface)
{
    return (!iface->error && !iface->iface_id && !iface->owner
            && strcmp(iface->type, "patch")
            && !strcmp(iface->bridge, db->bridge));
}

/* Returns true if the interface is one that is wanted.  While it is not known
 * which ones are, all are that may be. */
static bool
is_wanted(const struct host_copies *c, const struct ovsdb_interface *iface)
{
    return (c->known ? sset_contains(&c->names, iface->name)
            : is_copy_name(iface->name));
}

/* Takes in which interfaces of others are there.  One with number -1, which
 * the switch could not open, has no time to come back, as VMs' have
 * (host-report.c): nobody but a sensor misses its copies. */
static void
report_interfaces(struct fabric_host_db *db,
                  const struct ovsdb_snapshot *snapshot)
{
    struct host_copies *c = &db->copies;
    struct simap found = SIMAP_INITIALIZER(&found);
    /* Mostly nobody wants any: then interfaces are not looked at. */
    size_t n = (c->known && sset_is_empty(&c->names)
                ? 0 : snapshot->n_interfaces);

    for (size_t i = 0;
         i < n && simap_count(&found) < VMN_COPY_INTERFACES_MAX; i++) {
        const struct ovsdb_interface *iface = &snapshot->interfaces[i];
        unsigned last;

        if (!is_wanted(c, iface) || !takes_copies(db, iface)) {
            continue;
        }
        last = simap_get(&c->found, iface->name);
        /* The bridge's own port, which is the host's, has one behind. */
        if (iface->ofport > 0 && iface->ofport < OFPORT_END) {
            simap_put(&found, iface->name, iface->ofport);
        } else if (!iface->ofport && last
                   && !host_report_has_ofport(db, snapshot, last)) {
            /* A switch that restarts has none. */
            simap_put(&found, iface->name, last);
        }
    }
    simap_swap(&found, &c->found);
    simap_destroy(&found);
}

void
host_copies_report(struct fabric_host_db *db,
                   const struct ovsdb_snapshot *snapshot)
{
    char *reason = NULL;

    for (size_t i = 0; i < VMN_COPY_TUNNELS; i++) {
        report_tunnel(db, i, snapshot, &reason);
    }
    report_interfaces(db, snapshot);
    if (!nullable_string_is_equal(db->copies.reason, reason)) {
        fabric_host_changed(db->host);
    }
    free(db->copies.reason);
    db->copies.reason = reason;
}

size_t
host_copies_vifs(const struct fabric_host_db *db, struct vif_report *reports,
                 size_t n)
{
    const struct simap_node *node;

    for (size_t i = 0; i < VMN_COPY_TUNNELS; i++) {
        if (db->copies.there[i]) {
            reports[n++] = (struct vif_report) {
                .iface_id = xasprintf(VMN_VIF_COPY_TUNNEL, tunnels[i].type),
                .iface = tunnels[i].name,
                .ofport = tunnels[i].ofport,
                .link_up = true,
            };
        }
    }
    SIMAP_FOR_EACH (node, &db->copies.found) {
        reports[n++] = (struct vif_report) {
            .iface_id = xasprintf(VMN_COPY_INTERFACE, node->name),
            .iface = node->name,
            .ofport = node->data,
            .link_up = true,
        };
    }
    return n;
}

void
host_copies_status(const struct fabric_host_db *db, struct arena *arena,
                   struct status_host *status)
{
    if (!status->reason && db->copies.reason) {
        status->reason = arena_strdup(arena, db->copies.reason);
    }
}
