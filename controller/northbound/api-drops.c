/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/drops: counters of dropped packets by reason and object, and samples
 * of the packets.  GET /v1/logs: samples of packets that matched rules with a
 * log.  Accounts with a scope are told of their own ports (packet-scope.h). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/northbound/auth.h"
#include "controller/northbound/drop-isolation.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/packet-scope.h"
#include "controller/northbound/replies.h"
#include "controller/northbound/sample-causes.h"
#include "controller/schema/arena.h"
#include "packets.h"
#include "util.h"

/* Counters in a reply. */
#define LIMIT_MAX 10000
#define LIMIT_DEFAULT 1000

/* Objects by which drops can be filtered. */
enum { HOST, NETWORK, PORT, POLICY, N_NAMES };

static const struct {
    const char *parameter;
    enum vmn_table table;
} name_kinds[N_NAMES] = {
    [HOST] = { "host", VMN_TABLE_HOST },
    [NETWORK] = { "network", VMN_TABLE_NETWORK },
    [PORT] = { "port", VMN_TABLE_PORT },
    [POLICY] = { "policy", VMN_TABLE_POLICY },
};

/* A filter of drops.  Strings are borrowed, or NULL. */
struct drops_filter {
    const char *names[N_NAMES];
    const char *app, *reason;
    int64_t since_ms;           /* Not what is older: by the last packet of a
                                 * counter, and by samples' time. */
    bool background;            /* That, too. */
    const struct model_rights *rights; /* Of the client, if they have a scope;
                                        * or NULL. */
};

/* What passes a filter.  Background is counted in 'hidden' instead, if it is
 * not wanted. */
struct drops_list {
    const struct northbound *nb;
    const struct drops_filter *filter;
    size_t n, allocated;
    struct fabric_drop *drops;
    struct nb_drops_hidden *hidden;
};

struct nb_flow_owner
nb_flow_owner(const char *owner, const char *type, const char *name, int rule,
              struct arena *arena)
{
    struct nb_flow_owner shown = { .owner = owner, .rule = rule };

    if (type) {
        shown.object = arena_alloc(arena, sizeof *shown.object);
        shown.object->type = type;
        shown.object->name = arena_strdup(arena, name);
    }
    return shown;
}

static bool
is_or_any(const char *wanted, const char *name)
{
    return !wanted || !strcmp(wanted, name);
}

/* Returns true if the flow is for the object 'name' of 'type', or for any of
 * that type if 'name' is NULL. */
static bool
is_of(const struct engine_flow_owner *about, const char *type, const char
      *name)
{
    return !name || (about->type && !strcmp(about->type, type)
                     && !strcmp(about->name, name));
}

static void
get_about(const struct northbound *nb, const struct fabric_drop *drop,
          struct engine_flow_owner *about)
{
    if (drop->metered) {
        memset(about, 0, sizeof *about);
        about->owner = "vmn";
        about->rule = -1;
        if (drop->port) {
            about->type = "ports";
            ovs_strlcpy(about->name, drop->port, sizeof about->name);
        }
    } else {
        engine_get_flow_owner(nb->engine, drop->cookie, drop->part, about);
    }
}

/* True if the router has an interface in the network. */
static bool
joins(const struct northbound *nb, const char *router_name,
      const char *network)
{
    const struct vmn_router *router = model_get_durable(
        nb->model, VMN_TABLE_ROUTER, router_name, NULL);

    for (size_t i = 0; router && i < router->n_interfaces; i++) {
        if (!strcmp(router->interfaces[i].network, network)) {
            return true;
        }
    }
    return false;
}

static bool
is_port_in(const struct northbound *nb, const char *port_name,
           const char *network)
{
    const struct vmn_port *port = model_get_durable(
        nb->model, VMN_TABLE_PORT, port_name, NULL);

    return port && !strcmp(port->network, network);
}

/* True if what the drop is of has to do with 'network', or if that is NULL:
 * the network itself, a port in it, or a router that joins it to others. */
static bool
is_in(const struct northbound *nb, const struct engine_flow_owner *about,
      const char *network)
{
    return (is_of(about, "networks", network)
            || (about->type && !strcmp(about->type, "ports")
                && is_port_in(nb, about->name, network))
            || (about->type && !strcmp(about->type, "routers")
                && joins(nb, about->name, network)));
}

static void
drop_cb(void *list_, const struct fabric_drop *drop)
{
    struct drops_list *list = list_;
    const struct drops_filter *filter = list->filter;
    struct engine_flow_owner about;

    if (drop->count.last_ms < filter->since_ms
        || !is_or_any(filter->app, drop->app)
        || !is_or_any(filter->reason, drop->reason)) {
        return;
    }
    get_about(list->nb, drop, &about);
    if (!about.owner            /* What it was for is no more. */
        || (filter->rights
            && !packet_scope_sees_counter(list->nb, filter->rights, &about,
                                          drop->count.last_ms))
        || !is_in(list->nb, &about, filter->names[NETWORK])
        || !is_of(&about, "ports", filter->names[PORT])) {
        return;
    }
    if (drop->background && !filter->background) {
        list->hidden->counters++;
        list->hidden->packets += drop->count.packets;
        return;
    }
    if (list->n >= list->allocated) {
        list->drops = x2nrealloc(list->drops, &list->allocated,
                                 sizeof *list->drops);
    }
    list->drops[list->n++] = *drop;
}

/* Compares by time, the newest first. */
static int
compare_drops(const void *a_, const void *b_)
{
    const struct fabric_drop *a = a_, *b = b_;
    int order = (a->count.last_ms < b->count.last_ms)
                - (a->count.last_ms > b->count.last_ms);

    order = order ? order : strcmp(a->host, b->host);
    order = order ? order : strcmp(a->app, b->app);
    order = order ? order : strcmp(a->reason, b->reason);
    return order ? order : (a->cookie > b->cookie) - (a->cookie < b->cookie);
}

/* Returns a likely cause of drops for 'reason' on 'host', as a sentence, or
 * NULL.  Connection tracking in the datapath of ovs-vswitchd takes packets
 * with a wrong checksum for invalid; that of the kernel knows which ones are
 * not computed yet. */
static const char *
get_hint(const struct northbound *nb, const char *host_name,
         const char *reason)
{
    const struct vmn_host *host = model_get_durable(
        nb->model, VMN_TABLE_HOST, host_name, NULL);

    return (!host || host->datapath != VMN_DATAPATH_NETDEV
            || strcmp(reason, "invalid state") ? NULL
            : "the datapath is \"netdev\": likely a VM leaves checksums to "
              "its host (libvirt: <host csum='off' .../> in its <driver>; "
              "in it: ethtool -K eth0 tx off)");
}

/* Fills in the first 'limit' counters of the list. */
static void
fill_counters(const struct drops_list *list, size_t limit,
              struct arena *arena, struct nb_reply_drops *reply)
{
    struct drop_isolation isolation;

    drop_isolation_init(&isolation, list->nb, arena);
    reply->matching = list->n;
    reply->counters = arena_alloc(arena, MIN(list->n, limit)
                                         * sizeof *reply->counters);
    for (size_t i = 0; i < list->n && reply->n_counters < limit; i++) {
        const struct fabric_drop *drop = &list->drops[i];
        struct engine_flow_owner about;

        get_about(list->nb, drop, &about);
        if (list->filter->rights) {
            /* What follows the app and the unit is made of names. */
            about.owner = arena_printf(arena, "%.*s",
                                       (int) strcspn(about.owner, "/"),
                                       about.owner);
        }
        reply->counters[reply->n_counters++] = (struct nb_drop) {
            .host = drop->host, .app = drop->app, .reason = drop->reason,
            .hint = get_hint(list->nb, drop->host, drop->reason),
            .background = drop->background,
            .owner = nb_flow_owner(about.owner, about.type, about.name,
                                   about.rule, arena),
            .count = nb_count_status(&drop->count),
        };
        if (!list->filter->rights) {
            struct nb_drop *shown = &reply->counters[reply->n_counters - 1];

            drop_isolation_of_counter(&isolation, drop->reason, about.owner,
                                      &shown->isolation);
            drop_isolation_name_object(&isolation, &shown->isolation,
                                       &shown->owner);
        }
    }
    drop_isolation_uninit(&isolation);
}

/* Samples.  -------------------------------------------------------------- */

/* A sample as the client is told of it. */
struct told_sample {
    struct fabric_sample sample;
    bool no_src, no_dst;        /* Without the address of that end. */
};

struct samples_list {
    const struct northbound *nb;
    const struct drops_filter *filter;
    enum fabric_sample_kind kind;
    uint64_t after;             /* Those with greater ids. */
    struct packet_scope scope;  /* If the filter has rights. */
    size_t n, allocated;
    struct told_sample *samples; /* Those that pass the filter. */
    size_t n_hidden;            /* Omitted only because they are background. */
};

/* Returns true if the packet is in 'network', or from or to a port in it, or
 * if 'network' is NULL. */
static bool
concerns_network(const struct northbound *nb, const char *network,
                 const struct fabric_sample *sample)
{
    return (is_or_any(network, sample->network)
            || is_port_in(nb, sample->src_port, network)
            || is_port_in(nb, sample->dst_port, network));
}

/* Returns true if the sample, as the client is told of it, passes the
 * filter. */
static bool
passes(const struct samples_list *list, const struct fabric_sample *sample)
{
    const struct drops_filter *f = list->filter;
    const char *port = f->names[PORT], *policy = f->names[POLICY];
    size_t app_len = strcspn(sample->owner, ".");

    return !(sample->time_ms < f->since_ms
        || !is_or_any(f->names[HOST], sample->host)
        || !concerns_network(list->nb, f->names[NETWORK], sample)
        || (port && strcmp(port, sample->src_port)
            && strcmp(port, sample->dst_port))
        || !is_or_any(f->reason, sample->reason ? sample->reason : "")
        || (f->app && (strlen(f->app) != app_len
                       || strncmp(f->app, sample->owner, app_len)))
        || (policy && (!sample->type || strcmp(sample->type, "policies")
                       || strcmp(sample->name, policy))));
}

static void
sample_cb(void *list_, const struct fabric_sample *sample)
{
    struct samples_list *list = list_;
    struct told_sample told = { .sample = *sample };

    if ((list->filter->rights
         && !packet_scope_restrict(&list->scope, list->kind, &told.sample,
                                   &told.no_src, &told.no_dst))
        || told.sample.id <= list->after || !passes(list, &told.sample)) {
        return;
    }
    if (sample->background && !list->filter->background) {
        list->n_hidden++;
        return;
    }
    if (list->n >= list->allocated) {
        list->samples = x2nrealloc(list->samples, &list->allocated,
                                   sizeof *list->samples);
    }
    list->samples[list->n++] = told;
}

/* Fills in the kept samples of 'list->kind' that pass the filter, which the
 * caller frees.  Returns the cursor for the ones that follow. */
static uint64_t
find_samples(struct samples_list *list)
{
    const struct northbound *nb = list->nb;
    uint64_t newest;

    if (!list->filter->rights) {
        return fabric_samples(nb->fabric, list->kind, list->after, sample_cb,
                              list);
    }
    packet_scope_init(&list->scope, nb, list->filter->rights);
    fabric_samples(nb->fabric, list->kind, 0, sample_cb, list);
    newest = MAX(list->scope.newest, list->after);
    packet_scope_uninit(&list->scope);
    return newest;
}

static const char *
name_or_null(const char *name)
{
    return *name ? name : NULL;
}

/* Returns the source or destination of a sample. */
static struct nb_packet_end
get_end(const struct fabric_sample *s, bool src, struct arena *arena)
{
    struct eth_addr mac = src ? s->eth_src : s->eth_dst;
    const uint8_t *addr = src ? s->src : s->dst;
    bool is_icmp = s->protocol == 1 || s->protocol == 58;
    struct nb_packet_end end = {
        .port = name_or_null(src ? s->src_port : s->dst_port),
        .l4_port = (!s->protocol || is_icmp ? -1
                    : src ? s->tp_src : s->tp_dst),
    };
    char text[INET6_ADDRSTRLEN];

    memcpy(end.mac.ea, mac.ea, sizeof end.mac.ea);
    if (s->family && inet_ntop(s->family == 4 ? AF_INET : AF_INET6, addr,
                               text, sizeof text)) {
        end.ip = arena_strdup(arena, text);
    }
    return end;
}

/* Returns what the connection was for, if that was changed by NAT, or NULL. */
static const struct nb_connection_end *
get_connection_dst(const struct fabric_sample *s, struct arena *arena)
{
    struct nb_connection_end *end;
    char text[INET6_ADDRSTRLEN];

    if (!s->ct_family
        || !inet_ntop(s->ct_family == 4 ? AF_INET : AF_INET6, s->ct_dst, text,
                      sizeof text)) {
        return NULL;
    }
    end = arena_alloc(arena, sizeof *end);
    end->ip = arena_strdup(arena, text);
    end->l4_port = s->ct_tp_dst;
    return end;
}

/* Returns which neighbour it announces, or NULL. */
static const struct nb_neighbour *
get_announced(const struct fabric_sample *s, struct arena *arena)
{
    struct nb_neighbour *neighbour;
    char text[INET6_ADDRSTRLEN];

    if (!s->announces
        || !inet_ntop(s->family == 4 ? AF_INET : AF_INET6, s->announced, text,
                      sizeof text)) {
        return NULL;
    }
    neighbour = arena_alloc(arena, sizeof *neighbour);
    neighbour->ip = arena_strdup(arena, text);
    memcpy(neighbour->mac.ea, s->announced_mac.ea, sizeof neighbour->mac.ea);
    return neighbour;
}

static const char *
get_protocol(const struct fabric_sample *s, struct arena *arena)
{
    static const char *const names[UINT8_MAX + 1] = {
        [1] = "icmp", [6] = "tcp", [17] = "udp", [58] = "icmpv6",
        [132] = "sctp",
    };

    if (s->eth_type == 0x0806) {
        return "arp";
    } else if (!s->family) {
        return arena_printf(arena, "0x%04x", s->eth_type);
    }
    return (names[s->protocol] ? names[s->protocol]
            : arena_printf(arena, "%u", s->protocol));
}

void
nb_fill_sample(const struct fabric_sample *s, enum fabric_sample_kind kind,
               struct arena *arena, struct nb_sample *sample)
{
    bool is_icmp = s->protocol == 1 || s->protocol == 58;

    *sample = (struct nb_sample) {
        .id = s->id, .time = s->time_ms, .host = s->host,
        .network = name_or_null(s->network),
        .src = get_end(s, true, arena), .dst = get_end(s, false, arena),
        .connection_dst = get_connection_dst(s, arena),
        .announced = get_announced(s, arena),
        .protocol = get_protocol(s, arena), .size = s->size,
        .icmp_type = is_icmp ? s->tp_src : -1,
        .icmp_code = is_icmp ? s->tp_dst : -1,
        .owner = nb_flow_owner(s->owner, s->type, s->name, s->rule, arena),
        .count = s->n, .suppressed = s->n_suppressed,
    };
    if (kind == FABRIC_SAMPLE_LOG) {
        sample->verdict = schema_action_names[s->verdict];
        sample->shadow = s->shadow;
        sample->isolated = s->isolated;
    } else {
        sample->reason = s->reason;
        sample->background = s->background;
    }
}

/* Queries.  -------------------------------------------------------------- */

/* Returns true if a kept sample of 'kind' passes 'filter'. */
static bool
is_told_of(const struct northbound *nb, enum fabric_sample_kind kind,
           const struct drops_filter *filter)
{
    struct samples_list list = { .nb = nb, .filter = filter, .kind = kind };

    find_samples(&list);
    free(list.samples);
    return list.n + list.n_hidden > 0;
}

/* Parses the names by which samples of 'kind' are filtered.  Deleted objects
 * are valid as long as samples name them. */
static bool
query_names(struct http_request *req, const struct northbound *nb,
            enum fabric_sample_kind kind, struct drops_filter *filter)
{
    for (size_t i = 0; i < N_NAMES; i++) {
        const char *parameter = name_kinds[i].parameter;
        const char *name = http_request_query(req, parameter);
        struct drops_filter only = { .rights = filter->rights };

        only.names[i] = filter->names[i] = name;
        if (name && !is_told_of(nb, kind, &only)
            && !nb_query_object(req, nb, parameter, name_kinds[i].table,
                                &name)) {
            return false;
        }
    }
    return true;
}

/* Fills in the newest 'limit' samples that pass, in 'arena', and sets '*n',
 * and '*newest' to the cursor for the ones that follow.  The samples point
 * into 'list', which the caller frees. */
static struct nb_sample *
get_samples(struct samples_list *list, size_t limit, struct arena *arena,
            size_t *n, uint64_t *newest)
{
    struct nb_sample *samples;
    size_t skipped;

    *newest = find_samples(list);
    *n = MIN(list->n, limit);
    skipped = list->n - *n;
    samples = arena_alloc(arena, *n * sizeof *samples);
    for (size_t i = 0; i < *n; i++) {
        const struct told_sample *told = &list->samples[skipped + i];

        nb_fill_sample(&told->sample, list->kind, arena, &samples[i]);
        samples[i].src.ip = told->no_src ? NULL : samples[i].src.ip;
        samples[i].dst.ip = told->no_dst ? NULL : samples[i].dst.ip;
        if (list->filter->rights) {
            samples[i].connection_dst = NULL;
        }
        if (list->kind == FABRIC_SAMPLE_DROP && !list->filter->rights) {
            sample_causes_fill(list->nb->sample_causes, list->nb, arena,
                               &samples[i]);
        }
    }
    return samples;
}

static bool
policy_has_log(const struct vmn_policy *policy)
{
    for (size_t i = 0; i < policy->n_rules; i++) {
        if (policy->rules[i].log) {
            return true;
        }
    }
    return false;
}

/* The rules in a reply of GET /v1/logs: a growing array. */
struct log_rules {
    struct nb_log_rule *rules;
    size_t n, allocated;
};

/* Adds the rules of 'policy' with a log that matched packets. */
static void
add_log_rules(const struct northbound *nb, const struct vmn_policy *policy,
              struct log_rules *rules)
{
    struct fabric_log *logs = xmalloc(MAX(policy->n_rules, 1) * sizeof *logs);

    fabric_rule_logs(nb->fabric, policy->row.name, policy->n_rules, logs);
    for (size_t i = 0; i < policy->n_rules; i++) {
        if (policy->rules[i].log && logs[i].n_events) {
            if (rules->n >= rules->allocated) {
                rules->rules = x2nrealloc(rules->rules, &rules->allocated,
                                          sizeof *rules->rules);
            }
            rules->rules[rules->n++] = (struct nb_log_rule) {
                .log = nb_log_status(&logs[i]), .policy = policy->row.name,
                .rule = i,
            };
        }
    }
    free(logs);
}

/* Adds the same for the policy 'name', or for all policies if it is NULL;
 * those in the scope of 'rights', unless these are NULL. */
static void
find_log_rules(const struct northbound *nb, const char *name,
               const struct model_rights *rights, struct log_rules *rules)
{
    struct vmn_names names = model_names(nb->model, VMN_TABLE_POLICY);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_policy *policy = (
            name && strcmp(name, names.names[i]) ? NULL
            : model_get_durable(nb->model, VMN_TABLE_POLICY, names.names[i],
                                NULL));

        if (policy && policy_has_log(policy)
            && model_in_scope(rights, &policy->row)) {
            add_log_rules(nb, policy, rules);
        }
    }
}

/* Returns the client's rights if they have a scope, or NULL. */
static const struct model_rights *
get_scope(const struct http_request *req)
{
    const struct model_rights *rights = nb_rights(req);

    return packet_scope_applies(rights) ? rights : NULL;
}

void
nb_get_logs(struct http_request *req, void *nb_)
{
    const struct northbound *nb = nb_;
    struct drops_filter filter = { .rights = get_scope(req) };
    struct samples_list list = {
        .nb = nb, .filter = &filter, .kind = FABRIC_SAMPLE_LOG,
    };
    struct log_rules rules = { .rules = NULL };
    struct nb_reply_logs reply = { .items = NULL };
    struct arena arena;
    uint64_t limit;

    if (!nb_query_limit(req, FABRIC_SAMPLES_MAX, FABRIC_SAMPLES_MAX, &limit)
        || !nb_query_number(req, "after", 0, UINT64_MAX, 0, &list.after)
        || !nb_query_since(req, &filter.since_ms)
        || !query_names(req, nb, FABRIC_SAMPLE_LOG, &filter)) {
        return;
    }
    arena_init(&arena);
    reply.items = get_samples(&list, limit, &arena, &reply.n_items,
                              &reply.newest);
    find_log_rules(nb, filter.names[POLICY], filter.rights, &rules);
    reply.n_rules = rules.n;
    reply.rules = rules.rules;
    nb_reply_struct(req, &nb_reply_logs, &reply);
    arena_uninit(&arena);
    free(rules.rules);
    free(list.samples);
}

static void
list_drops(struct http_request *req, struct northbound *nb)
{
    struct drops_filter filter = {
        .reason = http_request_query(req, "reason"),
        .rights = get_scope(req),
    };
    struct nb_reply_drops reply = { .counters = NULL };
    struct drops_list list = {
        .nb = nb, .filter = &filter, .hidden = &reply.hidden,
    };
    struct samples_list samples = {
        .nb = nb, .filter = &filter, .kind = FABRIC_SAMPLE_DROP,
    };
    struct arena arena;
    uint64_t limit;

    if (!nb_query_limit(req, LIMIT_MAX, LIMIT_DEFAULT, &limit)
        || !nb_query_number(req, "after", 0, UINT64_MAX, 0, &samples.after)
        || !nb_query_since(req, &filter.since_ms)
        || !nb_query_bool(req, "background", &filter.background)
        || !nb_query_app(req, nb, &filter.app)
        || !query_names(req, nb, FABRIC_SAMPLE_DROP, &filter)) {
        return;
    }
    /* Who names a reason wants it. */
    filter.background |= filter.reason != NULL;
    fabric_drops(nb->fabric, filter.names[HOST], drop_cb, &list);
    if (list.n) {
        qsort(list.drops, list.n, sizeof *list.drops, compare_drops);
    }
    arena_init(&arena);
    fill_counters(&list, limit, &arena, &reply);
    reply.samples = get_samples(&samples, limit, &arena, &reply.n_samples,
                                &reply.newest);
    reply.samples_matching = samples.n;
    reply.unread_hosts = fabric_unread_hosts(nb->fabric);
    reply.counted = fabric_counted_ms(nb->fabric);
    reply.hidden.samples = samples.n_hidden;
    nb_reply_struct(req, &nb_reply_drops, &reply);
    arena_uninit(&arena);
    free(samples.samples);
    free(list.drops);
}

/* What isolates ports is told of no state that may be taken back, and of
 * samples that wait for it to be known (event-sources.c) as others are; unless
 * the commit cannot go on, as with a disk that is full. */
void
nb_get_drops(struct http_request *req, void *nb)
{
    nb_when_quiescent_or_late(nb, req, list_drops);
}
