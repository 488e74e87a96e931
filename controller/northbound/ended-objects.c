/* SPDX-License-Identifier: Apache-2.0
 *
 * Deletes objects of apps' types whose time is over (VMN_REL_ENDED), by a
 * transaction like any other.  Not for observations (observation-expiry.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <event2/event.h>
#include <stdlib.h>

#include "controller/engine/relation.h"
#include "controller/schema/schema-own.h"
#include "util.h"

/* Interval of checks, in seconds. */
#define CHECK_INTERVAL_S 5
/* Objects that one transaction deletes. */
#define DELETED_MAX 1000

static void
add_ended(struct northbound *nb, const struct vmn_type_row *type,
          struct model_request *request)
{
    enum vmn_table table = schema_own_place(type->row.name);
    char *relation = xasprintf("%s.ended", type->app);
    struct vmn_names names = engine_relation_values(nb->engine, relation,
                                                    type->row.name);

    for (size_t i = 0; i < names.n && request->n_ops < DELETED_MAX; i++) {
        if (table != VMN_N_TABLES
            && model_get_durable(nb->model, table, names.names[i], NULL)) {
            model_request_add(request, MODEL_DELETE, table, names.names[i],
                              NULL)->missing_ok = true;
        }
    }
    free(relation);
}

void
nb_delete_ended_objects(struct northbound *nb)
{
    const struct vmn_type_row *type = NULL;
    struct model_request request;

    model_request_init(&request, "vmnd");
    while ((type = model_next_durable(nb->model, VMN_TABLE_TYPE,
                                      type ? type->row.name : "", NULL))) {
        add_ended(nb, type, &request);
    }
    if (request.n_ops) {
        commit_submit(nb->commit, &request, NULL, NULL);
    }
    model_request_uninit(&request);
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
