/* SPDX-License-Identifier: Apache-2.0
 *
 * What apps agree on: register use, hook points, and the names of the
 * relations and queries that one app provides and others read.  Not for what
 * concerns one app alone. */

#ifndef VMN_VOCABULARY_H
#define VMN_VOCABULARY_H 1

/* Where a stage goes in the pipeline.  Stages at the same hook run in the
 * order of 'order', then those of VMN's own apps first, then by the app's
 * name. */
enum vmn_hook {
    VMN_HOOK_ADMIT = 0,         /* In port or tunnel -> network, source. */
    VMN_HOOK_SERVICE = 1,       /* ARP, DHCP, DNS. */
    VMN_HOOK_BALANCE = 2,       /* VIP -> backend. */
    VMN_HOOK_ROUTE = 3,         /* TTL, MAC rewrite. */
    VMN_HOOK_LOCATE = 4,        /* Destination -> host or port, identity. */
    VMN_HOOK_TRACK = 5,         /* Connection tracking. */
    VMN_HOOK_POLICY = 6,
    VMN_HOOK_UNBALANCE = 7,     /* Backend -> VIP. */
    VMN_HOOK_DELIVER = 8,       /* Out of a port or a tunnel. */
    VMN_N_HOOKS
};

/* Registers, from the admit stage on. */
#define VMN_REG_NETWORK VMN_F_REG0      /* VNI of the packet's network. */
#define VMN_REG_SRC_ID VMN_F_REG1       /* Identity of the source. */
#define VMN_REG_DST_ID VMN_F_REG2       /* Identity of the destination. */
#define VMN_REG_SRC_LOCAL VMN_F_REG3    /* 1: the source is on this host. */
#define VMN_REG_DST_LOCAL VMN_F_REG4    /* 1: the destination is. */
#define VMN_REG_ZONE VMN_F_REG5         /* Policy conntrack zone: number of
                                         * "policy/DOMAIN", and so what tells
                                         * the packet's domain. */
#define VMN_REG_DST_HOST VMN_F_REG6     /* Number of the remote host. */
#define VMN_REG_OUT_PORT VMN_F_REG7     /* Local OpenFlow port, or
                                         * VMN_OUT_SEVERAL. */
#define VMN_REG_BALANCE_ZONE VMN_F_REG8 /* Balancing's conntrack zone: number
                                         * of "balance/DOMAIN". */
#define VMN_REG_FLAGS VMN_F_REG9        /* VMN_FLAG_*. */
/* Registers 10 to 15 are scratch: a stage writes those that it declares
 * (struct vmn_stage_class), and may not expect them to survive into another
 * app's stage, but for those that it keeps.  Those above are for VMN's own
 * apps to write; docs/writing-an-app.md has what others may. */

/* Bits of VMN_REG_FLAGS. */
#define VMN_FLAG_HAIRPIN 1              /* May leave by the port it came by. */
#define VMN_FLAG_ROUTED 2               /* Was routed on this host: network and
                                         * Ethernet addresses are those of its
                                         * last hop. */
#define VMN_FLAG_EXTERNAL 4             /* Came in on this host by a router's
                                         * external network. */
#define VMN_FLAG_LARGE 8                /* More than vmn_act_check_size() was
                                         * told. */
#define VMN_FLAG_UNKNOWN 16             /* Of a sender behind a port with
                                         * 'unknown' that no row names. */
#define VMN_FLAG_LIMITED 32             /* Its connection is new, and within
                                         * the limit of its port. */
#define VMN_FLAG_NAMED 64               /* Rules may name its port, or its type
                                         * of ICMP. */
#define VMN_FLAG_STANDS_IN 128          /* At a gateway that stands by: it
                                         * serves for the one that has
                                         * failed. */

#define VMN_FLAG_UNTRACKED 0x800        /* In the middle of a connection that
                                         * this host may not know, and its
                                         * other one may; within a stage of
                                         * loadbalancer. */

/* Bits 8 to 10 of VMN_REG_FLAGS: the priority of the VLAN tag with which the
 * packet leaves by a provider network (PCP, IEEE 802.1Q). */
#define VMN_FLAG_PCP_SHIFT 8
#define VMN_FLAG_PCP_BITS 3
#define VMN_FLAG_PCP_MASK 0x700u

/* The upper 16 bits of VMN_REG_FLAGS: what VMN_QUERY_ISOLATION says of the
 * source, of the port that sends or, of what is from elsewhere, of the port
 * whose address it has. */
#define VMN_SRC_ISOLATION_SHIFT 16
#define VMN_SRC_ISOLATION_MASK 0xffff0000u

/* The input port, from the admit stage on, of what came by a tunnel; and the
 * OpenFlow number of the tunnel port for VXLAN. */
#define VMN_TUNNEL_OFPORT 40000
/* That of the tunnel port for Geneve, where there is one.  Output goes there;
 * as input port it becomes VMN_TUNNEL_OFPORT. */
#define VMN_GENEVE_OFPORT 40001

/* In VMN_REG_OUT_PORT: a flood's copy for those local ports of the network
 * that have identity VMN_REG_DST_ID, if there are several; and the same of
 * those that have 'unknown'.  No interface has these numbers.  In the upper 16
 * bits, what VMN_QUERY_ISOLATION says of these ports. */
#define VMN_OUT_SEVERAL 40002
#define VMN_OUT_SEVERAL_UNKNOWN 40003
#define VMN_OUT_ISOLATION_SHIFT 16

/* A flood of more copies than this for local ports, one with a copy for more
 * than 2,048, and one for more ports than this where VMN_REL_SNOOPED is, goes
 * to them in parts of so many ports, since a switch gives up a packet after
 * 4,096 lookups: each part is translated by itself.  They are in the order of
 * their isolation, identity and OpenFlow number.  The copy for several ports
 * of part N, from 0, has VMN_OUT_PART + N in place of VMN_OUT_SEVERAL; up to
 * VMN_FLOOD_PARTS_MAX numbers from there on are parts, and seven times as many
 * behind these are overlay's own matter, those for 'unknown' among them.  What
 * is for several ports has VMN_OUT_SEVERAL, VMN_OUT_SEVERAL_UNKNOWN, or
 * VMN_OUT_PART in the bits of VMN_OUT_PARTS_MASK. */
#define VMN_FLOOD_PART 256
#define VMN_FLOOD_PARTS_MAX 256
#define VMN_OUT_PART 0x9000
#define VMN_OUT_PARTS_MASK 0xf800

/* In VMN_REG_DST_HOST: all hosts that have ports of the network. */
#define VMN_DST_HOST_FLOOD 0xffffffffu
/* In VMN_REG_DST_HOST: a router, which is on every host. */
#define VMN_DST_HOST_ROUTER 0xfffffffeu
/* In VMN_REG_DST_HOST: outside, by way of the gateway of a router.  The
 * packet's network is the router's transit then. */
#define VMN_DST_HOST_EXTERNAL 0xfffffffdu
/* In VMN_REG_DST_HOST: the physical network that the packet's network is on,
 * by way of this host's own bridge. */
#define VMN_DST_HOST_PROVIDER 0xfffffffcu
/* In VMN_REG_DST_HOST: all hosts with ports of the network that have
 * 'unknown'. */
#define VMN_DST_HOST_UNKNOWN 0xfffffffbu

/* Relation: network name -> hosts with an enabled port in it, or to which one
 * may move any moment.  Published by overlay.  Scope of whatever concerns one
 * network. */
#define VMN_REL_NETWORK_HOSTS "overlay.network-hosts"

/* Networks that routers join, directly or by way of others, are one routing
 * domain; a network that no router joins is one by itself.  Policy, identities
 * and connection tracking know domains, floods and answers to ARP networks.
 *
 * Query: network name -> text with its final null, the key of its domain:
 * "@" and the name of the first, by name, of the domain's routers.  No value:
 * the network is a domain by itself, and its name the key; see
 * vmn_domain_of().  Provided by router. */
#define VMN_QUERY_DOMAIN "router.domain"

/* Relation: key of a domain that has routers -> hosts of its networks.
 * Published by overlay.  See vmn_scope_domain(). */
#define VMN_REL_DOMAIN_HOSTS "overlay.domain-hosts"

/* Query: "" -> uint32_t, the MTU of overlays whose row has none: what tunnels
 * between all hosts have room for.  See vmn_mtu_of().  Provided by overlay. */
#define VMN_QUERY_MTU "overlay.mtu"

/* Relation: "NETWORK|PREFIX" and "NETWORK|MAC" -> "", addresses that have a
 * meaning in a network: whoever may be behind a port with 'unknown' must not
 * use them, and a port that is allowed a prefix must not answer for those in
 * it.  Published by whichever app gives them that meaning, by
 * vmn_claim_prefix() and its kin; read by overlay. */
#define VMN_REL_CLAIMED "overlay.claimed"

/* Relation: network name -> "", where VMN_REL_CLAIMED is read.  Published by
 * overlay.  See vmn_is_claiming(). */
#define VMN_REL_CLAIMING "overlay.claiming"

/* Relation: port name -> the port by which its guest sends on what it gets
 * there, perhaps the same one.  Ports of service functions (RFC 7665, section
 * 1.4), whose guests forward packets of others: they are handed packets as
 * they are (vmn_act_hand_to_port()), and what they send from an address that
 * is not the port's own is let in.  It has the identity of that address then,
 * and as it comes from elsewhere VMN_REG_SRC_LOCAL is 0.  Ports of provider
 * networks, external ones, and those with 'unknown' are none.  Published by
 * whichever app sends packets there, which also says whom its guest may speak
 * for; read by overlay. */
#define VMN_REL_FUNCTION_PORTS "overlay.function-ports"

/* Relation: network name -> its ports that get no copies of floods: neither
 * broadcasts and multicasts, nor what is for a MAC that several ports may use
 * or that nobody knows.  What they send is flooded as others' is.  For guests
 * that get what is for them in another way, such as those of service functions
 * and of mirrors.  Published by whichever app wants it; read by overlay. */
#define VMN_REL_UNFLOODED_PORTS "overlay.unflooded-ports"

/* Relation: port that migrates -> hosts on which the RARP from its MAC
 * address, by which a hypervisor announces a guest that has migrated there,
 * goes on behind overlay's stage of hook ADMIT, where it is dropped else: the
 * one that QEMU makes, which asks all for the address of the port's own MAC
 * address and says none (opcode 3).  A guest can make it as well, and longer.
 * Whoever publishes it has a flow of its own at that hook that takes it. */
#define VMN_REL_RARP_PORTS "overlay.rarp-ports"

/* Relation: port that migrates -> those of its two hosts that may ask the
 * other one about connections of its guest's: both have the flows that it
 * takes.  What is asked about goes by hook DELIVER with the port's own VNI
 * (VMN_PORT_VNI_KEY) as its network and VMN_REG_DST_HOST; on the other host it
 * comes to hook SERVICE with the VNI still its network, the routing domain of
 * the port, and the way back set.  What comes back with an Ethernet source
 * that begins with VMN_RESERVED_MAC_SERVICE is as if the port had sent it, up
 * to that, and VMN_F_TUN_ID is the VNI.  What is for the port may be handed
 * over as well, by its MAC address as the destination; what comes back with
 * VMN_TOLD_MAC as that goes to the port, past policies: the host that has
 * asked has judged it.  So nothing else is asked with such destinations.
 * Published by overlay. */
#define VMN_REL_ASKING_PORTS "overlay.asking-ports"

/* Relation: port name -> hosts whose flows hand it packets, as
 * VMN_REL_FUNCTION_PORTS has it: by its own VNI at hook DELIVER.  Its guest
 * speaks for nobody by that: what it sends is as any port's.  For guests that
 * are given copies, whatever networks these are of.  Published by whichever
 * app hands it some; read by overlay. */
#define VMN_REL_HANDED_PORTS "overlay.handed-ports"

/* Relation: "" -> "4", "6": the families of tunnels between hosts, which are
 * those of their first addresses: a second one is for hosts that have its
 * family alone.  Published by overlay.  See vmn_tunnels_are_mixed(). */
#define VMN_REL_TUNNEL_FAMILIES "overlay.tunnel-families"

/* Relation: balancer name -> "DOMAIN|ADDRESS", floating addresses by which it
 * is reached in a routing domain as by its virtual IP.  Published by
 * gateway. */
#define VMN_REL_VIRTUAL_IPS "gateway.virtual-ips"

/* Relation: "HOST|PHYSICAL" -> "ROUTER|MAC|ADDRESS", what the host serves in a
 * physical network for routers.  Published by gateway. */
#define VMN_REL_ANNOUNCED "gateway.announced"

/* Relation: policy name -> hosts that have the verdicts of its rules.
 * Published by firewall. */
#define VMN_REL_POLICY_HOSTS "firewall.policy-hosts"

/* Relation: policy name -> "WHICH|GROUP": what its rules decide goes through
 * the group with number GROUP of VMN_ID_POOL_GROUP before anything else
 * becomes of it, whatever they decide: packets that they deny, too.  WHICH is
 * one of them, "0", "1"... in their order, or "ingress" or "egress": all of
 * that direction.  The group is there as long as VMN_REL_RULE_GROUP_USES has
 * it, of scope VMN_REL_POLICY_HOSTS at the policy and of type VMN_GROUP_ALL,
 * so that its buckets have copies.  Of answers and of errors about a
 * connection (VMN_CT_RPL), which are judged as its first packet was, source
 * and destination are exchanged by then in VMN_REG_SRC_ID, VMN_REG_DST_ID,
 * VMN_REG_SRC_LOCAL and VMN_REG_DST_LOCAL.  Published by mirrors; read by
 * firewall. */
#define VMN_REL_RULE_GROUPS "mirrors.rule-groups"

/* Relation: "POLICY|WHICH", of a value of VMN_REL_RULE_GROUPS -> "", as long
 * as flows go through that group: those of a policy whose rules are too many
 * keep on, with what they had before.  A switch that deletes a group deletes
 * the flows that go through it, denials as well (OpenFlow 1.5, 6.7).
 * Published by firewall; read by mirrors. */
#define VMN_REL_RULE_GROUP_USES "firewall.rule-group-uses"

/* Relation: policy name -> "WHICH|LIMIT|NAME": what rules of it let through or
 * pass on meets limit LIMIT first, one of VMN_REL_LIMITS at NAME, on the host
 * where that is decided, behind VMN_REL_RULE_GROUPS.  WHICH is as there: a
 * rule's number, from 0, or "ingress" or "egress".  "WHICH|0": there are more
 * than they may meet, and it is dropped.  Published by qos; read by
 * firewall. */
#define VMN_REL_RULE_LIMITS "qos.rule-limits"

/* Relation: NAME, of values of VMN_REL_RULE_LIMITS -> "", as long as flows
 * lead to limits of it: those of a policy whose rules are too many keep on,
 * with what they had before, and LIMIT is to be no other's meanwhile.
 * Published by firewall; read by qos. */
#define VMN_REL_RULE_LIMIT_USES "firewall.rule-limit-uses"

/* Relation: name -> "LIMIT|WAY|UNIT|RATE|BURST|KEY", limits that there are on
 * the hosts that VMN_REL_LIMIT_HOSTS has at that name.  LIMIT is a number that
 * no other name has, WAY VMN_LIMIT_OPENING (of what opens connections and goes
 * on with them) or VMN_LIMIT_ANSWERS (of what VMN_CT_RPL says), UNIT "kbps" or
 * "pps"; RATE, BURST and KEY are those of vmn_act_limit_kbps() and
 * vmn_act_limit().  Published by qos; read by firewall. */
#define VMN_REL_LIMITS "qos.limits"
#define VMN_LIMIT_OPENING "opening"
#define VMN_LIMIT_ANSWERS "answers"

/* Relation: name, as in VMN_REL_LIMITS -> hosts that have these limits.
 * Published by qos; read by firewall. */
#define VMN_REL_LIMIT_HOSTS "qos.hosts"

/* Relation: target, "APP.NAME" of the app that publishes it -> what is probed,
 * and how, one value (vmn/probes.h).  Published by whichever app wants it;
 * read by vmnd, which has what it finds out be rows of VMN_ROW_HEALTH. */
#define VMN_REL_PROBE_TARGETS "vmn.probe-targets"

/* Relation: host -> another host that it is to watch by BFD (RFC 5880), in
 * both directions: two hosts watch each other if each is a value of the other,
 * among the first VMN_WATCHED_HOSTS_MAX by name, those whose name comes after
 * VMN_WATCHED_FIRST before all others.  Published by whichever app
 * wants it; read by vmnd.  They have a tunnel port for each other then, whose
 * number is VMN_PEER_OFPORT(): it is up in a switch (vmn_bucket_watch()) while
 * that host is reached.  Once it has been, there is a row of VMN_ROW_VIF with
 * the iface-id VMN_VIF_PEER; a host without it does not watch the other, or
 * not yet.  Its link is down while the host does not see a peer that others
 * see: the path between the two alone is broken. */
#define VMN_REL_WATCHED_HOSTS "vmn.watched-hosts"
#define VMN_WATCHED_HOSTS_MAX 256
#define VMN_WATCHED_FIRST "+"
#define VMN_VIF_PEER "=%s"
/* Of the host's number in VMN_ID_POOL_HOST; those that are larger than
 * VMN_PEER_NUMBER_MAX are not watched. */
#define VMN_PEER_OFPORT(NUMBER) (41000 + (NUMBER))
#define VMN_PEER_NUMBER_MAX 24000

/* Relation: host -> type of a tunnel, "gre", "ip6gre", "erspan" or
 * "ip6erspan", by which it is to send copies to addresses outside
 * (vmn_act_copy_to_tunnel()).  Published by whichever app wants it; read by
 * vmnd, which gives a host one interface of each type, for all copies, while
 * it is wanted.  Nothing that comes in there gets anywhere.  Once the switch
 * has it with the number VMN_COPY_OFPORT(), there is a row of VMN_ROW_VIF
 * whose iface-id is VMN_VIF_COPY_TUNNEL of the type.
 *
 * Or: host -> VMN_COPY_INTERFACE of the name of an interface that somebody has
 * attached to its switch for copies, up to VMN_COPY_INTERFACE_MAX characters:
 * while it is there, and nobody's port, there is a row of VMN_ROW_VIF with
 * that iface-id.  Of the names at a host the first VMN_COPY_INTERFACES_MAX
 * count. */
#define VMN_REL_COPY_TUNNELS "vmn.copy-tunnels"
#define VMN_VIF_COPY_TUNNEL "+%s"
/* By the encapsulation, enum vmn_copy_encap, and the family, 4 or 6. */
#define VMN_COPY_OFPORT(ENCAP, FAMILY)                  \
    (40004u + 2 * (unsigned) (ENCAP) + ((FAMILY) == 6))
#define VMN_COPY_TUNNELS 4
#define VMN_COPY_INTERFACE "~%s"
#define VMN_COPY_INTERFACE_MAX 15
#define VMN_COPY_INTERFACES_MAX 64
#define VMN_COPY_TUNNEL_TYPE(ENCAP, FAMILY)             \
    ((ENCAP) ? ((FAMILY) == 6 ? "ip6erspan" : "erspan") \
     : (FAMILY) == 6 ? "ip6gre" : "gre")

/* Relation: host -> "PORT/KBPS", a port of one of its bridges by which packets
 * leave it, and what that can carry, 1 to VMN_UPLINK_KBPS_MAX; each port once.
 * Published by qos; read by vmnd, which configures the queues of
 * VMN_REL_QUEUES there (QoS and Queue of ovs-vswitchd.conf.db(5)).
 *
 * Once the host's database has said what it has of them, or the host is
 * rejected, and while the host counts, there is a row of VMN_ROW_VIF with the
 * iface-id VMN_VIF_QUEUES, which is no interface; its number,
 * VMN_QUEUES_OFPORT, is no port's.  Its 'iface' has the names of those with
 * queues for which the database tells nothing that would make them of no use,
 * each between commas: ",eth1,eth2,"; "," is none, as of a host that is
 * rejected.  Without the row nothing is known. */
#define VMN_REL_UPLINKS "qos.uplinks"
#define VMN_VIF_QUEUES "+queues"
#define VMN_QUEUES_OFPORT 0xffff
/* Open vSwitch's linux-htb keeps the bytes of a second in 32 bits
 * (lib/netdev-linux.c of 3.1): what is more would become much less. */
#define VMN_UPLINK_KBPS_MAX 34000000

/* Relation: host with VMN_REL_UPLINKS -> "QUEUE/KBPS", a queue that packets
 * may leave by (vmn_act_set_queue()), VMN_UPLINK_QUEUE_MIN to
 * VMN_UPLINK_QUEUE_MAX, and its guaranteed rate there; each queue once.
 * Published by qos; read by vmnd.  An interface that has a QoS of others'
 * makes of such a packet what it makes of any that asks for a queue: operators
 * number theirs from below. */
#define VMN_REL_QUEUES "qos.queues"
#define VMN_UPLINK_QUEUE_MIN 32768
#define VMN_UPLINK_QUEUE_MAX 61439 /* As linux-htb has them. */

/* Relation: "" -> "", if the paths between hosts are to be measured: latency,
 * loss and MTU, through the tunnels.  Published by whichever app wants it;
 * overlay has the flows, and vmnd measures.  Probes have a VNI of their own,
 * the number of (VMN_ID_POOL_VNI, VMN_PATH_VNI_KEY), and vmnd looks at their
 * first VMN_PATH_FRAME_MIN bytes. */
#define VMN_REL_PATH_PROBES "vmn.path-probes"
#define VMN_PATH_VNI_KEY "vmn/paths"
#define VMN_PATH_FRAME_MIN 64
/* In VMN_REG_SRC_ID of those that are for vmnd: no port's identity. */
#define VMN_PATH_SRC_ID 0xffffffffu
/* Their destination addresses: a request, which the host that gets it returns;
 * and what is for vmnd. */
#define VMN_PATH_MAC_REQUEST \
    ((struct vmn_mac) VMN_RESERVED_MAC(VMN_RESERVED_MAC_SERVICE, 0xff0300))
#define VMN_PATH_MAC_REPLY \
    ((struct vmn_mac) VMN_RESERVED_MAC(VMN_RESERVED_MAC_SERVICE, 0xff0301))

/* What tunnels add to a packet: Ethernet, IP and UDP, and 8 bytes of VXLAN
 * (RFC 7348, section 5) or of Geneve without options (RFC 8926, section 3). */
#define VMN_TUNNEL_OVERHEAD_IPV4 (14 + 20 + 8 + 8)
#define VMN_TUNNEL_OVERHEAD_IPV6 (14 + 40 + 8 + 8)

/* Query: router name -> the host that is its gateway, a text with its final
 * null: the first of those that it may be, by priority and name, that has the
 * port to the physical network.  No value: none.  Provided by gateway. */
#define VMN_QUERY_GATEWAY "gateway.active"

/* What is between hosts and a router's gateway is in a network of its own, the
 * router's transit: its VNI is the number of (VMN_ID_POOL_VNI, this). */
#define VMN_TRANSIT_KEY "router/%s"

/* Behind a port there may be others than its addresses say: what is for them,
 * or from them, has a VNI of the port's, the number of (VMN_ID_POOL_VNI,
 * this). */
#define VMN_PORT_VNI_KEY "port/%s"

/* Ethernet addresses that begin with these three bytes are reserved: of
 * servers and of what comes from outside, of floating addresses in their
 * external networks, and of virtual IPs.  No row asks for one, and no guest
 * sends by one. */
#define VMN_RESERVED_MAC_SERVICE 0x0e564d
#define VMN_RESERVED_MAC_FLOATING 0x0e564e
#define VMN_RESERVED_MAC_VIP 0x0e564f

/* In an answer between hosts (VMN_REL_ASKING_PORTS): nothing is known, as a
 * source, or the port's, as a destination. */
#define VMN_TOLD_MAC \
    ((struct vmn_mac) VMN_RESERVED_MAC(VMN_RESERVED_MAC_SERVICE, 0))

/* The bytes of such an address: one of these, and a number. */
#define VMN_RESERVED_MAC_BYTES(PREFIX, NUMBER) \
    (PREFIX) >> 16, (PREFIX) >> 8 & 0xff, (PREFIX) & 0xff, \
    (NUMBER) >> 16 & 0xff, (NUMBER) >> 8 & 0xff, (NUMBER) & 0xff
#define VMN_RESERVED_MAC(PREFIX, NUMBER) \
    { { VMN_RESERVED_MAC_BYTES(PREFIX, NUMBER) } }
/* That of a server which answers at UDP port 'PORT', up to 255. */
#define VMN_SERVER_MAC(PORT) \
    VMN_RESERVED_MAC(VMN_RESERVED_MAC_SERVICE, 0xff0000 | (PORT))

/* The source, between hosts, of what came from outside: no neighbour has
 * it. */
#define VMN_EXTERNAL_MAC \
    ((struct vmn_mac) { { 0x0e, 0x56, 0x4d, 0xff, 0x00, 0x0e } })

/* MAC addresses of a probe through a service function (VMN_PROBE_THROUGH), and
 * in which prefixes its addresses are, which are those for tests of devices
 * (RFC 2544, appendix C.2.2, RFC 5180, section 8): an echo request with all of
 * them that a function's port sends comes in as from nobody, and is dropped
 * behind hook SERVICE's stages of order less than 0. */
#define VMN_THROUGH_MAC_SRC \
    ((struct vmn_mac) VMN_RESERVED_MAC(VMN_RESERVED_MAC_SERVICE, 0xff0100))
#define VMN_THROUGH_MAC_DST \
    ((struct vmn_mac) VMN_RESERVED_MAC(VMN_RESERVED_MAC_SERVICE, 0xff0101))
#define VMN_THROUGH_PREFIX4 { { 4, { 198, 18 } }, 15 }
#define VMN_THROUGH_PREFIX6 { { 6, { 0x20, 0x01, 0x00, 0x02 } }, 48 }

/* Relation: network name -> VMN_SERVED_*, the protocols that the controller
 * serves in the network: guests may send requests from any address, and may
 * not be servers of it themselves.  The key "" has the address of the DHCPv4
 * server, which takes requests in all networks.  Published by dhcp. */
#define VMN_REL_SERVED "dhcp.served"
#define VMN_SERVED_DHCP4 "dhcp4"
#define VMN_SERVED_DHCP6 "dhcp6"
#define VMN_SERVED_ROUTERS "routers"    /* Router solicitations. */

/* Query: name of a balancer -> struct vmn_lb_members (vmn/rows.h), those that
 * may be its backends, sorted by their ports' names.  No value: there are
 * none.  Provided by loadbalancer. */
#define VMN_QUERY_BACKENDS "loadbalancer.backends"

/* Parts of a balancer's flows that are counted (vmn_flow_count_part()):
 * packets to its virtual IP, and those that opened a connection; where clients
 * have a limit, instead of the latter those that would have, and those of them
 * that might.  What backends were given has the 'part' of struct
 * vmn_lb_member.  Of a port: packets that balancers sent it. */
#define VMN_LB_PART_PACKETS 1
#define VMN_LB_PART_CONNECTIONS 2
#define VMN_LB_PART_ATTEMPTS 3
#define VMN_LB_PART_ADMITTED 4
#define VMN_LB_PART_BACKENDS 16         /* From here on. */

/* Relation: network name -> anything, where guests are told who they are, at
 * 169.254.169.254 and fe80::a9fe:a9fe on the link.  Published by metadata;
 * dhcp tells guests of the route. */
#define VMN_REL_METADATA "metadata.networks"

/* Relation: network name -> anything, where IGMP and MLD are snooped: what
 * guests say of these gets past the guard, and messages between hosts about
 * them have no guest as their source.  Published by multicast; read by
 * overlay. */
#define VMN_REL_SNOOPED "multicast.snooped"
/* Ethernet destinations of these messages; the lowest byte differs. */
#define VMN_SNOOPED_MAC UINT64_C(0x03564dff0200)
#define VMN_SNOOPED_MAC_MASK UINT64_C(0xffffffffff00)

/* Query: network name -> struct vmn_ip, where guests may ask for names.  No
 * value: nowhere.  Provided by dns. */
#define VMN_QUERY_DNS_SERVER "dns.server"

/* Query: port name -> uint32_t, its security identity (0: none).
 * Provided by firewall. */
#define VMN_QUERY_IDENTITY "firewall.identity"

/* Query: port name -> uint32_t, 1 to 65535: a number that isolated ports of
 * its network have in common, or those of its community; 0: it is promiscuous,
 * bound nowhere, or in a network without isolation.  Two bound ports of a
 * network talk with each other if one of them has 0, or both have the same
 * number of a community.  Provided by overlay, which drops the rest. */
#define VMN_QUERY_ISOLATION "overlay.isolation"

/* Query: port name -> text "g1,g2", the groups that the port is in, sorted.
 * Provided by firewall. */
#define VMN_QUERY_GROUPS "firewall.groups"

/* Query: group name -> the group and those that are nested in it, sorted, each
 * with the null byte that ends it.  Provided by firewall. */
#define VMN_QUERY_NESTED_GROUPS "firewall.nested"

/* Query: port name -> what cuts it off, sorted, with commas: "!quarantined"
 * (its own row), "!quarantined/NAME" (a quarantine).  No value: nothing.
 * Provided by firewall. */
#define VMN_QUERY_QUARANTINE "firewall.quarantine"

/* ID pools that more than one app uses, with their keys.  Any other key is of
 * the app that asks: another app's key of the same text has another ID. */
#define VMN_ID_POOL_HOST "host"         /* Host name. */
#define VMN_ID_POOL_ZONE "zone"         /* "PURPOSE/DOMAIN"; 1 to 65535. */
#define VMN_ID_POOL_GROUP "group"       /* OpenFlow groups. */
#define VMN_ID_POOL_METER "meter"       /* Of vmn_act_limit(). */
#define VMN_ID_POOL_VNI "vni"           /* VMN_TRANSIT_KEY,
                                         * VMN_PORT_VNI_KEY; 24 bits. */

#endif /* vmn/vocabulary.h */
