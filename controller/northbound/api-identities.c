/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/identities: the identities by which policies match ports.  Ports of
 * a routing domain that are in the same groups, and isolated by the same
 * quarantines, share an identity.
 *
 * Each page reads all ports, over as many iterations of the loop as that
 * takes, so it may show changes that were made meanwhile. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "proto/loop/loop.h"
#include "util.h"

/* Maximum number of ports named of each identity; and ports that are read
 * between two checks of the time. */
#define PORTS_MAX 100
#define CLOCK_STEPS 64

struct holder {
    uint32_t number;
    char *port;
};

struct listing {
    const struct northbound *nb;
    struct http_request *req;
    char *network;              /* Or NULL: all. */
    bool one;                   /* Only the identity 'number'; none if that is
                                 * 0. */
    uint32_t number;
    uint64_t after, limit;      /* Of the page: numbers beyond 'after', at most
                                 * 'limit'. */
    uint64_t revision;          /* The durable revision when the page was
                                 * begun. */
    char *port;                 /* The last one that was read. */
    size_t n_read;
    size_t n, allocated;
    struct holder *holders;
    struct arena arena;         /* For what the reply points to. */
};

static void
listing_destroy(void *listing_)
{
    struct listing *listing = listing_;

    arena_uninit(&listing->arena);
    for (size_t i = 0; i < listing->n; i++) {
        free(listing->holders[i].port);
    }
    free(listing->holders);
    free(listing->port);
    free(listing->network);
    free(listing);
}

static uint32_t
identity_of(const struct northbound *nb, const char *port)
{
    uint32_t number = 0;
    size_t size;
    void *value = engine_peek(nb->engine, VMN_QUERY_IDENTITY, port, &size);

    if (value && size == sizeof number) {
        memcpy(&number, value, size);
    }
    free(value);
    return number;
}

static void
listing_add(struct listing *listing, const struct vmn_port *port)
{
    uint32_t number;

    if (listing->network && strcmp(listing->network, port->network)) {
        return;
    }
    number = identity_of(listing->nb, port->row.name);
    if (!number || number <= listing->after
        || (listing->one && number != listing->number)) {
        return;
    }
    if (listing->n >= listing->allocated) {
        listing->holders = x2nrealloc(listing->holders, &listing->allocated,
                                      sizeof *listing->holders);
    }
    listing->holders[listing->n++] = (struct holder) {
        number, xstrdup(port->row.name) };
}

/* Reads more ports.  Returns false if there are more to read. */
static bool
listing_read(void *listing_)
{
    struct listing *listing = listing_;
    const struct loop *loop = listing->nb->loop;
    const struct vmn_port *port;

    while ((port = model_next_durable(listing->nb->model, VMN_TABLE_PORT,
                                      listing->port, NULL))) {
        char *name = xstrdup(port->row.name);

        free(listing->port);
        listing->port = name;
        listing_add(listing, port);
        if (++listing->n_read % CLOCK_STEPS == 0 && loop
            && loop_turn_is_over(loop)) {
            return false;
        }
    }
    return true;
}

/* Fills in the names in the list "a,b" of a query's value.  Names of
 * quarantines follow a slash; "!quarantined" is not a name. */
static void
fill_names(struct arena *arena, const char *list, const char ***names,
           size_t *n)
{
    char *copy = arena_strdup(arena, list ? list : ""), *save = NULL;
    size_t max = 1;

    for (const char *p = copy; *p; p++) {
        max += *p == ',';
    }
    *names = arena_alloc(arena, max * sizeof **names);
    *n = 0;
    for (char *name = strtok_r(copy, ",", &save); name;
         name = strtok_r(NULL, ",", &save)) {
        const char *slash = strchr(name, '/');

        if (slash || *name != '!') {
            (*names)[(*n)++] = slash ? slash + 1 : name;
        }
    }
}

/* Fills in the routing domain of 'port'.  Where routers join networks, an
 * identity is of one network only if that denies by default. */
static void
fill_domain(const struct northbound *nb, const struct vmn_port *port,
            struct arena *arena, struct nb_identity *identity)
{
    const struct vmn_network *network = model_get_durable(
        nb->model, VMN_TABLE_NETWORK, port->network, NULL);
    size_t size;
    char *domain = engine_peek(nb->engine, VMN_QUERY_DOMAIN, port->network,
                               &size);

    if (!domain || (network
                    && network->default_action == VMN_DEFAULT_DENY)) {
        identity->network = port->network;
    }
    if (domain) {
        identity->router = arena_strdup(arena, domain + 1);
    }
    free(domain);
}

/* Fills in the identity of the 'n' holders.  Returns false if they were all
 * deleted meanwhile. */
static bool
fill_identity(struct listing *listing, const struct holder *holders, size_t n,
              struct nb_identity *identity)
{
    const struct northbound *nb = listing->nb;
    const struct vmn_port *port = model_get_durable(
        nb->model, VMN_TABLE_PORT, holders->port, NULL);
    char *groups, *held;
    size_t size;

    if (!port) {
        return false;
    }
    groups = engine_peek(nb->engine, VMN_QUERY_GROUPS, holders->port, &size);
    held = nb_port_quarantine(nb, holders->port);
    *identity = (struct nb_identity) {
        .number = holders->number, .quarantined = held != NULL,
        .n_ports = n, .n_listed = MIN(n, PORTS_MAX),
    };
    fill_names(&listing->arena, groups, &identity->groups,
               &identity->n_groups);
    fill_names(&listing->arena, held, &identity->quarantines,
               &identity->n_quarantines);
    fill_domain(nb, port, &listing->arena, identity);
    identity->ports = arena_alloc(&listing->arena, identity->n_listed
                                  * sizeof *identity->ports);
    for (size_t i = 0; i < identity->n_listed; i++) {
        identity->ports[i] = holders[i].port;
    }
    free(groups);
    free(held);
    return true;
}

/* Compares by number, then by position, which is by name. */
static int
compare_holders(const void *a_, const void *b_)
{
    const struct holder *a = a_;
    const struct holder *b = b_;

    return (a->number != b->number ? (a->number < b->number ? -1 : 1)
            : strcmp(a->port, b->port));
}

static void
listing_reply(void *listing_)
{
    struct listing *listing = listing_;
    struct nb_reply_identities reply = { .revision = listing->revision };
    const struct holder *holders = listing->holders;
    size_t i = 0, n;

    if (listing->n) {
        qsort(listing->holders, listing->n, sizeof *listing->holders,
              compare_holders);
    }
    reply.items = arena_alloc(&listing->arena,
                              MIN(listing->limit, listing->n)
                              * sizeof *reply.items);
    for (; i < listing->n && reply.n_items < listing->limit; i += n) {
        for (n = 1; i + n < listing->n
             && holders[i + n].number == holders[i].number; n++) {
            continue;
        }
        reply.n_items += fill_identity(listing, &holders[i], n,
                                       &reply.items[reply.n_items]);
    }
    if (i < listing->n) {
        reply.next = arena_printf(&listing->arena, "%u",
                                  holders[i - 1].number);
    }
    nb_reply_struct(listing->req, &nb_reply_identities, &reply);
}

void
nb_get_identities(struct http_request *req, void *nb_)
{
    static const struct nb_parts_class class = {
        listing_read, listing_reply, listing_destroy,
    };
    const struct northbound *nb = nb_;
    const char *network, *port;
    struct listing *listing;
    uint64_t after, limit;

    if (!nb_query_limit(req, NB_LIMIT_MAX, NB_LIMIT_DEFAULT, &limit)
        || !nb_query_number(req, "after", 0, UINT32_MAX, 0, &after)
        || !nb_query_object(req, nb, "network", VMN_TABLE_NETWORK,
                            &network)
        || !nb_query_object(req, nb, "port", VMN_TABLE_PORT, &port)) {
        return;
    }
    listing = xzalloc(sizeof *listing);
    listing->nb = nb;
    listing->req = req;
    listing->network = network ? xstrdup(network) : NULL;
    if (port) {
        listing->one = true;
        listing->number = identity_of(nb, port);
    }
    listing->after = after;
    listing->limit = limit;
    listing->revision = model_durable_revision(nb->model);
    listing->port = xstrdup("");
    arena_init(&listing->arena);
    nb_reply_in_parts(nb, req, &class, listing);
}
