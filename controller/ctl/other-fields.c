/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of other tools for fields and values of objects, and the forms that
 * elements of lists have here; see other-tools.h.  Commands and options are in
 * other-tools.c. */

#include <config.h>

#include "controller/ctl/other-tools.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Returns true if 'words', which have a space at both sides, contain
 * 'word'. */
static bool
has_word(const char *words, const char *word)
{
    char *spaced = xasprintf(" %s ", word);
    bool has = !strchr(word, ' ') && strstr(words, spaced);

    free(spaced);
    return has;
}

/* Fields.  ---------------------------------------------------------------- */

#define SERVICES "services: [{protocol: tcp, ports: [80]}]"
#define SUBNETS "subnets: [{cidr: 10.0.0.0/24, gateway: 10.0.0.1}]"

/* What to write, in a struct of the schema, in place of fields that others
 * have. */
static const struct {
    const char *of, *words, *instead;
} fields[] = {
    { "rule", " port ports dport dports dst_port dst_ports sport toPorts "
      "protocol port_range port_range_min port_range_max tp_dst service ",
      SERVICES },
    { "rule", " from to source sources src destination destinations dst peer "
      "remote_group remote_group_id group groups ", "peers: [{group: NAME}]" },
    { "rule", " cidr cidrs ipBlock remote_ip_prefix remote_ip prefix nw_src "
      "nw_dst ", "peers: [{cidr: 10.0.0.0/8}]" },
    { "rule", " fqdns fqdn domain domains dns toFQDNs matchName hostname ",
      "peers: [{fqdn: api.example.com}]" },
    { "rule", " match ", "peers and services" },
    { "rule", " verdict target policy ", "action: allow" },
    { "policy", " ingress egress ", "rules: [{direction: ingress, action: "
      "allow}]" },
    { "policy", " policyTypes ", "directions: [ingress]" },
    { "policy", " podSelector selector appliedTo subject targets groups ports "
      "endpointSelector ", "applies_to: [GROUP]" },
    { "network", " cidr subnet gateway gateway_ip prefix ", SUBNETS },
    { "network", " vlan physical segmentation_id tag network_name ",
      "provider: {physical: NAME, vlan: 10}" },
    { "subnet", " gateway_ip ", "gateway: 10.0.0.1" },
    { "subnet", " allocation_pools pool range ip_range ", "pools: [{start: "
      "10.0.0.10, end: 10.0.0.99}]" },
    { "subnet", " enable_dhcp ", "dhcp: true" },
    { "port", " ip address addresses ip_address ip_addresses fixed_ips ",
      "ips: [10.0.0.5]" },
    { "port", " mac_address macaddress ", "mac: 02:00:00:00:00:05" },
    { "port", " tags tag ", "labels: {role: web}" },
    { "port", " security_groups groups policies ", "labels: {role: web}, "
      "which groups select" },
    { "port", " vm device_id instance interface iface-id interface_id ",
      "iface_id: ID, as the interface's external_ids:iface-id" },
    { "port", " node hypervisor binding_host_id host_id ", "host: NAME" },
    { "port", " port_security allowed_address_pairs ", "allowed_addresses: "
      "[{ip: 10.0.0.9}]" },
    { "group", " members vms instances ", "ports: [NAME], or selector: "
      "role=web" },
    { "group", " matchLabels labelSelector podSelector match_labels ",
      "selector: role=web" },
    { "group", " addresses ipBlock cidr ", "cidrs: [192.0.2.0/24]" },
    { "loadbalancer", " address ip vip_address virtual_ip ", "vip: "
      "10.0.0.100" },
    { "loadbalancer", " members pool pools targets servers endpoints ",
      "backends: [{port: NAME}], or selector: role=web" },
    { "loadbalancer", " listeners listener listen ", "ports: [{port: 80}]" },
    { "loadbalancer", " healthcheck health_check health_monitor "
      "healthmonitor check ", "health: {type: tcp}" },
    { "router", " networks ports subnets network ", "interfaces: [{network: "
      "NAME}]" },
    { "router", " gateway external_gateway external_gateway_info uplink ",
      "external: {network: NAME, addresses: [192.0.2.1], gateways: [{host: "
      "NAME}]}" },
    { "floating-ip", " address floating_ip_address public_ip ",
      "ip: 192.0.2.80" },
    { "floating-ip", " port_id fixed_port fixed_ip target ", "port: NAME" },
};

const char *
ctl_other_field(const char *of, const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (!strcmp(fields[i].of, of) && has_word(fields[i].words, word)) {
            return fields[i].instead;
        }
    }
    return NULL;
}

/* Values.  ---------------------------------------------------------------- */

static const struct {
    const char *field, *words, *value;
} values[] = {
    { "action", " accept permit allow-related allow-stateless ", "allow" },
    { "action", " drop block ", "deny" },
    { "action", " refuse ", "reject" },
    { "action", " next continue goto_next ", "pass" },
    { "direction", " in inbound incoming input to-lport ", "ingress" },
    { "direction", " out outbound outgoing output from-lport ", "egress" },
    { "directions", " in inbound incoming input to-lport ", "ingress" },
    { "directions", " out outbound outgoing output from-lport ", "egress" },
    { "mode", " audit monitor alert dry-run dryrun test log permissive ",
      "shadow" },
    { "mode", " enforced enforcing on active enabled ", "enforce" },
    { "role", " read readonly read-only reader view ", "viewer" },
    { "role", " write writer edit editor member user ", "operator" },
    { "role", " root owner administrator superuser ", "admin" },
};

const char *
ctl_other_value(const char *field, const char *word)
{
    char *lower = xstrdup(word);
    const char *value = NULL;

    for (char *c = lower; *c; c++) {
        *c = tolower((unsigned char) *c);
    }
    for (size_t i = 0; i < ARRAY_SIZE(values) && !value; i++) {
        if (!strcmp(values[i].field, field)
            && has_word(values[i].words, lower)) {
            value = values[i].value;
        }
    }
    free(lower);
    return value;
}

/* Elements of lists.  ----------------------------------------------------- */

/* The member in which an element of a list has what others write alone. */
static const struct {
    const char *list, *member;
} elements[] = {
    { "subnets", "cidr" },
    { "backends", "port" },
    { "interfaces", "network" },
    { "peers", "group" },
    { "services", "service" },
    { "entries", "protocol" },
    { "ports", "port" },
    { "allowed_addresses", "ip" },
    { "gateways", "host" },
};

const char *
ctl_element_member(const char *list)
{
    for (size_t i = 0; i < ARRAY_SIZE(elements); i++) {
        if (!strcmp(elements[i].list, list)) {
            return elements[i].member;
        }
    }
    return NULL;
}
