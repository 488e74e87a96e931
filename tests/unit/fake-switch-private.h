/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the fake switch share; see fake-switch.h. */

#ifndef TESTS_UNIT_FAKE_SWITCH_PRIVATE_H
#define TESTS_UNIT_FAKE_SWITCH_PRIVATE_H 1

#include "tests/unit/fake-switch.h"

#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-flow.h"

/* fake-switch.c.  --------------------------------------------------------- */

void fake_send_error(struct fake_switch *, enum ofperr,
                     const struct ofp_header *);
/* Sends messages, or frees them, and empties the list. */
void fake_send_list(struct fake_switch *, struct ovs_list *);
void fake_drop_list(struct ovs_list *);

/* fake-switch-tables.c.  -------------------------------------------------- */

void fake_flow_free(struct fake_flow *);
/* Frees all. */
void fake_clear_tables(struct ovs_list *flows, struct ovs_list *groups);
/* Decodes a flow_mod, whose actions go to 'ofpacts'. */
bool fake_decode(struct ofputil_flow_mod *, const struct ofpbuf *mod,
                 struct ofpbuf *ofpacts);
/* Returns the flow that it replaces or deletes strictly, or NULL. */
struct fake_flow *fake_find_flow(struct fake_switch *,
                                 const struct ofputil_flow_mod *);
void fake_apply_flow_mod(struct fake_switch *, const struct ofpbuf *mod);
void fake_apply_group_mod(struct fake_switch *, const struct ofpbuf *mod);
/* Returns true if it goes through that group; any, if that is OFPG_ALL. */
bool fake_goes_through(const struct ofputil_flow_mod *, uint32_t group_id);
void fake_dump_flows(struct fake_switch *, const struct ofp_header *);
void fake_dump_groups(struct fake_switch *, const struct ofp_header *);
void fake_tell_group_stats(struct fake_switch *, const struct ofp_header *);

/* fake-switch-bundles.c.  ------------------------------------------------- */

void fake_bundle_add(struct fake_switch *, const struct ofp_header *);
void fake_bundle_control(struct fake_switch *, const struct ofp_header *);

/* fake-switch-meters.c.  -------------------------------------------------- */

/* Returns true if there are all meters that the flow sends to. */
bool fake_has_meters(struct fake_switch *, const struct ofputil_flow_mod *);
void fake_tell_meters(struct fake_switch *, const struct ofp_header *);
void fake_tell_meter_features(struct fake_switch *,
                              const struct ofp_header *);
void fake_meter_mod(struct fake_switch *, const struct ofp_header *);

/* fake-switch-observed.c.  ------------------------------------------------ */

void fake_tell_role(struct fake_switch *, const struct ofp_header *);
void fake_monitor(struct fake_switch *, const struct ofp_header *);

#endif /* tests/unit/fake-switch-private.h */
