/* SPDX-License-Identifier: Apache-2.0
 *
 * Property test of the members of a cluster: after any sequence of requests,
 * refused ones, plans, freed IDs, restarts and hand-overs, all members want
 * the same flows and groups of each host, byte for byte, and have the same
 * IDs.  Batches are passed on as the cluster does, in their order, but late
 * and several at once.
 *
 * Usage: test-follow [SEED [STEPS]].  The seed is printed. */

#include <config.h>

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/apphost/apphost.h"
#include "controller/commit/commit.h"
#include "controller/engine/engine.h"
#include "controller/model/id-pools.h"
#include "controller/model/model.h"
#include "controller/store/store.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "svec.h"
#include "tests/property/ids-text.h"
#include "tests/property/oracle-random.h"
#include "tests/property/setup.h"
#include "util.h"

#define N_MEMBERS 3

struct batch {
    char *text;
    int64_t index;
};

struct member {
    struct test *test;
    unsigned i;
    char *path;
    struct store *store;
    struct model *model;
    struct engine *engine;
    struct commit *commit;
    int64_t applied;            /* The newest batch that it has. */
    bool applying;
};

struct test {
    char *dir;
    struct event_base *base;
    struct apphost *apphost;
    struct member members[N_MEMBERS];
    unsigned leader;
    struct store_replicator replicator;
    struct batch *batches;      /* All that were appended. */
    size_t n_batches, allocated_batches;
    unsigned n_asked;           /* Requests and plans without a result. */
    unsigned n_accepted, n_refused, n_restarts, n_hand_overs, n_compared;
};

static void
die(const char *what, const char *why)
{
    printf("# %s: %s\nnot ok\n", what, why ? why : "");
    exit(1);
}

static void
wait_for(struct test *t, const bool *done)
{
    while (!*done) {
        event_base_loop(t->base, EVLOOP_ONCE);
    }
}

/* Members.  --------------------------------------------------------------- */

static void
append(void *t_, char *text, size_t length OVS_UNUSED,
       store_appended_cb *done, void *aux)
{
    struct test *t = t_;

    if (t->n_batches >= t->allocated_batches) {
        t->batches = x2nrealloc(t->batches, &t->allocated_batches,
                                sizeof *t->batches);
    }
    t->batches[t->n_batches] = (struct batch) { text, t->n_batches + 1 };
    t->n_batches++;
    t->members[t->leader].applied = t->n_batches;
    done(aux, 0, NULL, t->n_batches);
}

static void
fell_behind(void *t OVS_UNUSED, const char *why)
{
    die("the leader", why);
}

static void
set_done(void *done)
{
    *(bool *) done = true;
}

/* Waits until nothing is queued or being written. */
static void
settle(struct member *m)
{
    bool done = false;

    while (m->test->n_asked) {
        event_base_loop(m->test->base, EVLOOP_ONCE);
    }
    commit_when_quiescent(m->commit, set_done, &done);
    wait_for(m->test, &done);
}

static void
member_open(struct member *m)
{
    struct store_place place;
    struct vmn_error why = VMN_ERROR_INIT;

    m->model = model_create();
    model_set_replicated(m->model);
    if (store_sqlite_class.open(m->path, m->test->base, &m->store, &why)
        || store_sqlite_class.load(m->store, m->model, &why)) {
        die(m->path, why.text);
    }
    store_sqlite_class.get_place(m->store, &place);
    if (!place.cluster) {
        place.cluster = 1;
        store_sqlite_class.set_place(m->store, &place, NULL);
    }
    if (place.index != m->applied) {
        die(m->path, "it does not have all batches that it had");
    }
    m->engine = engine_create(m->model, apphost_pipeline(m->test->apphost));
    m->commit = commit_create(m->test->base, m->model, m->engine,
                              &store_sqlite_class, m->store);
    commit_set_max_yields(m->commit, 1);
    commit_follow(m->commit);
}

static void
member_close(struct member *m)
{
    commit_destroy(m->commit);
    engine_destroy(m->engine);
    store_sqlite_class.close(m->store);
    model_destroy(m->model);
}

static void
on_applied(void *m_, int error, const struct vmn_error *why)
{
    struct member *m = m_;

    if (error) {
        die("a batch", why->text);
    }
    m->applied++;
    m->applying = false;
}

/* Has 'm' apply the batches that it lacks. */
static void
catch_up(struct member *m)
{
    struct test *t = m->test;

    while (m->applied < (int64_t) t->n_batches) {
        const struct batch *batch = &t->batches[m->applied];

        m->applying = true;
        commit_apply_batch(m->commit, batch->text, batch->index, on_applied,
                           m);
        while (m->applying) {
            event_base_loop(t->base, EVLOOP_ONCE);
        }
    }
    settle(m);
}

static void
lead(struct test *t, unsigned i)
{
    struct member *m = &t->members[i];

    catch_up(m);
    t->leader = i;
    store_sqlite_class.set_replicator(m->store, &t->replicator);
    commit_lead(m->commit);
    settle(m);
}

/* Comparing.  ------------------------------------------------------------- */

/* Where the message that adds an item, and the one that it wraps, have their
 * xid, which is of the process. */
#define XID_AT 4
#define WRAPPED_XID_AT 20

static bool
is_of_xid(uint32_t i)
{
    return ((i >= XID_AT && i < XID_AT + 4)
            || (i >= WRAPPED_XID_AT && i < WRAPPED_XID_AT + 4));
}

/* Adds the item as text. */
static void
item_cb(void *lines_, const struct flow_item *item)
{
    struct svec *lines = lines_;
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "%d %016"PRIx64" ", (int) item->kind, item->digest);
    for (uint32_t i = 0; i < item->add_size; i++) {
        if (!is_of_xid(i)) {
            ds_put_format(&ds, "%02x", item->add[i]);
        }
    }
    svec_add_nocopy(lines, ds_steal_cstr(&ds));
}

typedef char *dump_cb(const struct member *);

static char *
dump_flows(const struct member *m)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (unsigned i = 0; i < N_HOSTS; i++) {
        char host[16];

        snprintf(host, sizeof host, "h%u", i);
        svec_clear(&lines);
        engine_host_items(m->engine, host, item_cb, &lines);
        svec_sort(&lines);
        ds_put_format(&ds, "%s: %"PRIuSIZE"\n", host, lines.n);
        for (size_t j = 0; j < lines.n; j++) {
            ds_put_format(&ds, "%s\n", lines.names[j]);
        }
    }
    svec_destroy(&lines);
    return ds_steal_cstr(&ds);
}

static char *
dump_ids_of(const struct member *m)
{
    return dump_ids(m->model);
}

static void
show_problems(const struct member *m)
{
    const struct engine_problems *problems = engine_problems(m->engine);

    for (size_t i = 0; i < problems->n; i++) {
        const struct engine_problem *p = &problems->problems[i];

        printf("# member %u: %s %s: %s\n", m->i, p->kind, p->units[0],
               p->detail);
    }
}

static void
check_equal(const struct member *a, const struct member *b, const char *what,
            dump_cb *dump)
{
    char *x = dump(a), *y = dump(b);

    if (strcmp(x, y)) {
        size_t n = 0;

        while (x[n] == y[n]) {
            n++;
        }
        while (n && x[n - 1] != '\n') {
            n--;
        }
        printf("# batch %"PRId64", members %u and %u:\n# %.300s\n# %.300s\n",
               a->applied, a->i, b->i, x + n, y + n);
        show_problems(a);
        show_problems(b);
        die(what, "members differ");
    }
    free(x);
    free(y);
}

static void
compare(struct test *t)
{
    struct member *leader = &t->members[t->leader];

    settle(leader);
    for (unsigned i = 0; i < N_MEMBERS; i++) {
        struct member *m = &t->members[i];

        if (m != leader) {
            catch_up(m);
            check_equal(leader, m, "flows", dump_flows);
            /* Those that were freed since go with the next batch. */
            if (!id_pools_has_pending(model_id_pools(leader->model))) {
                check_equal(leader, m, "IDs", dump_ids_of);
            }
        }
    }
    t->n_compared++;
}

/* Steps.  ----------------------------------------------------------------- */

static void
on_request(void *t_, const struct commit_result *result)
{
    struct test *t = t_;

    t->n_asked--;
    t->n_accepted += result->ok;
    t->n_refused += !result->ok;
    for (size_t i = 0; !result->ok && i < result->errors->n
                       && getenv("ORACLE_VERBOSE"); i++) {
        printf("# refused: %s %s\n", result->errors->errors[i].pointer,
               result->errors->errors[i].text);
    }
}

static void
on_plan(void *t_, const struct commit_result *result OVS_UNUSED)
{
    struct test *t = t_;

    t->n_asked--;
}

/* Some requests, which may become one group. */
static void
step_requests(struct test *t)
{
    struct commit *commit = t->members[t->leader].commit;

    for (unsigned n = 1 + rnd(4); n; n--) {
        struct model_request request;

        random_request(&request);
        t->n_asked++;
        if (chance(20)) {
            commit_plan(commit, &request, on_plan, t);
        } else {
            commit_submit(commit, &request, on_request, t);
        }
    }
}

static void
step_free_ids(struct test *t)
{
    struct member *leader = &t->members[t->leader];
    uint64_t revision;

    settle(leader);
    revision = model_durable_revision(leader->model);
    id_pools_acked(model_id_pools(leader->model),
                   revision - MIN(revision, rnd(4)));
}

/* Hosts acknowledge to those who follow as well. */
static void
step_acked(struct test *t)
{
    for (unsigned i = 0; i < N_MEMBERS; i++) {
        struct member *m = &t->members[i];

        if (i != t->leader) {
            settle(m);
            id_pools_acked(model_id_pools(m->model),
                           model_durable_revision(m->model));
        }
    }
}

/* A follower is restarted where it is, and compiles all anew. */
static void
step_restart(struct test *t)
{
    struct member *m = &t->members[rnd(N_MEMBERS)];

    if (m->i != t->leader) {
        member_close(m);
        member_open(m);
        t->n_restarts++;
    }
}

/* Another member takes over, and the former one follows it. */
static void
step_hand_over(struct test *t)
{
    struct member *former = &t->members[t->leader];
    unsigned next = rnd(N_MEMBERS);

    if (next != t->leader) {
        settle(former);
        member_close(former);
        member_open(former);
        lead(t, next);
        t->n_hand_overs++;
    }
}

static void
step(struct test *t)
{
    step_requests(t);
    if (chance(20)) {
        step_free_ids(t);
        step_acked(t);
    }
    if (chance(3)) {
        step_restart(t);
    }
    if (chance(2)) {
        step_hand_over(t);
    }
    if (chance(30)) {
        compare(t);
    }
}

/* The test.  -------------------------------------------------------------- */

static void
test_open(struct test *t)
{
    const char *parent = getenv("TMPDIR");

    *t = (struct test) { .base = event_base_new(), .apphost = load_apps() };
    t->dir = xasprintf("%s/test-follow-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(t->dir)) {
        die(t->dir, "cannot be created");
    }
    t->replicator = (struct store_replicator) { append, fell_behind, t };
    for (unsigned i = 0; i < N_MEMBERS; i++) {
        t->members[i] = (struct member) {
            .test = t, .i = i, .path = xasprintf("%s/%u.db", t->dir, i),
        };
        member_open(&t->members[i]);
    }
    lead(t, 0);
}

static void
test_close(struct test *t)
{
    for (unsigned i = 0; i < N_MEMBERS; i++) {
        struct member *m = &t->members[i];
        char *lock = xasprintf("%s.lock", m->path);

        member_close(m);
        unlink(m->path);
        unlink(lock);
        free(lock);
        free(m->path);
    }
    for (size_t i = 0; i < t->n_batches; i++) {
        free(t->batches[i].text);
    }
    free(t->batches);
    if (rmdir(t->dir)) {
        die(t->dir, "files were left");
    }
    free(t->dir);
    apphost_destroy(t->apphost);
    event_base_free(t->base);
}

int
main(int argc, char *argv[])
{
    unsigned seed = argc > 1 ? atoi(argv[1]) : 1;
    unsigned n_steps = argc > 2 ? atoi(argv[2]) : 400;
    struct engine_stats stats;
    struct test t;

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_ERR);
    printf("# seed %u, %u steps\n", seed, n_steps);
    seed_random(seed);
    test_open(&t);
    for (unsigned i = 0; i < n_steps; i++) {
        step(&t);
    }
    compare(&t);
    engine_get_stats(t.members[t.leader].engine, &stats);
    printf("# %u requests accepted, %u refused, %"PRIuSIZE" batches, "
           "%u restarts, %u hand-overs, compared %u times; at the end "
           "%"PRIu64" flows, %"PRIu64" groups\n", t.n_accepted, t.n_refused,
           t.n_batches, t.n_restarts, t.n_hand_overs, t.n_compared,
           stats.n_flows, stats.n_groups);
    test_close(&t);
    printf("ok\n");
    return 0;
}
