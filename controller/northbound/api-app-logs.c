/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/apps/{name}/logs: the last lines that an app has written.  Not for
 * packets that rules log (api-drops.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include "controller/northbound/openapi-operations.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema.h"
#include "controller/schema/status.h"

void
nb_get_app_logs(struct http_request *req, void *nb_)
{
    const struct northbound *nb = nb_;
    const char *name = http_request_param(req, "name");
    struct status_app_log log;
    struct arena arena;

    arena_init(&arena);
    if (engine_app_log(nb->engine, name, &arena, &log)) {
        nb_reply_struct(req, &nb_reply_app_logs, &log);
    } else {
        nb_reply_no_object(nb, req, schema_tables[VMN_TABLE_APP], name);
    }
    arena_uninit(&arena);
}
