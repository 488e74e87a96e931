/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes groups and policies of recommended rules: a policy for each group that
 * is a destination, where rules for the same services become one with all of
 * their peers.  A service object is used if it is of the network's scope and
 * matches exactly what a rule allows.  No object takes an existing name. */

#include <config.h>

#include "controller/northbound/recommend-private.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "util.h"

/* Limits of the schema. */
#define PEERS_MAX 256
#define SERVICES_MAX 64
#define RANGES_MAX 64
#define RULES_MAX 1000
/* Length of a name's base: leaves room for a number. */
#define BASE_LEN (VMN_NAME_LEN - 6)
#define UNSELECTED_MAX 100
#define KEPT_MAX 100

/* A set of ports or addresses, and the group that represents it. */
struct named {
    const struct recommend_side *side;
    const char *group;
};

struct writer {
    const struct model *model;
    const char *network;
    const struct recommend_request *request;
    const struct recommend_answer *answer;
    size_t n_named;
    struct named *named;
    struct sset names;          /* Of new groups. */
    struct sset policies;       /* Of policies that were added. */
    struct sset kept;           /* Of policies whose names are not taken. */
    struct arena *arena;
    size_t n_groups, n_policies; /* Objects, at most two groups and a policy
                                  * for each rule. */
    struct nb_any_object *group_objects, *policy_objects;
    struct nb_reply_recommendations *reply;
};

/* Services.  ------------------------------------------------------------- */

static const struct {
    uint8_t number;
    enum vmn_protocol protocol;
    const char *name;
} protocols[] = {
    { IPPROTO_TCP, VMN_PROTO_TCP, "tcp" },
    { IPPROTO_UDP, VMN_PROTO_UDP, "udp" },
    { IPPROTO_SCTP, VMN_PROTO_SCTP, "sctp" },
    { IPPROTO_ICMP, VMN_PROTO_ICMP, "icmp" },
    { IPPROTO_ICMPV6, VMN_PROTO_ICMPV6, "icmpv6" },
};

static const char *
protocol_name(uint8_t number)
{
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (protocols[i].number == number) {
            return protocols[i].name;
        }
    }
    return NULL;
}

static bool
is_icmp(uint8_t number)
{
    return number == IPPROTO_ICMP || number == IPPROTO_ICMPV6;
}

const char *
nb_service_text(const struct recommend_service *s, struct arena *arena)
{
    const char *name = protocol_name(s->protocol);

    if (!name) {
        return arena_printf(arena, "%u", s->protocol);
    } else if (is_icmp(s->protocol)) {
        return (s->first == s->last
                ? arena_printf(arena, "%s/%d/%d", name, s->first >> 8,
                               s->first & 0xff)
                : arena_printf(arena, "%s/%d/%d-%d/%d", name, s->first >> 8,
                               s->first & 0xff, s->last >> 8,
                               s->last & 0xff));
    }
    return (s->first == s->last
            ? arena_printf(arena, "%s/%u", name, s->first)
            : arena_printf(arena, "%s/%u-%u", name, s->first, s->last));
}

/* Appends the entries for a range of services: for ICMP, one for each type and
 * code. */
static void
put_entry(json_t *entries, const struct recommend_service *s)
{
    const char *name = protocol_name(s->protocol);
    json_t *last = json_array_get(entries, json_array_size(entries) - 1);
    json_t *ports = json_object_get(last, "ports");
    const char *last_name = json_string_value(json_object_get(last,
                                                              "protocol"));

    if (is_icmp(s->protocol)) {
        for (unsigned i = s->first; i <= s->last; i++) {
            json_array_append_new(entries, json_pack(
                "{s:s, s:i, s:i}", "protocol", name, "icmp_type",
                (int) i >> 8, "icmp_code", (int) i & 0xff));
        }
        return;
    }
    if (!ports || !last_name || strcmp(last_name, name)
        || json_array_size(ports) >= RANGES_MAX) {
        ports = json_array();
        json_array_append_new(entries, json_pack(
            "{s:s, s:o}", "protocol", name, "ports", ports));
    }
    json_array_append_new(ports, s->first == s->last
                          ? json_integer(s->first)
                          : json_sprintf("%u-%u", s->first, s->last));
}

/* Adds the services of an entry to 'list'.  Returns false if they cannot be
 * listed. */
static bool
add_entry(const struct vmn_service_entry *entry,
          struct recommend_service *services, size_t *n)
{
    uint8_t number = 0;

    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (protocols[i].protocol == entry->protocol) {
            number = protocols[i].number;
        }
    }
    if (is_icmp(number)) {
        uint16_t value = entry->icmp_type * 256 + entry->icmp_code;

        services[(*n)++] = (struct recommend_service) { number, value,
                                                        value };
        return entry->icmp_type >= 0 && entry->icmp_code >= 0;
    }
    for (size_t i = 0; i < entry->n_ports; i++) {
        services[(*n)++] = (struct recommend_service) {
            number, entry->ports[i].first, entry->ports[i].last };
    }
    return entry->n_ports > 0;
}

static bool
service_is(const struct vmn_service *service,
           const struct recommend_rule *rule)
{
    struct recommend_service *services
        = xcalloc(service->n_entries * RANGES_MAX, sizeof *services);
    bool same = true;
    size_t n = 0;

    for (size_t i = 0; i < service->n_entries && same; i++) {
        same = add_entry(&service->entries[i], services, &n);
    }
    n = recommend_merge_services(services, n);
    same = same && n == rule->n_services;
    for (size_t i = 0; i < n && same; i++) {
        same = (services[i].protocol == rule->services[i].protocol
                && services[i].first == rule->services[i].first
                && services[i].last == rule->services[i].last);
    }
    free(services);
    return same;
}

static void
rest_a_little(const struct writer *w)
{
    if (w->request->yield) {
        w->request->yield(w->request->aux);
    }
}

bool
nb_is_of_scope(const struct vmn_labels *object,
               const struct vmn_network *network)
{
    for (size_t i = 0; i < object->n; i++) {
        const char *value = NULL;

        for (size_t j = 0; j < network->labels.n && !value; j++) {
            if (!strcmp(object->labels[i].key,
                        network->labels.labels[j].key)) {
                value = network->labels.labels[j].value;
            }
        }
        if (!value || strcmp(object->labels[i].value, value)) {
            return false;
        }
    }
    return true;
}

/* Returns the first service object of the network's scope, by name, that
 * matches exactly what the rule allows; or NULL. */
static const char *
find_service(const struct writer *w, const struct recommend_rule *rule)
{
    const struct vmn_network *network = model_get_durable(
        w->model, VMN_TABLE_NETWORK, w->network, NULL);
    const struct vmn_service *service = NULL;
    const char *after = "";

    while ((service = model_next_durable(w->model, VMN_TABLE_SERVICE, after,
                                         NULL))) {
        after = service->row.name;
        if (network && nb_is_of_scope(&service->labels, network)
            && service_is(service, rule)) {
            return after;
        }
        rest_a_little(w);
    }
    return NULL;
}

/* Returns lists of services, as many as the limit of a rule requires. */
static json_t *
services_json(const struct writer *w, const struct recommend_rule *rule)
{
    const char *name = find_service(w, rule);
    json_t *entries = json_array(), *lists = json_array(), *entry;
    size_t i;

    if (name) {
        json_array_append_new(entries, json_pack("{s:s}", "service", name));
    } else {
        for (i = 0; i < rule->n_services; i++) {
            put_entry(entries, &rule->services[i]);
        }
    }
    json_array_foreach (entries, i, entry) {
        if (i % SERVICES_MAX == 0) {
            json_array_append_new(lists, json_array());
        }
        json_array_append(json_array_get(lists, i / SERVICES_MAX), entry);
    }
    json_decref(entries);
    return lists;
}

/* Groups.  --------------------------------------------------------------- */

static bool
same_side(const struct recommend_side *a, const struct recommend_side *b)
{
    if (a->by != b->by) {
        return false;
    } else if (a->text) {
        return !strcmp(a->text, b->text);
    } else if (a->by == RECOMMEND_ADDRESSES) {
        return (a->n_prefixes == b->n_prefixes
                && !memcmp(a->prefixes, b->prefixes,
                           a->n_prefixes * sizeof *a->prefixes));
    }
    return (a->n_ports == b->n_ports
            && !memcmp(a->ports, b->ports, a->n_ports * sizeof *a->ports));
}

/* Appends "-WORD", with the characters that names may have. */
static void
put_word(struct ds *ds, const char *word, size_t len)
{
    ds_put_char(ds, '-');
    for (size_t i = 0; i < len; i++) {
        char c = word[i];

        ds_put_char(ds, (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
                    || c == '.' ? c : c >= 'A' && c <= 'Z' ? c - 'A' + 'a'
                    : '-');
    }
}

/* Appends the base of a name: the network and the values of the selector,
 * except the network itself, such as "shop-web". */
static void
put_base(const struct writer *w, const struct recommend_side *side,
         struct ds *ds)
{
    ds_put_cstr(ds, w->network);
    for (const char *p = side->text; side->by == RECOMMEND_SELECTOR && *p;
         p += *p == ',') {
        size_t len = strcspn(p, ",");
        size_t key_len = strcspn(p, ",=");
        const char *value = key_len < len ? p + key_len + 1 : p;
        size_t value_len = p + len - value;

        if (*p == '!') {
            put_word(ds, "no", 2);
            value++;
            value_len--;
        }
        if (!value_len) {
            value = p;
            value_len = key_len;
        }
        if (value_len != strlen(w->network)
            || strncmp(value, w->network, value_len)) {
            put_word(ds, value, value_len);
        }
        p += len;
    }
    if (side->by == RECOMMEND_PORTS && side->n_ports == 1) {
        const char *port = w->request->ports[side->ports[0]].name;

        put_word(ds, port, strlen(port));
    } else if (side->by != RECOMMEND_SELECTOR) {
        put_word(ds, side->by == RECOMMEND_PORTS ? "ports" : "addresses",
                 side->by == RECOMMEND_PORTS ? 5 : 9);
    }
    ds_truncate(ds, MIN(ds->length, BASE_LEN));
    while (ds->length && (ds_last(ds) == '-' || ds_last(ds) == '.')) {
        ds_truncate(ds, ds->length - 1);
    }
}

/* Returns a name that no group has. */
static const char *
new_name(struct writer *w, const struct recommend_side *side)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *name;
    size_t length;

    put_base(w, side, &ds);
    length = ds.length;
    for (int n = 2; sset_contains(&w->names, ds_cstr(&ds))
         || model_get_durable(w->model, VMN_TABLE_GROUP, ds_cstr(&ds), NULL);
         n++) {
        ds_truncate(&ds, length);
        ds_put_format(&ds, "-%d", n);
    }
    sset_add(&w->names, ds_cstr(&ds));
    name = arena_strdup(w->arena, ds_cstr(&ds));
    ds_destroy(&ds);
    return name;
}

static json_t *
group_spec(const struct writer *w, const struct recommend_side *side)
{
    json_t *list = json_array();
    char buf[VALUE_PREFIX_SIZE];

    if (side->by == RECOMMEND_SELECTOR) {
        json_decref(list);
        return json_pack("{s:s}", "selector", side->text);
    }
    for (size_t i = 0; i < side->n_prefixes; i++) {
        json_array_append_new(list, json_string(value_format_prefix(
            &side->prefixes[i], buf)));
    }
    for (size_t i = 0; i < side->n_ports; i++) {
        json_array_append_new(list, json_string(
            w->request->ports[side->ports[i]].name));
    }
    return json_pack("{s:o}", side->n_prefixes ? "cidrs" : "ports", list);
}

/* Returns the text of 'json', of which it takes ownership. */
static const char *
json_text(struct writer *w, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *copy = arena_strdup(w->arena, text);

    free(text);
    json_decref(json);
    return copy;
}

/* Returns the group that represents a side; creates one if necessary. */
static const char *
group_of(struct writer *w, const struct recommend_side *side)
{
    struct named *named;

    if (side->by == RECOMMEND_GROUP) {
        return side->text;
    }
    for (size_t i = 0; i < w->n_named; i++) {
        if (same_side(w->named[i].side, side)) {
            return w->named[i].group;
        }
    }
    named = &w->named[w->n_named++];
    named->side = side;
    named->group = new_name(w, side);
    w->group_objects[w->n_groups++] = (struct nb_any_object) {
        "groups", named->group, json_text(w, group_spec(w, side)),
    };
    return named->group;
}

/* Policies.  ------------------------------------------------------------- */

/* Returns a name for the policy for 'group' that no policy has, and adds the
 * policies whose names come before it to 'kept'. */
static const char *
policy_name(struct writer *w, const char *group)
{
    const char *base = arena_printf(w->arena, "%.*s-in", BASE_LEN - 3, group);
    const char *name = base;

    for (int n = 2;; n++) {
        if (model_get_durable(w->model, VMN_TABLE_POLICY, name, NULL)) {
            sset_add(&w->kept, name);
        } else if (!sset_contains(&w->policies, name)) {
            break;
        }
        name = arena_printf(w->arena, "%s-%d", base, n);
        rest_a_little(w);
    }
    sset_add(&w->policies, name);
    return name;
}

static bool
is_group(const struct recommend_side *side)
{
    return (side->by != RECOMMEND_ADDRESSES
            || side->n_prefixes > PEERS_MAX / 2);
}

static void
put_peers(struct writer *w, const struct recommend_side *side, json_t *peers)
{
    char buf[VALUE_PREFIX_SIZE];

    if (is_group(side)) {
        json_array_append_new(peers, json_pack("{s:s}", "group",
                                               group_of(w, side)));
        return;
    }
    for (size_t i = 0; i < side->n_prefixes; i++) {
        json_array_append_new(peers, json_pack(
            "{s:s}", "cidr", value_format_prefix(&side->prefixes[i], buf)));
    }
}

/* Adds the rule to those of its policy: as a peer of a rule for the same
 * services, or as a rule of its own. */
static void
put_rule(struct writer *w, const struct recommend_rule *rule, json_t *rules)
{
    json_t *lists = services_json(w, rule), *peers = json_array();
    json_t *services, *other;
    size_t i, j;

    put_peers(w, &rule->from, peers);
    json_array_foreach (lists, i, services) {
        json_t *known = NULL;

        json_array_foreach (rules, j, other) {
            json_t *others = json_object_get(other, "peers");

            if (json_equal(json_object_get(other, "services"), services)
                && json_array_size(others) + json_array_size(peers)
                   <= PEERS_MAX) {
                known = others;
            }
        }
        if (known) {
            json_array_extend(known, peers);
        } else {
            json_array_append_new(rules, json_pack(
                "{s:s, s:s, s:o, s:O}", "direction", "ingress", "action",
                "allow", "peers", json_copy(peers), "services", services));
        }
    }
    json_decref(peers);
    json_decref(lists);
}

/* Returns the name of a side's group, or its prefixes, as JSON. */
static const char *
side_text(struct writer *w, const struct recommend_side *side)
{
    char buf[VALUE_PREFIX_SIZE];
    json_t *list;

    if (is_group(side)) {
        return json_text(w, json_string(group_of(w, side)));
    }
    list = json_array();
    for (size_t i = 0; i < side->n_prefixes; i++) {
        json_array_append_new(list, json_string(value_format_prefix(
            &side->prefixes[i], buf)));
    }
    return json_text(w, list);
}

static struct nb_extra
describe_extra(struct writer *w, const struct recommend_extra *extra)
{
    char buf[VALUE_IP_SIZE];

    return (struct nb_extra) {
        .from = (extra->src == SIZE_MAX
                 ? arena_strdup(w->arena, value_format_ip(&extra->src_ip, buf))
                 : w->request->ports[extra->src].name),
        .to = w->request->ports[extra->dst].name,
        .service = nb_service_text(&extra->service, w->arena),
    };
}

/* Adds the description of a rule to the reply. */
static void
add_rule(struct writer *w, const struct recommend_rule *rule,
         const char *policy)
{
    const char **services = arena_alloc(
        w->arena, MAX(1, rule->n_services) * sizeof *services);
    struct nb_extra *extras = arena_alloc(
        w->arena, MAX(1, rule->n_extras) * sizeof *extras);

    for (size_t i = 0; i < rule->n_services; i++) {
        services[i] = nb_service_text(&rule->services[i], w->arena);
    }
    for (size_t i = 0; i < rule->n_extras; i++) {
        extras[i] = describe_extra(w, &rule->extras[i]);
    }
    w->reply->rules[w->reply->n_rules++] = (struct nb_recommended_rule) {
        .policy = policy, .from = side_text(w, &rule->from),
        .to = group_of(w, &rule->to), .n_services = rule->n_services,
        .services = services, .observed = rule->n_seen,
        .extra = rule->n_extra, .n_extras = rule->n_extras,
        .extras = extras,
    };
}

/* Adds the policies for the destination group of rule 'first', made of it and
 * the rules that follow with the same destination; more than one policy if
 * they exceed a limit.  Returns the index of the next rule. */
static size_t
put_policy(struct writer *w, size_t first, bool shadow)
{
    const struct recommend_answer *answer = w->answer;
    const struct recommend_side *to = &answer->rules[first].to;
    const char *group = group_of(w, to);
    const char *name = policy_name(w, group);
    json_t *rules = json_array();
    json_t *spec = json_pack("{s:[s], s:o}", "applies_to", group, "rules",
                             rules);
    size_t i = first;

    while (i < answer->n_rules && same_side(to, &answer->rules[i].to)
           && json_array_size(rules) < RULES_MAX / 2) {
        put_rule(w, &answer->rules[i], rules);
        add_rule(w, &answer->rules[i], name);
        i++;
        rest_a_little(w);
    }
    if (shadow) {
        json_object_set_new(spec, "mode", json_string("shadow"));
    }
    w->policy_objects[w->n_policies++] = (struct nb_any_object) {
        "policies", name, json_text(w, spec),
    };
    return i;
}

/* Adds the ports that no policy selects: they remain open, unless the network
 * denies by default. */
static void
put_unselected(const struct writer *w)
{
    const struct recommend_request *request = w->request;
    struct nb_reply_recommendations *reply = w->reply;
    bool *selected = xcalloc(MAX(1, request->n_ports), sizeof *selected);

    for (size_t i = 0; i < w->answer->n_rules; i++) {
        const struct recommend_side *to = &w->answer->rules[i].to;

        for (size_t j = 0; j < to->n_ports; j++) {
            selected[to->ports[j]] = true;
        }
    }
    reply->unselected = arena_alloc(w->arena, UNSELECTED_MAX
                                    * sizeof *reply->unselected);
    for (size_t i = 0; i < request->n_ports; i++) {
        if (request->ports[i].where == RECOMMEND_INSIDE && !selected[i]
            && reply->n_unselected++ < UNSELECTED_MAX) {
            reply->unselected[reply->n_unselected_listed++]
                = request->ports[i].name;
        }
    }
    free(selected);
}

/* Lists the groups, and then the policies. */
static void
put_objects(const struct writer *w)
{
    struct nb_reply_recommendations *reply = w->reply;

    reply->n_objects = w->n_groups + w->n_policies;
    reply->objects = arena_alloc(w->arena, MAX(1, reply->n_objects)
                                 * sizeof *reply->objects);
    for (size_t i = 0; i < reply->n_objects; i++) {
        reply->objects[i] = (i < w->n_groups ? w->group_objects[i]
                             : w->policy_objects[i - w->n_groups]);
    }
}

/* Lists the existing policies whose names were not taken. */
static void
put_kept(const struct writer *w)
{
    struct nb_reply_recommendations *reply = w->reply;
    const char **names = sset_sort(&w->kept);

    reply->n_kept = MIN(sset_count(&w->kept), KEPT_MAX);
    reply->kept = arena_alloc(w->arena, MAX(1, reply->n_kept)
                                        * sizeof *reply->kept);
    for (size_t i = 0; i < reply->n_kept; i++) {
        reply->kept[i] = arena_strdup(w->arena, names[i]);
    }
    free(names);
}

void
nb_recommend_objects(const struct model *model, const char *network,
                     bool shadow, const struct recommend_request *request,
                     const struct recommend_answer *answer,
                     struct arena *arena,
                     struct nb_reply_recommendations *reply)
{
    struct writer w = { .model = model, .network = network,
                        .request = request, .answer = answer,
                        .arena = arena, .reply = reply };
    size_t n = MAX(1, answer->n_rules);

    sset_init(&w.names);
    sset_init(&w.policies);
    sset_init(&w.kept);
    w.named = xcalloc(2 * n, sizeof *w.named);
    w.group_objects = xcalloc(2 * n, sizeof *w.group_objects);
    w.policy_objects = xcalloc(n, sizeof *w.policy_objects);
    reply->rules = arena_alloc(arena, n * sizeof *reply->rules);
    for (size_t i = 0; i < answer->n_rules;) {
        i = put_policy(&w, i, shadow);
    }
    put_objects(&w);
    put_unselected(&w);
    put_kept(&w);
    free(w.named);
    free(w.group_objects);
    free(w.policy_objects);
    sset_destroy(&w.names);
    sset_destroy(&w.policies);
    sset_destroy(&w.kept);
}
