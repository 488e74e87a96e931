/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows as scripts see them: objects with the fields that the API has, each
 * taken from the row when it is asked for, by the row's description
 * (schema.h).  What is in effect is what a field has, where users may leave it
 * to be assigned.  Not for reading rows (lua-view.c). */

#include <config.h>

#include "controller/worker/lua/lua-private.h"

#include <string.h>

#include "controller/schema/schema.h"
#include "controller/schema/value.h"
#include "util.h"

#define TYPE_ROW "row"
#define TYPE_SELECTOR "selector"

/* A row, or a struct that is in one; or a selector. */
struct lua_struct {
    uint64_t run;               /* It lives as long as this one. */
    const struct schema_struct *type;
    const void *at;
    const struct vmn_row *row;  /* If it is that. */
};

struct lua_selector {
    uint64_t run;
    const struct vmn_selector *selector;
};

/* Values.  An absent one is nil.  ----------------------------------------- */

void
lua_push_mac(lua_State *L, struct vmn_mac mac)
{
    char text[VALUE_MAC_SIZE];

    if (value_mac_is_none(mac)) {
        lua_pushnil(L);
    } else {
        lua_pushstring(L, value_format_mac(mac, text));
    }
}

void
lua_push_ip(lua_State *L, const struct vmn_ip *ip)
{
    char text[VALUE_IP_SIZE];

    if (!ip->family) {
        lua_pushnil(L);
    } else {
        lua_pushstring(L, value_format_ip(ip, text));
    }
}

/* With its length, also where it is one address. */
static void
push_prefix(lua_State *L, const struct vmn_prefix *prefix)
{
    char text[VALUE_IP_SIZE];

    if (!prefix->ip.family) {
        lua_pushnil(L);
    } else {
        lua_pushfstring(L, "%s/%d", value_format_ip(&prefix->ip, text),
                        prefix->len);
    }
}

static void
push_range(lua_State *L, const struct vmn_port_range *range)
{
    lua_createtable(L, 0, 2);
    lua_pushinteger(L, range->first);
    lua_setfield(L, -2, "first");
    lua_pushinteger(L, range->last);
    lua_setfield(L, -2, "last");
}

static void
push_selector(lua_State *L, const struct vmn_selector *selector)
{
    struct lua_selector *object;

    if (!selector->text) {
        lua_pushnil(L);
        return;
    }
    object = lua_newuserdatauv(L, sizeof *object, 0);
    object->run = lua_app_of(L)->run->id;
    object->selector = selector;
    luaL_setmetatable(L, TYPE_SELECTOR);
}

static void
push_struct(lua_State *L, const struct schema_struct *type, const void *at,
            const struct vmn_row *row)
{
    struct lua_struct *object = lua_newuserdatauv(L, sizeof *object, 0);

    object->run = lua_app_of(L)->run->id;
    object->type = type;
    object->at = at;
    object->row = row;
    luaL_setmetatable(L, TYPE_ROW);
}

static void
push_enum_set(lua_State *L, const struct schema_field *f, const bool *set)
{
    lua_Integer n = 0;

    lua_newtable(L);
    for (size_t i = 0; f->names[i]; i++) {
        if (set[i]) {
            lua_pushstring(L, f->names[i]);
            lua_rawseti(L, -2, ++n);
        }
    }
}

/* Pushes one value of a field, which is at 'at'. */
static void
push_value(lua_State *L, const struct schema_field *f, const void *at)
{
    switch (f->type) {
    case SCHEMA_BOOL: lua_pushboolean(L, *(const bool *) at); break;
    case SCHEMA_INT: lua_pushinteger(L, *(const int *) at); break;
    case SCHEMA_U16: lua_pushinteger(L, *(const uint16_t *) at); break;
    case SCHEMA_U32: lua_pushinteger(L, *(const uint32_t *) at); break;
    case SCHEMA_U64:
    case SCHEMA_I64: lua_pushinteger(L, *(const int64_t *) at); break;
    case SCHEMA_SIZE: lua_pushinteger(L, *(const size_t *) at); break;
    case SCHEMA_DOUBLE: lua_pushnumber(L, *(const double *) at); break;
    case SCHEMA_ENUM: lua_pushstring(L, f->names[*(const int *) at]); break;
    case SCHEMA_STRING:
    case SCHEMA_REF: lua_pushstring(L, *(const char *const *) at); break;
    case SCHEMA_MAC: lua_push_mac(L, *(const struct vmn_mac *) at); break;
    case SCHEMA_IP: lua_push_ip(L, at); break;
    case SCHEMA_PREFIX: push_prefix(L, at); break;
    case SCHEMA_RANGE: push_range(L, at); break;
    case SCHEMA_SELECTOR: push_selector(L, at); break;
    case SCHEMA_STRUCT: push_struct(L, f->nested, at, NULL); break;
    case SCHEMA_ENUM_SET: push_enum_set(L, f, at); break;
    case SCHEMA_LABELS: lua_pushnil(L); break; /* By view:labels(). */
    }
}

static void
push_field(lua_State *L, const struct schema_field *f, const void *at)
{
    bool assigned = f->flags & SCHEMA_ASSIGNED;
    const char *place = ((const char *) at
                         + (assigned ? f->assigned_offset : f->offset));
    const char *elements;
    size_t n;

    if (!(f->flags & SCHEMA_LIST)) {
        push_value(L, f, place);
        return;
    }
    n = *(const size_t *) (const void *) ((const char *) at
                                          + (assigned ? f->assigned_n_offset
                                             : f->n_offset));
    elements = *(const char *const *) (const void *) place;
    lua_createtable(L, MIN(n, INT_MAX), 0);
    for (size_t i = 0; i < n; i++) {
        push_value(L, f, elements + i * schema_element_size(f));
        lua_rawseti(L, -2, i + 1);
    }
}

/* Objects.  --------------------------------------------------------------- */

/* Refuses what is of a computation that is over. */
static void
check_run(lua_State *L, uint64_t run, const char *what)
{
    if (run != lua_app_of(L)->run->id) {
        lua_raise(L, "%s is of another computation", what);
    }
}

static struct lua_struct *
take_struct(lua_State *L, int index, const char *what)
{
    struct lua_struct *object = luaL_testudata(L, index, TYPE_ROW);

    if (!object) {
        lua_raise(L, "%s must be a row, not %s", what,
                  lua_type_text(L, index));
    }
    check_run(L, object->run, what);
    return object;
}

static const char *
field_candidate(const void *type, size_t i)
{
    return ((const struct schema_struct *) type)->fields[i].name;
}

/* row.field */
static int
index_struct(lua_State *L)
{
    const struct lua_struct *object = take_struct(L, 1, "the row");
    const char *name = lua_take_text(L, 2, "a field's name");
    const struct schema_field *f;
    char what[80];

    if (object->row && !strcmp(name, "name")) {
        lua_pushstring(L, object->row->name);
        return 1;
    }
    f = schema_find_field(object->type, name);
    if (f && f->type == SCHEMA_LABELS) {
        lua_raise(L, "labels are read by view:labels(row)");
    }
    if (f && f->flags & SCHEMA_REMARK) {
        lua_raise(L, "a %s is for people, and apps do not read it",
                  name);
    }
    if (!f) {
        snprintf(what, sizeof what, "fields of %s", object->type->name);
        lua_raise_unknown(L, what, name, field_candidate, object->type);
    }
    push_field(L, f, object->at);
    return 1;
}

/* selector.text */
static int
index_selector(lua_State *L)
{
    const char *name = lua_take_text(L, 2, "a field's name");

    if (strcmp(name, "text")) {
        lua_raise(L, "fields of a selector: there is no \"%s\"",
                  name);
    }
    lua_pushstring(L, lua_take_selector(L, 1, "the selector")->text);
    return 1;
}

static int
refuse_assignment(lua_State *L)
{
    lua_raise(L, "rows cannot be changed");
}

static int
struct_to_string(lua_State *L)
{
    const struct lua_struct *object = take_struct(L, 1, "the row");

    lua_pushfstring(L, object->row ? "%s %s" : "%s", object->type->name,
                    object->row ? object->row->name : "");
    return 1;
}

static int
selector_to_string(lua_State *L)
{
    lua_pushstring(L, lua_take_selector(L, 1, "the selector")->text);
    return 1;
}

void
lua_push_row(lua_State *L, const struct vmn_row *row)
{
    if (row) {
        push_struct(L, schema_struct_of(row), row, row);
    } else {
        lua_pushnil(L);
    }
}

const struct vmn_row *
lua_take_row(lua_State *L, int index, const char *what)
{
    const struct lua_struct *object = take_struct(L, index, what);

    if (!object->row) {
        lua_raise(L, "%s must be a row, not a part of one", what);
    }
    return object->row;
}

const struct vmn_selector *
lua_take_selector(lua_State *L, int index, const char *what)
{
    const struct lua_selector *object = luaL_testudata(L, index,
                                                       TYPE_SELECTOR);

    if (!object) {
        lua_raise(L, "%s must be a selector, not %s", what,
                  lua_type_text(L, index));
    }
    check_run(L, object->run, what);
    return object->selector;
}

void
lua_rows_open(lua_State *L)
{
    static const luaL_Reg of_struct[] = {
        { "__index", index_struct },
        { "__newindex", refuse_assignment },
        { "__tostring", struct_to_string },
        { NULL, NULL },
    };
    static const luaL_Reg of_selector[] = {
        { "__index", index_selector },
        { "__newindex", refuse_assignment },
        { "__tostring", selector_to_string },
        { NULL, NULL },
    };

    luaL_newmetatable(L, TYPE_ROW);
    luaL_setfuncs(L, of_struct, 0);
    luaL_newmetatable(L, TYPE_SELECTOR);
    luaL_setfuncs(L, of_selector, 0);
    lua_pop(L, 2);
}
