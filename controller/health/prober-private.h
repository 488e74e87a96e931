/* SPDX-License-Identifier: Apache-2.0
 *
 * What prober.c and probe-result.c share.  Not for other files. */

#ifndef CONTROLLER_HEALTH_PROBER_PRIVATE_H
#define CONTROLLER_HEALTH_PROBER_PRIVATE_H 1

#include "controller/health/prober.h"

/* Reports the backend's state if it has changed. */
void prober_report_state(struct backend *);
/* Has the backend's state follow from the result of a probe, and reports it;
 * 'reason' is why it failed. */
void prober_add_result(struct backend *, bool ok, const char *reason,
                       int64_t now_us);

#endif /* controller/health/prober-private.h */
