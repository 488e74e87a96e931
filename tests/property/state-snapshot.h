/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model holds, "row TABLE NAME" -> JSON and "index ID KEY" -> names,
 * the latter by a plain scan of all rows: for the property test of model and
 * store. */

#ifndef TESTS_PROPERTY_STATE_SNAPSHOT_H
#define TESTS_PROPERTY_STATE_SNAPSHOT_H 1

struct model;
struct shash;

/* Fills 'snap', which snap_uninit() empties, with struct svec. */
void snap_init(struct shash *snap, struct model *);
void snap_uninit(struct shash *snap);

/* Checks that a look-up gives what the scan gave.  Keys that have gone must
 * give nothing: 'old' knows them. */
void check_indexes(struct model *, const struct shash *snap,
                   const struct shash *old);

/* Checks that the model's notes name just what differs, and that what was
 * accepted would be accepted again. */
void check_changes(struct model *, const struct shash *old,
                   const struct shash *new);

#endif /* tests/property/state-snapshot.h */
