/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reconciling leaves out; see sieve.h. */

#include <config.h>

#include "controller/fabric/session/sieve.h"

#include <stdlib.h>

#include "controller/fabric/session/switch.h"
#include "controller/fabric/session/wire.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

void
sieve_init(struct sieve *sieve, struct fabric_switch *sw)
{
    *sieve = (struct sieve) { .sw = sw };
}

void
sieve_uninit(struct sieve *sieve)
{
    free(sieve->groups);
}

static bool
is_left_out(const struct sieve *sieve, uint32_t group_id)
{
    for (size_t i = 0; i < sieve->n_groups; i++) {
        if (sieve->groups[i] == group_id) {
            return true;
        }
    }
    return false;
}

/* True if the flow sends packets to a group that is left out. */
static bool
needs_left_out(const struct sieve *sieve, const struct engine_item *item)
{
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;
    bool found = false;

    if (!sieve->n_groups) {
        return false;
    }
    ofpbuf_init(&ofpacts, 256);
    if (wire_decode_flow(item, &fm, &ofpacts)) {
        const struct ofpact *a;

        OFPACT_FOR_EACH_FLATTENED (a, fm.ofpacts, fm.ofpacts_len) {
            found |= (a->type == OFPACT_GROUP
                      && is_left_out(sieve, ofpact_get_GROUP(a)->group_id));
        }
        minimatch_destroy(&fm.match);
    }
    ofpbuf_uninit(&ofpacts);
    return found;
}

static void
leave_out_group(struct sieve *sieve, uint32_t group_id)
{
    if (sieve->n_groups >= sieve->allocated_groups) {
        sieve->groups = x2nrealloc(sieve->groups, &sieve->allocated_groups,
                                   sizeof *sieve->groups);
    }
    sieve->groups[sieve->n_groups++] = group_id;
}

bool
sieve_passes(struct sieve *sieve, const struct engine_item *item,
             bool replaces)
{
    const struct refusal *refusal = switch_find_refusal(sieve->sw, item->xid);
    bool flow = item->kind == ENGINE_FLOW;

    if (refusal) {
        if (!flow) {
            leave_out_group(sieve, item->group_id);
        } else if (refusal->full) {
            sieve->full[item->table] = true;
        }
        return false;
    }
    if (flow && ((sieve->full[item->table] && !replaces)
                 || needs_left_out(sieve, item))) {
        switch_leave_out(sieve->sw, item);
        return false;
    }
    return true;
}
