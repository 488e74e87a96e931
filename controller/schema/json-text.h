/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads JSON that is long or frequent.  jansson reads each character by some
 * calls, 19 us for a row of a cluster's batch; this reads what is plain, which
 * is what vmnd itself prints, in a fourth of that, and gives jansson all that
 * is not.  So what is valid, and what it means, only jansson says.  Not for
 * requests of the API, which have errors of their own (proto/http). */

#ifndef CONTROLLER_SCHEMA_JSON_TEXT_H
#define CONTROLLER_SCHEMA_JSON_TEXT_H 1

#include <jansson.h>
#include <stddef.h>

/* Reads a list or an object as json_loadb() with 'flags', which are 0 or
 * JSON_REJECT_DUPLICATES.  Returns what the caller releases; NULL: it is not
 * valid, or there was no memory. */
json_t *json_text_read(const char *text, size_t length, size_t flags);

/* The same, but NULL for what is not plain, which may be valid: for tests. */
json_t *json_text_read_plain(const char *text, size_t length);

#endif /* controller/schema/json-text.h */
