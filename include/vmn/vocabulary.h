/* SPDX-License-Identifier: Apache-2.0
 *
 * What apps agree on: register use, hook points, and the names of the
 * relations and queries that one app provides and others read.  Not for what
 * concerns one app alone. */

#ifndef VMN_VOCABULARY_H
#define VMN_VOCABULARY_H 1

/* Registers, from the admit stage on. */
#define VMN_REG_NETWORK VMN_F_REG0      /* VNI of the packet's network. */
#define VMN_REG_SRC_ID VMN_F_REG1       /* Identity of the source. */
#define VMN_REG_DST_ID VMN_F_REG2       /* Identity of the destination. */
#define VMN_REG_SRC_LOCAL VMN_F_REG3    /* 1: the source is on this host. */
#define VMN_REG_DST_LOCAL VMN_F_REG4    /* 1: the destination is. */
#define VMN_REG_ZONE VMN_F_REG5         /* Policy conntrack zone. */
#define VMN_REG_DST_HOST VMN_F_REG6     /* Number of the remote host. */
#define VMN_REG_OUT_PORT VMN_F_REG7     /* Local OpenFlow port. */
#define VMN_REG_BALANCE_ZONE VMN_F_REG8 /* Balancing's conntrack zone. */
#define VMN_REG_FLAGS VMN_F_REG9        /* VMN_FLAG_*. */
/* Registers 10 to 15 are scratch: a stage may not expect them to survive
 * into another app's stage. */

#define VMN_FLAG_HAIRPIN 1              /* May leave by the port it came by. */

/* The OpenFlow number of the tunnel port on every host. */
#define VMN_TUNNEL_OFPORT 40000

/* In VMN_REG_DST_HOST: all hosts that have ports of the network. */
#define VMN_DST_HOST_FLOOD 0xffffffffu

/* Relation: network name -> hosts with an enabled port in it, or to which one
 * may move any moment.  Published by overlay.  Scope of whatever concerns one network. */
#define VMN_REL_NETWORK_HOSTS "overlay.network-hosts"

/* Query: port name -> uint32_t, its security identity (0: none).
 * Provided by firewall. */
#define VMN_QUERY_IDENTITY "firewall.identity"

/* Number kinds that more than one app uses, with their keys. */
#define VMN_NUMBER_HOST "host"          /* Host name. */
#define VMN_NUMBER_ZONE "zone"          /* Purpose and domain; 1 to 65535. */
#define VMN_NUMBER_GROUP "group"        /* OpenFlow groups. */

#endif /* vmn/vocabulary.h */
