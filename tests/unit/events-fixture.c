/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients of GET /v1/events; see events-fixture.h. */

#include <config.h>

#include "tests/unit/events-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

void
told_uninit(struct told *told)
{
    json_decref(told->data);
    told->data = NULL;
}

void
listen_at(struct fixture *f, struct client *c, const char *path,
          const char *headers)
{
    char *request = make_request("GET", path, headers, NULL);
    char *end;

    client_connect(c, f->base, f->path);
    client_say(c, request);
    free(request);
    while (!(end = strstr(ds_cstr(&c->in), "\r\n\r\n"))) {
        assert_false(c->eof);
        client_turn(c);
    }
    assert_non_null(strstr(c->in.string, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(c->in.string, "text/event-stream"));
    memmove(c->in.string, end + 4, strlen(end + 4) + 1);
    c->in.length = strlen(c->in.string);
}

bool
next_event(struct client *c, struct told *told)
{
    for (;;) {
        char *end = strstr(ds_cstr(&c->in), "\n\n");
        bool beat = end && c->in.string[0] == ':';

        if (!end && c->eof) {
            return false;
        } else if (!end) {
            client_turn(c);
            continue;
        }
        *end = '\0';
        if (!beat) {
            const char *data = strstr(c->in.string, "\ndata: ");

            assert_int_equal(sscanf(c->in.string,
                                    "id: %"SCNu64"\nevent: %15s",
                                    &told->id, told->kind), 2);
            assert_non_null(data);
            told->data = json_loads(data + 7, 0, NULL);
            assert_non_null(told->data);
        }
        memmove(c->in.string, end + 2, c->in.length - (end + 2
                                                       - c->in.string) + 1);
        c->in.length -= end + 2 - c->in.string;
        if (!beat) {
            return true;
        }
    }
}

void
expect(struct client *c, const char *kind, struct told *told)
{
    assert_true(next_event(c, told));
    if (strcmp(told->kind, kind)) {
        char *text = json_dumps(told->data, 0);

        fail_msg("%s instead of %s: %s", told->kind, kind, text);
    }
}

void
expect_member(struct client *c, const char *kind, const char *member,
              const char *want)
{
    struct told told;

    expect(c, kind, &told);
    assert_string_equal(json_string_value(json_object_get(told.data,
                                                          member)), want);
    told_uninit(&told);
}

void
expect_change(struct client *c, const char *type, const char *name)
{
    struct told told;
    json_t *change;

    expect(c, "revision", &told);
    change = json_array_get(json_object_get(told.data, "changes"), 0);
    assert_string_equal(json_string_value(json_object_get(change, "type")),
                        type);
    assert_string_equal(json_string_value(json_object_get(change, "name")),
                        name);
    told_uninit(&told);
}

void
expect_start(struct client *c, const char *kind, struct fixture *f)
{
    struct told told;

    expect(c, kind, &told);
    assert_int_equal(json_integer_value(json_object_get(told.data,
                                                        "revision")),
                     model_durable_revision(f->model));
    told_uninit(&told);
}
