/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl drain and undrain: have backends of a balancer get no new connections
 * while those that are open may end, and take that back.  A backend that the
 * balancer's selector selects is listed for its drain, and no longer than
 * that. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-changes.h"
#include "controller/ctl/object-labels.h"
#include "controller/ctl/wait-drained.h"
#include "util.h"

struct drain {
    struct ctl *ctl;
    const char *command;
    const char *name;           /* Of the balancer. */
    const json_t *spec;         /* The balancer's, as it was read. */
    json_t *backends;           /* As they are to be. */
};

/* Returns the index of the backend that is the port 'name', or -1. */
static int
find_backend(const json_t *backends, const char *name)
{
    const json_t *backend;
    size_t i;

    json_array_foreach (backends, i, backend) {
        const char *port = json_string_value(json_object_get(backend,
                                                             "port"));

        if (port && !strcmp(port, name)) {
            return (int) i;
        }
    }
    return -1;
}

/* Sets '*selected' to whether the balancer's selector selects the port. */
static enum ctl_exit
is_selected(struct drain *drain, const char *port, bool *selected)
{
    const char *selector = json_string_value(json_object_get(drain->spec,
                                                             "selector"));
    struct ctl_reply reply;
    enum ctl_exit status;
    bool there;

    *selected = false;
    if (!selector) {
        return CTL_DONE;
    }
    status = ctl_get_object(drain->ctl, "ports", port, &reply, &there);
    if (!status && there) {
        *selected = ctl_labels_match(selector, reply.body);
        ctl_reply_uninit(&reply);
    }
    return status;
}

static enum ctl_exit
drain_backend(struct drain *drain, const char *port)
{
    int i = find_backend(drain->backends, port);
    enum ctl_exit status;
    bool selected;

    if (i >= 0) {
        json_object_set_new(json_array_get(drain->backends, i), "drain",
                            json_true());
        return CTL_DONE;
    }
    status = is_selected(drain, port, &selected);
    if (!status && !selected) {
        fprintf(drain->ctl->err, "vmnctl: %s is no backend of balancer %s\n",
                port, drain->name);
        return CTL_REFUSED;
    }
    json_array_append_new(drain->backends, json_pack(
        "{s:s, s:b}", "port", port, "drain", true));
    return status;
}

/* Returns true if the balancer says nothing of the backend but that it
 * drains. */
static bool
only_drains(const json_t *backend)
{
    const json_t *weight = json_object_get(backend, "weight");

    return ((!weight || json_integer_value(weight) == 1)
            && !json_is_true(json_object_get(backend, "standby")));
}

/* Takes the drain of backend 'i' back.  Sets '*removed' to whether the backend
 * is listed no longer, since the selector has it. */
static enum ctl_exit
undrain_at(struct drain *drain, size_t i, bool *removed)
{
    json_t *backend = json_array_get(drain->backends, i);
    const char *port = json_string_value(json_object_get(backend, "port"));
    enum ctl_exit status = CTL_DONE;

    *removed = false;
    if (!json_is_true(json_object_get(backend, "drain"))) {
        return CTL_DONE;
    }
    if (only_drains(backend)) {
        status = is_selected(drain, port ? port : "", removed);
    }
    if (*removed) {
        json_array_remove(drain->backends, i);
    } else {
        json_object_del(backend, "drain");
    }
    return status;
}

static enum ctl_exit
undrain_all(struct drain *drain)
{
    enum ctl_exit status = CTL_DONE;
    size_t i = 0;

    while (i < json_array_size(drain->backends) && !status) {
        bool removed;

        status = undrain_at(drain, i, &removed);
        i += !removed;
    }
    return status;
}

static enum ctl_exit
undrain_backend(struct drain *drain, const char *port)
{
    int i = find_backend(drain->backends, port);
    bool removed;

    if (i < 0 || !json_is_true(json_object_get(
            json_array_get(drain->backends, i), "drain"))) {
        fprintf(drain->ctl->err, "vmnctl: %s does not drain from balancer "
                "%s\n", port, drain->name);
        return CTL_REFUSED;
    }
    return undrain_at(drain, (size_t) i, &removed);
}

/* Sends the backends, unless somebody else has changed the balancer since it
 * was read. */
static enum ctl_exit
send_backends(struct drain *drain, const json_t *object)
{
    const char *tag = json_string_value(json_object_get(
        json_object_get(object, "metadata"), "etag"));
    struct ctl_changes changes;
    enum ctl_exit status;

    ctl_changes_init(&changes);
    ctl_changes_add(&changes, "patch", "loadbalancers", drain->name,
                    json_pack("{s:O}", "backends", drain->backends), NULL);
    ctl_client_if_match(drain->ctl->client, tag);
    status = ctl_changes_send(drain->ctl, drain->command, &changes);
    ctl_client_if_match(drain->ctl->client, NULL);
    ctl_changes_uninit(&changes);
    return status;
}

/* Changes the balancer 'args[0]': its backends 'args[1]' and so on by
 * 'each'. */
static enum ctl_exit
run(struct ctl *ctl, const char *command, int n_args, char *const args[],
    enum ctl_exit (*each)(struct drain *, const char *port))
{
    struct drain drain = { .ctl = ctl, .command = command, .name = args[0] };
    struct ctl_reply reply;
    enum ctl_exit status;
    bool there;

    status = ctl_get_object(ctl, "loadbalancers", args[0], &reply, &there);
    if (!status && !there) {
        fprintf(ctl->err, "vmnctl: loadbalancer \"%s\" not found\n", args[0]);
        status = CTL_REFUSED;
    }
    if (status) {
        return status;
    }
    drain.spec = json_object_get(reply.body, "spec");
    drain.backends = json_deep_copy(json_object_get(drain.spec, "backends"));
    if (!drain.backends) {
        drain.backends = json_array();
    }
    for (int i = 1; i < n_args && !status; i++) {
        status = each(&drain, args[i]);
    }
    if (!status && n_args == 1) {
        status = undrain_all(&drain);
    }
    if (!status) {
        status = send_backends(&drain, reply.body);
    }
    json_decref(drain.backends);
    ctl_reply_uninit(&reply);
    return status;
}

enum ctl_exit
ctl_cmd_drain(struct ctl *ctl, int n_args, char *const args[])
{
    enum ctl_exit status = run(ctl, "drain", n_args, args, drain_backend);

    if (!status && ctl->wait && !ctl->dry_run) {
        for (int i = 1; i < n_args; i++) {
            svec_add(&ctl->backends, args[i]);
        }
        status = ctl_wait_drained(ctl, args[0]);
    }
    return status;
}

enum ctl_exit
ctl_cmd_undrain(struct ctl *ctl, int n_args, char *const args[])
{
    return run(ctl, "undrain", n_args, args, undrain_backend);
}
