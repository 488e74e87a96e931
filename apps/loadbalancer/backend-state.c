/* SPDX-License-Identifier: Apache-2.0
 *
 * The query: which ports are a balancer's backends, and what each does by now.
 * Everybody who asks goes by this, flows, probes and people. */

#include "loadbalancer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than there are slots. */
#define MEMBERS_MAX 1024

/* Members are compared by their bytes, so there must be no padding. */
_Static_assert(sizeof(struct vmn_lb_member)
               == 4 * (VMN_NAME_LEN + 1) + 3 * sizeof(uint32_t)
                  + sizeof(struct vmn_ip) + 2 * sizeof(struct vmn_mac)
                  + 3 * sizeof(bool), "padding");

struct members {
    struct vmn_view *view;
    const struct vmn_loadbalancer *lb;
    size_t n, allocated;
    struct vmn_lb_member *members;
};

uint32_t
backend_number(struct vmn_view *view, const char *balancer, const char *port)
{
    return vmn_id_of(view, ID_POOL_BACKEND,
                     vmn_printf(view, "%s|%s", balancer, port));
}

const struct vmn_lb_member *
members_of(struct vmn_view *view, const char *balancer, size_t *n)
{
    size_t size = 0;
    const struct vmn_lb_members *members = vmn_query(view, VMN_QUERY_BACKENDS,
                                                     balancer, &size);

    *n = members ? members->n : 0;
    return members ? vmn_lb_member_at(members, 0) : NULL;
}

/* Who may be one.  ------------------------------------------------------- */

/* Returns the balancer's entry that names the port, or NULL.  A port that is
 * named has the weight that is given there, even if that is none. */
static const struct vmn_backend *
find_named(const struct vmn_loadbalancer *lb, const char *port)
{
    for (size_t i = 0; i < lb->n_backends; i++) {
        if (!strcmp(vmn_backend_at(lb, i)->port, port)) {
            return vmn_backend_at(lb, i);
        }
    }
    return NULL;
}

/* Returns the first address of 'family', by which the port serves, or NULL. */
static const struct vmn_ip *
serving_ip(const struct vmn_port *port, unsigned family)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (port->ips[i].family == family) {
            return &port->ips[i];
        }
    }
    return NULL;
}

/* Returns why the port cannot serve, or NULL. */
static const char *
why_idle(struct vmn_view *view, const struct vmn_port *port,
         const struct vmn_binding *binding, const struct vmn_ip *ip)
{
    return !ip ? "it has no address of the virtual IP's family"
           : !port->enabled ? "it is not enabled"
           : vmn_is_quarantined(view, port) ? "it is quarantined"
           : !binding || !binding->host ? "it is not bound to a host"
           : NULL;
}

static void
set_text(char dst[VMN_NAME_LEN + 1], const char *text)
{
    snprintf(dst, VMN_NAME_LEN + 1, "%s", text);
}

/* Returns true if the member's host is in maintenance. */
static bool
leaves_host(struct vmn_view *view, const struct vmn_lb_member *member)
{
    const struct vmn_host *host
        = member->host[0] ? vmn_read_host(view, member->host) : NULL;

    return host && host->maintenance;
}

/* Sets the state of a port that could serve, and that drains if it has to
 * leave its host, or by request. */
static void
set_state(struct vmn_view *view, const struct vmn_loadbalancer *lb,
          const struct vmn_backend *named, bool leaves,
          struct vmn_lb_member *member)
{
    const struct vmn_health *health = vmn_read_health(view, lb->row.name,
                                                      member->port);
    bool is_down = health && health->state == VMN_HEALTH_DOWN
                   && lb->health.type;
    bool asked = named && named->drain;
    const char *why = "";

    member->state = VMN_LB_SERVING;
    member->drains = false;
    member->probed = lb->health.type;
    member->keeps = !(is_down && lb->when_down == VMN_DOWN_CUT);
    if (asked || leaves) {
        bool is_over = health && health->state == VMN_HEALTH_DRAINED;

        member->state = is_over ? VMN_LB_DRAINED : VMN_LB_DRAINING;
        member->drains = !is_over;
        member->probed = false;
        member->keeps = !is_over;
        why = is_over ? "it is drained"
              : asked ? "it is draining"
              : "it is draining: its host is in maintenance";
    } else if (!member->weight) {
        member->state = VMN_LB_IDLE;
        why = "its weight is 0";
    } else if (is_down) {
        member->state = VMN_LB_DOWN;
        why = "it fails its probes";
    } else if (lb->health.type
               && !(health && health->state == VMN_HEALTH_UP)) {
        member->state = VMN_LB_CHECKING;
        why = "it has not answered a probe yet";
    } else if (named && named->standby) {
        member->state = VMN_LB_STANDBY;
        why = "it is a standby";
    }
    set_text(member->reason, why);
}

/* Adds port 'name', if it is in one of the balancer's networks. */
static void
add(struct members *list, const char *name)
{
    const struct vmn_loadbalancer *lb = list->lb;
    const struct vmn_port *port = vmn_read_port(list->view, name);
    const struct vmn_backend *named = find_named(lb, name);
    const struct vmn_binding *binding;
    struct vmn_lb_member *member;
    const struct vmn_ip *ip;
    const char *why;

    if (!port || !vmn_lb_is_offered_in(lb, port->network)
        || list->n >= MEMBERS_MAX) {
        return;
    }
    if (list->n >= list->allocated) {
        struct vmn_lb_member *bigger;

        list->allocated = list->allocated ? 2 * list->allocated : 8;
        bigger = vmn_alloc(list->view, list->allocated * sizeof *bigger);
        if (list->n) {
            memcpy(bigger, list->members, list->n * sizeof *bigger);
        }
        list->members = bigger;
    }
    member = &list->members[list->n++];
    binding = vmn_read_binding(list->view, name);
    ip = serving_ip(port, lb->vip.family);
    set_text(member->port, name);
    set_text(member->network, port->network);
    set_text(member->host, binding && binding->host ? binding->host : "");
    member->weight = named ? named->weight : 1;
    member->part = VMN_LB_PART_BACKENDS
                   + backend_number(list->view, lb->row.name, name);
    member->mac = port->mac;
    member->vip_mac = vip_mac(&lb->vip);
    if (ip) {
        member->ip = *ip;
    }
    why = why_idle(list->view, port, binding, ip);
    if (why) {
        /* A VM that migrates may be bound nowhere for a moment. */
        member->keeps = ip && port->enabled
                        && !vmn_is_quarantined(list->view, port);
        member->state = VMN_LB_IDLE;
        member->drains = named && named->drain;
        set_text(member->reason, why);
    } else {
        set_state(list->view, lb, named, leaves_host(list->view, member),
                  member);
    }
}

/* Returns a key of the label index at which all ports are that 'selector' may
 * match. */
static const char *
selector_key(struct vmn_view *view, const struct vmn_selector *selector)
{
    const char *key = "";

    for (size_t i = 0; i < selector->n_terms; i++) {
        const struct vmn_selector_term *term
            = vmn_selector_term_at(selector, i);

        if (term->op == VMN_SEL_IN && term->n_values == 1) {
            return vmn_printf(view, "%s=%s", term->key, term->values[0]);
        } else if (term->op == VMN_SEL_IN || term->op == VMN_SEL_EXISTS) {
            key = term->key;
        }
    }
    return key;
}

static void
add_selected(struct members *list)
{
    const struct vmn_selector *selector = &list->lb->selector;
    struct vmn_names names = vmn_lookup(
        list->view, VMN_INDEX_PORT_BY_LABEL,
        selector_key(list->view, selector));

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_port *port = vmn_read_port(list->view,
                                                    names.names[i]);

        if (port && vmn_selector_matches(selector,
                                         vmn_labels_of(list->view,
                                                       &port->row))
            && !find_named(list->lb, names.names[i])) {
            add(list, names.names[i]);
        }
    }
}

/* Standbys.  ------------------------------------------------------------- */

static bool
same_domain(struct vmn_view *view, const struct vmn_lb_member *a,
            const struct vmn_lb_member *b)
{
    return !strcmp(a->network, b->network)
           || !strcmp(vmn_domain_of(view, a->network),
                      vmn_domain_of(view, b->network));
}

/* Has standbys serve if fewer others do than the balancer requires, among
 * those that its clients can reach. */
static void
activate_standbys(struct members *list)
{
    const struct vmn_loadbalancer *lb = list->lb;

    for (size_t i = 0; i < list->n; i++) {
        struct vmn_lb_member *member = &list->members[i];
        size_t n_others = 0;

        if (member->state != VMN_LB_STANDBY) {
            continue;
        }
        for (size_t j = 0; j < list->n; j++) {
            const struct vmn_backend *named = find_named(
                lb, list->members[j].port);

            n_others += list->members[j].state == VMN_LB_SERVING
                        && !(named && named->standby)
                        && same_domain(list->view, member,
                                       &list->members[j]);
        }
        if (n_others < lb->min_serving) {
            member->state = VMN_LB_SERVING;
            set_text(member->reason, "");
        }
    }
}

/* Nothing is known.  ----------------------------------------------------- */

/* Returns true if the member waits for its first probe, and would serve after
 * that. */
static bool
is_unjudged(const struct members *list, const struct vmn_lb_member *member)
{
    const struct vmn_backend *named = find_named(list->lb, member->port);

    return (member->state == VMN_LB_CHECKING && !(named && named->standby));
}

/* Has members that no probe has judged yet serve where no other member does,
 * nor a fallback: otherwise a change of all backends would be an outage. */
static void
assume_up(struct members *list)
{
    bool *alone = vmn_alloc(list->view, list->n * sizeof *alone);

    for (size_t i = 0; i < list->n && !list->lb->fallback; i++) {
        alone[i] = is_unjudged(list, &list->members[i]);
        for (size_t j = 0; j < list->n && alone[i]; j++) {
            alone[i] = (list->members[j].state != VMN_LB_SERVING
                        || !same_domain(list->view, &list->members[i],
                                        &list->members[j]));
        }
    }
    for (size_t i = 0; i < list->n; i++) {
        if (alone[i]) {
            list->members[i].state = VMN_LB_SERVING;
            set_text(list->members[i].reason, "");
        }
    }
}

/* Maintenance.  ---------------------------------------------------------- */

/* Returns true if a member serves whom the clients of 'member' can reach: with
 * locality "require" one of the same host. */
static bool
is_replaced(const struct members *list, const struct vmn_lb_member *member)
{
    bool local = list->lb->locality == VMN_LOCALITY_REQUIRE;

    for (size_t i = 0; i < list->n; i++) {
        const struct vmn_lb_member *other = &list->members[i];

        if (other->state == VMN_LB_SERVING
            && (!local || !strcmp(other->host, member->host))
            && same_domain(list->view, member, other)) {
            return true;
        }
    }
    return false;
}

/* Has members on hosts in maintenance go on serving where nobody else does. */
static void
keep_last(struct members *list)
{
    bool *last = vmn_alloc(list->view, list->n * sizeof *last);

    for (size_t i = 0; i < list->n; i++) {
        const struct vmn_lb_member *member = &list->members[i];
        const struct vmn_backend *named = find_named(list->lb, member->port);

        last[i] = ((member->state == VMN_LB_DRAINING
                    || member->state == VMN_LB_DRAINED)
                   && !(named && named->drain)
                   && !is_replaced(list, member));
    }
    for (size_t i = 0; i < list->n; i++) {
        struct vmn_lb_member *member = &list->members[i];

        if (last[i]) {
            set_state(list->view, list->lb,
                      find_named(list->lb, member->port), false, member);
        }
    }
}

static int
compare_members(const void *a_, const void *b_)
{
    const struct vmn_lb_member *a = a_;
    const struct vmn_lb_member *b = b_;

    return strcmp(a->port, b->port);
}

static void
set_value(const struct members *list, struct vmn_value *value)
{
    size_t size = list->n * sizeof *list->members;
    struct vmn_lb_members *members = vmn_alloc(list->view,
                                               sizeof *members + size);

    members->n = list->n;
    members->size = sizeof *list->members;
    memcpy(members + 1, list->members, size);
    vmn_value_set(value, members, sizeof *members + size);
}

void
eval_backends(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    struct members list = {
        .view = view,
        .lb = vmn_read_loadbalancer(view, key),
    };

    if (!list.lb) {
        return;
    }
    for (size_t i = 0; i < list.lb->n_backends; i++) {
        add(&list, vmn_backend_at(list.lb, i)->port);
    }
    if (list.lb->selector.text) {
        add_selected(&list);
    }
    if (list.n) {
        qsort(list.members, list.n, sizeof *list.members, compare_members);
        activate_standbys(&list);
        keep_last(&list);
        activate_standbys(&list);   /* One may be the last. */
        assume_up(&list);
        set_value(&list, value);
    }
}
