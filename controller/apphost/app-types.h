/* SPDX-License-Identifier: Apache-2.0
 *
 * The resource types that an app declares; for apphost alone. */

#ifndef CONTROLLER_APPHOST_APP_TYPES_H
#define CONTROLLER_APPHOST_APP_TYPES_H 1

struct pipeline_app;
struct vmn_error;

/* Fills in the app's types, once it has a class.  Returns EINVAL, with the
 * error set, if one is not right; what was filled in stays to be freed. */
int app_types_init(struct pipeline_app *, struct vmn_error *why);
void app_types_uninit(struct pipeline_app *);

#endif /* controller/apphost/app-types.h */
