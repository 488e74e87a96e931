/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's get, watch and their tables, against a server that plays back a
 * script: what they ask for, what they print, how they end. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "controller/ctl/output-table.h"
#include "controller/ctl/object-columns.h"
#include "controller/ctl/object-types.h"
#include "controller/schema/event-kinds.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/ctl-fixture.h"
#include "util.h"

/* Reading.  -------------------------------------------------------------- */

#define PORT_1                                                          \
    "{\"name\": \"web-1\", \"metadata\": {\"revision\": 5},"            \
    " \"spec\": {\"network\": \"shop\", \"labels\": {\"role\": \"web\"}}," \
    " \"status\": {\"mac\": \"02:00:00:00:00:01\", \"ips\": [\"10.0.0.2\"," \
    " \"10.0.0.3\"], \"host\": \"hv1\", \"state\": \"up\"}}"
#define PORT_2                                                          \
    "{\"name\": \"database-1\", \"spec\": {\"network\": \"shop\","      \
    " \"quarantined\": true, \"enabled\": false}, \"status\": {}}"

static void
get_prints_a_table_over_all_pages(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/ports?selector=role%3Dweb%2Cenv%21%3Ddev&limit=250", NULL,
          200, "{\"items\": [" PORT_1 "], \"next\": \"web 1\"}" },
        { "GET /v1/ports?selector=role%3Dweb%2Cenv%21%3Ddev&limit=250"
          "&after=web%201", NULL,
          200, "{\"items\": [" PORT_2 "]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "get port -l role=web,env!=dev", CTL_DONE,
                "NAME         NETWORK   IPS                 MAC"
                "                 HOST   STATE                  LABELS\n"
                "web-1        shop      10.0.0.2,10.0.0.3   "
                "02:00:00:00:00:01   hv1    up                     "
                "role=web\n"
                "database-1   shop      -                   -"
                "                   -      quarantined,disabled   -\n",
                "");
}

static void
get_stops_at_the_limit(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/ports?limit=1", NULL, 200,
          "{\"items\": [" PORT_1 "], \"next\": \"web-1\"}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "get ports --limit 1 -o name", CTL_DONE,
                "web-1\n", "");
}

#define EVENT(ID, KIND, DATA) "id: " ID "\nevent: " KIND "\ndata: " DATA "\n\n"
/* What ends it: one that is away comes back. */
#define NO_MORE 404, "{\"detail\": \"no more\"}"
#define AWAY "vmnctl: the connection is lost; this goes on when a server " \
             "replies\n" \
             "vmnctl: no more (HTTP 404)\n"

static void
watch_shows_what_becomes_of_objects(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/events?kinds=revision,binding,ports&type=ports", NULL, 200,
          EVENT("7", "start", "{\"revision\": 5}")
          ":\n\n"
          EVENT("8", "revision", "{\"changes\": [{\"type\": \"groups\","
                " \"name\": \"web-1\"}, {\"type\": \"ports\", \"name\":"
                " \"database-1\"}]}")
          EVENT("9", "binding", "{\"port\": \"web-1\"}") },
        { "GET /v1/ports?selector=role%3Dweb&limit=250", NULL,
          200, "{\"items\": [" PORT_1 "]}" },
        { "GET /v1/ports/database-1", NULL, 200, PORT_2 },
        { "GET /v1/ports/web-1", NULL, 404, "{}" },
        { "GET /v1/events?kinds=revision,binding,ports&type=ports&after=9",
          NULL, 200, EVENT("12", "reset", "{}") },
        { "GET /v1/ports?selector=role%3Dweb&limit=250", NULL,
          200, "{\"items\": [" PORT_1 "]}" },
        { "GET /v1/events?kinds=revision,binding,ports&type=ports&after=12",
          NULL, NO_MORE },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, steps, "", "get ports -l role=web --watch -o name");
    assert_string_equal(result.out, "web-1\nweb-1 (deleted)\nweb-1\n");
    assert_non_null(strstr(result.err, AWAY));
    assert_int_equal(result.status, CTL_REFUSED);
    run_uninit(&result);
}

static const struct step every_event[] = {
    { "GET /v1/ports/a", NULL, 200, PORT_1 },
    { "GET /v1/events?kinds=host%2Cdrop&port=a&background=true", NULL, 200,
      EVENT("7", "start", "{\"revision\": 5}")
      EVENT("8", "revision", "{\"time\": \"T1\", \"revision\": 9,"
            " \"who\": \"me\", \"changes\": [{\"op\": \"update\","
            " \"type\": \"vifs\", \"name\": \"h1/a\"}, {\"op\":"
            " \"create\", \"type\": \"ports\", \"name\": \"a\"}, {\"op\":"
            " \"create\", \"type\": \"ports\", \"name\": \"b\"}, {\"op\":"
            " \"create\", \"type\": \"quarantines\", \"name\": \"q\"},"
            " {\"more\": 20}]}")
      EVENT("9", "installed", "{\"time\": \"T2\", \"revision\": 9,"
            " \"first_revision\": 8, \"hosts\": 1}")
      EVENT("10", "host", "{\"time\": \"T3\", \"host\": \"h1\","
            " \"state\": \"offline\", \"reason\": \"\\u001b[2J\"}")
      EVENT("11", "binding", "{\"time\": \"T4\", \"port\": \"a\","
            " \"state\": \"up\", \"host\": \"h1\"}")
      EVENT("12", "drop", "{\"time\": \"T5\", \"host\": \"h1\","
            " \"src\": {\"port\": \"a\", \"number\": 1}, \"dst\":"
            " {\"port\": null, \"ip\": \"10.0.0.9\"}, \"protocol\":"
            " \"tcp\", \"reason\": \"denied\", \"object\":"
            " {\"type\": \"policies\", \"name\": \"p\"}, \"rule\":"
            " 0}")
      EVENT("13", "audit", "{\"time\": \"T6\", \"host\": \"h1\","
            " \"missing\": 1, \"altered\": 2, \"unknown\": 3}")
      EVENT("14", "scale", "{\"time\": \"T7\", \"loadbalancer\":"
            " \"vip\", \"direction\": \"up\", \"metric\":"
            " \"connections\", \"value\": 25.25, \"threshold\": 10,"
            " \"serving\": 2, \"backends\": 3}")
      EVENT("15", "gateway", "{\"time\": \"T8\", \"router\": \"r\","
            " \"state\": \"active\", \"host\": \"h2\","
            " \"before\": \"h1\"}")
      EVENT("16", "gateway", "{\"time\": \"T9\", \"router\": \"r\","
            " \"state\": \"lost\", \"host\": null,"
            " \"before\": \"h2\", \"reason\": \"why\"}")
      EVENT("17", "gateway", "{\"time\": \"T10\", \"router\": \"r\","
            " \"state\": \"active\", \"host\": \"h2\","
            " \"before\": \"h2\"}")
      EVENT("18", "drop", "{\"time\": \"T11\", \"host\": \"h1\","
            " \"src\": {\"port\": \"a\"}, \"dst\": {\"port\": \"b\"},"
            " \"protocol\": \"tcp\", \"reason\": \"quarantined\","
            " \"object\": null, \"quarantined_by\": [\"ports/a\","
            " \"quarantines/q\"]}")
      EVENT("19", "standby", "{\"time\": \"T12\", \"loadbalancer\": \"lb\","
            " \"port\": \"a\", \"state\": \"serving\","
            " \"reason\": \"why\"}")
      EVENT("20", "app", "{\"time\": \"T13\", \"app\": \"x\","
            " \"state\": \"pausing\", \"ends\": 4,"
            " \"failure\": \"why\", \"computed\": \"x.port/p\"}") },
    { "GET /v1/events?kinds=host%2Cdrop&port=a&background=true&after=20",
      NULL, NO_MORE },
    { NULL, NULL, 0, NULL },
};

static void
events_are_a_line_each(void **state OVS_UNUSED)
{
    assert_play(every_event, "", "events --kinds host,drop --port a",
                CTL_REFUSED,
                "T1  revision   9 by me: create quarantines/q, create ports/a,"
                " create ports/b, and 21 more\n"
                "T2  installed  8-9 is installed on 1 host\n"
                "T3  host       h1 offline: \\u001b[2J\n"
                "T4  binding    a up on h1\n"
                "T5  drop       h1 a:1 -> 10.0.0.9 tcp: denied, by policies/p"
                " rule 0\n"
                "T6  audit      h1: missing 1, altered 2, unknown 3\n"
                "T7  scale      vip up: 25.25 connections a second for each "
                "backend, against 10; 2 of 3 serve\n"
                "T8  gateway    r moved to h2 from h1\n"
                "T9  gateway    r lost its gateway h2: why\n"
                "T10  gateway    r has its gateway again: h2\n"
                "T11  drop       h1 a -> b tcp: quarantined, by ports/a, "
                "quarantines/q\n"
                "T12  standby    lb: a serving: why\n"
                "T13  app        x pausing: why; it computed x.port/p\n",
                AWAY);
    assert_alone("", "events", CTL_UNREACHABLE, "cannot reach");
    assert_alone("", "events -o yaml", CTL_USAGE, "-o is table or json");
    assert_alone("", "events --type x", CTL_USAGE, "no type \"x\"");
    assert_alone("", "get ports -w --limit 3", CTL_USAGE, "--limit");
    assert_alone("", "get ports -w -l a=(", CTL_USAGE, "--selector");
}

/* The help says of each kind what it is, and something is printed of each. */
static void
every_kind_of_event_is_shown(void **state OVS_UNUSED)
{
    static const char data[] = "{\"time\": \"T\", \"host\": \"x\", \"port\":"
        " \"x\", \"loadbalancer\": \"x\", \"app\": \"x\", \"from\": \"x\","
        " \"revision\": 9}";
    const struct ctl_command *command = ctl_commands;

    while (strcmp(command->name, "events")) {
        command++;
    }
    for (int i = 0; i < EVENT_N_KINDS; i++) {
        const char *name = event_kind_name((enum event_kind) i);
        char *event = xasprintf(EVENT("8", "%s", "%s"), name, data);
        char *nothing = xasprintf("T  %-9s  \n", name);
        const struct step steps[] = {
            { "GET /v1/events?background=true", NULL, 200, event },
            { "GET /v1/events?background=true&after=8", NULL, NO_MORE },
            { NULL, NULL, 0, NULL },
        };
        struct run result;

        if (!strstr(command->help, name)) {
            fail_msg("vmnctl events --help does not say what %s is", name);
        }
        play(&result, steps, "", "events");
        assert_int_equal(strncmp(result.out, nothing, strlen(nothing) - 1), 0);
        assert_string_not_equal(result.out, nothing);
        run_uninit(&result);
        free(event);
        free(nothing);
    }
}

static void
events_of_the_past_end(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/events?port=a&since=42&limit=5&follow=false", NULL, 200,
          EVENT("7", "start", "{\"revision\": 50, \"kept_since\": \"T0\"}")
          EVENT("8", "binding", "{\"time\": \"T4\", \"port\": \"a\","
                " \"state\": \"up\", \"host\": \"h1\"}")
          EVENT("8", "end", "{\"revision\": 50}") },
        { NULL, NULL, 0, NULL },
    };
    static const struct step none[] = {
        { "GET /v1/events?port=a&background=true&since=2027-01-31T12%3A00%3A00Z"
          "&follow=false", NULL, 200, EVENT("7", "start", "{\"revision\": 50}")
          EVENT("8", "end", "{\"revision\": 50}") },
        { "GET /v1/ports/a", NULL, 404, "{\"detail\": \"not found\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step on[] = {
        { "GET /v1/ports/a", NULL, 404, "{\"detail\": \"not found\"}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "events --port a --since 42 --limit 5", CTL_DONE,
                "T4  binding    a up on h1\n",
                "vmnctl: events are kept since T0 alone; \"vmnctl revisions\" "
                "has older changes\n");
    assert_play(none, "", "events --port a --since 2027-01-31T12:00:00Z",
                CTL_REFUSED, "", "vmnctl: not found (HTTP 404)\n");
    assert_play(on, "", "events --port a", CTL_REFUSED, "",
                "vmnctl: not found (HTTP 404)\n");
    assert_alone("", "events --since lately", CTL_USAGE, "--since: must be");
}

#define DROP(ID, TIME, REASON, MORE)                                    \
    EVENT(ID, "drop", "{\"time\": \"" TIME "\", \"host\": \"h1\","        \
          " \"src\": {\"port\": \"a\"}, \"dst\": {\"port\": \"b\"},"     \
          " \"reason\": \"" REASON "\"" MORE "}")
#define DROPS                                                           \
    EVENT("7", "start", "{\"revision\": 50}")                           \
    DROP("8", "T1", "for others", ", \"background\": true")             \
    DROP("9", "T2", "denied", "")                                       \
    DROP("10", "T3", "for others", ", \"background\": true")            \
    EVENT("10", "end", "{\"revision\": 50}")

/* Background is hidden, and counted: by vmnd where there is a limit, in which
 * it does not count. */
static void
events_of_the_past_leave_background_out(void **state OVS_UNUSED)
{
    static const struct step drops[] = {
        { "GET /v1/events?background=true&since=42&follow=false", NULL, 200,
          DROPS },
        { NULL, NULL, 0, NULL },
    };
    static const struct step all_drops[] = {
        { "GET /v1/events?background=true&limit=5&follow=false", NULL, 200,
          DROPS },
        { NULL, NULL, 0, NULL },
    };
    static const struct step one_drop[] = {
        { "GET /v1/events?limit=1&follow=false", NULL, 200,
          EVENT("7", "start", "{\"revision\": 50, \"hidden\": 2}")
          DROP("9", "T2", "denied", "")
          EVENT("10", "end", "{\"revision\": 50}") },
        { NULL, NULL, 0, NULL },
    };
    static const struct step goes_on[] = {
        { "GET /v1/events?limit=2", NULL, 200,
          EVENT("7", "start", "{\"revision\": 5, \"hidden\": 1}") },
        { "GET /v1/events?limit=2&after=7", NULL, NO_MORE },
        { NULL, NULL, 0, NULL },
    };

    assert_play(drops, "", "events --since 42", CTL_DONE,
                "T2  drop       h1 a -> b: denied\n",
                "hidden as background: 2 drops (--all shows them)\n");
    assert_play(one_drop, "", "events --limit 1", CTL_DONE,
                "T2  drop       h1 a -> b: denied\n",
                "hidden as background: 2 drops (--all shows them)\n");
    assert_play(all_drops, "", "events --limit 5 --all", CTL_DONE,
                "T1  drop       h1 a -> b: for others\n"
                "T2  drop       h1 a -> b: denied\n"
                "T3  drop       h1 a -> b: for others\n", "");
    assert_play(goes_on, "", "events --limit 2 --follow", CTL_REFUSED, "",
                "hidden as background: 1 drop (--all shows them)\n" AWAY);
}

/* Asserts that port web-1, which the API has as 'object', is applied with
 * 'spec' where it was got as YAML. */
static void
assert_applied_again(const char *object, const char *spec)
{
    char *body = xasprintf("{\"objects\": [{\"type\": \"ports\", \"name\":"
                           " \"web-1\", \"spec\": %s}]}", spec);
    const struct step get[] = {
        { "GET /v1/ports/web-1", NULL, 200, object },
        { NULL, NULL, 0, NULL },
    };
    const struct step apply[] = {
        { "POST /v1/apply", body, 200,
          "{\"revision\": 5, \"results\": [{\"type\": \"ports\", \"name\":"
          " \"web-1\", \"outcome\": \"unchanged\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, get, "", "get -o yaml port web-1");
    assert_int_equal(result.status, CTL_DONE);
    assert_play(apply, result.out, "apply -f -", CTL_DONE,
                "ports/web-1 unchanged\n", "");
    run_uninit(&result);
    free(body);
}

static void
get_one_as_yaml_can_be_applied_again(void **state OVS_UNUSED)
{
    assert_applied_again(PORT_1, "{\"network\": \"shop\", \"labels\":"
                         " {\"role\": \"web\"}}");
}

/* A script, or a mail with a head and a body. */
static void
empty_lines_of_texts_stay(void **state OVS_UNUSED)
{
    static const char *const texts[] = {
        "a\\n\\n b\\n", "\\na", "a\\n\\n\\n", "\\n", "\\n\\n", "a\\n",
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char *spec = xasprintf("{\"description\": \"%s\"}", texts[i]);
        char *object = xasprintf("{\"type\": \"ports\", \"name\": "
                                 "\"web-1\", \"spec\": %s}", spec);

        assert_applied_again(object, spec);
        free(object);
        free(spec);
    }
}

static void
get_of_several_names_shows_those_that_are_there(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/networks/a", NULL, 404,
          "{\"title\": \"Not Found\", \"detail\": \"network a not found\","
          " \"status\": 404}" },
        { "GET /v1/networks/shop", NULL, 200, "{\"name\": \"shop\"}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "get net a shop -o name", CTL_REFUSED, "shop\n",
                "vmnctl: network a not found (HTTP 404)\n");
}

static void
wide_shows_all_columns_of_the_schema(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/loadbalancers?limit=250", NULL, 200,
          "{\"items\": [{\"name\": \"shop\", \"spec\": {\"vip\":"
          " \"10.0.0.9\", \"protocol\": \"tcp\", \"ports\": [{\"port\": 80,"
          " \"target\": 8080}, {\"port\": 443, \"target\": 443}],"
          " \"networks\": [\"shop\"], \"backends\": [{\"port\": \"web-1\","
          " \"weight\": 1}, {\"port\": \"web-2\", \"weight\": 3}]}}]}" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, steps, "", "get lb -o wide");
    for (const struct schema_column *column
             = ctl_type_find("lb")->columns; column->heading; column++) {
        assert_non_null(strstr(result.out, column->heading));
    }
    assert_non_null(strstr(result.out, "80->8080,443 "));
    assert_non_null(strstr(result.out, "web-1,web-2*3"));
    run_uninit(&result);
}

static void
hosts_show_how_far_behind_they_are(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/hosts?limit=250", NULL, 200,
          "{\"items\": [{\"name\": \"h1\", \"status\": {\"state\":"
          " \"synced\", \"ports\": 5, \"flows\": 214, \"groups\": 2,"
          " \"revision\": 23, \"lag\": {\"revisions\": 3, \"ms\": 1250},"
          " \"openflow\": {\"outstanding_bundles\": 2,"
          " \"outstanding_bytes\": 1536, \"backlog\": 1},"
          " \"audit\": {\"time\": \"2001-01-01T00:00:00.000Z\","
          " \"missing\": 1, \"altered\": 0, \"unknown\": 2}}},"
          " {\"name\": \"h2\", \"status\": {\"state\": \"offline\","
          " \"flows\": 0, \"revision\": 0, \"lag\": {\"revisions\": 0,"
          " \"ms\": 0}, \"openflow\": {\"outstanding_bundles\": 0,"
          " \"backlog\": 0}, \"audit\": {\"missing\": 0},"
          " \"reason\": \"it is off\"}}]}" },
        { "GET /v1/rejected-hosts", NULL, 200,
          "{\"items\": [{\"address\": \"192.0.2.9\", \"protocol\":"
          " \"ovsdb\", \"count\": 3, \"first\":"
          " \"2001-01-01T00:00:00.000Z\", \"last\":"
          " \"2001-01-01T00:00:05.000Z\", \"reason\": \"no host\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, steps, "", "hosts");
    assert_non_null(strstr(result.out, "Rejected:\nADDRESS     PROTOCOL   "
                           "COUNT   FIRST"));
    assert_non_null(strstr(result.out, "192.0.2.9   ovsdb      3 "));
    assert_int_equal(result.status, CTL_DONE);
    assert_non_null(strstr(result.out, "REVISION   BEHIND   OUTSTANDING   "
                           "BACKLOG   AUDITED"));
    assert_non_null(strstr(result.out, "   23         3/1s     2/1.5KiB      "
                           "1         "));
    assert_non_null(strstr(result.out, "d ago   1 missing,2 unknown   -"));
    assert_non_null(strstr(result.out, "   0          0        -             "
                           "-         -"));
    assert_non_null(strstr(result.out, "   nothing               it is off"
                           "\n"));
    run_uninit(&result);
}

static void
nothing_from_the_server_drives_the_terminal(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/networks?limit=250", NULL, 200,
          "{\"items\": [{\"name\": \"a\\u001b[2Jb\\nc\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, steps, "", "get networks");
    assert_non_null(strstr(result.out, "a\\u001b[2Jb\\nc"));
    assert_null(strchr(result.out, '\033'));
    run_uninit(&result);
}

static void
every_type_has_columns_and_unique_names(void **state OVS_UNUSED)
{
    const struct schema_table *type;
    size_t n = 0;

    for (; (type = ctl_type_at(n)); n++) {
        const char *short_name = ctl_type_short_name(type);
        struct ctl_column *columns = ctl_type_columns(type, false);

        assert_ptr_equal(ctl_type_find(type->plural), type);
        assert_ptr_equal(ctl_type_find(type->singular), type);
        if (short_name) {
            assert_ptr_equal(ctl_type_find(short_name), type);
        }
        assert_string_equal(columns[0].heading, "NAME");
        free(columns);
    }
    assert_int_equal(n, 20);
    assert_null(ctl_type_find("vifs"));
    assert_null(ctl_type_find("nets"));
}

static void
paths_reach_into_objects_and_arrays(void **state OVS_UNUSED)
{
    static const struct {
        const char *path;
        const char *text;
    } cases[] = {
        { "/a", "1" }, { "/b/*/c", "x,y" }, { "/b", "2" },
        { "/d", "k=v,l=w" }, { "/d/k", "v" }, { "/none", "" },
        { "/a/b/c", "" }, { "/e", "yes" }, { "/f", "1.5" }, { "/g", "" },
        { "/a/*", "" }, { "/h", "" }, { "/i", "1,2" },
    };
    json_t *json = json_loads(
        "{\"a\": 1, \"b\": [{\"c\": \"x\"}, {\"c\": \"y\"}], \"d\": {\"k\":"
        " \"v\", \"l\": \"w\"}, \"e\": true, \"f\": 1.5, \"g\": null,"
        " \"h\": [], \"i\": [1, 2]}", 0, NULL);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        ctl_path_print(json, cases[i].path, &ds);
        assert_string_equal(ds_cstr(&ds), cases[i].text);
        ds_destroy(&ds);
    }
    json_decref(json);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_prints_a_table_over_all_pages),
        cmocka_unit_test(watch_shows_what_becomes_of_objects),
        cmocka_unit_test(events_are_a_line_each),
        cmocka_unit_test(every_kind_of_event_is_shown),
        cmocka_unit_test(events_of_the_past_end),
        cmocka_unit_test(events_of_the_past_leave_background_out),
        cmocka_unit_test(get_stops_at_the_limit),
        cmocka_unit_test(get_one_as_yaml_can_be_applied_again),
        cmocka_unit_test(empty_lines_of_texts_stay),
        cmocka_unit_test(get_of_several_names_shows_those_that_are_there),
        cmocka_unit_test(wide_shows_all_columns_of_the_schema),
        cmocka_unit_test(hosts_show_how_far_behind_they_are),
        cmocka_unit_test(nothing_from_the_server_drives_the_terminal),
        cmocka_unit_test(every_type_has_columns_and_unique_names),
        cmocka_unit_test(paths_reach_into_objects_and_arrays),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
