/* SPDX-License-Identifier: Apache-2.0
 *
 * ct() actions: connection tracking with NAT and marks; that part of
 * include/vmn/flow.h. */

#include <config.h>

#include "controller/flow/emit.h"

#include <netinet/in.h>
#include <string.h>

#include "openflow/openflow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "util.h"

static void
set_range(struct ofpact_nat *nat, const struct vmn_ip *first,
          const struct vmn_ip *last)
{
    if (first->family == 4) {
        nat->range_af = AF_INET;
        memcpy(&nat->range.addr.ipv4.min, first->addr, 4);
        if (last->family == 4) {
            memcpy(&nat->range.addr.ipv4.max, last->addr, 4);
        }
    } else {
        nat->range_af = AF_INET6;
        memcpy(&nat->range.addr.ipv6.min, first->addr, 16);
        if (last->family == 6) {
            memcpy(&nat->range.addr.ipv6.max, last->addr, 16);
        }
    }
}

/* Appends NAT; 'ports', if not NULL, are the source ports that a connection
 * may get. */
static void
put_nat(struct ofpbuf *ofpacts, const struct vmn_ct *spec,
        const struct vmn_port_range *ports)
{
    static const struct vmn_ip none;
    /* Nested actions are built at the start of the buffer. */
    size_t ofs = ofpacts->size;

    ofpbuf_pull(ofpacts, ofs);

    struct ofpact_nat *nat = ofpact_put_NAT(ofpacts);

    nat->range_af = AF_UNSPEC;
    if (spec->commit && spec->dnat.family) {
        nat->flags = NX_NAT_F_DST;
        set_range(nat, &spec->dnat, &none);
        nat->range.proto.min = spec->dnat_port;
    } else if (spec->commit && spec->snat.family) {
        nat->flags = NX_NAT_F_SRC;
        set_range(nat, &spec->snat, &spec->snat_last);
        if (ports) {
            nat->range.proto.min = ports->first;
            nat->range.proto.max = ports->last;
        }
    }
    ofpacts->header = ofpbuf_push_uninit(ofpacts, ofs);
}

/* Appends an action that sets the connection's mark to the value of 'reg'. */
static void
put_mark(struct ofpbuf *ofpacts, enum vmn_field reg)
{
    size_t ofs = ofpacts->size;

    ofpbuf_pull(ofpacts, ofs);

    struct ofpact_reg_move *move = ofpact_put_REG_MOVE(ofpacts);

    move->src = field_subfield(reg);
    move->dst = field_subfield(VMN_F_CT_MARK);
    ofpacts->header = ofpbuf_push_uninit(ofpacts, ofs);
}

static bool
ct_table(struct vmn_actions *a, const struct vmn_ct *spec, uint8_t *table)
{
    int number = NX_CT_RECIRC_NONE;

    if (spec->then == VMN_CT_NEXT) {
        number = actions_next_table(a);
    } else if (spec->then == VMN_CT_TABLE) {
        number = emit_table(a->emit, spec->stage, spec->table);
    }
    if (number < 0) {
        return false;
    }
    *table = number;
    return true;
}

/* A connection that is in the policies' zone is one that these have let in.
 * An app of others' may add to that only behind them; a bucket may be taken
 * anywhere. */
static bool
forges_verdict(const struct vmn_actions *a, const struct vmn_ct *spec)
{
    return (spec->commit && spec->zone == VMN_REG_ZONE
            && !a->emit->app->builtin
            && (!a->stage || a->stage->class_->hook <= VMN_HOOK_POLICY));
}

static void
act_ct(struct vmn_actions *a, const struct vmn_ct *spec,
       const struct vmn_port_range *ports)
{
    struct ofpbuf *ofpacts = &a->ofpacts;
    uint8_t table;

    if (!ct_table(a, spec, &table) || !actions_begin(a)) {
        return;
    }
    if (spec->then > VMN_CT_TABLE) {
        emit_fail(a->emit, "a packet does not go on by %u after ct()",
                  (unsigned) spec->then);
        return;
    }
    if (!field_is_register(spec->zone)) {
        emit_fail(a->emit, "a zone comes from a register");
        return;
    }
    if (forges_verdict(a, spec)) {
        emit_fail(a->emit, "a connection is not committed in VMN_REG_ZONE, "
                  "the policies' zone, before these have judged it");
        return;
    }
    if (spec->dnat.family && spec->snat.family) {
        emit_fail(a->emit, "a connection's source and destination are not "
                  "translated at once");
        return;
    }
    if (spec->mark && (!spec->commit || !field_is_register(spec->mark_from))) {
        emit_fail(a->emit, "a mark is committed from a register");
        return;
    }

    size_t ofs = ofpacts->size;

    ofpbuf_pull(ofpacts, ofs);

    struct ofpact_conntrack *ct = ofpact_put_CT(ofpacts);

    ct->flags = spec->commit ? NX_CT_F_COMMIT : 0;
    ct->zone_src = field_subfield(spec->zone);
    ct->zone_src.n_bits = 16;
    ct->recirc_table = table;
    if (spec->nat) {
        put_nat(ofpacts, spec, ports);
    }
    if (spec->mark) {
        put_mark(ofpacts, spec->mark_from);
    }
    ct = ofpacts->header;
    ofpact_finish_CT(ofpacts, &ct);
    ofpbuf_push_uninit(ofpacts, ofs);
    if (spec->then != VMN_CT_STOP) {
        a->ended = true;
    }
}

void
vmn_act_ct(struct vmn_actions *a, const struct vmn_ct *spec)
{
    act_ct(a, spec, NULL);
}

void
vmn_act_ct_snat_ports(struct vmn_actions *a, const struct vmn_ct *spec,
                      uint16_t first, uint16_t last)
{
    const struct vmn_port_range ports = { first, last };

    if (!first || last < first || !spec->commit || !spec->snat.family) {
        emit_fail(a->emit, "ports %u to %u are of no source NAT", first,
                  last);
        return;
    }
    act_ct(a, spec, &ports);
}
