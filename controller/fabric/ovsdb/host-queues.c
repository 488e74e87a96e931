/* SPDX-License-Identifier: Apache-2.0
 *
 * See host-queues.h.  Until the first computation that has the host's report
 * it is not known what apps want, and what the host has stays: vmnd starts
 * with what was.  So it does as long as the app's flows do, which say what
 * goes by these queues: if it could not be loaded, or has failed since the
 * start (engine_keeps_units()).
 *
 * Open vSwitch tells nobody whether the kernel has made a queue but who asks
 * the very bridge that the interface is a port of, by OpenFlow; vmnd is no
 * controller of that one, which is the host's operator's.  So what is said of
 * an uplink is what the database tells. */

#include <config.h>

#include "controller/fabric/ovsdb/host-queues.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "proto/loop/loop.h"
#include "proto/ovsdb/ovsdb.h"
#include "sset.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* Its names, and those of its units, are apps/qos's. */
#define HOST_QUEUES_APP "qos"

static void
free_queues(struct host_queues *q)
{
    for (size_t i = 0; i < q->n_uplinks; i++) {
        free(q->states[i].fault);
    }
    free(q->states);
    free(q->uplinks);
    free(q->queues);
    free(q->active);
    free(q->text);
}

void
host_queues_uninit(struct fabric_host_db *db)
{
    free_queues(&db->queues);
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

/* Adds an uplink, unless there is one of its name, or no room. */
static void
add_uplink(struct host_queues *q, const char *port, uint32_t kbps)
{
    for (size_t i = 0; i < q->n_uplinks; i++) {
        if (!strcmp(q->uplinks[i].port, port)) {
            return;
        }
    }
    if (q->n_uplinks < HOST_UPLINKS_MAX) {
        q->uplinks[q->n_uplinks++] = (struct ovsdb_uplink) { port, kbps };
    }
}

/* Takes in 'text', which is as ENGINE_QUERY_UPLINKS has it, and is cut up. */
static void
parse(struct host_queues *q, char *text)
{
    char *rest = text, *uplinks = strsep(&rest, ";"), *name;
    size_t allocated_queues = 0;
    uint32_t kbps;

    q->uplinks = xcalloc(HOST_UPLINKS_MAX, sizeof *q->uplinks);
    q->states = xcalloc(HOST_UPLINKS_MAX, sizeof *q->states);
    while ((name = next_item(&uplinks, &kbps)) != NULL) {
        add_uplink(q, name, kbps);
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

/* Moves the states of uplinks that stay to 'q' from what was 'before'. */
static void
keep_states(struct host_queues *q, struct host_queues *before)
{
    for (size_t i = 0; i < q->n_uplinks; i++) {
        for (size_t j = 0; j < before->n_uplinks; j++) {
            if (!strcmp(q->uplinks[i].port, before->uplinks[j].port)) {
                q->states[i] = before->states[j];
                before->states[j].fault = NULL;
            }
        }
    }
}

/* Returns true if their statuses differ by more than their states.  They are
 * in the same order. */
static bool
uplinks_differ(const struct host_queues *a, const struct host_queues *b)
{
    if (a->n_uplinks != b->n_uplinks) {
        return true;
    }
    for (size_t i = 0; i < a->n_uplinks; i++) {
        if (strcmp(a->uplinks[i].port, b->uplinks[i].port)
            || a->uplinks[i].max_kbps != b->uplinks[i].max_kbps) {
            return true;
        }
    }
    return false;
}

/* Reads what the host is to have.  What it has said of an uplink stays: it
 * says nothing new of it, and its queues may have the rates of before. */
static void
read_queues(struct fabric_host_db *db)
{
    struct host_queues before = db->queues;
    size_t size;

    db->queues = (struct host_queues) {
        .known = true,
        .text = engine_peek(db->host->fabric->engine, ENGINE_QUERY_UPLINKS,
                            db->host->name, &size),
    };
    if (db->queues.text) {
        parse(&db->queues, db->queues.text);
    }
    keep_states(&db->queues, &before);
    if (uplinks_differ(&db->queues, &before)) {
        fabric_host_changed(db->host);
    }
    free_queues(&before);
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

/* What hosts report.  ----------------------------------------------------- */

static const char *
datapath_of(const struct ovsdb_snapshot *snapshot, const char *bridge)
{
    for (size_t i = 0; i < snapshot->n_bridges; i++) {
        if (!strcmp(snapshot->bridges[i].name, bridge)) {
            return snapshot->bridges[i].datapath_type;
        }
    }
    return "system";
}

/* Returns why nothing is guaranteed at an interface of an uplink, as a clause
 * that the caller frees; or NULL.  '*passes' is set if that may pass by
 * itself. */
static char *
fault_of(const struct ovsdb_snapshot *snapshot,
         const struct ovsdb_interface *iface, bool *passes)
{
    const char *datapath = datapath_of(snapshot, iface->bridge);

    *passes = false;
    if (iface->has_qos && (!iface->qos_owner
                           || strcmp(iface->qos_owner, HOST_DB_OWNER))) {
        return xasprintf("has a QoS that was not made by %s", HOST_DB_OWNER);
    } else if (!ovsdb_type_has_queues(iface->type)) {
        return xasprintf("is of type %.32s", iface->type);
    } else if (strcmp(datapath, "system")) {
        return xasprintf("is on datapath \"%.32s\", which has no queues",
                         datapath);
    } else if (iface->ofport < 0 || iface->error) {
        *passes = true;
        return xasprintf("could not be opened by the switch (%.200s)",
                         iface->error ? iface->error : "no reason given");
    } else if (snapshot->hw_offload) {
        return xstrdup("may be given packets past its queues, by hardware "
                       "(other_config:hw-offload)");
    }
    return NULL;
}

/* Returns the state of uplink 'port', whose 'fault' the caller owns.  Of one
 * with several interfaces, a bond, each has the queues.  '*passes' as
 * fault_of(). */
static struct host_uplink
state_of(const struct ovsdb_snapshot *snapshot, const char *port, bool *passes)
{
    struct host_uplink state = { .fault = NULL };
    bool found = false;

    *passes = false;
    for (size_t i = 0; !state.fault && i < snapshot->n_interfaces; i++) {
        const struct ovsdb_interface *iface = &snapshot->interfaces[i];

        if (!strcmp(iface->port ? iface->port : iface->name, port)) {
            found = true;
            state.fault = fault_of(snapshot, iface, passes);
            state.active = iface->has_qos && !state.fault;
        }
    }
    if (!found) {
        state.fault = xstrdup("is no port of a bridge");
    }
    return state;
}

/* Takes a fault that may pass by itself off 'next', for a while, if the uplink
 * was active: a device that comes and goes would have all be computed again
 * each time. */
static void
retain(const struct fabric_host_db *db, const struct host_uplink *state,
       struct host_uplink *next)
{
    int64_t now_ms = loop_now_ms(db->host->fabric->loop);
    int64_t until_ms = (state->retained_ms ? state->retained_ms
                        : now_ms + db->host->fabric->retained_ms);

    if (state->active && now_ms < until_ms) {
        free(next->fault);
        *next = (struct host_uplink) { .active = true,
                                       .retained_ms = until_ms };
    }
}

/* Sets the state, and owns 'next.fault' then.  Returns true if it was
 * another. */
static bool
set_state(struct host_uplink *state, struct host_uplink next)
{
    bool changed = (next.active != state->active
                    || !nullable_string_is_equal(next.fault, state->fault));

    free(state->fault);
    *state = next;
    return changed;
}

/* What the field has room for. */
#define ACTIVE_LEN_MAX 255

/* Returns the names of those that are active: ",A,B,". */
static char *
active_uplinks(const struct host_queues *q)
{
    struct ds names = DS_EMPTY_INITIALIZER;

    ds_put_char(&names, ',');
    for (size_t i = 0; i < q->n_uplinks; i++) {
        const char *port = q->uplinks[i].port;

        /* An app may have published any name. */
        if (q->states[i].active && !value_check_iface_id(port, NULL)
            && names.length + strlen(port) + 1 <= ACTIVE_LEN_MAX) {
            ds_put_format(&names, "%s,", port);
        }
    }
    return ds_steal_cstr(&names);
}

/* Ends a report, which has 'changed' a state or not. */
static void
end_report(struct fabric_host_db *db, bool changed)
{
    struct host_queues *q = &db->queues;

    free(q->active);
    q->active = q->n_uplinks ? active_uplinks(q) : NULL;
    if (changed) {
        fabric_host_changed(db->host);
    }
}

bool
host_queues_report(struct fabric_host_db *db,
                   const struct ovsdb_snapshot *snapshot)
{
    struct host_queues *q = &db->queues;
    bool changed = false;

    for (size_t i = 0; i < q->n_uplinks; i++) {
        struct host_uplink *state = &q->states[i];
        bool passes;
        struct host_uplink next = state_of(snapshot, q->uplinks[i].port,
                                           &passes);

        if (passes) {
            retain(db, state, &next);
        }
        changed |= set_state(state, next);
    }
    end_report(db, changed);
    return changed;
}

bool
host_queues_refuse(struct fabric_host_db *db)
{
    struct host_queues *q = &db->queues;
    bool changed = false;

    for (size_t i = 0; i < q->n_uplinks; i++) {
        changed |= set_state(&q->states[i],
                             (struct host_uplink) { .active = false });
    }
    end_report(db, changed);
    return changed;
}

int64_t
host_queues_deadline(const struct fabric_host_db *db)
{
    int64_t now_ms = loop_now_ms(db->host->fabric->loop);
    const struct host_queues *q = &db->queues;
    int64_t when_ms = INT64_MAX;

    for (size_t i = 0; i < q->n_uplinks; i++) {
        if (q->states[i].retained_ms > now_ms) {
            when_ms = MIN(when_ms, q->states[i].retained_ms);
        }
    }
    return when_ms;
}

char *
host_queues_reason(const struct fabric_host_db *db)
{
    const struct host_queues *q = &db->queues;
    struct ds reason = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < q->n_uplinks; i++) {
        if (q->states[i].fault) {
            ds_put_format(&reason, "%suplink \"%.64s\" %s: nothing is "
                          "guaranteed there", reason.length ? "; " : "",
                          q->uplinks[i].port, q->states[i].fault);
        }
    }
    return reason.length ? ds_steal_cstr(&reason) : NULL;
}

/* One row of a kind that all members of a cluster know, with the fields that
 * they know: a row with a name that older ones refuse would stop them. */
size_t
host_queues_vifs(const struct fabric_host_db *db, struct vif_report *reports,
                 size_t n)
{
    const struct host_queues *q = &db->queues;

    if (!q->active) {
        return n;
    }
    reports[n++] = (struct vif_report) {
        .iface_id = xstrdup(VMN_VIF_QUEUES),
        .iface = q->active,
        .ofport = VMN_QUEUES_OFPORT,
        .link_up = true,
    };
    return n;
}

void
host_queues_status(const struct fabric_host_db *db, struct arena *arena,
                   struct status_host *status)
{
    const struct host_queues *q = &db->queues;

    if (q->n_uplinks) {
        status->n_uplinks = q->n_uplinks;
        status->uplinks = arena_alloc(arena, q->n_uplinks
                                             * sizeof *status->uplinks);
    }
    for (size_t i = 0; i < q->n_uplinks; i++) {
        status->uplinks[i] = (struct status_uplink) {
            .interface = arena_strdup(arena, q->uplinks[i].port),
            .max_kbps = q->uplinks[i].max_kbps,
            .active = q->states[i].active,
            .reason = (q->states[i].fault
                       ? arena_strdup(arena, q->states[i].fault) : NULL),
        };
    }
    if (q->held && !status->reason) {
        status->reason = "its queues stay as they are: app " HOST_QUEUES_APP
                         " has problems since vmnd was started";
    }
}
