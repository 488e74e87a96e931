/* SPDX-License-Identifier: Apache-2.0
 *
 * What a script declares, as struct vmn_app_class.  Here it is seen to that
 * it is of the right types; whether names, numbers and tables fit is checked
 * by vmnd, as it is of any app. */

#include <config.h>

#include "controller/worker/lua/lua-private.h"

#include <stdio.h>
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

static lua_Integer
get_integer(lua_State *L, const char *element, const char *name,
            lua_Integer value)
{
    char what[160];

    if (get(L, name)) {
        value = lua_take_integer(L, -1, describe(what, sizeof what, element,
                                                 name),
                                 INT32_MIN, UINT32_MAX);
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
    stage->order = get_integer(L, element, "order", 0);
    stage->n_tables = get_integer(L, element, "n_tables", 1);
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
        unit->row_type = lua_take_name(L, -1, what, lua_row_types);
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
    pool->max = get_integer(L, element, "max", 0);
}

static void
take_handler(lua_State *L, const char *element, size_t i)
{
    struct vmn_handler_class *handler = &lua_app_of(L)->handlers[i];

    handler->name = get_text(L, element, "name");
    handler->handle = no_handle;
    handler->interval_s = get_integer(L, element, "interval_s", 0);
    handler->provider_ports = get_bool(L, element, "provider_ports");
    handler->asks_neighbours = get_bool(L, element, "asks_neighbours");
    check_function(L, element, "handle");
}

void
lua_class_take(lua_State *L)
{
    static const char *const members[] = {
        "name", "description", "stages", "queries", "units", "id_pools",
        "handlers", "withdraw", NULL };
    static const char *const of_stage[] = {
        "name", "hook", "order", "n_tables", "miss", "prefixes", "scratch",
        "keeps", NULL };
    static const char *const of_query[] = { "name", "eval", NULL };
    static const char *const of_unit[] = { "name", "each", "compile", NULL };
    static const char *const of_id_pool[] = { "name", "max", NULL };
    static const char *const of_handler[] = {
        "name", "handle", "interval_s", "provider_ports", "asks_neighbours",
        NULL };
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
    class_->options = (get_bool(L, app->name, "withdraw") ? VMN_APP_WITHDRAW
                       : 0);
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
}
