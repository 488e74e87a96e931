/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts: users of the API and their rights; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-error.h"
#include "controller/schema/value.h"
#include "util.h"

static const char *const role_names[] = {
    [VMN_ROLE_VIEWER] = "viewer",
    [VMN_ROLE_OPERATOR] = "operator",
    [VMN_ROLE_ADMIN] = "admin",
    NULL,
};

static const struct schema_field fields[] = {
    COMMON(vmn_account),
    { .name = "role", .type = SCHEMA_ENUM, AT(vmn_account, role),
      .flags = SCHEMA_REQUIRED, .names = role_names,
      .doc = "What it may do: a viewer reads, an operator changes networks "
             "and what is in them, an admin everything." },
    { .name = "enabled", .type = SCHEMA_BOOL, AT(vmn_account, enabled),
      .def = true, .doc = "Whether it may authenticate." },
    { .name = "certificate", .type = SCHEMA_BOOL,
      AT(vmn_account, certificate), .flags = SCHEMA_HIDE_DEFAULT,
      .doc = "Whether it may authenticate by a client certificate of the "
             "API's CA whose common name is its name." },
    { .name = "scope", .type = SCHEMA_SELECTOR, AT(vmn_account, scope),
      .reach = SCHEMA_ACTS,
      .doc = "Selects the objects that it may read, change and act on, by "
             "their labels: a project. All when absent." },
    { .name = "reads", .type = SCHEMA_SELECTOR, AT(vmn_account, reads),
      .reach = SCHEMA_MENTIONS,
      .doc = "With `scope`: selects further objects that it may read and "
             "refer to, but not change or act on." },
    { .name = "tiers", .type = SCHEMA_REF, .flags = SCHEMA_SET,
      LIST_AT(vmn_account, tiers), .min_items = 1,
      .max_items = VMN_TIER_POSITIONS, .absent = "`application`",
      .ref = VMN_TABLE_TIER,
      .reach = SCHEMA_ACTS,
      .doc = "With `scope`: the tiers that its policies may be in. "
             "`emergency` also permits `allow` in its quarantines." },
    { .name = "iface_ids", .type = SCHEMA_STRING,
      AT(vmn_account, iface_ids), .max = VMN_NAME_LEN,
      .check = value_check_iface_id,
      .doc = "With `scope`: what the `iface_id` of its ports begins with. "
             "When absent, that is the port's name, and no host may have "
             "such an interface already." },
    { .name = NULL },
};

static const struct schema_column columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "ROLE", .path = "/spec/role" },
    { .heading = "ENABLED", .path = "/spec/enabled" },
    { .heading = "CERTIFICATE", .path = "/spec/certificate" },
    { .heading = "SCOPE", .path = "/spec/scope" },
    { .heading = "DESCRIPTION", .path = "/spec/description", .wide = true },
    { .heading = NULL },
};

static void
finish_account(void *account_, const json_t *json OVS_UNUSED,
                      const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_account *account = account_;

    if (account->role == VMN_ROLE_ADMIN && account->scope.text) {
        add_error(errors, pointer, "scope",
                  "an admin's is everything: it cannot be combined with "
                  "\"role\"");
    }
    if (account->reads.text && !account->scope.text) {
        add_error(errors, pointer, "reads", "is only for accounts with a "
                  "\"scope\"");
    }
    if (account->n_tiers && !account->scope.text) {
        add_error(errors, pointer, "tiers", "is only for accounts with a "
                  "\"scope\"");
    }
    if (account->iface_ids && !account->scope.text) {
        add_error(errors, pointer, "iface_ids", "is only for accounts with a "
                  "\"scope\"");
    }
}

static const struct schema_example examples[] = {
    EXAMPLE("shop-team", {
        "role": "operator", "scope": "project=shop"}),
    { .name = NULL },
};

const struct schema_table schema_account = {
    .id = VMN_TABLE_ACCOUNT, .plural = "accounts",
    .singular = "account", .kind = "Account", .stored = true,
    .unscoped = true, .max_rows = 10000, .named_as = VMN_N_TABLES,
    .check_name = value_check_name,
    .for_admins = true, .authenticates = true,
    .examples = examples,
    .doc = "A user of the API, and its rights.",
    .columns = columns,
    .row = {
        .name = "account", .size = sizeof(struct vmn_account),
        .fields = fields,
        .finish = finish_account,
    },
};
