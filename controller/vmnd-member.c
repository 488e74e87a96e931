/* SPDX-License-Identifier: Apache-2.0
 *
 * A vmnd that is a member of a cluster: it follows the writer until it becomes
 * it.  Not for how members agree on who that is (controller/cluster). */

#include <config.h>

#include "controller/vmnd.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster-reach.h"
#include "controller/cluster/cluster.h"
#include "controller/commit/commit.h"
#include "controller/fabric/fabric-counter-reports.h"
#include "controller/fabric/fabric-faults.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric.h"
#include "controller/model/model.h"
#include "controller/northbound/northbound.h"
#include "controller/schema/arena.h"
#include "controller/service-notify.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "util.h"

/* The other members, as hosts are told of them.  ------------------------- */

struct others {
    struct svec controllers, managers;
    struct fabric_others told;  /* Points to these. */
};

static void
get_others(const struct vmnd *vmnd, struct others *others)
{
    struct store_place place;

    svec_init(&others->controllers);
    svec_init(&others->managers);
    others->told = (struct fabric_others) {
        .controllers = &others->controllers,
        .managers = &others->managers,
    };
    vmnd->store_class->get_place(vmnd->store, &place);
    others->told.cluster = place.cluster;
    cluster_get_controllers(vmnd->cluster, &others->controllers);
    others->told.all_managers = cluster_get_managers(vmnd->cluster,
                                                     &others->managers);
}

static void
others_uninit(struct others *others)
{
    svec_destroy(&others->controllers);
    svec_destroy(&others->managers);
}

/* What the cluster decides.  --------------------------------------------- */

static void
activate_cb(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;
    struct others others;

    model_skip_revisions(vmnd->model, vmnd->first_revision);
    commit_lead(vmnd->commit);
    vmnd->leads = true;
    get_others(vmnd, &others);
    fabric_lead(vmnd->fabric, vmnd->epoch, cluster_generation(vmnd->cluster),
                &others.told);
    others_uninit(&others);
    vmnd_start_active(vmnd);
    cluster_relay_to_self(vmnd->cluster);
}

/* What was loaded at the start is compiled. */
static void
following_cb(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    northbound_set_ready(vmnd->northbound, true);
}

/* Has the next turn activate it: this one is the commit's fiber's, or the
 * cluster's task's, and what that would wait for by poll_fd_wait() would be
 * mixed up with what the rooms ask for, such as listeners of OVSDB. */
static void
compiled_cb(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    loop_defer(&vmnd->activation);
}

/* Waits until what was loaded at the start is compiled; all else is. */
static void
activated_cb(void *vmnd_, uint64_t revision, int64_t epoch)
{
    struct vmnd *vmnd = vmnd_;

    vmnd->epoch = epoch;
    vmnd->first_revision = revision;
    commit_when_quiescent(vmnd->commit, compiled_cb, vmnd);
}

void
vmnd_cancel_activation(struct vmnd *vmnd)
{
    commit_cancel_when_quiescent(vmnd->commit, following_cb, vmnd);
    commit_cancel_when_quiescent(vmnd->commit, compiled_cb, vmnd);
    loop_deferred_cancel(&vmnd->activation);
}

static void
hands_over_cb(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    if (vmnd->northbound) {
        northbound_hand_over(vmnd->northbound);
    }
}

static bool
has_told_cb(void *vmnd_, const char *member)
{
    const struct vmnd *vmnd = vmnd_;

    return !vmnd->northbound || northbound_has_told(vmnd->northbound, member);
}

static void
deposed_cb(void *vmnd_, const char *why OVS_UNUSED)
{
    struct vmnd *vmnd = vmnd_;

    vmnd->deposed = true;
    vmnd_cancel_activation(vmnd);
    northbound_retire(vmnd->northbound);
    loop_exit(vmnd->loop);
}

static void
apply_cb(void *vmnd_, const char *text, int64_t index,
         cluster_applied_cb *done, void *aux)
{
    struct vmnd *vmnd = vmnd_;

    commit_apply_batch(vmnd->commit, text, index, done, aux);
}

/* Faults of hosts, from the fabric to the cluster and back.  */

struct own_faults {
    size_t n;
    struct cluster_fault faults[CLUSTER_FAULTS_MAX];
};

static void
own_fault_cb(void *own_, const struct fabric_fault *fault)
{
    struct own_faults *own = own_;

    if (own->n < CLUSTER_FAULTS_MAX) {
        own->faults[own->n++] = (struct cluster_fault) {
            .host = fault->host, .acked = fault->acked,
            .revision = fault->revision, .reason = fault->reason,
        };
    }
}

static char *
get_faults_cb(void *vmnd_)
{
    const struct vmnd *vmnd = vmnd_;
    struct own_faults *own = xmalloc(sizeof *own);
    char *text;

    own->n = 0;
    fabric_each_fault(vmnd->fabric, own_fault_cb, own);
    text = cluster_faults_print(own->faults, own->n);
    free(own);
    return text;
}

struct names {
    struct ds text;             /* With spaces between. */
    size_t n;
};

static void
add_name(void *names_, const char *host)
{
    struct names *names = names_;

    if (names->n < REACH_HOSTS_MAX) {
        ds_put_format(&names->text, "%s%s", names->n++ ? " " : "", host);
    }
}

static bool
add_unseen(void *names, const char *host)
{
    add_name(names, host);
    return true;
}

static char *
get_unreachable_cb(void *vmnd_)
{
    const struct vmnd *vmnd = vmnd_;
    struct names names = { .text = DS_EMPTY_INITIALIZER };

    fabric_each_unreachable(vmnd->fabric, REACH_SAID_MS, add_name, &names);
    return ds_steal_cstr(&names.text);
}

static char *
get_unseen_cb(void *vmnd_)
{
    const struct vmnd *vmnd = vmnd_;
    struct names names = { .text = DS_EMPTY_INITIALIZER };

    fabric_each_unseen(vmnd->fabric, REACH_SAID_MS, add_unseen, &names);
    return ds_steal_cstr(&names.text);
}

static char *
get_rejected_cb(void *vmnd_)
{
    const struct vmnd *vmnd = vmnd_;
    struct names names = { .text = DS_EMPTY_INITIALIZER };

    fabric_each_rejected(vmnd->fabric, add_name, &names);
    return ds_steal_cstr(&names.text);
}

static void
probe_cb(void *vmnd_, const char *host)
{
    const struct vmnd *vmnd = vmnd_;

    fabric_probe_observed(vmnd->fabric, host);
}

/* What has just become unreachable may be so to this member, too, which has
 * not noticed: its connections break at times of their own. */
static void
heed_unreachable(struct vmnd *vmnd)
{
    uint64_t seq = cluster_unreachable_seq(vmnd->cluster);

    if (vmnd->unreachable_seq != seq) {
        vmnd->unreachable_seq = seq;
        cluster_each_unreachable(vmnd->cluster, probe_cb, vmnd);
    }
}

/* Counters of hosts, which each member reads of those that it manages. */

struct managed_by {
    const struct cluster *cluster;
    const char *member;
};

static bool
is_managed_cb(void *by_, const char *host)
{
    const struct managed_by *by = by_;
    const char *manager = cluster_host_manager(by->cluster, host);

    return manager && !strcmp(manager, by->member);
}

static char *
ask_counters_cb(void *vmnd_, const char *member)
{
    const struct vmnd *vmnd = vmnd_;
    struct managed_by by = { vmnd->cluster, member };

    return (vmnd->active ? fabric_ask_counters(vmnd->fabric, member,
                                               is_managed_cb, &by) : NULL);
}

static const char *
take_counters_cb(void *vmnd_, const char *member, const void *answer,
                 size_t size, int64_t asked_ms, bool *more)
{
    const struct vmnd *vmnd = vmnd_;
    struct managed_by by = { vmnd->cluster, member };

    return fabric_take_counters(vmnd->fabric, member, answer, size, asked_ms,
                                is_managed_cb, &by, more);
}

/* Events, which the writer tells each member. */

static char *
ask_events_cb(void *vmnd_, int64_t epoch)
{
    const struct vmnd *vmnd = vmnd_;

    return (vmnd->northbound && !vmnd->epoch
            ? northbound_ask_events(vmnd->northbound, epoch) : NULL);
}

static const char *
take_events_cb(void *vmnd_, const void *answer, size_t size, bool *more)
{
    const struct vmnd *vmnd = vmnd_;

    return northbound_take_events(vmnd->northbound, answer, size, more);
}

static void
lack_events_cb(void *vmnd_)
{
    const struct vmnd *vmnd = vmnd_;

    if (vmnd->northbound) {
        northbound_lack_events(vmnd->northbound);
    }
}

/* Probes, which each member sends to its hosts. */

static const char *
manager_cb(void *vmnd_, const char *host)
{
    const struct vmnd *vmnd = vmnd_;

    return (cluster_manages_host(vmnd->cluster, host) ? NULL
            : cluster_host_manager(vmnd->cluster, host));
}

static char *
ask_probes_cb(void *vmnd_, const char *member)
{
    const struct vmnd *vmnd = vmnd_;

    return health_ask_probes(vmnd->health, member);
}

static const char *
take_probes_cb(void *vmnd_, const char *member, const void *answer,
               size_t size, int64_t asked_ms, bool *more)
{
    const struct vmnd *vmnd = vmnd_;

    return health_take_probes(vmnd->health, member, answer, size, asked_ms,
                              more);
}

/* Paths, which each member measures from its hosts. */

static char *
ask_paths_cb(void *vmnd_, const char *member)
{
    const struct vmnd *vmnd = vmnd_;

    return paths_ask(vmnd->paths, member);
}

static const char *
take_paths_cb(void *vmnd_, const char *member, const void *answer,
              size_t size, int64_t asked_ms OVS_UNUSED, bool *more)
{
    const struct vmnd *vmnd = vmnd_;

    return paths_take(vmnd->paths, member, answer, size, more);
}

struct others_faults {
    struct arena arena;
    size_t n, allocated;
    struct fabric_fault *faults; /* With strings in 'arena'. */
};

static void
others_fault_cb(void *all_, const struct cluster_fault *fault)
{
    struct others_faults *all = all_;

    if (all->n >= all->allocated) {
        all->faults = x2nrealloc(all->faults, &all->allocated,
                                 sizeof *all->faults);
    }
    all->faults[all->n++] = (struct fabric_fault) {
        .host = arena_strdup(&all->arena, fault->host),
        .acked = fault->acked, .revision = fault->revision,
        .reason = arena_strdup(&all->arena, fault->reason),
    };
}

/* They are also of hosts that were not there yet when the others said so. */
static void
heed_faults(struct vmnd *vmnd)
{
    uint64_t seq = (cluster_faults_seq(vmnd->cluster)
                    + cluster_generation(vmnd->cluster)
                    + model_names(vmnd->model, VMN_TABLE_HOST).n);
    struct others_faults all = { .n = 0 };

    if (vmnd->faults_seq == seq) {
        return;
    }
    vmnd->faults_seq = seq;
    arena_init(&all.arena);
    cluster_each_fault(vmnd->cluster, others_fault_cb, &all);
    fabric_set_faults(vmnd->fabric, all.faults, all.n);
    free(all.faults);
    arena_uninit(&all.arena);
}

/* Before hosts have reported what there is on them, others must not manage
 * them by what they know. */
static void
share_hosts(struct vmnd *vmnd)
{
    if (vmnd->ready && !fabric_is_gathering(vmnd->fabric)) {
        cluster_share_hosts(vmnd->cluster);
    }
}

static void
seen_cb(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    if (vmnd->active) {
        struct others others;

        get_others(vmnd, &others);
        fabric_set_others(vmnd->fabric, &others.told);
        others_uninit(&others);
    }
    /* Until it leads, nothing changes for the next writer. */
    if (!vmnd->epoch || vmnd->leads) {
        fabric_set_shares(vmnd->fabric, cluster_generation(vmnd->cluster),
                          cluster_has_caught_up(vmnd->cluster));
        health_set_shares(vmnd->health, cluster_generation(vmnd->cluster));
        paths_set_shares(vmnd->paths, cluster_generation(vmnd->cluster));
    }
    heed_faults(vmnd);
    heed_unreachable(vmnd);
    share_hosts(vmnd);
}

bool
vmnd_manages_host(void *vmnd_, const char *host)
{
    const struct vmnd *vmnd = vmnd_;

    return ((!vmnd->epoch || vmnd->leads)
            && cluster_manages_host(vmnd->cluster, host));
}

static int64_t
count_hosts_cb(void *vmnd_)
{
    const struct vmnd *vmnd = vmnd_;

    return fabric_n_managed(vmnd->fabric);
}

void
vmnd_start_standby(struct vmnd *vmnd)
{
    static const struct health_sharing sharing = { .manager = manager_cb };
    static const struct paths_sharing paths = { .manager = manager_cb };
    static const struct cluster_callbacks callbacks = {
        .apply = apply_cb, .seen = seen_cb,
        .count_hosts = count_hosts_cb, .get_faults = get_faults_cb,
        .get_unreachable = get_unreachable_cb,
        .get_unseen = get_unseen_cb,
        .get_rejected = get_rejected_cb,
        .ask_counters = ask_counters_cb,
        .take_counters = take_counters_cb,
        .ask_events = ask_events_cb, .take_events = take_events_cb,
        .lack_events = lack_events_cb,
        .ask_probes = ask_probes_cb,
        .take_probes = take_probes_cb,
        .ask_paths = ask_paths_cb, .take_paths = take_paths_cb,
        .activated = activated_cb, .hands_over = hands_over_cb,
        .has_told = has_told_cb, .deposed = deposed_cb,
    };
    const struct options *options = &vmnd->options;
    struct vmn_error why = VMN_ERROR_INIT;
    int error;

    loop_deferred_init(&vmnd->activation, vmnd->loop, activate_cb, vmnd);
    vmnd->cluster_options = (struct cluster_options) {
        .name = options->cluster_member,
        .remote = options->cluster_db,
        .database_dir = options->cluster_db_dir,
        .state = options->state,
        .lease_ms = options->cluster_lease_ms,
        .weight = options->cluster_weight_n,
        .address = options->api_listen ? options->api_listen : "",
        .openflow = options->openflow_target,
        .ovsdb = options->ovsdb_target,
        .listen = (options->cluster_listen
                   ? options->cluster_listen + strlen("ssl:") : NULL),
        .private_key = options->cluster_private_key,
        .certificate = options->cluster_certificate,
        .ca_cert = options->cluster_ca_cert,
    };
    vmnd->cluster = cluster_create(vmnd->loop, &vmnd->cluster_options,
                                   vmnd->store_class, vmnd->store,
                                   vmnd->model, &callbacks, vmnd);
    cluster_unixctl_init(vmnd->cluster);
    vmnd_start_fabric(vmnd, true);
    vmnd_start_health(vmnd, &sharing);
    vmnd_start_paths(vmnd, &paths);
    error = cluster_open_relay(vmnd->cluster, options->host_ca_cert,
                               options->api_ca_cert, &why);
    vmnd_die_of(error, "cannot serve the API", why.text);
    vmnd_start_northbound(vmnd, true);
    commit_when_quiescent(vmnd->commit, following_cb, vmnd);
    service_notify("READY=1\nSTATUS=standing by");
}
