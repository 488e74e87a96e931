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
    struct ovsdb_handshake opening;
    struct ofpbuf to_host;
    struct ofpbuf to_client;
    size_t piece;               /* Bytes that come at a time. */
};

static struct ovsdb_schemas *schemas; /* Of one case. */

static void
fixture_init(struct fixture *f, size_t piece)
{
    ovsdb_handshake_init(&f->opening, schemas);
    ofpbuf_init(&f->to_host, 0);
    ofpbuf_init(&f->to_client, 0);
    f->piece = piece;
}

static void
fixture_uninit(struct fixture *f)
{
    ovsdb_handshake_uninit(&f->opening);
    ofpbuf_uninit(&f->to_host);
    ofpbuf_uninit(&f->to_client);
}

static void
from_client(struct fixture *f, const char *s)
{
    for (size_t n = strlen(s), i = 0; i < n; i += f->piece) {
        ovsdb_handshake_from_client(&f->opening, s + i, MIN(n - i, f->piece),
                                    &f->to_host, &f->to_client);
    }
}

static void
from_host(struct fixture *f, const char *s)
{
    for (size_t n = strlen(s), i = 0; i < n; i += f->piece) {
        ovsdb_handshake_from_host(&f->opening, s + i, MIN(n - i, f->piece),
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
/* As the host gets it, which answers as it was asked. */
#define ASK_HOST "{\"id\":\"schema\",\"method\":\"get_schema\"," \
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
    from_client(&f, ASK_DATA);
    check_got_json(&f.to_host, ASK_HOST);
    from_client(&f, ECHO_REPLY);
    check_got(&f.to_host, ECHO_REPLY);

    from_host(&f, ECHO_REQUEST UPDATE);
    check_got(&f.to_client, ECHO_REQUEST UPDATE);
    from_host(&f, "{\"id\":\"schema\",\"error\":null,\"result\":{\"name\":"
              "\"Open_vSwitch\",\"version\":\"8.3.1\",\"tables\":{"
              "\"Bridge\":{\"columns\":{\"name\":{\"type\":\"string\"},"
              "\"stp_enable\":{\"type\":\"boolean\"},"
              "\"ports\":{\"type\":{\"key\":\"uuid\"}}},\"isRoot\":true},"
              "\"SSL\":{\"columns\":{\"type\":{\"type\":\"string\"}}}}}}");
    check_got_json(&f.to_client, "{\"id\":2,\"error\":null,\"result\":{"
                   "\"tables\":{\"Bridge\":{\"columns\":{\"name\":{},"
                   "\"ports\":{}}}}}}");

    /* From here on nothing is looked at. */
    from_host(&f, "{\"id\":2,\"result\":{\"tables\":{\"SSL\":1}}} and");
    check_got(&f.to_client, "{\"id\":2,\"result\":{\"tables\":{\"SSL\":1}}}"
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
    struct fixture f;

    fixture_init(&f, 3);
    from_client(&f, ASK_DATA);
    from_host(&f, "{\"id\":\"schema\",\"result\":null,\"error\":"
              "\"unknown database\"}");
    check_got_json(&f.to_client, "{\"id\":2,\"result\":null,\"error\":"
                   "\"unknown database\"}");
    fixture_uninit(&f);
}

/* An answer of the host's, which has column 'column' in table Bridge. */
#define ANSWER(COLUMN) "{\"id\":\"schema\",\"error\":null,\"result\":{" \
                       "\"tables\":{\"Bridge\":{\"columns\":{\"" COLUMN \
                       "\":{\"type\":\"string\"}}}}}}"
#define CUT(ID, COLUMN) "{\"id\":" ID ",\"error\":null,\"result\":{" \
                        "\"tables\":{\"Bridge\":{\"columns\":{\"" COLUMN \
                        "\":{}}}}}}"

/* Each client gets its host's answer under its own id, whoever answered like
 * that before. */
static void
equal_answers_are_looked_into_once(void **state OVS_UNUSED)
{
    static const char *const answers[] = {
        ANSWER("name"), ANSWER("name"), ANSWER("ports"), ANSWER("name"),
        ANSWER("fail_mode"), ANSWER("protocols"), ANSWER("controller"),
        ANSWER("name"), ANSWER("name"),
    };
    static const char *const cuts[] = {
        CUT("1", "name"), CUT("2", "name"), CUT("3", "ports"),
        CUT("4", "name"), CUT("5", "fail_mode"), CUT("6", "protocols"),
        CUT("7", "controller"), CUT("8", "name"), CUT("9", "name"),
    };
    /* Of "name" in the end, too: it was forgotten, and added again. */
    static const bool known[] = {
        false, true, false, true, false, false, false, false, true,
    };

    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        struct fixture f;
        bool has_zone_limits;
        char *ask = xasprintf("{\"id\":%"PRIuSIZE",\"method\":\"get_schema\","
                              "\"params\":[\"Open_vSwitch\"]}", i + 1);

        fixture_init(&f, 5);
        from_client(&f, ask);
        check_got_json(&f.to_host, ASK_HOST);
        assert_int_equal(ovsdb_schemas_find(schemas, answers[i],
                                            strlen(answers[i]),
                                            &has_zone_limits) != NULL,
                         known[i]);
        from_host(&f, answers[i]);
        check_got_json(&f.to_client, cuts[i]);
        fixture_uninit(&f);
        free(ask);
    }
}

/* An answer that nobody has asked for yet passes, even one that is known. */
static void
early_answer_passes(void **state OVS_UNUSED)
{
    struct fixture f;

    fixture_init(&f, 100);
    ovsdb_schemas_add(schemas, ANSWER("name"), strlen(ANSWER("name")),
                      xstrdup("{}"), false);
    from_host(&f, ANSWER("name"));
    check_got(&f.to_client, ANSWER("name"));
    from_client(&f, ASK_DATA);
    check_got_json(&f.to_host, ASK_HOST);
    from_host(&f, ANSWER("ports"));
    check_got_json(&f.to_client, CUT("2", "ports"));
    fixture_uninit(&f);
}

/* Of zone limits the client gets all that is read, or nothing; also where the
 * answer is known. */
static void
zone_limits_are_cut_whole(void **state OVS_UNUSED)
{
#define TABLES(LIMIT)                                                   \
    "\"Open_vSwitch\":{\"columns\":{\"datapaths\":{}}},"                  \
    "\"Datapath\":{\"columns\":{" LIMIT "\"ct_zones\":{},"               \
    "\"external_ids\":{}}},"                                            \
    "\"CT_Zone\":{\"columns\":{\"external_ids\":{}}}"
#define REPLY(ID, TABLES) \
    "{\"error\":null,\"id\":" ID ",\"result\":{\"tables\":{" TABLES "}}}"
#define WITH TABLES("\"ct_zone_default_limit\":{},")

    for (int i = 0; i < 4; i++) {
        bool has = i < 2;
        struct fixture f;

        fixture_init(&f, 11);
        from_client(&f, ASK_DATA);
        check_got_json(&f.to_host, ASK_HOST);
        from_host(&f, has ? REPLY("\"schema\"", WITH)
                  : REPLY("\"schema\"", TABLES("")));
        check_got_json(&f.to_client, has ? REPLY("2", WITH)
                       : REPLY("2", ""));
        assert_int_equal(f.opening.has_zone_limits, has);
        fixture_uninit(&f);
    }
}

static int
setup(void **state OVS_UNUSED)
{
    schemas = ovsdb_schemas_create();
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    ovsdb_schemas_destroy(schemas);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(client_gets_the_columns_that_we_read),
        T(error_for_the_schema_passes),
        T(equal_answers_are_looked_into_once),
        T(early_answer_passes),
        T(zone_limits_are_cut_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
