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

/* The ports of some kinds, sorted. */
static void
set_ports(struct work *w, struct recommend_side *side,
          const unsigned long *kinds)
{
    size_t n = w->request->n_ports;
    size_t *ports = xcalloc(MAX(1, n), sizeof *ports);
    size_t *copy;

    for (size_t i = 0; i < n; i++) {
        size_t kind = w->picks.kind_of[i];

        if (kind != NONE && bitmap_is_set(kinds, kind)) {
            ports[side->n_ports++] = i;
        }
    }
    copy = arena_alloc(w->arena, side->n_ports * sizeof *copy);
    memcpy(copy, ports, side->n_ports * sizeof *copy);
    side->ports = copy;
    free(ports);
    pacer_step(&w->pacer, n);
}

/* The addresses of some sources, merged.  Returns how many addresses. */
static size_t
set_prefixes(struct work *w, struct recommend_side *side,
             const unsigned long *sources)
{
    const struct seen *s = &w->seen;
    struct vmn_prefix *prefixes;
    size_t n = 0;

    prefixes = arena_alloc(w->arena, s->n_conns * sizeof *prefixes);
    for (size_t i = 0; i < s->n_conns; i++) {
        const struct conn *conn = &s->conns[i];

        if (conn->src_port == NONE && bitmap_is_set(sources, conn->src)
            && (!n || memcmp(&prefixes[n - 1].ip, &conn->src_ip,
                             sizeof conn->src_ip))) {
            prefixes[n].ip = conn->src_ip;
            prefixes[n++].len = conn->src_ip.family == 4 ? 32 : 128;
        }
    }
    side->n_prefixes = vmn_prefixes_merge(prefixes, n);
    side->prefixes = prefixes;
    pacer_step(&w->pacer, s->n_conns);
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

/* The services of some classes, each once.  The caller frees them. */
static struct recommend_service *
get_services(struct work *w, const unsigned long *classes, size_t *n)
{
    const struct seen *s = &w->seen;
    struct recommend_service *services
        = xcalloc(MAX(1, s->n_conns), sizeof *services);
    size_t m = 0;

    for (size_t i = 0; i < s->n_conns; i++) {
        if (bitmap_is_set(classes, s->conns[i].class)) {
            services[m++] = s->conns[i].service;
        }
    }
    qsort(services, m, sizeof *services, compare_singles);
    *n = 0;
    for (size_t i = 0; i < m; i++) {
        if (!i || compare_singles(&services[i], &services[i - 1])) {
            services[(*n)++] = services[i];
        }
    }
    pacer_step(&w->pacer, s->n_conns);
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
set_services(struct work *w, struct recommend_rule *rule,
             const struct recommend_service *services, size_t n)
{
    struct recommend_service *merged
        = arena_alloc(w->arena, n * sizeof *merged);

    memcpy(merged, services, n * sizeof *merged);
    rule->services = merged;
    rule->n_services = recommend_merge_services(merged, n);
}

static void
note_extra(struct work *w, struct recommend_rule *rule,
           const struct conn *conn)
{
    if (conn->src_port != conn->dst_port && !seen_find(&w->seen, conn)) {
        rule->extras[rule->n_extras++] = (struct recommend_extra) {
            conn->src_port, conn->src_ip, conn->dst_port, conn->service };
    }
    pacer_step(&w->pacer, 1);
}

/* The first of what the rule allows and nobody was seen to do. */
static void
set_extras(struct work *w, struct recommend_rule *rule,
           const struct vmn_ip *ips, size_t n_from,
           const struct recommend_service *services, size_t n_services)
{
    size_t enough = MIN(rule->n_extra, RECOMMEND_EXTRAS_MAX);

    for (size_t i = 0; i < n_from && rule->n_extras < enough; i++) {
        struct conn conn = { .src_port = ips ? NONE : rule->from.ports[i] };

        if (ips) {
            conn.src_ip = ips[i];
        }
        for (size_t j = 0; j < rule->to.n_ports
                           && rule->n_extras < enough; j++) {
            conn.dst_port = rule->to.ports[j];
            for (size_t k = 0; k < n_services
                               && rule->n_extras < enough; k++) {
                conn.service = services[k];
                note_extra(w, rule, &conn);
            }
        }
    }
}

static uint64_t
count_seen(struct work *w, const struct box *box)
{
    const struct seen *s = &w->seen;
    uint64_t n = 0;

    for (size_t i = 0; i < s->n_conns; i++) {
        const struct conn *conn = &s->conns[i];

        n += (bitmap_is_set(box->from, conn->src)
              && bitmap_is_set(box->to, conn->dst)
              && bitmap_is_set(box->classes, conn->class));
    }
    pacer_step(&w->pacer, s->n_conns);
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

/* The addresses of some sources, each once.  The caller frees them. */
static struct vmn_ip *
get_addresses(struct work *w, const unsigned long *sources, size_t n)
{
    struct vmn_ip *ips = xcalloc(MAX(1, n), sizeof *ips);
    size_t m = 0;

    for (size_t i = 0; i < w->seen.n_conns && m < n; i++) {
        const struct conn *conn = &w->seen.conns[i];

        if (conn->src_port == NONE && bitmap_is_set(sources, conn->src)
            && (!m || memcmp(&ips[m - 1], &conn->src_ip,
                             sizeof conn->src_ip))) {
            ips[m++] = conn->src_ip;
        }
    }
    return ips;
}

static void
make_rule(struct work *w, const struct box *box, struct recommend_rule *rule)
{
    struct recommend_service *services;
    struct vmn_ip *ips = NULL;
    size_t n_services, n_from;

    rule->from.by = box->from_by;
    rule->from.text = box->from_text;
    rule->to.by = box->to_by;
    rule->to.text = box->to_text;
    set_ports(w, &rule->to, box->to);
    if (box->from_by == RECOMMEND_ADDRESSES) {
        n_from = set_prefixes(w, &rule->from, box->from);
        ips = get_addresses(w, box->from, n_from);
    } else {
        set_ports(w, &rule->from, box->from);
        n_from = rule->from.n_ports;
    }
    services = get_services(w, box->classes, &n_services);
    set_services(w, rule, services, n_services);
    rule->n_seen = count_seen(w, box);
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
make_rules(struct work *w, struct recommend_answer *answer)
{
    struct recommend_rule *rules
        = arena_alloc(w->arena, w->n_boxes * sizeof *rules);

    for (size_t i = 0; i < w->n_boxes; i++) {
        make_rule(w, &w->boxes[i], &rules[i]);
    }
    if (w->n_boxes) {
        qsort(rules, w->n_boxes, sizeof *rules, compare_rules);
    }
    answer->rules = rules;
    answer->n_rules = w->n_boxes;
}

static bool
refuse(struct vmn_errors *errors)
{
    vmn_errors_add(errors, VMN_ERR_TOO_LARGE, "",
                   "ports do too many different things for rules to be found: "
                   "name fewer keys of labels, by which less is told apart");
    return false;
}

static bool
find_rules(struct work *w, struct recommend_answer *answer,
           struct vmn_errors *errors)
{
    if (w->picks.n_kinds > RECOMMEND_KINDS_MAX
        || !seen_init(&w->seen, w->request, &w->picks, &w->pacer)
        || !boxes_find(w, &answer->fewest)) {
        return refuse(errors);
    }
    answer->n_seen = w->seen.n_conns;
    make_rules(w, answer);
    return true;
}

bool
recommend(const struct recommend_request *request, struct arena *arena,
          struct recommend_answer *answer, struct vmn_errors *errors)
{
    struct work w = {
        .request = request, .arena = arena,
        .pacer = { .pause = request->pause, .aux = request->aux },
    };
    bool found;

    memset(answer, 0, sizeof *answer);
    picks_init(&w.picks, request, arena);
    found = find_rules(&w, answer, errors);
    boxes_uninit(&w);
    seen_uninit(&w.seen);
    picks_uninit(&w.picks);
    return found;
}
