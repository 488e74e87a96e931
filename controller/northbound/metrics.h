/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the files behind GET /metrics share.  Not for others. */

#ifndef CONTROLLER_NORTHBOUND_METRICS_H
#define CONTROLLER_NORTHBOUND_METRICS_H 1

#include "controller/histogram.h"
#include "controller/northbound/northbound-private.h"

struct ds;

/* metrics-format.c */
/* Appends the HELP and TYPE lines of a family of metrics.  'type' is
 * "counter", "gauge" or "histogram". */
void metrics_family(struct ds *, const char *name, const char *type,
                    const char *help);
/* Appends 'text', quoted and escaped, as the value of a label. */
void metrics_label(struct ds *, const char *text);

/* metrics-object-counters.c: counters of policies and balancers.  For each
 * type, at most METRICS_SERIES_MAX objects have a series of their own, the
 * first that came; the others are summed up under "other". */
#define METRICS_SERIES_MAX 100
struct metrics_object_counters;
struct metrics_object_counters *metrics_object_counters_create(void);
void metrics_object_counters_destroy(struct metrics_object_counters *);
void metrics_append_objects(struct northbound *, struct ds *);

struct object_states;
/* metrics.c: all but what metrics-object-states.h has.  The states are NULL at
 * a standby. */
void metrics_append_all(struct northbound *, const struct object_states *,
                        struct ds *);

/* system-health.c: whether all is well. */
void metrics_append_system_health(const struct northbound *,
                                  const struct object_states *, struct ds *);
/* metrics-health.c: what probes have found; and those of this process. */
void metrics_append_health(const struct northbound *, struct ds *);
void metrics_append_probes(const struct northbound *, struct ds *);
/* metrics-paths.c: paths between hosts. */
void metrics_append_paths(const struct northbound *, struct ds *);
/* metrics-apps.c: what each app has, and its process. */
void metrics_append_apps(const struct northbound *, struct ds *);
/* api-usage.c: usage of quotas. */
void metrics_append_usage(const struct northbound *, struct ds *);

/* metrics-cluster.c */
void metrics_append_database_disk(const struct northbound *, struct ds *);

/* metrics-listeners.c: connections to the listeners of this process. */
void metrics_append_listeners(const struct northbound *, struct ds *);

/* metrics-process.c: durations, and resources of the process. */
void metrics_append_times(const struct northbound *,
                          const struct histogram *stored,
                          const struct histogram *installed,
                          const struct histogram *writing, struct ds *);
void metrics_append_process(struct ds *);
/* Returns the number of open file descriptors, or -1; sets '*max' to how many
 * may be open. */
long long metrics_count_files(unsigned long long *max);

#endif /* controller/northbound/metrics.h */
