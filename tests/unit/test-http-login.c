/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom the HTTP server (proto/http) lets in: sockets, addresses, tokens and
 * those who guess them, pages of other origins. */

#include <config.h>

#include "tests/unit/http-fixture.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "timeval.h"
#include "util.h"

static void
token_is_required_over_tcp(void **state)
{
    static const char *const bad[] = {
        "", "Authorization: Bearer\r\n", "Authorization: Bearer x\r\n",
        "Authorization: Basic " TOKEN "\r\n",
        "Authorization: " TOKEN "\r\n",
        "Authorization: Bearer " TOKEN "x\r\n",
        "Authorization: Bearer correct-horse-batterz\r\n",
    };
    struct fixture *f = *state;
    struct http_stats stats;
    struct client c;

    client_open_tcp(&c, f);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *request = xasprintf("GET /echo" H "%s\r\n", bad[i]);

        assert_ask(401, &c, request);
        assert_has(&c.head, "WWW-Authenticate: Bearer\r\n");
        free(request);
    }
    /* Without it nobody learns which paths there are. */
    assert_ask(401, &c, "GET /nowhere" H "\r\n");
    assert_ask(200, &c, "GET /open" H "\r\n");
    assert_has(&c.body, "\"who\":\"tcp:127.0.0.1\"");
    assert_ask(401, &c, "PUT /open" H "\r\n");
    assert_ask(200, &c,
               "GET /echo" H "Authorization: bearer " TOKEN "\r\n\r\n");
    assert_ask(401, &c, "PUT /body" H "Content-Length: 5\r\n\r\n");
    client_wait_eof(&c);
    http_server_get_stats(f->server, &stats);
    assert_int_equal(stats.n_unauthorized, ARRAY_SIZE(bad) + 3);
    client_close(&c);
}

/* Who guesses is told so ever later; who has the token waits for nobody,
 * though the address is the same. */
static void
guesses_are_answered_late(void **state)
{
    static const char guess[] = "GET /echo" H "Authorization: Bearer x\r\n"
                                "\r\n";
    struct client guessing[14], honest, smuggling;
    struct fixture *f = *state;
    struct http_stats stats;
    size_t n = ARRAY_SIZE(guessing);

    client_open_tcp(&honest, f);
    for (size_t i = 0; i < n; i++) {
        client_open_tcp(&guessing[i], f);
        client_say(&guessing[i], guess);
    }
    do {
        client_turn(&honest);
        http_server_get_stats(f->server, &stats);
    } while (stats.n_unauthorized < n);
    assert_in_range(stats.n_logins_delayed, 1, 4);
    assert_ask(200, &honest,
               "GET /echo" H "Authorization: Bearer " TOKEN "\r\n\r\n");
    assert_ask(401, &honest, "GET /echo" H "\r\n");   /* No guess at all. */
    http_server_get_stats(f->server, &stats);
    assert_true(stats.n_replies_to[HTTP_GET][4] < n + 1);
    /* A body is not read, and must not be taken for a request. */
    client_open_tcp(&smuggling, f);
    client_say(&smuggling, "PUT /body" H "Authorization: Bearer x\r\n"
               "Content-Length: 31\r\n\r\nGET /open" H "\r\n");
    assert_int_equal(client_reply(&smuggling), 401);
    client_wait_eof(&smuggling);
    assert_int_equal(smuggling.in.length, 0);
    client_close(&smuggling);
    /* One is waited for; the others leave, or are cut off. */
    assert_int_equal(client_reply(&guessing[n - 4]), 401);
    for (size_t i = 0; i < n; i++) {
        client_close(&guessing[i]);
    }
    client_close(&honest);
    assert_alive(f);
}

#define AUTH "Authorization: Bearer " TOKEN "\r\n"
#define GUESS "GET /echo" H "Authorization: Bearer x\r\n\r\n"

static struct http_stats
get_stats(const struct fixture *f)
{
    struct http_stats stats;

    http_server_get_stats(f->server, &stats);
    return stats;
}

/* Guesses on connections of their own, and waits for no answer, until one is
 * refused unseen. */
static void
flood_by_guesses(struct fixture *f)
{
    uint64_t before = get_stats(f).n_logins_rejected;

    for (int i = 0; get_stats(f).n_logins_rejected == before; i++) {
        uint64_t n_requests = get_stats(f).n_requests;
        struct client c;

        assert_true(i < 1000);
        client_open_tcp(&c, f);
        client_say(&c, GUESS);
        while (get_stats(f).n_requests == n_requests) {
            event_base_loop(f->base, EVLOOP_ONCE);
        }
        client_close(&c);
    }
}

static void
guesses_that_wait_for_no_answer_are_bounded(void **state)
{
    struct client honest, tricky[5], c;
    struct fixture *f = *state;
    long long int since_ms;
    int status = 200;

    client_open_tcp(&honest, f);
    assert_ask(200, &honest, "GET /echo" H AUTH "\r\n");
    for (size_t i = 0; i < ARRAY_SIZE(tricky); i++) {
        client_open_tcp(&tricky[i], f);
        assert_ask(200, &tricky[i], "GET /echo" H AUTH "\r\n");
    }
    since_ms = time_msec();
    flood_by_guesses(f);
    assert_true(get_stats(f).n_unauthorized
                <= 21 + (uint64_t) (time_msec() - since_ms) / 1000);

    /* Nobody learns by that whether a token is right; but who has shown his
     * already, on this connection, goes on.  (One more is looked at each
     * second.) */
    for (int i = 0; i < 50 && status == 200; i++) {
        flood_by_guesses(f);
        client_open_tcp(&c, f);
        status = client_ask(&c, "GET /echo" H AUTH "\r\n");
        if (status == 429) {
            assert_has(&c.head, "Retry-After: 1\r\n");
            assert_has(&c.head, "Connection: close\r\n");
            assert_has(&c.body, "invalid tokens");
        }
        client_close(&c);
        assert_ask(200, &honest, "GET /echo" H AUTH "\r\n");
    }
    assert_int_equal(status, 429);

    /* With another token he is as anybody. */
    status = 0;
    for (size_t i = 0; i < ARRAY_SIZE(tricky) && status != 429; i++) {
        flood_by_guesses(f);
        status = client_ask(&tricky[i], GUESS);
    }
    assert_int_equal(status, 429);

    /* It is over when they stop. */
    do {
        client_open_tcp(&c, f);
        status = client_ask(&c, "GET /echo" H AUTH "\r\n");
        client_close(&c);
    } while (status != 200);    /* Or the alarm. */
    client_close(&honest);
    for (size_t i = 0; i < ARRAY_SIZE(tricky); i++) {
        client_close(&tricky[i]);
    }
}

static void
cross_site_requests_are_refused_over_tcp(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        { "GET /echo" H AUTH "\r\n", 200 },
        { "GET /echo" H AUTH "Origin: http://h\r\n\r\n", 200 },
        { "GET /echo" H AUTH "Origin: https://H\r\n\r\n", 200 },
        { "GET /echo" H AUTH "Origin: http://h:81\r\n\r\n", 403 },
        { "GET /echo" H AUTH "Origin: ftp://h\r\n\r\n", 403 },
        { "GET /echo" H AUTH "Origin: null\r\n\r\n", 403 },
        { "GET /echo" H AUTH "Origin: https://b:8\r\n\r\n", 200 },
        { "GET /echo" H AUTH "Origin: https://b\r\n\r\n", 403 },
        { "GET /echo" H AUTH "Sec-Fetch-Site: none\r\n\r\n", 200 },
        { "GET /echo" H AUTH "Sec-Fetch-Site: same-site\r\n\r\n", 403 },
        { "GET /open" H "Sec-Fetch-Site: cross-site\r\n\r\n", 200 },
        /* It is not counted as one without the right token. */
        { "GET /echo" H "Sec-Fetch-Site: cross-site\r\n\r\n", 403 },
        { "GET /echo" H "\r\n", 401 },
        /* A body says what it is. */
        { "PUT /body" H AUTH "Content-Type: application/json\r\n"
          "Content-Length: 2\r\n\r\n{}", 200 },
        { "PUT /body" H AUTH "Content-Length: 2\r\n\r\n{}", 415 },
    };
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = *state;
    struct http_stats stats;
    struct client c;

    options.origins = "https://a,https://b:8";
    http_fixture_restart(f, &options);
    client_open_tcp(&c, f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_ask(cases[i].status, &c, cases[i].request);
    }
    client_close(&c);
    http_server_get_stats(f->server, &stats);
    assert_int_equal(stats.n_unauthorized, 1);
    assert_int_equal(stats.n_cross_origin, 6);

    /* No browser opens a unix socket. */
    client_open(&c, f);
    assert_ask(200, &c, "GET /echo" H "Origin: http://other\r\n\r\n");
    assert_ask(200, &c, "PUT /body" H "Content-Length: 2\r\n\r\n{}");
    client_close(&c);
}

static void
socket_file_is_private_and_replaced_when_stale(void **state)
{
    static const struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = *state;
    struct http_server *other;
    struct stat st;
    char *text = NULL;

    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);

    /* A live one is not taken over. */
    other = http_server_create(f->base, &options, NULL, 0, NULL);
    assert_int_equal(http_listen_unix(other, f->path, NULL, &text),
                     EADDRINUSE);
    free(text);
    assert_alive(f);

    /* Nor is what is no socket. */
    char *file = xasprintf("%s/file", f->dir);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(http_listen_unix(other, file, NULL, &text), EEXIST);
    free(text);
    unlink(file);

    /* A dead one is. */
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ovs_strlcpy(sun.sun_path, file, sizeof sun.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *) &sun, sizeof sun), 0);
    close(fd);
    assert_int_equal(http_listen_unix(other, file, NULL, &text), 0);
    assert_int_equal(http_listen_unix(other, file, "no-such-group", &text),
                     EADDRINUSE);
    free(text);
    http_server_destroy(other);
    assert_int_equal(lstat(file, &st), -1);
    free(file);
}

static void
tcp_is_for_loopback_with_a_token_only(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;

    static const struct {
        const char *address;
        const char *token;
        int error;
    } cases[] = {
        { "0.0.0.0:0", TOKEN, EACCES }, { "[::]:0", TOKEN, EACCES },
        { "192.0.2.1:80", TOKEN, EACCES }, { "127.0.0.1:0", NULL, EACCES },
        { "localhost:0", TOKEN, EINVAL }, { "127.0.0.1:x", TOKEN, EINVAL },
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(http_listen_tcp(f->server, cases[i].address,
                                         cases[i].token, NULL, &text),
                         cases[i].error);
        free(text);
    }
}

static void
token_file_must_be_private_and_long_enough(void **state)
{
    static const struct {
        const char *content;
        int mode;
        int error;
    } cases[] = {
        { "0123456789abcdef\n", 0600, 0 },
        { "0123456789abcdef", 0400, 0 },
        { "\xef\xbb\xbf" "0123456789abcdef\r\n", 0600, 0 },
        { "0123456789abcdef\nmore\n", 0600, 0 },
        { "0123456789abcdef\n", 0640, EPERM },
        { "0123456789abcdef\n", 0604, EPERM },
        { "0123456789abcde\n", 0600, EINVAL },
        { "0123456789 abcdef\n", 0600, EINVAL },
        { "", 0600, EINVAL },
    };
    struct fixture *f = *state;
    char *file = xasprintf("%s/token", f->dir);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *token, *text = NULL;
        int fd = open(file, O_CREAT | O_WRONLY | O_TRUNC, 0600);

        assert_true(write(fd, cases[i].content, strlen(cases[i].content))
                    >= 0);
        fchmod(fd, cases[i].mode);
        close(fd);
        assert_int_equal(http_token_load(file, &token, &text),
                         cases[i].error);
        if (!cases[i].error) {
            assert_string_equal(token, "0123456789abcdef");
        }
        free(token);
        free(text);
        unlink(file);
    }
    free(file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(token_is_required_over_tcp),
        HTTP_TEST(guesses_are_answered_late),
        HTTP_TEST(guesses_that_wait_for_no_answer_are_bounded),
        HTTP_TEST(cross_site_requests_are_refused_over_tcp),
        HTTP_TEST(socket_file_is_private_and_replaced_when_stale),
        HTTP_TEST(tcp_is_for_loopback_with_a_token_only),
        HTTP_TEST(token_file_must_be_private_and_long_enough),
    };

    return http_fixture_run(tests);
}
