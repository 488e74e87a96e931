/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's commands about policies and who they hold for, against a server
 * that plays back a script: quarantine, release, promote, identities, check,
 * recommend. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/ctl-fixture.h"
#include "util.h"

static void
quarantine_waits_unless_told_not_to(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "PUT /v1/quarantines/db?wait=installed&timeout=500ms",
          "{\"spec\": {\"ports\": [\"db\"]}}", 201,
          "{\"outcome\": \"created\", \"metadata\": {\"revision\": 9},"
          " \"receipt\": {\"revision\": 9, \"hosts\":"
          " [{\"host\": \"hv1\"}, {\"host\": \"hv2\"}]}}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step several[] = {
        { "POST /v1/apply", "{\"objects\": [{\"type\": \"quarantines\","
          " \"name\": \"a\", \"spec\": {\"ports\": [\"a\"]}},"
          " {\"type\": \"quarantines\", \"name\": \"b\", \"spec\":"
          " {\"ports\": [\"b\"]}}]}", 409, "{\"title\": \"Conflict\"}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "quarantine db --timeout 500ms", CTL_DONE,
                "quarantines/db created\n"
                "revision 9 is installed on 2 hosts\n", "");
    assert_play(several, "", "quarantine a b --no-wait", CTL_REFUSED, "",
                "vmnctl: Conflict (HTTP 409)\n");
}

static void
migrate_changes_one_field(void **state OVS_UNUSED)
{
    static const struct step start[] = {
        { "PATCH /v1/ports/web-1",
          "{\"spec\": {\"migration\": {\"to\": \"hv2\"}}}", 200,
          "{\"outcome\": \"updated\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step over[] = {
        { "GET /v1/ports/web-1", NULL, 200,
          "{\"name\": \"web-1\", \"metadata\": {\"etag\": \"7\"},"
          " \"spec\": {\"host\": \"hv1\", \"migration\": {\"to\":"
          " \"hv2\"}}, \"status\": {\"host\": \"hv2\"}}" },
        { "PATCH /v1/ports/web-1", "{\"spec\": {\"host\": \"hv2\","
          " \"migration\": null}}", 200, "{\"outcome\": \"updated\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step early[] = {
        { "GET /v1/ports/web-1", NULL, 200,
          "{\"name\": \"web-1\", \"spec\": {\"migration\": {\"to\":"
          " \"hv2\"}}, \"status\": {\"host\": \"hv2\", \"candidate\":"
          " \"hv1\"}}" },
        { "PATCH /v1/ports/web-1", "{\"spec\": {\"migration\": null}}", 200,
          "{\"outcome\": \"updated\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step runs[] = {
        { "GET /v1/ports/web-1", NULL, 200,
          "{\"name\": \"web-1\", \"metadata\": {\"etag\": \"7\"},"
          " \"spec\": {\"migration\": {\"to\": \"hv2\"}},"
          " \"status\": {\"host\": \"hv1\"}}" },
        { "PATCH /v1/ports/web-1\nIf-Match: \"7\"\r\n",
          "{\"spec\": {\"migration\": {\"activated\": true}}}", 200,
          "{\"outcome\": \"updated\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step there[] = {
        { "GET /v1/ports/web-1", NULL, 200,
          "{\"name\": \"web-1\", \"spec\": {\"migration\": {\"to\":"
          " \"hv2\"}}, \"status\": {\"host\": \"hv2\"}}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step none[] = {
        { "GET /v1/ports/web-1", NULL, 200,
          "{\"name\": \"web-1\", \"spec\": {}, \"status\": {}}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step missing[] = {
        { "GET /v1/ports/web-1", NULL, 404, "{\"title\": \"Not Found\"}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(start, "", "migrate web-1 hv2", CTL_DONE,
                "ports/web-1 is to migrate to hv2\n", "");
    assert_play(over, "", "migrate web-1 --finish", CTL_DONE,
                "ports/web-1 has migrated\n", "");
    assert_play(early, "", "migrate web-1 --finish", CTL_DONE,
                "ports/web-1 has migrated\n",
                "vmnctl: warning: host hv1 still has the interface of port "
                "web-1: end the VM there\n");
    assert_play(runs, "", "migrate web-1 --activate", CTL_DONE,
                "ports/web-1 runs where it migrates to\n", "");
    assert_play(there, "", "migrate web-1 --cancel", CTL_REFUSED, "",
                "vmnctl: port web-1 is on hv2, and no other host has its "
                "interface: --finish, and migrate it back\n");
    assert_play(none, "", "migrate web-1 --cancel", CTL_DONE,
                "ports/web-1 is not to migrate\n", "");
    assert_play(none, "", "migrate web-1 --activate", CTL_REFUSED, "",
                "vmnctl: port web-1 is not to migrate: vmnctl migrate web-1 "
                "HOST\n");
    assert_play(missing, "", "migrate web-1 --finish", CTL_REFUSED, "",
                "vmnctl: port web-1 not found\n");
    assert_alone("", "migrate web-1", CTL_USAGE, "give a HOST, or one of");
    assert_alone("", "migrate web-1 hv2 --cancel", CTL_USAGE,
                 "give a HOST, or one of");
    assert_alone("", "migrate web-1 --finish --cancel", CTL_USAGE,
                 "give a HOST, or one of");
    assert_alone("", "migrate ports/web-1 hv2", CTL_USAGE,
                 "web-1, not \"ports/web-1\"");
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
        { "GET /v1/ports?selector=role%3DWeb%2C%21env&limit=1", NULL, 200,
          "{\"items\": [{\"name\": \"web-1\"}], \"next\": \"web-1\"}" },
        { "PUT /v1/quarantines/role-web-env",
          "{\"spec\": {\"selector\": \"role=Web,!env\"}}", 201,
          "{\"outcome\": \"created\", \"status\": {\"n_members\": 2,"
          " \"members\": [\"web-1\", \"web-2\"]}}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step named[] = {
        { "GET /v1/ports?selector=&limit=1", NULL, 200,
          "{\"items\": [{\"name\": \"a\"}]}" },
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
                CTL_DONE, "quarantines/role-web-env created\n"
                "cut off: web-1, web-2\n", "");
    assert_play(named, "", "quarantine a b --selector= --name q --allow-group "
                "g --no-wait", CTL_DONE, "quarantines/q created\n", "");
    assert_alone("", "quarantine", CTL_USAGE, "give PORTs, or --selector");
    assert_alone("", "quarantine a -l x", CTL_USAGE, "need a --name");
    assert_alone("", "quarantine a --allow-empty", CTL_USAGE,
                 "--allow-empty is for --selector");
    assert_alone("", "quarantine --selector=!", CTL_USAGE, "needs a --name");
    assert_alone("", "quarantine a --allow \xff", CTL_USAGE, "valid UTF-8");
}

/* Nobody is cut off by a label that is misspelt. */
static void
quarantine_of_nobody_is_an_error(void **state OVS_UNUSED)
{
    static const struct step none[] = {
        { "GET /v1/ports?selector=role%3Dwebb&limit=1", NULL, 200,
          "{\"items\": []}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step allowed[] = {
        { "GET /v1/ports?selector=role%3Dwebb&limit=1", NULL, 200,
          "{\"items\": []}" },
        { "PUT /v1/quarantines/role-webb",
          "{\"spec\": {\"selector\": \"role=webb\"}}", 201,
          "{\"outcome\": \"created\", \"status\": {\"n_members\": 0,"
          " \"members\": []}, \"warnings\": [{\"type\": \"quarantines\","
          " \"name\": \"role-webb\", \"pointer\": \"/spec/selector\","
          " \"text\": \"matches no port\"}, {\"more\": 3}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(none, "", "quarantine --selector role=webb", CTL_REFUSED, "",
                "vmnctl: --selector \"role=webb\" matches no port; with "
                "--allow-empty it is for ports that are created later\n");
    assert_play(allowed, "", "quarantine --selector role=webb --allow-empty "
                "--no-wait", CTL_DONE, "quarantines/role-webb created\n",
                "warning: quarantines/role-webb: /spec/selector: matches no "
                "port\nwarning: 3 more, see vmnctl status\n");
}

/* Names are told up to a number; a plan has no status that tells them. */
static void
quarantine_names_whom_it_cuts_off(void **state OVS_UNUSED)
{
    struct step steps[] = {
        { "GET /v1/ports?selector=a&limit=250", NULL, 200, NULL },
        { "PUT /v1/quarantines/a?dry_run=plan",
          "{\"spec\": {\"selector\": \"a\"}}", 200,
          "{\"changed\": false}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step ports[] = {
        { "POST /v1/apply?dry_run=plan",
          "{\"objects\":[{\"type\":\"quarantines\",\"name\":\"p1\","
          "\"spec\":{\"ports\":[\"p1\"]}},{\"type\":\"quarantines\","
          "\"name\":\"p2\",\"spec\":{\"ports\":[\"p2\"]}}]}", 200,
          "{\"changed\": false}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step both[] = {
        { "GET /v1/ports?selector=a&limit=250", NULL, 200,
          "{\"items\": [{\"name\": \"p2\"}, {\"name\": \"p3\"}]}" },
        { "PUT /v1/quarantines/q?dry_run=plan",
          "{\"spec\": {\"selector\": \"a\", \"ports\": [\"p1\", \"p2\"]}}",
          200, "{\"changed\": false}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step refused[] = {
        { "PUT /v1/quarantines/p1?dry_run=plan",
          "{\"spec\":{\"ports\":[\"p1\"]}}", 400, "{}" },
        { NULL, NULL, 0, NULL },
    };
    json_t *items = json_array();
    json_t *reply = json_pack("{s:o}", "items", items);
    char *text;

    for (int i = 0; i < 22; i++) {
        json_array_append_new(items, json_pack("{s:o}", "name", json_sprintf(
            "p%d", i)));
    }
    text = json_dumps(reply, 0);
    steps[0].answer = text;
    assert_play(steps, "", "quarantine --selector a --dry-run", CTL_DONE,
                "nothing would change\n"
                "would be cut off: p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, "
                "p10, p11, p12, p13, p14, p15, p16, p17, p18, p19 and 2 "
                "more\n", "");
    assert_play(ports, "", "quarantine p1 p2 --dry-run", CTL_DONE,
                "nothing would change\nwould be cut off: p1, p2\n", "");
    assert_play(both, "", "quarantine p1 p2 --selector a --name q --dry-run",
                CTL_DONE, "nothing would change\n"
                "would be cut off: p1, p2, p3\n", "");
    assert_play(refused, "", "quarantine p1 --dry-run", CTL_REFUSED, "",
                "vmnctl: the server refused (HTTP 400)\n");
    free(text);
    json_decref(reply);
}

static void
release_ends_whatever_holds_the_name(void **state OVS_UNUSED)
{
    static const struct step both[] = {
        { "GET /v1/quarantines/q", NULL, 200, "{}" },
        { "GET /v1/ports/q", NULL, 404, "{}" },
        { "GET /v1/quarantines/db", NULL, 404, "{}" },
        { "GET /v1/ports/db", NULL, 200,
          "{\"spec\": {\"quarantined\": true}}" },
        { "POST /v1/apply", "{\"objects\": [{\"op\": \"delete\","
          " \"type\": \"quarantines\", \"name\": \"q\"}, {\"op\":"
          " \"patch\", \"type\": \"ports\", \"name\": \"db\", \"spec\":"
          " {\"quarantined\": false}}]}", 200,
          "{\"results\": [{\"outcome\": \"deleted\"},"
          " {\"outcome\": \"updated\"}]}" },
        { "GET /v1/ports/q", NULL, 404, "{}" },
        { "GET /v1/ports/db", NULL, 200, "{\"spec\": {}, \"status\":"
          " {\"quarantined\": true, \"quarantines\": [\"jail\"]}}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step neither[] = {
        { "GET /v1/quarantines/q", NULL, 200, "{}" },
        { "GET /v1/ports/q", NULL, 404, "{}" },
        { "GET /v1/quarantines/web", NULL, 404, "{}" },
        { "GET /v1/ports/web", NULL, 200, "{\"spec\": {\"quarantined\":"
          " false}, \"status\": {\"quarantines\": [\"a\", \"b\"]}}" },
        { "GET /v1/quarantines/x", NULL, 404, "{}" },
        { "GET /v1/ports/x", NULL, 404, "{}" },
        { "GET /v1/quarantines/free", NULL, 404, "{}" },
        { "GET /v1/ports/free", NULL, 200, "{\"spec\": {}}" },
        { "GET /v1/quarantines/far", NULL, 404, "{}" },
        { "GET /v1/ports/far", NULL, 200, "{\"spec\": {}, \"status\":"
          " {\"quarantined\": true}}" },
        { "GET /v1/quarantines/sub", NULL, 404, "{}" },
        { "GET /v1/ports/sub", NULL, 200, "{\"spec\": {\"parent\":"
          " \"web\"}, \"status\": {\"quarantined\": true}}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(both, "", "release q db --no-wait", CTL_DONE,
                "quarantines/q deleted\nports/db released\n",
                "vmnctl: warning: still quarantined; port db is held by "
                "jail\n");
    assert_play(neither, "", "release q web x free far sub --no-wait",
                CTL_REFUSED, "",
                "vmnctl: no quarantine \"web\"; port web is held by a,b\n"
                "vmnctl: no quarantine \"x\"\n"
                "vmnctl: no quarantine \"free\", and port free is in none\n"
                "vmnctl: no quarantine \"far\"; port far is in a quarantine "
                "that is not within this account's scope\n"
                "vmnctl: no quarantine \"sub\"; port sub is quarantined as "
                "its parent, port web, is, or by what is not within this "
                "account's scope\n");
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

    static const struct step refused[] = {
        { "GET /v1/recommendations?network=shop&mode=shadow", NULL, 403,
          "{\"detail\": \"requires an account without a scope\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step unobserved[] = {
        { "GET /v1/recommendations?network=shop&mode=shadow", NULL, 409,
          "{\"detail\": \"it is not observed\"}" },
        { "GET /v1/observations/shop", NULL, 404, "{}" },
        { "PUT /v1/observations/shop?wait=installed",
          "{\"spec\": {\"minutes\": 66}}", 404, "{\"detail\": \"no\"}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(answered, "", "policy recommend --network shop --labels "
                "app,tier --exact --enforce", CTL_DONE,
                "# Network shop since now: 2 connections, 1 rule.\n"
                "# Host h2 is missing: gone.\n"
                "# No connections to 1 ports were seen, so no policy is about "
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
    /* Nothing is observed for an answer that would be refused. */
    assert_play(refused, "", "policy recommend --network shop --for 1h",
                CTL_REFUSED, "", "vmnctl: requires an account without a "
                "scope (HTTP 403)\n");
    assert_play(unobserved, "", "policy recommend --network shop --for 1h",
                CTL_REFUSED, "", "vmnctl: no (HTTP 404)\n");
    assert_alone("", "policy recommend", CTL_USAGE, "give --network");
    assert_alone("", "policy propose --network a", CTL_USAGE,
                 "must be recommend, not \"propose\"");
    assert_alone("", "policy recommend --network a --for 25h", CTL_USAGE,
                 "must be at most 24h, not \"25h\"");
    assert_alone("", "policy recommend --network a --for 86401s", CTL_USAGE,
                 "must be at most 24h, not \"86401s\"");
    assert_alone("", "policy recommend --network a --for "
                 "99999999999999999999s", CTL_USAGE, "must be at most 24h");
    assert_alone("", "policy recommend --network a --for 0000000s", CTL_USAGE,
                 "must be a time such as 90s, 10m or 8h, not \"0000000s\"");
    assert_alone("", "policy recommend --network a -o table", CTL_USAGE,
                 "json or yaml here");
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quarantine_waits_unless_told_not_to),
        cmocka_unit_test(migrate_changes_one_field),
        cmocka_unit_test(quarantine_lets_in_what_it_is_told),
        cmocka_unit_test(quarantine_of_nobody_is_an_error),
        cmocka_unit_test(quarantine_names_whom_it_cuts_off),
        cmocka_unit_test(release_ends_whatever_holds_the_name),
        cmocka_unit_test(promote_has_policies_enforced),
        cmocka_unit_test(identities_are_listed_by_number),
        cmocka_unit_test(policies_are_recommended),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
