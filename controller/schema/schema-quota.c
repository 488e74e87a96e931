/* SPDX-License-Identifier: Apache-2.0
 *
 * Quotas; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/value.h"

#define LIMIT_OF(MEMBER, DEFAULT, DOC)                                  \
    { .name = #MEMBER, .type = SCHEMA_INT, AT(vmn_quota, MEMBER),       \
      .flags = SCHEMA_HIDE_DEFAULT, .max = 1000000, .def = DEFAULT,     \
      .doc = DOC }
#define LIMIT(MEMBER, DOC) LIMIT_OF(MEMBER, -1, DOC)

/* Drafts and observations, of which there can be 100. */
#define FEW 20

static const struct schema_field fields[] = {
    COMMON(vmn_quota),
    { .name = "scope", .type = SCHEMA_SELECTOR, AT(vmn_quota, scope),
      .flags = SCHEMA_REQUIRED, .reach = SCHEMA_MENTIONS,
      .doc = "Selects the objects that count, whoever made them." },
    LIMIT(networks, "How many networks there may be; unlimited when absent, "
                    "as all that follow without a default."),
    LIMIT(ports, "How many ports."),
    LIMIT(groups, "How many groups."),
    LIMIT(services, "How many services."),
    LIMIT(policies, "How many policies."),
    LIMIT(quarantines, "How many quarantines."),
    LIMIT(loadbalancers, "How many balancers."),
    LIMIT(routers, "How many routers."),
    LIMIT(floating_ips, "How many floating addresses."),
    LIMIT(dns_zones, "How many DNS zones."),
    LIMIT_OF(observations, FEW, "How many observations."),
    LIMIT_OF(drafts, FEW, "How many drafts."),
    LIMIT(addresses, "How many addresses: of ports (`allowed_addresses` "
          "included), of balancers, and floating ones."),
    LIMIT(members, "How many elements of groups (`ports`, `groups`, `cidrs`, "
          "`except`), ports of quarantines, backends of balancers, records "
          "of DNS zones, `entries` of services, `forwards` of routers, and "
          "of any list of an object of an app's type."),
    LIMIT(rules, "How many rules of policies and quarantines, each counted "
          "once more for each of its peers and services (100 times for a name "
          "in DNS), routes, and objects of apps' types."),
    { .name = "object_labels", .type = SCHEMA_INT,
      AT(vmn_quota, object_labels),
      .flags = SCHEMA_HIDE_DEFAULT, .max = INT32_MAX, .def = VMN_QUOTA_LABELS,
      .doc = "How many labels all objects together may have." },
    { .name = "bytes", .type = SCHEMA_INT, AT(vmn_quota, bytes),
      .flags = SCHEMA_HIDE_DEFAULT, .max = INT32_MAX, .def = VMN_QUOTA_BYTES,
      .doc = "How many bytes the names and specs of all objects together may "
             "have, as JSON." },
    { .name = "memberships", .type = SCHEMA_INT, AT(vmn_quota, memberships),
      .flags = SCHEMA_HIDE_DEFAULT, .max = INT32_MAX,
      .def = VMN_QUOTA_MEMBERSHIPS,
      .doc = "How many memberships the groups may have together: each group "
             "counts for one for each port in `ports`, and each one that has "
             "the first label that its `selector` requires." },
    { .name = "flows", .type = SCHEMA_INT, AT(vmn_quota, flows),
      .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = INT32_MAX,
      .def = VMN_QUOTA_FLOWS,
      .doc = "How many flows, OpenFlow groups and facts of apps `vmnd` may "
             "keep for the objects, whether or not a host has them." },
    { .name = "flows_per_host", .type = SCHEMA_INT,
      AT(vmn_quota, flows_per_host), .flags = SCHEMA_HIDE_DEFAULT, .min = 1,
      .max = 1000000, .def = -1,
      .doc = "How many flows and OpenFlow groups the objects may cause on any "
             "one host." },
    { .name = "requests", .type = SCHEMA_INT, AT(vmn_quota, requests),
      .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = 1000000, .def = -1,
      .doc = "How many calls per second the accounts whose scope is within "
             "this one may make together." },
    { .name = NULL },
};

static const struct schema_column columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "SCOPE", .path = "/spec/scope" },
    { .heading = "PORTS", .path = "/spec/ports" },
    { .heading = "ADDRESSES", .path = "/spec/addresses" },
    { .heading = "RULES", .path = "/spec/rules" },
    { .heading = "REQUESTS", .path = "/spec/requests" },
    { .heading = "DESCRIPTION", .path = "/spec/description", .wide = true },
    { .heading = NULL },
};

static const struct schema_example examples[] = {
    EXAMPLE("shop", {
        "scope": "project=shop", "networks": 10, "ports": 200,
        "addresses": 400, "policies": 50, "rules": 1000,
        "requests": 50}),
    { .name = NULL },
};

const struct schema_table schema_quota = {
    .id = VMN_TABLE_QUOTA, .plural = "quotas", .singular = "quota",
    .kind = "Quota", .stored = true, .unscoped = true,
    .max_rows = 1000, .named_as = VMN_N_TABLES,
    .check_name = value_check_name,
    .for_admins = true,
    .examples = examples,
    .doc = "What a scope may hold at most.",
    .columns = columns,
    .row = {
        .name = "quota", .size = sizeof(struct vmn_quota),
        .fields = fields,
    },
};
