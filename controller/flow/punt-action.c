/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions that send packets to the controller; see punt-action.h. */

#include <config.h>

#include "controller/flow/punt-action.h"

#include <stdlib.h>
#include <string.h>

#include "controller/flow/flow-item.h"
#include "openflow/openflow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "util.h"

void
punt_put(struct ofpbuf *ofpacts, const uint8_t *userdata, size_t size,
         uint16_t max_size)
{
    struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(ofpacts);
    struct ofpact_controller *controller;

    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = PUNT_TABLE;
    controller = ofpact_put_CONTROLLER(ofpacts);
    controller->max_len = max_size;
    controller->reason = OFPR_ACTION;
    controller->meter_id = NX_CTLR_NO_METER;
    controller->provider_meter_id = UINT32_MAX;
    controller->userdata_len = size;
    ofpbuf_put(ofpacts, userdata, size);
    controller = ofpacts->header;
    ofpact_finish_CONTROLLER(ofpacts, &controller);
}

/* Appends an action without effect on a copy that is dropped next.  For a
 * clone(), ovs-vswitchd makes a copy in the datapath only if it holds an
 * irreversible action (reversible_actions() in ofproto/ofproto-dpif-xlate.c);
 * otherwise the meter would drop the packet itself. decap() is irreversible,
 * for packets without a VLAN tag. */
static void
put_irreversible(struct ofpbuf *ofpacts)
{
    static const union mf_value no_tag;

    ofpact_put_set_field(ofpacts, mf_from_id(MFF_VLAN_TCI), &no_tag, NULL);
    ofpact_put_DECAP(ofpacts)->new_pkt_type = htonl(PT_USE_NEXT_PROTO);
}

void
punt_continue(struct ofpbuf *ofpacts, size_t ofs)
{
    size_t size = ofpacts->size - ofs;
    void *punt = xmemdup(ofpbuf_at_assert(ofpacts, ofs, size), size);
    struct ofpact_nest *clone;

    /* Nested actions are built at the start of the buffer. */
    ofpacts->size = ofs;
    ofpbuf_pull(ofpacts, ofs);
    ofpact_put_CLONE(ofpacts);
    ofpbuf_put(ofpacts, punt, size);
    ofpbuf_pull(ofpacts, sizeof *clone);
    put_irreversible(ofpacts);
    clone = ofpacts->header = ofpbuf_push_uninit(ofpacts, sizeof *clone);
    ofpact_finish_CLONE(ofpacts, &clone);
    ofpbuf_push_uninit(ofpacts, ofs);
    free(punt);
}

bool
punt_is_part(const struct ofpact *a)
{
    return (a->type == OFPACT_CONTROLLER || a->type == OFPACT_CLONE
            || (a->type == OFPACT_RESUBMIT
                && ofpact_get_RESUBMIT(a)->table_id == PUNT_TABLE));
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
punt_put_userdata(uint8_t userdata[PUNT_USERDATA_SIZE], const char *app,
                  const char *handler, uint32_t arg)
{
    ovs_be64 id = htonll(punt_handler_id(app, handler));
    ovs_be32 be_arg = htonl(arg);

    memcpy(userdata, &id, sizeof id);
    memcpy(userdata + sizeof id, &be_arg, sizeof be_arg);
}

bool
punt_parse_userdata(const uint8_t *userdata, size_t size,
                    uint64_t *handler_id, uint32_t *arg)
{
    ovs_be64 id;
    ovs_be32 be_arg;

    if (size != PUNT_USERDATA_SIZE) {
        return false;
    }
    memcpy(&id, userdata, sizeof id);
    memcpy(&be_arg, userdata + sizeof id, sizeof be_arg);
    *handler_id = ntohll(id);
    *arg = ntohl(be_arg);
    return true;
}
