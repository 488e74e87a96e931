/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of the kinds of events; see event-kinds.h. */

#include <config.h>

#include "controller/schema/event-kinds.h"

#include <string.h>

#define NAME_OF(NAME, TEXT) [EVENT_##NAME] = TEXT,
static const char *const names[EVENT_N_KINDS] = {
    EVENT_KINDS(NAME_OF, NAME_OF)
};

const char *
event_kind_name(enum event_kind kind)
{
    return names[kind];
}

enum event_kind
event_kind_from_name(const char *name, size_t len)
{
    for (int i = 0; i < EVENT_N_KINDS; i++) {
        if (strlen(names[i]) == len && !memcmp(names[i], name, len)) {
            return (enum event_kind) i;
        }
    }
    return EVENT_N_KINDS;
}
