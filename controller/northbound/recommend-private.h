/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the call for recommendations and the objects that they become. */

#ifndef CONTROLLER_NORTHBOUND_RECOMMEND_PRIVATE_H
#define CONTROLLER_NORTHBOUND_RECOMMEND_PRIVATE_H 1

#include "controller/northbound/northbound-private.h"
#include "controller/recommend/recommend.h"

/* Adds to 'body' what follows from 'answer': "rules" (what each is about, and
 * the policy that says so), "objects" (groups that are needed and policies, as
 * POST /v1/apply takes them), and "unselected" (ports that no policy is
 * about). */
void nb_recommend_objects(const struct model *, const char *network,
                          bool shadow, const struct recommend_request *,
                          const struct recommend_answer *, json_t *body);

/* "tcp/80", "udp/53-60", "icmp/8/0", "47" (a number of IP). */
json_t *nb_service_text(const struct recommend_service *);

#endif /* controller/northbound/recommend-private.h */
