/* SPDX-License-Identifier: Apache-2.0
 *
 * Which backend a new connection goes to: the balancer's own, or a fallback's;
 * groups with buckets by weight or by the client's address, and the preference
 * for backends on the client's own host.  Not for which backends serve
 * (backend-state.c), nor for the slots of each (maglev.c). */

#include "balancer.h"

#include <string.h>

#define N_VALUES_MIN 16         /* Open vSwitch uses no fewer hash values. */

static void
backends_add(struct balancer_ctx *ctx, struct backends *list, size_t n_max,
             const struct vmn_lb_member *member)
{
    if (!list->members) {
        list->members = vmn_alloc(ctx->view,
                                  n_max * sizeof *list->members);
    }
    list->members[list->n++] = member;
}

/* Finds the backends of 'balancer' in this domain.  Returns false if none of
 * them serves. */
static bool
find_serving(struct balancer_ctx *ctx, const struct vmn_loadbalancer *balancer)
{
    size_t n;
    const struct vmn_lb_member *members = members_of(
        ctx->view, balancer->row.name, &n);

    for (size_t i = 0; i < n; i++) {
        if (!is_in_domain(ctx, members[i].network)) {
            continue;
        }
        if (balancer == ctx->lb) {
            backends_add(ctx, &ctx->all, n, &members[i]);
        }
        if (members[i].state == VMN_LB_SERVING) {
            backends_add(ctx, &ctx->serving, n, &members[i]);
        }
    }
    ctx->server = balancer;
    return ctx->serving.n > 0;
}

void
find_backends(struct balancer_ctx *ctx)
{
    const struct vmn_loadbalancer *at = ctx->lb;

    for (int i = 0; at && i <= VMN_LB_FALLBACKS_MAX; i++) {
        if (find_serving(ctx, at)) {
            return;
        }
        at = at->fallback ? vmn_read_loadbalancer(ctx->view, at->fallback)
             : NULL;
    }
}

/* Groups.  ---------------------------------------------------------------- */

static unsigned
table_after_choice(const struct balancer_ctx *ctx)
{
    return is_limited(ctx) ? BALANCE_LIMIT : BALANCE_COMMIT;
}

static void
bucket_add(const struct balancer_ctx *ctx, struct vmn_group_msg *group,
           uint32_t id, uint16_t weight, const struct vmn_lb_member *member)
{
    struct vmn_actions *bucket = vmn_bucket_add(group, id, weight);

    if (is_committed_by_group(ctx)) {
        vmn_bucket_count_part(bucket, counter_part(ctx, member));
        act_commit(ctx, bucket, member,
                   target_of(vmn_lb_port_at(ctx->lb, 0)));
        return;
    }
    vmn_act_set(bucket, REG_BACKEND, number_of(ctx, member));
    vmn_act_jump(bucket, STAGE_BALANCE, table_after_choice(ctx));
}

/* Reduces the shares to the fewest hash values with the same proportions, and
 * returns how many these are.  Each is an entry of the datapath's cache, for
 * which the first connection waits and which is revalidated when flows
 * change. */
static uint32_t
reduce_shares(uint32_t *shares, size_t n)
{
    uint32_t n_values = N_SLOTS, bits = 0;

    for (size_t i = 0; i < n; i++) {
        bits |= shares[i];
    }
    for (; n_values > N_VALUES_MIN && !(bits & 1); n_values /= 2) {
        for (size_t i = 0; i < n; i++) {
            shares[i] /= 2;
        }
        bits >>= 1;
    }
    return n_values;
}

/* Adds weighted buckets.  Open vSwitch uses as many hash values as the least
 * weight fits into the sum of all, rounded up to a power of two, at least 16,
 * and distributes them among the buckets by Webster's method
 * (group_setup_dp_hash_table() in ofproto-dpif.c).  That is exact if the
 * weights add up to that power and one of them is 1: so one slot of the
 * backend with the most becomes a bucket of its own. */
static void
add_weighted(const struct balancer_ctx *ctx, struct vmn_group_msg *group,
             const struct backends *backends)
{
    uint32_t *shares = vmn_alloc(ctx->view, backends->n * sizeof *shares);
    uint32_t n_values;
    size_t most = 0;

    slots_share(ctx->view, backends, shares);
    n_values = reduce_shares(shares, backends->n);
    for (size_t i = 1; i < backends->n; i++) {
        most = shares[i] > shares[most] ? i : most;
    }
    if (n_values > N_VALUES_MIN && shares[most] > 1) {
        shares[most]--;
        bucket_add(ctx, group, backends->n, 1, backends->members[most]);
    }
    for (size_t i = 0; i < backends->n; i++) {
        if (shares[i]) {
            bucket_add(ctx, group, i, shares[i], backends->members[i]);
        }
    }
}

/* Adds a bucket for each slot.  Hashed by the client's address, buckets are
 * selected by their weights only if all weights are equal. */
static void
add_slots(const struct balancer_ctx *ctx, struct vmn_group_msg *group,
          const struct backends *backends)
{
    uint16_t slots[N_SLOTS];

    vmn_group_hash_client(group, ctx->lb->vip.family);
    slots_fill(ctx->view, backends, slots);
    for (unsigned i = 0; i < N_SLOTS; i++) {
        bucket_add(ctx, group, i, 1, backends->members[slots[i]]);
    }
}

static const struct vmn_group_msg *
group_add(const struct balancer_ctx *ctx, struct vmn_scope scope,
          const char *host, const struct backends *backends)
{
    struct vmn_group_msg *group = vmn_group_add(
        ctx->emit, scope, VMN_GROUP_SELECT,
        vmn_printf(ctx->view, "loadbalancer/%s/%s%s%s", ctx->lb->row.name,
                   ctx->domain, *host ? "/" : "", host));

    if (ctx->lb->affinity_s) {
        add_slots(ctx, group, backends);
    } else {
        add_weighted(ctx, group, backends);
    }
    return group;
}

/* Has a group choose. */
static void
act_by_group(const struct balancer_ctx *ctx, struct vmn_actions *actions,
             const struct vmn_group_msg *group)
{
    if (is_committed_by_group(ctx)) {
        act_forget_choice(actions);
    }
    vmn_act_group(actions, group);
}

/* Sends on to the backend of that number. */
static void
act_chosen(const struct balancer_ctx *ctx, struct vmn_actions *actions,
           uint32_t number)
{
    vmn_act_set(actions, REG_BACKEND, number);
    vmn_act_goto(actions, STAGE_BALANCE, table_after_choice(ctx));
}

static struct vmn_flow *
choose_add(const struct balancer_ctx *ctx, struct vmn_scope scope,
           uint16_t priority)
{
    struct vmn_flow *flow = flow_add(ctx, scope, BALANCE_CHOOSE, priority);

    vmn_match(flow, REG_BALANCER, ctx->number);
    return flow;
}

/* Returns true if a backend before 'i' is on the same host. */
static bool
is_known_host(const struct backends *all, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (!strcmp(all->members[j]->host, all->members[i]->host)) {
            return true;
        }
    }
    return false;
}

/* Emits the preference for backends on the client's own host, for each host
 * that has some. */
static void
emit_here(struct balancer_ctx *ctx)
{
    const struct backends *all = &ctx->serving;

    for (size_t i = 0; i < all->n; i++) {
        const char *host = all->members[i]->host;
        struct vmn_scope scope = vmn_scope_host(host);
        struct backends here = { 0, NULL };

        if (is_known_host(all, i)) {
            continue;
        }
        for (size_t j = i; j < all->n; j++) {
            if (!strcmp(all->members[j]->host, host)) {
                backends_add(ctx, &here, all->n - i, all->members[j]);
            }
        }
        act_by_group(ctx,
                     vmn_flow_actions(choose_add(ctx, scope, CHOOSE_HERE)),
                     group_add(ctx, scope, host, &here));
    }
}

/* Emits flows for clients with affinity. */
static void
emit_known(const struct balancer_ctx *ctx)
{
    for (size_t i = 0; i < ctx->serving.n; i++) {
        struct vmn_flow *flow = choose_add(ctx, ctx->scope, CHOOSE_KNOWN);
        uint32_t number = number_of(ctx, ctx->serving.members[i]);

        vmn_match(flow, VMN_REG_CLIENT_VALUE, number);
        act_chosen(ctx, vmn_flow_actions(flow), number);
    }
}

void
emit_choice(struct balancer_ctx *ctx)
{
    const struct vmn_lb_member *only = only_backend(ctx);
    struct vmn_actions *actions = vmn_flow_actions(
        choose_add(ctx, ctx->scope, CHOOSE_ANY));

    if (only) {
        /* A group would take packets once more through the datapath. */
        act_chosen(ctx, actions, number_of(ctx, only));
        return;
    }
    if (ctx->lb->affinity_s) {
        emit_known(ctx);
    }
    if (ctx->serving.n && ctx->lb->locality != VMN_LOCALITY_ANY) {
        emit_here(ctx);
    }
    if (!ctx->serving.n) {
        act_reject(actions, "no backend");
    } else if (ctx->lb->locality == VMN_LOCALITY_REQUIRE) {
        act_reject(actions, "no backend on this host");
    } else {
        act_by_group(ctx, actions,
                     group_add(ctx, ctx->scope, "", &ctx->serving));
    }
}
