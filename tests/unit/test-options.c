/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnd's options: the file, the command line's precedence, and the checks. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/options.h"
#include "util.h"

static int
read_config(struct options *options, const char *text, struct vmn_error *why)
{
    return options_read_config(options, "vmnd.json", text, strlen(text), why);
}

static void
defaults_are_safe(void **state OVS_UNUSED)
{
    struct options options = { .config = NULL };

    assert_int_equal(options_finish(&options, NULL), 0);
    assert_string_equal(options.state, "/var/lib/vmn/vmn.db");
    assert_string_equal(options.socket, "/run/vmn/vmnd.sock");
    assert_null(options.api_listen);
    assert_null(options.ovsdb_listen);
    /* Nothing that others reach is listened on, unless it is asked for. */
    assert_string_equal(options.openflow_listen,
                        "unix:/run/vmn/openflow.sock");
    assert_string_equal(options.openflow_target,
                        "unix:/run/vmn/openflow.sock");
    assert_int_equal(options.max_flows_per_host, 1000000);
    assert_int_equal(options.n_apps, 7);
    assert_string_equal(options.apps[0], "overlay");
    assert_string_equal(options.apps[2], "loadbalancer");
    assert_string_equal(options.apps[3], "router");
    assert_string_equal(options.apps[4], "gateway");
    options_uninit(&options);
}

static void
file_is_read(void **state OVS_UNUSED)
{
    struct options options = { .config = NULL };

    assert_int_equal(read_config(
        &options, "{\"state\": \"/x/y.db\","
        " \"openflow-listen\": \"tcp:0.0.0.0:6653\","
        " \"openflow-target\": \"tcp:192.0.2.1:6653\","
        " \"max-flows-per-host\": \"0\","
        " \"app\": [\"overlay\", \"./mine.so\"]}", NULL), 0);
    assert_int_equal(options_finish(&options, NULL), 0);
    assert_int_equal(options.max_flows_per_host, 0);
    assert_string_equal(options.state, "/x/y.db");
    assert_string_equal(options.openflow_target, "tcp:192.0.2.1:6653");
    assert_int_equal(options.n_apps, 2);
    assert_int_equal(options.apps[1][0], '/');
    options_uninit(&options);
}

static void
hosts_are_told_an_address_that_they_can_dial(void **state OVS_UNUSED)
{
    static const struct {
        const char *listen, *openflow, *given, *target;
    } cases[] = {
        { "tcp:192.0.2.1:6640", "tcp:192.0.2.2:6653", NULL,
          "tcp:192.0.2.1:6640" },
        { "tcp:0.0.0.0:6641", "ssl:192.0.2.2:6653", NULL,
          "tcp:192.0.2.2:6641" },
        { "tcp:[::]:6641", "tcp:[fd00::2]:6653", NULL, "tcp:[fd00::2]:6641" },
        { "tcp:[::]:6641", "tcp:[fd00::2]", NULL, "tcp:[fd00::2]:6641" },
        { "tcp:0.0.0.0:6641", "tcp:192.0.2.2", NULL, "tcp:192.0.2.2:6641" },
        { "tcp:0.0.0.0:6640", "tcp:192.0.2.2:6653", "tcp:198.51.100.1:7000",
          "tcp:198.51.100.1:7000" },
        /* Nobody knows it. */
        { "tcp:192.0.2.1:0", "tcp:192.0.2.2:6653", NULL, NULL },
        { "tcp:0.0.0.0:6640", "unix:/run/of.sock", NULL, NULL },
        { "tcp:0.0.0.0:6640", "tcp:[fd00::2]:6653", NULL, NULL },
        { "unix:/run/ovsdb.sock", "tcp:192.0.2.2:6653", NULL, NULL },
        /* By these a host would dial itself. */
        { "tcp:127.0.0.1:6640", "tcp:192.0.2.2:6653", NULL, NULL },
        { "tcp:[::1]:6640", "tcp:192.0.2.2:6653", NULL, NULL },
        { "tcp:0.0.0.0:6640", "tcp:127.0.0.2:6653", NULL, NULL },
        { "tcp:0.0.0.0:6640", "tcp:localhost:6653", NULL, NULL },
        { "tcp:127.0.0.1:6640", "tcp:192.0.2.2:6653", "tcp:127.0.0.1",
          "tcp:127.0.0.1:6640" },
        /* It is not to be told. */
        { "tcp:192.0.2.1:6640", "tcp:192.0.2.2:6653", "none", NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options options = {
            .ovsdb_listen = xstrdup(cases[i].listen),
            .openflow_target = xstrdup(cases[i].openflow),
            .ovsdb_target = nullable_xstrdup(cases[i].given),
        };

        assert_int_equal(options_finish(&options, NULL), 0);
        if (cases[i].target) {
            assert_non_null(options.ovsdb_target);
            assert_string_equal(options.ovsdb_target, cases[i].target);
        } else {
            assert_null(options.ovsdb_target);
        }
        options_uninit(&options);
    }
}

static void
command_line_wins_over_the_file(void **state OVS_UNUSED)
{
    struct options options = { .state = xstrdup("/given.db") };

    options.apps = xmalloc(sizeof *options.apps);
    options.apps[options.n_apps++] = xstrdup("overlay");
    assert_int_equal(read_config(&options, "{\"state\": \"/file.db\","
                                 " \"app\": [\"firewall\"]}", NULL), 0);
    assert_string_equal(options.state, "/given.db");
    assert_int_equal(options.n_apps, 1);
    assert_string_equal(options.apps[0], "overlay");
    options_uninit(&options);
}

static void
faulty_files_are_refused_with_the_reason(void **state OVS_UNUSED)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        { "", "vmnd.json:" },
        { "[]", "not a JSON object" },
        { "{\"state\": 5}", "state is not a string" },
        { "{\"state\": \"\"}", "state is empty" },
        { "{\"stat\": \"/x\"}", "unknown option \"stat\"" },
        { "{\"config\": \"/x\"}", "unknown option \"config\"" },
        { "{\"state\": \"/x\", \"state\": \"/y\"}", "duplicate" },
        { "{\"app\": \"overlay\"}", "app is not a list" },
        { "{\"app\": [\"overlay\", 1]}", "app/1 is not a string" },
        { "{\"app\": [\"\"]}", "app is empty" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options options = { .config = NULL };
        struct vmn_error why = VMN_ERROR_INIT;

        assert_int_equal(read_config(&options, cases[i].text, &why), EINVAL);
        assert_non_null(strstr(why.text, cases[i].reason));
        vmn_error_uninit(&why);
        options_uninit(&options);
    }
}

static void
a_byte_order_mark_is_skipped(void **state OVS_UNUSED)
{
    struct options options = { .config = NULL };
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(read_config(&options, "\xef\xbb\xbf"
                                 "{\"state\": \"/a\"}", &why), 0);
    assert_string_equal(options.state, "/a");
    options_uninit(&options);
}

static void
oversized_values_are_refused(void **state OVS_UNUSED)
{
    struct options options = { .config = NULL };
    size_t size = 2 * 1024 * 1024;
    char *text = xzalloc(size);
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(options_read_config(&options, "f", text, size, &why),
                     EINVAL);
    assert_non_null(strstr(why.text, "more than"));

    int n = snprintf(text, size, "{\"state\": \"/");
    memset(text + n, 'x', 5000);
    strcpy(text + n + 5000, "\"}");
    assert_int_equal(read_config(&options, text, &why), EINVAL);
    assert_non_null(strstr(why.text, "state is longer"));
    vmn_error_uninit(&why);
    free(text);
    options_uninit(&options);
}

static void
contradictions_are_refused(void **state OVS_UNUSED)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        { "{\"openflow-listen\": \"tcp:0.0.0.0:6653\"}", "openflow-target" },
        { "{\"openflow-listen\": \"ssl:[::]:6653\"}", "openflow-target" },
        { "{\"ovsdb-target\": \"tcp:192.0.2.1:6640\"}",
          "ovsdb-target goes with ovsdb-listen" },
        { "{\"ovsdb-listen\": \"tcp:192.0.2.1:6640\","
          " \"ovsdb-target\": \"ssl:192.0.2.1:6640\"}",
          "ovsdb-target=ssl:192.0.2.1:6640: must be tcp:" },
        { "{\"ovsdb-listen\": \"tcp:192.0.2.1:6640\","
          " \"ovsdb-target\": \"tcp:[::]:6640\"}",
          "ovsdb-target=tcp:[::]:6640 names no address" },
        { "{\"ovsdb-listen\": \"tcp:192.0.2.1:6640\","
          " \"ovsdb-target\": \"tcp:\"}",
          "ovsdb-target=tcp:: must be tcp:ADDRESS" },
        { "{\"ovsdb-listen\": \"tcp:192.0.2.1:6640\","
          " \"ovsdb-target\": \"tcp:host:0\"}",
          "ovsdb-target=tcp:host:0: must be tcp:ADDRESS" },
        { "{\"audit-interval\": \"-1\"}", "audit-interval" },
        { "{\"audit-interval\": \"1h\"}", "audit-interval" },
        { "{\"count-interval\": \"86401\"}", "count-interval" },
        { "{\"audit-interval\": \"99999999999\"}", "audit-interval" },
        { "{\"audit-alarm\": \"101\"}", "audit-alarm" },
        { "{\"packet-port-rate\": \"-1\"}", "packet-port-rate" },
        { "{\"packet-host-rate\": \"1000001\"}", "packet-host-rate" },
        { "{\"batch-delay\": \"1001\"}", "batch-delay" },
        { "{\"host-memory\": \"0\"}", "host-memory" },
        { "{\"api-listen\": \"127.0.0.1:80\"}", "api-token-file" },
        { "{\"certificate\": \"/c.pem\"}", "go together" },
        { "{\"cluster-member\": \"A b\"}", "cluster-member=A b" },
        { "{\"cluster-db\": \"tcp:192.0.2.1:6641\"}", "cluster-db" },
        { "{\"cluster-db\": \"ssl:127.0.0.1:6641\"}", "cluster-db" },
        { "{\"cluster-db\": \"tcp:127.0.0.1\"}", "cluster-db" },
        { "{\"private-key\": \"/k\", \"certificate\": \"/c\"}",
          "go together" },
        { "{\"ipsec\": \"ah\"}", "must be \"psk\" or \"certificates\"" },
        { "{\"ipsec\": \"psk\"}", "needs ipsec-key-file" },
        { "{\"ipsec\": \"certificates\", \"ipsec-key-file\": \"/k\"}",
          "exclude" },
        { "{\"host-ca-cert\": \"/h\"}", "go together" },
        { "{\"ovsdb-listen\": \"ssl:127.0.0.1:1\"}",
          "ovsdb-listen=ssl: needs private-key, certificate and host-ca-cert" },
        { "{\"openflow-listen\": \"ssl:127.0.0.1:1\", \"private-key\": "
          "\"/k\", \"certificate\": \"/c\", \"api-ca-cert\": \"/a\"}",
          "openflow-listen=ssl: needs" },
        { "{\"api-listen\": \"ssl:127.0.0.1:1\", \"private-key\": "
          "\"/k\", \"certificate\": \"/c\", \"host-ca-cert\": \"/a\"}",
          "api-ca-cert or ca-cert" },
        { "{\"webhook-allow\": \"a.example\"}",
          "webhook-allow: \"a.example\"" },
        { "{\"webhook-allow\": \"https://a@b/,https://c\"}", "user" },
        { "{\"api-origin\": \"vmn.example\"}",
          "api-origin: \"vmn.example\"" },
        { "{\"api-origin\": \"https://\"}", "without a path" },
        { "{\"api-origin\": \"https://a/\"}", "without a path" },
        { "{\"api-origin\": \"https://a,,https://b\"}", "must be" },
        { "{\"api-origin\": \"https://a,\"}", "is empty" },
        { "{\"max-flows-per-host\": \"many\"}", "is not a number" },
        { "{\"max-flows-per-host\": \"10x\"}", "is not a number" },
        { "{\"max-flows-per-host\": \"99999999999999999999\"}",
          "is not a number" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options options = { .config = NULL };
        struct vmn_error why = VMN_ERROR_INIT;

        assert_int_equal(read_config(&options, cases[i].text, NULL), 0);
        assert_int_equal(options_finish(&options, &why), EINVAL);
        assert_non_null(strstr(why.text, cases[i].reason));
        vmn_error_uninit(&why);
        options_uninit(&options);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_safe),
        cmocka_unit_test(file_is_read),
        cmocka_unit_test(hosts_are_told_an_address_that_they_can_dial),
        cmocka_unit_test(command_line_wins_over_the_file),
        cmocka_unit_test(faulty_files_are_refused_with_the_reason),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
        cmocka_unit_test(oversized_values_are_refused),
        cmocka_unit_test(contradictions_are_refused),
    };

    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
