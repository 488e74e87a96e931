/* SPDX-License-Identifier: Apache-2.0
 *
 * unixctl commands about units: the inputs, the desired items, the last
 * computation; the owner of a cookie; the numbers of each class.  Changes
 * nothing. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/flow/emit.h"
#include "controller/flow/match-overlap.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "svec.h"
#include "unixctl.h"
#include "util.h"

/* Maximum number of lines of each kind for one unit. */
#define LINES_MAX 200

static const char *const index_names[VMN_N_INDEXES] = {
    [VMN_INDEX_ALL_HOSTS] = "all-hosts",
    [VMN_INDEX_PORT_BY_NETWORK] = "port-by-network",
    [VMN_INDEX_PORT_BY_LABEL] = "port-by-label",
    [VMN_INDEX_PORT_BY_HOST] = "port-by-host",
    [VMN_INDEX_GROUP_BY_PORT] = "group-by-port",
    [VMN_INDEX_GROUP_BY_ANCHOR] = "group-by-anchor",
    [VMN_INDEX_POLICY_BY_GROUP] = "policy-by-group",
    [VMN_INDEX_LB_BY_NETWORK] = "lb-by-network",
    [VMN_INDEX_PORT_BY_IP] = "port-by-ip",
    [VMN_INDEX_ROUTER_BY_NETWORK] = "router-by-network",
    [VMN_INDEX_ZONE_BY_NETWORK] = "zone-by-network",
    [VMN_INDEX_PORT_BY_PARENT] = "port-by-parent",
};

/* Pieces.  --------------------------------------------------------------- */

/* Returns "row ports/a", "relation overlay.network-hosts lab" and so on.  The
 * caller frees it. */
static char *
describe_node(const struct engine *engine, const struct node *node)
{
    switch (node->kind) {
    case NODE_ROW:
        return xasprintf("row %s/%s", schema_tables[node->id]->plural,
                         node->key);
    case NODE_LABELS:
        return xasprintf("labels of %s/%s",
                         schema_tables[node->id]->plural, node->key);
    case NODE_INDEX:
        return xasprintf("index %s \"%s\"", index_names[node->id],
                         node->key);
    case NODE_RELATION:
        return xasprintf("relation %s \"%s\"",
                         engine->relation_names[node->id], node->key);
    case NODE_ID_EXHAUSTION:
        return xasprintf("exhaustion of ID pool %s", node->key);
    case NODE_WORKER_ABSENCE:
        return xasprintf("absence of the worker of app %s", node->key);
    case NODE_APP_MEMORY:
        return xasprintf("memory of app %s", node->key);
    case NODE_TIME:
        return xasprintf("time %s, in seconds since 1970", node->key);
    case NODE_QUERY:
        return xasprintf("query %s \"%s\"",
                         engine->query_classes[node->id].name, node->key);
    case NODE_UNIT:
    default:
        return xasprintf("unit %s", unit_node_cast(
                             CONST_CAST(struct node *, node))->name);
    }
}

static char *
describe_item(const struct flow_item *item)
{
    struct match match;
    char *s, *text;

    if (item->kind == FLOW_ITEM_GROUP) {
        return xasprintf("group %"PRIu32" on %s", item->group_id,
                         engine_scope_name(item->scope));
    }
    flow_item_decode_match(item, &match);
    s = match_to_string(&match, NULL, OFP_DEFAULT_PRIORITY);
    text = xasprintf("flow table=%u,priority=%u,%s on %s", item->table,
                     item->priority, s, engine_scope_name(item->scope));
    free(s);
    return text;
}

static bool
is_active(const struct slot *slot, const struct flow_item *item)
{
    for (size_t i = 0; i < slot->n_active; i++) {
        if (slot_active(slot)[i] == item) {
            return true;
        }
    }
    return false;
}

/* Returns a text for a unit's item in a slot, or its contribution to it.  The
 * caller frees it. */
static char *
describe_entry(const struct entry *entry)
{
    const struct slot *slot = entry->slot;
    const struct flow_item *item = entry_item(entry);
    char *what, *text;

    if (item) {
        what = describe_item(item);
        text = xasprintf("%s%s", what, is_active(slot, item) ? ""
                         : ", not installed: another unit's is");
    } else {
        what = (slot->n_active
                ? describe_item(slot_active(slot)[0])
                : xasprintf("a flow in table %u", slot->table));
        text = xasprintf("clauses of %s", what);
    }
    free(what);
    return text;
}

/* Sorts 'lines' and appends the first LINES_MAX below 'title'. */
static void
put_lines(struct ds *ds, const char *title, struct svec *lines)
{
    svec_sort(lines);
    ds_put_format(ds, "%s: %"PRIuSIZE"\n", title, lines->n);
    for (size_t i = 0; i < MIN(lines->n, LINES_MAX); i++) {
        ds_put_format(ds, "  %s\n", lines->names[i]);
    }
    if (lines->n > LINES_MAX) {
        ds_put_format(ds, "  and %"PRIuSIZE" more\n", lines->n - LINES_MAX);
    }
    svec_destroy(lines);
}

/* Units.  ---------------------------------------------------------------- */

static void
put_unit(const struct engine *engine, const struct unit_node *unit,
         struct ds *ds)
{
    struct svec reads = SVEC_EMPTY_INITIALIZER;
    struct svec rel = SVEC_EMPTY_INITIALIZER;
    struct svec wants = SVEC_EMPTY_INITIALIZER;
    uint32_t edge = unit->node.reads;
    const struct node *source;

    while ((source = graph_next_source(&engine->graph, &edge))) {
        svec_add_nocopy(&reads, describe_node(engine, source));
    }
    for (size_t i = 0; i < unit->n_values; i++) {
        const struct relation_value *value = &unit->values[i];

        svec_add_nocopy(&rel, xasprintf(
                            "%s \"%s\": %s",
                            engine->relation_names[value->rel->node.id],
                            value->rel->node.key, value->value->name));
    }
    for (size_t i = 0; i < unit->n_entries; i++) {
        svec_add_nocopy(&wants, describe_entry(
                            desired_entry(&engine->desired,
                                          unit->entries[i])));
    }
    ds_put_format(ds, "%s\ncookie: 0x%016"PRIx64"\nlast computed: in run %"
                  PRIu64" of %"PRIu64"\nproblem: %s\n", unit->name,
                  unit->cookie, unit->node.run, engine->stats.n_runs,
                  unit->problem ? unit->problem : "none");
    put_lines(ds, "reads", &reads);
    put_lines(ds, "publishes", &rel);
    put_lines(ds, "wants", &wants);
}

static void
unixctl_unit(struct unixctl_conn *conn, int argc OVS_UNUSED,
             const char *argv[], void *engine_)
{
    const struct engine *engine = engine_;
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct unit_node *unit;

    uint32_t hash = flow_key_hash(flow_owner_cookie(argv[1]));

    HMAP_FOR_EACH_WITH_HASH (unit, cookie_node, hash,
                             shards_at(&engine->cookies, hash)) {
        if (!strcmp(unit->name, argv[1])) {
            put_unit(engine, unit, &ds);
            unixctl_command_reply(conn, ds_cstr(&ds));
            ds_destroy(&ds);
            return;
        }
    }
    unixctl_command_reply_error(conn, "no such unit: engine/units lists them,"
                                " as APP.UNIT/KEY");
}

/* Cookies.  -------------------------------------------------------------- */

static bool
parse_cookie(const char *text, uint64_t *cookie)
{
    char *end;

    errno = 0;
    *cookie = strtoull(text, &end, 0);
    return *text >= '0' && *text <= '9' && !*end && !errno && *cookie;
}

/* Appends the units whose clauses are merged in flows with 'cookie'. */
static void
put_contributors(const struct engine *engine, uint64_t cookie, struct ds *ds)
{
    struct svec names = SVEC_EMPTY_INITIALIZER;
    uint32_t hash = flow_key_hash(cookie);
    const struct slot *slot;

    /* The cookie of a merged flow is its slot's key. */
    HMAP_FOR_EACH_WITH_HASH (slot, hmap_node, hash,
                             shards_at(&engine->desired.slots, hash)) {
        if (!slot->n_active || slot_active(slot)[0]->cookie != cookie) {
            continue;
        }
        for (size_t i = 0; i < slot->n_active; i++) {
            char *s = describe_item(slot_active(slot)[i]);

            ds_put_format(ds, "%s\n", s);
            free(s);
        }
        for (size_t i = 0; i < slot->n_entries; i++) {
            svec_add(&names, slot_entry(&engine->desired, slot,
                                        i)->unit->name);
        }
    }
    put_lines(ds, "merged of clauses of", &names);
}

static void
unixctl_explain(struct unixctl_conn *conn, int argc OVS_UNUSED,
                const char *argv[], void *engine_)
{
    const struct engine *engine = engine_;
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct unit_node *unit;
    uint64_t cookie;

    if (!parse_cookie(argv[1], &cookie)) {
        unixctl_command_reply_error(conn, "COOKIE: must be a number other "
                                    "than 0, such as 0x5e1869c47ffb7c77");
        return;
    }
    cookie = flow_cookie_owner(cookie);
    unit = engine_find_unit(engine, cookie);
    if (unit) {
        put_unit(engine, unit, &ds);
        unixctl_command_reply(conn, ds_cstr(&ds));
    } else if (desired_clause_name(&engine->desired, cookie)) {
        put_contributors(engine, cookie, &ds);
        unixctl_command_reply(conn, ds_cstr(&ds));
    } else {
        unixctl_command_reply_error(conn, "nothing that is desired has this "
                                    "cookie: unknown owner");
    }
    ds_destroy(&ds);
}

/* Classes.  -------------------------------------------------------------- */

static void
unixctl_stats(struct unixctl_conn *conn, int argc OVS_UNUSED,
              const char *argv[] OVS_UNUSED, void *engine_)
{
    const struct engine *engine = engine_;
    size_t n_classes = engine_n_classes(engine);
    size_t *kept = xcalloc(MAX(n_classes, 1), sizeof *kept);
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct node *node;

    for (int i = 0; i < SHARDS_N; i++) {
        HMAP_FOR_EACH (node, hmap_node, &engine->graph.nodes.maps[i]) {
            if (node->kind == NODE_UNIT) {
                kept[engine->unit_classes[node->id].number]++;
            } else if (node->kind == NODE_QUERY) {
                kept[engine->query_classes[node->id].number]++;
            }
        }
    }
    ds_put_format(&ds, "%-40s %10s %12s\n", "class", "kept", "computed");
    for (size_t i = 0; i < n_classes; i++) {
        struct engine_class c = engine_get_class(engine, i);
        char *name = xasprintf("%s %s.%s", c.is_query ? "query" : "unit",
                               c.app, c.name);

        ds_put_format(&ds, "%-40s %10"PRIuSIZE" %12"PRIu64"\n", name,
                      kept[i], c.n_computed);
        free(name);
    }
    free(kept);
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
unit_unixctl_init(struct engine *engine)
{
    unixctl_command_register("engine/unit", "APP.UNIT/KEY", 1, 1,
                             unixctl_unit, engine);
    unixctl_command_register("engine/explain", "COOKIE", 1, 1,
                             unixctl_explain, engine);
    unixctl_command_register("engine/stats", "", 0, 0, unixctl_stats, engine);
}
