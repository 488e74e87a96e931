/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of members: each keeps its own row, which says what it has, and
 * what a majority has need not be kept in the database.  A member that was
 * removed stays out until it is started again. */

#include <config.h>

#include "controller/cluster/cluster-private.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "proto/ovsdb/ovsdb.h"
#include "svec.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(cluster_members);

/* A row of this member's name whose beat stands still for so long is that of
 * an earlier process of its own. */
#define TAKEN_MS 2500
/* A row that is not there, or another's, for so long is so: a server that was
 * started again may show an older state. */
#define MISSING_MS 3000

/* Longest target that a switch is told, and most of them of a kind that a host
 * is. */
#define TARGET_MAX 128
#define TARGETS_MAX 16

/* Between two reports: at least, of what it has applied, and at most.  Each is
 * a transaction of all servers, so members that follow many batches a second
 * say that less often than that they are there. */
#define REPORT_MIN_MS 200
#define REPORT_APPLIED_MS 500
#define REPORT_MAX_MS 1000

static void
on_reported(void *cluster, const char *fault)
{
    struct cluster *c = cluster;

    c->reporting = false;
    if (fault) {
        VLOG_DBG("this member's row was not written: %s", fault);
    }
    cluster_run(c);
}

static void
on_registered(void *cluster, const char *fault)
{
    struct cluster *c = cluster;

    if (!fault && c->membership <= MEMBER_TAKEN) {
        c->membership = MEMBER_REGISTERED;
    }
    on_reported(cluster, fault);
}

static void
write_row(struct cluster *c, struct json *ops, cluster_db_done_cb *done,
          int64_t now_ms)
{
    c->reported = cluster_stored(c);
    c->reported_ms = now_ms;
    c->reporting = cluster_db_transact(c->db, ops, done, c);
}

static void
on_unregistered(void *cluster, const char *fault OVS_UNUSED)
{
    struct cluster *c = cluster;

    c->membership = MEMBER_LEFT;
}

void
cluster_unregister(struct cluster *c)
{
    cluster_set_state(c, CLUSTER_ENDS);
    if (c->membership == MEMBER_REGISTERED) {
        c->membership = MEMBER_LEAVING;
        if (!cluster_db_transact(
                c->db, cluster_ops_unregister(c->options->name, c->run),
                on_unregistered, c)) {
            c->membership = MEMBER_LEFT;
        }
    }
}

/* Another process says that it is this member, or the list does not have it
 * any more: it must not count as one. */
static void
leave(struct cluster *c, const char *why)
{
    cluster_set_problem(c, why);
    if (cluster_is_writer(c)) {
        cluster_depose(c, why);
    } else {
        cluster_set_state(c, CLUSTER_BROKEN);
    }
}

/* Returns true if the list has what it is to have of this member: 'self', or
 * NULL if no row has its name.  A member that was removed while it waited for
 * an earlier process of its own stays out. */
static bool
is_listed(const struct cluster *c, const struct cluster_member *self)
{
    return (c->membership == MEMBER_REGISTERED ? self && self->run == c->run
            : self || c->membership == MEMBER_UNLISTED);
}

/* Returns true if no other process has the row of this member's name, which is
 * 'self', or NULL. */
static bool
may_register(struct cluster *c, const struct cluster_member *self,
             int64_t now_ms, int64_t *wake_ms)
{
    if (self && self->run && now_ms < self->heard_ms + TAKEN_MS) {
        if (c->seen_beat && self->beat != c->seen_beat) {
            c->membership = MEMBER_TAKEN;
        }
        c->seen_beat = self->beat;
        *wake_ms = MIN(*wake_ms, self->heard_ms + TAKEN_MS);
        return false;
    }
    if (c->membership == MEMBER_TAKEN) {
        c->membership = MEMBER_WAITS;
    }
    return true;
}

void
cluster_members_run(struct cluster *c, int64_t now_ms, int64_t *wake_ms)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    struct cluster_ops_member row = {
        .name = c->options->name, .version = VMN_VERSION,
        .address = c->options->address,
        .listen = c->options->listen ? c->options->listen : "",
        .openflow = c->options->openflow ? c->options->openflow : "",
        .ovsdb = c->options->ovsdb ? c->options->ovsdb : "",
        .run = c->run,
        .applied = cluster_stored(c),
    };
    const struct cluster_member *self;
    struct store_place place;
    bool registered;
    int64_t due_ms;

    c->store_class->get_place(c->store, &place);
    if (c->reporting || c->state == CLUSTER_BROKEN
        || c->state == CLUSTER_ENDS || !view->current || !view->has_row
        || place.cluster != view->number) {
        return;
    }
    self = shash_find_data(&view->members, c->options->name);
    if (self && c->membership == MEMBER_UNLISTED) {
        c->membership = MEMBER_WAITS;
    }
    if (is_listed(c, self)) {
        c->missing_ms = 0;
    } else {
        c->missing_ms = c->missing_ms ? c->missing_ms : now_ms;
        if (now_ms < c->missing_ms + MISSING_MS) {
            *wake_ms = MIN(*wake_ms, c->missing_ms + MISSING_MS);
            return;
        }
        leave(c, (self ? CLUSTER_TAKEN
                  : "this member was removed from the cluster"));
        return;
    }
    registered = c->membership == MEMBER_REGISTERED;
    if (!registered && !may_register(c, self, now_ms, wake_ms)) {
        return;
    }
    due_ms = c->reported_ms + (!registered ? REPORT_MIN_MS
                               : row.applied != c->reported
                               ? REPORT_APPLIED_MS : REPORT_MAX_MS);
    if (now_ms < due_ms) {
        *wake_ms = MIN(*wake_ms, due_ms);
        return;
    }
    row.disk = cluster_disk_used(c, now_ms);
    row.hosts = c->callbacks->count_hosts(c->aux);
    if (!registered) {
        write_row(c, cluster_ops_register(&row, self != NULL), on_registered,
                  now_ms);
    } else {
        write_row(c, cluster_ops_report(&row, self->beat + 1), on_reported,
                  now_ms);
    }
}

static int
compare_down(const void *a_, const void *b_)
{
    const int64_t *a = a_, *b = b_;

    return *a < *b ? 1 : *a > *b ? -1 : 0;
}

int64_t
cluster_members_have(const struct cluster_view *view)
{
    size_t n = shash_count(&view->members);
    int64_t *have = xmalloc(MAX(n, 1) * sizeof *have);
    const struct shash_node *node;
    int64_t result;
    size_t i = 0;

    SHASH_FOR_EACH (node, &view->members) {
        const struct cluster_member *member = node->data;

        have[i++] = member->applied;
    }
    qsort(have, n, sizeof *have, compare_down);
    result = n ? have[n / 2] : 0;
    free(have);
    return result;
}

/* Returns true if what the list says, which comes from outside, may be given
 * to a host. */
static bool
is_target(const char *target)
{
    return (strlen(target) <= TARGET_MAX
            && (!strncmp(target, "tcp:", 4) || !strncmp(target, "ssl:", 4)
                || !strncmp(target, "unix:", 5))
            && !target[strspn(target, "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              ":./[]%_-")]);
}

void
cluster_get_controllers(const struct cluster *c, struct svec *targets)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &view->members) {
        const struct cluster_member *member = node->data;

        if (strcmp(member->name, c->options->name)
            && is_target(member->openflow) && targets->n < TARGETS_MAX) {
            svec_add(targets, member->openflow);
        }
    }
    svec_sort_unique(targets);
}

/* Says once of which members hosts that dial are not told, if this one wants
 * them to be. */
static void
say_untold(struct cluster *c, const struct svec *untold)
{
    char *names = svec_join(untold, ", ", "");

    if (c->options->ovsdb && *names
        && !nullable_string_is_equal(c->untold, names)) {
        VLOG_WARN("hosts that dial are not told of %s, which do not say where "
                  "they listen for these: no member that leaves is taken "
                  "from hosts", names);
    }
    free(c->untold);
    c->untold = names;
}

bool
cluster_get_managers(struct cluster *c, struct svec *targets)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    struct svec untold = SVEC_EMPTY_INITIALIZER;
    const struct shash_node *node;
    bool all;

    SHASH_FOR_EACH (node, &view->members) {
        const struct cluster_member *member = node->data;
        char *target = ovsdb_target_normalize(member->ovsdb);

        if (!strcmp(member->name, c->options->name)) {
            free(target);
        } else if (target && targets->n < TARGETS_MAX) {
            svec_add_nocopy(targets, target);
        } else {
            free(target);
            svec_add(&untold, member->name);
        }
    }
    svec_sort_unique(targets);
    svec_sort(&untold);
    all = !untold.n;
    say_untold(c, &untold);
    svec_destroy(&untold);
    return all;
}
