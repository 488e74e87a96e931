/* SPDX-License-Identifier: Apache-2.0
 *
 * What docs/api.md says from the source: the calls, and the types with their
 * fields.  For make-api-doc, which writes it, and for the test that holds the
 * file against it. */

#ifndef BUILD_AUX_API_DOC_H
#define BUILD_AUX_API_DOC_H 1

/* The text of docs/api.md with all that is between
 *
 *     <!-- made of the source: WHAT -->
 *     <!-- end -->
 *
 * made anew, where WHAT is "calls" or a type.  The caller frees it.  NULL, with
 * a sentence in '*fault' that the caller frees, if there is another WHAT, or if
 * a type has no place. */
char *api_doc_update(const char *text, char **fault);

#endif /* build-aux/api-doc.h */
