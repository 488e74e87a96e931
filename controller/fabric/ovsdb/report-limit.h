/* SPDX-License-Identifier: Apache-2.0
 *
 * How often one host's reports may change the state.  Each change is a
 * revision that is compiled, sent and logged, so a host that flips an
 * interface as fast as it can must not set the pace.  Not for what reports
 * say (host-report.c), nor for their size (database-budget.c). */

#ifndef CONTROLLER_FABRIC_OVSDB_REPORT_LIMIT_H
#define CONTROLLER_FABRIC_OVSDB_REPORT_LIMIT_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/token-bucket.h"

/* Of one host. */
struct report_limit {
    unsigned rate;              /* Changes a second; 0: any number. */
    struct token_bucket bucket;
    int64_t due_ms;             /* When the report that waits is taken in (of
                                 * time_msec()), or INT64_MAX. */

    /* The MTU of its underlay: lower at once, higher when it has been so for
     * some time. */
    int mtu_hold_ms;            /* For how long, at first; 0: at once. */
    int mtu_wait_ms;            /* For how long now: longer each time that it
                                 * went down again soon. */
    uint32_t mtu;               /* As reported last. */
    int64_t mtu_since_ms;       /* Since when that is so. */
    int64_t mtu_lowered_ms;     /* When it went down last; INT64_MIN: never. */
    int64_t mtu_due_ms;         /* When to look again, or INT64_MAX. */
};

/* Changes that are taken in at once, in seconds' worth of the rate. */
#define REPORT_BURST_S 10
/* Between two times that an MTU goes down, at least, unless changes of it are
 * taken in at once. */
#define REPORT_MTU_LOWER_MS 5000
/* A higher MTU waits for so long at most, and begins with the least again when
 * it has not gone down for so long. */
#define REPORT_MTU_HOLD_MAX_MS (1800 * 1000)
#define REPORT_MTU_CALM_MS (3600 * 1000)

void report_limit_init(struct report_limit *, unsigned rate, int mtu_hold_ms);

/* Returns true if a report may be taken in now; if not, sets 'due_ms'.  The
 * newest state is to be taken in then, whatever came in between. */
bool report_limit_begin(struct report_limit *, int64_t now_ms);
/* After that and the report: 'changed' tells whether it changed something. */
void report_limit_end(struct report_limit *, bool changed);

/* Returns the MTU that holds now, of 'held' (0: none), which did until now,
 * and 'reported' (0: not known, which changes nothing).  Sets 'mtu_due_ms'. */
uint32_t report_limit_mtu(struct report_limit *, uint32_t held,
                          uint32_t reported, int64_t now_ms);

#endif /* controller/fabric/ovsdb/report-limit.h */
