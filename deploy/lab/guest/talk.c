/* SPDX-License-Identifier: Apache-2.0
 *
 * TCP and UDP of the lab's guests: a server that says who it is, and a client
 * for scripts.  deploy/lab/guest/image compiles it; it is no part of VMN.
 *
 *     talk serve NAME PORT...    Answers each line of TCP and each datagram
 *                                of UDP, of IPv4 and IPv6, to any of the
 *                                ports: with NAME, the peer's address and
 *                                what it got, as vmnlab.traffic.Servers does.
 *     talk [-w SECONDS] tcp|udp IP PORT
 *                                Sends standard input, as it comes, and
 *                                writes what it gets to standard output.
 *                                Ends with the connection, or after its input
 *                                with a datagram, or SECONDS (1) later. */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_PORTS = 16,
    MAX_SOCKETS = 256,          /* Of a server, connections included. */
    LINE_SIZE = 4096            /* What is longer is answered in pieces. */
};

static void die(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

static void
die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("talk: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* Returns the number from 1 to 'max' that 'text' is. */
static unsigned int
parse_number(const char *text, unsigned int max)
{
    char *end;
    unsigned long int value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno || *end || end == text || *text == '-' || !value
        || value > max) {
        die("%s: must be a number from 1 to %u", text, max);
    }
    return (unsigned int) value;
}

/* The server.  ----------------------------------------------------------- */

/* Sends 'len' bytes of 'text' to 'peer' (NULL: who is connected), after
 * 'name' and the address of 'from'. */
static void
answer(int fd, const char *name, const struct sockaddr_in6 *from,
       bool connected, const char *text, size_t len)
{
    char reply[LINE_SIZE + 512];
    char address[INET6_ADDRSTRLEN] = "?";
    const char *shown = address;
    int n;

    inet_ntop(AF_INET6, &from->sin6_addr, address, sizeof address);
    if (IN6_IS_ADDR_V4MAPPED(&from->sin6_addr)) {
        shown = strrchr(address, ':') + 1;
    }
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    n = snprintf(reply, sizeof reply, "%s %s %.*s\n", name, shown, (int) len,
                 text);
    if (n > 0 && (size_t) n < sizeof reply) {
        (void) sendto(fd, reply, (size_t) n, MSG_DONTWAIT,
                      connected ? NULL : (const struct sockaddr *) from,
                      connected ? 0 : sizeof *from);
    }
}

/* Answers what has come by socket 'fd'.  Returns false when a connection has
 * ended. */
static bool
serve_one(int fd, const char *name, bool connected)
{
    char data[LINE_SIZE];
    struct sockaddr_in6 from;
    socklen_t from_len = sizeof from;
    ssize_t n = recvfrom(fd, data, sizeof data, MSG_DONTWAIT,
                         connected ? NULL : (struct sockaddr *) &from,
                         connected ? NULL : &from_len);

    if (n < 0) {
        return !connected || errno == EAGAIN || errno == EINTR;
    }
    if (!connected) {
        answer(fd, name, &from, false, data, (size_t) n);
        return true;
    }
    if (!n || getpeername(fd, (struct sockaddr *) &from, &from_len)) {
        return false;
    }
    for (char *line = data, *end = data + n; line < end;) {
        char *stop = memchr(line, '\n', (size_t) (end - line));

        stop = stop ? stop + 1 : end;
        answer(fd, name, &from, true, line, (size_t) (stop - line));
        line = stop;
    }
    return true;
}

/* Returns a socket of 'type' bound to 'port' of all addresses. */
static int
bound(int type, unsigned int port)
{
    struct sockaddr_in6 any = {
        .sin6_family = AF_INET6,
        .sin6_port = htons((uint16_t) port),
        .sin6_addr = IN6ADDR_ANY_INIT,
    };
    int fd = socket(AF_INET6, type, 0);
    int on = 1, off = 0;

    if (fd < 0
        || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)
        || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off)
        || bind(fd, (struct sockaddr *) &any, sizeof any)
        || (type == SOCK_STREAM && listen(fd, 64))) {
        die("port %u: %s", port, strerror(errno));
    }
    return fd;
}

static void
serve(const char *name, int n_ports, char *ports[])
{
    struct pollfd fds[MAX_SOCKETS];
    int n_fixed, n;

    if (n_ports < 1 || n_ports > MAX_PORTS) {
        die("serve: 1 to %d ports", MAX_PORTS);
    }
    /* First those that listen, then those of UDP, then connections. */
    for (int i = 0; i < n_ports; i++) {
        unsigned int port = parse_number(ports[i], UINT16_MAX);

        fds[i].fd = bound(SOCK_STREAM, port);
        fds[n_ports + i].fd = bound(SOCK_DGRAM, port);
    }
    n_fixed = n = 2 * n_ports;
    for (int i = 0; i < MAX_SOCKETS; i++) {
        fds[i].events = POLLIN;
        fds[i].revents = 0;
    }
    /* Whoever waits for it may go on. */
    puts("ready");
    fflush(stdout);
    for (;;) {
        if (poll(fds, (nfds_t) n, -1) < 0) {
            continue;
        }
        for (int i = n - 1; i >= 0; i--) {
            if (!fds[i].revents) {
                continue;
            }
            if (i < n_ports) {
                int fd = accept(fds[i].fd, NULL, NULL);

                if (fd >= 0 && n == MAX_SOCKETS) {
                    close(fd);
                } else if (fd >= 0) {
                    fds[n].revents = 0;
                    fds[n++].fd = fd;
                }
            } else if (!serve_one(fds[i].fd, name, i >= n_fixed)) {
                /* The last one, which had its turn, takes its place. */
                close(fds[i].fd);
                fds[i].fd = fds[--n].fd;
            }
        }
    }
}

/* The client.  ----------------------------------------------------------- */

static long long int
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Passes what 'from' has on to 'to'.  Returns false at its end. */
static bool
pass(int from, int to)
{
    char data[LINE_SIZE];
    ssize_t n = read(from, data, sizeof data);

    if (n < 0 && from == STDIN_FILENO) {
        return errno == EINTR;
    }
    if (n < 0) {
        die("%s", strerror(errno));
    }
    for (ssize_t done = 0; done < n;) {
        ssize_t sent = write(to, data + done, (size_t) (n - done));

        if (sent < 0) {
            die("%s", strerror(errno));
        }
        done += sent;
    }
    return n > 0;
}

/* Returns a socket of 'type' that is connected to 'ip' and 'port'. */
static int
connect_to(const char *ip, unsigned int port, int type)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t) port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                               .sin6_port = htons((uint16_t) port) };
    bool is_v6 = strchr(ip, ':') != NULL;
    int fd;

    if (is_v6 ? inet_pton(AF_INET6, ip, &v6.sin6_addr) != 1
        : inet_pton(AF_INET, ip, &v4.sin_addr) != 1) {
        die("%s: not an address", ip);
    }
    fd = socket(is_v6 ? AF_INET6 : AF_INET, type, 0);
    if (fd < 0 || connect(fd, is_v6 ? (struct sockaddr *) &v6
                          : (struct sockaddr *) &v4,
                          is_v6 ? sizeof v6 : sizeof v4)) {
        die("%s port %u: %s", ip, port, strerror(errno));
    }
    return fd;
}

static void
talk(int fd, bool tcp, unsigned int seconds)
{
    struct pollfd fds[2] = {
        { .fd = fd, .events = POLLIN },
        { .fd = STDIN_FILENO, .events = POLLIN },
    };
    long long int end = 0;      /* Unknown while there is input. */
    bool got = false;

    for (;;) {
        long long int left = end ? end - now_ms() : -1;

        if (end && left <= 0) {
            return;
        }
        if (poll(fds, 2, (int) left) < 0) {
            continue;
        }
        if (fds[0].revents) {
            got = pass(fd, STDOUT_FILENO);
            if (!got && tcp) {
                return;
            }
        }
        if (fds[1].revents && !pass(STDIN_FILENO, fd)) {
            fds[1].fd = -1;
            fds[1].revents = 0;
            shutdown(fd, SHUT_WR);
            end = now_ms() + seconds * 1000LL;
        }
        if (end && got && !tcp) {
            return;
        }
    }
}

int
main(int argc, char *argv[])
{
    unsigned int seconds = 1;

    signal(SIGPIPE, SIG_IGN);
    if (argc > 3 && !strcmp(argv[1], "serve")) {
        serve(argv[2], argc - 3, argv + 3);
    }
    if (argc > 2 && !strcmp(argv[1], "-w")) {
        seconds = parse_number(argv[2], 3600);
        argc -= 2;
        argv += 2;
    }
    if (argc != 4 || (strcmp(argv[1], "tcp") && strcmp(argv[1], "udp"))) {
        die("usage: talk serve NAME PORT... | "
            "talk [-w SECONDS] tcp|udp IP PORT");
    }
    bool tcp = argv[1][0] == 't';

    talk(connect_to(argv[2], parse_number(argv[3], UINT16_MAX),
                    tcp ? SOCK_STREAM : SOCK_DGRAM), tcp, seconds);
    return 0;
}
