/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints replies that are structs (replies.h) by their descriptions. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"

void
nb_reply_struct(struct http_request *req, const struct schema_struct *shown,
                const void *reply)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    schema_struct_print(shown, reply, &ds);
    ds_put_char(&ds, '\n');
    http_reply_body(req, 200, "application/json", &ds);
}
