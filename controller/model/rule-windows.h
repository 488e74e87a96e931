/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a rule is valid at a time. */

#ifndef CONTROLLER_MODEL_RULE_WINDOWS_H
#define CONTROLLER_MODEL_RULE_WINDOWS_H 1

#include <stdbool.h>
#include <stdint.h>

struct time_zones;
struct vmn_rule;

/* Returns true if 'seconds' since 1970 is in one of the windows of 'rule', or
 * it has none. */
bool rule_is_valid_at(struct time_zones *, const struct vmn_rule *rule,
                      int64_t seconds);

#endif /* controller/model/rule-windows.h */
