/* SPDX-License-Identifier: Apache-2.0
 *
 * Telemetries: sFlow and IPFIX of hosts; see schema.h. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "util.h"

#define TARGETS_MAX 8
#define TARGET_LEN 64

/* Checks a collector's address.  Names are not allowed, since the switch would
 * block while it resolves one. */
static int
check_target(const char *text, struct vmn_error *error)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? colon - text : 0;
    unsigned long long int port;
    struct vmn_ip ip;
    char *host;
    bool ok;

    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        host = xmemdup0(text + 1, len - 2);
        ok = !value_parse_ip(host, &ip, NULL) && ip.family == 6;
    } else {
        host = xmemdup0(text, len);
        ok = !value_parse_ip(host, &ip, NULL) && ip.family == 4;
    }
    free(host);
    ok = (ok && strspn(colon + 1, "0123456789") == strlen(colon + 1)
          && str_to_ullong(colon + 1, 10, &port) && port >= 1
          && port <= UINT16_MAX);
    return ok ? 0 : vmn_error_invalid(error, "must be ADDRESS:PORT, such as "
                                         "\"192.0.2.9:6343\" or "
                                         "\"[2001:db8::9]:6343\"");
}

#define TARGETS(STRUCT)                                                 \
    { .name = "targets", .type = SCHEMA_STRING,                         \
      .flags = SCHEMA_SET | SCHEMA_REQUIRED, LIST_AT(STRUCT, targets),  \
      .min_items = 1, .max_items = TARGETS_MAX, .max = TARGET_LEN,      \
      .check = check_target,                                            \
      .doc = "The collectors, each as ADDRESS:PORT (UDP)." }
#define SAMPLING(STRUCT)                                                \
    { .name = "sampling", .type = SCHEMA_U32, AT(STRUCT, sampling),     \
      .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = UINT32_MAX,        \
      .doc = "The sampling rate: one packet in so many; 400 when absent." }

static const struct schema_struct sflow = {
    .name = "sflow", .size = sizeof(struct vmn_sflow),
    .fields = FIELDS {
        TARGETS(vmn_sflow),
        SAMPLING(vmn_sflow),
        { .name = "polling", .type = SCHEMA_U32, AT(vmn_sflow, polling),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = 86400,
          .doc = "The interval of interfaces' counters, in seconds; 30 when "
                 "absent." },
        { .name = "header", .type = SCHEMA_U32, AT(vmn_sflow, header),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 14, .max = 256,
          .doc = "How many bytes of a packet are sent; 128 when absent." },
        { .name = "agent", .type = SCHEMA_STRING, AT(vmn_sflow, agent),
          .max = 15, .check = value_check_interface,
          .doc = "The host's interface whose address identifies the host to "
                 "collectors (the agent); when absent the address from which "
                 "it reaches the first collector." },
        { .name = NULL },
    },
};

static const struct schema_struct ipfix = {
    .name = "ipfix", .size = sizeof(struct vmn_ipfix),
    .fields = FIELDS {
        TARGETS(vmn_ipfix),
        SAMPLING(vmn_ipfix),
        { .name = "obs_domain_id", .type = SCHEMA_U32,
          AT(vmn_ipfix, obs_domain_id), .flags = SCHEMA_HIDE_DEFAULT,
          .max = UINT32_MAX,
          .doc = "The observation domain that records are of." },
        { .name = "obs_point_id", .type = SCHEMA_U32,
          AT(vmn_ipfix, obs_point_id), .flags = SCHEMA_HIDE_DEFAULT,
          .max = UINT32_MAX, .doc = "The observation point in it." },
        { .name = "cache_active_timeout", .type = SCHEMA_U32,
          AT(vmn_ipfix, cache_active_timeout), .flags = SCHEMA_HIDE_DEFAULT,
          .max = 4200,
          .doc = "For how many seconds packets of a flow are aggregated in "
                 "one record; each sample is a record when absent." },
        { .name = "cache_max_flows", .type = SCHEMA_U32,
          AT(vmn_ipfix, cache_max_flows), .flags = SCHEMA_HIDE_DEFAULT,
          .max = UINT32_MAX,
          .doc = "How many flows are aggregated at a time, at most; unlimited "
                 "when absent." },
        { .name = NULL },
    },
};

static const struct schema_field fields[] = {
    COMMON(vmn_telemetry),
    { .name = "selector", .type = SCHEMA_SELECTOR,
      AT(vmn_telemetry, selector),
      .reach = SCHEMA_ACTS,
      .doc = "The hosts that export, by their labels; all when absent." },
    { .name = "sflow", .type = SCHEMA_STRUCT, AT(vmn_telemetry, sflow),
      .nested = &sflow,
      .doc = "Samples of packets, and counters, by sFlow." },
    { .name = "ipfix", .type = SCHEMA_STRUCT, AT(vmn_telemetry, ipfix),
      .nested = &ipfix, .doc = "Records of flows, by IPFIX." },
    { .name = NULL },
};

static const struct schema_column columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "HOSTS", .path = "/spec/selector" },
    { .heading = "SFLOW", .path = "/spec/sflow/targets" },
    { .heading = "IPFIX", .path = "/spec/ipfix/targets" },
    { .heading = "MATCHED", .path = "/status/n_hosts" },
    { .heading = "ACTIVE", .path = "/status/n_active" },
    { .heading = "DESCRIPTION", .path = "/spec/description" },
    { .heading = NULL },
};

static void
finish_telemetry(void *telemetry_, const json_t *json OVS_UNUSED,
                        const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_telemetry *telemetry = telemetry_;

    if (!telemetry->sflow.n_targets && !telemetry->ipfix.n_targets) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                       "must have \"sflow\", \"ipfix\" or both");
    }
}

static const struct schema_example examples[] = {
    EXAMPLE("flows", {
        "selector": "rack=a",
        "sflow": {"targets": ["192.0.2.9:6343"], "sampling": 1000},
        "ipfix": {"targets": ["192.0.2.9:4739"], "obs_domain_id": 7}}),
    { .name = NULL },
};

const struct schema_table schema_telemetry = {
    .id = VMN_TABLE_TELEMETRY, .plural = "telemetries",
    .singular = "telemetry", .kind = "Telemetry", .stored = true,
    .unscoped = true, .max_rows = 100, .named_as = VMN_N_TABLES,
    .check_name = value_check_name,
    .for_admins = true,
    .examples = examples,
    .doc = "Has hosts export samples and flow records, by sFlow and IPFIX.",
    .status = &schema_status_telemetry,
    .columns = columns,
    .row = {
        .name = "telemetry", .size = sizeof(struct vmn_telemetry),
        .fields = fields,
        .finish = finish_telemetry,
    },
};
