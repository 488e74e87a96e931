/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of controller/commit share; see commit-fixture.h. */

#include <config.h>

#include "tests/unit/commit-fixture.h"
#include "tests/unit/toy-app.h"

#include <event2/event.h>

#include "controller/commit/commit.h"
#include "controller/model/id-pools.h"
#include "controller/commit/plan.h"
#include "timeval.h"

/* How long the work for one host takes. */
int compile_ms;
int n_compiled;

static void
compile_host(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), 0, 0, 10);
    long long int end = time_msec() + compile_ms;

    n_compiled++;
    while (compile_ms && time_msec() <= end) {
        continue;
    }
    vmn_match(flow, VMN_F_REG0, vmn_id_of(view, VMN_ID_POOL_HOST, key));
}

/* The ID pool "app.few" has two IDs only.  Each network wants one, of its
 * name or of its label; those whose names begin with "q" by way of a query. */
int n_few_compiled;

static uint32_t
get_few(struct vmn_view *view, const char *key)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    const char *other = (network ? vmn_labels_get(
                             vmn_labels_of(view, &network->row), "key")
                         : NULL);

    return vmn_id_of(view, "app.few", other ? other : key);
}

static void
eval_few(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    uint32_t number = get_few(view, key);

    if (number) {
        vmn_value_set(value, &number, sizeof number);
    }
}

static void
compile_few(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    size_t size;
    const uint32_t *asked = (key[0] == 'q'
                             ? vmn_query(view, "app.few", key, &size) : NULL);
    uint32_t number = (asked ? *asked : key[0] == 'q' ? 0
                       : get_few(view, key));

    n_few_compiled++;
    vmn_id_of(view, VMN_ID_POOL_GROUP, key);
    if (number) {
        vmn_match(vmn_flow_add(emit, vmn_scope_all(), 0, 0, 20), VMN_F_REG0,
                  number);
    }
}

const struct vmn_app_class toy_class = {
    VMN_APP_HEAD, .name = "app",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "stage", .hook = VMN_HOOK_ADMIT, .n_tables = 1,
          .miss = VMN_MISS_DROP },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "host", .each = VMN_EACH_ROW, .row_type = VMN_ROW_HOST,
          .compile = compile_host },
        { .name = "few", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
          .compile = compile_few },
        { .name = NULL },
    },
    .queries = (const struct vmn_query_class[]) {
        { .name = "few", .eval = eval_few }, { .name = NULL },
    },
    .id_pools = (const struct vmn_id_pool_class[]) {
        { "app.few", 2 }, { NULL, 0 },
    },
};

/* A store that waits for the test. */
store_done_cb *store_done;
static void *store_aux;
int n_submits;
static struct model *store_model;

static void
fake_submit(struct store *store, struct model *model, store_done_cb *done,
            void *aux)
{
    store_model = model;
    store_done = done;
    store_aux = aux;
    n_submits++;
}

const struct store_class fake_store = { .name = "fake",
                                               .submit = fake_submit };

struct toy core;
int n_plans, n_plans_refused;
struct event_base *commit_base;
static struct event *finish;
struct commit *the_commit;

int n_groups;            /* That the sink has got. */
size_t n_sent;           /* Changes in the last of them. */
int n_ok, n_refused;     /* Answers. */
uint64_t last_revision;
int last_code;

void
sink(void *aux, const struct commit_group *group)
{
    n_groups++;
    n_sent = group->delta->n_changes;
}

void
committed(void *aux, const struct commit_result *result)
{
    if (result->ok) {
        n_ok++;
        last_revision = result->revision;
    } else {
        n_refused++;
        last_code = result->errors->errors[0].code;
    }
}

void
commit_turn(void)
{
    for (int i = 0; i < 5; i++) {
        event_base_loop(commit_base, EVLOOP_NONBLOCK);
    }
}

/* Lets the store finish from the loop, as a writer's thread would. */
bool finish_at_once;

static void
finish_cb(evutil_socket_t fd, short what, void *aux)
{
    if (finish_at_once && store_done) {
        store_done_cb *cb = store_done;

        store_done = NULL;
        id_pools_written(model_id_pools(store_model));
        cb(store_aux, 0, NULL);
    }
}

void
finish_store(int error)
{
    struct vmn_error why = VMN_ERROR_INIT;
    store_done_cb *cb = store_done;

    assert_non_null(cb);
    store_done = NULL;
    if (!error) {
        id_pools_written(model_id_pools(store_model));
    }
    vmn_error_errno(&why, error, "disk full");
    cb(store_aux, error, error ? &why : NULL);
    vmn_error_uninit(&why);
    commit_turn();
}

void
finish_store_after(int ms)
{
    int64_t since_us = time_usec();

    while (time_usec() < since_us + 1000 * (int64_t) ms) {
        commit_turn();
    }
    finish_store(0);
}

void
add_host(const char *name)
{
    struct model_request request;

    model_request_init(&request, "test");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_HOST, name,
                      toy_host(name[1] - '0'));
    commit_submit(the_commit, &request, committed, NULL);
}

void
commit_setup_core(void)
{
    commit_base = event_base_new();
    finish = event_new(commit_base, -1, EV_PERSIST, finish_cb, NULL);
    event_add(finish, &(struct timeval) { 0, 1000 });
    the_commit = commit_create(commit_base, core.model, core.engine,
                               &fake_store, NULL);
    commit_set_sink(the_commit, sink, NULL);
    commit_turn();              /* The loaded state: no numbers, no write. */
    n_submits = n_groups = n_ok = n_refused = 0;
    n_plans = n_plans_refused = 0;
    store_done = NULL;
}

int
commit_setup(void **state)
{
    toy_init(&core, &toy_class, NULL);
    commit_setup_core();
    return 0;
}

int
commit_teardown(void **state)
{
    /* The end waits for a write, which a test that fails leaves behind. */
    finish_at_once = true;
    commit_destroy(the_commit);
    finish_at_once = false;
    toy_uninit(&core);
    event_free(finish);
    event_base_free(commit_base);
    return 0;
}

void
delete_host(const char *name)
{
    struct model_request request;

    model_request_init(&request, "test");
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_HOST, name, NULL);
    commit_submit(the_commit, &request, committed, NULL);
}

/* Plans.  ---------------------------------------------------------------- */

int planned_total;       /* Of the last plan's first host. */

void
planned(void *aux, const struct commit_result *result)
{
    const struct plan_flows *flows;

    assert_true(commit_is_quiescent(the_commit));
    if (!result->ok) {
        assert_null(result->plan);
        last_code = result->errors->errors[0].code;
        n_plans_refused++;
        return;
    }
    flows = &result->plan->flows;
    planned_total = flows->n_hosts ? flows->hosts[0].total : 0;
    n_plans++;
}
