/* SPDX-License-Identifier: Apache-2.0
 *
 * The relay's liveness, with a clock of our own: probes, silence, and hosts
 * that do not receive. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "proto/ovsdb/ovsdb-private.h"
#include "stream.h"
#include "util.h"

#define START_MS 1000000

struct fixture {
    int host;                   /* The host's end. */
    struct ovsdb_schemas *schemas;
    struct ovsdb_relay *relay;
    struct ovsdb_idl *idl;
};

/* Makes a relay to a host that is a socket in this test. */
static void
fixture_open(struct fixture *f)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    char dir[] = "/tmp/vmn-test.XXXXXX";
    struct stream *stream;
    int listener;
    char *name;
    int error;

    assert_non_null(mkdtemp(dir));
    snprintf(un.sun_path, sizeof un.sun_path, "%s/s", dir);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *) &un, sizeof un), 0);
    assert_int_equal(listen(listener, 1), 0);
    name = xasprintf("unix:%s", un.sun_path);
    assert_int_equal(stream_open(name, &stream, 0), 0);
    assert_int_equal(stream_connect(stream), 0);
    f->host = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    assert_true(f->host >= 0);
    close(listener);
    unlink(un.sun_path);
    rmdir(dir);
    free(name);

    f->schemas = ovsdb_schemas_create();
    f->relay = ovsdb_relay_create("hv1", f->schemas, stream, NULL, START_MS);
    assert_non_null(f->relay);
    f->idl = ovsdb_relay_open_idl(f->relay, &error);
    assert_non_null(f->idl);
}

static void
fixture_close(struct fixture *f)
{
    ovsdb_idl_destroy(f->idl);
    ovsdb_relay_destroy(f->relay);
    ovsdb_schemas_destroy(f->schemas);
    close(f->host);
}

/* Runs relay and client at 'now_ms', often enough for the client's questions,
 * of which the relay answers the first. */
static const char *
run(struct fixture *f, int64_t now_ms)
{
    const char *error = ovsdb_relay_run(f->relay, now_ms);

    for (int i = 0; i < 3 && !error; i++) {
        ovsdb_idl_run(f->idl);
        error = ovsdb_relay_run(f->relay, now_ms);
    }
    return error;
}

/* All that the host has received and not read, as a string. */
static char *
received(struct fixture *f)
{
    static char all[100000];
    ssize_t n = recv(f->host, all, sizeof all - 1, 0);

    all[MAX(n, 0)] = '\0';
    return all;
}

static void
silent_host_is_probed_and_then_dropped(void **state OVS_UNUSED)
{
    struct fixture f;
    int64_t t = START_MS;

    fixture_open(&f);
    assert_null(run(&f, t));
    /* The client has asked for what it needs. */
    assert_non_null(strstr(received(&f), "get_schema"));
    t += OVSDB_PROBE_IDLE_MS - 1;
    assert_null(run(&f, t));
    assert_string_equal(received(&f), "");
    t++;
    assert_null(run(&f, t));
    assert_non_null(strstr(received(&f), "\"method\":\"echo\""));

    /* An answer is good for another round. */
    static const char answer[] = "{\"id\":\"echo\",\"error\":null,"
                                 "\"result\":[]}";
    assert_int_equal(send(f.host, answer, sizeof answer - 1, 0),
                     sizeof answer - 1);
    t += OVSDB_PROBE_REPLY_MS - 1;
    assert_null(run(&f, t));
    t += OVSDB_PROBE_IDLE_MS;
    assert_null(run(&f, t));
    assert_non_null(strstr(received(&f), "\"method\":\"echo\""));
    t += OVSDB_PROBE_REPLY_MS - 1;
    assert_null(run(&f, t));
    t++;
    assert_string_equal(run(&f, t), "the host does not reply");
    fixture_close(&f);
}

static void
probe_on_request_comes_at_once(void **state OVS_UNUSED)
{
    struct fixture f;

    fixture_open(&f);
    assert_null(run(&f, START_MS));
    received(&f);
    ovsdb_relay_probe(f.relay, START_MS);
    ovsdb_relay_probe(f.relay, START_MS);
    assert_null(run(&f, START_MS));
    assert_string_equal(received(&f),
                        "{\"id\":\"echo\",\"method\":\"echo\",\"params\":[]}");
    assert_non_null(run(&f, START_MS + OVSDB_PROBE_REPLY_MS));
    fixture_close(&f);
}

static void
host_that_sends_but_does_not_receive_is_dropped(void **state OVS_UNUSED)
{
    struct fixture f;
    const char *error = NULL;
    static const char echo[] = "{\"id\":\"a\",\"method\":\"echo\","
                               "\"params\":[\"0123456789012345678901234567890"
                               "1234567890123456789012345678901234567890\"]}";
    size_t n = 0;

    /* Each of these makes the client answer, which the host never reads. */
    fixture_open(&f);
    while (!error && n < 10 * OVSDB_MAX_MESSAGE) {
        ssize_t sent = send(f.host, echo, sizeof echo - 1, MSG_NOSIGNAL);

        if (sent > 0) {
            assert_int_equal(sent, sizeof echo - 1);
            n += sent;
        } else {
            error = run(&f, START_MS);
        }
    }
    assert_string_equal(error, "the host sends, but does not receive");
    fixture_close(&f);
}

static void
bad_bytes_end_the_relay(void **state OVS_UNUSED)
{
    struct fixture f;

    fixture_open(&f);
    assert_int_equal(send(f.host, "{}]", 3, 0), 3);
    assert_string_equal(run(&f, START_MS),
                        "a message does not begin with \"{\"");
    fixture_close(&f);

    fixture_open(&f);
    shutdown(f.host, SHUT_WR);
    assert_string_equal(run(&f, START_MS), "the host closed the connection");
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silent_host_is_probed_and_then_dropped),
        cmocka_unit_test(probe_on_request_comes_at_once),
        cmocka_unit_test(host_that_sends_but_does_not_receive_is_dropped),
        cmocka_unit_test(bad_bytes_end_the_relay),
    };

    set_program_name("test-ovsdb-relay");
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
