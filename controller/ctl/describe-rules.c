/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules that apply to a port, in the order of evaluation
 * (docs/pipeline.md, "Priorities"); see describe.h.  It only sorts what the
 * server reports: `vmnctl trace` says what happens to a packet. */

#include <config.h>

#include "controller/ctl/describe.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-columns.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Kinds of rules, in the order in which rules of one priority are evaluated in
 * the tier "application". */
enum kind { DENY, REJECT, ALLOW, KEEP, PASS, N_KINDS };

/* The tier in which policies isolate, and the one that quarantines follow. */
#define APPLICATION "application"
#define EMERGENCY "emergency"

/* A rule that applies. */
struct met {
    json_int_t position;        /* Position of its tier. */
    bool shadow;
    json_int_t priority;
    json_int_t level;           /* Rank among policies of one priority. */
    const char *tier, *policy;  /* Borrowed from the policy. */
    size_t number;
    const json_t *rule;         /* NULL: isolation, after all rules. */
};

struct way {
    const char *direction;
    struct met *met;
    size_t n, allocated;
    bool isolated;
    bool passes;                /* A rule of the isolating tier may pass over
                                 * it. */
};

/* Text.  ------------------------------------------------------------------ */

void
ctl_print_peers(const json_t *rule, struct ds *ds)
{
    const json_t *peer;
    size_t i;

    json_array_foreach (json_object_get(rule, "peers"), i, peer) {
        ds_put_cstr(ds, i ? "," : "");
        ctl_path_print(peer, "/group", ds);
        ctl_path_print(peer, "/cidr", ds);
        ctl_path_print(peer, "/fqdn", ds);
        if (json_array_size(json_object_get(peer, "except"))) {
            ds_put_cstr(ds, " except ");
            ctl_path_print(peer, "/except", ds);
        }
    }
    if (!i) {
        ds_put_cstr(ds, "any");
    }
}

void
ctl_print_services(const json_t *rule, struct ds *ds)
{
    const json_t *service;
    size_t i;

    json_array_foreach (json_object_get(rule, "services"), i, service) {
        ds_put_cstr(ds, i ? "," : "");
        if (json_object_get(service, "service")) {
            ctl_path_print(service, "/service", ds);
        } else {
            ctl_print_service_entry(service, ds);
        }
    }
    if (!i) {
        ds_put_cstr(ds, "any");
    }
}

/* Which policies.  ------------------------------------------------------- */

enum ctl_exit
ctl_expand_groups(struct ctl *ctl, struct sset *groups)
{
    json_t *all = json_array();
    enum ctl_exit status = (sset_is_empty(groups) ? CTL_DONE
                            : ctl_get_list(ctl, "groups", all));
    const json_t *group, *inner;
    bool more = !status;
    size_t i, j;

    /* At most as often as groups are nested. */
    while (more) {
        more = false;
        json_array_foreach (all, i, group) {
            const char *name = json_string_value(json_object_get(group,
                                                                 "name"));

            if (!name || sset_contains(groups, name)) {
                continue;
            }
            json_array_foreach (ctl_spec(group, "groups"), j, inner) {
                const char *text = json_string_value(inner);

                if (text && sset_contains(groups, text)) {
                    sset_add(groups, name);
                    more = true;
                    break;
                }
            }
        }
    }
    json_decref(all);
    return status;
}

static bool
applies(const json_t *policy, const struct sset *groups)
{
    const json_t *group;
    size_t i;

    json_array_foreach (ctl_spec(policy, "applies_to"), i, group) {
        const char *name = json_string_value(group);

        if (name && sset_contains(groups, name)) {
            return true;
        }
    }
    return false;
}

enum ctl_exit
ctl_get_policies(struct ctl *ctl, const struct sset *groups,
                 json_t *policies)
{
    json_t *all = json_array();
    enum ctl_exit status = (sset_is_empty(groups) ? CTL_DONE
                            : ctl_get_list(ctl, "policies", all));
    json_t *policy;
    size_t i;

    json_array_foreach (all, i, policy) {
        if (applies(policy, groups)) {
            json_array_append(policies, policy);
        }
    }
    json_decref(all);
    return status;
}

/* Order.  ---------------------------------------------------------------- */

static const char *
text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text ? text : "";
}

static const char *
spec_text(const json_t *object, const char *member)
{
    return text_of(json_object_get(object, "spec"), member);
}

/* Kinds that are unknown, of a later vmnd, sort last. */
static enum kind
kind_of(const json_t *policy, const json_t *rule)
{
    const char *action = text_of(rule, "action");

    return (!strcmp(action, "deny") ? DENY
            : !strcmp(action, "reject") ? REJECT
            : !strcmp(action, "pass") ? PASS
            : strcmp(action, "allow") ? N_KINDS
            : !strcmp(spec_text(policy, "on_change"), "keep") ? KEEP : ALLOW);
}

static struct met *
add_met(struct way *way, const json_t *policy, json_int_t position)
{
    struct met *met;

    if (way->n >= way->allocated) {
        way->met = x2nrealloc(way->met, &way->allocated, sizeof *way->met);
    }
    met = &way->met[way->n++];
    *met = (struct met) {
        .position = position,
        .shadow = !strcmp(spec_text(policy, "mode"), "shadow"),
        .priority = json_integer_value(ctl_spec(policy, "priority")),
        .tier = spec_text(policy, "tier"),
        .policy = text_of(policy, "name"),
    };
    return met;
}

/* Returns true if 'policy' isolates in the direction of 'way': one of its
 * "directions", or if it has none, of its rules, or else ingress. */
static bool
isolates(const json_t *policy, const struct way *way)
{
    const json_t *directions = ctl_spec(policy, "directions");
    const json_t *rules = ctl_spec(policy, "rules");
    const json_t *rule;
    size_t i;

    if (strcmp(spec_text(policy, "tier"), APPLICATION)
        || !strcmp(spec_text(policy, "mode"), "shadow")) {
        return false;
    }
    if (json_array_size(directions)) {
        return ctl_has_string(directions, way->direction);
    }
    json_array_foreach (rules, i, rule) {
        if (!strcmp(text_of(rule, "direction"), way->direction)) {
            return true;
        }
    }
    return !json_array_size(rules) && !strcmp(way->direction, "ingress");
}

static void
add_policy(struct way *way, const json_t *policy, json_int_t position)
{
    bool united = !strcmp(spec_text(policy, "tier"), APPLICATION);
    const json_t *rule;
    json_int_t turn = 0;
    enum kind last = DENY;
    size_t i;

    json_array_foreach (ctl_spec(policy, "rules"), i, rule) {
        enum kind kind = kind_of(policy, rule);
        struct met *met;

        if (strcmp(text_of(rule, "direction"), way->direction)) {
            continue;
        }
        turn += kind < last;
        last = kind;
        met = add_met(way, policy, position);
        met->number = i;
        met->rule = rule;
        met->level = united ? turn * (N_KINDS + 1) + kind : 0;
        way->passes |= united && !met->shadow && kind == PASS;
    }
    way->isolated |= isolates(policy, way);
}

static int
compare_numbers(json_int_t a, json_int_t b)
{
    return a < b ? -1 : a > b;
}

/* Shadow policies are evaluated before the others of their tier. */
static int
compare_met(const void *a_, const void *b_)
{
    const struct met *a = a_;
    const struct met *b = b_;
    int order = compare_numbers(a->position, b->position);

    order = order ? order : b->shadow - a->shadow;
    order = order ? order : compare_numbers(a->priority, b->priority);
    order = order ? order : compare_numbers(a->level, b->level);
    order = order ? order : strcmp(a->policy, b->policy);
    return order ? order : compare_numbers((json_int_t) a->number,
                                           (json_int_t) b->number);
}

/* Returns the position of a tier, or one behind all others if there is no such
 * tier. */
static json_int_t
position_of(const json_t *tiers, const char *name)
{
    const json_t *tier;
    size_t i;

    json_array_foreach (tiers, i, tier) {
        if (!strcmp(text_of(tier, "name"), name)) {
            return json_integer_value(ctl_spec(tier, "position"));
        }
    }
    return INT32_MAX;
}

/* Output.  ---------------------------------------------------------------- */

static const struct ctl_column columns[] = {
    { "TIER", "/tier", NULL },
    { "PRIORITY", "/priority", NULL },
    { "POLICY", "/policy", NULL },
    { "RULE", "/number", NULL },
    { "ACTION", "/action", NULL },
    { "PEERS", "/peers", NULL },
    { "SERVICES", "/services", NULL },
    { NULL, NULL, NULL },
};

static json_t *
row_of(const struct met *met)
{
    struct ds peers = DS_EMPTY_INITIALIZER;
    struct ds services = DS_EMPTY_INITIALIZER;
    json_t *row;

    ctl_print_peers(met->rule, &peers);
    ctl_print_services(met->rule, &services);
    row = json_pack("{s:s, s:I, s:s, s:I, s:o, s:s, s:s}", "tier", met->tier,
                    "priority", met->priority, "policy", met->policy,
                    "number", (json_int_t) met->number, "action",
                    json_sprintf("%s%s", text_of(met->rule, "action"),
                                 met->shadow ? " (shadow)" : ""),
                    "peers", ds_cstr(&peers), "services",
                    ds_cstr(&services));
    ds_destroy(&peers);
    ds_destroy(&services);
    return row;
}

/* The end of the evaluation for a port: tiers behind 'limit' are not
 * evaluated. */
struct end {
    json_int_t limit;           /* Position of the last tier. */
    char *text;
};

/* Returns true if policies that the account does not see isolate the port. */
static bool
is_isolated_by_others(const json_t *partly, const char *direction)
{
    char *member = xasprintf("isolated_%s", direction);
    bool is = ctl_has_string(json_object_get(partly, member),
                             "(out of scope)");

    free(member);
    return is;
}

static struct end
end_of(const struct way *way, const json_t *tiers, const json_t *port,
       const json_t *network, const json_t *partly)
{
    const json_t *held = ctl_status(port, "quarantines");
    const json_t *parent = ctl_status(port, "quarantined_parent");
    bool ingress = !strcmp(way->direction, "ingress");

    if (ctl_port_is_quarantined(port)) {
        struct ds by = DS_EMPTY_INITIALIZER;

        ctl_path_print(held, "", &by);
        struct end end = {
            position_of(tiers, EMERGENCY),
            by.length
            ? xasprintf("quarantined by %s: only what that allows passes",
                        ds_cstr(&by))
            : json_is_true(ctl_spec(port, "quarantined"))
            ? xstrdup("quarantined: nothing else passes")
            : json_is_string(parent)
            ? xasprintf("quarantined with its parent, port %s: nothing else "
                        "passes", json_string_value(parent))
            : xstrdup("quarantined, by what is out of scope: only what that "
                      "allows passes"),
        };
        ds_destroy(&by);
        return end;
    }
    if (way->isolated) {
        return (struct end) {
            way->passes ? INT64_MAX : position_of(tiers, APPLICATION),
            xstrdup("isolated: what no rule of tier " APPLICATION
                    " lets through is denied"),
        };
    }
    if (is_isolated_by_others(partly, way->direction)) {
        return (struct end) {
            INT64_MAX,
            xstrdup("isolated, by policies out of this account's scope: what "
                    "no rule lets through is denied"),
        };
    }
    return (struct end) {
        INT64_MAX,
        ingress && !strcmp(spec_text(network, "default"), "deny")
        ? xasprintf("denied: network %s has default deny",
                    text_of(network, "name"))
        : partly
        ? xstrdup("not known: no policy isolates the port in this direction, "
                  "rules of others may deny (see vmnctl trace)")
        : xstrdup("allowed: no policy isolates the port in this direction"),
    };
}

static void
show_way(struct ctl *ctl, const struct way *way, const struct end *end)
{
    json_t *rows = json_array();
    char *title = xasprintf("Rules that apply, %s", way->direction);
    char *line = xasprintf("Then: %s\n", end->text);

    for (size_t i = 0; i < way->n; i++) {
        if (way->met[i].position <= end->limit) {
            json_array_append_new(rows, row_of(&way->met[i]));
        }
    }
    if (json_array_size(rows)) {
        ctl_describe_table(ctl, title, columns, rows);
    } else {
        fprintf(ctl->out, "\n%s:\n", title);
    }
    ctl_print_safely(ctl->out, line);
    free(line);
    free(title);
    json_decref(rows);
}

enum ctl_exit
ctl_describe_rules(struct ctl *ctl, const json_t *port,
                   const struct sset *groups, const json_t *partly)
{
    static const char *const directions[] = { "egress", "ingress" };
    json_t *policies = json_array();
    json_t *tiers = json_array();
    struct ctl_reply network;
    enum ctl_exit status;
    const json_t *policy;
    bool there;
    size_t j;

    status = ctl_get_policies(ctl, groups, policies);
    status = status ? status : ctl_get_list(ctl, "tiers", tiers);
    status = status
                 ? status
                 : ctl_get_object(ctl, "networks", spec_text(port, "network"),
                                  &network, &there);
    for (size_t i = 0; !status && i < ARRAY_SIZE(directions); i++) {
        struct way way = { .direction = directions[i] };
        struct end end;

        json_array_foreach (policies, j, policy) {
            add_policy(&way, policy,
                       position_of(tiers, spec_text(policy, "tier")));
        }
        if (way.n) {
            qsort(way.met, way.n, sizeof *way.met, compare_met);
        }
        end = end_of(&way, tiers, port, there ? network.body : NULL, partly);
        show_way(ctl, &way, &end);
        free(end.text);
        free(way.met);
    }
    if (!status && there) {
        ctl_reply_uninit(&network);
    }
    json_decref(tiers);
    json_decref(policies);
    return status;
}
