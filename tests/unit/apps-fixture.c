/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows in, flows out; see apps-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/apps-fixture.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/engine/packet-handler.h"
#include "controller/flow/pipeline.h"
#include "controller/flow/sample-action.h"
#include "controller/model/model.h"
#include "controller/model/id-pools.h"
#include "controller/schema/error.h"
#include "controller/schema/schema.h"
#include "controller/schema/schema-struct.h"
#include "nx-match.h"
#include "openflow/openflow-1.4.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "svec.h"
#include "tests/unit/app-loader.h"
#include "tests/unit/ovs-text.h"
#include "util.h"

struct apps_fixture {
    struct apphost *apphost;
    struct model *model;
    struct engine *engine;
    unsigned n_changes;
    unsigned n_computed;
};

static void
fail_with(const char *what, const char *text)
{
    fail_msg("%s: %s", what, text);
}

struct apps_fixture *
apps_fixture_create(const char *const *apps)
{
    struct apps_fixture *f = xzalloc(sizeof *f);
    struct vmn_error error = VMN_ERROR_INIT;

    f->apphost = apphost_create(getenv("VMN_TEST_WORKER"), true);
    for (; *apps; apps++) {
        if (load_built_app(f->apphost, *apps, &error)) {
            fail_with("load", error.text);
        }
    }
    f->model = model_create();
    f->engine = engine_create(f->model, apphost_pipeline(f->apphost));
    engine_delta_destroy(engine_run(f->engine));
    return f;
}

void
apps_fixture_destroy(struct apps_fixture *f)
{
    engine_destroy(f->engine);
    model_destroy(f->model);
    apphost_destroy(f->apphost);
    free(f);
}

/* Rows in.  -------------------------------------------------------------- */

static void
add_op(struct model_request *request, const char *key, json_t *spec)
{
    const char *slash = strchr(key, '/');
    char *type = xmemdup0(key, slash - key);
    const struct schema_table *table = schema_find_table(type);

    if (!table) {
        fail_with("no such type", key);
    }
    if (json_is_null(spec)) {
        model_request_add(request, MODEL_DELETE, table->id, slash + 1, NULL);
    } else {
        model_request_add(request, MODEL_PUT, table->id, slash + 1,
                          json_incref(spec));
    }
    free(type);
}

void
apps_fixture_change_rules(struct apps_fixture *f, const char *name,
                          enum vmn_action action)
{
    const struct vmn_policy *policy = model_get(f->model, VMN_TABLE_POLICY,
                                                name);

    for (size_t i = 1; i < policy->n_rules; i += 2) {
        CONST_CAST(struct vmn_rule *, vmn_policy_rule_at(policy, i))->action
            = action;
    }
}

void
apps_fixture_declare_types(struct apps_fixture *f, const char *name)
{
    const struct pipeline_app *app
        = pipeline_find(apphost_pipeline(f->apphost), name);
    struct model_declared declared[VMN_APP_TYPES_MAX];
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    for (size_t i = 0; i < app->n_types; i++) {
        declared[i] = (struct model_declared) {
            app->types[i].class_->name, app->types[i].spec,
        };
    }
    model_show_types(f->model);
    vmn_errors_init(&errors);
    model_request_init(&request, "vmnd");
    model_request_set_types(&request, f->model, name, declared, app->n_types);
    if (model_apply(f->model, &request, 1, &revision, &errors)) {
        fail_with(name, errors.errors[0].text);
    }
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    engine_delta_destroy(engine_run(f->engine));
    model_settle(f->model);
}

static unsigned
count_computed(const struct engine *engine)
{
    struct engine_stats stats;

    engine_get_stats(engine, &stats);
    return stats.n_units_computed + stats.n_queries_computed;
}

void
apps_fixture_apply(struct apps_fixture *f, const char *text)
{
    apps_fixture_apply_at(f, text, 1);
}

void
apps_fixture_apply_at(struct apps_fixture *f, const char *text, int64_t now_ms)
{
    struct model_request request;
    struct vmn_errors errors;
    char *json_text = xstrdup(text);
    json_error_t error;
    uint64_t revision;
    const char *key;
    json_t *json, *spec;

    for (char *p = json_text; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    json = json_loads(json_text, 0, &error);
    if (!json) {
        fail_with(error.text, json_text);
    }
    free(json_text);

    model_request_init(&request, "test");
    request.list = true;
    json_object_foreach (json, key, spec) {
        add_op(&request, key, spec);
    }
    vmn_errors_init(&errors);
    if (model_apply(f->model, &request, now_ms, &revision, &errors)) {
        fail_msg("refused: %s: %s", errors.errors[0].pointer,
                 errors.errors[0].text);
    }
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    json_decref(json);

    unsigned before = count_computed(f->engine);
    struct engine_delta *delta = engine_run(f->engine);

    f->n_changes = delta->n_changes;
    f->n_computed = count_computed(f->engine) - before;
    engine_delta_destroy(delta);
    model_settle(f->model);
}

struct engine *
apps_fixture_engine(struct apps_fixture *f)
{
    return f->engine;
}

struct apphost *
apps_fixture_apphost(struct apps_fixture *f)
{
    return f->apphost;
}

struct prepared {
    bool done;
    char *error;                /* Or NULL. */
};

static void
prepared_cb(void *prepared_, const char *error)
{
    struct prepared *prepared = prepared_;

    prepared->done = true;
    prepared->error = nullable_xstrdup(error);
}

int
apps_fixture_prepare(struct apps_fixture *f, const char *name,
                     const struct apphost_file *file, struct vmn_error *why)
{
    struct prepared prepared = { false, NULL };

    if (!apphost_prepare(f->apphost, name, file, prepared_cb, &prepared,
                         why)) {
        return EINVAL;
    }
    for (int i = 0; !prepared.done; i++) {
        assert_true(i < 60000);
        assert_true(apphost_is_busy(f->apphost));
        usleep(1000);
        apphost_run(f->apphost);
    }
    if (!prepared.error) {
        return 0;
    }
    vmn_error_invalid(why, "%s", prepared.error);
    free(prepared.error);
    return EINVAL;
}

struct model *
apps_fixture_model(struct apps_fixture *f)
{
    return f->model;
}

const struct pipeline *
apps_fixture_pipeline(const struct apps_fixture *f)
{
    return apphost_pipeline(f->apphost);
}

unsigned
apps_fixture_n_changes(const struct apps_fixture *f)
{
    return f->n_changes;
}

unsigned
apps_fixture_n_computed(const struct apps_fixture *f)
{
    return f->n_computed;
}

/* Flows out.  ------------------------------------------------------------ */

struct dump {
    struct apps_fixture *f;
    struct svec lines;
    bool plain;
};

/* "APP.STAGE/TABLE", or the number if it is nobody's. */
static void
put_table(const struct apps_fixture *f, uint8_t table, struct ds *s)
{
    const struct pipeline *pipeline = apphost_pipeline(f->apphost);

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            const struct pipeline_stage *stage = &app->stages[j];

            if (table >= stage->first_table
                && table < stage->first_table + stage->class_->n_tables) {
                ds_put_format(s, "%s.%s/%d", app->class_->name,
                              stage->class_->name,
                              table - stage->first_table);
                return;
            }
        }
    }
    ds_put_format(s, "%d", table);
}

/* The message inside of an item's OFPT_BUNDLE_ADD_MESSAGE. */
static const struct ofp_header *
inner_message(const struct flow_item *item)
{
    return (const struct ofp_header *) (item->add + sizeof(struct ofp_header)
               + sizeof(struct ofp14_bundle_ctrl_msg));
}

static void
dump_flow(void *dump_, const struct flow_item *item)
{
    struct dump *dump = dump_;
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;
    struct ds s = DS_EMPTY_INITIALIZER;

    if (item->kind != FLOW_ITEM_FLOW) {
        return;
    }
    ofpbuf_init(&ofpacts, 0);
    assert_int_equal(0, ofputil_decode_flow_mod(
        &fm, inner_message(item), OFPUTIL_P_OF15_OXM, NULL, NULL, &ofpacts,
        OFPP_MAX, 255));

    struct match match;

    minimatch_expand(&fm.match, &match);
    match.flow.tunnel.metadata.tab = NULL;
    if (dump->plain) {
        ds_put_format(&s, "table=%d,priority=%d,", item->table,
                      item->priority);
    } else {
        put_table(dump->f, item->table, &s);
        ds_put_format(&s, " %d ", item->priority);
    }
    match_format(&match, NULL, &s, OFP_DEFAULT_PRIORITY);
    ds_put_cstr(&s, " actions=");
    sample_action_format(fm.ofpacts, fm.ofpacts_len, &s);
    if (!dump->plain && flow_item_drop_reason(item)) {
        ds_put_format(&s, " (%s)", flow_item_drop_reason(item));
    }
    svec_add(&dump->lines, ds_cstr(&s));
    ds_destroy(&s);
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
}

static void
dump_counted(void *dump, const struct flow_item *item)
{
    if (item->cookie & FLOW_COOKIE_COUNTED && !flow_item_drop_reason(item)) {
        dump_flow(dump, item);
    }
}

static void
dump_finish(struct dump *dump, struct ds *out)
{
    const char *line;
    size_t i;

    svec_sort(&dump->lines);
    SVEC_FOR_EACH (i, line, &dump->lines) {
        ds_put_format(out, "%s\n", line);
    }
    svec_destroy(&dump->lines);
}

void
apps_fixture_flows(struct apps_fixture *f, const char *host, bool plain,
                   struct ds *out)
{
    struct dump dump = { .f = f, .plain = plain };

    svec_init(&dump.lines);
    engine_host_items(f->engine, host, dump_flow, &dump);
    dump_finish(&dump, out);
}

void
apps_fixture_counted(struct apps_fixture *f, const char *host, struct ds *out)
{
    struct dump dump = { .f = f };

    svec_init(&dump.lines);
    engine_host_items(f->engine, host, dump_counted, &dump);
    dump_finish(&dump, out);
}

static void
dump_group(void *dump_, const struct flow_item *item)
{
    struct dump *dump = dump_;
    struct ofputil_group_mod gm;
    struct ofputil_bucket *bucket;
    struct ds s = DS_EMPTY_INITIALIZER;
    struct ofpact_format_params params = { .s = &s };

    if (item->kind != FLOW_ITEM_GROUP) {
        return;
    }
    assert_int_equal(0, ofputil_decode_group_mod(inner_message(item), &gm));
    ds_put_format(&s, "group_id=%u,type=%s", gm.group_id,
                  gm.type == OFPGT11_ALL ? "all"
                  : gm.type == OFPGT11_FF ? "fast_failover" : "select");
    if (gm.props.selection_method[0]) {
        ds_put_format(&s, ",selection_method=%s", gm.props.selection_method);
    }
    if (gm.props.fields.values_size) {
        ds_put_cstr(&s, ",fields=");
        oxm_format_field_array(&s, &gm.props.fields);
    }
    LIST_FOR_EACH (bucket, list_node, &gm.buckets) {
        ds_put_format(&s, ",bucket=bucket_id:%u,", bucket->bucket_id);
        if (gm.type == OFPGT11_SELECT) {
            ds_put_format(&s, "weight:%u,", bucket->weight);
        } else if (gm.type == OFPGT11_FF) {
            ds_put_format(&s, "watch_port:%u,",
                          ofp_to_u16(bucket->watch_port));
        }
        ds_put_cstr(&s, "actions=");
        ofpacts_format(bucket->ofpacts, bucket->ofpacts_len, &params);
    }
    svec_add(&dump->lines, ds_cstr(&s));
    ds_destroy(&s);
    ofputil_uninit_group_mod(&gm);
}

void
apps_fixture_groups(struct apps_fixture *f, const char *host, struct ds *out)
{
    struct dump dump = { .f = f };

    svec_init(&dump.lines);
    engine_host_items(f->engine, host, dump_group, &dump);
    dump_finish(&dump, out);
}

/* Checks.  --------------------------------------------------------------- */

char *
apps_fixture_problems(struct apps_fixture *f)
{
    const struct engine_problems *found = engine_problems(f->engine);
    json_t *problems = json_array();
    char *text;

    for (size_t i = 0; i < found->n; i++) {
        json_array_append_new(problems, schema_struct_to_json(
            &engine_problem_shown, &found->problems[i]));
    }
    text = json_dumps(problems, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(problems);
    return text;
}

static void
check_text(void *aux OVS_UNUSED, const struct flow_item *item)
{
    char *difference = ovs_text_check(item);

    if (difference) {
        fail_with("a restart of the switch changes it", difference);
    }
}

void
apps_fixture_check(struct apps_fixture *f)
{
    struct vmn_names hosts = model_names(f->model, VMN_TABLE_HOST);
    char *problems = apps_fixture_problems(f);
    struct ds ds = DS_EMPTY_INITIALIZER;

    assert_string_equal(problems, "[]");
    if (engine_verify(f->engine, &ds)) {
        fail_with("compile from nothing differs", ds_cstr(&ds));
    }
    ds_destroy(&ds);
    free(problems);
    for (size_t i = 0; i < hosts.n; i++) {
        engine_host_items(f->engine, hosts.names[i], check_text, NULL);
    }
}

void
apps_fixture_handle(struct apps_fixture *f, const char *handler,
                    const struct vmn_packet_in *in,
                    struct vmn_packets_out *out)
{
    for (size_t i = 0; i < engine_n_handlers(f->engine); i++) {
        const struct engine_handler *h = engine_get_handler(f->engine, i);

        if (!strcmp(h->name, handler)) {
            char *problem = engine_handle_packet(f->engine, h, in, out);

            if (problem) {
                fail_with(handler, problem);
            }
            return;
        }
    }
    fail_with(handler, "there is no such handler");
}

static uint32_t
number_of(struct apps_fixture *f, const char *kind, const char *key)
{
    if (!strcmp(kind, "VNI")) {
        const struct vmn_network *network
            = model_get(f->model, VMN_TABLE_NETWORK, key);

        return network ? network->vni : 0;
    }
    return id_pools_peek(model_id_pools(f->model), kind, key);
}

/* The number of table "APP.STAGE/N", or -1. */
static int
table_of(const struct apps_fixture *f, const char *name)
{
    for (int table = 0; table < 255; table++) {
        struct ds s = DS_EMPTY_INITIALIZER;
        bool found;

        put_table(f, table, &s);
        found = !strcmp(ds_cstr(&s), name);
        ds_destroy(&s);
        if (found) {
            return table;
        }
    }
    return -1;
}

char *
apps_fixture_expand(struct apps_fixture *f, const char *text)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    while (*text) {
        const char *colon = strchr(text, ':');
        const char *end = strchr(text, '}');

        if (*text != '{' || !colon || !end || colon > end) {
            ds_put_char(&s, *text++);
            continue;
        }

        char *kind = xmemdup0(text + 1, colon - text - 1);
        char *key = xmemdup0(colon + 1, end - colon - 1);

        if (!strcmp(kind, "TABLE")) {
            ds_put_format(&s, "%d", table_of(f, key));
        } else {
            ds_put_format(&s, "0x%x", number_of(f, kind, key));
        }
        free(kind);
        free(key);
        text = end + 1;
    }
    return ds_steal_cstr(&s);
}
