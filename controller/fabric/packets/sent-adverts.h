/* SPDX-License-Identifier: Apache-2.0
 *
 * Which router advertisements each guest was last sent, and the withdrawal of
 * those that are not sent any more: guests would use a router, prefix or
 * resolver up to its lifetime.  Nothing is stored: after a start, guests find
 * out by neighbour unreachability detection. */

#ifndef CONTROLLER_FABRIC_PACKETS_SENT_ADVERTS_H
#define CONTROLLER_FABRIC_PACKETS_SENT_ADVERTS_H 1

#include <stdbool.h>

struct sent_adverts;
struct engine_handler;
struct model;
struct vmn_packets_out;

/* Without a model, a port that is created again is the former one. */
struct sent_adverts *sent_adverts_create(const struct model *);
void sent_adverts_destroy(struct sent_adverts *);

/* Notes the advertisements among the packets that 'handler' sends to 'port',
 * and puts withdrawals of former ones in front of them.  If 'all', there are
 * no others: the guest has not asked for something else. */
void sent_adverts_note(struct sent_adverts *, const char *port,
                       const struct engine_handler *handler, bool all,
                       struct vmn_packets_out *);

#endif /* controller/fabric/packets/sent-adverts.h */
