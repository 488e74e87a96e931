/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a schema; see schema.h. */

#include <config.h>

#include "tests/bench/swarm/swarm-schema.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "ovsdb-error.h"
#include "util.h"

static const struct json *
member(const struct json *json, const char *name, enum json_type type)
{
    const struct json *found;

    if (!json || json->type != JSON_OBJECT) {
        return NULL;
    }
    found = shash_find_data(json->object, name);
    return found && found->type == type ? found : NULL;
}

/* Notes the indexes of one column; others no controller relies on. */
static void
load_indexes(struct schema_table *table, const struct json *indexes)
{
    for (size_t i = 0; indexes && i < indexes->array.n; i++) {
        const struct json *index = indexes->array.elems[i];
        int column = (index->type == JSON_ARRAY && index->array.n == 1
                      && index->array.elems[0]->type == JSON_STRING
                      ? schema_find_column(table, json_string(
                          index->array.elems[0])) : -1);

        if (column >= 0) {
            table->columns[column].is_unique = true;
        }
    }
}

static struct ovsdb_error *
load_table(struct schema_table *table, const char *name,
           const struct json *json)
{
    const struct json *root = member(json, "isRoot", JSON_TRUE);
    const struct json *columns = member(json, "columns", JSON_OBJECT);
    struct shash_node *node;

    table->name = xstrdup(name);
    table->is_root = root != NULL;
    if (!columns) {
        return ovsdb_error(NULL, "table %s has no columns", name);
    }
    table->columns = xcalloc(shash_count(columns->object),
                             sizeof *table->columns);
    SHASH_FOR_EACH (node, columns->object) {
        struct schema_column *column = &table->columns[table->n_columns];
        const struct json *type = (
            ((const struct json *) node->data)->type == JSON_OBJECT
            ? shash_find_data(((const struct json *) node->data)->object,
                              "type") : NULL);
        struct ovsdb_error *error;

        if (!type) {
            return ovsdb_error(NULL, "column %s has no type", node->name);
        }
        error = ovsdb_type_from_json(&column->type, type);
        if (error) {
            return error;
        }
        column->name = xstrdup(node->name);
        table->n_columns++;
    }
    load_indexes(table, member(json, "indexes", JSON_ARRAY));
    return NULL;
}

struct schema *
schema_load(const char *file, char **errorp)
{
    struct json *json = json_from_file(file);
    const struct json *tables = member(json, "tables", JSON_OBJECT);
    struct schema *schema = xzalloc(sizeof *schema);
    struct ovsdb_error *error = NULL;
    struct shash_node *node;

    schema->json = json;
    if (!tables) {
        *errorp = xasprintf("%s: not a database schema", file);
        schema_destroy(schema);
        return NULL;
    }
    schema->tables = xcalloc(shash_count(tables->object),
                             sizeof *schema->tables);
    SHASH_FOR_EACH (node, tables->object) {
        error = load_table(&schema->tables[schema->n_tables++], node->name,
                           node->data);
        if (error) {
            *errorp = ovsdb_error_to_string_free(error);
            schema_destroy(schema);
            return NULL;
        }
    }
    return schema;
}

void
schema_destroy(struct schema *schema)
{
    if (!schema) {
        return;
    }
    for (size_t i = 0; i < schema->n_tables; i++) {
        struct schema_table *table = &schema->tables[i];

        for (size_t j = 0; j < table->n_columns; j++) {
            free(table->columns[j].name);
            ovsdb_type_destroy(&table->columns[j].type);
        }
        free(table->columns);
        free(table->name);
    }
    free(schema->tables);
    json_destroy(schema->json);
    free(schema);
}

int
schema_find_table(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->n_tables; i++) {
        if (!strcmp(schema->tables[i].name, name)) {
            return i;
        }
    }
    return -1;
}

int
schema_find_column(const struct schema_table *table, const char *name)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!strcmp(table->columns[i].name, name)) {
            return i;
        }
    }
    return -1;
}
