/* SPDX-License-Identifier: Apache-2.0
 *
 * Items that reconciling leaves out; see dependency-filter.h. */

#include <config.h>

#include "controller/fabric/session/dependency-filter.h"

#include <stdlib.h>

#include "controller/fabric/session/reported-flows.h"
#include "controller/fabric/session/switch.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

void
dependency_filter_init(struct dependency_filter *filter,
                       struct fabric_switch *sw)
{
    *filter = (struct dependency_filter) { .sw = sw };
}

void
dependency_filter_uninit(struct dependency_filter *filter)
{
    free(filter->groups);
}

static bool
is_left_out(const struct dependency_filter *filter, uint32_t group_id)
{
    for (size_t i = 0; i < filter->n_groups; i++) {
        if (filter->groups[i] == group_id) {
            return true;
        }
    }
    return false;
}

/* Returns true if the flow sends packets to a group that is left out. */
static bool
needs_left_out(const struct dependency_filter *filter,
               const struct flow_item *item)
{
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;
    bool found = false;

    if (!filter->n_groups) {
        return false;
    }
    ofpbuf_init(&ofpacts, 256);
    if (ofmessage_decode_flow(item, &fm, &ofpacts)) {
        const struct ofpact *a;

        OFPACT_FOR_EACH_FLATTENED (a, fm.ofpacts, fm.ofpacts_len) {
            found |= (a->type == OFPACT_GROUP
                      && is_left_out(filter, ofpact_get_GROUP(a)->group_id));
        }
        minimatch_destroy(&fm.match);
    }
    ofpbuf_uninit(&ofpacts);
    return found;
}

static void
leave_out_group(struct dependency_filter *filter, uint32_t group_id)
{
    if (filter->n_groups >= filter->allocated_groups) {
        filter->groups = x2nrealloc(filter->groups, &filter->allocated_groups,
                                    sizeof *filter->groups);
    }
    filter->groups[filter->n_groups++] = group_id;
}

bool
dependency_filter_passes(struct dependency_filter *filter,
                         const struct flow_item *item, bool replaces)
{
    const struct rejected_item *rejected
        = switch_find_rejected(filter->sw, item->xid);
    bool flow = item->kind == FLOW_ITEM_FLOW;

    if (rejected) {
        if (!flow) {
            leave_out_group(filter, item->group_id);
        } else if (rejected->full) {
            filter->full[item->table] = true;
        }
        return false;
    }
    if (flow && ((filter->full[item->table] && !replaces)
                 || needs_left_out(filter, item))) {
        rejected_items_leave_out(filter->sw, item);
        return false;
    }
    return true;
}
