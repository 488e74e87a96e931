/* SPDX-License-Identifier: Apache-2.0
 *
 * Patch ports from the desired configuration's bridge to others and to itself:
 * writes them into a host's database where it differs; for ovsdb-config.c.
 * The other bridges are not vmnd's: only vmnd's ports are added and removed
 * there. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <stdlib.h>
#include <string.h>

#include "proto/ovsdb/vswitch-idl.h"
#include "openvswitch/shash.h"
#include "ovsdb-idl.h"
#include "smap.h"
#include "util.h"

struct patching {
    struct ovsdb_idl *idl;
    struct ovsdb_idl_txn *txn;
    const struct ovsdb_desired *desired;
    const struct ovsrec_bridge *bridge; /* The desired configuration's. */
    struct shash ports;         /* struct ovsrec_port *, by name. */
    struct shash ends;          /* The struct ovsrec_bridge * to which the end
                                 * with that name belongs. */
    bool changed;
};

/* One end of a pair. */
struct end {
    const struct ovsrec_bridge *bridge; /* Where it belongs. */
    const char *iface_id;       /* May be NULL. */
    const char *name;
    const char *peer;           /* The other end's name. */
    const struct ovsrec_port *port; /* The port with that name, or NULL. */
};

static const struct ovsrec_bridge *
find_bridge(const struct patching *p, const char *name)
{
    const struct ovsrec_bridge *bridge;

    OVSREC_BRIDGE_FOR_EACH (bridge, p->idl) {
        if (!strcmp(bridge->name, name)) {
            return bridge;
        }
    }
    return NULL;
}

/* Returns the bridge of the other end of 'patch', or NULL if there can be no
 * end. */
static const struct ovsrec_bridge *
other_bridge(const struct patching *p, const struct ovsdb_patch *patch)
{
    const struct ovsrec_bridge *bridge;

    if (!patch->bridge) {
        return p->bridge;
    }
    bridge = find_bridge(p, patch->bridge);
    return (bridge && bridge != p->bridge
            && !strcmp(bridge->datapath_type[0] ? bridge->datapath_type
                       : "system", p->desired->datapath_type)
            ? bridge : NULL);
}

/* Returns true if 'port' is an end that was made here. */
static bool
is_end(const struct patching *p, const struct ovsrec_port *port)
{
    return ovsdb_is_ours(p->desired, &port->external_ids)
           && port->n_interfaces == 1
           && !strcmp(port->interfaces[0]->type, "patch");
}

static void
detach_others(struct patching *p)
{
    const struct ovsrec_bridge *bridge;

    OVSREC_BRIDGE_FOR_EACH (bridge, p->idl) {
        for (size_t i = 0; i < bridge->n_ports; i++) {
            const struct ovsrec_port *port = bridge->ports[i];

            if (is_end(p, port)
                && shash_find_data(&p->ends, port->name) != bridge) {
                ovsrec_bridge_update_ports_delvalue(bridge, port);
                p->changed = true;
            }
        }
    }
}

static void
insert_end(struct patching *p, const struct end *end)
{
    struct ovsrec_interface *iface = ovsrec_interface_insert(p->txn);
    struct ovsrec_port *port = ovsrec_port_insert(p->txn);
    struct smap map = SMAP_INITIALIZER(&map);

    smap_add(&map, OVSDB_OWNER_KEY, p->desired->owner);
    ovsrec_port_set_name(port, end->name);
    ovsrec_port_set_external_ids(port, &map);
    ovsrec_port_set_interfaces(port, &iface, 1);
    if (end->iface_id) {
        smap_add(&map, "iface-id", end->iface_id);
    }
    ovsrec_interface_set_name(iface, end->name);
    ovsrec_interface_set_type(iface, "patch");
    ovsrec_interface_set_external_ids(iface, &map);
    smap_clear(&map);
    smap_add(&map, "peer", end->peer);
    ovsrec_interface_set_options(iface, &map);
    smap_destroy(&map);
    ovsrec_bridge_update_ports_addvalue(end->bridge, port);
    p->changed = true;
}

/* Configures the existing rows of 'end'. */
static void
ensure_end_settings(struct patching *p, const struct end *end)
{
    const struct ovsrec_interface *iface = end->port->interfaces[0];
    const char *peer = smap_get(&iface->options, "peer");
    const char *id = smap_get(&iface->external_ids, "iface-id");

    if (strcmp(iface->type, "patch")) {
        ovsrec_interface_set_type(iface, "patch");
        p->changed = true;
    }
    if (!peer || strcmp(peer, end->peer) || smap_count(&iface->options) > 1) {
        const struct smap options = SMAP_CONST1(&options, "peer", end->peer);

        ovsrec_interface_set_options(iface, &options);
        p->changed = true;
    }
    if (end->iface_id && (!id || strcmp(id, end->iface_id))) {
        ovsrec_interface_update_external_ids_setkey(iface, "iface-id",
                                                    end->iface_id);
        p->changed = true;
    }
    if (!ovsdb_is_ours(p->desired, &iface->external_ids)) {
        ovsrec_interface_update_external_ids_setkey(iface, OVSDB_OWNER_KEY,
                                                    p->desired->owner);
        p->changed = true;
    }
    if (!ovsdb_has_port(end->bridge, end->port)) {
        ovsrec_bridge_update_ports_addvalue(end->bridge, end->port);
        p->changed = true;
    }
}

/* Ensures that both ends exist, or none: a single end would only receive
 * packets. */
static void
ensure_pair(struct patching *p, struct end ends[2])
{
    for (int i = 0; i < 2; i++) {
        if (ends[i].port
            && !ovsdb_is_ours(p->desired, &ends[i].port->external_ids)) {
            return;             /* The snapshot shows the problem. */
        }
    }
    for (int i = 0; i < 2; i++) {
        if (ends[i].port) {
            ensure_end_settings(p, &ends[i]);
        } else {
            insert_end(p, &ends[i]);
        }
    }
}

static void
patching_init(struct patching *p)
{
    const struct ovsrec_port *port;

    shash_init(&p->ports);
    shash_init(&p->ends);
    for (size_t i = 0; i < p->desired->n_patches; i++) {
        const struct ovsdb_patch *patch = &p->desired->patches[i];
        const struct ovsrec_bridge *other = other_bridge(p, patch);

        if (other) {
            shash_add_once(&p->ends, patch->name, p->bridge);
            shash_add_once(&p->ends, patch->other_name, other);
        }
    }
    if (p->desired->n_patches) {
        OVSREC_PORT_FOR_EACH (port, p->idl) {
            shash_add_once(&p->ports, port->name, port);
        }
    }
}

bool
ovsdb_config_patches(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn,
                     const struct ovsdb_desired *desired,
                     const struct ovsrec_bridge *bridge)
{
    struct patching p = { .idl = idl, .txn = txn, .desired = desired,
                          .bridge = bridge };

    patching_init(&p);
    detach_others(&p);
    for (size_t i = 0; i < desired->n_patches; i++) {
        const struct ovsdb_patch *patch = &desired->patches[i];
        const struct ovsrec_bridge *other = other_bridge(&p, patch);

        if (other) {
            struct end ends[] = {
                { .bridge = bridge, .iface_id = patch->iface_id,
                  .name = patch->name, .peer = patch->other_name,
                  .port = shash_find_data(&p.ports, patch->name) },
                { .bridge = other,
                  .name = patch->other_name, .peer = patch->name,
                  .port = shash_find_data(&p.ports, patch->other_name) },
            };

            ensure_pair(&p, ends);
        }
    }
    shash_destroy(&p.ports);
    shash_destroy(&p.ends);
    return p.changed;
}
