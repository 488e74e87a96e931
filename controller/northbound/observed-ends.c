/* SPDX-License-Identifier: Apache-2.0
 *
 * Which observed connections a change would end: those between ports of which
 * a new one is let through before it, and not after it; see
 * draft-effects.h. */

#include <config.h>

#include "controller/northbound/draft-effects.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/northbound-private.h"
#include "controller/schema/arena.h"
#include "controller/schema/value.h"
#include "openvswitch/shash.h"
#include "util.h"

/* What the comparison looks things up in. */
struct ends {
    const struct northbound *nb;
    struct arena *arena;
    struct shash by_address;    /* "NETWORK IP", and "IP": the name of the
                                 * port that has it; "": several have. */
    struct shash networks;      /* By VNI: its name. */
};

/* The class of each port, plus 1, in each matrix. */
struct classes {
    struct shash of;
};

static void
add_address(struct ends *ends, const char *key, const char *port)
{
    struct shash_node *node = shash_find(&ends->by_address, key);

    if (!node) {
        shash_add(&ends->by_address, key, CONST_CAST(char *, port));
    } else {
        node->data = CONST_CAST(char *, "");
    }
}

static void
read_ports(struct ends *ends)
{
    const struct vmn_port *port;
    const char *after = "";

    while ((port = model_next_durable(ends->nb->model, VMN_TABLE_PORT, after,
                                      NULL))) {
        const char *name = arena_strdup(ends->arena, port->row.name);

        after = name;
        for (size_t i = 0; i < port->n_ips; i++) {
            char ip[VALUE_IP_SIZE];
            char *key = xasprintf("%s %s", port->network,
                                  value_format_ip(&port->ips[i], ip));

            add_address(ends, key, name);
            add_address(ends, ip, name);
            free(key);
        }
        commit_yield(ends->nb->commit);
    }
}

static void
read_networks(struct ends *ends)
{
    const struct vmn_network *network;
    const char *after = "";

    while ((network = model_next_durable(ends->nb->model, VMN_TABLE_NETWORK,
                                         after, NULL))) {
        char *vni = xasprintf("%u", (unsigned) network->vni);

        after = arena_strdup(ends->arena, network->row.name);
        shash_add_once(&ends->networks, vni, after);
        free(vni);
        commit_yield(ends->nb->commit);
    }
}

/* Returns the port that has the address in the network; if none has, the only
 * one that has it anywhere.  NULL: there is none. */
static const char *
find_port(const struct ends *ends, const char *network,
          const struct vmn_ip *ip)
{
    char text[VALUE_IP_SIZE];
    char *key = xasprintf("%s %s", network, value_format_ip(ip, text));
    const char *port = shash_find_data(&ends->by_address, key);

    free(key);
    port = port ? port : shash_find_data(&ends->by_address, text);
    return port && *port ? port : NULL;
}

static size_t
find_class(const struct classes *classes, const char *port)
{
    return (uintptr_t) shash_find_data(&classes->of, port);
}

static void
classes_init(struct classes *classes, const struct reach_matrix *matrix)
{
    shash_init(&classes->of);
    for (size_t i = 0; matrix && i < matrix->n_classes; i++) {
        for (size_t j = 0; j < matrix->classes[i].n_ports; j++) {
            shash_add_once(&classes->of, matrix->classes[i].ports[j],
                           (void *) (uintptr_t) (i + 1));
        }
    }
}

/* Returns the verdict on two ports, or NULL.  Cells are sorted. */
static const struct reach_verdict *
find_verdict(const struct reach_matrix *matrix, const struct classes *classes,
             const char *from, const char *to)
{
    size_t f = find_class(classes, from), t = find_class(classes, to);
    size_t low = 0, high = matrix ? matrix->n_cells : 0;

    while (f && t && low < high) {
        size_t mid = low + (high - low) / 2;
        const struct reach_cell *cell = &matrix->cells[mid];

        if (cell->from + 1 == f && cell->to + 1 == t) {
            return &cell->verdict;
        } else if (cell->from + 1 < f
                   || (cell->from + 1 == f && cell->to + 1 < t)) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return NULL;
}

/* Returns where the port is, or NULL. */
static const char *
find_host(const struct ends *ends, const char *port)
{
    const struct vmn_binding *binding = model_get_durable(
        ends->nb->model, VMN_TABLE_BINDING, port, NULL);

    return binding ? binding->host : NULL;
}

/* Returns what a verdict says of packets of this family between these ports,
 * if it differs by that or by whether they are on one host; NULL if it is not
 * known where they are, or of NULL. */
static const struct reach_verdict *
choose(const struct ends *ends, const struct reach_verdict *verdict,
       const char *from, const char *to, uint8_t family)
{
    while (verdict && !strcmp(verdict->verdict, REACH_MIXED)) {
        if (verdict->across_hosts) {
            const char *a = find_host(ends, from), *b = find_host(ends, to);

            verdict = (!a || !b ? NULL : strcmp(a, b) ? verdict->across_hosts
                       : verdict->same_host);
        } else {
            verdict = family == 4 ? verdict->ipv4 : verdict->ipv6;
        }
    }
    return verdict;
}

static bool
is_let_through(const struct reach_verdict *verdict)
{
    return verdict && !strcmp(verdict->verdict, "delivered");
}

static size_t
find_service(const struct effect_services *services,
             const struct effect_service *service)
{
    for (size_t i = 0; i < services->n; i++) {
        if (services->list[i].protocol == service->protocol
            && services->list[i].port == service->port) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void
add_ended(struct ends *ends, const struct effect_service *service,
          const char *from, const char *to,
          const struct reach_verdict *before,
          const struct reach_verdict *after, struct effect_connections *c)
{
    char *text;

    if (c->n_all++ >= EFFECT_ENDED_MAX) {
        return;
    }
    if (!c->ended) {
        c->ended = arena_alloc(ends->arena,
                               EFFECT_ENDED_MAX * sizeof *c->ended);
    }
    text = effect_service_text(service);
    c->ended[c->n_ended++] = (struct effect_ended) {
        .from = from, .to = to,
        .service = arena_strdup(ends->arena, text),
        .before = before, .after = after,
    };
    free(text);
}

/* Compares one connection; each is there once per host that has seen it. */
static void
compare_one(struct ends *ends, const struct effect_services *services,
            const struct learned_connection *seen,
            const struct effect_matrices *before,
            const struct effect_matrices *after,
            const struct classes *was, const struct classes *is,
            struct effect_connections *c)
{
    char vni[16];
    const char *network, *from, *to;
    struct effect_service service;
    const struct reach_verdict *v, *w;
    bool has_after;
    size_t i;

    snprintf(vni, sizeof vni, "%u", (unsigned) seen->vni);
    network = shash_find_data(&ends->networks, vni);
    from = network ? find_port(ends, network, &seen->src) : NULL;
    to = network ? find_port(ends, network, &seen->dst) : NULL;
    i = (effect_service_of(seen, &service)
         ? find_service(services, &service) : SIZE_MAX);
    if (!from || !to || i == SIZE_MAX) {
        c->unchecked++;
        return;
    }
    v = find_verdict(before->of[i], &was[i], from, to);
    w = find_verdict(after->of[i], &is[i], from, to);
    has_after = w != NULL;
    v = choose(ends, v, from, to, seen->src.family);
    w = choose(ends, w, from, to, seen->src.family);
    if (!v || (has_after && !w)) {
        c->unchecked++;
    } else if (is_let_through(v) && !is_let_through(w)) {
        add_ended(ends, &service, from, to, v, w, c);
    }
}

void
effect_connections_compare(const struct northbound *nb,
                           const struct effect_services *services,
                           const struct effect_seen *seen,
                           const struct effect_matrices *before,
                           const struct effect_matrices *after,
                           struct arena *arena, struct effect_connections *c)
{
    struct classes was[EFFECT_SERVICES_MAX], is[EFFECT_SERVICES_MAX];
    struct ends ends = {
        nb, arena, SHASH_INITIALIZER(&ends.by_address),
        SHASH_INITIALIZER(&ends.networks),
    };

    read_ports(&ends);
    read_networks(&ends);
    for (size_t i = 0; i < services->n; i++) {
        classes_init(&was[i], before->of[i]);
        classes_init(&is[i], after->of[i]);
    }
    c->observed = seen->n + seen->n_more;
    c->unchecked = seen->n_more;
    for (size_t i = 0; i < seen->n; i++) {
        compare_one(&ends, services, &seen->connections[i], before, after,
                    was, is, c);
        commit_yield(nb->commit);
    }
    for (size_t i = 0; i < services->n; i++) {
        shash_destroy(&was[i].of);
        shash_destroy(&is[i].of);
    }
    shash_destroy(&ends.by_address);
    shash_destroy(&ends.networks);
}
