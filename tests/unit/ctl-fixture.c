/* SPDX-License-Identifier: Apache-2.0
 *
 * A scripted server, and vmnctl run against it; see ctl-fixture.h. */

#include <config.h>

#include "tests/unit/ctl-fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* The server.  ----------------------------------------------------------- */

struct server {
    char dir[32];
    char path[64];
    int fd;
    pthread_t thread;
    const struct step *steps;   /* Ends with a request of NULL. */
    size_t n_done;
    char *broken;               /* The request that got no answer, or NULL: of
                                 * all servers that one runs against, */
    char *fault;                /* as is the first thing that was not as in
                                 * steps. */
    struct server *first;       /* The server that has these. */
};

static void
note(struct server *server, char *fault)
{
    if (server->first->fault) {
        free(fault);
    } else {
        server->first->fault = fault;
    }
}

/* Reads a whole request.  Returns its body's offset, or 0. */
static size_t
read_request(int fd, struct ds *ds)
{
    for (;;) {
        char *end = strstr(ds_cstr(ds), "\r\n\r\n");
        char buffer[4096];
        ssize_t n;

        if (end) {
            const char *length = strstr(ds_cstr(ds), "Content-Length: ");
            size_t head = end + 4 - ds_cstr(ds);

            if (ds->length >= head + (length ? (size_t) atoi(length + 16)
                                      : 0)) {
                return head;
            }
        }
        n = read(fd, buffer, sizeof buffer);
        if (n <= 0) {
            return 0;
        }
        ds_put_buffer(ds, buffer, n);
    }
}

static void
check_body(struct server *server, const struct step *step, const char *body)
{
    json_t *expected = step->body ? json_loads(step->body, 0, NULL) : NULL;
    json_t *got = *body ? json_loads(body, 0, NULL) : NULL;

    if (step->body && !expected) {
        note(server, xasprintf("the test's body is no JSON: %s", step->body));
    }
    if (!expected != !got || (expected && !json_equal(expected, got))) {
        note(server, xasprintf("%s: body \"%s\", not \"%s\"", step->request,
                               body, step->body ? step->body : ""));
    }
    json_decref(expected);
    json_decref(got);
}

/* Checks that a request is the one that got no answer before. */
static void
check_repeated(struct server *server, const char *request)
{
    char **broken = &server->first->broken;

    if (*broken && strcmp(*broken, request)) {
        note(server, xasprintf("\"%s\" is not \"%s\" again", request,
                               *broken));
    } else if (*broken && strncmp(request, "GET ", 4)
               && !strstr(request, "Idempotency-Key: \"")) {
        note(server, xasprintf("\"%s\" has no key", request));
    }
    free(*broken);
    *broken = NULL;
}

/* Checks a request that is as the step says but for its end. */
static void
check_beginning(struct server *server, const struct step *step,
                const char *request)
{
    if (strncmp(request, step->request, strlen(step->request) - 1)) {
        note(server, xasprintf("\"%.100s\", not \"%s\"", request,
                               step->request));
    }
}

static void
check_request(struct server *server, const struct step *step,
              const char *request)
{
    size_t len = strcspn(step->request, "\n");
    const char *header = step->request + len;

    if (strncmp(request, step->request, len)
        || strncmp(request + len, " HTTP/1.1\r\n", 11)
        || !strstr(request, header)) {
        note(server, xasprintf("\"%.100s\", not \"%s\"", request,
                               step->request));
    }
}

static void
answer(struct server *server, int fd, const char *request, size_t body)
{
    const struct step *step = &server->steps[server->n_done];
    const char *text = "{}";
    int status = 500;
    char *reply;

    if (!step->request) {
        note(server, xasprintf("one call too many: %.60s", request));
    } else {
        if (step->request[strlen(step->request) - 1] == '*') {
            check_beginning(server, step, request);
        } else {
            check_request(server, step, request);
            check_body(server, step, request + body);
        }
        check_repeated(server, request);
        status = step->status;
        text = step->answer;
        server->n_done++;
        if (!status) {
            server->first->broken = xstrdup(request);
            return;
        }
    }
    reply = xasprintf("HTTP/1.1 %d X\r\nContent-Length: %"PRIuSIZE"\r\n"
                      "Connection: close\r\n%s\r\n%s", status, strlen(text),
                      status == 503 ? "Retry-After: 1\r\n" : "", text);
    if (write(fd, reply, strlen(reply)) < 0) {
        note(server, xasprintf("write: %s", ovs_strerror(errno)));
    }
    free(reply);
}

static void *
serve(void *server_)
{
    struct server *server = server_;

    for (;;) {
        int fd = accept(server->fd, NULL, NULL);
        struct ds request = DS_EMPTY_INITIALIZER;
        size_t body;

        if (fd < 0) {
            return NULL;        /* The test shut the listener down. */
        }
        ds_put_cstr(&request, "");
        body = read_request(fd, &request);
        if (body) {
            answer(server, fd, ds_cstr(&request), body);
        }
        ds_destroy(&request);
        close(fd);
    }
}

static void
server_start(struct server *server, const struct step *steps,
             struct server *first)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    memset(server, 0, sizeof *server);
    server->steps = steps;
    server->first = first;
    strcpy(server->dir, "/tmp/vmnctl-test-XXXXXX");
    assert_non_null(mkdtemp(server->dir));
    snprintf(server->path, sizeof server->path, "%s/sock", server->dir);
    ovs_strlcpy(sun.sun_path, server->path, sizeof sun.sun_path);
    server->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(server->fd >= 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *) &sun, sizeof sun),
                     0);
    assert_int_equal(listen(server->fd, 8), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void
server_stop(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    unlink(server->path);
    rmdir(server->dir);
}

/* Running vmnctl.  ------------------------------------------------------- */

#define MAX_ARGS 16

void
run_uninit(struct run *run)
{
    free(run->out);
    free(run->err);
}

void
run(struct run *result, const char *server, const char *in, const char *line)
{
    char *words = xasprintf("vmnctl %s", line);
    char *argv[MAX_ARGS + 1];
    char *save = NULL;
    size_t out_size, err_size;
    FILE *in_file, *out, *err;
    int argc = 0;

    setenv("VMNCTL_SERVER", server, 1);
    unsetenv("VMNCTL_TOKEN");
    for (char *word = strtok_r(words, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        assert_true(argc < MAX_ARGS);
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    in_file = fmemopen(CONST_CAST(char *, in), strlen(in), "r");
    out = open_memstream(&result->out, &out_size);
    err = open_memstream(&result->err, &err_size);
    assert_true(in_file && out && err);
    result->status = ctl_main(argc, argv, in_file, out, err);
    fclose(in_file);
    fclose(out);
    fclose(err);
    free(words);
}

void
play_several(struct run *result, const struct step *const scripts[], size_t n,
             const char *in, const char *line)
{
    struct server servers[4];
    struct ds names = DS_EMPTY_INITIALIZER;

    assert_true(n <= ARRAY_SIZE(servers));
    for (size_t i = 0; i < n; i++) {
        ds_put_cstr(&names, i ? "," : "");
        if (scripts[i]) {
            server_start(&servers[i], scripts[i], &servers[0]);
            ds_put_format(&names, "unix:%s", servers[i].path);
        } else {
            memset(&servers[i], 0, sizeof servers[i]);
            ds_put_cstr(&names, "unix:/nonexistent/vmnd.sock");
        }
    }
    run(result, ds_cstr(&names), in, line);
    ds_destroy(&names);
    for (size_t i = n; i-- > 0;) {
        if (scripts[i]) {
            server_stop(&servers[i]);
        }
    }
    free(servers[0].broken);
    if (servers[0].fault) {
        fail_msg("%s", servers[0].fault);
    }
    for (size_t i = 0; i < n; i++) {
        assert_null(scripts[i] ? scripts[i][servers[i].n_done].request : NULL);
    }
}

void
play(struct run *result, const struct step *steps, const char *in,
     const char *line)
{
    play_several(result, &steps, 1, in, line);
}

void
assert_play(const struct step *steps, const char *in, const char *line,
            int status, const char *out, const char *err)
{
    struct run result;

    play(&result, steps, in, line);
    assert_string_equal(result.out, out);
    assert_string_equal(result.err, err);
    assert_int_equal(result.status, status);
    run_uninit(&result);
}

void
assert_alone(const char *in, const char *line, int status,
             const char *err_part)
{
    struct run result;

    run(&result, "unix:/nonexistent/vmnd.sock", in, line);
    if (!strstr(result.err, err_part)) {
        fail_msg("\"%s\" says \"%s\", not \"%s\"", line, result.err,
                 err_part);
    }
    assert_int_equal(result.status, status);
    run_uninit(&result);
}
