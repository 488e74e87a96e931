/* SPDX-License-Identifier: Apache-2.0
 *
 * Live traces: what is predicted of a packet, and copies of it beside that;
 * copies' user data, and the flows of traces.  How switches do is in
 * tests/system/test_live_trace.py. */

#include <config.h>

#include "tests/unit/trace-fixture.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/flow/sample-action.h"
#include "controller/flow/trace-copy.h"
#include "controller/northbound/trace-body.h"
#include "controller/schema/arena.h"
#include "controller/simulator/live-comparison.h"
#include "controller/simulator/live-frame.h"
#include "controller/simulator/simulator.h"
#include "crc32c.h"
#include "csum.h"
#include "dp-packet.h"
#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "util.h"
#include "vmn/flow.h"

struct bed {
    struct apps_fixture *f;
    struct arena arena;
    struct trace_request request;
    struct live_prediction prediction;
    struct result_names names;
    struct live_sight sight;
    struct live_trace result;
};

/* Predicts the way of the packet of 'text', a body with ' for ". */
static struct bed *
bed_create(const char *rows, const char *text)
{
    struct bed *bed = xzalloc(sizeof *bed);
    struct vmn_error error = VMN_ERROR_INIT;
    struct vmn_errors errors;
    char *copy = xstrdup(text);
    json_t *body;

    for (char *p = copy; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    bed->f = create_shop(rows);
    arena_init(&bed->arena);
    vmn_errors_init(&errors);
    body = json_loads(copy, 0, NULL);
    assert_true(nb_live_trace_body_read(body, &bed->arena, &bed->request,
                                        &errors));
    vmn_errors_uninit(&errors);
    json_decref(body);
    free(copy);
    bed->request.source_port = 50000;
    bed->request.prediction = &bed->prediction;
    bed->prediction.arena = &bed->arena;
    bed->prediction.id = 77;
    bed->names = (struct result_names) {
        apps_fixture_engine(bed->f), apps_fixture_model(bed->f),
        apps_fixture_pipeline(bed->f),
        arena_alloc(&bed->arena, sizeof(struct isolation_memo *)),
    };
    assert_non_null(trace_make(bed->names.engine, bed->names.model,
                               bed->names.pipeline, &bed->request,
                               &bed->arena, &error));
    return bed;
}

static void
bed_destroy(struct bed *bed)
{
    apps_fixture_destroy(bed->f);
    arena_uninit(&bed->arena);
    free(bed);
}

/* Has the packet be seen just as 'way' says, but for its end if that is a
 * drop. */
static void
see(struct bed *bed, const struct live_way *way)
{
    uint8_t tables[UINT8_MAX], last;

    live_tables(bed->names.pipeline, tables, sizeof tables, &last);
    bed->sight.n = way->n_visits;
    for (size_t i = 0; i < way->n_visits; i++) {
        bed->sight.copies[i] = (struct trace_copy) {
            .kind = (way->visits[i].table == last ? TRACE_COPY_LAST
                     : TRACE_COPY_STAGE),
            .host = way->visits[i].host, .table = way->visits[i].table,
            .flow = way->visits[i].flow,
        };
    }
}

static struct trace_copy *
see_more(struct bed *bed, enum trace_copy_kind kind, const char *host)
{
    struct trace_copy *copy = &bed->sight.copies[bed->sight.n++];

    *copy = (struct trace_copy) { .kind = kind, .host = host };
    return copy;
}

static bool
is_complete(const struct bed *bed)
{
    return live_is_complete(&bed->prediction, &bed->names, &bed->sight);
}

static const char *
compare(struct bed *bed)
{
    live_compare(&bed->prediction, &bed->names, &bed->sight, &bed->arena,
                 &bed->result);
    assert_int_equal(bed->result.agrees, !bed->result.difference);
    return bed->result.difference ? bed->result.difference : "-";
}

static void
packet_that_does_as_predicted_agrees(void **state)
{
    struct bed *bed = bed_create("{" BASE "}", TCP("web1", "db1", "80"));
    const struct live_way *way = &bed->prediction.ways[0];
    struct vmn_error error = VMN_ERROR_INIT;

    (void) state;
    assert_int_equal(bed->prediction.n_ways, 1);
    assert_true(live_prediction_check(&bed->prediction, false, &error));
    assert_string_equal(bed->prediction.host, "h1");
    assert_int_equal(bed->prediction.in_port, 5);
    assert_int_equal(way->kind, LIVE_END_PORT);
    assert_int_equal(way->port, 8);
    assert_true(way->in_last);
    assert_false(way->visits[0].anew);
    assert_string_equal(way->visits[way->n_visits - 1].host, "h3");
    for (size_t i = 0; i < way->n_visits; i++) {
        if (way->visits[i].anew) {
            assert_int_equal(way->visits[i].out_tun_id, 100);
            assert_string_equal(way->visits[i].host, "h3");
        }
    }
    see(bed, way);
    assert_true(is_complete(bed));
    assert_string_equal(compare(bed), "-");
    assert_string_equal(bed->result.seen.verdict, "delivered");
    assert_string_equal(bed->result.seen.port, "db1");
    assert_int_equal(bed->result.n_stages, way->n_visits);
    bed_destroy(bed);
}

/* Copies of several hosts come in any order. */
static void
hosts_are_compared_one_by_one(void **state)
{
    struct bed *bed = bed_create("{" BASE "}", TCP("web1", "db1", "80"));
    const struct live_way *way = &bed->prediction.ways[0];
    struct trace_copy copies[LIVE_VISITS_MAX];
    size_t n = way->n_visits, half = 0;

    (void) state;
    see(bed, way);
    while (!way->visits[half].anew) {
        half++;
    }
    memcpy(copies, &bed->sight.copies[half], (n - half) * sizeof *copies);
    memcpy(&copies[n - half], bed->sight.copies, half * sizeof *copies);
    memcpy(bed->sight.copies, copies, n * sizeof *copies);
    assert_true(is_complete(bed));
    assert_string_equal(compare(bed), "-");
    bed_destroy(bed);
}

static void
first_difference_is_told(void **state)
{
    struct bed *bed = bed_create("{" BASE "}", TCP("web1", "db1", "80"));
    const struct live_way *way = &bed->prediction.ways[0];
    size_t n = way->n_visits;

    (void) state;
    /* A register. */
    see(bed, way);
    bed->sight.copies[2].flow.regs[1] ^= 1;
    assert_false(is_complete(bed));
    assert_non_null(strstr(compare(bed), "on h1: reg1: predicted "));
    assert_string_equal(bed->result.stages[2].result, "differs");
    assert_string_equal(bed->result.stages[3].result, "same");

    /* It ends before. */
    see(bed, way);
    bed->sight.n -= 2;
    assert_non_null(strstr(compare(bed), "on h3, but not to the next one, "));
    assert_string_equal(bed->result.stages[n - 1].result, "missing");
    assert_string_equal(bed->result.seen.verdict, "lost");

    /* It comes to another stage. */
    see(bed, way);
    see_more(bed, TRACE_COPY_STAGE, "h3")->table = way->visits[0].table;
    assert_non_null(strstr(compare(bed), "which was not predicted"));
    assert_string_equal(bed->result.stages[n].result, "unexpected");

    /* Another port is to get it. */
    see(bed, way);
    bed->sight.copies[n - 1].flow.regs[7]++;
    compare(bed);
    assert_string_equal(bed->result.seen.port, "number 9");

    /* It is dropped in the last stage. */
    see(bed, way);
    bed->sight.copies[n - 1].flow.regs[4] = 0;
    see_more(bed, TRACE_COPY_DROP, "h3")->flow.regs[SAMPLE_KIND_REG]
        = SAMPLE_DROP | sample_reason_hash("isolated");
    compare(bed);
    assert_string_equal(bed->result.seen.verdict, "dropped");

    /* Nothing at all was seen. */
    bed->sight.n = 0;
    assert_string_equal(compare(bed), "it did not come to h1, whose first "
                        "stage is overlay.admit");
    bed_destroy(bed);
}

static void
drop_agrees_by_host_reason_and_owner(void **state)
{
    struct bed *bed = bed_create("{" BASE "," POLICY "}",
                                 TCP("web1", "db1", "5432"));
    const struct live_way *way = &bed->prediction.ways[0];
    struct trace_copy *drop;

    (void) state;
    assert_int_equal(way->kind, LIVE_END_DROP);
    assert_string_equal(way->end.host, "h3");
    see(bed, way);
    assert_false(is_complete(bed));
    drop = see_more(bed, TRACE_COPY_DROP, "h3");
    /* A rule with a log, which decides nothing. */
    drop->flow.regs[SAMPLE_KIND_REG] = SAMPLE_LOG;
    assert_false(is_complete(bed));
    drop->flow.regs[SAMPLE_KIND_REG] = SAMPLE_DROP
                                       | sample_reason_hash("isolated");
    assert_true(is_complete(bed));
    assert_string_equal(compare(bed), "-");
    assert_string_equal(bed->result.seen.reason, "isolated");

    drop->flow.regs[SAMPLE_KIND_REG] = SAMPLE_DROP
                                       | sample_reason_hash("spoofed");
    assert_false(is_complete(bed));
    assert_non_null(strstr(compare(bed), "seen: dropped on h3: spoofed"));
    drop->host = "h1";
    drop->flow.regs[SAMPLE_KIND_REG] = SAMPLE_DROP
                                       | sample_reason_hash("isolated");
    assert_non_null(strstr(compare(bed), "seen: dropped on h1: isolated"));
    bed_destroy(bed);
}

/* Of a balancer's outcomes the one that was met counts. */
static void
one_outcome_is_enough(void **state)
{
    struct bed *bed = bed_create(
        "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', "
        "'networks': ['shop'], 'ports': [{'port': 80}], "
        "'backends': [{'port': 'app1'}, {'port': 'db1'}]}}",
        TCP("web1", "lb", "80"));

    (void) state;
    assert_int_equal(bed->prediction.n_ways, 2);
    for (size_t i = 0; i < 2; i++) {
        see(bed, &bed->prediction.ways[i]);
        assert_true(is_complete(bed));
        assert_string_equal(compare(bed), "-");
        assert_string_equal(bed->result.seen.port,
                            bed->prediction.ways[i].end.port);
    }
    bed_destroy(bed);
}

static void
what_cannot_be_followed_is_refused(void **state)
{
    struct bed *bed = bed_create(
        "{" BASE ", 'networks/two': {'vni': 101, 'subnets': [{'cidr': "
        "'10.1.0.0/24', 'gateway': '10.1.0.1'}]}, 'routers/r': {'interfaces':"
        " [{'network': 'two'}]}, 'ports/x': {'network': 'two', 'ips': "
        "['10.1.0.7']}, 'bindings/x': {'host': 'h1'}, 'vifs/h1/x': {'host': "
        "'h1', 'iface_id': 'x', 'iface': 'tap', 'ofport': 9}}",
        "{'from': 'x', 'to': '10.1.0.1', 'protocol': 'icmp'}");
    struct vmn_error error = VMN_ERROR_INIT;

    (void) state;
    assert_false(live_prediction_check(&bed->prediction, false, &error));
    assert_non_null(strstr(error.text, "the network itself answers it"));
    vmn_error_uninit(&error);
    error = (struct vmn_error) VMN_ERROR_INIT;
    assert_true(live_prediction_check(&bed->prediction, true, &error));

    bed->prediction.n_left_out = 1;
    assert_false(live_prediction_check(&bed->prediction, true, &error));
    assert_int_equal(error.code, VMN_ERR_TOO_LARGE);
    assert_string_equal(error.pointer, "/to");
    assert_non_null(strstr(error.text, "more outcomes"));
    vmn_error_uninit(&error);
    error = (struct vmn_error) VMN_ERROR_INIT;

    bed->prediction.n_ways = 0;
    assert_false(live_prediction_check(&bed->prediction, true, &error));
    assert_non_null(strstr(error.text, "nothing would be sent"));
    vmn_error_uninit(&error);
    bed_destroy(bed);
}

/* Physical networks.  ----------------------------------------------------- */

/* Network "out" on VLAN 7 of a physical network, with ports "near" on h1 and
 * "far" on h2; and "red" with port "in" on h3, behind router "r", whose
 * gateway h1 is. */
#define LINK(HOST, OFPORT)                                                  \
    "'vifs/" HOST "/@dc': {'host': '" HOST "', 'iface_id': '@dc',"          \
    " 'iface': 'vmn-to-br-ex', 'ofport': " OFPORT "}"
#define VM(NAME, NETWORK, IP, N, HOST)                                      \
    "'ports/" NAME "': {'network': '" NETWORK "', 'mac':"                   \
    " '02:00:00:00:00:" N "', 'ips': ['" IP "']},"                          \
    "'bindings/" NAME "': {'host': '" HOST "'},"                            \
    "'vifs/" HOST "/" NAME "': {'host': '" HOST "', 'iface_id': '" NAME "'," \
    " 'iface': 'tap', 'ofport': " N "}"
#define STREET                                                              \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1',"           \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"        \
    "'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2',"           \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"        \
    "'hosts/h3': {'ovsdb': 'unix:/h3', 'tunnel_ip': '10.99.0.3'},"          \
    "'networks/out': {'vni': 9, 'provider': {'physical': 'dc', 'vlan': 7}," \
    " 'subnets': [{'cidr': '10.9.0.0/24', 'gateway': '10.9.0.1'}]},"        \
    "'networks/red': {'subnets': [{'cidr': '10.1.0.0/24',"                  \
    " 'gateway': '10.1.0.1'}]},"                                            \
    "'routers/r': {'mac': '0e:00:00:00:00:01',"                             \
    " 'interfaces': [{'network': 'red'}], 'external': {"                    \
    " 'network': 'out', 'addresses': ['10.9.0.9'],"                         \
    " 'gateways': [{'host': 'h1'}]}},"                                      \
    VM("near", "out", "10.9.0.11", "11", "h1") ","                          \
    VM("far", "out", "10.9.0.12", "12", "h2") ","                           \
    VM("in", "red", "10.1.0.13", "13", "h3") "," LINK("h2", "42")
#define UDP(FROM, TO) "{'from': '" FROM "', 'to': '" TO "', " \
                      "'protocol': 'udp', 'port': 53}"

static void
packet_leaves_as_nat_has_made_it(void **state)
{
    struct bed *bed = bed_create("{" STREET "," LINK("h1", "41") "}",
                                 UDP("in", "10.9.0.1"));
    const struct live_way *way = &bed->prediction.ways[0];
    struct vmn_error error = VMN_ERROR_INIT;
    size_t n = way->n_visits;
    struct flow *last = &bed->sight.copies[n - 1].flow;

    (void) state;
    assert_int_equal(bed->prediction.n_ways, 1);
    assert_true(live_prediction_check(&bed->prediction, false, &error));
    assert_true(way->leaves && way->in_last);
    assert_string_equal(way->end.host, "h1");
    assert_string_equal(way->end.port, "@dc");
    assert_string_equal(way->end.where, "outside");
    assert_string_equal(way->end.leaves_as, "10.9.0.9:50000 -> 10.9.0.1:53");

    /* Only the switch knows who is the next hop, and which port is free. */
    see(bed, way);
    last->dl_dst.ea[5] ^= 1;
    last->tp_src = htons(1024);
    assert_true(is_complete(bed));
    assert_string_equal(compare(bed), "-");
    assert_string_equal(bed->result.seen.leaves_as,
                        "10.9.0.9:1024 -> 10.9.0.1:53");
    assert_string_equal(bed->result.seen.port, "@dc");
    last->nw_src ^= htonl(1);
    assert_false(is_complete(bed));
    assert_non_null(strstr(compare(bed), "ip_src: predicted 10.9.0.9, seen "
                           "10.9.0.8"));
    see(bed, way);
    last->dl_dst = eth_addr_zero;
    assert_non_null(strstr(compare(bed), "eth_dst: predicted"));
    /* By another network. */
    see(bed, way);
    last->regs[0]++;
    compare(bed);
    assert_null(bed->result.seen.port);
    /* Where no NAT has chosen it, the port counts. */
    see(bed, way);
    bed->sight.copies[0].flow.tp_src = htons(1024);
    assert_non_null(strstr(compare(bed), "udp_src: predicted 50000"));
    assert_false(bed->result.next_hop_unknown);
    bed_destroy(bed);

    /* Nor behind a floating address, which has all ports. */
    bed = bed_create("{" STREET "," LINK("h1", "41") ", 'floating-ips/f': "
                     "{'router': 'r', 'ip': '10.9.0.13', 'port': 'in'}}",
                     UDP("in", "10.9.0.1"));
    way = &bed->prediction.ways[0];
    n = way->n_visits;
    assert_string_equal(way->end.leaves_as, "10.9.0.13:50000 -> 10.9.0.1:53");
    see(bed, way);
    assert_string_equal(compare(bed), "-");
    bed->sight.copies[n - 1].flow.tp_src = htons(1024);
    assert_false(is_complete(bed));
    assert_non_null(strstr(compare(bed), "udp_src: predicted 50000"));
    bed_destroy(bed);
}

static void
next_hop_that_is_not_known_is_told(void **state)
{
    struct bed *bed = bed_create("{" STREET "," LINK("h1", "41") "}",
                                 UDP("in", "10.9.0.1"));
    const struct live_way *way = &bed->prediction.ways[0];
    const struct eth_addr neighbour = SIM_NEIGHBOUR_MAC;
    const struct vmn_mac asked = VMN_NEIGHBOUR_INCOMPLETE;
    struct trace_copy *drop;
    size_t n = 0;

    (void) state;
    while (!eth_addr_equals(way->visits[n].flow.dl_dst, neighbour)) {
        n++;
    }
    see(bed, way);
    bed->sight.n = n;
    drop = see_more(bed, TRACE_COPY_DROP, "h1");
    /* As table 197 drops it. */
    drop->flow = way->visits[n].flow;
    drop->flow.dl_dst = eth_addr_zero;
    drop->flow.regs[SAMPLE_KIND_REG]
        = SAMPLE_DROP | sample_reason_hash("neighbour is not known yet");
    assert_non_null(strstr(compare(bed), "(neighbour is not known yet: the "
                           "switch does not know the next hop's address yet"));
    assert_true(bed->result.next_hop_unknown);
    memcpy(&drop->flow.dl_dst, &asked, sizeof asked);
    compare(bed);
    assert_true(bed->result.next_hop_unknown);
    /* Somebody's flow drops it there, whose next hop is known. */
    drop->flow.dl_dst = neighbour;
    assert_null(strstr(compare(bed), "next hop"));
    assert_false(bed->result.next_hop_unknown);
    /* Before that is looked for, it is a fault. */
    drop->flow = way->visits[n - 1].flow;
    drop->flow.regs[SAMPLE_KIND_REG]
        = SAMPLE_DROP | sample_reason_hash("no gateway");
    assert_null(strstr(compare(bed), "next hop"));
    assert_false(bed->result.next_hop_unknown);
    drop->flow.dl_dst = eth_addr_zero;
    compare(bed);
    assert_false(bed->result.next_hop_unknown);
    bed->sight.copies[n - 1] = *drop;
    bed->sight.n--;
    assert_null(strstr(compare(bed), "next hop"));
    assert_false(bed->result.next_hop_unknown);
    /* Of a port that migrates it goes to the other host; if it were to leave
     * here, it is a fault. */
    see(bed, way);
    bed->sight.copies[n].flow.dl_dst = eth_addr_zero;
    compare(bed);
    assert_false(bed->result.next_hop_unknown);
    bed->sight.copies[n].flow.regs[6] = 2;
    assert_non_null(strstr(compare(bed), "eth_dst: predicted"));
    assert_true(bed->result.next_hop_unknown);
    bed_destroy(bed);
}

static void
packet_crosses_a_physical_network(void **state)
{
    struct bed *bed = bed_create("{" STREET "," LINK("h1", "41") "}",
                                 UDP("near", "far"));
    const struct live_way *way = &bed->prediction.ways[0];
    struct vmn_error error = VMN_ERROR_INIT;
    struct trace_copy copies[LIVE_VISITS_MAX];
    size_t n = way->n_visits, half = 0;

    (void) state;
    assert_true(live_prediction_check(&bed->prediction, false, &error));
    while (!way->visits[half].crossed) {
        half++;
    }
    assert_string_equal(way->visits[half - 1].host, "h1");
    assert_true(live_flow_leaves(&way->visits[half - 1].flow));
    assert_string_equal(way->visits[half].host, "h2");
    assert_int_equal(vlan_tci_to_vid(way->visits[half].tag.tci), 7);
    assert_int_equal(ofp_to_u16(way->visits[half].flow.in_port.ofp_port), 42);
    assert_false(way->leaves);
    assert_string_equal(way->end.port, "far");

    /* In any order. */
    see(bed, way);
    memcpy(copies, &bed->sight.copies[half], (n - half) * sizeof *copies);
    memcpy(&copies[n - half], bed->sight.copies, half * sizeof *copies);
    memcpy(bed->sight.copies, copies, n * sizeof *copies);
    assert_true(is_complete(bed));
    assert_string_equal(compare(bed), "-");
    assert_null(bed->result.seen.where);

    /* It has left, and nothing has come. */
    see(bed, way);
    bed->sight.n = half;
    assert_false(is_complete(bed));
    assert_non_null(strstr(compare(bed), "it did not come to h2"));
    assert_string_equal(bed->result.seen.verdict, "lost");
    bed_destroy(bed);

    /* Where it would leave if its host had a bridge it is not let go on. */
    bed = bed_create("{" STREET "}", UDP("near", "far"));
    assert_false(live_prediction_check(&bed->prediction, true, &error));
    assert_non_null(strstr(error.text, "it ends where it would leave"));
    vmn_error_uninit(&error);
    bed_destroy(bed);
}

static void
packet_comes_in_by_a_provider_link(void **state)
{
    struct bed *bed = bed_create("{" STREET "," LINK("h1", "41") "}",
                                 UDP("outside", "far"));
    const struct live_way *way = &bed->prediction.ways[0];

    (void) state;
    assert_string_equal(bed->prediction.host, "h2");
    assert_int_equal(bed->prediction.in_port, 42);
    assert_int_equal(vlan_tci_to_vid(way->visits[0].flow.vlans[0].tci), 7);
    see(bed, way);
    assert_string_equal(compare(bed), "-");
    assert_string_equal(bed->result.seen.port, "far");
    bed_destroy(bed);
}

/* Frames.  ---------------------------------------------------------------- */

static void
sctp_begins_with_a_chunk(void **state)
{
    struct bed *bed = bed_create(
        "{" BASE "}", "{'from': 'web1', 'to': 'db1', 'protocol': 'sctp', "
        "'port': 80}");
    struct dp_packet packet;
    struct flow flow;
    uint8_t l4[32];
    ovs_be32 sum;

    (void) state;
    assert_int_equal(bed->prediction.size, 14 + 20 + sizeof l4);
    dp_packet_use_const(&packet, bed->prediction.frame, bed->prediction.size);
    flow_extract(&packet, &flow);
    assert_int_equal(flow.nw_proto, IPPROTO_SCTP);
    assert_int_equal(ntohs(flow.tp_src), 50000);
    assert_int_equal(ntohs(flow.tp_dst), 80);
    assert_int_equal(csum(dp_packet_l3(&packet), 20), 0);
    memcpy(l4, dp_packet_l4(&packet), sizeof l4);
    assert_int_equal(l4[12], 1);
    memcpy(&sum, &l4[8], sizeof sum);
    memset(&l4[8], 0, sizeof sum);
    assert_int_equal(sum, crc32c(l4, sizeof l4));
    bed_destroy(bed);
}

/* A frame is made again of what a switch says that it has met, which may be
 * anything. */
static void
frame_of_no_whole_packet_is_harmless(void **state)
{
    const ovs_be16 types[] = { htons(ETH_TYPE_ARP), htons(ETH_TYPE_IP),
                               htons(ETH_TYPE_IPV6), htons(0x1234) };
    struct arena arena;

    (void) state;
    arena_init(&arena);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        struct flow flow = { .dl_type = types[i], .nw_proto = IPPROTO_SCTP,
                             .nw_frag = FLOW_NW_FRAG_ANY
                                        | FLOW_NW_FRAG_LATER };
        size_t size;
        const uint8_t *frame = live_frame_make(&flow, 1, &arena, &size);

        assert_non_null(frame);
        assert_in_range(size, ETH_HEADER_LEN, 100);
        /* Its bytes are all known. */
        assert_int_equal(crc32c(frame, size), crc32c(frame, size));
    }
    arena_uninit(&arena);
}

static void
addresses_with_ports_are_told_apart(void **state)
{
    struct flow flow = {
        .dl_type = htons(ETH_TYPE_IPV6), .nw_proto = IPPROTO_UDP,
        .tp_src = htons(33000), .tp_dst = htons(53),
    };
    struct arena arena;

    (void) state;
    arena_init(&arena);
    flow.ipv6_src.s6_addr[0] = flow.ipv6_dst.s6_addr[0] = 0xfd;
    flow.ipv6_src.s6_addr[15] = 1;
    flow.ipv6_dst.s6_addr[15] = 2;
    assert_string_equal(live_between_whom(&flow, &arena),
                        "[fd00::1]:33000 -> [fd00::2]:53");
    flow.nw_proto = IPPROTO_ICMPV6;
    assert_string_equal(live_between_whom(&flow, &arena),
                        "fd00::1 -> fd00::2");
    arena_uninit(&arena);
}

static void
packet_that_is_another_is_known(void **state)
{
    const struct flow predicted = {
        .dl_type = htons(ETH_TYPE_IP), .nw_proto = IPPROTO_SCTP,
        .nw_src = htonl(1), .nw_dst = htonl(2),
    };
    struct flow seen = predicted;

    (void) state;
    seen.tp_src = htons(7);     /* NAT may have chosen it. */
    assert_true(live_flow_is_of(&seen, &predicted));
    seen.nw_frag = FLOW_NW_FRAG_ANY | FLOW_NW_FRAG_LATER;
    assert_false(live_flow_is_of(&seen, &predicted));
    seen = predicted;
    seen.dl_type = htons(ETH_TYPE_ARP);
    assert_false(live_flow_is_of(&seen, &predicted));
    seen = predicted;
    seen.nw_proto = IPPROTO_UDP;
    assert_false(live_flow_is_of(&seen, &predicted));
    seen = predicted;
    seen.nw_dst = htonl(3);
    assert_false(live_flow_is_of(&seen, &predicted));
    seen = predicted;
    seen.ipv6_src.s6_addr[15] = 1;
    assert_false(live_flow_is_of(&seen, &predicted));
}

/* Flows.  ----------------------------------------------------------------- */

static void
user_data_is_read_as_it_was_put(void **state)
{
    struct ofpbuf ofpacts;
    const struct ofpact_controller *controller;
    uint8_t bytes[64];
    enum trace_copy_kind kind;
    uint32_t trace;
    uint8_t table;
    size_t size;

    (void) state;
    ofpbuf_init(&ofpacts, 64);
    trace_copy_put(&ofpacts, 0x12345678, TRACE_COPY_LAST, 198);
    controller = ofpact_get_CONTROLLER(ofpacts.data);
    size = controller->userdata_len;
    memcpy(bytes, controller->userdata, size);
    ofpbuf_uninit(&ofpacts);
    assert_true(trace_copy_parse(bytes, size, &trace, &kind, &table));
    assert_int_equal(trace, 0x12345678);
    assert_int_equal(kind, TRACE_COPY_LAST);
    assert_int_equal(table, 198);
    assert_false(trace_copy_parse(bytes, size - 1, &trace, &kind, &table));
    assert_false(trace_copy_parse(bytes, 0, &trace, &kind, &table));
    bytes[12] = TRACE_COPY_PUNT + 1;
    assert_false(trace_copy_parse(bytes, size, &trace, &kind, &table));
    bytes[12] = TRACE_COPY_STAGE;
    bytes[0] ^= 1;
    assert_false(trace_copy_parse(bytes, size, &trace, &kind, &table));
}

/* Others' flows are none of a trace's, whatever their cookies. */
static void
flows_of_traces_are_known(void **state)
{
    const uint64_t cookie = TRACE_COOKIE | 5;
    struct match match;

    (void) state;
    match_init_catchall(&match);
    assert_false(trace_copy_is_flow(cookie, TRACE_PRIORITY, 9, &match));
    match_set_tun_gbp_id(&match, htons(0x8005));
    assert_true(trace_copy_is_flow(cookie, TRACE_PRIORITY, 9, &match));
    match_set_metadata_masked(&match, htonll(TRACE_MARK | 5 << 8),
                              htonll(TRACE_MARK_MASK));
    assert_true(trace_copy_is_flow(cookie, TRACE_PRIORITY, 9, &match));
    assert_false(trace_copy_is_flow(cookie, TRACE_PRIORITY, 0, &match));
    assert_false(trace_copy_is_flow(cookie, 100, 9, &match));
    assert_false(trace_copy_is_flow(5, TRACE_PRIORITY, 9, &match));
    assert_false(trace_copy_is_flow(cookie + 1, TRACE_PRIORITY, 9, &match));
    match_set_metadata_masked(&match, 0, htonll(TRACE_MARK_MASK));
    assert_true(trace_copy_is_flow(cookie, TRACE_PRIORITY, 9, &match));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_that_does_as_predicted_agrees),
        cmocka_unit_test(hosts_are_compared_one_by_one),
        cmocka_unit_test(first_difference_is_told),
        cmocka_unit_test(drop_agrees_by_host_reason_and_owner),
        cmocka_unit_test(one_outcome_is_enough),
        cmocka_unit_test(what_cannot_be_followed_is_refused),
        cmocka_unit_test(packet_leaves_as_nat_has_made_it),
        cmocka_unit_test(next_hop_that_is_not_known_is_told),
        cmocka_unit_test(packet_crosses_a_physical_network),
        cmocka_unit_test(packet_comes_in_by_a_provider_link),
        cmocka_unit_test(sctp_begins_with_a_chunk),
        cmocka_unit_test(frame_of_no_whole_packet_is_harmless),
        cmocka_unit_test(addresses_with_ports_are_told_apart),
        cmocka_unit_test(packet_that_is_another_is_known),
        cmocka_unit_test(user_data_is_read_as_it_was_put),
        cmocka_unit_test(flows_of_traces_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
