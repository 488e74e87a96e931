/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a host's database into plain structs.  Single columns only: whole
 * tables cost much more memory, and statistics change all the time. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <stdlib.h>
#include <string.h>

#include "proto/ovsdb/vswitch-idl.h"
#include "proto/text/quoted-text.h"
#include "ovsdb-idl.h"
#include "packets.h"
#include "smap.h"
#include "util.h"

static const struct ovsdb_idl_column *const snapshot_columns[] = {
    &ovsrec_open_vswitch_col_bridges,
    &ovsrec_open_vswitch_col_external_ids,
    &ovsrec_open_vswitch_col_other_config,
    &ovsrec_open_vswitch_col_ovs_version,
    &ovsrec_open_vswitch_col_datapath_types,
    &ovsrec_open_vswitch_col_manager_options,
    &ovsrec_bridge_col_name,
    &ovsrec_bridge_col_ports,
    &ovsrec_bridge_col_controller,
    &ovsrec_bridge_col_fail_mode,
    &ovsrec_bridge_col_protocols,
    &ovsrec_bridge_col_datapath_type,
    &ovsrec_bridge_col_datapath_id,
    &ovsrec_bridge_col_other_config,
    &ovsrec_bridge_col_external_ids,
    &ovsrec_bridge_col_sflow,
    &ovsrec_bridge_col_ipfix,
    &ovsrec_bridge_col_flow_tables,
    &ovsrec_port_col_name,
    &ovsrec_port_col_interfaces,
    &ovsrec_port_col_external_ids,
    &ovsrec_port_col_other_config,
    &ovsrec_port_col_qos,
    &ovsrec_interface_col_name,
    &ovsrec_interface_col_type,
    &ovsrec_interface_col_options,
    &ovsrec_interface_col_ofport,
    &ovsrec_interface_col_ofport_request,
    &ovsrec_interface_col_ifindex,
    &ovsrec_interface_col_link_state,
    &ovsrec_interface_col_mtu,
    &ovsrec_interface_col_error,
    &ovsrec_interface_col_status,
    &ovsrec_interface_col_bfd,
    &ovsrec_interface_col_bfd_status,
    &ovsrec_interface_col_external_ids,
    &ovsrec_controller_col_target,
    &ovsrec_controller_col_type,
    &ovsrec_controller_col_connection_mode,
    &ovsrec_controller_col_max_backoff,
    &ovsrec_controller_col_inactivity_probe,
    &ovsrec_controller_col_controller_rate_limit,
    &ovsrec_controller_col_controller_burst_limit,
    &ovsrec_controller_col_external_ids,
    &ovsrec_manager_col_target,
    &ovsrec_manager_col_is_connected,
    &ovsrec_manager_col_external_ids,
    &ovsrec_sflow_col_targets,
    &ovsrec_sflow_col_agent,
    &ovsrec_sflow_col_sampling,
    &ovsrec_sflow_col_polling,
    &ovsrec_sflow_col_header,
    &ovsrec_sflow_col_external_ids,
    &ovsrec_ipfix_col_targets,
    &ovsrec_ipfix_col_sampling,
    &ovsrec_ipfix_col_obs_domain_id,
    &ovsrec_ipfix_col_obs_point_id,
    &ovsrec_ipfix_col_cache_active_timeout,
    &ovsrec_ipfix_col_cache_max_flows,
    &ovsrec_ipfix_col_external_ids,
    &ovsrec_flow_table_col_prefixes,
    &ovsrec_flow_table_col_external_ids,
    &ovsrec_qos_col_type,
    &ovsrec_qos_col_other_config,
    &ovsrec_qos_col_queues,
    &ovsrec_qos_col_external_ids,
    &ovsrec_queue_col_other_config,
    &ovsrec_queue_col_external_ids,
};

const struct ovsdb_idl_column *const *
ovsdb_snapshot_columns(size_t *n)
{
    *n = ARRAY_SIZE(snapshot_columns);
    return snapshot_columns;
}

void
ovsdb_snapshot_register(struct ovsdb_idl *idl)
{
    for (size_t i = 0; i < ARRAY_SIZE(snapshot_columns); i++) {
        ovsdb_idl_add_column(idl, snapshot_columns[i]);
    }
}

/* Only whether there are zones, and whose these are, matters. */
static const struct ovsdb_idl_column *const zone_limit_columns[] = {
    &ovsrec_open_vswitch_col_datapaths,
    &ovsrec_datapath_col_ct_zone_default_limit,
    &ovsrec_datapath_col_ct_zones,
    &ovsrec_datapath_col_external_ids,
    &ovsrec_ct_zone_col_external_ids,
};

const struct ovsdb_idl_column *const *
ovsdb_zone_limit_columns(size_t *n)
{
    *n = ARRAY_SIZE(zone_limit_columns);
    return zone_limit_columns;
}

void
ovsdb_zone_limit_register(struct ovsdb_idl *idl)
{
    for (size_t i = 0; i < ARRAY_SIZE(zone_limit_columns); i++) {
        ovsdb_idl_add_column(idl, zone_limit_columns[i]);
    }
}

static int
compare_bridges(const void *a_, const void *b_)
{
    const struct ovsdb_bridge *a = a_;
    const struct ovsdb_bridge *b = b_;

    return strcmp(a->name, b->name);
}

static int
compare_interfaces(const void *a_, const void *b_)
{
    const struct ovsdb_interface *a = a_;
    const struct ovsdb_interface *b = b_;

    return strcmp(a->name, b->name);
}

/* Copies 's', or NULL, up to a bound: a host's strings may have any length,
 * and some are copied for each of its interfaces. */
static char *
copy_string(const char *s)
{
    size_t n = s ? strnlen(s, OVSDB_MAX_STRING) : 0;

    /* Do not cut a character in two. */
    while (n && (s[n] & 0xc0) == 0x80) {
        n--;
    }
    return s ? xmemdup0(s, n) : NULL;
}

/* Returns true if the interface's network device has been deleted.  On the
 * userspace datapath it keeps its OpenFlow port then, with no link and the
 * index 0, as if it were down; on the kernel's it loses the port.  Only of the
 * type of devices that somebody else makes: others may have no index. */
static bool
has_lost_device(const struct ovsrec_interface *rec)
{
    return ((!rec->type[0] || !strcmp(rec->type, "system"))
            && rec->n_ifindex && !rec->ifindex[0]
            && rec->link_state && strcmp(rec->link_state, "up"));
}

/* Returns the state of the interface's session.  One that the other side has
 * taken down is down ("forwarding" alone says that). */
static enum ovsdb_bfd
bfd_state(const struct ovsrec_interface *rec)
{
    const char *state = smap_get(&rec->bfd_status, "state");

    if (!smap_get_bool(&rec->bfd, "enable", false) || !state) {
        return OVSDB_BFD_NONE;
    }
    return (!strcmp(state, "up")
            && smap_get_bool(&rec->bfd_status, "forwarding", false)
            ? OVSDB_BFD_UP : OVSDB_BFD_DOWN);
}

static void
snapshot_interface(struct ovsdb_interface *iface, const char *bridge,
                   const struct ovsrec_port *port,
                   const struct ovsrec_interface *rec)
{
    iface->name = copy_string(rec->name);
    iface->bridge = copy_string(bridge);
    iface->port = (strcmp(port->name, rec->name) ? copy_string(port->name)
                   : NULL);
    iface->type = copy_string(rec->type);
    iface->iface_id = copy_string(smap_get(&rec->external_ids, "iface-id"));
    iface->owner = copy_string(smap_get(&rec->external_ids,
                                        OVSDB_OWNER_KEY));
    iface->error = text_restrict(copy_string(rec->error));
    /* Sets 0 if it is malformed. */
    eth_addr_from_string(smap_get_def(&rec->external_ids, "attached-mac", ""),
                         &iface->mac);
    if (rec->n_ofport) {
        int64_t ofport = rec->ofport[0];

        iface->ofport = (ofport >= 1 && ofport <= UINT16_MAX
                         && !has_lost_device(rec) ? (int32_t) ofport : -1);
    }
    if (rec->n_mtu && rec->mtu[0] > 0 && rec->mtu[0] <= UINT32_MAX) {
        iface->mtu = (uint32_t) rec->mtu[0];
    }
    iface->link = (!rec->link_state ? OVSDB_LINK_UNKNOWN
                   : !strcmp(rec->link_state, "up") ? OVSDB_LINK_UP
                   : OVSDB_LINK_DOWN);
    iface->bfd = bfd_state(rec);
    iface->bfd_was_up = (iface->bfd != OVSDB_BFD_NONE
                         && smap_get_int(&rec->bfd_status, "flap_count", 0));
    iface->is_tap = !strcmp(smap_get_def(&rec->status, "driver_name", ""),
                            "tun");
    iface->has_qos = port->qos != NULL;
    if (port->qos) {
        iface->qos_owner = copy_string(smap_get(&port->qos->external_ids,
                                                OVSDB_OWNER_KEY));
    }
}

/* Adds the interfaces of 'bridge'. Returns false if there are too many. */
static bool
snapshot_interfaces(struct ovsdb_snapshot *snapshot, size_t *allocated,
                    const struct ovsrec_bridge *bridge)
{
    for (size_t i = 0; i < bridge->n_ports; i++) {
        const struct ovsrec_port *port = bridge->ports[i];

        for (size_t j = 0; j < port->n_interfaces; j++) {
            if (snapshot->n_interfaces >= OVSDB_MAX_INTERFACES) {
                return false;
            }
            if (snapshot->n_interfaces >= *allocated) {
                snapshot->interfaces = x2nrealloc(
                    snapshot->interfaces, allocated,
                    sizeof *snapshot->interfaces);
            }

            struct ovsdb_interface *iface
                = &snapshot->interfaces[snapshot->n_interfaces++];

            *iface = (struct ovsdb_interface) { .name = NULL };
            snapshot_interface(iface, bridge->name, port,
                               port->interfaces[j]);
        }
    }
    return true;
}

static void
snapshot_bridge(struct ovsdb_bridge *bridge, const struct ovsrec_bridge *rec)
{
    unsigned long long int id;

    bridge->name = copy_string(rec->name);
    bridge->datapath_type = copy_string(rec->datapath_type[0]
                                        ? rec->datapath_type : "system");
    bridge->owner = copy_string(smap_get(&rec->external_ids,
                                         OVSDB_OWNER_KEY));
    if (rec->datapath_id && str_to_ullong(rec->datapath_id, 16, &id)) {
        bridge->datapath_id = id;
    }
    bridge->has_sflow = rec->sflow != NULL;
    bridge->has_ipfix = rec->ipfix != NULL;
    if (rec->sflow) {
        bridge->sflow_owner = copy_string(
            smap_get(&rec->sflow->external_ids, OVSDB_OWNER_KEY));
    }
    if (rec->ipfix) {
        bridge->ipfix_owner = copy_string(
            smap_get(&rec->ipfix->external_ids, OVSDB_OWNER_KEY));
    }
}

/* Fills in what concerns the whole switch. */
static void
snapshot_switch(struct ovsdb_snapshot *snapshot,
                const struct ovsrec_open_vswitch *ovs)
{
    snapshot->system_id = copy_string(smap_get(&ovs->external_ids,
                                               "system-id"));
    snapshot->ovs_version = text_restrict(copy_string(ovs->ovs_version));
    snapshot->flow_restore_wait = smap_get_bool(&ovs->other_config,
                                                "flow-restore-wait", false);
    snapshot->hw_offload = smap_get_bool(&ovs->other_config, "hw-offload",
                                         false);
    snapshot->n_ipsec_files = ovsdb_ipsec_n_files(ovs);
    snapshot->n_datapath_types = ovs->n_datapath_types;
    snapshot->datapath_types = xcalloc(MAX(ovs->n_datapath_types, 1),
                                       sizeof *snapshot->datapath_types);
    for (size_t i = 0; i < ovs->n_datapath_types; i++) {
        snapshot->datapath_types[i] = copy_string(ovs->datapath_types[i]);
    }
}

bool
ovsdb_snapshot_possible(struct ovsdb_idl *idl)
{
    return ovsrec_open_vswitch_first(idl) != NULL;
}

struct ovsdb_snapshot *
ovsdb_snapshot_take(struct ovsdb_idl *idl, const char **error)
{
    const struct ovsrec_open_vswitch *ovs = ovsrec_open_vswitch_first(idl);
    struct ovsdb_snapshot *snapshot;
    size_t allocated = 0;

    if (!ovs) {
        *error = "the database has no row in Open_vSwitch";
        return NULL;
    }
    if (ovs->n_bridges > OVSDB_MAX_BRIDGES) {
        *error = "the database has too many bridges";
        return NULL;
    }
    snapshot = xzalloc(sizeof *snapshot);
    snapshot_switch(snapshot, ovs);
    snapshot->bridges = xcalloc(MAX(ovs->n_bridges, 1),
                                sizeof *snapshot->bridges);
    for (size_t i = 0; i < ovs->n_bridges; i++) {
        snapshot_bridge(&snapshot->bridges[snapshot->n_bridges++],
                        ovs->bridges[i]);
        if (!snapshot_interfaces(snapshot, &allocated, ovs->bridges[i])) {
            *error = "the database has too many interfaces";
            ovsdb_snapshot_destroy(snapshot);
            return NULL;
        }
    }
    qsort(snapshot->bridges, snapshot->n_bridges, sizeof *snapshot->bridges,
          compare_bridges);
    if (snapshot->n_interfaces) {
        qsort(snapshot->interfaces, snapshot->n_interfaces,
              sizeof *snapshot->interfaces, compare_interfaces);
    }
    return snapshot;
}

void
ovsdb_snapshot_destroy(struct ovsdb_snapshot *snapshot)
{
    if (!snapshot) {
        return;
    }
    for (size_t i = 0; i < snapshot->n_bridges; i++) {
        free(snapshot->bridges[i].name);
        free(snapshot->bridges[i].datapath_type);
        free(snapshot->bridges[i].owner);
        free(snapshot->bridges[i].sflow_owner);
        free(snapshot->bridges[i].ipfix_owner);
    }
    for (size_t i = 0; i < snapshot->n_interfaces; i++) {
        struct ovsdb_interface *iface = &snapshot->interfaces[i];

        free(iface->name);
        free(iface->bridge);
        free(iface->port);
        free(iface->qos_owner);
        free(iface->type);
        free(iface->iface_id);
        free(iface->owner);
        free(iface->error);
    }
    for (size_t i = 0; i < snapshot->n_datapath_types; i++) {
        free(snapshot->datapath_types[i]);
    }
    free(snapshot->bridges);
    free(snapshot->interfaces);
    free(snapshot->datapath_types);
    free(snapshot->system_id);
    free(snapshot->ovs_version);
    free(snapshot);
}
