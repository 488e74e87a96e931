/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a packet goes on, or a copy of it: actions that lead to other tables,
 * and those that drop; that part of include/vmn/flow.h. */

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
        emit_fail(a->emit, "a bucket has no next stage: it goes on at a table "
                  "of the app's by vmn_act_resubmit()");
        return -1;
    }
    if (a->stage->next_table < 0) {
        emit_fail(a->emit, "no stage follows %s.%s",
                  a->emit->app->class_->name, a->stage->class_->name);
    }
    return a->stage->next_table;
}

/* Returns true if 'table' of the app's stage 'to' comes after the flow's own;
 * otherwise calls emit_fail().  A bucket is of no table.  'to' is NULL for
 * one that is later by itself. */
static bool
is_later(struct vmn_actions *a, const struct pipeline_stage *to, int table)
{
    if (!to || a->in_bucket || !a->stage || to->rank > a->stage->rank
        || (to->rank == a->stage->rank && table > a->table)) {
        return true;
    }
    emit_fail(a->emit, "a flow of stage %s, table %d, leads to stage %s, "
              "table %d, which is not later: only vmn_act_jump() goes back",
              a->stage->class_->name, a->table - a->stage->first_table,
              to->class_->name, table - to->first_table);
    return false;
}

/* Returns the app's stage of that number, or NULL. */
static const struct pipeline_stage *
stage_of(const struct vmn_actions *a, unsigned stage)
{
    const struct pipeline_app *app = a->emit->app;

    return stage < app->n_stages ? &app->stages[stage] : NULL;
}

bool
actions_is_later(struct vmn_actions *a, unsigned stage, int table)
{
    return is_later(a, stage_of(a, stage), table);
}

static void
append_resubmit(struct ofpbuf *ofpacts, uint8_t table)
{
    struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(ofpacts);

    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = table;
}

void
resubmit_put_next(struct ofpbuf *ofpacts, int from, int table)
{
    if (table > from) {
        ofpact_put_GOTO_TABLE(ofpacts)->table_id = table;
    } else {
        append_resubmit(ofpacts, table);
    }
}

static void
put_goto(struct vmn_actions *a, const struct pipeline_stage *to, int table)
{
    if (table >= 0 && actions_begin(a)) {
        if (a->in_bucket) {
            emit_fail(a->emit, "a bucket cannot go on at table %d, but by "
                      "vmn_act_resubmit()", table);
        } else if (is_later(a, to, table)) {
            resubmit_put_next(&a->ofpacts, a->table, table);
            a->ended = true;
        }
    }
}

static void
put_resubmit(struct vmn_actions *a, const struct pipeline_stage *to, int table)
{
    if (table >= 0 && actions_begin(a) && is_later(a, to, table)) {
        append_resubmit(&a->ofpacts, table);
    }
}

static void
put_clone(struct vmn_actions *a, const struct pipeline_stage *to, int table)
{
    struct ofpbuf *ofpacts = &a->ofpacts;
    size_t ofs = ofpacts->size;
    struct ofpact_nest *clone;

    if (table < 0 || !actions_begin(a)) {
        return;
    }
    if (a->in_bucket) {
        emit_fail(a->emit, "a bucket cannot clone: what it has is a copy "
                  "already");
        return;
    }
    if (!is_later(a, to, table)) {
        return;
    }
    /* Nested actions are built at the start of the buffer. */
    ofpbuf_pull(ofpacts, ofs);
    ofpact_put_CLONE(ofpacts);
    ofpbuf_pull(ofpacts, sizeof *clone);
    append_resubmit(ofpacts, table);
    clone = ofpacts->header = ofpbuf_push_uninit(ofpacts, sizeof *clone);
    ofpact_finish_CLONE(ofpacts, &clone);
    ofpbuf_push_uninit(ofpacts, ofs);
}

void
vmn_act_next(struct vmn_actions *a)
{
    put_goto(a, NULL, actions_next_table(a));
}

void
vmn_act_goto(struct vmn_actions *a, unsigned stage, unsigned table)
{
    put_goto(a, stage_of(a, stage), emit_table(a->emit, stage, table));
}

void
vmn_act_resubmit_next(struct vmn_actions *a)
{
    put_resubmit(a, NULL, actions_next_table(a));
}

void
vmn_act_resubmit(struct vmn_actions *a, unsigned stage, unsigned table)
{
    put_resubmit(a, stage_of(a, stage), emit_table(a->emit, stage, table));
}

void
vmn_act_clone_next(struct vmn_actions *a)
{
    put_clone(a, NULL, actions_next_table(a));
}

void
vmn_act_clone(struct vmn_actions *a, unsigned stage, unsigned table)
{
    put_clone(a, stage_of(a, stage), emit_table(a->emit, stage, table));
}

void
vmn_act_goto_hook(struct vmn_actions *a, enum vmn_hook hook)
{
    int table = (hook < VMN_N_HOOKS
                 ? a->emit->services->table_of_hook(a->emit->view, hook) : -1);

    if (table < 0) {
        emit_fail(a->emit, "no stage is at hook %u, nor behind it",
                  (unsigned) hook);
    } else if (!a->in_bucket && a->stage
               && hook <= a->stage->class_->hook) {
        emit_fail(a->emit, "a flow in table %d cannot go on at hook %u, whose "
                  "first table is %d: its stage belongs before that hook",
                  a->table, (unsigned) hook, table);
    } else {
        put_goto(a, NULL, table);
    }
}

void
vmn_act_jump(struct vmn_actions *a, unsigned stage, unsigned table)
{
    int number = emit_table(a->emit, stage, table);

    if (number >= 0 && actions_begin(a)) {
        append_resubmit(&a->ofpacts, number);
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
        /* Else a pass through the zone of the last one would be skipped. */
        ofpact_put_CT_CLEAR(&a->ofpacts);
        append_resubmit(&a->ofpacts, 0);
        a->ended = true;
    }
}

/* A group does what it does with copies of the packet. */
static bool
only_copies(const struct ofpbuf *ofpacts)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, ofpacts->data, ofpacts->size) {
        if (!punt_is_action(a) && a->type != OFPACT_GROUP) {
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
    } else if (!only_copies(&a->ofpacts)) {
        emit_fail(a->emit, "a drop must be the only action, but for "
                  "sending the packet up, and for groups: go on to a table "
                  "that drops");
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
