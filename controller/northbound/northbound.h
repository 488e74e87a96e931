/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON API of docs/api.md: turns HTTP requests into transactions, and
 * answers reads from the durable state.  Handlers never block: what takes
 * time, such as a commit or a wait for hosts, is replied to by a callback.
 *
 * Not for HTTP itself (proto/http/), nor for the validation of objects
 * (schema/, model/). */

#ifndef CONTROLLER_NORTHBOUND_NORTHBOUND_H
#define CONTROLLER_NORTHBOUND_NORTHBOUND_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct apphost;
struct commit;
struct load_monitor;
struct paths;
struct fqdns;
struct loop;
struct engine;
struct audit_log;
struct event_base;
struct fabric;
struct health;
struct model;
struct northbound;
struct store;
struct store_class;
struct vmn_error;
struct webhook;

struct northbound_options {
    /* The local operator's socket, or NULL for none.  Clients that may open it
     * are unrestricted, and are identified by their uid. */
    const char *unix_path;
    /* A group whose members may open it, too (mode 0660); or NULL (mode
     * 0600). */
    const char *unix_group;

    /* Such as "127.0.0.1:8181", "[::1]:8181" or "ssl:0.0.0.0:8443"; or NULL
     * for none.  Addresses other than loopback require TLS. */
    const char *tcp_listen;
    /* File whose first line is the bearer token that TCP clients must send: 16
     * to 512 visible characters.  Group and others must not have access to the
     * file.  Required with 'tcp_listen'. */
    const char *token_file;

    const char *private_key;    /* PEM files, for "ssl:": all three or none. */
    const char *certificate;
    const char *ca_cert;        /* CAs of client certificates. */
    const char *origins;        /* See struct http_options; or NULL. */
    unsigned account_rate;      /* Requests per second that each account may
                                 * make; 0: unlimited. */
#define NORTHBOUND_SERIES_MAX 20000
    unsigned metrics_series;    /* Hosts, and ports, that have series of their
                                 * own in /metrics, at most. */
    /* The rest is for /metrics and statuses; each may be NULL, and outlives
     * the northbound. */
    const struct loop *loop;
    struct cluster *cluster;    /* Or NULL. */
    struct health *health;      /* Probes of balancers' backends. */
    struct paths *paths;        /* Paths between hosts. */
    struct fqdns *fqdns;        /* Names that rules have. */
    struct webhook *webhook;    /* Calls of web servers. */
    struct load_monitor *load;          /* Load of balancers. */
    struct audit_log *audit_log;
    /* It begins as a standby of 'cluster', and relays requests to the writer.
     * All between 'cluster' and this are NULL. */
    bool following;
};

/* Opens the listeners and serves requests from then on, driven by 'base'.
 * Nothing that is passed in is owned; all of it must outlive the northbound,
 * except 'options'.  Returns 0, or a positive errno with an error in '*why'
 * and NULL in '*nbp'. */
int northbound_create(const struct northbound_options *options,
                      struct event_base *base, struct model *,
                      struct engine *, struct commit *, struct fabric *,
                      const struct store_class *, struct store *,
                      struct apphost *, struct northbound **nbp,
                      struct vmn_error *why);

/* From now on this member is the writer: it answers all itself, and what
 * others pass on to the writer, with what 'options' have besides where it
 * listens. */
void northbound_lead(struct northbound *, const struct northbound_options *);

/* Closes listeners and connections.  To be called before the fabric and the
 * commit are destroyed.  Changes that were submitted still take effect. */
void northbound_destroy(struct northbound *);

/* Refuses requests from now on, since another member of the cluster has become
 * the writer: what is known here may be older than what that one has shown.
 * Changes that were submitted are replied. */
void northbound_retire(struct northbound *);

/* Sets what /readyz replies: true once the state is loaded and compiled.  It
 * is false after northbound_create(). */
void northbound_set_ready(struct northbound *, bool ready);

/* Registers the unixctl commands "northbound/...". */
void northbound_unixctl_init(struct northbound *);

#endif /* controller/northbound/northbound.h */
