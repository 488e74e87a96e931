/* SPDX-License-Identifier: Apache-2.0
 *
 * IPsec between hosts' tunnel addresses.  Not for the encryption itself, which
 * the hosts' kernels do. */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_IPSEC_H
#define CONTROLLER_FABRIC_OVSDB_HOST_IPSEC_H 1

#include <stdbool.h>
#include <stdint.h>

struct fabric_db;
struct fabric_host_db;
struct fabric_options;
struct ovsdb_ipsec;
struct ovsdb_snapshot;
struct vmn_error;

/* Bytes by which IPsec makes a packet of a tunnel longer at most: ESP in
 * transport mode with AES-GCM, in UDP where there is a NAT between. */
#define HOST_IPSEC_OVERHEAD 46

/* Loads the secret, if there is a file of one.  Returns 0, or a positive errno
 * and sets the error. */
int host_ipsec_create(struct fabric_db *, const struct fabric_options *,
                      struct vmn_error *);
void host_ipsec_destroy(struct fabric_db *);
/* Returns what is to be written on the host of 'db' (a struct fabric_host_db),
 * as struct ovsdb_desired's 'ipsec' does. */
const struct ovsdb_ipsec *host_ipsec_desired(void *db);
void host_ipsec_uninit(struct fabric_host_db *);
/* Returns why the host's tunnels are not encrypted though they are to be, as a
 * sentence that the caller frees; or NULL. */
char *host_ipsec_reason(const struct fabric_host_db *,
                        const struct ovsdb_snapshot *);
/* Returns what is left of an underlay's 'mtu' (0: not known). */
uint32_t host_ipsec_mtu(const struct fabric_host_db *, uint32_t mtu);

#endif /* controller/fabric/ovsdb/host-ipsec.h */
