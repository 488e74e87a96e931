/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl migrate: has a port's row ask for a migration, say that the VM runs
 * on the new host, and end that: `migration` of the port, and, once it is
 * there, the `host` that the row names.  Not for moving VMs. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-changes.h"
#include "controller/ctl/object-columns.h"
#include "controller/ctl/output-table.h"
#include "util.h"

/* Sends the change of the port, unless somebody else has changed it since it
 * was read as 'object'; NULL: it was not read.  Takes ownership of 'spec'. */
static enum ctl_exit
send_port(struct ctl *ctl, const char *port, json_t *spec,
          const json_t *object, const char *outcome)
{
    const char *etag = json_string_value(json_object_get(
        json_object_get(object, "metadata"), "etag"));
    struct ctl_changes changes;
    enum ctl_exit status;

    ctl_changes_init(&changes);
    ctl_changes_add(&changes, "patch", "ports", port, spec, outcome);
    if (etag) {
        ctl_client_if_match(ctl->client, etag);
    }
    status = ctl_changes_send(ctl, "migrate", &changes);
    if (etag) {
        ctl_client_if_match(ctl->client, NULL);
    }
    ctl_changes_uninit(&changes);
    return status;
}

static enum ctl_exit
start(struct ctl *ctl, const char *port, const char *host)
{
    json_t *to = json_string(host);
    char *outcome;
    enum ctl_exit status;

    if (!to) {
        return ctl_usage(ctl, "migrate: the name of the host is not valid "
                         "UTF-8");
    }
    outcome = xasprintf("is to migrate to %s", host);
    status = send_port(ctl, port, json_pack("{s:{s:o}}", "migration",
                                            "to", to), NULL, outcome);
    free(outcome);
    return status;
}

/* Says why there is nothing to be done.  Takes ownership of 'why'. */
static enum ctl_exit
refuse(struct ctl *ctl, const char *port, char *why)
{
    char *text = xasprintf("vmnctl: port %s %s\n", port, why);

    ctl_print_safely(ctl->err, text);
    free(text);
    free(why);
    return CTL_REFUSED;
}

/* Says that a migration is ended before 'host' has dropped the interface. */
static void
warn_of_source(struct ctl *ctl, const char *port, const char *host)
{
    char *text = xasprintf("vmnctl: warning: host %s still has the interface "
                           "of port %s: end the VM there\n", host ? host : "",
                           port);

    ctl_print_safely(ctl->err, text);
    free(text);
}

/* Ends the migration of the port, which 'object' shows. */
static enum ctl_exit
end(struct ctl *ctl, const char *port, const json_t *object)
{
    const json_t *spec = json_object_get(object, "spec");
    const json_t *status = json_object_get(object, "status");
    const char *to = json_string_value(json_object_get(
        json_object_get(spec, "migration"), "to"));
    const char *host = json_string_value(json_object_get(status, "host"));
    bool is_there = to && host && !strcmp(to, host);
    json_t *change;

    if (!to) {
        /* Said before, perhaps. */
        ctl_print_outcome(ctl, "ports", port, "is not to migrate");
        return CTL_DONE;
    }
    if (ctl->cancel && is_there && !json_object_get(status, "candidate")) {
        return refuse(ctl, port, xasprintf(
            "is on %s, and no other host has its interface: --finish, and "
            "migrate it back", to));
    }
    if (ctl->finish && !is_there) {
        return refuse(ctl, port, xasprintf(
            "is not on %s yet: --activate says that its VM runs there, "
            "--cancel that it does not migrate", to));
    }
    if (ctl->finish && json_object_get(status, "candidate")) {
        warn_of_source(ctl, port, json_string_value(json_object_get(
            status, "candidate")));
    }
    change = json_pack("{s:n}", "migration");
    if (ctl->finish && json_is_string(json_object_get(spec, "host"))) {
        json_object_set_new(change, "host", json_string(to));
    }
    return send_port(ctl, port, change, object, ctl->cancel
                     ? "is not to migrate any more" : "has migrated");
}

enum ctl_exit
ctl_cmd_migrate(struct ctl *ctl, int n_args, char *const args[])
{
    int n = ctl->activate + ctl->cancel + ctl->finish;
    struct ctl_reply reply;
    enum ctl_exit status;
    bool there;

    if (n_args - 1 + n != 1) {
        return ctl_usage(ctl, "migrate: give a HOST, or one of --activate, "
                         "--cancel and --finish");
    }
    if (strchr(args[0], '/')) {
        return ctl_usage(ctl, "migrate: ports are named without their type: "
                         "%s, not \"%s\"", strrchr(args[0], '/') + 1,
                         args[0]);
    }
    if (n_args == 2) {
        return start(ctl, args[0], args[1]);
    }
    status = ctl_get_object(ctl, "ports", args[0], &reply, &there);
    if (!status && !there) {
        return refuse(ctl, args[0], xstrdup("not found"));
    }
    if (status) {
        return status;
    }
    if (!ctl->activate) {
        status = end(ctl, args[0], reply.body);
    } else if (!json_object_get(json_object_get(reply.body, "spec"),
                                "migration")) {
        status = refuse(ctl, args[0], xasprintf(
            "is not to migrate: vmnctl migrate %s HOST", args[0]));
    } else {
        status = send_port(ctl, args[0], json_pack(
            "{s:{s:b}}", "migration", "activated", 1), reply.body,
            "runs where it migrates to");
    }
    ctl_reply_uninit(&reply);
    return status;
}
