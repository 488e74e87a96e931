/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives hosts of a restored state other names and addresses: those of the
 * machines that stand in for them.  Changes the copy of a backup, before it is
 * compared with anything.
 *
 * By the description of resources: each reference to a host follows its name,
 * also in lists and in objects of types that apps declare.  What the machines
 * have reported is forgotten, since other ones will.  The log keeps the names
 * of its time, and numbers keep their keys: vmnd allocates new ones. */

#include <config.h>

#include "controller/store/store-private.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* Names that an error lists. */
#define NAMED_MAX 10

/* A mapping in progress. */
struct mapping {
    sqlite3 *db;
    const struct store_host_map *maps;
    size_t n;
    const struct model *model;  /* Of the backup. */
    uint64_t revision;          /* Of the restored state. */
    struct store_restored *r;
};

/* The new value of a column of one row. */
struct new_value {
    char *name, *type;          /* The row's; NULL but of an app's object. */
    char *value;
};

const struct store_host_map *
store_find_host_map(const struct store_host_map maps[], size_t n,
                    const char *from)
{
    for (size_t i = 0; from && i < n; i++) {
        if (!strcmp(maps[i].from, from)) {
            return &maps[i];
        }
    }
    return NULL;
}

static const struct store_host_map *
find_map(const struct mapping *m, const char *name)
{
    return store_find_host_map(m->maps, m->n, name);
}

/* Checks.  ---------------------------------------------------------------- */

/* Appends a name to a list that an error has; 'n' are there already. */
static void
put_name(struct ds *ds, size_t n, const char *name)
{
    if (n < NAMED_MAX) {
        ds_put_format(ds, "%s\"%s\"", n ? ", " : "", name);
    } else if (n == NAMED_MAX) {
        ds_put_cstr(ds, ", ...");
    }
}

/* Each is a host of the backup. */
static int
check_known(const struct mapping *m, struct vmn_error *why)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n = 0;
    int error = 0;

    for (size_t i = 0; i < m->n; i++) {
        if (!model_get(m->model, VMN_TABLE_HOST, m->maps[i].from)) {
            put_name(&ds, n++, m->maps[i].from);
        }
    }
    if (n) {
        error = vmn_error_invalid(why, "map of hosts: the backup has no host "
                                  "%s", ds_cstr(&ds));
    }
    ds_destroy(&ds);
    return error;
}

/* No two become one, and none becomes one that stays. */
static int
check_names(const struct mapping *m, struct vmn_error *why)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct store_host_map *map = &m->maps[i];
        struct vmn_error fault = VMN_ERROR_INIT;

        if (value_check_name(map->to, &fault)) {
            char *text = vmn_error_steal_text(&fault);
            int error = vmn_error_invalid(why, "map of hosts: /%s/name: %s",
                                          map->from, text);

            free(text);
            return error;
        }
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(m->maps[j].to, map->to)) {
                return vmn_error_invalid(
                    why, "map of hosts: /%s/name: \"%s\" is the name of "
                    "\"%s\", too", map->from, map->to, m->maps[j].from);
            }
        }
        if (!find_map(m, map->to)
            && model_get(m->model, VMN_TABLE_HOST, map->to)) {
            return vmn_error_invalid(
                why, "map of hosts: /%s/name: the backup has a host \"%s\" "
                "already, which the map leaves as it is", map->from, map->to);
        }
    }
    return 0;
}

static int
check_ip(const struct store_host_map *map, const char *member,
         const char *text, struct vmn_ip *ip, struct vmn_error *why)
{
    struct vmn_error fault = VMN_ERROR_INIT;
    int error = 0;

    if (value_parse_ip(text, ip, &fault)) {
        char *reason = vmn_error_steal_text(&fault);

        error = vmn_error_invalid(why, "map of hosts: /%s/%s: %s", map->from,
                                  member, reason);
        free(reason);
    }
    return error;
}

/* Each has addresses of its own: those in the backup are another machine's,
 * which may be there still. */
static int
check_addresses(const struct mapping *m, struct vmn_error *why)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct store_host_map *map = &m->maps[i];
        const struct vmn_host *row = model_get(m->model, VMN_TABLE_HOST,
                                               map->from);
        struct vmn_error fault = VMN_ERROR_INIT;
        struct vmn_ip ip, second = { 0 };
        int error;

        if (!map->tunnel_ip) {
            return vmn_error_invalid(
                why, "map of hosts: /%s/tunnel_ip: required, as \"%s\" is "
                "another machine", map->from, map->to);
        }
        if (!map->ovsdb && strcmp(row->ovsdb, "inbound")) {
            return vmn_error_invalid(
                why, "map of hosts: /%s/ovsdb: required, as \"%s\" was "
                "reached at %s", map->from, map->from, row->ovsdb);
        }
        if (map->ovsdb && value_check_ovsdb(map->ovsdb, &fault)) {
            char *text = vmn_error_steal_text(&fault);

            error = vmn_error_invalid(why, "map of hosts: /%s/ovsdb: %s",
                                      map->from, text);
            free(text);
            return error;
        }
        error = check_ip(map, "tunnel_ip", map->tunnel_ip, &ip, why);
        if (!error && map->second_tunnel_ip) {
            error = check_ip(map, "second_tunnel_ip", map->second_tunnel_ip,
                             &second, why);
        }
        if (error) {
            return error;
        }
        if (second.family == ip.family) {
            return vmn_error_invalid(
                why, "map of hosts: /%s/second_tunnel_ip: must be of the "
                "other family than tunnel_ip", map->from);
        }
    }
    return 0;
}

/* Fails if two hosts of the result have one value of 'column'. */
static int
check_distinct(const struct mapping *m, const char *column,
               struct vmn_error *why)
{
    char *sql = xasprintf(
        "SELECT coalesce((SELECT '\"' || a.name || '\" and \"' || b.name || "
        "'\" would have ' || a.%s FROM hosts a JOIN hosts b ON a.%s = b.%s "
        "AND a.name < b.name AND a.%s <> 'inbound' LIMIT 1), '')",
        column, column, column, column);
    int error;
    char *text = store_get_text(m->db, sql, &error, why);

    if (!error && *text) {
        error = vmn_error_invalid(why, "map of hosts: hosts %s as %s", text,
                                  column);
    }
    free(text);
    free(sql);
    return error;
}

/* Changing rows.  --------------------------------------------------------- */

/* Returns true if the field, or one in it, refers to hosts. */
static bool
refers_to_hosts(const struct schema_field *f)
{
    if (f->type == SCHEMA_REF) {
        return f->ref == VMN_TABLE_HOST;
    }
    if (f->type == SCHEMA_STRUCT) {
        for (const struct schema_field *in = f->nested->fields; in->name;
             in++) {
            if (refers_to_hosts(in)) {
                return true;
            }
        }
    }
    return false;
}

static size_t map_value(const struct mapping *, const struct schema_field *,
                        json_t **value);

/* Maps the members of a struct. */
static size_t
map_members(const struct mapping *m, const struct schema_struct *s,
            json_t *object)
{
    size_t n = 0;

    for (const struct schema_field *f = s->fields; f->name; f++) {
        json_t *value = json_incref(json_object_get(object, f->name));

        if (value && refers_to_hosts(f)) {
            size_t n_here = map_value(m, f, &value);

            if (n_here) {
                json_object_set(object, f->name, value);
            }
            n += n_here;
        }
        json_decref(value);
    }
    return n;
}

/* Maps one element: a name, or a struct. */
static size_t
map_element(const struct mapping *m, const struct schema_field *f,
            json_t **value)
{
    const struct store_host_map *map;

    if (f->type == SCHEMA_STRUCT) {
        return map_members(m, f->nested, *value);
    }
    map = find_map(m, json_string_value(*value));
    if (!map || !strcmp(map->from, map->to)) {
        return 0;
    }
    json_decref(*value);
    *value = json_string(map->to);
    return 1;
}

/* Maps all references to hosts in the value of a field, and returns how many
 * these are.  Replaces '*value', which the caller owns. */
static size_t
map_value(const struct mapping *m, const struct schema_field *f,
          json_t **value)
{
    size_t n = 0;

    if (!(f->flags & SCHEMA_LIST)) {
        return map_element(m, f, value);
    }
    for (size_t i = 0; i < json_array_size(*value); i++) {
        json_t *element = json_incref(json_array_get(*value, i));

        n += map_element(m, f, &element);
        json_array_set_new(*value, i, element);
    }
    return n;
}

/* Returns the new value of a column with 'text', which the caller frees; NULL:
 * it stays. */
static char *
map_text(const struct mapping *m, const struct schema_field *f,
         const char *text)
{
    json_t *value = (store_is_json(f) ? json_loads(text, 0, NULL)
                     : json_string(text));
    size_t n = value ? map_value(m, f, &value) : 0;
    char *mapped = (!n ? NULL
                    : store_is_json(f)
                    ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY)
                    : xstrdup(json_string_value(value)));

    m->r->hosts.n_references += n;
    json_decref(value);
    return mapped;
}

/* The new text of an app's object. */
static char *
map_spec(const struct mapping *m, const char *type, const char *text)
{
    enum vmn_table place = schema_own_place(type);
    const struct schema_table *table
        = place < VMN_N_TABLES ? model_table(m->model, place) : NULL;
    json_t *spec = table ? json_loads(text, 0, NULL) : NULL;
    size_t n = spec ? map_members(m, &table->row, spec) : 0;
    char *mapped = n ? json_dumps(spec, JSON_COMPACT) : NULL;

    m->r->hosts.n_references += n;
    json_decref(spec);
    return mapped;
}

static int
run_sql(const struct mapping *m, const char *sql, struct vmn_error *why)
{
    return sqlite3_exec(m->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
           : store_error(m->db, why, "cannot map hosts");
}

/* Runs a statement with 'n' texts, of which some may be NULL, and then the
 * restored state's revision and time. */
static int
run_with(const struct mapping *m, const char *sql, const char *const texts[],
         int n, struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(m->db, sql, -1, &stmt, NULL);

    for (int i = 0; code == SQLITE_OK && i < n; i++) {
        code = sqlite3_bind_text(stmt, i + 1, texts[i], -1, SQLITE_STATIC);
    }
    if (code == SQLITE_OK && sqlite3_bind_parameter_count(stmt) > n) {
        sqlite3_bind_int64(stmt, n + 1, m->revision);
        sqlite3_bind_int64(stmt, n + 2, time_wall_msec());
    }
    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    int error = code == SQLITE_DONE ? 0
                : store_error(m->db, why, "cannot map hosts");
    sqlite3_finalize(stmt);
    return error;
}

/* Has rows follow that refer to hosts in a field of 'table'; with 'field'
 * NULL, all objects of apps' types.  Reads all before it writes. */
static int
map_column(const struct mapping *m, const struct schema_table *table,
           const struct schema_field *f, struct vmn_error *why)
{
    char *select = (f ? xasprintf("SELECT name, NULL, \"%s\" FROM \"%s\" "
                                  "WHERE \"%s\" IS NOT NULL", f->name,
                                  table->plural, f->name)
                    : xstrdup("SELECT name, type, spec FROM objects"));
    char *update = (f ? xasprintf("UPDATE \"%s\" SET \"%s\" = ?3, "
                                  "revision = ?4, updated_ms = ?5 "
                                  "WHERE name = ?1 AND ?2 IS NULL",
                                  table->plural, f->name)
                    : xstrdup("UPDATE objects SET spec = ?3, revision = ?4, "
                              "updated_ms = ?5 WHERE name = ?1 AND "
                              "type = ?2"));
    size_t n = 0, allocated = 0;
    struct new_value *values = NULL;
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(m->db, select, -1, &stmt, NULL);
    int error;

    while (code == SQLITE_OK
           && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *type = (const char *) sqlite3_column_text(stmt, 1);
        const char *text = (const char *) sqlite3_column_text(stmt, 2);
        char *value = f ? map_text(m, f, text) : map_spec(m, type, text);

        code = SQLITE_OK;
        if (value) {
            if (n >= allocated) {
                values = x2nrealloc(values, &allocated, sizeof *values);
            }
            values[n++] = (struct new_value) {
                .name = xstrdup((const char *) sqlite3_column_text(stmt, 0)),
                .type = nullable_xstrdup(type), .value = value,
            };
        }
    }
    error = code == SQLITE_DONE ? 0
            : store_error(m->db, why, "cannot read what refers to hosts");
    sqlite3_finalize(stmt);
    for (size_t i = 0; i < n; i++) {
        const char *const texts[] = { values[i].name, values[i].type,
                                      values[i].value };

        error = error ? error : run_with(m, update, texts, 3, why);
        free(values[i].name);
        free(values[i].type);
        free(values[i].value);
    }
    free(values);
    free(update);
    free(select);
    return error;
}

/* Forgets what the host has reported: rows that are named as it, or cannot be
 * without it, and what else refers to it. */
static int
forget_reports(const struct mapping *m, const struct schema_table *table,
               const char *host, struct vmn_error *why)
{
    const char *const texts[] = { host };
    int error = 0;

    if (table->named_as == VMN_TABLE_HOST) {
        char *sql = xasprintf("DELETE FROM \"%s\" WHERE name = ?1",
                              table->plural);

        error = run_with(m, sql, texts, 1, why);
        free(sql);
    }
    for (const struct schema_field *f = table->row.fields; !error && f->name;
         f++) {
        if (f->type == SCHEMA_REF && f->ref == VMN_TABLE_HOST) {
            char *sql = (f->flags & SCHEMA_REQUIRED
                         ? xasprintf("DELETE FROM \"%s\" WHERE \"%s\" = ?1",
                                     table->plural, f->name)
                         : xasprintf("UPDATE \"%s\" SET \"%s\" = NULL "
                                     "WHERE \"%s\" = ?1", table->plural,
                                     f->name, f->name));

            error = run_with(m, sql, texts, 1, why);
            if (!error && table->id == VMN_TABLE_BINDING
                && f->flags & SCHEMA_REQUIRED) {
                m->r->hosts.n_unbound += sqlite3_changes(m->db);
            }
            free(sql);
        }
    }
    return error;
}

static int
map_table(const struct mapping *m, const struct schema_table *table,
          struct vmn_error *why)
{
    int error = 0;

    if (table->observed) {
        for (size_t i = 0; !error && i < m->n; i++) {
            error = forget_reports(m, table, m->maps[i].from, why);
        }
        return error;
    }
    for (const struct schema_field *f = table->row.fields; !error && f->name;
         f++) {
        if (refers_to_hosts(f)) {
            error = map_column(m, table, f, why);
        }
    }
    return error;
}

/* Gives the hosts' rows their new names by way of others, as two hosts may
 * change theirs, and their addresses.  None is in maintenance, or lost: that
 * was the other machine. */
static int
map_rows(const struct mapping *m, struct vmn_error *why)
{
    static const char update[] =
        "UPDATE hosts SET name = ' ' || ?2, ovsdb = coalesce(?3, ovsdb), "
        "tunnel_ip = ?4, second_tunnel_ip = ?5, maintenance = NULL, "
        "lost = NULL, revision = ?6, updated_ms = ?7 WHERE name = ?1";
    int error = 0;

    for (size_t i = 0; !error && i < m->n; i++) {
        const struct store_host_map *map = &m->maps[i];
        char first[VALUE_IP_SIZE], second[VALUE_IP_SIZE];
        struct vmn_ip ip = { 0 };

        value_parse_ip(map->tunnel_ip, &ip, NULL);
        value_format_ip(&ip, first);
        if (map->second_tunnel_ip) {
            value_parse_ip(map->second_tunnel_ip, &ip, NULL);
            value_format_ip(&ip, second);
        }

        const char *const texts[] = {
            map->from, map->to, map->ovsdb, first,
            map->second_tunnel_ip ? second : NULL,
        };

        error = run_with(m, update, texts, ARRAY_SIZE(texts), why);
    }
    return error ? error : run_sql(m, "UPDATE hosts SET name = "
                                   "substr(name, 2) WHERE name LIKE ' %'",
                                   why);
}

/* Lists the hosts that stay as they are. */
static void
note_others(const struct mapping *m)
{
    struct vmn_names names = model_names(m->model, VMN_TABLE_HOST);

    m->r->hosts.n_mapped = m->n;
    m->r->hosts.others = json_array();
    for (size_t i = 0; i < names.n; i++) {
        if (!find_map(m, names.names[i])) {
            json_array_append_new(m->r->hosts.others,
                                  json_string(names.names[i]));
        }
    }
}

static int
change(const struct mapping *m, struct vmn_error *why)
{
    int error = 0;

    for (int i = 0; !error && i < VMN_TABLE_OWN_FIRST; i++) {
        if (schema_has_columns(schema_tables[i])) {
            error = map_table(m, schema_tables[i], why);
        }
    }
    error = error ? error : map_column(m, NULL, NULL, why);
    error = error ? error : map_rows(m, why);
    error = error ? error : check_distinct(m, "tunnel_ip", why);
    return error ? error : check_distinct(m, "ovsdb", why);
}

/* Loads the result, as vmnd will. */
static int
check_result(sqlite3 *db, const char *file, struct vmn_error *why)
{
    struct model *model = model_create();
    int error = store_load(db, file, model, why);

    if (error) {
        vmn_error_prefix(why, "with the map of hosts");
    }
    model_destroy(model);
    return error;
}

int
store_map_hosts(sqlite3 *db, const char *file,
                const struct store_host_map maps[], size_t n,
                struct store_restored *r, struct vmn_error *why)
{
    struct model *model = model_create();
    struct mapping m = {
        .db = db, .maps = maps, .n = n, .model = model,
        .revision = r->revision, .r = r,
    };
    int error = store_load(db, file, model, why);

    error = error ? error : check_known(&m, why);
    error = error ? error : check_names(&m, why);
    error = error ? error : check_addresses(&m, why);
    error = error ? error : run_sql(&m, "BEGIN", why);
    if (!error) {
        note_others(&m);
        error = change(&m, why);
        if (!error) {
            error = run_sql(&m, "COMMIT", why);
        } else {
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        }
    }
    model_destroy(model);
    return error ? error : check_result(db, file, why);
}
