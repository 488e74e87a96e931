/* SPDX-License-Identifier: Apache-2.0
 *
 * An entry of the log of changes, as the store, GET /v1/revisions and events
 * show it.  Not for what a revision made of objects (schema-diff.h). */

#ifndef CONTROLLER_SCHEMA_SCHEMA_LOG_H
#define CONTROLLER_SCHEMA_SCHEMA_LOG_H 1

#include <stdint.h>

#include "controller/schema/schema-diff.h"
#include "controller/schema/schema.h"

/* A change in an entry of the log, or one that a request caused besides its
 * own. */
struct schema_changed {
    const char *op, *type, *name; /* NULL with 'more'. */
    uint64_t more;              /* Of the last one: number of omitted ones. */
    uint64_t revision;          /* Of a restore: the backup's. */
    const char *by;             /* Of an effect on a port: the object that was
                                 * changed, TYPE/NAME; else NULL. */
    const char *from, *to;      /* Of a binding: the port's host before and
                                 * after; NULL: none. */
    const char *candidate;      /* Of a binding, after it; or NULL. */
    bool activated;             /* Of a binding, after it. */
    const char *former;         /* Of a binding: its former host, which it had
                                 * until then; or NULL. */
    /* Of a binding: "finished" or "rolled back", and why; or NULL. */
    const char *migration, *migration_reason;
    struct schema_diff diff;    /* Of an update; never in the log. */
};
extern const struct schema_struct schema_changed_shown;

/* Texts are borrowed. */
struct schema_log_entry {
    uint64_t revision;
    int64_t time;               /* Milliseconds since 1970; 0: not known. */
    const char *who;            /* NULL: not known. */
    const char *comment;        /* Its author's, or NULL. */
    uint64_t undoes;            /* The revision that it takes back, or 0. */
    const char *draft;          /* That it applied, or NULL; and */
    const char *draft_author;   /* with it, who created that. */
    uint64_t restored_over;     /* The restore that took it back, or 0. */
    const char *changes;        /* The JSON text of a list of struct
                                 * schema_changed: perhaps thousands, which
                                 * are printed once, when they are made. */
};
extern const struct schema_struct schema_log_entry_shown;

#endif /* controller/schema/schema-log.h */
