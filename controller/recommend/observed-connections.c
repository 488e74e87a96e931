/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections by port classes, port classes of addresses and service classes;
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
 * array of sightings. */
struct sighting_run {
    const struct sighting *sightings;
    size_t first, n;
    size_t group;               /* Runs of equal contents share one. */
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
    const struct observed_connection *a = a_;
    const struct observed_connection *b = b_;
    int cmp = COMPARE(a->src_port, b->src_port);

    cmp = cmp ? cmp : memcmp(&a->src_ip, &b->src_ip, sizeof a->src_ip);
    cmp = cmp ? cmp : COMPARE(a->dst_port, b->dst_port);
    return cmp ? cmp : compare_services(&a->service, &b->service);
}

/* The connections, but for those of a port to itself, which nobody denies. */
static void
take_connections(struct observed_connections *s, const struct recommend_request
                 *request, const struct candidate_selectors *selectors)
{
    size_t n = 0;

    s->connections = xcalloc(MAX(1, request->n_seen), sizeof *s->connections);
    for (size_t i = 0; i < request->n_seen; i++) {
        const struct recommend_connection *observed = &request->seen[i];
        struct observed_connection *connection = &s->connections[n];

        if (observed->src == observed->dst) {
            continue;
        }
        connection->src_port = observed->src;
        if (observed->src == NONE) {
            connection->src_ip = observed->src_ip;
        }
        connection->dst_port = observed->dst;
        connection->service = observed->service;
        n++;
    }
    step_counter_add(s->steps, n);
    qsort(s->connections, n, sizeof *s->connections, compare_ends);
    for (size_t i = 0; i < n; i++) {
        if (!i || compare_ends(&s->connections[i],
                               &s->connections[s->n_connections - 1])) {
            struct observed_connection *connection
                = &s->connections[s->n_connections++];

            *connection = s->connections[i];
            connection->dst = selectors->class_of_port[connection->dst_port];
            connection->src
                = (connection->src_port == NONE ? NONE
                   : selectors->class_of_port[connection->src_port]);
        }
    }
    step_counter_add(s->steps, n);
}

/* Port classes of what does the same.  ----------------------------------- */

/* What 'key' (an address or a service) was seen with. */
struct sighting {
    const struct observed_connection *connection;
    bool by_service;            /* The key is the service, and it is seen with
                                 * 'src' and 'dst'; else the key is the
                                 * address, with 'dst' and the service. */
};

static int
compare_keys(const struct sighting *a, const struct sighting *b)
{
    return (a->by_service ? compare_services(&a->connection->service,
                                             &b->connection->service)
            : memcmp(&a->connection->src_ip, &b->connection->src_ip, sizeof
                     a->connection->src_ip));
}

static int
compare_values(const struct sighting *a, const struct sighting *b)
{
    int cmp = COMPARE(a->connection->dst, b->connection->dst);

    return (cmp ? cmp : a->by_service ? COMPARE(a->connection->src,
                                                b->connection->src)
            : compare_services(&a->connection->service,
                               &b->connection->service));
}

static int
compare_sightings(const void *a, const void *b)
{
    int cmp = compare_keys(a, b);

    return cmp ? cmp : compare_values(a, b);
}

/* By contents, then as they come. */
static int
compare_runs(const void *a_, const void *b_)
{
    const struct sighting_run *a = a_;
    const struct sighting_run *b = b_;
    const struct sighting *x = &a->sightings[a->first];
    const struct sighting *y = &b->sightings[b->first];

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
same_contents(const struct sighting_run *a, const struct sighting_run *b)
{
    const struct sighting *x = &a->sightings[a->first];
    const struct sighting *y = &b->sightings[b->first];

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
    const struct sighting_run *a = a_;
    const struct sighting_run *b = b_;

    return COMPARE(a->first, b->first);
}

/* Sorts the 'n' sightings, leaves each once, and cuts them in '*n_runs' runs
 * of one key each, in order, which it returns.  Runs of equal contents get the
 * same group, from 0 on by which of them comes first. */
static struct sighting_run *
group_sightings(struct observed_connections *s, struct sighting *sightings,
                size_t n, size_t *n_runs, size_t *n_groups)
{
    struct sighting_run *runs = xcalloc(MAX(1, n), sizeof *runs);
    size_t *renumbered, m = 0, n_sightings = 0;

    *n_groups = 0;
    if (n) {
        qsort(sightings, n, sizeof *sightings, compare_sightings);
    }
    for (size_t i = 0; i < n; i++) {
        if (n_sightings && !compare_sightings(&sightings[i],
                                              &sightings[n_sightings - 1])) {
            continue;
        }
        if (!n_sightings || compare_keys(&sightings[i], &sightings[n_sightings
                                                                   - 1])) {
            runs[m++]
                = (struct sighting_run) { sightings, n_sightings, 0, NONE };
        }
        sightings[n_sightings++] = sightings[i];
        runs[m - 1].n++;
    }
    step_counter_add(s->steps, n);
    if (m) {
        qsort(runs, m, sizeof *runs, compare_runs);
    }
    for (size_t i = 0; i < m; i++) {
        *n_groups += !i || !same_contents(&runs[i], &runs[i - 1]);
        runs[i].group = *n_groups - 1;
    }
    if (m) {
        qsort(runs, m, sizeof *runs, compare_firsts);
    }
    renumbered = xmalloc(MAX(1, *n_groups) * sizeof *renumbered);
    for (size_t i = 0; i < *n_groups; i++) {
        renumbered[i] = NONE;
    }
    for (size_t i = 0, next = 0; i < m; i++) {
        size_t *number = &renumbered[runs[i].group];

        *number = *number == NONE ? next++ : *number;
        runs[i].group = *number;
    }
    free(renumbered);
    step_counter_add(s->steps, n);
    *n_runs = m;
    return runs;
}

/* Addresses that were seen to do the same are one source. */
static void
make_sources(struct observed_connections *s, const struct candidate_selectors
             *selectors)
{
    struct sighting *sightings = xcalloc(MAX(1, s->n_connections), sizeof
                                         *sightings);
    struct sighting_run *runs;
    size_t n = 0, n_runs, n_groups;

    for (size_t i = 0; i < s->n_connections; i++) {
        if (s->connections[i].src == NONE) {
            sightings[n++] = (struct sighting) { &s->connections[i], false };
        }
    }
    runs = group_sightings(s, sightings, n, &n_runs, &n_groups);
    s->n_port_classes = selectors->n_port_classes;
    s->n_sources = s->n_port_classes + n_groups;
    /* Both are by address: connections without a port come last. */
    for (size_t i = s->n_connections, last = n_runs; i-- > 0;) {
        struct observed_connection *connection = &s->connections[i];

        if (connection->src_port == NONE) {
            while (memcmp(&sightings[runs[last - 1].first].connection->src_ip,
                          &connection->src_ip,
                          sizeof connection->src_ip) > 0) {
                last--;
            }
            connection->src = s->n_port_classes + runs[last - 1].group;
        }
    }
    free(runs);
    free(sightings);
}

static const struct sighting_run *
find_service(const struct sighting_run *runs, size_t n,
             const struct recommend_service *service)
{
    while (n) {
        const struct sighting_run *middle = &runs[n / 2];
        const struct sighting *sighting = &middle->sightings[middle->first];
        int cmp = compare_services(service, &sighting->connection->service);

        if (!cmp) {
            return middle;
        }
        if (cmp > 0) {
            runs = middle + 1;
            n -= n / 2 + 1;
        } else {
            n /= 2;
        }
    }
    return NULL;
}

static void
add_cell(struct observed_connections *s, size_t service_class, size_t src,
         size_t dst)
{
    size_t *row = &s->row_of[service_class * s->n_sources + src];

    if (*row == NONE) {
        *row = s->n_rows;
        s->rows[s->n_rows++].dst = bitmap_allocate(s->n_port_classes);
    }
    bitmap_set1(s->rows[*row].dst, dst);
}

/* Services that were seen between the same port classes are one class.
 * Returns false if there is too much. */
static bool
make_service_classes(struct observed_connections *s)
{
    struct sighting *sightings = xcalloc(MAX(1, s->n_connections), sizeof
                                         *sightings);
    struct sighting_run *runs;
    bool *counted;
    size_t n_runs;

    for (size_t i = 0; i < s->n_connections; i++) {
        sightings[i] = (struct sighting) { &s->connections[i], true };
    }
    runs = group_sightings(s, sightings, s->n_connections, &n_runs,
                           &s->n_service_classes);
    s->n_in_service_class = xcalloc(MAX(1, s->n_service_classes), sizeof
                                    *s->n_in_service_class);
    counted = xcalloc(MAX(1, s->n_service_classes), sizeof *counted);
    for (size_t i = 0; i < n_runs; i++) {
        s->n_in_service_class[runs[i].group]++;
        if (!counted[runs[i].group]) {
            counted[runs[i].group] = true;
            s->n_cells += runs[i].n;
        }
    }
    for (size_t i = 0; i < s->n_connections; i++) {
        struct observed_connection *connection = &s->connections[i];

        connection->service_class = find_service(runs, n_runs,
                                                 &connection->service)->group;
    }
    free(counted);
    free(runs);
    free(sightings);
    return s->n_cells <= RECOMMEND_CELLS_MAX;
}

static void
make_cells(struct observed_connections *s)
{
    size_t n = s->n_service_classes * s->n_sources, next = 0;

    s->row_of = xmalloc(MAX(1, n) * sizeof *s->row_of);
    for (size_t i = 0; i < n; i++) {
        s->row_of[i] = NONE;
    }
    s->rows = xcalloc(MAX(1, s->n_cells), sizeof *s->rows);
    for (size_t i = 0; i < s->n_connections; i++) {
        const struct observed_connection *connection = &s->connections[i];

        add_cell(s, connection->service_class, connection->src,
                 connection->dst);
    }
    for (size_t i = 0; i < s->n_rows; i++) {
        s->rows[i].first = next;
        next += bitmap_count1(s->rows[i].dst, s->n_port_classes);
    }
    step_counter_add(s->steps, n + s->n_connections);
}

bool
observed_init(struct observed_connections *s,
              const struct recommend_request *request,
              const struct candidate_selectors *selectors,
              struct step_counter *steps)
{
    memset(s, 0, sizeof *s);
    s->steps = steps;
    take_connections(s, request, selectors);
    make_sources(s, selectors);
    if (s->n_sources > RECOMMEND_PORT_CLASSES_MAX
        || !make_service_classes(s)) {
        return false;
    }
    make_cells(s);
    return true;
}

const struct observed_connection *
observed_find(const struct observed_connections *s,
              const struct observed_connection *connection)
{
    return (s->n_connections ? bsearch(connection, s->connections,
                                       s->n_connections, sizeof
                                       *s->connections, compare_ends) : NULL);
}

void
observed_uninit(struct observed_connections *s)
{
    for (size_t i = 0; i < s->n_rows; i++) {
        bitmap_free(s->rows[i].dst);
    }
    free(s->rows);
    free(s->row_of);
    free(s->n_in_service_class);
    free(s->connections);
}
