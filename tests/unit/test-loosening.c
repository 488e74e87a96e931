/* SPDX-License-Identifier: Apache-2.0
 *
 * The model: what a request loosens (controller/model/loosening.h). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/loosening.h"
#include "controller/model/model.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/model-fixture.h"
#include "tests/unit/model-util.h"
#include "util.h"

/* A database that web VMs alone may reach, on one port. */
static const char shop[] =
    "put networks n {" SUBNET "}\n"
    "put ports web1 {'network':'n','labels':{'role':'web'}}\n"
    "put ports web2 {'network':'n','labels':{'role':'web'}}\n"
    "put ports db1 {'network':'n','labels':{'role':'db'}}\n"
    "put ports other {'network':'n','ips':['10.0.0.99']}\n"
    "put groups web {'selector':'role=web'}\n"
    "put groups db {'selector':'role=db'}\n"
    "put services sql {'entries':[{'protocol':'tcp','ports':[5432]}]}\n"
    "put policies db-in {'applies_to':['db'],'rules':[{'direction':'ingress',"
    "'action':'allow','peers':[{'group':'web'}],"
    "'services':[{'service':'sql'}]}]}\n";

static int
shop_setup(void **state)
{
    struct model *model = model_create();

    *state = model;
    apply(model, shop, "");
    model_settle(model);
    return 0;
}

static int
shop_teardown(void **state)
{
    model_destroy(*state);
    return 0;
}

/* Returns what the request loosens, one statement a line.  The caller frees
 * it. */
static char *
loosened_by(struct model *model, struct model_request *request,
            const char *text)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    model_util_parse(request, text);
    if (model_apply(model, request, 1, &revision, &errors)) {
        for (size_t i = 0; i < errors.n; i++) {
            ds_put_format(&ds, "! %s %s\n", errors.errors[i].pointer,
                          errors.errors[i].text);
        }
    } else if (request->loosened) {
        for (size_t i = 0; i < request->loosened->n; i++) {
            const struct loosened_item *item = &request->loosened->items[i];

            ds_put_format(&ds, "%s: %s\n", item->kind, item->text);
        }
        if (request->loosened->n_more) {
            ds_put_format(&ds, "more: %"PRIu64"\n",
                          request->loosened->n_more);
        }
        if (request->loosened->is_partial) {
            ds_put_cstr(&ds, "partial\n");
        }
    }
    vmn_errors_uninit(&errors);
    model_request_uninit(request);
    return ds_steal_cstr(&ds);
}

static void
expect_as(struct model *model, const char *who,
          enum model_loosening loosening, const char *text,
          const char *expected)
{
    struct model_request request;
    char *got;

    model_request_init(&request, who);
    request.list = true;
    request.loosening = loosening;
    got = loosened_by(model, &request, text);
    if (strcmp(got, expected)) {
        fail_msg("%s\ngot\n%sexpected\n%s", text, got, expected);
    }
    free(got);
}

/* Expects the request to be applied, and to loosen this: one statement a
 * line. */
static void
expect(struct model *model, const char *text, const char *expected)
{
    expect_as(model, "test", MODEL_LOOSENING_BOUNDED, text, expected);
    model_settle(model);
}

/* The same; then takes the request back. */
static void
expect_once(struct model *model, const char *text, const char *expected)
{
    expect_as(model, "test", MODEL_LOOSENING_BOUNDED, text, expected);
    model_undo(model);
}

#define UNISOLATED "isolation: port \"db1\" is not isolated any more " \
                   "(ingress)\n"

static void
policy_that_is_enforced_no_longer_is_named(void **state)
{
    struct model *model = *state;

    expect_once(model, "patch policies db-in {'mode':'shadow'}",
                "enforcement: policy \"db-in\" is not enforced any more: mode "
                "enforce -> shadow\n" UNISOLATED);
    expect_once(model, "delete policies db-in",
                "enforcement: policy \"db-in\", which is enforced, is "
                "deleted\n" UNISOLATED);
    expect_once(model, "patch policies db-in {'applies_to':['web']}",
                UNISOLATED);
    expect_once(model, "patch policies db-in {'tier':'platform'}",
                UNISOLATED);
    expect_once(model, "patch policies db-in {'directions':['egress']}",
                UNISOLATED);
    /* Nothing is opened by what is not enforced, nor by words. */
    expect_once(model, "patch policies db-in {'description':'d',"
                "'labels':{'a':'b'}}", "");
    expect_once(model, "put policies p2 {'applies_to':['db'],"
                "'mode':'shadow','rules':[{'direction':'ingress',"
                "'action':'allow'}]}", "");
    /* Another policy isolates it, too. */
    expect(model, "put policies also {'applies_to':['db'],"
           "'directions':['ingress']}", "");
    expect(model, "delete policies also",
           "enforcement: policy \"also\", which is enforced, is deleted\n");
}

static void
port_that_leaves_isolation_is_named(void **state)
{
    struct model *model = *state;

    expect_once(model, "patch ports db1 {'labels':{'role':null}}",
                UNISOLATED);
    expect_once(model, "patch groups db {'selector':'role=sql'}",
                UNISOLATED);
    expect_once(model, "patch groups db {'selector':null,'ports':['web1']}",
                UNISOLATED);
    expect_once(model, "delete ports db1", "");
    expect_once(model, "put ports db2 {'network':'n',"
                "'labels':{'role':'db'}}", "");

    /* By a group inside of it, and by a cascade. */
    expect(model, "put groups inner {'ports':['other']}\n"
           "patch groups db {'groups':['inner']}", "");
    expect_once(model, "patch groups inner {'ports':[]}",
                "isolation: port \"other\" is not isolated any more "
                "(ingress)\n");
    expect_once(model, "cascade groups inner",
                "isolation: port \"other\" is not isolated any more "
                "(ingress)\n");
    expect_once(model, "cascade groups db",
                "enforcement: policy \"db-in\", which is enforced, is "
                "deleted\n"
                "isolation: ports \"db1\", \"other\" are not isolated any "
                "more (ingress)\n");

    /* By its network. */
    expect(model, "patch networks n {'default':'deny'}", "");
    expect_once(model, "patch networks n {'default':'allow'}",
                "isolation: ports of network \"n\" that no policy isolates "
                "are open: \"default\" deny -> allow\n");
}

/* Its network or its parent changes, and nothing else of it. */
static void
port_that_is_moved_is_named(void **state)
{
    struct model *model = *state;

    expect(model, "patch networks n {'default':'deny'}\n"
           "put networks open {" SUBNET "}\n"
           "put ports trunk {'network':'open','quarantined':true}\n"
           "put ports other-trunk {'network':'open'}\n"
           "put ports sub {'network':'open','parent':'trunk','vlan':7}", "");
    expect_once(model, "patch ports other {'network':'open'}",
                "exposure: port \"other\" moves to network \"open\", whose "
                "ports may reach it\n"
                "access: other addresses may reach port \"other\" on all "
                "services, which was denied\n");
    expect_once(model, "patch ports sub {'parent':'other-trunk'}",
                "quarantine: port \"sub\" is not quarantined any more\n");
}

/* A rule allows the new address of the port. */
static void
port_that_gets_an_allowed_address_is_named(void **state)
{
    struct model *model = *state;

    expect(model, "patch policies db-in {'rules':[{'direction':'ingress',"
           "'action':'allow','peers':[{'cidr':'10.0.0.96/28'}],"
           "'services':[{'service':'sql'}]}]}", "access: addresses of "
           "10.0.0.96/28 may reach port \"db1\" on tcp/5432, which was "
           "denied\n");
    expect(model, "patch ports other {'ips':['10.0.0.50']}", "");
    expect_once(model, "patch ports other {'ips':['10.0.0.100']}",
                "access: port \"other\" may reach port \"db1\" on tcp/5432, "
                "which was denied\n");
    expect_once(model, "patch ports other {'ips':['10.0.0.51']}", "");
}

static void
private_network_that_is_opened_is_named(void **state)
{
    struct model *model = *state;

    expect(model, "patch networks n {'isolation':'isolated'}", "");
    expect_once(model, "patch networks n {'isolation':null}",
                "isolation: ports of network \"n\" are not isolated from each "
                "other any more\n");
    expect(model, "patch ports web1 {'isolation':'community',"
           "'community':'a'}",
           "isolation: port \"web1\" may talk with more ports of its network: "
           "its \"isolation\" or \"community\" has changed\n");
    expect_once(model, "patch ports web1 {'isolation':'isolated',"
                "'community':null}", "");
    expect_once(model, "patch ports web1 {'community':'b'}",
                "isolation: port \"web1\" may talk with more ports of its "
                "network: its \"isolation\" or \"community\" has changed\n");
}

/* What a port may use, and send, besides what it could before. */
static void
port_that_may_use_more_addresses_is_named(void **state)
{
    struct model *model = *state;

    expect_once(model, "patch ports other {'allowed_addresses':"
                "[{'ip':'10.0.0.100'},{'ip':'10.0.0.112/28'}]}",
                "addresses: port \"other\" may use addresses besides its own: "
                "10.0.0.100/32, 10.0.0.112/28\n");
    expect(model, "patch policies db-in {'rules':[{'direction':'ingress',"
           "'action':'allow','peers':[{'cidr':'10.0.0.100'}]}]}",
           "access: addresses of 10.0.0.100/32 may reach port \"db1\" on all "
           "services, which was denied\n");
    expect(model, "patch ports other {'allowed_addresses':"
           "[{'ip':'10.0.0.96/28'}]}",
           "addresses: port \"other\" may use addresses besides its own: "
           "10.0.0.96/28\n");
    expect_once(model, "patch ports other {'allowed_addresses':"
                "[{'ip':'10.0.0.100'}]}", "");
    expect_once(model, "patch ports other {'allowed_addresses':[]}", "");
    expect_once(model, "patch ports other {'allowed_addresses':"
                "[{'ip':'10.0.0.97','mac':'02:00:00:00:00:77'}]}",
                "addresses: port \"other\" may use addresses besides its own: "
                "10.0.0.97/32\n");
    expect_once(model, "patch ports other {'unknown':true,'dhcp_server':true}",
                "addresses: port \"other\" may have guests behind it, with "
                "other addresses\n"
                "addresses: port \"other\" may be a DHCP server\n");
    expect_once(model, "put ports new {'network':'n','unknown':true}", "");
}

/* The rule allows an address that the port is allowed besides its own. */
static void
port_with_an_allowed_address_is_named(void **state)
{
    struct model *model = *state;

    expect(model, "patch ports other {'allowed_addresses':"
           "[{'ip':'10.0.0.100'}]}\n"
           "put groups others {'ports':['other']}\n"
           "put policies no {'applies_to':['db'],'tier':'security','rules':["
           "{'direction':'ingress','action':'deny','peers':["
           "{'cidr':'10.0.0.99'}]}]}",
           "addresses: port \"other\" may use addresses besides its own: "
           "10.0.0.100/32\n");
    expect_once(model, "patch groups web {'ports':['other']}",
                "access: port \"other\" may reach port \"db1\" on tcp/5432, "
                "which was denied\n");
}

static void
port_that_is_enabled_is_named(void **state)
{
    static const char enabled[] = "isolation: port \"other\" is not disabled "
                                  "any more\n";
    struct model *model = *state;

    expect(model, "patch ports other {'enabled':false}", "");
    expect_once(model, "patch ports other {'enabled':true}", enabled);
    expect_once(model, "patch ports other {'enabled':null}", enabled);
    expect(model, "put ports sub {'network':'n','parent':'other','vlan':7}",
           "");
    expect_once(model, "patch ports sub {'parent':'web1'}",
                "isolation: port \"sub\" is not disabled any more\n");
}

/* Another port gets the interface, and with it the VM. */
static void
vm_that_gets_another_port_is_named(void **state)
{
    struct model *model = *state;

    expect_once(model, "delete ports db1\n"
                "put ports free {'network':'n','iface_id':'db1'}",
                "isolation: port \"free\" has the interface of port \"db1\", "
                "and is not isolated (ingress)\n");
    expect_once(model, "patch ports db1 {'iface_id':'x'}\n"
                "patch ports other {'iface_id':'db1'}",
                "isolation: port \"other\" has the interface of port \"db1\", "
                "and is not isolated (ingress)\n");
    expect_once(model, "delete ports db1\n"
                "put ports db9 {'network':'n','iface_id':'db1',"
                "'labels':{'role':'db'}}", "");
    expect(model, "put quarantines q {'ports':['web1']}", "");
    expect_once(model, "patch quarantines q {'ports':[],"
                "'selector':'role=web'}\ndelete ports web1",
                "quarantine: port \"web1\", which is quarantined, is "
                "deleted\n");
    expect_once(model, "patch ports web1 {'iface_id':'x'}",
                "quarantine: port \"web1\", which is quarantined, leaves its "
                "interface\n");
    expect_once(model, "patch ports web1 {'iface_id':'x'}\n"
                "patch ports web2 {'iface_id':'web1'}\n"
                "patch quarantines q {'ports':['web1','web2']}", "");
}

#define OUT "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}\n"     \
    "put networks out {'provider':{'physical':'dc'},"                        \
    "'subnets':[{'cidr':'10.7.0.0/24','gateway':'10.7.0.1'}]}\n"
#define EXTERNAL "'network':'out','addresses':['10.7.0.9'],"                 \
    "'gateways':[{'host':'h1'}]"

static void
way_from_outside_is_named(void **state)
{
    struct model *model = *state;

    /* What a request creates was not apart before it. */
    expect(model, OUT
           "put networks m {'subnets':[{'cidr':'10.1.0.0/24',"
           "'gateway':'10.1.0.1'}]}\n"
           "put routers r {'interfaces':[{'network':'m'}]}", "");
    expect_once(model, "put networks k {'subnets':[{'cidr':'10.2.0.0/24',"
                "'gateway':'10.2.0.1'}]}\n"
                "patch routers r {'interfaces':[{'network':'k'},"
                "{'network':'m'}]}", "");
    expect(model, "patch routers r {'interfaces':[{'network':'m'},"
           "{'network':'n'}]}",
           "exposure: router \"r\" joins network \"m\", network \"n\"\n");
    expect(model, "patch routers r {'external':{" EXTERNAL "}}",
           "exposure: router \"r\" lets its networks reach outside by network "
           "\"out\"\n");
    expect_once(model, "patch routers r {'external':{'routed':true}}",
                "exposure: router \"r\" lets its networks reach outside, and "
                "be reached from there, by network \"out\"\n");
    expect_once(model, "patch routers r {'external':{'forwards':["
                "{'protocol':'tcp','port':8022,'to':'web1','target':22}]}}",
                "exposure: port \"web1\" may be reached from outside on "
                "tcp/22\n");
    expect(model, "patch routers r {'external':{'exempt':['192.0.2.0/24']}}",
           "exposure: networks of router \"r\" may be reached from "
           "192.0.2.0/24\n");
    expect_once(model, "patch routers r {'external':{'exempt':"
                "['192.0.2.0/25','198.51.100.0/24']}}",
                "exposure: networks of router \"r\" may be reached from "
                "198.51.100.0/24\n");
    expect_once(model, "patch routers r {'external':{'exempt':[]}}", "");
    /* A policy decides what reaches it. */
    expect(model, "put floating-ips f {'router':'r','ip':'10.7.0.20',"
           "'port':'db1'}", "");
    expect_once(model, "patch floating-ips f {'description':'d'}", "");
    expect_once(model, "patch floating-ips f {'port':'web1'}",
                "exposure: floating-ip \"f\" opens all TCP, UDP and SCTP "
                "ports, and pings, from outside, except what a rule denies: "
                "no policy isolates port \"web1\" in ingress, and "
                "\"default\" of network \"n\" is allow (vmnctl reachability "
                "--from outside --to port/web1)\n");
    expect_once(model, "delete floating-ips f", "");
    expect_once(model, "delete floating-ips f\ndelete routers r", "");
    expect(model, "put networks w {'subnets':[{'cidr':'10.9.0.0/24'}]}", "");
    expect_once(model, "patch networks w {'provider':{'physical':'dc',"
                "'vlan':9}}", "exposure: network \"w\" is joined to physical "
                "network \"dc\"\n");
}

#define GUARD_FIELDS(MORE) "'fields':[{'name':'network','type':'ref',"        \
    "'ref':'networks','doc':'N.'},{'name':'selector','type':'selector',"      \
    "'doc':'S.'},{'name':'mode','type':'enum','values':['shadow','enforce']," \
    "'default':1,'doc':'M.'},{'name':'ports','type':'int','set':true,"        \
    "'doc':'P.'}" MORE "]"

/* Apps whose traffic passes without them, and one that does not deny. */
static void
load_apps(struct model *model)
{
    model_show_types(model);
    expect_as(model, "vmnd", MODEL_LOOSENING_BOUNDED,
              "put apps firewall {'module':{'denies':true}}\n"
              "put apps mirrors {'module':{'file':'mirrors.so'}}\n"
              "put apps guards {'module':{'file':'guards.lua',"
              "'denies':true}}\n"
              "put types guards {'app':'guards','singular':'guard',"
              "'doc':'G.'," GUARD_FIELDS("") "}\n"
              "put types guards-order {'app':'guards','singular':'turn',"
              "'doc':'T.'," GUARD_FIELDS(",{'name':'priority','type':'int',"
              "'doc':'P.'},{'name':'through','type':'ref','ref':'ports',"
              "'doc':'T.'}") "}\n"
              "put types guards-settings {'app':'guards','singular':"
              "'setting','single':true,'doc':'S.','fields':["
              "{'name':'exempt','type':'selector','doc':'E.'}]}\n"
              "put types mirrors {'app':'mirrors','singular':'mirror',"
              "'doc':'M.'," GUARD_FIELDS("") "}", "");
    model_settle(model);
}

static void
app_that_denies_nothing_any_more_is_named(void **state)
{
    struct model *model = *state;

    load_apps(model);
    expect_once(model, "patch apps firewall {'enabled':false}",
                "enforcement: app \"firewall\" is disabled, and denies "
                "nothing any more\n");
    expect_once(model, "patch apps mirrors {'enabled':false}", "");
    expect_once(model, "patch apps guards {'enabled':false}",
                "enforcement: app \"guards\" is disabled, and denies "
                "nothing any more\n");
    expect(model, "patch apps firewall {'max_memory_mib':100}", "");
}

static void
object_of_an_app_that_denies_is_named(void **state)
{
    struct model *model = *state;

    load_apps(model);
    expect(model, "put guards no-mail {'network':'n','selector':'role=web',"
           "'ports':[25]}\nput mirrors m {'selector':'role=web'}", "");
    expect_once(model, "delete guards no-mail",
                "enforcement: guard \"no-mail\" is deleted, and denies "
                "nothing any more\n");
    expect_once(model, "patch guards no-mail {'ports':[],'selector':'a'}",
                "enforcement: guard \"no-mail\" has changed, and may deny "
                "less: selector, ports\n");
    expect_once(model, "patch guards no-mail {'labels':{'a':'b'},"
                "'description':'d'}", "");
    expect_once(model, "put guards other {'network':'n'}", "");
    expect_once(model, "patch mirrors m {'selector':'a'}", "");
    expect_once(model, "delete mirrors m", "");

    /* A shadow denies nothing. */
    expect(model, "patch guards no-mail {'mode':'shadow'}",
           "enforcement: guard \"no-mail\" has changed, and may deny less: "
           "mode\n");
    expect_once(model, "patch guards no-mail {'ports':[]}", "");
    expect_once(model, "delete guards no-mail", "");
    expect(model, "patch guards no-mail {'mode':'enforce'}", "");

    /* One comes before another. */
    expect(model, "put guards-order a {'network':'n','priority':5}", "");
    expect_once(model, "put guards-order b {'network':'n'}",
                "enforcement: turn \"b\" is new, and may come before "
                "another turn\n");

    /* What has no effect denies nothing. */
    expect(model, "patch apps guards {'enabled':false}",
           "enforcement: app \"guards\" is disabled, and denies nothing any "
           "more\n");
    expect_once(model, "delete guards no-mail", "");
}

/* What passes through it may pass without it. */
static void
function_of_an_app_that_is_out_of_use_is_named(void **state)
{
    struct model *model = *state;

    load_apps(model);
    expect(model, "put guards-order a {'network':'n','through':'other'}", "");
    expect_once(model, "patch ports other {'enabled':false}",
                "enforcement: turn \"a\" names port \"other\", which is out "
                "of use, and may deny less\n");
    expect_once(model, "patch ports other {'quarantined':true}",
                "enforcement: turn \"a\" names port \"other\", which is out "
                "of use, and may deny less\n");
    expect_once(model, "patch ports web1 {'enabled':false}", "");
    expect_once(model, "cascade ports other",
                "enforcement: turn \"a\" is deleted, and denies nothing any "
                "more\n");
}

static void
port_that_an_app_denies_nothing_any_more_is_named(void **state)
{
    struct model *model = *state;

    load_apps(model);
    expect(model, "put networks far {'subnets':[{'cidr':'10.9.0.0/24'}]}\n"
           "put networks n2 {" SUBNET "}\n"
           "put ports far {'network':'far','labels':{'role':'web'}}\n"
           "put guards no-mail {'network':'n','selector':'role=web'}\n"
           "put mirrors m {'selector':'role=web'}", "");
    expect_once(model, "patch ports web1 {'labels':{'role':null}}\n"
                "patch ports web2 {'labels':{'role':'x'}}",
                "enforcement: guard \"no-mail\" does not concern ports "
                "\"web1\", \"web2\" any more\n");
    expect_once(model, "patch ports far {'labels':null}", "");
    expect_once(model, "patch ports other {'labels':{'role':'web'}}",
                "access: port \"other\" may reach port \"db1\" on "
                "tcp/5432, which was denied\n");
    expect_once(model, "patch ports web1 {'network':'n2'}",
                "exposure: port \"web1\" moves to network \"n2\", whose "
                "ports may reach it\n"
                "enforcement: guard \"no-mail\" does not concern port "
                "\"web1\" any more\n");
    expect(model, "put guards-settings default {'exempt':'free=y'}",
           "enforcement: setting \"default\" is new, and app "
           "\"guards\" may deny less\n");
    expect_once(model, "patch ports db1 {'labels':{'free':'y'}}",
                "enforcement: setting \"default\" concerns port \"db1\", "
                "and may exempt it\n");
}

static void
port_that_leaves_quarantine_is_named(void **state)
{
    static const char released[] = "quarantine: port \"web1\" is not "
                                   "quarantined any more\n";
    struct model *model = *state;

    expect(model, "put quarantines q {'ports':['web1']}", "");
    expect_once(model, "delete quarantines q", released);
    expect_once(model, "patch quarantines q {'ports':['web2']}", released);
    expect(model, "put quarantines q2 {'selector':'role=web'}", "");
    expect(model, "delete quarantines q", "");
    expect_once(model, "patch ports web1 {'labels':{'role':'x'}}", released);
    expect_once(model, "patch quarantines q2 {'selector':'role=db'}",
                "quarantine: ports \"web1\", \"web2\" are not quarantined any "
                "more\n");
    expect_once(model, "delete quarantines q2",
                "quarantine: ports \"web1\", \"web2\" are not quarantined any "
                "more\n");
    expect_once(model, "patch quarantines q2 {'allow':[{'direction':'ingress',"
                "'peers':[{'cidr':'192.0.2.0/24'}]}]}",
                "access: addresses of 192.0.2.0/24 may reach ports \"web1\", "
                "\"web2\" on all services, which was denied\n");
    expect(model, "patch ports other {'quarantined':true}", "");
    expect(model, "patch ports other {'quarantined':false}",
           "quarantine: port \"other\" is not quarantined any more\n");
}

static void
connection_that_was_denied_is_named(void **state)
{
    struct model *model = *state;

    /* By a rule, a service, a label, a group's ports or addresses. */
    expect_once(model, "put policies p2 {'applies_to':['db'],"
                "'rules':[{'direction':'ingress','action':'allow',"
                "'peers':[{'group':'web'}],'services':[{'protocol':'tcp',"
                "'ports':['22-23']},{'protocol':'icmp','icmp_type':8}]}]}",
                "access: ports \"web1\", \"web2\" may reach port \"db1\" on "
                "tcp/22-23, icmp type 8, which was denied\n");
    expect_once(model, "patch services sql {'entries':[{'protocol':'tcp',"
                "'ports':['5430-5440']}]}",
                "access: ports \"web1\", \"web2\" may reach port \"db1\" on "
                "tcp/5430-5431, tcp/5433-5440, which was denied\n");
    expect_once(model, "patch services sql {'entries':[{'protocol':'tcp'"
                "}]}",
                "access: ports \"web1\", \"web2\" may reach port \"db1\" on "
                "tcp/0-5431, tcp/5433-65535, which was denied\n");
    expect_once(model, "patch ports other {'labels':{'role':'web'}}",
                "access: port \"other\" may reach port \"db1\" on tcp/5432, "
                "which was denied\n");
    expect_once(model, "patch groups web {'ports':['other']}",
                "access: port \"other\" may reach port \"db1\" on tcp/5432, "
                "which was denied\n");
    expect_once(model, "patch groups web {'cidrs':['10.0.0.96/27']}",
                "access: addresses of 10.0.0.96/27 may reach port \"db1\" on "
                "tcp/5432, which was denied\n");
    expect_once(model, "patch policies db-in {'rules':[{'direction':"
                "'ingress','action':'allow'}]}",
                "access: ports \"web1\", \"web2\" may reach port \"db1\" on "
                "tcp/0-5431, tcp/5433-65535, udp, sctp, icmp, icmpv6, other "
                "protocols, which was denied\n"
                "access: other addresses may reach port \"db1\" on all "
                "services, which was denied\n");
    /* A tighter policy, or one of ports that were open, opens nothing. */
    expect_once(model, "patch policies db-in {'rules':[],"
                "'directions':['ingress']}", "");
    expect_once(model, "put policies p2 {'applies_to':['web'],"
                "'rules':[{'direction':'ingress','action':'allow',"
                "'services':[{'protocol':'tcp','ports':[80]}]}]}", "");
    expect_once(model, "put ports web3 {'network':'n',"
                "'labels':{'role':'web'}}", "");
}

/* Rules of the other side tell ports apart that are alike otherwise. */
static void
connection_of_one_of_several_addresses_is_named(void **state)
{
    struct model *model = *state;

    expect(model, "put ports db2 {'network':'n','ips':['10.0.0.70',"
           "'10.0.0.71'],'labels':{'role':'db'}}\n"
           "put policies out {'applies_to':['web'],'rules':[{'direction':"
           "'egress','action':'allow','peers':[{'cidr':'10.0.0.71/32'}]}]}",
           "");
    expect_once(model, "put policies p2 {'applies_to':['db'],"
                "'rules':[{'direction':'ingress','action':'allow',"
                "'peers':[{'group':'web'}],'services':[{'protocol':'tcp',"
                "'ports':[22]}]}]}",
                "access: ports \"web1\", \"web2\" may reach ports \"db1\", "
                "\"db2\" on tcp/22, which was denied\n");
}

static void
name_that_gets_more_addresses_is_named(void **state)
{
    struct model *model = *state;

    expect(model, "put dns-zones z {'domain':'shop.test','networks':['n'],"
           "'records':[{'name':'api','type':'A','values':['192.0.2.1']}]}",
           "");
    expect(model, "put policies out {'applies_to':['web'],'rules':["
           "{'direction':'egress','action':'allow','peers':["
           "{'fqdn':'api.shop.test'}]}]}", "");
    expect_once(model, "patch dns-zones z {'records':["
                "{'name':'api','type':'A','values':['192.0.2.1',"
                "'192.0.2.2']}]}", "access: dns-zone \"z\" may have more "
                "addresses for api.shop.test, which policy \"out\" "
                "allows\n");
    expect_once(model, "patch dns-zones z {'ttl':7}", "");
    expect_once(model, "patch dns-zones z {'records':[]}", "");
    expect_once(model, "put dns-zones y {'domain':'other.test',"
                "'networks':['n']}", "");
}

static void
denial_that_ends_is_named(void **state)
{
    struct model *model = *state;

    expect(model, "put policies no-ssh {'applies_to':['web'],"
           "'tier':'security','rules':[{'direction':'ingress',"
           "'action':'deny','peers':[{'group':'db'}],'services':"
           "[{'protocol':'tcp','ports':[22]}]}]}", "");
    expect_once(model, "delete policies no-ssh",
                "enforcement: policy \"no-ssh\", which is enforced, is "
                "deleted\n"
                "access: port \"db1\" may reach ports \"web1\", \"web2\" on "
                "tcp/22, which was denied\n");
    expect_once(model, "patch policies no-ssh {'rules':[{'direction':"
                "'ingress','action':'deny','peers':[{'group':'db'}],"
                "'services':[{'protocol':'tcp','ports':[23]}]}]}",
                "access: port \"db1\" may reach ports \"web1\", \"web2\" on "
                "tcp/22, which was denied\n");
    expect_once(model, "patch ports db1 {'labels':{'role':'db','x':'y'}}",
                "");
    expect_once(model, "patch groups db {'selector':'x=y','ports':['other']}",
                UNISOLATED
                "access: port \"db1\" may reach ports \"web1\", \"web2\" on "
                "tcp/22, which was denied\n");

    /* By what comes before it: a rule, and another order of tiers. */
    expect_once(model, "put policies p2 {'applies_to':['web'],"
                "'tier':'emergency','rules':[{'direction':'ingress',"
                "'action':'allow'}]}",
                "access: port \"db1\" may reach ports \"web1\", \"web2\" on "
                "tcp/22, which was denied\n");
    expect(model, "put tiers late {'position':10}\n"
           "put policies yes {'applies_to':['web'],'tier':'late',"
           "'rules':[{'direction':'ingress','action':'allow'}]}", "");
    expect_once(model, "patch tiers late {'position':2}",
                "access: port \"db1\" may reach ports \"web1\", \"web2\" on "
                "tcp/22, which was denied\n");
    expect_once(model, "patch policies no-ssh {'tier':'baseline'}",
                "access: port \"db1\" may reach ports \"web1\", \"web2\" on "
                "tcp/22, which was denied\n");
    /* The other side denies it still. */
    expect(model, "put policies quiet {'applies_to':['db'],"
           "'directions':['egress']}", "");
    expect_once(model, "delete policies no-ssh",
                "enforcement: policy \"no-ssh\", which is enforced, is "
                "deleted\n");
}

static void
window_that_is_wider_is_named(void **state)
{
    struct model *model = *state;

    expect(model, "put policies night {'applies_to':['db'],"
           "'rules':[{'direction':'ingress','action':'allow',"
           "'peers':[{'cidr':'192.0.2.0/24'}],'services':"
           "[{'protocol':'tcp','ports':[22]}],"
           "'windows':[{'start':'22:00','end':'23:00'}]}]}",
           "access: addresses of 192.0.2.0/24 may reach port \"db1\" on "
           "tcp/22, which was denied\n");
    expect_once(model, "patch policies night {'description':'x'}", "");
    expect_once(model, "patch policies night {'priority':7}", "");
    expect_once(model, "patch policies night {'rules':[{'direction':"
                "'ingress','action':'allow','peers':[{'cidr':'192.0.2.0/24'}],"
                "'services':[{'protocol':'tcp','ports':[22]}],"
                "'windows':[{'start':'08:00','end':'23:00'}]}]}",
                "access: addresses of 192.0.2.0/24 may reach port \"db1\" on "
                "tcp/22, which was denied\n");
    expect_once(model, "patch policies night {'rules':[{'direction':"
                "'ingress','action':'allow','peers':[{'cidr':'192.0.2.0/24'}],"
                "'services':[{'protocol':'tcp','ports':[22]}]}]}",
                "access: addresses of 192.0.2.0/24 may reach port \"db1\" on "
                "tcp/22, which was denied\n");
}

static void
request_that_must_loosen_nothing_is_refused(void **state)
{
    struct model *model = *state;

    expect_as(model, "test", MODEL_LOOSENING_REFUSED,
              "patch ports other {'description':'d'}\n"
              "patch policies db-in {'mode':'shadow'}",
              "! /1/mode would loosen: policy \"db-in\" is not enforced any "
              "more: mode enforce -> shadow\n"
              "!  would loosen: port \"db1\" is not isolated any more "
              "(ingress)\n");
    assert_null(get_port(model, "other")->description);
    expect_as(model, "test", MODEL_LOOSENING_REFUSED,
              "patch ports other {'description':'d'}\n"
              "put policies p2 {'applies_to':['web'],"
              "'directions':['egress']}", "");
    /* Hosts and vmnd report what has happened. */
    expect_as(model, "vmnd", MODEL_LOOSENING_BOUNDED,
              "patch policies db-in {'mode':'shadow'}", "");
}

static void
account_learns_no_name_that_it_does_not_see(void **state)
{
    struct model *model = *state;
    struct model_request request;
    char *got;

    apply(model, "patch ports web1 {'labels':{'role':'web','t':'a'}}\n"
          "patch ports db1 {'labels':{'role':'db','t':'b'}}\n"
          "put groups mine {'selector':'t=a','labels':{'t':'a'}}\n"
          "put policies mine {'applies_to':['mine'],'labels':{'t':'a'},"
          "'directions':['ingress']}\n"
          "patch groups db {'selector':'role=db,!x'}", "");
    model_settle(model);
    model_request_init(&request, "test");
    request.rights = model_util_rights("t=a", "role=x", NULL, false);
    got = loosened_by(model, &request,
                      "patch policies mine {'mode':'shadow'}");
    assert_string_equal(got, "enforcement: policy \"mine\" is not enforced "
                        "any more: mode enforce -> shadow\n"
                        "isolation: port \"web1\" is not isolated any more "
                        "(ingress)\n");
    free(got);
    model_undo(model);

    /* Its label opens another's port by another's policy. */
    apply(model, "patch networks n {'labels':{'shared':'y'}}\n"
          "put groups open {'selector':'open=yes'}\n"
          "put policies pair {'applies_to':['db','mine'],'rules':"
          "[{'direction':'ingress','action':'allow','peers':"
          "[{'group':'open'},{'cidr':'192.0.2.0/24'}],"
          "'services':[{'protocol':'tcp','ports':[22]}]}]}", "");
    model_settle(model);
    model_request_init(&request, "test");
    request.rights = model_util_rights("t=a", "shared=y", NULL, false);
    got = loosened_by(model, &request, "patch ports web1 "
                      "{'labels':{'role':'web','t':'a','open':'yes'}}");
    assert_string_equal(got, "access: 1 port outside of this account's scope "
                        "may be reached by what was denied\n");
    free(got);
}

static void
account_learns_no_prefix_that_it_does_not_see(void **state)
{
    struct model *model = *state;
    struct model_request request;
    char *got;

    /* Another's policy denied what its own allows; a third one, which decides
     * nothing here, has another prefix. */
    apply(model, "patch networks n {'labels':{'shared':'y'}}\n"
          "put groups mine {'selector':'t=a','labels':{'t':'a'}}\n"
          "patch ports web1 {'labels':{'t':'a','mark':'y'}}\n"
          "put policies mine {'applies_to':['mine'],'labels':{'t':'a'},"
          "'rules':[{'direction':'ingress','action':'allow'}]}\n"
          "put groups marked {'selector':'mark=y'}\n"
          "put policies sec {'applies_to':['marked'],'tier':'security',"
          "'rules':[{'direction':'ingress','action':'deny',"
          "'peers':[{'cidr':'198.51.100.0/24'}]}]}\n"
          "put policies low {'applies_to':['mine'],'tier':'baseline',"
          "'rules':[{'direction':'ingress','action':'deny',"
          "'peers':[{'cidr':'203.0.113.0/24'}]}]}", "");
    model_settle(model);
    model_request_init(&request, "test");
    request.rights = model_util_rights("t=a", "shared=y", NULL, false);
    got = loosened_by(model, &request,
                      "patch ports web1 {'labels':{'mark':null}}");
    assert_string_equal(got, "access: port \"web1\" may be reached by what "
                        "was denied\n");
    free(got);
    model_undo(model);
    apply(model, "patch policies mine {'rules':[]}", "");
    model_settle(model);
    model_request_init(&request, "test");
    request.rights = model_util_rights("t=a", "shared=y", NULL, false);
    got = loosened_by(model, &request, "patch policies mine {'rules':["
                      "{'direction':'ingress','action':'allow'}]}");
    assert_null(strstr(got, "203.0.113"));
    assert_non_null(strstr(got, "access: other addresses may reach port "
                           "\"web1\" on all services, which was denied\n"));
    free(got);
}

static void
work_for_one_request_is_bounded(void **state)
{
    struct model *model = *state;
    struct ds ds = DS_EMPTY_INITIALIZER;
    char *got;

    ds_put_cstr(&ds, "patch networks n {'subnets':["
                "{'cidr':'10.0.0.0/16'}]}\n"
                "put groups named {'selector':'kind'}\n");
    for (int i = 0; i < 4000; i++) {
        ds_put_format(&ds, "put ports q%d {'network':'n','labels':"
                      "{'role':'db','kind':'k%d'}}\n", i, i);
    }
    apply(model, ds_cstr(&ds), "");
    model_settle(model);
    for (int full = 0; full < 2; full++) {
        struct model_request request;

        model_request_init(&request, "test");
        request.loosening = full ? MODEL_LOOSENING_FULL
                            : MODEL_LOOSENING_BOUNDED;
        got = loosened_by(model, &request,
                          "patch policies db-in {'mode':'shadow'}");
        assert_non_null(strstr(got, "enforce -> shadow"));
        assert_int_equal(strstr(got, "partial") == NULL, full);
        assert_int_equal(strstr(got, "and 3997 more") != NULL, full);
        free(got);
        model_undo(model);
    }
    ds_destroy(&ds);
}

/* No two of the ports are alike, and each is a peer of all others. */
static void
work_for_many_kinds_of_ports_is_bounded(void **state)
{
    struct model *model = *state;
    struct ds put = DS_EMPTY_INITIALIZER, patch = DS_EMPTY_INITIALIZER;
    struct model_request request;
    char *got;

    ds_put_cstr(&put, "patch networks n {'subnets':["
                "{'cidr':'10.0.0.0/16'}]}\n"
                "put groups all {'selector':'all=y'}\n"
                "put policies all {'applies_to':['all'],'rules':["
                "{'direction':'ingress','action':'allow',"
                "'peers':[{'group':'all'}]}]}\n");
    for (int i = 0; i < 2000; i++) {
        ds_put_format(&put, "put groups k%d {'ports':['q%d']}\n"
                      "put ports q%d {'network':'n','labels':"
                      "{'all':'y','kind':'a'}}\n", i, i, i);
        ds_put_format(&patch, "patch ports q%d {'labels':{'kind':'b'}}\n",
                      i);
    }
    apply(model, ds_cstr(&put), "");
    model_settle(model);
    model_request_init(&request, "test");
    got = loosened_by(model, &request, ds_cstr(&patch));
    assert_string_equal(got, "partial\n");
    free(got);
    ds_destroy(&patch);
    ds_destroy(&put);
}

/* Of 6,000 ports that are in 150 groups, 150 are compared with each other, not
 * with all ports. */
static void
ports_that_are_alike_are_compared_once(void **state)
{
    struct model *model = *state;
    struct ds put = DS_EMPTY_INITIALIZER;
    struct model_request request;
    char *got;

    ds_put_cstr(&put, "patch networks n {'subnets':["
                "{'cidr':'10.0.0.0/16'}]}\n"
                "put groups all {'selector':'all=y'}\n"
                "put policies all {'applies_to':['all'],'rules':["
                "{'direction':'ingress','action':'allow',"
                "'peers':[{'group':'all'}]}]}\n");
    for (int i = 0; i < 150; i++) {
        ds_put_format(&put, "put groups k%d {'selector':'kind=k%d'}\n", i, i);
    }
    for (int i = 0; i < 6000; i++) {
        ds_put_format(&put, "put ports q%d {'network':'n','labels':"
                      "{'all':'y','kind':'k%d'}}\n", i, i % 150);
    }
    apply(model, ds_cstr(&put), "");
    model_settle(model);
    model_request_init(&request, "test");
    request.loosening = MODEL_LOOSENING_FULL;
    got = loosened_by(model, &request, "patch policies all {'rules':["
                      "{'direction':'ingress','action':'allow',"
                      "'peers':[{'group':'all'}],'services':["
                      "{'protocol':'tcp','ports':['80']}]}]}");
    assert_string_equal(got, "");
    free(got);
    ds_destroy(&put);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, shop_setup, \
                                                   shop_teardown)
    const struct CMUnitTest tests[] = {
        TEST(policy_that_is_enforced_no_longer_is_named),
        TEST(port_that_leaves_isolation_is_named),
        TEST(port_that_is_moved_is_named),
        TEST(port_that_gets_an_allowed_address_is_named),
        TEST(private_network_that_is_opened_is_named),
        TEST(port_that_may_use_more_addresses_is_named),
        TEST(port_with_an_allowed_address_is_named),
        TEST(port_that_is_enabled_is_named),
        TEST(vm_that_gets_another_port_is_named),
        TEST(way_from_outside_is_named),
        TEST(app_that_denies_nothing_any_more_is_named),
        TEST(object_of_an_app_that_denies_is_named),
        TEST(function_of_an_app_that_is_out_of_use_is_named),
        TEST(port_that_an_app_denies_nothing_any_more_is_named),
        TEST(port_that_leaves_quarantine_is_named),
        TEST(connection_that_was_denied_is_named),
        TEST(connection_of_one_of_several_addresses_is_named),
        TEST(name_that_gets_more_addresses_is_named),
        TEST(denial_that_ends_is_named),
        TEST(window_that_is_wider_is_named),
        TEST(request_that_must_loosen_nothing_is_refused),
        TEST(account_learns_no_name_that_it_does_not_see),
        TEST(account_learns_no_prefix_that_it_does_not_see),
        TEST(work_for_one_request_is_bounded),
        TEST(work_for_many_kinds_of_ports_is_bounded),
        TEST(ports_that_are_alike_are_compared_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
