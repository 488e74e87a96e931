/* SPDX-License-Identifier: Apache-2.0
 *
 * What a database has of the columns that members use; see
 * cluster-schema.h. */

#include <config.h>

#include "controller/cluster/cluster-schema.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/error.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "ovsdb-cs.h"
#include "sset.h"
#include "util.h"

/* A column that comes later is optional: a database has it once its schema is
 * converted, which may be long after the first member of the version that has
 * it.  Whoever reads it gets the default for a column that is not there. */
static const char *const cluster_columns[] = {
    "format", "number", "epoch", "beat", "holder", "run", "successor", "head",
    "bytes", "revision", NULL
};
static const char *const batch_columns[] = {
    "index", "epoch", "serial", "bytes", "text", NULL
};
static const char *const member_columns[] = {
    "name", "run", "version", "address", "applied", "beat", NULL
};
static const char *const none[] = { NULL };
static const char *const cluster_optional[] = {
    "generation", "shares", "runs", "excluded", NULL
};
static const char *const member_optional[] = {
    "listen", "openflow", "ovsdb", "hosts", "weight", "faults",
    "unreachable", "unseen", "rejected", "disk", NULL
};

static const struct table {
    const char *name;
    const char *const *essential, *const *optional;
} tables[] = {
    { "Cluster", cluster_columns, cluster_optional },
    { "Batch", batch_columns, none },
    { "Member", member_columns, member_optional },
};

/* Returns the first essential column that is not among 'columns', or NULL. */
static const char *
find_missing(const struct table *t, const struct sset *columns)
{
    for (size_t i = 0; t->essential[i]; i++) {
        if (!sset_contains(columns, t->essential[i])) {
            return t->essential[i];
        }
    }
    return NULL;
}

/* Returns the request for a table that has 'columns', the essential ones among
 * them. */
static struct json *
compose_table(const struct table *t, const struct sset *columns,
              struct sset *lacks)
{
    struct json *names = json_array_create_empty();
    struct json *request = json_object_create();

    for (size_t i = 0; t->essential[i]; i++) {
        json_array_add(names, json_string_create(t->essential[i]));
    }
    for (size_t i = 0; t->optional[i]; i++) {
        if (sset_contains(columns, t->optional[i])) {
            json_array_add(names, json_string_create(t->optional[i]));
        } else {
            sset_add_and_free(lacks, xasprintf("%s.%s", t->name,
                                               t->optional[i]));
        }
    }
    json_object_put(request, "columns", names);
    return json_array_create_1(request);
}

/* Returns 0, or EINVAL with an error: the table, which has 'columns' (NULL: it
 * is not there), is not one that members can use. */
static int
check_table(const struct table *t, const struct sset *columns,
            struct vmn_error *why)
{
    const char *missing = columns ? find_missing(t, columns) : NULL;

    if (columns && !missing) {
        return 0;
    }
    return vmn_error_invalid(
        why, "the cluster's database has no %s %s%s%s, which this vmnd needs: "
        "its schema is of another version", missing ? "column" : "table",
        t->name, missing ? "." : "", missing ? missing : "");
}

struct json *
cluster_schema_compose(const struct json *schema_json, struct sset *lacks,
                       struct vmn_error *why)
{
    struct shash *schema = ovsdb_cs_parse_schema(schema_json);
    struct json *requests = json_object_create();
    int error = 0;

    if (!schema) {
        error = vmn_error_invalid(why, "the cluster's database has a schema "
                                  "that cannot be read");
    }
    for (size_t i = 0; !error && i < ARRAY_SIZE(tables); i++) {
        const struct table *t = &tables[i];
        const struct sset *columns = shash_find_data(schema, t->name);

        error = check_table(t, columns, why);
        if (!error) {
            json_object_put(requests, t->name,
                            compose_table(t, columns, lacks));
        }
    }
    ovsdb_cs_free_schema(schema);
    if (error) {
        json_destroy(requests);
        return NULL;
    }
    return requests;
}

/* Takes column 'lacked', "TABLE.COLUMN", out of the row of an operation. */
static void
drop_column(const struct shash *operation, const char *lacked)
{
    const struct json *table = shash_find_data(operation, "table");
    struct json *row = shash_find_data(operation, "row");
    const char *column = strchr(lacked, '.') + 1;
    size_t length = column - 1 - lacked;

    if (row && !strncmp(json_string(table), lacked, length)
        && !json_string(table)[length]) {
        json_destroy(shash_find_and_delete(row->object, column));
    }
}

void
cluster_schema_fit(struct json *ops, const struct sset *lacks)
{
    const char *lacked;

    SSET_FOR_EACH (lacked, lacks) {
        /* The first element is the database's name. */
        for (size_t i = 1; i < ops->array.n; i++) {
            drop_column(ops->array.elems[i]->object, lacked);
        }
    }
}
