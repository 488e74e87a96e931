/* SPDX-License-Identifier: Apache-2.0
 *
 * The IDs of a model as text, for property tests that compare two. */

#ifndef TESTS_PROPERTY_IDS_TEXT_H
#define TESTS_PROPERTY_IDS_TEXT_H 1

struct model;

/* Returns all IDs, a line each, sorted.  The caller frees it. */
char *dump_ids(struct model *);

#endif /* tests/property/ids-text.h */
