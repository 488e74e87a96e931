/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the backends of balancers from app loadbalancer, in the layout of this
 * daemon's headers. */

#ifndef CONTROLLER_ENGINE_BALANCER_MEMBERS_H
#define CONTROLLER_ENGINE_BALANCER_MEMBERS_H 1

#include <stddef.h>

struct engine;
struct vmn_lb_member;

/* Returns the value of VMN_QUERY_BACKENDS for 'balancer': '*n' members, which
 * the caller frees, or NULL.  No dependency is recorded. */
struct vmn_lb_member *engine_balancer_members(struct engine *,
                                              const char *balancer, size_t *n);

#endif /* controller/engine/balancer-members.h */
