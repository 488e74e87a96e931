/* SPDX-License-Identifier: Apache-2.0
 *
 * A digest of the desired state of a host, for comparing it with the installed
 * state without listing either.  The order of flows does not matter.  For
 * tests and people; the fabric itself does not use it, so it needs no key, and
 * anyone who can read the switch can compute it. */

#include <config.h>

#include "controller/fabric/fabric-private.h"
#include "controller/fabric/session/reported-flows.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openflow/openflow-1.1.h"
#include "openflow/openflow-1.5.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

struct digest {
    struct ofpbuf record;       /* Scratch. */
    uint64_t sum;
    size_t n_flows, n_groups;
};

/* Adds what a dump shows of a flow (OpenFlow 1.5, section 7.3.5.2) without its
 * length and its statistics. */
static void
append_flow(struct ofpbuf *b, const uint8_t *body, size_t size)
{
    const struct ofp11_flow_mod *fm = (const void *) body;
    const struct ofp15_flow_desc desc = {
        .table_id = fm->table_id,
        .priority = fm->priority,
        .idle_timeout = fm->idle_timeout,
        .hard_timeout = fm->hard_timeout,
        .flags = fm->flags,
        .importance = fm->importance,
        .cookie = fm->cookie,
    };

    ofpbuf_put(b, &desc, sizeof desc);
    ofpbuf_put(b, body + sizeof *fm, size - sizeof *fm);
}

/* The same for a group (section 7.3.5.10). */
static void
append_group(struct ofpbuf *b, const uint8_t *body, size_t size)
{
    const struct ofp15_group_mod *gm = (const void *) body;
    const struct ofp15_group_desc_stats desc = {
        .type = gm->type,
        .group_id = gm->group_id,
        .bucket_list_len = gm->bucket_array_len,
    };

    ofpbuf_put(b, &desc, sizeof desc);
    ofpbuf_put(b, body + sizeof *gm, size - sizeof *gm);
}

static void
item_cb(void *d_, const struct flow_item *item)
{
    const struct ofp_header *inner = ofmessage_inner(item);
    size_t size = ntohs(inner->length) - sizeof *inner;
    const uint8_t *body = (const uint8_t *) (inner + 1);
    struct digest *d = d_;
    ovs_u128 hash;

    ofpbuf_clear(&d->record);
    if (item->kind == FLOW_ITEM_FLOW) {
        append_flow(&d->record, body, size);
        d->n_flows++;
    } else {
        append_group(&d->record, body, size);
        d->n_groups++;
    }
    hash_bytes128(d->record.data, d->record.size, 0, &hash);
    d->sum += hash.u64.lo;
}

char *
fabric_host_digest(const struct fabric *f, const char *host)
{
    struct digest d = { .sum = 0 };

    ofpbuf_init(&d.record, 512);
    engine_host_items(f->engine, host, item_cb, &d);
    ofpbuf_uninit(&d.record);
    return xasprintf("%"PRIuSIZE" %"PRIuSIZE" %016"PRIx64, d.n_flows,
                     d.n_groups, d.sum);
}
