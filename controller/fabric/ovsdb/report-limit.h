/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits how often one host's reports may change the state.  Each change is a
 * revision that is compiled, sent and logged, so a host that flips an
 * interface as fast as it can must not overload vmnd.  Not for the contents of
 * reports (host-report.c), nor for their size (database-budget.c). */

#ifndef CONTROLLER_FABRIC_OVSDB_REPORT_LIMIT_H
#define CONTROLLER_FABRIC_OVSDB_REPORT_LIMIT_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/token-bucket.h"

/* Of one host. */
struct report_limit {
    unsigned rate;              /* Changes per second; 0: unlimited. */
    struct token_bucket bucket;
    int64_t due_ms;             /* When the pending report is accepted (of
                                 * time_msec()), or INT64_MAX. */

    /* The MTU of its underlay: a decrease takes effect at once, an increase
     * after a delay. */
    int mtu_hold_ms;            /* Initial delay; 0: none. */
    int mtu_wait_ms;            /* Current delay: grows with each decrease in
                                 * quick succession. */
    uint32_t mtu;               /* As last reported. */
    int64_t mtu_since_ms;       /* Reported since. */
    int64_t mtu_lowered_ms;     /* The last decrease; INT64_MIN: none. */
    int64_t mtu_due_ms;         /* When to check again, or INT64_MAX. */
};

/* Burst: changes accepted at once, in seconds of the rate. */
#define REPORT_BURST_S 10
/* Minimum interval between decreases of an MTU, unless changes of it take
 * effect at once. */
#define REPORT_MTU_LOWER_MS 5000
/* Maximum delay of an increase; the delay is reset when there was no decrease
 * for this long. */
#define REPORT_MTU_HOLD_MAX_MS (1800 * 1000)
#define REPORT_MTU_CALM_MS (3600 * 1000)

void report_limit_init(struct report_limit *, unsigned rate, int mtu_hold_ms);

/* Returns true if a report may be accepted now; if not, sets 'due_ms', when
 * the newest state must be accepted, whatever was reported in between. */
bool report_limit_begin(struct report_limit *, int64_t now_ms);
/* Must be called after that and the report: 'changed' is true if the report
 * changed something. */
void report_limit_end(struct report_limit *, bool changed);

/* Returns the effective MTU, from 'held' (0: none), the previous one, and
 * 'reported' (0: unknown, which changes nothing).  Sets 'mtu_due_ms'. */
uint32_t report_limit_mtu(struct report_limit *, uint32_t held,
                          uint32_t reported, int64_t now_ms);

#endif /* controller/fabric/ovsdb/report-limit.h */
