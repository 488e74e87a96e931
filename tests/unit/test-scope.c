/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of scopes: which hosts come to them and go, when the hosts
 * themselves come and go.  Facts that come and go are in
 * test-engine-dependencies.c. */

#include <config.h>

#include "tests/unit/toy-fixture.h"

#include <string.h>

#include "util.h"

/* Each port names a host by its role, whether there is one or not; and says
 * itself in which scope its flow is. */
static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const char *host = vmn_labels_get(vmn_labels_of(view, &port->row),
                                      "role");
    struct vmn_scope scope = vmn_scope_all();

    if (!strcmp(key, "host")) {
        scope = vmn_scope_host(host);
    } else if (!strcmp(key, "facts")) {
        vmn_publish(emit, "app.hosts", "key", host);
        scope = vmn_scope_relation("app.hosts", "key");
    }
    vmn_act_drop(vmn_flow_actions(vmn_flow_add(emit, scope, STAGE, 0, 10)),
                 "test");
}

static const struct vmn_app_class app = {
    VMN_APP_HEAD, .name = "app",
    .stages = toy_stages,
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_port },
        { .name = NULL },
    },
};

static int
setup(void **state)
{
    toy_setup(&app);
    return 0;
}

/* Has the engine run: scope 'name' is joined or left by h2; nothing else
 * is, but scope "all" if 'all'. */
static void
expect_h2(const char *name, bool all, bool joined)
{
    struct engine_delta *delta = toy_run(&toy);
    size_t n = 0;

    for (size_t i = 0; i < delta->n_members; i++) {
        const struct engine_member *member = &delta->members[i];

        assert_string_equal(member->host, "h2");
        assert_int_equal(member->joined, joined);
        n += !strcmp(engine_scope_name(member->scope), name);
    }
    assert_int_equal(n, 1);
    assert_int_equal(delta->n_members, 1 + all);
    engine_delta_destroy(delta);
}

/* A host that comes, and goes, when the flow of its scope is there. */
static void
check_scope(const char *port, const char *name)
{
    bool all = strcmp(name, "all");

    if (all) {                  /* Somebody always has a flow for all. */
        toy_edit(&toy, VMN_TABLE_PORT, "all", toy_port("net", "h1"));
    }
    toy_edit(&toy, VMN_TABLE_PORT, port, toy_port("net", "h2"));
    toy_settle(&toy);
    for (int i = 0; i < 2; i++) {
        toy_edit(&toy, VMN_TABLE_HOST, "h2", toy_host(2));
        expect_h2(name, all, true);
        toy_edit(&toy, VMN_TABLE_HOST, "h2", NULL);
        expect_h2(name, all, false);
    }
}

static void
hosts_come_to_what_is_for_all_and_go(void **state)
{
    check_scope("all", "all");
}

static void
a_host_comes_to_what_is_for_it_and_goes(void **state)
{
    check_scope("host", "host:h2");
}

static void
a_host_that_facts_name_comes_and_goes(void **state)
{
    check_scope("facts", "app.hosts:key");
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
        cmocka_unit_test_setup_teardown(NAME, setup, toy_teardown)
        T(hosts_come_to_what_is_for_all_and_go),
        T(a_host_comes_to_what_is_for_it_and_goes),
        T(a_host_that_facts_name_comes_and_goes),
#undef T
    };

    return toy_run_all(argv, tests, ARRAY_SIZE(tests));
}
