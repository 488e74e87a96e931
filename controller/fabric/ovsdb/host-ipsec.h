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
struct ovsdb_snapshot;
struct shash;
struct vmn_error;

/* Maximum number of bytes that IPsec adds to a tunnel packet: ESP in transport
 * mode with AES-GCM, in UDP if there is a NAT between. */
#define HOST_IPSEC_OVERHEAD 46

/* Loads the secret, if a file is configured.  Returns 0, or a positive errno
 * and sets the error. */
int host_ipsec_create(struct fabric_db *, const struct fabric_options *,
                      struct vmn_error *);
void host_ipsec_destroy(struct fabric_db *);
/* Adds the peers that the host is to encrypt its tunnels with to 'peers' of
 * struct ovsdb_peers; 'old' are those of the last time, whose keys are
 * copied. */
void host_ipsec_add_peers(const struct fabric_host_db *,
                          const struct shash *old, struct shash *peers);
/* Returns a number that changes whenever they may be others for any host; 0:
 * without IPsec. */
uint64_t host_ipsec_generation(const struct fabric_db *);
bool host_ipsec_by_certificates(const struct fabric_db *);
/* Returns why the host's tunnels are not encrypted though they should be, as a
 * sentence that the caller frees; or NULL. */
char *host_ipsec_reason(const struct fabric_host_db *,
                        const struct ovsdb_snapshot *);
/* Returns an underlay's 'mtu' (0: unknown) less IPsec's overhead. */
uint32_t host_ipsec_mtu(const struct fabric_host_db *, uint32_t mtu);

#endif /* controller/fabric/ovsdb/host-ipsec.h */
