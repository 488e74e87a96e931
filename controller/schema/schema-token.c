/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens: what proves an account; see schema.h. */

#include <config.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/value.h"

static const struct schema_field fields[] = {
    COMMON(vmn_token),
    { .name = "account", .type = SCHEMA_REF, AT(vmn_token, account),
      .flags = SCHEMA_REQUIRED, .ref = VMN_TABLE_ACCOUNT,
      .reach = SCHEMA_ACTS,
      .doc = "The account that the token authenticates." },
    { .name = "expires", .type = SCHEMA_STRING, AT(vmn_token, expires),
      .max = VALUE_TIME_LEN, .check = value_check_time,
      .doc = "When it expires, in UTC: \"2027-01-31T12:00:00Z\". Never when "
             "absent." },
    { .name = "sha256", .type = SCHEMA_STRING, AT(vmn_token, sha256),
      .flags = SCHEMA_REQUIRED | SCHEMA_SECRET, .min = VALUE_SHA256_LEN,
      .max = VALUE_SHA256_LEN, .check = value_check_sha256,
      .doc = "SHA-256 of the token, which is NAME.SECRET, in hexadecimal. A "
             "PUT without it generates a secret, which is in the reply, once, "
             "as `secret`." },
    { .name = NULL },
};

static const struct schema_column columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "ACCOUNT", .path = "/spec/account" },
    { .heading = "EXPIRES", .path = "/spec/expires" },
    { .heading = "DESCRIPTION", .path = "/spec/description" },
    { .heading = NULL },
};

static const struct schema_example examples[] = {
    EXAMPLE("shop-ci", {
        "account": "shop-team", "expires": "2027-01-31T12:00:00Z",
        "sha256": "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"}),
    { .name = NULL },
};

const struct schema_table schema_token = {
    .id = VMN_TABLE_TOKEN, .plural = "tokens", .singular = "token",
    .kind = "Token", .stored = true, .unscoped = true, .max_rows = 100000,
    .named_as = VMN_N_TABLES, .check_name = value_check_name,
    .for_admins = true, .authenticates = true,
    .examples = examples,
    .doc = "A bearer token of an account.",
    .columns = columns,
    .row = {
        .name = "token", .size = sizeof(struct vmn_token),
        .fields = fields,
    },
};
