/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl host: the commands that make a hypervisor a host (join-command),
 * hosts that are emptied for maintenance (drain, undrain), and such that are
 * lost (lost, found). */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/cluster-join.h"
#include "controller/ctl/object-changes.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/wait-drained.h"
#include "controller/ctl/wrong-command.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "util.h"

/* Adds the member's 'target' for hosts' databases, NULL: it has none; or says
 * why not.  What comes from the server goes into a command of a shell. */
static void
add_member(struct ctl *ctl, const char *proto, const json_t *member,
           struct svec *managers)
{
    const char *name = json_string_value(json_object_get(member, "name"));
    const char *target = json_string_value(json_object_get(member, "ovsdb"));
    const char *other = !strcmp(proto, "ssl") ? "tcp" : "ssl";

    if (target && !strncmp(target, proto, 3) && target[3] == ':'
        && ctl_is_address(target + 4)) {
        if (!svec_contains_unsorted(managers, target)) {
            svec_add(managers, target);
        }
        return;
    }
    fprintf(ctl->err, "vmnctl: warning: member %s is left out: ",
            name && ctl_is_address(name) ? name : "?");
    if (target && !strncmp(target, other, 3)) {
        fprintf(ctl->err, "hosts reach it by %s: give %s\n", other,
                *other == 't' ? "--plain" : "no --plain");
    } else {
        fputs("it does not say where hosts reach it (\"ovsdb-target\")\n",
              ctl->err);
    }
}

/* Adds where databases reach the members of the cluster, if vmnd is one of
 * several: a host that knows one of them alone may not reach the writer, which
 * tells it of the others. */
static enum ctl_exit
add_members(struct ctl *ctl, const char *proto, struct svec *managers)
{
    struct ctl_reply reply;
    enum ctl_exit status = ctl_get(ctl, "/v1/cluster", &reply);
    const json_t *member;
    size_t i;

    if (status) {
        return status;
    }
    json_array_foreach (json_object_get(reply.body, "members"), i, member) {
        add_member(ctl, proto, member, managers);
    }
    ctl_reply_uninit(&reply);
    return CTL_DONE;
}

/* Adds the targets that the host's database connects to
 * ("ssl:ADDRESS:6640"), or the one that it listens on ("pssl:6640"); or
 * returns another status than CTL_DONE, after a message says what is
 * missing. */
static enum ctl_exit
get_managers(struct ctl *ctl, const char *name, const char *ovsdb,
             struct svec *managers)
{
    const char *proto = ctl->plain ? "tcp" : "ssl";
    const char *port = strrchr(ovsdb, ':');
    const char *address = ctl->address;

    if (!strcmp(ovsdb, "inbound") && !address) {
        enum ctl_exit status = add_members(ctl, proto, managers);

        return (status || managers->n ? status
                : ctl_usage(ctl, "host: %s connects to vmnd: give --address, "
                            "vmnd's", name));
    } else if (!strcmp(ovsdb, "inbound")) {
        svec_add_nocopy(managers, xasprintf(
            "%s:%s%s", proto, address, strchr(address, ':')
            && address[strlen(address) - 1] != ']' ? "" : ":6640"));
        return CTL_DONE;
    } else if (!strncmp(ovsdb, "ssl:", 4) || !strncmp(ovsdb, "tcp:", 4)) {
        svec_add_nocopy(managers, xasprintf("p%.3s%s", ovsdb, port));
        return CTL_DONE;
    }
    fprintf(ctl->err, "vmnctl: %s is reached by %s: it needs no command\n",
            name, ovsdb);
    return CTL_USAGE;
}

static void
print_commands(struct ctl *ctl, const char *name, const struct svec *managers)
{
    const char *first = managers->names[0];
    bool tls = strstr(first, "ssl:") != NULL;
    const char *dir = "/etc/openvswitch";

    if (tls) {
        fprintf(ctl->out,
                "# Where the CAs are: its certificate, valid for %s alone, "
                "and vmnd's CA\n"
                "vmn-pki host %s && scp %s.key %s.pem controller-ca.pem "
                "root@%s:%s/\n", name, name, name, name, name, dir);
    }
    if (first[0] == 'p') {
        fprintf(ctl->out, "# Its database will listen, and does not check "
                "names: it accepts every\n# certificate of the CA that it "
                "trusts.  With \"inbound\" it opens no port.\n");
    }
    fprintf(ctl->out, "# On %s, as root\novs-vsctl ", name);
    if (tls) {
        fprintf(ctl->out, "set-ssl %s/%s.key %s/%s.pem %s/controller-ca.pem "
                "-- ", dir,
                name, dir, name, dir);
    }
    fprintf(ctl->out, "set Open_vSwitch . external_ids:system-id=%s", name);
    for (size_t i = 0; i < managers->n; i++) {
        char *id = i ? xasprintf("@vmn%"PRIuSIZE, i + 1) : xstrdup("@vmn");

        fprintf(ctl->out, " -- --id=%s create Manager 'target=\"%s\"' "
                "-- add Open_vSwitch . manager_options %s", id,
                managers->names[i], id);
        free(id);
    }
    fprintf(ctl->out, "\n"
            "# Its name, where Open vSwitch's own scripts keep it over "
            "restarts:\n# echo %s >%s/system-id.conf\n", name, dir);
}

/* Says on standard error if the commands alone will not do. */
static void
warn_of_listener(struct ctl *ctl, const json_t *host)
{
    if (json_is_true(json_object_get(json_object_get(
            json_object_get(host, "status"), "ovsdb"), "no_listener"))) {
        fputs("vmnctl: warning: vmnd does not listen for hosts that connect "
              "to it: set \"ovsdb-listen\" of vmnd, such as "
              "ssl:0.0.0.0:6640\n", ctl->err);
    }
}

static enum ctl_exit
join_command(struct ctl *ctl, char *const args[])
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct svec managers = SVEC_EMPTY_INITIALIZER;
    enum ctl_exit status;
    struct ctl_reply reply;
    const char *ovsdb;

    ctl_append_path(&path, "hosts", args[1]);
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    ds_destroy(&path);
    if (status) {
        return status;
    }
    ovsdb = json_string_value(json_object_get(
        json_object_get(reply.body, "spec"), "ovsdb"));
    status = get_managers(ctl, args[1], ovsdb ? ovsdb : "", &managers);
    if (!status) {
        print_commands(ctl, args[1], &managers);
        warn_of_listener(ctl, reply.body);
    }
    svec_destroy(&managers);
    ctl_reply_uninit(&reply);
    return status;
}

/* Maintenance, and loss.  ------------------------------------------------ */

/* Sets the host's 'field', and says so as 'outcome' does. */
static enum ctl_exit
set_field(struct ctl *ctl, const char *name, const char *command,
          const char *field, bool on, const char *outcome)
{
    struct ctl_changes changes;
    enum ctl_exit status;

    ctl_changes_init(&changes);
    ctl_changes_add(&changes, "patch", "hosts", name,
                    json_pack("{s:b}", field, on), outcome);
    status = ctl_changes_send(ctl, command, &changes);
    ctl_changes_uninit(&changes);
    return status;
}

static enum ctl_exit
drain(struct ctl *ctl, const char *name)
{
    enum ctl_exit status = set_field(ctl, name, "host drain", "maintenance",
                                     true, "in maintenance");
    bool wait = ctl->wait;

    if (!status && !ctl->dry_run) {
        status = ctl_print_left_on_host(ctl, name);
    }
    if (!status && !ctl->dry_run && wait) {
        status = ctl_wait_host_drained(ctl, name);
    }
    return status;
}

enum ctl_exit
ctl_cmd_host(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    const char *what = args[0], *name = args[1];
    bool joins = !strcmp(what, "join-command");

    if (!joins && (ctl->address || ctl->plain)) {
        return ctl_usage(ctl, "--address and --plain are for \"host "
                         "join-command\"");
    } else if (joins && (ctl->wait || ctl->dry_run)) {
        return ctl_usage(ctl, "--wait and --dry-run: \"host join-command\" "
                         "changes nothing");
    } else if (joins) {
        return join_command(ctl, args);
    } else if (!strcmp(what, "drain")) {
        return drain(ctl, name);
    } else if (!strcmp(what, "undrain")) {
        return set_field(ctl, name, "host undrain", "maintenance", false,
                         "in service");
    } else if (!strcmp(what, "lost")) {
        return set_field(ctl, name, "host lost", "lost", true,
                         "declared lost");
    } else if (!strcmp(what, "found")) {
        return set_field(ctl, name, "host found", "lost", false,
                         "found: what runs on it counts again");
    }
    return ctl_usage(ctl, "host: must be join-command, drain, undrain, lost "
                     "or found, not \"%s\"; if there is no host %s yet, "
                     "create it first " CTL_CREATE_HOST ", then \"vmnctl host "
                     "join-command %s\"", what, name, name);
}
