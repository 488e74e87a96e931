/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain value types that rows, apps and the controller share: addresses,
 * labels, selectors, name lists.  Not for behaviour: only what is needed to
 * look at a value is declared here. */

#ifndef VMN_TYPES_H
#define VMN_TYPES_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longest name of an object, in characters, without the final null. */
#define VMN_NAME_LEN 63

/* An Ethernet address, in wire order.  All zeros: none. */
struct vmn_mac {
    uint8_t ea[6];
};

/* An IP address, in wire order.  IPv4 uses the first four bytes and leaves
 * the others zero, so that two equal addresses are equal by memcmp(). */
struct vmn_ip {
    uint8_t family;             /* 4, 6, or 0 for none. */
    uint8_t addr[16];
};

/* Each returns true if what its name says is so: both are equal, byte by byte,
 * or there is no address. */
static inline bool
vmn_mac_equal(struct vmn_mac a, struct vmn_mac b)
{
    return !memcmp(&a, &b, sizeof a);
}
static inline bool
vmn_mac_is_none(struct vmn_mac mac)
{
    return vmn_mac_equal(mac, (struct vmn_mac) { { 0 } });
}
static inline bool
vmn_ip_equal(const struct vmn_ip *a, const struct vmn_ip *b)
{
    return !memcmp(a, b, sizeof *a);
}

/* Returns how many bits an address has: 128 or 32. */
static inline uint8_t
vmn_ip_bits(const struct vmn_ip *ip)
{
    return ip->family == 6 ? 128 : 32;
}

/* Returns the address on the link that follows from a MAC (RFC 4291, appendix
 * A). */
static inline struct vmn_ip
vmn_link_local(struct vmn_mac mac)
{
    const uint8_t *ea = mac.ea;

    return (struct vmn_ip) { .family = 6, .addr = {
        0xfe, 0x80, 0, 0, 0, 0, 0, 0,
        ea[0] ^ 2, ea[1], ea[2], 0xff, 0xfe, ea[3], ea[4], ea[5] } };
}

/* An address range in CIDR form.  The host bits of 'ip' are zero. */
struct vmn_prefix {
    struct vmn_ip ip;
    uint8_t len;                /* 0 to 32, or 0 to 128. */
};

/* An inclusive range of transport ports, in host order. */
struct vmn_port_range {
    uint16_t first;
    uint16_t last;
};

/* Elements of arrays in rows get members, too, so only the controller knows
 * how long they are.  Apps reach element 'i' of an array of struct vmn_X by
 * vmn_X_at(row, i); to them the arrays are of types without a size.  Other
 * arrays (of addresses, prefixes, ranges, names) are as they seem. */
#ifdef VMN_CONTROLLER
#define VMN_ELEMENTS(STRUCT) const struct STRUCT *
#else
#define VMN_ELEMENTS(STRUCT) const struct STRUCT##_elements *
#endif

/* Types of such elements, for vmn_element(). */
enum vmn_element {
    VMN_ELEMENT_SELECTOR_TERM = 1,
    VMN_ELEMENT_PROVIDER_BRIDGE = 2,
    VMN_ELEMENT_DHCP_ROUTE = 3,
    VMN_ELEMENT_RESERVATION = 4,
    VMN_ELEMENT_SUBNET = 5,
    VMN_ELEMENT_ADDRESS_PAIR = 6,
    VMN_ELEMENT_SERVICE_ENTRY = 7,
    VMN_ELEMENT_PEER = 8,
    VMN_ELEMENT_RULE_SERVICE = 9,
    VMN_ELEMENT_RULE = 10,
    VMN_ELEMENT_LB_PORT = 11,
    VMN_ELEMENT_BACKEND = 12,
    VMN_ELEMENT_ROUTER_INTERFACE = 13,
    VMN_ELEMENT_ROUTE = 14,
    VMN_ELEMENT_GATEWAY = 15,
    VMN_ELEMENT_FORWARD = 16,
    VMN_ELEMENT_DNS_RECORD = 17,
    VMN_ELEMENT_WINDOW = 18,
    VMN_ELEMENT_DHCP_OPTION = 19,
};

/* Returns element 'i' of an array in a row; 'i' must be less than how many
 * there are.  Apps call the vmn_X_at() of the array instead. */
const void *vmn_element(const void *elements, enum vmn_element, size_t i);

#define VMN_ELEMENT_READER(NAME, ROW, MEMBER, STRUCT, ELEMENT)          \
    static inline const struct STRUCT *                                 \
    NAME(const struct ROW *row, size_t i)                               \
    {                                                                   \
        return (const struct STRUCT *) vmn_element(row->MEMBER,         \
                                                   ELEMENT, i);         \
    }

/* A label of an object. */
struct vmn_label {
    const char *key;
    const char *value;
};

/* The labels of an object, sorted by key, each key once. */
struct vmn_labels {
    size_t n;
    const struct vmn_label *labels;
};

/* What a condition on labels asks. */
enum vmn_selector_op {
    VMN_SEL_IN = 0,             /* "k=v", "k in (v,w)": one of the values. */
    VMN_SEL_NOT_IN = 1,         /* "k!=v", "k notin (v,w)": absent or other. */
    VMN_SEL_EXISTS = 2,         /* "k". */
    VMN_SEL_NOT_EXISTS = 3,     /* "!k". */
};

/* One such condition. */
struct vmn_selector_term {
    enum vmn_selector_op op;
    const char *key;
    size_t n_values;            /* Sorted, each once.  0 for (NOT_)EXISTS. */
    const char *const *values;
};

/* A conjunction of conditions on labels.  'text' is the canonical form; NULL
 * when the object has no selector, and that selects nothing.  The empty text
 * selects everything. */
struct vmn_selector {
    const char *text;
    size_t n_terms;
    VMN_ELEMENTS(vmn_selector_term) terms;
};
VMN_ELEMENT_READER(vmn_selector_term_at, vmn_selector, terms,
                   vmn_selector_term, VMN_ELEMENT_SELECTOR_TERM)

/* A sorted list of names, each once. */
struct vmn_names {
    size_t n;
    const char *const *names;
};

/* Returns true if 'ip' is in 'prefix'. */
bool vmn_prefix_contains(const struct vmn_prefix *, const struct vmn_ip *ip);

/* Returns true if 'labels' satisfy 'selector'. */
bool vmn_selector_matches(const struct vmn_selector *selector,
                          const struct vmn_labels *labels);

/* Returns the value of label 'key', or NULL. */
const char *vmn_labels_get(const struct vmn_labels *labels, const char *key);

/* Brings a set to its smallest form, in place and sorted: prefixes that others
 * contain go, and two that are the halves of a shorter one become that.
 * Returns how many are left.  Two sets of the same addresses end equal. */
size_t vmn_prefixes_merge(struct vmn_prefix *prefixes, size_t n);

/* Takes the addresses of 'except' out of those of 'from'; both are as
 * vmn_prefixes_merge() leaves them, and the result is, too.  Puts it in
 * 'left', which must have room for it, or only counts if that is NULL.
 * Returns how many prefixes it is. */
size_t vmn_prefixes_subtract(const struct vmn_prefix *from, size_t n,
                             const struct vmn_prefix *except, size_t n_except,
                             struct vmn_prefix *left);

/* Returns the largest mask that covers ports from '*first' on and none behind
 * 'last', at most 65535; moves '*first' behind them. */
static inline uint16_t
vmn_range_mask(uint32_t *first, uint32_t last)
{
    uint32_t size = 1;

    while (!(*first & size) && *first + 2 * size - 1 <= last) {
        size *= 2;
    }
    *first += size;
    return 0xffff & ~(size - 1);
}

/* Does what vmn_prefixes_merge() does, for ranges: those that overlap or touch
 * become one. */
size_t vmn_ranges_merge(struct vmn_port_range *ranges, size_t n);

#ifdef __cplusplus
}
#endif

#endif /* vmn/types.h */
