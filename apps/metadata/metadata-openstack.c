/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree under /openstack, as Nova's metadata service has it: a folder for
 * each version, with files of JSON.
 * https://docs.openstack.org/nova/latest/user/metadata.html;
 * network_data.json by nova's doc/api_schemas/network_data.json. */

#include "metadata.h"

#include <jansson.h>
#include <stdio.h>

/* Versions that change nothing here: the files that there are have what the
 * last one says. */
static const char versions[] =
    "2012-08-10\n2013-04-04\n2013-10-17\n2015-10-15\n2016-06-30\n2016-10-06\n"
    "2017-02-22\n2018-08-27\nlatest";

/* meta_data.json.  -------------------------------------------------------- */

static json_t *
keys_by_name(const struct told *told)
{
    json_t *keys = json_object();

    for (size_t i = 0; i < told->n_ssh_keys; i++) {
        char name[32];

        snprintf(name, sizeof name, "key-%zu", i);
        json_object_set_new(keys, name, json_string(told->ssh_keys[i]));
    }
    return keys;
}

static json_t *
keys_in_order(const struct told *told)
{
    json_t *keys = json_array();

    for (size_t i = 0; i < told->n_ssh_keys; i++) {
        char name[32];

        snprintf(name, sizeof name, "key-%zu", i);
        json_array_append_new(keys, json_pack("{s:s, s:s, s:s}", "name", name,
                                              "type", "ssh", "data",
                                              told->ssh_keys[i]));
    }
    return keys;
}

static json_t *
attributes_of(const struct told *told)
{
    json_t *attributes = json_object();

    for (size_t i = 0; i < told->n_attributes; i++) {
        json_object_set_new(attributes, told->attributes[i].name,
                            json_string(told->attributes[i].value));
    }
    return attributes;
}

static json_t *
meta_data(struct vmn_view *view, const struct told *told)
{
    (void) view;
    return json_pack("{s:s, s:s, s:s, s:s*, s:i, s:o, s:o, s:o}",
                     "uuid", told->instance_id, "name", told->hostname,
                     "hostname", told->hostname,
                     "availability_zone", told->availability_zone,
                     "launch_index", 0, "public_keys", keys_by_name(told),
                     "keys", keys_in_order(told), "meta",
                     attributes_of(told));
}

/* network_data.json.  ----------------------------------------------------- */

/* Returns the mask of a prefix's length, of an address' family, as a text. */
static const char *
mask_text(struct vmn_view *view, uint8_t family, unsigned len)
{
    struct vmn_ip mask = { .family = family };

    for (unsigned i = 0; i < len; i++) {
        mask.addr[i / 8] |= (uint8_t) (0x80 >> i % 8);
    }
    return vmn_ip_text(view, &mask);
}

static json_t *
route(struct vmn_view *view, const struct vmn_prefix *to,
      const struct vmn_ip *via)
{
    return json_pack("{s:s, s:s, s:s}", "network", vmn_ip_text(view, &to->ip),
                     "netmask", mask_text(view, to->ip.family, to->len),
                     "gateway", vmn_ip_text(view, via));
}

static json_t *
routes_of(struct vmn_view *view, const struct vmn_network *network,
          const struct vmn_subnet *subnet)
{
    const struct vmn_prefix all = { { .family = subnet->cidr.ip.family }, 0 };
    const struct vmn_dhcp_options *options
        = (subnet->dhcp_options.n_routes ? &subnet->dhcp_options
           : &network->dhcp_options);
    json_t *routes = json_array();

    if (subnet->gateway.family) {
        json_array_append_new(routes, route(view, &all, &subnet->gateway));
    }
    for (size_t i = 0; i < options->n_routes; i++) {
        const struct vmn_dhcp_route *r = vmn_dhcp_route_at(options, i);

        if (r->destination.ip.family == all.ip.family && r->destination.len) {
            json_array_append_new(routes, route(view, &r->destination,
                                                &r->via));
        }
    }
    return routes;
}

/* One address of a port: how the guest gets it, or what it is. */
static json_t *
address(struct vmn_view *view, const struct vmn_port *port,
        const struct vmn_network *network, const struct vmn_ip *ip)
{
    const struct vmn_subnet *subnet = metadata_subnet_of(network, ip);
    json_t *json = json_pack("{s:s, s:s}", "link", port->row.name,
                             "network_id", network->row.name);
    bool v6 = ip->family == 6;

    if (subnet && (subnet->dhcp || subnet->slaac)) {
        json_object_set_new(json, "type",
                            json_string(subnet->slaac ? "ipv6_slaac"
                                        : v6 ? "ipv6_dhcpv6-stateful"
                                        : "ipv4_dhcp"));
    } else {
        json_object_set_new(json, "type", json_string(v6 ? "ipv6" : "ipv4"));
        json_object_set_new(json, "ip_address",
                            json_string(vmn_ip_text(view, ip)));
        json_object_set_new(json, "netmask", json_string(
            mask_text(view, ip->family, (subnet ? subnet->cidr.len
                                         : vmn_ip_bits(ip)))));
        if (subnet) {
            json_object_set_new(json, "routes",
                                routes_of(view, network, subnet));
        }
    }
    return json;
}

static void
add_services(struct vmn_view *view, const struct vmn_network *network,
             json_t *services)
{
    const struct vmn_dhcp_options *options = &network->dhcp_options;
    const struct vmn_ip *own;
    size_t size;

    for (size_t i = 0; i < options->n_dns; i++) {
        json_array_append_new(services, json_pack(
            "{s:s, s:s}", "type", "dns", "address",
            vmn_ip_text(view, &options->dns[i])));
    }
    own = (const struct vmn_ip *) vmn_query(view, VMN_QUERY_DNS_SERVER,
                                            network->row.name, &size);
    if (own && size == sizeof *own && !options->n_dns) {
        json_array_append_new(services, json_pack(
            "{s:s, s:s}", "type", "dns", "address", vmn_ip_text(view, own)));
    }
}

static void
add_port(struct vmn_view *view, const struct vmn_port *port, json_t *links,
         json_t *networks, json_t *services)
{
    const struct vmn_network *network = vmn_read_network(view, port->network);

    if (!network) {
        return;
    }
    json_array_append_new(links, json_pack(
        "{s:s, s:s, s:s, s:s, s:i}", "id", port->row.name, "vif_id",
        port->iface_id, "type", "ovs", "ethernet_mac_address",
        vmn_mac_text(view, port->mac), "mtu",
        (int) vmn_mtu_of(view, network)));
    for (size_t i = 0; i < port->n_ips; i++) {
        json_t *json = address(view, port, network, &port->ips[i]);

        json_object_set_new(json, "id", json_string(
            vmn_printf(view, "network%zu", json_array_size(networks))));
        json_array_append_new(networks, json);
    }
    add_services(view, network, services);
}

static json_t *
network_data(struct vmn_view *view, const struct told *told)
{
    json_t *links = json_array(), *networks = json_array();
    json_t *services = json_array();

    for (size_t i = 0; i < told->n_ports; i++) {
        add_port(view, told->ports[i], links, networks, services);
    }
    return json_pack("{s:o, s:o, s:o}", "links", links, "networks", networks,
                     "services", services);
}

/* The tree.  -------------------------------------------------------------- */

static json_t *
vendor_data(struct vmn_view *view, const struct told *told)
{
    (void) view;
    return json_pack("{s:s*}", "cloud-init", told->vendor_data);
}

static json_t *
vendor_data2(struct vmn_view *view, const struct told *told)
{
    (void) view;
    (void) told;
    return json_object();
}

static const struct {
    const char *name;
    json_t *(*make)(struct vmn_view *, const struct told *); /* NULL: user
                                                              * data. */
} files[] = {
    { "meta_data.json", meta_data },
    { "network_data.json", network_data },
    { "user_data", NULL },
    { "vendor_data.json", vendor_data },
    { "vendor_data2.json", vendor_data2 },
};

static void
list_files(struct vmn_view *view, const struct told *told,
           struct reply *reply)
{
    const char *text = "";

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i].make || told->user_data) {
            text = vmn_printf(view, "%s%s%s", text, text[0] ? "\n" : "",
                              files[i].name);
        }
    }
    reply_text(view, text, reply);
}

/* Returns what is behind a version in 'path', or NULL: it has none. */
static const char *
skip_version(struct vmn_view *view, const char *path)
{
    size_t len = strcspn(path + 1, "/");
    const char *version = vmn_printf(view, "\n%.*s\n", (int) len, path + 1);

    return (len && strstr(vmn_printf(view, "\n%s\n", versions), version)
            ? path + 1 + len : NULL);
}

void
openstack_get(struct vmn_view *view, const struct told *told,
              const char *path, struct reply *reply)
{
    const char *rest;

    if (!path[0] || !path[1]) {
        reply_text(view, versions, reply);
        return;
    }
    rest = skip_version(view, path);
    if (rest && (!rest[0] || !rest[1])) {
        list_files(view, told, reply);
        return;
    }
    for (size_t i = 0; rest && i < sizeof files / sizeof files[0]; i++) {
        if (!strcmp(rest + 1, files[i].name)) {
            if (files[i].make) {
                reply_json(view, files[i].make(view, told), reply);
            } else {
                reply_user_data(view, told, reply);
            }
            return;
        }
    }
    reply->status = 404;
}
