/* SPDX-License-Identifier: Apache-2.0
 *
 * The text forms of the values of vmn/types.h: names, MAC and IP addresses,
 * prefixes, port ranges, label keys and values, OVSDB remotes.
 *
 * A parser or check returns 0 if the text is fine, otherwise EINVAL with the
 * error set, unless that is NULL; the output is then not changed.  A
 * formatter writes into a caller's buffer of the given size and
 * returns it.  Not for JSON (schema-parse.c). */

#ifndef CONTROLLER_SCHEMA_VALUE_H
#define CONTROLLER_SCHEMA_VALUE_H 1

#include <stdbool.h>
#include <stddef.h>

#include "controller/schema/error.h"
#include "vmn/types.h"

#define VALUE_MAC_SIZE 18
#define VALUE_IP_SIZE 46
#define VALUE_PREFIX_SIZE 50
#define VALUE_RANGE_SIZE 12

/* Longest label key ("[PREFIX/]NAME") and value, in characters. */
#define VALUE_LABEL_KEY_LEN 128
#define VALUE_LABEL_VALUE_LEN 63

int value_parse_mac(const char *, struct vmn_mac *, struct vmn_error *);
char *value_format_mac(struct vmn_mac, char buf[VALUE_MAC_SIZE]);
bool value_mac_is_none(struct vmn_mac);
/* Returns true if it is VMN's own: VMN_RESERVED_MAC_*. */
bool value_mac_is_reserved(struct vmn_mac);

/* May it be a host's?  0.0.0.0/8, multicast and what is above are not; of IPv6
 * neither ::, ::1, multicast, nor ::ffff:0:0/96. */
bool value_ip_is_unicast(const struct vmn_ip *);

/* Returns true for multicast addresses and 255.255.255.255. */
bool value_ip_is_group(const struct vmn_ip *);
/* Returns true for 0.0.0.0 and ::, the source of a host that has no address
 * yet. */
bool value_ip_is_zero(const struct vmn_ip *);

/* Returns true for addresses on the link at which VMN serves guests: DNS, DHCP
 * and router discovery, metadata, probes. */
bool value_ip_is_served(const struct vmn_ip *);

/* An address of any kind. */
int value_parse_any_ip(const char *, struct vmn_ip *, struct vmn_error *);
/* A unicast address.  IPv6 is printed as RFC 5952 has it. */
int value_parse_ip(const char *, struct vmn_ip *, struct vmn_error *);
char *value_format_ip(const struct vmn_ip *, char buf[VALUE_IP_SIZE]);

/* How many an address of 'family' has: the length of its longest prefix. */
int value_ip_bits(uint8_t family);

/* "10.0.0.0/24", "fd00::/64"; "10.0.0.1" for "10.0.0.1/32".  "0.0.0.0" and
 * "::" are meant as all addresses rather than as one, so they are refused
 * without 'zero_ok'. */
int value_parse_prefix(const char *, bool zero_ok, struct vmn_prefix *,
                       struct vmn_error *);
char *value_format_prefix(const struct vmn_prefix *,
                          char buf[VALUE_PREFIX_SIZE]);
bool value_prefix_contains(const struct vmn_prefix *, const struct vmn_ip *);
bool value_prefix_overlaps(const struct vmn_prefix *,
                           const struct vmn_prefix *);
/* Addresses of a prefix by their index, 0 for the first one.  False if it does
 * not contain the address, or if that is not among its first 2^63. */
bool value_prefix_index(const struct vmn_prefix *, const struct vmn_ip *,
                        uint64_t *index);
struct vmn_ip value_prefix_nth(const struct vmn_prefix *, uint64_t index);
/* First and last index that is allocated, unless something else is asked for:
 * of IPv6, the last is 2^32 - 1 at most. */
void value_prefix_usable(const struct vmn_prefix *, uint64_t *first,
                         uint64_t *last);
/* True for what no host may have: IPv4's all-zeros and all-ones hosts (up to
 * /30), and the address that IPv6 has for routers of the subnet (all zeros,
 * up to /126; RFC 4291, section 2.6.1). */
bool value_prefix_is_reserved(const struct vmn_prefix *,
                              const struct vmn_ip *);

/* "80" or "8000-8010"; ports are 1 to 65535. */
int value_parse_range(const char *, struct vmn_port_range *,
                      struct vmn_error *);
char *value_format_range(struct vmn_port_range, char buf[VALUE_RANGE_SIZE]);

/* [a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])? */
int value_check_name(const char *, struct vmn_error *);
/* [a-z][a-z0-9_]{0,30}: of a field of a type that an app declares. */
int value_check_field_name(const char *, struct vmn_error *);
/* [A-Za-z0-9._-]{1,63} */
int value_check_iface_id(const char *, struct vmn_error *);
/* A physical network's name: 1 to 32 of a-z, 0-9, '-' and '.', with a letter
 * or digit at both ends. */
#define VALUE_PHYSICAL_LEN 32
int value_check_physical(const char *, struct vmn_error *);
/* An interface id, or '@' and the name of a physical network, or '=' and that
 * of a host, or '+' and a type of tunnels, or '~' and an interface's name. */
int value_check_vif_iface_id(const char *, struct vmn_error *);
/* HOST/IFACE-ID, where this may be the latter, too. */
int value_check_vif_name(const char *, struct vmn_error *);
/* 16 hexadecimal digits, not all of them 0. */
int value_check_datapath_id(const char *, struct vmn_error *);
/* BALANCER/PORT. */
int value_check_health_name(const char *, struct vmn_error *);
/* "/...", what a GET asks for: no spaces, no control characters. */
int value_check_http_path(const char *, struct vmn_error *);
/* "http://HOST[:PORT]/..." or "https://...". */
int value_check_http_url(const char *, struct vmn_error *);
/* What is sent in a Host header. */
int value_check_http_host(const char *, struct vmn_error *);
/* "inbound", "tcp:HOST:PORT", "ssl:HOST:PORT", "unix:/PATH". */
int value_check_ovsdb(const char *, struct vmn_error *);
/* A bridge's name: what Linux takes as an interface name. */
int value_check_bridge(const char *, struct vmn_error *);
/* The same of an interface. */
int value_check_interface(const char *, struct vmn_error *);
/* "2027-01-31T12:00:00Z". */
#define VALUE_TIME_LEN 20
int value_check_time(const char *, struct vmn_error *);
/* The time in seconds since 1970, of what has passed that check. */
int64_t value_parse_time(const char *);
/* "08:00"; from "00:00" to "24:00". */
#define VALUE_TIME_OF_DAY_LEN 5
int value_check_time_of_day(const char *, struct vmn_error *);
/* The minutes since midnight, 0 to 1440, of what has passed that check. */
int value_parse_time_of_day(const char *);
/* A name of the IANA database of time zones, "Europe/Berlin", without a look
 * at whether it is in there. */
#define VALUE_TIME_ZONE_LEN_MAX 40
int value_check_time_zone(const char *, struct vmn_error *);
/* 64 digits of lower-case hexadecimal. */
#define VALUE_SHA256_LEN 64
int value_check_sha256(const char *, struct vmn_error *);
/* A name in DNS: labels of A-Z, a-z, 0-9, '-' and '_', 1 to 63 characters
 * each. */
#define VALUE_DOMAIN_LEN 253
int value_check_domain(const char *, struct vmn_error *);
/* The same without capital letters. */
int value_check_lower_domain(const char *, struct vmn_error *);
/* The same that a rule may name: with a dot inside, and no address; or all
 * such names below one, "*.example.com", or at any depth, "**.example.com". */
int value_check_fqdn(const char *, struct vmn_error *);
/* Returns true if what has passed that check is of many names. */
bool value_fqdn_is_wildcard(const char *);
/* How many of them are resolved, those that a policy may name, and the
 * addresses of each. */
#define VALUE_FQDNS_MAX 4096
#define VALUE_FQDNS_POLICY_MAX 128
#define VALUE_FQDN_IPS_MAX 100
/* The names of a wildcard that are known at a time. */
#define VALUE_FQDN_NAMES_MAX 128
/* Those of enum vmn_fqdn_state. */
extern const char *const value_fqdn_states[];
/* A comment on a change: 1 to VALUE_COMMENT_SIZE bytes of UTF-8 without such
 * characters. */
#define VALUE_COMMENT_SIZE 512
int value_check_comment(const char *, struct vmn_error *);
int value_check_label_key(const char *, struct vmn_error *);
int value_check_label_value(const char *, struct vmn_error *);

/* What hosts have for VMs, and VMs need of them: sums of any number of these
 * are far from an overflow of 64 bits. */
#define VALUE_VMS_MAX 100000
#define VALUE_RESOURCE_MAX (1 << 30)

#endif /* controller/schema/value.h */
