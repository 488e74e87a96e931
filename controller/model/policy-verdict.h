/* SPDX-License-Identifier: Apache-2.0
 *
 * What policies and quarantines decide of a connection of a port, by the rows
 * before a request or after it: what the firewall app compiles, without flows.
 * The property test test-loosened compares it with a plain reading of
 * policies.  Only for loosening.c and the files beside it. */

#ifndef CONTROLLER_MODEL_POLICY_VERDICT_H
#define CONTROLLER_MODEL_POLICY_VERDICT_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/tables.h"
#include "openvswitch/shash.h"
#include "sset.h"
#include "svec.h"

struct txn;

enum moment { BEFORE, AFTER, N_MOMENTS };

/* Where a rule stands among all that concern a port. */
struct placed_rule {
    unsigned position;          /* Of the tier. */
    unsigned priority, level, order;
    const struct vmn_rule *rule;
    const struct vmn_policy *policy;
};

struct placed_rules {
    size_t n, allocated;
    struct placed_rule *rules;  /* In the order of evaluation. */
};

/* What ports have in common that nothing tells apart, except their addresses,
 * before and after the request. */
struct judged_kind {
    struct sset groups[N_MOMENTS]; /* That it is in, nested ones included. */
    struct sset quarantines[N_MOMENTS]; /* That hold it, or its parent. */
    bool is_quarantined[N_MOMENTS];
    bool isolates[N_MOMENTS][VMN_N_DIRECTIONS]; /* An enforced policy. */
    struct placed_rules rules[N_MOMENTS][VMN_N_DIRECTIONS];
    char *key;                  /* Equal for kinds that nothing tells apart. */
};

struct judged_port {
    char *name;
    const struct vmn_port *row[N_MOMENTS]; /* NULL: there is none. */
    const struct judged_kind *kind;
};

/* The other side of a connection: a port with one of its addresses, another
 * address, a name in DNS, or, with none of these, an address that no rule
 * names. */
struct judged_peer {
    const struct judged_port *port;
    const struct svec *alike;   /* With 'port': it, and those that nothing
                                 * tells apart from it; NULL: it alone. */
    struct vmn_ip ip;           /* Family 0: none. */
    const char *fqdn;
    const char *text;           /* For messages, unless it is a port. */
};

/* A protocol and port, or ICMP type * 256 + code; VMN_PROTO_ANY: a protocol
 * that no rule names. */
struct judged_service {
    enum vmn_protocol protocol;
    uint16_t value;
};

/* Which rules with windows count. */
enum judged_windows {
    WINDOWS_OPEN, WINDOWS_CLOSED,
    WINDOWS_WORST,              /* What denies before, and allows after. */
};

struct judge {
    const struct txn *txn;
    size_t steps;               /* Rows and rules that may still be read. */
    bool is_partial;            /* There were more. */
    size_t n_unpaused;          /* Since the last model_yield(). */
    struct shash ports;         /* Of struct judged_port. */
    struct shash kinds;         /* Of struct judged_kind, by what decides them
                                 * of a port. */
    bool knows_selectors;       /* 'keys' and 'names_ports' are known. */
    struct sset keys;           /* Of labels, that selectors name. */
    bool names_ports;           /* A group or quarantine names ports. */
    struct shash members[N_MOMENTS + 1]; /* Of struct sset, by group: its
                                          * ports; N_MOMENTS: at any time. */
    struct svec touched[VMN_N_TABLES]; /* Names of changed groups, policies
                                        * and quarantines. */
};

void judge_init(struct judge *, const struct txn *, size_t steps);
void judge_uninit(struct judge *);
/* Counts 'n' steps.  Returns false if there are none left. */
bool judge_step(struct judge *, size_t n);

const void *judge_row(const struct judge *, enum vmn_table, const char *name,
                      enum moment);
/* Sets '*ip' to address 'i' that the port may use: one of its own, or the
 * first of a prefix of 'allowed_addresses'.  Returns false after the last. */
bool judge_address(const struct vmn_port *, size_t i, struct vmn_ip *ip);
/* Returns the port; NULL once no steps are left. */
const struct judged_port *judge_port(struct judge *, const char *name);
/* Returns N_MOMENTS if the ports of groups before and after the request are
 * taken together, as it has changed no groups: those that differ have changed
 * themselves. */
enum moment judge_group_moment(const struct judge *, enum moment);
/* Returns the ports that are in the group, those of nested ones included. */
const struct sset *judge_group_ports(struct judge *, const char *group,
                                     enum moment);
/* Adds the ports that the quarantine or group (NULL: none) names and
 * selects. */
void judge_add_selected(struct judge *, const struct vmn_selector *,
                        const char *const *names, size_t n_names, enum moment,
                        struct sset *ports);
/* Returns true if the peer of a rule, which is no name in DNS, has the
 * address. */
bool judge_peer_has_ip(struct judge *, const struct vmn_peer *, enum moment,
                       const struct vmn_ip *);
/* Returns true if a rule of the port lets the connection with 'peer' pass;
 * '*by' is the rule that decides, or NULL. */
bool judge_allows(struct judge *, const struct judged_port *, enum moment,
                  enum vmn_direction, const struct judged_peer *peer,
                  const struct judged_service *, enum judged_windows,
                  const struct placed_rule **by);

#endif /* controller/model/policy-verdict.h */
