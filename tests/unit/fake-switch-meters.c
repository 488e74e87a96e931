/* SPDX-License-Identifier: Apache-2.0
 *
 * The meters of the fake switch: those of the first bank that came, or none,
 * and those of flows with a limit; see fake-switch.h. */

#include <config.h>

#include "tests/unit/fake-switch-private.h"

#include "controller/fabric/packets/sampling-meters.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofp-msgs.h"
#include "util.h"

static struct fake_limit *
find_limit(struct fake_switch *fs, uint32_t meter)
{
    for (size_t i = 0; i < fs->n_limits; i++) {
        if (fs->limits[i].meter == meter) {
            return &fs->limits[i];
        }
    }
    return NULL;
}

bool
fake_has_meters(struct fake_switch *fs, const struct ofputil_flow_mod *fm)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, fm->ofpacts, fm->ofpacts_len) {
        if (a->type == OFPACT_METER
            && !find_limit(fs, ofpact_get_METER(a)->meter_id)) {
            return false;
        }
    }
    return true;
}

void
fake_tell_meters(struct fake_switch *fs, const struct ofp_header *request)
{
    struct ovs_list replies;

    fs->n_meter_asks++;
    ofpmp_init(&replies, request);
    for (unsigned i = 0; i < MIN(fs->n_meter_mods, 2 * SAMPLING_METERS); i++) {
        struct ofputil_meter_band band = {
            .type = OFPMBT13_DROP,
            .rate = (i < SAMPLING_METERS
                     ? SAMPLING_DROP_RATE : SAMPLING_LOG_RATE),
            .burst_size = (i < SAMPLING_METERS ? SAMPLING_DROP_BURST
                           : SAMPLING_LOG_BURST),
        };
        const struct ofputil_meter_config mc = {
            .meter_id = SAMPLING_FIRST_METER + i,
            .flags = OFPMF13_PKTPS | OFPMF13_BURST,
            .n_bands = 1, .bands = &band,
        };

        ofputil_append_meter_config(&replies, &mc);
    }
    for (size_t i = 0; i < fs->n_limits; i++) {
        struct ofputil_meter_band band = {
            .type = OFPMBT13_DROP,
            .rate = fs->limits[i].rate,
            .burst_size = fs->limits[i].burst,
        };
        const struct ofputil_meter_config mc = {
            .meter_id = fs->limits[i].meter,
            .flags = OFPMF13_PKTPS | OFPMF13_BURST,
            .n_bands = 1, .bands = &band,
        };

        ofputil_append_meter_config(&replies, &mc);
    }
    fake_send_list(fs, &replies);
}

void
fake_tell_meter_features(struct fake_switch *fs,
                         const struct ofp_header *request)
{
    const struct ofputil_meter_features mf = {
        .max_meters = fs->meters ? 65536 : 0,
        .band_types = 1u << OFPMBT13_DROP,
        .capabilities = OFPMF13_PKTPS | OFPMF13_BURST,
        .max_bands = 8,
    };

    fake_switch_send(fs, ofputil_encode_meter_features_reply(&mf, request));
}

/* Deletes a limit's meter, and the flows that have it. */
static void
delete_limit(struct fake_switch *fs, struct fake_limit *limit)
{
    struct fake_flow *flow, *next;

    LIST_FOR_EACH_SAFE (flow, next, node, &fs->flows) {
        struct ofputil_flow_mod fm;
        struct ofpbuf ofpacts;
        uint32_t meter = limit->meter;
        bool has_it = false;

        ofpbuf_init(&ofpacts, 0);
        limit->meter = 0;
        if (fake_decode(&fm, flow->mod, &ofpacts)) {
            has_it = !fake_has_meters(fs, &fm);
            minimatch_destroy(&fm.match);
        }
        limit->meter = meter;
        ofpbuf_uninit(&ofpacts);
        if (has_it) {
            fake_flow_free(flow);
        }
    }
    *limit = fs->limits[--fs->n_limits];
}

static void
limit_mod(struct fake_switch *fs, const struct ofputil_meter_mod *mm,
          const struct ofp_header *oh)
{
    struct fake_limit *limit = find_limit(fs, mm->meter.meter_id);

    fs->n_limit_mods++;
    if (mm->command == OFPMC13_DELETE) {
        if (limit) {
            delete_limit(fs, limit);
        }
        return;
    }
    if ((mm->command == OFPMC13_ADD) == (limit != NULL)) {
        fake_send_error(fs, limit ? OFPERR_OFPMMFC_METER_EXISTS
                        : OFPERR_OFPMMFC_UNKNOWN_METER, oh);
        return;
    }
    if (!limit) {
        ovs_assert(fs->n_limits < ARRAY_SIZE(fs->limits));
        limit = &fs->limits[fs->n_limits++];
    }
    *limit = (struct fake_limit) {
        .meter = mm->meter.meter_id,
        .rate = mm->meter.bands[0].rate,
        .burst = mm->meter.bands[0].burst_size,
    };
}

void
fake_meter_mod(struct fake_switch *fs, const struct ofp_header *oh)
{
    struct ofputil_meter_mod mm;
    struct ofpbuf bands;

    ofpbuf_init(&bands, 64);
    if (fs->refuse_meters) {
        fake_send_error(fs, OFPERR_OFPMMFC_OUT_OF_METERS, oh);
    } else if (!ofputil_decode_meter_mod(oh, &mm, &bands)
               && mm.meter.meter_id >= PACKET_IN_METERS_FIRST) {
        limit_mod(fs, &mm, oh);
    } else {
        fs->n_meter_mods++;
    }
    ofpbuf_uninit(&bands);
}
