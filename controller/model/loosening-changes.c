/* SPDX-License-Identifier: Apache-2.0
 *
 * What the change of an object may loosen: what can be said at once, and which
 * ports and policies are to be compared; see loosening.h. */

#include <config.h>

#include "controller/model/loosening-private.h"

#include <string.h>

#include "controller/model/txn.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "util.h"

/* What changed.  ---------------------------------------------------------- */

bool
loosening_is_enforced(const struct vmn_policy *policy)
{
    return policy && policy->mode == VMN_ENFORCE;
}

/* Returns true if the policy can deny something. */
static bool
can_deny(const struct vmn_policy *policy)
{
    bool denies = false;

    if (!strcmp(policy->tier, "application")) {
        denies = policy->isolates[VMN_INGRESS] || policy->isolates[VMN_EGRESS];
    }
    for (size_t i = 0; i < policy->n_rules && !denies; i++) {
        enum vmn_action action = vmn_policy_rule_at(policy, i)->action;

        denies = action == VMN_DENY || action == VMN_REJECT;
    }
    return denies;
}

static bool
same_window(const struct vmn_window *a, const struct vmn_window *b)
{
    return (!memcmp(a->days, b->days, sizeof a->days)
            && nullable_string_is_equal(a->start, b->start)
            && nullable_string_is_equal(a->end, b->end)
            && nullable_string_is_equal(a->not_before, b->not_before)
            && nullable_string_is_equal(a->not_after, b->not_after)
            && nullable_string_is_equal(a->timezone, b->timezone));
}

static bool
same_windows(const struct vmn_rule *a, const struct vmn_rule *b)
{
    bool same = a->action == b->action && a->n_windows == b->n_windows;

    for (size_t i = 0; i < a->n_windows && same; i++) {
        same = same_window(vmn_window_at(a, i), vmn_window_at(b, i));
    }
    return same;
}

/* Returns true if each rule of 'a' with windows is in 'b', as far as they are
 * concerned. */
static bool
has_windows_of(const struct vmn_policy *a, const struct vmn_policy *b)
{
    for (size_t i = 0; i < a->n_rules; i++) {
        const struct vmn_rule *rule = vmn_policy_rule_at(a, i);
        bool has = !rule->n_windows;

        for (size_t j = 0; b && j < b->n_rules && !has; j++) {
            has = same_windows(rule, vmn_policy_rule_at(b, j));
        }
        if (!has) {
            return false;
        }
    }
    return true;
}

static void
find_policy(struct search *search, const struct entry *entry)
{
    const struct vmn_policy *before = loosening_row_of(entry->before);
    const struct vmn_policy *now = loosening_row_of(entry->cur);

    if (!loosening_is_enforced(before) && !loosening_is_enforced(now)) {
        return;
    }
    sset_add(&search->policies, entry->name);
    search->windows_differ |= (before && now && !(has_windows_of(before, now)
                                                  && has_windows_of(now,
                                                                    before)));
    if (loosening_is_enforced(before) && now && !loosening_is_enforced(now)) {
        loosening_put(search, "enforcement", VMN_TABLE_POLICY, entry->name,
                      "/spec/mode", "%s is not enforced any more: mode "
                      "enforce -> shadow",
                      txn_name(search->txn, VMN_TABLE_POLICY, entry->name));
    } else if (loosening_is_enforced(before) && !now && can_deny(before)) {
        loosening_put(search, "enforcement", VMN_TABLE_POLICY, entry->name,
                      NULL, "%s, which is enforced, is deleted",
                      txn_name(search->txn, VMN_TABLE_POLICY, entry->name));
    }
}

/* Returns how much of its network a port is separated from. */
static int
rank_of(enum vmn_isolation isolation)
{
    return isolation == VMN_ISOLATED ? 2 : isolation == VMN_COMMUNITY;
}

static enum vmn_isolation
isolation_of(const struct vmn_port *port, const struct vmn_network *network)
{
    return (!network || network->isolation == VMN_ISOLATION_NONE
            ? VMN_ISOLATION_NONE
            : port->isolation != VMN_ISOLATION_NONE ? port->isolation
            : network->isolation);
}

static void
find_port_isolation(struct search *search, const struct entry *entry,
                    const struct vmn_port *before,
                    const struct vmn_port *now)
{
    enum vmn_isolation was = isolation_of(before, judge_row(
        &search->judge, VMN_TABLE_NETWORK, before->network, BEFORE));
    enum vmn_isolation is = isolation_of(now, judge_row(
        &search->judge, VMN_TABLE_NETWORK, now->network, AFTER));

    if (rank_of(is) < rank_of(was)
        || (was == VMN_COMMUNITY && is == VMN_COMMUNITY
            && !nullable_string_is_equal(before->community,
                                         now->community))) {
        loosening_put(search, "isolation", VMN_TABLE_PORT, entry->name,
                      "/spec/isolation", "%s may talk with more ports of its "
                      "network: its \"isolation\" or \"community\" has "
                      "changed",
                      txn_name(search->txn, VMN_TABLE_PORT, entry->name));
    }
}

static bool
same_addresses(const struct vmn_port *a, const struct vmn_port *b)
{
    struct vmn_ip ip, other;
    size_t i = 0;

    while (judge_address(a, i, &ip)) {
        if (!judge_address(b, i++, &other)
            || memcmp(&ip, &other, sizeof ip)) {
            return false;
        }
    }
    return !judge_address(b, i, &other);
}

static void
find_port(struct search *search, const struct entry *entry)
{
    const struct vmn_port *before = loosening_row_of(entry->before);
    const struct vmn_port *now = loosening_row_of(entry->cur);

    if (!before || !now) {
        return;                 /* There is nothing to compare. */
    }
    if (strcmp(before->network, now->network)) {
        const char *to = txn_name(search->txn, VMN_TABLE_NETWORK,
                                  now->network);

        loosening_put(search, "exposure", VMN_TABLE_PORT, entry->name,
                      "/spec/network", "%s moves to %s, whose ports may reach "
                      "it", txn_name(search->txn, VMN_TABLE_PORT,
                                     entry->name), to);
    }
    find_port_isolation(search, entry, before, now);
    loosening_find_port_fields(search, before, now);
    if (before->quarantined != now->quarantined
        || !same_addresses(before, now)
        || strcmp(before->network, now->network)
        || !nullable_string_is_equal(before->parent, now->parent)
        || !schema_row_same_labels(&before->row, &now->row)) {
        struct vmn_names subs = model_lookup(
            search->txn->model, VMN_INDEX_PORT_BY_PARENT, entry->name);

        sset_add(&search->moved, entry->name);
        if (!same_addresses(before, now)) {
            sset_add(&search->readdressed, entry->name);
        }
        for (size_t i = 0; i < subs.n && judge_step(&search->judge, 1); i++) {
            sset_add(&search->moved, subs.names[i]);
        }
    }
}

static bool
same_names(const char *const *a, size_t n_a, const char *const *b, size_t n_b)
{
    bool same = n_a == n_b;

    for (size_t i = 0; i < n_a && same; i++) {
        same = !strcmp(a[i], b[i]);
    }
    return same;
}

static bool
same_prefixes(const struct vmn_prefix *a, size_t n_a,
              const struct vmn_prefix *b, size_t n_b)
{
    return n_a == n_b && (!n_a || !memcmp(a, b, n_a * sizeof *a));
}

void
loosening_add_missing(struct sset *to, const struct sset *names,
                      const struct sset *others)
{
    const char *name;

    SSET_FOR_EACH (name, names) {
        if (!sset_contains(others, name)) {
            sset_add(to, name);
        }
    }
}

/* Adds the ports that come into the group or leave it. */
static void
add_members(struct search *search, const char *name,
            const struct vmn_group *before, const struct vmn_group *now)
{
    const struct sset *was, *is;
    struct sset named[N_MOMENTS] = { SSET_INITIALIZER(&named[BEFORE]),
                                     SSET_INITIALIZER(&named[AFTER]) };
    bool same = (before && now
                 && nullable_string_is_equal(before->selector.text,
                                             now->selector.text)
                 && same_names(before->groups, before->n_groups, now->groups,
                               now->n_groups));

    if (same) {                 /* Those that it selects stay. */
        sset_add_array(&named[BEFORE], CONST_CAST(char **, before->ports),
                       before->n_ports);
        sset_add_array(&named[AFTER], CONST_CAST(char **, now->ports),
                       now->n_ports);
    }
    was = same ? &named[BEFORE] : judge_group_ports(&search->judge, name,
                                                    BEFORE);
    is = same ? &named[AFTER] : judge_group_ports(&search->judge, name, AFTER);
    loosening_add_missing(&search->moved, was, is);
    loosening_add_missing(&search->moved, is, was);
    sset_destroy(&named[BEFORE]);
    sset_destroy(&named[AFTER]);
}

void
loosening_add_users(struct search *search, enum vmn_table table,
                    const char *name, struct sset *to)
{
    const struct model *model = search->txn->model;
    struct vmn_names found = model_referrers(model, table, name,
                                             VMN_TABLE_POLICY);

    for (size_t i = 0; i < found.n && judge_step(&search->judge, 1); i++) {
        sset_add(to, found.names[i]);
    }
    found = model_referrers(model, table, name, VMN_TABLE_QUARANTINE);
    for (size_t i = 0; i < found.n && judge_step(&search->judge, 1); i++) {
        const struct vmn_quarantine *quarantine = judge_row(
            &search->judge, VMN_TABLE_QUARANTINE, found.names[i], AFTER);

        if (quarantine) {
            judge_add_selected(&search->judge, &quarantine->selector,
                               quarantine->ports, quarantine->n_ports, AFTER,
                               &search->subjects);
        }
    }
}

/* Adds the policies that name the group, or one that contains it. */
static void
add_group_users(struct search *search, const char *name)
{
    struct vmn_names outer = model_referrers(
        search->txn->model, VMN_TABLE_GROUP, name, VMN_TABLE_GROUP);

    loosening_add_users(search, VMN_TABLE_GROUP, name, &search->policies);
    for (size_t i = 0; i < outer.n && judge_step(&search->judge, 1); i++) {
        add_group_users(search, outer.names[i]);
    }
}

static void
find_group(struct search *search, const struct entry *entry)
{
    const struct vmn_group *before = loosening_row_of(entry->before);
    const struct vmn_group *now = loosening_row_of(entry->cur);

    add_members(search, entry->name, before, now);
    /* One that is new, or gone, is named by policies that have changed. */
    if (before && now
        && (!same_prefixes(before->cidrs, before->n_cidrs, now->cidrs,
                           now->n_cidrs)
            || !same_prefixes(before->except, before->n_except, now->except,
                              now->n_except)
            || !same_names(before->groups, before->n_groups, now->groups,
                           now->n_groups))) {
        add_group_users(search, entry->name);
    }
}

/* Adds the ports that the quarantine holds or has held: they may have left it,
 * or it may allow them more. */
static void
find_quarantine(struct search *search, const struct entry *entry)
{
    struct sset held = SSET_INITIALIZER(&held);
    const char *name;

    for (int at = BEFORE; at < N_MOMENTS; at++) {
        const struct vmn_quarantine *quarantine
            = loosening_row_of(at == BEFORE ? entry->before : entry->cur);

        /* A new one only closes, except by what it allows. */
        if (quarantine && (entry->before || quarantine->n_allow)) {
            judge_add_selected(&search->judge, &quarantine->selector,
                               quarantine->ports, quarantine->n_ports, at,
                               &held);
        }
    }
    SSET_FOR_EACH (name, &held) {
        sset_add(&search->moved, name);
        sset_add(&search->subjects, name);
    }
    sset_destroy(&held);
}

static void
find_service(struct search *search, const struct entry *entry)
{
    if (entry->before && entry->cur) { /* Else its users change, too. */
        loosening_add_users(search, VMN_TABLE_SERVICE, entry->name,
                            &search->policies);
    }
}

static void
find_tier(struct search *search, const struct entry *entry)
{
    const struct vmn_tier *before = loosening_row_of(entry->before);
    const struct vmn_tier *now = loosening_row_of(entry->cur);

    if (before && now && before->position != now->position) {
        loosening_add_users(search, VMN_TABLE_TIER, entry->name,
                            &search->policies);
    }
}

static void
find_network(struct search *search, const struct entry *entry)
{
    const struct vmn_network *before = loosening_row_of(entry->before);
    const struct vmn_network *now = loosening_row_of(entry->cur);

    if (!before || !now) {
        return;
    }
    if (before->default_action == VMN_DEFAULT_DENY
        && now->default_action != VMN_DEFAULT_DENY) {
        loosening_put(search, "isolation", VMN_TABLE_NETWORK, entry->name,
                      "/spec/default", "ports of %s that no policy isolates "
                      "are open: \"default\" deny -> allow",
                      txn_name(search->txn, VMN_TABLE_NETWORK, entry->name));
    }
    if (rank_of(now->isolation) < rank_of(before->isolation)) {
        loosening_put(search, "isolation", VMN_TABLE_NETWORK, entry->name,
                      "/spec/isolation", "ports of %s are not isolated from "
                      "each other any more",
                      txn_name(search->txn, VMN_TABLE_NETWORK, entry->name));
    }
    if (now->provider.physical
        && !(nullable_string_is_equal(before->provider.physical,
                                      now->provider.physical)
             && before->provider.vlan == now->provider.vlan)) {
        loosening_put(search, "exposure", VMN_TABLE_NETWORK, entry->name,
                      "/spec/provider", "%s is joined to physical network "
                      "\"%s\"", txn_name(search->txn, VMN_TABLE_NETWORK,
                                         entry->name),
                      now->provider.physical);
    }
}

typedef void find_cb(struct search *, const struct entry *);

/* By table: looks at a change of its rows. */
static find_cb *const finders[VMN_N_TABLES] = {
    [VMN_TABLE_NETWORK] = find_network, [VMN_TABLE_PORT] = find_port,
    [VMN_TABLE_GROUP] = find_group, [VMN_TABLE_SERVICE] = find_service,
    [VMN_TABLE_TIER] = find_tier, [VMN_TABLE_POLICY] = find_policy,
    [VMN_TABLE_QUARANTINE] = find_quarantine,
    [VMN_TABLE_ROUTER] = loosening_find_router,
    [VMN_TABLE_FLOATING_IP] = loosening_find_floating_ip,
    [VMN_TABLE_DNS_ZONE] = loosening_find_zone,
    [VMN_TABLE_APP] = loosening_find_app,
};

/* Tables whose new rows may open something. */
static const bool opens_as_new[VMN_N_TABLES] = {
    [VMN_TABLE_POLICY] = true, [VMN_TABLE_QUARANTINE] = true,
    [VMN_TABLE_ROUTER] = true, [VMN_TABLE_FLOATING_IP] = true,
    [VMN_TABLE_DNS_ZONE] = true,
};

bool
loosening_may(const struct entry *entry)
{
    const struct version *before = entry->before, *now = entry->cur;
    bool is_own = schema_is_own(entry->table);

    if ((!finders[entry->table] && !is_own) || !entry_is_changed(entry)
        || (!before && !opens_as_new[entry->table] && !is_own)) {
        return false;
    }
    return (!before || !now || !schema_row_same_meaning(before->row, now->row)
            || (entry->table == VMN_TABLE_PORT
                && !schema_row_same_labels(before->row, now->row)));
}

void
loosening_find_change(struct search *search, const struct entry *entry)
{
    if (schema_is_own(entry->table)) {
        loosening_find_object(search, entry);
    } else {
        finders[entry->table](search, entry);
    }
}
