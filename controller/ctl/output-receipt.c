/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints the receipt of a change: the hosts that have it, and the objects for
 * which an app has failed. */

#include <config.h>

#include "controller/ctl/api-call.h"

#include <inttypes.h>
#include <string.h>

#include "controller/ctl/output.h"
#include "controller/ctl/output-table.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static const struct ctl_column receipt_columns[] = {
    { "HOST", "/host", NULL },
    { "STATE", "/state", NULL },
    { "REASON", "/reason", NULL },
    { NULL, NULL, NULL },
};

/* Prints the hosts in 'hosts' that have not confirmed. */
static void
print_missing_hosts(struct ctl *ctl, const json_t *hosts)
{
    struct ctl_table *table = ctl_table_create(receipt_columns);
    const json_t *host;
    size_t i;

    json_array_foreach (hosts, i, host) {
        const char *state = json_string_value(json_object_get(host, "state"));

        if (!state || strcmp(state, "confirmed")) {
            ctl_table_add(table, host);
        }
    }
    ctl_table_print(table, ctl->err);
    ctl_table_destroy(table);
}

/* Prints the revision of a change that is not waited for. */
static void
print_stored(struct ctl *ctl, const json_t *body)
{
    const char *outcome = json_string_value(json_object_get(body,
                                                            "outcome"));
    json_int_t revision = json_integer_value(json_object_get(body,
                                                             "revision"));

    if (revision && (outcome ? strcmp(outcome, "unchanged") != 0
                     : json_is_true(json_object_get(body, "changed")))) {
        fprintf(ctl->out, "revision %"JSON_INTEGER_FORMAT" is stored, and not "
                "waited for: vmnctl wait %"JSON_INTEGER_FORMAT"\n", revision,
                revision);
    }
}

/* Prints the objects for which an app has failed, which are not in effect.
 * Returns true if there are any. */
static bool
print_failures(struct ctl *ctl, const json_t *body)
{
    const json_t *failures = json_object_get(body, "failures");
    const json_t *failure;
    size_t i;

    fflush(ctl->out);
    json_array_foreach (failures, i, failure) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        ds_put_cstr(&ds, "vmnctl: ");
        ctl_path_print(failure, "/type", &ds);
        ds_put_char(&ds, '/');
        ctl_path_print(failure, "/name", &ds);
        ds_put_cstr(&ds, " is not in effect: app ");
        ctl_path_print(failure, "/app", &ds);
        ds_put_cstr(&ds, ": ");
        ctl_path_print(failure, "/detail", &ds);
        ds_put_char(&ds, '\n');
        ctl_print_safely(ctl->err, ds_cstr(&ds));
        ds_destroy(&ds);
    }
    return i;
}

/* Prints the app that has not computed its flows of the revision. */
static void
print_late(struct ctl *ctl, const json_t *receipt)
{
    const char *app = json_string_value(json_object_get(receipt, "late"));

    if (app) {
        fprintf(ctl->err, "  app %s has not computed its flows yet\n", app);
    }
}

enum ctl_exit
ctl_report_receipt(struct ctl *ctl, const struct ctl_reply *reply)
{
    const json_t *receipt = json_object_get(reply->body, "receipt");
    const json_t *hosts = json_object_get(receipt, "hosts");
    struct ds revision = DS_EMPTY_INITIALIZER;
    enum ctl_exit status = CTL_DONE;
    size_t n = json_array_size(hosts);
    bool failed;

    failed = print_failures(ctl, reply->body);
    if (!ctl->wait) {
        print_stored(ctl, reply->body);
        return CTL_DONE;
    }
    /* It is of a later one if that followed, or an older one is missing. */
    ctl_path_print(receipt, "/revision", &revision);
    if (!revision.length) {
        ctl_path_print(reply->body, "/revision", &revision);
    }
    if (reply->status == 202) {
        status = CTL_NOT_INSTALLED;
    }
    if (reply->status == 202
        && !(failed && json_is_true(json_object_get(receipt, "installed")))) {
        fflush(ctl->out);
        fprintf(ctl->err, "vmnctl: revision %s is not installed everywhere "
                "within %.1f s:\n", ds_cstr(&revision),
                ctl->timeout_ms / 1000.0);
        print_late(ctl, receipt);
        print_missing_hosts(ctl, hosts);
    } else {
        ds_put_char(&revision, ' ');
        ctl_append_installed(&revision, n);
        fprintf(ctl->out, "revision %s\n", ds_cstr(&revision));
    }
    ds_destroy(&revision);
    return status;
}
