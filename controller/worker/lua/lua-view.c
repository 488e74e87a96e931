/* SPDX-License-Identifier: Apache-2.0
 *
 * How scripts read: the methods of the view that their functions are given,
 * and what the global "vmn" has.  Each calls the function of include/vmn of
 * the same name. */

#include <config.h>

#include "controller/worker/lua/lua-private.h"

#include <string.h>

#include "controller/schema/schema.h"
#include "controller/worker/worker-view.h"
#include "util.h"

/* Returns the view of a method's computation. */
static struct vmn_view *
take_view(lua_State *L, const char *method)
{
    struct lua_run *run = lua_app_of(L)->run;

    if (!luaL_testudata(L, 1, LUA_VIEW) || !run->view) {
        lua_raise(L, "view:%s(): call it with a colon, on the view that the "
                  "function was given", method);
    }
    return run->view;
}

static int
push_names(lua_State *L, struct vmn_names names)
{
    lua_createtable(L, MIN(names.n, INT_MAX), 0);
    for (size_t i = 0; i < names.n; i++) {
        lua_pushstring(L, names.names[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* A reader of each type of rows: the type and the method are upvalues. */
static int
read_row(lua_State *L)
{
    enum vmn_row_type type = lua_tointeger(L, lua_upvalueindex(1));
    const char *method = lua_tostring(L, lua_upvalueindex(2));
    struct vmn_view *view = take_view(L, method);
    char what[80];

    snprintf(what, sizeof what, "view:%s(): the name", method);
    lua_push_row(L, vmn_read(view, type, lua_take_text(L, 2, what)));
    return 1;
}

enum vmn_row_type
lua_take_own_type(lua_State *L, int index, const char *what)
{
    const char *name = lua_take_text(L, index, what);
    int type = lua_own_type(lua_app_of(L), name);

    if (type < 0) {
        lua_raise(L, "%s: \"%.64s\" is none of the app's types", what, name);
    }
    return VMN_ROW_OWN(type);
}

static int
view_object(lua_State *L)
{
    struct vmn_view *view = take_view(L, "object");
    enum vmn_row_type type = lua_take_own_type(L, 2,
                                               "view:object(): the type");

    lua_push_row(L, vmn_read(view, type, lua_take_text(
        L, 3, "view:object(): the name")));
    return 1;
}

static int
view_health(lua_State *L)
{
    struct vmn_view *view = take_view(L, "health");
    const char *lb = lua_take_text(L, 2, "view:health(): the balancer");
    const char *port = lua_take_text(L, 3, "view:health(): the port");
    const struct vmn_health *health = vmn_read_health(view, lb, port);

    lua_push_row(L, health ? &health->row : NULL);
    return 1;
}

static int
view_vif(lua_State *L)
{
    struct vmn_view *view = take_view(L, "vif");
    const char *host = lua_take_text(L, 2, "view:vif(): the host");
    const char *iface_id = lua_take_text(L, 3, "view:vif(): the iface_id");
    const struct vmn_vif *vif = vmn_read_vif(view, host, iface_id);

    lua_push_row(L, vif ? &vif->row : NULL);
    return 1;
}

static int
view_labels(lua_State *L)
{
    struct vmn_view *view = take_view(L, "labels");
    const struct vmn_labels *labels = vmn_labels_of(
        view, lua_take_row(L, 2, "view:labels(): the row"));

    lua_createtable(L, 0, MIN(labels->n, INT_MAX));
    for (size_t i = 0; i < labels->n; i++) {
        lua_pushstring(L, labels->labels[i].value);
        lua_setfield(L, -2, labels->labels[i].key);
    }
    return 1;
}

static int
view_selects(lua_State *L)
{
    struct vmn_view *view = take_view(L, "selects");
    const struct vmn_selector *selector
        = lua_take_selector(L, 2, "view:selects(): the selector");
    const struct vmn_row *row = lua_take_row(L, 3,
                                             "view:selects(): the row");

    lua_pushboolean(L, vmn_selector_matches(selector,
                                            vmn_labels_of(view, row)));
    return 1;
}

static int
view_lookup(lua_State *L)
{
    struct vmn_view *view = take_view(L, "lookup");
    enum vmn_index index = lua_take_name(L, 2, "view:lookup(): the index",
                                         lua_indexes);

    return push_names(L, vmn_lookup(
        view, index, lua_take_text(L, 3, "view:lookup(): the key")));
}

static int
view_relation_values(lua_State *L)
{
    struct vmn_view *view = take_view(L, "relation_values");
    const char *relation = lua_take_text(
        L, 2, "view:relation_values(): the relation");

    return push_names(L, vmn_relation_values(
        view, relation,
        lua_take_text(L, 3, "view:relation_values(): the key")));
}

static int
view_query(lua_State *L)
{
    struct vmn_view *view = take_view(L, "query");
    const char *query = lua_take_text(L, 2, "view:query(): the query");
    const char *key = lua_take_text(L, 3, "view:query(): the key");
    size_t size = 0;
    const void *value = vmn_query(view, query, key, &size);

    if (value) {
        lua_pushlstring(L, value, size);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

static int
view_id_of(lua_State *L)
{
    struct vmn_view *view = take_view(L, "id_of");
    const char *pool = lua_take_text(L, 2, "view:id_of(): the pool");

    lua_pushinteger(L, vmn_id_of(view, pool, lua_take_text(
        L, 3, "view:id_of(): the key")));
    return 1;
}

static int
view_is_past(lua_State *L)
{
    struct vmn_view *view = take_view(L, "is_past");

    lua_pushboolean(L, vmn_is_past(view, lua_take_integer(
        L, 2, "view:is_past(): the time", INT64_MIN, INT64_MAX)));
    return 1;
}

static int
view_time_in_zone(lua_State *L)
{
    struct vmn_view *view = take_view(L, "time_in_zone");
    int64_t local, when;
    const char *zone = (lua_isnoneornil(L, 2) ? NULL
                        : lua_take_text(L, 2, "view:time_in_zone(): the "
                                        "zone"));

    local = lua_take_integer(L, 3, "view:time_in_zone(): the time", INT64_MIN,
                             INT64_MAX);
    if (vmn_time_in_zone(view, zone, local, &when)) {
        lua_pushinteger(L, when);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

#define NAME_METHOD(NAME, WHAT, PUSH)                                   \
    static int                                                          \
    view_##NAME(lua_State *L)                                           \
    {                                                                   \
        struct vmn_view *view = take_view(L, #NAME);                    \
                                                                        \
        PUSH(L, vmn_##NAME(view, lua_take_text(                         \
            L, 2, "view:" #NAME "(): the " WHAT)));                     \
        return 1;                                                       \
    }
NAME_METHOD(domain_of, "network", lua_pushstring)
NAME_METHOD(domain_zone, "domain", lua_pushinteger)
NAME_METHOD(transit_vni, "router", lua_pushinteger)
NAME_METHOD(host_of_port, "port", lua_pushstring)

/* Returns a row of a type, for functions that take its struct. */
static const void *
take_row_of(lua_State *L, int index, enum vmn_row_type type, const char *what)
{
    const struct vmn_row *row = lua_take_row(L, index, what);

    if (schema_tables[row->table]->row_type != type) {
        lua_raise(L, "%s is a %s", what, schema_tables[row->table]->singular);
    }
    return row;
}

static int
view_is_quarantined(lua_State *L)
{
    struct vmn_view *view = take_view(L, "is_quarantined");

    lua_pushboolean(L, vmn_is_quarantined(view, take_row_of(
        L, 2, VMN_ROW_PORT, "view:is_quarantined(): the port")));
    return 1;
}

static int
view_mtu_of(lua_State *L)
{
    struct vmn_view *view = take_view(L, "mtu_of");

    lua_pushinteger(L, vmn_mtu_of(view, take_row_of(
        L, 2, VMN_ROW_NETWORK, "view:mtu_of(): the network")));
    return 1;
}

/* What "vmn" has.  -------------------------------------------------------- */

static int
family(lua_State *L)
{
    lua_pushinteger(L, lua_take_prefix(L, 1, "vmn.family(): the address")
                       .ip.family);
    return 1;
}

static int
prefix_contains(lua_State *L)
{
    struct vmn_prefix prefix = lua_take_prefix(
        L, 1, "vmn.prefix_contains(): the prefix");
    struct vmn_ip ip = lua_take_ip(L, 2,
                                   "vmn.prefix_contains(): the address");

    lua_pushboolean(L, vmn_prefix_contains(&prefix, &ip));
    return 1;
}

static int
link_local(lua_State *L)
{
    struct vmn_ip ip = vmn_link_local(
        lua_take_mac(L, 1, "vmn.link_local(): the address"));

    lua_push_ip(L, &ip);
    return 1;
}

static int
time_from_text(lua_State *L)
{
    int64_t seconds;

    if (vmn_time_from_text(lua_take_text(L, 1, "vmn.time_from_text(): the "
                                         "text"), &seconds)) {
        lua_pushinteger(L, seconds);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

/* Called for members of "vmn" that are not there. */
static int
refuse_constant(lua_State *L)
{
    lua_raise_unknown(L, "vmn", lua_take_text(L, 2, "a member of vmn"),
                      lua_name_candidate, lua_constants);
}

static void
open_vmn(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "family", family },
        { "prefix_contains", prefix_contains },
        { "link_local", link_local },
        { "time_from_text", time_from_text },
        { NULL, NULL },
    };

    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_GLOBALS);
    luaL_newlib(L, functions);
    for (const struct lua_name *n = lua_constants; n->name; n++) {
        lua_pushinteger(L, n->value);
        lua_setfield(L, -2, n->name);
    }
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, refuse_constant);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "vmn");
    lua_pop(L, 1);
}

void
lua_view_open(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "labels", view_labels },
        { "selects", view_selects },
        { "lookup", view_lookup },
        { "relation_values", view_relation_values },
        { "query", view_query },
        { "id_of", view_id_of },
        { "is_past", view_is_past },
        { "time_in_zone", view_time_in_zone },
        { "domain_of", view_domain_of },
        { "domain_zone", view_domain_zone },
        { "transit_vni", view_transit_vni },
        { "host_of_port", view_host_of_port },
        { "is_quarantined", view_is_quarantined },
        { "mtu_of", view_mtu_of },
        { "object", view_object },
        { NULL, NULL },
    };

    open_vmn(L);
    lua_open_type(L, LUA_VIEW, methods);
    lua_open_object(L, LUA_VIEW, LUA_KEY_VIEW);
    luaL_getmetatable(L, LUA_VIEW);
    lua_getfield(L, -1, "__index");
    for (const struct lua_name *n = lua_row_types; n->name; n++) {
        lua_pushinteger(L, n->value);
        lua_pushstring(L, n->name);
        lua_pushcclosure(L, read_row, 2);
        lua_setfield(L, -2, n->name);
    }
    lua_pushcfunction(L, view_health);
    lua_setfield(L, -2, "health");
    lua_pushcfunction(L, view_vif);
    lua_setfield(L, -2, "vif");
    lua_pop(L, 2);
}
