/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl status: whether all is well, as vmnd judges, counts, problems, and
 * hosts that are not synced.  vmnctl version. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static json_int_t
get_count(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static const struct ctl_column unsynced_columns[] = {
    { "HOST", "/name", NULL },
    { "STATE", "/status/state", NULL },
    { "REASON", "/status/reason", NULL },
    { NULL, NULL, NULL },
};
static const struct ctl_column problem_columns[] = {
    { "PROBLEM", "/kind", NULL },
    { "UNITS", "/units", NULL },
    { "DETAIL", "/detail", NULL },
    { NULL, NULL, NULL },
};

/* "policies/web: /spec/applies_to/0", or nothing. */
static void
print_where(const json_t *warning, struct ds *ds)
{
    ctl_path_print(warning, "/type", ds);
    if (ds->length) {
        ds_put_char(ds, '/');
        ctl_path_print(warning, "/name", ds);
        ds_put_cstr(ds, ": ");
        ctl_path_print(warning, "/pointer", ds);
    }
}

/* Of a last one, that there are more. */
static void
print_warning(const json_t *warning, struct ds *ds)
{
    const json_t *more = json_object_get(warning, "more");

    if (more) {
        ds_put_format(ds, "and %"JSON_INTEGER_FORMAT" more",
                      json_integer_value(more));
    } else {
        ctl_path_print(warning, "/text", ds);
    }
}

static const struct ctl_column warning_columns[] = {
    { "OBJECT", NULL, print_where },
    { "WARNING", NULL, print_warning },
    { NULL, NULL, NULL },
};

/* Shows the hosts that are not synced, and not lost either. */
static enum ctl_exit
show_unsynced_hosts(struct ctl *ctl)
{
    json_t *hosts = json_array();
    json_t *unsynced = json_array();
    enum ctl_exit status = ctl_get_list(ctl, "hosts", hosts);
    json_t *host;
    size_t i;

    json_array_foreach (hosts, i, host) {
        const char *state = json_string_value(
            json_object_get(json_object_get(host, "status"), "state"));

        if (!state || (strcmp(state, "synced") && strcmp(state, "lost"))) {
            json_array_append(unsynced, host);
        }
    }
    ctl_show_nonempty_table(ctl->out, unsynced_columns, unsynced);
    json_decref(unsynced);
    json_decref(hosts);
    return status;
}

/* "degraded: hosts, quota".  What there is to say of each is told below. */
static void
show_health(struct ctl *ctl, const json_t *body)
{
    const json_t *health = json_object_get(body, "health");
    const json_t *reason;
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t i;

    ctl_path_print(health, "/state", &ds);
    json_array_foreach (json_object_get(health, "reasons"), i, reason) {
        ds_put_cstr(&ds, i ? ", " : ": ");
        ctl_path_print(reason, "/reason", &ds);
    }
    ds_put_cstr(&ds, ds.length ? "" : "-");
    fputs("Health:      ", ctl->out);
    ds_put_char(&ds, '\n');
    ctl_print_safely(ctl->out, ds_cstr(&ds));
    ds_destroy(&ds);
}

/* vmnd decides. */
static bool
is_well(const json_t *body)
{
    const char *state = json_string_value(json_object_get(
        json_object_get(body, "health"), "state"));

    return state && !strcmp(state, "ok");
}

/* "5 up, 1 down": of states that some are in. */
static void
show_ports(struct ctl *ctl, const json_t *ports)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *state;
    json_t *n;

    json_object_foreach (CONST_CAST(json_t *, ports), state, n) {
        if (json_integer_value(n)) {
            ds_put_format(&ds, "%s%"JSON_INTEGER_FORMAT" %s",
                          ds.length ? ", " : "", json_integer_value(n),
                          state);
        }
    }
    fprintf(ctl->out, "Ports:       %s\n", ds.length ? ds_cstr(&ds)
                                                     : "none");
    ds_destroy(&ds);
}

/* Shows the status as an account with a scope gets it. */
static void
show_scoped_status(struct ctl *ctl, const json_t *body)
{
    ctl_show_field(ctl->out, "Version", body, "/version");
    ctl_show_field(ctl->out, "Scope", body, "/scope");
    ctl_show_field(ctl->out, "Ready", body, "/ready");
    ctl_show_field(ctl->out, "Revision", body, "/revision");
    show_ports(ctl, json_object_get(body, "ports"));
    ctl_show_field(ctl->out, "Objects", body, "/objects");
    ctl_show_nonempty_table(ctl->out, warning_columns,
                            json_object_get(body, "warnings"));
}

static enum ctl_exit
show_status(struct ctl *ctl, const json_t *body)
{
    const json_t *hosts = json_object_get(body, "hosts");
    const json_t *problems = json_object_get(body, "problems");
    json_int_t lost = get_count(hosts, "lost");
    json_int_t n = get_count(hosts, "configured") - lost;
    json_int_t missing = n - get_count(hosts, "synced");
    enum ctl_exit status = CTL_DONE;

    ctl_show_field(ctl->out, "Version", body, "/version");
    show_health(ctl, body);
    ctl_show_field(ctl->out, "Ready", body, "/ready");
    ctl_show_field(ctl->out, "Uptime, s", body, "/uptime_s");
    ctl_show_field(ctl->out, "Revision", body, "/revision");
    fprintf(ctl->out, "Hosts:       %"JSON_INTEGER_FORMAT" of "
            "%"JSON_INTEGER_FORMAT" synced", get_count(hosts, "synced"), n);
    if (lost) {
        fprintf(ctl->out, ", %"JSON_INTEGER_FORMAT" lost", lost);
    }
    fputc('\n', ctl->out);
    ctl_show_field(ctl->out, "Objects", body, "/objects");
    ctl_show_nonempty_table(ctl->out, problem_columns, problems);
    ctl_show_nonempty_table(ctl->out, warning_columns,
                            json_object_get(body, "warnings"));
    if (missing) {
        status = show_unsynced_hosts(ctl);
    }
    return status ? status : is_well(body) ? CTL_DONE : CTL_DIFFERS;
}

enum ctl_exit
ctl_cmd_status(struct ctl *ctl, int n_args OVS_UNUSED,
               char *const args[] OVS_UNUSED)
{
    struct ctl_reply reply;
    enum ctl_exit status = ctl_get(ctl, "/v1/status", &reply);

    if (!status) {
        if (ctl_show_raw(ctl, reply.body)) {
            status = CTL_DONE;
        } else if (json_object_get(reply.body, "scope")) {
            show_scoped_status(ctl, reply.body);
        } else {
            status = show_status(ctl, reply.body);
        }
        ctl_reply_uninit(&reply);
        return status;
    }
    return ctl_comparison_exit(status);
}

/* version.  -------------------------------------------------------------- */

enum ctl_exit
ctl_cmd_version(struct ctl *ctl, int n_args OVS_UNUSED,
                char *const args[] OVS_UNUSED)
{
    struct ctl_reply reply;
    enum ctl_exit status;

    fprintf(ctl->out, "vmnctl %s\n", VMN_VERSION);
    fflush(ctl->out);
    status = ctl_get(ctl, "/healthz", &reply);
    if (!status) {
        ctl_show_field(ctl->out, "vmnd", reply.body, "/version");
        ctl_reply_uninit(&reply);
    }
    return status;
}
