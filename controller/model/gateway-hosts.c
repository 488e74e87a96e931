/* SPDX-License-Identifier: Apache-2.0
 *
 * See gateway-hosts.h.  A host that is silent has lost the interface of its
 * port to the physical network, as app gateway sees it. */

#include <config.h>

#include "controller/model/gateway-hosts.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "util.h"

void
model_set_provider_faults(struct model *model, model_provider_fault_cb *cb,
                          const void *aux)
{
    model->provider_fault = cb;
    model->provider_fault_aux = aux;
}

static bool
has_bridge(const struct vmn_host *host, const char *physical)
{
    for (size_t i = 0; i < host->n_provider_bridges; i++) {
        if (!strcmp(host->provider_bridges[i].physical, physical)) {
            return true;
        }
    }
    return false;
}

static const struct vmn_vif *
find_port(const struct model *model, const char *host, const char *physical)
{
    char *key = xasprintf("%s/@%s", host, physical);
    const struct vmn_vif *vif = model_get(model, VMN_TABLE_VIF, key);

    free(key);
    return vif;
}

/* Returns the fault of a host that does not report its port, in 'arena', or
 * NULL. */
static const char *
find_fault(const struct model *model, const struct model_rights *rights,
           const char *host, const char *physical, struct arena *arena)
{
    bool details = !rights || !rights->scope.text;
    const char *text;
    char *fault;

    fault = (model->provider_fault
             ? model->provider_fault(model->provider_fault_aux, host, physical,
                                     details)
             : NULL);
    text = fault ? arena_strdup(arena, fault) : NULL;
    free(fault);
    return text;
}

enum model_gateway
model_gateway_host(const struct model *model,
                   const struct model_rights *rights,
                   const struct vmn_router *router, const char *name,
                   struct arena *arena, const char **reason)
{
    const struct vmn_network *network = model_get(
        model, VMN_TABLE_NETWORK, router->external.network);
    const struct vmn_host *host = model_get(model, VMN_TABLE_HOST, name);
    const char *physical = network ? network->provider.physical : NULL;
    const struct vmn_vif *vif;

    *reason = NULL;
    if (!physical || !host) {
        *reason = host ? "the external network is not there"
                  : "there is no host of this name";
        return MODEL_GATEWAY_UNABLE;
    } else if (host->lost) {
        *reason = "it is declared lost";
        return MODEL_GATEWAY_UNABLE;
    } else if (!has_bridge(host, physical)) {
        *reason = arena_printf(arena, "it has no provider bridge to physical "
                               "network \"%s\"", physical);
        return MODEL_GATEWAY_UNABLE;
    }
    vif = find_port(model, name, physical);
    if (vif && vif->cut_off) {
        *reason = "no host that watches it by BFD reaches it";
        return MODEL_GATEWAY_UNABLE;
    } else if (vif) {
        return MODEL_GATEWAY_ABLE;
    }
    *reason = find_fault(model, rights, name, physical, arena);
    if (*reason) {
        return MODEL_GATEWAY_UNABLE;
    }
    *reason = arena_printf(arena, "it does not report its port to physical "
                           "network \"%s\" yet", physical);
    return MODEL_GATEWAY_PENDING;
}
