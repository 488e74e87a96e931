/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects as the API shows them: the row, and under "status" what is observed
 * about it, each type by a function of its own. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-status.h"
#include "controller/flow/pipeline.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "util.h"

/* Texts of objects are made without their last brace: members are appended,
 * and the brace at the end. */

/* '"NAME":', behind a comma unless it is the first member. */
static void
put_name(struct ds *ds, const char *name)
{
    ds_put_format(ds, "%s\"%s\":", ds_last(ds) == '{' ? "" : ",", name);
}

void
nb_append_members(struct ds *ds, json_t *more)
{
    if (json_object_size(more)) {
        char *text = json_dumps(more, JSON_COMPACT | JSON_REAL_PRECISION(15));

        ds_put_cstr(ds, ds_last(ds) == '{' ? "" : ",");
        ds_put_buffer(ds, text + 1, strlen(text) - 2);
        free(text);
    }
    json_decref(more);
}

/* Who knows a host's datapath id, and reaches the listener, could pose as its
 * switch where there is no TLS: accounts with a scope need not know it. */
static void
host_status(const struct northbound *nb, const struct model_rights *rights,
            const struct vmn_row *row, struct ds *ds)
{
    struct status_host status;
    struct arena arena;

    arena_init(&arena);
    if (fabric_host_status(nb->fabric, row->name, &arena, &status)) {
        if (rights && rights->scope.text) {
            status.datapath_id = NULL;
        }
        schema_struct_print_members(&schema_status_host, &status, ds);
    }
    arena_uninit(&arena);
}

/* How full a network's subnets are. */
static void
put_subnets(const struct northbound *nb, const struct vmn_network *network,
            struct ds *ds)
{
    struct model_use *uses = xcalloc(MAX(network->n_subnets, 1),
                                     sizeof *uses);

    model_subnets_use(nb->model, network, uses);
    put_name(ds, "subnets");
    ds_put_char(ds, '[');
    for (size_t i = 0; i < network->n_subnets; i++) {
        char buf[VALUE_PREFIX_SIZE];

        ds_put_format(ds, "%s{\"cidr\":\"%s\",\"size\":%"PRIu64
                      ",\"used\":%"PRIu64",\"free\":%"PRIu64"}",
                      i ? "," : "",
                      value_format_prefix(&network->subnets[i].cidr, buf),
                      uses[i].size, uses[i].used,
                      uses[i].size - uses[i].used);
    }
    ds_put_char(ds, ']');
    free(uses);
}

/* That of the row, or else what follows from the underlay. */
static void
put_mtu(const struct northbound *nb, const struct vmn_network *network,
        struct ds *ds)
{
    uint32_t mtu = network->mtu;
    size_t size;
    char *value = mtu ? NULL : engine_peek(nb->engine, VMN_QUERY_MTU, "",
                                           &size);

    if (value && size == sizeof mtu) {
        memcpy(&mtu, value, sizeof mtu);
    }
    if (mtu) {
        put_name(ds, "mtu");
        ds_put_format(ds, "%"PRIu32, mtu);
    }
    free(value);
}

static void
network_status(const struct northbound *nb, const struct vmn_row *row,
               bool one OVS_UNUSED, struct ds *ds)
{
    struct vmn_names ports = model_lookup(nb->model, VMN_INDEX_PORT_BY_NETWORK,
                                          row->name);

    put_name(ds, "ports");
    ds_put_format(ds, "%"PRIuSIZE, ports.n);
    put_mtu(nb, (const struct vmn_network *) row, ds);
    put_subnets(nb, (const struct vmn_network *) row, ds);
}

char *
nb_port_quarantine(const struct northbound *nb, const char *port)
{
    size_t size;

    return engine_peek(nb->engine, VMN_QUERY_QUARANTINE, port, &size);
}

/* Fills in the names of quarantines in what nb_port_quarantine() has returned,
 * which is cut up, and borrowed. */
static void
put_quarantines(char *held, struct arena *arena, struct status_port *status)
{
    char *save = NULL;

    status->quarantines = arena_alloc(arena, (strlen(held) + 1) / 2
                                             * sizeof *status->quarantines);
    for (char *name = strtok_r(held, ",", &save); name;
         name = strtok_r(NULL, ",", &save)) {
        const char *slash = strchr(name, '/');

        if (slash) {
            status->quarantines[status->n_quarantines++] = slash + 1;
        }
    }
    if (!status->n_quarantines) {
        status->quarantines = NULL;
    }
}

static void
port_status(const struct northbound *nb, const struct vmn_row *row,
            bool one OVS_UNUSED, struct ds *ds)
{
    char *held = nb_port_quarantine(nb, row->name);
    struct status_port status;
    struct arena arena;

    arena_init(&arena);
    fabric_port_status(nb->fabric, row->name, &arena, &status);
    if (held) {
        put_quarantines(held, &arena, &status);
    }
    schema_struct_print_members(&schema_status_port, &status, ds);
    arena_uninit(&arena);
    free(held);
}

static void
app_status(const struct northbound *nb, const struct vmn_row *row,
           bool one OVS_UNUSED, struct ds *ds)
{
    const struct pipeline *pipeline = apphost_pipeline(nb->apphost);
    struct status_app status;
    struct arena arena;

    arena_init(&arena);
    if (engine_app_status(nb->engine, row->name, &arena, &status)) {
        for (size_t i = 0; pipeline && i < pipeline->n_apps; i++) {
            const struct vmn_app_class *app = pipeline->apps[i].class_;

            if (!strcmp(app->name, row->name)) {
                status.description = app->description;
            }
        }
        schema_struct_print_members(&schema_status_app, &status, ds);
    }
    arena_uninit(&arena);
}

/* Members.  -------------------------------------------------------------- */

/* The ports that 'selector' selects, sorted.  The caller frees the array. */
static const char **
get_selected(const struct model *model,
             const struct vmn_selector *selector, size_t *np)
{
    const char **names;
    size_t n_candidates, n = 0;

    *np = 0;
    if (!selector->text) {
        return NULL;
    }
    names = nb_selector_candidates(model, selector, &n_candidates);
    for (size_t i = 0; i < n_candidates; i++) {
        const struct vmn_port *port = model_get_durable(
            model, VMN_TABLE_PORT, names[i], NULL);

        if (port && vmn_selector_matches(selector, &port->labels)) {
            names[n++] = names[i];
        }
    }
    *np = n;
    return names;
}

/* Names of ports, not yet sorted, and of the groups that they are from. */
struct members {
    size_t n, allocated;
    const char **names;
    struct sset groups;
};

static void
members_add(struct members *members, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (members->n >= members->allocated) {
            members->names = x2nrealloc(members->names, &members->allocated,
                                        sizeof *members->names);
        }
        members->names[members->n++] = names[i];
    }
}

/* Adds the ports that are named and those that are selected, both of which are
 * sorted, and those of the groups inside. */
static void
members_add_group(const struct northbound *nb, struct members *members,
                  const struct vmn_group *group)
{
    size_t n_selected;
    const char **selected;

    if (!group || !sset_add(&members->groups, group->row.name)) {
        return;
    }
    selected = get_selected(nb->model, &group->selector, &n_selected);
    members_add(members, (const char *const *) selected, n_selected);
    free(selected);
    members_add(members, group->ports, group->n_ports);
    for (size_t i = 0; i < group->n_groups; i++) {
        members_add_group(nb, members, model_get_durable(
            nb->model, VMN_TABLE_GROUP, group->groups[i], NULL));
    }
}

static int
compare_names(const void *a_, const void *b_)
{
    const char *const *a = a_;
    const char *const *b = b_;

    return strcmp(*a, *b);
}

/* Often they are all selected, and so sorted already. */
static void
members_sort(struct members *members)
{
    const char **names = members->names;
    size_t n = members->n ? 1 : 0;

    for (size_t i = 1; i < members->n; i++) {
        if (strcmp(names[i - 1], names[i]) > 0) {
            qsort(names, members->n, sizeof *names, compare_names);
            break;
        }
    }
    for (size_t i = 1; i < members->n; i++) {
        if (strcmp(names[n - 1], names[i])) {
            names[n++] = names[i];
        }
    }
    members->n = n;
}

/* How many ports, and if they are asked for which, as far as a list may go. */
static void
members_put(struct members *members, bool list, struct ds *ds)
{
    members_sort(members);
    if (list) {
        put_name(ds, "members");
        ds_put_char(ds, '[');
        for (size_t i = 0; i < members->n && i < NB_MEMBERS_MAX; i++) {
            ds_put_cstr(ds, i ? "," : "");
            schema_print_string(ds, members->names[i]);
        }
        ds_put_char(ds, ']');
    }
    put_name(ds, "n_members");
    ds_put_format(ds, "%"PRIuSIZE, members->n);
    free(members->names);
}

/* Which ports are in the group. */
static void
group_status(const struct northbound *nb, const struct vmn_row *row,
             bool one, struct ds *ds)
{
    struct members members = { .n = 0 };

    if (!one) {
        return;
    }
    sset_init(&members.groups);
    members_add_group(nb, &members, (const struct vmn_group *) row);
    members_put(&members, true, ds);
    sset_destroy(&members.groups);
}

/* The same of each of them, and of all. */
static json_t *
rules_to_json(const struct fabric_count *counts, size_t n,
              struct fabric_count *sum)
{
    json_t *rules = json_array();

    memset(sum, 0, sizeof *sum);
    for (size_t i = 0; i < n; i++) {
        json_t *rule = json_object();

        nb_add_count(rule, &counts[i]);
        json_array_append_new(rules, rule);
        sum->packets += counts[i].packets;
        sum->bytes += counts[i].bytes;
        sum->last_ms = MAX(sum->last_ms, counts[i].last_ms);
    }
    return rules;
}

/* What came through a quarantine by what it allows. */
static void
quarantine_hits(const struct northbound *nb,
                const struct vmn_quarantine *quarantine, bool one,
                struct ds *ds)
{
    size_t n = quarantine->n_allow;
    struct fabric_count *counts = xmalloc(MAX(n, 1) * sizeof *counts);
    struct fabric_count sum, rest;
    json_t *json = json_object(), *rules;

    fabric_rule_counts(nb->fabric, VMN_TABLE_QUARANTINE,
                       quarantine->row.name, n, counts, &rest);
    rules = rules_to_json(counts, n, &sum);
    nb_add_count(json, &sum);
    if (one) {
        json_object_set(json, "allow", rules);
    }
    json_decref(rules);
    nb_append_members(ds, json);
    free(counts);
}

const char **
nb_group_ports(const struct model *model, const struct vmn_group *group,
               size_t *n)
{
    struct members members = { .n = 0 };
    size_t n_selected;
    const char **selected = get_selected(model, &group->selector,
                                         &n_selected);

    members_add(&members, (const char *const *) selected, n_selected);
    free(selected);
    members_add(&members, group->ports, group->n_ports);
    members_sort(&members);
    *n = members.n;
    return members.names;
}

/* Which ports are cut off by a quarantine. */
static void
quarantine_status(const struct northbound *nb, const struct vmn_row *row,
                  bool one, struct ds *ds)
{
    const struct vmn_quarantine *quarantine = (const void *) row;
    struct members members = { .n = 0 };
    size_t n_selected;
    const char **selected = get_selected(nb->model, &quarantine->selector,
                                         &n_selected);

    members_add(&members, (const char *const *) selected, n_selected);
    free(selected);
    members_add(&members, quarantine->ports, quarantine->n_ports);
    members_put(&members, one, ds);
    quarantine_hits(nb, quarantine, one, ds);
}

/* Events of rules with a log. */
static void
add_logs(const struct northbound *nb, const struct vmn_policy *policy,
         json_t *rules)
{
    struct fabric_log *logs = xmalloc(MAX(policy->n_rules, 1) * sizeof *logs);

    fabric_rule_logs(nb->fabric, policy->row.name, policy->n_rules, logs);
    for (size_t i = 0; i < policy->n_rules; i++) {
        if (policy->rules[i].log) {
            json_object_set_new(json_array_get(rules, i), "log",
                                nb_log_json(&logs[i]));
        }
    }
    free(logs);
}

/* What a policy's rules were hit by; each of them when one is asked for. */
static void
policy_status(const struct northbound *nb, const struct vmn_row *row,
              bool one, struct ds *ds)
{
    const struct vmn_policy *policy = (const struct vmn_policy *) row;
    size_t n = policy->n_rules;
    struct fabric_count *counts = xmalloc(MAX(n, 1) * sizeof *counts);
    struct fabric_count sum, rest;
    json_t *json = json_object(), *rules;

    fabric_rule_counts(nb->fabric, VMN_TABLE_POLICY, row->name, n, counts,
                       &rest);
    rules = rules_to_json(counts, n, &sum);
    nb_add_count(json, &sum);
    if (one) {
        add_logs(nb, policy, rules);
        json_object_set(json, "rules", rules);
    }
    if (one && policy->mode == VMN_SHADOW) {
        json_t *isolated = json_object();

        nb_add_count(isolated, &rest);
        json_object_set_new(json, "would_isolate", isolated);
    }
    json_decref(rules);
    nb_append_members(ds, json);
    free(counts);
}

/* Packets of connections that the tier has let in for good. */
static void
tier_status(const struct northbound *nb, const struct vmn_row *row,
            bool one OVS_UNUSED, struct ds *ds)
{
    json_t *kept = json_object();
    struct fabric_count sum;

    fabric_rule_counts(nb->fabric, VMN_TABLE_TIER, row->name, 0, NULL, &sum);
    nb_add_count(kept, &sum);
    nb_append_members(ds, json_pack("{s:o}", "retained", kept));
}

/* When it is over. */
static void
observation_status(const struct northbound *nb, const struct vmn_row *row,
                   bool one OVS_UNUSED, struct ds *ds)
{
    struct model_meta meta;

    if (model_get_durable(nb->model, VMN_TABLE_OBSERVATION, row->name,
                          &meta)) {
        nb_append_members(ds, json_pack("{s:o}", "expires", nb_time_json(
            nb_observation_ends((const void *) row, &meta))));
    }
}

/* Adds what a query of an app says in text, as member 'name'. */
static void
put_query(const struct northbound *nb, const char *query, const char *key,
          const char *name, struct ds *ds)
{
    size_t size;
    char *text = engine_peek(nb->engine, query, key, &size);

    if (text) {
        nb_append_members(ds, json_pack("{s:s}", name, text));
    }
    free(text);
}

/* The key of the routing domain of its networks, and the host that is its
 * gateway. */
static void
router_status(const struct northbound *nb, const struct vmn_row *row,
              bool one, struct ds *ds)
{
    const struct vmn_router *router = (const void *) row;

    if (one && router->n_interfaces) {
        put_query(nb, VMN_QUERY_DOMAIN, router->interfaces[0].network,
                  "domain", ds);
    }
    if (router->external.network) {
        put_query(nb, VMN_QUERY_GATEWAY, row->name, "gateway", ds);
    }
}

/* What hosts have of it. */
static void
telemetry_status(const struct northbound *nb, const struct vmn_row *row,
                 bool one, struct ds *ds)
{
    struct status_telemetry status;
    struct arena arena;

    arena_init(&arena);
    fabric_telemetry_status(nb->fabric, (const struct vmn_telemetry *) row,
                            one ? NB_MEMBERS_MAX : 0, &arena, &status);
    schema_struct_print_members(&schema_status_telemetry, &status, ds);
    arena_uninit(&arena);
}

/* All types.  ------------------------------------------------------------ */

static void (*const status_of[VMN_N_TABLES])(const struct northbound *,
                                             const struct vmn_row *,
                                             bool one, struct ds *) = {
    [VMN_TABLE_NETWORK] = network_status,
    [VMN_TABLE_PORT] = port_status,
    [VMN_TABLE_GROUP] = group_status,
    [VMN_TABLE_TIER] = tier_status,
    [VMN_TABLE_POLICY] = policy_status,
    [VMN_TABLE_QUARANTINE] = quarantine_status,
    [VMN_TABLE_LOADBALANCER] = nb_balancer_status,
    [VMN_TABLE_OBSERVATION] = observation_status,
    [VMN_TABLE_APP] = app_status,
    [VMN_TABLE_ROUTER] = router_status,
    [VMN_TABLE_TELEMETRY] = telemetry_status,
};

/* Prints 'row', for who may not change it without what only those need to know
 * who may: the URL of a webhook is all that it takes to call some of them. */
static void
put_row(const struct model_rights *rights, const struct vmn_row *row,
        const struct model_meta *meta, struct ds *ds)
{
    if (row->table == VMN_TABLE_LOADBALANCER
        && !model_may_change(rights, row)) {
        struct vmn_loadbalancer lb = *(const struct vmn_loadbalancer *) row;

        if (lb.scale.webhook) {
            lb.scale.webhook = SCHEMA_REDACTED;
        }
        model_row_print(&lb.row, meta, ds);
    } else {
        model_row_print(row, meta, ds);
    }
}

void
nb_append_object(const struct northbound *nb,
                 const struct model_rights *rights, const struct vmn_row *row,
                 const struct model_meta *meta, bool one, struct ds *ds)
{
    ds_put_cstr(ds, "{\"type\":\"");
    ds_put_cstr(ds, schema_tables[row->table]->plural);
    ds_put_cstr(ds, "\",");
    put_row(rights, row, meta, ds);
    if (row->table == VMN_TABLE_HOST || status_of[row->table]) {
        ds_truncate(ds, ds->length - 1);
        if (row->table == VMN_TABLE_HOST) {
            host_status(nb, rights, row, ds);
        } else {
            status_of[row->table](nb, row, one, ds);
        }
        ds_put_char(ds, '}');
    }
}
