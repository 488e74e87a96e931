/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's commands for clusters, against a server that plays back a script.
 * Not for what a machine does that joins (tests/package/check). */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/ctl-fixture.h"
#include "util.h"

#define MEMBERS(API)                                                    \
    "{\"member\": \"a\", \"role\": \"writer\", \"connected\": true,"    \
    " \"members\": [{\"name\": \"a\", \"role\": \"writer\", \"behind\": 0," \
    " \"hosts\": 20, \"heard\": 0.2, \"version\": \"1.0\","               \
    " \"address\": " API "},"                                           \
    " {\"name\": \"c\", \"role\": \"standby\", \"behind\": 3,"          \
    " \"hosts\": 19, \"heard\": 0.1, \"version\": \"1.0\","               \
    " \"address\": \"ssl:[fd00::3]:8443\"}]}"

#define ACCOUNTS                                                        \
    { "GET /v1/accounts?limit=250", NULL, 200,                          \
      "{\"items\": [{\"name\": \"ann\", \"spec\": {\"role\": \"admin\"," \
      " \"scope\": \"a=b\"}}, {\"name\": \"bob\", \"spec\":"            \
      " {\"role\": \"viewer\"}}, {\"name\": \"eve\", \"spec\":"         \
      " {\"role\": \"admin\"}}]}" }

static void
members_are_shown(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/cluster", NULL, 200, MEMBERS("\"ssl:192.0.2.1:8443\"") },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "cluster", CTL_DONE,
                "MEMBER   ROLE      BEHIND   HOSTS   HEARD       VERSION   "
                "API\n"
                "a        writer    0        20      0.2 s ago   1.0       "
                "ssl:192.0.2.1:8443\n"
                "c        standby   3        19      0.1 s ago   1.0       "
                "ssl:[fd00::3]:8443\n", "");
}

/* While members are upgraded. */
static void
different_versions_are_told(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/cluster", NULL, 200,
          "{\"member\": \"a\", \"role\": \"writer\", \"connected\": true,"
          " \"unknown_fields\": 1, \"members\": [{\"name\": \"a\","
          " \"role\": \"writer\", \"behind\": 0, \"hosts\": 2, \"heard\": 0,"
          " \"version\": \"1.0\"}, {\"name\": \"b\", \"role\": \"standby\","
          " \"behind\": 0, \"hosts\": 2, \"heard\": 0,"
          " \"version\": \"1.1\"}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "cluster", CTL_DONE,
                "MEMBER   ROLE      BEHIND   HOSTS   HEARD       VERSION   "
                "API\n"
                "a        writer    0        2       0.0 s ago   1.0       -\n"
                "b        standby   0        2       0.0 s ago   1.1       -\n"
                "\nmembers are of different versions: do not use yet what the "
                "older one does not\nknow\n"
                "\nmember a: 1 row has fields that its version does not know: "
                "they\nare kept, and have no effect while it is the writer\n",
                "");
}

static void
disks_that_fill_are_told(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/cluster", NULL, 200,
          "{\"member\": \"a\", \"role\": \"writer\", \"connected\": true,"
          " \"members\": [{\"name\": \"a\", \"role\": \"writer\","
          " \"behind\": 0, \"hosts\": 2, \"heard\": 0, \"version\": \"1.0\","
          " \"database_disk\": 90}, {\"name\": \"b\", \"role\":"
          " \"standby\", \"behind\": 0, \"hosts\": 2, \"heard\": 0,"
          " \"version\": \"1.0\", \"database_disk\": 91}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "cluster", CTL_DONE,
                "MEMBER   ROLE      BEHIND   HOSTS   HEARD       VERSION   "
                "API\n"
                "a        writer    0        2       0.0 s ago   1.0       -\n"
                "b        standby   0        2       0.0 s ago   1.0       -\n"
                "\nthe disk of the cluster's database of member b is full by "
                "91 %: make room,\nas its server takes no part any more once "
                "there is none\n", "");
}

/* A host that dials is given the members that it can dial. */
static void
hosts_are_given_all_members(void **state OVS_UNUSED)
{
    static const char members[]
        = "{\"role\": \"writer\", \"members\": [{\"name\": \"a\","
          " \"ovsdb\": \"ssl:192.0.2.1:6640\"}, {\"name\": \"b\"},"
          " {\"name\": \"c\", \"ovsdb\": \"tcp:192.0.2.3:6640\"},"
          " {\"name\": \"d\", \"ovsdb\": \"ssl:$(x):6640\"},"
          " {\"name\": \"e\", \"ovsdb\": \"ssl:[fd00::5]:6641\"}]}";
    static const char host[]
        = "{\"name\": \"h1\", \"spec\": {\"ovsdb\": \"inbound\"}}";
    static const struct step steps[] = {
        { "GET /v1/hosts/h1", NULL, 200, host },
        { "GET /v1/cluster", NULL, 200, members },
        { NULL, NULL, 0, NULL },
    };
    static const struct step alone[] = {
        { "GET /v1/hosts/h1", NULL, 200, host },
        { "GET /v1/cluster", NULL, 200, "{\"role\": \"alone\"}" },
        { NULL, NULL, 0, NULL },
    };
    struct run done;

    play(&done, steps, "", "host join-command h1");
    assert_int_equal(done.status, CTL_DONE);
    assert_non_null(strstr(
        done.out, " external_ids:system-id=h1"
        " -- --id=@vmn create Manager 'target=\"ssl:192.0.2.1:6640\"'"
        " -- add Open_vSwitch . manager_options @vmn"
        " -- --id=@vmn2 create Manager 'target=\"ssl:[fd00::5]:6641\"'"
        " -- add Open_vSwitch . manager_options @vmn2\n"));
    /* Who is not among them, and why. */
    assert_string_equal(
        done.err,
        "vmnctl: warning: member b is left out: it does not say where hosts "
        "reach it (\"ovsdb-target\")\n"
        "vmnctl: warning: member c is left out: hosts reach it by tcp: give "
        "--plain\n"
        "vmnctl: warning: member d is left out: it does not say where hosts "
        "reach it (\"ovsdb-target\")\n");
    run_uninit(&done);
    play(&done, steps, "", "host join-command h1 --plain");
    assert_non_null(strstr(
        done.out, " external_ids:system-id=h1"
        " -- --id=@vmn create Manager 'target=\"tcp:192.0.2.3:6640\"'"
        " -- add Open_vSwitch . manager_options @vmn\n"));
    run_uninit(&done);
    play(&done, alone, "", "host join-command h1");
    assert_int_equal(done.status, CTL_USAGE);
    assert_non_null(strstr(done.err, "give --address, vmnd's"));
    run_uninit(&done);
}

/* Runs join-command, with a token made if the calls before succeed. */
static void
join(const char *cluster, const char *options, struct run *done)
{
    char *line = xasprintf("cluster join-command %s", options);
    const struct step steps[] = {
        { "GET /v1/cluster", NULL, 200, cluster },
        ACCOUNTS,
        { "PUT /v1/tokens/join-*", NULL, 201, "{\"secret\": \"s3cret_-\"}" },
        { NULL, NULL, 0, NULL },
    };

    play(done, steps, "", line);
    free(line);
}

static void
join_command_has_addresses_and_a_token(void **state OVS_UNUSED)
{
    struct run done;

    join(MEMBERS("\"ssl:192.0.2.1:8443\""), "--name b", &done);
    assert_int_equal(done.status, CTL_DONE);
    assert_string_equal(done.err, "");
    assert_non_null(strstr(done.out, "vmn-pki member b && scp b-member.key"));
    assert_non_null(strstr(done.out, "of account eve\n"
                           "VMNCTL_SERVER='ssl:192.0.2.1:8443' "
                           "VMNCTL_CA_CERT=/etc/vmn/controller-ca.pem \\\n"
                           "    VMNCTL_TOKEN='s3cret_-' \\\n"
                           "    vmn-cluster join --name b '192.0.2.1' "
                           "'[fd00::3]'\n"));
    run_uninit(&done);

    join(MEMBERS("\"127.0.0.1:8181\""), "--plain --address 192.0.2.9:7000",
         &done);
    assert_string_equal(done.out, "# On the new machine, as root, within an "
                        "hour.  The token is of account eve\n"
                        "VMNCTL_SERVER='tcp:127.0.0.1:8181' \\\n"
                        "    VMNCTL_TOKEN='s3cret_-' \\\n"
                        "    vmn-cluster join --plain '192.0.2.9:7000'\n");
    run_uninit(&done);
}

/* Makes the one call of GET /v1/cluster, and is refused. */
static void
assert_refused(const char *cluster, const char *options, int status,
               const char *why)
{
    char *line = xasprintf("cluster join-command %s", options);
    const struct step steps[] = {
        { "GET /v1/cluster", NULL, 200, cluster },
        { NULL, NULL, 0, NULL },
    };
    struct run done;

    play(&done, steps, "", line);
    assert_int_equal(done.status, status);
    assert_string_equal(done.out, "");
    if (!strstr(done.err, why)) {
        fail_msg("\"%s\" lacks \"%s\"", done.err, why);
    }
    run_uninit(&done);
    free(line);
}

static void
join_command_says_what_is_missing(void **state OVS_UNUSED)
{
    static const char *const members[] = {
        MEMBERS("null"), MEMBERS("\"\""), MEMBERS("\"127.0.0.1:8181\""),
        MEMBERS("\"ssl:0.0.0.0:8443\""), MEMBERS("\"ssl:[::]:8443\""),
        MEMBERS("\"ssl:a'b:8443\""),
    };

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        assert_refused(members[i], "--name b", CTL_USAGE,
                       "no other machine can reach the API of the writer");
    }
    assert_refused("{\"role\": \"alone\", \"connected\": false}", "",
                   CTL_REFUSED, "vmnctl cluster init, on its machine");
    assert_refused("{\"role\": \"writer\", \"connected\": false}", "",
                   CTL_REFUSED, "nobody can join");
    assert_refused(MEMBERS("\"ssl:192.0.2.1:8443\""), "--name c",
                   CTL_REFUSED, "there is a member \"c\" already");
    assert_refused(MEMBERS("\"ssl:192.0.2.1:8443\""), "--address $(reboot)",
                   CTL_USAGE, "is not an address");
    assert_alone("", "cluster join-command --name A_", CTL_USAGE,
                 "--name: must be a name");
    assert_alone("", "cluster join-command b", CTL_USAGE,
                 "cluster join-command");
}

static void
words_that_are_wrong_are_named(void **state OVS_UNUSED)
{
    assert_alone("", "cluster trasnfer", CTL_USAGE,
                 "must be status, init, join-command, transfer or remove, "
                 "not \"trasnfer\"");
    assert_alone("", "cluster remove", CTL_USAGE, "give the name");
    assert_alone("", "cluster status b", CTL_USAGE, "no argument, not \"b\"");
    assert_alone("", "cluster join-command b", CTL_USAGE,
                 "not \"b\"; a member's name is --name");
    assert_alone("", "app laod f.so", CTL_USAGE, "or logs, not \"laod\"");
    assert_alone("", "app unload a b", CTL_USAGE, "one NAME, and no \"b\"");
}

static void
commands_are_completed(void **state OVS_UNUSED)
{
    static const struct step none[] = { { NULL, NULL, 0, NULL } };

    assert_play(none, "", "completion words -- cluster j", CTL_DONE,
                "join-command\n", "");
    assert_play(none, "", "completion words -- cluster init --pk", CTL_DONE,
                "--pki\tfor init: where the member's certificate is (default: "
                "/etc/vmn)\n", "");
}

static void
init_needs_its_program(void **state OVS_UNUSED)
{
    char *path = xstrdup(getenv("PATH"));

    setenv("PATH", "/nowhere", 1);
    if (access(VMN_SBINDIR "/vmn-cluster", X_OK)) {
        assert_alone("", "cluster init --address 192.0.2.1", CTL_REFUSED,
                     "vmn-cluster is not on this machine");
    }
    setenv("PATH", path, 1);
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_shown),
        cmocka_unit_test(different_versions_are_told),
        cmocka_unit_test(disks_that_fill_are_told),
        cmocka_unit_test(hosts_are_given_all_members),
        cmocka_unit_test(join_command_has_addresses_and_a_token),
        cmocka_unit_test(join_command_says_what_is_missing),
        cmocka_unit_test(words_that_are_wrong_are_named),
        cmocka_unit_test(commands_are_completed),
        cmocka_unit_test(init_needs_its_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
