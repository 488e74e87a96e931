/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the hosts that a router lists could be its gateway, and why not: one
 * rule for warnings, the router's status, events and metrics.  Not for which
 * of them is the active one: that is app gateway's query. */

#ifndef CONTROLLER_MODEL_GATEWAY_HOSTS_H
#define CONTROLLER_MODEL_GATEWAY_HOSTS_H 1

#include <stdbool.h>

struct arena;
struct model;
struct model_rights;
struct vmn_router;

/* Returns why 'host', which has a bridge to physical network 'physical' in its
 * row, does not report its port there, as a sentence that the caller frees;
 * NULL if it soon will.  Without 'details' the sentence is fit for accounts
 * with a scope. */
typedef char *model_provider_fault_cb(const void *aux, const char *host,
                                      const char *physical, bool details);
/* Sets who knows that; 'cb' NULL, the default: nobody. */
void model_set_provider_faults(struct model *, model_provider_fault_cb *cb,
                               const void *aux);

enum model_gateway {
    MODEL_GATEWAY_ABLE,         /* It reports its port there. */
    MODEL_GATEWAY_PENDING,      /* It is about to. */
    MODEL_GATEWAY_UNABLE,
};

/* Returns whether the host could be the gateway of the router, which has an
 * external network.  Unless it is able, sets '*reason' to a sentence in
 * 'arena', as the client with 'rights' (NULL: all) may see it; else to
 * NULL. */
enum model_gateway model_gateway_host(const struct model *,
                                      const struct model_rights *rights,
                                      const struct vmn_router *,
                                      const char *host, struct arena *arena,
                                      const char **reason);

#endif /* controller/model/gateway-hosts.h */
