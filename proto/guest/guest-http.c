/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP server for guests, and one of messages; see guest-http.h. */

#include <config.h>

#include "proto/guest/guest-http.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/token-bucket.h"
#include "proto/admission/fair-rate.h"
#include "proto/guest/guest-frame.h"
#include "proto/guest/guest-request.h"
#include "proto/guest/guest-segment.h"
#include "proto/guest/guest-tcp.h"
#include "timeval.h"
#include "util.h"

/* A client has this long to send a request, and to take a reply; and that
 * long until its side is closed, too. */
#define REQUEST_MS 10000
#define REPLY_MS 60000
#define CLOSING_MS 20000
/* Tokens of a request: rates are in tokens a millisecond then. */
#define TOKENS 1000
#define BURST 2                 /* Seconds' worth. */
/* Requests a second, of all ports together, which owners share: beyond that
 * they wait. */
#define RATE_OF_ALL 1000
/* Requests of a connection that are answered at once; the next ones are when
 * guest_http_run() is called.  One frame may carry hundreds. */
#define AT_ONCE 8
/* Bytes of unsent replies of all connections; and the factor by which the
 * replies of one owner may exceed the free bytes. */
#define OUT_MAX (32 * 1024 * 1024)
#define OUT_OF_FREE 3
#define TTL 64
#define IN_MAX (VMN_HTTP_HEAD_MAX + VMN_HTTP_BODY_MAX)
#define MESSAGE_HEAD 2          /* Bytes of a message's length. */

/* An owner whose ports have connections. */
struct guest_owner {
    struct hmap_node node;      /* In 'owners', by ID. */
    uint32_t id;                /* As in struct guest_peer. */
    size_t n_conns;
    size_t out_bytes;           /* Of their replies. */
};

/* A port, which has connections or had requests of late. */
struct guest_client {
    struct hmap_node node;      /* In 'clients', by host and in_port. */
    char *host;
    uint32_t in_port;
    size_t n_conns;
    struct token_bucket bucket; /* Of requests. */
    long long int used_ms;      /* When it had the last connection. */
};

struct guest_conn {
    unsigned n;                 /* What it is called by TCP. */
    bool used;
    bool established;
    bool closing;               /* Nothing more is done with it. */
    struct hmap_node node;      /* In 'conns_by_ends', if 'used'. */
    struct ovs_list list_node;  /* In 'lru', if 'used'; else in 'free'. */
    struct guest_client *client;
    struct guest_owner *owner;
    struct guest_ends ends;
    struct guest_peer peer;     /* With texts of its own. */
    long long int deadline_ms;

    char *in;                   /* What came, up to IN_MAX bytes; or NULL. */
    size_t in_size;
    bool eof;                   /* No more comes. */
    bool was_told_to_continue;
    bool admitted;              /* The next request, by its port's rate. */
    bool waits;                 /* For an answer that comes later. */
    bool held;                  /* There is more than could be answered. */

    uint8_t *out;               /* A reply, or NULL. */
    size_t out_size, out_sent;
    bool is_last;               /* It is closed behind that. */
    uint8_t ttl;                /* Of frames. */
};

struct guest_http {
    const struct guest_http_callbacks *callbacks;
    void *aux;
    struct guest_tcp *tcp;
    struct guest_conn conns[GUEST_TCP_MAX];
    struct hmap conns_by_ends;
    struct ovs_list lru;        /* The one longest without a frame first. */
    struct ovs_list free;
    struct hmap clients;
    struct hmap owners;
    struct fair_rate rate;      /* Of requests, by owner. */
    size_t out_bytes;           /* Of all connections' replies. */
    struct guest_http_stats stats;
};

/* Clients.  --------------------------------------------------------------- */

static uint32_t
hash_client(const char *host, uint32_t in_port)
{
    return hash_string(host, in_port);
}

static struct guest_client *
get_client(struct guest_http *g, const struct guest_peer *peer)
{
    uint32_t hash = hash_client(peer->host, peer->in_port);
    struct guest_client *client;

    HMAP_FOR_EACH_WITH_HASH (client, node, hash, &g->clients) {
        if (client->in_port == peer->in_port
            && !strcmp(client->host, peer->host)) {
            return client;
        }
    }
    client = xzalloc(sizeof *client);
    client->host = xstrdup(peer->host);
    client->in_port = peer->in_port;
    token_bucket_init(&client->bucket, VMN_HTTP_RATE,
                      BURST * VMN_HTTP_RATE * TOKENS);
    hmap_insert(&g->clients, &client->node, hash);
    return client;
}

static void
free_client(struct guest_http *g, struct guest_client *client)
{
    hmap_remove(&g->clients, &client->node);
    free(client->host);
    free(client);
}

/* Forgets clients whose buckets are full again. */
static void
forget_clients(struct guest_http *g, long long int now_ms)
{
    struct guest_client *client, *next;

    HMAP_FOR_EACH_SAFE (client, next, node, &g->clients) {
        if (!client->n_conns && now_ms - client->used_ms > BURST * 1000) {
            free_client(g, client);
        }
    }
}

/* Owners.  ---------------------------------------------------------------- */

/* Returns the owner of 'peer', to which a connection is added. */
static struct guest_owner *
join_owner(struct guest_http *g, const struct guest_peer *peer)
{
    uint32_t id = peer->owner;
    uint32_t hash = hash_int(id, 0);
    struct guest_owner *owner;

    HMAP_FOR_EACH_WITH_HASH (owner, node, hash, &g->owners) {
        if (owner->id == id) {
            owner->n_conns++;
            return owner;
        }
    }
    owner = xzalloc(sizeof *owner);
    owner->id = id;
    owner->n_conns = 1;
    hmap_insert(&g->owners, &owner->node, hash);
    return owner;
}

static void
leave_owner(struct guest_http *g, struct guest_owner *owner)
{
    if (!--owner->n_conns) {
        hmap_remove(&g->owners, &owner->node);
        free(owner);
    }
}

/* Connections.  ----------------------------------------------------------- */

static uint32_t
hash_conn(const struct guest_ends *ends, const struct guest_peer *peer)
{
    uint32_t hash = hash_client(peer->host, peer->in_port);

    hash = hash_bytes(&ends->ip_src, sizeof ends->ip_src, hash);
    return hash_int(ends->src_port, hash);
}

static struct guest_conn *
find_conn(struct guest_http *g, const struct guest_ends *ends,
          const struct guest_peer *peer)
{
    struct guest_conn *conn;

    HMAP_FOR_EACH_WITH_HASH (conn, node, hash_conn(ends, peer),
                             &g->conns_by_ends) {
        if (conn->peer.in_port == peer->in_port
            && conn->ends.src_port == ends->src_port
            && conn->ends.dst_port == ends->dst_port
            && vmn_ip_equal(&conn->ends.ip_src, &ends->ip_src)
            && vmn_ip_equal(&conn->ends.ip_dst, &ends->ip_dst)
            && !strcmp(conn->peer.host, peer->host)) {
            return conn;
        }
    }
    return NULL;
}

static bool
is_same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static void
free_peer(struct guest_peer *peer)
{
    free(CONST_CAST(char *, peer->host));
    free(CONST_CAST(char *, peer->port));
}

static void
free_reply(struct guest_http *g, struct guest_conn *conn)
{
    if (conn->out) {
        g->out_bytes -= conn->out_size;
        conn->owner->out_bytes -= conn->out_size;
        free(conn->out);
        conn->out = NULL;
    }
}

static void
free_conn(struct guest_http *g, struct guest_conn *conn)
{
    const unsigned n = conn->n;

    hmap_remove(&g->conns_by_ends, &conn->node);
    ovs_list_remove(&conn->list_node);
    conn->client->n_conns--;
    conn->client->used_ms = time_msec();
    free_peer(&conn->peer);
    free(conn->in);
    free_reply(g, conn);
    leave_owner(g, conn->owner);
    memset(conn, 0, sizeof *conn);
    conn->n = n;
    ovs_list_push_back(&g->free, &conn->list_node);
    g->stats.n_connections--;
}

/* Ends a connection, whose client is told by a reset. */
static void
give_up(struct guest_http *g, struct guest_conn *conn)
{
    guest_tcp_abort(g->tcp, conn->n);
    g->stats.n_given_up++;
    free_conn(g, conn);
}

/* Ends a connection of which nobody is told. */
static void
forget(struct guest_http *g, struct guest_conn *conn)
{
    unsigned n = conn->n;

    free_conn(g, conn);
    guest_tcp_abort(g->tcp, n);
}

/* Returns the connection to evict for a new one of 'client', which its owner
 * already counts: of the owner with the most connections, and of that owner's
 * clients with the most.  Prefers a connection that is not established, then
 * the one longest without a frame. */
static struct guest_conn *
pick_victim(struct guest_http *g, const struct guest_client *client)
{
    struct guest_conn *victim = NULL, *conn;
    size_t most = 0, most_of_client = 0;

    LIST_FOR_EACH (conn, list_node, &g->lru) {
        size_t n = conn->owner->n_conns;
        size_t of_client = conn->client->n_conns + (conn->client == client);

        if (n > most || (n == most
                         && (of_client > most_of_client
                             || (of_client == most_of_client
                                 && victim->established
                                 && !conn->established)))) {
            most = n;
            most_of_client = of_client;
            victim = conn;
        }
    }
    return victim;
}

/* Makes a connection, for a client that wants to open one; or returns NULL if
 * it has enough. */
static struct guest_conn *
make_conn(struct guest_http *g, const struct guest_ends *ends,
          const struct guest_peer *peer)
{
    struct guest_client *client = get_client(g, peer);
    struct guest_owner *owner;
    struct guest_conn *conn;

    if (client->n_conns >= VMN_HTTP_CONNECTIONS_MAX) {
        return NULL;
    }
    owner = join_owner(g, peer);
    if (ovs_list_is_empty(&g->free)) {
        give_up(g, pick_victim(g, client));
    }
    conn = CONTAINER_OF(ovs_list_pop_front(&g->free), struct guest_conn,
                        list_node);
    conn->used = true;
    conn->client = client;
    conn->owner = owner;
    conn->ends = *ends;
    conn->peer = *peer;
    conn->peer.host = xstrdup(peer->host);
    conn->peer.port = nullable_xstrdup(peer->port);
    conn->ttl = TTL;
    conn->deadline_ms = time_msec() + REQUEST_MS;
    client->n_conns++;
    hmap_insert(&g->conns_by_ends, &conn->node, hash_conn(ends, peer));
    ovs_list_push_back(&g->lru, &conn->list_node);
    g->stats.n_connections++;
    g->stats.n_opened++;
    return conn;
}

/* Requests.  -------------------------------------------------------------- */

/* Closes it once all that is written was sent: if the client has not ended its
 * side, when it does. */
static void
close_conn(struct guest_http *g, struct guest_conn *conn)
{
    conn->closing = true;
    conn->deadline_ms = MAX(conn->deadline_ms, time_msec() + CLOSING_MS);
    if (conn->eof) {
        guest_tcp_close(g->tcp, conn->n);
    } else {
        guest_tcp_shutdown(g->tcp, conn->n);
    }
}

/* Hands on what there is room for of the reply.  Returns true if that was all
 * of it. */
static bool
write_reply(struct guest_http *g, struct guest_conn *conn)
{
    while (conn->out_sent < conn->out_size) {
        size_t n = guest_tcp_write(g->tcp, conn->n,
                                   conn->out + conn->out_sent,
                                   conn->out_size - conn->out_sent);

        if (!n) {
            guest_tcp_push(g->tcp, conn->n);
            return false;
        }
        conn->out_sent += n;
    }
    free_reply(g, conn);
    if (conn->is_last) {
        /* Its FIN goes with the last segment. */
        close_conn(g, conn);
    } else {
        conn->deadline_ms = time_msec() + REQUEST_MS;
    }
    guest_tcp_push(g->tcp, conn->n);
    return true;
}

/* An owner that has much leaves room for others. */
static bool
has_room_for(const struct guest_http *g, const struct guest_conn *conn,
             size_t size)
{
    size_t free_bytes = OUT_MAX - MIN(g->out_bytes, OUT_MAX);

    return (size <= free_bytes
            && conn->owner->out_bytes + size <= OUT_OF_FREE * free_bytes);
}

/* Writes the length before a message to 'head'.  Returns how many bytes that
 * are: none of a reply that ends the connection. */
static size_t
message_head(const struct vmn_http_reply *reply, char *head)
{
    if (reply->status != 200 || reply->body_size > UINT16_MAX) {
        return 0;
    }
    head[0] = (char) (reply->body_size >> 8);
    head[1] = (char) reply->body_size;
    return MESSAGE_HEAD;
}

/* Takes a reply to a request of 'size' bytes.  One with a hop limit of its own
 * is its connection's last: a later one's would be that of all that is sent
 * again. */
static void
set_reply(struct guest_http *g, struct guest_conn *conn,
          const struct vmn_http_reply *reply,
          const struct guest_request *request, size_t size)
{
    const struct vmn_http_reply busy = { .status = 503 };
    char head[GUEST_REPLY_HEAD_MAX];
    size_t body_size, head_size;

    if (!has_room_for(g, conn, reply->body_size + sizeof head)) {
        reply = &busy;
    }
    body_size = request->head_only ? 0 : reply->body_size;
    conn->is_last = (request->close || request->fault || reply->ttl
                     || reply->status == 429 || reply == &busy);
    if (conn->peer.messages) {
        head_size = message_head(reply, head);
        body_size = head_size ? body_size : 0;
        conn->is_last |= !head_size;
    } else {
        head_size = guest_reply_head(reply, conn->is_last, head);
    }
    conn->out = xmalloc(head_size + body_size);
    memcpy(conn->out, head, head_size);
    if (body_size) {
        memcpy(conn->out + head_size, reply->body, body_size);
    }
    conn->out_size = head_size + body_size;
    conn->out_sent = 0;
    g->out_bytes += conn->out_size;
    conn->owner->out_bytes += conn->out_size;
    if (reply->ttl) {
        conn->ttl = (uint8_t) MIN(conn->ttl, reply->ttl);
    }
    conn->deadline_ms = time_msec() + REPLY_MS;
    conn->was_told_to_continue = false;
    conn->admitted = false;

    conn->in_size -= size;
    memmove(conn->in, conn->in + size, conn->in_size);
}

/* Says that a body is wanted, once. */
static void
tell_to_continue(struct guest_http *g, struct guest_conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (!conn->was_told_to_continue) {
        conn->was_told_to_continue = true;
        guest_tcp_write(g->tcp, conn->n, text, sizeof text - 1);
        guest_tcp_push(g->tcp, conn->n);
    }
}

/* Has a whole request answered, of 'size' bytes.  Returns false if it is to be
 * asked again. */
static bool
ask(struct guest_http *g, struct guest_conn *conn, size_t size,
    struct vmn_http_reply *reply)
{
    size_t head_size = conn->peer.messages ? MESSAGE_HEAD : 0;

    if (!conn->admitted
        && !token_bucket_withdraw(&conn->client->bucket, TOKENS)) {
        g->stats.n_limited++;
        reply->status = 429;
        return true;
    }
    conn->admitted = true;
    if (!fair_rate_take(&g->rate, conn->owner->id)) {
        conn->held = true;
        return false;
    }
    if (!conn->waits) {
        g->stats.n_requests++;
    }
    conn->waits = !g->callbacks->answer(
        g->aux, &conn->peer, (const uint8_t *) conn->in + head_size,
        size - head_size, reply);
    return !conn->waits;
}

/* Looks at what a client has sent, where that is messages. */
static void
read_message(const struct guest_conn *conn, struct guest_request *request)
{
    const uint8_t *in = (const uint8_t *) conn->in;
    size_t size;

    memset(request, 0, sizeof *request);
    if (conn->in_size >= MESSAGE_HEAD) {
        size = MESSAGE_HEAD + (size_t) (in[0] << 8 | in[1]);
        request->fault = size > IN_MAX ? 413 : 0;
        request->size = size <= conn->in_size ? size : 0;
    }
}

/* Makes the reply to the request that is next.  Returns false if there is none
 * yet. */
static bool
answer(struct guest_http *g, struct guest_conn *conn)
{
    struct vmn_http_reply reply = { .status = 404 };
    struct guest_request request;

    if (conn->peer.messages) {
        read_message(conn, &request);
    } else {
        guest_request_read(conn->in, conn->in_size, &request);
    }
    if (request.fault) {
        reply.status = request.fault;
        set_reply(g, conn, &reply, &request, conn->in_size);
        return true;
    } else if (!request.size) {
        if (request.expects_continue) {
            tell_to_continue(g, conn);
        }
        return false;
    } else if (!ask(g, conn, request.size, &reply)) {
        return false;
    }
    set_reply(g, conn, &reply, &request, request.size);
    return true;
}

/* Does what can be done for a connection. */
static void
serve(struct guest_http *g, struct guest_conn *conn)
{
    unsigned n = 0;

    conn->held = false;
    while (!conn->closing && !conn->held) {
        if (conn->out) {
            if (!write_reply(g, conn)) {
                break;
            }
        } else if (!conn->in_size) {
            break;
        } else if (n++ >= AT_ONCE) {
            conn->held = true;
        } else if (!answer(g, conn)) {
            break;
        }
    }
    if (conn->eof && !conn->out && !conn->waits && !conn->held
        && !conn->closing) {
        close_conn(g, conn);
    }
}

/* What TCP tells.  -------------------------------------------------------- */

static void
output(void *g_, unsigned n, const uint8_t *segment, size_t size)
{
    const struct guest_http *g = g_;
    const struct guest_conn *conn = &g->conns[n];
    uint8_t frame[VMN_FRAME_MAX];

    if (conn->peer.host && size <= sizeof frame - GUEST_HEADERS_MAX) {
        size = guest_frame_build(&conn->ends, conn->ttl, segment, size,
                                 frame);
        g->callbacks->send(g->aux, &conn->peer, frame, size);
    }
}

static void
opened(void *g_, unsigned n)
{
    struct guest_http *g = g_;

    g->conns[n].established = true;
    g->conns[n].deadline_ms = time_msec() + REQUEST_MS;
}

/* True of one whose last reply was made: what comes behind that is lost. */
static bool
takes_no_more(const struct guest_conn *conn)
{
    return conn->closing || (conn->out && conn->is_last);
}

static bool
received(void *g_, unsigned n, const uint8_t *bytes, size_t size)
{
    struct guest_http *g = g_;
    struct guest_conn *conn = &g->conns[n];

    if (takes_no_more(conn)) {
        conn->eof |= !bytes;
        if (!bytes && conn->closing) {
            guest_tcp_close(g->tcp, n);
        }
        return true;
    }
    if (size > IN_MAX - conn->in_size) {
        g->stats.n_given_up++;
        return false;
    }
    if (bytes) {
        if (!conn->in) {
            conn->in = xmalloc(IN_MAX);
        }
        memcpy(conn->in + conn->in_size, bytes, size);
        conn->in_size += size;
    } else {
        conn->eof = true;
    }
    serve(g, conn);
    return true;
}

static void
has_room(void *g_, unsigned n)
{
    struct guest_http *g = g_;

    serve(g, &g->conns[n]);
}

static void
gone(void *g_, unsigned n)
{
    struct guest_http *g = g_;

    if (g->conns[n].used) {
        free_conn(g, &g->conns[n]);
    }
}

static const struct guest_tcp_events events = {
    .output = output,
    .opened = opened,
    .received = received,
    .has_room = has_room,
    .gone = gone,
};

/* Frames.  ---------------------------------------------------------------- */

/* Answers a segment of no connection by a reset (RFC 9293, section 3.10.7.1):
 * its client may think of one that was there before this process was. */
static void
refuse(struct guest_http *g, const struct guest_ends *ends,
       const struct guest_peer *peer, const struct guest_segment *segment)
{
    const struct guest_segment reset = { .flags = GUEST_RST,
                                         .seq = segment->ack };
    uint8_t bytes[GUEST_SEGMENT_HEADER_MAX];
    uint8_t frame[GUEST_HEADERS_MAX + sizeof bytes];
    size_t size = guest_segment_write(&reset, bytes);

    size = guest_frame_build(ends, TTL, bytes, size, frame);
    g->callbacks->send(g->aux, peer, frame, size);
}

/* Returns the connection of a segment, which is made if it opens one; or NULL
 * with '*why' set. */
static struct guest_conn *
conn_of(struct guest_http *g, const struct guest_ends *ends,
        const struct guest_peer *peer, uint8_t flags, const char **why)
{
    struct guest_conn *conn = find_conn(g, ends, peer);
    bool opens = flags == GUEST_SYN;

    /* Another port has that place now; or the client begins anew, when we
     * still wait for the end of what was before. */
    if (conn && (!is_same_text(conn->peer.port, peer->port)
                 || conn->peer.handler != peer->handler
                 || (opens && conn->closing))) {
        forget(g, conn);
        conn = NULL;
    }
    if (!conn && opens) {
        conn = make_conn(g, ends, peer);
        *why = conn ? NULL : "too many connections";
    } else if (conn) {
        ovs_list_remove(&conn->list_node);
        ovs_list_push_back(&g->lru, &conn->list_node);
        conn->peer.arg = peer->arg;
        memcpy(conn->peer.regs, peer->regs, sizeof conn->peer.regs);
        conn->ends = *ends;
    } else {
        *why = flags == GUEST_RST ? "reset" : "no connection";
    }
    return conn;
}

/* How much a connection takes by now. */
static size_t
room_of(const struct guest_conn *conn)
{
    return takes_no_more(conn) ? SIZE_MAX : IN_MAX - conn->in_size;
}

const char *
guest_http_receive(struct guest_http *g, const struct guest_peer *peer,
                   const uint8_t *frame, size_t frame_size)
{
    struct guest_segment segment;
    const uint8_t *bytes;
    struct guest_conn *conn;
    struct guest_ends ends;
    const char *why;
    size_t size;

    why = guest_frame_parse(frame, frame_size, &ends, &bytes, &size);
    if (why) {
        return why;
    } else if (size > VMN_FRAME_MAX
               || !guest_segment_parse(bytes, size, &segment)) {
        return "malformed";
    }
    conn = conn_of(g, &ends, peer, segment.flags, &why);
    if (conn) {
        guest_tcp_input(g->tcp, conn->n, ends.src_port, &segment,
                        room_of(conn));
    } else if (segment.flags & GUEST_ACK) {
        refuse(g, &ends, peer, &segment);
    }
    return why;
}

void
guest_http_forget(struct guest_http *g, const char *host)
{
    struct guest_conn *conn, *next;

    LIST_FOR_EACH_SAFE (conn, next, list_node, &g->lru) {
        if (!strcmp(conn->peer.host, host)) {
            forget(g, conn);
        }
    }
}

/* Time.  ------------------------------------------------------------------ */

int
guest_http_run(struct guest_http *g)
{
    long long int now_ms = time_msec();
    bool alive[GUEST_TCP_MAX];
    struct guest_conn *conn, *next;

    guest_tcp_run(g->tcp);
    guest_tcp_mark(g->tcp, alive);
    LIST_FOR_EACH_SAFE (conn, next, list_node, &g->lru) {
        if (!alive[conn->n]) {
            free_conn(g, conn);
        } else if (now_ms >= conn->deadline_ms) {
            give_up(g, conn);
        } else if (conn->waits || conn->held) {
            serve(g, conn);
        }
    }
    forget_clients(g, now_ms);
    return (!ovs_list_is_empty(&g->lru) || !hmap_is_empty(&g->clients)
            ? GUEST_TCP_TICK_MS : -1);
}

/* Life.  ------------------------------------------------------------------ */

struct guest_http *
guest_http_create(const struct guest_http_callbacks *callbacks, void *aux)
{
    struct guest_http *g = xzalloc(sizeof *g);

    g->callbacks = callbacks;
    g->aux = aux;
    g->tcp = guest_tcp_create(&events, g);
    hmap_init(&g->conns_by_ends);
    hmap_init(&g->clients);
    hmap_init(&g->owners);
    fair_rate_init(&g->rate, RATE_OF_ALL, BURST);
    ovs_list_init(&g->lru);
    ovs_list_init(&g->free);
    for (unsigned n = 0; n < GUEST_TCP_MAX; n++) {
        g->conns[n].n = n;
        ovs_list_push_back(&g->free, &g->conns[n].list_node);
    }
    return g;
}

void
guest_http_destroy(struct guest_http *g)
{
    struct guest_client *client, *next_client;
    struct guest_conn *conn, *next;

    if (!g) {
        return;
    }
    LIST_FOR_EACH_SAFE (conn, next, list_node, &g->lru) {
        forget(g, conn);
    }
    HMAP_FOR_EACH_SAFE (client, next_client, node, &g->clients) {
        free_client(g, client);
    }
    guest_tcp_destroy(g->tcp);
    hmap_destroy(&g->conns_by_ends);
    hmap_destroy(&g->clients);
    hmap_destroy(&g->owners);
    fair_rate_uninit(&g->rate);
    free(g);
}

void
guest_http_get_stats(const struct guest_http *g,
                     struct guest_http_stats *stats)
{
    *stats = g->stats;
}
