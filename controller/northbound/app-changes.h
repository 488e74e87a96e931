/* SPDX-License-Identifier: Apache-2.0
 *
 * Notices when the process of an app has ended, runs again or is suspended,
 * and when an app could not be loaded, and appends events. */

#ifndef CONTROLLER_NORTHBOUND_APP_CHANGES_H
#define CONTROLLER_NORTHBOUND_APP_CHANGES_H 1

struct app_changes;
struct northbound;

/* Borrows the northbound. */
struct app_changes *app_changes_create(struct northbound *);
/* An app is loaded that may have a process. */
void app_changes_watch(struct app_changes *);
void app_changes_destroy(struct app_changes *);

#endif /* controller/northbound/app-changes.h */
