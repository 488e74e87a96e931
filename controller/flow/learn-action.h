/* SPDX-License-Identifier: Apache-2.0
 *
 * Building blocks of learn() actions (ovs-actions(7), "learn").  Not for
 * specific ones: learn-connection.h, learn-neighbour.h, learn-mac.h,
 * learn-client.h, learn-holder.h, learn-member.h, count-pair.h. */

#ifndef CONTROLLER_FLOW_LEARN_ACTION_H
#define CONTROLLER_FLOW_LEARN_ACTION_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/flow/count-pair.h"
#include "controller/flow/learn-client.h"
#include "controller/flow/learn-connection.h"
#include "controller/flow/learn-holder.h"
#include "controller/flow/learn-mac.h"
#include "controller/flow/learn-member.h"
#include "controller/flow/learn-neighbour.h"
#include "openvswitch/meta-flow.h"

struct ofpact_learn;
struct ofpbuf;

/* Returns true if switches themselves add flows to 'table'.  Then vmnd adds
 * none, and reconciliation, audits and the marker skip it. */
static inline bool
learn_is_table(uint8_t table)
{
    return (table == CONNECTION_TABLE || table == NEIGHBOUR_TABLE
            || table == REACHABLE_TABLE || table == MAC_TABLE
            || table == CLIENT_TABLE || table == MEMBER_TABLE
            || table == HOLDER_TABLE
            || pair_is_table(table));
}

/* Begins a learn() action: flows of priority 1 in 'table', at most 'limit' of
 * them with one cookie.  They are deleted with the last flow of that
 * cookie. */
struct ofpact_learn *learn_action_begin(struct ofpbuf *ofpacts, uint8_t table,
                                        uint32_t limit);
/* Has only lookups of the app with number 'app' find the learned flow.  Apps
 * choose other keys by themselves, so equal ones of two apps are different
 * things.  The number is the in_port of lookups, which no packet's path and no
 * register depends on. */
void learn_action_match_app(struct ofpbuf *ofpacts, uint16_t app);
/* Has the learned match copy the packet's value of a field. */
void learn_action_match_copy(struct ofpbuf *ofpacts, enum mf_field_id);
/* Has it copy the value of another field. */
void learn_action_match_other(struct ofpbuf *ofpacts, enum mf_field_id,
                              enum mf_field_id from);
/* Has the learned match contain 'value'. */
void learn_action_match_value(struct ofpbuf *ofpacts, enum mf_field_id,
                              uint32_t value);
/* Has the learned flow set a field to the packet's value of field 'from'. */
void learn_action_load(struct ofpbuf *ofpacts, enum mf_field_id,
                       enum mf_field_id from);
/* Has the learned flow set a field to 'value'. */
void learn_action_load_value(struct ofpbuf *ofpacts, enum mf_field_id,
                             uint32_t value);
/* Ends the action that began where 'ofpacts' was 'ofs' bytes long. */
void learn_action_end(struct ofpbuf *ofpacts, size_t ofs);
/* Sets the cookie of what 'ofpacts' learn.  What counts pairs is read with all
 * that is counted, by the same mark. */
void learn_action_set_cookie(struct ofpbuf *ofpacts, uint64_t cookie);

#endif /* controller/flow/learn-action.h */
