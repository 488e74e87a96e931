/* SPDX-License-Identifier: Apache-2.0
 *
 * See metrics-object-states.h.  Objects that need attention have series, at
 * most METRICS_SERIES_MAX of a type, while they need it; all hosts and ports
 * have only where --metrics-series says so, and up to the number that it says.
 *
 * Families that a pass makes are collected apart, as the lines of one have to
 * be together. */

#include <config.h>

#include "controller/northbound/metrics-object-states.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-traffic.h"
#include "controller/northbound/metrics.h"
#include "controller/northbound/router-status.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "proto/loop/loop.h"
#include "timeval.h"
#include "util.h"

/* Rows that are read between two looks at the clock. */
#define CENSUS_STEPS 16
/* A host that lacks a revision for that long, in milliseconds, has a series
 * that says so. */
#define LAG_MS 5000

static const char *const port_states[] = {
    "up", "pending", "down", "unknown", "unbound", "external",
};

/* For how long a port has been unbound. */
static const struct {
    const char *name;
    int64_t ms;
} ages[] = {
    { "5m", 300 * 1000 }, { "1h", 3600 * 1000 },
    { "1d", 24 * 3600 * INT64_C(1000) }, { "longer", INT64_MAX },
};

enum family {
    HOST_UNSYNCED, HOST_UNSYNCED_PORTS, HOST_INSTALL_LAG, HOST_SYNCED,
    HOST_PORTS, HOST_TUNNEL_SENT, HOST_TUNNEL_RECEIVED, PORT_STATE,
    PORT_SENT_BYTES, PORT_RECEIVED_BYTES, PORT_SENT_PACKETS,
    PORT_RECEIVED_PACKETS, LOADBALANCER_WITHOUT, LOADBALANCER_UNHEARD,
    ROUTER_WITHOUT, ROUTER_WITHOUT_STANDBY, N_FAMILIES
};

static const struct {
    const char *name, *type, *help;
} families[N_FAMILIES] = {
    [HOST_UNSYNCED] = {
        "vmn_host_unsynced", "gauge", "1 for each host that is neither "
        "synced nor lost, with its state; at most 100 hosts." },
    [HOST_UNSYNCED_PORTS] = {
        "vmn_host_unsynced_ports", "gauge", "Ports that are bound to such a "
        "host, with its state; at most 100 hosts." },
    [HOST_INSTALL_LAG] = {
        "vmn_host_install_lag_seconds", "gauge", "Age of the oldest revision "
        "that a host has not acknowledged, of those that have lacked one for "
        "5 s; at most 100 hosts." },
    [HOST_SYNCED] = {
        "vmn_host_synced", "gauge", "1 for a host that is synced, or 0." },
    [HOST_PORTS] = {
        "vmn_host_ports", "gauge", "Ports that are bound to a host." },
    [HOST_TUNNEL_SENT] = {
        "vmn_host_tunnel_sent_bytes_total", "counter", "Bytes that a host has "
        "sent into tunnels." },
    [HOST_TUNNEL_RECEIVED] = {
        "vmn_host_tunnel_received_bytes_total", "counter", "Bytes that a host "
        "has received from tunnels." },
    [PORT_STATE] = {
        "vmn_port_state", "gauge", "1 for the state of a port, with its "
        "network and its host." },
    [PORT_SENT_BYTES] = {
        "vmn_port_sent_bytes_total", "counter", "Bytes that a port's VM has "
        "sent." },
    [PORT_RECEIVED_BYTES] = {
        "vmn_port_received_bytes_total", "counter", "Bytes that a port's VM "
        "has received." },
    [PORT_SENT_PACKETS] = {
        "vmn_port_sent_packets_total", "counter", "Packets that a port's VM "
        "has sent." },
    [PORT_RECEIVED_PACKETS] = {
        "vmn_port_received_packets_total", "counter", "Packets that a port's "
        "VM has received." },
    [LOADBALANCER_WITHOUT] = {
        "vmn_loadbalancer_without_backends", "gauge", "1 for each balancer of "
        "which no backend serves; at most 100." },
    [LOADBALANCER_UNHEARD] = {
        "vmn_loadbalancer_unheard_backends", "gauge", "Backends of a balancer "
        "that are sent connections, on hosts that are not heard, where "
        "nothing probes them; of at most 100 balancers that have some." },
    [ROUTER_WITHOUT] = {
        "vmn_router_without_gateway", "gauge", "1 for each router none of "
        "whose gateways is active; at most 100." },
    [ROUTER_WITHOUT_STANDBY] = {
        "vmn_router_without_standby", "gauge", "1 for each router that lists "
        "several gateways, of which one is active and no other could take "
        "over; at most 100." },
};

struct subnet {
    char *network;              /* Owned. */
    struct vmn_prefix cidr;
    uint64_t used, size;
};

struct object_states {
    const struct northbound *nb;
    size_t step;                /* Index in 'steps'. */
    char *last;                 /* The name that was read last, */
    size_t at;                  /* and where (model_walk_durable()). */
    size_t n_counted;
    int64_t now_ms;             /* Wall clock. */
    struct ds lines[N_FAMILIES];
    size_t n_series[N_FAMILIES];
    size_t n_in_state[ARRAY_SIZE(port_states)];
    size_t n_unbound[ARRAY_SIZE(ages)];
    int64_t oldest_ms;          /* Of the ports that are unbound. */
    size_t n_hosts, n_ports;    /* That were read. */
    size_t n_without_backends, n_without_gateway, n_without_standby;
    size_t n_nearly_full;       /* Subnets. */
    struct arena arena;         /* For 'problems'. */
    struct nb_problems problems; /* At most METRICS_SERIES_MAX of a kind. */
    struct subnet subnets[METRICS_SERIES_MAX]; /* The fullest, first. */
    size_t n_subnets;
    size_t n_subnets_left;      /* That have no series. */
};

struct object_states *
object_states_create(const struct northbound *nb)
{
    struct object_states *c = xzalloc(sizeof *c);

    c->nb = nb;
    c->last = xstrdup("");
    c->now_ms = time_wall_msec();
    arena_init(&c->arena);
    c->problems.arena = &c->arena;
    for (size_t i = 0; i < N_FAMILIES; i++) {
        ds_init(&c->lines[i]);
    }
    return c;
}

void
object_states_destroy(struct object_states *c)
{
    if (c) {
        for (size_t i = 0; i < N_FAMILIES; i++) {
            ds_destroy(&c->lines[i]);
        }
        for (size_t i = 0; i < c->n_subnets; i++) {
            free(c->subnets[i].network);
        }
        free(c->problems.problems);
        arena_uninit(&c->arena);
        free(c->last);
        free(c);
    }
}

/* Series.  --------------------------------------------------------------- */

/* Begins a line of 'family', with a first label.  More labels and value_*()
 * follow. */
static struct ds *
put_series(struct object_states *c, enum family family, const char *label,
           const char *text)
{
    struct ds *ds = &c->lines[family];

    c->n_series[family]++;
    ds_put_format(ds, "%s{%s=", families[family].name, label);
    metrics_label(ds, text);
    return ds;
}

static void
put_label(struct ds *ds, const char *label, const char *text)
{
    ds_put_format(ds, ",%s=", label);
    metrics_label(ds, text);
}

static void
put_value(struct ds *ds, uint64_t value)
{
    ds_put_format(ds, "} %"PRIu64"\n", value);
}

/* Ports.  ---------------------------------------------------------------- */

static void
count_unbound(struct object_states *c, const struct vmn_port *port,
              const struct model_meta *meta)
{
    struct model_meta of_binding;
    int64_t since_ms = meta->created_ms, age_ms;
    size_t i = 0;

    /* A port that was never bound has no binding. */
    if (model_get_durable(c->nb->model, VMN_TABLE_BINDING, port->row.name,
                          &of_binding)) {
        since_ms = of_binding.updated_ms;
    }
    age_ms = MAX(c->now_ms - since_ms, 0);
    c->oldest_ms = MAX(c->oldest_ms, age_ms);
    while (age_ms > ages[i].ms) {
        i++;
    }
    c->n_unbound[i]++;
}

static void
put_port(struct object_states *c, const struct vmn_port *port,
         const struct status_port *status)
{
    const struct status_traffic *t = status->traffic;
    struct ds *ds = put_series(c, PORT_STATE, "port", port->row.name);

    put_label(ds, "network", port->network);
    put_label(ds, "host", status->host ? status->host : "");
    put_label(ds, "state", status->state);
    put_value(ds, 1);
    if (t) {
        const struct {
            enum family family;
            uint64_t value;
        } figures[] = {
            { PORT_SENT_BYTES, t->sent_bytes },
            { PORT_RECEIVED_BYTES, t->received_bytes },
            { PORT_SENT_PACKETS, t->sent_packets },
            { PORT_RECEIVED_PACKETS, t->received_packets },
        };

        for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
            ds = put_series(c, figures[i].family, "port", port->row.name);
            put_label(ds, "network", port->network);
            put_value(ds, figures[i].value);
        }
    }
}

static void
count_state(struct object_states *c, const char *state,
            const struct vmn_port *port, const struct model_meta *meta)
{
    for (size_t i = 0; i < ARRAY_SIZE(port_states); i++) {
        c->n_in_state[i] += !strcmp(state, port_states[i]);
    }
    if (!strcmp(state, "unbound")) {
        count_unbound(c, port, meta);
    }
}

/* Of a port without series nothing but its state is looked up: there may be
 * tens of thousands. */
static void
count_port(struct object_states *c, const struct vmn_row *row,
             const struct model_meta *meta)
{
    const struct vmn_port *port = (const void *) row;

    if (c->n_ports++ < c->nb->metrics_series) {
        struct status_port status;
        struct arena arena;

        arena_init(&arena);
        fabric_port_status(c->nb->fabric, row->name, &arena, &status);
        if (!status.state) {
            status.state = "unbound";
        }
        count_state(c, status.state, port, meta);
        put_port(c, port, &status);
        arena_uninit(&arena);
    } else {
        const char *state = fabric_port_state(c->nb->fabric, port);

        count_state(c, state ? state : "unbound", port, meta);
    }
}

/* Hosts.  ---------------------------------------------------------------- */

static void
put_host(struct object_states *c, const char *name, const char *state)
{
    struct fabric_traffic tunnels;
    bool synced = !strcmp(state, "synced");
    size_t n_ports = model_lookup(c->nb->model, VMN_INDEX_PORT_BY_HOST,
                                  name).n;

    put_value(put_series(c, HOST_SYNCED, "host", name), synced);
    put_value(put_series(c, HOST_PORTS, "host", name), n_ports);
    if (fabric_tunnel_traffic(c->nb->fabric, name, &tunnels)) {
        put_value(put_series(c, HOST_TUNNEL_SENT, "host", name),
                  tunnels.sent_bytes);
        put_value(put_series(c, HOST_TUNNEL_RECEIVED, "host", name),
                  tunnels.received_bytes);
    }
}

static void
count_host(struct object_states *c, const struct vmn_row *row,
             const struct model_meta *meta OVS_UNUSED)
{
    const char *state;
    struct status_lag lag;

    if (!fabric_host_state(c->nb->fabric, row->name, &state, &lag)) {
        return;
    }
    if (strcmp(state, "synced") && strcmp(state, "lost")
        && c->n_series[HOST_UNSYNCED] < METRICS_SERIES_MAX) {
        struct ds *ds = put_series(c, HOST_UNSYNCED, "host", row->name);

        put_label(ds, "state", state);
        put_value(ds, 1);
        ds = put_series(c, HOST_UNSYNCED_PORTS, "host", row->name);
        put_label(ds, "state", state);
        put_value(ds, model_lookup(c->nb->model, VMN_INDEX_PORT_BY_HOST,
                                   row->name).n);
    }
    if (lag.ms >= LAG_MS
        && c->n_series[HOST_INSTALL_LAG] < METRICS_SERIES_MAX) {
        struct ds *ds = put_series(c, HOST_INSTALL_LAG, "host", row->name);

        put_label(ds, "state", state);
        ds_put_format(ds, "} %.3f\n", lag.ms / 1000.0);
    }
    if (c->n_hosts++ < c->nb->metrics_series) {
        put_host(c, row->name, state);
    }
}

/* Networks.  ------------------------------------------------------------- */

static double
fullness(const struct subnet *subnet)
{
    return subnet->size ? (double) subnet->used / subnet->size : 0;
}

/* Fraction of addresses in use above which a subnet is nearly full: as in
 * VmnSubnetNearlyFull. */
#define SUBNET_FULL 0.9

/* Adds a subnet to the fullest, if it is one of them. */
static void
add_subnet(struct object_states *c, const char *network,
           const struct vmn_prefix *cidr,
           const struct model_subnet_usage *usage)
{
    struct subnet subnet = {
        .cidr = *cidr, .used = usage->used, .size = usage->size,
    };
    size_t i = c->n_subnets;
    char buf[VALUE_PREFIX_SIZE];

    if (fullness(&subnet) > SUBNET_FULL
        && c->n_nearly_full++ < METRICS_SERIES_MAX) {
        nb_problems_add(&c->problems, "subnets", "%"PRIu64" of %"PRIu64
                        " addresses of subnet %s of network %s are used",
                        subnet.used, subnet.size,
                        value_format_prefix(cidr, buf), network);
    }
    while (i > 0 && fullness(&c->subnets[i - 1]) < fullness(&subnet)) {
        i--;
    }
    c->n_subnets_left += c->n_subnets == METRICS_SERIES_MAX;
    if (i == METRICS_SERIES_MAX) {
        return;
    }
    if (c->n_subnets == METRICS_SERIES_MAX) {
        free(c->subnets[--c->n_subnets].network);
    }
    memmove(&c->subnets[i + 1], &c->subnets[i],
            (c->n_subnets - i) * sizeof subnet);
    subnet.network = xstrdup(network);
    c->subnets[i] = subnet;
    c->n_subnets++;
}

static void
count_network(struct object_states *c, const struct vmn_row *row,
                const struct model_meta *meta OVS_UNUSED)
{
    const struct vmn_network *network = (const void *) row;
    size_t n = network->n_subnets;
    struct model_subnet_usage *uses = xcalloc(MAX(n, 1), sizeof *uses);

    model_get_subnet_usage(c->nb->model, network, uses);
    for (size_t i = 0; i < n; i++) {
        add_subnet(c, row->name, &network->subnets[i].cidr, &uses[i]);
    }
    free(uses);
}

/* Balancers and routers.  ------------------------------------------------ */

static void
count_balancer(struct object_states *c, const struct vmn_row *row,
                 const struct model_meta *meta OVS_UNUSED)
{
    struct nb_summary_balancer count;

    nb_balancer_count(c->nb, row->name, &count);
    if (!count.serving && c->n_without_backends++ < METRICS_SERIES_MAX) {
        put_value(put_series(c, LOADBALANCER_WITHOUT, "loadbalancer",
                             row->name), 1);
        nb_problems_add(&c->problems, "balancers", "no backend of balancer "
                        "%s serves", row->name);
    }
    if (count.unknown && !((const struct vmn_loadbalancer *) row)->health.type
        && c->n_series[LOADBALANCER_UNHEARD] < METRICS_SERIES_MAX) {
        put_value(put_series(c, LOADBALANCER_UNHEARD, "loadbalancer",
                             row->name), count.unknown);
    }
}

static void
count_router(struct object_states *c, const struct vmn_row *row,
               const struct model_meta *meta OVS_UNUSED)
{
    struct nb_gateway_counts counts;

    nb_count_gateways(c->nb, (const void *) row, &counts);
    if (nb_lacks_gateway(&counts)
        && c->n_without_gateway++ < METRICS_SERIES_MAX) {
        put_value(put_series(c, ROUTER_WITHOUT, "router", row->name), 1);
        nb_problems_add(&c->problems, "gateways", "router %s has no active "
                        "gateway", row->name);
    }
    if (nb_lacks_standby(&counts)
        && c->n_without_standby++ < METRICS_SERIES_MAX) {
        put_value(put_series(c, ROUTER_WITHOUT_STANDBY, "router", row->name),
                  1);
        nb_problems_add(&c->problems, "standby", "router %s has no standby "
                        "gateway", row->name);
    }
}

/* The pass.  ------------------------------------------------------------- */

static const struct {
    enum vmn_table table;
    void (*count)(struct object_states *, const struct vmn_row *,
                 const struct model_meta *);
} steps[] = {
    { VMN_TABLE_PORT, count_port },
    { VMN_TABLE_HOST, count_host },
    { VMN_TABLE_NETWORK, count_network },
    { VMN_TABLE_LOADBALANCER, count_balancer },
    { VMN_TABLE_ROUTER, count_router },
};

bool
object_states_read(struct object_states *c)
{
    const struct loop *loop = c->nb->loop;
    const char *after = c->last;

    while (c->step < ARRAY_SIZE(steps)) {
        struct model_meta meta;
        const struct vmn_row *row = model_walk_durable(
            c->nb->model, steps[c->step].table, after, &c->at, &meta);

        if (!row) {
            c->step++;
            c->at = 0;
            after = "";
            continue;
        }
        after = row->name;
        steps[c->step].count(c, row, &meta);
        if (++c->n_counted % CENSUS_STEPS == 0 && loop
            && loop_turn_is_over(loop)) {
            char *last = xstrdup(after);

            free(c->last);
            c->last = last;
            return false;
        }
    }
    return true;
}

struct object_states *
object_states_read_problems(const struct northbound *nb)
{
    struct object_states *c = object_states_create(nb);

    while (steps[c->step].table != VMN_TABLE_NETWORK) {
        c->step++;
    }
    while (!object_states_read(c)) {
        continue;
    }
    return c;
}

void
object_states_add_problems(const struct object_states *c,
                           struct nb_problems *problems)
{
    for (size_t i = 0; i < c->problems.n; i++) {
        nb_problems_append(problems, &c->problems.problems[i]);
    }
}

/* Printing.  ------------------------------------------------------------- */

static void
put_gauge(struct ds *ds, const char *name, const char *help, size_t value)
{
    metrics_family(ds, name, "gauge", help);
    ds_put_format(ds, "%s %"PRIuSIZE"\n", name, value);
}

static void
put_ports(const struct object_states *c, struct ds *ds)
{
    static const char states[] = "vmn_ports_in_state";
    static const char unbound[] = "vmn_ports_unbound";
    static const char oldest[] = "vmn_ports_unbound_oldest_seconds";

    metrics_family(ds, states, "gauge", "Ports, by state.");
    for (size_t i = 0; i < ARRAY_SIZE(port_states); i++) {
        ds_put_format(ds, "%s{state=\"%s\"} %"PRIuSIZE"\n", states,
                      port_states[i], c->n_in_state[i]);
    }
    metrics_family(ds, unbound, "gauge", "Ports that are bound to no host, by "
                   "how long they have been: up to 5 minutes, an hour, a day, "
                   "or longer.");
    for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
        ds_put_format(ds, "%s{age=\"%s\"} %"PRIuSIZE"\n", unbound,
                      ages[i].name, c->n_unbound[i]);
    }
    metrics_family(ds, oldest, "gauge", "How long the port has been unbound "
                                        "that has been so for longest.");
    ds_put_format(ds, "%s %.3f\n", oldest, c->oldest_ms / 1000.0);
}

static void
put_subnets(const struct object_states *c, struct ds *ds)
{
    static const struct {
        const char *name, *help;
    } of[] = {
        { "vmn_subnet_used_addresses", "Addresses of a subnet that are in use "
          "or reserved; of the 100 fullest subnets." },
        { "vmn_subnet_addresses", "Addresses of a subnet that can be "
          "allocated; of the 100 fullest subnets." },
    };

    for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
        metrics_family(ds, of[i].name, "gauge", of[i].help);
        for (size_t j = 0; j < c->n_subnets; j++) {
            const struct subnet *subnet = &c->subnets[j];
            char cidr[VALUE_PREFIX_SIZE];

            value_format_prefix(&subnet->cidr, cidr);
            ds_put_format(ds, "%s{network=", of[i].name);
            metrics_label(ds, subnet->network);
            put_label(ds, "subnet", cidr);
            put_value(ds, i ? subnet->size : subnet->used);
        }
    }
    put_gauge(ds, "vmn_subnets_other", "Subnets that have no series, since "
              "others are fuller.", c->n_subnets_left);
}

void
object_states_append(const struct object_states *c, struct ds *ds)
{
    size_t max = c->nb->metrics_series;

    put_ports(c, ds);
    put_subnets(c, ds);
    put_gauge(ds, "vmn_loadbalancers_without_backends", "Balancers of which "
              "no backend serves.", c->n_without_backends);
    put_gauge(ds, "vmn_routers_without_gateway", "Routers none of whose "
              "gateways is active.", c->n_without_gateway);
    put_gauge(ds, "vmn_routers_without_standby", "Routers with an active "
              "gateway that no other of theirs could stand in for.",
              c->n_without_standby);
    put_gauge(ds, "vmn_hosts_other", "Hosts without series of their own: see "
              "--metrics-series.", c->n_hosts - MIN(c->n_hosts, max));
    put_gauge(ds, "vmn_ports_other", "Ports without series of their own: see "
              "--metrics-series.", c->n_ports - MIN(c->n_ports, max));
    for (size_t i = 0; i < N_FAMILIES; i++) {
        metrics_family(ds, families[i].name, families[i].type,
                       families[i].help);
        ds_put_cstr(ds, ds_cstr_ro(&c->lines[i]));
    }
}
