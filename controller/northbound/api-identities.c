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

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

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

struct census {
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
    struct event *next;         /* Continues in the next iteration; or NULL. */
};

static void
census_destroy(struct census *census)
{
    if (census->next) {
        event_free(census->next);
    }
    for (size_t i = 0; i < census->n; i++) {
        free(census->holders[i].port);
    }
    free(census->holders);
    free(census->port);
    free(census->network);
    free(census);
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
census_add(struct census *census, const struct vmn_port *port)
{
    uint32_t number;

    if (census->network && strcmp(census->network, port->network)) {
        return;
    }
    number = identity_of(census->nb, port->row.name);
    if (!number || number <= census->after
        || (census->one && number != census->number)) {
        return;
    }
    if (census->n >= census->allocated) {
        census->holders = x2nrealloc(census->holders, &census->allocated,
                                     sizeof *census->holders);
    }
    census->holders[census->n++] = (struct holder) {
        number, xstrdup(port->row.name) };
}

/* Reads more ports.  Returns false if there are more to read. */
static bool
census_read(struct census *census)
{
    const struct loop *loop = census->nb->loop;
    const struct vmn_port *port;

    while ((port = model_next_durable(census->nb->model, VMN_TABLE_PORT,
                                      census->port, NULL))) {
        char *name = xstrdup(port->row.name);

        free(census->port);
        census->port = name;
        census_add(census, port);
        if (++census->n_read % CLOCK_STEPS == 0 && loop
            && loop_turn_is_over(loop)) {
            return false;
        }
    }
    return true;
}

/* Returns the names in the list "a,b" of a query's value.  Names of
 * quarantines follow a slash; "!quarantined" is not a name. */
static json_t *
names_json(const char *list)
{
    json_t *names = json_array();
    char *copy = xstrdup(list ? list : ""), *save = NULL;

    for (char *name = strtok_r(copy, ",", &save); name;
         name = strtok_r(NULL, ",", &save)) {
        const char *slash = strchr(name, '/');

        if (slash || *name != '!') {
            json_array_append_new(names, json_string(slash ? slash + 1
                                                     : name));
        }
    }
    free(copy);
    return names;
}

/* Adds the routing domain of 'port' to its identity.  Where routers join
 * networks, an identity is of one network only if that denies by default. */
static void
add_domain(const struct northbound *nb, const struct vmn_port *port,
           json_t *json)
{
    const struct vmn_network *network = model_get_durable(
        nb->model, VMN_TABLE_NETWORK, port->network, NULL);
    size_t size;
    char *domain = engine_peek(nb->engine, VMN_QUERY_DOMAIN, port->network,
                               &size);

    if (!domain || (network
                    && network->default_action == VMN_DEFAULT_DENY)) {
        json_object_set_new(json, "network", json_string(port->network));
    }
    if (domain) {
        json_object_set_new(json, "router", json_string(domain + 1));
    }
    free(domain);
}

/* Returns the identity of the 'n' holders, or NULL if they were all deleted
 * meanwhile. */
static json_t *
identity_json(const struct census *census, const struct holder *holders,
              size_t n)
{
    const struct northbound *nb = census->nb;
    const struct vmn_port *port = model_get_durable(
        nb->model, VMN_TABLE_PORT, holders->port, NULL);
    size_t size;
    char *groups = engine_peek(nb->engine, VMN_QUERY_GROUPS, holders->port,
                               &size);
    char *held = nb_port_quarantine(nb, holders->port);
    json_t *ports = json_array();
    json_t *json = NULL;

    if (port) {
        for (size_t i = 0; i < n && i < PORTS_MAX; i++) {
            json_array_append_new(ports, json_string(holders[i].port));
        }
        json = json_pack("{s:I, s:o, s:b, s:o, s:I, s:O}",
                         "number", (json_int_t) holders->number,
                         "groups", names_json(groups),
                         "quarantined", held != NULL,
                         "quarantines", names_json(held),
                         "n_ports", (json_int_t) n, "ports", ports);
        add_domain(nb, port, json);
    }
    json_decref(ports);
    free(groups);
    free(held);
    return json;
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
census_reply(struct census *census)
{
    json_t *items = json_array();
    json_t *json = json_pack("{s:O, s:I}", "items", items, "revision",
                             (json_int_t) census->revision);
    const struct holder *holders = census->holders;
    size_t i = 0, n;

    if (census->n) {
        qsort(census->holders, census->n, sizeof *census->holders,
              compare_holders);
    }
    for (; i < census->n && json_array_size(items) < census->limit; i += n) {
        json_t *item;

        for (n = 1; i + n < census->n
             && holders[i + n].number == holders[i].number; n++) {
            continue;
        }
        item = identity_json(census, &holders[i], n);
        if (item) {
            json_array_append_new(items, item);
        }
    }
    if (i < census->n) {
        json_object_set_new(json, "next", json_sprintf(
            "%u", holders[i - 1].number));
    }
    json_decref(items);
    http_request_set_close_cb(census->req, NULL, NULL);
    http_reply_json(census->req, 200, json);
    census_destroy(census);
}

static void
gone_cb(void *census_)
{
    struct census *census = census_;

    http_request_drop(census->req);
    census_destroy(census);
}

static void
part_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *census_)
{
    static const struct timeval at_once = { 0, 0 };
    struct census *census = census_;

    if (census_read(census)) {
        census_reply(census);
        return;
    }
    if (!census->next) {
        census->next = event_new(census->nb->base, -1, 0, part_cb, census);
        http_request_set_close_cb(census->req, gone_cb, census);
    }
    event_add(census->next, &at_once);
}

void
nb_get_identities(struct http_request *req, void *nb_)
{
    const struct northbound *nb = nb_;
    const char *network, *port;
    struct census *census;
    uint64_t after, limit;

    if (!nb_query_number(req, "limit", 1, NB_LIMIT_MAX, NB_LIMIT_DEFAULT,
                         &limit)
        || !nb_query_number(req, "after", 0, UINT32_MAX, 0, &after)
        || !nb_query_object(req, nb, "network", VMN_TABLE_NETWORK,
                            &network)
        || !nb_query_object(req, nb, "port", VMN_TABLE_PORT, &port)) {
        return;
    }
    census = xzalloc(sizeof *census);
    census->nb = nb;
    census->req = req;
    census->network = network ? xstrdup(network) : NULL;
    if (port) {
        census->one = true;
        census->number = identity_of(nb, port);
    }
    census->after = after;
    census->limit = limit;
    census->revision = model_durable_revision(nb->model);
    census->port = xstrdup("");
    part_cb(-1, 0, census);
}
