/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows and names that tests of overlay, firewall and loadbalancer share. */

#ifndef TESTS_UNIT_APPS_ROWS_H
#define TESTS_UNIT_APPS_ROWS_H 1

#include <stddef.h>

static const char *const shop_apps[] = {
    "overlay",
    "firewall",
    "loadbalancer",
    NULL,
};

/* What tells packets of network shop: it is a domain by itself. */
#define SHOP "reg5={zone:policy/shop}"

/* Three hosts, a network of four VMs, and another with the same addresses. */
#define BASE                                                                \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"          \
    "'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2'},"          \
    "'hosts/h3': {'ovsdb': 'unix:/h3', 'tunnel_ip': '10.99.0.3'},"          \
    "'networks/shop': {'vni': 100, 'subnets': [{'cidr': '10.0.0.0/24'}]},"  \
    "'networks/other': {'vni': 200, 'subnets': [{'cidr': '10.0.0.0/24'}]}," \
    PORT("web1", "shop", "1", "h1", "5", "'tier': 'web'") ","               \
    PORT("web2", "shop", "2", "h2", "6", "'tier': 'web'") ","               \
    PORT("app1", "shop", "3", "h2", "7", "'tier': 'app'") ","               \
    PORT("db1", "shop", "4", "h3", "8", "'tier': 'db'") ","                 \
    PORT("spy", "other", "1", "h1", "9", "'tier': 'web'")

/* A port with address 10.0.0.N and MAC 02:00:00:00:00:0N, bound to a host. */
#define PORT(NAME, NETWORK, N, HOST, OFPORT, LABELS)                        \
    "'ports/" NAME "': {'network': '" NETWORK "', 'ips': ['10.0.0." N "'],"  \
    " 'mac': '02:00:00:00:00:0" N "', 'labels': {" LABELS "}},"             \
    "'bindings/" NAME "': {'host': '" HOST "'},"                            \
    "'vifs/" HOST "/" NAME "': {'host': '" HOST "', 'iface_id': '" NAME "'," \
    " 'iface': 'tap', 'ofport': " OFPORT "}"

/* The same port with fd00::N beside, in a network that has IPv6. */
#define DUAL(NAME, N)                                                       \
    "'networks/shop': {'vni': 100, 'subnets': [{'cidr': '10.0.0.0/24'},"    \
    " {'cidr': 'fd00::/64'}]},"                                             \
    "'ports/" NAME "': {'network': 'shop', 'mac': '02:00:00:00:00:0" N "'," \
    " 'ips': ['10.0.0." N "', 'fd00::" N "'], 'labels': {'tier': 'db'}}"

#define GROUP(NAME, SELECTOR) \
    "'groups/" NAME "': {'selector': '" SELECTOR "'}"
#define TIERS                                                               \
    GROUP("web", "tier=web") "," GROUP("app", "tier=app") ","               \
    GROUP("db", "tier=db")

#define WEB_ID "{firewall.identity:shop|web}"
#define APP_ID "{firewall.identity:shop|app}"
#define DB_ID "{firewall.identity:shop|db}"
/* Of ports that are quarantined: by "/NAME", or "" by their rows. */
#define HELD_ID(GROUP, BY) \
    "{firewall.identity:shop|" GROUP ",!quarantined" BY "}"

/* A balancer in front of ports of network shop. */
#define LB(BACKENDS)                                                       \
    "'loadbalancers/lb': {'vip': '10.0.0.100', 'networks': ['shop'],"      \
    " 'ports': [{'port': 80}], 'affinity': {}, 'backends': [" BACKENDS "]}"

#define ADMIT "overlay.admit"
#define LOCATE "overlay.locate/0 "

#endif /* tests/unit/apps-rows.h */
