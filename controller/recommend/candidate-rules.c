/* SPDX-License-Identifier: Apache-2.0
 *
 * Candidates, and a cover by them; see candidate-rules.h. */

#include <config.h>

#include "controller/recommend/candidate-rules.h"

#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "controller/recommend/set-cover.h"
#include "util.h"

/* Candidates that are kept, and steps to find them. */
#define CANDIDATES_MAX 4000
#define CANDIDATES_STEPS_MAX 400000000
#define NONE SIZE_MAX

/* Candidates.  ----------------------------------------------------------- */

static void
rule_uninit(struct candidate_rule *rule)
{
    bitmap_free(rule->from);
    bitmap_free(rule->to);
    bitmap_free(rule->service_classes);
    bitmap_free(rule->cells);
}

static bool
have_common_class(const struct recommend_work *w, const unsigned long *a,
                  const unsigned long *b)
{
    for (size_t i = 0; i < bitmap_n_longs(w->observed.n_port_classes); i++) {
        if (a[i] & b[i]) {
            return true;
        }
    }
    return false;
}

/* Puts the port classes that all of 'from' speak 'service_class' to into
 * 'dst'; false if there are none.  A port class of a single port need not be
 * seen to speak to itself. */
static bool
common_destinations(struct recommend_work *w, const unsigned long *from, size_t
                    service_class, unsigned long *dst)
{
    unsigned long *own = bitmap_allocate(w->observed.n_port_classes);
    bool all = true;
    size_t src;

    bitmap_init1(dst, w->observed.n_port_classes);
    BITMAP_FOR_EACH_1 (src, w->observed.n_sources, from) {
        size_t row = w->observed.row_of[service_class * w->observed.n_sources
                                        + src];

        if (row == NONE) {
            all = false;
            break;
        }
        memcpy(own, w->observed.rows[row].dst,
               bitmap_n_bytes(w->observed.n_port_classes));
        if (src < w->observed.n_port_classes
            && w->selectors.n_ports[src] == 1) {
            bitmap_set1(own, src);
        }
        bitmap_and(dst, own, w->observed.n_port_classes);
    }
    bitmap_free(own);
    return all && !bitmap_is_all_zeros(dst, w->observed.n_port_classes);
}

/* Returns true if each source of 'from' was seen to speak 'service_class' to a
 * port class of 'to', and each port class of 'to' to be spoken to by a source
 * of 'from'. */
static bool
all_take_part(struct recommend_work *w, const unsigned long *from,
              const unsigned long *to, size_t service_class)
{
    unsigned long *reached = bitmap_allocate(w->observed.n_port_classes);
    bool all = true;
    size_t src;

    BITMAP_FOR_EACH_1 (src, w->observed.n_sources, from) {
        size_t row = w->observed.row_of[service_class * w->observed.n_sources
                                        + src];
        const unsigned long *dst = w->observed.rows[row].dst;

        all = all && have_common_class(w, dst, to);
        bitmap_or(reached, dst, w->observed.n_port_classes);
    }
    all = all && bitmap_is_superset(reached, to, w->observed.n_port_classes);
    bitmap_free(reached);
    step_counter_add(&w->steps, 1);
    return all;
}

/* Sets the cells of a class that are in the candidate. */
static void
set_cells(struct recommend_work *w, const struct candidate_rule *rule, size_t
          service_class, unsigned long *cells)
{
    size_t src, dst;

    BITMAP_FOR_EACH_1 (src, w->observed.n_sources, rule->from) {
        const struct cell_row *row
            = &w->observed.rows[w->observed.row_of[service_class *
                                                   w->observed.n_sources
                                                   + src]];
        size_t cell = row->first;

        BITMAP_FOR_EACH_1 (dst, w->observed.n_port_classes, row->dst) {
            if (bitmap_is_set(rule->to, dst)) {
                bitmap_set1(cells, cell);
            }
            cell++;
        }
        step_counter_add(&w->steps, 1);
    }
}

/* Adds the candidate, which it takes over, unless another has all that it has;
 * and drops those of which it has all.  Candidates that have the same stay by
 * cost, then by which came first. */
static void
add_rule(struct recommend_work *w, struct candidate_rule *rule)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n_rules; i++) {
        const struct candidate_rule *other = &w->rules[i];
        bool in_other = bitmap_is_superset(other->cells, rule->cells,
                                           w->observed.n_cells);

        if (in_other
            && (other->cost <= rule->cost
                || !bitmap_equal(other->cells, rule->cells,
                                 w->observed.n_cells))) {
            rule_uninit(rule);
            return;
        }
    }
    for (size_t i = 0; i < w->n_rules; i++) {
        if (bitmap_is_superset(rule->cells, w->rules[i].cells,
                               w->observed.n_cells)) {
            rule_uninit(&w->rules[i]);
        } else {
            w->rules[n++] = w->rules[i];
        }
    }
    w->n_rules = n;
    step_counter_add(&w->steps, 2 * n * (1
                                         + bitmap_n_longs(w->observed.n_cells)
                                         / 8));
    if (n >= w->allocated_rules) {
        w->rules = x2nrealloc(w->rules, &w->allocated_rules,
                              sizeof *w->rules);
    }
    w->rules[w->n_rules++] = *rule;
}

/* The candidates from the sources of 'proto' to each selector.  Returns false
 * if there are too many. */
static bool
add_rules_from(struct recommend_work *w, const struct candidate_rule *proto)
{
    unsigned long **dst = xcalloc(MAX(1, w->observed.n_service_classes), sizeof
                                  *dst);
    unsigned long *scratch = bitmap_allocate(w->observed.n_port_classes);
    size_t *service_classes = xcalloc(MAX(1, w->observed.n_service_classes),
                                      sizeof *service_classes);
    size_t n = 0;
    bool room = true;

    for (size_t c = 0; c < w->observed.n_service_classes; c++) {
        if (common_destinations(w, proto->from, c, scratch)) {
            service_classes[n] = c;
            dst[n++] = bitmap_clone(scratch, w->observed.n_port_classes);
        }
        step_counter_add(&w->steps, 1);
    }
    for (size_t p = 0; n && p < w->selectors.n && room; p++) {
        const struct candidate_selector *selector = &w->selectors.selectors[p];
        struct candidate_rule rule = *proto;

        rule.service_classes = NULL;
        for (size_t i = 0; i < n; i++) {
            if (selector->inside
                && bitmap_is_superset(dst[i], selector->port_classes,
                                      w->observed.n_port_classes)
                && all_take_part(w, proto->from, selector->port_classes,
                                 service_classes[i])) {
                if (!rule.service_classes) {
                    rule.to = selector->port_classes;
                    rule.service_classes
                        = bitmap_allocate(w->observed.n_service_classes);
                    rule.cells = bitmap_allocate(w->observed.n_cells);
                }
                bitmap_set1(rule.service_classes, service_classes[i]);
                set_cells(w, &rule, service_classes[i], rule.cells);
            }
        }
        step_counter_add(&w->steps, n);
        if (rule.service_classes) {
            rule.from = bitmap_clone(proto->from, w->observed.n_sources);
            rule.to = bitmap_clone(selector->port_classes,
                                   w->observed.n_port_classes);
            rule.to_by = selector->by;
            rule.to_text = selector->text;
            rule.cost += selector->cost;
            add_rule(w, &rule);
            room = (w->n_rules < CANDIDATES_MAX
                    && w->steps.steps < CANDIDATES_STEPS_MAX);
        }
    }
    for (size_t i = 0; i < n; i++) {
        bitmap_free(dst[i]);
    }
    free(service_classes);
    bitmap_free(scratch);
    free(dst);
    return room;
}

static bool
all_is_covered(const struct recommend_work *w)
{
    size_t n = w->observed.n_cells;
    unsigned long *covered = bitmap_allocate(n);
    bool all;

    for (size_t i = 0; i < w->n_rules; i++) {
        bitmap_or(covered, w->rules[i].cells, n);
    }
    all = bitmap_count1(covered, n) == n;
    bitmap_free(covered);
    return all;
}

/* Addresses and single port classes come first, so that what is left out when
 * there are too many is not needed.  Returns false if not even those have
 * room. */
static bool
make_candidates(struct recommend_work *w)
{
    struct candidate_rule rule = { .from_by = RECOMMEND_ADDRESSES };

    w->all = true;
    rule.from = bitmap_allocate(w->observed.n_sources);
    for (size_t i = w->observed.n_port_classes; i < w->observed.n_sources
         && w->all; i++) {
        bitmap_set1(rule.from, i);
        w->all = add_rules_from(w, &rule);
        bitmap_set0(rule.from, i);
    }
    for (size_t i = 0; i < w->selectors.n && w->all; i++) {
        const struct candidate_selector *selector = &w->selectors.selectors[i];
        size_t class_;

        rule.from_by = selector->by;
        rule.from_text = selector->text;
        rule.cost = selector->cost;
        memset(rule.from, 0, bitmap_n_bytes(w->observed.n_sources));
        BITMAP_FOR_EACH_1 (class_, w->observed.n_port_classes,
                           selector->port_classes) {
            bitmap_set1(rule.from, class_);
        }
        w->all = add_rules_from(w, &rule);
    }
    bitmap_free(rule.from);
    return w->all || all_is_covered(w);
}

/* The fewest.  ----------------------------------------------------------- */

/* Leaves only the candidates that are chosen.  Returns true if there is no
 * smaller choice. */
static bool
choose_rules(struct recommend_work *w)
{
    size_t n_cells = w->observed.n_cells, n_chosen, next = 0;
    size_t *chosen = xcalloc(MAX(1, n_cells), sizeof *chosen);
    struct set_cover_set *sets = xcalloc(MAX(1, w->n_rules), sizeof *sets);
    bool fewest;

    for (size_t i = 0; i < w->n_rules; i++) {
        sets[i] = (struct set_cover_set) { w->rules[i].cells,
                                          w->rules[i].cost };
    }
    fewest = set_cover_find(n_cells, sets, w->n_rules, RECOMMEND_STEPS_MAX,
                            chosen, &n_chosen, w->request->yield,
                            w->request->aux);
    for (size_t i = 0; i < w->n_rules; i++) {
        if (next < n_chosen && chosen[next] == i) {
            w->rules[next++] = w->rules[i];
        } else {
            rule_uninit(&w->rules[i]);
        }
    }
    w->n_rules = n_chosen;
    free(sets);
    free(chosen);
    return fewest;
}

/* Takes classes out of a candidate whose cells others have, too. */
static void
narrow_rule(struct recommend_work *w, size_t index)
{
    struct candidate_rule *rule = &w->rules[index];
    size_t n = w->observed.n_cells, service_class;
    unsigned long *others = bitmap_allocate(n);
    unsigned long *own = bitmap_allocate(n);

    for (size_t i = 0; i < w->n_rules; i++) {
        if (i != index) {
            bitmap_or(others, w->rules[i].cells, n);
        }
    }
    memset(rule->cells, 0, bitmap_n_bytes(n));
    BITMAP_FOR_EACH_1 (service_class, w->observed.n_service_classes,
                       rule->service_classes) {
        memset(own, 0, bitmap_n_bytes(n));
        set_cells(w, rule, service_class, own);
        if (bitmap_is_superset(others, own, n)) {
            bitmap_set0(rule->service_classes, service_class);
        } else {
            bitmap_or(rule->cells, own, n);
        }
        step_counter_add(&w->steps, bitmap_n_longs(n));
    }
    step_counter_add(&w->steps, w->n_rules * bitmap_n_longs(n));
    bitmap_free(own);
    bitmap_free(others);
}

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* Returns true if what both say differs but in the names of ports, or in
 * addresses, on one side, and so can be said at once. */
static bool
can_merge(const struct recommend_work *w, const struct candidate_rule *a,
          const struct candidate_rule *b)
{
    bool same_from = bitmap_equal(a->from, b->from, w->observed.n_sources)
                     && same_text(a->from_text, b->from_text);
    bool same_to = bitmap_equal(a->to, b->to, w->observed.n_port_classes)
                   && same_text(a->to_text, b->to_text);

    return (a->from_by == b->from_by && a->to_by == b->to_by
            && bitmap_equal(a->service_classes, b->service_classes,
                            w->observed.n_service_classes)
            && ((same_to && !a->from_text && !b->from_text)
                || (same_from && !a->to_text && !b->to_text)));
}

static void
merge_rules(struct recommend_work *w)
{
    for (size_t i = 0; i < w->n_rules; i++) {
        for (size_t j = i + 1; j < w->n_rules; j++) {
            struct candidate_rule *a = &w->rules[i], *b = &w->rules[j];

            if (can_merge(w, a, b)) {
                bitmap_or(a->from, b->from, w->observed.n_sources);
                bitmap_or(a->to, b->to, w->observed.n_port_classes);
                bitmap_or(a->cells, b->cells, w->observed.n_cells);
                rule_uninit(b);
                w->rules[j] = w->rules[--w->n_rules];
                j = i;          /* It may fit others now. */
            }
            step_counter_add(&w->steps, 1);
        }
    }
}

bool
candidate_rules_find(struct recommend_work *w, bool *fewest)
{
    if (!make_candidates(w)) {
        return false;
    }
    *fewest = choose_rules(w) && w->all && w->selectors.all;
    for (size_t i = 0; i < w->n_rules; i++) {
        narrow_rule(w, i);
    }
    merge_rules(w);
    return true;
}

void
candidate_rules_uninit(struct recommend_work *w)
{
    for (size_t i = 0; i < w->n_rules; i++) {
        rule_uninit(&w->rules[i]);
    }
    free(w->rules);
}
