/* SPDX-License-Identifier: Apache-2.0
 *
 * What test-own-fields.c tries fields in: objects of the types that the apps
 * of the tree declare, what goes with some fields, and what the apps' own
 * checks refuse.  A type that is new needs a row in 'bases'. */

#ifndef TESTS_UNIT_OWN_FIELDS_TABLES_H
#define TESTS_UNIT_OWN_FIELDS_TABLES_H 1

#include <stdbool.h>
#include <stddef.h>

/* Of each type an object with an element in each list of structs, if not with
 * its companions, so that these fields have a place, and with all selectors;
 * for an account whose scope is project=shop.  A field that an account with a
 * scope may not set is left out. */
static const struct {
    bool for_others;            /* No account with a scope may have one. */
    const char *type, *spec;
} bases[] = {
    { false, "chains", "{'network': 'shop-network', 'sources':"
      " 'project=shop,a', 'destinations': 'project=shop,b', 'services':"
      " [{'protocol': 'tcp', 'ports': ['80']}], 'hops': [{'name': 'h',"
      " 'functions': [{'in': 'shop-port'}]}]}" },
    { false, "metadata", "{'selector': 'project=shop', 'attributes':"
      " [{'name': 'a', 'value': 'b'}]}" },
    { false, "metadata-networks", "{'network': 'shop-network'}" },
    { false, "mirrors", "{'selector': 'project=shop', 'policies':"
      " [{'policy': 'shop-policy', 'rules': [0]}], 'filters':"
      " [{'protocol': 'tcp'}]}" },
    { false, "monitors", "{'group': 'shop-group'}" },
    { false, "multicast-networks", "{'network': 'shop-network'}" },
    { false, "qos-policies", "{'selector': 'project=shop', 'filters':"
      " [{'protocol': 'tcp'}], 'limits': [{'direction': 'egress',"
      " 'max_pps': 9}], 'shared_limits': [{'direction': 'egress',"
      " 'max_pps': 9}]}" },
    { true, "qos-uplinks", "{'interface': 'u0', 'max_kbps': 1000}" },
    { true, "traffic-counts", "{'all_networks': true}" },
};

/* What goes with a field in place of what the base has, so that nothing but
 * the field is wrong; and, unless NULL, a value that is not what the field is
 * without any. */
static const struct {
    const char *type, *field, *with, *value;
} companions[] = {
    { "metadata", "ports", "{'selector': null}", NULL },
    { "mirrors", "encap", "{'to_remote': '192.0.2.7'}", NULL },
    { "mirrors", "key", "{'to_remote': '192.0.2.7'}", NULL },
    { "mirrors", "erspan_ver", "{'to_remote': '192.0.2.7', 'encap':"
      " 'erspan'}", NULL },
    { "mirrors", "erspan_idx", "{'to_remote': '192.0.2.7', 'encap':"
      " 'erspan'}", NULL },
    { "mirrors", "erspan_hwid", "{'to_remote': '192.0.2.7', 'encap':"
      " 'erspan', 'erspan_ver': 2}", NULL },
    { "qos-policies", "ports", "{'selector': null}", NULL },
    { "qos-policies", "policies", "{'selector': null, 'filters': null,"
      " 'limits': null, 'policies': [{'policy': 'shop-policy', 'rules':"
      " [0]}]}", NULL },
    { "qos-policies", "pcp", "{'filters': null}", NULL },
    { "qos-policies", "pcp_from_dscp", "{'filters': null}", NULL },
    { "qos-policies", "min_kbps", "{'filters': null}", "100" },
    { "qos-policies", "shared_min_kbps", "{'filters': null}", "100" },
    { "traffic-counts", "networks", "{'all_networks': null}", NULL },
};

/* What the apps themselves look at. */
static const struct {
    const char *type, *spec, *pointer;
} mistakes[] = {
    { "chains", "{'services': [{'protocol': 'icmp', 'ports': ['1']}]}",
      "/services" },
    { "chains", "{'hops': []}", "/hops" },
    { "chains", "{'hops': [{'name': 'h', 'functions': []}]}",
      "/hops/0/functions" },
    { "chains", "{'hops': [{'name': 'h', 'functions': [{'in': 'shop-port',"
      " 'out': 'shop-port'}]}]}", "/hops" },
    { "chains", "{'hops': [{'name': 'h', 'functions': [{'in':"
      " 'shop-port'}]}, {'name': 'h', 'functions': [{'in':"
      " 'wire-port'}]}]}", "/hops" },
    { "chains", "{'hops': [{'name': 'h', 'health': 'tcp', 'functions':"
      " [{'in': 'shop-port'}]}]}", "/hops" },
    { "metadata", "{'ports': ['shop-port']}", "/ports" },
    { "metadata", "{'selector': null}", "/ports" },
    { "metadata", "{'instance_id': 'a'}", "/instance_id" },
    { "metadata", "{'hostname': 'a'}", "/hostname" },
    { "metadata", "{'attributes': [{'name': 'a/b', 'value': 'c'}]}",
      "/attributes" },
    { "metadata", "{'user_data': 'a?', 'user_data_encoding': 'base64'}",
      "/user_data" },
    { "monitors", "{'interval_ms': 1000, 'timeout_ms': 1001}",
      "/timeout_ms" },
    { "multicast-networks", "{'querier_ip': 'fd00::1'}", "/querier_ip" },
    { "multicast-networks", "{'querier_ip': '239.0.0.1'}", "/querier_ip" },
    { "qos-uplinks", "{'interface': 'a/b'}", "/interface" },
    { "traffic-counts", "{'networks': ['shop-network']}", "/networks" },
    { "traffic-counts", "{'all_networks': null}", "/networks" },
};

#endif /* tests/unit/own-fields-tables.h */
