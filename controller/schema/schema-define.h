/* SPDX-License-Identifier: Apache-2.0
 *
 * Shorthand in which the resources are described; for schema-tables*.c alone,
 * and what these say to each other. */

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

/* What every desired resource has. */
#define COMMON(STRUCT)                                                  \
    { .name = "description", .type = SCHEMA_STRING,                     \
      AT(STRUCT, description), .flags = SCHEMA_REMARK, .max = 1024,     \
      .doc = "Free text for people." },                                 \
    { .name = "labels", .type = SCHEMA_LABELS, AT(STRUCT, labels),      \
      .max_items = 64, .doc = "Keys and values that selectors match." }

/* schema-tables-net.c */
extern const struct schema_field schema_router_fields[];
extern const struct schema_column schema_router_columns[];
extern const struct schema_struct schema_client_limit;
extern const struct schema_struct schema_provider_bridge;
extern const struct schema_struct schema_provider;
/* schema-tables-door.c */
extern const struct schema_field schema_account_fields[];
extern const struct schema_column schema_account_columns[];
extern const struct schema_field schema_quota_fields[];
extern const struct schema_column schema_quota_columns[];
extern const struct schema_field schema_token_fields[];
extern const struct schema_column schema_token_columns[];
void schema_finish_account(void *account, const json_t *json,
                           const char *pointer, struct vmn_errors *);

extern const struct schema_field schema_floating_ip_fields[];
extern const struct schema_column schema_floating_ip_columns[];
extern const struct schema_field schema_dns_zone_fields[];
extern const struct schema_column schema_dns_zone_columns[];

/* schema-balancer.c */
extern const struct schema_field schema_loadbalancer_fields[];
extern const struct schema_column schema_loadbalancer_columns[];
void schema_finish_loadbalancer(void *lb, const json_t *json,
                                const char *pointer, struct vmn_errors *);

/* schema-telemetry.c */
extern const struct schema_field schema_telemetry_fields[];
extern const struct schema_column schema_telemetry_columns[];

#endif /* controller/schema/schema-define.h */
