/* SPDX-License-Identifier: Apache-2.0
 *
 * A cache of hosts' replies to the request for their schema, as bytes, with
 * what clients are sent for each.  There are as many kinds as versions of Open
 * vSwitch, so a few are sufficient.  Not for what a client needs
 * (ovsdb-handshake.c). */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define SCHEMAS_MAX 4
/* Larger replies are not kept; Open vSwitch's have 30 kB. */
#define SCHEMA_SIZE_MAX (256 * 1024)

struct schema {
    size_t size;
    void *text;                 /* NULL: none. */
    char *cut;
    bool has_zone_limits;
};

struct ovsdb_schemas {
    struct schema schemas[SCHEMAS_MAX];
    unsigned next;              /* Index of the slot for the next one. */
};

struct ovsdb_schemas *
ovsdb_schemas_create(void)
{
    return xzalloc(sizeof(struct ovsdb_schemas));
}

void
ovsdb_schemas_destroy(struct ovsdb_schemas *schemas)
{
    if (schemas) {
        for (size_t i = 0; i < SCHEMAS_MAX; i++) {
            free(schemas->schemas[i].text);
            free(schemas->schemas[i].cut);
        }
        free(schemas);
    }
}

const char *
ovsdb_schemas_find(const struct ovsdb_schemas *schemas, const void *text,
                   size_t size, bool *has_zone_limits)
{
    for (size_t i = 0; i < SCHEMAS_MAX; i++) {
        const struct schema *schema = &schemas->schemas[i];

        if (schema->text && schema->size == size
            && !memcmp(schema->text, text, size)) {
            *has_zone_limits = schema->has_zone_limits;
            return schema->cut;
        }
    }
    return NULL;
}

void
ovsdb_schemas_add(struct ovsdb_schemas *schemas, const void *text,
                  size_t size, char *cut, bool has_zone_limits)
{
    struct schema *schema = &schemas->schemas[schemas->next];

    if (size > SCHEMA_SIZE_MAX) {
        free(cut);
        return;
    }
    schemas->next = (schemas->next + 1) % SCHEMAS_MAX;
    free(schema->text);
    free(schema->cut);
    schema->size = size;
    schema->text = xmemdup(text, size);
    schema->cut = cut;
    schema->has_zone_limits = has_zone_limits;
}
