/* SPDX-License-Identifier: Apache-2.0
 *
 * The sizes of array elements in rows: implements that part of
 * include/vmn/types.h. */

#include <config.h>

#include "vmn/rows.h"

#include "util.h"

const void *
vmn_element(const void *elements, enum vmn_element type, size_t i)
{
    static const size_t sizes[] = {
        [VMN_ELEMENT_SELECTOR_TERM] = sizeof(struct vmn_selector_term),
        [VMN_ELEMENT_PROVIDER_BRIDGE] = sizeof(struct vmn_provider_bridge),
        [VMN_ELEMENT_DHCP_ROUTE] = sizeof(struct vmn_dhcp_route),
        [VMN_ELEMENT_RESERVATION] = sizeof(struct vmn_reservation),
        [VMN_ELEMENT_SUBNET] = sizeof(struct vmn_subnet),
        [VMN_ELEMENT_ADDRESS_PAIR] = sizeof(struct vmn_address_pair),
        [VMN_ELEMENT_SERVICE_ENTRY] = sizeof(struct vmn_service_entry),
        [VMN_ELEMENT_PEER] = sizeof(struct vmn_peer),
        [VMN_ELEMENT_RULE_SERVICE] = sizeof(struct vmn_rule_service),
        [VMN_ELEMENT_RULE] = sizeof(struct vmn_rule),
        [VMN_ELEMENT_LB_PORT] = sizeof(struct vmn_lb_port),
        [VMN_ELEMENT_BACKEND] = sizeof(struct vmn_backend),
        [VMN_ELEMENT_ROUTER_INTERFACE] = sizeof(struct vmn_router_interface),
        [VMN_ELEMENT_ROUTE] = sizeof(struct vmn_route),
        [VMN_ELEMENT_GATEWAY] = sizeof(struct vmn_gateway),
        [VMN_ELEMENT_FORWARD] = sizeof(struct vmn_forward),
        [VMN_ELEMENT_DNS_RECORD] = sizeof(struct vmn_dns_record),
        [VMN_ELEMENT_WINDOW] = sizeof(struct vmn_window),
        [VMN_ELEMENT_DHCP_OPTION] = sizeof(struct vmn_dhcp_option),
    };

    ovs_assert((size_t) type < ARRAY_SIZE(sizes) && sizes[type]);
    return (const char *) elements + i * sizes[type];
}
