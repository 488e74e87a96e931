/* SPDX-License-Identifier: Apache-2.0
 *
 * The flows and groups of the fake switch, and dumps of them; see
 * fake-switch.h. */

#include <config.h>

#include "tests/unit/fake-switch-private.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/engine/engine.h"
#include "controller/fabric/session/marker.h"
#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "openflow/openflow-1.1.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-util.h"
#include "timeval.h"
#include "util.h"

void
fake_flow_free(struct fake_flow *flow)
{
    ovs_list_remove(&flow->node);
    ofpbuf_delete(flow->mod);
    free(flow);
}

static void
group_free(struct fake_group *group)
{
    ovs_list_remove(&group->node);
    ofpbuf_delete(group->mod);
    free(group);
}

void
fake_clear_tables(struct ovs_list *flows, struct ovs_list *groups)
{
    while (!ovs_list_is_empty(flows)) {
        fake_flow_free(CONTAINER_OF(ovs_list_front(flows), struct fake_flow,
                                    node));
    }
    while (!ovs_list_is_empty(groups)) {
        group_free(CONTAINER_OF(ovs_list_front(groups), struct fake_group,
                                node));
    }
}

bool
fake_decode(struct ofputil_flow_mod *fm, const struct ofpbuf *mod,
            struct ofpbuf *ofpacts)
{
    return !ofputil_decode_flow_mod(fm, mod->data, OFPUTIL_P_OF15_OXM, NULL,
                                    NULL, ofpacts, OFPP_MAX, 255);
}

struct fake_flow *
fake_find_flow(struct fake_switch *fs, const struct ofputil_flow_mod *fm)
{
    uint32_t hash = minimatch_hash(&fm->match, 0);
    struct fake_flow *flow;

    LIST_FOR_EACH (flow, node, &fs->flows) {
        struct ofputil_flow_mod other;
        struct ofpbuf ofpacts;
        bool same;

        if (flow->hash != hash || flow->table != fm->table_id
            || flow->priority != fm->priority) {
            continue;
        }
        ofpbuf_init(&ofpacts, 0);
        fake_decode(&other, flow->mod, &ofpacts);
        same = minimatch_equal(&fm->match, &other.match);
        minimatch_destroy(&other.match);
        ofpbuf_uninit(&ofpacts);
        if (same) {
            return flow;
        }
    }
    return NULL;
}

static void
delete_table(struct fake_switch *fs, uint8_t table)
{
    struct fake_flow *flow, *next;

    LIST_FOR_EACH_SAFE (flow, next, node, &fs->flows) {
        if (flow->table == table) {
            fake_flow_free(flow);
        }
    }
}

static void
delete_cookie(struct fake_switch *fs, uint64_t cookie, uint64_t mask)
{
    struct fake_flow *flow, *next;

    LIST_FOR_EACH_SAFE (flow, next, node, &fs->flows) {
        if (!((flow->cookie ^ cookie) & mask)) {
            fake_flow_free(flow);
        }
    }
}

void
fake_apply_flow_mod(struct fake_switch *fs, const struct ofpbuf *mod)
{
    struct ofputil_flow_mod fm;
    struct fake_flow *flow;
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 0);
    fake_decode(&fm, mod, &ofpacts);
    flow = fake_find_flow(fs, &fm);
    if (fm.command == OFPFC_ADD) {
        if (flow) {
            ofpbuf_delete(flow->mod);
        } else {
            flow = xzalloc(sizeof *flow);
            ovs_list_push_back(&fs->flows, &flow->node);
        }
        flow->mod = ofpbuf_clone(mod);
        flow->table = fm.table_id;
        flow->priority = fm.priority;
        flow->hash = minimatch_hash(&fm.match, 0);
        flow->cookie = ntohll(fm.new_cookie);
        flow->age = fs->n_commits;
    } else if (fm.command == OFPFC_DELETE) {
        if (fm.table_id == OFPTT_ALL) {
            delete_cookie(fs, ntohll(fm.cookie), ntohll(fm.cookie_mask));
        } else {
            delete_table(fs, fm.table_id); /* None is sent with a match. */
        }
    } else if (flow && !((flow->cookie ^ ntohll(fm.cookie))
                         & ntohll(fm.cookie_mask))) {
        fake_flow_free(flow);
    }
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
}

void
fake_apply_group_mod(struct fake_switch *fs, const struct ofpbuf *mod)
{
    struct fake_group *group, *found = NULL;
    struct ofputil_group_mod gm;

    ofputil_decode_group_mod(mod->data, &gm);
    LIST_FOR_EACH (group, node, &fs->groups) {
        if (group->id == gm.group_id) {
            found = group;
        }
    }
    if (gm.command == OFPGC11_DELETE && gm.group_id == OFPG_ALL) {
        while (!ovs_list_is_empty(&fs->groups)) {
            fake_switch_remove_group(
                fs, CONTAINER_OF(ovs_list_front(&fs->groups),
                                 struct fake_group, node)->id);
        }
    } else if (gm.command == OFPGC11_DELETE) {
        if (found) {
            group_free(found);
        }
    } else {
        if (found) {
            ofpbuf_delete(found->mod);
        } else {
            found = xzalloc(sizeof *found);
            ovs_list_push_back(&fs->groups, &found->node);
        }
        memset(found->packets, 0, sizeof found->packets);
        found->id = gm.group_id;
        found->mod = ofpbuf_clone(mod);
    }
    ofputil_uninit_group_mod(&gm);
}

void
fake_switch_add_flow(struct fake_switch *fs, const char *flow)
{
    enum ofputil_protocol usable;
    struct ofputil_flow_mod fm;
    struct ofpbuf *mod;
    char *error = parse_ofp_flow_mod_str(&fm, flow, NULL, NULL, OFPFC_ADD,
                                         &usable);

    if (error) {
        ovs_fatal(0, "%s: %s", flow, error);
    }
    mod = ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM);
    ofpmsg_update_length(mod);
    fake_apply_flow_mod(fs, mod);
    ofpbuf_delete(mod);
    free(fm.ofpacts);
    minimatch_destroy(&fm.match);
}

void
fake_switch_remove(struct fake_switch *fs, uint16_t priority)
{
    struct fake_flow *flow, *next;

    LIST_FOR_EACH_SAFE (flow, next, node, &fs->flows) {
        if (flow->priority == priority) {
            fake_flow_free(flow);
        }
    }
}

bool
fake_goes_through(const struct ofputil_flow_mod *fm, uint32_t group_id)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH_FLATTENED (a, fm->ofpacts, fm->ofpacts_len) {
        if (a->type == OFPACT_GROUP
            && (group_id == OFPG_ALL
                || ofpact_get_GROUP(a)->group_id == group_id)) {
            return true;
        }
    }
    return false;
}

void
fake_switch_remove_group(struct fake_switch *fs, uint32_t id)
{
    struct fake_group *group, *next_group;
    struct fake_flow *flow, *next;

    LIST_FOR_EACH_SAFE (group, next_group, node, &fs->groups) {
        if (group->id == id) {
            group_free(group);
        }
    }
    LIST_FOR_EACH_SAFE (flow, next, node, &fs->flows) {
        struct ofputil_flow_mod fm;
        struct ofpbuf ofpacts;

        ofpbuf_init(&ofpacts, 0);
        fake_decode(&fm, flow->mod, &ofpacts);
        if (fake_goes_through(&fm, id)) {
            fake_flow_free(flow);
        }
        minimatch_destroy(&fm.match);
        ofpbuf_uninit(&ofpacts);
    }
}

size_t
fake_switch_n_flows(const struct fake_switch *fs)
{
    const struct fake_flow *flow;
    size_t n = 0;

    LIST_FOR_EACH (flow, node, &fs->flows) {
        n += (flow->table != MARKER_TABLE && flow->table != SAMPLE_TABLE
              && !punt_is_table(flow->table));
    }
    return n;
}

uint64_t
fake_switch_marker(const struct fake_switch *fs)
{
    const struct fake_flow *flow;

    LIST_FOR_EACH (flow, node, &fs->flows) {
        if (flow->table == MARKER_TABLE) {
            return flow->cookie;
        }
    }
    return 0;
}

struct fake_flow *
fake_switch_find(const struct fake_switch *fs, uint16_t priority)
{
    struct fake_flow *flow;

    LIST_FOR_EACH (flow, node, &fs->flows) {
        if (flow->priority == priority) {
            return flow;
        }
    }
    return NULL;
}

/* Dumps.  ---------------------------------------------------------------- */

void
fake_dump_flows(struct fake_switch *fs, const struct ofp_header *request)
{
    struct ofputil_flow_stats_request fsr;
    const struct fake_flow *flow;
    struct ovs_list replies;

    if (ofputil_decode_flow_stats_request(&fsr, request, NULL, NULL)) {
        ovs_fatal(0, "the controller sent rubbish");
    }
    if (fsr.cookie_mask) {
        fs->n_polls++;
    } else if (fsr.table_id == OFPTT_ALL) {
        fs->n_dumps++;
    } else if (!punt_is_table(fsr.table_id)) {
        fs->n_questions++;
    }
    ofpmp_init(&replies, request);
    LIST_FOR_EACH (flow, node, &fs->flows) {
        struct ofputil_flow_stats stats = { .idle_age = -1, .hard_age = -1 };
        struct ofputil_flow_mod fm;
        struct ofpbuf ofpacts;

        if ((fsr.table_id != OFPTT_ALL && fsr.table_id != flow->table)
            || (flow->cookie ^ ntohll(fsr.cookie)) & ntohll(fsr.cookie_mask)) {
            continue;
        }
        fs->n_polled += fsr.cookie_mask != 0;
        ofpbuf_init(&ofpacts, 0);
        fake_decode(&fm, flow->mod, &ofpacts);
        minimatch_expand(&fm.match, &stats.match);
        stats.cookie = fm.new_cookie;
        stats.table_id = fm.table_id;
        stats.priority = fm.priority;
        stats.idle_timeout = fm.idle_timeout;
        stats.hard_timeout = fm.hard_timeout;
        stats.importance = fm.importance;
        stats.flags = fm.flags & OFPUTIL_FF_STATE;
        if (flow->created_ms) {
            long long int age_ms = time_msec() - flow->created_ms;

            stats.duration_sec = age_ms / 1000;
            stats.duration_nsec = age_ms % 1000 * 1000000;
        }
        stats.packet_count = flow->packets;
        stats.byte_count = flow->bytes;
        stats.ofpacts = fm.ofpacts;
        stats.ofpacts_len = fm.ofpacts_len;
        ofputil_append_flow_stats_reply(&stats, &replies, NULL);
        minimatch_destroy(&fm.match);
        ofpbuf_uninit(&ofpacts);
    }
    fake_send_list(fs, &replies);
}

void
fake_dump_groups(struct fake_switch *fs, const struct ofp_header *request)
{
    const struct fake_group *group;
    struct ovs_list replies;

    ofpmp_init(&replies, request);
    LIST_FOR_EACH (group, node, &fs->groups) {
        struct ofputil_group_mod gm;
        struct ofputil_group_desc gd;

        ofputil_decode_group_mod(group->mod->data, &gm);
        gd.type = gm.type;
        gd.group_id = gm.group_id;
        gd.props = gm.props;
        ofputil_append_group_desc_reply(&gd, &gm.buckets, &replies);
        ofputil_uninit_group_mod(&gm);
    }
    fake_send_list(fs, &replies);
}

void
fake_tell_group_stats(struct fake_switch *fs,
                      const struct ofp_header *request)
{
    const struct fake_group *group;
    struct ovs_list replies;
    uint32_t id = OFPG_ALL;

    ofputil_decode_group_stats_request(request, &id);
    fs->n_group_stats++;
    ofpmp_init(&replies, request);
    LIST_FOR_EACH (group, node, &fs->groups) {
        struct bucket_counter buckets[ARRAY_SIZE(group->packets)];
        struct ofputil_group_stats gs = {
            .group_id = group->id, .bucket_stats = buckets,
        };
        struct ofputil_group_mod gm;

        if (group->id != id) {
            continue;
        }
        ofputil_decode_group_mod(group->mod->data, &gm);
        gs.n_buckets = MIN(ovs_list_size(&gm.buckets), ARRAY_SIZE(buckets));
        for (size_t i = 0; i < gs.n_buckets; i++) {
            buckets[i].packet_count = group->packets[i];
            buckets[i].byte_count = 100 * group->packets[i];
        }
        ofputil_append_group_stats(&replies, &gs);
        ofputil_uninit_group_mod(&gm);
    }
    fake_send_list(fs, &replies);
}

/* Copies.  --------------------------------------------------------------- */

static void
copy_tables(struct ovs_list *flows, struct ovs_list *groups,
            const struct ovs_list *from_flows,
            const struct ovs_list *from_groups)
{
    const struct fake_flow *flow;
    const struct fake_group *group;

    LIST_FOR_EACH (flow, node, from_flows) {
        struct fake_flow *copy = xmemdup(flow, sizeof *flow);

        copy->mod = ofpbuf_clone(flow->mod);
        ovs_list_push_back(flows, &copy->node);
    }
    LIST_FOR_EACH (group, node, from_groups) {
        struct fake_group *copy = xmemdup(group, sizeof *group);

        copy->mod = ofpbuf_clone(group->mod);
        ovs_list_push_back(groups, &copy->node);
    }
}

void
fake_switch_save(const struct fake_switch *fs, struct fake_tables *t)
{
    ovs_list_init(&t->flows);
    ovs_list_init(&t->groups);
    copy_tables(&t->flows, &t->groups, &fs->flows, &fs->groups);
}

void
fake_switch_restore(struct fake_switch *fs, const struct fake_tables *t)
{
    fake_clear_tables(&fs->flows, &fs->groups);
    copy_tables(&fs->flows, &fs->groups, &t->flows, &t->groups);
}

void
fake_tables_uninit(struct fake_tables *t)
{
    fake_clear_tables(&t->flows, &t->groups);
}
