/* SPDX-License-Identifier: Apache-2.0
 *
 * The bindings that a request changes, though it names none: of ports that it
 * forbids their host, or gives another interface, and of those of hosts that
 * it deletes.  They are part of its revision.  For transaction.c alone; where
 * a port is bound is decided elsewhere (model_set_bind()). */

#ifndef CONTROLLER_MODEL_REBINDING_H
#define CONTROLLER_MODEL_REBINDING_H 1

struct model_request;
struct txn;

/* Has the bindings decided that the changes may concern, and puts the results
 * into effect.  Called when all else is. */
void rebind_ports(struct txn *);
/* Notes which ports the request, which is about to be made final, unbinds, and
 * whose migrations it ends. */
void note_unbound(struct txn *);
/* Forgets them. */
void model_request_clear_unbound(struct model_request *);

#endif /* controller/model/rebinding.h */
