/* SPDX-License-Identifier: Apache-2.0
 *
 * Compares the load of each balancer that has thresholds ("scale") with these
 * every few seconds, and notifies an autoscaler, by an event and by a webhook,
 * when backends should be added or removed.
 *
 * Nothing of it is stored: after a start all windows begin anew.  Loads come
 * from a struct load_source; not for counting them, nor for adding
 * backends. */

#ifndef CONTROLLER_LOAD_MONITOR_LOAD_MONITOR_H
#define CONTROLLER_LOAD_MONITOR_LOAD_MONITOR_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/load-monitor/load-thresholds.h"
#include "vmn/rows.h"

struct arena;
struct commit;
struct event_base;
struct load_monitor;
struct model;
struct schema_struct;
struct sset;
struct status_scale;
struct webhook;

/* How complete a measurement is. */
enum load_sample_quality {
    LOAD_NOTHING,               /* There is none. */
    LOAD_PART,                  /* A lower bound: some was not counted. */
    LOAD_WHOLE,
};

/* Where measurements come from. */
struct load_source {
    /* Called before an evaluation of all balancers, if not NULL. */
    void (*begin)(void *aux, long long int now_ms);
    /* Sets '*rate' to the balancer's 'metric' per second, as of the last
     * reading. */
    enum load_sample_quality (*rate)(void *aux, const char *balancer,
                                     enum vmn_scale_metric metric,
                                     double *rate);
    /* Counts its backends, and those that serve. */
    void (*count)(void *aux, const char *balancer, size_t *n_backends,
                  size_t *n_serving);
    /* Called after an evaluation, if not NULL, with the networks of balancers
     * that have thresholds. */
    void (*end)(void *aux, const struct sset *networks,
                long long int now_ms);
    void *aux;
};

/* Evaluates every 'interval_ms' while there are balancers with thresholds, as
 * watched through 'commit' (NULL: only load_monitor_evaluate() does).
 * 'webhook' may be NULL.  Arguments are borrowed; 'source' is copied. */
struct load_monitor *load_monitor_create(struct event_base *, struct model *,
                                         struct commit *, struct webhook *,
                                         const struct load_source *source,
                                         unsigned interval_ms);
void load_monitor_destroy(struct load_monitor *);

/* More backends are wanted, or fewer: as GET /v1/events and webhooks have it.
 * Members are called as in JSON. */
struct load_event {
    const char *loadbalancer;
    int64_t time;               /* Wall clock, in ms. */
    const char *direction;
    const char *metric;
    double value;               /* Of a backend that serves, in a second. */
    uint64_t threshold;
    size_t serving, backends;
};
extern const struct schema_struct load_event_shown;

/* Sets the callback for events, which it borrows; NULL: none. */
typedef void load_event_cb(void *aux, const struct load_event *);
void load_monitor_set_watch(struct load_monitor *, load_event_cb *cb,
                            void *aux);

/* Fills in 'scale', with what it owns in 'arena'.  Returns false if the
 * balancer has no thresholds. */
bool load_monitor_get_status(const struct load_monitor *,
                             const char *balancer, struct arena *arena,
                             struct status_scale *scale);

extern const char *const load_state_names[LOAD_N_STATES];
extern const char *const load_direction_names[LOAD_N_DIRECTIONS];

struct load_monitor_stats {
    uint64_t n_told[LOAD_N_DIRECTIONS];
    uint64_t n_in_state[LOAD_N_STATES];
};
void load_monitor_get_stats(const struct load_monitor *,
                            struct load_monitor_stats *);

/* Evaluates all balancers at 'now_ms' of timeval's clock.  For tests. */
void load_monitor_evaluate(struct load_monitor *, long long int now_ms);

#endif /* controller/load-monitor/load-monitor.h */
