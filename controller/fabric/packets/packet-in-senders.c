/* SPDX-License-Identifier: Apache-2.0
 *
 * Identifies the sender of a packet-in: its VIF and its port, by durable rows.
 * Reads the model; changes only what is cached of a sender. */

#include <config.h>

#include "controller/fabric/packets/packet-in-senders.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-private.h"
#include "controller/fabric/session/switch.h"
#include "controller/model/model.h"
#include "util.h"

static const struct vmn_vif *
durable_vif(const struct fabric *f, const char *name, uint32_t ofport)
{
    const struct vmn_vif *vif = (name ? model_get_durable(f->model,
                                                          VMN_TABLE_VIF, name,
                                                          NULL) : NULL);

    return vif && vif->ofport == ofport ? vif : NULL;
}

/* Returns port 'name', if it is bound to 'host' and its interface is
 * 'iface_id'. */
static const struct vmn_port *
durable_port(const struct fabric *f, const char *name, const char *host,
             const char *iface_id)
{
    const struct vmn_binding *binding;
    const struct vmn_port *port;

    if (!name) {
        return NULL;
    }
    binding = model_get_durable(f->model, VMN_TABLE_BINDING, name, NULL);
    port = model_get_durable(f->model, VMN_TABLE_PORT, name, NULL);
    return (port && binding && binding->host && !strcmp(binding->host, host)
            && !strcmp(port->iface_id, iface_id) ? port : NULL);
}

static const struct vmn_vif *
search_vif(const struct fabric *f, const char *host, uint32_t ofport)
{
    char *name = xasprintf("%s/", host);
    const struct vmn_vif *vif = model_next_durable(f->model, VMN_TABLE_VIF,
                                                   name, NULL);

    free(name);
    while (vif && !strcmp(vif->host, host) && vif->ofport != ofport) {
        vif = model_next_durable(f->model, VMN_TABLE_VIF, vif->row.name,
                                 NULL);
    }
    return vif && !strcmp(vif->host, host) ? vif : NULL;
}

static const struct vmn_port *
search_port(const struct fabric *f, const char *host, const char *iface_id)
{
    struct vmn_names names = model_lookup(f->model, VMN_INDEX_PORT_BY_HOST,
                                          host);
    const struct vmn_port *port = NULL;

    for (size_t i = 0; i < names.n && !port; i++) {
        port = durable_port(f, names.names[i], host, iface_id);
    }
    return port;
}

const char *
fabric_port_at(const struct fabric *f, const char *host, uint32_t ofport)
{
    const struct vmn_vif *vif = search_vif(f, host, ofport);
    const struct vmn_port *port = vif ? search_port(f, host, vif->iface_id)
                                  : NULL;

    return port ? port->row.name : NULL;
}

bool
fabric_port_is_at(const struct fabric *f, const char *name, const char *host,
                  uint32_t ofport)
{
    const struct vmn_port *port = model_get_durable(f->model, VMN_TABLE_PORT,
                                                    name, NULL);
    char *vif_name = port ? xasprintf("%s/%s", host, port->iface_id) : NULL;
    bool is_at = (durable_vif(f, vif_name, ofport)
                  && durable_port(f, name, host, port->iface_id));

    free(vif_name);
    return is_at;
}

static void
set_name(char **name, const char *row_name)
{
    if (!*name || !row_name || strcmp(*name, row_name)) {
        free(*name);
        *name = nullable_xstrdup(row_name);
    }
}

void
packet_sender_resolve(struct packets_of_switch *ps, struct packet_port *port)
{
    const char *host = ps->sw->host->name;
    const struct fabric *f = ps->sw->host->fabric;
    uint64_t revision = model_durable_revision(f->model);

    /* Durable rows are valid for one durable revision.  After that the cached
     * names most likely still find them. */
    if (port->resolved && port->revision == revision) {
        return;
    }
    port->resolved = true;
    port->revision = revision;
    port->port = NULL;
    port->vif = durable_vif(f, port->vif_name, port->in_port);
    if (!port->vif) {
        port->vif = search_vif(f, host, port->in_port);
    }
    if (port->vif) {
        port->port = durable_port(f, port->port_name, host,
                                  port->vif->iface_id);
    }
    if (port->vif && !port->port) {
        port->port = search_port(f, host, port->vif->iface_id);
    }
    set_name(&port->vif_name, port->vif ? port->vif->row.name : NULL);
    set_name(&port->port_name, port->port ? port->port->row.name : NULL);
}

const struct vmn_port *
packet_sender_port(const struct packets_of_switch *ps, uint32_t in_port)
{
    const char *host = ps->sw->host->name;
    const struct fabric *f = ps->sw->host->fabric;
    const struct vmn_vif *vif = search_vif(f, host, in_port);

    return vif ? search_port(f, host, vif->iface_id) : NULL;
}

uint32_t
packet_sender_find_ofport(const struct packets_of_switch *ps,
                          const char *name)
{
    const struct fabric_host *host = ps->sw->host;
    const struct vmn_port *port
        = model_get_durable(host->fabric->model, VMN_TABLE_PORT, name, NULL);
    const struct vmn_vif *vif;
    char *vif_name;

    if (!port
        || !durable_port(host->fabric, name, host->name, port->iface_id)) {
        return 0;
    }
    vif_name = xasprintf("%s/%s", host->name, port->iface_id);
    vif = model_get_durable(host->fabric->model, VMN_TABLE_VIF, vif_name,
                            NULL);
    free(vif_name);
    return vif ? vif->ofport : 0;
}
