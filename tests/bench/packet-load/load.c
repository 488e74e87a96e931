/* SPDX-License-Identifier: Apache-2.0
 *
 * The switches of tests/bench/packets: dials a controller as so many switches,
 * keeps so many packet-ins of each unanswered, and counts packet-outs.  All
 * that it sends was encoded before, so that it is no slower than what it
 * measures.  Whatever else a controller wants of a switch gets the shortest
 * answer that will do.
 *
 * Says "ready" when all switches are connected.  From then on a line
 * "OUTSTANDING WARMUP_MS MS" on standard input is a run: "begin" and "end" are
 * said around what is measured, and then "ANSWERED MICROSECONDS LOST". */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "controller/flow/punt-action.h"
#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"
#include "vmn/dhcp.h"
#include "vmn/packet.h"

#define FIRST_DATAPATH_ID UINT64_C(0x0200000000000001)
#define N_PORTS 20
#define INPUT_SIZE (256 * 1024)
/* A switch that has had no answer for so long has lost what it waits for. */
#define LOST_MS 500

/* ofp_header.type */
enum {
    TYPE_ECHO_REQUEST = 2, TYPE_ECHO_REPLY = 3,
    TYPE_FEATURES_REQUEST = 5, TYPE_GET_CONFIG_REQUEST = 7,
    TYPE_GET_CONFIG_REPLY = 8, TYPE_PACKET_OUT = 13,
    TYPE_MULTIPART_REQUEST = 18, TYPE_MULTIPART_REPLY = 19,
    TYPE_BARRIER_REQUEST = 20, TYPE_BARRIER_REPLY = 21,
    TYPE_BUNDLE_CONTROL = 33,
};

struct options {
    const char *address;
    uint16_t port;
    size_t n_switches;
    enum ofp_version version;
    uint32_t vni;
    uint32_t ofports[N_PORTS];
    bool dhcp;                  /* Clients of DHCP ask, not of whoami. */
};

struct sw {
    int fd;
    uint64_t datapath_id;
    bool ready;                 /* It was asked for its features. */
    uint8_t *in;                /* INPUT_SIZE bytes. */
    size_t n_in;
    struct ofpbuf out;          /* Answers other than packet-ins. */

    /* Packet-ins are sent from a block that repeats: where the next byte is,
     * and how many are owed. */
    size_t position, owed;
    unsigned unanswered;
    int64_t heard_us;
    bool waits;                 /* For the socket to take more. */
};

static struct options options;
static struct sw *switches;
static int epoll_fd;
static uint8_t *block;          /* Packet-ins of equal size. */
static size_t block_size, message_size;
static uint64_t n_answered, n_lost;
static bool running;

static int64_t
now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

/* Packet-ins.  ------------------------------------------------------------ */

/* The question of a guest that looks for an address (RFC 2131, section 4.4.1),
 * with the list of dhclient. */
static size_t
make_discover(uint32_t port, uint8_t *bytes, size_t size)
{
    static const uint8_t wanted[] = { 1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26,
                                      121, 42 };
    const struct vmn_dhcp4 dhcp = {
        .type = VMN_DHCP4_DISCOVER,
        .xid = 0x12340000 + port,
        .chaddr = { { 2, 0, 0, 0, port >> 8, port } },
    };
    struct vmn_udp udp = {
        .eth_src = dhcp.chaddr,
        .eth_dst = { { 255, 255, 255, 255, 255, 255 } },
        .ip_src = { .family = 4 },
        .ip_dst = { 4, { 255, 255, 255, 255 } },
        .ttl = 64,
        .src_port = VMN_DHCP4_CLIENT_PORT,
        .dst_port = VMN_DHCP4_SERVER_PORT,
    };
    uint8_t message[400];
    struct vmn_bytes b = vmn_bytes(message, sizeof message);

    vmn_dhcp4_start(&b, &dhcp, NULL);
    vmn_dhcp4_put(&b, 55, wanted, sizeof wanted);
    vmn_dhcp4_end(&b);
    udp.payload = message;
    udp.payload_size = b.size;
    return vmn_udp_build(&udp, bytes, size);
}

/* A VM's question to whoami (apps/example), which is also a packet that a
 * learning switch must flood. */
static size_t
make_packet(uint32_t port, uint8_t *bytes, size_t size)
{
    const struct vmn_udp udp = {
        .eth_src = { { 2, 0, 0, 0, port >> 8, port } },
        .eth_dst = { { 0x0e, 0x56, 0x4d, 0xff, 0, 43 } },
        .ip_src = { 4, { 10, 0, 1, port } },
        .ip_dst = { 4, { 10, 0, 255, 254 } },
        .ttl = 64,
        .src_port = 10000 + port,
        .dst_port = 43,
        .payload = (const uint8_t *) "who am I?",
        .payload_size = 9,
    };

    return vmn_udp_build(&udp, bytes, size);
}

/* As Open vSwitch would send it: for vmnd with the registers that its pipeline
 * has set by then, for others as a packet that no flow has matched. */
static struct ofpbuf *
make_packet_in(uint32_t port)
{
    const struct punt punt = { .max_size = PUNT_SIZE_ALL };
    bool ours = options.version == OFP15_VERSION;
    uint8_t bytes[512], userdata[PUNT_USERDATA_SIZE];
    struct ofputil_packet_in_private pin = {
        .base = {
            .packet = bytes,
            .packet_len = (options.dhcp
                           ? make_discover(port, bytes, sizeof bytes)
                           : make_packet(port, bytes, sizeof bytes)),
            .flow_metadata = MATCH_CATCHALL_INITIALIZER,
            .reason = ours ? OFPR_ACTION : OFPR_NO_MATCH,
            .table_id = ours ? 16 : 0,
            .cookie = htonll(UINT64_C(0x123456789abcdef0)),
            .userdata = ours ? userdata : NULL,
            .userdata_len = ours ? sizeof userdata : 0,
        },
    };
    struct match *match = &pin.base.flow_metadata;
    struct ofpbuf *msg;

    match_set_in_port(match, u16_to_ofp(port));
    if (ours) {
        const uint32_t regs[] = { options.vni, 100 + port, 0, 1, 0, 7, 0, 0,
                                  8 };

        for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
            if (regs[i]) {
                match_set_reg(match, i, regs[i]);
            }
        }
        match_set_tun_id(match, htonll(options.dhcp
                                       ? punt_handler_id("dhcp", "v4")
                                       : punt_handler_id("whoami", "query")));
        match_set_metadata(match, htonll(punt_metadata(&punt) | port));
        punt_put_userdata(userdata, PUNT_USERDATA_HANDLER);
    }
    msg = ofputil_encode_packet_in_private(
        &pin, ofputil_protocol_from_ofp_version(options.version),
        ours ? OFPUTIL_PACKET_IN_NXT2 : OFPUTIL_PACKET_IN_STD);
    ofpmsg_update_length(msg);
    return msg;
}

static void
make_block(void)
{
    struct ofpbuf b;

    ofpbuf_init(&b, 0);
    for (size_t i = 0; i < 10 * N_PORTS; i++) {
        struct ofpbuf *msg = make_packet_in(options.ofports[i % N_PORTS]);

        if (message_size && msg->size != message_size) {
            ovs_fatal(0, "packet-ins differ in size");
        }
        message_size = msg->size;
        ofpbuf_put(&b, msg->data, msg->size);
        ofpbuf_delete(msg);
    }
    block_size = b.size;
    block = ofpbuf_steal_data(&b);
}

/* Sending.  --------------------------------------------------------------- */

static void
watch(struct sw *sw, bool waits)
{
    struct epoll_event event = {
        .events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = sw,
    };

    if (waits != sw->waits) {
        sw->waits = waits;
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, sw->fd, &event);
    }
}

/* Returns false once the socket takes no more. */
static bool
send_bytes(struct sw *sw, const void *bytes, size_t size, size_t *n_sent)
{
    ssize_t n = send(sw->fd, bytes, size, MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN) {
        ovs_fatal(errno, "send");
    }
    *n_sent = MAX(n, 0);
    return *n_sent == size;
}

/* Answers go first, but never into the middle of a packet-in. */
static void
flush(struct sw *sw)
{
    size_t n = 0;

    while (sw->owed || sw->out.size) {
        size_t rest = sw->position % message_size;
        bool more;

        if (sw->out.size && !(sw->owed && rest)) {
            more = send_bytes(sw, sw->out.data, sw->out.size, &n);
            ofpbuf_pull(&sw->out, n);
        } else {
            size_t size = MIN(sw->owed, block_size - sw->position);

            if (sw->out.size) {
                size = MIN(size, message_size - rest);
            }
            more = send_bytes(sw, block + sw->position, size, &n);
            sw->position = (sw->position + n) % block_size;
            sw->owed -= n;
        }
        if (!more) {
            watch(sw, true);
            return;
        }
    }
    watch(sw, false);
}

static void
send_packet_ins(struct sw *sw, unsigned n)
{
    sw->owed += n * message_size;
    sw->unanswered += n;
}

/* Being a switch.  -------------------------------------------------------- */

static void
reply(struct sw *sw, const struct ofp_header *oh, uint8_t type,
      const void *body, size_t size)
{
    struct ofp_header *header = ofpbuf_put_zeros(&sw->out, sizeof *header);

    header->version = options.version;
    header->type = type;
    header->length = htons(sizeof *header + size);
    header->xid = oh->xid;
    ofpbuf_put(&sw->out, body, size);
}

static void
reply_features(struct sw *sw, const struct ofp_header *oh)
{
    const struct ofputil_switch_features features = {
        .datapath_id = sw->datapath_id, .n_tables = 254,
        .capabilities = OFPUTIL_C_FLOW_STATS,
    };
    struct ofpbuf *msg = ofputil_encode_switch_features(
        &features, ofputil_protocol_from_ofp_version(options.version),
        oh->xid);

    ofpmsg_update_length(msg);
    ofpbuf_put(&sw->out, msg->data, msg->size);
    ofpbuf_delete(msg);
    sw->ready = true;
}

static void
handle_other(struct sw *sw, const struct ofp_header *oh, size_t length)
{
    const uint8_t *body = (const uint8_t *) (oh + 1);
    uint8_t copy[8] = { 0 };

    memcpy(copy, body, MIN(length - sizeof *oh, sizeof copy));
    switch (oh->type) {
    case TYPE_ECHO_REQUEST:
        reply(sw, oh, TYPE_ECHO_REPLY, body, length - sizeof *oh);
        break;
    case TYPE_FEATURES_REQUEST:
        reply_features(sw, oh);
        break;
    case TYPE_GET_CONFIG_REQUEST:
        reply(sw, oh, TYPE_GET_CONFIG_REPLY, "\0\0\0\x80", 4);
        break;
    case TYPE_BARRIER_REQUEST:
        reply(sw, oh, TYPE_BARRIER_REPLY, NULL, 0);
        break;
    case TYPE_MULTIPART_REQUEST: /* There is nothing. */
        copy[2] = copy[3] = 0;
        reply(sw, oh, TYPE_MULTIPART_REPLY, copy, 8);
        break;
    case TYPE_BUNDLE_CONTROL:   /* Replies are one more than requests. */
        copy[5]++;
        reply(sw, oh, TYPE_BUNDLE_CONTROL, copy, 8);
        break;
    default:
        break;
    }
}

static void
read_messages(struct sw *sw)
{
    unsigned n = 0;
    size_t ofs = 0;
    ssize_t size = recv(sw->fd, sw->in + sw->n_in, INPUT_SIZE - sw->n_in, 0);

    if (size <= 0) {
        if (size < 0 && errno == EAGAIN) {
            return;
        }
        ovs_fatal(size ? errno : 0, "the controller has closed a connection");
    }
    sw->n_in += size;
    while (sw->n_in - ofs >= sizeof(struct ofp_header)) {
        const uint8_t *p = sw->in + ofs;
        size_t length = p[2] << 8 | p[3];

        if (length < sizeof(struct ofp_header)) {
            ovs_fatal(0, "the controller sent rubbish");
        }
        if (sw->n_in - ofs < length) {
            break;
        }
        if (p[1] == TYPE_PACKET_OUT) {
            n++;
        } else {
            struct ofp_header *oh = xmemdup(p, length);

            handle_other(sw, oh, length);
            free(oh);
        }
        ofs += length;
    }
    memmove(sw->in, sw->in + ofs, sw->n_in - ofs);
    sw->n_in -= ofs;
    if (n) {
        n = MIN(n, sw->unanswered);
        sw->unanswered -= n;
        n_answered += n;
        sw->heard_us = now_us();
        if (running) {
            send_packet_ins(sw, n);
        }
    }
    flush(sw);
}

static void
turn(int timeout_ms)
{
    struct epoll_event events[64];
    int n = epoll_wait(epoll_fd, events, ARRAY_SIZE(events), timeout_ms);

    for (int i = 0; i < n; i++) {
        struct sw *sw = events[i].data.ptr;

        if (events[i].events & EPOLLOUT) {
            flush(sw);
        }
        if (events[i].events & ~EPOLLOUT) {
            read_messages(sw);
        }
    }
}

static void
connect_switch(struct sw *sw, size_t i)
{
    struct sockaddr_in sin = {
        .sin_family = AF_INET, .sin_port = htons(options.port),
    };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = sw };
    struct ofpbuf *hello;
    int on = 1;

    inet_pton(AF_INET, options.address, &sin.sin_addr);
    sw->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(sw->fd, (struct sockaddr *) &sin, sizeof sin)) {
        ovs_fatal(errno, "connect");
    }
    setsockopt(sw->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(sw->fd, F_SETFL, O_NONBLOCK);
    sw->datapath_id = FIRST_DATAPATH_ID + i;
    sw->in = xmalloc(INPUT_SIZE);
    ofpbuf_init(&sw->out, 1024);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, sw->fd, &event);
    hello = ofputil_encode_hello(1u << options.version);
    ofpmsg_update_length(hello);
    ofpbuf_put(&sw->out, hello->data, hello->size);
    ofpbuf_delete(hello);
    flush(sw);
}

/* Runs.  ------------------------------------------------------------------ */

static void
say(const char *text)
{
    puts(text);
    fflush(stdout);
}

/* What was lost is sent again, or the switch would be silent from then on. */
static void
resend_lost(unsigned outstanding)
{
    int64_t now = now_us();

    for (size_t i = 0; i < options.n_switches; i++) {
        struct sw *sw = &switches[i];

        if (now - sw->heard_us > LOST_MS * 1000 && !sw->owed) {
            n_lost += sw->unanswered;
            sw->unanswered = 0;
            sw->heard_us = now;
            send_packet_ins(sw, outstanding);
            flush(sw);
        }
    }
}

static void
run_until(int64_t end_us, unsigned outstanding)
{
    int64_t check_us = now_us();

    while (now_us() < end_us) {
        turn(10);
        if (now_us() - check_us > 50000) {
            check_us = now_us();
            resend_lost(outstanding);
        }
    }
}

static bool
is_quiet(void)
{
    for (size_t i = 0; i < options.n_switches; i++) {
        if (switches[i].unanswered || switches[i].owed) {
            return false;
        }
    }
    return true;
}

static void
measure(unsigned outstanding, int64_t warmup_ms, int64_t ms)
{
    int64_t start = now_us(), give_up;
    uint64_t before, lost;

    running = true;
    for (size_t i = 0; i < options.n_switches; i++) {
        switches[i].heard_us = start;
        send_packet_ins(&switches[i], outstanding);
        flush(&switches[i]);
    }
    run_until(start + warmup_ms * 1000, outstanding);
    say("begin");
    start = now_us();
    before = n_answered;
    lost = n_lost;
    run_until(start + ms * 1000, outstanding);
    int64_t used = now_us() - start;
    uint64_t answered = n_answered - before;

    say("end");
    running = false;
    give_up = now_us() + LOST_MS * 1000;
    while (!is_quiet() && now_us() < give_up) {
        turn(10);
    }
    for (size_t i = 0; i < options.n_switches; i++) {
        n_lost += switches[i].unanswered;
        switches[i].unanswered = 0;
    }
    printf("%"PRIu64" %"PRId64" %"PRIu64"\n", answered, used,
           n_lost - lost);
    fflush(stdout);
}

static bool
all_ready(void)
{
    for (size_t i = 0; i < options.n_switches; i++) {
        if (!switches[i].ready) {
            return false;
        }
    }
    return true;
}

/* A controller may still want something, also between two runs. */
static bool
read_line(char *line, size_t size)
{
    fcntl(0, F_SETFL, O_NONBLOCK);
    for (;;) {
        ssize_t n = read(0, line, size - 1);

        if (n >= 0) {
            line[n] = '\0';
            return n > 0;
        }
        turn(10);
    }
}

static void
parse(int argc, char *argv[])
{
    static const struct option names[] = {
        { "address", required_argument, NULL, 'a' },
        { "port", required_argument, NULL, 'p' },
        { "switches", required_argument, NULL, 'n' },
        { "version", required_argument, NULL, 'v' },
        { "vni", required_argument, NULL, 'i' },
        { "first-ofport", required_argument, NULL, 'o' },
        { "dhcp", no_argument, NULL, 'd' },
        { NULL, 0, NULL, 0 },
    };
    unsigned first = 1;
    int c;

    options = (struct options) {
        .address = "127.0.0.1", .port = 6653, .n_switches = 1,
        .version = OFP15_VERSION, .vni = 7,
    };
    while ((c = getopt_long(argc, argv, "", names, NULL)) >= 0) {
        switch (c) {
        case 'a':
            options.address = optarg;
            break;
        case 'p':
            options.port = atoi(optarg);
            break;
        case 'n':
            options.n_switches = strtoul(optarg, NULL, 10);
            break;
        case 'v':
            options.version = atoi(optarg);
            break;
        case 'i':
            options.vni = atoi(optarg);
            break;
        case 'o':
            first = atoi(optarg);
            break;
        case 'd':
            options.dhcp = true;
            break;
        default:
            exit(1);
        }
    }
    if (!options.n_switches || options.n_switches > 1000) {
        ovs_fatal(0, "1 to 1000 switches");
    }
    for (unsigned i = 0; i < N_PORTS; i++) {
        options.ofports[i] = first + i;
    }
}

int
main(int argc, char *argv[])
{
    char line[256];

    set_program_name(argv[0]);
    parse(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    make_block();
    epoll_fd = epoll_create1(0);
    switches = xcalloc(options.n_switches, sizeof *switches);
    for (size_t i = 0; i < options.n_switches; i++) {
        connect_switch(&switches[i], i);
    }
    while (!all_ready()) {
        turn(100);
    }
    say("ready");
    while (read_line(line, sizeof line)) {
        unsigned outstanding, warmup_ms, ms;

        if (sscanf(line, "%u %u %u", &outstanding, &warmup_ms, &ms) != 3
            || !outstanding) {
            ovs_fatal(0, "what to run is \"OUTSTANDING WARMUP_MS MS\"");
        }
        measure(outstanding, warmup_ms, ms);
    }
    return 0;
}
