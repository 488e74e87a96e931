/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /v1/live-trace: a packet that is put into a switch and followed by
 * copies, beside what the simulator predicts of it.  Not for the comparison
 * (simulator/live-comparison.h), nor for switches (fabric-live-trace.h). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/audit-log.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-live-trace.h"
#include "controller/flow/pipeline.h"
#include "controller/model/id-pools.h"
#include "controller/northbound/auth.h"
#include "controller/northbound/event-log.h"
#include "controller/northbound/live-trace-limits.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/replies.h"
#include "controller/northbound/trace-body.h"
#include "controller/schema/arena.h"
#include "controller/simulator/endpoint.h"
#include "controller/simulator/live-comparison.h"
#include "controller/simulator/live-frame.h"
#include "controller/simulator/trace-outside.h"
#include "flow.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "random.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(api_live_trace);

BUILD_ASSERT_DECL(FABRIC_LIVE_COPIES_MAX <= LIVE_COPIES_MAX);

/* Ports such as a guest's kernel would choose, and that are not in use by
 * chance: what conntrack knows of a connection would be another trace's. */
#define SOURCE_PORT_FIRST 32768
#define SOURCE_PORTS 28232

/* How long hosts have for the packet's flows. */
#define READY_MS 5000

/* The largest. */
#define VNI_MAX 0xffffff

/* A request whose packet is on its way. */
struct live_wait {
    struct northbound *nb;
    struct http_request *req;
    char *who;                  /* Who asks.  Owned. */
    struct arena arena;         /* Owns all that follows. */
    struct trace_request request;
    struct model_rights *rights; /* NULL: all.  Owned. */
    struct live_prediction prediction;
    struct result_names names;
    struct live_sight sight;
    struct live_trace result;
    struct fabric_live *live;
    uint64_t revision;          /* That the prediction is of. */
    uint8_t last_table;         /* The last stage's. */
    size_t n_hosts;
    struct fabric_live_host hosts[FABRIC_LIVE_HOSTS_MAX];
    size_t n_hops;
    struct fabric_live_hop hops[FABRIC_LIVE_WAYS_MAX];
    bool is_put_in_again;       /* Behind a physical network. */
    size_t n_crossings;
    struct fabric_live_crossing crossings[FABRIC_LIVE_WAYS_MAX];
    const struct live_visit *crossed[FABRIC_LIVE_WAYS_MAX]; /* Where each
                                                             * leads to, */
    const char *crossed_by[FABRIC_LIVE_WAYS_MAX]; /* and by which physical
                                                   * network. */
};

static void
wait_destroy(struct live_wait *wait)
{
    fabric_live_cancel(wait->live);
    live_limits_release(wait->nb->live_limits, wait->who,
                        nb_hides_hosts(wait->rights));
    model_rights_destroy(wait->rights);
    arena_uninit(&wait->arena);
    free(wait->who);
    free(wait);
}

/* Notes in the audit log that the account has 'done' it, or why not. */
static void
note(const struct live_wait *wait, const char *done)
{
    const struct trace_from *from = &wait->result.from;
    char *by = (from->network
                ? xasprintf(" by network \"%s\" on %s", from->network,
                            from->host ? from->host : "no host")
                : xstrdup(""));
    char *what = xasprintf("live trace from %s%s%s to %s%s: %s",
                           from->network ? "" : "port ", wait->request.from,
                           by, wait->request.to,
                           wait->request.deliver ? ", to be delivered" : "",
                           done);

    VLOG_INFO("%s: %s", wait->who, what);
    audit_log_note(wait->nb->audit_log, wait->who, what);
    free(what);
    free(by);
}

static void
reply_error(struct http_request *req, const struct vmn_error *error)
{
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    vmn_errors_add(&errors, error->code, error->pointer, "%s", error->text);
    nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
    vmn_errors_uninit(&errors);
}

/* The end.  --------------------------------------------------------------- */

/* Returns true if what the hosts hold may not be what the prediction is of. */
static bool
is_changing(const struct live_wait *wait)
{
    if (model_durable_revision(wait->nb->model) != wait->revision) {
        return true;
    }
    for (size_t i = 0; i < wait->n_hosts; i++) {
        if (fabric_live_is_behind(wait->nb->fabric, wait->hosts[i].name)) {
            return true;
        }
    }
    return false;
}

static void
push_event(const struct live_wait *wait)
{
    const struct live_trace *result = &wait->result;
    const struct nb_event_trace event = {
        .from = result->from.port ? result->from.port : TRACE_OUTSIDE,
        .to_port = result->to.port,
        .to_ip = result->to.ip, .time = time_wall_msec(),
        .packet = result->packet, .difference = result->difference,
    };
    struct ds about = DS_EMPTY_INITIALIZER;

    if (result->from.port) {
        event_about(&about, VMN_TABLE_PORT, result->from.port);
    }
    event_about(&about, VMN_TABLE_PORT, result->to.port);
    for (size_t i = 0; i < wait->n_hosts; i++) {
        event_about(&about, VMN_TABLE_HOST, wait->hosts[i].name);
    }
    event_push(wait->nb, EVENT_TRACE, &nb_event_trace, &event, &about, false);
}

/* An account with a scope is told how the packet has ended, but not by which
 * hosts and stages, nor whose flow it met. */
static void
restrict_result(struct live_trace *result)
{
    struct live_end *ends[] = { &result->predicted, &result->seen };

    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        ends[i]->host = ends[i]->port = ends[i]->owner = NULL;
        ends[i]->leaves_as = NULL;
    }
    result->n_stages = 0;
    result->packet = NULL;
    result->changing = false;
    result->difference = (!result->difference ? NULL
                          : result->next_hop_unknown
                          ? "the address of the next hop outside is not known "
                            "yet, which a trace takes for known"
                          : "the switches did something else than what is "
                            "predicted");
}

/* Has an error say no more than an account with a scope may know: not what
 * others have on the packet's way, nor the state of hosts. */
static void
restrict_error(const struct live_wait *wait, struct vmn_error *error)
{
    if (nb_hides_hosts(wait->rights)) {
        enum vmn_error_code code = error->code;

        vmn_error_uninit(error);
        *error = (struct vmn_error) VMN_ERROR_INIT;
        vmn_error_set(error, code, code == VMN_ERR_UNAVAILABLE ? "" : "/to",
                      code == VMN_ERR_UNAVAILABLE
                      ? "this packet cannot be followed now"
                      : "a live trace cannot follow this packet (without "
                        "\"deliver\", if the network itself answers it)");
    }
}

/* The packet was not put in, or could not be followed to the end. */
static void
reply_failed(const struct live_wait *wait, const char *reason)
{
    struct vmn_error error = VMN_ERROR_INIT;

    vmn_error_set(&error, VMN_ERR_UNAVAILABLE, "",
                  "the packet could not be followed: %s", reason);
    restrict_error(wait, &error);
    reply_error(wait->req, &error);
    vmn_error_uninit(&error);
}

/* Says what was not tried, unless the account is not to know where the packet
 * went. */
static void
warn_of_crossings(struct live_wait *wait)
{
    struct live_trace *result = &wait->result;
    size_t n = result->n_warnings;
    const char **warnings;

    if (!wait->is_put_in_again || nb_hides_hosts(wait->rights)) {
        return;
    }
    warnings = arena_alloc(&wait->arena, (n + 1) * sizeof *warnings);
    if (n) {
        memcpy(warnings, result->warnings, n * sizeof *warnings);
    }
    warnings[n] = "the packet was not sent over the physical network between "
                  "hosts, but put in again behind it: with \"deliver\" it is "
                  "sent";
    result->warnings = warnings;
    result->n_warnings = n + 1;
}

static void
done_cb(void *wait_, const char *reason)
{
    struct live_wait *wait = wait_;
    struct live_trace *result = &wait->result;

    wait->live = NULL;
    http_request_set_close_cb(wait->req, NULL, NULL);
    if (reason) {
        reply_failed(wait, reason);
        wait_destroy(wait);
        return;
    }
    live_compare(&wait->prediction, &wait->names, &wait->sight, &wait->arena,
                 result);
    result->delivered = (wait->request.deliver
                         && !strcmp(result->seen.verdict, "delivered"));
    result->changing |= is_changing(wait);
    if (!result->agrees && !result->changing && !result->next_hop_unknown) {
        push_event(wait);
    }
    warn_of_crossings(wait);
    if (nb_hides_hosts(wait->rights)) {
        restrict_result(result);
    }
    nb_reply_struct(wait->req, &nb_reply_live_trace, result);
    wait_destroy(wait);
}

/* Returns true if port 'ofport' of a host leads to physical network
 * 'physical': another one may have come to its place. */
static bool
leads_to(const struct live_wait *wait, const char *host, uint32_t ofport,
         const char *physical)
{
    return (ofport && provider_ofport_of(wait->nb->model, host, physical)
                      == ofport);
}

/* Has a packet that ended where it was to leave for a physical network, on the
 * host with this index, go on where that leads to: as the switch would have
 * sent it, and with the network's tag.  What the switch says may be anything:
 * no other host gets another packet than what was predicted. */
static void
put_in_again(struct live_wait *wait, size_t host_index,
             const struct flow *flow)
{
    for (size_t i = 0; i < wait->n_crossings; i++) {
        const struct fabric_live_crossing *crossing = &wait->crossings[i];
        struct flow tagged = *flow;
        const uint8_t *frame;
        size_t size;

        if (crossing->from != host_index
            || crossing->flow->regs[0] != flow->regs[0]
            || !eth_addr_equals(crossing->flow->dl_dst, flow->dl_dst)
            || !live_flow_is_of(flow, crossing->flow)
            || !leads_to(wait, wait->hosts[crossing->to].name,
                         crossing->in_port, wait->crossed_by[i])) {
            continue;
        }
        tagged.vlans[0] = wait->crossed[i]->tag;
        frame = live_frame_make(&tagged, wait->prediction.id, &wait->arena,
                                &size);
        fabric_live_put_in(wait->live, i, frame, size);
        wait->is_put_in_again = true;
    }
}

/* Copies of a host are compared with the prediction's, whose names stay. */
static bool
copy_cb(void *wait_, const struct trace_copy *copy)
{
    struct live_wait *wait = wait_;
    struct live_sight *sight = &wait->sight;

    for (size_t i = 0; i < wait->n_hosts && sight->n < LIVE_COPIES_MAX; i++) {
        if (!strcmp(wait->hosts[i].name, copy->host)) {
            struct trace_copy *kept = &sight->copies[sight->n++];

            *kept = *copy;
            kept->host = wait->hosts[i].name;
            if (!wait->request.deliver && copy->kind == TRACE_COPY_LAST
                && live_flow_leaves(&copy->flow)) {
                put_in_again(wait, i, &copy->flow);
            }
            break;
        }
    }
    return live_is_complete(&wait->prediction, &wait->names, sight);
}

/* Returns true if the packet may still come in from outside: the network is
 * still there, its sender may change it, and it is by that port. */
static bool
is_outside_still_there(const struct live_wait *wait)
{
    const struct live_prediction *p = &wait->prediction;
    const struct vmn_network *network = model_get(
        wait->nb->model, VMN_TABLE_NETWORK, wait->result.from.network);

    return (network && network->provider.physical
            && model_may_change(wait->rights, &network->row)
            && leads_to(wait, p->host, p->in_port,
                        network->provider.physical));
}

/* Returns true if the packet may still be put in where it was to be. */
static bool
is_still_there(const struct live_wait *wait)
{
    struct northbound *nb = wait->nb;
    const struct live_prediction *p = &wait->prediction;
    const char *from = wait->result.from.port;
    const struct vmn_row *row;

    if (!from) {
        return is_outside_still_there(wait);
    }
    row = model_get(nb->model, VMN_TABLE_PORT, from);
    return (row && model_may_change(wait->rights, row)
            && fabric_port_is_at(nb->fabric, from, p->host, p->in_port));
}

/* Before the packet is put in: its port may have gone meanwhile, and another
 * one have come to its place. */
static const char *
send_cb(void *wait_)
{
    const struct live_wait *wait = wait_;

    if (!is_still_there(wait)) {
        return "its port is not there any more";
    }
    note(wait, wait->prediction.packet);
    return NULL;
}

static const struct fabric_live_callbacks callbacks = {
    .send = send_cb,
    .copy = copy_cb,
    .done = done_cb,
};

static void
on_gone(void *wait_)
{
    struct live_wait *wait = wait_;

    http_request_drop(wait->req);
    wait_destroy(wait);
}

/* The request to hosts.  -------------------------------------------------- */

/* Returns the index of a host, which is added; SIZE_MAX: there are too
 * many. */
static size_t
get_host(struct live_wait *wait, const char *name)
{
    for (size_t i = 0; i < wait->n_hosts; i++) {
        if (!strcmp(wait->hosts[i].name, name)) {
            return i;
        }
    }
    if (wait->n_hosts == FABRIC_LIVE_HOSTS_MAX) {
        return SIZE_MAX;
    }
    wait->hosts[wait->n_hosts] = (struct fabric_live_host) {
        .name = arena_strdup(&wait->arena, name),
        .onward = arena_alloc(&wait->arena, FABRIC_LIVE_WAYS_MAX
                                            * sizeof(struct flow)),
    };
    return wait->n_hosts++;
}

/* Has the host let the packet go on from its last stage, if it has come there
 * and is for no port of the host: what is for one ends there, also where it
 * was to be dropped before. */
static bool
add_onward(struct live_wait *wait, size_t host_index,
           const struct live_visit *visit)
{
    struct fabric_live_host *host = &wait->hosts[host_index];
    struct flow *flows = CONST_CAST(struct flow *, host->onward);

    if (visit->table != wait->last_table
        || visit->flow.regs[VMN_REG_DST_LOCAL - VMN_F_REG0]) {
        return true;
    }
    if (host->n_onward == FABRIC_LIVE_WAYS_MAX) {
        return false;
    }
    flows[host->n_onward++] = visit->flow;
    return true;
}

static bool
add_hop(struct live_wait *wait, size_t from, size_t to,
        const struct live_visit *visit)
{
    for (size_t i = 0; i < wait->n_hops; i++) {
        const struct fabric_live_hop *hop = &wait->hops[i];

        if (hop->from == from && hop->table == visit->out_table
            && hop->tun_id == visit->out_tun_id
            && hop->dst_host == visit->out_dst_host) {
            return true;
        }
    }
    if (wait->n_hops == FABRIC_LIVE_WAYS_MAX) {
        return false;
    }
    wait->hops[wait->n_hops++] = (struct fabric_live_hop) {
        .from = from, .to = to, .table = visit->out_table,
        .tun_id = visit->out_tun_id, .dst_host = visit->out_dst_host,
    };
    return true;
}

/* Adds a way over a physical network.  Two that leave a host for the same MAC
 * in the same network lead to the same port, so one stands for both. */
static bool
add_crossing(struct live_wait *wait, size_t from, size_t to,
             const struct flow *first, const struct live_visit *left,
             const struct live_visit *visit)
{
    const struct vmn_vif *link;
    uint16_t in_port;

    for (size_t i = 0; i < wait->n_crossings; i++) {
        const struct fabric_live_crossing *crossing = &wait->crossings[i];

        if (crossing->from == from
            && crossing->flow->regs[0] == left->flow.regs[0]
            && eth_addr_equals(crossing->flow->dl_dst, left->flow.dl_dst)) {
            return true;
        }
    }
    in_port = ofp_to_u16(visit->flow.in_port.ofp_port);
    link = provider_vif_at(wait->nb->model, visit->host, in_port);
    if (wait->n_crossings == FABRIC_LIVE_WAYS_MAX || !link) {
        return false;
    }
    wait->crossed[wait->n_crossings] = visit;
    wait->crossed_by[wait->n_crossings]
        = arena_strdup(&wait->arena, link->iface_id + 1); /* After "@". */
    wait->crossings[wait->n_crossings++] = (struct fabric_live_crossing) {
        .from = from, .to = to, .flow = &left->flow,
        .in_port = in_port, .vlan = vlan_tci_to_vid(visit->tag.tci),
        .any_port = !live_flow_has_source_of(&left->flow, first),
    };
    return true;
}

/* Adds the hosts that a way passes.  From a host's last stage the packet goes
 * on into a tunnel, or to a drop there; but not to a physical network. */
static bool
add_way(struct live_wait *wait, const struct live_way *way)
{
    size_t before = SIZE_MAX;

    for (size_t i = 0; i < way->n_visits; i++) {
        const struct live_visit *visit = &way->visits[i];
        bool is_end = i + 1 == way->n_visits;
        size_t host = get_host(wait, visit->host);

        if (host == SIZE_MAX
            || (visit->anew && !add_hop(wait, before, host, visit))
            || (visit->crossed
                && !add_crossing(wait, before, host, &way->visits[0].flow,
                                 &visit[-1], visit))
            || ((is_end ? way->kind != LIVE_END_PORT : visit[1].anew)
                && !add_onward(wait, host, visit))) {
            return false;
        }
        wait->hosts[host].leaves |= is_end && way->leaves;
        before = host;
    }
    return true;
}

static bool
add_ways(struct live_wait *wait, struct vmn_error *error)
{
    get_host(wait, wait->prediction.host);
    for (size_t i = 0; i < wait->prediction.n_ways; i++) {
        if (!add_way(wait, &wait->prediction.ways[i])) {
            vmn_error_set(error, VMN_ERR_TOO_LARGE, "/to",
                          "there are more than %d hosts, or %d ways on one of "
                          "them, that the packet may pass",
                          FABRIC_LIVE_HOSTS_MAX, FABRIC_LIVE_WAYS_MAX);
            return false;
        }
    }
    return true;
}

/* Finds VNIs that nothing has, nor may some switch have still, for where it
 * begins, the hops and the crossings: at random, so that those of other traces
 * are not among them.  Returns the first one, or 0. */
static uint32_t
find_vnis(const struct live_wait *wait)
{
    const struct id_pools *pools = model_id_pools(wait->nb->model);

    for (int tries = 0; tries < 100; tries++) {
        uint32_t first = 1 + random_range(VNI_MAX - 2 * FABRIC_LIVE_WAYS_MAX);
        size_t i = 0, n = wait->n_hops + wait->n_crossings + 1;

        while (i < n
               && !id_pools_key_of(pools, VMN_ID_POOL_VNI, first + i)) {
            i++;
        }
        if (i == n) {
            return first;
        }
    }
    return 0;
}

/* Sends the packet.  Returns false with '*error' if that is not possible
 * now. */
static bool
begin(struct live_wait *wait, struct vmn_error *error)
{
    const struct live_prediction *p = &wait->prediction;
    uint8_t tables[PIPELINE_N_TABLES];
    struct fabric_live_request request = {
        .in_port = p->in_port, .frame = p->frame, .size = p->size,
        .tables = tables, .deliver = wait->request.deliver,
        .ready_ms = READY_MS, .timeout_ms = wait->request.timeout * 1000,
    };
    const char *host = NULL, *reason = "there is no VNI for it in tunnels";
    size_t n_back = live_n_ways_back(wait->names.pipeline);

    request.n_tables = live_tables(wait->names.pipeline, tables,
                                   ARRAY_SIZE(tables), &request.last_table);
    request.n_last_tables = live_n_last_tables(wait->names.pipeline);
    wait->last_table = request.last_table;
    if (!live_prediction_check(p, wait->request.deliver, error)
        || !add_ways(wait, error)) {
        return false;
    }
    if (request.n_tables > FABRIC_LIVE_TABLES_MAX) {
        vmn_error_set(error, VMN_ERR_TOO_LARGE, "",
                      "apps have %"PRIuSIZE" stages: a live trace follows a "
                      "packet through %d", request.n_tables + 1,
                      FABRIC_LIVE_TABLES_MAX + 1);
        return false;
    }
    if (request.n_tables + n_back > FABRIC_LIVE_RESUBMITS_MAX) {
        vmn_error_set(error, VMN_ERR_TOO_LARGE, "",
                      "apps have %"PRIuSIZE" stages, of which %"PRIuSIZE
                      " come after one with higher tables: a live trace "
                      "follows a packet through %d, both taken together",
                      request.n_tables + 1, n_back,
                      FABRIC_LIVE_RESUBMITS_MAX + 1);
        return false;
    }
    request.hosts = wait->hosts;
    request.n_hosts = wait->n_hosts;
    request.hops = wait->hops;
    request.n_hops = wait->n_hops;
    request.crossings = wait->crossings;
    request.n_crossings = wait->n_crossings;
    request.first_vni = find_vnis(wait);
    wait->result.changing = is_changing(wait);
    if (request.first_vni) {
        wait->live = fabric_live_begin(wait->nb->fabric, &request, &callbacks,
                                       wait, &host, &reason);
    }
    if (!wait->live && host) {
        vmn_error_set(error, VMN_ERR_UNAVAILABLE, "",
                      "host \"%s\" cannot follow the packet now: %s", host,
                      reason);
    } else if (!wait->live) {
        vmn_error_set(error, VMN_ERR_UNAVAILABLE, "",
                      "the packet cannot be followed now: %s", reason);
    }
    return wait->live;
}

/* The prediction.  -------------------------------------------------------- */

/* Whoever puts packets in as from outside may say anything of whom they are,
 * to what others have behind the same gateway.  So no account with a scope
 * may, and of the others those that may change the network by which they
 * come. */
static bool
may_send_from_outside(const struct live_wait *wait, const struct trace *trace,
                      struct vmn_error *error)
{
    const struct vmn_row *row = model_get(wait->nb->model, VMN_TABLE_NETWORK,
                                          trace->from.network);

    if (!nb_hides_hosts(wait->rights) && row
        && model_may_change(wait->rights, row)) {
        return true;
    }
    note(wait, "refused, as it may not send from outside");
    vmn_error_set(error, VMN_ERR_FORBIDDEN, "/from",
                  "only accounts without a scope that may change the provider "
                  "network have a packet come in as if from outside");
    return false;
}

/* Whoever puts packets in at a port does what its guest could. */
static bool
may_send(const struct live_wait *wait, const struct trace *trace,
         struct vmn_error *error)
{
    const struct vmn_row *row
        = (trace->from.port
           ? model_get(wait->nb->model, VMN_TABLE_PORT, trace->from.port)
           : NULL);

    if (!row) {
        return may_send_from_outside(wait, trace, error);
    }
    if (!model_may_change(wait->rights, row)) {
        note(wait, "refused, as it may not change the port");
        vmn_error_set(error, VMN_ERR_FORBIDDEN, "/from",
                      "a packet is sent as the guest of port \"%s\", which "
                      "this account may not change", trace->from.port);
        return false;
    }
    return true;
}

/* Refuses to send what is for nobody: the address of who is outside in the
 * sender's own network is made up, unless it is given. */
static bool
has_receiver(const struct live_wait *wait, struct vmn_error *error)
{
    const struct live_prediction *p = &wait->prediction;
    const struct vmn_mac *made_up = &trace_outside_mac;

    if (wait->request.deliver && wait->result.to.network && p->size
        && !memcmp(p->frame, made_up->ea, sizeof made_up->ea)) {
        vmn_error_set(error, VMN_ERR_INVALID, "/destination_mac",
                      "is required with \"deliver\": who is outside in the "
                      "port's own network is not known");
        return false;
    }
    return true;
}

static bool
predict(struct live_wait *wait, struct vmn_error *error)
{
    struct northbound *nb = wait->nb;
    struct trace *trace;

    wait->names = (struct result_names) {
        nb->engine, nb->model, apphost_pipeline(nb->apphost),
        arena_alloc(&wait->arena, sizeof(struct isolation_memo *)),
    };
    wait->prediction.arena = &wait->arena;
    wait->prediction.id = (uint16_t) random_uint32();
    wait->request.prediction = &wait->prediction;
    wait->request.rights = wait->rights;
    wait->request.fragment = TRACE_WHOLE;
    wait->request.brief = true;
    wait->revision = model_durable_revision(nb->model);
    trace = trace_make(nb->engine, nb->model, wait->names.pipeline,
                       &wait->request, &wait->arena, error);
    if (!trace) {
        return false;
    }
    wait->result.from = trace->from;
    wait->result.to = trace->to;
    if (!may_send(wait, trace, error) || !has_receiver(wait, error)) {
        return false;
    }
    wait->prediction.n_left_out += !trace->complete;
    nb_warn_of_hosts(nb, wait->rights, wait->request.protocol, trace,
                     &wait->arena);
    wait->result.n_warnings = trace->n_warnings;
    wait->result.warnings = trace->warnings;
    wait->result.packet = wait->prediction.packet;
    return true;
}

static void
trace_live(struct live_wait *wait)
{
    struct vmn_error error = VMN_ERROR_INIT;

    if (predict(wait, &error)) {
        if (begin(wait, &error)) {
            http_request_set_close_cb(wait->req, on_gone, wait);
            return;
        }
        restrict_error(wait, &error);
    }
    reply_error(wait->req, &error);
    vmn_error_uninit(&error);
    wait_destroy(wait);
}

static void
trace(struct http_request *req, struct northbound *nb)
{
    struct vmn_errors errors;
    json_t *body = http_request_json(req);
    struct live_wait *wait;
    const char *who;

    if (!body) {
        return;
    }
    who = http_request_who(req);
    if (!live_limits_take(nb->live_limits, req, who,
                          nb_hides_hosts(nb_rights(req)))) {
        json_decref(body);
        return;
    }
    wait = xzalloc(sizeof *wait);
    wait->nb = nb;
    wait->req = req;
    wait->who = xstrdup(who);
    wait->rights = model_rights_clone(nb_rights(req));
    arena_init(&wait->arena);
    vmn_errors_init(&errors);
    if (nb_live_trace_body_read(body, &wait->arena, &wait->request,
                                &errors)) {
        if (!wait->request.source_port) {
            wait->request.source_port = (SOURCE_PORT_FIRST
                                         + random_range(SOURCE_PORTS));
        }
        trace_live(wait);
    } else {
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
        wait_destroy(wait);
    }
    vmn_errors_uninit(&errors);
    json_decref(body);
}

void
nb_post_live_trace(struct http_request *req, void *nb)
{
    nb_when_quiescent(nb, req, trace);
}
