/* SPDX-License-Identifier: Apache-2.0
 *
 * Implements the actions of include/vmn/flow.h, of flows and of buckets, with
 * libopenvswitch's ofpacts. */

#include <config.h>

#include "controller/flow/emit.h"
#include "controller/flow/learn-client.h"
#include "controller/flow/learn-connection.h"
#include "controller/flow/learn-mac.h"
#include "controller/flow/learn-neighbour.h"
#include "controller/flow/punt-action.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "openflow/openflow.h"
#include "flow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "util.h"

void
actions_init(struct vmn_actions *a, struct vmn_emit *emit,
             const struct pipeline_stage *stage, uint8_t table,
             bool in_bucket)
{
    *a = (struct vmn_actions) {
        .emit = emit,
        .ofpacts = a->ofpacts,
        .stage = stage,
        .table = table,
        .in_bucket = in_bucket,
    };
}

/* Begins an action.  Returns false if none may follow. */
static bool
begin(struct vmn_actions *a)
{
    if (a->ended) {
        emit_fail(a->emit, "an action follows one that ends the actions");
        return false;
    }
    if (a->punted) {
        punt_continue(&a->ofpacts, a->punt_ofs);
        a->punted = false;
    }
    a->has_other = true;
    return true;
}

static bool
is_register(enum vmn_field field)
{
    return field >= VMN_F_REG0 && field <= VMN_F_REG15;
}

static void
set_bytes(struct vmn_actions *a, enum vmn_field field,
          const union mf_value *value, const union mf_value *mask)
{
    const struct mf_field *mf = field_get(field);

    if (!mf->writable) {
        emit_fail(a->emit, "field %s cannot be set", mf->name);
    } else if (begin(a)) {
        ofpact_put_set_field(&a->ofpacts, mf, value, mask);
    }
}

/* Writes NXM_OF_IN_PORT, the only such field that can be written. */
static void
set_in_port(struct vmn_actions *a, ofp_port_t port)
{
    union mf_value mfv = { .be16 = htons(ofp_to_u16(port)) };

    if (begin(a)) {
        ofpact_put_set_field(&a->ofpacts, mf_from_id(MFF_IN_PORT), &mfv,
                             NULL);
    }
}

void
vmn_act_set(struct vmn_actions *a, enum vmn_field field, uint64_t value)
{
    union mf_value mfv;

    if (field == VMN_F_IN_PORT) {
        if (value >= ofp_to_u16(OFPP_MAX)) {
            emit_fail(a->emit, "there is no port %"PRIu64, value);
        } else {
            set_in_port(a, u16_to_ofp(value));
        }
    } else if (field_value(a->emit, field, value, &mfv)) {
        set_bytes(a, field, &mfv, NULL);
    }
}

void
vmn_act_set_masked(struct vmn_actions *a, enum vmn_field field,
                   uint64_t value, uint64_t mask)
{
    union mf_value mfv, mfm;

    if (field_value(a->emit, field, value & mask, &mfv)
        && field_value(a->emit, field, mask, &mfm)) {
        set_bytes(a, field, &mfv, &mfm);
    }
}

void
vmn_act_set_mac(struct vmn_actions *a, enum vmn_field field,
                struct vmn_mac mac)
{
    union mf_value mfv = { .be64 = 0 };

    if (field_get(field)->n_bytes != sizeof mac.ea) {
        emit_fail(a->emit, "%s is no Ethernet address",
                  field_get(field)->name);
        return;
    }
    memcpy(&mfv.mac, mac.ea, sizeof mac.ea);
    set_bytes(a, field, &mfv, NULL);
}

void
vmn_act_set_ip(struct vmn_actions *a, enum vmn_field field,
               const struct vmn_ip *ip)
{
    union mf_value mfv;

    if (field_ip(a->emit, field, ip, &mfv)) {
        set_bytes(a, field, &mfv, NULL);
    }
}

static struct mf_subfield
subfield(enum vmn_field field)
{
    const struct mf_field *mf = field_get(field);

    return (struct mf_subfield) { .field = mf, .ofs = 0,
                                  .n_bits = mf->n_bits };
}

/* Returns true if the field has these bits; otherwise calls emit_fail(). */
static bool
has_bits(struct vmn_actions *a, enum vmn_field field, unsigned first,
         unsigned n)
{
    unsigned n_bits = field_get(field)->n_bits;

    if (!n || n > n_bits || first > n_bits - n) {
        emit_fail(a->emit, "%s has no bits %u to %u", field_get(field)->name,
                  first, first + n - 1);
        return false;
    }
    return true;
}

void
vmn_act_move(struct vmn_actions *a, enum vmn_field from, enum vmn_field to)
{
    if (!begin(a)) {
        return;
    }

    struct ofpact_reg_move *move = ofpact_put_REG_MOVE(&a->ofpacts);

    move->src = subfield(from);
    move->dst = subfield(to);
    move->src.n_bits = move->dst.n_bits = MIN(move->src.n_bits,
                                              move->dst.n_bits);
}

void
vmn_act_move_bits(struct vmn_actions *a, enum vmn_field from,
                  unsigned from_bit, enum vmn_field to, unsigned to_bit,
                  unsigned n_bits)
{
    if (!has_bits(a, from, from_bit, n_bits)
        || !has_bits(a, to, to_bit, n_bits) || !begin(a)) {
        return;
    }

    struct ofpact_reg_move *move = ofpact_put_REG_MOVE(&a->ofpacts);

    move->src = subfield(from);
    move->dst = subfield(to);
    move->src.ofs = from_bit;
    move->dst.ofs = to_bit;
    move->src.n_bits = move->dst.n_bits = n_bits;
}

void
vmn_act_swap(struct vmn_actions *a, enum vmn_field x, enum vmn_field y)
{
    if (field_get(x)->n_bits != field_get(y)->n_bits) {
        emit_fail(a->emit, "%s and %s differ in width", field_get(x)->name,
                  field_get(y)->name);
        return;
    }
    if (begin(a)) {
        ofpact_put_STACK_PUSH(&a->ofpacts)->subfield = subfield(x);
        ofpact_put_STACK_PUSH(&a->ofpacts)->subfield = subfield(y);
        ofpact_put_STACK_POP(&a->ofpacts)->subfield = subfield(x);
        ofpact_put_STACK_POP(&a->ofpacts)->subfield = subfield(y);
    }
}

void
vmn_act_dec_ttl(struct vmn_actions *a)
{
    const uint16_t controller = 0; /* The action has to name a controller. */
    struct ofpact_cnt_ids *ids;

    if (!begin(a)) {
        return;
    }
    ids = ofpact_put_DEC_TTL(&a->ofpacts);
    ids->n_controllers = 1;
    ofpbuf_put(&a->ofpacts, &controller, sizeof controller);
    ids = a->ofpacts.header;
    ofpact_finish_DEC_TTL(&a->ofpacts, &ids);
}

void
vmn_act_output(struct vmn_actions *a, uint32_t ofport)
{
    if (!ofport || ofport >= ofp_to_u16(OFPP_MAX)) {
        emit_fail(a->emit, "%u is no port number", ofport);
    } else if (begin(a)) {
        struct ofpact_output *output = ofpact_put_OUTPUT(&a->ofpacts);

        output->port = u16_to_ofp(ofport);
        output->max_len = 0;
    }
}

void
vmn_act_output_field(struct vmn_actions *a, enum vmn_field reg)
{
    if (begin(a)) {
        struct ofpact_output_reg *output
            = ofpact_put_OUTPUT_REG(&a->ofpacts);

        output->src = subfield(reg);
        output->max_len = 0;
    }
}

void
vmn_act_output_in_port(struct vmn_actions *a)
{
    if (begin(a)) {
        struct ofpact_output *output = ofpact_put_OUTPUT(&a->ofpacts);

        output->port = OFPP_IN_PORT;
        output->max_len = 0;
    }
}

void
vmn_act_clear_in_port(struct vmn_actions *a)
{
    set_in_port(a, OFPP_NONE);
}

void
vmn_act_group(struct vmn_actions *a, const struct vmn_group_msg *group)
{
    vmn_act_group_id(a, group->id);
}

void
vmn_act_group_id(struct vmn_actions *a, uint32_t group_id)
{
    if (begin(a)) {
        ofpact_put_GROUP(&a->ofpacts)->group_id = group_id;
    }
}

void
vmn_act_punt(struct vmn_actions *a, unsigned handler, uint32_t arg,
             uint16_t max_size)
{
    const struct pipeline_app *app = a->emit->app;
    const struct vmn_handler_class *handlers = app->class_->handlers;
    uint8_t userdata[PUNT_USERDATA_SIZE];
    unsigned n = 0;

    while (handlers && handlers[n].name) {
        n++;
    }
    if (handler >= n) {
        emit_fail(a->emit, "the app has no handler %u", handler);
        return;
    }
    if (!begin(a)) {
        return;
    }
    punt_put_userdata(userdata, app->class_->name, handlers[handler].name,
                      arg);
    a->punted = true;
    a->punt_ofs = a->ofpacts.size;
    punt_put(&a->ofpacts, userdata, sizeof userdata, max_size);
}

void
vmn_act_learn_connection(struct vmn_actions *a, uint16_t eth_type,
                         uint8_t ip_proto)
{
    if (a->in_bucket) {
        emit_fail(a->emit, "a bucket cannot record connections");
    } else if (eth_type != VMN_ETH_IPV4 && eth_type != VMN_ETH_IPV6) {
        emit_fail(a->emit, "only connections of IP are recorded");
    } else if (begin(a)) {
        learn_connection_put(&a->ofpacts, eth_type, ip_proto);
    }
}

void
vmn_act_learn_neighbour(struct vmn_actions *a, enum vmn_neighbour from)
{
    if (a->in_bucket) {
        emit_fail(a->emit, "a bucket cannot learn");
    } else if (begin(a)) {
        learn_neighbour_put(&a->ofpacts, from);
    }
}

/* Appends a detour through a table into which the switch learns. */
static void
put_detour(struct vmn_actions *a, uint8_t table)
{
    if (begin(a)) {
        struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(&a->ofpacts);

        resubmit->in_port = OFPP_IN_PORT;
        resubmit->table_id = table;
    }
}

void
vmn_act_find_neighbour(struct vmn_actions *a)
{
    static const struct vmn_mac none;

    vmn_act_set_mac(a, VMN_F_ETH_DST, none);
    put_detour(a, NEIGHBOUR_TABLE);
}

void
vmn_act_learn_mac(struct vmn_actions *a, uint32_t value)
{
    if (a->in_bucket) {
        emit_fail(a->emit, "a bucket cannot learn");
    } else if (!value) {
        emit_fail(a->emit, "0 is no value of a MAC address");
    } else if (begin(a)) {
        learn_mac_put(&a->ofpacts, value);
    }
}

void
vmn_act_find_mac(struct vmn_actions *a)
{
    vmn_act_set(a, VMN_REG_MAC_VALUE, 0);
    put_detour(a, MAC_TABLE);
}

void
vmn_act_learn_client(struct vmn_actions *a, const struct vmn_client *client)
{
    if (a->in_bucket) {
        emit_fail(a->emit, "a bucket cannot learn");
    } else if (client->eth_type != VMN_ETH_IPV4
               && client->eth_type != VMN_ETH_IPV6) {
        emit_fail(a->emit, "only clients of IP are learned");
    } else if (!client->idle_s) {
        emit_fail(a->emit, "a client is remembered for at least one second");
    } else if (!is_register(client->from)) {
        emit_fail(a->emit, "a client's value comes from a register");
    } else if (begin(a)) {
        learn_client_put(&a->ofpacts, client);
    }
}

void
vmn_act_find_client(struct vmn_actions *a)
{
    vmn_act_set(a, VMN_REG_CLIENT_VALUE, 0);
    put_detour(a, CLIENT_TABLE);
}

void
vmn_act_check_size(struct vmn_actions *a, uint32_t mtu)
{
    if (mtu > UINT16_MAX - ETH_HEADER_LEN) {
        emit_fail(a->emit, "no packet has more than %u bytes", mtu);
    } else if (begin(a)) {
        struct ofpact_check_pkt_larger *check
            = ofpact_put_CHECK_PKT_LARGER(&a->ofpacts);

        check->pkt_len = mtu + ETH_HEADER_LEN;
        check->dst.field = field_get(VMN_REG_FLAGS);
        check->dst.ofs = ctz32(VMN_FLAG_LARGE);
        check->dst.n_bits = 1;
    }
}

void
vmn_act_hash_client(struct vmn_actions *a, uint16_t basis,
                    enum vmn_field reg, uint32_t n)
{
    if (!is_register(reg) || !n || n > VMN_HASH_CLIENT_MAX) {
        emit_fail(a->emit, "cannot spread clients over %"PRIu32" values of "
                  "field %u", n, (unsigned) reg);
    } else if (begin(a)) {
        struct ofpact_multipath *multipath
            = ofpact_put_MULTIPATH(&a->ofpacts);

        multipath->fields = NX_HASH_FIELDS_NW_SRC;
        multipath->basis = basis;
        multipath->algorithm = NX_MP_ALG_MODULO_N;
        multipath->max_link = n - 1;
        multipath->arg = 0;
        multipath->dst.field = field_get(reg);
        multipath->dst.ofs = 0;
        multipath->dst.n_bits = n > 1 ? 32 - clz32(n - 1) : 1;
    }
}

static uint32_t
limit_meter(struct vmn_emit *emit, uint32_t rate, uint32_t burst,
            const char *key)
{
    char *number_key = xasprintf(FLOW_LIMIT_KEY "%s", rate, burst, key);
    uint32_t number = emit->services->number(emit->view, VMN_ID_POOL_METER,
                                             number_key);

    free(number_key);
    return FLOW_LIMIT_FIRST_METER - 1 + number;
}

void
vmn_act_limit(struct vmn_actions *a, const char *key, uint32_t rate,
              uint32_t burst)
{
    struct ofpact_meter *meter;

    if (a->in_bucket || a->limit.meter) {
        emit_fail(a->emit, a->in_bucket ? "a bucket cannot have a limit"
                  : "a flow has only one limit");
    } else if (!rate || !burst || rate > VMN_LIMIT_MAX
               || burst > VMN_LIMIT_MAX) {
        emit_fail(a->emit, "a limit is of 1 to %d packets a second and at "
                  "once", VMN_LIMIT_MAX);
    } else if (begin(a)) {
        a->limit.rate = rate;
        a->limit.burst = burst;
        a->limit.meter = limit_meter(a->emit, rate, burst, key);
        meter = ofpact_put_METER(&a->ofpacts);
        meter->meter_id = a->limit.meter;
        meter->provider_meter_id = UINT32_MAX;
    }
}

/* Where a packet goes on.  ----------------------------------------------- */

/* Returns the table after the stage, or calls emit_fail() and returns -1. */
static int
next_table(struct vmn_actions *a)
{
    if (!a->stage) {
        emit_fail(a->emit, "a bucket has no next stage");
        return -1;
    }
    if (a->stage->next_table < 0) {
        emit_fail(a->emit, "no stage follows %s.%s",
                  a->emit->app->class_->name, a->stage->class_->name);
    }
    return a->stage->next_table;
}

static void
put_goto(struct vmn_actions *a, int table)
{
    if (table >= 0 && begin(a)) {
        if (table <= a->table || a->in_bucket) {
            emit_fail(a->emit, "goto from table %d to table %d", a->table,
                      table);
            return;
        }
        ofpact_put_GOTO_TABLE(&a->ofpacts)->table_id = table;
        a->ended = true;
    }
}

static void
put_resubmit(struct vmn_actions *a, int table)
{
    if (table >= 0 && begin(a)) {
        if (table <= a->table && !a->in_bucket) {
            emit_fail(a->emit, "resubmit from table %d to table %d",
                      a->table, table);
            return;
        }

        struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(&a->ofpacts);

        resubmit->in_port = OFPP_IN_PORT;
        resubmit->table_id = table;
    }
}

void
vmn_act_next(struct vmn_actions *a)
{
    put_goto(a, next_table(a));
}

void
vmn_act_goto(struct vmn_actions *a, unsigned stage, unsigned table)
{
    put_goto(a, emit_table(a->emit, stage, table));
}

void
vmn_act_resubmit_next(struct vmn_actions *a)
{
    put_resubmit(a, next_table(a));
}

void
vmn_act_resubmit(struct vmn_actions *a, unsigned stage, unsigned table)
{
    put_resubmit(a, emit_table(a->emit, stage, table));
}

void
vmn_act_jump(struct vmn_actions *a, unsigned stage, unsigned table)
{
    int number = emit_table(a->emit, stage, table);

    if (number >= 0 && begin(a)) {
        struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(&a->ofpacts);

        resubmit->in_port = OFPP_IN_PORT;
        resubmit->table_id = number;
        a->ended = true;
    }
}

void
vmn_act_restart(struct vmn_actions *a)
{
    for (enum vmn_field reg = VMN_F_REG0; reg <= VMN_F_REG15; reg++) {
        if (reg != VMN_REG_NETWORK && reg != VMN_REG_ZONE
            && reg != VMN_REG_BALANCE_ZONE && reg != VMN_REG_FLAGS) {
            vmn_act_set(a, reg, 0);
        }
    }
    if (begin(a)) {
        struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(&a->ofpacts);

        resubmit->in_port = OFPP_IN_PORT;
        resubmit->table_id = 0;
        a->ended = true;
    }
}

static bool
only_punts(const struct ofpbuf *ofpacts)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, ofpacts->data, ofpacts->size) {
        if (!punt_is_part(a)) {
            return false;
        }
    }
    return true;
}

void
vmn_act_drop(struct vmn_actions *a, const char *reason)
{
    a->punted = false;
    if (!only_punts(&a->ofpacts)) {
        emit_fail(a->emit, "a drop must be the only action, but for "
                  "sending the packet up");
    } else if (begin(a)) {
        a->drop_reason = reason;
        a->ended = true;
    }
}

void
vmn_act_drop_background(struct vmn_actions *a, const char *reason)
{
    vmn_act_drop(a, reason);
    a->background = true;
}

/* Composite actions.  ---------------------------------------------------- */

void
vmn_act_arp_reply(struct vmn_actions *a, struct vmn_mac mac,
                  const struct vmn_ip *ip)
{
    vmn_act_move(a, VMN_F_ETH_SRC, VMN_F_ETH_DST);
    vmn_act_set_mac(a, VMN_F_ETH_SRC, mac);
    vmn_act_set(a, VMN_F_ARP_OP, 2);
    vmn_act_move(a, VMN_F_ARP_SHA, VMN_F_ARP_THA);
    vmn_act_set_mac(a, VMN_F_ARP_SHA, mac);
    vmn_act_move(a, VMN_F_ARP_SPA, VMN_F_ARP_TPA);
    vmn_act_set_ip(a, VMN_F_ARP_SPA, ip);
    vmn_act_output_in_port(a);
}

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

    move->src = subfield(reg);
    move->dst = subfield(VMN_F_CT_MARK);
    ofpacts->header = ofpbuf_push_uninit(ofpacts, ofs);
}

static bool
ct_table(struct vmn_actions *a, const struct vmn_ct *spec, uint8_t *table)
{
    int number = NX_CT_RECIRC_NONE;

    if (spec->then == VMN_CT_NEXT) {
        number = next_table(a);
    } else if (spec->then == VMN_CT_TABLE) {
        number = emit_table(a->emit, spec->stage, spec->table);
    }
    if (number < 0) {
        return false;
    }
    *table = number;
    return true;
}

static void
act_ct(struct vmn_actions *a, const struct vmn_ct *spec,
       const struct vmn_port_range *ports)
{
    struct ofpbuf *ofpacts = &a->ofpacts;
    uint8_t table;

    if (!ct_table(a, spec, &table) || !begin(a)) {
        return;
    }
    if (!is_register(spec->zone)) {
        emit_fail(a->emit, "a zone comes from a register");
        return;
    }
    if (spec->dnat.family && spec->snat.family) {
        emit_fail(a->emit, "a connection's source and destination are not "
                  "translated at once");
        return;
    }
    if (spec->mark && (!spec->commit || !is_register(spec->mark_from))) {
        emit_fail(a->emit, "a mark is committed from a register");
        return;
    }

    size_t ofs = ofpacts->size;

    ofpbuf_pull(ofpacts, ofs);

    struct ofpact_conntrack *ct = ofpact_put_CT(ofpacts);

    ct->flags = spec->commit ? NX_CT_F_COMMIT : 0;
    ct->zone_src = subfield(spec->zone);
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

void
vmn_act_conjunction(struct vmn_actions *a, uint32_t id, unsigned clause,
                    unsigned n_clauses)
{
    if (!id || clause < 1 || clause > n_clauses || n_clauses < 2
        || n_clauses > 3 || a->in_bucket) {
        emit_fail(a->emit, "conjunction(%u, %u/%u) is invalid", id,
                  clause, n_clauses);
        return;
    }

    struct ofpact_conjunction *conj = ofpact_put_CONJUNCTION(&a->ofpacts);

    conj->id = id;
    conj->clause = clause - 1;
    conj->n_clauses = n_clauses;
    a->has_conjunction = true;
}
