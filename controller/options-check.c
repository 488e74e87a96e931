/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks vmnd's options, and converts numbers.  Not for reading them
 * (options.c). */

#include <config.h>

#include "controller/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/audit-log.h"
#include "controller/cluster/lease.h"
#include "controller/commit/commit.h"
#include "controller/fabric/fabric.h"
#include "controller/fqdn/fqdns.h"
#include "controller/northbound/northbound.h"
#include "controller/schema/value.h"
#include "controller/store/store.h"
#include "proto/http/http.h"
#include "proto/openflow/ofconn.h"
#include "proto/ovsdb/ovsdb.h"
#include "proto/resolver/resolver.h"
#include "proto/webhook/webhook-url.h"
#include "util.h"

/* Options with numeric values. */
static const struct number_row {
    const char *name;
    size_t text;                /* Offsets in struct options: of the text, */
    size_t number;              /* and of the number, an unsigned. */
    unsigned min, max;
} number_rows[] = {
#define NUMBER(NAME, TEXT, MEMBER, MIN, MAX) \
    { NAME, offsetof(struct options, TEXT), offsetof(struct options, MEMBER), \
      MIN, MAX }
    NUMBER("audit-interval", audit_interval, audit_interval_s, 0,
           FABRIC_AUDIT_MAX_S),
    NUMBER("count-interval", count_interval, count_interval_s, 0,
           FABRIC_COUNT_MAX_S),
    NUMBER("audit-alarm", audit_alarm, audit_alarm_percent, 1, 100),
    NUMBER("packet-port-rate", packet_port_rate, packet_port_pps, 0,
           FABRIC_PACKET_RATE_MAX),
    NUMBER("packet-host-rate", packet_host_rate, packet_host_pps, 0,
           FABRIC_PACKET_RATE_MAX),
    NUMBER("fqdn-min-ttl", fqdn_min_ttl, fqdn_min_ttl_s, 1,
           FQDNS_MIN_TTL_MAX_S),
    NUMBER("fqdn-grace", fqdn_grace, fqdn_grace_s, 0, FQDNS_GRACE_MAX_S),
    NUMBER("api-rate", api_rate, api_rate_calls, 0, 1000000),
    NUMBER("host-memory", host_memory, host_memory_mib, 1,
           FABRIC_HOST_MEMORY_MAX_MIB),
    NUMBER("report-rate", report_rate, report_rate_hz, 0,
           FABRIC_REPORT_RATE_MAX),
    NUMBER("mtu-hold", mtu_hold, mtu_hold_s, 0, FABRIC_MTU_HOLD_MAX_S),
    NUMBER("migration-grace", migration_grace, migration_grace_s, 0,
           FABRIC_MIGRATION_GRACE_MAX_S),
    NUMBER("cluster-lease", cluster_lease, cluster_lease_ms, LEASE_MS_MIN,
           LEASE_MS_MAX),
    NUMBER("log-days", log_days, log_days_n, 1, STORE_RETENTION_MAX_DAYS),
    NUMBER("metrics-series", metrics_series, metrics_series_n, 0,
           NORTHBOUND_SERIES_MAX),
    NUMBER("batch-delay", batch_delay, batch_delay_ms, 0,
           COMMIT_MAX_DELAY_MS),
#undef NUMBER
};

/* Returns true if a remote, such as "tcp:0.0.0.0:6653", has no address that
 * one can connect to. */
static bool
is_wildcard(const char *remote)
{
    const char *address = strchr(remote, ':');

    return (address
            && (!strncmp(address, ":0.0.0.0", 8)
                || !strncmp(address, ":[::]", 5)));
}

/* Maximum of max-flows-per-host: more than any switch has. */
#define MAX_FLOWS_MAX 1000000000

static bool
parse_number(const char *text, uint64_t *value)
{
    size_t n = strspn(text, "0123456789");

    *value = n <= 10 ? strtoull(text, NULL, 10) : UINT64_MAX;
    return n && !text[n] && *value <= MAX_FLOWS_MAX;
}

/* Converts all numbers.  Returns 0, or EINVAL with an error. */
static int
parse_numbers(struct options *options, struct vmn_error *why)
{
    char *base = (char *) options;

    for (size_t i = 0; i < ARRAY_SIZE(number_rows); i++) {
        const struct number_row *row = &number_rows[i];
        const char *text = *(char **) (void *) (base + row->text);
        unsigned *number = (void *) (base + row->number);

        if (strlen(text) > 10 || !str_to_uint(text, 10, number)
            || *number < row->min || *number > row->max) {
            return vmn_error_invalid(why, "%s=%s is not a number from %u to "
                                     "%u", row->name, text, row->min,
                                     row->max);
        }
    }
    if (!parse_number(options->max_flows_text,
                      &options->max_flows_per_host)) {
        return vmn_error_invalid(why, "max-flows-per-host=%s is not a number "
                                 "from 0 to %d", options->max_flows_text,
                                 MAX_FLOWS_MAX);
    }
    return 0;
}

/* Sets an error of 'option' from the sentence 'fault' that a function of
 * proto/ returned, of which it takes ownership; NULL: the value is valid.
 * Returns 0 or EINVAL. */
static int
take_fault(const char *option, char *fault, struct vmn_error *why)
{
    int error = vmn_error_take(why, fault ? EINVAL : 0, fault);

    if (error) {
        vmn_error_prefix(why, option);
    }
    return error;
}

static int
check_webhooks(const struct options *options, struct vmn_error *why)
{
    struct webhook_allow allow;
    int error = take_fault("webhook-allow", webhook_allow_parse(
        &allow, options->webhook_allow), why);

    webhook_allow_uninit(&allow);
    if (!error && options->webhook_proxy) {
        error = take_fault("webhook-proxy", webhook_proxy_check(
            options->webhook_proxy), why);
    }
    return error;
}

/* Fills in the trusted CAs, and checks that the TLS listeners have what they
 * need.  Returns 0, or EINVAL with an error. */
static int
finish_tls(struct options *options, struct vmn_error *why)
{
    if (!options->host_ca_cert) {
        options->host_ca_cert = nullable_xstrdup(options->ca_cert);
    }
    if (!options->api_ca_cert) {
        options->api_ca_cert = nullable_xstrdup(options->ca_cert);
    }

    bool has_ca = (options->host_ca_cert || options->api_ca_cert
                   || (options->cluster_ca_cert && options->private_key));
    int n_ssl = !!options->private_key + !!options->certificate + has_ca;
    if (n_ssl && n_ssl != 3) {
        return vmn_error_invalid(why, "private-key, certificate and ca-cert "
                                 "(or host-ca-cert and api-ca-cert) go "
                                 "together");
    }

    const struct {
        const char *option, *remote, *ca_option, *ca;
    } served[] = {
        { "api-listen", options->api_listen, "api-ca-cert",
          options->api_ca_cert },
        { "openflow-listen", options->openflow_listen, "host-ca-cert",
          options->host_ca_cert },
        { "ovsdb-listen", options->ovsdb_listen, "host-ca-cert",
          options->host_ca_cert },
    };
    for (size_t i = 0; i < ARRAY_SIZE(served); i++) {
        if (served[i].remote && !strncmp(served[i].remote, "ssl:", 4)
            && !served[i].ca) {
            return vmn_error_invalid(why, "%s=ssl: needs private-key, "
                                     "certificate and %s or ca-cert",
                                     served[i].option, served[i].ca_option);
        }
    }
    return 0;
}

/* Returns true if 'target', as of ovsdb_target_normalize(), is the machine
 * itself, whichever dials it. */
static bool
is_loopback(const char *target)
{
    const char *address = target + strlen("tcp:");

    return (!strncmp(address, "127.", 4) || !strncmp(address, "[::1]", 5)
            || !strncmp(address, "[::ffff:127.", 12)
            || !strncmp(address, "localhost:", 10));
}

/* Returns what the options say of where hosts' databases connect to: the
 * listener, or its port at the address that is given for switches if it has
 * none of its own; or NULL.  The caller frees it. */
static char *
listening_at(const struct options *options)
{
    const char *listen = options->ovsdb_listen;
    const char *target = options->openflow_target;
    const char *port = strrchr(listen, ':');
    const char *address, *end;

    if (!is_wildcard(listen)) {
        return xstrdup(listen);
    } else if (strncmp(target, "tcp:", 4) && strncmp(target, "ssl:", 4)) {
        return NULL;
    }
    address = target + strlen("tcp:");
    end = strrchr(address, ':');        /* Of an IPv6 address with a port the
                                         * last one is that of the port. */
    if (!end || strchr(end, ']')) {
        end = strchr(address, '\0');
    }
    return xasprintf("%.4s%.*s%s", listen, (int) (end - address), address,
                     port);
}

/* Returns where hosts' databases are to connect to; NULL: that is not known,
 * as of a listener of any port, of one that other machines do not reach (there
 * may be a proxy), or of IPv4 for an address of IPv6.  The caller frees it. */
static char *
default_ovsdb_target(const struct options *options)
{
    char *at = listening_at(options);
    char *target = at ? ovsdb_target_normalize(at) : NULL;

    if (target && (is_loopback(target)
                   || (is_wildcard(options->ovsdb_listen)
                       && options->ovsdb_listen[4] != '['
                       && target[4] == '['))) {
        free(target);
        target = NULL;
    }
    free(at);
    return target;
}

/* Checks the address of ovsdb-target that is given, and brings it into the one
 * form; "none" is NULL.  Returns 0, or EINVAL with an error. */
static int
check_ovsdb_target(struct options *options, struct vmn_error *why)
{
    char *target = options->ovsdb_target, *form;

    if (!options->ovsdb_listen) {
        return vmn_error_invalid(why, "ovsdb-target goes with ovsdb-listen");
    } else if (!strcmp(target, "none")) {
        options->ovsdb_target = NULL;
        free(target);
        return 0;
    } else if (is_wildcard(target)) {
        return vmn_error_invalid(why, "ovsdb-target=%s names no address that "
                                 "a host could connect to", target);
    } else if (strncmp(target, options->ovsdb_listen, 4)) {
        return vmn_error_invalid(why, "ovsdb-target=%s: must be %.3s:..., as "
                                 "ovsdb-listen", target,
                                 options->ovsdb_listen);
    }
    form = ovsdb_target_normalize(target);
    if (!form) {
        return vmn_error_invalid(why, "ovsdb-target=%s: must be %.3s:ADDRESS "
                                 "or %.3s:ADDRESS:PORT, of at most %d "
                                 "characters, or none", target, target,
                                 target, OVSDB_TARGET_MAX);
    }
    options->ovsdb_target = form;
    free(target);
    return 0;
}

/* Checks the listener for hosts' databases, and fills in the address that
 * these are told to connect to.  Returns 0, or EINVAL with an error. */
static int
check_ovsdb(struct options *options, struct vmn_error *why)
{
    if (options->ovsdb_target) {
        return check_ovsdb_target(options, why);
    } else if (options->ovsdb_listen) {
        options->ovsdb_target = default_ovsdb_target(options);
    }
    return 0;
}

/* Checks the listeners, and fills in the address that switches connect to.
 * Returns 0, or EINVAL with an error. */
static int
check_remotes(struct options *options, struct vmn_error *why)
{
    if (!options->openflow_target) {
        if (is_wildcard(options->openflow_listen)) {
            return vmn_error_invalid(why, "openflow-listen=%s names no "
                                     "address that a switch could connect "
                                     "to: give openflow-target",
                                     options->openflow_listen);
        }
        options->openflow_target = xstrdup(options->openflow_listen);
    }
    if (options->api_listen && strncmp(options->api_listen, "ssl:", 4)
        && !options->api_token_file) {
        return vmn_error_invalid(why, "api-listen needs api-token-file");
    }
    return check_ovsdb(options, why);
}

/* Checks the IPsec options.  Returns 0, or EINVAL with an error. */
static int
check_ipsec(struct options *options, struct vmn_error *why)
{
    const char *mode = options->ipsec;

    options->ipsec_certificates = mode && !strcmp(mode, "certificates");
    if (mode && strcmp(mode, "psk") && !options->ipsec_certificates) {
        return vmn_error_invalid(why, "ipsec=%s: must be \"psk\" or "
                                 "\"certificates\"", mode);
    }
    if (options->ipsec_certificates && options->ipsec_key_file) {
        return vmn_error_invalid(why, "ipsec=certificates and ipsec-key-file "
                                 "exclude each other");
    }
    if (mode && !options->ipsec_certificates && !options->ipsec_key_file) {
        return vmn_error_invalid(why, "ipsec=psk needs ipsec-key-file");
    }
    return 0;
}

/* Checks where other members reach this one, which is what it tells them, and
 * fills in the certificate for that. */
static int
check_cluster_listen(struct options *options, struct vmn_error *why)
{
    const char *listen = options->cluster_listen;

    if (!listen) {
        return (options->cluster_private_key || options->cluster_certificate
                || options->cluster_ca_cert
                ? vmn_error_invalid(why, "cluster-private-key, "
                                    "cluster-certificate and cluster-ca-cert "
                                    "go with cluster-listen") : 0);
    }
    if (!options->cluster_member) {
        return vmn_error_invalid(why, "cluster-listen goes with "
                                 "cluster-member");
    }
    /* Others look for it by its name, as in a URL, where a number would be an
     * address. */
    if (strchr("0123456789", options->cluster_member[0])) {
        return vmn_error_invalid(why, "cluster-member=%s: must begin with a "
                                 "letter, with cluster-listen",
                                 options->cluster_member);
    }
    if (strncmp(listen, "ssl:", 4) || is_wildcard(listen)) {
        return vmn_error_invalid(why, "cluster-listen=%s: must be "
                                 "ssl:ADDRESS:PORT, with an address that "
                                 "other members can connect to", listen);
    }
    if (!options->cluster_private_key && !options->cluster_certificate) {
        options->cluster_private_key = nullable_xstrdup(options->private_key);
        options->cluster_certificate = nullable_xstrdup(options->certificate);
    }
    if (!options->cluster_ca_cert || !options->cluster_private_key
        || !options->cluster_certificate) {
        return vmn_error_invalid(why, "cluster-listen needs "
                                 "cluster-private-key, cluster-certificate "
                                 "and cluster-ca-cert");
    }
    return 0;
}

/* Checks what is said of a cluster.  The connection to its database is neither
 * encrypted nor authenticated, so it must not leave the machine: the servers
 * do that among themselves. */
static int
check_cluster(struct options *options, struct vmn_error *why)
{
    static const char *const local[] = { "unix:/", "tcp:127.0.0.1:",
                                         "tcp:[::1]:" };
    const char *name = options->cluster_member;
    struct vmn_error fault = VMN_ERROR_INIT;

    if (name && value_check_name(name, &fault)) {
        vmn_error_invalid(why, "cluster-member=%s: %s", name, fault.text);
        vmn_error_uninit(&fault);
        return EINVAL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(local); i++) {
        if (!strncmp(options->cluster_db, local[i], strlen(local[i]))) {
            return check_cluster_listen(options, why);
        }
    }
    return vmn_error_invalid(why, "cluster-db=%s: must be unix:/PATH, or "
                             "tcp:127.0.0.1:PORT or tcp:[::1]:PORT, of the "
                             "server on this machine", options->cluster_db);
}

int
options_check(struct options *options, struct vmn_error *why)
{
    int error = parse_numbers(options, why);

    error = error ? error : audit_log_check(options->audit_log, why);
    error = error ? error : check_webhooks(options, why);
    error = error ? error : take_fault("api-origin", http_origins_check(
        options->api_origin), why);
    if (!error && options->resolvers) {
        error = take_fault("resolvers", resolver_servers_check(
            options->resolvers), why);
    }
    error = error ? error : check_remotes(options, why);
    error = error ? error : check_ipsec(options, why);
    error = error ? error : check_cluster(options, why);
    return error ? error : finish_tls(options, why);
}

int
options_check_files(const struct options *options, struct vmn_error *why)
{
    const struct {
        const char *file, *what;
    } secrets[] = {
        { options->api_token_file, "serve the API" },
        { options->ipsec_key_file, "encrypt tunnels" },
        { options->webhook_key_file, "call webhooks" },
    };
    const char *what = "serve hosts";
    char *text = NULL;
    int error = ofserver_check(options->openflow_listen, &text);

    for (size_t i = 0; !error && i < ARRAY_SIZE(secrets); i++) {
        if (secrets[i].file) {
            char *secret = NULL;

            what = secrets[i].what;
            error = http_token_load(secrets[i].file, &secret, &text);
            free(secret);
        }
    }
    if (error) {
        vmn_error_errno(why, error, "cannot %s: %s", what,
                        text ? text : ovs_strerror(error));
    }
    free(text);
    return error;
}
