/* SPDX-License-Identifier: Apache-2.0
 *
 * The 'finish' functions of the description: what depends on, or contradicts,
 * other fields of the same object.  For schema-tables.c alone. */

#ifndef CONTROLLER_SCHEMA_SCHEMA_FINISH_H
#define CONTROLLER_SCHEMA_SCHEMA_FINISH_H 1

#include "controller/schema/schema.h"

extern const char *const schema_protocol_names[];
extern const char *const schema_direction_names[];

void schema_finish_host(void *, const json_t *, const char *pointer,
                        struct vmn_errors *);
void schema_finish_ip_range(void *, const json_t *, const char *pointer,
                            struct vmn_errors *);
void schema_finish_subnet(void *, const json_t *, const char *pointer,
                          struct vmn_errors *);
void schema_finish_network(void *, const json_t *, const char *pointer,
                           struct vmn_errors *);
void schema_finish_port(void *, const json_t *, const char *pointer,
                        struct vmn_errors *);
void schema_finish_peer(void *, const json_t *, const char *pointer,
                        struct vmn_errors *);
void schema_finish_group(void *, const json_t *, const char *pointer,
                         struct vmn_errors *);
void schema_finish_service_entry(void *, const json_t *, const char *pointer,
                                 struct vmn_errors *);
void schema_finish_rule_service(void *, const json_t *, const char *pointer,
                                struct vmn_errors *);
void schema_finish_policy(void *, const json_t *, const char *pointer,
                          struct vmn_errors *);
void schema_finish_forward(void *, const json_t *, const char *pointer,
                           struct vmn_errors *);
void schema_finish_external(void *, const json_t *, const char *pointer,
                            struct vmn_errors *);
void schema_finish_route(void *, const json_t *, const char *pointer,
                         struct vmn_errors *);
void schema_finish_dns_record(void *, const json_t *, const char *pointer,
                              struct vmn_errors *);
void schema_finish_dns_zone(void *, const json_t *, const char *pointer,
                            struct vmn_errors *);
void schema_finish_telemetry(void *, const json_t *, const char *pointer,
                             struct vmn_errors *);
void schema_finish_router(void *, const json_t *, const char *pointer,
                          struct vmn_errors *);

#endif /* controller/schema/schema-finish.h */
