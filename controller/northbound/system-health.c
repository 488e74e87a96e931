/* SPDX-License-Identifier: Apache-2.0
 *
 * Problems, and the state of health that follows from them: one rule for GET
 * /v1/status, vmnctl's exit status, the page and /metrics.  Not for the probes
 * of balancers' backends (controller/health), nor for the liveness of the
 * process (api-status.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/engine/builtin-app.h"
#include "controller/engine/packet-handler.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/flow/pipeline.h"
#include "controller/northbound/conditions.h"
#include "controller/northbound/metrics-object-states.h"
#include "controller/northbound/metrics.h"
#include "controller/paths/paths.h"
#include "controller/schema/arena.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

/* Maximum number of hosts that a reason names. */
#define NAMED_MAX 3

/* Problems.  ------------------------------------------------------------- */

static void
add_store_problem(const struct northbound *nb, struct nb_problems *problems)
{
    const char *error = commit_store_error(nb->commit);
    struct store_stats stats;

    /* The next change will show it, which may be hours away. */
    if (!error && nb->cluster && !nb->following
        && !cluster_is_connected(nb->cluster)) {
        error = "the cluster's database cannot be reached, or most of its "
                "servers are gone";
    }
    if (error) {
        nb_problems_add(problems, "store", "changes cannot be stored: %s",
                        error);
        return;
    }
    nb->store_class->get_stats(nb->store, &stats);
    if (stats.corrupt) {
        nb_problems_add(problems, "store", "changes cannot be stored: the "
                        "database is corrupt");
    }
}

/* Adds the app if it is disabled, and no packet passes without it. */
static void
add_closed_app(const struct northbound *nb, const char *name,
               struct nb_problems *problems)
{
    const char *stage = builtin_closed_stage(nb->engine, name);

    if (stage) {
        nb_problems_add(problems, "app", "app %s is disabled: hosts drop all "
                        "packets of VMs, as none passes its stage %s (vmnctl "
                        "app enable %s)", name, stage, name);
    }
}

/* Adds the apps that are suspended or absent and are to compute something:
 * what they have computed before stays in effect. */
static void
add_app_problems(const struct northbound *nb, struct nb_problems *problems)
{
    const struct pipeline *pipeline = apphost_pipeline(nb->apphost);

    for (size_t i = 0; pipeline && i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];
        const char *name = app->class_->name;
        const struct vmn_app_row *row = model_get_durable(
            nb->model, VMN_TABLE_APP, name, NULL);
        struct status_app status;

        if (!app->removed && row && !row->enabled) {
            add_closed_app(nb, name, problems);
        }
        if (app->removed || !row || !row->enabled
            || !(app->worker || app->absent)
            || !engine_app_status(nb->engine, name, problems->arena,
                                  &status)) {
            continue;
        }
        if (!strcmp(status.worker->state, "suspended")
            || !strcmp(status.worker->state, "absent")) {
            nb_problems_add(problems, "app", "app %s is %s: %s%s%s%s", name,
                            status.worker->state,
                            app->worker ? "its process " : "",
                            status.worker->failure
                            ? status.worker->failure : "has ended",
                            app->worker ? "; load another version, or run "
                            "ovs-appctl -t vmnd apps/resume " : "",
                            app->worker ? name : "");
        }
    }
}

/* For how long a handler that has failed is a problem. */
#define HANDLER_MS (5 * 60 * 1000)

static void
add_handler_problems(const struct northbound *nb, struct nb_problems *problems)
{
    int64_t now = time_wall_msec();

    for (size_t i = 0; i < engine_n_handlers(nb->engine); i++) {
        const struct engine_handler *handler = engine_get_handler(nb->engine,
                                                                  i);

        if (handler->failure && !handler->gone
            && now - handler->failed_ms < HANDLER_MS) {
            nb_problems_add(problems, "failed", "handler %s has not answered "
                            "%"PRIu64" packets since its app was loaded, "
                            "the last one less than 5 minutes ago: %s",
                            handler->name,
                            handler->n_failed, handler->failure);
        }
    }
}

/* Of a file system, as in VmnDiskFilling. */
#define DISK_FREE_PERCENT 10

static void
add_disk_problem(struct nb_problems *problems, const char *of,
                 uint64_t n_free, uint64_t size)
{
    if (size && n_free < size / 100 * DISK_FREE_PERCENT) {
        nb_problems_add(problems, "disk", "the file system of %s has %"PRIu64
                        " MiB free, less than %d %%: once it is full, changes "
                        "are rejected", of, n_free >> 20, DISK_FREE_PERCENT);
    }
}

static void
add_disk_problems(const struct northbound *nb, struct nb_problems *problems)
{
    struct store_stats stats;
    uint64_t n_free, size;

    nb->store_class->get_stats(nb->store, &stats);
    add_disk_problem(problems, "the database", stats.disk_free,
                     stats.disk_size);
    if (nb->cluster && cluster_get_disk(nb->cluster, &n_free, &size)) {
        add_disk_problem(problems, "the cluster's database", n_free, size);
    }
}

/* How old a revision is that a connected host lacks until that is a problem:
 * as in VmnInstallLagging. */
#define LAG_MS (30 * 1000)

static void
add_lag_problems(const struct northbound *nb, struct nb_problems *problems)
{
    struct fabric_behind *list;
    size_t n = fabric_behind(nb->fabric, problems->arena, &list);

    for (size_t i = 0; i < n && list[i].lag.ms > LAG_MS; i++) {
        if (!strcmp(list[i].state, "synced")) {
            nb_problems_add(problems, "lag", "host %s has not acknowledged a "
                            "revision for %"PRIu64" s: it has older flows",
                            list[i].host, list[i].lag.ms / 1000);
        }
    }
    free(list);
}

/* States of a path that are problems, the worst first. */
static const struct bad_path {
    enum path_state state;
    const char *one, *several;  /* What follows "path" and "paths". */
} bad_paths[] = {
    { PATH_DOWN, "is down", "are down" },
    { PATH_MTU, "has too small an MTU", "have too small an MTU" },
    { PATH_LOSSY, "loses packets", "lose packets" },
};

/* A paths_each_cb: finds the first path in the state of '*found'. */
static bool
find_path(void *found_, const struct paths_path *path)
{
    struct paths_path *found = found_;

    if (path->state == found->state) {
        *found = *path;
    }
    return !found->host;
}

/* Adds that 'n' paths are bad in this way. */
static void
add_path_problem(const struct northbound *nb, const struct bad_path *bad,
                 uint64_t n, struct nb_problems *problems)
{
    struct paths_path first = { .state = bad->state };
    const char *all = (n == 1 ? "" : arena_printf(
                           problems->arena, "%"PRIu64" paths between hosts "
                           "%s; the first: ", n, bad->several));

    paths_each(nb->paths, NULL, find_path, &first);
    if (first.host) {
        nb_problems_add(problems, "paths", "%sthe path between hosts %s and "
                        "%s %s%s%s (vmnctl paths)", all, first.host,
                        first.peer, bad->one, first.reason[0] ? ": " : "",
                        first.reason);
    }
}

static void
add_path_problems(const struct northbound *nb, struct nb_problems *problems)
{
    struct paths_stats stats;

    if (nb->paths) {
        paths_get_stats(nb->paths, &stats);
        for (size_t i = 0; i < ARRAY_SIZE(bad_paths); i++) {
            uint64_t n = stats.n[bad_paths[i].state];

            if (n) {
                add_path_problem(nb, &bad_paths[i], n, problems);
            }
        }
    }
}

/* Batches that a member of the cluster may lack: as in
 * VmnClusterMemberBehind. */
#define BEHIND_MAX 500

/* Adds the members of the cluster that are away, or cannot take over. */
static void
add_member_problems(const struct northbound *nb, struct nb_problems *problems)
{
    struct status_cluster status;

    if (!nb->cluster || nb->following) {
        return;
    }
    cluster_get_status(nb->cluster, problems->arena, &status);
    for (size_t i = 0; i < status.n_members; i++) {
        const struct status_cluster_member *member = &status.members[i];

        if (!strcmp(member->role, "away")) {
            nb_problems_add(problems, "members", "member %s of the cluster is "
                            "away", member->name);
        } else if (member->behind > BEHIND_MAX) {
            nb_problems_add(problems, "members", "member %s of the cluster "
                            "lacks %"PRId64" batches, and cannot take over",
                            member->name, member->behind);
        }
        if (member->database_disk > 100 - DISK_FREE_PERCENT
            && strcmp(member->name, status.member)) {
            nb_problems_add(problems, "disk", "the file system of the "
                            "cluster's database is %"PRId64" %% full at "
                            "member %s", member->database_disk, member->name);
        }
    }
}

static void
add_guest_problem(const struct northbound *nb, struct nb_problems *problems)
{
    uint64_t n[HEALTH_MONITOR_N_STATES];

    health_count_monitored(nb->health, n);
    if (n[HEALTH_MONITOR_DOWN]) {
        nb_problems_add(problems, "guests", "guests of %"PRIu64" monitored "
                        "port%s do not answer (vmnctl get monitors)",
                        n[HEALTH_MONITOR_DOWN],
                        n[HEALTH_MONITOR_DOWN] == 1 ? "" : "s");
    }
}

/* Open file descriptors, as in VmnFileDescriptorsLow. */
#define FILES_PERCENT 80

static void
add_files_problem(struct nb_problems *problems)
{
    unsigned long long max;
    long long n = metrics_count_files(&max);

    if (max && n > (double) max / 100 * FILES_PERCENT) {
        nb_problems_add(problems, "files", "%lld of %llu file descriptors are "
                        "open (LimitNOFILE of vmnd.service)", n, max);
    }
}

void
nb_find_problems(const struct northbound *nb,
                 const struct engine_problems *found,
                 const struct object_states *states,
                 struct nb_problems *problems)
{
    add_store_problem(nb, problems);
    add_app_problems(nb, problems);
    for (size_t i = 0; i < found->n; i++) {
        nb_problems_append(problems, &found->problems[i]);
    }
    add_handler_problems(nb, problems);
    nb_certificates_add_problems(nb, problems);
    add_disk_problems(nb, problems);
    add_lag_problems(nb, problems);
    add_path_problems(nb, problems);
    add_member_problems(nb, problems);
    add_guest_problem(nb, problems);
    add_files_problem(problems);
    nb_add_quota_problems(nb, problems);
    object_states_add_problems(states, problems);
}

/* State of health.  ------------------------------------------------------- */

enum health_state { HEALTH_OK, HEALTH_DEGRADED, HEALTH_FAILING };
static const char *const health_states[] = {
    [HEALTH_OK] = "ok", [HEALTH_DEGRADED] = "degraded",
    [HEALTH_FAILING] = "failing", NULL,
};

/* All but "starting", "writer" and "hosts" are kinds of problems. */
static const struct {
    const char *name;
    enum health_state state;
} reasons[] = {
#define CONDITION(NAME, STATE, CRITICAL, WARNING) { NAME, HEALTH_##STATE },
    NB_CONDITIONS(CONDITION)
#undef CONDITION
};
#define N_REASONS ARRAY_SIZE(reasons)

/* Returns the detail of the problems of this kind, in the arena of 'problems';
 * NULL if there are none. */
static const char *
count_problems(const struct nb_problems *problems, const char *kind)
{
    const struct engine_problem *first = NULL;
    size_t n = 0;

    for (size_t i = 0; i < problems->n; i++) {
        if (!strcmp(problems->problems[i].kind, kind)) {
            first = first ? first : &problems->problems[i];
            n++;
        }
    }
    return (n > 1 ? arena_printf(problems->arena, "%"PRIuSIZE" problems; the "
                                 "first: %s", n, first->detail)
            : n ? first->detail : NULL);
}

/* The same for hosts that are not synced. */
static const char *
count_hosts(const struct nb_health_facts *facts, struct arena *arena)
{
    uint64_t n = facts->hosts.configured - facts->hosts.lost;
    uint64_t n_unsynced = n - MIN(n, facts->hosts.synced);

    return (!n_unsynced ? NULL
            : !facts->hosts.connected
            ? arena_printf(arena, "none of %"PRIu64" host%s is connected: %s",
                           n, n == 1 ? "" : "s", facts->unsynced)
            : arena_printf(arena, "%"PRIu64" of %"PRIu64" hosts %s not "
                           "synced: %s", n_unsynced, n,
                           n_unsynced == 1 ? "is" : "are", facts->unsynced));
}

/* Returns the detail of reason 'i', or NULL if it does not apply.  Sets
 * '*state' to the state that it implies. */
static const char *
find_reason(size_t i, const struct nb_health_facts *facts,
         const struct nb_problems *problems, enum health_state *state)
{
    const char *name = reasons[i].name;

    *state = reasons[i].state;
    if (!strcmp(name, "starting")) {
        return (facts->ready ? NULL
                : "the state is not loaded and compiled yet");
    } else if (!strcmp(name, "writer")) {
        return facts->lost_writer;
    } else if (!strcmp(name, "hosts")) {
        if (!facts->hosts.connected) {
            *state = HEALTH_FAILING;
        }
        return count_hosts(facts, problems->arena);
    }
    return count_problems(problems, name);
}

void
nb_judge_health(const struct nb_health_facts *facts,
                const struct nb_problems *problems, struct nb_health *health)
{
    enum health_state worst = HEALTH_OK;

    *health = (struct nb_health) {
        .reasons = arena_alloc(problems->arena,
                               N_REASONS * sizeof *health->reasons),
    };
    for (int of = HEALTH_FAILING; of > HEALTH_OK; of--) {
        for (size_t i = 0; i < N_REASONS; i++) {
            enum health_state state;
            const char *detail = find_reason(i, facts, problems, &state);

            if (detail && state == (enum health_state) of) {
                worst = MAX(worst, state);
                health->reasons[health->n_reasons++]
                    = (struct nb_health_reason) {
                        reasons[i].name, health_states[state], detail,
                    };
            }
        }
    }
    health->state = health_states[worst];
}

/* Facts.  ---------------------------------------------------------------- */

struct nb_host_counts
nb_count_hosts(const struct northbound *nb)
{
    struct fabric_stats stats;

    fabric_get_stats(nb->fabric, &stats);
    return (struct nb_host_counts) {
        .configured = stats.n_hosts, .connected = stats.n_heard,
        .synced = stats.n_synced, .lost = stats.n_lost,
    };
}

/* Returns the names of the first hosts that are not synced, and the number of
 * the others; in 'arena'. */
static const char *
name_unsynced(const struct northbound *nb, struct arena *arena)
{
    struct svec hosts = SVEC_EMPTY_INITIALIZER;
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *text;

    fabric_unsynced_hosts(nb->fabric, &hosts);
    for (size_t i = 0; i < MIN(hosts.n, NAMED_MAX); i++) {
        ds_put_format(&ds, "%s%s", i ? ", " : "", hosts.names[i]);
    }
    if (hosts.n > NAMED_MAX) {
        ds_put_format(&ds, " and %"PRIuSIZE" more", hosts.n - NAMED_MAX);
    }
    text = arena_strdup(arena, ds_cstr(&ds));
    ds_destroy(&ds);
    svec_destroy(&hosts);
    return text;
}

void
nb_find_health(const struct northbound *nb,
               const struct nb_problems *problems, struct nb_health *health)
{
    struct nb_health_facts facts = {
        .ready = nb->ready, .hosts = nb_count_hosts(nb), .unsynced = "",
        .lost_writer = (nb->following
                        ? "this member hears no writer of the cluster: "
                          "changes wait for one, and the state that it shows "
                          "may be old" : NULL),
    };

    if (facts.hosts.synced + facts.hosts.lost < facts.hosts.configured) {
        facts.unsynced = name_unsynced(nb, problems->arena);
    }
    nb_judge_health(&facts, problems, health);
}

/* Metrics.  -------------------------------------------------------------- */

static bool
has_reason(const struct nb_health *health, const char *name)
{
    for (size_t i = 0; i < health->n_reasons; i++) {
        if (!strcmp(health->reasons[i].reason, name)) {
            return true;
        }
    }
    return false;
}

/* Uses the overlaps that the engine found last: to search for them again takes
 * long after a change. */
void
metrics_append_system_health(const struct northbound *nb,
                             const struct object_states *states,
                             struct ds *ds)
{
    struct arena arena;
    struct nb_problems problems = { .arena = &arena };
    struct engine_problems *found = engine_known_problems(nb->engine);
    struct nb_health health;

    arena_init(&arena);
    nb_find_problems(nb, found, states, &problems);
    nb_find_health(nb, &problems, &health);
    metrics_family(ds, "vmn_health", "gauge", "1 for the state of health in "
                                              "GET /v1/status, 0 for the "
                                              "others.");
    for (size_t i = 0; health_states[i]; i++) {
        ds_put_format(ds, "vmn_health{state=\"%s\"} %d\n",
                      health_states[i],
                      !strcmp(health_states[i], health.state));
    }
    metrics_family(ds, "vmn_health_reason", "gauge",
                   "1 for each reason why the state of health is not ok.");
    for (size_t i = 0; i < N_REASONS; i++) {
        ds_put_format(ds, "vmn_health_reason{reason=\"%s\"} %d\n",
                      reasons[i].name, has_reason(&health, reasons[i].name));
    }
    free(problems.problems);
    engine_problems_destroy(found);
    arena_uninit(&arena);
}
