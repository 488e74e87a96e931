/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting for scripts: the same order each time and everywhere.  Lua's own
 * table.sort() may ask a clock which element to begin with, and its next()
 * goes by hashes, which have an address in them. */

#include <config.h>

#include "controller/worker/lua/lua-private.h"

#include <string.h>

#include "util.h"

/* Indexes of what sort_part() has on the stack, of which the first is the
 * elements and the second the order, or nil. */
enum { ELEMENTS = 1, ORDER = 2, SCRATCH = 3 };

typedef bool less_fn(lua_State *, int a, int b);

/* By the script's function, or by "<". */
static bool
is_less(lua_State *L, int a, int b)
{
    bool less;

    if (lua_isnil(L, ORDER)) {
        return lua_compare(L, a, b, LUA_OPLT);
    }
    a = lua_absindex(L, a);
    b = lua_absindex(L, b);
    lua_pushvalue(L, ORDER);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    lua_call(L, 2, 1);
    less = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return less;
}

/* Keys: booleans, then numbers, then texts by their bytes. */
static bool
is_key_less(lua_State *L, int a, int b)
{
    int type_a = lua_type(L, a), type_b = lua_type(L, b);

    if (type_a != type_b) {
        return type_a < type_b;
    }
    if (type_a == LUA_TBOOLEAN) {
        return lua_toboolean(L, a) < lua_toboolean(L, b);
    }
    if (type_a == LUA_TSTRING) {
        size_t size_a, size_b;
        const char *text_a = lua_tolstring(L, a, &size_a);
        const char *text_b = lua_tolstring(L, b, &size_b);
        int order = memcmp(text_a, text_b, MIN(size_a, size_b));

        return order ? order < 0 : size_a < size_b;
    }
    return lua_compare(L, a, b, LUA_OPLT);
}

/* Merges elements 'from' to 'middle' - 1 and 'middle' to 'end' - 1, each of
 * them sorted, by way of the scratch table. */
static void
merge(lua_State *L, lua_Integer from, lua_Integer middle, lua_Integer end,
      less_fn *less)
{
    lua_Integer a = from, b = middle;

    for (lua_Integer i = from; i < end; i++) {
        bool second = a >= middle;

        if (!second && b < end) {
            lua_rawgeti(L, ELEMENTS, b);
            lua_rawgeti(L, ELEMENTS, a);
            second = less(L, -2, -1);
            lua_pop(L, 2);
        }
        lua_rawgeti(L, ELEMENTS, second ? b++ : a++);
        lua_rawseti(L, SCRATCH, i);
    }
    for (lua_Integer i = from; i < end; i++) {
        lua_rawgeti(L, SCRATCH, i);
        lua_rawseti(L, ELEMENTS, i);
    }
}

/* Sorts the elements 1 to 'n'; equal ones stay in their order. */
static void
sort(lua_State *L, lua_Integer n, less_fn *less)
{
    for (lua_Integer width = 1; width < n; width *= 2) {
        for (lua_Integer from = 1; from + width <= n; from += 2 * width) {
            merge(L, from, from + width, MIN(from + 2 * width, n + 1), less);
        }
    }
}

/* sort(elements [, is_less]) */
int
lua_sort(lua_State *L)
{
    lua_Integer n;

    luaL_checktype(L, 1, LUA_TTABLE);
    if (!lua_isnoneornil(L, 2)) {
        luaL_checktype(L, 2, LUA_TFUNCTION);
    }
    lua_settop(L, 2);
    n = luaL_len(L, ELEMENTS);
    if (n > 0) {
        /* Of what is constant this is the error. */
        lua_geti(L, ELEMENTS, 1);
        lua_seti(L, ELEMENTS, 1);
    }
    lua_newtable(L);
    sort(L, n, is_less);
    return 0;
}

/* Takes a table; returns a sequence of its keys, sorted. */
int
lua_sort_keys(lua_State *L)
{
    lua_Integer n = 0;

    lua_settop(L, 1);
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        int type = lua_type(L, -2);

        if (type != LUA_TBOOLEAN && type != LUA_TNUMBER
            && type != LUA_TSTRING) {
            lua_raise(L, "pairs(): a table with %s as a key has no "
                      "order", lua_type_text(L, -2));
        }
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, 2, ++n);
    }
    lua_remove(L, 1);
    lua_pushnil(L);
    lua_newtable(L);
    sort(L, n, is_key_less);
    lua_settop(L, 1);
    return 1;
}
