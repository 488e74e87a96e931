/* SPDX-License-Identifier: Apache-2.0
 *
 * The chains app: service chains (RFC 7665) of VMs that see, filter or change
 * what other VMs send each other.  It is made of what include/vmn has alone,
 * and runs in a process of its own, as any app of others.  This file describes
 * it to the engine, with its type. */

#include "chains.h"

#include <string.h>

/* The type.  -------------------------------------------------------------- */

static void
check_services(const struct chain *chain, struct vmn_check *check)
{
    for (size_t i = 0; i < chain->n_services; i++) {
        if (chain->services[i].protocol == CHAIN_ICMP
            && chain->services[i].n_ports) {
            vmn_check_fail(check, "/services", "icmp has no ports");
        }
    }
}

/* Fails if one of the chain's functions before function 'n' of hop 'hop' has
 * port 'name'. */
static void
check_port(const struct chain *chain, size_t hop, size_t n, const char *name,
           struct vmn_check *check)
{
    for (size_t i = 0; i <= hop; i++) {
        size_t n_functions = i < hop ? chain->hops[i].n_functions : n;

        for (size_t j = 0; j < n_functions; j++) {
            const struct chain_function *f = &chain->hops[i].functions[j];

            if (!strcmp(f->in, name) || (f->out && !strcmp(f->out, name))) {
                vmn_check_fail(check, "/hops", "port %s is that of two "
                               "functions", name);
            }
        }
    }
}

static void
check_health(const struct chain_hop *hop, struct vmn_check *check)
{
    if ((hop->health == CHAIN_PROBE_TCP) != (hop->health_port != 0)) {
        vmn_check_fail(check, "/hops", "hop %s: health_port is for health "
                       "tcp, which needs it", hop->name);
    }
    for (size_t i = 0; i < hop->n_functions; i++) {
        if (hop->health == CHAIN_HEARTBEAT && !hop->functions[i].out) {
            vmn_check_fail(check, "/hops", "the function at port %s lacks "
                           "\"out\", from which heartbeats are to come",
                           hop->functions[i].in);
        }
    }
}

static void
check_functions(const struct chain *chain, size_t hop,
                struct vmn_check *check)
{
    for (size_t i = 0; i < chain->hops[hop].n_functions; i++) {
        const struct chain_function *f = &chain->hops[hop].functions[i];

        check_port(chain, hop, i, f->in, check);
        if (f->out && !strcmp(f->in, f->out)) {
            vmn_check_fail(check, "/hops", "in and out are one port, %s: "
                           "leave out away", f->in);
        } else if (f->out) {
            check_port(chain, hop, i, f->out, check);
        }
    }
}

/* Between VMs that all are sources and destinations, nothing tells requests
 * from answers behind a function with one port. */
static void
check_sides(const struct chain *chain, struct vmn_check *check)
{
    const char *sources = chain->sources.text ? chain->sources.text : "";
    const char *destinations
        = chain->destinations.text ? chain->destinations.text : "";

    if (chain_has_inner_router(chain) && !strcmp(sources, destinations)) {
        vmn_check_fail(check, "/sources", "sources and destinations are the "
                       "same, and a function with one port (without "
                       "\"out\") is one of several hops: it could not be "
                       "told whether it sends a request or an answer");
    }
}

static void
check_chain(const void *row, struct vmn_check *check)
{
    const struct chain *chain = (const struct chain *) row;

    check_services(chain, check);
    if (!chain->n_hops) {
        vmn_check_fail(check, "/hops", "a chain has one hop at least");
    }
    for (size_t i = 0; i < chain->n_hops; i++) {
        const struct chain_hop *hop = &chain->hops[i];

        if (!hop->n_functions) {
            vmn_check_fail(check, "/hops", "hop %s has no function",
                           hop->name);
        }
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(hop->name, chain->hops[j].name)) {
                vmn_check_fail(check, "/hops", "two hops are named %s",
                               hop->name);
            }
        }
        check_functions(chain, i, check);
        check_health(hop, check);
    }
    check_sides(chain, check);
}

static const char *const protocols[] = {
    [CHAIN_TCP] = "tcp", [CHAIN_UDP] = "udp", [CHAIN_ICMP] = "icmp", NULL,
};

static const char *const failures[] = {
    [CHAIN_NEXT] = "next", [CHAIN_BYPASS] = "bypass", [CHAIN_BLOCK] = "block",
    NULL,
};

static const char *const healths[] = {
    [CHAIN_LINK] = "link", [CHAIN_HEARTBEAT] = "heartbeat",
    [CHAIN_PROBE_PING] = "ping", [CHAIN_PROBE_TCP] = "tcp", NULL,
};

static const char *const unsupported[] = {
    [CHAIN_UNSUPPORTED_BLOCK] = "block",
    [CHAIN_UNSUPPORTED_BYPASS] = "bypass", NULL,
};

static const struct vmn_struct_class service = {
    .name = "service", .size = sizeof(struct chain_service),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(chain_service, protocol), .type = VMN_FIELD_ENUM,
          .values = protocols, .flags = VMN_FIELD_REQUIRED | VMN_FIELD_KEY,
          .doc = "Of IPv4 and IPv6; icmp stands for both." },
        { VMN_LIST_FIELD(chain_service, ports), .max_items = 64,
          .type = VMN_FIELD_PORT_RANGE, .flags = VMN_FIELD_SET,
          .doc = "Destination ports; none: all." },
        { .name = NULL },
    },
};

static const struct vmn_struct_class function = {
    .name = "function", .size = sizeof(struct chain_function),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(chain_function, in), .type = VMN_FIELD_REF,
          .ref = "ports", .flags = VMN_FIELD_REQUIRED | VMN_FIELD_KEY,
          .doc = "Port that gets requests, and from which replies leave." },
        { VMN_FIELD(chain_function, out), .type = VMN_FIELD_REF,
          .ref = "ports",
          .doc = "Port from which requests leave, and which gets replies: the "
                 "function is a bridge.  Absent: it has one port, to whose "
                 "MAC address packets are sent, and routes." },
        { .name = NULL },
    },
};

static const struct vmn_struct_class hop = {
    .name = "hop", .size = sizeof(struct chain_hop),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(chain_hop, name), .type = VMN_FIELD_TEXT, .min = 1,
          .max = 63, .flags = VMN_FIELD_REQUIRED,
          .doc = "Another one in each hop of a chain." },
        { VMN_LIST_FIELD(chain_hop, functions), .type = VMN_FIELD_STRUCT,
          .flags = VMN_FIELD_SET | VMN_FIELD_REQUIRED, .nested = &function,
          .max_items = CHAIN_FUNCTIONS_MAX,
          .doc = "VMs that share the hop's connections." },
        { VMN_FIELD(chain_hop, on_failure), .type = VMN_FIELD_ENUM,
          .values = failures, .def = CHAIN_NEXT,
          .doc = "What becomes of connections whose function is down: next: "
                 "another function of the hop has them, and if there is none "
                 "they are dropped; bypass: the same, but if there is none "
                 "they pass the hop by; block: they are dropped." },
        { VMN_FIELD(chain_hop, health), .type = VMN_FIELD_ENUM,
          .values = healths, .def = CHAIN_LINK,
          .doc = "By what a function is known to be up, beside its links: "
                 "link: nothing; heartbeat: packets that the controller sends "
                 "to \"in\" leave by \"out\"; ping, tcp: the address of "
                 "\"in\" answers." },
        { VMN_FIELD(chain_hop, health_port), .type = VMN_FIELD_INT, .min = 0,
          .max = 65535, .doc = "Port at which health tcp asks." },
        { VMN_FIELD(chain_hop, health_interval_ms), .type = VMN_FIELD_INT,
          .min = 200, .max = 3600000, .def = 1000,
          .doc = "From one probe to the next, in milliseconds." },
        { VMN_FIELD(chain_hop, healthy_after), .type = VMN_FIELD_INT,
          .min = 1, .max = 100, .def = 2,
          .doc = "Answers in a row after which one that was down is up." },
        { VMN_FIELD(chain_hop, unhealthy_after), .type = VMN_FIELD_INT,
          .min = 1, .max = 100, .def = 3,
          .doc = "Probes without an answer in a row after which it is "
                 "down." },
        { .name = NULL },
    },
};

static const struct vmn_struct_class chain = {
    .name = "chain", .size = sizeof(struct chain),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(chain, network), .type = VMN_FIELD_REF, .ref = "networks",
          .flags = VMN_FIELD_REQUIRED,
          .doc = "Network of the VMs; those that routers join to it "
                 "belong to it here." },
        { VMN_FIELD(chain, enabled), .type = VMN_FIELD_BOOL, .def = true,
          .doc = "Whether packets go through it." },
        { VMN_FIELD(chain, priority), .type = VMN_FIELD_INT, .min = 0,
          .max = CHAIN_PRIORITY_MAX, .def = CHAIN_PRIORITY_MAX / 2,
          .flags = VMN_FIELD_ADMINISTRATORS,
          .doc = "Of several chains a connection has the one with the least; "
                 "of equal ones the first by name." },
        { VMN_FIELD(chain, sources), .type = VMN_FIELD_SELECTOR,
          .flags = VMN_FIELD_OR_ALL,
          .doc = "Ports that open connections; absent: all." },
        { VMN_FIELD(chain, destinations), .type = VMN_FIELD_SELECTOR,
          .flags = VMN_FIELD_OR_ALL,
          .doc = "Ports to which they are opened; absent: all." },
        { VMN_LIST_FIELD(chain, services), .type = VMN_FIELD_STRUCT,
          .flags = VMN_FIELD_SET, .nested = &service,
          .doc = "What connections are for; none: anything but SCTP." },
        { VMN_FIELD(chain, unsupported), .type = VMN_FIELD_ENUM,
          .values = unsupported, .def = CHAIN_UNSUPPORTED_BLOCK,
          .doc = "What becomes of traffic from sources to destinations that "
                 "functions do not forward: by addresses that are not a "
                 "port's `ips`, such as link-local ones, and SCTP.  block: "
                 "it is dropped; bypass: it passes the chain by." },
        { VMN_LIST_FIELD(chain, hops), .type = VMN_FIELD_STRUCT,
          .flags = VMN_FIELD_LIST | VMN_FIELD_REQUIRED, .nested = &hop,
          .max_items = CHAIN_HOPS_MAX,
          .doc = "What requests pass, in this order, and replies in the "
                 "other." },
        { .name = NULL },
    },
};

static const struct vmn_field_class status[] = {
    { .name = "down", .type = VMN_FIELD_TEXT, .flags = VMN_FIELD_LIST,
      .relation = REL_DOWN,
      .doc = "Its functions that are down, by their \"in\"." },
    { .name = "warnings", .type = VMN_FIELD_TEXT, .flags = VMN_FIELD_LIST,
      .relation = REL_WARNINGS,
      .doc = "What becomes of the connections of functions that are down." },
    { .name = NULL },
};

static const struct vmn_type_class types[] = {
    { .name = "chains", .singular = "chain",
      .doc = "Service chains: VMs through which connections of others go.",
      .row = &chain, .check = check_chain, .status = status },
    { .name = NULL },
};

/* The app.  --------------------------------------------------------------- */

#define STEER_SCRATCH (VMN_SCRATCH(REG_STEP) | VMN_SCRATCH(REG_HOP_ZONE) \
                       | VMN_SCRATCH(REG_FUNCTION) | VMN_SCRATCH(REG_LINK))

static const struct vmn_stage_class stages[] = {
    /* Nothing else has to see it before. */
    [STAGE_RETURN] = { .name = "return", .hook = VMN_HOOK_SERVICE,
                       .order = -100, .n_tables = RETURN_N_TABLES,
                       .miss = VMN_MISS_NEXT, .scratch = STEER_SCRATCH },
    [STAGE_TRANSIT] = { .name = "transit", .hook = VMN_HOOK_LOCATE,
                        .order = 100, .n_tables = 1, .miss = VMN_MISS_NEXT },
    /* Where conntrack's fields are known: behind policies they are not, of
     * what has opened a connection. */
    [STAGE_CLASSIFY] = { .name = "classify", .hook = VMN_HOOK_POLICY,
                         .order = -20, .n_tables = 1, .miss = VMN_MISS_NEXT,
                         .scratch = VMN_SCRATCH(REG_STEP),
                         .keeps = VMN_SCRATCH(REG_STEP) },
    /* Before a backend's address becomes the virtual IP. */
    [STAGE_STEER] = { .name = "steer", .hook = VMN_HOOK_UNBALANCE,
                      .order = -100, .n_tables = STEER_N_TABLES,
                      .miss = VMN_MISS_NEXT, .scratch = STEER_SCRATCH },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "chain", .each = VMN_EACH_ROW, .row_type = ROW_CHAIN,
      .compile = compile_chain },
    { .name = "classifier", .each = VMN_EACH_ROW, .row_type = ROW_CHAIN,
      .compile = compile_classifier },
    { .name = "member", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_member },
    { .name = "domain", .each = VMN_EACH_KEY, .relation = REL_OF_DOMAIN,
      .compile = compile_domain },
    { .name = "port", .each = VMN_EACH_KEY, .relation = REL_PORT,
      .compile = compile_port },
    { .name = "both", .each = VMN_EACH_KEY, .relation = REL_BOTH,
      .compile = compile_both },
    { .name = "probe", .each = VMN_EACH_KEY, .relation = REL_PROBED,
      .compile = compile_probe },
    { .name = NULL },
};

static const struct vmn_id_pool_class id_pools[] = {
    { POOL_CHAIN, 0x7fffffff },
    /* With another bit for the direction. */
    { POOL_HOP, 0x3fffffff },
    { POOL_FUNCTION, 0x3fffffff },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    [HANDLER_PROBE] = { .name = "probe", .handle = handle_probe,
                        .to_controller = true },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "chains",
    .description = "Service chains of VMs",
    .stages = stages,
    .units = units,
    .id_pools = id_pools,
    .handlers = handlers,
    .options = VMN_APP_DENIES,
    VMN_APP_TYPES(types),
};
