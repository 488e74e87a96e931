/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks that the classes of tables are made of, by subject.  Each reports to
 * the transaction; 'where' is the entry, and 'field' the field, that an error
 * is about. */

#ifndef CONTROLLER_MODEL_CHECKS_H
#define CONTROLLER_MODEL_CHECKS_H 1

#include "controller/model/model-private.h"

struct txn;

/* if-match.c */
/* Checks the op's preconditions, if it has any, against the object's version
 * before it, 'old', or NULL if there is none.  Returns false after an
 * error. */
bool check_if_match(struct txn *, const struct model_op *,
                    const struct version *old);

/* op-shown.c */
/* Returns the set that the object belongs to after the operation. */
const char *set_of_op(const struct txn *, const struct model_op *,
                      const struct version *old);
/* Returns what there is of the operation's object, as far as its account may
 * know.  To who changes or deletes what it does not see there is none.  Who
 * puts it is told that its name is taken, and where the type says that nothing
 * is to be told, it is refused by that.  In a trial it goes by what is seen by
 * who applies the draft: what this one would change for a writer who does not
 * see it is refused, and of what neither sees nothing is told. */
const struct version *op_known(const struct txn *, const struct model_op *,
                               const struct entry *);
/* Refuses, with one answer whatever the request says, to look at an object
 * that the account is not shown whole, and so does not change.  Where
 * model_refuses_type(), it is the same without an object ('old' is NULL),
 * unless that is an account or a token, and all that it says is put as it is.
 * Returns false after an error. */
bool check_op_shown(struct txn *, const struct model_op *,
                    const struct version *old);

/* reserved-mac.c */
void check_mac_is_not_reserved(struct txn *, const struct entry *,
                               const char *field, struct vmn_mac);

/* allowed-addresses.c */
/* Checks new entries in a port's 'allowed_addresses' against the addresses of
 * others. */
void check_allowed(struct txn *, const struct entry *port);
/* Reports if a port of 'network' is allowed 'ip'. */
void check_is_not_allowed(struct txn *, const struct entry *where,
                          const char *field, const char *network,
                          const struct vmn_ip *ip);
/* Checks a port's new addresses against the addresses that others are
 * allowed. */
void check_port_is_not_allowed(struct txn *, const struct entry *port);

/* trunk-ports.c */
void check_port_trunk(struct txn *, const struct entry *where,
                      const struct vmn_port *);

/* port-isolation.c */
void check_port_isolation(struct txn *, const struct entry *,
                          const struct vmn_port *,
                          const struct vmn_network *);
/* Checks the ports of a network that has isolation no longer. */
void check_network_isolation(struct txn *, const struct entry *);

/* provider-network.c */
void check_provider(struct txn *, const struct entry *network);
void check_port_external(struct txn *, const struct entry *where,
                         const struct vmn_port *,
                         const struct vmn_network *);
/* Reports if 'network' is a provider network, and so cannot have 'what'
 * ("ports"). */
void check_is_overlay(struct txn *, const struct entry *where,
                      const char *field, const char *network,
                      const char *what);

/* Matches of all rules of a policy or quarantine, and prefixes of a group,
 * without their exceptions: each is a flow, or several, in each domain. */
#define CHECKS_MATCHES_MAX 100000

/* rule-matches.c */
/* Checks the matches of the rules that a request changes, or whose groups or
 * services it changes. */
void check_matches(struct txn *);

/* model-group.c */
/* Returns how many prefixes a group's own addresses are. */
size_t group_prefixes(const struct vmn_group *);

/* unreachable-rules.c */
/* Writes what remains of a peer's prefix without its exceptions to 'out', or
 * only counts the prefixes if that is NULL. */
size_t peer_prefixes(const struct vmn_peer *, struct vmn_prefix *out);
/* Checks the rules of a policy against each other. */
void check_rules(struct txn *, const struct entry *policy);
/* Checks 'rules', which are in 'field' of the entry, for those that are of
 * other families than their peers. */
void check_rules_match(struct txn *, const struct entry *, const char *field,
                       const struct vmn_rule *rules, size_t n);
/* What rules count for in quotas.  A name in DNS counts as the addresses that
 * it may get later, by nobody's request. */
int64_t rules_cost(const struct vmn_rule *, size_t n);
/* Returns how many of their peers are names in DNS. */
int64_t rules_fqdns(const struct vmn_rule *, size_t n);

/* backends.c */
/* Checks that a balancer is offered where its backends are. */
void check_backends(struct txn *, const struct entry *balancer);
/* Checks a migration that a port's row asks for anew. */
void check_port_migration(struct txn *, const struct entry *port);
/* A port that went to another network may not leave its balancers behind. */
void check_port_moved(struct txn *, const struct entry *port);

/* router-addresses.c */
/* Gives out the MAC address of a router that has none. */
void route_assign_mac(struct txn *, struct entry *router);
/* Check a router, and a network with its routers, against each other. */
void check_router(struct txn *, const struct entry *router);
void check_network_routers(struct txn *, const struct entry *network);

/* external-addresses.c */
void check_external(struct txn *, const struct entry *router);
void check_floating_ip(struct txn *, const struct entry *floating);
/* What changed beneath external addresses: a network, a port, a balancer. */
void check_network_external(struct txn *, const struct entry *network);
void check_port_floating(struct txn *, const struct entry *port);
void check_lb_floating(struct txn *, const struct entry *lb);

/* virtual-ip.c */
/* Reports a balancer's virtual IP that is a host's own, whatever network. */
void check_vip_loopback(struct txn *, const struct entry *balancer);
/* Reports if the virtual IP of 'balancer' is an address of a subnet of
 * 'network' that no host may have. */
void check_vip_fits(struct txn *, const struct entry *where,
                    const char *field, const struct entry *balancer,
                    const struct entry *network);
/* Reports if it is a gateway of the network, or reserved there. */
void check_vip_is_free(struct txn *, const struct entry *where,
                       const char *field, const struct vmn_loadbalancer *,
                       const struct vmn_network *);
/* Checks that the address is free in 'network'. */
void check_vip(struct txn *, const struct entry *balancer,
               const struct vmn_loadbalancer *, const char *network);
/* Checks that no other balancer in 'network' has its services. */
void check_vip_others(struct txn *, const struct entry *balancer,
                      const struct vmn_loadbalancer *, const char *network);

/* overlapping-addresses.c */
/* Checks that a balancer's virtual IP is its own in all that routers join to
 * its networks. */
void check_vip_domain(struct txn *, const struct entry *balancer,
                      const struct vmn_loadbalancer *);
/* Checks what was touched for subnets that overlap inside of a domain. */
void check_domains(struct txn *);

/* group-nesting.c */
/* Checks how the groups that were touched are inside of each other. */
void check_nesting(struct txn *);

#endif /* controller/model/checks.h */
