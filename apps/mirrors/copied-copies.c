/* SPDX-License-Identifier: Apache-2.0
 *
 * That copies are not copied once more.  Those that leave by a tunnel for an
 * address outside may come back as packets: the analyser is a VM of a provider
 * network, say, or is behind one that forwards.  If such a port is mirrored
 * itself, each copy would make another one, without end.  So no mirror to an
 * address outside copies GRE, of which ERSPAN is one, to such an address;
 * those to ports and to readers do, since that ends there.  Copies to ports do
 * not get here (mirrored-port.c). */

#include "mirrors.h"

#include <string.h>

#define IP_PROTO_GRE 47

/* Emits that GRE to an address that mirrors send to has no copy from those
 * mirrors: here the way of the lookup ends.  Later fragments have the protocol
 * as well. */
void
compile_remote(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names names = vmn_relation_values(view, REL_REMOTES, key);

    for (size_t i = 0; i < names.n; i++) {
        const struct mirror *row = read_mirror(view, names.names[i]);
        struct vmn_flow *flow;

        /* What the relation says may be of a row that has changed since. */
        if (row && row->to_remote.family
            && !strcmp(vmn_ip_text(view, &row->to_remote), key)) {
            uint8_t family = row->to_remote.family;

            flow = vmn_flow_add(emit, vmn_scope_relation(REL_ALL_SENDERS, ""),
                                STAGE_INGRESS, INGRESS_COPY,
                                PRIORITY_COPY_AGAIN);
            vmn_match_masked(flow, REG_MIRROR, MIRROR_REMOTE, MIRROR_REMOTE);
            vmn_match(flow, VMN_F_ETH_TYPE,
                      family == 4 ? VMN_ETH_IPV4 : VMN_ETH_IPV6);
            vmn_match(flow, VMN_F_IP_PROTO, IP_PROTO_GRE);
            vmn_match_ip(flow, vmn_field_ip_dst(family), &row->to_remote);
            vmn_act_set(vmn_flow_actions(flow), REG_MIRROR, 0);
            return;
        }
    }
}

void
compile_floating_ip(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    const struct vmn_floating_ip *floating = vmn_read_floating_ip(view, key);

    if (floating) {
        vmn_publish(emit, REL_FLOATING, vmn_ip_text(view, &floating->ip),
                    key);
    }
}

/* What comes for a floating IP has another address by the time that it is at
 * a port, so compile_remote()'s flow would not know a copy there. */
const char *
remote_fault(struct vmn_view *view, const struct vmn_ip *ip)
{
    return (ip->family && vmn_relation_values(view, REL_FLOATING,
                                              vmn_ip_text(view, ip)).n
            ? "to_remote is a floating IP: give its port as to_port" : NULL);
}
