/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's tunnel ports for single peers: those that IPsec needs
 * (host-ipsec.h) and those that BFD watches (host-bfd.h).  They share the port
 * of a peer.  Not for which peers these are. */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_PEERS_H
#define CONTROLLER_FABRIC_OVSDB_HOST_PEERS_H 1

#include <stdbool.h>

struct fabric_host_db;
struct ovsdb_peer;
struct ovsdb_peers;
struct shash;
struct vmn_ip;

/* Returns the desired peers of the host of 'db' (a struct fabric_host_db), for
 * 'peers' of struct ovsdb_desired. */
const struct ovsdb_peers *host_peers_desired(void *db);
void host_peers_uninit(struct fabric_host_db *);

/* Returns the name of the interface for 'ip' by tunnels of 'encap' (enum
 * vmn_encap), no longer than a device's.  The caller frees it. */
char *host_peers_name(const struct vmn_ip *ip, int encap);
/* Returns the address as text, which the caller frees. */
char *host_peers_format_ip(const struct vmn_ip *);
bool host_peers_same_ip(const struct vmn_ip *, const struct vmn_ip *);

#endif /* controller/fabric/ovsdb/host-peers.h */
