/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives the stages of all apps their OpenFlow tables. */

#ifndef CONTROLLER_APPHOST_STAGE_TABLES_H
#define CONTROLLER_APPHOST_STAGE_TABLES_H 1

#include "vmn/app.h"

struct pipeline;
struct vmn_error;

/* Tables of a hook, for the stages of all apps together. */
unsigned stage_tables_of_hook(enum vmn_hook);

/* Fills in 'first_table' and 'next_table' of every stage.  A hook's tables
 * begin at a fixed number, so that an app more or less moves only its
 * neighbours at the same hook.  EINVAL with the error set if the
 * stages at a hook want more tables than it has. */
int stage_tables_assign(struct pipeline *, struct vmn_error *why);

#endif /* controller/apphost/stage-tables.h */
