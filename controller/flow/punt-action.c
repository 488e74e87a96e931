/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions that send packets to the controller; see punt-action.h. */

#include <config.h>

#include "controller/flow/punt-action.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/flow/flow-item.h"
#include "openflow/openflow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* Where they are in OpenFlow's metadata. */
#define SIZE_SHIFT PUNT_SENDER_BITS
#define ARG_SHIFT 32
BUILD_ASSERT_DECL(PUNT_SIZE_ALL == (1 << (ARG_SHIFT - SIZE_SHIFT)) - 1);

uint64_t
punt_metadata(const struct punt *punt)
{
    return ((uint64_t) punt->arg << ARG_SHIFT
            | (uint64_t) MIN(punt->max_size, PUNT_SIZE_ALL) << SIZE_SHIFT);
}

struct punt
punt_parse(uint64_t tun_id, uint64_t metadata)
{
    return (struct punt) {
        .handler_id = tun_id,
        .arg = (uint32_t) (metadata >> ARG_SHIFT),
        .max_size = (metadata >> SIZE_SHIFT) & PUNT_SIZE_ALL,
    };
}

static void
put_u64(struct ofpbuf *ofpacts, enum mf_field_id id, uint64_t value)
{
    const union mf_value mfv = { .be64 = htonll(value) };

    ofpact_put_set_field(ofpacts, mf_from_id(id), &mfv, NULL);
}

void
punt_put(struct ofpbuf *ofpacts, const struct punt *punt)
{
    size_t ofs = ofpacts->size;
    struct ofpact_resubmit *resubmit;
    struct ofpact_nest *clone;

    /* Nested actions are built at the start of the buffer. */
    ofpbuf_pull(ofpacts, ofs);
    ofpact_put_CLONE(ofpacts);
    ofpbuf_pull(ofpacts, sizeof *clone);
    put_u64(ofpacts, MFF_TUN_ID, punt->handler_id);
    put_u64(ofpacts, MFF_METADATA, punt_metadata(punt));
    resubmit = ofpact_put_RESUBMIT(ofpacts);
    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = PUNT_TABLE;
    clone = ofpacts->header = ofpbuf_push_uninit(ofpacts, sizeof *clone);
    ofpact_finish_CLONE(ofpacts, &clone);
    ofpbuf_push_uninit(ofpacts, ofs);
}

bool
punt_is_action(const struct ofpact *a)
{
    const struct ofpact_nest *clone;
    const struct ofpact *nested;

    if (a->type != OFPACT_CLONE) {
        return false;
    }
    clone = ofpact_get_CLONE(a);
    OFPACT_FOR_EACH (nested, clone->actions,
                     ofpact_nest_get_action_len(clone)) {
        if (nested->type == OFPACT_RESUBMIT
            && ofpact_get_RESUBMIT(nested)->table_id == PUNT_TABLE) {
            return true;
        }
    }
    return false;
}

uint64_t
punt_handler_id(const char *app, const char *handler)
{
    char *name = xasprintf("%s.%s", app, handler);
    uint64_t id = stable_hash64(name, strlen(name), 0);

    free(name);
    return id;
}

void
punt_put_userdata(uint8_t userdata[PUNT_USERDATA_SIZE],
                  enum punt_userdata what)
{
    const ovs_be64 id = htonll(what == PUNT_USERDATA_SAMPLE
                               ? punt_handler_id("vmn", "tap")
                               : punt_handler_id("vmn", "punt"));

    memset(userdata, 0, PUNT_USERDATA_SIZE);
    memcpy(userdata, &id, sizeof id);
}

bool
punt_is_userdata(const uint8_t *userdata, size_t size,
                 enum punt_userdata what)
{
    uint8_t desired[PUNT_USERDATA_SIZE];

    punt_put_userdata(desired, what);
    return size == sizeof desired && !memcmp(userdata, desired, size);
}

void
punt_put_copy(struct ofpbuf *ofpacts, enum punt_userdata what,
              uint16_t max_len, uint32_t meter)
{
    struct ofpact_controller *controller = ofpact_put_CONTROLLER(ofpacts);
    uint8_t userdata[PUNT_USERDATA_SIZE];

    punt_put_userdata(userdata, what);
    controller->max_len = max_len;
    controller->reason = OFPR_ACTION;
    controller->meter_id = meter;
    controller->provider_meter_id = UINT32_MAX;
    controller->userdata_len = sizeof userdata;
    ofpbuf_put(ofpacts, userdata, sizeof userdata);
    controller = ofpacts->header;
    ofpact_finish_CONTROLLER(ofpacts, &controller);
}
