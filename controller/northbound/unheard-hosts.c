/* SPDX-License-Identifier: Apache-2.0
 *
 * What answers about ports say of hosts that are not heard: how many of some
 * ports are on such hosts, which of them a trace passes, or else may do what
 * flows do not say (meters drop, too), or get no answer from a neighbour, and
 * which have ports whose reach is judged.  Not for a port's own state
 * (fabric-status.h), nor for events (event-sources.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/relation.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-status.h"
#include "controller/northbound/router-status.h"
#include "controller/paths/paths.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/status.h"
#include "controller/simulator/trace.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

/* The most warnings of apps in a trace. */
#define TEXTS_MAX 20

/* How long what a meter has dropped is told. */
#define METERED_RECENT_MS (10 * 60 * 1000)

size_t
nb_count_unknown(const struct northbound *nb, const char *const *ports,
                 size_t n)
{
    size_t n_unknown = 0;
    int64_t since_ms;

    /* As a rule all are heard, and there may be thousands of ports. */
    if (!n || !fabric_any_host_is_unheard(nb->fabric)) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const struct vmn_binding *binding = model_get_durable(
            nb->model, VMN_TABLE_BINDING, ports[i], NULL);

        n_unknown += (binding && binding->host
                      && fabric_host_is_unheard(nb->fabric, binding->host,
                                                &since_ms));
    }
    return n_unknown;
}

/* Traces.  --------------------------------------------------------------- */

static void
add_host(struct sset *hosts, const char *host)
{
    if (host) {
        sset_add(hosts, host);
    }
}

/* Adds the hosts that packets of 'outcome' pass. */
static void
add_hosts(const struct trace_outcome *outcome, struct sset *hosts)
{
    for (size_t i = 0; i < outcome->n_legs; i++) {
        const struct trace_leg *leg = &outcome->legs[i];

        for (size_t j = 0; j < leg->n_steps; j++) {
            add_host(hosts, leg->steps[j].host);
        }
        for (size_t j = 0; j < leg->n_ends; j++) {
            add_host(hosts, leg->ends[j].host);
        }
    }
}

/* Returns why the host may hold something else than its flows, or NULL, which
 * the caller frees.  A client with a scope is shown the state alone: a reason
 * may have addresses, and how far a host is behind is of others' changes. */
static char *
doubt(const struct northbound *nb, const struct model_rights *rights,
      const char *host)
{
    struct status_lag lag;
    const char *state;

    if (!nb_hides_hosts(rights)) {
        return fabric_host_stale_reason(nb->fabric, host);
    }
    return (fabric_host_state(nb->fabric, host, &state, &lag)
            && strcmp(state, "synced")
            ? xasprintf("host \"%s\" is %s", host, state) : NULL);
}

/* Adds what there is to say of 'host': that it may hold something else than
 * what is traced. */
static void
warn_of_host(const struct northbound *nb, const struct model_rights *rights,
             enum trace_protocol protocol, const char *host,
             struct trace *trace, struct arena *arena)
{
    char *reason = doubt(nb, rights, host);
    const char *unanswered
        = (nb_hides_hosts(rights) ? NULL
           : nb_describe_unanswered(nb, trace, host, arena));
    const char *checksums
        = ((protocol == TRACE_TCP || protocol == TRACE_UDP)
           && !nb_hides_hosts(rights)
           ? fabric_host_checksums_warning(nb->fabric, host, arena) : NULL);

    if (reason) {
        trace->warnings[trace->n_warnings++] = arena_printf(
            arena, "%s: the trace goes by the flows that it is to hold",
            reason);
        free(reason);
    }
    if (unanswered) {
        trace->warnings[trace->n_warnings++] = unanswered;
    }
    if (checksums) {
        trace->warnings[trace->n_warnings++] = arena_printf(
            arena, "host \"%s\": %s", host, checksums);
    }
}

/* What the meter of a port has dropped, if that is not long ago. */
struct metered {
    const char *port;
    struct fabric_count count;
};

static void
metered_cb(void *metered_, const struct fabric_drop *drop)
{
    struct metered *metered = metered_;

    if (drop->metered && drop->port && !strcmp(drop->port, metered->port)) {
        metered->count = drop->count;
    }
}

/* Returns true if the sender's own host asks an app for an answer. */
static bool
is_answered(const struct trace *trace)
{
    for (size_t i = 0; i < trace->n_outcomes; i++) {
        if (trace->outcomes[i].asked_at_sender) {
            return true;
        }
    }
    return false;
}

static bool
is_metered(const struct trace *trace)
{
    return trace->from.port && trace->from.host && is_answered(trace);
}

/* If an app is to answer the packet: adds that the port which sends it has
 * lately sent more such packets than it may; or that this is not known. */
static void
warn_of_meter(const struct northbound *nb, struct trace *trace,
              struct arena *arena)
{
    struct metered metered = { .port = trace->from.port };
    int64_t age_ms;

    if (!is_metered(trace)) {
        return;
    }
    fabric_drops(nb->fabric, trace->from.host, metered_cb, &metered);
    age_ms = time_wall_msec() - metered.count.last_ms;
    if (metered.count.packets && metered.count.last_ms
        && age_ms < METERED_RECENT_MS) {
        trace->warnings[trace->n_warnings++] = arena_printf(
            arena, "port \"%s\" has sent more packets that apps answer than "
            "its host takes from one port: %"PRIu64" of them were dropped, "
            "the last %"PRId64" s ago, and got no answer", metered.port,
            metered.count.packets, MAX(age_ms, 0) / 1000);
    }
}

/* Adds the paths from the sender to where outcomes end that are down: those of
 * a trace by flows alone. */
static void
warn_of_paths(const struct northbound *nb, const struct model_rights *rights,
              struct trace *trace, struct arena *arena)
{
    for (size_t i = 0; i < trace->n_outcomes && !nb_hides_hosts(rights); i++) {
        const char *to = trace->outcomes[i].at.host;
        const char *problem
            = (to && trace->from.host
               ? nb_path_problem(nb, trace->from.host, to, arena) : NULL);

        if (problem) {
            trace->warnings[trace->n_warnings++] = problem;
        }
    }
}

/* Adds to 'texts' what the app of the object's type warns of, of an own
 * type. */
static void
add_texts_of(const struct northbound *nb, const struct status_object *object,
             struct sset *texts)
{
    const struct schema_table *table
        = object ? schema_find_table(object->type) : NULL;
    const char *relation = table ? schema_own_warnings(table) : NULL;
    struct vmn_names values;

    if (!relation) {
        return;
    }
    values = engine_relation_values(nb->engine, relation, object->name);
    for (size_t i = 0; i < values.n && sset_count(texts) < TEXTS_MAX; i++) {
        sset_add_and_free(texts, xasprintf("%s/%s: %s", object->type,
                                           object->name, values.names[i]));
    }
}

/* The same of all objects that the outcome's steps are about, and that an app
 * drops what it may pass if the switch has learned. */
static void
add_texts(const struct northbound *nb, const struct trace_outcome *outcome,
          struct sset *texts)
{
    if (outcome->asks_learned) {
        sset_add_and_free(texts, xasprintf(
            "app %s may pass this packet where the switch has learned from "
            "earlier packets: a trace assumes that the switch has learned "
            "nothing", outcome->asks_learned));
    }
    for (size_t i = 0; i < outcome->n_legs; i++) {
        const struct trace_leg *leg = &outcome->legs[i];

        for (size_t j = 0; j < leg->n_steps; j++) {
            add_texts_of(nb, leg->steps[j].by.object, texts);
        }
    }
}

void
nb_warn_of_hosts(const struct northbound *nb,
                 const struct model_rights *rights,
                 enum trace_protocol protocol, struct trace *trace,
                 struct arena *arena)
{
    struct sset hosts = SSET_INITIALIZER(&hosts);
    struct sset texts = SSET_INITIALIZER(&texts);
    const char **names;

    add_host(&hosts, trace->from.host);
    for (size_t i = 0; i < trace->n_outcomes; i++) {
        /* Steps and ends are not for accounts with a scope. */
        add_host(&hosts, trace->outcomes[i].at.host);
        add_hosts(&trace->outcomes[i], &hosts);
        add_texts(nb, &trace->outcomes[i], &texts);
    }
    names = sset_sort(&hosts);
    trace->warnings = arena_alloc(arena, (3 * sset_count(&hosts) + 1
                                          + trace->n_outcomes
                                          + sset_count(&texts))
                                         * sizeof *trace->warnings);
    warn_of_meter(nb, trace, arena);
    warn_of_paths(nb, rights, trace, arena);
    for (size_t i = 0; names[i]; i++) {
        warn_of_host(nb, rights, protocol, names[i], trace, arena);
    }
    free(names);
    names = sset_sort(&texts);
    for (size_t i = 0; names[i]; i++) {
        trace->warnings[trace->n_warnings++] = arena_strdup(arena, names[i]);
    }
    if (!trace->n_warnings) {
        trace->warnings = NULL;         /* Not shown. */
    }
    free(names);
    sset_destroy(&texts);
    sset_destroy(&hosts);
}

/* Reachability.  --------------------------------------------------------- */

static bool
has_port_of(const struct northbound *nb, const char *host,
            const char *network)
{
    struct vmn_names names = model_lookup(nb->model, VMN_INDEX_PORT_BY_HOST,
                                          host);

    for (size_t i = 0; i < names.n && network; i++) {
        const struct vmn_port *port = model_get(nb->model, VMN_TABLE_PORT,
                                                names.names[i]);

        if (port && !strcmp(port->network, network)) {
            return true;
        }
    }
    return names.n && !network;
}

/* Paths that are named, beside how many more there are. */
#define PATHS_WARNED_MAX 16

/* Warnings, while they are gathered. */
struct path_warnings {
    const struct northbound *nb;
    const char *network;        /* NULL: any. */
    struct arena *arena;
    const char **warnings;
    size_t n, n_more;
};

/* A paths_each_cb. */
static bool
warn_of_path_cb(void *list_, const struct paths_path *path)
{
    struct path_warnings *list = list_;

    if (path->state != PATH_DOWN
        || !has_port_of(list->nb, path->host, list->network)
        || !has_port_of(list->nb, path->peer, list->network)) {
        return true;
    }
    if (list->n < PATHS_WARNED_MAX) {
        list->warnings[list->n++] = arena_printf(
            list->arena, "%s: ports on these hosts are judged by flows alone",
            nb_describe_path(path, list->arena));
    } else {
        list->n_more++;
    }
    return true;
}

static size_t
add_path_warnings(const struct northbound *nb, const char *network,
                  struct arena *arena, const char **warnings)
{
    struct path_warnings list = { nb, network, arena, warnings, 0, 0 };

    if (nb->paths) {
        paths_each(nb->paths, NULL, warn_of_path_cb, &list);
    }
    if (list.n_more) {
        warnings[list.n++] = arena_printf(
            arena, "%"PRIuSIZE" more paths between hosts are down",
            list.n_more);
    }
    return list.n;
}

const char **
nb_unheard_warnings(const struct northbound *nb, const char *network,
                    struct arena *arena, size_t *n)
{
    struct vmn_names hosts = model_names(nb->model, VMN_TABLE_HOST);
    const char **warnings = arena_alloc(arena,
                                        (hosts.n + PATHS_WARNED_MAX + 1)
                                        * sizeof *warnings);

    *n = add_path_warnings(nb, network, arena, warnings);
    for (size_t i = 0; i < hosts.n; i++) {
        char *reason = fabric_host_stale_reason(nb->fabric, hosts.names[i]);

        if (reason && has_port_of(nb, hosts.names[i], network)) {
            warnings[(*n)++] = arena_printf(
                arena, "%s: its ports are judged by the flows that it is to "
                "hold", reason);
        }
        free(reason);
        commit_yield(nb->commit);
    }
    return *n ? warnings : NULL;
}
