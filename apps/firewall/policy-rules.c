/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of a policy, ready to be compiled in any domain: with their
 * priorities and conjunction IDs (conjunction-id.c), with all that they take
 * from services, and with the groups inside of groups.  They are packed into
 * the values of queries, so that this is done once and not in each domain, and
 * that a rule which stays as it is touches no domain.  What becomes of them
 * there is in conjunction.c.
 *
 * A rule's priority is POLICY_RULE_MAX - VMN_POLICY_LEVELS x the policy's -
 * its level (struct vmn_level).  So rules of one level never contradict each
 * other, but for how they deny, and a policy's first denials come before
 * another's first permissions, and these before another's first passes. */

#include "firewall.h"

#include <stdlib.h>
#include <string.h>

/* Packing.  -------------------------------------------------------------- */

struct pack {
    struct vmn_view *view;
    size_t size, allocated;
    char *data;
};

static void
put(struct pack *pack, const void *data, size_t size)
{
    if (pack->allocated - pack->size < size) {
        size_t bigger = 2 * pack->allocated + size;
        char *copy = vmn_alloc(pack->view, bigger);

        if (pack->size) {
            memcpy(copy, pack->data, pack->size);
        }
        pack->data = copy;
        pack->allocated = bigger;
    }
    if (size) {
        memcpy(pack->data + pack->size, data, size);
        pack->size += size;
    }
}

static void
put_service(struct pack *pack, uint32_t *n, uint8_t ip_proto,
            enum service_what what, uint16_t value, uint16_t mask)
{
    const struct service_match match = { ip_proto, what, value, mask };

    put(pack, &match, sizeof match);
    ++*n;
}

/* Appends a range as the fewest masks. */
static void
put_range(struct pack *pack, uint32_t *n, uint8_t ip_proto,
          const struct vmn_port_range *range)
{
    uint32_t port = range->first;

    while (port <= range->last) {
        uint32_t value = port;

        put_service(pack, n, ip_proto, SERVICE_PORTS, value,
                    vmn_range_mask(&port, range->last));
    }
}

static void
put_ranges(struct pack *pack, uint32_t *n, uint8_t ip_proto,
           const struct ranges *ports)
{
    for (size_t i = 0; i < ports->n; i++) {
        const struct vmn_port_range *range = &ports->ranges[i];

        if (!range->first && range->last == UINT16_MAX) {
            put_service(pack, n, ip_proto, SERVICE_ALL, 0, 0);
        } else {
            put_range(pack, n, ip_proto, range);
        }
    }
}

/* Appends ICMP types of which all codes are matched as one, and the others by
 * code. */
static void
put_icmp(struct pack *pack, uint32_t *n, uint8_t ip_proto,
         const struct ranges *messages)
{
    for (size_t i = 0; i < messages->n; i++) {
        uint32_t at = messages->ranges[i].first;
        uint32_t last = messages->ranges[i].last;

        if (!at && last == UINT16_MAX) {
            put_service(pack, n, ip_proto, SERVICE_ALL, 0, 0);
            return;
        }
        while (at <= last) {
            bool whole = !(at & 0xff) && at + 0xff <= last;

            put_service(pack, n, ip_proto,
                        whole ? SERVICE_ICMP_TYPE : SERVICE_ICMP_CODE, at, 0);
            at += whole ? 0x100 : 1;
        }
    }
}

static uint32_t
put_services(struct pack *pack, const struct service_set *services)
{
    uint32_t n = 0;

    put_ranges(pack, &n, VMN_IP_PROTO_TCP, &services->tcp);
    put_ranges(pack, &n, VMN_IP_PROTO_UDP, &services->udp);
    put_ranges(pack, &n, VMN_IP_PROTO_SCTP, &services->sctp);
    put_icmp(pack, &n, VMN_IP_PROTO_ICMP, &services->icmp);
    put_icmp(pack, &n, VMN_IP_PROTO_ICMPV6, &services->icmpv6);
    return n;
}

/* Appends the prefixes of peers that are no groups. */
static uint32_t
put_prefixes(struct pack *pack, const struct vmn_rule *rule)
{
    struct prefixes all = { 0, 0, NULL };

    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct vmn_peer *peer = vmn_peer_at(rule, i);

        if (peer->cidr.ip.family) {
            prefixes_add(pack->view, &all, &peer->cidr, 1, peer->except,
                         peer->n_except);
        }
    }
    all.n = vmn_prefixes_merge(all.prefixes, all.n);
    put(pack, all.prefixes, all.n * sizeof *all.prefixes);
    return all.n;
}

/* Appends what peers that are no groups except. */
static uint32_t
put_excepts(struct pack *pack, const struct vmn_rule *rule)
{
    uint32_t n = 0;

    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct vmn_peer *peer = vmn_peer_at(rule, i);

        put(pack, peer->except, peer->n_except * sizeof *peer->except);
        n += peer->n_except;
    }
    return n;
}

/* Appends the names in DNS among the peers. */
static uint32_t
put_fqdns(struct pack *pack, const struct vmn_rule *rule)
{
    uint32_t n = 0;

    for (size_t i = 0; i < rule->n_peers; i++) {
        const char *fqdn = vmn_peer_at(rule, i)->fqdn;

        if (fqdn) {
            put(pack, fqdn, strlen(fqdn) + 1);
            n++;
        }
    }
    return n;
}

/* Reads the groups among the peers, with those nested in them. */
static void
read_groups(struct vmn_view *view, const struct vmn_rule *rule,
            struct names *groups)
{
    memset(groups, 0, sizeof *groups);
    for (size_t i = 0; i < rule->n_peers; i++) {
        if (vmn_peer_at(rule, i)->group) {
            names_add_nested(view, groups, vmn_peer_at(rule, i)->group);
        }
    }
    names_sort(groups);
}

/* Appends a rule: its head, then the parts in the order of struct rule. */
static void
put_rule(struct pack *pack, const struct rule_head *head_,
         const struct vmn_rule *rule)
{
    static const char zeros[8];
    size_t start = pack->size;
    struct rule_head head = *head_;
    struct service_set services;
    struct names groups;

    service_set_read(pack->view, rule, &services);
    head.has_peers = rule->n_peers > 0;
    head.has_services = rule->n_services > 0;
    head.any_service = services.anything;
    put(pack, &head, sizeof head);
    if (!services.anything) {
        head.n_services = put_services(pack, &services);
    }
    if (rule_is_valid(pack->view, rule)) {
        read_groups(pack->view, rule, &groups);
        head.n_prefixes = put_prefixes(pack, rule);
        head.n_excepts = put_excepts(pack, rule);
        head.n_groups = groups.n;
        for (size_t i = 0; i < groups.n; i++) {
            put(pack, groups.names[i], strlen(groups.names[i]) + 1);
        }
        head.n_fqdns = put_fqdns(pack, rule);
    } else {
        /* It keeps its place and its ID, and is about nobody. */
        head.has_peers = true;
    }
    put(pack, zeros, -pack->size & 7);
    head.size = pack->size - start;
    memcpy(pack->data + start, &head, sizeof head);
}

const struct rule_head *
rule_read(const void *at, struct rule *rule)
{
    const char *p = at;

    rule->head = at;
    p += sizeof *rule->head;
    rule->services = (const struct service_match *) p;
    p += rule->head->n_services * sizeof *rule->services;
    rule->prefixes = (const struct vmn_prefix *) p;
    p += rule->head->n_prefixes * sizeof *rule->prefixes;
    rule->excepts = (const struct vmn_prefix *) p;
    p += rule->head->n_excepts * sizeof *rule->excepts;
    rule->groups = p;
    return (const struct rule_head *) ((const char *) at + rule->head->size);
}

/* Queries.  -------------------------------------------------------------- */

/* Evaluates all rules of policy 'key'.  There is no value if they are too
 * large. */
void
eval_rules(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_policy *policy = vmn_read_policy(view, key);
    const struct vmn_tier *tier = policy ? vmn_read_tier(view, policy->tier)
                                         : NULL;
    struct vmn_level levels[VMN_N_DIRECTIONS] = { { .started = false } };
    struct pack pack = { .view = view };
    uint64_t *hashes;

    if (!tier) {
        return;
    }
    hashes = vmn_alloc(view, policy->n_rules * sizeof *hashes);
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct vmn_rule *rule = vmn_policy_rule_at(policy, i);
        struct vmn_level *level = &levels[rule->direction];
        struct rule_head head = { .direction = rule->direction,
                                  .action = rule->action,
                                  .keep = policy->on_change == VMN_KEEP,
                                  .log = rule->log,
                                  .shadow = policy->mode == VMN_SHADOW };

        if (!vmn_level_next(level, tier->position == VMN_TIER_APPLICATION,
                            rule->action, head.keep)) {
            return;             /* The row is from before such rules were
                                 * refused. */
        }
        hashes[i] = rule_hash(view, rule);
        head.bucket = hashes[i] >> 32 & (POLICY_BUCKETS - 1);
        head.conj = conjunction_id(view, key, hashes, i);
        head.position = tier->position;
        head.priority = (POLICY_RULE_MAX - VMN_POLICY_LEVELS * policy->priority
                         - level->level);
        put_rule(&pack, &head, rule);
    }
    /* A policy without rules has a value, too, if an empty one. */
    put(&pack, "", 1);
    if (pack.size <= VMN_VALUE_SIZE_MAX) {
        vmn_value_set(value, pack.data, pack.size);
    }
}

/* Packs the rules of a quarantine.  They have no order, since all of them
 * allow, and they are few: each domain has IDs of its own, and one unit has
 * all of them. */
const char *
rules_pack_allowed(struct vmn_view *view,
                   const struct vmn_quarantine *quarantine,
                   const char *domain, size_t *size)
{
    const char *name = vmn_printf(view, "!quarantined/%s|%s",
                                  quarantine->row.name, domain);
    uint64_t *hashes = vmn_alloc(view, quarantine->n_allow * sizeof *hashes);
    struct pack pack = { .view = view };

    for (size_t i = 0; i < quarantine->n_allow; i++) {
        const struct vmn_rule *rule = vmn_quarantine_rule_at(quarantine, i);
        struct rule_head head = { .direction = rule->direction,
                                  .action = VMN_ALLOW,
                                  .position = POSITION_QUARANTINE,
                                  .priority = POLICY_ALLOWED };

        hashes[i] = rule_hash(view, rule);
        head.conj = conjunction_id(view, name, hashes, i);
        put_rule(&pack, &head, rule);
    }
    *size = pack.size;
    return pack.data;
}

int
rule_index(struct vmn_view *view, const char *key, uint32_t conj)
{
    size_t size;
    const char *p = vmn_query(view, QUERY_RULES, key, &size);
    const char *end = p ? p + size - 1 : NULL;

    for (int i = 0; p < end; i++) {
        const struct rule_head *head = (const struct rule_head *) p;

        if (head->conj == conj) {
            return i;
        }
        p += head->size;
    }
    return -1;
}

/* Evaluates the rules in a bucket; 'key' is "POLICY|BUCKET". */
void
eval_bucket(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    struct pack pack = { .view = view };
    const char *policy, *bucket, *p;
    size_t size;

    if (!vmn_key_split_two(view, key, &policy, &bucket)) {
        return;
    }
    p = vmn_query(view, QUERY_RULES, policy, &size);
    if (!p) {
        return;
    }
    for (const char *end = p + size - 1; p < end; ) {
        const struct rule_head *head = (const struct rule_head *) p;

        if (head->bucket == (unsigned) atoi(bucket)) {
            put(&pack, head, head->size);
        }
        p += head->size;
    }
    put(&pack, "", 1);
    vmn_value_set(value, pack.data, pack.size);
}

/* Evaluates a uint32_t with a 1-bit for each bucket of policy 'key' that has
 * rules. */
void
eval_buckets(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    uint32_t buckets = 0;
    size_t size;
    const char *p = vmn_query(view, QUERY_RULES, key, &size);

    if (!p) {
        return;
    }
    for (const char *end = p + size - 1; p < end; ) {
        const struct rule_head *head = (const struct rule_head *) p;

        buckets |= UINT32_C(1) << head->bucket;
        p += head->size;
    }
    vmn_value_set(value, &buckets, sizeof buckets);
}
