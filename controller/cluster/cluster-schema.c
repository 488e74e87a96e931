/* SPDX-License-Identifier: Apache-2.0
 *
 * What a database has of the columns that members use; see
 * cluster-schema.h. */

#include <config.h>

#include "controller/cluster/cluster-schema.h"

#include <stddef.h>

#include "controller/schema/error.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "ovsdb-cs.h"
#include "sset.h"
#include "util.h"

static const char *const cluster_columns[] = {
    "format", "number", "epoch", "beat", "holder", "run", "successor", "head",
    "bytes", "revision", NULL
};
static const char *const batch_columns[] = {
    "index", "epoch", "serial", "bytes", "text", NULL
};
static const char *const member_columns[] = {
    "name", "run", "version", "address", "listen", "openflow", "ovsdb",
    "applied", "hosts", "disk", "beat", NULL
};

static const struct table {
    const char *name;
    const char *const *columns;
} tables[] = {
    { "Cluster", cluster_columns },
    { "Batch", batch_columns },
    { "Member", member_columns },
};

/* Returns the first column of the table that is not among 'columns', or
 * NULL. */
static const char *
find_missing(const struct table *t, const struct sset *columns)
{
    for (size_t i = 0; t->columns[i]; i++) {
        if (!sset_contains(columns, t->columns[i])) {
            return t->columns[i];
        }
    }
    return NULL;
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

static struct json *
compose_table(const struct table *t)
{
    struct json *names = json_array_create_empty();
    struct json *request = json_object_create();

    for (size_t i = 0; t->columns[i]; i++) {
        json_array_add(names, json_string_create(t->columns[i]));
    }
    json_object_put(request, "columns", names);
    return json_array_create_1(request);
}

struct json *
cluster_schema_compose(const struct json *schema_json, struct vmn_error *why)
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

        error = check_table(t, shash_find_data(schema, t->name), why);
        if (!error) {
            json_object_put(requests, t->name, compose_table(t));
        }
    }
    ovsdb_cs_free_schema(schema);
    if (error) {
        json_destroy(requests);
        return NULL;
    }
    return requests;
}
