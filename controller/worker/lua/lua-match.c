/* SPDX-License-Identifier: Apache-2.0
 *
 * Matches of flows, as scripts write them: a table of values by fields.  They
 * are added in the order of lua_fields, which says of which family a packet is
 * first. */

#include <config.h>

#include "controller/worker/lua/lua-private.h"

#include <ctype.h>
#include <string.h>

#include "util.h"

#define N_FIELDS_MAX 128

/* Takes "+trk+new-inv": '*mask' has the bits that are named, '*value' those
 * with a plus. */
static void
take_ct_state(lua_State *L, const char *text, uint64_t *value, uint64_t *mask)
{
    *value = *mask = 0;
    for (const char *p = text; *p; ) {
        const struct lua_name *n = lua_ct_bits;
        size_t len = strcspn(p + 1, "+-");

        while (n->name && (strlen(n->name) != len
                           || memcmp(n->name, p + 1, len))) {
            n++;
        }
        if (!n->name || (*p != '+' && *p != '-')) {
            lua_raise(L, "match of ct_state must be like \"+trk+new-inv\", "
                      "not \"%.64s\"", text);
        }
        *mask |= n->value;
        *value |= *p == '+' ? n->value : 0;
        p += 1 + len;
    }
}

uint64_t
lua_take_bits(lua_State *L, int index, const struct lua_field *field,
              const char *what)
{
    if (lua_type(L, index) == LUA_TSTRING && field->kind == LUA_VALUE_MAC) {
        struct vmn_mac mac = lua_take_mac(L, index, what);
        uint64_t bits = 0;

        for (size_t i = 0; i < sizeof mac.ea; i++) {
            bits = bits << 8 | mac.ea[i];
        }
        return bits;
    }
    if (lua_type(L, index) == LUA_TSTRING && field->kind == LUA_VALUE_IPV4) {
        struct vmn_ip ip = lua_take_ip(L, index, what);

        if (ip.family == 4) {
            return ((uint64_t) ip.addr[0] << 24 | ip.addr[1] << 16
                    | ip.addr[2] << 8 | ip.addr[3]);
        }
    }
    return lua_take_integer(L, index, what, 0, INT64_MAX);
}

/* { value, mask }, or { value, low_bits = n }, on top of the stack. */
static void
match_part(lua_State *L, struct vmn_flow *flow, const struct lua_field *field,
           const char *what)
{
    uint64_t value;

    lua_geti(L, -1, 1);
    value = lua_take_bits(L, -1, field, what);
    lua_pop(L, 1);
    if (lua_getfield(L, -1, "low_bits") != LUA_TNIL) {
        vmn_match_low_bits(flow, field->field, value,
                           lua_take_integer(L, -1, "low_bits", 0, 32));
        lua_pop(L, 1);
        return;
    }
    lua_pop(L, 1);
    lua_geti(L, -1, 2);
    vmn_match_masked(flow, field->field, value,
                     lua_take_bits(L, -1, field, what));
    lua_pop(L, 1);
}

static void
match_prefix(lua_State *L, struct vmn_flow *flow,
             const struct lua_field *field, const char *what)
{
    struct vmn_prefix prefix = lua_take_prefix(L, -1, what);
    bool v6 = prefix.ip.family == 6;
    enum vmn_field which = (v6 && field->kind == LUA_VALUE_IP
                            ? field->ipv6 : field->field);

    if (field->kind != LUA_VALUE_IP && v6 != (field->kind == LUA_VALUE_IPV6))
    {
        lua_raise(L, "%s: %s takes no IPv%d address", what, field->name,
                  prefix.ip.family);
    }
    if (prefix.len == vmn_ip_bits(&prefix.ip)) {
        vmn_match_ip(flow, which, &prefix.ip);
    } else {
        vmn_match_prefix(flow, which, &prefix);
    }
}

/* Matches the value on top of the stack. */
static void
match_field(lua_State *L, struct vmn_flow *flow, const struct lua_field *field)
{
    bool is_text = lua_type(L, -1) == LUA_TSTRING;
    uint64_t value, mask;
    char what[80];

    snprintf(what, sizeof what, "match of %s", field->name);
    if (lua_type(L, -1) == LUA_TTABLE) {
        match_part(L, flow, field, what);
    } else if (is_text && field->kind == LUA_VALUE_CT_STATE) {
        take_ct_state(L, lua_take_text(L, -1, what), &value, &mask);
        vmn_match_masked(flow, field->field, value, mask);
    } else if (is_text && field->kind == LUA_VALUE_MAC) {
        vmn_match_mac(flow, field->field, lua_take_mac(L, -1, what));
    } else if (field->kind == LUA_VALUE_IP || field->kind == LUA_VALUE_IPV6
               || (is_text && field->kind == LUA_VALUE_IPV4)) {
        match_prefix(L, flow, field, what);
    } else {
        vmn_match(flow, field->field, lua_take_bits(L, -1, field, what));
    }
}

void
lua_match(lua_State *L, int index, struct vmn_flow *flow)
{
    struct lua_wrong_key wrong = { .exists = false };
    bool present[N_FIELDS_MAX] = { false };

    index = lua_absindex(L, index);
    if (lua_type(L, index) != LUA_TTABLE) {
        lua_raise(L, "match must be a table, not %s",
                  lua_type_text(L, index));
    }
    lua_unfreeze(L, index);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        const struct lua_field *field = lua_find_field(L, -2);

        if (field) {
            present[field - lua_fields] = true;
        } else {
            lua_add_wrong_key(L, -2, &wrong);
        }
        lua_pop(L, 1);
    }
    lua_raise_wrong_key(L, &wrong, "match", lua_field_candidate, NULL);
    for (size_t i = 0; lua_fields[i].name; i++) {
        if (present[i]) {
            lua_getfield(L, index, lua_fields[i].name);
            match_field(L, flow, &lua_fields[i]);
            lua_pop(L, 1);
        }
    }
}
