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

/* Returns 0, or EINVAL with the error set if the app's stages would not fit
 * beside those of 'loaded'. */
int stage_tables_check(const struct vmn_app_class *,
                       const struct pipeline *loaded, struct vmn_error *why);

/* Fills in 'first_table' and 'next_table' of every stage.  A hook's tables
 * begin at a fixed number, so that an app more or less moves only its
 * neighbours at the same hook.  Each app has passed
 * stage_tables_check(). */
void stage_tables_assign(struct pipeline *);

#endif /* controller/apphost/stage-tables.h */
