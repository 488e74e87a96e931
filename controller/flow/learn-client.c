/* SPDX-License-Identifier: Apache-2.0
 *
 * learn() actions that remember clients; see learn-client.h. */

#include <config.h>

#include "controller/flow/learn-client.h"

#include "controller/flow/learn-action.h"
#include "openvswitch/ofp-actions.h"

/* Fields of the domain's zone, of the service, and of the value. */
#define ZONE MFF_REG5
#define SERVICE MFF_REG12
#define VALUE MFF_REG11

/* A lookup that finds the flow restarts its idle timeout.  Learning need not
 * do that, since it follows a lookup. */
void
learn_client_put(struct ofpbuf *ofpacts, uint16_t app,
                 const struct vmn_client *client)
{
    size_t ofs = ofpacts->size;

    learn_action_begin(ofpacts, CLIENT_TABLE, VMN_CLIENTS_MAX)->idle_timeout
        = client->idle_s;
    learn_action_match_app(ofpacts, app);
    learn_action_match_value(ofpacts, MFF_ETH_TYPE, client->eth_type);
    learn_action_match_copy(ofpacts, ZONE);
    learn_action_match_copy(ofpacts, SERVICE);
    learn_action_match_copy(ofpacts, client->eth_type == VMN_ETH_IPV6
                            ? MFF_IPV6_SRC : MFF_IPV4_SRC);
    learn_action_load(ofpacts, VALUE, MFF_REG0 + (client->from - VMN_F_REG0));
    learn_action_end(ofpacts, ofs);
}
