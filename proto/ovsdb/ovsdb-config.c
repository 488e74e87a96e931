/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes a desired configuration (ovsdb.h) into a host's database, where it
 * differs.  Sets and maps that others may also write are changed value by
 * value, so that others' values are kept. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ovsdb/vswitch-idl.h"
#include "ovsdb-idl.h"
#include "smap.h"
#include "util.h"

struct ensure {
    struct ovsdb_idl *idl;
    struct ovsdb_idl_txn *txn;
    const struct ovsrec_open_vswitch *ovs;
    const struct ovsdb_desired *desired;
    /* The ports with the names of the desired configuration's tunnels, or
     * NULL. */
    const struct ovsrec_port *tunnels[OVSDB_TUNNELS_MAX];
    bool changed;
};

static bool
same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static void
mark(const struct ensure *e, struct smap *external_ids)
{
    smap_init(external_ids);
    smap_add(external_ids, OVSDB_OWNER_KEY, e->desired->owner);
}

/* Returns the epoch of the controller that configured the bridge; 0: it has
 * none. */
static int64_t
bridge_epoch(const struct ovsrec_bridge *bridge)
{
    return smap_get_ullong(&bridge->external_ids, OVSDB_EPOCH_KEY, 0);
}

/* Has the bridge say whose it is, of which epoch; and the transaction fail if
 * it says otherwise by then. */
static void
ensure_epoch(struct ensure *e, const struct ovsrec_bridge *bridge)
{
    int64_t epoch = e->desired->epoch;

    if (epoch) {
        ovsrec_bridge_verify_external_ids(bridge);
    }
    if (epoch && bridge_epoch(bridge) != epoch) {
        char *text = xasprintf("%"PRId64, epoch);

        ovsrec_bridge_update_external_ids_setkey(bridge, OVSDB_EPOCH_KEY,
                                                 text);
        free(text);
        e->changed = true;
    } else if (!epoch && smap_get(&bridge->external_ids, OVSDB_EPOCH_KEY)) {
        ovsrec_bridge_update_external_ids_delkey(bridge, OVSDB_EPOCH_KEY);
        e->changed = true;
    }
}

/* Ensures that the bridge's protocols include ours.  An empty set stands for
 * all versions that Open vSwitch supports, so these are added, too. */
static void
ensure_protocols(struct ensure *e, const struct ovsrec_bridge *bridge)
{
    static const char *all[] = {
        "OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14",
        "OpenFlow15",
    };

    if (!bridge->n_protocols) {
        ovsrec_bridge_set_protocols(bridge, all, ARRAY_SIZE(all));
        e->changed = true;
        return;
    }
    for (size_t i = 0; i < bridge->n_protocols; i++) {
        if (!strcmp(bridge->protocols[i], e->desired->protocol)) {
            return;
        }
    }
    ovsrec_bridge_update_protocols_addvalue(bridge, e->desired->protocol);
    e->changed = true;
}

/* Configures 'bridge', which exists and which we may change. */
static void
ensure_bridge_settings(struct ensure *e, const struct ovsrec_bridge *bridge)
{
    const char *type = bridge->datapath_type[0] ? bridge->datapath_type
                                                : "system";

    if (!ovsdb_is_ours(e->desired, &bridge->external_ids)) {
        ovsrec_bridge_update_external_ids_setkey(bridge, OVSDB_OWNER_KEY,
                                                 e->desired->owner);
        e->changed = true;
    }
    ensure_epoch(e, bridge);
    if (!same(bridge->fail_mode, "secure")) {
        ovsrec_bridge_set_fail_mode(bridge, "secure");
        e->changed = true;
    }
    if (strcmp(type, e->desired->datapath_type)) {
        ovsrec_bridge_set_datapath_type(bridge, e->desired->datapath_type);
        e->changed = true;
    }
    if (!smap_get_bool(&bridge->other_config, "disable-in-band", false)) {
        ovsrec_bridge_update_other_config_setkey(bridge, "disable-in-band",
                                                 "true");
        e->changed = true;
    }
    ensure_protocols(e, bridge);
}

static struct ovsrec_port *
insert_port(struct ensure *e, const char *name, const char *type,
            struct ovsrec_interface **ifacep)
{
    struct ovsrec_interface *iface = ovsrec_interface_insert(e->txn);
    struct ovsrec_port *port = ovsrec_port_insert(e->txn);
    struct smap external_ids;

    mark(e, &external_ids);
    ovsrec_interface_set_name(iface, name);
    ovsrec_interface_set_type(iface, type);
    ovsrec_interface_set_external_ids(iface, &external_ids);
    ovsrec_port_set_name(port, name);
    ovsrec_port_set_external_ids(port, &external_ids);
    ovsrec_port_set_interfaces(port, &iface, 1);
    smap_destroy(&external_ids);
    e->changed = true;
    if (ifacep) {
        *ifacep = iface;
    }
    return port;
}

static bool
is_desired(const struct ovsdb_tunnel *tunnel)
{
    return tunnel->name && tunnel->desired;
}

/* Configures 'iface'.  The columns of a new row cannot be read, so all are
 * written. */
static void
ensure_tunnel_settings(struct ensure *e, const struct ovsdb_tunnel *tunnel,
                       const struct ovsrec_interface *iface)
{
    int64_t ofport = tunnel->ofport;
    struct smap options = SMAP_INITIALIZER(&options);

    smap_add(&options, "key", "flow");
    smap_add(&options, "remote_ip", "flow");
    if (e->desired->tunnel_local_ip) {
        smap_add(&options, "local_ip", e->desired->tunnel_local_ip);
    }
    if (e->desired->tunnel_dscp_inherit) {
        smap_add(&options, "tos", "inherit");
    }
    if (!smap_equal(&options, &iface->options)) {
        ovsrec_interface_set_options(iface, &options);
        e->changed = true;
    }
    smap_destroy(&options);
    if (!same(iface->type, tunnel->type)) {
        ovsrec_interface_set_type(iface, tunnel->type);
        e->changed = true;
    }
    if (!iface->n_ofport_request || iface->ofport_request[0] != ofport) {
        ovsrec_interface_set_ofport_request(iface, &ofport, 1);
        e->changed = true;
    }
}

static struct ovsrec_port *
insert_tunnel(struct ensure *e, const struct ovsdb_tunnel *tunnel)
{
    struct ovsrec_interface *iface;
    struct ovsrec_port *port;

    port = insert_port(e, tunnel->name, tunnel->type, &iface);
    ensure_tunnel_settings(e, tunnel, iface);
    return port;
}

/* Inserts the bridge with its local port, the desired tunnels, and
 * 'controllers': single values cannot be added to the columns of a new row. */
static void
insert_bridge(struct ensure *e, struct ovsrec_controller **controllers)
{
    struct ovsrec_bridge *bridge = ovsrec_bridge_insert(e->txn);
    struct ovsrec_port *ports[1 + OVSDB_TUNNELS_MAX];
    size_t n = 0;
    struct smap map;

    ports[n++] = insert_port(e, e->desired->bridge, "internal", NULL);
    for (size_t i = 0; i < OVSDB_TUNNELS_MAX; i++) {
        if (is_desired(&e->desired->tunnels[i])) {
            ports[n++] = (e->tunnels[i]
                          ? CONST_CAST(struct ovsrec_port *, e->tunnels[i])
                          : insert_tunnel(e, &e->desired->tunnels[i]));
        }
    }
    mark(e, &map);
    if (e->desired->epoch) {
        smap_add_format(&map, OVSDB_EPOCH_KEY, "%"PRId64, e->desired->epoch);
    }
    ovsrec_bridge_set_external_ids(bridge, &map);
    smap_destroy(&map);
    smap_init(&map);
    smap_add(&map, "disable-in-band", "true");
    ovsrec_bridge_set_other_config(bridge, &map);
    smap_destroy(&map);
    ovsrec_bridge_set_name(bridge, e->desired->bridge);
    ovsrec_bridge_set_fail_mode(bridge, "secure");
    ovsrec_bridge_set_datapath_type(bridge, e->desired->datapath_type);
    ovsrec_bridge_set_ports(bridge, ports, n);
    ovsrec_bridge_set_controller(bridge, controllers,
                                 e->desired->n_controllers);
    ensure_protocols(e, bridge);
    ovsrec_open_vswitch_update_bridges_addvalue(e->ovs, bridge);
}

bool
ovsdb_has_port(const struct ovsrec_bridge *bridge,
               const struct ovsrec_port *port)
{
    for (size_t i = 0; i < bridge->n_ports; i++) {
        if (bridge->ports[i] == port) {
            return true;
        }
    }
    return false;
}

/* Removes the tunnel port 'port', which is ours, from every bridge but 'keep':
 * a second flow-based port would not work beside it. */
static void
detach_tunnel(struct ensure *e, const struct ovsrec_port *port,
              const struct ovsrec_bridge *keep)
{
    for (size_t i = 0; i < e->ovs->n_bridges; i++) {
        const struct ovsrec_bridge *bridge = e->ovs->bridges[i];

        if (bridge != keep && ovsdb_has_port(bridge, port)) {
            ovsrec_bridge_update_ports_delvalue(bridge, port);
            e->changed = true;
        }
    }
}

/* Limits packet-ins.  Packets of a quarter of a second may wait in the switch,
 * in a queue for each port, so that a port that floods does not affect
 * others. */
static void
ensure_controller_rate(struct ensure *e, const struct ovsrec_controller *c)
{
    int64_t rate = e->desired->controller_rate_pps;
    size_t n = rate > 0;

    rate = MAX(rate, OVSDB_CONTROLLER_RATE_MIN);

    int64_t burst = rate / 4;

    if (c->n_controller_rate_limit != n
        || (n && c->controller_rate_limit[0] != rate)) {
        ovsrec_controller_set_controller_rate_limit(c, &rate, n);
        e->changed = true;
    }
    if (c->n_controller_burst_limit != n
        || (n && c->controller_burst_limit[0] != burst)) {
        ovsrec_controller_set_controller_burst_limit(c, &burst, n);
        e->changed = true;
    }
}

/* Configures the controller's row, new or not. */
static void
ensure_controller_settings(struct ensure *e,
                           const struct ovsrec_controller *c)
{
    int64_t backoff = e->desired->controller_max_backoff_ms;
    int64_t probe = e->desired->controller_probe_ms;

    if (!same(c->connection_mode, "out-of-band")) {
        ovsrec_controller_set_connection_mode(c, "out-of-band");
        e->changed = true;
    }
    if (!c->n_max_backoff || c->max_backoff[0] != backoff) {
        ovsrec_controller_set_max_backoff(c, &backoff, 1);
        e->changed = true;
    }
    if (!c->n_inactivity_probe || c->inactivity_probe[0] != probe) {
        ovsrec_controller_set_inactivity_probe(c, &probe, 1);
        e->changed = true;
    }
    ensure_controller_rate(e, c);
}

/* Inserts one of our controllers, of type "service".  A bridge that comes to
 * have a controller of type "primary", or has none any more, deletes all of
 * its flows; at a start Open vSwitch has its scripts restore these first
 * (ovs-ctl(8), --restart) and only then looks for controllers.  For the same
 * reason the type of a row that is there already stays as it is.  As there is
 * no other, a bridge in fail mode "secure" does nothing by itself. */
static struct ovsrec_controller *
insert_controller(struct ensure *e, const char *target)
{
    struct ovsrec_controller *controller = ovsrec_controller_insert(e->txn);
    struct smap external_ids;

    mark(e, &external_ids);
    ovsrec_controller_set_external_ids(controller, &external_ids);
    smap_destroy(&external_ids);
    ovsrec_controller_set_target(controller, target);
    ovsrec_controller_set_type(controller, "service");
    ensure_controller_settings(e, controller);
    e->changed = true;
    return controller;
}

/* Returns the first controller of 'bridge' with the target, ours or another's;
 * or NULL. */
static const struct ovsrec_controller *
find_controller(const struct ovsrec_bridge *bridge, const char *target)
{
    for (size_t i = 0; i < bridge->n_controller; i++) {
        if (same(bridge->controller[i]->target, target)) {
            return bridge->controller[i];
        }
    }
    return NULL;
}

/* Returns true if 'c' is the one of its target that is to be in 'bridge'. */
static bool
is_desired_controller(const struct ensure *e,
                      const struct ovsrec_bridge *bridge,
                      const struct ovsrec_controller *c)
{
    for (size_t i = 0; i < e->desired->n_controllers; i++) {
        if (same(c->target, e->desired->controllers[i])) {
            return c == find_controller(bridge, c->target);
        }
    }
    return false;
}

/* Removes our controllers from 'bridge', but for those that are 'desired'
 * there, which it configures. */
static void
ensure_old_controllers(struct ensure *e, const struct ovsrec_bridge *bridge,
                       bool desired)
{
    for (size_t i = 0; i < bridge->n_controller; i++) {
        const struct ovsrec_controller *c = bridge->controller[i];

        if (!ovsdb_is_ours(e->desired, &c->external_ids)) {
            continue;
        }
        if (desired && is_desired_controller(e, bridge, c)) {
            ensure_controller_settings(e, c);
        } else {
            ovsrec_bridge_update_controller_delvalue(bridge, c);
            e->changed = true;
        }
    }
}

static void
ensure_controllers(struct ensure *e, const struct ovsrec_bridge *bridge)
{
    ensure_old_controllers(e, bridge, true);
    for (size_t i = 0; i < e->desired->n_controllers; i++) {
        const char *target = e->desired->controllers[i];

        if (!find_controller(bridge, target)) {
            ovsrec_bridge_update_controller_addvalue(
                bridge, insert_controller(e, target));
        }
    }
}

/* Inserts the bridge, with all that is desired of it. */
static void
make_bridge(struct ensure *e)
{
    size_t n = e->desired->n_controllers;
    struct ovsrec_controller **controllers = xcalloc(MAX(n, 1),
                                                     sizeof *controllers);

    for (size_t i = 0; i < n; i++) {
        controllers[i] = insert_controller(e, e->desired->controllers[i]);
    }
    insert_bridge(e, controllers);
    free(controllers);
}

static const struct ovsrec_bridge *
find_bridge(const struct ensure *e)
{
    for (size_t i = 0; i < e->ovs->n_bridges; i++) {
        if (!strcmp(e->ovs->bridges[i]->name, e->desired->bridge)) {
            return e->ovs->bridges[i];
        }
    }
    return NULL;
}

static const struct ovsrec_port *
find_port(const struct ensure *e, const char *name)
{
    const struct ovsrec_port *port;

    OVSREC_PORT_FOR_EACH (port, e->idl) {
        if (!strcmp(port->name, name)) {
            return port;
        }
    }
    return NULL;
}

/* Returns what prevents the configuration, as a sentence that the caller
 * frees, or NULL. */
static char *
ensure_refusal(const struct ensure *e, const struct ovsrec_bridge *bridge)
{
    const struct ovsrec_port *local;

    if (bridge && e->desired->epoch
        && bridge_epoch(bridge) > e->desired->epoch) {
        return xasprintf("bridge \"%s\" is managed by a controller of a "
                         "later epoch, %"PRId64, e->desired->bridge,
                         bridge_epoch(bridge));
    }
    if (e->desired->removed) {
        return NULL;
    }
    if (bridge && !e->desired->adopt
        && !ovsdb_is_ours(e->desired, &bridge->external_ids)) {
        return xasprintf("bridge \"%s\" already exists and was not made by "
                         "%s; set \"adopt\" to take it over",
                         e->desired->bridge, e->desired->owner);
    }
    for (size_t i = 0; i < OVSDB_TUNNELS_MAX; i++) {
        const struct ovsrec_port *tunnel = e->tunnels[i];

        if (tunnel && is_desired(&e->desired->tunnels[i])
            && !ovsdb_is_ours(e->desired, &tunnel->external_ids)) {
            return xasprintf("port \"%s\" already exists and was not made "
                             "by %s", tunnel->name, e->desired->owner);
        }
    }
    local = bridge ? NULL : find_port(e, e->desired->bridge);
    if (local) {
        return xasprintf("bridge \"%s\" cannot be created: a port has its "
                         "name",
                         e->desired->bridge);
    }
    return NULL;
}

/* Configures the existing tunnels, and removes them from every bridge but
 * 'bridge', which may be NULL, or from all bridges if they are not desired. */
static void
ensure_old_tunnels(struct ensure *e, const struct ovsrec_bridge *bridge)
{
    for (size_t i = 0; i < OVSDB_TUNNELS_MAX; i++) {
        const struct ovsdb_tunnel *tunnel = &e->desired->tunnels[i];
        const struct ovsrec_port *port = e->tunnels[i];

        if (!port || !ovsdb_is_ours(e->desired, &port->external_ids)) {
            continue;
        }
        detach_tunnel(e, port, tunnel->desired ? bridge : NULL);
        if (tunnel->desired) {
            ensure_tunnel_settings(e, tunnel, port->interfaces[0]);
        }
    }
}

/* Adds the desired tunnels to 'bridge'. */
static void
ensure_tunnels(struct ensure *e, const struct ovsrec_bridge *bridge)
{
    for (size_t i = 0; i < OVSDB_TUNNELS_MAX; i++) {
        const struct ovsdb_tunnel *tunnel = &e->desired->tunnels[i];
        const struct ovsrec_port *port = e->tunnels[i];

        if (is_desired(tunnel) && (!port || !ovsdb_has_port(bridge, port))) {
            ovsrec_bridge_update_ports_addvalue(
                bridge, port ? port : insert_tunnel(e, tunnel));
            e->changed = true;
        }
    }
}

/* Removes the marks from 'bridge'.  One that was made here keeps that of its
 * owner: it is nobody else's, and need not be adopted to be configured
 * again. */
static void
remove_marks(struct ensure *e, const struct ovsrec_bridge *bridge)
{
    ovsrec_bridge_verify_external_ids(bridge);
    if (smap_get(&bridge->external_ids, OVSDB_EPOCH_KEY)) {
        ovsrec_bridge_update_external_ids_delkey(bridge, OVSDB_EPOCH_KEY);
        e->changed = true;
    }
    if (e->desired->adopt
        && ovsdb_is_ours(e->desired, &bridge->external_ids)) {
        ovsrec_bridge_update_external_ids_delkey(bridge, OVSDB_OWNER_KEY);
        e->changed = true;
    }
}

/* Removes all rows that were made here, but for those of 'bridge' (NULL: there
 * is none) itself. */
static void
remove_all(struct ensure *e, const struct ovsrec_bridge *bridge)
{
    for (size_t i = 0; i < e->ovs->n_bridges; i++) {
        ensure_old_controllers(e, e->ovs->bridges[i], false);
        e->changed |= ovsdb_config_prefixes(e->txn, e->desired,
                                            e->ovs->bridges[i]);
    }
    ensure_old_tunnels(e, NULL);
    e->changed |= ovsdb_config_zone_limit(e->idl, e->txn, e->desired);
    e->changed |= ovsdb_config_patches(e->idl, e->txn, e->desired, NULL);
    e->changed |= ovsdb_config_copies(e->idl, e->txn, e->desired, NULL);
    e->changed |= ovsdb_config_peers(e->idl, e->txn, e->desired, NULL, NULL);
    e->changed |= ovsdb_config_telemetry(e->idl, e->txn, e->desired);
    e->changed |= ovsdb_config_queues(e->idl, e->txn, e->desired);
    if (bridge) {
        remove_marks(e, bridge);
    }
}

bool
ovsdb_config_apply(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn,
                   const struct ovsdb_desired *desired, char **refusal)
{
    struct ensure e = {
        .idl = idl,
        .txn = txn,
        .ovs = ovsrec_open_vswitch_first(idl),
        .desired = desired,
    };
    const struct ovsdb_peers *peers
        = (desired->peers ? desired->peers(desired->peers_aux) : NULL);
    const struct ovsrec_bridge *bridge = find_bridge(&e);

    for (size_t i = 0; i < OVSDB_TUNNELS_MAX; i++) {
        if (desired->tunnels[i].name) {
            e.tunnels[i] = find_port(&e, desired->tunnels[i].name);
        }
    }
    *refusal = ensure_refusal(&e, bridge);
    if (!*refusal && peers) {
        *refusal = ovsdb_peers_refusal(idl, desired, peers);
    }
    if (*refusal) {
        return false;
    }
    if (desired->removed) {
        remove_all(&e, bridge);
        return e.changed;
    }
    for (size_t i = 0; i < e.ovs->n_bridges; i++) {
        if (e.ovs->bridges[i] != bridge) {
            ensure_old_controllers(&e, e.ovs->bridges[i], false);
        }
    }
    ensure_old_tunnels(&e, bridge);
    e.changed |= ovsdb_config_zone_limit(idl, txn, desired);
    e.changed |= ovsdb_config_managers(idl, txn, desired);
    if (!bridge) {
        make_bridge(&e);
        return true;
    }
    ensure_bridge_settings(&e, bridge);
    ensure_tunnels(&e, bridge);
    e.changed |= ovsdb_config_patches(idl, txn, desired, bridge);
    e.changed |= ovsdb_config_copies(idl, txn, desired, bridge);
    e.changed |= ovsdb_config_prefixes(txn, desired, bridge);
    e.changed |= ovsdb_config_peers(idl, txn, desired, peers, bridge);
    e.changed |= ovsdb_config_telemetry(idl, txn, desired);
    e.changed |= ovsdb_config_queues(idl, txn, desired);
    ensure_controllers(&e, bridge);
    return e.changed;
}
