/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree of EC2's instance metadata: a folder for each version, in which
 * each value is a file of its own.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html
 */

#include "metadata.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Those that clients ask for; they change nothing here. */
static const char *const versions[] = {
    "1.0", "2007-01-19", "2008-02-01", "2008-09-01", "2009-04-04",
    "2011-01-01", "2014-02-25", "2016-09-02", "2018-09-24", "2021-03-23",
    "latest",
};

/* The values, as JSON: objects are folders, texts are files.  ------------- */

static void
add(json_t *folder, const char *name, const char *text)
{
    if (text && text[0]) {
        json_object_set_new(folder, name, json_string(text));
    }
}

/* Returns the port's addresses of a family, a line each; with 'cidrs', their
 * subnets'. */
static const char *
addresses(struct vmn_view *view, const struct vmn_port *port, uint8_t family,
          const struct vmn_network *cidrs)
{
    const char *text = "";

    for (size_t i = 0; i < port->n_ips; i++) {
        const struct vmn_ip *ip = &port->ips[i];
        const struct vmn_subnet *subnet
            = cidrs ? metadata_subnet_of(cidrs, ip) : NULL;
        const char *line = (!cidrs ? vmn_ip_text(view, ip)
                            : subnet ? vmn_prefix_text(view, &subnet->cidr)
                            : "");

        if (ip->family == family && line[0]) {
            text = vmn_printf(view, "%s%s%s", text, text[0] ? "\n" : "",
                              line);
        }
    }
    return text;
}

/* Returns the port's floating addresses of IPv4, a line each. */
static const char *
floating(struct vmn_view *view, const struct vmn_port *port)
{
    struct vmn_names names = vmn_lookup(view, VMN_INDEX_FLOATING_BY_PORT,
                                        port->row.name);
    const char *text = "";

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_floating_ip *row
            = vmn_read_floating_ip(view, names.names[i]);

        if (row && row->ip.family == 4) {
            text = vmn_printf(view, "%s%s%s", text, text[0] ? "\n" : "",
                              vmn_ip_text(view, &row->ip));
        }
    }
    return text;
}

static const char *
first_line(struct vmn_view *view, const char *text)
{
    return vmn_printf(view, "%.*s", (int) strcspn(text, "\n"), text);
}

static json_t *
interface(struct vmn_view *view, const struct told *told, size_t i)
{
    const struct vmn_port *port = told->ports[i];
    const struct vmn_network *network = vmn_read_network(view, port->network);
    json_t *folder = json_object();

    add(folder, "device-number", vmn_printf(view, "%zu", i));
    add(folder, "interface-id", port->row.name);
    add(folder, "ipv6s", addresses(view, port, 6, NULL));
    add(folder, "local-hostname", told->hostname);
    add(folder, "local-ipv4s", addresses(view, port, 4, NULL));
    add(folder, "mac", vmn_mac_text(view, port->mac));
    add(folder, "public-ipv4s", floating(view, port));
    if (network) {
        add(folder, "subnet-id", network->row.name);
        add(folder, "subnet-ipv4-cidr-block",
            addresses(view, port, 4, network));
        add(folder, "subnet-ipv6-cidr-blocks",
            addresses(view, port, 6, network));
    }
    return folder;
}

static json_t *
public_keys(const struct told *told)
{
    json_t *folder = json_object();

    for (size_t i = 0; i < told->n_ssh_keys; i++) {
        char name[32];

        snprintf(name, sizeof name, "%zu", i);
        json_object_set_new(folder, name, json_pack("{s:s}", "openssh-key",
                                                    told->ssh_keys[i]));
    }
    return folder;
}

static json_t *
tags(const struct told *told)
{
    json_t *folder = json_object();

    for (size_t i = 0; i < told->n_attributes; i++) {
        json_object_set_new(folder, told->attributes[i].name,
                            json_string(told->attributes[i].value));
    }
    return json_pack("{s:o}", "instance", folder);
}

static json_t *
meta_data(struct vmn_view *view, const struct told *told)
{
    json_t *root = json_object(), *macs = json_object();

    for (size_t i = 0; i < told->n_ports; i++) {
        json_object_set_new(macs, vmn_mac_text(view, told->ports[i]->mac),
                            interface(view, told, i));
    }
    add(root, "hostname", told->hostname);
    add(root, "instance-id", told->instance_id);
    add(root, "local-hostname", told->hostname);
    add(root, "local-ipv4", first_line(view, addresses(view, told->port, 4,
                                                       NULL)));
    add(root, "mac", vmn_mac_text(view, told->port->mac));
    json_object_set_new(root, "network", json_pack(
        "{s:{s:o}}", "interfaces", "macs", macs));
    if (told->availability_zone) {
        json_object_set_new(root, "placement", json_pack(
            "{s:s}", "availability-zone", told->availability_zone));
    }
    add(root, "public-ipv4", first_line(view, floating(view, told->port)));
    if (told->n_ssh_keys) {
        json_object_set_new(root, "public-keys", public_keys(told));
    }
    if (told->n_attributes) {
        json_object_set_new(root, "tags", tags(told));
    }
    return root;
}

/* Who the VM is, in one file.  It is not signed, as EC2's is: nobody else can
 * be shown it. */
static json_t *
dynamic(struct vmn_view *view, const struct told *told)
{
    const char *ip = first_line(view, addresses(view, told->port, 4, NULL));
    json_t *document = json_pack(
        "{s:s, s:s*, s:s*, s:s}", "instanceId", told->instance_id,
        "privateIp", ip[0] ? ip : NULL, "availabilityZone",
        told->availability_zone, "version", "2017-09-30");
    char *text = json_dumps(document, JSON_INDENT(1));
    json_t *root = json_pack("{s:{s:s}}", "instance-identity", "document",
                             text ? text : "");

    free(text);
    json_decref(document);
    return root;
}

/* The tree.  -------------------------------------------------------------- */

/* Lists a folder: a line each, those that are folders with a slash; of keys,
 * their number and name. */
static void
list(struct vmn_view *view, json_t *folder, bool is_keys,
     struct reply *reply)
{
    const char *text = "", *name;
    json_t *value;

    json_object_foreach (folder, name, value) {
        text = vmn_printf(view, "%s%s%s%s", text, text[0] ? "\n" : "", name,
                          is_keys ? vmn_printf(view, "=key-%s", name)
                          : json_is_object(value) ? "/" : "");
    }
    reply_text(view, text, reply);
}

/* Follows 'path' ("/network/interfaces/") from the root on. */
static void
walk(struct vmn_view *view, json_t *root, const char *path,
     struct reply *reply)
{
    json_t *at = root;
    bool is_keys = false;

    while (at && path[0] && path[1]) {
        size_t len = strcspn(path + 1, "/");
        const char *name = vmn_printf(view, "%.*s", (int) len, path + 1);

        is_keys = at == root && !strcmp(name, "public-keys");
        at = json_object_get(at, name);
        path += 1 + len;
    }
    if (json_is_object(at)) {
        list(view, at, is_keys, reply);
    } else if (json_is_string(at)) {
        reply_text(view, json_string_value(at), reply);
    } else {
        reply->status = 404;
    }
}

static void
list_versions(struct vmn_view *view, struct reply *reply)
{
    const char *text = "";

    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        text = vmn_printf(view, "%s%s%s", text, text[0] ? "\n" : "",
                          versions[i]);
    }
    reply_text(view, text, reply);
}

/* Returns what is behind a version in 'path', or NULL: it has none. */
static const char *
skip_version(const char *path)
{
    size_t len = strcspn(path + 1, "/");

    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (strlen(versions[i]) == len
            && !strncmp(path + 1, versions[i], len)) {
            return path + 1 + len;
        }
    }
    return NULL;
}

/* If 'path' is folder 'name' or in it, answers by what 'make' makes of it. */
static bool
get_folder(struct vmn_view *view, const struct told *told, const char *path,
           const char *name,
           json_t *(*make)(struct vmn_view *, const struct told *),
           struct reply *reply)
{
    size_t len = strlen(name);
    json_t *root;

    if (strncmp(path, name, len) || (path[len] && path[len] != '/')) {
        return false;
    }
    root = make(view, told);
    walk(view, root, path + len, reply);
    json_decref(root);
    return true;
}

void
ec2_get(struct vmn_view *view, const struct told *told, const char *path,
        struct reply *reply)
{
    const char *rest;

    reply->status = 404;
    if (!path[1]) {
        list_versions(view, reply);
        return;
    }
    rest = skip_version(path);
    if (!rest) {
        return;
    } else if (!rest[0] || !rest[1]) {
        reply_text(view, told->user_data ? "dynamic\nmeta-data\nuser-data"
                   : "dynamic\nmeta-data", reply);
    } else if (!strcmp(rest, "/user-data")) {
        reply_user_data(view, told, reply);
    } else if (!get_folder(view, told, rest, "/dynamic", dynamic, reply)) {
        get_folder(view, told, rest, "/meta-data", meta_data, reply);
    }
}
