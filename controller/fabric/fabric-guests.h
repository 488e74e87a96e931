/* SPDX-License-Identifier: Apache-2.0
 *
 * What switches know of guests and is not read all the time. */

#ifndef CONTROLLER_FABRIC_FABRIC_GUESTS_H
#define CONTROLLER_FABRIC_FABRIC_GUESTS_H 1

#include <stdbool.h>

struct arena;
struct fabric;
struct status_port;

/* Fills in which addresses the guest of a port uses, if its switch has just
 * been asked, and what DHCP gave it; with what these point to in 'arena'.
 * fabric_port_status() has filled in the rest. */
void fabric_guest_status(const struct fabric *, const char *port,
                         struct arena *arena, struct status_port *);

/* Asks the switch of the port's host from which addresses its guest sends.
 * 'cb' is called once: fabric_guest_status() has the answer then, for a
 * moment, if there was one.  Returns false, and calls nothing, if that cannot
 * be asked: the port is on no host, or its switch is not there, or busy with
 * other questions.  A switch that does not answer is not waited for by the
 * fabric for longer than for anything else: who cannot wait for that uses
 * fabric_forget_port(). */
typedef void fabric_looked_cb(void *aux);
bool fabric_look_at_port(struct fabric *, const char *port,
                         fabric_looked_cb *cb, void *aux);
/* Has 'cb' not be called.  Not to be used within a 'cb'. */
void fabric_forget_port(struct fabric *, fabric_looked_cb *cb, void *aux);

#endif /* controller/fabric/fabric-guests.h */
