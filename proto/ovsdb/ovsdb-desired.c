/* SPDX-License-Identifier: Apache-2.0
 *
 * A desired configuration (ovsdb.h): copies of it, which a session keeps, and
 * which rows are its owner's.  Not for what is written (ovsdb-config.c). */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <stdlib.h>
#include <string.h>

#include "smap.h"
#include "util.h"

static void
free_strings(const char *const *strings, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(CONST_CAST(char *, strings[i]));
    }
    free(CONST_CAST(char **, strings));
}

void
ovsdb_desired_destroy(struct ovsdb_desired *w)
{
    if (w) {
        free(CONST_CAST(char *, w->owner));
        free(CONST_CAST(char *, w->bridge));
        free(CONST_CAST(char *, w->datapath_type));
        free(CONST_CAST(char *, w->protocol));
        for (size_t i = 0; i < OVSDB_TUNNELS_MAX; i++) {
            free(CONST_CAST(char *, w->tunnels[i].name));
            free(CONST_CAST(char *, w->tunnels[i].type));
        }
        free(CONST_CAST(char *, w->tunnel_local_ip));
        for (size_t i = 0; i < w->n_patches; i++) {
            free(CONST_CAST(char *, w->patches[i].bridge));
            free(CONST_CAST(char *, w->patches[i].name));
            free(CONST_CAST(char *, w->patches[i].iface_id));
            free(CONST_CAST(char *, w->patches[i].other_name));
        }
        free(CONST_CAST(struct ovsdb_patch *, w->patches));
        free_strings(w->controllers, w->n_controllers);
        free_strings(w->managers.targets, w->managers.n);
        free(CONST_CAST(char *, w->managers.cluster));
        ovsdb_sflow_uninit(&w->sflow);
        ovsdb_ipfix_uninit(&w->ipfix);
        for (size_t i = 0; i < w->n_uplinks; i++) {
            free(CONST_CAST(char *, w->uplinks[i].port));
        }
        free(CONST_CAST(struct ovsdb_uplink *, w->uplinks));
        free(CONST_CAST(struct ovsdb_queue *, w->queues));
        free(w);
    }
}

static const struct ovsdb_patch *
clone_patches(const struct ovsdb_desired *w)
{
    struct ovsdb_patch *patches = xcalloc(MAX(w->n_patches, 1),
                                          sizeof *patches);

    for (size_t i = 0; i < w->n_patches; i++) {
        const struct ovsdb_patch *from = &w->patches[i];

        patches[i] = (struct ovsdb_patch) {
            .bridge = nullable_xstrdup(from->bridge),
            .name = xstrdup(from->name),
            .iface_id = xstrdup(from->iface_id),
            .other_name = xstrdup(from->other_name),
        };
    }
    return patches;
}

static const char *const *
clone_strings(const char *const *strings, size_t n)
{
    const char **copies = xcalloc(MAX(n, 1), sizeof *copies);

    for (size_t i = 0; i < n; i++) {
        copies[i] = xstrdup(strings[i]);
    }
    return copies;
}

static const struct ovsdb_uplink *
clone_uplinks(const struct ovsdb_desired *w)
{
    struct ovsdb_uplink *uplinks = xcalloc(MAX(w->n_uplinks, 1),
                                           sizeof *uplinks);

    for (size_t i = 0; i < w->n_uplinks; i++) {
        uplinks[i] = w->uplinks[i];
        uplinks[i].port = xstrdup(uplinks[i].port);
    }
    return uplinks;
}

struct ovsdb_desired *
ovsdb_desired_clone(const struct ovsdb_desired *w)
{
    struct ovsdb_desired *copy = xmemdup(w, sizeof *w);

    copy->owner = xstrdup(w->owner);
    copy->bridge = xstrdup(w->bridge);
    copy->datapath_type = xstrdup(w->datapath_type);
    copy->protocol = xstrdup(w->protocol);
    for (size_t i = 0; i < OVSDB_TUNNELS_MAX; i++) {
        copy->tunnels[i].name = nullable_xstrdup(w->tunnels[i].name);
        copy->tunnels[i].type = nullable_xstrdup(w->tunnels[i].type);
    }
    copy->tunnel_local_ip = nullable_xstrdup(w->tunnel_local_ip);
    copy->patches = clone_patches(w);
    copy->controllers = clone_strings(w->controllers, w->n_controllers);
    copy->managers.targets = clone_strings(w->managers.targets,
                                           w->managers.n);
    copy->managers.cluster = nullable_xstrdup(w->managers.cluster);
    ovsdb_sflow_clone(&copy->sflow, &w->sflow);
    ovsdb_ipfix_clone(&copy->ipfix, &w->ipfix);
    copy->uplinks = clone_uplinks(w);
    copy->queues = (w->n_queues
                    ? xmemdup(w->queues, w->n_queues * sizeof *w->queues)
                    : NULL);
    return copy;
}

bool
ovsdb_is_ours(const struct ovsdb_desired *desired,
              const struct smap *external_ids)
{
    return nullable_string_is_equal(smap_get(external_ids, OVSDB_OWNER_KEY),
                                    desired->owner);
}
