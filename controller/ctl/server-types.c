/* SPDX-License-Identifier: Apache-2.0
 *
 * The types that apps of the server declare; see server-types.h. */

#include <config.h>

#include "controller/ctl/server-types.h"

#include <stdio.h>
#include <stdlib.h>

#include "controller/ctl/api-call.h"
#include "controller/schema/schema-own.h"

/* How long a user waits for them, in milliseconds. */
#define ANSWER_MS 2000

static struct ctl *asker;       /* NULL: nobody, or it has been done. */

void
ctl_server_types_ask(struct ctl *ctl)
{
    asker = ctl;
}

/* A newer server may describe what this version does not understand: such a
 * type is not there. */
static void
show_type(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    const json_t *spec = json_object_get(object, "spec");
    const struct schema_table *table;
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    table = name && spec ? schema_own_parse(name, spec, &errors) : NULL;
    if (table) {
        schema_own_show(table);
    }
    vmn_errors_uninit(&errors);
}

void
ctl_server_types_load(void)
{
    struct ctl *ctl = asker;
    struct ctl_reply reply;
    const json_t *object;
    bool refused;
    FILE *err;
    size_t i;

    asker = NULL;
    if (!ctl) {
        return;
    }
    /* Of a wrong --server, say, the call that follows tells. */
    err = ctl->err;
    ctl->err = fopen("/dev/null", "w");
    refused = !ctl->err || ctl_fetch(ctl, "/v1/types", ANSWER_MS, &reply,
                                     NULL);
    if (ctl->err) {
        fclose(ctl->err);
    }
    ctl->err = err;
    if (refused) {
        return;
    }
    json_array_foreach (json_object_get(reply.body, "items"), i, object) {
        show_type(object);
    }
    ctl_reply_uninit(&reply);
}
