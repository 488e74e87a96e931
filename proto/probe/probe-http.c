/* SPDX-License-Identifier: Apache-2.0
 *
 * What an HTTP probe asks, and how much of the answer it reads: the status
 * line, and those of interim answers before it (RFC 9110, section 15.2; RFC
 * 9112, sections 3 and 4). */

#include <config.h>

#include "proto/probe/probe-private.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

/* "HTTP/1.1 200 " */
#define STATUS_AT 9
#define STATUS_END 12

static const struct probe_range default_expect = { 200, 399 };

/* Whether it may be in a request's line: nothing ends it, or begins
 * another. */
static bool
is_plain(const char *s)
{
    for (; *s; s++) {
        if (*s < 0x21 || *s > 0x7e) {
            return false;
        }
    }
    return true;
}

/* The server's address as a URL has it. */
static void
default_host(const struct probe_target *target, char *host, size_t size)
{
    char ip[INET6_ADDRSTRLEN];
    bool v6 = target->dst.family == 6;
    int n;

    inet_ntop(v6 ? AF_INET6 : AF_INET, target->dst.addr, ip, sizeof ip);
    n = snprintf(host, size, v6 ? "[%s]" : "%s", ip);
    if (target->dst_port != 80) {
        snprintf(host + n, size - n, ":%u", target->dst_port);
    }
}

const char *
probe_http_init(struct probe *p, const struct probe_target *target)
{
    const char *path = target->path ? target->path : "/";
    char host[PROBE_TEXT_MAX + 1];
    int n;

    if (target->host) {
        if (strlen(target->host) > PROBE_TEXT_MAX || !*target->host
            || !is_plain(target->host)) {
            return "host is too long, or has characters that it must not";
        }
        ovs_strzcpy(host, target->host, sizeof host);
    } else {
        default_host(target, host, sizeof host);
    }
    if (strlen(path) > PROBE_TEXT_MAX || *path != '/' || !is_plain(path)) {
        return "path is too long, or has characters that it must not";
    }
    if (target->n_expect > PROBE_EXPECT_MAX) {
        return "too many ranges of statuses";
    }
    p->n_expect = target->n_expect ? target->n_expect : 1;
    memcpy(p->expect, target->n_expect ? target->expect : &default_expect,
           p->n_expect * sizeof *p->expect);
    n = snprintf((char *) p->request, sizeof p->request,
                 "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: vmn-health\r\n"
                 "Accept: */*\r\nConnection: close\r\n\r\n", path, host);
    ovs_assert(n > 0 && (size_t) n < sizeof p->request);
    p->request_size = n;
    return NULL;
}

static enum probe_verdict
take_status(struct probe *p)
{
    char reason[PROBE_REASON_SIZE];

    for (size_t i = 0; i < p->n_expect; i++) {
        if (p->status >= p->expect[i].first
            && p->status <= p->expect[i].last) {
            return probe_succeeds(p);
        }
    }
    snprintf(reason, sizeof reason, "status %u", p->status);
    return probe_fails(p, reason);
}

/* A byte of a status line.  Its reason phrase is nobody's matter. */
static enum probe_verdict
take_status_byte(struct probe *p, uint8_t c)
{
    static const char pattern[] = "HTTP/1.d ddd";
    size_t i = p->n_status++;

    if (i < STATUS_END) {
        if (pattern[i] == 'd' ? !isdigit(c) : c != (uint8_t) pattern[i]) {
            return probe_fails(p, "not HTTP");
        }
        if (i >= STATUS_AT) {
            p->status = p->status * 10 + (c - '0');
        }
        return PROBE_CONTINUES;
    }
    if ((c != ' ' && c != '\r' && c != '\n') || p->status < 100) {
        return probe_fails(p, "not HTTP");
    }
    if (p->status >= 200 || p->status == 101) {
        return take_status(p);
    }
    p->in_headers = true;
    p->line_empty = c == '\n';
    return PROBE_CONTINUES;
}

/* A byte of the rest of an interim answer, which ends with an empty line. */
static void
take_header_byte(struct probe *p, uint8_t c)
{
    if (c != '\n') {
        p->line_empty = p->line_empty && c == '\r';
    } else if (!p->line_empty) {
        p->line_empty = true;
    } else {
        p->in_headers = false;
        p->n_status = 0;
        p->status = 0;
    }
}

enum probe_verdict
probe_http_take(struct probe *p, const uint8_t *bytes, size_t size)
{
    enum probe_verdict verdict = PROBE_CONTINUES;

    for (size_t i = 0; i < size && verdict == PROBE_CONTINUES; i++) {
        if (p->n_taken++ >= PROBE_ANSWER_MAX) {
            return probe_fails(p, "answer too long");
        }
        if (p->in_headers) {
            take_header_byte(p, bytes[i]);
        } else {
            verdict = take_status_byte(p, bytes[i]);
        }
    }
    return verdict;
}
