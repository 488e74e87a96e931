/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups for people; see words.h. */

#include <config.h>

#include "controller/fabric/session/flow-format.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/fabric/fabric-flows.h"
#include "controller/fabric/session/openflow-message.h"
#include "controller/flow/sample-action.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* Pieces.  Texts are the caller's to free.  ------------------------------- */

static char *
format_match(const struct minimatch *minimatch)
{
    struct match match;

    minimatch_expand(minimatch, &match);
    return match_to_string(&match, NULL, OFP_DEFAULT_PRIORITY);
}

static char *
format_actions(const struct ofpact *ofpacts, size_t ofpacts_len)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    sample_action_format(ofpacts, ofpacts_len, &s);
    return ds_steal_cstr(&s);
}

/* The instructions of a flow as a switch has told it. */
static char *
format_instructions(const struct flow_record *flow)
{
    struct ofpbuf b = ofpbuf_const_initializer(flow->instructions,
                                               flow->instructions_size);
    struct ofpbuf ofpacts;
    char *text;

    ofpbuf_init(&ofpacts, 256);
    text = (ofpacts_pull_openflow_instructions(
                &b, flow->instructions_size, OFP15_VERSION, NULL, NULL,
                &ofpacts)
            ? xstrdup("?") : format_actions(ofpacts.data, ofpacts.size));
    ofpbuf_uninit(&ofpacts);
    return text;
}

/* "type=select,bucket=...", as ovs-ofctl writes it. */
static char *
format_group(uint8_t type, const struct ovs_list *buckets,
             const struct ofputil_group_props *props)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct ofputil_group_mod gm = { .command = OFPGC11_ADD, .type = type };
    const char *start;
    char *text;

    ovs_list_init(&gm.buckets);
    ofputil_bucket_clone_list(&gm.buckets, buckets, NULL);
    ofputil_group_properties_copy(&gm.props, props);
    ofputil_group_mod_format__(&ds, OFP15_VERSION, &gm, NULL, NULL);
    ofputil_uninit_group_mod(&gm);
    start = strstr(ds_cstr(&ds), "type=");
    text = xstrdup(start ? start : ds_cstr(&ds));
    ds_destroy(&ds);
    return text;
}

static char *
format_wanted_group(const struct flow_item *item)
{
    const struct ofp_header *inner = ofmessage_inner(item);
    struct ofputil_group_mod gm;
    char *text;

    if (!inner || ofputil_decode_group_mod(inner, &gm)) {
        return xstrdup("?");
    }
    text = format_group(gm.type, &gm.buckets, &gm.props);
    ofputil_uninit_group_mod(&gm);
    return text;
}

static json_t *
take_string(char *text)
{
    json_t *json = json_string(text);

    free(text);
    return json;
}

static json_t *
cookie_to_json(uint64_t cookie)
{
    return json_sprintf("0x%016"PRIx64, cookie);
}

/* Wanted ones.  ---------------------------------------------------------- */

/* A flow item, decoded to text. */
struct flow_text {
    char *match;
    char *actions;
};

static struct flow_text
flow_text_of(const struct flow_item *item)
{
    struct flow_text text = { NULL, NULL };
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 256);
    if (ofmessage_decode_flow(item, &fm, &ofpacts)) {
        text.match = format_match(&fm.match);
        text.actions = format_actions(fm.ofpacts, fm.ofpacts_len);
        minimatch_destroy(&fm.match);
    } else {
        text.match = xstrdup("?");
        text.actions = xstrdup("?");
    }
    ofpbuf_uninit(&ofpacts);
    return text;
}

char *
item_describe(const struct engine *engine, const struct flow_item *item)
{
    const char *owner = engine_item_owner(engine, item);
    struct flow_text flow;
    char *text;

    if (item->kind == FLOW_ITEM_GROUP) {
        return xasprintf("group %"PRIu32" of %s", item->group_id,
                         owner ? owner : "nobody");
    }
    flow = flow_text_of(item);
    text = xasprintf("flow table=%u,priority=%u,%s actions=%s of %s",
                     item->table, item->priority, flow.match, flow.actions,
                     owner ? owner : "nobody");
    free(flow.match);
    free(flow.actions);
    return text;
}

json_t *
item_to_json(const struct engine *engine, const struct flow_item *item)
{
    const char *owner = engine_item_owner(engine, item);
    const char *scope = engine_scope_name(item->scope);
    struct flow_text text;

    if (item->kind == FLOW_ITEM_GROUP) {
        return json_pack("{s:I, s:o, s:s*, s:s}",
                         "group_id", (json_int_t) item->group_id,
                         "group", take_string(format_wanted_group(item)),
                         "owner", owner, "scope", scope);
    }
    text = flow_text_of(item);
    return json_pack("{s:i, s:i, s:o, s:o, s:s*, s:o, s:s*, s:s}",
                     "table", item->table, "priority", item->priority,
                     "match", take_string(text.match),
                     "actions", take_string(text.actions),
                     "reason", flow_item_drop_reason(item),
                     "cookie", cookie_to_json(item->cookie),
                     "owner", owner, "scope", scope);
}

/* Filters.  -------------------------------------------------------------- */

/* True if 'object' is the key of 'owner', "APP.UNIT/KEY", or a part of it:
 * keys of several names have them between "/" or "|". */
static bool
is_about(const char *owner, const char *object)
{
    const char *part = strchr(owner, '/');
    size_t len = strlen(object);

    for (; part; part = strpbrk(part + 1, "/|")) {
        if (!strncmp(part + 1, object, len)
            && (!part[1 + len] || strchr("/|", part[1 + len]))) {
            return true;
        }
    }
    return false;
}

bool
filter_passes(const struct fabric_filter *filter, const char *owner,
              int table)
{
    size_t app_len = filter->app ? strlen(filter->app) : 0;

    if (filter->app && (!owner || strncmp(owner, filter->app, app_len)
                        || owner[app_len] != '.')) {
        return false;
    }
    if (filter->object && (!owner || !is_about(owner, filter->object))) {
        return false;
    }
    return (!filter->by_table
            || (table >= filter->first_table && table <= filter->last_table));
}

bool
filter_passes_item(const struct fabric_filter *filter,
                   const struct engine *engine,
                   const struct flow_item *item)
{
    bool asks_for_owner = filter->app || filter->object;

    return filter_passes(filter, (asks_for_owner
                                  ? engine_item_owner(engine, item) : NULL),
                         item->kind == FLOW_ITEM_FLOW ? item->table : -1);
}

/* Differences.  ---------------------------------------------------------- */

const char *
difference_kind_name(enum difference_kind kind)
{
    switch (kind) {
    case DIFFERENCE_MISSING:
        return "missing";
    case DIFFERENCE_ALTERED:
        return "altered";
    case DIFFERENCE_UNKNOWN:
        return "stranger";
    case DIFFERENCE_REFUSED:
    default:
        return "refused";
    }
}

const char *
difference_owner(const struct engine *engine, const struct difference *d)
{
    return (d->wanted ? engine_item_owner(engine, d->wanted)
            : d->flow ? engine_cookie_name(engine, d->flow->cookie) : NULL);
}

static char *
describe_stranger(const struct engine *engine, const struct difference *d)
{
    const char *owner = difference_owner(engine, d);
    char *match, *text;

    if (d->group) {
        return xasprintf("group %"PRIu32" of a stranger",
                         d->group->desc.group_id);
    }
    match = format_match(&d->flow->match);
    text = xasprintf("flow table=%u,priority=%u,%s cookie=0x%"PRIx64" of %s",
                     d->flow->table, d->flow->priority, match,
                     d->flow->cookie, owner ? owner : "a stranger");
    free(match);
    return text;
}

char *
difference_to_text(const struct engine *engine, const struct difference *d)
{
    char *what = (d->wanted ? item_describe(engine, d->wanted)
                  : describe_stranger(engine, d));
    char *text = xasprintf("%s: %s", difference_kind_name(d->kind), what);

    free(what);
    return text;
}

bool
difference_passes(const struct engine *engine, const struct difference *d,
                  const struct fabric_filter *filter)
{
    int table = (d->flow ? d->flow->table
                 : d->wanted && d->wanted->kind == FLOW_ITEM_FLOW
                 ? d->wanted->table : -1);

    return filter_passes(filter, difference_owner(engine, d), table);
}

/* {"actions", "cookie"} or {"group"} of what is there, or NULL. */
static json_t *
installed_to_json(const struct difference *d)
{
    json_t *json;

    if (d->group) {
        return json_pack("{s:o}", "group", take_string(
                             format_group(d->group->desc.type,
                                          &d->group->desc.buckets,
                                          &d->group->desc.props)));
    }
    if (!d->flow) {
        return NULL;
    }
    json = json_pack("{s:o, s:o}",
                     "actions", take_string(format_instructions(d->flow)),
                     "cookie", cookie_to_json(d->flow->cookie));
    if (d->flow->idle_timeout || d->flow->hard_timeout) {
        json_object_set_new(json, "idle_timeout",
                            json_integer(d->flow->idle_timeout));
        json_object_set_new(json, "hard_timeout",
                            json_integer(d->flow->hard_timeout));
    }
    return json;
}

/* Takes 'names' out of 'json', into an object of their own. */
static json_t *
take_members(json_t *json, const char *const names[], size_t n)
{
    json_t *taken = json_object();

    for (size_t i = 0; i < n; i++) {
        json_t *value = json_object_get(json, names[i]);

        if (value) {
            json_object_set(taken, names[i], value);
            json_object_del(json, names[i]);
        }
    }
    return taken;
}

/* In what the two differ.  Flows that show the same texts differ in what is
 * not shown. */
static json_t *
differs_in(const struct difference *d, const json_t *wanted,
           const json_t *installed)
{
    static const char *const names[] = { "actions", "cookie", "group" };
    json_t *in = json_array();

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        json_t *value = json_object_get(wanted, names[i]);

        if (value && !json_equal(value, json_object_get(installed,
                                                        names[i]))) {
            json_array_append_new(in, json_string(names[i]));
        }
    }
    if (d->flow && (d->flow->idle_timeout || d->flow->hard_timeout)) {
        json_array_append_new(in, json_string("timeouts"));
    }
    if (d->flow && (d->flow->flags || d->flow->importance)) {
        json_array_append_new(in, json_string("flags"));
    }
    if (!json_array_size(in)) {
        json_array_append_new(in, json_string("encoding"));
    }
    return in;
}

static json_t *
stranger_to_json(const struct engine *engine, const struct difference *d)
{
    const char *owner = difference_owner(engine, d);
    json_t *json = json_pack("{s:s, s:s?}", "kind",
                             difference_kind_name(d->kind), "owner", owner);

    if (d->group) {
        json_object_set_new(json, "group_id",
                            json_integer(d->group->desc.group_id));
    } else {
        json_object_set_new(json, "table", json_integer(d->flow->table));
        json_object_set_new(json, "priority",
                            json_integer(d->flow->priority));
        json_object_set_new(json, "match",
                            take_string(format_match(&d->flow->match)));
    }
    json_object_set_new(json, "installed", installed_to_json(d));
    return json;
}

json_t *
difference_to_json(const struct engine *engine, const struct difference *d)
{
    static const char *const contents[] = { "actions", "cookie", "group",
                                            "reason" };
    json_t *json, *wanted, *installed;

    if (!d->wanted) {
        return stranger_to_json(engine, d);
    }
    json = json_pack("{s:s}", "kind", difference_kind_name(d->kind));
    wanted = item_to_json(engine, d->wanted);
    json_object_update(json, wanted);
    json_decref(wanted);
    wanted = take_members(json, contents, ARRAY_SIZE(contents));
    installed = installed_to_json(d);
    if (installed) {
        json_object_set_new(json, "differs",
                            differs_in(d, wanted, installed));
        json_object_set_new(json, "installed", installed);
    }
    json_object_set_new(json, "wanted", wanted);
    return json;
}
