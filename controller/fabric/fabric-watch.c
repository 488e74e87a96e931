/* SPDX-License-Identifier: Apache-2.0
 *
 * Registers watchers of the fabric; see fabric-watch.h. */

#include <config.h>

#include "controller/fabric/fabric-watch.h"

#include "controller/fabric/fabric-private.h"
#include "util.h"

void
fabric_add_watch(struct fabric *f, const struct fabric_watch *watch,
                 void *aux)
{
    ovs_assert(f->n_watchers < FABRIC_WATCHERS_MAX);
    f->watchers[f->n_watchers++] = (struct fabric_watcher) { watch, aux };
}

void
fabric_remove_watch(struct fabric *f, const struct fabric_watch *watch,
                    void *aux)
{
    for (size_t i = 0; i < f->n_watchers; i++) {
        if (f->watchers[i].watch == watch && f->watchers[i].aux == aux) {
            f->watchers[i] = f->watchers[--f->n_watchers];
            return;
        }
    }
}
