/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/advice/placement: which VMs to move so that fewer bytes go from host
 * to host, of those that were counted (GET /v1/traffic).  It moves none.
 *
 * An account with a scope is advised on its own ports alone, among the hosts
 * that they are on; others' ports do not matter to it in any way, so it learns
 * nothing of them.  Not for what VMs are and what binds them (placed-vms.c),
 * nor for how moves are found (controller/advice). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-counters.h"
#include "controller/northbound/auth.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/packet-scope.h"
#include "controller/northbound/placed-vms.h"
#include "controller/northbound/replies.h"
#include "controller/schema/error.h"
#include "controller/schema/selector.h"
#include "controller/schema/value.h"
#include "proto/loop/loop.h"
#include "util.h"

#define CAPACITY_MAX 100000
#define MOVES_MAX 1000
#define MOVES_DEFAULT 100
/* Of a slice. */
#define STEPS 5000
/* Advice that is worked out at a time: each may take a second of CPU and tens
 * of MB.  One is left to those who may see all. */
#define TASKS_MAX 3

enum stage { READ_HOSTS, READ_PORTS, READ_PAIRS, BEGIN, SEARCH };

struct task {
    struct ovs_list node;       /* In 'placements'. */
    char *who;                  /* The account, of one that is limited. */
    struct http_request *req;
    struct placed_vms vms;
    enum stage stage;
    int64_t since_ms;
    uint64_t capacity;          /* 0: as many as any host has, once these
                                 * are read. */
    const char *capacity_label; /* Or NULL. */
    bool has_capacity_label;    /* A host has it. */
    const struct vmn_selector *host_selector; /* Or NULL. */
    struct advice_request request;
    struct advice *advice;
};

static void
task_destroy(void *task_)
{
    struct task *task = task_;

    ovs_list_remove(&task->node);
    advice_destroy(task->advice);
    placed_vms_uninit(&task->vms);
    free(task->who);
    free(task);
}

/* Sets for how many VMs the host has places to what a label says, if it has
 * it. */
static bool
judge_host(void *task_, const struct vmn_host *row, uint64_t *vms)
{
    struct task *task = task_;
    const char *text = (task->capacity_label
                        ? vmn_labels_get(&row->labels, task->capacity_label)
                        : NULL);
    uint64_t number = 0;
    bool valid = !text || nb_parse_number(text, &number);

    task->has_capacity_label |= text != NULL;
    if (text && valid) {
        *vms = MIN(number, CAPACITY_MAX);
    }
    return (valid
            && (!task->host_selector
                || vmn_selector_matches(task->host_selector, &row->labels)));
}

/* The work.  -------------------------------------------------------------- */

/* What VMs that migrate to the host need is not there for others. */
static void
take_coming(struct advice_host *host, const uint64_t *coming)
{
    for (int kind = 0; kind < ADVICE_N_KINDS; kind++) {
        if (host->capacity[kind] != UINT64_MAX) {
            host->capacity[kind] -= MIN(coming[kind], host->capacity[kind]);
        }
    }
}

/* Hosts have room for as many VMs as their label says, or they, or the
 * request; or, if nothing is known of what they have, as the one has that has
 * most. */
static void
finish_hosts(struct task *task)
{
    struct placed_vms *vms = &task->vms;
    bool asked = task->capacity;
    size_t most = 0;

    for (size_t i = 0; i < vms->n_hosts; i++) {
        most = MAX(most, vms->hosts[i].n_vms);
    }
    task->capacity = task->capacity ? task->capacity : most;
    for (size_t i = 0; i < vms->n_hosts; i++) {
        struct advice_host *host = &vms->advice_hosts[i];

        /* An account with a scope is told of no host that it has nothing
         * on. */
        host->target &= !vms->rights || vms->hosts[i].n_vms;
        if (host->capacity[ADVICE_VMS] == UINT64_MAX
            && (asked || !vms->hosts[i].has_capacity)) {
            host->capacity[ADVICE_VMS] = task->capacity;
        }
        take_coming(host, vms->hosts[i].coming);
    }
}

static void
begin(struct task *task)
{
    const struct placed_vms *vms = &task->vms;
    struct advice_request *r = &task->request;

    finish_hosts(task);
    r->n_hosts = vms->n_hosts;
    r->hosts = vms->advice_hosts;
    r->n_vms = vms->n_vms;
    r->vms = vms->advice_vms;
    r->n_pairs = vms->n_pairs;
    r->pairs = vms->pairs;
    task->advice = advice_create(r);
}

/* One part of it.  Returns true once all is done. */
static bool
task_work(struct task *task)
{
    switch (task->stage) {
    case READ_HOSTS:
        task->stage += placed_vms_read_hosts(&task->vms, judge_host, task);
        return false;
    case READ_PORTS:
        task->stage += placed_vms_read_ports(&task->vms);
        return false;
    case READ_PAIRS:
        placed_vms_read_pairs(&task->vms, task->since_ms);
        task->stage++;
        return false;
    case BEGIN:
        begin(task);
        task->stage++;
        return false;
    case SEARCH:
        break;
    }
    return advice_run(task->advice, STEPS);
}

static bool
task_read(void *task_)
{
    struct task *task = task_;
    const struct loop *loop = task->vms.nb->loop;

    while (!task_work(task)) {
        if (!loop || loop_turn_is_over(loop)) {
            return false;
        }
    }
    return true;
}

/* The reply.  ------------------------------------------------------------- */

static void
fill_moves(const struct task *task, const struct advice_answer *answer,
           struct arena *arena, struct nb_reply_placement *reply)
{
    const struct placed_vms *vms = &task->vms;

    reply->moves = arena_alloc(arena,
                               answer->n_moves * sizeof *reply->moves);
    for (size_t i = 0; i < answer->n_moves; i++) {
        const struct advice_move *move = &answer->moves[i];
        const struct placed_vm *vm = &vms->vms[move->vm];

        reply->moves[reply->n_moves++] = (struct nb_placement_move) {
            .step = move->step + 1,
            .n_ports = vm->n_ports, .ports = vm->ports,
            .from = vms->hosts[move->from].name,
            .to = vms->hosts[move->to].name,
            .saved_bytes = move->saved_bytes,
        };
    }
}

static void
fill_no_room(const struct task *task, const struct advice_answer *answer,
             struct arena *arena, struct nb_reply_placement *reply)
{
    const struct placed_vms *vms = &task->vms;

    if (!answer->n_lacks) {
        return;                 /* There is no list then. */
    }
    reply->no_room = arena_alloc(arena,
                                 answer->n_lacks * sizeof *reply->no_room);
    for (size_t i = 0; i < answer->n_lacks; i++) {
        const struct advice_lack *lack = &answer->lacks[i];
        const struct placed_vm *vm = &vms->vms[lack->vm];

        reply->no_room[reply->n_no_room++] = (struct nb_placement_no_room) {
            .n_ports = vm->n_ports, .ports = vm->ports,
            .from = vms->hosts[lack->from].name,
            .to = vms->hosts[lack->to].name,
            .saved_bytes = lack->saved_bytes,
            .missing = {
                lack->missing[ADVICE_VMS], lack->missing[ADVICE_VCPUS],
                lack->missing[ADVICE_MEMORY], lack->missing[ADVICE_DISK],
            },
        };
    }
    reply->all_no_room = answer->n_all_lacks;
}

/* Returns true if the VM does not say how much it needs of what is limited:
 * of vCPUs, or memory, of which each needs some; or anything. */
static bool
is_unsized(const uint64_t *needs, const bool *limited)
{
    return ((limited[ADVICE_VCPUS] && !needs[ADVICE_VCPUS])
            || (limited[ADVICE_MEMORY] && !needs[ADVICE_MEMORY])
            || (limited[ADVICE_DISK] && !needs[ADVICE_VCPUS]
                && !needs[ADVICE_MEMORY] && !needs[ADVICE_DISK]));
}

/* Returns how many VMs do not say what they need of what a target has so much
 * of, by what it says. */
static size_t
count_unsized(const struct placed_vms *vms)
{
    bool limited[ADVICE_N_KINDS] = { false };
    size_t n = 0;

    for (size_t i = 0; i < vms->n_hosts; i++) {
        const struct advice_host *host = &vms->advice_hosts[i];

        for (int kind = 0; kind < ADVICE_N_KINDS && host->target; kind++) {
            limited[kind] |= host->capacity[kind] != UINT64_MAX;
        }
    }
    for (size_t i = 0; i < vms->n_vms; i++) {
        n += is_unsized(vms->advice_vms[i].needs, limited);
    }
    return n;
}

/* Of hosts, and of others' traffic, an account with a scope is told no
 * more. */
static void
fill_of_all(const struct task *task, struct nb_reply_placement *reply)
{
    const struct placed_vms *vms = &task->vms;
    struct fabric_pair_stats stats;

    if (vms->rights) {
        return;
    }
    for (size_t i = 0; i < vms->n_hosts; i++) {
        reply->hosts += vms->advice_hosts[i].target;
        reply->hosts_with_capacity += (vms->advice_hosts[i].target
                                       && vms->hosts[i].has_capacity);
    }
    fabric_pair_stats(vms->nb->fabric, &stats);
    reply->unlisted_bytes = vms->totals.unlisted_bytes;
    reply->full_hosts = stats.n_full_hosts;
}

static void
add_key(const char *key, struct nb_reply_placement *reply)
{
    for (size_t i = 0; i < reply->n_unused_labels; i++) {
        if (!strcmp(reply->unused_labels[i], key)) {
            return;
        }
    }
    reply->unused_labels[reply->n_unused_labels++] = key;
}

/* A key that nothing has may be a mistake, by which VMs that are to be apart
 * come together. */
static void
fill_unused_labels(const struct task *task, struct arena *arena,
                   struct nb_reply_placement *reply)
{
    const struct placed_vms *vms = &task->vms;
    const char **unused = arena_alloc(arena, (vms->n_keys + 1)
                                      * sizeof *unused);

    reply->unused_labels = unused;
    for (size_t i = 0; i < vms->n_keys; i++) {
        if (!vms->has_keys[i]) {
            add_key(vms->keys[i], reply);
        }
    }
    if (vms->together && !vms->has_together) {
        add_key(vms->together, reply);
    }
    if (task->capacity_label && !task->has_capacity_label) {
        reply->unused_capacity_label = task->capacity_label;
    }
    reply->unused_labels = reply->n_unused_labels ? unused : NULL;
}

static void
task_reply(void *task_)
{
    struct task *task = task_;
    const struct placed_vms *vms = &task->vms;
    const struct fabric *fabric = vms->nb->fabric;
    struct nb_reply_placement reply = {
        .since = vms->totals.since_ms, .vms = vms->n_vms,
        .capacity = task->capacity,
        .not_selected = vms->fixed.not_selected, .pinned = vms->fixed.pinned,
        .many_sets = vms->fixed.many_sets, .migrating = vms->fixed.migrating,
        .unsynced = vms->fixed.unsynced, .unsized = count_unsized(vms),
        .unread_hosts = fabric_unread_hosts(fabric),
        .counted = fabric_counted_ms(fabric),
    };
    struct advice_answer answer;
    struct arena arena;

    arena_init(&arena);
    advice_answer(task->advice, &answer);
    fill_of_all(task, &reply);
    reply.pairs = answer.n_pairs;
    reply.cross_host_bytes = answer.cross_bytes;
    reply.predicted_bytes = answer.after_cross_bytes;
    /* Where nothing is known no placement is known to be the best. */
    reply.optimal = answer.optimal && answer.n_pairs;
    fill_moves(task, &answer, &arena, &reply);
    fill_no_room(task, &answer, &arena, &reply);
    fill_unused_labels(task, &arena, &reply);
    nb_reply_struct(task->req, &nb_reply_placement, &reply);
    arena_uninit(&arena);
}

/* The request.  ----------------------------------------------------------- */

static bool
query_selector(struct task *task, const char *name,
               const struct vmn_selector **value)
{
    const char *text = http_request_query(task->req, name);
    struct vmn_error why = VMN_ERROR_INIT;
    struct vmn_selector *selector;

    *value = NULL;
    if (!text) {
        return true;
    }
    selector = arena_alloc(&task->vms.arena, sizeof *selector);
    if (selector_parse(text, strlen(text), &task->vms.arena, selector,
                       &why)) {
        nb_query_reject(task->req, name, "is malformed: %s", why.text);
        vmn_error_uninit(&why);
        return false;
    }
    *value = selector;
    return true;
}

static bool
check_key(struct task *task, const char *name, const char *key)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (value_check_label_key(key, &why)) {
        nb_query_reject(task->req, name, "must be the key of a label: %s",
                        why.text);
        vmn_error_uninit(&why);
        return false;
    }
    return true;
}

static bool
query_key(struct task *task, const char *name, const char **key)
{
    *key = http_request_query(task->req, name);
    return !*key || check_key(task, name, *key);
}

static bool
query_apart(struct task *task)
{
    const char *text = http_request_query(task->req, "apart");
    struct placed_vms *vms = &task->vms;
    char *save = NULL;

    if (!text) {
        return true;
    }
    for (char *key = strtok_r(arena_strdup(&vms->arena, text), ",", &save);
         key; key = strtok_r(NULL, ",", &save)) {
        if (vms->n_keys >= PLACED_APART_MAX) {
            return nb_query_reject(task->req, "apart", "must be at most %d "
                                   "keys of labels", PLACED_APART_MAX);
        }
        if (!check_key(task, "apart", key)) {
            return false;
        }
        vms->keys[vms->n_keys++] = key;
    }
    return vms->n_keys || nb_query_reject(task->req, "apart", "must be keys "
                                          "of labels: app,tier");
}

/* Labels of hosts are not shown to accounts with a scope. */
static bool
query_host_labels(struct task *task)
{
    static const char *const names[] = { "capacity_label", "host_selector" };

    for (size_t i = 0; task->vms.rights && i < ARRAY_SIZE(names); i++) {
        if (http_request_query(task->req, names[i])) {
            return nb_query_reject(task->req, names[i], "is for accounts "
                                   "without a scope, which are shown the "
                                   "labels of hosts");
        }
    }
    return (query_key(task, "capacity_label", &task->capacity_label)
            && query_selector(task, "host_selector", &task->host_selector));
}

static bool
query_all(struct task *task)
{
    struct advice_request *r = &task->request;
    struct placed_vms *vms = &task->vms;
    uint64_t max_moves;

    if (!nb_query_since(task->req, &task->since_ms)
        || !nb_query_number(task->req, "capacity", 1, CAPACITY_MAX, 0,
                            &task->capacity)
        || !nb_query_number(task->req, "move_cost", 0, ADVICE_COST_MAX, 0,
                            &r->move_cost)
        || !nb_query_number(task->req, "max_moves", 1, MOVES_MAX,
                            MOVES_DEFAULT, &max_moves)
        || !nb_query_bool(task->req, "move_pinned", &vms->move_pinned)
        || !query_selector(task, "selector", &vms->selector)
        || !query_key(task, "together", &vms->together)
        || !query_apart(task) || !query_host_labels(task)) {
        return false;
    }
    if (vms->rights && !task->capacity) {
        return nb_query_reject(task->req, "capacity", "is required of an "
                               "account with a scope, which is not told how "
                               "many VMs hosts have");
    }
    r->max_moves = max_moves;
    r->max_steps = ADVICE_STEPS_MAX;
    return true;
}

/* Returns true if the limits allow to begin the task, which then counts; else
 * replies. */
static bool
take_turn(struct task *task, struct northbound *nb)
{
    size_t n = ovs_list_size(&nb->placements);
    const struct task *other;

    if (nb_rights(task->req)) {
        task->who = xstrdup(http_request_who(task->req));
    }
    LIST_FOR_EACH (other, node, &nb->placements) {
        if (task->who && other->who && !strcmp(task->who, other->who)) {
            http_reply_header(task->req, "Retry-After", "1");
            http_reply_problem(task->req, 429, "throttled", NULL,
                               "this account has placement advice in "
                               "progress");
            return false;
        }
    }
    if (n >= (task->who ? TASKS_MAX - 1 : TASKS_MAX)) {
        http_reply_header(task->req, "Retry-After", "1");
        http_reply_problem(task->req, 503, "busy", NULL, "placement advice "
                           "for %"PRIuSIZE" others is in progress", n);
        return false;
    }
    ovs_list_push_back(&nb->placements, &task->node);
    return true;
}

void
nb_get_placement(struct http_request *req, void *nb_)
{
    static const struct nb_parts_class class = {
        task_read, task_reply, task_destroy,
    };
    struct northbound *nb = nb_;
    const struct model_rights *rights = nb_rights(req);
    struct task *task = xzalloc(sizeof *task);

    task->req = req;
    ovs_list_init(&task->node);
    placed_vms_init(&task->vms, nb,
                    packet_scope_applies(rights) ? rights : NULL);
    if (!query_all(task) || !take_turn(task, nb)) {
        task_destroy(task);
        return;
    }
    nb_reply_in_parts(nb, req, &class, task);
}
