/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of bindings in the log, in words: where a port moved; and what
 * changes of other objects did to a port. */

#ifndef CONTROLLER_CTL_PORT_MOVES_H
#define CONTROLLER_CTL_PORT_MOVES_H 1

#include <jansson.h>

struct ds;

/* Appends 'before' and "moved from h1 to h3", "bound to h3", "unbound from h1"
 * or what became of the candidate, if 'change', one of an entry of the log, is
 * of a binding and says that. */
void ctl_put_move(const json_t *change, const char *before, struct ds *);

/* Appends " by quarantines/q" if 'change', one of an entry of the log, is an
 * effect on a port of the change of another object. */
void ctl_put_effect(const json_t *change, struct ds *);

#endif /* controller/ctl/port-moves.h */
