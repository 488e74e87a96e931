/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads what units publish, from outside of the engine.  Not for the hosts of
 * a scope that is at hand: engine_scope_hosts(). */

#ifndef CONTROLLER_ENGINE_RELATION_H
#define CONTROLLER_ENGINE_RELATION_H 1

#include "vmn/types.h"

struct engine;

/* Returns the values of relation 'relation' at 'key': of one that is a scope,
 * hosts, with or without a row.  Sorted; valid until the next engine_run(). */
struct vmn_names engine_relation_values(struct engine *, const char *relation,
                                        const char *key);

#endif /* controller/engine/relation.h */
