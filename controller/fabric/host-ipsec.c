/* SPDX-License-Identifier: Apache-2.0
 *
 * IPsec between hosts' tunnel addresses: whom each host is to encrypt with,
 * and by which key, if vmnd has a secret for it (--ipsec-key-file).  Each pair
 * of hosts has a key of its own, derived from that secret: what a stolen host
 * has is good for its own tunnels alone.
 *
 * The database's part is proto/ovsdb's; the encryption is that of the host's
 * kernel, arranged by ovs-monitor-ipsec(8). */

#include <config.h>

#include "controller/fabric/host-db.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "proto/http/http.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* A host, as others encrypt with it. */
struct ipsec_peer {
    char *name;
    struct vmn_ip ips[2];       /* The second may be none. */
};

struct ipsec {
    char *secret;
    size_t n_peers;
    struct ipsec_peer *peers;   /* By name. */
};

int
host_ipsec_create(struct fabric_db *db, const char *key_file, char **text)
{
    char *secret;
    int error;

    if (!key_file) {
        return 0;
    }
    error = http_token_load(key_file, &secret, text);
    if (!error) {
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
    }
    free(peers);
}

void
host_ipsec_destroy(struct fabric_db *db)
{
    if (db->ipsec) {
        free_peers(db->ipsec->peers, db->ipsec->n_peers);
        OPENSSL_cleanse(db->ipsec->secret, strlen(db->ipsec->secret));
        free(db->ipsec->secret);
        free(db->ipsec);
        db->ipsec = NULL;
    }
}

static bool
same_ip(const struct vmn_ip *a, const struct vmn_ip *b)
{
    size_t size = a->family == 4 ? 4 : a->family == 6 ? 16 : 0;

    return a->family == b->family && !memcmp(a->addr, b->addr, size);
}

static bool
same_peers(const struct ipsec *ipsec, const struct ipsec_peer *peers,
           size_t n)
{
    bool same = n == ipsec->n_peers;

    for (size_t i = 0; same && i < n; i++) {
        same = (!strcmp(peers[i].name, ipsec->peers[i].name)
                && same_ip(&peers[i].ips[0], &ipsec->peers[i].ips[0])
                && same_ip(&peers[i].ips[1], &ipsec->peers[i].ips[1]));
    }
    return same;
}

bool
fabric_db_set_peers(struct fabric *fabric, struct vmn_names names)
{
    struct ipsec *ipsec = fabric->db->ipsec;
    struct ipsec_peer *peers;

    if (!ipsec) {
        return false;
    }
    peers = xcalloc(MAX(names.n, 1), sizeof *peers);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_host *row = model_get(fabric->model, VMN_TABLE_HOST,
                                               names.names[i]);

        peers[i].name = xstrdup(names.names[i]);
        peers[i].ips[0] = row->tunnel_ip;
        peers[i].ips[1] = row->second_tunnel_ip;
    }
    if (same_peers(ipsec, peers, names.n)) {
        free_peers(peers, names.n);
        return false;
    }
    free_peers(ipsec->peers, ipsec->n_peers);
    ipsec->peers = peers;
    ipsec->n_peers = names.n;
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

static char *
format_ip(const struct vmn_ip *ip)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->addr, text,
              sizeof text);
    return xstrdup(text);
}

/* Returns the name of the interface for 'ip' by tunnels of 'encap', no longer
 * than a device's.  The caller frees it.  It has no '-': ovs-monitor-ipsec
 * makes names of it that it takes apart by that. */
static char *
make_name(const struct vmn_ip *ip, int encap)
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

/* Adds what 'db' needs to encrypt with 'peer' between addresses 'from' and
 * 'to', for each encapsulation in use. */
static void
add_peer(const struct fabric_host_db *db, const struct ipsec_peer *peer,
         const struct vmn_ip *from, const struct vmn_ip *to,
         struct ovsdb_ipsec_peer *out, size_t *n)
{
    const struct fabric_db *all = db->host->fabric->db;

    for (int i = 0; i < OVSDB_TUNNELS_MAX; i++) {
        if (all->uses[i]) {
            out[(*n)++] = (struct ovsdb_ipsec_peer) {
                .name = make_name(to, i),
                .type = host_db_tunnels[i].type,
                .remote_ip = format_ip(to),
                .local_ip = format_ip(from),
                .psk = derive_key(all->ipsec, db->host->name, peer->name),
            };
        }
    }
}

size_t
host_ipsec_wish(const struct fabric_host_db *db, const struct vmn_host *row,
                struct ovsdb_ipsec_peer **peersp)
{
    const struct ipsec *ipsec = db->host->fabric->db->ipsec;
    const struct vmn_ip own[2] = { row->tunnel_ip, row->second_tunnel_ip };
    size_t n = 0;

    *peersp = NULL;
    if (!ipsec || !ipsec->n_peers) {
        return 0;
    }
    *peersp = xcalloc(ipsec->n_peers * 2 * OVSDB_TUNNELS_MAX,
                      sizeof **peersp);
    for (size_t i = 0; i < ipsec->n_peers; i++) {
        const struct ipsec_peer *peer = &ipsec->peers[i];

        if (!strcmp(peer->name, db->host->name)) {
            continue;
        }
        /* A host has one address of a family at most. */
        for (int j = 0; j < 2; j++) {
            for (int k = 0; k < 2; k++) {
                if (own[j].family && own[j].family == peer->ips[k].family) {
                    add_peer(db, peer, &own[j], &peer->ips[k], *peersp, &n);
                }
            }
        }
    }
    return n;
}

void
host_ipsec_wish_free(struct ovsdb_ipsec_peer *peers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(CONST_CAST(char *, peers[i].name));
        free(CONST_CAST(char *, peers[i].remote_ip));
        free(CONST_CAST(char *, peers[i].local_ip));
        free(CONST_CAST(char *, peers[i].psk));
    }
    free(peers);
}

char *
host_ipsec_reason(const struct fabric_host_db *db)
{
    return (db->host->fabric->db->ipsec
            && strcmp(db->datapath_type, "system")
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
