/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl cluster: the members of a cluster, who the writer is, and how that
 * changes.  Not for how members come (cluster-join.c). */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/cluster-join.h"
#include "controller/ctl/output.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* From how many percent on a disk that fills is told, as by the alert
 * VmnClusterDatabaseDiskFilling. */
#define CTL_DISK_FILLING 90

static void
print_heard(const json_t *member, struct ds *ds)
{
    ds_put_format(ds, "%.1f s ago",
                  json_number_value(json_object_get(member, "heard")));
}

static const struct ctl_column columns[] = {
    { "MEMBER", "/name", NULL },
    { "ROLE", "/role", NULL },
    { "BEHIND", "/behind", NULL },
    { "HOSTS", "/hosts", NULL },
    { "HEARD", "", print_heard },
    { "VERSION", "/version", NULL },
    { "API", "/address", NULL },
    { NULL, NULL, NULL },
};

static const char *
text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* Says if members are of several versions, and what has no effect then. */
static void
show_versions(struct ctl *ctl, const json_t *cluster)
{
    const json_t *members = json_object_get(cluster, "members");
    json_int_t n = json_integer_value(json_object_get(cluster,
                                                      "unknown_fields"));
    bool differ = false;
    json_t *member;
    size_t i;

    json_array_foreach (members, i, member) {
        differ |= strcmp(text_of(member, "version"),
                         text_of(json_array_get(members, 0), "version")) != 0;
    }
    if (differ) {
        fputs("\nmembers are of different versions: do not use yet what the "
              "older one does not\nknow\n", ctl->out);
    }
    if (n) {
        fprintf(ctl->out, "\nmember %s: %"JSON_INTEGER_FORMAT" row%s fields "
                "that its version does not know: they\nare kept, and have no "
                "effect while it is the writer\n",
                text_of(cluster, "member"), n, n == 1 ? " has" : "s have");
    }
}

/* Says whose servers of the database are about to fill their disks. */
static void
show_disks(struct ctl *ctl, const json_t *members)
{
    json_t *member;
    size_t i;

    json_array_foreach (members, i, member) {
        json_int_t used = json_integer_value(json_object_get(
            member, "database_disk"));

        if (used > CTL_DISK_FILLING) {
            fprintf(ctl->out, "\nthe disk of the cluster's database of "
                    "member %s is full by %"JSON_INTEGER_FORMAT" %%: make "
                    "room,\nas its server takes no part any more once there "
                    "is none\n", text_of(member, "name"), used);
        }
    }
}

static void
show(struct ctl *ctl, const json_t *cluster)
{
    const char *problem = text_of(cluster, "problem");

    if (ctl_show_raw(ctl, cluster)) {
        return;
    }
    if (!strcmp(text_of(cluster, "role"), "alone")) {
        fputs("vmnd is of no cluster\n", ctl->out);
        return;
    }
    ctl_show_table(ctl->out, columns, json_object_get(cluster, "members"));
    show_disks(ctl, json_object_get(cluster, "members"));
    if (!json_is_true(json_object_get(cluster, "connected"))) {
        fprintf(ctl->out, "\nmember %s does not see the cluster's database, "
                "or most of its servers\nare gone: nothing can be changed\n",
                text_of(cluster, "member"));
    }
    if (*problem) {
        ctl_printf_safely(ctl->out, "\nmember %s: %s\n",
                          text_of(cluster, "member"), problem);
    }
    show_versions(ctl, cluster);
}

/* Calls, and shows the cluster afterwards. */
static enum ctl_exit
call(struct ctl *ctl, const char *method, const char *path)
{
    struct ctl_reply reply;
    enum ctl_exit status = ctl_call(ctl, method, path, NULL, NULL, &reply);

    if (!status) {
        show(ctl, reply.body);
        ctl_reply_uninit(&reply);
    }
    return status;
}

/* Says what is wrong with the words of the command. */
static enum ctl_exit
refuse(struct ctl *ctl, const char *what, const char *name)
{
    static const char *const alone[] = { "status", "init", "join-command" };

    for (size_t i = 0; i < ARRAY_SIZE(alone); i++) {
        if (!strcmp(what, alone[i])) {
            return ctl_usage(ctl, "cluster %s: takes no argument, not \"%s\""
                             "%s", what, name,
                             i ? "; a member's name is --name" : "");
        }
    }
    return (!strcmp(what, "remove")
            ? ctl_usage(ctl, "cluster remove: give the name of a MEMBER")
            : ctl_usage(ctl, "cluster: must be status, init, join-command, "
                        "transfer or remove, not \"%s\"", what));
}

enum ctl_exit
ctl_cmd_cluster(struct ctl *ctl, int n_args, char *const args[])
{
    const char *what = n_args ? args[0] : "status";
    const char *name = n_args > 1 ? args[1] : NULL;
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    if (!strcmp(what, "status") && !name) {
        status = call(ctl, "GET", "/v1/cluster");
    } else if (!strcmp(what, "init") && !name) {
        status = ctl_cluster_init(ctl);
    } else if (!strcmp(what, "join-command") && !name) {
        status = ctl_cluster_join_command(ctl);
    } else if (!strcmp(what, "transfer")) {
        ds_put_cstr(&path, "/v1/cluster/transfer");
        if (name) {
            ctl_append_query(&path, "to", name);
        }
        status = call(ctl, "POST", ds_cstr(&path));
    } else if (!strcmp(what, "remove") && name) {
        ds_put_cstr(&path, "/v1/cluster/members");
        ctl_append_segment(&path, name);
        status = call(ctl, "DELETE", ds_cstr(&path));
    } else {
        status = refuse(ctl, what, name);
    }
    ds_destroy(&path);
    return status;
}
