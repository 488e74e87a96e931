/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a host does not report its port to a physical network, for the model's
 * rule which hosts may be a router's gateway (controller/model/gateway-hosts.h
 * calls it, for each gateway of each router: so it looks at no more of a host
 * than that).  Not for which bridges are desired (ovsdb/host-provider.c). */

#include <config.h>

#include "controller/fabric/provider-fault.h"

#include <string.h>

#include "controller/fabric/host-overall-state.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/schema/arena.h"
#include "util.h"

/* Returns true if a host in this state reports nothing. */
static bool
is_away(const char *state)
{
    return (!strcmp(state, "offline") || !strcmp(state, "rejected")
            || !strcmp(state, "unheard"));
}

char *
fabric_provider_fault(const void *fabric, const char *name,
                      const char *physical, bool details)
{
    struct fabric_host *host = fabric_find_host(fabric, name);
    struct host_overall_state overall;
    const char *reason;
    struct arena arena;
    char *fault = NULL;

    if (!host) {
        return xstrdup("it is not connected yet");
    }
    arena_init(&arena);
    host_overall_state_get(host, &arena, &overall);
    reason = fabric_db_provider_reason(host, physical);
    if (is_away(overall.state)) {
        fault = (details && overall.reason
                 ? xasprintf("it is %s: %s", overall.state, overall.reason)
                 : xasprintf("it is %s", overall.state));
    } else if (reason) {
        fault = xstrdup(details ? reason
                        : "its bridge to the physical network does not work");
    }
    arena_uninit(&arena);
    return fault;
}
