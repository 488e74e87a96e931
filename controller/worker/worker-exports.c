/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker offers to its app besides reading (worker-view.c) and emitting
 * (record-calls.c): functions of include/vmn that only compute.  Named here,
 * they are linked with the program although it does not call them.  All
 * together are what controller/vmn.map has, which a test checks. */

#include <config.h>

#include "vmn/app.h"
#include "vmn/bytes.h"
#include "vmn/dhcp.h"
#include "vmn/dns.h"
#include "vmn/requests.h"

#define EXPORT(NAME) (void (*)(void)) NAME

extern void (*const worker_exports[])(void);
void (*const worker_exports[])(void) = {
    EXPORT(vmn_arp_request_build),
    EXPORT(vmn_dhcp4_end),
    EXPORT(vmn_dhcp4_get),
    EXPORT(vmn_dhcp4_parse),
    EXPORT(vmn_dhcp4_put),
    EXPORT(vmn_dhcp4_start),
    EXPORT(vmn_dhcp6_close),
    EXPORT(vmn_dhcp6_find),
    EXPORT(vmn_dhcp6_next),
    EXPORT(vmn_dhcp6_open),
    EXPORT(vmn_dhcp6_parse),
    EXPORT(vmn_dhcp6_put),
    EXPORT(vmn_dhcp6_start),
    EXPORT(vmn_dns_add_ip),
    EXPORT(vmn_dns_add_name),
    EXPORT(vmn_dns_add_soa),
    EXPORT(vmn_dns_add_srv),
    EXPORT(vmn_dns_end),
    EXPORT(vmn_dns_parse),
    EXPORT(vmn_dns_reverse),
    EXPORT(vmn_dns_start),
    EXPORT(vmn_element),
    EXPORT(vmn_http_find),
    EXPORT(vmn_http_parse),
    EXPORT(vmn_ip_from_text),
    EXPORT(vmn_ip_text),
    EXPORT(vmn_key_split),
    EXPORT(vmn_keyed_hash),
    EXPORT(vmn_labels_get),
    EXPORT(vmn_mac_from_text),
    EXPORT(vmn_mac_text),
    EXPORT(vmn_nd_advert_build),
    EXPORT(vmn_nd_announce_build),
    EXPORT(vmn_nd_solicit_build),
    EXPORT(vmn_prefix_contains),
    EXPORT(vmn_prefix_from_text),
    EXPORT(vmn_prefix_text),
    EXPORT(vmn_prefixes_merge),
    EXPORT(vmn_prefixes_subtract),
    EXPORT(vmn_put),
    EXPORT(vmn_put_ip),
    EXPORT(vmn_put_name),
    EXPORT(vmn_put_u16),
    EXPORT(vmn_put_u32),
    EXPORT(vmn_put_u8),
    EXPORT(vmn_put_zeros),
    EXPORT(vmn_ra_build),
    EXPORT(vmn_ranges_merge),
    EXPORT(vmn_reject_build),
    EXPORT(vmn_reject_build_as),
    EXPORT(vmn_rs_parse),
    EXPORT(vmn_selector_matches),
    EXPORT(vmn_set_u16),
    EXPORT(vmn_time_from_text),
    EXPORT(vmn_udp_build),
    EXPORT(vmn_udp_parse),
    EXPORT(vmn_udp_swap),
};
