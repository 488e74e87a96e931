/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads the API's certificates, and reports on all certificates that vmnd
 * uses: metrics, and problems of the trusted CAs.  Not for TLS itself
 * (proto/tls), nor for the authentication of clients (auth.c). */

#include <config.h>

#include "controller/northbound/metrics.h"
#include "controller/northbound/northbound-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "controller/fabric/fabric.h"
#include "controller/northbound/northbound.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/tls/tls.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(nb_certificates);

/* Returns a sentence if one CA is trusted for peers of several kinds, so that
 * one could pass for another; or NULL.  The caller frees it. */
static char *
find_shared_ca(const struct northbound *nb)
{
    const struct tls *hosts = fabric_tls(nb->fabric);
    char *ca = hosts && nb->tls ? tls_shared_ca(hosts, nb->tls) : NULL;
    char *fault = NULL;

    if (ca) {
        fault = xasprintf("one CA is believed for hosts and for API clients "
                          "(--host-ca-cert, --api-ca-cert): %s", ca);
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

/* Returns a sentence about what is wrong with the trusted CAs, or NULL.  The
 * caller frees it. */
static char *
find_fault(const struct northbound *nb)
{
    if (is_own_ca(fabric_tls(nb->fabric))) {
        return xstrdup("vmnd's own certificate is of a CA that signs hosts "
                       "(--host-ca-cert): a host that believes it takes any "
                       "other host for vmnd");
    }
    if (is_own_ca(nb->tls)) {
        return xstrdup("vmnd's own certificate is of a CA that signs API "
                       "clients (--api-ca-cert): a host that believes it "
                       "lets any API client into its database");
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

void
nb_certificates_add_problems(const struct northbound *nb,
                             struct nb_problems *problems)
{
    char *fault = find_fault(nb);

    if (fault) {
        nb_problems_add(problems, "certificates", "%s", fault);
        free(fault);
    }
}

/* Metrics.  -------------------------------------------------------------- */

static uint64_t
get_expiry(const struct tls_info *info)
{
    return info->expires_s;
}

static uint64_t
get_ca_expiry(const struct tls_info *info)
{
    return info->ca_expires_s;
}

static uint64_t
get_failures(const struct tls_info *info)
{
    return info->n_failures;
}

/* The metrics of each use of certificates. */
static const struct {
    const char *name, *type, *help;
    uint64_t (*get)(const struct tls_info *);
} metrics[] = {
    { "vmn_certificate_expiry_timestamp_seconds", "gauge",
      "When a certificate expires, as a Unix time.", get_expiry },
    { "vmn_certificate_ca_expiry_timestamp_seconds", "gauge",
      "When the first of the trusted CAs expires, as a Unix time.",
      get_ca_expiry },
    { "vmn_certificate_load_failures_total", "counter",
      "Failed loads of a replaced certificate.", get_failures },
};

void
nb_certificates_append_metrics(const struct northbound *nb, struct ds *ds)
{
    const struct {
        const char *use;
        const struct tls *tls;
    } uses[] = { { "api", nb->tls }, { "hosts", fabric_tls(nb->fabric) } };
    char *fault = find_fault(nb);

    for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
        metrics_family(ds, metrics[i].name, metrics[i].type, metrics[i].help);
        for (size_t j = 0; j < ARRAY_SIZE(uses); j++) {
            if (uses[j].tls) {
                struct tls_info info;

                tls_get_info(uses[j].tls, &info);
                ds_put_format(ds, "%s{use=\"%s\"} %"PRIu64"\n",
                              metrics[i].name, uses[j].use,
                              metrics[i].get(&info));
            }
        }
    }
    metrics_family(ds, "vmn_certificate_ca_shared", "gauge",
                   "1 if one CA is trusted for more than one purpose.");
    ds_put_format(ds, "vmn_certificate_ca_shared %d\n", fault != NULL);
    free(fault);
}
