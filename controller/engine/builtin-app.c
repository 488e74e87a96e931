/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's own flows, and what vmnd reads of relations; see
 * builtin-app.h. */

#include <config.h>

#include "controller/engine/builtin-app.h"

#include <inttypes.h>
#include <string.h>

#include "controller/engine/app-view.h"
#include "controller/engine/engine-private.h"
#include "controller/engine/probe-target.h"
#include "controller/flow/emit.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-actions.h"
#include "sset.h"
#include "util.h"

/* Returns true if packets pass the stage while its app is disabled.  They do
 * not pass policies, without which nothing is allowed. */
static bool
is_passed(const struct vmn_stage_class *stage)
{
    return (stage->miss == VMN_MISS_NEXT
            || (stage->miss == VMN_MISS_NONE
                && stage->hook != VMN_HOOK_POLICY));
}

/* Returns how many of the stage's tables get a flow for what no other one
 * matches: of a stage that catches everything by flows of its own, the first
 * one while these are withdrawn. */
static unsigned int
n_misses(struct vmn_view *view, const struct pipeline_app *app,
         const struct vmn_stage_class *stage)
{
    const struct vmn_app_row *row;

    if (stage->miss != VMN_MISS_NONE) {
        return stage->n_tables;
    }
    row = view_read(view, VMN_TABLE_APP, app->class_->name);
    return row && !row->enabled && is_passed(stage);
}

const char *
builtin_closed_stage(const struct engine *engine, const char *name)
{
    const struct pipeline *pipeline = engine->pipeline;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            const struct vmn_stage_class *stage = app->stages[j].class_;

            if (!strcmp(app->class_->name, name) && !is_passed(stage)) {
                return stage->name;
            }
        }
    }
    return NULL;
}

static void
put_miss(struct vmn_view *view, struct vmn_emit *emit,
         const struct pipeline_app *app, const struct pipeline_stage *stage)
{
    unsigned int n = n_misses(view, app, stage->class_);

    for (unsigned int i = 0; i < n; i++) {
        struct vmn_flow *flow = emit_flow(emit, vmn_scope_all(), NULL,
                                          stage->first_table + i, 0);

        if (stage->class_->miss != VMN_MISS_DROP && stage->next_table >= 0) {
            resubmit_put_next(&flow->actions.ofpacts, stage->first_table + i,
                              stage->next_table);
        } else {
            flow->actions.drop_reason = "no match";
        }
    }
}

static void
compile_pipeline(struct vmn_view *view, const char *key,
                 struct vmn_emit *emit)
{
    const struct pipeline *pipeline = view->engine->pipeline;
    int first = pipeline_table_of_hook(pipeline, 0);

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            put_miss(view, emit, app, &app->stages[j]);
        }
    }
    if (first > 0) {
        struct vmn_flow *flow = emit_flow(emit, vmn_scope_all(), NULL, 0, 0);

        ofpact_put_GOTO_TABLE(&flow->actions.ofpacts)->table_id = first;
    }
}

/* Of several values the first one counts. */
static void
eval_probe_target(struct vmn_view *view, const char *key,
                  struct vmn_value *value)
{
    struct vmn_names values = vmn_relation_values(view, VMN_REL_PROBE_TARGETS,
                                                  key);

    if (values.n) {
        vmn_value_set(value, values.names[0], strlen(values.names[0]) + 1);
    }
}

/* Reads each target, so that vmnd gets to know of it (engine_watch()). */
static void
compile_probe_target(struct vmn_view *view, const char *key,
                     struct vmn_emit *emit)
{
    struct probe_target_text target;
    size_t size;
    const char *text = vmn_query(view, ENGINE_QUERY_PROBE_TARGET, key, &size);
    const char *problem = text ? probe_target_parse(key, text, &target)
                          : NULL;

    if (vmn_relation_values(view, VMN_REL_PROBE_TARGETS, key).n > 1) {
        vmn_fail(emit, "several units have probe target \"%s\"", key);
    } else if (problem) {
        vmn_fail(emit, "probe target \"%s\": %s", key, problem);
    }
}

static void
eval_watched_hosts(struct vmn_view *view, const char *key,
                   struct vmn_value *value)
{
    struct vmn_names hosts = vmn_relation_values(view, VMN_REL_WATCHED_HOSTS,
                                                 key);
    struct ds text = DS_EMPTY_INITIALIZER;
    struct sset taken = SSET_INITIALIZER(&taken);
    const char **sorted;

    /* VMN_WATCHED_FIRST is less than all characters of names. */
    for (size_t i = 0; i < hosts.n; i++) {
        const char *name = hosts.names[i];

        if (sset_count(&taken) < VMN_WATCHED_HOSTS_MAX) {
            sset_add(&taken, name + (name[0] == VMN_WATCHED_FIRST[0]));
        }
    }
    sorted = sset_sort(&taken);
    for (size_t i = 0; i < sset_count(&taken); i++) {
        ds_put_format(&text, "%s%s/%"PRIu32, i ? "," : "", sorted[i],
                      vmn_id_of(view, VMN_ID_POOL_HOST, sorted[i]));
    }
    free(sorted);
    sset_destroy(&taken);
    if (text.length) {
        vmn_value_set(value, ds_cstr(&text), text.length + 1);
    }
    ds_destroy(&text);
}

static void
put_values(struct ds *text, struct vmn_names values)
{
    for (size_t i = 0; i < values.n; i++) {
        ds_put_format(text, "%s%s", i ? "," : "", values.names[i]);
    }
}

static void
eval_uplinks(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    struct vmn_names uplinks = vmn_relation_values(view, VMN_REL_UPLINKS, key);
    struct ds text = DS_EMPTY_INITIALIZER;

    if (uplinks.n) {
        put_values(&text, uplinks);
        ds_put_char(&text, ';');
        put_values(&text, vmn_relation_values(view, VMN_REL_QUEUES, key));
        vmn_value_set(value, ds_cstr(&text), text.length + 1);
    }
    ds_destroy(&text);
}

/* As compile_probe_target(). */
static void
compile_uplinks(struct vmn_view *view, const char *key,
                struct vmn_emit *emit OVS_UNUSED)
{
    size_t size;

    vmn_query(view, ENGINE_QUERY_UPLINKS, key, &size);
}

/* As compile_probe_target(). */
static void
compile_watched_hosts(struct vmn_view *view, const char *key,
                      struct vmn_emit *emit OVS_UNUSED)
{
    size_t size;

    vmn_query(view, ENGINE_QUERY_WATCHED_HOSTS, key, &size);
}

/* Returns true for VMN_COPY_INTERFACE of a name; an app may publish anything
 * else as well. */
static bool
is_copy_interface(const char *value)
{
    size_t len = strlen(value);

    return (value[0] == VMN_COPY_INTERFACE[0] && len > 1
            && len <= 1 + VMN_COPY_INTERFACE_MAX
            && strspn(value + 1, "abcdefghijklmnopqrstuvwxyz"
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len - 1);
}

static void
eval_copy_tunnels(struct vmn_view *view, const char *key,
                  struct vmn_value *value)
{
    struct vmn_names wanted = vmn_relation_values(view, VMN_REL_COPY_TUNNELS,
                                                  key);
    struct ds text = DS_EMPTY_INITIALIZER;
    unsigned n = 0;

    for (int i = 0; i < VMN_COPY_TUNNELS; i++) {
        const char *type = VMN_COPY_TUNNEL_TYPE(i / 2, i % 2 ? 6 : 4);

        for (size_t j = 0; j < wanted.n; j++) {
            if (!strcmp(wanted.names[j], type)) {
                ds_put_format(&text, "%s%s", text.length ? "," : "", type);
                break;
            }
        }
    }
    for (size_t i = 0; i < wanted.n && n < VMN_COPY_INTERFACES_MAX; i++) {
        if (is_copy_interface(wanted.names[i])) {
            ds_put_format(&text, "%s%s", text.length ? "," : "",
                          wanted.names[i]);
            n++;
        }
    }
    if (text.length) {
        vmn_value_set(value, ds_cstr(&text), text.length + 1);
    }
    ds_destroy(&text);
}

/* As compile_probe_target(). */
static void
compile_copy_tunnels(struct vmn_view *view, const char *key,
                     struct vmn_emit *emit OVS_UNUSED)
{
    size_t size;

    vmn_query(view, ENGINE_QUERY_COPY_TUNNELS, key, &size);
}

static const struct vmn_query_class queries[] = {
    { .name = "probe-target", .eval = eval_probe_target },
    { .name = "watched-hosts", .eval = eval_watched_hosts },
    { .name = "copy-tunnels", .eval = eval_copy_tunnels },
    { .name = "uplinks", .eval = eval_uplinks },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "pipeline", .each = VMN_EACH_ONCE,
      .compile = compile_pipeline },
    { .name = "probe-target", .each = VMN_EACH_KEY,
      .relation = VMN_REL_PROBE_TARGETS, .compile = compile_probe_target },
    { .name = "watched-hosts", .each = VMN_EACH_KEY,
      .relation = VMN_REL_WATCHED_HOSTS, .compile = compile_watched_hosts },
    { .name = "copy-tunnels", .each = VMN_EACH_KEY,
      .relation = VMN_REL_COPY_TUNNELS, .compile = compile_copy_tunnels },
    { .name = "uplinks", .each = VMN_EACH_KEY,
      .relation = VMN_REL_UPLINKS, .compile = compile_uplinks },
    { .name = NULL },
};

static const struct vmn_app_class class_ = {
    VMN_APP_HEAD,
    .name = "vmn",
    .description = "The engine itself",
    .units = units,
    .queries = queries,
};

static const struct pipeline_app app = { .class_ = &class_, .builtin = true };

const struct pipeline_app *
builtin_app(void)
{
    return &app;
}
