/* SPDX-License-Identifier: Apache-2.0
 *
 * The interface between GET /v1/recommendations and the objects in its
 * reply. */

#ifndef CONTROLLER_NORTHBOUND_RECOMMEND_PRIVATE_H
#define CONTROLLER_NORTHBOUND_RECOMMEND_PRIVATE_H 1

#include "controller/northbound/northbound-private.h"
#include "controller/recommend/recommend.h"

/* Adds to 'body' what follows from 'answer': "rules" (each with its policy),
 * "objects" (the necessary groups, and the policies, as POST /v1/apply takes
 * them), and "unselected" (ports to which no policy applies). */
void nb_recommend_objects(const struct model *, const char *network,
                          bool shadow, const struct recommend_request *,
                          const struct recommend_answer *, json_t *body);

/* Returns a service as a string, such as "tcp/80", "udp/53-60", "icmp/8/0", or
 * "47" (an IP protocol). */
json_t *nb_service_text(const struct recommend_service *);

#endif /* controller/northbound/recommend-private.h */
