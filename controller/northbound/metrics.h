/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files that make up GET /metrics share.  Not for others. */

#ifndef CONTROLLER_NORTHBOUND_METRICS_H
#define CONTROLLER_NORTHBOUND_METRICS_H 1

#include "controller/histogram.h"
#include "controller/northbound/northbound-private.h"

struct ds;

/* metrics-format.c */
/* The lines that every family begins with.  'type' is "counter", "gauge" or
 * "histogram". */
void metrics_family(struct ds *, const char *name, const char *type,
                    const char *help);
/* Any text as the value of a label, in quotes. */
void metrics_label(struct ds *, const char *text);

/* metrics-objects.c: what single objects count.  Of each type at most
 * METRICS_SERIES_MAX have a series of their own, those that came first;
 * what the others count is summed up under "other". */
#define METRICS_SERIES_MAX 100
struct metrics_objects;
struct metrics_objects *metrics_objects_create(void);
void metrics_objects_destroy(struct metrics_objects *);
void metrics_append_objects(struct northbound *, struct ds *);

/* system-health.c: whether all is well. */
void metrics_append_system_health(const struct northbound *, struct ds *);
/* metrics-health.c: backends and their probes. */
void metrics_append_health(const struct northbound *, struct ds *);
/* api-usage.c: quotas. */
void metrics_append_usage(const struct northbound *, struct ds *);

/* metrics-listeners.c: who connects to this process. */
void metrics_append_listeners(const struct northbound *, struct ds *);

/* metrics-process.c: how long things took, and the process itself. */
void metrics_append_times(const struct northbound *,
                          const struct histogram *stored,
                          const struct histogram *installed,
                          const struct histogram *writing, struct ds *);
void metrics_append_process(struct ds *);

#endif /* controller/northbound/metrics.h */
