/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics of the certificates that vmnd uses: when they expire, and whether
 * they could be loaded.  Not for loading them (certificates.c). */

#include <config.h>

#include "controller/northbound/metrics.h"
#include "controller/northbound/northbound-private.h"

#include <inttypes.h>
#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "proto/tls/tls.h"
#include "util.h"

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

/* The metrics that there are for each use. */
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
    struct nb_certificates all[NB_CERTIFICATES_MAX];
    size_t n = nb_certificates_list(nb, all);
    char *fault = nb_certificates_fault(nb);

    for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
        metrics_family(ds, metrics[i].name, metrics[i].type, metrics[i].help);
        for (size_t j = 0; j < n; j++) {
            struct tls_info info;

            tls_get_info(all[j].tls, &info);
            ds_put_format(ds, "%s{use=\"%s\"} %"PRIu64"\n",
                          metrics[i].name, all[j].use, metrics[i].get(&info));
        }
    }
    metrics_family(ds, "vmn_certificate_ca_shared", "gauge",
                   "1 if one CA is trusted for more than one purpose.");
    ds_put_format(ds, "vmn_certificate_ca_shared %d\n", fault != NULL);
    free(fault);
}
