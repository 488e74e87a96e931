/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of another server by this one itself; see relay-call.h.  And what they
 * have in common with those for clients (relay-pass.c): TLS, and that a
 * server is known by its name wherever it is. */

#include <config.h>

#include "proto/relay/relay-call.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/list.h"
#include "proto/http/http.h"
#include "proto/loop/loop-curl.h"
#include "proto/relay/relay-private.h"
#include "proto/tls/tls.h"
#include "util.h"

/* Seconds after which a silent connection is asked whether it lives, and
 * between two tries. */
#define KEEPALIVE_S 5

struct relay_caller {
    struct relay_caller_options options;
    struct loop_curl *curl;
    struct ovs_list calls;      /* Of struct call. */
};

struct call {
    struct ovs_list node;
    struct relay_caller *caller;
    struct loop_curl_transfer transfer;
    struct curl_slist *headers, *connect_to;
    struct ds body;
    relay_call_cb *cb;
    void *aux;
};

/* In common.  ------------------------------------------------------------- */

void
relay_add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (!longer) {
        out_of_memory();
    }
    *list = longer;
}

void
relay_set_tls(CURL *easy, const char *private_key, const char *certificate,
              const char *ca_cert)
{
    curl_easy_setopt(easy, CURLOPT_SSLKEY, private_key);
    curl_easy_setopt(easy, CURLOPT_SSLCERT, certificate);
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca_cert);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    /* libcurl would believe a CA for a day that was replaced. */
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, TLS_CIPHERS);
}

struct curl_slist *
relay_set_target(CURL *easy, const char *name, const char *address,
                 const char *target)
{
    const char *port = strrchr(address, ':') + 1;
    char *url = xasprintf("https://%s:%s%s", name, port, target);
    char *to = xasprintf("%s:%s:%s", name, port, address);
    struct curl_slist *connect_to = NULL;

    relay_add_line(&connect_to, to);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long) KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long) KEEPALIVE_S);
    free(url);
    free(to);
    return connect_to;
}

/* Calls.  ----------------------------------------------------------------- */

/* Frees a call whose transfer has ended. */
static void
call_free(struct call *call)
{
    ovs_list_remove(&call->node);
    curl_easy_cleanup(call->transfer.easy);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->connect_to);
    ds_destroy(&call->body);
    free(call);
}

static void
done_cb(void *call_, CURLcode code)
{
    struct call *call = call_;
    long status = 0;

    curl_easy_getinfo(call->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK) {
        call->cb(call->aux, 0, NULL, 0, curl_easy_strerror(code));
    } else {
        call->cb(call->aux, (int) status, ds_cstr(&call->body),
                 call->body.length, NULL);
    }
    call_free(call);
}

static size_t
take_body(char *data, size_t one OVS_UNUSED, size_t size, void *call_)
{
    struct call *call = call_;

    if (size > call->caller->options.reply_max - call->body.length) {
        return 0;
    }
    ds_put_buffer(&call->body, data, size);
    return size;
}

static void
set_headers(struct call *call)
{
    char *client = xasprintf(HTTP_RELAYED_CLIENT ": %s",
                             call->caller->options.client);

    relay_add_line(&call->headers, client);
    relay_add_line(&call->headers,
                   HTTP_RELAYED_AS ": " HTTP_RELAYED_TRUSTED);
    relay_add_line(&call->headers, HTTP_RELAYED_HERE ": yes");
    relay_add_line(&call->headers, "Content-Type: application/json");
    relay_add_line(&call->headers, "Expect:");
    free(client);
}

void
relay_call_post(struct relay_caller *caller, const char *name,
                const char *address, const char *path, const char *json,
                int reply_ms, relay_call_cb *cb, void *aux)
{
    const struct relay_caller_options *options = &caller->options;
    struct call *call = xzalloc(sizeof *call);
    CURL *easy = curl_easy_init();

    if (!easy) {
        out_of_memory();
    }
    call->caller = caller;
    call->cb = cb;
    call->aux = aux;
    ds_init(&call->body);
    ovs_list_push_back(&caller->calls, &call->node);
    call->transfer = (struct loop_curl_transfer) {
        .easy = easy, .done = done_cb, .aux = call,
    };
    set_headers(call);
    call->connect_to = relay_set_target(easy, name, address, path);
    relay_set_tls(easy, options->private_key, options->certificate,
                  options->ca_cert);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long) strlen(json));
    curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, json);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long) options->connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) reply_ms);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    loop_curl_add(caller->curl, &call->transfer);
}

void
relay_call_cancel(struct relay_caller *caller, relay_call_cb *cb, void *aux)
{
    struct call *call, *next;

    LIST_FOR_EACH_SAFE (call, next, node, &caller->calls) {
        if (call->cb == cb && call->aux == aux) {
            loop_curl_remove(caller->curl, &call->transfer);
            call_free(call);
        }
    }
}

/* Life.  ------------------------------------------------------------------ */

struct relay_caller *
relay_caller_create(struct event_base *base,
                    const struct relay_caller_options *options)
{
    struct relay_caller *caller = xzalloc(sizeof *caller);

    caller->options = *options;
    caller->curl = loop_curl_create(base);
    ovs_list_init(&caller->calls);
    return caller;
}

void
relay_caller_destroy(struct relay_caller *caller)
{
    struct call *call, *next;

    if (!caller) {
        return;
    }
    LIST_FOR_EACH_SAFE (call, next, node, &caller->calls) {
        loop_curl_remove(caller->curl, &call->transfer);
        call_free(call);
    }
    loop_curl_destroy(caller->curl);
    free(caller);
}
