/* SPDX-License-Identifier: Apache-2.0
 *
 * Reachability: who can reach whom on a service, by classes of ports
 * (port-classes.h), with what decides; and what a change would do to it. */

#ifndef CONTROLLER_SIMULATOR_REACHABILITY_MATRIX_H
#define CONTROLLER_SIMULATOR_REACHABILITY_MATRIX_H 1

#include <jansson.h>
#include <stdbool.h>

#include "controller/simulator/trace-request.h"

struct engine;
struct model;
struct pipeline;
struct vmn_errors;

/* At most so many classes of ports are looked at, and pairs of them; and
 * groups are shown. */
#define REACH_CLASSES_MAX 300
#define REACH_PAIRS_MAX 10000
#define REACH_GROUPS_MAX 500

struct reach_request {
    char *network;              /* NULL: all.  Owned. */
    enum trace_protocol protocol;
    uint16_t port;              /* TCP, UDP, SCTP. */
};
void reach_request_uninit(struct reach_request *);

/* Returns the matrix of docs/api.md's GET /v1/reachability, in the model's
 * current state, which the caller owns; or NULL with 'errors'.  Pauses. */
json_t *reach_make(struct engine *, const struct model *,
                   const struct pipeline *, const struct reach_request *,
                   struct vmn_errors *errors);

/* Returns true if two cells have the same verdict, and those in them (of
 * families, and of places) as well. */
bool reach_same(const json_t *, const json_t *);

/* Returns the difference of two matrices.  Takes both.  Pauses, as the next
 * one. */
json_t *reach_compare(struct engine *, json_t *before, json_t *after);

/* The same matrix by groups of ports; NULL with 'errors' if they are too many.
 * Takes it. */
json_t *reach_by_group(struct engine *, json_t *matrix,
                       struct vmn_errors *errors);

#endif /* controller/simulator/reachability-matrix.h */
