/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/drops: what was dropped, why, and on behalf of what; in figures, and
 * some packets.  GET /v1/logs: what rules with a log decided. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-packet-sampling.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "util.h"

/* Of counters in an answer. */
#define LIMIT_MAX 10000
#define LIMIT_DEFAULT 1000

/* Objects that drops are asked for by. */
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

/* Which drops somebody wants to see.  Strings are borrowed, or NULL. */
struct drops_filter {
    const char *names[N_NAMES];
    const char *app, *reason;
};

struct drops_list {
    const struct northbound *nb;
    const struct drops_filter *filter;
    size_t n, allocated;
    struct fabric_drop *drops;
};

json_t *
nb_time_json(int64_t ms)
{
    char *text = xastrftime_msec("%Y-%m-%dT%H:%M:%S.###Z", ms, true);
    json_t *json = json_string(text);

    free(text);
    return json;
}

void
nb_add_count(json_t *json, const struct fabric_count *count)
{
    json_object_set_new(json, "packets", json_integer(count->packets));
    json_object_set_new(json, "bytes", json_integer(count->bytes));
    json_object_set_new(json, "last", count->last_ms
                        ? nb_time_json(count->last_ms) : json_null());
}

json_t *
nb_log_json(const struct fabric_log *log)
{
    return json_pack("{s:I, s:I, s:I}",
                     "events", (json_int_t) log->n_events,
                     "logged", (json_int_t) log->n_logged, "suppressed",
                     (json_int_t) (log->n_events - log->n_logged));
}

void
nb_add_flow_owner(json_t *json, const struct engine_flow_owner *about)
{
    json_object_set_new(json, "owner", json_string(about->owner));
    json_object_set_new(json, "object", about->type
                        ? json_pack("{s:s, s:s}", "type", about->type,
                                    "name", about->name) : json_null());
    if (about->rule >= 0) {
        json_object_set_new(json, "rule", json_integer(about->rule));
    }
}

/* True if the drop is of object 'name' of 'type', or of any if that is
 * NULL. */
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

static void
drop_cb(void *list_, const struct fabric_drop *drop)
{
    struct drops_list *list = list_;
    const struct drops_filter *filter = list->filter;

    if ((filter->app && strcmp(filter->app, drop->app))
        || (filter->reason && strcmp(filter->reason, drop->reason))) {
        return;
    }
    if (filter->names[NETWORK] || filter->names[PORT]) {
        struct engine_flow_owner about;

        get_about(list->nb, drop, &about);
        if (!is_of(&about, "networks", filter->names[NETWORK])
            || !is_of(&about, "ports", filter->names[PORT])) {
            return;
        }
    }
    if (list->n >= list->allocated) {
        list->drops = x2nrealloc(list->drops, &list->allocated,
                                 sizeof *list->drops);
    }
    list->drops[list->n++] = *drop;
}

/* The newest first. */
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

static json_t *
counters_json(const struct drops_list *list, size_t limit)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->n && json_array_size(array) < limit; i++) {
        const struct fabric_drop *drop = &list->drops[i];
        struct engine_flow_owner about;
        json_t *json;

        get_about(list->nb, drop, &about);
        if (!about.owner) {
            continue;           /* What it was for is no more. */
        }
        json = json_pack("{s:s, s:s, s:s}", "host", drop->host, "app",
                         drop->app, "reason", drop->reason);
        nb_add_flow_owner(json, &about);
        nb_add_count(json, &drop->count);
        json_array_append_new(array, json);
    }
    return array;
}

/* Samples.  -------------------------------------------------------------- */

struct samples_list {
    const struct northbound *nb;
    const struct drops_filter *filter;
    size_t n, allocated;
    struct fabric_sample *samples; /* That pass. */
};

static bool
is_or_any(const char *wanted, const char *name)
{
    return !wanted || !strcmp(wanted, name);
}

static void
sample_cb(void *list_, const struct fabric_sample *sample)
{
    struct samples_list *list = list_;
    const struct drops_filter *f = list->filter;
    const char *port = f->names[PORT], *policy = f->names[POLICY];
    size_t app_len = strcspn(sample->owner, ".");

    if (!is_or_any(f->names[HOST], sample->host)
        || !is_or_any(f->names[NETWORK], sample->network)
        || (port && strcmp(port, sample->src_port)
            && strcmp(port, sample->dst_port))
        || !is_or_any(f->reason, sample->reason ? sample->reason : "")
        || (f->app && (strlen(f->app) != app_len
                       || strncmp(f->app, sample->owner, app_len)))
        || (policy && (!sample->type || strcmp(sample->type, "policies")
                       || strcmp(sample->name, policy)))) {
        return;
    }
    if (list->n >= list->allocated) {
        list->samples = x2nrealloc(list->samples, &list->allocated,
                                   sizeof *list->samples);
    }
    list->samples[list->n++] = *sample;
}

static json_t *
name_json(const char *name)
{
    return *name ? json_string(name) : json_null();
}

/* One end of a packet. */
static json_t *
end_json(const struct fabric_sample *s, bool src)
{
    struct eth_addr mac = src ? s->eth_src : s->eth_dst;
    const uint8_t *addr = src ? s->src : s->dst;
    json_t *json = json_pack("{s:o, s:o}", "port",
                             name_json(src ? s->src_port : s->dst_port),
                             "mac", json_sprintf(ETH_ADDR_FMT,
                                                 ETH_ADDR_ARGS(mac)));
    char text[INET6_ADDRSTRLEN];

    if (s->family && inet_ntop(s->family == 4 ? AF_INET : AF_INET6, addr,
                               text, sizeof text)) {
        json_object_set_new(json, "ip", json_string(text));
    }
    return json;
}

static json_t *
protocol_json(const struct fabric_sample *s)
{
    static const char *const names[UINT8_MAX + 1] = {
        [1] = "icmp", [6] = "tcp", [17] = "udp", [58] = "icmpv6",
        [132] = "sctp",
    };

    return (!s->family || s->eth_type == 0x0806
            ? json_sprintf(s->eth_type == 0x0806 ? "arp" : "0x%04x",
                           s->eth_type)
            : names[s->protocol] ? json_string(names[s->protocol])
            : json_sprintf("%u", s->protocol));
}

/* Whether the rule only says what it would decide. */
static bool
is_shadow(const struct northbound *nb, const struct fabric_sample *s)
{
    const struct vmn_policy *policy = model_get_durable(
        nb->model, VMN_TABLE_POLICY, s->name, NULL);

    return !s->reason && policy && policy->mode == VMN_SHADOW;
}

/* What a rule with a log decided. */
static const char *
verdict_of(const struct northbound *nb, const struct fabric_sample *s)
{
    const struct vmn_policy *policy = model_get_durable(
        nb->model, VMN_TABLE_POLICY, s->name, NULL);

    enum vmn_action action = (
        policy && s->rule >= 0 && (size_t) s->rule < policy->n_rules
        ? policy->rules[s->rule].action : VMN_ALLOW);

    /* What was dropped was denied, whatever the rule says by now. */
    if (s->reason && action != VMN_REJECT) {
        action = VMN_DENY;
    }
    return schema_action_names[action];
}

json_t *
nb_sample_json(const struct northbound *nb, const struct fabric_sample *s,
               enum fabric_sample_kind kind)
{
    json_t *json = json_pack(
        "{s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:I}", "id", (json_int_t) s->id,
        "time", nb_time_json(s->time_ms), "host", s->host,
        "network", name_json(s->network), "src", end_json(s, true),
        "dst", end_json(s, false), "protocol", protocol_json(s),
        "size", (json_int_t) s->size);
    const struct engine_flow_owner about = {
        .owner = s->owner, .type = s->type, .rule = s->rule,
    };

    if (s->protocol == 1 || s->protocol == 58) {
        json_object_set_new(json, "icmp_type", json_integer(s->tp_src));
        json_object_set_new(json, "icmp_code", json_integer(s->tp_dst));
    } else if (s->protocol) {
        json_object_set_new(json_object_get(json, "src"), "l4_port",
                            json_integer(s->tp_src));
        json_object_set_new(json_object_get(json, "dst"), "l4_port",
                            json_integer(s->tp_dst));
    }
    if (kind == FABRIC_SAMPLE_LOG) {
        json_object_set_new(json, "verdict", json_string(verdict_of(nb, s)));
        if (is_shadow(nb, s)) {
            json_object_set_new(json, "shadow", json_true());
        }
    } else {
        json_object_set_new(json, "reason", json_string(s->reason));
    }
    nb_add_flow_owner(json, &about);
    if (s->type) {
        json_object_set_new(json_object_get(json, "object"), "name",
                            json_string(s->name));
    }
    json_object_set_new(json, "count", json_integer(s->n));
    json_object_set_new(json, "suppressed", json_integer(s->n_suppressed));
    return json;
}

/* Queries.  -------------------------------------------------------------- */

/* True if a sample of 'kind' that is kept has what 'filter' says. */
static bool
is_told_of(const struct northbound *nb, enum fabric_sample_kind kind,
           const struct drops_filter *filter)
{
    struct samples_list list = { .nb = nb, .filter = filter };

    fabric_samples(nb->fabric, kind, 0, sample_cb, &list);
    free(list.samples);
    return list.n > 0;
}

/* Reads the names that samples of 'kind' are asked by.  What is gone may be
 * asked for as long as samples tell of it. */
static bool
query_names(struct http_request *req, const struct northbound *nb,
            enum fabric_sample_kind kind, struct drops_filter *filter)
{
    for (size_t i = 0; i < N_NAMES; i++) {
        const char *parameter = name_kinds[i].parameter;
        const char *name = http_request_query(req, parameter);
        struct drops_filter only = { .names = { [0] = NULL } };

        only.names[i] = filter->names[i] = name;
        if (name && !is_told_of(nb, kind, &only)
            && !nb_query_object(req, nb, parameter, name_kinds[i].table,
                                &name)) {
            return false;
        }
    }
    return true;
}

/* Adds the newest 'limit' of those that pass to 'body' at 'member', and what
 * to give as "after" for those that follow. */
static void
add_samples(struct samples_list *list, enum fabric_sample_kind kind,
            uint64_t after, size_t limit, const char *member, json_t *body)
{
    json_t *array = json_array();
    uint64_t newest;
    size_t i;

    newest = fabric_samples(list->nb->fabric, kind, after, sample_cb, list);
    for (i = list->n > limit ? list->n - limit : 0; i < list->n; i++) {
        json_array_append_new(array, nb_sample_json(list->nb,
                                                    &list->samples[i], kind));
    }
    json_object_set_new(body, member, array);
    json_object_set_new(body, "newest", json_integer(newest));
    free(list->samples);
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

/* Adds to 'array' the rules of 'policy' with a log that have decided
 * something. */
static void
add_log_rules(const struct northbound *nb, const struct vmn_policy *policy,
              json_t *array)
{
    struct fabric_log *logs = xmalloc(MAX(policy->n_rules, 1) * sizeof *logs);

    fabric_rule_logs(nb->fabric, policy->row.name, policy->n_rules, logs);
    for (size_t i = 0; i < policy->n_rules; i++) {
        if (policy->rules[i].log && logs[i].n_events) {
            json_t *json = nb_log_json(&logs[i]);

            json_object_set_new(json, "policy",
                                json_string(policy->row.name));
            json_object_set_new(json, "rule", json_integer(i));
            json_array_append_new(array, json);
        }
    }
    free(logs);
}

/* The same of 'name', or of all policies if it is NULL. */
static json_t *
log_rules(const struct northbound *nb, const char *name)
{
    struct vmn_names names = model_names(nb->model, VMN_TABLE_POLICY);
    json_t *array = json_array();

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_policy *policy = (
            name && strcmp(name, names.names[i]) ? NULL
            : model_get_durable(nb->model, VMN_TABLE_POLICY, names.names[i],
                                NULL));

        if (policy && policy_has_log(policy)) {
            add_log_rules(nb, policy, array);
        }
    }
    return array;
}

void
nb_get_logs(struct http_request *req, void *nb_)
{
    const struct northbound *nb = nb_;
    struct drops_filter filter = { .reason = NULL };
    struct samples_list list = { .nb = nb, .filter = &filter };
    uint64_t limit, after;
    json_t *body;

    if (!nb_query_number(req, "limit", 1, FABRIC_SAMPLES_MAX,
                         FABRIC_SAMPLES_MAX, &limit)
        || !nb_query_number(req, "after", 0, UINT64_MAX, 0, &after)
        || !query_names(req, nb, FABRIC_SAMPLE_LOG, &filter)) {
        return;
    }
    body = json_object();
    add_samples(&list, FABRIC_SAMPLE_LOG, after, limit, "items", body);
    json_object_set_new(body, "rules",
                        log_rules(nb, filter.names[POLICY]));
    http_reply_json(req, 200, body);
}

void
nb_get_drops(struct http_request *req, void *nb_)
{
    const struct northbound *nb = nb_;
    struct drops_filter filter = {
        .reason = http_request_query(req, "reason"),
    };
    struct drops_list list = { .nb = nb, .filter = &filter };
    struct samples_list samples = { .nb = nb, .filter = &filter };
    uint64_t limit, after;
    json_t *body;

    if (!nb_query_number(req, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &limit)
        || !nb_query_number(req, "after", 0, UINT64_MAX, 0, &after)
        || !nb_query_app(req, nb, &filter.app)
        || !query_names(req, nb, FABRIC_SAMPLE_DROP, &filter)) {
        return;
    }
    fabric_drops(nb->fabric, filter.names[HOST], drop_cb, &list);
    if (list.n) {
        qsort(list.drops, list.n, sizeof *list.drops, compare_drops);
    }
    body = json_pack("{s:o, s:I}", "counters", counters_json(&list, limit),
                     "matching", (json_int_t) list.n);
    add_samples(&samples, FABRIC_SAMPLE_DROP, after, limit, "samples", body);
    http_reply_json(req, 200, body);
    free(list.drops);
}
