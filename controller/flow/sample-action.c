/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions that have packets sampled; see sample-action.h. */

#include <config.h>

#include "controller/flow/sample-action.h"

#include <string.h>

#include "byte-order.h"
#include "controller/flow/flow-item.h"
#include "controller/flow/punt-action.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "util.h"

uint32_t
sample_reason_hash(const char *reason)
{
    return stable_hash64(reason, strlen(reason), 0) & SAMPLE_REASON_MASK;
}

static void
put_reg(struct ofpbuf *ofpacts, int reg, uint32_t value)
{
    const union mf_value mfv = { .be32 = htonl(value) };

    ofpact_put_set_field(ofpacts, mf_from_id(MFF_REG0 + reg), &mfv, NULL);
}

void
sample_action_put(struct ofpbuf *ofpacts, uint64_t cookie, uint32_t part,
                  const char *reason, bool log, bool counted)
{
    const union mf_value mfv = { .be64 = htonll(cookie) };

    ofpact_put_set_field(ofpacts, mf_from_id(MFF_METADATA), &mfv, NULL);
    put_reg(ofpacts, SAMPLE_PART_REG, part);
    put_reg(ofpacts, SAMPLE_KIND_REG,
            (log ? SAMPLE_LOG : 0) | (counted ? 0 : SAMPLE_UNCOUNTED)
            | (reason ? SAMPLE_DROP | sample_reason_hash(reason) : 0));
    if (reason) {
        ofpact_put_GOTO_TABLE(ofpacts)->table_id = SAMPLE_TABLE;
    } else {
        struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(ofpacts);

        resubmit->in_port = OFPP_IN_PORT;
        resubmit->table_id = SAMPLE_TABLE;
    }
}

/* Returns the offset of the actions that lead to SAMPLE_TABLE and end there,
 * or 'ofpacts_len'.  Only punts and groups come before these. */
static size_t
find_drop(const struct ofpact *ofpacts, size_t ofpacts_len)
{
    const struct ofpact *a, *first = NULL, *last = NULL;

    OFPACT_FOR_EACH (a, ofpacts, ofpacts_len) {
        if (!first && !punt_is_action(a) && a->type != OFPACT_GROUP) {
            first = a;
        }
        last = a;
    }
    return (last && last->type == OFPACT_GOTO_TABLE
            && ofpact_get_GOTO_TABLE(last)->table_id == SAMPLE_TABLE
            ? (size_t) ((const char *) first - (const char *) ofpacts)
            : ofpacts_len);
}

void
sample_action_format(const struct ofpact *ofpacts, size_t ofpacts_len,
                     struct ds *ds)
{
    struct ofpact_format_params params = { .s = ds };
    size_t rest = find_drop(ofpacts, ofpacts_len);

    if (rest || !ofpacts_len) {
        ofpacts_format(ofpacts, rest, &params);
    }
    if (rest < ofpacts_len) {
        ds_put_cstr(ds, rest ? ",drop" : "drop");
    }
}
