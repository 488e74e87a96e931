/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON API of a member of a cluster, where the cluster is what a test says
 * of it: which requests a standby relays, and which it answers from its copy.
 * Real members are in tests/system/test_cluster_standby.py. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/northbound/northbound-private.h"
#include "controller/northbound/northbound.h"
#include "controller/schema/status.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

/* The cluster.  ----------------------------------------------------------- */

static struct {
    bool can_ask;
    bool is_cut_off;            /* From the database. */
    bool is_away;               /* Member "b". */
    bool relayed;               /* Another member passes requests on. */
    unsigned n_passed;
} fake;

int __wrap_cluster_age_s(const struct cluster *);
bool __wrap_cluster_can_relay(const struct cluster *);
bool __wrap_cluster_get_disk(const struct cluster *, uint64_t *free,
                             uint64_t *size);
void __wrap_cluster_get_status(const struct cluster *, struct arena *,
                               struct status_cluster *);
bool __wrap_cluster_is_connected(const struct cluster *);
void __wrap_cluster_pass_on(struct cluster *, struct http_request *,
                            const struct http_peer *);
const struct tls *__wrap_cluster_tls(const struct cluster *);
bool __wrap_http_request_is_relayed(const struct http_request *);

int
__wrap_cluster_age_s(const struct cluster *c OVS_UNUSED)
{
    return 7;
}

bool
__wrap_cluster_can_relay(const struct cluster *c OVS_UNUSED)
{
    return fake.can_ask;
}

bool
__wrap_cluster_get_disk(const struct cluster *c OVS_UNUSED,
                        uint64_t *free OVS_UNUSED, uint64_t *size OVS_UNUSED)
{
    return false;
}

void
__wrap_cluster_get_status(const struct cluster *c OVS_UNUSED,
                          struct arena *arena OVS_UNUSED,
                          struct status_cluster *status)
{
    static struct status_cluster_member members[] = {
        { .name = "a", .role = "writer", .version = "1" },
        { .name = "b", .version = "1" },
    };

    members[1].role = fake.is_away ? "away" : "standby";
    *status = (struct status_cluster) {
        .member = "a", .role = "standby", .connected = !fake.is_cut_off,
        .n_members = ARRAY_SIZE(members), .members = members,
    };
}

bool
__wrap_cluster_is_connected(const struct cluster *c OVS_UNUSED)
{
    return !fake.is_cut_off;
}

void
__wrap_cluster_pass_on(struct cluster *c OVS_UNUSED, struct http_request *req,
                       const struct http_peer *peer OVS_UNUSED)
{
    fake.n_passed++;
    http_reply_problem(req, 503, "standby", NULL, "passed on");
}

const struct tls *
__wrap_cluster_tls(const struct cluster *c OVS_UNUSED)
{
    return NULL;
}

bool
__wrap_http_request_is_relayed(const struct http_request *req OVS_UNUSED)
{
    return fake.relayed;
}

/* A standby that hears the writer. */
static int
member_setup(void **state)
{
    struct fixture *f;

    if (setup_member(state)) {
        return -1;
    }
    f = *state;
    memset(&fake, 0, sizeof fake);
    fake.can_ask = true;
    f->nb->cluster = (struct cluster *) &fake; /* Which its functions are. */
    f->nb->following = false;
    make_shop(f);
    make_host(f);
    f->nb->following = true;
    return 0;
}

static int
member_teardown(void **state)
{
    struct fixture *f = *state;

    f->nb->cluster = NULL;
    return teardown(state);
}

/* A standby.  ------------------------------------------------------------- */

static const char *const reads[] = {
    "/v1", "/v1/openapi.json", "/v1/status", "/v1/summary", "/v1/networks",
    "/v1/networks/shop", "/v1/ports", "/v1/ports/web-1", "/v1/hosts",
    "/v1/hosts/hv1", "/v1/policies", "/v1/revisions", "/v1/revisions/1",
    "/v1/usage", "/v1/types", "/v1/identities", "/v1/ports/web-1/policies",
};
static const char *const live_reads[] = {
    "/v1/events", "/v1/packets", "/v1/drops", "/v1/logs", "/v1/traffic",
    "/v1/paths", "/v1/activity", "/v1/rejected-hosts", "/v1/hosts/hv1/flows",
};

static void
writer_answers_all_but_what_is_of_the_process(void **state)
{
    static const char *const own[] = {
        "/healthz", "/readyz", "/metrics", "/v1/cluster",
    };
    struct fixture *f = *state;

    f->nb->ready = true;
    for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
        assert_call(f, 503, "GET", reads[i], NULL);
    }
    assert_call(f, 503, "PUT", "/v1/networks/n", "{\"spec\": {}}");
    assert_call(f, 503, "POST", "/v1/hosts/hv1/audit", NULL);
    assert_call(f, 503, "GET", "/v1/no-such-path/x/y", NULL);
    assert_int_equal(fake.n_passed, ARRAY_SIZE(reads) + 3);
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        assert_call(f, 200, "GET", own[i], NULL);
    }
    assert_int_equal(fake.n_passed, ARRAY_SIZE(reads) + 3);
}

static void
assert_age(struct fixture *f, const char *path, bool old)
{
    assert_call(f, 200, "GET", path, NULL);
    if (old) {
        assert_has(&f->client.head, NB_MAY_BE_OLD ": true\r\n");
        assert_has(&f->client.head, HTTP_REVISION ": ");
    } else {
        assert_null(strstr(ds_cstr(&f->client.head), NB_MAY_BE_OLD));
    }
}

static void
copy_is_read_without_a_writer(void **state)
{
    struct fixture *f = *state;

    fake.can_ask = false;
    for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
        assert_age(f, reads[i], true);
        assert_has(&f->client.head, "\r\nAge: 7\r\n");
    }
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_has(&f->client.body, "\"reason\":\"writer\"");
    assert_int_equal(fake.n_passed, 0);
    for (size_t i = 0; i < ARRAY_SIZE(live_reads); i++) {
        assert_call(f, 503, "GET", live_reads[i], NULL);
    }
    assert_call(f, 503, "PUT", "/v1/networks/n", "{\"spec\": {}}");
    assert_call(f, 503, "POST", "/v1/trace", "{}");
    assert_call(f, 503, "POST", "/v1/hosts/hv1/audit", NULL);
    assert_int_equal(fake.n_passed, ARRAY_SIZE(live_reads) + 3);
}

/* Another member took it for the writer: that one asks again. */
static void
standby_answers_no_other_member(void **state)
{
    struct fixture *f = *state;

    fake.relayed = true;
    for (int i = 0; i < 2; i++) {
        fake.can_ask = i;
        assert_call(f, HTTP_MISDIRECTED, "GET", "/v1/networks", NULL);
        assert_call(f, HTTP_MISDIRECTED, "PUT", "/v1/networks/n",
                    "{\"spec\": {}}");
    }
    assert_int_equal(fake.n_passed, 0);
}

static void
member_becomes_the_writer(void **state)
{
    const struct northbound_options options = { 0 };
    struct fixture *f = *state;

    assert_call(f, 503, "GET", "/v1/networks", NULL);
    northbound_lead(f->nb, &options);
    assert_age(f, "/v1/networks", false);
    assert_null(strstr(ds_cstr(&f->client.head), "\r\nAge: "));
    assert_call(f, 200, "GET", "/v1/drops", NULL);
    assert_call(f, 201, "PUT", "/v1/networks/n", "{\"spec\": {}}");
    assert_int_equal(fake.n_passed, 1);
}

/* The writer.  ------------------------------------------------------------ */

/* The writer that is cut off from the database may not be one any more, and
 * does not wait for a change that fails before it says so. */
static void
writer_that_is_cut_off_says_so(void **state)
{
    struct fixture *f = *state;

    f->nb->following = false;
    assert_age(f, "/v1/networks", false);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_null(strstr(ds_cstr(&f->client.body), "\"store\""));
    fake.is_cut_off = true;
    assert_age(f, "/v1/networks", true);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_has(&f->client.body, "\"reason\":\"store\"");
    assert_has(&f->client.body, "changes cannot be stored: the cluster's "
               "database cannot be reached");
}

static void
member_that_is_away_is_reported(void **state)
{
    struct fixture *f = *state;

    f->nb->following = false;
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_null(strstr(ds_cstr(&f->client.body), "\"members\""));
    fake.is_away = true;
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_has(&f->client.body, "\"reason\":\"members\"");
    assert_has(&f->client.body, "member b of the cluster is away");
}

/* The writer's log, which lacks a batch that others have. */
static void
log_that_lacks_a_batch_is_not_read(void **state)
{
    static const struct {
        const char *method, *path;
    } calls[] = {
        { "GET", "/v1/revisions" },
        { "GET", "/v1/revisions?after=1" },
        { "GET", "/v1/revisions?type=networks&name=shop" },
        { "GET", "/v1/revisions?type=networks&name=shop&contents=true" },
        { "GET", "/v1/revisions/1" },
        { "GET", "/v1/revisions/1?contents=true" },
        { "POST", "/v1/revisions/1/undo" },
    };
    struct fixture *f = *state;

    f->nb->following = false;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        f->store.read_error = EAGAIN;
        assert_call(f, 503, calls[i].method, calls[i].path, NULL);
        assert_has(&f->client.body, "The log could not be read: ");
        assert_has(&f->client.head, "Retry-After: 1\r\n");
        f->store.read_error = 0;
        assert_int_not_equal(call(f, calls[i].method, calls[i].path, NULL),
                             503);
    }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, member_setup, \
                                                   member_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writer_answers_all_but_what_is_of_the_process),
        TEST(copy_is_read_without_a_writer),
        TEST(standby_answers_no_other_member),
        TEST(member_becomes_the_writer),
        TEST(writer_that_is_cut_off_says_so),
        TEST(member_that_is_away_is_reported),
        TEST(log_that_lacks_a_batch_is_not_read),
    };

    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    fatal_ignore_sigpipe();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
