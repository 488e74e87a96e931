/* SPDX-License-Identifier: Apache-2.0
 *
 * Times as users see them. */

#include <config.h>

#include "controller/fabric/fabric-private.h"

#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "timeval.h"

json_t *
time_to_text(int64_t ms)
{
    char *text = xastrftime_msec("%Y-%m-%dT%H:%M:%S.###Z", ms, true);
    json_t *json = json_string(text);

    free(text);
    return json;
}
