/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificates for switches' connections: hosts must present one of the
 * hosts' CA.  Not for hosts' databases, which use libopenvswitch's TLS. */

#ifndef CONTROLLER_FABRIC_HOSTS_HOST_TLS_H
#define CONTROLLER_FABRIC_HOSTS_HOST_TLS_H 1

struct event_base;
struct fabric_options;
struct tls;
struct vmn_error;

/* Sets '*tls' to what the options say, or to NULL if they do not have all
 * three files.  'changed' is as that of struct tls_options.  Returns 0, or a
 * positive errno with an error. */
int host_tls_create(const struct fabric_options *, struct event_base *,
                    void (*changed)(void *aux), void *aux, struct tls **tls,
                    struct vmn_error *);

/* Returns the context for the options' listener of switches; NULL: it does not
 * use TLS. */
struct ssl_ctx_st *host_tls_context(const struct fabric_options *,
                                    const struct tls *);

#endif /* controller/fabric/hosts/host-tls.h */
