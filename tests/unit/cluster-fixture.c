/* SPDX-License-Identifier: Apache-2.0
 *
 * See cluster-fixture.h. */

#include <config.h>

#include "tests/unit/cluster-fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/model/model.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "tests/unit/relay-fixture.h"
#include "tests/unit/turn-until.h"
#include "util.h"

static struct loop *the_loop;
static struct world *world;     /* Of the case that runs. */

/* The time.  -------------------------------------------------------------- */

int64_t __wrap_loop_now_ms(const struct loop *);
int __real_event_add(struct event *, const struct timeval *);
int __wrap_event_add(struct event *, const struct timeval *);

int64_t
__wrap_loop_now_ms(const struct loop *loop OVS_UNUSED)
{
    return fake.now_ms;
}

/* The member's timer goes by the time that is made here. */
int
__wrap_event_add(struct event *event, const struct timeval *tv)
{
    if (!world || !world->c || event != world->c->timer) {
        return __real_event_add(event, tv);
    }
    world->wake_ms = fake.now_ms + tv->tv_sec * 1000 + tv->tv_usec / 1000;
    return 0;
}

/* The store, and the daemon.  --------------------------------------------- */

static void
get_place(const struct store *store, struct store_place *place)
{
    *place = store->place;
}

static void
set_replicator(struct store *store, const struct store_replicator *replicator)
{
    store->replicator = replicator;
}

static const struct store_class store_class = {
    .get_place = get_place, .set_replicator = set_replicator,
};

static void
apply_cb(void *w_, const char *text OVS_UNUSED, int64_t index OVS_UNUSED,
         cluster_applied_cb *done, void *aux)
{
    struct world *w = w_;

    w->applied = done;
    w->applied_aux = aux;
}

static void
do_nothing(void *w OVS_UNUSED)
{
}

static int64_t
count_hosts_cb(void *w OVS_UNUSED)
{
    return 0;
}

static void
activated_cb(void *w_, uint64_t revision OVS_UNUSED, int64_t epoch OVS_UNUSED)
{
    struct world *w = w_;

    w->n_activated++;
}

static void
deposed_cb(void *w_, const char *why OVS_UNUSED)
{
    struct world *w = w_;

    w->n_deposed++;
}

static const struct cluster_callbacks callbacks = {
    .apply = apply_cb, .seen = do_nothing, .count_hosts = count_hosts_cb,
    .activated = activated_cb, .deposed = deposed_cb,
};

/* What tests do.  --------------------------------------------------------- */

void
world_end_apply(struct world *w)
{
    cluster_applied_cb *applied = w->applied;

    assert_non_null(applied);
    w->applied = NULL;
    w->store.place.index++;
    applied(w->applied_aux, 0, NULL);
    fake_answer();
}

/* Has the loop make the turns that are due now. */
static void
turn(struct world *w)
{
    TURN_LOOP_UNTIL(w->loop, !event_pending(w->c->timer, EV_TIMEOUT, NULL));
    fake_answer();
}

void
world_pass(struct world *w, int64_t ms)
{
    int64_t end_ms = fake.now_ms + ms;

    while (w->wake_ms <= end_ms) {
        fake.now_ms = MAX(fake.now_ms, w->wake_ms);
        w->wake_ms = INT64_MAX;
        event_active(w->c->timer, EV_TIMEOUT, 1);
        turn(w);
    }
    fake.now_ms = end_ms;
}

void
world_lead(struct world *w)
{
    free(fake.view.lease.holder);
    fake.view.lease.holder = xstrdup("");
    fake.view.lease.run = 0;
    fake.fault = NULL;
    fake_see();
    assert_int_equal(w->n_activated, 1);
    assert_non_null(w->store.replicator);
}

static void
appended_cb(void *error_, int error, const struct vmn_error *why OVS_UNUSED,
            int64_t index OVS_UNUSED)
{
    *(int *) error_ = error;
}

void
world_submit(struct world *w, int *error)
{
    const struct store_replicator *replicator = w->store.replicator;

    *error = -1;
    replicator->append(replicator->aux, xstrdup("{}"), 2, appended_cb, error);
    fake_answer();
}

/* Cases.  ----------------------------------------------------------------- */

int
world_group_setup(void **state OVS_UNUSED)
{
    if (!getenv("TEST_VERBOSE")) {
        vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    }
    the_loop = loop_create();
    return 0;
}

int
world_group_teardown(void **state OVS_UNUSED)
{
    loop_destroy(the_loop);
    return 0;
}

/* The file is not needed once it was read. */
static void
open_relay(struct world *w)
{
    struct vmn_error why = VMN_ERROR_INIT;

    ovs_strlcpy(w->dir, "/tmp/vmn-cluster-XXXXXX", sizeof w->dir);
    assert_non_null(mkdtemp(w->dir));
    w->pem = xasprintf("%s/m.pem", w->dir);
    write_certificate(w->pem);
    w->options.listen = "192.0.2.1:6644";
    w->options.private_key = w->options.certificate = w->options.ca_cert
        = w->pem;
    assert_int_equal(cluster_open_relay(w->c, NULL, NULL, &why), 0);
}

int
world_setup(void **state)
{
    struct world *w = xzalloc(sizeof *w);

    *state = world = w;
    w->loop = the_loop;
    fake_init();
    w->wake_ms = INT64_MAX;
    w->store.place.cluster = NUMBER;
    w->model = model_create();
    w->options = (struct cluster_options) {
        .name = SELF, .lease_ms = LEASE, .address = "",
    };
    w->c = cluster_create(w->loop, &w->options, &store_class, &w->store,
                          w->model, &callbacks, w);
    open_relay(w);
    fake_see();
    assert_int_equal(w->c->membership, MEMBER_REGISTERED);
    /* Another member takes the lease of a writer that is not heard. */
    fake.fault = "it is another one";
    return 0;
}

int
world_teardown(void **state)
{
    struct world *w = *state;

    fake.fault = "the end";
    cluster_set_state(w->c, CLUSTER_ENDS);
    fake.holds = false;
    fake_answer();
    cluster_destroy(w->c);
    model_destroy(w->model);
    fake_uninit();
    if (w->pem) {
        unlink(w->pem);
        rmdir(w->dir);
    }
    free(w->pem);
    free(w);
    world = NULL;
    return 0;
}
