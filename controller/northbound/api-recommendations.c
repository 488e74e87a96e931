/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/recommendations: rules that would allow the connections that were
 * observed in a network.  Reads the learned connections of the network's
 * hosts; then, when the commit is quiescent, in a fiber, maps their addresses
 * to ports and computes rules.  Not for the objects that rules become
 * (recommend-objects.c). */

#include <config.h>

#include "controller/northbound/recommend-private.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-learned-connections.h"
#include "controller/flow/learn-connection.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/value.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "sset.h"
#include "util.h"

/* Limits: keys in ?labels=; connections that are listed as not covered. */
#define LABELS_MAX 64
#define UNCOVERED_MAX 20

/* A request. */
struct task {
    const struct model *model;
    struct engine *engine;
    struct commit *commit;
    const struct fabric *fabric;
    struct http_request *req;   /* NULL: the client has disconnected. */
    char *network;
    bool shadow, exact;
    struct sset keys;           /* Keys of the labels that may be used, */
    bool all_keys;              /* unless all may be. */
    int64_t since_ms;
    struct fabric_connections_reading *reading; /* Or NULL. */
    bool working;               /* In quiescent_cb(). */
    /* A copy of the connections that hosts have reported. */
    size_t n_hosts;
    struct nb_seen_host *hosts; /* Their names are owned by 'host_names',
                                 * their reasons by 'arena'. */
    struct arena arena;
    struct sset host_names;
    size_t n_learned;
    struct learned_connection *learned;
    uint32_t *where;
};

/* The owner of an address in the network, or in a network joined with it. */
struct owner {
    struct hmap_node node;
    struct vmn_ip ip;
    size_t port;
};

/* The state of one computation. */
struct study {
    struct task *task;
    struct arena arena;
    struct sset near;           /* Networks that routers join with the observed
                                 * one. */
    size_t n_ports, allocated_ports;
    struct recommend_port *ports;
    struct hmap owners;
    size_t n_groups;
    struct recommend_group *groups;
    size_t n_seen;
    struct recommend_connection *seen;
    struct nb_reply_recommendations reply;
};

/* Ports.  ---------------------------------------------------------------- */

static void
study_yield(void *study_)
{
    const struct study *study = study_;

    commit_yield(study->task->commit);
}

static uint32_t
hash_ip(const struct vmn_ip *ip)
{
    return hash_bytes(ip, sizeof *ip, 0);
}

static size_t
find_owner(const struct study *study, const struct vmn_ip *ip)
{
    struct owner *owner;

    HMAP_FOR_EACH_WITH_HASH (owner, node, hash_ip(ip), &study->owners) {
        if (!memcmp(&owner->ip, ip, sizeof *ip)) {
            return owner->port;
        }
    }
    return SIZE_MAX;
}

static void
add_owner(struct study *study, struct vmn_ip ip, size_t port)
{
    if (find_owner(study, &ip) == SIZE_MAX) {
        struct owner *owner = arena_alloc(&study->arena, sizeof *owner);

        owner->ip = ip;
        owner->port = port;
        hmap_insert(&study->owners, &owner->node, hash_ip(&ip));
    }
}

/* Adds the port's own addresses, and the link-local one that follows from its
 * MAC address (RFC 4291, appendix A). */
static void
add_owners(struct study *study, const struct vmn_port *port, size_t index,
           bool same_link)
{
    const uint8_t *ea = port->mac.ea;

    for (size_t i = 0; i < port->n_ips; i++) {
        add_owner(study, port->ips[i], index);
    }
    if (same_link) {
        add_owner(study, (struct vmn_ip) { .family = 6, .addr = {
            0xfe, 0x80, 0, 0, 0, 0, 0, 0, ea[0] ^ 2, ea[1], ea[2], 0xff,
            0xfe, ea[3], ea[4], ea[5] } }, index);
    }
}

/* Returns the routing domain of a network, as VMN_QUERY_DOMAIN has it; NULL if
 * it is not joined with others.  The caller frees it. */
static char *
domain_of(const struct study *study, const char *network)
{
    size_t size;

    return engine_peek(study->task->engine, VMN_QUERY_DOMAIN, network,
                       &size);
}

static void
find_near(struct study *study)
{
    const struct model *model = study->task->model;
    char *own = domain_of(study, study->task->network);
    const struct vmn_network *network;
    const char *after = "";

    while (own && (network = model_next_durable(model, VMN_TABLE_NETWORK,
                                                after, NULL))) {
        char *domain;

        after = network->row.name;
        domain = domain_of(study, after);
        if (domain && !strcmp(domain, own)) {
            sset_add(&study->near, after);
        }
        free(domain);
        study_yield(study);
    }
    free(own);
}

static enum recommend_where
where_is(const struct study *study, const struct vmn_port *port)
{
    return (!strcmp(port->network, study->task->network) ? RECOMMEND_INSIDE
            : sset_contains(&study->near, port->network) ? RECOMMEND_NEAR
            : RECOMMEND_ELSEWHERE);
}

/* Reads all ports, by name. */
static void
read_ports(struct study *study)
{
    const struct model *model = study->task->model;
    const struct vmn_port *port;
    const char *after = "";

    while ((port = model_next_durable(model, VMN_TABLE_PORT, after, NULL))) {
        enum recommend_where where = where_is(study, port);

        after = port->row.name;
        if (study->n_ports >= study->allocated_ports) {
            study->ports = x2nrealloc(study->ports, &study->allocated_ports,
                                      sizeof *study->ports);
        }
        if (where != RECOMMEND_ELSEWHERE) {
            add_owners(study, port, study->n_ports,
                       where == RECOMMEND_INSIDE);
        }
        study->ports[study->n_ports++] = (struct recommend_port) {
            after, &port->labels, where };
        study_yield(study);
    }
}

static int
compare_port_names(const void *name, const void *port_)
{
    const struct recommend_port *port = port_;

    return strcmp(name, port->name);
}

/* Returns the index of a port, or SIZE_MAX. */
static size_t
find_port(const struct study *study, const char *name)
{
    const struct recommend_port *port
        = (study->n_ports ? bsearch(name, study->ports, study->n_ports,
                                    sizeof *study->ports, compare_port_names)
           : NULL);

    return port ? (size_t) (port - study->ports) : SIZE_MAX;
}

/* Groups.  --------------------------------------------------------------- */

/* Fills in a group of the network's scope whose members are all ports of the
 * network or of networks joined with it.  Returns false for others. */
static bool
read_group(struct study *study, const char *name,
           struct recommend_group *rgroup)
{
    const struct model *model = study->task->model;
    const struct vmn_group *group = model_get_durable(
        model, VMN_TABLE_GROUP, name, NULL);
    const struct vmn_network *network = model_get_durable(
        model, VMN_TABLE_NETWORK, study->task->network, NULL);
    const char **members;
    size_t *ports, n;
    bool fits = true;

    if (!group || group->n_groups || group->n_cidrs || !network
        || !nb_is_of_scope(&group->labels, network)) {
        return false;
    }
    members = nb_group_ports(model, group, &n);
    ports = arena_alloc(&study->arena, n * sizeof *ports);
    for (size_t i = 0; i < n && fits; i++) {
        ports[i] = find_port(study, members[i]);
        fits = (ports[i] != SIZE_MAX
                && study->ports[ports[i]].where != RECOMMEND_ELSEWHERE);
    }
    free(members);
    *rgroup = (struct recommend_group) { group->row.name, n, ports };
    return fits && n;
}

static void
add_names(struct sset *set, struct vmn_names names)
{
    for (size_t i = 0; i < names.n; i++) {
        sset_add(set, names.names[i]);
    }
}

/* Adds the groups that may contain the port directly. */
static void
add_groups_of(const struct model *model, const struct recommend_port *port,
              struct sset *names)
{
    add_names(names, model_lookup(model, VMN_INDEX_GROUP_BY_PORT,
                                  port->name));
    for (size_t i = 0; i < port->labels->n; i++) {
        const struct vmn_label *label = &port->labels->labels[i];
        char *anchor = xasprintf("%s=%s", label->key, label->value);

        add_names(names, model_lookup(model, VMN_INDEX_GROUP_BY_ANCHOR,
                                      anchor));
        add_names(names, model_lookup(model, VMN_INDEX_GROUP_BY_ANCHOR,
                                      label->key));
        free(anchor);
    }
}

static void
read_groups(struct study *study)
{
    const struct model *model = study->task->model;
    struct sset names = SSET_INITIALIZER(&names);
    const char **sorted;

    add_names(&names, model_lookup(model, VMN_INDEX_GROUP_BY_ANCHOR, ""));
    for (size_t i = 0; i < study->n_ports; i++) {
        if (study->ports[i].where != RECOMMEND_ELSEWHERE) {
            add_groups_of(model, &study->ports[i], &names);
        }
        study_yield(study);
    }
    study->groups = xcalloc(MAX(1, sset_count(&names)),
                            sizeof *study->groups);
    sorted = sset_sort(&names);
    for (size_t i = 0; i < sset_count(&names); i++) {
        study->n_groups += read_group(study, sorted[i],
                                      &study->groups[study->n_groups]);
        study_yield(study);
    }
    free(sorted);
    sset_destroy(&names);
}

/* Connections.  ---------------------------------------------------------- */

static struct recommend_service
service_of(const struct learned_connection *connection)
{
    bool icmp = (connection->protocol == IPPROTO_ICMP
                 || connection->protocol == IPPROTO_ICMPV6);
    uint16_t value = icmp ? connection->icmp_type * 256 + connection->icmp_code
                     : connection->port;

    return (struct recommend_service) { connection->protocol, value, value };
}

/* Returns true if a rule can match the connection's service. */
static bool
can_be_named(const struct learned_connection *connection)
{
    switch (connection->protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
        return connection->port != 0;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        return true;
    default:
        return false;
    }
}

static void
leave_out(struct study *study, const struct learned_connection *connection,
          const char *host, const char *reason)
{
    struct nb_reply_recommendations *reply = &study->reply;
    struct recommend_service service = service_of(connection);
    char src[VALUE_IP_SIZE], dst[VALUE_IP_SIZE];

    if (reply->n_uncovered++ < UNCOVERED_MAX) {
        reply->uncovered[reply->n_uncovered_listed++]
            = (struct nb_uncovered) {
                arena_strdup(&study->arena,
                             value_format_ip(&connection->src, src)),
                arena_strdup(&study->arena,
                             value_format_ip(&connection->dst, dst)),
                nb_service_text(&service, &study->arena), host, reason,
            };
    }
}

/* Returns the port that the connection went to: the owner of the address, or
 * else, as for a broadcast or a shared address, the port that received it. */
static size_t
find_destination(const struct study *study, const struct learned_connection
                 *connection, const char *host)
{
    size_t port = find_owner(study, &connection->dst);
    const char *name;

    if (port == SIZE_MAX) {
        name = fabric_port_at(study->task->fabric, host, connection->ofport);
        port = name ? find_port(study, name) : SIZE_MAX;
    }
    return (port != SIZE_MAX
            && study->ports[port].where == RECOMMEND_INSIDE ? port
            : SIZE_MAX);
}

static void
read_learned(struct study *study)
{
    const struct task *task = study->task;

    study->seen = xcalloc(MAX(1, task->n_learned), sizeof *study->seen);
    study->reply.uncovered = arena_alloc(
        &study->arena, UNCOVERED_MAX * sizeof *study->reply.uncovered);
    for (size_t i = 0; i < task->n_learned; i++) {
        const struct learned_connection *connection = &task->learned[i];
        const char *host = task->hosts[task->where[i]].host;
        struct recommend_connection *seen = &study->seen[study->n_seen];

        study_yield(study);
        seen->dst = find_destination(study, connection, host);
        if (seen->dst == SIZE_MAX) {
            leave_out(study, connection, host, "its destination is gone");
        } else if (!can_be_named(connection)) {
            leave_out(study, connection, host,
                      "rules cannot name its protocol or port");
        } else {
            seen->src = find_owner(study, &connection->src);
            seen->src_ip = connection->src;
            seen->service = service_of(connection);
            study->n_seen++;
        }
    }
}

/* The reply.  ------------------------------------------------------------- */

/* Fills in the reply but for what nb_recommend_objects() does. */
static void
fill_reply(struct study *study, const struct recommend_answer *answer)
{
    const struct task *task = study->task;
    struct nb_reply_recommendations *reply = &study->reply;

    reply->network = task->network;
    reply->since = task->since_ms;
    reply->n_hosts = task->n_hosts;
    reply->hosts = task->hosts;
    reply->connections = answer->n_seen;
    reply->optimal = answer->fewest;
}

/* Computes the reply and appends it to 'body'.  Returns false with errors.
 * Yields. */
static bool
study_make(struct study *study, struct ds *body, struct vmn_errors *errors)
{
    struct task *task = study->task;
    struct vmn_names keys = { sset_count(&task->keys), NULL };
    struct recommend_answer answer;
    struct recommend_request request;
    bool ok;

    find_near(study);
    read_ports(study);
    read_groups(study);
    read_learned(study);
    keys.names = sset_array(&task->keys);
    request = (struct recommend_request) {
        .n_ports = study->n_ports, .ports = study->ports,
        .n_groups = study->n_groups, .groups = study->groups,
        .n_seen = study->n_seen, .seen = study->seen,
        .labels = task->all_keys ? NULL : &keys, .exact = task->exact,
        .yield = study_yield, .aux = study,
    };
    ok = recommend_rules(&request, &study->arena, &answer, errors);
    if (ok) {
        fill_reply(study, &answer);
        nb_recommend_objects(task->model, task->network, task->shadow,
                             &request, &answer, &study->arena, &study->reply);
        schema_struct_print_pausing(&nb_reply_recommendations, &study->reply,
                                    body, study_yield, study);
        ds_put_char(body, '\n');
    }
    free(CONST_CAST(const char **, keys.names));
    return ok;
}

static bool
make_reply(struct task *task, struct ds *body, struct vmn_errors *errors)
{
    struct study study = { .task = task };
    bool ok;

    arena_init(&study.arena);
    hmap_init(&study.owners);
    sset_init(&study.near);
    ok = study_make(&study, body, errors);
    free(study.ports);
    free(study.groups);
    free(study.seen);
    hmap_destroy(&study.owners);
    sset_destroy(&study.near);
    arena_uninit(&study.arena);
    return ok;
}

/* Requests.  ------------------------------------------------------------- */

static void
task_destroy(struct task *task)
{
    free(task->network);
    sset_destroy(&task->keys);
    sset_destroy(&task->host_names);
    free(task->hosts);
    arena_uninit(&task->arena);
    free(task->learned);
    free(task->where);
    free(task);
}

/* The network may have been deleted meanwhile. */
static void
quiescent_cb(void *task_)
{
    struct task *task = task_;
    struct ds body = DS_EMPTY_INITIALIZER;
    struct vmn_errors errors;
    bool ok;

    vmn_errors_init(&errors);
    task->working = true;
    ok = make_reply(task, &body, &errors);
    if (task->req && ok) {
        http_reply_body(task->req, 200, "application/json", &body);
        ds_init(&body);
    } else if (task->req) {
        nb_reply_errors(task->req, &errors, NB_POINT_AT_BODY);
    }
    ds_destroy(&body);
    vmn_errors_uninit(&errors);
    task_destroy(task);
}

static void
on_learned(void *task_, const struct fabric_connections *reported)
{
    struct task *task = task_;

    task->reading = NULL;
    task->n_hosts = reported->n_hosts;
    task->hosts = xcalloc(MAX(1, reported->n_hosts), sizeof *task->hosts);
    for (size_t i = 0; i < reported->n_hosts; i++) {
        const struct fabric_connections_host *host = &reported->hosts[i];

        task->hosts[i] = (struct nb_seen_host) {
            .host = sset_find(&task->host_names, host->name)->name,
            .connections = host->n, .truncated = host->full,
            .reason = (host->missing
                       ? arena_strdup(&task->arena, host->missing) : NULL),
        };
    }
    task->n_learned = reported->n_connections;
    if (reported->n_connections) {
        task->learned = xmemdup(reported->connections,
                              reported->n_connections * sizeof *task->learned);
        task->where = xmemdup(reported->where,
                              reported->n_connections * sizeof *task->where);
    }
    commit_when_quiescent(task->commit, quiescent_cb, task);
}

static void
on_gone(void *task_)
{
    struct task *task = task_;

    http_request_drop(task->req);
    task->req = NULL;
    if (!task->working) {
        fabric_connections_cancel(task->reading);
        commit_cancel_when_quiescent(task->commit, quiescent_cb, task);
        task_destroy(task);
    }
}

/* Finds the hosts that the network's ports are bound to, or are moving to. */
static void
find_hosts(struct task *task)
{
    const struct model *model = task->model;
    struct vmn_names ports = model_lookup(model, VMN_INDEX_PORT_BY_NETWORK,
                                          task->network);

    for (size_t i = 0; i < ports.n; i++) {
        const struct vmn_binding *binding = model_get_durable(
            model, VMN_TABLE_BINDING, ports.names[i], NULL);

        if (binding && binding->host) {
            sset_add(&task->host_names, binding->host);
        }
        if (binding && binding->candidate) {
            sset_add(&task->host_names, binding->candidate);
        }
    }
}

static bool
query_labels(struct task *task)
{
    const char *text = http_request_query(task->req, "labels");
    char *copy, *save = NULL;

    task->all_keys = !text;
    if (!text) {
        return true;
    }
    copy = xstrdup(text);
    for (char *key = strtok_r(copy, ",", &save); key;
         key = strtok_r(NULL, ",", &save)) {
        sset_add(&task->keys, key);
    }
    free(copy);
    if (sset_is_empty(&task->keys) || sset_count(&task->keys) > LABELS_MAX) {
        return nb_query_reject(task->req, "labels", "must be 1 to %d keys "
                               "of labels: app,tier", LABELS_MAX);
    }
    return true;
}

static bool
query_mode(struct task *task)
{
    const char *mode = http_request_query(task->req, "mode");

    task->shadow = !mode || !strcmp(mode, "shadow");
    if (!task->shadow && strcmp(mode, "enforce")) {
        return nb_query_reject(task->req, "mode", "must be shadow or "
                               "enforce");
    }
    return true;
}

/* Fills in the network of the query.  Replies and returns false if it is not
 * observed. */
static bool
query_network(struct task *task, const struct northbound *nb,
              struct model_meta *meta)
{
    const char *network;

    if (!nb_query_object(task->req, nb, "network", VMN_TABLE_NETWORK,
                         &network)) {
        return false;
    }
    if (!network) {
        return nb_query_reject(task->req, "network", "is required");
    }
    if (!model_get_durable(task->model, VMN_TABLE_OBSERVATION, network,
                           meta)) {
        http_reply_problem(task->req, 409, "conflict", NULL,
                           "network \"%s\" is not observed: create "
                           "observations/%s first, or observe it for a time "
                           "(vmnctl policy recommend --for TIME)", network,
                           network);
        return false;
    }
    task->network = xstrdup(network);
    task->since_ms = meta->created_ms;
    return true;
}

void
nb_get_recommendations(struct http_request *req, void *nb_)
{
    struct task *task = xzalloc(sizeof *task);
    const struct vmn_network *network;
    struct northbound *nb = nb_;
    struct model_meta meta;
    struct vmn_names hosts;

    task->model = nb->model;
    task->engine = nb->engine;
    task->commit = nb->commit;
    task->fabric = nb->fabric;
    task->req = req;
    arena_init(&task->arena);
    sset_init(&task->keys);
    sset_init(&task->host_names);
    if (!query_network(task, nb, &meta) || !query_labels(task)
        || !query_mode(task)
        || !nb_query_bool(req, "exact", &task->exact)) {
        task_destroy(task);
        return;
    }
    network = model_get_durable(nb->model, VMN_TABLE_NETWORK, task->network,
                                NULL);
    find_hosts(task);
    hosts.n = sset_count(&task->host_names);
    hosts.names = sset_sort(&task->host_names);
    http_request_set_close_cb(req, on_gone, task);
    task->reading = fabric_read_connections(nb->fabric, network->vni, &hosts,
                                            meta.created_ms, on_learned, task);
    free(CONST_CAST(const char **, hosts.names));
}
