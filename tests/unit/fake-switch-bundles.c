/* SPDX-License-Identifier: Apache-2.0
 *
 * The bundles of the fake switch; see fake-switch.h. */

#include <config.h>

#include "tests/unit/fake-switch-private.h"

#include <ctype.h>
#include <stdlib.h>

#include "byte-order.h"
#include "controller/fabric/session/marker.h"
#include "controller/flow/flow-item.h"
#include "openflow/openflow-1.1.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-util.h"
#include "util.h"

/* Returns its letter in the order of messages. */
static char
flow_letter(const struct ofputil_flow_mod *fm)
{
    struct match match;
    char letter = 'F';

    minimatch_expand(&fm->match, &match);
    if (match.wc.masks.conj_id) {
        letter = 'V';
    } else if (fm->ofpacts_len && fm->ofpacts->type == OFPACT_CONJUNCTION) {
        letter = 'C';
    }
    return fm->command == OFPFC_ADD ? letter : tolower(letter);
}

static uint16_t
flow_priority(const struct ofpbuf *mod, char *letter, bool *marker)
{
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;
    uint16_t priority;

    ofpbuf_init(&ofpacts, 0);
    if (!fake_decode(&fm, mod, &ofpacts)) {
        ofpbuf_uninit(&ofpacts);
        return 0;
    }
    priority = fm.priority;
    *letter = flow_letter(&fm);
    *marker = (fm.table_id == MARKER_TABLE
               && fm.priority == MARKER_PRIORITY);
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
    return priority;
}

void
fake_bundle_add(struct fake_switch *fs, const struct ofp_header *oh)
{
    struct ofputil_bundle_add_msg add;
    struct ofpbuf *mod;
    enum ofptype type;
    bool is_add = true, is_marker = false;

    if (ofputil_decode_bundle_add(oh, &add, &type) || !fs->open) {
        fake_send_error(fs, OFPERR_OFPBFC_BAD_ID, oh);
        return;
    }
    mod = ofpbuf_clone_data(add.msg, ntohs(add.msg->length));
    if (type == OFPTYPE_FLOW_MOD) {
        char letter = 'F';
        uint16_t priority = flow_priority(mod, &letter, &is_marker);

        is_add = isupper(letter);
        if (!is_marker) {
            ds_put_char(&fs->order, letter);
        }
        if (is_add && ((priority && priority == fs->refuse_priority)
                       || (is_marker && fs->refuse_marker))) {
            fake_send_error(fs, OFPERR_OFPBAC_BAD_TYPE, oh);
            fs->n_mods++;
            ofpbuf_delete(mod);
            return;
        }
    } else {
        struct ofputil_group_mod gm;

        ofputil_decode_group_mod(mod->data, &gm);
        ds_put_char(&fs->order, gm.command == OFPGC11_DELETE ? 'g' : 'G');
        is_add = gm.command != OFPGC11_DELETE;
        ofputil_uninit_group_mod(&gm);
        if (is_add && fs->refuse_groups) {
            fake_send_error(fs, OFPERR_OFPGMFC_BAD_BUCKET, oh);
            ofpbuf_delete(mod);
            return;
        }
    }
    if (is_marker) {
        fs->n_markers++;
    } else {
        fs->n_mods++;
    }
    ovs_list_push_back(&fs->bundle, &mod->list_node);
}

/* Why a flow cannot be added now, or 0. */
static enum ofperr
find_fault(struct fake_switch *fs, const struct ofpbuf *mod)
{
    const struct fake_group *group;
    struct ofputil_flow_mod fm;
    enum ofperr error = 0;
    struct ofpbuf ofpacts;

    if (((const struct ofp_header *) mod->data)->type != 14) {
        return 0;
    }
    ofpbuf_init(&ofpacts, 0);
    if (fake_decode(&fm, mod, &ofpacts)) {
        if (fm.command == OFPFC_ADD && fake_goes_through(&fm, OFPG_ALL)) {
            error = OFPERR_OFPBAC_BAD_OUT_GROUP;
            LIST_FOR_EACH (group, node, &fs->groups) {
                if (fake_goes_through(&fm, group->id)) {
                    error = 0;
                }
            }
        }
        if (!error && fm.command == OFPFC_ADD && !fake_has_meters(fs, &fm)) {
            error = OFPERR_OFPMMFC_INVALID_METER;
        }
        if (!error && fm.command == OFPFC_ADD && fs->max_flows
            && fm.table_id != MARKER_TABLE && !fake_find_flow(fs, &fm)
            && fake_switch_n_flows(fs) >= fs->max_flows) {
            error = OFPERR_OFPFMFC_TABLE_FULL;
        }
        minimatch_destroy(&fm.match);
    }
    ofpbuf_uninit(&ofpacts);
    return error;
}

static void
apply(struct fake_switch *fs, const struct ofpbuf *mod)
{
    if (((const struct ofp_header *) mod->data)->type == 14) {
        fake_apply_flow_mod(fs, mod);
    } else {
        fake_apply_group_mod(fs, mod);
    }
}

/* Applies all of the bundle or nothing. */
static bool
apply_bundle(struct fake_switch *fs)
{
    enum ofperr error = 0;
    struct ofpbuf *mod;
    struct fake_tables old;

    fake_switch_save(fs, &old);
    LIST_FOR_EACH (mod, list_node, &fs->bundle) {
        error = find_fault(fs, mod);
        if (error) {
            fake_send_error(fs, error, mod->data);
            fake_switch_restore(fs, &old);
            break;
        }
        apply(fs, mod);
    }
    fake_tables_uninit(&old);
    fake_drop_list(&fs->bundle);
    return !error;
}

static bool
commit_is_refused(struct fake_switch *fs)
{
    struct ofpbuf *mod;

    LIST_FOR_EACH (mod, list_node, &fs->bundle) {
        const struct ofp_header *oh = mod->data;
        char letter = 'f';
        bool marker;

        if (fs->refuse_at_commit && oh->type == 14
            && flow_priority(mod, &letter, &marker) == fs->refuse_at_commit
            && isupper(letter)) {
            fake_send_error(fs, OFPERR_OFPBAC_BAD_OUT_GROUP, oh);
            return true;
        }
    }
    return false;
}

void
fake_bundle_control(struct fake_switch *fs, const struct ofp_header *oh)
{
    struct ofputil_bundle_ctrl_msg ctrl;

    ofputil_decode_bundle_ctrl(oh, &ctrl);
    if (ctrl.type == OFPBCT_OPEN_REQUEST) {
        if (fs->refuse_open) {
            fake_send_error(fs, OFPERR_OFPBFC_BAD_TYPE, oh);
            return;
        }
        fs->open = true;
        ctrl.type = OFPBCT_OPEN_REPLY;
    } else if (ctrl.type == OFPBCT_DISCARD_REQUEST) {
        fs->n_discards++;
        fs->open = false;
        fake_drop_list(&fs->bundle);
        ctrl.type = OFPBCT_DISCARD_REPLY;
    } else {
        fs->n_commits++;
        ds_put_char(&fs->order, '.');
        bool refused = fs->refuse_commits > 0;

        fs->refuse_commits -= refused;
        if (refused || !fs->open || commit_is_refused(fs)
            || !apply_bundle(fs)) {
            fs->open = false;
            fake_drop_list(&fs->bundle);
            fake_send_error(fs, OFPERR_OFPBFC_MSG_FAILED, oh);
            return;
        }
        fs->open = false;
        ctrl.type = OFPBCT_COMMIT_REPLY;
    }
    fake_switch_send(fs, ofputil_encode_bundle_ctrl_reply(oh, &ctrl));
}
