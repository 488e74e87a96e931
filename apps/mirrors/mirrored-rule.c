/* SPDX-License-Identifier: Apache-2.0
 *
 * Mirrors of what rules of policies decide.  Of a rule that is in one, the
 * firewall app has each packet go through a group, before it does what the
 * rule says (VMN_REL_RULE_GROUPS): a bucket for each mirror, which looks a
 * copy up for it.  First that is told whose the packet is: of a port that the
 * policy applies to, which has sent it or is to get it.  Then it is looked up
 * as what ports send and get (mirror.c).
 *
 * All of a connection is judged, each packet by itself, so all of it is
 * copied; but of one that a rule of on_change: keep has let in, the tier does
 * not ask rules any more.  Of what goes to many (broadcasts, multicasts) each
 * host judges several copies, which are of no port yet, so that has none
 * here. */

#include "mirrors.h"

#include <stdlib.h>
#include <string.h>

#define GROUP_BIT (UINT64_C(1) << 40) /* Of an Ethernet address. */

static const char *const directions[VMN_N_DIRECTIONS] = {
    [VMN_INGRESS] = "ingress", [VMN_EGRESS] = "egress",
};

/* Sources.  --------------------------------------------------------------- */

/* The keys of what a mirror has of a policy: a rule each, or a direction. */
static size_t
n_keys(const struct mirror_policy *of)
{
    return of->n_rules ? of->n_rules : VMN_N_DIRECTIONS;
}

static const char *
key_at(struct vmn_view *view, const struct mirror_policy *of, size_t i)
{
    return (of->n_rules
            ? vmn_printf(view, "%s|%d", of->policy, of->rules[i])
            : vmn_printf(view, "%s|%s", of->policy, directions[i]));
}

void
mirror_publish_rules(struct vmn_view *view, struct vmn_emit *emit,
                     const struct mirror *row)
{
    for (size_t i = 0; i < row->n_policies; i++) {
        const struct mirror_policy *of = &row->policies[i];

        for (size_t j = 0; j < n_keys(of); j++) {
            vmn_publish(emit, REL_DECIDED, key_at(view, of, j),
                        row->object.row.name);
        }
    }
}

static bool
has_name(struct vmn_names names, const char *name)
{
    for (size_t i = 0; i < names.n; i++) {
        if (!strcmp(names.names[i], name)) {
            return true;
        }
    }
    return false;
}

/* Returns true if flows of the policy lead to the key's group.  Those of one
 * that could not be compiled are as they were before. */
static bool
is_used(struct vmn_view *view, const char *key)
{
    return vmn_relation_values(view, VMN_REL_RULE_GROUP_USES, key).n != 0;
}

bool
mirror_copies_rules(struct vmn_view *view, const struct mirror *row)
{
    const char *name = row->object.row.name;
    struct vmn_names of = vmn_relation_values(view, REL_COPIES, name);
    struct vmn_names out = vmn_relation_values(view, REL_LEFT_OUT, name);

    for (size_t i = 0; i < row->n_policies; i++) {
        const struct mirror_policy *policy = &row->policies[i];

        if (!has_name(of, policy->policy)) {
            continue;
        }
        for (size_t j = 0; j < n_keys(policy); j++) {
            const char *key = key_at(view, policy, j);

            if (is_used(view, key) && !has_name(out, key)) {
                return true;
            }
        }
    }
    return false;
}

/* Returns what a key is of, as users call it. */
static const char *
describe(struct vmn_view *view, const char *key)
{
    const char *policy, *which;

    return (!vmn_key_split_two(view, key, &policy, &which) ? key
            : vmn_printf(view, *which >= '0' && *which <= '9'
                         ? "rule %s of policy %s" : "%s of policy %s", which,
                         policy));
}

/* Returns which key of the mirror no flows lead to, or NULL. */
static const char *
unused_fault(struct vmn_view *view, const struct mirror *row)
{
    for (size_t i = 0; i < row->n_policies; i++) {
        const struct mirror_policy *of = &row->policies[i];

        for (size_t j = 0; j < n_keys(of); j++) {
            const char *key = key_at(view, of, j);

            if (!is_used(view, key)) {
                return vmn_printf(view, "no copies of %s: the policy's flows "
                                  "are not as it is now, as these could not "
                                  "be computed (vmnctl status says why)",
                                  describe(view, key));
            }
        }
    }
    return NULL;
}

const char *
mirror_rule_fault(struct vmn_view *view, const struct mirror *row)
{
    const char *name = row->object.row.name;
    struct vmn_names out = vmn_relation_values(view, REL_LEFT_OUT, name);

    for (size_t i = 0; i < row->n_policies; i++) {
        const struct mirror_policy *of = &row->policies[i];
        const struct vmn_policy *rules = vmn_read_policy(view, of->policy);
        size_t n = rules ? rules->n_rules : 0;

        for (size_t j = 0; j < of->n_rules; j++) {
            if ((size_t) of->rules[j] >= n) {
                return vmn_printf(view, "policy %s has no rule %d: it has "
                                  "%u, counted from 0", of->policy,
                                  of->rules[j], (unsigned) n);
            }
        }
        if (!n) {
            return vmn_printf(view, "policy %s has no rules", of->policy);
        }
    }
    if (out.n) {
        return vmn_printf(view, "no copies of %s: %d other mirrors have them, "
                          "as many as may", describe(view, out.names[0]),
                          MIRRORS_OF_PORT_MAX);
    }
    return unused_fault(view, row);
}

/* Groups.  ---------------------------------------------------------------- */

/* Returns true if 'which' is of the policy, and sets which direction its rules
 * are of. */
static bool
find_direction(const struct vmn_policy *policy, const char *which,
               enum vmn_direction *direction)
{
    size_t i;

    for (int d = 0; d < VMN_N_DIRECTIONS; d++) {
        if (!strcmp(which, directions[d])) {
            *direction = (enum vmn_direction) d;
            return policy->n_rules != 0;
        }
    }
    i = strtoul(which, NULL, 10);
    if (i >= policy->n_rules) {
        return false;
    }
    *direction = (enum vmn_direction) vmn_policy_rule_at(policy, i)->direction;
    return true;
}

/* The mirrors of a key: the operators' first, so that nobody takes the place
 * of one by mirrors of his own. */
struct decided {
    struct vmn_view *view;
    const char *policy, *which;
    enum vmn_direction direction;
    size_t n;
    const struct mirror *mirrors[MIRRORS_OF_PORT_MAX];
    size_t n_out;
    const char **out;           /* Names of those that are too many. */
};

static void
choose(struct decided *d, struct vmn_names names, bool operators)
{
    for (size_t i = 0; i < names.n; i++) {
        const struct mirror *mirror = read_mirror(d->view, names.names[i]);

        if (!mirror || mirror_is_operators(d->view, mirror) != operators) {
            continue;
        }
        if (d->n < MIRRORS_OF_PORT_MAX) {
            d->mirrors[d->n++] = mirror;
        } else {
            d->out[d->n_out++] = names.names[i];
        }
    }
}

/* Finds the mirrors of key "POLICY|WHICH".  Returns false if the policy has no
 * such rule. */
static bool
find_decided(struct vmn_view *view, const char *key, struct decided *d)
{
    struct vmn_names names = vmn_relation_values(view, REL_DECIDED, key);
    const struct vmn_policy *policy;

    memset(d, 0, sizeof *d);
    d->view = view;
    if (!vmn_key_split_two(view, key, &d->policy, &d->which)) {
        return false;
    }
    policy = vmn_read_policy(view, d->policy);
    if (!policy || !find_direction(policy, d->which, &d->direction)) {
        return false;
    }
    d->out = names.n ? vmn_alloc(view, names.n * sizeof *d->out) : NULL;
    choose(d, names, true);
    choose(d, names, false);
    return true;
}

static const char *
group_key(struct vmn_view *view, const char *key)
{
    return vmn_printf(view, "mirrors/%s", key);
}

/* Has the firewall take what a rule decides, or all in a direction, to the
 * group: 'key' is "POLICY|WHICH". */
void
compile_rule(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct decided d;
    uint32_t id;

    if (!find_decided(view, key, &d) || !d.n
        || !(id = vmn_id_of(view, VMN_ID_POOL_GROUP, group_key(view, key)))) {
        return;
    }
    for (size_t i = 0; i < d.n; i++) {
        const char *name = d.mirrors[i]->object.row.name;

        vmn_publish(emit, REL_COPIED, d.policy, name);
        vmn_publish(emit, REL_COPIES, name, d.policy);
    }
    for (size_t i = 0; i < d.n_out; i++) {
        vmn_publish(emit, REL_LEFT_OUT, d.out[i], key);
    }
    vmn_publish(emit, VMN_REL_RULE_GROUPS, d.policy,
                vmn_printf(view, "%s|%u", d.which, (unsigned) id));
}

/* Emits the group of such a key, wherever the policy's rules are: as long as
 * flows lead to it, if with no mirror left, for a switch that deletes a group
 * deletes those.  The mirrors' flows are where ports are that the policy
 * applies to. */
void
compile_rule_group(struct vmn_view *view, const char *key,
                   struct vmn_emit *emit)
{
    const char *policy, *which;
    struct vmn_group_msg *group;
    struct decided d;

    if (!vmn_key_split_two(view, key, &policy, &which)) {
        return;
    }
    group = vmn_group_add(emit, vmn_scope_relation(VMN_REL_POLICY_HOSTS,
                                                   policy),
                          VMN_GROUP_ALL, group_key(view, key));
    if (!find_decided(view, key, &d)) {
        return;
    }
    for (size_t i = 0; i < d.n; i++) {
        uint32_t number = mirror_number(view, d.mirrors[i]);
        struct vmn_actions *bucket = vmn_bucket_add(
            group, number & MIRROR_NUMBER_MAX, 0);

        vmn_act_set(bucket, REG_MIRROR,
                    number | (d.direction == VMN_INGRESS
                              ? MIRROR_INGRESS_RULE : 0));
        vmn_act_resubmit(bucket, STAGE_EGRESS, EGRESS_RULE);
    }
}

/* Says which ports the policy applies to, by their groups, for its mirrors:
 * of those that have a bucket alone. */
void
compile_copied(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names mirrors = vmn_relation_values(view, REL_COPIED, key);
    const struct vmn_policy *policy = vmn_read_policy(view, key);

    for (size_t i = 0; policy && i < policy->n_applies_to; i++) {
        size_t size;
        const char *p = (const char *) vmn_query(
            view, VMN_QUERY_NESTED_GROUPS, policy->applies_to[i], &size);

        for (const char *end = p + size; p && p < end; p += strlen(p) + 1) {
            for (size_t j = 0; j < mirrors.n; j++) {
                vmn_publish(emit, REL_DECIDED_PORTS, p, mirrors.names[j]);
            }
        }
    }
}

/* Whose the packet is.  --------------------------------------------------- */

/* Packets of a mirror on which rules of one direction have decided: those that
 * open a connection and go on with it, or answers. */
struct side {
    uint32_t number;            /* As in REG_MIRROR. */
    bool ingress, reply;
};

/* A rule is about the port that the policy applies to: of ingress, that gets
 * what opens a connection. */
static bool
is_got(const struct side *side)
{
    return side->ingress != side->reply;
}

static struct vmn_flow *
add_side(struct vmn_emit *emit, struct vmn_scope scope,
         const struct side *side, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_EGRESS,
                                         EGRESS_RULE, priority);

    vmn_match(flow, REG_MIRROR,
              side->number | (side->ingress ? MIRROR_INGRESS_RULE : 0));
    vmn_match_masked(flow, VMN_F_CT_STATE,
                     VMN_CT_TRK | (side->reply ? VMN_CT_RPL : 0),
                     VMN_CT_TRK | VMN_CT_RPL);
    vmn_match_masked(flow, VMN_F_ETH_DST, 0, GROUP_BIT);
    return flow;
}

/* Where copies are for a port, that one has none of its own packets, as of
 * what ports send and get. */
static void
except_to_port(struct vmn_view *view, struct vmn_emit *emit,
               const struct mirror *row, const struct side *side)
{
    const struct vmn_port *port = vmn_read_port(view, row->to_port);
    const struct vmn_binding *binding
        = port ? vmn_read_binding(view, row->to_port) : NULL;

    for (int i = 0; binding && i < 2; i++) {
        const char *host = i ? binding->candidate : binding->host;
        const struct vmn_vif *vif
            = host ? vmn_read_vif(view, host, port->iface_id) : NULL;
        struct vmn_flow *flow;

        if (vif) {
            flow = add_side(emit, vmn_scope_host(host), side,
                            PRIORITY_COPY_AGAIN);
            vmn_match(flow, is_got(side) ? VMN_REG_OUT_PORT : VMN_F_IN_PORT,
                      vif->ofport);
            vmn_act_set(vmn_flow_actions(flow), REG_MIRROR, 0);
        }
    }
}

static void
emit_side(struct vmn_view *view, struct vmn_emit *emit,
          const struct mirror *row, const struct side *side,
          const char *hosts)
{
    struct vmn_flow *flow = add_side(
        emit, vmn_scope_relation(hosts, row->object.row.name), side,
        PRIORITY_FILTER);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_set(actions, VMN_REG_COPIED, is_got(side) ? VMN_COPIED_TO : 0);
    vmn_act_move_bits(actions, is_got(side) ? VMN_REG_OUT_PORT
                      : VMN_F_IN_PORT, 0, VMN_REG_COPIED, 0, 16);
    vmn_act_set(actions, REG_MIRROR, side->number);
    vmn_act_goto(actions, STAGE_INGRESS, INGRESS_COPY);
    if (row->to_port) {
        except_to_port(view, emit, row, side);
    }
}

void
mirror_emit_rules(struct vmn_view *view, struct vmn_emit *emit,
                  const struct mirror *row, uint32_t number,
                  const char *hosts)
{
    for (int i = 0; row->n_policies && i < 4; i++) {
        const struct side side = { .number = number, .ingress = i & 1,
                                   .reply = i >> 1 };

        if (row->direction != (is_got(&side) ? DIRECTION_EGRESS
                               : DIRECTION_INGRESS)) {
            emit_side(view, emit, row, &side, hosts);
        }
    }
}
