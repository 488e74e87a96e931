/* SPDX-License-Identifier: Apache-2.0
 *
 * How many connections a client may open in a second.  A switch has meters for
 * that, but none that it makes itself for each client: so a limit is a pool of
 * many, of which a client's address picks one.  Balancers of one domain that
 * have the same limit share the pool, and a client has another one in it for
 * each of them, so that those that happen to share one at a balancer hardly do
 * at others. Each host counts for itself. */

#include "loadbalancer.h"

#include <stdlib.h>

/* Of a pool.  Clients whose addresses hash to the same meter share its
 * limit. */
#define N_METERS 256
#define METER_BITS 8

static const char *
pool_key(struct vmn_view *view, const struct vmn_loadbalancer *lb,
         const char *domain)
{
    const struct vmn_lb_client_limit *limit = &lb->client_limit;

    return vmn_printf(view, "%s|%u|%u", domain, limit->rate,
                      vmn_lb_burst(limit));
}

/* Returns the value of register 13 for the pool's first meter. */
static uint32_t
pool_base(struct vmn_view *view, const char *key)
{
    return vmn_id_of(view, ID_POOL_LIMIT, key) << METER_BITS;
}

void
publish_limit(struct vmn_view *view, struct vmn_emit *emit,
              const struct vmn_loadbalancer *lb, const char *domain)
{
    vmn_publish(emit, REL_LIMIT, pool_key(view, lb, domain), lb->row.name);
}

void
act_limit(struct vmn_view *view, struct vmn_actions *actions,
          const struct vmn_loadbalancer *lb, const char *domain,
          uint32_t balancer)
{
    vmn_act_set(actions, REG_LIMIT,
                pool_base(view, pool_key(view, lb, domain)));
    vmn_act_hash_client(actions, balancer, REG_LIMIT, N_METERS);
    vmn_act_goto(actions, STAGE_BALANCE, BALANCE_METER);
}

/* Compiles a port's limit of new connections, for those to virtual IPs.
 * Packets within the limit pass the table again. */
void
compile_port_limit(struct vmn_view *view, const char *key,
                   struct vmn_emit *emit)
{
    struct vmn_limited limited[2];
    size_t n = vmn_connection_limits(view, key, limited);

    for (size_t i = 0; i < n; i++) {
        struct vmn_flow *flow = vmn_flow_add(
            emit, vmn_scope_host(limited[i].host), STAGE_BALANCE,
            BALANCE_SELECT, SELECT_PORT_LIMITED);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_limit_connections(view, flow, &limited[i]);
        vmn_act_set_masked(actions, VMN_REG_FLAGS, VMN_FLAG_LIMITED,
                           VMN_FLAG_LIMITED);
        vmn_act_jump(actions, STAGE_BALANCE, BALANCE_SELECT);
    }
}

/* Compiles a pool of meters; 'key' is DOMAIN|RATE|BURST. */
void
compile_limit(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    uint32_t base = pool_base(view, key), zone;
    const char *parts[3];

    if (vmn_key_split(view, key, parts, 3) < 3) {
        return;
    }
    zone = vmn_domain_zone(view, parts[0]);
    for (uint32_t i = 0; i < N_METERS; i++) {
        struct vmn_flow *flow = vmn_flow_add(
            emit, vmn_scope_domain(parts[0]), STAGE_BALANCE, BALANCE_METER,
            METER_ONE);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, VMN_REG_ZONE, zone);
        vmn_match(flow, REG_LIMIT, base + i);
        vmn_act_limit(actions, vmn_printf(view, "loadbalancer/%s/%u",
                                          parts[0], i),
                      strtoul(parts[1], NULL, 10),
                      strtoul(parts[2], NULL, 10));
        vmn_act_goto(actions, STAGE_BALANCE, BALANCE_COMMIT);
    }
}
