/* SPDX-License-Identifier: Apache-2.0
 *
 * See host-peers.h.  A host's peers are computed when its database is read,
 * one host at a time and only for hosts that are connected, and kept until
 * something that they follow from has changed. */

#include <config.h>

#include "controller/fabric/ovsdb/host-peers.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/ovsdb/host-bfd.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/host-ipsec.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* What the peers were computed from, and they themselves. */
struct host_peers {
    uint64_t ipsec, bfd;        /* Generations. */
    struct vmn_ip own[2];
    bool uses[OVSDB_TUNNELS_MAX];
    struct ovsdb_peers desired; /* Owns what it points to. */
};

bool
host_peers_same_ip(const struct vmn_ip *a, const struct vmn_ip *b)
{
    size_t size = a->family == 4 ? 4 : a->family == 6 ? 16 : 0;

    return a->family == b->family && !memcmp(a->addr, b->addr, size);
}

char *
host_peers_format_ip(const struct vmn_ip *ip)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->addr, text,
              sizeof text);
    return xstrdup(text);
}

/* The name contains no '-', which ovs-monitor-ipsec uses as a separator in
 * names that it derives from it. */
char *
host_peers_name(const struct vmn_ip *ip, int encap)
{
    char letter = encap == VMN_ENCAP_VXLAN ? 'v' : 'g';
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (ip->family == 4) {
        return xasprintf("vmn%c%02x%02x%02x%02x", letter, ip->addr[0],
                         ip->addr[1], ip->addr[2], ip->addr[3]);
    }
    if (!EVP_Digest(ip->addr, sizeof ip->addr, digest, NULL, EVP_sha256(),
                    NULL)) {
        out_of_memory();
    }
    return xasprintf("vmn%c%02x%02x%02x%02x%02x", letter, digest[0],
                     digest[1], digest[2], digest[3], digest[4]);
}

static void
peer_destroy(struct ovsdb_peer *peer)
{
    free(CONST_CAST(char *, peer->remote_ip));
    free(CONST_CAST(char *, peer->local_ip));
    free(CONST_CAST(char *, peer->remote_name));
    if (peer->psk) {
        OPENSSL_cleanse(CONST_CAST(char *, peer->psk), strlen(peer->psk));
        free(CONST_CAST(char *, peer->psk));
    }
    free(peer);
}

static void
destroy_all(struct shash *peers)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, peers) {
        peer_destroy(node->data);
    }
    shash_destroy(peers);
}

void
host_peers_uninit(struct fabric_host_db *db)
{
    if (db->peers) {
        destroy_all(&db->peers->desired.peers);
        free(db->peers);
        db->peers = NULL;
    }
}

static bool
is_current(const struct fabric_host_db *db)
{
    const struct fabric_db *all = db->host->fabric->db;
    const struct vmn_host *row = db->host->row;
    const struct host_peers *own = db->peers;

    return (own && own->ipsec == host_ipsec_generation(all)
            && own->bfd == db->watches.generation
            && host_peers_same_ip(&own->own[0], &row->tunnel_ip)
            && host_peers_same_ip(&own->own[1], &row->second_tunnel_ip)
            && !memcmp(own->uses, all->uses, sizeof own->uses));
}

const struct ovsdb_peers *
host_peers_desired(void *db_)
{
    struct fabric_host_db *db = db_;
    const struct fabric_db *all = db->host->fabric->db;
    struct shash old = SHASH_INITIALIZER(&old);
    struct host_peers *own;

    if (is_current(db)) {
        return &db->peers->desired;
    }
    if (!db->peers) {
        db->peers = xzalloc(sizeof *db->peers);
        shash_init(&db->peers->desired.peers);
    }
    own = db->peers;
    own->ipsec = host_ipsec_generation(all);
    own->bfd = db->watches.generation;
    own->own[0] = db->host->row->tunnel_ip;
    own->own[1] = db->host->row->second_tunnel_ip;
    memcpy(own->uses, all->uses, sizeof own->uses);
    shash_swap(&old, &own->desired.peers);
    own->desired.certificates = host_ipsec_by_certificates(all);
    own->desired.keep_bfd = !db->watches.known;
    host_ipsec_add_peers(db, &old, &own->desired.peers);
    host_bfd_add_peers(db, &own->desired.peers);
    destroy_all(&old);
    return &own->desired;
}
