/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's commands that follow packets, against a server that plays back a
 * script: trace, reachability; and advice by what packets were counted. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/ctl/simulator-request.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/ctl-fixture.h"
#include "util.h"

static void
trace_names_who_isolates(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "POST /v1/trace", "{\"from\": \"a\", \"to\": \"c\","
          " \"reply\": false, \"protocol\": \"tcp\", \"port\": 80}", 200,
          "{\"verdict\": \"dropped\", \"outcomes\": [{\"share\": 1,"
          " \"verdict\": \"dropped\", \"packet\": \"request\","
          " \"at\": {\"kind\": \"dropped\", \"host\": \"h2\","
          " \"stage\": \"s.t\", \"reason\": \"isolated\","
          " \"owner\": \"a.b/c\", \"direction\": \"ingress\","
          " \"isolated_by\": [\"db-in\", \"web\"]}, \"legs\": []}],"
          " \"complete\": true}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "trace a c tcp/80", CTL_DIFFERS,
                "request dropped on h2: isolated\nby a.b/c in s.t\n"
                "isolated in ingress, by db-in, web\n", "");
}

/* As the JSON has it: who is why, or nothing if there are several. */
static void
row_of_a_drop_names_its_cause(void **state OVS_UNUSED)
{
    static const struct {
        const char *reason, *object, *shown;
    } cases[] = {
        { "isolated", "{\"type\": \"policies\", \"name\": \"db-in\"}",
          "h2     policies/db-in   drop: isolated\n" },
        { "isolated", "null", "h2     -    drop: isolated\n" },
        { "quarantined",
          "{\"type\": \"quarantines\", \"name\": \"x\"}",
          "h2     quarantines/x   drop: quarantined\n" },
        { "loop", "{\"type\": \"routers\", \"name\": \"r\"}",
          "h2     routers/r   drop: loop\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *place = xasprintf("\"host\": \"h2\", \"stage\": \"s.t\","
                                " \"table\": 9, \"reason\": \"%s\"",
                                cases[i].reason);
        char *body = xasprintf(
            "{\"verdict\": \"dropped\", \"outcomes\": [{\"verdict\":"
            " \"dropped\", \"packet\": \"request\", \"at\": {\"kind\":"
            " \"dropped\", %s}, \"legs\": [{\"kind\": \"request\","
            " \"steps\": [{\"kind\": \"lookup\", %s, \"object\": %s}],"
            " \"ends\": [{\"kind\": \"dropped\", %s}]}]}],"
            " \"complete\": true}", place, place, cases[i].object, place);
        const struct step steps[] = {
            { "POST /v1/trace", "{\"from\": \"a\", \"to\": \"c\","
              " \"reply\": false, \"protocol\": \"tcp\", \"port\": 80}",
              200, body },
            { NULL, NULL, 0, NULL },
        };
        struct run result;

        play(&result, steps, "", "trace a c tcp/80");
        assert_non_null(strstr(result.out, cases[i].shown));
        run_uninit(&result);
        free(body);
        free(place);
    }
}

/* And what quarantines: the first three. */
static void
trace_and_reach_name_what_quarantines(void **state OVS_UNUSED)
{
    static const struct step traced[] = {
        { "POST /v1/trace", "{\"from\": \"a\", \"to\": \"c\","
          " \"reply\": false, \"protocol\": \"tcp\", \"port\": 80}", 200,
          "{\"verdict\": \"dropped\", \"outcomes\": [{\"share\": 1,"
          " \"verdict\": \"dropped\", \"packet\": \"request\","
          " \"at\": {\"kind\": \"dropped\", \"host\": \"h2\","
          " \"stage\": \"s.t\", \"reason\": \"quarantined\","
          " \"owner\": \"firewall.quarantined/@n\", \"quarantined_by\":"
          " [\"ports/a\", \"quarantines/x\", \"quarantines/y\","
          " \"quarantines/z\"]}, \"legs\": []}], \"complete\": true}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step reached[] = {
        { "GET /v1/reachability?protocol=tcp&port=80&by=port", NULL, 200,
          "{\"classes\": [{\"id\": 0, \"ports\": [\"a\"]},"
          " {\"id\": 1, \"ports\": [\"b\"]}], \"cells\": ["
          "{\"from\": 0, \"to\": 1, \"verdict\": \"dropped\","
          " \"reason\": \"quarantined\","
          " \"quarantined_by\": [\"quarantines/x\"]}], \"absent\": []}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(traced, "", "trace a c tcp/80", CTL_DIFFERS,
                "request dropped on h2: quarantined\n"
                "by firewall.quarantined/@n in s.t\n"
                "quarantined by ports/a, quarantines/x, quarantines/y"
                " and 1 more\n", "");
    assert_play(reached, "", "reachability tcp/80 --by port", CTL_DONE,
                "FROM \\ TO   a       b\n"
                "a           self    no\n"
                "b           apart   self\n"
                "self: one port, and nobody else to ask\n"
                "apart: no router joins their networks\n\n"
                "FROM   TO   VERDICT   REASON                         "
                "OWNER   RULE\n"
                "a      b    dropped   quarantined by quarantines/x   "
                "-       -\n", "");
}

/* With many columns all pairs are listed: first those that do not pass. */
static void
list_of_pairs_is_sorted_and_says_so(void **state OVS_UNUSED)
{
    struct ds body = DS_EMPTY_INITIALIZER;
    const struct step *steps;
    struct run result;

    ds_put_cstr(&body, "{\"groups\": [");
    for (int i = 0; i < 13; i++) {
        ds_put_format(&body, "%s\"g%d\"", i ? ", " : "", i);
    }
    ds_put_cstr(&body, "], \"cells\": [");
    for (int i = 0; i < 4; i++) {
        ds_put_format(&body, "%s{\"from\": \"g%d\", \"to\": \"g0\", "
                      "\"verdict\": \"%s\"%s}", i ? ", " : "", i,
                      i % 2 ? "dropped" : "delivered",
                      i % 2 ? ", \"reason\": \"isolated\"" : "");
    }
    ds_put_cstr(&body, "], \"absent\": []}");
    steps = (const struct step[]) {
        { "GET /v1/reachability?protocol=icmp&by=group", NULL, 200,
          ds_cstr(&body) },
        { NULL, NULL, 0, NULL },
    };
    play(&result, steps, "", "reachability icmp");
    assert_string_equal(
        result.out,
        "FROM   TO   VERDICT     REASON     OWNER   RULE\n"
        "g1     g0   dropped     isolated   -       -\n"
        "g3     g0   dropped     isolated   -       -\n"
        "g0     g0   delivered   -          -       -\n"
        "g2     g0   delivered   -          -       -\n"
        "the first 2 of 4 do not pass, or not always; the others do\n");
    run_uninit(&result);
    ds_destroy(&body);
}

/* Without a service: all by which somebody is reached. */
static void
reachability_lists_what_is_open(void **state OVS_UNUSED)
{
    static const struct step outside[] = {
        { "GET /v1/open-services?from=outside&to=web-1", NULL, 200,
          "{\"from\": \"outside\", \"to\": \"web-1\", \"addresses\":"
          " [\"192.0.2.10\"], \"services\": [{\"protocol\": \"tcp\","
          " \"port\": 1, \"end_port\": 65535, \"verdict\":"
          " \"delivered\", \"all\": true, \"object\": {\"type\":"
          " \"networks\", \"name\": \"n\"}}, {\"protocol\": \"udp\","
          " \"port\": 53, \"verdict\": \"mixed\", \"all\": false,"
          " \"n_sources\": 9, \"sources\": [\"192.0.2.1\"], \"object\":"
          " {\"type\": \"policies\", \"name\": \"p\"}, \"rule\": 2},"
          " {\"protocol\": \"icmp\", \"family\": 6, \"verdict\":"
          " \"delivered\", \"all\": true}]}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step group[] = {
        { "GET /v1/open-services?from_group=g&to=web-1&network=dc", NULL, 200,
          "{\"from\": \"g\", \"to\": \"web-1\", \"addresses\": ["
          "\"10.0.0.1\"], \"services\": []}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step prefix[] = {
        { "GET /v1/open-services?from=192.0.2.0%2F24&to=www", NULL, 400,
          "{\"detail\": \"no\"}" },
        { NULL, NULL, 0, NULL },
    };
    static const struct step none[] = { { NULL, NULL, 0, NULL } };

    assert_play(outside, "", "reachability --from outside --to port/web-1",
                CTL_DONE,
                "from outside to web-1 (192.0.2.10)\n"
                "SERVICE       VERDICT     FROM                   "
                "BY                     RULE\n"
                "tcp/1-65535   delivered   all                    "
                "networks/n (default)   -\n"
                "udp/53        mixed       192.0.2.1 and 8 more   "
                "policies/p             2\n"
                "icmp (IPv6)   delivered   all                    "
                "-                      -\n", "");
    assert_play(group, "",
                "reachability --from group/g --to web-1 --network dc",
                CTL_DONE, "from g to web-1 (10.0.0.1)\n"
                "nothing is let in\n", "");
    assert_play(prefix, "", "reachability --from 192.0.2.0/24 --to lb/www",
                CTL_NO_COMPARISON, "", "vmnctl: no (HTTP 400)\n");
    assert_play(none, "", "reachability --from outside", CTL_USAGE, "",
                "vmnctl: reachability: give a SERVICE; or --to, and who is "
                "let in to what is listed\n");
}

/* Below the matrix is who reaches what is no port; a network without ports
 * says so. */
static void
reach_shows_addresses_and_who_has_no_port(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/reachability?protocol=tcp&port=80&network=n&by=group",
          NULL, 200, "{\"groups\": [], \"cells\": [], \"absent\": [],"
          " \"ways\": [{\"from\": \"outside\", \"source\": \"10.9.0.1\","
          " \"type\": \"floating-ips\", \"name\": \"f\","
          " \"destination\": \"10.9.0.20\", \"verdict\": \"dropped\","
          " \"reason\": \"isolated\", \"owner\": \"a.b/c\"},"
          " {\"from\": \"web\", \"n_ports\": 3, \"type\": \"networks\","
          " \"name\": \"out\", \"destination\": \"10.9.0.1\","
          " \"verdict\": \"delivered\"}]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "reachability tcp/80 --network n", CTL_DONE,
                "no port of network \"n\" is on a host: there is nobody to "
                "ask (those outside: vmnctl trace outside TO SERVICE)\n\n"
                "FROM                 TO                           VERDICT     "
                "   REASON     OWNER   RULE\n"
                "outside (10.9.0.1)   floating-ips/f (10.9.0.20)   dropped     "
                "   isolated   a.b/c   -\n"
                "web+2                outside (10.9.0.1)           sent outside"
                "   -          -       -\n", "");
}

/* What decides is shown, host by host; the other steps with -v. */
static void
trace_shows_what_decides(void **state OVS_UNUSED)
{
#define LOOKUP(STAGE, TYPE, NAME, MORE)                                 \
    "{\"kind\": \"lookup\", \"host\": \"h1\", \"stage\": \"" STAGE "\","   \
    " \"table\": 1, \"owner\": \"a.b/c\", \"priority\": 100,"             \
    " \"object\": {\"type\": \"" TYPE "\", \"name\": \"" NAME "\"}" MORE "}"
#define TRACED(BODY)                                                    \
    { "POST /v1/trace", BODY, 200,                                      \
      "{\"verdict\": \"delivered\","                                    \
      " \"from\": {\"port\": null, \"network\": \"out\","                 \
      " \"host\": \"h1\", \"ip\": \"10.9.0.1\"},"                       \
      " \"to\": {\"ip\": \"10.9.0.20\", \"port\": \"c\"},"              \
      " \"outcomes\": [{\"share\": 1, \"verdict\": \"delivered\","      \
      " \"packet\": \"request\", \"at\": {\"kind\": \"delivered\","     \
      " \"host\": \"h2\", \"port\": \"c\"}, \"legs\": [{\"kind\":"      \
      " \"request\", \"steps\": ["                                      \
      LOOKUP("o.a", "networks", "out", "") ","                          \
      LOOKUP("g.i", "floating-ips", "f", ", \"changes\":"               \
             " {\"ip_dst\": [\"10.9.0.20\", \"10.0.0.2\"],"             \
             " \"eth_dst\": [\"x\", \"y\"]}") ","                       \
      LOOKUP("router.route", "routers", "r", ", \"match\":"             \
             " \"ip,nw_dst=10.0.0.0/24\"") ","                          \
      "{\"kind\": \"tunnel\", \"host\": \"h1\", \"to\": \"h2\"},"       \
      LOOKUP("f.p", "policies", "a", ", \"rule\": 1,"                  \
             " \"rule_action\": \"pass\"") ","                          \
      LOOKUP("f.p", "policies", "s", ", \"rule\": 2,"                  \
             " \"rule_action\": \"deny\", \"shadow\": true") ","        \
      LOOKUP("f.p", "policies", "t", ", \"shadow\": true") ","         \
      LOOKUP("f.p", "policies", "p", ", \"rule\": 0,"                  \
             " \"rule_action\": \"allow\"") "]}]}],"                    \
      " \"complete\": true}" }
    static const struct step steps[] = {
        TRACED("{\"from\": \"outside\", \"to\": \"c\", \"reply\": false,"
               " \"protocol\": \"icmp\", \"source_ip\": \"10.9.0.1\","
               " \"network\": \"out\"}"),
        { NULL, NULL, 0, NULL },
    };
    static const struct step all[] = {
        TRACED("{\"from\": \"outside\", \"to\": \"c\", \"reply\": false,"
               " \"protocol\": \"icmp\"}"),
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    assert_play(steps, "", "trace outside c --source-ip 10.9.0.1 "
                "--network out", CTL_DONE,
                "delivered to c on h2\n"
                "from outside (10.9.0.1) on h1 by network out to c "
                "(10.9.0.20)\n\n"
                "request:\n"
                "HOST   BY               RESULT\n"
                "h1     floating-ips/f   ip_dst 10.9.0.20 -> 10.0.0.2\n"
                "h1     routers/r        route to 10.0.0.0/24\n"
                "h1     -                tunnel to h2\n"
                "h1     policies/a       rule 1 of a: pass\n"
                "h1     policies/s       rule 2 of s, in shadow mode: "
                "would deny\n"
                "h1     policies/t       in shadow mode: would isolate\n"
                "h1     policies/p       rule 0 of p\n", "");
    play(&result, all, "", "trace outside c -v");
    assert_non_null(strstr(result.out, "HOST   STAGE          TABLE   OWNER"));
    assert_non_null(strstr(result.out, "eth_dst x -> y"));
    run_uninit(&result);
}

/* What leaves for a physical network is delivered to nobody who is known. */
static void
trace_to_outside_is_sent_there(void **state OVS_UNUSED)
{
#define SENT(PACKET, HOST)                                              \
    "{\"verdict\": \"delivered\", \"from\": {\"port\": \"a\"},"             \
    " \"to\": {\"ip\": \"10.9.0.1\", \"port\": null, \"network\": \"out\"}," \
    " \"outcomes\": [{\"share\": 1, \"verdict\": \"delivered\","            \
    " \"packet\": \"" PACKET "\", \"at\": {\"kind\": \"delivered\","        \
    " \"host\": " HOST ", \"port\": \"@dc\", \"where\": \"outside\"},"      \
    " \"legs\": []}], \"complete\": true}"
#define ASKED "{\"from\": \"a\", \"to\": \"outside\", \"reply\": false,"   \
              " \"protocol\": \"tcp\", \"port\": 80}"
    static const struct {
        const char *reply, *text;
    } cases[] = {
        { SENT("request", "\"h1\""), "sent outside by h1, to physical "
          "network \"dc\": what is beyond is not known\n" },
        { SENT("request", "null"), "sent outside, to physical network \"dc\": "
          "what is beyond is not known\n" },
        { SENT("reply", "\"h1\""), "delivered, and its answer sent outside by "
          "h1, to physical network \"dc\": what is beyond is not known\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct step steps[] = {
            { "POST /v1/trace", ASKED, 200, cases[i].reply },
            { NULL, NULL, 0, NULL },
        };
        struct run result;

        play(&result, steps, "", "trace a outside tcp/80");
        assert_int_equal(result.status, CTL_DONE);
        assert_int_equal(strncmp(result.out, cases[i].text,
                                 strlen(cases[i].text)), 0);
        run_uninit(&result);
    }
}

/* What an account with a scope is not told is left out. */
static void
trace_without_places(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "POST /v1/trace", "{\"from\": \"a\", \"to\": \"10.0.0.9\","
          " \"reply\": false, \"protocol\": \"tcp\", \"port\": 80}", 200,
          "{\"verdict\": \"mixed\", \"outcomes\": ["
          "{\"share\": null, \"verdict\": \"delivered\","
          " \"packet\": \"request\", \"at\": {\"kind\": \"delivered\","
          " \"host\": null, \"stage\": null,"
          " \"port\": \"(out of scope)\"}, \"legs\": []},"
          "{\"share\": null, \"verdict\": \"dropped\","
          " \"packet\": \"request\", \"at\": {\"kind\": \"dropped\","
          " \"host\": null, \"stage\": null, \"reason\": \"isolated\","
          " \"owner\": \"(out of scope)\"}, \"legs\": []}],"
          " \"complete\": true}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "trace a 10.0.0.9 tcp/80", CTL_DIFFERS,
                "outcome 1 of 2: delivered to (out of scope)\n"
                "\noutcome 2 of 2: request dropped: isolated\n"
                "by (out of scope)\n", "");
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
                "vmnctl: FROM: there is no port (HTTP 400)\n");
    assert_play(reach, "", "reachability icmpv6 --network x",
                CTL_NO_COMPARISON, "",
                "vmnctl: --network: there is no network (HTTP 400)\n");
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

/* Where families differ, the reason says which. */
static void
reach_by_one_family_says_which(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/reachability?protocol=tcp&port=80&by=port", NULL, 200,
          "{\"classes\": [{\"id\": 0, \"ports\": [\"a\", \"c\", \"d\"]},"
          " {\"id\": 1, \"ports\": [\"b\"]}], \"cells\": ["
          "{\"from\": 0, \"to\": 1, \"verdict\": \"mixed\","
          " \"ipv4\": {\"verdict\": \"delivered\"}, \"ipv6\":"
          " {\"verdict\": \"dropped\", \"reason\": \"isolated\","
          " \"direction\": \"egress\", \"isolated_by\": [\"p\"]}}],"
          " \"absent\": [\"x\", \"y\"], \"warnings\": [\"h1 is away\"]}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "reachability tcp/80 --by port", CTL_DONE,
                "warning: h1 is away\n"
                "FROM \\ TO   a+2     b\n"
                "a+2         self    mixed\n"
                "b           apart   self\n"
                "self: one port, and nobody else to ask\n"
                "apart: no router joins their networks\n\n"
                "FROM   TO   VERDICT   REASON                          "
                "OWNER   RULE\n"
                "a+2    b    mixed     ipv6: isolated (egress, by p)   "
                "-       -\n\n"
                "KIND   PORTS\n"
                "a+2    a,c,d\n\n"
                "2 ports are on no host, on one that is unreachable, or "
                "disabled: x,y\n", "");
}

static void
pairs_of_mixed_cells_are_told(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/reachability?protocol=tcp&port=80&by=group", NULL, 200,
          "{\"groups\": [\"a\", \"b\"], \"cells\": [{\"from\": \"a\","
          " \"to\": \"b\", \"verdict\": \"mixed\", \"exceptions\": ["
          "{\"reason\": \"quarantined\", \"from\": \"a1\", \"to\": \"b2\","
          " \"n_pairs\": 2}]}], \"alone\": []}" },
        { NULL, NULL, 0, NULL },
    };
    struct run result;

    play(&result, steps, "", "reachability tcp/80");
    assert_non_null(strstr(result.out, "quarantined (a1 to b2, and 1 other "
                           "pair)"));
    assert_non_null(strstr(result.out, "\nin brackets: pairs that do not "
                           "pass, one for each reason; --by port has all\n"));
    run_uninit(&result);
}

/* What the API has with the next stage of the host is what a stage does.  Of
 * one that differs that alone is told. */
static void
live_trace_shows_which_stage_changes_what(void **state OVS_UNUSED)
{
#define STAGE(HOST, NAME, RESULT, MORE)                                 \
    "{\"host\": \"" HOST "\", \"stage\": \"" NAME "\", \"table\": 1,"   \
    " \"result\": \"" RESULT "\"" MORE "}"
    static const struct step steps[] = {
        { "POST /v1/live-trace", "{\"from\": \"a\", \"to\": \"c\","
          " \"protocol\": \"icmp\"}", 200,
          "{\"agrees\": false, \"difference\": \"lost\","
          " \"from\": {\"port\": \"a\", \"host\": \"h1\", \"ip\": \"::1\"},"
          " \"to\": {\"port\": \"c\", \"ip\": \"::2\"}, \"delivered\": false,"
          " \"predicted\": {\"verdict\": \"lost\"},"
          " \"seen\": {\"verdict\": \"lost\"}, \"stages\": ["
          STAGE("h1", "o.admit", "same", "") ", "
          STAGE("h1", "q.mark", "same", "") ", "
          STAGE("h1", "l.next", "same", ", \"changes\": [\"dscp 0 -> 46\"]")
          ", " STAGE("h1", "l.plain", "same", "") ", "
          STAGE("h1", "l.other", "differs",
                ", \"changes\": [\"mark 0 -> 1\"],"
                " \"differences\": [\"mark 2, not 1\"]") ", "
          STAGE("h1", "l.last", "differs",
                ", \"changes\": [\"ttl 64 -> 63\"],"
                " \"differences\": [\"mark 2, not 1\"]") ", "
          STAGE("h1", "o.deliver", "missing", "") ", "
          STAGE("h2", "o.admit", "missing", "") "]}" },
        { NULL, NULL, 0, NULL },
    };
#undef STAGE
    struct run result;

    play(&result, steps, "", "trace --live a c");
    assert_non_null(strstr(
        result.out,
        "h1     q.mark      yes         yes       dscp 0 -> 46\n"
        "h1     l.plain     yes         yes       mark 0 -> 1\n"
        "h1     l.other     yes         DIFFERS   mark 2, not 1 "
        "<-- FIRST DIFFERENCE\n"
        "h1     l.last      yes         DIFFERS   mark 2, not 1\n"
        "h1     o.deliver   yes         -         -\n"
        "h2     o.admit     yes         -         -\n"));
    run_uninit(&result);
}

/* Keys of labels that nothing has, and hosts that are none. */
static void
advice_tells_what_has_no_effect(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/advice/placement?capacity_label=app&apart=app%2Cx"
          "&host_selector=disk", NULL, 200,
          "{\"vms\": 1, \"pairs\": 1, \"capacity\": 4, \"optimal\": true,"
          " \"cross_host_bytes\": 0, \"predicted_bytes\": 0, \"moves\": [],"
          " \"unused_labels\": [\"x\"], \"unused_capacity_label\": \"app\"}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "advise placement --apart app,x --capacity-label "
                "app --host-selector disk", CTL_DONE,
                "0 bytes would have gone between hosts; at most 4 VMs on a "
                "host\nnothing to move\n",
                "warning: no VM that counts here has a label \"x\", so it "
                "changes nothing\n"
                "warning: no host has a label \"app\", so it changes nothing\n"
                "warning: --host-selector selects no host that VMs may go "
                "to\n");
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trace_names_who_isolates),
        cmocka_unit_test(row_of_a_drop_names_its_cause),
        cmocka_unit_test(trace_and_reach_name_what_quarantines),
        cmocka_unit_test(list_of_pairs_is_sorted_and_says_so),
        cmocka_unit_test(reachability_lists_what_is_open),
        cmocka_unit_test(reach_shows_addresses_and_who_has_no_port),
        cmocka_unit_test(trace_shows_what_decides),
        cmocka_unit_test(trace_to_outside_is_sent_there),
        cmocka_unit_test(trace_without_places),
        cmocka_unit_test(trace_says_who_has_it_instead),
        cmocka_unit_test(questions_that_are_refused_are_told_from_answers),
        cmocka_unit_test(trace_takes_types_and_codes),
        cmocka_unit_test(reach_by_one_family_says_which),
        cmocka_unit_test(pairs_of_mixed_cells_are_told),
        cmocka_unit_test(live_trace_shows_which_stage_changes_what),
        cmocka_unit_test(advice_tells_what_has_no_effect),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
