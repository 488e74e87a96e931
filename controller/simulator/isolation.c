/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the policies that isolate a port, and what quarantines it; see
 * isolation.h.
 *
 * The flow matches an identity, which is that of the port's groups.  So any
 * port of it on that host tells the groups, and these tell the policies. */

#include <config.h>

#include "controller/simulator/isolation.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-rule.h"
#include "controller/simulator/flow-lookup.h"
#include "controller/simulator/guest-packet.h"
#include "sset.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* What was found of an identity: a matrix has it in many cells. */
struct isolation_memo {
    struct isolation_memo *next;
    uint32_t identity;
    struct result_owner by;     /* Only what isolation_fill() sets. */
};

/* Returns the identity that the rule matches as that of the packet's side in
 * 'direction', or 0. */
static uint32_t
identity_in(const struct rule *rule, enum vmn_direction direction)
{
    const int reg = direction == VMN_EGRESS ? 1 : 2;
    struct match match;

    minimatch_expand(&rule->match, &match);
    return match.wc.masks.regs[reg] == UINT32_MAX ? match.flow.regs[reg] : 0;
}

static bool
has_identity(const struct result_names *names, const char *port,
             uint32_t identity)
{
    size_t size;
    uint32_t *value = engine_peek(names->engine, VMN_QUERY_IDENTITY, port,
                                  &size);
    bool has = value && size == sizeof *value && *value == identity;

    free(value);
    return has;
}

/* Returns a port of 'among' with the identity, or NULL. */
static const char *
find_port(const struct result_names *names, struct vmn_names among,
          uint32_t identity)
{
    for (size_t i = 0; i < among.n; i++) {
        if (has_identity(names, among.names[i], identity)) {
            return among.names[i];
        }
        engine_yield(names->engine);
    }
    return NULL;
}

/* Adds the group, and all that contain it. */
static void
add_group(const struct result_names *names, const char *group,
          struct sset *groups)
{
    if (sset_add(groups, group)) {
        struct vmn_names outer = model_referrers(
            names->model, VMN_TABLE_GROUP, group, VMN_TABLE_GROUP);

        /* As deep as groups may be nested. */
        for (size_t i = 0; i < outer.n; i++) {
            add_group(names, outer.names[i], groups);
        }
    }
}

/* Adds the groups that contain the port. */
static void
find_groups(const struct result_names *names, const char *port,
            struct sset *groups)
{
    size_t size;
    char *list = engine_peek(names->engine, VMN_QUERY_GROUPS, port, &size);
    char *save = NULL;

    if (list && size && !list[size - 1]) {
        for (char *group = strtok_r(list, ",", &save); group;
             group = strtok_r(NULL, ",", &save)) {
            if (model_get(names->model, VMN_TABLE_GROUP, group)) {
                add_group(names, group, groups);
            }
        }
    }
    free(list);
}

static bool
applies_to(const struct vmn_policy *policy, const char *group)
{
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        if (!strcmp(policy->applies_to[i], group)) {
            return true;
        }
    }
    return false;
}

/* Adds the policies that isolate the group's ports in 'direction'. */
static void
find_policies(const struct result_names *names, const char *group,
              enum vmn_direction direction, struct sset *policies)
{
    struct vmn_names found = model_referrers(names->model, VMN_TABLE_GROUP,
                                             group, VMN_TABLE_POLICY);

    for (size_t i = 0; i < found.n; i++) {
        const struct vmn_policy *policy = model_get(
            names->model, VMN_TABLE_POLICY, found.names[i]);

        /* That tier alone isolates. */
        if (policy->isolates[direction] && policy->mode == VMN_ENFORCE
            && !strcmp(policy->tier, "application")
            && applies_to(policy, group)) {
            sset_add(policies, policy->row.name);
        }
    }
}

/* Adds the policies that isolate the port in 'direction'. */
static void
find_port_policies(const struct result_names *names, const char *port,
                   enum vmn_direction direction, struct sset *policies)
{
    struct sset groups = SSET_INITIALIZER(&groups);
    const char *group;

    find_groups(names, port, &groups);
    SSET_FOR_EACH (group, &groups) {
        find_policies(names, group, direction, policies);
    }
    sset_destroy(&groups);
}

void
isolation_groups_of_port(struct engine *engine, const struct model *model,
                         const char *port, struct sset *groups)
{
    const struct result_names names = { .engine = engine, .model = model };

    find_groups(&names, port, groups);
}

void
isolation_of_port(struct engine *engine, const struct model *model,
                  const char *port, enum vmn_direction direction,
                  struct sset *policies)
{
    const struct result_names names = { .engine = engine, .model = model };

    find_port_policies(&names, port, direction, policies);
}

static void
fill_names(const struct sset *policies, struct arena *arena,
           struct result_owner *owner)
{
    const char **sorted = sset_sort(policies);

    owner->n_isolated_by = sset_count(policies);
    owner->isolated_by = arena_alloc(arena, owner->n_isolated_by
                                            * sizeof *owner->isolated_by);
    for (size_t i = 0; i < owner->n_isolated_by; i++) {
        owner->isolated_by[i] = arena_strdup(arena, sorted[i]);
    }
    free(sorted);
}

/* Finds who isolates the ports of 'identity' in 'direction'; 'host' has one of
 * them, unless they are external. */
static void
find(const struct result_names *names, const char *host, uint32_t identity,
     enum vmn_direction direction, struct arena *arena,
     struct result_owner *owner)
{
    struct sset policies = SSET_INITIALIZER(&policies);
    const char *port = find_port(names, model_lookup(
        names->model, VMN_INDEX_PORT_BY_HOST, host), identity);

    if (!port) {
        port = find_port(names, model_names(names->model, VMN_TABLE_PORT),
                         identity);
    }
    if (port) {
        find_port_policies(names, port, direction, &policies);
    }
    owner->direction = schema_direction_names[direction];
    fill_names(&policies, arena, owner);
    sset_destroy(&policies);
}

/* Sets the object to the only one of 'by', each of which is "NAME" of 'type'
 * or "TYPE/NAME" (NULL), or to none: the flow is of a routing domain, whose
 * router or network is not why. */
static void
set_object(struct result_owner *owner, const char *type, size_t n,
           const char *const *by, struct arena *arena)
{
    const char *slash = n == 1 && !type ? strchr(by[0], '/') : NULL;
    struct status_object *object;

    owner->object = NULL;
    owner->rule = -1;
    if (n != 1 || !(type || slash)) {
        return;
    }
    object = arena_alloc(arena, sizeof *object);
    object->type = type ? type : arena_printf(arena, "%.*s",
                                              (int) (slash - by[0]), by[0]);
    object->name = type ? by[0] : slash + 1;
    owner->object = object;
}

void
isolation_fill(const struct result_names *names, const struct sim_end *end,
               struct arena *arena, struct result_owner *owner)
{
    enum vmn_direction direction;
    struct isolation_memo *memo;
    uint32_t identity;

    if (!end->rule || !end->rule->drop_reason
        || strcmp(end->rule->drop_reason, "isolated")) {
        return;
    }
    identity = identity_in(end->rule, VMN_EGRESS);
    direction = identity ? VMN_EGRESS : VMN_INGRESS;
    identity = identity ? identity : identity_in(end->rule, VMN_INGRESS);
    if (!identity) {
        return;
    }
    for (memo = *names->isolations; memo; memo = memo->next) {
        if (memo->identity == identity
            && memo->by.direction == schema_direction_names[direction]) {
            break;
        }
    }
    if (!memo) {
        memo = arena_alloc(arena, sizeof *memo);
        memo->identity = identity;
        find(names, end->host, identity, direction, arena, &memo->by);
        memo->next = *names->isolations;
        *names->isolations = memo;
    }
    owner->direction = memo->by.direction;
    owner->n_isolated_by = memo->by.n_isolated_by;
    owner->isolated_by = memo->by.isolated_by;
    set_object(owner, "policies", owner->n_isolated_by, owner->isolated_by,
               arena);
}

/* Quarantine.  ----------------------------------------------------------- */

/* At most so many are named. */
#define HELD_BY_MAX 100

/* Returns the port whose own "quarantined" holds 'port': itself, or one that
 * it is a sub-port of. */
static const char *
find_holder(const struct model *model, const char *port)
{
    const struct vmn_port *row = model_get(model, VMN_TABLE_PORT, port);

    if (row && !row->quarantined && row->parent) {
        row = model_get(model, VMN_TABLE_PORT, row->parent);
    }
    return row && row->quarantined ? row->row.name : NULL;
}

void
quarantine_of_port(struct engine *engine, const struct model *model,
                   const char *port, struct sset *by)
{
    size_t size;
    char *held = engine_peek(engine, VMN_QUERY_QUARANTINE, port, &size);
    char *save = NULL;

    for (char *name = held ? strtok_r(held, ",", &save) : NULL; name;
         name = strtok_r(NULL, ",", &save)) {
        const char *slash = strchr(name, '/');
        const char *holder = slash ? NULL : find_holder(model, port);

        if (slash) {
            sset_add_and_free(by, xasprintf("quarantines/%s", slash + 1));
        } else if (holder) {
            sset_add_and_free(by, xasprintf("ports/%s", holder));
        }
    }
    free(held);
}

/* Gets the source address; as packet_get_destination(). */
static void
get_source(const struct sim_packet *packet, struct vmn_ip *ip)
{
    struct sim_packet turned = *packet;

    turned.flow.nw_dst = packet->flow.nw_src;
    turned.flow.ipv6_dst = packet->flow.ipv6_src;
    packet_get_destination(&turned, ip);
}

static bool
has_address(const struct vmn_port *port, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (!memcmp(&port->ips[i], ip, sizeof *ip)) {
            return true;
        }
    }
    return false;
}

/* Adds what holds the port that has the identity and the address. */
static void
add_held(const struct result_names *names, uint32_t identity,
         const struct vmn_ip *ip, struct sset *by)
{
    struct vmn_names all = model_names(names->model, VMN_TABLE_PORT);

    for (size_t i = 0; identity && i < all.n; i++) {
        const struct vmn_port *port = model_get(names->model, VMN_TABLE_PORT,
                                                all.names[i]);

        if (port && has_address(port, ip)
            && has_identity(names, port->row.name, identity)) {
            quarantine_of_port(names->engine, names->model, port->row.name,
                               by);
            break;
        }
        engine_yield(names->engine);
    }
}

void
quarantine_fill(const struct result_names *names, const struct sim_end *end,
                const char *from, const char *to, struct arena *arena,
                struct result_owner *owner)
{
    struct sset by = SSET_INITIALIZER(&by);
    struct vmn_ip ip;
    const char **sorted;

    if (!end->rule || !end->rule->drop_reason
        || strcmp(end->rule->drop_reason, "quarantined")) {
        return;
    }
    if (from || to) {
        if (from) {
            quarantine_of_port(names->engine, names->model, from, &by);
        }
        if (to) {
            quarantine_of_port(names->engine, names->model, to, &by);
        }
    } else {
        get_source(&end->packet, &ip);
        add_held(names, end->packet.flow.regs[1], &ip, &by);
        packet_get_destination(&end->packet, &ip);
        add_held(names, end->packet.flow.regs[2], &ip, &by);
    }
    sorted = sset_sort(&by);
    owner->n_quarantined_by = MIN(sset_count(&by), HELD_BY_MAX);
    owner->quarantined_by = arena_alloc(
        arena, MAX(owner->n_quarantined_by, 1)
               * sizeof *owner->quarantined_by);
    for (size_t i = 0; i < owner->n_quarantined_by; i++) {
        owner->quarantined_by[i] = arena_strdup(arena, sorted[i]);
    }
    set_object(owner, NULL, owner->n_quarantined_by, owner->quarantined_by,
               arena);
    free(sorted);
    sset_destroy(&by);
}
