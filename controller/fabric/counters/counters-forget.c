/* SPDX-License-Identifier: Apache-2.0
 *
 * Forgets the hits of objects that are deleted.  Owners of flows are known by
 * their names, so an object that is made again under its name would go on with
 * the hits of the one before, unless a reading has come in between.  Not for
 * flows that a reading does not find any more (counters.c). */

#include <config.h>

#include "controller/fabric/counters/counters.h"

#include <string.h>

#include "controller/fabric/counters/counters-private.h"
#include "controller/fabric/counters/pair-log.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-sampling.h"
#include "controller/schema/schema.h"
#include "hash.h"

/* Retires the counters of an object that was deleted.  It may be there again,
 * with flows of the same owners. */
static void
forget_object(struct fabric *f, enum vmn_table table, const char *name)
{
    struct counters *c = f->counters;
    struct hmap_node *node, *next;

    for (node = hmap_first_with_hash(&c->by_object, hash_string(name, 0));
         node; node = next) {
        struct counter *counter = CONTAINER_OF(node, struct counter,
                                               object_node);
        struct engine_flow_owner about;

        next = hmap_next_with_hash(node);
        engine_get_flow_owner(f->engine, counter->cookie, counter->part,
                              &about);
        if (!about.owner
            || (about.type && !strcmp(about.type, schema_tables[table]->plural)
                && !strcmp(about.name, name))) {
            sampling_forget_logged(f, counter->cookie, counter->part);
            counter_retire(c, counter);
        }
    }
}

/* Retires the counters of all owners that there are not any more. */
static void
forget_all_gone(struct fabric *f)
{
    struct counter *counter, *next;

    HMAP_FOR_EACH_SAFE (counter, next, node, &f->counters->counters) {
        if (!engine_cookie_name(f->engine, counter->cookie)) {
            sampling_forget_logged(f, counter->cookie, counter->part);
            counter_retire(f->counters, counter);
        }
    }
}

static bool
is_there(const void *model, const char *port)
{
    return model_get(model, VMN_TABLE_PORT, port) != NULL;
}

void
counters_forget_deleted(struct fabric *f)
{
    struct model_pending pending;

    model_get_pending(f->model, &pending);
    for (size_t i = 0; i < pending.n_logs; i++) {
        const struct model_log *log = &pending.logs[i];

        for (size_t j = 0; j < log->n_changes; j++) {
            const struct model_log_change *change = &log->changes[j];

            if (change->before.row && !change->after.row) {
                forget_object(f, change->table, change->name);
                if (change->table == VMN_TABLE_PORT) {
                    pair_log_forget_port(f->counters->pairs.log,
                                         change->name);
                }
            }
        }
        if (log->n_more) {
            forget_all_gone(f);
            pair_log_forget_ports(f->counters->pairs.log, is_there,
                                  f->model);
        }
    }
}
