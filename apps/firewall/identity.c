/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a port is to policies.  Ports of one network that are in the same
 * groups share an identity.  All groups count, whether a policy names them or
 * not, so that writing a policy never changes an identity. */

#include "firewall.h"

#include <stdlib.h>
#include <string.h>

/* In an identity's name beside its groups; no group can have this name. */
#define QUARANTINED "!quarantined"

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
ids_add_group(struct vmn_view *view, struct ids *set, const char *network,
              const char *group)
{
    struct vmn_names members = vmn_facts(
        view, REL_MEMBERS, vmn_printf(view, "%s|%s", network, group));
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

bool
key_split(struct vmn_view *view, const char *key, const char **a,
          const char **b)
{
    char *copy = vmn_printf(view, "%s", key);
    char *bar = strchr(copy, '|');

    if (!bar) {
        return false;
    }
    *bar = '\0';
    *a = copy;
    *b = bar + 1;
    return true;
}

/* The groups of a port.  ------------------------------------------------- */

struct names {
    size_t n, allocated;
    const char **names;
};

static void
names_add(struct vmn_view *view, struct names *names, const char *name)
{
    if (names->n >= names->allocated) {
        const char **bigger;

        names->allocated = names->allocated ? 2 * names->allocated : 16;
        bigger = vmn_alloc(view, names->allocated * sizeof *bigger);
        if (names->n) {
            memcpy(bigger, names->names, names->n * sizeof *bigger);
        }
        names->names = bigger;
    }
    names->names[names->n++] = name;
}

/* Adds the groups at 'key' of 'index'; those by selector only if it holds. */
static void
add_groups(struct vmn_view *view, struct names *names, enum vmn_index index,
           const char *key, const struct vmn_port *port)
{
    struct vmn_names found = vmn_lookup(view, index, key);

    for (size_t i = 0; i < found.n; i++) {
        const char *name = found.names[i];

        if (index == VMN_INDEX_GROUP_BY_ANCHOR) {
            const struct vmn_group *group = vmn_read_group(view, name);

            if (!group || !group->selector.text
                || !vmn_selector_matches(&group->selector, &port->labels)) {
                continue;
            }
        }
        names_add(view, names, name);
    }
}

static int
compare_names(const void *a_, const void *b_)
{
    const char *const *a = a_;
    const char *const *b = b_;

    return strcmp(*a, *b);
}

static const char *
join(struct vmn_view *view, struct names *names)
{
    size_t size = 1;
    char *text, *p;

    qsort(names->names, names->n, sizeof *names->names, compare_names);
    for (size_t i = 0; i < names->n; i++) {
        size += strlen(names->names[i]) + 1;
    }
    p = text = vmn_alloc(view, size);
    for (size_t i = 0; i < names->n; i++) {
        if (!i || strcmp(names->names[i], names->names[i - 1])) {
            size_t len = strlen(names->names[i]);

            if (p > text) {
                *p++ = ',';
            }
            memcpy(p, names->names[i], len);
            p += len;
        }
    }
    return text;
}

void
eval_groups(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    struct names names = { 0, 0, NULL };

    if (!port) {
        return;
    }
    add_groups(view, &names, VMN_INDEX_GROUP_BY_PORT, key, port);
    add_groups(view, &names, VMN_INDEX_GROUP_BY_ANCHOR, "", port);
    for (size_t i = 0; i < port->labels.n; i++) {
        const struct vmn_label *label = &port->labels.labels[i];

        add_groups(view, &names, VMN_INDEX_GROUP_BY_ANCHOR, label->key, port);
        add_groups(view, &names, VMN_INDEX_GROUP_BY_ANCHOR,
                   vmn_printf(view, "%s=%s", label->key, label->value), port);
    }

    const char *text = names.n ? join(view, &names) : "";

    vmn_value_set(value, text, strlen(text) + 1);
}

/* Identities.  ----------------------------------------------------------- */

void
eval_identity(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    size_t size;
    const char *groups = vmn_query(view, QUERY_GROUPS, key, &size);
    uint32_t id = 0;

    if (!port || !groups) {
        return;
    }
    if (*groups || port->quarantined) {
        id = vmn_number(view, NUMBER_IDENTITY,
                        vmn_printf(view, "%s|%s%s%s", port->network, groups,
                                   *groups && port->quarantined ? "," : "",
                                   port->quarantined ? QUARANTINED : ""));
    }
    vmn_value_set(value, &id, sizeof id);
}

/* Says of a port's groups that its identity is in them. */
void
compile_member(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    size_t size;
    const char *groups = vmn_query(view, QUERY_GROUPS, key, &size);
    const uint32_t *id = vmn_query(view, VMN_QUERY_IDENTITY, key, &size);

    if (!port || !port->enabled || !groups || !id || !*id) {
        return;
    }

    const char *text = vmn_printf(view, "%u", *id);
    char *copy = vmn_printf(view, "%s", groups);

    vmn_publish(emit, REL_KNOWN,
                vmn_printf(view, "%s|%s", port->network, text), "");
    if (port->quarantined) {
        vmn_publish(emit, REL_QUARANTINED, port->network, text);
    }
    for (char *group = copy; group && *group; ) {
        char *comma = strchr(group, ',');

        if (comma) {
            *comma = '\0';
        }
        vmn_publish(emit, REL_MEMBERS,
                    vmn_printf(view, "%s|%s", port->network, group), text);
        vmn_publish(emit, REL_NETWORKS, group, port->network);
        group = comma ? comma + 1 : NULL;
    }
}
