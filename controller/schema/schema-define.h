/* SPDX-License-Identifier: Apache-2.0
 *
 * Macros for the descriptions of resources; only for their files
 * (schema-port.c). */

#ifndef CONTROLLER_SCHEMA_SCHEMA_DEFINE_H
#define CONTROLLER_SCHEMA_SCHEMA_DEFINE_H 1

#include "controller/schema/schema.h"

#define AT(STRUCT, MEMBER) .offset = offsetof(struct STRUCT, MEMBER)
#define LIST_AT(STRUCT, MEMBER)                             \
    .offset = offsetof(struct STRUCT, MEMBER),              \
    .n_offset = offsetof(struct STRUCT, n_##MEMBER)
#define ASSIGNED_AT(STRUCT, MEMBER)                            \
    .assigned_offset = offsetof(struct STRUCT, MEMBER)
#define NAMES(...) (const char *const[]) { __VA_ARGS__, NULL }
#define FIELDS (const struct schema_field[])
#define COLUMNS (const struct schema_column[])

/* Fields of every desired resource. */
#define COMMON(STRUCT)                                                  \
    { .name = "description", .type = SCHEMA_STRING,                     \
      AT(STRUCT, description), .flags = SCHEMA_REMARK, .max = 1024,     \
      .doc = "Free text for people." },                                 \
    { .name = "labels", .type = SCHEMA_LABELS, AT(STRUCT, labels),      \
      .max_items = 64, .doc = "Keys and values that selectors match." }

/* A JSON literal. */
#define EXAMPLE(NAME, ...) { .name = NAME, .spec = #__VA_ARGS__ }

/* schema-loadbalancer.c; hosts limit what comes to the controller, too. */
extern const struct schema_struct schema_client_limit;

#endif /* controller/schema/schema-define.h */
