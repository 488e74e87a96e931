/* SPDX-License-Identifier: Apache-2.0
 *
 * The descriptor of an app that cannot be loaded: the stages that it had when
 * it was loaded the last time, and nothing that could be called. */

#ifndef CONTROLLER_APPHOST_ABSENT_CLASS_H
#define CONTROLLER_APPHOST_ABSENT_CLASS_H 1

struct vmn_app_class;
struct vmn_module;

/* Creates the descriptor of app 'name', which was 'before' (NULL: it was never
 * loaded, and has no stages).  Copies both. */
const struct vmn_app_class *absent_class_create(
    const char *name, const struct vmn_module *before);
void absent_class_destroy(const struct vmn_app_class *);

#endif /* controller/apphost/absent-class.h */
