/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads of balancers; see load-monitor.h. */

#include <config.h>

#include "controller/load-monitor/load-monitor.h"

#include <event2/event.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-shown.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/status.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "proto/webhook/webhook.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

const char *const load_state_names[LOAD_N_STATES] = {
    [LOAD_UNKNOWN] = "unknown", [LOAD_NORMAL] = "normal",
    [LOAD_HIGH] = "high",       [LOAD_LOW] = "low",
    [LOAD_COOLING] = "cooling",
};

const char *const load_direction_names[LOAD_N_DIRECTIONS] = {
    [LOAD_SAME] = "same", [LOAD_UP] = "up", [LOAD_DOWN] = "down",
};

static const char *const metric_names[] = {
    [VMN_SCALE_NONE] = "none",       [VMN_SCALE_CONNECTIONS] = "connections",
    [VMN_SCALE_PACKETS] = "packets", [VMN_SCALE_BYTES] = "bytes",
};

struct load_monitor {
    struct model *model;
    struct commit *commit;      /* Or NULL. */
    struct webhook *webhook;    /* Or NULL. */
    struct load_source source;
    struct event *timer;        /* Pending if there may be something. */
    struct timeval interval;
    struct hmap balancers;      /* Those that have thresholds. */
    load_event_cb *event_cb;    /* Or NULL. */
    void *event_aux;
    uint64_t n_evaluations;
    struct load_monitor_stats stats;    /* What was told. */
};

struct balancer {
    struct hmap_node node;      /* In load->balancers. */
    char *name;
    struct vmn_lb_scale scale;  /* As of the last evaluation. */
    char *webhook;              /* Its string, or NULL. */
    struct load_thresholds thresholds;
    uint64_t seen;              /* Number of the last evaluation that read
                                 * it. */
    enum load_sample_quality figure;
    bool known;                 /* 'value' is one to go by. */
    double value;               /* Of a backend that serves, in a second. */
    size_t n_backends, n_serving;
    enum load_direction last;   /* LOAD_SAME: nobody was told yet. */
    int64_t last_ms;            /* When, by the wall clock. */
};

static void evaluate_cb(evutil_socket_t, short what, void *load);

/* Something was changed: perhaps a balancer, which has thresholds now. */
static void
group_cb(void *load_, const struct commit_group *group OVS_UNUSED)
{
    struct load_monitor *load = load_;
    struct model_pending pending;

    if (event_pending(load->timer, EV_TIMEOUT, NULL)) {
        return;
    }
    model_get_pending(load->model, &pending);
    if (model_pending_has(&pending, VMN_TABLE_LOADBALANCER)) {
        event_add(load->timer, &load->interval);
    }
}

struct load_monitor *
load_monitor_create(struct event_base *base, struct model *model,
                    struct commit *commit, struct webhook *webhook,
                    const struct load_source *source, unsigned interval_ms)
{
    struct load_monitor *load = xzalloc(sizeof *load);

    load->model = model;
    load->commit = commit;
    load->webhook = webhook;
    load->source = *source;
    hmap_init(&load->balancers);
    load->interval.tv_sec = interval_ms / 1000;
    load->interval.tv_usec = interval_ms % 1000 * 1000;
    load->timer = evtimer_new(base, evaluate_cb, load);
    if (commit) {
        commit_add_watch(commit, group_cb, load);
        if (model_names(model, VMN_TABLE_LOADBALANCER).n) {
            event_add(load->timer, &load->interval);
        }
    }
    return load;
}

void
load_monitor_set_watch(struct load_monitor *load, load_event_cb *cb,
                       void *aux)
{
    load->event_cb = cb;
    load->event_aux = aux;
}

/* Balancers.  ------------------------------------------------------------- */

/* By what its webhook's calls are known.  The caller frees it. */
static char *
owner_of(const char *balancer)
{
    return xasprintf("loadbalancers/%s", balancer);
}

static struct balancer *
find(const struct load_monitor *load, const char *name)
{
    struct balancer *b;

    HMAP_FOR_EACH_WITH_HASH (b, node, hash_string(name, 0),
                             &load->balancers) {
        if (!strcmp(b->name, name)) {
            return b;
        }
    }
    return NULL;
}

static void
balancer_destroy(struct load_monitor *load, struct balancer *b)
{
    if (load->webhook) {
        char *owner = owner_of(b->name);

        webhook_forget(load->webhook, owner);
        free(owner);
    }
    hmap_remove(&load->balancers, &b->node);
    free(b->webhook);
    free(b->name);
    free(b);
}

static bool
same_thresholds(const struct vmn_lb_scale *a, const struct vmn_lb_scale *b)
{
    return (a->metric == b->metric && a->high == b->high && a->low == b->low
            && a->for_s == b->for_s && a->cooldown_s == b->cooldown_s);
}

/* The balancer of 'row', as it is now.  Other thresholds begin anew. */
static struct balancer *
take_row(struct load_monitor *load, const struct vmn_loadbalancer *row)
{
    struct balancer *b = find(load, row->row.name);

    if (!b) {
        b = xzalloc(sizeof *b);
        b->name = xstrdup(row->row.name);
        hmap_insert(&load->balancers, &b->node, hash_string(b->name, 0));
    }
    if (!same_thresholds(&b->scale, &row->scale)) {
        memset(&b->thresholds, 0, sizeof b->thresholds);
    }
    free(b->webhook);
    b->webhook = nullable_xstrdup(row->scale.webhook);
    b->scale = row->scale;
    b->scale.webhook = b->webhook;
    b->seen = load->n_evaluations;
    return b;
}

/* Looks.  ----------------------------------------------------------------- */

/* In eighths, which binary numbers have exactly: 0.1 would be told with 17
 * digits. */
static double
in_eighths(double value)
{
    return round(value * 8) / 8;
}

static void
tell(struct load_monitor *load, struct balancer *b,
     enum load_direction direction)
{
    b->last = direction;
    b->last_ms = time_wall_msec();
    load->stats.n_told[direction]++;

    const struct load_event event = {
        .loadbalancer = b->name, .time = b->last_ms,
        .direction = load_direction_names[direction],
        .metric = metric_names[b->scale.metric],
        .value = in_eighths(b->value),
        .threshold = direction == LOAD_UP ? b->scale.high : b->scale.low,
        .serving = b->n_serving, .backends = b->n_backends,
    };
    if (load->event_cb) {
        load->event_cb(load->event_aux, &event);
    }
    if (load->webhook && b->webhook) {
        struct ds body = DS_EMPTY_INITIALIZER;
        char *owner = owner_of(b->name);

        schema_struct_print(&load_event_shown, &event, &body);
        webhook_call(load->webhook, owner, b->webhook, "scale",
                     ds_cstr(&body));
        free(owner);
        ds_destroy(&body);
    }
}

static void
evaluate(struct load_monitor *load, const struct vmn_loadbalancer *row,
         long long int now_ms)
{
    struct balancer *b = take_row(load, row);
    const struct load_source *source = &load->source;
    double rate = 0;
    size_t least = MAX(row->min_serving, 1);

    source->count(source->aux, b->name, &b->n_backends, &b->n_serving);
    b->figure = source->rate(source->aux, b->name, b->scale.metric, &rate);
    b->value = b->n_serving ? rate / b->n_serving : 0;
    /* What is too much in part is too much. */
    b->known = (b->n_serving
                && (b->figure == LOAD_WHOLE
                    || (b->figure == LOAD_PART && b->scale.high
                        && b->value > b->scale.high)));

    enum load_direction direction = load_thresholds_step(
        &b->thresholds, &b->scale, b->known, b->value, b->n_serving > least,
        now_ms);
    if (direction != LOAD_SAME) {
        tell(load, b, direction);
    }
}

void
load_monitor_evaluate(struct load_monitor *load, long long int now_ms)
{
    struct vmn_names names = model_names(load->model, VMN_TABLE_LOADBALANCER);
    struct sset networks = SSET_INITIALIZER(&networks);
    struct balancer *b;

    load->n_evaluations++;
    if (load->source.begin) {
        load->source.begin(load->source.aux, now_ms);
    }
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_loadbalancer *row = model_get_durable(
            load->model, VMN_TABLE_LOADBALANCER, names.names[i], NULL);

        if (row && row->scale.metric != VMN_SCALE_NONE) {
            evaluate(load, row, now_ms);
            for (size_t j = 0; j < row->n_networks; j++) {
                sset_add(&networks, row->networks[j]);
            }
        }
    }
    if (load->source.end) {
        load->source.end(load->source.aux, &networks, now_ms);
    }
    sset_destroy(&networks);
    HMAP_FOR_EACH_SAFE (b, node, &load->balancers) {
        if (b->seen != load->n_evaluations) {
            balancer_destroy(load, b);
        }
    }
}

static void
quiescent_cb(void *load_)
{
    struct load_monitor *load = load_;

    load_monitor_evaluate(load, time_msec());
    if (!hmap_is_empty(&load->balancers)) {
        event_add(load->timer, &load->interval);
    }
}

/* A balancer that a plan deletes is there. */
static void
evaluate_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *load_)
{
    struct load_monitor *load = load_;

    commit_when_quiescent(load->commit, quiescent_cb, load);
}

void
load_monitor_destroy(struct load_monitor *load)
{
    struct balancer *b;

    if (load) {
        if (load->commit) {
            commit_remove_watch(load->commit, group_cb, load);
            commit_cancel_when_quiescent(load->commit, quiescent_cb, load);
        }
        HMAP_FOR_EACH_SAFE (b, node, &load->balancers) {
            balancer_destroy(load, b);
        }
        hmap_destroy(&load->balancers);
        event_free(load->timer);
        free(load);
    }
}

/* What is shown.  --------------------------------------------------------- */

const struct schema_struct load_event_shown = SHOWN_KEPT(
    "scale", load_event,
    SHOWN_OF(load_event, loadbalancer, STRING, ALWAYS, "The load balancer."),
    SHOWN_OF(load_event, time, STRING, ALWAYS | TIME, "When."),
    SHOWN_OF(load_event, direction, ENUM, ALWAYS,
             "`up`: more backends are needed; `down`: fewer.",
             SHOWN_NAMES("up", "down")),
    SHOWN_OF(load_event, metric, ENUM, ALWAYS, "As in its `scale`.",
             SHOWN_NAMES("connections", "packets", "bytes")),
    SHOWN_OF(load_event, value, DOUBLE, ALWAYS,
             "The metric, per second and serving backend."),
    SHOWN_OF(load_event, threshold, U64, ALWAYS,
             "The threshold that was crossed."),
    SHOWN_OF(load_event, serving, SIZE, ALWAYS, "How many backends serve."),
    SHOWN_OF(load_event, backends, SIZE, ALWAYS, "Of how many."));

/* Of the call of its webhook; NULL if there was none. */
static struct status_webhook *
webhook_status(const struct load_monitor *load, const struct balancer *b,
               struct arena *arena)
{
    struct webhook_status status;
    struct status_webhook *shown = NULL;
    char *owner = owner_of(b->name);

    if (load->webhook && webhook_get_status(load->webhook, owner, &status)) {
        shown = arena_alloc(arena, sizeof *shown);
        *shown = (struct status_webhook) {
            .result = webhook_outcome_names[status.outcome],
            .time = status.time_ms, .attempts = status.n_attempts,
            .delivery = status.delivery, .reason = status.reason,
        };
    }
    free(owner);
    return shown;
}

/* Why its state is not known, or why nobody would be told; NULL if there is
 * nothing to say. */
static char *
problem_of(const struct load_monitor *load, const struct balancer *b)
{
    if (!b->known) {
        return xstrdup(!b->n_serving ? "no backend serves"
                       : "hosts are not connected, or have not been read "
                         "twice since they are");
    }
    return (load->webhook && b->webhook
            ? webhook_check(load->webhook, b->webhook) : NULL);
}

bool
load_monitor_get_status(const struct load_monitor *load,
                        const char *balancer, struct arena *arena,
                        struct status_scale *scale)
{
    const struct balancer *b = find(load, balancer);
    int64_t since_ms;
    char *problem;

    if (!b) {
        return false;
    }
    *scale = (struct status_scale) {
        .state = load_state_names[load_thresholds_state(&b->thresholds,
                                                        &since_ms)],
        .value = b->known ? in_eighths(b->value) : NAN,
    };
    scale->since = time_wall_msec() - (time_msec() - since_ms);
    problem = problem_of(load, b);
    if (problem) {
        scale->reason = arena_strdup(arena, problem);
        free(problem);
    }
    if (b->last != LOAD_SAME) {
        scale->last = arena_alloc(arena, sizeof *scale->last);
        *scale->last = (struct status_scale_last) {
            .time = b->last_ms,
            .direction = load_direction_names[b->last],
            .webhook = webhook_status(load, b, arena),
        };
    }
    return true;
}

void
load_monitor_get_stats(const struct load_monitor *load,
                       struct load_monitor_stats *stats)
{
    const struct balancer *b;

    *stats = load->stats;
    HMAP_FOR_EACH (b, node, &load->balancers) {
        int64_t since_ms;

        stats->n_in_state[load_thresholds_state(&b->thresholds, &since_ms)]++;
    }
}
