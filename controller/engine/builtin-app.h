/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's own flows: the default of each stage, for packets that match
 * none of its flows, and the entry into the first stage. */

#ifndef CONTROLLER_ENGINE_BUILTIN_APP_H
#define CONTROLLER_ENGINE_BUILTIN_APP_H 1

struct engine;
struct pipeline_app;

/* Returns the app "vmn" that represents the engine itself in names and
 * cookies. */
const struct pipeline_app *builtin_app(void);

/* Returns the name of a stage that no packet passes while app 'name' is
 * disabled, or NULL. */
const char *builtin_closed_stage(const struct engine *, const char *name);

#endif /* controller/engine/builtin-app.h */
