/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs that may be called: taken apart strictly, and held against those that
 * the administrator names.  What two programs could read in two ways (a user
 * before the host, a backslash, a path with dots) is no URL here. */

#ifndef PROTO_WEBHOOK_WEBHOOK_URL_H
#define PROTO_WEBHOOK_WEBHOOK_URL_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

/* Bounds. */
#define WEBHOOK_URL_MAX 2048        /* Bytes of a URL. */
#define WEBHOOK_ALLOW_MAX 64        /* Prefixes. */

struct webhook_url {
    bool tls;
    bool is_address;            /* 'host' is an address, not a name. */
    bool is_ipv6;               /* It is one of IPv6. */
    char *host;                 /* Owned; in lower case, without brackets. */
    uint16_t port;              /* In host byte order. */
    char *target;               /* Owned: path and query, from the slash on. */
    size_t path_len;            /* How much of it is the path, in bytes. */
};

/* Parses "http://HOST[:PORT][/PATH][?QUERY]", or with https.  Returns NULL, or
 * a sentence (caller frees) that does not repeat the text; 'url' is to be
 * uninitialized in either case. */
char *webhook_url_parse(struct webhook_url *url, const char *text);
void webhook_url_uninit(struct webhook_url *);

/* Returns HOST, or HOST:PORT if the port is not the scheme's default; an IPv6
 * address is in brackets.  The caller frees it. */
char *webhook_url_authority(const struct webhook_url *);

/* Whether 'url' may lead to this address.  A name is whoever's that answers
 * for it: it leads neither to this machine nor to its link (loopback,
 * link-local, unspecified, broadcast and multicast addresses, those of
 * interfaces, and IPv6 ones that lead to such of IPv4), so that nobody
 * who owns a name that may be called reaches what listens there for itself.
 * "localhost" and what ends in it is this machine by RFC 6761, section 6.3,
 * and an address in a URL is what the administrator wrote. */
bool webhook_url_may_reach(const struct webhook_url *url,
                           const struct sockaddr *address);

/* Why 'text' is no proxy's URL, "http://HOST[:PORT]": NULL (it is one), or a
 * sentence that the caller frees. */
char *webhook_proxy_check(const char *text);

/* Prefixes of URLs. */
struct webhook_allow {
    size_t n;
    struct webhook_url *prefixes;   /* Owned. */
};

/* Parses prefixes that are separated by commas; NULL is none.  Returns NULL,
 * or a sentence (caller frees); 'allow' is to be uninitialized in either
 * case. */
char *webhook_allow_parse(struct webhook_allow *allow, const char *text);
void webhook_allow_uninit(struct webhook_allow *);
/* Whether one of 'allow' has the scheme, host and port of 'url', and its path,
 * or one from which a slash leads to it. */
bool webhook_allow_matches(const struct webhook_allow *allow,
                           const struct webhook_url *url);

#endif /* proto/webhook/webhook-url.h */
