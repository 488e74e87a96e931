/* SPDX-License-Identifier: Apache-2.0
 *
 * Audits of the meters and flows of sampling-meters.h: what of them a switch
 * lacks, and which flows are none of them.  What is put back, and how, is
 * sampling-meters.c's. */

#include <config.h>

#include "controller/fabric/packets/sampling-private.h"

#include <string.h>

#include "bitmap.h"
#include "controller/fabric/packets/packet-in-meters.h"
#include "controller/fabric/packets/sampling-flows.h"
#include "controller/flow/sample-action.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-meter.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

static void
handle_audited_meter(struct fabric_switch *sw,
                     const struct ofputil_meter_config *mc)
{
    unsigned i = mc->meter_id - SAMPLING_FIRST_METER;

    if (mc->meter_id >= SAMPLING_FIRST_METER && i < N_METERS + SAMPLING_OWN
        && sampling_is_right(mc, i)) {
        bitmap_set1(sampling_meters_of(sw)->audited_meters, i);
    }
    packet_in_meters_audit_meter(sw, mc);
}

void
sampling_handle_audit(struct fabric_switch *sw, const struct ofp_header *oh)
{
    struct sampling_meters *sm = sampling_meters_of(sw);
    enum sampling_reply meters = sampling_each_meter(sw, oh,
                                                     handle_audited_meter);

    if (meters != SAMPLING_REPLY_OK || !(ofpmp_flags(oh) & OFPSF_REPLY_MORE)) {
        sm->audit_xid = 0;
        sm->meters_audited = meters == SAMPLING_REPLY_OK;
        if (sm->meters_audited) {
            packet_in_meters_audit_complete(sw);
        }
    }
}

/* The switch replies about its meters before it does about its flows. */
void
sampling_audit_begin(struct fabric_switch *sw, void *sm_)
{
    struct sampling_meters *sm = sm_;

    sm->audited_on = sm->state == SAMPLING_ON && !sm->config_xid;
    sm->meters_audited = false;
    memset(sm->audited_meters, 0, sizeof sm->audited_meters);
    if (sm->audited_on) {
        sm->audit_xid = sampling_request_meters(sw);
    }
    memset(sm->audited, 0, sizeof sm->audited);
    memcpy(sm->audited_own, sm->own, sizeof sm->own);
    sm->n_unknown = 0;
}

bool
sampling_audit_flow(struct fabric_switch *sw OVS_UNUSED, void *sm_,
                    const struct ofputil_flow_stats *fs)
{
    struct sampling_meters *sm = sm_;
    unsigned number;

    if (fs->table_id != SAMPLE_TABLE) {
        return false;
    }
    number = sampling_flow_number(fs);
    if (number < SAMPLING_POOL_FLOWS
        || (number < SAMPLING_N_FLOWS
            && bitmap_is_set(sm->own, (number - SAMPLING_POOL_FLOWS)
                                      / SAMPLING_OWN_FLOWS))) {
        bitmap_set1(sm->audited, number);
    } else {
        sm->n_unknown++;
    }
    return true;
}

/* Returns true if flow 'number' was there when the audit began. */
static bool
was_desired(const struct sampling_meters *sm, unsigned number)
{
    return (number < SAMPLING_POOL_FLOWS
            || bitmap_is_set(sm->audited_own, (number - SAMPLING_POOL_FLOWS)
                                              / SAMPLING_OWN_FLOWS));
}

/* Returns how many meters that were there when the audit began are absent or
 * different; 0 if the switch has not replied. */
static size_t
count_missing_meters(const struct sampling_meters *sm)
{
    size_t n = 0;

    for (unsigned i = 0; sm->meters_audited && i < N_METERS + SAMPLING_OWN;
         i++) {
        n += ((i < N_METERS || bitmap_is_set(sm->audited_own, i - N_METERS))
              && !bitmap_is_set(sm->audited_meters, i));
    }
    return n;
}

void
sampling_audit_compare(struct fabric_switch *sw OVS_UNUSED, void *sm_,
                       switch_audit_cb *cb, void *aux)
{
    struct sampling_meters *sm = sm_;
    size_t n_missing = 0, n_meters;

    if (!sm->audited_on || sm->state != SAMPLING_ON || sm->config_xid) {
        return;                 /* Not desired, or being installed. */
    }
    n_meters = count_missing_meters(sm);
    if (n_meters) {
        sm->lost = true;
        cb(aux, SAMPLE_TABLE, "meters of samples", n_meters, 0);
    }
    for (unsigned i = 0; i < SAMPLING_N_FLOWS; i++) {
        n_missing += was_desired(sm, i) && !bitmap_is_set(sm->audited, i);
    }
    if (n_missing || sm->n_unknown) {
        sm->lost = true;
        cb(aux, SAMPLE_TABLE, "flows to meters of samples", n_missing,
           sm->n_unknown);
    }
}

/* Requests the meters again, which may be missing as well, and continues from
 * there: a flow without its meter is refused. */
void
sampling_audit_repair(struct fabric_switch *sw, void *sm_)
{
    struct sampling_meters *sm = sm_;

    if (sm->lost && sm->state == SAMPLING_ON && !sm->config_xid) {
        memset(sm->meters, METER_ABSENT, sizeof sm->meters);
        sm->config_xid = sampling_request_meters(sw);
    }
}
