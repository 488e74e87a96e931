/* SPDX-License-Identifier: Apache-2.0
 *
 * Property test of model and store: after any sequence of requests, good and
 * bad ones,
 *
 *  - a refused request has changed nothing;
 *  - what holds between objects, holds, by a plain reading of all rows;
 *  - the indexes are what a plain scan of all rows gives;
 *  - the notes of changes name just the rows and index keys that changed;
 *  - an undone group leaves the durable state;
 *  - what the store loads is what the model holds: whatever was accepted is
 *    accepted again, values at the edges of what is allowed included.
 *
 * Usage: test-state [SEED [STEPS]].  The seed is printed. */

#include <config.h>

#include <event2/event.h>
#include <inttypes.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "controller/model/model.h"
#include "controller/model/id-pools.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "controller/store/store.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "sset.h"
#include "svec.h"
#include "tests/unit/model-util.h"
#include "util.h"

static uint64_t seed = 1;
static unsigned n_steps = 3000;
static uint64_t rng_state;

/* xorshift64*: the same numbers for the same seed on every machine. */
static unsigned
rnd(unsigned n)
{
    rng_state ^= rng_state >> 12;
    rng_state ^= rng_state << 25;
    rng_state ^= rng_state >> 27;
    return (rng_state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % n;
}

static bool
chance(unsigned percent)
{
    return rnd(100) < percent;
}

/* Random requests.  ------------------------------------------------------- */

static const unsigned n_names[VMN_N_TABLES] = {
    [VMN_TABLE_HOST] = 4, [VMN_TABLE_NETWORK] = 6, [VMN_TABLE_PORT] = 14,
    [VMN_TABLE_GROUP] = 5, [VMN_TABLE_SERVICE] = 3, [VMN_TABLE_TIER] = 3,
    [VMN_TABLE_POLICY] = 4, [VMN_TABLE_QUARANTINE] = 3,
    [VMN_TABLE_LOADBALANCER] = 4, [VMN_TABLE_APP] = 2,
    [VMN_TABLE_ROUTER] = 4, [VMN_TABLE_FLOATING_IP] = 4,
    [VMN_TABLE_DNS_ZONE] = 2,
    [VMN_TABLE_OBSERVATION] = 6,
    [VMN_TABLE_ACCOUNT] = 3, [VMN_TABLE_TOKEN] = 4,
    [VMN_TABLE_TELEMETRY] = 3, [VMN_TABLE_QUOTA] = 3,
    [VMN_TABLE_BINDING] = 14, [VMN_TABLE_VIF] = 6, [VMN_TABLE_UNDERLAY] = 4,
    [VMN_TABLE_HEALTH] = 14,
};

/* Values at the edges of what is allowed, on both sides.  ----------------- */

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define B500 A60 A60 A60 A60 A60 A60 A60 A60 A10 A10
#define PICK(LIST) LIST[rnd(ARRAY_SIZE(LIST))]

static const char *const edge_ips[] = {
    "0.0.0.0", "0.0.0.1", "0.255.255.255", "1.0.0.0", "10.0.0.0",
    "10.0.0.15", "10.9.0.1", "10.9.1.0", "10.9.1.1", "127.0.0.1",
    "169.254.0.1", "192.0.2.255", "223.255.255.254", "223.255.255.255",
    "224.0.0.0", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::2", "::ffff:10.0.0.1", "100::1", "fd00::", "fd00::1",
    "fd00::ffff:ffff", "fd00::1:0:0", "fd00::ffff:ffff:ffff:ffff",
    "fd01::", "fd01::1", "fe80::1", "febf::1", "fec0::1", "ff02::1",
};
static const char *const edge_prefixes[] = {
    "0.0.0.0/0", "0.0.0.0/1", "0.0.0.0/8", "0.0.0.0/31", "0.0.0.0/32",
    "1.0.0.0/8", "10.9.0.0/30", "10.9.1.0/31", "10.9.2.0/32", "10.9.4.0/24",
    "127.0.0.0/8", "128.0.0.0/8", "169.254.0.0/16", "223.0.0.0/8",
    "223.255.255.254/31", "224.0.0.0/4", "224.0.0.0/24", "239.1.0.0/31",
    "240.0.0.0/8", "255.255.255.254/31", "255.255.255.255/32", "10.0.0.1/8",
    "::/0", "::/8", "::/128", "::ffff:0:0/96", "100::/8", "fd00::/7",
    "fd00::/8", "fd00::/64", "fd00::/96", "fd00::/126", "fd01::/127",
    "fd01::/128", "fd00::1/64", "fe80::/10", "fe80::/64", "fec0::/10",
    "ff00::/8", "8000::/1",
};
static const char *const edge_macs[] = {
    "00:00:00:00:00:00", "00:00:00:00:00:01", "01:00:00:00:00:00",
    "01:00:5e:00:00:01", "33:33:00:00:00:01", "02:FF:ff:fF:Ff:ff",
    "fe:ff:ff:ff:ff:ff", "ff:ff:ff:ff:ff:ff", "80:00:00:00:00:00",
};
static const char *const edge_texts[] = {
    "", " ", "  a  ", "\\\\ \\/ \\\"", "\u00e4\u4e16\u754c", "\U0001f600",
    "\\ud83d\\ude00", "a\\u0301", "\\u007f", "\\u0080", "\\u009b", "\\u00a0",
    "\\u2028", "\\u2029", "\\u202a", "\\u202e", "\\u202f", "\\u2065",
    "\\u2066", "\\u2069", "\\u206a", "\\ufdd0", "\\ufffe", "\\uffff",
    "\\ufeff", "\\u0009", "\\n", "null", "%s%n", "-- ; DROP TABLE ports",
    B500 B500 "aaaaaaaaaaaaaaaaaaaaaaaa", B500 B500 "aaaaaaaaaaaaaaaaaaaaaaa"
    "\u00e4",
};
static const char *const edge_labels[] = {
    "'a':''", "'A._-9':'Z._-0'", "'" A60 "aaa':'" A60 "aaa'",
    "'" A60 "aaa/" A60 "aaa':'x'", "'" A60 "aaaa':''", "'a.b/c':'0'",
    "'a/b/c':''", "'a':'" A60 "aaaa'", "'in':'notin'",
};
static const char *const edge_ports[] = {
    "1", "65535", "'1-65535'", "'7-7'", "0", "65536", "'2-1'", "'65535'",
    "'1-2',3,'4-5'",
};

static void
put_description(struct ds *ds)
{
    ds_put_format(ds, ",'description':'%s'", PICK(edge_texts));
}

static void
put_port_list(struct ds *ds)
{
    ds_put_format(ds, ",'ports':[%s", PICK(edge_ports));
    if (chance(50)) {
        ds_put_format(ds, ",%s", PICK(edge_ports));
    }
    ds_put_char(ds, ']');
}

/* ",'protocol':..." and more. */
static void
put_service_entry(struct ds *ds)
{
    static const char *const others[] = {
        ",'protocol':'any'", ",'protocol':'icmp'",
        ",'protocol':'icmp','icmp_type':0",
        ",'protocol':'icmp','icmp_type':255",
        ",'protocol':'icmp','icmp_type':-1", ",'protocol':'udp','ports':[]",
        ",'protocol':'tcp'", ",'protocol':'sctp','ports':['1-2']",
        ",'protocol':'icmpv6','icmp_type':255,'icmp_code':255",
        ",'protocol':'icmpv6','icmp_code':0",
    };

    if (chance(50)) {
        ds_put_cstr(ds, PICK(others));
    } else {
        ds_put_format(ds, ",'protocol':'%s'", chance(50) ? "tcp" : "udp");
        put_port_list(ds);
    }
}

/* Names.  ----------------------------------------------------------------- */

/* The first of each kind is as long as a name can be. */
static void
put_numbered(struct ds *ds, char letter, unsigned i)
{
    ds_put_format(ds, "%c%u%s", letter, i, i ? "" : "-" A60);
}

/* A name of the table, which may or may not be there. */
static void
put_name(struct ds *ds, enum vmn_table table)
{
    char letter = schema_tables[table]->plural[0];

    if (table == VMN_TABLE_BINDING) {
        letter = 'p';
    } else if (table == VMN_TABLE_POLICY) {
        letter = 'r';
    } else if (table == VMN_TABLE_OBSERVATION) {
        letter = 'n';           /* Named as networks. */
    } else if (table == VMN_TABLE_UNDERLAY) {
        letter = 'h';
    } else if (table == VMN_TABLE_ROUTER) {
        letter = 'w';
    } else if (table == VMN_TABLE_FLOATING_IP) {
        letter = 'f';
    } else if (table == VMN_TABLE_DNS_ZONE) {
        letter = 'z';
    } else if (table == VMN_TABLE_TELEMETRY) {
        letter = 'y';
    } else if (table == VMN_TABLE_QUOTA) {
        letter = 'q';
    } else if (table == VMN_TABLE_VIF) {
        put_numbered(ds, 'h', rnd(n_names[VMN_TABLE_HOST]));
        ds_put_char(ds, '/');
        letter = 'p';
    } else if (table == VMN_TABLE_HEALTH) {
        put_numbered(ds, 'l', rnd(n_names[VMN_TABLE_LOADBALANCER]));
        ds_put_char(ds, '/');
        letter = 'p';
    }
    if (table == VMN_TABLE_TIER && chance(20)) {
        ds_put_cstr(ds, chance(50) ? "baseline" : "security");
        return;
    }
    put_numbered(ds, letter, rnd(n_names[table]));
}

/* ",'FIELD':'NAME'" */
static void
put_ref(struct ds *ds, const char *field, enum vmn_table table)
{
    ds_put_format(ds, ",'%s':'", field);
    put_name(ds, table);
    ds_put_char(ds, '\'');
}

static void
put_refs(struct ds *ds, const char *field, enum vmn_table table)
{
    ds_put_format(ds, ",'%s':[", field);
    for (unsigned i = 0, n = 1 + rnd(2); i < n; i++) {
        ds_put_cstr(ds, i ? ",'" : "'");
        put_name(ds, table);
        ds_put_char(ds, '\'');
    }
    ds_put_char(ds, ']');
}

static void
put_port(struct ds *ds)
{
    put_ref(ds, "network", VMN_TABLE_NETWORK);
    if (chance(30)) {
        ds_put_format(ds, ",'ips':['10.%u.0.%u'%s]", rnd(3), rnd(9),
                      chance(70) ? "" : ",'fd00::5'");
    } else if (chance(10)) {
        ds_put_format(ds, ",'ips':['%s']", PICK(edge_ips));
    }
    if (chance(20)) {
        ds_put_format(ds, ",'mac':'02:00:00:00:00:0%u'", rnd(6));
    } else if (chance(5)) {
        ds_put_format(ds, ",'mac':'%s'", PICK(edge_macs));
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
        ds_put_format(ds, ",'iface_id':'p%u'", rnd(14));
    } else if (chance(3)) {
        ds_put_format(ds, ",'iface_id':'._-%s'", rnd(2) ? A60 : "A" A60);
    }
    if (chance(60)) {
        ds_put_format(ds, ",'labels':{'role':'%c','k%u':''",
                      "abc"[rnd(3)], rnd(3));
        if (chance(10)) {
            ds_put_format(ds, ",%s", PICK(edge_labels));
        }
        ds_put_char(ds, '}');
    }
    if (chance(10)) {
        ds_put_format(ds, ",'allowed_addresses':[{'ip':'%s'},{'ip':'%s',"
                      "'mac':'%s'}]", PICK(edge_prefixes), PICK(edge_ips),
                      PICK(edge_macs));
    }
    if (chance(20)) {
        put_ref(ds, "parent", VMN_TABLE_PORT);
        ds_put_format(ds, ",'vlan':%u", chance(90) ? 1 + rnd(3)
                      : chance(50) ? 4094 : rnd(2) * 4095);
    }
    if (chance(10)) {
        ds_put_cstr(ds, ",'unknown':true");
    }
}

static void
put_network(struct ds *ds, const char *name)
{
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
        ds_put_format(ds, ",'subnets':[{'cidr':'%s'}", PICK(edge_prefixes));
        if (chance(50)) {
            ds_put_format(ds, ",{'cidr':'%s','gateway':'%s'}",
                          PICK(edge_prefixes), PICK(edge_ips));
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
            ds_put_format(ds, ",{'cidr':'%s'}", PICK(edge_prefixes));
        } else if (chance(10)) {
            ds_put_format(ds, ",{'cidr':'0.0.0.0/0','except':['%s']}",
                          PICK(edge_prefixes));
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
        ds_put_format(ds, ",'vip':'%s'", PICK(edge_ips));
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
        ds_put_format(ds, ",'exempt':['%s']", PICK(edge_prefixes));
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
                      PICK(edge_prefixes), rnd(3), 1 + rnd(14),
                      PICK(edge_prefixes));
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
        ds_put_format(ds, ",'ip':'%s'", PICK(edge_ips));
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
        ds_put_format(ds, ",'cidrs':['%s','%s']", PICK(edge_prefixes),
                      PICK(edge_prefixes));
        if (chance(20)) {
            ds_put_format(ds, ",'except':['%s']", PICK(edge_prefixes));
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
                      PICK(edge_ips));
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

static void
put_op(struct ds *ds)
{
    static const char *const verbs[] = {
        "put", "put", "put", "put", "put", "put", "patch", "delete",
        "cascade", "absent",
    };
    const char *verb = verbs[rnd(ARRAY_SIZE(verbs))];
    enum vmn_table table = rnd(VMN_N_TABLES);
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

/* What holds between objects, read plainly.  ------------------------------ */

static void
check_ref(void *model, enum vmn_table table, const char *name,
          const struct schema_field *f OVS_UNUSED,
          const char *pointer OVS_UNUSED)
{
    assert_non_null(model_get(model, table, name));
}

/* Fails if 'what' was seen before. */
static void OVS_PRINTF_FORMAT(2, 3)
check_once(struct sset *seen, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *what = xvasprintf(format, args);
    va_end(args);
    if (!sset_add(seen, what)) {
        fail_msg("%s twice", what);
    }
    free(what);
}

static void
check_port(struct model *model, const struct vmn_port *port,
           struct sset *seen)
{
    const struct vmn_network *network = model_get(model, VMN_TABLE_NETWORK,
                                                  port->network);
    char buf[VALUE_IP_SIZE];

    assert_false(value_mac_is_none(port->mac));
    check_once(seen, "mac %s %s", port->network,
               value_format_mac(port->mac, buf));
    check_once(seen, "iface %s", port->iface_id);
    for (size_t i = 0; i < port->n_ips; i++) {
        bool inside = false;

        check_once(seen, "ip %s %s", port->network,
                   value_format_ip(&port->ips[i], buf));
        for (size_t j = 0; j < network->n_subnets; j++) {
            const struct vmn_subnet *subnet = &network->subnets[j];

            inside |= value_prefix_contains(&subnet->cidr, &port->ips[i])
                      && !value_prefix_is_reserved(&subnet->cidr,
                                                   &port->ips[i]);
        }
        assert_true(inside);
    }
    if (port->n_want_ips) {
        assert_int_equal(port->n_ips, port->n_want_ips);
        assert_memory_equal(port->ips, port->want_ips,
                            port->n_ips * sizeof *port->ips);
    }
}

static void
check_lb(struct model *model, const struct vmn_loadbalancer *lb,
         struct sset *seen)
{
    char buf[VALUE_IP_SIZE];

    assert_true(lb->vip.family == 6 || lb->vip.addr[0] != 127);
    value_format_ip(&lb->vip, buf);
    for (size_t i = 0; i < lb->n_networks; i++) {
        const struct vmn_network *network = model_get(
            model, VMN_TABLE_NETWORK, lb->networks[i]);
        struct ds ip = DS_EMPTY_INITIALIZER;

        for (size_t j = 0; j < network->n_subnets; j++) {
            assert_false(value_prefix_is_reserved(&network->subnets[j].cidr,
                                                  &lb->vip));
        }
        ds_put_format(&ip, "ip %s %s", lb->networks[i], buf);
        assert_false(sset_contains(seen, ds_cstr(&ip)));
        for (size_t j = 0; j < lb->n_ports; j++) {
            check_once(seen, "vip %s %s %u", lb->networks[i], buf,
                       lb->ports[j].port);
        }
        ds_destroy(&ip);
    }
    for (size_t i = 0; i < lb->n_backends; i++) {
        const struct vmn_port *port = model_get(model, VMN_TABLE_PORT,
                                                lb->backends[i].port);
        bool offered = false;

        for (size_t j = 0; j < lb->n_networks; j++) {
            offered |= !strcmp(lb->networks[j], port->network);
        }
        assert_true(offered);
    }
}

/* Fails if more than 'depth' groups are inside of each other. */
static void
check_depth(const struct model *model, const char *name, unsigned depth)
{
    const struct vmn_group *group = model_get(model, VMN_TABLE_GROUP, name);

    assert_true(depth > 0);
    for (size_t i = 0; i < group->n_groups; i++) {
        check_depth(model, group->groups[i], depth - 1);
    }
}

static void
check_router(struct model *model, const struct vmn_router *router,
             struct sset *seen)
{
    char buf[VALUE_IP_SIZE];

    assert_false(value_mac_is_none(router->mac));
    for (size_t i = 0; i < router->n_interfaces; i++) {
        const struct vmn_router_interface *interface = &router->interfaces[i];
        struct vmn_ip ips[VMN_ADDRESSES_MAX];
        size_t n = vmn_interface_addresses(
            interface, model_get(model, VMN_TABLE_NETWORK,
                                 interface->network), ips);

        assert_true(n > 0);
        check_once(seen, "mac %s %s", interface->network,
                   value_format_mac(router->mac, buf));
        for (size_t j = 0; j < n; j++) {
            check_once(seen, "ip %s %s", interface->network,
                       value_format_ip(&ips[j], buf));
        }
    }
}

/* The number of the domain of 'network', by its place among all. */
static size_t
find_network(struct vmn_names networks, const char *network)
{
    for (size_t i = 0; i < networks.n; i++) {
        if (!strcmp(networks.names[i], network)) {
            return i;
        }
    }
    fail();
    return 0;
}

static void
join(size_t domains[], size_t n, size_t a, size_t b)
{
    for (size_t i = 0; i < n; i++) {
        if (domains[i] == b) {
            domains[i] = a;
        }
    }
}

/* No two networks that routers join have addresses in common. */
static void
check_domains(struct model *model)
{
    struct vmn_names networks = model_names(model, VMN_TABLE_NETWORK);
    struct vmn_names routers = model_names(model, VMN_TABLE_ROUTER);
    size_t domains[16];

    assert_true(networks.n <= ARRAY_SIZE(domains));
    for (size_t i = 0; i < networks.n; i++) {
        domains[i] = i;
    }
    for (size_t i = 0; i < routers.n; i++) {
        const struct vmn_router *router = model_get(model, VMN_TABLE_ROUTER,
                                                    routers.names[i]);

        for (size_t j = 1; j < router->n_interfaces; j++) {
            join(domains, networks.n,
                 domains[find_network(networks,
                                      router->interfaces[0].network)],
                 domains[find_network(networks,
                                      router->interfaces[j].network)]);
        }
    }
    for (size_t i = 0; i < networks.n; i++) {
        const struct vmn_network *a = model_get(model, VMN_TABLE_NETWORK,
                                                networks.names[i]);

        for (size_t j = 0; j < i; j++) {
            const struct vmn_network *b = model_get(
                model, VMN_TABLE_NETWORK, networks.names[j]);

            for (size_t k = 0; domains[i] == domains[j] && k < a->n_subnets;
                 k++) {
                for (size_t l = 0; l < b->n_subnets; l++) {
                    assert_false(value_prefix_overlaps(&a->subnets[k].cidr,
                                                       &b->subnets[l].cidr));
                }
            }
        }
    }
}

/* A network has one zone of a domain. */
static void
check_zone(const struct vmn_dns_zone *zone, struct sset *seen)
{
    for (size_t i = 0; i < zone->n_networks; i++) {
        check_once(seen, "zone %s %s", zone->networks[i], zone->domain);
    }
}

static void
check_invariants(struct model *model)
{
    struct sset seen = SSET_INITIALIZER(&seen);
    unsigned n_single[2] = { 0, 0 };    /* Hosts of IPv4 or of IPv6 only. */
    char buf[VALUE_IP_SIZE];

    for (int i = 0; i < VMN_N_TABLES; i++) {
        struct vmn_names names = model_names(model, i);

        for (size_t j = 0; j < names.n; j++) {
            const struct vmn_row *row = model_get(model, i, names.names[j]);

            assert_string_equal(row->name, names.names[j]);
            assert_true(!j || strcmp(names.names[j - 1], row->name) < 0);
            schema_row_refs(row, check_ref, model);
            if (i == VMN_TABLE_HOST) {
                const struct vmn_host *host = (const struct vmn_host *) row;

                check_once(&seen, "tunnel %s",
                           value_format_ip(&host->tunnel_ip, buf));
                if (host->second_tunnel_ip.family) {
                    assert_int_not_equal(host->second_tunnel_ip.family,
                                         host->tunnel_ip.family);
                    check_once(&seen, "tunnel %s",
                               value_format_ip(&host->second_tunnel_ip,
                                               buf));
                } else {
                    n_single[host->tunnel_ip.family == 6]++;
                }
            } else if (i == VMN_TABLE_NETWORK) {
                const struct vmn_network *n
                    = (const struct vmn_network *) row;

                assert_true(n->vni > 0);
                assert_true(!n->want_vni || n->vni == n->want_vni);
                check_once(&seen, "vni %u", n->vni);
            } else if (i == VMN_TABLE_PORT) {
                check_port(model, (const struct vmn_port *) row, &seen);
            } else if (i == VMN_TABLE_GROUP) {
                check_depth(model, row->name, 8);
            } else if (i == VMN_TABLE_TIER) {
                check_once(&seen, "position %u",
                           ((const struct vmn_tier *) row)->position);
            } else if (i == VMN_TABLE_POLICY) {
                const struct vmn_policy *p = (const struct vmn_policy *) row;

                if (strcmp(p->tier, "application")) {
                    check_once(&seen, "priority %s %u", p->tier,
                               p->priority);
                }
            } else if (i == VMN_TABLE_LOADBALANCER) {
                check_lb(model, (const struct vmn_loadbalancer *) row,
                         &seen);
            } else if (i == VMN_TABLE_ROUTER) {
                check_router(model, (const struct vmn_router *) row, &seen);
            } else if (i == VMN_TABLE_DNS_ZONE) {
                check_zone((const struct vmn_dns_zone *) row, &seen);
            }
        }
    }
    assert_true(!n_single[0] || !n_single[1]);
    check_domains(model);
    sset_destroy(&seen);
}

/* Cascades.  -------------------------------------------------------------- */

/* What a policy must not lose, and not gain. */
struct guard {
    bool stays;                 /* A group that it applies to, and its tier. */
    bool isolates[VMN_N_DIRECTIONS];
    size_t n_open;              /* Rules for everyone or everything. */
};

static void
read_guard(const struct model *model, const struct vmn_policy *policy,
           struct guard *guard)
{
    memset(guard, 0, sizeof *guard);
    memcpy(guard->isolates, policy->isolates, sizeof guard->isolates);
    for (size_t i = 0; i < policy->n_rules; i++) {
        guard->n_open += !policy->rules[i].n_peers;
        guard->n_open += !policy->rules[i].n_services;
    }
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        guard->stays |= model_get(model, VMN_TABLE_GROUP,
                                  policy->applies_to[i]) != NULL;
    }
    guard->stays &= model_get(model, VMN_TABLE_TIER, policy->tier) != NULL;
}

/* Checks the policies after a cascade against those of the durable state,
 * from which it started.  A policy stays while it has a group, isolates as
 * before, and no rule of it has become one for everyone. */
static void
check_cascade(const struct model *model)
{
    const struct vmn_policy *was;
    const char *name = "";

    while ((was = model_next_durable(model, VMN_TABLE_POLICY, name, NULL))) {
        const struct vmn_policy *now = model_get(model, VMN_TABLE_POLICY,
                                                 was->row.name);
        struct guard before, after;

        name = was->row.name;
        read_guard(model, was, &before);
        if (before.stays != (now != NULL)) {
            fail_msg("policy %s %s", name, now ? "stayed" : "went");
        }
        if (now) {
            read_guard(model, now, &after);
            assert_memory_equal(after.isolates, before.isolates,
                                sizeof after.isolates);
            assert_true(after.n_open <= before.n_open);
        }
    }
}

/* What the model holds, as "row TABLE NAME" -> JSON and "index ID KEY" ->
 * names, the latter by a plain scan.  ------------------------------------- */

static void
snap_key(struct shash *snap, const char *name, enum vmn_index index,
         const char *format, ...) OVS_PRINTF_FORMAT(4, 5);

static void
snap_key(struct shash *snap, const char *name, enum vmn_index index,
         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *key = xvasprintf(format, args);
    va_end(args);

    char *full = xasprintf("index %d %s", index, key);
    struct svec *names = shash_find_data(snap, full);
    if (!names) {
        names = xmalloc(sizeof *names);
        svec_init(names);
        shash_add(snap, full, names);
    }
    if (!svec_contains(names, name)) {
        svec_add(names, name);
        svec_sort(names);
    }
    free(full);
    free(key);
}

/* By the selectors that put_selector() knows. */
static void
snap_anchor(struct shash *snap, const char *name, enum vmn_index index,
            const struct vmn_selector *s)
{
    if (!s->text) {
        return;
    } else if (!strcmp(s->text, "role=a") || !strcmp(s->text, "k1=")) {
        snap_key(snap, name, index, "%s", s->text);
    } else if (!strcmp(s->text, "role in (a,b)")) {     /* However put. */
        snap_key(snap, name, index, "role");
    } else if (!strcmp(s->text, "k0,role!=a")) {
        snap_key(snap, name, index, "k0");
    } else {
        snap_key(snap, name, index, "%s", "");
    }
}

static void
snap_group(struct shash *snap, const struct vmn_group *group)
{
    const char *name = group->row.name;

    for (size_t i = 0; i < group->n_ports; i++) {
        snap_key(snap, name, VMN_INDEX_GROUP_BY_PORT, "%s", group->ports[i]);
    }
    snap_anchor(snap, name, VMN_INDEX_GROUP_BY_ANCHOR, &group->selector);
}

static void
snap_quarantine(struct shash *snap, const struct vmn_quarantine *quarantine)
{
    const char *name = quarantine->row.name;

    for (size_t i = 0; i < quarantine->n_ports; i++) {
        snap_key(snap, name, VMN_INDEX_QUARANTINE_BY_PORT, "%s",
                 quarantine->ports[i]);
    }
    if (quarantine->selector.text) {
        snap_key(snap, name, VMN_INDEX_QUARANTINE_SELECTS, "%s", "");
    }
    snap_anchor(snap, name, VMN_INDEX_QUARANTINE_BY_ANCHOR,
                &quarantine->selector);
}

static void
snap_index(struct shash *snap, const struct vmn_row *row)
{
    if (row->table == VMN_TABLE_HOST) {
        snap_key(snap, row->name, VMN_INDEX_ALL_HOSTS, "%s", "");
    } else if (row->table == VMN_TABLE_TIER) {
        snap_key(snap, row->name, VMN_INDEX_ALL_TIERS, "%s", "");
    } else if (row->table == VMN_TABLE_PORT) {
        const struct vmn_port *port = (const struct vmn_port *) row;

        snap_key(snap, row->name, VMN_INDEX_PORT_BY_NETWORK, "%s",
                 port->network);
        snap_key(snap, row->name, VMN_INDEX_PORT_BY_LABEL, "%s", "");
        for (size_t i = 0; i < port->labels.n; i++) {
            const struct vmn_label *l = &port->labels.labels[i];

            snap_key(snap, row->name, VMN_INDEX_PORT_BY_LABEL, "%s", l->key);
            snap_key(snap, row->name, VMN_INDEX_PORT_BY_LABEL, "%s=%s",
                     l->key, l->value);
        }
        if (port->parent) {
            snap_key(snap, row->name, VMN_INDEX_PORT_BY_PARENT, "%s",
                     port->parent);
        }
        for (size_t i = 0; i < port->n_ips; i++) {
            char buf[VALUE_IP_SIZE];

            snap_key(snap, row->name, VMN_INDEX_PORT_BY_IP, "%s/%s",
                     port->network, value_format_ip(&port->ips[i], buf));
        }
    } else if (row->table == VMN_TABLE_GROUP) {
        snap_group(snap, (const struct vmn_group *) row);
    } else if (row->table == VMN_TABLE_QUARANTINE) {
        snap_quarantine(snap, (const struct vmn_quarantine *) row);
    } else if (row->table == VMN_TABLE_POLICY) {
        const struct vmn_policy *policy = (const struct vmn_policy *) row;

        for (size_t i = 0; i < policy->n_applies_to; i++) {
            snap_key(snap, row->name, VMN_INDEX_POLICY_BY_GROUP, "%s",
                     policy->applies_to[i]);
        }
    } else if (row->table == VMN_TABLE_LOADBALANCER) {
        const struct vmn_loadbalancer *lb
            = (const struct vmn_loadbalancer *) row;

        for (size_t i = 0; i < lb->n_networks; i++) {
            snap_key(snap, row->name, VMN_INDEX_LB_BY_NETWORK, "%s",
                     lb->networks[i]);
        }
    } else if (row->table == VMN_TABLE_ROUTER) {
        const struct vmn_router *router = (const struct vmn_router *) row;

        for (size_t i = 0; i < router->n_interfaces; i++) {
            snap_key(snap, row->name, VMN_INDEX_ROUTER_BY_NETWORK, "%s",
                     router->interfaces[i].network);
        }
    } else if (row->table == VMN_TABLE_DNS_ZONE) {
        const struct vmn_dns_zone *zone = (const struct vmn_dns_zone *) row;

        for (size_t i = 0; i < zone->n_networks; i++) {
            snap_key(snap, row->name, VMN_INDEX_ZONE_BY_NETWORK, "%s",
                     zone->networks[i]);
        }
    } else if (row->table == VMN_TABLE_BINDING) {
        snap_key(snap, row->name, VMN_INDEX_PORT_BY_HOST, "%s",
                 ((const struct vmn_binding *) row)->host);
    }
}

/* Notes 'json', which it takes over, of 'row'. */
static void
snap_json(struct shash *snap, const char *what, const struct vmn_row *row,
          json_t *json)
{
    char *key = xasprintf("%s %d %s", what, row->table, row->name);
    struct svec *value = xmalloc(sizeof *value);

    svec_init(value);
    svec_add_nocopy(value, json_dumps(json, JSON_ENCODE_ANY | JSON_SORT_KEYS));
    shash_add_once(snap, key, value);
    json_decref(json);
    free(key);
}

/* Labels by themselves, and the rest without what is for people. */
static void
snap_row(struct shash *snap, const struct vmn_row *row)
{
    json_t *spec = schema_row_spec(row);
    json_t *labels = json_incref(json_object_get(spec, "labels"));

    json_object_del(spec, "labels");
    json_object_del(spec, "description");
    snap_json(snap, "labels", row, labels ? labels : json_object());
    snap_json(snap, "row", row, json_pack("{s:o, s:o}", "spec", spec, "status",
                                          model_util_row_status(row)));
    snap_index(snap, row);
}

static void
snap_init(struct shash *snap, struct model *model)
{
    shash_init(snap);
    for (int i = 0; i < VMN_N_TABLES; i++) {
        struct vmn_names names = model_names(model, i);

        for (size_t j = 0; j < names.n; j++) {
            snap_row(snap, model_get(model, i, names.names[j]));
        }
    }
}

static void
snap_uninit(struct shash *snap)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, snap) {
        svec_destroy(node->data);
    }
    shash_destroy_free_data(snap);
}

/* Checks that a look-up gives what the scan gave.  Keys that have gone must
 * give nothing: 'old' knows them. */
static void
check_indexes(struct model *model, const struct shash *snap,
              const struct shash *old)
{
    const struct shash *both[] = { snap, old };
    struct svec empty = SVEC_EMPTY_INITIALIZER;
    struct shash_node *node;

    for (size_t i = 0; i < 2; i++) {
        SHASH_FOR_EACH (node, both[i]) {
            const struct svec *want = shash_find_data(snap, node->name);
            int index, offset;

            if (sscanf(node->name, "index %d %n", &index, &offset) != 1) {
                continue;
            }
            want = want ? want : &empty;
            struct vmn_names got = model_lookup(model, index,
                                                node->name + offset);
            assert_int_equal(got.n, want->n);
            for (size_t j = 0; j < got.n; j++) {
                assert_string_equal(got.names[j], want->names[j]);
            }
        }
    }
}

/* Checks that what was accepted would be accepted again. */
static void
check_reads_back(const struct vmn_row *row)
{
    json_t *spec = schema_row_spec(row);
    struct vmn_errors errors;
    struct arena arena;

    arena_init(&arena);
    vmn_errors_init(&errors);
    struct vmn_row *copy = schema_row_parse(schema_tables[row->table],
                                            row->name, spec, "", &arena,
                                            &errors);
    if (!copy || !schema_row_same_spec(row, copy)) {
        fail_msg("%s: %s: %s", row->name, json_dumps(spec, 0),
                 errors.n ? errors.errors[0].text : "differs");
    }
    json_decref(spec);
    vmn_errors_uninit(&errors);
    arena_uninit(&arena);
}

/* Checks that the model's notes name just what differs. */
static void
check_changes(struct model *model, const struct shash *old,
              const struct shash *new)
{
    static const char *const kinds[] = {
        [MODEL_CHANGE_ROW] = "row",
        [MODEL_CHANGE_LABELS] = "labels",
        [MODEL_CHANGE_INDEX] = "index",
    };
    const struct shash *both[] = { old, new };
    struct sset noted = SSET_INITIALIZER(&noted);
    struct model_changes changes;
    struct shash_node *node;

    model_take_changes(model, &changes);
    for (size_t i = 0; i < changes.n; i++) {
        const struct model_change *c = &changes.changes[i];
        char *name = xasprintf("%s %d %s", kinds[c->kind], c->id, c->key);
        const struct vmn_row *row = (c->kind == MODEL_CHANGE_INDEX ? NULL
                                     : model_get(model, c->id, c->key));

        if (row) {
            check_reads_back(row);
        }
        assert_true(sset_add(&noted, name));
        if (!shash_find(old, name) && !shash_find(new, name)) {
            fail_msg("%s was noted and never was", name);
        }
        free(name);
    }
    for (size_t i = 0; i < 2; i++) {
        SHASH_FOR_EACH (node, both[i]) {
            const struct svec *a = shash_find_data(old, node->name);
            const struct svec *b = shash_find_data(new, node->name);
            bool same = a && b && svec_equal(a, b);

            /* Of a row that comes or goes, that is all there is to say. */
            same |= (!a || !b) && !strncmp(node->name, "labels", 6);

            if (same && sset_contains(&noted, node->name)) {
                fail_msg("%s was noted and is the same", node->name);
            } else if (!same && !sset_contains(&noted, node->name)) {
                fail_msg("%s changed and was not noted", node->name);
            }
        }
    }
    sset_destroy(&noted);
    model_changes_uninit(&changes);
}

/* The test.  -------------------------------------------------------------- */

struct test {
    char *dir, *path;
    struct event_base *base;
    struct store *store;
    struct model *model;
    bool done;
    struct shash snap;          /* Of the model, after the last step. */
    unsigned n_accepted, n_refused, n_undone, n_stored, n_cascades;
};

static void
check_step(struct test *t)
{
    struct shash now;

    check_invariants(t->model);
    snap_init(&now, t->model);
    check_indexes(t->model, &now, &t->snap);
    check_changes(t->model, &t->snap, &now);
    shash_swap(&t->snap, &now);
    snap_uninit(&now);
}

static void
step_request(struct test *t)
{
    char *before = model_util_dump(t->model, false);
    struct ds ds = DS_EMPTY_INITIALIZER;
    uint64_t old_revision = model_revision(t->model);
    bool settled = !model_is_unsettled(t->model);
    uint64_t revision;

    for (unsigned i = chance(50) ? 1 : 1 + rnd(5); i > 0; i--) {
        put_op(&ds);
    }
    const char *who = chance(80) ? "test" : "vmnd";
    const char *set = chance(5) ? "set" : NULL;
    char *errors = model_util_apply(t->model, who, set, ds_cstr(&ds),
                                    &revision);
    char *after = model_util_dump(t->model, false);
    if (*errors) {
        assert_string_equal(before, after);
        assert_int_equal(model_revision(t->model), old_revision);
        t->n_refused++;
    } else {
        /* Nothing else may delete a policy meanwhile. */
        if (settled && !set && !strncmp(ds_cstr(&ds), "cascade", 7)
            && ds_chomp(&ds, '\n') && !strchr(ds_cstr(&ds), '\n')
            && !strstr(ds_cstr(&ds), " policies ")) {
            check_cascade(t->model);
            t->n_cascades++;
        }
        t->n_accepted++;
    }
    check_step(t);
    free(before);
    free(after);
    free(errors);
    ds_destroy(&ds);
}

static void
step_undo(struct test *t)
{
    char *durable = model_util_dump(t->model, true);

    model_undo(t->model);
    char *after = model_util_dump(t->model, true);
    assert_string_equal(durable, after);
    assert_int_equal(model_revision(t->model),
                     model_durable_revision(t->model));
    check_step(t);
    free(after);
    free(durable);
    t->n_undone++;
}

static void
on_done(void *t_, int error, const struct vmn_error *why OVS_UNUSED)
{
    struct test *t = t_;

    assert_int_equal(error, 0);
    t->done = true;
}

static void
step_store(struct test *t)
{
    t->done = false;
    store_sqlite_class.submit(t->store, t->model, on_done, t);
    while (!t->done) {
        event_base_loop(t->base, EVLOOP_ONCE);
    }
    model_settle(t->model);
    id_pools_acked(model_id_pools(t->model), model_revision(t->model)
                                           - MIN(model_revision(t->model),
                                                 rnd(4)));
    check_step(t);
    t->n_stored++;
}

/* All durable rows that are stored, metadata included. */
static char *
dump_stored(struct model *model)
{
    char *dump = model_util_dump(model, true);
    char *vifs = strstr(dump, "vifs {");

    if (vifs) {
        *vifs = '\0';
    }
    return dump;
}

static void
step_load(struct test *t)
{
    struct model *copy = model_create();
    struct vmn_error why = VMN_ERROR_INIT;

    if (store_sqlite_class.load(t->store, copy, &why)) {
        fail_msg("what was stored does not load: %s", why.text);
    }
    char *a = dump_stored(t->model);
    char *b = dump_stored(copy);
    assert_string_equal(a, b);
    check_invariants(copy);
    free(a);
    free(b);
    model_destroy(copy);
}

static void
open_test(struct test *t)
{
    const char *parent = getenv("TMPDIR");
    struct vmn_error why = VMN_ERROR_INIT;

    memset(t, 0, sizeof *t);
    t->dir = xasprintf("%s/test-state-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(t->dir));
    t->path = xasprintf("%s/state.db", t->dir);
    t->base = event_base_new();
    assert_int_equal(store_sqlite_class.open(t->path, t->base, &t->store,
                                             &why), 0);
    t->model = model_create();
    snap_init(&t->snap, t->model);
}

static void
close_test(struct test *t)
{
    char *lock = xasprintf("%s.lock", t->path);

    store_sqlite_class.close(t->store);
    model_destroy(t->model);
    event_base_free(t->base);
    snap_uninit(&t->snap);
    unlink(t->path);
    unlink(lock);
    assert_int_equal(rmdir(t->dir), 0);
    free(lock);
    free(t->path);
    free(t->dir);
}

static void
state_keeps_its_promises(void **state OVS_UNUSED)
{
    struct test t;

    rng_state = seed * UINT64_C(0x9e3779b97f4a7c15);
    open_test(&t);
    for (unsigned i = 0; i < n_steps; i++) {
        step_request(&t);
        if (chance(3)) {
            step_undo(&t);
        } else if (chance(15)) {
            step_store(&t);
            step_load(&t);
        }
    }
    print_message("%u accepted, %u refused, %u undone, %u stored, "
                  "%u cascades\n", t.n_accepted, t.n_refused, t.n_undone,
                  t.n_stored, t.n_cascades);
    /* A test that refuses or accepts nearly all would show little. */
    assert_true(t.n_accepted > n_steps / 10);
    assert_true(t.n_refused > n_steps / 10);
    close_test(&t);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_keeps_its_promises),
    };

    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : seed;
    n_steps = argc > 2 ? strtoul(argv[2], NULL, 10) : n_steps;
    print_message("seed %"PRIu64"\n", seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
