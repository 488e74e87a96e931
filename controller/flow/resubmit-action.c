/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a packet goes on: actions that go to other tables, and those that
 * drop; that part of include/vmn/flow.h. */

#include <config.h>

#include "controller/flow/emit.h"
#include "controller/flow/punt-action.h"

#include "openflow/openflow.h"
#include "openvswitch/ofp-actions.h"
#include "util.h"

int
actions_next_table(struct vmn_actions *a)
{
    if (!a->stage) {
        emit_fail(a->emit, "a bucket has no next stage");
        return -1;
    }
    if (a->stage->next_table < 0) {
        emit_fail(a->emit, "no stage follows %s.%s",
                  a->emit->app->class_->name, a->stage->class_->name);
    }
    return a->stage->next_table;
}

static void
put_goto(struct vmn_actions *a, int table)
{
    if (table >= 0 && actions_begin(a)) {
        if (table <= a->table || a->in_bucket) {
            emit_fail(a->emit, "goto from table %d to table %d", a->table,
                      table);
            return;
        }
        ofpact_put_GOTO_TABLE(&a->ofpacts)->table_id = table;
        a->ended = true;
    }
}

static void
put_resubmit(struct vmn_actions *a, int table)
{
    if (table >= 0 && actions_begin(a)) {
        if (table <= a->table && !a->in_bucket) {
            emit_fail(a->emit, "resubmit from table %d to table %d",
                      a->table, table);
            return;
        }

        struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(&a->ofpacts);

        resubmit->in_port = OFPP_IN_PORT;
        resubmit->table_id = table;
    }
}

void
vmn_act_next(struct vmn_actions *a)
{
    put_goto(a, actions_next_table(a));
}

void
vmn_act_goto(struct vmn_actions *a, unsigned stage, unsigned table)
{
    put_goto(a, emit_table(a->emit, stage, table));
}

void
vmn_act_resubmit_next(struct vmn_actions *a)
{
    put_resubmit(a, actions_next_table(a));
}

void
vmn_act_resubmit(struct vmn_actions *a, unsigned stage, unsigned table)
{
    put_resubmit(a, emit_table(a->emit, stage, table));
}

void
vmn_act_jump(struct vmn_actions *a, unsigned stage, unsigned table)
{
    int number = emit_table(a->emit, stage, table);

    if (number >= 0 && actions_begin(a)) {
        struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(&a->ofpacts);

        resubmit->in_port = OFPP_IN_PORT;
        resubmit->table_id = number;
        a->ended = true;
    }
}

void
vmn_act_restart(struct vmn_actions *a)
{
    static const union mf_value zero;

    /* Whoever may write them otherwise. */
    for (enum vmn_field reg = VMN_F_REG0; reg <= VMN_F_REG15; reg++) {
        if (reg != VMN_REG_NETWORK && reg != VMN_REG_ZONE
            && reg != VMN_REG_BALANCE_ZONE && reg != VMN_REG_FLAGS
            && actions_begin(a)) {
            ofpact_put_set_field(&a->ofpacts, field_get(reg), &zero, NULL);
        }
    }
    if (actions_begin(a)) {
        struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(&a->ofpacts);

        resubmit->in_port = OFPP_IN_PORT;
        resubmit->table_id = 0;
        a->ended = true;
    }
}

static bool
only_punts(const struct ofpbuf *ofpacts)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, ofpacts->data, ofpacts->size) {
        if (!punt_is_action(a)) {
            return false;
        }
    }
    return true;
}

void
vmn_act_drop(struct vmn_actions *a, const char *reason)
{
    if (!reason) {
        emit_fail(a->emit, "a drop lacks its reason");
    } else if (!only_punts(&a->ofpacts)) {
        emit_fail(a->emit, "a drop must be the only action, but for "
                  "sending the packet up");
    } else if (actions_begin(a)) {
        a->drop_reason = reason;
        a->ended = true;
    }
}

void
vmn_act_drop_background(struct vmn_actions *a, const char *reason)
{
    vmn_act_drop(a, reason);
    a->background = true;
}
