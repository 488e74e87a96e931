/* SPDX-License-Identifier: Apache-2.0
 *
 * Port classes, and the sets of them that can be named; see
 * candidate-selectors.h.
 *
 * Selectors are tried by the number of their conditions, so the first that
 * selects a set is one of the shortest that do.  Conditions are "key=value"
 * and "!key".  Ports that are yet to come elsewhere should not be selected: so
 * at least one is of the first sort, and if all ports but those elsewhere have
 * a label in common, it is in every selector. */

#include <config.h>

#include "controller/recommend/candidate-selectors.h"

#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "controller/schema/arena.h"
#include "controller/schema/selector.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "util.h"

#define COST_TERM 2
#define COST_LACKS 3            /* "!key" */
#define COST_PORTS 1000
/* Conditions of a selector that is tried. */
#define TERMS_MAX 8

/* A port class of ports.  Those elsewhere must not be picked. */
struct port_class {
    const struct vmn_labels *labels;
    const char *name;           /* Of one of its ports. */
    enum recommend_where where;
    size_t index;
};

/* A condition. */
struct selector_term {
    const char *key;
    const char *value;          /* NULL: "!key". */
    unsigned long *port_classes; /* Of all, those elsewhere included. */
};

/* A set of port classes, and the conditions that selector it. */
struct selector_state {
    struct hmap_node node;
    unsigned long *port_classes;
    size_t n_terms;
    uint16_t terms[TERMS_MAX];
    bool positive;
};

struct selector_builder {
    struct candidate_selectors *selectors;
    const struct recommend_request *request;
    struct arena *arena;
    size_t n_all;               /* Port classes; those elsewhere come last. */
    struct port_class *port_classes;
    size_t n_terms, allocated_terms;
    struct selector_term *terms;
    size_t common_term;         /* The term that tells the network from others,
                                 * or SIZE_MAX. */
    struct hmap by_set;         /* struct selector_state. */
    size_t n_states;
    struct selector_state *states[CANDIDATE_SELECTORS_MAX];
};

static void
yield(const struct selector_builder *b)
{
    if (b->request->yield) {
        b->request->yield(b->request->aux);
    }
}

/* Port classes.  --------------------------------------------------------- */

static bool
is_used(const struct recommend_request *request, const char *key)
{
    const struct vmn_names *labels = request->labels;

    for (size_t i = 0; labels && i < labels->n; i++) {
        if (!strcmp(labels->names[i], key)) {
            return true;
        }
    }
    return !labels;
}

/* Moves '*i' to the next label that is used; NULL at the end. */
static const struct vmn_label *
next_label(const struct recommend_request *request,
           const struct vmn_labels *labels, size_t *i)
{
    while (*i < labels->n) {
        const struct vmn_label *label = &labels->labels[(*i)++];

        if (is_used(request, label->key)) {
            return label;
        }
    }
    return NULL;
}

static int
compare_labels(const struct recommend_request *request,
               const struct vmn_labels *a, const struct vmn_labels *b)
{
    size_t i = 0, j = 0;

    for (;;) {
        const struct vmn_label *x = next_label(request, a, &i);
        const struct vmn_label *y = next_label(request, b, &j);
        int cmp;

        if (!x || !y) {
            return x ? 1 : y ? -1 : 0;
        }
        cmp = strcmp(x->key, y->key);
        cmp = cmp ? cmp : strcmp(x->value, y->value);
        if (cmp) {
            return cmp;
        }
    }
}

static uint32_t
hash_labels(const struct recommend_request *request,
            const struct vmn_labels *labels, uint32_t basis)
{
    const struct vmn_label *label;
    size_t i = 0;

    while ((label = next_label(request, labels, &i))) {
        basis = hash_string(label->value, hash_string(label->key, basis));
    }
    return basis;
}

struct kind_node {
    struct hmap_node node;
    struct port_class class_;
};

static struct kind_node *
get_kind(struct selector_builder *b, struct hmap *port_classes, size_t port)
{
    const struct recommend_request *request = b->request;
    const struct recommend_port *p = &request->ports[port];
    bool own = request->exact && p->where != RECOMMEND_ELSEWHERE;
    uint32_t hash = hash_labels(request, p->labels, p->where);
    struct kind_node *found;

    HMAP_FOR_EACH_WITH_HASH (found, node, hash, port_classes) {
        if (!own && found->class_.where == p->where
            && !compare_labels(request, found->class_.labels, p->labels)) {
            return found;
        }
    }
    found = xzalloc(sizeof *found);
    found->class_ = (struct port_class) { p->labels, p->name, p->where, 0 };
    hmap_insert(port_classes, &found->node, hash);
    return found;
}

/* Those inside first, those elsewhere last, then by name: the order of ports
 * tells nothing. */
static int
compare_port_classes(const void *a_, const void *b_)
{
    const struct port_class *const *a = a_;
    const struct port_class *const *b = b_;

    return ((*a)->where != (*b)->where ? (int) (*a)->where - (int) (*b)->where
            : strcmp((*a)->name, (*b)->name));
}

static void
make_port_classes(struct selector_builder *b)
{
    const struct recommend_request *request = b->request;
    struct candidate_selectors *selectors = b->selectors;
    struct hmap port_classes = HMAP_INITIALIZER(&port_classes);
    struct port_class **of_port = xcalloc(MAX(1, request->n_ports),
                                          sizeof *of_port);
    struct kind_node *kn;
    struct port_class **order;
    size_t n = 0;

    for (size_t i = 0; i < request->n_ports; i++) {
        kn = get_kind(b, &port_classes, i);
        if (strcmp(request->ports[i].name, kn->class_.name) < 0) {
            kn->class_.name = request->ports[i].name;
        }
        of_port[i] = &kn->class_;
        if (i % 64 == 0) {
            yield(b);
        }
    }
    order = xcalloc(MAX(1, hmap_count(&port_classes)), sizeof *order);
    HMAP_FOR_EACH (kn, node, &port_classes) {
        order[n++] = &kn->class_;
    }
    qsort(order, n, sizeof *order, compare_port_classes);

    b->n_all = n;
    b->port_classes = xcalloc(MAX(1, n), sizeof *b->port_classes);
    for (size_t i = 0; i < n; i++) {
        order[i]->index = i;
        b->port_classes[i] = *order[i];
        selectors->n_inside += order[i]->where == RECOMMEND_INSIDE;
        selectors->n_port_classes += order[i]->where != RECOMMEND_ELSEWHERE;
    }
    selectors->class_of_port = xcalloc(MAX(1, request->n_ports),
                                       sizeof *selectors->class_of_port);
    selectors->n_ports = xcalloc(MAX(1, selectors->n_port_classes), sizeof
                                 *selectors->n_ports);
    for (size_t i = 0; i < request->n_ports; i++) {
        bool known = request->ports[i].where != RECOMMEND_ELSEWHERE;

        selectors->class_of_port[i] = known ? of_port[i]->index : SIZE_MAX;
        if (known) {
            selectors->n_ports[selectors->class_of_port[i]]++;
        }
    }
    HMAP_FOR_EACH_POP (kn, node, &port_classes) {
        free(kn);
    }
    hmap_destroy(&port_classes);
    free(order);
    free(of_port);
}

/* Conditions.  ----------------------------------------------------------- */

static void
add_term(struct selector_builder *b, const char *key, const char *value)
{
    struct selector_term *term;

    for (size_t i = 0; i < b->n_terms; i++) {
        term = &b->terms[i];
        if (!strcmp(term->key, key)
            && (value ? term->value && !strcmp(term->value, value)
                : !term->value)) {
            return;
        }
    }
    if (b->n_terms >= b->allocated_terms) {
        b->terms = x2nrealloc(b->terms, &b->allocated_terms,
                              sizeof *b->terms);
    }
    term = &b->terms[b->n_terms++];
    *term = (struct selector_term) { key, value, bitmap_allocate(b->n_all) };
    for (size_t i = 0; i < b->n_all; i++) {
        const char *has = vmn_labels_get(b->port_classes[i].labels, key);

        if (value ? has && !strcmp(has, value) : !has) {
            bitmap_set1(term->port_classes, i);
        }
    }
    yield(b);
}

/* "key=value" before "!key", then by key and value. */
static int
compare_terms(const void *a_, const void *b_)
{
    const struct selector_term *a = a_;
    const struct selector_term *b = b_;
    int cmp;

    if (!a->value != !b->value) {
        return a->value ? -1 : 1;
    }
    cmp = strcmp(a->key, b->key);
    return cmp || !a->value ? cmp : strcmp(a->value, b->value);
}

/* Makes terms of the labels that ports have, and of keys that some of them do
 * not have. */
static void
make_terms(struct selector_builder *b)
{
    size_t n_port_classes = b->selectors->n_port_classes;

    for (size_t i = 0; i < b->n_all; i++) {
        const struct vmn_label *label;
        size_t j = 0;

        while ((label = next_label(b->request, b->port_classes[i].labels,
                                   &j))) {
            if (i < n_port_classes) {
                add_term(b, label->key, label->value);
            }
            for (size_t k = 0; k < n_port_classes; k++) {
                if (!vmn_labels_get(b->port_classes[k].labels, label->key)) {
                    add_term(b, label->key, NULL);
                    break;
                }
            }
        }
    }
    if (b->n_terms) {
        qsort(b->terms, b->n_terms, sizeof *b->terms, compare_terms);
    }
}

static void
find_common_term(struct selector_builder *b)
{
    size_t n = b->selectors->n_port_classes;

    b->common_term = SIZE_MAX;
    for (size_t i = 0; i < b->n_terms && n < b->n_all; i++) {
        const struct selector_term *term = &b->terms[i];

        if (term->value && bitmap_scan(term->port_classes, false, 0, n) == n
            && bitmap_scan(term->port_classes, true, n,
                           b->n_all) == b->n_all) {
            b->common_term = i;
            return;
        }
    }
}

/* Selectors.  ------------------------------------------------------------ */

/* Adds a selector, which takes over 'port_classes'.  One of the same set
 * that is there already stays, if it does not cost more. */
static void
add_candidate(struct candidate_selectors *selectors, enum recommend_by by,
              const char *text, unsigned cost, unsigned long *port_classes)
{
    for (size_t i = 0; i < selectors->n; i++) {
        struct candidate_selector *selector = &selectors->selectors[i];

        if (bitmap_equal(selector->port_classes, port_classes,
                         selectors->n_port_classes)) {
            if (cost < selector->cost) {
                selector->by = by;
                selector->text = text;
                selector->cost = cost;
            }
            bitmap_free(port_classes);
            return;
        }
    }
    if (selectors->n >= selectors->allocated) {
        selectors->selectors = x2nrealloc(selectors->selectors,
                                          &selectors->allocated, sizeof
                                          *selectors->selectors);
    }
    selectors->selectors[selectors->n++] = (struct candidate_selector) {
        by, text, cost, port_classes, bitmap_scan(port_classes, true,
                                                  selectors->n_inside,
                                                  selectors->n_port_classes)
        == selectors->n_port_classes };
}

/* Each port class by itself, by name until something better is found. */
static void
add_names(struct selector_builder *b)
{
    for (size_t i = 0; i < b->selectors->n_port_classes; i++) {
        unsigned long *port_classes
            = bitmap_allocate(b->selectors->n_port_classes);

        bitmap_set1(port_classes, i);
        add_candidate(b->selectors, RECOMMEND_PORTS, NULL, COST_PORTS,
                      port_classes);
    }
}

/* Groups that are just some port classes. */
static void
add_groups(struct selector_builder *b)
{
    const struct recommend_request *request = b->request;
    struct candidate_selectors *selectors = b->selectors;

    for (size_t i = 0; i < request->n_groups; i++) {
        const struct recommend_group *group = &request->groups[i];
        unsigned long *port_classes
            = bitmap_allocate(selectors->n_port_classes);
        size_t n = 0;

        for (size_t j = 0; j < group->n_ports; j++) {
            bitmap_set1(port_classes,
                        selectors->class_of_port[group->ports[j]]);
        }
        for (size_t j = 0; j < request->n_ports; j++) {
            n += (selectors->class_of_port[j] != SIZE_MAX
                  && bitmap_is_set(port_classes, selectors->class_of_port[j]));
        }
        if (n && n == group->n_ports) {
            add_candidate(selectors, RECOMMEND_GROUP, group->name, 0,
                          port_classes);
        } else {
            bitmap_free(port_classes);
        }
        yield(b);
    }
}

static void
put_term(struct ds *ds, const struct selector_term *term)
{
    ds_put_format(ds, "%s%s%s%s%s", ds->length ? "," : "",
                  term->value ? "" : "!", term->key, term->value ? "=" : "",
                  term->value ? term->value : "");
}

/* Returns the selector in its canonical form, or NULL. */
static const char *
finish_selector(struct selector_builder *b, struct ds *ds)
{
    struct vmn_selector selector;
    int error = selector_parse(ds_cstr(ds), ds->length, b->arena, &selector,
                               NULL);

    ds_destroy(ds);
    return error ? NULL : selector.text;
}

/* Returns true if there are port classes in 'port_classes', and none that are
 * elsewhere. */
static bool
is_allowed_set(const struct selector_builder *b, const unsigned long
               *port_classes)
{
    size_t n = b->selectors->n_port_classes;

    return (bitmap_scan(port_classes, true, 0, n) < n
            && bitmap_scan(port_classes, true, n, b->n_all) == b->n_all);
}

/* Without those elsewhere. */
static unsigned long *
cut_kinds(const struct selector_builder *b, const unsigned long *port_classes)
{
    size_t n = b->selectors->n_port_classes;
    unsigned long *cut = bitmap_allocate(n);
    size_t i;

    BITMAP_FOR_EACH_1 (i, n, port_classes) {
        bitmap_set1(cut, i);
    }
    return cut;
}

static void
add_selector(struct selector_builder *b, const struct selector_state *state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    unsigned cost = 1;
    const char *text;

    for (size_t i = 0; i < state->n_terms; i++) {
        const struct selector_term *term = &b->terms[state->terms[i]];

        put_term(&ds, term);
        cost += term->value ? COST_TERM : COST_LACKS;
    }
    text = finish_selector(b, &ds);
    if (text) {
        add_candidate(b->selectors, RECOMMEND_SELECTOR, text, cost,
                      cut_kinds(b, state->port_classes));
    }
}

/* Search.  --------------------------------------------------------------- */

/* Takes over 'port_classes', those of 'from' (or all) that are in a term.
 * False if there are too many. */
static bool
add_state(struct selector_builder *b, unsigned long *port_classes,
          const struct selector_state *from, size_t term)
{
    uint32_t hash = hash_bytes(port_classes, bitmap_n_bytes(b->n_all), 0);
    bool positive = (from && from->positive) || b->terms[term].value;
    struct selector_state *state;
    size_t n = b->selectors->n_port_classes;

    if (bitmap_scan(port_classes, true, 0, n) == n) {
        bitmap_free(port_classes); /* It selects nothing. */
        return true;
    }
    HMAP_FOR_EACH_WITH_HASH (state, node, hash, &b->by_set) {
        if (bitmap_equal(state->port_classes, port_classes, b->n_all)
            && (state->positive || !positive)) {
            bitmap_free(port_classes);
            return true;
        }
    }
    if (b->n_states >= CANDIDATE_SELECTORS_MAX) {
        bitmap_free(port_classes);
        return false;
    }
    state = xzalloc(sizeof *state);
    state->port_classes = port_classes;
    if (from) {
        state->n_terms = from->n_terms;
        memcpy(state->terms, from->terms, sizeof state->terms);
    }
    state->terms[state->n_terms++] = term;
    state->positive = positive;
    hmap_insert(&b->by_set, &state->node, hash);
    b->states[b->n_states++] = state;
    return true;
}

/* Sets by one condition, then by two, and so on: each set once. */
static bool
make_states(struct selector_builder *b)
{
    for (size_t i = 0; i < b->n_terms; i++) {
        if ((b->common_term == SIZE_MAX || b->common_term == i)
            && !add_state(b, bitmap_clone(b->terms[i].port_classes, b->n_all),
                          NULL, i)) {
            return false;
        }
    }
    for (size_t i = 0; i < b->n_states; i++) {
        const struct selector_state *state = b->states[i];

        yield(b);
        if (state->n_terms >= TERMS_MAX) {
            continue;
        }
        for (size_t j = 0; j < b->n_terms; j++) {
            unsigned long *port_classes = bitmap_clone(state->port_classes,
                                                       b->n_all);

            bitmap_and(port_classes, b->terms[j].port_classes, b->n_all);
            if (!add_state(b, port_classes, state, j)) {
                return false;
            }
        }
    }
    return true;
}

/* Returns the index of the term that holds for port class 'index' and leaves
 * the fewest of the 'n' classes that are 'left'; until one is 'positive', only
 * such terms count.  'b->n_terms': none leaves fewer. */
static size_t
find_best_term(const struct selector_builder *b, size_t index,
               const unsigned long *left, size_t n, bool positive)
{
    size_t best = b->n_terms, best_n = n;

    for (size_t i = 0; i < b->n_terms; i++) {
        unsigned long *port_classes;
        size_t m;

        if (!bitmap_is_set(b->terms[i].port_classes, index)
            || (!positive && !b->terms[i].value)) {
            continue;
        }
        port_classes = bitmap_clone(left, b->n_all);
        bitmap_and(port_classes, b->terms[i].port_classes, b->n_all);
        m = bitmap_count1(port_classes, b->n_all);
        bitmap_free(port_classes);
        if (m < best_n || (!positive && best == b->n_terms)) {
            best = i;
            best_n = m;
        }
    }
    return best;
}

/* Finds a selector for port class 'index' alone, where none of those tried is:
 * always takes the condition that leaves the fewest others. */
static void
describe_class(struct selector_builder *b, size_t index)
{
    unsigned long *left = bitmap_allocate1(b->n_all);
    struct ds ds = DS_EMPTY_INITIALIZER;
    bool positive = false;
    unsigned cost = 1;
    size_t n = b->n_all;
    const char *text;

    if (b->common_term != SIZE_MAX) {
        put_term(&ds, &b->terms[b->common_term]);
        cost += COST_TERM;
        positive = true;
        bitmap_and(left, b->terms[b->common_term].port_classes, b->n_all);
        n = bitmap_count1(left, b->n_all);
    }
    while (n > 1 || !positive) {
        size_t best = find_best_term(b, index, left, n, positive);

        yield(b);
        if (best == b->n_terms) {
            break;              /* Others have the same labels. */
        }
        put_term(&ds, &b->terms[best]);
        cost += b->terms[best].value ? COST_TERM : COST_LACKS;
        positive = true;
        bitmap_and(left, b->terms[best].port_classes, b->n_all);
        n = bitmap_count1(left, b->n_all);
    }
    bitmap_free(left);
    if (n > 1 || !positive) {
        ds_destroy(&ds);
        return;
    }
    text = finish_selector(b, &ds);
    if (text) {
        unsigned long *port_classes
            = bitmap_allocate(b->selectors->n_port_classes);

        bitmap_set1(port_classes, index);
        add_candidate(b->selectors, RECOMMEND_SELECTOR, text, cost,
                      port_classes);
    }
}

/* Life.  ----------------------------------------------------------------- */

static void
builder_uninit(struct selector_builder *b)
{
    for (size_t i = 0; i < b->n_states; i++) {
        bitmap_free(b->states[i]->port_classes);
        free(b->states[i]);
    }
    for (size_t i = 0; i < b->n_terms; i++) {
        bitmap_free(b->terms[i].port_classes);
    }
    hmap_destroy(&b->by_set);
    free(b->terms);
    free(b->port_classes);
}

void
candidate_selectors_init(struct candidate_selectors *selectors,
                         const struct recommend_request *request,
                         struct arena *arena)
{
    struct selector_builder b = { .selectors = selectors, .request = request,
                         .arena = arena };

    memset(selectors, 0, sizeof *selectors);
    hmap_init(&b.by_set);
    make_port_classes(&b);
    if (selectors->n_port_classes <= RECOMMEND_PORT_CLASSES_MAX) {
        make_terms(&b);
        find_common_term(&b);
        add_names(&b);
        add_groups(&b);
        selectors->all = make_states(&b);
        for (size_t i = 0; i < b.n_states; i++) {
            if (b.states[i]->positive
                && is_allowed_set(&b, b.states[i]->port_classes)) {
                add_selector(&b, b.states[i]);
                yield(&b);
            }
        }
        for (size_t i = 0; i < selectors->n_port_classes; i++) {
            if (selectors->selectors[i].by == RECOMMEND_PORTS) {
                describe_class(&b, i);
            }
        }
    }
    builder_uninit(&b);
}

void
candidate_selectors_uninit(struct candidate_selectors *selectors)
{
    for (size_t i = 0; i < selectors->n; i++) {
        bitmap_free(selectors->selectors[i].port_classes);
    }
    free(selectors->selectors);
    free(selectors->class_of_port);
    free(selectors->n_ports);
}
