/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl usage: the usage of each quota. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "util.h"

static const struct ctl_column columns[] = {
    { "QUOTA", "/quota", NULL },
    { "SCOPE", "/scope", NULL },
    { "RESOURCE", "/name", NULL },
    { "USED", "/used", NULL },
    { "LIMIT", "/limit", NULL },
    { "HOST", "/host", NULL },
    { NULL, NULL, NULL },
};

/* Returns a row for each limit of each quota. */
static json_t *
list_limits(const json_t *answer)
{
    const json_t *item, *limit;
    json_t *rows = json_array();
    size_t i, j;

    json_array_foreach (json_object_get(answer, "items"), i, item) {
        json_array_foreach (json_object_get(item, "limits"), j, limit) {
            if (json_object_get(limit, "limit")) {
                json_t *row = json_copy(CONST_CAST(json_t *, limit));

                json_object_set(row, "quota", json_object_get(item, "quota"));
                json_object_set(row, "scope", json_object_get(item, "scope"));
                json_array_append_new(rows, row);
            }
        }
    }
    return rows;
}

enum ctl_exit
ctl_cmd_usage(struct ctl *ctl, int n_args OVS_UNUSED,
              char *const args[] OVS_UNUSED)
{
    struct ctl_reply reply;
    enum ctl_exit status = ctl_get(ctl, "/v1/usage", &reply);

    if (status) {
        return status;
    }
    if (!ctl_show_raw(ctl, reply.body)) {
        json_t *rows = list_limits(reply.body);

        if (json_array_size(rows)) {
            ctl_show_table(ctl->out, columns, rows);
        } else {
            fputs("no quotas\n", ctl->err);
        }
        json_decref(rows);
    }
    ctl_reply_uninit(&reply);
    return CTL_DONE;
}
