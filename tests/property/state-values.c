/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers, values and names for requests; see state-random.h. */

#include <config.h>

#include "tests/property/state-random.h"

#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"

static uint64_t rng_state;

void
seed_state(uint64_t seed)
{
    rng_state = seed * UINT64_C(0x9e3779b97f4a7c15);
}

/* xorshift64*. */
unsigned
rnd(unsigned n)
{
    rng_state ^= rng_state >> 12;
    rng_state ^= rng_state << 25;
    rng_state ^= rng_state >> 27;
    return (rng_state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % n;
}

bool
chance(unsigned percent)
{
    return rnd(100) < percent;
}

/* Values at the edges of what is allowed, on both sides.  ----------------- */

#define B500 A60 A60 A60 A60 A60 A60 A60 A60 A10 A10

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

const char *
edge_ip(void)
{
    return PICK(edge_ips);
}

const char *
edge_prefix(void)
{
    return PICK(edge_prefixes);
}

const char *
edge_mac(void)
{
    return PICK(edge_macs);
}

const char *
edge_label(void)
{
    return PICK(edge_labels);
}

void
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

void
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
    [VMN_TABLE_DRAFT] = 3,
    [VMN_TABLE_BINDING] = 14, [VMN_TABLE_VIF] = 6, [VMN_TABLE_UNDERLAY] = 4,
    [VMN_TABLE_HEALTH] = 14, [VMN_TABLE_TYPE] = 2, [VMN_TABLE_FQDN] = 3,
    [VMN_TABLE_WITHDRAWAL] = 6,
};

/* The first of each kind is as long as a name can be. */
static void
put_numbered(struct ds *ds, char letter, unsigned i)
{
    ds_put_format(ds, "%c%u%s", letter, i, i ? "" : "-" A60);
}

void
put_name(struct ds *ds, enum vmn_table table)
{
    char letter = schema_tables[table]->plural[0];

    if (table == VMN_TABLE_FQDN) {
        ds_put_format(ds, "n%u.example.com", rnd(n_names[table]));
        return;
    }
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
    } else if (table == VMN_TABLE_DRAFT) {
        letter = 'd';
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
    } else if (table == VMN_TABLE_WITHDRAWAL) {
        ds_put_cstr(ds, "networks/");
        letter = 'n';
    }
    if (table == VMN_TABLE_TIER && chance(20)) {
        ds_put_cstr(ds, chance(50) ? "baseline" : "security");
        return;
    }
    put_numbered(ds, letter, rnd(n_names[table]));
}

void
put_ref(struct ds *ds, const char *field, enum vmn_table table)
{
    ds_put_format(ds, ",'%s':'", field);
    put_name(ds, table);
    ds_put_char(ds, '\'');
}

void
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
