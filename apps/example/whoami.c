/* SPDX-License-Identifier: Apache-2.0
 *
 * whoami: an example of an app that answers packets.  A network with a label
 * such as whoami=10.0.0.254 gets that address, and whatever VM sends a UDP
 * packet to its port 43 is told which port, network and host it is seen as:
 *
 *     $ nc -u -w 1 10.0.0.254 43 <<< ''
 *     port web1
 *     network shop
 *     host h1
 *
 * docs/writing-an-app.md goes through this file. */

#define _GNU_SOURCE              /* stpcpy() */
#include <string.h>

#include <vmn/app.h>

#define LABEL "whoami"
#define UDP_PORT 43             /* The port of whois. */

enum { STAGE_WHOAMI };
enum { HANDLER_QUERY };
enum { PRIORITY = 10 };

/* Locally administered.  It may be the same in all networks. */
static const struct vmn_mac mac = VMN_SERVER_MAC(UDP_PORT);

/* Flows.  ---------------------------------------------------------------- */

/* In a network that has the label, on its hosts: replies to ARP for the
 * address, and sends queries to the handler. */
static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    const char *label = (network
                         ? vmn_labels_get(vmn_labels_of(view, &network->row),
                                          LABEL)
                         : NULL);
    struct vmn_scope scope = vmn_scope_network(key);
    struct vmn_ip ip;
    struct vmn_flow *flow;

    if (!label || !network->vni) {
        return;
    }
    if (!vmn_ip_from_text(label, &ip) || ip.family != 4) {
        vmn_fail(emit, "label whoami of network %s is no IPv4 address", key);
        return;
    }

    vmn_claim_ip(view, emit, key, &ip);
    flow = vmn_flow_add(emit, scope, STAGE_WHOAMI, 0, PRIORITY);
    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, &ip);
    vmn_act_arp_reply(vmn_flow_actions(flow), mac, &ip);

    flow = vmn_flow_add(emit, scope, STAGE_WHOAMI, 0, PRIORITY);
    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    vmn_match_ip(flow, VMN_F_IPV4_DST, &ip);
    vmn_match(flow, VMN_F_UDP_DST, UDP_PORT);
    vmn_act_punt(vmn_flow_actions(flow), HANDLER_QUERY, 0, VMN_PUNT_ALL);
}

/* Packets.  -------------------------------------------------------------- */

/* Appends "WHAT NAME" and the end of the line. */
static char *
put_line(char *end, const char *what, const char *name)
{
    return stpcpy(stpcpy(stpcpy(stpcpy(end, what), " "), name), "\n");
}

static void
handle_query(struct vmn_view *view, const struct vmn_packet_in *in,
             struct vmn_packets_out *out)
{
    char text[3 * (sizeof "network \n" + VMN_NAME_LEN)], *end = text;
    uint8_t answer[VMN_UDP_HEADERS + sizeof text];
    struct vmn_udp udp;
    const char *why = vmn_udp_parse_request(view, in, &udp);

    if (why) {
        vmn_send_nothing(out, why);
        return;
    }

    end = put_line(end, "port", in->port->row.name);
    end = put_line(end, "network", in->port->network);
    end = put_line(end, "host", in->host);
    vmn_udp_swap(&udp);
    udp.eth_src = mac;          /* The query may have been a broadcast. */
    udp.payload = (const uint8_t *) text;
    udp.payload_size = end - text;
    vmn_send_back(out, answer, vmn_udp_build(&udp, answer, sizeof answer));
}

/* The app.  -------------------------------------------------------------- */

/* Before overlay (order 0), which drops ARP for unknown addresses. */
static const struct vmn_stage_class stages[] = {
    [STAGE_WHOAMI] = { .name = "whoami", .hook = VMN_HOOK_SERVICE,
                       .order = -20, .n_tables = 1, .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "network", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
      .compile = compile_network },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    [HANDLER_QUERY] = { .name = "query", .handle = handle_query },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "whoami",
    .description = "Tells VMs which port, network and host they are seen as",
    .stages = stages,
    .units = units,
    .handlers = handlers,
};
