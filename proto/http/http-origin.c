/* SPDX-License-Identifier: Apache-2.0
 *
 * Cross-site requests: those that a page of another origin makes a browser
 * send, which adds by itself what proves its user (a client certificate).
 *
 * Not for CORS: the server sends no Access-Control headers, so no page of
 * another origin reads a reply. */

#include <config.h>

#include "proto/http/http-private.h"

#include <string.h>
#include <strings.h>

#include "util.h"

/* Returns the next origin from '*p' on, sets '*len' to its length, and
 * advances '*p'.  Returns NULL if there is none. */
static const char *
next_origin(const char **p, size_t *len)
{
    const char *origin = *p;

    if (!origin || !*origin) {
        return NULL;
    }
    *len = strcspn(origin, ",");
    *p = origin + *len + (origin[*len] == ',');
    return origin;
}

/* Returns what follows "http://" or "https://" at the start of 'origin', or
 * NULL. */
static const char *
skip_scheme(const char *origin)
{
    return (!strncasecmp(origin, "http://", 7) ? origin + 7
            : !strncasecmp(origin, "https://", 8) ? origin + 8 : NULL);
}

char *
http_origins_check(const char *origins)
{
    const char *p = origins, *origin;
    size_t len;

    if (origins && (!*origins || origins[strlen(origins) - 1] == ',')) {
        return xstrdup("an origin is empty");
    }
    while ((origin = next_origin(&p, &len)) != NULL) {
        const char *host = skip_scheme(origin);

        if (!host || host >= origin + len
            || strcspn(host, "/?#@ ,") != (size_t) (origin + len - host)) {
            return xasprintf("\"%.*s\" must be an origin such as "
                             "https://vmn.example.org:8443, without a path",
                             (int) len, origin);
        }
    }
    return NULL;
}

static bool
is_listed(const char *origins, const char *wanted)
{
    const char *p = origins, *origin;
    size_t len;

    while ((origin = next_origin(&p, &len)) != NULL) {
        if (len == strlen(wanted) && !strncasecmp(origin, wanted, len)) {
            return true;
        }
    }
    return false;
}

/* Returns true if 'origin' is the address by which the client calls this
 * server. */
static bool
is_own(const struct http_request *req, const char *origin)
{
    const char *host = http_head_find(&req->head, "Host");
    const char *name = skip_scheme(origin);

    return host && name && !strcasecmp(name, host);
}

/* Since 2023, browsers send Sec-Fetch-Site to servers with TLS and on
 * loopback, and a page cannot set it.  Without it, there is Origin, with all
 * methods but GET and HEAD.  A client that sends neither is no browser, and
 * browsers do not connect to unix sockets. */
bool
http_origin_is_foreign(const struct http_request *req)
{
    const char *origin = http_head_find(&req->head, "Origin");
    const char *site = http_head_find(&req->head, "Sec-Fetch-Site");

    if (req->conn->listener->unix_path
        || (origin && is_listed(req->server->options.origins, origin))) {
        return false;
    } else if (site) {
        return strcasecmp(site, "same-origin") && strcasecmp(site, "none");
    }
    return origin && !is_own(req, origin);
}
