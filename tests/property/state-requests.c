/* SPDX-License-Identifier: Apache-2.0
 *
 * Random operations on all resources; see state-random.h. */

#include <config.h>

#include "tests/property/state-random.h"

#include <string.h>

#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"

/* Of ports; all but the last two of networks as well. */
static const char *const isolations[] = {
    "promiscuous", "isolated", "community", "nothing",
};

static void
put_port(struct ds *ds)
{
    put_ref(ds, "network", VMN_TABLE_NETWORK);
    if (chance(30)) {
        ds_put_format(ds, ",'ips':['10.%u.0.%u'%s]", rnd(3), rnd(9),
                      chance(70) ? "" : ",'fd00::5'");
    } else if (chance(10)) {
        ds_put_format(ds, ",'ips':['%s']", edge_ip());
    }
    if (chance(20)) {
        ds_put_format(ds, ",'mac':'02:00:00:00:00:0%u'", rnd(6));
    } else if (chance(5)) {
        ds_put_format(ds, ",'mac':'%s'", edge_mac());
    }
    if (chance(20)) {
        put_ref(ds, "host", VMN_TABLE_HOST);
    } else if (chance(10)) {
        put_refs(ds, "hosts", VMN_TABLE_HOST);
        if (chance(30)) {
            ds_put_cstr(ds, ",'failover':true");
        }
    }
    if (chance(10)) {
        ds_put_cstr(ds, ",'migration':{'to':'");
        put_name(ds, VMN_TABLE_HOST);
        ds_put_format(ds, "'%s}", chance(30) ? ",'activated':true" : "");
    }
    if (chance(10)) {
        ds_put_format(ds, ",'iface_id':'p%u'", rnd(14));
    } else if (chance(3)) {
        ds_put_format(ds, ",'iface_id':'._-%s'", rnd(2) ? A60 : "A" A60);
    }
    if (chance(60)) {
        ds_put_format(ds, ",'labels':{'role':'%c','k%u':''",
                      "abc"[rnd(3)], rnd(3));
        if (chance(10)) {
            ds_put_format(ds, ",%s", edge_label());
        }
        ds_put_char(ds, '}');
    }
    if (chance(10)) {
        ds_put_format(ds, ",'allowed_addresses':[{'ip':'%s'},{'ip':'%s',"
                      "'mac':'%s'}]", edge_prefix(), edge_ip(),
                      edge_mac());
    }
    if (chance(20)) {
        put_ref(ds, "parent", VMN_TABLE_PORT);
        ds_put_format(ds, ",'vlan':%u", chance(90) ? 1 + rnd(3)
                      : chance(50) ? 4094 : rnd(2) * 4095);
    }
    if (chance(10)) {
        ds_put_cstr(ds, ",'unknown':true");
    }
    if (chance(25)) {
        ds_put_format(ds, ",'isolation':'%s'",
                      isolations[rnd(ARRAY_SIZE(isolations))]);
        if (chance(50)) {
            ds_put_format(ds, ",'community':'c%u'", rnd(3));
        }
    }
}

static void
put_network(struct ds *ds, const char *name)
{
    if (chance(50)) {
        ds_put_format(ds, ",'isolation':'%s'",
                      isolations[rnd(ARRAY_SIZE(isolations) - 1)]);
    }

    static const unsigned mtus[] = { 575, 576, 1500, 9216, 9217 };

    if (chance(40)) {
        ds_put_format(ds, ",'vni':%u", 1 + rnd(6));
    } else if (chance(10)) {
        ds_put_format(ds, ",'vni':%u", 16777214 + rnd(3));
    }
    if (chance(10)) {
        ds_put_format(ds, ",'mtu':%u", PICK(mtus));
    }
    if (chance(25)) {
        ds_put_format(ds, ",'provider':{'physical':'dc'%s}",
                      chance(50) ? "" : ",'vlan':7");
    }
    /* These two have little else, or their ports would keep edges away. */
    if (name[1] >= '4' || chance(5)) {
        ds_put_format(ds, ",'subnets':[{'cidr':'%s'}", edge_prefix());
        if (chance(50)) {
            ds_put_format(ds, ",{'cidr':'%s','gateway':'%s'}",
                          edge_prefix(), edge_ip());
        }
        ds_put_char(ds, ']');
        return;
    }
    if (chance(80)) {
        ds_put_cstr(ds, ",'subnets':[");
        for (unsigned i = rnd(3); i < 3; i++) {
            ds_put_format(ds, "{'cidr':'10.%u.0.0/28'%s},", i,
                          i || chance(70) ? "" : ",'gateway':'10.0.0.1'");
        }
        ds_put_cstr(ds, chance(50) ? "{'cidr':'fd00::/125'}" : "");
        ds_chomp(ds, ',');
        ds_put_char(ds, ']');
    }
}

static void
put_rule(struct ds *ds, bool has_action)
{
    ds_put_format(ds, "{'direction':'%s'",
                  chance(50) ? "egress" : "ingress");
    if (has_action) {
        ds_put_format(ds, ",'action':'%s'", chance(50) ? "allow" : "deny");
    }
    if (chance(60)) {
        ds_put_cstr(ds, ",'peers':[{'group':'");
        put_name(ds, VMN_TABLE_GROUP);
        ds_put_cstr(ds, "'}");
        if (chance(30)) {
            ds_put_format(ds, ",{'cidr':'%s'}", edge_prefix());
        } else if (chance(10)) {
            ds_put_format(ds, ",{'cidr':'0.0.0.0/0','except':['%s']}",
                          edge_prefix());
        } else if (chance(10)) {
            ds_put_cstr(ds, ",{'fqdn':'");
            put_name(ds, VMN_TABLE_FQDN);
            ds_put_cstr(ds, "'}");
        }
        ds_put_char(ds, ']');
    } else if (chance(5)) {
        ds_put_cstr(ds, ",'peers':[]");
    }
    if (chance(50)) {
        ds_put_cstr(ds, ",'services':[{'service':'");
        put_name(ds, VMN_TABLE_SERVICE);
        ds_put_cstr(ds, "'}");
        if (chance(30)) {
            struct ds entry = DS_EMPTY_INITIALIZER;

            put_service_entry(&entry);
            ds_put_format(ds, ",{%s}", ds_cstr(&entry) + 1);
            ds_destroy(&entry);
        }
        ds_put_char(ds, ']');
    }
    ds_put_char(ds, '}');
}

static void
put_policy(struct ds *ds)
{
    static const char *const directions[] = {
        "", "'ingress'", "'egress'", "'egress','ingress','egress'",
    };

    put_refs(ds, "applies_to", VMN_TABLE_GROUP);
    if (chance(20)) {
        ds_put_format(ds, ",'directions':[%s]", PICK(directions));
    }
    if (chance(10)) {
        put_ref(ds, "tier", VMN_TABLE_TIER);
        ds_put_format(ds, ",'priority':%u", 999 * rnd(2) + rnd(2));
    }
    if (chance(70)) {
        ds_put_cstr(ds, ",'rules':[");
        for (unsigned i = 0, n = 1 + rnd(3); i < n; i++) {
            ds_put_cstr(ds, i ? "," : "");
            put_rule(ds, chance(99));
        }
        ds_put_char(ds, ']');
    }
}

static void
put_selector(struct ds *ds)
{
    static const char *const selectors[] = {
        "", "role=a", "role in (a,b)", "!role", "role!=a,k0", "k1=",
        " role in ( b, a,b ) ", "k1==", "role in (a)",
    };

    ds_put_format(ds, ",'selector':'%s'",
                  selectors[rnd(ARRAY_SIZE(selectors))]);
}

static void
put_quarantine(struct ds *ds)
{
    if (chance(50)) {
        put_selector(ds);
    }
    if (chance(60)) {
        put_refs(ds, "ports", VMN_TABLE_PORT);
    }
    if (chance(50)) {
        ds_put_cstr(ds, ",'allow':[");
        for (unsigned i = 0, n = 1 + rnd(2); i < n; i++) {
            ds_put_cstr(ds, i ? "," : "");
            put_rule(ds, chance(3));
        }
        ds_put_char(ds, ']');
    }
}

static void
put_loadbalancer(struct ds *ds)
{
    static const unsigned weights[] = { 0, 1, 100, 101 };
    static const char *const more[] = {
        ",'health':{'type':'tcp'},'when_down':'cut'",
        ",'health':{'type':'http','path':'/a?b=c','host':'a:1','expect':"
        "[200,'300-399']}", ",'health':{'type':'http','expect':[99]}",
        ",'health':{'type':'ping','timeout_ms':60000}",
        ",'health':{'type':'udp','port':65535,'send':'\\u0001'}",
        ",'health':{}", ",'affinity':{}", ",'affinity':{'seconds':65536}",
        ",'locality':'prefer','min_serving':256", ",'locality':'require'",
        ",'drain_seconds':1", ",'scale':{'metric':'bytes','high':2,'low':1}",
        ",'scale':{'metric':'packets','high':2,'low':2}",
        ",'scale':{'metric':'connections','low':1,'webhook':'http://a@b/'}",
        ",'client_limit':{'rate':1}", ",'client_limit':{'rate':5,'burst':1}",
        ",'client_limit':{'burst':1}", ",'client_limit':{'rate':100001}",
    };

    if (chance(90)) {
        ds_put_format(ds, ",'vip':'10.%u.0.%u'", rnd(3),
                      chance(70) ? 1 + rnd(12) : chance(50) ? 0 : 15);
    } else {
        ds_put_format(ds, ",'vip':'%s'", edge_ip());
    }
    ds_put_format(ds, ",'ports':[{'port':%u%s}%s]", 80 + rnd(2),
                  chance(90) ? "" : chance(80) ? ",'end_port':90"
                  : ",'end_port':79",
                  chance(90) ? "" : ",{'port':65535,'target':1}");
    if (chance(30)) {
        ds_put_cstr(ds, PICK(more));
    }
    if (chance(20)) {
        put_ref(ds, "fallback", VMN_TABLE_LOADBALANCER);
    }
    put_refs(ds, "networks", VMN_TABLE_NETWORK);
    if (chance(50)) {
        ds_put_cstr(ds, ",'backends':[{'port':'");
        put_name(ds, VMN_TABLE_PORT);
        ds_put_cstr(ds, "'");
        if (chance(20)) {
            ds_put_format(ds, ",'weight':%u", PICK(weights));
        }
        ds_put_cstr(ds, "}]");
    }
}

static void
put_interface(struct ds *ds)
{
    ds_put_cstr(ds, "{'network':'");
    put_name(ds, VMN_TABLE_NETWORK);
    ds_put_cstr(ds, "'");
    if (chance(90)) {
        ds_put_format(ds, ",'addresses':['10.%u.0.%u'%s]", rnd(3),
                      1 + rnd(14), chance(90) ? "" : ",'fd00::5'");
    }
    ds_put_cstr(ds, "},");
}

static void
put_external(struct ds *ds)
{
    ds_put_cstr(ds, ",'external':{'network':'");
    put_name(ds, VMN_TABLE_NETWORK);
    ds_put_format(ds, "','addresses':['10.%u.0.%u'%s],'gateways':[{'host':'",
                  rnd(3), 1 + rnd(15), chance(70) ? "" : ",'fd00::6'");
    put_name(ds, VMN_TABLE_HOST);
    ds_put_cstr(ds, "'}]");
    if (chance(20)) {
        ds_put_format(ds, ",'exempt':['%s']", edge_prefix());
    }
    ds_put_char(ds, '}');
}

static void
put_router(struct ds *ds)
{
    ds_put_cstr(ds, ",'interfaces':[");
    for (unsigned i = rnd(3); i < 3; i++) {
        put_interface(ds);
    }
    ds_chomp(ds, ',');
    ds_put_cstr(ds, "]");
    if (chance(30)) {
        ds_put_format(ds, ",'routes':[{'destination':'%s','via':['10.%u.0.%u']"
                      "},{'destination':'%s','blackhole':true}]",
                      edge_prefix(), rnd(3), 1 + rnd(14),
                      edge_prefix());
    }
    if (chance(30)) {
        ds_put_format(ds, ",'mac':'02:00:00:00:00:0%u'", rnd(6));
    }
    if (chance(40)) {
        put_external(ds);
    }
}

static void
put_floating_ip(struct ds *ds)
{
    if (chance(95)) {
        ds_put_format(ds, ",'ip':'10.%u.0.%u'", rnd(3), rnd(16));
    } else {
        ds_put_format(ds, ",'ip':'%s'", edge_ip());
    }
    put_ref(ds, "router", VMN_TABLE_ROUTER);
    if (chance(70)) {
        put_ref(ds, "port", VMN_TABLE_PORT);
    } else {
        put_ref(ds, "load_balancer", VMN_TABLE_LOADBALANCER);
    }
}

static void
put_zone(struct ds *ds)
{
    ds_put_cstr(ds, ",'networks':['");
    put_name(ds, VMN_TABLE_NETWORK);
    ds_put_cstr(ds, "'");
    if (chance(50)) {
        ds_put_cstr(ds, ",'");
        put_name(ds, VMN_TABLE_NETWORK);
        ds_put_cstr(ds, "'");
    }
    ds_put_cstr(ds, "]");
    if (chance(50)) {
        ds_put_format(ds, ",'domain':'d%u'", rnd(2));
    }
}

static void
put_account(struct ds *ds)
{
    static const char *const roles[] = { "viewer", "operator", "admin", "x" };

    ds_put_format(ds, ",'role':'%s'", PICK(roles));
    if (chance(30)) {
        ds_put_format(ds, ",'scope':'l%u=a'", rnd(3));
    }
    if (chance(10)) {
        ds_put_cstr(ds, ",'reads':'l0'");
    }
}

static void
put_token(struct ds *ds)
{
    static const char *const times[] = {
        "2027-01-31T12:00:00Z", "2027-02-30T12:00:00Z", "2027-01-31", "",
        "2027-01-31T24:00:00Z", "9999-12-31T23:59:59Z",
    };

    put_ref(ds, "account", VMN_TABLE_ACCOUNT);
    ds_put_format(ds, ",'sha256':'%0*u'", chance(95) ? 64 : 63, rnd(10));
    if (chance(40)) {
        ds_put_format(ds, ",'expires':'%s'", PICK(times));
    }
}

static void
put_group(struct ds *ds)
{
    if (chance(60)) {
        put_selector(ds);
    }
    if (chance(50)) {
        put_refs(ds, "ports", VMN_TABLE_PORT);
    }
    if (chance(20)) {
        ds_put_format(ds, ",'cidrs':['%s','%s']", edge_prefix(),
                      edge_prefix());
        if (chance(20)) {
            ds_put_format(ds, ",'except':['%s']", edge_prefix());
        }
    }
    if (chance(30)) {
        put_refs(ds, "groups", VMN_TABLE_GROUP);
    }
}

static void
put_host(struct ds *ds)
{
    static const char *const remotes[] = {
        "tcp:h:1", "ssl:[::1]:65535", "tcp:[fe80::1]:6640", "unix:/",
        "unix:/" A60 A10 A10 A10 "aaaaaaaaaaa", "tcp:h:65536",
        "tcp:" A60 A60 A60 A60 A10 "aaa:1", "unix:/" A60 A60,
    };

    if (chance(90)) {
        bool v6 = chance(20);

        ds_put_format(ds, ",'ovsdb':'inbound','tunnel_ip':'%s%u'",
                      v6 ? "fd99::" : "192.0.2.", 1 + rnd(6));
        if (chance(50)) {
            ds_put_format(ds, ",'second_tunnel_ip':'%s%u'",
                          v6 ? "192.0.2." : "fd99::", 1 + rnd(6));
        }
        if (chance(30)) {
            ds_put_cstr(ds, ",'encap':'geneve'");
        }
        if (chance(10)) {
            ds_put_cstr(ds, ",'port_selector':'role in (a,b)'");
        }
    } else {
        ds_put_format(ds, ",'ovsdb':'%s','tunnel_ip':'%s'", PICK(remotes),
                      edge_ip());
    }
    if (chance(5)) {
        ds_put_format(ds, ",'bridge':'0._-aaaaaaaaaaa%s'",
                      rnd(2) ? "" : "a");
    }
}

static void
put_service(struct ds *ds)
{
    if (chance(70)) {
        ds_put_format(ds, ",'entries':[{'protocol':'tcp','ports':[%u]}]",
                      rnd(4));
    } else {
        struct ds entry = DS_EMPTY_INITIALIZER;

        put_service_entry(&entry);
        ds_put_format(ds, ",'entries':[{%s}]", ds_cstr(&entry) + 1);
        ds_destroy(&entry);
    }
}

/* Nothing follows from it in the model. */
static void
put_telemetry(struct ds *ds)
{
    static const char *const targets[] = {
        "'192.0.2.1:6343'", "'[2001:db8::1]:65535'", "'192.0.2.1:0'",
        "'192.0.2.1'", "'[192.0.2.1]:1'", "'h:1'",
    };

    if (chance(30)) {
        ds_put_cstr(ds, ",'selector':'rack=a'");
    }
    if (chance(70)) {
        ds_put_format(ds, ",'sflow':{'targets':[%s],'header':%u}",
                      targets[chance(80) ? rnd(2) : rnd(6)],
                      chance(80) ? 128 : 10 + rnd(8));
    }
    if (chance(70)) {
        ds_put_format(ds, ",'ipfix':{'targets':[%s,%s],'sampling':%u}",
                      targets[0], targets[rnd(2)], chance(90) ? 1 : 0);
    }
}

/* Of objects that are there or not. */
static void
put_draft(struct ds *ds)
{
    static const enum vmn_table tables[] = {
        VMN_TABLE_PORT, VMN_TABLE_GROUP, VMN_TABLE_POLICY, VMN_TABLE_SERVICE,
        VMN_TABLE_TOKEN,
    };

    ds_put_cstr(ds, ",'changes':[");
    for (unsigned i = 0, n = rnd(3); i < n; i++) {
        enum vmn_table table = tables[chance(95) ? rnd(4) : 4];

        ds_put_format(ds, "%s{'op':'%s','type':'%s'", i ? "," : "",
                      chance(50) ? "delete" : "patch",
                      schema_tables[table]->plural);
        put_ref(ds, "name", table);
        ds_put_format(ds, "%s}", chance(50) ? ""
                      : ",'spec':{'description':'d'}");
    }
    ds_put_char(ds, ']');
}

/* Of what it is named as, mostly. */
static void
put_health(struct ds *ds, const char *name)
{
    static const char *const states[] = { "up", "down", "drained", "idle" };

    ds_put_format(ds, ",'loadbalancer':'%.*s','port':'%s','state':'%s'",
                  (int) strcspn(name, "/"), name,
                  chance(90) ? strchr(name, '/') + 1 : "p1",
                  chance(90) ? states[rnd(3)] : PICK(states));
}

/* The members of a spec, each after a comma. */
static void
put_members(struct ds *ds, enum vmn_table table, const char *name)
{
    switch (table) {
    case VMN_TABLE_HOST: put_host(ds); break;
    case VMN_TABLE_NETWORK: put_network(ds, name); break;
    case VMN_TABLE_PORT: put_port(ds); break;
    case VMN_TABLE_GROUP: put_group(ds); break;
    case VMN_TABLE_SERVICE: put_service(ds); break;
    case VMN_TABLE_TIER:
        ds_put_format(ds, ",'position':%u", rnd(20));
        break;
    case VMN_TABLE_POLICY: put_policy(ds); break;
    case VMN_TABLE_QUARANTINE: put_quarantine(ds); break;
    case VMN_TABLE_LOADBALANCER: put_loadbalancer(ds); break;
    case VMN_TABLE_OBSERVATION:
        ds_put_format(ds, ",'minutes':%u", chance(80) ? 1 + rnd(3)
                      : chance(50) ? 43200 : 43201);
        break;
    case VMN_TABLE_TELEMETRY: put_telemetry(ds); break;
    case VMN_TABLE_QUOTA:
        ds_put_format(ds, ",'scope':'role=%c','ports':%u", "abc"[rnd(3)],
                      rnd(5));
        break;
    case VMN_TABLE_DRAFT: put_draft(ds); break;
    case VMN_TABLE_APP: break;
    case VMN_TABLE_ACCOUNT: put_account(ds); break;
    case VMN_TABLE_TOKEN: put_token(ds); break;
    case VMN_TABLE_ROUTER: put_router(ds); break;
    case VMN_TABLE_FLOATING_IP: put_floating_ip(ds); break;
    case VMN_TABLE_DNS_ZONE: put_zone(ds); break;
    case VMN_TABLE_BINDING:
        put_ref(ds, "host", VMN_TABLE_HOST);
        if (chance(30)) {
            put_ref(ds, "candidate", VMN_TABLE_HOST);
        }
        break;
    case VMN_TABLE_VIF:
        ds_put_format(ds, ",'host':'%.*s','iface_id':'%s','iface':'t',"
                      "'ofport':%u", (int) strcspn(name, "/"), name,
                      strchr(name, '/') + 1, rnd(4));
        break;
    case VMN_TABLE_UNDERLAY:
        ds_put_format(ds, ",'mtu':%u", rnd(3) * 4000);
        break;
    case VMN_TABLE_HEALTH: put_health(ds, name); break;
    case VMN_TABLE_FQDN:
        ds_put_format(ds, ",'state':'%s','ips':['192.0.2.%u','2001:db8::%u']",
                      value_fqdn_states[rnd(5)], rnd(4), 1 + rnd(4));
        break;
    case VMN_TABLE_WITHDRAWAL:
        ds_put_format(ds, ",'network':'%s','items':['%u|0e:00:00:00:00:01']",
                      strchr(name, '/') + 1, rnd(9));
        break;
    case VMN_TABLE_TYPE:
        ds_put_cstr(ds, ",'app':'t','singular':'t1','doc':'d'");
        break;
    case VMN_TABLE_OWN_FIRST:
    case VMN_TABLE_OWN_LAST:
    case VMN_N_TABLES:
        OVS_NOT_REACHED();
    }
    if (chance(3)) {
        ds_put_cstr(ds, ",'nonsense':1");
    }
    if (chance(10) && table < VMN_TABLE_APP) {
        put_description(ds);
    }
}

void
put_op(struct ds *ds)
{
    static const char *const verbs[] = {
        "put", "put", "put", "put", "put", "put", "patch", "delete",
        "cascade", "absent",
    };
    const char *verb = verbs[rnd(ARRAY_SIZE(verbs))];
    enum vmn_table table = rnd(VMN_TABLE_OWN_FIRST);
    struct ds name = DS_EMPTY_INITIALIZER;
    struct ds members = DS_EMPTY_INITIALIZER;

    /* Ports are what most is about. */
    if (chance(30)) {
        table = VMN_TABLE_PORT;
    }
    put_name(&name, table);
    ds_put_cstr(ds, verb);
    if (chance(3)) {
        ds_put_format(ds, "@%u", 1 + rnd(50));
    }
    ds_put_format(ds, " %s %s", schema_tables[table]->plural, ds_cstr(&name));
    if (verb[0] == 'p') {
        put_members(&members, table, ds_cstr(&name));
        ds_put_format(ds, " {%s}", members.length ? ds_cstr(&members) + 1
                                                  : "");
    }
    ds_put_char(ds, '\n');
    ds_destroy(&name);
    ds_destroy(&members);
}
