/* SPDX-License-Identifier: Apache-2.0
 *
 * What is related to an object, by type; see describe.h. */

#include <config.h>

#include "controller/ctl/describe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-labels.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Up to so many ports, all are read to find those of a host. */
#define PORTS_MAX 5000

/* Columns.  --------------------------------------------------------------- */

static const struct ctl_column group_columns[] = {
    { "GROUP", "/name", NULL },
    { "REASON", "/why", NULL },
    { NULL, NULL, NULL },
};

static const struct ctl_column policy_columns[] = {
    { "POLICY", "/name", NULL },
    { "TIER", "/spec/tier", NULL },
    { "PRIORITY", "/spec/priority", NULL },
    { "MODE", "/spec/mode", NULL },
    { "APPLIES TO", "/spec/applies_to", NULL },
    { "RULES", "/spec/rules", NULL },
    { NULL, NULL, NULL },
};

static const struct ctl_column router_columns[] = {
    { "ROUTER", "/name", NULL },
    { "NETWORKS", "/spec/interfaces/*/network", NULL },
    { "EXTERNAL", "/spec/external/network", NULL },
    { NULL, NULL, NULL },
};

static const struct ctl_column balancer_columns[] = {
    { "BALANCER", "/name", NULL },
    { "VIP", "/spec/vip", NULL },
    { "PORTS", "/spec/ports/*/port", NULL },
    { NULL, NULL, NULL },
};

static const struct ctl_column place_columns[] = {
    { "HOST", "/host", NULL },
    { "STATE", "/state", NULL },
    { "NETWORK", "/network", NULL },
    { "PORTS", "/ports", NULL },
    { NULL, NULL, NULL },
};

static const struct ctl_column port_columns[] = {
    { "PORT", "/name", NULL },
    { "NETWORK", "/spec/network", NULL },
    { "IPS", "/status/ips", NULL },
    { "STATE", "/status/state", NULL },
    { "REASON", "/status/reason", NULL },
    { NULL, NULL, NULL },
};

static const struct ctl_column subnet_columns[] = {
    { "SUBNET", "/cidr", NULL },
    { "ADDRESSES", "/size", NULL },
    { "USED", "/used", NULL },
    { "FREE", "/free", NULL },
    { NULL, NULL, NULL },
};

static const struct ctl_column unclaimed_columns[] = {
    { "IFACE-ID", "/iface_id", NULL },
    { "INTERFACE", "/interface", NULL },
    { "MAC", "/mac", NULL },
    { "SINCE", "/since", NULL },
    { NULL, NULL, NULL },
};

/* "serving", or "serving,kept" if that is only its last state; and
 * "serving,unprobed" if nobody knows whether anything answers. */
static void
print_backend_state(const json_t *backend, struct ds *ds)
{
    ctl_path_print(backend, "/state", ds);
    if (json_is_true(json_object_get(backend, "kept"))) {
        ds_put_cstr(ds, ",kept");
    }
    if (json_is_true(json_object_get(backend, "unprobed"))) {
        ds_put_cstr(ds, ",unprobed");
    }
}

/* Prints why the last probe failed, if that is what the reason is about: of a
 * backend that drains, is drained or is not probed it says why that is so. */
static void
print_last_failure(const json_t *backend, struct ds *ds)
{
    const char *state = json_string_value(json_object_get(
        json_object_get(backend, "health"), "state"));

    if (state && strcmp(state, "idle") && strcmp(state, "drained")
        && !json_object_get(backend, "drain")) {
        ctl_path_print(backend, "/health/reason", ds);
    }
}

static const struct ctl_column backend_columns[] = {
    { "BACKEND", "/port", NULL },
    { "WEIGHT", "/weight", NULL },
    { "HOST", "/host", NULL },
    { "STATE", NULL, print_backend_state },
    { "SHARE", "/share", NULL },
    { "OPENED", "/load/connections", NULL },
    { "RATE", "/load/connections_per_s", NULL },
    { "HEALTH", "/health/state", NULL },
    { "CHECKED", "/health/checked", NULL },
    { "LAST FAILURE", NULL, print_last_failure },
    { "REASON", "/reason", NULL },
    { NULL, NULL, NULL },
};

static const struct ctl_column drain_columns[] = {
    { "BACKEND", "/port", NULL },
    { "SINCE", "/drain/since", NULL },
    { "QUIET SINCE", "/drain/quiet_since", NULL },
    { "DRAINED AT THE EARLIEST", "/drain/earliest", NULL },
    { "AT THE LATEST", "/drain/latest", NULL },
    { NULL, NULL, NULL },
};

static const struct ctl_column rule_columns[] = {
    { "RULE", "/number", NULL },
    { "DIRECTION", "/direction", NULL },
    { "ACTION", "/action", NULL },
    { "PEERS", NULL, ctl_print_peers },
    { "SERVICES", NULL, ctl_print_services },
    { "PACKETS", "/packets", NULL },
    { "LAST", "/last", NULL },
    { NULL, NULL, NULL },
};

/* Lists.  ---------------------------------------------------------------- */

typedef bool is_wanted(const json_t *object, const char *name);

/* Prints a table of the objects of 'type' for which 'wanted' returns true. */
static enum ctl_exit
list(struct ctl *ctl, const char *title, const char *type,
     const struct ctl_column *columns, is_wanted *wanted, const char *name)
{
    json_t *all = json_array();
    json_t *found = json_array();
    enum ctl_exit status = ctl_get_list(ctl, type, all);
    json_t *object;
    size_t i;

    json_array_foreach (all, i, object) {
        if (wanted(object, name)) {
            json_array_append(found, object);
        }
    }
    ctl_describe_table(ctl, title, columns, found);
    json_decref(found);
    json_decref(all);
    return status;
}

static bool
is_member(const json_t *object, const char *member, const char *name)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text && !strcmp(text, name);
}

static bool
joins_network(const json_t *router, const char *network)
{
    const json_t *interface;
    size_t i;

    json_array_foreach (ctl_spec(router, "interfaces"), i, interface) {
        if (is_member(interface, "network", network)) {
            return true;
        }
    }
    return is_member(ctl_spec(router, "external"), "network", network);
}

static bool
is_offered_in(const json_t *balancer, const char *network)
{
    return ctl_has_string(ctl_spec(balancer, "networks"), network);
}

/* Returns true if the balancer names the port as a backend. */
static bool
names_backend(const json_t *balancer, const char *port)
{
    const json_t *backend;
    size_t i;

    json_array_foreach (ctl_spec(balancer, "backends"), i, backend) {
        if (is_member(backend, "port", port)) {
            return true;
        }
    }
    return false;
}

/* Returns true if the balancer's selector picks 'port': of its networks. */
static bool
selects_backend(const json_t *balancer, const json_t *port)
{
    const char *selector = json_string_value(ctl_spec(balancer, "selector"));
    const char *network = json_string_value(ctl_spec(port, "network"));

    return (selector && network
            && ctl_has_string(ctl_spec(balancer, "networks"), network)
            && ctl_labels_match(selector, port));
}

static bool
is_on_host(const json_t *port, const char *host)
{
    return is_member(json_object_get(port, "status"), "host", host);
}

static bool
has_group_inside(const json_t *group, const char *inner)
{
    return ctl_has_string(ctl_spec(group, "groups"), inner);
}

/* Returns true if the policy applies to the group or has it as a peer. */
static bool
names_group(const json_t *policy, const char *group)
{
    const json_t *rule, *peer;
    size_t i, j;

    json_array_foreach (ctl_spec(policy, "rules"), i, rule) {
        json_array_foreach (json_object_get(rule, "peers"), j, peer) {
            if (is_member(peer, "group", group)) {
                return true;
            }
        }
    }
    return ctl_has_string(ctl_spec(policy, "applies_to"), group);
}

/* Ports.  ---------------------------------------------------------------- */

/* For an account that is not told identities, which are of the whole network:
 * prints the groups that contain the port and that the account sees; adds
 * these to 'groups'.  Sets '*seen' to the reply, which the caller frees. */
static enum ctl_exit
describe_groups_seen(struct ctl *ctl, const char *port, struct sset *groups,
                     json_t **seen)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    json_t *rows = json_array();
    struct ctl_reply reply;
    enum ctl_exit status;
    const json_t *group;
    size_t i;

    ctl_append_path(&path, "ports", port);
    ds_put_cstr(&path, "/policies");
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    ds_destroy(&path);
    if (!status) {
        json_array_foreach (json_object_get(reply.body, "groups"), i, group) {
            if (json_is_string(group)) {
                sset_add(groups, json_string_value(group));
                json_array_append_new(rows, json_pack("{s:O}", "name", group));
            }
        }
        ctl_describe_table(ctl, "Groups", group_columns, rows);
        fputs("\nThe groups and rules are those that this account sees: "
              "policies of others may\napply as well.\n", ctl->out);
        *seen = json_incref(reply.body);
        ctl_reply_uninit(&reply);
    }
    json_decref(rows);
    return status;
}

/* Prints the identity of a port and the groups that contain it; adds these to
 * 'groups'. */
static enum ctl_exit
describe_identity(struct ctl *ctl, const char *port, struct sset *groups)
{
    json_t *rows = json_array();
    struct ctl_reply reply;
    enum ctl_exit status = ctl_describe_get(ctl, "identities", "port", port,
                                            &reply);
    const json_t *item, *own;
    size_t i;

    if (status) {
        json_decref(rows);
        return status;
    }
    item = json_array_get(json_object_get(reply.body, "items"), 0);
    own = json_object_get(item, "groups");
    for (i = 0; i < json_array_size(own); i++) {
        const char *name = json_string_value(json_array_get(own, i));

        if (name) {
            sset_add(groups, name);
            json_array_append_new(rows, json_pack(
                "{s:s, s:s}", "name", name, "why", "itself"));
        }
    }
    status = ctl_expand_groups(ctl, groups);

    const char **names = sset_sort(groups);

    for (i = 0; names[i]; i++) {
        if (!ctl_has_string(own, names[i])) {
            json_array_append_new(rows, json_pack(
                "{s:s, s:s}", "name", names[i], "why", "a group inside"));
        }
    }
    free(names);
    if (item) {
        json_int_t n = json_integer_value(json_object_get(item, "n_ports"));

        fprintf(ctl->out, "\nIdentity:    %"JSON_INTEGER_FORMAT", of %"
                JSON_INTEGER_FORMAT" port%s\n",
                json_integer_value(json_object_get(item, "number")), n,
                n == 1 ? "" : "s");
    }
    ctl_describe_table(ctl, "Groups", group_columns, rows);
    json_decref(rows);
    ctl_reply_uninit(&reply);
    return status;
}

/* Lists the balancers of which the port is a backend. */
static enum ctl_exit
describe_balancers(struct ctl *ctl, const char *name, const json_t *port)
{
    json_t *all = json_array();
    json_t *found = json_array();
    enum ctl_exit status = ctl_get_list(ctl, "loadbalancers", all);
    json_t *balancer;
    size_t i;

    json_array_foreach (all, i, balancer) {
        if (names_backend(balancer, name) || selects_backend(balancer, port)) {
            json_array_append(found, balancer);
        }
    }
    ctl_describe_table(ctl, "Balancers that it is a backend of",
                       balancer_columns, found);
    json_decref(found);
    json_decref(all);
    return status;
}

enum ctl_exit
ctl_describe_port(struct ctl *ctl, const char *name, const json_t *object)
{
    struct sset groups = SSET_INITIALIZER(&groups);
    size_t n_passed_over = ctl->n_passed_over;
    enum ctl_exit status = describe_identity(ctl, name, &groups);
    bool partly = status && ctl->n_passed_over > n_passed_over;
    enum ctl_exit worst = CTL_DONE;
    json_t *seen = NULL;

    if (partly) {
        ctl->n_passed_over = n_passed_over;
        status = describe_groups_seen(ctl, name, &groups, &seen);
    }

    /* Without the groups it is unknown which rules apply. */
    status = status ? status : ctl_describe_rules(ctl, object, &groups, seen);
    json_decref(seen);
    if (ctl_describe_continue(&worst, status)) {
        status = describe_balancers(ctl, name, object);
    }
    if (ctl_describe_continue(&worst, status)) {
        ctl_describe_continue(&worst, ctl_describe_chains(ctl, name, object));
    }
    sset_destroy(&groups);
    return worst;
}

/* Hosts and networks.  --------------------------------------------------- */

/* Prints the hosts of a network's ports, or the networks of a host's; one of
 * 'network' and 'host' is NULL.  Sets '*n_ports' to the number of ports in
 * all. */
static enum ctl_exit
describe_places(struct ctl *ctl, const char *title, const char *host,
                const char *network, json_int_t *n_ports)
{
    json_t *rows = json_array();
    struct ctl_reply reply;
    enum ctl_exit status = ctl_describe_get(ctl, "summary", "limit", "20000",
                                            &reply);
    const json_t *hosts, *networks, *place;
    size_t i;

    *n_ports = 0;
    if (status) {
        json_decref(rows);
        return status;
    }
    hosts = json_object_get(reply.body, "hosts");
    networks = json_object_get(reply.body, "networks");
    json_array_foreach (json_object_get(reply.body, "placements"), i, place) {
        json_int_t h = json_integer_value(json_array_get(place, 0));
        json_int_t n = json_integer_value(json_array_get(place, 1));
        json_t *ports = json_array_get(place, 2);
        json_t *at = h < 0 ? NULL : json_array_get(hosts, (size_t) h);
        json_t *of = n < 0 ? NULL : json_array_get(networks, (size_t) n);

        *n_ports += json_integer_value(ports);
        if (host ? is_member(at, "name", host)
            : is_member(of, "name", network)) {
            json_array_append_new(rows, json_pack(
                "{s:O*, s:O*, s:O*, s:O}",
                "host", json_object_get(at, "name"),
                "state", json_object_get(at, "state"),
                "network", json_object_get(of, "name"), "ports", ports));
        }
    }
    /* Without the column that is the same in each row. */
    ctl_describe_table(
        ctl, title,
        host ? &place_columns[2]
             : (const struct ctl_column[]){ place_columns[0],
                                            place_columns[1],
                                            place_columns[3],
                                            { NULL, NULL, NULL } },
        rows);
    json_decref(rows);
    ctl_reply_uninit(&reply);
    return CTL_DONE;
}

enum ctl_exit
ctl_describe_host(struct ctl *ctl, const char *name, const json_t *object)
{
    enum ctl_exit status;
    json_int_t n_ports;

    ctl_describe_table(ctl, "VMs' interfaces without a port",
                       unclaimed_columns,
                       ctl_status(object, "unclaimed_interfaces"));
    status = describe_places(ctl, "Networks", name, NULL, &n_ports);
    if (status || !n_ports) {
        return status;
    }
    if (n_ports > PORTS_MAX) {
        fprintf(ctl->out, "\nPorts:       among %"JSON_INTEGER_FORMAT
                " in all: see vmnctl get ports -o wide\n", n_ports);
        return CTL_DONE;
    }
    return list(ctl, "Ports", "ports", port_columns, is_on_host, name);
}

/* Adds the groups that contain ports of 'network'. */
static enum ctl_exit
get_network_groups(struct ctl *ctl, const char *network,
                   struct sset *groups)
{
    json_t *identities = json_array();
    enum ctl_exit status;
    const json_t *identity, *group;
    size_t i, j;

    ctl->network = xstrdup(network);
    status = ctl_get_list(ctl, "identities", identities);
    free(ctl->network);
    ctl->network = NULL;
    json_array_foreach (identities, i, identity) {
        json_array_foreach (json_object_get(identity, "groups"), j, group) {
            if (json_is_string(group)) {
                sset_add(groups, json_string_value(group));
            }
        }
    }
    json_decref(identities);
    return status ? status : ctl_expand_groups(ctl, groups);
}

enum ctl_exit
ctl_describe_network(struct ctl *ctl, const char *name, const json_t *object)
{
    struct sset groups = SSET_INITIALIZER(&groups);
    json_t *policies = json_array();
    enum ctl_exit worst = CTL_DONE;
    json_int_t n_ports;
    bool on;

    ctl_describe_table(ctl, "Subnets", subnet_columns,
                       ctl_status(object, "subnets"));
    on = ctl_describe_continue(
        &worst, describe_places(ctl, "Ports, by host", NULL, name, &n_ports));
    on = on
         && ctl_describe_continue(&worst,
                                  list(ctl, "Routers", "routers",
                                       router_columns, joins_network, name));
    on = on
         && ctl_describe_continue(&worst,
                                  list(ctl, "Balancers", "loadbalancers",
                                       balancer_columns, is_offered_in, name));
    on = on
         && ctl_describe_continue(&worst,
                                  get_network_groups(ctl, name, &groups));
    on = on
         && ctl_describe_continue(&worst,
                                  ctl_get_policies(ctl, &groups, policies));
    ctl_describe_table(ctl, "Policies that apply to ports in it",
                       policy_columns, policies);
    json_decref(policies);
    sset_destroy(&groups);
    return worst;
}

/* Others.  --------------------------------------------------------------- */

enum ctl_exit
ctl_describe_balancer(struct ctl *ctl, const char *name OVS_UNUSED,
                      const json_t *object)
{
    json_t *draining = json_array();
    json_t *backend;
    size_t i;

    json_array_foreach (ctl_status(object, "backends"), i, backend) {
        if (json_object_get(backend, "drain")) {
            json_array_append(draining, backend);
        }
    }
    ctl_describe_table(ctl, "Backends", backend_columns,
                       ctl_status(object, "backends"));
    ctl_describe_table(ctl, "Drains", drain_columns, draining);
    json_decref(draining);
    return CTL_DONE;
}

enum ctl_exit
ctl_describe_group(struct ctl *ctl, const char *name,
                   const json_t *object OVS_UNUSED)
{
    enum ctl_exit status = list(ctl, "Policies that name it", "policies",
                                policy_columns, names_group, name);
    static const struct ctl_column columns[] = {
        { "GROUP", "/name", NULL }, { NULL, NULL, NULL },
    };

    return status ? status : list(ctl, "Groups that it is in", "groups",
                                  columns, has_group_inside, name);
}

/* Prints a policy's rules with their counters. */
enum ctl_exit
ctl_describe_policy(struct ctl *ctl, const char *name OVS_UNUSED,
                    const json_t *object)
{
    const json_t *hits = ctl_status(object, "rules");
    json_t *rows = json_array();
    const json_t *rule;
    size_t i;

    json_array_foreach (ctl_spec(object, "rules"), i, rule) {
        json_t *row = json_copy(CONST_CAST(json_t *, rule));

        json_object_set_new(row, "number", json_integer((json_int_t) i));
        json_object_update(row, json_array_get(hits, i));
        json_array_append_new(rows, row);
    }
    ctl_describe_table(ctl, "Rules", rule_columns, rows);
    json_decref(rows);
    return CTL_DONE;
}
