/* SPDX-License-Identifier: Apache-2.0
 *
 * Warnings about the objects that a request puts or patches: those of the
 * model (controller/model/warnings.h), and what follows from its flows.  Not
 * for problems of flows (engine-problems.c). */

#ifndef CONTROLLER_COMMIT_REQUEST_WARNINGS_H
#define CONTROLLER_COMMIT_REQUEST_WARNINGS_H 1

struct arena;
struct engine;
struct model;
struct model_request;
struct model_warnings;
struct vmn_row;

/* Adds what the app of the object's type warns of (docs/own-types.md), of an
 * own type. */
void request_warnings_add_own(struct engine *, const struct vmn_row *,
                              struct model_warnings *);

/* Sets '*warnings' to those about the objects of 'request', which is applied
 * and computed, about what of an undo it leaves out, about groups that it has
 * emptied, about ports that it has unbound, and about balancers whose backends
 * it has deleted; in 'arena'. */
void request_warnings_find(const struct model *, struct engine *,
                           const struct model_request *request,
                           struct arena *arena,
                           struct model_warnings *warnings);

#endif /* controller/commit/request-warnings.h */
