/* SPDX-License-Identifier: Apache-2.0
 *
 * Implements the actions of include/vmn/flow.h, of flows and of buckets, with
 * libopenvswitch's ofpacts: setting fields, output, learning, limits.  Those
 * of connection tracking are in ct-action.c, those that go to other tables or
 * drop in resubmit-action.c. */

#include <config.h>

#include "controller/flow/emit.h"
#include "controller/flow/count-pair.h"
#include "controller/flow/learn-client.h"
#include "controller/flow/learn-connection.h"
#include "controller/flow/learn-holder.h"
#include "controller/flow/learn-mac.h"
#include "controller/flow/learn-member.h"
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

bool
actions_begin(struct vmn_actions *a)
{
    if (a->ended) {
        emit_fail(a->emit, "an action follows one that ends the actions");
        return false;
    }
    a->has_other = true;
    return actions_have_room(a);
}

bool
actions_have_room(struct vmn_actions *a)
{
    if (a->ofpacts.size > EMIT_ACTIONS_MAX) {
        emit_fail(a->emit, "too many actions for a message");
        return false;
    }
    return true;
}

/* Returns true if actions may write the field; otherwise calls
 * emit_fail(). */
static bool
is_settable(struct vmn_actions *a, enum vmn_field field)
{
    const char *by = (field == VMN_F_CT_MARK
                      ? ", but by vmn_act_ct() with 'mark'"
                      : field == VMN_F_IN_PORT
                      ? ", but by vmn_act_set() and vmn_act_clear_in_port()"
                      : "");

    if (!field_exists(a->emit, field)) {
        return false;
    }
    if (!field_get(field)->writable || *by) {
        emit_fail(a->emit, "%s cannot be set%s", field_name(field), by);
        return false;
    }
    return true;
}

/* Flags that apps of others may set: of what they do themselves. */
#define OTHERS_FLAGS (VMN_FLAG_LIMITED | VMN_FLAG_ROUTED | VMN_FLAG_PCP_MASK)

static void
refuse_write(const struct vmn_actions *a, enum vmn_field reg)
{
    static const char *const names[] = {
        "VMN_REG_NETWORK", "VMN_REG_SRC_ID", "VMN_REG_DST_ID",
        "VMN_REG_SRC_LOCAL", "VMN_REG_DST_LOCAL", "VMN_REG_ZONE",
        "VMN_REG_DST_HOST", "VMN_REG_OUT_PORT", "VMN_REG_BALANCE_ZONE",
        "VMN_REG_FLAGS",
    };
    const char *app = a->emit->app->class_->name;
    const char *stage = a->in_bucket ? "a bucket" : a->stage->class_->name;
    const char *kind = a->in_bucket ? "" : "stage ";
    unsigned number = reg - VMN_F_REG0;

    if (number < ARRAY_SIZE(names)) {
        emit_fail(a->emit, "%s%s of app %s writes register %u (%s), which is "
                  "the pipeline's", kind, stage, app, number, names[number]);
    } else if (a->in_bucket) {
        emit_fail(a->emit, "a bucket of app %s writes register %u, which is "
                  "not scratch in all of its stages", app, number);
    } else {
        emit_fail(a->emit, "stage %s of app %s writes register %u, which is "
                  "not among its scratch registers", stage, app, number);
    }
}

/* Returns true if the actions may write bits 'mask' of a field: always, unless
 * it is a register that is not the stage's.  Otherwise calls emit_fail(). */
static bool
may_write(const struct vmn_actions *a, enum vmn_field field, uint32_t mask)
{
    uint32_t writes;

    if (!field_is_register(field)) {
        return true;
    }
    writes = (a->in_bucket ? a->emit->app->bucket_writes
              : a->stage ? a->stage->writes : UINT32_MAX);
    if (writes & 1u << (field - VMN_F_REG0)
        || (field == VMN_REG_FLAGS && !(mask & ~OTHERS_FLAGS))) {
        return true;
    }
    refuse_write(a, field);
    return false;
}

static void
set_bytes(struct vmn_actions *a, enum vmn_field field,
          const union mf_value *value, const union mf_value *mask)
{
    if (is_settable(a, field)
        && may_write(a, field, mask ? ntohl(mask->be32) : UINT32_MAX)
        && field_mask(a->emit, field, &mask) && actions_begin(a)) {
        ofpact_put_set_field(&a->ofpacts, field_get(field), value, mask);
    }
}

/* Writes NXM_OF_IN_PORT, the only such field that can be written. */
static void
set_in_port(struct vmn_actions *a, ofp_port_t port)
{
    union mf_value mfv = { .be16 = htons(ofp_to_u16(port)) };

    if (actions_begin(a)) {
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

    if (!field_exists(a->emit, field)) {
        return;
    }
    if (field_get(field)->n_bytes != sizeof mac.ea) {
        emit_fail(a->emit, "%s is no Ethernet address",
                  field_name(field));
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

/* Returns true if the field has these bits; otherwise calls emit_fail(). */
static bool
has_bits(struct vmn_actions *a, enum vmn_field field, unsigned first,
         unsigned n)
{
    unsigned n_bits = field_get(field)->n_bits;

    if (!field_exists(a->emit, field)) {
        return false;
    }
    if (!n || n > n_bits || first > n_bits - n) {
        if (n) {
            emit_fail(a->emit, "%s has no bits %u to %u, but 0 to %u",
                      field_name(field), first, first + n - 1, n_bits - 1);
        } else {
            emit_fail(a->emit, "no bits of %s are moved", field_name(field));
        }
        return false;
    }
    return true;
}

void
vmn_act_move(struct vmn_actions *a, enum vmn_field from, enum vmn_field to)
{
    if (!field_exists(a->emit, from) || !is_settable(a, to)
        || !may_write(a, to, UINT32_MAX) || !actions_begin(a)) {
        return;
    }

    struct ofpact_reg_move *move = ofpact_put_REG_MOVE(&a->ofpacts);

    move->src = field_subfield(from);
    move->dst = field_subfield(to);
    move->src.n_bits = move->dst.n_bits = MIN(move->src.n_bits,
                                              move->dst.n_bits);
}

void
vmn_act_move_bits(struct vmn_actions *a, enum vmn_field from,
                  unsigned from_bit, enum vmn_field to, unsigned to_bit,
                  unsigned n_bits)
{
    if (!has_bits(a, from, from_bit, n_bits)
        || !has_bits(a, to, to_bit, n_bits) || !is_settable(a, to)
        || !may_write(a, to, (uint32_t) (((UINT64_C(1) << MIN(n_bits, 32)) - 1)
                                         << MIN(to_bit, 32)))
        || !actions_begin(a)) {
        return;
    }

    struct ofpact_reg_move *move = ofpact_put_REG_MOVE(&a->ofpacts);

    move->src = field_subfield(from);
    move->dst = field_subfield(to);
    move->src.ofs = from_bit;
    move->dst.ofs = to_bit;
    move->src.n_bits = move->dst.n_bits = n_bits;
}

void
vmn_act_swap(struct vmn_actions *a, enum vmn_field x, enum vmn_field y)
{
    if (!is_settable(a, x) || !is_settable(a, y)) {
        return;
    }
    if (field_get(x)->n_bits != field_get(y)->n_bits) {
        emit_fail(a->emit, "%s (%u bits) and %s (%u bits) differ in width",
                  field_name(x), field_get(x)->n_bits, field_name(y),
                  field_get(y)->n_bits);
        return;
    }
    if (may_write(a, x, UINT32_MAX)
        && may_write(a, y, UINT32_MAX) && actions_begin(a)) {
        ofpact_put_STACK_PUSH(&a->ofpacts)->subfield = field_subfield(x);
        ofpact_put_STACK_PUSH(&a->ofpacts)->subfield = field_subfield(y);
        ofpact_put_STACK_POP(&a->ofpacts)->subfield = field_subfield(x);
        ofpact_put_STACK_POP(&a->ofpacts)->subfield = field_subfield(y);
    }
}

void
vmn_act_dec_ttl(struct vmn_actions *a)
{
    const uint16_t controller = 0; /* The action has to name a controller. */
    struct ofpact_cnt_ids *ids;

    if (!actions_begin(a)) {
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
        emit_fail(a->emit, "%u is no OpenFlow port number: has the VIF one "
                  "yet?", ofport);
    } else if (actions_begin(a)) {
        struct ofpact_output *output = ofpact_put_OUTPUT(&a->ofpacts);

        output->port = u16_to_ofp(ofport);
        output->max_len = 0;
    }
}

void
vmn_act_output_field(struct vmn_actions *a, enum vmn_field reg)
{
    if (field_exists(a->emit, reg) && actions_begin(a)) {
        struct ofpact_output_reg *output
            = ofpact_put_OUTPUT_REG(&a->ofpacts);

        output->src = field_subfield(reg);
        output->max_len = UINT16_MAX; /* As ovs-ofctl's text has it. */
    }
}

void
vmn_act_output_in_port(struct vmn_actions *a)
{
    if (actions_begin(a)) {
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
vmn_act_set_queue(struct vmn_actions *a, uint32_t queue)
{
    if (queue > VMN_QUEUE_MAX) {
        emit_fail(a->emit, "%"PRIu32" is no queue: 0 to %u are", queue,
                  VMN_QUEUE_MAX);
    } else if (actions_begin(a)) {
        ofpact_put_SET_QUEUE(&a->ofpacts)->queue_id = queue;
    }
}

void
vmn_act_pop_queue(struct vmn_actions *a)
{
    if (actions_begin(a)) {
        ofpact_put_POP_QUEUE(&a->ofpacts);
    }
}

void
vmn_act_group(struct vmn_actions *a, const struct vmn_group_msg *group)
{
    vmn_act_group_id(a, group->id);
}

void
vmn_act_group_id(struct vmn_actions *a, uint32_t group_id)
{
    if (actions_begin(a)) {
        ofpact_put_GROUP(&a->ofpacts)->group_id = group_id;
    }
}

void
vmn_act_punt(struct vmn_actions *a, unsigned handler, uint32_t arg,
             uint16_t max_size)
{
    const struct pipeline_app *app = a->emit->app;
    const struct vmn_handler_class *handlers = app->class_->handlers;
    unsigned n = 0;

    while (handlers && handlers[n].name) {
        n++;
    }
    if (handler >= n) {
        emit_fail(a->emit, "app %s has no handler %u: it has %u, from 0",
                  app->class_->name, handler, n);
        return;
    }
    if (actions_begin(a)) {
        punt_put(&a->ofpacts, &(struct punt) {
            .handler_id = punt_handler_id(app->class_->name,
                                          handlers[handler].name),
            .arg = arg,
            .max_size = max_size,
        });
    }
}

void
vmn_act_learn_connection(struct vmn_actions *a, uint16_t eth_type,
                         uint8_t ip_proto)
{
    if (a->in_bucket) {
        emit_fail(a->emit, "a bucket cannot record connections");
    } else if (eth_type != VMN_ETH_IPV4 && eth_type != VMN_ETH_IPV6) {
        emit_fail(a->emit, "only connections of IP are recorded");
    } else if (actions_begin(a)) {
        learn_connection_put(&a->ofpacts, eth_type, ip_proto);
    }
}

/* Returns the app's number in what it has learned; 0, with emit_fail(), if
 * none is left. */
static uint16_t
app_number(struct vmn_actions *a)
{
    struct vmn_emit *emit = a->emit;

    if (!emit->app_number) {
        emit->app_number = emit->services->number(emit->view,
                                                  PIPELINE_ID_POOL_APP,
                                                  emit->app->class_->name);
    }
    return emit->app_number;
}

/* Appends a detour through a table into which the switch learns.  The lookup
 * alone has 'in_port' as its port. */
static void
put_detour(struct vmn_actions *a, uint8_t table, ofp_port_t in_port)
{
    if (actions_begin(a)) {
        struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(&a->ofpacts);

        resubmit->in_port = in_port;
        resubmit->table_id = table;
    }
}

/* Appends a detour that finds only what the app itself has learned. */
static void
put_lookup(struct vmn_actions *a, uint8_t table)
{
    put_detour(a, table, u16_to_ofp(app_number(a)));
}

void
vmn_act_count_pair(struct vmn_actions *a, uint16_t eth_type, bool by_source)
{
    if (a->in_bucket) {
        emit_fail(a->emit, "a bucket cannot count pairs");
    } else if (eth_type != VMN_ETH_IPV4 && eth_type != VMN_ETH_IPV6) {
        emit_fail(a->emit, "only pairs of IP are counted");
    } else if (actions_begin(a)) {
        count_pair_put(&a->ofpacts, eth_type, by_source);
        put_detour(a, by_source ? PAIR_TABLE : PAIR_OTHERS_TABLE,
                   OFPP_IN_PORT);
    }
}

void
vmn_act_learn_neighbour(struct vmn_actions *a, enum vmn_neighbour from)
{
    if (a->in_bucket) {
        emit_fail(a->emit, "a bucket cannot learn");
    } else if (from > VMN_NEIGHBOUR_PROBED) {
        emit_fail(a->emit, "a neighbour is not learned by message %u",
                  (unsigned) from);
    } else if (actions_begin(a)) {
        learn_neighbour_put(&a->ofpacts, app_number(a), from);
    }
}

void
vmn_act_find_neighbour(struct vmn_actions *a)
{
    static const struct vmn_mac none;

    vmn_act_set_mac(a, VMN_F_ETH_DST, none);
    vmn_act_set(a, VMN_REG_NEIGHBOUR_STATE, 0);
    put_lookup(a, NEIGHBOUR_TABLE);
    put_lookup(a, REACHABLE_TABLE);
}

void
vmn_act_learn_mac(struct vmn_actions *a, uint32_t value)
{
    if (a->in_bucket) {
        emit_fail(a->emit, "a bucket cannot learn");
    } else if (!value) {
        emit_fail(a->emit, "0 is no value of a MAC address");
    } else if (actions_begin(a)) {
        learn_mac_put(&a->ofpacts, app_number(a), value);
    }
}

void
vmn_act_find_mac(struct vmn_actions *a)
{
    vmn_act_set(a, VMN_REG_MAC_VALUE, 0);
    put_lookup(a, MAC_TABLE);
}

void
vmn_act_learn_holder(struct vmn_actions *a, uint32_t limit)
{
    if (a->in_bucket) {
        emit_fail(a->emit, "a bucket cannot learn");
    } else if (!limit || limit > VMN_HOLDERS_MAX) {
        emit_fail(a->emit, "1 to %u addresses are remembered",
                  VMN_HOLDERS_MAX);
    } else {
        vmn_act_set(a, VMN_REG_HOLDER_LEARNED, 0);
        if (actions_begin(a)) {
            learn_holder_put(&a->ofpacts, app_number(a), limit);
        }
    }
}

void
vmn_act_find_holder(struct vmn_actions *a)
{
    vmn_act_set(a, VMN_REG_HOLDER, VMN_HOLDER_NONE);
    put_lookup(a, HOLDER_TABLE);
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
    } else if (!field_is_register(client->from)) {
        emit_fail(a->emit, "a client's value comes from a register");
    } else if (actions_begin(a)) {
        learn_client_put(&a->ofpacts, app_number(a), client);
    }
}

void
vmn_act_find_client(struct vmn_actions *a)
{
    vmn_act_set(a, VMN_REG_CLIENT_VALUE, 0);
    put_lookup(a, CLIENT_TABLE);
}

static void
learn_member(struct vmn_actions *a, const struct vmn_member *member,
             bool by_source)
{
    if (a->in_bucket) {
        emit_fail(a->emit, "a bucket cannot learn");
        return;
    } else if (by_source && !member->eth_type) {
        emit_fail(a->emit, "a source is one of IP");
        return;
    } else if (member->eth_type && member->eth_type != VMN_ETH_IPV4
               && member->eth_type != VMN_ETH_IPV6) {
        emit_fail(a->emit, "only groups of IP have members");
        return;
    } else if (!member->hard_s || !member->limit
               || member->limit > VMN_MEMBERS_MAX) {
        emit_fail(a->emit, "a member is remembered for at least one second, "
                  "and 1 to %u are", VMN_MEMBERS_MAX);
        return;
    } else if (!field_is_register(member->from)) {
        emit_fail(a->emit, "a member's value comes from a register");
        return;
    }
    vmn_act_set(a, VMN_REG_MEMBER_LEARNED, 0);
    if (actions_begin(a)) {
        learn_member_put(&a->ofpacts, app_number(a), member, by_source);
    }
}

void
vmn_act_learn_member(struct vmn_actions *a, const struct vmn_member *member)
{
    learn_member(a, member, false);
}

void
vmn_act_learn_source(struct vmn_actions *a, const struct vmn_member *member)
{
    learn_member(a, member, true);
}

void
vmn_act_find_member(struct vmn_actions *a)
{
    if (may_write(a, VMN_REG_MEMBER_VALUE, UINT32_MAX)) {
        put_lookup(a, MEMBER_TABLE);
    }
}

void
vmn_act_check_size(struct vmn_actions *a, uint32_t mtu)
{
    if (mtu > UINT16_MAX - ETH_HEADER_LEN) {
        emit_fail(a->emit, "no packet has more than %u bytes", mtu);
    } else if (actions_begin(a)) {
        struct ofpact_check_pkt_larger *check
            = ofpact_put_CHECK_PKT_LARGER(&a->ofpacts);

        check->pkt_len = mtu + ETH_HEADER_LEN;
        check->dst.field = field_get(VMN_REG_FLAGS);
        check->dst.ofs = ctz32(VMN_FLAG_LARGE);
        check->dst.n_bits = 1;
    }
}

/* Spreads 'whose' over 'n' values of a register, by a hash of some fields. */
static void
act_hash(struct vmn_actions *a, const char *whose, enum nx_hash_fields fields,
         enum nx_mp_algorithm algorithm, uint16_t basis, enum vmn_field reg,
         uint32_t n)
{
    if (!field_is_register(reg) || !n || n > VMN_HASH_CLIENT_MAX) {
        emit_fail(a->emit, "%s are spread over 1 to %d values of a "
                  "register, not over %"PRIu32" of %s", whose,
                  VMN_HASH_CLIENT_MAX, n,
                  reg < VMN_N_FIELDS ? field_name(reg) : "no field");
    } else if (may_write(a, reg, UINT32_MAX) && actions_begin(a)) {
        struct ofpact_multipath *multipath
            = ofpact_put_MULTIPATH(&a->ofpacts);

        multipath->fields = fields;
        multipath->basis = basis;
        multipath->algorithm = algorithm;
        multipath->max_link = n - 1;
        multipath->arg = 0;
        multipath->dst.field = field_get(reg);
        multipath->dst.ofs = 0;
        multipath->dst.n_bits = n > 1 ? 32 - clz32(n - 1) : 1;
    }
}

void
vmn_act_hash_client(struct vmn_actions *a, uint16_t basis,
                    enum vmn_field reg, uint32_t n)
{
    act_hash(a, "clients", NX_HASH_FIELDS_NW_SRC, NX_MP_ALG_MODULO_N, basis,
             reg, n);
}

void
vmn_act_hash_connection(struct vmn_actions *a, uint16_t basis,
                        enum vmn_field reg, uint32_t n)
{
    act_hash(a, "connections", NX_HASH_FIELDS_SYMMETRIC_L3L4_UDP,
             NX_MP_ALG_HRW, basis, reg, n);
}

static uint32_t
limit_meter(struct vmn_emit *emit, const struct flow_limit *limit,
            const char *key)
{
    char *number_key = (limit->kbps
                        ? xasprintf(FLOW_LIMIT_KBPS_KEY "%s", limit->rate,
                                    limit->burst, key)
                        : xasprintf(FLOW_LIMIT_KEY "%s", limit->rate,
                                    limit->burst, key));
    uint32_t number = emit->services->number(emit->view, VMN_ID_POOL_METER,
                                             number_key);

    free(number_key);
    return FLOW_LIMIT_FIRST_METER - 1 + number;
}

bool
actions_begin_limit(struct vmn_actions *a, const char *key,
                    struct flow_limit limit, uint32_t max, const char *what)
{
    if (!key) {
        emit_fail(a->emit, "a limit lacks its key");
    } else if (a->in_bucket || a->limit.meter) {
        emit_fail(a->emit, a->in_bucket ? "a bucket cannot have a limit"
                  : "a flow has only one limit");
    } else if (!limit.rate || !limit.burst || limit.rate > max
               || limit.burst > max) {
        emit_fail(a->emit, "a limit is of 1 to %"PRIu32" %s a second and at "
                  "once", max, what);
    } else if (actions_begin(a)) {
        limit.meter = limit_meter(a->emit, &limit, key);
        a->limit = limit;
        return true;
    }
    return false;
}

void
actions_put_meter(struct vmn_actions *a)
{
    struct ofpact_meter *meter = ofpact_put_METER(&a->ofpacts);

    meter->meter_id = a->limit.meter;
    meter->provider_meter_id = UINT32_MAX;
}

/* Does what vmn_act_limit() does, with a limit of at most 'max' of 'what'. */
static void
act_limit(struct vmn_actions *a, const char *key, struct flow_limit limit,
          uint32_t max, const char *what)
{
    if (actions_begin_limit(a, key, limit, max, what)) {
        actions_put_meter(a);
    }
}

void
vmn_act_limit(struct vmn_actions *a, const char *key, uint32_t rate,
              uint32_t burst)
{
    struct flow_limit limit = { .rate = rate, .burst = burst };

    act_limit(a, key, limit, VMN_LIMIT_MAX, "packets");
}

void
vmn_act_limit_kbps(struct vmn_actions *a, const char *key, uint32_t rate,
                   uint32_t burst)
{
    struct flow_limit limit = { .rate = rate, .burst = burst, .kbps = 1 };

    act_limit(a, key, limit, VMN_LIMIT_KBPS_MAX, "kilobits");
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

void
vmn_act_conjunction(struct vmn_actions *a, uint32_t id, unsigned clause,
                    unsigned n_clauses)
{
    if (!id || clause < 1 || clause > n_clauses || n_clauses < 2
        || n_clauses > 3 || a->in_bucket) {
        emit_fail(a->emit, a->in_bucket
                  ? "a bucket cannot contribute clause %u of %u of "
                  "conjunction %u"
                  : "there is no clause %u of %u of conjunction %u: it has 2 "
                  "or 3, from 1, and an ID that is not 0", clause, n_clauses,
                  id);
        return;
    }
    if (!actions_have_room(a)) {
        return;
    }

    struct ofpact_conjunction *conj = ofpact_put_CONJUNCTION(&a->ofpacts);

    conj->id = id;
    conj->clause = clause - 1;
    conj->n_clauses = n_clauses;
    a->has_conjunction = true;
}
