/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch as text, by which members of a cluster pass it on: JSON {"format",
 * "revision", "rows", "ids", "cursors", "logs"}.  Not for how it is passed on
 * (controller/cluster), nor for what is in a batch. */

#ifndef CONTROLLER_STORE_STORE_CHANGES_H
#define CONTROLLER_STORE_STORE_CHANGES_H 1

#include <stdint.h>

struct ds;
struct model;
struct store_batch;
struct vmn_error;

/* The format of what is printed, and the newest one that can be applied. */
#define STORE_CHANGES_FORMAT 1
/* Most bytes of a batch's text. */
#define STORE_CHANGES_MAX (64 * 1024 * 1024)

/* Appends the batch of 'model' as text, without line breaks. */
void store_changes_print(const struct store_batch *, struct model *model,
                         struct ds *);

/* Applies what store_changes_print() printed to a model in the state that it
 * was printed after; it is pending then.  Returns 0, or EINVAL with an error
 * in '*why': it is not valid, of a newer format, or of another state.  Then
 * the model must not be used any more. */
int store_changes_apply(const char *text, struct model *model,
                        struct vmn_error *why);

#endif /* controller/store/store-changes.h */
