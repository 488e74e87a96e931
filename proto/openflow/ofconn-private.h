/* SPDX-License-Identifier: Apache-2.0
 *
 * What ofserver.c and ofconn.c share.  Not for others. */

#ifndef PROTO_OPENFLOW_OFCONN_PRIVATE_H
#define PROTO_OPENFLOW_OFCONN_PRIVATE_H 1

#include "openvswitch/list.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofstream.h"

struct event;
struct evconnlistener;

struct ofserver {
    struct event_base *base;    /* Borrowed. */
    struct evconnlistener *listener; /* Or NULL. */
    struct event *resume;       /* Listens again after accept() failed. */
    struct ssl_ctx_st *ctx;     /* Borrowed, or NULL. */
    char *unlink_path;          /* Unix socket to remove at the end. */
    uint16_t port;
    struct ofconn_options options;
    const struct ofconn_callbacks *callbacks;
    void *aux;
    struct ovs_list conns;      /* struct ofconn. */
    struct ofserver_stats stats;
    struct ofstream_pool streams;
    uint64_t *scratch;          /* One message, aligned. */
};

/* Makes a connection out of 'fd'.  Takes ownership of it. */
void ofconn_create(struct ofserver *, int fd, const char *peer);
/* Closes one of the connections. */
void ofconn_close_first(struct ofserver *);

#endif /* proto/openflow/ofconn-private.h */
