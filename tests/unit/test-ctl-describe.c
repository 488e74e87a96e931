/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl describe, against a server that plays back a script: what concerns an
 * object, and the order of rules. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ctl-fixture.h"
#include "util.h"

/* What a port that was made in revision 5 is asked of behind its rules: on two
 * hosts of three. */
#define BEHIND                                                          \
    { "GET /v1/revisions?limit=5&type=ports&name=db-1", NULL,           \
      200, "{\"items\": [{\"revision\": 5}, {\"revision\": 7}]}" },     \
    { "GET /v1/revisions/7", NULL, 200,                                 \
      "{\"revision\": 7, \"time\": \"T\", \"who\": \"unix:uid=0\","     \
      " \"changes\": [{\"op\": \"create\", \"type\": \"quarantines\","  \
      " \"name\": \"q\"}, {\"op\": \"quarantine\", \"type\":"           \
      " \"ports\", \"name\": \"db-1\", \"by\": \"quarantines/q\"}],"    \
      " \"receipt\": {\"hosts\": []}}" },                               \
    { "GET /v1/revisions/5", NULL, 200,                                 \
      "{\"revision\": 5, \"time\": \"T\", \"who\": \"unix:uid=0\","     \
      " \"changes\": [{\"op\": \"create\", \"type\": \"networks\","     \
      " \"name\": \"db-1\"}, {\"op\": \"update\", \"type\": \"ports\"," \
      " \"name\": \"db-1\"}], \"duration_us\": {\"installed\": 2240},"           \
      " \"receipt\": {\"hosts\": [{\"host\": \"h1\", \"state\":"        \
      " \"confirmed\"}, {\"host\": \"h2\", \"state\": \"offline\"}]}}" }, \
    { "GET /v1/hosts?limit=9", NULL, 200,                               \
      "{\"items\": [{\"name\": \"h1\"}, {\"name\": \"h2\"}]}" },        \
    { "GET /v1/hosts/h1/flows?object=db-1&limit=2000", NULL, 200,       \
      "{\"n_flows\": 3, \"flows\": [{\"owner\": \"overlay.port/db-1\"}," \
      " {\"owner\": \"overlay.port/db-1\"},"                            \
      " {\"owner\": \"firewall.member/db-1\"}], \"groups\": []}" },     \
    { "GET /v1/hosts/h2/flows?object=db-1&limit=2000", NULL, 200,       \
      "{\"n_flows\": 0, \"flows\": [], \"groups\": []}" },              \
    { "GET /v1/drops?limit=10&port=db-1", NULL, 200,                    \
      "{\"counters\": [], \"samples\": []}" },                          \
    { NULL, NULL, 0, NULL }

#define BEHIND_TOLD                                                     \
    "\nFlows of this name:\n"                                           \
    "HOST   APP        UNIT     FLOWS   GROUPS\n"                       \
    "h1     overlay    port     2       -\n"                            \
    "h1     firewall   member   1       -\n"                            \
    "\nLast changes:\n"                                                 \
    "REVISION   TIME   WHO                 CHANGE                        "     \
    "INSTALLED                  DURATION\n"                             \
    "7          T      unix:uid=0 (root)   quarantine by quarantines/q   "     \
    "concerns no host's flows   -\n"                                    \
    "5          T      unix:uid=0 (root)   update                        "     \
    "1 of 2: h2 offline         2.2 ms\n"

#define PORT(STATUS)                                                    \
    { "GET /v1/ports/db-1", NULL, 200,                                  \
      "{\"name\": \"db-1\", \"metadata\": {\"revision\": 5}, \"spec\":" \
      " {\"network\": \"shop\", \"labels\": {\"role\": \"db\"}},"     \
      " \"status\": {" STATUS "}}" }
#define HEAD "Type:        ports\nName:        db-1\n"                   \
             "Labels:      role=db\nRevision:    5\n"                   \
             "Spec:\n  network: shop\n"

#define IDENTITY(GROUPS)                                                \
    { "GET /v1/identities?port=db-1", NULL, 200,                        \
      "{\"items\": [{\"number\": 7, \"n_ports\": 2, \"groups\": ["      \
      GROUPS "]}]}" }
#define TIERS                                                           \
    { "GET /v1/tiers?limit=250", NULL, 200, "{\"items\": ["             \
      "{\"name\": \"emergency\", \"spec\": {\"position\": 1}},"         \
      "{\"name\": \"application\", \"spec\": {\"position\": 13}},"      \
      "{\"name\": \"baseline\", \"spec\": {\"position\": 17}},"         \
      "{\"name\": \"own\", \"spec\": {\"position\": 3}}]}" }
#define NETWORK(DEFAULT)                                                \
    { "GET /v1/networks/shop", NULL, 200,                               \
      "{\"name\": \"shop\", \"spec\": {\"default\": \"" DEFAULT "\"}}" }
#define PICKS(NAME, NETWORK, LABEL)                                     \
    ", {\"name\": \"" NAME "\", \"spec\": {\"vip\": \"10.0.0.8\","      \
    " \"networks\": [\"x\", \"" NETWORK "\"], \"ports\": [{\"port\":"   \
    " 443}], \"selector\": \"role=" LABEL "\"}}"
#define BALANCERS                                                       \
    { "GET /v1/loadbalancers?limit=250", NULL, 200,                     \
      "{\"items\": [{\"name\": \"front\", \"spec\": {\"vip\":"          \
      " \"10.0.0.9\", \"ports\": [{\"port\": 80}], \"backends\":"       \
      " [{\"port\": \"db-1\"}]}}, {\"name\": \"other\", \"spec\": {}}" \
      PICKS("far", "y", "db") PICKS("picks", "shop", "db")              \
      PICKS("web", "shop", "web") "]}" }
/* Of the first one it is a source, of the second a function; the third is of
 * another network. */
#define CHAIN(NAME, NETWORK, FROM, IN)                                  \
    "{\"name\": \"" NAME "\", \"spec\": {\"network\": \"" NETWORK "\"," \
    " \"sources\": \"role=" FROM "\", \"destinations\": \"role=none\"," \
    " \"hops\": [{\"name\": \"fw\", \"functions\": [{\"in\": \"" IN      \
    "\"}]}]}, \"status\": {\"warnings\": [\"" IN " is down\"]}}"
#define CHAINS                                                          \
    { "GET /v1/chains?limit=1", NULL, 200, "{\"items\": [{}]}" },       \
    { "GET /v1/chains?limit=250", NULL, 200, "{\"items\": ["            \
      CHAIN("inspect", "shop", "db", "x") ","                           \
      CHAIN("own", "shop", "none", "db-1") ","                          \
      CHAIN("far", "y", "db", "x") "]}" },                              \
    { "GET /v1/routers?limit=250", NULL, 200, "{\"items\": []}" }
#define CHAINS_TOLD                                                     \
    "\nService chains:\nNAME      AS         HOPS   WARNINGS\n"           \
    "inspect   source     fw     x is down\n"                            \
    "own       function   fw     db-1 is down\n"
/* Without the app. */
#define NO_CHAINS { "GET /v1/chains?limit=1", NULL, 404, "{}" }
#define BALANCERS_TOLD                                                  \
    "\nBalancers that it is a backend of:\n"                            \
    "BALANCER   VIP        PORTS\n"                                     \
    "front      10.0.0.9   80\n"                                        \
    "picks      10.0.0.8   443\n"

#define POLICY(NAME, TIER, PRIORITY, GROUP, MORE, RULES)                \
    "{\"name\": \"" NAME "\", \"spec\": {\"tier\": \"" TIER "\","       \
    " \"priority\": " PRIORITY ", \"applies_to\": [\"" GROUP "\"]"      \
    MORE ", \"rules\": [" RULES "]}}"
#define RULE(DIRECTION, ACTION, MORE)                                   \
    "{\"direction\": \"" DIRECTION "\", \"action\": \"" ACTION "\"" MORE "}"

/* Tiers by position, policies by priority; of one priority denials first, then
 * permissions, then passes, and what goes back to a former kind behind
 * them. */
static const struct step ordered[] = {
    PORT(""),
    IDENTITY("\"db\""),
    { "GET /v1/groups?limit=250", NULL, 200,
      "{\"items\": [{\"name\": \"outmost\", \"spec\": {\"groups\":"
      " [\"outer\"]}}, {\"name\": \"db\", \"spec\": {}},"
      " {\"name\": \"outer\", \"spec\": {\"groups\": [\"x\", \"db\"]}},"
      " {\"name\": \"web\", \"spec\": {\"groups\": [\"x\"]}}]}" },
    { "GET /v1/policies?limit=250", NULL, 200, "{\"items\": ["
      POLICY("z", "baseline", "1", "db", "",
             RULE("ingress", "deny", "")) ","
      POLICY("b", "application", "500", "db", "",
             RULE("ingress", "pass", "")","
             RULE("egress", "deny", ", \"peers\": [{\"cidr\":"
                  " \"10.0.0.0/8\", \"except\": [\"10.1.0.0/16\"]}]")","
             RULE("ingress", "allow", "")) ","
      POLICY("a", "application", "500", "outmost", "",
             RULE("ingress", "allow", ", \"peers\": [{\"group\":"
                  " \"web\"}], \"services\": [{\"service\": \"sql\"},"
                  " {\"protocol\": \"tcp\", \"ports\": [80, 443]}]")) ","
      POLICY("c", "application", "500", "db", "",
             RULE("ingress", "deny", "")) ","
      POLICY("k", "application", "500", "db",
             ", \"on_change\": \"keep\"",
             RULE("ingress", "allow", "")) ","
      POLICY("s", "application", "900", "db", ", \"mode\": \"shadow\"",
             RULE("ingress", "deny", "")) ","
      POLICY("first", "application", "3", "db", "",
             RULE("ingress", "allow", "")) ","
      POLICY("other", "emergency", "0", "web", "",
             RULE("ingress", "deny", "")) ","
      POLICY("o", "own", "999", "db", "",
             RULE("ingress", "deny", "")","
             RULE("ingress", "allow", "")) "]}" },
    TIERS, NETWORK("deny"), BALANCERS, CHAINS, BEHIND,
};

static void
rules_come_in_the_order_in_which_they_are_met(void **state OVS_UNUSED)
{
    assert_play(
        ordered, "", "describe port db-1", CTL_DONE, HEAD
        "\nIdentity:    7, of 2 ports\n"
        "\nGroups:\n"
        "GROUP     REASON\n"
        "db        itself\n"
        "outer     a group inside\n"
        "outmost   a group inside\n"
        "\nRules that apply, egress:\n"
        "TIER          PRIORITY   POLICY   RULE   ACTION   "
        "PEERS                           SERVICES\n"
        "application   500        b        1      deny     "
        "10.0.0.0/8 except 10.1.0.0/16   any\n"
        "Then: isolated: what no rule of tier application lets through is "
        "denied\n"
        "\nRules that apply, ingress:\n"
        "TIER          PRIORITY   POLICY   RULE   ACTION          PEERS   "
        "SERVICES\n"
        "own           999        o        0      deny            any     "
        "any\n"
        "own           999        o        1      allow           any     "
        "any\n"
        "application   900        s        0      deny (shadow)   any     "
        "any\n"
        "application   3          first    0      allow           any     "
        "any\n"
        "application   500        c        0      deny            any     "
        "any\n"
        "application   500        a        0      allow           web     "
        "sql,tcp/80,443\n"
        "application   500        k        0      allow           any     "
        "any\n"
        "application   500        b        0      pass            any     "
        "any\n"
        "application   500        b        2      allow           any     "
        "any\n"
        "baseline      1          z        0      deny            any     "
        "any\n"
        "Then: isolated: what no rule of tier application lets through is "
        "denied\n" BALANCERS_TOLD CHAINS_TOLD BEHIND_TOLD, "");
}

/* Without groups there is nothing to look for. */
static void
default_of_the_network_decides_at_the_end(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        PORT(""),
        { "GET /v1/identities?port=db-1", NULL, 200, "{\"items\": []}" },
        TIERS, NETWORK("deny"), BALANCERS, NO_CHAINS, BEHIND,
    };

    assert_play(
        steps, "", "describe port db-1", CTL_DONE, HEAD
        "\nRules that apply, egress:\n"
        "Then: allowed: no policy isolates the port in this direction\n"
        "\nRules that apply, ingress:\n"
        "Then: denied: network shop has default deny\n"
        BALANCERS_TOLD BEHIND_TOLD, "");
}

/* Only the tier emergency comes before. */
static void
quarantine_comes_before_other_rules(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        PORT("\"quarantined\": true, \"quarantines\": [\"q1\", \"q2\"]"),
        IDENTITY("\"db\""),
        { "GET /v1/groups?limit=250", NULL, 200, "{\"items\": []}" },
        { "GET /v1/policies?limit=250", NULL, 200, "{\"items\": ["
          POLICY("e", "emergency", "1", "db", "",
                 RULE("egress", "allow", "")) ","
          POLICY("a", "application", "1", "db", "",
                 RULE("egress", "allow", "")) "]}" },
        TIERS, NETWORK("allow"),
        { "GET /v1/loadbalancers?limit=250", NULL, 200,
          "{\"items\": []}" },
        NO_CHAINS, BEHIND,
    };

    assert_play(
        steps, "", "describe port db-1", CTL_DONE, HEAD
        "Status:\n  quarantined: true, by quarantines/q1, quarantines/q2\n"
        "  quarantines:\n  - q1\n  - q2\n"
        "\nIdentity:    7, of 2 ports\n"
        "\nGroups:\nGROUP   REASON\ndb      itself\n"
        "\nRules that apply, egress:\n"
        "TIER        PRIORITY   POLICY   RULE   ACTION   PEERS   SERVICES\n"
        "emergency   1          e        0      allow    any     any\n"
        "Then: quarantined by q1,q2: only what that allows passes\n"
        "\nRules that apply, ingress:\n"
        "Then: quarantined by q1,q2: only what that allows passes\n"
        BEHIND_TOLD, "");
}

/* The spec may say false: that is of the port itself alone. */
static void
status_says_by_what_a_port_is_quarantined(void **state OVS_UNUSED)
{
    static const struct {
        const char *spec, *status, *shown;
    } cases[] = {
        { "\"quarantined\": true", "", "by the port itself\n" },
        { "\"quarantined\": false", "",
          "by what is out of this account's scope\n" },
        { "\"parent\": \"p\"", "",
          "by what is out of this account's scope\n" },
        { "\"parent\": \"p\"", ", \"quarantined_parent\": \"p\"",
          "by ports/p\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *body = xasprintf("{\"name\": \"db-1\", \"metadata\":"
                               " {\"revision\": 5}, \"spec\": {\"network\":"
                               " \"shop\", %s}, \"status\":"
                               " {\"quarantined\": true%s}}", cases[i].spec,
                               cases[i].status);
        char *shown = xasprintf("Status:\n  quarantined: true, %s",
                                cases[i].shown);
        const struct step steps[] = {
            { "GET /v1/ports/db-1", NULL, 200, body },
            IDENTITY("\"db\""),
            { "GET /v1/groups?limit=250", NULL, 200, "{\"items\": []}" },
            { "GET /v1/policies?limit=250", NULL, 200, "{\"items\": []}" },
            TIERS, NETWORK("allow"),
            { "GET /v1/loadbalancers?limit=250", NULL, 200,
              "{\"items\": []}" },
            NO_CHAINS, BEHIND,
        };
        struct run result;

        play(&result, steps, "", "describe port db-1");
        assert_non_null(strstr(result.out, shown));
        run_uninit(&result);
        free(shown);
        free(body);
    }
}

static void
a_host_has_networks_ports_and_flows(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/hosts/h2", NULL, 200,
          "{\"name\": \"h2\", \"metadata\": {\"revision\": 5}, \"spec\": {},"
          " \"status\": {\"state\": \"synced\", \"unclaimed\": 2,"
          " \"unclaimed_interfaces\": [{\"iface_id\": \"lost\","
          " \"interface\": \"tap1\", \"mac\": \"02:00:00:00:00:01\","
          " \"since\": \"2026-01-01T00:00:00Z\"},"
          " {\"iface_id\": \"never\", \"interface\": \"tap2\","
          " \"since\": \"2026-01-02T00:00:00Z\"}]}}" },
        { "GET /v1/summary?limit=20000", NULL, 200,
          "{\"hosts\": [{\"name\": \"h1\"}, {\"name\": \"h2\"}],"
          " \"networks\": [{\"name\": \"shop\"}, {\"name\": \"rival\"}],"
          " \"placements\": [[0, 0, 4], [1, 1, 1], [-1, 0, 1]]}" },
        { "GET /v1/ports?limit=250", NULL, 200,
          "{\"items\": [{\"name\": \"a\", \"spec\": {\"network\": \"rival\"},"
          " \"status\": {\"host\": \"h2\", \"state\": \"up\"}},"
          " {\"name\": \"b\", \"status\": {\"host\": \"h1\"}}]}" },
        /* Its newest change named too many objects to name it. */
        { "GET /v1/revisions?limit=5&type=hosts&name=h2&before=6", NULL, 200,
          "{\"items\": [], \"next\": \"3\"}" },
        { "GET /v1/revisions?limit=5&type=hosts&name=h2&before=3", NULL, 200,
          "{\"items\": [{\"revision\": 2}]}" },
        { "GET /v1/revisions/5", NULL, 200, "{\"revision\": 5}" },
        { "GET /v1/revisions/2", NULL, 200, "{\"revision\": 2}" },
        { "GET /v1/hosts/h2/flows", NULL, 200,
          "{\"n_flows\": 1, \"flows\": [{\"owner\": \"overlay.port/a\"}],"
          " \"groups\": [{\"owner\": \"overlay.network/rival\"}]}" },
        { "GET /v1/drops?limit=10&host=h2", NULL, 200,
          "{\"counters\": [{\"host\": \"h2\", \"reason\": \"isolated\","
          " \"packets\": 4}], \"samples\": []}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(
        steps, "", "describe host h2", CTL_DONE,
        "Type:        hosts\nName:        h2\nRevision:    5\n"
        "Status:\n  state: synced\n  unclaimed: 2\n"
        "\nVMs' interfaces without a port:\n"
        "IFACE-ID   INTERFACE   MAC                 SINCE\n"
        "lost       tap1        02:00:00:00:00:01   2026-01-01T00:00:00Z\n"
        "never      tap2        -                   2026-01-02T00:00:00Z\n"
        "\nNetworks:\nNETWORK   PORTS\nrival     1\n"
        "\nPorts:\nPORT   NETWORK   IPS   STATE   REASON\n"
        "a      rival     -     up      -\n"
        "\nFlows, by app:\nAPP       FLOWS   GROUPS\noverlay   1       1\n"
        "\nLast changes:\n"
        "REVISION   TIME   WHO   CHANGE   INSTALLED   DURATION\n"
        "5          -      -     -        -           -\n"
        "2          -      -     -        -           -\n"
        "\nDrops:\n"
        "HOST   REASON     PACKETS   BYTES   LAST   OBJECT   RULE   OWNER\n"
        "h2     isolated   4         -       -      -        -      -\n",
        "");
}

static void
a_network_has_subnets_places_routers_and_policies(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/networks/shop", NULL, 200,
          "{\"name\": \"shop\", \"spec\": {}, \"status\": {\"subnets\":"
          " [{\"cidr\": \"10.0.0.0/24\", \"size\": 253, \"used\": 3,"
          " \"free\": 250}]}}" },
        { "GET /v1/summary?limit=20000", NULL, 200,
          "{\"hosts\": [{\"name\": \"h1\", \"state\": \"synced\"}],"
          " \"networks\": [{\"name\": \"shop\"}],"
          " \"placements\": [[0, 0, 4], [-1, 0, 1]]}" },
        { "GET /v1/routers?limit=250", NULL, 200,
          "{\"items\": [{\"name\": \"r\", \"spec\": {\"interfaces\":"
          " [{\"network\": \"shop\"}, {\"network\": \"x\"}]}},"
          " {\"name\": \"s\", \"spec\": {}}]}" },
        { "GET /v1/loadbalancers?limit=250", NULL, 200,
          "{\"items\": [{\"name\": \"lb\", \"spec\": {\"networks\":"
          " [\"shop\"], \"vip\": \"10.0.0.9\"}}]}" },
        { "GET /v1/identities?network=shop&limit=250", NULL, 200,
          "{\"items\": [{\"groups\": [\"db\"]}]}" },
        { "GET /v1/groups?limit=250", NULL, 200, "{\"items\": []}" },
        { "GET /v1/policies?limit=250", NULL, 200, "{\"items\": ["
          POLICY("p", "application", "1", "db", "", "") ","
          POLICY("q", "application", "1", "web", "", "") "]}" },
        { "GET /v1/hosts?limit=9", NULL, 200, "{\"items\": []}" },
        { "GET /v1/drops?limit=10&network=shop", NULL, 200, "{}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(
        steps, "", "describe network shop", CTL_DONE,
        "Type:        networks\nName:        shop\n"
        "\nSubnets:\nSUBNET        ADDRESSES   USED   FREE\n"
        "10.0.0.0/24   253         3      250\n"
        "\nPorts, by host:\nHOST   STATE    PORTS\nh1     synced   4\n"
        "-      -        1\n"
        "\nRouters:\nROUTER   NETWORKS   EXTERNAL\nr        shop,x     -\n"
        "\nBalancers:\nBALANCER   VIP        PORTS\n"
        "lb         10.0.0.9   -\n"
        "\nPolicies that apply to ports in it:\n"
        "POLICY   TIER          PRIORITY   MODE   APPLIES TO   RULES\n"
        "p        application   1          -      db           -\n", "");
}

/* Why a drain is not over, or over, is no failure of a probe. */
static void
drains_are_no_failures(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/loadbalancers/lb", NULL, 200,
          "{\"name\": \"lb\", \"metadata\": {\"revision\": 3}, \"status\":"
          " {\"backends\": [{\"port\": \"a\", \"state\": \"draining\","
          " \"health\": {\"state\": \"up\", \"reason\": \"no\"},"
          " \"drain\": {\"since\": \"T1\", \"quiet_since\": \"T2\","
          " \"earliest\": \"T3\", \"latest\": \"T4\"}},"
          " {\"port\": \"b\", \"state\": \"drained\", \"health\":"
          " {\"state\": \"drained\", \"reason\": \"no\"}},"
          " {\"port\": \"c\", \"state\": \"idle\", \"health\":"
          " {\"state\": \"idle\", \"reason\": \"no\"}},"
          " {\"port\": \"d\", \"state\": \"down\", \"health\":"
          " {\"state\": \"down\", \"reason\": \"yes\"}}]}}" },
        { "GET /v1/revisions?limit=5&type=loadbalancers&name=lb&before=4",
          NULL, 503, "{\"detail\": \"later\"}" },
        { "GET /v1/hosts?limit=9", NULL, 200,
          "{\"items\": [{\"name\": \"h1\"}]}" },
        { "GET /v1/hosts/h1/flows?object=lb&limit=2000", NULL, 200,
          "{\"n_flows\": 2001, \"n_groups\": 1, \"flows\": []}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(
        steps, "", "describe lb lb", CTL_REFUSED,
        "Type:        loadbalancers\nName:        lb\nRevision:    3\n"
        "\nBackends:\nBACKEND   WEIGHT   HOST   STATE      SHARE   OPENED   "
        "RATE   HEALTH    CHECKED   LAST FAILURE   REASON\n"
        "a         -        -      draining   -       -        "
        "-      up        -         -              -\n"
        "b         -        -      drained    -       -        "
        "-      drained   -         -              -\n"
        "c         -        -      idle       -       -        "
        "-      idle      -         -              -\n"
        "d         -        -      down       -       -        "
        "-      down      -         yes            -\n"
        "\nDrains:\nBACKEND   SINCE   QUIET SINCE   DRAINED AT THE EARLIEST"
        "   AT THE LATEST\n"
        "a         T1      T2            T3                        T4\n"
        "\nFlows of this name:\nHOST   APP     UNIT   FLOWS   GROUPS\n"
        "h1     (all)   -      2001    1\n", "vmnctl: later (HTTP 503)\n");
}

/* What cannot be had is told, and the rest is there. */
static void
parts_that_are_refused_are_left_out(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        { "GET /v1/loadbalancers/lb", NULL, 200,
          "{\"name\": \"lb\", \"metadata\": {\"revision\": 3}, \"status\":"
          " {\"unread_hosts\": 2, \"backends\": [{\"port\": \"web-1\","
          " \"weight\": 1, \"serving\": false, \"state\": \"down\","
          " \"reason\": \"down\"}]}}" },
        { "GET /v1/revisions?limit=5&type=loadbalancers&name=lb&before=4",
          NULL, 503, "{\"detail\": \"later\"}" },
        { "GET /v1/hosts?limit=9", NULL, 200,
          "{\"items\": [{\"name\": \"h1\"}]}" },
        { "GET /v1/hosts/h1/flows?object=lb&limit=2000", NULL, 200,
          "{\"n_flows\": 2001, \"n_groups\": 1, \"flows\": []}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(
        steps, "", "describe lb lb", CTL_REFUSED,
        "Type:        loadbalancers\nName:        lb\nRevision:    3\n"
        "Status:\n  unread_hosts: 2\n"
        "\nBackends:\nBACKEND   WEIGHT   HOST   STATE   SHARE   OPENED   "
        "RATE   HEALTH   CHECKED   LAST FAILURE   REASON\n"
        "web-1     1        -      down    -       -        "
        "-      -        -         -              down\n"
        "\nFlows of this name:\nHOST   APP     UNIT   FLOWS   GROUPS\n"
        "h1     (all)   -      2001    1\n",
        "vmnd has not read the counters of 2 hosts since it started\n"
        "vmnctl: later (HTTP 503)\n");
}

/* Policies of others may isolate the port. */
static void
account_that_sees_some_policies_is_not_told_allowed(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        PORT(""),
        { "GET /v1/identities?port=db-1", NULL, 403, "{\"detail\": \"no\"}" },
        { "GET /v1/ports/db-1/policies", NULL, 200,
          "{\"groups\": [], \"policies\": [], \"isolated_egress\":"
          " [\"(out of scope)\"], \"isolated_ingress\": []}" },
        TIERS, NETWORK("allow"), BALANCERS, NO_CHAINS, BEHIND,
    };
    struct run result;

    play(&result, steps, "", "describe port db-1");
    assert_int_equal(result.status, CTL_DONE);
    assert_non_null(strstr(
        result.out, "\nRules that apply, ingress:\n"
        "Then: not known: no policy isolates the port in this direction, rules "
        "of others may deny (see vmnctl trace)\n"));
    assert_non_null(strstr(
        result.out, "\nRules that apply, egress:\n"
        "Then: isolated, by policies out of this account's scope: what no rule "
        "lets through is denied\n"));
    assert_null(strstr(result.out, "allowed"));
    run_uninit(&result);
}

/* Whom a project's account belongs to sees objects, and little else. */
static void
what_is_not_for_the_account_is_passed_over(void **state OVS_UNUSED)
{
    static const struct step steps[] = {
        PORT(""),
        { "GET /v1/identities?port=db-1", NULL, 403, "{\"detail\": \"no\"}" },
        { "GET /v1/ports/db-1/policies", NULL, 403, "{\"detail\": \"no\"}" },
        BALANCERS, NO_CHAINS,
        { "GET /v1/revisions?limit=5&type=ports&name=db-1", NULL,
          403, "{\"detail\": \"no\"}" },
        { "GET /v1/hosts?limit=9", NULL, 200,
          "{\"items\": [{\"name\": \"h1\"}]}" },
        { "GET /v1/hosts/h1/flows?object=db-1&limit=2000", NULL, 403,
          "{\"detail\": \"no\"}" },
        { "GET /v1/drops?limit=10&port=db-1", NULL, 403,
          "{\"detail\": \"no\"}" },
        { NULL, NULL, 0, NULL },
    };

    assert_play(steps, "", "describe port db-1", CTL_DONE,
                HEAD BALANCERS_TOLD,
                "vmnctl: some of it is not visible to this account\n");
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_come_in_the_order_in_which_they_are_met),
        cmocka_unit_test(default_of_the_network_decides_at_the_end),
        cmocka_unit_test(quarantine_comes_before_other_rules),
        cmocka_unit_test(status_says_by_what_a_port_is_quarantined),
        cmocka_unit_test(a_host_has_networks_ports_and_flows),
        cmocka_unit_test(a_network_has_subnets_places_routers_and_policies),
        cmocka_unit_test(drains_are_no_failures),
        cmocka_unit_test(parts_that_are_refused_are_left_out),
        cmocka_unit_test(account_that_sees_some_policies_is_not_told_allowed),
        cmocka_unit_test(what_is_not_for_the_account_is_passed_over),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
