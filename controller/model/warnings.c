/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds selectors and groups that nothing is in, names in DNS without an
 * address, hosts that cannot connect, hosts that cannot be the gateways that
 * routers list, migrations without a source, and quotas that are exceeded; see
 * warnings.h. */

#include <config.h>

#include "controller/model/warnings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/exposed-port.h"
#include "controller/model/gateway-hosts.h"
#include "controller/model/loosening.h"
#include "controller/model/migration-end.h"
#include "controller/model/model-private.h"
#include "controller/model/model.h"
#include "controller/model/rule-windows.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-shown.h"
#include "controller/schema/value.h"
#include "timeval.h"
#include "util.h"

/* Rows that are read for the warnings of one answer: some milliseconds. */
#define STEPS_MAX 50000

const struct schema_struct model_warning_shown = SHOWN_KEPT(
    "Warning", model_warning,
    SHOWN_OF(model_warning, type, STRING, 0, "The type of the object."),
    SHOWN_OF(model_warning, name, STRING, 0, "Its name."),
    SHOWN_OF(model_warning, pointer, STRING, 0,
             "JSON pointer (RFC 6901) to the field concerned."),
    SHOWN_OF(model_warning, text, STRING, 0, "What is likely wrong."),
    SHOWN_OF(model_warning, loosens, STRING, 0,
             "What the change opens that was closed: enforcement (of a "
             "policy or an app), isolation, quarantine, access, addresses or "
             "exposure."),
    SHOWN_OF(model_warning, more, U64, HIDE,
             "Of a last entry: how many more there are."));

/* Room for all that are shown, and two more: see model_warnings_finish(). */
static struct model_warning *
alloc(const struct model_warnings *w)
{
    return arena_alloc(w->arena, (MODEL_WARNINGS_MAX + 2)
                                 * sizeof *w->warnings);
}

/* Returns a new warning to fill in, or NULL if there are too many. */
static struct model_warning *
add(struct model_warnings *w)
{
    if (w->n_all++ >= MODEL_WARNINGS_MAX) {
        return NULL;
    }
    if (!w->warnings) {
        w->warnings = alloc(w);
    }
    return &w->warnings[w->n++];
}

static void
warn(struct model_warnings *w, const struct vmn_row *row, const char *text,
     const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Adds a warning; 'format' makes its pointer within the spec. */
static void
warn(struct model_warnings *w, const struct vmn_row *row, const char *text,
     const char *format, ...)
{
    struct model_warning *warning = add(w);
    va_list args;
    char *at;

    if (!warning) {
        return;
    }
    va_start(args, format);
    at = xvasprintf(format, args);
    va_end(args);
    *warning = (struct model_warning) {
        .type = schema_tables[row->table]->plural,
        .name = arena_strdup(w->arena, row->name),
        .pointer = arena_printf(w->arena, "/spec%s", at),
        .text = arena_strdup(w->arena, text),
    };
    free(at);
}

/* Returns true unless so many rows have been read that nothing more is to be
 * said. */
static bool
step(struct model_warnings *w)
{
    if (w->steps) {
        w->steps--;
        return true;
    }
    return false;
}

/* Selectors.  ------------------------------------------------------------ */

/* Returns true if a port that 'selector' selects is in one of the networks
 * (none: in any). */
static bool
selects(struct model_warnings *w, const struct vmn_selector *selector,
        size_t n_networks, const char *const *networks)
{
    struct vmn_names names = model_selector_candidates(w->model, selector);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_port *port = model_get(w->model, VMN_TABLE_PORT,
                                                names.names[i]);
        bool there = !n_networks;

        for (size_t j = 0; port && j < n_networks && !there; j++) {
            there = !strcmp(port->network, networks[j]);
        }
        if (!step(w)
            || (port && there
                && vmn_selector_matches(selector, &port->labels))) {
            return true;
        }
    }
    return false;
}

/* Groups.  --------------------------------------------------------------- */

/* What a group has, by itself or by those that it contains. */
enum { HAS_PORTS = 1 << 0, HAS_CIDRS = 1 << 1, HAS_ALL = 3 };

/* As deep as groups may be nested. */
static unsigned int
group_has(struct model_warnings *w, const char *name)
{
    const struct vmn_group *group = model_get(w->model, VMN_TABLE_GROUP,
                                              name);
    uintptr_t known = (uintptr_t) shash_find_data(&w->groups, name);
    unsigned int has;

    if (known) {
        return known - 1;
    }
    if (!group || !model_sees(w->rights, &group->row) || !step(w)) {
        return HAS_ALL;
    }
    has = (group->n_cidrs ? HAS_CIDRS : 0) | (group->n_ports ? HAS_PORTS : 0);
    if (!(has & HAS_PORTS) && group->selector.text
        && selects(w, &group->selector, 0, NULL)) {
        has |= HAS_PORTS;
    }
    for (size_t i = 0; i < group->n_groups && has != HAS_ALL; i++) {
        has |= group_has(w, group->groups[i]);
    }
    shash_add(&w->groups, name, (void *) (uintptr_t) (has + 1));
    return has;
}

/* Types.  ---------------------------------------------------------------- */

static void
check_group(struct model_warnings *w, const struct vmn_group *group)
{
    if (group->selector.text && !selects(w, &group->selector, 0, NULL)) {
        warn(w, &group->row, "matches no port", "/selector");
    }
}

static void
check_quarantine(struct model_warnings *w, const struct vmn_quarantine *q)
{
    if (q->selector.text && !selects(w, &q->selector, 0, NULL)) {
        warn(w, &q->row, q->n_ports ? "matches no port"
             : "matches no port: nobody is cut off", "/selector");
    }
}

/* Returns true if 'name' is in the domain of a zone, which may know it. */
static bool
is_in_zone(struct model_warnings *w, const char *name)
{
    struct vmn_names zones = model_names(w->model, VMN_TABLE_DNS_ZONE);
    size_t len = strlen(name);

    for (size_t i = 0; i < zones.n; i++) {
        const struct vmn_dns_zone *zone = model_get(
            w->model, VMN_TABLE_DNS_ZONE, zones.names[i]);
        size_t domain_len = zone ? strlen(zone->domain) : 0;

        if (!step(w)
            || (zone && len >= domain_len
                && !strcmp(name + len - domain_len, zone->domain)
                && (len == domain_len
                    || name[len - domain_len - 1] == '.'))) {
            return true;
        }
    }
    return false;
}

/* What a plan has of such a rule is what it lets through now.  Accounts with a
 * scope are not told what others have vmnd ask for. */
static void
check_fqdn(struct model_warnings *w, const struct vmn_row *row,
           const char *name, size_t rule, size_t peer)
{
    const struct vmn_fqdn *known = model_get(w->model, VMN_TABLE_FQDN, name);

    bool is_wildcard = value_fqdn_is_wildcard(name);

    if ((!known || !known->n_ips) && !(w->rights && w->rights->scope.text)
        && (is_wildcard || !is_in_zone(w, name))) {
        char *text = (is_wildcard
                      ? xasprintf("no guest has asked for a name of \"%s\" "
                                  "by now: it is nobody until one has", name)
                      : xasprintf("\"%s\" has no known address by now, and "
                                  "is nobody until it has", name));

        warn(w, row, text, "/rules/%"PRIuSIZE"/peers/%"PRIuSIZE"/fqdn", rule,
             peer);
        free(text);
    }
}

static void
check_rule_peers(struct model_warnings *w, const struct vmn_row *row,
                 const struct vmn_rule *rule, size_t number)
{
    for (size_t i = 0; i < rule->n_peers; i++) {
        const char *group = rule->peers[i].group;

        if (rule->peers[i].fqdn) {
            check_fqdn(w, row, rule->peers[i].fqdn, number, i);
        }
        if (group && !group_has(w, group)) {
            char *text = xasprintf("group \"%s\" has no members", group);

            warn(w, row, text, "/rules/%"PRIuSIZE"/peers/%"PRIuSIZE"/group",
                 number, i);
            free(text);
        }
    }
}

/* Warns of windows in which the rule will never be valid. */
static void
check_rule_windows(struct model_warnings *w, const struct vmn_row *row,
                   const struct vmn_rule *rule, size_t number)
{
    for (size_t i = 0; i < rule->n_windows; i++) {
        const struct vmn_window *window = vmn_window_at(rule, i);
        enum window_fate fate = window_fate_at(model_time_zones(w->model),
                                               window, time_wall());

        if (fate != WINDOW_OPENS) {
            char *text = (fate == WINDOW_OVER
                          ? xasprintf("the window ended at %s: the rule is "
                                      "not valid in it any more",
                                      window->not_after)
                          : xasprintf("the window never opens: none of its "
                                      "times is between %s and %s",
                                      window->not_before, window->not_after));

            warn(w, row, text, "/rules/%"PRIuSIZE"/windows/%"PRIuSIZE, number,
                 i);
            free(text);
        }
    }
}

static void
check_policy(struct model_warnings *w, const struct vmn_policy *policy)
{
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        if (!(group_has(w, policy->applies_to[i]) & HAS_PORTS)) {
            char *text = xasprintf("group \"%s\" has no ports",
                                   policy->applies_to[i]);

            warn(w, &policy->row, text, "/applies_to/%"PRIuSIZE, i);
            free(text);
        }
    }
    for (size_t i = 0; i < policy->n_rules; i++) {
        check_rule_peers(w, &policy->row, &policy->rules[i], i);
        check_rule_windows(w, &policy->row, &policy->rules[i], i);
    }
}

static void
check_balancer(struct model_warnings *w, const struct vmn_loadbalancer *lb)
{
    if (lb->selector.text
        && !selects(w, &lb->selector, lb->n_networks, lb->networks)) {
        warn(w, &lb->row, "matches no port of its networks", "/selector");
    } else if (!lb->selector.text && !lb->n_backends) {
        warn(w, &lb->row, "there are none, and no selector", "/backends");
    }
}

static void
check_host(struct model_warnings *w, const struct vmn_host *host)
{
    const char *no_listener = model_no_listener(w->model);

    if (no_listener && !strcmp(host->ovsdb, "inbound")) {
        warn(w, &host->row, no_listener, "/ovsdb");
    }
}

/* Warns of hosts that the router lists and that could not be its gateway: of
 * 'only', or of all (NULL). */
static void
check_gateways(struct model_warnings *w, const struct vmn_router *router,
               const char *only)
{
    const struct vmn_external *external = &router->external;

    for (size_t i = 0; external->network && i < external->n_gateways; i++) {
        const char *host = external->gateways[i].host;
        const char *reason;

        if ((!only || !strcmp(only, host))
            && (model_gateway_host(w->model, w->rights, router, host,
                                   w->arena, &reason)
                == MODEL_GATEWAY_UNABLE)) {
            char *text = xasprintf("host \"%s\" cannot be its gateway: %s",
                                   host, reason);

            warn(w, &router->row, text, "/external/gateways/%"PRIuSIZE, i);
            free(text);
        }
    }
}

/* Returns true if one of the warnings is what the change of the object
 * loosens. */
static bool
is_loosened(const struct model_warnings *w, const struct vmn_row *row)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct model_warning *warning = &w->warnings[i];

        if (warning->loosens && warning->name
            && !strcmp(warning->name, row->name)
            && !strcmp(warning->type, schema_tables[row->table]->plural)) {
            return true;
        }
    }
    return false;
}

/* Warns of a floating IP whose port lets in all from outside. */
static void
check_floating(struct model_warnings *w,
               const struct vmn_floating_ip *floating)
{
    const struct vmn_port *port
        = (floating->port ? model_get(w->model, VMN_TABLE_PORT,
                                      floating->port) : NULL);
    char *text;

    if (!port || is_loosened(w, &floating->row)
        || !model_sees(w->rights, &port->row)
        || !model_port_is_exposed(w->model, port, &w->steps)) {
        return;
    }
    text = model_exposed_text(floating, port,
                              w->rights && w->rights->scope.text);
    warn(w, &floating->row, text, "/port");
    free(text);
}

/* Warns of a migration to 'to' that cannot take place now: the host is lost,
 * or does not select the port, or, though the VM is said to run there, does
 * not have the interface. */
static void
check_target(struct model_warnings *w, const struct vmn_port *port,
             const char *to, const struct vmn_binding *binding)
{
    const struct vmn_host *host = model_get(w->model, VMN_TABLE_HOST, to);
    char *text;

    if (host && host->lost) {
        text = xasprintf("host \"%s\" is declared lost: it does not get the "
                         "port before it is found", to);
        warn(w, &port->row, text, "/migration/to");
    } else if (host && host->port_selector.text
               && !vmn_selector_matches(&host->port_selector,
                                        &port->labels)) {
        text = xasprintf("host \"%s\" does not select the port (its "
                         "port_selector): it stays on host \"%s\" until "
                         "then", to, binding->host);
        warn(w, &port->row, text, "/migration/to");
    } else if (port->migration.activated
               && !nullable_string_is_equal(binding->candidate, to)
               && !migration_has_interface(w->model, port->row.name, to)) {
        text = xasprintf("host \"%s\" does not have its interface (iface-id "
                         "\"%s\") yet: it stays on host \"%s\" until then",
                         to, port->iface_id, binding->host);
        warn(w, &port->row, text, "/migration/activated");
    } else {
        return;
    }
    free(text);
}

/* Warns of a migration that was asked for too early, or too late: the port has
 * no host to leave, or nobody else has its interface; and of one that cannot
 * take place. */
static void
check_port(struct model_warnings *w, const struct vmn_port *port)
{
    const char *to = port->migration.to;
    const struct vmn_binding *binding
        = to ? model_get(w->model, VMN_TABLE_BINDING, port->row.name) : NULL;

    if (to && !binding) {
        warn(w, &port->row, "it is on no host that it could leave",
             "/migration");
    } else if (to && !strcmp(binding->host, to) && !binding->candidate) {
        char *text = xasprintf("it is on host \"%s\" already, and no other "
                               "host has its interface", to);

        warn(w, &port->row, text, "/migration/to");
        free(text);
    } else if (to && strcmp(binding->host, to)) {
        check_target(w, port, to, binding);
    }
}

/* Interface.  ------------------------------------------------------------ */

void
model_warnings_init(struct model_warnings *w, const struct model *model,
                    const struct model_rights *rights, struct arena *arena)
{
    *w = (struct model_warnings) {
        .model = model, .rights = rights, .arena = arena, .steps = STEPS_MAX,
    };
    shash_init(&w->groups);
}

/* A quota, and where its warnings go. */
struct quota_check {
    struct model_warnings *w;
    const struct vmn_quota *quota;
};

/* A model_quota_cb: warns of a limit below the present use. */
static void
check_limit(void *check_, const char *limit, int64_t used, int64_t max)
{
    const struct quota_check *check = check_;

    if (max >= 0 && used > max) {
        char *text = xasprintf("%"PRId64" are used, more than %"PRId64": they "
                               "stay, and requests that add to them are "
                               "refused", used, max);

        warn(check->w, &check->quota->row, text, "/%s", limit);
        free(text);
    }
}

static void
check_quota(struct model_warnings *w, const struct vmn_quota *quota)
{
    struct quota_check check = { w, quota };

    model_quota_each(w->model, quota, check_limit, &check);
}

void
model_warnings_add(struct model_warnings *w, const struct vmn_row *row)
{
    const void *of = row;

    if (!step(w)) {
        return;
    }
    switch ((int) row->table) {
    case VMN_TABLE_PORT:
        check_port(w, of);
        break;
    case VMN_TABLE_GROUP:
        check_group(w, of);
        break;
    case VMN_TABLE_QUARANTINE:
        check_quarantine(w, of);
        break;
    case VMN_TABLE_POLICY:
        check_policy(w, of);
        break;
    case VMN_TABLE_LOADBALANCER:
        check_balancer(w, of);
        break;
    case VMN_TABLE_HOST:
        check_host(w, of);
        break;
    case VMN_TABLE_ROUTER:
        check_gateways(w, of, NULL);
        break;
    case VMN_TABLE_FLOATING_IP:
        check_floating(w, of);
        break;
    case VMN_TABLE_QUOTA:
        check_quota(w, of);
        break;
    default:
        break;
    }
}

void
model_warnings_add_of_host(struct model_warnings *w,
                           const struct vmn_host *host)
{
    struct vmn_names names = model_names(w->model, VMN_TABLE_ROUTER);

    for (size_t i = 0; i < names.n && step(w); i++) {
        const struct vmn_row *row = model_get(w->model, VMN_TABLE_ROUTER,
                                              names.names[i]);

        if (row && model_sees(w->rights, row)) {
            check_gateways(w, (const void *) row, host->row.name);
        }
    }
}

void
model_set_host_left(struct model *model, model_host_left_cb *cb,
                    const void *aux)
{
    model->host_left = cb;
    model->host_left_aux = aux;
}

void
model_warnings_add_deleted_host(struct model_warnings *w, const char *name)
{
    const struct model *model = w->model;
    char *text = (model->host_left
                  ? model->host_left(model->host_left_aux, name) : NULL);
    struct model_warning *warning = text ? add(w) : NULL;

    if (warning) {
        *warning = (struct model_warning) {
            .type = schema_tables[VMN_TABLE_HOST]->plural,
            .name = arena_strdup(w->arena, name),
            .text = arena_strdup(w->arena, text),
        };
    }
    free(text);
}

void
model_warnings_add_left(struct model_warnings *w,
                        const struct vmn_group *group)
{
    if (group->selector.text) {
        model_warnings_add(w, &group->row);
    } else if (step(w) && !group_has(w, group->row.name)) {
        warn(w, &group->row, "has no members any more", "/ports");
    }
}

void
model_warnings_put(struct model_warnings *w, const struct vmn_row *row,
                   const char *pointer, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    warn(w, row, text, "%s", pointer);
    free(text);
}

void
model_warnings_put_general(struct model_warnings *w, const char *format, ...)
{
    struct model_warning *warning = add(w);
    va_list args;
    char *text;

    if (!warning) {
        return;
    }
    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    *warning = (struct model_warning) {
        .text = arena_strdup(w->arena, text),
    };
    free(text);
}

/* Adds that a list of what is loosened is not complete. */
static void
put_rest(struct model_warnings *w, const struct loosened *loosened)
{
    struct model_warning *warning = add(w);

    if (warning) {
        *warning = (struct model_warning) {
            .text = (loosened->is_partial
                     ? arena_strdup(w->arena, "it concerns many ports and "
                                    "rules, and not all of them were checked "
                                    "for what it opens (a dry run checks "
                                    "more)")
                     : arena_printf(w->arena, "%"PRIu64" more statements "
                                    "are not listed", loosened->n_more)),
            .loosens = "access",
        };
    }
}

void
model_warnings_put_loosened(struct model_warnings *w,
                            const struct loosened *loosened)
{
    for (size_t i = 0; loosened && i < loosened->n; i++) {
        const struct loosened_item *item = &loosened->items[i];
        struct model_warning *warning = add(w);

        if (warning) {
            *warning = (struct model_warning) {
                .type = item->type, .pointer = item->pointer,
                .name = (item->name ? arena_strdup(w->arena, item->name)
                         : NULL),
                .text = arena_strdup(w->arena, item->text),
                .loosens = item->kind,
            };
        }
    }
    if (loosened && (loosened->n_more || loosened->is_partial)) {
        put_rest(w, loosened);
    }
}

void
model_warnings_finish(struct model_warnings *w)
{
    if (!w->steps) {
        w->warnings = w->warnings ? w->warnings : alloc(w);
        w->warnings[w->n++] = (struct model_warning) {
            .text = "there are too many members to check all groups, "
                    "selectors and floating addresses",
        };
    }
    if (w->n_all > MODEL_WARNINGS_MAX) {
        w->warnings[w->n++] = (struct model_warning) {
            .more = w->n_all - MODEL_WARNINGS_MAX,
        };
    }
    shash_destroy(&w->groups);
}

bool
model_warnings_concern(enum vmn_table table)
{
    return (table == VMN_TABLE_GROUP || table == VMN_TABLE_QUARANTINE
            || table == VMN_TABLE_POLICY || table == VMN_TABLE_LOADBALANCER
            || table == VMN_TABLE_HOST || table == VMN_TABLE_ROUTER
            || table == VMN_TABLE_FLOATING_IP || table == VMN_TABLE_PORT
            || table == VMN_TABLE_APP || table == VMN_TABLE_QUOTA);
}
