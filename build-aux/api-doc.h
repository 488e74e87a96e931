/* SPDX-License-Identifier: Apache-2.0
 *
 * What documents of the API say from the source: docs/api.md the calls,
 * docs/api-reference.md the types with their fields.  For make-api-doc, which
 * writes them, and for the test that holds the files against it. */

#ifndef BUILD_AUX_API_DOC_H
#define BUILD_AUX_API_DOC_H 1

#include <stdbool.h>

/* Returns the text of a document with all that is between
 *
 *     <!-- made of the source: WHAT -->
 *     <!-- end -->
 *
 * made anew, where WHAT is "calls", "rights" or a type.  The caller frees it.
 * NULL, with a sentence in '*fault' that the caller frees, if there is another
 * WHAT, or if a type has no place and 'all_types' is true. */
char *api_doc_update(const char *text, bool all_types, char **fault);

/* Returns what GET /v1/openapi.json answers.  The caller frees it. */
char *api_doc_openapi(void);

#endif /* build-aux/api-doc.h */
