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
box_uninit(struct box *box)
{
    bitmap_free(box->from);
    bitmap_free(box->to);
    bitmap_free(box->classes);
    bitmap_free(box->elements);
}

static bool
have_common_kind(const struct work *w, const unsigned long *a,
                 const unsigned long *b)
{
    for (size_t i = 0; i < bitmap_n_longs(w->seen.n_kinds); i++) {
        if (a[i] & b[i]) {
            return true;
        }
    }
    return false;
}

/* Puts the kinds that all of 'from' speak 'class' to into 'dst'; false if
 * there are none.  A kind of a single port need not be seen to speak to
 * itself. */
static bool
common_destinations(struct work *w, const unsigned long *from, size_t class,
                    unsigned long *dst)
{
    unsigned long *own = bitmap_allocate(w->seen.n_kinds);
    bool all = true;
    size_t src;

    bitmap_init1(dst, w->seen.n_kinds);
    BITMAP_FOR_EACH_1 (src, w->seen.n_sources, from) {
        size_t row = w->seen.row_of[class * w->seen.n_sources + src];

        if (row == NONE) {
            all = false;
            break;
        }
        memcpy(own, w->seen.rows[row].dst, bitmap_n_bytes(w->seen.n_kinds));
        if (src < w->seen.n_kinds && w->picks.n_ports[src] == 1) {
            bitmap_set1(own, src);
        }
        bitmap_and(dst, own, w->seen.n_kinds);
    }
    bitmap_free(own);
    return all && !bitmap_is_all_zeros(dst, w->seen.n_kinds);
}

/* Whether each source of 'from' was seen to speak 'class' to a kind of 'to',
 * and each kind of 'to' to be spoken to by a source of 'from'. */
static bool
all_take_part(struct work *w, const unsigned long *from,
              const unsigned long *to, size_t class)
{
    unsigned long *reached = bitmap_allocate(w->seen.n_kinds);
    bool all = true;
    size_t src;

    BITMAP_FOR_EACH_1 (src, w->seen.n_sources, from) {
        size_t row = w->seen.row_of[class * w->seen.n_sources + src];
        const unsigned long *dst = w->seen.rows[row].dst;

        all = all && have_common_kind(w, dst, to);
        bitmap_or(reached, dst, w->seen.n_kinds);
    }
    all = all && bitmap_is_superset(reached, to, w->seen.n_kinds);
    bitmap_free(reached);
    pacer_step(&w->pacer, 1);
    return all;
}

/* Sets the elements of a class that are in the box. */
static void
set_elements(struct work *w, const struct box *box, size_t class,
             unsigned long *elements)
{
    size_t src, dst;

    BITMAP_FOR_EACH_1 (src, w->seen.n_sources, box->from) {
        const struct row *row
            = &w->seen.rows[w->seen.row_of[class * w->seen.n_sources + src]];
        size_t element = row->first;

        BITMAP_FOR_EACH_1 (dst, w->seen.n_kinds, row->dst) {
            if (bitmap_is_set(box->to, dst)) {
                bitmap_set1(elements, element);
            }
            element++;
        }
        pacer_step(&w->pacer, 1);
    }
}

/* Adds the box, which it takes over, unless another has all that it has; and
 * drops those of which it has all.  Boxes that have the same stay by cost,
 * then by which came first. */
static void
add_box(struct work *w, struct box *box)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n_boxes; i++) {
        const struct box *other = &w->boxes[i];
        bool in_other = bitmap_is_superset(other->elements, box->elements,
                                           w->seen.n_elements);

        if (in_other
            && (other->cost <= box->cost
                || !bitmap_equal(other->elements, box->elements,
                                 w->seen.n_elements))) {
            box_uninit(box);
            return;
        }
    }
    for (size_t i = 0; i < w->n_boxes; i++) {
        if (bitmap_is_superset(box->elements, w->boxes[i].elements,
                               w->seen.n_elements)) {
            box_uninit(&w->boxes[i]);
        } else {
            w->boxes[n++] = w->boxes[i];
        }
    }
    w->n_boxes = n;
    pacer_step(&w->pacer, 2 * n * (1 + bitmap_n_longs(w->seen.n_elements) / 8));
    if (n >= w->allocated_boxes) {
        w->boxes = x2nrealloc(w->boxes, &w->allocated_boxes,
                              sizeof *w->boxes);
    }
    w->boxes[w->n_boxes++] = *box;
}

/* The candidates from the sources of 'proto' to each pick.  Returns false if
 * there are too many. */
static bool
add_boxes_from(struct work *w, const struct box *proto)
{
    unsigned long **dst = xcalloc(MAX(1, w->seen.n_classes), sizeof *dst);
    unsigned long *scratch = bitmap_allocate(w->seen.n_kinds);
    size_t *classes = xcalloc(MAX(1, w->seen.n_classes), sizeof *classes);
    size_t n = 0;
    bool room = true;

    for (size_t c = 0; c < w->seen.n_classes; c++) {
        if (common_destinations(w, proto->from, c, scratch)) {
            classes[n] = c;
            dst[n++] = bitmap_clone(scratch, w->seen.n_kinds);
        }
        pacer_step(&w->pacer, 1);
    }
    for (size_t p = 0; n && p < w->picks.n && room; p++) {
        const struct pick *pick = &w->picks.picks[p];
        struct box box = *proto;

        box.classes = NULL;
        for (size_t i = 0; i < n; i++) {
            if (pick->inside
                && bitmap_is_superset(dst[i], pick->kinds, w->seen.n_kinds)
                && all_take_part(w, proto->from, pick->kinds, classes[i])) {
                if (!box.classes) {
                    box.to = pick->kinds;
                    box.classes = bitmap_allocate(w->seen.n_classes);
                    box.elements = bitmap_allocate(w->seen.n_elements);
                }
                bitmap_set1(box.classes, classes[i]);
                set_elements(w, &box, classes[i], box.elements);
            }
        }
        pacer_step(&w->pacer, n);
        if (box.classes) {
            box.from = bitmap_clone(proto->from, w->seen.n_sources);
            box.to = bitmap_clone(pick->kinds, w->seen.n_kinds);
            box.to_by = pick->by;
            box.to_text = pick->text;
            box.cost += pick->cost;
            add_box(w, &box);
            room = (w->n_boxes < CANDIDATES_MAX
                    && w->pacer.steps < CANDIDATES_STEPS_MAX);
        }
    }
    for (size_t i = 0; i < n; i++) {
        bitmap_free(dst[i]);
    }
    free(classes);
    bitmap_free(scratch);
    free(dst);
    return room;
}

static bool
all_is_covered(const struct work *w)
{
    size_t n = w->seen.n_elements;
    unsigned long *covered = bitmap_allocate(n);
    bool all;

    for (size_t i = 0; i < w->n_boxes; i++) {
        bitmap_or(covered, w->boxes[i].elements, n);
    }
    all = bitmap_count1(covered, n) == n;
    bitmap_free(covered);
    return all;
}

/* Addresses and single kinds come first, so that what is left out when there
 * are too many is not needed.  Returns false if not even those have room. */
static bool
make_boxes(struct work *w)
{
    struct box box = { .from_by = RECOMMEND_ADDRESSES };

    w->all = true;
    box.from = bitmap_allocate(w->seen.n_sources);
    for (size_t i = w->seen.n_kinds; i < w->seen.n_sources && w->all; i++) {
        bitmap_set1(box.from, i);
        w->all = add_boxes_from(w, &box);
        bitmap_set0(box.from, i);
    }
    for (size_t i = 0; i < w->picks.n && w->all; i++) {
        const struct pick *pick = &w->picks.picks[i];
        size_t kind;

        box.from_by = pick->by;
        box.from_text = pick->text;
        box.cost = pick->cost;
        memset(box.from, 0, bitmap_n_bytes(w->seen.n_sources));
        BITMAP_FOR_EACH_1 (kind, w->seen.n_kinds, pick->kinds) {
            bitmap_set1(box.from, kind);
        }
        w->all = add_boxes_from(w, &box);
    }
    bitmap_free(box.from);
    return w->all || all_is_covered(w);
}

/* The fewest.  ----------------------------------------------------------- */

/* Leaves only the boxes that are chosen.  Returns true if there is no smaller
 * choice. */
static bool
choose_boxes(struct work *w)
{
    size_t n_elements = w->seen.n_elements, n_chosen, next = 0;
    size_t *chosen = xcalloc(MAX(1, n_elements), sizeof *chosen);
    struct setcover_set *sets = xcalloc(MAX(1, w->n_boxes), sizeof *sets);
    bool fewest;

    for (size_t i = 0; i < w->n_boxes; i++) {
        sets[i] = (struct setcover_set) { w->boxes[i].elements,
                                          w->boxes[i].cost };
    }
    fewest = setcover_find(n_elements, sets, w->n_boxes, RECOMMEND_STEPS_MAX,
                           chosen, &n_chosen, w->request->pause,
                           w->request->aux);
    for (size_t i = 0; i < w->n_boxes; i++) {
        if (next < n_chosen && chosen[next] == i) {
            w->boxes[next++] = w->boxes[i];
        } else {
            box_uninit(&w->boxes[i]);
        }
    }
    w->n_boxes = n_chosen;
    free(sets);
    free(chosen);
    return fewest;
}

/* Takes classes out of a box whose elements others have, too. */
static void
narrow_box(struct work *w, size_t index)
{
    struct box *box = &w->boxes[index];
    size_t n = w->seen.n_elements, class;
    unsigned long *others = bitmap_allocate(n);
    unsigned long *own = bitmap_allocate(n);

    for (size_t i = 0; i < w->n_boxes; i++) {
        if (i != index) {
            bitmap_or(others, w->boxes[i].elements, n);
        }
    }
    memset(box->elements, 0, bitmap_n_bytes(n));
    BITMAP_FOR_EACH_1 (class, w->seen.n_classes, box->classes) {
        memset(own, 0, bitmap_n_bytes(n));
        set_elements(w, box, class, own);
        if (bitmap_is_superset(others, own, n)) {
            bitmap_set0(box->classes, class);
        } else {
            bitmap_or(box->elements, own, n);
        }
        pacer_step(&w->pacer, bitmap_n_longs(n));
    }
    pacer_step(&w->pacer, w->n_boxes * bitmap_n_longs(n));
    bitmap_free(own);
    bitmap_free(others);
}

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* True if what both say differs but in the names of ports, or in addresses, on
 * one side, and so can be said at once. */
static bool
can_merge(const struct work *w, const struct box *a, const struct box *b)
{
    bool same_from = bitmap_equal(a->from, b->from, w->seen.n_sources)
                     && same_text(a->from_text, b->from_text);
    bool same_to = bitmap_equal(a->to, b->to, w->seen.n_kinds)
                   && same_text(a->to_text, b->to_text);

    return (a->from_by == b->from_by && a->to_by == b->to_by
            && bitmap_equal(a->classes, b->classes, w->seen.n_classes)
            && ((same_to && !a->from_text && !b->from_text)
                || (same_from && !a->to_text && !b->to_text)));
}

static void
merge_boxes(struct work *w)
{
    for (size_t i = 0; i < w->n_boxes; i++) {
        for (size_t j = i + 1; j < w->n_boxes; j++) {
            struct box *a = &w->boxes[i], *b = &w->boxes[j];

            if (can_merge(w, a, b)) {
                bitmap_or(a->from, b->from, w->seen.n_sources);
                bitmap_or(a->to, b->to, w->seen.n_kinds);
                bitmap_or(a->elements, b->elements, w->seen.n_elements);
                box_uninit(b);
                w->boxes[j] = w->boxes[--w->n_boxes];
                j = i;          /* It may fit others now. */
            }
            pacer_step(&w->pacer, 1);
        }
    }
}

bool
boxes_find(struct work *w, bool *fewest)
{
    if (!make_boxes(w)) {
        return false;
    }
    *fewest = choose_boxes(w) && w->all && w->picks.all;
    for (size_t i = 0; i < w->n_boxes; i++) {
        narrow_box(w, i);
    }
    merge_boxes(w);
    return true;
}

void
boxes_uninit(struct work *w)
{
    for (size_t i = 0; i < w->n_boxes; i++) {
        box_uninit(&w->boxes[i]);
    }
    free(w->boxes);
}
