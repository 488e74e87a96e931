/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the app metadata: how long a token is good.  What the replies
 * are like is in apps/metadata/metadata-test.yaml. */

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
#include "openvswitch/ofpbuf.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"

#define PORT "'ports/a': {'network': 'n', 'ips': ['10.0.0.1']," \
    " 'labels': {'role': 'web', 'stage': 'test'}}"

static int
setup(void **state)
{
    static const char *const apps[] = { "overlay", "metadata", NULL };
    struct apps_fixture *f = apps_fixture_create(apps);

    apps_fixture_declare_types(f, "metadata");
    apps_fixture_apply(f, "{'networks/n': {'vni': 7, 'subnets':"
                       " [{'cidr': '10.0.0.0/24'}]}, " PORT ","
                       " 'metadata-networks/n': {'network': 'n'}}");
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
        TEST(token_ends_with_its_port),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
