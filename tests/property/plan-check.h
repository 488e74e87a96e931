/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds plans against what is there before and after, and against what then
 * happens.  Brute force: it looks at everything. */

#ifndef TESTS_PROPERTY_PLAN_CHECK_H
#define TESTS_PROPERTY_PLAN_CHECK_H 1

#include <jansson.h>
#include <stddef.h>

#include "openvswitch/shash.h"
#include "smap.h"

struct engine;
struct engine_delta;
struct model;
struct model_request;

struct plan_check {
    struct plan *plan;               /* The last one, or NULL: refused. */
    struct shash before;        /* "HOST ITEM" -> digest, if there is one. */
    struct smap domains;        /* Networks that have ports -> "@ROUTER". */
};

/* Plans 'request'.  Returns in how many respects anything is not as before,
 * after it has said so. */
size_t plan_check_make(struct plan_check *, struct model *, struct engine *,
                       struct model_request *);

/* The same request was applied (and is not settled yet) and compiled. */
size_t plan_check_compare(struct plan_check *, struct model *,
                          const struct engine *,
                          const struct engine_delta *);

void plan_check_uninit(struct plan_check *);

#endif /* tests/property/plan-check.h */
