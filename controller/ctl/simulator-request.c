/* SPDX-License-Identifier: Apache-2.0
 *
 * What vmnctl trace and reachability have in common: the service and the
 * change that are asked about, and the reasons of a reply; see
 * simulator-request.h. */

#include <config.h>

#include "controller/ctl/simulator-request.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/object-files.h"
#include "controller/ctl/output-table.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "?";
}

enum ctl_exit
ctl_set_after(struct ctl *ctl, json_t *body)
{
    enum ctl_exit status = CTL_DONE;
    struct vmn_error why = VMN_ERROR_INIT;
    struct ctl_input input;

    ctl_input_init(&input);
    for (size_t i = 0; i < ctl->after.n && !status; i++) {
        if (ctl_input_load(&input, ctl->after.names[i], ctl->in, &why)) {
            status = ctl_usage(ctl, "%s", why.text);
            vmn_error_uninit(&why);
        }
    }
    if (!status && ctl->after.n) {
        json_object_set(body, "after", input.objects);
    }
    ctl_input_uninit(&input);
    return status;
}

static bool
put_number(json_t *body, const char *name, const char *text)
{
    int number;

    if (!str_to_int(text, 10, &number)) {
        return false;
    }
    json_object_set_new(body, name, json_integer(number));
    return true;
}

bool
ctl_set_service(json_t *body, const char *service)
{
    char *copy = xstrdup(service), *rest = copy;
    const char *protocol = strsep(&rest, "/");
    bool icmp = !strcmp(protocol, "icmp") || !strcmp(protocol, "icmpv6");
    bool ok = icmp || (rest && (!strcmp(protocol, "tcp")
                                || !strcmp(protocol, "udp")
                                || !strcmp(protocol, "sctp")));

    if (ok && rest) {
        ok = put_number(body, icmp ? "icmp_type" : "port",
                        strsep(&rest, "/"));
    }
    if (ok && rest) {
        ok = icmp && put_number(body, "icmp_code", rest);
    }
    json_object_set_new(body, "protocol", json_string(protocol));
    free(copy);
    return ok;
}

void
ctl_append_rule(const json_t *json, const char *before, struct ds *ds)
{
    const json_t *rule = json_object_get(json, "rule");

    if (rule) {
        ds_put_format(ds, "%srule %"JSON_INTEGER_FORMAT" of %s", before,
                      json_integer_value(rule),
                      text_of(json_object_get(json, "object"), "name"));
    }
}

void
ctl_print_unheard(struct ctl *ctl, const json_t *reply)
{
    const json_t *warning;
    size_t i;

    json_array_foreach (json_object_get(reply, "warnings"), i, warning) {
        char *line = xasprintf("warning: %s\n",
                               json_is_string(warning)
                               ? json_string_value(warning) : "");

        ctl_print_safely(ctl->out, line);
        free(line);
    }
}

void
ctl_append_isolation(const json_t *json, const char *before, const char *by,
                     const char *after, struct ds *ds)
{
    const json_t *policies = json_object_get(json, "isolated_by");
    const json_t *policy;
    size_t i;

    if (!json_array_size(policies)) {
        return;
    }
    ds_put_format(ds, "%s%s%s", before, text_of(json, "direction"), by);
    json_array_foreach (policies, i, policy) {
        ds_put_format(ds, "%s%s", i ? ", " : "", json_string_value(policy));
    }
    ds_put_cstr(ds, after);
}

/* So many quarantines of a reason are named. */
#define QUARANTINES_SHOWN 3

void
ctl_append_quarantine(const json_t *json, const char *before,
                      const char *after, struct ds *ds)
{
    const json_t *held_by = json_object_get(json, "quarantined_by");
    const json_t *name;
    size_t i;

    json_array_foreach (held_by, i, name) {
        if (i == QUARANTINES_SHOWN) {
            ds_put_format(ds, " and %"PRIuSIZE" more",
                          json_array_size(held_by) - i);
            break;
        }
        ds_put_cstr(ds, i ? ", " : before);
        ctl_path_print(name, "", ds);
    }
    ds_put_cstr(ds, i ? after : "");
}
