/* SPDX-License-Identifier: Apache-2.0
 *
 * TCP by lwIP; see guest-tcp.h.  The only file that knows lwIP. */

#include <config.h>

#include "proto/guest/guest-tcp.h"

#include <stdlib.h>
#include <string.h>

#include <lwip/init.h>
#include <lwip/ip4.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>

#include "proto/guest/guest-segment.h"
#include "proto/packet/packet-bytes.h"
#include "util.h"

/* The interface's address, and those of clients. */
#define SERVER_IP UINT32_C(0x0a000001)
#define CLIENT_IP UINT32_C(0x0a400000)
#define NETMASK UINT32_C(0xff000000)
#define PORT 80                 /* Whatever port the guest thinks it is. */
#define MTU 1500
#define TTL 64
#define TCP_SUM 16              /* Offset of the checksum. */

/* How many segments of a connection are under way at most.  lwIP's windows
 * would have it be 300, of which one acknowledgement may release all. */
#define IN_FLIGHT 16

/* A connection, which lwIP passes around as 'arg'. */
struct slot {
    struct guest_tcp *t;
    unsigned n;
    struct tcp_pcb *pcb;        /* If it is established and not closed. */
    unsigned n_sent;            /* Segments, since its last one came or timers
                                 * ran. */
};

struct guest_tcp {
    const struct guest_tcp_events *events;
    void *aux;
    struct netif netif;
    struct tcp_pcb *listener;
    struct slot slots[GUEST_TCP_MAX];
};

/* The connection whose client has address 'ip' here; GUEST_TCP_MAX: of none.
 */
static unsigned
number_of_client(const ip_addr_t *ip)
{
    uint32_t n = ntohl(ip_addr_get_ip4_u32(ip)) - CLIENT_IP;

    return MIN(n, GUEST_TCP_MAX);
}

/* What lwIP sends.  ------------------------------------------------------- */

static err_t
output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    struct guest_tcp *t = netif->state;
    uint32_t n = ntohl(ip4_addr_get_u32(to)) - CLIENT_IP;
    uint8_t bytes[MTU];
    uint16_t size = pbuf_copy_partial(p, bytes, sizeof bytes, 0);
    size_t header = size ? (bytes[0] & 0xf) * 4u : 0;

    /* What is too much is lost on its way, and sent again later. */
    if (n < GUEST_TCP_MAX && header >= IPV4_SIZE
        && size >= header + TCP_HLEN && bytes[9] == IP_PROTO_TCP
        && t->slots[n].n_sent < GUEST_BURST) {
        t->slots[n].n_sent++;
        t->events->output(t->aux, n, bytes + header, size - header);
    }
    return ERR_OK;
}

static err_t
init_netif(struct netif *netif)
{
    netif->name[0] = 'v';
    netif->name[1] = 'm';
    netif->mtu = MTU;
    netif->output = output;
    return ERR_OK;
}

/* What lwIP tells.  ------------------------------------------------------- */

static err_t
received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    struct slot *slot = arg;
    struct guest_tcp *t = slot->t;
    bool ok = true;

    (void) error;
    if (!p) {
        ok = t->events->received(t->aux, slot->n, NULL, 0);
    } else {
        /* Before anything is closed: what is not taken makes it a reset. */
        tcp_recved(pcb, p->tot_len);
        for (const struct pbuf *q = p; q && ok && slot->pcb == pcb;
             q = q->next) {
            ok = t->events->received(t->aux, slot->n, q->payload, q->len);
        }
        pbuf_free(p);
    }
    if (!ok && slot->pcb == pcb) {
        tcp_abort(pcb);         /* Which calls failed(). */
        return ERR_ABRT;
    }
    return ERR_OK;
}

static err_t
sent(void *arg, struct tcp_pcb *pcb, u16_t size)
{
    const struct slot *slot = arg;

    (void) pcb;
    (void) size;
    slot->t->events->has_room(slot->t->aux, slot->n);
    return ERR_OK;
}

static void
failed(void *arg, err_t error)
{
    struct slot *slot = arg;

    (void) error;
    slot->pcb = NULL;
    slot->t->events->gone(slot->t->aux, slot->n);
}

static err_t
accepted(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct guest_tcp *t = arg;
    unsigned n;

    if (error || !pcb) {
        return ERR_VAL;
    }
    n = number_of_client(&pcb->remote_ip);
    if (n == GUEST_TCP_MAX || t->slots[n].pcb) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    t->slots[n].pcb = pcb;
    tcp_arg(pcb, &t->slots[n]);
    tcp_recv(pcb, received);
    tcp_sent(pcb, sent);
    tcp_err(pcb, failed);
    /* More would wait there only. */
    pcb->snd_buf = IN_FLIGHT * TCP_MSS;
    /* What is written is whole. */
    tcp_nagle_disable(pcb);
    t->events->opened(t->aux, n);
    return ERR_OK;
}

/* What it is told.  ------------------------------------------------------- */

/* Forgets connections in TIME-WAIT.  It keeps late segments of one connection
 * from the next one of the same addresses and ports; here that has another
 * number, or begins when the former one is gone.  A client whose last FIN was
 * not acknowledged gets a reset for it, when it has all it wanted. */
static void
skip_time_wait(void)
{
    while (tcp_tw_pcbs) {
        struct slot *slot = tcp_tw_pcbs->callback_arg;

        if (slot) {
            slot->pcb = NULL;
        }
        tcp_abort(tcp_tw_pcbs);
    }
}

static struct tcp_pcb *
find_pcb(unsigned n)
{
    struct tcp_pcb *pcb = tcp_active_pcbs;

    while (pcb && number_of_client(&pcb->remote_ip) != n) {
        pcb = pcb->next;
    }
    return pcb;
}

/* Keeps a connection within what is sent at once.  And ends the probing of a
 * closed window if nothing waits for it any more: lwIP 2.1.3 goes on when what
 * waits is acknowledged, since it was sent before, and its timer asserts that
 * something does wait. */
static void
hold_back(struct tcp_pcb *pcb)
{
    const tcpwnd_size_t max = (tcpwnd_size_t) IN_FLIGHT * pcb->mss;

    pcb->cwnd = MIN(pcb->cwnd, max);
    pcb->ssthresh = MIN(pcb->ssthresh, max);
    if (!pcb->unsent || pcb->unacked) {
        pcb->persist_backoff = 0;
    }
}

/* Fills in the headers before a segment of 'size' bytes, from connection 'n',
 * and those parts of its own that say whose it is. */
static void
fill_in(unsigned n, uint16_t client_port, uint8_t *ip, size_t size)
{
    const uint32_t client = htonl(CLIENT_IP + n), server = htonl(SERVER_IP);
    uint8_t *segment = ip + IPV4_SIZE;
    ovs_be16 sum;

    put_u16(segment, client_port);
    put_u16(segment + 2, PORT);
    sum = csum_with_pseudo((const uint8_t *) &client,
                           (const uint8_t *) &server, 4, IP_PROTO_TCP,
                           segment, size);
    memcpy(segment + TCP_SUM, &sum, sizeof sum);

    memset(ip, 0, IPV4_SIZE);
    ip[0] = 0x45;
    put_u16(ip + 2, size_u16(IPV4_SIZE + size));
    ip[8] = TTL;
    ip[9] = IP_PROTO_TCP;
    memcpy(ip + 12, &client, 4);
    memcpy(ip + 16, &server, 4);
    sum = csum(ip, IPV4_SIZE);
    memcpy(ip + 10, &sum, sizeof sum);
}

void
guest_tcp_input(struct guest_tcp *t, unsigned n, uint16_t client_port,
                struct guest_segment *segment, size_t room)
{
    struct tcp_pcb *pcb;
    struct pbuf *p;
    size_t size;

    if (n >= GUEST_TCP_MAX || segment->size > GUEST_DATA_MAX) {
        return;
    }
    t->slots[n].n_sent = 0;
    pcb = find_pcb(n);
    if (pcb && !guest_segment_trim(segment, pcb->rcv_nxt, pcb->rcv_wnd)) {
        /* The client is told again what is expected, and sends it. */
        if (pcb->state >= ESTABLISHED) {
            tcp_ack_now(pcb);
            tcp_output(pcb);
        }
        return;
    }
    if (segment->size > room) {
        segment->size = room;
        segment->flags &= ~GUEST_FIN;
    }
    p = pbuf_alloc(PBUF_RAW, (u16_t) (IPV4_SIZE + GUEST_SEGMENT_HEADER_MAX
                                      + segment->size), PBUF_RAM);
    if (!p) {
        return;
    }
    size = guest_segment_write(segment, (uint8_t *) p->payload + IPV4_SIZE);
    fill_in(n, client_port, p->payload, size);
    pbuf_realloc(p, (u16_t) (IPV4_SIZE + size));
    if (pcb) {
        hold_back(pcb);
    }
    if (t->netif.input(p, &t->netif) != ERR_OK) {
        pbuf_free(p);
    }
    skip_time_wait();
}

void
guest_tcp_run(struct guest_tcp *t)
{
    for (unsigned n = 0; n < GUEST_TCP_MAX; n++) {
        t->slots[n].n_sent = 0;
    }
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        hold_back(pcb);
    }
    sys_check_timeouts();
    skip_time_wait();
}

size_t
guest_tcp_write(struct guest_tcp *t, unsigned n, const void *bytes,
                size_t size)
{
    struct tcp_pcb *pcb = t->slots[n].pcb;
    size_t room = pcb ? MIN(size, tcp_sndbuf(pcb)) : 0;

    while (room) {
        u16_t part = (u16_t) MIN(room, UINT16_MAX);
        err_t error = tcp_write(pcb, bytes, part, TCP_WRITE_FLAG_COPY);

        if (error == ERR_OK) {
            return part;
        }
        /* The queue has room for fewer segments. */
        room = error == ERR_MEM ? part / 2 : 0;
    }
    return 0;
}

void
guest_tcp_push(struct guest_tcp *t, unsigned n)
{
    if (t->slots[n].pcb) {
        tcp_output(t->slots[n].pcb);
    }
}

void
guest_tcp_shutdown(struct guest_tcp *t, unsigned n)
{
    if (t->slots[n].pcb) {
        /* Where there is no memory for its FIN, lwIP tries again by itself. */
        tcp_shutdown(t->slots[n].pcb, 0, 1);
    }
}

void
guest_tcp_close(struct guest_tcp *t, unsigned n)
{
    struct tcp_pcb *pcb = t->slots[n].pcb;

    if (!pcb) {
        return;
    }
    t->slots[n].pcb = NULL;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_close(pcb);
}

void
guest_tcp_abort(struct guest_tcp *t, unsigned n)
{
    struct tcp_pcb *pcb = find_pcb(n);

    t->slots[n].pcb = NULL;
    if (pcb) {
        tcp_arg(pcb, NULL);
        tcp_err(pcb, NULL);
        tcp_abort(pcb);
    }
}

void
guest_tcp_mark(const struct guest_tcp *t, bool alive[GUEST_TCP_MAX])
{
    (void) t;
    memset(alive, 0, GUEST_TCP_MAX * sizeof *alive);
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        unsigned n = number_of_client(&pcb->remote_ip);

        if (n < GUEST_TCP_MAX) {
            alive[n] = true;
        }
    }
}

/* Life.  ------------------------------------------------------------------ */

struct guest_tcp *
guest_tcp_create(const struct guest_tcp_events *events, void *aux)
{
    static bool is_initialized;
    struct guest_tcp *t = xzalloc(sizeof *t);
    ip4_addr_t ip = { htonl(SERVER_IP) }, mask = { htonl(NETMASK) };
    ip4_addr_t no_gateway = { 0 };
    struct tcp_pcb *pcb;

    if (!is_initialized) {
        lwip_init();
        is_initialized = true;
    }
    t->events = events;
    t->aux = aux;
    for (unsigned n = 0; n < GUEST_TCP_MAX; n++) {
        t->slots[n] = (struct slot) { .t = t, .n = n };
    }
    netif_add(&t->netif, &ip, &mask, &no_gateway, t, init_netif, ip4_input);
    netif_set_link_up(&t->netif);
    netif_set_up(&t->netif);
    pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
    if (!pcb || tcp_bind(pcb, IP4_ADDR_ANY, PORT) != ERR_OK) {
        out_of_memory();
    }
    t->listener = tcp_listen(pcb);
    if (!t->listener) {
        out_of_memory();
    }
    tcp_arg(t->listener, t);
    tcp_accept(t->listener, accepted);
    return t;
}

void
guest_tcp_destroy(struct guest_tcp *t)
{
    if (t) {
        while (tcp_active_pcbs) {
            struct tcp_pcb *pcb = tcp_active_pcbs;

            tcp_arg(pcb, NULL);
            tcp_err(pcb, NULL);
            tcp_abort(pcb);
        }
        skip_time_wait();
        tcp_close(t->listener);
        netif_remove(&t->netif);
        free(t);
    }
}
