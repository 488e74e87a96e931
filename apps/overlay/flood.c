/* SPDX-License-Identifier: Apache-2.0
 *
 * Broadcast and multicast on one host: a copy for the local ports of each
 * identity, since policy judges these alike, and leaves by all of them; and
 * one for the tunnels if the sender is local.  A MAC that several ports may
 * use goes the same way.
 *
 * Where ports are isolated from each other, a copy is for those that are alike
 * in that as well (isolated-ports.c).
 *
 * In an observed network each port has a copy of its own: what is learned
 * there says which port a connection was for.
 *
 * A switch looks a packet up 4,096 times at most, and nobody gets one that
 * takes more.  So a flood of many copies, or where each port is looked up as
 * multicast is snooped, goes to the ports in parts: the packet passes
 * conntrack, which remembers nothing of it, and what is behind that is counted
 * anew.  What is not IP cannot, and needs not: policy does not judge it, so
 * one copy is for all ports of a part.  A flood with a copy for more ports
 * than a flow has room for is divided as well.
 *
 * The copy for the tunnels passes no policy here, since it has no single
 * destination: the sender's egress rules are judged with each copy where it
 * arrives, which is why the source counts as local there.  That for a provider
 * network's physical network is judged as one to anybody outside.
 *
 * Every sender gets the same copies.  One for its own port alone is dropped
 * before policy sees it, which would count it as denied; of one for several
 * ports, the switch leaves out the port by which the packet came. */

#include "overlay.h"

#include <stdlib.h>
#include <string.h>

/* The ports of a network on one host: who gets a copy of a flood. */
struct flood_ports {
    const struct vmn_network *network;
    const char *host;
    uint32_t uplink;            /* Of a provider network: the port to the
                                 * physical network, or 0. */
    bool each;                  /* Each has a copy of its own. */
    bool any_identity;          /* One copy is for all of an isolation. */
    bool snooped;               /* multicast looks each port up. */
    size_t n;
    struct port_ctx *members;   /* By isolation and identity. */
};

static int
compare_members(const void *a_, const void *b_)
{
    const struct port_ctx *a = a_, *b = b_;

    return (a->isolation != b->isolation
            ? (a->isolation < b->isolation ? -1 : 1)
            : a->identity != b->identity
            ? (a->identity < b->identity ? -1 : 1)
            : a->ofport < b->ofport ? -1 : a->ofport > b->ofport);
}

/* Returns how many ports from member 'first' on share one copy. */
static size_t
n_alike(const struct flood_ports *to, size_t first)
{
    size_t end = first + 1;

    while (end < to->n
           && to->members[end].isolation == to->members[first].isolation
           && (to->any_identity
               || (!to->each && to->members[end].identity
                                == to->members[first].identity))) {
        end++;
    }
    return end - first;
}

/* Reads the ports into 'to'.  Quarantined ports get no copies, nor do those
 * that an app has excepted.  Both lists are sorted. */
static void
flood_ports_read(struct vmn_view *view, const char *key,
                 struct flood_ports *to)
{
    struct vmn_names ports = vmn_relation_values(view, REL_LOCAL, key);
    struct vmn_names unflooded = vmn_relation_values(
        view, VMN_REL_UNFLOODED_PORTS, to->network->row.name);
    size_t next = 0;

    to->n = 0;
    to->members = vmn_alloc(view, (ports.n + 1) * sizeof *to->members);
    for (size_t i = 0; i < ports.n; i++) {
        struct port_ctx *ctx = &to->members[to->n];

        while (next < unflooded.n
               && strcmp(unflooded.names[next], ports.names[i]) < 0) {
            next++;
        }
        if (next < unflooded.n
            && !strcmp(unflooded.names[next], ports.names[i])) {
            continue;
        }
        if (port_ctx_read(view, ports.names[i], ctx) && ctx->ofport
            && !strcmp(ctx->host, to->host)
            && !vmn_is_quarantined(view, ctx->port)) {
            to->n++;
        }
    }
    qsort(to->members, to->n, sizeof *to->members, compare_members);
}

/* Returns the number that stands for the ports from 'first' on, several that
 * are alike. */
static uint32_t
number_of(const struct port_ctx *first, uint32_t several)
{
    return several | first->isolation << VMN_OUT_ISOLATION_SHIFT;
}

/* Appends a copy for each identity of the ports; with 'several' in place of
 * the port where more than one has it. */
static void
put_copies(struct vmn_actions *actions, const struct flood_ports *to,
           uint32_t several)
{
    size_t n;

    for (size_t i = 0; i < to->n; i += n) {
        n = n_alike(to, i);
        if (has_isolation(to->network)) {
            vmn_act_set(actions, REG_DST_ISOLATION, to->members[i].isolation);
        }
        vmn_act_set(actions, VMN_REG_DST_ID,
                    to->any_identity ? 0 : to->members[i].identity);
        vmn_act_set(actions, VMN_REG_DST_LOCAL, 1);
        vmn_act_set(actions, VMN_REG_OUT_PORT,
                    n > 1 ? number_of(&to->members[i], several)
                    : to->members[i].ofport);
        vmn_act_resubmit(actions, STAGE_LOCATE, LOCATE_COPY);
    }
}

/* Emits flows that output copies for 'several' ports of one identity. */
static void
deliver_copies(struct vmn_emit *emit, const struct flood_ports *to,
               uint32_t several)
{
    size_t n;

    for (size_t i = 0; i < to->n; i += n) {
        struct vmn_flow *flow;

        n = n_alike(to, i);
        if (n == 1) {
            continue;
        }
        flow = vmn_flow_add(emit, vmn_scope_host(to->host), STAGE_DELIVER,
                            DELIVER_OUT, OUT_COPIES);
        match_network(flow, to->network);
        if (!to->any_identity) {
            vmn_match(flow, VMN_REG_DST_ID, to->members[i].identity);
        }
        vmn_match(flow, VMN_REG_DST_LOCAL, 1);
        vmn_match(flow, VMN_REG_OUT_PORT,
                  number_of(&to->members[i], several));
        for (size_t j = i; j < i + n; j++) {
            vmn_act_output(vmn_flow_actions(flow), to->members[j].ofport);
        }
    }
}

/* Parts.  ----------------------------------------------------------------- */

/* In VMN_REG_OUT_PORT, of a part of the flood to all ports, or of that to
 * those with 'unknown'. */
enum part_step {
    PART_SEVERAL,               /* A copy for several: VMN_OUT_PART. */
    PART_SPLIT,                 /* It is to be translated by itself... */
    PART_ALONE,                 /* ...and is. */
    PART_REST,                  /* As the first, of what is not IP. */
    N_PART_STEPS
};

static uint32_t
part_number(bool unknown, enum part_step step, size_t part)
{
    return (VMN_OUT_PART
            + ((unknown ? N_PART_STEPS : 0) + (uint32_t) step)
              * VMN_FLOOD_PARTS_MAX
            + (uint32_t) part);
}

/* So that VMN_OUT_PARTS_MASK tells all of them. */
_Static_assert(2 * N_PART_STEPS * VMN_FLOOD_PARTS_MAX
               <= 0x10000 - VMN_OUT_PARTS_MASK
               && (VMN_OUT_PART & ~VMN_OUT_PARTS_MASK) == 0,
               "numbers of parts are beyond the mask");

/* A flow has room for so many outputs at least, of 16 bytes in 64 KB. */
enum { OUTPUTS_MAX = 2048 };

/* Returns whether a flood that nobody snoops fits a packet's translation, and
 * each of its copies a flow, if it is not divided. */
static bool
fits_undivided(const struct flood_ports *to)
{
    size_t n_copies = 0, n;

    for (size_t i = 0; i < to->n; i += n) {
        n = n_alike(to, i);
        if (n > OUTPUTS_MAX || ++n_copies > VMN_FLOOD_PART) {
            return false;
        }
    }
    return true;
}

/* Returns how many parts a flood has; 1: it is not divided.  multicast knows
 * of the same numbers where it snoops. */
static size_t
n_parts(const struct flood_ports *to)
{
    return (to->n <= VMN_FLOOD_PART || (!to->snooped && fits_undivided(to))
            ? 1 : (to->n - 1) / VMN_FLOOD_PART + 1);
}

static struct flood_ports
part_of(const struct flood_ports *to, size_t part)
{
    struct flood_ports some = *to;
    size_t first = part * VMN_FLOOD_PART;

    some.members = &to->members[first];
    some.n = to->n - first < VMN_FLOOD_PART ? to->n - first : VMN_FLOOD_PART;
    return some;
}

/* Appends what gives all ports their copies. */
static void
put_flood(struct vmn_actions *actions, const struct flood_ports *to,
          bool unknown)
{
    size_t n = n_parts(to);

    if (n == 1) {
        put_copies(actions, to, unknown ? VMN_OUT_SEVERAL_UNKNOWN
                   : VMN_OUT_SEVERAL);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        vmn_act_set(actions, VMN_REG_OUT_PORT,
                    part_number(unknown, PART_SPLIT, i));
        vmn_act_resubmit(actions, STAGE_LOCATE,
                         unknown ? LOCATE_COPY : LOCATE_LEARNED);
    }
}

static struct vmn_flow *
part_flow_add(struct vmn_emit *emit, const struct flood_ports *to,
              unsigned table, uint16_t priority, uint32_t number)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(to->host),
                                         STAGE_LOCATE, table, priority);

    match_network(flow, to->network);
    vmn_match(flow, VMN_REG_OUT_PORT, number);
    return flow;
}

static void
back_to_parts(struct vmn_emit *emit, const struct flood_ports *part,
              uint32_t number)
{
    vmn_act_jump(vmn_flow_actions(part_flow_add(
        emit, part, LOCATE_COPY, COPY_PART, number)),
        STAGE_LOCATE, LOCATE_LEARNED);
}

/* Emits what has part number 'n' be translated by itself: of IP, which passes
 * conntrack.  That leads to a later table, and from there back.  Returns the
 * actions for all else. */
static struct vmn_actions *
split_part(struct vmn_emit *emit, const struct flood_ports *part,
           bool unknown, size_t n)
{
    static const uint16_t families[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };
    uint32_t split = part_number(unknown, PART_SPLIT, n);

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        struct vmn_flow *flow = part_flow_add(emit, part, LOCATE_LEARNED,
                                              LEARNED_PART, split);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, VMN_F_ETH_TYPE, families[i]);
        vmn_act_set(actions, VMN_REG_OUT_PORT,
                    part_number(unknown, PART_ALONE, n));
        vmn_act_ct(actions, &(struct vmn_ct) {
            .zone = VMN_REG_ZONE, .then = VMN_CT_TABLE,
            .stage = STAGE_LOCATE, .table = LOCATE_COPY });
    }
    back_to_parts(emit, part, part_number(unknown, PART_ALONE, n));
    if (unknown) {
        back_to_parts(emit, part, split);   /* It has come from there. */
    }
    return vmn_flow_actions(part_flow_add(emit, part, LOCATE_LEARNED,
                                          LEARNED_PART_REST, split));
}

/* Emits what makes copies of part number 'n', and outputs them. */
static void
compile_part(struct vmn_emit *emit, const struct flood_ports *part,
             bool unknown, size_t n)
{
    struct flood_ports rest = *part;

    rest.any_identity = true;
    put_copies(split_part(emit, part, unknown, n), &rest,
               part_number(unknown, PART_REST, n));
    deliver_copies(emit, &rest, part_number(unknown, PART_REST, n));
    put_copies(vmn_flow_actions(part_flow_add(
        emit, part, LOCATE_LEARNED, LEARNED_PART,
        part_number(unknown, PART_ALONE, n))),
        part, part_number(unknown, PART_SEVERAL, n));
    deliver_copies(emit, part, part_number(unknown, PART_SEVERAL, n));
}

/* Emits what outputs the copies of put_flood(). */
static void
deliver_flood(struct vmn_emit *emit, const struct flood_ports *to,
              bool unknown)
{
    size_t n = n_parts(to);

    if (n == 1) {
        deliver_copies(emit, to, unknown ? VMN_OUT_SEVERAL_UNKNOWN
                       : VMN_OUT_SEVERAL);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct flood_ports part = part_of(to, i);

        compile_part(emit, &part, unknown, i);
    }
}

/* A network on a host.  --------------------------------------------------- */

void
flood_to_sender(struct vmn_emit *emit, const struct port_ctx *ctx)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_LOCATE, LOCATE_COPY,
                                         COPY_TO_SENDER);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    vmn_match(flow, VMN_REG_OUT_PORT, ctx->ofport);
    drop_background(flow, REASON_TO_SENDER);
}

void
flood_forward(struct vmn_actions *actions, const struct vmn_network *network,
              uint32_t hosts)
{
    bool provider = is_provider(network);

    if (!provider) {
        vmn_act_set(actions, VMN_REG_SRC_LOCAL, 0);
    }
    vmn_act_set(actions, VMN_REG_DST_ID, 0);
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 0);
    vmn_act_set(actions, VMN_REG_OUT_PORT, provider ? 0 : VMN_TUNNEL_OFPORT);
    vmn_act_set(actions, VMN_REG_DST_HOST,
                provider ? VMN_DST_HOST_PROVIDER : hosts);
    vmn_act_next(actions);
}

/* Adds a flow that floods packets from a tunnel or the physical network
 * ('out_of_tunnel'), or from a local port. */
static struct vmn_flow *
flow_add(struct vmn_emit *emit, const struct flood_ports *to,
         bool out_of_tunnel, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(to->host),
                                         STAGE_LOCATE, 0, priority);
    struct vmn_actions *actions = vmn_flow_actions(flow);
    bool provider = is_provider(to->network);

    match_network(flow, to->network);
    if (out_of_tunnel) {
        vmn_match(flow, VMN_F_IN_PORT, provider ? to->uplink
                  : VMN_TUNNEL_OFPORT);
        if (!to->n) {
            drop_background(flow, REASON_NOBODY);
            return flow;
        }
        if (!provider) {
            vmn_act_set(actions, VMN_REG_SRC_LOCAL, 1);
        }
        put_flood(actions, to, false);
    } else {
        put_flood(actions, to, false);
        flood_forward(actions, to->network, VMN_DST_HOST_FLOOD);
    }
    return flow;
}

/* Adds flows that flood packets for MACs that were not learned to all local
 * ports with 'unknown'. */
static void
unknown_copies(struct vmn_emit *emit, const struct flood_ports *to)
{
    struct flood_ports unknown = *to;
    uint32_t remote_port = (is_provider(to->network) ? to->uplink
                            : VMN_TUNNEL_OFPORT);

    unknown.n = 0;
    unknown.snooped = false;    /* It is for no group. */
    for (size_t i = 0; i < to->n; i++) {
        if (to->members[i].port->unknown) {
            unknown.members[unknown.n++] = to->members[i];
        }
    }
    deliver_flood(emit, &unknown, true);
    for (int from_remote = 0;
         unknown.n && from_remote <= (remote_port != 0); from_remote++) {
        struct vmn_flow *flow = vmn_flow_add(
            emit, vmn_scope_host(to->host), STAGE_LOCATE, LOCATE_LEARNED,
            from_remote ? LEARNED_MISS_REMOTE : LEARNED_MISS_LOCAL);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        match_network(flow, to->network);
        if (!from_remote) {
            put_flood(actions, &unknown, true);
            unknown_forward(actions, to->network);
            continue;
        }
        vmn_match(flow, VMN_F_IN_PORT, remote_port);
        vmn_match(flow, VMN_REG_MAC_VALUE, 0);
        if (!is_provider(to->network)) {
            vmn_act_set(actions, VMN_REG_SRC_LOCAL, 1);
        }
        put_flood(actions, &unknown, true);
    }
}

void
compile_flood(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const char *parts[2];

    if (vmn_key_split(view, key, parts, 2) < 2) {
        return;
    }

    struct flood_ports to = {
        .network = vmn_read_network(view, parts[0]),
        .host = parts[1],
        .each = vmn_read_observation(view, parts[0]) != NULL,
        .snooped = vmn_relation_values(view, VMN_REL_SNOOPED, parts[0]).n != 0,
    };

    if (!to.network || !to.network->vni) {
        return;
    }
    flood_ports_read(view, key, &to);
    if (to.n > VMN_FLOOD_PART * VMN_FLOOD_PARTS_MAX) {
        vmn_fail(emit, "%s has more than %d ports of a network", to.host,
                 VMN_FLOOD_PART * VMN_FLOOD_PARTS_MAX);
        return;
    }
    if (is_provider(to.network)) {
        to.uplink = vmn_provider_ofport(view, to.network, to.host);
    }

    /* What comes by a tunnel never goes back into one, and what comes from a
     * physical network not there, also where no port gets a copy. */
    bool receives = !is_provider(to.network) || to.uplink;
    struct vmn_names shared = vmn_relation_values(view, REL_SHARED, parts[0]);

    /* For packets from local ports, then for those from a tunnel. */
    for (int tunnel = 0; tunnel <= (receives ? 1 : 0); tunnel++) {
        struct vmn_flow *flow = flow_add(emit, &to, tunnel,
                                         tunnel ? LOCATE_GROUP_TUNNEL
                                         : LOCATE_GROUP);

        vmn_match_masked(flow, VMN_F_ETH_DST, GROUP_BIT, GROUP_BIT);
        for (size_t i = 0; i < shared.n; i++) {
            struct vmn_mac mac;

            if (vmn_mac_from_text(shared.names[i], &mac)) {
                flow = flow_add(emit, &to, tunnel,
                                tunnel ? LOCATE_SHARED_TUNNEL
                                : LOCATE_SHARED);
                vmn_match_mac(flow, VMN_F_ETH_DST, mac);
            }
        }
    }
    deliver_flood(emit, &to, false);
    unknown_copies(emit, &to);  /* Last, since it changes 'to'. */
}
