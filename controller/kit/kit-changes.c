/* SPDX-License-Identifier: Apache-2.0
 *
 * The changes that a step of a test makes; see kit-changes.h. */

#include <config.h>

#include "controller/kit/kit-changes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/kit/kit-json.h"
#include "controller/kit/kit-world.h"
#include "controller/schema/schema-row.h"
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
    if (!table || table->observed || table->id == VMN_TABLE_TYPE
        || table->id == VMN_TABLE_APP) {
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
                spec ? json_incref(spec) : json_object(), xstrdup(pointer));
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
    add(changes, MODEL_DELETE, VMN_TABLE_VIF, vif, NULL,
        xstrdup(pointer))->missing_ok = true;
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
has_text(const json_t *object, const char *member, const char *text)
{
    const char *value = json_string_value(json_object_get(object, member));

    return value && !strcmp(value, text);
}

static bool
is_placed_on(const struct kit_changes *changes, const char *port,
             const char *host, const char *iface_id)
{
    const json_t *at = json_object_get(changes->world->placed, port);

    return has_text(at, "host", host) && has_text(at, "iface_id", iface_id);
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

/* Returns true if the spec of a host has 'address'. */
static bool
has_address(const json_t *spec, const char *address)
{
    return (has_text(spec, "tunnel_ip", address)
            || has_text(spec, "second_tunnel_ip", address));
}

/* Returns true if a host has 'address', or will have. */
static bool
is_taken(const struct kit_changes *changes, const char *address)
{
    const struct model *model = changes->world->model;
    struct vmn_names hosts = model_names(model, VMN_TABLE_HOST);
    bool taken = false;

    for (size_t i = 0; !taken && i < hosts.n; i++) {
        json_t *spec = schema_row_spec(model_get(model, VMN_TABLE_HOST,
                                                 hosts.names[i]));

        taken = has_address(spec, address);
        json_decref(spec);
    }
    for (size_t i = 0; !taken && i < changes->request.n_ops; i++) {
        const struct model_op *op = &changes->request.ops[i];

        taken = (op->kind == MODEL_PUT && op->table == VMN_TABLE_HOST
                 && has_address(op->spec, address));
    }
    return taken;
}

/* Has 'host' be one, with an address that no other one has. */
static bool
add_host(struct kit_changes *changes, const char *host, const char *pointer,
         struct vmn_errors *errors)
{
    if (model_get(changes->world->model, VMN_TABLE_HOST, host)
        || find_spec(changes, VMN_TABLE_HOST, host)) {
        return true;
    }
    for (int i = 1; i <= HOSTS_MAX; i++) {
        char address[32];

        snprintf(address, sizeof address, "192.0.2.%d", i);
        if (!is_taken(changes, address)) {
            add(changes, MODEL_PUT, VMN_TABLE_HOST, host,
                json_pack("{s:s, s:s}", "ovsdb", "inbound", "tunnel_ip",
                          address), xstrdup(pointer));
            return true;
        }
    }
    vmn_errors_add(errors, VMN_ERR_INVALID, pointer, "are too many hosts: %d "
                   "get an address by themselves", HOSTS_MAX);
    return false;
}

/* Returns true if the VM of 'port' is behind a tag of another one's: the
 * switch has no interface of its own for it. */
static bool
is_sub_port(const struct kit_changes *changes, const char *port)
{
    const json_t *spec = find_spec(changes, VMN_TABLE_PORT, port);
    const struct vmn_port *row = model_get(changes->world->model,
                                           VMN_TABLE_PORT, port);

    return (spec ? json_object_get(spec, "parent") != NULL
            : row && row->parent);
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
    if (is_sub_port(changes, port)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                       "is a sub-port, which vmn-app cannot place");
        return;
    }
    if (is_placed_on(changes, port, host, iface_id)
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
        "{s:s, s:s}", "host", host, "iface_id", iface_id));
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
        } else if (json_is_null(host) && iface_id_of(changes, port)) {
            unplace(changes, port, pointer);
        } else if (json_is_null(host)) {
            vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                           "names no port: \"%s\"", port);
        } else {
            vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                           "must be the name of a host, or null");
        }
        free(pointer);
    }
}

/* Tunnels for copies.  --------------------------------------------------- */

/* The number of an interface that somebody has attached for copies. */
#define INTERFACE_OFPORT 39999

/* Has a host's switch have the interface by which copies leave by GRE or
 * ERSPAN, which vmnd makes where an app wants it (VMN_REL_COPY_TUNNELS), or
 * one of the host's own, VMN_COPY_INTERFACE of its name. */
static void
read_copy_tunnels(struct kit_changes *changes, const json_t *tunnels,
                  struct vmn_errors *errors)
{
    const char *host;
    json_t *type;

    json_object_foreach (CONST_CAST(json_t *, tunnels), host, type) {
        const char *text = json_string_value(type);
        char *pointer = xasprintf("/copy_tunnels/%s", host);
        int ofport = 0;
        bool is_own;

        for (int encap = 0; encap < 2; encap++) {
            for (int family = 4; text && family <= 6; family += 2) {
                if (!strcmp(text, VMN_COPY_TUNNEL_TYPE(encap, family))) {
                    ofport = VMN_COPY_OFPORT(encap, family);
                }
            }
        }
        is_own = text && text[0] == VMN_COPY_INTERFACE[0];
        if (is_own) {
            ofport = INTERFACE_OFPORT;
        }
        if (!ofport) {
            vmn_errors_add(errors, VMN_ERR_INVALID, pointer, "must be "
                           "\"gre\", \"ip6gre\", \"erspan\" or "
                           "\"ip6erspan\", or \"~\" and the name of an "
                           "interface");
        } else if (add_host(changes, host, pointer, errors)) {
            char *iface_id = (is_own ? xstrdup(text)
                              : xasprintf(VMN_VIF_COPY_TUNNEL, text));
            char *vif = xasprintf("%s/%s", host, iface_id);

            add(changes, MODEL_PUT, VMN_TABLE_VIF, vif, json_pack(
                "{s:s, s:s, s:s, s:i, s:b}", "host", host, "iface_id",
                iface_id, "iface", text, "ofport", ofport, "link_up", 1),
                xstrdup(pointer));
            free(vif);
            free(iface_id);
        }
        free(pointer);
    }
}

/* Health.  ---------------------------------------------------------------- */

/* Has what is probed, "BALANCER/PORT" or "@TARGET/PORT", be in a state; NULL:
 * it has not answered yet. */
static void
set_health(struct kit_changes *changes, const char *name, const char *state,
           const char *pointer)
{
    bool is_target = name[0] == '@';
    size_t len = strcspn(name, "/");

    if (!state) {
        add(changes, MODEL_DELETE, VMN_TABLE_HEALTH, name, NULL,
            xstrdup(pointer))->missing_ok = true;
        return;
    }
    add(changes, MODEL_PUT, VMN_TABLE_HEALTH, name, json_pack(
        "{s:s%, s:s, s:s}", is_target ? "target" : "loadbalancer",
        name + is_target, len - is_target,
        "port", name + len + (name[len] == '/'), "state", state),
        xstrdup(pointer));
}

static void
read_health(struct kit_changes *changes, const json_t *health,
            struct vmn_errors *errors)
{
    const char *name;
    json_t *state;

    json_object_foreach (CONST_CAST(json_t *, health), name, state) {
        char *pointer = xasprintf("/health/%s", name);
        const char *text = json_string_value(state);

        if (json_is_null(state)
            || (text && (!strcmp(text, "up") || !strcmp(text, "down")))) {
            set_health(changes, name, text, pointer);
        } else {
            vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                           "must be up, down or null");
        }
        free(pointer);
    }
}

/* Deletions.  ------------------------------------------------------------- */

/* Returns true if the step places something by what is deleted. */
static bool
is_in_placement(const json_t *placement, enum vmn_table table,
                const char *name)
{
    const char *port;
    json_t *host;

    json_object_foreach (CONST_CAST(json_t *, placement), port, host) {
        if (json_is_string(host)
            && ((table == VMN_TABLE_PORT && !strcmp(port, name))
                || (table == VMN_TABLE_HOST
                    && !strcmp(json_string_value(host), name)))) {
            return true;
        }
    }
    return false;
}

/* What goes with a port or a host: nothing is placed there any more. */
static void
unplace_with(struct kit_changes *changes, enum vmn_table table,
             const char *name, const char *pointer)
{
    json_t *placed = json_deep_copy(changes->world->placed);
    const char *port;
    json_t *at;

    json_object_foreach (placed, port, at) {
        if (table == VMN_TABLE_PORT ? !strcmp(port, name)
            : has_text(at, "host", name)) {
            unplace(changes, port, pointer);
        }
    }
    json_decref(placed);
}

/* "ports/web-1". */
static void
read_deletion(struct kit_changes *changes, const char *text,
              const json_t *placement, const char *pointer,
              struct vmn_errors *errors)
{
    const char *slash = text ? strchr(text, '/') : NULL;
    char *type = slash ? xmemdup0(text, slash - text) : NULL;
    const struct schema_table *table = table_of(changes, type, pointer,
                                                errors);

    if (table && is_in_placement(placement, table->id, slash + 1)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                       "is in the \"placement\" of the same step");
    } else if (table) {
        if (table->id == VMN_TABLE_PORT || table->id == VMN_TABLE_HOST) {
            unplace_with(changes, table->id, slash + 1, pointer);
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
    const json_t *placement = json_object_get(step, "placement");
    const json_t *deletions = json_object_get(step, "delete");
    const json_t *text;
    size_t i;

    read_objects(changes, json_object_get(step, "apply"), errors);
    read_placement(changes, placement, errors);
    read_copy_tunnels(changes, json_object_get(step, "copy_tunnels"), errors);
    read_health(changes, json_object_get(step, "health"), errors);
    json_array_foreach (deletions, i, text) {
        char *pointer = xasprintf("/delete/%"PRIuSIZE, i);

        read_deletion(changes, json_string_value(text), placement, pointer,
                      errors);
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
        const char *from = (op < changes->places.n
                            ? changes->places.names[op] : "");
        bool in_spec = *rest && !strncmp(from, "/apply/", 7);
        char *pointer = xasprintf("%s%s%s", from, in_spec ? "/spec" : "",
                                  in_spec ? rest : "");

        vmn_errors_add(errors, error->code, pointer, "%s", error->text);
        free(pointer);
    }
}
