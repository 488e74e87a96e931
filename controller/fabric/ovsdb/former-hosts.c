/* SPDX-License-Identifier: Apache-2.0
 *
 * For how long a port's binding names the host that its guest has migrated
 * from, after that has dropped the interface: VM managers do so at once, often
 * before the guest has sent anything by its new host.  Apps have the new one
 * ask it for what only a switch knows: backends of connections, neighbours.
 * The time is not stored: it begins anew as vmnd starts.  A standby of a
 * cluster counts it as well, from when it learned of the binding.  Not for
 * which host that is (binding-decision.c). */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "controller/fabric/ovsdb/observed-state.h"
#include "timeval.h"
#include "util.h"

static int64_t
left_ms(const struct observed_state *state, const struct observed_port *port)
{
    return port->former_ms + state->fabric->migration_grace_ms - time_msec();
}

static void
wait_until_over(struct observed_state *state, const struct observed_port *port)
{
    int64_t left = MAX(left_ms(state, port), 0);
    const struct timeval tv = {
        .tv_sec = left / 1000,
        .tv_usec = left % 1000 * 1000,
    };

    event_add(state->former_over, &tv);
}

void
former_hosts_check(struct observed_state *state)
{
    struct observed_port *port;

    if (fabric_stands_by(state->fabric)) {
        return;
    }
    LIST_FOR_EACH (port, former_node, &state->former) {
        if (left_ms(state, port) > 0) {
            wait_until_over(state, port);
            return;
        }
        observed_port_due(state, port, NULL);
    }
}

static void
over_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *state)
{
    former_hosts_check(state);
}

void
former_hosts_init(struct observed_state *state)
{
    state->former_over = evtimer_new(state->fabric->base, over_cb, state);
}

void
former_hosts_uninit(struct observed_state *state)
{
    event_free(state->former_over);
    state->former_over = NULL;  /* Nothing is waited for any more. */
}

void
former_host_set(struct observed_state *state, struct observed_port *port,
                const char *former)
{
    char *old = port->former;

    if (nullable_string_is_equal(old, former)) {
        return;
    }
    ovs_list_remove(&port->former_node);
    ovs_list_init(&port->former_node);
    port->former = nullable_xstrdup(former);
    free(old);
    if (former) {
        port->former_ms = time_msec();
        ovs_list_push_back(&state->former, &port->former_node);
        if (state->former_over
            && !event_pending(state->former_over, EV_TIMEOUT, NULL)) {
            wait_until_over(state, port);
        }
    }
}

const char *
former_host_until_over(const struct observed_state *state,
                       const struct observed_port *port, const char *former)
{
    bool over = (nullable_string_is_equal(port->former, former)
                 ? former && left_ms(state, port) <= 0
                 : !state->fabric->migration_grace_ms);

    return over ? NULL : former;
}

/* The list is short: it has those that have moved within the time. */
void
former_hosts_of_host_due(struct observed_state *state, const char *host,
                         const char *cause)
{
    struct observed_port *port;

    LIST_FOR_EACH (port, former_node, &state->former) {
        if (!strcmp(port->former, host)) {
            observed_port_due(state, port, cause);
        }
    }
}
