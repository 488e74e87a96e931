/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's commands that say how things are, against a server that plays back
 * a script: status, apps, log, top, flows, drops, logs. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/ctl-fixture.h"
#include "util.h"

/* Status.  --------------------------------------------------------------- */

static void
status_names_problems_and_hosts_that_are_not_synced(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/status", NULL, 200, "{\"version\": \"1.0\", \"ready\":"
          " true, \"health\": {\"state\": \"degraded\", \"reasons\":"
          " [{\"reason\": \"hosts\"}, {\"reason\": \"conflict\"}]},"
          " \"uptime_s\": 5, \"revision\": 7, \"hosts\":"
          " {\"configured\": 2, \"connected\": 1, \"synced\": 1},"
          " \"objects\": {\"ports\": 3, \"hosts\": 2}, \"problems\":"
          " [{\"kind\": \"conflict\", \"units\": [\"a.b/c\", \"a.b/d\"],"
          " \"detail\": \"differ\"}]}" },
        { "GET /v1/hosts?limit=250", NULL, 200,
          "{\"items\": [{\"name\": \"hv1\", \"status\": {\"state\":"
          " \"synced\"}}, {\"name\": \"hv2\", \"status\": {\"state\":"
          " \"offline\", \"reason\": \"connection refused\"}}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "status", CTL_REFUSED,
                "Version:     1.0\nHealth:      degraded: hosts, conflict\n"
                "Ready:       yes\nUptime, s:   5\n"
                "Revision:    7\nHosts:       1 of 2 synced\n"
                "Objects:     ports=3,hosts=2\n"
                "\nPROBLEM    UNITS         DETAIL\n"
                "conflict   a.b/c,a.b/d   differ\n"
                "\nHOST   STATE     REASON\nhv2    offline   connection"
                " refused\n", "");
}

/* vmnd judges: vmnctl has no rule of its own. */
static void
status_exits_by_what_vmnd_says(void **state OVS_UNUSED)
{
    static const struct step ok[] = {
        { "GET /v1/status", NULL, 200, "{\"version\": \"1.0\", \"ready\":"
          " true, \"health\": {\"state\": \"ok\", \"reasons\": []},"
          " \"hosts\": {\"configured\": 2, \"synced\": 2}, \"problems\":"
          " []}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step failing[] = {
        { "GET /v1/status", NULL, 200, "{\"version\": \"1.0\", \"ready\":"
          " true, \"health\": {\"state\": \"failing\", \"reasons\":"
          " [{\"reason\": \"other\"}]},"
          " \"hosts\": {\"configured\": 2, \"synced\": 2}, \"problems\":"
          " []}" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, ok, "", "status");
    assert_int_equal(result.status, CTL_DONE);
    assert_non_null(strstr(result.out, "Health:      ok\n"));
    run_uninit(&result);
    play(&result, failing, "", "status");
    assert_int_equal(result.status, CTL_DIFFERS);
    assert_non_null(strstr(result.out, "Health:      failing: other\n"));
    run_uninit(&result);
}

static void
apps_say_what_they_are_for(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/apps?limit=250", NULL, 200,
          "{\"items\": [{\"name\": \"a\", \"spec\": {}, \"status\":"
          " {\"description\": \"Its own words.\"}}, {\"name\": \"b\", \"spec\":"
          " {\"description\": \"Mine.\"}, \"status\":"
          " {\"description\": \"Its own words.\"}}]}" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, steps, "", "apps");
    assert_int_equal(result.status, CTL_DONE);
    assert_non_null(strstr(result.out, "Its own words.\nb"));
    assert_non_null(strstr(result.out, "Mine.\n"));
    run_uninit(&result);
}

static void
revision_without_an_entry_in_the_log_shows_dashes(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/revisions/7?contents=true", NULL, 200,
          "{\"revision\": 7, \"time\": null, \"who\": null, \"changes\":"
          " [], \"receipt\": {\"installed\": true, \"hosts\":"
          " [{\"host\": \"hv1\", \"state\": \"confirmed\"}]},"
          " \"duration_us\": {\"apply\": 30, \"installed\": 2240}}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "revision 7", CTL_DONE,
                "Revision:    7\nTime:        -\nWho:         -\n"
                "Installed:   yes\n"
                "Took:        apply 0.03, installed 2.24 ms\n"
                "\nHOST   STATE       TIME   REASON\n"
                "hv1    confirmed   -      -\n", "");
}

#define ACTIVITY                                                              \
    "{\"uptime_s\": 3725, \"revision\": 9, \"hosts\": {\"configured\": 3,"      \
    " \"synced\": 2, \"n_behind\": 4, \"behind\": [{\"host\": \"h3\","          \
    " \"state\": \"offline\", \"reason\": \"it is off\", \"lag\":"              \
    " {\"revisions\": 2, \"ms\": 61000}}]}, \"classes\": ["                                         \
    "{\"app\": \"fw\", \"kind\": \"unit\", \"class\": \"rule\","               \
    " \"computed\": 9},"                                                      \
    "{\"app\": \"fw\", \"kind\": \"query\", \"class\": \"rule\","              \
    " \"computed\": 7},"                                                      \
    "{\"app\": \"lb\", \"kind\": \"unit\", \"class\": \"vip\","                \
    " \"computed\": 0}],"                                                     \
    " \"items\": ["                                                           \
    "{\"id\": 1, \"time\": \"2026-11-20T10:12:26.000Z\", \"revision\": null," \
    " \"who\": [], \"n_changes\": 0, \"changes\": [], \"apps\": ["            \
    "{\"app\": \"fw\", \"units\": 1, \"queries\": 0,"                         \
    " \"by_unit\": {\"rule\": 1}, \"by_query\": {}, \"added\": 4,"            \
    " \"changed\": 0, \"removed\": 0}], \"duration_us\": {\"apply\": 0,"               \
    " \"compile\": 1500}},"                                                   \
    "{\"id\": 2, \"time\": \"2026-11-20T10:12:27.388Z\","                     \
    " \"first_revision\": 8, \"revision\": 9, \"who\": [\"unix:uid=0\","      \
    " \"host:h1\"], \"n_changes\": 3, \"changes\": [{\"op\": \"update\","     \
    " \"type\": \"ports\", \"name\": \"a\"}], \"apps\": ["                    \
    "{\"app\": \"fw\", \"units\": 2, \"queries\": 3,"                         \
    " \"by_unit\": {\"rule\": 2}, \"by_query\": {\"rule\": 3},"               \
    " \"added\": 1, \"changed\": 0, \"removed\": 2},"                         \
    "{\"app\": \"lb\", \"units\": 0, \"queries\": 0, \"added\": 5,"           \
    " \"changed\": 0, \"removed\": 0}],"                                      \
    " \"hosts\": {\"concerned\": 3, \"confirmed\": 2},"                       \
    " \"duration_us\": {\"apply\": 30, \"compile\": 90, \"store\": 420,"               \
    " \"send\": 31}}]}"

static void
top_shows_the_newest_first_and_what_was_computed(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/activity?limit=20", NULL, 200, ACTIVITY },
        { NULL, NULL, 0, NULL },
    };
    static const struct step limited[] = {
        { "GET /v1/activity?limit=3", NULL, 200, "{\"items\": []}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "top --once", CTL_DONE,
                "up 01:02:05, revision 9, 2 of 3 hosts synced; times in ms\n"
                "\n"
                "HOST   STATE     BEHIND   REASON\n"
                "h3     offline   2/1m     it is off\n"
                "and 3 more\n"
                "\n"
                "APP   KIND    CLASS   COMPUTED   SINCE-START\n"
                "fw    unit    rule    3          9\n"
                "fw    query   rule    3          7\n"
                "\n"
                "REVISION   TIME           WHO            CHANGE"
                "              COMPUTED   FLOWS   HOSTS   APPLY   COMPILE"
                "   STORE   SEND   INSTALLED\n"
                "8-9        10:12:27.388   unix:uid=0+1   update ports/a +2"
                "   fw:5       +6 -2   2/3     0.03    0.09      0.42"
                "    0.03   -\n"
                "start      10:12:26.000   -              -"
                "                   fw:1       +4      -       0.00    1.50"
                "      -       -      -\n", "");
    assert_play(limited, "", "top --limit 3 -o json", CTL_DONE,
                "{\n  \"items\": []\n}\n", "");
    assert_alone("", "top --limit 257", CTL_USAGE, "--limit");
    assert_alone("", "top --interval 0", CTL_USAGE, "--interval");
}

static void
flows_come_in_the_order_in_which_packets_meet_them(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/hosts/hv1/flows", NULL, 200, "{\"host\": \"hv1\","
          " \"flows\": ["
          "{\"table\": 16, \"priority\": 5, \"match\": \"\", \"actions\":"
          " \"drop\", \"owner\": \"a.b/c\"},"
          "{\"table\": 2, \"priority\": 5, \"match\": \"ip\", \"actions\":"
          " \"x\", \"owner\": \"a.b/d\"},"
          "{\"table\": 2, \"priority\": 70, \"match\": \"arp\","
          " \"actions\": \"y\", \"owner\": \"a.b/e\"}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "flows hv1", CTL_DONE,
                "TABLE   PRIORITY   OWNER   MATCH   ACTIONS\n"
                "2       70         a.b/e   arp     y\n"
                "2       5          a.b/d   ip      x\n"
                "16      5          a.b/c   -       drop\n", "");
}

#define DIFFERENCES                                                           \
    "{\"host\": \"hv1\", \"repairing\": false,"                                   \
    " \"time\": \"2026-11-20T12:27:41.828Z\", \"flows\": 91, \"groups\": 2,"    \
    " \"missing\": 1, \"altered\": 2, \"unknown\": 1, \"rejected\": 0,"        \
    " \"skipped\": 2, \"matching\": 5, \"differences\": ["                      \
    "{\"kind\": \"unknown\", \"owner\": null, \"table\": 16,"                  \
    " \"priority\": 7, \"match\": \"ip\", \"installed\": {\"actions\":"        \
    " \"drop\", \"cookie\": \"0x99\"}},"                                        \
    "{\"kind\": \"missing\", \"owner\": \"a.b/c\", \"table\": 3,"               \
    " \"priority\": 10, \"match\": \"arp\", \"desired\": {\"actions\":"        \
    " \"goto_table:16\", \"cookie\": \"0x12\"}},"                               \
    "{\"kind\": \"altered\", \"owner\": \"a.b/d\", \"table\": 3,"               \
    " \"priority\": 10, \"match\": \"ip\", \"differs\": [\"cookie\"],"          \
    " \"desired\": {\"actions\": \"drop\", \"cookie\": \"0x13\"},"              \
    " \"installed\": {\"actions\": \"drop\", \"cookie\": \"0x1\"}},"            \
    "{\"kind\": \"altered\", \"owner\": \"a.n/x\", \"group_id\": 4,"            \
    " \"differs\": [\"group\"], \"desired\": {\"group\": \"type=all\"},"        \
    " \"installed\": {\"group\": \"type=select\"}}]}"

static void
drops_are_a_table(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/drops?host=h2&app=firewall&reason=spoofed"
          "&limit=1", NULL, 200,
          "{\"counters\": [{\"host\": \"h2\", \"app\": \"firewall\","
          " \"reason\": \"spoofed\", \"owner\": \"a.b/c\","
          " \"object\": {\"type\": \"policies\", \"name\": \"p\"},"
          " \"rule\": 0, \"packets\": 4, \"bytes\": 296, \"last\": \"then\"}],"
          " \"matching\": 2}" },
        { NULL, NULL, 0, NULL },
    };
    /* No flow is web-1's, but packets were. */
    static const struct step samples[] = {
        { "GET /v1/drops?port=web-1&background=true&limit=20", NULL, 200,
          "{\"counters\": [], \"matching\": 0, \"samples\": [{\"id\": 1,"
          " \"time\": \"then\", \"host\": \"h2\", \"network\": \"n\","
          " \"src\": {\"port\": \"web-1\", \"mac\": \"02:00:00:00:00:09\","
          " \"ip\": \"10.0.0.1\"},"
          " \"dst\": {\"port\": null, \"mac\": \"02:00:00:00:00:02\","
          " \"ip\": \"10.0.0.2\"},"
          " \"protocol\": \"icmp\", \"reason\": \"spoofed\","
          " \"object\": null, \"count\": 2, \"suppressed\": 0}],"
          " \"samples_matching\": 5, \"hidden\": {\"counters\": 0,"
          " \"packets\": 0, \"samples\": 0}}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step raw[] = {
        { "GET /v1/drops", NULL, 200, "{}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "drops --host h2 --app firewall"
                " --reason spoofed --limit 1", CTL_DONE,
                "HOST   REASON    PACKETS   BYTES   LAST   OBJECT       "
                "RULE   OWNER\n"
                "h2     spoofed   4         296     then   policies/p   "
                "0      a.b/c\n",
                "1 of 2 counters, the newest; --limit N shows more\n");
    assert_play(samples, "", "drops --port web-1 --all", CTL_DONE,
                "TIME   HOST   FROM                                 TO         "
                "PROTOCOL   REASON    OBJECT   RULE   COUNT\n"
                "then   h2     web-1 10.0.0.1 (02:00:00:00:00:09)   10.0.0.2   "
                "icmp       spoofed   -        -      2\n",
                "packets from or to port web-1 that were dropped (no counter "
                "is of that port alone):\n"
                "1 of 5 packets, the newest; --limit N shows more\n");
    assert_play(raw, "", "drops -o json", CTL_DONE, "{}\n", "");
}

static void
drops_that_are_not_shown_are_told(void **state OVS_UNUSED)
{
    static const struct step none[] = {
        { "GET /v1/drops?network=n&port=web-1&limit=20", NULL, 200,
          "{\"counters\": [], \"matching\": 0}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step hidden[] = {
        { "GET /v1/drops?limit=20", NULL, 200,
          "{\"counters\": [], \"matching\": 0, \"samples\": [],"
          " \"samples_matching\": 0, \"hidden\": {\"counters\": 2,"
          " \"packets\": 31, \"samples\": 4}}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step unread[] = {
        { "GET /v1/drops?limit=20", NULL, 200,
          "{\"counters\": [], \"samples\": [], \"unread_hosts\": 2}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(none, "", "drops --network n --port web-1", CTL_DONE, "",
                "no drops\n");
    assert_play(hidden, "", "drops", CTL_DONE, "",
                "no drops\n"
                "hidden as background: 31 packets of 2 counters, 4 samples;"
                " --all shows them\n");
    assert_play(unread, "", "drops", CTL_DONE, "",
                "no drops are known yet\n"
                "vmnd has not read the counters of 2 hosts since it"
                " started\n");
}

static void
hints_are_told_once(void **state OVS_UNUSED)
{
    /* Both have the same, which is told once. */
    static const struct step hints[] = {
        { "GET /v1/drops?limit=20", NULL, 200,
          "{\"counters\": [{\"host\": \"h1\", \"reason\": \"r\","
          " \"hint\": \"it may be this\"}, {\"host\": \"h2\","
          " \"reason\": \"other\"}, {\"host\": \"h3\", \"reason\": \"r\","
          " \"hint\": \"it may be this\"}], \"samples\": []}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(hints, "", "drops", CTL_DONE,
                "HOST   REASON   PACKETS   BYTES   LAST   OBJECT   RULE   "
                "OWNER\n"
                "h1     r        -         -       -      -        -      -\n"
                "h2     other    -         -       -      -        -      -\n"
                "h3     r        -         -       -      -        -      -\n",
                "r on h1: it may be this\n");
}

/* The same words as for revisions and events. */
static void
since_is_understood_for_drops_and_logs(void **state OVS_UNUSED)
{
    static const struct step drops[] = {
        { "GET /v1/drops?since=2027-01-31T00%3A00%3A00Z", NULL, 200,
          "{}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step logs[] = {
        { "GET /v1/logs?since=2027-01-31T12%3A00%3A00Z", NULL, 200, "{}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(drops, "", "drops --since 2027-01-31 -o json", CTL_DONE,
                "{}\n", "");
    assert_play(logs, "", "logs --since 2027-01-31T12:00:00Z -o json",
                CTL_DONE, "{}\n", "");
    assert_alone("", "drops --since lately", CTL_USAGE, "--since: must be");
    assert_alone("", "logs --since 42", CTL_USAGE, "--since: must be");
}

/* What a shadow would have decided is no verdict. */
static void
logs_tell_what_would_have_been_from_what_was(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/logs?policy=p", NULL, 200,
          "{\"items\": [{\"time\": \"then\", \"host\": \"h\","
          " \"protocol\": \"tcp\", \"verdict\": \"deny\", \"shadow\": true,"
          " \"rule\": 0, \"count\": 1}, {\"time\": \"now\","
          " \"host\": \"h\", \"protocol\": \"tcp\","
          " \"verdict\": \"deny\", \"rule\": 0, \"count\": 1}],"
          " \"rules\": []}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "logs --policy p", CTL_DONE,
                "TIME   HOST   FROM   TO   PROTOCOL   VERDICT      OBJECT   "
                "RULE   COUNT\n"
                "then   h      -      -    tcp        would deny   -        "
                "0      1\n"
                "now    h      -      -    tcp        deny         -        "
                "0      1\n", "");
}

/* Names and more columns are those of objects. */
static void
formats_are_served_or_refused(void **state OVS_UNUSED)
{
    static const char *const lines[] = {
        "trace a c tcp/80 -o name", "reachability icmp -o wide",
        "drops -o wide", "logs -o name", "flows h -o name", "status -o wide",
        "revisions -o name", "identities -o wide", "top -o name",
    };

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        assert_alone("", lines[i], CTL_USAGE, "--output: must be table, json "
                     "or yaml here");
    }
    assert_alone("", "get ports -o nome", CTL_USAGE,
                 "wide, json, yaml, name or");
    assert_alone("", "drops --follow -o yaml", CTL_USAGE, "--follow supports");
}

static void
diff_of_flows_shows_both_sides(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/hosts/hv1/flows?diff=true&app=a&stage=s.t&object=b%2Fc"
          "&limit=4", NULL, 200, DIFFERENCES },
        { NULL, NULL, 0, NULL },
    };
    static const struct step same[] = {
        { "GET /v1/hosts/hv1/flows?diff=true", NULL, 200, "{\"host\":"
          " \"hv1\", \"flows\": 3, \"groups\": 0, \"missing\": 0}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step not_now[] = {
        { "GET /v1/hosts/hv1/flows?diff=true", NULL, 503,
          "{\"detail\": \"its switch is not connected\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step repair[] = {
        { "POST /v1/hosts/hv1/audit", NULL, 200, "{\"host\": \"hv1\","
          " \"flows\": 3, \"groups\": 0, \"missing\": 1,"
          " \"repairing\": true}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "flows hv1 --diff --app a --stage s.t"
                " --object b/c --limit 4", CTL_DIFFERS,
                "Host:        hv1\n"
                "Compared:    2026-11-20T12:27:41.828Z\n"
                "Installed:   flows 91, groups 2\n"
                "Differs:     missing 1, altered 2, unknown 1, rejected 0\n"
                "Skipped:     2, which changed meanwhile\n\n"
                "KIND      TABLE   PRIORITY   OWNER     MATCH"
                "     DESIRED         INSTALLED\n"
                "altered   -       -          a.n/x     group 4"
                "   type=all        type=select\n"
                "missing   3       10         a.b/c     arp"
                "       goto_table:16   -\n"
                "altered   3       10         a.b/d     ip"
                "        cookie=0x13     cookie=0x1\n"
                "unknown   16      7          unknown   ip"
                "        -               drop cookie=0x99\n",
                "4 of 5 differences\n");
    assert_play(same, "", "flows hv1 --diff", CTL_DONE,
                "Host:        hv1\n"
                "Installed:   flows 3, groups 0\n"
                "Differs:     missing 0, altered 0, unknown 0, rejected 0\n",
                "");
    assert_play(not_now, "", "flows hv1 --diff", CTL_USAGE, "",
                "vmnctl: its switch is not connected (HTTP 503)\n");
    assert_play(repair, "", "flows hv1 --diff --repair", CTL_DONE,
                "Host:        hv1\n"
                "Installed:   flows 3, groups 0\n"
                "Differs:     missing 1, altered 0, unknown 0, rejected 0;"
                " being repaired\n", "");
    assert_alone("", "flows hv1 --repair", CTL_USAGE, "--diff");
    assert_alone("", "flows hv1 --diff --repair --app a", CTL_USAGE, "--app");
}

static void
flows_have_groups_behind_them(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/hosts/hv1/flows?table=2&limit=1", NULL, 200,
          "{\"n_flows\": 2, \"n_groups\": 1, \"flows\": [{\"table\": 2,"
          " \"priority\": 5, \"match\": \"ip\", \"actions\": \"x\","
          " \"owner\": \"a.b/d\"}], \"groups\": [{\"group_id\": 7,"
          " \"owner\": \"a.n/x\", \"group\": \"type=all\"}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "flows hv1 --table 2 --limit 1", CTL_DONE,
                "TABLE   PRIORITY   OWNER   MATCH   ACTIONS\n"
                "2       5          a.b/d   ip      x\n"
                "\n"
                "GROUP   OWNER   CONTENTS\n"
                "7       a.n/x   type=all\n", "1 of 2 flows\n");
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_names_problems_and_hosts_that_are_not_synced),
        cmocka_unit_test(status_exits_by_what_vmnd_says),
        cmocka_unit_test(apps_say_what_they_are_for),
        cmocka_unit_test(revision_without_an_entry_in_the_log_shows_dashes),
        cmocka_unit_test(top_shows_the_newest_first_and_what_was_computed),
        cmocka_unit_test(flows_come_in_the_order_in_which_packets_meet_them),
        cmocka_unit_test(drops_are_a_table),
        cmocka_unit_test(drops_that_are_not_shown_are_told),
        cmocka_unit_test(hints_are_told_once),
        cmocka_unit_test(logs_tell_what_would_have_been_from_what_was),
        cmocka_unit_test(since_is_understood_for_drops_and_logs),
        cmocka_unit_test(formats_are_served_or_refused),
        cmocka_unit_test(diff_of_flows_shows_both_sides),
        cmocka_unit_test(flows_have_groups_behind_them),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
