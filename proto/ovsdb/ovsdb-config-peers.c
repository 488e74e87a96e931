/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's tunnel ports for single peers, beside the flow-based ones: writes
 * the desired ones into the host's database where they differ; for
 * ovsdb-config.c.  There are two uses, which share the port of a peer, since
 * Open vSwitch refuses a second one of the same configuration:
 *
 * BFD (RFC 5880) watches whether the peer is reached.  It needs an interface
 * with a remote_ip of its own.
 *
 * ovs-monitor-ipsec(8) encrypts a host's tunnels.  That program reads tunnel
 * interfaces with a remote_ip of their own and a "psk" or a "remote_name", and
 * sets IPsec up with each remote_ip.
 *
 * Such a port carries no packets but those of BFD: its tunnel key is 0, which
 * no network has, and packets with any other key belong to the flow-based
 * interface.
 *
 * For peers with a remote_name the program takes the host's own certificate
 * from other_config of Open_vSwitch, and while that is set it ignores every
 * "psk".  So host-join(8) stores the files' names in external_ids, where they
 * have no effect; they are copied when certificates are desired, and removed
 * when not.  A host may have names in other_config that are not vmnd's (none
 * in external_ids, or others): these stay. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <string.h>

#include "proto/ovsdb/vswitch-idl.h"
#include "openvswitch/shash.h"
#include "ovsdb-idl.h"
#include "smap.h"
#include "util.h"

/* The external_ids key of ports that were made here. */
#define PEER_KEY "vmn-peer"

/* Open vSwitch's key in a port's other_config. */
#define TRANSIENT_KEY "transient"

/* A tunnel key that no network has. */
#define INERT_KEY "0"

/* Returns true if 'port' was made here. */
static bool
is_peer_port(const struct ovsdb_desired *desired,
             const struct ovsrec_port *port)
{
    return (ovsdb_is_ours(desired, &port->external_ids)
            && smap_get(&port->external_ids, PEER_KEY)
            && port->n_interfaces == 1);
}

/* Longest name of a file, in bytes. */
#define FILE_NAME_MAX 1023

/* Keys in other_config, and the keys in external_ids from which they are
 * copied. */
static const struct {
    const char *key;
    const char *source;
} files[OVSDB_IPSEC_FILES] = {
    { "certificate", "vmn-ipsec-certificate" },
    { "private_key", "vmn-ipsec-private-key" },
    { "ca_cert", "vmn-ipsec-ca-cert" },
};

unsigned
ovsdb_ipsec_n_files(const struct ovsrec_open_vswitch *ovs)
{
    unsigned n = 0;

    for (size_t i = 0; i < OVSDB_IPSEC_FILES; i++) {
        n += smap_get(&ovs->other_config, files[i].key) != NULL;
    }
    return n;
}

/* Copies the names of the three files if all are given, or removes those that
 * are copies.  Returns true if it changed the row. */
static bool
ensure_files(const struct ovsrec_open_vswitch *ovs, bool present)
{
    bool changed = false;

    for (size_t i = 0; present && i < OVSDB_IPSEC_FILES; i++) {
        const char *source = smap_get(&ovs->external_ids, files[i].source);

        if (!source || !*source || strlen(source) > FILE_NAME_MAX) {
            return false;
        }
    }
    for (size_t i = 0; i < OVSDB_IPSEC_FILES; i++) {
        const char *source = smap_get(&ovs->external_ids, files[i].source);
        const char *value = smap_get(&ovs->other_config, files[i].key);
        bool is_copy = nullable_string_is_equal(value, source);

        if (present && !is_copy) {
            ovsrec_open_vswitch_update_other_config_setkey(
                ovs, files[i].key, source);
            changed = true;
        } else if (!present && value && is_copy) {
            ovsrec_open_vswitch_update_other_config_delkey(ovs, files[i].key);
            changed = true;
        }
    }
    return changed;
}

static bool
is_encrypted(const struct ovsdb_peer *peer)
{
    return peer->psk || peer->remote_name;
}

static void
fill_options(struct smap *options, const struct ovsdb_peer *peer)
{
    smap_init(options);
    smap_add(options, "key", INERT_KEY);
    smap_add(options, "remote_ip", peer->remote_ip);
    if (peer->local_ip) {
        smap_add(options, "local_ip", peer->local_ip);
    }
    if (peer->psk) {
        smap_add(options, "psk", peer->psk);
    } else if (peer->remote_name) {
        smap_add(options, "remote_name", peer->remote_name);
    }
}

static bool
has_option(const struct smap *options, const char *key, const char *value)
{
    return nullable_string_is_equal(smap_get(options, key), value);
}

/* Returns true if 'options' equal those that fill_options() would make,
 * without making them: this is done for every peer whenever the database has
 * changed. */
static bool
has_options(const struct smap *options, const struct ovsdb_peer *peer)
{
    return (smap_count(options) == 2u + is_encrypted(peer)
                                   + (peer->local_ip != NULL)
            && has_option(options, "key", INERT_KEY)
            && has_option(options, "remote_ip", peer->remote_ip)
            && has_option(options, "local_ip", peer->local_ip)
            && (peer->psk
                ? has_option(options, "psk", peer->psk)
                : has_option(options, "remote_name", peer->remote_name)));
}

static void
fill_bfd(struct smap *bfd)
{
    smap_init(bfd);
    smap_add(bfd, "enable", "true");
    smap_add_format(bfd, "min_rx", "%d", OVSDB_BFD_INTERVAL_MS);
    smap_add_format(bfd, "min_tx", "%d", OVSDB_BFD_INTERVAL_MS);
}

/* Returns true if 'bfd' equals what fill_bfd() would make. */
static bool
has_bfd(const struct smap *bfd)
{
    return (smap_count(bfd) == 3 && smap_get_bool(bfd, "enable", false)
            && smap_get_int(bfd, "min_rx", 0) == OVSDB_BFD_INTERVAL_MS
            && smap_get_int(bfd, "min_tx", 0) == OVSDB_BFD_INTERVAL_MS);
}

/* Writes the columns of a peer that is watched. */
static void
set_watched(const struct ovsrec_interface *iface,
            const struct ovsdb_peer *peer)
{
    int64_t ofport = peer->ofport;
    struct smap bfd;

    fill_bfd(&bfd);
    ovsrec_interface_set_bfd(iface, &bfd);
    ovsrec_interface_set_ofport_request(iface, &ofport, 1);
    smap_destroy(&bfd);
}

/* Starts or ends BFD on the interface of an existing port.  Returns true if it
 * changed the row. */
static bool
ensure_bfd(const struct ovsrec_interface *iface, const struct ovsdb_peer *peer,
           bool keep)
{
    if (!peer->bfd && !keep && !smap_is_empty(&iface->bfd)) {
        const struct smap none = SMAP_INITIALIZER(&none);

        ovsrec_interface_set_bfd(iface, &none);
        /* The number may be another peer's next. */
        ovsrec_interface_set_ofport_request(iface, NULL, 0);
        return true;
    }
    if (peer->bfd && (!has_bfd(&iface->bfd) || !iface->n_ofport_request
                      || iface->ofport_request[0] != peer->ofport)) {
        set_watched(iface, peer);
        return true;
    }
    return false;
}

/* Returns true if the port is for sessions alone.  Open vSwitch's scripts
 * delete it when the host boots, if they are told to (ovs-ctl(8),
 * --delete-transient-ports): the switch has no flows then, and others would
 * send to it once they see it. */
static bool
is_transient(const struct ovsdb_peer *peer)
{
    return peer->bfd && !is_encrypted(peer);
}

/* Returns true if it changed the row. */
static bool
ensure_transient(const struct ovsrec_port *port, const struct ovsdb_peer *peer)
{
    /* The scripts know no other way to write it. */
    bool is = !strcmp(smap_get_def(&port->other_config, TRANSIENT_KEY, ""),
                      "true");

    if (is == is_transient(peer)) {
        return false;
    }
    if (is) {
        ovsrec_port_update_other_config_delkey(port, TRANSIENT_KEY);
    } else {
        ovsrec_port_update_other_config_setkey(port, TRANSIENT_KEY, "true");
    }
    return true;
}

/* Configures an existing port and its interface.  Returns true if it changed
 * a row. */
static bool
ensure_peer_settings(const struct ovsrec_port *port,
                     const struct ovsdb_peer *peer, bool keep_bfd)
{
    const struct ovsrec_interface *iface = port->interfaces[0];
    bool changed = ensure_bfd(iface, peer, keep_bfd);

    changed |= ensure_transient(port, peer);

    if (!has_options(&iface->options, peer)) {
        struct smap options;

        fill_options(&options, peer);
        ovsrec_interface_set_options(iface, &options);
        smap_destroy(&options);
        changed = true;
    }
    if (strcmp(iface->type, peer->type)) {
        ovsrec_interface_set_type(iface, peer->type);
        changed = true;
    }
    return changed;
}

static void
insert_peer(struct ovsdb_idl_txn *txn, const struct ovsdb_desired *desired,
            const struct ovsrec_bridge *bridge, const char *name,
            const struct ovsdb_peer *peer)
{
    struct ovsrec_interface *iface = ovsrec_interface_insert(txn);
    struct ovsrec_port *port = ovsrec_port_insert(txn);
    struct smap map = SMAP_INITIALIZER(&map);

    smap_add(&map, OVSDB_OWNER_KEY, desired->owner);
    smap_add(&map, PEER_KEY, "true");
    ovsrec_interface_set_external_ids(iface, &map);
    ovsrec_port_set_external_ids(port, &map);
    smap_destroy(&map);
    fill_options(&map, peer);
    ovsrec_interface_set_options(iface, &map);
    smap_destroy(&map);
    if (peer->bfd) {
        set_watched(iface, peer);
    }
    if (is_transient(peer)) {
        smap_init(&map);
        smap_add(&map, TRANSIENT_KEY, "true");
        ovsrec_port_set_other_config(port, &map);
        smap_destroy(&map);
    }
    ovsrec_interface_set_name(iface, name);
    ovsrec_interface_set_type(iface, peer->type);
    ovsrec_port_set_name(port, name);
    ovsrec_port_set_interfaces(port, &iface, 1);
    ovsrec_bridge_update_ports_addvalue(bridge, port);
}

/* Removes ports that are not in 'peers' (NULL: all) from their bridges, after
 * which the database deletes them, and adds the others to 'there', by name.
 * Removes at most '*left', and subtracts how many these are. */
static void
detach_others(struct ovsdb_idl *idl, const struct ovsdb_desired *desired,
              const struct ovsrec_bridge *bridge,
              const struct ovsdb_peers *peers, struct shash *there,
              size_t *left)
{
    const struct ovsrec_bridge *b;

    OVSREC_BRIDGE_FOR_EACH (b, idl) {
        for (size_t i = 0; i < b->n_ports; i++) {
            const struct ovsrec_port *port = b->ports[i];

            if (!is_peer_port(desired, port)) {
                continue;
            }
            if (b == bridge && peers
                && shash_find(&peers->peers, port->name)) {
                shash_add_once(there, port->name, port);
            } else if (b == bridge && peers && peers->keep_bfd
                       && !smap_is_empty(&port->interfaces[0]->bfd)) {
                continue;
            } else if (*left) {
                ovsrec_bridge_update_ports_delvalue(b, port);
                --*left;
            }
        }
    }
}

bool
ovsdb_name_is_taken(struct ovsdb_idl *idl, const char *name)
{
    const struct ovsrec_interface *iface;
    const struct ovsrec_port *port;

    OVSREC_PORT_FOR_EACH (port, idl) {
        if (!strcmp(port->name, name)) {
            return true;
        }
    }
    OVSREC_INTERFACE_FOR_EACH (iface, idl) {
        if (!strcmp(iface->name, name)) {
            return true;
        }
    }
    return false;
}

char *
ovsdb_peers_refusal(struct ovsdb_idl *idl, const struct ovsdb_desired *desired,
                    const struct ovsdb_peers *peers)
{
    const struct ovsrec_port *port;

    OVSREC_PORT_FOR_EACH (port, idl) {
        const struct ovsdb_peer *peer = shash_find_data(&peers->peers,
                                                        port->name);

        if (peer && is_encrypted(peer) && !is_peer_port(desired, port)) {
            return xasprintf("port \"%s\", which IPsec needs, already exists "
                             "and was not made by %s", port->name,
                             desired->owner);
        }
    }
    return NULL;
}

bool
ovsdb_config_peers(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn,
                   const struct ovsdb_desired *desired,
                   const struct ovsdb_peers *desired_peers,
                   const struct ovsrec_bridge *bridge)
{
    struct shash there = SHASH_INITIALIZER(&there);
    const struct shash *peers = desired_peers ? &desired_peers->peers : NULL;
    bool changed = ensure_files(ovsrec_open_vswitch_first(idl),
                                desired_peers && desired_peers->certificates);
    size_t left = OVSDB_PEERS_SLICE;
    struct shash_node *node;

    detach_others(idl, desired, bridge, desired_peers, &there, &left);
    if (peers) {
        SHASH_FOR_EACH (node, peers) {
            const struct ovsrec_port *port = shash_find_data(&there,
                                                             node->name);

            if (!left) {
                break;
            }
            if (!port && ovsdb_name_is_taken(idl, node->name)) {
                continue;       /* Without BFD a host is served as well. */
            } else if (!port) {
                insert_peer(txn, desired, bridge, node->name, node->data);
                left--;
            } else {
                left -= ensure_peer_settings(port, node->data,
                                             desired_peers->keep_bfd);
            }
        }
    }
    shash_destroy(&there);
    return changed || left < OVSDB_PEERS_SLICE;
}
