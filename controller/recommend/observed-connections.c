/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections by kinds of ports, kinds of addresses and classes of services;
 * see observed-connections.h. */

#include <config.h>

#include "controller/recommend/observed-connections.h"

#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "controller/recommend/candidate-selectors.h"
#include "util.h"

#define NONE SIZE_MAX

/* What an address did, or between whom a service was seen: a part of a sorted
 * array of ties. */
struct slice {
    const struct tie *ties;
    size_t first, n;
    size_t group;               /* Slices of equal contents share one. */
};

/* Connections.  ---------------------------------------------------------- */

#define COMPARE(A, B) ((A) < (B) ? -1 : (A) > (B))

static int
compare_services(const struct recommend_service *a,
                 const struct recommend_service *b)
{
    return (a->protocol != b->protocol ? COMPARE(a->protocol, b->protocol)
            : a->first != b->first ? COMPARE(a->first, b->first)
            : COMPARE(a->last, b->last));
}

static int
compare_ends(const void *a_, const void *b_)
{
    const struct conn *a = a_;
    const struct conn *b = b_;
    int cmp = COMPARE(a->src_port, b->src_port);

    cmp = cmp ? cmp : memcmp(&a->src_ip, &b->src_ip, sizeof a->src_ip);
    cmp = cmp ? cmp : COMPARE(a->dst_port, b->dst_port);
    return cmp ? cmp : compare_services(&a->service, &b->service);
}

/* The connections, but for those of a port to itself, which nobody denies. */
static void
take_conns(struct seen *s, const struct recommend_request *request,
           const struct picks *picks)
{
    size_t n = 0;

    s->conns = xcalloc(MAX(1, request->n_seen), sizeof *s->conns);
    for (size_t i = 0; i < request->n_seen; i++) {
        const struct recommend_seen *seen = &request->seen[i];
        struct conn *conn = &s->conns[n];

        if (seen->src == seen->dst) {
            continue;
        }
        conn->src_port = seen->src;
        if (seen->src == NONE) {
            conn->src_ip = seen->src_ip;
        }
        conn->dst_port = seen->dst;
        conn->service = seen->service;
        n++;
    }
    pacer_step(s->pacer, n);
    qsort(s->conns, n, sizeof *s->conns, compare_ends);
    for (size_t i = 0; i < n; i++) {
        if (!i || compare_ends(&s->conns[i], &s->conns[s->n_conns - 1])) {
            struct conn *conn = &s->conns[s->n_conns++];

            *conn = s->conns[i];
            conn->dst = picks->kind_of[conn->dst_port];
            conn->src = (conn->src_port == NONE ? NONE
                         : picks->kind_of[conn->src_port]);
        }
    }
    pacer_step(s->pacer, n);
}

/* Kinds of what does the same.  ------------------------------------------- */

/* What 'key' (an address or a service) was seen with. */
struct tie {
    const struct conn *conn;
    bool by_service;            /* The key is the service, and it is seen with
                                 * 'src' and 'dst'; else the key is the
                                 * address, with 'dst' and the service. */
};

static int
compare_keys(const struct tie *a, const struct tie *b)
{
    return (a->by_service
            ? compare_services(&a->conn->service, &b->conn->service)
            : memcmp(&a->conn->src_ip, &b->conn->src_ip,
                     sizeof a->conn->src_ip));
}

static int
compare_values(const struct tie *a, const struct tie *b)
{
    int cmp = COMPARE(a->conn->dst, b->conn->dst);

    return (cmp ? cmp
            : a->by_service ? COMPARE(a->conn->src, b->conn->src)
            : compare_services(&a->conn->service, &b->conn->service));
}

static int
compare_ties(const void *a, const void *b)
{
    int cmp = compare_keys(a, b);

    return cmp ? cmp : compare_values(a, b);
}

/* By contents, then as they come. */
static int
compare_slices(const void *a_, const void *b_)
{
    const struct slice *a = a_;
    const struct slice *b = b_;
    const struct tie *x = &a->ties[a->first];
    const struct tie *y = &b->ties[b->first];

    for (size_t i = 0; i < a->n && i < b->n; i++) {
        int cmp = compare_values(&x[i], &y[i]);

        if (cmp) {
            return cmp;
        }
    }
    return (a->n != b->n ? COMPARE(a->n, b->n)
            : COMPARE(a->first, b->first));
}

static bool
same_contents(const struct slice *a, const struct slice *b)
{
    const struct tie *x = &a->ties[a->first];
    const struct tie *y = &b->ties[b->first];

    for (size_t i = 0; i < a->n && a->n == b->n; i++) {
        if (compare_values(&x[i], &y[i])) {
            return false;
        }
    }
    return a->n == b->n;
}

static int
compare_firsts(const void *a_, const void *b_)
{
    const struct slice *a = a_;
    const struct slice *b = b_;

    return COMPARE(a->first, b->first);
}

/* Sorts the 'n' ties, leaves each once, and cuts them in '*n_slices' slices of
 * one key each, in order, which it returns.  Slices of equal contents get the
 * same group, from 0 on by which of them comes first. */
static struct slice *
group_ties(struct seen *s, struct tie *ties, size_t n, size_t *n_slices,
           size_t *n_groups)
{
    struct slice *slices = xcalloc(MAX(1, n), sizeof *slices);
    size_t *renumbered, m = 0, n_ties = 0;

    *n_groups = 0;
    if (n) {
        qsort(ties, n, sizeof *ties, compare_ties);
    }
    for (size_t i = 0; i < n; i++) {
        if (n_ties && !compare_ties(&ties[i], &ties[n_ties - 1])) {
            continue;
        }
        if (!n_ties || compare_keys(&ties[i], &ties[n_ties - 1])) {
            slices[m++] = (struct slice) { ties, n_ties, 0, NONE };
        }
        ties[n_ties++] = ties[i];
        slices[m - 1].n++;
    }
    pacer_step(s->pacer, n);
    if (m) {
        qsort(slices, m, sizeof *slices, compare_slices);
    }
    for (size_t i = 0; i < m; i++) {
        *n_groups += !i || !same_contents(&slices[i], &slices[i - 1]);
        slices[i].group = *n_groups - 1;
    }
    if (m) {
        qsort(slices, m, sizeof *slices, compare_firsts);
    }
    renumbered = xmalloc(MAX(1, *n_groups) * sizeof *renumbered);
    for (size_t i = 0; i < *n_groups; i++) {
        renumbered[i] = NONE;
    }
    for (size_t i = 0, next = 0; i < m; i++) {
        size_t *number = &renumbered[slices[i].group];

        *number = *number == NONE ? next++ : *number;
        slices[i].group = *number;
    }
    free(renumbered);
    pacer_step(s->pacer, n);
    *n_slices = m;
    return slices;
}

/* Addresses that were seen to do the same are one source. */
static void
make_sources(struct seen *s, const struct picks *picks)
{
    struct tie *ties = xcalloc(MAX(1, s->n_conns), sizeof *ties);
    struct slice *slices;
    size_t n = 0, n_slices, n_groups;

    for (size_t i = 0; i < s->n_conns; i++) {
        if (s->conns[i].src == NONE) {
            ties[n++] = (struct tie) { &s->conns[i], false };
        }
    }
    slices = group_ties(s, ties, n, &n_slices, &n_groups);
    s->n_kinds = picks->n_kinds;
    s->n_sources = s->n_kinds + n_groups;
    /* Both are by address: connections without a port come last. */
    for (size_t i = s->n_conns, last = n_slices; i-- > 0;) {
        struct conn *conn = &s->conns[i];

        if (conn->src_port == NONE) {
            while (memcmp(&ties[slices[last - 1].first].conn->src_ip,
                               &conn->src_ip, sizeof conn->src_ip) > 0) {
                last--;
            }
            conn->src = s->n_kinds + slices[last - 1].group;
        }
    }
    free(slices);
    free(ties);
}

static const struct slice *
find_service(const struct slice *slices, size_t n,
             const struct recommend_service *service)
{
    while (n) {
        const struct slice *middle = &slices[n / 2];
        const struct tie *tie = &middle->ties[middle->first];
        int cmp = compare_services(service, &tie->conn->service);

        if (!cmp) {
            return middle;
        }
        if (cmp > 0) {
            slices = middle + 1;
            n -= n / 2 + 1;
        } else {
            n /= 2;
        }
    }
    return NULL;
}

static void
count_element(struct seen *s, size_t class, size_t src, size_t dst)
{
    size_t *row = &s->row_of[class * s->n_sources + src];

    if (*row == NONE) {
        *row = s->n_rows;
        s->rows[s->n_rows++].dst = bitmap_allocate(s->n_kinds);
    }
    bitmap_set1(s->rows[*row].dst, dst);
}

/* Services that were seen between the same kinds are one class.  Returns false
 * if there is too much. */
static bool
make_classes(struct seen *s)
{
    struct tie *ties = xcalloc(MAX(1, s->n_conns), sizeof *ties);
    struct slice *slices;
    bool *counted;
    size_t n_slices;

    for (size_t i = 0; i < s->n_conns; i++) {
        ties[i] = (struct tie) { &s->conns[i], true };
    }
    slices = group_ties(s, ties, s->n_conns, &n_slices, &s->n_classes);
    s->n_in_class = xcalloc(MAX(1, s->n_classes), sizeof *s->n_in_class);
    counted = xcalloc(MAX(1, s->n_classes), sizeof *counted);
    for (size_t i = 0; i < n_slices; i++) {
        s->n_in_class[slices[i].group]++;
        if (!counted[slices[i].group]) {
            counted[slices[i].group] = true;
            s->n_elements += slices[i].n;
        }
    }
    for (size_t i = 0; i < s->n_conns; i++) {
        struct conn *conn = &s->conns[i];

        conn->class = find_service(slices, n_slices, &conn->service)->group;
    }
    free(counted);
    free(slices);
    free(ties);
    return s->n_elements <= RECOMMEND_ELEMENTS_MAX;
}

static void
make_elements(struct seen *s)
{
    size_t n = s->n_classes * s->n_sources, next = 0;

    s->row_of = xmalloc(MAX(1, n) * sizeof *s->row_of);
    for (size_t i = 0; i < n; i++) {
        s->row_of[i] = NONE;
    }
    s->rows = xcalloc(MAX(1, s->n_elements), sizeof *s->rows);
    for (size_t i = 0; i < s->n_conns; i++) {
        const struct conn *conn = &s->conns[i];

        count_element(s, conn->class, conn->src, conn->dst);
    }
    for (size_t i = 0; i < s->n_rows; i++) {
        s->rows[i].first = next;
        next += bitmap_count1(s->rows[i].dst, s->n_kinds);
    }
    pacer_step(s->pacer, n + s->n_conns);
}

bool
seen_init(struct seen *s, const struct recommend_request *request,
          const struct picks *picks, struct pacer *pacer)
{
    memset(s, 0, sizeof *s);
    s->pacer = pacer;
    take_conns(s, request, picks);
    make_sources(s, picks);
    if (s->n_sources > RECOMMEND_KINDS_MAX || !make_classes(s)) {
        return false;
    }
    make_elements(s);
    return true;
}

const struct conn *
seen_find(const struct seen *s, const struct conn *conn)
{
    return (s->n_conns ? bsearch(conn, s->conns, s->n_conns,
                                 sizeof *s->conns, compare_ends) : NULL);
}

void
seen_uninit(struct seen *s)
{
    for (size_t i = 0; i < s->n_rows; i++) {
        bitmap_free(s->rows[i].dst);
    }
    free(s->rows);
    free(s->row_of);
    free(s->n_in_class);
    free(s->conns);
}
