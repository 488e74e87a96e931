/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests: who may ask, and which of the two trees is asked.  RFC 9110 for
 * what statuses mean; tokens as EC2's IMDSv2 has them. */

#include "metadata.h"

#include <stdlib.h>

#include <jansson.h>
#include <openssl/evp.h>

#define TOKEN_FIELD "X-aws-ec2-metadata-token"
#define TTL_FIELD "X-aws-ec2-metadata-token-ttl-seconds"
#define TOKEN_PATH "/latest/api/token"

/* Replies.  --------------------------------------------------------------- */

void
reply_text(struct vmn_view *view, const char *text, struct reply *reply)
{
    reply->status = 200;
    reply->type = "text/plain; charset=utf-8";
    reply->body = vmn_printf(view, "%s", text);
    reply->body_size = strlen(reply->body);
}

void
reply_json(struct vmn_view *view, json_t *json, struct reply *reply)
{
    char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;

    if (text) {
        reply_text(view, text, reply);
        reply->type = "application/json";
    } else {
        reply->status = 500;
    }
    free(text);
    json_decref(json);
}

void
reply_user_data(struct vmn_view *view, const struct told *told,
                struct reply *reply)
{
    const struct metadata *from = told->user_data;
    size_t len = from ? strlen(from->user_data) : 0;
    unsigned char *bytes;
    int n;

    if (!from) {
        reply->status = 404;
        return;
    }
    reply_text(view, from->user_data, reply);
    reply->type = "application/octet-stream";
    if (from->user_data_encoding == ENCODING_BASE64) {
        bytes = (unsigned char *) vmn_alloc(view, len / 4 * 3 + 1);
        n = EVP_DecodeBlock(bytes, (const unsigned char *) from->user_data,
                            (int) len);
        for (size_t i = len; n > 0 && i-- && from->user_data[i] == '='; ) {
            n--;
        }
        reply->body = (const char *) bytes;
        reply->body_size = n > 0 ? (size_t) n : 0;
    }
}

/* Tokens.  ---------------------------------------------------------------- */

/* Returns how the network's service wants tokens, the strictest way if several
 * objects say so; -1: it has no service any more. */
static int
tokens_of(struct vmn_view *view, const char *network)
{
    struct vmn_names values = vmn_relation_values(view, VMN_REL_METADATA,
                                                  network);
    static const int strictest[] = { TOKENS_REQUIRED, TOKENS_OPTIONAL,
                                     TOKENS_OFF };

    for (size_t i = 0; i < sizeof strictest / sizeof strictest[0]; i++) {
        for (size_t j = 0; j < values.n; j++) {
            if (atoi(values.names[j]) == strictest[i]) {
                return strictest[i];
            }
        }
    }
    return -1;
}

/* Answers who wants a token.  One that has come by a proxy gets none: that is
 * what tokens are against. */
static void
put_token(struct vmn_view *view, const struct vmn_packet_in *in,
          const struct vmn_http_request *request, struct reply *reply)
{
    const char *ttl = vmn_http_find(request, TTL_FIELD);
    char text[TOKEN_ROOM];
    long ttl_s;

    if (vmn_http_find(request, "X-Forwarded-For")) {
        reply->status = 403;
        return;
    }
    if (!ttl || !ttl[0] || strspn(ttl, "0123456789") != strlen(ttl)
        || strlen(ttl) > 5) {
        reply->status = 400;
        return;
    }
    ttl_s = atol(ttl);
    if (ttl_s < 1 || ttl_s > TOKEN_TTL_MAX) {
        reply->status = 400;
        return;
    }
    token_make(in, ttl_s, text);
    reply_text(view, text, reply);
    reply->token_ttl = vmn_printf(view, "%ld", ttl_s);
}

/* Requests.  -------------------------------------------------------------- */

/* Returns the path without empty segments, but for one at the end: "//a//"
 * becomes "/a/". */
static const char *
tidy(struct vmn_view *view, const char *path)
{
    char *text = vmn_printf(view, "%s", path), *to = text;

    for (const char *p = path; *p; p++) {
        if (*p != '/' || to == text || to[-1] != '/') {
            *to++ = *p;
        }
    }
    *to = '\0';
    return text;
}

static bool
is_behind(const char *path, const char *root)
{
    size_t len = strlen(root);

    return !strncmp(path, root, len) && (!path[len] || path[len] == '/');
}

static void
get(struct vmn_view *view, const struct vmn_packet_in *in, const char *path,
    struct reply *reply)
{
    struct told *told = (struct told *) vmn_alloc(view, sizeof *told);

    metadata_tell(view, in->port, told);
    if (is_behind(path, "/openstack")) {
        openstack_get(view, told, path + strlen("/openstack"), reply);
    } else {
        ec2_get(view, told, path, reply);
    }
}

static void
answer(struct vmn_view *view, const struct vmn_packet_in *in,
       const struct vmn_http_request *request, struct reply *reply)
{
    const char *path = tidy(view, request->path);
    const char *token = vmn_http_find(request, TOKEN_FIELD);
    int tokens = tokens_of(view, in->port->network);

    if (tokens < 0) {
        reply->status = 404;
    } else if (request->method == VMN_HTTP_PUT && !strcmp(path, TOKEN_PATH)
               && tokens != TOKENS_OFF) {
        put_token(view, in, request, reply);
    } else if (request->method != VMN_HTTP_GET) {
        reply->status = 405;
    } else if (tokens != TOKENS_OFF
               && (token ? !token_is_good(in, token)
                   : tokens == TOKENS_REQUIRED)) {
        reply->status = 401;
    } else {
        get(view, in, path, reply);
    }
}

void
handle_http(struct vmn_view *view, const struct vmn_packet_in *in,
            struct vmn_packets_out *out)
{
    struct vmn_http_request *request
        = (struct vmn_http_request *) vmn_alloc(view, sizeof *request);
    struct reply reply = { .status = 404 };
    struct vmn_http_reply http;

    if (!in->port || vmn_is_quarantined(view, in->port)) {
        reply.status = 403;
    } else if (!vmn_http_parse(in->bytes, in->size, request)) {
        reply.status = 400;
    } else {
        answer(view, in, request, &reply);
    }
    http = (struct vmn_http_reply) {
        .status = reply.status,
        .type = reply.type,
        .body = reply.body,
        .body_size = reply.body_size,
        .field_name = reply.token_ttl ? TTL_FIELD : NULL,
        .field_value = reply.token_ttl,
        /* A token does not get beyond the VM itself. */
        .ttl = reply.token_ttl ? 1 : 0,
    };
    vmn_send_http(out, &http);
}
