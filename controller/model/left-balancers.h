/* SPDX-License-Identifier: Apache-2.0
 *
 * The balancers for which deleted ports served, for warnings: the open
 * connections of such a backend are cut, which a drain would let end.  Not for
 * backends that a balancer does not list or select any more, which is what its
 * own change says. */

#ifndef CONTROLLER_MODEL_LEFT_BALANCERS_H
#define CONTROLLER_MODEL_LEFT_BALANCERS_H 1

struct model_request;
struct txn;

/* Fills in 'left_backends' of the request, which is about to be made final. */
void note_left_balancers(struct txn *);
/* Forgets them. */
void model_request_clear_left_backends(struct model_request *);

#endif /* controller/model/left-balancers.h */
