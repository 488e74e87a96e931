/* SPDX-License-Identifier: Apache-2.0
 *
 * What members a part of a test file may have. */

#ifndef CONTROLLER_KIT_KIT_JSON_H
#define CONTROLLER_KIT_KIT_JSON_H 1

#include <jansson.h>
#include <stdbool.h>

struct vmn_errors;

/* Returns true if 'json' is an object, and has none but 'members' (NULL ends);
 * otherwise adds what is wrong. */
bool kit_json_check(const json_t *json, const char *const members[],
                    const char *pointer, struct vmn_errors *errors);

#endif /* controller/kit/kit-json.h */
