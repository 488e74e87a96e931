/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the app metadata: which of many objects apply to a port, and
 * how long a token is good.  What the replies are like is in
 * apps/metadata/metadata-test.yaml. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/engine/packet-handler.h"
#include "controller/model/model.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofpbuf.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"

/* As in apps/metadata/metadata.h. */
#define LOOKS_MAX 256
#define OBJECTS_MAX 64
#define LOOKED_SIZE_MAX 524288
#define OBJECT_SIZE_MAX 262144

#define PORT "'ports/a': {'network': 'n', 'ips': ['10.0.0.1']," \
    " 'labels': {'role': 'web', 'stage': 'test'}}"
#define ZONE "GET /latest/meta-data/placement/availability-zone HTTP/1.1\r\n" \
    "Host: x\r\n\r\n"

static int
setup(void **state)
{
    static const char *const apps[] = { "overlay", "metadata", NULL };
    struct apps_fixture *f = apps_fixture_create(apps);

    apps_fixture_declare_types(f, "metadata");
    apps_fixture_apply(f, "{'networks/n': {'vni': 7, 'subnets':"
                       " [{'cidr': '10.0.0.0/24'}]}, " PORT ","
                       " 'metadata-networks/n': {'network': 'n',"
                       " 'tokens': 'optional'}}");
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    apps_fixture_destroy(*state);
    return 0;
}

/* Asks as port "a", at 'now_s'.  Returns the status; and, if 'body' is not
 * NULL, the body, which the caller frees. */
static unsigned
ask(struct apps_fixture *f, const char *request, int64_t now_s, char **body)
{
    const struct engine *engine = apps_fixture_engine(f);
    struct vmn_packet_in in = {
        .host = "h1",
        .port = model_get(apps_fixture_model(f), VMN_TABLE_PORT, "a"),
        .bytes = (const uint8_t *) request,
        .size = strlen(request), .full_size = strlen(request),
    };
    struct vmn_packets_out out;
    unsigned status;

    for (size_t i = 0; i < engine_n_handlers(engine); i++) {
        const struct engine_handler *h = engine_get_handler(engine, i);

        if (!strcmp(h->name, "metadata.http")) {
            engine_fill_http(engine, h, &in);
        }
    }
    in.now_s = now_s;
    engine_packets_out_init(&out);
    apps_fixture_handle(f, "metadata.http", &in, &out);
    status = out.http.reply.status;
    if (body) {
        *body = xmemdup0(out.http.body.data ? out.http.body.data : "",
                         out.http.body.size);
    }
    engine_packets_out_uninit(&out);
    return status;
}

/* Asserts in which zone port "a" is told that it is; NULL: it is not told. */
static void
assert_zone(struct apps_fixture *f, const char *zone)
{
    char *body;
    unsigned status = ask(f, ZONE, 1, &body);

    assert_int_equal(status, zone ? 200 : 404);
    if (zone) {
        assert_string_equal(body, zone);
    }
    free(body);
}

/* Applies 'n' objects with 'members', zone-0 to zone-N, of which a later one
 * has a smaller priority than the ones before it, down to 'least'. */
static void
put_objects(struct apps_fixture *f, const char *prefix, const char *members,
            int n, int least)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (int i = 0; i < n; i++) {
        ds_put_format(&ds, "%c 'metadata/%s-%04d': {%s, 'priority': %d,"
                      " 'availability_zone': '%s-%d'}", i ? ',' : '{', prefix,
                      i, members, MIN(n - 1 - i + least, 1000), prefix, i);
    }
    ds_put_char(&ds, '}');
    apps_fixture_apply(f, ds_cstr(&ds));
    ds_destroy(&ds);
}

/* Which of many.  --------------------------------------------------------- */

static void
the_least_priority_is_asked_first_of_however_many(void **state)
{
    struct apps_fixture *f = *state;
    int n = OBJECTS_MAX + 40;

    put_objects(f, "web", "'selector': 'role=web'", n, 20);
    assert_zone(f, "web-103");
    put_objects(f, "any", "'selector': ''", 1, 19);
    assert_zone(f, "any-0");
    put_objects(f, "has", "'selector': 'stage'", 1, 18);
    assert_zone(f, "has-0");
    put_objects(f, "own", "'ports': ['a']", n, 500);
    assert_zone(f, "own-103");
    apps_fixture_apply(f, "{'metadata/web-0000': {'ports': ['a'],"
                       " 'priority': 3, 'availability_zone': 'moved'}}");
    assert_zone(f, "moved");
    apps_fixture_check(f);
}

/* Those that do not match count as well: a request costs no more than so
 * many. */
static void
so_many_objects_are_looked_at(void **state)
{
    struct apps_fixture *f = *state;

    put_objects(f, "not", "'selector': 'role!=web'", LOOKS_MAX, 0);
    /* Of equal ones it is the last by name. */
    put_objects(f, "z", "'selector': ''", 1, 1000);
    assert_zone(f, NULL);
    apps_fixture_apply(f, "{'metadata/not-0000': null}");
    assert_zone(f, "z-0");
    put_objects(f, "more", "'selector': 'role!=web'", 1, 500);
    assert_zone(f, NULL);
    put_objects(f, "web", "'selector': 'role=web'", 1, 0);
    assert_zone(f, "web-0");
}

/* What is read for a request is bounded by its size, too. */
static void
objects_are_read_up_to_a_size(void **state)
{
    struct apps_fixture *f = *state;
    const int n = LOOKED_SIZE_MAX / 65536;
    char *text = xmalloc(65537);

    memset(text, 'x', 65536);
    text[65536] = '\0';
    put_objects(f, "z", "'selector': 'role=web'", 1, 500);
    for (int i = 0; i < n; i++) {
        char *json;

        assert_zone(f, "z-0");
        json = xasprintf("{'metadata/large-%d': {'selector': 'role=web',"
                         " 'priority': 1, 'user_data': '%s'}}", i, text);
        apps_fixture_apply(f, json);
        free(json);
    }
    assert_zone(f, NULL);
    free(text);
}

/* Tokens.  ---------------------------------------------------------------- */

/* Returns the status of a request with the token at 'now_s'. */
static unsigned
ask_with(struct apps_fixture *f, const char *token, int64_t now_s)
{
    char *request = xasprintf(
        "GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: x\r\n"
        "X-aws-ec2-metadata-token: %s\r\n\r\n", token);
    unsigned status = ask(f, request, now_s, NULL);

    free(request);
    return status;
}

static void
token_ends_with_its_port(void **state)
{
    struct apps_fixture *f = *state;
    char *token, *other;

    assert_int_equal(ask(f, "PUT /latest/api/token HTTP/1.1\r\nHost: x\r\n"
                         "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n",
                         1000, &token), 200);
    assert_int_equal(ask_with(f, token, 1059), 200);
    assert_int_equal(ask_with(f, token, 1060), 401);
    /* The port is changed... */
    apps_fixture_apply_at(f, "{'ports/a': {'network': 'n',"
                          " 'ips': ['10.0.0.2']}}", 2);
    assert_int_equal(ask_with(f, token, 1000), 200);
    /* ...and made anew. */
    apps_fixture_apply_at(f, "{'ports/a': null}", 3);
    apps_fixture_apply_at(f, "{" PORT "}", 4);
    assert_int_equal(ask_with(f, token, 1000), 401);
    assert_int_equal(ask(f, "PUT /latest/api/token HTTP/1.1\r\nHost: x\r\n"
                         "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n",
                         1000, &other), 200);
    assert_string_not_equal(token, other);
    assert_int_equal(ask_with(f, other, 1000), 200);
    free(token);
    free(other);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        TEST(the_least_priority_is_asked_first_of_however_many),
        TEST(so_many_objects_are_looked_at),
        TEST(objects_are_read_up_to_a_size),
        TEST(token_ends_with_its_port),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
