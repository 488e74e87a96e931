/* SPDX-License-Identifier: Apache-2.0
 *
 * An app's descriptor as of this daemon's headers, whichever headers of the
 * same plugin ABI the app was built with. */

#ifndef CONTROLLER_APPHOST_APP_CLASS_H
#define CONTROLLER_APPHOST_APP_CLASS_H 1

#include "controller/schema/error.h"
#include "vmn/app.h"

/* In 'scratch' of a stage of an app whose headers did not have that member
 * yet, beside all scratch registers: it writes what nobody else keeps. */
#define STAGE_UNDECLARED (1u << 31)

/* All scratch registers. */
#define STAGE_SCRATCH_ALL \
    (2 * VMN_SCRATCH(VMN_F_REG15) - VMN_SCRATCH(VMN_F_REG10))

/* Copies 'theirs', with its arrays, into structs of this daemon's sizes: what
 * an older app does not have is zero.  Strings and functions remain the app's.
 * Returns NULL, with an error that names the member at fault, if the app is of
 * another ABI, says sizes that cannot be, or uses members that this daemon
 * does not know. */
struct vmn_app_class *app_class_clone(const struct vmn_app_class *theirs,
                                      struct vmn_error *why);
void app_class_destroy(const struct vmn_app_class *);

#endif /* controller/apphost/app-class.h */
