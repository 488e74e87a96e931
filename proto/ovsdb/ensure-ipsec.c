/* SPDX-License-Identifier: Apache-2.0
 *
 * What has ovs-monitor-ipsec(8) on a host encrypt its tunnels, written into
 * the host's database where it says otherwise; for ensure.c.
 *
 * That program looks for tunnel interfaces with a remote_ip of their own and a
 * "psk", and asks for IPsec with each remote_ip.  The wish's tunnels are
 * flow-based, so there is one more interface for each peer.  It takes no
 * packet and nobody sends to it: its tunnel key is 0, which no network has,
 * and packets with any other key are the flow-based interface's. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <string.h>

#include "lib/vswitch-idl.h"
#include "openvswitch/shash.h"
#include "ovsdb-idl.h"
#include "smap.h"
#include "util.h"

/* The external_ids key of ports that were made here. */
#define IPSEC_KEY "vmn-ipsec"

/* The tunnel key that no network has. */
#define INERT_KEY "0"

static bool
is_ours(const struct ovsdb_wish *wish, const struct smap *external_ids)
{
    const char *owner = smap_get(external_ids, OVSDB_OWNER_KEY);

    return owner && !strcmp(owner, wish->owner);
}

/* Returns true if 'port' was made here. */
static bool
is_peer_port(const struct ovsdb_wish *wish, const struct ovsrec_port *port)
{
    return (is_ours(wish, &port->external_ids)
            && smap_get(&port->external_ids, IPSEC_KEY)
            && port->n_interfaces == 1);
}

static void
fill_options(struct smap *options, const struct ovsdb_ipsec_peer *peer)
{
    smap_init(options);
    smap_add(options, "key", INERT_KEY);
    smap_add(options, "remote_ip", peer->remote_ip);
    if (peer->local_ip) {
        smap_add(options, "local_ip", peer->local_ip);
    }
    smap_add(options, "psk", peer->psk);
}

/* Sets up the interface of a port that is there.  Returns true if it wrote
 * anything. */
static bool
ensure_peer_settings(const struct ovsrec_interface *iface,
                     const struct ovsdb_ipsec_peer *peer)
{
    struct smap options;
    bool changed = false;

    fill_options(&options, peer);
    if (!smap_equal(&options, &iface->options)) {
        ovsrec_interface_set_options(iface, &options);
        changed = true;
    }
    smap_destroy(&options);
    if (strcmp(iface->type, peer->type)) {
        ovsrec_interface_set_type(iface, peer->type);
        changed = true;
    }
    return changed;
}

static void
insert_peer(struct ovsdb_idl_txn *txn, const struct ovsdb_wish *wish,
            const struct ovsrec_bridge *bridge,
            const struct ovsdb_ipsec_peer *peer)
{
    struct ovsrec_interface *iface = ovsrec_interface_insert(txn);
    struct ovsrec_port *port = ovsrec_port_insert(txn);
    struct smap map = SMAP_INITIALIZER(&map);

    smap_add(&map, OVSDB_OWNER_KEY, wish->owner);
    smap_add(&map, IPSEC_KEY, "true");
    ovsrec_interface_set_external_ids(iface, &map);
    ovsrec_port_set_external_ids(port, &map);
    smap_destroy(&map);
    fill_options(&map, peer);
    ovsrec_interface_set_options(iface, &map);
    smap_destroy(&map);
    ovsrec_interface_set_name(iface, peer->name);
    ovsrec_interface_set_type(iface, peer->type);
    ovsrec_port_set_name(port, peer->name);
    ovsrec_port_set_interfaces(port, &iface, 1);
    ovsrec_bridge_update_ports_addvalue(bridge, port);
}

/* Takes ports that are not in 'wanted' any more off their bridges, where the
 * database removes what no bridge has, and adds the names of those that stay
 * to 'there'.  Returns true if it wrote anything. */
static bool
detach_unwanted(struct ovsdb_idl *idl, const struct ovsdb_wish *wish,
                const struct ovsrec_bridge *bridge,
                const struct shash *wanted, struct shash *there)
{
    const struct ovsrec_bridge *b;
    bool changed = false;

    OVSREC_BRIDGE_FOR_EACH (b, idl) {
        for (size_t i = 0; i < b->n_ports; i++) {
            const struct ovsrec_port *port = b->ports[i];

            if (!is_peer_port(wish, port)) {
                continue;
            }
            if (b == bridge && shash_find(wanted, port->name)) {
                shash_add_once(there, port->name, port);
            } else {
                ovsrec_bridge_update_ports_delvalue(b, port);
                changed = true;
            }
        }
    }
    return changed;
}

char *
ovsdb_ipsec_refusal(struct ovsdb_idl *idl, const struct ovsdb_wish *wish)
{
    struct shash wanted = SHASH_INITIALIZER(&wanted);
    const struct ovsrec_port *port;
    char *refusal = NULL;

    for (size_t i = 0; i < wish->n_ipsec_peers; i++) {
        shash_add_once(&wanted, wish->ipsec_peers[i].name, wish);
    }
    OVSREC_PORT_FOR_EACH (port, idl) {
        if (shash_find(&wanted, port->name) && !is_peer_port(wish, port)) {
            refusal = xasprintf("port \"%s\", which IPsec needs, is there "
                                "already and was not made by %s", port->name,
                                wish->owner);
            break;
        }
    }
    shash_destroy(&wanted);
    return refusal;
}

bool
ovsdb_ensure_ipsec(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn,
                   const struct ovsdb_wish *wish,
                   const struct ovsrec_bridge *bridge)
{
    struct shash wanted = SHASH_INITIALIZER(&wanted);
    struct shash there = SHASH_INITIALIZER(&there);
    struct shash_node *node;
    bool changed;

    for (size_t i = 0; i < wish->n_ipsec_peers; i++) {
        shash_add_once(&wanted, wish->ipsec_peers[i].name,
                       &wish->ipsec_peers[i]);
    }
    changed = detach_unwanted(idl, wish, bridge, &wanted, &there);
    SHASH_FOR_EACH (node, &wanted) {
        const struct ovsdb_ipsec_peer *peer = node->data;
        const struct ovsrec_port *port = shash_find_data(&there, node->name);

        if (port) {
            changed |= ensure_peer_settings(port->interfaces[0], peer);
        } else {
            insert_peer(txn, wish, bridge, peer);
            changed = true;
        }
    }
    shash_destroy(&wanted);
    shash_destroy(&there);
    return changed;
}
