/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of types; see object-types.h. */

#include <config.h>

#include "controller/ctl/object-types.h"

#include <string.h>

#include "controller/ctl/server-types.h"
#include "util.h"

static const struct {
    enum vmn_table table;
    const char *name;
} short_names[] = {
    { VMN_TABLE_NETWORK, "net" },
    { VMN_TABLE_GROUP, "grp" },
    { VMN_TABLE_SERVICE, "svc" },
    { VMN_TABLE_POLICY, "pol" },
    { VMN_TABLE_LOADBALANCER, "lb" },
};

const struct schema_table *
ctl_type_at(size_t i)
{
    for (size_t id = 0; id < VMN_N_TABLES; id++) {
        if (!schema_tables[id]->observed && !i--) {
            return schema_tables[id];
        }
    }
    return NULL;
}

const char *
ctl_type_short_name(const struct schema_table *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(short_names); i++) {
        if (short_names[i].table == type->id) {
            return short_names[i].name;
        }
    }
    return NULL;
}

static const struct schema_table *
find_known(const char *name)
{
    const struct schema_table *type;

    for (size_t i = 0; (type = ctl_type_at(i)); i++) {
        const char *short_name = ctl_type_short_name(type);

        if (!strcmp(name, type->plural) || !strcmp(name, type->singular)
            || (short_name && !strcmp(name, short_name))) {
            return type;
        }
    }
    return NULL;
}

const struct schema_table *
ctl_type_find(const char *name)
{
    const struct schema_table *type = find_known(name);

    if (!type) {
        ctl_server_types_load();
        type = find_known(name);
    }
    return type;
}

/* Plural and singular names, in turn. */
static const char *
name_candidate(const void *aux OVS_UNUSED, size_t i)
{
    const struct schema_table *type = ctl_type_at(i / 2);

    return !type ? NULL : i % 2 ? type->singular : type->plural;
}

const char *
ctl_type_guess(const char *name)
{
    return schema_suggest(name, name_candidate, NULL);
}
