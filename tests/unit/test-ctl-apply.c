/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's commands that change objects as files and arguments say, against a
 * server that plays back a script: apply, delete, label, dry runs, diff,
 * waiting. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/ctl-fixture.h"
#include "util.h"

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
        { "GET /v1/routers?limit=250", NULL, 200, "{\"items\": [{\"name\":"
          " \"r\", \"metadata\": {\"set\": \"bank\"}}]}" },
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

/* What is reported is the receipt's revision, and that it concerns nobody is
 * said so. */
static void
apply_says_which_revision_and_that_it_concerns_no_host(
    void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "POST /v1/apply?wait=installed&timeout=10000ms", TWO_OBJECTS_BODY,
          200, "{\"revision\": 7, \"results\": [], \"receipt\":"
          " {\"revision\": 8, \"installed\": true, \"hosts\": []}}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, two_objects, "apply -f - --wait", CTL_DONE,
                "revision 8 concerns no host's flows\n", "");
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
                 "object 1: must be a mapping");
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
        { "just text", "must be a mapping" },
        { "[1]", "must be a mapping" },
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
apply_skips_byte_order_marks(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "POST /v1/apply", "{\"objects\": ["
          "{\"type\": \"groups\", \"name\": \"a\", \"spec\": {}},"
          "{\"type\": \"groups\", \"name\": \"b\", \"spec\": {}},"
          "{\"type\": \"groups\", \"name\": \"c\", \"spec\": {}},"
          "{\"type\": \"groups\", \"name\": \"d\", \"spec\": {}}]}",
          200, "{\"results\": []}" },
        { NULL, NULL, 0, NULL },
    };
    char dir[] = "/tmp/vmnctl-test-XXXXXX";
    char *line, *path;

    assert_non_null(mkdtemp(dir));
    write_file(dir, "1.yaml", "\xef\xbb\xbf" "type: grp\nname: a\n"
               "spec: {}\n");
    write_file(dir, "2.yaml", "\xef\xbb\xbf" "{\"type\": \"group\","
               " \"name\": \"b\", \"spec\": {}}\n");
    write_file(dir, "3.json", "\xef\xbb\xbf" "{\"type\": \"group\","
               " \"name\": \"c\", \"spec\": {}}\n\xef\xbb\xbf"
               "{\"type\": \"group\", \"name\": \"d\", \"spec\": {}}\n");
    line = xasprintf("apply -f %s", dir);
    assert_play(steps, "", line, CTL_DONE, "", "");
    free(line);
    path = xasprintf("rm -r %s", dir);
    assert_int_equal(system(path), 0);
    free(path);
    assert_alone("\xff\xfe" "a", "apply -f -", CTL_USAGE,
                 "holds UTF-16: save it as UTF-8");
}

static void
delete_names_the_referrers(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "DELETE /v1/networks/shop", NULL, 409,
          "{\"status\": 409, \"detail\": \"x\","
          " \"errors\": [{\"pointer\": \"\", \"detail\": \"ports/web-1"
          " refers to it\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step cascade[] = {
        { "DELETE /v1/networks/shop?cascade=true&dry_run=plan", NULL, 200,
          "{\"changed\": true, \"restarts\": [\"data\"]}" },
        { "DELETE /v1/networks/shop?cascade=true", NULL, 200,
          "{\"also_changed\": [{\"op\": \"update\", \"type\": \"groups\","
          " \"name\": \"web\"}, {\"op\": \"delete\", \"type\": \"ports\","
          " \"name\": \"web-1\"}, {\"more\": 7}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "delete network shop", CTL_REFUSED, "",
                "vmnctl: ports/web-1 refers to it (HTTP 409)\n");
    assert_play(cascade, "", "delete network shop --cascade", CTL_DONE,
                "networks/shop deleted\ngroups/web updated\n"
                "ports/web-1 deleted\nand 7 more\n"
                "open connections start over in: data\n", "");
}

static void
several_are_one_transaction(void **state OVS_UNUSED)
{
#define PORT_OP(OP, NAME)                                               \
    "{\"op\": \"" OP "\", \"type\": \"ports\", \"name\": \"" NAME "\""
    static const struct step refused[] = {
        { "POST /v1/apply", "{\"objects\": [" PORT_OP("delete", "a") "}, "
          PORT_OP("delete", "b") "}]}", 404,
          "{\"errors\": [{\"pointer\": \"/objects/1\", \"detail\":"
          " \"port \\\"b\\\" does not exist\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step cascade[] = {
        { "POST /v1/apply?dry_run=plan", "{\"objects\": ["
          PORT_OP("delete", "a") ", \"cascade\": true}, "
          PORT_OP("delete", "b") ", \"cascade\": true}]}", 200,
          "{\"changed\": false}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step label[] = {
        { "POST /v1/apply?wait=installed&timeout=1000ms", "{\"objects\": ["
          PORT_OP("patch", "a") ", \"spec\": {\"labels\": {\"x\": \"y\"}}}, "
          PORT_OP("patch", "b") ", \"spec\": {\"labels\": {\"x\": \"y\"}}}"
          "]}", 200, "{\"results\": [{\"outcome\": \"unchanged\"},"
          " {\"outcome\": \"updated\", \"fields\": [{\"path\":"
          " \"/spec/labels/x\", \"after\": \"y\"}]}], \"revision\": 4,"
          " \"receipt\": {\"hosts\": [{\"host\": \"h\"}]}}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(refused, "", "delete port a b", CTL_REFUSED, "",
                "vmnctl: ports/b: port \"b\" does not exist (HTTP 404)\n");
    assert_play(cascade, "", "delete port a b --cascade --dry-run", CTL_DONE,
                "nothing would change\n", "");
    assert_play(label, "", "label port a b x=y --wait --timeout 1s", CTL_DONE,
                "ports/a unchanged\nports/b labelled\n"
                "  labels.x: (none) -> y\n"
                "revision 4 is installed on 1 host\n", "");
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

/* Plans.  ---------------------------------------------------------------- */

#define PLAN                                                            \
    "{\"changed\": true, \"revision\": 7, \"objects\": ["               \
    " {\"type\": \"ports\", \"name\": \"a\", \"op\": \"created\"},"     \
    " {\"type\": \"networks\", \"name\": \"n\", \"op\": \"unchanged\"}]," \
    " \"flows\": {\"hosts\": [{\"host\": \"hv1\", \"added\": 3,"       \
    " \"changed\": 1, \"removed\": 0, \"total\": 98},"               \
    " {\"host\": \"hv2\", \"added\": 40000, \"changed\": 0,"          \
    " \"removed\": 0, \"total\": 40098, \"bundles\": 3}],"           \
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
    "each flow counted once, on however many hosts it is; by host:\n" \
    "\n"                                                \
    "HOST   ADDED   CHANGED   REMOVED   TOTAL\n"        \
    "hv1    3       1         0         98\n"           \
    "hv2    40000   0         0         40098\n"        \
    "would be sent in parts, one after the other, to: hv2 (3)\n" \
    "open connections would start over in: m, n\n"     \
    "\n"                                                \
    "PROBLEM   UNITS         DETAIL   PACKET\n"         \
    "overlap   x.u/a,y.u/b   both     tcp,tp_dst=80\n"
#define NO_PLAN "{\"changed\": false, \"objects\": [], \"problems\": []}"

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
                "nothing would change\n"
                "would be cut off: a\n", "");
    assert_play(label, "", "label port a x=y --dry-run -o yaml", CTL_DONE,
                "changed: false\nobjects: []\nproblems: []\n", "");
}

#define FIELDS                                                          \
    "\"fields\": [{\"path\": \"/spec/mode\", \"before\": \"enforce\","      \
    " \"after\": \"shadow\"}, {\"path\": \"/spec/rules/0/log\","          \
    " \"after\": true}, {\"path\": \"/spec/labels/a~1b\", \"before\": \"\"}," \
    " {\"path\": \"/spec/ips\", \"before\": [\"10.0.0.4\"], \"after\":"   \
    " [\"10.1.0.7\", \"10.1.0.8\"]}, {\"path\": \"/spec/ports\","         \
    " \"added\": [\"x\"], \"removed\": [\"y\", \"z\"]},"                  \
    " {\"path\": \"/spec/sha256\", \"left_out\": \"secret\"}],"           \
    " \"more_fields\": 2"
#define OBJECT "{\"type\": \"groups\", \"name\": \"a\", \"spec\": {}}"
#define OBJECTS "{\"objects\": [" OBJECT "]}"
#define FIELDS_SHOWN                            \
    "  mode: enforce -> shadow\n"               \
    "  rules[0].log: (none) -> true\n"          \
    "  labels.a/b: \"\" -> (none)\n"            \
    "  ips: 10.0.0.4 -> 10.1.0.7, 10.1.0.8\n"   \
    "  ports: +x -y -z\n"                       \
    "  sha256: differs (secret)\n"              \
    "  and 2 more fields\n"

static void
fields_that_differ_are_shown(void **state OVS_UNUSED)
{
    static const struct step plan[] = {
        { "POST /v1/apply?dry_run=plan", OBJECTS, 200,
          "{\"changed\": true, \"objects\": [{\"type\": \"policies\","
          " \"name\": \"p\", \"op\": \"updated\", " FIELDS "}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step done[] = {
        { "POST /v1/apply", OBJECTS, 200,
          "{\"results\": [{\"type\": \"policies\", \"name\": \"p\","
          " \"outcome\": \"updated\", " FIELDS "}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step patch[] = {
        { "PATCH /v1/policies/p",
          "{\"spec\": {\"labels\": {\"x\": \"y\"}}}", 200,
          "{\"outcome\": \"updated\", " FIELDS "}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(plan, OBJECT, "apply -f - --dry-run", CTL_DONE,
                "CHANGE    TYPE       NAME\nupdated   policies   p\n"
                "\npolicies/p\n" FIELDS_SHOWN "no flow would change\n", "");
    assert_play(done, OBJECT, "apply -f -", CTL_DONE,
                "policies/p updated\n" FIELDS_SHOWN, "");
    assert_play(patch, "", "label policy p x=y", CTL_DONE,
                "policies/p labelled\n" FIELDS_SHOWN, "");
}

#define UNDO_PLAN                                                       \
    "{\"changed\": true, \"objects\": [{\"type\": \"ports\","             \
    " \"name\": \"a\", \"op\": \"created\"}]}"
#define LOG_ENTRY                                                       \
    "{\"revision\": 7, \"time\": \"T\", \"who\": \"me\", \"changes\": ["   \
    "{\"op\": \"delete\", \"type\": \"ports\", \"name\": \"a\"}]"

static void
undo_shows_the_plan_first(void **state OVS_UNUSED)
{
    static const struct step revision[] = {
        { "POST /v1/revisions/7/undo?dry_run=plan", NULL, 200, UNDO_PLAN },
        { "POST /v1/revisions/7/undo", NULL, 200,
          "{\"results\": [{\"type\": \"ports\", \"name\": \"a\","
          " \"outcome\": \"created\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step object[] = {
        { "GET /v1/revisions?type=ports&name=a&limit=1", NULL, 200,
          "{\"items\": [], \"next\": \"9\"}" },
        /* That is no change of its own. */
        { "GET /v1/revisions?type=ports&name=a&limit=1&before=9", NULL, 200,
          "{\"items\": [{\"revision\": 8, \"changes\": [{\"op\": \"release\","
          " \"type\": \"ports\", \"name\": \"a\", \"by\":"
          " \"quarantines/q\"}]}], \"next\": \"8\"}" },
        { "GET /v1/revisions?type=ports&name=a&limit=1&before=8", NULL, 200,
          "{\"items\": [" LOG_ENTRY "}]}" },
        { "POST /v1/revisions/7/undo?type=ports&name=a&force=true&"
          "dry_run=plan", NULL, 200, UNDO_PLAN },
        { NULL, NULL, 0, NULL },
    };
    static const struct step refused[] = {
        { "POST /v1/revisions/7/undo?dry_run=plan", NULL, 409,
          "{\"detail\": \"changed again\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const char plan[] = "CHANGE    TYPE    NAME\ncreated   ports   a\n"
                               "no flow would change; a port gets its flows "
                               "when its interface is found\n";
    char *both = xasprintf("%s\nports/a created\n", plan);

    assert_play(revision, "", "undo 7", CTL_DONE, both, "");
    assert_play(object, "", "undo port/a --force --dry-run", CTL_DONE, plan,
                "");
    assert_play(refused, "", "undo 7", CTL_REFUSED, "",
                "vmnctl: changed again (HTTP 409)\n");
    assert_alone("", "undo a", CTL_USAGE, "or TYPE/NAME, such as ports/a");
    assert_alone("", "undo ports/", CTL_USAGE, "must be TYPE/NAME");
    assert_alone("", "revisions --since lately", CTL_USAGE,
                 "--since: must be an age such as 30m, 2h or 1d");
    assert_alone("", "revisions --since 99999999d", CTL_USAGE, "--since: ");
    assert_alone("", "revisions --since 2h", CTL_UNREACHABLE, "");
    free(both);
}

#define NO_MOVES(LIMIT)                                                 \
    { "GET /v1/revisions?type=bindings&name=a&limit=" LIMIT, NULL, 200, \
      "{\"items\": []}" }

static void
history_shows_what_became_of_an_object(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/revisions?type=ports&name=a&contents=true&limit=2", NULL,
          200, "{\"items\": [" LOG_ENTRY ", \"contents\": [{\"type\":"
          " \"ports\", \"name\": \"a\", " FIELDS "}]}], \"next\": \"7\"}" },
        { "GET /v1/revisions?type=ports&name=a&contents=true&limit=1"
          "&before=7", NULL, 200, "{\"items\": []}" },
        NO_MOVES("2"),
        { NULL, NULL, 0, NULL },
    };
    static const struct step raw[] = {
        { "GET /v1/revisions?type=ports&name=a&contents=true&limit=20", NULL,
          200, "{\"items\": [{\"revision\": 7}, {\"revision\": 9}]}" },
        NO_MOVES("20"),
        { NULL, NULL, 0, NULL },
    };
    static const struct step none[] = {
        { "GET /v1/revisions?type=ports&name=a&contents=true&limit=20", NULL,
          200,
          "{\"items\": []}" },
        NO_MOVES("20"),
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "history ports/a --limit 2", CTL_DONE,
                "7  T  me  delete\n" FIELDS_SHOWN, "");
    assert_play(raw, "", "history ports/a -o yaml", CTL_DONE,
                "items:\n- revision: 7\n- revision: 9\n", "");
    assert_play(none, "", "history ports/a", CTL_DONE,
                "the log has no change of ports/a\n", "");
}

/* Accounts with a scope are told that they are shown no more, always. */
static void
history_says_that_changes_of_others_are_not_shown(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/revisions?type=groups&name=a&contents=true&limit=20", NULL,
          200, "{\"items\": [], \"own_only\": true}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step list[] = {
        { "GET /v1/revisions?limit=20", NULL, 200,
          "{\"items\": [], \"own_only\": true}" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    assert_play(steps, "", "history groups/a", CTL_DONE,
                "the log has no change of groups/a by this account\n"
                "(changes that this account has not made are not shown)\n",
                "");
    play(&result, list, "", "revisions");
    assert_non_null(strstr(result.out, "(changes that this account has not "
                                       "made are not shown)\n"));
    run_uninit(&result);
}

static void
revision_shows_what_became_of_its_objects(void **state OVS_UNUSED)
{
    static const struct step diff[] = {
        { "GET /v1/revisions/7?contents=true", NULL, 200,
          LOG_ENTRY ", \"receipt\": null, \"left_out\": 2, \"contents\": ["
          "{\"type\": \"ports\", \"name\": \"a\", " FIELDS "}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(diff, "", "revision 7 --diff", CTL_DONE,
                "Revision:    7\nTime:        T\nWho:         me\n\n"
                "CHANGE   TYPE    NAME\ndelete   ports   a\n"
                "\nports/a\n" FIELDS_SHOWN
                "\nof 2 objects nothing is kept\n", "");
    assert_play(diff, "", "revision 7", CTL_DONE,
                "Revision:    7\nTime:        T\nWho:         me\n\n"
                "CHANGE   TYPE    NAME\ndelete   ports   a\n"
                "\nports/a\n" FIELDS_SHOWN, "");
}

static void
revisions_are_filtered_and_cut(void **state OVS_UNUSED)
{
    static const struct step filtered[] = {
        { "GET /v1/revisions?limit=2&type=ports&name=a&who=me"
          "&since=2027-01-31T12%3A00%3A00Z", NULL,
          200, "{\"items\": [" LOG_ENTRY "}], \"next\": \"5\"}" },
        { "GET /v1/revisions?limit=1&type=ports&name=a&who=me"
          "&since=2027-01-31T12%3A00%3A00Z&before=5", NULL, 200,
          "{\"items\": []}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step older[] = {
        { "GET /v1/revisions?limit=20", NULL, 200,
          "{\"items\": ["
#define FIVE "{\"revision\": 8}, {\"revision\": 8}, {\"revision\": 8}," \
             "{\"revision\": 8}, {\"revision\": 8}"
          FIVE "," FIVE "," FIVE "," FIVE "], \"next\": \"8\"}" },
        { NULL, NULL, 0, NULL },
    };
    /* What was asked for comes first, and all are counted. */
    static const struct step several[] = {
        { "GET /v1/revisions?limit=20&type=policies", NULL, 200,
          "{\"items\": [{\"revision\": 9, \"changes\": ["
          "{\"op\": \"create\", \"type\": \"ports\", \"name\": \"a\"},"
          "{\"op\": \"create\", \"type\": \"ports\", \"name\": \"b\"},"
          "{\"op\": \"create\", \"type\": \"ports\", \"name\": \"c\"},"
          "{\"op\": \"update\", \"type\": \"policies\", \"name\":"
          " \"p\"}, {\"more\": 20}]}]}" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, several, "", "revisions --type policies");
    assert_non_null(strstr(result.out,
                           "update policies/p, create ports/a and 22 more"));
    run_uninit(&result);

    play(&result, filtered, "", "revisions --limit 2 --type port --name a "
         "--who me --since 2027-01-31T12:00:00Z");
    assert_int_equal(result.status, CTL_DONE);
    assert_non_null(strstr(result.out, "delete ports/a"));
    run_uninit(&result);
    play(&result, older, "", "revisions");
    assert_non_null(strstr(result.out, "Only the newest 20 are shown"));
    run_uninit(&result);
}

static void
authors_that_are_root_are_shown_so(void **state OVS_UNUSED)
{
    static const struct step one_of_root[] = {
        { "GET /v1/revisions/8?contents=true", NULL, 200,
          "{\"revision\": 8, \"who\": \"unix:uid=0\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step list_of_root[] = {
        { "GET /v1/revisions?limit=20", NULL, 200,
          "{\"items\": [{\"revision\": 8, \"who\": \"unix:uid=0\"},"
          " {\"revision\": 9, \"who\": \"account:anna/laptop\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, one_of_root, "", "revision 8");
    assert_non_null(strstr(result.out, "Who:         unix:uid=0 (root)\n"));
    run_uninit(&result);
    play(&result, list_of_root, "", "revisions");
    assert_null(strstr(result.out, "Only the newest"));
    assert_non_null(strstr(result.out, "unix:uid=0 (root)   "));
    assert_non_null(strstr(result.out, "account:anna/laptop   "));
    run_uninit(&result);
    /* For programs it is as the log has it. */
    play(&result, list_of_root, "", "revisions -o json");
    assert_null(strstr(result.out, "(root)"));
    run_uninit(&result);
}

/* What the plan says of open connections, apply says, too. */
static void
apply_tells_where_connections_start_over(void **state OVS_UNUSED)
{
#define ROUTER "{\"objects\": [{\"type\": \"routers\", \"name\": \"r\"," \
               " \"spec\": {}}]}"
    static const struct step router[] = {
        { "POST /v1/apply?dry_run=plan", ROUTER, 200,
          "{\"kind\": \"plan\", \"restarts\": [\"m\", \"n\"]}" },
        { "POST /v1/apply", ROUTER, 200,
          "{\"results\": [{\"type\": \"routers\", \"name\": \"r\","
          " \"outcome\": \"created\"}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step refused[] = {
        { "POST /v1/apply?dry_run=plan", ROUTER, 409,
          "{\"detail\": \"no\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step of_set[] = {
        { "GET /v1/routers?limit=250", NULL, 200, "{\"items\": [{\"name\":"
          " \"r\", \"metadata\": {\"set\": \"s\"}}]}" },
        { "POST /v1/apply?prune=s&dry_run=plan", "{\"objects\": []}", 200,
          "{\"kind\": \"plan\", \"restarts\": [\"m\"]}" },
        { "POST /v1/apply?prune=s", "{\"objects\": []}", 200,
          "{\"results\": [], \"also_changed\": [{\"op\": \"delete\","
          " \"type\": \"routers\", \"name\": \"r\"}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(router, "type: routers\nname: r\nspec: {}\n", "apply -f -",
                CTL_DONE, "routers/r created\n"
                "open connections start over in: m, n\n", "");
    assert_play(refused, "type: routers\nname: r\nspec: {}\n", "apply -f -",
                CTL_REFUSED, "", "vmnctl: no (HTTP 409)\n");
    assert_play(of_set, "[]", "apply -f - --prune s", CTL_DONE,
                "routers/r deleted\n"
                "open connections start over in: m\n", "");
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

/* All that change something can be waited for. */
static void
changes_can_be_waited_for(void **state OVS_UNUSED)
{
    static const char *const names[] = {
        "apply", "edit", "delete", "label", "quarantine", "release",
        "promote", "migrate",
    };
    size_t n = 0;

    for (const struct ctl_command *c = ctl_commands; c->name; c++) {
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
            if (!strcmp(c->name, names[i])) {
                assert_true(c->options & (CTL_OPT_WAIT | CTL_OPT_WAITS));
                n++;
            }
        }
        /* What can be planned is a change; a restore is one while vmnd does
         * not run. */
        if (c->options & CTL_OPT_DRY_RUN && !(c->options & CTL_OPT_RESTORE)) {
            assert_true(c->options & (CTL_OPT_WAIT | CTL_OPT_WAITS));
        }
    }
    assert_int_equal(n, ARRAY_SIZE(names));
    assert_alone("", "promote p --wait", CTL_UNREACHABLE, "cannot reach");
    assert_alone("", "promote p --wait --no-wait --timeout 1s", CTL_USAGE,
                 "--timeout");
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apply_sends_all_objects_as_one_transaction),
        cmocka_unit_test(
            apply_says_which_revision_and_that_it_concerns_no_host),
        cmocka_unit_test(
            apply_takes_the_body_of_the_api_and_a_file_of_the_lab),
        cmocka_unit_test(apply_that_is_not_installed_in_time_exits_with_4),
        cmocka_unit_test(faults_name_the_file_the_object_and_the_field),
        cmocka_unit_test(apply_refuses_files_that_hold_no_objects),
        cmocka_unit_test(apply_reads_a_folder_by_name_and_json_in_rows),
        cmocka_unit_test(apply_skips_byte_order_marks),
        cmocka_unit_test(delete_names_the_referrers),
        cmocka_unit_test(several_are_one_transaction),
        cmocka_unit_test(label_sends_a_merge_patch),
        cmocka_unit_test(dry_run_shows_the_plan),
        cmocka_unit_test(fields_that_differ_are_shown),
        cmocka_unit_test(undo_shows_the_plan_first),
        cmocka_unit_test(history_shows_what_became_of_an_object),
        cmocka_unit_test(history_says_that_changes_of_others_are_not_shown),
        cmocka_unit_test(revision_shows_what_became_of_its_objects),
        cmocka_unit_test(revisions_are_filtered_and_cut),
        cmocka_unit_test(authors_that_are_root_are_shown_so),
        cmocka_unit_test(apply_tells_where_connections_start_over),
        cmocka_unit_test(dry_run_goes_with_what_makes_sense),
        cmocka_unit_test(
            diff_says_by_its_status_whether_anything_would_change),
        cmocka_unit_test(changes_can_be_waited_for),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
