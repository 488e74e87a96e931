/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of tests: YAML documents, each a step, which goes on from the state
 * of the one before.  docs/testing-an-app.md describes them. */

#ifndef CONTROLLER_KIT_KIT_FILE_H
#define CONTROLLER_KIT_KIT_FILE_H 1

#include <jansson.h>

#include "controller/schema/error.h"

/* Reads the file 'path'.  Returns an array of steps, which the caller owns; or
 * NULL with the first error, which says which step it is in. */
json_t *kit_file_read(const char *path, struct vmn_error *why);

#endif /* controller/kit/kit-file.h */
