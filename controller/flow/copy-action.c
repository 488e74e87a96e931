/* SPDX-License-Identifier: Apache-2.0
 *
 * vmn_act_copy(); see copy-action.h.
 *
 * A meter whose packets it drops ends the datapath's actions, so one stands
 * inside of a clone, or in the action that sends up: what comes after it is
 * done with the packet in any case.  Open vSwitch makes a clone() an action of
 * the datapath only if something in it cannot be taken back, such as a meter;
 * one that only resubmits to a flow with a meter would not be, and the packet
 * itself would be dropped. */

#include <config.h>

#include "controller/flow/copy-action.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/flow/emit.h"
#include "controller/flow/punt-action.h"
#include "openflow/openflow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* Before the object in the user data: what it is, and how much of a packet is
 * wanted.  Switches say so much of it as they like: Open vSwitch takes the
 * length of a controller action for advice, and sends all. */
#define ID_SIZE 8
#define HEAD_SIZE (ID_SIZE + 2)

static ovs_be64
copy_id(void)
{
    return htonll(punt_handler_id("vmn", "copy"));
}

void
copy_put(struct ofpbuf *ofpacts, const char *object, uint16_t max_len,
         uint32_t meter)
{
    struct ofpact_controller *controller = ofpact_put_CONTROLLER(ofpacts);
    const ovs_be16 size = htons(max_len);
    const ovs_be64 id = copy_id();

    controller->max_len = max_len;
    controller->reason = OFPR_ACTION;
    controller->meter_id = meter;
    controller->provider_meter_id = UINT32_MAX;
    controller->userdata_len = HEAD_SIZE + strlen(object);
    ofpbuf_put(ofpacts, &id, sizeof id);
    ofpbuf_put(ofpacts, &size, sizeof size);
    ofpbuf_put(ofpacts, object, strlen(object));
    controller = ofpacts->header;
    ofpact_finish_CONTROLLER(ofpacts, &controller);
}

bool
copy_parse(const uint8_t *userdata, size_t size, struct copy_about *about)
{
    const ovs_be64 id = copy_id();
    ovs_be16 max_len;

    BUILD_ASSERT_DECL(sizeof id == ID_SIZE);
    if (size <= HEAD_SIZE || size > HEAD_SIZE + COPY_OBJECT_MAX
        || memcmp(userdata, &id, sizeof id)) {
        return false;
    }
    memcpy(&max_len, userdata + ID_SIZE, sizeof max_len);
    *about = (struct copy_about) {
        .object = (const char *) userdata + HEAD_SIZE,
        .object_len = size - HEAD_SIZE,
        .max_len = ntohs(max_len),
    };
    return true;
}

/* No other clone begins with a meter. */
bool
copy_is_action(const struct ofpact *a)
{
    const struct ofpact_controller *controller;
    struct copy_about about;

    if (a->type == OFPACT_CLONE) {
        const struct ofpact_nest *clone = ofpact_get_CLONE(a);

        return (ofpact_nest_get_action_len(clone)
                && clone->actions->type == OFPACT_METER);
    } else if (a->type == OFPACT_CONTROLLER) {
        controller = ofpact_get_CONTROLLER(a);
        return copy_parse(controller->userdata, controller->userdata_len,
                          &about);
    }
    return false;
}

/* Copies.  ---------------------------------------------------------------- */

/* Returns "TYPE/NAME" of the object; NULL, with emit_fail(), if there is none.
 * The caller frees it. */
static char *
object_of(struct vmn_actions *a, const struct vmn_copy *copy)
{
    const struct vmn_app_class *app = a->emit->app->class_;
    unsigned n = 0;

    while (app->types && app->types[n].name) {
        n++;
    }
    if (copy->type >= n) {
        emit_fail(a->emit, "app %s has no type %u of its own: it has %u, from "
                  "0", app->name, copy->type, n);
    } else if (!copy->name || strlen(copy->name) > VMN_NAME_LEN) {
        emit_fail(a->emit, "a copy lacks the name of its object");
    } else {
        return xasprintf("%s/%s", app->types[copy->type].name, copy->name);
    }
    return NULL;
}

static struct flow_limit
limit_of(const struct vmn_copy *copy)
{
    return (struct flow_limit) { .rate = copy->rate, .burst = copy->burst };
}

static void
copy_to_readers(struct vmn_actions *a, const struct vmn_copy *copy)
{
    char *object = object_of(a, copy);

    if (object && copy->max_size < VMN_COPY_SIZE_MIN) {
        emit_fail(a->emit, "a copy is of %d bytes at least",
                  VMN_COPY_SIZE_MIN);
    } else if (object
               && actions_begin_limit(a, copy->key, limit_of(copy),
                                      VMN_COPY_RATE_MAX, "copies")) {
        copy_put(&a->ofpacts, object, copy->max_size, a->limit.meter);
    }
    free(object);
}

static void
copy_to_table(struct vmn_actions *a, const struct vmn_copy *copy)
{
    int table = emit_table(a->emit, copy->stage, copy->table);
    struct ofpbuf *ofpacts = &a->ofpacts;
    size_t ofs = ofpacts->size;
    struct ofpact_resubmit *resubmit;
    struct ofpact_nest *clone;

    if (table < 0 || !actions_is_later(a, copy->stage, table)
        || !actions_begin_limit(a, copy->key, limit_of(copy), VMN_LIMIT_MAX,
                                "copies")) {
        return;
    }
    /* Nested actions are built at the start of the buffer. */
    ofpbuf_pull(ofpacts, ofs);
    ofpact_put_CLONE(ofpacts);
    ofpbuf_pull(ofpacts, sizeof *clone);
    actions_put_meter(a);
    resubmit = ofpact_put_RESUBMIT(ofpacts);
    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = table;
    clone = ofpacts->header = ofpbuf_push_uninit(ofpacts, sizeof *clone);
    ofpact_finish_CLONE(ofpacts, &clone);
    ofpbuf_push_uninit(ofpacts, ofs);
}

void
vmn_act_copy(struct vmn_actions *a, const struct vmn_copy *copy)
{
    if (copy->to == VMN_COPY_TO_READERS) {
        copy_to_readers(a, copy);
    } else if (copy->to == VMN_COPY_TO_TABLE) {
        copy_to_table(a, copy);
    } else {
        emit_fail(a->emit, "a copy goes to a table or to readers");
    }
}
