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
#include <string.h>

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

    /* Those that apps declare are asked for first. */
    *steps = (struct step) { xstrdup("GET /v1/types"), NULL, 200, LIST("") };
    for (; (type = ctl_type_at(n)); n++) {
        steps[n + 1] = (struct step) {
            xasprintf("GET /v1/%s?limit=250", type->plural), NULL,
            type->id == VMN_TABLE_TOKEN ? 403 : 200,
            type->id == VMN_TABLE_GROUP ? LIST(GROUP) : LIST(""),
        };
    }
    assert_play(steps, "", "get all -o name", CTL_DONE, "groups/web\n",
                "vmnctl: not visible to this account: tokens\n");
    for (size_t i = 0; i <= n; i++) {
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
        { "rm port a", "did you mean \"vmnctl delete ports a\"?" },
        { "restart", "vmnd is a service: systemctl restart vmnd" },
        { "GET /v1/port/a", "shown by vmnctl get TYPE NAME" },
        { "hosts h1", "did you mean \"vmnctl get hosts h1\"?" },
        { "logs web1", "did you mean \"vmnctl logs --port web1\"?" },
        { "quarantine role=web", "vmnctl quarantine --selector 'role=web'" },
        { "history web1", "must be TYPE/NAME, such as ports/web1, not" },
        { "trace a b 80", "vmnctl trace a b tcp/80" },
        { "trace a tcp/80 b", "vmnctl trace a b tcp/80" },
        { "trace a b tcp 80", "one word: vmnctl trace a b tcp/80" },
        { "trace a b tcp:80", "did you mean \"vmnctl trace a b tcp/80\"?" },
        { "trace a b 80/udp", "did you mean \"vmnctl trace a b udp/80\"?" },
        { "trace a b 80 90", "usage: vmnctl trace" },
        { "trace a b tcp", "must be tcp/PORT" },
        { "reachability 22", "which protocol? vmnctl reachability tcp/22" },
        { "reachability tcp 22", "one word: vmnctl reachability tcp/22" },
        { "reachability 99999", "must be tcp/PORT" },
        { "recommend --for 1m", "\"vmnctl policy recommend --for 1m\"" },
        { "describe web-1", "TYPE/NAME, such as ports/web-1" },
        { "undo last", "undo: must be a revision" },
        { "hosts add h3", "if there is no host h3 yet, create it first (" },
        { "host add h3", "if there is no host h3 yet, create it first "
          "(vmnctl apply -f FILE; vmnctl explain hosts has an example), then "
          "\"vmnctl host join-command h3\"" },
        { "reachability a b", "of two ports: vmnctl trace a b\n" },
        { "reachability a b tcp/80", "vmnctl trace a b tcp/80\n" },
        { "reachability tcp/80 a", "usage: vmnctl reachability" },
        { "top nodes", "top: shows \"traffic\", or without an argument what "
          "vmnd does; not \"nodes\"" },
        { "top --by host", "are for: vmnctl top traffic" },
        { "status h1", "did you mean \"vmnctl describe host h1\"?" },
        { "drain web", "drain: name a balancer and its backends" },
        { "quarantine port/a", "named without their type: a, not" },
        { "patch port a enabled=false", "vmnctl patch TYPE NAME -p '{" },
        { "apply -f x --wait=30s", "--wait: this option takes no value; "
          "--timeout" },
        { "support", "did you mean \"support-bundle\"?" },
        { "token list", "vmnctl get tokens lists" },
        { "help frobnicate", "no command \"frobnicate\"" },
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

/* Commands and words of kubectl, Open vSwitch, OVN, virsh and openstack. */
static void
other_tools_are_translated(void **state OVS_UNUSED)
{
    static const struct {
        const char *line, *said;
    } lines[] = {
        { "get vms", "no type \"vms\"; did you mean \"ports\"?" },
        { "get nodes", "did you mean \"hosts\"?" },
        { "get netpol", "did you mean \"policies\"?" },
        { "get events", "did you mean \"vmnctl events\"?" },
        { "get shop", "an object is named with its type" },
        { "get ports -A", "there are no namespaces" },
        { "get ports -n a", "-n: no such option for get: there are no" },
        { "get ports --show-labels", "labels are in -o wide" },
        { "delete ports --all", "vmnctl delete TYPE $(vmnctl get TYPE -o "
          "name)" },
        { "delete ports -l a=b", "vmnctl get TYPE -l SELECTOR -o name)" },
        { "delete ports -la=b", "-l: no such option for delete: objects" },
        { "delete -f a.yaml", "vmnctl apply -f PATH --prune SET" },
        { "release --all", "vmnctl release $(vmnctl get quarantines -o" },
        { "logs -f", "no such option for logs: --follow" },
        { "logs --tail=5", "--limit N" },
        { "trace --from a --to b", "vmnctl trace FROM TO [SERVICE]" },
        { "--version", "vmnctl version" },
        { "create port web-9", "\"vmnctl apply -f FILE\"? (vmnctl explain "
          "ports has an example)" },
        { "create -f a.yaml", "did you mean \"vmnctl apply -f FILE\"?" },
        { "rollout undo", "did you mean \"vmnctl undo REVISION\"?" },
        { "exec web-1", "vmnctl has networks" },
        { "move web-1 h2", "its port follows: docs/handbook/move-vm.md" },
        { "scale lb web", "its selector follows their labels" },
        { "list-br", "did you mean \"vmnctl get hosts\"?" },
        { "add-port br0 p", "did you mean \"vmnctl apply -f FILE\"?" },
        { "del-port p", "did you mean \"vmnctl delete ports p\"?" },
        { "dump-flows h1", "did you mean \"vmnctl flows h1\"?" },
        { "ls-list", "did you mean \"vmnctl get networks\"?" },
        { "lsp-list shop", "did you mean \"vmnctl get ports\"?" },
        { "acl-add shop", "vmnctl explain policies has an example" },
        { "lr-nat-list r", "did you mean \"vmnctl get floating-ips\"?" },
        { "net-dumpxml a", "did you mean \"vmnctl get networks a\"?" },
        { "net-undefine a", "did you mean \"vmnctl delete networks a\"?" },
        { "network list", "did you mean \"vmnctl get networks\"?" },
        { "port show a -f json", "did you mean \"vmnctl get ports a\"?" },
        { "port set a --disable", "vmnctl patch ports a -p PATCH" },
        { "security group list", "no command \"security group list\"; did "
          "you mean \"vmnctl get policies\"?" },
        { "floating ip delete a", "vmnctl delete floating-ips a" },
        { "subnet create", "vmnctl explain networks has an example" },
        { "list-", "no command \"list-\" (vmnctl --help lists them)" },
        { "-", "no command \"-\" (vmnctl --help lists them)" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        assert_alone("", lines[i].line, CTL_USAGE, lines[i].said);
    }
}

/* Fields, values and forms of other tools, in what is refused. */
static void
other_tools_fields_are_translated(void **state OVS_UNUSED)
{
    static const struct {
        const char *spec, *pointer, *detail, *said;
    } cases[] = {
        { "{\"rules\": [{\"dport\": 80}]}", "/spec/rules/0/dport",
          "unknown field \\\"dport\\\" of a rule", "of a rule; write "
          "services: [{protocol: tcp, ports: [80]}] (HTTP" },
        { "{\"rules\": []}", "/spec/x", "unknown field \\\"x\\\" of a rule",
          "unknown field \"x\" of a rule (HTTP" },
        { "{\"rules\": []}", "/spec/x", "unknown field \\\"x\\\" of a",
          "unknown field \"x\" of a (HTTP" },
        { "{\"rules\": [{\"action\": \"Accept\"}]}", "/spec/rules/0/action",
          "must be one of \\\"allow\\\"", "; did you mean \"allow\"?" },
        { "{\"directions\": [\"in\"]}", "/spec/directions/0",
          "must be one of \\\"ingress\\\"", "; did you mean \"ingress\"?" },
        { "{\"rules\": [{\"action\": 7}]}", "/spec/rules/0/action",
          "must be one of \\\"allow\\\"", "of \"allow\" (HTTP" },
        { "{\"subnets\": [\"10.0.0.0/24\"]}", "/spec/subnets/0",
          "must be an object", "must be an object; write {cidr: "
          "10.0.0.0/24} (HTTP" },
        { "{\"services\": [\"tcp/80\"]}", "/spec/services/0",
          "must be an object", "; write {protocol: tcp, ports: [80]}" },
        { "{\"peers\": [\"10.0.0.0/8\"]}", "/spec/peers/0",
          "must be an object", "; write {cidr: 10.0.0.0/8}" },
        { "{\"peers\": [{}]}", "/spec/peers/9", "must be an object",
          "must be an object (HTTP" },
        { "{\"ports\": 80}", "/spec/ports", "must be a list",
          "must be a list; write ports: [80] (HTTP" },
        { "{\"ports\": {}}", "/spec/ports", "must be a list",
          "must be a list (HTTP" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *in = xasprintf("{\"type\": \"policies\", \"name\": \"p\", "
                             "\"spec\": %s}", cases[i].spec);
        char *reply = xasprintf(
            "{\"errors\": [{\"pointer\": \"/objects/0%s\", \"detail\": "
            "\"%s\"}]}", cases[i].pointer, cases[i].detail);
        char *body = xasprintf("{\"objects\": [%s]}", in);
        const struct step steps[] = {
            { "POST /v1/apply", body, 400, reply }, END,
        };
        struct run result;

        play(&result, steps, in, "apply -f -");
        assert_int_equal(result.status, CTL_REFUSED);
        if (!strstr(result.err, cases[i].said)) {
            print_error("%s", result.err);
            fail();
        }
        run_uninit(&result);
        free(body);
        free(reply);
        free(in);
    }
}

static void
manifests_are_translated(void **state OVS_UNUSED)
{
    assert_alone("{apiVersion: v1, kind: NetworkPolicy, metadata: {name: x}, "
                 "spec: {}}", "apply -f -", CTL_USAGE,
                 "write type: policies, name: x, spec: {...} (vmnctl explain "
                 "policies has an example)");
    assert_alone("{kind: Network, name: n, spec: {}}", "apply -f -",
                 CTL_USAGE, "write type: networks, name: n, spec");
    assert_alone("{kind: Moon, spec: {}}", "apply -f -", CTL_USAGE,
                 "write type: TYPE, name: NAME, spec");
    assert_alone("", "label u-1 role=web", CTL_USAGE,
                 "an object is named with its type: ports u-1, or ports/u-1");
}

static void
help_is_a_command_too(void **state OVS_UNUSED)
{
    struct run result;

    run(&result, "unix:/nowhere", "", "help get");
    assert_int_equal(result.status, CTL_DONE);
    assert_int_equal(strncmp(result.out, "vmnctl get: show objects\n", 25),
                     0);
    run_uninit(&result);
    run(&result, "unix:/nowhere", "", "help");
    assert_non_null(strstr(result.out, "Commands (vmnctl COMMAND"));
    run_uninit(&result);
}

static void
times_are_taken_as_they_are_said(void **state OVS_UNUSED)
{
    static const char *const good[] = {
        "2hours", "1w", "10min", "90sec", "1day", "2026-01-31T12:00",
    };
    static const char *const bad[] = {
        "2parsecs", "h", "1d1h", "99999999w", "ago", "2026-01-31x12:00",
    };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        char *line = xasprintf("revisions --since %s", good[i]);

        assert_alone("", line, CTL_UNREACHABLE, "cannot reach");
        free(line);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *line = xasprintf("revisions --since %s", bad[i]);

        assert_alone("", line, CTL_USAGE, "--since: must be an age such as");
        free(line);
    }
}

static void
references_are_told_what_to_do_about(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "DELETE /v1/ports/b1", NULL, 409, "{\"errors\": [{\"detail\": "
          "\"port \\\"b1\\\" is referenced by loadbalancer \\\"lb\\\"\"}]}" },
        END,
    };
    static const struct step cascade[] = {
        { "DELETE /v1/ports/b1?cascade=true", NULL, 409, "{\"errors\": "
          "[{\"detail\": \"it is not yours\"}]}" },
        END,
    };

    assert_play(steps, "", "delete port b1", CTL_REFUSED, "",
                "vmnctl: port \"b1\" is referenced by loadbalancer \"lb\" "
                "(HTTP 409)\n"
                "  take it out of there first, or give --cascade, which does "
                "that as well, and deletes\n"
                "  what cannot be without it (with --dry-run, only shows "
                "it)\n"
                "  a backend that drains is listed by its balancer: with "
                "--cascade it is not any more\n");
    assert_play(cascade, "", "delete port b1 --cascade", CTL_REFUSED, "",
                "vmnctl: it is not yours (HTTP 409)\n");
}

static void
promotion_of_what_enforces_changes_nothing(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "PATCH /v1/policies/p", "{\"spec\": {\"mode\": \"enforce\"}}", 200,
          "{\"outcome\": \"unchanged\"}" },
        END,
    };

    assert_play(steps, "", "promote p --no-wait", CTL_DONE,
                "policies/p already enforcing; nothing changed\n", "");
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

/* However long: a name that is cut is of no use in the next command. */
static void
names_are_not_cut(void **state OVS_UNUSED)
{
#define LONG_NAME                                                       \
    "a23456789012345678901234567890123456789012345678901234567890123"
    static const struct step steps[] = {
        { "GET /v1/ports?limit=250", NULL, 200, LIST(
            "{\"name\": \"" LONG_NAME "\", \"spec\": {\"network\": \""
            LONG_NAME "\"}, \"status\": {\"ips\": [], \"host\": \"h\"}}") },
        END,
    };
    struct run result;
    const char *name;

    play(&result, steps, "", "get ports");
    name = strstr(result.out, LONG_NAME);
    assert_non_null(name);
    assert_non_null(strstr(name + 1, LONG_NAME));
    run_uninit(&result);
}

/* Rows stay aligned; all of the text is in -o wide.  The last column is not
 * cut. */
static void
long_cells_are_cut(void **state OVS_UNUSED)
{
#define LONG_IPS "\"10.0.0.11\", \"10.0.0.12\", \"10.0.0.13\", "        \
                 "\"10.0.0.14\", \"10.0.0.15\", \"10.0.0.16\", \"10.0.0.17\""
#define LONG_LABEL                                                      \
    "a2345678901234567890123456789012345678901234567890123456789"
    static const struct step steps[] = {
        { "GET /v1/ports?limit=250", NULL, 200, LIST(
            "{\"name\": \"a\", \"spec\": {\"network\": \"n\", \"labels\": "
            "{\"k\": \"" LONG_LABEL "\"}}, \"status\": {\"ips\": [" LONG_IPS
            "], \"host\": \"h1\"}}, {\"name\": \"b\", \"spec\": {\"network\": "
            "\"n\"}, \"status\": {\"ips\": [], \"host\": \"h2\"}}") },
        END,
    };
    static const char *const lines[] = { "get ports", "get ports -o wide" };
    struct run result;

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        const char *second, *h1, *h2;

        play(&result, steps, "", lines[i]);
        second = strstr(result.out, "\nb ");
        h1 = strstr(result.out, "h1");
        assert_non_null(second);
        h2 = strstr(second, "h2");
        assert_non_null(h1);
        assert_non_null(h2);
        assert_int_equal(h1 - strstr(result.out, "\na "), h2 - second);
        assert_non_null(strstr(result.out, "k=" LONG_LABEL));
        assert_int_equal(strstr(result.out, "10.0.0.17") != NULL, i);
        assert_int_equal(strstr(result.out, "...  ") != NULL, !i);
        run_uninit(&result);
    }
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
        cmocka_unit_test(other_tools_are_translated),
        cmocka_unit_test(other_tools_fields_are_translated),
        cmocka_unit_test(manifests_are_translated),
        cmocka_unit_test(help_is_a_command_too),
        cmocka_unit_test(times_are_taken_as_they_are_said),
        cmocka_unit_test(references_are_told_what_to_do_about),
        cmocka_unit_test(promotion_of_what_enforces_changes_nothing),
        cmocka_unit_test(columns_and_order_are_the_users),
        cmocka_unit_test(names_are_not_cut),
        cmocka_unit_test(long_cells_are_cut),
        cmocka_unit_test(tables_go_without_headings),
        cmocka_unit_test(ports_are_selected_by_host_and_network),
        cmocka_unit_test(paths_have_one_form),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
