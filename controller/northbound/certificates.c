/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads the certificates of the API, and checks the CAs of all certificates
 * that vmnd uses, and when these end.  Not for TLS itself (proto/tls), nor for
 * their metrics (metrics-certificates.c), nor for the authentication of
 * clients (auth.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <errno.h>
#include <stdlib.h>

#include "controller/cluster/cluster.h"
#include "controller/fabric/fabric.h"
#include "controller/northbound/northbound.h"
#include "openvswitch/vlog.h"
#include "proto/tls/tls.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(nb_certificates);

/* Returns a sentence if one CA is trusted for peers of several kinds, so that
 * one could pass for another; or NULL.  The caller frees it. */
static char *
find_shared_ca(const struct northbound *nb)
{
    const struct tls *hosts = fabric_tls(nb->fabric);
    const struct tls *members = nb->cluster ? cluster_tls(nb->cluster) : NULL;
    const struct {
        const struct tls *a, *b;
        const char *who;
    } pairs[] = {
        { hosts, nb->tls, "hosts and for API clients (--host-ca-cert, "
          "--api-ca-cert)" },
        { members, hosts, "members of the cluster and for hosts "
          "(--cluster-ca-cert, --host-ca-cert)" },
        { members, nb->tls, "members of the cluster and for API clients "
          "(--cluster-ca-cert, --api-ca-cert)" },
    };
    char *fault = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(pairs) && !fault; i++) {
        char *ca = (pairs[i].a && pairs[i].b
                    ? tls_shared_ca(pairs[i].a, pairs[i].b) : NULL);

        fault = ca ? xasprintf("one CA is trusted for %s: %s", pairs[i].who,
                               ca) : NULL;
        free(ca);
    }
    return fault;
}

static bool
is_own_ca(const struct tls *tls)
{
    struct tls_info info = { .is_own_ca = false };

    if (tls) {
        tls_get_info(tls, &info);
    }
    return info.is_own_ca;
}

char *
nb_certificates_fault(const struct northbound *nb)
{
    if (is_own_ca(fabric_tls(nb->fabric))) {
        return xstrdup("vmnd's own certificate is of a CA that signs hosts "
                       "(--host-ca-cert): a host that trusts it accepts any "
                       "other host as vmnd");
    }
    if (is_own_ca(nb->tls)) {
        return xstrdup("vmnd's own certificate is of a CA that signs API "
                       "clients (--api-ca-cert): a host that trusts it lets "
                       "any API client into its database");
    }
    return find_shared_ca(nb);
}

/* Logs problems of CAs; proto/tls has logged those of our own certificate. */
static void
changed_cb(void *nb)
{
    char *fault = find_shared_ca(nb);

    if (fault) {
        VLOG_WARN("%s", fault);
        free(fault);
    }
}

int
nb_certificates_load(struct northbound *nb,
                     const struct northbound_options *options,
                     struct vmn_error *why)
{
    const struct tls_options tls_options = {
        .private_key = options->private_key,
        .certificate = options->certificate,
        .ca_cert = options->ca_cert,
        .peer_optional = true,
        .changed = changed_cb,
        .changed_aux = nb,
    };

    if (!options->private_key || !options->ca_cert) {
        return vmn_error_invalid(why, "%s: needs a private key, a certificate "
                                 "and a CA certificate", options->tcp_listen);
    }

    char *text = NULL;
    int error = tls_create(&tls_options, nb->base, &nb->tls, &text);
    return vmn_error_take(why, error, text);
}

void
nb_certificates_check(struct northbound *nb)
{
    changed_cb(nb);
}

size_t
nb_certificates_list(const struct northbound *nb,
                     struct nb_certificates all[NB_CERTIFICATES_MAX])
{
    const struct nb_certificates uses[NB_CERTIFICATES_MAX] = {
        { "api", nb->tls },
        { "hosts", fabric_tls(nb->fabric) },
        { "members", nb->cluster ? cluster_tls(nb->cluster) : NULL },
    };
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
        if (uses[i].tls) {
            all[n++] = uses[i];
        }
    }
    return n;
}

/* How long before its end a certificate, or a CA, is a problem: as in
 * VmnCertificateExpires and VmnCaExpires. */
#define EXPIRY_DAYS 14
#define CA_EXPIRY_DAYS 90

/* Adds that 'what' of the certificates for 'use' ends at 'expires_s'. */
static void
add_expiry(struct nb_problems *problems, const char *what, const char *use,
           int64_t expires_s, int days)
{
    int64_t left_s = expires_s - time_wall();

    if (!expires_s) {
        return;
    } else if (left_s < 0) {
        nb_problems_add(problems, "certificates", "%s for %s has expired",
                        what, use);
    } else if (left_s < days * 86400) {
        nb_problems_add(problems, "certificates", "%s for %s expires in less "
                        "than %d days", what, use,
                        (int) (left_s / 86400) + 1);
    }
}

void
nb_certificates_add_problems(const struct northbound *nb,
                             struct nb_problems *problems)
{
    char *fault = nb_certificates_fault(nb);
    struct nb_certificates all[NB_CERTIFICATES_MAX];
    size_t n = nb_certificates_list(nb, all);

    if (fault) {
        nb_problems_add(problems, "certificates", "%s", fault);
        free(fault);
    }
    for (size_t i = 0; i < n; i++) {
        struct tls_info info;

        tls_get_info(all[i].tls, &info);
        add_expiry(problems, "vmnd's certificate", all[i].use,
                   info.expires_s, EXPIRY_DAYS);
        add_expiry(problems, "a CA that vmnd trusts", all[i].use,
                   info.ca_expires_s, CA_EXPIRY_DAYS);
        if (info.error) {
            nb_problems_add(problems, "certificates", "the new certificate "
                            "for %s is invalid, the previous one is in use: "
                            "%s", all[i].use, info.error);
        }
    }
}
