/* SPDX-License-Identifier: Apache-2.0
 *
 * Load balancers; see schema.h. */

#include <config.h>

#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-error.h"
#include "controller/schema/schema-rule.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "util.h"

#define INTERVAL_MS 5000
#define TIMEOUT_MS 2000
#define HEALTHY_AFTER 2
#define UNHEALTHY_AFTER 3
#define SCALE_FOR_S 60
#define SCALE_COOLDOWN_S 300

static const struct schema_struct lb_port = {
    .name = "port", .size = sizeof(struct vmn_lb_port),
    .fields = FIELDS {
        { .name = "port", .type = SCHEMA_U16, AT(vmn_lb_port, port),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY, .min = 1, .max = 65535,
          .doc = "The port on the virtual IP." },
        { .name = "target", .type = SCHEMA_U16, AT(vmn_lb_port, target),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = 65535,
          .doc = "The port on the backends; the same when absent." },
        { .name = "end_port", .type = SCHEMA_U16, AT(vmn_lb_port, end_port),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = 65535,
          .doc = "The last port of a range that begins at `port`, all of "
                 "them the same on the backends; one port when absent." },
        { .name = NULL },
    },
};

static const struct schema_struct backend = {
    .name = "backend", .size = sizeof(struct vmn_backend),
    .fields = FIELDS {
        { .name = "port", .type = SCHEMA_REF, AT(vmn_backend, port),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY, .ref = VMN_TABLE_PORT,
          .reach = SCHEMA_ACTS,
          .doc = "The port that serves." },
        { .name = "weight", .type = SCHEMA_U32, AT(vmn_backend, weight),
          .max = 100, .def = 1,
          .doc = "Its weight. 0: it gets no new connections, and keeps those "
                 "that are open." },
        { .name = "standby", .type = SCHEMA_BOOL, AT(vmn_backend, standby),
          .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "It serves only while fewer than `min_serving` others do." },
        { .name = "drain", .type = SCHEMA_BOOL, AT(vmn_backend, drain),
          .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "It gets no new connections, and those that are open may "
                 "end: for `drain_seconds` at most, then they are cut." },
        { .name = NULL },
    },
};

static void
finish_health(void *health_, const json_t *json OVS_UNUSED,
              const char *pointer, struct vmn_errors *errors)
{
    struct vmn_lb_health *health = health_;
    bool is_http = health->type == VMN_PROBE_HTTP;

    if (!health->interval_ms) {
        health->interval_ms = INTERVAL_MS;
    }
    if (!health->timeout_ms) {
        health->timeout_ms = MIN(TIMEOUT_MS, health->interval_ms);
    }
    if (!health->healthy_after) {
        health->healthy_after = HEALTHY_AFTER;
    }
    if (!health->unhealthy_after) {
        health->unhealthy_after = UNHEALTHY_AFTER;
    }
    if (is_http && !health->path) {
        health->path = "/";
    }
    if (health->timeout_ms > health->interval_ms) {
        add_error(errors, pointer, "timeout_ms",
                  "must not be longer than \"interval_ms\" (%u)",
                  health->interval_ms);
    }
    if (health->port && health->type == VMN_PROBE_PING) {
        add_error(errors, pointer, "port", "is not for type \"ping\"");
    }
    if (health->path && !is_http) {
        add_error(errors, pointer, "path", "is only for type \"http\"");
    }
    if (health->host && !is_http) {
        add_error(errors, pointer, "host", "is only for type \"http\"");
    }
    if (health->n_expect && !is_http) {
        add_error(errors, pointer, "expect", "is only for type \"http\"");
    }
    for (size_t i = 0; i < health->n_expect; i++) {
        if (health->expect[i].first < 100 || health->expect[i].last > 599) {
            add_error(errors, pointer, "expect", "must be from 100 to 599");
            break;
        }
    }
    if (health->send && health->type != VMN_PROBE_UDP) {
        add_error(errors, pointer, "send", "is only for type \"udp\"");
    }
}

static const struct schema_struct health = {
    .name = "health", .size = sizeof(struct vmn_lb_health),
    .fields = FIELDS {
        { .name = "type", .type = SCHEMA_ENUM, AT(vmn_lb_health, type),
          .flags = SCHEMA_REQUIRED | SCHEMA_HIDE_DEFAULT,
          .names = NAMES("none", "tcp", "http", "udp", "ping"),
          .allowed = 1u << VMN_PROBE_TCP | 1u << VMN_PROBE_HTTP
                     | 1u << VMN_PROBE_UDP | 1u << VMN_PROBE_PING,
          .doc = "How a backend is probed: it has to accept a connection, to "
                 "answer a GET, not to refuse a packet (or to answer it, with "
                 "`send`), or to answer a ping." },
        { .name = "port", .type = SCHEMA_U16, AT(vmn_lb_health, port),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = 65535,
          .doc = "The backend's port that is probed; the target of the first "
                 "of `ports` when absent." },
        { .name = "interval_ms", .type = SCHEMA_U32,
          AT(vmn_lb_health, interval_ms), .flags = SCHEMA_HIDE_DEFAULT,
          .min = 200, .max = 3600000,
          .doc = "The interval between probes; 5000 when absent." },
        { .name = "timeout_ms", .type = SCHEMA_U32,
          AT(vmn_lb_health, timeout_ms), .flags = SCHEMA_HIDE_DEFAULT,
          .min = 50, .max = 60000,
          .doc = "The timeout of a probe; 2000 when absent, or the interval "
                 "where that is shorter." },
        { .name = "healthy_after", .type = SCHEMA_U32,
          AT(vmn_lb_health, healthy_after), .flags = SCHEMA_HIDE_DEFAULT,
          .min = 1, .max = 100,
          .doc = "Consecutive successes after which a backend that was down "
                 "serves again; 2 when absent. A new one serves after its "
                 "first." },
        { .name = "unhealthy_after", .type = SCHEMA_U32,
          AT(vmn_lb_health, unhealthy_after), .flags = SCHEMA_HIDE_DEFAULT,
          .min = 1, .max = 100,
          .doc = "Consecutive failures after which a backend is down; 3 when "
                 "absent." },
        { .name = "path", .type = SCHEMA_STRING, AT(vmn_lb_health, path),
          .max = 255, .check = value_check_http_path,
          .doc = "The path of the GET; \"/\" when absent." },
        { .name = "host", .type = SCHEMA_STRING, AT(vmn_lb_health, host),
          .max = 255, .check = value_check_http_host,
          .doc = "The GET's Host header; the backend's address when "
                 "absent." },
        { .name = "expect", .type = SCHEMA_RANGE, .flags = SCHEMA_SET,
          LIST_AT(vmn_lb_health, expect), .min_items = 1, .max_items = 16,
          .absent = "200-399",
          .doc = "The expected status codes." },
        { .name = "send", .type = SCHEMA_STRING, AT(vmn_lb_health, send),
          .max = 255,
          .doc = "The payload of the UDP packet, which any answer will do "
                 "for; when absent, no answer is needed." },
        { .name = NULL },
    },
    .finish = finish_health,
};

static void
finish_affinity(void *seconds_, const json_t *json OVS_UNUSED,
                const char *pointer OVS_UNUSED,
                struct vmn_errors *errors OVS_UNUSED)
{
    uint32_t *seconds = seconds_;

    if (!*seconds) {
        *seconds = 300;
    }
}

static const struct schema_struct affinity = {
    .name = "affinity", .size = sizeof(uint32_t),
    .fields = FIELDS {
        { .name = "seconds", .type = SCHEMA_U32, .offset = 0,
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = 65535,
          .doc = "Idle time after which a client may get another backend; 300 "
                 "when absent." },
        { .name = NULL },
    },
    .finish = finish_affinity,
};

static void
finish_scale(void *scale_, const json_t *json OVS_UNUSED,
             const char *pointer, struct vmn_errors *errors)
{
    struct vmn_lb_scale *scale = scale_;

    if (!scale->for_s) {
        scale->for_s = SCALE_FOR_S;
    }
    if (!scale->cooldown_s) {
        scale->cooldown_s = SCALE_COOLDOWN_S;
    }
    if (!scale->high && !scale->low) {
        add_error(errors, pointer, "high", "is required, or \"low\"");
    }
    if (scale->high && scale->low >= scale->high) {
        add_error(errors, pointer, "low", "must be less than \"high\" (%u)",
                  scale->high);
    }
}

static const struct schema_struct scale = {
    .name = "scale", .size = sizeof(struct vmn_lb_scale),
    .fields = FIELDS {
        { .name = "metric", .type = SCHEMA_ENUM, AT(vmn_lb_scale, metric),
          .flags = SCHEMA_REQUIRED | SCHEMA_HIDE_DEFAULT,
          .names = NAMES("none", "connections", "packets", "bytes"),
          .allowed = 1u << VMN_SCALE_CONNECTIONS | 1u << VMN_SCALE_PACKETS
                     | 1u << VMN_SCALE_BYTES,
          .doc = "The metric: new connections, packets or bytes of clients, "
                 "per second and serving backend." },
        { .name = "high", .type = SCHEMA_U32, AT(vmn_lb_scale, high),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = UINT32_MAX,
          .doc = "Above it, backends are to be added; no threshold when "
                 "absent." },
        { .name = "low", .type = SCHEMA_U32, AT(vmn_lb_scale, low),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = UINT32_MAX,
          .doc = "Below it, backends are to be removed; no threshold when "
                 "absent." },
        { .name = "for_seconds", .type = SCHEMA_U32, AT(vmn_lb_scale, for_s),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 5, .max = 86400,
          .doc = "How long a threshold has to be crossed before the event; 60 "
                 "when absent." },
        { .name = "cooldown_seconds", .type = SCHEMA_U32,
          AT(vmn_lb_scale, cooldown_s), .flags = SCHEMA_HIDE_DEFAULT,
          .min = 5, .max = 86400,
          .doc = "How long no other event follows one; 300 when absent." },
        { .name = "webhook", .type = SCHEMA_STRING,
          AT(vmn_lb_scale, webhook), .max = 1000,
          .check = value_check_http_url,
          .doc = "A webhook: a URL that gets each event by POST, too; it must "
                 "be among those that `vmnd` may call." },
        { .name = NULL },
    },
    .finish = finish_scale,
};

const struct schema_struct schema_client_limit = {
    .name = "client_limit", .size = sizeof(struct vmn_lb_client_limit),
    .fields = FIELDS {
        { .name = "rate", .type = SCHEMA_U32, AT(vmn_lb_client_limit, rate),
          .flags = SCHEMA_REQUIRED | SCHEMA_HIDE_DEFAULT,
          .min = 1, .max = 100000,
          .doc = "New connections per second." },
        { .name = "burst", .type = SCHEMA_U32, AT(vmn_lb_client_limit, burst),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = 100000,
          .doc = "The burst of new connections; those of one second when "
                 "absent." },
        { .name = NULL },
    },
};

static const struct schema_field fields[] = {
    COMMON(vmn_loadbalancer),
    { .name = "vip", .type = SCHEMA_IP, AT(vmn_loadbalancer, vip),
      .flags = SCHEMA_REQUIRED | SCHEMA_UNSERVED,
      .doc = "The virtual address." },
    { .name = "networks", .type = SCHEMA_REF,
      .flags = SCHEMA_SET | SCHEMA_REQUIRED,
      LIST_AT(vmn_loadbalancer, networks), .min_items = 1, .max_items = 64,
      .ref = VMN_TABLE_NETWORK,
      .reach = SCHEMA_ACTS,
      .doc = "The networks where it is offered, and where its backends may "
             "be; clients of networks that routers join to these reach it, too." },
    { .name = "protocol", .type = SCHEMA_ENUM, AT(vmn_loadbalancer, protocol),
      .names = schema_protocol_names,
      .allowed = 1u << VMN_PROTO_TCP | 1u << VMN_PROTO_UDP,
      .def = VMN_PROTO_TCP,
      .doc = "The protocol; not SCTP, whose addresses Open vSwitch's "
             "userspace datapath cannot translate." },
    { .name = "ports", .type = SCHEMA_STRUCT,
      .flags = SCHEMA_SET | SCHEMA_REQUIRED, LIST_AT(vmn_loadbalancer, ports),
      .min_items = 1, .max_items = 32, .nested = &lb_port,
      .doc = "The ports it serves." },
    { .name = "backends", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
      LIST_AT(vmn_loadbalancer, backends), .max_items = 256,
      .nested = &backend,
      .doc = "Ports that serve, with their weights." },
    { .name = "selector", .type = SCHEMA_SELECTOR,
      AT(vmn_loadbalancer, selector),
      .reach = SCHEMA_ACTS,
      .doc = "More backends, of weight 1, by their labels." },
    { .name = "health", .type = SCHEMA_STRUCT, AT(vmn_loadbalancer, health),
      .nested = &health,
      .doc = "How backends are probed; not at all when absent." },
    { .name = "affinity", .type = SCHEMA_STRUCT,
      AT(vmn_loadbalancer, affinity_s), .nested = &affinity,
      .doc = "Session affinity: all connections of a client go to one "
             "backend. None when absent." },
    { .name = "locality", .type = SCHEMA_ENUM, AT(vmn_loadbalancer, locality),
      .flags = SCHEMA_HIDE_DEFAULT,
      .names = NAMES("any", "prefer", "require"),
      .doc = "Whether backends on the client's own host are preferred, or are "
             "the only ones." },
    { .name = "min_serving", .type = SCHEMA_U32,
      AT(vmn_loadbalancer, min_serving), .flags = SCHEMA_HIDE_DEFAULT,
      .min = 1, .max = 256, .def = 1,
      .doc = "Standbys serve while fewer than this number of others do." },
    { .name = "fallback", .type = SCHEMA_REF, AT(vmn_loadbalancer, fallback),
      .ref = VMN_TABLE_LOADBALANCER,
      .reach = SCHEMA_ACTS,
      .doc = "The balancer whose backends serve while this one has none." },
    { .name = "drain_seconds", .type = SCHEMA_U32,
      AT(vmn_loadbalancer, drain_s), .flags = SCHEMA_HIDE_DEFAULT,
      .min = 1, .max = 86400, .def = 300,
      .doc = "How long a drain may take." },
    { .name = "unheard_seconds", .type = SCHEMA_U32,
      AT(vmn_loadbalancer, unheard_s), .flags = SCHEMA_HIDE_DEFAULT,
      .max = 86400, .def = 60,
      .doc = "How long a backend that is probed keeps its last state while "
             "its host is not heard, so that an outage of the management "
             "network takes no backend out; 0: not at all. A backend whose "
             "host's switch is known to be dead is taken out sooner." },
    { .name = "when_down", .type = SCHEMA_ENUM,
      AT(vmn_loadbalancer, when_down), .flags = SCHEMA_HIDE_DEFAULT,
      .names = NAMES("keep", "cut"),
      .doc = "What becomes of the open connections of a backend that fails "
             "its probes." },
    { .name = "scale", .type = SCHEMA_STRUCT, AT(vmn_loadbalancer, scale),
      .nested = &scale,
      .doc = "Thresholds of load, at which an event asks for more or fewer "
             "backends." },
    { .name = "client_limit", .type = SCHEMA_STRUCT,
      AT(vmn_loadbalancer, client_limit), .nested = &schema_client_limit,
      .doc = "How many connections each client address may open; unlimited "
             "when absent." },
    { .name = NULL },
};

static const struct schema_column columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "VIP", .path = "/spec/vip" },
    { .heading = "PROTOCOL", .path = "/spec/protocol" },
    { .heading = "PORTS", .path = "/spec/ports" },
    { .heading = "NETWORKS", .path = "/spec/networks" },
    { .heading = "SERVING", .path = "/status/n_serving" },
    { .heading = "UNKNOWN", .path = "/status/n_unknown" },
    { .heading = "TOTAL", .path = "/status/n_backends" },
    { .heading = "HEALTH", .path = "/spec/health/type" },
    { .heading = "CONNECTIONS/S", .path = "/status/load/connections_per_s" },
    { .heading = "BYTES/S", .path = "/status/load/bytes_per_s", .wide = true },
    { .heading = "LIMIT", .path = "/spec/client_limit/rate", .wide = true },
    { .heading = "LIMITED", .path = "/status/limited", .wide = true },
    { .heading = "SELECTOR", .path = "/spec/selector" },
    { .heading = "BACKENDS", .path = "/spec/backends", .wide = true },
    { .heading = "DESCRIPTION", .path = "/spec/description", .wide = true },
    { .heading = NULL },
};

/* Checks for overlaps of ports, which are sorted by their first. */
static void
finish_ports(const struct vmn_loadbalancer *lb, const char *pointer,
             struct vmn_errors *errors)
{
    struct vmn_lb_port *ports = CONST_CAST(struct vmn_lb_port *, lb->ports);
    uint16_t last = 0;

    for (size_t i = 0; i < lb->n_ports; i++) {
        struct vmn_lb_port *port = &ports[i];

        if (port->end_port && port->end_port < port->port) {
            add_error(errors, pointer, "ports",
                      "must not end before they begin: %u to %u", port->port,
                      port->end_port);
        } else if (port->end_port && port->target) {
            add_error(errors, pointer, "ports",
                      "have either \"target\" or \"end_port\": a range has "
                      "the same ports on the backends");
        }
        if (port->port <= last) {
            add_error(errors, pointer, "ports",
                      "must not overlap: port %u appears twice", port->port);
        }
        if (!port->target && !port->end_port) {
            port->target = port->port;
        }
        last = MAX(vmn_lb_port_last(port), last);
    }
}

/* Rejects a balancer without any backend that can serve. */
static void
check_weights(const struct vmn_loadbalancer *lb, const char *pointer,
              struct vmn_errors *errors)
{
    for (size_t i = 0; i < lb->n_backends; i++) {
        if (lb->backends[i].weight) {
            return;
        }
    }
    if (lb->n_backends && !lb->selector.text && !lb->fallback) {
        add_error(errors, pointer, "backends",
                  "must have a weight above 0, at least one of them");
    }
}

static void
finish_loadbalancer(void *lb_, const json_t *json OVS_UNUSED,
                           const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_loadbalancer *lb = lb_;

    if (lb->vip.family == 6 && lb->vip.addr[0] == 0xfe
        && (lb->vip.addr[1] & 0xc0) == 0x80) {
        add_error(errors, pointer, "vip", "must not be link-local");
    }
    if (lb->fallback && !strcmp(lb->fallback, lb->row.name)) {
        add_error(errors, pointer, "fallback", "must be another balancer");
    }
    finish_ports(lb, pointer, errors);
    check_weights(lb, pointer, errors);
}

static const struct schema_example examples[] = {
    EXAMPLE("web", {
        "vip": "10.0.0.100", "networks": ["shop"],
        "ports": [{"port": 80, "target": 8080}],
        "backends": [{"port": "web-1", "weight": 2}],
        "selector": "role=web"}),
    { .name = NULL },
};

const struct schema_table schema_loadbalancer = {
    .id = VMN_TABLE_LOADBALANCER, .row_type = VMN_ROW_LOADBALANCER,
    .plural = "loadbalancers",
    .singular = "loadbalancer", .kind = "LoadBalancer", .stored = true,
    .max_rows = 10000, .named_as = VMN_N_TABLES,
    .check_name = value_check_name,
    .passes_on = true,
    .examples = examples,
    .doc = "A virtual IP in front of ports.",
    .status = &schema_status_loadbalancer,
    .columns = columns,
    .row = {
        .name = "loadbalancer", .size = sizeof(struct vmn_loadbalancer),
        .fields = fields,
        .finish = finish_loadbalancer,
    },
};
