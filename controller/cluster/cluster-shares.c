/* SPDX-License-Identifier: Apache-2.0
 *
 * How members share the hosts; see cluster-shares.h. */

#include <config.h>

#include "controller/cluster/cluster-shares.h"

#include <stdlib.h>
#include <string.h>

#include "controller/siphash.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Shares.  ---------------------------------------------------------------- */

/* What is hashed for shares, by siphash24(). */
#define HEAD_MEMBER UINT64_C(0x6d656d6265722d31)

/* The same on all members.  Nothing is secret: who names hosts may as well
 * pin them. */
static const struct siphash_key key = {
    { UINT64_C(0x564d4e20686f7374), UINT64_C(0x7320736861726564) }
};

void
shares_init(struct shares *shares)
{
    memset(shares, 0, sizeof *shares);
}

void
shares_uninit(struct shares *shares)
{
    for (size_t i = 0; i < shares->n; i++) {
        free(shares->shares[i].name);
    }
    for (size_t i = 0; i < shares->n_excluded; i++) {
        free(shares->excluded[i].host);
    }
    free(shares->excluded);
    shares_init(shares);
}

void
shares_clone(struct shares *dst, const struct shares *src)
{
    *dst = *src;
    for (size_t i = 0; i < dst->n; i++) {
        dst->shares[i].name = xstrdup(src->shares[i].name);
    }
    dst->allocated_excluded = dst->n_excluded;
    dst->excluded = xmemdup(src->excluded,
                            src->n_excluded * sizeof *src->excluded);
    for (size_t i = 0; i < dst->n_excluded; i++) {
        dst->excluded[i].host = xstrdup(src->excluded[i].host);
    }
}

bool
shares_add(struct shares *shares, const char *name, int64_t run,
           int64_t weight)
{
    if (run <= 0 || weight <= 0 || weight > SHARES_WEIGHT_MAX
        || strlen(name) > SHARES_NAME_MAX || shares->n >= SHARES_MAX) {
        return false;
    }
    shares->shares[shares->n++] = (struct share) {
        .name = xstrdup(name), .run = run, .weight = weight,
        .seed = siphash24(&key, HEAD_MEMBER, name, strlen(name)),
    };
    return true;
}

const struct share *
shares_find(const struct shares *shares, const char *name)
{
    for (size_t i = 0; i < shares->n; i++) {
        if (!strcmp(shares->shares[i].name, name)) {
            return &shares->shares[i];
        }
    }
    return NULL;
}

static bool
is_equal(const struct shares *a, const struct shares *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        const struct share *x = &a->shares[i], *y = &b->shares[i];

        if (x->run != y->run || x->weight != y->weight
            || strcmp(x->name, y->name)) {
            return false;
        }
    }
    for (size_t i = 0; i < a->n_excluded && i < b->n_excluded; i++) {
        if (a->excluded[i].members != b->excluded[i].members
            || strcmp(a->excluded[i].host, b->excluded[i].host)) {
            return false;
        }
    }
    return a->n == b->n && a->n_excluded == b->n_excluded;
}

/* What members cannot reach.  --------------------------------------------- */

bool
shares_exclude(struct shares *shares, const char *host, const char *member)
{
    const struct share *share = shares_find(shares, member);
    size_t n = shares->n_excluded;
    struct shares_exclusion *last = n ? &shares->excluded[n - 1] : NULL;
    int order = last ? strcmp(last->host, host) : -1;

    if (!share || order > 0 || (order && n >= SHARES_EXCLUDED_MAX)) {
        return false;
    }
    if (order) {
        if (n >= shares->allocated_excluded) {
            shares->excluded = x2nrealloc(shares->excluded,
                                          &shares->allocated_excluded,
                                          sizeof *shares->excluded);
        }
        last = &shares->excluded[shares->n_excluded++];
        last->host = xstrdup(host);
        last->members = 0;
    }
    last->members |= UINT32_C(1) << (share - shares->shares);
    return true;
}

/* A line for each host: its name, and those of members. */
char *
shares_print_excluded(const struct shares *shares)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < shares->n_excluded; i++) {
        ds_put_cstr(&ds, shares->excluded[i].host);
        for (size_t j = 0; j < shares->n; j++) {
            if (shares->excluded[i].members & UINT32_C(1) << j) {
                ds_put_format(&ds, " %s", shares->shares[j].name);
            }
        }
        ds_put_char(&ds, '\n');
    }
    return ds_steal_cstr(&ds);
}

void
shares_parse_excluded(struct shares *shares, const char *text)
{
    char *copy = xstrdup(text), *lines = NULL;

    for (char *line = strtok_r(copy, "\n", &lines); line;
         line = strtok_r(NULL, "\n", &lines)) {
        char *words = NULL;
        const char *host = strtok_r(line, " ", &words), *member;

        while (host && (member = strtok_r(NULL, " ", &words))) {
            shares_exclude(shares, host, member);
        }
    }
    free(copy);
}

static int
compare_exclusion(const void *host, const void *exclusion_)
{
    const struct shares_exclusion *exclusion = exclusion_;

    return strcmp(host, exclusion->host);
}

/* Returns the bits of the shares that the host is not in. */
static uint32_t
find_excluded(const struct shares *shares, const char *host)
{
    const struct shares_exclusion *found
        = shares->n_excluded ? bsearch(host, shares->excluded,
                                       shares->n_excluded,
                                       sizeof *shares->excluded,
                                       compare_exclusion) : NULL;
    uint32_t all = shares->n ? UINT32_MAX >> (SHARES_MAX - shares->n) : 0;

    return found && found->members != all ? found->members : 0;
}

/* Returns -log2((hash | 1) / 2^64) in units of 2^-32, from 1 to 2^38.  By
 * integers alone: log() may differ in its last bit from one machine to
 * another, and then members would not agree.  Each squaring of the mantissa
 * gives the next bit of its logarithm (Knuth, "The Art of Computer
 * Programming", volume 1, section 1.2.2). */
static uint64_t
minus_log2(uint64_t hash)
{
    int zeros = raw_clz64(hash | 1);
    /* From 2^31 to 2^32 - 1, for a number from 1 to 2. */
    uint64_t mantissa = ((hash | 1) << zeros) >> 32;
    uint64_t fraction = 0;

    for (int i = 0; i < 32; i++) {
        mantissa = mantissa * mantissa >> 31;
        fraction <<= 1;
        if (mantissa >> 32) {
            mantissa >>= 1;
            fraction |= 1;
        }
    }
    return ((uint64_t) (zeros + 1) << 32) - fraction;
}

/* Weighted rendezvous hashing: a host is in the share with the highest of
 * -weight / ln(h), where h, from 0 to 1, is a hash of both names
 * (Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005: the
 * logarithmic method; Thaler and Ravishankar, 1998, without weights).  Then
 * each share has a part of the hosts in proportion to its weight, and what
 * comes or goes moves hosts to or from itself alone.  The lowest of
 * -log2(h) / weight is the same. */
const struct share *
shares_pick(const struct shares *shares, const char *host)
{
    uint32_t excluded = find_excluded(shares, host);
    size_t length = strlen(host);
    const struct share *best = NULL;
    uint64_t best_log = 0;

    for (size_t i = 0; i < shares->n; i++) {
        const struct share *share = &shares->shares[i];
        uint64_t log;

        if (excluded & UINT32_C(1) << i) {
            continue;
        }
        log = minus_log2(siphash24(&key, share->seed, host, length));
        if (!best || log * best->weight < best_log * share->weight) {
            best = share;
            best_log = log;
        }
    }
    return best;
}

/* Generations.  ----------------------------------------------------------- */

uint64_t
shares_first_generation(int64_t epoch)
{
    /* No member has written a later one than this. */
    return ((uint64_t) MIN(epoch, INT64_MAX >> SHARES_EPOCH_SHIFT)
            << SHARES_EPOCH_SHIFT);
}

uint64_t
shares_next_generation(uint64_t last, int64_t epoch)
{
    uint64_t next = MAX(last, shares_first_generation(epoch)) + 1;

    return (epoch <= SHARES_EPOCH_MAX
            && next < shares_first_generation(epoch + 1) ? next : 0);
}

bool
shares_is_generation(int64_t generation, int64_t epoch)
{
    return (epoch <= SHARES_EPOCH_MAX && generation > 0
            && (uint64_t) generation < shares_first_generation(epoch + 1));
}

/* The policy.  ------------------------------------------------------------ */

/* What the writer remembers of a member. */
struct shares_history {
    bool listed;                /* It is in the list. */
    int64_t run;                /* Of the process that is as follows: */
    int64_t ready_ms;           /* fit for a share since then; 0: it is not. */
    bool failed;                /* Its share is being taken from it, which has
                                 * not ended. */
    size_t n_failed;            /* That was so, so often, */
    int64_t failed_ms[SHARES_FAILED_MAX];   /* lately, the last first. */
};

void
shares_policy_init(struct shares_policy *p, int64_t lease_ms)
{
    *p = (struct shares_policy) {
        .silent_ms = MAX(SHARES_SILENT_MS, lease_ms * 5 / 2),
        .asked_ms = INT64_MIN / 2,
    };
    shash_init(&p->histories);
    reach_init(&p->reach);
}

void
shares_policy_uninit(struct shares_policy *p)
{
    shash_destroy_free_data(&p->histories);
    reach_uninit(&p->reach);
}

static struct shares_history *
get_history(struct shares_policy *p, const char *name)
{
    struct shares_history *h = shash_find_data(&p->histories, name);

    if (!h) {
        h = xzalloc(sizeof *h);
        shash_add(&p->histories, name, h);
    }
    h->listed = true;
    return h;
}

/* Forgets members that are not in the list any more. */
static void
forget(struct shares_policy *p)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &p->histories) {
        struct shares_history *h = node->data;

        if (!h->listed) {
            free(h);
            shash_delete(&p->histories, node);
        } else {
            h->listed = false;
        }
    }
}

/* Notes once that the share is taken from it. */
static void
note_failed(struct shares_history *h, int64_t now_ms)
{
    if (!h->failed) {
        h->failed = true;
        memmove(h->failed_ms + 1, h->failed_ms,
                (SHARES_FAILED_MAX - 1) * sizeof *h->failed_ms);
        h->failed_ms[0] = now_ms;
        h->n_failed = MIN(h->n_failed + 1, SHARES_FAILED_MAX);
    }
}

/* Returns for how long the member must be fit before it gets a share. */
static int64_t
ready_time(const struct shares_history *h, int64_t now_ms)
{
    int64_t ms = SHARES_READY_MS;

    for (size_t i = 0; i < h->n_failed; i++) {
        if (now_ms < h->failed_ms[i] + SHARES_FAILED_MS) {
            ms *= 2;
        }
    }
    return MIN(ms, SHARES_READY_MAX_MS);
}

/* Returns true if the member could have a share, as far as it says itself. */
static bool
is_willing(const struct shares_policy *p, const struct shares_member *m)
{
    return m->run && m->run != p->former_run && m->weight > 0;
}

/* Returns true if it keeps its share. */
static bool
keeps(const struct shares_policy *p, const struct shares_member *m,
      const struct share *share, struct shares_history *h, int64_t now_ms)
{
    bool silent = (!m->is_writer
                   && (now_ms
                       >= MAX(m->heard_ms, p->awake_ms) + p->silent_ms));

    if (m->run == share->run && is_willing(p, m) && !silent) {
        h->failed = false;
        return true;
    }
    if (m->run && m->run != p->former_run) {
        note_failed(h, now_ms);
    }
    return false;
}

/* Notes what the last batch is. */
static void
note_head(struct shares_policy *p, int64_t head, int64_t now_ms)
{
    if (!p->heads[0].ms || now_ms >= p->heads[0].ms + SHARES_ASK_MS) {
        memmove(p->heads + 1, p->heads,
                (ARRAY_SIZE(p->heads) - 1) * sizeof p->heads[0]);
        p->heads[0].ms = now_ms;
        p->heads[0].batch = head;
    }
}

/* Returns the batch that each member should have by now.  Nobody knows of one
 * at first; but nobody gets a share at first, either. */
static int64_t
due_batch(const struct shares_policy *p, int64_t now_ms)
{
    for (size_t i = 0; i < ARRAY_SIZE(p->heads) && p->heads[i].ms; i++) {
        if (now_ms >= p->heads[i].ms + SHARES_LAG_MAX_MS) {
            return p->heads[i].batch;
        }
    }
    return INT64_MIN;
}

/* Returns true if it gets a share, which it has not. */
static bool
is_due(const struct shares_policy *p, const struct shares_member *m,
       struct shares_history *h, int64_t now_ms)
{
    bool fit = (is_willing(p, m) && m->applied >= due_batch(p, now_ms)
                && now_ms < m->heard_ms + p->silent_ms);

    if (m->is_writer) {
        return is_willing(p, m);
    }
    if (!fit) {
        h->ready_ms = 0;
    } else if (!h->ready_ms || m->run != h->run) {
        h->ready_ms = now_ms;
        h->run = m->run;
    }
    return fit && now_ms >= h->ready_ms + ready_time(h, now_ms);
}

bool
shares_policy_ask(struct shares_policy *p, const struct shares *current,
                  const struct shares_member *members, size_t n,
                  int64_t head, int64_t now_ms, struct shares *next)
{
    if (now_ms >= p->asked_ms + SHARES_ASLEEP_MS) {
        p->awake_ms = now_ms;
    }
    p->asked_ms = now_ms;
    note_head(p, head, now_ms);
    shares_init(next);
    next->generation = current->generation;
    for (size_t i = 0; i < n; i++) {
        const struct shares_member *m = &members[i];
        const struct share *share = shares_find(current, m->name);
        struct shares_history *h = get_history(p, m->name);

        if (share && keeps(p, m, share, h, now_ms)) {
            h->ready_ms = 0;
            shares_add(next, m->name, m->run, m->weight);
        } else if (is_due(p, m, h, now_ms)) {
            shares_add(next, m->name, m->run, m->weight);
        }
    }
    forget(p);
    reach_ask(&p->reach, current, members, n, now_ms, next);
    return !is_equal(current, next);
}
