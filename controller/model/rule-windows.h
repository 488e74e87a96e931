/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a rule is valid at a time. */

#ifndef CONTROLLER_MODEL_RULE_WINDOWS_H
#define CONTROLLER_MODEL_RULE_WINDOWS_H 1

#include <stdbool.h>
#include <stdint.h>

struct time_zones;
struct vmn_rule;
struct vmn_window;

/* Returns true if 'seconds' since 1970 is in one of the windows of 'rule', or
 * it has none. */
bool rule_is_valid_at(struct time_zones *, const struct vmn_rule *rule,
                      int64_t seconds);

/* Whether a window is still of use. */
enum window_fate {
    WINDOW_OPENS,               /* It is open, or opens later. */
    WINDOW_OVER,                /* It was open, and will not be again. */
    WINDOW_NEVER,               /* It is open at no time between 'not_before'
                                 * and 'not_after'. */
};
/* Returns that of the window at 'seconds' since 1970. */
enum window_fate window_fate_at(struct time_zones *,
                                const struct vmn_window *, int64_t seconds);

#endif /* controller/model/rule-windows.h */
