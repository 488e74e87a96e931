/* SPDX-License-Identifier: Apache-2.0
 *
 * Who wanted to be a host and was refused: kept by address and reason, so that
 * an operator sees why a hypervisor does not join.  Bounded, whatever comes.
 * Not for hosts that are connected and cannot be used: their status says why.
 */

#ifndef CONTROLLER_FABRIC_HOSTS_REJECTED_HOSTS_H
#define CONTROLLER_FABRIC_HOSTS_REJECTED_HOSTS_H 1

struct fabric;

/* How many are kept, the ones that came last; and of one address. */
#define REJECTED_HOSTS_MAX 64
#define REJECTED_OF_ADDRESS_MAX 4

void rejected_hosts_create(struct fabric *);
void rejected_hosts_destroy(struct fabric *);

/* Notes that 'peer' ("tcp:192.0.2.1:54321"), which connected by 'protocol'
 * ("openflow", "ovsdb"), was refused for 'reason', a part of a sentence that
 * may have text of the peer's. */
void rejected_hosts_add(struct fabric *, const char *protocol,
                        const char *peer, const char *reason);

/* Forgets what was noted of the address of 'peer': a host's switch is connected
 * from there now. */
void rejected_hosts_forget(struct fabric *, const char *peer);

#endif /* controller/fabric/hosts/rejected-hosts.h */
