/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions that hosts dial: who they are, with TLS and without, and peers that
 * send rubbish. */

#include <config.h>

#include "tests/unit/ovsdb-fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stream-ssl.h"
#include "tests/unit/listening.h"
#include "util.h"

/* What openssl-req(1) makes in no time; RSA takes seconds under load. */
#define NEW_KEY "ec -pkeyopt ec_paramgen_curve:P-256"

struct inbound {
    struct ovsdb_listener *listener;
    struct ovsdb_fixture hosts[2];    /* "hv1", "hv2". */
    int n_unknown;
};

static struct ovsdb_session *
find_host(void *inbound_, const char *system_id)
{
    struct inbound *in = inbound_;

    if (!strcmp(system_id, "hv1")) {
        return in->hosts[0].session;
    } else if (!strcmp(system_id, "hv2")) {
        return in->hosts[1].session;
    }
    in->n_unknown++;
    return NULL;
}

static struct inbound *
inbound_open(void)
{
    struct inbound *in = xzalloc(sizeof *in);
    char *text;

    assert_int_equal(ovsdb_listener_open(session_loop, "tcp:127.0.0.1:0",
                                         find_host, in, &in->listener, &text),
                     0);
    for (int i = 0; i < 2; i++) {
        struct ovsdb_fixture *f = &in->hosts[i];

        ovs_sandbox_create(&f->sb, i ? "hv2" : "hv1");
        f->session = open_session(f, i ? "hv2" : "hv1", NULL);
    }
    return in;
}

static void
inbound_close(struct inbound *in)
{
    ovsdb_listener_close(in->listener);
    for (int i = 0; i < 2; i++) {
        ovsdb_session_destroy(in->hosts[i].session);
        ovs_sandbox_destroy(&in->hosts[i].sb);
    }
    free(in);
}

static void
host_dial(const struct inbound *in, const struct ovsdb_fixture *f)
{
    free(ovs_sandbox_vsctl(&f->sb, "set-manager tcp:127.0.0.1:%u",
                           listening_port()));
}

static void
several_hosts_dial_in_on_one_port(void **state OVS_UNUSED)
{
    struct inbound *in = inbound_open();
    struct ovsdb_desired desired = set_desired("br-int");

    for (int i = 0; i < 2; i++) {
        host_dial(in, &in->hosts[i]);
    }
    for (int i = 0; i < 2; i++) {
        struct ovsdb_fixture *f = &in->hosts[i];

        WAIT_FOR(IS_UP(f));
        assert_string_equal(ovsdb_session_snapshot(f->session)->system_id,
                            i ? "hv2" : "hv1");
        configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
        ASSERT_VSCTL(f, "secure", "get-fail-mode br-int");
    }

    /* One comes back after its server was restarted; the other stays. */
    int64_t since_ms = status_of(in->hosts[1].session).since_ms;
    ovs_sandbox_stop_server(&in->hosts[0].sb);
    WAIT_FOR(!IS_UP(&in->hosts[0]));
    ovs_sandbox_start_server(&in->hosts[0].sb);
    WAIT_FOR(IS_UP(&in->hosts[0]));
    assert_int_equal(status_of(in->hosts[1].session).since_ms, since_ms);
    inbound_close(in);
}

static void
unknown_host_is_closed(void **state OVS_UNUSED)
{
    struct inbound *in = inbound_open();

    free(ovs_sandbox_vsctl(&in->hosts[0].sb, "set Open_vSwitch . "
                           "external_ids:system-id=stranger"));
    host_dial(in, &in->hosts[0]);
    WAIT_FOR(in->n_unknown > 0);
    assert_int_equal(status_of(in->hosts[0].session).state, OVSDB_WAITING);
    /* It is let in once it has the right name. */
    free(ovs_sandbox_vsctl(&in->hosts[0].sb, "set Open_vSwitch . "
                           "external_ids:system-id=hv1"));
    WAIT_FOR(IS_UP(&in->hosts[0]));
    inbound_close(in);
}

static void
second_connection_of_a_host_displaces_no_live_one(void **state OVS_UNUSED)
{
    struct inbound *in = inbound_open();
    struct ovsdb_fixture *f = &in->hosts[0];
    int64_t since_ms;

    host_dial(in, f);
    WAIT_FOR(IS_UP(f));
    free(ovs_sandbox_vsctl(&in->hosts[1].sb, "set Open_vSwitch . "
                           "external_ids:system-id=hv1 external_ids:fake=1"));
    /* What the host itself still tells of its set-up may come meanwhile, so
     * the time at which it came up counts, not how often it has told. */
    since_ms = status_of(f->session).since_ms;
    host_dial(in, &in->hosts[1]);
    for (int i = 0; i < 100; i++) {
        loop_turn(session_loop, 20);
    }
    assert_true(IS_UP(f));
    assert_int_equal(status_of(f->session).since_ms, since_ms);
    /* The real one leaves; the other, which goes on trying, gets in. */
    ovs_sandbox_stop_server(&f->sb);
    WAIT_FOR(!IS_UP(f));
    WAIT_FOR(IS_UP(f));
    inbound_close(in);
}

static int
dial(uint16_t port)
{
    struct sockaddr_in sin = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *) &sin, sizeof sin), 0);
    return fd;
}

/* Returns true once the other side has closed 'fd'. */
static bool
is_closed(int fd)
{
    char chunk[4096];
    ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);

    return !n || (n < 0 && errno != EAGAIN);
}

static void
send_and_expect_close(struct inbound *in, const char *data, size_t size)
{
    int fd = dial(listening_port());
    size_t sent = 0;

    WAIT_FOR(is_closed(fd) || ({
        ssize_t n = sent < size ? send(fd, data + sent, size - sent,
                                       MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        sent += n > 0 ? n : 0;
        false;
    }));
    close(fd);
}

/* Makes DIR/NAME-key.pem and DIR/NAME-cert.pem, for common name 'cn', and the
 * authority that signs them if there is none yet. */
static void
make_certificate(const char *dir, const char *name, const char *cn)
{
    char *command = xasprintf(
        "cd %s && { [ -e ca.pem ] || openssl req -x509 -newkey " NEW_KEY " "
        "-nodes -subj /CN=ca -days 2 -keyout ca-key.pem -out ca.pem; } && "
        "openssl req -newkey " NEW_KEY " -nodes -subj /CN=%s "
        "-keyout %s-key.pem -out req.pem && "
        "openssl x509 -req -in req.pem -CA ca.pem -CAkey ca-key.pem "
        "-CAcreateserial -days 2 -out %s-cert.pem",
        dir, cn, name, name);
    char sh[] = "sh", c[] = "-c";
    char *argv[] = { sh, c, command, NULL };
    struct ovs_sandbox nowhere = { .dir = CONST_CAST(char *, dir) };

    assert_int_equal(ovs_sandbox_exec(&nowhere, argv, NULL), 0);
    free(command);
}

static void
host_set_ssl(const struct ovsdb_fixture *f, const char *dir, const char *name)
{
    free(ovs_sandbox_vsctl(&f->sb, "set-ssl %s/%s-key.pem %s/%s-cert.pem "
                           "%s/ca.pem", dir, name, dir, name, dir));
}

static void
certificate_must_name_the_host(void **state OVS_UNUSED)
{
    struct inbound *in = inbound_open();
    const char *dir = in->hosts[0].sb.dir;
    char *key = xasprintf("%s/vmnd-key.pem", dir);
    char *cert = xasprintf("%s/vmnd-cert.pem", dir);
    char *ca = xasprintf("%s/ca.pem", dir);
    char *text;

    make_certificate(dir, "vmnd", "vmnd");
    make_certificate(dir, "hv1", "hv1");
    stream_ssl_set_key_and_cert(key, cert);
    stream_ssl_set_ca_cert_file(ca, false);
    ovsdb_listener_close(in->listener);
    assert_int_equal(ovsdb_listener_open(session_loop, "ssl:127.0.0.1:0",
                                         find_host, in, &in->listener, &text),
                     0);

    /* "hv2" has the certificate of "hv1". */
    for (int i = 0; i < 2; i++) {
        host_set_ssl(&in->hosts[i], dir, "hv1");
        free(ovs_sandbox_vsctl(&in->hosts[i].sb,
                               "set-manager ssl:127.0.0.1:%u -- "
                               "set Manager . max_backoff=1000",
                               listening_port()));
    }
    WAIT_FOR(IS_UP(&in->hosts[0]));
    for (int i = 0; i < 150; i++) {
        loop_turn(session_loop, 20);
    }
    assert_int_equal(in->hosts[1].n_changes, 0);

    make_certificate(dir, "hv2", "hv2");
    host_set_ssl(&in->hosts[1], dir, "hv2");
    WAIT_FOR(IS_UP(&in->hosts[1]));

    /* And without TLS nobody gets in there. */
    send_and_expect_close(in, "{}", 2);
    free(key);
    free(cert);
    free(ca);
    inbound_close(in);
}

/* Rubbish.  -------------------------------------------------------------- */

static void
rubbish_is_closed_and_harms_nobody(void **state OVS_UNUSED)
{
    static const char *const rubbish[] = {
        "x", "[]", "]", "\"", "{]", "{}", "{}{}", "{\"id\":1}",
        "{\"id\":\"vmn-id\",\"error\":null,\"result\":[]}",
        "{\"id\":\"vmn-id\",\"error\":null,\"result\":[{\"rows\":7}]}",
        "{\"id\":\"vmn-id\",\"error\":{},\"result\":null}",
        "{\"id\":\"vmn-id\",\"error\":null,\"result\":[{\"rows\":["
        "{\"external_ids\":[\"map\",[[\"system-id\",\"stranger\"]]]}]}]}",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "{\"method\":\"echo\",\"params\":[],\"id\":null}}",
        "{\"a\":\"\xff\xfe\"}",
    };
    struct inbound *in = inbound_open();
    struct ovsdb_fixture *f = &in->hosts[0];
    size_t size = OVSDB_ID_MAX_MESSAGE + 100;
    char *large = xmalloc(size);
    char *deep = xmalloc(1000);
    int64_t since_ms;

    host_dial(in, f);
    WAIT_FOR(IS_UP(f));
    since_ms = status_of(f->session).since_ms;
    for (size_t i = 0; i < ARRAY_SIZE(rubbish); i++) {
        send_and_expect_close(in, rubbish[i], strlen(rubbish[i]));
    }
    memset(large, 'a', size);
    memcpy(large, "{\"", 2);
    send_and_expect_close(in, large, size);
    memset(deep, '[', 1000);
    deep[0] = '{';
    send_and_expect_close(in, deep, 1000);
    free(large);
    free(deep);

    /* Endless small messages. */
    char *many = xzalloc(4000);

    for (int i = 0; i < OVSDB_ID_MAX_MESSAGES + 1; i++) {
        strcat(many, "{\"id\":null,\"method\":\"update\",\"params\":[]}");
    }
    send_and_expect_close(in, many, strlen(many));
    free(many);

    /* The one that was there has not come anew, and works. */
    assert_true(IS_UP(f));
    assert_int_equal(status_of(f->session).since_ms, since_ms);
    free(ovs_sandbox_vsctl(&f->sb, "add-br br0"));
    WAIT_FOR(ovsdb_session_snapshot(f->session)->n_bridges == 1);
    inbound_close(in);
}

/* The answer of NAME to who it is. */
#define IDENTITY(NAME) \
    "{\"id\":\"vmn-id\",\"error\":null,\"result\":[{\"rows\":[" \
    "{\"external_ids\":[\"map\",[[\"system-id\",\"" NAME "\"]]]}]}]}"

/* A host that answers who it is, and then sends 'data'. */
static void
known_host_sends(struct inbound *in, const char *data, size_t size)
{
    static const char answer[] = IDENTITY("hv2");
    char *both = xmalloc(sizeof answer - 1 + size);
    int n_changes = in->hosts[1].n_changes;

    memcpy(both, answer, sizeof answer - 1);
    memcpy(both + sizeof answer - 1, data, size);
    send_and_expect_close(in, both, sizeof answer - 1 + size);
    free(both);
    WAIT_FOR(status_of(in->hosts[1].session).state == OVSDB_WAITING
             && in->hosts[1].n_changes > n_changes);
    assert_non_null(status_of(in->hosts[1].session).error);
}

static void
known_host_that_sends_rubbish_is_dropped(void **state OVS_UNUSED)
{
    static const char *const rubbish[] = {
        "x", "]", "{\"id\":1}", "{}", "{\"method\":5}",
        "{\"id\":0,\"error\":null,\"result\":[]}"
        "{\"id\":1,\"error\":null,\"result\":[]}"
        "{\"id\":2,\"error\":null,\"result\":7} }",
        "{\"id\":null,\"method\":\"update3\",\"params\":[[\"monid\"],7]} }",
    };
    struct inbound *in = inbound_open();
    size_t size = OVSDB_MAX_MESSAGE + 100000;
    char *large = xmalloc(size);

    for (size_t i = 0; i < ARRAY_SIZE(rubbish); i++) {
        known_host_sends(in, rubbish[i], strlen(rubbish[i]));
    }
    memset(large, 'a', size);
    memcpy(large, "{\"", 2);
    known_host_sends(in, large, size);
    if (!strstr(status_of(in->hosts[1].session).error, "too large")) {
        fail_msg("%s", status_of(in->hosts[1].session).error);
    }
    free(large);

    /* The real one is welcome afterwards. */
    host_dial(in, &in->hosts[1]);
    WAIT_FOR(IS_UP(&in->hosts[1]));
    inbound_close(in);
}

/* Takes some 20 seconds, since that long a host may be silent. */
static void
only_a_silent_host_is_given_up(void **state OVS_UNUSED)
{
    static const char silent[] = IDENTITY("hv1");
    static const char slow[] = IDENTITY("hv2") "{\"";
    struct inbound *in = inbound_open();
    struct ovsdb_session *const *first = &in->hosts[0].session;
    struct ovsdb_session *const *second = &in->hosts[1].session;
    int fds[] = { dial(listening_port()), dial(listening_port()) };

    assert_int_equal(send(fds[0], silent, strlen(silent), 0), strlen(silent));
    assert_int_equal(send(fds[1], slow, strlen(slow), 0), strlen(slow));
    WAIT_FOR(status_of(*first).state == OVSDB_CONNECTING
             && status_of(*second).state == OVSDB_CONNECTING);
    int64_t next_ms = 0;
    WAIT_FOR(status_of(*first).error || ({
        if (time_msec() >= next_ms) {
            send(fds[1], "a", 1, MSG_NOSIGNAL);
            next_ms = time_msec() + 500;
        }
        false;
    }));
    assert_string_equal(status_of(*first).error,
                        "the host did not reply in time");
    assert_int_equal(status_of(*second).state, OVSDB_CONNECTING);
    close(fds[0]);
    close(fds[1]);
    inbound_close(in);
}

static void
listeners_of_wrong_form_are_refused(void **state OVS_UNUSED)
{
    static const char *const listeners[] = {
        "", "tcp", "tcp:", "tcp:6640", "tcp::6640", "tcp:127.0.0.1:",
        "tcp:127.0.0.1:port", "tcp:300.0.0.1:6640", "udp:127.0.0.1:6640",
        "unix:", "ptcp:6640",
    };
    struct ovsdb_listener *listener;
    char *text;

    for (size_t i = 0; i < ARRAY_SIZE(listeners); i++) {
        assert_int_not_equal(ovsdb_listener_open(session_loop, listeners[i],
                                                 find_host, NULL, &listener,
                                                 &text), 0);
        assert_non_null(text);
        free(text);
    }
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_hosts_dial_in_on_one_port),
        cmocka_unit_test(unknown_host_is_closed),
        cmocka_unit_test(second_connection_of_a_host_displaces_no_live_one),
        cmocka_unit_test(certificate_must_name_the_host),
        cmocka_unit_test(rubbish_is_closed_and_harms_nobody),
        cmocka_unit_test(known_host_that_sends_rubbish_is_dropped),
        cmocka_unit_test(only_a_silent_host_is_given_up),
        cmocka_unit_test(listeners_of_wrong_form_are_refused),
    };

    return session_run_all(argv, tests, ARRAY_SIZE(tests));
}
