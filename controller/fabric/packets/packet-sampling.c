/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps samples of packets, with names; see packet-sampling.h. */

#include <config.h>

#include "controller/fabric/packets/packet-sampling.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-private.h"
#include "controller/fabric/packets/packet-in-senders.h"
#include "controller/fabric/packets/sampling-meters.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/sample-action.h"
#include "dp-packet.h"
#include "flow.h"
#include "hash.h"
#include "packets.h"
#include "timeval.h"
#include "util.h"

/* Maximum length of a copy; longer packets are not copies of vmnd's flows. */
#define FULL_SIZE_MAX 65535
/* Number of newest samples in a ring that a new one is compared with, to
 * detect repeated packets, and their maximum age. */
#define AGAIN_MAX 64
#define AGAIN_MS 10000
/* Maximum number of rules and reasons with budgets; those without packets for
 * a while are removed, except for rules that still exist. */
#define BUDGETS_MAX 16384
#define BUDGET_IDLE_MS 60000
/* Maximum per host: a host chooses what it sends. */
#define BUDGETS_HOST_MAX 512
/* Tokens per sample: token_bucket.h's unit of tokens per millisecond then is
 * samples per second. */
#define TOKENS 1000

struct ring {
    uint64_t n;                 /* Samples so far: the id of the last one. */
    struct fabric_sample samples[FABRIC_SAMPLES_MAX]; /* By id. */
};

/* The budget of a rule with a log, or of drops for a reason, on a host; of a
 * host; or, without a host, the counter of what was logged for a rule.  A host
 * chooses what it sends, so a host that floods must not use the budgets of
 * others. */
struct budget {
    struct hmap_node node;
    char host[VMN_NAME_LEN + 1]; /* Or "". */
    unsigned n_budgets;         /* Of a host: its number of budgets. */
    uint64_t cookie;            /* 0 for a reason. */
    uint32_t part;
    const char *reason;         /* NULL for a log. */
    struct token_bucket bucket;
    int64_t used_ms;
    uint64_t n_suppressed;      /* Since its last sample. */
    uint64_t n_logged;          /* Of a log, since the start. */
};

struct sampling {
    struct ring rings[2];       /* By enum fabric_sample_kind. */
    struct hmap budgets;
    struct token_bucket bucket; /* The budget of all hosts. */
    uint64_t n_in, n_taken, n_suppressed;
    uint8_t *scratch;           /* FULL_SIZE_MAX bytes. */
};

/* Budgets.  -------------------------------------------------------------- */

static uint32_t
budget_hash(const char *host, uint64_t cookie, uint32_t part,
            const char *reason)
{
    const uint64_t numbers[] = { cookie, part, (uintptr_t) reason };

    return hash_string(host, hash_bytes(numbers, sizeof numbers, 0));
}

static struct budget *
find_budget(const struct sampling *s, const char *host, uint64_t cookie,
            uint32_t part, const char *reason)
{
    struct budget *b;

    HMAP_FOR_EACH_WITH_HASH (b, node, budget_hash(host, cookie, part, reason),
                             &s->budgets) {
        if (b->cookie == cookie && b->part == part && b->reason == reason
            && !strcmp(b->host, host)) {
            return b;
        }
    }
    return NULL;
}

/* Returns true if it is the budget of a host as a whole. */
static bool
is_of_host(const struct budget *b)
{
    return *b->host && !b->cookie && !b->part && !b->reason;
}

static void
forget(struct sampling *s, struct budget *b)
{
    struct budget *host = (*b->host && !is_of_host(b)
                           ? find_budget(s, b->host, 0, 0, NULL) : NULL);

    if (host) {
        host->n_budgets--;
    }
    hmap_remove(&s->budgets, &b->node);
    free(b);
}

static void
forget_idle(const struct fabric *f, int64_t now_ms)
{
    struct sampling *s = f->samples;
    struct budget *b, *next;

    HMAP_FOR_EACH_SAFE (b, next, node, &s->budgets) {
        if (now_ms - b->used_ms > BUDGET_IDLE_MS && !b->n_budgets
            && !(b->n_logged && engine_cookie_name(f->engine, b->cookie))) {
            forget(s, b);
        }
    }
}

/* Returns NULL if there are too many. */
static struct budget *
get_budget(const struct fabric *f, const char *host, uint64_t cookie,
           uint32_t part, const char *reason, int64_t now_ms)
{
    struct sampling *s = f->samples;
    struct budget *b = find_budget(s, host, cookie, part, reason);

    if (b) {
        b->used_ms = now_ms;
        return b;
    }
    if (hmap_count(&s->budgets) >= BUDGETS_MAX) {
        forget_idle(f, now_ms);
        if (hmap_count(&s->budgets) >= BUDGETS_MAX) {
            return NULL;
        }
    }
    b = xzalloc(sizeof *b);
    ovs_strlcpy(b->host, host, sizeof b->host);
    b->cookie = cookie;
    b->part = part;
    b->reason = reason;
    b->used_ms = now_ms;
    token_bucket_init(&b->bucket, SAMPLING_EACH_RATE,
                      SAMPLING_EACH_BURST * TOKENS);
    hmap_insert(&s->budgets, &b->node,
                budget_hash(host, cookie, part, reason));
    return b;
}

/* Returns the budget of 'host' as a whole; NULL if there are too many. */
static struct budget *
get_host_budget(const struct fabric *f, const char *host, int64_t now_ms)
{
    struct budget *b = find_budget(f->samples, host, 0, 0, NULL);

    if (!b) {
        b = get_budget(f, host, 0, 0, NULL, now_ms);
        if (b) {
            token_bucket_init(&b->bucket, SAMPLING_HOST_RATE,
                              SAMPLING_HOST_BURST * TOKENS);
        }
    } else {
        b->used_ms = now_ms;
    }
    return b;
}

/* Returns the budget of a rule or reason on a host, whose own budget is
 * 'host'; NULL if the host has too many. */
static struct budget *
get_part_budget(const struct fabric *f, struct budget *host, uint64_t cookie,
                uint32_t part, const char *reason, int64_t now_ms)
{
    struct sampling *s = f->samples;
    struct budget *b = find_budget(s, host->host, cookie, part, reason);

    if (!b) {
        if (host->n_budgets >= BUDGETS_HOST_MAX) {
            forget_idle(f, now_ms);
            if (host->n_budgets >= BUDGETS_HOST_MAX) {
                return NULL;
            }
        }
        b = get_budget(f, host->host, cookie, part, reason, now_ms);
        host->n_budgets += b && b != host;
    } else {
        b->used_ms = now_ms;
    }
    return b;
}

/* Counts a packet that was logged for a rule. */
static void
count_logged(const struct fabric *f, const struct fabric_sample *sample)
{
    struct budget *b;

    if (engine_cookie_name(f->engine, sample->cookie)) {
        b = get_budget(f, "", sample->cookie, sample->part, NULL,
                       time_msec());
        if (b) {
            b->n_logged++;
        }
    }
}

uint64_t
sampling_n_logged(const struct fabric *f, uint64_t cookie, uint32_t part)
{
    const struct budget *b = find_budget(f->samples, "", cookie, part, NULL);

    return b ? b->n_logged : 0;
}

void
sampling_forget_logged(const struct fabric *f, uint64_t cookie, uint32_t part)
{
    struct budget *b = find_budget(f->samples, "", cookie, part, NULL);

    if (b) {
        b->n_logged = 0;
    }
}

/* Packets.  -------------------------------------------------------------- */

/* Notes which neighbour ARP or neighbour discovery announces, if that is not
 * the sender by its headers. */
static void
note_announced(const struct flow *flow, struct fabric_sample *sample)
{
    bool is_arp = flow->dl_type == htons(ETH_TYPE_ARP);
    bool is_advert = (!is_arp && sample->protocol == IPPROTO_ICMPV6
                      && sample->tp_src == ND_NEIGHBOR_ADVERT);
    struct eth_addr mac = is_advert ? flow->arp_tha : flow->arp_sha;

    if (!is_arp && !is_advert && (sample->protocol != IPPROTO_ICMPV6
                                  || sample->tp_src != ND_NEIGHBOR_SOLICIT)) {
        return;
    }
    memcpy(sample->announced, is_advert ? (const void *) &flow->nd_target
           : sample->src, sizeof sample->announced);
    sample->announced_mac = eth_addr_is_zero(mac) ? sample->eth_src : mac;
    sample->announces = (
        sample->family
        && (!eth_addr_equals(sample->announced_mac, sample->eth_src)
            || memcmp(sample->announced, sample->src, sizeof sample->src)));
}

/* Parses the headers.  A copy is only the beginning of a packet, so lengths in
 * headers exceed it: missing bytes are read as zeros. */
static void
parse(struct sampling *s, const struct ofpacket_in *in,
      struct fabric_sample *sample)
{
    size_t size = MIN(in->full_size, FULL_SIZE_MAX);
    size_t known = MIN(in->size, size);
    struct dp_packet packet;
    struct flow flow;

    memcpy(s->scratch, in->bytes, known);
    memset(s->scratch + known, 0, size - known);
    dp_packet_use_const(&packet, s->scratch, size);
    flow_extract(&packet, &flow);
    sample->size = in->full_size;
    sample->eth_type = ntohs(flow.dl_type);
    sample->eth_src = flow.dl_src;
    sample->eth_dst = flow.dl_dst;
    if (flow.dl_type == htons(ETH_TYPE_IP)
        || flow.dl_type == htons(ETH_TYPE_ARP)) {
        sample->family = flow.nw_src || flow.nw_dst ? 4 : 0;
        memcpy(sample->src, &flow.nw_src, 4);
        memcpy(sample->dst, &flow.nw_dst, 4);
    } else if (flow.dl_type == htons(ETH_TYPE_IPV6)) {
        sample->family = 6;
        memcpy(sample->src, &flow.ipv6_src, 16);
        memcpy(sample->dst, &flow.ipv6_dst, 16);
    }
    if (sample->family && flow.dl_type != htons(ETH_TYPE_ARP)) {
        sample->protocol = flow.nw_proto;
        if (!(flow.nw_frag & FLOW_NW_FRAG_LATER)) {
            sample->tp_src = ntohs(flow.tp_src);
            sample->tp_dst = ntohs(flow.tp_dst);
        }
    }
    note_announced(&flow, sample);
}

/* Returns true if NAT has changed what the connection was for.  Its replies
 * come from there. */
static bool
is_translated(const struct fabric_sample *s, const struct ofpacket_ct *ct)
{
    bool is_dst = (!memcmp(ct->dst, s->dst, sizeof s->dst)
                   && ct->dst_port == s->tp_dst);
    bool is_src = (!memcmp(ct->dst, s->src, sizeof s->src)
                   && ct->dst_port == s->tp_src);

    return s->family && ct->family == s->family && !is_dst && !is_src;
}

static void
note_connection(const struct ofpacket_in *in, struct fabric_sample *sample)
{
    bool has_ports = (sample->protocol == IPPROTO_TCP
                      || sample->protocol == IPPROTO_UDP
                      || sample->protocol == IPPROTO_SCTP);

    if (has_ports && (sample->tp_src || sample->tp_dst)
        && is_translated(sample, &in->ct)) {
        sample->ct_family = in->ct.family;
        memcpy(sample->ct_dst, in->ct.dst, sizeof sample->ct_dst);
        sample->ct_tp_dst = in->ct.dst_port;
    }
}

static const char *
find_network(const struct fabric *f, uint32_t vni)
{
    struct vmn_names names = model_names(f->model, VMN_TABLE_NETWORK);

    for (size_t i = 0; vni && i < names.n; i++) {
        const struct vmn_network *network
            = model_get_durable(f->model, VMN_TABLE_NETWORK, names.names[i],
                                NULL);

        if (network && network->vni == vni) {
            return network->row.name;
        }
    }
    return NULL;
}

/* Returns the port that has an address, in 'network' or in a network that
 * routers connect to it. */
static void
name_address(const struct fabric *f, const char *network, int family,
             const uint8_t *addr, char port[VMN_NAME_LEN + 1])
{
    char text[INET6_ADDRSTRLEN];
    const char *name;

    if (!*port && network && family
        && inet_ntop(family == 4 ? AF_INET : AF_INET6, addr, text,
                     sizeof text)) {
        name = model_find_routed_address(f->model, network, text);
        if (name) {
            ovs_strlcpy(port, name, VMN_NAME_LEN + 1);
        }
    }
}

/* Fills in both ports.  A packet received from a VIF is from that port,
 * whatever its addresses. */
static void
name_ports(struct packets_of_switch *ps, const struct ofpacket_in *in,
           struct fabric_sample *sample)
{
    const struct fabric *f = ps->sw->host->fabric;
    const struct vmn_port *from = packet_sender_port(ps, in->in_port);
    const char *network = (from ? from->network
                           : find_network(f, in->regs[0]));

    if (from) {
        ovs_strlcpy(sample->src_port, from->row.name,
                    sizeof sample->src_port);
    }
    if (network) {
        ovs_strlcpy(sample->network, network, sizeof sample->network);
    }
    name_address(f, network, sample->family, sample->src, sample->src_port);
    name_address(f, network, sample->family, sample->dst, sample->dst_port);
}

/* Rings.  ---------------------------------------------------------------- */

static bool
same_packet(const struct fabric_sample *a, const struct fabric_sample *b)
{
    return (a->cookie == b->cookie && a->part == b->part
            && a->reason == b->reason && a->protocol == b->protocol
            && a->tp_src == b->tp_src && a->tp_dst == b->tp_dst
            && a->eth_type == b->eth_type && a->family == b->family
            && !memcmp(a->src, b->src, sizeof a->src)
            && !memcmp(a->dst, b->dst, sizeof a->dst)
            && eth_addr_equals(a->eth_src, b->eth_src)
            && eth_addr_equals(a->eth_dst, b->eth_dst)
            && eth_addr_equals(a->announced_mac, b->announced_mac)
            && !memcmp(a->announced, b->announced, sizeof a->announced)
            && !strcmp(a->host, b->host));
}

static struct fabric_sample *
find_again(struct ring *ring, const struct fabric_sample *sample)
{
    for (uint64_t id = ring->n; id && ring->n - id < AGAIN_MAX; id--) {
        struct fabric_sample *old = &ring->samples[id % FABRIC_SAMPLES_MAX];

        if (sample->time_ms - old->time_ms > AGAIN_MS) {
            break;
        } else if (same_packet(old, sample)) {
            return old;
        }
    }
    return NULL;
}

static void
push(struct ring *ring, struct fabric_sample *sample)
{
    sample->id = ++ring->n;
    ring->samples[ring->n % FABRIC_SAMPLES_MAX] = *sample;
}

/* Looks up the flow's owner now: it may be deleted when the sample is read. */
static void
name_rule(struct fabric *f, struct fabric_sample *sample)
{
    struct engine_flow_owner about;

    engine_get_flow_owner(f->engine, sample->cookie, sample->part, &about);
    if (about.owner) {
        ovs_strlcpy(sample->owner, about.owner, sizeof sample->owner);
        sample->type = about.type;
        ovs_strlcpy(sample->name, about.name, sizeof sample->name);
    }
    sample->rule = about.rule;
}

/* Fills in the verdict of a rule with a log, as of now: the rule may be
 * changed, or its policy promoted from shadow, when the sample is read.  A
 * dropped packet was denied; if it was not dropped though its rule denies, a
 * shadow policy matched it, possibly one that has been promoted since.  A
 * logged packet of a policy that matched no rule of it is one that a shadow
 * policy would isolate. */
static void
note_verdict(const struct fabric *f, struct fabric_sample *sample)
{
    const struct vmn_policy *policy = model_get_durable(
        f->model, VMN_TABLE_POLICY, sample->name, NULL);
    enum vmn_action action = (
        policy && sample->rule >= 0
        && (size_t) sample->rule < policy->n_rules
        ? policy->rules[sample->rule].action : VMN_ALLOW);
    bool denies = action == VMN_DENY || action == VMN_REJECT;

    sample->isolated = (!sample->part && sample->type
                        && !strcmp(sample->type, "policies"));
    sample->verdict = ((sample->reason && !denies) || sample->isolated
                       ? VMN_DENY : action);
    sample->shadow = !sample->reason && (
        denies || sample->isolated
        || (policy && policy->mode == VMN_SHADOW));
}

static void
keep(struct packets_of_switch *ps, const struct ofpacket_in *in,
     enum fabric_sample_kind kind, struct fabric_sample *sample)
{
    struct fabric *f = ps->sw->host->fabric;
    struct sampling *s = f->samples;
    bool log = kind == FABRIC_SAMPLE_LOG;
    struct fabric_sample *old = find_again(&s->rings[kind], sample);
    int64_t now_ms = time_msec();
    struct budget *host = get_host_budget(f, sample->host, now_ms);
    struct budget *b = host ? get_part_budget(
        f, host, log ? sample->cookie : 0, log ? sample->part : 0,
        log ? NULL : sample->reason, now_ms) : NULL;

    if (old) {
        old->n++;
        if (log) {
            count_logged(f, sample);
        }
        return;
    }
    if (!b || !token_bucket_withdraw(&b->bucket, TOKENS)
        || !token_bucket_withdraw(&host->bucket, TOKENS)
        || !token_bucket_withdraw(&s->bucket, TOKENS)) {
        s->n_suppressed++;
        if (b) {
            b->n_suppressed++;
        }
        return;
    }
    sample->n_suppressed = b->n_suppressed;
    b->n_suppressed = 0;
    if (log) {
        count_logged(f, sample);
    }
    note_connection(in, sample);
    name_ports(ps, in, sample);
    name_rule(f, sample);
    if (log) {
        note_verdict(f, sample);
    }
    push(&s->rings[kind], sample);
    s->n_taken++;
    FABRIC_NOTIFY(f, sample, (aux, kind, sample))
}

void
sampling_receive(struct packets_of_switch *ps, const struct ofpacket_in *in)
{
    struct fabric *f = ps->sw->host->fabric;
    struct sampling *s = f->samples;
    uint32_t kind = in->regs[SAMPLE_KIND_REG];
    struct fabric_sample sample = {
        .time_ms = time_wall_msec(),
        .cookie = in->metadata,
        .part = in->regs[SAMPLE_PART_REG],
        .n = 1,
    };

    s->n_in++;
    if (kind & SAMPLE_DROP) {
        sample.reason = engine_find_drop_reason(f->engine, kind);
        if (!sample.reason) {
            return;             /* Of a deleted flow. */
        }
        sample.background = engine_is_background(f->engine, sample.reason);
    }
    ovs_strlcpy(sample.host, ps->sw->host->name, sizeof sample.host);
    parse(s, in, &sample);
    if (kind & SAMPLE_UNCOUNTED && sample.reason) {
        f->callbacks->uncounted_drop(ps->sw, sample.cookie, sample.part,
                                     sample.reason, in->full_size);
    }
    if (kind & SAMPLE_DROP) {
        keep(ps, in, FABRIC_SAMPLE_DROP, &sample);
    }
    if (kind & SAMPLE_LOG) {
        sampling_meters_add_own(ps->sw, sample.part);
        keep(ps, in, FABRIC_SAMPLE_LOG, &sample);
    }
}

uint64_t
fabric_samples(const struct fabric *f, enum fabric_sample_kind kind,
               uint64_t after, fabric_sample_cb *cb, void *aux)
{
    const struct ring *ring = &f->samples->rings[kind];
    uint64_t first = ring->n < FABRIC_SAMPLES_MAX
                     ? 1 : ring->n - FABRIC_SAMPLES_MAX + 1;

    for (uint64_t id = MAX(first, MIN(after, ring->n) + 1); id <= ring->n;
         id++) {
        cb(aux, &ring->samples[id % FABRIC_SAMPLES_MAX]);
    }
    return ring->n;
}

/* Life.  ----------------------------------------------------------------- */

void
sampling_create(struct fabric *f)
{
    struct sampling *s = xzalloc(sizeof *s);

    hmap_init(&s->budgets);
    token_bucket_init(&s->bucket, SAMPLING_ALL_RATE,
                      SAMPLING_ALL_BURST * TOKENS);
    s->scratch = xmalloc(FULL_SIZE_MAX);
    f->samples = s;
}

void
sampling_destroy(struct fabric *f)
{
    struct sampling *s = f->samples;
    struct budget *b;

    if (s) {
        HMAP_FOR_EACH_POP (b, node, &s->budgets) {
            free(b);
        }
        hmap_destroy(&s->budgets);
        free(s->scratch);
        free(s);
        f->samples = NULL;
    }
}

void
sampling_get_stats(const struct fabric *f, struct fabric_stats *stats)
{
    stats->n_samples_in = f->samples->n_in;
    stats->n_samples = f->samples->n_taken;
    stats->n_samples_suppressed = f->samples->n_suppressed;
}
