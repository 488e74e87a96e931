/* SPDX-License-Identifier: Apache-2.0
 *
 * A switch for tests; see fake-switch.h. */

#include <config.h>

#include "tests/unit/fake-switch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "byte-order.h"
#include "controller/engine/engine.h"
#include "controller/fabric/packets/sampling-meters.h"
#include "controller/fabric/session/marker.h"
#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "openflow/openflow-1.1.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "unaligned.h"
#include "util.h"

void
fake_switch_init(struct fake_switch *fs, uint64_t datapath_id)
{
    memset(fs, 0, sizeof *fs);
    fs->datapath_id = datapath_id;
    fs->fd = -1;
    ofpbuf_init(&fs->in, 0);
    ofpbuf_init(&fs->out, 0);
    ovs_list_init(&fs->flows);
    ovs_list_init(&fs->groups);
    ovs_list_init(&fs->bundle);
    ovs_list_init(&fs->held);
    ds_init(&fs->order);
}

static void
flow_free(struct fake_flow *flow)
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

static void
drop_list(struct ovs_list *list)
{
    struct ofpbuf *b;

    LIST_FOR_EACH_POP (b, list_node, list) {
        ofpbuf_delete(b);
    }
}

static void
clear_tables(struct ovs_list *flows, struct ovs_list *groups)
{
    while (!ovs_list_is_empty(flows)) {
        flow_free(CONTAINER_OF(ovs_list_front(flows), struct fake_flow,
                               node));
    }
    while (!ovs_list_is_empty(groups)) {
        group_free(CONTAINER_OF(ovs_list_front(groups), struct fake_group,
                                node));
    }
}

void
fake_switch_uninit(struct fake_switch *fs)
{
    fake_switch_disconnect(fs);
    clear_tables(&fs->flows, &fs->groups);
    ofpbuf_uninit(&fs->in);
    ofpbuf_uninit(&fs->out);
    ds_destroy(&fs->order);
    ofpbuf_delete(fs->packet_out);
}

void
fake_switch_connect(struct fake_switch *fs, const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    fake_switch_disconnect(fs);
    ovs_strlcpy(un.sun_path, path, sizeof un.sun_path);
    fs->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fs->fd, (struct sockaddr *) &un, sizeof un)) {
        ovs_fatal(errno, "%s", path);
    }
    fcntl(fs->fd, F_SETFL, O_NONBLOCK);
    fake_switch_send(fs, ofputil_encode_hello(1u << OFP15_VERSION));
}

void
fake_switch_disconnect(struct fake_switch *fs)
{
    if (fs->fd >= 0) {
        close(fs->fd);
        fs->fd = -1;
    }
    fs->open = false;
    drop_list(&fs->bundle);
    drop_list(&fs->held);
    ofpbuf_clear(&fs->in);
    ofpbuf_clear(&fs->out);
}

/* Sends what the socket takes of what waits. */
static void
flush(struct fake_switch *fs)
{
    while (fs->fd >= 0 && fs->out.size) {
        ssize_t n = write(fs->fd, fs->out.data, fs->out.size);

        if (n < 0) {
            break;              /* Full, or the controller is gone. */
        }
        ofpbuf_pull(&fs->out, n);
    }
}

void
fake_switch_send(struct fake_switch *fs, struct ofpbuf *msg)
{
    ofpmsg_update_length(msg);
    ofpbuf_put(&fs->out, msg->data, msg->size);
    ofpbuf_delete(msg);
    flush(fs);
}

static void
send_error(struct fake_switch *fs, enum ofperr error,
           const struct ofp_header *oh)
{
    fake_switch_send(fs, ofperr_encode_reply(error, oh));
}

/* Tables.  --------------------------------------------------------------- */

static bool
decode(struct ofputil_flow_mod *fm, const struct ofpbuf *mod,
       struct ofpbuf *ofpacts)
{
    return !ofputil_decode_flow_mod(fm, mod->data, OFPUTIL_P_OF15_OXM, NULL,
                                    NULL, ofpacts, OFPP_MAX, 255);
}

static struct fake_flow *
find_flow(struct fake_switch *fs, const struct ofputil_flow_mod *fm)
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
        decode(&other, flow->mod, &ofpacts);
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
            flow_free(flow);
        }
    }
}

static void
apply_flow_mod(struct fake_switch *fs, const struct ofpbuf *mod)
{
    struct ofputil_flow_mod fm;
    struct fake_flow *flow;
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 0);
    decode(&fm, mod, &ofpacts);
    flow = find_flow(fs, &fm);
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
        delete_table(fs, fm.table_id); /* None is sent with a match. */
    } else if (flow && !((flow->cookie ^ ntohll(fm.cookie))
                         & ntohll(fm.cookie_mask))) {
        flow_free(flow);
    }
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
}

static void
apply_group_mod(struct fake_switch *fs, const struct ofpbuf *mod)
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
    apply_flow_mod(fs, mod);
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
            flow_free(flow);
        }
    }
}

static bool
goes_through(const struct ofputil_flow_mod *fm, uint32_t group_id)
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
        decode(&fm, flow->mod, &ofpacts);
        if (goes_through(&fm, id)) {
            flow_free(flow);
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

static void
send_list(struct fake_switch *fs, struct ovs_list *list)
{
    struct ofpbuf *b;

    LIST_FOR_EACH_POP (b, list_node, list) {
        fake_switch_send(fs, b);
    }
}

static void
dump_flows(struct fake_switch *fs, const struct ofp_header *request)
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
        decode(&fm, flow->mod, &ofpacts);
        minimatch_expand(&fm.match, &stats.match);
        stats.cookie = fm.new_cookie;
        stats.table_id = fm.table_id;
        stats.priority = fm.priority;
        stats.idle_timeout = fm.idle_timeout;
        stats.hard_timeout = fm.hard_timeout;
        stats.importance = fm.importance;
        stats.flags = fm.flags & OFPUTIL_FF_STATE;
        stats.packet_count = flow->packets;
        stats.byte_count = flow->bytes;
        stats.ofpacts = fm.ofpacts;
        stats.ofpacts_len = fm.ofpacts_len;
        ofputil_append_flow_stats_reply(&stats, &replies, NULL);
        minimatch_destroy(&fm.match);
        ofpbuf_uninit(&ofpacts);
    }
    send_list(fs, &replies);
}

static void
dump_groups(struct fake_switch *fs, const struct ofp_header *request)
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
    send_list(fs, &replies);
}

/* Bundles.  -------------------------------------------------------------- */

static uint16_t
flow_priority(const struct ofpbuf *mod, bool *add, bool *marker)
{
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;
    uint16_t priority;

    ofpbuf_init(&ofpacts, 0);
    if (!decode(&fm, mod, &ofpacts)) {
        ofpbuf_uninit(&ofpacts);
        return 0;
    }
    priority = fm.priority;
    *add = fm.command == OFPFC_ADD;
    *marker = (fm.table_id == MARKER_TABLE
               && fm.priority == MARKER_PRIORITY);
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
    return priority;
}

static void
bundle_add(struct fake_switch *fs, const struct ofp_header *oh)
{
    struct ofputil_bundle_add_msg add;
    struct ofpbuf *mod;
    enum ofptype type;
    bool is_add = true, is_marker = false;

    if (ofputil_decode_bundle_add(oh, &add, &type) || !fs->open) {
        send_error(fs, OFPERR_OFPBFC_BAD_ID, oh);
        return;
    }
    mod = ofpbuf_clone_data(add.msg, ntohs(add.msg->length));
    if (type == OFPTYPE_FLOW_MOD) {
        uint16_t priority = flow_priority(mod, &is_add, &is_marker);

        if (!is_marker) {
            ds_put_char(&fs->order, is_add ? 'F' : 'f');
        }
        if (is_add && ((priority && priority == fs->refuse_priority)
                       || (is_marker && fs->refuse_marker))) {
            send_error(fs, OFPERR_OFPBAC_BAD_TYPE, oh);
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
            send_error(fs, OFPERR_OFPGMFC_BAD_BUCKET, oh);
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

/* Copies of all flows and groups, to come back to. */
struct tables {
    struct ovs_list flows, groups;
};

static void
tables_save(struct tables *t, const struct fake_switch *fs)
{
    const struct fake_flow *flow;
    const struct fake_group *group;

    ovs_list_init(&t->flows);
    ovs_list_init(&t->groups);
    LIST_FOR_EACH (flow, node, &fs->flows) {
        struct fake_flow *copy = xmemdup(flow, sizeof *flow);

        copy->mod = ofpbuf_clone(flow->mod);
        ovs_list_push_back(&t->flows, &copy->node);
    }
    LIST_FOR_EACH (group, node, &fs->groups) {
        struct fake_group *copy = xmemdup(group, sizeof *group);

        copy->mod = ofpbuf_clone(group->mod);
        ovs_list_push_back(&t->groups, &copy->node);
    }
}

static struct fake_limit *
find_limit(struct fake_switch *fs, uint32_t meter)
{
    for (size_t i = 0; i < fs->n_limits; i++) {
        if (fs->limits[i].meter == meter) {
            return &fs->limits[i];
        }
    }
    return NULL;
}

static bool
has_its_meters(struct fake_switch *fs, const struct ofputil_flow_mod *fm)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, fm->ofpacts, fm->ofpacts_len) {
        if (a->type == OFPACT_METER
            && !find_limit(fs, ofpact_get_METER(a)->meter_id)) {
            return false;
        }
    }
    return true;
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
    if (decode(&fm, mod, &ofpacts)) {
        if (fm.command == OFPFC_ADD && goes_through(&fm, OFPG_ALL)) {
            error = OFPERR_OFPBAC_BAD_OUT_GROUP;
            LIST_FOR_EACH (group, node, &fs->groups) {
                if (goes_through(&fm, group->id)) {
                    error = 0;
                }
            }
        }
        if (!error && fm.command == OFPFC_ADD && !has_its_meters(fs, &fm)) {
            error = OFPERR_OFPMMFC_INVALID_METER;
        }
        if (!error && fm.command == OFPFC_ADD && fs->max_flows
            && fm.table_id != MARKER_TABLE && !find_flow(fs, &fm)
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
        apply_flow_mod(fs, mod);
    } else {
        apply_group_mod(fs, mod);
    }
}

/* Applies all of the bundle or nothing. */
static bool
apply_bundle(struct fake_switch *fs)
{
    enum ofperr error = 0;
    struct ofpbuf *mod;
    struct tables old;

    tables_save(&old, fs);
    LIST_FOR_EACH (mod, list_node, &fs->bundle) {
        error = find_fault(fs, mod);
        if (error) {
            send_error(fs, error, mod->data);
            clear_tables(&fs->flows, &fs->groups);
            ovs_list_push_back_all(&fs->flows, &old.flows);
            ovs_list_push_back_all(&fs->groups, &old.groups);
            break;
        }
        apply(fs, mod);
    }
    clear_tables(&old.flows, &old.groups);
    drop_list(&fs->bundle);
    return !error;
}

static bool
commit_is_refused(struct fake_switch *fs)
{
    struct ofpbuf *mod;

    LIST_FOR_EACH (mod, list_node, &fs->bundle) {
        const struct ofp_header *oh = mod->data;
        bool add = false, marker;

        if (fs->refuse_at_commit && oh->type == 14
            && flow_priority(mod, &add, &marker) == fs->refuse_at_commit
            && add) {
            send_error(fs, OFPERR_OFPBAC_BAD_OUT_GROUP, oh);
            return true;
        }
    }
    return false;
}

static void
bundle_control(struct fake_switch *fs, const struct ofp_header *oh)
{
    struct ofputil_bundle_ctrl_msg ctrl;

    ofputil_decode_bundle_ctrl(oh, &ctrl);
    if (ctrl.type == OFPBCT_OPEN_REQUEST) {
        if (fs->refuse_open) {
            send_error(fs, OFPERR_OFPBFC_BAD_TYPE, oh);
            return;
        }
        fs->open = true;
        ctrl.type = OFPBCT_OPEN_REPLY;
    } else if (ctrl.type == OFPBCT_DISCARD_REQUEST) {
        fs->n_discards++;
        fs->open = false;
        drop_list(&fs->bundle);
        ctrl.type = OFPBCT_DISCARD_REPLY;
    } else {
        fs->n_commits++;
        ds_put_char(&fs->order, '.');
        bool refused = fs->refuse_commits > 0;

        fs->refuse_commits -= refused;
        if (refused || !fs->open || commit_is_refused(fs)
            || !apply_bundle(fs)) {
            fs->open = false;
            drop_list(&fs->bundle);
            send_error(fs, OFPERR_OFPBFC_MSG_FAILED, oh);
            return;
        }
        fs->open = false;
        ctrl.type = OFPBCT_COMMIT_REPLY;
    }
    fake_switch_send(fs, ofputil_encode_bundle_ctrl_reply(oh, &ctrl));
}

/* Meters: those of the first bank that came, or none.  -------------------- */

static void
tell_meters(struct fake_switch *fs, const struct ofp_header *request)
{
    struct ovs_list replies;

    fs->n_meter_asks++;
    ofpmp_init(&replies, request);
    for (unsigned i = 0; i < MIN(fs->n_meter_mods, 2 * SAMPLING_METERS); i++) {
        struct ofputil_meter_band band = {
            .type = OFPMBT13_DROP,
            .rate = (i < SAMPLING_METERS
                     ? SAMPLING_DROP_RATE : SAMPLING_LOG_RATE),
            .burst_size = (i < SAMPLING_METERS ? SAMPLING_DROP_BURST
                           : SAMPLING_LOG_BURST),
        };
        const struct ofputil_meter_config mc = {
            .meter_id = SAMPLING_FIRST_METER + i,
            .flags = OFPMF13_PKTPS | OFPMF13_BURST,
            .n_bands = 1, .bands = &band,
        };

        ofputil_append_meter_config(&replies, &mc);
    }
    for (size_t i = 0; i < fs->n_limits; i++) {
        struct ofputil_meter_band band = {
            .type = OFPMBT13_DROP,
            .rate = fs->limits[i].rate,
            .burst_size = fs->limits[i].burst,
        };
        const struct ofputil_meter_config mc = {
            .meter_id = fs->limits[i].meter,
            .flags = OFPMF13_PKTPS | OFPMF13_BURST,
            .n_bands = 1, .bands = &band,
        };

        ofputil_append_meter_config(&replies, &mc);
    }
    send_list(fs, &replies);
}

static void
tell_meter_features(struct fake_switch *fs, const struct ofp_header *request)
{
    const struct ofputil_meter_features mf = {
        .max_meters = fs->meters ? 65536 : 0,
        .band_types = 1u << OFPMBT13_DROP,
        .capabilities = OFPMF13_PKTPS | OFPMF13_BURST,
        .max_bands = 8,
    };

    fake_switch_send(fs, ofputil_encode_meter_features_reply(&mf, request));
}

/* Ports 2 and 1, each in a message of its own. */
static void
tell_ports(struct fake_switch *fs, const struct ofp_header *oh)
{
    struct ofputil_port_stats ps = { .duration_sec = UINT32_MAX };
    struct ovs_list replies;
    struct ofpbuf *reply;

    if (fs->refuse_ports) {
        send_error(fs, OFPERR_OFPBRC_BAD_STAT, oh);
        return;
    }
    for (int port = 2; port >= 1; port--) {
        memset(&ps.stats, 0xff, sizeof ps.stats);
        ps.port_no = (OVS_FORCE ofp_port_t) port;
        if (port == 1) {
            ps.stats.rx_bytes = fs->port_bytes;
            ps.stats.tx_bytes = fs->port_bytes / 10;
        }
        ofpmp_init(&replies, oh);
        ofputil_append_port_stat(&replies, &ps);
        reply = ofpbuf_from_list(ovs_list_pop_front(&replies));
        if (port == 2) {
            /* The flags are behind the header and a type (OpenFlow 1.5.1,
             * section 7.3.5). */
            put_unaligned_be16((ovs_be16 *) ((uint8_t *) reply->data + 10),
                               htons(OFPSF_REPLY_MORE));
        }
        fake_switch_send(fs, reply);
    }
}

/* Messages.  ------------------------------------------------------------- */

static void
tell_features(struct fake_switch *fs, const struct ofp_header *oh)
{
    const struct ofputil_switch_features features = {
        .datapath_id = fs->datapath_id, .n_tables = 254,
    };

    fake_switch_send(fs, ofputil_encode_switch_features(
                         &features, OFPUTIL_P_OF15_OXM, oh->xid));
}

/* Deletes a limit's meter, and the flows that have it. */
static void
delete_limit(struct fake_switch *fs, struct fake_limit *limit)
{
    struct fake_flow *flow, *next;

    LIST_FOR_EACH_SAFE (flow, next, node, &fs->flows) {
        struct ofputil_flow_mod fm;
        struct ofpbuf ofpacts;
        uint32_t meter = limit->meter;
        bool has_it = false;

        ofpbuf_init(&ofpacts, 0);
        limit->meter = 0;
        if (decode(&fm, flow->mod, &ofpacts)) {
            has_it = !has_its_meters(fs, &fm);
            minimatch_destroy(&fm.match);
        }
        limit->meter = meter;
        ofpbuf_uninit(&ofpacts);
        if (has_it) {
            flow_free(flow);
        }
    }
    *limit = fs->limits[--fs->n_limits];
}

static void
limit_mod(struct fake_switch *fs, const struct ofputil_meter_mod *mm,
          const struct ofp_header *oh)
{
    struct fake_limit *limit = find_limit(fs, mm->meter.meter_id);

    fs->n_limit_mods++;
    if (mm->command == OFPMC13_DELETE) {
        if (limit) {
            delete_limit(fs, limit);
        }
        return;
    }
    if ((mm->command == OFPMC13_ADD) == (limit != NULL)) {
        send_error(fs, limit ? OFPERR_OFPMMFC_METER_EXISTS
                   : OFPERR_OFPMMFC_UNKNOWN_METER, oh);
        return;
    }
    if (!limit) {
        ovs_assert(fs->n_limits < ARRAY_SIZE(fs->limits));
        limit = &fs->limits[fs->n_limits++];
    }
    *limit = (struct fake_limit) {
        .meter = mm->meter.meter_id,
        .rate = mm->meter.bands[0].rate,
        .burst = mm->meter.bands[0].burst_size,
    };
}

static void
meter_mod(struct fake_switch *fs, const struct ofp_header *oh)
{
    struct ofputil_meter_mod mm;
    struct ofpbuf bands;

    ofpbuf_init(&bands, 64);
    if (fs->refuse_meters) {
        send_error(fs, OFPERR_OFPMMFC_OUT_OF_METERS, oh);
    } else if (!ofputil_decode_meter_mod(oh, &mm, &bands)
               && mm.meter.meter_id >= PUNTS_FIRST_METER) {
        limit_mod(fs, &mm, oh);
    } else {
        fs->n_meter_mods++;
    }
    ofpbuf_uninit(&bands);
}

/* Outside of bundles there are taps, and what takes the marker away. */
static void
flow_mod(struct fake_switch *fs, const struct ofp_header *oh)
{
    const struct ofp11_flow_mod *ofm = (const void *) (oh + 1);
    struct ofpbuf *mod;

    if (punt_is_table(ofm->table_id)) {
        fs->n_punts++;
    } else if (ofm->table_id != SAMPLE_TABLE) {
        fs->n_unmarks++;
    } else {
        fs->n_taps++;
        if (fs->refuse_meters) {
            send_error(fs, OFPERR_OFPMMFC_INVALID_METER, oh);
            return;
        }
    }
    mod = ofpbuf_clone_data(oh, ntohs(oh->length));
    apply_flow_mod(fs, mod);
    ofpbuf_delete(mod);
}

static void
packet_out(struct fake_switch *fs, const struct ofp_header *oh)
{
    fs->n_packet_outs++;
    ofpbuf_delete(fs->packet_out);
    fs->packet_out = ofpbuf_clone_data(oh, ntohs(oh->length));
}

static void
ct_flush(struct fake_switch *fs, const struct ofp_header *oh)
{
    bool with_zone = false;

    fs->n_flushes++;
    fs->since_barrier++;
    fs->most_flushes = MAX(fs->most_flushes, fs->since_barrier);
    memset(&fs->flush, 0, sizeof fs->flush);
    if (fs->refuse_flushes) {
        send_error(fs, OFPERR_OFPBRC_BAD_SUBTYPE, oh);
    } else if (ofp_ct_match_decode(&fs->flush, &with_zone, &fs->flush_zone,
                                   oh) || !with_zone) {
        ovs_fatal(0, "the controller sent a flush that is none");
    }
}

static void
answer_barrier(struct fake_switch *fs, const struct ofp_header *oh)
{
    fs->since_barrier = 0;
    fake_switch_send(fs, ofpraw_alloc_reply(OFPRAW_OFPT11_BARRIER_REPLY, oh,
                                            0));
}

static void
answer_echo(struct fake_switch *fs, const struct ofp_header *oh)
{
    fake_switch_send(fs, ofputil_encode_echo_reply(oh));
}

/* What it does with a message; others are passed over. */
static const struct handler {
    enum ofptype type;
    void (*handle)(struct fake_switch *, const struct ofp_header *);
} handlers[] = {
    { OFPTYPE_FEATURES_REQUEST, tell_features },
    { OFPTYPE_PORT_STATS_REQUEST, tell_ports },
    { OFPTYPE_METER_FEATURES_STATS_REQUEST, tell_meter_features },
    { OFPTYPE_METER_CONFIG_STATS_REQUEST, tell_meters },
    { OFPTYPE_METER_MOD, meter_mod },
    { OFPTYPE_FLOW_MOD, flow_mod },
    { OFPTYPE_FLOW_STATS_REQUEST, dump_flows },
    { OFPTYPE_GROUP_DESC_STATS_REQUEST, dump_groups },
    { OFPTYPE_BUNDLE_CONTROL, bundle_control },
    { OFPTYPE_BUNDLE_ADD_MESSAGE, bundle_add },
    { OFPTYPE_BARRIER_REQUEST, answer_barrier },
    { OFPTYPE_ECHO_REQUEST, answer_echo },
    { OFPTYPE_PACKET_OUT, packet_out },
    { OFPTYPE_CT_FLUSH, ct_flush },
};

static bool
is_held(const struct fake_switch *fs, enum ofptype type)
{
    return fs->hold && (type == OFPTYPE_BARRIER_REQUEST
                        || type == OFPTYPE_BUNDLE_CONTROL
                        || !ovs_list_is_empty(&fs->held));
}

static void
handle(struct fake_switch *fs, const struct ofp_header *oh)
{
    enum ofptype type;

    if (ofptype_decode(&type, oh)) {
        ovs_fatal(0, "the controller sent rubbish");
    }
    if (is_held(fs, type)) {
        struct ofpbuf *copy = ofpbuf_clone_data(oh, ntohs(oh->length));

        ovs_list_push_back(&fs->held, &copy->list_node);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
        if (handlers[i].type == type) {
            handlers[i].handle(fs, oh);
        }
    }
}

bool
fake_switch_run(struct fake_switch *fs)
{
    char buf[65536];
    ssize_t n;

    if (fs->fd < 0) {
        return false;
    }
    if (fs->deaf) {
        return true;
    }
    flush(fs);
    while ((n = read(fs->fd, buf, sizeof buf)) > 0) {
        ofpbuf_put(&fs->in, buf, n);
    }
    while (fs->in.size >= sizeof(struct ofp_header)) {
        const uint8_t *bytes = fs->in.data;
        size_t length = bytes[2] << 8 | bytes[3];
        struct ofp_header *oh;

        if (fs->in.size < length) {
            break;
        }
        /* Behind one with a packet of any length it is not aligned. */
        oh = xmemdup(bytes, length);
        ofpbuf_pull(&fs->in, length);
        handle(fs, oh);
        free(oh);
    }
    if (!n || (n < 0 && errno != EAGAIN)) {
        fake_switch_disconnect(fs);
        return false;
    }
    return true;
}

void
fake_switch_release_one(struct fake_switch *fs)
{
    bool hold = fs->hold;

    fs->hold = false;
    if (!ovs_list_is_empty(&fs->held)) {
        struct ofpbuf *msg = CONTAINER_OF(ovs_list_pop_front(&fs->held),
                                          struct ofpbuf, list_node);

        handle(fs, msg->data);
        ofpbuf_delete(msg);
    }
    fs->hold = hold;
}

void
fake_switch_release(struct fake_switch *fs)
{
    struct ovs_list held;
    struct ofpbuf *msg;

    fs->hold = false;
    ovs_list_init(&held);
    ovs_list_push_back_all(&held, &fs->held);
    LIST_FOR_EACH_POP (msg, list_node, &held) {
        handle(fs, msg->data);
        ofpbuf_delete(msg);
    }
}
