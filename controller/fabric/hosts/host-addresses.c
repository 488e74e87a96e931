/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses in the rows of hosts: their tunnel endpoints, and the
 * addresses of their databases.  Connections from these addresses are closed
 * last when a listener is full (proto/admission), and of two switches that
 * both say to be a host's, where nothing proves it, the one is taken that
 * comes from there.  Not for authentication. */

#include <config.h>

#include "controller/fabric/hosts/host-addresses.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "hash.h"
#include "proto/admission/admission.h"
#include "util.h"

struct address {
    struct hmap_node node;      /* In the fabric's 'addresses'. */
    struct in6_addr addr;       /* IPv4 as a mapped address. */
};

static uint32_t
address_hash(const struct in6_addr *addr)
{
    return hash_bytes(addr, sizeof *addr, 0);
}

bool
fabric_knows_address(void *f_, const struct in6_addr *addr)
{
    const struct fabric *f = f_;
    const struct address *address;

    HMAP_FOR_EACH_WITH_HASH (address, node, address_hash(addr),
                             &f->addresses) {
        if (!memcmp(&address->addr, addr, sizeof *addr)) {
            return true;
        }
    }
    return false;
}

static void
add_address(struct fabric *f, const struct in6_addr *addr)
{
    if (!fabric_knows_address(f, addr)) {
        struct address *address = xmalloc(sizeof *address);

        address->addr = *addr;
        hmap_insert(&f->addresses, &address->node, address_hash(addr));
    }
}

/* An address that a row has may be none. */
static bool
take_ip(const struct vmn_ip *ip, struct in6_addr *addr)
{
    *addr = (struct in6_addr) IN6ADDR_ANY_INIT;
    if (ip->family == 4) {
        addr->s6_addr[10] = addr->s6_addr[11] = 0xff;
        memcpy(&addr->s6_addr[12], ip->addr, 4);
    } else if (ip->family == 6) {
        memcpy(addr, ip->addr, sizeof *addr);
    }
    return ip->family != 0;
}

/* The most addresses that a host has. */
#define ADDRESSES_MAX 3

/* Fills in the addresses of a host's row; returns how many there are. */
static size_t
addresses_of(const struct fabric_host *host,
             struct in6_addr addresses[ADDRESSES_MAX])
{
    struct admission_peer database;
    size_t n = 0;

    if (!host->row) {
        return 0;               /* It is deleted. */
    }
    database = admission_peer_parse(host->row->ovsdb);
    n += take_ip(&host->row->tunnel_ip, &addresses[n]);
    n += take_ip(&host->row->second_tunnel_ip, &addresses[n]);
    if (database.family != AF_UNIX) {
        addresses[n++] = database.addr;
    }
    return n;
}

bool
fabric_host_has_address_of(const struct fabric_host *host, const char *text)
{
    struct admission_peer peer = admission_peer_parse(text);
    struct in6_addr addresses[ADDRESSES_MAX];
    size_t n = peer.family == AF_UNIX ? 0 : addresses_of(host, addresses);

    for (size_t i = 0; i < n; i++) {
        if (!memcmp(&addresses[i], &peer.addr, sizeof peer.addr)) {
            return true;
        }
    }
    return false;
}

void
fabric_addresses_clear(struct fabric *f)
{
    struct address *address;

    HMAP_FOR_EACH_POP (address, node, &f->addresses) {
        free(address);
    }
}

void
fabric_addresses_update(struct fabric *f)
{
    const struct fabric_host *host;

    fabric_addresses_clear(f);
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        struct in6_addr addresses[ADDRESSES_MAX];
        size_t n = addresses_of(host, addresses);

        for (size_t i = 0; i < n; i++) {
            add_address(f, &addresses[i]);
        }
    }
}
