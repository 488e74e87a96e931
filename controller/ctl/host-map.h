/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of vmnctl restore --map-hosts: which hosts of a backup are other
 * machines, and where these are.  Not for whether that fits the backup
 * (controller/store/). */

#ifndef CONTROLLER_CTL_HOST_MAP_H
#define CONTROLLER_CTL_HOST_MAP_H 1

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "controller/schema/error.h"
#include "controller/store/store-file.h"

/* All zeros: there is none. */
struct ctl_host_map {
    json_t *doc;                /* Owns what the next refers to. */
    size_t n;
    struct store_host_map *maps;
};

/* Reads 'path', YAML or JSON ("-": 'in'), such as
 *
 *     hv1: {name: east1, tunnel_ip: 198.51.100.1}
 *     hv2: {name: east2, tunnel_ip: 198.51.100.2,
 *           ovsdb: "tcp:198.51.100.2:6640"}
 *
 * Returns 0, or a positive errno with an error. */
int ctl_host_map_load(struct ctl_host_map *, const char *path, FILE *in,
                      struct vmn_error *why);
void ctl_host_map_uninit(struct ctl_host_map *);

#endif /* controller/ctl/host-map.h */
