/* SPDX-License-Identifier: Apache-2.0
 *
 * vmn_act_copy(); see copy-action.h.
 *
 * A meter whose packets it drops ends the datapath's actions, so one stands
 * behind a clone, or in the action that sends up: what comes after that is
 * done with the packet in any case.  The meter is in the flow to which the
 * clone resubmits: ovs-ofctl (of Open vSwitch 3.1) writes one in a clone's own
 * actions, and does not read it: flows that were written down, by ovs-save or
 * by hand, would be refused for it.  But Open vSwitch makes a clone an action
 * of the datapath only if one of its own actions cannot be taken back, and a
 * resubmit can, whatever the flow there does: the packet itself would be
 * dropped.  An output that is cut off cannot, so one that goes nowhere is in
 * it. */

#include <config.h>

#include "controller/flow/copy-action.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/flow/emit.h"
#include "controller/flow/punt-action.h"
#include "flow.h"
#include "openflow/openflow.h"
#include "openvswitch/meta-flow.h"
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

/* No other clone has an output that is cut off. */
bool
copy_is_action(const struct ofpact *a)
{
    const struct ofpact_controller *controller;
    const struct ofpact *nested;
    struct copy_about about;

    if (a->type == OFPACT_CLONE) {
        const struct ofpact_nest *clone = ofpact_get_CLONE(a);

        OFPACT_FOR_EACH (nested, clone->actions,
                         ofpact_nest_get_action_len(clone)) {
            if (nested->type == OFPACT_OUTPUT_TRUNC) {
                return true;
            }
        }
        return false;
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
put_set(struct ofpbuf *ofpacts, enum mf_field_id id,
        const union mf_value *value)
{
    ofpact_put_set_field(ofpacts, mf_from_id(id), value, NULL);
}

/* Appends what makes a clone one of the datapath's: an action that cannot be
 * taken back, and here does nothing, since no packet leaves by the port that
 * it came by.  From there on the copy has come by none, and is not what a live
 * trace follows: it has neither metadata nor tun_gbp_id (trace-copy.h), so
 * that it is not followed either where it is dropped, or handed to an app.
 * tun_gbp_flags may stay, as nothing matches them alone. */
static void
put_irreversible(struct ofpbuf *ofpacts)
{
    static const union mf_value local = { .be16 = CONSTANT_HTONS(0xfffe) };
    static const union mf_value none = { .be16 = OVS_BE16_MAX };
    static const union mf_value no_mark = { .be64 = 0 };
    static const union mf_value no_second_mark = { .be16 = 0 };
    struct ofpact_output_trunc *output;

    put_set(ofpacts, MFF_IN_PORT, &local);
    output = ofpact_put_OUTPUT_TRUNC(ofpacts);
    output->port = OFPP_LOCAL;
    output->max_len = VMN_COPY_SIZE_MIN;
    put_set(ofpacts, MFF_IN_PORT, &none);
    put_set(ofpacts, MFF_METADATA, &no_mark);
    put_set(ofpacts, MFF_TUN_GBP_ID, &no_second_mark);
}

static void
copy_to_table(struct vmn_actions *a, const struct vmn_copy *copy)
{
    int table = emit_table(a->emit, copy->stage, copy->table);
    struct ofpbuf *ofpacts = &a->ofpacts;
    struct ofpact_resubmit *resubmit;
    struct ofpact_nest *clone;
    size_t ofs = ofpacts->size;

    if (copy->key) {
        emit_fail(a->emit, "a copy to a table has no limit but there");
        return;
    } else if (a->in_bucket) {
        emit_fail(a->emit, "a bucket cannot copy");
        return;
    } else if (table < 0 || !actions_is_later(a, copy->stage, table)
               || !actions_begin(a)) {
        return;
    }
    /* Nested actions are built at the start of the buffer. */
    ofpbuf_pull(ofpacts, ofs);
    ofpact_put_CLONE(ofpacts);
    ofpbuf_pull(ofpacts, sizeof *clone);
    put_irreversible(ofpacts);
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

/* Where copies leave.  ---------------------------------------------------- */

/* Returns what is wrong with the tunnel, or NULL. */
static const char *
tunnel_fault(const struct vmn_copy_tunnel *t)
{
    bool erspan = t->encap == VMN_COPY_ERSPAN;

    return ((unsigned) t->encap > VMN_COPY_ERSPAN
            ? "a tunnel is of GRE or ERSPAN"
            : t->remote.family != 4 && t->remote.family != 6
            ? "a tunnel needs a remote address"
            : !erspan ? NULL
            : t->erspan_ver != 1 && t->erspan_ver != 2
            ? "ERSPAN has the versions 1 and 2"
            : t->key > VMN_COPY_SESSION_MAX
            ? "an ERSPAN session is 0 to 1023"
            : t->erspan_idx > VMN_COPY_INDEX_MAX
            ? "an ERSPAN index has 20 bits"
            : t->erspan_hwid > VMN_COPY_HWID_MAX
            ? "an ERSPAN hardware ID has 6 bits" : NULL);
}

/* A packet that came by a tunnel has that one's addresses, of either family:
 * both are set, unless all tunnels are of the 'same_family'. */
static void
put_remote(struct ofpbuf *ofpacts, const struct vmn_ip *ip, bool same_family)
{
    union mf_value v4 = { .be32 = 0 }, v6 = { .be32 = 0 };

    memset(&v6.ipv6, 0, sizeof v6.ipv6);
    if (ip->family == 4) {
        memcpy(&v4.be32, ip->addr, sizeof v4.be32);
    } else {
        memcpy(&v6.ipv6, ip->addr, sizeof v6.ipv6);
    }
    if (ip->family == 4 || !same_family) {
        put_set(ofpacts, MFF_TUN_DST, &v4);
    }
    if (ip->family == 6 || !same_family) {
        put_set(ofpacts, MFF_TUN_IPV6_DST, &v6);
    }
}

static void
put_erspan(struct ofpbuf *ofpacts, const struct vmn_copy_tunnel *t)
{
    struct ofpact_reg_move *move;

    put_set(ofpacts, MFF_TUN_ERSPAN_VER,
            &(const union mf_value) { .u8 = t->erspan_ver });
    if (t->erspan_ver == 1) {
        put_set(ofpacts, MFF_TUN_ERSPAN_IDX,
                &(const union mf_value) { .be32 = htonl(t->erspan_idx) });
        return;
    }
    put_set(ofpacts, MFF_TUN_ERSPAN_HWID,
            &(const union mf_value) { .u8 = t->erspan_hwid });
    BUILD_ASSERT_DECL(VMN_COPIED_TO == UINT32_C(1) << 31);
    move = ofpact_put_REG_MOVE(ofpacts);
    move->src = field_subfield(VMN_REG_COPIED);
    move->src.ofs = 31;
    move->dst.field = mf_from_id(MFF_TUN_ERSPAN_DIR);
    move->dst.ofs = 0;
    move->src.n_bits = move->dst.n_bits = 1;
}

static void
put_output(struct ofpbuf *ofpacts, uint32_t ofport, uint16_t max_size)
{
    if (max_size == UINT16_MAX) {
        struct ofpact_output *output = ofpact_put_OUTPUT(ofpacts);

        output->port = u16_to_ofp(ofport);
        output->max_len = 0;
    } else {
        struct ofpact_output_trunc *output
            = ofpact_put_OUTPUT_TRUNC(ofpacts);

        output->port = u16_to_ofp(ofport);
        output->max_len = max_size;
    }
}

/* Begins with the copy's limit.  Returns false if there is something wrong. */
static bool
begin_copy(struct vmn_actions *a, const struct vmn_copy *copy)
{
    if (copy->max_size < VMN_COPY_SIZE_MIN) {
        emit_fail(a->emit, "a copy is of %d bytes at least",
                  VMN_COPY_SIZE_MIN);
    } else if (a->ofpacts.size) {
        emit_fail(a->emit, "a copy leaves by a flow's first action");
    } else if (actions_begin_limit(a, copy->key, limit_of(copy),
                                   VMN_LIMIT_MAX, "copies")) {
        actions_put_meter(a);
        return true;
    }
    return false;
}

void
vmn_act_copy_to_port(struct vmn_actions *a, const struct vmn_copy *copy,
                     uint32_t ofport)
{
    if (!ofport || ofport >= ofp_to_u16(OFPP_MAX)) {
        emit_fail(a->emit, "%"PRIu32" is no OpenFlow port number", ofport);
    } else if (begin_copy(a, copy)) {
        put_output(&a->ofpacts, ofport, copy->max_size);
    }
}

static void
copy_to_tunnel(struct vmn_actions *a, const struct vmn_copy *copy,
               const struct vmn_copy_tunnel *t, bool same_family)
{
    const char *fault = tunnel_fault(t);
    union mf_value key;

    if (fault) {
        emit_fail(a->emit, "%s", fault);
    } else if (begin_copy(a, copy)) {
        key.be64 = htonll(t->key);
        put_set(&a->ofpacts, MFF_TUN_ID, &key);
        put_remote(&a->ofpacts, &t->remote, same_family);
        if (t->encap == VMN_COPY_ERSPAN) {
            put_erspan(&a->ofpacts, t);
        }
        put_output(&a->ofpacts, VMN_COPY_OFPORT(t->encap, t->remote.family),
                   copy->max_size);
    }
}

void
vmn_act_copy_to_tunnel(struct vmn_actions *a, const struct vmn_copy *copy,
                       const struct vmn_copy_tunnel *t)
{
    copy_to_tunnel(a, copy, t, false);
}

void
vmn_act_copy_to_same_family(struct vmn_actions *a,
                            const struct vmn_copy *copy,
                            const struct vmn_copy_tunnel *t)
{
    copy_to_tunnel(a, copy, t, true);
}
