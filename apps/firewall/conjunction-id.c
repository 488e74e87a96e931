/* SPDX-License-Identifier: Apache-2.0
 *
 * Allocates the conjunction IDs of rules, from a pool, by what the rules mean:
 * a rule that does not change keeps its ID, and so its flows, when others are
 * inserted before it.  Not for the flows that have them (conjunction.c). */

#include "firewall.h"

#include <inttypes.h>
#include <string.h>

/* Returns FNV-1a over a text and its final null. */
static uint64_t
hash_text(uint64_t hash, const char *text)
{
    for (;; text++) {
        hash = (hash ^ (uint8_t) *text) * UINT64_C(0x100000001b3);
        if (!*text) {
            return hash;
        }
    }
}

/* Mixes all bits of an element's hash (the finalizer of SplitMix64) before it
 * is added to others'.  FNV's values of texts that differ only in their last
 * letters differ by multiples of one number, so their sums would collide. */
static uint64_t
mix(uint64_t hash)
{
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    return hash ^ hash >> 31;
}

static uint64_t
hash_prefix(struct vmn_view *view, uint64_t hash,
            const struct vmn_prefix *prefix)
{
    for (int i = 0; i < 16; i++) {
        hash = hash_text(hash, vmn_printf(view, "%02x", prefix->ip.addr[i]));
    }
    return hash_text(hash, vmn_printf(view, "%u/%u", prefix->ip.family,
                                      prefix->len));
}

static uint64_t
hash_entry(struct vmn_view *view, uint64_t hash,
           const struct vmn_service_entry *entry)
{
    size_t size = entry->n_ports * sizeof *entry->ports;
    struct vmn_port_range *ports = vmn_alloc(view, size);
    size_t n = 0;

    if (size) {
        memcpy(ports, entry->ports, size);
        n = vmn_ranges_merge(ports, entry->n_ports);
    }
    hash = hash_text(hash, vmn_printf(view, "e:%d,%d", entry->protocol,
                                      entry->icmp_type));
    if (entry->icmp_code >= 0) {
        hash = hash_text(hash, vmn_printf(view, "%d", entry->icmp_code));
    }
    for (size_t i = 0; i < n; i++) {
        hash = hash_text(hash, vmn_printf(view, "%u-%u", ports[i].first,
                                          ports[i].last));
    }
    return hash;
}

uint64_t
rule_hash(struct vmn_view *view, const struct vmn_rule *rule)
{
    const uint64_t basis = UINT64_C(0xcbf29ce484222325);
    struct prefixes cidrs = { 0, 0, NULL };
    uint64_t sum = 0;

    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct vmn_peer *peer = vmn_peer_at(rule, i);

        if (peer->group) {
            sum += mix(hash_text(basis,
                                 vmn_printf(view, "g:%s", peer->group)));
        } else if (peer->fqdn) {
            /* Not what it resolves to: the rule stays the same. */
            sum += mix(hash_text(basis,
                                 vmn_printf(view, "n:%s", peer->fqdn)));
        } else {
            prefixes_add(view, &cidrs, &peer->cidr, 1, peer->except,
                         peer->n_except);
        }
    }
    cidrs.n = vmn_prefixes_merge(cidrs.prefixes, cidrs.n);
    for (size_t i = 0; i < cidrs.n; i++) {
        sum += mix(hash_prefix(view, basis, &cidrs.prefixes[i]));
    }
    for (size_t i = 0; i < rule->n_services; i++) {
        const struct vmn_rule_service *use = vmn_rule_service_at(rule, i);

        sum += mix(use->service
                   ? hash_text(basis, vmn_printf(view, "s:%s", use->service))
                   : hash_entry(view, basis, &use->inline_entry));
    }
    return hash_text(basis, vmn_printf(view, "%d%d%016" PRIx64,
                                       rule->direction, rule->action, sum));
}

/* Returns the key in the pool of conjunction IDs: "OWNER/HASH", with a count
 * if the owner has several equal rules.  The key follows from the rule's
 * meaning, so a rule keeps its ID when others are inserted before it.  All
 * domains share the ID: no packet meets clauses of two. */
static const char *
rule_name(struct vmn_view *view, const char *owner, const uint64_t hashes[],
          size_t i)
{
    const char *name = vmn_printf(view, "%s/%016" PRIx64, owner, hashes[i]);
    size_t n_before = 0;

    for (size_t j = 0; j < i; j++) {
        n_before += hashes[j] == hashes[i];
    }
    return n_before ? vmn_printf(view, "%s#%zu", name, n_before) : name;
}

uint32_t
conjunction_id(struct vmn_view *view, const char *owner,
               const uint64_t hashes[], size_t i)
{
    return vmn_id_of(view, ID_POOL_CONJUNCTION,
                     rule_name(view, owner, hashes, i));
}
