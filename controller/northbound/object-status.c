/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of objects: a function for each type fills in its struct of
 * schema/status.h, which is printed by its description.  Balancers are in
 * balancer-status.c, routers in router-status.c, types of apps and their
 * objects in own-type-status.c.  Not for rows (object-json.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-status.h"
#include "controller/flow/pipeline.h"
#include "controller/model/rule-windows.h"
#include "controller/northbound/drop-isolation.h"
#include "controller/northbound/router-status.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/status.h"
#include "openvswitch/shash.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

/* Hosts, ports, apps and telemetries.  ------------------------------------ */

/* Accounts with a scope are shown the state alone.  Where there is no TLS,
 * whoever knows the datapath id, say, and can reach the listener could
 * impersonate the switch. */
static bool
fill_host(const struct nb_status_query *q, const struct vmn_row *row,
          void *status_)
{
    struct status_host *status = status_;

    if (!fabric_host_status(q->nb->fabric, row->name, q->arena, status)) {
        return false;
    }
    status->maintenance = nb_host_maintenance(q->nb, (const void *) row,
                                              q->arena);
    return true;
}

char *
nb_port_quarantine(const struct northbound *nb, const char *port)
{
    size_t size;

    return engine_peek(nb->engine, VMN_QUERY_QUARANTINE, port, &size);
}

/* Returns the port's parent if it is that which quarantines both, by its own
 * row, and the client sees it; or NULL. */
static const char *
quarantined_parent(const struct nb_status_query *q,
                   const struct vmn_port *port)
{
    const struct vmn_port *parent
        = (port->parent && !port->quarantined
           ? model_get(q->nb->model, VMN_TABLE_PORT, port->parent) : NULL);

    return (parent && parent->quarantined
            && model_sees(q->rights, &parent->row) ? port->parent : NULL);
}

/* Fills in the names of quarantines in the value of nb_port_quarantine(),
 * which it modifies, and of which the caller keeps ownership: of those that
 * the client sees. */
static void
fill_quarantines(const struct nb_status_query *q, const struct vmn_port *port,
                 char *held, struct status_port *status)
{
    char *save = NULL;

    status->quarantined = true;
    status->quarantined_parent = quarantined_parent(q, port);
    status->quarantines = arena_alloc(q->arena, (strlen(held) + 1) / 2
                                                * sizeof *status->quarantines);
    for (char *name = strtok_r(held, ",", &save); name;
         name = strtok_r(NULL, ",", &save)) {
        const char *slash = strchr(name, '/');
        const struct vmn_row *row = (slash
            ? model_get(q->nb->model, VMN_TABLE_QUARANTINE, slash + 1)
            : NULL);

        if (slash && (!q->rights || (row && model_sees(q->rights, row)))) {
            status->quarantines[status->n_quarantines++] = slash + 1;
        }
    }
    if (!status->n_quarantines) {
        status->quarantines = NULL;
    }
}

static bool
fill_port(const struct nb_status_query *q, const struct vmn_row *row,
          void *status_)
{
    struct status_port *status = status_;
    char *held = nb_port_quarantine(q->nb, row->name);

    fabric_port_status(q->nb->fabric, row->name, q->arena, status);
    nb_fill_guest(q, row->name, status);
    if (held) {
        fill_quarantines(q, (const void *) row, arena_strdup(q->arena, held),
                         status);
        free(held);
    }
    return true;
}

struct unit_counts {
    const struct nb_status_query *q;
    struct status_app *status;
};

/* There are not many. */
static void
add_unit_count(void *counts_, const char *app OVS_UNUSED, const char *unit,
               const struct fabric_count *count)
{
    struct unit_counts *counts = counts_;
    struct status_app *status = counts->status;
    struct status_unit *all = arena_alloc(
        counts->q->arena, (status->n_counts + 1) * sizeof *all);

    if (status->n_counts) {
        memcpy(all, status->counts, status->n_counts * sizeof *all);
    }
    all[status->n_counts++] = (struct status_unit) {
        .unit = arena_strdup(counts->q->arena, unit),
        .count = nb_count_status(count),
    };
    status->counts = all;
}

static bool
fill_app(const struct nb_status_query *q, const struct vmn_row *row,
         void *status_)
{
    const struct pipeline *pipeline = apphost_pipeline(q->nb->apphost);
    struct status_app *status = status_;
    const struct pipeline_app *app;

    if (!engine_app_status(q->nb->engine, row->name, q->arena, status)) {
        return false;
    }
    fabric_unit_counts(q->nb->fabric, row->name, add_unit_count,
                       &(struct unit_counts) { q, status });
    status->unread_hosts = fabric_unread_hosts(q->nb->fabric);
    app = pipeline ? pipeline_find(pipeline, row->name) : NULL;
    if (app) {
        status->description = app->class_->description;
    }
    return true;
}

static bool
fill_telemetry(const struct nb_status_query *q, const struct vmn_row *row,
               void *status)
{
    /* Of a cluster's members the writer alone sets them up. */
    if (q->nb->following) {
        return false;
    }
    fabric_telemetry_status(q->nb->fabric, (const struct vmn_telemetry *) row,
                            q->one ? NB_MEMBERS_MAX : 0, q->arena, status);
    return true;
}

/* Networks.  ------------------------------------------------------------- */

/* Returns the MTU in effect, as vmn_mtu_of(); 0 if it is unknown. */
static uint32_t
get_mtu(const struct northbound *nb, const struct vmn_network *network)
{
    uint32_t mtu = (network->mtu || !network->provider.physical ? network->mtu
                    : VMN_MTU_PROVIDER);
    size_t size;
    char *value = mtu ? NULL : engine_peek(nb->engine, VMN_QUERY_MTU, "",
                                           &size);

    if (value && size == sizeof mtu) {
        memcpy(&mtu, value, sizeof mtu);
    }
    free(value);
    return mtu;
}

static bool
fill_network(const struct nb_status_query *q, const struct vmn_row *row,
             void *status_)
{
    const struct vmn_network *network = (const void *) row;
    struct status_network *status = status_;
    size_t n = network->n_subnets;
    struct model_subnet_usage *uses = arena_alloc(q->arena, n * sizeof *uses);

    status->ports = model_lookup(q->nb->model, VMN_INDEX_PORT_BY_NETWORK,
                                 row->name).n;
    status->mtu = get_mtu(q->nb, network);
    model_get_subnet_usage(q->nb->model, network, uses);
    status->n_subnets = n;
    status->subnets = arena_alloc(q->arena, n * sizeof *status->subnets);
    for (size_t i = 0; i < n; i++) {
        status->subnets[i] = (struct status_subnet) {
            .cidr = network->subnets[i].cidr, .size = uses[i].size,
            .used = uses[i].used, .free = uses[i].size - uses[i].used,
        };
    }
    return true;
}

/* Groups, tiers, policies and quarantines.  ------------------------------- */

/* Fills in the ports of the group.  Their names are included for a single
 * object. */
static bool
fill_group(const struct nb_status_query *q, const struct vmn_row *row,
           void *status_)
{
    struct status_group *status = status_;
    size_t n;

    status->members.n_members = -1;
    if (q->one) {
        const char **names = nb_group_members(
            q->nb->model, (const struct vmn_group *) row, &n);

        nb_fill_members(names, n, true, q->arena, &status->members);
        status->members.n_unknown = nb_count_unknown(q->nb, names, n);
        free(names);
    }
    return true;
}

struct status_count
nb_count_status(const struct fabric_count *count)
{
    return (struct status_count) {
        .packets = count->packets, .bytes = count->bytes,
        .last = count->last_ms,
    };
}

/* Returns the sum of the counters of flows for 'n' rules of 'row'; each rule's
 * in 'counts', and in 'rest' those of flows that belong to no rule. */
static struct status_count
count_rules(const struct nb_status_query *q, const struct vmn_row *row,
            size_t n, struct status_count *counts, struct status_count *rest)
{
    struct fabric_count *found = arena_alloc(q->arena, n * sizeof *found);
    struct status_count sum = { .packets = 0 };
    struct fabric_count other;

    fabric_rule_counts(q->nb->fabric, row->table, row->name, n, found,
                       &other);
    for (size_t i = 0; i < n; i++) {
        counts[i] = nb_count_status(&found[i]);
        sum.packets += counts[i].packets;
        sum.bytes += counts[i].bytes;
        sum.last = MAX(sum.last, counts[i].last);
    }
    *rest = nb_count_status(&other);
    return sum;
}

/* Fills in the packets of connections that the tier has allowed and that
 * policies no longer judge. */
static bool
fill_tier(const struct nb_status_query *q, const struct vmn_row *row,
          void *status_)
{
    struct status_tier *status = status_;

    count_rules(q, row, 0, NULL, &status->retained);
    status->unread_hosts = fabric_unread_hosts(q->nb->fabric);
    status->counted = q->one ? fabric_counted_ms(q->nb->fabric) : 0;
    return true;
}

struct status_log
nb_log_status(const struct fabric_log *log)
{
    return (struct status_log) {
        .events = log->n_events, .logged = log->n_logged,
        .suppressed = log->n_events - log->n_logged,
    };
}

/* Appends the rules of a policy, with the events of those that have a log. */
static void
list_rules(const struct nb_status_query *q, const struct vmn_policy *policy,
           const struct status_count *counts, struct status_policy *status)
{
    size_t n = policy->n_rules;
    struct fabric_log *found = arena_alloc(q->arena, n * sizeof *found);
    struct status_log *logs = arena_alloc(q->arena, n * sizeof *logs);

    fabric_rule_logs(q->nb->fabric, policy->row.name, n, found);
    status->n_rules = n;
    status->rules = arena_alloc(q->arena, n * sizeof *status->rules);
    for (size_t i = 0; i < n; i++) {
        logs[i] = nb_log_status(&found[i]);
        status->rules[i].count = counts[i];
        status->rules[i].log = policy->rules[i].log ? &logs[i] : NULL;
        status->rules[i].outside = !rule_is_valid_at(
            model_time_zones(q->nb->model), &policy->rules[i], time_wall());
    }
}

/* What ports were not let through in the directions in which a policy
 * isolates. */
struct isolated {
    const struct nb_status_query *q;
    const struct vmn_policy *policy;
    struct shash counts;        /* Of struct status_count, which is allocated,
                                 * by routing domain. */
};

/* Adds the drops of a flow that isolates. */
static void
add_isolated(void *isolated_, const struct fabric_drop *drop)
{
    struct isolated *isolated = isolated_;
    struct status_count *count;
    struct engine_flow_owner about;
    const char *key;
    char *domain;
    int direction;

    if (strcmp(drop->reason, "isolated") || !drop->count.packets) {
        return;
    }
    engine_get_flow_owner(isolated->q->nb->engine, drop->cookie, drop->part,
                          &about);
    direction = drop_isolation_direction(drop->reason, about.owner, &key);
    if (direction < 0 || !isolated->policy->isolates[direction]) {
        return;
    }
    domain = xmemdup0(key, strrchr(key, '|') - key);
    count = shash_find_data(&isolated->counts, domain);
    if (!count) {
        count = xzalloc(sizeof *count);
        shash_add(&isolated->counts, domain, count);
    }
    count->packets += drop->count.packets;
    count->bytes += drop->count.bytes;
    count->last = MAX(count->last, drop->count.last_ms);
    free(domain);
}

/* Adds the routing domains of the group's ports. */
static void
add_domains(const struct nb_status_query *q, const char *name,
            struct sset *domains)
{
    const struct vmn_group *group = model_get_durable(
        q->nb->model, VMN_TABLE_GROUP, name, NULL);
    struct sset networks = SSET_INITIALIZER(&networks);
    const char **names;
    size_t n = 0;

    names = group ? nb_group_members(q->nb->model, group, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        const struct vmn_port *port = model_get_durable(
            q->nb->model, VMN_TABLE_PORT, names[i], NULL);

        if (port && sset_add(&networks, port->network)) {
            char *domain = engine_domain_of(q->nb->engine, port->network);

            if (domain) {
                sset_add_and_free(domains, domain);
            }
        }
    }
    free(names);
    sset_destroy(&networks);
}

/* Adds up the counts of the routing domains in which the policy's groups have
 * ports.  These may be all ports that there are: they are looked at only if
 * something was dropped anywhere. */
static void
add_up_isolated(const struct isolated *isolated, struct status_count *sum)
{
    const struct vmn_policy *policy = isolated->policy;
    struct sset domains = SSET_INITIALIZER(&domains);
    const struct shash_node *node;

    if (!shash_is_empty(&isolated->counts)) {
        for (size_t i = 0; i < policy->n_applies_to; i++) {
            add_domains(isolated->q, policy->applies_to[i], &domains);
        }
    }
    SHASH_FOR_EACH (node, &isolated->counts) {
        const struct status_count *count = node->data;

        if (sset_contains(&domains, node->name)) {
            sum->packets += count->packets;
            sum->bytes += count->bytes;
            sum->last = MAX(sum->last, count->last);
        }
    }
    sset_destroy(&domains);
}

/* Returns what was dropped since the policy, or another one in its routing
 * domains, isolates a port; NULL if it does not isolate. */
static struct status_count *
count_isolated(const struct nb_status_query *q,
               const struct vmn_policy *policy)
{
    struct isolated isolated = { .q = q, .policy = policy };
    struct status_count *count;

    /* That tier alone isolates. */
    if (policy->mode != VMN_ENFORCE || strcmp(policy->tier, "application")
        || !(policy->isolates[VMN_EGRESS] || policy->isolates[VMN_INGRESS])
        || (q->rights && q->rights->scope.text)) {
        return NULL;
    }
    shash_init(&isolated.counts);
    fabric_drops(q->nb->fabric, NULL, add_isolated, &isolated);
    count = arena_alloc(q->arena, sizeof *count);
    add_up_isolated(&isolated, count);
    shash_destroy_free_data(&isolated.counts);
    return count;
}

/* Fills in the counters of a policy; those of each rule for a single
 * object. */
static bool
fill_policy(const struct nb_status_query *q, const struct vmn_row *row,
            void *status_)
{
    const struct vmn_policy *policy = (const void *) row;
    struct status_policy *status = status_;
    struct status_count *counts = arena_alloc(q->arena, policy->n_rules
                                                        * sizeof *counts);
    struct status_count *rest = arena_alloc(q->arena, sizeof *rest);

    status->count = count_rules(q, row, policy->n_rules, counts, rest);
    status->unread_hosts = fabric_unread_hosts(q->nb->fabric);
    status->counted = q->one ? fabric_counted_ms(q->nb->fabric) : 0;
    if (q->one) {
        list_rules(q, policy, counts, status);
        nb_fill_fqdns(q, policy, status);
        status->would_isolate = policy->mode == VMN_SHADOW ? rest : NULL;
        status->isolated = count_isolated(q, policy);
    }
    return true;
}

/* Fills in the ports that a quarantine isolates, and the counters of what it
 * allows. */
static bool
fill_quarantine(const struct nb_status_query *q, const struct vmn_row *row,
                void *status_)
{
    const struct vmn_quarantine *quarantine = (const void *) row;
    struct status_quarantine *status = status_;
    struct status_count *allow = arena_alloc(q->arena, quarantine->n_allow
                                                       * sizeof *allow);
    struct status_count rest;
    size_t n;
    const char **names = nb_quarantine_ports(q->nb->model, quarantine, &n);

    nb_fill_members(names, n, q->one, q->arena, &status->members);
    if (q->one) {
        status->members.n_unknown = nb_count_unknown(q->nb, names, n);
    }
    free(names);
    status->count = count_rules(q, row, quarantine->n_allow, allow, &rest);
    status->unread_hosts = fabric_unread_hosts(q->nb->fabric);
    status->counted = q->one ? fabric_counted_ms(q->nb->fabric) : 0;
    status->n_allow = quarantine->n_allow;
    status->allow = q->one ? allow : NULL;
    return true;
}

/* Observations.  ---------------------------------------------------------- */

static bool
fill_observation(const struct nb_status_query *q, const struct vmn_row *row,
                 void *status_)
{
    struct status_observation *status = status_;
    struct model_meta meta;

    if (!model_get_durable(q->nb->model, VMN_TABLE_OBSERVATION, row->name,
                           &meta)) {
        return false;
    }
    status->expires = nb_observation_expiry((const void *) row, &meta);
    return true;
}

/* All types.  ------------------------------------------------------------ */

/* Room for any of them: lists show thousands of objects, and memory of the
 * heap for each would be felt. */
union status {
    struct status_host host;
    struct status_network network;
    struct status_port port;
    struct status_group group;
    struct status_tier tier;
    struct status_policy policy;
    struct status_quarantine quarantine;
    struct status_loadbalancer loadbalancer;
    struct status_observation observation;
    struct status_draft draft;
    struct status_app app;
    struct status_type type;
    struct status_own_object object;
    struct status_router router;
    struct status_telemetry telemetry;
};

/* Fill in a zeroed struct of the type that the table's 'status' describes.
 * Return false if nothing is known. */
static bool (*const fill[VMN_N_TABLES])(const struct nb_status_query *,
                                        const struct vmn_row *,
                                        void *status) = {
    [VMN_TABLE_HOST] = fill_host,
    [VMN_TABLE_NETWORK] = fill_network,
    [VMN_TABLE_PORT] = fill_port,
    [VMN_TABLE_GROUP] = fill_group,
    [VMN_TABLE_TIER] = fill_tier,
    [VMN_TABLE_POLICY] = fill_policy,
    [VMN_TABLE_QUARANTINE] = fill_quarantine,
    [VMN_TABLE_LOADBALANCER] = nb_fill_balancer,
    [VMN_TABLE_OBSERVATION] = fill_observation,
    [VMN_TABLE_DRAFT] = nb_fill_draft,
    [VMN_TABLE_APP] = fill_app,
    [VMN_TABLE_ROUTER] = nb_fill_router,
    [VMN_TABLE_TELEMETRY] = fill_telemetry,
    [VMN_TABLE_TYPE] = nb_fill_type,
    [VMN_TABLE_OWN_FIRST... VMN_TABLE_OWN_LAST] = nb_fill_own_object,
};

/* Returns the description of what a client with 'rights' (NULL: all) is shown
 * of the status; NULL: nothing.  To accounts with a scope, figures that count
 * what others have are not shown. */
static const struct schema_struct *
shown_status(const struct schema_table *table,
             const struct model_rights *rights)
{
    if (!rights || !rights->scope.text) {
        return table->status;
    }
    return (table->id == VMN_TABLE_APP ? &schema_status_app_scoped
            : (table->id == VMN_TABLE_TIER
               || table->id == VMN_TABLE_TYPE) ? NULL
            : table->status);
}

void
nb_print_status(const struct northbound *nb, const struct model_rights *rights,
                const struct vmn_row *row, bool one, struct ds *ds)
{
    const struct schema_struct *shown
        = shown_status(schema_tables[row->table], rights);
    struct arena arena;
    struct nb_status_query query = { nb, rights, one, &arena };
    union status room, *status = &room;
    struct nb_failure failure;

    if (nb_find_failure(nb, rights, row->table, row->name, &failure)) {
        const struct nb_common_status common = { &failure };

        schema_struct_print_members(&nb_common_status, &common, ds);
    }
    if (!shown) {
        return;
    }
    arena_init(&arena);
    if (shown->size > sizeof room) {
        status = arena_alloc(&arena, shown->size); /* An app adds to it. */
    }
    memset(status, 0, shown->size);
    if (!fill[row->table](&query, row, status)) {
        /* There is none. */
    } else if (row->table == VMN_TABLE_HOST && nb_hides_hosts(rights)) {
        schema_print_name(ds, "state");
        schema_print_string(ds, status->host.state);
    } else {
        schema_struct_print_members(shown, status, ds);
    }
    arena_uninit(&arena);
}
