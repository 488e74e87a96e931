/* SPDX-License-Identifier: Apache-2.0
 *
 * libcurl's transfers on the event loop: libcurl says which sockets and which
 * time it waits for (its "multi" interface), libevent waits.  What is
 * transferred is the caller's to set up on an easy handle; nothing here knows
 * of URLs.  From the loop's thread only. */

#ifndef PROTO_LOOP_LOOP_CURL_H
#define PROTO_LOOP_LOOP_CURL_H 1

#include <curl/curl.h>

struct event_base;
struct loop_curl;

/* Ends the process where there is no memory for it, or no socket. */
struct loop_curl *loop_curl_create(struct event_base *);
/* After all of its transfers. */
void loop_curl_destroy(struct loop_curl *);

/* Says how a transfer ended; it is no longer among those of its loop_curl,
 * which is not to be destroyed inside of this call. */
typedef void loop_curl_done(void *aux, CURLcode);

struct loop_curl_transfer {
    CURL *easy;
    loop_curl_done *done;
    void *aux;
};

/* Begins the transfer that 'transfer->easy' describes.  'transfer' and its
 * handle are borrowed until its 'done' has been called, which is once and
 * later, or until loop_curl_remove().  Takes CURLOPT_PRIVATE.
 *
 * A name that is still being looked up when a transfer ends does not hold up
 * the loop: libcurl would wait for its thread, but is told not to
 * (CURLOPT_QUICK_EXIT).  The thread then ends by itself, when the system's
 * resolver gives up. */
void loop_curl_add(struct loop_curl *, struct loop_curl_transfer *);
/* Ends a transfer whose 'done' has not been called. */
void loop_curl_remove(struct loop_curl *, struct loop_curl_transfer *);

#endif /* proto/loop/loop-curl.h */
