/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's tunnel ports by which copies of packets leave for addresses
 * outside: writes the desired ones into the host's database where they differ;
 * for ovsdb-config.c.  One of each type serves all copies, since address and
 * key are those that a flow sets.  Not for the tunnels between hosts. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <string.h>

#include "proto/ovsdb/vswitch-idl.h"
#include "ovsdb-idl.h"
#include "smap.h"
#include "util.h"

/* The external_ids key of ports that were made here. */
#define COPIES_KEY "vmn-copies"

static bool
is_copies_port(const struct ovsdb_desired *desired,
               const struct ovsrec_port *port)
{
    return (ovsdb_is_ours(desired, &port->external_ids)
            && smap_get(&port->external_ids, COPIES_KEY)
            && port->n_interfaces == 1);
}

static const struct ovsdb_copy_tunnel *
find_desired(const struct ovsdb_desired *desired, const char *name)
{
    for (size_t i = 0; i < desired->n_copy_tunnels; i++) {
        if (!strcmp(desired->copy_tunnels[i].name, name)) {
            return &desired->copy_tunnels[i];
        }
    }
    return NULL;
}

/* A copy is no matter of its sender, who could make nothing of the message
 * that it is too large: a router on the way may cut it.  Over IPv6 there is no
 * such flag, and Linux answers what does not fit (docs/apps/mirrors.md). */
static void
fill_options(struct smap *options, const struct ovsdb_copy_tunnel *tunnel)
{
    smap_init(options);
    smap_add(options, "key", "flow");
    smap_add(options, "remote_ip", "flow");
    smap_add(options, "df_default", "false");
    if (strstr(tunnel->type, "erspan")) {
        smap_add(options, "erspan_ver", "flow");
    }
}

/* Configures 'iface'; one that is new has no columns to be read.  Returns true
 * if it changed the row. */
static bool
ensure_settings(const struct ovsrec_interface *iface,
                const struct ovsdb_copy_tunnel *tunnel, bool is_new)
{
    int64_t ofport = tunnel->ofport;
    struct smap options;
    bool changed = false;

    fill_options(&options, tunnel);
    if (is_new || !smap_equal(&options, &iface->options)) {
        ovsrec_interface_set_options(iface, &options);
        changed = true;
    }
    smap_destroy(&options);
    if (is_new || strcmp(iface->type, tunnel->type)) {
        ovsrec_interface_set_type(iface, tunnel->type);
        changed = true;
    }
    if (is_new || !iface->n_ofport_request
        || iface->ofport_request[0] != ofport) {
        ovsrec_interface_set_ofport_request(iface, &ofport, 1);
        changed = true;
    }
    return changed;
}

static void
insert_port(struct ovsdb_idl_txn *txn, const struct ovsdb_desired *desired,
            const struct ovsrec_bridge *bridge,
            const struct ovsdb_copy_tunnel *tunnel)
{
    struct ovsrec_interface *iface = ovsrec_interface_insert(txn);
    struct ovsrec_port *port = ovsrec_port_insert(txn);
    struct smap map = SMAP_INITIALIZER(&map);

    smap_add(&map, OVSDB_OWNER_KEY, desired->owner);
    smap_add(&map, COPIES_KEY, "true");
    ovsrec_interface_set_external_ids(iface, &map);
    ovsrec_port_set_external_ids(port, &map);
    smap_destroy(&map);
    ovsrec_interface_set_name(iface, tunnel->name);
    ensure_settings(iface, tunnel, true);
    ovsrec_port_set_name(port, tunnel->name);
    ovsrec_port_set_interfaces(port, &iface, 1);
    ovsrec_bridge_update_ports_addvalue(bridge, port);
}

/* Removes ports that are not desired, or not where they are, from their
 * bridges, after which the database deletes them.  Returns true if there were
 * any. */
static bool
detach_others(struct ovsdb_idl *idl, const struct ovsdb_desired *desired,
              const struct ovsrec_bridge *bridge)
{
    const struct ovsrec_bridge *b;
    bool changed = false;

    OVSREC_BRIDGE_FOR_EACH (b, idl) {
        for (size_t i = 0; i < b->n_ports; i++) {
            const struct ovsrec_port *port = b->ports[i];

            if (is_copies_port(desired, port)
                && (b != bridge || (!desired->keep_copy_tunnels
                                    && !find_desired(desired, port->name)))) {
                ovsrec_bridge_update_ports_delvalue(b, port);
                changed = true;
            }
        }
    }
    return changed;
}

static const struct ovsrec_port *
find_port(const struct ovsrec_bridge *bridge,
          const struct ovsdb_desired *desired, const char *name)
{
    for (size_t i = 0; i < bridge->n_ports; i++) {
        const struct ovsrec_port *port = bridge->ports[i];

        if (!strcmp(port->name, name) && is_copies_port(desired, port)) {
            return port;
        }
    }
    return NULL;
}

bool
ovsdb_config_copies(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn,
                    const struct ovsdb_desired *desired,
                    const struct ovsrec_bridge *bridge)
{
    bool changed = detach_others(idl, desired, bridge);

    for (size_t i = 0; bridge && i < desired->n_copy_tunnels; i++) {
        const struct ovsdb_copy_tunnel *tunnel = &desired->copy_tunnels[i];
        const struct ovsrec_port *port = find_port(bridge, desired,
                                                   tunnel->name);

        if (port) {
            changed |= ensure_settings(port->interfaces[0], tunnel, false);
        } else if (!ovsdb_name_is_taken(idl, tunnel->name)) {
            insert_port(txn, desired, bridge, tunnel);
            changed = true;
        }                       /* Else the snapshot shows the problem. */
    }
    return changed;
}
