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

/* Maximum number of bytes that IPsec adds to a tunnel packet: ESP in transport
 * mode with AES-GCM, in UDP if there is a NAT between. */
#define HOST_IPSEC_OVERHEAD 46

/* Loads the secret, if a file is configured.  Returns 0, or a positive errno
 * and sets the error. */
int host_ipsec_create(struct fabric_db *, const struct fabric_options *,
                      struct vmn_error *);
void host_ipsec_destroy(struct fabric_db *);
/* Returns the desired IPsec configuration of the host of 'db' (a struct
 * fabric_host_db), for 'ipsec' of struct ovsdb_desired. */
const struct ovsdb_ipsec *host_ipsec_desired(void *db);
void host_ipsec_uninit(struct fabric_host_db *);
/* Returns why the host's tunnels are not encrypted though they should be, as a
 * sentence that the caller frees; or NULL. */
char *host_ipsec_reason(const struct fabric_host_db *,
                        const struct ovsdb_snapshot *);
/* Returns an underlay's 'mtu' (0: unknown) less IPsec's overhead. */
uint32_t host_ipsec_mtu(const struct fabric_host_db *, uint32_t mtu);

#endif /* controller/fabric/ovsdb/host-ipsec.h */
