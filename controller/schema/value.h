/* SPDX-License-Identifier: Apache-2.0
 *
 * The text forms of the values of vmn/types.h: names, MAC and IP addresses,
 * prefixes, port ranges, label keys and values, OVSDB remotes.
 *
 * A parser or check returns NULL if the text is fine, otherwise a sentence
 * (without final period) that the caller frees; the output is then not
 * changed.  A formatter writes into a caller's buffer of the given size and
 * returns it.  Not for JSON (schema-parse.c). */

#ifndef CONTROLLER_SCHEMA_VALUE_H
#define CONTROLLER_SCHEMA_VALUE_H 1

#include <stdbool.h>
#include <stddef.h>

#include "vmn/types.h"

#define VALUE_MAC_SIZE 18
#define VALUE_IP_SIZE 46
#define VALUE_PREFIX_SIZE 50
#define VALUE_RANGE_SIZE 12

/* Longest label key ("[PREFIX/]NAME") and value, in characters. */
#define VALUE_LABEL_KEY_LEN 128
#define VALUE_LABEL_VALUE_LEN 63

char *value_parse_mac(const char *, struct vmn_mac *);
char *value_format_mac(struct vmn_mac, char buf[VALUE_MAC_SIZE]);
bool value_mac_is_none(struct vmn_mac);

/* May it be a host's?  0.0.0.0/8, multicast and what is above are not. */
bool value_ip_is_unicast(const struct vmn_ip *);

/* A unicast IPv4 address. */
char *value_parse_ip(const char *, struct vmn_ip *);
char *value_format_ip(const struct vmn_ip *, char buf[VALUE_IP_SIZE]);

/* "10.0.0.0/24"; with 'host_ok' also "10.0.0.1" for "10.0.0.1/32". */
char *value_parse_prefix(const char *, bool host_ok, struct vmn_prefix *);
char *value_format_prefix(const struct vmn_prefix *,
                          char buf[VALUE_PREFIX_SIZE]);
bool value_prefix_contains(const struct vmn_prefix *, const struct vmn_ip *);
bool value_prefix_overlaps(const struct vmn_prefix *,
                           const struct vmn_prefix *);
/* IPv4 only.  First and last address of 'prefix', in host order. */
void value_prefix_bounds(const struct vmn_prefix *, uint32_t *first,
                         uint32_t *last);
/* True for the all-zeros and all-ones hosts of a prefix of up to /30. */
bool value_prefix_is_reserved(const struct vmn_prefix *,
                              const struct vmn_ip *);
uint32_t value_ip_to_u32(const struct vmn_ip *);
struct vmn_ip value_ip_from_u32(uint32_t);

/* "80" or "8000-8010"; ports are 1 to 65535. */
char *value_parse_range(const char *, struct vmn_port_range *);
char *value_format_range(struct vmn_port_range, char buf[VALUE_RANGE_SIZE]);

/* [a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])? */
char *value_check_name(const char *);
/* [A-Za-z0-9._-]{1,63} */
char *value_check_iface_id(const char *);
/* HOST/IFACE-ID */
char *value_check_vif_name(const char *);
/* "inbound", "tcp:HOST:PORT", "ssl:HOST:PORT", "unix:/PATH". */
char *value_check_ovsdb(const char *);
/* A bridge's name: what Linux takes as an interface name. */
char *value_check_bridge(const char *);
char *value_check_label_key(const char *);
char *value_check_label_value(const char *);

#endif /* controller/schema/value.h */
