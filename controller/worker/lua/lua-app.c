/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls a script's functions, within limits of memory and instructions; see
 * lua-app.h.  An error in a script ends its function and nothing else. */

#include <config.h>

#include "controller/worker/lua/lua-app.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "controller/worker/lua/lua-private.h"
#include "controller/worker/record-calls.h"
#include "controller/worker/worker-main.h"
#include "controller/worker/worker-view.h"
#include "proto/text/byte-order-mark.h"
#include "util.h"

/* Instructions between two looks at how many there were. */
#define LOOK_AFTER 10000

struct lua_app *
lua_app_of(lua_State *L)
{
    return *(struct lua_app **) lua_getextraspace(L);
}

/* Limits.  ---------------------------------------------------------------- */

/* Lua's allocator: fails beyond the limit, which Lua makes an error of. */
static void *
allocate(void *app_, void *old, size_t old_size, size_t size)
{
    struct lua_app *app = app_;
    size_t used;
    void *p;

    if (!old) {
        old_size = 0;           /* Lua says there what it is for. */
    }
    if (!size) {
        free(old);
        app->used -= old_size;
        return NULL;
    }
    used = app->used - old_size;
    if (size > old_size && (size_t) LUA_MEMORY_MIB << 20 < used + size) {
        return NULL;
    }
    p = realloc(old, size);
    if (p) {
        app->used = used + size;
    }
    return p;
}

static void
count_instructions(lua_State *L, lua_Debug *ar OVS_UNUSED)
{
    struct lua_run *run = lua_app_of(L)->run;

    run->instructions -= LOOK_AFTER;
    if (run->instructions < 0) {
        luaL_where(L, 0);
        lua_pushfstring(L, "ran more than %d million instructions",
                        (int) (run->instructions_max / 1000000));
        lua_concat(L, 2);
        lua_error(L);
    }
}

/* An error outside of what is protected: there is none. */
static int
panic(lua_State *L)
{
    const char *text = lua_tostring(L, -1);

    worker_refuse("Lua: %s", text ? text : "an error that is no text");
}

struct lua_app *
lua_app_create(void)
{
    struct lua_app *app = xzalloc(sizeof *app);
    const struct vmn_app_class head = { VMN_APP_HEAD };

    app->class_ = head;
    app->L = lua_newstate(allocate, app);
    if (!app->L) {
        free(app);
        return NULL;
    }
    *(struct lua_app **) lua_getextraspace(app->L) = app;
    lua_atpanic(app->L, panic);
    lua_newtable(app->L);
    lua_sandbox_open(app->L);
    lua_setfield(app->L, LUA_REGISTRYINDEX, LUA_KEY_GLOBALS);
    lua_rows_open(app->L);
    lua_view_open(app->L);
    lua_emit_open(app->L);
    lua_actions_open(app->L);
    lua_packets_open(app->L);
    lua_sethook(app->L, count_instructions, LUA_MASKCOUNT, LOOK_AFTER);
    return app;
}

/* Calling.  --------------------------------------------------------------- */

/* Returns what the error on top of the stack says; valid as long as it is
 * there, and until the next call.  Not in Lua's memory, of which there may be
 * none. */
static const char *
error_text(struct lua_app *app, int status)
{
    lua_State *L = app->L;

    if (status == LUA_ERRMEM) {
        lua_gc(L, LUA_GCCOLLECT);
        snprintf(app->why, sizeof app->why,
                 "%s: used more than %d MiB of memory", app->name,
                 LUA_MEMORY_MIB);
        return app->why;
    }
    if (lua_type(L, -1) != LUA_TSTRING) {
        snprintf(app->why, sizeof app->why,
                 "%s: raised an error that is no text", app->name);
        return app->why;
    }
    return lua_tostring(L, -1);
}

/* Calls 'function', which takes 'run' as light userdata, for a computation.
 * Returns NULL; or what the error says, which stays on the stack. */
static const char *
call(struct lua_app *app, lua_CFunction function, struct lua_run *run)
{
    lua_State *L = app->L;
    int status;

    run->id = ++app->n_runs;
    run->instructions = run->instructions_max;
    run->outer = app->run;
    app->run = run;
    if (!lua_checkstack(L, LUA_MINSTACK)) {
        status = LUA_ERRMEM;
    } else {
        lua_pushcfunction(L, function);
        lua_pushlightuserdata(L, run);
        status = lua_pcall(L, 1, 0, 0);
    }
    app->run = run->outer;
    return status == LUA_OK ? NULL : error_text(app, status);
}

/* Sees whether something has stayed of a computation. */
static int
check_kept(lua_State *L)
{
    if (lua_has_kept(L)) {
        lua_error(L);
    }
    return 0;
}

/* Has a computation fail that left something behind. */
static void
fail_if_kept(struct lua_app *app, struct recorder *recorder)
{
    struct lua_run check = {
        .instructions_max = LUA_INSTRUCTIONS_MAX };
    const char *why = call(app, check_kept, &check);

    if (why) {
        vmn_fail(&recorder->emit, "%s", why);
    }
}

/* Does a computation, and records its failure. */
static void
compute(struct lua_app *app, lua_CFunction function, struct lua_run *run,
        struct recorder *recorder)
{
    int top = lua_gettop(app->L);
    const char *why;

    if (app->run) {             /* One that asks for a query's value. */
        fail_if_kept(app, app->run->recorder);
    }
    run->recorder = recorder;
    why = call(app, function, run);
    if (why) {
        vmn_fail(&recorder->emit, "%s", why);
    }
    fail_if_kept(app, recorder);
    lua_settop(app->L, top);
}

/* Pushes function 'index' of the array 'array' of the declaration. */
static void
push_function(lua_State *L, const char *array, uint32_t index,
              const char *function)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_DECLARED);
    lua_getfield(L, -1, array);
    lua_geti(L, -1, (lua_Integer) index + 1);
    lua_getfield(L, -1, function);
}

static int
compile(lua_State *L)
{
    struct lua_run *run = lua_touserdata(L, 1);

    push_function(L, "units", run->index, "compile");
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_VIEW);
    lua_pushstring(L, run->key);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_EMIT);
    lua_call(L, 3, 0);
    return 0;
}

void
lua_app_compile(struct lua_app *app, uint32_t index, struct vmn_view *view,
                const char *key, struct recorder *recorder)
{
    struct lua_run run = {
        .instructions_max = LUA_INSTRUCTIONS_MAX, .view = view,
        .emit = &recorder->emit, .key = key, .index = index };

    compute(app, compile, &run, recorder);
}

static int
eval(lua_State *L)
{
    struct lua_run *run = lua_touserdata(L, 1);
    const char *value;
    size_t size;

    push_function(L, "queries", run->index, "eval");
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_VIEW);
    lua_pushstring(L, run->key);
    lua_call(L, 2, 1);
    if (lua_isnil(L, -1)) {
        return 0;
    }
    if (lua_type(L, -1) != LUA_TSTRING) {
        lua_raise(L, "%s: query %s must return a text or nil, not %s",
                  lua_app_of(L)->name,
                  lua_app_of(L)->queries[run->index].name,
                  lua_type_text(L, -1));
    }
    value = lua_tolstring(L, -1, &size);
    vmn_value_set(run->value, value, size);
    return 0;
}

void
lua_app_eval(struct lua_app *app, uint32_t index, struct vmn_view *view,
             const char *key, struct vmn_value *value,
             struct recorder *recorder)
{
    struct lua_run run = {
        .instructions_max = LUA_INSTRUCTIONS_MAX, .view = view, .key = key,
        .index = index, .value = value };

    compute(app, eval, &run, recorder);
}

static int
handle(lua_State *L)
{
    struct lua_run *run = lua_touserdata(L, 1);

    push_function(L, "handlers", run->index, "handle");
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_VIEW);
    lua_push_packet(L, run->packet);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_OUT);
    lua_call(L, 3, 0);
    return 0;
}

void
lua_app_handle(struct lua_app *app, uint32_t index, struct vmn_view *view,
               const struct vmn_packet_in *packet, struct recorder *recorder)
{
    struct lua_run run = {
        .instructions_max = LUA_PACKET_INSTRUCTIONS_MAX, .view = view,
        .out = &recorder->packets, .packet = packet, .index = index };

    compute(app, handle, &run, recorder);
}

/* Takes { type = T, name = N, rule = R }, or nil. */
static int
find_owner(lua_State *L)
{
    static const char *const names[] = { "type", "name", "rule", NULL };
    struct lua_run *run = lua_touserdata(L, 1);
    const char *app = lua_app_of(L)->name;

    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_DECLARED);
    lua_getfield(L, -1, "flow_owner");
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_VIEW);
    lua_pushstring(L, run->unit);
    lua_pushstring(L, run->key);
    lua_pushinteger(L, run->index);
    lua_call(L, 4, 1);
    if (lua_isnil(L, -1)) {
        return 0;
    }
    if (lua_type(L, -1) != LUA_TTABLE) {
        lua_raise(L, "%s: flow_owner must return a table or nil, not %s", app,
                  lua_type_text(L, -1));
    }
    lua_check_options(L, -1, "flow_owner", names);
    lua_getfield(L, -1, "rule");
    run->owner->rule = (lua_isnil(L, -1) ? -1
                        : lua_take_integer(L, -1, "rule", -1, INT_MAX));
    lua_getfield(L, -2, "type");
    lua_take_text(L, -1, "type");
    run->owner->row_type = lua_take_row_type(L, -1, "type");
    lua_getfield(L, -3, "name");
    ovs_strlcpy(run->name, lua_take_text(L, -1, "name"), VMN_NAME_LEN + 1);
    run->owner->name = run->name;
    return 0;
}

bool
lua_app_find_owner(struct lua_app *app, struct vmn_view *view,
                   const char *unit, const char *key, uint32_t part,
                   struct vmn_flow_owner *owner, char name[VMN_NAME_LEN + 1])
{
    struct lua_run run = {
        .instructions_max = LUA_PACKET_INSTRUCTIONS_MAX, .view = view,
        .unit = unit, .key = key, .index = part, .owner = owner,
        .name = name };
    int top = lua_gettop(app->L);
    const char *why = call(app, find_owner, &run);
    bool kept = lua_has_kept(app->L);

    lua_settop(app->L, top);
    return !why && !kept && owner->name;
}

/* fail(pointer, text) */
static int
check_fail(lua_State *L)
{
    struct lua_run *run = lua_app_of(L)->run;

    if (!run || !run->check) {
        lua_raise(L, "fail(): is for the check that it was given to");
    }
    vmn_check_fail(run->check, lua_take_text(L, 1, "fail(): the pointer"),
                   "%s", lua_take_text(L, 2, "fail(): the text"));
    return 0;
}

static int
check(lua_State *L)
{
    struct lua_run *run = lua_touserdata(L, 1);

    push_function(L, "types", run->index, "check");
    lua_push_row(L, run->object);
    lua_pushcfunction(L, check_fail);
    lua_call(L, 2, 0);
    return 0;
}

void
lua_app_check(struct lua_app *app, uint32_t index, struct vmn_view *view,
              const struct vmn_row *object, struct vmn_check *faults)
{
    struct lua_run run = {
        .instructions_max = LUA_PACKET_INSTRUCTIONS_MAX, .view = view,
        .index = index, .object = object, .check = faults };
    int top = lua_gettop(app->L);
    const char *why = call(app, check, &run);

    if (why) {
        vmn_check_fail(faults, "", "cannot be checked: %s", why);
    }
    if (lua_has_kept(app->L)) {
        vmn_check_fail(faults, "", "cannot be checked: %s",
                       lua_tostring(app->L, -1));
    }
    lua_settop(app->L, top);
}

/* Loading.  --------------------------------------------------------------- */

/* A script while it is loaded. */
struct script {
    struct lua_run run;
    const char *text;
    size_t size;
};

static int
load(lua_State *L)
{
    const struct script *script = lua_touserdata(L, 1);
    struct lua_app *app = lua_app_of(L);
    const char *chunk = lua_pushfstring(L, "@%s", app->name);
    size_t mark = text_skip_bom(script->text, script->size);

    if (luaL_loadbufferx(L, script->text + mark, script->size - mark, chunk,
                         "t")) {
        lua_error(L);
    }
    /* Its globals: the only variable from outside that a file has. */
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_GLOBALS);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 1);
    lua_class_take(L);
    lua_freeze(L);
    return 0;
}

int
lua_app_load(struct lua_app *app, const char *name, const char *text,
             size_t size, struct vmn_error *why)
{
    struct script script = {
        .run.instructions_max = LUA_LOAD_INSTRUCTIONS_MAX,
        .text = text, .size = size };
    const char *error;
    int code = 0;

    ovs_strlcpy(app->name, name, sizeof app->name);
    if (size >= sizeof LUA_SIGNATURE - 1
        && !memcmp(text, LUA_SIGNATURE, sizeof LUA_SIGNATURE - 1)) {
        return vmn_error_invalid(why, "%s: is compiled, and a script is text",
                                 app->name);
    }
    if (memchr(text, '\0', size)) {
        return vmn_error_invalid(why, "%s: is no text", app->name);
    }
    error = call(app, load, &script.run);
    if (error) {
        code = vmn_error_invalid(why, "%s", error);
    }
    lua_settop(app->L, 0);
    return code;
}

const struct vmn_app_class *
lua_app_class(const struct lua_app *app)
{
    return &app->class_;
}
