/* SPDX-License-Identifier: Apache-2.0
 *
 * The model: its indexes, what is noted of changes, what is stored, loaded,
 * settled and undone. */

#include <config.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/model/model.h"
#include "controller/model/id-pools.h"
#include "controller/model/port-effects.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/model-fixture.h"
#include "tests/unit/model-util.h"
#include "util.h"

/* Indexes and notes.  ----------------------------------------------------- */

static void
indexes_follow_rows(void **state)
{
    struct model *model = *state;

    apply(model, "put groups any {'selector':''}\n"
          "put groups in {'selector':'role in (a,b),x!=1'}\n"
          "put groups not {'selector':'!role'}\n"
          "put groups two {'selector':'a,role=db'}\n"
          "put bindings p1 {'host':'h2','candidate':'h1'}\n"
          "put loadbalancers x " LB(""), "");
    check_index(model, VMN_INDEX_ALL_HOSTS, "", "h1 h2");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "n", "p1 p2");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "m", "");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "role=web", "p1");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "role", "p1");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "", "p1 p2");
    check_index(model, VMN_INDEX_PORT_BY_HOST, "h2", "p1");
    check_index(model, VMN_INDEX_PORT_BY_HOST, "h1", "");
    check_index(model, VMN_INDEX_GROUP_BY_PORT, "p2", "g");
    check_index(model, VMN_INDEX_GROUP_BY_ANCHOR, "role=web", "g");
    check_index(model, VMN_INDEX_GROUP_BY_ANCHOR, "role", "in");
    check_index(model, VMN_INDEX_GROUP_BY_ANCHOR, "role=db", "two");
    check_index(model, VMN_INDEX_GROUP_BY_ANCHOR, "", "any not");
    check_index(model, VMN_INDEX_POLICY_BY_GROUP, "g", "pol");
    check_index(model, VMN_INDEX_LB_BY_NETWORK, "n", "x");
    check_index(model, VMN_INDEX_PORT_BY_IP, "n/10.0.0.9", "p2");

    apply(model, "put ports p1 {'network':'m','labels':{'role':'db'}}\n"
          "delete loadbalancers x\ndelete bindings p1", "");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "n", "p2");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "m", "p1");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "role=web", "");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "role=db", "p1");
    check_index(model, VMN_INDEX_PORT_BY_HOST, "h2", "");
    check_index(model, VMN_INDEX_LB_BY_NETWORK, "n", "");
}

static int
compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
check_changes(struct model *model, const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct model_changes changes;
    char *lines[64];

    model_take_changes(model, &changes);
    assert_true(changes.n <= ARRAY_SIZE(lines));
    for (size_t i = 0; i < changes.n; i++) {
        const struct model_change *c = &changes.changes[i];

        lines[i] = (c->kind == MODEL_CHANGE_INDEX
                    ? xasprintf("i%d:%s", c->id, c->key)
                    : xasprintf("%s:%s%s", schema_tables[c->id]->plural,
                                c->key, (c->kind == MODEL_CHANGE_LABELS
                                         ? ":labels" : "")));
    }
    qsort(lines, changes.n, sizeof *lines, compare_text);
    for (size_t i = 0; i < changes.n; i++) {
        ds_put_format(&ds, "%s\n", lines[i]);
        free(lines[i]);
    }
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
    model_changes_uninit(&changes);
}

static void
changes_are_noted_once_and_exactly(void **state)
{
    struct model *model = *state;

    check_changes(model, "");
    apply(model, "patch ports p1 {'labels':{'role':'db','x':'y'}}", "");
    apply(model, "patch ports p1 {'description':'again'}", "");
    check_changes(model, "i3:role=db\ni3:role=web\ni3:x\ni3:x=y\n"
                  "ports:p1:labels\n");
    apply(model, "patch ports p1 {'enabled':false}", "");
    check_changes(model, "ports:p1\n");

    /* A refused request and one without effect note nothing. */
    apply(model, "put ports p1 {}", "/network is required\n");
    apply(model, "put networks m {'vni':77,'subnets':["
          "{'cidr':'10.0.0.0/24'}]}", "");
    check_changes(model, "");

    /* Undoing is a change, too. */
    model_undo(model);
    check_changes(model, "i3:role=db\ni3:role=web\ni3:x\ni3:x=y\n"
                  "ports:p1\nports:p1:labels\n");
}

static void
joining_a_set_is_no_change_of_the_row(void **state)
{
    struct model *model = *state;
    uint64_t revision;
    struct model_meta meta;
    char *errors = model_util_apply(model, "test", "shop",
                                    "put hosts h1 {'ovsdb':'inbound',"
                                    "'tunnel_ip':'192.0.2.1'}", &revision);

    assert_string_equal(errors, "");
    free(errors);
    check_changes(model, "");
    model_settle(model);
    model_get_durable(model, VMN_TABLE_HOST, "h1", &meta);
    assert_string_equal(meta.set, "shop");
    assert_int_equal(meta.revision, revision);
}

/* Durability.  ------------------------------------------------------------ */

static void
durable_state_follows_when_settled(void **state)
{
    struct model *model = *state;
    char *before = model_util_dump(model, true);
    uint64_t revision = model_revision(model);
    char *after;

    apply(model, "put groups a {}", "");
    apply(model, "patch groups a {'description':'b'}\n"
          "delete policies pol", "");
    assert_true(model_is_unsettled(model));
    assert_int_equal(model_revision(model), revision + 2);
    assert_int_equal(model_durable_revision(model), revision);
    assert_null(model_get_durable(model, VMN_TABLE_GROUP, "a", NULL));
    assert_non_null(model_get_durable(model, VMN_TABLE_POLICY, "pol",
                                      NULL));
    after = model_util_dump(model, true);
    assert_string_equal(before, after);
    free(after);

    model_undo(model);
    assert_false(model_is_unsettled(model));
    assert_int_equal(model_revision(model), revision);
    assert_null(model_get(model, VMN_TABLE_GROUP, "a"));
    assert_non_null(model_get(model, VMN_TABLE_POLICY, "pol"));
    after = model_util_dump(model, true);
    assert_string_equal(before, after);
    free(after);

    apply(model, "put groups a {}", "");
    model_settle(model);
    assert_int_equal(model_durable_revision(model), revision + 1);
    assert_non_null(model_get_durable(model, VMN_TABLE_GROUP, "a", NULL));
    free(before);
}

static void
pending_holds_what_is_to_be_stored(void **state)
{
    struct model *model = *state;
    struct model_pending pending;

    apply(model, "put groups a {}", "");
    apply(model, "put groups b {}\ndelete policies pol", "");
    apply(model, "delete groups a", "");        /* Never was stored. */
    apply(model, "put vifs h1/x {'host':'h1','iface_id':'x','iface':'t',"
          "'ofport':1}", "");
    model_get_pending(model, &pending);
    assert_int_equal(pending.n_writes, 2);
    assert_string_equal(pending.writes[0].name, "b");
    assert_int_equal(pending.writes[0].meta.revision, 4);
    assert_non_null(pending.writes[0].row);
    assert_string_equal(pending.writes[1].name, "pol");
    assert_null(pending.writes[1].row);
    assert_int_equal(pending.n_logs, 4);
    assert_string_equal(pending.logs[1].who, "test");
    assert_string_equal(pending.logs[1].summary,
                        "[{\"op\":\"create\",\"type\":\"groups\","
                        "\"name\":\"b\"},{\"op\":\"delete\","
                        "\"type\":\"policies\",\"name\":\"pol\"}]");
    assert_true(pending.logs[2].stored);
    assert_false(pending.logs[3].stored);

    model_settle(model);
    model_get_pending(model, &pending);
    assert_int_equal(pending.n_writes + pending.n_logs, 0);
}

static void
assert_newest_log(struct model *model, const char *part)
{
    struct model_pending pending;

    model_get_pending(model, &pending);
    if (!strstr(pending.logs[pending.n_logs - 1].summary, part)) {
        fail_msg("%s does not have %s",
                 pending.logs[pending.n_logs - 1].summary, part);
    }
}

#define EFFECT(OP, PORT, BY) \
    "{\"op\":\"" OP "\",\"type\":\"ports\",\"name\":\"" PORT "\"," \
    "\"by\":\"" BY "\"}"

/* What a change does to ports is in the log with their names, by the labels
 * that they had then. */
static void
log_names_ports_that_others_have_an_effect_on(void **state)
{
    struct model *model = *state;

    apply(model, "put networks n {'subnets':[{'cidr':'10.0.0.0/24'}]}\n"
          "put ports a {'network':'n','labels':{'mark':'web'}}\n"
          "put ports b {'network':'n','labels':{'mark':'web'}}\n"
          "put ports c {'network':'n'}", "");
    apply(model, "put quarantines q {'selector':'mark=web','ports':['c']}",
          "");
    assert_newest_log(model, "\"name\":\"q\"},"
                      EFFECT("quarantine", "a",
                      "quarantines/q") "," EFFECT("quarantine", "b",
                      "quarantines/q") "," EFFECT("quarantine", "c",
                      "quarantines/q") "]");
    apply(model, "put quarantines q {'selector':'mark=web','ports':['c'],"
          "'description':'x'}", "");
    assert_newest_log(model, "\"name\":\"q\"}]");
    apply(model, "put quarantines q {'ports':['b','c']}", "");
    assert_newest_log(model, "\"name\":\"q\"}," EFFECT("release", "a",
                      "quarantines/q") "]");
    apply(model, "delete quarantines q", "");
    assert_newest_log(model, "\"name\":\"q\"}," EFFECT("release", "b",
                      "quarantines/q") "," EFFECT("release", "c",
                      "quarantines/q") "]");

    apply(model, "put loadbalancers l {'vip':'10.0.0.200','networks':['n'],"
          "'protocol':'tcp','ports':[{'port':80}],"
          "'backends':[{'port':'c'}],'selector':'mark=web'}", "");
    assert_newest_log(model, "\"name\":\"l\"}]");
    apply(model, "put loadbalancers l {'vip':'10.0.0.200','networks':['n'],"
          "'protocol':'tcp','ports':[{'port':80}],"
          "'backends':[{'port':'c','drain':true},{'port':'a','drain':true}],"
          "'selector':'mark=web'}", "");
    assert_newest_log(model, "\"name\":\"l\"}," EFFECT("drain", "a",
                      "loadbalancers/l") "," EFFECT("drain", "c",
                      "loadbalancers/l") "]");
    apply(model, "put loadbalancers l {'vip':'10.0.0.200','networks':['n'],"
          "'protocol':'tcp','ports':[{'port':80}],"
          "'selector':'mark=web'}", "");
    assert_newest_log(model, "\"name\":\"l\"}," EFFECT("undrain", "a",
                      "loadbalancers/l") "]");
}

/* More than there may be are to be looked at in one request: of a port that
 * the quarantine named it is known all the same whether it selects it now. */
static void
log_releases_no_port_that_is_selected(void **state)
{
    struct model *model = *state;
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "put networks n {'subnets':[{'cidr':'10.0.0.0/16'}]}");
    for (int i = 0; i < 200; i++) {
        ds_put_format(&ds, "\nput ports p%d {'network':'n',"
                      "'labels':{'mark':'x','other':'y'}}", i);
    }
    ds_put_cstr(&ds, "\nput ports c {'network':'n'}\n"
                "put quarantines named {'ports':['p1','c']}\n"
                "put quarantines selects {'selector':'mark=x'}");
    apply(model, ds_cstr(&ds), "");
    ds_clear(&ds);
    /* Each has 200 to look at, and selects none. */
    for (int i = 0; i < PORT_EFFECTS_LOOKED_MAX / 200; i++) {
        ds_put_format(&ds, "put quarantines q%d {'selector':"
                      "'mark,!other'}\n", i);
    }
    ds_put_cstr(&ds, "put quarantines named {'selector':'mark=x'}\n"
                "put quarantines selects {'ports':['p2','c']}");
    apply(model, ds_cstr(&ds), "");
    assert_newest_log(model, "\"name\":\"selects\"},"
                      EFFECT("release", "c", "quarantines/named") ","
                      EFFECT("quarantine", "c", "quarantines/selects") "]");
    ds_destroy(&ds);
}

/* A port that is given labels comes into quarantines and leaves them as one
 * whose quarantine is changed does. */
static void
log_names_quarantines_that_labels_bring_ports_into(void **state)
{
    struct model *model = *state;

    apply(model, "put networks n {'subnets':[{'cidr':'10.0.0.0/24'}]}\n"
          "put ports a {'network':'n'}\n"
          "put quarantines by-value {'selector':'mark=bad'}\n"
          "put quarantines by-key {'selector':'mark'}\n"
          "put quarantines by-absence {'selector':'!clean,!mark'}\n"
          "put quarantines named {'ports':['a']}", "");
    apply(model, "patch ports a {'labels':{'mark':'bad','x':'y'}}", "");
    assert_newest_log(model, "\"name\":\"a\"},"
                      EFFECT("release", "a", "quarantines/by-absence") ","
                      EFFECT("quarantine", "a", "quarantines/by-key") ","
                      EFFECT("quarantine", "a", "quarantines/by-value") "]");
    apply(model, "patch ports a {'labels':{'x':'z'}}", "");
    assert_newest_log(model, "\"name\":\"a\"}]");
    apply(model, "patch ports a {'description':'x'}", "");
    assert_newest_log(model, "\"name\":\"a\"}]");
    apply(model, "patch ports a {'labels':{'mark':'good'}}", "");
    assert_newest_log(model, "\"name\":\"a\"},"
                      EFFECT("release", "a", "quarantines/by-value") "]");
    apply(model, "put ports b {'network':'n','labels':{'mark':'bad'}}", "");
    assert_newest_log(model, "\"name\":\"b\"},"
                      EFFECT("quarantine", "b", "quarantines/by-key") ","
                      EFFECT("quarantine", "b", "quarantines/by-value") "]");
    apply(model, "delete ports b", "");
    assert_newest_log(model, "\"name\":\"b\"}]");
}

/* Each effect is told once, by the labels before and behind the request. */
static void
log_names_effects_of_labels_and_quarantines_together(void **state)
{
    struct model *model = *state;

    apply(model, "put networks n {'subnets':[{'cidr':'10.0.0.0/24'}]}\n"
          "put ports a {'network':'n'}\n"
          "put ports b {'network':'n'}", "");
    apply(model, "patch ports a {'labels':{'mark':'bad'}}\n"
          "put quarantines q {'selector':'mark=bad','ports':['b']}", "");
    assert_newest_log(model, "\"name\":\"q\"},"
                      EFFECT("quarantine", "a", "quarantines/q") ","
                      EFFECT("quarantine", "b", "quarantines/q") "]");
    apply(model, "patch ports a {'labels':{'mark':'worse'}}\n"
          "put quarantines q {'selector':'mark=worse','ports':['b']}", "");
    assert_newest_log(model, "\"name\":\"q\"}]");
    apply(model, "patch ports a {'labels':{'mark':null}}\n"
          "patch quarantines q {'description':'x'}", "");
    assert_newest_log(model, "\"name\":\"q\"},"
                      EFFECT("release", "a", "quarantines/q") "]");
    apply(model, "patch ports a {'labels':{'mark':'worse'}}", "");
    apply(model, "patch ports a {'labels':{'mark':null}}\n"
          "delete quarantines q", "");
    assert_newest_log(model, "\"name\":\"q\"},"
                      EFFECT("release", "a", "quarantines/q") ","
                      EFFECT("release", "b", "quarantines/q") "]");
}

/* The only pending write: 'name', and whether it was gone in between. */
static void
assert_pending(struct model *model, const char *name, bool anew)
{
    struct model_pending pending;

    assert_true(model_has_pending(model));
    model_get_pending(model, &pending);
    assert_int_equal(pending.n_writes, 1);
    assert_string_equal(pending.writes[0].name, name);
    assert_int_equal(pending.writes[0].recreated, anew);
}

static void
pending_tells_what_was_made_anew(void **state)
{
    struct model *model = *state;

    assert_false(model_has_pending(model));
    apply(model, "put vifs h1/x {'host':'h1','iface_id':'x','iface':'t',"
          "'ofport':1}", "");
    assert_false(model_has_pending(model)); /* Not for the store. */

    apply(model, "delete policies pol", "");
    assert_pending(model, "pol", false);    /* It is gone. */
    apply(model, "put policies pol {'applies_to':['g']}", "");
    assert_pending(model, "pol", true);
    apply(model, "put policies pol {'applies_to':['g'],"
          "'description':'x'}", "");
    assert_pending(model, "pol", true);
    model_settle(model);

    apply(model, "put policies pol {'applies_to':['g']}", "");
    assert_pending(model, "pol", false);
    apply(model, "delete policies pol", "");
    apply(model, "put policies pol {'applies_to':['g']}", "");
    assert_pending(model, "pol", true);
    model_undo(model);
    assert_false(model_has_pending(model));
    apply(model, "put policies pol {'applies_to':['g'],'description':'y'}",
          "");
    assert_pending(model, "pol", false);
}

static void
log_names_a_thousand_changes_and_counts_the_rest(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct model_pending pending;
    json_t *changes;

    for (int i = 0; i < 1003; i++) {
        ds_put_format(&ds, "put groups many-%04d {}\n", i);
    }
    apply(*state, ds_cstr(&ds), "");
    ds_destroy(&ds);
    model_get_pending(*state, &pending);
    assert_int_equal(pending.n_logs, 1);
    changes = json_loads(pending.logs[0].summary, 0, NULL);
    assert_int_equal(json_array_size(changes), 1001);
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(changes, 999), "name")),
                        "many-0999");
    assert_int_equal(json_integer_value(json_object_get(
                         json_array_get(changes, 1000), "more")), 3);
    json_decref(changes);
}

static void
row_is_shown_with_its_metadata(void **state)
{
    struct model_meta meta;
    const struct vmn_row *row = model_get_durable(*state, VMN_TABLE_NETWORK,
                                                  "m", &meta);
    struct ds ds = DS_EMPTY_INITIALIZER;

    model_row_print(row, &meta, &ds);
    assert_string_equal(ds_cstr(&ds),
        "\"name\":\"m\",\"metadata\":{\"revision\":1,\"etag\":\"1\","
        "\"created\":\"1970-01-01T00:00:01.000Z\","
        "\"updated\":\"1970-01-01T00:00:01.000Z\"},"
        "\"spec\":{\"vni\":77,\"subnets\":[{\"cidr\":\"10.0.0.0/24\"}],"
        "\"default\":\"allow\"},\"status\":{\"vni\":77}");
    ds_destroy(&ds);
}

/* Copies the durable state into another model, as a store does. */
static int
copy_rows(struct model *from, struct model *to, struct vmn_errors *errors)
{
    for (int i = 0; i < VMN_TABLE_OWN_FIRST; i++) {
        struct model_meta meta;
        const struct vmn_row *row;
        const char *after = "";

        while (schema_tables[i]->stored
               && (row = model_next_durable(from, i, after, &meta)) != NULL) {
            json_t *spec = schema_row_spec(row);
            json_t *status = model_util_row_status(row);

            model_load_row(to, i, row->name, spec, status, &meta, errors);
            json_decref(spec);
            json_decref(status);
            after = row->name;
        }
    }
    return model_load_done(to, model_durable_revision(from), errors);
}

static void
loaded_model_is_the_same(void **state)
{
    struct model *model = *state;
    struct model *copy = model_create();
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    id_pools_load(model_id_pools(copy), "vni", "n", get_vni(model, "n"));
    id_pools_load(model_id_pools(copy), "vni", "m=77", 77);
    assert_int_equal(copy_rows(model, copy, &errors), 0);

    char *a = model_util_dump(model, true);
    char *b = model_util_dump(copy, true);
    assert_string_equal(a, b);
    free(a);
    free(b);
    assert_int_equal(model_revision(copy), model_revision(model));
    check_index(copy, VMN_INDEX_PORT_BY_LABEL, "role=web", "p1");
    check_changes(copy, "");

    /* The next address is the same in both. */
    apply(model, "put ports a {'network':'n'}", "");
    apply(copy, "put ports a {'network':'n'}", "");
    check_ip(model, "a", "10.0.0.3");
    check_ip(copy, "a", "10.0.0.3");
    model_destroy(copy);
}

static void
damaged_rows_are_not_loaded(void **state)
{
    struct model *copy = model_create();
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    assert_int_equal(copy_rows(*state, copy, &errors), EINVAL);
    assert_string_equal(errors.errors[0].pointer, "/networks/m");
    assert_string_equal(errors.errors[0].text,
                        "its VNI is not in the table of numbers");
    vmn_errors_uninit(&errors);
    model_destroy(copy);
}

static void
load(struct model *model, enum vmn_table table, const char *name,
     const char *spec)
{
    char *text = xasprintf("%s", spec);
    struct model_meta meta = { .revision = 1 };
    struct vmn_errors errors;
    json_t *json;

    for (char *p = text; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    vmn_errors_init(&errors);
    json = json_loads(text, 0, NULL);
    assert_non_null(json);
    assert_int_equal(model_load_row(model, table, name, json, NULL, &meta,
                                    &errors), 0);
    json_decref(json);
    free(text);
}

/* They were not refused once: they are loaded, and hinder nobody who does not
 * change them. */
static void
stored_virtual_ips_that_nobody_reaches_stay(void **state)
{
    struct model *model = model_create();
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    id_pools_load(model_id_pools(model), "vni", "n", get_vni(*state, "n"));
    id_pools_load(model_id_pools(model), "vni", "m=77", 77);
    load(model, VMN_TABLE_LOADBALANCER, "x",
         "{'vip':'127.0.0.1','networks':['n'],"
         "'ports':[{'port':80}],'backends':[{'port':'p1'}]}");
    load(model, VMN_TABLE_LOADBALANCER, "y",
         "{'vip':'10.0.0.255','networks':['n'],"
         "'ports':[{'port':80}],'backends':[{'port':'p1'}]}");
    assert_int_equal(copy_rows(*state, model, &errors), 0);

    apply(model, "patch loadbalancers x {'description':'x'}\n"
          "patch loadbalancers y {'description':'y'}", "");
    apply(model, "cascade ports p1", "");
    apply(model, "patch networks n {'subnets':[{'cidr':'10.0.0.0/24',"
          "'gateway':'10.0.0.1'},{'cidr':'10.8.0.0/24'}]}", "");
    apply(model, "patch loadbalancers y {'networks':['n','m']}",
          "/vip 10.0.0.255 of loadbalancer \"y\" is the first or last "
          "address of its subnet in network \"m\"\n");
    apply(model, "patch loadbalancers x {'vip':'127.0.0.2'}",
          "/vip must not be a loopback address: 127.0.0.2\n");
    apply(model, "patch loadbalancers y {'vip':'10.0.0.0'}",
          "/vip 10.0.0.0 of loadbalancer \"y\" is the first or last address "
          "of its subnet in network \"n\"\n");
    apply(model, "patch loadbalancers x {'vip':'10.0.0.254'}\n"
          "patch loadbalancers y {'vip':'10.8.0.9'}", "");
    model_destroy(model);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, model_setup, \
                                                   model_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(log_names_ports_that_others_have_an_effect_on),
        TEST(log_releases_no_port_that_is_selected),
        TEST(log_names_quarantines_that_labels_bring_ports_into),
        TEST(log_names_effects_of_labels_and_quarantines_together),
        TEST(indexes_follow_rows),
        TEST(changes_are_noted_once_and_exactly),
        TEST(joining_a_set_is_no_change_of_the_row),
        TEST(durable_state_follows_when_settled),
        TEST(pending_holds_what_is_to_be_stored),
        TEST(pending_tells_what_was_made_anew),
        TEST(log_names_a_thousand_changes_and_counts_the_rest),
        TEST(row_is_shown_with_its_metadata),
        TEST(loaded_model_is_the_same),
        TEST(damaged_rows_are_not_loaded),
        TEST(stored_virtual_ips_that_nobody_reaches_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
