/* SPDX-License-Identifier: Apache-2.0
 *
 * The findings of an audit while it runs: a struct status_audit that owns its
 * lists and their contents.  All zeros means that nothing was found. */

#ifndef CONTROLLER_FABRIC_SESSION_AUDIT_RESULT_H
#define CONTROLLER_FABRIC_SESSION_AUDIT_RESULT_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/session/flow-format.h"
#include "controller/schema/status.h"

void audit_result_uninit(struct status_audit *);

/* Adds 'n' differences of a kind to the entry of 'owner'. */
void audit_result_count(struct status_audit *, const char *owner,
                        enum difference_kind, uint64_t n);
/* Adds the findings of 'from', by owner. */
void audit_result_add_owners(struct status_audit *,
                             const struct status_audit *from);

/* Appends a difference as text, of which it takes ownership, unless the limit
 * is reached. */
void audit_result_add(struct status_audit *, char *text);
/* Returns true if no more differences are kept. */
bool audit_result_is_full(const struct status_audit *);

#endif /* controller/fabric/session/audit-result.h */
