/* SPDX-License-Identifier: Apache-2.0
 *
 * The opening of a client's session: what is answered for the host, what is
 * cut, and that all else passes, in whichever pieces it comes. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "openvswitch/json.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/shash.h"
#include "proto/ovsdb/ovsdb-private.h"
#include "util.h"

struct fixture {
    struct ovsdb_opening opening;
    struct ofpbuf to_host;
    struct ofpbuf to_client;
    size_t piece;               /* Bytes that come at a time. */
};

static void
fixture_init(struct fixture *f, size_t piece)
{
    ovsdb_opening_init(&f->opening);
    ofpbuf_init(&f->to_host, 0);
    ofpbuf_init(&f->to_client, 0);
    f->piece = piece;
}

static void
fixture_uninit(struct fixture *f)
{
    ovsdb_opening_uninit(&f->opening);
    ofpbuf_uninit(&f->to_host);
    ofpbuf_uninit(&f->to_client);
}

static void
from_client(struct fixture *f, const char *s)
{
    for (size_t n = strlen(s), i = 0; i < n; i += f->piece) {
        ovsdb_opening_from_client(&f->opening, s + i, MIN(n - i, f->piece),
                                  &f->to_host, &f->to_client);
    }
}

static void
from_host(struct fixture *f, const char *s)
{
    for (size_t n = strlen(s), i = 0; i < n; i += f->piece) {
        ovsdb_opening_from_host(&f->opening, s + i, MIN(n - i, f->piece),
                                &f->to_client);
    }
}

/* Checks what a side got, as text, and forgets it. */
static void
check_got(struct ofpbuf *b, const char *expected)
{
    ofpbuf_put(b, "", 1);
    assert_string_equal(b->data, expected);
    ofpbuf_clear(b);
}

/* The same, of JSON, whatever the order of members. */
static void
check_got_json(struct ofpbuf *b, const char *expected)
{
    struct json *a, *e = json_from_string(expected);
    char *as, *es = json_to_string(e, JSSF_SORT);

    ofpbuf_put(b, "", 1);
    a = json_from_string(b->data);
    as = json_to_string(a, JSSF_SORT);
    assert_string_equal(as, es);
    ofpbuf_clear(b);
    json_destroy(a);
    json_destroy(e);
    free(as);
    free(es);
}

#define ASK_SERVER "{\"id\":1,\"method\":\"get_schema\"," \
                   "\"params\":[\"_Server\"]}"
#define ASK_DATA "{\"id\":2,\"method\":\"get_schema\"," \
                 "\"params\":[\"Open_vSwitch\"]}"
#define ECHO_REQUEST "{\"id\":2,\"method\":\"echo\",\"params\":[\"}\"]}"
#define ECHO_REPLY "{\"id\":\"echo\",\"result\":[],\"error\":null}"
#define UPDATE "{\"id\":null,\"method\":\"update\",\"params\":[{}]}"

static void
check_opening(size_t piece)
{
    struct fixture f;

    fixture_init(&f, piece);
    from_host(&f, ECHO_REQUEST);
    check_got(&f.to_client, ECHO_REQUEST);

    from_client(&f, ECHO_REPLY);
    check_got(&f.to_host, ECHO_REPLY);
    from_client(&f, ASK_SERVER);
    check_got(&f.to_host, "");
    check_got_json(&f.to_client, "{\"id\":1,\"result\":null,"
                   "\"error\":\"unknown database\"}");
    from_client(&f, ASK_DATA ECHO_REPLY);
    check_got(&f.to_host, ASK_DATA ECHO_REPLY);

    from_host(&f, ECHO_REQUEST UPDATE);
    check_got(&f.to_client, ECHO_REQUEST UPDATE);
    from_host(&f, "{\"id\":2,\"error\":null,\"result\":{\"name\":"
              "\"Open_vSwitch\",\"version\":\"8.3.1\",\"tables\":{"
              "\"Bridge\":{\"columns\":{\"name\":{\"type\":\"string\"},"
              "\"stp_enable\":{\"type\":\"boolean\"},"
              "\"ports\":{\"type\":{\"key\":\"uuid\"}}},\"isRoot\":true},"
              "\"QoS\":{\"columns\":{\"type\":{\"type\":\"string\"}}}}}}");
    check_got_json(&f.to_client, "{\"id\":2,\"error\":null,\"result\":{"
                   "\"tables\":{\"Bridge\":{\"columns\":{\"name\":{},"
                   "\"ports\":{}}}}}}");

    /* From here on nothing is looked at. */
    from_host(&f, "{\"id\":2,\"result\":{\"tables\":{\"QoS\":1}}} and");
    check_got(&f.to_client, "{\"id\":2,\"result\":{\"tables\":{\"QoS\":1}}}"
              " and");
    from_client(&f, ASK_SERVER " and");
    check_got(&f.to_host, ASK_SERVER " and");
    fixture_uninit(&f);
}

static void
client_gets_the_columns_that_we_read(void **state OVS_UNUSED)
{
    check_opening(1);
    check_opening(7);
    check_opening(100000);
}

static void
error_for_the_schema_passes(void **state OVS_UNUSED)
{
    static const char error[] = "{\"id\":2,\"result\":null,\"error\":"
                                "\"unknown database\"}";
    struct fixture f;

    fixture_init(&f, 3);
    from_client(&f, ASK_DATA);
    from_host(&f, error);
    check_got(&f.to_client, error);
    fixture_uninit(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_gets_the_columns_that_we_read),
        cmocka_unit_test(error_for_the_schema_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
