/* SPDX-License-Identifier: Apache-2.0
 *
 * Apps that are Lua scripts, in a worker: what worker-main.c does with one in
 * place of a module's functions.  A script is as pure as a module, and held to
 * it: docs/writing-an-app-in-lua.md has what it may use.  Not for modules, and
 * not for vmnd, which does not know the difference. */

#ifndef CONTROLLER_WORKER_LUA_LUA_APP_H
#define CONTROLLER_WORKER_LUA_LUA_APP_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/error.h"
#include "vmn/types.h"

struct recorder;
struct lua_app;
struct vmn_app_class;
struct vmn_check;
struct vmn_packet_in;
struct vmn_row;
struct vmn_value;
struct vmn_view;

/* The most bytes of a script. */
#define LUA_APP_SIZE_MAX (1024 * 1024)

/* Returns a place for a script, with the libraries that it gets; NULL if there
 * is no memory.  Before any code of the app may run: Lua's own asks for the
 * time. */
struct lua_app *lua_app_create(void);

/* Runs the script 'text', whose file is called 'name', and takes its
 * declaration.  Returns 0, or EINVAL with an error that says what is wrong
 * with it, and where. */
int lua_app_load(struct lua_app *, const char *name, const char *text,
                 size_t size, struct vmn_error *why);

/* What the script declares.  Its functions only say that there are some: those
 * below call them.  Owned by the app. */
const struct vmn_app_class *lua_app_class(const struct lua_app *);

/* Each calls a function of the script, by its index in the class's array.  A
 * mistake in the script is recorded in 'recorder', as vmn_fail() does it. */
void lua_app_compile(struct lua_app *, uint32_t index, struct vmn_view *,
                     const char *key, struct recorder *);
void lua_app_eval(struct lua_app *, uint32_t index, struct vmn_view *,
                  const char *key, struct vmn_value *, struct recorder *);
void lua_app_handle(struct lua_app *, uint32_t index, struct vmn_view *,
                    const struct vmn_packet_in *, struct recorder *);
/* Says what a flow stands for (vmn_flow_owner_fn), its name in 'name'.  A
 * mistake in the script is no answer. */
struct vmn_flow_owner;
bool lua_app_find_owner(struct lua_app *, struct vmn_view *, const char *unit,
                        const char *key, uint32_t part,
                        struct vmn_flow_owner *,
                        char name[VMN_NAME_LEN + 1]);
/* A mistake in the script is a fault of the object. */
void lua_app_check(struct lua_app *, uint32_t index, struct vmn_view *,
                   const struct vmn_row *object, struct vmn_check *);

#endif /* controller/worker/lua/lua-app.h */
