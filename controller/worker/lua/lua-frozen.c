/* SPDX-License-Identifier: Apache-2.0
 *
 * An app keeps no state: all tables that a script has after it was loaded
 * become constant, and locals of the file that have changed after a
 * computation are a mistake.  What a computation makes is its own. */

#include <config.h>

#include "controller/worker/lua/lua-private.h"

#include "util.h"

/* Where the contents of a constant table are in its metatable. */
#define CONTENTS "__index"

static int
refuse_assignment(lua_State *L)
{
    const char *key = (lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2)
                       : "an element");

    lua_raise(L, "assigns to \"%s\" of what was there before: an app "
              "keeps no state", key);
}

static int
length(lua_State *L)
{
    lua_pushinteger(L, lua_rawlen(L, lua_upvalueindex(1)));
    return 1;
}

void
lua_unfreeze(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) {
        return;
    }
    if (lua_getfield(L, -1, CONTENTS) == LUA_TTABLE) {
        lua_replace(L, index);
        lua_pop(L, 1);
    } else {
        lua_pop(L, 2);
    }
}

/* Indexes on the stack of lua_freeze(). */
enum { VISITED = 1, LIST = 2, KEPT = 3 };

/* What pairs() and string.gmatch() return has where it is in its third
 * upvalue; no other function of C that a script gets has as many. */
#define ITERATOR_UPVALUE 3

/* Puts the value on top on the list of what is to be looked at, unless it was,
 * or holds nothing; pops it. */
static void
add(lua_State *L)
{
    int type = lua_type(L, -1);

    if (lua_iscfunction(L, -1) && lua_getupvalue(L, -1, ITERATOR_UPVALUE)) {
        lua_raise(L, "keeps what pairs() or string.gmatch() has returned: an "
                  "app keeps no state");
    }
    if (type == LUA_TTABLE
        || (type == LUA_TFUNCTION && !lua_iscfunction(L, -1))) {
        lua_pushvalue(L, -1);
        if (lua_rawget(L, VISITED) == LUA_TNIL) {
            lua_pop(L, 1);
            lua_pushvalue(L, -1);
            lua_pushboolean(L, true);
            lua_rawset(L, VISITED);
            lua_rawseti(L, LIST, lua_rawlen(L, LIST) + 1);
            return;
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* Moves what the table at 'table' has, whose values are added, into another
 * one behind it. */
static void
freeze_table(lua_State *L, int table)
{
    bool has_metatable = lua_getmetatable(L, table);

    if (has_metatable) {        /* Of the globals. */
        lua_pop(L, 1);
    }
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pushvalue(L, -1);
        add(L);
        lua_pushvalue(L, -2);
        lua_insert(L, -2);      /* Contents, key, key, value. */
        lua_rawset(L, -4);
    }
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, table);
    }
    if (has_metatable) {
        lua_getmetatable(L, table);
        lua_setmetatable(L, -2);
    }
    lua_createtable(L, 0, 3);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, length, 1);
    lua_setfield(L, -2, "__len");
    lua_pushcfunction(L, refuse_assignment);
    lua_setfield(L, -2, "__newindex");
    lua_insert(L, -2);
    lua_setfield(L, -2, CONTENTS);
    lua_setmetatable(L, table);
}

/* Writes down the locals that a function has from outside. */
static void
keep_locals(lua_State *L, int function)
{
    for (int i = 1; lua_getupvalue(L, function, i); i++) {
        void *local = lua_upvalueid(L, function, i);

        lua_pushvalue(L, -1);
        add(L);
        if (lua_rawgetp(L, VISITED, local) == LUA_TNIL
            && lua_rawequal(L, -2, -2)) {
            lua_pushboolean(L, true);
            lua_rawsetp(L, VISITED, local);
            lua_createtable(L, 3, 0);
            lua_pushvalue(L, function);
            lua_rawseti(L, -2, 1);
            lua_pushinteger(L, i);
            lua_rawseti(L, -2, 2);
            lua_pushvalue(L, -3);
            lua_rawseti(L, -2, 3);
            lua_rawseti(L, KEPT, lua_rawlen(L, KEPT) + 1);
        }
        lua_pop(L, 2);
    }
}

/* Called by load(), which has nothing on the stack that it needs. */
void
lua_freeze(lua_State *L)
{
    lua_settop(L, 0);
    lua_newtable(L);
    lua_newtable(L);
    lua_newtable(L);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_GLOBALS);
    add(L);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_DECLARED);
    add(L);
    for (lua_Unsigned i = 1; i <= lua_rawlen(L, LIST); i++) {
        lua_rawgeti(L, LIST, i);
        if (lua_type(L, -1) == LUA_TTABLE) {
            freeze_table(L, lua_absindex(L, -1));
        } else {
            keep_locals(L, lua_absindex(L, -1));
        }
        lua_settop(L, KEPT);
    }
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_KEY_KEPT);
    lua_settop(L, 0);
}

bool
lua_has_kept(lua_State *L)
{
    const char *changed = NULL;
    lua_Unsigned n;

    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_KEPT);
    n = lua_rawlen(L, -1);
    for (lua_Unsigned i = 1; i <= n; i++) {
        const char *name;
        int which;

        lua_rawgeti(L, -1, i);
        lua_rawgeti(L, -1, 2);
        which = lua_tointeger(L, -1);
        lua_rawgeti(L, -2, 1);
        name = lua_getupvalue(L, -1, which);
        lua_rawgeti(L, -4, 3);
        if (name && !lua_rawequal(L, -1, -2)) {
            changed = changed ? changed : name;
            lua_pushvalue(L, -1);
            lua_setupvalue(L, -4, which);
        }
        lua_pop(L, 5);
    }
    lua_pop(L, 1);
    if (changed) {
        lua_pushfstring(L, "%s: has changed the local \"%s\" of the file: an "
                        "app keeps no state", lua_app_of(L)->name, changed);
    }
    return changed != NULL;
}
