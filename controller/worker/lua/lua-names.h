/* SPDX-License-Identifier: Apache-2.0
 *
 * The names that scripts have for what include/vmn has numbers for: those of
 * C in small letters, fields without VMN_F_, all others without VMN_.  Not
 * for functions (lua-view.c, lua-emit.c, lua-actions.c).  A test holds these
 * lists against the headers and docs/writing-an-app-in-lua.md. */

#ifndef CONTROLLER_WORKER_LUA_LUA_NAMES_H
#define CONTROLLER_WORKER_LUA_LUA_NAMES_H 1

#include "vmn/app.h"

/* What values of a field look like in a script. */
enum lua_value_kind {
    LUA_VALUE_NUMBER,
    LUA_VALUE_MAC,              /* Text, or a number. */
    LUA_VALUE_IPV4,             /* The same. */
    LUA_VALUE_IPV6,             /* Text. */
    LUA_VALUE_IP,               /* Text: stands for a field of either family,
                                 * by the value. */
    LUA_VALUE_CT_STATE,         /* A number, or "+trk+new-inv". */
};

struct lua_field {
    const char *name;
    enum vmn_field field;
    enum lua_value_kind kind;
    enum vmn_field ipv6;        /* LUA_VALUE_IP: the one of that family. */
};

/* In the order in which a flow's matches are added: what says of which family
 * a packet is comes before what would be IPv4 otherwise.  NULL ends. */
extern const struct lua_field lua_fields[];

struct lua_name {
    const char *name;           /* NULL ends a list. */
    int64_t value;
};
extern const struct lua_name lua_hooks[], lua_misses[], lua_indexes[],
    lua_row_types[], lua_field_types[], lua_group_types[], lua_neighbours[],
    lua_ct_thens[], lua_constants[], lua_ct_bits[];

#endif /* controller/worker/lua/lua-names.h */
