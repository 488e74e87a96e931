/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of one balancer's flows share: balancer.c and
 * backend-choice.c. */

#ifndef APPS_BALANCER_H
#define APPS_BALANCER_H 1

#include <string.h>

#include "loadbalancer.h"

/* A balancer in one of its routing domains. */
struct balancer_ctx {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_loadbalancer *lb;
    unsigned ip_proto;
    uint32_t number;            /* The balancer's ID. */
    const char *domain;
    struct vmn_scope scope;
    uint32_t zone;
    const char *vip;            /* As text. */
    struct backends all;        /* The balancer's own. */
    struct backends serving;    /* Those to which new connections go, */
    const struct vmn_loadbalancer *server; /* which are this balancer's. */
};

/* Returns true if the balancer limits connections of each client. */
static inline bool
is_limited(const struct balancer_ctx *ctx)
{
    return ctx->lb->client_limit.rate > 0;
}

static inline bool
is_in_domain(const struct balancer_ctx *ctx, const char *network)
{
    return !strcmp(vmn_domain_of(ctx->view, network), ctx->domain);
}

static inline struct vmn_flow *
flow_add(const struct balancer_ctx *ctx, struct vmn_scope scope,
         unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(ctx->emit, scope, STAGE_BALANCE,
                                         table, priority);

    vmn_match(flow, VMN_REG_ZONE, ctx->zone);
    return flow;
}

/* Returns the ID of a backend of this balancer. */
static inline uint32_t
number_of(const struct balancer_ctx *ctx, const struct vmn_lb_member *member)
{
    return backend_number(ctx->view, ctx->lb->row.name, member->port);
}

/* balancer.c */

/* The part of the balancer's flows that counts the member's connections. */
uint32_t counter_part(const struct balancer_ctx *,
                      const struct vmn_lb_member *);
/* The port to which connections of a service are sent; 0: its own. */
uint16_t target_of(const struct vmn_lb_port *);
/* Returns true if the group that chooses a backend also sends connections
 * there, and counts them: nothing else depends on the choice. */
bool is_committed_by_group(const struct balancer_ctx *);
/* Returns the backend if there is no choice, so that no group is needed; or
 * NULL. */
const struct vmn_lb_member *only_backend(const struct balancer_ctx *);
/* Takes out of the registers what nobody asks for any more: the datapath would
 * go on with flows of its own for each value. */
void act_forget_choice(struct vmn_actions *);
/* Sends a new connection to port 'target' of the member (0: its own). */
void act_commit(const struct balancer_ctx *, struct vmn_actions *,
                const struct vmn_lb_member *, uint16_t target);

/* backend-choice.c */

/* Finds the balancer's own backends, or else those of its first fallback with
 * some. */
void find_backends(struct balancer_ctx *);
/* Emits the choice among the backends that serve. */
void emit_choice(struct balancer_ctx *);

#endif /* apps/loadbalancer/balancer.h */
