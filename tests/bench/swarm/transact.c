/* SPDX-License-Identifier: Apache-2.0
 *
 * The operations of a transaction (RFC 7047, section 5.2). */

#include <config.h>

#include "tests/bench/swarm/swarm-rows.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "ovsdb-error.h"
#include "util.h"
#include "uuid.h"

struct context {
    struct rows *rows;
    struct ovsdb_symbol_table *symbols;
    const struct json *op;
    int table;                  /* Of the operation. */
    const struct schema_table *schema;
};

typedef struct ovsdb_error *operation(struct context *, struct json *result);

static struct ovsdb_error *
syntax(const char *what)
{
    return ovsdb_error("syntax error", "%s", what);
}

static const struct json *
argument(const struct context *c, const char *name, enum json_type type)
{
    const struct json *json = shash_find_data(c->op->object, name);

    return json && json->type == type ? json : NULL;
}

static const struct json *
element(const struct json *json, size_t i)
{
    return (json && json->type == JSON_ARRAY && i < json->array.n
            ? json->array.elems[i] : NULL);
}

static const char *
string(const struct json *json)
{
    return json && json->type == JSON_STRING ? json->string : NULL;
}

static void
put_count(struct json *result, size_t n)
{
    json_object_put(result, "count", json_integer_create(n));
}

/* Choosing rows.  -------------------------------------------------------- */

/* Sets '*is' to whether the row meets one condition. */
static struct ovsdb_error *
meets(const struct context *c, const struct row *row,
      const struct json *condition, bool *is)
{
    const char *name = string(element(condition, 0));
    const char *function = string(element(condition, 1));
    const struct json *value = element(condition, 2);
    struct ovsdb_error *error;
    struct ovsdb_datum want, have;
    int column;

    if (!name || !function || !value) {
        return syntax("a condition has three parts");
    }
    if (strcmp(function, "==")) {
        return ovsdb_error("not supported", "condition \"%s\"", function);
    }
    if (!strcmp(name, "_uuid")) {
        error = ovsdb_datum_from_json(&want, &ovsdb_type_uuid, value,
                                      c->symbols);
        if (!error) {
            *is = uuid_equals(&want.keys[0].uuid, &row->uuid);
            ovsdb_datum_destroy(&want, &ovsdb_type_uuid);
        }
        return error;
    }
    column = schema_find_column(c->schema, name);
    if (column < 0) {
        return ovsdb_error("unknown column", "%s", name);
    }
    error = ovsdb_datum_from_json(&want, &c->schema->columns[column].type,
                                  value, c->symbols);
    if (!error) {
        have = rows_get(c->rows, row, column);
        *is = ovsdb_datum_equals(&want, &have,
                                 &c->schema->columns[column].type);
        ovsdb_datum_destroy(&want, &c->schema->columns[column].type);
    }
    return error;
}

/* Calls 'cb' for each row that meets "where"; counts them in '*n'. */
static struct ovsdb_error *
each_row(struct context *c,
         struct ovsdb_error *(*cb)(struct context *, struct row *, void *aux),
         void *aux, size_t *n)
{
    const struct json *where = argument(c, "where", JSON_ARRAY);
    struct ovsdb_error *error = NULL;
    struct row *row;

    *n = 0;
    if (!where) {
        return syntax("an operation lacks its \"where\"");
    }
    HMAP_FOR_EACH (row, node, &c->rows->all) {
        bool is = row->table == c->table && !row->deleted;

        for (size_t i = 0; is && !error && i < where->array.n; i++) {
            error = meets(c, row, where->array.elems[i], &is);
        }
        if (!error && is) {
            error = cb(c, row, aux);
            ++*n;
        }
        if (error) {
            break;
        }
    }
    return error;
}

/* Operations.  ----------------------------------------------------------- */

static struct ovsdb_error *
set_columns(struct context *c, struct row *row, void *aux OVS_UNUSED)
{
    const struct json *columns = argument(c, "row", JSON_OBJECT);
    struct shash_node *node;

    if (!columns) {
        return syntax("an operation lacks its \"row\"");
    }
    SHASH_FOR_EACH (node, columns->object) {
        int column = schema_find_column(c->schema, node->name);
        struct ovsdb_error *error;
        struct ovsdb_datum value;

        if (column < 0) {
            return ovsdb_error("unknown column", "%s", node->name);
        }
        error = ovsdb_datum_from_json(&value,
                                      &c->schema->columns[column].type,
                                      node->data, c->symbols);
        if (error) {
            return error;
        }
        rows_set(c->rows, row, column, &value);
    }
    return NULL;
}

static struct json *
uuid_to_json(const struct uuid *uuid)
{
    return json_array_create_2(
        json_string_create("uuid"),
        json_string_create_nocopy(xasprintf(UUID_FMT, UUID_ARGS(uuid))));
}

static struct ovsdb_error *
op_insert(struct context *c, struct json *result)
{
    const char *name = string(argument(c, "uuid-name", JSON_STRING));
    struct uuid uuid;
    struct row *row;

    if (name) {
        uuid = ovsdb_symbol_table_insert(c->symbols, name)->uuid;
    } else {
        uuid_generate(&uuid);
    }
    row = rows_insert(c->rows, c->table, &uuid);
    json_object_put(result, "uuid", uuid_to_json(&uuid));
    return set_columns(c, row, NULL);
}

static struct ovsdb_error *
op_update(struct context *c, struct json *result)
{
    struct ovsdb_error *error;
    size_t n;

    error = each_row(c, set_columns, NULL, &n);
    put_count(result, n);
    return error;
}

static struct ovsdb_error *
delete_row(struct context *c, struct row *row, void *aux OVS_UNUSED)
{
    rows_delete(c->rows, row);
    return NULL;
}

static struct ovsdb_error *
op_delete(struct context *c, struct json *result)
{
    struct ovsdb_error *error;
    size_t n;

    error = each_row(c, delete_row, NULL, &n);
    put_count(result, n);
    return error;
}

/* What is taken from a map may be given by its keys alone. */
static struct ovsdb_error *
operand(struct context *c, const struct ovsdb_type *column, bool deletes,
        const struct json *json, struct ovsdb_type *type,
        struct ovsdb_datum *value)
{
    struct ovsdb_error *error;

    *type = *column;
    type->n_min = 0;
    type->n_max = UINT_MAX;
    error = ovsdb_datum_from_json(value, type, json, c->symbols);
    if (error && deletes && ovsdb_type_is_map(column)) {
        ovsdb_error_destroy(error);
        type->value.type = OVSDB_TYPE_VOID;
        error = ovsdb_datum_from_json(value, type, json, c->symbols);
    }
    return error;
}

static struct ovsdb_error *
mutate(struct context *c, struct row *row, const struct json *mutation)
{
    const char *name = string(element(mutation, 0));
    const char *mutator = string(element(mutation, 1));
    int column = name ? schema_find_column(c->schema, name) : -1;
    const struct ovsdb_type *column_type;
    struct ovsdb_datum new, value;
    struct ovsdb_error *error;
    struct ovsdb_type type;
    bool deletes;

    if (column < 0 || !mutator || !element(mutation, 2)) {
        return syntax("a mutation makes no sense");
    }
    column_type = &c->schema->columns[column].type;
    deletes = !strcmp(mutator, "delete");
    error = operand(c, column_type, deletes, element(mutation, 2), &type,
                    &value);
    if (error) {
        return error;
    }
    rows_copy(c->rows, row, column, &new);
    if (!strcmp(mutator, "insert")) {
        ovsdb_datum_union(&new, &value, column_type);
    } else if (deletes) {
        ovsdb_datum_subtract(&new, column_type, &value, &type);
    } else if (!strcmp(mutator, "+=") && new.n == 1 && value.n == 1
               && column_type->key.type == OVSDB_TYPE_INTEGER) {
        ovsdb_datum_unshare(&new, column_type);
        new.keys[0].integer += value.keys[0].integer;
    } else {
        error = ovsdb_error("not supported", "mutator \"%s\"", mutator);
    }
    ovsdb_datum_destroy(&value, &type);
    if (error) {
        ovsdb_datum_destroy(&new, column_type);
    } else {
        rows_set(c->rows, row, column, &new);
    }
    return error;
}

static struct ovsdb_error *
mutate_row(struct context *c, struct row *row, void *aux OVS_UNUSED)
{
    const struct json *mutations = argument(c, "mutations", JSON_ARRAY);

    for (size_t i = 0; element(mutations, i); i++) {
        struct ovsdb_error *error = mutate(c, row, element(mutations, i));

        if (error) {
            return error;
        }
    }
    return NULL;
}

static struct ovsdb_error *
op_mutate(struct context *c, struct json *result)
{
    struct ovsdb_error *error;
    size_t n;

    error = each_row(c, mutate_row, NULL, &n);
    put_count(result, n);
    return error;
}

static struct ovsdb_error *
select_row(struct context *c, struct row *row, void *array)
{
    const struct json *columns = argument(c, "columns", JSON_ARRAY);
    struct json *object = json_object_create();

    json_object_put(object, "_uuid", uuid_to_json(&row->uuid));
    for (size_t i = 0; i < c->schema->n_columns; i++) {
        const struct schema_column *column = &c->schema->columns[i];
        bool wanted = !columns;

        for (size_t j = 0; columns && j < columns->array.n; j++) {
            const char *name = string(columns->array.elems[j]);

            wanted |= name && !strcmp(name, column->name);
        }
        if (wanted) {
            struct ovsdb_datum d = rows_get(c->rows, row, i);

            json_object_put(object, column->name,
                            ovsdb_datum_to_json(&d, &column->type));
        }
    }
    json_array_add(array, object);
    return NULL;
}

static struct ovsdb_error *
op_select(struct context *c, struct json *result)
{
    struct json *array = json_array_create_empty();
    size_t n;

    json_object_put(result, "rows", array);
    return each_row(c, select_row, array, &n);
}

/* Waits for nothing, as no transaction of vmnd's does: what is not so now is
 * a time-out.  Each row chosen has to be as the only one of "rows". */
static struct ovsdb_error *
wait_row(struct context *c, struct row *row, void *aux OVS_UNUSED)
{
    const struct json *wanted = element(argument(c, "rows", JSON_ARRAY), 0);
    struct shash_node *node;

    if (!wanted || wanted->type != JSON_OBJECT) {
        return syntax("a wait lacks its row");
    }
    SHASH_FOR_EACH (node, wanted->object) {
        struct json *condition = json_array_create_3(
            json_string_create(node->name), json_string_create("=="),
            json_clone(node->data));
        bool is = false;
        struct ovsdb_error *error = meets(c, row, condition, &is);

        json_destroy(condition);
        if (error) {
            return error;
        }
        if (!is) {
            return ovsdb_error("timed out", "column %s is different",
                               node->name);
        }
    }
    return NULL;
}

static struct ovsdb_error *
op_wait(struct context *c, struct json *result OVS_UNUSED)
{
    struct ovsdb_error *error;
    size_t n;

    error = each_row(c, wait_row, NULL, &n);
    return !error && !n ? ovsdb_error("timed out", "there is no such row")
           : error;
}

static struct ovsdb_error *
op_nothing(struct context *c OVS_UNUSED, struct json *result OVS_UNUSED)
{
    return NULL;
}

static const struct {
    const char *name;
    operation *run;
    bool has_table;
} operations[] = {
    { "insert", op_insert, true },
    { "update", op_update, true },
    { "mutate", op_mutate, true },
    { "delete", op_delete, true },
    { "select", op_select, true },
    { "wait", op_wait, true },
    { "comment", op_nothing, false },
    { "assert", op_nothing, false },
};

static struct ovsdb_error *
run_operation(struct context *c, struct json *result)
{
    const char *op, *table;

    if (c->op->type != JSON_OBJECT) {
        return syntax("an operation is an object");
    }
    op = string(argument(c, "op", JSON_STRING));
    table = string(argument(c, "table", JSON_STRING));
    for (size_t i = 0; op && i < ARRAY_SIZE(operations); i++) {
        if (strcmp(operations[i].name, op)) {
            continue;
        }
        if (operations[i].has_table) {
            c->table = table ? schema_find_table(c->rows->schema, table) : -1;
            if (c->table < 0) {
                return syntax("an operation lacks its table");
            }
            c->schema = &c->rows->schema->tables[c->table];
        }
        return operations[i].run(c, result);
    }
    return ovsdb_error("unknown operation", "%s", op ? op : "none");
}

/* Returns an error if another row has the value of 'row' in a column in which
 * no two may have the same. */
static struct ovsdb_error *
check_unique(const struct rows *rows, const struct row *row)
{
    const struct schema_table *table = rows_table(rows, row);

    for (size_t i = 0; i < table->n_columns; i++) {
        const struct schema_column *column = &table->columns[i];
        struct ovsdb_datum value;
        const struct row *other;

        if (!column->is_unique) {
            continue;
        }
        value = rows_get(rows, row, i);
        ROWS_FOR_EACH (other, rows, row->table) {
            struct ovsdb_datum d = rows_get(rows, other, i);

            if (other != row && ovsdb_datum_equals(&d, &value,
                                                   &column->type)) {
                return ovsdb_error("constraint violation", "multiple rows in "
                                   "\"%s\" have identical values for index "
                                   "on column \"%s\"", table->name,
                                   column->name);
            }
        }
    }
    return NULL;
}

/* Ends the change.  What only shows at its end has a result of its own, after
 * those of the operations, as in ovsdb-server. */
static void
commit(struct rows *rows, struct json *results)
{
    struct ovsdb_error *error = NULL;

    rows_commit(rows);
    for (size_t i = 0; !error && i < rows->n_touched; i++) {
        if (!rows->touched[i]->deleted) {
            error = check_unique(rows, rows->touched[i]);
        }
    }
    if (error) {
        json_array_add(results, ovsdb_error_to_json_free(error));
        rows_abort(rows);
    }
}

struct json *
transact(struct rows *rows, const struct json *params)
{
    struct context c = {
        .rows = rows, .symbols = ovsdb_symbol_table_create(),
    };
    struct json *results = json_array_create_empty();
    bool failed = false;

    for (size_t i = 1; i < params->array.n; i++) {
        struct json *result = json_object_create();
        struct ovsdb_error *error;

        c.op = params->array.elems[i];
        error = failed ? NULL : run_operation(&c, result);
        if (failed || error) {
            json_destroy(result);
            result = (failed ? json_null_create()
                      : ovsdb_error_to_json_free(error));
            failed = true;
        }
        json_array_add(results, result);
    }
    ovsdb_symbol_table_destroy(c.symbols);
    if (failed) {
        rows_abort(rows);
    } else {
        commit(rows, results);
    }
    return results;
}
