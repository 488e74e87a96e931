/* SPDX-License-Identifier: Apache-2.0
 *
 * Where figures of loads come from in vmnd: who serves is the app's to say,
 * and what there is of load is counted by the fabric.
 *
 * Counters of hosts that are not connected are not read, and their share of a
 * load looks as if it were none.  So while more than one host in ten is away,
 * and until their counters have been read twice after that, a figure is a part
 * of the load: it may be too much, and it is never too little.  Otherwise an
 * outage of the control network would have everybody send backends home.
 *
 * Hosts that have ports in networks of balancers with thresholds are read more
 * often than others, where counters are not read that often anyway. */

#ifndef CONTROLLER_LOAD_MONITOR_LOAD_SOURCES_H
#define CONTROLLER_LOAD_MONITOR_LOAD_SOURCES_H 1

#include "controller/load-monitor/load-monitor.h"

struct engine;
struct fabric;
struct model;

struct load_sources {
    const struct model *model;
    struct engine *engine;
    struct fabric *fabric;
    unsigned count_s;           /* How often counters are read; 0: never. */

    bool all_there;             /* As of the last evaluation: enough
                                 * hosts. */
    long long int since_ms;     /* Then, since when. */
    bool whole;                 /* And for long enough. */
    long long int often_ms;     /* When it was said who is read often; 0:
                                 * nobody is. */
};

/* What asks 'sources', which is borrowed. */
struct load_source load_sources_as_source(struct load_sources *sources);

#endif /* controller/load-monitor/load-sources.h */
