/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the query VMN_QUERY_BACKENDS; see balancer-members.h.  The app may
 * have been built with other headers of the ABI, so that its members are
 * shorter or longer than ours. */

#include <config.h>

#include "controller/engine/balancer-members.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "util.h"

struct vmn_lb_member *
engine_balancer_members(struct engine *engine, const char *balancer, size_t *n)
{
    size_t size = 0;
    struct vmn_lb_members *value = engine_peek(engine, VMN_QUERY_BACKENDS,
                                               balancer, &size);
    struct vmn_lb_member *members = NULL;

    *n = 0;
    if (value && size >= sizeof *value && value->n && value->size
        && (size - sizeof *value) / value->size >= value->n) {
        *n = value->n;
        members = xcalloc(*n, sizeof *members);
        for (size_t i = 0; i < *n; i++) {
            memcpy(&members[i], vmn_lb_member_at(value, i),
                   MIN(sizeof *members, value->size));
        }
    }
    free(value);
    return members;
}
