/* SPDX-License-Identifier: Apache-2.0
 *
 * What several revisions together have made of objects, from what the log
 * keeps of each. */

#ifndef CONTROLLER_NORTHBOUND_UNDO_RANGE_H
#define CONTROLLER_NORTHBOUND_UNDO_RANGE_H 1

#include <jansson.h>
#include <stdint.h>

/* Adds what 'revision' made of objects, 'contents' of the log (struct
 * store_class, log_contents), to 'range', a JSON object that begins empty.
 * Revisions are added in their order.  What is not as the log has it is passed
 * over. */
void undo_range_add(json_t *range, const json_t *contents, uint64_t revision);

/* Returns the objects of 'range' that are not as they were before it, as an
 * array like "objects" of the log's contents, each with the last "revision"
 * that changed it.  The caller's. */
json_t *undo_range_objects(const json_t *range);

#endif /* controller/northbound/undo-range.h */
