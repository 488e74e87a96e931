/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a selector selects an object that was read. */

#ifndef CONTROLLER_CTL_OBJECT_LABELS_H
#define CONTROLLER_CTL_OBJECT_LABELS_H 1

#include <jansson.h>
#include <stdbool.h>

struct vmn_selector;

/* Returns true if 'selector' matches the labels in the object's spec. */
bool ctl_is_selected(const struct vmn_selector *, const json_t *object);

/* The same for a selector that the server has accepted; false if it cannot be
 * parsed. */
bool ctl_labels_match(const char *selector, const json_t *object);

#endif /* controller/ctl/object-labels.h */
