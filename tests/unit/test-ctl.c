/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's commands against a server that plays back a script: what they ask
 * for, what they print, how they end. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/ctl/output.h"
#include "controller/ctl/simulator-request.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/object-types.h"
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
#define AWAY "vmnctl: the server is away; this goes on when it is back\n" \
             "vmnctl: no more (HTTP 404)\n"

static void
watch_shows_what_becomes_of_objects(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/events?kinds=revision,binding&type=ports", NULL, 200,
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
        { "GET /v1/events?kinds=revision,binding&type=ports&after=9", NULL,
          200, EVENT("12", "reset", "{}") },
        { "GET /v1/ports?selector=role%3Dweb&limit=250", NULL,
          200, "{\"items\": [" PORT_1 "]}" },
        { "GET /v1/events?kinds=revision,binding&type=ports&after=12", NULL,
          NO_MORE },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, steps, "", "get ports -l role=web --watch -o name");
    assert_string_equal(result.out, "web-1\nweb-1 (deleted)\nweb-1\n");
    assert_non_null(strstr(result.err, AWAY));
    assert_int_equal(result.status, CTL_REFUSED);
    run_uninit(&result);
}

static void
events_are_a_line_each(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/events?kinds=host%2Cdrop&port=a", NULL, 200,
          EVENT("7", "start", "{\"revision\": 5}")
          EVENT("8", "revision", "{\"time\": \"T1\", \"revision\": 9,"
                " \"who\": \"me\", \"changes\": [{\"op\": \"create\","
                " \"type\": \"ports\", \"name\": \"a\"}, {\"op\":"
                " \"create\", \"type\": \"ports\", \"name\": \"b\"},"
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
                " \"serving\": 2, \"backends\": 3}") },
        { "GET /v1/events?kinds=host%2Cdrop&port=a&after=14", NULL, NO_MORE },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "events --kinds host,drop --port a", CTL_REFUSED,
                "T1  revision   9 by me: create ports/a, and 21 more\n"
                "T2  installed  8-9 on 1 host\n"
                "T3  host       h1 offline: ?[2J\n"
                "T4  binding    a up on h1\n"
                "T5  drop       h1 a:1 -> 10.0.0.9 tcp: denied, by policies/p"
                " rule 0\n"
                "T6  audit      h1: missing 1, altered 2, unknown 3\n"
                "T7  scale      vip up: 25.25 connections a second for each "
                "backend, against 10; 2 of 3 serve\n",
                AWAY);
    assert_alone("", "events", CTL_UNREACHABLE, "cannot reach");
    assert_alone("", "events -o yaml", CTL_USAGE, "-o is table or json");
    assert_alone("", "events --type x", CTL_USAGE, "no type \"x\"");
    assert_alone("", "get ports -w --limit 3", CTL_USAGE, "--limit");
    assert_alone("", "get ports -w -l a=(", CTL_USAGE, "--selector");
}

static void
get_one_as_yaml_can_be_applied_again(void **state OVS_UNUSED)
{
    static const struct step get[] = {
        { "GET /v1/ports/web-1", NULL, 200, PORT_1 },
        { NULL, NULL, 0, NULL },
    };
    static const struct step apply[] = {
        { "POST /v1/apply", "{\"objects\": [{\"type\": \"ports\", \"name\":"
          " \"web-1\", \"spec\": {\"network\": \"shop\", \"labels\":"
          " {\"role\": \"web\"}}}]}", 200,
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
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, steps, "", "hosts");
    assert_int_equal(result.status, CTL_DONE);
    assert_non_null(strstr(result.out, "REVISION   BEHIND   OUTSTANDING   "
                           "BACKLOG   AUDITED"));
    assert_non_null(strstr(result.out, "   23         3/1s     2/1.5KiB      "
                           "1         "));
    assert_non_null(strstr(result.out, "d ago   1 missing,2 unknown   -"));
    assert_non_null(strstr(result.out, "   0          -        -             "
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
    assert_non_null(strstr(result.out, "a?[2Jb?c"));
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
    assert_int_equal(n, 18);
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

/* Writing.  -------------------------------------------------------------- */

static const char two_objects[] =
    "type: net\nname: shop\nspec:\n  subnets: [{cidr: 10.0.0.0/24}]\n"
    "---\n- type: svc\n  name: web\n  spec:\n"
    "    entries: [{protocol: tcp, ports: [80, \"8000-8100\"]}]\n";
#define TWO_OBJECTS_BODY                                                \
    "{\"objects\": [{\"type\": \"networks\", \"name\": \"shop\","       \
    " \"spec\": {\"subnets\": [{\"cidr\": \"10.0.0.0/24\"}]}},"         \
    " {\"type\": \"services\", \"name\": \"web\", \"spec\":"            \
    " {\"entries\": [{\"protocol\": \"tcp\", \"ports\": [80,"           \
    " \"8000-8100\"]}]}}]}"

static void
apply_sends_all_objects_as_one_transaction(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "POST /v1/apply?prune=shop&wait=installed&timeout=2000ms",
          TWO_OBJECTS_BODY, 200,
          "{\"revision\": 7, \"results\": [{\"type\": \"networks\","
          " \"name\": \"shop\", \"outcome\": \"created\"}, {\"type\":"
          " \"services\", \"name\": \"web\", \"outcome\": \"updated\"}],"
          " \"receipt\": {\"installed\": true, \"hosts\": [{\"host\":"
          " \"hv1\", \"state\": \"confirmed\"}]}}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, two_objects,
                "apply -f - --prune shop --wait --timeout 2s", CTL_DONE,
                "networks/shop created\nservices/web updated\n"
                "revision 7 is installed on 1 host\n", "");
}

static void
apply_takes_the_body_of_the_api_and_a_file_of_the_lab(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "POST /v1/apply", TWO_OBJECTS_BODY, 200, "{\"results\": []}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, TWO_OBJECTS_BODY, "apply -f -", CTL_DONE, "", "");
    assert_play(steps, "{\"vms\": {\"a\": \"h1\"}, "
                "\"objects\": [{\"type\": \"networks\", \"name\": \"shop\","
                " \"spec\": {\"subnets\": [{\"cidr\": \"10.0.0.0/24\"}]}},"
                " {\"type\": \"services\", \"name\": \"web\", \"spec\":"
                " {\"entries\": [{\"protocol\": \"tcp\", \"ports\": [80,"
                " \"8000-8100\"]}]}}]}", "apply -f -", CTL_DONE, "", "");
    assert_alone("{\"objects\": [], \"object\": []}", "apply -f -",
                 CTL_USAGE, "unknown member \"object\" beside \"objects\"");
    assert_alone("{\"objects\": []}", "apply -f -", CTL_USAGE,
                 "no objects in the input");
    assert_alone("{\"objects\": [7]}", "apply -f -", CTL_USAGE,
                 "object 1: want a mapping");
}

static void
apply_that_is_not_installed_in_time_exits_with_4(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "POST /v1/apply?wait=installed&timeout=10000ms",
          TWO_OBJECTS_BODY, 202,
          "{\"revision\": 7, \"results\": [], \"receipt\": {\"installed\":"
          " false, \"hosts\": [{\"host\": \"hv1\", \"state\": \"confirmed\"},"
          " {\"host\": \"hv2\", \"state\": \"offline\", \"reason\":"
          " \"no OpenFlow connection\"}]}}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, two_objects, "apply -f - --wait", CTL_NOT_INSTALLED,
                "",
                "vmnctl: revision 7 is not installed everywhere within"
                " 10.0 s:\n"
                "HOST   STATE     REASON\n"
                "hv2    offline   no OpenFlow connection\n");
}

static void
faults_name_the_file_the_object_and_the_field(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "POST /v1/apply", TWO_OBJECTS_BODY, 400,
          "{\"type\": \"urn:vmn:problem:invalid\", \"title\": \"Bad Request\""
          ", \"status\": 400, \"detail\": \"2 fields are wrong\", \"errors\":"
          " [{\"pointer\": \"/objects/0/spec/subnets/0/cidr\", \"detail\":"
          " \"host bits are set\"}, {\"pointer\":"
          " \"/objects/1/spec/entries/0\", \"detail\": \"no\"},"
          " {\"pointer\": \"/objects/9/spec\", \"detail\": \"?\"},"
          " {\"pointer\": \"\", \"parameter\": \"prune\", \"detail\":"
          " \"bad\"}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, two_objects, "apply -f -", CTL_REFUSED, "",
                "vmnctl: 2 fields are wrong (HTTP 400)\n"
                "  standard input: networks/shop /spec/subnets/0/cidr: host"
                " bits are set\n"
                "  standard input: services/web /spec/entries/0: no\n"
                "  /objects/9/spec: ?\n"
                "  ?prune: bad\n");
}

static void
apply_refuses_files_that_hold_no_objects(void **state OVS_UNUSED)
{
    static const struct {
        const char *in;
        const char *err;
    } cases[] = {
        { "type: networks\nname: a\nspec: {}\nsepc: {}\n",
          "object \"a\": unknown member \"sepc\"" },
        { "type: netwroks\nname: a\nspec: {}\n", "unknown type \"netwroks\"" },
        { "name: a\nspec: {}\n", "\"type\" is missing" },
        { "type: net\nname: 10\nspec: {}\n",
          "object 1: \"name\" is missing or not a string" },
        { "type: net\nname: a\n", "\"spec\" is missing" },
        { "type: net\nname: a\nspec: []\n", "\"spec\" is missing or not" },
        { "just text", "want a mapping" },
        { "[1]", "want a mapping" },
        { "{\"a\": 1,}", "" },
        { "", "no objects in the input" },
        { "# only a comment\n", "no objects in the input" },
        { "a: [1\n", "standard input: line" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_alone(cases[i].in, "apply -f -", CTL_USAGE, cases[i].err);
    }
    assert_alone("", "apply", CTL_USAGE, "give -f PATH");
    assert_alone("", "apply -f /nonexistent/x.yaml", CTL_USAGE,
                 "/nonexistent/x.yaml: No such file");
}

static void
write_file(const char *dir, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", dir, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

static void
apply_reads_a_folder_by_name_and_json_in_rows(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "POST /v1/apply", "{\"objects\": ["
          "{\"type\": \"groups\", \"name\": \"a\", \"spec\": {}},"
          "{\"type\": \"groups\", \"name\": \"b\", \"spec\": {}},"
          "{\"type\": \"groups\", \"name\": \"c\", \"spec\": {}}]}",
          200, "{\"results\": []}" },
        { NULL, NULL, 0, NULL },
    };
    char dir[] = "/tmp/vmnctl-test-XXXXXX";
    char *line, *path;

    assert_non_null(mkdtemp(dir));
    write_file(dir, "2.json", "{\"type\": \"group\", \"name\": \"b\","
               " \"spec\": {}}\n{\"type\": \"group\", \"name\": \"c\","
               " \"spec\": {}}\n");
    write_file(dir, "1.yaml", "items: [{type: grp, name: a, spec: {}}]\n");
    write_file(dir, "notes.txt", "not an object");
    line = xasprintf("apply -f %s", dir);
    assert_play(steps, "", line, CTL_DONE, "", "");
    free(line);
    path = xasprintf("rm -r %s", dir);
    assert_int_equal(system(path), 0);
    free(path);
}

static void
delete_names_the_referrers(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "DELETE /v1/networks/shop", NULL, 409,
          "{\"status\": 409, \"detail\": \"x\","
          " \"errors\": [{\"pointer\": \"\", \"detail\": \"ports/web-1"
          " refers to it\"}]}" },
        { "DELETE /v1/networks/other", NULL, 200, "{}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step cascade[] = {
        { "DELETE /v1/networks/shop?cascade=true", NULL, 200,
          "{\"also_changed\": [{\"op\": \"update\", \"type\": \"groups\","
          " \"name\": \"web\"}, {\"op\": \"delete\", \"type\": \"ports\","
          " \"name\": \"web-1\"}, {\"more\": 7}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "delete network shop other", CTL_REFUSED,
                "networks/other deleted\n",
                "vmnctl: ports/web-1 refers to it (HTTP 409)\n");
    assert_play(cascade, "", "delete network shop --cascade", CTL_DONE,
                "networks/shop deleted\ngroups/web updated\n"
                "ports/web-1 deleted\nand 7 more\n", "");
}

static void
label_sends_a_merge_patch(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "PATCH /v1/ports/web-1", "{\"spec\": {\"labels\": {\"role\":"
          " \"web\", \"env\": null, \"x\": \"\", \"y\": \"a=b-\"}}}", 200,
          "{}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "label port web-1 role=web env- x= y=a=b-",
                CTL_DONE, "ports/web-1 labelled\n", "");
    assert_alone("", "label port web-1 role", CTL_USAGE, "KEY=VALUE");
    assert_alone("", "label port web-1 =x", CTL_USAGE, "KEY=VALUE");
    assert_alone("", "label port web-1 -", CTL_USAGE, "KEY=VALUE");
}

static void
quarantine_waits_unless_told_not_to(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "PUT /v1/quarantines/db?wait=installed&timeout=500ms",
          "{\"spec\": {\"ports\": [\"db\"]}}", 201,
          "{\"outcome\": \"created\", \"metadata\": {\"revision\": 9},"
          " \"receipt\": {\"hosts\":"
          " [{\"host\": \"hv1\"}, {\"host\": \"hv2\"}]}}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step several[] = {
        { "PUT /v1/quarantines/a", "{\"spec\": {\"ports\": [\"a\"]}}", 409,
          "{\"title\": \"Conflict\"}" },
        { "PUT /v1/quarantines/b", "{\"spec\": {\"ports\": [\"b\"]}}", 200,
          "{\"outcome\": \"unchanged\"}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "quarantine db --timeout 500ms", CTL_DONE,
                "quarantines/db created\n"
                "revision 9 is installed on 2 hosts\n", "");
    assert_play(several, "", "quarantine a b --no-wait", CTL_REFUSED,
                "quarantines/b unchanged\n",
                "vmnctl: Conflict (HTTP 409)\n");
}

static void
quarantine_lets_in_what_it_is_told(void **state OVS_UNUSED)
{
    static const struct step one[] = {
        { "PUT /v1/quarantines/web-1",
          "{\"spec\": {\"ports\": [\"web-1\"], \"allow\": [{\"direction\":"
          " \"ingress\", \"peers\": [{\"group\": \"forensics\"}],"
          " \"services\": [{\"protocol\": \"tcp\", \"ports\": [\"22\"]},"
          " {\"protocol\": \"icmp\"}, {\"service\": \"agent\"}]}]}}", 200,
          "{\"outcome\": \"updated\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step selected[] = {
        { "PUT /v1/quarantines/role-web-env",
          "{\"spec\": {\"selector\": \"role=Web,!env\"}}", 201,
          "{\"outcome\": \"created\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step named[] = {
        { "PUT /v1/quarantines/q", "{\"spec\": {\"selector\": \"\","
          " \"ports\": [\"a\", \"b\"], \"allow\": [{\"direction\":"
          " \"ingress\", \"peers\": [{\"group\": \"g\"}]}]}}", 201,
          "{\"outcome\": \"created\"}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(one, "", "quarantine web-1 --allow-group forensics --allow "
                "tcp/22 --allow icmp --allow agent --no-wait", CTL_DONE,
                "quarantines/web-1 updated\n", "");
    assert_play(selected, "", "quarantine --selector role=Web,!env --no-wait",
                CTL_DONE, "quarantines/role-web-env created\n", "");
    assert_play(named, "", "quarantine a b --selector= --name q --allow-group "
                "g --no-wait", CTL_DONE, "quarantines/q created\n", "");
    assert_alone("", "quarantine", CTL_USAGE, "give PORTs, or --selector");
    assert_alone("", "quarantine a -l x", CTL_USAGE, "need a --name");
    assert_alone("", "quarantine --selector=!", CTL_USAGE, "needs a --name");
    assert_alone("", "quarantine a --allow \xff", CTL_USAGE, "valid UTF-8");
}

static void
release_ends_whatever_holds_the_name(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/quarantines/q", NULL, 200, "{}" },
        { "DELETE /v1/quarantines/q", NULL, 200,
          "{\"outcome\": \"deleted\"}" },
        { "GET /v1/ports/q", NULL, 404, "{}" },
        { "GET /v1/quarantines/db", NULL, 404, "{}" },
        { "GET /v1/ports/db", NULL, 200,
          "{\"spec\": {\"quarantined\": true}}" },
        { "PATCH /v1/ports/db", "{\"spec\": {\"quarantined\": false}}", 200,
          "{\"outcome\": \"updated\"}" },
        { "GET /v1/quarantines/web", NULL, 404, "{}" },
        { "GET /v1/ports/web", NULL, 200, "{\"spec\": {\"quarantined\":"
          " false}, \"status\": {\"quarantines\": [\"a\", \"b\"]}}" },
        { "GET /v1/quarantines/x", NULL, 404, "{}" },
        { "GET /v1/ports/x", NULL, 404, "{}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "release q db web x --no-wait", CTL_REFUSED,
                "quarantines/q deleted\nports/db released\n",
                "vmnctl: no quarantine \"web\"; port web is held by a,b\n"
                "vmnctl: no quarantine \"x\"\n");
}

static void
promote_has_policies_enforced(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "PATCH /v1/policies/db-in", "{\"spec\": {\"mode\": \"enforce\"}}",
          200, "{\"outcome\": \"updated\"}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "promote db-in --no-wait", CTL_DONE,
                "policies/db-in promoted\n", "");
}

static void
identities_are_listed_by_number(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/identities?network=shop&limit=250", NULL, 200,
          "{\"items\": [{\"number\": 3, \"network\": \"shop\", \"groups\":"
          " [\"a\", \"b\"], \"quarantined\": false, \"quarantines\": [],"
          " \"n_ports\": 120, \"ports\": [\"p1\", \"p2\", \"p3\", \"p4\","
          " \"p5\", \"p6\"]}], \"next\": \"3\"}" },
        { "GET /v1/identities?network=shop&limit=250&after=3", NULL, 200,
          "{\"items\": [{\"number\": 7, \"router\": \"edge\", \"groups\":"
          " [], \"quarantined\": true, \"quarantines\": [], \"n_ports\": 1,"
          " \"ports\": [\"x\"]}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "identities --network shop", CTL_DONE,
                "NUMBER   NETWORK   ROUTER   GROUPS   QUARANTINE   N     "
                "PORTS\n"
                "3        shop      -        a,b      -            120   "
                "p1,p2,p3,p4,p5,+115\n"
                "7        -         edge     -        yes          1     x\n",
                "");
}

/* Plans.  ---------------------------------------------------------------- */

#define PLAN                                                            \
    "{\"changed\": true, \"revision\": 7, \"objects\": ["               \
    " {\"type\": \"ports\", \"name\": \"a\", \"op\": \"created\"},"     \
    " {\"type\": \"networks\", \"name\": \"n\", \"op\": \"unchanged\"}]," \
    " \"flows\": {\"hosts\": [{\"host\": \"hv1\", \"added\": 3,"       \
    " \"changed\": 1, \"removed\": 0, \"total\": 98}],"               \
    " \"apps\": [{\"app\": \"overlay\", \"added\": 3, \"changed\": 1," \
    " \"removed\": 0}]}, \"restarts\": [\"m\", \"n\"],"                \
    " \"problems\": [{\"kind\": \"overlap\","                            \
    " \"units\": [\"x.u/a\", \"y.u/b\"], \"detail\": \"both\","        \
    " \"packet\": \"tcp,tp_dst=80\"}]}"
#define PLAN_TABLE                                      \
    "CHANGE    TYPE    NAME\n"                          \
    "created   ports   a\n"                             \
    "1 object would stay as it is\n"                    \
    "\n"                                                \
    "APP       ADDED   CHANGED   REMOVED\n"             \
    "overlay   3       1         0\n"                   \
    "\n"                                                \
    "HOST   ADDED   CHANGED   REMOVED   TOTAL\n"        \
    "hv1    3       1         0         98\n"           \
    "open connections would start over in: m, n\n"     \
    "\n"                                                \
    "PROBLEM   UNITS         DETAIL   PACKET\n"         \
    "overlap   x.u/a,y.u/b   both     tcp,tp_dst=80\n"
#define NO_PLAN "{\"changed\": false, \"objects\": [], \"problems\": []}"

/* Explains all fields of 's', which 'path' leads to. */
static void
check_explained(const struct schema_struct *s, const char *path)
{
    for (const struct schema_field *f = s ? s->fields : NULL; f && f->name;
         f++) {
        char *line = xasprintf("explain %s.%s", path, f->name);
        struct run result;

        assert_true(f->doc && f->doc[strlen(f->doc) - 1] == '.');
        run(&result, "unix:/nonexistent", "", line);
        assert_int_equal(result.status, CTL_DONE);
        assert_non_null(strstr(result.out, f->name));
        for (const char *c = result.out; *c; c += strcspn(c, "\n") + 1) {
            assert_true(strcspn(c, "\n") <= 79 || !strncmp(c, "  ", 2));
        }
        run_uninit(&result);
        if (f->type == SCHEMA_STRUCT) {
            check_explained(f->nested, line + strlen("explain "));
        }
        free(line);
    }
}

static void
explain_knows_all_fields(void **state OVS_UNUSED)
{
    static const struct step none[] = { { NULL, NULL, 0, NULL } };
    const struct schema_table *type;

    for (size_t i = 0; (type = ctl_type_at(i)); i++) {
        char *path = xasprintf("%s.status", type->singular);

        check_explained(&type->row, type->plural);
        check_explained(type->status, path);
        free(path);
    }
    assert_play(none, "", "explain lb.ports", CTL_DONE,
                "loadbalancers.ports\n"
                "  ports: set of object; required\n"
                "      The ports it serves.\n\n"
                "Its fields:\n"
                "  port: number; required (1 to 65535)\n"
                "      The port on the virtual IP.\n"
                "  target: number; (1 to 65535)\n"
                "      The port on the backends; the same when absent.\n"
                "  end_port: number; (1 to 65535)\n"
                "      The last port of a range that begins at `port`, all of "
                "them the same on\n"
                "      the backends; one port when absent.\n", "");
    assert_play(none, "", "explain ports.status.lost", CTL_USAGE, "",
                "vmnctl: explain: ports.status has no field \"lost\"; did you "
                "mean \"host\"?\n");
    assert_play(none, "", "explain port.status.enabled", CTL_USAGE, "",
                "vmnctl: explain: ports.status has no field \"enabled\"\n");
    assert_play(none, "", "explain port.network.cidr", CTL_USAGE, "",
                "vmnctl: explain: ports.network has no field \"cidr\"\n");
    assert_alone("", "explain nothing", CTL_USAGE, "nothing");
}

static void
dry_run_shows_the_plan(void **state OVS_UNUSED)
{
    static const struct step apply[] = {
        { "POST /v1/apply?prune=s&dry_run=plan", "{\"objects\": []}", 200,
          PLAN },
        { NULL, NULL, 0, NULL },
    };
    static const struct step delete[] = {
        { "DELETE /v1/ports/a?cascade=true&dry_run=plan", NULL, 200, PLAN },
        { NULL, NULL, 0, NULL },
    };
    static const struct step quarantine[] = {
        { "PUT /v1/quarantines/a?dry_run=plan",
          "{\"spec\": {\"ports\": [\"a\"]}}", 200, NO_PLAN },
        { NULL, NULL, 0, NULL },
    };
    static const struct step label[] = {
        { "PATCH /v1/ports/a?dry_run=plan",
          "{\"spec\": {\"labels\": {\"x\": \"y\"}}}", 200, NO_PLAN },
        { NULL, NULL, 0, NULL },
    };

    assert_play(apply, "[]", "apply -f - --prune s --dry-run", CTL_DONE,
                PLAN_TABLE, "");
    assert_play(delete, "", "delete port a --cascade --dry-run", CTL_DONE,
                PLAN_TABLE, "");
    assert_play(quarantine, "", "quarantine a --dry-run", CTL_DONE,
                "nothing would change\n", "");
    assert_play(label, "", "label port a x=y --dry-run -o yaml", CTL_DONE,
                "changed: false\nobjects: []\nproblems: []\n", "");
}

static void
policies_are_recommended(void **state OVS_UNUSED)
{
    static const struct step answered[] = {
        { "GET /v1/recommendations?network=shop&labels=app%2Ctier&exact=true"
          "&mode=enforce",
          NULL, 200,
          "{\"network\":\"shop\",\"since\":\"now\",\"connections\":2,\"optimal\":true,"
          "\"hosts\":[{\"host\":\"h2\",\"reason\":\"gone\"}],\"n_unselected\":1,"
          "\"unselected\":[\"web\"],\"n_uncovered\":0,\"uncovered\":[],\"rules\":["
          "{\"policy\":\"db-in\",\"from\":\"web\",\"to\":\"db\",\"services\":[\"tcp/80\"],"
          "\"observed\":2,\"extra\":1,\"extras\":[{\"from\":\"web-2\",\"to\":\"db-1\","
          "\"service\":\"tcp/80\"}]}],\"objects\":[{\"type\":\"policies\","
          "\"name\":\"db-in\",\"spec\":{\"applies_to\":[\"db\"]}}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(answered, "", "policy recommend --network shop --labels "
                "app,tier --exact --enforce", CTL_DONE,
                "# Network shop since now: 2 connections, 1 rule.\n"
                "# Host h2 is missing: gone.\n"
                "# Nobody was seen to speak to 1 ports, so no policy is about "
                "them: web\n"
                "---\n"
                "# web -> db tcp/80: 2 seen, 1 more allowed:\n"
                "#   web-2 -> db-1 tcp/80\n"
                "type: policies\n"
                "name: db-in\n"
                "spec:\n"
                "  applies_to:\n"
                "  - db\n",
                "vmnctl: Host h2 is missing: gone.\n");
    assert_alone("", "policy recommend", CTL_USAGE, "give --network");
    assert_alone("", "policy propose --network a", CTL_USAGE,
                 "want recommend, not \"propose\"");
    assert_alone("", "policy recommend --network a --for 25h", CTL_USAGE,
                 "at most 24h, not \"25h\"");
    assert_alone("", "policy recommend --network a -o table", CTL_USAGE,
                 "json or yaml here");
}

static void
dry_run_goes_with_what_makes_sense(void **state OVS_UNUSED)
{
    assert_alone("", "delete port a --dry-run --wait", CTL_USAGE, "--wait");
    assert_alone("", "quarantine a --dry-run --timeout 1s", CTL_USAGE,
                 "--timeout");
    assert_alone("", "delete port a -o json", CTL_USAGE, "--dry-run");
    assert_alone("", "delete port a --dry-run -o name", CTL_USAGE, "json");
    assert_alone("", "get ports --dry-run", CTL_USAGE, "no such option");
    assert_alone("", "diff", CTL_USAGE, "diff: give -f");
}

static void
diff_says_by_its_status_whether_anything_would_change(
    void **state OVS_UNUSED)
{
    static const struct step changes[] = {
        { "POST /v1/apply?prune=s&dry_run=plan", "{\"objects\": []}", 200,
          PLAN },
        { NULL, NULL, 0, NULL },
    };
    static const struct step same[] = {
        { "POST /v1/apply?prune=s&dry_run=plan", "{\"objects\": []}", 200,
          NO_PLAN },
        { NULL, NULL, 0, NULL },
    };
    static const struct step refused[] = {
        { "POST /v1/apply?prune=s&dry_run=plan", "{\"objects\": []}", 409,
          "{\"detail\": \"no\"}" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    assert_play(changes, "[]", "diff -f - --prune s", CTL_DIFFERS,
                PLAN_TABLE, "");
    assert_play(same, "[]", "diff -f - --prune s", CTL_DONE,
                "nothing would change\n", "");
    play(&result, refused, "[]", "diff -f - --prune s");
    assert_int_equal(result.status, CTL_USAGE);
    run_uninit(&result);
}

/* Status.  --------------------------------------------------------------- */

static void
status_names_problems_and_hosts_that_are_not_synced(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/status", NULL, 200, "{\"version\": \"1.0\", \"ready\":"
          " true, \"uptime_s\": 5, \"revision\": 7, \"hosts\":"
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
                "Version:     1.0\nReady:       yes\nUptime, s:   5\n"
                "Revision:    7\nHosts:       1 of 2 synced\n"
                "Objects:     ports=3,hosts=2\n"
                "\nPROBLEM    UNITS         DETAIL\n"
                "conflict   a.b/c,a.b/d   differ\n"
                "\nHOST   STATE     REASON\nhv2    offline   connection"
                " refused\n", "");
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
        { "GET /v1/revisions/7", NULL, 200,
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
    " \"priority\": 10, \"match\": \"arp\", \"wanted\": {\"actions\":"         \
    " \"goto_table:16\", \"cookie\": \"0x12\"}},"                               \
    "{\"kind\": \"altered\", \"owner\": \"a.b/d\", \"table\": 3,"               \
    " \"priority\": 10, \"match\": \"ip\", \"differs\": [\"cookie\"],"          \
    " \"wanted\": {\"actions\": \"drop\", \"cookie\": \"0x13\"},"               \
    " \"installed\": {\"actions\": \"drop\", \"cookie\": \"0x1\"}},"            \
    "{\"kind\": \"altered\", \"owner\": \"a.n/x\", \"group_id\": 4,"            \
    " \"differs\": [\"group\"], \"wanted\": {\"group\": \"type=all\"},"         \
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
    static const struct step none[] = {
        { "GET /v1/drops?network=n&port=web-1", NULL, 200,
          "{\"counters\": [], \"matching\": 0}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "drops --host h2 --app firewall"
                " --reason spoofed --limit 1", CTL_DONE,
                "HOST   REASON    PACKETS   BYTES   LAST   OBJECT       "
                "RULE   OWNER\n"
                "h2     spoofed   4         296     then   policies/p   "
                "0      a.b/c\n", "1 of 2\n");
    assert_play(none, "", "drops --network n --port web-1", CTL_DONE, "",
                "no drops\n");
}

/* What another port gets is not what its addressee gets. */
static void
trace_says_who_has_it_instead(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "POST /v1/trace", "{\"from\": \"a\", \"to\": \"c\","
          " \"reply\": false, \"protocol\": \"tcp\", \"port\": 80}", 200,
          "{\"verdict\": \"dropped\", \"outcomes\": [{\"share\": 1,"
          " \"verdict\": \"dropped\", \"packet\": \"request\","
          " \"at\": {\"kind\": \"delivered\", \"host\": \"h2\","
          " \"port\": \"b\"}, \"legs\": []}], \"complete\": true}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "trace a c tcp/80", CTL_DIFFERS,
                "request delivered to b on h2, which is not who it is for\n",
                "");
}

static void
questions_that_are_refused_are_told_from_answers(void **state OVS_UNUSED)
{
    static const struct step trace[] = {
        { "POST /v1/trace", "{\"from\": \"a\", \"to\": \"c\","
          " \"reply\": false, \"protocol\": \"tcp\", \"port\": 80}", 400,
          "{\"errors\": [{\"pointer\": \"/from\", \"detail\":"
          " \"there is no port\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step reach[] = {
        { "GET /v1/reachability?protocol=icmpv6&network=x&by=group", NULL, 400,
          "{\"errors\": [{\"pointer\": \"\", \"parameter\": \"network\","
          " \"detail\": \"there is no network\"}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(trace, "", "trace a c tcp/80", CTL_NO_COMPARISON, "",
                "vmnctl: /from: there is no port (HTTP 400)\n");
    assert_play(reach, "", "reachability icmpv6 --network x",
                CTL_NO_COMPARISON, "",
                "vmnctl: ?network: there is no network (HTTP 400)\n");
}

/* The numbers of ICMP are its type and its code, in either family. */
static void
trace_takes_types_and_codes(void **state OVS_UNUSED)
{
    static const struct {
        const char *service, *members;
    } good[] = {
        { "icmp", "\"protocol\": \"icmp\"" },
        { "icmp/3", "\"protocol\": \"icmp\", \"icmp_type\": 3" },
        { "icmpv6/1/4", "\"protocol\": \"icmpv6\", \"icmp_type\": 1,"
          " \"icmp_code\": 4" },
    };
    static const char *const bad[] = {
        "tcp", "tcp/", "tcp/80/1", "icmp/", "icmp/3/", "icmp/3/4/5",
        "icmpv6/x", "icmp6", "gre", "", "/3",
    };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        char *body = xasprintf("{\"from\": \"a\", \"to\": \"c\","
                               " \"reply\": false, %s}", good[i].members);
        char *line = xasprintf("trace a c %s", good[i].service);
        const struct step steps[] = {
            { "POST /v1/trace", body, 200, "{\"verdict\": \"delivered\","
              " \"outcomes\": [], \"complete\": true}" },
            { NULL, NULL, 0, NULL },
        };

        assert_play(steps, "", line, CTL_DONE, "", "");
        free(line);
        free(body);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        json_t *body = json_object();

        if (ctl_set_service(body, bad[i])) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        json_decref(body);
    }
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
        assert_alone("", lines[i], CTL_USAGE, "--output: want table, json or "
                     "yaml here");
    }
    assert_alone("", "get ports -o nome", CTL_USAGE, "wide, json, yaml or");
    assert_alone("", "drops --follow -o yaml", CTL_USAGE, "--follow supports");
}

/* Where families differ, the reason says which. */
static void
reach_by_one_family_says_which(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/reachability?protocol=tcp&port=80&by=port", NULL, 200,
          "{\"classes\": [{\"id\": 0, \"ports\": [\"a\"]},"
          " {\"id\": 1, \"ports\": [\"b\"]}], \"cells\": ["
          "{\"from\": 0, \"to\": 1, \"verdict\": \"mixed\","
          " \"ipv4\": {\"verdict\": \"delivered\"}, \"ipv6\":"
          " {\"verdict\": \"dropped\", \"reason\": \"isolated\"}}],"
          " \"absent\": []}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "reachability tcp/80 --by port", CTL_DONE,
                "FROM \\ TO   a   b\n"
                "a           -   mixed\n"
                "b           -   -\n\n"
                "FROM   TO   VERDICT   REASON           OWNER   RULE\n"
                "a      b    mixed     ipv6: isolated   -       -\n", "");
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
                "Holds:       flows 91, groups 2\n"
                "Differs:     missing 1, altered 2, unknown 1, rejected 0\n"
                "Left out:    2, which changed meanwhile\n\n"
                "KIND      TABLE   PRIORITY   OWNER     MATCH"
                "     WANTED          INSTALLED\n"
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
                "Holds:       flows 3, groups 0\n"
                "Differs:     missing 0, altered 0, unknown 0, rejected 0\n",
                "");
    assert_play(not_now, "", "flows hv1 --diff", CTL_USAGE, "",
                "vmnctl: its switch is not connected (HTTP 503)\n");
    assert_play(repair, "", "flows hv1 --diff --repair", CTL_DONE,
                "Host:        hv1\n"
                "Holds:       flows 3, groups 0\n"
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

static void
help_and_usage(void **state OVS_UNUSED)
{
    struct run result;

    for (const struct ctl_command *c = ctl_commands; c->name; c++) {
        char *line = xasprintf("%s --help", c->name);

        run(&result, "unix:/nonexistent/vmnd.sock", "", line);
        assert_int_equal(result.status, CTL_DONE);
        assert_non_null(strstr(result.out, "Example:"));
        assert_non_null(strstr(result.out, c->summary));
        assert_null(strstr(result.out, "\n\n\n"));
        run_uninit(&result);
        free(line);
    }
    assert_alone("", "", CTL_USAGE, "Commands");
    assert_alone("", "gett ports", CTL_USAGE, "no command \"gett\"");
    assert_alone("", "get", CTL_USAGE, "usage: vmnctl get TYPE [NAME...]");
    assert_alone("", "get nets", CTL_USAGE, "no type \"nets\"");
    assert_alone("", "get ports --foo", CTL_USAGE, "--foo: no such option");
    assert_alone("", "get ports -o", CTL_USAGE, "needs an argument");
    assert_alone("", "get ports -o xml", CTL_USAGE, "table, wide, json, yaml");
    assert_alone("", "get ports --cascade", CTL_USAGE, "no such option");
    assert_alone("", "get ports --limit 0", CTL_USAGE, "--limit");
    assert_alone("", "get ports a --limit 1", CTL_USAGE, "cannot be combined with");
    assert_alone("", "delete port a --wait --timeout 1h", CTL_USAGE,
                 "--timeout");
    assert_alone("", "delete port a --wait --timeout 6m", CTL_USAGE,
                 "--timeout");
    assert_alone("", "delete port a --timeout 5s", CTL_USAGE,
                 "give --wait too");
    assert_alone("", "quarantine a --no-wait --timeout 5s", CTL_USAGE,
                 "cannot be combined with --no-wait");
    assert_alone("", "-s http://x get ports", CTL_USAGE, "unix:PATH");
    assert_alone("", "-s tcp:127.0.0.1:1@evil get ports", CTL_USAGE,
                 "unix:PATH");
    assert_alone("", "--token-file /nonexistent get ports", CTL_USAGE,
                 "/nonexistent");
}

static void
a_server_that_is_not_there_exits_with_3(void **state OVS_UNUSED)
{
    assert_alone("", "get ports", CTL_UNREACHABLE, "cannot reach vmnd at "
                 "unix:/nonexistent/vmnd.sock: No such file or directory");
    assert_alone("", "delete port a b", CTL_UNREACHABLE, "cannot reach");
    assert_alone(two_objects, "apply -f -", CTL_UNREACHABLE, "cannot reach");
}

static void
an_answer_that_is_not_json_is_refused(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/ports?limit=250", NULL, 200, "<html>" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step html_error[] = {
        { "GET /v1/ports?limit=250", NULL, 502, "<html>" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, steps, "", "get ports");
    assert_int_equal(result.status, CTL_REFUSED);
    assert_non_null(strstr(result.err, "did not answer with a JSON object"));
    run_uninit(&result);
    play(&result, html_error, "", "get ports");
    assert_int_equal(result.status, CTL_REFUSED);
    assert_non_null(strstr(result.err, "HTTP 502"));
    run_uninit(&result);
}

/* Terminals.  ------------------------------------------------------------ */

/* What a terminal of this kind is given of a table and of progress. */
static char *
shown_on_terminal(const char *term, const char *no_colour)
{
    static const struct ctl_column columns[] = {
        { "NAME", "/name", NULL }, { "STATE", "/state", NULL },
        { "REMOVED", "/removed", NULL }, { NULL, NULL, NULL },
    };
    json_t *rows = json_pack("[{s:s, s:s, s:i}, {s:s, s:s, s:i}]",
                             "name", "up", "state", "up", "removed", 0,
                             "name", "b", "state", "up,quarantined",
                             "removed", 3);
    char *text = xzalloc(4096);
    struct ctl ctl = { .out = NULL };
    int master, slave;
    size_t n = 0;

    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    setenv("TERM", term, 1);
    setenv("NO_COLOR", no_colour, 1);
    ctl.err = fdopen(slave, "w");
    ctl_progress(&ctl, "%d ports", 7);
    ctl_progress(&ctl, NULL);
    ctl_show_table(ctl.err, columns, rows);
    fputs("END", ctl.err);
    fflush(ctl.err);
    while (!strstr(text, "END")) {
        ssize_t got = read(master, text + n, 4095 - n);

        assert_true(got > 0);
        n += (size_t) got;
    }
    fclose(ctl.err);
    close(master);
    json_decref(rows);
    unsetenv("NO_COLOR");
    unsetenv("TERM");
    return text;
}

static void
terminals_have_colours_and_progress(void **state OVS_UNUSED)
{
    static const char plain[] =
        "\r\033[K7 ports\r\033[K"
        "NAME   STATE            REMOVED\r\n"
        "up     up               0\r\n"
        "b      up,quarantined   3\r\nEND";
    char *text = shown_on_terminal("xterm", "");

    assert_string_equal(
        text, "\r\033[K7 ports\r\033[K"
        "NAME   STATE            REMOVED\r\n"
        "up     \033[32mup\033[0m               0\r\n"
        "b      \033[31mup,quarantined\033[0m   \033[31m3\033[0m\r\nEND");
    free(text);
    text = shown_on_terminal("xterm", "1");
    assert_string_equal(text, plain);
    free(text);
    text = shown_on_terminal("dumb", "");
    assert_string_equal(text, plain);
    free(text);
}

/* All that change something can be waited for. */
static void
changes_can_be_waited_for(void **state OVS_UNUSED)
{
    static const char *const names[] = {
        "apply", "edit", "delete", "label", "quarantine", "release",
        "promote",
    };
    size_t n = 0;

    for (const struct ctl_command *c = ctl_commands; c->name; c++) {
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
            if (!strcmp(c->name, names[i])) {
                assert_true(c->options & (CTL_OPT_WAIT | CTL_OPT_NO_WAIT));
                n++;
            }
        }
        /* What can be planned is a change. */
        if (c->options & CTL_OPT_DRY_RUN) {
            assert_true(c->options & (CTL_OPT_WAIT | CTL_OPT_NO_WAIT));
        }
    }
    assert_int_equal(n, ARRAY_SIZE(names));
    assert_alone("", "promote p --wait", CTL_UNREACHABLE, "cannot reach");
    assert_alone("", "promote p --wait --no-wait --timeout 1s", CTL_USAGE,
                 "--timeout");
}

/* Completion.  ----------------------------------------------------------- */

/* What the last word of 'line' may become, where there is no server. */
static void
assert_completed(const char *line, const char *out)
{
    char *command = xasprintf("completion words -- %s", line);
    struct run result;

    run(&result, "unix:/nonexistent/vmnd.sock", "", command);
    assert_string_equal(result.out, out);
    assert_string_equal(result.err, "");
    assert_int_equal(result.status, CTL_DONE);
    run_uninit(&result);
    free(command);
}

static void
words_are_completed_by_the_tables(void **state OVS_UNUSED)
{
    struct run result;

    assert_completed("revisio", "revision\tshow a revision: who, what, and "
                     "which hosts have it\n"
                     "revisions\tshow the log of changes\n");
    assert_completed("get po", "ports\npolicies\n");
    assert_completed("-s unix:/x --token-file=y get po",
                     "ports\npolicies\n");
    assert_completed("explain po", "ports\npolicies\n");
    assert_completed("get ports -o w", "wide\n");
    assert_completed("drops -o w", "");
    assert_completed("drops --output=y", "--output=yaml\n");
    assert_completed("get ports --output w", "wide\n");
    assert_completed("reachability --by g", "group\n");
    assert_completed("apply --dry", "--dry-run\tonly show what would change, "
                     "down to the flows\n");
    assert_completed("get --cas", "");
    assert_completed("apply -f x", ":files\n");
    assert_completed("backup x", ":files\n");
    assert_completed("policy r", "recommend\n");
    assert_completed("completion b", "bash\n");
    assert_completed("no-such-command x", "");
    assert_completed("label ports web-1 x", "");
    assert_completed("get ports web", "");      /* Nobody answers. */

    run(&result, "unix:/nonexistent/vmnd.sock", "", "completion words");
    assert_string_equal(result.out, "");
    assert_int_equal(result.status, CTL_DONE);
    run_uninit(&result);
    assert_alone("", "completion csh", CTL_USAGE, "want bash or zsh");
}

/* Names come from behind the text that is before all that begin so. */
static void
names_are_asked_from_the_server(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/ports?limit=250&after=wea~", NULL, 200,
          "{\"items\": [{\"name\": \"web-1\"}, {\"name\": \"web-2\"},"
          " {\"name\": \"x\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const char *const lines[] = {
        "get port web", "delete ports db-1 web", "quarantine web",
        "quarantine a web", "trace web", "events --port web", "events --port=web",
    };
    static const struct step of_host[] = {
        { "GET /v1/hosts?limit=250&after=g~", NULL, 200,
          "{\"items\": [{\"name\": \"h1\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step of_account[] = {
        { "GET /v1/accounts?limit=250&after=%60~", NULL, 200,
          "{\"items\": [{\"name\": \"ann\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step both[] = {
        { "GET /v1/ports?limit=250&after=wea~", NULL, 200,
          "{\"items\": [{\"name\": \"web-1\"}]}" },
        { "GET /v1/loadbalancers?limit=250&after=wea~", NULL, 200,
          "{\"items\": [{\"name\": \"webs\"}]}" },
        { NULL, NULL, 0, NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        char *command = xasprintf("completion words -- %s", lines[i]);
        const char *p = strchr(lines[i], '=') ? "--port=" : "";
        char *out = xasprintf("%sweb-1\n%sweb-2\n", p, p);

        assert_play(steps, "", command, CTL_DONE, out, "");
        free(out);
        free(command);
    }
    assert_play(both, "", "completion words -- trace a web", CTL_DONE,
                "web-1\nwebs\n", "");
    assert_play(of_host, "", "completion words -- host join-command h",
                CTL_DONE, "h1\n", "");
    assert_play(of_account, "", "completion words -- token t --account a",
                CTL_DONE, "ann\n", "");
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_prints_a_table_over_all_pages),
        cmocka_unit_test(watch_shows_what_becomes_of_objects),
        cmocka_unit_test(events_are_a_line_each),
        cmocka_unit_test(get_stops_at_the_limit),
        cmocka_unit_test(get_one_as_yaml_can_be_applied_again),
        cmocka_unit_test(get_of_several_names_shows_those_that_are_there),
        cmocka_unit_test(wide_shows_all_columns_of_the_schema),
        cmocka_unit_test(hosts_show_how_far_behind_they_are),
        cmocka_unit_test(nothing_from_the_server_drives_the_terminal),
        cmocka_unit_test(every_type_has_columns_and_unique_names),
        cmocka_unit_test(paths_reach_into_objects_and_arrays),
        cmocka_unit_test(apply_sends_all_objects_as_one_transaction),
        cmocka_unit_test(
            apply_takes_the_body_of_the_api_and_a_file_of_the_lab),
        cmocka_unit_test(apply_that_is_not_installed_in_time_exits_with_4),
        cmocka_unit_test(faults_name_the_file_the_object_and_the_field),
        cmocka_unit_test(apply_refuses_files_that_hold_no_objects),
        cmocka_unit_test(apply_reads_a_folder_by_name_and_json_in_rows),
        cmocka_unit_test(delete_names_the_referrers),
        cmocka_unit_test(label_sends_a_merge_patch),
        cmocka_unit_test(quarantine_waits_unless_told_not_to),
        cmocka_unit_test(quarantine_lets_in_what_it_is_told),
        cmocka_unit_test(release_ends_whatever_holds_the_name),
        cmocka_unit_test(promote_has_policies_enforced),
        cmocka_unit_test(identities_are_listed_by_number),
        cmocka_unit_test(explain_knows_all_fields),
        cmocka_unit_test(dry_run_shows_the_plan),
        cmocka_unit_test(policies_are_recommended),
        cmocka_unit_test(dry_run_goes_with_what_makes_sense),
        cmocka_unit_test(
            diff_says_by_its_status_whether_anything_would_change),
        cmocka_unit_test(status_names_problems_and_hosts_that_are_not_synced),
        cmocka_unit_test(apps_say_what_they_are_for),
        cmocka_unit_test(revision_without_an_entry_in_the_log_shows_dashes),
        cmocka_unit_test(top_shows_the_newest_first_and_what_was_computed),
        cmocka_unit_test(flows_come_in_the_order_in_which_packets_meet_them),
        cmocka_unit_test(drops_are_a_table),
        cmocka_unit_test(trace_says_who_has_it_instead),
        cmocka_unit_test(questions_that_are_refused_are_told_from_answers),
        cmocka_unit_test(trace_takes_types_and_codes),
        cmocka_unit_test(formats_are_served_or_refused),
        cmocka_unit_test(reach_by_one_family_says_which),
        cmocka_unit_test(diff_of_flows_shows_both_sides),
        cmocka_unit_test(flows_have_groups_behind_them),
        cmocka_unit_test(help_and_usage),
        cmocka_unit_test(terminals_have_colours_and_progress),
        cmocka_unit_test(changes_can_be_waited_for),
        cmocka_unit_test(words_are_completed_by_the_tables),
        cmocka_unit_test(names_are_asked_from_the_server),
        cmocka_unit_test(a_server_that_is_not_there_exits_with_3),
        cmocka_unit_test(an_answer_that_is_not_json_is_refused),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
