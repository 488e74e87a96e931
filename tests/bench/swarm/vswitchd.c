/* SPDX-License-Identifier: Apache-2.0
 *
 * What ovs-vswitchd does about its database: gives bridges an id, interfaces
 * a number and a link, and connects to controllers.  Plugging is what a
 * virtualization agent does. */

#include <config.h>

#include "tests/bench/swarm/swarm.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "sset.h"
#include "util.h"
#include "uuid.h"

#define BRIDGE "br-int"

static int
table(const struct host *host, const char *name)
{
    int number = schema_find_table(host->rows.schema, name);

    if (number < 0) {
        ovs_fatal(0, "the schema has no table %s", name);
    }
    return number;
}

/* A row that column 'name' of 'row' refers to: the 'i'-th, or NULL. */
static struct row *
referred(const struct host *host, const struct row *row, const char *name,
         unsigned i)
{
    struct ovsdb_datum d = rows_get(
        &host->rows, row,
        schema_find_column(rows_table(&host->rows, row), name));

    return i < d.n ? rows_find(&host->rows, -1, &d.keys[i].uuid) : NULL;
}

static struct row *
find_bridge(const struct host *host)
{
    struct row *row;

    ROWS_FOR_EACH (row, &host->rows, table(host, "Bridge")) {
        if (!strcmp(rows_get_string(&host->rows, row, "name"), BRIDGE)) {
            return row;
        }
    }
    return NULL;
}

/* Numbers.  -------------------------------------------------------------- */

#define OFPORTS 65536

/* Notes the numbers that interfaces have or ask for. */
static void
note_ofports(const struct host *host, unsigned long *taken)
{
    int interfaces = table(host, "Interface");
    struct row *row;

    ROWS_FOR_EACH (row, &host->rows, interfaces) {
        const char *const columns[] = { "ofport", "ofport_request" };

        for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
            int64_t n = rows_get_integer(&host->rows, row, columns[i], 0);

            if (n > 0 && n < OFPORTS) {
                bitmap_set1(taken, n);
            }
        }
    }
}

/* Gives each interface that has none the lowest number that no other has or
 * asks for: one that became free is used again at once. */
static void
number_interfaces(struct host *host, const struct row *bridge)
{
    unsigned long *taken = NULL;
    struct row *port;
    unsigned i;

    for (i = 0; (port = referred(host, bridge, "ports", i)); i++) {
        struct row *iface = referred(host, port, "interfaces", 0);
        const char *name;
        int64_t n;

        if (!iface || rows_get_integer(&host->rows, iface, "ofport", 0)) {
            continue;
        }
        if (!taken) {
            taken = bitmap_allocate(OFPORTS);
            bitmap_set1(taken, 0);
            note_ofports(host, taken);
        }
        name = rows_get_string(&host->rows, iface, "name");
        n = rows_get_integer(&host->rows, iface, "ofport_request", 0);
        if (!n) {
            n = (!strcmp(name, BRIDGE) ? 65534
                 : (int64_t) bitmap_scan(taken, 0, 1, OFPORTS));
        }
        bitmap_set1(taken, n);
        rows_set_integer(&host->rows, iface, "ofport", n);
        rows_set_string(&host->rows, iface, "link_state", "up");
    }
    bitmap_free(taken);
    host->n_ports = i;
}

/* Controllers.  ---------------------------------------------------------- */

#define CONTROLLERS_MAX 16
/* From a change until it is in the database. */
#define STATUS_MS 100

/* Connects to all controllers of the bridge. */
static void
follow_controllers(struct host *host, const struct row *bridge)
{
    struct controller wanted[CONTROLLERS_MAX];
    const struct row *c;
    size_t n = 0;

    while (bridge && n < CONTROLLERS_MAX
           && (c = referred(host, bridge, "controller", n))) {
        wanted[n++] = (struct controller) {
            .target = rows_get_string(&host->rows, c, "target"),
            .max_backoff_ms = rows_get_integer(&host->rows, c, "max_backoff",
                                               8000),
        };
    }
    switch_set_controllers(host, wanted, n);
}

static void
note_controller(struct host *host, struct row *c)
{
    const struct of_conn *conn = switch_find_controller(
        host, rows_get_string(&host->rows, c, "target"));
    const char *role = rows_get_string(&host->rows, c, "role");
    bool connected = conn && conn->bev;

    if (rows_get_boolean(&host->rows, c, "is_connected") != connected) {
        rows_set_boolean(&host->rows, c, "is_connected", connected);
    }
    if (conn && (!role || strcmp(role, role_name(conn)))) {
        rows_set_string(&host->rows, c, "role", role_name(conn));
    }
}

static void
status_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *host_)
{
    struct host *host = host_;
    struct row *bridge = find_bridge(host);
    struct row *c;

    for (unsigned i = 0;
         bridge && (c = referred(host, bridge, "controller", i)); i++) {
        note_controller(host, c);
    }
    rows_commit(&host->rows);
    server_notify(host);
}

void
vswitchd_note_controllers(struct host *host)
{
    static const struct timeval tv = { 0, STATUS_MS * 1000 };

    if (!evtimer_pending(host->status, NULL)) {
        event_add(host->status, &tv);
    }
}

uint64_t
vswitchd_epoch(const struct host *host)
{
    const struct row *bridge = find_bridge(host);
    const char *text = (bridge ? rows_get_key(&host->rows, bridge,
                                              "external_ids", "vmn-epoch")
                        : NULL);
    unsigned long long int epoch;

    return text && str_to_ullong(text, 10, &epoch) ? epoch : 0;
}

void
vswitchd_init(struct host *host)
{
    host->status = evtimer_new(host->swarm->base, status_cb, host);
}

void
vswitchd_uninit(struct host *host)
{
    event_free(host->status);
}

void
vswitchd_run(struct host *host)
{
    struct row *bridge = find_bridge(host);

    if (bridge) {
        if (!rows_get_string(&host->rows, bridge, "datapath_id")) {
            char *id = xasprintf("%016"PRIx64, host->datapath_id);

            rows_set_string(&host->rows, bridge, "datapath_id", id);
            free(id);
        }
        number_interfaces(host, bridge);
    }
    rows_commit(&host->rows);
    server_notify(host);
    follow_controllers(host, bridge);
}

/* Plugging.  ------------------------------------------------------------- */

static struct row *
new_row(struct host *host, const char *name)
{
    struct uuid uuid;

    uuid_generate(&uuid);
    return rows_insert(&host->rows, table(host, name), &uuid);
}

/* The port of 'bridge' whose interface has this iface-id, or NULL. */
static struct row *
find_plugged(const struct host *host, const struct row *bridge,
             const char *id)
{
    struct row *port;

    for (unsigned i = 0; (port = referred(host, bridge, "ports", i)); i++) {
        const struct row *iface = referred(host, port, "interfaces", 0);
        const char *own = (iface ? rows_get_key(&host->rows, iface,
                                                "external_ids", "iface-id")
                           : NULL);

        if (own && !strcmp(own, id)) {
            return port;
        }
    }
    return NULL;
}

/* Adds the iface-ids of the bridge's interfaces to 'ids'. */
static void
get_plugged(const struct host *host, const struct row *bridge,
            struct sset *ids)
{
    struct row *port;

    for (unsigned i = 0; (port = referred(host, bridge, "ports", i)); i++) {
        const struct row *iface = referred(host, port, "interfaces", 0);
        const char *id = (iface ? rows_get_key(&host->rows, iface,
                                               "external_ids", "iface-id")
                          : NULL);

        if (id) {
            sset_add(ids, id);
        }
    }
}

static void
change_done(struct host *host)
{
    rows_commit(&host->rows);
    server_notify(host);
    vswitchd_run(host);
}

const char *
vswitchd_plug(struct host *host, char **ids, size_t n)
{
    struct row *bridge = find_bridge(host);
    struct sset plugged = SSET_INITIALIZER(&plugged);

    if (!bridge) {
        return "the host has no bridge " BRIDGE " yet";
    }
    get_plugged(host, bridge, &plugged);
    for (size_t i = 0; i < n; i++) {
        struct row *iface, *port;

        if (!sset_add(&plugged, ids[i])) {
            continue;
        }
        iface = new_row(host, "Interface");
        port = new_row(host, "Port");
        rows_set_string(&host->rows, iface, "name", ids[i]);
        rows_set_pair(&host->rows, iface, "external_ids", "iface-id", ids[i]);
        rows_set_string(&host->rows, port, "name", ids[i]);
        rows_set_uuid(&host->rows, port, "interfaces", &iface->uuid);
        rows_refer(&host->rows, bridge, "ports", &port->uuid, true);
    }
    sset_destroy(&plugged);
    change_done(host);
    return NULL;
}

const char *
vswitchd_unplug(struct host *host, char **ids, size_t n)
{
    struct row *bridge = find_bridge(host);

    for (size_t i = 0; bridge && i < n; i++) {
        struct row *port = find_plugged(host, bridge, ids[i]);

        if (port) {
            rows_refer(&host->rows, bridge, "ports", &port->uuid, false);
        }
    }
    change_done(host);
    return NULL;
}

void
vswitchd_set_mtu(struct host *host, const char *id, int64_t mtu)
{
    struct row *bridge = find_bridge(host);
    struct row *port = bridge ? find_plugged(host, bridge, id) : NULL;

    if (port) {
        rows_set_integer(&host->rows, referred(host, port, "interfaces", 0),
                         "mtu", mtu);
        change_done(host);
    }
}
