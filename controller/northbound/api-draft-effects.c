/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/drafts/{name}/effects: what a draft would do to who can reach whom,
 * and to connections that hosts have observed.  First the hosts of observed
 * networks are asked for these, one network after the other; then the draft is
 * applied and reverted, with matrices of each service made in both states.
 * Not for flows and objects: that is the plan (?dry_run=plan of its
 * apply). */

#include <config.h>

#include "controller/northbound/auth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-learned-connections.h"
#include "controller/northbound/draft-effects.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

struct effects {
    struct northbound *nb;
    struct http_request *req;   /* NULL: the client has disconnected. */
    char *draft;
    uint64_t revision;          /* Of the draft, once all are read. */
    char *network;              /* To which reachability is restricted; or
                                 * NULL. */
    struct effect_services services;
    bool counted;               /* It is known how many are compared. */
    /* Observed networks that are still to be read, the last one first. */
    size_t n_networks, n_read;
    size_t n_networks_left;     /* For which there is no time. */
    long long int read_until;
    char **networks;
    struct sset unread;
    struct effect_seen seen;
    struct fabric_connections_reading *reading; /* Or NULL. */
};

/* One is computed at a time: meanwhile changes may have to wait. */
static bool running;

static void
effects_destroy(void *effects_)
{
    struct effects *effects = effects_;

    for (size_t i = 0; i < effects->n_networks; i++) {
        free(effects->networks[i]);
    }
    free(effects->networks);
    free(effects->seen.connections);
    sset_destroy(&effects->unread);
    free(effects->network);
    free(effects->draft);
    free(effects);
    running = false;
}

/* Reachability.  ---------------------------------------------------------- */

/* Changes wait while a draft is applied and reverted: what is done in each of
 * the two states takes so long at most, in milliseconds, and the time of one
 * service more. */
#define BUDGET_MS 500

/* Called with the draft applied, and then without: the first time says how
 * many services there is time for. */
static const void *
run(struct northbound *nb, void *effects_, struct arena *arena,
    struct vmn_error *error)
{
    struct effects *effects = effects_;
    struct effect_matrices *matrices = arena_alloc(arena, sizeof *matrices);
    long long int end_ms = time_msec() + BUDGET_MS;

    if (!effects->counted) {
        effect_services_of_policies(&effects->services, nb,
                                    time_msec() + BUDGET_MS / 5);
    }
    for (size_t i = 0; i < effects->services.n; i++) {
        if (!effects->counted && i && time_msec() > end_ms) {
            effects->services.n_more += effects->services.n - i;
            effects->services.n = i;
            break;
        }
        const struct effect_service *service = &effects->services.list[i];
        const struct reach_request request = {
            .network = effects->network, .protocol = service->protocol,
            .port = service->port,
        };

        matrices->of[i] = reach_make(nb->engine, nb->model,
                                     apphost_pipeline(nb->apphost), &request,
                                     arena, error);
        if (!matrices->of[i]) {
            return NULL;
        }
    }
    effects->counted = true;
    return matrices;
}

static void
fill_connections(const struct effects *effects, struct arena *arena,
                 struct effect_connections *c)
{
    const char **unread = sset_sort(&effects->unread);

    c->n_networks = effects->n_networks - effects->n_networks_left;
    c->more_networks = effects->n_networks_left;
    c->networks = arena_alloc(arena, MAX(effects->n_networks, 1)
                                     * sizeof *c->networks);
    for (size_t i = 0; i < c->n_networks; i++) {
        c->networks[i] = arena_strdup(arena, effects->networks[i]);
    }
    c->n_unread = sset_count(&effects->unread);
    c->unread = arena_alloc(arena, MAX(c->n_unread, 1) * sizeof *c->unread);
    for (size_t i = 0; i < c->n_unread; i++) {
        c->unread[i] = arena_strdup(arena, unread[i]);
    }
    free(unread);
}

static const void *
compare(struct northbound *nb, void *effects_, const void *before_,
        const void *after_, struct arena *arena)
{
    const struct effects *effects = effects_;
    const struct effect_matrices *before = before_, *after = after_;
    struct draft_effects *reply = arena_alloc(arena, sizeof *reply);
    size_t n = effects->services.n;

    reply->etag = arena_printf(arena, "%"PRIu64, effects->revision);
    reply->revision = model_durable_revision(nb->model);
    reply->n_services = n;
    reply->services = arena_alloc(arena, n * sizeof *reply->services);
    for (size_t i = 0; i < n; i++) {
        char *text = effect_service_text(&effects->services.list[i]);
        const struct reach_difference *difference
            = reach_compare(nb->engine, before->of[i], after->of[i], arena);

        reply->services[i] = (struct effect_change) {
            arena_strdup(arena, text), difference->n_changes,
            difference->changes,
        };
        free(text);
    }
    reply->more_services = effects->services.n_more;
    fill_connections(effects, arena, &reply->connections);
    effect_connections_compare(nb, &effects->services, &effects->seen, before,
                               after, arena, &reply->connections);
    reply->warnings = nb_unheard_warnings(nb, effects->network, arena,
                                          &reply->n_warnings);
    return reply;
}

/* Replies, once all connections are read.  The draft may have changed, or be
 * gone. */
static void
simulate(struct effects *effects)
{
    struct northbound *nb = effects->nb;
    struct http_request *req = effects->req;
    struct nb_simulation simulation = {
        .run = run, .compare = compare, .reply = &nb_reply_effects,
        .destroy = effects_destroy, .aux = effects,
    };
    const struct vmn_draft *draft;
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    draft = nb_get_draft(nb, req, effects->draft, &revision);
    if (!draft) {
        effects_destroy(effects);
        return;
    }
    effects->revision = revision;
    effect_services_of(&effects->services, nb->model, draft);
    vmn_errors_init(&errors);
    nb_request_init(&request, req);
    if (nb_draft_request(nb, req, draft, revision, &request, &errors)) {
        nb_simulate_request(nb, req, &simulation, &request,
                            NB_POINT_AT_DRAFT);
    } else {
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
        effects_destroy(effects);
    }
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
}

/* Networks of whose connections hosts have not been asked after so many
 * milliseconds are left out. */
#define READ_MS 5000

/* Observed connections.  -------------------------------------------------- */

static void read_next(struct effects *);

static void
on_read(void *effects_, const struct fabric_connections *read)
{
    struct effects *effects = effects_;
    struct effect_seen *seen = &effects->seen;

    effects->reading = NULL;
    for (size_t i = 0; i < read->n_hosts; i++) {
        if (read->hosts[i].missing || read->hosts[i].full) {
            sset_add(&effects->unread, read->hosts[i].name);
        }
    }
    for (size_t i = 0; i < read->n_connections; i++) {
        struct effect_service service;

        if (seen->n >= EFFECT_CONNECTIONS_MAX) {
            seen->n_more += read->n_connections - i;
            break;
        }

        if (seen->n >= seen->allocated) {
            seen->connections = x2nrealloc(seen->connections,
                                           &seen->allocated,
                                           sizeof *seen->connections);
        }
        seen->connections[seen->n++] = read->connections[i];
        if (effect_service_of(&read->connections[i], &service)
            && effects->services.n < EFFECT_SERVICES_MAX / 2) {
            /* The other half is for those of the draft. */
            effect_services_add(&effects->services, service.protocol,
                                service.port);
        }
    }
    read_next(effects);
}

/* Adds the hosts that ports of the network are on. */
static void
find_hosts(const struct model *model, const char *network, struct sset *hosts)
{
    struct vmn_names ports = model_lookup(model, VMN_INDEX_PORT_BY_NETWORK,
                                          network);

    for (size_t i = 0; i < ports.n; i++) {
        const struct vmn_binding *binding = model_get_durable(
            model, VMN_TABLE_BINDING, ports.names[i], NULL);

        if (binding && binding->host) {
            sset_add(hosts, binding->host);
        }
    }
}

static void
read_next(struct effects *effects)
{
    const struct model *model = effects->nb->model;
    const struct vmn_network *network = NULL;
    struct sset hosts = SSET_INITIALIZER(&hosts);
    struct model_meta meta;
    struct vmn_names names;

    if (time_msec() > effects->read_until) {
        effects->n_networks_left = effects->n_networks - effects->n_read;
    }
    while (effects->n_read < effects->n_networks - effects->n_networks_left
           && !network) {
        const char *name = effects->networks[effects->n_read++];

        if (model_get_durable(model, VMN_TABLE_OBSERVATION, name, &meta)) {
            network = model_get_durable(model, VMN_TABLE_NETWORK, name, NULL);
        }
    }
    if (!network) {
        http_request_set_close_cb(effects->req, NULL, NULL);
        simulate(effects);
        return;
    }
    find_hosts(model, network->row.name, &hosts);
    names.n = sset_count(&hosts);
    names.names = sset_sort(&hosts);
    effects->reading = fabric_read_connections(
        effects->nb->fabric, network->vni, &names, meta.created_ms, on_read,
        effects);
    free(CONST_CAST(const char **, names.names));
    sset_destroy(&hosts);
}

static void
on_gone(void *effects_)
{
    struct effects *effects = effects_;

    http_request_drop(effects->req);
    fabric_connections_cancel(effects->reading);
    effects_destroy(effects);
}

/* Lists the networks that are observed. */
static void
find_networks(struct effects *effects)
{
    struct vmn_names names = model_names(effects->nb->model,
                                         VMN_TABLE_OBSERVATION);

    effects->networks = xcalloc(MAX(names.n, 1), sizeof *effects->networks);
    for (size_t i = 0; i < names.n; i++) {
        if (!effects->network || !strcmp(effects->network, names.names[i])) {
            effects->networks[effects->n_networks++]
                = xstrdup(names.names[i]);
        }
    }
}

static void
start(struct http_request *req, struct northbound *nb)
{
    const char *name = http_request_param(req, "name");
    const char *network;
    struct effects *effects;
    uint64_t revision;

    if (!nb_query_object(req, nb, "network", VMN_TABLE_NETWORK, &network)
        || !nb_get_draft(nb, req, name, &revision)) {
        return;
    }
    if (running) {
        http_reply_header(req, "Retry-After", "1");
        http_reply_problem(req, 503, "unavailable", NULL, "Effects of a draft "
                           "are computed already: one at a time");
        return;
    }
    running = true;
    effects = xzalloc(sizeof *effects);
    effects->read_until = time_msec() + READ_MS;
    effects->nb = nb;
    effects->req = req;
    effects->draft = xstrdup(name);
    effects->network = nullable_xstrdup(network);
    sset_init(&effects->unread);
    find_networks(effects);
    http_request_set_close_cb(req, on_gone, effects);
    read_next(effects);
}

void
nb_get_draft_effects(struct http_request *req, void *nb)
{
    nb_when_quiescent(nb, req, start);
}
