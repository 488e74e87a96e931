/* SPDX-License-Identifier: Apache-2.0
 *
 * What scripts have done to packets: the methods of flows and buckets, each of
 * which calls the function "vmn_act_" and its name, and returns what it was
 * called on.  "goto" is a word of Lua's, so that one is goto_table(). */

#include <config.h>

#include "controller/worker/lua/lua-private.h"

#include "util.h"

static struct vmn_actions *
take_actions(lua_State *L, const char *what)
{
    return ((struct lua_flow *) lua_take_object(L, 1, LUA_FLOW, what))
           ->actions;
}

/* Ends a method. */
static int
chain(lua_State *L)
{
    lua_settop(L, 1);
    return 1;
}

static uint32_t
take_u32(lua_State *L, int index, const char *what)
{
    return lua_take_integer(L, index, what, 0, UINT32_MAX);
}

/* A field that is of one family. */
static enum vmn_field
take_one_field(lua_State *L, int index, const char *what)
{
    const struct lua_field *field = lua_take_field(L, index, what);

    if (field->kind == LUA_VALUE_IP) {
        lua_raise(L, "%s: %s is of either family here: name the one that is "
                  "meant", what, field->name);
    }
    return field->field;
}

#define PLAIN_ACTION(NAME)                                      \
    static int                                                  \
    NAME(lua_State *L)                                          \
    {                                                           \
        vmn_act_##NAME(take_actions(L, "flow:" #NAME "()"));    \
        return chain(L);                                        \
    }
PLAIN_ACTION(dec_ttl)
PLAIN_ACTION(output_in_port)
PLAIN_ACTION(clear_in_port)
PLAIN_ACTION(next)
PLAIN_ACTION(resubmit_next)
PLAIN_ACTION(clone_next)
PLAIN_ACTION(pop_queue)
PLAIN_ACTION(restart)
PLAIN_ACTION(find_neighbour)
PLAIN_ACTION(find_mac)
PLAIN_ACTION(find_client)
PLAIN_ACTION(find_holder)
PLAIN_ACTION(find_member)

/* Actions with arguments, which are taken in any order. */
#define U16(INDEX) lua_take_integer(L, INDEX, what, 0, UINT16_MAX)
#define U32(INDEX) take_u32(L, INDEX, what)
#define FIELD(INDEX) take_one_field(L, INDEX, what)
#define TEXT(INDEX) lua_take_text(L, INDEX, what)
#define ACTION(NAME, ...)                                       \
    static int                                                  \
    NAME(lua_State *L)                                          \
    {                                                           \
        const char *what = "flow:" #NAME "()";                  \
        struct vmn_actions *a = take_actions(L, what);          \
                                                                \
        vmn_act_##NAME(a, __VA_ARGS__);                         \
        return chain(L);                                        \
    }
ACTION(output, U32(2))
ACTION(output_field, FIELD(2))
ACTION(group, ((struct lua_group *) lua_take_object(L, 2, LUA_GROUP, what))
              ->group)
ACTION(group_id, U32(2))
ACTION(check_size, U32(2))
ACTION(set_queue, U32(2))
ACTION(move, FIELD(2), FIELD(3))
ACTION(swap, FIELD(2), FIELD(3))
ACTION(move_bits, FIELD(2), U32(3), FIELD(4), U32(5), U32(6))
ACTION(drop, lua_take_text(L, 2, "flow:drop(): the reason"))
ACTION(drop_background, lua_take_text(
    L, 2, "flow:drop_background(): the reason"))
ACTION(goto_hook, lua_take_name(L, 2, what, lua_hooks))
ACTION(learn_mac, U32(2))
ACTION(learn_holder, U32(2))
ACTION(learn_neighbour, lua_take_name(L, 2, what, lua_neighbours))
ACTION(learn_connection, U16(2), lua_take_integer(L, 3, what, 0, UINT8_MAX))
ACTION(count_pair, U16(2), lua_toboolean(L, 3))
ACTION(hash_client, U16(2), FIELD(3), U32(4))
ACTION(hash_connection, U16(2), FIELD(3), U32(4))
ACTION(limit, TEXT(2), U32(3), U32(4))
ACTION(limit_kbps, TEXT(2), U32(3), U32(4))
ACTION(conjunction, U32(2), U32(3), U32(4))

/* (stage [, table]) */
#define TABLE_ACTION(FUNCTION, NAME)                            \
    static int                                                  \
    FUNCTION(lua_State *L)                                      \
    {                                                           \
        const char *what = "flow:" #FUNCTION "()";              \
        struct vmn_actions *a = take_actions(L, what);          \
        unsigned stage = lua_take_stage(L, 2, what);            \
                                                                \
        vmn_act_##NAME(a, stage, lua_isnoneornil(L, 3) ? 0      \
                       : lua_take_integer(L, 3, what, 0, 255)); \
        return chain(L);                                        \
    }
TABLE_ACTION(goto_table, goto)
TABLE_ACTION(resubmit, resubmit)
TABLE_ACTION(clone, clone)
TABLE_ACTION(jump, jump)

/* send_to_port(network, port); returns false, and not the flow, if nothing can
 * be sent there. */
static int
send_to_port(lua_State *L)
{
    const char *what = "flow:send_to_port()";
    struct vmn_actions *a = take_actions(L, what);
    const char *network = lua_take_text(L, 2, what);

    lua_pushboolean(L, vmn_act_send_to_port(
        lua_app_of(L)->run->view, a, network, lua_take_text(L, 3, what)));
    return 1;
}

/* hand_to_port(port); returns false, and not the flow, if nothing can be
 * handed there. */
static int
hand_to_port(lua_State *L)
{
    const char *what = "flow:hand_to_port()";
    struct vmn_actions *a = take_actions(L, what);

    lua_pushboolean(L, vmn_act_hand_to_port(
        lua_app_of(L)->run->view, a, lua_take_text(L, 2, what)));
    return 1;
}

/* set(field, value [, mask]) */
static int
set(lua_State *L)
{
    const char *what = "flow:set()";
    struct vmn_actions *a = take_actions(L, what);
    const struct lua_field *field = lua_take_field(L, 2, what);
    bool is_text = lua_type(L, 3) == LUA_TSTRING;

    if (!lua_isnoneornil(L, 4)) {
        uint64_t value = lua_take_bits(L, 3, field, "flow:set(): the value");

        vmn_act_set_masked(a, field->field, value, lua_take_bits(
            L, 4, field, "flow:set(): the mask"));
    } else if (is_text && field->kind == LUA_VALUE_MAC) {
        vmn_act_set_mac(a, field->field, lua_take_mac(L, 3, what));
    } else if (field->kind == LUA_VALUE_IP || field->kind == LUA_VALUE_IPV6
               || (is_text && field->kind == LUA_VALUE_IPV4)) {
        struct vmn_ip ip = lua_take_ip(L, 3, what);

        vmn_act_set_ip(a, field->kind == LUA_VALUE_IP && ip.family == 6
                       ? field->ipv6 : field->field, &ip);
    } else {
        vmn_act_set(a, field->field, lua_take_bits(
            L, 3, field, "flow:set(): the value"));
    }
    return chain(L);
}

/* arp_reply(mac, ip) */
static int
arp_reply(lua_State *L)
{
    const char *what = "flow:arp_reply()";
    struct vmn_actions *a = take_actions(L, what);
    struct vmn_mac mac = lua_take_mac(L, 2, what);
    struct vmn_ip ip = lua_take_ip(L, 3, what);

    vmn_act_arp_reply(a, mac, &ip);
    return chain(L);
}

/* punt(handler [, arg [, max_size]]) */
static int
punt(lua_State *L)
{
    const char *what = "flow:punt()";
    struct vmn_actions *a = take_actions(L, what);
    unsigned handler = lua_take_handler(L, 2, what);
    uint32_t arg = lua_isnoneornil(L, 3) ? 0 : take_u32(L, 3, what);

    vmn_act_punt(a, handler, arg, lua_isnoneornil(L, 4) ? VMN_PUNT_ALL
                 : lua_take_integer(L, 4, what, 0, UINT16_MAX));
    return chain(L);
}

/* learn_client(eth_type, idle_s, from) */
static int
learn_client(lua_State *L)
{
    const char *what = "flow:learn_client()";
    struct vmn_actions *a = take_actions(L, what);
    struct vmn_client client = {
        .eth_type = lua_take_integer(L, 2, what, 0, UINT16_MAX),
        .idle_s = lua_take_integer(L, 3, what, 1, UINT16_MAX),
        .from = take_one_field(L, 4, what),
    };

    vmn_act_learn_client(a, &client);
    return chain(L);
}

static int
learn_as(lua_State *L, const char *what,
         void (*learn)(struct vmn_actions *, const struct vmn_member *))
{
    struct vmn_actions *a = take_actions(L, what);
    struct vmn_member member = {
        .eth_type = lua_take_integer(L, 2, what, 0, UINT16_MAX),
        .hard_s = lua_take_integer(L, 3, what, 1, UINT16_MAX),
        .from = take_one_field(L, 4, what),
        .limit = lua_take_integer(L, 5, what, 1, VMN_MEMBERS_MAX),
    };

    learn(a, &member);
    return chain(L);
}

/* learn_member(eth_type, hard_s, from, limit) */
static int
learn_member(lua_State *L)
{
    return learn_as(L, "flow:learn_member()", vmn_act_learn_member);
}

/* learn_source(eth_type, hard_s, from, limit) */
static int
learn_source(lua_State *L)
{
    return learn_as(L, "flow:learn_source()", vmn_act_learn_source);
}

/* Connection tracking: a table of what struct vmn_ct has.  ---------------- */

static bool
ct_has(lua_State *L, const char *name)
{
    lua_settop(L, 2);
    return lua_getfield(L, 2, name) != LUA_TNIL;
}

/* Returns what a member is called. */
static const char *
ct_what(const char *name, char what[64])
{
    snprintf(what, 64, "flow:ct(): %s", name);
    return what;
}

static bool
ct_bool(lua_State *L, const char *name)
{
    char what[64];

    return ct_has(L, name) && lua_take_bool(L, -1, ct_what(name, what));
}

static struct vmn_ip
ct_ip(lua_State *L, const char *name)
{
    char what[64];

    return (ct_has(L, name) ? lua_take_ip(L, -1, ct_what(name, what))
            : (struct vmn_ip) { .family = 0 });
}

static uint32_t
ct_number(lua_State *L, const char *name)
{
    char what[64];

    return (ct_has(L, name) ? lua_take_integer(L, -1, ct_what(name, what), 0,
                                               UINT16_MAX) : 0);
}

static int
ct(lua_State *L)
{
    static const char *const names[] = {
        "commit", "zone", "nat", "dnat", "dnat_port", "snat", "snat_last",
        "snat_first_port", "snat_last_port", "after", "stage", "table",
        "mark_from", NULL };
    const char *what = "flow:ct()";
    struct vmn_actions *a = take_actions(L, what);
    uint16_t first, last;
    struct vmn_ct ct;

    memset(&ct, 0, sizeof ct);
    lua_check_options(L, 2, what, names);
    ct_has(L, "zone");
    ct.zone = take_one_field(L, -1, "flow:ct(): zone");
    ct.commit = ct_bool(L, "commit");
    ct.nat = ct_bool(L, "nat");
    ct.dnat = ct_ip(L, "dnat");
    ct.dnat_port = ct_number(L, "dnat_port");
    ct.snat = ct_ip(L, "snat");
    ct.snat_last = ct_ip(L, "snat_last");
    if (ct_has(L, "after")) {
        ct.then = lua_take_name(L, -1, "flow:ct(): after", lua_ct_thens);
    }
    if (ct_has(L, "stage")) {
        ct.stage = lua_take_stage(L, -1, "flow:ct(): stage");
    }
    ct.table = ct_number(L, "table");
    ct.mark = ct_has(L, "mark_from");
    if (ct.mark) {
        ct.mark_from = take_one_field(L, -1, "flow:ct(): mark_from");
    }
    first = ct_number(L, "snat_first_port");
    last = ct_number(L, "snat_last_port");
    if (first || last) {
        vmn_act_ct_snat_ports(a, &ct, first, last);
    } else {
        vmn_act_ct(a, &ct);
    }
    return chain(L);
}

void
lua_actions_open(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "set", set },
        { "move", move },
        { "move_bits", move_bits },
        { "swap", swap },
        { "dec_ttl", dec_ttl },
        { "output", output },
        { "output_field", output_field },
        { "output_in_port", output_in_port },
        { "clear_in_port", clear_in_port },
        { "group", group },
        { "group_id", group_id },
        { "next", next },
        { "goto_table", goto_table },
        { "resubmit_next", resubmit_next },
        { "resubmit", resubmit },
        { "clone_next", clone_next },
        { "clone", clone },
        { "jump", jump },
        { "goto_hook", goto_hook },
        { "send_to_port", send_to_port },
        { "hand_to_port", hand_to_port },
        { "set_queue", set_queue },
        { "pop_queue", pop_queue },
        { "restart", restart },
        { "drop", drop },
        { "drop_background", drop_background },
        { "arp_reply", arp_reply },
        { "punt", punt },
        { "count_pair", count_pair },
        { "learn_connection", learn_connection },
        { "learn_neighbour", learn_neighbour },
        { "find_neighbour", find_neighbour },
        { "learn_mac", learn_mac },
        { "find_mac", find_mac },
        { "learn_client", learn_client },
        { "find_client", find_client },
        { "learn_holder", learn_holder },
        { "find_holder", find_holder },
        { "learn_member", learn_member },
        { "learn_source", learn_source },
        { "find_member", find_member },
        { "check_size", check_size },
        { "hash_client", hash_client },
        { "hash_connection", hash_connection },
        { "limit", limit },
        { "limit_kbps", limit_kbps },
        { "ct", ct },
        { "conjunction", conjunction },
        { NULL, NULL },
    };

    lua_open_type(L, LUA_FLOW, methods);
}
