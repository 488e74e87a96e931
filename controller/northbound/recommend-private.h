/* SPDX-License-Identifier: Apache-2.0
 *
 * The interface between GET /v1/recommendations and the objects in its
 * reply. */

#ifndef CONTROLLER_NORTHBOUND_RECOMMEND_PRIVATE_H
#define CONTROLLER_NORTHBOUND_RECOMMEND_PRIVATE_H 1

#include "controller/northbound/northbound-private.h"
#include "controller/northbound/replies.h"
#include "controller/recommend/recommend.h"

/* Fills in of 'reply' what follows from 'answer': the rules, each with its
 * policy; the objects, which are the necessary groups and the policies; and
 * the ports to which no policy applies.  All of it is in the arena, or
 * borrowed from the request. */
void nb_recommend_objects(const struct model *, const char *network,
                          bool shadow, const struct recommend_request *,
                          const struct recommend_answer *, struct arena *,
                          struct nb_reply_recommendations *reply);

/* Returns true if each of the labels is also the network's: an account whose
 * scope selects the object by these then selects the network, too.  An object
 * of another scope may be changed by its owner, and with it the rules that use
 * it. */
bool nb_is_of_scope(const struct vmn_labels *, const struct vmn_network *);

/* Returns a service as a string in the arena, such as "tcp/80", "udp/53-60",
 * "icmp/8/0", or "47" (an IP protocol). */
const char *nb_service_text(const struct recommend_service *, struct arena *);

#endif /* controller/northbound/recommend-private.h */
