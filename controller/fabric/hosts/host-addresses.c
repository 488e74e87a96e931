/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses in the rows of hosts: their tunnel endpoints, and the
 * addresses of their databases.  Connections from these addresses are closed
 * last when a listener is full (proto/admission).  Not for authentication. */

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
hash_address(const struct in6_addr *addr)
{
    return hash_bytes(addr, sizeof *addr, 0);
}

bool
fabric_knows_address(void *f_, const struct in6_addr *addr)
{
    const struct fabric *f = f_;
    const struct address *address;

    HMAP_FOR_EACH_WITH_HASH (address, node, hash_address(addr),
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
        hmap_insert(&f->addresses, &address->node, hash_address(addr));
    }
}

static void
add_ip(struct fabric *f, const struct vmn_ip *ip)
{
    struct in6_addr addr = IN6ADDR_ANY_INIT;

    if (ip->family == 4) {
        addr.s6_addr[10] = addr.s6_addr[11] = 0xff;
        memcpy(&addr.s6_addr[12], ip->addr, 4);
    } else if (ip->family == 6) {
        memcpy(&addr, ip->addr, sizeof addr);
    } else {
        return;
    }
    add_address(f, &addr);
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
        struct admission_peer peer = admission_peer_parse(host->row->ovsdb);

        add_ip(f, &host->row->tunnel_ip);
        add_ip(f, &host->row->second_tunnel_ip);
        if (peer.family != AF_UNIX) {
            add_address(f, &peer.addr);
        }
    }
}
