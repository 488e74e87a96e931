/* SPDX-License-Identifier: Apache-2.0
 *
 * Which ports the rules of a domain name, in blocks, so that a scan of ports
 * costs a switch no flow of its cache for each.
 *
 * The clauses of services (conjunction.c) are about the original tuple of the
 * packet's connection, since they match replies as well, and there the switch
 * has to look at the whole port, whatever it is compared with: a packet to any
 * other port would become a flow of its own in the datapath.  So a packet that
 * may open a connection is held against blocks of ports first, which are its
 * own: for these the switch looks at no more bits than it takes to see that no
 * block has it (the classifier's ports trie).  What is in none meets no clause
 * that names a port.
 *
 * Not for SCTP, whose clauses match the packet's own ports anyway. */

#include "firewall.h"

#include <stdio.h>

void
act_set_named(struct vmn_actions *actions, bool named)
{
    vmn_act_set_masked(actions, VMN_REG_FLAGS, named ? VMN_FLAG_NAMED : 0,
                       VMN_FLAG_NAMED);
}

void
match_named(struct vmn_flow *flow)
{
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_NAMED, VMN_FLAG_NAMED);
}

/* Ports are rounded to blocks of 16, and blocks side by side are one: so most
 * rules that come find their ports there. */
#define BLOCK_PORTS 16

/* Adds the blocks of what 'service' names. */
static void
block_add_service(struct vmn_view *view, struct service_set *set,
                  const struct service_match *service)
{
    struct vmn_port_range range = { service->value, service->value };
    bool tcp = service->ip_proto == VMN_IP_PROTO_TCP;
    bool v4 = service->ip_proto == VMN_IP_PROTO_ICMP;

    switch (service->what) {
    case SERVICE_PORTS:
        if (service->ip_proto != VMN_IP_PROTO_SCTP) {
            range.first &= -BLOCK_PORTS;
            range.last |= ~service->mask | (BLOCK_PORTS - 1);
            ranges_add(view, tcp ? &set->tcp : &set->udp, &range, 1);
        }
        break;

    case SERVICE_ICMP_TYPE:
    case SERVICE_ICMP_CODE:
        range.first = range.last = service->value >> 8;
        ranges_add(view, v4 ? &set->icmp : &set->icmpv6, &range, 1);
        break;

    case SERVICE_ALL:
    default:
        break;
    }
}

void
service_blocks_add(struct vmn_view *view, struct service_set *set,
                   const struct rule *rule)
{
    for (size_t i = 0; i < rule->head->n_services; i++) {
        block_add_service(view, set, &rule->services[i]);
    }
}

/* Splits 'ranges' into what one flow can match: ports with a mask, or a type
 * of ICMP.  Returns the number of blocks, which go to 'blocks' unless it is
 * NULL. */
static size_t
split(const struct ranges *ranges, uint16_t ip_proto,
      struct service_block *blocks)
{
    bool masks = (ip_proto == VMN_IP_PROTO_TCP
                  || ip_proto == VMN_IP_PROTO_UDP);
    size_t n = 0;

    for (size_t i = 0; i < ranges->n; i++) {
        for (uint32_t at = ranges->ranges[i].first;
             at <= ranges->ranges[i].last; n++) {
            struct service_block block = { at, UINT16_MAX, ip_proto };

            if (masks) {
                block.mask = vmn_range_mask(&at, ranges->ranges[i].last);
            } else {
                at++;
            }
            if (blocks) {
                blocks[n] = block;
            }
        }
    }
    return n;
}

struct service_block *
service_blocks(struct vmn_view *view, struct service_set *set, size_t *n)
{
    const struct {
        struct ranges *ranges;
        uint16_t ip_proto;
    } all[] = { { &set->tcp, VMN_IP_PROTO_TCP },
                { &set->udp, VMN_IP_PROTO_UDP },
                { &set->icmp, VMN_IP_PROTO_ICMP },
                { &set->icmpv6, VMN_IP_PROTO_ICMPV6 } };
    const size_t n_all = sizeof all / sizeof all[0];
    struct service_block *blocks;

    *n = 0;
    for (size_t i = 0; i < n_all; i++) {
        all[i].ranges->n = vmn_ranges_merge(all[i].ranges->ranges,
                                            all[i].ranges->n);
        *n += split(all[i].ranges, all[i].ip_proto, NULL);
    }
    blocks = vmn_alloc(view, (*n + 1) * sizeof *blocks);
    *n = 0;
    for (size_t i = 0; i < n_all; i++) {
        *n += split(all[i].ranges, all[i].ip_proto, blocks + *n);
    }
    return blocks;
}

/* Evaluates the blocks of policy 'key'.  A rule whose ports are in one that is
 * there already touches no domain. */
void
eval_blocks(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    struct service_set set = { .anything = false };
    struct service_block *blocks;
    size_t size, n;
    const char *p = vmn_query(view, QUERY_RULES, key, &size);

    if (!p) {
        return;
    }
    for (const char *end = p + size - 1; p < end; ) {
        struct rule rule;

        p = (const char *) rule_read(p, &rule);
        service_blocks_add(view, &set, &rule);
    }
    blocks = service_blocks(view, &set, &n);
    if (n) {
        vmn_value_set(value, blocks, n * sizeof *blocks);
    }
}

void
service_blocks_publish(struct vmn_view *view, struct vmn_emit *emit,
                       const char *domain,
                       const struct service_block *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        vmn_publish(emit, REL_BLOCKS,
                    vmn_printf(view, "%s|%u/%u/%u", domain,
                               blocks[i].ip_proto, blocks[i].value,
                               blocks[i].mask), "");
    }
}

static bool
block_from_text(const char *text, struct service_block *block)
{
    unsigned ip_proto, value, mask;

    if (sscanf(text, "%u/%u/%u", &ip_proto, &value, &mask) != 3) {
        return false;
    }
    *block = (struct service_block) { .ip_proto = ip_proto, .value = value,
                                      .mask = mask };
    return true;
}

static void
block_add(struct vmn_view *view, struct vmn_emit *emit, const char *domain,
          const struct service_block *block, uint16_t eth_type)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_domain(domain), STAGE_TRACK, TRACK_SOURCE,
        SOURCE_BLOCK);

    vmn_match(flow, VMN_REG_ZONE, vmn_domain_zone(view, domain));
    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    switch (block->ip_proto) {
    case VMN_IP_PROTO_TCP:
        vmn_match(flow, VMN_F_IP_PROTO, block->ip_proto);
        vmn_match_masked(flow, VMN_F_TCP_DST, block->value, block->mask);
        break;

    case VMN_IP_PROTO_UDP:
        vmn_match(flow, VMN_F_IP_PROTO, block->ip_proto);
        vmn_match_masked(flow, VMN_F_UDP_DST, block->value, block->mask);
        break;

    case VMN_IP_PROTO_ICMP:
        vmn_match(flow, VMN_F_ICMPV4_TYPE, block->value);
        break;

    case VMN_IP_PROTO_ICMPV6:
    default:
        vmn_match(flow, VMN_F_ICMPV6_TYPE, block->value);
        break;
    }
    act_look_up_source(vmn_flow_actions(flow), true);
}

/* Compiles a block in a domain: "DOMAIN|PROTOCOL/VALUE/MASK". */
void
compile_block(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct service_block block;
    const char *domain, *text;

    if (!vmn_key_split_two(view, key, &domain, &text)
        || !block_from_text(text, &block)) {
        return;
    }
    if (block.ip_proto != VMN_IP_PROTO_ICMPV6) {
        block_add(view, emit, domain, &block, VMN_ETH_IPV4);
    }
    if (block.ip_proto != VMN_IP_PROTO_ICMP) {
        block_add(view, emit, domain, &block, VMN_ETH_IPV6);
    }
}
