/* SPDX-License-Identifier: Apache-2.0
 *
 * Restores of the SQLite store on other machines: each reference to a host
 * follows, what the old ones have reported is forgotten, and a map that does
 * not fit changes nothing. */

#include <config.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/error.h"
#include "controller/schema/value.h"
#include "tests/unit/store-file-fixture.h"
#include "util.h"

static const char rows[] =
    "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1',"
    "'second_tunnel_ip':'2001:db8::1','maintenance':true,"
    "'labels':{'rack':'7'}}\n"
    "put hosts h2 {'ovsdb':'tcp:192.0.2.2:6640','tunnel_ip':'192.0.2.2',"
    "'lost':true}\n"
    "put hosts h3 {'ovsdb':'inbound','tunnel_ip':'192.0.2.3'}\n"
    "put networks a {'subnets':[{'cidr':'10.0.0.0/24',"
    "'gateway':'10.0.0.1'}]}\n"
    "put networks out {'provider':{'physical':'dc'},"
    "'subnets':[{'cidr':'198.51.100.0/24','gateway':'198.51.100.1'}]}\n"
    "put ports p {'network':'a','host':'h1','labels':{'x':'y'}}\n"
    "put ports q {'network':'a','hosts':['h2','h3']}\n"
    "put ports r {'network':'a'}\n"
    "put routers r {'interfaces':[{'network':'a'}],'external':"
    "{'network':'out','addresses':['198.51.100.9'],'gateways':"
    "[{'host':'h1','priority':1},{'host':'h3','priority':2}]}}\n"
    "put underlays h1 {'mtu':1500,'datapath_id':'0000000000000001'}\n"
    "put underlays h3 {'mtu':1500,'datapath_id':'0000000000000003'}\n"
    "put bindings p {'host':'h1'}\n"
    "put bindings q {'host':'h3','candidate':'h2'}\n"
    "put bindings r {'host':'h2'}";

/* Two hosts are others, and change their names. */
static const struct store_host_map swapped[] = {
    { .from = "h1", .to = "h2", .tunnel_ip = "198.51.100.1" },
    { .from = "h2", .to = "k2", .tunnel_ip = "198.51.100.2",
      .ovsdb = "inbound" },
};

static void
save(struct db_fixture *f)
{
    assert_int_equal(db_write(f, rows), 0);
    db_copy(f);
    db_close(f);
}

static const void *
row(const struct db_fixture *f, enum vmn_table table, const char *name)
{
    const void *found = model_get(f->model, table, name);

    if (!found) {
        fail_msg("there is no %s", name);
    }
    return found;
}

static void
assert_ip(const struct vmn_ip *ip, const char *text)
{
    char buffer[VALUE_IP_SIZE];

    assert_string_equal(value_format_ip(ip, buffer), text);
}

static void
check_references(const struct db_fixture *f)
{
    const struct vmn_port *p = row(f, VMN_TABLE_PORT, "p");
    const struct vmn_port *q = row(f, VMN_TABLE_PORT, "q");
    const struct vmn_router *r = row(f, VMN_TABLE_ROUTER, "r");

    assert_string_equal(p->host, "h2");
    assert_int_equal(q->n_hosts, 2);
    assert_string_equal(q->hosts[0], "h3");
    assert_string_equal(q->hosts[1], "k2");
    assert_int_equal(r->external.n_gateways, 2);
    assert_string_equal(r->external.gateways[0].host, "h2");
    assert_int_equal(r->external.gateways[0].priority, 1);
    assert_string_equal(r->external.gateways[1].host, "h3");
}

static void
check_hosts(const struct db_fixture *f)
{
    const struct vmn_host *h2 = row(f, VMN_TABLE_HOST, "h2");
    const struct vmn_host *k2 = row(f, VMN_TABLE_HOST, "k2");
    const struct vmn_host *h3 = row(f, VMN_TABLE_HOST, "h3");

    assert_null(model_get(f->model, VMN_TABLE_HOST, "h1"));
    assert_int_equal(model_names(f->model, VMN_TABLE_HOST).n, 3);
    assert_string_equal(h2->ovsdb, "inbound");
    assert_ip(&h2->tunnel_ip, "198.51.100.1");
    assert_int_equal(h2->second_tunnel_ip.family, 0);
    assert_false(h2->maintenance);
    assert_int_equal(h2->labels.n, 1);
    assert_string_equal(k2->ovsdb, "inbound");
    assert_ip(&k2->tunnel_ip, "198.51.100.2");
    assert_false(k2->lost);
    assert_ip(&h3->tunnel_ip, "192.0.2.3");
}

/* What the machines that stay have reported is there. */
static void
check_reports(const struct db_fixture *f)
{
    const struct vmn_binding *q = row(f, VMN_TABLE_BINDING, "q");

    assert_null(model_get(f->model, VMN_TABLE_BINDING, "p"));
    assert_null(model_get(f->model, VMN_TABLE_BINDING, "r"));
    assert_string_equal(q->host, "h3");
    assert_null(q->candidate);
    assert_int_equal(model_names(f->model, VMN_TABLE_UNDERLAY).n, 1);
    row(f, VMN_TABLE_UNDERLAY, "h3");
}

/* Into a folder without a database, as on another site. */
static void
references_follow(void **state)
{
    struct db_fixture *f = *state;
    const struct store_restore how = {
        .hosts = swapped, .n_hosts = ARRAY_SIZE(swapped),
    };
    struct store_restored r;
    struct vmn_error why = VMN_ERROR_INIT;

    save(f);
    free(f->path);
    f->path = xasprintf("%s/other.db", f->dir);
    if (store_file_restore(f->file, f->path, &how, &r, &why)) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(r.hosts.n_mapped, 2);
    assert_int_equal(r.hosts.n_references, 3);
    assert_int_equal(r.hosts.n_unbound, 2);
    assert_int_equal(json_array_size(r.hosts.others), 1);
    assert_string_equal(json_string_value(json_array_get(r.hosts.others, 0)),
                        "h3");
    store_restored_uninit(&r);
    db_open(f);
    check_hosts(f);
    check_references(f);
    check_reports(f);
}

/* The same over a database: what differs is told before. */
static void
rehearsal_tells_what_differs(void **state)
{
    struct db_fixture *f = *state;
    struct db_loss lost = { .go_on = false };
    struct store_restore how = {
        .hosts = swapped, .n_hosts = ARRAY_SIZE(swapped), .dry_run = true,
        .confirm = db_on_confirm, .aux = &lost,
    };
    struct store_restored r;

    save(f);
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r, NULL), 0);
    assert_int_equal(r.hosts.n_references, 3);
    store_restored_uninit(&r);
    assert_int_equal(lost.n, 1);
    db_check_loss(&lost, "k2");
    db_check_loss(&lost, "gateways");
    db_open(f);
    row(f, VMN_TABLE_HOST, "h1");
    db_close(f);

    how.dry_run = false;
    lost.go_on = true;
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r, NULL), 0);
    store_restored_uninit(&r);
    db_open(f);
    check_hosts(f);
    check_references(f);
    free(lost.text);
}

/* Of the same name: only where it is. */
static void
host_keeps_its_name(void **state)
{
    static const struct store_host_map maps[] = {
        { .from = "h1", .to = "h1", .tunnel_ip = "198.51.100.1",
          .second_tunnel_ip = "2001:db8:1::1" },
    };
    const struct store_restore how = { .hosts = maps, .n_hosts = 1 };
    struct db_fixture *f = *state;
    const struct vmn_port *p;
    const struct vmn_host *h1;
    struct store_restored r;

    save(f);
    assert_int_equal(store_file_restore(f->file, f->path, &how, &r, NULL), 0);
    assert_int_equal(r.hosts.n_references, 0);
    store_restored_uninit(&r);
    db_open(f);
    h1 = row(f, VMN_TABLE_HOST, "h1");
    assert_ip(&h1->tunnel_ip, "198.51.100.1");
    assert_ip(&h1->second_tunnel_ip, "2001:db8:1::1");
    p = row(f, VMN_TABLE_PORT, "p");
    assert_string_equal(p->host, "h1");
    assert_null(model_get(f->model, VMN_TABLE_BINDING, "p"));
}

/* In a list, and in a list of structs. */
static void
objects_of_apps_types_follow(void **state)
{
    static const struct store_host_map maps[] = {
        { .from = "h1", .to = "k1", .tunnel_ip = "198.51.100.1" },
    };
    const struct store_restore how = { .hosts = maps, .n_hosts = 1 };
    struct db_fixture *f = *state;
    struct store_restored r;
    struct vmn_error why = VMN_ERROR_INIT;

    save(f);
    db_run_sql(
        f->file, "INSERT INTO types (name, app, singular, doc, structs, "
        "fields, revision, created_ms, updated_ms) VALUES ('guards', 'a', "
        "'guard', 'd', '[{\"name\":\"post\",\"fields\":[{\"name\":"
        "\"at\",\"type\":\"ref\",\"ref\":\"hosts\",\"doc\":\"d\"}]}]', "
        "'[{\"name\":\"hosts\",\"type\":\"ref\",\"ref\":\"hosts\","
        "\"list\":true,\"max_items\":9,\"doc\":\"d\"},{\"name\":\"posts\","
        "\"type\":\"struct\",\"struct\":\"post\",\"list\":true,"
        "\"max_items\":9,\"doc\":\"d\"}]', 1, 0, 0);"
        "INSERT INTO objects (type, name, spec, revision, created_ms, "
        "updated_ms) VALUES ('guards', 'g', '{\"hosts\":[\"h1\",\"h3\"],"
        "\"posts\":[{\"at\":\"h2\"},{\"at\":\"h1\"}]}', 1, 0, 0)");
    free(f->path);
    f->path = xasprintf("%s/other.db", f->dir);
    if (store_file_restore(f->file, f->path, &how, &r, &why)) {
        fail_msg("%s", why.text);
    }
    /* And of a port and a router. */
    assert_int_equal(r.hosts.n_references, 4);
    store_restored_uninit(&r);
    db_run_sql(f->path, "CREATE TEMP TABLE t (x CHECK (x)); INSERT INTO t "
               "SELECT spec = '{\"hosts\":[\"k1\",\"h3\"],\"posts\":"
               "[{\"at\":\"h2\"},{\"at\":\"k1\"}]}' FROM objects");
    db_open(f);
    row(f, VMN_TABLE_HOST, "k1");
}

static void
map_that_does_not_fit_changes_nothing(void **state)
{
    static const struct {
        const char *why;
        struct store_host_map maps[2];
    } cases[] = {
        { "the backup has no host \"x1\", \"x2\"",
          { { "x1", "k1", NULL, "198.51.100.1", NULL },
            { "x2", "k2", NULL, "198.51.100.2", NULL } } },
        { "/h3/name: \"k\" is the name of \"h1\", too",
          { { "h1", "k", NULL, "198.51.100.1", NULL },
            { "h3", "k", NULL, "198.51.100.2", NULL } } },
        { "/h1/name: the backup has a host \"h2\" already",
          { { "h1", "h2", NULL, "198.51.100.1", NULL },
            { "h3", "k3", NULL, "198.51.100.2", NULL } } },
        { "/h1/name: ",
          { { "h1", "No Name", NULL, "198.51.100.1", NULL },
            { "h3", "k3", NULL, "198.51.100.2", NULL } } },
        { "/h1/tunnel_ip: required",
          { { "h1", "k1", NULL, NULL, NULL },
            { "h3", "k3", NULL, "198.51.100.2", NULL } } },
        { "/h1/tunnel_ip: ",
          { { "h1", "k1", NULL, "198.51.100", NULL },
            { "h3", "k3", NULL, "198.51.100.2", NULL } } },
        { "/h2/ovsdb: required, as \"h2\" was reached at tcp:192.0.2.2:6640",
          { { "h2", "k2", NULL, "198.51.100.1", NULL },
            { "h3", "k3", NULL, "198.51.100.2", NULL } } },
        { "/h2/ovsdb: ",
          { { "h2", "k2", "telnet:192.0.2.7", "198.51.100.1", NULL },
            { "h3", "k3", NULL, "198.51.100.2", NULL } } },
        { "/h1/second_tunnel_ip: must be of the other family",
          { { "h1", "k1", NULL, "198.51.100.1", "198.51.100.9" },
            { "h3", "k3", NULL, "198.51.100.2", NULL } } },
        { "would have 192.0.2.2 as tunnel_ip",
          { { "h1", "k1", NULL, "192.0.2.2", NULL },
            { "h3", "k3", NULL, "198.51.100.2", NULL } } },
    };
    struct db_fixture *f = *state;

    save(f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (int dry_run = 0; dry_run <= 1; dry_run++) {
            const struct store_restore how = {
                .hosts = cases[i].maps, .n_hosts = 2, .dry_run = dry_run,
            };
            struct vmn_error why = VMN_ERROR_INIT;
            struct store_restored r;

            assert_int_equal(store_file_restore(f->file, f->path, &how, &r,
                                                &why), EINVAL);
            if (!strstr(why.text, cases[i].why)) {
                fail_msg("\"%s\" lacks \"%s\"", why.text, cases[i].why);
            }
            vmn_error_uninit(&why);
            store_restored_uninit(&r);
        }
    }
    db_open(f);
    row(f, VMN_TABLE_HOST, "h1");
    row(f, VMN_TABLE_BINDING, "p");
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        TEST(references_follow),
        TEST(rehearsal_tells_what_differs),
        TEST(host_keeps_its_name),
        TEST(objects_of_apps_types_follow),
        TEST(map_that_does_not_fit_changes_nothing),
    };

    set_program_name(argv[0]);
    if (argv[1]) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
