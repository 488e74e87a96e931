/* SPDX-License-Identifier: Apache-2.0
 *
 * Balancers that tell of their load: every few seconds the load of each that
 * has thresholds ("scale") is held against them, and who is to know is told, by
 * an event and by its webhook, so that somebody adds or removes backends.
 *
 * Nothing of it is stored: after a start all windows begin anew, so nobody is
 * told of what was before.  What the load is comes from whoever counts it; this
 * room does not look at hosts, nor does it add backends. */

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

/* How far a figure is to be believed. */
enum load_sample_quality {
    LOAD_NOTHING,               /* There is none. */
    LOAD_PART,                  /* It is no less; some was not counted. */
    LOAD_WHOLE,
};

/* Where figures come from. */
struct load_source {
    /* A look begins, if not NULL. */
    void (*begin)(void *aux, long long int now_ms);
    /* How much 'metric' of the balancer there was in a second, in '*rate', as
     * it was read last. */
    enum load_sample_quality (*rate)(void *aux, const char *balancer,
                                     enum vmn_scale_metric metric,
                                     double *rate);
    /* How many backends it has, and how many of these serve. */
    void (*count)(void *aux, const char *balancer, size_t *n_backends,
                  size_t *n_serving);
    /* A look has ended, if not NULL: balancers that have thresholds are in
     * 'networks'. */
    void (*end)(void *aux, const struct sset *networks,
                long long int now_ms);
    void *aux;
};

/* Looks every 'interval_ms' while there are balancers with thresholds, of which
 * it learns by 'commit'; with NULL for that it never looks by itself.
 * 'webhook' may be NULL.  What is passed in is borrowed; of 'source' a copy is
 * made. */
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

/* Has 'cb' called with each event, which is borrowed; NULL: nobody is. */
typedef void load_event_cb(void *aux, const struct load_event *);
void load_monitor_set_watch(struct load_monitor *, load_event_cb *cb,
                            void *aux);

/* Fills in 'scale', with what it owns in 'arena'.  Returns false if the balancer
 * has no thresholds. */
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

/* One look, at 'now_ms' of timeval's clock.  For tests. */
void load_monitor_evaluate(struct load_monitor *, long long int now_ms);

#endif /* controller/load-monitor/load-monitor.h */
