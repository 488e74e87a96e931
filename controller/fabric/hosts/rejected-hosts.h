/* SPDX-License-Identifier: Apache-2.0
 *
 * Rejected hosts: peers that were rejected as hosts are recorded by address
 * and reason, so that an operator sees why a hypervisor does not join.  The
 * list is bounded.  Not for hosts that are connected but cannot be used: their
 * status has the reason. */

#ifndef CONTROLLER_FABRIC_HOSTS_REJECTED_HOSTS_H
#define CONTROLLER_FABRIC_HOSTS_REJECTED_HOSTS_H 1

struct fabric;

/* Maximum number of entries, and of entries of one address; the newest are
 * kept. */
#define REJECTED_HOSTS_MAX 64
#define REJECTED_OF_ADDRESS_MAX 4

void rejected_hosts_create(struct fabric *);
void rejected_hosts_destroy(struct fabric *);

/* Records that 'peer' ("tcp:192.0.2.1:54321"), which connected by 'protocol'
 * ("openflow", "ovsdb"), was rejected for 'reason', a part of a sentence that
 * may contain text from the peer. */
void rejected_hosts_add(struct fabric *, const char *protocol,
                        const char *peer, const char *reason);

/* Removes the entries of the address of 'peer': a host's switch is connected
 * from there now. */
void rejected_hosts_forget(struct fabric *, const char *peer);

#endif /* controller/fabric/hosts/rejected-hosts.h */
