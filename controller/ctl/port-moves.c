/* SPDX-License-Identifier: Apache-2.0
 *
 * See port-moves.h. */

#include <config.h>

#include "controller/ctl/port-moves.h"

#include <string.h>

#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"

static const char *
get_text(const json_t *change, const char *member)
{
    return json_string_value(json_object_get(change, member));
}

void
ctl_put_move(const json_t *change, const char *before, struct ds *ds)
{
    const char *type = get_text(change, "type");
    const char *from = get_text(change, "from");
    const char *to = get_text(change, "to");
    const char *candidate = get_text(change, "candidate");
    const char *ended = get_text(change, "migration");
    const char *former = get_text(change, "former");

    if (!type || strcmp(type, schema_tables[VMN_TABLE_BINDING]->plural)
        || (!from && !to)) {
        return;
    }
    ds_put_cstr(ds, before);
    if (!to) {
        ds_put_format(ds, "unbound from %s", from);
    } else if (!from) {
        ds_put_format(ds, "bound to %s", to);
    } else if (strcmp(from, to)) {
        ds_put_format(ds, "moved from %s to %s", from, to);
    } else {
        ds_put_format(ds, "on %s", to);
    }
    if (candidate && json_is_true(json_object_get(change, "activated"))) {
        ds_put_format(ds, ", activated there; %s still has its interface",
                      candidate);
    } else if (candidate) {
        ds_put_format(ds, ", candidate %s", candidate);
    } else if (former) {
        ds_put_format(ds, ", %s is not asked about it any more", former);
    } else if (from && to && !strcmp(from, to) && !ended) {
        ds_put_cstr(ds, ", no candidate any more");
    }
    if (ended) {
        ds_put_format(ds, ", migration %s: %s", ended,
                      get_text(change, "migration_reason"));
    }
}

void
ctl_put_effect(const json_t *change, struct ds *ds)
{
    const char *by = get_text(change, "by");

    if (by) {
        ds_put_format(ds, " by %s", by);
    }
}
