/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of hosts; see hosts.h. */

#include <config.h>

#include "controller/fabric/hosts/hosts.h"

#include <inttypes.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(fabric);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 60);

struct fabric_host *
fabric_find_host(const struct fabric *f, const char *name)
{
    struct fabric_host *host;

    HMAP_FOR_EACH_WITH_HASH (host, name_node, hash_string(name, 0),
                             &f->hosts) {
        if (!strcmp(host->name, name)) {
            return host;
        }
    }
    return NULL;
}

struct fabric_host *
fabric_find_datapath(const struct fabric *f, uint64_t id)
{
    struct fabric_host *host;

    HMAP_FOR_EACH_WITH_HASH (host, claim_node, hash_uint64(id),
                             &f->claims) {
        if (host->claimed_id == id) {
            return host;
        }
    }
    return NULL;
}

struct fabric_host *
fabric_find_deleted(const struct fabric *f, const char *name)
{
    struct fabric_host *host;

    LIST_FOR_EACH (host, deleted_node, &f->deleted) {
        if (!strcmp(host->name, name) && !host->lost) {
            return host;
        }
    }
    return NULL;
}

struct fabric_host *
fabric_find_deleted_datapath(const struct fabric *f, uint64_t id)
{
    struct fabric_host *host;

    LIST_FOR_EACH (host, deleted_node, &f->deleted) {
        if (id && host->datapath_id == id && !host->lost) {
            return host;
        }
    }
    return NULL;
}

/* A deleted one has no state that users see. */
void
fabric_host_changed(struct fabric_host *host)
{
    if (host->cleanup) {
        return;
    }
    host->fabric->callbacks->host_changed(host);
    FABRIC_NOTIFY(host->fabric, host, (aux, host->name))
}

/* The datapath's ID is in the first report. */
bool
fabric_host_has_report(const struct fabric_host *host)
{
    const struct fabric *f = host->fabric;
    const struct vmn_underlay *row;

    if (host->reported || !fabric_stands_by(f)) {
        return host->reported;
    }
    row = model_get(f->model, VMN_TABLE_UNDERLAY, host->name);
    return row && row->datapath_id && row->datapath_id[0];
}

void
fabric_host_set_reported(struct fabric_host *host)
{
    if (!host->reported) {
        host->reported = true;
        host->fabric->callbacks->host_reported(host);
    }
}

/* Datapath ids.  --------------------------------------------------------- */

void
fabric_host_clash(const struct fabric_host *host,
                  const struct fabric_host *owner, uint64_t id,
                  const char *peer)
{
    host->fabric->stats.n_datapath_clashes++;
    VLOG_WARN_RL(&rl, "%s%shost \"%s\" has datapath id %016"PRIx64", which "
                      "is that of host \"%s\"", peer ? peer : "",
                 peer ? ": closed: " : "", host->name, id, owner->name);
}

void
fabric_host_set_claim(struct fabric_host *host, uint64_t id)
{
    struct fabric *f = host->fabric;

    if (id == host->claimed_id || (id && fabric_find_datapath(f, id))) {
        return;
    }
    if (host->claimed_id) {
        hmap_remove(&f->claims, &host->claim_node);
    }
    host->claimed_id = id;
    if (id) {
        hmap_insert(&f->claims, &host->claim_node, hash_uint64(id));
    }
}

const struct fabric_host *
fabric_host_set_datapath(struct fabric_host *host, uint64_t id)
{
    const struct fabric_host *owner
        = id ? fabric_find_datapath(host->fabric, id) : NULL;

    if (owner && owner != host) {
        return owner;
    }
    if (id != host->datapath_id) {
        if (id) {
            fabric_host_set_claim(host, id);
        }
        host->datapath_id = id;
        host->fabric->callbacks->datapath_changed(host);
    }
    return NULL;
}
