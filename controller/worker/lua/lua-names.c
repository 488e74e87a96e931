/* SPDX-License-Identifier: Apache-2.0
 *
 * Names in scripts; see lua-names.h. */

#include <config.h>

#include "controller/worker/lua/lua-names.h"

#define NUMBER(NAME, ID) { NAME, VMN_F_##ID, LUA_VALUE_NUMBER, 0 }
#define MAC(NAME, ID) { NAME, VMN_F_##ID, LUA_VALUE_MAC, 0 }
#define IPV4(NAME, ID) { NAME, VMN_F_##ID, LUA_VALUE_IPV4, 0 }
#define IPV6(NAME, ID) { NAME, VMN_F_##ID, LUA_VALUE_IPV6, 0 }
#define EITHER(NAME, ID, ID6) \
    { NAME, VMN_F_##ID, LUA_VALUE_IP, VMN_F_##ID6 }
#define REG(NAME, ID) { NAME, VMN_REG_##ID, LUA_VALUE_NUMBER, 0 }

const struct lua_field lua_fields[] = {
    NUMBER("in_port", IN_PORT),
    MAC("eth_src", ETH_SRC),
    MAC("eth_dst", ETH_DST),
    NUMBER("eth_type", ETH_TYPE),
    NUMBER("vlan_tci", VLAN_TCI),
    NUMBER("ip_proto", IP_PROTO),
    NUMBER("arp_op", ARP_OP),
    IPV4("arp_spa", ARP_SPA),
    IPV4("arp_tpa", ARP_TPA),
    MAC("arp_sha", ARP_SHA),
    MAC("arp_tha", ARP_THA),
    EITHER("ip_src", IPV4_SRC, IPV6_SRC),
    EITHER("ip_dst", IPV4_DST, IPV6_DST),
    IPV4("ipv4_src", IPV4_SRC),
    IPV4("ipv4_dst", IPV4_DST),
    IPV6("ipv6_src", IPV6_SRC),
    IPV6("ipv6_dst", IPV6_DST),
    EITHER("ct_ip_src", CT_NW_SRC, CT_IPV6_SRC),
    EITHER("ct_ip_dst", CT_NW_DST, CT_IPV6_DST),
    IPV4("ct_nw_src", CT_NW_SRC),
    IPV4("ct_nw_dst", CT_NW_DST),
    IPV6("ct_ipv6_src", CT_IPV6_SRC),
    IPV6("ct_ipv6_dst", CT_IPV6_DST),
    NUMBER("icmpv4_type", ICMPV4_TYPE),
    NUMBER("icmpv4_code", ICMPV4_CODE),
    NUMBER("icmpv6_type", ICMPV6_TYPE),
    NUMBER("icmpv6_code", ICMPV6_CODE),
    IPV6("nd_target", ND_TARGET),
    MAC("nd_sll", ND_SLL),
    MAC("nd_tll", ND_TLL),
    NUMBER("ip_frag", IP_FRAG),
    NUMBER("ip_ttl", IP_TTL),
    NUMBER("ip_dscp", IP_DSCP),
    NUMBER("ip_ecn", IP_ECN),
    NUMBER("ipv6_label", IPV6_LABEL),
    NUMBER("tcp_src", TCP_SRC),
    NUMBER("tcp_dst", TCP_DST),
    NUMBER("tcp_flags", TCP_FLAGS),
    NUMBER("udp_src", UDP_SRC),
    NUMBER("udp_dst", UDP_DST),
    NUMBER("sctp_src", SCTP_SRC),
    NUMBER("sctp_dst", SCTP_DST),
    NUMBER("tun_id", TUN_ID),
    IPV4("tun_src", TUN_SRC),
    IPV4("tun_dst", TUN_DST),
    IPV6("tun_ipv6_src", TUN_IPV6_SRC),
    IPV6("tun_ipv6_dst", TUN_IPV6_DST),
    { "ct_state", VMN_F_CT_STATE, LUA_VALUE_CT_STATE, 0 },
    NUMBER("ct_mark", CT_MARK),
    NUMBER("ct_nw_proto", CT_NW_PROTO),
    NUMBER("ct_tp_src", CT_TP_SRC),
    NUMBER("ct_tp_dst", CT_TP_DST),
    NUMBER("conj_id", CONJ_ID),
    NUMBER("reg0", REG0), NUMBER("reg1", REG1), NUMBER("reg2", REG2),
    NUMBER("reg3", REG3), NUMBER("reg4", REG4), NUMBER("reg5", REG5),
    NUMBER("reg6", REG6), NUMBER("reg7", REG7), NUMBER("reg8", REG8),
    NUMBER("reg9", REG9), NUMBER("reg10", REG10), NUMBER("reg11", REG11),
    NUMBER("reg12", REG12), NUMBER("reg13", REG13), NUMBER("reg14", REG14),
    NUMBER("reg15", REG15),
    REG("reg_network", NETWORK),
    REG("reg_src_id", SRC_ID),
    REG("reg_dst_id", DST_ID),
    REG("reg_src_local", SRC_LOCAL),
    REG("reg_dst_local", DST_LOCAL),
    REG("reg_zone", ZONE),
    REG("reg_dst_host", DST_HOST),
    REG("reg_out_port", OUT_PORT),
    REG("reg_balance_zone", BALANCE_ZONE),
    REG("reg_flags", FLAGS),
    REG("reg_neighbour4", NEIGHBOUR4),
    REG("reg_neighbour6", NEIGHBOUR6),
    REG("reg_mac_value", MAC_VALUE),
    REG("reg_client_service", CLIENT_SERVICE),
    REG("reg_client_value", CLIENT_VALUE),
    REG("reg_member", MEMBER),
    REG("reg_member_learned", MEMBER_LEARNED),
    REG("reg_member_list", MEMBER_LIST),
    REG("reg_member_value", MEMBER_VALUE),
    { .name = NULL },
};

#define NAME(TEXT, ID) { TEXT, VMN_##ID }
#define NAMES_END { .name = NULL }

const struct lua_name lua_hooks[] = {
    NAME("admit", HOOK_ADMIT),
    NAME("service", HOOK_SERVICE),
    NAME("balance", HOOK_BALANCE),
    NAME("route", HOOK_ROUTE),
    NAME("locate", HOOK_LOCATE),
    NAME("track", HOOK_TRACK),
    NAME("policy", HOOK_POLICY),
    NAME("unbalance", HOOK_UNBALANCE),
    NAME("deliver", HOOK_DELIVER),
    NAMES_END,
};

const struct lua_name lua_misses[] = {
    NAME("next", MISS_NEXT),
    NAME("drop", MISS_DROP),
    NAME("none", MISS_NONE),
    NAMES_END,
};

const struct lua_name lua_indexes[] = {
    NAME("all_hosts", INDEX_ALL_HOSTS),
    NAME("all_tiers", INDEX_ALL_TIERS),
    NAME("port_by_network", INDEX_PORT_BY_NETWORK),
    NAME("port_by_label", INDEX_PORT_BY_LABEL),
    NAME("port_by_host", INDEX_PORT_BY_HOST),
    NAME("group_by_port", INDEX_GROUP_BY_PORT),
    NAME("group_by_anchor", INDEX_GROUP_BY_ANCHOR),
    NAME("policy_by_group", INDEX_POLICY_BY_GROUP),
    NAME("lb_by_network", INDEX_LB_BY_NETWORK),
    NAME("quarantine_by_port", INDEX_QUARANTINE_BY_PORT),
    NAME("quarantine_by_anchor", INDEX_QUARANTINE_BY_ANCHOR),
    NAME("quarantine_selects", INDEX_QUARANTINE_SELECTS),
    NAME("port_by_ip", INDEX_PORT_BY_IP),
    NAME("router_by_network", INDEX_ROUTER_BY_NETWORK),
    NAME("router_by_external", INDEX_ROUTER_BY_EXTERNAL),
    NAME("floating_by_router", INDEX_FLOATING_BY_ROUTER),
    NAME("floating_by_port", INDEX_FLOATING_BY_PORT),
    NAME("zone_by_network", INDEX_ZONE_BY_NETWORK),
    NAME("port_by_parent", INDEX_PORT_BY_PARENT),
    NAMES_END,
};

const struct lua_name lua_row_types[] = {
    NAME("host", ROW_HOST),
    NAME("network", ROW_NETWORK),
    NAME("port", ROW_PORT),
    NAME("group", ROW_GROUP),
    NAME("service", ROW_SERVICE),
    NAME("tier", ROW_TIER),
    NAME("policy", ROW_POLICY),
    NAME("quarantine", ROW_QUARANTINE),
    NAME("loadbalancer", ROW_LOADBALANCER),
    NAME("router", ROW_ROUTER),
    NAME("floating_ip", ROW_FLOATING_IP),
    NAME("dns_zone", ROW_DNS_ZONE),
    NAME("observation", ROW_OBSERVATION),
    NAME("binding", ROW_BINDING),
    NAME("underlay", ROW_UNDERLAY),
    NAME("health", ROW_HEALTH),
    NAME("vif", ROW_VIF),
    NAME("fqdn", ROW_FQDN),
    NAMES_END,
};

const struct lua_name lua_field_types[] = {
    NAME("bool", FIELD_BOOL),
    NAME("int", FIELD_INT),
    NAME("text", FIELD_TEXT),
    NAME("enum", FIELD_ENUM),
    NAME("ref", FIELD_REF),
    NAME("mac", FIELD_MAC),
    NAME("ip", FIELD_IP),
    NAME("prefix", FIELD_PREFIX),
    NAME("port_range", FIELD_PORT_RANGE),
    NAME("selector", FIELD_SELECTOR),
    NAME("struct", FIELD_STRUCT),
    NAMES_END,
};

const struct lua_name lua_group_types[] = {
    NAME("all", GROUP_ALL),
    NAME("select", GROUP_SELECT),
    NAME("failover", GROUP_FAILOVER),
    NAMES_END,
};

const struct lua_name lua_neighbours[] = {
    NAME("arp", NEIGHBOUR_ARP),
    NAME("advert", NEIGHBOUR_ADVERT),
    NAME("solicit", NEIGHBOUR_SOLICIT),
    NAMES_END,
};

const struct lua_name lua_ct_thens[] = {
    NAME("stop", CT_STOP),
    NAME("next", CT_NEXT),
    NAME("table", CT_TABLE),
    NAMES_END,
};

/* As ovs-fields(7) has them: "+trk-new". */
const struct lua_name lua_ct_bits[] = {
    NAME("new", CT_NEW),
    NAME("est", CT_EST),
    NAME("rel", CT_REL),
    NAME("rpl", CT_RPL),
    NAME("inv", CT_INV),
    NAME("trk", CT_TRK),
    NAME("snat", CT_SNAT),
    NAME("dnat", CT_DNAT),
    NAMES_END,
};

/* Members of the global "vmn". */
const struct lua_name lua_constants[] = {
    NAME("eth_ipv4", ETH_IPV4),
    NAME("eth_arp", ETH_ARP),
    NAME("eth_ipv6", ETH_IPV6),
    NAME("ip_proto_icmp", IP_PROTO_ICMP),
    NAME("ip_proto_tcp", IP_PROTO_TCP),
    NAME("ip_proto_udp", IP_PROTO_UDP),
    NAME("ip_proto_fragment", IP_PROTO_FRAGMENT),
    NAME("ip_proto_icmpv6", IP_PROTO_ICMPV6),
    NAME("ip_proto_sctp", IP_PROTO_SCTP),
    NAME("icmp_echo_reply", ICMP_ECHO_REPLY),
    NAME("icmp_unreachable", ICMP_UNREACHABLE),
    NAME("icmp_echo", ICMP_ECHO),
    NAME("icmpv6_unreachable", ICMPV6_UNREACHABLE),
    NAME("icmpv6_too_big", ICMPV6_TOO_BIG),
    NAME("icmpv6_echo", ICMPV6_ECHO),
    NAME("icmpv6_echo_reply", ICMPV6_ECHO_REPLY),
    NAME("nd_router_solicit", ND_ROUTER_SOLICIT),
    NAME("nd_router_advert", ND_ROUTER_ADVERT),
    NAME("nd_solicit", ND_SOLICIT),
    NAME("nd_advert", ND_ADVERT),
    NAME("frag_any", FRAG_ANY),
    NAME("frag_later", FRAG_LATER),
    NAME("tcp_rst", TCP_RST),
    NAME("ct_new", CT_NEW),
    NAME("ct_est", CT_EST),
    NAME("ct_rel", CT_REL),
    NAME("ct_rpl", CT_RPL),
    NAME("ct_inv", CT_INV),
    NAME("ct_trk", CT_TRK),
    NAME("ct_snat", CT_SNAT),
    NAME("ct_dnat", CT_DNAT),
    NAME("flag_hairpin", FLAG_HAIRPIN),
    NAME("flag_routed", FLAG_ROUTED),
    NAME("flag_external", FLAG_EXTERNAL),
    NAME("flag_large", FLAG_LARGE),
    NAME("flag_unknown", FLAG_UNKNOWN),
    NAME("flag_limited", FLAG_LIMITED),
    NAME("flag_named", FLAG_NAMED),
    NAME("flag_pcp_shift", FLAG_PCP_SHIFT),
    NAME("flag_pcp_bits", FLAG_PCP_BITS),
    NAME("flag_pcp_mask", FLAG_PCP_MASK),
    NAME("tunnel_ofport", TUNNEL_OFPORT),
    NAME("geneve_ofport", GENEVE_OFPORT),
    NAME("out_several", OUT_SEVERAL),
    NAME("out_several_unknown", OUT_SEVERAL_UNKNOWN),
    NAME("dst_host_flood", DST_HOST_FLOOD),
    NAME("dst_host_router", DST_HOST_ROUTER),
    NAME("dst_host_external", DST_HOST_EXTERNAL),
    NAME("dst_host_provider", DST_HOST_PROVIDER),
    NAME("dst_host_unknown", DST_HOST_UNKNOWN),
    NAMES_END,
};
