/* SPDX-License-Identifier: Apache-2.0
 *
 * The newest revisions that are not in the log, as they changed only what is
 * not stored: the interfaces of hosts.  With a VM's start and end, and each
 * link that comes and goes, these are too many to be written to disk; their
 * authors and changes are kept in memory.  Not for those of the log
 * (store.h). */

#ifndef CONTROLLER_NORTHBOUND_VOLATILE_REVISIONS_H
#define CONTROLLER_NORTHBOUND_VOLATILE_REVISIONS_H 1

#include <stdbool.h>
#include <stdint.h>

struct model_log;
struct schema_log_entry;
struct volatile_revisions;

/* So many are kept. */
#define VOLATILE_REVISIONS_MAX 1000
/* Most bytes that are kept of the changes of one: of more, the first. */
#define VOLATILE_CHANGES_MAX 4096

struct volatile_revisions *volatile_revisions_create(void);
void volatile_revisions_destroy(struct volatile_revisions *);

/* Keeps a revision, in place of the oldest if there are enough.  They come in
 * the order of their numbers. */
void volatile_revisions_add(struct volatile_revisions *,
                            const struct model_log *);
/* Fills in 'entry', whose texts are valid until the next call of add(), and
 * returns true if the revision is kept. */
bool volatile_revisions_find(const struct volatile_revisions *,
                             uint64_t revision,
                             struct schema_log_entry *entry);

#endif /* controller/northbound/volatile-revisions.h */
