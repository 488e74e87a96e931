/* SPDX-License-Identifier: Apache-2.0
 *
 * Session affinity: a client goes to the backend that it had, for as long as
 * the balancer's timeout says.  Not for which backend a new client gets
 * (backend-choice.c), nor for the flows that are learned
 * (controller/flow/learn-client.c). */

#include "loadbalancer.h"

/* Sets the register by which affinity is looked up.  The ID depends on the
 * timeout: after a change clients are forgotten, but for packets on their way
 * the balancer is the same. */
static void
act_set_affinity(struct vmn_view *view, struct vmn_actions *actions,
                 const struct vmn_loadbalancer *lb)
{
    vmn_act_set(actions, VMN_REG_CLIENT_SERVICE, vmn_id_of(
        view, ID_POOL_AFFINITY, vmn_printf(view, "%s|%u", lb->row.name,
                                           lb->affinity_s)));
}

void
act_find_client(struct vmn_view *view, struct vmn_actions *actions,
                const struct vmn_loadbalancer *lb)
{
    act_set_affinity(view, actions, lb);
    vmn_act_find_client(actions);
}

void
act_learn_client(struct vmn_view *view, struct vmn_actions *actions,
                 const struct vmn_loadbalancer *lb)
{
    act_set_affinity(view, actions, lb);
    vmn_act_learn_client(actions, &(struct vmn_client) {
        .eth_type = vmn_eth_type_of(lb->vip.family),
        .idle_s = lb->affinity_s,
        .from = REG_BACKEND,
    });
}
