/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a host does not report its port to a physical network, for the model's
 * rule which hosts may be a router's gateway (controller/model/gateway-hosts.h
 * calls it).  Not for which bridges are desired (ovsdb/host-provider.c). */

#include <config.h>

#include "controller/fabric/provider-fault.h"

#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/schema/arena.h"
#include "util.h"

/* Returns true if a host in this state reports nothing. */
static bool
is_away(const char *state)
{
    return (!strcmp(state, "offline") || !strcmp(state, "rejected")
            || !strcmp(state, "unheard"));
}

static const char *
find_reason(const struct status_host *status, const char *physical)
{
    for (size_t i = 0; i < status->n_provider_bridges; i++) {
        const struct status_provider_bridge *bridge
            = &status->provider_bridges[i];

        if (!strcmp(bridge->physical, physical) && bridge->reason) {
            return bridge->reason;
        }
    }
    return NULL;
}

char *
fabric_provider_fault(const void *fabric, const char *host,
                      const char *physical, bool details)
{
    struct status_host status = { .state = NULL };
    const char *reason;
    struct arena arena;
    char *fault = NULL;

    arena_init(&arena);
    if (!fabric_host_status(fabric, host, &arena, &status)
        || !status.state) {
        fault = xstrdup("it is not connected yet");
    } else {
        reason = find_reason(&status, physical);
        if (is_away(status.state)) {
            fault = (details && status.reason
                     ? xasprintf("it is %s: %s", status.state, status.reason)
                     : xasprintf("it is %s", status.state));
        } else if (reason) {
            fault = xstrdup(details ? reason
                            : "its bridge to the physical network does not "
                              "work");
        }
    }
    arena_uninit(&arena);
    return fault;
}
