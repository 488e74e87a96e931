/* SPDX-License-Identifier: Apache-2.0
 *
 * Warnings about what is valid but most likely a mistake: selectors that match
 * no port, policies and balancers whose groups have no members, hosts that are
 * to connect where nobody listens, gateways of routers on hosts without a way
 * to the physical network, migrations without a host to leave, deleted hosts
 * that cannot be reached, and quotas below the present use.  Reported, never
 * rejected, since that may be set right later.  Not for errors (checks.h), nor
 * for problems of flows (engine-problems.c). */

#ifndef CONTROLLER_MODEL_WARNINGS_H
#define CONTROLLER_MODEL_WARNINGS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/tables.h"
#include "openvswitch/shash.h"

struct arena;
struct loosened;
struct model;
struct model_rights;
struct schema_struct;
struct vmn_row;

/* Returns what will be left on 'host', which is about to be deleted or was
 * just now, as a sentence that the caller frees; NULL: nothing, as far as is
 * known. */
typedef char *model_host_left_cb(const void *aux, const char *host);
/* Sets who knows that; 'cb' NULL, the default: nobody. */
void model_set_host_left(struct model *, model_host_left_cb *cb,
                         const void *aux);

/* Most warnings in one answer. */
#define MODEL_WARNINGS_MAX 100

/* Members are called as in JSON. */
struct model_warning {
    const char *type, *name;    /* The object.  NULL: it is about none. */
    const char *pointer;        /* JSON pointer into the object; or NULL. */
    const char *text;           /* NULL with 'more'. */
    const char *loosens;        /* What the change loosens: the kind of struct
                                 * loosened_item; or NULL. */
    uint64_t more;              /* Of a last one: the number of those that are
                                 * left out. */
};
extern const struct schema_struct model_warning_shown;

struct model_warnings {
    size_t n;
    struct model_warning *warnings; /* In 'arena'; NULL: none. */
    const struct model_rights *rights; /* Of who is warned; NULL: all. */

    /* Private. */
    const struct model *model;
    struct arena *arena;
    size_t n_all;
    size_t steps;               /* Rows that may still be read. */
    struct shash groups;        /* By name: what a group has. */
};

/* Starts to collect warnings about the model's current state, for a client
 * with 'rights' (NULL: all).  All pointers are borrowed until
 * model_warnings_finish().  The work is bounded: a last warning says if not
 * all objects were checked. */
void model_warnings_init(struct model_warnings *, const struct model *,
                         const struct model_rights *rights, struct arena *);
/* Adds the warnings about the row. */
void model_warnings_add(struct model_warnings *, const struct vmn_row *);
/* Adds those about routers that list the host as a gateway. */
void model_warnings_add_of_host(struct model_warnings *,
                                const struct vmn_host *);
/* Adds those about a group that a change has taken ports out of, if none are
 * left. */
void model_warnings_add_left(struct model_warnings *,
                             const struct vmn_group *);
/* Adds another warning about the row, at 'pointer' within its spec. */
void model_warnings_put(struct model_warnings *, const struct vmn_row *,
                        const char *pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Adds those about a host that is deleted: its row may be gone. */
void model_warnings_add_deleted_host(struct model_warnings *,
                                     const char *name);
/* Adds another warning, about no object. */
void model_warnings_put_general(struct model_warnings *, const char *format,
                                ...)
    __attribute__((format(printf, 2, 3)));
/* Adds what a request loosens; NULL: nothing. */
void model_warnings_put_loosened(struct model_warnings *,
                                 const struct loosened *);
/* Ends it: 'n' and 'warnings' stay valid as long as the arena. */
void model_warnings_finish(struct model_warnings *);

/* Returns true if there may be warnings about rows of the table. */
bool model_warnings_concern(enum vmn_table);

#endif /* controller/model/warnings.h */
