/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of the descriptions that policies, quarantines and services share.
 * Only for the descriptions of resources. */

#ifndef CONTROLLER_SCHEMA_SCHEMA_RULE_H
#define CONTROLLER_SCHEMA_SCHEMA_RULE_H 1

#include "controller/schema/schema.h"

extern const char *const schema_protocol_names[];
extern const char *const schema_direction_names[];
extern const char *const schema_action_names[];

/* A protocol with its ports or type. */
extern const struct schema_struct schema_service_entry;
/* A rule, and one that only allows. */
extern const struct schema_struct schema_rule;
extern const struct schema_struct schema_rule_allowed;

#endif /* controller/schema/schema-rule.h */
