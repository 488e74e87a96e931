/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a member: it follows, takes the lease, is the writer, and gives
 * that up; see cluster.h. */

#include <config.h>

#include "controller/cluster/cluster.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster-private.h"
#include "controller/model/model.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "proto/tls/tls.h"
#include "random.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(cluster);

/* A member that was not heard for longer is handed nothing, and is not waited
 * for. */
#define HEARD_MS 3000
/* Time for handing the lease over at the end. */
#define RESIGN_MS 1000

/* The state.  ------------------------------------------------------------- */

void
cluster_set_state(struct cluster *c, enum cluster_state to)
{
#define TO(STATE) (1u << CLUSTER_##STATE)
    static const unsigned allowed[] = {
        [CLUSTER_FOLLOWS] = TO(APPLIES) | TO(BROKEN) | TO(WRITES) | TO(ENDS),
        [CLUSTER_APPLIES] = TO(FOLLOWS) | TO(BROKEN) | TO(ENDS),
        [CLUSTER_BROKEN] = TO(ENDS),
        [CLUSTER_WRITES] = TO(HANDS_OVER) | TO(ENDS),
        [CLUSTER_HANDS_OVER] = TO(ENDS),
        [CLUSTER_ENDS] = TO(ENDS),
    };
#undef TO

    ovs_assert(allowed[c->state] & 1u << to);
    c->state = to;
}

void
cluster_set_problem(struct cluster *c, const char *why)
{
    if (nullable_string_is_equal(c->problem, why)) {
        return;
    }
    if (why) {
        VLOG_WARN("%s", why);
    } else {
        VLOG_INFO("following the cluster again");
    }
    free(c->problem);
    c->problem = nullable_xstrdup(why);
}

int64_t
cluster_stored(const struct cluster *c)
{
    struct store_place place;

    c->store_class->get_place(c->store, &place);
    return place.index;
}

bool
cluster_view_is_stale(const struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);

    return (cluster_is_writer(c) && view->has_row
            && (view->lease.epoch < c->epoch || view->head < c->applied));
}

struct cluster_ops_writer
cluster_as_writer(const struct cluster *c)
{
    return (struct cluster_ops_writer) {
        .epoch = c->epoch,
        .beat = c->lease.row.beat + 1,
        .revision = model_durable_revision(c->model),
    };
}

/* The lease.  ------------------------------------------------------------- */

/* Returns true if this member has all that the cluster has, and is sound. */
static bool
is_fit(const struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);

    return (c->state == CLUSTER_FOLLOWS && view->current && view->has_row
            && c->membership == MEMBER_REGISTERED && !c->problem
            && c->applied == view->head);
}

/* Returns the newest revision that anybody may have seen, but for the gap. */
static uint64_t
newest_revision(const struct cluster *c)
{
    return MAX((uint64_t) cluster_db_view(c->db)->revision,
               model_revision(c->model));
}

static void
activate(struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    uint64_t revision = newest_revision(c);

    cluster_set_state(c, CLUSTER_WRITES);
    c->epoch = view->lease.epoch;
    VLOG_INFO("%s is the writer, of epoch %"PRId64", from revision %"PRIu64,
              c->options->name, c->epoch, revision);
    c->replicator = (struct store_replicator) {
        cluster_append, cluster_fell_behind, c
    };
    c->store_class->set_replicator(c->store, &c->replicator);
    c->callbacks->activated(c->aux, revision, c->epoch);
}

void
cluster_depose(struct cluster *c, const char *why)
{
    if (!cluster_is_writer(c)) {
        return;
    }
    VLOG(c->state == CLUSTER_HANDS_OVER ? VLL_INFO : VLL_WARN,
         "%s is not the writer any more: %s", c->options->name, why);
    /* From now on cluster_append() refuses. */
    cluster_set_state(c, CLUSTER_ENDS);
    cluster_append_abandon(c, why);
    c->callbacks->deposed(c->aux, why);
}

static void
on_lease(void *cluster, const char *fault)
{
    struct cluster *c = cluster;

    lease_end(&c->lease);
    if (fault) {
        VLOG_DBG("the lease is not as it was seen: %s", fault);
    }
    cluster_run(c);
}

/* Sends a beat, a taking, or that the lease is given up. */
static void
send_lease(struct cluster *c, struct json *ops, int64_t now_ms)
{
    lease_begin(&c->lease, now_ms);
    if (!cluster_db_transact(c->db, ops, on_lease, c)) {
        lease_end(&c->lease);
    }
}

/* Follows what the database says of the lease. */
static void
heed_lease(struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);

    if (!view->current || !view->has_row || cluster_view_is_stale(c)) {
        return;
    }
    if (cluster_is_writer(c)) {
        if (view->lease.epoch != c->epoch || !lease_is_held(&c->lease)) {
            cluster_depose(c, (c->state == CLUSTER_HANDS_OVER
                               ? "it was handed over"
                               : "another member has become it"));
        }
    } else if (lease_is_held(&c->lease) && is_fit(c)) {
        activate(c);
    }
}

bool
cluster_hears(const struct cluster *c, const struct cluster_member *member)
{
    return (member->run
            && (member->heard_ms + MAX(HEARD_MS, 3 * c->options->lease_ms)
                >= loop_now_ms(c->loop)));
}

void
cluster_begin_hand_over(struct cluster *c, const char *successor)
{
    cluster_set_state(c, CLUSTER_HANDS_OVER);
    free(c->successor);
    c->successor = xstrdup(successor);
    c->resign_ms = loop_now_ms(c->loop);
}

static void
run_lease(struct cluster *c, int64_t now_ms, int64_t *wake_ms)
{
    struct cluster_ops_writer w;
    int64_t lease_wake_ms;

    if (!cluster_db_view(c->db)->current || c->state == CLUSTER_ENDS) {
        return;
    }
    if (c->state == CLUSTER_HANDS_OVER) {
        if (now_ms < c->resign_ms) {
            *wake_ms = MIN(*wake_ms, c->resign_ms);
        } else if (c->append.state == APPEND_NONE
                   && lease_may_send(&c->lease, now_ms, wake_ms)) {
            w = cluster_as_writer(c);
            c->resign_ms = now_ms + LEASE_AGAIN_MS;
            send_lease(c, cluster_ops_resign(&w, c->successor), now_ms);
        }
        return;
    }
    switch (lease_next(&c->lease, is_fit(c), now_ms, &lease_wake_ms)) {
    case LEASE_WAIT:
        *wake_ms = MIN(*wake_ms, lease_wake_ms);
        break;
    case LEASE_BEAT:
        w = cluster_as_writer(c);
        send_lease(c, cluster_ops_beat(&w), now_ms);
        break;
    case LEASE_TAKE:
        VLOG_INFO("taking the lease from \"%s\"", c->lease.row.holder);
        send_lease(c, cluster_ops_take(&c->lease, c->applied,
                                       newest_revision(c) + REVISION_GAP),
                   now_ms);
        break;
    }
}

/* What is due.  ----------------------------------------------------------- */

void
cluster_run(struct cluster *c)
{
    int64_t now_ms = loop_now_ms(c->loop), wake_ms = INT64_MAX;

    if (c->state == CLUSTER_ENDS) {
        return;
    }
    cluster_append_run(c, now_ms, &wake_ms);
    heed_lease(c);
    cluster_follow_run(c, now_ms, &wake_ms);
    cluster_members_run(c, now_ms, &wake_ms);
    cluster_standby_run(c);
    run_lease(c, now_ms, &wake_ms);
    if (wake_ms != INT64_MAX && c->state != CLUSTER_ENDS) {
        int64_t ms = MAX(wake_ms - now_ms, 0);
        const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

        event_add(c->timer, &tv);
    }
}

static void
on_timer(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *cluster)
{
    cluster_run(cluster);
}

static void
on_changed(void *cluster)
{
    struct cluster *c = cluster;
    const struct cluster_view *view = cluster_db_view(c->db);

    if (view->has_row) {
        lease_see(&c->lease, &view->lease, loop_now_ms(c->loop));
    } else {
        lease_lose_sight(&c->lease);
    }
    if (view->has_row) {
        c->known_epoch = MAX(c->known_epoch, view->lease.epoch);
    }
    cluster_run(c);
    if (c->state != CLUSTER_ENDS) {
        c->callbacks->seen(c->aux);
    }
}

static void
on_lost(void *cluster)
{
    struct cluster *c = cluster;

    VLOG_WARN("the connection to the cluster's database was lost");
    lease_lose_sight(&c->lease);
    c->reporting = false;
    cluster_append_lost(c);
    cluster_run(c);
}

/* Commands.  -------------------------------------------------------------- */

/* Returns a number from 1 to 2^53 - 1, which JSON is sure to pass on. */
static int64_t
random_number(void)
{
    return MAX(random_uint64() >> 11, 1);
}

int
cluster_found(struct cluster *c, int64_t epoch, cluster_db_done_cb *done,
              void *aux, struct vmn_error *why)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    struct store_place place = { .cluster = random_number() };
    int error;

    if (c->state != CLUSTER_FOLLOWS) {
        return vmn_error_errno(why, EBUSY, "this member is %s",
                               (cluster_is_writer(c)
                                ? "the writer of a cluster"
                                : c->state == CLUSTER_BROKEN ? c->problem
                                : "following a cluster"));
    }
    if (view->fault) {
        return vmn_error_errno(why, EINVAL, "%s", view->fault);
    }
    if (!view->current) {
        return vmn_error_errno(why, EAGAIN, "the database at %s cannot be "
                               "reached", c->options->remote);
    }
    if (view->has_row) {
        return vmn_error_errno(why, EEXIST, "the database has a cluster "
                               "already");
    }
    /* The file first: if what follows fails, it is of no cluster that there
     * is, which the next try mends. */
    error = c->store_class->set_place(c->store, &place, why);
    if (error) {
        return error;
    }
    c->applied = 0;
    cluster_db_set_applied(c->db, 0);
    /* Hosts know the epochs of a former cluster of theirs, which had fewer
     * writers than it had seconds. */
    if (!cluster_db_transact(c->db, cluster_ops_create(
            place.cluster, MAX(time_wall(), epoch), model_revision(c->model)),
                             done, aux)) {
        return vmn_error_errno(why, EAGAIN, "the connection was lost");
    }
    return 0;
}

int
cluster_hand_over(struct cluster *c, const char *successor,
                  struct vmn_error *why)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct cluster_member *member;

    if (c->state != CLUSTER_WRITES) {
        return vmn_error_errno(why, EPERM, "this member is not the writer");
    }
    if (*successor) {
        if (!strcmp(successor, c->options->name)) {
            return vmn_error_errno(why, EPERM, "\"%s\" is the writer already",
                                   successor);
        }
        member = shash_find_data(&view->members, successor);
        if (!member) {
            return vmn_error_errno(why, ENOENT, "there is no other member "
                                   "\"%s\"", successor);
        }
        if (!cluster_hears(c, member)) {
            return vmn_error_errno(why, EAGAIN, "\"%s\" has not been heard "
                                   "lately", successor);
        }
    } else if (shash_count(&view->members) < 2) {
        return vmn_error_errno(why, ENOENT, "there is no other member");
    }
    cluster_begin_hand_over(c, successor);
    cluster_run(c);
    return 0;
}

/* Returns true if the lease is given up, or about to be, to 'name', or to
 * whoever takes it first. */
static bool
may_take_over(const struct cluster *c, const char *name)
{
    const struct lease_row *row = &cluster_db_view(c->db)->lease;

    return ((c->state == CLUSTER_HANDS_OVER
             && (!*c->successor || !strcmp(c->successor, name)))
            || (!*row->holder
                && (!*row->successor || !strcmp(row->successor, name))));
}

/* The removal of a member, which the database has not confirmed yet. */
struct removal {
    cluster_done_cb *done;
    void *aux;
};

static void
on_removed(void *removal_, const char *fault)
{
    const struct removal removal = *(struct removal *) removal_;

    free(removal_);
    if (fault && !strcmp(fault, CLUSTER_OPS_WAIT_FAILED)) {
        fault = "it is the writer since, or may be about to be: try again";
    }
    removal.done(removal.aux, fault);
}

int
cluster_remove_member(struct cluster *c, const char *name,
                      cluster_done_cb *done, void *aux,
                      struct vmn_error *why)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    struct removal *removal;

    if (!strcmp(view->lease.holder, name)) {
        return vmn_error_errno(why, EPERM, "\"%s\" is the writer: have it "
                               "hand over first (cluster/transfer)", name);
    }
    if (!shash_find(&view->members, name)) {
        return vmn_error_errno(why, ENOENT, "there is no member \"%s\"",
                               name);
    }
    /* Its process would start again as it is deposed, and be listed again. */
    if (may_take_over(c, name)) {
        return vmn_error_errno(why, EAGAIN, "\"%s\" is about to be the "
                               "writer, or may be: try again", name);
    }
    removal = xmalloc(sizeof *removal);
    *removal = (struct removal) { done, aux };
    if (!cluster_db_transact(c->db, cluster_ops_remove(name), on_removed,
                             removal)) {
        free(removal);
        return vmn_error_errno(why, EAGAIN, "the cluster's database cannot "
                               "be reached");
    }
    return 0;
}

/* Life.  ------------------------------------------------------------------ */

struct cluster *
cluster_create(struct loop *loop, const struct cluster_options *options,
               const struct store_class *store_class, struct store *store,
               struct model *model, const struct cluster_callbacks *callbacks,
               void *aux)
{
    static const struct cluster_db_callbacks db_callbacks = {
        .changed = on_changed, .lost = on_lost,
    };
    struct cluster *c = xzalloc(sizeof *c);
    struct store_place place;

    c->loop = loop;
    c->options = options;
    c->store_class = store_class;
    c->store = store;
    c->model = model;
    c->callbacks = callbacks;
    c->aux = aux;
    c->successor = xstrdup("");
    ovs_list_init(&c->unconfirmed);
    c->run = random_number();
    c->serial = random_number() >> 1;
    store_class->get_place(store, &place);
    c->applied = place.index;
    c->reported_ms = c->lost_ms = INT64_MIN / 2;
    lease_init(&c->lease, options->name, c->run, options->lease_ms);
    c->timer = evtimer_new(loop_base(loop), on_timer, c);
    c->db = cluster_db_create(loop, options->remote, &db_callbacks, c);
    cluster_db_set_applied(c->db, c->applied);
    return c;
}

int64_t
cluster_epoch(const struct cluster *c)
{
    return c->known_epoch;
}

void
cluster_resign(struct cluster *c)
{
    int64_t end_ms = loop_now_ms(c->loop) + RESIGN_MS;

    if (c->state == CLUSTER_WRITES) {
        cluster_begin_hand_over(c, "");
        cluster_run(c);
    }
    while (cluster_is_writer(c) && loop_now_ms(c->loop) < end_ms) {
        loop_turn(c->loop, 50);
    }
    if (cluster_is_writer(c)) {
        VLOG_WARN("the lease is not given up within %d ms%s: others wait for "
                  "its end", RESIGN_MS, c->lease.n_sent || c->append.state
                  ? ", for the database has not replied" : "");
    }
    cluster_append_abandon(c, "this member is shutting down");
    cluster_unregister(c);
    while (c->membership == MEMBER_LEAVING
           && loop_now_ms(c->loop) < end_ms) {
        loop_turn(c->loop, 50);
    }
}

void
cluster_destroy(struct cluster *c)
{
    if (!c) {
        return;
    }
    cluster_set_state(c, CLUSTER_ENDS);
    c->store_class->set_replicator(c->store, NULL);
    cluster_close_relay(c);
    tls_destroy(c->tls);
    cluster_db_destroy(c->db);
    event_free(c->timer);
    cluster_append_uninit(c);
    lease_uninit(&c->lease);
    free(c->successor);
    free(c->problem);
    free(c->untold);
    free(c);
}
