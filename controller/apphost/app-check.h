/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks what an app declares. */

#ifndef CONTROLLER_APPHOST_APP_CHECK_H
#define CONTROLLER_APPHOST_APP_CHECK_H 1

struct pipeline;
struct pipeline_stage;
struct vmn_app_class;
struct vmn_error;

/* Checks an app's descriptor, and that none of its name is 'loaded'.  Returns
 * 0, or EINVAL with an error that says what is wrong with it. */
int app_check(const struct vmn_app_class *, const struct pipeline *loaded,
              struct vmn_error *why);
/* Checks the prefixes of a stage's tables, in the same way. */
int app_check_prefixes(const struct pipeline_stage *, struct vmn_error *why);

#endif /* controller/apphost/app-check.h */
