/* SPDX-License-Identifier: Apache-2.0
 *
 * What a script has of Lua's libraries: what only computes, gives the same
 * each time, and keeps nothing.  For all else it is told why not. */

#include <config.h>

#include "controller/worker/lua/lua-private.h"

#include <lualib.h>
#include <string.h>

#include "controller/worker/worker-main.h"
#include "util.h"

/* Globals that scripts do not have, and why. */
static const struct {
    const char *name;
    const char *why;
} forbidden[] = {
    { "os", "an app has no operating system and no clock" },
    { "io", "an app opens no file" },
    { "require", "an app is one file" },
    { "package", "an app is one file" },
    { "dofile", "an app is one file" },
    { "loadfile", "an app is one file" },
    { "load", "an app is one file" },
    { "loadstring", "an app is one file" },
    { "debug", "an app does not look at its own insides" },
    { "collectgarbage", "an app does not manage memory" },
    { "pcall", "a mistake fails the unit" },
    { "xpcall", "a mistake fails the unit" },
    { "coroutine", "a function is computed from beginning to end" },
    { "next", "its order is none: use pairs(), which sorts" },
    { "setmetatable", "tables are plain" },
    { "getmetatable", "tables are plain" },
    { "rawget", "tables are plain" },
    { "rawset", "tables are plain" },
    { "rawequal", "tables are plain" },
    { "rawlen", "tables are plain" },
};

/* Members of libraries that scripts do not have: the same. */
static const struct {
    const char *library, *name, *why;
} removed[] = {
    { LUA_MATHLIBNAME, "random", "an app draws no random numbers" },
    { LUA_MATHLIBNAME, "randomseed", "an app draws no random numbers" },
    { LUA_STRLIBNAME, "dump", "an app does not look at its own insides" },
};

/* Called for globals that are not there. */
static int
refuse_global(lua_State *L)
{
    const char *name = (lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2)
                        : "?");

    for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
        if (!strcmp(name, forbidden[i].name)) {
            lua_raise(L, "uses %s: %s", name, forbidden[i].why);
        }
    }
    lua_raise(L, "there is no global \"%s\"", name);
}

static int
refuse_call(lua_State *L)
{
    lua_raise(L, "called %s: %s",
              lua_tostring(L, lua_upvalueindex(1)),
              lua_tostring(L, lua_upvalueindex(2)));
}

/* As Lua's, but nothing has its address for a text. */
static int
to_string(lua_State *L)
{
    luaL_checkany(L, 1);
    if (lua_type(L, 1) < LUA_TTABLE || luaL_getmetafield(L, 1, "__tostring"))
    {
        luaL_tolstring(L, 1, NULL);
    } else {
        lua_pushstring(L, luaL_typename(L, 1));
    }
    return 1;
}

/* Writes a line to the app's log: its arguments as tostring() has them, with a
 * blank between them. */
static int
print(lua_State *L)
{
    int n = lua_gettop(L);
    luaL_Buffer line;

    luaL_checkstack(L, n + LUA_MINSTACK, "print");
    luaL_buffinit(L, &line);
    for (int i = 1; i <= n; i++) {
        if (i > 1) {
            luaL_addchar(&line, ' ');
        }
        lua_pushcfunction(L, to_string);
        lua_pushvalue(L, i);
        lua_call(L, 1, 1);
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    worker_log(lua_tostring(L, -1));
    return 0;
}

/* string.format(), in the same way.  Lua's own is the upvalue. */
static int
format(lua_State *L)
{
    size_t size;
    const char *p = luaL_checklstring(L, 1, &size);
    const char *end = p + size;
    int n = lua_gettop(L);

    for (; (p = memchr(p, '%', end - p)); p++) {
        p++;
        p += strspn(p, "-+#0 123456789.");
        if (*p == 'p') {
            lua_raise(L, "string.format(): %%p shows an address, "
                      "which is another one each time");
        }
        if (p >= end) {
            break;
        }
    }
    for (int i = 2; i <= n; i++) {
        if (lua_type(L, i) >= LUA_TTABLE) {
            lua_pushcfunction(L, to_string);
            lua_pushvalue(L, i);
            lua_call(L, 1, 1);
            lua_replace(L, i);
        }
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, n, 1);
    return 1;
}

/* The function that pairs() returns: goes on to the next of the sorted keys,
 * which are an upvalue, as are their table and how many there were. */
static int
next_pair(lua_State *L)
{
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(3)) + 1;

    lua_pushinteger(L, i);
    lua_replace(L, lua_upvalueindex(3));
    if (lua_rawgeti(L, lua_upvalueindex(2), i) == LUA_TNIL) {
        return 1;
    }
    lua_pushvalue(L, -1);
    lua_rawget(L, lua_upvalueindex(1));
    return 2;
}

static int
pairs(lua_State *L)
{
    luaL_argcheck(L, lua_type(L, 1) == LUA_TTABLE, 1, "table expected");
    lua_settop(L, 1);
    lua_unfreeze(L, 1);
    lua_pushcfunction(L, lua_sort_keys);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_pair, 3);
    return 1;
}

/* Copies what it is allowed to use of the basic library, which is the table on
 * top, to the one below. */
static void
copy_basics(lua_State *L)
{
    static const char *const names[] = {
        "assert", "error", "ipairs", "select", "tonumber", "type", "_VERSION",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        lua_getfield(L, -1, names[i]);
        lua_setfield(L, -3, names[i]);
    }
}

static void
remove_members(lua_State *L)
{
    for (size_t i = 0; i < ARRAY_SIZE(removed); i++) {
        lua_getfield(L, -1, removed[i].library);
        lua_pushfstring(L, "%s.%s", removed[i].library, removed[i].name);
        lua_pushstring(L, removed[i].why);
        lua_pushcclosure(L, refuse_call, 2);
        lua_setfield(L, -2, removed[i].name);
        lua_pop(L, 1);
    }
}

static void
open_library(lua_State *L, const char *name, lua_CFunction open)
{
    luaL_requiref(L, name, open, false);
    lua_setfield(L, -2, name);
}

/* Replaces functions that differ from one time to the next. */
static void
replace_members(lua_State *L)
{
    lua_getfield(L, -1, LUA_STRLIBNAME);
    lua_getfield(L, -1, "format");
    lua_pushcclosure(L, format, 1);
    lua_setfield(L, -2, "format");
    lua_pop(L, 1);
    lua_getfield(L, -1, LUA_TABLIBNAME);
    lua_pushcfunction(L, lua_sort);
    lua_setfield(L, -2, "sort");
    lua_pop(L, 1);
    lua_pushcfunction(L, to_string);
    lua_setfield(L, -2, "tostring");
    lua_pushcfunction(L, print);
    lua_setfield(L, -2, "print");
    lua_pushcfunction(L, pairs);
    lua_setfield(L, -2, "pairs");
}

void
lua_sandbox_open(lua_State *L)
{
    luaL_requiref(L, LUA_GNAME, luaopen_base, false);
    copy_basics(L);
    lua_pop(L, 1);
    open_library(L, LUA_STRLIBNAME, luaopen_string);
    open_library(L, LUA_TABLIBNAME, luaopen_table);
    open_library(L, LUA_MATHLIBNAME, luaopen_math);
    open_library(L, LUA_UTF8LIBNAME, luaopen_utf8);
    remove_members(L);
    replace_members(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, LUA_GNAME);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, refuse_global);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}
