/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of packets that apps handle share; see packets-fixture.h. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <netinet/in.h>
#include <unistd.h>

#include "controller/engine/packet-handler.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/session/host-openflow-state.h"
#include "controller/flow/punt-action.h"
#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "tests/unit/fake-switch.h"
#include "tests/unit/packets-fixture.h"
#include "timeval.h"
#include "util.h"

struct seen seen;

static const char *
punt_of(struct vmn_view *view, const struct vmn_port *port)
{
    return vmn_labels_get(vmn_labels_of(view, &port->row), "punt");
}

static void
note(struct vmn_view *view, const struct vmn_packet_in *in)
{
    const struct vmn_port *port = vmn_read_port(view, "a");
    const char *query;
    size_t size;

    seen.n++;
    seen.in = *in;
    ovs_strlcpy(seen.port, in->port ? in->port->row.name : "",
                sizeof seen.port);
    ovs_strlcpy(seen.vif, in->vif ? in->vif->row.name : "", sizeof seen.vif);
    ovs_strlcpy(seen.host, in->host, sizeof seen.host);
    ovs_strlcpy(seen.text, (const char *) in->bytes,
                MIN(sizeof seen.text, in->size));
    ovs_strlcpy(seen.row, port ? punt_of(view, port) : "none",
                sizeof seen.row);
    query = vmn_query(view, "toy.about", "a", &size);
    ovs_strlcpy(seen.query, query ? query : "none", sizeof seen.query);
    seen.n_facts = vmn_relation_values(view, "toy.names", "k").n;
    seen.n_facts += vmn_relation_values(view, "toy.nobody-publishes", "k").n;
    seen.n_names = vmn_lookup(view, VMN_INDEX_PORT_BY_NETWORK, "red").n;
}

/* Sends more than is allowed, or what cannot be sent. */
static void
send_what_is_refused(struct vmn_view *view, const struct vmn_packet_in *in,
                     struct vmn_packets_out *out)
{
    switch (in->arg) {
    case TWICE:
        vmn_send_back(out, in->bytes, in->size);
        vmn_send_back(out, in->bytes, in->size / 2);
        break;
    case TOO_MANY:
        for (int i = 0; i <= VMN_SENDS_MAX; i++) {
            vmn_send_back(out, in->bytes, in->size);
        }
        break;
    case TOO_SHORT:
        vmn_send_back(out, in->bytes, VMN_FRAME_MIN - 1);
        break;
    case TOO_LONG:
        vmn_send_back(out, vmn_alloc(view, VMN_FRAME_MAX + 1),
                      VMN_FRAME_MAX + 1);
        break;
    case TO_NO_STAGE:
        vmn_send_to_stage(out, 2, 0, in->bytes, in->size);
        break;
    case TO_NO_TABLE:
        vmn_send_to_stage(out, 1, 2, in->bytes, in->size);
        break;
    case TO_LAST_NEXT:
        vmn_send_to_next(out, 1, in->bytes, in->size);
        break;
    default:
        OVS_NOT_REACHED();
    }
}

static void
handle(struct vmn_view *view, const struct vmn_packet_in *in,
       struct vmn_packets_out *out)
{
    uint32_t regs[VMN_N_REGS] = { 0 };
    int64_t end_us;
    size_t size;

    note(view, in);
    switch (in->arg) {
    case ECHO:
        vmn_send_back(out, in->bytes, in->size);
        break;
    case TO_PORT:
        vmn_send_to_port(out, (const char *) in->bytes, in->bytes, in->size);
        break;
    case TO_STAGE:
        vmn_send_to_stage(out, 1, 1, in->bytes, in->size);
        break;
    case TO_NEXT:
        vmn_send_to_next(out, 0, in->bytes, in->size);
        break;
    case TO_HOOK:
        memcpy(regs, in->regs, sizeof regs);
        regs[15] = 0x1515;
        vmn_send_to_hook(out, VMN_HOOK_SERVICE, 2, regs, in->bytes, in->size);
        break;
    case TO_NO_PORT:
        vmn_send_to_hook(out, VMN_HOOK_SERVICE, 0xff00, regs, in->bytes,
                         in->size);
        break;
    case NOTHING:
        vmn_send_nothing(out, "unwanted");
        break;
    case SILENT:
        break;
    case QUERY_CIRCLE:
        vmn_query(view, "toy.circle", "x", &size);
        vmn_send_back(out, in->bytes, in->size);
        break;
    case NO_NUMBER:
        vmn_id_of(view, "toy.number", "nobody's");
        vmn_send_back(out, in->bytes, in->size);
        break;
    case SLOW:
        end_us = time_usec() + 3000;
        while (time_usec() < end_us) {
            continue;
        }
        vmn_send_back(out, in->bytes, in->size);
        break;
    default:
        send_what_is_refused(view, in, out);
    }
}

static void
eval_about(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_port *port = vmn_read_port(view, key);

    if (port) {
        const char *punt = punt_of(view, port);

        vmn_value_set(value, punt, strlen(punt) + 1);
    }
}

static void
eval_circle(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    size_t size;

    vmn_query(view, "toy.circle", key, &size);
    vmn_value_set(value, "x", 1);
}

static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), 0, 0, 100);
    const struct vmn_port *port = vmn_read_port(view, key);

    vmn_match(flow, VMN_F_REG0, key[0]);
    vmn_act_punt(vmn_flow_actions(flow), atoi(punt_of(view, port)), 77,
                 128);
    vmn_publish(emit, "toy.names", "k", key);
}

unsigned n_announced;

/* Called by the clock, so seldom that no test sees it, or since flows of the
 * switch have changed. */
static void
announce(struct vmn_view *view OVS_UNUSED, const struct vmn_packet_in *in,
         struct vmn_packets_out *out)
{
    assert_int_equal(in->size, 0);
    assert_string_equal(in->vif->iface_id, "@dc");
    vmn_send_nothing(out, "counted");
    n_announced++;
}

char arrivals[256];

/* Called for a port that has come to a host. */
static void
arrived(struct vmn_view *view OVS_UNUSED, const struct vmn_packet_in *in,
        struct vmn_packets_out *out)
{
    size_t n = strlen(arrivals);

    assert_int_equal(in->size, 0);
    snprintf(&arrivals[n], sizeof arrivals - n, "%s on %s\n",
             in->port->row.name, in->host);
    vmn_send_nothing(out, "noted");
}

static const struct vmn_app_class toy_app = {
    VMN_APP_HEAD, .name = "toy",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "one", .hook = VMN_HOOK_ADMIT, .n_tables = 1 },
        { .name = "two", .hook = VMN_HOOK_DELIVER, .n_tables = 2 },
        { .name = NULL },
    },
    .queries = (const struct vmn_query_class[]) {
        { .name = "about", .eval = eval_about },
        { .name = "circle", .eval = eval_circle },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_port },
        { .name = NULL },
    },
    .id_pools = (const struct vmn_id_pool_class[]) {
        { "toy.number", 100 }, { NULL, 0 },
    },
    .handlers = (const struct vmn_handler_class[]) {
        { .name = "do", .handle = handle },
        { .name = "told", .handle = handle, .to_controller = true },
        { .name = "announce", .handle = announce, .interval_s = 86400,
          .provider_ports = true },
        { .name = "guest", .handle = handle, .tells_guest = true },
        { .name = "arrived", .handle = arrived,
          .options = VMN_HANDLER_ARRIVALS },
        { .name = "forget", .handle = handle,
          .options = VMN_HANDLER_FORGETS },
        { .name = NULL },
    },
};

/* The fixture.  Ports a and b of network red are on host h0 as OpenFlow ports
 * 1 and 2, port c on h1 as 1. --------------------------------------------- */

struct fake_switch fakes[N_HOSTS];
static char dir[] = "/tmp/test-packets-XXXXXX";
char *path;

struct fabric_host *
new_host(int i)
{
    char name[16];

    snprintf(name, sizeof name, "h%d", i);
    return fabric_find_host(fabric, name);
}

void
packets_turn(void)
{
    fixture_turn();
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_run(&fakes[i]);
    }
}

void
edit_row(enum vmn_table table, const char *name, json_t *spec)
{
    fixture_edit(table, name, spec, packets_turn);
}

void
edit_port_row(const char *name, const char *punt)
{
    edit_row(VMN_TABLE_PORT, name,
             json_pack("{s:s, s:{s:s}}", "network", "red",
                       "labels", "punt", punt));
}

void
plug_host(const char *name, const char *on, int ofport)
{
    char *vif = xasprintf("%s/%s", on, name);

    edit_row(VMN_TABLE_VIF, vif,
             json_pack("{s:s, s:s, s:s, s:i, s:b}", "host", on,
                       "iface_id", name, "iface", name, "ofport", ofport,
                       "link_up", 1));
    edit_row(VMN_TABLE_BINDING, name, json_pack("{s:s}", "host", on));
    free(vif);
}

bool
has_synced(int i)
{
    const char *reason;

    return !strcmp(host_openflow_state_name(new_host(i)->sw, &reason),
                   "synced");
}

static int
setup_with(struct fabric_options *options)
{
    memset(&seen, 0, sizeof seen);
    n_announced = 0;
    arrivals[0] = '\0';
    strcpy(dir, "/tmp/test-packets-XXXXXX");
    assert_non_null(mkdtemp(dir));
    path = xasprintf("unix:%s/openflow", dir);
    options->openflow_listen = path;
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_init(&fakes[i], 0x100 + i);
    }
    fixture_start_with(options, &toy_app, NULL);
    if (options->stands_by) {
        fabric_set_epoch(fabric, 7);
    }
    edit_row(VMN_TABLE_NETWORK, "red", toy_network());
    for (int i = 0; i < N_HOSTS; i++) {
        char name[16];

        snprintf(name, sizeof name, "h%d", i);
        edit_row(VMN_TABLE_HOST, name, toy_host(i + 1));
        fabric_host_set_datapath(new_host(i), fakes[i].datapath_id);
        if (!options->stands_by) {
            fabric_host_set_reported(new_host(i));
        }
        fake_switch_connect(&fakes[i], path + strlen("unix:"));
        TURN_UNTIL(options->stands_by ? fakes[i].monitored : has_synced(i));
    }
    edit_port_row("a", "0");
    edit_port_row("b", "0");
    edit_port_row("c", "0");
    plug_host("a", "h0", 1);
    plug_host("b", "h0", 2);
    plug_host("c", "h1", 1);
    return 0;
}

int
packets_setup(void **state OVS_UNUSED)
{
    struct fabric_options options = { .max_bundles = 0 };

    return setup_with(&options);
}

int
packets_setup_standby(void **state OVS_UNUSED)
{
    struct fabric_options options = { .stands_by = true };

    return setup_with(&options);
}

int
packets_setup_limited(void **state OVS_UNUSED)
{
    struct fabric_options options = {
        .packet_port_rate = PORT_RATE, .packet_host_rate = HOST_RATE,
    };

    return setup_with(&options);
}

int
packets_teardown(void **state OVS_UNUSED)
{
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_uninit(&fakes[i]);
    }
    fixture_stop();
    rmdir(dir);
    free(path);
    return 0;
}

/* Says of a packet that it is of a connection from 10.0.0.1, port 1001, to
 * 10.0.0.9, port 53, by UDP, in zone 7. */
static void
set_connection(struct match *m)
{
    match_set_dl_type(m, htons(ETH_TYPE_IP));
    match_set_ct_state(m, CS_TRACKED | CS_ESTABLISHED);
    match_set_ct_zone(m, 7);
    match_set_ct_nw_proto(m, IPPROTO_UDP);
    match_set_ct_nw_src(m, htonl(0x0a000001));
    match_set_ct_nw_dst(m, htonl(0x0a000009));
    match_set_ct_tp_src(m, htons(1001));
    match_set_ct_tp_dst(m, htons(53));
}

/* Sends packet 'text' of 'size' bytes up from port 'in_port' of host 'i', to
 * 'handler'; to "forget", that of a connection. */
void
send_up_in(uint32_t network, const char *handler, int i, uint32_t in_port,
           uint32_t identity, enum what what, const char *text, size_t size)
{
    const struct punt punt = { .arg = what, .max_size = PUNT_SIZE_ALL };
    uint8_t userdata[PUNT_USERDATA_SIZE];
    struct ofputil_packet_in_private pin = {
        .base = {
            .packet = xzalloc(size),
            .packet_len = size,
            .flow_metadata = MATCH_CATCHALL_INITIALIZER,
            .reason = OFPR_ACTION,
            .userdata = userdata,
            .userdata_len = sizeof userdata,
        },
    };

    ovs_strlcpy(pin.base.packet, text, size);
    punt_put_userdata(userdata, PUNT_USERDATA_HANDLER);
    match_set_in_port(&pin.base.flow_metadata, u16_to_ofp(in_port));
    match_set_reg(&pin.base.flow_metadata, 0, network);
    match_set_reg(&pin.base.flow_metadata, 1, identity);
    match_set_reg(&pin.base.flow_metadata, 9, 0x99);
    if (!strcmp(handler, "forget")) {
        set_connection(&pin.base.flow_metadata);
    }
    match_set_tun_id(&pin.base.flow_metadata,
                     htonll(punt_handler_id("toy", handler)));
    match_set_metadata(&pin.base.flow_metadata, htonll(punt_metadata(&punt)));
    fake_switch_send(&fakes[i], ofputil_encode_packet_in_private(
                      &pin, OFPUTIL_P_OF15_OXM, OFPUTIL_PACKET_IN_NXT2));
    free(pin.base.packet);
}

void
send_up_of(const char *handler, int i, uint32_t in_port, uint32_t identity,
           enum what what, const char *text, size_t size)
{
    send_up_in(0x77, handler, i, in_port, identity, what, text, size);
}

void
send_up_to(const char *handler, int i, uint32_t in_port, enum what what,
           const char *text, size_t size)
{
    send_up_of(handler, i, in_port, 0, what, text, size);
}

void
send_up(int i, uint32_t in_port, enum what what, const char *text,
        size_t size)
{
    send_up_to("do", i, in_port, what, text, size);
}

struct find_drop {
    const char *who, *reason;
    uint64_t n;
};

static void
find_drop_cb(void *find_, const char *who, const char *reason, uint64_t n)
{
    struct find_drop *find = find_;

    if ((!find->who || !strcmp(find->who, who))
        && (!find->reason || !strcmp(find->reason, reason))) {
        find->n += n;
    }
}

/* How many were dropped for 'reason'; NULL for any. */
unsigned
dropped(const char *who, const char *reason)
{
    struct find_drop find = { who, reason, 0 };

    fabric_packet_drops(fabric, find_drop_cb, &find);
    return find.n;
}

/* The last packet-out of host 'i'. */
void
get_packet_out(int i, struct ofputil_packet_out *po, struct ofpbuf *ofpacts)
{
    ofpbuf_init(ofpacts, 64);
    assert_non_null(fakes[i].packet_out);
    assert_int_equal(ofputil_decode_packet_out(
                         po, fakes[i].packet_out->data, NULL, ofpacts), 0);
}

void
assert_output(int i, uint32_t ofport, const char *text)
{
    struct ofputil_packet_out po;
    struct ofpbuf ofpacts;

    get_packet_out(i, &po, &ofpacts);
    assert_int_equal(po.ofpacts->type, OFPACT_OUTPUT);
    assert_int_equal(ofp_to_u16(ofpact_get_OUTPUT(po.ofpacts)->port),
                     ofport);
    assert_string_equal(po.packet, text);
    ofpbuf_uninit(&ofpacts);
}

void
told_cb(void *told_, const char *on, uint32_t in_port, const uint8_t *frame,
        size_t size)
{
    struct told *told = told_;

    told->n++;
    told->in_port = in_port;
    ovs_strlcpy(told->host, on, sizeof told->host);
    ovs_strlcpy(told->text, (const char *) frame, MIN(size, 64));
}
