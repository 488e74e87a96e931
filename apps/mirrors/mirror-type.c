/* SPDX-License-Identifier: Apache-2.0
 *
 * The type of the mirrors app: its fields, and which rows are refused.  Not
 * for what is made of them (mirror.c). */

#include "mirrors.h"

#include <string.h>

static const char *const directions[] = {
    [DIRECTION_BOTH] = "both", [DIRECTION_EGRESS] = "egress",
    [DIRECTION_INGRESS] = "ingress", NULL,
};

/* By enum vmn_copy_encap. */
static const char *const encaps[] = {
    [VMN_COPY_GRE] = "gre", [VMN_COPY_ERSPAN] = "erspan", NULL,
};

static const char *const protocols[] = {
    [PROTOCOL_ANY] = "any", [PROTOCOL_TCP] = "tcp", [PROTOCOL_UDP] = "udp",
    [PROTOCOL_SCTP] = "sctp", [PROTOCOL_ICMP] = "icmp",
    [PROTOCOL_ICMPV6] = "icmpv6", [PROTOCOL_ARP] = "arp", NULL,
};

static const char *
filter_fault(const struct mirror_filter *filter, const char **field)
{
    uint8_t family = filter->prefix.ip.family;

    *field = "ports";
    if (mirror_filter_has_ports(filter) && (filter->protocol < PROTOCOL_TCP
                              || filter->protocol > PROTOCOL_SCTP)) {
        return "are of protocol tcp, udp or sctp";
    }
    *field = "prefix";
    if (family == 6 && (filter->protocol == PROTOCOL_ICMP
                        || filter->protocol == PROTOCOL_ARP)) {
        return "is of IPv4, as the protocol is";
    } else if (family == 4 && filter->protocol == PROTOCOL_ICMPV6) {
        return "is of IPv6, as the protocol is";
    }
    return NULL;
}

static void
check_interface(const struct mirror *row, struct vmn_check *check)
{
    const char *name = row->to_interface;

    if (!name) {
        return;
    }
    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
               "0123456789._-") != strlen(name)) {
        vmn_check_fail(check, "/to_interface", "is the name of an interface: "
                       "of A-Z, a-z, 0-9, '.', '_' and '-'");
    } else if (row->to_port || row->to_remote.family) {
        vmn_check_fail(check, "/to_interface", "copies go to a to_interface, "
                       "a to_port or a to_remote, to one of them alone");
    }
}

static void
check_filters(const struct mirror *row, struct vmn_check *check)
{
    for (size_t i = 0; i < row->n_filters; i++) {
        char pointer[] = "/filters/00/protocol";
        const char *field, *fault = filter_fault(&row->filters[i], &field);
        size_t len = strlen("/filters/");

        if (fault) {
            if (i >= 10) {
                pointer[len++] = (char) ('0' + i / 10);
            }
            pointer[len++] = (char) ('0' + i % 10);
            pointer[len++] = '/';
            memcpy(pointer + len, field, strlen(field) + 1);
            vmn_check_fail(check, pointer, "%s", fault);
        }
    }
}

/* Returns why no host can send copies to the address, or NULL. */
static const char *
address_fault(const struct vmn_ip *ip)
{
    const uint8_t *a = ip->addr;
    uint8_t any = 0;

    if (ip->family == 4) {
        return (a[0] == 0 || a[0] == 127 || a[0] >= 224
                ? "must be a host's own address: no loopback, multicast or "
                  "broadcast one" : NULL);
    }
    for (size_t i = 0; i < 8; i++) {
        any |= a[i];
    }
    /* In ::/64 are the unspecified one, loopback, and IPv4's. */
    return (!any || a[0] == 0xff
            || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80)
            ? "must be a host's own address: no loopback, multicast, "
              "link-local or IPv4-mapped one" : NULL);
}

static void
check_remote(const struct mirror *row, struct vmn_check *check)
{
    const char *fault = (row->to_remote.family
                         ? address_fault(&row->to_remote) : NULL);
    bool erspan = row->encap == VMN_COPY_ERSPAN;

    if (!row->to_remote.family
        && (erspan || row->key || row->erspan_ver != ERSPAN_VER_DEFAULT
            || row->erspan_idx || row->erspan_hwid)) {
        vmn_check_fail(check, "/to_remote", "is missing: encap, key, "
                       "erspan_ver, erspan_idx and erspan_hwid are of it");
        return;
    }
    if (row->to_port && row->to_remote.family) {
        vmn_check_fail(check, "/to_remote", "copies go to a to_port or to a "
                       "to_remote, not to both");
    } else if (fault) {
        vmn_check_fail(check, "/to_remote", "%s", fault);
    }
    if (!erspan && (row->erspan_ver != ERSPAN_VER_DEFAULT || row->erspan_idx
                    || row->erspan_hwid)) {
        vmn_check_fail(check, "/encap", "is not erspan, of which erspan_ver, "
                       "erspan_idx and erspan_hwid are");
    } else if (erspan && row->key > VMN_COPY_SESSION_MAX) {
        vmn_check_fail(check, "/key", "is an ERSPAN session: 0 to %d",
                       VMN_COPY_SESSION_MAX);
    } else if (row->erspan_ver == 1 && row->erspan_hwid) {
        vmn_check_fail(check, "/erspan_hwid", "is of erspan_ver 2");
    } else if (row->erspan_ver == 2 && row->erspan_idx) {
        vmn_check_fail(check, "/erspan_idx", "is of erspan_ver 1");
    }
}

static void
check_mirror(const void *row_, struct vmn_check *check)
{
    const struct mirror *row = (const struct mirror *) row_;
    int64_t seconds;

    if (!row->n_ports && !row->n_groups && !row->selector.text
        && !row->n_networks && !row->n_policies) {
        vmn_check_fail(check, "", "a mirror needs ports, groups, a selector, "
                       "networks or policies");
    } else if (row->network && !row->n_groups && !row->selector.text) {
        vmn_check_fail(check, "/network", "is of what groups and selector "
                       "say, which the mirror lacks; all of a network are "
                       "networks");
    }
    if (mirror_is_for_readers(row) && row->max_pps > VMN_COPY_RATE_MAX) {
        vmn_check_fail(check, "/max_pps", "is at most %d without a to_port, "
                       "to_interface or to_remote", VMN_COPY_RATE_MAX);
    }
    if (row->to_port && row->max_size != MAX_SIZE_DEFAULT) {
        vmn_check_fail(check, "/max_size", "is of packets that are read by "
                       "the API or go to a to_interface or a to_remote: a "
                       "to_port gets them whole");
    }
    check_remote(row, check);
    check_interface(row, check);
    if (row->until && !vmn_time_from_text(row->until, &seconds)) {
        vmn_check_fail(check, "/until", "is no time such as "
                       "2027-01-31T12:00:00Z");
    }
    check_filters(row, check);
}

static const struct vmn_struct_class filter = {
    .name = "filter", .size = sizeof(struct mirror_filter),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(mirror_filter, protocol), .type = VMN_FIELD_ENUM,
          .values = protocols, .def = PROTOCOL_ANY, .doc = "Its protocol." },
        { VMN_FIELD(mirror_filter, prefix), .type = VMN_FIELD_PREFIX,
          .doc = "Source or destination is in it; of ARP, sender or target." },
        { VMN_FIELD(mirror_filter, ports), .type = VMN_FIELD_PORT_RANGE,
          .doc = "Source port or destination port is one of these." },
        { .name = NULL },
    },
};

static const struct vmn_struct_class policy = {
    .name = "mirrored_policy", .size = sizeof(struct mirror_policy),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(mirror_policy, policy), .type = VMN_FIELD_REF,
          .ref = "policies", .flags = VMN_FIELD_REQUIRED | VMN_FIELD_KEY,
          .doc = "Its name." },
        { VMN_LIST_FIELD(mirror_policy, rules), .type = VMN_FIELD_INT,
          .flags = VMN_FIELD_SET, .min = 0, .max = RULE_MAX,
          .max_items = RULES_MAX,
          .doc = "Which of its rules, counted from 0, as in logs and drops; "
                 "absent: all." },
        { .name = NULL },
    },
};

static const struct vmn_struct_class mirror = {
    .name = "mirror", .size = sizeof(struct mirror),
    .fields = (const struct vmn_field_class[]) {
        { VMN_LIST_FIELD(mirror, ports), .type = VMN_FIELD_REF,
          .ref = "ports", .flags = VMN_FIELD_SET,
          .doc = "Ports whose packets are copied." },
        { VMN_LIST_FIELD(mirror, groups), .type = VMN_FIELD_REF,
          .ref = "groups", .flags = VMN_FIELD_SET,
          .doc = "The same of these groups." },
        { VMN_FIELD(mirror, selector), .type = VMN_FIELD_SELECTOR,
          .doc = "The same with such labels." },
        { VMN_FIELD(mirror, network), .type = VMN_FIELD_REF,
          .ref = "networks", .flags = VMN_FIELD_MENTIONS,
          .doc = "Of `groups` and `selector`, ports of this network alone." },
        { VMN_LIST_FIELD(mirror, networks), .type = VMN_FIELD_REF,
          .ref = "networks",
          .flags = VMN_FIELD_SET | VMN_FIELD_ADMINISTRATORS,
          .doc = "All ports of these networks, whosever they are." },
        { VMN_LIST_FIELD(mirror, policies), .type = VMN_FIELD_STRUCT,
          .flags = VMN_FIELD_SET, .nested = &policy,
          .max_items = POLICIES_MAX,
          .doc = "Packets on which rules of these policies decide, dropped "
                 "ones too, of the ports that the policies apply to." },
        { VMN_FIELD(mirror, direction), .type = VMN_FIELD_ENUM,
          .values = directions, .def = DIRECTION_BOTH,
          .doc = "egress: what the VM sends; ingress: what it gets." },
        { VMN_LIST_FIELD(mirror, filters), .type = VMN_FIELD_STRUCT,
          .flags = VMN_FIELD_LIST, .nested = &filter,
          .max_items = FILTERS_MAX,
          .doc = "Which packets: those that one of these matches; none: "
                 "all." },
        { VMN_FIELD(mirror, to_port), .type = VMN_FIELD_REF, .ref = "ports",
          .flags = VMN_FIELD_ADMINISTRATORS,
          .doc = "The port that gets the copies, on whichever host it is; "
                 "without it, `to_interface` and `to_remote` they are for "
                 "`GET /v1/packets`." },
        { VMN_FIELD(mirror, to_interface), .type = VMN_FIELD_TEXT,
          .flags = VMN_FIELD_ADMINISTRATORS, .min = 1,
          .max = VMN_COPY_INTERFACE_MAX,
          .doc = "The interface that gets the copies, of this name on each "
                 "host with ports of the mirror: one that somebody has "
                 "attached to the bridge there, and that is no VM's." },
        { VMN_FIELD(mirror, to_remote), .type = VMN_FIELD_IP,
          .flags = VMN_FIELD_ADMINISTRATORS,
          .doc = "The address outside that gets the copies, from each host "
                 "for itself, by a tunnel." },
        { VMN_FIELD(mirror, encap), .type = VMN_FIELD_ENUM,
          .flags = VMN_FIELD_ADMINISTRATORS,
          .values = encaps, .def = VMN_COPY_GRE,
          .doc = "Of a `to_remote`: how copies are encapsulated." },
        { VMN_FIELD(mirror, key), .type = VMN_FIELD_INT,
          .flags = VMN_FIELD_ADMINISTRATORS, .min = 0, .max = INT32_MAX,
          .doc = "Of a `to_remote`: the key of GRE; of ERSPAN the session, 0 "
                 "to 1023." },
        { VMN_FIELD(mirror, erspan_ver), .type = VMN_FIELD_INT,
          .flags = VMN_FIELD_ADMINISTRATORS, .min = 1, .max = 2,
          .def = ERSPAN_VER_DEFAULT,
          .doc = "Of ERSPAN, 1: type II; 2: type III." },
        { VMN_FIELD(mirror, erspan_idx), .type = VMN_FIELD_INT,
          .flags = VMN_FIELD_ADMINISTRATORS,
          .min = 0, .max = VMN_COPY_INDEX_MAX,
          .doc = "Of ERSPAN's version 1: the index in its header." },
        { VMN_FIELD(mirror, erspan_hwid), .type = VMN_FIELD_INT,
          .flags = VMN_FIELD_ADMINISTRATORS,
          .min = 0, .max = VMN_COPY_HWID_MAX,
          .doc = "Of ERSPAN's version 2: the hardware ID in its header." },
        { VMN_FIELD(mirror, sampling), .type = VMN_FIELD_INT,
          .flags = VMN_FIELD_ADMINISTRATORS, .min = 1, .max = SAMPLING_MAX,
          .def = 1,
          .doc = "Of so many connections, by a hash of their addresses and "
                 "ports, one is copied, whole." },
        { VMN_FIELD(mirror, max_pps), .type = VMN_FIELD_INT, .min = 1,
          .max = VMN_LIMIT_MAX, .def = MAX_PPS_DEFAULT,
          .doc = "Copies a second, at most, from each host; what is more is "
                 "not copied.  Of those for `GET /v1/packets` at most "
                 "2,000." },
        { VMN_FIELD(mirror, max_size), .type = VMN_FIELD_INT,
          .min = VMN_COPY_SIZE_MIN, .max = MAX_SIZE_DEFAULT,
          .def = MAX_SIZE_DEFAULT,
          .doc = "Without `to_port`: of a longer packet its first bytes, so "
                 "many." },
        { VMN_FIELD(mirror, until), .type = VMN_FIELD_TEXT, .min = 0,
          .max = 20,
          .doc = "When it ends, `2027-01-31T12:00:00Z`: then it is deleted; "
                 "absent: never." },
        { .name = NULL },
    },
};

static const struct vmn_field_class status[] = {
    { .name = "active", .type = VMN_FIELD_BOOL, .relation = REL_ACTIVE,
      .doc = "Whether it copies: its time is not over, its `to_port` can be "
             "given copies, and of hosts with its ports some have the tunnel "
             "for its `to_remote`, or its `to_interface`." },
    { .name = "problem", .type = VMN_FIELD_TEXT, .relation = REL_PROBLEM,
      .doc = "Why it copies nothing, or some hosts do not." },
    { .name = "hosts", .type = VMN_FIELD_TEXT, .flags = VMN_FIELD_LIST,
      .relation = REL_HOSTS, .doc = "Where its ports are." },
    { .name = "ports", .type = VMN_FIELD_TEXT, .flags = VMN_FIELD_LIST,
      .relation = REL_PORTS, .doc = "The ports that are copied." },
    { .name = NULL },
};

const struct vmn_type_class mirrors_types[] = {
    { .name = TYPE_NAME, .singular = "mirror",
      .doc = "Copies of what ports send and get, to a port, to an interface "
             "of the host, to an address outside or to who reads them.",
      .row = &mirror, .check = check_mirror, .max_objects = 1000,
      .status = status },
    { .name = NULL },
};
