/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of a batch as the database has it: compressed, since it is written
 * by three servers and read by all members, and since of what a batch says
 * most is said again and again.  Not for what is in it (store-changes.h). */

#ifndef CONTROLLER_CLUSTER_BATCH_TEXT_H
#define CONTROLLER_CLUSTER_BATCH_TEXT_H 1

#include <stddef.h>

/* Returns 'text', of 'length' bytes, as it is to be stored: "z" and base64
 * (RFC 4648, section 4) of a zlib stream (RFC 1950), or the text itself, if
 * that is not longer.  The caller frees it. */
char *batch_text_pack(const char *text, size_t length);

/* Returns the text of what is stored, which the caller frees; NULL: it is
 * neither, or longer than STORE_CHANGES_MAX bytes. */
char *batch_text_unpack(const char *packed);

#endif /* controller/cluster/batch-text.h */
