/* SPDX-License-Identifier: Apache-2.0
 *
 * A rate of events that several owners share, such as tenants whose guests
 * send packets to vmnd.  Half of the rate is divided equally among the owners
 * that took something of late, the other half is for any of them.  So an owner
 * alone has all of it, and no owner takes another's share.  Not for rates of
 * one sender (openvswitch/token-bucket.h). */

#ifndef PROTO_ADMISSION_FAIR_RATE_H
#define PROTO_ADMISSION_FAIR_RATE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/token-bucket.h"

/* Maximum number of owners with a share; others have the common half alone. */
#define FAIR_RATE_OWNERS_MAX 1024

struct fair_rate {
    unsigned rate;              /* Events per second; 0: no limit. */
    unsigned burst_s;           /* Seconds' worth that may be taken at once. */
    struct token_bucket common;
    struct hmap owners;         /* struct fair_owner. */
    unsigned debt;              /* Events owed by owners beyond the maximum. */
    int64_t forgot_ms;          /* Last removal of idle owners. */
};

void fair_rate_init(struct fair_rate *, unsigned rate, unsigned burst_s);
void fair_rate_uninit(struct fair_rate *);

/* Takes an event of 'owner'.  Returns false if the rate is exceeded. */
bool fair_rate_take(struct fair_rate *, uint32_t owner);

/* Charges 'owner' for 'n' further events, whose number was not known before.
 * It takes no event until its share has paid for them. */
void fair_rate_charge(struct fair_rate *, uint32_t owner, unsigned n);

#endif /* proto/admission/fair-rate.h */
