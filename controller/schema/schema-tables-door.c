/* SPDX-License-Identifier: Apache-2.0
 *
 * The fields of the resources that say who may use the API; see
 * schema-tables.c. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-fault.h"
#include "controller/schema/value.h"

static const char *const role_names[] = {
    [VMN_ROLE_VIEWER] = "viewer",
    [VMN_ROLE_OPERATOR] = "operator",
    [VMN_ROLE_ADMIN] = "admin",
    NULL,
};

const struct schema_field schema_account_fields[] = {
    COMMON(vmn_account),
    { .name = "role", .type = SCHEMA_ENUM, AT(vmn_account, role),
      .flags = SCHEMA_REQUIRED, .names = role_names,
      .doc = "What it may do: a viewer looks, an operator changes networks "
             "and what is in them, an admin everything." },
    { .name = "enabled", .type = SCHEMA_BOOL, AT(vmn_account, enabled),
      .def = true, .doc = "Whether it is let in." },
    { .name = "certificate", .type = SCHEMA_BOOL,
      AT(vmn_account, certificate), .flags = SCHEMA_HIDE_DEFAULT,
      .doc = "Whether a client certificate of the API's CA proves it, whose "
             "common name is the account's." },
    { .name = "scope", .type = SCHEMA_SELECTOR, AT(vmn_account, scope),
      .reach = SCHEMA_ACTS,
      .doc = "It sees and changes only objects with these labels, and acts "
             "on no others: a project. All when absent." },
    { .name = "reads", .type = SCHEMA_SELECTOR, AT(vmn_account, reads),
      .reach = SCHEMA_MENTIONS,
      .doc = "With `scope`: objects with these labels, too, it sees and may "
             "mention, but not change or act on." },
    { .name = "tiers", .type = SCHEMA_REF, .flags = SCHEMA_SET,
      LIST_AT(vmn_account, tiers), .min_items = 1,
      .max_items = VMN_TIER_POSITIONS, .absent = "`application`",
      .ref = VMN_TABLE_TIER,
      .reach = SCHEMA_ACTS,
      .doc = "With `scope`: the tiers that its policies may be in. "
             "`emergency` lets its quarantines `allow` something, too." },
    { .name = "iface_ids", .type = SCHEMA_STRING,
      AT(vmn_account, iface_ids), .max = VMN_NAME_LEN,
      .check = value_check_iface_id,
      .doc = "With `scope`: what the `iface_id` of its ports begins with. "
             "When absent, that is the port's name, and no host may have "
             "such an interface already." },
    { .name = NULL },
};

const struct schema_column schema_account_columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "ROLE", .path = "/spec/role" },
    { .heading = "ENABLED", .path = "/spec/enabled" },
    { .heading = "CERTIFICATE", .path = "/spec/certificate" },
    { .heading = "SCOPE", .path = "/spec/scope" },
    { .heading = "DESCRIPTION", .path = "/spec/description", .wide = true },
    { .heading = NULL },
};

void
schema_finish_account(void *account_, const json_t *json OVS_UNUSED,
                      const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_account *account = account_;

    if (account->role == VMN_ROLE_ADMIN && account->scope.text) {
        fault(errors, pointer, "scope", "an admin's is everything: it cannot "
              "be combined with \"role\"");
    }
    if (account->reads.text && !account->scope.text) {
        fault(errors, pointer, "reads", "is only for accounts with a "
              "\"scope\"");
    }
    if (account->n_tiers && !account->scope.text) {
        fault(errors, pointer, "tiers", "is only for accounts with a "
              "\"scope\"");
    }
    if (account->iface_ids && !account->scope.text) {
        fault(errors, pointer, "iface_ids", "is only for accounts with a "
              "\"scope\"");
    }
}

const struct schema_field schema_token_fields[] = {
    COMMON(vmn_token),
    { .name = "account", .type = SCHEMA_REF, AT(vmn_token, account),
      .flags = SCHEMA_REQUIRED, .ref = VMN_TABLE_ACCOUNT,
      .reach = SCHEMA_ACTS,
      .doc = "Whoever has the token is this account." },
    { .name = "expires", .type = SCHEMA_STRING, AT(vmn_token, expires),
      .max = VALUE_TIME_LEN, .check = value_check_time,
      .doc = "When it ends to be good, in UTC: \"2027-01-31T12:00:00Z\". "
             "Never when absent." },
    { .name = "sha256", .type = SCHEMA_STRING, AT(vmn_token, sha256),
      .flags = SCHEMA_REQUIRED, .min = VALUE_SHA256_LEN,
      .max = VALUE_SHA256_LEN, .check = value_check_sha256,
      .doc = "SHA-256 of the token, which is NAME.SECRET, in hexadecimal. A "
             "PUT that does not say it makes a secret, which is in the reply, "
             "once, as `secret`." },
    { .name = NULL },
};

const struct schema_column schema_token_columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "ACCOUNT", .path = "/spec/account" },
    { .heading = "EXPIRES", .path = "/spec/expires" },
    { .heading = "DESCRIPTION", .path = "/spec/description" },
    { .heading = NULL },
};

#define LIMIT(MEMBER, DOC)                                              \
    { .name = #MEMBER, .type = SCHEMA_INT, AT(vmn_quota, MEMBER),       \
      .flags = SCHEMA_HIDE_DEFAULT, .max = 1000000, .def = -1,          \
      .doc = DOC }

const struct schema_field schema_quota_fields[] = {
    COMMON(vmn_quota),
    { .name = "scope", .type = SCHEMA_SELECTOR, AT(vmn_quota, scope),
      .flags = SCHEMA_REQUIRED, .reach = SCHEMA_MENTIONS,
      .doc = "Objects with these labels count, whoever made them." },
    LIMIT(networks, "How many networks there may be; any number when absent, "
          "as of all that follow."),
    LIMIT(ports, "How many ports."),
    LIMIT(groups, "How many groups."),
    LIMIT(services, "How many services."),
    LIMIT(policies, "How many policies."),
    LIMIT(quarantines, "How many quarantines."),
    LIMIT(loadbalancers, "How many balancers."),
    LIMIT(routers, "How many routers."),
    LIMIT(floating_ips, "How many floating addresses."),
    LIMIT(dns_zones, "How many DNS zones."),
    LIMIT(observations, "How many observations."),
    LIMIT(addresses, "How many addresses: of ports (`allowed_addresses` "
          "included), of balancers, and floating ones."),
    LIMIT(members, "How many elements of groups (`ports`, `groups`, `cidrs`, "
          "`except`), ports of quarantines, backends of balancers, records "
          "of DNS zones, `entries` of services and `forwards` of routers."),
    LIMIT(rules, "How many rules of policies and quarantines, each counted "
          "once more for each of its peers and services, and routes."),
    { .name = "flows_per_host", .type = SCHEMA_INT,
      AT(vmn_quota, flows_per_host), .flags = SCHEMA_HIDE_DEFAULT, .min = 1,
      .max = 1000000, .def = -1,
      .doc = "How many flows and OpenFlow groups the objects may cause on any "
             "one host." },
    { .name = "requests", .type = SCHEMA_INT, AT(vmn_quota, requests),
      .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = 1000000, .def = -1,
      .doc = "How many calls a second all accounts together may make whose "
             "scope is within this one." },
    { .name = NULL },
};

const struct schema_column schema_quota_columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "SCOPE", .path = "/spec/scope" },
    { .heading = "PORTS", .path = "/spec/ports" },
    { .heading = "ADDRESSES", .path = "/spec/addresses" },
    { .heading = "RULES", .path = "/spec/rules" },
    { .heading = "REQUESTS", .path = "/spec/requests" },
    { .heading = "DESCRIPTION", .path = "/spec/description", .wide = true },
    { .heading = NULL },
};
