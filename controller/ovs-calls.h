/* SPDX-License-Identifier: Apache-2.0
 *
 * Arguments of functions of libopenvswitch that have become more since 3.1,
 * which Debian 12 has.  build-aux/build-ovs looks which ones there are, and
 * says so in the library's config.h. */

#ifndef CONTROLLER_OVS_CALLS_H
#define CONTROLLER_OVS_CALLS_H 1

/* daemonize_start(OVS_DAEMONIZE_PLAIN): the daemon needs neither a datapath
 * nor the ports of hardware. */
#ifdef OVS_DAEMONIZE_PORTS
#define OVS_DAEMONIZE_PLAIN false, false
#else
#define OVS_DAEMONIZE_PLAIN false
#endif

/* flow_compose(packet, flow, OVS_COMPOSE_EMPTY): no payload, and a checksum
 * that is right.  OVS_COMPOSE_PAYLOAD(BYTES, SIZE): so many. */
#ifdef OVS_COMPOSE_BAD_CSUM
#define OVS_COMPOSE_PAYLOAD(BYTES, SIZE) BYTES, SIZE, false
#else
#define OVS_COMPOSE_PAYLOAD(BYTES, SIZE) BYTES, SIZE
#endif
#define OVS_COMPOSE_EMPTY OVS_COMPOSE_PAYLOAD(NULL, 0)

/* classifier_lookup(classifier, version, flow, OVS_LOOKUP_PLAIN): no
 * wildcards, nor conjunctive flows. */
#ifdef OVS_LOOKUP_CONJUNCTIONS
#define OVS_LOOKUP_PLAIN NULL, NULL
#else
#define OVS_LOOKUP_PLAIN NULL
#endif

#endif /* controller/ovs-calls.h */
