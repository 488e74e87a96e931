/* SPDX-License-Identifier: Apache-2.0
 *
 * See host-queues.h.  Until the first computation that has the host's report
 * it is not known what apps want, and what the host has stays: vmnd starts
 * with what was.  So it does as long as the app's flows do, which say what
 * goes by these queues: if it could not be loaded, or has failed since the
 * start (engine_keeps_units()). */

#include <config.h>

#include "controller/fabric/ovsdb/host-queues.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "proto/ovsdb/ovsdb.h"
#include "sset.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* Its names, and those of its units, are apps/qos's. */
#define HOST_QUEUES_APP "qos"

void
host_queues_uninit(struct fabric_host_db *db)
{
    free(db->queues.uplinks);
    free(db->queues.queues);
    free(db->queues.text);
    db->queues = (struct host_queues) { .known = false };
}

/* Cuts the next item, "NAME/KBPS", off '*rest', which has commas between them.
 * Sets '*kbps'.  Returns its name, or NULL if there is none. */
static char *
next_item(char **rest, uint32_t *kbps)
{
    char *item, *slash;

    while ((item = strsep(rest, ",")) != NULL) {
        slash = strchr(item, '/');
        if (slash) {
            unsigned long int rate = strtoul(slash + 1, NULL, 10);

            *slash = '\0';
            *kbps = (uint32_t) MAX(1, MIN(rate, VMN_UPLINK_KBPS_MAX));
            return item;
        }
    }
    return NULL;
}

static int
compare_queues(const void *a_, const void *b_)
{
    const struct ovsdb_queue *a = a_;
    const struct ovsdb_queue *b = b_;

    return a->number < b->number ? -1 : a->number > b->number;
}

/* Sorts the queues, and leaves out what is there twice, or is none. */
static void
sort_queues(struct host_queues *q)
{
    size_t n = 0;

    if (q->n_queues) {
        qsort(q->queues, q->n_queues, sizeof *q->queues, compare_queues);
    }
    for (size_t i = 0; i < q->n_queues; i++) {
        uint32_t number = q->queues[i].number;

        if (number >= VMN_UPLINK_QUEUE_MIN && number <= VMN_UPLINK_QUEUE_MAX
            && (!n || number != q->queues[n - 1].number)) {
            q->queues[n++] = q->queues[i];
        }
    }
    q->n_queues = n;
}

/* Takes in 'text', which is as ENGINE_QUERY_UPLINKS has it, and is cut up. */
static void
parse(struct host_queues *q, char *text)
{
    char *rest = text, *uplinks = strsep(&rest, ";"), *name;
    size_t allocated_uplinks = 0, allocated_queues = 0;
    uint32_t kbps;

    while ((name = next_item(&uplinks, &kbps)) != NULL) {
        if (q->n_uplinks >= allocated_uplinks) {
            q->uplinks = x2nrealloc(q->uplinks, &allocated_uplinks,
                                    sizeof *q->uplinks);
        }
        q->uplinks[q->n_uplinks++] = (struct ovsdb_uplink) { name, kbps };
    }
    while ((name = next_item(&rest, &kbps)) != NULL) {
        if (q->n_queues >= allocated_queues) {
            q->queues = x2nrealloc(q->queues, &allocated_queues,
                                   sizeof *q->queues);
        }
        q->queues[q->n_queues++] = (struct ovsdb_queue) {
            strtoul(name, NULL, 10), kbps,
        };
    }
    sort_queues(q);
}

/* Reads what the host is to have. */
static void
read_queues(struct fabric_host_db *db)
{
    size_t size;
    char *text = engine_peek(db->host->fabric->engine, ENGINE_QUERY_UPLINKS,
                             db->host->name, &size);

    host_queues_uninit(db);
    db->queues.known = true;
    db->queues.text = text;
    if (text) {
        parse(&db->queues, text);
    }
}

/* Queues follow from the ports that are on a host.  Those are not stored: of a
 * host that has not reported yet apps know no ports, and want none. */
bool
host_queues_are_known(const struct fabric_host_db *db)
{
    return db->queues.known && db->observed && db->observed->announced;
}

void
host_queues_create(struct fabric *f)
{
    engine_watch(f->engine, ENGINE_QUERY_UPLINKS);
}

/* Returns true if it is not known yet what the app wants of any host.  What it
 * says of a port, an uplink or a policy is of whichever hosts, or all. */
static bool
is_unknown(const struct fabric *f)
{
    static const char *const units[] = { "number", "port", "uplink", NULL };

    return engine_keeps_units(f->engine, HOST_QUEUES_APP, units);
}

/* Returns true if that is so since the app could not be loaded, which is told
 * of the app. */
static bool
is_absent(const struct fabric *f)
{
    static const char *const units[] = { NULL };

    return engine_keeps_units(f->engine, HOST_QUEUES_APP, units);
}

/* Returns true if it is not known what the app wants of a host, by the units
 * that are its own. */
static bool
is_unknown_of(const struct fabric_host *host)
{
    static const char *const units[] = { "queues", "uplinks" };
    bool unknown = false;

    for (size_t i = 0; !unknown && i < ARRAY_SIZE(units); i++) {
        char *name = xasprintf(HOST_QUEUES_APP ".%s/%s", units[i],
                               host->name);

        unknown = engine_keeps_unit(host->fabric->engine, name);
        free(name);
    }
    return unknown;
}

/* Notes that the host's queues are held, or not. */
static void
set_held(struct fabric_host *host, bool held)
{
    if (held != host->db->queues.held) {
        host->db->queues.held = held;
        fabric_host_changed(host);
    }
}

void
host_queues_group(struct fabric *f, bool changed,
                  void (*desired_changed)(struct fabric_host_db *))
{
    struct sset names = SSET_INITIALIZER(&names);
    bool unknown = is_unknown(f), absent = is_absent(f), waits = unknown;
    struct fabric_host *host;

    engine_take_changed(f->engine, ENGINE_QUERY_UPLINKS, &names);
    changed |= !sset_is_empty(&names) || !f->db->queues_have_begun;
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (!changed) {
            break;
        } else if (!host->db) {
            continue;
        } else if (!host->db->queues.known
                   && (unknown || is_unknown_of(host))) {
            waits = true;
            set_held(host, !absent);
        } else if (!host->db->queues.known
                   || sset_contains(&names, host->name)) {
            set_held(host, false);
            read_queues(host->db);
            desired_changed(host->db);
        }
    }
    sset_destroy(&names);
    f->db->queues_have_begun = !waits;
}

const char *
host_queues_reason(const struct fabric_host_db *db)
{
    return (db->queues.held
            ? "its queues stay as they are: app " HOST_QUEUES_APP " has "
              "problems since vmnd was started" : NULL);
}
