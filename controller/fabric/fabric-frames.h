/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends frames to the ports of hosts and receives frames from them, bypassing
 * all flows. */

#ifndef CONTROLLER_FABRIC_FABRIC_FRAMES_H
#define CONTROLLER_FABRIC_FABRIC_FRAMES_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fabric;

/* Sends an Ethernet frame, of VMN_FRAME_MIN to VMN_FRAME_MAX bytes, out of
 * OpenFlow port 'ofport' of 'host', bypassing all flows.  Returns false if the
 * host is not connected, or its connection is congested. */
bool fabric_send_frame(struct fabric *, const char *host, uint32_t ofport,
                       const void *frame, size_t size);

/* Sends a frame of at least VMN_FRAME_MIN and at most FABRIC_PATH_FRAME_MAX
 * bytes through the flows of 'host' that deliver what other hosts get, as of
 * the network 'vni', to the host with 'number' (0: to none; what becomes of it
 * is a matter of the flows).  Returns false if the host is not connected, its
 * connection is congested, or there are no such flows. */
#define FABRIC_PATH_FRAME_MAX (14 + 9216)
bool fabric_send_to_host(struct fabric *, const char *host, uint32_t vni,
                         uint32_t number, const void *frame, size_t size);

/* Probes the switch of 'host' (an echo request), if it is connected. */
void fabric_probe_host(struct fabric *, const char *host);
/* Returns true if the switch of 'host' is connected and has sent anything
 * later than 'since_us', of time_usec(). */
bool fabric_host_heard_since(const struct fabric *, const char *host,
                             int64_t since_us);

/* Returns true if the switch of 'host' is connected and has answered an echo
 * request of fabric_probe_host() that was sent at 'since_us', of time_usec(),
 * or later. */
bool fabric_host_answered_since(const struct fabric *, const char *host,
                                int64_t since_us);

/* Returns how many packet-ins a second of one sender are let in
 * (--packet-port-rate); 0: any number. */
unsigned fabric_packet_port_rate(const struct fabric *);

/* Sets the callback for packet-ins of the controller's own handlers
 * ('to_controller' of struct vmn_handler_class), which are limited as all
 * packet-ins.  The frame is borrowed, and may be truncated.  NULL: they are
 * dropped. */
typedef void fabric_sink_cb(void *aux, const char *host, uint32_t in_port,
                            const uint8_t *frame, size_t size);
void fabric_set_sink(struct fabric *, fabric_sink_cb *, void *aux);
/* The same of those that no guest of the host has sent: that came by a tunnel,
 * or by fabric_send_to_host(). */
void fabric_set_path_sink(struct fabric *, fabric_sink_cb *, void *aux);

/* Sets the callback for names that guests ask DNS for, as far as apps have
 * such questions come up (VMN_HANDLER_NAMES): 'port' asks for addresses of
 * 'name', in small letters, which is not checked for what it is of.  Both are
 * borrowed.  With NULL, names are ignored. */
typedef void fabric_name_cb(void *aux, const char *port, const char *name);
void fabric_set_name_asked(struct fabric *, fabric_name_cb *, void *aux);

/* Returns the name of the port whose interface is OpenFlow port 'ofport' of
 * 'host' now, or NULL. */
const char *fabric_port_at(const struct fabric *, const char *host,
                           uint32_t ofport);
/* Returns true if that is port 'name': it takes less time to tell. */
bool fabric_port_is_at(const struct fabric *, const char *name,
                       const char *host, uint32_t ofport);

#endif /* controller/fabric/fabric-frames.h */
