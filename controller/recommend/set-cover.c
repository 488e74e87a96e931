/* SPDX-License-Identifier: Apache-2.0
 *
 * Set cover: greedy, then branch and bound; see set-cover.h.
 *
 * A branch takes the uncovered element that is in the fewest sets, and tries
 * each of these.  It is cut where elements that have no set in common tell
 * that it cannot become smaller than the best so far. */

#include <config.h>

#include "controller/recommend/set-cover.h"

#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "util.h"

/* Words of bitmaps that are looked at between two calls of 'yield'. */
#define WORK_PER_PAUSE 100000

/* The search is as deep as the cover has sets; larger ones stay greedy. */
#define DEPTH_MAX 200

struct search {
    size_t n, n_sets;
    size_t n_words;             /* Of a bitmap of elements. */
    const struct set_cover_set *sets;
    unsigned long **in;         /* Of each element, the sets that have it. */
    size_t *n_in;
    size_t *order;              /* Elements, those in few sets first. */
    size_t n_best, *best;
    size_t n_taken, *taken;
    size_t steps_left;
    size_t work;
    void (*yield)(void *aux);
    void *aux;
};

static void
rest_a_little(struct search *s, size_t work)
{
    s->work += work;
    if (s->work >= WORK_PER_PAUSE) {
        s->work = 0;
        if (s->yield) {
            s->yield(s->aux);
        }
    }
}

/* Returns how many of the elements that 'left' has are in the set. */
static size_t
gain(struct search *s, const unsigned long *left, size_t set)
{
    const unsigned long *bits = s->sets[set].bits;
    size_t n = 0;

    for (size_t i = 0; i < s->n_words; i++) {
        n += count_1bits(left[i] & bits[i]);
    }
    rest_a_little(s, s->n_words);
    return n;
}

static void
take(struct search *s, unsigned long *left, size_t set)
{
    for (size_t i = 0; i < s->n_words; i++) {
        left[i] &= ~s->sets[set].bits[i];
    }
    s->taken[s->n_taken++] = set;
}

static void
keep_taken(struct search *s)
{
    memcpy(s->best, s->taken, s->n_taken * sizeof *s->best);
    s->n_best = s->n_taken;
}

static void
greedy(struct search *s)
{
    unsigned long *left = bitmap_allocate1(s->n);

    while (!bitmap_is_all_zeros(left, s->n)) {
        size_t best = 0, best_gain = 0;

        for (size_t i = 0; i < s->n_sets; i++) {
            size_t g = gain(s, left, i);

            if (g > best_gain
                || (g && g == best_gain
                    && s->sets[i].cost < s->sets[best].cost)) {
                best = i;
                best_gain = g;
            }
        }
        ovs_assert(best_gain);
        take(s, left, best);
    }
    keep_taken(s);
    s->n_taken = 0;
    bitmap_free(left);
}

static bool
have_common_bit(const unsigned long *a, const unsigned long *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] & b[i]) {
            return true;
        }
    }
    return false;
}

/* Returns how many more sets are needed at least: elements that are in no set
 * together need one each.  Goes no further than 'enough'. */
static size_t
bound(struct search *s, const unsigned long *left, size_t enough)
{
    size_t n_words = bitmap_n_longs(s->n_sets);
    unsigned long *used = bitmap_allocate(s->n_sets);
    size_t n = 0;

    for (size_t i = 0; i < s->n && n < enough; i++) {
        size_t e = s->order[i];

        if (bitmap_is_set(left, e)
            && !have_common_bit(used, s->in[e], n_words)) {
            bitmap_or(used, s->in[e], s->n_sets);
            n++;
        }
    }
    rest_a_little(s, s->n + n * n_words);
    bitmap_free(used);
    return n;
}

struct branch {
    size_t set, gain;
    unsigned cost;
};

static int
compare_branches(const void *a_, const void *b_)
{
    const struct branch *a = a_;
    const struct branch *b = b_;

    return (a->gain != b->gain ? (a->gain > b->gain ? -1 : 1)
            : a->cost != b->cost ? (a->cost < b->cost ? -1 : 1)
            : a->set < b->set ? -1 : a->set > b->set);
}

/* Tries to complete what is taken; 'left' is still to be covered. */
static void
search(struct search *s, const unsigned long *left)
{
    struct branch *branches;
    unsigned long *rest;
    size_t e = 0, n = 0, set;

    while (e < s->n && !bitmap_is_set(left, s->order[e])) {
        e++;
    }
    if (e == s->n) {
        if (s->n_taken < s->n_best) {
            keep_taken(s);
        }
        return;
    }
    if (!s->steps_left || s->n_taken + 1 >= s->n_best
        || s->n_taken + bound(s, left, s->n_best - s->n_taken)
           >= s->n_best) {
        return;
    }
    s->steps_left--;
    e = s->order[e];
    branches = xmalloc(s->n_in[e] * sizeof *branches);
    BITMAP_FOR_EACH_1 (set, s->n_sets, s->in[e]) {
        branches[n++] = (struct branch) { set, gain(s, left, set),
                                          s->sets[set].cost };
    }
    qsort(branches, n, sizeof *branches, compare_branches);
    rest = xmalloc(bitmap_n_bytes(s->n));
    for (size_t i = 0; i < n && s->steps_left; i++) {
        memcpy(rest, left, bitmap_n_bytes(s->n));
        take(s, rest, branches[i].set);
        search(s, rest);
        s->n_taken--;
    }
    free(rest);
    free(branches);
}

static int
compare_places(const void *a_, const void *b_)
{
    const size_t *a = a_;
    const size_t *b = b_;

    return (a[0] != b[0] ? (a[0] < b[0] ? -1 : 1)
            : a[1] < b[1] ? -1 : a[1] > b[1]);
}

static void
index_elements(struct search *s)
{
    size_t (*places)[2] = xcalloc(s->n, sizeof *places);

    for (size_t e = 0; e < s->n; e++) {
        s->in[e] = bitmap_allocate(s->n_sets);
        for (size_t i = 0; i < s->n_sets; i++) {
            if (bitmap_is_set(s->sets[i].bits, e)) {
                bitmap_set1(s->in[e], i);
                s->n_in[e]++;
            }
        }
        places[e][0] = s->n_in[e];
        places[e][1] = e;
        rest_a_little(s, s->n_sets);
    }
    qsort(places, s->n, sizeof *places, compare_places);
    for (size_t i = 0; i < s->n; i++) {
        s->order[i] = places[i][1];
    }
    free(places);
}

static int
compare_indexes(const void *a_, const void *b_)
{
    const size_t *a = a_;
    const size_t *b = b_;

    return *a < *b ? -1 : *a > *b;
}

bool
set_cover_find(size_t n_elements, const struct set_cover_set *sets,
               size_t n_sets, size_t max_steps, size_t *chosen,
               size_t *n_chosen, void (*yield)(void *aux), void *aux)
{
    struct search s = {
        .n = n_elements, .n_sets = n_sets,
        .n_words = bitmap_n_longs(n_elements), .sets = sets,
        .steps_left = max_steps, .yield = yield, .aux = aux,
    };
    unsigned long *all;

    *n_chosen = 0;
    if (!n_elements) {
        return true;
    }
    s.in = xcalloc(n_elements, sizeof *s.in);
    s.n_in = xcalloc(n_elements, sizeof *s.n_in);
    s.order = xcalloc(n_elements, sizeof *s.order);
    s.best = xcalloc(n_elements, sizeof *s.best);
    s.taken = xcalloc(n_elements, sizeof *s.taken);
    index_elements(&s);
    greedy(&s);

    all = bitmap_allocate1(n_elements);
    if (s.n_best <= DEPTH_MAX) {
        search(&s, all);
    } else if (bound(&s, all, s.n_best) < s.n_best) {
        s.steps_left = 0;
    }
    bitmap_free(all);

    *n_chosen = s.n_best;
    memcpy(chosen, s.best, s.n_best * sizeof *chosen);
    qsort(chosen, s.n_best, sizeof *chosen, compare_indexes);
    for (size_t e = 0; e < n_elements; e++) {
        bitmap_free(s.in[e]);
    }
    free(s.in);
    free(s.n_in);
    free(s.order);
    free(s.best);
    free(s.taken);
    return s.steps_left > 0;
}
