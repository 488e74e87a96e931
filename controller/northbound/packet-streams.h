/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/packets: streams of packets, copies of which flows of an object send
 * up (vmn_act_copy()).  Not for how they are written (pcapng.h). */

#ifndef CONTROLLER_NORTHBOUND_PACKET_STREAMS_H
#define CONTROLLER_NORTHBOUND_PACKET_STREAMS_H 1

#include <stdint.h>

struct http_request;
struct northbound;
struct packet_streams;

/* Bounds of a stream, and how many there may be: in all, and of an
 * account. */
#define PACKET_STREAM_PACKETS_MAX 1000000
#define PACKET_STREAM_PACKETS_DEFAULT 10000
#define PACKET_STREAM_SECONDS_MAX 3600
#define PACKET_STREAM_SECONDS_DEFAULT 60
#define PACKET_STREAM_BYTES_MAX (256 * 1024 * 1024)
#define PACKET_STREAMS_MAX 64
#define PACKET_STREAMS_ACCOUNT_MAX 8

struct packet_streams *packet_streams_create(struct northbound *);
void packet_streams_destroy(struct packet_streams *);

#endif /* controller/northbound/packet-streams.h */
