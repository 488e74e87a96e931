/* SPDX-License-Identifier: Apache-2.0
 *
 * Who manages which host: each member follows the shares that the database
 * has, and the writer publishes them.  A cluster without shares has its writer
 * manage all hosts.  Not for which shares there should be
 * (cluster-shares.c). */

#include <config.h>

#include "controller/cluster/cluster-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(cluster_managers);

/* Returns true if the database has all columns that shares take. */
static bool
can_share(const struct cluster_view *view)
{
    static const char *const columns[] = {
        "Cluster.generation", "Cluster.shares", "Cluster.runs",
        "Member.weight",
    };

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        if (sset_contains(&view->lacks, columns[i])) {
            return false;
        }
    }
    return true;
}

/* What the database says.  ------------------------------------------------ */

static void
log_shares(const struct cluster *c)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < c->shares.n; i++) {
        ds_put_format(&ds, "%s%s (%"PRId64")", i ? ", " : "",
                      c->shares.shares[i].name, c->shares.shares[i].weight);
    }
    if (c->shares.n_excluded) {
        ds_put_format(&ds, "; of %"PRIuSIZE" hosts not by those that cannot "
                      "reach them, such as %s", c->shares.n_excluded,
                      c->shares.excluded[0].host);
    }
    VLOG_INFO("generation %"PRIu64": hosts are managed by %s", c->generation,
              c->shares.n ? ds_cstr(&ds) : "the writer");
    ds_destroy(&ds);
}

/* Returns the generation of what the view says.  Members of the version before
 * the columns came ask switches for a role by the epoch; in a database without
 * these, one of them may yet become the writer. */
static uint64_t
generation_of(const struct cluster_view *view, bool is_usable)
{
    uint64_t first = shares_first_generation(view->lease.epoch);

    if (!can_share(view)) {
        return view->lease.epoch;
    }
    return MAX(is_usable ? (uint64_t) view->generation : 0, first);
}

void
cluster_managers_see(struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    uint64_t generation, shared;
    bool is_usable;

    if (!view->current || !view->has_row) {
        return;
    }
    is_usable = (can_share(view)
                 && shares_is_generation(view->generation,
                                         view->lease.epoch));
    generation = generation_of(view, is_usable);
    shared = is_usable ? view->generation : 0;
    if (generation < c->generation) {
        /* A server that was started again shows an older state at first. */
        return;
    }
    if (generation != c->generation) {
        c->generation = generation;
        c->generation_head = view->head;
    }
    if (shared != c->shares.generation) {
        shares_uninit(&c->shares);
        shares_init(&c->shares);
        if (is_usable) {
            shares_clone(&c->shares, &view->shares);
            c->shares.generation = shared;
        }
        log_shares(c);
    }
}

uint64_t
cluster_generation(const struct cluster *c)
{
    return c->generation;
}

bool
cluster_has_caught_up(const struct cluster *c)
{
    return c->writer || c->applied >= c->generation_head;
}

bool
cluster_manages_host(const struct cluster *c, const char *host)
{
    const struct share *share = shares_pick(&c->shares, host);

    /* A process that was started again has none of what its former one was to
     * send. */
    return (share ? share->run == c->run && !strcmp(share->name,
                                                    c->options->name)
            : c->writer);
}

const char *
cluster_host_manager(const struct cluster *c, const char *host)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct share *share = shares_pick(&c->shares, host);

    if (share) {
        return share->name;
    }
    if (c->writer) {
        return c->options->name;
    }
    return view->has_row && *view->lease.holder ? view->lease.holder : NULL;
}

/* Faults of hosts.  ------------------------------------------------------- */

struct faults_of {
    const struct cluster *cluster;
    const struct cluster_member *member;
    cluster_fault_cb *cb;
    void *aux;
};

static void
fault_cb(void *of_, const struct cluster_fault *fault)
{
    const struct faults_of *of = of_;
    const char *manager = cluster_host_manager(of->cluster, fault->host);

    if (manager && !strcmp(manager, of->member->name)) {
        of->cb(of->aux, fault);
    }
}

void
cluster_each_fault(const struct cluster *c, cluster_fault_cb *cb, void *aux)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &view->members) {
        struct faults_of of = {
            .cluster = c, .member = node->data, .cb = cb, .aux = aux,
        };

        if (strcmp(of.member->name, c->options->name)) {
            cluster_faults_parse(of.member->faults, fault_cb, &of);
        }
    }
}

uint64_t
cluster_faults_seq(const struct cluster *c)
{
    return cluster_db_view(c->db)->faults_seq;
}

/* Hosts that members cannot reach.  --------------------------------------- */

void
cluster_each_unreachable(const struct cluster *c, cluster_unreachable_cb *cb,
                         void *aux)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &view->members) {
        const struct cluster_member *member = node->data;
        const char *host;

        if (!member->run || !strcmp(member->name, c->options->name)) {
            continue;
        }
        SSET_FOR_EACH (host, &member->unreachable) {
            cb(aux, host);
        }
    }
}

uint64_t
cluster_unreachable_seq(const struct cluster *c)
{
    return cluster_db_view(c->db)->unreachable_seq;
}

/* What the writer says.  -------------------------------------------------- */

void
cluster_share_hosts(struct cluster *c)
{
    c->sharing.allowed = true;
}

static void
on_shared(void *cluster, const char *fault)
{
    struct cluster *c = cluster;

    c->sharing.busy = false;
    if (fault) {
        VLOG_DBG("shares of hosts were not published: %s", fault);
        c->sharing.again_ms = loop_now_ms(c->loop) + LEASE_AGAIN_MS;
    }
    cluster_run(c);
}

static void
publish(struct cluster *c, struct shares *shares)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct cluster_ops_writer w = cluster_as_writer(c);
    uint64_t last = MAX(c->generation, c->sharing.tried);

    shares->generation = shares_next_generation(last, c->epoch);
    if (!shares->generation) {
        if (!c->sharing.is_last) {
            VLOG_ERR("hosts stay shared as they are until another member is "
                     "the writer: this one has changed that too often");
        }
        c->sharing.is_last = true;
        return;
    }
    c->sharing.tried = shares->generation;
    c->sharing.busy = cluster_db_transact(
        c->db, cluster_ops_share(&w, view->generation, shares), on_shared, c);
}

/* Sets 'shares', which this initialises, to what should be there, and returns
 * true if it is not. */
static bool
ask_policy(struct cluster *c, int64_t now_ms, struct shares *shares)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct shash_node **nodes = shash_sort(&view->members);
    size_t n = shash_count(&view->members);
    struct shares_member *members = xcalloc(MAX(n, 1), sizeof *members);
    bool is_new;

    for (size_t i = 0; i < n; i++) {
        const struct cluster_member *member = nodes[i]->data;

        members[i] = (struct shares_member) {
            .name = member->name, .run = member->run,
            .weight = member->weight, .heard_ms = member->heard_ms,
            .applied = member->applied,
            /* Nothing could be said of it otherwise. */
            .unreachable = (sset_contains(&view->lacks, "Cluster.excluded")
                            ? NULL : &member->unreachable),
            .is_writer = (member->run == c->run
                          && !strcmp(member->name, c->options->name)),
        };
    }
    is_new = shares_policy_ask(&c->sharing.policy, &c->shares, members, n,
                               view->head, now_ms, shares);
    free(members);
    free(nodes);
    return is_new;
}

/* Changes with all that moves hosts at once. */
static uint32_t
hash_members(const struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    uint32_t hash = hash_uint64(c->shares.generation);
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &view->members) {
        const struct cluster_member *member = node->data;

        hash += hash_string(member->name,
                            hash_uint64_basis(member->run, member->weight));
    }
    return hash;
}

void
cluster_managers_run(struct cluster *c, int64_t now_ms, int64_t *wake_ms)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    struct shares shares;
    uint32_t hash;

    if (!c->writer) {
        if (view->current && view->has_row && view->lease.run
            && view->lease.run != c->run) {
            c->sharing.policy.former_run = view->lease.run;
        }
        return;
    }
    if (!c->sharing.allowed || c->ending || c->handing_over
        || c->sharing.busy || !view->current
        || !view->has_row || cluster_view_is_stale(c) || !can_share(view)
        || (c->shares.generation
            && view->generation != (int64_t) c->shares.generation)) {
        return;
    }
    if (now_ms < c->sharing.again_ms) {
        *wake_ms = MIN(*wake_ms, c->sharing.again_ms);
        return;
    }
    hash = hash_members(c);
    if (hash == c->sharing.members
        && now_ms < c->sharing.policy.asked_ms + SHARES_ASK_MS) {
        *wake_ms = MIN(*wake_ms,
                       c->sharing.policy.asked_ms + SHARES_ASK_MS);
        return;
    }
    c->sharing.members = hash;
    *wake_ms = MIN(*wake_ms, now_ms + SHARES_ASK_MS);
    if (ask_policy(c, now_ms, &shares)) {
        publish(c, &shares);
    }
    shares_uninit(&shares);
}
