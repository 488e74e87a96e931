/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request opens that was closed: policies that are enforced no longer,
 * ports that leave isolation or quarantine, connections that policies denied
 * and now allow, addresses that a port may use, ways from outside.  Found by
 * comparing rows before and after the request, within its transaction, so a
 * refusal is atomic with the change.  Not for what the network carries besides
 * policies (controller/simulator). */

#ifndef CONTROLLER_MODEL_LOOSENING_H
#define CONTROLLER_MODEL_LOOSENING_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/arena.h"
#include "controller/schema/tables.h"

struct txn;

/* Listed at most for one request. */
#define LOOSENED_MAX 50

/* One statement, for the author of the request. */
struct loosened_item {
    const char *kind;           /* "enforcement", "isolation", "quarantine",
                                 * "access", "addresses" or "exposure". */
    const char *type, *name;    /* The object that it is about; or NULL. */
    const char *pointer;        /* Within the spec, or NULL. */
    const char *text;
};

struct loosened {
    struct arena arena;         /* Owns the texts. */
    size_t n;
    struct loosened_item items[LOOSENED_MAX];
    uint64_t n_more;            /* That are not among these. */
    bool is_partial;            /* There was more to look at than is looked at
                                 * for one request. */
};

/* Returns what the request, which is applied and not yet final, loosens; NULL:
 * nothing.  The work is bounded: by little unless the request is planned, or
 * must loosen nothing. */
struct loosened *loosening_find(struct txn *);
/* Adds an error for each item to those of the transaction, and for what was
 * not looked at. */
void loosening_refuse(struct txn *, const struct loosened *);
void loosened_destroy(struct loosened *);

#endif /* controller/model/loosening.h */
