/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl logs: which packets matched rules with a log.  Not for dropped
 * packets (cmd-drops.c). */

#include <config.h>

#include "controller/ctl/ctl.h"

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "controller/ctl/output-samples.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Prints "deny"; "would deny" for a shadow policy, and "would isolate" where
 * none of its rules matched. */
static void
print_verdict(const json_t *event, struct ds *ds)
{
    if (json_is_true(json_object_get(event, "shadow"))) {
        ds_put_cstr(ds, "would ");
    }
    if (json_is_true(json_object_get(event, "isolated"))) {
        ds_put_cstr(ds, "isolate");
    } else {
        ctl_path_print(event, "/verdict", ds);
    }
}

static const struct ctl_column log_columns[] = {
    { "TIME", "/time", NULL },
    { "HOST", "/host", NULL },
    { "FROM", NULL, ctl_sample_src },
    { "TO", NULL, ctl_sample_dst },
    { "PROTOCOL", "/protocol", NULL },
    { "VERDICT", NULL, print_verdict },
    { "OBJECT", NULL, ctl_sample_object },
    { "RULE", "/rule", NULL },
    { "COUNT", NULL, ctl_sample_count },
    { NULL, NULL, NULL },
};

/* Counts of each rule with a log. */
static const struct ctl_column log_rule_columns[] = {
    { "POLICY", "/policy", NULL },
    { "RULE", "/rule", NULL },
    { "EVENTS", "/events", NULL },
    { "LOGGED", "/logged", NULL },
    { "SUPPRESSED", "/suppressed", NULL },
    { NULL, NULL, NULL },
};

enum ctl_exit
ctl_cmd_logs(struct ctl *ctl, int n_args OVS_UNUSED,
             char *const args[] OVS_UNUSED)
{
    struct ctl_reply reply;
    enum ctl_exit status;

    if (ctl->follow) {
        return ctl_samples_follow(ctl, "logs", "items", log_columns);
    }
    status = ctl_samples_get(ctl, "logs", 0, ctl->limit, &reply);
    if (!status) {
        const json_t *items = json_object_get(reply.body, "items");

        if (ctl_show_raw(ctl, reply.body)) {
        } else if (json_array_size(items)) {
            ctl_show_table(ctl->out, log_columns, items);
            ctl_show_nonempty_table(ctl->out, log_rule_columns,
                                    json_object_get(reply.body, "rules"));
        } else {
            fputs("no events\n", ctl->err);
        }
        ctl_reply_uninit(&reply);
    }
    return status;
}
