/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats flows and groups as text; see flow-format.h. */

#include <config.h>

#include "controller/fabric/session/flow-format.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-flows.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/flow/flow-text.h"
#include "controller/schema/arena.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* Pieces.  Texts are the caller's to free.  ------------------------------- */

/* Formats the instructions of a flow as a switch has reported it. */
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
            ? xstrdup("?") : flow_text_actions(ofpacts.data, ofpacts.size));
    ofpbuf_uninit(&ofpacts);
    return text;
}

/* Moves 'text' into 'arena'. */
static const char *
take(struct arena *arena, char *text)
{
    const char *copy = arena_strdup(arena, text);

    free(text);
    return copy;
}

static const char *
format_cookie(uint64_t cookie, struct arena *arena)
{
    return arena_printf(arena, "0x%016"PRIx64, cookie);
}

/* Desired ones.  ---------------------------------------------------------- */

char *
item_describe(const struct engine *engine, const struct flow_item *item)
{
    const char *owner = engine_item_owner(engine, item);
    char *match, *actions, *text;

    if (item->kind == FLOW_ITEM_GROUP) {
        return xasprintf("group %"PRIu32" of %s", item->group_id,
                         owner ? owner : "nobody");
    }
    flow_text_of_flow(item, &match, &actions);
    text = xasprintf("flow table=%u,priority=%u,%s actions=%s of %s",
                     item->table, item->priority, match, actions,
                     owner ? owner : "nobody");
    free(match);
    free(actions);
    return text;
}

void
item_show_flow(const struct engine *engine, const struct flow_item *item,
               struct arena *arena, struct fabric_flow *flow)
{
    char *match, *actions;

    flow_text_of_flow(item, &match, &actions);
    *flow = (struct fabric_flow) {
        .table = item->table, .priority = item->priority,
        .match = take(arena, match),
        .actions = take(arena, actions),
        .reason = flow_item_drop_reason(item),
        .cookie = format_cookie(item->cookie, arena),
        .owner = engine_item_owner(engine, item),
        .scope = engine_scope_name(item->scope),
    };
    flow->owner = flow->owner ? arena_strdup(arena, flow->owner) : NULL;
    flow->scope = arena_strdup(arena, flow->scope);
}

void
item_show_group(const struct engine *engine, const struct flow_item *item,
                struct arena *arena, struct fabric_group *group)
{
    const char *owner = engine_item_owner(engine, item);

    *group = (struct fabric_group) {
        .group_id = item->group_id,
        .group = take(arena, flow_text_of_group(item)),
        .owner = owner ? arena_strdup(arena, owner) : NULL,
        .scope = arena_strdup(arena, engine_scope_name(item->scope)),
    };
}

/* Filters.  -------------------------------------------------------------- */

/* Returns true if 'object' is the key of 'owner', "APP.UNIT/KEY", or a part of
 * it: keys of several names have them between "/" or "|". */
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
        return "unknown";
    case DIFFERENCE_REFUSED:
    default:
        return "rejected";
    }
}

const char *
difference_owner(const struct engine *engine, const struct difference *d)
{
    return (d->desired ? engine_item_owner(engine, d->desired)
            : d->flow ? engine_cookie_name(engine, d->flow->cookie) : NULL);
}

static char *
describe_unknown(const struct engine *engine, const struct difference *d)
{
    const char *owner = difference_owner(engine, d);
    char *match, *text;

    if (d->group) {
        return xasprintf("group %"PRIu32" of an unknown owner",
                         d->group->desc.group_id);
    }
    match = flow_text_match(&d->flow->match);
    text = xasprintf("flow table=%u,priority=%u,%s cookie=0x%"PRIx64" of %s",
                     d->flow->table, d->flow->priority, match,
                     d->flow->cookie, owner ? owner : "an unknown owner");
    free(match);
    return text;
}

char *
difference_to_text(const struct engine *engine, const struct difference *d)
{
    char *what = (d->desired ? item_describe(engine, d->desired)
                  : describe_unknown(engine, d));
    char *text = xasprintf("%s: %s", difference_kind_name(d->kind), what);

    free(what);
    return text;
}

bool
difference_passes(const struct engine *engine, const struct difference *d,
                  const struct fabric_filter *filter)
{
    int table = (d->flow ? d->flow->table
                 : d->desired && d->desired->kind == FLOW_ITEM_FLOW
                 ? d->desired->table : -1);

    return filter_passes(filter, difference_owner(engine, d), table);
}

/* Returns the installed contents, or NULL. */
static struct fabric_contents *
show_installed(const struct difference *d, struct arena *arena)
{
    struct fabric_contents *c = arena_alloc(arena, sizeof *c);

    *c = (struct fabric_contents) { .idle_timeout = -1, .hard_timeout = -1 };
    if (d->group) {
        c->group = take(arena, flow_text_group(d->group->desc.type,
                                            &d->group->desc.buckets,
                                            &d->group->desc.props));
        return c;
    }
    if (!d->flow) {
        return NULL;
    }
    c->actions = take(arena, format_instructions(d->flow));
    c->cookie = format_cookie(d->flow->cookie, arena);
    if (d->flow->idle_timeout || d->flow->hard_timeout) {
        c->idle_timeout = d->flow->idle_timeout;
        c->hard_timeout = d->flow->hard_timeout;
    }
    return c;
}

/* Fills in the desired contents, and the key. */
static void
show_desired(const struct engine *engine, const struct difference *d,
             struct arena *arena, struct fabric_difference *shown)
{
    struct fabric_contents *c = arena_alloc(arena, sizeof *c);

    *c = (struct fabric_contents) { .idle_timeout = -1, .hard_timeout = -1 };
    if (d->desired->kind == FLOW_ITEM_GROUP) {
        struct fabric_group group;

        item_show_group(engine, d->desired, arena, &group);
        shown->group_id = group.group_id;
        shown->owner = group.owner;
        shown->scope = group.scope;
        c->group = group.group;
    } else {
        struct fabric_flow flow;

        item_show_flow(engine, d->desired, arena, &flow);
        shown->table = flow.table;
        shown->priority = flow.priority;
        shown->match = flow.match;
        shown->owner = flow.owner;
        shown->scope = flow.scope;
        c->actions = flow.actions;
        c->cookie = flow.cookie;
        c->reason = flow.reason;
    }
    shown->desired = c;
}

/* Returns the members that differ.  Flows with the same texts differ in their
 * encoding. */
static void
show_differs(const struct difference *d, struct arena *arena,
             struct fabric_difference *shown)
{
    const struct fabric_contents *w = shown->desired, *i = shown->installed;
    const struct {
        const char *name;
        bool differs;
    } parts[] = {
        { "actions", !nullable_string_is_equal(w->actions, i->actions) },
        { "cookie", !nullable_string_is_equal(w->cookie, i->cookie) },
        { "group", !nullable_string_is_equal(w->group, i->group) },
        { "timeouts", (d->flow && (d->flow->idle_timeout
                                   || d->flow->hard_timeout)) },
        { "flags", d->flow && (d->flow->flags || d->flow->importance) },
    };

    shown->differs = arena_alloc(arena, ARRAY_SIZE(parts)
                                        * sizeof *shown->differs);
    for (size_t j = 0; j < ARRAY_SIZE(parts); j++) {
        if (parts[j].differs) {
            shown->differs[shown->n_differs++] = parts[j].name;
        }
    }
    if (!shown->n_differs) {
        shown->differs[shown->n_differs++] = "encoding";
    }
}

static void
show_unknown(const struct engine *engine, const struct difference *d,
             struct arena *arena, struct fabric_difference *shown)
{
    const char *owner = difference_owner(engine, d);

    shown->owner = owner ? arena_strdup(arena, owner) : NULL;
    if (d->group) {
        shown->group_id = d->group->desc.group_id;
    } else {
        shown->table = d->flow->table;
        shown->priority = d->flow->priority;
        shown->match = take(arena, flow_text_match(&d->flow->match));
    }
}

void
difference_show(const struct engine *engine, const struct difference *d,
                struct arena *arena, struct fabric_difference *shown)
{
    *shown = (struct fabric_difference) {
        .kind = difference_kind_name(d->kind), .table = -1, .priority = -1,
        .group_id = -1, .installed = show_installed(d, arena),
    };
    if (!d->desired) {
        show_unknown(engine, d, arena, shown);
        return;
    }
    show_desired(engine, d, arena, shown);
    if (shown->installed) {
        show_differs(d, arena, shown);
    }
}
