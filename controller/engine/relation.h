/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the values of relations from outside of the engine.  If the scope is
 * known, engine_scope_hosts() returns its hosts. */

#ifndef CONTROLLER_ENGINE_RELATION_H
#define CONTROLLER_ENGINE_RELATION_H 1

#include "vmn/types.h"

struct engine;
struct sset;

/* Returns the values of relation 'relation' at 'key': for a relation used as a
 * scope, hosts, with or without a row.  Sorted; valid until the next
 * engine_run(). */
struct vmn_names engine_relation_values(struct engine *, const char *relation,
                                        const char *key);

/* Adds to 'read' the relations that units and queries of app 'app' have read,
 * at any key, and to 'published' those that have a value at any key,
 * whoever has published it. */
void engine_relations_used(const struct engine *, const char *app,
                           struct sset *read, struct sset *published);

#endif /* controller/engine/relation.h */
