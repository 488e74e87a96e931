/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON API of docs/api.md: turns HTTP requests into transactions and
 * answers from the durable state.  Handlers never block: what takes time (a
 * commit, a wait for hosts) is answered from a callback.
 *
 * Not for HTTP itself (proto/http/), nor for what an object may look like
 * (schema/, model/). */

#ifndef CONTROLLER_NORTHBOUND_NORTHBOUND_H
#define CONTROLLER_NORTHBOUND_NORTHBOUND_H 1

#include <stdbool.h>

struct apphost;
struct commit;
struct load_monitor;
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
    /* The local operator's socket, or NULL for none.  Whoever may open it may
     * do everything, and is known by uid. */
    const char *unix_path;
    /* A group that may open it as well (mode 0660), or NULL (mode 0600). */
    const char *unix_group;

    /* "127.0.0.1:8181", "[::1]:8181", "ssl:0.0.0.0:8443", or NULL for none.
     * Other addresses than loopback take TLS. */
    const char *tcp_listen;
    /* File whose first line is the bearer token that TCP clients must send:
     * 16 to 512 visible characters, the file closed to group and others.
     * Required with 'tcp_listen'. */
    const char *token_file;

    const char *private_key;    /* PEM files, for "ssl:"; all three or none. */
    const char *certificate;
    const char *ca_cert;        /* CAs of clients that show one. */
    const char *origins;        /* See http_options; or NULL. */
    unsigned account_rate;      /* Calls that an account may make a second; 0:
                                 * any number. */
    /* Whose turns are shown in /metrics, or NULL. */
    const struct loop *loop;
    struct health *health;      /* Of balancers' backends, or NULL.  It outlives
                                 * the northbound. */
    struct webhook *webhook;    /* Whose calls are, or NULL. */
    struct load_monitor *load;          /* That of balancers, or NULL. */
    struct audit_log *audit_log; /* Whose figures are shown, or NULL. */
};

/* Opens the listeners and serves from 'base' on.  Nothing passed in is owned;
 * all of it must outlive the northbound, except that 'options' is only read
 * inside of the call.  Returns 0, or a positive errno with an error in '*why'
 * and NULL in '*nbp'. */
int northbound_create(const struct northbound_options *options,
                      struct event_base *base, struct model *,
                      struct engine *, struct commit *, struct fabric *,
                      const struct store_class *, struct store *,
                      const struct apphost *, struct northbound **nbp,
                      struct vmn_error *why);

/* Closes listeners and connections.  Before the fabric and the commit are
 * destroyed; changes that were submitted still take effect. */
void northbound_destroy(struct northbound *);

/* Ready or not, for /readyz: true once everything is up (the state is loaded
 * and the first compile is done).  False after northbound_create(). */
void northbound_set_ready(struct northbound *, bool ready);

/* Registers "northbound/..." commands with unixctl. */
void northbound_unixctl_init(struct northbound *);

#endif /* controller/northbound/northbound.h */
