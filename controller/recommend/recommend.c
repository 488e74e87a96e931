/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of rules: both sides, services, and how what they allow
 * compares with what was seen; see recommend.h. */

#include <config.h>

#include "controller/recommend/recommend.h"

#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "controller/recommend/candidate-rules.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "util.h"

#define NONE SIZE_MAX

/* Rules.  ---------------------------------------------------------------- */

/* The ports of some port classes, sorted. */
static void
set_ports(struct recommend_work *w, struct recommend_side *side,
          const unsigned long *port_classes)
{
    size_t n = w->request->n_ports;
    size_t *ports = xcalloc(MAX(1, n), sizeof *ports);
    size_t *copy;

    for (size_t i = 0; i < n; i++) {
        size_t class_ = w->selectors.class_of_port[i];

        if (class_ != NONE && bitmap_is_set(port_classes, class_)) {
            ports[side->n_ports++] = i;
        }
    }
    copy = arena_alloc(w->arena, side->n_ports * sizeof *copy);
    memcpy(copy, ports, side->n_ports * sizeof *copy);
    side->ports = copy;
    free(ports);
    step_counter_add(&w->steps, n);
}

/* Sets the prefixes of some sources, merged.  Returns how many addresses they
 * have. */
static size_t
set_prefixes(struct recommend_work *w, struct recommend_side *side,
             const unsigned long *sources)
{
    const struct observed_connections *s = &w->observed;
    struct vmn_prefix *prefixes;
    size_t n = 0;

    prefixes = arena_alloc(w->arena, s->n_connections * sizeof *prefixes);
    for (size_t i = 0; i < s->n_connections; i++) {
        const struct observed_connection *connection = &s->connections[i];

        if (connection->src_port == NONE && bitmap_is_set(sources,
                                                          connection->src)
            && (!n || memcmp(&prefixes[n - 1].ip, &connection->src_ip, sizeof
                             connection->src_ip))) {
            prefixes[n].ip = connection->src_ip;
            prefixes[n++].len = connection->src_ip.family == 4 ? 32 : 128;
        }
    }
    side->n_prefixes = vmn_prefixes_merge(prefixes, n);
    side->prefixes = prefixes;
    step_counter_add(&w->steps, s->n_connections);
    return n;
}

static int
compare_singles(const void *a_, const void *b_)
{
    const struct recommend_service *a = a_;
    const struct recommend_service *b = b_;

    return (a->protocol != b->protocol ? (a->protocol < b->protocol ? -1 : 1)
            : a->first < b->first ? -1 : a->first > b->first);
}

/* Returns the services of some classes, each once.  The caller frees them. */
static struct recommend_service *
get_services(struct recommend_work *w, const unsigned long *service_classes,
             size_t *n)
{
    const struct observed_connections *s = &w->observed;
    struct recommend_service *services
        = xcalloc(MAX(1, s->n_connections), sizeof *services);
    size_t m = 0;

    for (size_t i = 0; i < s->n_connections; i++) {
        if (bitmap_is_set(service_classes, s->connections[i].service_class)) {
            services[m++] = s->connections[i].service;
        }
    }
    qsort(services, m, sizeof *services, compare_singles);
    *n = 0;
    for (size_t i = 0; i < m; i++) {
        if (!i || compare_singles(&services[i], &services[i - 1])) {
            services[(*n)++] = services[i];
        }
    }
    step_counter_add(&w->steps, s->n_connections);
    return services;
}

size_t
recommend_merge_services(struct recommend_service *services, size_t n)
{
    size_t m = 0;

    if (n) {
        qsort(services, n, sizeof *services, compare_singles);
    }
    for (size_t i = 0; i < n; i++) {
        struct recommend_service *last = &services[m ? m - 1 : 0];

        if (m && last->protocol == services[i].protocol
            && last->last + 1 >= services[i].first) {
            last->last = MAX(last->last, services[i].last);
        } else {
            services[m++] = services[i];
        }
    }
    return m;
}

static void
set_services(struct recommend_work *w, struct recommend_rule *rule,
             const struct recommend_service *services, size_t n)
{
    struct recommend_service *merged
        = arena_alloc(w->arena, n * sizeof *merged);

    memcpy(merged, services, n * sizeof *merged);
    rule->services = merged;
    rule->n_services = recommend_merge_services(merged, n);
}

static void
add_extra(struct recommend_work *w, struct recommend_rule *rule,
          const struct observed_connection *connection)
{
    if (connection->src_port != connection->dst_port
        && !observed_find(&w->observed, connection)) {
        rule->extras[rule->n_extras++] = (struct recommend_extra) {
            connection->src_port, connection->src_ip, connection->dst_port,
            connection->service };
    }
    step_counter_add(&w->steps, 1);
}

/* The first of what the rule allows and nobody was seen to do. */
static void
set_extras(struct recommend_work *w, struct recommend_rule *rule,
           const struct vmn_ip *ips, size_t n_from,
           const struct recommend_service *services, size_t n_services)
{
    size_t enough = MIN(rule->n_extra, RECOMMEND_EXTRAS_MAX);

    for (size_t i = 0; i < n_from && rule->n_extras < enough; i++) {
        struct observed_connection connection
            = { .src_port = ips ? NONE : rule->from.ports[i] };

        if (ips) {
            connection.src_ip = ips[i];
        }
        for (size_t j = 0; j < rule->to.n_ports
                           && rule->n_extras < enough; j++) {
            connection.dst_port = rule->to.ports[j];
            for (size_t k = 0; k < n_services
                               && rule->n_extras < enough; k++) {
                connection.service = services[k];
                add_extra(w, rule, &connection);
            }
        }
    }
}

static uint64_t
count_observed(struct recommend_work *w, const struct candidate_rule
               *candidate)
{
    const struct observed_connections *s = &w->observed;
    uint64_t n = 0;

    for (size_t i = 0; i < s->n_connections; i++) {
        const struct observed_connection *connection = &s->connections[i];

        n += (bitmap_is_set(candidate->from, connection->src)
              && bitmap_is_set(candidate->to, connection->dst)
              && bitmap_is_set(candidate->service_classes,
                               connection->service_class));
    }
    step_counter_add(&w->steps, s->n_connections);
    return n;
}

/* Ports that are on both sides. */
static size_t
count_common(const struct recommend_side *a, const struct recommend_side *b)
{
    size_t i = 0, j = 0, n = 0;

    while (i < a->n_ports && j < b->n_ports) {
        if (a->ports[i] == b->ports[j]) {
            n++;
            i++;
            j++;
        } else if (a->ports[i] < b->ports[j]) {
            i++;
        } else {
            j++;
        }
    }
    return n;
}

/* Returns the addresses of some sources, each once.  The caller frees them. */
static struct vmn_ip *
get_addresses(struct recommend_work *w, const unsigned long *sources, size_t n)
{
    struct vmn_ip *ips = xcalloc(MAX(1, n), sizeof *ips);
    size_t m = 0;

    for (size_t i = 0; i < w->observed.n_connections && m < n; i++) {
        const struct observed_connection *connection
            = &w->observed.connections[i];

        if (connection->src_port == NONE && bitmap_is_set(sources,
                                                          connection->src)
            && (!m || memcmp(&ips[m - 1], &connection->src_ip, sizeof
                             connection->src_ip))) {
            ips[m++] = connection->src_ip;
        }
    }
    return ips;
}

static void
make_rule(struct recommend_work *w, const struct candidate_rule *candidate,
          struct recommend_rule *rule)
{
    struct recommend_service *services;
    struct vmn_ip *ips = NULL;
    size_t n_services, n_from;

    rule->from.by = candidate->from_by;
    rule->from.text = candidate->from_text;
    rule->to.by = candidate->to_by;
    rule->to.text = candidate->to_text;
    set_ports(w, &rule->to, candidate->to);
    if (candidate->from_by == RECOMMEND_ADDRESSES) {
        n_from = set_prefixes(w, &rule->from, candidate->from);
        ips = get_addresses(w, candidate->from, n_from);
    } else {
        set_ports(w, &rule->from, candidate->from);
        n_from = rule->from.n_ports;
    }
    services = get_services(w, candidate->service_classes, &n_services);
    set_services(w, rule, services, n_services);
    rule->n_seen = count_observed(w, candidate);
    rule->n_extra = ((uint64_t) n_from * rule->to.n_ports
                     - count_common(&rule->from, &rule->to))
                    * n_services - rule->n_seen;
    set_extras(w, rule, ips, n_from, services, n_services);
    free(services);
    free(ips);
}

static int
compare_sides(const struct recommend_side *a, const struct recommend_side *b)
{
    int cmp = (int) a->by - (int) b->by;

    cmp = cmp ? cmp : strcmp(a->text ? a->text : "", b->text ? b->text : "");
    for (size_t i = 0; !cmp && i < a->n_ports && i < b->n_ports; i++) {
        cmp = a->ports[i] < b->ports[i] ? -1 : a->ports[i] > b->ports[i];
    }
    for (size_t i = 0; !cmp && i < a->n_prefixes && i < b->n_prefixes; i++) {
        cmp = memcmp(&a->prefixes[i], &b->prefixes[i],
                     sizeof a->prefixes[i]);
    }
    return (cmp ? cmp
            : a->n_ports + a->n_prefixes < b->n_ports + b->n_prefixes ? -1
            : a->n_ports + a->n_prefixes > b->n_ports + b->n_prefixes);
}

static int
compare_rules(const void *a_, const void *b_)
{
    const struct recommend_rule *a = a_;
    const struct recommend_rule *b = b_;
    int cmp = compare_sides(&a->to, &b->to);

    cmp = cmp ? cmp : compare_sides(&a->from, &b->from);
    return (cmp || !a->n_services || !b->n_services ? cmp
            : compare_singles(&a->services[0], &b->services[0]));
}

static void
make_rules(struct recommend_work *w, struct recommend_answer *answer)
{
    struct recommend_rule *rules
        = arena_alloc(w->arena, w->n_rules * sizeof *rules);

    for (size_t i = 0; i < w->n_rules; i++) {
        make_rule(w, &w->rules[i], &rules[i]);
    }
    if (w->n_rules) {
        qsort(rules, w->n_rules, sizeof *rules, compare_rules);
    }
    answer->rules = rules;
    answer->n_rules = w->n_rules;
}

static bool
refuse(struct vmn_errors *errors)
{
    vmn_errors_add(errors, VMN_ERR_TOO_LARGE, "",
                   "ports do too many different things for rules to be found: "
                   "name fewer keys of labels, which distinguishes fewer "
                   "ports");
    return false;
}

static bool
find_rules(struct recommend_work *w, struct recommend_answer *answer,
           struct vmn_errors *errors)
{
    if (w->selectors.n_port_classes > RECOMMEND_PORT_CLASSES_MAX
        || !observed_init(&w->observed, w->request, &w->selectors,
                          &w->steps)
        || !candidate_rules_find(w, &answer->fewest)) {
        return refuse(errors);
    }
    answer->n_seen = w->observed.n_connections;
    make_rules(w, answer);
    return true;
}

bool
recommend_rules(const struct recommend_request *request, struct arena *arena,
                struct recommend_answer *answer, struct vmn_errors *errors)
{
    struct recommend_work w = {
        .request = request, .arena = arena,
        .steps = { .yield = request->yield, .aux = request->aux },
    };
    bool found;

    memset(answer, 0, sizeof *answer);
    candidate_selectors_init(&w.selectors, request, arena);
    found = find_rules(&w, answer, errors);
    candidate_rules_uninit(&w);
    observed_uninit(&w.observed);
    candidate_selectors_uninit(&w.selectors);
    return found;
}
