/* SPDX-License-Identifier: Apache-2.0
 *
 * Building a struct engine_delta.  Reading one needs engine.h alone. */

#ifndef CONTROLLER_ENGINE_DELTA_H
#define CONTROLLER_ENGINE_DELTA_H 1

#include <stdbool.h>

struct engine;
struct engine_delta;
struct engine_scope;
struct flow_item;
struct pipeline;

struct engine_delta *delta_create(const struct engine *,
                                  const struct pipeline *);

/* Adds an item that is desired from now on ('added'), or no longer.
 * 'replaced': another item with the same key and scope replaces it, or is
 * replaced by it.  Takes a reference. */
void delta_add(struct engine_delta *, struct flow_item *, bool added,
               bool replaced);
void delta_add_member(struct engine_delta *, struct engine_scope *,
                      const char *host, bool joined);
/* Counts a computation of a unit of app number 'app'. */
void delta_count_unit(struct engine_delta *, unsigned app);

#endif /* controller/engine/delta.h */
