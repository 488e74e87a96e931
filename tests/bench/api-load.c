/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks vmnd's API the same kind of thing as fast as it answers, and tells how
 * fast that was.  Plain sockets, kept open, so that little of what is measured
 * is this program.  Only for tests/bench/api.
 *
 * Usage: api-load SERVER CLIENTS DEPTH SECONDS OBJECTS METHOD TARGET [BODY]
 *
 * SERVER is unix:PATH or tcp:PORT (127.0.0.1, with the token in the
 * environment's VMNCTL_TOKEN).  Each of CLIENTS keeps DEPTH requests under way
 * on its connection.  In TARGET and BODY, "@I" becomes a number below OBJECTS
 * that differs from request to request, "@N" one that never comes again.
 * Prints JSON: how many, how long, latencies in us. */

#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 250
#define DEPTH_MAX 64
#define REPLY_MAX (8u << 20)

struct client {
    int fd;
    uint64_t sent_ns[DEPTH_MAX];    /* Of those under way, a ring. */
    unsigned int first, n;
    char *in;                       /* What has come of replies. */
    size_t in_size, in_allocated;
};

static const char *method, *target, *body, *token;
static unsigned int depth, n_objects;
static uint64_t counter, n_replies, n_bad;
static bool stopping;
static uint32_t *latencies;         /* In units of 0.1 us. */
static size_t n_latencies, allocated_latencies;

static void
die(const char *what)
{
    fprintf(stderr, "api-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void *
grow(void *p, size_t size)
{
    p = realloc(p, size);
    if (!p) {
        die("memory");
    }
    return p;
}

static uint64_t
now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + (uint64_t) ts.tv_nsec;
}

/* Sockets.  --------------------------------------------------------------- */

static int
connect_to(const char *server)
{
    int fd, on = 1;

    if (!strncmp(server, "unix:", 5)) {
        struct sockaddr_un sun = { .sun_family = AF_UNIX };

        snprintf(sun.sun_path, sizeof sun.sun_path, "%s", server + 5);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *) &sun, sizeof sun)) {
            die(server);
        }
    } else {
        struct sockaddr_in sin = { .sin_family = AF_INET };

        sin.sin_port = htons((uint16_t) atoi(server + 4));
        sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *) &sin, sizeof sin)) {
            die(server);
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return fd;
}

/* Copies 'template' with its "@I" and "@N" filled in.  Returns the length. */
static size_t
fill_in(char *out, size_t size, const char *template, uint64_t n)
{
    size_t len = 0;

    for (const char *p = template; *p && len + 24 < size; p++) {
        if (p[0] == '@' && (p[1] == 'I' || p[1] == 'N')) {
            /* A step that is prime to most numbers, so that neighbours in
             * time are not neighbours in the table. */
            uint64_t value = p[1] == 'N' ? n : n * 7919 % n_objects;

            len += (size_t) snprintf(out + len, size - len, "%"PRIu64, value);
            p++;
        } else {
            out[len++] = *p;
        }
    }
    out[len] = '\0';
    return len;
}

static size_t
put_request(char *out, size_t size)
{
    char path[512], text[4096];
    uint64_t n = counter++;
    size_t text_len = body ? fill_in(text, sizeof text, body, n) : 0;

    fill_in(path, sizeof path, target, n);
    return (size_t) snprintf(
        out, size, "%s %s HTTP/1.1\r\nHost: vmn\r\n%s%s%s%s%zu\r\n\r\n%.*s",
        method, path, token ? "Authorization: Bearer " : "",
        token ? token : "", token ? "\r\n" : "",
        body ? "Content-Type: application/json\r\nContent-Length: "
             : "Content-Length: ", text_len, (int) text_len, text);
}

/* Sends as many requests as may be under way, in one piece. */
static void
send_more(struct client *client)
{
    static char out[DEPTH_MAX * 8192];
    uint64_t now = now_ns();
    size_t size = 0;

    while (!stopping && client->n < depth) {
        size += put_request(out + size, sizeof out - size);
        client->sent_ns[(client->first + client->n++) % DEPTH_MAX] = now;
    }
    for (size_t done = 0; done < size;) {
        ssize_t n = write(client->fd, out + done, size - done);

        if (n < 0) {
            die("write");
        }
        done += (size_t) n;
    }
}

/* Replies.  --------------------------------------------------------------- */

static void
note_reply(struct client *client, const char *head)
{
    uint64_t ns = now_ns() - client->sent_ns[client->first];

    client->first = (client->first + 1) % DEPTH_MAX;
    client->n--;
    if (stopping) {
        return;
    }
    n_replies++;
    if (head[9] != '2') {
        if (!n_bad++) {
            fprintf(stderr, "api-load: %.300s\n", head);
        }
    }
    if (n_latencies >= allocated_latencies) {
        allocated_latencies = allocated_latencies * 2 + 65536;
        latencies = grow(latencies, allocated_latencies * sizeof *latencies);
    }
    latencies[n_latencies++] = (uint32_t) (ns / 100);
}

/* The size of the reply at the start of 'in', or 0 if more must come. */
static size_t
reply_size(const char *in)
{
    const char *end = strstr(in, "\r\n\r\n");
    const char *length = end ? strstr(in, "Content-Length: ") : NULL;

    if (end && (!length || length > end)) {
        errno = EPROTO;
        die(in);
    }
    return end ? (size_t) (end + 4 - in) + strtoul(length + 16, NULL, 10)
               : 0;
}

static void
take_replies(struct client *client)
{
    size_t at = 0;

    if (client->in_allocated - client->in_size < 65536) {
        client->in_allocated = client->in_allocated * 2 + 131072;
        client->in = grow(client->in, client->in_allocated);
    }
    ssize_t n = read(client->fd, client->in + client->in_size,
                     client->in_allocated - client->in_size - 1);
    if (n <= 0 || client->in_size > REPLY_MAX) {
        die("read");
    }
    client->in_size += (size_t) n;
    client->in[client->in_size] = '\0';
    while (client->n) {
        size_t size = reply_size(client->in + at);

        if (!size || size > client->in_size - at) {
            break;
        }
        note_reply(client, client->in + at);
        at += size;
    }
    memmove(client->in, client->in + at, client->in_size - at + 1);
    client->in_size -= at;
}

/* The run.  --------------------------------------------------------------- */

static void
run(struct client *clients, unsigned int n_clients, int epfd, double seconds)
{
    uint64_t end = now_ns() + (uint64_t) (seconds * 1e9);
    struct epoll_event events[CLIENTS_MAX];
    unsigned int n_busy = n_clients;

    for (unsigned int i = 0; i < n_clients; i++) {
        send_more(&clients[i]);
    }
    while (n_busy) {
        int n = epoll_wait(epfd, events, CLIENTS_MAX, 60000);

        if (n <= 0) {
            die("no answer");
        }
        stopping = now_ns() >= end;
        for (int i = 0; i < n; i++) {
            struct client *client = events[i].data.ptr;

            take_replies(client);
            send_more(client);
            n_busy -= !client->n;
        }
    }
}

static int
compare_latencies(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

    return x < y ? -1 : x > y;
}

static double
percentile(double p)
{
    return n_latencies ? latencies[(size_t) (p * (double) (n_latencies - 1))]
                         / 10.0 : 0;
}

int
main(int argc, char *argv[])
{
    struct client *clients;
    unsigned int n_clients;
    int epfd = epoll_create1(0);

    if (argc < 8) {
        fprintf(stderr, "usage: api-load SERVER CLIENTS DEPTH SECONDS OBJECTS"
                " METHOD TARGET [BODY]\n");
        return 2;
    }
    n_clients = (unsigned int) atoi(argv[2]);
    depth = (unsigned int) atoi(argv[3]);
    n_objects = (unsigned int) atoi(argv[5]);
    method = argv[6];
    target = argv[7];
    body = argc > 8 ? argv[8] : NULL;
    token = strncmp(argv[1], "unix:", 5) ? getenv("VMNCTL_TOKEN") : NULL;
    if (!n_clients || n_clients > CLIENTS_MAX || !depth || depth > DEPTH_MAX
        || !n_objects) {
        errno = EINVAL;
        die("CLIENTS, DEPTH or OBJECTS");
    }
    /* What "@N" becomes is another text in each run. */
    counter = (uint64_t) time(NULL) % 1000000 * 10000000;
    clients = calloc(n_clients, sizeof *clients);
    for (unsigned int i = 0; i < n_clients; i++) {
        struct epoll_event event = { .events = EPOLLIN };

        event.data.ptr = &clients[i];
        clients[i].fd = connect_to(argv[1]);
        epoll_ctl(epfd, EPOLL_CTL_ADD, clients[i].fd, &event);
    }

    uint64_t start = now_ns();
    run(clients, n_clients, epfd, atof(argv[4]));
    double elapsed = (double) (now_ns() - start) / 1e9;
    qsort(latencies, n_latencies, sizeof *latencies, compare_latencies);
    printf("{\"replies\": %"PRIu64", \"bad\": %"PRIu64", \"seconds\": %.6f, "
           "\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n",
           n_replies, n_bad, elapsed, percentile(0.5), percentile(0.99),
           percentile(1));
    for (unsigned int i = 0; i < n_clients; i++) {
        close(clients[i].fd);
        free(clients[i].in);
    }
    free(clients);
    free(latencies);
    return 0;
}
