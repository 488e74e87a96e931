/* SPDX-License-Identifier: Apache-2.0
 *
 * Pseudo-random sequences of all calls by which apps emit and send.  Two files
 * of a test include it: one calls the functions themselves, the other those
 * that record (recorded-calls.c).  Header only, for that reason. */

#ifndef TESTS_UNIT_RANDOM_CALLS_H
#define TESTS_UNIT_RANDOM_CALLS_H 1

#include "random.h"
#include "util.h"
#include "vmn/app.h"

/* How many kinds of actions, and of packets sent, there are below. */
#define RANDOM_N_ACTIONS 44
#define RANDOM_N_SENDS 9

/* Rarely true: an argument is wrong then. */
static inline bool
is_wrong(void)
{
    return !random_range(400);
}

static inline enum vmn_field
random_reg(void)
{
    return is_wrong() ? random_range(90) : VMN_F_REG0 + random_range(16);
}

static inline unsigned
random_table(void)
{
    return is_wrong() ? random_range(9) : random_range(2);
}

static inline struct vmn_mac
random_mac(void)
{
    struct vmn_mac mac;

    random_bytes(&mac, sizeof mac);
    return mac;
}

static inline struct vmn_ip
random_ip(int family)
{
    struct vmn_ip ip = { .family = family };

    random_bytes(ip.addr, family == 4 ? 4 : 16);
    return ip;
}

static inline struct vmn_scope
random_scope(void)
{
    switch (random_range(4)) {
    case 0:
        return vmn_scope_all();
    case 1:
        return vmn_scope_host(is_wrong() ? NULL : "h1");
    case 2:
        return vmn_scope_network("net");
    default:
        return (struct vmn_scope) {
            is_wrong() ? (enum vmn_scope_kind) 7 : VMN_SCOPE_RELATION,
            is_wrong() ? NULL : "overlay.rel", "k\xc3\xa4" };
    }
}

static inline void
random_match(struct vmn_flow *flow)
{
    struct vmn_prefix prefix = { random_ip(4), random_range(33) };

    switch (random_range(12)) {
    case 0:
        vmn_match(flow, random_reg(), random_uint32());
        break;
    case 1:
        vmn_match_masked(flow, VMN_F_CT_STATE, random_range(256),
                         random_range(256));
        break;
    case 2:
        vmn_match_mac(flow, is_wrong() ? random_range(90) : VMN_F_ETH_SRC,
                      random_mac());
        break;
    case 3:
        vmn_match_low_bits(flow, random_reg(), random_uint32(),
                           random_range(40));
        break;
    case 4:
        vmn_match_prefix(flow, is_wrong() ? random_range(90) : VMN_F_IPV4_SRC,
                         &prefix);
        break;
    case 5:
        prefix.ip = random_ip(6);
        vmn_match_ip(flow, is_wrong() ? random_range(90) : VMN_F_IPV6_DST,
                     &prefix.ip);
        break;
    case 6:
        vmn_match(flow, random_range(90), random_range(2));
        break;
    case 7:
        vmn_match_masked(flow, VMN_F_TUN_ID, random_uint64(),
                         random_uint64());
        break;
    case 8:
        vmn_flow_count(flow);
        break;
    case 9:
        vmn_flow_count_part(flow, random_uint32());
        break;
    case 10:
        vmn_flow_log(flow);
        break;
    default:
        vmn_match(flow, VMN_F_IN_PORT, 1 + random_range(100));
        break;
    }
}

static inline struct vmn_ct
random_ct(void)
{
    struct vmn_ct ct = {
        .commit = random_range(4), .zone = random_reg(),
        .nat = random_range(2), .dnat_port = random_range(65536),
        .then = is_wrong() ? 3 : random_range(3), .stage = 0,
        .table = random_table(), .mark_from = random_reg(),
    };

    ct.mark = ct.commit && random_range(2);
    if (random_range(2)) {
        ct.dnat = random_ip(4);
    } else if (random_range(2)) {
        ct.snat = random_ip(random_range(2) ? 4 : 6);
        ct.snat_last = random_ip(ct.snat.family);
    }
    return ct;
}

/* Of those that others may follow. */
static inline void
random_plain_action(struct vmn_actions *a, unsigned kind)
{
    switch (kind) {
    case 0: vmn_act_set(a, random_reg(), random_uint32()); break;
    case 1: vmn_act_set_masked(a, random_reg(), random_uint32(),
                               random_uint32()); break;
    case 2: vmn_act_set_mac(a, VMN_F_ETH_DST, random_mac()); break;
    case 3: vmn_act_move(a, random_reg(), random_reg()); break;
    case 4: vmn_act_move_bits(a, random_reg(), random_range(9), random_reg(),
                              random_range(9), random_range(20)); break;
    case 5: vmn_act_swap(a, random_reg(), random_reg()); break;
    case 6: vmn_act_dec_ttl(a); break;
    case 7: vmn_act_output(a, is_wrong() ? 0 : 1 + random_range(99)); break;
    case 8: vmn_act_output_field(a, random_reg()); break;
    case 9: vmn_act_output_in_port(a); break;
    case 10: vmn_act_clear_in_port(a); break;
    case 11: vmn_act_group_id(a, random_uint32()); break;
    case 12: vmn_act_punt(a, is_wrong(), random_uint32(), random_uint16());
             break;
    case 13: vmn_act_find_neighbour(a); break;
    case 14: (random_range(2) ? vmn_act_find_mac
              : vmn_act_find_holder)(a); break;
    case 15: (random_range(2) ? vmn_act_find_client
              : vmn_act_find_member)(a); break;
    case 16: vmn_act_check_size(a, random_range(2000)); break;
    case 17: vmn_act_hash_client(a, random_uint16(), random_reg(),
                                 1 + random_range(99)); break;
    case 18: vmn_act_set_queue(a, is_wrong() ? UINT32_MAX : random_uint8());
             break;
    case 19: vmn_act_pop_queue(a); break;
    case 20: vmn_act_clone(a, 1, random_table()); break;
    case 21: vmn_act_clone_next(a); break;
    case 22: vmn_act_hash_connection(a, random_uint16(), random_reg(),
                                     1 + random_range(99)); break;
    default: vmn_act_set(a, VMN_F_IN_PORT, random_range(99)); break;
    }
}

static inline void
random_copy(struct vmn_actions *a)
{
    struct vmn_copy_tunnel tunnel = {
        random_range(is_wrong() ? 3 : 2),
        random_ip(random_range(2) ? 4 : 6), random_range(1100),
        random_range(4), random_range(1 << 20), random_range(70)
    };
    bool to_table = random_range(2);
    struct vmn_copy copy = {
        is_wrong() || to_table ? NULL : "copy", random_range(50),
        1 + random_range(9),
        to_table ? VMN_COPY_TO_TABLE : VMN_COPY_TO_READERS,
        random_range(2), random_range(3), random_range(2),
        is_wrong() ? NULL : "object", 60 + random_range(9)
    };

    switch (random_range(4)) {
    case 0: vmn_act_copy(a, &copy); break;
    case 1: vmn_act_copy_to_port(a, &copy, random_range(99)); break;
    case 2: vmn_act_copy_to_same_family(a, &copy, &tunnel); break;
    default: vmn_act_copy_to_tunnel(a, &copy, &tunnel); break;
    }
}

static inline void
random_learn(struct vmn_actions *a, unsigned kind)
{
    struct vmn_client client = { VMN_ETH_IPV4, random_range(9), random_reg() };
    struct vmn_member member = { random_range(2) ? VMN_ETH_IPV6 : 0,
                                 random_range(9), random_range(99),
                                 random_reg() };

    switch (kind) {
    case 0: vmn_act_learn_connection(a, random_range(2) ? VMN_ETH_IPV4
                                     : VMN_ETH_IPV6, random_uint8()); break;
    case 1: vmn_act_learn_neighbour(a, is_wrong() ? 3 : random_range(3));
            break;
    case 2:
        if (random_range(2)) {
            vmn_act_learn_mac(a, random_range(9));
        } else {
            vmn_act_count_pair(a, random_range(2) ? VMN_ETH_IPV4
                               : VMN_ETH_IPV6, random_range(2));
        }
        break;
    case 3:
        if (random_range(2)) {
            vmn_act_learn_client(a, &client);
        } else {
            (random_range(2) ? vmn_act_learn_member
             : vmn_act_learn_source)(a, &member);
        }
        break;
    case 4: random_copy(a); break;
    case 5: (random_range(2) ? vmn_act_limit : vmn_act_limit_kbps)(
                a, is_wrong() ? NULL : "limit", random_range(50),
                1 + random_range(9)); break;
    default: vmn_act_conjunction(a, random_range(90), 1 + random_range(2),
                                 2 + random_range(2)); break;
    }
}

static inline void
random_last_action(struct vmn_actions *a, unsigned kind)
{
    struct vmn_ip ip = random_ip(random_range(2) ? 4 : 6);
    struct vmn_ct ct = random_ct();

    switch (kind) {
    case 0: vmn_act_next(a); break;
    case 1: vmn_act_goto(a, 0, random_table()); break;
    case 2: vmn_act_resubmit_next(a); break;
    case 3: vmn_act_resubmit(a, 1, random_table()); break;
    case 4: vmn_act_jump(a, random_range(2), random_table()); break;
    case 5: vmn_act_restart(a); break;
    case 6: vmn_act_drop(a, is_wrong() ? NULL : "one"); break;
    case 7: vmn_act_drop_background(a, "another"); break;
    case 8: vmn_act_arp_reply(a, random_mac(), &ip); break;
    case 9: vmn_act_ct(a, &ct); break;
    case 10: vmn_act_ct_snat_ports(a, &ct, random_uint16(), 65535); break;
    case 11: vmn_act_goto_hook(a, is_wrong() ? VMN_N_HOOKS
                               : VMN_HOOK_ROUTE); break;
    default: vmn_act_set_ip(a, ip.family == 4 ? VMN_F_IPV4_SRC
                            : VMN_F_IPV6_SRC, &ip); break;
    }
}

/* 'kinds', if not NULL, counts. */
static inline void
random_action(struct vmn_actions *a, unsigned *kinds)
{
    unsigned kind = random_range(RANDOM_N_ACTIONS - 1);

    if (kinds) {
        kinds[kind]++;
    }
    if (kind < 24) {
        random_plain_action(a, kind);
    } else if (kind < 30) {
        random_learn(a, kind - 24);
    } else {
        random_last_action(a, kind - 30);
    }
}

static inline void
random_flow(struct vmn_emit *emit, const struct vmn_group_msg *group,
            unsigned *kinds)
{
    struct vmn_flow *flow = vmn_flow_add(emit, random_scope(), 0,
                                         random_table(),
                                         is_wrong() ? 0 : random_range(999)
                                                          + 1);

    for (int n = random_range(4); n > 0; n--) {
        random_match(flow);
    }
    for (int n = random_range(3); n > 0; n--) {
        random_action(vmn_flow_actions(flow), kinds);
    }
    if (group && random_range(2)) {
        vmn_act_group(vmn_flow_actions(flow), group);
        if (kinds) {
            kinds[RANDOM_N_ACTIONS - 1]++;
        }
    }
}

static inline struct vmn_group_msg *
random_group(struct vmn_emit *emit, unsigned *kinds)
{
    enum vmn_group_type type = (is_wrong() ? VMN_GROUP_FAILOVER + 1
                                : random_range(3) ? VMN_GROUP_SELECT
                                : VMN_GROUP_FAILOVER);
    struct vmn_group_msg *group
        = vmn_group_add(emit, random_scope(), type,
                        is_wrong() ? NULL : "group");

    if (type == VMN_GROUP_SELECT && random_range(2)) {
        vmn_group_hash_client(group, random_range(2) ? 4 : 6);
    }
    for (int n = random_range(4); n > 0; n--) {
        struct vmn_actions *bucket = vmn_bucket_add(group, random_uint32(),
                                                    random_uint16());

        if ((type == VMN_GROUP_FAILOVER) != is_wrong()) {
            vmn_bucket_watch(bucket, is_wrong() ? 0 : VMN_PEER_OFPORT(n));
        }
        random_action(bucket, kinds);
        if (random_range(2)) {
            vmn_bucket_count_part(bucket, random_range(99));
        }
    }
    return group;
}

static inline void
random_calls(struct vmn_emit *emit, uint32_t seed, unsigned *kinds)
{
    struct vmn_group_msg *group = NULL;

    random_set_seed(seed);
    for (int n = random_range(12); n > 0; n--) {
        struct vmn_ip ip = random_ip(random_range(2) ? 4 : 6);
        struct vmn_arp_nd_responder by = {
            random_scope(), 0, random_table(), 100, random_uint32(),
            random_mac(), 0, random_uint32() };

        switch (random_range(6)) {
        case 0:
            vmn_publish(emit, is_wrong() ? NULL : "overlay.rel", "key",
                        random_range(2) ? "value" : "");
            break;
        case 1:
            group = random_group(emit, kinds);
            break;
        case 2:
            vmn_arp_nd_respond(emit, &by, &ip);
            break;
        default:
            random_flow(emit, group, kinds);
            break;
        }
    }
    if (is_wrong()) {
        vmn_fail(emit, "there are %d of %s", 3, "them");
    }
}

/* Flows as they are mostly: 'n' with four matches and two actions. */
static inline void
usual_flows(struct vmn_emit *emit, int n)
{
    for (int i = 0; i < n; i++) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_network("net"),
                                             0, 0, 100);
        struct vmn_actions *a = vmn_flow_actions(flow);

        vmn_match(flow, VMN_F_REG0, i);
        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
        vmn_match_mac(flow, VMN_F_ETH_DST, (struct vmn_mac) { { 2, i } });
        vmn_match_masked(flow, VMN_F_REG6, 1, 1);
        vmn_act_set(a, VMN_F_REG7, i);
        vmn_act_goto(a, 0, 1);
    }
}

/* Packets.  --------------------------------------------------------------- */

static inline void
random_reply(struct vmn_packets_out *out, const uint8_t bytes[100])
{
    const struct vmn_http_reply reply = {
        .status = is_wrong() ? 7 : 200 + random_range(300),
        .type = random_range(2) ? "text/plain" : NULL,
        .body = bytes,
        .body_size = is_wrong() ? VMN_HTTP_REPLY_MAX + 1 : random_range(100),
        .field_name = random_range(2) ? "X-Field" : NULL,
        .field_value = is_wrong() ? NULL : "value",
        .ttl = is_wrong() ? 256 : random_range(256),
    };

    vmn_send_http(out, &reply);
}

static inline void
random_sends(struct vmn_packets_out *out, uint32_t seed, unsigned *kinds)
{
    static uint8_t bytes[100];

    random_set_seed(seed);
    for (int n = random_range(6); n > 0; n--) {
        unsigned kind = random_range(RANDOM_N_SENDS);
        size_t size = (is_wrong() ? random_range(2) ? 9300 : 3
                       : 14 + random_range(80));
        uint32_t regs[VMN_N_REGS];
        struct vmn_ip ip = random_ip(random_range(2) ? 4 : 6);

        random_bytes(bytes, sizeof bytes);
        random_bytes(regs, sizeof regs);
        if (kinds) {
            kinds[kind]++;
        }
        switch (kind) {
        case 0: vmn_send_back(out, bytes, size); break;
        case 1: vmn_send_to_port(out, is_wrong() ? NULL : "p", bytes, size);
                break;
        case 2: vmn_send_to_stage(out, 0, random_table(), bytes, size); break;
        case 3: vmn_send_to_next(out, 0, bytes, size); break;
        case 4: vmn_send_to_hook(out, VMN_HOOK_ADMIT, random_range(99), regs,
                                 bytes, size); break;
        case 5: vmn_send_nothing(out, "malformed"); break;
        case 6: random_reply(out, bytes); break;
        case 7: vmn_neighbour_is_probed(out, random_range(99), &ip,
                                        random_mac()); break;
        default: vmn_neighbour_is_incomplete(out, random_range(99), &ip);
                 break;
        }
    }
}

#endif /* tests/unit/random-calls.h */
