/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is at a local port, and who has an address in a routing domain, as the
 * model says. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/counters/pair-names.h"
#include "controller/schema/value.h"
#include "tests/unit/model-fixture.h"
#include "util.h"

struct fixture {
    struct model *model;
    struct host_ports ports;
    struct pair_domains domains;
};

static void
change(struct fixture *f, const char *text)
{
    struct model_changes changes;

    apply(f->model, text, "");
    model_settle(f->model);
    model_take_changes(f->model, &changes);
    model_changes_uninit(&changes);
}

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);
    void *model;

    model_setup(&model);
    f->model = model;
    host_ports_init(&f->ports);
    pair_domains_init(&f->domains);
    change(f, "put bindings p1 {'host':'h1'}\nput bindings p2 {'host':'h1'}");
    change(f, "put vifs h1/p1 {'host':'h1','iface_id':'p1','iface':'t1',"
           "'ofport':9}\n"
           "put vifs h1/p2 {'host':'h1','iface_id':'p2','iface':'t2',"
           "'ofport':3}\n"
           "put vifs h1/x {'host':'h1','iface_id':'x','iface':'t3',"
           "'ofport':5}\n");
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    void *model = f->model;

    host_ports_uninit(&f->ports);
    pair_domains_uninit(&f->domains);
    free(f);
    return model_teardown(&model);
}

static void
check_port(struct fixture *f, uint32_t ofport, const char *name)
{
    const struct pair_port *port;

    host_ports_read(&f->ports, f->model, "h1");
    port = host_ports_find(&f->ports, ofport);
    if (name) {
        assert_non_null(port);
        assert_string_equal(port->name, name);
        assert_string_equal(port->network, "n");
        assert_int_equal(port->vni, get_vni(f->model, "n"));
    } else {
        assert_null(port);
    }
}

/* 'port' NULL: nobody has the address. */
static void
check_address(struct fixture *f, const char *network, const char *text,
              const char *port)
{
    struct vmn_ip ip;
    const char *found;
    int64_t created_ms = -1;

    assert_int_equal(value_parse_ip(text, &ip, NULL), 0);
    found = pair_domains_find(&f->domains, f->model, network, &ip,
                              &created_ms);
    if (port) {
        assert_non_null(found);
        assert_string_equal(found, port);
        assert_true(created_ms >= 0);
    } else {
        assert_null(found);
    }
}

static void
ports_of_a_host_are_found_by_number(void **state)
{
    struct fixture *f = *state;

    check_port(f, 9, "p1");
    check_port(f, 3, "p2");
    check_port(f, 5, NULL);     /* An interface of no port. */
    check_port(f, 4, NULL);
    assert_string_equal(pair_host_of(f->model, "p1"), "h1");
    assert_null(pair_host_of(f->model, "p3"));
    change(f, "delete vifs h1/p1");
    check_port(f, 9, NULL);
    check_port(f, 3, "p2");
    change(f, "put bindings p2 {'host':'h2'}");
    check_port(f, 3, NULL);
}

static void
an_address_is_found_in_all_of_its_domain(void **state)
{
    struct fixture *f = *state;

    change(f, NETWORK_A NETWORK_B
           "put ports a1 {'network':'a','ips':['10.1.0.7']}\n"
           "put ports b1 {'network':'b','ips':['10.2.0.7','fd02::7']}\n");
    check_address(f, "a", "10.1.0.7", "a1");
    check_address(f, "a", "10.1.0.8", NULL);
    check_address(f, "a", "10.2.0.7", NULL);
    check_address(f, "n", "10.0.0.9", "p2");
    check_address(f, "m", "10.0.0.9", NULL);    /* Another domain's. */
    check_address(f, "nosuch", "10.0.0.9", NULL);

    /* What joins them is seen a second later; the test does not wait. */
    change(f, "put routers r {'interfaces':[{'network':'a'},"
           "{'network':'b'}]}");
    f->domains.read_ms -= 1000;
    check_address(f, "a", "10.2.0.7", "b1");
    check_address(f, "a", "fd02::7", "b1");
    check_address(f, "b", "10.1.0.7", "a1");
    check_address(f, "a", "1.2.3.4", NULL);
    check_address(f, "a", "203.0.113.9", NULL);
    check_address(f, "a", "fe80::1", NULL);
    check_address(f, "n", "10.1.0.7", NULL);

    /* Ports are always those of now. */
    change(f, "delete ports b1");
    check_address(f, "a", "10.2.0.7", NULL);
    change(f, "delete routers r\ndelete ports a1\ndelete networks a");
    f->domains.read_ms -= 1000;
    check_address(f, "b", "10.1.0.7", NULL);
    assert_int_equal(hmap_count(&f->domains.networks), 1);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(ports_of_a_host_are_found_by_number),
        TEST(an_address_is_found_in_all_of_its_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
