/* SPDX-License-Identifier: Apache-2.0
 *
 * How vmnctl's arguments name objects, and what the user may choose of its
 * output: several types, TYPE/NAME, order, columns, filters; and what it says
 * of misspelled words. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "controller/ctl/field-path.h"
#include "controller/ctl/object-types.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/ctl-fixture.h"
#include "util.h"

#define END { NULL, NULL, 0, NULL }

#define PORT(NAME, HOST, ROLE, IP)                                      \
    "{\"name\": \"" NAME "\", \"spec\": {\"network\": \"shop\","        \
    " \"labels\": {\"role\": \"" ROLE "\", \"a.b/c\": \"x\"}},"         \
    " \"status\": {\"ips\": [\"" IP "\"], \"host\": \"" HOST "\"}}"
#define NETWORK "{\"name\": \"shop\", \"spec\": {}}"
#define GROUP "{\"name\": \"web\", \"spec\": {}}"
#define LIST(ITEMS) "{\"items\": [" ITEMS "]}"

/* Arguments.  ------------------------------------------------------------- */

static void
several_types_are_told_apart(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/networks?limit=250", NULL, 200, LIST(NETWORK) },
        { "GET /v1/tiers?limit=250", NULL, 200, LIST("") },
        { "GET /v1/groups?limit=250", NULL, 200, LIST(GROUP) },
        END,
    };
    struct run result;

    play(&result, steps, "", "get net,tiers,group");
    assert_non_null(strstr(result.out, "NAME            "));
    assert_non_null(strstr(result.out, "\nnetworks/shop   "));
    assert_non_null(strstr(result.out, "\n\nNAME         "));
    assert_non_null(strstr(result.out, "\ngroups/web   "));
    assert_string_equal(result.err, "");
    run_uninit(&result);
    assert_play(steps, "", "get net,tiers,group -o name", CTL_DONE,
                "networks/shop\ngroups/web\n", "");
    play(&result, steps, "", "get net,tiers,group -o yaml");
    assert_non_null(strstr(result.out, "type: networks\nname: shop\n"));
    assert_non_null(strstr(result.out, "---\ntype: groups\nname: web\n"));
    run_uninit(&result);
}

static void
objects_of_several_types_are_named(void **state OVS_UNUSED)
{
    static const struct step get[] = {
        { "GET /v1/networks/shop", NULL, 200, NETWORK },
        { "GET /v1/networks/b", NULL, 404, "{\"detail\": \"no b\"}" },
        { "GET /v1/groups/web", NULL, 200, GROUP },
        END,
    };
    static const struct step delete[] = {
        { "POST /v1/apply", "{\"objects\": ["
          "{\"op\": \"delete\", \"type\": \"networks\", \"name\": \"shop\"},"
          "{\"op\": \"delete\", \"type\": \"groups\", \"name\": \"web\"}]}",
          200, "{\"results\": [{\"outcome\": \"deleted\"},"
          " {\"outcome\": \"deleted\"}]}" },
        END,
    };
    static const struct step label[] = {
        { "PATCH /v1/groups/web", "{\"spec\": {\"labels\": {\"a\": \"b\"}}}",
          200, "{\"outcome\": \"updated\"}" },
        END,
    };

    assert_play(get, "", "get net/shop group/web network/b -o name",
                CTL_REFUSED, "networks/shop\ngroups/web\n",
                "vmnctl: no b (HTTP 404)\n");
    assert_play(delete, "", "delete net/shop group/web", CTL_DONE,
                "networks/shop deleted\ngroups/web deleted\n", "");
    assert_play(label, "", "label grp/web a=b", CTL_DONE,
                "groups/web labelled\n", "");
    assert_alone("", "get net/a b", CTL_USAGE, "must be TYPE/NAME, as the");
    assert_alone("", "get net/ net/a", CTL_USAGE, "not \"net/\"");
    assert_alone("", "get net a/b", CTL_USAGE, "must be a name of the type");
    assert_alone("", "get net,port a", CTL_USAGE, "names go with one type");
    assert_alone("", "get ,", CTL_USAGE, "no type \",\"");
    assert_alone("", "get net,vifs", CTL_USAGE, "no type \"vifs\"");
    assert_alone("", "delete ports", CTL_USAGE, "name the objects");
    assert_alone("", "delete all", CTL_USAGE, "name the objects");
    assert_alone("", "label ports a=b", CTL_USAGE, "name the objects");
    assert_alone("", "describe ports", CTL_USAGE, "name one object");
    assert_alone("", "edit a/b c", CTL_USAGE, "no type \"a/b\"");
    assert_alone("", "edit vif/c", CTL_USAGE, "no type \"vif\"");
}

/* All of them, as far as the account may see them. */
static void
all_is_every_type(void **state OVS_UNUSED)
{
    struct step *steps = xcalloc(64, sizeof *steps);
    const struct schema_table *type;
    size_t n = 0;

    for (; (type = ctl_type_at(n)); n++) {
        steps[n] = (struct step) {
            xasprintf("GET /v1/%s?limit=250", type->plural), NULL,
            type->id == VMN_TABLE_TOKEN ? 403 : 200,
            type->id == VMN_TABLE_GROUP ? LIST(GROUP) : LIST(""),
        };
    }
    assert_play(steps, "", "get all -o name", CTL_DONE, "groups/web\n",
                "vmnctl: not visible to this account: tokens\n");
    for (size_t i = 0; i < n; i++) {
        free(CONST_CAST(char *, steps[i].request));
    }
    free(steps);
}

static void
misspelled_words_are_told(void **state OVS_UNUSED)
{
    assert_alone("", "get prots", CTL_USAGE,
                 "no type \"prots\"; did you mean \"ports\"?");
    assert_alone("", "apply mine.yaml", CTL_USAGE,
                 "apply: files go behind -f: vmnctl apply -f mine.yaml");
    assert_alone("", "diff a.yaml b.yaml", CTL_USAGE,
                 "diff: files go behind -f: vmnctl diff -f a.yaml");
    assert_alone("", "delete netwrok/a", CTL_USAGE,
                 "did you mean \"network\"?");
    assert_alone("", "gte ports", CTL_USAGE,
                 "no command \"gte\"; did you mean \"get\"?");
    assert_alone("", "frobnicate", CTL_USAGE, "vmnctl --help lists them");
    assert_alone("", "get ports --selecter a=b", CTL_USAGE,
                 "no such option for get; did you mean \"--selector\"? (see");
    assert_alone("", "get ports --frob", CTL_USAGE,
                 "--frob: no such option for get (see vmnctl get --help)");
    assert_alone("type: prots\nname: a\nspec: {}\n", "apply -f -", CTL_USAGE,
                 "unknown type \"prots\"; did you mean \"ports\"?");
}

/* What is written in other tools, or almost. */
static void
what_to_type_is_told(void **state OVS_UNUSED)
{
    static const struct {
        const char *line, *said;
    } lines[] = {
        { "show ports web-1", "did you mean \"vmnctl get ports web-1\"?" },
        { "ports", "did you mean \"vmnctl get ports\"?" },
        { "rm port a", "did you mean \"vmnctl delete\"?" },
        { "restart", "vmnd is a service: systemctl restart vmnd" },
        { "GET /v1/port/a", "shown by vmnctl get TYPE NAME" },
        { "hosts h1", "did you mean \"vmnctl get hosts h1\"?" },
        { "logs web1", "did you mean \"vmnctl logs --port web1\"?" },
        { "quarantine role=web", "vmnctl quarantine --selector 'role=web'" },
        { "history web1", "must be TYPE/NAME, such as ports/web1, not" },
        { "trace a b 80", "vmnctl trace a b tcp/80" },
        { "trace a tcp/80 b", "vmnctl trace a b tcp/80" },
    };
    /* Two edits from one that changes something, and one edit. */
    static const struct step none[] = { { NULL, NULL, 0, NULL } };
    struct run result;

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        assert_alone("", lines[i].line, CTL_USAGE, lines[i].said);
    }
    play(&result, none, "", "restar");
    assert_null(strstr(result.err, "restore"));
    run_uninit(&result);
    assert_alone("", "restor", CTL_USAGE, "did you mean \"restore\"?");
}

/* Output.  ---------------------------------------------------------------- */

#define THREE                                                           \
    LIST(PORT("a", "h10", "web", "10.0.0.10") ","                       \
         PORT("b", "h2", "web", "10.0.0.9") ",{\"name\": \"c\"}")

static void
columns_and_order_are_the_users(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/ports?limit=250", NULL, 200, THREE }, END,
    };

    assert_play(steps, "", "get ports --sort-by .status.host --limit 2 -o "
                "custom-columns=VM:.name,IP:{.status.ips[0]},"
                "R:spec.labels.role,L:.spec.labels.a\\.b/c,"
                "ALL:.status.ips[*],T:.type", CTL_DONE,
                "VM   IP          R     L   ALL         T\n"
                "b    10.0.0.9    web   x   10.0.0.9    ports\n"
                "a    10.0.0.10   web   x   10.0.0.10   ports\n", "");
    assert_play(steps, "", "get ports -o custom-columns=VM:.name,"
                "HOST:.status.host --no-headers --sort-by .status.ips",
                CTL_DONE, "b   h2\na   h10\nc   -\n", "");
    assert_play(steps, "", "get ports -o name --sort-by .status.host",
                CTL_DONE, "b\na\nc\n", "");
    assert_alone("", "get ports -o custom-columns=A", CTL_USAGE,
                 "each HEADING:PATH, not \"A\"");
    assert_alone("", "get ports -o custom-columns=", CTL_USAGE,
                 "must be HEADING:PATH");
    assert_alone("", "get ports -o custom-columns=A:.nothing", CTL_USAGE,
                 "a path begins with .name, .type, .metadata");
    assert_alone("", "get ports -o custom-columns=A:.spec.netwrok", CTL_USAGE,
                 "did you mean \"network\"?");
    assert_alone("", "get ports -o jsonpath={.items}", CTL_USAGE, "jq");
    assert_alone("", "get ports --sort-by .spec.network[0]", CTL_USAGE,
                 ".network is no list");
    assert_alone("", "get ports -w --sort-by .name", CTL_USAGE, "--watch");
    assert_alone("", "get net,ports -w", CTL_USAGE, "--watch is for one");
    assert_alone("", "hosts --sort-by .status.flow", CTL_USAGE, "--sort-by");
    /* One of several types has it. */
    assert_alone("", "get net,ports --sort-by .spec.network",
                 CTL_UNREACHABLE, "cannot reach");
}

static void
tables_go_without_headings(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/groups?limit=250", NULL, 200, LIST(GROUP) }, END,
    };
    struct run result;

    play(&result, steps, "", "get groups --no-headers");
    assert_int_equal(strncmp(result.out, "web   ", 6), 0);
    run_uninit(&result);
}

static void
ports_are_selected_by_host_and_network(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/ports?host=h1&network=shop&limit=250", NULL, 200,
          LIST("") },
        END,
    };

    assert_play(steps, "", "get ports --host h1 --network shop", CTL_DONE,
                "", "no ports\n");
    assert_alone("", "get groups --host h1", CTL_USAGE, "for ports alone");
    assert_alone("", "get all --network a", CTL_USAGE, "for ports alone");
    assert_alone("", "get ports a --host h1", CTL_USAGE, "with names");
}

static void
paths_have_one_form(void **state OVS_UNUSED)
{
    static const char *const wrong[] = {
        "", ".", "..", ".a.", "[0]", ".a[", ".a[]", ".a[x]", ".a[0", ".a b",
        "{", "{}", "{.a", ".a[?(@.b)]", ".a[1234567]", ".a[0]b", "$.a",
    };
    struct ctl_field_path path;

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(ctl_field_path_parse(&path, wrong[i], NULL), EINVAL);
        ctl_field_path_uninit(&path);
    }
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_types_are_told_apart),
        cmocka_unit_test(objects_of_several_types_are_named),
        cmocka_unit_test(all_is_every_type),
        cmocka_unit_test(misspelled_words_are_told),
        cmocka_unit_test(what_to_type_is_told),
        cmocka_unit_test(columns_and_order_are_the_users),
        cmocka_unit_test(tables_go_without_headings),
        cmocka_unit_test(ports_are_selected_by_host_and_network),
        cmocka_unit_test(paths_have_one_form),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
