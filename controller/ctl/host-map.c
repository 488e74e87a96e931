/* SPDX-License-Identifier: Apache-2.0
 *
 * See host-map.h. */

#include <config.h>

#include "controller/ctl/host-map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/object-files.h"
#include "util.h"

/* As many as there may be hosts. */
#define HOSTS_MAX 3000

static int
set_member(struct store_host_map *map, const char *path, const char *member,
           const json_t *value, struct vmn_error *why)
{
    const struct {
        const char *name;
        const char **to;
    } members[] = {
        { "name", &map->to },
        { "ovsdb", &map->ovsdb },
        { "tunnel_ip", &map->tunnel_ip },
        { "second_tunnel_ip", &map->second_tunnel_ip },
    };

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        if (!strcmp(members[i].name, member)) {
            *members[i].to = json_string_value(value);
            return (json_is_string(value) ? 0
                    : vmn_error_invalid(why, "%s: /%s/%s: must be a text",
                                        path, map->from, member));
        }
    }
    return vmn_error_invalid(why, "%s: /%s/%s: there is no such member; there "
                             "are name, ovsdb, tunnel_ip and "
                             "second_tunnel_ip", path, map->from, member);
}

static int
add_host(struct ctl_host_map *map, const char *path, const char *from,
         json_t *members, struct vmn_error *why)
{
    struct store_host_map *host = &map->maps[map->n++];
    const char *member;
    json_t *value;
    int error = 0;

    *host = (struct store_host_map) { .from = from, .to = from };
    if (!json_is_object(members)) {
        return vmn_error_invalid(why, "%s: /%s: must be an object, such as "
                                 "{name: east1, tunnel_ip: 198.51.100.1}",
                                 path, from);
    }
    json_object_foreach (members, member, value) {
        error = error ? error : set_member(host, path, member, value, why);
    }
    return error;
}

int
ctl_host_map_load(struct ctl_host_map *map, const char *path, FILE *in,
                  struct vmn_error *why)
{
    const char *from;
    json_t *members;
    size_t n;
    int error = 0;

    map->doc = ctl_document_load(path, in, why);
    if (!map->doc) {
        return EINVAL;
    }
    n = json_object_size(map->doc);
    if (!n || n > HOSTS_MAX) {
        return vmn_error_invalid(why, "%s: must be an object with 1 to %d "
                                 "hosts of the backup, by name", path,
                                 HOSTS_MAX);
    }
    map->maps = xcalloc(n, sizeof *map->maps);
    json_object_foreach (map->doc, from, members) {
        error = error ? error : add_host(map, path, from, members, why);
    }
    return error;
}

void
ctl_host_map_uninit(struct ctl_host_map *map)
{
    json_decref(map->doc);
    free(map->maps);
    memset(map, 0, sizeof *map);
}
