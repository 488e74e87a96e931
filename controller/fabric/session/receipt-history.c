/* SPDX-License-Identifier: Apache-2.0
 *
 * Receipts in the store: they are written some time after they changed, many
 * at once, so that an acknowledgement causes no write of its own; and read
 * when one is requested that is no longer in memory.  What was not stored is
 * unknown, and never inferred from what hosts have installed now.
 *
 * The text of a receipt is a JSON array: [time, [microseconds of each step],
 * [[app, added, changed, removed], ...], [[host, state, time, reason],
 * ...]]. */

#include <config.h>

#include "controller/fabric/session/receipts.h"

#include <event2/event.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/activity.h"
#include "controller/commit/commit.h"
#include "controller/fabric/fabric-private.h"
#include "controller/fabric/session/receipts-private.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "proto/loop/loop.h"
#include "util.h"

/* Delay before a changed receipt is written; shorter if this many have
 * changed. */
#define SAVE_MS 500
#define SAVE_MANY 128

/* Writing.  -------------------------------------------------------------- */

/* Durations of the group's steps, in the order of struct
 * activity_item_steps. */
static void
put_steps(const struct fabric *f, const struct receipt *receipt,
          struct ds *ds)
{
    const struct activity_group *group = activity_find(
        commit_activity(f->commit), receipt->last);
    int64_t installed = (group && receipt->n_hosts && !receipt->n_missing
                         ? receipt->confirmed_us - group->begin_us : -1);

    ds_put_char(ds, '[');
    for (int i = 0; group && i < ACTIVITY_N_STEPS; i++) {
        ds_put_format(ds, "%"PRId64",", group->step_us[i]);
    }
    if (group) {
        ds_put_format(ds, "%"PRId64, installed);
    }
    ds_put_char(ds, ']');
}

static void
put_hosts(const struct receipt *receipt, struct ds *ds)
{
    for (size_t i = 0; i < receipt->n_hosts; i++) {
        const struct receipt_host *rh = &receipt->hosts[i];

        ds_put_cstr(ds, i ? ",[" : "[");
        schema_print_string(ds, rh->name);
        ds_put_char(ds, ',');
        schema_print_number(ds, rh->state, 1);
        ds_put_char(ds, ',');
        schema_print_number(ds, rh->time_ms, 1);
        if (rh->reason) {
            ds_put_char(ds, ',');
            schema_print_string(ds, rh->reason);
        }
        ds_put_char(ds, ']');
    }
}

static void
save(struct fabric *f, struct receipt *receipt)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct store_receipt stored = {
        .first = receipt->first, .last = receipt->last,
        .of_people = receipt->of_people, .n_hosts = receipt->n_hosts,
        .n_missing = receipt->n_missing,
    };

    ds_put_format(&ds, "[%"PRId64",", receipt->time_ms);
    put_steps(f, receipt, &ds);
    ds_put_cstr(&ds, ",[");
    for (size_t i = 0; i < receipt->n_apps; i++) {
        const struct receipt_app *app = &receipt->apps[i];

        ds_put_cstr(&ds, i ? ",[" : "[");
        schema_print_string(&ds, app->name);
        ds_put_format(&ds, ",%u,%u,%u]", app->added, app->changed,
                      app->removed);
    }
    ds_put_cstr(&ds, "],[");
    put_hosts(receipt, &ds);
    ds_put_cstr(&ds, "]]");
    stored.body = ds_steal_cstr(&ds);
    commit_put_receipt(f->commit, &stored);
}

static void
save_first(struct fabric *f)
{
    struct fabric_receipts *r = f->receipts;
    struct receipt *receipt = CONTAINER_OF(ovs_list_pop_front(&r->unsaved),
                                           struct receipt, unsaved_node);

    ovs_list_init(&receipt->unsaved_node);
    r->n_unsaved--;
    save(f, receipt);
}

static void
save_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    static const struct timeval at_once = { 0, 0 };
    struct fabric *f = f_;
    struct fabric_receipts *r = f->receipts;

    while (!ovs_list_is_empty(&r->unsaved)) {
        save_first(f);
        if (loop_turn_is_over(f->loop)) {
            break;
        }
    }
    if (!ovs_list_is_empty(&r->unsaved)) {
        event_add(r->save, &at_once);
    }
}

void
receipt_history_init(struct fabric *f)
{
    ovs_list_init(&f->receipts->unsaved);
    f->receipts->save = event_new(f->base, -1, 0, save_cb, f);
}

void
receipt_history_uninit(struct fabric *f)
{
    event_free(f->receipts->save);
}

void
receipt_changed(struct fabric *f, struct receipt *receipt)
{
    static const struct timeval soon = { 0, SAVE_MS * 1000 };
    struct fabric_receipts *r = f->receipts;

    if (!ovs_list_is_empty(&receipt->unsaved_node)) {
        return;
    }
    ovs_list_push_back(&r->unsaved, &receipt->unsaved_node);
    if (++r->n_unsaved == 1) {
        event_add(r->save, &soon);
    } else if (r->n_unsaved == SAVE_MANY) {
        event_active(r->save, EV_TIMEOUT, 1);
    }
}

void
receipt_forget(struct fabric *f, struct receipt *receipt)
{
    if (!ovs_list_is_empty(&receipt->unsaved_node)) {
        ovs_list_remove(&receipt->unsaved_node);
        ovs_list_init(&receipt->unsaved_node);
        f->receipts->n_unsaved--;
        save(f, receipt);
    }
}

void
receipts_save(struct fabric *f)
{
    while (!ovs_list_is_empty(&f->receipts->unsaved)) {
        save_first(f);
    }
}

/* Reading.  What is not of this form is passed over.  -------------------- */

static int64_t
get_number(const json_t *array, size_t i)
{
    return json_integer_value(json_array_get(array, i));
}

static const char *
get_text(const json_t *array, size_t i, struct arena *arena)
{
    const char *text = json_string_value(json_array_get(array, i));

    return text ? arena_strdup(arena, text) : NULL;
}

static void
read_steps(const json_t *steps, struct fabric_receipt *shown)
{
    shown->has_steps = json_array_size(steps) == ACTIVITY_N_STEPS + 1;
    shown->steps = (struct activity_item_steps) {
        .apply = get_number(steps, ACTIVITY_APPLY),
        .compile = get_number(steps, ACTIVITY_COMPILE),
        .store = get_number(steps, ACTIVITY_STORE),
        .send = get_number(steps, ACTIVITY_SEND),
        .installed = get_number(steps, ACTIVITY_N_STEPS),
    };
}

static void
read_flows(const json_t *apps, struct arena *arena,
           struct fabric_receipt *shown)
{
    size_t n = json_array_size(apps);

    shown->flows = arena_alloc(arena, n * sizeof *shown->flows);
    for (size_t i = 0; i < n; i++) {
        const json_t *app = json_array_get(apps, i);
        const char *name = get_text(app, 0, arena);

        if (name) {
            shown->flows[shown->n_flows++] = (struct status_app_flows) {
                .app = name, .added = get_number(app, 1),
                .changed = get_number(app, 2), .removed = get_number(app, 3),
            };
        }
    }
}

/* Parses a host.  If it had not confirmed, what it has acknowledged by now
 * counts; the time of that is unknown.  Returns false if the host no longer
 * exists. */
static bool
read_host(const struct fabric *f, const json_t *json, uint64_t revision,
          struct arena *arena, struct fabric_receipt_host *shown)
{
    const char *name = get_text(json, 0, arena);
    int64_t state = get_number(json, 1);

    if (!name) {
        return false;
    }
    if (state == RECEIPT_CONFIRMED) {
        *shown = (struct fabric_receipt_host) {
            .host = name, .state = "confirmed", .time = get_number(json, 2),
        };
        return true;
    }
    return receipt_show_late_host(
        f, name, revision, get_number(json, 2),
        state == RECEIPT_FAILED ? get_text(json, 3, arena) : NULL, arena,
        shown);
}

static void
read_hosts(const struct fabric *f, const json_t *hosts, uint64_t revision,
           struct arena *arena, struct fabric_receipt *shown)
{
    size_t n = json_array_size(hosts);

    shown->hosts = arena_alloc(arena, n * sizeof *shown->hosts);
    shown->installed = true;
    for (size_t i = 0; i < n; i++) {
        struct fabric_receipt_host *host = &shown->hosts[shown->n_hosts];

        if (read_host(f, json_array_get(hosts, i), revision, arena, host)) {
            shown->n_hosts++;
            shown->installed &= !strcmp(host->state, "confirmed");
        }
    }
}

bool
receipt_history_get(const struct fabric *f, uint64_t revision,
                    struct arena *arena, struct fabric_receipt *shown)
{
    struct store_receipt stored;
    json_t *json;

    if (commit_get_receipt(f->commit, revision, true, &stored)) {
        return false;
    }
    json = stored.body ? json_loads(stored.body, 0, NULL) : NULL;
    free(stored.body);
    if (json_array_size(json) == 4) {
        read_steps(json_array_get(json, 1), shown);
        read_flows(json_array_get(json, 2), arena, shown);
        read_hosts(f, json_array_get(json, 3), stored.last, arena, shown);
        shown->recorded = true;
    }
    json_decref(json);
    return shown->recorded;
}

bool
receipt_history_progress(const struct fabric *f, uint64_t revision,
                         struct fabric_progress *progress)
{
    struct fabric_receipt shown = { .revision = revision };
    struct store_receipt stored;
    struct arena arena;

    if (commit_get_receipt(f->commit, revision, false, &stored)) {
        return false;
    }
    *progress = (struct fabric_progress) {
        .n_hosts = stored.n_hosts,
        .n_confirmed = stored.n_hosts - stored.n_missing,
    };
    if (!stored.n_missing) {
        return true;
    }
    arena_init(&arena);
    if (receipt_history_get(f, revision, &arena, &shown)) {
        progress->n_hosts = shown.n_hosts;
        progress->n_confirmed = 0;
        for (size_t i = 0; i < shown.n_hosts; i++) {
            progress->n_confirmed += !strcmp(shown.hosts[i].state,
                                             "confirmed");
        }
    }
    arena_uninit(&arena);
    return true;
}
