/* SPDX-License-Identifier: Apache-2.0
 *
 * See model-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/model-fixture.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/model-util.h"
#include "util.h"

const char model_base[] =
    "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}\n"
    "put hosts h2 {'ovsdb':'inbound','tunnel_ip':'192.0.2.2'}\n"
    "put networks n {" SUBNET "}\n"
    "put networks m {'vni':77,'subnets':[{'cidr':'10.0.0.0/24'}]}\n"
    "put ports p1 {'network':'n','labels':{'role':'web'}}\n"
    "put ports p2 {'network':'n','ips':['10.0.0.9'],"
    "'mac':'02:00:00:00:00:09'}\n"
    "put groups g {'selector':'role=web','ports':['p2']}\n"
    "put policies pol {'applies_to':['g']}\n";

void
apply_as(struct model *model, const char *who, const char *text,
         const char *expected)
{
    uint64_t revision;
    char *before = model_util_dump(model, false);
    char *got = model_util_apply(model, who, NULL, text, &revision);
    char *after = model_util_dump(model, false);

    if (strcmp(got, expected)) {
        fail_msg("%s:\ngot\n%sexpected\n%s", text, got, expected);
    }
    if (*expected) {
        assert_string_equal(before, after);
    }
    free(before);
    free(after);
    free(got);
}

void
apply(struct model *model, const char *text, const char *expected)
{
    apply_as(model, "test", text, expected);
}

int
model_setup(void **state)
{
    struct model *model = model_create();
    struct model_changes changes;

    apply(model, model_base, "");
    apply_as(model, "vmnd", "put apps overlay {'description':'Networks'}",
             "");
    model_settle(model);
    model_take_changes(model, &changes);
    model_changes_uninit(&changes);
    *state = model;
    return 0;
}

int
model_teardown(void **state)
{
    model_destroy(*state);
    return 0;
}

const struct vmn_port *
get_port(struct model *model, const char *name)
{
    return model_get(model, VMN_TABLE_PORT, name);
}

void
check_ip(struct model *model, const char *name, const char *expected)
{
    const struct vmn_port *port = get_port(model, name);
    char buf[VALUE_IP_SIZE];

    assert_int_equal(port->n_ips, 1);
    assert_string_equal(value_format_ip(&port->ips[0], buf), expected);
}

uint32_t
get_vni(struct model *model, const char *name)
{
    const struct vmn_network *n = model_get(model, VMN_TABLE_NETWORK, name);

    return n->vni;
}

void
check_index(struct model *model, enum vmn_index index, const char *key,
            const char *expected)
{
    struct vmn_names names = model_lookup(model, index, key);
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < names.n; i++) {
        ds_put_format(&ds, "%s%s", i ? " " : "", names.names[i]);
    }
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
}

void
check_spec(struct model *model, enum vmn_table table, const char *name,
           const char *expected)
{
    const struct vmn_row *row = model_get(model, table, name);
    char *copy = xstrdup(expected);

    assert_non_null(row);
    for (char *p = copy; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    json_t *want = json_loads(copy, 0, NULL);
    json_t *got = schema_row_spec(row);
    if (!json_equal(want, got)) {
        char *text = json_dumps(got, JSON_COMPACT);

        fail_msg("%s:\ngot\n%s\nexpected\n%s", name, text, copy);
    }
    json_decref(got);
    json_decref(want);
    free(copy);
}
