/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a packet goes that leaves a switch: by a tunnel to another host, to a
 * physical network, through a service function, or to a port; see
 * pipeline-pass.h. */

#include <config.h>

#include "controller/simulator/pipeline-pass.h"

#include <string.h>

#include "packets.h"
#include "util.h"
#include "vmn/vocabulary.h"

bool
pipeline_end_if_unreachable(struct pipeline_context *ctx, const char *host,
                            bool tunnel)
{
    const struct sim_underlay *underlay = ctx->sim->underlay;
    const char *of_host = (underlay
                           ? underlay->host_problem(underlay->aux, host)
                           : NULL);
    const char *of_path = (underlay && tunnel && underlay->path_problem
                           ? underlay->path_problem(underlay->aux,
                                                    ctx->pass->host, host)
                           : NULL);

    if (of_host || of_path) {
        struct sim_end *end = pipeline_add_end(ctx, SIM_UNREACHABLE,
                                               of_host ? of_host : of_path);

        end->host = of_host ? host : ctx->pass->host;
        end->rule = NULL;
    }
    return of_host || of_path;
}

/* Has the packet come in at 'in_port' of 'host', as 'kind' of step 'to' says.
 * Returns that pass, or NULL if it has done so too often, or does not get
 * there. */
static struct pipeline_pass *
come_in_again(struct pipeline_context *ctx, enum sim_step_kind kind,
              const char *to, const char *host, uint32_t in_port)
{
    struct pipeline_pass *pass;

    if (ctx->pass->n_tunnels >= SIM_TUNNELS_MAX) {
        pipeline_add_end(ctx, SIM_LOST, "it loops between hosts");
        return NULL;
    }
    pipeline_add_step(ctx, kind, ctx->flow)->to = to;
    if (pipeline_end_if_unreachable(ctx, host, kind == SIM_TUNNEL)) {
        return NULL;
    }
    pass = pipeline_pass_fork(ctx, host, 0);
    pass->n_tunnels++;
    pass->n_recirculations = 0;
    pipeline_clear_metadata(&pass->packet.flow);
    pass->packet.flow.in_port.ofp_port = u16_to_ofp(in_port);
    return pass;
}

static void
output_tunnel(struct pipeline_context *ctx, ofp_port_t port)
{
    const struct sim_net *net = &ctx->sim->net;
    const struct flow_tnl *tunnel = &ctx->flow->tunnel;
    struct in6_addr to, from;
    const char *host;
    struct pipeline_pass *pass;
    struct flow_tnl received;

    if (tunnel->ip_dst) {
        in6_addr_set_mapped_ipv4(&to, tunnel->ip_dst);
    } else {
        to = tunnel->ipv6_dst;
    }
    host = net->host_at(net->aux, &to);
    if (!host) {
        pipeline_add_end(ctx, SIM_LOST, "no host has the tunnel's address");
        return;
    }
    if (!net->tunnel_ip(net->aux, ctx->pass->host,
                        !IN6_IS_ADDR_V4MAPPED(&to), &from)) {
        pipeline_add_end(ctx, SIM_LOST,
                         "the host has no tunnel address to send from");
        return;
    }
    if (!strcmp(host, ctx->pass->host)) {
        pipeline_add_end(ctx, SIM_LOST, "the tunnel leads to the host itself");
        return;
    }

    memset(&received, 0, sizeof received);
    if (IN6_IS_ADDR_V4MAPPED(&from)) {
        received.ip_src = in6_addr_get_mapped_ipv4(&from);
        received.ip_dst = in6_addr_get_mapped_ipv4(&to);
    } else {
        received.ipv6_src = from;
        received.ipv6_dst = to;
    }
    received.tun_id = tunnel->tun_id;
    pass = come_in_again(ctx, SIM_TUNNEL, host, host, ofp_to_u16(port));
    if (pass) {
        pass->packet.flow.tunnel = received;
    }
}

/* Outputs to 'port', whose guest may forward the packet.  Returns false if it
 * does not. */
static bool
output_function(struct pipeline_context *ctx, ofp_port_t port)
{
    const struct sim_net *net = &ctx->sim->net;
    const char *host = NULL;
    uint32_t in_port = 0;
    const char *function
        = (net->function
           ? net->function(net->aux, ctx->pass->host, ofp_to_u16(port),
                           ctx->flow, &host, &in_port) : NULL);

    if (function && !host) {
        pipeline_add_end(ctx, SIM_LOST,
                         "the service function has no way to send it on");
    } else if (function) {
        come_in_again(ctx, SIM_FUNCTION, function, host, in_port);
    }
    return function != NULL;
}

/* Outputs to 'port'.  If that leads to a physical network, continues on the
 * host of the port that the packet is for, if there is one. */
static void
output_port(struct pipeline_context *ctx, ofp_port_t port)
{
    const struct sim_net *net = &ctx->sim->net;
    const char *host = NULL;
    uint32_t in_port = 0;
    const char *provider
        = (net->provider
           ? net->provider(net->aux, ctx->pass->host, ofp_to_u16(port),
                           ctx->flow, &host, &in_port) : NULL);

    if (!provider || !host) {
        struct sim_end *end = pipeline_add_end(ctx, SIM_OUTPUT, NULL);

        end->port = ofp_to_u16(port);
        end->provider = provider;
    } else {
        come_in_again(ctx, SIM_PROVIDER, host, host, in_port);
    }
}

static bool
is_tunnel(ofp_port_t port)
{
    return (ofp_to_u16(port) == VMN_TUNNEL_OFPORT
            || ofp_to_u16(port) == VMN_GENEVE_OFPORT);
}

void
pipeline_output(struct pipeline_context *ctx, ofp_port_t port)
{
    ofp_port_t in_port = ctx->flow->in_port.ofp_port;

    if (port == OFPP_IN_PORT) {
        port = in_port;
    } else if (port == in_port) {
        pipeline_add_end(ctx, SIM_LOST,
                         "it may not leave by the port that it came by");
        return;
    } else if (port == OFPP_CONTROLLER) {
        pipeline_add_end(ctx, SIM_PUNT, NULL);
        return;
    } else if (ofp_to_u16(port) >= ofp_to_u16(OFPP_MAX)) {
        pipeline_fail(ctx, SIM_UNKNOWN, "output to a reserved port");
        return;
    }
    if (port == OFPP_NONE) {
        pipeline_add_end(ctx, SIM_LOST, "output to no port");
    } else if (is_tunnel(port)) {
        output_tunnel(ctx, port);
    } else if (!output_function(ctx, port)) {
        output_port(ctx, port);
    }
}
