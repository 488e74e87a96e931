/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files that run scripts share.  Not for others. */

#ifndef CONTROLLER_WORKER_LUA_LUA_PRIVATE_H
#define CONTROLLER_WORKER_LUA_LUA_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lauxlib.h>
#include <lua.h>

#include "controller/worker/lua/lua-names.h"
#include "vmn/app.h"

struct schema_field;
struct schema_struct;

/* Limits of a script: of all that it has at a time, of a load (well within
 * WORKER_LOAD_MS), and of one computation (of a packet).  The VM's
 * instructions, not the processor's. */
#define LUA_MEMORY_MIB 64
#define LUA_LOAD_INSTRUCTIONS_MAX 2000000
#define LUA_INSTRUCTIONS_MAX 20000000
#define LUA_PACKET_INSTRUCTIONS_MAX 1000000
/* Characters of a name, key or other text: two of them are no more than
 * WORKER_TEXT_MAX, and one is recorded whole (CALL_TEXT_MAX). */
#define LUA_TEXT_MAX 1000
/* How many elements an array of the declaration may have. */
#define LUA_ELEMENTS_MAX 256

/* One computation; others may be inside of it, since the app may read queries
 * of its own. */
struct lua_run {
    uint64_t id;                /* Never that of another one. */
    int64_t instructions_max;
    int64_t instructions;       /* That are left. */
    struct vmn_view *view;      /* NULL: the script is loaded. */
    struct vmn_emit *emit;      /* Of a unit, or NULL. */
    struct vmn_packets_out *out; /* Of a handler, or NULL. */
    const struct vmn_packet_in *packet; /* The same. */
    const char *key;
    uint32_t index;             /* Of what is computed; of an owner the flow's
                                 * part. */
    const char *unit;           /* Of a flow whose owner is asked for. */
    struct vmn_flow_owner *owner; /* The same, or NULL. */
    char *name;                 /* The same: where the owner's is to be. */
    struct vmn_value *value;    /* Of a query, or NULL. */
    const struct vmn_row *object; /* Of a check, or NULL. */
    struct vmn_check *check;    /* The same. */
    struct recorder *recorder;  /* Of its failure. */
    struct lua_run *outer;
};

struct lua_app {
    lua_State *L;
    size_t used;                /* Bytes of 'L'. */
    char name[64];              /* The file's. */
    struct lua_run *run;        /* The innermost, or NULL. */
    uint64_t n_runs;
    char why[128];              /* The last error that Lua has no text of. */
    /* What it declares. */
    struct vmn_app_class class_;
    struct vmn_stage_class stages[LUA_ELEMENTS_MAX + 1];
    struct vmn_query_class queries[LUA_ELEMENTS_MAX + 1];
    struct vmn_unit_class units[LUA_ELEMENTS_MAX + 1];
    struct vmn_id_pool_class id_pools[LUA_ELEMENTS_MAX + 1];
    struct vmn_handler_class handlers[LUA_ELEMENTS_MAX + 1];
    struct vmn_type_class types[LUA_ELEMENTS_MAX + 1];
    struct vmn_field_class *fields; /* That are being taken. */
};

struct lua_app *lua_app_of(lua_State *);

/* Keys of Lua's registry. */
#define LUA_KEY_GLOBALS "vmn.globals" /* What the script sees as globals. */
#define LUA_KEY_VIEW "vmn.view"  /* The objects that functions are given. */
#define LUA_KEY_EMIT "vmn.emit"
#define LUA_KEY_OUT "vmn.out"
#define LUA_KEY_FIELDS "vmn.fields" /* Name -> index in lua_fields. */
#define LUA_KEY_DECLARED "vmn.declared" /* The script's declaration. */
#define LUA_KEY_KEPT "vmn.kept" /* Locals as they were after loading. */

/* lua-args.c: arguments and options, whose mistakes are Lua errors in the
 * author's terms.  'what' is for people: "view:port(): name".  If it is a
 * function alone, "flow:limit()", the error has the argument's number. */
const char *lua_take_text(lua_State *, int index, const char *what);
lua_Integer lua_take_integer(lua_State *, int index, const char *what,
                             lua_Integer min, lua_Integer max);
bool lua_take_bool(lua_State *, int index, const char *what);
struct vmn_mac lua_take_mac(lua_State *, int index, const char *what);
struct vmn_ip lua_take_ip(lua_State *, int index, const char *what);
/* An address without a length is a prefix of one address. */
struct vmn_prefix lua_take_prefix(lua_State *, int index, const char *what);
/* The value of a name in 'names', which end with NULL. */
int lua_take_name(lua_State *, int index, const char *what,
                  const struct lua_name *names);
const struct lua_field *lua_take_field(lua_State *, int index,
                                       const char *what);
/* The stage's index. */
unsigned lua_take_stage(lua_State *, int index, const char *what);
/* The same for a key that may be none; NULL: there is no such field. */
const struct lua_field *lua_find_field(lua_State *, int index);
/* A key of a table that should not be there.  Of several always the same one
 * is told, whatever order Lua's hashes have them in. */
struct lua_wrong_key {
    bool exists;
    const char *other_type;     /* It is no text, but this. */
    const char *name;           /* In the table. */
};
void lua_add_wrong_key(lua_State *, int index, struct lua_wrong_key *);
/* Raises the error, if there is one. */
void lua_raise_wrong_key(lua_State *, const struct lua_wrong_key *,
                         const char *what,
                         const char *(*candidate)(const void *aux, size_t i),
                         const void *aux);
const char *lua_field_candidate(const void *aux, size_t i);
/* Of arrays that end with NULL: of texts, and of struct lua_name. */
const char *lua_text_candidate(const void *texts, size_t i);
const char *lua_name_candidate(const void *names, size_t i);
/* Refuses members of the table that are not among 'names', which end with
 * NULL. */
void lua_check_options(lua_State *, int index, const char *what,
                       const char *const *names);
/* Raises the error that there is no 'name', with what it may be a misspelling
 * of: see schema_suggest(). */
_Noreturn void lua_raise_unknown(lua_State *, const char *what,
                                 const char *name,
                                 const char *(*candidate)(const void *aux,
                                                          size_t i),
                                 const void *aux);
/* Returns the name of a type for people: "a text". */
const char *lua_type_text(lua_State *, int index);
/* Raises an error, with the line of the script that has called the
 * function. */
_Noreturn void lua_raise(lua_State *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* lua-sandbox.c: fills the table on top with what a script may use. */
void lua_sandbox_open(lua_State *);

/* lua-sort.c: "table.sort", and how keys are sorted by pairs(). */
int lua_sort(lua_State *);
int lua_sort_keys(lua_State *);

/* lua-frozen.c: makes all that the script has after loading constant... */
void lua_freeze(lua_State *);
/* ...and returns the contents of such a table in place of it, or the value
 * itself. */
void lua_unfreeze(lua_State *, int index);
/* Pushes a sentence and returns true if a local has changed since then; it is
 * what it was again. */
bool lua_has_kept(lua_State *);

/* lua-class.c: takes the declaration that is on top of the stack. */
void lua_class_take(lua_State *);
/* The type of rows that a text names: one that units may be for. */
enum vmn_row_type lua_take_row_type(lua_State *, int index, const char *what);
/* Returns which of the app's own types that is, or -1. */
int lua_own_type(const struct lua_app *, const char *name);
/* The same of the text at 'index', as the type of its rows (lua-view.c). */
enum vmn_row_type lua_take_own_type(lua_State *, int index, const char *what);

/* lua-row.c */
void lua_rows_open(lua_State *);
/* Pushes a row, or nil for NULL. */
void lua_push_row(lua_State *, const struct vmn_row *);
/* Returns the row at an index. */
const struct vmn_row *lua_take_row(lua_State *, int index, const char *what);
const struct vmn_selector *lua_take_selector(lua_State *, int index,
                                             const char *what);
void lua_push_ip(lua_State *, const struct vmn_ip *);
void lua_push_mac(lua_State *, struct vmn_mac);

/* lua-view.c, lua-emit.c, lua-actions.c: the methods of what functions are
 * given. */
void lua_view_open(lua_State *);
void lua_emit_open(lua_State *);
void lua_actions_open(lua_State *);
/* The types of these, and of what else methods are called on. */
#define LUA_VIEW "view"
#define LUA_EMIT "emit"
#define LUA_OUT "out"
#define LUA_FLOW "flow"
#define LUA_GROUP "group"
/* Makes a type of objects with these methods. */
void lua_open_type(lua_State *, const char *type, const luaL_Reg *methods);
/* Makes the one object of a type, under a key of the registry. */
void lua_open_object(lua_State *, const char *type, const char *key);

/* lua-packet.c: handlers. */
void lua_packets_open(lua_State *);
void lua_push_packet(lua_State *, const struct vmn_packet_in *);
unsigned lua_take_handler(lua_State *, int index, const char *what);

/* A flow, a bucket or a group, as a script has it. */
struct lua_flow {
    uint64_t run;               /* Whose it is. */
    struct vmn_actions *actions;
};
struct lua_group {
    uint64_t run;
    struct vmn_group_msg *group;
};
/* Returns what is at an index, if it is of this computation. */
void *lua_take_object(lua_State *, int index, const char *type,
                      const char *what);
/* Pushes a flow or bucket. */
void lua_push_actions(lua_State *, struct vmn_actions *);

/* lua-match.c: matches what the table at 'index' has. */
void lua_match(lua_State *, int index, struct vmn_flow *);
/* Returns the bits of a value of a field, of at most 64 bits. */
uint64_t lua_take_bits(lua_State *, int index, const struct lua_field *,
                       const char *what);

#endif /* controller/worker/lua/lua-private.h */
