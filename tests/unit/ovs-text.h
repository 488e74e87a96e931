/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups as Open vSwitch's own scripts save and restore them when a
 * switch is restarted (ovs-save): ovs-ofctl's text, and back.  What does not
 * come back as the same bytes differs from what vmnd desires.  Not for whether
 * a switch accepts it. */

#ifndef TESTS_UNIT_OVS_TEXT_H
#define TESTS_UNIT_OVS_TEXT_H 1

struct flow_item;

/* Writes the item as text and parses that.  Returns NULL if the result is the
 * same message, else what is not, which the caller frees. */
char *ovs_text_check(const struct flow_item *);

#endif /* tests/unit/ovs-text.h */
