/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/summary: numbers of ports by host, network and state, and of
 * balancers, for an overview of networks where a list of 20,000 ports would be
 * too long.
 *
 * It reads all ports, hosts and balancers, over as many iterations of the loop
 * as that takes, so it may show changes that were made meanwhile. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-traffic.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "openvswitch/shash.h"
#include "proto/loop/loop.h"
#include "util.h"

/* Rows that are read between two checks of the time. */
#define SUMMARY_STEPS 16
/* Limits: networks, those with most ports first; and balancers without enough
 * backends. */
#define NETWORKS_MAX 20000
#define NETWORKS_DEFAULT 1000
#define BALANCERS_MAX 100

/* Ports of a host, of a network, or of a network on a host. */
struct tally {
    const char *host, *network;     /* For the last: keys of the other two;
                                     * NULL: none. */
    size_t n, n_up, n_unknown, n_external;
    size_t n_disabled;              /* Of those that are neither up nor
                                     * external. */
    uint64_t bytes_per_s;           /* Sent and received. */
    int index;                      /* In the reply; -1: not included. */
};

struct summary {
    const struct northbound *nb;
    struct http_request *req;
    size_t limit;                   /* Of networks. */
    size_t step;                    /* Index in 'steps'. */
    char *last;                     /* The name that was read last. */
    size_t n_read;
    struct shash states;            /* Name of a state -> size_t. */
    struct shash hosts, networks;   /* Name -> struct tally. */
    struct shash places;            /* "HOST/NETWORK" -> struct tally. */
    struct arena arena;             /* For what 'reply' points to. */
    struct nb_reply_summary reply;  /* What is known of it yet; its lists are
                                     * heap blocks. */
    size_t allocated_hosts;
    struct nb_summary_balancer degraded[BALANCERS_MAX];
};

static void
summary_destroy(void *s_)
{
    struct summary *s = s_;

    shash_destroy_free_data(&s->states);
    shash_destroy_free_data(&s->hosts);
    shash_destroy_free_data(&s->networks);
    shash_destroy_free_data(&s->places);
    free(s->reply.hosts);
    free(s->reply.networks);
    free(s->reply.placements);
    arena_uninit(&s->arena);
    free(s->last);
    free(s);
}

/* Counting.  ------------------------------------------------------------- */

static struct tally *
get_tally(struct shash *tallies, const char *key)
{
    struct tally *tally = shash_find_data(tallies, key);

    if (!tally) {
        tally = xzalloc(sizeof *tally);
        tally->index = -1;
        shash_add(tallies, key, tally);
    }
    return tally;
}

/* Returns the map's own copy of 'key', which it contains. */
static const char *
own_key(const struct shash *tallies, const char *key)
{
    return shash_find(tallies, key)->name;
}

static void
count_place(struct summary *s, const char *host, const char *network,
            const char *state, bool enabled, uint64_t bytes_per_s)
{
    char *key = xasprintf("%s/%s", host ? host : "", network);
    struct tally *tallies[] = {
        host ? get_tally(&s->hosts, host) : NULL,
        get_tally(&s->networks, network),
        get_tally(&s->places, key),
    };

    for (size_t i = 0; i < ARRAY_SIZE(tallies); i++) {
        if (tallies[i]) {
            tallies[i]->n++;
            bool up = !strcmp(state, "up");
            bool external = !strcmp(state, "external");

            tallies[i]->n_up += up;
            tallies[i]->n_external += external;
            tallies[i]->n_disabled += !enabled && !up && !external;
            tallies[i]->n_unknown += !strcmp(state, "unknown");
            tallies[i]->bytes_per_s += bytes_per_s;
        }
    }
    tallies[2]->network = own_key(&s->networks, network);
    tallies[2]->host = host ? own_key(&s->hosts, host) : NULL;
    free(key);
}

static void
count_port(struct summary *s, const struct vmn_row *row)
{
    const struct vmn_port *port = (const void *) row;
    struct status_port status;
    struct arena arena;
    uint64_t bytes_per_s = 0;
    char *quarantine = nb_port_quarantine(s->nb, row->name);
    const char *state;
    size_t *n;

    arena_init(&arena);
    fabric_port_status(s->nb->fabric, row->name, &arena, &status);
    if (status.traffic) {
        bytes_per_s = (status.traffic->sent_bytes_per_s
                   + status.traffic->received_bytes_per_s);
    }
    state = status.state ? status.state : "unbound";
    n = shash_find_data(&s->states, state);
    if (!n) {
        n = xzalloc(sizeof *n);
        shash_add(&s->states, state, n);
    }
    ++*n;
    s->reply.ports.quarantined += port->quarantined || quarantine;
    s->reply.ports.disabled += !port->enabled;
    count_place(s, status.host, port->network, state, port->enabled,
                bytes_per_s);
    free(quarantine);
    arena_uninit(&arena);
}

/* Returns a copy that lives as long as the summary; NULL for NULL. */
static const char *
keep(struct summary *s, const char *text)
{
    return text ? arena_strdup(&s->arena, text) : NULL;
}

static void
add_host(struct summary *s, const struct vmn_row *row)
{
    struct nb_reply_summary *reply = &s->reply;
    struct tally *tally = get_tally(&s->hosts, row->name);
    struct fabric_traffic tunnels;
    struct status_host status;
    struct arena arena;

    if (reply->n_hosts >= s->allocated_hosts) {
        reply->hosts = x2nrealloc(reply->hosts, &s->allocated_hosts,
                                  sizeof *reply->hosts);
    }
    arena_init(&arena);
    fabric_host_status(s->nb->fabric, row->name, &arena, &status);
    fabric_tunnel_traffic(s->nb->fabric, row->name, &tunnels);
    tally->index = reply->n_hosts++;
    reply->hosts[tally->index] = (struct nb_summary_host) {
        .name = own_key(&s->hosts, row->name), .state = keep(s, status.state),
        .reason = keep(s, status.reason), .ports = tally->n,
        .up = tally->n_up, .unknown = tally->n_unknown,
        .external = tally->n_external, .disabled = tally->n_disabled,
        .lag = status.lag.revisions, .bytes_per_s = tally->bytes_per_s,
        .tunnel_bytes_per_s = llrint(tunnels.sent_bytes_per_s
                                     + tunnels.received_bytes_per_s),
    };
    arena_uninit(&arena);
}

static void
count_balancer(struct summary *s, const struct vmn_row *row)
{
    struct nb_summary_balancers *balancers = &s->reply.balancers;
    struct nb_summary_balancer count;

    nb_balancer_count(s->nb, row->name, &count);
    balancers->total++;
    /* Those that are drained or wait for their turn are as they should be. */
    if (count.serving && !count.unknown
        && (count.serving + count.drained + count.standby
            == count.backends)) {
        return;
    }
    balancers->idle += !count.serving;
    balancers->partial += count.serving > 0;
    if (balancers->n_degraded < BALANCERS_MAX) {
        count.name = keep(s, row->name);
        s->degraded[balancers->n_degraded++] = count;
    }
}

/* What is read, in this order: hosts after the ports are counted. */
static const struct {
    enum vmn_table table;
    void (*read_row)(struct summary *, const struct vmn_row *);
} steps[] = {
    { VMN_TABLE_PORT, count_port },
    { VMN_TABLE_HOST, add_host },
    { VMN_TABLE_LOADBALANCER, count_balancer },
};

/* Reads more rows.  Returns false if there are more to read. */
static bool
summary_read(void *s_)
{
    struct summary *s = s_;
    const struct loop *loop = s->nb->loop;

    while (s->step < ARRAY_SIZE(steps)) {
        const struct vmn_row *row = model_next_durable(
            s->nb->model, steps[s->step].table, s->last, NULL);

        free(s->last);
        s->last = xstrdup(row ? row->name : "");
        if (!row) {
            s->step++;
            continue;
        }
        steps[s->step].read_row(s, row);
        if (++s->n_read % SUMMARY_STEPS == 0 && loop
            && loop_turn_is_over(loop)) {
            return false;
        }
    }
    return true;
}

/* The reply.  ------------------------------------------------------------ */

static size_t
count_state(const struct summary *s, const char *state)
{
    const size_t *n = shash_find_data(&s->states, state);

    return n ? *n : 0;
}

static void
fill_ports(const struct summary *s, struct nb_summary_ports *ports)
{
    ports->up = count_state(s, "up");
    ports->pending = count_state(s, "pending");
    ports->down = count_state(s, "down");
    ports->unknown = count_state(s, "unknown");
    ports->unbound = count_state(s, "unbound");
    ports->external = count_state(s, "external");
}

/* Compares by descending number of ports, then by name. */
static int
compare_networks(const void *a_, const void *b_)
{
    const struct shash_node *const *a = a_, *const *b = b_;
    const struct tally *x = (*a)->data, *y = (*b)->data;

    return (x->n != y->n ? (x->n > y->n ? -1 : 1)
            : strcmp((*a)->name, (*b)->name));
}

/* Adds the networks without ports. */
static void
add_empty_networks(struct summary *s)
{
    struct vmn_names names = model_names(s->nb->model, VMN_TABLE_NETWORK);

    for (size_t i = 0; i < names.n; i++) {
        get_tally(&s->networks, names.names[i]);
    }
}

static void
fill_networks(struct summary *s)
{
    struct nb_reply_summary *reply = &s->reply;
    size_t n = shash_count(&s->networks);
    const struct shash_node **sorted = xmalloc(MAX(n, 1) * sizeof *sorted);
    struct shash_node *node;
    size_t i = 0;

    SHASH_FOR_EACH (node, &s->networks) {
        sorted[i++] = node;
    }
    qsort(sorted, n, sizeof *sorted, compare_networks);
    reply->n_networks = n;
    reply->n_listed = MIN(n, s->limit);
    reply->networks = xcalloc(MAX(reply->n_listed, 1),
                              sizeof *reply->networks);
    for (i = 0; i < reply->n_listed; i++) {
        struct tally *tally = sorted[i]->data;

        tally->index = i;
        reply->networks[i] = (struct nb_summary_network) {
            .name = sorted[i]->name, .ports = tally->n, .up = tally->n_up,
            .unknown = tally->n_unknown, .external = tally->n_external,
            .disabled = tally->n_disabled, .bytes_per_s = tally->bytes_per_s,
        };
    }
    free(sorted);
}

/* Fills in the placements of the networks that are listed, in an order that
 * all members of a cluster have. */
static void
fill_placements(struct summary *s)
{
    const struct shash_node **sorted = shash_sort(&s->places);
    struct nb_reply_summary *reply = &s->reply;
    size_t n = shash_count(&s->places);

    reply->placements = xcalloc(MAX(n, 1), sizeof *reply->placements);
    for (size_t i = 0; i < n; i++) {
        const struct tally *place = sorted[i]->data;
        const struct tally *host = place->host ? shash_find_data(
            &s->hosts, place->host) : NULL;
        const struct tally *network = shash_find_data(&s->networks,
                                                      place->network);

        if (network->index >= 0) {
            reply->placements[reply->n_placements++]
                = (struct nb_summary_placement) {
                    .host = host ? host->index : -1,
                    .network = network->index, .ports = place->n,
                    .bytes_per_s = place->bytes_per_s,
                };
        }
    }
    free(sorted);
}

static void
summary_reply(void *s_)
{
    struct summary *s = s_;

    fill_ports(s, &s->reply.ports);
    add_empty_networks(s);
    fill_networks(s);
    fill_placements(s);
    s->reply.balancers.degraded = s->degraded;
    nb_reply_struct(s->req, &nb_reply_summary, &s->reply);
}

void
nb_get_summary(struct http_request *req, void *nb_)
{
    static const struct nb_parts_class class = {
        summary_read, summary_reply, summary_destroy,
    };
    struct northbound *nb = nb_;
    struct summary *s;
    uint64_t limit;

    if (!nb_query_limit(req, NETWORKS_MAX, NETWORKS_DEFAULT, &limit)) {
        return;
    }
    s = xzalloc(sizeof *s);
    s->nb = nb;
    s->req = req;
    s->limit = limit;
    s->reply.revision = model_durable_revision(nb->model);
    s->last = xstrdup("");
    shash_init(&s->states);
    shash_init(&s->hosts);
    shash_init(&s->networks);
    shash_init(&s->places);
    arena_init(&s->arena);
    nb_reply_in_parts(nb, req, &class, s);
}
