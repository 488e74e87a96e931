/* SPDX-License-Identifier: Apache-2.0
 *
 * DHCP options and router advertisements, as described by networks, subnets
 * and ports.  Only for the schemas of networks and ports. */

#ifndef CONTROLLER_SCHEMA_SCHEMA_DHCP_H
#define CONTROLLER_SCHEMA_SCHEMA_DHCP_H 1

#include "controller/schema/schema.h"

extern const struct schema_struct schema_dhcp_options;
extern const struct schema_struct schema_port_dhcp_options;

#endif /* controller/schema/schema-dhcp.h */
