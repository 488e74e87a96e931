/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections that policies denied before a request and allow after it.
 *
 * Of ports that nothing tells apart one is looked at.  Its peers are those
 * that rules name: ports of groups, again one of each kind, the ends of
 * prefixes, names in DNS, and an address that no rule names.  Services are
 * cut at the ports where a rule begins or ends, so each piece has one verdict.
 * Where a port has left isolation or quarantine, that was said already. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/alike-ports.h"
#include "controller/model/loosened-services.h"
#include "controller/model/loosening-private.h"
#include "controller/model/txn.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Most peers, and prefixes, that are looked at for a port. */
#define PEERS_MAX 1000

/* A prefix of rules. */
struct study_prefix {
    struct vmn_prefix prefix;
    bool is_shown;              /* In a rule that the client sees. */
};

/* Text for the addresses of rules that the client does not see, and for an
 * address that no rule has. */
static const char other_addresses[] = "other addresses";

/* What the studies of all ports share. */
struct shared {
    struct search *search;
    struct alike_ports moved;
    struct shash groups[N_MOMENTS + 1]; /* Of struct alike_ports: those of a
                                         * group (judge_group_moment()). */
};

/* A port whose connections are compared in one direction. */
struct study {
    struct search *search;
    struct shared *shared;
    const struct judged_port *port;
    const struct alike *own;    /* With the port. */
    struct svec others;         /* Those of 'own' that are peers of the
                                 * port. */
    enum vmn_direction direction;
    bool is_moved;
    struct services services;
    size_t n_peers, allocated_peers;
    struct judged_peer *peers;
    size_t n_prefixes, allocated_prefixes;
    struct study_prefix *prefixes; /* Each once. */
    bool is_shown;              /* The client sees the rule that is read. */
    struct sset added;          /* Keys of ports that are peers already. */
    bool has_windows;
    bool has_addresses;         /* Rules tell ports apart by these. */
};

/* Rules.  ----------------------------------------------------------------- */

/* Returns the ports of the group. */
static const struct alike_ports *
alike_ports_of_group(struct shared *shared, const char *name, enum moment at)
{
    struct shash *known
        = &shared->groups[judge_group_moment(&shared->search->judge, at)];
    struct alike_ports *ports = shash_find_data(known, name);

    if (!ports) {
        ports = xmalloc(sizeof *ports);
        shash_add(known, name, ports);
        alike_ports_init(ports, shared->search,
                         judge_group_ports(&shared->search->judge, name,
                                           at));
    }
    return ports;
}

/* Returns true if the group, or one inside, has addresses. */
static bool
has_cidrs(struct study *study, const char *name, enum moment at)
{
    const struct vmn_group *group = judge_row(&study->search->judge,
                                              VMN_TABLE_GROUP, name, at);
    bool has = (group && judge_step(&study->search->judge, 1)
                && group->n_cidrs);

    for (size_t i = 0; group && i < group->n_groups && !has; i++) {
        has = has_cidrs(study, group->groups[i], at);
    }
    return has;
}

/* Notes where a rule cuts services, and what else it tells apart. */
static void
cut_rule(struct study *study, const struct vmn_rule *rule, enum moment at)
{
    study->has_windows |= rule->n_windows > 0;
    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct vmn_peer *peer = vmn_peer_at(rule, i);

        study->has_addresses |= (peer->group
                                 ? has_cidrs(study, peer->group, at)
                                 : !peer->fqdn);
    }
    for (size_t i = 0; i < rule->n_services
         && judge_step(&study->search->judge, 1); i++) {
        const struct vmn_rule_service *use = vmn_rule_service_at(rule, i);
        const struct vmn_service *named
            = (use->service ? judge_row(&study->search->judge,
                                        VMN_TABLE_SERVICE, use->service, at)
               : NULL);

        if (!use->service) {
            services_cut(&study->services, &use->inline_entry);
        }
        for (size_t j = 0; named && j < named->n_entries; j++) {
            services_cut(&study->services, vmn_service_entry_at(named, j));
        }
    }
}

/* Peers.  ----------------------------------------------------------------- */

static void
add_peer(struct study *study, struct judged_peer peer)
{
    if (study->n_peers >= PEERS_MAX) {
        study->search->judge.is_partial = true;
        return;
    }
    if (study->n_peers >= study->allocated_peers) {
        study->peers = x2nrealloc(study->peers, &study->allocated_peers,
                                  sizeof *study->peers);
    }
    study->peers[study->n_peers++] = peer;
}

/* Adds the port with its addresses: the first of each family, or all, if rules
 * tell them apart. */
static void
add_port_peers(struct study *study, const struct judged_port *port,
               const struct svec *alike)
{
    const struct vmn_port *row = port->row[AFTER];
    unsigned families = 0;      /* Bits. */
    struct vmn_ip ip;

    for (size_t i = 0; judge_address(row, i, &ip); i++) {
        unsigned bit = 1u << ip.family;

        if (study->has_addresses || !(families & bit)) {
            add_peer(study, (struct judged_peer) {
                .port = port, .alike = alike, .ip = ip });
        }
        families |= bit;
    }
    if (!families) {
        add_peer(study, (struct judged_peer) { .port = port,
                                               .alike = alike });
    }
}

/* Adds the ports, which were there before, and are, unless they are peers
 * already. */
static void
add_alike(struct study *study, const struct alike *alike)
{
    struct judge *judge = &study->search->judge;
    const struct svec *names = &alike->names;

    if (!judge_step(judge, 1) || !sset_add(&study->added, alike->key)) {
        return;
    }
    if (!strcmp(alike->key, study->own->key)) {
        for (size_t i = 0; i < names->n; i++) {
            if (strcmp(names->names[i], study->port->name)) {
                svec_add(&study->others, names->names[i]);
            }
        }
        names = &study->others;
    }
    for (size_t i = 0; i < names->n && (!i || study->has_addresses)
         && judge_step(judge, 1); i++) {
        const struct judged_port *port = judge_port(judge, names->names[i]);

        if (port) {
            add_port_peers(study, port, study->has_addresses ? NULL : names);
        }
    }
}

static void
add_alike_ports(struct study *study, const struct alike_ports *ports)
{
    for (size_t i = 0; i < ports->n && study->search->judge.steps; i++) {
        add_alike(study, ports->all[i]);
    }
}

static void
add_prefix(struct study *study, const struct vmn_prefix *prefix)
{
    for (size_t i = 0; i < study->n_prefixes; i++) {
        struct study_prefix *known = &study->prefixes[i];

        if (!memcmp(&known->prefix, prefix, sizeof *prefix)) {
            known->is_shown |= study->is_shown;
            return;
        }
    }
    if (study->n_prefixes >= PEERS_MAX
        || !judge_step(&study->search->judge, 1 + study->n_prefixes)) {
        study->search->judge.is_partial = true;
        return;
    }
    if (study->n_prefixes >= study->allocated_prefixes) {
        study->prefixes = x2nrealloc(study->prefixes,
                                     &study->allocated_prefixes,
                                     sizeof *study->prefixes);
    }
    study->prefixes[study->n_prefixes++] = (struct study_prefix) {
        *prefix, study->is_shown };
}

/* Returns the address after those of the prefix; family 0: there is none. */
static struct vmn_ip
address_after(const struct vmn_prefix *prefix)
{
    struct vmn_ip ip = prefix->ip;
    unsigned bit = prefix->len;

    /* Adds 1 to the bits of the prefix. */
    while (bit) {
        uint8_t mask = 0x80 >> --bit % 8;

        ip.addr[bit / 8] ^= mask;
        if (ip.addr[bit / 8] & mask) {
            return ip;
        }
    }
    return (struct vmn_ip) { .family = 0 };
}

/* Adds an address that is the first of those which rules do not tell apart,
 * if a prefix contains it. */
static void
add_address(struct study *study, const struct vmn_ip *ip)
{
    const struct vmn_prefix *narrowest = NULL;
    char buf[VALUE_PREFIX_SIZE];
    bool any = false;

    for (size_t i = 0; i < study->n_prefixes; i++) {
        const struct vmn_prefix *prefix = &study->prefixes[i].prefix;

        if (prefix->ip.family == ip->family
            && vmn_prefix_contains(prefix, ip)) {
            any = true;
            if (study->prefixes[i].is_shown
                && (!narrowest || prefix->len > narrowest->len)) {
                narrowest = prefix;
            }
        }
    }
    if (any && judge_step(&study->search->judge, study->n_prefixes)) {
        add_peer(study, (struct judged_peer) {
            .ip = *ip, .text = (narrowest ? arena_printf(
                &study->search->found->arena, "addresses of %s",
                value_format_prefix(narrowest, buf)) : other_addresses) });
    }
}

/* Adds an address of each part into which the prefixes divide all. */
static void
add_parts(struct study *study)
{
    for (size_t i = 0; i < study->n_prefixes; i++) {
        const struct vmn_prefix *prefix = &study->prefixes[i].prefix;
        struct vmn_ip after = address_after(prefix);

        add_address(study, &prefix->ip);
        if (after.family) {
            add_address(study, &after);
        }
    }
}

static void
add_prefixes(struct study *study, const struct vmn_prefix *prefixes, size_t n)
{
    for (size_t i = 0; i < n && judge_step(&study->search->judge, 1); i++) {
        add_prefix(study, &prefixes[i]);
    }
}

/* Adds the addresses of a group, and of those inside. */
static void
add_addresses(struct study *study, const char *name, enum moment at)
{
    const struct vmn_group *group = judge_row(&study->search->judge,
                                              VMN_TABLE_GROUP, name, at);

    if (group && judge_step(&study->search->judge, 1)) {
        add_prefixes(study, group->cidrs, group->n_cidrs);
        add_prefixes(study, group->except, group->n_except);
        for (size_t i = 0; i < group->n_groups; i++) {
            add_addresses(study, group->groups[i], at);
        }
    }
}

static void
add_rule_peers(struct study *study, const struct vmn_rule *rule,
               enum moment at)
{
    struct judge *judge = &study->search->judge;

    for (size_t i = 0; i < rule->n_peers && judge_step(judge, 1); i++) {
        const struct vmn_peer *peer = vmn_peer_at(rule, i);

        if (peer->fqdn) {
            add_peer(study, (struct judged_peer) {
                .fqdn = peer->fqdn,
                .text = study->is_shown ? peer->fqdn : other_addresses });
        } else if (peer->group) {
            add_alike_ports(study, alike_ports_of_group(study->shared,
                                                        peer->group, at));
            add_addresses(study, peer->group, at);
        } else {
            add_prefix(study, &peer->cidr);
            add_prefixes(study, peer->except, peer->n_except);
        }
    }
}

/* Returns true if more than groups of moved ports may differ for the port. */
static bool
is_rejudged(const struct study *study)
{
    const struct search *search = study->search;

    for (int at = BEFORE; at < N_MOMENTS; at++) {
        const struct placed_rules *rules
            = &study->port->kind->rules[at][study->direction];

        for (size_t i = 0; i < rules->n; i++) {
            if (sset_contains(&search->policies,
                              rules->rules[i].policy->row.name)) {
                return true;
            }
        }
    }
    return study->is_moved;
}

typedef void rule_cb(struct study *, const struct vmn_rule *, enum moment);

/* Calls 'cb' for the port's rules in the direction. */
static void
each_rule(struct study *study, const struct judged_port *port,
          enum vmn_direction direction, enum moment at, rule_cb *cb)
{
    const struct placed_rules *rules = &port->kind->rules[at][direction];

    for (size_t i = 0; i < rules->n; i++) {
        study->is_shown = txn_shows(study->search->txn, VMN_TABLE_POLICY,
                                    rules->rules[i].policy->row.name);
        cb(study, rules->rules[i].rule, at);
    }
}

/* Calls 'cb' for what quarantines of the port allow. */
static void
each_allowed(struct study *study, const struct judged_port *port,
             enum moment at, rule_cb *cb)
{
    const char *name;

    SSET_FOR_EACH (name, &port->kind->quarantines[at]) {
        const struct vmn_quarantine *quarantine = judge_row(
            &study->search->judge, VMN_TABLE_QUARANTINE, name, at);

        study->is_shown = txn_shows(study->search->txn, VMN_TABLE_QUARANTINE,
                                    name);
        for (size_t i = 0; quarantine && i < quarantine->n_allow; i++) {
            cb(study, vmn_quarantine_rule_at(quarantine, i), at);
        }
    }
}

/* Cuts services where rules of the peers do, which may deny the rest. */
static void
cut_peers(struct study *study)
{
    enum vmn_direction back = (study->direction == VMN_INGRESS ? VMN_EGRESS
                               : VMN_INGRESS);

    for (size_t i = 0; i < study->n_peers; i++) {
        const struct judged_port *port = study->peers[i].port;

        if (port) {
            each_rule(study, port, back, AFTER, cut_rule);
            each_allowed(study, port, AFTER, cut_rule);
        }
    }
}

/* Cuts services where any rule of the port does, and adds the peers: of all
 * rules, as one for everyone may come before one for a group, or, if only
 * moved ports may differ, these alone. */
static void
read_rules(struct study *study)
{
    const struct judged_port *port = study->port;
    bool all = is_rejudged(study);

    for (int at = BEFORE; at < N_MOMENTS; at++) {
        each_rule(study, port, study->direction, at, cut_rule);
        each_allowed(study, port, at, cut_rule);
    }
    for (int at = BEFORE; at < N_MOMENTS; at++) {
        if (all) {
            each_rule(study, port, study->direction, at, add_rule_peers);
        }
        each_allowed(study, port, at, add_rule_peers);
    }
    add_alike_ports(study, &study->shared->moved);
    add_parts(study);
    add_peer(study, (struct judged_peer) { .text = other_addresses });
    cut_peers(study);
}

/* Verdicts.  -------------------------------------------------------------- */

/* What allows connections with a peer. */
struct access {
    const struct placed_rule *by; /* The first rule that does, or NULL. */
    bool is_hidden;             /* A policy or a quarantine that the client
                                 * does not see allows some, or denied them. */
};

/* Returns true if rules of the peer let it connect with the port, by any of
 * its addresses. */
static bool
allows_port(const struct study *study, const struct judged_port *port,
            const struct judged_peer *peer,
            const struct judged_service *service, enum judged_windows windows)
{
    enum vmn_direction back = (study->direction == VMN_INGRESS ? VMN_EGRESS
                               : VMN_INGRESS);
    const struct vmn_port *row = port->row[AFTER];
    struct judged_peer self = { .port = port };
    const struct placed_rule *by;
    bool allows = false;
    struct vmn_ip ip;

    for (size_t i = 0; !allows && judge_address(row, i, &ip); i++) {
        if (ip.family == peer->ip.family) {
            self.ip = ip;
            allows = judge_allows(&study->search->judge, peer->port, AFTER,
                                  back, &self, service, windows, &by);
        }
    }
    return (allows
            || (!self.ip.family
                && judge_allows(&study->search->judge, peer->port, AFTER,
                                back, &self, service, windows, &by)));
}

/* Returns true if rules of the peer let it connect with one of the ports of
 * the kind: rules may tell these apart by their addresses. */
static bool
allows_one(const struct study *study, const struct judged_peer *peer,
           const struct judged_service *service, enum judged_windows windows)
{
    bool allows = allows_port(study, study->port, peer, service, windows);

    for (size_t i = 0; i < study->own->names.n && !allows
         && study->has_addresses; i++) {
        const struct judged_port *port = judge_port(
            &study->search->judge, study->own->names.names[i]);

        allows = port && allows_port(study, port, peer, service, windows);
    }
    return allows;
}

/* Returns true if the connection was allowed for one of the peer's former
 * addresses: rules may allow a new address already.  '*by' is the last rule
 * that decided, or NULL. */
static bool
was_allowed(const struct study *study, const struct judged_peer *peer,
            const struct judged_service *service, enum judged_windows windows,
            const struct placed_rule **by)
{
    struct judge *judge = &study->search->judge;
    const struct vmn_port *row = peer->port ? peer->port->row[BEFORE] : NULL;
    struct judged_peer former = *peer;
    bool any = false;

    if (!peer->port || !sset_contains(&study->search->moved,
                                      peer->port->name)) {
        return judge_allows(judge, study->port, BEFORE, study->direction,
                            peer, service, windows, by);
    }
    for (size_t i = 0; judge_address(row, i, &former.ip); i++) {
        if (former.ip.family != peer->ip.family) {
            continue;
        }
        if (i >= row->n_ips
            && vmn_prefix_contains(&vmn_address_pair_at(
                   row, i - row->n_ips)->ip, &peer->ip)) {
            former.ip = peer->ip;
        }
        if (judge_allows(judge, study->port, BEFORE, study->direction,
                         &former, service, windows, by)) {
            return true;
        }
        any = true;
    }
    former.ip = (struct vmn_ip) { .family = 0 };
    return !any && judge_allows(judge, study->port, BEFORE, study->direction,
                                &former, service, windows, by);
}

/* Returns true if the connection was denied, by rule '*denied', and is
 * allowed, by rule '*by'; either may be NULL. */
static bool
is_loosened(const struct study *study, const struct judged_peer *peer,
            const struct piece *piece, enum judged_windows windows,
            const struct placed_rule **by, const struct placed_rule **denied)
{
    const struct judged_service service = { piece->protocol, piece->first };

    return (judge_allows(&study->search->judge, study->port, AFTER,
                         study->direction, peer, &service, windows, by)
            && !was_allowed(study, peer, &service, windows, denied)
            && (!peer->port
                || allows_one(study, peer, &service, windows)));
}

/* Returns true if the client sees the rule's policy, or there is no rule and
 * the quarantines of the port at that time have no part in it. */
static bool
shows_rule(const struct study *study, const struct placed_rule *rule,
           enum moment at)
{
    return (rule ? txn_shows(study->search->txn, VMN_TABLE_POLICY,
                             rule->policy->row.name)
            : !study->port->kind->is_quarantined[at]);
}

/* Adds that the connections with the peer are loosened; without the names of
 * the peer and the services if the client does not see their rules. */
static void
put_access(struct study *study, const struct judged_peer *peer,
           const char *services, const struct access *access)
{
    struct ds self = DS_EMPTY_INITIALIZER, other = DS_EMPTY_INITIALIZER;
    struct search *search = study->search;
    bool in = study->direction == VMN_INGRESS;

    loosening_put_ports(search, &study->own->names, &self);
    if (access->is_hidden) {
        loosening_put(search, "access", VMN_TABLE_POLICY, NULL, NULL,
                      "%s may %s what was denied", ds_cstr(&self),
                      in ? "be reached by" : "reach");
    } else {
        if (peer->port) {
            char *name = peer->port->name;

            loosening_put_ports(search, peer->alike ? peer->alike
                                : &(struct svec) { &name, 1, 1 }, &other);
        } else {
            ds_put_cstr(&other, peer->text);
        }
        loosening_put(search, "access", VMN_TABLE_POLICY,
                      access->by ? access->by->policy->row.name : NULL, NULL,
                      "%s may reach %s on %s, which was denied",
                      ds_cstr(in ? &other : &self),
                      ds_cstr(in ? &self : &other), services);
    }
    ds_destroy(&other);
    ds_destroy(&self);
}

/* Adds the connections with one peer that are loosened. */
static void
compare_peer(struct study *study, const struct judged_peer *peer)
{
    enum judged_windows last = (study->search->windows_differ ? WINDOWS_WORST
                                : study->has_windows ? WINDOWS_CLOSED
                                : WINDOWS_OPEN);
    const struct model_rights *rights = study->search->txn->request->rights;
    bool is_scoped = rights && rights->scope.text;
    struct access access = { NULL, false };
    struct ds text = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < study->services.n_pieces; i++) {
        struct piece *piece = &study->services.pieces[i];

        piece->is_loosened = false;
        for (int w = WINDOWS_OPEN; w <= (int) last && !piece->is_loosened;
             w++) {
            const struct placed_rule *by, *denied;

            piece->is_loosened = (judge_step(&study->search->judge, 1)
                                  && is_loosened(study, peer, piece, w, &by,
                                                 &denied));
            if (piece->is_loosened) {
                access.by = access.by ? access.by : by;
                access.is_hidden |= (is_scoped
                                     && !(shows_rule(study, by, AFTER)
                                          && shows_rule(study, denied,
                                                        BEFORE)));
            }
        }
    }
    services_put(&study->services, &text);
    if (text.length && study->search->judge.steps) {
        put_access(study, peer, ds_cstr(&text), &access);
    }
    ds_destroy(&text);
}

/* All ports.  ------------------------------------------------------------- */

static void
study_uninit(struct study *study)
{
    svec_destroy(&study->others);
    sset_destroy(&study->added);
    free(study->prefixes);
    free(study->peers);
    services_uninit(&study->services);
}

/* Compares what becomes of connections of the first of the ports. */
static void
compare_direction(struct shared *shared, const struct alike *alike,
                  const struct judged_port *port,
                  enum vmn_direction direction)
{
    struct search *search = shared->search;
    struct study study = {
        .search = search, .shared = shared, .port = port, .own = alike,
        .direction = direction,
        .is_moved = sset_contains(&search->moved, port->name),
        .others = SVEC_EMPTY_INITIALIZER,
        .added = SSET_INITIALIZER(&study.added),
    };

    if ((port->kind->isolates[BEFORE][direction]
         && !port->kind->isolates[AFTER][direction])
        || (port->kind->is_quarantined[BEFORE]
            && !port->kind->is_quarantined[AFTER])) {
        return;                 /* It was said. */
    }
    read_rules(&study);
    services_divide(&study.services);
    search->judge.is_partial |= study.services.is_partial;
    for (size_t i = 0; i < study.n_peers && search->judge.steps; i++) {
        compare_peer(&study, &study.peers[i]);
        model_yield(search->txn->model);
    }
    study_uninit(&study);
}

static int
compare_keys(const void *a_, const void *b_)
{
    const struct alike *const *a = a_;
    const struct alike *const *b = b_;

    return strcmp((*a)->key, (*b)->key);
}

void
loosening_compare_access(struct search *search, struct alike_ports *subjects)
{
    struct shared shared = { .search = search };
    struct shash_node *node;

    alike_ports_init(&shared.moved, search, &search->moved);
    for (int at = BEFORE; at <= N_MOMENTS; at++) {
        shash_init(&shared.groups[at]);
    }
    if (subjects->n) {
        qsort(subjects->all, subjects->n, sizeof *subjects->all,
              compare_keys);
    }
    for (size_t i = 0; i < subjects->n && search->judge.steps; i++) {
        const struct alike *alike = subjects->all[i];
        const struct judged_port *port = judge_port(&search->judge,
                                                    alike->names.names[0]);

        for (int d = 0; port && d < VMN_N_DIRECTIONS; d++) {
            compare_direction(&shared, alike, port, d);
        }
    }
    for (int at = BEFORE; at <= N_MOMENTS; at++) {
        SHASH_FOR_EACH (node, &shared.groups[at]) {
            alike_ports_uninit(node->data);
        }
        shash_destroy_free_data(&shared.groups[at]);
    }
    alike_ports_uninit(&shared.moved);
}
