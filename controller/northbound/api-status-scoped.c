/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/status for an account with a scope: how many objects it has, the
 * states of its ports, and warnings about what is its own.  Nothing of it
 * follows from what others have: neither hosts and their addresses, nor
 * figures and problems of the whole installation (api-status.c). */

#include <config.h>

#include "controller/northbound/auth.h"

#include <stdlib.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/commit/request-warnings.h"
#include "controller/fabric/fabric-status.h"
#include "controller/model/warnings.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/replies.h"
#include "controller/northbound/router-status.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/status.h"
#include "util.h"

/* Rows between two looks at the clock. */
#define STEPS 64

struct scoped_status {
    const struct northbound *nb;
    const struct model_rights *rights; /* Of the account, with a scope. */
    struct nb_summary_ports ports;
    struct model_warnings warnings;
    struct schema_entry objects[VMN_N_TABLES];
    size_t n_objects;
    size_t n_read;
};

/* Counting.  ------------------------------------------------------------- */

static void
count_port(struct scoped_status *s, const struct vmn_port *port)
{
    struct nb_summary_ports *n = &s->ports;
    const struct {
        const char *state;
        size_t *n;
    } states[] = {
        { "up", &n->up }, { "pending", &n->pending }, { "down", &n->down },
        { "unknown", &n->unknown }, { "unbound", &n->unbound },
        { "external", &n->external },
    };
    char *quarantine = nb_port_quarantine(s->nb, port->row.name);
    struct status_port status;
    struct arena arena;
    const char *state;

    arena_init(&arena);
    fabric_port_status(s->nb->fabric, port->row.name, &arena, &status);
    state = status.state ? status.state : "unbound";
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        *states[i].n += !strcmp(state, states[i].state);
    }
    n->quarantined += port->quarantined || quarantine;
    n->disabled += !port->enabled;
    free(quarantine);
    arena_uninit(&arena);
}

/* Returns true if all ports that may be backends are the account's: else
 * warnings would tell states and hosts of others'. */
static bool
owns_backends(const struct scoped_status *s, const struct vmn_loadbalancer *lb)
{
    size_t n;
    struct vmn_lb_member *members = nb_balancer_members(s->nb, lb->row.name,
                                                        &n);
    bool owns = true;

    for (size_t i = 0; i < n && owns; i++) {
        const struct vmn_row *port = model_get(s->nb->model, VMN_TABLE_PORT,
                                               members[i].port);

        owns = !port || model_in_scope(s->rights, port);
    }
    free(members);
    return owns;
}

/* Adds the warnings about the account's object. */
static void
warn_of(struct scoped_status *s, const struct vmn_row *row)
{
    model_warnings_add(&s->warnings, row);
    request_warnings_add_own(s->nb->engine, row, &s->warnings);
    if (row->table == VMN_TABLE_ROUTER) {
        nb_warn_of_router(s->nb, (const void *) row, &s->warnings);
    } else if (row->table == VMN_TABLE_LOADBALANCER
               && owns_backends(s, (const void *) row)) {
        nb_warn_of_balancer(s->nb, (const void *) row, &s->warnings);
    }
}

/* Returns true for types of which an account with a scope may have objects;
 * those that everyone sees are the installation's. */
static bool
may_have(const struct schema_table *table)
{
    return !table->observed && !table->unscoped && !table->everyone_sees;
}

/* Reads the objects of a type.  Yields. */
static void
read_table(struct scoped_status *s, const struct schema_table *table)
{
    struct schema_entry *objects = &s->objects[s->n_objects++];
    struct vmn_names names = model_names(s->nb->model, table->id);

    objects->name = table->plural;
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_row *row = model_get(s->nb->model, table->id,
                                              names.names[i]);

        if (row && model_in_scope(s->rights, row)) {
            objects->value++;
            if (row->table == VMN_TABLE_PORT) {
                count_port(s, (const void *) row);
            }
            warn_of(s, row);
        }
        /* Whose a draft is takes milliseconds to find out, if it is large. */
        if (++s->n_read % STEPS == 0 || table->id == VMN_TABLE_DRAFT) {
            commit_yield(s->nb->commit);
        }
    }
}

void
nb_send_scoped_status(struct http_request *req, struct northbound *nb)
{
    struct scoped_status s = { .nb = nb, .rights = nb_rights(req) };
    struct nb_reply_status reply = {
        .version = VMN_VERSION, .ready = nb->ready,
        .revision = model_durable_revision(nb->model),
        .scope = s.rights->scope.text, .ports = &s.ports,
        .objects = s.objects,
    };
    struct arena arena;

    arena_init(&arena);
    model_warnings_init(&s.warnings, nb->model, s.rights, &arena);
    for (int i = 0; i < VMN_N_TABLES; i++) {
        if (may_have(schema_tables[i])) {
            read_table(&s, schema_tables[i]);
        }
    }
    model_warnings_finish(&s.warnings);
    reply.n_objects = s.n_objects;
    reply.n_warnings = s.warnings.n;
    reply.warnings = s.warnings.warnings;
    nb_reply_struct(req, &nb_status_scoped, &reply);
    arena_uninit(&arena);
}
