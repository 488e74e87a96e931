/* SPDX-License-Identifier: Apache-2.0
 *
 * How scripts emit flows, groups and facts.  What is done to a packet is in
 * lua-actions.c, what it is known by in lua-match.c. */

#include <config.h>

#include "controller/worker/lua/lua-private.h"

#include <string.h>

#include "util.h"

/* Objects.  --------------------------------------------------------------- */

void
lua_open_type(lua_State *L, const char *type, const luaL_Reg *methods)
{
    luaL_newmetatable(L, type);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

void
lua_open_object(lua_State *L, const char *type, const char *key)
{
    lua_newuserdatauv(L, 0, 0);
    luaL_setmetatable(L, type);
    lua_setfield(L, LUA_REGISTRYINDEX, key);
}

/* All of them begin with the computation that they are of. */
void *
lua_take_object(lua_State *L, int index, const char *type, const char *what)
{
    uint64_t *object = luaL_testudata(L, index, type);

    if (!object) {
        lua_raise(L, "%s: must be called with a colon, on a %s, not on %s",
                  what, type, lua_type_text(L, index));
    }
    if (*object != lua_app_of(L)->run->id) {
        lua_raise(L, "%s: the %s is of another computation", what, type);
    }
    return object;
}

void
lua_push_actions(lua_State *L, struct vmn_actions *actions)
{
    struct lua_flow *object = lua_newuserdatauv(L, sizeof *object, 0);

    object->run = lua_app_of(L)->run->id;
    object->actions = actions;
    luaL_setmetatable(L, LUA_FLOW);
}

static struct vmn_emit *
take_emit(lua_State *L, const char *method)
{
    struct lua_run *run = lua_app_of(L)->run;

    if (!luaL_testudata(L, 1, LUA_EMIT) || !run->emit) {
        lua_raise(L, "emit:%s(): call it with a colon, on what a compile "
                  "function was given", method);
    }
    return run->emit;
}

/* Options, of the table at index 2.  -------------------------------------- */

static const char *
text_option(lua_State *L, const char *name, const char *what)
{
    lua_getfield(L, 2, name);
    return lua_take_text(L, -1, what); /* The table keeps it. */
}

/* 'absent' is the value where there is none; below 'min': it must be there. */
static lua_Integer
integer_option(lua_State *L, const char *name, const char *what,
               lua_Integer min, lua_Integer max, lua_Integer absent)
{
    lua_Integer value = absent;

    if (lua_getfield(L, 2, name) != LUA_TNIL || absent < min) {
        value = lua_take_integer(L, -1, what, min, max);
    }
    lua_pop(L, 1);
    return value;
}

/* "all", or a table that names a host, network, domain, or a relation and its
 * key. */
static struct vmn_scope
scope_option(lua_State *L, const char *what)
{
    static const char *const names[] = { "host", "network", "domain",
                                         "relation", "key", NULL };
    const char *values[ARRAY_SIZE(names)] = { NULL };
    unsigned n = 0;

    if (lua_getfield(L, 2, "scope") == LUA_TSTRING
        && !strcmp(lua_tostring(L, -1), "all")) {
        return vmn_scope_all();
    }
    if (lua_type(L, -1) != LUA_TTABLE) {
        lua_raise(L, "%s: scope must be \"all\" or a table such as { network "
                  "= NAME }, not %s", what, lua_type_text(L, -1));
    }
    lua_check_options(L, -1, what, names);
    for (size_t i = 0; names[i]; i++) {
        if (lua_getfield(L, -1, names[i]) != LUA_TNIL) {
            char member[64];

            snprintf(member, sizeof member, "%s: scope.%s", what, names[i]);
            values[i] = lua_take_text(L, -1, member);
            n++;
        }
        lua_pop(L, 1);
    }
    if (values[3] && values[4] && n == 2) {
        return vmn_scope_relation(values[3], values[4]);
    }
    if (n != 1 || values[3] || values[4]) {
        lua_raise(L, "%s: scope must have one of host, network and domain, or "
                  "relation and key", what);
    }
    return (values[0] ? vmn_scope_host(values[0])
            : values[1] ? vmn_scope_network(values[1])
            : vmn_scope_domain(values[2]));
}

static unsigned
stage_option(lua_State *L, const char *what)
{
    unsigned stage;

    lua_getfield(L, 2, "stage");
    stage = lua_take_stage(L, -1, what);
    lua_pop(L, 1);
    return stage;
}

/* What a flow's "count" and "log" say. */
static void
take_counting(lua_State *L, struct vmn_flow *flow)
{
    if (lua_getfield(L, 2, "count") == LUA_TNUMBER) {
        vmn_flow_count_part(flow, lua_take_integer(
            L, -1, "emit:flow(): count", 1, UINT32_MAX));
    } else if (!lua_isnil(L, -1)
               && lua_take_bool(L, -1, "emit:flow(): count")) {
        vmn_flow_count(flow);
    }
    if (lua_getfield(L, 2, "log") != LUA_TNIL
        && lua_take_bool(L, -1, "emit:flow(): log")) {
        vmn_flow_log(flow);
    }
    lua_pop(L, 2);
}

static int
emit_flow(lua_State *L)
{
    static const char *const names[] = { "scope", "stage", "table",
                                         "priority", "match", "count", "log",
                                         NULL };
    struct vmn_emit *emit = take_emit(L, "flow");
    struct vmn_flow *flow;
    unsigned stage, table;
    uint16_t priority;

    lua_settop(L, 2);
    lua_check_options(L, 2, "emit:flow()", names);
    stage = stage_option(L, "emit:flow(): stage");
    table = integer_option(L, "table", "emit:flow(): table", 0, 255, 0);
    priority = integer_option(L, "priority", "emit:flow(): priority", 1,
                              UINT16_MAX, 0);
    flow = vmn_flow_add(emit, scope_option(L, "emit:flow()"), stage, table,
                        priority);
    if (lua_getfield(L, 2, "match") != LUA_TNIL) {
        lua_match(L, -1, flow);
    }
    lua_pop(L, 2);
    take_counting(L, flow);
    lua_push_actions(L, vmn_flow_actions(flow));
    return 1;
}

static int
emit_group(lua_State *L)
{
    static const char *const names[] = { "scope", "type", "key",
                                         "hash_client", NULL };
    struct vmn_emit *emit = take_emit(L, "group");
    struct lua_group *object;
    enum vmn_group_type type;
    struct vmn_scope scope;
    const char *key;

    lua_settop(L, 2);
    lua_check_options(L, 2, "emit:group()", names);
    scope = scope_option(L, "emit:group()");
    key = text_option(L, "key", "emit:group(): key");
    lua_getfield(L, 2, "type");
    type = lua_take_name(L, -1, "emit:group(): type", lua_group_types);
    object = lua_newuserdatauv(L, sizeof *object, 0);
    object->run = lua_app_of(L)->run->id;
    object->group = vmn_group_add(emit, scope, type, key);
    luaL_setmetatable(L, LUA_GROUP);
    if (lua_getfield(L, 2, "hash_client") != LUA_TNIL) {
        vmn_group_hash_client(object->group, lua_take_integer(
            L, -1, "emit:group(): hash_client", 4, 6));
    }
    lua_pop(L, 1);
    return 1;
}

static int
group_bucket(lua_State *L)
{
    static const char *const names[] = { "id", "weight", "count", "watch",
                                         NULL };
    struct lua_group *object = lua_take_object(L, 1, LUA_GROUP,
                                               "group:bucket()");
    struct vmn_actions *bucket;
    uint32_t id, part, watch;
    uint16_t weight;

    lua_settop(L, 2);
    lua_check_options(L, 2, "group:bucket()", names);
    id = integer_option(L, "id", "group:bucket(): id", 0, UINT32_MAX, -1);
    weight = integer_option(L, "weight", "group:bucket(): weight", 0,
                            UINT16_MAX, 1);
    part = integer_option(L, "count", "group:bucket(): count", 0, UINT32_MAX,
                          0);
    watch = integer_option(L, "watch", "group:bucket(): watch", 0, UINT32_MAX,
                           0);
    bucket = vmn_bucket_add(object->group, id, weight);
    if (part) {
        vmn_bucket_count_part(bucket, part);
    }
    if (watch) {
        vmn_bucket_watch(bucket, watch);
    }
    lua_push_actions(L, bucket);
    return 1;
}

static int
emit_publish(lua_State *L)
{
    struct vmn_emit *emit = take_emit(L, "publish");
    const char *relation = lua_take_text(L, 2,
                                         "emit:publish(): the relation");
    const char *key = lua_take_text(L, 3, "emit:publish(): the key");

    vmn_publish(emit, relation, key,
                lua_take_text(L, 4, "emit:publish(): the value"));
    return 0;
}

static int
emit_fail(lua_State *L)
{
    struct vmn_emit *emit = take_emit(L, "fail");

    vmn_fail(emit, "%s", lua_take_text(L, 2, "emit:fail(): the reason"));
    return 0;
}

/* claim(network, address or prefix or MAC) */
static int
emit_claim(lua_State *L)
{
    struct vmn_emit *emit = take_emit(L, "claim");
    struct vmn_view *view = lua_app_of(L)->run->view;
    const char *network = lua_take_text(L, 2, "emit:claim(): the network");
    const char *address = lua_take_text(L, 3, "emit:claim(): the address");

    if (strlen(address) == 17 && !strchr(address, '/')
        && address[2] == ':' && address[5] == ':') {
        vmn_claim_mac(view, emit, network,
                      lua_take_mac(L, 3, "emit:claim(): the address"));
    } else {
        struct vmn_prefix prefix = lua_take_prefix(
            L, 3, "emit:claim(): the address");

        vmn_claim_prefix(view, emit, network, &prefix);
    }
    return 0;
}

static int
emit_arp_nd_respond(lua_State *L)
{
    static const char *const names[] = { "scope", "stage", "table",
                                         "priority", "vni", "mac", "ip",
                                         "handler", "arg", NULL };
    const char *what = "emit:arp_nd_respond()";
    struct vmn_emit *emit = take_emit(L, "arp_nd_respond");
    struct vmn_arp_nd_responder by;
    struct vmn_ip ip;

    lua_settop(L, 2);
    lua_check_options(L, 2, what, names);
    by.stage = stage_option(L, "emit:arp_nd_respond(): stage");
    by.table = integer_option(L, "table", "emit:arp_nd_respond(): table", 0,
                              255, 0);
    by.priority = integer_option(
        L, "priority", "emit:arp_nd_respond(): priority", 1, UINT16_MAX, 0);
    by.vni = integer_option(L, "vni", "emit:arp_nd_respond(): vni", 1,
                            0xffffff, 0);
    by.arg = integer_option(L, "arg", "emit:arp_nd_respond(): arg", 0,
                            UINT32_MAX, 0);
    by.scope = scope_option(L, what);
    lua_getfield(L, 2, "mac");
    by.mac = lua_take_mac(L, -1, "emit:arp_nd_respond(): mac");
    lua_getfield(L, 2, "ip");
    ip = lua_take_ip(L, -1, "emit:arp_nd_respond(): ip");
    lua_getfield(L, 2, "handler");
    by.handler = lua_take_handler(L, -1, "emit:arp_nd_respond(): handler");
    vmn_arp_nd_respond(emit, &by, &ip);
    return 0;
}

void
lua_emit_open(lua_State *L)
{
    static const luaL_Reg of_emit[] = {
        { "flow", emit_flow },
        { "group", emit_group },
        { "publish", emit_publish },
        { "fail", emit_fail },
        { "claim", emit_claim },
        { "arp_nd_respond", emit_arp_nd_respond },
        { NULL, NULL },
    };
    static const luaL_Reg of_group[] = {
        { "bucket", group_bucket },
        { NULL, NULL },
    };

    lua_open_type(L, LUA_EMIT, of_emit);
    lua_open_object(L, LUA_EMIT, LUA_KEY_EMIT);
    lua_open_type(L, LUA_GROUP, of_group);
    lua_newtable(L);
    for (int i = 0; lua_fields[i].name; i++) {
        lua_pushinteger(L, i);
        lua_setfield(L, -2, lua_fields[i].name);
    }
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_KEY_FIELDS);
}
