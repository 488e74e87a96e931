/* SPDX-License-Identifier: Apache-2.0
 *
 * A cluster that is made here, and a simulator; see member-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <string.h>

#include "tests/unit/member-fixture.h"

#include "controller/cluster/cluster.h"
#include "controller/northbound/event-common.h"
#include "controller/northbound/northbound-private.h"
#include "controller/schema/arena.h"
#include "controller/simulator/trace.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

/* The cluster, and the simulator.  ---------------------------------------- */

struct member_fake fake;

const struct tls *__wrap_cluster_tls(const struct cluster *);
bool __wrap_cluster_is_connected(const struct cluster *);
bool __wrap_cluster_is_current(const struct cluster *);
bool __wrap_cluster_may_pass(const struct cluster *);
bool __wrap_cluster_hears_writer(const struct cluster *);
bool __wrap_cluster_get_disk(const struct cluster *, uint64_t *free,
                             uint64_t *size);
void __wrap_cluster_ask_events(struct cluster *);
bool __wrap_cluster_can_ask_writer(const struct cluster *);
uint64_t __wrap_cluster_shown(const struct cluster *);
bool __wrap_cluster_writer_sees(const struct cluster *, const char *host);
bool __wrap_cluster_writer_rejects(const struct cluster *, const char *host);
bool __wrap_cluster_each_rejected(const struct cluster *,
                                  cluster_rejected_cb *, void *aux);
const char *__wrap_cluster_host_manager(const struct cluster *,
                                        const char *host);
bool __wrap_cluster_manages_host(const struct cluster *, const char *host);
bool __wrap_cluster_ask(struct cluster *, const char *member,
                        const char *path, const char *json, int reply_ms,
                        cluster_asked_cb *, void *aux);
void __wrap_cluster_forget_asked(struct cluster *, cluster_asked_cb *,
                                 void *aux);
void __wrap_cluster_pass_on(struct cluster *, struct http_request *,
                            const struct http_peer *);
void __wrap_cluster_note_told(struct cluster *);
char *__wrap_http_request_relay(const struct http_request *);
bool __wrap_http_request_is_relayed(const struct http_request *);
struct trace *__wrap_trace_make(struct engine *, const struct model *,
                                const struct pipeline *,
                                const struct trace_request *, struct arena *,
                                struct vmn_error *);

void
__wrap_cluster_ask_events(struct cluster *c OVS_UNUSED)
{
}

const struct tls *
__wrap_cluster_tls(const struct cluster *c OVS_UNUSED)
{
    return NULL;
}

bool
__wrap_cluster_is_connected(const struct cluster *c OVS_UNUSED)
{
    return !fake.is_cut_off;
}

bool
__wrap_cluster_may_pass(const struct cluster *c OVS_UNUSED)
{
    return fake.may_pass;
}

bool
__wrap_cluster_is_current(const struct cluster *c OVS_UNUSED)
{
    return fake.is_current;
}

bool
__wrap_cluster_hears_writer(const struct cluster *c OVS_UNUSED)
{
    return fake.hears;
}

bool
__wrap_cluster_get_disk(const struct cluster *c OVS_UNUSED,
                        uint64_t *free OVS_UNUSED, uint64_t *size OVS_UNUSED)
{
    return false;
}

bool
__wrap_cluster_can_ask_writer(const struct cluster *c OVS_UNUSED)
{
    return fake.can_ask;
}

uint64_t
__wrap_cluster_shown(const struct cluster *c OVS_UNUSED)
{
    return fake.shown;
}

bool
__wrap_cluster_writer_sees(const struct cluster *c OVS_UNUSED,
                           const char *host OVS_UNUSED)
{
    return true;
}

bool
__wrap_cluster_writer_rejects(const struct cluster *c OVS_UNUSED,
                              const char *host OVS_UNUSED)
{
    return false;
}

bool
__wrap_cluster_each_rejected(const struct cluster *c OVS_UNUSED,
                             cluster_rejected_cb *cb OVS_UNUSED,
                             void *aux OVS_UNUSED)
{
    return true;
}

const char *
__wrap_cluster_host_manager(const struct cluster *c OVS_UNUSED,
                            const char *host OVS_UNUSED)
{
    return fake.manager ? fake.manager : "a";
}

bool
__wrap_cluster_manages_host(const struct cluster *c OVS_UNUSED,
                            const char *host OVS_UNUSED)
{
    return !fake.manager;
}

static cluster_asked_cb *asked;
static void *asked_aux;

static void
answer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
          void *aux OVS_UNUSED)
{
    if (fake.fails) {
        asked(asked_aux, 0, NULL, 0, "it is late");
    } else {
        asked(asked_aux, 200, fake.part, strlen(fake.part), NULL);
    }
}

bool
__wrap_cluster_ask(struct cluster *c OVS_UNUSED, const char *member,
                   const char *path, const char *json OVS_UNUSED,
                   int reply_ms OVS_UNUSED, cluster_asked_cb *cb, void *aux)
{
    static const struct timeval now = { 0, 0 };

    assert_string_equal(member, fake.manager);
    assert_string_equal(path, CLUSTER_PART_PATH);
    fake.n_asked++;
    asked = cb;
    asked_aux = aux;
    if (fake.part && !fake.is_silent) {
        event_base_once(fake.base, -1, EV_TIMEOUT, answer_cb, NULL, &now);
    }
    return fake.part;
}

void
__wrap_cluster_forget_asked(struct cluster *c OVS_UNUSED,
                            cluster_asked_cb *cb OVS_UNUSED,
                            void *aux OVS_UNUSED)
{
    fake.n_forgotten++;
}

void
__wrap_cluster_pass_on(struct cluster *c OVS_UNUSED, struct http_request *req,
                       const struct http_peer *peer OVS_UNUSED)
{
    fake.n_passed++;
    if (fake.writer) {
        fake.writer->following = false;
        event_common_answer(fake.writer->event_common, req);
        fake.writer->following = true;
    } else if (fake.gives_back && http_request_may_give_back(req)) {
        http_request_give_back(req);
    } else {
        http_reply_problem(req, 503, "standby", NULL, "passed on");
    }
}

void
__wrap_cluster_note_told(struct cluster *c OVS_UNUSED)
{
    fake.n_told++;
}

char *
__wrap_http_request_relay(const struct http_request *req OVS_UNUSED)
{
    return nullable_xstrdup(fake.asking);
}

bool
__wrap_http_request_is_relayed(const struct http_request *req OVS_UNUSED)
{
    return fake.relayed;
}

/* Of a packet that an app answers.  It takes until 'fake.ends'. */
struct trace *
__wrap_trace_make(struct engine *engine OVS_UNUSED,
                  const struct model *model OVS_UNUSED,
                  const struct pipeline *pipeline OVS_UNUSED,
                  const struct trace_request *request OVS_UNUSED,
                  struct arena *arena, struct vmn_error *error OVS_UNUSED)
{
    struct trace *trace = arena_alloc(arena, sizeof *trace);
    struct trace_outcome *outcome = arena_alloc(arena, sizeof *outcome);

    fake.n_traces++;
    while (!fake.ends) {
        commit_yield(fake.commit);
    }
    *outcome = (struct trace_outcome) {
        .share = 1, .verdict = "answered", .packet = "p",
        .asked_at_sender = true,
    };
    *trace = (struct trace) {
        .verdict = "answered", .from = { .port = "web-1", .host = "hv1" },
        .n_outcomes = 1, .outcomes = outcome, .complete = true,
    };
    return trace;
}

int
member_setup(void **state)
{
    struct fixture *f;

    if (setup_member(state)) {
        return -1;
    }
    f = *state;
    memset(&fake, 0, sizeof fake);
    fake.is_current = fake.hears = fake.can_ask = true;
    fake.commit = f->commit;
    fake.base = f->base;
    f->nb->following = false;
    make_shop(f);
    make_host(f);
    f->nb->following = true;
    return 0;
}
