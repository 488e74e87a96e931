/* SPDX-License-Identifier: Apache-2.0
 *
 * The changes that a step of a test makes; see kit-changes.h. */

#include <config.h>

#include "controller/kit/kit-changes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/kit/kit-json.h"
#include "controller/kit/kit-world.h"
#include "controller/schema/schema.h"
#include "util.h"

/* The most hosts that get their addresses here: of 192.0.2.0/24. */
#define HOSTS_MAX 254

void
kit_changes_init(struct kit_changes *changes, struct kit_world *world)
{
    changes->world = world;
    model_request_init(&changes->request, "vmn-app");
    changes->request.list = true;
    svec_init(&changes->places);
    vmn_errors_init(&changes->errors);
}

void
kit_changes_uninit(struct kit_changes *changes)
{
    model_request_uninit(&changes->request);
    svec_destroy(&changes->places);
    vmn_errors_uninit(&changes->errors);
}

/* Takes ownership of 'spec' and 'place'. */
static struct model_op *
add(struct kit_changes *changes, enum model_op_kind kind, enum vmn_table table,
    const char *name, json_t *spec, char *place)
{
    svec_add_nocopy(&changes->places, place);
    return model_request_add(&changes->request, kind, table, name, spec);
}

/* Objects.  --------------------------------------------------------------- */

/* Returns the table of 'type' that users write, or NULL with an error. */
static const struct schema_table *
table_of(const struct kit_changes *changes, const char *type,
         const char *pointer, struct vmn_errors *errors)
{
    const struct schema_table *table = type ? schema_find_table(type) : NULL;

    table = table ? model_table(changes->world->model, table->id) : NULL;
    if (!table || table->observed || table->id == VMN_TABLE_TYPE) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer, "must be a type of "
                       "objects, such as networks, or one that the app "
                       "declares");
        return NULL;
    }
    return table;
}

static void
read_object(struct kit_changes *changes, const json_t *object, size_t i,
            struct vmn_errors *errors)
{
    static const char *const members[] = { "type", "name", "spec", NULL };
    char *pointer = xasprintf("/apply/%"PRIuSIZE, i);
    char *at = xasprintf("%s/type", pointer);
    const char *name = json_string_value(json_object_get(object, "name"));
    const struct schema_table *table;

    if (kit_json_check(object, members, pointer, errors)) {
        table = table_of(changes, json_string_value(
            json_object_get(object, "type")), at, errors);
        if (table && !name) {
            vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                           "has no \"name\", a text");
        } else if (table) {
            json_t *spec = json_object_get(object, "spec");

            add(changes, MODEL_PUT, table->id, name,
                spec ? json_incref(spec) : json_object(),
                xasprintf("%s/spec", pointer));
        }
    }
    free(at);
    free(pointer);
}

static void
read_objects(struct kit_changes *changes, const json_t *objects,
             struct vmn_errors *errors)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        read_object(changes, object, i, errors);
    }
}

/* Placement.  ------------------------------------------------------------- */

/* The VM of a port is gone from where it was.  Returns false if it was
 * nowhere. */
static bool
unplug(struct kit_changes *changes, const char *port, const char *pointer)
{
    const json_t *was = json_object_get(changes->world->placed, port);
    char *vif;

    if (!was) {
        return false;
    }
    vif = xasprintf("%s/%s", json_string_value(json_object_get(was, "host")),
                    json_string_value(json_object_get(was, "iface_id")));
    add(changes, MODEL_DELETE, VMN_TABLE_VIF, vif, NULL, xstrdup(pointer));
    free(vif);
    json_object_del(changes->world->placed, port);
    return true;
}

/* The same, and it is on no host. */
static void
unplace(struct kit_changes *changes, const char *port, const char *pointer)
{
    if (unplug(changes, port, pointer)) {
        add(changes, MODEL_DELETE, VMN_TABLE_BINDING, port, NULL,
            xstrdup(pointer))->missing_ok = true;
    }
}

static bool
is_placed_on(const struct kit_changes *changes, const char *port,
             const char *host)
{
    const char *at = json_string_value(json_object_get(json_object_get(
        changes->world->placed, port), "host"));

    return at && !strcmp(at, host);
}

/* Returns the spec in the request of an object, or NULL. */
static const json_t *
find_spec(const struct kit_changes *changes, enum vmn_table table,
          const char *name)
{
    for (size_t i = 0; i < changes->request.n_ops; i++) {
        const struct model_op *op = &changes->request.ops[i];

        if (op->kind == MODEL_PUT && op->table == table
            && !strcmp(op->name, name)) {
            return op->spec;
        }
    }
    return NULL;
}

/* Returns the iface-id of a port that is there, or will be; or NULL. */
static const char *
iface_id_of(const struct kit_changes *changes, const char *port)
{
    const json_t *spec = find_spec(changes, VMN_TABLE_PORT, port);
    const struct vmn_port *row = model_get(changes->world->model,
                                           VMN_TABLE_PORT, port);
    const char *own;

    if (!spec) {
        return row ? row->iface_id : NULL;
    }
    own = json_string_value(json_object_get(spec, "iface_id"));
    return own ? own : port;
}

/* Has 'host' be one. */
static bool
add_host(struct kit_changes *changes, const char *host, const char *pointer,
         struct vmn_errors *errors)
{
    const struct model *model = changes->world->model;
    size_t n = model_names(model, VMN_TABLE_HOST).n + 1;

    if (model_get(model, VMN_TABLE_HOST, host)
        || find_spec(changes, VMN_TABLE_HOST, host)) {
        return true;
    }
    for (size_t i = 0; i < changes->request.n_ops; i++) {
        n += (changes->request.ops[i].kind == MODEL_PUT
              && changes->request.ops[i].table == VMN_TABLE_HOST);
    }
    if (n > HOSTS_MAX) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer, "are too many hosts: "
                       "%d get an address by themselves", HOSTS_MAX);
        return false;
    }
    add(changes, MODEL_PUT, VMN_TABLE_HOST, host,
        json_pack("{s:s, s:o}", "ovsdb", "inbound", "tunnel_ip",
                  json_sprintf("192.0.2.%"PRIuSIZE, n)), xstrdup(pointer));
    return true;
}

static void
place(struct kit_changes *changes, const char *port, const char *host,
      const char *pointer, struct vmn_errors *errors)
{
    const char *iface_id = iface_id_of(changes, port);
    int ofport;
    char *vif;

    if (!iface_id) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                       "names no port: \"%s\"", port);
        return;
    }
    if (is_placed_on(changes, port, host)
        || !add_host(changes, host, pointer, errors)) {
        return;
    }
    unplug(changes, port, pointer);
    ofport = ++changes->world->last_ofport;
    vif = xasprintf("%s/%s", host, iface_id);
    add(changes, MODEL_PUT, VMN_TABLE_VIF, vif, json_pack(
        "{s:s, s:s, s:o, s:i, s:b}", "host", host, "iface_id", iface_id,
        "iface", json_sprintf("tap%d", ofport), "ofport", ofport,
        "link_up", 1), xstrdup(pointer));
    add(changes, MODEL_PUT, VMN_TABLE_BINDING, port,
        json_pack("{s:s}", "host", host), xstrdup(pointer));
    json_object_set_new(changes->world->placed, port, json_pack(
        "{s:s, s:s, s:i}", "host", host, "iface_id", iface_id, "ofport",
        ofport));
    free(vif);
}

static void
read_placement(struct kit_changes *changes, const json_t *placement,
               struct vmn_errors *errors)
{
    const char *port;
    json_t *host;

    json_object_foreach (CONST_CAST(json_t *, placement), port, host) {
        char *pointer = xasprintf("/placement/%s", port);

        if (json_is_string(host)) {
            place(changes, port, json_string_value(host), pointer, errors);
        } else if (json_is_null(host)) {
            unplace(changes, port, pointer);
        } else {
            vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                           "must be the name of a host, or null");
        }
        free(pointer);
    }
}

/* "ports/web-1". */
static void
read_deletion(struct kit_changes *changes, const char *text,
              const char *pointer, struct vmn_errors *errors)
{
    const char *slash = text ? strchr(text, '/') : NULL;
    char *type = slash ? xmemdup0(text, slash - text) : NULL;
    const struct schema_table *table = table_of(changes, type, pointer,
                                                errors);

    if (table) {
        if (table->id == VMN_TABLE_PORT) {
            unplace(changes, slash + 1, pointer);
        }
        add(changes, MODEL_DELETE, table->id, slash + 1, NULL,
            xstrdup(pointer));
    }
    free(type);
}

bool
kit_changes_read(struct kit_changes *changes, const json_t *step,
                 struct vmn_errors *errors)
{
    const json_t *deletions = json_object_get(step, "delete");
    const json_t *text;
    size_t i;

    read_objects(changes, json_object_get(step, "apply"), errors);
    read_placement(changes, json_object_get(step, "placement"), errors);
    json_array_foreach (deletions, i, text) {
        char *pointer = xasprintf("/delete/%"PRIuSIZE, i);

        read_deletion(changes, json_string_value(text), pointer, errors);
        free(pointer);
    }
    return !errors->n;
}

void
kit_changes_tell(const struct kit_changes *changes, struct vmn_errors *errors)
{
    for (size_t i = 0; i < changes->errors.n; i++) {
        const struct vmn_error *error = &changes->errors.errors[i];
        const char *rest = error->pointer;
        size_t op = SIZE_MAX;

        if (*rest == '/') {
            op = strtoul(rest + 1, CONST_CAST(char **, &rest), 10);
        }
        char *pointer = xasprintf("%s%s", (op < changes->places.n
                                           ? changes->places.names[op] : ""),
                                  rest);

        vmn_errors_add(errors, error->code, pointer, "%s", error->text);
        free(pointer);
    }
}
