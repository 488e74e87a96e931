/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML to JSON and back, for files that people write and for `-o yaml`.
 *
 * Scalars are read by YAML 1.2's core schema: `80` is an integer, `"80"` a
 * string, `true` a boolean, and `yes`, `12:30` and `02:00:00:00:00:01` are
 * strings.  What YAML 1.1 and 1.2 read differently as a number (`010`), and
 * what JSON cannot hold, is refused.  Not for knowing what an object may
 * contain: the server checks that. */

#ifndef CONTROLLER_CTL_YAML_H
#define CONTROLLER_CTL_YAML_H 1

#include <jansson.h>
#include <stddef.h>

#include "controller/schema/error.h"

struct ds;

/* Limits of one input.  An alias counts as all the nodes that it stands
 * for. */
#define CTL_YAML_SIZE_MAX (16 * 1024 * 1024)
#define CTL_YAML_DEPTH_MAX 32
#define CTL_YAML_NODES_MAX 1000000

/* Appends each document of 'text' that is not empty to the array 'docs'.
 * Returns 0, or EINVAL with an error, "line L, column C: why"; 'docs' then
 * contains the documents before the error. */
int ctl_yaml_parse(const char *text, size_t size, json_t *docs,
                   struct vmn_error *why);

/* Appends 'json' as one YAML document, without the leading "---". */
void ctl_yaml_print(const json_t *json, struct ds *);

#endif /* controller/ctl/yaml.h */
