/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificates for switches' connections; see host-tls.h. */

#include <config.h>

#include "controller/fabric/hosts/host-tls.h"

#include <string.h>

#include "controller/fabric/fabric.h"
#include "controller/schema/error.h"
#include "proto/tls/tls.h"

int
host_tls_create(const struct fabric_options *options, struct event_base *base,
                void (*changed)(void *aux), void *aux, struct tls **tls,
                struct vmn_error *why)
{
    const struct tls_options tls_options = {
        .private_key = options->ssl_private_key,
        .certificate = options->ssl_certificate,
        .ca_cert = options->ssl_ca_cert,
        .changed = changed,
        .changed_aux = aux,
    };
    char *text = NULL;

    *tls = NULL;
    if (!options->ssl_private_key || !options->ssl_certificate
        || !options->ssl_ca_cert) {
        return 0;
    }

    int error = tls_create(&tls_options, base, tls, &text);

    return vmn_error_take(why, error, text);
}

struct ssl_ctx_st *
host_tls_context(const struct fabric_options *options, const struct tls *tls)
{
    return (options->openflow_listen
            && !strncmp(options->openflow_listen, "ssl:", 4) && tls
            ? tls_context(tls) : NULL);
}
