/* SPDX-License-Identifier: Apache-2.0
 *
 * The scopes that each host is a member of, so that whoever wants the items of
 * a host does not look through all scopes.  What a scope's members are is in
 * scope.h. */

#ifndef CONTROLLER_ENGINE_HOST_SCOPES_H
#define CONTROLLER_ENGINE_HOST_SCOPES_H 1

#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"

struct engine_scope;

struct host_scopes {
    struct shash hosts;         /* Of struct hmap, by name. */
};

/* That a host is a member of a scope. */
struct host_scope {
    struct hmap_node node;      /* In the host's, by the scope's hash. */
    struct engine_scope *scope;
};

void host_scopes_init(struct host_scopes *);
/* All members must have been removed. */
void host_scopes_uninit(struct host_scopes *);

void host_scopes_add(struct host_scopes *, const char *host,
                     struct engine_scope *);
void host_scopes_remove(struct host_scopes *, const char *host,
                        struct engine_scope *);

/* Returns the struct host_scope of 'host', by 'node', or NULL if there are
 * none.  Valid until the next change. */
const struct hmap *host_scopes_get(const struct host_scopes *,
                                   const char *host);

#endif /* controller/engine/host-scopes.h */
