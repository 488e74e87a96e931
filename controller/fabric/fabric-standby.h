/* SPDX-License-Identifier: Apache-2.0
 *
 * The hosts as a member of a cluster has them that stands by: a session with
 * each host's database, in which it only reads, and the connection of each
 * switch, in the role of slave.  Once the member becomes the writer, its
 * fabric goes on with all of them, so that no host has to be found and read
 * first.  Not for what is desired of hosts, nor for what they report: the
 * writer's fabric goes by that. */

#ifndef CONTROLLER_FABRIC_FABRIC_STANDBY_H
#define CONTROLLER_FABRIC_FABRIC_STANDBY_H 1

#include <stddef.h>
#include <stdint.h>

struct fabric_handover;
struct fabric_options;
struct fabric_standby;
struct loop;
struct model;
struct vmn_error;

/* Listens where the options say, and opens a session for each host that is a
 * row of 'model', which is borrowed.  Returns 0, or a positive errno with an
 * error. */
int fabric_standby_create(const struct fabric_options *, struct loop *,
                          const struct model *, struct fabric_standby **,
                          struct vmn_error *);
void fabric_standby_destroy(struct fabric_standby *);
/* Ends it, and returns what is open, for fabric_create(). */
struct fabric_handover *fabric_standby_hand_over(struct fabric_standby *);

/* Rows of hosts have been created, changed or deleted. */
void fabric_standby_update(struct fabric_standby *);
/* Sets the writer's epoch, 0 if it is not known: switches refuse a slave of an
 * earlier one, and without one none is accepted. */
void fabric_standby_set_epoch(struct fabric_standby *, int64_t epoch);

/* Returns how many hosts' switches are connected. */
size_t fabric_standby_n_switches(const struct fabric_standby *);

/* Registers "fabric/standby" with unixctl, which says how many hosts are
 * connected.  '*standby' is NULL while the member does not stand by. */
void fabric_standby_unixctl_init(struct fabric_standby *const *standby);

#endif /* controller/fabric/fabric-standby.h */
