/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl identities: the identities by which policies match ports. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Names in a cell of the table. */
#define NAMES_MAX 5

/* Prints the quarantines, or "yes" if only the ports' own fields isolate
 * them. */
static void
print_quarantine(const json_t *identity, struct ds *ds)
{
    ctl_path_print(identity, "/quarantines", ds);
    if (!ds->length
        && json_is_true(json_object_get(identity, "quarantined"))) {
        ds_put_cstr(ds, "yes");
    }
}

static void
print_ports(const json_t *identity, struct ds *ds)
{
    const json_t *ports = json_object_get(identity, "ports");
    json_int_t n = json_integer_value(json_object_get(identity, "n_ports"));
    size_t n_shown = MIN(json_array_size(ports), NAMES_MAX);

    for (size_t i = 0; i < n_shown; i++) {
        ds_put_cstr(ds, i ? "," : "");
        ctl_path_print(json_array_get(ports, i), "", ds);
    }
    if (n > (json_int_t) n_shown) {
        ds_put_format(ds, ",+%"JSON_INTEGER_FORMAT, n - (json_int_t) n_shown);
    }
}

static const struct ctl_column columns[] = {
    { "NUMBER", "/number", NULL },
    { "NETWORK", "/network", NULL },
    { "ROUTER", "/router", NULL },
    { "GROUPS", "/groups", NULL },
    { "QUARANTINE", NULL, print_quarantine },
    { "N", "/n_ports", NULL },
    { "PORTS", NULL, print_ports },
    { NULL, NULL, NULL },
};

enum ctl_exit
ctl_cmd_identities(struct ctl *ctl, int n_args OVS_UNUSED,
                   char *const args[] OVS_UNUSED)
{
    json_t *identities = json_array();
    json_t *list = json_pack("{s:O}", "items", identities);
    enum ctl_exit status = ctl_get_list(ctl, "identities", identities);

    if (!status && !ctl_show_raw(ctl, list)) {
        if (json_array_size(identities)) {
            ctl_show_table(ctl->out, columns, identities);
        } else {
            fputs("no identities\n", ctl->err);
        }
    }
    json_decref(list);
    json_decref(identities);
    return status;
}
