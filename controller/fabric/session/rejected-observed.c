/* SPDX-License-Identifier: Apache-2.0
 *
 * What an observed switch rejects, as its master says; see rejected-items.h.
 * Not for what this member is told by a switch (rejected-items.c). */

#include <config.h>

#include "controller/fabric/session/rejected-items.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/switch.h"
#include "util.h"

void
rejected_items_set_observed(struct fabric_switch *sw, const char *text)
{
    if (sw->rejected.partial != (text != NULL)
        || (text && strcmp(text, sw->rejected.text))) {
        sw->rejected.partial = text != NULL;
        free(sw->rejected.text);
        sw->rejected.text = nullable_xstrdup(text);
        fabric_host_changed(sw->host);
    }
}
