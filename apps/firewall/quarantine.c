/* SPDX-License-Identifier: Apache-2.0
 *
 * Quarantine: which ports are cut off, by their own row or by quarantines, and
 * what these let through all the same.
 *
 * What cuts a port off is a part of its identity, as a group is.  So packets
 * of open connections are cut like any others, on each side where they are
 * judged, and nothing is left of it once a port is released. */

#include "firewall.h"

#include <string.h>

/* Prefixes in an identity's name, and in the value of VMN_QUERY_QUARANTINE. */
#define OWN_ROW "!quarantined"
#define QUARANTINE "!quarantined/"

/* Who is in.  ------------------------------------------------------------ */

void
eval_quarantine_selects(struct vmn_view *view, const char *key,
                        struct vmn_value *value)
{
    bool selects = vmn_lookup(view, VMN_INDEX_QUARANTINE_SELECTS, "").n > 0;

    vmn_value_set(value, &selects, sizeof selects);
}

static void
add_quarantine(struct vmn_view *view, struct names *names,
               const char *quarantine)
{
    names_add(view, names, vmn_printf(view, QUARANTINE "%s", quarantine));
}

/* Adds the quarantines at 'key' whose selectors match. */
static void
add_selecting(struct vmn_view *view, struct names *names, const char *key,
              const struct vmn_labels *labels)
{
    struct vmn_names found = vmn_lookup(view, VMN_INDEX_QUARANTINE_BY_ANCHOR,
                                        key);

    for (size_t i = 0; i < found.n; i++) {
        const struct vmn_quarantine *quarantine = vmn_read_quarantine(
            view, found.names[i]);

        if (quarantine && quarantine->selector.text
            && vmn_selector_matches(&quarantine->selector, labels)) {
            add_quarantine(view, names, found.names[i]);
        }
    }
}

/* Adds the quarantines that select the port.  Usually no quarantine has a
 * selector, and the port's labels need not become an input. */
static void
add_all_selecting(struct vmn_view *view, struct names *names,
                  const struct vmn_port *port)
{
    size_t size;
    const bool *selects = vmn_query(view, QUERY_SELECTS, "", &size);
    const struct vmn_labels *labels;

    if (!selects || !*selects) {
        return;
    }
    labels = vmn_labels_of(view, &port->row);
    add_selecting(view, names, "", labels);
    for (size_t i = 0; i < labels->n; i++) {
        const struct vmn_label *label = &labels->labels[i];

        add_selecting(view, names, label->key, labels);
        add_selecting(view, names,
                      vmn_printf(view, "%s=%s", label->key, label->value),
                      labels);
    }
}

/* Adds the quarantines of the port's parents: a quarantined VM interface
 * includes its sub-ports. */
static void
add_parents(struct vmn_view *view, struct names *names, const char *parent)
{
    size_t size;
    const char *text = vmn_query(view, VMN_QUERY_QUARANTINE, parent, &size);

    if (text) {
        char *rest = vmn_printf(view, "%s", text);
        const char *name;

        while ((name = list_next(&rest))) {
            names_add(view, names, name);
        }
    }
}

void
eval_quarantine(struct vmn_view *view, const char *key,
                struct vmn_value *value)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    struct names names = { 0, 0, NULL };
    struct vmn_names found;
    const char *text;

    if (!port) {
        return;
    }
    if (port->quarantined) {
        names_add(view, &names, OWN_ROW);
    }
    found = vmn_lookup(view, VMN_INDEX_QUARANTINE_BY_PORT, key);
    for (size_t i = 0; i < found.n; i++) {
        add_quarantine(view, &names, found.names[i]);
    }
    add_all_selecting(view, &names, port);
    if (port->parent) {
        add_parents(view, &names, port->parent);
    }
    names_sort(&names);
    if (names.n) {
        text = names_join(view, &names);
        vmn_value_set(value, text, strlen(text) + 1);
    }
}

void
quarantine_publish(struct vmn_view *view, struct vmn_emit *emit,
                   const char *list, const char *domain, const char *id)
{
    char *rest = vmn_printf(view, "%s", list);
    const char *name;

    vmn_publish(emit, REL_QUARANTINED, domain, id);
    while ((name = list_next(&rest))) {
        if (!strncmp(name, QUARANTINE, strlen(QUARANTINE))) {
            vmn_publish(emit, REL_QUARANTINE_IDS,
                        vmn_printf(view, "%s|%s", name + strlen(QUARANTINE),
                                   domain), id);
        }
    }
}

/* What becomes of them.  ------------------------------------------------- */

/* Compiles the drops for all quarantined identities of a domain. */
void
compile_quarantined(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    struct vmn_names ids = vmn_relation_values(view, REL_QUARANTINED, key);

    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        drop_identities(emit, ids, key, i,
                        policy_table(i, POSITION_QUARANTINE), "quarantined");
    }
}

/* Emits a rule of a quarantine.  What it allows is subject to no policy, since
 * a port's own policies may allow nobody. */
static void
emit_allowed(struct vmn_emit *emit, const char *domain,
             const struct rule_head *rule)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_domain(domain), STAGE_POLICY,
        policy_table(rule->direction, rule->position), rule->priority);

    vmn_match(flow, VMN_F_CONJ_ID, rule->conj);
    vmn_flow_count(flow);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_POLICY,
                 rule->direction == VMN_INGRESS ? POLICY_ACCEPT
                 : POLICY_INGRESS);
}

/* Compiles what a quarantine allows in a domain: "QUARANTINE|DOMAIN". */
void
compile_quarantine(struct vmn_view *view, const char *key,
                   struct vmn_emit *emit)
{
    struct policy_ctx ctx = { .view = view, .emit = emit };
    struct service_set named = { .anything = false };
    const struct vmn_quarantine *quarantine;
    const char *name, *p, *end;
    struct service_block *blocks;
    struct vmn_names ids;
    size_t size, n;

    if (!vmn_key_split_two(view, key, &name, &ctx.domain)
        || !(quarantine = vmn_read_quarantine(view, name))) {
        return;
    }
    ctx.zone = vmn_domain_zone(view, ctx.domain);
    ids = vmn_relation_values(view, REL_QUARANTINE_IDS, key);
    for (size_t i = 0; i < ids.n; i++) {
        uint32_t id;

        if (id_from_text(ids.names[i], &id)) {
            ids_add(view, &ctx.own, id);
        }
    }
    p = rules_pack_allowed(view, quarantine, ctx.domain, &size);
    for (end = p + size; p < end; ) {
        struct rule rule;

        p = (const char *) rule_read(p, &rule);
        emit_rule(&ctx, &rule);
        emit_allowed(emit, ctx.domain, rule.head);
        service_blocks_add(view, &named, &rule);
    }
    blocks = service_blocks(view, &named, &n);
    service_blocks_publish(view, emit, ctx.domain, blocks, n);
}

int
allowed_index(struct vmn_view *view, const char *key, uint32_t conj)
{
    const struct vmn_quarantine *quarantine;
    const char *name, *domain, *p, *end;
    struct rule rule;
    size_t size;

    if (!vmn_key_split_two(view, key, &name, &domain)
        || !(quarantine = vmn_read_quarantine(view, name))) {
        return -1;
    }
    p = rules_pack_allowed(view, quarantine, domain, &size);
    end = p + size;
    for (int i = 0; p < end; i++) {
        p = (const char *) rule_read(p, &rule);
        if (rule.head->conj == conj) {
            return i;
        }
    }
    return -1;
}
