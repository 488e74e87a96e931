/* SPDX-License-Identifier: Apache-2.0
 *
 * What routers have advertised in a network, or to a port, before a request
 * changes it: guests may have it up to its lifetime, and are to be sent
 * lifetimes of 0 for what is not advertised any more.  The rows are part of
 * the request's revision, so a restart forgets none.  The dhcp app decides
 * what is advertised, and sends the withdrawals. */

#ifndef CONTROLLER_MODEL_WITHDRAWALS_H
#define CONTROLLER_MODEL_WITHDRAWALS_H 1

struct txn;

/* Puts and deletes rows of VMN_TABLE_WITHDRAWAL.  Called by transaction.c when
 * all other changes are in effect. */
void note_withdrawals(struct txn *);

#endif /* controller/model/withdrawals.h */
