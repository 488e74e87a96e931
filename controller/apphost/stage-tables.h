/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives the stages of all apps their OpenFlow tables. */

#ifndef CONTROLLER_APPHOST_STAGE_TABLES_H
#define CONTROLLER_APPHOST_STAGE_TABLES_H 1

#include <stdbool.h>

#include "vmn/app.h"

struct pipeline;
struct pipeline_app;
struct vmn_error;

/* Tables of a hook, for the stages of all apps together: the most that one may
 * have. */
unsigned stage_tables_of_hook(enum vmn_hook);

/* These fill in 'rank', 'first_table' and 'next_table' of every stage.  A
 * hook's tables begin at a fixed number, so that an app more or less moves
 * only its neighbours at the same hook; and none that 'wants' tables which are
 * free.  Where a hook has no room for a stage, it gets spare tables, behind
 * those of all hooks.  They return 0, or EINVAL with the error set if a stage
 * has no room: nobody's tables can be relied on then. */

/* While it runs: gives each the tables that it wants.  What is taken in has to
 * have room at the next start, too: it is an error if a stage had none
 * there. */
int stage_tables_assign(struct pipeline *, struct vmn_error *why);
/* The same, whatever there is room for at the next start.  If all stages want
 * the tables that they have, to take some away never fails. */
int stage_tables_keep(struct pipeline *, struct vmn_error *why);
/* Gives all stages the tables that they want, but leaves those where they are
 * for which others are in the way, and says so in '*left', which the caller
 * frees; NULL: there is none.  Returns true if any have moved. */
bool stage_tables_move(struct pipeline *, char **left);
/* As at a start that knows of no wishes: each hook is filled in the order of
 * its stages. */
int stage_tables_start(struct pipeline *, struct vmn_error *why);

/* Has the app's stage of that name, hook and size want the tables from 'first'
 * on, if it has one. */
void stage_tables_want_one(struct pipeline_app *, const char *name,
                           enum vmn_hook, unsigned n_tables, int first);
/* Has all stages want the tables that they have, or none. */
void stage_tables_want(struct pipeline *, bool as_now);

#endif /* controller/apphost/stage-tables.h */
