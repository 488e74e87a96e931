/* SPDX-License-Identifier: Apache-2.0
 *
 * Property test: rules that are recommended for random connections between
 * random ports, against a plain reading of what they are to be.
 *
 *     test-recommend [SEED [CASES]]
 *
 * They must allow just what was seen and what labels cannot tell from it, name
 * no port of another network, count rightly, and be the fewest: for that all
 * sets of ports that any selector picks are tried, and all sets of rules
 * between them, the smallest first. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/recommend/recommend.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/schema/selector.h"
#include "random.h"
#include "util.h"

#define N_KEYS 3
#define N_INSIDE 5              /* Or near. */
#define N_OUTSIDE 2
#define N_PORTS (N_INSIDE + N_OUTSIDE)
#define N_IPS 2
#define N_SOURCES (N_INSIDE + N_IPS)
#define N_SERVICES 3
#define N_GROUPS 2
#define N_BOXES (1 << (2 * N_INSIDE))

static const char *const keys[N_KEYS] = { "app", "env", "tier" };
static const char *const values[] = { "a", "b" };

/* A case.  Sets of ports and addresses are bits. */
struct world {
    size_t n_inside;
    struct recommend_port ports[N_PORTS];
    struct vmn_labels labels[N_PORTS];
    struct vmn_label label[N_PORTS][N_KEYS];
    char names[N_PORTS][8];
    struct recommend_group groups[N_GROUPS];
    size_t members[N_GROUPS][N_INSIDE];
    size_t n_seen;
    struct recommend_connection seen[200];
    bool was_seen[N_SOURCES][N_INSIDE][N_SERVICES];
    bool allowed[N_SOURCES][N_INSIDE][N_SERVICES]; /* What is to be. */
    struct vmn_names used;      /* Keys. */
    const char *used_keys[N_KEYS];
    struct recommend_request request;
};

static void
fail(const char *what, uint32_t seed)
{
    fprintf(stderr, "seed %u: %s\n", seed, what);
    exit(1);
}

static bool
chance(unsigned percent)
{
    return random_range(100) < (int) percent;
}

/* Worlds.  --------------------------------------------------------------- */

static struct vmn_ip
address(size_t i)
{
    return (struct vmn_ip) { .family = 4, .addr = { 192, 0, 2, 2 * i } };
}

static struct recommend_service
service(size_t i)
{
    static const struct recommend_service services[N_SERVICES] = {
        { 6, 80, 80 }, { 6, 81, 81 }, { 1, 8 << 8, 8 << 8 },
    };

    return services[i];
}

static void
make_port(struct world *w, size_t i, enum recommend_where where)
{
    struct vmn_labels *labels = &w->labels[i];

    sprintf(w->names[i], "p%u", (unsigned) i % 100);
    labels->labels = w->label[i];
    for (size_t k = 0; k < N_KEYS; k++) {
        if (chance(70)) {
            w->label[i][labels->n++] = (struct vmn_label) {
                keys[k], values[random_range(ARRAY_SIZE(values))] };
        }
    }
    w->ports[i] = (struct recommend_port) { w->names[i], labels, where };
}

static bool
is_used(const struct world *w, const char *key)
{
    for (size_t i = 0; i < w->used.n; i++) {
        if (!strcmp(w->used.names[i], key)) {
            return true;
        }
    }
    return !w->request.labels;
}

/* Whether rules cannot tell the ports apart. */
static bool
alike(const struct world *w, size_t a, size_t b)
{
    if (w->request.exact || w->ports[a].where != w->ports[b].where) {
        return a == b;
    }
    for (size_t k = 0; k < N_KEYS; k++) {
        const char *x = vmn_labels_get(&w->labels[a], keys[k]);
        const char *y = vmn_labels_get(&w->labels[b], keys[k]);

        if (is_used(w, keys[k]) && (x || y)
            && (!x || !y || strcmp(x, y))) {
            return false;
        }
    }
    return true;
}

static void
see(struct world *w, size_t src, size_t dst, size_t s)
{
    struct recommend_connection *seen = &w->seen[w->n_seen++];

    *seen = (struct recommend_connection) { .src = src, .dst = dst,
                                      .service = service(s) };
    if (src >= N_INSIDE) {
        seen->src = SIZE_MAX;
        seen->src_ip = address(src - N_INSIDE);
    }
    w->was_seen[src][dst][s] = src != dst;
}

static bool
is_source(const struct world *w, size_t src)
{
    return src < w->n_inside || src >= N_INSIDE;
}

static void
make_allowed(struct world *w)
{
    for (size_t a = 0; a < N_SOURCES; a++) {
        for (size_t b = 0; b < w->n_inside; b++) {
            for (size_t s = 0; s < N_SERVICES && a != b; s++) {
                for (size_t c = 0; c < N_SOURCES; c++) {
                    for (size_t d = 0; d < w->n_inside; d++) {
                        if (w->was_seen[c][d][s] && alike(w, b, d)
                            && (a == c || (a < w->n_inside
                                           && c < w->n_inside
                                           && alike(w, a, c)))) {
                            w->allowed[a][b][s] = true;
                        }
                    }
                }
            }
        }
    }
}

static void
make_world(struct world *w)
{
    unsigned density = random_range(60);
    unsigned near = chance(50) ? 30 : 0;
    size_t n_ports = 0;

    memset(w, 0, sizeof *w);
    w->n_inside = 1 + random_range(N_INSIDE);
    for (size_t i = 0; i < w->n_inside; i++) {
        make_port(w, n_ports++, chance(near) ? RECOMMEND_NEAR
                  : RECOMMEND_INSIDE);
    }
    if (chance(60)) {
        for (size_t i = random_range(N_OUTSIDE + 1); i > 0; i--) {
            make_port(w, n_ports++, RECOMMEND_ELSEWHERE);
        }
    }
    for (size_t i = 0; i < N_GROUPS; i++) {
        struct recommend_group *group = &w->groups[i];

        *group = (struct recommend_group) { i ? "h" : "g", 0,
                                            w->members[i] };
        for (size_t j = 0; j < w->n_inside; j++) {
            if (chance(50)) {
                w->members[i][group->n_ports++] = j;
            }
        }
    }
    for (size_t i = 0; i < N_KEYS; i++) {
        if (chance(60)) {
            w->used_keys[w->used.n++] = keys[i];
        }
    }
    w->used.names = w->used_keys;
    w->request = (struct recommend_request) {
        .n_ports = n_ports, .ports = w->ports,
        .n_groups = random_range(N_GROUPS + 1), .groups = w->groups,
        .seen = w->seen, .labels = chance(30) ? &w->used : NULL,
        .exact = chance(30),
    };
    for (size_t a = 0; a < N_SOURCES; a++) {
        for (size_t b = 0; b < w->n_inside && is_source(w, a); b++) {
            for (size_t s = 0; s < N_SERVICES; s++) {
                for (int n = chance(density) + chance(5);
                     n > 0 && w->ports[b].where == RECOMMEND_INSIDE; n--) {
                    see(w, a, b, s);
                }
            }
        }
    }
    w->request.n_seen = w->n_seen;
    make_allowed(w);
}

/* What rules say.  ------------------------------------------------------- */

/* The ports of a side, by its own words. */
static unsigned
read_side(const struct world *w, const struct recommend_side *side,
          uint32_t seed)
{
    unsigned set = 0, told = 0;

    for (size_t i = 0; i < side->n_ports; i++) {
        told |= 1u << side->ports[i];
    }
    if (side->by == RECOMMEND_PORTS) {
        return told;
    } else if (side->by == RECOMMEND_GROUP) {
        for (size_t i = 0; i < w->request.n_groups; i++) {
            for (size_t j = 0; !strcmp(w->groups[i].name, side->text)
                               && j < w->groups[i].n_ports; j++) {
                set |= 1u << w->groups[i].ports[j];
            }
        }
    } else if (side->by == RECOMMEND_SELECTOR) {
        struct vmn_selector selector;
        struct arena arena;

        arena_init(&arena);
        if (selector_parse(side->text, strlen(side->text), &arena,
                           &selector, NULL)) {
            fail("the selector is none", seed);
        }
        for (size_t i = 0; i < w->request.n_ports; i++) {
            if (vmn_selector_matches(&selector, &w->labels[i])) {
                if (i >= w->n_inside) {
                    fail("a port elsewhere is picked", seed);
                }
                set |= 1u << i;
            }
        }
        arena_uninit(&arena);
    } else {
        for (size_t i = 0; i < N_IPS; i++) {
            struct vmn_ip ip = address(i);

            for (size_t j = 0; j < side->n_prefixes; j++) {
                if (side->prefixes[j].len != 32) {
                    fail("a prefix is too wide", seed);
                }
                set |= (!memcmp(&side->prefixes[j].ip, &ip, sizeof ip)
                        ? 1u << (N_INSIDE + i) : 0);
            }
        }
        return set;
    }
    if (set != told) {
        fail("the ports are not those that are picked", seed);
    }
    return set;
}

static bool
speaks(const struct recommend_rule *rule, size_t s)
{
    struct recommend_service wanted = service(s);

    for (size_t i = 0; i < rule->n_services; i++) {
        if (rule->services[i].protocol == wanted.protocol
            && rule->services[i].first <= wanted.first
            && rule->services[i].last >= wanted.last) {
            return true;
        }
    }
    return false;
}

/* How many kinds are in a set that is named port by port, or address by
 * address; 1 of others: so many rules were merged. */
static size_t
count_kinds(const struct world *w, const struct recommend_side *side,
            unsigned set)
{
    size_t n = 0;

    if (side->by == RECOMMEND_PORTS) {
        for (size_t i = 0; i < w->n_inside; i++) {
            bool first = set & 1u << i;

            for (size_t j = 0; j < i; j++) {
                first &= !(set & 1u << j && alike(w, i, j));
            }
            n += first;
        }
    } else if (side->by == RECOMMEND_ADDRESSES) {
        n = count_1bits(set >> N_INSIDE);
        if (n == 2) {
            n -= !memcmp(w->allowed[N_INSIDE], w->allowed[N_INSIDE + 1],
                         sizeof w->allowed[0]);
        }
    } else {
        n = 1;
    }
    return n;
}

/* Returns how many rules there were before some were merged. */
static size_t
check_rules(const struct world *w, const struct recommend_answer *answer,
            uint32_t seed)
{
    bool allowed[N_SOURCES][N_INSIDE][N_SERVICES] = { { { false } } };
    size_t n = 0;

    for (size_t i = 0; i < answer->n_rules; i++) {
        const struct recommend_rule *rule = &answer->rules[i];
        unsigned from = read_side(w, &rule->from, seed);
        unsigned to = read_side(w, &rule->to, seed);

        for (size_t b = 0; b < w->n_inside; b++) {
            if (to & 1u << b && w->ports[b].where != RECOMMEND_INSIDE) {
                fail("a rule is about a port near", seed);
            }
        }

        uint64_t n_seen = 0, n_extra = 0;

        n += (count_kinds(w, &rule->from, from)
              * count_kinds(w, &rule->to, to));
        for (size_t a = 0; a < N_SOURCES; a++) {
            for (size_t b = 0; b < w->n_inside; b++) {
                for (size_t s = 0; s < N_SERVICES; s++) {
                    if (a != b && from & 1u << a && to & 1u << b
                        && speaks(rule, s)) {
                        allowed[a][b][s] = true;
                        n_seen += w->was_seen[a][b][s];
                        n_extra += !w->was_seen[a][b][s];
                    }
                }
            }
        }
        if (n_seen != rule->n_seen || n_extra != rule->n_extra
            || rule->n_extras != MIN(n_extra, RECOMMEND_EXTRAS_MAX)) {
            fail("it counts wrongly", seed);
        }
        for (size_t j = 0; j < rule->n_extras; j++) {
            const struct recommend_extra *extra = &rule->extras[j];

            for (size_t s = 0; s < N_SERVICES; s++) {
                struct recommend_service this = service(s);

                if (extra->src != SIZE_MAX
                    && !memcmp(&this, &extra->service, sizeof this)
                    && w->was_seen[extra->src][extra->dst][s]) {
                    fail("what is told as an extra was seen", seed);
                }
            }
        }
    }
    if (memcmp(allowed, w->allowed, sizeof allowed)) {
        fail("they do not allow just what they are to", seed);
    }
    return n;
}

/* The fewest.  ----------------------------------------------------------- */

/* Sets of ports that can be named: by each key's value, its absence, or
 * whatever it is; by a group; or as the ports that are alike. */
static size_t
list_sets(const struct world *w, unsigned *sets)
{
    bool can[1 << N_INSIDE] = { false };
    unsigned inside = (1u << w->n_inside) - 1;
    size_t n = 0;

    for (unsigned code = 0; code < 1u << (2 * N_KEYS); code++) {
        unsigned set = 0;
        bool positive = false;

        for (size_t k = 0; k < N_KEYS; k++) {
            positive |= is_used(w, keys[k]) && (code >> (2 * k) & 3) < 2;
        }
        for (size_t i = 0; i < w->request.n_ports; i++) {
            bool fits = true;

            for (size_t k = 0; k < N_KEYS; k++) {
                unsigned want = code >> (2 * k) & 3;
                const char *has = vmn_labels_get(&w->labels[i], keys[k]);

                fits &= (want == 3 || !is_used(w, keys[k])
                         || (want == 2 ? !has
                             : has && !strcmp(has, values[want])));
            }
            set |= fits ? 1u << i : 0;
        }
        if (positive && set && !(set & ~inside)) {
            can[set] = true;
        }
    }
    for (size_t i = 0; i < w->n_inside; i++) {
        unsigned set = 0;

        for (size_t j = 0; j < w->n_inside; j++) {
            set |= alike(w, i, j) ? 1u << j : 0;
        }
        can[set] = true;
    }
    for (size_t i = 0; i < w->request.n_groups; i++) {
        unsigned set = 0;

        for (size_t j = 0; j < w->groups[i].n_ports; j++) {
            set |= 1u << w->groups[i].ports[j];
        }
        for (size_t j = 0; j < w->n_inside * w->n_inside; j++) {
            size_t a = j / w->n_inside, b = j % w->n_inside;

            if (alike(w, a, b) && !(set & 1u << a) != !(set & 1u << b)) {
                set = 0;
            }
        }
        can[set] |= set != 0;
    }
    for (unsigned set = 1; set <= inside; set++) {
        if (can[set]) {
            sets[n++] = set;
        }
    }
    return n;
}

/* Whether a rule may have a service between these: all are allowed to, and
 * each takes part. */
static bool
is_box(const struct world *w, unsigned from, unsigned to, size_t s)
{
    unsigned reached = 0;

    for (size_t a = 0; a < N_SOURCES; a++) {
        bool speaks_to_some = false;

        for (size_t b = 0; b < w->n_inside && from & 1u << a; b++) {
            if (a != b && to & 1u << b) {
                if (!w->allowed[a][b][s]) {
                    return false;
                }
                speaks_to_some = true;
                reached |= 1u << b;
            }
        }
        if (from & 1u << a && !speaks_to_some) {
            return false;
        }
    }
    return reached == to;
}

struct box {
    bool has[N_SOURCES][N_INSIDE][N_SERVICES];
};

/* Whether 'n' boxes do, beside those that have made 'covered'. */
static bool
can_cover(const struct world *w, const struct box *boxes, size_t n_boxes,
          const struct box *covered, size_t n)
{
    for (size_t a = 0; a < N_SOURCES; a++) {
        for (size_t b = 0; b < w->n_inside; b++) {
            for (size_t s = 0; s < N_SERVICES; s++) {
                if (!w->allowed[a][b][s] || covered->has[a][b][s]) {
                    continue;
                }
                for (size_t i = 0; n && i < n_boxes; i++) {
                    struct box more = *covered;

                    if (!boxes[i].has[a][b][s]) {
                        continue;
                    }
                    for (size_t j = 0; j < sizeof more; j++) {
                        ((bool *) more.has)[j]
                            |= ((const bool *) boxes[i].has)[j];
                    }
                    if (can_cover(w, boxes, n_boxes, &more, n - 1)) {
                        return true;
                    }
                }
                return false;
            }
        }
    }
    return true;
}

static void
add_box(const struct world *w, struct box *boxes, size_t *n_boxes,
        unsigned from, unsigned to)
{
    struct box box = { { { { false } } } };
    bool any = false;

    for (size_t b = 0; b < w->n_inside; b++) {
        if (to & 1u << b && w->ports[b].where != RECOMMEND_INSIDE) {
            return;
        }
    }

    for (size_t s = 0; s < N_SERVICES; s++) {
        if (is_box(w, from, to, s)) {
            for (size_t a = 0; a < N_SOURCES; a++) {
                for (size_t b = 0; b < w->n_inside; b++) {
                    box.has[a][b][s] = (a != b && from & 1u << a
                                        && to & 1u << b);
                }
            }
            any = true;
        }
    }
    for (size_t i = 0; i < *n_boxes && any; i++) {
        bool more = false;

        for (size_t j = 0; j < sizeof box; j++) {
            more |= (((const bool *) box.has)[j]
                     && !((const bool *) boxes[i].has)[j]);
        }
        any = more;
    }
    if (any) {
        boxes[(*n_boxes)++] = box;
    }
}

static size_t
find_fewest(const struct world *w)
{
    static struct box boxes[N_BOXES];
    const struct box none = { { { { false } } } };
    unsigned sets[1 << N_INSIDE];
    size_t n_sets = list_sets(w, sets), n_boxes = 0, n = 0;
    bool same = !memcmp(w->allowed[N_INSIDE], w->allowed[N_INSIDE + 1],
                        sizeof w->allowed[0]);

    for (size_t i = n_sets; i-- > 0;) {
        for (size_t j = n_sets; j-- > 0;) {
            add_box(w, boxes, &n_boxes, sets[i], sets[j]);
        }
        if (same) {
            add_box(w, boxes, &n_boxes, 3u << N_INSIDE, sets[i]);
        } else {
            add_box(w, boxes, &n_boxes, 1u << N_INSIDE, sets[i]);
            add_box(w, boxes, &n_boxes, 2u << N_INSIDE, sets[i]);
        }
    }
    while (!can_cover(w, boxes, n_boxes, &none, n)) {
        n++;
    }
    return n;
}

int
main(int argc, char *argv[])
{
    uint32_t seed = argc > 1 ? atoi(argv[1]) : 1;
    int n_cases = argc > 2 ? atoi(argv[2]) : 300;
    size_t n_rules = 0, n_merged = 0, n_proven = 0;

    for (int i = 0; i < n_cases; i++, seed++) {
        static struct world world;
        struct recommend_answer answer;
        struct vmn_errors errors;
        struct arena arena;
        size_t n, fewest;

        random_set_seed(seed);
        make_world(&world);
        arena_init(&arena);
        vmn_errors_init(&errors);
        if (!recommend_rules(&world.request, &arena, &answer, &errors)) {
            fail("it is refused", seed);
        }
        n = check_rules(&world, &answer, seed);
        fewest = find_fewest(&world);
        if (n < fewest || (answer.fewest && n != fewest)) {
            fprintf(stderr, "%zu rules, where %zu do\n", n, fewest);
            fail("they are not the fewest", seed);
        }
        n_rules += n;
        n_merged += n - answer.n_rules;
        n_proven += answer.fewest;
        vmn_errors_uninit(&errors);
        arena_uninit(&arena);
    }
    printf("%d cases: %zu rules, of which %zu were merged; %zu are known to "
           "be the fewest\n", n_cases, n_rules, n_merged, n_proven);
    return 0;
}
