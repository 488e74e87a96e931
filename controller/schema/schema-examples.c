/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects that show what a type is for, as `vmnctl explain` and the API's
 * description have them.  All together they are one world that vmnd takes:
 * tests/system/test_openapi.py applies them. */

#include <config.h>

#include "controller/schema/schema.h"

/* JSON as it is written here: clang-format off */
#define EXAMPLE(NAME, ...) { .name = NAME, .spec = #__VA_ARGS__ }

const struct schema_example
schema_examples[VMN_N_TABLES][SCHEMA_EXAMPLES_MAX] = {
    [VMN_TABLE_HOST] = {
        EXAMPLE("hv1", {
            "ovsdb": "ssl:192.0.2.11:6640", "tunnel_ip": "192.0.2.11",
            "encap": "geneve",
            "provider_bridges": [{"physical": "dc", "bridge": "br-ex"}]}),
    },
    [VMN_TABLE_NETWORK] = {
        EXAMPLE("shop", {
            "subnets": [{"cidr": "10.0.0.0/24", "gateway": "10.0.0.1",
                         "dhcp": true}],
            "dhcp_options": {"dns": ["10.0.0.53"]}, "default": "deny"}),
        EXAMPLE("internet", {
            "provider": {"physical": "dc", "vlan": 7},
            "subnets": [{"cidr": "198.51.100.0/24",
                         "gateway": "198.51.100.1"}]}),
    },
    [VMN_TABLE_PORT] = {
        EXAMPLE("web-1", {
            "network": "shop", "labels": {"role": "web"}}),
        EXAMPLE("db-1", {
            "network": "shop", "labels": {"role": "db"},
            "ips": ["10.0.0.20"], "mac": "02:00:00:00:00:20"}),
    },
    [VMN_TABLE_GROUP] = {
        EXAMPLE("web", {"selector": "role=web"}),
        EXAMPLE("db", {"selector": "role in (db,cache)",
                       "cidrs": ["192.0.2.0/24"],
                       "except": ["192.0.2.128/25"]}),
    },
    [VMN_TABLE_SERVICE] = {
        EXAMPLE("http", {
            "entries": [{"protocol": "tcp", "ports": [80, "8000-8010"]}]}),
    },
    [VMN_TABLE_TIER] = {
        EXAMPLE("tenants", {"position": 11}),
    },
    [VMN_TABLE_POLICY] = {
        EXAMPLE("db-in", {
            "applies_to": ["db"],
            "rules": [
                {"direction": "ingress", "action": "allow",
                 "peers": [{"group": "web"}],
                 "services": [{"protocol": "tcp", "ports": [5432]}]},
                {"direction": "ingress", "action": "reject", "log": true}]}),
    },
    [VMN_TABLE_QUARANTINE] = {
        EXAMPLE("infected", {
            "selector": "state=infected",
            "allow": [{"direction": "ingress",
                       "peers": [{"cidr": "10.0.0.5/32"}],
                       "services": [{"protocol": "tcp", "ports": [22]}]}]}),
    },
    [VMN_TABLE_LOADBALANCER] = {
        EXAMPLE("web", {
            "vip": "10.0.0.100", "networks": ["shop"],
            "ports": [{"port": 80, "target": 8080}],
            "backends": [{"port": "web-1", "weight": 2}],
            "selector": "role=web"}),
    },
    [VMN_TABLE_OBSERVATION] = {
        EXAMPLE("shop", {"minutes": 60}),
    },
    [VMN_TABLE_TELEMETRY] = {
        EXAMPLE("flows", {
            "selector": "rack=a",
            "sflow": {"targets": ["192.0.2.9:6343"], "sampling": 1000},
            "ipfix": {"targets": ["192.0.2.9:4739"], "obs_domain_id": 7}}),
    },
    [VMN_TABLE_QUOTA] = {
        EXAMPLE("shop", {
            "scope": "project=shop", "networks": 10, "ports": 200,
            "addresses": 400, "policies": 50, "rules": 1000,
            "requests": 50}),
    },
    [VMN_TABLE_APP] = {
        EXAMPLE("dns", {"enabled": true}),
    },
    [VMN_TABLE_ROUTER] = {
        EXAMPLE("shop", {
            "interfaces": [{"network": "shop"}],
            "routes": [{"destination": "10.9.0.0/16", "via": ["10.0.0.9"]}],
            "external": {"network": "internet",
                         "addresses": ["198.51.100.10"],
                         "gateways": [{"host": "hv1", "priority": 1}]}}),
    },
    [VMN_TABLE_FLOATING_IP] = {
        EXAMPLE("web", {
            "router": "shop", "ip": "198.51.100.20", "port": "web-1"}),
    },
    [VMN_TABLE_ACCOUNT] = {
        EXAMPLE("shop-team", {
            "role": "operator", "scope": "project=shop"}),
    },
    [VMN_TABLE_TOKEN] = {
        EXAMPLE("shop-ci", {
            "account": "shop-team", "expires": "2027-01-31T12:00:00Z",
            "sha256": "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"}),
    },
    [VMN_TABLE_DNS_ZONE] = {
        EXAMPLE("shop.internal", {
            "networks": ["shop"],
            "records": [{"name": "db", "type": "CNAME",
                         "values": ["db-1.shop.internal"]}]}),
    },
};
