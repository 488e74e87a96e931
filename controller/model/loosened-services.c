/* SPDX-License-Identifier: Apache-2.0
 *
 * See loosened-services.h. */

#include <config.h>

#include "controller/model/loosened-services.h"

#include <stdlib.h>

#include "controller/schema/schema-rule.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static const enum vmn_protocol protocols[SERVICE_PROTOCOLS] = {
    VMN_PROTO_TCP, VMN_PROTO_UDP, VMN_PROTO_SCTP, VMN_PROTO_ICMP,
    VMN_PROTO_ICMPV6,
};

static void
add_cut(struct services *services, struct cuts *cuts, uint32_t first)
{
    for (size_t i = 0; i < cuts->n; i++) {
        if (cuts->firsts[i] == first) {
            return;
        }
    }
    if (first > UINT16_MAX) {
        return;
    }
    if (cuts->n < SERVICE_CUTS_MAX) {
        cuts->firsts[cuts->n++] = first;
    } else {
        services->is_partial = true;
    }
}

void
services_cut(struct services *services,
             const struct vmn_service_entry *entry)
{
    for (size_t p = 0; p < ARRAY_SIZE(protocols); p++) {
        struct cuts *cuts = &services->cuts[p];

        if (protocols[p] != entry->protocol) {
            continue;
        }
        for (size_t i = 0; i < entry->n_ports; i++) {
            add_cut(services, cuts, entry->ports[i].first);
            add_cut(services, cuts, entry->ports[i].last + 1);
        }
        /* Of protocols with ports these are 0. */
        if (!entry->n_ports && entry->icmp_type >= 0
            && (entry->protocol == VMN_PROTO_ICMP
                || entry->protocol == VMN_PROTO_ICMPV6)) {
            uint32_t first = (entry->icmp_type << 8)
                             + MAX(entry->icmp_code, 0);

            add_cut(services, cuts, first);
            add_cut(services, cuts,
                    first + (entry->icmp_code < 0 ? 0x100 : 1));
        }
    }
}

static int
compare_firsts(const void *a_, const void *b_)
{
    const uint32_t *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

void
services_divide(struct services *services)
{
    size_t n = 1;

    for (size_t p = 0; p < ARRAY_SIZE(protocols); p++) {
        add_cut(services, &services->cuts[p], 0);
        n += services->cuts[p].n;
    }
    services->pieces = xcalloc(n, sizeof *services->pieces);
    for (size_t p = 0; p < ARRAY_SIZE(protocols); p++) {
        struct cuts *cuts = &services->cuts[p];

        qsort(cuts->firsts, cuts->n, sizeof *cuts->firsts, compare_firsts);
        for (size_t i = 0; i < cuts->n; i++) {
            services->pieces[services->n_pieces++] = (struct piece) {
                .protocol = protocols[p], .first = cuts->firsts[i],
                .last = (i + 1 < cuts->n ? cuts->firsts[i + 1] - 1
                         : UINT16_MAX),
            };
        }
    }
    services->pieces[services->n_pieces++] = (struct piece) {
        .protocol = VMN_PROTO_ANY, .last = UINT16_MAX };
}

static void
put_icmp(const struct piece *piece, unsigned last, struct ds *ds)
{
    ds_put_format(ds, "%s type %u", schema_protocol_names[piece->protocol],
                  piece->first >> 8);
    if ((piece->first & 0xff) || (last & 0xff) != 0xff) {
        ds_put_format(ds, " code %u", piece->first & 0xff);
        if (last != piece->first) {
            ds_put_format(ds, " to type %u code %u", last >> 8, last & 0xff);
        }
    } else if (last >> 8 != piece->first >> 8) {
        ds_put_format(ds, " to %u", last >> 8);
    }
}

/* Appends a piece of ports up to 'last'. */
static void
put_piece(const struct piece *piece, unsigned last, struct ds *ds)
{
    const char *name = (piece->protocol == VMN_PROTO_ANY ? "other protocols"
                        : schema_protocol_names[piece->protocol]);

    ds_put_cstr(ds, ds->length ? ", " : "");
    if (!piece->first && last == UINT16_MAX) {
        ds_put_cstr(ds, name);
    } else if (piece->protocol == VMN_PROTO_ICMP
               || piece->protocol == VMN_PROTO_ICMPV6) {
        put_icmp(piece, last, ds);
    } else if (piece->first == last) {
        ds_put_format(ds, "%s/%u", name, last);
    } else {
        ds_put_format(ds, "%s/%u-%u", name, piece->first, last);
    }
}

void
services_put(const struct services *services, struct ds *ds)
{
    size_t n = 0;

    for (size_t i = 0; i < services->n_pieces; i++) {
        n += services->pieces[i].is_loosened;
    }
    if (n == services->n_pieces) {
        ds_put_cstr(ds, "all services");
        return;
    }
    for (size_t i = 0; i < services->n_pieces; i++) {
        const struct piece *piece = &services->pieces[i];
        size_t j = i;

        if (!piece->is_loosened) {
            continue;
        }
        while (j + 1 < services->n_pieces
               && services->pieces[j + 1].is_loosened
               && services->pieces[j + 1].protocol == piece->protocol) {
            j++;
        }
        put_piece(piece, services->pieces[j].last, ds);
        i = j;
    }
}

void
services_uninit(struct services *services)
{
    free(services->pieces);
}
