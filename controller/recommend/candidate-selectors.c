/* SPDX-License-Identifier: Apache-2.0
 *
 * Kinds of ports, and the sets of them that can be named; see
 * candidate-selectors.h.
 *
 * Selectors are tried by the number of their conditions, so the first that
 * picks a set is one of the shortest that do.  Conditions are "key=value" and
 * "!key".  Ports that are yet to come elsewhere should not be picked: so at
 * least one is of the first sort, and if all ports but those elsewhere have a
 * label in common, it is in every selector. */

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

/* A kind of ports.  Those elsewhere must not be picked. */
struct kind {
    const struct vmn_labels *labels;
    const char *name;           /* Of one of its ports. */
    enum recommend_where where;
    size_t index;
};

/* A condition. */
struct term {
    const char *key;
    const char *value;          /* NULL: "!key". */
    unsigned long *kinds;       /* Of all, those elsewhere included. */
};

/* A set of kinds, and the conditions that pick it. */
struct state {
    struct hmap_node node;
    unsigned long *kinds;
    size_t n_terms;
    uint16_t terms[TERMS_MAX];
    bool positive;
};

struct builder {
    struct picks *picks;
    const struct recommend_request *request;
    struct arena *arena;
    size_t n_all;               /* Kinds; those elsewhere come last. */
    struct kind *kinds;
    size_t n_terms, allocated_terms;
    struct term *terms;
    size_t home;                /* The term that tells the network from others,
                                 * or SIZE_MAX. */
    struct hmap by_kinds;       /* struct state. */
    size_t n_states;
    struct state *states[PICKS_MAX];
};

static void
rest_a_little(const struct builder *b)
{
    if (b->request->pause) {
        b->request->pause(b->request->aux);
    }
}

/* Kinds.  ---------------------------------------------------------------- */

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
    struct kind kind;
};

static struct kind_node *
get_kind(struct builder *b, struct hmap *kinds, size_t port)
{
    const struct recommend_request *request = b->request;
    const struct recommend_port *p = &request->ports[port];
    bool own = request->exact && p->where != RECOMMEND_ELSEWHERE;
    uint32_t hash = hash_labels(request, p->labels, p->where);
    struct kind_node *found;

    HMAP_FOR_EACH_WITH_HASH (found, node, hash, kinds) {
        if (!own && found->kind.where == p->where
            && !compare_labels(request, found->kind.labels, p->labels)) {
            return found;
        }
    }
    found = xzalloc(sizeof *found);
    found->kind = (struct kind) { p->labels, p->name, p->where, 0 };
    hmap_insert(kinds, &found->node, hash);
    return found;
}

/* Those inside first, those elsewhere last, then by name: the order of ports
 * tells nothing. */
static int
compare_kinds(const void *a_, const void *b_)
{
    const struct kind *const *a = a_;
    const struct kind *const *b = b_;

    return ((*a)->where != (*b)->where ? (int) (*a)->where - (int) (*b)->where
            : strcmp((*a)->name, (*b)->name));
}

static void
make_kinds(struct builder *b)
{
    const struct recommend_request *request = b->request;
    struct picks *picks = b->picks;
    struct hmap kinds = HMAP_INITIALIZER(&kinds);
    struct kind **of_port = xcalloc(MAX(1, request->n_ports),
                                    sizeof *of_port);
    struct kind_node *kn;
    struct kind **order;
    size_t n = 0;

    for (size_t i = 0; i < request->n_ports; i++) {
        kn = get_kind(b, &kinds, i);
        if (strcmp(request->ports[i].name, kn->kind.name) < 0) {
            kn->kind.name = request->ports[i].name;
        }
        of_port[i] = &kn->kind;
        if (i % 64 == 0) {
            rest_a_little(b);
        }
    }
    order = xcalloc(MAX(1, hmap_count(&kinds)), sizeof *order);
    HMAP_FOR_EACH (kn, node, &kinds) {
        order[n++] = &kn->kind;
    }
    qsort(order, n, sizeof *order, compare_kinds);

    b->n_all = n;
    b->kinds = xcalloc(MAX(1, n), sizeof *b->kinds);
    for (size_t i = 0; i < n; i++) {
        order[i]->index = i;
        b->kinds[i] = *order[i];
        picks->n_inside += order[i]->where == RECOMMEND_INSIDE;
        picks->n_kinds += order[i]->where != RECOMMEND_ELSEWHERE;
    }
    picks->kind_of = xcalloc(MAX(1, request->n_ports),
                             sizeof *picks->kind_of);
    picks->n_ports = xcalloc(MAX(1, picks->n_kinds), sizeof *picks->n_ports);
    for (size_t i = 0; i < request->n_ports; i++) {
        bool known = request->ports[i].where != RECOMMEND_ELSEWHERE;

        picks->kind_of[i] = known ? of_port[i]->index : SIZE_MAX;
        if (known) {
            picks->n_ports[picks->kind_of[i]]++;
        }
    }
    HMAP_FOR_EACH_POP (kn, node, &kinds) {
        free(kn);
    }
    hmap_destroy(&kinds);
    free(order);
    free(of_port);
}

/* Conditions.  ----------------------------------------------------------- */

static void
add_term(struct builder *b, const char *key, const char *value)
{
    struct term *term;

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
    *term = (struct term) { key, value, bitmap_allocate(b->n_all) };
    for (size_t i = 0; i < b->n_all; i++) {
        const char *has = vmn_labels_get(b->kinds[i].labels, key);

        if (value ? has && !strcmp(has, value) : !has) {
            bitmap_set1(term->kinds, i);
        }
    }
    rest_a_little(b);
}

/* "key=value" before "!key", then by key and value. */
static int
compare_terms(const void *a_, const void *b_)
{
    const struct term *a = a_;
    const struct term *b = b_;
    int cmp;

    if (!a->value != !b->value) {
        return a->value ? -1 : 1;
    }
    cmp = strcmp(a->key, b->key);
    return cmp || !a->value ? cmp : strcmp(a->value, b->value);
}

/* Of what ports have that may be picked, and what some of them lack. */
static void
make_terms(struct builder *b)
{
    size_t n_kinds = b->picks->n_kinds;

    for (size_t i = 0; i < b->n_all; i++) {
        const struct vmn_label *label;
        size_t j = 0;

        while ((label = next_label(b->request, b->kinds[i].labels, &j))) {
            if (i < n_kinds) {
                add_term(b, label->key, label->value);
            }
            for (size_t k = 0; k < n_kinds; k++) {
                if (!vmn_labels_get(b->kinds[k].labels, label->key)) {
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
find_home(struct builder *b)
{
    size_t n = b->picks->n_kinds;

    b->home = SIZE_MAX;
    for (size_t i = 0; i < b->n_terms && n < b->n_all; i++) {
        const struct term *term = &b->terms[i];

        if (term->value && bitmap_scan(term->kinds, false, 0, n) == n
            && bitmap_scan(term->kinds, true, n, b->n_all) == b->n_all) {
            b->home = i;
            return;
        }
    }
}

/* Picks.  ---------------------------------------------------------------- */

/* Adds a pick, which takes over 'kinds'.  One of the same set
 * that is there already stays, if it does not cost more. */
static void
add_pick(struct picks *picks, enum recommend_by by, const char *text,
         unsigned cost, unsigned long *kinds)
{
    for (size_t i = 0; i < picks->n; i++) {
        struct pick *pick = &picks->picks[i];

        if (bitmap_equal(pick->kinds, kinds, picks->n_kinds)) {
            if (cost < pick->cost) {
                pick->by = by;
                pick->text = text;
                pick->cost = cost;
            }
            bitmap_free(kinds);
            return;
        }
    }
    if (picks->n >= picks->allocated) {
        picks->picks = x2nrealloc(picks->picks, &picks->allocated,
                                  sizeof *picks->picks);
    }
    picks->picks[picks->n++] = (struct pick) {
        by, text, cost, kinds,
        bitmap_scan(kinds, true, picks->n_inside, picks->n_kinds)
        == picks->n_kinds };
}

/* Each kind by itself, by name until something better is found. */
static void
add_names(struct builder *b)
{
    for (size_t i = 0; i < b->picks->n_kinds; i++) {
        unsigned long *kinds = bitmap_allocate(b->picks->n_kinds);

        bitmap_set1(kinds, i);
        add_pick(b->picks, RECOMMEND_PORTS, NULL, COST_PORTS, kinds);
    }
}

/* Groups that are just some kinds. */
static void
add_groups(struct builder *b)
{
    const struct recommend_request *request = b->request;
    struct picks *picks = b->picks;

    for (size_t i = 0; i < request->n_groups; i++) {
        const struct recommend_group *group = &request->groups[i];
        unsigned long *kinds = bitmap_allocate(picks->n_kinds);
        size_t n = 0;

        for (size_t j = 0; j < group->n_ports; j++) {
            bitmap_set1(kinds, picks->kind_of[group->ports[j]]);
        }
        for (size_t j = 0; j < request->n_ports; j++) {
            n += (picks->kind_of[j] != SIZE_MAX
                  && bitmap_is_set(kinds, picks->kind_of[j]));
        }
        if (n && n == group->n_ports) {
            add_pick(picks, RECOMMEND_GROUP, group->name, 0, kinds);
        } else {
            bitmap_free(kinds);
        }
        rest_a_little(b);
    }
}

static void
put_term(struct ds *ds, const struct term *term)
{
    ds_put_format(ds, "%s%s%s%s%s", ds->length ? "," : "",
                  term->value ? "" : "!", term->key, term->value ? "=" : "",
                  term->value ? term->value : "");
}

/* The selector in its canonical form, or NULL. */
static const char *
finish_selector(struct builder *b, struct ds *ds)
{
    struct vmn_selector selector;
    char *error = selector_parse(ds_cstr(ds), ds->length, b->arena,
                                 &selector);

    ds_destroy(ds);
    free(error);
    return error ? NULL : selector.text;
}

/* Whether there are kinds in 'kinds', and none that are elsewhere. */
static bool
can_be_picked(const struct builder *b, const unsigned long *kinds)
{
    size_t n = b->picks->n_kinds;

    return (bitmap_scan(kinds, true, 0, n) < n
            && bitmap_scan(kinds, true, n, b->n_all) == b->n_all);
}

/* Without those elsewhere. */
static unsigned long *
cut_kinds(const struct builder *b, const unsigned long *kinds)
{
    size_t n = b->picks->n_kinds;
    unsigned long *cut = bitmap_allocate(n);
    size_t i;

    BITMAP_FOR_EACH_1 (i, n, kinds) {
        bitmap_set1(cut, i);
    }
    return cut;
}

static void
add_selector(struct builder *b, const struct state *state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    unsigned cost = 1;
    const char *text;

    for (size_t i = 0; i < state->n_terms; i++) {
        const struct term *term = &b->terms[state->terms[i]];

        put_term(&ds, term);
        cost += term->value ? COST_TERM : COST_LACKS;
    }
    text = finish_selector(b, &ds);
    if (text) {
        add_pick(b->picks, RECOMMEND_SELECTOR, text, cost,
                 cut_kinds(b, state->kinds));
    }
}

/* Search.  --------------------------------------------------------------- */

/* Takes over 'kinds', those of 'from' (or all) that are in a term.  False if
 * there are too many. */
static bool
add_state(struct builder *b, unsigned long *kinds, const struct state *from,
          size_t term)
{
    uint32_t hash = hash_bytes(kinds, bitmap_n_bytes(b->n_all), 0);
    bool positive = (from && from->positive) || b->terms[term].value;
    struct state *state;
    size_t n = b->picks->n_kinds;

    if (bitmap_scan(kinds, true, 0, n) == n) {
        bitmap_free(kinds);     /* Nothing to pick. */
        return true;
    }
    HMAP_FOR_EACH_WITH_HASH (state, node, hash, &b->by_kinds) {
        if (bitmap_equal(state->kinds, kinds, b->n_all)
            && (state->positive || !positive)) {
            bitmap_free(kinds);
            return true;
        }
    }
    if (b->n_states >= PICKS_MAX) {
        bitmap_free(kinds);
        return false;
    }
    state = xzalloc(sizeof *state);
    state->kinds = kinds;
    if (from) {
        state->n_terms = from->n_terms;
        memcpy(state->terms, from->terms, sizeof state->terms);
    }
    state->terms[state->n_terms++] = term;
    state->positive = positive;
    hmap_insert(&b->by_kinds, &state->node, hash);
    b->states[b->n_states++] = state;
    return true;
}

/* Sets by one condition, then by two, and so on: each set once. */
static bool
make_states(struct builder *b)
{
    for (size_t i = 0; i < b->n_terms; i++) {
        if ((b->home == SIZE_MAX || b->home == i)
            && !add_state(b, bitmap_clone(b->terms[i].kinds, b->n_all), NULL,
                          i)) {
            return false;
        }
    }
    for (size_t i = 0; i < b->n_states; i++) {
        const struct state *state = b->states[i];

        rest_a_little(b);
        if (state->n_terms >= TERMS_MAX) {
            continue;
        }
        for (size_t j = 0; j < b->n_terms; j++) {
            unsigned long *kinds = bitmap_clone(state->kinds, b->n_all);

            bitmap_and(kinds, b->terms[j].kinds, b->n_all);
            if (!add_state(b, kinds, state, j)) {
                return false;
            }
        }
    }
    return true;
}

/* Finds a selector for kind 'index' alone, where none of those tried is:
 * always takes the condition that leaves the fewest others. */
static void
describe_kind(struct builder *b, size_t index)
{
    unsigned long *left = bitmap_allocate1(b->n_all);
    struct ds ds = DS_EMPTY_INITIALIZER;
    bool positive = false;
    unsigned cost = 1;
    size_t n = b->n_all;
    const char *text;

    if (b->home != SIZE_MAX) {
        put_term(&ds, &b->terms[b->home]);
        cost += COST_TERM;
        positive = true;
        bitmap_and(left, b->terms[b->home].kinds, b->n_all);
        n = bitmap_count1(left, b->n_all);
    }
    while (n > 1 || !positive) {
        size_t best = b->n_terms, best_n = n;

        for (size_t i = 0; i < b->n_terms; i++) {
            unsigned long *kinds;
            size_t m;

            if (!bitmap_is_set(b->terms[i].kinds, index)
                || (!positive && !b->terms[i].value)) {
                continue;
            }
            kinds = bitmap_clone(left, b->n_all);
            bitmap_and(kinds, b->terms[i].kinds, b->n_all);
            m = bitmap_count1(kinds, b->n_all);
            bitmap_free(kinds);
            if (m < best_n || (!positive && best == b->n_terms)) {
                best = i;
                best_n = m;
            }
        }
        rest_a_little(b);
        if (best == b->n_terms) {
            break;              /* Others have the same labels. */
        }
        put_term(&ds, &b->terms[best]);
        cost += b->terms[best].value ? COST_TERM : COST_LACKS;
        positive = true;
        bitmap_and(left, b->terms[best].kinds, b->n_all);
        n = bitmap_count1(left, b->n_all);
    }
    bitmap_free(left);
    if (n > 1 || !positive) {
        ds_destroy(&ds);
        return;
    }
    text = finish_selector(b, &ds);
    if (text) {
        unsigned long *kinds = bitmap_allocate(b->picks->n_kinds);

        bitmap_set1(kinds, index);
        add_pick(b->picks, RECOMMEND_SELECTOR, text, cost, kinds);
    }
}

/* Life.  ----------------------------------------------------------------- */

static void
builder_uninit(struct builder *b)
{
    for (size_t i = 0; i < b->n_states; i++) {
        bitmap_free(b->states[i]->kinds);
        free(b->states[i]);
    }
    for (size_t i = 0; i < b->n_terms; i++) {
        bitmap_free(b->terms[i].kinds);
    }
    hmap_destroy(&b->by_kinds);
    free(b->terms);
    free(b->kinds);
}

void
picks_init(struct picks *picks, const struct recommend_request *request,
           struct arena *arena)
{
    struct builder b = { .picks = picks, .request = request,
                         .arena = arena };

    memset(picks, 0, sizeof *picks);
    hmap_init(&b.by_kinds);
    make_kinds(&b);
    if (picks->n_kinds <= RECOMMEND_KINDS_MAX) {
        make_terms(&b);
        find_home(&b);
        add_names(&b);
        add_groups(&b);
        picks->all = make_states(&b);
        for (size_t i = 0; i < b.n_states; i++) {
            if (b.states[i]->positive && can_be_picked(&b, b.states[i]->kinds)) {
                add_selector(&b, b.states[i]);
                rest_a_little(&b);
            }
        }
        for (size_t i = 0; i < picks->n_kinds; i++) {
            if (picks->picks[i].by == RECOMMEND_PORTS) {
                describe_kind(&b, i);
            }
        }
    }
    builder_uninit(&b);
}

void
picks_uninit(struct picks *picks)
{
    for (size_t i = 0; i < picks->n; i++) {
        bitmap_free(picks->picks[i].kinds);
    }
    free(picks->picks);
    free(picks->kind_of);
    free(picks->n_ports);
}
