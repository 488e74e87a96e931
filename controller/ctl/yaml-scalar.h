/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON value of a plain YAML scalar.  Used by yaml.c for reading, and by
 * yaml-print.c to decide which strings need quotes. */

#ifndef CONTROLLER_CTL_YAML_SCALAR_H
#define CONTROLLER_CTL_YAML_SCALAR_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "controller/schema/error.h"

/* Returns the value of the plain scalar 'text', which the caller owns, or NULL
 * with an error if it has none. */
json_t *ctl_yaml_scalar(const char *text, size_t size, struct vmn_error *why);

/* Returns true if every YAML reader, including those of YAML 1.1, takes the
 * plain scalar 'text' for the string 'text'. */
bool ctl_yaml_is_plain(const char *text, size_t size);

#endif /* controller/ctl/yaml-scalar.h */
