/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a port is to policies.  Ports of one routing domain that are in the same
 * groups share an identity.  All groups count, whether a policy names them or
 * not, so that writing a policy never changes an identity.  What is more than
 * groups counts as one: what cuts a port off, and where routers join networks,
 * a network's default to deny. */

#include "firewall.h"

#include <stdlib.h>
#include <string.h>

/* Sets of identities.  --------------------------------------------------- */

void
ids_add(struct vmn_view *view, struct ids *set, uint32_t id)
{
    size_t i = set->n;

    while (i > 0 && set->ids[i - 1] >= id) {
        i--;
    }
    if (i < set->n && set->ids[i] == id) {
        return;
    }
    if (set->n >= set->allocated) {
        uint32_t *ids;

        set->allocated = set->allocated ? 2 * set->allocated : 8;
        ids = vmn_alloc(view, set->allocated * sizeof *ids);
        if (set->n) {
            memcpy(ids, set->ids, set->n * sizeof *ids);
        }
        set->ids = ids;
    }
    memmove(&set->ids[i + 1], &set->ids[i], (set->n - i) * sizeof *set->ids);
    set->ids[i] = id;
    set->n++;
}

void
ids_add_group(struct vmn_view *view, struct ids *set, const char *domain,
              const char *group)
{
    struct vmn_names members = vmn_relation_values(
        view, REL_MEMBERS, vmn_printf(view, "%s|%s", domain, group));
    uint32_t id;

    for (size_t i = 0; i < members.n; i++) {
        if (id_from_text(members.names[i], &id)) {
            ids_add(view, set, id);
        }
    }
}

bool
id_from_text(const char *text, uint32_t *id)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    *id = value;
    return value && value <= UINT32_MAX && !*end;
}

const char *
list_next(char **list)
{
    char *name = *list && **list ? *list : NULL;
    char *comma = name ? strchr(name, ',') : NULL;

    *list = comma ? comma + 1 : NULL;
    if (comma) {
        *comma = '\0';
    }
    return name;
}

/* The groups of a port.  ------------------------------------------------- */

/* Adds the groups at 'key' of 'index'; those with a selector only if it
 * matches. */
static void
add_groups(struct vmn_view *view, struct names *names, enum vmn_index index,
           const char *key, const struct vmn_labels *labels)
{
    struct vmn_names found = vmn_lookup(view, index, key);

    for (size_t i = 0; i < found.n; i++) {
        const char *name = found.names[i];

        if (index == VMN_INDEX_GROUP_BY_ANCHOR) {
            const struct vmn_group *group = vmn_read_group(view, name);

            if (!group || !group->selector.text
                || !vmn_selector_matches(&group->selector, labels)) {
                continue;
            }
        }
        names_add(view, names, name);
    }
}

/* Returns "A,B" of at least one name, in their order. */
static const char *
names_list(struct vmn_view *view, const struct names *names)
{
    size_t size = 1;
    char *text, *p;

    for (size_t i = 0; i < names->n; i++) {
        size += strlen(names->names[i]) + 1;
    }
    p = text = vmn_alloc(view, size);
    for (size_t i = 0; i < names->n; i++) {
        if (i) {
            *p++ = ',';
        }
        p = stpcpy(p, names->names[i]);
    }
    return text;
}

const char *
names_join(struct vmn_view *view, struct names *names)
{
    names_sort(names);
    return names_list(view, names);
}

void
eval_groups(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_labels *labels;
    struct names names = { 0, 0, NULL };

    if (!port) {
        return;
    }
    labels = vmn_labels_of(view, &port->row);
    add_groups(view, &names, VMN_INDEX_GROUP_BY_PORT, key, labels);
    add_groups(view, &names, VMN_INDEX_GROUP_BY_ANCHOR, "", labels);
    for (size_t i = 0; i < labels->n; i++) {
        const struct vmn_label *label = &labels->labels[i];

        add_groups(view, &names, VMN_INDEX_GROUP_BY_ANCHOR, label->key,
                   labels);
        add_groups(view, &names, VMN_INDEX_GROUP_BY_ANCHOR,
                   vmn_printf(view, "%s=%s", label->key, label->value),
                   labels);
    }

    const char *text = names.n ? names_join(view, &names) : "";

    vmn_value_set(value, text, strlen(text) + 1);
}

/* Identities.  ----------------------------------------------------------- */

/* Prefix in an identity's name.  No group's name begins like that, nor do
 * those of quarantines. */
#define DENIED "!deny/"

/* Returns true if the port's network denies by default, which its identity
 * must include: see default-deny.c. */
static bool
is_denied(struct vmn_view *view, const struct vmn_port *port,
          const char *domain)
{
    const struct vmn_network *network;

    if (!vmn_domain_is_routed(domain)) {
        return false;
    }
    network = vmn_read_network(view, port->network);
    return network && network->default_action == VMN_DEFAULT_DENY;
}

void
eval_identity(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    size_t size;
    const char *groups = vmn_query(view, QUERY_GROUPS, key, &size);
    const char *quarantines = vmn_query(view, VMN_QUERY_QUARANTINE, key,
                                        &size);
    struct names names = { 0, 0, NULL };
    const char *domain;
    uint32_t id = 0;

    if (!port || !groups) {
        return;
    }
    domain = vmn_domain_of(view, port->network);
    if (*groups) {
        names_add(view, &names, groups);
    }
    if (quarantines) {
        names_add(view, &names, quarantines);
    }
    if (is_denied(view, port, domain)) {
        names_add(view, &names, vmn_printf(view, DENIED "%s", port->network));
    }
    if (names.n) {
        id = vmn_id_of(view, ID_POOL_IDENTITY,
                       vmn_printf(view, "%s|%s", domain,
                                  names_list(view, &names)));
    }
    vmn_value_set(value, &id, sizeof id);
}

/* Publishes the identity of a port as a member of its groups, and that it is
 * one in the port's network. */
void
compile_member(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    size_t size;
    const char *groups = vmn_query(view, QUERY_GROUPS, key, &size);
    const uint32_t *id = vmn_query(view, VMN_QUERY_IDENTITY, key, &size);
    const char *quarantines = vmn_query(view, VMN_QUERY_QUARANTINE, key,
                                        &size);

    if (!port || !port->enabled || !groups || !id || !*id) {
        return;
    }

    const char *domain = vmn_domain_of(view, port->network);
    const char *text = vmn_printf(view, "%u", *id);
    char *copy = vmn_printf(view, "%s", groups);
    const char *group;

    vmn_publish(emit, REL_IDENTITIES, vmn_printf(view, "%s|%s", domain, text),
                "");
    if (vmn_domain_is_routed(domain)) {
        vmn_publish(emit, REL_NETWORKS,
                    vmn_printf(view, "%s|%s", domain, text), port->network);
    }
    if (quarantines) {
        quarantine_publish(view, emit, quarantines, domain, text);
    }
    if (is_denied(view, port, domain)) {
        vmn_publish(emit, REL_DENIED, domain, text);
    }
    while ((group = list_next(&copy))) {
        vmn_publish(emit, REL_MEMBERS,
                    vmn_printf(view, "%s|%s", domain, group), text);
        vmn_publish(emit, REL_DOMAINS, group, domain);
    }
}
