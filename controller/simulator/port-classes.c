/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports by what flows make of them; see port-classes.h.  Ports of one class
 * have the same signature: a text of what tells them from others, such as the
 * patterns of flows that their addresses fit (address-patterns.h). */

#include <config.h>

#include "controller/simulator/port-classes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/value.h"
#include "controller/simulator/address-patterns.h"
#include "controller/simulator/isolation.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "sset.h"
#include "util.h"
#include "vmn/vocabulary.h"

struct search {
    struct engine *engine;
    const struct model *model;
    struct address_patterns *patterns;
};

/* Signatures.  ----------------------------------------------------------- */

/* Returns what 'query' says of the port, or 0. */
static uint32_t
number_of(const struct search *search, const char *query, const char *port)
{
    uint32_t number = 0;
    size_t size;
    void *value = engine_peek(search->engine, query, port, &size);

    if (value && size == sizeof number) {
        memcpy(&number, value, size);
    }
    free(value);
    return number;
}

/* Returns the groups that the port is in by itself as "a,b", which the caller
 * frees. */
static char *
direct_groups_of(const struct search *search, const char *port)
{
    size_t size;
    char *value = engine_peek(search->engine, VMN_QUERY_GROUPS, port, &size);

    if (!value || !size || value[size - 1]) {
        free(value);
        return xstrdup("");
    }
    return value;
}

/* Returns all groups that the port is in, those that contain its groups
 * included, as "a,b", sorted.  The caller frees it. */
static char *
groups_of(const struct search *search, const char *port)
{
    struct sset all = SSET_INITIALIZER(&all);
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char **sorted;

    isolation_groups_of_port(search->engine, search->model, port, &all);
    sorted = sset_sort(&all);
    for (size_t i = 0; i < sset_count(&all); i++) {
        ds_put_format(&ds, "%s%s", i ? "," : "", sorted[i]);
    }
    free(sorted);
    sset_destroy(&all);
    return ds_steal_cstr(&ds);
}

/* Appends the gateways to which the port sends, if there are routers. */
static void
put_gateways(const struct search *search, const struct endpoint *endpoint,
             struct ds *ds)
{
    static const uint8_t families[] = { 4, 6 };

    if (!model_lookup(search->model, VMN_INDEX_ROUTER_BY_NETWORK,
                      endpoint->port->network).n) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        const struct vmn_ip *ip = endpoint_gateway(search->model, endpoint,
                                                   families[i]);
        char buf[VALUE_IP_SIZE];

        if (ip) {
            ds_put_format(ds, "|%s", value_format_ip(ip, buf));
        }
    }
}

/* Returns what identifies the port's class; the caller frees it.  Ports that
 * are in the same groups by themselves are in the same groups that contain
 * these. */
static char *
signature(const struct search *search, const struct endpoint *endpoint)
{
    const struct vmn_port *port = endpoint->port;
    char *groups = direct_groups_of(search, port->row.name);
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "%s|%u|%u|%d|%d|%s", port->network,
                  number_of(search, VMN_QUERY_IDENTITY, port->row.name),
                  number_of(search, VMN_QUERY_ISOLATION, port->row.name),
                  endpoint_ip(endpoint, 4) != NULL,
                  endpoint_ip(endpoint, 6) != NULL,
                  groups);
    free(groups);
    put_gateways(search, endpoint, &ds);
    /* A port with configuration of its own is a class by itself. */
    if (port->n_allowed_addresses
        || port_is_quarantined(search->engine, port)) {
        ds_put_format(&ds, "|%s", port->row.name);
    }
    address_patterns_put_fits(search->patterns, endpoint, &ds);
    return ds_steal_cstr(&ds);
}

/* Classes.  -------------------------------------------------------------- */

static void
add_absent(struct port_classes *classes, const char *name)
{
    if (classes->n_absent >= classes->allocated_absent) {
        classes->absent = x2nrealloc(classes->absent,
                                     &classes->allocated_absent, sizeof
                                     *classes->absent);
    }
    classes->absent[classes->n_absent++] = name;
}

static void
add_endpoint(struct shash *by_signature, const struct search *search,
             const struct endpoint *endpoint)
{
    char *text = signature(search, endpoint);
    struct port_class *class_ = shash_find_data(by_signature, text);

    if (!class_) {
        class_ = xzalloc(sizeof *class_);
        class_->network = endpoint->port->network;
        class_->domain = engine_domain_of(search->engine, class_->network);
        class_->groups = groups_of(search, endpoint->port->row.name);
        shash_add(by_signature, text, class_);
    }
    if (class_->n >= class_->allocated) {
        class_->endpoints = x2nrealloc(class_->endpoints, &class_->allocated,
                                       sizeof *class_->endpoints);
    }
    class_->endpoints[class_->n++] = *endpoint;
    free(text);
}

static int
compare_hosts(const void *a_, const void *b_)
{
    const struct endpoint *const *a = a_, *const *b = b_;
    int order = strcmp((*a)->host, (*b)->host);

    return order ? order : strcmp((*a)->port->row.name,
                                  (*b)->port->row.name);
}

static void
sort_by_host(struct port_class *class_)
{
    class_->by_host = xmalloc(class_->n * sizeof *class_->by_host);
    for (size_t i = 0; i < class_->n; i++) {
        class_->by_host[i] = &class_->endpoints[i];
    }
    qsort(class_->by_host, class_->n, sizeof *class_->by_host, compare_hosts);
}

static int
compare_classes(const void *a_, const void *b_)
{
    const struct port_class *a = a_, *b = b_;
    int order = strcmp(a->network, b->network);

    return order ? order : strcmp(a->endpoints[0].port->row.name,
                                  b->endpoints[0].port->row.name);
}

static void
take_classes(struct port_classes *classes, struct shash *by_signature)
{
    struct shash_node *node;

    classes->classes = xmalloc(MAX(shash_count(by_signature), 1)
                               * sizeof *classes->classes);
    SHASH_FOR_EACH (node, by_signature) {
        struct port_class *class_ = node->data;

        sort_by_host(class_);
        classes->classes[classes->n++] = *class_;
        free(class_);
    }
    qsort(classes->classes, classes->n, sizeof *classes->classes,
          compare_classes);
    shash_destroy(by_signature);
}

void
port_classes_find(struct port_classes *classes, struct engine *engine,
                  const struct model *model, const char *network,
                  const struct sim_underlay *underlay)
{
    struct search search = {
        .engine = engine,
        .model = model,
        .patterns = address_patterns_create(engine, model),
    };
    struct shash by_signature = SHASH_INITIALIZER(&by_signature);
    struct sset hosts = SSET_INITIALIZER(&hosts);
    struct vmn_names names = (network
                              ? model_lookup(model, VMN_INDEX_PORT_BY_NETWORK,
                                             network)
                              : model_names(model, VMN_TABLE_PORT));
    struct endpoint *endpoints = xmalloc(MAX(names.n, 1) * sizeof *endpoints);
    const char *host;
    size_t n = 0;

    memset(classes, 0, sizeof *classes);
    for (size_t i = 0; i < names.n; i++) {
        if (endpoint_find(model, names.names[i], &endpoints[n])
            && endpoints[n].ofport && endpoints[n].port->enabled
            && !(underlay
                 && underlay->host_problem(underlay->aux,
                                           endpoints[n].host))) {
            sset_add(&hosts, endpoints[n++].host);
        } else {
            add_absent(classes, names.names[i]);
        }
        engine_yield(engine);
    }
    SSET_FOR_EACH (host, &hosts) {
        address_patterns_read_host(search.patterns, host);
    }
    for (size_t i = 0; i < n; i++) {
        add_endpoint(&by_signature, &search, &endpoints[i]);
        engine_yield(engine);
    }
    take_classes(classes, &by_signature);
    address_patterns_destroy(search.patterns);
    sset_destroy(&hosts);
    free(endpoints);
}

void
port_classes_uninit(struct port_classes *classes)
{
    for (size_t i = 0; i < classes->n; i++) {
        free(classes->classes[i].domain);
        free(classes->classes[i].groups);
        free(classes->classes[i].endpoints);
        free(classes->classes[i].by_host);
    }
    free(classes->classes);
    free(classes->absent);
}
