/* SPDX-License-Identifier: Apache-2.0
 *
 * How a migration of a port has ended, by its binding before and after, and
 * why, by the rows that there are then: for the log and for events.  Not for
 * whether it ends (controller/fabric/ovsdb). */

#ifndef CONTROLLER_MODEL_MIGRATION_END_H
#define CONTROLLER_MODEL_MIGRATION_END_H 1

#include "controller/model/model.h"

/* Returns "finished" or "rolled back" if a port that was bound as 'before'
 * says, and is now as 'now' says (NULL: not at all), does not migrate any
 * more; NULL otherwise.  Then sets '*left' to the host that does not have it
 * any more, a member of 'before'. */
const char *migration_ended(const struct vmn_binding *before,
                            const struct vmn_binding *now, const char **left);

/* Returns true if 'host' has an interface of 'port', by the rows. */
bool migration_has_interface(const struct model *, const char *port,
                             const char *host);

/* Returns why the migration of 'port' ended without host 'left', which still
 * has its interface, or has not.  'candidate' is its candidate now, or NULL.
 * The caller frees the text. */
char *migration_end_reason(const struct model *, const char *port,
                           const char *left, const char *candidate,
                           bool has_interface);

#endif /* controller/model/migration-end.h */
