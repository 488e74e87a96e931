/* SPDX-License-Identifier: Apache-2.0
 *
 * Deletes objects of apps' types whose time is over (VMN_REL_ENDED), by
 * transactions like any other.  Not for observations
 * (observation-expiry.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>

#include "controller/engine/relation.h"
#include "controller/schema/schema-origin.h"
#include "controller/schema/schema-own.h"
#include "util.h"

/* Interval of checks, in seconds. */
#define CHECK_INTERVAL_S 5
/* Objects that are deleted at a time. */
#define DELETED_MAX 500

/* Each goes by a transaction of its own: one that another object names stays,
 * and keeps none of the others.  So does one that a request, which is queued
 * already, changes: its time may be another one by that. */
static void
delete_ended(struct northbound *nb, enum vmn_table table, const char *name,
             uint64_t revision)
{
    struct model_request request;

    model_request_init(&request, ORIGIN_NAME_VMND);
    model_request_add(&request, MODEL_DELETE, table, name, NULL)->if_match
        = xasprintf("%"PRIu64, revision);
    commit_submit(nb->commit, &request, NULL, NULL);
    model_request_uninit(&request);
}

/* Deletes some of those of a type; '*n' is how many of all were there. */
static void
delete_of_type(struct northbound *nb, const struct vmn_type_row *type,
               size_t *n)
{
    enum vmn_table table = schema_own_place(type->row.name);
    char *relation = xasprintf("%s.ended", type->app);
    struct vmn_names names = engine_relation_values(nb->engine, relation,
                                                    type->row.name);

    for (size_t i = 0; i < names.n && table != VMN_N_TABLES; i++) {
        const char *name = names.names[i];
        struct model_meta meta;

        if (model_get_durable(nb->model, table, name, &meta)
            && (*n)++ / DELETED_MAX == nb->ended_turn) {
            delete_ended(nb, table, name, meta.revision);
        }
    }
    free(relation);
}

/* Of more than may go at a time others have their turn the next time, so that
 * those that stay are in nobody's way. */
void
nb_delete_ended_objects(struct northbound *nb)
{
    const struct vmn_type_row *type = NULL;
    size_t n = 0;

    while ((type = model_next_durable(nb->model, VMN_TABLE_TYPE,
                                      type ? type->row.name : "", NULL))) {
        delete_of_type(nb, type, &n);
    }
    nb->ended_turn = (nb->ended_turn + 1) * DELETED_MAX < n
        ? nb->ended_turn + 1 : 0;
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *nb_)
{
    struct northbound *nb = nb_;

    if (nb->ready && !nb->following && commit_is_quiescent(nb->commit)) {
        nb_delete_ended_objects(nb);
    }
}

void
nb_ended_objects_init(struct northbound *nb)
{
    static const struct timeval tv = { CHECK_INTERVAL_S, 0 };

    nb->ended_objects = event_new(nb->base, -1, EV_PERSIST, timer_cb, nb);
    event_add(nb->ended_objects, &tv);
}

void
nb_ended_objects_uninit(struct northbound *nb)
{
    event_free(nb->ended_objects);
}
