/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs libcurl's transfers on the event loop: libcurl's "multi" interface says
 * which sockets and timeouts it waits for, libevent waits for them.  The
 * caller sets up the transfer on an easy handle.  To be used from the loop's
 * thread only. */

#ifndef PROTO_LOOP_LOOP_CURL_H
#define PROTO_LOOP_LOOP_CURL_H 1

#include <curl/curl.h>

struct event_base;
struct loop_curl;

/* Aborts the process if memory or sockets are exhausted. */
struct loop_curl *loop_curl_create(struct event_base *);
/* All of its transfers must have ended. */
void loop_curl_destroy(struct loop_curl *);

/* Called with the result of a transfer, which has been removed from its
 * loop_curl.  Must not destroy the loop_curl. */
typedef void loop_curl_done(void *aux, CURLcode);

struct loop_curl_transfer {
    CURL *easy;
    loop_curl_done *done;
    void *aux;
};

/* Starts the transfer that 'transfer->easy' describes.  'transfer' and its
 * handle are borrowed until its 'done' has been called, which is once and not
 * from inside of this call, or until loop_curl_remove().  Uses
 * CURLOPT_PRIVATE.
 *
 * A name resolution still in progress when a transfer ends does not block the
 * loop: libcurl would wait for its thread, but CURLOPT_QUICK_EXIT has it not
 * wait.  The thread then ends by itself when the system's resolver times
 * out. */
void loop_curl_add(struct loop_curl *, struct loop_curl_transfer *);
/* Aborts a transfer whose 'done' has not been called. */
void loop_curl_remove(struct loop_curl *, struct loop_curl_transfer *);

#endif /* proto/loop/loop-curl.h */
