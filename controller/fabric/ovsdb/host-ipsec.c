/* SPDX-License-Identifier: Apache-2.0
 *
 * IPsec between hosts' tunnel addresses: the peers of each host, and how they
 * authenticate.  Either by a pre-shared key, if vmnd has a secret
 * (--ipsec-key-file): each pair of hosts has its own key, derived from that
 * secret, so a key from a compromised host is good for its own tunnels only.
 * Or by the hosts' certificates (--ipsec=certificates), of which vmnd has
 * none: it sets the peer's name.
 *
 * With n hosts each has n - 1 peers.  So derived keys are kept with a host's
 * ports (host-peers.c).  The database's part is proto/ovsdb's; the host's
 * kernel encrypts, configured by ovs-monitor-ipsec(8). */

#include <config.h>

#include "controller/fabric/ovsdb/host-ipsec.h"

#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/host-peers.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/fabric/ovsdb/tunnel-ports.h"
#include "controller/schema/error.h"
#include "openvswitch/dynamic-string.h"
#include "proto/http/http.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* A host as an IPsec peer.  A host has at most one address per family; the
 * second may be unset. */
struct ipsec_peer {
    char *name;
    struct vmn_ip ips[2];
    char *texts[2];             /* The addresses; NULL: none. */
    char *interfaces[2][OVSDB_TUNNELS_MAX]; /* Names of the interfaces for
                                             * them. */
};

struct ipsec {
    char *secret;               /* NULL: hosts have certificates. */
    uint64_t generation;        /* Of the peers; 0: none yet. */
    size_t n_peers;
    struct ipsec_peer *peers;   /* By name. */
};

int
host_ipsec_create(struct fabric_db *db, const struct fabric_options *options,
                  struct vmn_error *why)
{
    char *secret = NULL, *text = NULL;
    int error = 0;

    if (options->ipsec_key_file) {
        error = http_token_load(options->ipsec_key_file, &secret, &text);
        vmn_error_take(why, error, text);
    }
    if (!error && (secret || options->ipsec_certificates)) {
        db->ipsec = xzalloc(sizeof *db->ipsec);
        db->ipsec->secret = secret;
    }
    return error;
}

static void
free_peers(struct ipsec_peer *peers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(peers[i].name);
        for (size_t j = 0; j < 2; j++) {
            free(peers[i].texts[j]);
            for (size_t k = 0; k < OVSDB_TUNNELS_MAX; k++) {
                free(peers[i].interfaces[j][k]);
            }
        }
    }
    free(peers);
}

void
host_ipsec_destroy(struct fabric_db *db)
{
    if (db->ipsec) {
        free_peers(db->ipsec->peers, db->ipsec->n_peers);
        if (db->ipsec->secret) {
            OPENSSL_cleanse(db->ipsec->secret, strlen(db->ipsec->secret));
            free(db->ipsec->secret);
        }
        free(db->ipsec);
        db->ipsec = NULL;
    }
}

static void
peer_init(struct ipsec_peer *peer, const char *name,
          const struct vmn_host *row)
{
    const struct vmn_ip ips[2] = { row->tunnel_ip, row->second_tunnel_ip };

    *peer = (struct ipsec_peer) { .name = xstrdup(name) };
    for (size_t i = 0; i < 2; i++) {
        peer->ips[i] = ips[i];
        if (ips[i].family) {
            peer->texts[i] = host_peers_format_ip(&ips[i]);
            for (int j = 0; j < OVSDB_TUNNELS_MAX; j++) {
                peer->interfaces[i][j] = host_peers_name(&ips[i], j);
            }
        }
    }
}

/* Returns the row of a host that others have tunnels to, or NULL: a lost one
 * has none. */
static const struct vmn_host *
peer_row(const struct fabric *fabric, const char *name)
{
    const struct vmn_host *row = model_get(fabric->model, VMN_TABLE_HOST,
                                           name);

    return row && !row->lost ? row : NULL;
}

static bool
same_peers(const struct fabric *fabric, struct vmn_names names)
{
    const struct ipsec *ipsec = fabric->db->ipsec;
    size_t n = 0;

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_host *row = peer_row(fabric, names.names[i]);
        const struct ipsec_peer *peer = &ipsec->peers[n];

        if (!row) {
            continue;
        }
        if (n++ >= ipsec->n_peers || strcmp(peer->name, names.names[i])
            || !host_peers_same_ip(&peer->ips[0], &row->tunnel_ip)
            || !host_peers_same_ip(&peer->ips[1], &row->second_tunnel_ip)) {
            return false;
        }
    }
    return n == ipsec->n_peers;
}

bool
fabric_db_set_peers(struct fabric *fabric, struct vmn_names names)
{
    struct ipsec *ipsec = fabric->db->ipsec;

    if (!ipsec || same_peers(fabric, names)) {
        return false;
    }
    free_peers(ipsec->peers, ipsec->n_peers);
    ipsec->peers = xcalloc(MAX(names.n, 1), sizeof *ipsec->peers);
    ipsec->n_peers = 0;
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_host *row = peer_row(fabric, names.names[i]);

        if (row) {
            peer_init(&ipsec->peers[ipsec->n_peers++], names.names[i], row);
        }
    }
    ipsec->generation++;
    return true;
}

size_t
fabric_db_n_ipsec(const struct fabric *fabric)
{
    const struct ipsec *ipsec = fabric->db->ipsec;

    return ipsec ? ipsec->n_peers * 2 * OVSDB_TUNNELS_MAX : 0;
}

/* Returns the key of hosts 'a' and 'b', the same for both: HMAC-SHA256 of
 * their names by the secret, in hexadecimal.  The caller frees it. */
static char *
derive_key(const struct ipsec *ipsec, const char *a, const char *b)
{
    bool a_first = strcmp(a, b) < 0;
    char *text = xasprintf("vmn-ipsec %s %s", a_first ? a : b,
                           a_first ? b : a);
    unsigned char mac[EVP_MAX_MD_SIZE];
    struct ds key = DS_EMPTY_INITIALIZER;
    unsigned int size = 0;

    if (!HMAC(EVP_sha256(), ipsec->secret, strlen(ipsec->secret),
              (const unsigned char *) text, strlen(text), mac, &size)) {
        out_of_memory();
    }
    for (unsigned int i = 0; i < size; i++) {
        ds_put_format(&key, "%02x", mac[i]);
    }
    OPENSSL_cleanse(mac, sizeof mac);
    free(text);
    return ds_steal_cstr(&key);
}

/* What one host is to have.  ---------------------------------------------- */

/* Returns true if 'host' can be the subject of a certificate.  IKE daemons
 * treat text that looks like an address as an address, and 0.0.0.0 as any;
 * names of hosts consist of a-z, 0-9, '-' and '.', and with a letter they do
 * not look like an address. */
static bool
host_ipsec_can_name(const char *host)
{
    return host[strcspn(host, "abcdefghijklmnopqrstuvwxyz")] != '\0';
}

/* Returns the key for 'db''s host and 'peer', copied from 'old' if it has it.
 * The caller frees it. */
static char *
find_key(const struct fabric_host_db *db, const struct ipsec_peer *peer,
         const struct ovsdb_peer *old)
{
    const struct ipsec *ipsec = db->host->fabric->db->ipsec;

    if (!ipsec->secret) {
        return NULL;
    }
    return (old && nullable_string_is_equal(old->remote_name, peer->name)
            && old->psk ? xstrdup(old->psk)
            : derive_key(ipsec, db->host->name, peer->name));
}

/* Adds the ports that 'db' needs to encrypt traffic with 'peer' between its
 * own address 'from' and the peer's address 'to', for each encapsulation in
 * use, to 'peers'.  'old' are the previous ones. */
static void
add_peer(const struct fabric_host_db *db, const struct ipsec_peer *peer,
         const struct vmn_ip *from, size_t to, const struct shash *old,
         struct shash *peers)
{
    for (int i = 0; i < OVSDB_TUNNELS_MAX; i++) {
        const char *name = peer->interfaces[to][i];

        if (db->host->fabric->db->uses[i] && !shash_find(peers, name)) {
            const struct ovsdb_peer p = {
                .type = tunnel_ports[i].type,
                .remote_ip = xstrdup(peer->texts[to]),
                .local_ip = host_peers_format_ip(from),
                .remote_name = xstrdup(peer->name),
                .psk = find_key(db, peer, shash_find_data(old, name)),
            };

            shash_add_nocopy(peers, xstrdup(name), xmemdup(&p, sizeof p));
        }
    }
}

void
host_ipsec_add_peers(const struct fabric_host_db *db, const struct shash *old,
                     struct shash *peers)
{
    const struct ipsec *ipsec = db->host->fabric->db->ipsec;
    const struct vmn_ip own[2] = { db->host->row->tunnel_ip,
                                   db->host->row->second_tunnel_ip };

    for (size_t i = 0; ipsec && i < ipsec->n_peers; i++) {
        const struct ipsec_peer *peer = &ipsec->peers[i];

        if (!strcmp(peer->name, db->host->name)
            || (!ipsec->secret && !host_ipsec_can_name(peer->name))) {
            continue;
        }
        for (size_t j = 0; j < 2; j++) {
            for (size_t k = 0; k < 2; k++) {
                if (own[j].family && own[j].family == peer->ips[k].family) {
                    add_peer(db, peer, &own[j], k, old, peers);
                }
            }
        }
    }
}

uint64_t
host_ipsec_generation(const struct fabric_db *db)
{
    return db->ipsec ? db->ipsec->generation : 0;
}

bool
host_ipsec_by_certificates(const struct fabric_db *db)
{
    return db->ipsec && !db->ipsec->secret;
}

char *
host_ipsec_reason(const struct fabric_host_db *db,
                  const struct ovsdb_snapshot *snapshot)
{
    const struct ipsec *ipsec = db->host->fabric->db->ipsec;

    if (!ipsec) {
        return NULL;
    }
    if (ipsec->secret && snapshot->n_ipsec_files) {
        return xstrdup("tunnels are not encrypted: ovs-monitor-ipsec takes no "
                       "keys while other_config of Open_vSwitch has "
                       "certificate, private_key or ca_cert");
    }
    if (!ipsec->secret && !host_ipsec_can_name(db->host->name)) {
        return xstrdup("tunnels are not encrypted: a host's name without a "
                       "letter may be taken for an address, and is in no "
                       "certificate for IPsec");
    }
    if (!ipsec->secret && snapshot->n_ipsec_files != OVSDB_IPSEC_FILES) {
        return xstrdup("tunnels are not encrypted: other_config of "
                       "Open_vSwitch lacks certificate, private_key or "
                       "ca_cert, which \"host-join --ipsec\" provides");
    }
    return (strcmp(db->datapath_type, "system")
            ? xasprintf("tunnels of datapath type \"%s\" are not encrypted: "
                        "the kernel's IPsec does not see their packets",
                        db->datapath_type)
            : NULL);
}

uint32_t
host_ipsec_mtu(const struct fabric_host_db *db, uint32_t mtu)
{
    if (!db->host->fabric->db->ipsec || !mtu) {
        return mtu;
    }
    return mtu > HOST_IPSEC_OVERHEAD ? mtu - HOST_IPSEC_OVERHEAD : 1;
}
