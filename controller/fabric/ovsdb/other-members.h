/* SPDX-License-Identifier: Apache-2.0
 *
 * Where hosts connect to: this vmnd and, in a cluster, the other members, as
 * controllers of bridges and as managers of databases.  Not for who these are
 * (controller/cluster), nor for how it is written (proto/ovsdb). */

#ifndef CONTROLLER_FABRIC_OVSDB_OTHER_MEMBERS_H
#define CONTROLLER_FABRIC_OVSDB_OTHER_MEMBERS_H 1

#include <stdbool.h>

struct fabric_db;
struct fabric_options;
struct fabric_others;
struct ovsdb_desired;
struct vmn_host;

/* Until others are set there are none, and this vmnd is of no cluster. */
void other_members_init(struct fabric_db *, const struct fabric_options *);
void other_members_uninit(struct fabric_db *);
/* Returns of what the desired ones have changed. */
struct other_members_change {
    bool controllers, managers;
};
struct other_members_change other_members_set(struct fabric_db *,
                                              const struct fabric_others *);
/* Fills in what is desired of the host of 'row'; borrowed from 'db'. */
void other_members_desired(const struct fabric_db *, const struct vmn_host *,
                           struct ovsdb_desired *);
/* Returns true if the host connects to managers that it is told. */
bool other_members_is_told(const struct vmn_host *);

#endif /* controller/fabric/ovsdb/other-members.h */
