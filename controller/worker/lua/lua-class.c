/* SPDX-License-Identifier: Apache-2.0
 *
 * What a script declares, as struct vmn_app_class.  Here it is seen to that
 * it is of the right types; whether names, numbers and tables fit is checked
 * by vmnd, as it is of any app. */

#include <config.h>

#include "controller/worker/lua/lua-private.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* What the class has in place of functions: lua_app_compile() and its kin are
 * called instead. */
static void
no_compile(struct vmn_view *view OVS_UNUSED, const char *key OVS_UNUSED,
           struct vmn_emit *emit OVS_UNUSED)
{
}

static void
no_eval(struct vmn_view *view OVS_UNUSED, const char *key OVS_UNUSED,
        struct vmn_value *value OVS_UNUSED)
{
}

static void
no_handle(struct vmn_view *view OVS_UNUSED,
          const struct vmn_packet_in *in OVS_UNUSED,
          struct vmn_packets_out *out OVS_UNUSED)
{
}

/* Members.  An element's table is on top of the stack. -------------------- */

/* Pushes member 'name'.  Returns false if it is not there. */
static bool
get(lua_State *L, const char *name)
{
    return lua_getfield(L, -1, name) != LUA_TNIL;
}

static const char *
describe(char *what, size_t size, const char *element, const char *name)
{
    snprintf(what, size, "%.100s: %s", element, name);
    return what;
}

/* Returns a text, which the declaration keeps; NULL if it is not there. */
static const char *
get_text(lua_State *L, const char *element, const char *name)
{
    char what[160];
    const char *text = NULL;

    if (get(L, name)) {
        text = lua_take_text(L, -1, describe(what, sizeof what, element,
                                             name));
    }
    lua_pop(L, 1);
    return text;
}

/* 'value' is that of a member that is absent. */
static lua_Integer
get_integer(lua_State *L, const char *element, const char *name,
            lua_Integer min, lua_Integer max, lua_Integer value)
{
    char what[160];

    if (get(L, name)) {
        value = lua_take_integer(L, -1, describe(what, sizeof what, element,
                                                 name), min, max);
    }
    lua_pop(L, 1);
    return value;
}

static bool
get_bool(lua_State *L, const char *element, const char *name)
{
    char what[160];
    bool value = false;

    if (get(L, name)) {
        value = lua_take_bool(L, -1, describe(what, sizeof what, element,
                                              name));
    }
    lua_pop(L, 1);
    return value;
}

static int
get_name(lua_State *L, const char *element, const char *name,
         const struct lua_name *names, int value)
{
    char what[160];

    if (get(L, name)) {
        value = lua_take_name(L, -1, describe(what, sizeof what, element,
                                              name), names);
    }
    lua_pop(L, 1);
    return value;
}

/* A function must be there. */
static void
check_function(lua_State *L, const char *element, const char *name)
{
    lua_getfield(L, -1, name);
    if (lua_type(L, -1) != LUA_TFUNCTION) {
        lua_raise(L, "%s: %s must be a function, not %s", element, name,
                  lua_type_text(L, -1));
    }
    lua_pop(L, 1);
}

/* Elements.  -------------------------------------------------------------- */

typedef void take_element_fn(lua_State *, const char *element, size_t i);

/* Takes each element of the array 'array', whose members are 'names'. */
static void
take_array(lua_State *L, const char *array, const char *const *names,
           take_element_fn *take)
{
    lua_Integer n;

    if (!get(L, array)) {
        lua_pop(L, 1);
        return;
    }
    if (lua_type(L, -1) != LUA_TTABLE) {
        lua_raise(L, "%s must be a table, not %s", array,
                  lua_type_text(L, -1));
    }
    n = luaL_len(L, -1);
    if (n > LUA_ELEMENTS_MAX) {
        lua_raise(L, "%s has more than %d elements", array, LUA_ELEMENTS_MAX);
    }
    lua_pushnil(L);
    for (lua_Integer i = 0; lua_next(L, -2); i++) {
        if (!lua_isinteger(L, -2) || i >= n) {
            lua_raise(L, "%s must be a sequence: { { ... }, { ... } }", array);
        }
        lua_pop(L, 1);
    }
    for (lua_Integer i = 0; i < n; i++) {
        char element[160];
        const char *name;

        snprintf(element, sizeof element, "%s[%d]", array, (int) i + 1);
        lua_geti(L, -1, i + 1);
        lua_check_options(L, -1, element, names);
        name = get_text(L, element, "name");
        if (!name) {
            lua_raise(L, "%s has no name", element);
        }
        snprintf(element, sizeof element, "%s \"%.64s\"", array, name);
        take(L, element, i);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* A sequence of registers, as a set of VMN_SCRATCH(). */
static uint32_t
get_registers(lua_State *L, const char *element, const char *name)
{
    char what[160];
    uint32_t registers = 0;

    describe(what, sizeof what, element, name);
    if (get(L, name)) {
        if (lua_type(L, -1) != LUA_TTABLE) {
            lua_raise(L, "%s must be a table, not %s", what,
                      lua_type_text(L, -1));
        }
        for (lua_Integer i = 1; lua_geti(L, -1, i) != LUA_TNIL; i++) {
            const struct lua_field *field = lua_take_field(L, -1, what);

            if (field->field < VMN_F_REG0 || field->field > VMN_F_REG15) {
                lua_raise(L, "%s: %s is no register", what, field->name);
            }
            registers |= VMN_SCRATCH(field->field);
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return registers;
}

static void
take_stage(lua_State *L, const char *element, size_t i)
{
    static const struct lua_name prefixes[] = {
        { "with_ipv6_src", 1 }, { "with_ipv6_dst", 2 }, { .name = NULL },
    };
    struct vmn_stage_class *stage = &lua_app_of(L)->stages[i];
    int which;

    stage->name = get_text(L, element, "name");
    stage->hook = get_name(L, element, "hook", lua_hooks, -1);
    stage->order = get_integer(L, element, "order", INT32_MIN, INT32_MAX, 0);
    stage->n_tables = get_integer(L, element, "n_tables", 1, UINT32_MAX, 1);
    stage->miss = get_name(L, element, "miss", lua_misses, VMN_MISS_NEXT);
    stage->scratch = get_registers(L, element, "scratch");
    stage->keeps = get_registers(L, element, "keeps");
    which = get_name(L, element, "prefixes", prefixes, 0);
    stage->prefixes = (which == 1 ? vmn_prefixes_with_ipv6_src
                       : which == 2 ? vmn_prefixes_with_ipv6_dst : NULL);
    if ((int) stage->hook < 0) {
        lua_raise(L, "%s has no hook", element);
    }
}

static void
take_query(lua_State *L, const char *element, size_t i)
{
    struct vmn_query_class *query = &lua_app_of(L)->queries[i];

    query->name = get_text(L, element, "name");
    query->eval = no_eval;
    check_function(L, element, "eval");
}

enum vmn_row_type
lua_take_row_type(lua_State *L, int index, const char *what)
{
    int own = lua_own_type(lua_app_of(L), lua_tostring(L, index));

    return (own >= 0 ? VMN_ROW_OWN_FIRST + own
            : lua_take_name(L, index, what, lua_row_types));
}

/* What a unit is for: a type of rows, "once", or { relation = NAME }. */
static void
take_each(lua_State *L, const char *element, struct vmn_unit_class *unit)
{
    static const char *const names[] = { "relation", NULL };
    char what[160];

    describe(what, sizeof what, element, "each");
    if (!get(L, "each")) {
        lua_raise(L, "%s says no \"each\"", element);
    }
    if (lua_type(L, -1) == LUA_TTABLE) {
        lua_check_options(L, -1, what, names);
        unit->each = VMN_EACH_KEY;
        unit->relation = get_text(L, what, "relation");
        if (!unit->relation) {
            lua_raise(L, "%s has no relation", what);
        }
    } else if (!strcmp(lua_take_text(L, -1, what), "once")) {
        unit->each = VMN_EACH_ONCE;
    } else {
        unit->each = VMN_EACH_ROW;
        unit->row_type = lua_take_row_type(L, -1, what);
    }
    lua_pop(L, 1);
}

static void
take_unit(lua_State *L, const char *element, size_t i)
{
    struct vmn_unit_class *unit = &lua_app_of(L)->units[i];

    unit->name = get_text(L, element, "name");
    unit->compile = no_compile;
    take_each(L, element, unit);
    check_function(L, element, "compile");
}

static void
take_id_pool(lua_State *L, const char *element, size_t i)
{
    struct vmn_id_pool_class *pool = &lua_app_of(L)->id_pools[i];

    pool->name = get_text(L, element, "name");
    pool->max = get_integer(L, element, "max", 1, UINT32_MAX, 0);
}

static void
take_handler(lua_State *L, const char *element, size_t i)
{
    struct vmn_handler_class *handler = &lua_app_of(L)->handlers[i];

    handler->name = get_text(L, element, "name");
    handler->handle = no_handle;
    handler->interval_s = get_integer(L, element, "interval_s", 0, UINT32_MAX,
                                      0);
    handler->provider_ports = get_bool(L, element, "provider_ports");
    handler->options = (get_bool(L, element, "arrivals")
                        ? VMN_HANDLER_ARRIVALS : 0);
    check_function(L, element, "handle");
}

/* Types.  Their declaration stays as long as the process.  ---------------- */

int
lua_own_type(const struct lua_app *app, const char *name)
{
    for (int i = 0; app->types[i].name; i++) {
        if (!strcmp(app->types[i].name, name)) {
            return i;
        }
    }
    return -1;
}

static void take_field(lua_State *, const char *element, size_t i);

/* Takes "fields" of the table on top, as the struct 'name'. */
static const struct vmn_struct_class *
take_struct(lua_State *L, const char *name)
{
    static const char *const of_field[] = {
        "name", "type", "required", "list", "set", "key", "mentions", "secret",
        "lines", "administrators", "or_all", "min", "max", "default",
        "max_items", "values", "ref", "struct", "fields", "doc", NULL };
    struct vmn_struct_class *s = xzalloc(sizeof *s);
    struct lua_app *app = lua_app_of(L);
    struct vmn_field_class *outer = app->fields;

    app->fields = xcalloc(LUA_ELEMENTS_MAX + 1, sizeof *app->fields);
    s->name = name;
    s->fields = app->fields;
    take_array(L, "fields", of_field, take_field);
    app->fields = outer;
    return s;
}

/* The values of an enum. */
static const char *const *
get_values(lua_State *L, const char *element)
{
    const char **values = NULL;
    char what[160];
    lua_Integer n;

    describe(what, sizeof what, element, "values");
    if (get(L, "values")) {
        if (lua_type(L, -1) != LUA_TTABLE) {
            lua_raise(L, "%s must be a table, not %s", what,
                      lua_type_text(L, -1));
        }
        n = luaL_len(L, -1);
        if (n > LUA_ELEMENTS_MAX) {
            lua_raise(L, "%s has more than %d elements", what,
                      LUA_ELEMENTS_MAX);
        }
        values = xcalloc(n + 1, sizeof *values);
        for (lua_Integer i = 0; i < n; i++) {
            lua_geti(L, -1, i + 1);
            values[i] = lua_take_text(L, -1, what);
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    return values;
}

/* A default is of the field's type: of an enum one of its values. */
static void
take_default(lua_State *L, const char *element, struct vmn_field_class *f)
{
    char what[160];

    describe(what, sizeof what, element, "default");
    if (!get(L, "default")) {
        lua_pop(L, 1);
        return;
    }
    switch (f->type) {
    case VMN_FIELD_BOOL:
        f->def = lua_take_bool(L, -1, what);
        break;
    case VMN_FIELD_INT:
        f->def = lua_take_integer(L, -1, what, INT_MIN, INT_MAX);
        break;
    case VMN_FIELD_TEXT:
    case VMN_FIELD_REF:
        f->def_text = lua_take_text(L, -1, what);
        break;
    case VMN_FIELD_ENUM: {
        const char *value = lua_take_text(L, -1, what);

        while (f->values && f->values[f->def]
               && strcmp(f->values[f->def], value)) {
            f->def++;
        }
        break;
    }
    case VMN_FIELD_MAC:
    case VMN_FIELD_IP:
    case VMN_FIELD_PREFIX:
    case VMN_FIELD_PORT_RANGE:
    case VMN_FIELD_SELECTOR:
    case VMN_FIELD_STRUCT:
    default:
        lua_raise(L, "%s: a field of this type has none", what);
    }
    lua_pop(L, 1);
}

static void
take_field(lua_State *L, const char *element, size_t i)
{
    static const struct { const char *name; uint32_t flag; } flags[] = {
        { "required", VMN_FIELD_REQUIRED }, { "list", VMN_FIELD_LIST },
        { "set", VMN_FIELD_SET }, { "key", VMN_FIELD_KEY },
        { "mentions", VMN_FIELD_MENTIONS },
        { "secret", VMN_FIELD_SECRET }, { "lines", VMN_FIELD_LINES },
        { "administrators", VMN_FIELD_ADMINISTRATORS },
        { "or_all", VMN_FIELD_OR_ALL },
    };
    struct vmn_field_class *f = &lua_app_of(L)->fields[i];
    int type;

    f->name = get_text(L, element, "name");
    type = get_name(L, element, "type", lua_field_types, -1);
    if (type < 0) {
        lua_raise(L, "%s has no type", element);
    }
    f->type = type;
    for (size_t j = 0; j < ARRAY_SIZE(flags); j++) {
        f->flags |= get_bool(L, element, flags[j].name) ? flags[j].flag : 0;
    }
    f->min = get_integer(L, element, "min", INT32_MIN, INT32_MAX, 0);
    f->max = get_integer(L, element, "max", INT32_MIN, INT32_MAX, 0);
    f->max_items = get_integer(L, element, "max_items", 0, UINT32_MAX, 0);
    f->values = get_values(L, element);
    f->ref = get_text(L, element, "ref");
    f->doc = get_text(L, element, "doc");
    take_default(L, element, f);
    if (f->type == VMN_FIELD_STRUCT) {
        const char *name = get_text(L, element, "struct");

        f->nested = take_struct(L, name ? name : f->name);
    }
}

/* A member of the status of a type's objects. */
static void
take_status(lua_State *L, const char *element, size_t i)
{
    struct vmn_field_class *f = &lua_app_of(L)->fields[i];
    int type = get_name(L, element, "type", lua_field_types, -1);

    if (type < 0) {
        lua_raise(L, "%s has no type", element);
    }
    f->name = get_text(L, element, "name");
    f->type = type;
    f->flags = get_bool(L, element, "list") ? VMN_FIELD_LIST : 0;
    f->relation = get_text(L, element, "relation");
    f->doc = get_text(L, element, "doc");
}

static const struct vmn_field_class *
take_statuses(lua_State *L)
{
    static const char *const of_status[] = {
        "name", "type", "list", "relation", "doc", NULL };
    struct lua_app *app = lua_app_of(L);
    struct vmn_field_class *outer = app->fields;
    struct vmn_field_class *fields = xcalloc(LUA_ELEMENTS_MAX + 1,
                                             sizeof *fields);

    app->fields = fields;
    take_array(L, "status", of_status, take_status);
    app->fields = outer;
    if (!fields[0].name) {
        free(fields);
        return NULL;
    }
    return fields;
}

static void
no_check(const void *row OVS_UNUSED, struct vmn_check *check OVS_UNUSED)
{
}

static void
take_type(lua_State *L, const char *element, size_t i)
{
    struct vmn_type_class *type = &lua_app_of(L)->types[i];

    type->name = get_text(L, element, "name");
    type->singular = get_text(L, element, "singular");
    type->doc = get_text(L, element, "doc");
    type->flags = get_bool(L, element, "single") ? VMN_TYPE_SINGLE : 0;
    type->max_objects = get_integer(L, element, "max_objects", 0, UINT32_MAX,
                                    0);
    if (get(L, "check")) {
        lua_pop(L, 1);
        check_function(L, element, "check");
        type->check = no_check;
    } else {
        lua_pop(L, 1);
    }
    type->row = take_struct(L, type->singular ? type->singular : "object");
    type->status = take_statuses(L);
}

static bool
no_owner(struct vmn_view *view OVS_UNUSED, const char *unit OVS_UNUSED,
         const char *key OVS_UNUSED, uint32_t part OVS_UNUSED,
         struct vmn_flow_owner *owner OVS_UNUSED)
{
    return false;
}

void
lua_class_take(lua_State *L)
{
    static const char *const members[] = {
        "name", "description", "stages", "queries", "units", "id_pools",
        "handlers", "withdraw", "denies", "types", "flow_owner", NULL };
    static const char *const of_type[] = {
        "name", "singular", "doc", "single", "max_objects", "fields", "check",
        "status", NULL };
    static const char *const of_stage[] = {
        "name", "hook", "order", "n_tables", "miss", "prefixes", "scratch",
        "keeps", NULL };
    static const char *const of_query[] = { "name", "eval", NULL };
    static const char *const of_unit[] = { "name", "each", "compile", NULL };
    static const char *const of_id_pool[] = { "name", "max", NULL };
    static const char *const of_handler[] = {
        "name", "handle", "interval_s", "provider_ports", "arrivals", NULL
    };
    struct lua_app *app = lua_app_of(L);
    struct vmn_app_class *class_ = &app->class_;

    if (lua_type(L, -1) != LUA_TTABLE) {
        lua_raise(L, "%s: must end with \"return { name = ..., ... }\", and "
                  "returns %s", app->name, lua_type_text(L, -1));
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_KEY_DECLARED);
    lua_check_options(L, -1, app->name, members);
    class_->name = get_text(L, app->name, "name");
    class_->description = get_text(L, app->name, "description");
    class_->options = ((get_bool(L, app->name, "withdraw") ? VMN_APP_WITHDRAW
                        : 0)
                       | (get_bool(L, app->name, "denies") ? VMN_APP_DENIES
                          : 0));
    if (get(L, "flow_owner")) {
        class_->flow_owner = no_owner;
        lua_pop(L, 1);
        check_function(L, app->name, "flow_owner");
    } else {
        lua_pop(L, 1);
    }
    take_array(L, "types", of_type, take_type); /* Units are of them. */
    take_array(L, "stages", of_stage, take_stage);
    take_array(L, "queries", of_query, take_query);
    take_array(L, "units", of_unit, take_unit);
    take_array(L, "id_pools", of_id_pool, take_id_pool);
    take_array(L, "handlers", of_handler, take_handler);
    class_->stages = app->stages;
    class_->queries = app->queries;
    class_->units = app->units;
    class_->id_pools = app->id_pools;
    class_->handlers = app->handlers;
    class_->types = app->types;
    class_->type_size = sizeof *app->types;
    class_->field_size = sizeof *app->fields;
    class_->struct_size = sizeof(struct vmn_struct_class);
}
