/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups as text, as ovs-ofctl writes them.  Not for which are
 * desired, nor for owners (engine/). */

#ifndef CONTROLLER_FLOW_FLOW_TEXT_H
#define CONTROLLER_FLOW_FLOW_TEXT_H 1

#include <stddef.h>
#include <stdint.h>

struct flow_item;
struct minimatch;
struct ofpact;
struct ofputil_group_props;
struct ovs_list;

/* All texts are the caller's to free.  What cannot be decoded is "?". */

/* "tcp,reg0=0x7,tp_dst=25"; "" matches all. */
char *flow_text_match(const struct minimatch *);
/* "drop", "set_field:0x1->reg3,goto_table:32". */
char *flow_text_actions(const struct ofpact *, size_t ofpacts_len);
/* "type=select,bucket=...". */
char *flow_text_group(uint8_t type, const struct ovs_list *buckets,
                      const struct ofputil_group_props *);

/* The match and the actions of an item that is a flow. */
void flow_text_of_flow(const struct flow_item *, char **match,
                       char **actions);
/* That of an item that is a group. */
char *flow_text_of_group(const struct flow_item *);

#endif /* controller/flow/flow-text.h */
