/* SPDX-License-Identifier: Apache-2.0
 *
 * What scripts give to functions, taken and checked: a mistake is a Lua error
 * with the line, the function and the argument.  Not for what values mean,
 * which vmnd checks as it does those of any app. */

#include <config.h>

#include "controller/worker/lua/lua-private.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "controller/schema/schema.h"
#include "packets.h"
#include "util.h"

/* Pushes "FILE:LINE: " of the script's innermost function, also where that has
 * called one of Lua's own. */
static void
push_where(lua_State *L)
{
    lua_Debug ar;

    for (int level = 1; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline > 0) {
            lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
            return;
        }
    }
    lua_pushliteral(L, "");
}

void
lua_raise(lua_State *L, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    push_where(L);
    lua_pushstring(L, text);
    lua_concat(L, 2);
    lua_error(L);
    OVS_NOT_REACHED();
}

const char *
lua_type_text(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL: return "nil";
    case LUA_TBOOLEAN: return "a boolean";
    case LUA_TNUMBER: return "a number";
    case LUA_TSTRING: return "a text";
    case LUA_TTABLE: return "a table";
    case LUA_TFUNCTION: return "a function";
    default: return "an object";
    }
}

/* Returns 'what'; with the number of the argument at 'index', if 'what' names
 * a function or method alone. */
static const char *
describe(const char *what, int index, char text[160])
{
    size_t len = strlen(what);

    if (index <= 0 || !len || what[len - 1] != ')') {
        return what;
    }
    snprintf(text, 160, "%s: argument %d", what,
             index - (strchr(what, ':') != NULL));
    return text;
}

const char *
lua_take_text(lua_State *L, int index, const char *what)
{
    char described[160];
    const char *text;
    size_t len;

    what = describe(what, index, described);
    if (lua_type(L, index) != LUA_TSTRING) {
        lua_raise(L, "%s must be a text, not %s", what,
                  lua_type_text(L, index));
    }
    text = lua_tolstring(L, index, &len);
    if (strlen(text) != len) {
        lua_raise(L, "%s must not have a null character", what);
    }
    if (len > LUA_TEXT_MAX) {
        lua_raise(L, "%s has more than %d characters", what, LUA_TEXT_MAX);
    }
    return text;
}

lua_Integer
lua_take_integer(lua_State *L, int index, const char *what, lua_Integer min,
                 lua_Integer max)
{
    int is_integer = false;
    char described[160];
    lua_Integer value = 0;

    what = describe(what, index, described);
    if (lua_type(L, index) == LUA_TNUMBER) {
        value = lua_tointegerx(L, index, &is_integer);
    }
    if (!is_integer) {
        lua_raise(L, "%s must be an integer, not %s", what,
                  lua_type(L, index) == LUA_TNUMBER ? "a fraction"
                  : lua_type_text(L, index));
    }
    if (value < min || value > max) {
        lua_raise(L, "%s must be %"PRId64" to %"PRId64", not %"PRId64, what,
                  (int64_t) min, (int64_t) max, (int64_t) value);
    }
    return value;
}

bool
lua_take_bool(lua_State *L, int index, const char *what)
{
    char described[160];

    what = describe(what, index, described);
    if (lua_type(L, index) != LUA_TBOOLEAN) {
        lua_raise(L, "%s must be true or false, not %s", what,
                  lua_type_text(L, index));
    }
    return lua_toboolean(L, index);
}

struct vmn_mac
lua_take_mac(lua_State *L, int index, const char *what)
{
    const char *text = lua_take_text(L, index, what);
    struct eth_addr ea;
    struct vmn_mac mac;
    char described[160];

    if (!eth_addr_from_string(text, &ea)) {
        lua_raise(L, "%s must be a MAC address, not \"%.64s\"",
                  describe(what, index, described), text);
    }
    memcpy(mac.ea, ea.ea, sizeof mac.ea);
    return mac;
}

static bool
parse_ip(const char *text, struct vmn_ip *ip)
{
    bool v6 = strchr(text, ':') != NULL;

    memset(ip, 0, sizeof *ip);
    ip->family = v6 ? 6 : 4;
    return inet_pton(v6 ? AF_INET6 : AF_INET, text, ip->addr) == 1;
}

struct vmn_ip
lua_take_ip(lua_State *L, int index, const char *what)
{
    const char *text = lua_take_text(L, index, what);
    struct vmn_ip ip;
    char described[160];

    if (!parse_ip(text, &ip)) {
        lua_raise(L, "%s must be an IP address, not \"%.64s\"",
                  describe(what, index, described), text);
    }
    return ip;
}

/* Returns true if all bits behind the first 'len' are zero. */
static bool
is_zero_behind(const struct vmn_ip *ip, unsigned len)
{
    for (unsigned i = len; i < vmn_ip_bits(ip); i++) {
        if (ip->addr[i / 8] & 0x80 >> i % 8) {
            return false;
        }
    }
    return true;
}

struct vmn_prefix
lua_take_prefix(lua_State *L, int index, const char *what)
{
    const char *text = lua_take_text(L, index, what);
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t) (slash - text) : strlen(text);
    char address[INET6_ADDRSTRLEN];
    struct vmn_prefix prefix;
    unsigned bits;
    char described[160];

    ovs_strlcpy(address, text, MIN(len + 1, sizeof address));
    if (len >= sizeof address || !parse_ip(address, &prefix.ip)
        || (slash && (!str_to_uint(slash + 1, 10, &bits)
                      || bits > vmn_ip_bits(&prefix.ip)))) {
        lua_raise(L, "%s must be an IP address or prefix, not \"%.64s\"",
                  describe(what, index, described), text);
    }
    prefix.len = slash ? bits : vmn_ip_bits(&prefix.ip);
    if (!is_zero_behind(&prefix.ip, prefix.len)) {
        lua_raise(L, "%s: prefix \"%s\" has bits behind its length",
                  describe(what, index, described), text);
    }
    return prefix;
}

/* Names.  ----------------------------------------------------------------- */

void
lua_raise_unknown(lua_State *L, const char *what, const char *name,
                  const char *(*candidate)(const void *aux, size_t i),
                  const void *aux)
{
    const char *suggestion = schema_suggest(name, candidate, aux);

    if (suggestion) {
        lua_raise(L, "%s: there is no \"%.64s\" (is it \"%s\"?)", what, name,
                  suggestion);
    }
    lua_raise(L, "%s: there is no \"%.64s\"", what, name);
}

const char *
lua_name_candidate(const void *names, size_t i)
{
    return ((const struct lua_name *) names)[i].name;
}

int
lua_take_name(lua_State *L, int index, const char *what,
              const struct lua_name *names)
{
    const char *text = lua_take_text(L, index, what);

    for (const struct lua_name *n = names; n->name; n++) {
        if (!strcmp(n->name, text)) {
            return n->value;
        }
    }
    lua_raise_unknown(L, what, text, lua_name_candidate, names);
}

const char *
lua_field_candidate(const void *aux OVS_UNUSED, size_t i)
{
    return lua_fields[i].name;
}

const struct lua_field *
lua_find_field(lua_State *L, int index)
{
    const struct lua_field *field = NULL;

    index = lua_absindex(L, index);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_FIELDS);
    lua_pushvalue(L, index);
    if (lua_rawget(L, -2) == LUA_TNUMBER) {
        field = &lua_fields[lua_tointeger(L, -1)];
    }
    lua_pop(L, 2);
    return field;
}

const struct lua_field *
lua_take_field(lua_State *L, int index, const char *what)
{
    const char *text = lua_take_text(L, index, what);
    const struct lua_field *field = lua_find_field(L, index);

    if (!field) {
        lua_raise_unknown(L, what, text, lua_field_candidate, NULL);
    }
    return field;
}

static const char *
stage_candidate(const void *stages, size_t i)
{
    return ((const struct vmn_stage_class *) stages)[i].name;
}

unsigned
lua_take_stage(lua_State *L, int index, const char *what)
{
    const struct vmn_stage_class *stages = lua_app_of(L)->stages;
    const char *text = lua_take_text(L, index, what);

    for (unsigned i = 0; stages[i].name; i++) {
        if (!strcmp(stages[i].name, text)) {
            return i;
        }
    }
    lua_raise_unknown(L, what, text, stage_candidate, stages);
}

void
lua_add_wrong_key(lua_State *L, int index, struct lua_wrong_key *wrong)
{
    const char **least = &wrong->name;
    const char *text;

    if (lua_type(L, index) == LUA_TSTRING) {
        text = lua_tostring(L, index);
    } else {
        text = lua_type_text(L, index);
        least = &wrong->other_type;
    }
    if (!*least || strcmp(text, *least) < 0) {
        *least = text;
    }
    wrong->exists = true;
}

void
lua_raise_wrong_key(lua_State *L, const struct lua_wrong_key *wrong,
                    const char *what,
                    const char *(*candidate)(const void *aux, size_t i),
                    const void *aux)
{
    if (wrong->other_type) {
        lua_raise(L, "%s: members have names, and %s is none", what,
                  wrong->other_type);
    }
    if (wrong->exists) {
        lua_raise_unknown(L, what, wrong->name, candidate, aux);
    }
}

const char *
lua_text_candidate(const void *names, size_t i)
{
    return ((const char *const *) names)[i];
}

void
lua_check_options(lua_State *L, int index, const char *what,
                  const char *const *names)
{
    struct lua_wrong_key wrong = { .exists = false };

    index = lua_absindex(L, index);
    if (lua_type(L, index) != LUA_TTABLE) {
        lua_raise(L, "%s must be a table, not %s", what,
                  lua_type_text(L, index));
    }
    lua_pushvalue(L, index);
    lua_unfreeze(L, -1);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        size_t i = 0;

        while (names[i] && (lua_type(L, -2) != LUA_TSTRING
                            || strcmp(names[i], lua_tostring(L, -2)))) {
            i++;
        }
        if (!names[i]) {
            lua_add_wrong_key(L, -2, &wrong);
        }
        lua_pop(L, 1);
    }
    lua_raise_wrong_key(L, &wrong, what, lua_text_candidate, names);
    lua_pop(L, 1);
}
